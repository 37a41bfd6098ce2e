"""Certificates: how they stand in the bundle, and what else may stand there."""

from __future__ import annotations

from ssl import DER_cert_to_PEM_cert

from conformance.generate import chains, keys
from conformance.generate.edits import apply, insert_at, set_at
from conformance.generate.kit import JSON, Edit, Material, b64
from conformance.generate.recipes import change, signed_model, usual

from .certificate import FAMILY, among_others, plain
from .certificate_anchors import leaf_expired
from .material import log_entry

MATERIAL = "/verificationMaterial"
CHAIN = MATERIAL + "/x509CertificateChain"

# --- the material

CONFUSION = FAMILY.group(
    severity="high",
    stage="material",
    stages=("material",),
    why="OMS has the material be a chain for the method certificate, and that of the method being verified.",
    gain="What the signature is checked with is no longer what the caller asked for.",
)


def leaf_der() -> bytes:
    """The leaf of the control."""
    return chains.bundled(plain()["chain"])[0]


def leaf_row() -> JSON:
    """The leaf of the control as it stands in a bundle."""
    return {"rawBytes": b64(leaf_der())}


@CONFUSION.reject("key-for-chain", "OMS-11.1-08", "OMS-4.1-02")
def key_for_chain() -> Edit:
    """The material is a hint at the leaf's key, as the method key has it."""
    return set_at("bundle", MATERIAL, {"publicKey": {"hint": keys.fingerprint(keys.public_pem("p256/leaf"))}})


@CONFUSION.reject("certificate-for-chain", "OMS-11.1-08", "OMS-4.1-02", control="no-intermediate")
def certificate_for_chain() -> Edit:
    """The material is the leaf, which the root issued, in the member of the method sigstore."""
    row = {"rawBytes": b64(chains.der_of(among_others()["chain"])["direct"])}
    return set_at("bundle", MATERIAL, {"certificate": row, "tlogEntries": []})


BOTH = CONFUSION.group(
    stages=("material", "bundle"),
    why="In the Sigstore format the kinds of material are alternatives, of which a bundle has one at the most.",
    gain="One client verifies with the key, another with the certificate, and both call the bundle signed.",
)


@BOTH.reject("chain-and-key", "BUNDLE-02")
def chain_and_key() -> Edit:
    """A hint at the leaf's key stands beside the chain."""
    return set_at("bundle", MATERIAL + "/publicKey", {"hint": keys.fingerprint(keys.public_pem("p256/leaf"))})


@BOTH.reject("chain-and-certificate", "BUNDLE-02")
def chain_and_certificate() -> Edit:
    """The leaf stands beside the chain in the member of the method sigstore."""
    return set_at("bundle", MATERIAL + "/certificate", leaf_row())


FORMAT = FAMILY.group(
    stages=("bundle", "material", "certificate"),
    why="The chain has one or more entries, of which each is one X.509 certificate in DER (RFC 5280, 4.1).",
    gain="Two clients read two certificates in one bundle, or one stops where others go on.",
)


@FORMAT.reject("no-certificates", "OMS-4.1-02", stage="material")
def no_certificates() -> Edit:
    """The chain has no entry."""
    return set_at("bundle", CHAIN + "/certificates", [])


@FORMAT.reject("chain-without-member", "OMS-4.1-02", "OMS-4-01", stage="bundle")
def chain_without_member() -> Edit:
    """The chain is an empty object."""
    return set_at("bundle", CHAIN, {})


@FORMAT.reject("entry-without-bytes", "RFC5280-01", "OMS-4-01", stage="bundle")
def entry_without_bytes() -> Edit:
    """The first entry of the chain is an empty object."""
    return set_at("bundle", CHAIN + "/certificates/0", {})


@FORMAT.reject("not-base64", "BASE64-01", "OMS-4-01", stage="bundle")
def not_base64() -> Edit:
    """The bytes of the leaf are PEM text and not base64 of DER."""
    return leaf_bytes_text(DER_cert_to_PEM_cert(leaf_der()))


def leaf_bytes_text(text: str) -> Edit:
    """Another text in the place of the leaf's base64."""
    return set_at("bundle", CHAIN + "/certificates/0/rawBytes", text)


def leaf_bytes(data: bytes) -> Edit:
    """Other bytes in the place of the leaf."""
    return leaf_bytes_text(b64(data))


@FORMAT.reject("pem-in-base64", "RFC5280-01")
def pem_in_base64() -> Edit:
    """The bytes of the leaf are PEM text, in base64."""
    return leaf_bytes(DER_cert_to_PEM_cert(leaf_der()).encode())


@FORMAT.reject("byte-after-the-leaf", "RFC5280-01")
def byte_after_the_leaf() -> Edit:
    """A zero byte follows the leaf in its entry."""
    return leaf_bytes(leaf_der() + b"\0")


@FORMAT.reject("two-in-one-entry", "RFC5280-01")
def two_in_one_entry() -> Edit:
    """The first entry has the leaf and, right after it, the intermediate."""
    return leaf_bytes(b"".join(chains.bundled(plain()["chain"])))


@FORMAT.reject("leaf-cut", "RFC5280-01")
def leaf_cut() -> Edit:
    """The last byte of the leaf is missing."""
    return leaf_bytes(leaf_der()[:-1])


@FORMAT.reject("key-as-certificate", "RFC5280-01", severity="high")
def key_as_certificate() -> Edit:
    """The first entry is the leaf's public key in DER, and no certificate."""
    return leaf_bytes(keys.public_der("p256/leaf"))


@FORMAT.reject("indefinite-length", "RFC5280-01", severity="low")
def indefinite_length() -> Edit:
    """The outermost length of the leaf is indefinite, which BER has and DER does not."""
    der = leaf_der()
    return leaf_bytes(b"\x30\x80" + der[4:] + b"\0\0")


@FORMAT.reject(
    "intermediate-not-a-certificate",
    "RFC5280-01",
    "RFC5280-02",
    severity="low",
    gain="A client that stops at what it can't read accepts a chain that it has not seen.",
)
def intermediate_not_a_certificate() -> Edit:
    """In the place of the intermediate stands its public key in DER."""
    return set_at("bundle", CHAIN + "/certificates/1/rawBytes", b64(keys.public_der("p256/ca")))


@FORMAT.reject("something-else-before-the-leaf", "RFC5280-01", "OMS-4.1-02", severity="medium")
def something_else_before_the_leaf() -> Edit:
    """Before leaf and intermediate stands an entry that is no certificate."""
    return insert_at("bundle", CHAIN + "/certificates/0", {"rawBytes": b64(b"no certificate")})


@FORMAT.either(
    "something-else-in-the-bundle",
    "RFC5280-01",
    severity="low",
    why="Each entry is a certificate; what to do with one that is not needed, no specification says.",
)
def something_else_in_the_bundle() -> Edit:
    """After leaf and intermediate stands an entry that is no certificate."""
    return insert_at("bundle", CHAIN + "/certificates/-", {"rawBytes": b64(b"no certificate")})


TWICE = FORMAT.group(
    why="A certificate has no extension more than once (RFC 5280, 4.2).",
    gain="One client reads the first and another the second, and they judge two certificates.",
)


@TWICE.reject("purposes-twice", "RFC5280-01")
def purposes_twice() -> Edit:
    """The leaf has an ExtendedKeyUsage of codeSigning and another of serverAuth."""
    return change("leaf", "again", {"extKeyUsage": {"purposes": ["serverAuth"]}})


@TWICE.reject("basic-constraints-twice", "RFC5280-01")
def basic_constraints_twice() -> Edit:
    """The intermediate is a CA by its first BasicConstraints, and none by its second."""
    return change("ca", "again", {"basicConstraints": {"critical": True, "ca": False}})


SERIAL = FAMILY.group(
    severity="low",
    why="Authorities have to choose positive numbers, and verifiers should take others with grace (RFC 5280, 4.1.2.2).",
    gain="Nothing that is known.",
)


@SERIAL.either("serial-number-zero", "RFC5280-01", ours="accept")
def serial_number_zero() -> Edit:
    """The leaf's serial number is zero."""
    return change("leaf", "serial", 0)


@SERIAL.either("serial-number-negative", "RFC5280-02")
def serial_number_negative() -> Edit:
    """The leaf's serial number is negative."""
    return change("leaf", "serial", -3)


# --- log entries

LOG = FAMILY.group(
    severity="low",
    why="OMS has a verifier of the method certificate take log entries that are absent or an empty array alike.",
    gain="Bundles of writers that always write the array can't be verified.",
)


@LOG.accept("no-log-entries", "OMS-11.1-06")
def no_log_entries() -> Edit:
    """The material has an empty array of log entries."""
    return set_at("bundle", MATERIAL + "/tlogEntries", [])


@LOG.either(
    "time-of-an-unchecked-log-entry",
    "OMS-8.2-01",
    control=None,
    stage="time",
    severity="high",
    why="OMS has the signing certificate be valid, and does not say what a log entry is worth that nobody can check.",
    gain="Who holds an expired certificate chooses the time at which it counts.",
)
def time_of_an_unchecked_log_entry() -> Material:
    """The leaf has expired, and the bundle has a log entry from when it was valid, in a log that nobody trusts."""
    entry = log_entry(integratedTime="1780272000")  # 2026-06-01
    return apply(apply(signed_model(usual()), leaf_expired()), entry)
