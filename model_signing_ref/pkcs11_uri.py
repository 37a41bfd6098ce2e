"""PKCS #11 URIs (RFC 7512): text to attributes and back, the module that they name, the PIN that they lead to.

Nothing here talks to a token. What is wrong with a URI is an OperationError that quotes names of attributes
and never their values, since a PIN may stand anywhere in a URI that was typed wrongly.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

from .errors import OperationError, quote
from .paths import PKCS11_SCHEME, is_pkcs11_uri
from .tree import StrPath

# RFC 7512, section 2.3: what each attribute of the path stands for.
LIBRARY_ATTRIBUTES = ("library-manufacturer", "library-description", "library-version")
SLOT_ATTRIBUTES = ("slot-manufacturer", "slot-description", "slot-id")
TOKEN_ATTRIBUTES = ("token", "manufacturer", "serial", "model")
OBJECT_ATTRIBUTES = ("object", "type", "id")
PATH_ATTRIBUTES = (*LIBRARY_ATTRIBUTES, *SLOT_ATTRIBUTES, *TOKEN_ATTRIBUTES, *OBJECT_ATTRIBUTES)
QUERY_ATTRIBUTES = ("pin-source", "pin-value", "module-name", "module-path")
OBJECT_TYPES = ("public", "private", "cert", "secret-key", "data")

# The same section: characters besides the unreserved ones of RFC 3986 that need no percent-encoding.
_ANYWHERE = ":[]@!$'()*+,="
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_VERSION = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,3}))?")
_SLOT_ID = re.compile(r"[0-9]{1,40}")  # any C unsigned long, with leading zeros
_FILE_URI = re.compile(r"file:(?://(?:localhost)?)?(/(?!/)[^?#]*)", re.IGNORECASE | re.DOTALL)
MAX_PIN_BYTES = 4096  # a PIN has a few dozen; a longer file is some other file


class _Part(NamedTuple):
    """One of the two parts of a URI: what divides it, what needs no encoding, whose attributes are whose."""

    name: str
    mark: str
    safe: str
    known: Sequence[str]
    misplaced: Sequence[str]
    side: str


_PATH = _Part("path", ";", f"{_ANYWHERE}&", PATH_ATTRIBUTES, QUERY_ATTRIBUTES, "after")
_QUERY = _Part("query", "&", f"{_ANYWHERE}/?|", QUERY_ATTRIBUTES, PATH_ATTRIBUTES, "before")


class Secret(bytes):
    """Bytes that no message, repr or traceback shows."""

    def __repr__(self) -> str:
        """Say that there is something, and not what."""
        return "<secret>"

    __str__ = __repr__


Attribute = tuple[str, bytes]


class Pkcs11Uri(NamedTuple):
    """The attributes of a URI in their order, percent-decoded; unknown ones are kept."""

    path: tuple[Attribute, ...] = ()
    query: tuple[Attribute, ...] = ()

    def get(self, name: str) -> bytes | None:
        """The value of an attribute that RFC 7512 names, or None if the URI does not have it."""
        return dict(self.query if name in QUERY_ATTRIBUTES else self.path).get(name)

    def text(self, name: str) -> str | None:
        """The same as text; for every attribute but `id`, which may hold any bytes."""
        value = self.get(name)
        return None if value is None else value.decode("utf-8")

    def unknown(self) -> list[str]:
        """The names in the path that RFC 7512 does not have."""
        return [name for name, _ in self.path if name not in PATH_ATTRIBUTES]


def parse(text: str) -> Pkcs11Uri:
    """The attributes of the URI `text`, checked one by one and for contradictions (REF-PKCS11-02).

    Raises OperationError.
    """
    if not is_pkcs11_uri(text):
        raise OperationError("a PKCS #11 URI starts with 'pkcs11:' (RFC 7512)")
    path, _, query = text[len(PKCS11_SCHEME) :].partition("?")
    uri = Pkcs11Uri(
        tuple(_split(path, _PATH)),
        tuple(_split(query, _QUERY)),
    )
    repeated = [name for name, _ in uri.path] + [name for name, _ in uri.query if name in QUERY_ATTRIBUTES]
    for name in repeated:
        if repeated.count(name) > 1:
            raise OperationError(f"the PKCS #11 URI has the attribute {name!r} more than once (RFC 7512, section 2.3)")
    if uri.get("pin-value") is not None and uri.get("pin-source") is not None:
        raise OperationError("the PKCS #11 URI has both pin-value and pin-source (RFC 7512, section 2.3)")
    return uri


def _split(text: str, part: _Part) -> list[Attribute]:
    """The attributes in the text of one part of a URI."""
    attributes = []
    value_form = re.compile(rf"(?:[A-Za-z0-9._~{re.escape(part.safe)}-]|%[0-9A-Fa-f]{{2}})*")
    for number, piece in enumerate(text.split(part.mark) if text else [], 1):
        name, equals, value = piece.partition("=")
        where = f"attribute {number} of the {part.name} of the PKCS #11 URI"  # an unknown name may be part of a PIN
        if not equals or not _NAME.fullmatch(name):
            raise OperationError(f"{where} is not name=value (RFC 7512, section 2.3)")
        if name in part.misplaced:
            raise OperationError(f"the attribute {name!r} of a PKCS #11 URI belongs {part.side} the '?'")
        if not value_form.fullmatch(value):
            detail = "has a character that must be percent-encoded (RFC 7512, section 2.3)"
            raise OperationError(f"{where}{f' ({name})' if name in part.known else ''} {detail}")
        decoded = unquote_to_bytes(value)
        if name in part.known and name != "id" and (fault := _fault(name, decoded)):
            raise OperationError(f"the attribute {name!r} of the PKCS #11 URI {fault}")
        attributes.append((name, Secret(decoded) if name == "pin-value" else decoded))
    return attributes


def _fault(name: str, value: bytes) -> str:
    """What is wrong with the value of an attribute that RFC 7512 names; empty if nothing is."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return "is not UTF-8"
    check, fault = _CHECKS.get(name, (bool, ""))
    return "has a NUL" if "\0" in text else "" if check(text) else fault


def _is_version(text: str) -> bool:
    return bool(_VERSION.fullmatch(text)) and max(library_version(text)) <= 255


def library_version(text: str) -> tuple[int, int]:
    """Major and minor version from `M` or `M.N`; `M` means `M.0` (RFC 7512, section 2.3)."""
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)


_CHECKS: dict[str, tuple[Callable[[str], bool], str]] = {
    "slot-id": (lambda text: bool(_SLOT_ID.fullmatch(text)), "is not a decimal number"),
    "library-version": (_is_version, "is not M or M.N, each at most 255"),
    "type": (OBJECT_TYPES.__contains__, f"is none of {', '.join(OBJECT_TYPES)}"),
    "module-path": (os.path.isabs, "is not an absolute path"),
}


def format_uri(uri: Pkcs11Uri) -> str:
    """The text of `uri`, PIN and all, which parse() reads back; `id` wholly percent-encoded (RFC 7512, section 2.3)."""
    path = ";".join(f"{name}={_encode(name, value, _PATH.safe)}" for name, value in uri.path)
    query = "&".join(f"{name}={_encode(name, value, _QUERY.safe)}" for name, value in uri.query)
    return f"{PKCS11_SCHEME}{path}?{query}" if query else f"{PKCS11_SCHEME}{path}"


def _encode(name: str, value: bytes, safe: str) -> str:
    return "".join(f"%{byte:02X}" for byte in value) if name == "id" else quote_from_bytes(bytes(value), safe)


def well_known_directories() -> list[str]:
    """Where PKCS #11 modules are installed on this system, in the order of the search."""
    if os.name == "nt":
        return _windows_directories()
    import platform
    import sysconfig

    machine = sysconfig.get_config_var("MULTIARCH") or f"{platform.machine()}-linux-gnu"
    roots = [
        *("/usr/lib64", f"/usr/lib/{machine}", "/usr/lib", "/usr/local/lib64", "/usr/local/lib"),
        *("/opt/homebrew/lib", "/opt/local/lib", "/run/current-system/sw/lib"),
    ]
    nested = [f"{root}/{folder}" for folder in ("pkcs11", "softhsm") for root in roots]
    vendors = ["/Library/OpenSC/lib", *sorted(glob.glob("/opt/*/lib")), *sorted(glob.glob("/opt/*/lib64"))]
    return [*nested, *roots, *vendors]


def _windows_directories() -> list[str]:
    programs = [os.environ.get(name, "") for name in ("PROGRAMFILES", "PROGRAMFILES(X86)")]
    folders = ("OpenSC Project/OpenSC/pkcs11", "Yubico/Yubico PIV Tool/bin", "SoftHSM2/lib", "Amazon/CloudHSM/lib")
    installed = [f"{program}/{folder}" for program in programs if program for folder in folders]
    return [*installed, "C:/SoftHSM2/lib", f"{os.environ.get('SYSTEMROOT', 'C:/Windows')}/System32"]


def bare_name(file_name: str) -> str:
    """A module's name without what a system adds to it, in lower case: `libSoftHSM2.so.1` is `softhsm2`."""
    match = re.fullmatch(
        r"(?:lib(?!\.))?(.+?)(?:\.so(?:\.[0-9]+)*|(?:\.[0-9]+)*\.dylib|\.dll)?", file_name.lower(), re.DOTALL
    )
    return match[1] if match else ""


def find_module(uri: Pkcs11Uri, module_paths: Iterable[StrPath] = ()) -> str:
    """The file of the module that `uri` names (RFC 7512, section 2.3). Raises OperationError.

    `module-path` names a file, or a directory to search for `module-name`. Without it the search is in
    `module_paths` (directories, or modules) where there are any, and in the well-known directories where not. A
    URI that names no module takes the one module in `module_paths`.
    """
    path, name = uri.text("module-path"), uri.text("module-name")
    given = [os.fsdecode(each) for each in module_paths]
    if path is not None and not os.path.isdir(path):
        if not os.path.isfile(path):
            raise OperationError(f"there is no PKCS #11 module {quote(path)}")
        return path
    if name is None:
        if path is not None:
            raise OperationError(f"module-path {quote(path)} is a directory, which needs module-name beside it")
        return _only_module(given)
    places = given or well_known_directories() if path is None else [path]
    for candidate in (file for place in places for file in _files_at(place)):
        if bare_name(os.path.basename(candidate)) == bare_name(name):
            return candidate
    searched = ", ".join(quote(place) for place in places if path or given or os.path.isdir(place))
    raise OperationError(f"no PKCS #11 module {quote(name)} in {searched or 'any directory'}")


def _only_module(given: list[str]) -> str:
    """The one file among `given`."""
    files = [each for each in given if os.path.isfile(each)]
    if len(files) == 1:
        return files[0]
    raise OperationError("the PKCS #11 URI names no module: add module-path or module-name after a '?'")


def _files_at(place: str) -> list[str]:
    """`place` itself if it is a file, the files in it if it is a directory, nothing if it is neither."""
    if os.path.isfile(place):
        return [place]
    try:
        names = sorted(os.listdir(place))
    except OSError:
        return []
    return [path for path in (os.path.join(place, name) for name in names) if os.path.isfile(path)]


def read_pin(uri: Pkcs11Uri) -> Secret | None:
    """The PIN that `uri` holds or leads to, None if there is none. Raises OSError and OperationError.

    A file's last newline is not part of the PIN.
    """
    source, value = uri.text("pin-source"), uri.get("pin-value")
    pin = _read_pin_file(_pin_path(source)) if source is not None else value
    if pin is None:
        return None
    if not pin:
        raise OperationError(f"the PIN that {'pin-value' if source is None else 'pin-source'} gives is empty")
    return Secret(pin)


def _pin_path(source: str) -> str:
    """The file that `pin-source` names: an absolute path, or a file: URI (RFC 8089), itself percent-encoded.

    A command is not run (REF-PKCS11-02).
    """
    if source.startswith("|"):
        raise OperationError("pin-source names a command; it is not run here, only files are read")
    path = source
    if source[:5].lower() == "file:":
        match = _FILE_URI.fullmatch(source)
        path = os.fsdecode(unquote_to_bytes(match[1])) if match else "\0"
        if "\0" in path:
            raise OperationError("pin-source is a file: URI that names no file of this system")
        if os.name == "nt":
            path = re.sub(r"\A/(?=[A-Za-z]:)", "", path)
    if not os.path.isabs(path):
        raise OperationError("pin-source is neither an absolute path nor a file: URI with one")
    return path


def _read_pin_file(path: str) -> Secret:
    with open(path, "rb") as file:
        data = Secret(file.read(MAX_PIN_BYTES + 1))
    if len(data) > MAX_PIN_BYTES:
        raise OperationError(f"the file {quote(path)} that pin-source names has more than {MAX_PIN_BYTES} bytes")
    return Secret(data.removesuffix(b"\r\n" if data.endswith(b"\r\n") else b"\n"))
