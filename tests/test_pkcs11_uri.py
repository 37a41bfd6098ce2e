"""PKCS #11 URIs: every example of RFC 7512, what is refused, modules and PINs, and any URI back and forth."""

from __future__ import annotations

import os
import string
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_signing_ref import pkcs11_uri
from model_signing_ref.errors import OperationError
from model_signing_ref.paths import is_pkcs11_uri
from model_signing_ref.pkcs11_uri import (
    PATH_ATTRIBUTES,
    QUERY_ATTRIBUTES,
    Pkcs11Uri,
    Secret,
    bare_name,
    find_module,
    format_uri,
    parse,
    read_pin,
    well_known_directories,
)

# RFC 7512, section 3, in its order; the line breaks there are for the page only.
RFC_EXAMPLES: list[tuple[str, dict[str, bytes]]] = [
    ("pkcs11:", {}),
    ("pkcs11:object=my-pubkey;type=public", {"object": b"my-pubkey", "type": b"public"}),
    (
        "pkcs11:object=my-key;type=private?pin-source=file:/etc/token",
        {"object": b"my-key", "type": b"private", "pin-source": b"file:/etc/token"},
    ),
    (
        "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;"
        "manufacturer=Snake%20Oil,%20Inc.;model=1.0;object=my-certificate;type=cert;"
        "id=%69%95%3E%5C%F4%BD%EC%91;serial=?pin-source=file:/etc/token_pin",
        {
            "token": b"The Software PKCS#11 Softtoken",
            "manufacturer": b"Snake Oil, Inc.",
            "model": b"1.0",
            "object": b"my-certificate",
            "type": b"cert",
            "id": bytes.fromhex("69953e5cf4bdec91"),
            "serial": b"",
            "pin-source": b"file:/etc/token_pin",
        },
    ),
    (
        "pkcs11:object=my-sign-key;type=private?module-name=mypkcs11",
        {"object": b"my-sign-key", "type": b"private", "module-name": b"mypkcs11"},
    ),
    (
        "pkcs11:object=my-sign-key;type=private?module-path=/mnt/libmypkcs11.so.1",
        {"object": b"my-sign-key", "type": b"private", "module-path": b"/mnt/libmypkcs11.so.1"},
    ),
    (
        "pkcs11:token=Software%20PKCS%2311%20softtoken;manufacturer=Snake%20Oil,%20Inc.?pin-value=the-pin",
        {"token": b"Software PKCS#11 softtoken", "manufacturer": b"Snake Oil, Inc.", "pin-value": b"the-pin"},
    ),
    ("pkcs11:slot-description=Sun%20Metaslot", {"slot-description": b"Sun Metaslot"}),
    (
        "pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;"
        "library-description=Soft%20Token%20Library;library-version=1.23",
        {
            "library-manufacturer": b"Snake Oil, Inc.",
            "library-description": b"Soft Token Library",
            "library-version": b"1.23",
        },
    ),
    (
        "pkcs11:token=My%20token%25%20created%20by%20Joe;library-version=3;id=%01%02%03%Ba%dd%Ca%fe%04%05%06",
        {
            "token": b"My token% created by Joe",
            "library-version": b"3",
            "id": bytes.fromhex("010203baddcafe040506"),
        },
    ),
    (
        "pkcs11:token=A%20name%20with%20a%20substring%20%25%3B;object=my-certificate;type=cert",
        {"token": b"A name with a substring %;", "object": b"my-certificate", "type": b"cert"},
    ),
    (
        "pkcs11:token=Name%20with%20a%20small%20A%20with%20acute:%20%C3%A1;object=my-certificate;type=cert",
        {"token": "Name with a small A with acute: á".encode(), "object": b"my-certificate", "type": b"cert"},
    ),
    (
        "pkcs11:token=my-token;object=my-certificate;type=cert;vendor-aaa=value-a"
        "?pin-source=file:/etc/token_pin&vendor-bbb=value-b",
        {
            "token": b"my-token",
            "object": b"my-certificate",
            "type": b"cert",
            "vendor-aaa": b"value-a",
            "pin-source": b"file:/etc/token_pin",
            "vendor-bbb": b"value-b",
        },
    ),
]


@pytest.mark.parametrize(("text", "attributes"), RFC_EXAMPLES, ids=range(len(RFC_EXAMPLES)))
def test_rfc_example(text: str, attributes: dict[str, bytes]) -> None:
    uri = parse(text)
    assert dict(uri.path) | dict(uri.query) == attributes
    assert parse(format_uri(uri)) == uri
    known = {name: value for name, value in attributes.items() if not name.startswith("vendor-")}
    assert {name: uri.get(name) for name in known} == known
    assert uri.unknown() == [name for name in attributes if name == "vendor-aaa"]


def test_rfc_versions() -> None:
    """Section 2.3: `M` is `M.0`."""
    assert pkcs11_uri.library_version("3") == pkcs11_uri.library_version("3.0") == (3, 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pkcs12:object=a", "starts with 'pkcs11:'"),
        ("/etc/key.pem", "starts with 'pkcs11:'"),
        ("pkcs11:object", "attribute 1 of the path"),
        ("pkcs11:object=a;", "attribute 2 of the path"),
        ("pkcs11:object=a;;id=%01", "attribute 2 of the path"),
        ("pkcs11:=a", "attribute 1 of the path"),
        ("pkcs11:obj.ect=a", "attribute 1 of the path"),
        ("pkcs11:?module-name", "attribute 1 of the query"),
        ("pkcs11:?module-name=a&", "attribute 2 of the query"),
        ("pkcs11:object=a;object=b", "'object' more than once"),
        ("pkcs11:vendor=a;vendor=b", "'vendor' more than once"),
        ("pkcs11:?module-name=a&module-name=b", "'module-name' more than once"),
        ("pkcs11:?pin-value=1&pin-value=2", "'pin-value' more than once"),
        ("pkcs11:?pin-value=1&pin-source=/a", "both pin-value and pin-source"),
        ("pkcs11:object=a;pin-value=1", "belongs after"),
        ("pkcs11:?object=a", "belongs before"),
        ("pkcs11:token=My token", "(token) has a character"),
        ("pkcs11:token=a/b", "(token) has a character"),
        ("pkcs11:token=á", "(token) has a character"),
        ("pkcs11:token=a%", "(token) has a character"),
        ("pkcs11:token=a%2", "(token) has a character"),
        ("pkcs11:token=a%2g", "(token) has a character"),
        ("pkcs11:object=a#b", "(object) has a character"),
        ("pkcs11:object=a\n", "(object) has a character"),
        ("pkcs11:token=%FF", "'token' of the PKCS #11 URI is not UTF-8"),
        ("pkcs11:object=a%00", "'object' of the PKCS #11 URI has a NUL"),
        ("pkcs11:slot-id=", "'slot-id' of the PKCS #11 URI is not a decimal"),
        ("pkcs11:slot-id=-1", "'slot-id' of the PKCS #11 URI is not a decimal"),
        ("pkcs11:slot-id=0x1", "'slot-id' of the PKCS #11 URI is not a decimal"),
        ("pkcs11:slot-id=%D9%A1", "'slot-id' of the PKCS #11 URI is not a decimal"),
        (f"pkcs11:slot-id={'9' * 5000}", "'slot-id' of the PKCS #11 URI is not a decimal"),
        ("pkcs11:library-version=", "'library-version' of the PKCS #11 URI is not M"),
        ("pkcs11:library-version=1.", "'library-version' of the PKCS #11 URI is not M"),
        ("pkcs11:library-version=1.2.3", "'library-version' of the PKCS #11 URI is not M"),
        ("pkcs11:library-version=256", "'library-version' of the PKCS #11 URI is not M"),
        ("pkcs11:type=", "'type' of the PKCS #11 URI is none of"),
        ("pkcs11:type=privat", "'type' of the PKCS #11 URI is none of"),
        ("pkcs11:?module-path=lib/a.so", "'module-path' of the PKCS #11 URI is not an absolute path"),
        ("pkcs11:?module-path=", "'module-path' of the PKCS #11 URI is not an absolute path"),
    ],
)
def test_refused(text: str, said: str) -> None:
    with pytest.raises(OperationError) as caught:
        parse(text)
    assert said in caught.value.detail


@pytest.mark.parametrize(
    "text",
    [
        "pkcs11:?",
        "PKCS11:object=a",
        "pkcs11:object=:[]@!$'()*+,=&-._~",
        "pkcs11:?pin-value=:[]@!$'()*+,=-._~/?|",
        "pkcs11:id=",
        "pkcs11:id=%00%FF",
        "pkcs11:vendor=%FF",
        "pkcs11:slot-id=00018446744073709551615",
        "pkcs11:?vendor=a&vendor=b",
        "pkcs11:library-version=255.255",
    ],
)
def test_accepted(text: str) -> None:
    assert parse(format_uri(parse(text))) == parse(text)


def test_id_is_wholly_encoded() -> None:
    """Section 2.3: the whole value of `id` should be percent-encoded."""
    assert format_uri(parse("pkcs11:id=ab;object=ab")) == "pkcs11:id=%61%62;object=ab"


def test_is_pkcs11_uri() -> None:
    assert is_pkcs11_uri("pkcs11:object=a")
    assert is_pkcs11_uri("Pkcs11:object=a")
    assert is_pkcs11_uri(b"pkcs11:")
    assert not is_pkcs11_uri(Path("pkcs11") / "key.pem")
    assert not is_pkcs11_uri("key.pem")


def values(name: str) -> st.SearchStrategy[bytes]:
    special = {
        "id": st.binary(max_size=20),
        "slot-id": st.integers(0, 2**64 - 1).map(lambda n: str(n).encode()),
        "library-version": st.sampled_from([b"1", b"2.40", b"255.255"]),
        "type": st.sampled_from([each.encode() for each in pkcs11_uri.OBJECT_TYPES]),
        "module-path": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])).map(
            lambda s: os.path.join(os.path.abspath(os.sep), "m", s.lstrip("/")).encode()
        ),
    }
    text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
    return special.get(name, text.map(str.encode))


def attributes(names: tuple[str, ...]) -> st.SearchStrategy[tuple[tuple[str, bytes], ...]]:
    known = st.sampled_from(names).flatmap(lambda name: st.tuples(st.just(name), values(name)))
    taken = {*PATH_ATTRIBUTES, *QUERY_ATTRIBUTES}
    vendor = st.text(string.ascii_letters + string.digits + "-_", min_size=1).filter(lambda name: name not in taken)
    either = st.one_of(known, st.tuples(vendor, st.binary(max_size=20)))
    return st.lists(either, unique_by=lambda pair: pair[0]).map(tuple)


URIS = st.builds(Pkcs11Uri, attributes(PATH_ATTRIBUTES), attributes(QUERY_ATTRIBUTES[1:]))


@given(URIS)
def test_any_uri_goes_back_and_forth(uri: Pkcs11Uri) -> None:
    text = format_uri(uri)
    assert parse(text) == uri
    assert text.isascii()
    assert text.isprintable()
    assert " " not in text
    assert format_uri(parse(text)) == text


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        uri = parse(f"pkcs11:{text}")
    except OperationError:
        return
    assert parse(format_uri(uri)) == uri


@given(URIS, st.sampled_from("%;?&=#/\\ \n\0aé"), st.integers(min_value=0))
def test_a_damaged_uri_is_parsed_or_refused(uri: Pkcs11Uri, character: str, place: int) -> None:
    text = format_uri(uri)
    at = place % (len(text) + 1)
    try:
        damaged = parse(text[:at] + character + text[at:])
    except OperationError:
        return
    assert parse(format_uri(damaged)) == damaged


@given(URIS)
def test_percent_encoding_everything_changes_nothing(uri: Pkcs11Uri) -> None:
    def encode(pairs: tuple[tuple[str, bytes], ...], mark: str) -> str:
        return mark.join(f"{name}={''.join(f'%{byte:02x}' for byte in value)}" for name, value in pairs)

    assert parse(f"pkcs11:{encode(uri.path, ';')}?{encode(uri.query, '&')}") == uri


# ---- modules


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")
    return folder


def with_query(**query: object) -> Pkcs11Uri:
    return Pkcs11Uri((), tuple((name.replace("_", "-"), str(value).encode()) for name, value in query.items()))


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("libsofthsm2.so", "softhsm2"),
        ("libSoftHSM2.so.1.2", "softhsm2"),
        ("opensc-pkcs11.so", "opensc-pkcs11"),
        ("libykcs11.2.dylib", "ykcs11"),
        ("opensc-pkcs11.dll", "opensc-pkcs11"),
        ("OPENSC-PKCS11.DLL", "opensc-pkcs11"),
        ("softhsm2", "softhsm2"),
        ("lib.so", "lib"),
        ("", ""),
    ],
)
def test_bare_name(file_name: str, name: str) -> None:
    assert bare_name(file_name) == name


def test_module_path_is_a_file(tmp_path: Path) -> None:
    file = touch(tmp_path, "libp11.so") / "libp11.so"
    assert find_module(with_query(module_path=file)) == str(file)
    assert find_module(with_query(module_path=file, module_name="other")) == str(file)


def test_module_path_is_missing(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match=r"there is no PKCS #11 module '.*libp11.so'"):
        find_module(with_query(module_path=tmp_path / "libp11.so"))


def test_module_path_is_a_directory(tmp_path: Path) -> None:
    touch(tmp_path, "libp11.so", "libother.so")
    assert find_module(with_query(module_path=tmp_path, module_name="P11")) == str(tmp_path / "libp11.so")
    with pytest.raises(OperationError, match="is a directory, which needs module-name"):
        find_module(with_query(module_path=tmp_path))
    with pytest.raises(OperationError, match="no PKCS #11 module 'p12' in"):
        find_module(with_query(module_path=tmp_path, module_name="p12"))


def test_module_name_is_searched_in_the_given_directories(tmp_path: Path) -> None:
    first, second = touch(tmp_path / "a", "libx.so"), touch(tmp_path / "b", "libp11.so", "libx.so")
    uri = with_query(module_name="p11")
    assert find_module(uri, [first, second]) == str(second / "libp11.so")
    assert find_module(with_query(module_name="x"), [second, first]) == str(second / "libx.so")
    assert find_module(with_query(module_name="libx.so"), [first]) == str(first / "libx.so")
    assert find_module(uri, [first / "libx.so", second / "libp11.so"]) == str(second / "libp11.so")
    with pytest.raises(OperationError, match="no PKCS #11 module 'p11' in"):
        find_module(uri, [first, tmp_path / "absent"])


def test_module_name_is_searched_in_the_well_known_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = touch(tmp_path / "lib", "libp11.so")
    (folder / "libdir.so").mkdir()
    monkeypatch.setattr(pkcs11_uri, "well_known_directories", lambda: [str(tmp_path / "absent"), str(folder)])
    assert find_module(with_query(module_name="p11")) == str(folder / "libp11.so")
    with pytest.raises(OperationError, match=r"no PKCS #11 module 'dir' in '[^']*lib'\Z"):
        find_module(with_query(module_name="dir"))
    with pytest.raises(OperationError, match="no PKCS #11 module 'p11' in any directory"):
        monkeypatch.setattr(pkcs11_uri, "well_known_directories", list)
        find_module(with_query(module_name="p11"))


def test_no_module_is_named(tmp_path: Path) -> None:
    file = touch(tmp_path, "libp11.so", "libx.so") / "libp11.so"
    assert find_module(Pkcs11Uri(), [tmp_path, file]) == str(file)
    for given_paths in ((), (tmp_path,), (file, tmp_path / "libx.so")):
        with pytest.raises(OperationError, match="names no module: add module-path or module-name"):
            find_module(Pkcs11Uri(), given_paths)


@pytest.mark.skipif(os.name == "nt", reason="the directories of POSIX systems")
def test_well_known_directories() -> None:
    found = well_known_directories()
    assert {"/usr/lib64/pkcs11", "/usr/lib/pkcs11", "/usr/lib/softhsm"} <= set(found)  # Fedora, Arch, Debian
    assert {"/opt/homebrew/lib/pkcs11", "/Library/OpenSC/lib"} <= set(found)  # macOS
    assert len(found) == len(set(found))
    assert all(os.path.isabs(each) for each in found)


def test_well_known_directories_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROGRAMFILES", "D:/Programs")
    monkeypatch.setenv("SYSTEMROOT", "D:/Windows")
    found = pkcs11_uri._windows_directories()
    assert {"D:/Programs/OpenSC Project/OpenSC/pkcs11", "D:/Windows/System32", "C:/SoftHSM2/lib"} <= set(found)


# ---- PINs

PIN = "no-such-pin-4711"


@pytest.mark.parametrize(
    ("content", "pin"),
    [
        (b"4711", b"4711"),
        (b"4711\n", b"4711"),
        (b"4711\r\n", b"4711"),
        (b"4711\n\n", b"4711\n"),
        (b" 4711 ", b" 4711 "),
        (b"\xff\n", b"\xff"),
    ],
)
def test_pin_source_is_read(tmp_path: Path, content: bytes, pin: bytes) -> None:
    file = tmp_path / "a pin"
    file.write_bytes(content)
    for source in (str(file), file.as_uri(), f"file:{file.as_uri()[7:]}", f"FILE://localhost{file.as_uri()[7:]}"):
        assert read_pin(with_query(pin_source=source)) == pin


def test_pin_value_is_taken() -> None:
    assert read_pin(parse("pkcs11:?pin-value=a%26b%C3%A1")) == "a&bá".encode()
    assert read_pin(parse("pkcs11:")) is None


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (f"|/bin/echo {PIN}", "names a command; it is not run"),
        (PIN, "neither an absolute path nor a file: URI"),
        (f"http://example.org/{PIN}", "neither an absolute path nor a file: URI"),
        (f"file://example.org/{PIN}", "a file: URI that names no file"),
        (f"file:{PIN}", "a file: URI that names no file"),
        (f"file:/etc/{PIN}?a", "a file: URI that names no file"),
        (f"file:/etc/{PIN}#a", "a file: URI that names no file"),
        (f"file:/etc/{PIN}%00", "a file: URI that names no file"),
        (f"file://[/{PIN}", "a file: URI that names no file"),
    ],
)
def test_pin_source_is_refused(source: str, said: str) -> None:
    with pytest.raises(OperationError) as caught:
        read_pin(with_query(pin_source=source))
    assert said in caught.value.detail
    assert PIN not in caught.value.detail


def test_pin_file_is_missing_empty_or_too_long(tmp_path: Path) -> None:
    file = tmp_path / "pin"
    with pytest.raises(FileNotFoundError):
        read_pin(with_query(pin_source=file))
    for content, said in ((b"", "gives is empty"), (b"\n", "gives is empty"), (b"1" * 4097, "more than 4096 bytes")):
        file.write_bytes(content)
        with pytest.raises(OperationError, match=said):
            read_pin(with_query(pin_source=file))
    with pytest.raises(OperationError, match="pin-value gives is empty"):
        read_pin(parse("pkcs11:?pin-value="))


def test_a_secret_is_not_shown() -> None:
    uri = parse(f"pkcs11:object=a?pin-value={PIN}")
    secret = read_pin(uri)
    for text in (repr(uri), str(uri), f"{uri}", repr(uri.query), repr(secret), str(secret), f"{secret}", f"{secret!r}"):
        assert PIN not in text
    assert secret == PIN.encode()
    assert isinstance(secret, Secret)


@pytest.mark.parametrize(
    "make",
    [
        lambda pin: f"pkcs11:object=a;pin-value={pin}",
        lambda pin: f"pkcs11:object=a;{pin}",
        lambda pin: f"pkcs11:object=a?{pin}",
        lambda pin: f"pkcs11:object=a?pin-value={pin} ",
        lambda pin: f"pkcs11:object=a?pin-value={pin}%",
        lambda pin: f"pkcs11:object=a?pin-value={pin}%00",
        lambda pin: f"pkcs11:object=a?pin-value=1&{pin}",
        lambda pin: f"pkcs11:object=a?pin-value=1&{pin}= ",
        lambda pin: f"pkcs11:object=a?pin-value={pin}&pin-value={pin}",
        lambda pin: f"pkcs11:object=a?pin-value={pin}&pin-source=/{pin}",
        lambda pin: f"pkcs12:object=a?pin-value={pin}",
    ],
)
def test_no_refusal_shows_a_pin(make: Callable[[str], str]) -> None:
    with pytest.raises(OperationError) as caught:
        parse(make(PIN))
    assert PIN not in "".join(traceback.format_exception(caught.value))
