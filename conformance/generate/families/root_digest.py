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
