"""Keys from labels, and signatures without chance: everybody who reads a label can make the key.

A label is `kind/name`. For elliptic curves the private scalar is 1 + SHA-256("model signing vectors: " +
label) mod (n - 1). These keys protect nothing.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from itertools import count

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVES: dict[str, tuple[ec.EllipticCurve, hashes.HashAlgorithm, int]] = {
    "p256": (
        ec.SECP256R1(),
        hashes.SHA256(),
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    ),
    "p384": (
        ec.SECP384R1(),
        hashes.SHA384(),
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    ),
    "p521": (
        ec.SECP521R1(),
        hashes.SHA512(),
        0x01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
    ),
    "secp256k1": (
        ec.SECP256K1(),
        hashes.SHA256(),
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    ),
    "p224": (ec.SECP224R1(), hashes.SHA256(), 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFF16A2E0B8F03E13DD29455C5C2A3D),
    "brainpoolP256r1": (
        ec.BrainpoolP256R1(),
        hashes.SHA256(),
        0xA9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7,
    ),
}
RSA_BITS = {"rsa": 2048, "rsa1024": 1024}
HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - a vector is signed with it so that clients refuse it
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3-256": hashes.SHA3_256(),
}

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def seed(label: str) -> int:
    """The number that a label stands for."""
    return int.from_bytes(hashlib.sha256(f"model signing vectors: {label}".encode()).digest(), "big")


@lru_cache(None)
def private_key(label: str) -> PrivateKey:
    """The private key of `label`: a curve's name, one of RSA_BITS or `ed25519`, then a slash and any name."""
    kind = label.partition("/")[0]
    if kind in RSA_BITS:
        return _rsa_key(label, RSA_BITS[kind])
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(seed(label).to_bytes(32, "big"))
    return elliptic_key(label)


def elliptic_key(label: str) -> ec.EllipticCurvePrivateKey:
    """The private key of a label whose kind is a curve."""
    curve, _, order = CURVES[label.partition("/")[0]]
    return ec.derive_private_key(1 + seed(label) % (order - 1), curve)


def order_of(label: str) -> int:
    """The order of the curve's base point."""
    return CURVES[label.partition("/")[0]][2]


def public_pem(label: str) -> str:
    """The public key as PEM SubjectPublicKeyInfo."""
    return private_key(label).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def public_der(label: str) -> bytes:
    """The public key as DER SubjectPublicKeyInfo."""
    return private_key(label).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def compressed_pem(label: str) -> str:
    """The public key on a curve as PEM SubjectPublicKeyInfo with a compressed point (SEC 1, section 2.3.3)."""
    key = elliptic_key(label).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    whole = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    algorithm = whole[2 : 4 + whole[3]]
    assert whole[0] == algorithm[0] == 0x30 and len(whole) < 0x80, "only lengths of one byte are written here"
    body = algorithm + bytes([0x03, 1 + len(point), 0]) + point
    text = base64.encodebytes(bytes([0x30, len(body)]) + body).decode().replace("\n", "")
    lines = [text[n : n + 64] for n in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])


def fingerprint(pem: str) -> str:
    """The hint of a key: SHA-256 of its PEM text, newlines included."""
    return hashlib.sha256(pem.encode()).hexdigest()


def sign(label: str, message: bytes, hash_name: str | None = None) -> bytes:
    """The signature of `message`, always the same; with `hash_name`, by that hash and not the curve's own."""
    key = private_key(label)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    algorithm = HASHES[hash_name] if hash_name else CURVES[label.partition("/")[0]][1]
    return key.sign(message, ec.ECDSA(algorithm, deterministic_signing=True))


def _rsa_key(label: str, bits: int) -> rsa.RSAPrivateKey:
    """A key of so many bits: the first two primes after numbers that the label gives."""
    p, q = _prime(f"{label}/p", bits // 2), _prime(f"{label}/q", bits // 2)
    e = 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    )
    return numbers.private_key()


def _prime(label: str, bits: int) -> int:
    start = int.from_bytes(b"".join(seed(f"{label}/{n}").to_bytes(32, "big") for n in range(bits // 256)), "big")
    start |= 1 << (bits - 1) | 1 << (bits - 2) | 1
    small = [n for n in range(3, 2000, 2) if all(n % m for m in range(3, int(n**0.5) + 1, 2))]
    for candidate in count(start, 2):
        if all(candidate % n for n in small) and all(pow(base, candidate - 1, candidate) == 1 for base in (2, 3, 5, 7)):
            return candidate
    raise AssertionError("there is always another prime")
