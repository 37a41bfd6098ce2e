"""Certificates: the chain, its anchors, what a signer may do, when, and the shape in the bundle."""

from __future__ import annotations

import copy
from ssl import DER_cert_to_PEM_cert
from typing import Any

from conformance.generate import chains, keys
from conformance.generate.edits import apply, insert_at, move_at, remove_at, set_at, signature, time, tree
from conformance.generate.kit import JSON, Edit, Family, Material, b64, certificate_case, file

from .material import log_entry

FAMILY = Family(
    "certificate",
    "Certificates",
    profile="certificate",
    stage="certificate",
    control="plain",
    why="RFC 5280 has a path of signatures and names lead from the leaf to a certificate that the caller trusts.",
    gain="Whoever gets hold of any certificate signs models in the name of those whom the caller trusts.",
)
AT = "2026-06-01T00:00:00Z"
MATERIAL = "/verificationMaterial"
CHAIN = MATERIAL + "/x509CertificateChain"
FILES = {"model.safetensors": {"seed": "certificate", "length": 100}}


# --- recipes


ISSUES: JSON = {
    "basicConstraints": {"critical": True, "ca": True},
    "keyUsage": {"critical": True, "bits": ["keyCertSign", "cRLSign"]},
}
SIGNS: JSON = {
    "basicConstraints": {"critical": True, "ca": False},
    "keyUsage": {"critical": True, "bits": ["digitalSignature"]},
    "extKeyUsage": {"purposes": ["codeSigning"]},
}
BOTH_USAGES: JSON = {"critical": True, "bits": ["digitalSignature", "keyCertSign"]}
UNKNOWN = "1.3.6.1.4.1.99999.1"  # an extension that nobody knows
# Which key a certificate is for, and which one signed it.
IDENTIFIERS: JSON = {"subjectKeyIdentifier": {}, "authorityKeyIdentifier": {}}


def root(subject: str, key: str, name: str, serial: int) -> JSON:
    """A self-signed certificate, from 2020 to 2040."""
    return certificate(
        subject, key, name, serial, years=(2020, 2040), extensions={**ISSUES, "subjectKeyIdentifier": {}}
    )


def authority(subject: str, key: str, issuer: str, serial: int, **extensions: Any) -> JSON:
    """A certificate that issues others, from 2022 to 2034."""
    return certificate(
        subject, key, issuer, serial, years=(2022, 2034), extensions={**ISSUES, **IDENTIFIERS, **extensions}
    )


def leaf(key: str, issuer: str, serial: int, subject: str = "Model Signer", **extensions: Any) -> JSON:
    """A certificate to sign code with, from 2026 to 2027."""
    return certificate(
        subject, key, issuer, serial, years=(2026, 2027), extensions={**SIGNS, **IDENTIFIERS, **extensions}
    )


def certificate(subject: str, key: str, issuer: str, serial: int, *, years: tuple[int, int], extensions: JSON) -> JSON:
    """A recipe for one certificate, valid from the first second of one year to that of another."""
    first, last = (f"{year}-01-01T00:00:00Z" for year in years)
    members = {"subject": subject, "key": key, "issuer": issuer, "serial": serial, "not_before": first}
    return copy.deepcopy({**members, "not_after": last, "extensions": extensions})


def chain(bundled: list[str], given: list[str], **certificates: JSON) -> JSON:
    """A recipe in which the first of the bundle signs."""
    named = {name.replace("_", "-"): recipe for name, recipe in certificates.items()}
    return {"certificates": named, "signer": bundled[0], "bundled": bundled, "given": given}


def usual(subject: str = "Model Signer", **more: JSON) -> JSON:
    """Leaf, intermediate and root, and `more` certificates that take the place of these or are not used."""
    certificates = {
        "leaf": leaf("p256/leaf", "ca", 3, subject),
        "ca": authority("Model CA", "p256/ca", "root", 2),
        "root": root("Model Root", "p256/root", "root", 1),
    }
    return chain(["leaf", "ca"], ["root"], **{**certificates, **more})


def two_intermediates(lower: str = "Lower CA", signer: JSON | None = None, **extensions: Any) -> JSON:
    """Leaf, two intermediates and root: the lower one's name, the leaf's extensions, and those of the upper one."""
    return chain(
        ["leaf", "ca2", "ca1"],
        ["root"],
        leaf=leaf("p256/leaf", "ca2", 4, **(signer or {})),
        ca2=authority(lower, "p256/ca2", "ca1", 3),
        ca1=authority("Upper CA", "p256/ca1", "root", 2, **extensions),
        root=root("Model Root", "p256/root", "root", 1),
    )


def case(recipe: JSON, **more: Any) -> Material:
    """A small model, signed with the recipe's signer."""
    return certificate_case(FILES, recipe, verification_time=AT, **more)


def of(name: str, field: str) -> str:
    """Where a field of a certificate is in the recipe."""
    return f"/certificates/{name}/{field}"


def change(name: str, field: str, value: JSON) -> Edit:
    """Set a field of a certificate."""
    return set_at("chain", of(name, field), value)


def extend(name: str, extension: str, value: JSON) -> Edit:
    """Set an extension of a certificate."""
    return change(name, f"extensions/{extension}", value)


def bundled(*names: str) -> Edit:
    """Put these certificates into the bundle, whoever signed."""
    return set_at("chain", "/bundled", list(names))


def given(*names: str) -> Edit:
    """Give these certificates to the verifier."""
    return set_at("chain", "/given", list(names))


# --- controls


@FAMILY.control("plain", "OMS-4.1-02", "RFC5280-02", "OMS-8.2-01")
def plain() -> Material:
    """A leaf for code signing and its intermediate are in the bundle; the caller trusts the root."""
    return case(usual())


@FAMILY.control("among-others", "OMS-4.1-02", "RFC5280-02")
def among_others() -> Material:
    """Leaf and intermediate are in the bundle; the recipe has certificates of others for the vectors that need them."""
    return case(
        usual(
            "Second Signer",
            other_leaf=leaf("p256/other-leaf", "ca", 4, "Other Signer"),
            forged=leaf("p256/leaf", "other-leaf", 5),
            ca_signer=authority("Model Signer", "p256/leaf", "ca", 6, keyUsage=BOTH_USAGES),
            direct=leaf("p256/leaf", "root", 7),
            self_signed=leaf("p256/leaf", "self-signed", 8),
            stranger=root("Other Root", "p256/stranger", "stranger", 1),
            namesake=root("Model Root", "p256/namesake", "namesake", 1),
            same_key=root("Another Name", "p256/root", "same-key", 1),
            renewed=root("Model Root", "p256/root", "renewed", 9),
            namesake_ca=authority("Model CA", "p256/namesake-ca", "root", 10),
            foreign=leaf("p256/leaf", "foreign-ca", 3),
            foreign_ca=authority("Model CA", "p256/foreign-ca", "namesake", 2),
        )
    )


@FAMILY.control("two-intermediates", "RFC5280-02")
def long() -> Material:
    """Two intermediates stand between leaf and root."""
    return case(two_intermediates())


@FAMILY.control("five-intermediates", "RFC5280-02")
def five_intermediates() -> Material:
    """Five intermediates stand between leaf and root."""
    names = [f"ca{number}" for number in range(1, 10)]
    above = dict(zip(names, ["root", *names]))
    certificates = {name: authority(f"CA {name[2:]}", f"p256/{name}", above[name], 1 + int(name[2:])) for name in names}
    return case(
        chain(
            ["leaf", *reversed(names[:5])],
            ["root"],
            leaf=leaf("p256/leaf", "ca5", 20),
            eighth_leaf=leaf("p256/leaf", "ca8", 21),
            ninth_leaf=leaf("p256/leaf", "ca9", 22),
            root=root("Model Root", "p256/root", "root", 1),
            **certificates,
        )
    )


PERMITTED = [["dNSName", "models.example"], ["rfc822Name", "models.example"]]
NAMES = [["dNSName", "signer.models.example"], ["rfc822Name", "signer@models.example"]]


@FAMILY.control("named", "RFC5280-08")
def named() -> Material:
    """The upper of two intermediates permits host names and addresses of a domain; the leaf has such ones."""
    constraints = {"critical": True, "permitted": PERMITTED}
    return case(two_intermediates(signer={"subjectAltName": {"names": NAMES}}, nameConstraints=constraints))


# --- the chain


@FAMILY.reject("missing-intermediate", "RFC5280-02")
def missing_intermediate() -> Edit:
    """The intermediate is neither in the bundle nor given."""
    return remove_at("chain", "/bundled/1")


SIGNED = FAMILY.group(severity="high")


@SIGNED.reject("leaf-signed-by-another-key", "RFC5280-02")
def leaf_signed_by_another_key() -> Edit:
    """The leaf names the intermediate as its issuer, and was signed by another key."""
    return change("leaf", "signed_by", "p256/attacker")


@SIGNED.reject("leaf-signature-changed", "RFC5280-02")
def leaf_signature_changed() -> Edit:
    """The last bit of the leaf's signature is another one."""
    return change("leaf", "last_bit_flipped", True)


@SIGNED.reject("intermediate-signed-by-another-key", "RFC5280-02")
def intermediate_signed_by_another_key() -> Edit:
    """The intermediate names the root as its issuer, and was signed by another key."""
    return change("ca", "signed_by", "p256/attacker")


@SIGNED.reject("leaf-signed-by-itself", "RFC5280-02")
def leaf_signed_by_itself() -> Edit:
    """The leaf names the intermediate as its issuer, and was signed by its own key."""
    return change("leaf", "signed_by", "p256/leaf")


NAMED = FAMILY.group(why="Each certificate's issuer has to be the subject of the next one (RFC 5280, 6.1.3).")


@NAMED.reject("leaf-of-another-issuer", "RFC5280-02")
def leaf_of_another_issuer() -> Edit:
    """The leaf was signed by the intermediate's key, and names another issuer."""
    return change("leaf", "issuer_name", "Another CA")


@NAMED.reject("intermediate-of-another-issuer", "RFC5280-02")
def intermediate_of_another_issuer() -> Edit:
    """The intermediate was signed by the root's key, and names another issuer."""
    return change("ca", "issuer_name", "Another Root")


@NAMED.either(
    "issuer-in-upper-case",
    "RFC5280-02",
    why="RFC 5280 has names compared without regard to case (7.1); many verifiers compare bytes.",
    gain="Nothing: the signature holds with the issuer's key.",
    severity="low",
)
def issuer_in_upper_case() -> Edit:
    """The leaf writes its issuer's name in upper case."""
    return change("leaf", "issuer_name", "MODEL CA")


@FAMILY.reject(
    "two-signature-algorithms",
    "RFC5280-02",
    why="The algorithm beside the signature has to be the one that is signed (RFC 5280, 4.1.1.2).",
    gain="The algorithm that counts is one that the issuer did not sign.",
    severity="low",
    stages=("certificate", "bundle"),
)
def two_signature_algorithms() -> Edit:
    """The signed part of the leaf names another signature algorithm than the one that was used."""
    return change("leaf", "hash_inside", "sha384")


ISSUERS = FAMILY.group(
    severity="high",
    why="RFC 5280 lets a certificate issue others only if BasicConstraints says that it is a CA (4.2.1.9, 6.1.4).",
)


@ISSUERS.reject("leaf-as-issuer", "RFC5280-04", control="among-others")
def leaf_as_issuer() -> Edit:
    """Somebody with a leaf of their own issued a certificate with it, in the name of another signer."""
    return bundled("forged", "other-leaf", "ca")


@ISSUERS.reject("intermediate-no-ca", "RFC5280-04")
def intermediate_no_ca() -> Edit:
    """The intermediate is no CA by its BasicConstraints, though it has keyCertSign."""
    return change("ca", "extensions/basicConstraints/ca", False)


@ISSUERS.reject("intermediate-without-basic-constraints", "RFC5280-04")
def intermediate_without_basic_constraints() -> Edit:
    """The intermediate has no BasicConstraints, though it has keyCertSign."""
    return remove_at("chain", of("ca", "extensions/basicConstraints"))


@ISSUERS.reject("intermediate-of-version-1", "RFC5280-04")
def intermediate_of_version_1() -> Edit:
    """The intermediate is a certificate of version 1, which has no extensions."""
    return change("ca", "version", 1)


@ISSUERS.reject("upper-intermediate-no-ca", "RFC5280-04", control="two-intermediates")
def upper_intermediate_no_ca() -> Edit:
    """The upper of two intermediates is no CA by its BasicConstraints."""
    return change("ca1", "extensions/basicConstraints/ca", False)


@ISSUERS.reject(
    "intermediate-without-cert-sign",
    "RFC5280-06",
    why="A KeyUsage without keyCertSign says that the key signs no certificates (RFC 5280, 4.2.1.3, 6.1.4).",
)
def intermediate_without_cert_sign() -> Edit:
    """The intermediate is a CA, and its KeyUsage lacks keyCertSign."""
    return change("ca", "extensions/keyUsage/bits", ["digitalSignature", "cRLSign"])


@ISSUERS.either(
    "intermediate-for-servers",
    "REF-CERT-03",
    why="RFC 5280 defines ExtendedKeyUsage for leaves; many verifiers take an issuer's as a limit on those below.",
)
def intermediate_for_servers() -> Edit:
    """The intermediate's ExtendedKeyUsage has serverAuth alone."""
    return extend("ca", "extKeyUsage", {"purposes": ["serverAuth"]})


LENGTH = FAMILY.group(
    control="two-intermediates",
    why="No more intermediates may follow than pathLenConstraint says (RFC 5280, 4.2.1.9, 6.1.4).",
    gain="An authority that may issue leaves alone makes further authorities.",
)


@LENGTH.reject("path-too-long", "RFC5280-05")
def path_too_long() -> Edit:
    """The upper of two intermediates has a path length of 0."""
    return change("ca1", "extensions/basicConstraints/path_length", 0)


@LENGTH.accept(
    "path-just-short-enough", "RFC5280-05", gain="Chains of authorities that limit their length can't be verified."
)
def path_just_short_enough() -> Edit:
    """The upper of two intermediates has a path length of 1."""
    return change("ca1", "extensions/basicConstraints/path_length", 1)


@LENGTH.accept(
    "path-length-zero-above-the-leaf",
    "RFC5280-05",
    gain="Chains of authorities that limit their length can't be verified.",
)
def path_length_zero_above_the_leaf() -> Edit:
    """The lower of two intermediates has a path length of 0; the leaf does not count."""
    return change("ca2", "extensions/basicConstraints/path_length", 0)


@LENGTH.either(
    "path-too-long-for-the-root",
    "RFC5280-05",
    why="RFC 5280 takes name and key of a trust anchor, and leaves it to a verifier whether its extensions count.",
)
def path_too_long_for_the_root() -> Edit:
    """The root has a path length of 0, and two intermediates follow."""
    return change("root", "extensions/basicConstraints/path_length", 0)


@LENGTH.either(
    "self-issued-intermediate",
    "REF-CERT-10",
    control=None,
    why="RFC 5280 does not count self-issued certificates; libraries that verify chains do.",
    gain="Nothing: an authority only renewed its own key.",
    severity="low",
)
def self_issued_intermediate() -> Material:
    """The upper intermediate has a path length of 0, and the lower one is the same authority with a newer key."""
    limit = {"critical": True, "ca": True, "path_length": 0}
    return case(two_intermediates("Upper CA", basicConstraints=limit))


SHAPE = FAMILY.group(
    severity="low",
    why="The Sigstore format has the leaf first; order, repetition and others are no more than advice (SHOULD).",
    gain="Bundles of writers that do not follow the advice can't be verified.",
)


@SHAPE.reject(
    "leaf-second",
    "RFC5280-09",
    "DSSE-01",
    "OMS-4.1-02",
    stages=("material", "certificate", "signature"),
    severity="medium",
    gain="Which certificate counts as the signer's depends on the client.",
)
def leaf_second() -> Edit:
    """The intermediate is the first certificate of the bundle, and the leaf the second."""
    return move_at("chain", "/bundled/0", "/bundled/1")


@SHAPE.either("intermediates-in-other-order", "RFC5280-02", ours="accept", control="two-intermediates")
def intermediates_in_other_order() -> Edit:
    """The upper of two intermediates stands before the lower one."""
    return bundled("leaf", "ca1", "ca2")


@SHAPE.either("intermediate-twice", "RFC5280-02", ours="accept")
def intermediate_twice() -> Edit:
    """The intermediate is in the bundle twice."""
    return insert_at("chain", "/bundled/-", "ca")


@SHAPE.either("leaf-twice", "RFC5280-02", ours="accept")
def leaf_twice() -> Edit:
    """The leaf is in the bundle twice."""
    return insert_at("chain", "/bundled/1", "leaf")


@SHAPE.either("root-in-the-bundle", "RFC5280-02", ours="accept")
def root_in_the_bundle() -> Edit:
    """The root that the caller trusts is the last certificate of the bundle."""
    return insert_at("chain", "/bundled/-", "root")


@SHAPE.either("strangers-in-the-bundle", "RFC5280-02", ours="accept", control="among-others")
def strangers_in_the_bundle() -> Edit:
    """Another signer's leaf and another root are in the bundle, before the intermediate."""
    return bundled("leaf", "other-leaf", "stranger", "ca")


@SHAPE.either("namesake-of-the-intermediate", "RFC5280-02", ours="accept", control="among-others")
def namesake_of_the_intermediate() -> Edit:
    """Before the intermediate stands another of its name, with another key."""
    return insert_at("chain", "/bundled/1", "namesake-ca")


@SHAPE.either(
    "more-certificates-than-fit",
    "REF-CERT-06",
    why="Nothing limits the number of certificates; each costs work before anything is known to be signed.",
    gain="A small bundle keeps a verifier busy.",
)
def more_certificates_than_fit() -> Edit:
    """The bundle has 33 certificates, the intermediate 32 times."""
    return bundled("leaf", *["ca"] * 32)


@SHAPE.either("as-many-certificates-as-fit", "REF-CERT-06", ours="accept")
def as_many_certificates_as_fit() -> Edit:
    """The bundle has 32 certificates, the intermediate 31 times."""
    return bundled("leaf", *["ca"] * 31)


@SHAPE.either(
    "nine-intermediates",
    "REF-CERT-09",
    control="five-intermediates",
    why="RFC 5280 has no limit but those of the certificates.",
    gain="A small bundle keeps a verifier busy.",
)
def nine_intermediates() -> Edit:
    """Nine intermediates stand between another leaf of the same key and the root."""
    return bundled("ninth-leaf", *(f"ca{number}" for number in range(9, 0, -1)))


@SHAPE.either(
    "eight-intermediates",
    "REF-CERT-09",
    ours="accept",
    control="five-intermediates",
    why="RFC 5280 has no limit but those of the certificates.",
    gain="Signers of deep hierarchies can't be verified.",
)
def eight_intermediates() -> Edit:
    """Eight intermediates stand between another leaf of the same key and the root."""
    return bundled("eighth-leaf", *(f"ca{number}" for number in range(8, 0, -1)))


@SHAPE.either(
    "mesh",
    "REF-CERT-09",
    control=None,
    severity="medium",
    why="No path is good, and a verifier that tries every one has more to try than it can in a year.",
    gain="A small bundle stops a verifier for ever.",
)
def mesh() -> Material:
    """Sixteen certificates of one name and key issued each other; the one that the root issued can't be used."""
    twins = {f"twin-{number}": authority("Twin", "p256/twin", "twin-0", 10 + number) for number in range(16)}
    unknown = {UNKNOWN: {"critical": True, "value": "0500"}}
    top = authority("Twin", "p256/twin", "root", 2, **unknown)
    recipe = usual(leaf=leaf("p256/leaf", "twin-0", 3), ca=top, **twins)
    return case({**recipe, "bundled": ["leaf", *twins, "ca"]})


@SHAPE.accept(
    "leaf-named-like-its-issuer",
    "RFC5280-02",
    why="Names say who issued a certificate, keys who it is for: equal names with different keys are two parties.",
    gain="The certificates that released clients sign with can't be verified.",
    severity="medium",
)
def leaf_named_like_its_issuer() -> Edit:
    """The leaf has its issuer's name as its own; key identifiers tell the two apart."""
    return change("leaf", "subject", "Model CA")


@SHAPE.accept(
    "no-intermediate",
    "RFC5280-02",
    why="A leaf may be issued by the root itself.",
    gain="Signers without an intermediate authority can't be verified.",
    control="among-others",
)
def no_intermediate() -> Edit:
    """The bundle has one certificate, for the same key, which the root issued."""
    return bundled("direct")


HINTS = FAMILY.group(
    severity="low",
    why="RFC 5280 has key identifiers as an aid to find certificates, and their check is no part of validation.",
    gain="Nothing: the signature holds with the issuer's key.",
)


@HINTS.either("authority-key-identifier-of-another", "RFC5280-02", ours="accept")
def authority_key_identifier_of_another() -> Edit:
    """The leaf's authority key identifier is that of another key than its issuer's."""
    return change("leaf", "extensions/authorityKeyIdentifier/of", "p256/stranger")


@HINTS.either("critical-key-identifier", "RFC5280-07")
def critical_key_identifier() -> Edit:
    """The leaf's authority key identifier is critical, which RFC 5280 forbids authorities."""
    return change("leaf", "extensions/authorityKeyIdentifier/critical", True)


@HINTS.either(
    "without-key-identifiers",
    "RFC5280-02",
    ours="accept",
    why="RFC 5280 has authorities write key identifiers; verifiers find a path by names too.",
    gain="Leaves without key identifiers can't be verified.",
)
def without_key_identifiers() -> Edit:
    """The leaf has no authority key identifier."""
    return remove_at("chain", of("leaf", "extensions/authorityKeyIdentifier"))


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
    other = root("Other Root", "p256/stranger", "stranger", 1)
    recipe = usual(ca=authority("Model Root", "p256/ca", "root", 2), stranger=other)
    return case({**recipe, "given": ["ca", "stranger"]})


@OPEN_ANCHORS.either("partial-chain", "RFC5280-02", ours="accept", control=None)
def partial_chain() -> Material:
    """The caller gives the intermediate alone, and asked for partial chains."""
    return case({**usual(), "given": ["ca"]}, options={"partial_chain": True})


@OPEN_ANCHORS.either("leaf-given", "RFC5280-02", ours="accept", control=None)
def leaf_given() -> Material:
    """The caller gives the leaf itself, and asked for partial chains."""
    return case({**usual(), "given": ["leaf"]}, options={"partial_chain": True})


@OPEN_ANCHORS.either("self-signed-leaf-given", "RFC5280-02", ours="accept", control=None)
def self_signed_leaf_given() -> Material:
    """The leaf is self-signed, and is what the caller gives."""
    return case(chain(["leaf"], ["leaf"], leaf=leaf("p256/leaf", "leaf", 1)))


@OPEN_ANCHORS.either("intermediate-given-with-the-root", "RFC5280-02", ours="accept", control=None)
def intermediate_given_with_the_root() -> Material:
    """The caller gives root and intermediate; the bundle has the leaf alone."""
    return case({**usual(), "bundled": ["leaf"], "given": ["root", "ca"]})


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


# --- what a signer may do

USAGE = FAMILY.group(
    severity="high",
    why="ExtendedKeyUsage limits a certificate to the purposes that it names (RFC 5280, 4.2.1.12).",
)


def purposes(*names: str) -> Edit:
    """Another ExtendedKeyUsage of the leaf."""
    return change("leaf", "extensions/extKeyUsage/purposes", list(names))


@USAGE.reject("for-servers", "RFC5280-10")
def for_servers() -> Edit:
    """The leaf's ExtendedKeyUsage has serverAuth alone: a certificate of a web site."""
    return purposes("serverAuth")


@USAGE.reject("for-clients", "RFC5280-10")
def for_clients() -> Edit:
    """The leaf's ExtendedKeyUsage has clientAuth alone."""
    return purposes("clientAuth")


@USAGE.reject("for-e-mail", "RFC5280-10")
def for_e_mail() -> Edit:
    """The leaf's ExtendedKeyUsage has emailProtection alone."""
    return purposes("emailProtection")


@USAGE.reject("for-timestamps", "RFC5280-10")
def for_timestamps() -> Edit:
    """The leaf's ExtendedKeyUsage has timeStamping alone."""
    return purposes("timeStamping")


@USAGE.reject(
    "key-agreement",
    "RFC5280-09",
    why="A KeyUsage without digitalSignature says that the key signs no data (RFC 5280, 4.2.1.3).",
)
def key_agreement() -> Edit:
    """The leaf's KeyUsage has keyAgreement alone, beside an ExtendedKeyUsage of codeSigning."""
    return change("leaf", "extensions/keyUsage/bits", ["keyAgreement"])


@USAGE.accept(
    "critical-purposes",
    "RFC5280-10",
    why="ExtendedKeyUsage may be critical or not, and a verifier has to know it (RFC 5280, 4.2, 4.2.1.12).",
    gain="Signers of authorities that mark it critical can't be verified.",
)
def critical_purposes() -> Edit:
    """The leaf's ExtendedKeyUsage is critical."""
    return change("leaf", "extensions/extKeyUsage/critical", True)


OPEN_USAGE = FAMILY.group(why="OMS does not say what a signer's certificate has to allow, and clients differ.")


@OPEN_USAGE.either("content-commitment", "RFC5280-09")
def content_commitment() -> Edit:
    """The leaf's KeyUsage has contentCommitment alone, once called nonRepudiation."""
    return change("leaf", "extensions/keyUsage/bits", ["contentCommitment"])


@OPEN_USAGE.either("any-purpose", "RFC5280-10", ours="accept")
def any_purpose() -> Edit:
    """The leaf's ExtendedKeyUsage has anyExtendedKeyUsage alone."""
    return purposes("anyExtendedKeyUsage")


@OPEN_USAGE.either("for-servers-too", "RFC5280-10", ours="accept")
def for_servers_too() -> Edit:
    """The leaf's ExtendedKeyUsage has serverAuth before codeSigning."""
    return purposes("serverAuth", "codeSigning")


@OPEN_USAGE.either("no-extended-key-usage", "RFC5280-10", ours="accept")
def no_extended_key_usage() -> Edit:
    """The leaf has a KeyUsage of digitalSignature and no ExtendedKeyUsage."""
    return remove_at("chain", of("leaf", "extensions/extKeyUsage"))


@OPEN_USAGE.either("no-key-usage", "RFC5280-09", ours="accept")
def no_key_usage() -> Edit:
    """The leaf has an ExtendedKeyUsage of codeSigning and no KeyUsage."""
    return remove_at("chain", of("leaf", "extensions/keyUsage"))


@OPEN_USAGE.either("no-usage", "REF-CERT-01")
def no_usage() -> Edit:
    """The leaf has BasicConstraints, and neither KeyUsage nor ExtendedKeyUsage."""
    return change("leaf", "extensions", {"basicConstraints": SIGNS["basicConstraints"], **IDENTIFIERS})


@OPEN_USAGE.either("leaf-of-version-1", "REF-CERT-01")
def leaf_of_version_1() -> Edit:
    """The leaf is a certificate of version 1, which has no extensions."""
    return change("leaf", "version", 1)


@OPEN_USAGE.either("purpose-asked-for", "REF-CERT-05", control=None)
def purpose_asked_for() -> Material:
    """The leaf's ExtendedKeyUsage has anyExtendedKeyUsage, and the caller asked for codeSigning by its name."""
    signer = leaf("p256/leaf", "ca", 3, extKeyUsage={"purposes": ["anyExtendedKeyUsage"]})
    return case(usual(leaf=signer), options={"require_code_signing": True})


@OPEN_USAGE.either("no-basic-constraints", "RFC5280-04", ours="accept")
def no_basic_constraints() -> Edit:
    """The leaf has no BasicConstraints."""
    return remove_at("chain", of("leaf", "extensions/basicConstraints"))


@OPEN_USAGE.either("marked-as-ca", "REF-CERT-02", ours="accept")
def marked_as_ca() -> Edit:
    """The leaf is a CA by its BasicConstraints and has no keyCertSign, as certificates of released clients are."""
    return change("leaf", "extensions/basicConstraints/ca", True)


@OPEN_USAGE.either("ca-that-signs", "REF-CERT-02", control="among-others")
def ca_that_signs() -> Edit:
    """The signer's certificate is that of an authority, with digitalSignature and keyCertSign."""
    return bundled("ca-signer", "ca")


@OPEN_USAGE.either("cert-sign-without-ca", "REF-CERT-02")
def cert_sign_without_ca() -> Edit:
    """The leaf's KeyUsage has keyCertSign too, though it is no CA."""
    return change("leaf", "extensions/keyUsage/bits", ["digitalSignature", "keyCertSign"])


@OPEN_USAGE.either("key-usage-not-critical", "RFC5280-09", ours="accept")
def key_usage_not_critical() -> Edit:
    """The leaf's KeyUsage is not critical, though authorities should mark it so."""
    return change("leaf", "extensions/keyUsage/critical", False)


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


# --- constraints

CONSTRAINTS = FAMILY.group(
    control="named",
    why="Alternative names have to lie in the name constraints of all authorities above (RFC 5280, 4.2.1.10, 6.1.3).",
    gain="An authority for one domain certifies signers of another.",
)


def names(*alternatives: list[str]) -> Edit:
    """Other alternative names of the leaf."""
    return change("leaf", "extensions/subjectAltName/names", list(alternatives))


@CONSTRAINTS.reject("host-not-permitted", "RFC5280-08")
def host_not_permitted() -> Edit:
    """The leaf's host name is of another domain than the upper intermediate permits."""
    return names(["dNSName", "signer.other.example"], NAMES[1])


@CONSTRAINTS.reject("host-with-a-like-ending", "RFC5280-08")
def host_with_a_like_ending() -> Edit:
    """The leaf's host name ends in the letters of the permitted domain, and is of another one."""
    return names(["dNSName", "othermodels.example"], NAMES[1])


@CONSTRAINTS.reject("address-not-permitted", "RFC5280-08")
def address_not_permitted() -> Edit:
    """The leaf's e-mail address is of another domain than the upper intermediate permits."""
    return names(NAMES[0], ["rfc822Name", "signer@other.example"])


@CONSTRAINTS.reject("host-excluded", "RFC5280-08")
def host_excluded() -> Edit:
    """The upper intermediate permits the domain, and excludes the leaf's host name."""
    return change("ca1", "extensions/nameConstraints/excluded", NAMES[:1])


@CONSTRAINTS.reject("second-host-not-permitted", "RFC5280-08")
def second_host_not_permitted() -> Edit:
    """Beside names that are permitted the leaf has a host name that is not."""
    return names(*NAMES, ["dNSName", "signer.other.example"])


@CONSTRAINTS.either(
    "directory-names-permitted",
    "REF-CERT-08",
    ours="unsupported",
    control=None,
    why="RFC 5280 has constraints on directory names applied; libraries that verify chains do not know them.",
)
def directory_names_permitted() -> Material:
    """The upper of two intermediates permits the very directory names that stand below it."""
    permitted = [["directoryName", "Lower CA"], ["directoryName", "Model Signer"]]
    return case(two_intermediates(nameConstraints={"critical": True, "permitted": permitted}))


CRITICAL = FAMILY.group(
    severity="medium",
    why="A critical extension that a verifier does not know or process makes it refuse (RFC 5280, 4.2).",
    gain="What an authority insists on is not heeded.",
)


@CRITICAL.reject("unknown-critical-extension", "RFC5280-07")
def unknown_critical_extension() -> Edit:
    """The leaf has a critical extension that nobody knows."""
    return extend("leaf", UNKNOWN, {"critical": True, "value": "0500"})


@CRITICAL.reject("unknown-critical-extension-of-the-intermediate", "RFC5280-07")
def unknown_critical_extension_of_the_intermediate() -> Edit:
    """The intermediate has a critical extension that nobody knows."""
    return extend("ca", UNKNOWN, {"critical": True, "value": "0500"})


@CRITICAL.accept(
    "unknown-extension",
    "RFC5280-07",
    why="An extension that is not critical may be ignored by who does not know it (RFC 5280, 4.2).",
    gain="Signers of authorities with extensions of their own can't be verified.",
)
def unknown_extension() -> Edit:
    """The leaf has an extension that nobody knows, and that is not critical."""
    return extend("leaf", UNKNOWN, {"value": "0500"})


@CRITICAL.reject(
    "policy-required",
    "RFC5280-07",
    why="A policy that is required and absent makes the path invalid; who does not process policies has to refuse.",
)
def policy_required() -> Edit:
    """The intermediate's critical policy constraints require a policy, and the leaf has none."""
    return extend("ca", "policyConstraints", {"critical": True, "require_explicit_policy": 0})


@CRITICAL.either(
    "policy-required-not-critical",
    "RFC5280-07",
    ours="accept",
    why="RFC 5280 has policy constraints be critical, and has them processed by verifiers.",
)
def policy_required_not_critical() -> Edit:
    """The intermediate's policy constraints, not critical, require a policy, and the leaf has none."""
    return extend("ca", "policyConstraints", {"require_explicit_policy": 0})


@CRITICAL.either(
    "critical-policies",
    "RFC5280-07",
    why="RFC 5280 has verifiers know certificate policies; some process none.",
    gain="Nothing: no policy is required.",
    severity="low",
)
def critical_policies() -> Edit:
    """The leaf has certificate policies, which are critical."""
    return extend("leaf", "certificatePolicies", {"critical": True, "policies": ["1.3.6.1.4.1.99999.2"]})


@CRITICAL.accept(
    "policies",
    "RFC5280-07",
    why="Policies that are not critical bind nobody who asks for none (RFC 5280, 6.1.1).",
    gain="Signers of most authorities can't be verified.",
)
def policies() -> Edit:
    """The leaf has certificate policies, which are not critical."""
    return extend("leaf", "certificatePolicies", {"policies": ["1.3.6.1.4.1.99999.2"]})


# --- keys and algorithms

CURVES = FAMILY.group(
    severity="medium",
    why="The registry of OMS has P-256, P-384 and P-521 for certificates too.",
    gain="Models that are signed with a registered key can't be verified.",
)


@CURVES.accept("p-384", "OMS-REG-04")
def p_384() -> Edit:
    """The leaf's key is on P-384, and the envelope is signed with SHA-384."""
    return change("leaf", "key", "p384/leaf")


@CURVES.accept("p-521", "OMS-REG-04")
def p_521() -> Edit:
    """The leaf's key is on P-521, and the envelope is signed with SHA-512."""
    return change("leaf", "key", "p521/leaf")


OTHERS = FAMILY.group(
    stage="key",
    stages=("key", "certificate", "signature"),
    why="The registry of OMS has P-256, P-384 and P-521 and no other type or curve, for certificates too.",
    gain="A model verifies with one client and not with another, or by a weaker key than OMS allows.",
)


@OTHERS.reject("leaf-on-secp256k1", "OMS-REG-04")
def leaf_on_secp256k1() -> Edit:
    """The leaf's key is on secp256k1, whose numbers are as long as those of P-256."""
    return change("leaf", "key", "secp256k1/leaf")


@OTHERS.reject("leaf-on-brainpool", "OMS-REG-04")
def leaf_on_brainpool() -> Edit:
    """The leaf's key is on brainpoolP256r1."""
    return change("leaf", "key", "brainpoolP256r1/leaf")


@OTHERS.reject("leaf-on-p-224", "OMS-REG-04")
def leaf_on_p_224() -> Edit:
    """The leaf's key is on P-224, which is weaker than OMS allows."""
    return change("leaf", "key", "p224/leaf")


@OTHERS.reject("leaf-with-rsa", "OMS-REG-04")
def leaf_with_rsa() -> Edit:
    """The leaf's key is an RSA key of 2048 bits; the envelope is signed by PKCS #1 with SHA-256."""
    return change("leaf", "key", "rsa/model")


@OTHERS.reject("leaf-with-ed25519", "OMS-REG-04")
def leaf_with_ed25519() -> Edit:
    """The leaf's key is an Ed25519 key."""
    return change("leaf", "key", "ed25519/leaf")


FORMS = FAMILY.group(
    severity="low",
    why="RFC 5480 has keys name their curve, and lets verifiers do without compressed points.",
    gain="Numbers in place of a name have let attackers choose the base point.",
)


@FORMS.either("curve-spelled-out", "OMS-REG-04", stage="key")
def curve_spelled_out() -> Edit:
    """The leaf's key is on P-256, which is given by its numbers and not by its name."""
    return change("leaf", "key_form", "explicit curve")


@FORMS.either("compressed-point", "OMS-REG-04", ours="accept")
def compressed_point() -> Edit:
    """The leaf's key is a compressed point."""
    return change("leaf", "key_form", "compressed point")


AUTHORITIES = FAMILY.group(
    severity="low",
    why="OMS registers algorithms for the signer; RFC 5280 and those that go with it have more for authorities.",
    gain="Signers of most authorities can't be verified.",
)


@AUTHORITIES.accept("intermediate-with-rsa", "RFC5280-02")
def intermediate_with_rsa() -> Edit:
    """The intermediate's key is an RSA key of 2048 bits, as the authority of released clients has one."""
    return change("ca", "key", "rsa/model")


@AUTHORITIES.accept("leaf-signed-with-sha-512", "RFC5280-02")
def leaf_signed_with_sha_512() -> Edit:
    """The intermediate signed the leaf with P-256 and SHA-512."""
    return change("leaf", "hash", "sha512")


@AUTHORITIES.accept("intermediate-on-p-384", "RFC5280-02")
def intermediate_on_p_384() -> Edit:
    """The intermediate's key is on P-384, and it signed the leaf with SHA-384."""
    return change("ca", "key", "p384/ca")


WEAK = FAMILY.group(
    why="OMS and RFC 5280 do not say which algorithms of authorities are too weak.",
    gain="A certificate is forged by who can break a weak hash or key.",
)


@WEAK.either("leaf-signed-with-sha-1", "REF-CERT-04")
def leaf_signed_with_sha_1() -> Edit:
    """The leaf is signed with SHA-1."""
    return change("leaf", "hash", "sha1")


@WEAK.either("intermediate-signed-with-sha-1", "REF-CERT-04")
def intermediate_signed_with_sha_1() -> Edit:
    """The intermediate is signed with SHA-1."""
    return change("ca", "hash", "sha1")


@WEAK.either("leaf-signed-with-sha-224", "REF-CERT-04", severity="low")
def leaf_signed_with_sha_224() -> Edit:
    """The leaf is signed with SHA-224."""
    return change("leaf", "hash", "sha224")


@WEAK.either("intermediate-with-rsa-1024", "REF-CERT-04")
def intermediate_with_rsa_1024() -> Edit:
    """The intermediate's key is an RSA key of 1024 bits."""
    return change("ca", "key", "rsa1024/ca")


@WEAK.either("intermediate-on-secp256k1", "REF-CERT-04", severity="low")
def intermediate_on_secp256k1() -> Edit:
    """The intermediate's key is on secp256k1."""
    return change("ca", "key", "secp256k1/ca")


# --- the signature over the model

SIGNATURE = FAMILY.group(
    stage="signature",
    severity="high",
    why="The signature has to hold with the key of the leaf over the pre-authentication encoding (DSSE).",
    gain="Anybody signs models in the name of the holder of the certificate.",
)


@SIGNATURE.reject("signature-changed", "DSSE-01")
def signature_changed() -> Edit:
    """The last bit of the signature over the model is another one."""
    return signature("flip", byte=-1)


@SIGNATURE.reject("signature-by-another-key", "DSSE-01")
def signature_by_another_key() -> Edit:
    """The signature over the model is by a key that no certificate is for."""
    return signature("resign", key="p256/attacker")


@SIGNATURE.reject("signature-by-the-intermediate", "DSSE-01")
def signature_by_the_intermediate() -> Edit:
    """The signature over the model is by the key of the intermediate, which is in the bundle too."""
    return signature("resign", key="p256/ca")


@SIGNATURE.reject("signature-over-the-payload-alone", "DSSE-01")
def signature_over_the_payload_alone() -> Edit:
    """The leaf's key signed the payload and not its pre-authentication encoding."""
    return signature("over", what="the payload alone")


@SIGNATURE.reject("signature-with-another-hash", "DSSE-01", "OMS-REG-04", control="p-384", severity="medium")
def signature_with_another_hash() -> Edit:
    """The leaf's key is on P-384, and signed with SHA-256."""
    return signature("resign", hash="sha256")


@SIGNATURE.reject("another-leaf", "DSSE-01", control="among-others")
def another_leaf() -> Edit:
    """In the leaf's place stands another one of the same authority, as good as it, for another key."""
    return bundled("other-leaf", "ca")


@SIGNATURE.reject(
    "contents-changed",
    "OMS-8.4-01",
    stage="digest",
    why="A listed file whose contents differ makes verification fail, whatever the method.",
    gain="A model is replaced while its signature holds.",
)
def contents_changed() -> Edit:
    """The chain is good, and the contents of the model are others than those signed."""
    path = next(iter(FILES))
    return tree("replace", path=path, entry=file(path, {"seed": "another model", "length": 100}))


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
    return apply(apply(case(usual()), leaf_expired()), entry)
