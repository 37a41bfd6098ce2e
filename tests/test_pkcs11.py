"""Keys on tokens: SoftHSM2, with tokens and keys made by softhsm2-util, pkcs11-tool and p11tool.

Every test's output, and every error with its whole traceback, is searched for the PIN.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from cryptography.x509.oid import NameOID

from model_signing_ref import dsse, keys, signing, verifying
from model_signing_ref.bundle import CERTIFICATE, KEY, read_bundle
from model_signing_ref.errors import MissingExtra, OperationError
from model_signing_ref.pkcs11_uri import Pkcs11Uri, Secret
from model_signing_ref.signers import pkcs11
from model_signing_ref.signers.pkcs11 import pkcs11_signer, token_key

PIN, SO_PIN = "pin-for-tests-4711", "so-pin-for-tests-4712"
TOOLS = ("softhsm2-util", "pkcs11-tool", "p11tool", "openssl")
NEEDS = "apt-get install softhsm2 opensc gnutls-bin openssl"
# pkcs11-tool's and p11tool's names of the curves.
CURVES: dict[str, tuple[ec.EllipticCurve, str, str]] = {
    "P-256": (ec.SECP256R1(), "EC:secp256r1", "secp256r1"),
    "P-384": (ec.SECP384R1(), "EC:secp384r1", "secp384r1"),
    "P-521": (ec.SECP521R1(), "EC:secp521r1", "secp521r1"),
}


@pytest.fixture(autouse=True)
def no_pin_in_the_output(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    output = "".join(capfd.readouterr())
    assert PIN not in output
    assert SO_PIN not in output


class Hsm(NamedTuple):
    """SoftHSM2 with a store of its own."""

    folder: Path
    module: str

    def run(self, *command: object) -> str:
        # A tool gets its PINs on its command line, so nothing of a failure is shown but its output.
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60, check=False)
        output = (done.stdout + done.stderr).replace(PIN, "PIN").replace(SO_PIN, "SO-PIN")
        assert done.returncode == 0, f"{command[0]}: {output}"
        return done.stdout

    def opensc(self, token: str, *options: object) -> str:
        login = ("--token-label", token, "--login", "--pin", PIN)
        return self.run("pkcs11-tool", "--module", self.module, *login, *options)

    def gnutls(self, *options: object) -> str:
        return self.run("p11tool", "--batch", "--provider", self.module, *options)

    def make_token(self, label: str) -> str:
        self.run("softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", SO_PIN)
        return label

    def make_key(self, token: str, label: str, ident: str, *options: str, kind: str = "EC:secp256r1") -> None:
        self.opensc(token, "--keypairgen", "--key-type", kind, "--label", label, "--id", ident, *options)

    def import_key(self, token: str, label: str, ident: str, key: ec.EllipticCurvePrivateKey, *options: str) -> None:
        file = self.folder / "import.pem"
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        names = ("--token", token, "--label", label, "--id", ident)
        self.run("softhsm2-util", "--import", file, *names, "--pin", PIN, *options)

    def add_certificate(self, token: str, label: str, ident: str, certificate: x509.Certificate) -> None:
        file = self.folder / "certificate.der"
        file.write_bytes(certificate.public_bytes(Encoding.DER))
        self.opensc(token, "--write-object", file, "--type", "cert", "--label", label, "--id", ident)

    def remove_token(self, token: str) -> None:
        self.run("softhsm2-util", "--delete-token", "--token", token)

    def uri(self, path: str, query: str = "") -> str:
        """A URI with module-path, and pin-source unless `query` says something else of the PIN."""
        pin = "" if "pin-" in query or "no-pin" in query else f"&pin-source={self.folder / 'pin'}"
        return f"pkcs11:{path}?module-path={self.module}{pin}{f'&{query}' if query else ''}"


def find_softhsm() -> str | None:
    folders = (
        "/usr/lib/softhsm",
        "/usr/lib64/softhsm",
        "/usr/lib64/pkcs11",
        "/usr/local/lib/softhsm",
        "/opt/homebrew/lib/softhsm",
    )
    return next((f"{folder}/libsofthsm2.so" for folder in folders if Path(folder, "libsofthsm2.so").is_file()), None)


@pytest.fixture(scope="module")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hsm]:
    pytest.importorskip("PyKCS11", reason="pip install 'model_signing_ref[pkcs11]'")
    module = find_softhsm()
    if module is None or not all(shutil.which(tool) for tool in TOOLS):
        pytest.skip(NEEDS)
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    (folder / "pin").write_text(f"{PIN}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        yield Hsm(folder, module)


@pytest.fixture(scope="module")
def token(hsm: Hsm) -> str:
    """A token with a key `key` (id 01) on P-256."""
    hsm.make_token("main")
    hsm.make_key("main", "key", "01")
    return "main"


def failure(action: Callable[[], object], *, with_locals: bool = True) -> str:
    """What the OperationError of `action` says; neither it nor its traceback, with all locals, shows the PIN."""
    with pytest.raises(OperationError) as caught:
        action()
    error: BaseException | None = caught.value
    while error is not None:  # suppressed ones too
        shown = traceback.TracebackException.from_exception(error, capture_locals=with_locals)
        assert PIN not in "".join(shown.format())
        error = error.__context__
    assert "\n" not in caught.value.detail
    return caught.value.detail


def pem(public_key: Any) -> bytes:
    data: bytes = public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return data


def sign_and_verify(uri: str, model: Path, folder: Path, public_key: Any) -> Path:
    """Sign `model`, verify with the same program, and give the signature's path."""
    signature, public = folder / "model.sig", folder / "model.pub"
    public.write_bytes(pem(public_key))
    signing.Config().use_pkcs11_signer(pkcs11_uri=uri).sign(model, signature)
    verifying.Config().use_elliptic_key_verifier(public_key=public).verify(model, signature)
    return signature


# ---- tokens and keys of three tools, on three curves, judged by three programs


def by_softhsm(hsm: Hsm, curve: str) -> Any:
    key = ec.generate_private_key(CURVES[curve][0])
    hsm.make_token(f"softhsm {curve}")
    hsm.import_key(f"softhsm {curve}", "key", "a1", key)
    return key.public_key()


def by_opensc(hsm: Hsm, curve: str) -> Any:
    label = f"opensc {curve}"
    slot = re.findall(r"Slot (\d+) ", hsm.run("pkcs11-tool", "--module", hsm.module, "-L"))[-1]
    so_pin = ("--so-pin", SO_PIN)
    hsm.run("pkcs11-tool", "--module", hsm.module, "--init-token", "--slot-index", slot, "--label", label, *so_pin)
    login = ("--token-label", label, "--login", "--login-type", "so", *so_pin)
    hsm.run("pkcs11-tool", "--module", hsm.module, *login, "--init-pin", "--pin", PIN)
    hsm.make_key(label, "key", "a1", kind=CURVES[curve][1])
    objects = hsm.opensc(label, "--list-objects", "--type", "pubkey")
    point = re.findall(r"EC(?:_POINT| Point): +([0-9a-f\s]+)", objects)[0]  # on one line, or since 0.27 on several
    size = 1 + 2 * ((CURVES[curve][0].key_size + 7) // 8)
    return ec.EllipticCurvePublicKey.from_encoded_point(CURVES[curve][0], bytes.fromhex(point)[-size:])


def by_gnutls(hsm: Hsm, curve: str) -> Any:
    label, file = f"gnutls {curve}", hsm.folder / "public.pem"
    hsm.gnutls("--initialize", "--label", label, "--set-so-pin", SO_PIN, "pkcs11:token=")
    url = f"pkcs11:token={label.replace(' ', '%20')}"
    hsm.gnutls("--initialize-pin", "--set-so-pin", SO_PIN, "--set-pin", PIN, url)
    names = ("--label", "key", "--id", "a1", "--outfile", file)
    hsm.gnutls("--login", "--set-pin", PIN, "--generate-privkey=ecdsa", f"--curve={CURVES[curve][2]}", *names, url)
    return load_pem_public_key(file.read_bytes())


MAKERS: dict[str, Callable[[Hsm, str], Any]] = {"softhsm": by_softhsm, "opensc": by_opensc, "gnutls": by_gnutls}


@pytest.fixture(scope="module", params=[f"{maker} {curve}" for maker in MAKERS for curve in CURVES])
def made(request: pytest.FixtureRequest, hsm: Hsm) -> tuple[str, Any]:
    """A URI, and the public key as the tool that made the key exported it."""
    maker, curve = request.param.split()
    public_key = MAKERS[maker](hsm, curve)
    return hsm.uri(f"token={maker}%20{curve};object=key;id=%a1;type=private"), public_key


def test_signatures_verify(made: tuple[str, Any], model: Path, tmp_path: Path) -> None:
    uri, public_key = made
    signature = sign_and_verify(uri, model, tmp_path, public_key)
    bundle = read_bundle(signature.read_bytes())
    assert bundle.material.kind == KEY
    assert bundle.material.hint == keys.fingerprint(public_key)
    assert PIN.encode() not in signature.read_bytes()
    assert decode_dss_signature(bundle.envelope.signature)


def test_signatures_verify_with_openssl(made: tuple[str, Any], model: Path, tmp_path: Path) -> None:
    uri, public_key = made
    envelope = read_bundle(sign_and_verify(uri, model, tmp_path, public_key).read_bytes()).envelope
    (tmp_path / "pae").write_bytes(dsse.pae(envelope.payload_type, envelope.payload))
    (tmp_path / "der").write_bytes(envelope.signature)
    digest = f"-{keys.CURVE_HASHES[public_key.curve.name]().name}"
    command = ["openssl", "dgst", digest, "-verify", "model.pub", "-signature", "der", "pae"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "Verified OK\n", done.stderr


def test_signatures_verify_with_model_signing(made: tuple[str, Any], model: Path, tmp_path: Path) -> None:
    peer = os.environ.get("OMS_PEER_PYTHON")
    if not peer:
        pytest.skip("pip install model-signing==1.1.1, and its python in OMS_PEER_PYTHON")
    uri, public_key = made
    (model / "empty").unlink()
    signature = sign_and_verify(uri, model, tmp_path, public_key)
    options = ["--public_key", str(tmp_path / "model.pub"), "--signature", str(signature), str(model)]
    command = [peer, "-P", "-m", "model_signing", "verify", "key", *options]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_urls_of_p11tool_are_taken(hsm: Hsm, token: str, model: Path, tmp_path: Path) -> None:
    """A URI as another program prints it, with model, manufacturer, serial, token, id, object and type."""
    listed = hsm.gnutls("--login", "--set-pin", PIN, "--list-privkeys", "--only-urls", f"pkcs11:token={token}")
    url = next(line for line in listed.splitlines() if "object=key;" in line)
    assert "serial=" in url
    key = token_key(f"{url}?pin-source={hsm.folder / 'pin'}", module_paths=[hsm.module])
    sign_and_verify(f"{url}?pin-source={hsm.folder / 'pin'}&module-path={hsm.module}", model, tmp_path, key.public_key)


# ---- options


def described(hsm: Hsm, label: str) -> str:
    """What softhsm2-util says of the slot with the token `label`."""
    slots = hsm.run("softhsm2-util", "--show-slots").split("\nSlot ")[1:]
    return next(slot for slot in slots if re.search(rf"Label: +{re.escape(label)}\s*$", slot))


def slot_of(hsm: Hsm, label: str) -> int:
    return int(described(hsm, label).split()[0])


def serial_of(hsm: Hsm, label: str) -> str:
    return str(re.findall(r"Serial number: +(\w+)", described(hsm, label))[0])


@pytest.mark.parametrize(
    "path",
    [
        "token=main;object=key",
        "token=main;id=%01",
        "token=main;object=key;id=%01",
        "token=main;object=key;type=private",
        "slot-id={slot};object=key",
        "slot-id=000{slot};token=main;object=key",
        "serial={serial};object=key",
        "token=main;object=key;manufacturer=SoftHSM%20project;model=SoftHSM%20v2",
        "token=main;object=key;library-manufacturer=SoftHSM;library-version=2.6",
        "token=main;object=key;library-description=Implementation%20of%20PKCS11",
        "token=main;object=key;slot-manufacturer=SoftHSM%20project",
        "token=main%20%20;object=key",
    ],
)
def test_path_attributes(hsm: Hsm, token: str, path: str) -> None:
    uri = hsm.uri(path.format(slot=slot_of(hsm, token), serial=serial_of(hsm, token)))
    key = token_key(uri)
    key.public_key.verify(key.sign(b"message"), b"message", ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("token=other;object=key", "no token matches the PKCS #11 URI; there is .*'main'"),
        ("token=;object=key", "no token matches"),
        (
            "slot-id={slot};token=other;object=key",
            "the token in slot {slot} differs from the PKCS #11 URI in its token",
        ),
        ("slot-id={slot};serial=01;object=key", "the token in slot {slot} differs from the PKCS #11 URI in its serial"),
        ("slot-id=99;object=key", "the token in slot 99 is not there"),
        ("token=main;serial=01;object=key", "no token matches"),
        ("token=main;manufacturer=other;object=key", "no token matches"),
        ("token=main;model=other;object=key", "no token matches"),
        ("token=main;slot-manufacturer=other;object=key", "no token matches"),
        ("token=main;slot-description=other;object=key", "no token matches"),
        (
            "token=main;library-manufacturer=other;object=key",
            "the PKCS #11 module differs from the PKCS #11 URI in its library-manufacturer",
        ),
        (
            "token=main;library-description=other;object=key",
            "the PKCS #11 module differs from the PKCS #11 URI in its library-description",
        ),
        (
            "token=main;library-version=2;object=key",
            "the PKCS #11 module differs from the PKCS #11 URI in its library-version",
        ),
        ("token=main;object=other", "the key with the label 'other' is not on the token 'main'"),
        ("token=main;id=%02", "the key with the id 02 is not on the token 'main'"),
        ("token=main;object=key;id=%02", "the key with the label 'key' and the id 02 is not on"),
        ("token=main;object=other;id=%01", "the key with the label 'other' and the id 01 is not on"),
        ("token=main;object=key;type=public", "an object of type public; signing needs type=private"),
        ("token=main;object=key;type=cert", "an object of type cert; signing needs type=private"),
        ("token=main;object=key;vendor-x=y", "the unknown attribute 'vendor-x'"),
        ("token=main", "names no key: it needs object or id"),
    ],
)
def test_path_attributes_that_match_nothing(hsm: Hsm, token: str, path: str, said: str) -> None:
    slot = slot_of(hsm, token)
    detail = failure(lambda: token_key(hsm.uri(path.format(slot=slot))))
    assert re.search(said.format(slot=slot), detail), detail


def test_module_name(hsm: Hsm, token: str) -> None:
    query = f"module-name=SoftHSM2&pin-source=file:{hsm.folder / 'pin'}"
    folder = str(Path(hsm.module).parent)
    assert token_key(f"pkcs11:token={token};object=key?{query}").sign(b"")
    assert token_key(f"pkcs11:token={token};object=key?{query}", module_paths=[folder]).sign(b"")
    assert token_key(f"pkcs11:token={token};object=key?{query}&module-path={folder}").sign(b"")


def test_unknown_query_attributes_are_ignored(hsm: Hsm, token: str) -> None:
    """RFC 7512, section 2.4."""
    assert token_key(hsm.uri(f"token={token};object=key", "vendor-x=1&vendor-x=2")).sign(b"")


def test_pin_value(hsm: Hsm, token: str) -> None:
    assert token_key(hsm.uri(f"token={token};object=key", f"pin-value={PIN}")).sign(b"")


def test_pin_is_asked_for_once(hsm: Hsm, token: str) -> None:
    asked: list[str] = []

    def ask(label: str) -> bytes:
        asked.append(label)
        return PIN.encode()

    key = token_key(hsm.uri(f"token={token};object=key", "no-pin=1"), ask_pin=ask)
    assert key.sign(b"") != key.sign(b"")
    assert asked == [token]


def test_pin_is_not_asked_for_when_given(hsm: Hsm, token: str) -> None:
    def ask(_: str) -> bytes:
        raise AssertionError

    assert token_key(hsm.uri(f"token={token};object=key"), ask_pin=ask).sign(b"")


def test_no_pin(hsm: Hsm, token: str) -> None:
    detail = failure(lambda: token_key(hsm.uri(f"token={token};object=key", "no-pin=1")))
    assert detail == "the token 'main' needs a PIN: add pin-source to the PKCS #11 URI"


def test_an_empty_pin_is_not_tried(hsm: Hsm, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(importlib.import_module("PyKCS11").Session, "login")
    uri = hsm.uri(f"token={token};object=key", "no-pin=1")
    assert failure(lambda: token_key(uri, ask_pin=lambda _: b"")) == "no PIN was given for the token 'main'"


def test_pin_source_is_missing(hsm: Hsm, token: str) -> None:
    with pytest.raises(FileNotFoundError):
        token_key(hsm.uri(f"token={token};object=key", f"pin-source={hsm.folder}/absent"))


def test_a_uri_is_taken_for_a_private_key(hsm: Hsm, token: str, model: Path, tmp_path: Path) -> None:
    uri = hsm.uri(f"token={token};object=key")
    config = signing.Config().use_elliptic_key_signer(private_key=uri)
    config.sign(model, tmp_path / "a.sig")
    config.sign(model, tmp_path / "b.sig")
    without = hsm.uri(f"token={token};object=key", "no-pin=1")
    signing.Config().use_elliptic_key_signer(private_key=without, password=PIN).sign(model, tmp_path / "c.sig")
    (tmp_path / "key.pub").write_bytes(pem(token_key(uri).public_key))
    for name in "abc":
        verifier = verifying.Config().use_elliptic_key_verifier(public_key=tmp_path / "key.pub")
        verifier.verify(model, tmp_path / f"{name}.sig")


def test_a_key_that_always_authenticates(hsm: Hsm) -> None:
    hsm.make_token("always")
    hsm.make_key("always", "key", "01", "--always-auth")
    key = token_key(hsm.uri("token=always;object=key"))
    for message in (b"first", b"second"):
        key.public_key.verify(key.sign(message), message, ec.ECDSA(hashes.SHA256()))


# ---- the public key


def certificate_for(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")]), datetime.now(timezone.utc)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256())


def test_public_key_of_a_certificate_on_the_token(hsm: Hsm) -> None:
    hsm.make_token("certified")
    for label, ident in (("by-id", "01"), ("by-label", "02")):
        key = ec.generate_private_key(ec.SECP384R1())
        hsm.import_key("certified", label, ident, key, "--no-public-key")
        uri = hsm.uri(f"token=certified;object={label}")
        assert failure(lambda uri=uri: token_key(uri)) == (  # type: ignore[misc]
            f"the key with the label '{label}' has neither its public key nor a certificate beside it on the token"
        )
        hsm.add_certificate("certified", "other" if label == "by-id" else label, ident, certificate_for(key))
        assert token_key(uri).public_key == key.public_key()


def test_public_key_of_a_given_certificate(hsm: Hsm, model: Path, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    hsm.make_token("bare")
    hsm.import_key("bare", "key", "01", key, "--no-public-key")
    found = token_key(hsm.uri("token=bare;object=key"), certificate=certificate_for(key))
    found.public_key.verify(found.sign(b"a"), b"a", ec.ECDSA(hashes.SHA256()))
    other = certificate_for(ec.generate_private_key(ec.SECP256K1()))
    detail = failure(lambda: token_key(hsm.uri("token=bare;object=key"), certificate=other))
    assert detail == "the certificate's key is not on P-256, P-384 or P-521 (OMS-REG-04)"


@pytest.mark.parametrize("curve", CURVES)
def test_points_are_wrapped_or_bare(curve: str) -> None:
    pytest.importorskip("asn1crypto", reason="pip install 'model_signing_ref[pkcs11]'")
    key = ec.generate_private_key(CURVES[curve][0]).public_key()
    for form in (PublicFormat.UncompressedPoint, PublicFormat.CompressedPoint):
        point = key.public_bytes(Encoding.X962, form)
        length = bytes([len(point)]) if len(point) < 128 else bytes([0x81, len(point)])
        for data in (point, b"\x04" + length + point):
            assert pkcs11._decode_point(data, CURVES[curve][0], "the key") == key
        for data in (
            b"",
            point[:-1],
            b"\x04" + length + point[:-1],
            b"\x03" + length + point,
            b"\x04" + length + point + b"\0",
        ):
            detail = failure(lambda data=data: pkcs11._decode_point(data, CURVES[curve][0], "the key"))  # type: ignore[misc]
            assert detail == "the key has no public key that can be read (CKA_EC_POINT)"


def test_curves_are_named() -> None:
    pytest.importorskip("asn1crypto", reason="pip install 'model_signing_ref[pkcs11]'")
    assert pkcs11._curve(bytes.fromhex("06082a8648ce3d030107"), "").name == "secp256r1"
    for params in (b"", b"\x05\0", b"\x06", bytes.fromhex("06052b8104000a"), bytes.fromhex("06082a8648ce3d03010700")):
        assert failure(lambda params=params: pkcs11._curve(params, "it")).startswith("it is not on P-256")  # type: ignore[misc]


def test_signatures_of_a_wrong_length() -> None:
    assert decode_dss_signature(pkcs11._to_der(bytes(31) + b"\1" + b"\xff" * 32, 32)) == (1, 2**256 - 1)
    for length in (0, 63, 65, 96):
        detail = failure(lambda length=length: pkcs11._to_der(bytes(length), 32))  # type: ignore[misc]
        assert detail == f"the token gave a signature of {length} bytes, not 64"


# ---- the certificate method


def issued(tmp_path: Path, key: ec.EllipticCurvePrivateKey, *, usage: bool = True) -> tuple[Path, Path]:
    """A certificate for `key` and that of its issuer, as PEM files."""
    ca_key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(timezone.utc)
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("leaf", "root")]
    paths = []
    for index, public in enumerate((key.public_key(), ca_key.public_key())):
        builder = x509.CertificateBuilder(names[1], names[index], public, x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(index == 1, None), critical=True)
        key_usage = x509.KeyUsage(
            index == 0 and usage, False, False, False, index == 0, index == 1, False, False, False
        )
        builder = builder.add_extension(key_usage, critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        paths.append(tmp_path / f"{names[index].rfc4514_string()}.pem")
        paths[-1].write_bytes(builder.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM))
    return paths[0], paths[1]


@pytest.fixture(scope="module")
def leaf_key(hsm: Hsm) -> ec.EllipticCurvePrivateKey:
    """A key that is on the token `leaf`, without its public key."""
    key = ec.generate_private_key(ec.SECP521R1())
    hsm.make_token("leaf")
    hsm.import_key("leaf", "key", "01", key, "--no-public-key")
    return key


def test_certificate_signer(hsm: Hsm, leaf_key: ec.EllipticCurvePrivateKey, model: Path, tmp_path: Path) -> None:
    (leaf, root), signature = issued(tmp_path, leaf_key), tmp_path / "model.sig"
    uri, asking = hsm.uri("token=leaf;object=key"), hsm.uri("token=leaf;object=key", "no-pin=1")
    options: dict[str, Any] = {"signing_certificate": leaf, "certificate_chain": [root]}
    for config in (
        signing.Config().use_pkcs11_certificate_signer(pkcs11_uri=uri, **options),
        signing.Config().use_pkcs11_certificate_signer(pkcs11_uri=uri, module_paths=[hsm.folder], **options),
        signing.Config().use_pkcs11_certificate_signer(pkcs11_uri=asking, ask_pin=lambda _: PIN.encode(), **options),
        signing.Config().use_certificate_signer(private_key=uri, **options),
        signing.Config().use_certificate_signer(private_key=asking, password=PIN, **options),
    ):
        config.sign(model, signature)
        verifying.Config().use_certificate_verifier(certificate_chain=[root]).verify(model, signature)
        bundle = read_bundle(signature.read_bytes())
        assert (bundle.material.kind, len(bundle.material.certificates)) == (CERTIFICATE, 2)
        signature.unlink()


def test_certificates_that_will_not_do(hsm: Hsm, leaf_key: ec.EllipticCurvePrivateKey, tmp_path: Path) -> None:
    uri = hsm.uri("token=leaf;object=key")

    def signer(leaf: Path, *, allow: bool = False) -> Callable[[], object]:
        return lambda: signing.Config().use_pkcs11_certificate_signer(
            pkcs11_uri=uri, signing_certificate=leaf, certificate_chain=[], allow_invalid_certificate=allow
        )

    unusable, _ = issued(tmp_path, leaf_key, usage=False)
    assert "allow_invalid_certificate" in failure(signer(unusable))
    assert signer(unusable, allow=True)()
    hsm.make_token("other leaf")
    hsm.make_key("other leaf", "key", "01")
    uri = hsm.uri("token=other%20leaf;object=key")
    assert "is for another key than the private key" in failure(signer(unusable, allow=True))


# ---- errors


def test_no_module(hsm: Hsm) -> None:
    absent = f"{hsm.folder}/libabsent.so"
    detail = failure(lambda: token_key(f"pkcs11:object=key?module-path={absent}"))
    assert detail == f"there is no PKCS #11 module '{absent}'"
    detail = failure(lambda: token_key("pkcs11:object=key?module-name=absent", module_paths=[hsm.folder]))
    assert detail == f"no PKCS #11 module 'absent' in '{hsm.folder}'"
    assert "names no module" in failure(lambda: token_key("pkcs11:object=key"))


def test_a_file_that_is_no_module(hsm: Hsm, capfd: pytest.CaptureFixture[str]) -> None:
    text = hsm.folder / "text.so"
    text.write_text("text")
    library = importlib.import_module("_hashlib").__file__
    for path, said in ((str(text), "file too short"), (library, "C_GetFunctionList")):
        detail = failure(lambda path=path: token_key(f"pkcs11:object=key?module-path={path}"))  # type: ignore[misc]
        assert detail.startswith(f"'{path}' is not a PKCS #11 module: ")
        assert said in detail
    assert "".join(capfd.readouterr()) == ""


def test_a_module_that_does_not_start(hsm: Hsm, monkeypatch: pytest.MonkeyPatch) -> None:
    (hsm.folder / "broken.conf").write_text("directories.tokendir = /dev/null/tokens\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(hsm.folder / "broken.conf"))
    detail = failure(lambda: token_key(hsm.uri("object=key")))
    assert re.fullmatch(r"could not start the PKCS #11 module '.*': CKR_\w+.*", detail), detail


def test_no_token(hsm: Hsm, monkeypatch: pytest.MonkeyPatch) -> None:
    (hsm.folder / "none").mkdir()
    (hsm.folder / "none.conf").write_text(f"directories.tokendir = {hsm.folder}/none\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(hsm.folder / "none.conf"))
    detail = failure(lambda: token_key(hsm.uri("object=key")))
    assert detail == "no token matches the PKCS #11 URI; there is no token at all"


def test_two_tokens_of_one_label(hsm: Hsm) -> None:
    hsm.make_token("twin")
    hsm.make_key("twin", "key", "01")
    slot = slot_of(hsm, "twin")
    hsm.make_token("twin")
    detail = failure(lambda: token_key(hsm.uri("token=twin;object=key")))
    assert re.fullmatch(r"2 tokens match the PKCS #11 URI, in the slots \d+, \d+; add slot-id or serial", detail)
    assert token_key(hsm.uri(f"token=twin;slot-id={slot};object=key")).sign(b"")


def test_wrong_pin_is_tried_once(hsm: Hsm, monkeypatch: pytest.MonkeyPatch) -> None:
    hsm.make_token("guarded")
    hsm.make_key("guarded", "key", "01")
    session_class = importlib.import_module("PyKCS11").Session
    login, tries = session_class.login, []

    def counting(*arguments: Any) -> None:
        tries.append(1)
        login(*arguments)

    monkeypatch.setattr(session_class, "login", counting)
    uri = hsm.uri("token=guarded;object=key", f"pin-value={PIN}0")
    detail = failure(lambda: token_key(uri), with_locals=False)
    assert detail.startswith("wrong PIN for the token 'guarded' (CKR_PIN_INCORRECT)")
    assert detail.endswith("; fewer tries are left than usual")
    assert len(tries) == 1
    wrong = hsm.uri("token=guarded;object=key", "no-pin=1")
    assert "wrong PIN" in failure(lambda: token_key(wrong, ask_pin=lambda _: f"{PIN}0".encode()))
    assert len(tries) == 2
    assert token_key(hsm.uri("token=guarded;object=key")).sign(b"")


def test_several_keys(hsm: Hsm) -> None:
    hsm.make_token("many")
    hsm.make_key("many", "key", "01")
    hsm.make_key("many", "key", "02")
    hsm.make_key("many", "other", "02")
    detail = failure(lambda: token_key(hsm.uri("token=many;object=key")))
    assert re.fullmatch(
        "the key with the label 'key' is 2 keys, with the ids (01, 02|02, 01); name one by object and id", detail
    )
    assert "is 2 keys" in failure(lambda: token_key(hsm.uri("token=many;id=%02")))
    for path in ("object=key;id=%01", "object=key;id=%02", "object=other", "id=%01"):
        key = token_key(hsm.uri(f"token=many;{path}"))
        key.public_key.verify(key.sign(b"a"), b"a", ec.ECDSA(hashes.SHA256()))


def test_wrong_type_of_key_or_curve(hsm: Hsm) -> None:
    hsm.make_token("wrong")
    hsm.make_key("wrong", "rsa", "01", kind="rsa:2048")
    hsm.make_key("wrong", "curve", "02", kind="EC:secp256k1")
    detail = failure(lambda: token_key(hsm.uri("token=wrong;object=rsa")))
    assert detail == "the key with the label 'rsa' is no elliptic-curve key but CKK_RSA"
    detail = failure(lambda: token_key(hsm.uri("token=wrong;object=curve")))
    assert detail == "the key with the label 'curve' is not on P-256, P-384 or P-521 (OMS-REG-04)"


def logged_in(hsm: Hsm, label: str) -> tuple[Any, Any]:
    """A library and a session of this process's own."""
    p11 = importlib.import_module("PyKCS11")
    library = p11.PyKCS11Lib().load(hsm.module)
    slot = next(each for each in library.getSlotList() if library.getTokenInfo(each).label.strip() == label)
    session = library.openSession(slot, p11.CKF_RW_SESSION)
    session.login(PIN)
    return library, session


def test_a_key_that_may_not_sign(hsm: Hsm) -> None:
    hsm.make_token("mute")
    hsm.make_key("mute", "key", "01")
    p11 = importlib.import_module("PyKCS11")
    library, session = logged_in(hsm, "mute")
    handle = session.findObjects([(p11.CKA_CLASS, p11.CKO_PRIVATE_KEY)])[0]
    session.setAttributeValue(handle, [(p11.CKA_SIGN, False)])
    session.closeSession()
    library.unload()
    library.unload = lambda: None  # its finalizer must not wait for a lock that the next unloading holds
    detail = failure(lambda: token_key(hsm.uri("token=mute;object=key")))
    assert detail == "the key with the label 'key' is not allowed to sign (CKA_SIGN is false)"


def test_token_is_gone_before_signing(hsm: Hsm, model: Path, tmp_path: Path) -> None:
    hsm.make_token("leaving")
    hsm.make_key("leaving", "key", "01")
    config = signing.Config().use_pkcs11_signer(pkcs11_uri=hsm.uri("token=leaving;object=key"))
    hsm.remove_token("leaving")
    assert "no token matches" in failure(lambda: config.sign(model, tmp_path / "model.sig"))
    assert not (tmp_path / "model.sig").exists()


def test_token_is_gone_in_the_middle(hsm: Hsm, monkeypatch: pytest.MonkeyPatch) -> None:
    hsm.make_token("vanishing")
    hsm.make_key("vanishing", "key", "01")
    key, sign = token_key(hsm.uri("token=vanishing;object=key")), pkcs11._sign

    def remove_and_sign(*arguments: Any) -> bytes:
        hsm.remove_token("vanishing")
        return sign(*arguments)

    monkeypatch.setattr(pkcs11, "_sign", remove_and_sign)
    assert re.search("the token (is|may be) gone", failure(lambda: key.sign(b"")))


@pytest.mark.parametrize("step", ["C_SignInit", "C_Sign"])
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("CKR_DEVICE_REMOVED", "the token is gone: could not sign: CKR_DEVICE_REMOVED"),
        ("CKR_SESSION_HANDLE_INVALID", "the token is gone: could not sign: CKR_SESSION_HANDLE_INVALID"),
        ("CKR_DEVICE_ERROR", "could not sign: CKR_DEVICE_ERROR; the token may be gone"),
        ("CKR_MECHANISM_INVALID", "could not sign: CKR_MECHANISM_INVALID"),
    ],
)
def test_errors_in_the_middle(
    hsm: Hsm, token: str, step: str, code: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    p11 = importlib.import_module("PyKCS11")
    key = token_key(hsm.uri(f"token={token};object=key"))
    monkeypatch.setattr(p11.LowLevel.CPKCS11Lib, step, lambda *_: getattr(p11, code))
    assert failure(lambda: key.sign(b"")) == said
    monkeypatch.undo()


def test_unknown_return_values(hsm: Hsm, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    p11 = importlib.import_module("PyKCS11")
    key = token_key(hsm.uri(f"token={token};object=key"))
    with monkeypatch.context() as patch:
        patch.setattr(p11.LowLevel.CPKCS11Lib, "C_SignInit", lambda *_: 0x80000123)
        assert failure(lambda: key.sign(b"")) == "could not sign: the return value 0x80000123"


def test_signature_is_read_back(
    hsm: Hsm, token: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = signing.Config().use_pkcs11_signer(pkcs11_uri=hsm.uri(f"token={token};object=key"))
    to_der = pkcs11._to_der
    monkeypatch.setattr(pkcs11, "_to_der", lambda raw, size: to_der(raw[::-1], size))
    detail = failure(lambda: config.sign(model, tmp_path / "model.sig"))
    assert detail.startswith("the new signature does not verify and was not written")
    assert not (tmp_path / "model.sig").exists()


# ---- sessions, logins, PINs


class Counts(NamedTuple):
    seen: list[str]

    def of(self, name: str) -> int:
        return self.seen.count(name)


@pytest.fixture
def counts(hsm: Hsm, monkeypatch: pytest.MonkeyPatch) -> Counts:
    """How often what of PyKCS11 was called and came back."""
    p11 = importlib.import_module("PyKCS11")
    seen: list[str] = []

    def count(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def counting(*arguments: Any, **options: Any) -> Any:
            outcome = original(*arguments, **options)
            seen.append(name)
            return outcome

        monkeypatch.setattr(owner, name, counting)

    for owner, name in (
        *((p11.PyKCS11Lib, name) for name in ("load", "unload", "openSession")),
        *((p11.Session, name) for name in ("login", "logout", "closeSession")),
    ):
        count(owner, name)
    return Counts(seen)


COLLECTED_WHILE_UNLOADING = """
import gc, sys
import PyKCS11
from model_signing_ref.signers import pkcs11

original = PyKCS11.LowLevel.CPKCS11Lib.Unload
def unload(self):
    gc.collect()
    return original(self)
PyKCS11.LowLevel.CPKCS11Lib.Unload = unload

gc.disable()
with pkcs11._open_module(sys.argv[1]) as library:
    library.itself = library
del library
with pkcs11._open_module(sys.argv[1]):
    pass
"""


def test_a_module_that_is_collected_while_another_is_unloaded(hsm: Hsm) -> None:
    """The finalizer of PyKCS11 waits for a lock that is held then, for ever if it is not kept from it."""
    package = str(Path(signing.__file__).parents[1])
    command = [sys.executable, "-c", COLLECTED_WHILE_UNLOADING, hsm.module]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": package}, check=True, timeout=60)


def test_everything_is_closed(hsm: Hsm, token: str, counts: Counts, monkeypatch: pytest.MonkeyPatch) -> None:
    key = token_key(hsm.uri(f"token={token};object=key"))
    key.sign(b"")
    failure(lambda: token_key(hsm.uri(f"token={token};object=absent")))
    failure(lambda: token_key(hsm.uri(f"token={token};object=key", f"pin-value={PIN}0")), with_locals=False)
    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        patch.setattr(pkcs11, "_to_der", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        key.sign(b"")
    assert counts.of("openSession") == counts.of("closeSession") == 5
    assert counts.of("login") == counts.of("logout") == 4
    assert counts.of("load") == 5
    assert counts.of("unload") >= 5


def test_a_login_of_someone_else_stays(hsm: Hsm, token: str, counts: Counts) -> None:
    p11 = importlib.import_module("PyKCS11")
    library, session = logged_in(hsm, token)
    try:
        assert token_key(hsm.uri(f"token={token};object=key")).sign(b"")
        assert counts.of("logout") == 0
        assert session.findObjects([(p11.CKA_CLASS, p11.CKO_PRIVATE_KEY)])
    finally:
        session.closeSession()
        library.unload()


def test_threads_take_turns(hsm: Hsm, token: str) -> None:
    key = token_key(hsm.uri(f"token={token};object=key"))
    with ThreadPoolExecutor(4) as pool:
        for signature in pool.map(key.sign, [b"message"] * 24):
            key.public_key.verify(signature, b"message", ec.ECDSA(hashes.SHA256()))


class FakeSession(NamedTuple):
    """A token that answers a login with `code`, and tells `flags` afterwards."""

    code: int
    flags: int
    given: list[object]

    @property
    def pykcs11(self) -> FakeSession:
        return self

    def login(self, pin: object, user: int) -> None:
        p11 = importlib.import_module("PyKCS11")
        self.given.append(pin)
        if self.code:
            raise p11.PyKCS11Error(self.code)

    def getSlotInfo(self, slot: int) -> Any:
        return importlib.import_module("types").SimpleNamespace(slotDescription="", manufacturerID="")

    def getTokenInfo(self, slot: int) -> Any:
        p11 = importlib.import_module("PyKCS11")
        names = dict.fromkeys(("label", "manufacturerID", "model", "serialNumber"), "")
        flags = self.flags | p11.CKF_TOKEN_INITIALIZED
        return importlib.import_module("types").SimpleNamespace(**names, flags=flags)


@pytest.mark.parametrize(
    ("code", "flag", "said"),
    [
        ("CKR_PIN_INCORRECT", "", "wrong PIN for the token 'card' (CKR_PIN_INCORRECT)"),
        ("CKR_PIN_LEN_RANGE", "", "wrong PIN for the token 'card' (CKR_PIN_LEN_RANGE)"),
        (
            "CKR_PIN_INCORRECT",
            "CKF_USER_PIN_COUNT_LOW",
            "wrong PIN for the token 'card' (CKR_PIN_INCORRECT); fewer tries are left than usual",
        ),
        (
            "CKR_PIN_INCORRECT",
            "CKF_USER_PIN_FINAL_TRY",
            "wrong PIN for the token 'card' (CKR_PIN_INCORRECT); one try is left",
        ),
        (
            "CKR_PIN_INCORRECT",
            "CKF_USER_PIN_LOCKED",
            "wrong PIN for the token 'card' (CKR_PIN_INCORRECT); the PIN is locked now",
        ),
        ("CKR_PIN_LOCKED", "", "the PIN of the token 'card' is locked"),
        ("CKR_PIN_EXPIRED", "", "could not log in to the token 'card': CKR_PIN_EXPIRED"),
        ("CKR_USER_PIN_NOT_INITIALIZED", "", "could not log in to the token 'card': CKR_USER_PIN_NOT_INITIALIZED"),
        ("CKR_DEVICE_REMOVED", "", "could not log in to the token 'card': CKR_DEVICE_REMOVED"),
    ],
)
def test_failed_logins(hsm: Hsm, code: str, flag: str, said: str) -> None:
    p11 = importlib.import_module("PyKCS11")
    session = FakeSession(getattr(p11, code), getattr(p11, flag) if flag else 0, [])
    access = pkcs11._Access(Pkcs11Uri(), "", lambda _: Secret(PIN.encode()), True)
    assert failure(lambda: pkcs11._log_in(session, pkcs11._Token(0, "card", 0, {}), access, p11.CKU_USER)) == said
    assert len(session.given) == 1


def test_a_pin_pad_asks_itself(hsm: Hsm) -> None:
    p11 = importlib.import_module("PyKCS11")
    token = pkcs11._Token(0, "card", p11.CKF_LOGIN_REQUIRED | p11.CKF_PROTECTED_AUTHENTICATION_PATH, {})
    for has_pin, expected in ((False, b""), (True, PIN.encode())):
        session = FakeSession(0, 0, [])
        access = pkcs11._Access(Pkcs11Uri(), "", lambda _: Secret(PIN.encode()), has_pin)
        assert pkcs11._log_in(session, token, access, p11.CKU_USER)
        assert session.given == [expected]


def test_pin_is_in_no_output_of_a_process(hsm: Hsm, token: str, model: Path, tmp_path: Path) -> None:
    """Success and failure of a whole process, with everything logged: stdout, stderr and the signature."""
    script = (
        "import logging, sys, warnings; logging.basicConfig(level=0); warnings.simplefilter('always')\n"
        "from model_signing_ref import signing\n"
        "config = signing.Config().use_pkcs11_signer(pkcs11_uri=sys.stdin.read())\n"
        "print(config, config._signer, vars(config)); config.sign(*sys.argv[1:])\n"
    )
    for query, status in (
        (f"pin-value={PIN}", 0),
        ("pin-source=" + str(hsm.folder / "pin"), 0),
        (f"pin-value={PIN}0", 1),
    ):
        uri = hsm.uri(f"token={token};object=key", query)
        command = [sys.executable, "-X", "dev", "-c", script, str(model), str(tmp_path / "model.sig")]
        done = subprocess.run(command, input=uri, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr.replace(PIN, "PIN")
        assert PIN not in done.stdout + done.stderr
        assert PIN.encode() not in (tmp_path / "model.sig").read_bytes()
    assert token_key(hsm.uri(f"token={token};object=key")).sign(b"")


# ---- the extra


@pytest.mark.parametrize("missing", ["PyKCS11", "asn1crypto"])
def test_missing_extra(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    for make in (
        lambda: pkcs11_signer("pkcs11:object=key"),
        lambda: signing.Config().use_pkcs11_signer(pkcs11_uri="pkcs11:object=key"),
        lambda: signing.Config().use_elliptic_key_signer(private_key="pkcs11:object=key"),
    ):
        with pytest.raises(MissingExtra, match=re.escape("pip install 'model_signing_ref[pkcs11]'")):
            make()


def test_nothing_is_imported_before_use() -> None:
    script = (
        "import sys; from model_signing_ref import signing, verifying; signing.Config(); "
        "sys.exit(any(name in sys.modules for name in ('PyKCS11', 'asn1crypto', 'model_signing_ref.pkcs11_uri')))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
