"""Contents other than signed."""

from __future__ import annotations

from conformance.generate.edits import option, tree
from conformance.generate.kit import Content, Edit, Family, Material, Rule, file, key_case

FAMILY = Family(
    "digest",
    "Digests of contents",
    stage="digest",
    stages=("digest", "files"),
    control="plain",
    severity="high",
    why="OMS has a listed file whose contents differ fail verification.",
    gain="Changed weights or code pass as signed.",
)
TEXT = "first line\nsecond line\n"
MEBIBYTE = 1 << 20
LARGE: Rule = {"seed": "digest/large", "length": MEBIBYTE + 1}


def change(path: str, content: Content) -> Edit:
    """Other contents for a file."""
    return tree("replace", path=path, entry=file(path, content))


@FAMILY.control("plain", "OMS-8.4-01")
def plain() -> Material:
    """Three small files."""
    return key_case({"a.txt": TEXT, "b.txt": "second line\nfirst line\n", "c.txt": "third"})


@FAMILY.reject("last-byte", "OMS-8.4-01")
def last_byte() -> Edit:
    """The last byte of a file is another."""
    return change("c.txt", "thirs")


@FAMILY.reject("first-byte-of-the-last-file", "OMS-8.4-01")
def first_byte_of_the_last_file() -> Edit:
    """The first byte of the last file is another."""
    return change("c.txt", "Third")


@FAMILY.reject("first-file", "OMS-8.4-01")
def first_file() -> Edit:
    """The first file has other contents, and the last has not."""
    return change("a.txt", TEXT.upper())


@FAMILY.reject("middle-file", "OMS-8.4-01")
def middle_file() -> Edit:
    """The second of three files has the contents of the first."""
    return change("b.txt", TEXT)


@FAMILY.reject("byte-more", "OMS-8.4-01")
def byte_more() -> Edit:
    """A file has a byte more."""
    return change("c.txt", "third!")


@FAMILY.reject("byte-less", "OMS-8.4-01")
def byte_less() -> Edit:
    """A file has a byte less."""
    return change("c.txt", "thir")


@FAMILY.reject("emptied", "OMS-8.4-01")
def emptied() -> Edit:
    """A file has no bytes any more."""
    return change("c.txt", "")


@FAMILY.reject(
    "line-ends",
    "OMS-8.4-01",
    severity="medium",
    gain="A client that converts line ends does not check the bytes that are used.",
)
def line_ends() -> Edit:
    """The line ends of a text file are those of Windows, as git may convert them."""
    return change("a.txt", TEXT.replace("\n", "\r\n"))


@FAMILY.reject(
    "byte-order-mark",
    "OMS-8.4-01",
    severity="medium",
    gain="A client that reads files as text does not check the bytes that are used.",
)
def byte_order_mark() -> Edit:
    """A text file starts with a byte order mark."""
    return change("a.txt", "\ufeff" + TEXT)


@FAMILY.reject(
    "newline-at-the-end",
    "OMS-8.4-01",
    severity="medium",
    gain="A client that trims text does not check the bytes that are used.",
)
def newline_at_the_end() -> Edit:
    """A file ends in a newline more."""
    return change("c.txt", "third\n")


@FAMILY.control("large", "OMS-8.4-01")
def large() -> Material:
    """A file that is one byte longer than a mebibyte, so that most readers take several reads."""
    return key_case({"large.bin": LARGE, "z.txt": "z"})


@FAMILY.reject("last-byte-of-a-large-file", "OMS-8.4-01", control="large")
def last_byte_of_a_large_file() -> Edit:
    """The last byte of a file of more than a mebibyte is another."""
    return change("large.bin", {"parts": [{"seed": "digest/large", "length": MEBIBYTE}, {"text": "?"}]})


@FAMILY.reject("byte-after-a-large-file", "OMS-8.4-01", control="large")
def byte_after_a_large_file() -> Edit:
    """A file of more than a mebibyte has a byte more."""
    return change("large.bin", {"parts": [LARGE, {"text": "?"}]})


@FAMILY.accept(
    "excused",
    "OMS-8.5-03",
    why="The option changes nothing where no file is extra.",
    gain="A client with the option fails on ordinary models.",
    severity="low",
)
def excused() -> Edit:
    """A caller excuses unsigned files, and there are none."""
    return option("ignore_unsigned_files", True)


@FAMILY.reject(
    "changed-and-excused",
    "OMS-8.4-01",
    "OMS-8.5-02",
    control="excused",
    why="OMS has every listed file verified with unsigned files excused too.",
)
def changed_and_excused() -> Edit:
    """A file has other contents, and the caller excuses unsigned files."""
    return change("a.txt", "changed")


@FAMILY.control("zeros", "OMS-8.4-01")
def zeros() -> Material:
    """A file of zeros, given as a sparse one."""
    return key_case({"zeros.bin": {"sparse": 5000}})


@FAMILY.reject("zeros-shorter", "OMS-8.4-01", control="zeros", severity="medium")
def zeros_shorter() -> Edit:
    """A file of zeros has fewer zeros."""
    return change("zeros.bin", {"sparse": 4096})
