"""Keys and hints: which keys a client must take, must refuse, and what the hint may say."""

from __future__ import annotations

import hashlib

from conformance.generate import keys
from conformance.generate.edits import set_at, signer, trust
from conformance.generate.kit import SIGNER, Edit, Family, Material, b64, key_case

FAMILY = Family("key", "Keys and hints", stage="key", control="plain")
KEY = "/verificationMaterial/publicKey"


@FAMILY.control("plain", "OMS-REG-04", "OMS-4.1-01")
def plain() -> Material:
    """A key on P-256, named by the SHA-256 of its PEM text."""
    return key_case({"weights.bin": {"seed": "key", "length": 33}})


CURVES = FAMILY.group(
    why="The registry of OMS has P-256, P-384 and P-521, each of which a client has to support.",
    gain="Models that are signed with a registered key can't be verified.",
)


@CURVES.accept("p-384", "OMS-REG-04", severity="medium")
def p_384() -> Edit:
    """The key is on P-384, the hash is SHA-384."""
    return signer("p384/model")


@CURVES.accept("p-521", "OMS-REG-04", severity="medium")
def p_521() -> Edit:
    """The key is on P-521, the hash is SHA-512."""
    return signer("p521/model")


OTHERS = FAMILY.group(
    stages=("key", "signature"),
    why="The registry of OMS has P-256, P-384 and P-521 and no other type or curve of a key.",
    gain="A model verifies with one client and not with another, or by a weaker key than OMS allows.",
)


@OTHERS.reject("secp256k1", "OMS-REG-04")
def secp256k1() -> Edit:
    """The key is on secp256k1, whose numbers are as long as those of P-256."""
    return signer("secp256k1/model")


@OTHERS.reject("brainpool", "OMS-REG-04")
def brainpool() -> Edit:
    """The key is on brainpoolP256r1."""
    return signer("brainpoolP256r1/model")


@OTHERS.reject("p-224", "OMS-REG-04")
def p_224() -> Edit:
    """The key is on P-224, which is weaker than OMS allows."""
    return signer("p224/model")


@OTHERS.reject("rsa", "OMS-REG-04")
def rsa() -> Edit:
    """The key is an RSA key of 2048 bits, the signature PKCS #1 with SHA-256."""
    return signer("rsa/model")


@OTHERS.reject("ed25519", "OMS-REG-04")
def ed25519() -> Edit:
    """The key is an Ed25519 key."""
    return signer("ed25519/model")


TRUSTED = FAMILY.group(
    severity="high",
    stages=("key", "signature"),
    why="The signature has to hold with the key that the caller trusts.",
    gain="Anybody's signature passes for that of the one whom the caller trusts.",
)


@TRUSTED.reject("another-key", "DSSE-01", "REF-KEY-01")
def another_key() -> Edit:
    """The caller trusts another key on the same curve."""
    return trust("public_key", keys.public_pem("p256/other"))


@TRUSTED.reject("key-of-another-curve", "DSSE-01", "REF-KEY-01")
def key_of_another_curve() -> Edit:
    """The caller trusts a key on another curve."""
    return trust("public_key", keys.public_pem("p384/other"))


@TRUSTED.reject("key-of-another-type", "DSSE-01", "OMS-REG-04")
def key_of_another_type() -> Edit:
    """The caller trusts an RSA key, and the bundle was signed on P-256."""
    return trust("public_key", keys.public_pem("rsa/model"))


@TRUSTED.accept(
    "key-in-the-bundle",
    "OMS-11.1-02",
    why="OMS has a verifier take a key that is named by rawBytes as well as one named by a hint.",
    gain="Bundles of released clients can't be verified.",
)
def key_in_the_bundle() -> Edit:
    """The bundle holds the trusted key itself, as PEM text in rawBytes, in place of the hint."""
    return set_at("bundle", KEY, {"rawBytes": b64(keys.public_pem(SIGNER).encode()), "keyDetails": "NISTP256"})


@TRUSTED.reject("another-key-than-the-bundle", "DSSE-01", "REF-KEY-01", control="key-in-the-bundle")
def another_key_than_the_bundle() -> Edit:
    """The bundle holds the key that it was signed with, and the caller trusts another one."""
    return trust("public_key", keys.public_pem("p256/other"))


@TRUSTED.either(
    "raw-key-in-der",
    "REF-KEY-01",
    why="Sigstore's rawBytes hold DER, those of released OMS clients PEM; OMS does not say which.",
    gain="The bundle names a key in a form that was not compared with the trusted one.",
)
def raw_key_in_der() -> Edit:
    """The bundle holds the trusted key as DER in rawBytes, in place of the hint."""
    return set_at("bundle", KEY, {"rawBytes": b64(keys.public_der(SIGNER))})


@TRUSTED.either(
    "raw-key-of-another",
    "REF-KEY-01",
    why="OMS has the key be named by the material, and does not say what to do when it names another.",
    gain="The bundle is shown as signed by a key that did not sign it.",
)
def raw_key_of_another() -> Edit:
    """The bundle holds another key than the one that it was signed with and that the caller trusts."""
    return set_at("bundle", KEY, {"rawBytes": b64(keys.public_pem("p256/other").encode())})


HINT = FAMILY.group(
    severity="low",
    why="OMS calls the hint a hex fingerprint, says not of what, and not what to do when it does not fit.",
    gain="A bundle is shown as signed by a key that did not sign it.",
)


def hint(text: str) -> Edit:
    """Another hint."""
    return set_at("bundle", KEY + "/hint", text)


@HINT.either("hint-of-another-key", "REF-KEY-01", severity="medium")
def hint_of_another_key() -> Edit:
    """The hint is the fingerprint of another key."""
    return hint(keys.fingerprint(keys.public_pem("p256/other")))


@HINT.either("hint-upper-case", "REF-KEY-01")
def hint_upper_case() -> Edit:
    """The hint is in upper case."""
    return hint(keys.fingerprint(keys.public_pem(SIGNER)).upper())


@HINT.either("hint-of-der", "REF-KEY-01")
def hint_of_der() -> Edit:
    """The hint is the SHA-256 of the key in DER."""
    return hint(hashlib.sha256(keys.public_der(SIGNER)).hexdigest())


@HINT.either("hint-empty", "REF-KEY-01")
def hint_empty() -> Edit:
    """The hint is empty."""
    return hint("")


@HINT.either("hint-cut", "REF-KEY-01")
def hint_cut() -> Edit:
    """The hint is the first half of the fingerprint."""
    return hint(keys.fingerprint(keys.public_pem(SIGNER))[:32])


@HINT.either(
    "hint-and-key-in-the-bundle",
    "OMS-11.1-02",
    ours="accept",
    why="OMS has the key be named by hint or rawBytes; both say the same here.",
    gain="Bundles of writers that write both can't be verified.",
)
def hint_and_key_in_the_bundle() -> Edit:
    """The bundle holds the trusted key itself beside the hint."""
    return set_at("bundle", KEY + "/rawBytes", b64(keys.public_pem(SIGNER).encode()))


@HINT.either("hint-and-another-key-in-the-bundle", "REF-KEY-01", severity="medium")
def hint_and_another_key_in_the_bundle() -> Edit:
    """Beside the right hint the bundle holds another key."""
    return set_at("bundle", KEY + "/rawBytes", b64(keys.public_pem("p256/other").encode()))


COMPRESSED = FAMILY.group(
    why="OMS does not say in which form a caller has a key; SEC 1 and RFC 5480 let a point be compressed.",
    gain="The same key is another one in another form.",
    severity="low",
)


@COMPRESSED.either("compressed", "OMS-REG-04", "REF-KEY-01", ours="accept", profile="core")
def compressed() -> Edit:
    """The caller has the key in its compressed form, with an odd y; the hint is of the other form."""
    return trust("public_key", keys.compressed_pem(SIGNER))


@FAMILY.control("plain-with-an-even-y", "OMS-REG-04", "OMS-4.1-01")
def plain_with_an_even_y() -> Material:
    """A key on P-256 whose y is even."""
    return key_case({"weights.bin": {"seed": "key", "length": 34}}, signer="p256/other")


@COMPRESSED.either(
    "compressed-with-an-even-y",
    "OMS-REG-04",
    "REF-KEY-01",
    control="plain-with-an-even-y",
    ours="accept",
    profile="core",
)
def compressed_with_an_even_y() -> Edit:
    """The caller has the key in its compressed form, with an even y; the hint is of the other form."""
    return trust("public_key", keys.compressed_pem("p256/other"))
