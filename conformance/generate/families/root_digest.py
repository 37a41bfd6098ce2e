"""The root digest. OMS has signers compute it and leaves it open whether verifiers do: few of these are scored."""

from __future__ import annotations

import hashlib

from conformance.generate.edits import set_at
from conformance.generate.kit import Edit, Family, Material, digest_of, key_case

FAMILY = Family(
    "root-digest",
    "The root digest",
    stage="root-digest",
    stages=("root-digest", "statement", "digest"),
    control="two",
    why="OMS says how a signer computes it, and notes that a verifier need not.",
    gain="Who reads the subject alone is told of another model than the one that was verified.",
)
CONTENTS = {"a.bin": "first", "b.bin": "second"}
DIGESTS = [digest_of("sha256", content.encode()) for content in CONTENTS.values()]


def root(data: bytes) -> Edit:
    """The SHA-256 of `data` as the subject's digest."""
    return set_at("payload", "/subject/0/digest/sha256", hashlib.sha256(data).hexdigest())


@FAMILY.control("two", "OMS-6.5.1-01")
def two() -> Material:
    """Two resources: the SHA-256 of their raw digests, one after the other."""
    return key_case(CONTENTS)


@FAMILY.control("one", "OMS-6.5.1-01")
def one() -> Material:
    """One resource: the SHA-256 of its digest, and not that digest itself."""
    return key_case({"only.bin": "content"})


@FAMILY.control("equal-contents", "OMS-6.5.1-01")
def equal_contents() -> Material:
    """Two files have the same content: its digest counts twice."""
    return key_case({"a.bin": "same", "b.bin": "same", "c.bin": "other"})


@FAMILY.control("folders", "OMS-6.5.1-01", "OMS-5.2.1-05")
def folders() -> Material:
    """Resources of several folders, in the order of whole names: a `.` comes before a `/`."""
    return key_case({"a/b.bin": "deep", "a.bin": "flat", "a/a.bin": "deep too", "a-1.bin": "flat too"})


@FAMILY.control("beyond-the-basic-plane", "OMS-6.5.1-01", "OMS-5.2.1-05")
def beyond_the_basic_plane() -> Material:
    """By code point U+FF5E comes before U+1F600; in UTF-16 it is the other way round, with another root digest."""
    return key_case({"\uff5e.bin": "first", "\U0001f600.bin": "second"})


@FAMILY.control("shards", "OMS-6.5.1-01", "OMS-6.3.2-08", profile="shards")
def shards() -> Material:
    """With the method shards the digests are those of the shards, in the order of their names as text."""
    return key_case({"a.bin": "0123456789ab"}, shard_size=1)


@FAMILY.control("blake2b", "OMS-6.5.1-01", "OMS-REG-02", profile="blake2b")
def blake2b() -> Material:
    """The digests are BLAKE2b's, of 64 bytes each; the root digest is SHA-256 nevertheless."""
    return key_case(CONTENTS, hash_type="blake2b")


@FAMILY.either("zero", "OMS-6.5.1-01")
def zero() -> Edit:
    """The subject's digest is zeros."""
    return set_at("payload", "/subject/0/digest/sha256", "00" * 32)


@FAMILY.either("over-hex", "OMS-6.5.1-01")
def over_hex() -> Edit:
    """The subject's digest is over the digests in hex."""
    return root("".join(DIGESTS).encode())


@FAMILY.either("over-names-too", "OMS-6.5.1-01")
def over_names_too() -> Edit:
    """The subject's digest is over names and digests."""
    return root(b"".join(name.encode() + bytes.fromhex(each) for name, each in zip(CONTENTS, DIGESTS)))


@FAMILY.either("other-order", "OMS-6.5.1-01")
def other_order() -> Edit:
    """The subject's digest is over the digests in reverse order."""
    return root(b"".join(bytes.fromhex(each) for each in reversed(DIGESTS)))


@FAMILY.either("of-the-contents", "OMS-6.5.1-01")
def of_the_contents() -> Edit:
    """The subject's digest is over the contents of the files."""
    return root("".join(CONTENTS.values()).encode())


@FAMILY.either("the-only-digest", "OMS-6.5.1-01", control="one")
def the_only_digest() -> Edit:
    """The subject's digest is the digest of the only file."""
    return root(b"content")


@FAMILY.either(
    "upper-case",
    "OMS-6.5.1-02",
    stage="statement",
    severity="low",
    why="OMS has hex in lower case for resources and shows it for the subject.",
)
def upper_case() -> Edit:
    """The subject's digest is in upper case."""
    return set_at(
        "payload", "/subject/0/digest/sha256", hashlib.sha256(b"".join(map(bytes.fromhex, DIGESTS))).hexdigest().upper()
    )
