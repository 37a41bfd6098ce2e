"""The certificate method end to end: sign, verify, every option and every error."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from certificate_tools import ANY, AT, CODE, SECOND, SERVER, Owner, PrivateKey, issue, key, key_pem, leaf, rewrite, utc
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from cryptography.x509.verification import VerificationError

from model_signing_ref import certificates, hashing, signing, verifying
from model_signing_ref.bundle import CERTIFICATE, Bundle, Material, read_bundle
from model_signing_ref.errors import (
    CertificateRejected,
    KeyRejected,
    MaterialRejected,
    Note,
    OperationError,
    Rejection,
    SignatureRejected,
    TimeRejected,
)
from model_signing_ref.manifest import Manifest, Resource, Serialization, root_digest
from model_signing_ref.signers.certificate import certificate_signer, external_certificate_signer
from model_signing_ref.verifiers.certificate import Policy, certificate_verifier

ROOT, OTHER = issue("root"), issue("other root")
MIDDLE = issue("intermediate", ROOT)
SIGNER = leaf(MIDDLE)
HASH = SHA256()


class Files:
    """Certificates and keys as files in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def pem(self, name: str, *owners: Owner) -> Path:
        path = self.folder / f"{name}.pem"
        path.write_bytes(b"".join(owner.pem for owner in owners))
        return path

    def key(self, private: PrivateKey, name: str = "key") -> Path:
        path = self.folder / f"{name}.pem"
        path.write_bytes(key_pem(private))
        return path

    def sign(self, model: Path, *chain: Owner, **options: Any) -> Path:
        """The signature of `model` with the key of the first of `chain`."""
        signature = self.folder / "model.sig"
        config = signing.Config().use_certificate_signer(
            private_key=self.key(chain[0].key),
            signing_certificate=self.pem("leaf", chain[0]),
            certificate_chain=[self.pem(f"chain-{number}", each) for number, each in enumerate(chain[1:])],
            **options,
        )
        config.sign(model, signature)
        return signature

    def verify(self, model: Path, signature: Path, *given: Owner, **options: Any) -> list[Note]:
        """The notes of a verification that passes."""
        notes: list[Note] = []
        chain = [self.pem(f"given-{number}", each) for number, each in enumerate(given)]
        config = verifying.Config().set_warn(notes.append)
        config.use_certificate_verifier(certificate_chain=chain, **options).verify(model, signature)
        return notes


@pytest.fixture
def files(tmp_path: Path) -> Files:
    folder = tmp_path / "files"
    folder.mkdir()
    return Files(folder)


RESOURCES = [Resource("weights", bytes(32))]
MANIFEST = Manifest("model", Serialization(), RESOURCES, root_digest(RESOURCES))


def signed(*chain: Owner) -> Bundle:
    """A bundle over MANIFEST by the first of `chain`, whatever its certificate says."""
    assert isinstance(chain[0].key, ec.EllipticCurvePrivateKey)
    signer = certificate_signer(
        chain[0].key, [each.certificate for each in chain], allow_invalid_certificate=True, random_signature=True
    )
    return read_bundle(signing.sign_manifest(MANIFEST, signer))


def with_certificates(bundle: Bundle, *encoded: bytes) -> Bundle:
    return bundle._replace(material=bundle.material._replace(certificates=encoded))


def notes_of(bundle: Bundle, *given: Owner, **policy: Any) -> list[Note]:
    """The notes of a verification at AT unless `policy` says otherwise."""
    notes: list[Note] = []
    trusted = certificates.trust(each.certificate for each in given)
    certificate_verifier(trusted, Policy(**({"verification_time": AT} | policy)))(bundle, notes.append)
    return notes


# Sign and verify


@pytest.mark.parametrize("kind", ["p256", "p384", "p521"])
def test_sign_and_verify(kind: str, model: Path, files: Files) -> None:
    signature = files.sign(model, leaf(MIDDLE, kind=kind), MIDDLE)
    assert files.verify(model, signature, ROOT) == []


def test_the_leaf_comes_first_and_the_rest_as_given(model: Path, files: Files) -> None:
    for chain in ([SIGNER], [SIGNER, MIDDLE], [SIGNER, MIDDLE, ROOT], [SIGNER, ROOT, MIDDLE]):
        value = json.loads(files.sign(model, *chain).read_bytes())
        material = value["verificationMaterial"]
        assert material == {
            "x509CertificateChain": {
                "certificates": [{"rawBytes": base64.b64encode(each.der).decode()} for each in chain]
            }
        }


def test_a_certificate_given_twice_is_written_once(model: Path, files: Files) -> None:
    bundle = read_bundle(files.sign(model, SIGNER, MIDDLE, SIGNER, MIDDLE).read_bytes())
    assert bundle.material.certificates == (SIGNER.der, MIDDLE.der)


def test_one_file_may_hold_the_whole_chain(model: Path, files: Files) -> None:
    signature = files.folder / "model.sig"
    signing.Config().use_certificate_signer(
        private_key=files.key(SIGNER.key),
        signing_certificate=files.pem("full", SIGNER, MIDDLE),
        certificate_chain=[],
    ).sign(model, signature)
    assert read_bundle(signature.read_bytes()).material.certificates == (SIGNER.der, MIDDLE.der)
    roots = files.pem("roots", OTHER, ROOT)
    verifying.Config().use_certificate_verifier(certificate_chain=[roots]).verify(model, signature)


def test_files_in_der_and_with_text_around(model: Path, files: Files) -> None:
    signature = files.sign(model, SIGNER, MIDDLE)
    der, text = files.folder / "root.der", files.folder / "root.txt"
    der.write_bytes(ROOT.der)
    text.write_bytes(b"Certificate of the root\n" + ROOT.pem + b"the end\n")
    for path in (der, text):
        verifying.Config().use_certificate_verifier(certificate_chain=[path]).verify(model, signature)


def test_an_encrypted_key(model: Path, files: Files) -> None:
    encrypted = files.folder / "key.pem"
    options = {"signing_certificate": files.pem("leaf", SIGNER), "certificate_chain": [files.pem("chain", MIDDLE)]}
    encrypted.write_bytes(SIGNER.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pw")))
    config = signing.Config().use_certificate_signer(private_key=encrypted, password="pw", **options)  # type: ignore[arg-type]
    config.sign(model, files.folder / "model.sig")
    assert files.verify(model, files.folder / "model.sig", ROOT) == []
    with pytest.raises(OperationError, match="wrong password") as caught:
        signing.Config().use_certificate_signer(private_key=encrypted, password="secret", **options)  # type: ignore[arg-type]
    assert "secret" not in caught.value.detail


def test_a_key_held_elsewhere() -> None:
    key = SIGNER.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    chain = [SIGNER.certificate, MIDDLE.certificate]
    signer = external_certificate_signer(lambda m: key.sign(m, ec.ECDSA(HASH)), key.public_key(), chain)
    assert notes_of(read_bundle(signing.sign_manifest(MANIFEST, signer)), ROOT) == []


# Signing refuses


def test_the_certificate_must_match_the_key(model: Path, files: Files) -> None:
    for allow in (False, True):
        with pytest.raises(OperationError, match="another key"):
            signing.Config().use_certificate_signer(
                private_key=files.key(MIDDLE.key),
                signing_certificate=files.pem("leaf", SIGNER),
                certificate_chain=[],
                allow_invalid_certificate=allow,
            )


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (leaf(MIDDLE, end=utc(2025)), r"valid from .*OMS-8\.2-01"),
        (leaf(MIDDLE, start=utc(2100), end=utc(2101)), r"valid from .*OMS-8\.2-01"),
        (leaf(MIDDLE, purposes=[SERVER]), r"without codeSigning \(RFC5280-10\)"),
        (leaf(MIDDLE, words="agree"), "without digitalSignature"),
        (leaf(MIDDLE, words="", purposes=[]), "neither KeyUsage nor ExtendedKeyUsage"),
        (MIDDLE, "KeyUsage without digitalSignature"),
        (issue("both", ROOT, words="sign certs"), "may issue"),
    ],
)
def test_a_certificate_that_would_be_refused(bad: Owner, message: str, model: Path, files: Files) -> None:
    with pytest.raises(OperationError, match=message) as caught:
        files.sign(model, bad, MIDDLE)
    assert "--allow-invalid-certificate" in caught.value.detail
    assert not (files.folder / "model.sig").exists()
    signature = files.sign(model, bad, MIDDLE, allow_invalid_certificate=True)
    with pytest.raises((CertificateRejected, TimeRejected)):
        files.verify(model, signature, ROOT)


@pytest.mark.parametrize("kind", ["rsa2048", "k1", "ed25519"])
def test_a_key_of_another_kind(kind: str, model: Path, files: Files) -> None:
    with pytest.raises(OperationError, match="OMS-REG-04"):
        files.sign(model, leaf(MIDDLE, kind=kind), MIDDLE, allow_invalid_certificate=True)


def test_a_certificate_of_another_kind_than_the_key(files: Files) -> None:
    with pytest.raises(OperationError, match="OMS-REG-04"):
        signing.Config().use_certificate_signer(
            private_key=files.key(SIGNER.key),
            signing_certificate=files.pem("leaf", leaf(MIDDLE, kind="rsa2048")),
            certificate_chain=[],
        )


def test_too_many_or_no_certificates() -> None:
    assert isinstance(SIGNER.key, ec.EllipticCurvePrivateKey)
    with pytest.raises(OperationError, match="no signing certificate"):
        certificate_signer(SIGNER.key, [])
    many = [SIGNER.certificate, *(issue("one of many").certificate for _ in range(32))]
    with pytest.raises(OperationError, match="REF-CERT-06"):
        certificate_signer(SIGNER.key, many)


def test_a_signer_that_lies_is_caught() -> None:
    assert isinstance(SIGNER.key, ec.EllipticCurvePrivateKey)
    chain = [SIGNER.certificate]
    liar = external_certificate_signer(lambda _: b"nonsense", SIGNER.key.public_key(), chain)
    with pytest.raises(OperationError, match="does not verify"):
        signing.sign_manifest(MANIFEST, liar)


# Files that will not do


def test_files_that_will_not_do(files: Files) -> None:
    empty, text, big = (files.folder / name for name in ("empty", "text", "big"))
    empty.write_bytes(b"")
    text.write_bytes(b"no certificate")
    big.write_bytes(bytes((1 << 20) + 1))
    broken = files.folder / "broken.pem"
    broken.write_bytes(ROOT.pem.replace(b"MII", b"MIJ", 1))
    for path in (empty, text, broken):
        with pytest.raises(OperationError, match="no PEM or DER certificate") as caught:
            certificates.load_certificates(path)
        assert "private key" not in caught.value.detail
    with pytest.raises(OperationError, match="private key"):
        certificates.load_certificates(files.key(SIGNER.key))
    with pytest.raises(OperationError, match="more than"):
        certificates.load_certificates(big)
    with pytest.raises(FileNotFoundError):
        certificates.load_certificates(files.folder / "absent")


# Whom to trust


def test_no_anchor_is_an_error_that_names_the_options(files: Files) -> None:
    with pytest.raises(OperationError, match=r"--certificate-chain .*--system-roots"):
        verifying.Config().use_certificate_verifier()
    with pytest.raises(OperationError, match=r"--partial-chain"):
        verifying.Config().use_certificate_verifier(certificate_chain=[files.pem("middle", MIDDLE)])


def test_who_is_self_signed() -> None:
    """An old self-signature can't be verified; then the names decide, and the key identifiers if there are any."""

    def old(owner: Owner, issuer: Owner) -> bool:
        return certificates.is_self_signed(rewrite(owner, issuer, lambda _: None, "sha1_rsa").certificate)

    top = issue("old root", kind="rsa2048")
    marked = issue("old root", kind="rsa2048", identifiers=True)
    namesake = issue("old root", top, kind="rsa3072", identifiers=True)
    assert certificates.is_self_signed(ROOT.certificate)
    assert not certificates.is_self_signed(MIDDLE.certificate)
    assert not certificates.is_self_signed(issue("root", ROOT, own=key("another root key")).certificate)
    assert old(top, top)
    assert old(marked, marked)
    assert not old(namesake, top)
    assert not old(issue("intermediate", top), top)


def test_partial_chain(model: Path, files: Files) -> None:
    signature = files.sign(model, SIGNER)
    assert files.verify(model, signature, MIDDLE, partial_chain=True) == []
    with pytest.raises(CertificateRejected):
        files.verify(model, signature, OTHER, partial_chain=True)


def test_certificates_of_the_bundle_are_no_anchors(model: Path, files: Files) -> None:
    signature = files.sign(model, SIGNER, MIDDLE, ROOT)
    with pytest.raises(CertificateRejected, match=r"no trusted certificate stands above .*RFC5280-02"):
        files.verify(model, signature, OTHER)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_system_roots(variable: str, first: bool, model: Path, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    signature = files.sign(model, SIGNER, MIDDLE)
    third = issue("third")
    two = (ROOT, third) if first else (third, ROOT)
    folder = files.folder / "roots"
    folder.mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(files.pem("system", OTHER)))
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    with pytest.raises(CertificateRejected):
        files.verify(model, signature, system_roots=True)
    if variable == "SSL_CERT_FILE":
        files.pem("system", *two)
    else:
        for number, each in enumerate(two):
            (folder / f"0a1b2c3d.{number}").write_bytes(each.pem)
        (folder / "0a1b2c3d.0.old").write_bytes(b"no certificate")
    assert files.verify(model, signature, system_roots=True) == []
    assert files.verify(model, signature, ROOT) == []
    with pytest.raises(CertificateRejected):
        files.verify(model, signature, third)


def test_without_system_roots_they_are_not_read(model: Path, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    signature = files.sign(model, SIGNER, MIDDLE)
    monkeypatch.setenv("SSL_CERT_FILE", str(files.pem("system", ROOT)))
    with pytest.raises(CertificateRejected):
        files.verify(model, signature, OTHER)


# Verdicts, in their order


def flipped(bundle: Bundle) -> Bundle:
    signature = bundle.envelope.signature
    return bundle._replace(envelope=bundle.envelope._replace(signature=signature[:-1] + bytes([signature[-1] ^ 1])))


def test_another_methods_material() -> None:
    with pytest.raises(MaterialRejected, match=r"method key.*OMS-11\.1-08"):
        notes_of(signed(SIGNER)._replace(material=Material("publicKey", hint="00")), ROOT)
    with pytest.raises(MaterialRejected, match=r"method sigstore.*OMS-11\.1-08"):
        notes_of(signed(SIGNER)._replace(material=Material("certificate", certificates=(SIGNER.der,))), ROOT)


def test_an_empty_chain() -> None:
    with pytest.raises(MaterialRejected, match=r"OMS-4\.1-02"):
        notes_of(with_certificates(signed(SIGNER)), ROOT)


COMMON_NAME = b"\x06\x03\x55\x04\x03\x0c"  # with a UTF8String
NAME_OF_BITS = SIGNER.der.replace(COMMON_NAME, COMMON_NAME[:-1] + b"\x03")  # a BIT STRING


def test_a_file_with_a_name_that_is_no_string(files: Files) -> None:
    path = files.folder / "odd.der"
    path.write_bytes(NAME_OF_BITS)
    with pytest.raises(OperationError, match="no PEM or DER certificate"):
        certificates.load_certificates(path)


@pytest.mark.parametrize("junk", [b"", b"junk", SIGNER.pem, SIGNER.der + b"\0", SIGNER.der[:-1], NAME_OF_BITS])
def test_what_is_no_certificate(junk: bytes) -> None:
    for encoded in ((junk,), (SIGNER.der, MIDDLE.der, junk)):
        with pytest.raises(CertificateRejected, match=r"certificate \d of the bundle .*RFC5280-01"):
            notes_of(with_certificates(signed(SIGNER), *encoded), ROOT)


def test_too_many_certificates() -> None:
    bundle = with_certificates(signed(SIGNER), SIGNER.der, *[MIDDLE.der] * 32)
    with pytest.raises(CertificateRejected, match="REF-CERT-06"):
        notes_of(bundle, ROOT)


def test_every_truncated_or_changed_certificate_is_a_verdict() -> None:
    bundle = signed(SIGNER, MIDDLE)
    for position in range(0, len(SIGNER.der), 3):
        changed = bytearray(SIGNER.der)
        changed[position] ^= 0xFF
        for der in (bytes(changed), SIGNER.der[:position]):
            with pytest.raises(Rejection):
                notes_of(with_certificates(bundle, der, MIDDLE.der), ROOT)
            with contextlib.suppress(Rejection):
                notes_of(with_certificates(bundle, SIGNER.der, der, MIDDLE.der), ROOT)


ORDER: list[tuple[type[Rejection], Callable[[Bundle], Bundle]]] = [
    (MaterialRejected, with_certificates),
    (KeyRejected, lambda b: with_certificates(b, leaf(OTHER, kind="rsa2048", end=utc(2025), purposes=[SERVER]).der)),
    (
        CertificateRejected,
        lambda b: with_certificates(b, leaf(MIDDLE, purposes=[SERVER], end=utc(2025)).der, MIDDLE.der),
    ),
    (CertificateRejected, lambda b: with_certificates(b, leaf(OTHER, end=utc(2025)).der, MIDDLE.der)),
    (TimeRejected, lambda b: with_certificates(b, leaf(MIDDLE, end=utc(2025)).der, MIDDLE.der)),
    (SignatureRejected, lambda b: b),
]


@pytest.mark.parametrize("number", range(len(ORDER)))
def test_the_order_of_the_checks(number: int) -> None:
    """Each bundle has the named fault and those of all later stages."""
    kind, change = ORDER[number]
    with pytest.raises(Rejection) as caught:
        notes_of(change(flipped(signed(SIGNER, MIDDLE))), ROOT)
    assert type(caught.value) is kind


@pytest.mark.parametrize("number", [certificates.MAX_CANDIDATES, certificates.MAX_CANDIDATES + 1])
def test_how_many_issuers_are_tried(number: int) -> None:
    """So many of one name and key, of which none leads to the anchor."""
    nobody = issue("nobody")
    twins = [issue("twin", nobody) for _ in range(number)]
    usable = [each.certificate for each in (leaf(twins[0]), *twins, OTHER)]
    with pytest.raises(VerificationError) as caught:
        certificates.find_chain(usable, [OTHER.certificate], AT)
    assert ("too many candidate" in str(caught.value)) == (number > 200)


@pytest.mark.parametrize(("bits", "clause"), [(2047, "REF-CERT-04"), (2048, None)])
def test_how_long_an_rsa_key_has_to_be(bits: int, clause: str | None) -> None:
    fault = certificates.key_fault(issue("rsa authority", kind=f"rsa{bits}").certificate)
    assert (fault and fault.clause) == clause


def test_the_signature_is_that_of_the_leafs_key() -> None:
    other = leaf(MIDDLE, "other signer")
    with pytest.raises(SignatureRejected, match="DSSE-01"):
        notes_of(with_certificates(signed(SIGNER, MIDDLE), other.der, MIDDLE.der), ROOT)
    changed = signed(SIGNER, MIDDLE)
    changed = changed._replace(envelope=changed.envelope._replace(payload=b"{}"))
    with pytest.raises(SignatureRejected):
        notes_of(changed, ROOT)


def test_require_code_signing() -> None:
    for bad in (leaf(MIDDLE, purposes=[]), leaf(MIDDLE, purposes=[ANY])):
        bundle = signed(bad, MIDDLE)
        assert notes_of(bundle, ROOT) == []
        with pytest.raises(CertificateRejected, match="REF-CERT-05"):
            notes_of(bundle, ROOT, require_code_signing=True)
    assert notes_of(signed(leaf(MIDDLE, purposes=[SERVER, CODE]), MIDDLE), ROOT, require_code_signing=True) == []


def test_the_time_to_verify_at() -> None:
    short = leaf(MIDDLE, start=utc(2025), end=utc(2025, 6))
    bundle = signed(short, MIDDLE)
    for good in (utc(2025), utc(2025, 3), utc(2025, 6), dt.datetime(2025, 3, 1)):
        assert notes_of(bundle, ROOT, verification_time=good) == []
    for bad in (utc(2025) - SECOND, utc(2025, 6) + SECOND / 2, utc(2025, 6) + SECOND, AT, None):
        with pytest.raises(TimeRejected, match=r"OMS-8\.2-01"):
            notes_of(bundle, ROOT, verification_time=bad)
    with pytest.raises(TimeRejected, match=r"OMS-8\.2-01"):
        notes_of(bundle, ROOT, verification_time=dt.datetime(1, 1, 1))


def test_parse_time() -> None:
    good = ["2026-06-01T00:00:00Z", "2026-06-01T02:00:00+02:00", "2026-06-01", "2026-06-01 00:00:00"]
    assert {certificates.parse_time(text) for text in good} == {AT}
    for bad in (
        "",
        "now",
        "2026-13-01",
        "1780272000",
        "2026-06-01x00:00:00",
        "2026-06-01T00:00:00ZZ",
        "0001-01-01T00:00:00+23:00",
    ):
        with pytest.raises(OperationError):
            certificates.parse_time(bad)


# Notes


def test_a_leaf_marked_as_a_ca_is_noted() -> None:
    notes = notes_of(signed(leaf(MIDDLE, ca=True, words="sign"), MIDDLE), ROOT)
    assert [note.code for note in notes] == ["ca-leaf"]


def test_fingerprints() -> None:
    notes = notes_of(signed(SIGNER, MIDDLE), ROOT, log_fingerprints=True)
    assert [note.code for note in notes] == ["fingerprint"] * 3
    for note, owner in zip(notes, (SIGNER, MIDDLE, ROOT)):
        assert owner.certificate.fingerprint(HASH).hex() in note.detail


def test_log_entries_and_timestamps_are_noted() -> None:
    bundle = signed(SIGNER, MIDDLE)
    for material in (
        bundle.material._replace(log_entries=({},)),
        bundle.material._replace(timestamps=(b"junk",)),
    ):
        notes = notes_of(bundle._replace(material=material), ROOT)
        assert [note.code for note in notes] == ["unchecked-material"]


def test_names_in_messages_are_escaped() -> None:
    odd = leaf(OTHER, "a\nb\x1b[31m", purposes=[])
    with pytest.raises(CertificateRejected) as caught:
        notes_of(signed(odd), ROOT)
    assert "\n" not in caught.value.detail
    assert "\x1b" not in caught.value.detail


# Released bundles


HISTORICAL = Path(os.environ.get("OMS_TEST_DATA", ""), "historical")
needs_history = pytest.mark.skipif(
    "OMS_TEST_DATA" not in os.environ, reason="released bundles are read from $OMS_TEST_DATA"
)


def released(version: str, notes: list[Note], *, allow_v02: bool = False) -> verifying.Report:
    ignored = hashing.Config().set_ignored_paths(paths=["ignore-me"])
    config = verifying.Config().set_warn(notes.append).set_allow_v02(allow_v02).set_hashing_config(ignored)
    config.use_certificate_verifier(certificate_chain=[HISTORICAL / "keys" / "ca-cert.pem"])
    return config.verify(HISTORICAL / version, HISTORICAL / version / "model.sig")


@needs_history
def test_version_1_1() -> None:
    notes: list[Note] = []
    assert len(released("v1.1.0-certificate", notes).manifest.resources) == 2
    assert [note.code for note in notes if note.code.startswith("ca")] == ["ca-leaf"]


@needs_history
def test_version_0_2_only_on_request() -> None:
    with pytest.raises(SignatureRejected):
        released("v0.2.0-certificate", [])
    notes: list[Note] = []
    assert len(released("v0.2.0-certificate", notes, allow_v02=True).manifest.resources) == 2
    assert [note.code for note in notes] == ["ca-leaf", "old-v0.2"]


@needs_history
def test_released_bundles_at_other_times() -> None:
    path = HISTORICAL / "v1.1.0-certificate" / "model.sig"
    root = certificates.load_certificates(HISTORICAL / "keys" / "ca-cert.pem")
    for time in (utc(2025), utc(2036)):
        with pytest.raises(TimeRejected):
            certificate_verifier(certificates.trust(root), Policy(verification_time=time))(
                read_bundle(path.read_bytes()), lambda _: None
            )


# What others make, and what is not loaded


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl command")
def test_certificates_made_by_openssl(model: Path, files: Files) -> None:
    """A chain as a user makes it, by the commands that everyone copies."""
    script = """
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout ca.key -out ca.pem -days 3650 \
        -subj "/O=Test/CN=root" -addext keyUsage=critical,keyCertSign,cRLSign
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -out leaf.csr -subj "/CN=signer"
    printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n' > leaf.cnf
    openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 -extfile leaf.cnf -out leaf.pem
    """
    subprocess.run(["/bin/sh", "-ec", script], cwd=files.folder, check=True, capture_output=True)
    signature = files.folder / "model.sig"
    signing.Config().use_certificate_signer(
        private_key=files.folder / "leaf.key", signing_certificate=files.folder / "leaf.pem", certificate_chain=[]
    ).sign(model, signature)
    roots = [files.folder / "ca.pem"]
    verifying.Config().use_certificate_verifier(certificate_chain=roots).verify(model, signature)


def test_the_key_method_loads_nothing_of_this(model: Path, tmp_path: Path, key_files: tuple[Path, Path]) -> None:
    private, public = key_files
    signature = tmp_path / "model.sig"
    script = f"""
import sys
from model_signing_ref import signing, verifying
signing.Config().use_elliptic_key_signer(private_key={str(private)!r}).sign({str(model)!r}, {str(signature)!r})
verifying.Config().use_elliptic_key_verifier(public_key={str(public)!r}).verify({str(model)!r}, {str(signature)!r})
heavy = ("cryptography.x509", "ssl", "urllib.request", "rfc3161_client", "model_signing_ref.certificates",
         "model_signing_ref.timestamps", "model_signing_ref.verifiers.certificate")
assert not [name for name in heavy if name in sys.modules]
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_material_is_that_of_the_method() -> None:
    assert signed(SIGNER).material.kind == CERTIFICATE
