"""Names of resources: canonical, different, and compared byte for byte.

Wherever a careless client would find a file under such a name, the tree has that file with these contents:
only the name is wrong.
"""

from __future__ import annotations

from conformance.generate.edits import insert_at, model, rooted, set_at, substitute, tree
from conformance.generate.kit import Content, Edit, Family, Material, digest_of, file, key_case

FAMILY = Family("names", "Names of resources", stage="names", stages=("names", "files"), control="folder")

SCRIPT = "print('hello')\n"
FIRST = "/predicate/resources/0/name"


def resource(name: str, content: str = SCRIPT) -> dict[str, str]:
    """A resource with the digest of `content`."""
    return {"name": name, "algorithm": "sha256", "digest": digest_of("sha256", content.encode())}


@FAMILY.control("folder", "OMS-6.1.2-01", "OMS-6.1.2-02", "OMS-6.1.2-12")
def folder() -> Material:
    """A file in a folder and one beside it, under canonical names."""
    return key_case({"code/run.py": SCRIPT, "weights.bin": {"seed": "names", "length": 50}})


@FAMILY.control("file-outside", "OMS-8.5-01")
def file_outside() -> Material:
    """A model of two files, and a third file outside of it."""
    return key_case(
        {"run.py": SCRIPT, "weights.bin": {"seed": "names", "length": 51}}, outside=[file("outside.py", SCRIPT)]
    )


@FAMILY.control("file-outside-excused", "OMS-8.5-03")
def file_outside_excused() -> Material:
    """A model of two files and a third one outside of it, verified by a caller who excuses unsigned files."""
    files: dict[str, Content] = {"run.py": SCRIPT, "weights.bin": {"seed": "names", "length": 52}}
    return key_case(files, outside=[file("outside.py", SCRIPT)], options={"ignore_unsigned_files": True})


ESCAPE = FAMILY.group(
    severity="high",
    stages=("names", "files"),
    why="OMS has no name start with a slash or hold a part `..`.",
    gain="The signature covers a file elsewhere on the verifier's machine, and the model's own goes unchecked.",
)


@ESCAPE.reject("out-of-the-model", "OMS-6.1.2-03", control="file-outside")
def out_of_the_model() -> Edit:
    """A resource's name leads to a file beside the model, whose digest is right."""
    return rooted(insert_at("payload", "/predicate/resources/0", resource("../outside.py")))


@ESCAPE.reject("out-of-the-model-excused", "OMS-6.1.2-03", control="file-outside-excused")
def out_of_the_model_excused() -> Edit:
    """A resource's name leads to a file beside the model, and the caller excuses unsigned files."""
    return rooted(insert_at("payload", "/predicate/resources/0", resource("../outside.py")))


@ESCAPE.reject("out-and-in", "OMS-6.1.2-03")
def out_and_in() -> Edit:
    """A resource's name leads out of the model and back to the right file."""
    return set_at("payload", FIRST, "../model/code/run.py")


@ESCAPE.reject("in-and-out", "OMS-6.1.2-03")
def in_and_out() -> Edit:
    """A resource's name leads into a folder, out of it and back to the right file."""
    return set_at("payload", FIRST, "code/../code/run.py")


@ESCAPE.reject("through-a-file", "OMS-6.1.2-03")
def through_a_file() -> Edit:
    """A resource's name goes through a file that is no folder, which removing the dots as text does not see."""
    return set_at("payload", FIRST, "code/run.py/../run.py")


@ESCAPE.reject("leading-slash", "OMS-6.1.2-03")
def leading_slash() -> Edit:
    """A resource's name starts with a slash."""
    return set_at("payload", FIRST, "/code/run.py")


@ESCAPE.reject("parent-alone", "OMS-6.1.2-03", control="file-outside-excused")
def parent_alone() -> Edit:
    """A resource's name is `..`, the folder above the model."""
    return rooted(insert_at("payload", "/predicate/resources/0", resource("..")))


CANONICAL = FAMILY.group(
    why="OMS has every name be in one canonical form.",
    gain="One file has several names in the manifest, and clients disagree on which are signed.",
)


@CANONICAL.reject("dot-in-front", "OMS-6.1.2-04")
def dot_in_front() -> Edit:
    """A resource's name starts with a dot and a slash."""
    return set_at("payload", FIRST, "./code/run.py")


@CANONICAL.reject("dot-inside", "OMS-6.1.2-04")
def dot_inside() -> Edit:
    """A resource's name has a part that is a dot."""
    return set_at("payload", FIRST, "code/./run.py")


@CANONICAL.reject("dot-at-the-end", "OMS-6.1.2-04")
def dot_at_the_end() -> Edit:
    """A resource's name ends in a slash and a dot."""
    return set_at("payload", FIRST, "code/run.py/.")


@CANONICAL.reject("dot-beside-the-file", "OMS-6.1.2-04", severity="high")
def dot_beside_the_file() -> Edit:
    """A file is listed twice, under its name and with a dot and a slash in front."""
    return rooted(insert_at("payload", "/predicate/resources/0", resource("./code/run.py")))


@CANONICAL.reject("two-slashes", "OMS-6.1.2-05")
def two_slashes() -> Edit:
    """A resource's name has two slashes in a row."""
    return set_at("payload", FIRST, "code//run.py")


@CANONICAL.reject("trailing-slash", "OMS-6.1.2-06")
def trailing_slash() -> Edit:
    """A resource's name ends in a slash."""
    return set_at("payload", FIRST, "code/run.py/")


@CANONICAL.reject("the-model-itself", "OMS-6.1.2-04", control="file-outside-excused")
def the_model_itself() -> Edit:
    """A resource's name is a dot, the model itself."""
    return rooted(insert_at("payload", "/predicate/resources/0", resource(".")))


@CANONICAL.either(
    "empty",
    "REF-NAMES-01",
    control="file-outside-excused",
    why="OMS does not speak of the empty name.",
)
def empty() -> Edit:
    """A resource's name is empty."""
    return rooted(insert_at("payload", "/predicate/resources/0", resource("")))


@CANONICAL.either("nul", "REF-NAMES-02", why="OMS does not speak of NUL, which no file system has in a name.")
def nul() -> Edit:
    """A resource's name goes on after a NUL, where C stops reading."""
    return set_at("payload", FIRST, "code/run.py\0.txt")


@CANONICAL.either(
    "backslash", "REF-NAMES-02", why="OMS does not speak of backslashes, which separate parts on some systems."
)
def backslash() -> Edit:
    """A file has a backslash in its name, in the model and in the manifest."""
    return model("rename", "code/run.py", to="code\\run.py")


BYTES = FAMILY.group(
    stage="files",
    stages=("files", "names", "digest"),
    why="OMS has names compared byte for byte, with regard to case.",
    gain="A file that was not signed is taken for one that was.",
)


@BYTES.reject("backslash-for-slash", "OMS-6.1.2-08", "REF-NAMES-02", "OMS-8.4-01", stage="names")
def backslash_for_slash() -> Edit:
    """A resource's name has a backslash where the model has a folder."""
    return set_at("payload", FIRST, "code\\run.py")


@BYTES.reject("case", "OMS-6.1.2-08", "OMS-8.4-01")
def case() -> Edit:
    """A resource's name differs from the file's in case."""
    return set_at("payload", FIRST, "Code/run.py")


@BYTES.reject("percent-encoded", "OMS-6.1.2-08", "OMS-8.4-01", severity="low")
def percent_encoded() -> Edit:
    """A resource's name is percent-encoded."""
    return set_at("payload", FIRST, "code%2Frun.py")


@BYTES.reject("space-at-the-end", "OMS-6.1.2-08", "OMS-8.4-01")
def space_at_the_end() -> Edit:
    """A resource's name has a space at its end that the file's has not."""
    return set_at("payload", FIRST, "code/run.py ")


@BYTES.reject("dot-after-the-name", "OMS-6.1.2-08", "OMS-8.4-01")
def dot_after_the_name() -> Edit:
    """A resource's name has a dot at its end that the file's has not, as Windows drops it."""
    return set_at("payload", FIRST, "code/run.py.")


@BYTES.reject("home", "OMS-6.1.2-08", "OMS-8.4-01", severity="low")
def home() -> Edit:
    """A resource's name starts with a tilde, which a shell expands."""
    return set_at("payload", "/predicate/resources/1/name", "~/weights.bin")


@BYTES.control("composed", "OMS-6.1.2-08", "OMS-6.1.2-09")
def composed() -> Material:
    """A name with an é in one code point."""
    return key_case({"mod\u00e9le.bin": "composed", "z.txt": "z"})


@BYTES.reject("decomposed-on-disk", "OMS-6.1.2-08", "OMS-8.4-01", control="composed")
def decomposed_on_disk() -> Edit:
    """The file's name on disk has the é in two code points, the signed one in one."""
    return tree("rename", path="mod\u00e9le.bin", to="mode\u0301le.bin")


@BYTES.reject("decomposed-in-the-manifest", "OMS-6.1.2-08", "OMS-8.4-01", control="composed")
def decomposed_in_the_manifest() -> Edit:
    """The signed name has the é in two code points, the file's name on disk in one."""
    return set_at("payload", FIRST, "mode\u0301le.bin")


@BYTES.accept(
    "both-forms",
    "OMS-6.1.2-08",
    control="composed",
    why="To OMS these are two names.",
    gain="Models from systems that keep them apart can't be verified.",
)
def both_forms() -> Edit:
    """A second file has the same name with the é in two code points."""
    return model("add", "mode\u0301le.bin", content="decomposed")


@BYTES.accept(
    "case-apart",
    "OMS-6.1.2-08",
    why="To OMS these are two names.",
    gain="Models from systems that keep them apart can't be verified.",
)
def case_apart() -> Edit:
    """A second file has the name of the first in upper case."""
    return model("add", "WEIGHTS.BIN", content="upper case")


TWICE = FAMILY.group(
    severity="high",
    stages=("names", "digest"),
    why="Every listed resource has to be there with its digest, and a file has one content.",
    gain="A client that keeps the last of two checks the attacker's digest and shows the other.",
)


@TWICE.reject("twice-first-wrong", "OMS-8.4-01", "REF-NAMES-03")
def twice_first_wrong() -> Edit:
    """A file is listed twice, and the first digest is not its own."""
    return rooted(insert_at("payload", "/predicate/resources/0", resource("code/run.py", "another")))


@TWICE.reject("twice-last-wrong", "OMS-8.4-01", "REF-NAMES-03")
def twice_last_wrong() -> Edit:
    """A file is listed twice, and the second digest is not its own."""
    return rooted(insert_at("payload", "/predicate/resources/1", resource("code/run.py", "another")))


@TWICE.either(
    "twice-the-same", "REF-NAMES-03", severity="low", why="OMS does not say that a name may be there once only."
)
def twice_the_same() -> Edit:
    """A file is listed twice with the same digest."""
    return rooted(insert_at("payload", "/predicate/resources/0", resource("code/run.py")))


@TWICE.reject(
    "a-folder",
    "OMS-8.4-01",
    stage="files",
    stages=("files", "names", "digest"),
    severity="medium",
    why="A listed resource is a file; a folder has no content to compare.",
)
def a_folder() -> Edit:
    """A folder of the model is listed as a resource."""
    return rooted(insert_at("payload", "/predicate/resources/0", resource("code", "")))


@FAMILY.control("not-utf-8", "OMS-8.5-03")
def not_utf_8() -> Material:
    """A file with a name that is not UTF-8 lies unsigned in the model, and the caller excuses unsigned files."""
    odd = file({"hex": b"run\xff.py".hex()}, SCRIPT)
    return key_case({"a.py": SCRIPT, "weights.bin": "w"}, unsigned=[odd], options={"ignore_unsigned_files": True})


@FAMILY.reject(
    "escaped-byte",
    "OMS-6.1.2-09",
    "REF-JSON-05",
    control="escaped-byte-base",
    stage="statement",
    stages=("statement", "names", "files"),
    severity="high",
    why="OMS has every part of a name be valid UTF-8, which half a surrogate pair can't be.",
    gain="Python opens a file whose name is not UTF-8 under such a text; other clients open none or another.",
)
def escaped_byte() -> Edit:
    """A resource's name holds half a surrogate pair, Python's notation for the byte FF in the file's name."""
    return substitute("payload-bytes", "run?.py", "run\\udcff.py")


@FAMILY.accept(
    "escaped-byte-base",
    "OMS-8.5-03",
    control="not-utf-8",
    why="The name of the unsigned file is none of the verifier's business where unsigned files are excused.",
    gain="A model can't be verified because of a file that nobody asked about.",
)
def escaped_byte_base() -> Edit:
    """A file with a question mark in its name was added to the model and signed."""
    return model("add", "run?.py", content=SCRIPT)


ODD = FAMILY.group(
    why="OMS allows every name that is canonical and valid UTF-8.",
    gain="Models with such names, which file systems allow, can't be verified.",
)


def named(name: str) -> Edit:
    """One more file, under this name, signed."""
    return model("add", name, content="odd name")


@ODD.accept("newline", "OMS-6.1.2-01")
def newline() -> Edit:
    """A file has a newline in its name."""
    return named("a\nb")


@ODD.accept("glob-characters", "OMS-6.1.2-01")
def glob_characters() -> Edit:
    """A file has the characters of patterns in its name."""
    return named("*[?].bin")


@ODD.accept("three-dots", "OMS-6.1.2-01", severity="medium")
def three_dots() -> Edit:
    """A file's name is three dots, and its folder's ends in two."""
    return named("v1../...")


@ODD.accept("leading-dash", "OMS-6.1.2-01")
def leading_dash() -> Edit:
    """A file's name starts with a dash, as an option does."""
    return named("--help")


@ODD.accept("spaces", "OMS-6.1.2-01")
def spaces() -> Edit:
    """A file's name is a space, in a folder whose name ends in one."""
    return named("folder / ")


@ODD.accept("colon", "OMS-6.1.2-01", severity="medium")
def colon() -> Edit:
    """With the method files, a file's name looks like a shard's."""
    return named("weights:0:10")


@ODD.accept("right-to-left", "OMS-6.1.2-01")
def right_to_left() -> Edit:
    """A file's name holds an override of the writing direction."""
    return named("gpj.\u202eexe")


@ODD.accept("line-separator", "OMS-6.1.2-01")
def line_separator() -> Edit:
    """A file's name holds U+2028, which ended strings in JavaScript."""
    return named("a\u2028b")


@ODD.accept("beyond-16-bits", "OMS-6.1.2-01")
def beyond_16_bits() -> Edit:
    """A file's name holds a code point beyond 16 bits."""
    return named("\U0001f9e0.bin")


@ODD.accept("long-name", "OMS-6.1.2-01")
def long_name() -> Edit:
    """A file's name has 255 bytes, the most that common file systems allow."""
    return named("n" * 251 + ".bin")


@ODD.accept("proto", "OMS-6.1.2-01", severity="low")
def proto() -> Edit:
    """A file's name is __proto__, which is special in objects of JavaScript."""
    return named("__proto__")


SINGLE = FAMILY.group(
    why="OMS has a model that is one file be listed under its base name.",
    gain="A client that does not compare the name verifies a file under any name.",
)


@SINGLE.control("single-file", "OMS-6.1.2-07")
def single_file() -> Material:
    """The model is one file, listed under its base name."""
    content = {"seed": "single", "length": 60}
    return key_case({"model.gguf": content}, entries=[file("", content)], name="model.gguf")


@SINGLE.reject(
    "single-file-of-another-name",
    "OMS-8.4-01",
    "OMS-6.1.2-08",
    control="single-file",
    stage="files",
    stages=("files", "names"),
)
def single_file_of_another_name() -> Edit:
    """The model is one file, and another name is listed."""
    return set_at("payload", FIRST, "other.gguf")


LATER = FAMILY.group(
    why="OMS has every name be in one canonical form.",
    gain="A client that checks some of the names lets the others lead anywhere.",
    severity="high",
)
SECOND = "/predicate/resources/1/name"


@LATER.reject("last-leads-out", "OMS-6.1.2-03")
def last_leads_out() -> Edit:
    """The last name leads into a folder that is not there and out of it to the right file."""
    return set_at("payload", SECOND, "x/../weights.bin")


@LATER.reject("last-with-slash", "OMS-6.1.2-06")
def last_with_slash() -> Edit:
    """The last name ends in a slash."""
    return set_at("payload", SECOND, "weights.bin/")


@LATER.reject("not-ascii-leads-out", "OMS-6.1.2-03", control="composed")
def not_ascii_leads_out() -> Edit:
    """A name that is not ASCII leads out of the model and back to the right file."""
    return set_at("payload", FIRST, "../model/mod\u00e9le.bin")


@LATER.reject("not-ascii-with-dot", "OMS-6.1.2-04", control="composed", severity="medium")
def not_ascii_with_dot() -> Edit:
    """A name that is not ASCII has a dot and a slash in front."""
    return set_at("payload", FIRST, "./mod\u00e9le.bin")


@ODD.accept(
    "escaped-pair",
    "JSON-01",
    control="beyond-16-bits",
    severity="medium",
    why="In JSON two escapes of a surrogate pair stand for one code point (RFC 8259, section 7).",
    gain="Bundles of writers that escape what is not ASCII can't be verified.",
)
def escaped_pair() -> Edit:
    """A name's code point beyond 16 bits is written as the escapes of a surrogate pair."""
    return substitute("payload-bytes", "\U0001f9e0", "\\ud83e\\udde0")


@ODD.accept(
    "escaped-letter", "JSON-01", why="In JSON every character of a string may be escaped (RFC 8259, section 7)."
)
def escaped_letter() -> Edit:
    """A letter of a name is written as an escape."""
    return substitute("payload-bytes", "weights.bin", "weigh\\u0074s.bin")


@TWICE.either("last-twice", "REF-NAMES-03", severity="low", why="OMS does not say that a name may be there once only.")
def last_twice() -> Edit:
    """The last file is listed twice with the same digest."""
    return rooted(insert_at("payload", "/predicate/resources/-", resource("weights.bin", "w")))


@SINGLE.reject(
    "single-file-dot-in-front",
    "OMS-6.1.2-04",
    control="single-file",
    stage="names",
    stages=("names", "files"),
    severity="low",
)
def single_file_dot_in_front() -> Edit:
    """The model is one file, listed under its name with a dot and a slash in front."""
    return set_at("payload", FIRST, "./model.gguf")
