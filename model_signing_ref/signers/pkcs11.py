"""Sign with a key that never leaves its token (PKCS #11 v2.40 and later), named by a URI (RFC 7512).

PyKCS11 and asn1crypto are imported here only, and on use. A module, a session and a login live as long as one
`with` block: once when a key is looked up, and once for each signature. A PIN is kept as a Secret, and failures
are raised outside of the handlers that caught them, so that no frame which has seen a PIN hangs on an error.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from .. import keys, pkcs11_uri
from ..bundle import KEY, Material
from ..errors import MissingExtra, OperationError, quote
from ..pkcs11_uri import Pkcs11Uri, Secret
from ..signer import SignBytes, Signer, dsse_signer
from ..tree import StrPath
from ..verifiers.key import key_verifier
from .certificate import external_certificate_signer

AskPin = Callable[[str], bytes]  # the token's label in, the PIN out
_T = TypeVar("_T")

_CURVES: dict[str, ec.EllipticCurve] = {
    "1.2.840.10045.3.1.7": ec.SECP256R1(),
    "1.3.132.0.34": ec.SECP384R1(),
    "1.3.132.0.35": ec.SECP521R1(),
}
_OTHER_CURVE = "is not on P-256, P-384 or P-521 (OMS-REG-04)"

# Return values that mean that the token, or what was open on it, is no longer there (PKCS #11, section 5.1).
_GONE = (
    *("CKR_DEVICE_REMOVED", "CKR_TOKEN_NOT_PRESENT", "CKR_TOKEN_NOT_RECOGNIZED", "CKR_SLOT_ID_INVALID"),
    *("CKR_SESSION_CLOSED", "CKR_SESSION_HANDLE_INVALID", "CKR_OBJECT_HANDLE_INVALID", "CKR_KEY_HANDLE_INVALID"),
)
_PERHAPS_GONE = ("CKR_DEVICE_ERROR", "CKR_GENERAL_ERROR", "CKR_FUNCTION_FAILED")


# Modules are not asked to lock, and a login is that of the whole process (PKCS #11, section 5.6).
_ONE_AT_A_TIME = threading.RLock()


class TokenKey(NamedTuple):
    """A key on a token: the function that signs with it, and its public key."""

    sign: SignBytes
    public_key: ec.EllipticCurvePublicKey


class _Access(NamedTuple):
    """How to get at a key, whenever it is needed: `pin` gives the PIN for the token of that label."""

    uri: Pkcs11Uri
    module: str
    pin: Callable[[str], Secret]
    has_pin: bool


class _Token(NamedTuple):
    slot: int
    label: str
    flags: int
    attributes: dict[str, bytes]  # what the URI's slot and token attributes are compared with


class _Object:
    """A handle of PyKCS11, which must not be shown: its repr asks the token, and once that is closed crashes."""

    def __init__(self, handle: Any) -> None:
        self.handle = handle


class _Key(NamedTuple):
    """A private key in an open session; valid as long as the session."""

    session: Any
    object: _Object
    token: _Token
    name: str


def pkcs11_signer(uri: str, *, module_paths: Iterable[StrPath] = (), ask_pin: AskPin | None = None) -> Signer:
    """A signer for the key method with the key that `uri` names. Raises what token_key raises."""
    key = token_key(uri, module_paths=module_paths, ask_pin=ask_pin)
    return dsse_signer(key.sign, Material(KEY, hint=keys.fingerprint(key.public_key)), key_verifier(key.public_key))


def pkcs11_certificate_signer(
    uri: str,
    chain: Sequence[x509.Certificate],
    *,
    module_paths: Iterable[StrPath] = (),
    ask_pin: AskPin | None = None,
    allow_invalid_certificate: bool = False,
) -> Signer:
    """A signer for the certificate method with the key that `uri` names; `chain` starts with its certificate.

    Raises what token_key and external_certificate_signer raise.
    """
    leaf = next(iter(chain), None)
    key = token_key(uri, module_paths=module_paths, ask_pin=ask_pin, certificate=leaf)
    return external_certificate_signer(
        key.sign, key.public_key, chain, allow_invalid_certificate=allow_invalid_certificate
    )


def token_key(
    uri: str,
    *,
    module_paths: Iterable[StrPath] = (),
    ask_pin: AskPin | None = None,
    certificate: x509.Certificate | None = None,
) -> TokenKey:
    """The key that `uri` names, looked up once now and again for each signature.

    `module_paths` are searched for `module-name` instead of the well-known directories. `ask_pin` is called once
    at most, when the token wants a login and the URI has no PIN. `certificate` stands in for a public key that
    the token does not have. Raises MissingExtra, OSError (pin-source) and OperationError.
    """
    _pykcs11()
    access = _access(pkcs11_uri.parse(uri), module_paths, ask_pin)
    with _open_key(access) as key:
        public_key = _public_key(key, certificate)

    def sign(message: bytes) -> bytes:
        """The DER signature over `message`. Raises OperationError."""
        with _open_key(access) as key:
            return _sign(key, public_key.curve, message, access)

    return TokenKey(sign, public_key)


def _pykcs11() -> ModuleType:
    """PyKCS11, and asn1crypto is there too. Raises MissingExtra."""
    try:
        importlib.import_module("asn1crypto")
        return importlib.import_module("PyKCS11")
    except ImportError:
        detail = "PKCS #11 needs PyKCS11 and asn1crypto: pip install 'model_signing_ref[pkcs11]'"
        raise MissingExtra(detail, clause="REF-PKCS11-01") from None


def _access(uri: Pkcs11Uri, module_paths: Iterable[StrPath], ask_pin: AskPin | None) -> _Access:
    """What a key is opened with. Raises OSError, and OperationError for a URI that can't name a private key.

    An unknown attribute of the path matches nothing (REF-PKCS11-02).
    """
    if uri.get("object") is None and uri.get("id") is None:
        raise OperationError("the PKCS #11 URI names no key: it needs object or id")
    if (kind := uri.text("type")) not in (None, "private"):
        raise OperationError(f"the PKCS #11 URI names an object of type {kind}; signing needs type=private")
    if unknown := uri.unknown():
        detail = "which no key has (RFC 7512, section 2.4)"
        raise OperationError(f"the path of the PKCS #11 URI has the unknown attribute {quote(unknown[0])}, {detail}")
    module = pkcs11_uri.find_module(uri, module_paths)
    pins = [pin] if (pin := pkcs11_uri.read_pin(uri)) is not None else []

    def remember(label: str) -> Secret:
        if not pins:
            if ask_pin is None:
                raise OperationError(f"the token {quote(label)} needs a PIN: add pin-source to the PKCS #11 URI")
            if not (asked := Secret(ask_pin(label))):
                raise OperationError(f"no PIN was given for the token {quote(label)}")
            pins.append(asked)
        return pins[0]

    return _Access(uri, module, remember, bool(pins))


def _call(what: str, action: Callable[[], _T]) -> _T:
    """The outcome of `action`, which talks to the token. Raises OperationError that says what could not be done."""
    code = 0
    try:
        return action()
    except _pykcs11().PyKCS11Error as error:
        code = error.value
    raise _failure(what, code)


def _failure(what: str, code: int) -> OperationError:
    """The error for a return value of PKCS #11 that is not CKR_OK."""
    name = _code_name(code)
    gone = "the token is gone: " if name in _GONE else ""
    perhaps = "; the token may be gone" if name in _PERHAPS_GONE else ""
    return OperationError(f"{gone}could not {what}: {name}{perhaps}")


def _code_name(code: int) -> str:
    name: str = _pykcs11().CKR.get(code, f"the return value 0x{code:08X}")
    return name


@contextmanager
def _open_key(access: _Access) -> Iterator[_Key]:
    """The private key, for as long as the block runs; then session, login and module are closed."""
    with _ONE_AT_A_TIME, _open_module(access.module) as library:
        token = _find_token(library, access.uri)
        with _open_session(library, token, access) as session:
            yield _find_key(session, token, access.uri)


@contextmanager
def _open_module(path: str) -> Iterator[Any]:
    """The PKCS #11 module in the file `path`, initialized. Raises OperationError if it is none."""
    p11 = _pykcs11()
    _check_module(path)
    library = p11.PyKCS11Lib()
    unload = library.unload
    # Its finalizer unloads once more, and waits for ever if it runs while another one is being unloaded: PyKCS11
    # guards both with one lock that is not reentrant.
    library.unload = _do_nothing
    _call(f"start the PKCS #11 module {quote(path)}", lambda: library.load(path))
    try:
        yield library
    finally:
        unload()


def _do_nothing() -> None:
    """What is left of unloading when it was done."""


def _check_module(path: str) -> None:
    """Raise OperationError if the file `path` is no library with a C_GetFunctionList.

    PyKCS11 would write its own line on stderr then.
    """
    try:
        ctypes.CDLL(path, winmode=0).C_GetFunctionList  # noqa: B018 - a look-up of the symbol
    except (OSError, AttributeError) as error:
        raise OperationError(f"{quote(path)} is not a PKCS #11 module: {quote(str(error))}") from None


def _find_token(library: Any, uri: Pkcs11Uri) -> _Token:
    """The one token that `uri` describes (RFC 7512, section 2.4). Raises OperationError for none or several."""
    _check_library(library, uri)
    slots: list[int] = _call("list the slots", lambda: library.getSlotList(tokenPresent=True))
    if (wanted := uri.text("slot-id")) is not None:
        slots = [slot for slot in slots if slot == int(wanted)]
    tokens = [token for token in (_read_token(library, slot) for slot in slots) if token is not None]
    found = [token for token in tokens if not _difference(token, uri)]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(str(token.slot) for token in found)
        raise OperationError(
            f"{len(found)} tokens match the PKCS #11 URI, in the slots {listed}; add slot-id or serial"
        )
    if wanted is None:
        names = ", ".join(quote(token.label) for token in tokens) or "no token at all"
        raise OperationError(f"no token matches the PKCS #11 URI; there is {names}")
    detail = f"differs from the PKCS #11 URI in its {_difference(tokens[0], uri)}" if tokens else "is not there"
    raise OperationError(f"the token in slot {int(wanted)} {detail}")


def _check_library(library: Any, uri: Pkcs11Uri) -> None:
    """Raise OperationError if `uri` has a library attribute that the module does not (CK_INFO)."""
    info = _call("ask the module what it is", library.getInfo)
    actual: dict[str, object] = {
        "library-manufacturer": _unpad(info.manufacturerID),
        "library-description": _unpad(info.libraryDescription),
        "library-version": tuple(info.libraryVersion),
    }
    for name, value in actual.items():
        if (text := uri.text(name)) is None:
            continue
        wanted = pkcs11_uri.library_version(text) if name == "library-version" else _unpad(text)
        if wanted != value:
            raise OperationError(f"the PKCS #11 module differs from the PKCS #11 URI in its {name}")


def _unpad(text: str) -> bytes:
    """A string of PKCS #11 without the blanks that fill it up; an empty value is all blanks (RFC 7512, section 2.3)."""
    return text.encode("utf-8", "surrogateescape").rstrip(b" \0")


def _read_token(library: Any, slot: int) -> _Token | None:
    """The token in `slot`; None if it is not initialized or does not answer."""
    p11 = _pykcs11()
    with suppress(p11.PyKCS11Error):
        place, info = library.getSlotInfo(slot), library.getTokenInfo(slot)
        attributes = {
            "slot-description": _unpad(place.slotDescription),
            "slot-manufacturer": _unpad(place.manufacturerID),
            "token": _unpad(info.label),
            "manufacturer": _unpad(info.manufacturerID),
            "model": _unpad(info.model),
            "serial": _unpad(info.serialNumber),
        }
        if info.flags & p11.CKF_TOKEN_INITIALIZED:
            return _Token(slot, attributes["token"].decode("utf-8", "replace"), info.flags, attributes)
    return None


def _difference(token: _Token, uri: Pkcs11Uri) -> str:
    """The first attribute of `uri` that the token does not have; empty if it has them all."""
    for name, value in token.attributes.items():
        wanted = uri.text(name)
        if wanted is not None and _unpad(wanted) != value:
            return name
    return ""


@contextmanager
def _open_session(library: Any, token: _Token, access: _Access) -> Iterator[Any]:
    """A read-only session, logged in if the token wants it or a PIN is given."""
    p11 = _pykcs11()
    session = _call("open a session", lambda: library.openSession(token.slot))
    logged_in = False
    try:
        if access.has_pin or token.flags & p11.CKF_LOGIN_REQUIRED:
            logged_in = _log_in(session, token, access, p11.CKU_USER)
        yield session
    finally:
        if logged_in:
            with suppress(p11.PyKCS11Error):
                session.logout()
        with suppress(p11.PyKCS11Error):
            session.closeSession()


def _log_in(session: Any, token: _Token, access: _Access, user: int) -> bool:
    """Log in with the PIN, once; with a PIN pad the device asks for it. Whether it was this call that logged in.

    Raises OperationError, which says how near the token is to being locked if its flags tell.
    """
    p11 = _pykcs11()
    code = 0
    pad = token.flags & p11.CKF_PROTECTED_AUTHENTICATION_PATH and not access.has_pin
    secret = Secret() if pad else access.pin(token.label)
    try:
        session.login(secret, user)
    except p11.PyKCS11Error as error:
        code = error.value
    if code in (0, p11.CKR_USER_ALREADY_LOGGED_IN):
        return code == 0
    name, label = _code_name(code), quote(token.label)
    if code == p11.CKR_PIN_LOCKED:
        raise OperationError(f"the PIN of the token {label} is locked")
    if code in (p11.CKR_PIN_INCORRECT, p11.CKR_PIN_INVALID, p11.CKR_PIN_LEN_RANGE):
        raise OperationError(f"wrong PIN for the token {label} ({name}){_tries_left(session.pykcs11, token)}")
    raise OperationError(f"could not log in to the token {label}: {name}")


def _tries_left(library: Any, token: _Token) -> str:
    """What the token's flags say of the tries that are left, as the end of a sentence."""
    p11 = _pykcs11()
    now = _read_token(library, token.slot)
    said = (
        (p11.CKF_USER_PIN_LOCKED, "; the PIN is locked now"),
        (p11.CKF_USER_PIN_FINAL_TRY, "; one try is left"),
        (p11.CKF_USER_PIN_COUNT_LOW, "; fewer tries are left than usual"),
    )
    return next((text for flag, text in said if now is not None and now.flags & flag), "")


def _find_key(session: Any, token: _Token, uri: Pkcs11Uri) -> _Key:
    """The one private key that `uri` names, on one of the three curves and allowed to sign. Raises OperationError."""
    p11 = _pykcs11()
    label, ident = uri.text("object"), uri.get("id")
    name = _key_name(label, ident)
    found = _find(session, p11.CKO_PRIVATE_KEY, label, ident)
    if not found:
        raise OperationError(f"{name} is not on the token {quote(token.label)}")
    if len(found) > 1:
        ids = ", ".join(sorted((_attribute(session, each, p11.CKA_ID) or b"").hex() or "none" for each in found))
        raise OperationError(f"{name} is {len(found)} keys, with the ids {ids}; name one by object and id")
    key = _Key(session, found[0], token, name)
    kind = _number(_attribute(session, key.object, p11.CKA_KEY_TYPE))
    if kind != p11.CKK_EC:
        raise OperationError(f"{name} is no elliptic-curve key but {p11.CKK.get(kind, 'of another type')}")
    if _attribute(session, key.object, p11.CKA_SIGN) == b"\0":
        raise OperationError(f"{name} is not allowed to sign (CKA_SIGN is false)")
    return key


def _key_name(label: str | None, ident: bytes | None) -> str:
    """The key of a URI, as messages call it."""
    said = [] if label is None else [f"the label {quote(label)}"]
    return f"the key with {' and '.join(said if ident is None else [*said, f'the id {ident.hex()}'])}"


def _find(session: Any, kind: int, label: str | None, ident: bytes | None) -> list[_Object]:
    """The objects of the class `kind` with that CKA_LABEL and that CKA_ID, as far as they are given."""
    p11 = _pykcs11()
    template: list[tuple[int, object]] = [(p11.CKA_CLASS, kind)]
    if label is not None:
        template.append((p11.CKA_LABEL, label))
    if ident is not None:
        template.append((p11.CKA_ID, ident))
    return _call("search the token", lambda: [_Object(each) for each in session.findObjects(template)])


def _attribute(session: Any, thing: _Object, kind: int) -> bytes | None:
    """The bytes of one attribute of an object; None if the object does not have it or does not tell."""
    values = _call("read an object", lambda: session.getAttributeValue(thing.handle, [kind], allAsBinary=True))
    return None if values[0] is None else bytes(values[0])


def _number(value: bytes | None) -> int:
    """A CK_ULONG, which has the byte order of the machine; -1 if there is none."""
    return -1 if value is None else int.from_bytes(value, sys.byteorder)


def _public_key(key: _Key, certificate: x509.Certificate | None) -> ec.EllipticCurvePublicKey:
    """The public key that goes with `key`: of a public key object, a certificate on the token, or `certificate`.

    Raises OperationError if there is none, or if it is on a curve that OMS does not have.
    """
    p11 = _pykcs11()
    if params := _attribute(key.session, key.object, p11.CKA_EC_PARAMS):
        _curve(params, key.name)
    if (thing := _companion(key, p11.CKO_PUBLIC_KEY)) is not None:
        params = _attribute(key.session, thing, p11.CKA_EC_PARAMS) or params or b""
        point = _attribute(key.session, thing, p11.CKA_EC_POINT) or b""
        return _decode_point(point, _curve(params, key.name), key.name)
    if (thing := _companion(key, p11.CKO_CERTIFICATE)) is not None:
        certificate = _load_certificate(_attribute(key.session, thing, p11.CKA_VALUE) or b"", key.name)
    if certificate is None:
        raise OperationError(f"{key.name} has neither its public key nor a certificate beside it on the token")
    public = certificate.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey) or public.curve.name not in keys.CURVE_HASHES:
        raise OperationError(f"the certificate's key {_OTHER_CURVE}")
    return public


def _companion(key: _Key, kind: int) -> _Object | None:
    """The object of the class `kind` that belongs to `key`: of the same CKA_ID, or else label; None without one.

    Of several with that id, the one that has the label too is meant.
    """
    p11 = _pykcs11()
    ident = _attribute(key.session, key.object, p11.CKA_ID) or None
    label = (_attribute(key.session, key.object, p11.CKA_LABEL) or b"").decode("utf-8", "replace") or None
    for choice in ((label, ident), (None, ident)) if ident else ((label, None),):
        if choice != (None, None) and (found := _find(key.session, kind, *choice)):
            return found[0]
    return None


def _curve(params: bytes, name: str) -> ec.EllipticCurve:
    """The curve of CKA_EC_PARAMS, the DER of an object identifier (RFC 5480). Raises OperationError for any other."""
    domain = importlib.import_module("asn1crypto.keys").ECDomainParameters
    identifier = ""
    with suppress(ValueError, TypeError, KeyError):
        chosen = domain.load(params, strict=True)
        identifier = chosen.chosen.dotted if chosen.name == "named" else ""
    if identifier not in _CURVES:
        raise OperationError(f"{name} {_OTHER_CURVE}")
    return _CURVES[identifier]


def _decode_point(data: bytes, curve: ec.EllipticCurve, name: str) -> ec.EllipticCurvePublicKey:
    """The key of CKA_EC_POINT: a point (SEC 1, section 2.3.3) in an OCTET STRING, or bare as some tokens have it.

    Both start with the byte 4, so the length decides. Raises OperationError if there is no point of `curve`.
    """
    size = (curve.key_size + 7) // 8
    octets = importlib.import_module("asn1crypto.core").OctetString
    try:
        point = data if len(data) in (1 + size, 1 + 2 * size) else octets.load(data, strict=True).native
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    except (ValueError, TypeError):
        raise OperationError(f"{name} has no public key that can be read (CKA_EC_POINT)") from None


def _load_certificate(der: bytes, name: str) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        raise OperationError(f"{name} has a certificate beside it that can't be read (CKA_VALUE)") from None


def _sign(key: _Key, curve: ec.EllipticCurve, message: bytes, access: _Access) -> bytes:
    """The DER signature over `message`, hashed here with the curve's hash and signed by CKM_ECDSA.

    A key with CKA_ALWAYS_AUTHENTICATE takes the PIN once more, for this one signature.
    """
    p11 = _pykcs11()
    digest = hashes.Hash(keys.CURVE_HASHES[curve.name]())
    digest.update(message)
    data, raw = p11.ckbytelist(digest.finalize()), p11.ckbytelist()
    mechanism, session = p11.Mechanism(p11.CKM_ECDSA, None), key.session
    again = _attribute(session, key.object, p11.CKA_ALWAYS_AUTHENTICATE) == b"\1"
    code = session.lib.C_SignInit(session.session, mechanism.to_native(), key.object.handle)
    if again and not code:
        _log_in(session, key.token, access, p11.CKU_CONTEXT_SPECIFIC)
    for _ in range(2):  # the first call tells the size
        code = code or session.lib.C_Sign(session.session, data, raw)
    if code:
        raise _failure("sign", code)
    return _to_der(bytes(raw), (curve.key_size + 7) // 8)


def _to_der(raw: bytes, size: int) -> bytes:
    """The DER of ECDSA-Sig-Value (RFC 3279) from r‖s, `size` bytes each. Raises OperationError for another length."""
    if len(raw) != 2 * size:
        raise OperationError(f"the token gave a signature of {len(raw)} bytes, not {2 * size}")
    return encode_dss_signature(int.from_bytes(raw[:size], "big"), int.from_bytes(raw[size:], "big"))
