"""The DSSE envelope: base64, payload type, and the number of signatures."""

from __future__ import annotations

from itertools import count

from conformance.generate.edits import insert_at, open_bundle, remove_at, set_at, spell
from conformance.generate.kit import JSON, Edit, Family, Material, key_case

FAMILY = Family("envelope", "Envelope, base64, number of signatures", stage="envelope", control="plain")

SIG, PAYLOAD = "/signatures/0/sig", "/payload"


@FAMILY.control("plain", "OMS-4-01", "DSSE-03", "INTOTO-01")
def plain() -> Material:
    """An envelope whose payload and signature need padding and hold characters that the alphabets differ in."""
    files = {"gr\u00f6\u00dfe?.txt": "drei", "\u00ff\u00ff\u00ff>>>???": "data~~~"}
    made = (key_case(files, name=f"name {number}") for number in count())
    return next(material for material in made if _shows_all(open_bundle(material)["dsseEnvelope"]))


def _shows_all(envelope: JSON) -> bool:
    """Whether both texts end in two padding characters and have both characters that the alphabets differ in."""
    texts = (envelope["payload"], envelope["signatures"][0]["sig"])
    return all(text.endswith("==") and "+" in text and "/" in text for text in texts)


ALPHABET = FAMILY.group(
    why="DSSE has a verifier accept the standard and the URL-safe alphabet.",
    gain="Envelopes of writers that use the other alphabet can't be verified.",
)


@ALPHABET.accept("url-safe-payload", "DSSE-02")
def url_safe_payload() -> Edit:
    """The payload is in URL-safe base64."""
    return spell(PAYLOAD, "url-safe")


@ALPHABET.accept("url-safe-signature", "DSSE-02")
def url_safe_signature() -> Edit:
    """The signature is in URL-safe base64."""
    return spell(SIG, "url-safe")


FOREIGN = FAMILY.group(
    stages=("envelope", "bundle"),
    why="RFC 4648 has a decoder refuse characters outside the alphabet unless told otherwise (section 3.3).",
    gain="An envelope can be changed without breaking its signature, and may hide data or pass a filter.",
)


@FOREIGN.reject("payload-foreign-character", "BASE64-01")
def payload_foreign_character() -> Edit:
    """The payload's base64 holds an exclamation mark."""
    return spell(PAYLOAD, "a foreign character")


@FOREIGN.reject("signature-foreign-character", "BASE64-01")
def signature_foreign_character() -> Edit:
    """The signature's base64 holds an exclamation mark."""
    return spell(SIG, "a foreign character")


@FOREIGN.reject("payload-space", "BASE64-01")
def payload_space() -> Edit:
    """The payload's base64 holds a space."""
    return spell(PAYLOAD, "a space inside")


@FOREIGN.reject("signature-newline", "BASE64-01")
def signature_newline() -> Edit:
    """The signature's base64 ends in a newline, as `base64` on the command line writes it."""
    return spell(SIG, "a newline at the end")


@FOREIGN.reject("payload-in-lines", "BASE64-01")
def payload_in_lines() -> Edit:
    """The payload's base64 is in lines of 76 characters, as MIME has it."""
    return spell(PAYLOAD, "lines of 76")


@FOREIGN.reject("payload-nul", "BASE64-01")
def payload_nul() -> Edit:
    """The payload's base64 holds a NUL, where a reader of C strings stops."""
    return spell(PAYLOAD, "a NUL inside")


@FOREIGN.reject("payload-wide-character", "BASE64-01")
def payload_wide_character() -> Edit:
    """The payload's base64 holds a full-width letter, which Unicode normalisation makes a plain one."""
    return spell(PAYLOAD, "a wide character")


@FOREIGN.reject("payload-data-url", "BASE64-01", severity="low")
def payload_data_url() -> Edit:
    """The payload is written as a data URL."""
    return spell(PAYLOAD, "a data URL")


@FOREIGN.reject("payload-percent-signs", "BASE64-01", severity="low")
def payload_percent_signs() -> Edit:
    """The payload's padding is percent-encoded, as in a URL."""
    return spell(PAYLOAD, "percent signs")


PADDING = FOREIGN.group(why="Base64 is in groups of four characters, padded at the end alone and no more than needed.")


@PADDING.reject("payload-padding-inside", "BASE64-02")
def payload_padding_inside() -> Edit:
    """Padding characters stand in the middle of the payload's base64, where some decoders stop reading."""
    return spell(PAYLOAD, "padding inside")


@PADDING.reject("payload-too-much-padding", "BASE64-02")
def payload_too_much_padding() -> Edit:
    """The payload's base64 has a padding character too many."""
    return spell(PAYLOAD, "too much padding")


@PADDING.reject("payload-group-of-padding", "BASE64-02")
def payload_group_of_padding() -> Edit:
    """The payload's base64 ends in a whole group of padding."""
    return spell(PAYLOAD, "four more padding characters")


@PADDING.reject("payload-after-padding", "BASE64-02")
def payload_after_padding() -> Edit:
    """More characters follow the padding of the payload."""
    return spell(PAYLOAD, "more after the padding")


@PADDING.reject("signature-after-padding", "BASE64-02")
def signature_after_padding() -> Edit:
    """More characters follow the padding of the signature."""
    return spell(SIG, "more after the padding")


@PADDING.reject("signature-padding-short", "BASE64-02", severity="low")
def signature_padding_short() -> Edit:
    """The signature's base64 lacks one of two padding characters."""
    return spell(SIG, "a padding character short")


SPELLING = FAMILY.group(
    severity="low",
    why="RFC 4648 lets a decoder refuse it and protobuf's JSON mapping has one accept it.",
    gain="The same bytes have several spellings, so a bundle can be changed without breaking its signature.",
)


@SPELLING.either("payload-no-padding", "REF-BASE64-03")
def payload_no_padding() -> Edit:
    """The payload's base64 has no padding."""
    return spell(PAYLOAD, "no padding")


@SPELLING.either("signature-no-padding", "REF-BASE64-03")
def signature_no_padding() -> Edit:
    """The signature's base64 has no padding."""
    return spell(SIG, "no padding")


@SPELLING.either("payload-last-bits", "REF-BASE64-02")
def payload_last_bits() -> Edit:
    """The unused bits of the last character of the payload's base64 are not zero."""
    return spell(PAYLOAD, "last bits set")


@SPELLING.either("signature-last-bits", "REF-BASE64-02")
def signature_last_bits() -> Edit:
    """The unused bits of the last character of the signature's base64 are not zero."""
    return spell(SIG, "last bits set")


OTHER = FAMILY.group(
    stages=("envelope", "bundle", "signature", "statement"),
    why="DSSE has payload and signature be base64 of the bytes.",
    gain="A client that guesses encodings can be made to check other bytes than it uses.",
)


@OTHER.reject("payload-encoded-twice", "DSSE-01", stage="signature")
def payload_encoded_twice() -> Edit:
    """The payload is base64 of its base64."""
    return spell(PAYLOAD, "twice")


@OTHER.reject("payload-not-encoded", "OMS-4-01", stage="bundle")
def payload_not_encoded() -> Edit:
    """The payload is a JSON object and not base64 of one."""
    return set_at("envelope", PAYLOAD, {"_type": "https://in-toto.io/Statement/v1"})


@OTHER.reject("no-payload", "OMS-4-01", stage="bundle")
def no_payload() -> Edit:
    """The envelope has no payload."""
    return remove_at("envelope", PAYLOAD)


@OTHER.reject("payload-null", "OMS-4-01", stage="bundle", severity="low")
def payload_null() -> Edit:
    """The payload is null."""
    return set_at("envelope", PAYLOAD, None)


KIND = FAMILY.group(
    severity="high",
    stages=("envelope", "bundle"),
    why="The payload is an in-toto statement, whose payload type is application/vnd.in-toto+json and nothing else.",
    gain="A signature that was given for a document of another kind is taken for one over a model.",
)


def payload_type(value: object) -> Edit:
    """Another payload type, with a signature that holds over it."""
    return set_at("envelope", "/payloadType", value, signed_again=True)


@KIND.reject("type-json", "INTOTO-01")
def type_json() -> Edit:
    """The payload type is application/json, and the signature was made over that."""
    return payload_type("application/json")


@KIND.reject("type-empty", "INTOTO-01")
def type_empty() -> Edit:
    """The payload type is empty, and the signature was made over that."""
    return payload_type("")


@KIND.reject("type-upper-case", "INTOTO-01", severity="medium")
def type_upper_case() -> Edit:
    """The payload type starts with a capital letter, and the signature was made over that."""
    return payload_type("Application/vnd.in-toto+json")


@KIND.reject("type-with-parameter", "INTOTO-01", severity="medium")
def type_with_parameter() -> Edit:
    """The payload type has a parameter, and the signature was made over that."""
    return payload_type("application/vnd.in-toto+json; charset=utf-8")


@KIND.reject("type-longer", "INTOTO-01", severity="medium")
def type_longer() -> Edit:
    """The payload type goes on after the right one, and the signature was made over that."""
    return payload_type("application/vnd.in-toto+jsonl")


@KIND.reject("type-with-predicate", "INTOTO-01", severity="medium")
def type_with_predicate() -> Edit:
    """The payload type names a predicate, in the form kept for predicates that in-toto has registered."""
    return payload_type("application/vnd.in-toto.model-signing+json")


@KIND.reject("type-with-space", "INTOTO-01", severity="low")
def type_with_space() -> Edit:
    """The payload type ends in a space, and the signature was made over that."""
    return payload_type("application/vnd.in-toto+json ")


@KIND.reject("no-type", "OMS-4-01", "INTOTO-01", stage="bundle")
def no_type() -> Edit:
    """The envelope has no payload type."""
    return remove_at("envelope", "/payloadType")


@KIND.reject("type-null", "OMS-4-01", "INTOTO-01", stage="bundle", severity="low")
def type_null() -> Edit:
    """The payload type is null."""
    return set_at("envelope", "/payloadType", None)


COUNT = FAMILY.group(
    severity="high",
    stages=("envelope", "bundle", "signature"),
    why="DSSE has at least one signature, and the envelope of a Sigstore bundle has exactly one.",
    gain="A client that checks one of several, or none at all, calls signed what nobody signed.",
)
GARBAGE = {"sig": "MAYCAQECAQE="}


@COUNT.reject("no-signature", "DSSE-03", "BUNDLE-01")
def no_signature() -> Edit:
    """The list of signatures is empty, so that a loop over it finds nothing wrong."""
    return set_at("envelope", "/signatures", [])


@COUNT.reject("signatures-absent", "DSSE-03", "OMS-4-01", stage="bundle")
def signatures_absent() -> Edit:
    """The envelope has no member for signatures."""
    return remove_at("envelope", "/signatures")


@COUNT.reject("signatures-null", "DSSE-03", "OMS-4-01", stage="bundle")
def signatures_null() -> Edit:
    """The member for signatures is null."""
    return set_at("envelope", "/signatures", None)


@COUNT.reject("signatures-object", "OMS-4-01", stage="bundle", severity="low")
def signatures_object() -> Edit:
    """The member for signatures is an object."""
    return set_at("envelope", "/signatures", {"0": GARBAGE})


@COUNT.reject("wrong-signature-second", "BUNDLE-01")
def wrong_signature_second() -> Edit:
    """A signature that does not hold follows the one that does."""
    return insert_at("envelope", "/signatures/-", GARBAGE)


@COUNT.reject("wrong-signature-first", "BUNDLE-01")
def wrong_signature_first() -> Edit:
    """A signature that does not hold stands before the one that does."""
    return insert_at("envelope", "/signatures/0", GARBAGE)


@COUNT.reject("null-second", "BUNDLE-01", "OMS-4-01", stage="bundle", severity="low")
def null_second() -> Edit:
    """A null follows the signature."""
    return insert_at("envelope", "/signatures/-", None)


@COUNT.reject("no-sig", "OMS-4-01", stage="bundle")
def no_sig() -> Edit:
    """The signature has no member sig."""
    return remove_at("envelope", SIG)


@COUNT.reject("sig-null", "OMS-4-01", stage="bundle")
def sig_null() -> Edit:
    """The member sig is null."""
    return set_at("envelope", SIG, None)


KEYID = FAMILY.group(
    why="OMS has a verifier accept a keyid that is absent, empty or null, and DSSE bases no decision on it.",
    gain="Bundles of released clients can't be verified.",
)


@KEYID.accept("keyid-empty", "OMS-11.1-03", "OMS-4.1-11")
def keyid_empty() -> Edit:
    """The keyid is the empty string."""
    return set_at("envelope", "/signatures/0/keyid", "")


@KEYID.accept("keyid-null", "OMS-11.1-03", "OMS-4.1-11")
def keyid_null() -> Edit:
    """The keyid is null."""
    return set_at("envelope", "/signatures/0/keyid", None)


@KEYID.accept("keyid-other", "DSSE-05")
def keyid_other() -> Edit:
    """The keyid is a name that the verifier does not know."""
    return set_at("envelope", "/signatures/0/keyid", "release key of another team")


@KEYID.reject(
    "keyid-number",
    "OMS-4-01",
    stage="bundle",
    stages=("bundle", "envelope"),
    severity="low",
    gain="A client that compares types loosely may match a key by it.",
    why="In the Sigstore format a keyid is a string; OMS adds null.",
)
def keyid_number() -> Edit:
    """The keyid is a number."""
    return set_at("envelope", "/signatures/0/keyid", 7)


@FAMILY.either(
    "unknown-member-of-signature",
    "DSSE-04",
    ours="accept",
    why="DSSE has a reader ignore members that it does not know, and OMS's schema has none allowed.",
    gain="A later version of DSSE that adds a member breaks every client that refuses it.",
)
def unknown_member_of_signature() -> Edit:
    """The signature has a member that DSSE does not name."""
    return set_at("envelope", "/signatures/0/note", "x")


@ALPHABET.control("plus-alone", "BASE64-01", severity="none")
def plus_alone() -> Material:
    """An envelope whose payload has plus signs and no slash in its base64."""
    return key_case({">>>": "three characters whose last bits make a plus sign"})


@ALPHABET.accept("minus-alone", "DSSE-02", control="plus-alone")
def minus_alone() -> Edit:
    """The payload is in URL-safe base64, which shows by minus signs alone."""
    return spell(PAYLOAD, "url-safe")


@ALPHABET.control("slash-alone", "BASE64-01", severity="none")
def slash_alone() -> Material:
    """An envelope whose payload has slashes and no plus sign in its base64."""
    return key_case({"???": "three characters whose last bits make a slash"})


@ALPHABET.accept("underscore-alone", "DSSE-02", control="slash-alone")
def underscore_alone() -> Edit:
    """The payload is in URL-safe base64, which shows by underscores alone."""
    return spell(PAYLOAD, "url-safe")


@SPELLING.either("payload-minus-and-slash", "REF-BASE64-01")
def payload_minus_and_slash() -> Edit:
    """The payload's base64 has minus signs of one alphabet and slashes of the other."""
    return spell(PAYLOAD, "minus and slash")


@SPELLING.either("payload-plus-and-underscore", "REF-BASE64-01")
def payload_plus_and_underscore() -> Edit:
    """The payload's base64 has plus signs of one alphabet and underscores of the other."""
    return spell(PAYLOAD, "plus and underscore")


@PADDING.reject("signature-one-character-more", "BASE64-02")
def signature_one_character_more() -> Edit:
    """The signature's base64 has a character more than whole groups of four, and no padding."""
    return set_at("envelope", "/signatures/0/sig", "A" * 97)


@PADDING.control("whole-groups", "BASE64-02", severity="none")
def whole_groups() -> Material:
    """An envelope whose payload is of whole groups of base64, without padding."""
    made = (key_case({f"weights{'x' * more}.bin": "whole groups"}) for more in range(3))
    return next(material for material in made if not open_bundle(material)["dsseEnvelope"]["payload"].endswith("="))


@PADDING.reject("payload-one-character-more", "BASE64-02", control="whole-groups")
def payload_one_character_more() -> Edit:
    """The payload's base64 has a character after its last group, which some decoders pass over."""
    return spell(PAYLOAD, "a character more")


@FAMILY.either(
    "unknown-member-ellipsis",
    "DSSE-04",
    ours="accept",
    severity="low",
    why="DSSE has a reader ignore members that it does not know, and OMS's schema has none allowed.",
    gain="A name that stands for something in a client's own tables is not ignored.",
)
def unknown_member_ellipsis() -> Edit:
    """The envelope has a member whose name is an ellipsis."""
    return set_at("envelope", "/\u2026", 1)
