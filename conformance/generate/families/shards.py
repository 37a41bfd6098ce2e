"""Shards: every boundary, gaps, overlaps, ends, colons in names, and the numbers that a name may hold."""

from __future__ import annotations

from conformance.generate.edits import insert_at, model, move_at, option, remove_at, rooted, set_at, tree
from conformance.generate.kit import Edit, Family, Material, digest_of, file, key_case

FAMILY = Family(
    "shards",
    "Shards",
    profile="shards",
    stage="names",
    stages=("names", "predicate"),
    control="middle",
    why="OMS has the shards of a file lie one after the other from byte 0, each of shard_size bytes but the last.",
    gain="Bytes of a file are in no shard and can be changed, or a client reads other ranges than were signed.",
)
TEXT = "0123456789abcdefghijABCDE"  # 25 bytes: shards of 10, 10 and 5
SIZE, RESOURCES = "/predicate/serialization/shard_size", "/predicate/resources"


def shard(name: str, part: str) -> dict[str, str]:
    """A shard with the digest of `part`."""
    return {"name": name, "algorithm": "sha256", "digest": digest_of("sha256", part.encode())}


@FAMILY.control("middle", "OMS-6.3.2-04", "OMS-6.3.2-05", "OMS-6.3.2-08")
def middle() -> Material:
    """A file of 25 bytes in shards of 10, 10 and 5."""
    return key_case({"w.bin": TEXT}, shard_size=10)


FITS = FAMILY.group(
    gain="Models with files of such a length can't be verified.", why="OMS divides every file in this way."
)


@FITS.accept("one-byte", "OMS-6.3.2-05")
def one_byte() -> Edit:
    """A file of one byte is one shard."""
    return model("add", "one.bin", content="1")


@FITS.accept("a-byte-short", "OMS-6.3.2-05")
def a_byte_short() -> Edit:
    """A file is a byte shorter than a shard."""
    return model("add", "nine.bin", content="123456789")


@FITS.accept("exactly-one", "OMS-6.3.2-04")
def exactly_one() -> Edit:
    """A file is exactly as long as a shard."""
    return model("add", "ten.bin", content="1234567890")


@FITS.accept("a-byte-more", "OMS-6.3.2-05")
def a_byte_more() -> Edit:
    """A file is a byte longer than a shard."""
    return model("add", "eleven.bin", content="1234567890x")


@FITS.accept("exactly-two", "OMS-6.3.2-04")
def exactly_two() -> Edit:
    """A file is exactly as long as two shards."""
    return model("add", "twenty.bin", content="1234567890" * 2)


@FITS.accept(
    "code-point-order",
    "OMS-5.2.1-05",
    severity="medium",
    why="Shards are in order of the whole name as text: 100 comes before 20.",
)
def code_point_order() -> Edit:
    """A file has eleven shards, so that the numbers in their names have different lengths."""
    return model("add", "long.bin", content="1234567890" * 11)


@FITS.accept(
    "colon",
    "OMS-6.3.2-08",
    severity="medium",
    why="Start and end are the last two fields; what is before them is the file's name.",
)
def colon() -> Edit:
    """A file's name looks like a shard's."""
    return model("add", "a:0:10", content="name with colons")


@FITS.accept(
    "colon-at-the-end",
    "OMS-6.3.2-08",
    why="Start and end are the last two fields; what is before them is the file's name.",
)
def colon_at_the_end() -> Edit:
    """A file's name ends in a colon."""
    return model("add", "a:", content="colon")


@FITS.accept("newline", "OMS-6.3.2-08", why="OMS allows every name that is canonical and valid UTF-8.")
def newline() -> Edit:
    """A file's name holds a newline, which the dot of a pattern does not match."""
    return model("add", "a\nb", content="newline")


@FITS.accept(
    "larger-than-the-file",
    "OMS-6.3.2-05",
    control="whole",
    severity="medium",
    why="A shard may be shorter than shard_size.",
)
def larger_than_the_file() -> Edit:
    """The shard size is far larger than every file."""
    return set_at("payload", SIZE, 1000000000)


@FITS.accept("largest-size", "OMS-5.2.2-03", control="whole", why="OMS has shard_size be a positive integer.")
def largest_size() -> Edit:
    """The shard size is 2^53 - 1, the largest integer that every JSON reader keeps."""
    return set_at("payload", SIZE, 2**53 - 1)


@FITS.control("whole", "OMS-6.3.2-05")
def whole() -> Material:
    """A file is one shard, shorter than the shard size."""
    return key_case({"small.bin": "small"}, shard_size=100)


@FITS.control("size-one", "OMS-5.2.2-03", "OMS-6.3.2-04")
def size_one() -> Material:
    """The shard size is 1, and every byte is a shard."""
    return key_case({"tiny.bin": "abc"}, shard_size=1)


NUMBER = FAMILY.group(
    stage="predicate",
    stages=("predicate", "statement"),
    why="OMS has shard_size be there with the method shards, as an integer of at least 1.",
    gain="A client divides by zero, does not come to an end, or reads other ranges than were signed.",
)


@NUMBER.reject("no-size", "OMS-5.2.2-03")
def no_size() -> Edit:
    """The method is shards, and there is no shard_size."""
    return remove_at("payload", SIZE)


@NUMBER.reject("size-null", "OMS-5.2.2-03", severity="low")
def size_null() -> Edit:
    """The shard size is null."""
    return set_at("payload", SIZE, None)


@NUMBER.reject("size-zero", "OMS-5.2.2-03")
def size_zero() -> Edit:
    """The shard size is 0."""
    return set_at("payload", SIZE, 0)


@NUMBER.reject("size-negative", "OMS-5.2.2-03")
def size_negative() -> Edit:
    """The shard size is negative."""
    return set_at("payload", SIZE, -10)


@NUMBER.reject("size-fraction", "OMS-5.2.2-03")
def size_fraction() -> Edit:
    """The shard size is 10.5."""
    return set_at("payload", SIZE, 10.5)


@NUMBER.reject("size-string", "OMS-5.2.2-03", severity="low")
def size_string() -> Edit:
    """The shard size is a string of digits."""
    return set_at("payload", SIZE, "10")


@NUMBER.reject("size-true", "OMS-5.2.2-03", control="size-one", severity="low")
def size_true() -> Edit:
    """The shard size is true, which Python takes for 1."""
    return set_at("payload", SIZE, True)


@NUMBER.either(
    "size-too-large",
    "REF-PREDICATE-02",
    control="whole",
    severity="low",
    why="OMS sets no upper bound; readers that keep numbers as doubles disagree from 2^53 on.",
)
def size_too_large() -> Edit:
    """The shard size is 2^53."""
    return set_at("payload", SIZE, 2**53)


@NUMBER.reject("algorithm-of-another", "OMS-6.3.2-07", why="OMS has the algorithm of every shard be the hash_type.")
def algorithm_of_another() -> Edit:
    """A shard's algorithm is blake3, and the hash_type is sha256."""
    return set_at("payload", RESOURCES + "/0/algorithm", "blake3")


@NUMBER.either(
    "another-size-asked-for",
    "REF-PREDICATE-03",
    severity="low",
    stages=("predicate", "digest"),
    why="OMS has the verifier go by the signed size, and does not say what to do when the caller names another.",
)
def another_size_asked_for() -> Edit:
    """The caller asks for another shard size than the signed one."""
    return option("shard_size", 5)


PARTITION = FAMILY.group(severity="high", stages=("names", "predicate", "digest"))


@PARTITION.reject("gap", "OMS-6.3.2-04")
def gap() -> Edit:
    """The shard in the middle of a file is missing."""
    return rooted(remove_at("payload", RESOURCES + "/1"))


@PARTITION.reject("first-missing", "OMS-6.3.2-04")
def first_missing() -> Edit:
    """The first shard of a file is missing."""
    return rooted(remove_at("payload", RESOURCES + "/0"))


@PARTITION.reject("last-missing", "OMS-6.3.2-10", "OMS-8.4-01", stage="digest", stages=("digest", "files", "names"))
def last_missing() -> Edit:
    """The last shard of a file is missing, so that the file goes on where nothing is signed."""
    return rooted(remove_at("payload", RESOURCES + "/2"))


@PARTITION.reject("overlap", "OMS-6.3.2-04")
def overlap() -> Edit:
    """A shard that starts in the middle of another was added, with the right digest."""
    return rooted(insert_at("payload", RESOURCES + "/2", shard("w.bin:15:25", TEXT[15:25])))


@PARTITION.reject("same-start", "OMS-6.3.2-04")
def same_start() -> Edit:
    """A second, shorter shard starts where another does."""
    return rooted(insert_at("payload", RESOURCES + "/1", shard("w.bin:10:15", TEXT[10:15])))


@PARTITION.reject("short-in-the-middle", "OMS-6.3.2-04")
def short_in_the_middle() -> Edit:
    """A shard in the middle is shorter than the others, and its digest is that of what it names."""
    return rooted(set_at("payload", RESOURCES + "/1", shard("w.bin:10:15", TEXT[10:15])))


@PARTITION.reject("too-long", "OMS-6.3.2-04")
def too_long() -> Edit:
    """The last shard starts where it should and ends beyond a shard size, with the digest of what is there."""
    return rooted(set_at("payload", RESOURCES + "/2", shard("w.bin:20:35", TEXT[20:])))


@PARTITION.reject("past-the-end", "OMS-6.3.2-10", "OMS-8.4-01", stage="digest", stages=("digest", "files", "names"))
def past_the_end() -> Edit:
    """The last shard ends past the end of the file, with the digest of what is there."""
    return rooted(set_at("payload", RESOURCES + "/2", shard("w.bin:20:30", TEXT[20:])))


@PARTITION.reject(
    "beyond-the-file", "OMS-6.3.2-10", "OMS-8.4-01", stage="digest", stages=("digest", "files", "names"), control="full"
)
def beyond_the_file() -> Edit:
    """A shard lies wholly after the end of the file, with the digest of nothing."""
    return rooted(insert_at("payload", RESOURCES + "/-", shard("full.bin:20:30", "")))


@PARTITION.control("full", "OMS-6.3.2-04")
def full() -> Material:
    """A file of exactly two shards."""
    return key_case({"full.bin": TEXT[:20]}, shard_size=10)


@PARTITION.reject("empty-shard", "OMS-6.3.2-04", control="full")
def empty_shard() -> Edit:
    """A shard of no bytes follows the last."""
    return rooted(insert_at("payload", RESOURCES + "/-", shard("full.bin:20:20", "")))


@PARTITION.reject("end-before-start", "OMS-6.3.2-04", control="full")
def end_before_start() -> Edit:
    """A shard ends before it starts."""
    return rooted(insert_at("payload", RESOURCES + "/-", shard("full.bin:20:10", "")))


@PARTITION.reject("another-size", "OMS-6.3.2-04")
def another_size() -> Edit:
    """The shard size says 5, and the shards are of 10 bytes."""
    return set_at("payload", SIZE, 5)


@PARTITION.reject(
    "out-of-order",
    "OMS-5.2.1-05",
    severity="low",
    stages=("names", "root-digest"),
    why="OMS has resources ascend by name, shards too.",
)
def out_of_order() -> Edit:
    """The last two shards of a file are the wrong way round."""
    return rooted(move_at("payload", RESOURCES + "/2", RESOURCES + "/1"))


@PARTITION.reject(
    "twice-and-wrong",
    "OMS-8.4-01",
    "REF-NAMES-03",
    stages=("names", "digest"),
    why="Every listed resource has to have its digest.",
)
def twice_and_wrong() -> Edit:
    """A shard is listed twice, first with a digest that is not its own."""
    return rooted(insert_at("payload", RESOURCES + "/1", shard("w.bin:10:20", "another")))


FORM = FAMILY.group(
    why="OMS has a shard's name be the file's name, start and end, separated by colons, the last two decimal numbers.",
    gain="Clients that read numbers in other ways read other ranges than were signed.",
)


def first(name: str) -> Edit:
    """Another name for the only shard."""
    return set_at("payload", RESOURCES + "/0/name", name)


@FORM.reject("no-range", "OMS-6.3.2-08", control="whole", severity="high")
def no_range() -> Edit:
    """A resource's name is the file's, without a range."""
    return first("small.bin")


@FORM.reject("one-number", "OMS-6.3.2-08", control="whole")
def one_number() -> Edit:
    """A shard's name has a start and no end."""
    return first("small.bin:0")


@FORM.reject("no-end", "OMS-6.3.2-08", control="whole")
def no_end() -> Edit:
    """A shard's end is empty."""
    return first("small.bin:0:")


@FORM.reject("no-start", "OMS-6.3.2-08", control="whole")
def no_start() -> Edit:
    """A shard's start is empty."""
    return first("small.bin::5")


@FORM.reject("negative-start", "OMS-6.3.2-08", "OMS-6.3.2-04", control="whole")
def negative_start() -> Edit:
    """A shard's start is -0."""
    return first("small.bin:-0:5")


@FORM.reject("hex-end", "OMS-6.3.2-08", control="whole", severity="low")
def hex_end() -> Edit:
    """A shard's end is in hex."""
    return first("small.bin:0:0x5")


@FORM.reject("spaces", "OMS-6.3.2-08", control="whole", severity="low")
def spaces() -> Edit:
    """A shard's end has a space in front, which many number readers skip."""
    return first("small.bin:0: 5")


@FORM.reject("other-digits", "OMS-6.3.2-08", control="whole", severity="low")
def other_digits() -> Edit:
    """A shard's end is in Arabic-Indic digits, which Python's int() reads."""
    return first("small.bin:0:\u0665")


@FORM.reject("newline-after", "OMS-6.3.2-08", control="whole", severity="low")
def newline_after() -> Edit:
    """A shard's name ends in a newline, which a pattern that ends in a dollar sign lets pass."""
    return first("small.bin:0:5\n")


@FORM.either(
    "plus-sign",
    "OMS-6.3.2-08",
    control="whole",
    severity="low",
    why="OMS has two numbers and does not say how they are written.",
)
def plus_sign() -> Edit:
    """A shard's end has a plus sign."""
    return first("small.bin:0:+5")


@FORM.either(
    "leading-zero",
    "OMS-6.3.2-08",
    control="whole",
    severity="low",
    why="OMS has two numbers and does not say how they are written.",
)
def leading_zero() -> Edit:
    """A shard's end has a zero in front."""
    return first("small.bin:0:05")


@FORM.reject(
    "huge-end",
    "OMS-6.3.2-04",
    "OMS-6.3.2-08",
    "OMS-6.3.2-10",
    control="whole",
    severity="low",
    stages=("names", "predicate", "digest"),
)
def huge_end() -> Edit:
    """A shard's end is 2^64 + 5, which a counter of 64 bits takes for 5."""
    return first(f"small.bin:0:{2**64 + 5}")


@FORM.reject(
    "out-of-the-model",
    "OMS-6.1.2-03",
    control="outside",
    severity="high",
    stages=("names", "files"),
    why="OMS has no name hold a part `..`.",
    gain="The signature covers a file elsewhere on the verifier's machine.",
)
def out_of_the_model() -> Edit:
    """A shard's file lies beside the model."""
    return rooted(insert_at("payload", RESOURCES + "/0", shard("../outside.py:0:4", "pass")))


@FORM.control("outside", "OMS-8.5-01")
def outside() -> Material:
    """A model in shards, and a file outside of it."""
    return key_case({"w.bin": TEXT + "outside"}, shard_size=10, outside=[file("outside.py", "pass")])


@FORM.reject("dot-in-front", "OMS-6.1.2-04", control="whole", stages=("names", "files"))
def dot_in_front() -> Edit:
    """A shard's file has a dot and a slash in front."""
    return first("./small.bin:0:5")


TREE = FAMILY.group(
    severity="high",
    stage="digest",
    stages=("digest", "files"),
    why="OMS has every listed range be there with its digest, and the file end where its last shard does.",
    gain="Changed weights pass as signed.",
)


def change(text: str) -> Edit:
    """Other contents for the file."""
    return tree("replace", path="w.bin", entry=file("w.bin", text))


@TREE.reject("first-shard-changed", "OMS-8.4-01")
def first_shard_changed() -> Edit:
    """A byte of the first shard is another."""
    return change("?" + TEXT[1:])


@TREE.reject("middle-shard-changed", "OMS-8.4-01")
def middle_shard_changed() -> Edit:
    """A byte of the shard in the middle is another."""
    return change(TEXT[:15] + "?" + TEXT[16:])


@TREE.reject("last-shard-changed", "OMS-8.4-01")
def last_shard_changed() -> Edit:
    """The last byte of the last shard is another."""
    return change(TEXT[:-1] + "?")


@TREE.reject("shards-swapped", "OMS-8.4-01")
def shards_swapped() -> Edit:
    """The contents of two shards are swapped."""
    return change(TEXT[10:20] + TEXT[:10] + TEXT[20:])


@TREE.reject("byte-more", "OMS-8.4-01", "OMS-6.3.2-10")
def byte_more() -> Edit:
    """A byte follows the last shard."""
    return change(TEXT + "!")


@TREE.reject("byte-more-after-full", "OMS-8.4-01", "OMS-6.3.2-10", control="full")
def byte_more_after_full() -> Edit:
    """A byte follows the last shard, which has full length."""
    return tree("replace", path="full.bin", entry=file("full.bin", TEXT[:20] + "!"))


@TREE.reject("shard-less", "OMS-8.4-01", "OMS-6.3.2-10")
def shard_less() -> Edit:
    """The file ends where its last shard should start."""
    return change(TEXT[:20])


@TREE.reject("emptied", "OMS-8.4-01", control="whole")
def emptied() -> Edit:
    """The file has no bytes any more."""
    return tree("replace", path="small.bin", entry=file("small.bin", ""))


@TREE.reject("file-missing", "OMS-8.4-01", stage="files", control="two-files")
def file_missing() -> Edit:
    """A file of which shards are listed is missing."""
    return tree("remove", path="b.bin")


@TREE.control("two-files", "OMS-6.3.2-04")
def two_files() -> Material:
    """Two files in shards."""
    return key_case({"a.bin": "a" * 15, "b.bin": "b" * 15}, shard_size=10)


@TREE.reject(
    "extra-file",
    "OMS-8.5-01",
    stage="files",
    control="two-files",
    gain="Code that nobody signed lies in a model that passes as signed.",
    why="OMS has a file that is not listed fail verification.",
)
def extra_file() -> Edit:
    """A file that is not empty is in no shard."""
    return tree("add", entry=file("extra.py", "!"))


@TREE.either(
    "extra-empty-file",
    "OMS-6.3.2-06",
    ours="accept",
    control="two-files",
    severity="medium",
    why="OMS leaves files of zero bytes out of the manifest and has extra files refused: both can't be.",
    gain="Empty files can be added unseen; an empty __init__.py changes what Python imports.",
    profile="shards",
)
def extra_empty_file() -> Edit:
    """A file of zero bytes is in no shard."""
    return tree("add", entry=file("__init__.py", ""))


@TREE.either(
    "listed-empty-file",
    "OMS-6.3.2-06",
    "OMS-6.3.2-04",
    stage="names",
    stages=("names", "files", "digest"),
    control="excused-empty",
    severity="low",
    why="OMS has signers leave files of zero bytes out, and does not say what a verifier does with one.",
    gain="None is known; clients disagree on the range.",
)
def listed_empty_file() -> Edit:
    """A file of zero bytes is listed with a range of no bytes."""
    return rooted(insert_at("payload", RESOURCES + "/0", shard("empty:0:0", "")))


@TREE.control("excused-empty", "OMS-8.5-03")
def excused_empty() -> Material:
    """A model in shards has an unsigned file of zero bytes, and the caller excuses unsigned files."""
    files = {"full.bin": "excused empty"}
    return key_case(files, shard_size=10, unsigned=[file("empty", "")], options={"ignore_unsigned_files": True})


@PARTITION.reject("short-and-on", "OMS-6.3.2-04")
def short_and_on() -> Edit:
    """A short shard in the middle is followed by one that starts where it ends: no gap, and every digest is right."""
    parts = (("w.bin:0:10", TEXT[:10]), ("w.bin:10:15", TEXT[10:15]), ("w.bin:15:25", TEXT[15:]))
    return rooted(set_at("payload", RESOURCES, [shard(name, part) for name, part in parts]))


@PARTITION.reject("gap-in-the-last-file", "OMS-6.3.2-04", control="two-files")
def gap_in_the_last_file() -> Edit:
    """The first shard of the second file is missing."""
    return rooted(remove_at("payload", RESOURCES + "/2"))


@PARTITION.reject(
    "last-missing-in-the-first-file",
    "OMS-6.3.2-10",
    "OMS-8.4-01",
    control="two-files",
    stage="digest",
    stages=("digest", "files", "names"),
)
def last_missing_in_the_first_file() -> Edit:
    """The last shard of the first file is missing, and that of the second is there."""
    return rooted(remove_at("payload", RESOURCES + "/1"))


@TREE.reject("unreadable", "OMS-8.4-01", "REF-FILES-02", stage="files", stages=("files",), severity="high")
def unreadable() -> Edit:
    """A file that is signed in shards can't be read."""
    return tree("replace", path="w.bin", entry=file("w.bin", TEXT, mode="0000"))


@FAMILY.control("first-and-last-file", "OMS-6.3.2-04", "OMS-6.3.2-08")
def first_and_last_file() -> Material:
    """Two files of 25 bytes in shards of 10, 10 and 5."""
    return key_case({"a.bin": TEXT, "z.bin": TEXT[::-1]}, shard_size=10)


@TREE.reject("byte-more-in-the-last-file", "OMS-8.4-01", "OMS-6.3.2-10", control="first-and-last-file")
def byte_more_in_the_last_file() -> Edit:
    """The last of two files has a byte more at its end."""
    return tree("replace", path="z.bin", entry=file("z.bin", TEXT[::-1] + "!"))


EMPTY_NAME = FAMILY.group(
    control="first-and-last-file",
    severity="low",
    stage="files",
    stages=("files",),
    why="OMS has no shard for a file of zero bytes, and does not say whether such a file may have any name.",
    gain="A file appears in a model that passes as signed.",
)


@EMPTY_NAME.either("empty-with-a-backslash", "REF-NAMES-02")
def empty_with_a_backslash() -> Edit:
    """An unsigned file of zero bytes has a backslash in its name."""
    return tree("add", entry=file("code\\run.py", ""))


@EMPTY_NAME.either("empty-not-utf-8", "OMS-6.1.2-09")
def empty_not_utf_8() -> Edit:
    """The name of an unsigned file of zero bytes is one byte, which is not UTF-8."""
    return tree("add", entry=file({"hex": "ff"}, ""))
