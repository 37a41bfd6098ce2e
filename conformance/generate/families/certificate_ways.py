"""Certificates: several ways up, what stands on them, and the reason that a refusal names."""

from __future__ import annotations

import copy

from conformance.generate.edits import remove_at
from conformance.generate.kit import JSON, Edit, Material
from conformance.generate.recipes import (
    STRANGER,
    UNKNOWN,
    authority,
    chain,
    change,
    extend,
    leaf,
    of,
    root,
    signed_model,
    two_intermediates,
    usual,
)

from .certificate import CONSTRAINTS, FAMILY, HINTS
from .certificate_anchors import ABOVE, OPEN_ANCHORS, ROOTS
from .certificate_leaf import OPEN_USAGE, WEAK

INSISTS: JSON = {UNKNOWN: {"critical": True, "value": "0500"}}

# --- several ways

WAYS = FAMILY.group(
    severity="low",
    why="RFC 5280 says when a path is valid, and leaves it to a verifier how many it tries.",
    gain="Signers whose authority has more than one certificate can't be verified.",
)


@WAYS.either("dead-end-before-the-intermediate", "RFC5280-02", ours="accept", control=None)
def dead_end_before_the_intermediate() -> Material:
    """Before the intermediate stands another certificate of its name and key, which a stranger issued."""
    recipe = usual(dead_end=authority("Model CA", "p256/ca", "stranger", 5), stranger=STRANGER)
    return signed_model({**recipe, "bundled": ["leaf", "dead-end", "ca"]})


def two_ways(old: JSON, upper: JSON | None = None) -> JSON:
    """The intermediate has a certificate by the root, and one by another intermediate; with members of two of them."""
    made = usual(
        old={**authority("Model CA", "p256/ca", "root", 5), **old},
        ca=authority("Model CA", "p256/ca", "upper", 6),
        upper={**authority("Upper CA", "p256/upper", "root", 7), **(upper or {})},
    )
    return {**made, "bundled": ["leaf", "old", "ca", "upper"]}


@WAYS.either("expired-way-beside-a-longer-one", "RFC5280-03", ours="accept", control=None)
def expired_way_beside_a_longer_one() -> Material:
    """The intermediate's certificate by the root has expired; its newer one is by another intermediate."""
    return signed_model(two_ways(old={"not_after": "2026-03-01T00:00:00Z"}))


# --- issuers

ISSUERS = FAMILY.group(
    severity="low",
    why="RFC 5280 lets an authority's certificate be without these extensions, or have them for leaves.",
    gain="Signers of such authorities can't be verified.",
)


@ISSUERS.either("intermediate-for-code-signing", "REF-CERT-03", ours="accept")
def intermediate_for_code_signing() -> Edit:
    """The intermediate's ExtendedKeyUsage has codeSigning alone."""
    return extend("ca", "extKeyUsage", {"purposes": ["codeSigning"]})


@ISSUERS.either("intermediate-without-key-usage", "RFC5280-06", ours="accept")
def intermediate_without_key_usage() -> Edit:
    """The intermediate has no KeyUsage."""
    return remove_at("chain", of("ca", "extensions/keyUsage"))


@WEAK.either(
    "intermediate-with-ed25519",
    "REF-CERT-04",
    severity="low",
    gain="A model verifies with one client and not with another.",
)
def intermediate_with_ed25519() -> Edit:
    """The intermediate's key is an Ed25519 key."""
    return change("ca", "key", "ed25519/ca")


@OPEN_USAGE.either("ca-without-key-usage", "REF-CERT-02", control="marked-as-ca")
def ca_without_key_usage() -> Edit:
    """The leaf is a CA by its BasicConstraints, and has no KeyUsage that would keep it from issuing."""
    return remove_at("chain", of("leaf", "extensions/keyUsage"))


# --- extensions


@HINTS.either("critical-subject-key-identifier", "RFC5280-07")
def critical_subject_key_identifier() -> Edit:
    """The leaf's subject key identifier is critical, which RFC 5280 forbids authorities."""
    return change("leaf", "extensions/subjectKeyIdentifier/critical", True)


@HINTS.either(
    "critical-authority-information",
    "RFC5280-07",
    why="RFC 5280 has this extension say where more is to be found, and forbids authorities to make it critical.",
)
def critical_authority_information() -> Edit:
    """The leaf says where its issuer's certificate is to be found, and that this is critical."""
    where = "301b301906082b06010505073002860d687474703a2f2f612e74657374"  # caIssuers: http://a.test
    return extend("leaf", "1.3.6.1.5.5.7.1.1", {"critical": True, "value": where})


# --- name constraints

ELSEWHERE = [["directoryName", "Other CA"]]
OF_MAIL = {"critical": True, "permitted": [["rfc822Name", "models.example"]]}


def with_address(name: str) -> JSON:
    """A subject with an e-mail address in it."""
    return [["commonName", name], ["emailAddress", "signer@models.example"]]


def below_constraints(constraints: JSON, subject: JSON = "Model Signer") -> Material:
    """The upper of two intermediates has name constraints; the leaf has this subject."""
    recipe = two_intermediates(nameConstraints={"critical": True, **constraints})
    recipe["certificates"]["leaf"]["subject"] = subject
    return signed_model(recipe)


@CONSTRAINTS.either(
    "directory-names-excluded",
    "REF-CERT-08",
    ours="unsupported",
    control=None,
    why="RFC 5280 has constraints on directory names applied; libraries that verify chains do not know them.",
)
def directory_names_excluded() -> Material:
    """The upper of two intermediates permits a domain, and excludes a directory name that is not there."""
    return below_constraints({"permitted": [["dNSName", "models.example"]], "excluded": ELSEWHERE})


@CONSTRAINTS.either(
    "directory-names-excluded-before-hosts",
    "REF-CERT-08",
    ours="unsupported",
    control=None,
    why="RFC 5280 has constraints on directory names applied; libraries that verify chains do not know them.",
)
def directory_names_excluded_before_hosts() -> Material:
    """The upper of two intermediates excludes a directory name, and then a domain; neither is there."""
    return below_constraints({"excluded": [*ELSEWHERE, ["dNSName", "other.example"]]})


@CONSTRAINTS.either(
    "name-constraints-of-the-leaf",
    "RFC5280-08",
    ours="accept",
    control="plain",
    why="RFC 5280 has name constraints in certificates of authorities alone; the leaf issues nothing.",
    gain="Signers of an authority that writes them into leaves can't be verified.",
    severity="low",
)
def name_constraints_of_the_leaf() -> Edit:
    """The leaf has name constraints on directory names, which are not critical."""
    return extend("leaf", "nameConstraints", {"excluded": ELSEWHERE})


ADDRESSED = CONSTRAINTS.group(
    control=None,
    why="RFC 5280 has constraints on e-mail addresses apply to one in the subject (4.2.1.10); some do not look there.",
)


@ADDRESSED.either("address-in-the-subject", "REF-CERT-08", ours="unsupported")
def address_in_the_subject() -> Material:
    """The leaf's subject has an e-mail address, of the domain that the upper of two intermediates permits."""
    return below_constraints(OF_MAIL, with_address("Model Signer"))


@ADDRESSED.either("address-in-the-subject-below-hosts", "RFC5280-08", ours="accept", severity="low")
def address_in_the_subject_below_hosts() -> Material:
    """The leaf's subject has an e-mail address, and the upper of two intermediates permits host names of a domain."""
    return below_constraints({"permitted": [["dNSName", "models.example"]]}, with_address("Model Signer"))


@ADDRESSED.either("address-in-the-intermediate-s-subject", "REF-CERT-08", ours="unsupported")
def address_in_the_intermediate_s_subject() -> Material:
    """The intermediate's subject has an e-mail address, of the domain that the root permits."""
    recipe = usual(ca=authority("Model CA", "p256/ca", "root", 2))
    recipe["certificates"]["ca"]["subject"] = with_address("Model CA")
    recipe["certificates"]["root"]["extensions"]["nameConstraints"] = OF_MAIL
    return signed_model(recipe)


@ADDRESSED.either("address-in-a-subject-on-the-longer-way", "REF-CERT-08", ours="unsupported")
def address_in_a_subject_on_the_longer_way() -> Material:
    """On the way that is left an intermediate's subject has an e-mail address, of the domain that the root permits."""
    recipe = two_ways(old={"not_after": "2026-03-01T00:00:00Z"}, upper={"subject": with_address("Upper CA")})
    recipe["certificates"]["root"]["extensions"]["nameConstraints"] = OF_MAIL
    return signed_model(recipe)


# --- anchors


@OPEN_ANCHORS.either("intermediate-given-before-the-root", "RFC5280-02", ours="accept", control=None)
def intermediate_given_before_the_root() -> Material:
    """The caller gives intermediate and root, in this order; the bundle has the leaf alone."""
    return signed_model({**usual(), "bundled": ["leaf"], "given": ["ca", "root"]})


def old(certificate: JSON, **extensions: JSON | None) -> JSON:
    """A certificate signed with SHA-1, with these extensions, or without those that are null."""
    made = {**copy.deepcopy(certificate), "hash": "sha1"}
    made["extensions"] = {name: each for name, each in {**made["extensions"], **extensions}.items() if each is not None}
    return made


@OPEN_ANCHORS.either("old-intermediate-given", "RFC5280-02", "REF-CERT-04", control=None)
def old_intermediate_given() -> Material:
    """The caller gives the intermediate, signed with SHA-1 and without key identifiers, and a stranger."""
    ca = old(authority("Model CA", "p256/ca", "root", 2), authorityKeyIdentifier=None, subjectKeyIdentifier=None)
    return signed_model({**usual(ca=ca, stranger=STRANGER), "given": ["ca", "stranger"]})


@OPEN_ANCHORS.either("another-old-self-issued-intermediate-given", "RFC5280-02", "REF-CERT-04", control=None)
def another_old_self_issued_intermediate_given() -> Material:
    """The caller gives a self-issued intermediate signed with SHA-1, whose key identifier sorts before its issuer's."""
    ca = old(authority("Model Root", "p256/newer", "root", 2))
    return signed_model({**usual(ca=ca, stranger=STRANGER), "given": ["ca", "stranger"]})


def old_root(**extensions: JSON | None) -> Material:
    """A chain to a root that signed itself with SHA-1."""
    return signed_model(usual(root=old(root("Model Root", "p256/root", "root", 1), **extensions)))


@OPEN_ANCHORS.either("old-root-with-an-empty-identifier", "RFC5280-02", ours="accept", control=None)
def old_root_with_an_empty_identifier() -> Material:
    """The root signed itself with SHA-1, and its authority key identifier is empty."""
    return old_root(**{"2.5.29.35": {"value": "3000"}})


@OPEN_ANCHORS.either("old-root-with-one-identifier", "RFC5280-02", ours="accept", control=None)
def old_root_with_one_identifier() -> Material:
    """The root signed itself with SHA-1, and has an authority key identifier and none of its subject's."""
    return old_root(authorityKeyIdentifier={}, subjectKeyIdentifier=None)


# --- validity


def given_leaf(**members: str) -> Material:
    """The caller gives the leaf itself, with another validity, and asked for partial chains."""
    signer = {**leaf("p256/leaf", "ca", 3), **members}
    return signed_model({**usual(leaf=signer), "given": ["leaf"]}, options={"partial_chain": True})


@OPEN_ANCHORS.either("expired-leaf-given", "OMS-8.2-01", stage="time", control=None)
def expired_leaf_given() -> Material:
    """The caller gives the leaf itself, which has expired, and asked for partial chains."""
    return given_leaf(not_after="2026-05-31T23:59:59Z")


@OPEN_ANCHORS.either("leaf-given-that-ends-before-it-starts", "OMS-8.2-01", stage="time", control=None)
def leaf_given_that_ends_before_it_starts() -> Material:
    """The caller gives the leaf itself, which ends before it starts, and asked for partial chains."""
    return given_leaf(not_before="2026-05-01T00:00:00Z", not_after="2026-04-01T00:00:00Z")


@ABOVE.reject("leaf-ends-before-its-issuer-starts", "RFC5280-03", severity="low")
def leaf_ends_before_its_issuer_starts() -> Edit:
    """The intermediate becomes valid a year after the leaf has expired."""
    return change("ca", "not_before", "2028-01-01T00:00:00Z")


@ROOTS.either("root-ends-before-the-leaf-starts", "RFC5280-03", stage="time")
def root_ends_before_the_leaf_starts() -> Edit:
    """The root expired before the leaf became valid."""
    return change("root", "not_after", "2025-12-31T23:59:59Z")


@ROOTS.either("root-starts-after-the-leaf-ends", "RFC5280-03", stage="time")
def root_starts_after_the_leaf_ends() -> Edit:
    """The root becomes valid a year after the leaf has expired."""
    return change("root", "not_before", "2028-01-01T00:00:00Z")


# --- which reason is named

REASONS = FAMILY.group(
    severity="low",
    control=None,
    why="Nothing says which of two reasons a refusal has to name; this project calls it time where time would heal it.",
    gain="Nothing, where it is not accepted.",
)


def limited(recipe: JSON, name: str, length: int) -> JSON:
    """The recipe, in which a certificate has a path length."""
    recipe["certificates"][name]["extensions"]["basicConstraints"]["path_length"] = length
    return recipe


BEFORE_THE_LEAF = {"not_after": "2025-12-31T23:59:59Z"}


@REASONS.either("never-valid-together-and-all-expired", "OMS-8.2-01", stage="time")
def never_valid_together_and_all_expired() -> Material:
    """The intermediate expired before the leaf became valid, and by now the leaf and the root have expired too."""
    made = usual()
    made["certificates"]["ca"] |= BEFORE_THE_LEAF
    return {**signed_model(made), "verification_time": "2045-01-01T00:00:00Z"}


@REASONS.either("valid-together-for-a-second", "RFC5280-07")
def valid_together_for_a_second() -> Material:
    """The intermediate's last second is the leaf's first, long ago; the leaf has an unknown critical extension."""
    made = usual(leaf=leaf("p256/leaf", "ca", 3, **INSISTS))
    made["certificates"]["ca"]["not_after"] = made["certificates"]["leaf"]["not_before"]
    return signed_model(made)


@REASONS.either("expired-dead-end", "RFC5280-07")
def expired_dead_end() -> Material:
    """The intermediate has an unknown critical extension; its twin by a stranger expired before the leaf started."""
    made = usual(
        ca=authority("Model CA", "p256/ca", "root", 2, **INSISTS),
        dead_end={**authority("Model CA", "p256/ca", "stranger", 5), **BEFORE_THE_LEAF},
        stranger=STRANGER,
    )
    return signed_model({**made, "bundled": ["leaf", "dead-end", "ca"]})


@REASONS.either("one-way-forbidden-and-one-expired", "RFC5280-03", stage="time")
def one_way_forbidden_and_one_expired() -> Material:
    """By one root the intermediate has an unknown critical extension; by another it expired before the leaf started."""
    made = usual(
        ca=authority("Model CA", "p256/ca", "root", 2, **INSISTS),
        twin={**authority("Model CA", "p256/ca", "stranger", 5), **BEFORE_THE_LEAF},
        stranger=STRANGER,
    )
    return signed_model({**made, "bundled": ["leaf", "ca", "twin"], "given": ["root", "stranger"]})


@REASONS.either("self-issued-intermediate-below-a-limited-root", "REF-CERT-10")
def self_issued_intermediate_below_a_limited_root() -> Material:
    """The root has a path length of 1; below it is an intermediate, and below that one the same with a newer key."""
    recipe = two_intermediates("Upper CA")
    return signed_model(limited(recipe, "root", 1))


@REASONS.either("self-issued-intermediate-and-a-negative-number", "RFC5280-02")
def self_issued_intermediate_and_a_negative_number() -> Material:
    """The lower intermediate is self-issued, no path length is limited, and the leaf's serial number is negative."""
    recipe = two_intermediates("Upper CA")
    recipe["certificates"]["leaf"]["serial"] = -4
    return signed_model(recipe)


@REASONS.either("leaf-named-like-its-issuer-and-a-negative-number", "RFC5280-02")
def leaf_named_like_its_issuer_and_a_negative_number() -> Material:
    """The leaf has the name of its issuer and a negative serial number, and the root a path length of 1."""
    recipe = usual("Model CA")
    recipe["certificates"]["leaf"]["serial"] = -3
    return signed_model(limited(recipe, "root", 1))


@REASONS.either("self-issued-issuer-with-a-limit-and-a-negative-number", "RFC5280-02")
def self_issued_issuer_with_a_limit_and_a_negative_number() -> Material:
    """The leaf's issuer is self-issued and has a path length of 0, and the leaf's serial number is negative."""
    recipe = two_intermediates("Upper CA")
    recipe["certificates"]["leaf"]["serial"] = -4
    return signed_model(limited(recipe, "ca2", 0))


@REASONS.either("self-issued-intermediate-on-the-longer-way", "REF-CERT-10")
def self_issued_intermediate_on_the_longer_way() -> Material:
    """The root limits paths to one intermediate beside self-issued ones; the shorter way has a negative number."""
    recipe = two_ways(old={"serial": -5}, upper={"subject": "Model Root"})
    return signed_model(limited(recipe, "root", 1))


@REASONS.either("self-signed-leaf-below-its-twin", "RFC5280-07")
def self_signed_leaf_below_its_twin() -> Material:
    """The leaf is self-signed and marked as a CA; a twin of its name and key is given that nobody can use."""
    made = chain(
        ["leaf"],
        ["twin"],
        leaf=leaf("p256/leaf", "leaf", 1, basicConstraints={"critical": True, "ca": True}),
        twin=root("Model Signer", "p256/leaf", "twin", 2),
    )
    made["certificates"]["twin"]["extensions"] |= INSISTS
    return signed_model(made)
