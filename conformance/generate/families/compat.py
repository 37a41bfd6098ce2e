"""Shapes that released clients wrote and OMS v1.0 does not have, made by the generator; and their near misses."""

from __future__ import annotations

from conformance.generate import keys
from conformance.generate.edits import apply, move_at, option, rooted, set_at, signature, substitute, tree
from conformance.generate.kit import SIGNER, STATEMENT_TYPE, Edit, Family, Material, b64, digest_of, file, key_case

FAMILY = Family(
    "compat",
    "Released clients' shapes",
    stage="names",
    severity="low",
    profile="compat-1.1",
    why="OMS does not have this shape, and a verifier may read what released clients wrote.",
    gain="Bundles that users have can't be verified.",
)
KEY = "/verificationMaterial/publicKey"


@FAMILY.control("plain", "OMS-11-01", profile="core")
def plain() -> Material:
    """A bundle of OMS v1.0 with names that sort alike by path and by code point."""
    return key_case({"signme-1": "one", "signme-2": "two"})


@FAMILY.accept(
    "raw-key",
    "OMS-11.1-02",
    profile="core",
    control="plain",
    severity="medium",
    why="OMS has a verifier take a key that is named by rawBytes.",
)
def raw_key() -> Edit:
    """The bundle holds the key's PEM text in rawBytes, as versions 0.3.1 to 1.0 wrote it."""
    return set_at(
        "bundle", KEY, {"keyDetails": "PKIX_ECDSA_P256_SHA_256", "rawBytes": b64(keys.public_pem(SIGNER).encode())}
    )


@FAMILY.accept(
    "raw-key-and-null-keyid",
    "OMS-11.1-03",
    profile="core",
    control="raw-key",
    why="OMS has a verifier accept a keyid of null.",
)
def raw_key_and_null_keyid() -> Edit:
    """The bundle holds the key's PEM text and a keyid of null, as versions 0.3.1 to 1.0 wrote both."""
    return set_at("envelope", "/signatures/0/keyid", None)


@FAMILY.reject(
    "raw-key-of-the-attacker",
    "DSSE-01",
    profile="core",
    control="raw-key",
    stage="signature",
    stages=("signature", "key"),
    severity="high",
    why="The signature has to hold with the key that the caller trusts.",
    gain="A client that verifies with the key in the bundle accepts anybody's signature.",
)
def raw_key_of_the_attacker() -> Edit:
    """Another key signed, and the bundle names the trusted one."""
    return signature("resign", key="p256/attacker")


@FAMILY.control("folders", "OMS-5.2.1-05", profile="core")
def folders() -> Material:
    """Files whose names sort in different order by path and by code point."""
    return key_case({"a-x": "1", "a.b": "2", "a/b": "3", "a0": "4"})


@FAMILY.either("path-order", "OMS-5.2.1-05", ours="accept", control="folders", stages=("names", "root-digest"))
def path_order() -> Edit:
    """The names are in path order, as the Python client writes them."""
    return rooted(move_at("payload", "/predicate/resources/2", "/predicate/resources/0"))


@FAMILY.reject(
    "neither-order",
    "OMS-5.2.1-05",
    control="folders",
    profile="core",
    stages=("names", "root-digest", "predicate"),
    why="OMS has names ascend by code point, and no released client writes this order.",
    gain="One model has several manifests and root digests.",
)
def neither_order() -> Edit:
    """The names are neither in path order nor in code point order."""
    return rooted(move_at("payload", "/predicate/resources/2", "/predicate/resources/1"))


@FAMILY.control("a-file", "OMS-6.1.2-07", profile="core")
def a_file() -> Material:
    """A model that is one file, under its base name."""
    return key_case({"weights": "a file"}, entries=[file("", "a file")], name="weights")


@FAMILY.either(
    "dot",
    "OMS-6.1.2-07",
    ours="accept",
    control="a-file",
    why="OMS has the base name; the Python client writes a dot for a model that is one file.",
)
def dot() -> Edit:
    """The one file is listed as a dot."""
    return set_at("payload", "/predicate/resources/0/name", ".")


@FAMILY.reject(
    "dot-for-a-folder",
    "OMS-6.1.2-04",
    "OMS-8.4-01",
    control="one-in-a-folder",
    profile="core",
    stage="files",
    stages=("files", "names", "digest"),
    severity="medium",
    why="A dot has stood for a model that is one file, and this one is a folder.",
    gain="A file passes under any name.",
)
def dot_for_a_folder() -> Edit:
    """The one file of a folder is listed as a dot."""
    return set_at("payload", "/predicate/resources/0/name", ".")


@FAMILY.control("one-in-a-folder", "OMS-8.4-01", profile="core")
def one_in_a_folder() -> Material:
    """A model with one file in a folder."""
    return key_case({"weights": "in a folder"})


@FAMILY.control("shards", "OMS-6.3.2-04", profile="shards")
def shards() -> Material:
    """A file of twelve shards, in order by code point, and no other file."""
    return key_case({"w": "0123456789" * 12}, shard_size=10)


@FAMILY.either(
    "shard-size-with-fraction",
    "OMS-5.2.2-03",
    ours="accept",
    control="shards",
    stage="predicate",
    why="The Python client writes shard_size as a fraction, which JSON Schema counts among the integers.",
)
def shard_size_with_fraction() -> Edit:
    """The shard size is written 10.0."""
    return set_at("payload", "/predicate/serialization/shard_size", 10.0)


@FAMILY.either(
    "shard-algorithm",
    "OMS-6.3.2-07",
    ours="accept",
    control="one-shard",
    stage="predicate",
    why="OMS has the algorithm equal hash_type; the Python and Go clients write sha256-sharded-N.",
)
def shard_algorithm() -> Edit:
    """The shard's algorithm is sha256-sharded-10, and the shard size 10."""
    return set_at("payload", "/predicate/resources/0/algorithm", "sha256-sharded-10")


@FAMILY.reject(
    "shard-algorithm-of-another-size",
    "OMS-6.3.2-07",
    "OMS-7-01",
    control="one-shard",
    profile="shards",
    stage="predicate",
    stages=("predicate",),
    severity="medium",
    why="OMS has the algorithm equal hash_type, and no released client writes a size other than the recorded one.",
    gain="Two sizes are signed, and clients go by one or the other.",
)
def shard_algorithm_of_another_size() -> Edit:
    """The shard's algorithm is sha256-sharded-20, and the shard size 10."""
    return set_at("payload", "/predicate/resources/0/algorithm", "sha256-sharded-20")


@FAMILY.control("one-shard", "OMS-6.3.2-04", profile="shards")
def one_shard() -> Material:
    """A file of one shard."""
    return key_case({"w": "one"}, shard_size=10)


@FAMILY.either(
    "shards-in-number-order",
    "OMS-5.2.1-05",
    ours="accept",
    control="two-digits",
    stages=("names", "root-digest"),
    why="OMS has names in order as text; the Python client sorts shards by number.",
)
def shards_in_number_order() -> Edit:
    """The shard that starts at 2 comes before the one that starts at 10."""
    return rooted(move_at("payload", "/predicate/resources/1", "/predicate/resources/5"))


@FAMILY.control("two-digits", "OMS-6.3.2-04", "OMS-5.2.1-05", profile="shards")
def two_digits() -> Material:
    """Six shards, of which the last starts at 10 and so comes second."""
    return key_case({"w": "two digits!"}, shard_size=2)


OLD = FAMILY.group(profile="compat-0.2", stage="signature")
CONTENTS = {"signme-1": "old one", "signme-2": "old two"}


@FAMILY.control("for-version-0-2", "OMS-11-01", profile="core")
def for_version_0_2() -> Material:
    """A bundle of OMS v1.0 over the model that the next ones are about."""
    return key_case(dict(CONTENTS))


def old_statement() -> dict[str, object]:
    """What version 0.2.0 signed: a subject for each file."""
    subjects = [{"name": n, "digest": {"sha256": digest_of("sha256", c.encode())}} for n, c in CONTENTS.items()]
    return {
        "_type": STATEMENT_TYPE,
        "subject": subjects,
        "predicateType": "https://model_signing/Digests/v0.1",
        "predicate": {"unused": "Unused, just passed due to API requirements"},
    }


@OLD.either(
    "old-statement",
    "OMS-10-02",
    "OMS-8.3-03",
    control="for-version-0-2",
    stage="statement",
    severity="high",
    why="OMS lets a verifier read the older predicate type, and describes none of its rules.",
    gain="A statement without root digest and parameters is verified by rules that nobody wrote down.",
)
def old_statement_alone() -> Edit:
    """The statement is that of version 0.2.0, and the signature is over DSSE's encoding."""
    return set_at("payload", "", old_statement())


@OLD.reject(
    "old-encoding-new-statement",
    "DSSE-01",
    control="for-version-0-2",
    profile="core",
    stages=("signature",),
    severity="high",
    why="What is signed is the pre-authentication encoding of DSSE v1.",
    gain="Two encodings of one payload are two messages under one signature.",
)
def old_encoding_new_statement() -> Edit:
    """The statement is that of OMS v1.0, and the signature is over the encoding of version 0.2.0."""
    return signature("over", what="the encoding of version 0.2.0")


@OLD.control(
    "old",
    "OMS-11-01",
    why="A client that declares this profile reads what version 0.2.0 wrote.",
    gain="Bundles that users have can't be verified.",
)
def old() -> Material:
    """A bundle as version 0.2.0 wrote it, with its own encoding, read by a caller who allows that."""
    made = apply(
        apply(for_version_0_2(), set_at("payload", "", old_statement())),
        signature("over", what="the encoding of version 0.2.0"),
    )
    made["options"] = {"allow_v02": True}
    return made


@OLD.either(
    "old-not-allowed",
    "OMS-11.2-02",
    "DSSE-01",
    control="old",
    stage="signature",
    stages=("signature", "statement"),
    severity="high",
    why="OMS lets a verifier read old bundles, and does not say that the caller has to be asked.",
    gain="Two encodings of one payload are two messages under one signature.",
)
def old_not_allowed() -> Edit:
    """A bundle as version 0.2.0 wrote it, and the caller does not allow it."""
    return option("allow_v02", False)


@OLD.reject(
    "old-and-half-a-character",
    "INTOTO-01",
    "REF-JSON-05",
    control="old",
    stage="bundle",
    stages=("bundle", "envelope", "signature"),
    severity="low",
    why="The payload type is that of in-toto; half a surrogate pair has no bytes in UTF-8, and so no encoding to sign.",
    gain="A client that encodes what it read ends with an error of its own.",
)
def old_and_half_a_character() -> Edit:
    """The payload type of a bundle of version 0.2.0 ends in half a surrogate pair."""
    return substitute("bundle-bytes", "in-toto+json", "in-toto+json\\ud800")


@OLD.reject(
    "old-and-changed",
    "OMS-8.4-01",
    control="old",
    stage="digest",
    stages=("digest", "files"),
    severity="high",
    why="Every listed file is verified.",
    gain="Changed contents pass as signed.",
)
def old_and_changed() -> Edit:
    """A bundle as version 0.2.0 wrote it, and a file has other contents."""
    return tree("replace", path="signme-2", entry=file("signme-2", "changed"))


@OLD.reject(
    "old-and-forged",
    "DSSE-01",
    control="old",
    stages=("signature", "key"),
    severity="high",
    why="The signature has to hold with the key that the caller trusts, over the old encoding too.",
    gain="Anybody can sign in the old format in the name of the trusted key.",
)
def old_and_forged() -> Edit:
    """A bundle as version 0.2.0 wrote it, signed with another key, and the hint names the trusted one."""
    return signature("over", what="the encoding of version 0.2.0", key="p256/attacker")


def old_bundle(statement: dict[str, object]) -> Edit:
    """A bundle as version 0.2.0 would have written it over this statement."""
    made = apply(
        apply(for_version_0_2(), set_at("payload", "", statement)),
        signature("over", what="the encoding of version 0.2.0"),
    )
    return {"layer": "bundle-bytes", "op": "replace", "data": made["bundle"]}


def old_subject(**members: object) -> dict[str, object]:
    """The statement of version 0.2.0 with members of its second subject changed."""
    name, content = list(CONTENTS.items())[1]
    subject = {"name": name, "digest": {"sha256": digest_of("sha256", content.encode())}} | members
    first = {"name": "signme-1", "digest": {"sha256": digest_of("sha256", CONTENTS["signme-1"].encode())}}
    return {**old_statement(), "subject": [first, subject]}


FORM = OLD.group(
    control="old",
    stage="statement",
    stages=("statement", "predicate", "names", "files", "digest"),
    severity="medium",
    profile="ref-strict",
    why="OMS describes none of the rules of version 0.2.0; this project reads what that version wrote, no more.",
    gain="What the old format left open decides what is verified.",
)


@FORM.either("old-type", "OMS-8.3-02", "OMS-10-02")
def old_type() -> Edit:
    """A bundle as version 0.2.0 wrote it, whose statement has another _type."""
    return old_bundle({**old_statement(), "_type": "https://in-toto.io/Statement/v0.1"})


@FORM.either("old-array", "REF-COMPAT-01")
def old_array() -> Edit:
    """A bundle as version 0.2.0 wrote it, whose statement is an array."""
    return old_bundle([old_statement()])  # type: ignore[arg-type]


@FORM.either("old-no-subject", "REF-COMPAT-01", severity="high")
def old_no_subject() -> Edit:
    """A bundle as version 0.2.0 wrote it, over no file."""
    return old_bundle({**old_statement(), "subject": []})


@FORM.either("old-subject-object", "REF-COMPAT-01")
def old_subject_object() -> Edit:
    """A bundle as version 0.2.0 wrote it, whose subject is one object and no array."""
    return old_bundle({**old_statement(), "subject": {"name": "signme-1"}})


@FORM.either("old-name-number", "REF-COMPAT-01")
def old_name_number() -> Edit:
    """A bundle as version 0.2.0 wrote it, with a subject whose name is a number."""
    return old_bundle(old_subject(name=1))


@FORM.either("old-no-digest", "REF-COMPAT-01", severity="high")
def old_no_digest() -> Edit:
    """A bundle as version 0.2.0 wrote it, with a subject that has no SHA-256."""
    return old_bundle(old_subject(digest={}))


@FORM.either("old-digest-upper-case", "REF-COMPAT-01", severity="low")
def old_digest_upper_case() -> Edit:
    """A bundle as version 0.2.0 wrote it, with a digest in upper case."""
    return old_bundle(old_subject(digest={"sha256": digest_of("sha256", CONTENTS["signme-2"].encode()).upper()}))


@FORM.either("old-more-members", "REF-COMPAT-01", ours="accept", severity="low", gain="Bundles can't be verified.")
def old_more_members() -> Edit:
    """A bundle as version 0.2.0 wrote it, with a member of a subject that in-toto has and nobody reads."""
    return old_bundle(old_subject(uri="https://example.com"))


@FORM.either("old-leads-out", "OMS-6.1.2-03", "OMS-10-02", stage="names", severity="high")
def old_leads_out() -> Edit:
    """A bundle as version 0.2.0 wrote it, with a name that leads out of the model."""
    return old_bundle(old_subject(name="../signme-2"))


@FORM.either("old-asked-otherwise", "REF-PREDICATE-03", stage="predicate")
def old_asked_otherwise() -> Edit:
    """A bundle as version 0.2.0 wrote it, and the caller insists on BLAKE2b."""
    return option("hash_algorithm", "blake2b")
