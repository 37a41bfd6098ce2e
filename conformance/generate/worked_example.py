"""The worked example of `spec/`: a model of four small files, keys, certificates, and a bundle of each kind.

    python3 -m conformance.generate.worked_example FOLDER

Everything is the same each time. The keys are those of labels (`keys.py`), so they protect nothing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from model_signing_ref import certificates
from model_signing_ref.bundle import Bundle, read_bundle, write_bundle
from model_signing_ref.hashing import Plan, hash_model
from model_signing_ref.keys import load_private_key
from model_signing_ref.signers.certificate import certificate_signer
from model_signing_ref.signers.key import key_signer
from model_signing_ref.signing import sign_manifest

from . import keys

KEY, ROOT, SIGNER = "p256/spec", "p384/spec root", "p256/spec signer"
SHARD_SIZE = 5  # bytes
STAMPED_AT = 1_780_315_200  # 2026-06-01, 12:00 UTC, in Unix seconds
VALID = datetime(2026, 1, 1, tzinfo=timezone.utc), datetime(2028, 1, 1, tzinfo=timezone.utc)

# An empty file; two names that path order and code-point order sort differently; one file of three shards of 5 bytes.
MODEL = {
    "NOTICE": b"",
    "tokenizer.json": b"{}\n",
    "tokenizer/vocab.json": b"[1]\n",
    "weights.bin": b"abcdefghijkl",
}


def files() -> Iterator[tuple[str, bytes]]:
    """Path and content of each file of the example that is not a bundle."""
    for name, content in MODEL.items():
        yield f"model/{name}", content
    yield "key.pem", private_pem(KEY)
    yield "key.pub", keys.public_pem(KEY).encode()
    root = certificate("Example root", ROOT, ROOT, authority=True)
    yield "root.pem", root.public_bytes(Encoding.PEM)
    yield "signer.key", private_pem(SIGNER)
    yield "signer.pem", certificate("Model release", SIGNER, ROOT, authority=False).public_bytes(Encoding.PEM)


def private_pem(label: str) -> bytes:
    """The private key of `label` as PEM (PKCS #8)."""
    return keys.private_key(label).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificate(name: str, label: str, issuer: str, *, authority: bool) -> x509.Certificate:
    """The certificate of the key `label`, signed with that of `issuer`: a root that is an authority, or a signer."""
    public = keys.elliptic_key(label).public_key()
    usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    usage |= {"encipher_only": False, "decipher_only": False, "crl_sign": False}
    builder = x509.CertificateBuilder(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example root")]),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
        public,
        1 + keys.seed(name) % 2**64,
        *VALID,
    ).add_extension(x509.KeyUsage(not authority, key_cert_sign=authority, **usage), critical=True)
    if authority:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    else:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
    return builder.sign(keys.elliptic_key(issuer), hashes.SHA256(), ecdsa_deterministic=True)


def sigstore_files(payload: bytes) -> Iterator[tuple[str, bytes]]:
    """A Sigstore bundle over `payload`, and the trust configuration that it is verified with.

    Raises ImportError without what the loopback Sigstore needs.
    """
    from conformance.loopback import static

    made = static.make(static.Case("rekor-v1", "rekor-v1", frozenset(), static.V1), payload)
    yield "sigstore.sig", json.dumps(made.bundle, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    yield "trust.json", json.dumps(made.trust_config, sort_keys=True).encode()


def stamped_files(bundle: Bundle) -> Iterator[tuple[str, bytes]]:
    """`bundle` with a timestamp, and the root of its authority. Raises ImportError likewise."""
    from conformance.loopback import encodings

    instance = encodings.make_instance("spec")
    token = encodings.issue_timestamp(instance, bundle.envelope.signature, STAMPED_AT, 1)
    yield "tsa.pem", encodings.pem(instance.tsa.root)
    yield "stamped.sig", write_bundle(bundle._replace(material=bundle.material._replace(timestamps=(token,))))


def bundles(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The bundles that need no Sigstore, over the model in `folder`, with its keys."""
    key = key_signer(load_private_key(folder / "key.pem"))
    chain = certificates.load_certificates(folder / "signer.pem")
    signer_key = load_private_key(folder / "signer.key")
    signer = certificate_signer(signer_key, chain, allow_invalid_certificate=True)
    plain = hash_model(folder / "model")
    yield "key.sig", sign_manifest(plain, key)
    yield "shards.sig", sign_manifest(hash_model(folder / "model", Plan("shards", shard_size=SHARD_SIZE)), key)
    yield "certificate.sig", sign_manifest(plain, signer)


def write(folder: Path) -> None:
    """Lay the example out in `folder`; without those of Sigstore and timestamps where these can't be made."""
    for path, content in files():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    for path, content in bundles(folder):
        (folder / path).write_bytes(content)
    signed = read_bundle((folder / "certificate.sig").read_bytes())
    try:
        made = [*sigstore_files(signed.envelope.payload), *stamped_files(signed)]
    except ImportError as error:
        print(f"no files of Sigstore and timestamps: {error}: pip install '.[loopback]'", file=sys.stderr)
        return
    for path, content in made:
        (folder / path).write_bytes(content)


def main(words: list[str]) -> int:
    """Write the example into the folder that is named. Gives the exit status."""
    if len(words) != 1 or words[0].startswith("-"):
        print("usage: python3 -m conformance.generate.worked_example FOLDER", file=sys.stderr)
        return 2
    write(Path(words[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
