"""The bundle's shape: every wrong type, every absent and unknown member, media types, material."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from forge import (
    HINT,
    KEY,
    OTHER_KEY,
    SIGNER,
    VERIFIER,
    At,
    b64,
    bundle_value,
    get,
    judge,
    positions,
    replaced,
    sign,
    statement,
    to_json,
    verdict_of,
    without,
    write_tree,
    wrong_types,
)

from model_signing_ref import bundle, dsse, signing, verifying
from model_signing_ref.errors import BundleRejected, OperationError, Rejection
from model_signing_ref.verifiers.key import key_verifier

PAYLOAD = to_json(statement())
PLAIN = bundle_value(PAYLOAD)
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
DER = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

LOG_ENTRY = {
    "logIndex": "1",
    "logId": {"keyId": "AA=="},
    "kindVersion": {"kind": "dsse", "version": "0.0.1"},
    "integratedTime": "-1",
    "inclusionPromise": {"signedEntryTimestamp": "AA=="},
    "inclusionProof": {
        "logIndex": "9223372036854775807",
        "rootHash": "AA==",
        "treeSize": "2",
        "hashes": ["AA=="],
        "checkpoint": {"envelope": "x"},
    },
    "canonicalizedBody": "AA==",
}


def full_bundle() -> Any:
    """Every member that a bundle with a key may have."""
    value = json.loads(to_json(PLAIN))
    value["verificationMaterial"] = {
        "publicKey": {"hint": HINT, "rawBytes": b64(PEM), "keyDetails": "PKIX_ECDSA_P256_SHA_256"},
        "tlogEntries": [LOG_ENTRY],
        "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": "AA=="}]},
    }
    value["dsseEnvelope"]["signatures"][0]["keyid"] = ""
    return value


FULL = full_bundle()
INT64 = {"logIndex", "treeSize", "integratedTime"}
KEYID: At = ("dsseEnvelope", "signatures", 0, "keyid")
OPTIONAL = {
    *("hint", "rawBytes", "keyDetails", "tlogEntries", "timestampVerificationData", "rfc3161Timestamps", "keyid"),
    # Members of a log entry, which protobuf's JSON leaves out where they have their default values.
    *("logIndex", "logId", "keyId", "kindVersion", "kind", "version", "integratedTime", "canonicalizedBody"),
    *("inclusionPromise", "signedEntryTimestamp", "inclusionProof", "rootHash", "treeSize", "hashes", "checkpoint"),
    "envelope",
}


def test_the_full_bundle_is_right() -> None:
    verdict = judge(to_json(FULL))
    assert (verdict, verdict.notes) == ("accepted", ["unchecked-material", "old-raw-key"])


def test_every_wrong_type_at_every_position() -> None:
    count = 0
    for at, wrong in wrong_types(FULL):
        fits = (at == KEYID and wrong is None) or (at and at[-1] in INT64 and wrong == 7)
        count += 1
        assert judge(to_json(replaced(FULL, at, wrong))) == ("accepted" if fits else "bundle OMS-4-01"), (at, wrong)
    assert count > 200


def test_every_absent_member() -> None:
    for at in positions(FULL):
        if not at or isinstance(at[-1], int):
            continue
        expected = "accepted" if at[-1] in OPTIONAL else "bundle OMS-4-01"
        if at in (("verificationMaterial",), ("verificationMaterial", "publicKey")):
            expected = "material OMS-4-01"
        assert judge(to_json(without(FULL, at))) == expected, at


def test_every_unknown_member() -> None:
    """Refused in bundle and material, ignored in the envelope and its signature (decision 30)."""
    for at in positions(FULL):
        if isinstance(get(FULL, at), dict):
            expected = "accepted" if at[:1] == ("dsseEnvelope",) else "bundle REF-BUNDLE-02"
            for name in ("x", "", "mediatype", "hint?", "…", "tlogEntries?"):
                assert judge(to_json(replaced(FULL, (*at, name), None))) == expected, (at, name)


def test_every_string_of_base64_is_base64() -> None:
    for at in positions(FULL["verificationMaterial"]):
        if get(FULL["verificationMaterial"], at) == "AA==":
            changed = replaced(FULL, ("verificationMaterial", *at), "AB==")
            assert judge(to_json(changed)) == "bundle OMS-4-01", at


@pytest.mark.parametrize("number", ["", "x", "1.0", " 1", "1\n", "9223372036854775808", "-9223372036854775809", "١"])
def test_64_bit_integers_refused(number: str) -> None:
    at = ("verificationMaterial", "tlogEntries", 0, "integratedTime")
    assert judge(to_json(replaced(FULL, at, number))) == "bundle OMS-4-01"
    assert judge(to_json(replaced(FULL, at, 10**19))) == "bundle OMS-4-01"


@pytest.mark.parametrize("number", ["0", "-1", "9223372036854775807", "-9223372036854775808", 0, -1, 2**63 - 1])
def test_64_bit_integers_accepted(number: object) -> None:
    at = ("verificationMaterial", "tlogEntries", 0, "integratedTime")
    assert judge(to_json(replaced(FULL, at, number))) == "accepted"


MEDIA_TYPES = {
    "application/vnd.dev.sigstore.bundle.v0.3+json": "accepted",
    "application/vnd.dev.sigstore.bundle+json;version=0.3": "accepted",
    "application/vnd.dev.sigstore.bundle+json;version=0.2": "bundle REF-BUNDLE-03",
    "application/vnd.dev.sigstore.bundle+json;version=0.1": "bundle REF-BUNDLE-03",
    "application/vnd.dev.sigstore.bundle+json; version=0.3": "bundle OMS-8.1-01",
    "application/vnd.dev.sigstore.bundle.v0.3+json ": "bundle OMS-8.1-01",
    "application/vnd.dev.sigstore.bundle.v0.3+json\n": "bundle OMS-8.1-01",
    "application/vnd.dev.sigstore.bundle.v0.3+jsonx": "bundle OMS-8.1-01",
    "application/vnd.dev.sigstore.bundle.v0.3.1+json": "bundle OMS-8.1-01",
    "Application/vnd.dev.sigstore.bundle.v0.3+json": "bundle OMS-8.1-01",
    "application/vnd.dev.sigstore.bundle.v0x3+json": "bundle OMS-8.1-01",
    "application/json": "bundle OMS-8.1-01",
    "": "bundle OMS-8.1-01",
}


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_media_type(media_type: str) -> None:
    assert judge(to_json({**PLAIN, "mediaType": media_type})) == MEDIA_TYPES[media_type]


CERTIFICATE = {"rawBytes": "AA=="}
KEY_PART = {"hint": HINT}
MATERIALS: dict[str, tuple[Any, str]] = {
    "the key": ({"publicKey": KEY_PART}, "accepted"),
    "with empty lists": (
        {"publicKey": KEY_PART, "tlogEntries": [], "timestampVerificationData": {"rfc3161Timestamps": []}},
        "accepted",
    ),
    "with no timestamps": ({"publicKey": KEY_PART, "timestampVerificationData": {}}, "accepted"),
    "nothing": ({}, "material OMS-4-01"),
    "lists alone": ({"tlogEntries": []}, "material OMS-4-01"),
    "a certificate": ({"certificate": CERTIFICATE}, "material OMS-11.1-08"),
    "a chain": ({"x509CertificateChain": {"certificates": [CERTIFICATE]}}, "material OMS-11.1-08"),
    "an empty chain": ({"x509CertificateChain": {"certificates": []}}, "material OMS-11.1-08"),
    "a chain of nothing": ({"x509CertificateChain": {}}, "bundle OMS-4-01"),
    "key and certificate": ({"publicKey": KEY_PART, "certificate": CERTIFICATE}, "material BUNDLE-02"),
    "certificate and chain": (
        {"certificate": CERTIFICATE, "x509CertificateChain": {"certificates": [CERTIFICATE]}},
        "material BUNDLE-02",
    ),
    "no hint": ({"publicKey": {}}, "material OMS-11.1-02"),
    "details alone": ({"publicKey": {"keyDetails": "PKIX_ECDSA_P256_SHA_256"}}, "material OMS-11.1-02"),
    "an empty hint": ({"publicKey": {"hint": ""}}, "key REF-KEY-01"),
    "an upper-case hint": ({"publicKey": {"hint": HINT.upper()}}, "key REF-KEY-01"),
    "a hint and a space": ({"publicKey": {"hint": HINT + " "}}, "key REF-KEY-01"),
    "half a hint": ({"publicKey": {"hint": HINT[:32]}}, "key REF-KEY-01"),
    "raw key": ({"publicKey": {"rawBytes": b64(PEM)}}, "accepted"),
    "raw key and hint": ({"publicKey": {"rawBytes": b64(PEM), "hint": HINT}}, "accepted"),
    "raw key and a wrong hint": ({"publicKey": {"rawBytes": b64(PEM), "hint": "0" * 64}}, "key REF-KEY-01"),
    "raw key and an empty hint": ({"publicKey": {"rawBytes": b64(PEM), "hint": ""}}, "key REF-KEY-01"),
    "a wrong raw key and a hint": ({"publicKey": {"rawBytes": b64(PEM[:-1]), "hint": HINT}}, "key REF-KEY-01"),
    "an empty raw key": ({"publicKey": {"rawBytes": ""}}, "key REF-KEY-01"),
    "a raw key in DER": ({"publicKey": {"rawBytes": b64(DER)}}, "key REF-KEY-01"),
    "a raw key with CRLF": ({"publicKey": {"rawBytes": b64(PEM.replace(b"\n", b"\r\n"))}}, "key REF-KEY-01"),
}


@pytest.mark.parametrize("name", MATERIALS)
def test_material(name: str) -> None:
    material, expected = MATERIALS[name]
    assert judge(to_json({**PLAIN, "verificationMaterial": material})) == expected


def test_another_key_is_refused_by_hint_and_without_it_by_signature() -> None:
    other = key_verifier(OTHER_KEY.public_key())
    assert judge(to_json(PLAIN), verifier=other) == "key REF-KEY-01"
    pem = OTHER_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    forged = replaced(PLAIN, ("verificationMaterial", "publicKey"), {"rawBytes": b64(pem)})
    assert judge(to_json(forged), verifier=other) == "signature DSSE-01"


UNFIT_KEYS = {
    "RSA": rsa.generate_private_key(65537, 1024).public_key(),
    "Ed25519": ed25519.Ed25519PrivateKey.generate().public_key(),
    "secp256k1": ec.generate_private_key(ec.SECP256K1()).public_key(),
    "P-224": ec.generate_private_key(ec.SECP224R1()).public_key(),
}


@pytest.mark.parametrize("name", UNFIT_KEYS)
def test_keys_of_another_type_or_curve(name: str) -> None:
    assert judge(to_json(PLAIN), verifier=key_verifier(UNFIT_KEYS[name])) == "key OMS-REG-04"


def test_stages_come_in_order() -> None:
    """Each step mends the first fault only; the next one then shows."""
    value = {
        "mediaType": "x",
        "verificationMaterial": {},
        "dsseEnvelope": {"payload": "!", "payloadType": "x", "signatures": []},
    }
    steps: list[tuple[At, Any, str]] = [
        ((), {**value, "extra": 1}, "bundle REF-BUNDLE-02"),
        ((), value, "bundle OMS-8.1-01"),
        (("mediaType",), PLAIN["mediaType"], "material OMS-4-01"),
        (("verificationMaterial",), {"publicKey": {"hint": "x"}}, "envelope INTOTO-01"),
        (("dsseEnvelope", "payloadType"), dsse.PAYLOAD_TYPE, "envelope DSSE-03"),
        (("dsseEnvelope", "signatures"), [{"sig": "AA=="}], "envelope BASE64-01"),
        (("dsseEnvelope", "payload"), b64(PAYLOAD), "key REF-KEY-01"),
        (("verificationMaterial", "publicKey", "hint"), HINT, "signature DSSE-01"),
        (("dsseEnvelope", "signatures"), PLAIN["dsseEnvelope"]["signatures"], "accepted"),
    ]
    for at, new, expected in steps:
        value = replaced(value, at, new)
        assert judge(to_json(value)) == expected


def test_what_is_written_is_canonical_and_reads_back() -> None:
    chain = bundle.Material(
        bundle.CERTIFICATE, certificates=(b"\1", b"\2"), timestamps=(b"\3",), log_entries=(LOG_ENTRY,)
    )
    leaf = bundle.Material(bundle.SIGSTORE, certificates=(b"\1",), log_entries=(LOG_ENTRY,))
    key = bundle.Material(bundle.KEY, hint="h")
    for material in (chain, leaf, key):
        value = bundle.Bundle(bundle.MEDIA_TYPE, material, dsse.Envelope(dsse.PAYLOAD_TYPE, b"p", b"s"))
        data = bundle.write_bundle(value)
        assert bundle.read_bundle(data) == value
        members = {material.kind} | ({"tlogEntries"} if material.log_entries else set())
        members |= {"timestampVerificationData"} if material.timestamps else set()
        assert set(json.loads(data)["verificationMaterial"]) == members
        assert data == json.dumps(json.loads(data), sort_keys=True, separators=(",", ":")).encode()


def test_a_signature_that_does_not_verify_is_never_written(tmp_path: Path) -> None:
    model, signature = write_tree(tmp_path / "m", {"a": b""}), tmp_path / "s"
    broken = signing.Signer(SIGNER.sign, key_verifier(OTHER_KEY.public_key()))
    with pytest.raises(OperationError, match="the new signature does not verify and was not written: key: "):
        signing.sign_model(model, signature, broken)
    assert not signature.exists()


def test_size_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, signature = write_tree(tmp_path / "m", {"a": b""}), tmp_path / "s"
    sign(model, signature)
    size = signature.stat().st_size
    config = verifying.Config().set_verifier(VERIFIER)
    assert verdict_of(lambda _: config.set_max_bundle_bytes(size).verify(model, signature)) == "accepted"
    verdict = verdict_of(lambda _: config.set_max_bundle_bytes(size - 1).verify(model, signature))
    assert verdict == "bundle REF-BUNDLE-01"
    monkeypatch.setattr(bundle, "MAX_BYTES", size)
    sign(model, signature)
    monkeypatch.setattr(bundle, "MAX_BYTES", size - 1)
    before = signature.read_bytes()
    with pytest.raises(OperationError, match=rf"would have {size} bytes; the limit is {size - 1}"):
        signing.sign_model(model, signature, SIGNER)
    assert signature.read_bytes() == before


@pytest.mark.parametrize("size", [300 << 20, 4 << 40])
def test_a_large_bundle_is_refused_unread(tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model, signature = write_tree(tmp_path / "m", {"a": b""}), tmp_path / "s"
    with signature.open("wb") as file:
        file.truncate(size)
    monkeypatch.setattr(verifying, "verify_bundle", lambda *_: pytest.fail("it was read"))
    config = verifying.Config().set_verifier(VERIFIER)
    with pytest.raises(Rejection, match=r"bundle: the bundle has more than 268435456 bytes \[REF-BUNDLE-01\]"):
        config.verify(model, signature)


def test_a_bundle_that_grows_is_read_to_its_size_at_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s"
    path.write_bytes(b"12345678")

    class Small:
        st_size = 5

    monkeypatch.setattr(os, "fstat", lambda _: Small)
    assert verifying.read_bundle_file(path, 5) == b"12345"
    with pytest.raises(BundleRejected, match="REF-BUNDLE-01"):
        verifying.read_bundle_file(path, 4)


def test_number_of_values() -> None:
    """Bounded before the text is parsed; those of the payload, which is signed, are not."""
    at = ("verificationMaterial", "tlogEntries", 0, "inclusionProof", "hashes")
    text = to_json(FULL)
    room = bundle.MAX_VALUES - sum(map(text.count, (b",", b"[", b"{")))
    assert judge(to_json(replaced(FULL, at, [""] * room))) == "accepted"
    assert judge(to_json(replaced(FULL, at, [""] * (room + 1)))) == "bundle REF-JSON-04"
    assert judge(b"[" + b"[]," * bundle.MAX_VALUES + b"[]]") == "bundle REF-JSON-04"
    many = statement() | {"more": [0] * 2 * bundle.MAX_VALUES}
    assert judge(to_json(bundle_value(to_json(many)))) == "accepted"
