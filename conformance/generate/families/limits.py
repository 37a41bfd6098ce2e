"""Resources: deep, wide, huge and sparse. A client that hangs or dies has not answered."""

from __future__ import annotations

from conformance import case
from conformance.generate.edits import apply, model, option, set_at, substitute, tree
from conformance.generate.kit import Content, Edit, Family, Material, file, key_case

FAMILY = Family(
    "limits",
    "Resources with limits",
    stage="files",
    control="plain",
    severity="medium",
    why="OMS has a verifier come to a verdict; it sets no bounds itself.",
    gain="A model or bundle that costs its sender nothing holds the verifier for hours or ends it.",
)
FILES: dict[str, Content] = {"weights.bin": {"seed": "limits", "length": 10}}
TERABYTES = 4 << 40


@FAMILY.control("plain", "OMS-8.4-01")
def plain() -> Material:
    """A small model."""
    return key_case(FILES)


@FAMILY.reject(
    "sparse-extra", "OMS-8.5-01", stages=("files",), why="OMS has an unsigned file refused; its contents don't matter."
)
def sparse_extra() -> Edit:
    """An unsigned file has four terabytes of nothing: hashing it before it is refused takes hours."""
    return tree("add", entry=file("extra.bin", {"sparse": TERABYTES}))


@FAMILY.accept(
    "sparse-extra-excused",
    "OMS-8.5-03",
    control="excused",
    severity="medium",
    why="OMS has no unsigned file refused where the caller excuses them; its contents don't matter.",
)
def sparse_extra_excused() -> Edit:
    """An excused file has four terabytes of nothing."""
    return tree("add", entry=file("extra.bin", {"sparse": TERABYTES}))


@FAMILY.accept("excused", "OMS-8.5-03", severity="low", why="The option changes nothing where no file is extra.")
def excused() -> Edit:
    """A caller excuses unsigned files, and there are none."""
    return option("ignore_unsigned_files", True)


@FAMILY.reject(
    "sparse-in-place",
    "OMS-8.4-01",
    "OMS-6.3.2-10",
    control="shard",
    profile="shards",
    stage="digest",
    stages=("digest", "files"),
    why="A file has to end where its last shard does, which its size tells.",
)
def sparse_in_place() -> Edit:
    """A file of shards was replaced by four terabytes of nothing, which the size alone tells."""
    return tree("replace", path="weights.bin", entry=file("weights.bin", {"sparse": TERABYTES}))


@FAMILY.control("shard", "OMS-6.3.2-04", profile="shards")
def shard() -> Material:
    """A small model in shards."""
    return key_case(FILES, shard_size=100)


@FAMILY.accept(
    "sparse-signed",
    "OMS-8.4-01",
    severity="low",
    why="A sparse file is a file.",
    gain="Models with large empty tensors can't be verified.",
)
def sparse_signed() -> Edit:
    """A signed file has two mebibytes of nothing."""
    return model("add", "zeros.bin", content={"sparse": 2 << 20})


@FAMILY.accept(
    "deep-path",
    "OMS-6.1-01",
    severity="low",
    why="OMS sets no bound on depth.",
    gain="Models with deep folders can't be verified.",
)
def deep_path() -> Edit:
    """A signed file lies a hundred folders deep."""
    return model("add", "/".join("d" * 100) + "/file", content="deep")


@FAMILY.control("wide", "OMS-6.1-01", gain="Models with many files can't be verified.")
def wide() -> Material:
    """A folder has four hundred files."""
    return key_case({f"f{number:03}": f"{number}" for number in range(400)})


@FAMILY.reject(
    "wide-and-one-changed",
    "OMS-8.4-01",
    control="wide",
    stage="digest",
    stages=("digest", "files"),
    severity="high",
    why="OMS has every listed file verified.",
    gain="Changed contents pass as signed.",
)
def wide_and_one_changed() -> Edit:
    """One of four hundred files has other contents."""
    return tree("replace", path="f399", entry=file("f399", "398"))


@FAMILY.reject(
    "many-signatures",
    "BUNDLE-01",
    stage="envelope",
    stages=("envelope", "bundle", "signature"),
    why="The envelope of a Sigstore bundle has exactly one signature.",
)
def many_signatures() -> Edit:
    """The envelope has five hundred signatures that do not hold."""
    return set_at("envelope", "/signatures", [{"sig": "MAYCAQECAQE="}] * 500)


OPEN = FAMILY.group(
    why="RFC 8259 lets a reader set limits; this project's are far above what honest bundles need.",
    stages=("bundle",),
    stage="bundle",
)


@OPEN.either("deep-bundle", "REF-JSON-04", severity="high")
def deep_bundle() -> Edit:
    """A member that nobody reads nests a hundred thousand arrays, which a recursive reader does not survive."""
    return substitute(
        "bundle-bytes", '{"dsseEnvelope":{', '{"dsseEnvelope":{"note":' + "[" * 100_000 + "]" * 100_000 + ","
    )


@OPEN.either("deep-payload", "REF-JSON-04", severity="high", stage="statement", stages=("statement",))
def deep_payload() -> Edit:
    """A member of the signed statement that nobody reads nests a hundred thousand arrays."""
    return substitute("payload-bytes", '{"_type":', '{"_note":' + "[" * 100_000 + "]" * 100_000 + ',"_type":')


@OPEN.either("long-number", "REF-JSON-04")
def long_number() -> Edit:
    """A number that nobody reads has a hundred thousand digits, which take a reader seconds to convert."""
    return substitute("bundle-bytes", '{"dsseEnvelope":{', '{"dsseEnvelope":{"note":' + "9" * 100_000 + ",")


@OPEN.either("huge-bundle", "REF-BUNDLE-01")
def huge_bundle() -> Edit:
    """A bundle goes on with white space for 257 mebibytes."""
    return {"layer": "bundle-bytes", "op": "repeat", "data": " ", "count": 257 << 20}


@OPEN.either("larger-than-allowed", "REF-BUNDLE-01", control="bounded", severity="low")
def larger_than_allowed() -> Edit:
    """A bundle goes on with white space for longer than the caller allows."""
    return {"layer": "bundle-bytes", "op": "repeat", "data": " ", "count": 20_000}


@FAMILY.control("bounded", "OMS-8.4-01")
def bounded() -> Material:
    """A bundle of fewer bytes than the caller allows."""
    return apply(key_case({"bounded.bin": "bounded"}), option("max_bundle_bytes", 20_000))


def nested(depth: int) -> Edit:
    """A member of the envelope that nobody reads, so many arrays deep."""
    return substitute("bundle-bytes", '{"dsseEnvelope":{', '{"dsseEnvelope":{"note":' + "[" * depth + "]" * depth + ",")


def digits(count: int) -> Edit:
    """A member of the envelope that nobody reads, a number of so many digits."""
    return substitute("bundle-bytes", '{"dsseEnvelope":{', '{"dsseEnvelope":{"note":' + "9" * count + ",")


@OPEN.either("as-deep-as-allowed", "REF-JSON-04", ours="accept", severity="low", profile="core")
def as_deep_as_allowed() -> Edit:
    """The bundle nests 64 deep, which is as deep as this project reads."""
    return nested(62)


@OPEN.either("deeper-than-allowed", "REF-JSON-04", severity="low")
def deeper_than_allowed() -> Edit:
    """The bundle nests 65 deep."""
    return nested(63)


@OPEN.either("as-long-as-allowed", "REF-JSON-04", ours="accept", severity="low", profile="core")
def as_long_as_allowed() -> Edit:
    """A number has 64 digits, which is as many as this project reads."""
    return digits(64)


@OPEN.either("longer-than-allowed", "REF-JSON-04", severity="low")
def longer_than_allowed() -> Edit:
    """A number has 65 digits."""
    return digits(65)


def noted(text: Content) -> Edit:
    """A member of the envelope that nobody reads, whose value is `text`, written as it is."""
    parts = [text if isinstance(text, dict) else {"text": str(text)}]
    replace = {"parts": [{"text": '{"dsseEnvelope":{"note":'}, *parts, {"text": ","}]}
    return substitute("bundle-bytes", '{"dsseEnvelope":{', replace)


@OPEN.either("fraction-as-long-as-allowed", "REF-JSON-04", ours="accept", severity="low", profile="core")
def fraction_as_long_as_allowed() -> Edit:
    """A fraction has 64 characters, which is as many as this project reads."""
    return noted("0." + "1" * 62)


@OPEN.either("fraction-longer-than-allowed", "REF-JSON-04", severity="low")
def fraction_longer_than_allowed() -> Edit:
    """A fraction has 65 characters."""
    return noted("0." + "1" * 63)


@OPEN.either("deep-after-flat", "REF-JSON-04", severity="low")
def deep_after_flat() -> Edit:
    """The bundle nests 65 deep, after a hundred empty arrays and objects."""
    return noted("[" + "[],{}," * 100 + "[" * 62 + "]" * 62 + "]")


@OPEN.either("deep-far-in", "REF-JSON-04", severity="low")
def deep_far_in() -> Edit:
    """The bundle nests 65 deep; half of the brackets come before its byte 65,536, and half after."""
    return noted(
        {"parts": [{"text": "[" * 30 + '"'}, {"repeat": ".", "count": 65_479}, {"text": '",' + "[" * 33 + "]" * 63}]}
    )


@OPEN.either("brackets-far-in", "REF-JSON-04", ours="accept", severity="low", profile="core")
def brackets_far_in() -> Edit:
    """A string begins before byte 65,536 of the bundle, and after it holds brackets, which nest nothing."""
    return noted(
        {"parts": [{"text": '"'}, {"repeat": "[]", "count": 30_000}, {"repeat": "[", "count": 6_000}, {"text": '"'}]}
    )


def crowded(text: str, count: int) -> Edit:
    """A string that nobody reads is `text` so often."""
    return noted({"parts": [{"text": '"'}, {"repeat": text, "count": count}, {"text": '"'}]})


FULL = (1 << 16) - 1 - 11  # commas and opening brackets of the control and of what is put into it


@OPEN.either("as-many-values-as-allowed", "REF-JSON-04", ours="accept", severity="low", profile="core")
def as_many_values_as_allowed() -> Edit:
    """The bundle has 65,535 commas and opening brackets, which is as many as this project reads."""
    return crowded(",", FULL)


@OPEN.either("more-commas-than-allowed", "REF-JSON-04", severity="low")
def more_commas_than_allowed() -> Edit:
    """The bundle has 65,536 commas and opening brackets, nearly all of them commas."""
    return crowded(",", FULL + 1)


@OPEN.either("more-arrays-than-allowed", "REF-JSON-04", severity="low")
def more_arrays_than_allowed() -> Edit:
    """The bundle has 65,536 commas and opening brackets, nearly all of them those of arrays."""
    return crowded("[", FULL + 1)


@OPEN.either("more-objects-than-allowed", "REF-JSON-04", severity="low")
def more_objects_than_allowed() -> Edit:
    """The bundle has 65,536 commas and opening brackets, nearly all of them those of objects."""
    return crowded("{", FULL + 1)


@OPEN.either("as-large-as-allowed", "REF-BUNDLE-01", control="bounded", ours="accept", severity="low", profile="core")
def as_large_as_allowed() -> Edit:
    """A bundle has exactly as many bytes as the caller allows."""
    return option("max_bundle_bytes", len(case.bundle_bytes(bounded())))


@OPEN.either("a-byte-larger-than-allowed", "REF-BUNDLE-01", control="bounded", severity="low")
def a_byte_larger_than_allowed() -> Edit:
    """A bundle has one byte more than the caller allows."""
    return option("max_bundle_bytes", len(case.bundle_bytes(bounded())) - 1)


@OPEN.either("long-number-after-another", "REF-JSON-04", severity="low")
def long_number_after_another() -> Edit:
    """Of two numbers the second has 65 digits."""
    return noted("[1," + "9" * 65 + "]")


@OPEN.either("crowded-payload", "REF-JSON-04", ours="accept", severity="low", profile="core")
def crowded_payload() -> Edit:
    """A string in the signed statement has more commas than the bundle itself may have."""
    return substitute("payload-bytes", '{"_type":', '{"_note":"' + "," * 70_000 + '","_type":')
