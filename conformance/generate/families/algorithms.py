"""Hash algorithms of the registry: used as recorded, named as registered."""

from __future__ import annotations

import hashlib

from conformance.generate.edits import option, set_at, tree
from conformance.generate.kit import Edit, Family, Material, Rule, digest_of, file, key_case

FAMILY = Family(
    "algorithms",
    "Hash algorithms",
    stage="digest",
    stages=("digest", "predicate"),
    severity="high",
    why="OMS has a verifier use the algorithm that hash_type names.",
    gain="What is compared is not what was signed: a label that nobody checks is believed by somebody.",
)
CONTENT = "algorithms"
HASH_TYPE, DIGEST = "/predicate/serialization/hash_type", "/predicate/resources/0/digest"
LARGE: Rule = {"seed": "algorithms", "length": 5000}


@FAMILY.control("sha256", "OMS-REG-02", "OMS-5.2.2-07")
def sha256() -> Material:
    """Every digest is SHA-256."""
    return key_case({"a.txt": CONTENT + " sha256", "b.bin": LARGE})


@FAMILY.control("blake2b", "OMS-REG-03", "OMS-5.2.2-07", profile="blake2b")
def blake2b() -> Material:
    """Every digest is BLAKE2b of 64 bytes."""
    return key_case({"a.txt": CONTENT + " blake2b", "b.bin": LARGE}, hash_type="blake2b")


@FAMILY.control("blake3", "OMS-REG-03", "OMS-5.2.2-07", profile="blake3")
def blake3() -> Material:
    """Every digest is BLAKE3 of 32 bytes."""
    return key_case({"a.txt": CONTENT + " blake3", "b.bin": LARGE}, hash_type="blake3")


@FAMILY.control("blake2b-shards", "OMS-REG-03", "OMS-6.3.2-07", profile="blake2b")
def blake2b_shards() -> Material:
    """A model in shards with BLAKE2b; the root digest is SHA-256 all the same."""
    return key_case({"b.bin": LARGE}, hash_type="blake2b", shard_size=2000)


@FAMILY.reject("blake2b-changed", "OMS-8.4-01", control="blake2b", profile="blake2b", stages=("digest", "files"))
def blake2b_changed() -> Edit:
    """With BLAKE2b, a file has other contents."""
    return tree("replace", path="a.txt", entry=file("a.txt", CONTENT + " changed"))


@FAMILY.reject("blake3-changed", "OMS-8.4-01", control="blake3", profile="blake3", stages=("digest", "files"))
def blake3_changed() -> Edit:
    """With BLAKE3, a file has other contents."""
    return tree("replace", path="a.txt", entry=file("a.txt", CONTENT + " changed"))


@FAMILY.reject(
    "sha256-labelled-blake3",
    "OMS-5.2.2-07",
    "OMS-8.4-01",
    control="sha256",
    profile="blake3",
    stages=("predicate", "digest"),
)
def sha256_labelled_blake3() -> Edit:
    """Everything is labelled blake3, and every digest is SHA-256."""
    return relabel("sha256", "blake3")


@FAMILY.reject(
    "blake3-labelled-sha256",
    "OMS-5.2.2-07",
    "OMS-8.4-01",
    control="blake3",
    profile="core",
    stages=("predicate", "digest"),
)
def blake3_labelled_sha256() -> Edit:
    """Everything is labelled sha256, and every digest is BLAKE3."""
    return relabel("blake3", "sha256")


def relabel(old: str, new: str) -> Edit:
    """Name another algorithm wherever one is named in the predicate, and leave the digests."""
    return {"layer": "payload", "op": "relabel", "pointer": "/predicate", "from": old, "to": new}


@FAMILY.reject(
    "blake2b-cut",
    "OMS-5.2.1-02",
    control="blake2b",
    profile="blake2b",
    stage="predicate",
    stages=("predicate", "root-digest", "digest"),
    why="A digest has the length that its algorithm gives it.",
)
def blake2b_cut() -> Edit:
    """A digest is the first 32 bytes of BLAKE2b's 64."""
    digest = digest_of("blake2b", (CONTENT + " blake2b").encode())
    return {**set_at("payload", DIGEST, digest[:64]), "root_digest": "recomputed"}


@FAMILY.reject(
    "blake2b-of-32-bytes",
    "OMS-5.2.1-02",
    control="blake2b",
    profile="blake2b",
    stage="predicate",
    stages=("predicate", "root-digest", "digest"),
    why="The registry's blake2b has digests of 64 bytes.",
)
def blake2b_of_32_bytes() -> Edit:
    """A digest is BLAKE2b with an output of 32 bytes."""
    digest = hashlib.blake2b((CONTENT + " blake2b").encode(), digest_size=32).hexdigest()
    return {**set_at("payload", DIGEST, digest), "root_digest": "recomputed"}


@FAMILY.reject(
    "blake2",
    "OMS-7-01",
    "OMS-5.2.2-02",
    control="blake2b",
    profile="blake2b",
    stage="predicate",
    stages=("predicate",),
    severity="low",
    why="OMS has algorithms be named as its registry names them, which has no blake2.",
    gain="Two names for one algorithm are two manifests of one model.",
)
def blake2() -> Edit:
    """Everything is labelled blake2, a name that is not registered, and the digests are BLAKE2b."""
    return relabel("blake2b", "blake2")


@FAMILY.reject(
    "sha512",
    "OMS-7-01",
    "OMS-5.2.2-02",
    control="sha512-base",
    stage="predicate",
    stages=("predicate",),
    severity="medium",
    why="OMS has algorithms be named as its registry names them, which has no sha512.",
)
def sha512() -> Edit:
    """Everything is labelled sha512, which is not registered."""
    return relabel("sha256", "sha512")


@FAMILY.control("sha512-base", "OMS-REG-02")
def sha512_base() -> Material:
    """One file, SHA-256."""
    return key_case({"only.txt": CONTENT})


@FAMILY.either(
    "another-asked-for",
    "REF-PREDICATE-03",
    control="sha256",
    stage="predicate",
    severity="low",
    stages=("predicate", "digest"),
    why="OMS has the verifier go by the signed algorithm, and does not say what to do when the caller names another.",
    gain="A caller who insists on an algorithm is not told that the model was signed with another.",
)
def another_asked_for() -> Edit:
    """The caller asks for BLAKE2b, and SHA-256 was signed."""
    return option("hash_algorithm", "blake2b")


@FAMILY.accept(
    "the-same-asked-for",
    "OMS-5.2.2-07",
    control="sha256",
    why="The caller asks for what was signed.",
    gain="A client with the option fails on ordinary models.",
)
def the_same_asked_for() -> Edit:
    """The caller asks for SHA-256, which was signed."""
    return option("hash_algorithm", "sha256")


@FAMILY.either(
    "sha256-asked-for",
    "REF-PREDICATE-03",
    control="blake2b",
    stage="predicate",
    severity="low",
    stages=("predicate", "digest"),
    why="OMS has the verifier go by the signed algorithm, and does not say what to do when the caller names another.",
    gain="A caller who insists on an algorithm is not told that the model was signed with another.",
)
def sha256_asked_for() -> Edit:
    """The caller asks for SHA-256, and BLAKE2b was signed."""
    return option("hash_algorithm", "sha256")
