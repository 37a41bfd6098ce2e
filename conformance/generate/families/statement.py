"""The in-toto statement: its JSON, `_type`, subject and predicate type. The signature holds in all of them."""

from __future__ import annotations

from conformance.generate.edits import append, encode, insert_at, prepend, remove_at, set_at, substitute
from conformance.generate.kit import Edit, Family, Material, key_case

FAMILY = Family("statement", "The in-toto statement", stage="statement", stages=("statement",), control="plain")


@FAMILY.control("plain", "OMS-5-01", "OMS-8.3-02", "OMS-8.3-03", "OMS-6.5-01")
def plain() -> Material:
    """A statement with one subject and the predicate of OMS v1.0."""
    return key_case({"adapter.bin": {"seed": "statement", "length": 40}, "README.md": "# A model\n"})


TEXT = FAMILY.group(
    why="The payload is one JSON object, in UTF-8, by the grammar of RFC 8259.",
    gain="Two readers of the same signed bytes read two statements, and one is not what was checked.",
)


@TEXT.accept(
    "white-space",
    "JSON-01",
    why="White space is free in JSON, and what is signed are the bytes as they are.",
    gain="Statements that were written with white space can't be verified.",
)
def white_space() -> Edit:
    """White space stands before the statement, and the signature is over it."""
    return prepend("payload-bytes", "\r\n\t ")


@TEXT.either(
    "unknown-member",
    "INTOTO-02",
    ours="accept",
    why="in-toto has a reader ignore members that it does not know, and OMS's schema has none allowed.",
    gain="Statements of later versions can't be verified.",
)
def unknown_member() -> Edit:
    """The statement has a member that in-toto does not name."""
    return set_at("payload", "/note", 1)


@TEXT.reject("empty", "OMS-5-01", "JSON-01")
def empty() -> Edit:
    """The payload has no bytes."""
    return {"layer": "payload-bytes", "op": "keep", "bytes": 0}


@TEXT.reject("array", "OMS-5-01")
def array() -> Edit:
    """The payload is an array."""
    return set_at("payload", "", [])


@TEXT.reject("null", "OMS-5-01", severity="low")
def null() -> Edit:
    """The payload is null."""
    return set_at("payload", "", None)


@TEXT.reject("number", "OMS-5-01", severity="low")
def number() -> Edit:
    """The payload is a number."""
    return set_at("payload", "", 1)


@TEXT.reject("last-byte-cut", "JSON-01", severity="low")
def last_byte_cut() -> Edit:
    """The closing brace of the statement is missing."""
    return substitute("payload-bytes", '"name":"model"}]}', '"name":"model"}]')


@TEXT.reject("second-value", "JSON-01", severity="high")
def second_value() -> Edit:
    """A second JSON object follows the statement."""
    return append("payload-bytes", "{}")


@TEXT.reject("trailing-comma", "JSON-01")
def trailing_comma() -> Edit:
    """A comma stands before the brace that closes the statement."""
    return substitute("payload-bytes", '"name":"model"}]}', '"name":"model"}],}')


@TEXT.reject("nan", "JSON-01", control="unknown-member")
def nan() -> Edit:
    """A member that nobody reads is NaN."""
    return substitute("payload-bytes", '"note":1', '"note":NaN')


@TEXT.reject("utf-16", "JSON-02", "JSON-01")
def utf_16() -> Edit:
    """The statement is in UTF-16."""
    return encode("payload-bytes", "utf-16-le")


@TEXT.reject("not-utf-8", "JSON-02", control="unknown-member")
def not_utf_8() -> Edit:
    """A string that nobody reads holds the byte FF, which UTF-8 never has."""
    return substitute("payload-bytes", '"note":1', b'"note":"\xff"')


OPEN = TEXT.group(
    why="RFC 8259 leaves it to the reader; this project refuses what readers may take for different things."
)


@OPEN.either("byte-order-mark", "REF-JSON-01")
def byte_order_mark() -> Edit:
    """The statement starts with a byte order mark, over which the signature is too."""
    return prepend("payload-bytes", "\ufeff")


@OPEN.either("repeated-predicate", "REF-JSON-02", severity="high")
def repeated_predicate() -> Edit:
    """The member predicate is there twice, first as an empty object."""
    return substitute("payload-bytes", '"predicate":', '"predicate":{},"predicate":')


@OPEN.either("repeated-predicate-type", "REF-JSON-02")
def repeated_predicate_type() -> Edit:
    """The member predicateType is there twice, first with another value."""
    return substitute(
        "payload-bytes", '"predicateType":', '"predicateType":"https://slsa.dev/provenance/v1","predicateType":'
    )


@OPEN.either("repeated-resources", "REF-JSON-02", severity="high")
def repeated_resources() -> Edit:
    """The member resources is there twice, first as an empty array."""
    return substitute("payload-bytes", '"resources":', '"resources":[],"resources":')


@OPEN.either("repeated-digest", "REF-JSON-02", severity="high", control="unknown-member")
def repeated_digest() -> Edit:
    """The digest of the subject is there twice, the second time as zeros."""
    return substitute("payload-bytes", '},"name":"model"', ',"sha256":"' + "00" * 32 + '"},"name":"model"')


TYPE = FAMILY.group(
    severity="high",
    why="OMS has a verifier compare _type with https://in-toto.io/Statement/v1.",
    gain="A signature given for a document of another kind is taken for one over a model.",
)


@TYPE.reject("no-type", "OMS-8.3-02")
def no_type() -> Edit:
    """The statement has no _type."""
    return remove_at("payload", "/_type")


@TYPE.reject("type-null", "OMS-8.3-02", severity="medium")
def type_null() -> Edit:
    """The _type is null."""
    return set_at("payload", "/_type", None)


@TYPE.reject("type-v0-1", "OMS-8.3-02")
def type_v0_1() -> Edit:
    """The _type is that of in-toto's Statement v0.1."""
    return set_at("payload", "/_type", "https://in-toto.io/Statement/v0.1")


@TYPE.reject("type-slash", "OMS-8.3-02", severity="medium")
def type_slash() -> Edit:
    """The _type ends in a slash."""
    return set_at("payload", "/_type", "https://in-toto.io/Statement/v1/")


@TYPE.reject("type-longer", "OMS-8.3-02", severity="medium")
def type_longer() -> Edit:
    """The _type goes on after the right one, as a version 1.1 would."""
    return set_at("payload", "/_type", "https://in-toto.io/Statement/v1.1")


PREDICATE = FAMILY.group(
    severity="high",
    why="OMS has a verifier compare predicateType with https://model_signing/signature/v1.0.",
    gain="An attestation of another kind by the same key is taken for a signature over a model.",
)


def predicate_type(value: object) -> Edit:
    """Another predicate type."""
    return set_at("payload", "/predicateType", value)


@PREDICATE.reject("no-predicate-type", "OMS-8.3-03")
def no_predicate_type() -> Edit:
    """The statement has no predicate type."""
    return remove_at("payload", "/predicateType")


@PREDICATE.reject("predicate-type-null", "OMS-8.3-03", severity="medium")
def predicate_type_null() -> Edit:
    """The predicate type is null."""
    return predicate_type(None)


@PREDICATE.reject("predicate-type-slsa", "OMS-8.3-03")
def predicate_type_slsa() -> Edit:
    """The predicate type is that of a SLSA provenance."""
    return predicate_type("https://slsa.dev/provenance/v1")


@PREDICATE.reject("predicate-type-v1-1", "OMS-8.3-03")
def predicate_type_v1_1() -> Edit:
    """The predicate type is that of a version 1.1, whose rules nobody knows yet."""
    return predicate_type("https://model_signing/signature/v1.1")


@PREDICATE.reject("predicate-type-http", "OMS-8.3-03", severity="medium")
def predicate_type_http() -> Edit:
    """The predicate type starts with http and not https."""
    return predicate_type("http://model_signing/signature/v1.0")


@PREDICATE.reject("predicate-type-slash", "OMS-8.3-03", severity="medium")
def predicate_type_slash() -> Edit:
    """The predicate type ends in a slash."""
    return predicate_type("https://model_signing/signature/v1.0/")


@PREDICATE.reject("predicate-type-upper-case", "OMS-8.3-03", severity="low")
def predicate_type_upper_case() -> Edit:
    """The predicate type has a capital letter."""
    return predicate_type("https://Model_signing/signature/v1.0")


SUBJECT = FAMILY.group(
    why="The statement has exactly one subject, with the root digest of the model as its sha256.",
    gain="The signed statement speaks of something else than the model that it is shown for.",
)


@SUBJECT.reject("no-subject", "OMS-6.5-01")
def no_subject() -> Edit:
    """The statement has no subject."""
    return remove_at("payload", "/subject")


@SUBJECT.reject("subject-empty", "OMS-6.5-01")
def subject_empty() -> Edit:
    """The array of subjects is empty."""
    return set_at("payload", "/subject", [])


@SUBJECT.reject("two-subjects", "OMS-6.5-01")
def two_subjects() -> Edit:
    """Another model is a second subject."""
    return insert_at("payload", "/subject/-", {"name": "another", "digest": {"sha256": "00" * 32}})


@SUBJECT.reject("subject-object", "OMS-6.5-01", severity="low")
def subject_object() -> Edit:
    """The member subject is an object and not an array."""
    return set_at("payload", "/subject", {"name": "model", "digest": {"sha256": "00" * 32}})


@SUBJECT.reject("subject-null", "OMS-6.5.1-02", severity="low")
def subject_null() -> Edit:
    """The one subject is null."""
    return set_at("payload", "/subject/0", None)


@SUBJECT.reject("no-digest", "OMS-6.5.1-02")
def no_digest() -> Edit:
    """The subject has no digest."""
    return remove_at("payload", "/subject/0/digest")


@SUBJECT.reject("digest-empty", "OMS-6.5.1-02")
def digest_empty() -> Edit:
    """The subject's set of digests is empty."""
    return set_at("payload", "/subject/0/digest", {})


@SUBJECT.reject("digest-of-another-algorithm", "OMS-6.5.1-02")
def digest_of_another_algorithm() -> Edit:
    """The subject has a sha512 and no sha256."""
    return set_at("payload", "/subject/0/digest", {"sha512": "00" * 64})


@SUBJECT.reject("digest-string", "OMS-6.5.1-02", severity="low")
def digest_string() -> Edit:
    """The subject's digest is a string and not an object."""
    return set_at("payload", "/subject/0/digest", "00" * 32)


@SUBJECT.reject("digest-short", "OMS-6.5.1-02", stages=("statement", "root-digest"))
def digest_short() -> Edit:
    """The subject's sha256 is empty."""
    return set_at("payload", "/subject/0/digest/sha256", "")


@SUBJECT.accept(
    "another-digest-beside",
    "INTOTO-03",
    why="in-toto has a reader ignore digests of algorithms that it does not know.",
    gain="Statements with further digests can't be verified.",
)
def another_digest_beside() -> Edit:
    """Beside the sha256 stands a digest of an algorithm that nobody knows."""
    return set_at("payload", "/subject/0/digest/sha3-999", "00")


@SUBJECT.accept(
    "unknown-member-of-subject",
    "INTOTO-02",
    why="in-toto has a reader ignore members that it does not know.",
    gain="Statements with annotations can't be verified.",
)
def unknown_member_of_subject() -> Edit:
    """The subject has annotations."""
    return set_at("payload", "/subject/0/annotations", {"note": "x"})


NAME = FAMILY.group(
    why="OMS has a verifier accept any name of the subject that is not empty, and rely on none.",
    gain="A model that was renamed, or downloaded to another folder, can't be verified.",
)


@NAME.accept("another-name", "OMS-6.5.1-05", "OMS-6.5.1-04", "OMS-11.1-04", severity="medium")
def another_name() -> Edit:
    """The subject has another name than the model's folder."""
    return set_at("payload", "/subject/0/name", "a model of another name")


@NAME.accept("name-with-slashes", "OMS-6.5.1-05", "OMS-6.5.1-04")
def name_with_slashes() -> Edit:
    """The subject's name is a path that leads out of the model."""
    return set_at("payload", "/subject/0/name", "../../etc/passwd")


@NAME.accept("name-dot", "OMS-6.5.1-05", "OMS-6.5.1-04")
def name_dot() -> Edit:
    """The subject's name is a dot."""
    return set_at("payload", "/subject/0/name", ".")


NAMELESS = FAMILY.group(
    severity="low",
    why="OMS tells verifiers which names to accept, not to refuse the others; in-toto lets a name be absent.",
    gain="None is known; what is shown as the model's name is not one.",
)


@NAMELESS.either("name-empty", "REF-STATEMENT-01")
def name_empty() -> Edit:
    """The subject's name is empty."""
    return set_at("payload", "/subject/0/name", "")


@NAMELESS.either("no-name", "REF-STATEMENT-01")
def no_name() -> Edit:
    """The subject has no name."""
    return remove_at("payload", "/subject/0/name")


@NAMELESS.either("name-number", "REF-STATEMENT-01")
def name_number() -> Edit:
    """The subject's name is a number."""
    return set_at("payload", "/subject/0/name", 7)
