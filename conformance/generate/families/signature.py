"""Signatures that do not hold, or hold in an encoding that is not theirs: the only family with broken ones.

Here alone an edit leaves the bundle with a signature that is no longer right; everywhere else it is made again.
"""

from __future__ import annotations

from conformance.generate.edits import model, set_at, signature, signer, substitute
from conformance.generate.kit import Edit, Family, Material, key_case

FAMILY = Family(
    "signature",
    "Signatures: ECDSA encodings, ranges, what is signed and with which hash",
    stage="signature",
    stages=("signature",),
    control="p-256",
    severity="high",
)


@FAMILY.control("p-256", "DSSE-01", "OMS-REG-04")
def p_256() -> Material:
    """A signature on P-256 with SHA-256, in DER, both numbers of full length."""
    return key_case({"weights.bin": {"seed": "signature", "length": 32}})


@FAMILY.accept(
    "p-384",
    "DSSE-01",
    "OMS-REG-04",
    why="P-384 is in the registry of OMS.",
    gain="Models signed with such a key can't be verified.",
)
def p_384() -> Edit:
    """A signature on P-384 with SHA-384."""
    return signer("p384/signature")


@FAMILY.accept(
    "p-521",
    "DSSE-01",
    "OMS-REG-04",
    why="P-521 is in the registry of OMS.",
    gain="Models signed with such a key can't be verified.",
)
def p_521() -> Edit:
    """A signature on P-521 with SHA-512, long enough for a length in two bytes."""
    return signer("p521/signature")


UNSIGNED = FAMILY.group(
    why="The signature holds over the pre-authentication encoding of these very bytes, or not at all.",
    gain="Anybody can change what a signed bundle says.",
)


@UNSIGNED.reject("content-changed", "DSSE-01")
def content_changed() -> Edit:
    """A file was changed, and with it its digest and the root digest in the payload, but the signature was kept."""
    return model("content", "weights.bin", content="changed", signature="kept")


@UNSIGNED.reject("file-added", "DSSE-01")
def file_added() -> Edit:
    """A file was added to the model and to the payload, but the signature was kept."""
    return model("add", "run.py", content="import os", signature="kept")


@UNSIGNED.reject("white-space-in-payload", "DSSE-01")
def white_space_in_payload() -> Edit:
    """A space was added to the payload, which says the same as JSON, but the signature was kept."""
    return {**substitute("payload-bytes", '{"_type":', '{ "_type":'), "signature": "kept"}


@UNSIGNED.reject("subject-renamed", "DSSE-01", severity="medium")
def subject_renamed() -> Edit:
    """The subject's name, on which nothing depends, was changed, but the signature was kept."""
    return set_at("payload", "/subject/0/name", "another", signature="kept")


@UNSIGNED.reject("empty", "DSSE-01")
def empty() -> Edit:
    """The signature has no bytes."""
    return signature("empty")


@UNSIGNED.reject("first-bit", "DSSE-01", severity="medium")
def first_bit() -> Edit:
    """A bit of r was flipped."""
    return signature("flip", byte=10)


@UNSIGNED.reject("last-bit", "DSSE-01")
def last_bit() -> Edit:
    """The last bit of s was flipped."""
    return signature("flip", byte=-1)


KEYS = FAMILY.group(
    why="The signature has to hold with the key that the caller trusts, whatever the hint says.",
    gain="Anybody who knows the public key can sign in its name.",
)


@KEYS.reject("another-signer", "DSSE-01")
def another_signer() -> Edit:
    """Another key signed, and the hint names the trusted one."""
    return signature("resign", key="p256/attacker")


@KEYS.reject("another-curve", "DSSE-01")
def another_curve() -> Edit:
    """A key on P-384 signed, and the hint names the trusted one on P-256."""
    return signature("resign", key="p384/attacker")


@KEYS.reject("rsa-signer", "DSSE-01", severity="medium")
def rsa_signer() -> Edit:
    """An RSA key signed, and the hint names the trusted one on P-256."""
    return signature("resign", key="rsa/model")


HASHES = FAMILY.group(
    severity="medium",
    why="Each curve has its own hash: SHA-256 for P-256, SHA-384 for P-384, SHA-512 for P-521.",
    gain="A client that tries several hashes accepts signatures made for another purpose or with a weak hash.",
)


@HASHES.reject("sha-1", "DSSE-01", severity="high")
def sha_1() -> Edit:
    """On P-256 the hash is SHA-1."""
    return signature("resign", hash="sha1")


@HASHES.reject("p-256-sha-384", "DSSE-01")
def p_256_sha_384() -> Edit:
    """On P-256 the hash is SHA-384."""
    return signature("resign", hash="sha384")


@HASHES.reject("p-256-sha3", "DSSE-01")
def p_256_sha3() -> Edit:
    """On P-256 the hash is SHA3-256, whose digests are as long as those of SHA-256."""
    return signature("resign", hash="sha3-256")


@HASHES.reject("p-384-sha-256", "DSSE-01", control="p-384")
def p_384_sha_256() -> Edit:
    """On P-384 the hash is SHA-256, as in a client that knows one hash."""
    return signature("resign", hash="sha256")


@HASHES.reject("p-521-sha-256", "DSSE-01", control="p-521")
def p_521_sha_256() -> Edit:
    """On P-521 the hash is SHA-256, as in a client that knows one hash."""
    return signature("resign", hash="sha256")


OVER = FAMILY.group(
    why="What is signed is the pre-authentication encoding of DSSE v1, which binds payload and payload type.",
    gain="A signature over other bytes, given for another purpose, passes for one over this model.",
)


@OVER.reject("over-payload", "DSSE-01")
def over_payload() -> Edit:
    """The signature is over the payload alone."""
    return signature("over", what="the payload alone")


@OVER.reject("over-base64", "DSSE-01", severity="medium")
def over_base64() -> Edit:
    """The signature is over the payload in base64."""
    return signature("over", what="the payload in base64")


@OVER.reject("over-no-type", "DSSE-01")
def over_no_type() -> Edit:
    """The signature is over an encoding without the payload type."""
    return signature("over", what="the encoding without payload type")


@OVER.reject("over-another-type", "DSSE-01")
def over_another_type() -> Edit:
    """The signature is over the encoding of another payload type."""
    return signature("over", what="the encoding of another payload type")


@OVER.reject("over-hex-lengths", "DSSE-01", severity="medium")
def over_hex_lengths() -> Edit:
    """The signature is over an encoding with lengths in hex."""
    return signature("over", what="the encoding with lengths in hex")


@OVER.reject("over-64-bit-lengths", "DSSE-01", severity="medium")
def over_64_bit_lengths() -> Edit:
    """The signature is over an encoding with binary lengths, as drafts of DSSE had it."""
    return signature("over", what="the encoding with 64-bit lengths")


@OVER.reject("over-newline", "DSSE-01", severity="medium")
def over_newline() -> Edit:
    """The signature is over the encoding and a newline after it."""
    return signature("over", what="the encoding with a trailing newline")


@OVER.reject("over-version-0-2", "DSSE-01")
def over_version_0_2() -> Edit:
    """The signature is over the encoding of version 0.2.0, which holds Python's notation of the payload."""
    return signature("over", what="the encoding of version 0.2.0")


@OVER.reject("over-another-payload", "DSSE-01")
def over_another_payload() -> Edit:
    """The signature is the trusted key's over another payload."""
    return signature("over", what="the encoding of another payload")


RANGE = FAMILY.group(
    why="FIPS 186-5 has both numbers be from 1 to n - 1, and the equation hold for them.",
    gain="Without the range check some numbers satisfy the equation for any message and key.",
)


@RANGE.accept(
    "negated-s",
    "DSSE-01",
    why="FIPS 186-5 takes s and n - s alike; DSSE does not ask for the lower one.",
    gain="Signatures of tools that do not choose the lower s can't be verified.",
)
def negated_s() -> Edit:
    """The number s is n - s, the other one that holds."""
    return signature("negate-s")


@RANGE.reject("r-zero", "DSSE-01")
def r_zero() -> Edit:
    """The number r is 0."""
    return signature("r-zero")


@RANGE.reject("s-zero", "DSSE-01")
def s_zero() -> Edit:
    """The number s is 0, which has no inverse."""
    return signature("s-zero")


@RANGE.reject("both-zero", "DSSE-01")
def both_zero() -> Edit:
    """Both numbers are 0, which an unchecked equation holds for (CVE-2022-21449)."""
    return signature("both-zero")


@RANGE.reject("both-one", "DSSE-01", severity="medium")
def both_one() -> Edit:
    """Both numbers are 1."""
    return signature("both-one")


@RANGE.reject("r-is-n", "DSSE-01")
def r_is_n() -> Edit:
    """The number r is n, that is 0 modulo n."""
    return signature("r-n")


@RANGE.reject("s-is-n", "DSSE-01")
def s_is_n() -> Edit:
    """The number s is n, that is 0 modulo n."""
    return signature("s-n")


@RANGE.reject("r-plus-n", "DSSE-01", severity="medium")
def r_plus_n() -> Edit:
    """The number r is larger by n, the same modulo n."""
    return signature("r-plus-n")


@RANGE.reject("s-plus-n", "DSSE-01", severity="medium")
def s_plus_n() -> Edit:
    """The number s is larger by n, the same modulo n."""
    return signature("s-plus-n")


@RANGE.reject("r-minus-n", "DSSE-01", severity="medium")
def r_minus_n() -> Edit:
    """The number r is smaller by n, a negative number that is the same modulo n."""
    return signature("r-minus-n")


@RANGE.reject("s-minus-n", "DSSE-01", severity="medium")
def s_minus_n() -> Edit:
    """The number s is smaller by n, a negative number that is the same modulo n."""
    return signature("s-minus-n")


@RANGE.reject("minus-r", "DSSE-01", severity="medium")
def minus_r() -> Edit:
    """The number r is negated, which a reader of unsigned numbers may not see."""
    return signature("minus-r")


@RANGE.reject("negated-r", "DSSE-01", severity="medium")
def negated_r() -> Edit:
    """The number r is n - r."""
    return signature("negate-r")


@RANGE.reject("swapped", "DSSE-01", severity="medium")
def swapped() -> Edit:
    """The numbers r and s are swapped."""
    return signature("swap")


DER = FAMILY.group(
    severity="medium",
    why="A signature is the DER encoding of its two numbers, which is the only one.",
    gain="The same signature has several spellings, so that a bundle can be changed without breaking it.",
)


@DER.reject("r-padded", "DSSE-01")
def r_padded() -> Edit:
    """The number r has a zero byte in front that it does not need."""
    return signature("r-padded")


@DER.reject("s-padded", "DSSE-01")
def s_padded() -> Edit:
    """The number s has a zero byte in front that it does not need."""
    return signature("s-padded")


@DER.reject("long-length", "DSSE-01")
def long_length() -> Edit:
    """The length of the sequence is in the long form, which it is too short for."""
    return signature("long-length")


@DER.reject("padded-length", "DSSE-01", control="p-521")
def padded_length() -> Edit:
    """The length of the sequence has a zero byte in front that it does not need."""
    return signature("long-length-padded")


@DER.reject("long-length-of-r", "DSSE-01")
def long_length_of_r() -> Edit:
    """The length of r is in the long form, which it is too short for."""
    return signature("long-length-of-r")


@DER.reject("indefinite-length", "DSSE-01")
def indefinite_length() -> Edit:
    """The length of the sequence is indefinite, as BER has it."""
    return signature("indefinite-length")


@DER.reject("length-too-long", "DSSE-01", severity="low")
def length_too_long() -> Edit:
    """The sequence says that it is a byte longer than it is."""
    return signature("length-too-long")


@DER.reject("length-too-short", "DSSE-01", severity="low")
def length_too_short() -> Edit:
    """The sequence says that it is a byte shorter than it is."""
    return signature("length-too-short")


@DER.reject("last-byte-cut", "DSSE-01", severity="low")
def last_byte_cut() -> Edit:
    """The last byte of the signature is missing."""
    return signature("cut")


@DER.reject("byte-after", "DSSE-01")
def byte_after() -> Edit:
    """A zero byte follows the sequence."""
    return signature("byte-after")


@DER.reject("null-inside", "DSSE-01")
def null_inside() -> Edit:
    """A NULL follows the two numbers inside the sequence."""
    return signature("byte-inside")


@DER.reject("third-number", "DSSE-01")
def third_number() -> Edit:
    """A third number follows the two inside the sequence."""
    return signature("third-integer")


@DER.reject("one-number", "DSSE-01", severity="low")
def one_number() -> Edit:
    """The sequence holds r alone."""
    return signature("only-r")


@DER.reject("a-set", "DSSE-01")
def a_set() -> Edit:
    """The two numbers are in a SET and not in a SEQUENCE."""
    return signature("set")


@DER.reject("octet-strings", "DSSE-01", severity="low")
def octet_strings() -> Edit:
    """The two numbers are octet strings and not integers."""
    return signature("octet-strings")


@DER.reject("in-a-bit-string", "DSSE-01", severity="low")
def in_a_bit_string() -> Edit:
    """The signature is in a BIT STRING, as in a certificate."""
    return signature("bit-string")


@DER.reject("raw-numbers", "DSSE-01")
def raw_numbers() -> Edit:
    """The signature is r and s in 32 bytes each, as JWS and PKCS #11 have it."""
    return signature("raw")


@DER.reject("raw-numbers-p-521", "DSSE-01", control="p-521")
def raw_numbers_p_521() -> Edit:
    """On P-521 the signature is r and s in 66 bytes each."""
    return signature("raw")


@DER.reject("in-base64-again", "DSSE-01", severity="low")
def in_base64_again() -> Edit:
    """The signature is base64 of its base64."""
    return signature("base64")


@FAMILY.reject("constructed-numbers", "DSSE-01", severity="low", why=DER.defaults["why"], gain=DER.defaults["gain"])
def constructed_numbers() -> Edit:
    """The number r has the tag of a constructed INTEGER, which there is none of."""
    return signature("constructed-integers")


@DER.reject("primitive-sequence", "DSSE-01", severity="low")
def primitive_sequence() -> Edit:
    """The outer tag is that of a primitive SEQUENCE, which there is none of."""
    return signature("primitive-sequence")


@RANGE.reject("at-infinity", "DSSE-01")
def at_infinity() -> Edit:
    """The numbers are in range, and what is computed from them is the point at infinity, which has no x to compare."""
    return signature("at-infinity")
