"""Certificates without chance: fixed serial numbers and dates, keys and signatures from labels."""

from __future__ import annotations

from datetime import datetime, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from . import keys

NOT_BEFORE = datetime(2026, 1, 1, tzinfo=timezone.utc)
NOT_AFTER = datetime(2036, 1, 1, tzinfo=timezone.utc)


def self_signed(label: str, name: str) -> bytes:
    """A certificate for the elliptic key of `label`, signed with it, in DER."""
    key = keys.private_key(label)
    assert isinstance(key, ec.EllipticCurvePrivateKey), label
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1 + keys.seed(name) % 2**64)
    builder = builder.not_valid_before(NOT_BEFORE).not_valid_after(NOT_AFTER)
    made = builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    return made.public_bytes(Encoding.DER)
