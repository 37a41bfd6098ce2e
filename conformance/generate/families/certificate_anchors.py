"""Certificates: whom the caller trusts, and when all of a chain is valid."""

from __future__ import annotations

from conformance.generate.edits import time
from conformance.generate.kit import Edit, Material
from conformance.generate.recipes import (
    AT,
    STRANGER,
    UNKNOWN,
    authority,
    bundled,
    chain,
    change,
    extend,
    given,
    leaf,
    signed_model,
    usual,
)

from .certificate import FAMILY, NAMES

# --- anchors

ANCHORS = FAMILY.group(severity="high", why="Whom to trust, the caller says: what is in the bundle is no trust anchor.")


@ANCHORS.reject("attacker-s-own-chain", "RFC5280-02", control="among-others")
def attacker_s_own_chain() -> Edit:
    """The bundle has a whole chain of the same names, up to a root of its own that nobody gave."""
    return bundled("foreign", "foreign-ca", "namesake")


@ANCHORS.reject("another-root-given", "RFC5280-02", control="among-others")
def another_root_given() -> Edit:
    """The caller trusts another root."""
    return given("stranger")


@ANCHORS.reject("root-of-the-same-name-given", "RFC5280-02", control="among-others")
def root_of_the_same_name_given() -> Edit:
    """The caller trusts another root of the same name, with another key."""
    return given("namesake")


@ANCHORS.reject("root-of-the-same-key-given", "RFC5280-02", severity="low", control="among-others")
def root_of_the_same_key_given() -> Edit:
    """The caller trusts a root of the same key under another name, which the chain does not lead to."""
    return given("same-key")


@ANCHORS.reject("self-signed", "RFC5280-02", control="among-others")
def self_signed() -> Edit:
    """The bundle has one certificate, signed by itself, which nobody gave."""
    return bundled("self-signed")


GIVEN = FAMILY.group(severity="low", gain="Signers whom the caller trusts can't be verified.")


@GIVEN.accept(
    "renewed-root-given",
    "RFC5280-02",
    why="A trust anchor is a name and a key (RFC 5280, 6.1.1).",
    control="among-others",
)
def renewed_root_given() -> Edit:
    """The caller trusts another certificate of the root: same name and key, another serial number."""
    return given("renewed")


@GIVEN.accept(
    "other-roots-given-too",
    "RFC5280-02",
    why="There may be several trust anchors (RFC 5280, 6.2).",
    control="among-others",
)
def other_roots_given_too() -> Edit:
    """The caller trusts another root of the same name, and a stranger, before the right one."""
    return given("namesake", "stranger", "root")


OPEN_ANCHORS = FAMILY.group(why="What is a trust anchor, neither OMS nor RFC 5280 says.")


@OPEN_ANCHORS.either("intermediate-given-and-a-stranger", "RFC5280-02", control="among-others")
def intermediate_given_and_a_stranger() -> Edit:
    """The caller gives the intermediate and another root, and did not ask for partial chains."""
    return given("ca", "stranger")


@OPEN_ANCHORS.either("self-issued-intermediate-given", "RFC5280-02", control=None)
def self_issued_intermediate_given() -> Material:
    """The caller gives an intermediate whose issuer has its name and another key, and a stranger."""
    ca = authority("Model Root", "p256/ca", "root", 2)
    del ca["extensions"]["authorityKeyIdentifier"]  # keys tell, not what is said of them
    return signed_model({**usual(ca=ca, stranger=STRANGER), "given": ["ca", "stranger"]})


@OPEN_ANCHORS.either("old-self-issued-intermediate-given", "RFC5280-02", "REF-CERT-04", control=None)
def old_self_issued_intermediate_given() -> Material:
    """The same, signed with SHA-1: its key identifiers say that its issuer has another key."""
    ca = {**authority("Model Root", "p256/ca", "root", 2), "hash": "sha1"}
    return signed_model({**usual(ca=ca, stranger=STRANGER), "given": ["ca", "stranger"]})


@OPEN_ANCHORS.either("partial-chain", "RFC5280-02", ours="accept", control=None)
def partial_chain() -> Material:
    """The caller gives the intermediate alone, and asked for partial chains."""
    return signed_model({**usual(), "given": ["ca"]}, options={"partial_chain": True})


@OPEN_ANCHORS.either("leaf-given", "RFC5280-02", ours="accept", control=None)
def leaf_given() -> Material:
    """The caller gives the leaf itself, and asked for partial chains."""
    return signed_model({**usual(), "given": ["leaf"]}, options={"partial_chain": True})


@OPEN_ANCHORS.either("self-signed-leaf-given", "RFC5280-02", ours="accept", control=None)
def self_signed_leaf_given() -> Material:
    """The leaf is self-signed, and is what the caller gives."""
    return signed_model(chain(["leaf"], ["leaf"], leaf=leaf("p256/leaf", "leaf", 1)))


@OPEN_ANCHORS.either("intermediate-given-with-the-root", "RFC5280-02", ours="accept", control=None)
def intermediate_given_with_the_root() -> Material:
    """The caller gives root and intermediate; the bundle has the leaf alone."""
    return signed_model({**usual(), "bundled": ["leaf"], "given": ["root", "ca"]})


ROOTS = FAMILY.group(
    why="RFC 5280 takes name and key of a trust anchor, and leaves it to a verifier whether the rest counts.",
    gain="The certificate that the caller trusts was not made for this, or no longer is.",
)


@ROOTS.either("root-no-ca", "RFC5280-04")
def root_no_ca() -> Edit:
    """The root is no CA by its BasicConstraints."""
    return change("root", "extensions/basicConstraints/ca", False)


@ROOTS.either("root-without-cert-sign", "RFC5280-06")
def root_without_cert_sign() -> Edit:
    """The root's KeyUsage lacks keyCertSign."""
    return change("root", "extensions/keyUsage/bits", ["cRLSign"])


@ROOTS.either("root-expired", "RFC5280-03", stage="time")
def root_expired() -> Edit:
    """The root has expired."""
    return change("root", "not_after", "2026-05-31T23:59:59Z")


@ROOTS.either("root-not-yet-valid", "RFC5280-03", stage="time")
def root_not_yet_valid() -> Edit:
    """The root is not valid yet."""
    return change("root", "not_before", "2026-06-01T00:00:01Z")


@ROOTS.either("root-with-unknown-critical-extension", "RFC5280-07")
def root_with_unknown_critical_extension() -> Edit:
    """The root has a critical extension that nobody knows."""
    return extend("root", UNKNOWN, {"critical": True, "value": "0500"})


@ROOTS.either("root-with-name-constraints", "RFC5280-08", control="named")
def root_with_name_constraints() -> Edit:
    """The root excludes the name of the leaf."""
    return extend("root", "nameConstraints", {"critical": True, "excluded": NAMES[:1]})


@ROOTS.either("root-signed-with-sha-1", "REF-CERT-04", ours="accept")
def root_signed_with_sha_1() -> Edit:
    """The root signed itself with SHA-1, which nobody relies on."""
    return change("root", "hash", "sha1")


# --- validity

VALIDITY = FAMILY.group(
    stage="time",
    stages=("certificate", "time"),
    severity="high",
    why="A certificate is valid from notBefore through notAfter, and OMS has the signing one be valid (8.2).",
    gain="A key that was stolen, sold or thrown away signs models for ever.",
)


@VALIDITY.reject("leaf-expired", "OMS-8.2-01")
def leaf_expired() -> Edit:
    """The leaf expired half a year ago."""
    return time("2027-07-01T00:00:00Z")


@VALIDITY.reject("leaf-not-yet-valid", "OMS-8.2-01")
def leaf_not_yet_valid() -> Edit:
    """The leaf becomes valid in half a year."""
    return time("2025-07-01T00:00:00Z")


@VALIDITY.reject("leaf-expired-for-a-second", "OMS-8.2-01", severity="low")
def leaf_expired_for_a_second() -> Edit:
    """The leaf's notAfter was a second ago."""
    return time("2027-01-01T00:00:01Z")


@VALIDITY.reject("leaf-not-valid-for-a-second", "OMS-8.2-01", severity="low")
def leaf_not_valid_for_a_second() -> Edit:
    """The leaf's notBefore is in a second."""
    return time("2025-12-31T23:59:59Z")


ABOVE = VALIDITY.group(why="Every certificate of the path has to be valid at the time in question (RFC 5280, 6.1.3).")


@ABOVE.reject("intermediate-expired", "RFC5280-03")
def intermediate_expired() -> Edit:
    """The intermediate was valid when the leaf became so, and has expired since."""
    return change("ca", "not_after", "2026-03-01T00:00:00Z")


@ABOVE.reject("intermediate-not-yet-valid", "RFC5280-03")
def intermediate_not_yet_valid() -> Edit:
    """The intermediate becomes valid in a month."""
    return change("ca", "not_before", "2026-07-01T00:00:00Z")


@ABOVE.reject("intermediate-expired-for-a-second", "RFC5280-03", severity="low")
def intermediate_expired_for_a_second() -> Edit:
    """The intermediate's notAfter was a second ago."""
    return change("ca", "not_after", "2026-05-31T23:59:59Z")


@ABOVE.reject("upper-intermediate-expired", "RFC5280-03", control="two-intermediates")
def upper_intermediate_expired() -> Edit:
    """The upper of two intermediates has expired; the others are valid."""
    return change("ca1", "not_after", "2026-03-01T00:00:00Z")


@ABOVE.reject("never-valid-together", "RFC5280-03", severity="low")
def never_valid_together() -> Edit:
    """The intermediate expired before the leaf became valid."""
    return change("ca", "not_after", "2025-12-31T23:59:59Z")


@ABOVE.reject("all-expired", "OMS-8.2-01", "RFC5280-03")
def all_expired() -> Edit:
    """Leaf, intermediate and root have all expired."""
    return time("2045-01-01T00:00:00Z")


STILL = FAMILY.group(
    severity="low",
    why="The validity is from notBefore through notAfter, both included (RFC 5280, 4.1.2.5).",
    gain="Signatures that are good can't be verified.",
)


@STILL.accept("leaf-s-first-second", "OMS-8.2-01")
def leaf_s_first_second() -> Edit:
    """The time is the leaf's notBefore."""
    return time("2026-01-01T00:00:00Z")


@STILL.accept("leaf-s-last-second", "OMS-8.2-01")
def leaf_s_last_second() -> Edit:
    """The time is the leaf's notAfter."""
    return time("2027-01-01T00:00:00Z")


@STILL.accept("intermediate-s-last-second", "RFC5280-03")
def intermediate_s_last_second() -> Edit:
    """The time is the intermediate's notAfter."""
    return change("ca", "not_after", AT)


@STILL.accept("intermediate-s-first-second", "RFC5280-03")
def intermediate_s_first_second() -> Edit:
    """The time is the intermediate's notBefore, and the leaf is older than that."""
    return change("ca", "not_before", AT)


@STILL.accept(
    "leaf-outlives-its-issuer",
    "RFC5280-03",
    why="RFC 5280 asks that all are valid at one time, not that one validity lies in another.",
)
def leaf_outlives_its_issuer() -> Edit:
    """The leaf's notAfter is later than that of the intermediate."""
    return change("leaf", "not_after", "2035-01-01T00:00:00Z")


@STILL.accept(
    "for-ever",
    "RFC5280-03",
    why="Dates from 2050 are in GeneralizedTime, and 99991231235959Z says that there is no end (RFC 5280, 4.1.2.5).",
)
def for_ever() -> Edit:
    """The intermediate has no end: its notAfter is the last second of the year 9999."""
    return change("ca", "not_after", "9999-12-31T23:59:59Z")
