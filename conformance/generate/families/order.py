"""The order of the resources, which the root digest depends on."""

from __future__ import annotations

from conformance.generate.edits import move_at, rooted
from conformance.generate.kit import Edit, Family, Material, key_case

FAMILY = Family(
    "order",
    "The order of names",
    stage="names",
    stages=("names", "root-digest", "predicate"),
    why="OMS has resources ascend by name, compared by Unicode code point over the whole name.",
    gain="One model has several manifests and root digests, and clients that sort themselves disagree.",
    severity="low",
)
RESOURCES = "/predicate/resources/"


def swap(late: int, early: int) -> Edit:
    """Move a resource forward, the root digest being that of the new order."""
    return rooted(move_at("payload", f"{RESOURCES}{late}", f"{RESOURCES}{early}"))


def names(*given: str) -> Material:
    """A model of files with these names."""
    return key_case({name: f"order {name}" for name in given})


@FAMILY.control("plain", "OMS-5.2.1-05")
def plain() -> Material:
    """Three names in order."""
    return names("a.bin", "b.bin", "c.bin")


@FAMILY.reject("reversed", "OMS-5.2.1-05", control="plain")
def reversed_order() -> Edit:
    """The last of three names comes first."""
    return swap(2, 0)


@FAMILY.reject("last-two", "OMS-5.2.1-05", control="plain")
def last_two() -> Edit:
    """The last two of three names are the wrong way round."""
    return swap(2, 1)


@FAMILY.control("capitals", "OMS-5.2.1-05")
def capitals() -> Material:
    """Capital letters come before small ones."""
    return names("B.bin", "_.bin", "a.bin")


@FAMILY.reject("without-case", "OMS-5.2.1-05", control="capitals")
def without_case() -> Edit:
    """Names are in order if case does not count."""
    return swap(2, 0)


@FAMILY.control("numbers", "OMS-5.2.1-05")
def numbers() -> Material:
    """A name with the number 10 comes before one with the number 9."""
    return names("model-10.bin", "model-9.bin")


@FAMILY.reject("natural", "OMS-5.2.1-05", control="numbers")
def natural() -> Edit:
    """Numbers in names are in order as numbers."""
    return swap(1, 0)


@FAMILY.control("accents", "OMS-5.2.1-05")
def accents() -> Material:
    """An accented letter comes after all plain ones."""
    return names("f.bin", "z.bin", "\u00e9.bin")


@FAMILY.reject("locale", "OMS-5.2.1-05", control="accents")
def locale() -> Edit:
    """An accented letter stands where a dictionary has it."""
    return swap(2, 0)


@FAMILY.control(
    "beyond-16-bits", "OMS-5.2.1-05", why="By code point U+FF5E comes before U+10000, and in UTF-16 after it."
)
def beyond_16_bits() -> Material:
    """A code point beyond 16 bits comes after all within."""
    return names("\uff5e.bin", "\U00010000.bin")


@FAMILY.reject("utf-16", "OMS-5.2.1-05", control="beyond-16-bits")
def utf_16() -> Edit:
    """Names are in order as UTF-16, as JavaScript and Java compare strings."""
    return swap(1, 0)


@FAMILY.control("folder-beside-file", "OMS-5.2.1-05")
def folder_beside_file() -> Material:
    """The names of a folder and of a file begin alike, and the dot comes before the slash."""
    return names("tokenizer.json", "tokenizer/vocab.json", "tokenizer0.json")


@FAMILY.either(
    "by-path",
    "OMS-5.2.1-05",
    control="folder-beside-file",
    ours="accept",
    profile="compat-1.1",
    why="OMS forbids it; the released Python clients write it, and a verifier may read what they wrote.",
)
def by_path() -> Edit:
    """Names are in order by path component: the folder before the file."""
    return swap(1, 0)


@FAMILY.reject("folders-first", "OMS-5.2.1-05", control="folders")
def folders_first() -> Edit:
    """Names are in order with folders before files, as file managers show them."""
    return swap(1, 0)


@FAMILY.control("folders", "OMS-5.2.1-05")
def folders() -> Material:
    """A file comes before a folder whose name is later."""
    return names("a.bin", "m/x.bin", "z.bin")
