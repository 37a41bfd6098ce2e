"""Encodings: known answers, and bundles that were never served, before the sigstore package."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("asn1crypto")
pytest.importorskip("sigstore")

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from sigstore.errors import Error
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.verify import Verifier, policy

from conformance.loopback import encodings as enc

from .clients import PAYLOAD_TYPE, STATEMENT

NOW = 1_700_000_000
ISSUER = "https://issuer.example"
INSTANCE = enc.make_instance("tests")
KEY = enc.ec_key("tests", "signer")
SIGNED = enc.pae(PAYLOAD_TYPE, STATEMENT)
SIGNATURE = enc.sign(KEY, SIGNED)
ENVELOPE = enc.envelope(PAYLOAD_TYPE, STATEMENT, SIGNATURE)
ENDPOINTS = enc.Endpoints("http://127.0.0.1:1", "http://127.0.0.1:1", "http://127.0.0.1:1", "http://127.0.0.1:1")


def make_leaf(**changes: Any) -> x509.Certificate:
    return enc.issue_leaf(
        changes.pop("instance", INSTANCE),
        KEY.public_key(),
        x509.RFC822Name("alice@example.com"),
        ISSUER,
        serial=7,
        not_before=changes.pop("not_before", NOW),
    )


def make_bundle(version: int, timestamps: int = 0, position: int = 4, size: int = 6) -> dict[str, Any]:
    leaf = make_leaf()
    if version == 1:
        body = enc.dsse_body(enc.canonical_json(ENVELOPE), STATEMENT, SIGNATURE, leaf)
    else:
        body = enc.hashedrekord_v2_body(hashlib.sha256(SIGNED).digest(), SIGNATURE, leaf)
    bodies = [body._replace(bytes=b"%d" % number) for number in range(size)]
    bodies[position] = body
    log = INSTANCE.rekor_v1 if version == 1 else INSTANCE.rekor_v2
    entry = enc.prove(log, bodies, position, integrated_time=NOW + 1 if version == 1 else None)
    stamps = [enc.issue_timestamp(INSTANCE, SIGNATURE, NOW + 2, number + 1) for number in range(timestamps)]
    bundle: dict[str, Any] = json.loads(json.dumps(enc.bundle(leaf, [entry], ENVELOPE, stamps)))
    return bundle


def check(bundle: dict[str, Any], instance: enc.Instance = INSTANCE) -> None:
    config = enc.trust_config(enc.trusted_root(instance), enc.signing_config(ENDPOINTS))
    root = ClientTrustConfig.from_json(json.dumps(config)).trusted_root
    wanted = policy.Identity(identity="alice@example.com", issuer=ISSUER)
    kind, payload = Verifier(trusted_root=root).verify_dsse(Bundle.from_json(json.dumps(bundle)), wanted)
    assert (kind, payload) == (PAYLOAD_TYPE, STATEMENT)


@pytest.mark.parametrize(("version", "timestamps"), [(1, 0), (1, 1), (2, 1)])
def test_made_bundles_verify(version: int, timestamps: int) -> None:
    check(make_bundle(version, timestamps))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13])
def test_every_position_in_a_log_is_proved(size: int) -> None:
    for position in range(size):
        check(make_bundle(1, position=position, size=size))


MUTATIONS: dict[str, Callable[[dict[str, Any]], object]] = {
    "signature": lambda b: b["dsseEnvelope"]["signatures"][0].update(sig=enc.b64(enc.sign(KEY, b"x"))),
    "payload": lambda b: b["dsseEnvelope"].update(payload=enc.b64(STATEMENT + b" ")),
    "promise": lambda b: b["verificationMaterial"]["tlogEntries"][0]["inclusionPromise"].update(
        signedEntryTimestamp=enc.b64(enc.sign(KEY, b"x"))
    ),
    "path": lambda b: b["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["hashes"].pop(),
    "time": lambda b: b["verificationMaterial"]["tlogEntries"][0].update(integratedTime=str(NOW + 3)),
    "certificate": lambda b: b["verificationMaterial"]["certificate"].update(
        rawBytes=enc.b64(enc.der(make_leaf(instance=enc.make_instance("other"))))
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_changed_bundles_do_not_verify(name: str) -> None:
    bundle = copy.deepcopy(make_bundle(1))
    MUTATIONS[name](bundle)
    with pytest.raises(Error):
        check(bundle)


FULCIO = INSTANCE.fulcio
CHAIN = "failed to build timestamp certificate chain"  # what follows differs between releases
Scts = Callable[[bytes], "bytes | None"]


def scts(*keys: ec.EllipticCurvePrivateKey) -> Scts:
    return lambda tbs: enc.sct_list([enc.sct(key, tbs, FULCIO.certificate, NOW * 1000) for key in keys])


def odd_leaf(
    sct_list: Scts, usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING, **changes: Any
) -> x509.Certificate:
    extensions = enc.leaf_extensions(
        FULCIO,
        KEY.public_key(),
        x509.RFC822Name("alice@example.com"),
        changes.pop("issuer", ISSUER),
        usage=usage,
    )
    return enc.make_leaf(FULCIO, KEY.public_key(), extensions, serial=7, not_before=NOW, scts=sct_list, **changes)


ODD_LEAVES: dict[str, tuple[Callable[[], x509.Certificate], str]] = {
    "no SCT": (lambda: odd_leaf(lambda _: None), "does not contain a signed certificate timestamp"),
    "two SCTs": (
        lambda: odd_leaf(scts(INSTANCE.ct_key, INSTANCE.ct_key)),
        "Expected one certificate timestamp",
    ),
    "SCT by another key": (lambda: odd_leaf(scts(KEY)), "SCT verify failed"),
    "another usage": (
        lambda: odd_leaf(scts(INSTANCE.ct_key), ExtendedKeyUsageOID.CLIENT_AUTH),
        "Extended usage does not contain",
    ),
    "another issuer": (lambda: odd_leaf(scts(INSTANCE.ct_key), issuer="https://other.example"), "OIDCIssuer"),
    "another signer": (lambda: odd_leaf(scts(INSTANCE.ct_key), signer=KEY), CHAIN),
    "too short a life": (lambda: odd_leaf(scts(INSTANCE.ct_key), lifetime=1), CHAIN),
}


@pytest.mark.parametrize("name", ODD_LEAVES)
def test_odd_leaves(name: str) -> None:
    """What the vectors need of the encodings, and the reason the sigstore package gives."""
    make, reason = ODD_LEAVES[name]
    leaf = make()
    body = enc.hashedrekord_v2_body(hashlib.sha256(SIGNED).digest(), SIGNATURE, leaf)
    entry = enc.prove(INSTANCE.rekor_v2, [body, body], 0)
    stamp = enc.issue_timestamp(INSTANCE, SIGNATURE, NOW + 2, 1)
    with pytest.raises(Error, match=reason):
        check(json.loads(json.dumps(enc.bundle(leaf, [entry], ENVELOPE, [stamp]))))


def test_another_instance_is_not_trusted() -> None:
    with pytest.raises(Error):
        check(make_bundle(1), enc.make_instance("other"))


@pytest.mark.skipif(not enc.deterministic_ecdsa(), reason="needs cryptography with OpenSSL 3.2 or later")
def test_the_same_seed_gives_the_same_bytes() -> None:
    assert enc.trusted_root(enc.make_instance("a")) == enc.trusted_root(enc.make_instance("a"))
    assert enc.trusted_root(enc.make_instance("a")) != enc.trusted_root(enc.make_instance("b"))
    assert make_bundle(2, 1) == make_bundle(2, 1)


def test_without_deterministic_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    """An older OpenSSL makes the same keys, and good signatures that differ each time."""
    monkeypatch.setattr(enc, "deterministic_ecdsa", lambda: False)
    instance = enc.make_instance("tests")
    assert instance.fulcio.certificate.public_key() == FULCIO.certificate.public_key()
    assert enc.sign(KEY, b"x") != enc.sign(KEY, b"x")
    check(make_bundle(2, 1))


def test_canonical_json() -> None:
    value: enc.Json = {
        "b": ['\u20ac$\u000f\nA\'B"\\\\"/', True, None],
        "a": 2**53 - 1,
        "A": {"z": -1, "y": ""},
    }
    text = '{"A":{"y":"","z":-1},"a":9007199254740991,"b":["\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/",true,null]}'
    assert enc.canonical_json(value) == text.encode()


@pytest.mark.parametrize("value", [2**53, {"\u00e9": 1}, 1.0, {1: 1}, b"x"])
def test_no_canonical_json(value: Any) -> None:
    with pytest.raises(ValueError, match=r"canonical|range|ASCII"):
        enc.canonical_json(value)


def test_merkle_known_answers() -> None:
    """The tree of https://github.com/google/certificate-transparency (cpp/merkletree/merkle_tree_test.cc)."""
    inputs = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    leaves = [enc.leaf_hash(bytes.fromhex(text)) for text in inputs]
    assert enc.tree_root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert enc.tree_root(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert enc.tree_root(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    with pytest.raises(ValueError, match="no leaf"):
        enc.inclusion_path(leaves, 8)


def test_checkpoint_is_a_signed_note() -> None:
    text = enc.checkpoint_text("log.test", 3, b"\1" * 32)
    note = enc.signed_note(text, enc.ed25519_key("a", "b"), "log.test", b"hint")
    assert note.startswith("log.test\n3\nAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n\n\u2014 log.test aGlud")
    assert note.count("\n\n") == 1
    assert note.endswith("\n")


@pytest.mark.parametrize("kind", ["ES256", "RS256"])
def test_tokens(kind: str) -> None:
    jwt = pytest.importorskip("jwt")
    key: enc.TokenKey = enc.ec_key("a", "b") if kind == "ES256" else rsa.generate_private_key(65537, 2048)
    token = enc.jwt(key, {"sub": "me", "aud": "you"})
    public = jwt.PyJWK(dict(enc.jwk(key))).key
    assert jwt.decode(token, public, algorithms=[kind], audience="you") == {"sub": "me", "aud": "you"}
    assert enc.open_jwt(token, key) == {"sub": "me", "aud": "you"}
    for bad in (token[:-8] + "AAAAAAAA", token + ".", "a.b.c", "", enc.jwt(enc.ec_key("c", "d"), {})):
        with pytest.raises(ValueError, match="token is not"):
            enc.open_jwt(bad, key)


def test_leaf_is_as_fulcios() -> None:
    leaf = make_leaf()
    critical = [extension.oid.dotted_string for extension in leaf.extensions if extension.critical]
    everything = [extension.oid.dotted_string for extension in leaf.extensions]
    assert critical == ["2.5.29.15", "2.5.29.17"]
    assert everything == [
        "2.5.29.15",
        "2.5.29.37",
        "2.5.29.14",
        "2.5.29.35",
        "2.5.29.17",
        "1.3.6.1.4.1.57264.1.1",
        "1.3.6.1.4.1.57264.1.8",
        "1.3.6.1.4.1.11129.2.4.2",
    ]
    assert list(leaf.subject) == []
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).total_seconds() == 600


@pytest.mark.parametrize("time", [NOW, enc.UTC_TIME_END + 1])
def test_timestamps_say_what_was_asked(time: int) -> None:
    from rfc3161_client import decode_timestamp_response

    request = enc.TimestampRequest("sha512", hashlib.sha512(b"x").digest(), nonce=5, certificates=False)
    response = decode_timestamp_response(enc.timestamp_response(INSTANCE.tsa, request, time, 9))
    info = response.tst_info
    assert (info.serial_number, info.nonce, info.gen_time) == (9, 5, enc.utc(time))
    assert info.message_imprint.message == request.digest


@pytest.mark.parametrize("junk", [b"", b"junk", b"\x30\x00", b"\x30\x03\x02\x01\x01"])
def test_junk_is_no_timestamp_request(junk: bytes) -> None:
    with pytest.raises(ValueError, match="timestamp request"):
        enc.parse_timestamp_request(junk)
