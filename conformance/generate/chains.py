"""Certificate chains from recipes: right ones, and ones that no tool would write. DER by hand, nothing of chance.

A recipe is data that is published with the vector (vectors/README.md, "Chains"): the certificates by name, whose
key signs, which of them the bundle has and which the caller is given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from ssl import DER_cert_to_PEM_cert
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from . import keys
from .signatures import integer, negative, tlv

Recipe = Mapping[str, Any]
Names = list[list[str]]

SEQUENCE, SET, OID, BOOLEAN, BIT_STRING, OCTET_STRING = 0x30, 0x31, 0x06, 0x01, 0x03, 0x04
UTF8_STRING, IA5_STRING, UTC_TIME, GENERALIZED_TIME = 0x0C, 0x16, 0x17, 0x18
TRUE = tlv(BOOLEAN, b"\xff")

OIDS = {
    "commonName": "2.5.4.3",
    "organizationName": "2.5.4.10",
    "emailAddress": "1.2.840.113549.1.9.1",
    "subjectKeyIdentifier": "2.5.29.14",
    "keyUsage": "2.5.29.15",
    "subjectAltName": "2.5.29.17",
    "basicConstraints": "2.5.29.19",
    "nameConstraints": "2.5.29.30",
    "certificatePolicies": "2.5.29.32",
    "authorityKeyIdentifier": "2.5.29.35",
    "policyConstraints": "2.5.29.36",
    "extKeyUsage": "2.5.29.37",
    "inhibitAnyPolicy": "2.5.29.54",
    "serverAuth": "1.3.6.1.5.5.7.3.1",
    "clientAuth": "1.3.6.1.5.5.7.3.2",
    "codeSigning": "1.3.6.1.5.5.7.3.3",
    "emailProtection": "1.3.6.1.5.5.7.3.4",
    "timeStamping": "1.3.6.1.5.5.7.3.8",
    "anyExtendedKeyUsage": "2.5.29.37.0",
    "prime-field": "1.2.840.10045.1.1",
    "ecPublicKey": "1.2.840.10045.2.1",
}
# Signature algorithms: of elliptic curves by the hash, and of other keys by their kind.
ECDSA = {
    "sha1": "1.2.840.10045.4.1",
    "sha224": "1.2.840.10045.4.3.1",
    "sha256": "1.2.840.10045.4.3.2",
    "sha384": "1.2.840.10045.4.3.3",
    "sha512": "1.2.840.10045.4.3.4",
}
SHA256_WITH_RSA, ED25519 = "1.2.840.113549.1.1.11", "1.3.101.112"

USAGES = (
    *("digitalSignature", "contentCommitment", "keyEncipherment", "dataEncipherment", "keyAgreement"),
    *("keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"),
)
GENERAL_NAMES = {"rfc822Name": 0x81, "dNSName": 0x82, "uniformResourceIdentifier": 0x86}
TIME = "%Y-%m-%dT%H:%M:%SZ"


def der_of(chain: Recipe) -> dict[str, bytes]:
    """Every certificate of a recipe by its name, in DER."""
    return {name: certificate(name, chain["certificates"]) for name in chain["certificates"]}


def bundled(chain: Recipe) -> list[bytes]:
    """The certificates of the bundle, in DER."""
    made = der_of(chain)
    return [made[name] for name in chain["bundled"]]


def given(chain: Recipe) -> list[str]:
    """The certificates that the caller gives, in PEM."""
    made = der_of(chain)
    return [DER_cert_to_PEM_cert(made[name]) for name in chain["given"]]


def signer(chain: Recipe) -> str:
    """The label of the key that signs the envelope."""
    label: str = chain["certificates"][chain["signer"]]["key"]
    return label


def certificate(name: str, recipes: Recipe) -> bytes:
    """One certificate in DER, signed as its recipe says."""
    recipe = recipes[name]
    issuer = recipes[recipe["issuer"]]
    label = recipe.get("signed_by", issuer["key"])
    hash_name = recipe.get("hash", hash_of(label))
    inner = algorithm(label, recipe.get("hash_inside", hash_name))
    body = to_be_signed(recipe, issuer, inner)
    signature = bytearray(keys.sign(label, body, hash_name if label.partition("/")[0] in keys.CURVES else None))
    signature[-1] ^= 1 if recipe.get("last_bit_flipped") else 0
    return sequence(body, algorithm(label, hash_name), tlv(BIT_STRING, b"\0" + bytes(signature)))


def to_be_signed(recipe: Recipe, issuer: Recipe, inner: bytes) -> bytes:
    """The part of a certificate that is signed."""
    version = recipe.get("version", 3)
    extensions = [
        extension(name, value, recipe, issuer)
        for part in ("extensions", "again")
        for name, value in recipe.get(part, {}).items()
    ]
    serial: int = recipe["serial"]
    return sequence(
        b"" if version == 1 else tlv(0xA0, integer(version - 1)),
        integer(serial) if serial >= 0 else negative(serial),
        inner,
        distinguished_name(recipe.get("issuer_name", issuer["subject"])),
        sequence(moment(recipe["not_before"]), moment(recipe["not_after"])),
        distinguished_name(recipe["subject"]),
        public_key(recipe["key"], recipe.get("key_form", "named curve")),
        tlv(0xA3, sequence(*extensions)) if version == 3 and extensions else b"",
    )


def hash_of(label: str) -> str:
    """The hash that fits a key: the curve's own, else SHA-256."""
    kind = label.partition("/")[0]
    return keys.CURVES[kind][1].name if kind in keys.CURVES else "sha256"


def algorithm(label: str, hash_name: str) -> bytes:
    """AlgorithmIdentifier of a signature."""
    kind = label.partition("/")[0]
    if kind == "ed25519":
        return sequence(oid(ED25519))
    return sequence(oid(ECDSA[hash_name])) if kind in keys.CURVES else sequence(oid(SHA256_WITH_RSA), tlv(0x05, b""))


# --- names, times, keys


def distinguished_name(name: str | Names) -> bytes:
    """Name: a text is a common name; else types and texts, one in each relative name."""
    pairs = [["commonName", name]] if isinstance(name, str) else name
    return sequence(*(tlv(SET, sequence(oid(OIDS[kind]), text_of(kind, *text))) for kind, *text in pairs))


def text_of(kind: str, text: str, string: str = "") -> bytes:
    """The text of an attribute, in the type that RFC 5280 has for it; or as the bits of a BIT STRING."""
    if string == "BIT STRING":
        return tlv(BIT_STRING, b"\0" + text.encode())
    return tlv(IA5_STRING if kind == "emailAddress" else UTF8_STRING, text.encode())


def moment(text: str) -> bytes:
    """Time: UTCTime through 2049, GeneralizedTime from 2050 (RFC 5280, 4.1.2.5)."""
    time = datetime.strptime(text, TIME)
    year = f"{time.year % 100:02}" if time.year < 2050 else f"{time.year:04}"
    return tlv(UTC_TIME if time.year < 2050 else GENERALIZED_TIME, f"{year}{time:%m%d%H%M%S}Z".encode())


def public_key(label: str, form: str) -> bytes:
    """SubjectPublicKeyInfo: as it should be, or with the point compressed, or with the curve spelled out."""
    if form == "named curve":
        return keys.public_der(label)
    public = keys.elliptic_key(label).public_key()
    compressed = form == "compressed point"
    point = public.public_bytes(
        Encoding.X962, PublicFormat.CompressedPoint if compressed else PublicFormat.UncompressedPoint
    )
    assert isinstance(public.curve, ec.SECP256R1), "only P-256 is spelled out here"
    curve = oid("1.2.840.10045.3.1.7") if compressed else SPELLED_OUT
    return sequence(sequence(oid(OIDS["ecPublicKey"]), curve), tlv(BIT_STRING, b"\0" + point))


def key_identifier(label: str) -> bytes:
    """SHA-1 of the key's bits (RFC 5280, 4.2.1.2)."""
    public = keys.private_key(label).public_key()
    if isinstance(public, ec.EllipticCurvePublicKey):
        bits = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    else:
        bits = keys.public_der(label)
    return hashlib.sha1(bits).digest()  # noqa: S324 - it names a key and protects nothing


# --- extensions


def extension(name: str, value: Recipe, recipe: Recipe, issuer: Recipe) -> bytes:
    """Extension: one that is known by its name, else by its identifier with the octets in hex."""
    body = bytes.fromhex(value["value"]) if "value" in value else EXTENSIONS[name](value, recipe, issuer)
    critical = TRUE if value.get("critical") else b""
    return sequence(oid(OIDS.get(name, name)), critical, tlv(OCTET_STRING, body))


def basic_constraints(value: Recipe, _: Recipe, __: Recipe) -> bytes:
    """BasicConstraints."""
    limit = integer(value["path_length"]) if "path_length" in value else b""
    return sequence(TRUE if value["ca"] else b"", limit)


def key_usage(value: Recipe, _: Recipe, __: Recipe) -> bytes:
    """KeyUsage, a string of bits without zeros at the end."""
    places = [USAGES.index(bit) for bit in value["bits"]]
    length = max(places, default=-1) + 1
    size = (length + 7) // 8
    number = sum(1 << (8 * size - 1 - place) for place in places)
    return tlv(BIT_STRING, bytes([8 * size - length]) + number.to_bytes(size, "big"))


def extended_key_usage(value: Recipe, _: Recipe, __: Recipe) -> bytes:
    """ExtKeyUsageSyntax."""
    return sequence(*(oid(OIDS[purpose]) for purpose in value["purposes"]))


def subject_key_identifier(_: Recipe, recipe: Recipe, __: Recipe) -> bytes:
    """SubjectKeyIdentifier."""
    return tlv(OCTET_STRING, key_identifier(recipe["key"]))


def authority_key_identifier(value: Recipe, _: Recipe, issuer: Recipe) -> bytes:
    """AuthorityKeyIdentifier: the issuer's key, or that of the label in `of`."""
    return sequence(tlv(0x80, key_identifier(value.get("of", issuer["key"]))))


def subject_alternative_name(value: Recipe, _: Recipe, __: Recipe) -> bytes:
    """SubjectAltName."""
    return sequence(*(general_name(*name) for name in value["names"]))


def name_constraints(value: Recipe, _: Recipe, __: Recipe) -> bytes:
    """NameConstraints."""
    parts = ((0xA0, value.get("permitted")), (0xA1, value.get("excluded")))
    return sequence(
        *(tlv(tag, b"".join(sequence(general_name(*name)) for name in names)) for tag, names in parts if names)
    )


def certificate_policies(value: Recipe, _: Recipe, __: Recipe) -> bytes:
    """CertificatePolicies without qualifiers."""
    return sequence(*(sequence(oid(policy)) for policy in value["policies"]))


def policy_constraints(value: Recipe, _: Recipe, __: Recipe) -> bytes:
    """PolicyConstraints: an explicit policy is required after so many certificates."""
    return sequence(tlv(0x80, integer(value["require_explicit_policy"])[2:]))


def general_name(kind: str, text: str) -> bytes:
    """GeneralName."""
    if kind == "directoryName":
        return tlv(0xA4, distinguished_name(text))
    return tlv(GENERAL_NAMES[kind], text.encode("ascii"))


EXTENSIONS: dict[str, Callable[[Recipe, Recipe, Recipe], bytes]] = {
    "basicConstraints": basic_constraints,
    "keyUsage": key_usage,
    "extKeyUsage": extended_key_usage,
    "subjectKeyIdentifier": subject_key_identifier,
    "authorityKeyIdentifier": authority_key_identifier,
    "subjectAltName": subject_alternative_name,
    "nameConstraints": name_constraints,
    "certificatePolicies": certificate_policies,
    "policyConstraints": policy_constraints,
}

# --- DER


def sequence(*parts: bytes) -> bytes:
    """SEQUENCE of what is encoded already."""
    return tlv(SEQUENCE, b"".join(parts))


def oid(dotted: str) -> bytes:
    """OBJECT IDENTIFIER."""
    first, second, *others = map(int, dotted.split("."))
    return tlv(OID, b"".join(base_128(number) for number in (40 * first + second, *others)))


def base_128(number: int) -> bytes:
    """Seven bits a byte, the highest first; all bytes but the last have the eighth bit."""
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(0x80 | number & 0x7F)
    return bytes(reversed(digits))


def _spelled_out_p256() -> bytes:
    """ECParameters of P-256 by its numbers (SEC 1, C.2), as RFC 5480 forbids them."""
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = bytes.fromhex("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b")
    base = bytes.fromhex(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    )
    return sequence(
        integer(1),
        sequence(oid(OIDS["prime-field"]), integer(p)),
        sequence(tlv(OCTET_STRING, (p - 3).to_bytes(32, "big")), tlv(OCTET_STRING, b)),
        tlv(OCTET_STRING, base),
        integer(keys.order_of("p256/any")),
        integer(1),
    )


SPELLED_OUT = _spelled_out_p256()
