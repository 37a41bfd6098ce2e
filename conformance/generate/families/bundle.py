"""Bundle JSON and media types: the bytes of the bundle up to the shape of its outermost object."""

from __future__ import annotations

from conformance.generate.edits import append, encode, move_at, prepend, remove_at, set_at, substitute, surround
from conformance.generate.kit import Edit, Family, Material, key_case

FAMILY = Family("bundle", "Bundle JSON and media types", stage="bundle", control="plain")

MARK = b'"note":1'


@FAMILY.control("plain", "OMS-4-01", "OMS-8.1-01", "JSON-01", "JSON-02")
def plain() -> Material:
    """A bundle in one line of JSON over a model of two files, nothing wrong with it."""
    return key_case({"config.json": '{"layers": 2}', "weights.bin": {"seed": "bundle", "length": 64}})


@FAMILY.either(
    "unknown-number",
    "DSSE-04",
    ours="accept",
    why="DSSE has a reader ignore members that it does not know, and OMS's schema has none allowed.",
    gain="A later version of DSSE that adds a member breaks every client that refuses it.",
)
def unknown_number() -> Edit:
    """The envelope has a member that DSSE does not name; its value is a number."""
    return set_at("envelope", "/note", 1)


GRAMMAR = FAMILY.group(
    why="RFC 8259 has no such text in its grammar, and a bundle is one JSON text.",
    gain="Bytes that some parsers read and others refuse let one bundle mean two things, or hide data in it.",
    stages=("bundle",),
)


@GRAMMAR.accept(
    "white-space",
    "JSON-01",
    why="RFC 8259 allows white space around every token.",
    gain="Bundles that a person or a tool has formatted can't be verified.",
)
def white_space() -> Edit:
    """All four kinds of white space stand before the bundle."""
    return prepend("bundle-bytes", "\r\n\t ")


@GRAMMAR.accept(
    "escaped-solidus",
    "JSON-01",
    why=r"In JSON the escape \/ stands for a slash (RFC 8259, section 7).",
    gain="Bundles of writers that escape slashes, as some do by default, can't be verified.",
)
def escaped_solidus() -> Edit:
    """The slash in the media type is written as an escape."""
    return substitute("bundle-bytes", "application/vnd.dev", "application\\/vnd.dev")


@GRAMMAR.accept(
    "escaped-name",
    "JSON-01",
    why="A member's name is a string, and every character of a string may be escaped (RFC 8259, section 7).",
    gain="A reader that looks for names in the raw text misses members that are there.",
)
def escaped_name() -> Edit:
    """A letter in the name of the member mediaType is written as an escape."""
    return substitute("bundle-bytes", '"mediaType"', '"media\\u0054ype"')


@GRAMMAR.reject("empty", "JSON-01", severity="low")
def empty() -> Edit:
    """The bundle has no bytes at all."""
    return {"layer": "bundle-bytes", "op": "keep", "bytes": 0}


@GRAMMAR.reject("last-byte-cut", "JSON-01", severity="low")
def last_byte_cut() -> Edit:
    """The closing brace of the bundle is missing."""
    return substitute("bundle-bytes", "}}}", "}}")


@GRAMMAR.reject("trailing-comma", "JSON-01")
def trailing_comma() -> Edit:
    """A comma stands before the brace that closes the bundle."""
    return substitute("bundle-bytes", "}}}", "}},}")


@GRAMMAR.reject("comment", "JSON-01")
def comment() -> Edit:
    """A comment stands before the bundle."""
    return prepend("bundle-bytes", "/* signed */")


@GRAMMAR.reject("single-quotes", "JSON-01")
def single_quotes() -> Edit:
    """The name of the member mediaType is in single quotes."""
    return substitute("bundle-bytes", '"mediaType"', "'mediaType'")


@GRAMMAR.reject("bare-name", "JSON-01")
def bare_name() -> Edit:
    """The name of the member mediaType has no quotes."""
    return substitute("bundle-bytes", '"mediaType"', "mediaType")


@GRAMMAR.reject("second-value", "JSON-01")
def second_value() -> Edit:
    """A second JSON value follows the bundle."""
    return append("bundle-bytes", "{}")


@GRAMMAR.reject("nul-after", "JSON-01")
def nul_after() -> Edit:
    """A NUL byte follows the bundle, where a reader of C strings stops."""
    return append("bundle-bytes", b"\0")


@GRAMMAR.reject("no-break-space", "JSON-01")
def no_break_space() -> Edit:
    """The bundle ends in a no-break space, which is white space for Unicode and not for JSON."""
    return append("bundle-bytes", "\u00a0")


IN_NOTE = GRAMMAR.group(control="unknown-number")


def note(text: str | bytes) -> Edit:
    """The unknown member of the envelope with another value."""
    value = text.encode() if isinstance(text, str) else text
    return substitute("bundle-bytes", MARK, b'"note":' + value)


@IN_NOTE.reject("nan", "JSON-01")
def nan() -> Edit:
    """A member that nobody reads is NaN, which is no JSON number."""
    return note("NaN")


@IN_NOTE.reject("infinity", "JSON-01")
def infinity() -> Edit:
    """A member that nobody reads is -Infinity, which is no JSON number."""
    return note("-Infinity")


@IN_NOTE.reject("leading-zero", "JSON-01", severity="low")
def leading_zero() -> Edit:
    """A number starts with a zero that it does not need."""
    return note("01")


@IN_NOTE.reject("hex-number", "JSON-01", severity="low")
def hex_number() -> Edit:
    """A number is in hex."""
    return note("0x1")


@IN_NOTE.reject("plus-sign", "JSON-01", severity="low")
def plus_sign() -> Edit:
    """A number has a plus sign."""
    return note("+1")


@IN_NOTE.reject("bare-point", "JSON-01", severity="low")
def bare_point() -> Edit:
    """A number ends in its decimal point."""
    return note("1.")


@IN_NOTE.reject("capital-true", "JSON-01", severity="low")
def capital_true() -> Edit:
    """A value is written True, as Python has it."""
    return note("True")


@IN_NOTE.reject("raw-control-character", "JSON-01")
def raw_control_character() -> Edit:
    """A string holds a tab that is not escaped."""
    return note('"a\tb"')


@IN_NOTE.reject("bad-escape", "JSON-01")
def bad_escape() -> Edit:
    r"""A string holds the escape \x41, which JSON does not have."""
    return note('"\\x41"')


@IN_NOTE.reject("short-unicode-escape", "JSON-01", severity="low")
def short_unicode_escape() -> Edit:
    """A Unicode escape has two digits and not four."""
    return note('"\\u41"')


UTF8 = GRAMMAR.group(why="JSON that is exchanged between systems is in UTF-8 (RFC 8259, section 8.1).")


@UTF8.reject("utf-16", "JSON-02", "JSON-01")
def utf_16() -> Edit:
    """The bundle is in UTF-16, without a byte order mark."""
    return encode("bundle-bytes", "utf-16-le")


@UTF8.reject("utf-32", "JSON-02", "JSON-01", severity="low")
def utf_32() -> Edit:
    """The bundle is in UTF-32."""
    return encode("bundle-bytes", "utf-32-be")


UTF8_IN_NOTE = UTF8.group(control="unknown-number")


@UTF8_IN_NOTE.reject("not-utf-8", "JSON-02")
def not_utf_8() -> Edit:
    """A string that nobody reads holds the byte FF, which UTF-8 never has."""
    return note(b'"\xff"')


@UTF8_IN_NOTE.reject("overlong", "JSON-02")
def overlong() -> Edit:
    """A string that nobody reads holds a slash in two bytes, C0 AF."""
    return note(b'"\xc0\xaf"')


@UTF8_IN_NOTE.reject("encoded-surrogate", "JSON-02")
def encoded_surrogate() -> Edit:
    """A string that nobody reads holds half a surrogate pair in three bytes, ED A0 80."""
    return note(b'"\xed\xa0\x80"')


OPEN = FAMILY.group(
    why="RFC 8259 leaves it to the reader; this project refuses what two readers may take for different things.",
    gain="Two clients read different bundles out of the same bytes, and one of them is not what was checked.",
)


@OPEN.either("byte-order-mark", "REF-JSON-01")
def byte_order_mark() -> Edit:
    """The bundle starts with a byte order mark."""
    return prepend("bundle-bytes", "\ufeff")


@OPEN.either("repeated-media-type", "REF-JSON-02")
def repeated_media_type() -> Edit:
    """The member mediaType is there twice, first with another value."""
    return substitute("bundle-bytes", '"mediaType":', '"mediaType":"text/plain","mediaType":')


@OPEN.either("repeated-envelope", "REF-JSON-02", severity="high")
def repeated_envelope() -> Edit:
    """The member dsseEnvelope is there twice, first as an empty object."""
    return substitute("bundle-bytes", '{"dsseEnvelope":', '{"dsseEnvelope":{},"dsseEnvelope":')


@OPEN.either("repeated-unread", "REF-JSON-02", control="unknown-number", severity="low")
def repeated_unread() -> Edit:
    """A member that nobody reads is there twice."""
    return substitute("bundle-bytes", MARK, '"note":1,"note":2')


@OPEN.either("huge-number", "REF-JSON-03", control="unknown-number", severity="low")
def huge_number() -> Edit:
    """A number that nobody reads is too large for a double."""
    return note("1e999")


@OPEN.either("lone-surrogate", "REF-JSON-05", control="unknown-number", severity="low")
def lone_surrogate() -> Edit:
    """A string that nobody reads holds the escape of half a surrogate pair."""
    return note('"\\ud800"')


SHAPE = FAMILY.group(
    why="OMS has the outermost object be a Sigstore bundle, with its members and their types (section 4).",
    gain="A client that reads something else in their place verifies what its caller never gave it.",
)


@SHAPE.reject("in-an-array", "OMS-4-01", severity="low")
def in_an_array() -> Edit:
    """The bundle is the only element of an array."""
    return surround("bundle-bytes", "[", "]")


@SHAPE.reject("null", "OMS-4-01", severity="low")
def null() -> Edit:
    """The bundle is null."""
    return set_at("bundle", "", None)


@SHAPE.reject("no-envelope", "OMS-4-01", stages=("bundle", "envelope"))
def no_envelope() -> Edit:
    """The bundle has no dsseEnvelope."""
    return remove_at("bundle", "/dsseEnvelope")


@SHAPE.reject("envelope-null", "OMS-4-01", stages=("bundle", "envelope"))
def envelope_null() -> Edit:
    """The dsseEnvelope is null."""
    return set_at("bundle", "/dsseEnvelope", None)


@SHAPE.reject("envelope-under-another-name", "OMS-4-01", "REF-BUNDLE-02", stages=("bundle", "envelope"))
def envelope_under_another_name() -> Edit:
    """The envelope is the member messageSignature, Sigstore's other kind of content."""
    return move_at("bundle", "/dsseEnvelope", "/messageSignature")


@SHAPE.either(
    "unknown-member",
    "REF-BUNDLE-02",
    why="The Sigstore format does not name it; what OMS wants of a verifier here it does not say.",
    gain="What stands there is neither signed nor checked and may be taken for part of the bundle.",
)
def unknown_member() -> Edit:
    """The bundle has a member that the Sigstore format does not name."""
    return set_at("bundle", "/comment", "checked by nobody")


@SHAPE.either(
    "unknown-member-of-material",
    "REF-BUNDLE-02",
    why="The Sigstore format does not name it; what OMS wants of a verifier here it does not say.",
    gain="What stands there is neither signed nor checked and may be taken for material.",
)
def unknown_member_of_material() -> Edit:
    """The verification material has a member that the Sigstore format does not name."""
    return set_at("bundle", "/verificationMaterial/trusted", True)


@SHAPE.either(
    "proto-names",
    "OMS-4-01",
    "REF-BUNDLE-02",
    why="Readers of protobuf's JSON mapping take both spellings of a name; OMS and Sigstore show one.",
    gain="A bundle may hold both spellings with different values.",
)
def proto_names() -> Edit:
    """The envelope's member is written dsse_envelope, as in the protobuf definition."""
    return move_at("bundle", "/dsseEnvelope", "/dsse_envelope")


MEDIA = FAMILY.group(
    why="OMS has verifiers check the media type, so that another format is never read as this one (8.1).",
    gain="A document of another format or version, with other rules, is read by the rules of this one.",
)
PREFIX = "application/vnd.dev.sigstore.bundle"


def media(value: object) -> Edit:
    """Another media type."""
    return set_at("bundle", "/mediaType", value)


@MEDIA.accept(
    "media-type-parameter",
    "BUNDLE-03",
    why="The Sigstore format has clients accept this spelling of version 0.3 too.",
    gain="Bundles of Sigstore clients that write this spelling can't be verified.",
)
def media_type_parameter() -> Edit:
    """The media type is the older spelling of version 0.3, with a parameter."""
    return media(PREFIX + "+json;version=0.3")


@MEDIA.reject("no-media-type", "OMS-8.1-01", "OMS-4-01")
def no_media_type() -> Edit:
    """The bundle has no media type."""
    return remove_at("bundle", "/mediaType")


@MEDIA.reject("media-type-null", "OMS-8.1-01", "OMS-4-01", severity="low")
def media_type_null() -> Edit:
    """The media type is null."""
    return media(None)


@MEDIA.reject("media-type-in-an-array", "OMS-8.1-01", "OMS-4-01", severity="low")
def media_type_in_an_array() -> Edit:
    """The media type is an array that holds the right one."""
    return media([PREFIX + ".v0.3+json"])


@MEDIA.reject("media-type-empty", "OMS-8.1-01")
def media_type_empty() -> Edit:
    """The media type is the empty string."""
    return media("")


@MEDIA.reject("media-type-json", "OMS-8.1-01")
def media_type_json() -> Edit:
    """The media type is application/json."""
    return media("application/json")


@MEDIA.reject("media-type-of-the-payload", "OMS-8.1-01")
def media_type_of_the_payload() -> Edit:
    """The media type is that of the payload."""
    return media("application/vnd.in-toto+json")


@MEDIA.reject("media-type-next-version", "OMS-8.1-01")
def media_type_next_version() -> Edit:
    """The media type is that of a version 0.4, whose rules nobody knows yet."""
    return media(PREFIX + ".v0.4+json")


@MEDIA.reject("media-type-longer", "OMS-8.1-01", "OMS-8.1-02")
def media_type_longer() -> Edit:
    """The media type goes on after the right one, which an unanchored pattern does not see."""
    return media(PREFIX + ".v0.3+json.v9")


@MEDIA.reject("media-type-any-character", "OMS-8.1-01", severity="low")
def media_type_any_character() -> Edit:
    """The media type has another character for a dot, which a pattern with an unescaped dot does not see."""
    return media(PREFIX + ".v0x3+json")


@MEDIA.reject("media-type-newline", "OMS-8.1-01", severity="low")
def media_type_newline() -> Edit:
    """The media type ends in a newline, which a pattern that ends in a dollar sign lets pass."""
    return media(PREFIX + ".v0.3+json\n")


@MEDIA.either("media-type-0-1", "REF-BUNDLE-03", why="Sigstore has clients accept it; OMS shows version 0.3 alone.")
def media_type_0_1() -> Edit:
    """The media type is that of version 0.1."""
    return media(PREFIX + "+json;version=0.1")


@MEDIA.either("media-type-0-2", "REF-BUNDLE-03", why="Sigstore has clients accept it; OMS shows version 0.3 alone.")
def media_type_0_2() -> Edit:
    """The media type is that of version 0.2."""
    return media(PREFIX + "+json;version=0.2")


@MEDIA.either(
    "media-type-upper-case",
    "OMS-8.1-01",
    severity="low",
    why="Media types are compared without regard to case by RFC 6838, and exactly by OMS's schema.",
)
def media_type_upper_case() -> Edit:
    """The media type starts with a capital letter."""
    return media("Application/vnd.dev.sigstore.bundle.v0.3+json")


@SHAPE.reject("second-envelope-in-an-array", "OMS-4-01", stages=("bundle", "envelope"), severity="low")
def second_envelope_in_an_array() -> Edit:
    """The dsseEnvelope is an empty array."""
    return set_at("bundle", "/dsseEnvelope", [])


@IN_NOTE.either(
    "brackets-in-strings",
    "JSON-01",
    ours="accept",
    why="The member is one that OMS's schema has not; brackets and escaped quotes inside a string are its text.",
    gain="A client that counts brackets in the raw text refuses honest bundles.",
)
def brackets_in_strings() -> Edit:
    """A string holds a thousand opening brackets, escaped quotes and a backslash at its end."""
    return note('"' + '[{\\"' * 500 + '\\\\"')


@MEDIA.reject("media-type-fraction", "OMS-8.1-01", "OMS-4-01")
def media_type_fraction() -> Edit:
    """The media type is a number with a fraction, as if it were a version."""
    return media(0.3)


NOTATION = FAMILY.group(
    severity="low",
    why="The Sigstore format has no such member; OMS does not say what a verifier does with it.",
    gain="A verifier that marks members in a table of shapes takes the mark for a part of a name.",
)


@NOTATION.either("name-with-question-mark", "REF-BUNDLE-02")
def name_with_question_mark() -> Edit:
    """Beside the verification material stands a member of that name with a question mark."""
    return set_at("bundle", "/verificationMaterial?", {})


@NOTATION.either("name-with-exclamation-mark", "REF-BUNDLE-02")
def name_with_exclamation_mark() -> Edit:
    """Beside the media type stands a member of that name with an exclamation mark."""
    return set_at("bundle", "/mediaType!", "application/json")


@UTF8.reject("byte-after-the-end", "JSON-02", severity="low")
def byte_after_the_end() -> Edit:
    """After the JSON text comes a byte FF."""
    return append("bundle-bytes", b"\xff")
