"""Elliptic-curve keys: PEM in, the hash that goes with each curve, fingerprints, ECDSA."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from .dsse import Envelope, pae
from .errors import KeyRejected, OperationError, SignatureRejected, Unsupported, printable_path, quote

# OMS registry, signing keys; the hash of each curve is that of the Sigstore algorithm registry.
CURVE_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "secp256r1": hashes.SHA256,
    "secp384r1": hashes.SHA384,
    "secp521r1": hashes.SHA512,
}

Password = Callable[[], bytes]  # asked only when the key turns out to be encrypted
Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]

_ENCRYPTED = (b"-----BEGIN ENCRYPTED PRIVATE KEY-----", b"Proc-Type: 4,ENCRYPTED")
_PUBLIC = b"-----BEGIN PUBLIC KEY-----"
MAX_KEY_BYTES = 1 << 20  # a PEM key has under 1 kB; text around it is allowed


def read_small_file(path: Path, what: str) -> bytes:
    """The bytes of a key or certificate file. Raises OSError, or OperationError above MAX_KEY_BYTES."""
    with open(path, "rb") as file:
        data = file.read(MAX_KEY_BYTES + 1)
    if len(data) > MAX_KEY_BYTES:
        raise OperationError(f"{what} {quote(printable_path(os.fspath(path)))} has more than {MAX_KEY_BYTES} bytes")
    return data


def load_public_key(path: Path) -> object:
    """The public key in a PEM file, of any type: whether it will do is for require_curve to say.

    None stands for a key that `cryptography` does not know. Raises OSError, or OperationError unless there is
    one PEM public key, with any text around it.
    """
    data = read_small_file(path, "the public key")
    _, mark, after = data.partition(_PUBLIC)
    if mark and mark in after:
        raise OperationError(f"several public keys in {quote(printable_path(os.fspath(path)))}")
    try:
        return load_pem_public_key(mark + after)
    except UnsupportedAlgorithm:
        return None
    except ValueError as error:
        hint = "; this is a private key" if b"PRIVATE KEY-----" in data else ""
        raise OperationError(f"no PEM public key in {quote(printable_path(os.fspath(path)))}{hint}") from error


def load_private_key(path: Path, password: Password | None = None) -> ec.EllipticCurvePrivateKey:
    """The private key in a PEM file (SEC1 or PKCS #8), `password` being asked only if it is encrypted.

    Raises OSError, or OperationError: no key, wrong password, or a type or curve that OMS does not have.
    """
    name = quote(printable_path(os.fspath(path)))
    data = read_small_file(path, "the private key")
    encrypted = any(mark in data for mark in _ENCRYPTED)
    if encrypted and password is None:
        raise OperationError(f"the private key in {name} is encrypted and no password was given")
    try:
        key: object = load_pem_private_key(data, password() if encrypted and password else None)
    except UnsupportedAlgorithm:
        key = None
    except (ValueError, TypeError) as error:
        reason = "wrong password for the private key" if encrypted else "no PEM private key"
        raise OperationError(f"{reason} in {name}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name not in CURVE_HASHES:
        raise OperationError(f"the key in {name} is not on P-256, P-384 or P-521 (OMS-REG-04)")
    return key


def fingerprint(key: ec.EllipticCurvePublicKey) -> str:
    """The hint (OMS-4.1-04): lower-case hex SHA-256 of the PEM SubjectPublicKeyInfo with its newlines (REF-KEY-01)."""
    return hashlib.sha256(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def require_curve(key: object) -> ec.EllipticCurvePublicKey:
    """`key`, if it is on one of the three curves. Raises KeyRejected."""
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise KeyRejected("the key is not an elliptic-curve key", clause="OMS-REG-04")
    if key.curve.name not in CURVE_HASHES:
        raise KeyRejected(f"the key is on {key.curve.name}, not on P-256, P-384 or P-521", clause="OMS-REG-04")
    return key


def verify_envelope(key: ec.EllipticCurvePublicKey, envelope: Envelope, *, v02: bool = False) -> bytes:
    """The bytes that the envelope's signature (DER) holds over with `key` (FIPS 186-5, section 6.4).

    With `v02` it must be one as version 0.2.0 made it. Raises SignatureRejected.
    """
    if v02:
        from . import compat

        message: bytes = compat.pae_v02(envelope.payload_type, envelope.payload)
        algorithm: hashes.HashAlgorithm = hashes.SHA256()
    else:
        message = pae(envelope.payload_type, envelope.payload)
        algorithm = CURVE_HASHES[key.curve.name]()
    try:
        key.verify(envelope.signature, message, ec.ECDSA(algorithm))
    except InvalidSignature:
        raise SignatureRejected("the signature does not hold with this key", clause="DSSE-01") from None
    return message


def sign_ecdsa(key: ec.EllipticCurvePrivateKey, message: bytes, *, random: bool = False) -> bytes:
    """The DER signature over `message`: deterministic (RFC 6979) unless `random`.

    Raises Unsupported where the linked OpenSSL can't sign deterministically (before 3.2).
    """
    algorithm = CURVE_HASHES[key.curve.name]()
    try:
        return key.sign(message, ec.ECDSA(algorithm, deterministic_signing=not random))
    except UnsupportedAlgorithm as error:
        detail = "this OpenSSL can't sign deterministically; --random-signature signs all the same"
        raise Unsupported(detail, clause="REF-KEY-02") from error
