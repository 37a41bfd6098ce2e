"""Timestamps end to end, with an authority of our own on loopback."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from certificate_tools import ANY, AT, CODE, END, SERVER, STAMP, Owner, issue, key_pem, leaf, utc
from cryptography.hazmat.primitives.asymmetric import ec
from timestamp_authority import Answer, Handler, Reply, authority, replying, serving, stamp, tsa_root

from model_signing_ref import certificates, signing, timestamps, verifying
from model_signing_ref.bundle import Bundle, read_bundle
from model_signing_ref.certificates import Trust
from model_signing_ref.errors import (
    MissingExtra,
    Note,
    OperationError,
    SignatureRejected,
    TimeRejected,
    TransparencyRejected,
    Unsupported,
)
from model_signing_ref.manifest import Manifest, Resource, Serialization, root_digest
from model_signing_ref.signer import Signer
from model_signing_ref.signers.certificate import certificate_signer
from model_signing_ref.signers.key import key_signer
from model_signing_ref.verifiers.certificate import Policy, certificate_verifier
from model_signing_ref.verifiers.key import key_verifier

TSA_ROOT = tsa_root()
TSA = authority(TSA_ROOT)
ROOT = issue("root")
# A leaf that has expired since AT.
SHORT = leaf(ROOT, start=utc(2026), end=utc(2026, 7))
RESOURCES = [Resource("weights", bytes(32))]
MANIFEST = Manifest("model", Serialization(), RESOURCES, root_digest(RESOURCES))


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def trusting(*owners: Owner) -> Trust:
    return certificates.trust(each.certificate for each in owners)


def short_signer() -> Signer:
    assert isinstance(SHORT.key, ec.EllipticCurvePrivateKey)
    return certificate_signer(SHORT.key, [SHORT.certificate], allow_invalid_certificate=True, random_signature=True)


BARE = read_bundle(signing.sign_manifest(MANIFEST, short_signer()))
SIGNATURE = BARE.envelope.signature


def stamped(*tokens: bytes) -> Bundle:
    return BARE._replace(material=BARE.material._replace(timestamps=tokens))


def good_token(**answer: Any) -> bytes:
    return stamp(SIGNATURE, Answer(**({"signer": TSA} | answer)))


def verify(bundle: Bundle, *tsa: Owner) -> list[Note]:
    """The notes of a certificate verification by a timestamp of `tsa`, which passes."""
    notes: list[Note] = []
    certificate_verifier(trusting(ROOT), Policy(tsa=trusting(*tsa)))(bundle, notes.append)
    return notes


# Sign and verify


def test_key_method(model: Path, tmp_path: Path, key_files: tuple[Path, Path]) -> None:
    private, public = key_files
    signature, roots = tmp_path / "model.sig", tmp_path / "roots.pem"
    roots.write_bytes(TSA_ROOT.pem)
    with serving(replying(Answer(TSA))) as url:
        config = signing.Config().use_elliptic_key_signer(private_key=private).set_timestamp_authority(url)
        config.sign(model, signature)
    notes: list[Note] = []
    config_2 = verifying.Config().set_warn(notes.append)
    config_2.use_elliptic_key_verifier(public_key=public, tsa_chain=[roots]).verify(model, signature)
    assert [note.code for note in notes] == ["timestamp"]
    assert "2026-06-01T00:00:00+00:00" in notes[0].detail
    notes.clear()
    config_2.use_elliptic_key_verifier(public_key=public).verify(model, signature)
    assert [note.code for note in notes] == ["unchecked-material"]
    config.set_timestamp_authority(None).sign(model, signature)
    with pytest.raises(TransparencyRejected, match="REF-TS-01"):
        config_2.use_elliptic_key_verifier(public_key=public, tsa_chain=[roots]).verify(model, signature)


def test_a_leaf_that_has_expired_since(model: Path, tmp_path: Path) -> None:
    key, chain, roots, tsa, signature = (tmp_path / name for name in ("key", "leaf", "root", "tsa", "model.sig"))
    key.write_bytes(key_pem(SHORT.key))
    for path, owner in ((chain, SHORT), (roots, ROOT), (tsa, TSA_ROOT)):
        path.write_bytes(owner.pem)
    config = signing.Config().use_certificate_signer(
        private_key=key, signing_certificate=chain, certificate_chain=[], allow_invalid_certificate=True
    )
    with serving(replying(Answer(TSA))) as url:
        config.set_timestamp_authority(url).sign(model, signature)
    verifying.Config().use_certificate_verifier(certificate_chain=[roots], tsa_chain=[tsa]).verify(model, signature)
    late = verifying.Config().use_certificate_verifier(certificate_chain=[roots], verification_time=utc(2026, 8))
    with pytest.raises(TimeRejected, match=r"OMS-8\.2-01"):
        late.verify(model, signature)


def test_a_timestamp_from_outside_the_leafs_lifetime() -> None:
    for moment in (utc(2025, 12, 31), utc(2026, 7, 2)):
        with pytest.raises(TimeRejected):
            verify(stamped(good_token(time=moment)), TSA_ROOT)
    assert [note.code for note in verify(stamped(good_token()), TSA_ROOT)] == ["timestamp"]


def test_two_sources_of_the_time_are_an_error() -> None:
    with pytest.raises(OperationError, match=r"--verification-time and --tsa-chain"):
        certificate_verifier(trusting(ROOT), Policy(verification_time=AT, tsa=trusting(TSA_ROOT)))


def test_two_sources_of_the_time_are_an_error_before_any_bundle(tmp_path: Path) -> None:
    root, tsa = tmp_path / "root.pem", tmp_path / "tsa.pem"
    root.write_bytes(ROOT.pem)
    tsa.write_bytes(TSA_ROOT.pem)
    config = verifying.Config()
    with pytest.raises(OperationError, match=r"--verification-time and --tsa-chain"):
        config.use_certificate_verifier(certificate_chain=[root], tsa_chain=[tsa], verification_time=AT)
    for one in ({"tsa_chain": [tsa]}, {"verification_time": AT}):
        config.use_certificate_verifier(certificate_chain=[root], **one)


def test_the_token_does_not_replace_the_signature() -> None:
    other = read_bundle(signing.sign_manifest(MANIFEST, short_signer()))
    changed = stamped(good_token())
    changed = changed._replace(envelope=other.envelope._replace(signature=SIGNATURE, payload=b"{}"))
    with pytest.raises(SignatureRejected):
        verify(changed, TSA_ROOT)
    private = ec.generate_private_key(ec.SECP256R1())
    bundle = read_bundle(signing.sign_manifest(MANIFEST, key_signer(private, random_signature=True)))
    bundle = bundle._replace(
        material=bundle.material._replace(timestamps=(stamp(bundle.envelope.signature, Answer(TSA)),))
    )
    verifier = timestamps.with_timestamps(key_verifier(private.public_key()), trusting(TSA_ROOT))
    verifier(bundle, lambda _: None)
    with pytest.raises(SignatureRejected):
        verifier(bundle._replace(envelope=bundle.envelope._replace(payload=b"{}")), lambda _: None)


def test_several_timestamps() -> None:
    early, late, foreign = good_token(time=utc(2026, 2)), good_token(), stamp(b"other", Answer(TSA))
    notes = verify(stamped(late, foreign, early), TSA_ROOT)
    assert [note.code for note in notes] == ["unverified-timestamp", "timestamp"]
    assert "2026-02-01" in notes[1].detail
    with pytest.raises(TransparencyRejected, match="REF-TS-02"):
        verify(stamped(*[late] * 17), TSA_ROOT)


INTERMEDIATE = issue("timestamp intermediate", TSA_ROOT, identifiers=True)
BELOW = authority(INTERMEDIATE)
SELF = authority(None)
STAMPING = issue("timestamping only", TSA_ROOT, purposes=[STAMP], identifiers=True)
CODING = issue("code signing only", TSA_ROOT, purposes=[CODE], identifiers=True)
STAMPING_TSA, CODE_TSA = authority(STAMPING), authority(CODING)


@pytest.mark.parametrize(
    ("token", "given"),
    [
        (good_token(), [TSA_ROOT]),
        (good_token(signer=BELOW, embedded=(BELOW, INTERMEDIATE)), [TSA_ROOT]),
        (good_token(signer=BELOW, embedded=(TSA_ROOT, INTERMEDIATE, BELOW)), [TSA_ROOT]),
        (good_token(signer=BELOW), [INTERMEDIATE, TSA_ROOT]),
        (good_token(signer=BELOW, embedded=()), [BELOW, INTERMEDIATE, TSA_ROOT]),
        (good_token(signer=authority(TSA_ROOT, kind="p384")), [TSA_ROOT]),
        (good_token(signer=authority(TSA_ROOT, kind="rsa2048")), [TSA_ROOT]),
        (good_token(signer=authority(TSA_ROOT, words="")), [TSA_ROOT]),
        (good_token(signer=authority(TSA_ROOT, words="commit")), [TSA_ROOT]),
        (good_token(signer=authority(TSA_ROOT, end=utc(2026, 6, 2))), [TSA_ROOT]),
        (good_token(signer=SELF), [SELF]),
        (good_token(hash_name="sha384"), [TSA_ROOT]),
        (good_token(signed_with="sha512"), [TSA_ROOT]),
        (good_token(signer=STAMPING_TSA, embedded=(STAMPING_TSA, STAMPING)), [TSA_ROOT]),
        (good_token(hash_name="sha512"), [TSA_ROOT]),
        (good_token(time=AT.replace(microsecond=123456)), [TSA_ROOT]),
    ],
)
def test_good_tokens(token: bytes, given: list[Owner]) -> None:
    assert timestamps.verify_token(token, SIGNATURE, trusting(*given)) == AT


def other_policy(info: Any) -> None:
    info["message_imprint"]["hash_algorithm"]["algorithm"] = "sha512"


WEB = issue("web intermediate", TSA_ROOT, purposes=[SERVER], identifiers=True)
WEB_TSA = authority(WEB)
OLD_ROOT = issue("old timestamp root", end=utc(2025), identifiers=True)


@pytest.mark.parametrize(
    ("clause", "token", "given"),
    [
        ("RFC3161-01", b"", [TSA_ROOT]),
        ("RFC3161-01", b"junk", [TSA_ROOT]),
        ("RFC3161-01", good_token()[:-1], [TSA_ROOT]),
        ("RFC3161-01", good_token() + b"\0", [TSA_ROOT]),
        ("RFC3161-01", good_token(content_type="data"), [TSA_ROOT]),
        ("RFC3161-02", stamp(b"another signature", Answer(TSA)), [TSA_ROOT]),
        ("RFC3161-02", good_token(hash_name="sha1"), [TSA_ROOT]),
        ("RFC3161-02", good_token(change=other_policy), [TSA_ROOT]),
        ("RFC3161-03", good_token(signer=authority(TSA_ROOT, purposes=[])), [TSA_ROOT]),
        ("RFC3161-03", good_token(signer=authority(TSA_ROOT, critical_purposes=False)), [TSA_ROOT]),
        ("RFC3161-03", good_token(signer=authority(TSA_ROOT, purposes=[ANY])), [TSA_ROOT]),
        ("RFC3161-03", good_token(signer=authority(TSA_ROOT, purposes=[SERVER])), [TSA_ROOT]),
        ("RFC3161-03", good_token(signer=authority(TSA_ROOT, purposes=[STAMP, SERVER])), [TSA_ROOT]),
        ("RFC3161-03", good_token(signer=authority(TSA_ROOT, words="agree")), [TSA_ROOT]),
        ("REF-CERT-04", good_token(signer=authority(TSA_ROOT, kind="rsa1024")), [TSA_ROOT]),
        ("REF-CERT-04", good_token(signed_with="sha1"), [TSA_ROOT]),
        ("REF-CERT-03", good_token(signer=CODE_TSA, embedded=(CODE_TSA, CODING)), [TSA_ROOT]),
        ("RFC3161-04", good_token(signer=BELOW, embedded=()), [TSA_ROOT]),
        ("RFC3161-04", good_token(embedded=(TSA_ROOT,)), [issue("stranger")]),
        ("RFC5280-02", good_token(), [issue("stranger")]),
        ("RFC5280-02", good_token(signer=BELOW), [TSA_ROOT]),
        ("RFC5280-02", good_token(signer=SELF), [TSA_ROOT]),
        ("RFC5280-03", good_token(signer=authority(TSA_ROOT, end=utc(2025))), [TSA_ROOT]),
        ("RFC5280-03", good_token(time=END.replace(year=2040)), [TSA_ROOT]),
        ("RFC5280-03", good_token(signer=authority(OLD_ROOT)), [OLD_ROOT]),
        ("REF-CERT-03", good_token(signer=WEB_TSA, embedded=(WEB_TSA, WEB)), [TSA_ROOT]),
    ],
)
def test_bad_tokens(clause: str, token: bytes, given: list[Owner]) -> None:
    with pytest.raises(TransparencyRejected) as caught:
        verify(stamped(token), *given)
    assert caught.value.clause == clause


def test_every_changed_byte_is_a_verdict() -> None:
    """Where a change passes, the byte is none that is signed; the time is always the one that was signed."""
    token, trusted, accepted = good_token(), trusting(TSA_ROOT), 0
    for position in range(len(token)):
        changed = bytearray(token)
        changed[position] ^= 0x01
        for data in (bytes(changed), token[:position]):
            try:
                assert timestamps.verify_token(data, SIGNATURE, trusted) == AT
                accepted += 1
            except (TransparencyRejected, Unsupported):
                continue
    assert accepted < 20  # versions and the names of algorithms that are known from the certificate


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl command")
def test_openssl_verifies_the_tokens(tmp_path: Path) -> None:
    data, root, chain = tmp_path / "data", tmp_path / "root.pem", tmp_path / "chain.pem"
    data.write_bytes(SIGNATURE)
    root.write_bytes(TSA_ROOT.pem)
    chain.write_bytes(INTERMEDIATE.pem)
    for token, verdict in (
        (good_token(), 0),
        (good_token(signer=BELOW), 0),
        (good_token(hash_name="sha512"), 0),
        (stamp(b"another signature", Answer(TSA)), 1),
        (good_token(signer=authority(TSA_ROOT, critical_purposes=False)), 1),
    ):
        (tmp_path / "token").write_bytes(token)
        command = ["openssl", "ts", "-verify", "-data", str(data), "-in", str(tmp_path / "token")]
        command += ["-CAfile", str(root), "-untrusted", str(chain), "-attime", str(int(AT.timestamp()))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, "Verification: OK" in done.stdout) == (verdict, verdict == 0), done.stderr


# Signing


def request(handler: Handler, timeout: float = 5) -> bytes:
    with serving(handler) as url:
        return timestamps.request_token(SIGNATURE, url, timeout=timeout)


def test_a_token_is_asked_for_and_checked() -> None:
    assert timestamps.verify_token(request(replying(Answer(TSA))), SIGNATURE, trusting(TSA_ROOT)) == AT


@pytest.mark.parametrize(
    ("message", "handler"),
    [
        ("status 2", replying(Answer(TSA, refuse=True))),
        ("nonce", replying(Answer(TSA, nonce_offset=1))),
        ("something else", lambda _: (200, {}, good_token(hash_name="sha512"))),
        ("something else", lambda _: (200, {}, stamp(b"other", Answer(TSA)))),
        ("nonce", lambda _: (200, {}, good_token())),
        ("timeStamping", replying(Answer(authority(TSA_ROOT, purposes=[SERVER])))),
        ("signer is not known", replying(Answer(TSA, embedded=(TSA_ROOT,)))),
        ("not a time-stamp response", lambda _: (200, {}, b"<html>")),
        ("not a time-stamp response", lambda _: (200, {}, b"")),
        ("HTTP Error 500", lambda _: (500, {}, b"")),
        ("HTTP Error 302", lambda _: (302, {"Location": "http://127.0.0.1:9/"}, b"")),
        ("more than 1048576 bytes", lambda _: (200, {}, bytes((1 << 20) + 1))),
    ],
)
def test_answers_that_are_refused(message: str, handler: Handler) -> None:
    with pytest.raises(OperationError, match=message):
        request(handler)


def test_a_slow_authority() -> None:
    def slow(query: bytes) -> Reply:
        time.sleep(0.5)
        return 200, {}, query

    with pytest.raises(OperationError, match="timed out"):
        request(slow, timeout=0.1)


def test_an_authority_that_drips() -> None:
    def drops() -> Iterator[bytes]:
        for _ in range(20):
            time.sleep(0.05)
            yield b"\0"

    with pytest.raises(OperationError, match="timed out"):
        request(lambda _: (200, {}, drops()), timeout=0.3)


@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "ftp://127.0.0.1/", "tsa.test", "", "http://", "http://a b/", "data:,x"]
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(OperationError, match="timestamp authority"):
        timestamps.request_token(SIGNATURE, url, timeout=1)


def test_nobody_there(model: Path, tmp_path: Path, key_files: tuple[Path, Path]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        config = signing.Config().use_elliptic_key_signer(private_key=key_files[0]).set_timestamp_authority(url)
        with pytest.raises(OperationError, match="refused"):
            config.sign(model, tmp_path / "model.sig")
    assert not (tmp_path / "model.sig").exists()


def test_with_the_authoritys_chain_the_token_is_verified_in_full() -> None:
    with serving(replying(Answer(TSA))) as url:
        timestamps.with_timestamp(short_signer(), url, trusting(TSA_ROOT)).sign(b"{}")
        for given in (issue("stranger"), OLD_ROOT):
            with pytest.raises(OperationError, match="not trusted"):
                timestamps.with_timestamp(short_signer(), url, trusting(given)).sign(b"{}")


def test_the_address_may_hold_a_secret() -> None:
    with pytest.raises(OperationError) as caught:
        timestamps.request_token(SIGNATURE, "http://user:secret@127.0.0.1:9/secret?secret", timeout=1)
    assert "secret" not in caught.value.detail


def test_the_request() -> None:
    """SHA-256 over the raw signature, a nonce that differs each time, the certificate asked for."""
    tsp = pytest.importorskip("asn1crypto.tsp")
    seen: list[Any] = []

    def note(query: bytes) -> Reply:
        seen.append(tsp.TimeStampReq.load(query).native)
        return replying(Answer(TSA))(query)

    for _ in range(2):
        request(note)
    assert seen[0]["message_imprint"]["hash_algorithm"]["algorithm"] == "sha256"
    assert seen[0]["cert_req"] is True
    assert seen[0]["nonce"] != seen[1]["nonce"]


# The extra


@pytest.fixture
def without_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)


@pytest.mark.usefixtures("without_extra")
@pytest.mark.parametrize(
    "use",
    [
        lambda: signing.Config().set_timestamp_authority("http://127.0.0.1:9/"),
        lambda: timestamps.with_timestamp(short_signer(), "http://127.0.0.1:9/"),
        lambda: timestamps.with_timestamps(ignore_bundle, trusting(TSA_ROOT)),
        lambda: certificate_verifier(trusting(ROOT), Policy(tsa=trusting(TSA_ROOT))),
    ],
)
def test_without_the_extra(use: Callable[[], object]) -> None:
    with pytest.raises(MissingExtra, match=r"model_signing_ref\[timestamp\]"):
        use()


def ignore_bundle(*_: object) -> None:
    """A verifier that accepts everything."""


@pytest.mark.usefixtures("without_extra")
def test_certificates_need_no_extra() -> None:
    certificate_verifier(trusting(ROOT), Policy(verification_time=AT))(BARE, lambda _: None)
