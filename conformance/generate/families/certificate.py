"""Certificates: the controls, the chain from leaf to root, and what its authorities insist on."""

from __future__ import annotations

from conformance.generate.edits import insert_at, move_at, remove_at
from conformance.generate.kit import Edit, Family, Material
from conformance.generate.recipes import (
    BOTH_USAGES,
    STRANGER,
    UNKNOWN,
    authority,
    bundled,
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

FAMILY = Family(
    "certificate",
    "Certificates",
    profile="certificate",
    stage="certificate",
    control="plain",
    why="RFC 5280 has a path of signatures and names lead from the leaf to a certificate that the caller trusts.",
    gain="Whoever gets hold of any certificate signs models in the name of those whom the caller trusts.",
)


# --- controls


@FAMILY.control("plain", "OMS-4.1-02", "RFC5280-02", "OMS-8.2-01")
def plain() -> Material:
    """A leaf for code signing and its intermediate are in the bundle; the caller trusts the root."""
    return signed_model(usual())


@FAMILY.control("among-others", "OMS-4.1-02", "RFC5280-02")
def among_others() -> Material:
    """Leaf and intermediate are in the bundle; the recipe has certificates of others for the vectors that need them."""
    return signed_model(
        usual(
            "Second Signer",
            other_leaf=leaf("p256/other-leaf", "ca", 4, "Other Signer"),
            forged=leaf("p256/leaf", "other-leaf", 5),
            ca_signer=authority("Model Signer", "p256/leaf", "ca", 6, keyUsage=BOTH_USAGES),
            direct=leaf("p256/leaf", "root", 7),
            self_signed=leaf("p256/leaf", "self-signed", 8),
            stranger=STRANGER,
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
    return signed_model(two_intermediates())


@FAMILY.control("five-intermediates", "RFC5280-02")
def five_intermediates() -> Material:
    """Five intermediates stand between leaf and root."""
    names = [f"ca{number}" for number in range(1, 10)]
    above = dict(zip(names, ["root", *names]))
    certificates = {name: authority(f"CA {name[2:]}", f"p256/{name}", above[name], 1 + int(name[2:])) for name in names}
    return signed_model(
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
    return signed_model(two_intermediates(signer={"subjectAltName": {"names": NAMES}}, nameConstraints=constraints))


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
    return signed_model(two_intermediates("Upper CA", basicConstraints=limit))


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
    return signed_model({**recipe, "bundled": ["leaf", *twins, "ca"]})


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


@SHAPE.either(
    "leaf-with-a-name-of-bits",
    "RFC5280-01",
    control="plain",
    severity="low",
    why="RFC 5280 has a common name be a string of characters, and does not have a verifier check that (6.1.3).",
    gain="Nothing but what a client does with a name that is none: one may fail without a verdict.",
)
def leaf_with_a_name_of_bits() -> Edit:
    """The common name of the leaf is an ASN.1 BIT STRING."""
    return change("leaf", "subject", [["commonName", "Model Signer", "BIT STRING"]])


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
    return signed_model(two_intermediates(nameConstraints=DIRECTORY))


DIRECTORY = {"critical": True, "permitted": [["directoryName", "Lower CA"], ["directoryName", "Model Signer"]]}


@CONSTRAINTS.either(
    "directory-names-permitted-by-a-stranger",
    "RFC5280-02",
    control=None,
    why="RFC 5280 has constraints on directory names applied; here no path leads to the trust anchor anyway.",
    gain="Nothing, where it is not accepted.",
    severity="low",
)
def directory_names_permitted_by_a_stranger() -> Material:
    """The same, and the caller trusts another root."""
    recipe = two_intermediates(nameConstraints=DIRECTORY)
    recipe["certificates"]["stranger"] = STRANGER
    return signed_model({**recipe, "given": ["stranger"]})


@CONSTRAINTS.either(
    "another-way-round-directory-names",
    "RFC5280-08",
    ours="accept",
    control=None,
    why="RFC 5280 has constraints on directory names applied; any path that is good will do.",
    gain="Signers whose authority has renewed its certificate can't be verified.",
    severity="low",
)
def another_way_round_directory_names() -> Material:
    """The same, and a newer certificate of the upper intermediate has no constraints."""
    recipe = two_intermediates(nameConstraints=DIRECTORY)
    recipe["certificates"]["newer"] = authority("Upper CA", "p256/ca1", "root", 5)
    return signed_model({**recipe, "bundled": ["leaf", "ca2", "ca1", "newer"]})


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
