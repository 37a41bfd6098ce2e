"""What must hold for any bytes: no exception but the project's own, and no acceptance that the second verifier,
written apart, does not share. A target takes bytes and returns, or raises AssertionError or whatever came up.

Signatures are taken to hold where a target is about what comes after them: there the bytes are under a valid
signature, as those of a hostile signer are.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from conformance import case
from conformance.loopback import encodings
from model_signing_ref import (
    certificates,
    inspection,
    inspection_html,
    keys,
    pkcs11_uri,
    standalone,
    timestamps,
    verifying,
)
from model_signing_ref.bundle import read_bundle
from model_signing_ref.errors import CertificateRejected, OperationError, Rejection, TransparencyRejected
from model_signing_ref.hashing import Plan, hash_model, ignore_note
from model_signing_ref.manifest import GIT_NAMES
from model_signing_ref.statement import write_statement
from model_signing_ref.verifiers.key import key_verifier

Target = Callable[[bytes], None]
Verdict = tuple[str, str | None]  # "accept", or "reject" and the stage

KEY = ec.derive_private_key(1 + int.from_bytes(b"fuzz", "big"), ec.SECP256R1())
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
MESSAGE = b"DSSEv1 0  0 "
SECOND_KEY = standalone.key_from_pem(PEM)
OPTIONS = standalone.Options()
# Where the two name different stages for one fault, for a reason: see STAGE_OF_THE_SECOND in test_vectors.py. A name
# that is a dot is valid where the model is a file, which only who looks at the disk knows.
DOT = "."


def bundle(data: bytes) -> None:
    """Bytes as a bundle: both verifiers refuse it, or both get past the envelope.

    Which of two faults is named may differ.
    """
    found, other = package_bundle(data), second_bundle(data)
    assert found[0] == other[0], (found, other)


@contextmanager
def signatures_that_hold() -> Iterator[None]:
    """Both verifiers, as if every signature held."""
    originals = keys.verify_envelope, standalone.ecdsa_holds
    keys.verify_envelope, standalone.ecdsa_holds = lambda *_, **__: b"", lambda *_: True
    try:
        yield
    finally:
        keys.verify_envelope, standalone.ecdsa_holds = originals


def package_bundle(data: bytes) -> Verdict:
    """What the package makes of a bundle whose signature, if it gets that far, holds."""
    try:
        with signatures_that_hold():
            key_verifier(KEY.public_key())(read_bundle(data), ignore_note)
    except Rejection as error:
        return "reject", error.stage
    return "accept", None


def second_bundle(data: bytes) -> Verdict:
    """The same of the second verifier."""
    try:
        with signatures_that_hold():
            standalone.signed_payload(data, SECOND_KEY, {})
    except standalone.Failure as failure:
        assert failure.verdict == "rejected", failure
        return "reject", failure.stage
    return "accept", None


def payload(data: bytes) -> None:
    """Bytes as a payload under a valid signature: both verifiers refuse it, or read the same manifest."""
    (found, resources), (other, others) = package_payload(data), second_payload(data)
    if DOT not in (each[2] for each in (*resources, *others)):
        assert (found[0], resources) == (other[0], others), (found, other)


Resources = list[tuple[str, str, str]]


def package_payload(data: bytes) -> tuple[Verdict, Resources]:
    """What the package reads: algorithm, digest and name of each resource."""
    envelope = json.dumps(envelope_of(data)).encode()
    try:
        manifest = verifying.verify_bundle(envelope, lambda *_: None)
    except Rejection as error:
        return ("reject", error.stage), []
    kind = manifest.serialization.hash_type
    return ("accept", None), [(kind, each.digest.hex(), each.name) for each in manifest.resources]


def second_payload(data: bytes) -> tuple[Verdict, Resources]:
    """The same of the second verifier."""
    try:
        root, predicate = standalone.check_statement(data)
        kind, size, _, pairs = standalone.check_predicate(predicate, OPTIONS, set(), {})
        standalone.check_names(pairs, size, None, {})
        digest = hashlib.sha256(b"".join(bytes.fromhex(each) for _, each in pairs)).hexdigest()
        standalone.need(digest == root, "root-digest", "", "")
    except standalone.Failure as failure:
        assert failure.verdict == "rejected", failure
        return ("reject", failure.stage), []
    return ("accept", None), [(kind, digest, name) for name, digest in pairs]


def envelope_of(data: bytes) -> Any:
    """A bundle around a payload."""
    return {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": "0"}},
        "dsseEnvelope": {
            "payload": base64.b64encode(data).decode(),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": "AA=="}],
        },
    }


def signature(data: bytes) -> None:
    """Bytes as a signature: the second verifier's plain integers agree with `cryptography`."""
    try:
        KEY.public_key().verify(data, MESSAGE, ec.ECDSA(hashes.SHA256()))
        holds = True
    except InvalidSignature:
        holds = False
    curve, point, _ = SECOND_KEY
    assert curve is not None
    assert standalone.ecdsa_holds(curve, point, MESSAGE, data) == holds


def public_key(data: bytes) -> None:
    """Bytes as a PEM public key, and as the DER inside one: what the second verifier takes, the package takes too."""
    lines = base64.encodebytes(data)
    for text in (data, b"-----BEGIN PUBLIC KEY-----\n" + lines + b"-----END PUBLIC KEY-----\n"):
        try:
            curve, point, fingerprint = standalone.key_from_pem(text)
        except (standalone.Failure, ValueError):
            continue
        if curve is not None:
            key = keys.require_curve(load(text, keys.load_public_key))
            numbers = key.public_numbers()
            assert (numbers.x, numbers.y) == point
            assert keys.fingerprint(key) == fingerprint


def load(data: bytes, reader: Callable[[Path], Any]) -> Any:
    """What a reader of files makes of bytes."""
    path = scratch() / "file"
    path.write_bytes(data)
    return reader(path)


def key_files(data: bytes) -> None:
    """Bytes as each of the files that a caller names: there is a value, or an OperationError."""
    readers: tuple[Callable[[Path], Any], ...] = (
        *(keys.load_public_key, certificates.load_certificates),
        lambda path: keys.load_private_key(path, lambda: b"password"),
    )
    for reader in readers:
        with suppress(OperationError):
            load(data, reader)


def certificate(data: bytes) -> None:
    """Bytes as certificates of a bundle: read and led to an anchor, or a CertificateRejected."""
    with suppress(CertificateRejected, Rejection):
        chain = certificates.read_certificates([data])
        trusted = certificates.trust(chain, partial_chain=True)
        time = certificates.parse_time("2026-06-01T00:00:00Z")
        certificates.check_key(chain[0])
        certificates.leaf_fault(chain[0])
        certificates.check_chain(chain[0], chain[1:], trusted, time, certificates.CODE_SIGNING)


def timestamp(data: bytes) -> None:
    """Bytes as a trusted timestamp: a token, or a TransparencyRejected."""
    with suppress(TransparencyRejected):
        timestamps.verify_token(data, b"signature", certificates.trust([authority().tsa.root]))


@lru_cache(None)
def authority() -> encodings.Instance:
    """A Sigstore whose timestamp authority is trusted."""
    return encodings.make_instance("fuzz")


def token_uri(data: bytes) -> None:
    """Bytes as a pkcs11: URI: what is read is written and read again, or an OperationError."""
    text = data.decode("utf-8", "surrogateescape")
    for each in (text, "pkcs11:" + text):
        with suppress(OperationError):
            uri = pkcs11_uri.parse(each)
            assert pkcs11_uri.parse(pkcs11_uri.format_uri(uri)) == uri


def inspected(data: bytes) -> None:
    """Bytes as a bundle to look into: always something to show, as text that a terminal and a page can take."""
    for each in (data, json.dumps(envelope_of(data)).encode()):
        found = inspection.inspect_bundle(each)
        page = inspection_html.page("bundle", found, 50)
        assert b"<script" not in page


def model(data: bytes) -> None:
    """Bytes as the description of a model: refused with a reason, or both verifiers accept what is hashed."""
    folder = scratch() / "model"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for entry in entries(data):
        with suppress(OSError, ValueError):
            make(os.fsencode(folder), *entry)
    plan = Plan(shard_size=data[0] or None, method="shards") if data[:1] > b"\x80" else Plan()
    try:
        manifest = hash_model(folder, plan)
    except OperationError:
        return
    verifying.verify_model(folder, manifest, plan)
    assert second_payload(write_statement(manifest))[0] == ("accept", None)
    tree = standalone.Tree(str(folder), None, set(), "OMS-6.1.1-07", {}, {}, [], {})
    standalone.walk(tree)
    pairs = [(each.name, each.digest.hex()) for each in manifest.resources]
    resources = standalone.check_names(pairs, manifest.serialization.shard_size, None, {})
    listed = sorted({path for path, *_ in resources})
    standalone.check_files(tree, listed, set(GIT_NAMES), False, manifest.serialization.shard_size)
    standalone.check_digests(tree, resources, "sha256")


def entries(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Kind, path and content of each entry: NUL between entries, newline between path and content."""
    for part in data[1:].split(b"\0")[:20]:
        path, _, content = part[1:].partition(b"\n")
        yield (part[0] if part else 0), path, content


def make(folder: bytes, kind: int, path: bytes, content: bytes) -> None:
    """An entry, somewhere below the folder. Raises OSError and ValueError where it can't be."""
    parts = [part for part in path.split(b"/") if part not in (b"", b".", b"..")]
    where = os.path.join(folder, *(parts or [b"file"]))
    os.makedirs(os.path.dirname(where), exist_ok=True)
    if kind % 8 == 1:
        os.symlink(content or b".", where)
    elif kind % 8 == 2:
        os.mkfifo(where)
    elif kind % 8 == 3:
        os.mkdir(where)
    else:
        with open(where, "xb") as file:
            file.write(content)


@lru_cache(None)
def scratch() -> Path:
    """A folder of this process, in memory where the system has one there."""
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    return Path(tempfile.mkdtemp(prefix="fuzz-", dir=memory))


TARGETS: dict[str, Target] = {
    each.__name__: each
    for each in (
        *(bundle, payload, signature, public_key, key_files),
        *(certificate, timestamp, token_uri, inspected, model),
    )
}


def seeds(name: str) -> list[bytes]:
    """Inputs to begin with: from the conformance vectors, and by hand."""
    return [*dict.fromkeys(SEEDS.get(name, lambda: iter(()))())]


def _bundles(most: int = 5000) -> Iterator[bytes]:
    """Those of at most `most` bytes: a long seed makes every step of the fuzzer slow."""
    for vector in case.load():
        data = case.bundle_bytes(vector) if vector["id"].partition("/")[0] != "limits" else b""
        if 0 < len(data) <= most:
            yield data


def _payloads() -> Iterator[bytes]:
    for data in _bundles():
        with suppress(ValueError, LookupError, TypeError, RecursionError):
            yield base64.b64decode(json.loads(data)["dsseEnvelope"]["payload"])


def _signatures() -> Iterator[bytes]:
    for number in range(8):
        yield KEY.sign(MESSAGE, ec.ECDSA(hashes.SHA256(), deterministic_signing=not number))


def _keys() -> Iterator[bytes]:
    for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1()):
        public = ec.derive_private_key(7, curve).public_key()
        yield public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        yield public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _key_files() -> Iterator[bytes]:
    """Keys, also private and encrypted ones, and certificates."""
    yield from _keys()
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        for encryption in (NoEncryption(), BestAvailableEncryption(b"password")):
            yield KEY.private_bytes(Encoding.PEM, form, encryption)
    for certificate in (authority().tsa.root, authority().tsa.certificate):
        yield certificate.public_bytes(Encoding.PEM)


def _material() -> Iterator[tuple[str, bytes]]:
    """The certificates and timestamps of all vectors."""
    for data in _bundles(100_000):
        with suppress(ValueError, LookupError, TypeError, RecursionError, AttributeError):
            material = json.loads(data)["verificationMaterial"]
            chain = material.get("x509CertificateChain", {}).get("certificates", [])
            for each in (*chain, *([material["certificate"]] if "certificate" in material else [])):
                yield "certificate", base64.b64decode(each["rawBytes"])
            for each in material.get("timestampVerificationData", {}).get("rfc3161Timestamps", []):
                yield "timestamp", base64.b64decode(each["signedTimestamp"])


def _timestamps() -> Iterator[bytes]:
    yield encodings.issue_timestamp(authority(), b"signature", 1_790_000_000, 1)
    yield encodings.issue_timestamp(authority(), b"another", 1_790_000_000, 1)
    yield from (data for kind, data in _material() if kind == "timestamp")


def _uris() -> Iterator[bytes]:
    yield b"pkcs11:token=models;object=release;id=%01?module-name=softhsm2&pin-value=1"
    yield b"pkcs11:slot-id=1;type=private;library-version=1.2?pin-source=file:/tmp/pin&module-path=/usr/lib/x.so"
    yield b"object=a%20b;serial=;x-mine=1?x-query=2"


def _trees() -> Iterator[bytes]:
    yield b"\0\0a\nx\0\0b/c\ny\0\3d"
    yield b"\xff\0a\n" + b"x" * 300 + b"\0\0a/b\ny\0\0a-1\n"
    yield b"\x01\1link\na\0\0a\nx\0\2fifo\0\0.gitignore\nz"
    yield "\0\0é\n1\0\0e\u0301\n2\0\0a:0:1\n3".encode()


SEEDS: dict[str, Callable[[], Iterator[bytes]]] = {
    "bundle": _bundles,
    "payload": _payloads,
    "inspected": _bundles,
    "signature": _signatures,
    "public_key": _keys,
    "key_files": _key_files,
    "certificate": lambda: (data for kind, data in _material() if kind == "certificate"),
    "timestamp": _timestamps,
    "token_uri": _uris,
    "model": _trees,
}
