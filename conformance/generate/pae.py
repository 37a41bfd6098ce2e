"""DSSE alone: encodings to compare and envelopes to verify, usable with no OMS code.

`encode` vectors give payload type, payload and the bytes that are signed. `verify` vectors give an envelope
and a key as well: a client says whether the envelope holds, and if so what its payload is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from . import keys
from .kit import as_rule, b64, dump, pae

NAME, TITLE = "pae", "DSSE: pre-authentication encoding and envelopes, without OMS"
SIGNER = "p256/dsse"
HELLO = ("http://example.com/HelloWorld", b"hello world")

Vector = dict[str, Any]
_VECTORS: list[Callable[[], Vector]] = []
Make = Callable[[], Any]


def _vector(name: str, about: dict[str, Any], made: tuple[str, bytes, Any]) -> Vector:
    kind, body, envelope = made
    return {
        "id": f"{NAME}/{name}",
        **about,
        "payload_type": kind,
        "payload": as_rule(body),
        "pae": as_rule(pae(kind, body)),
        "envelope": None if envelope is None else dump(envelope).decode(),
        "public_key": None if envelope is None else keys.public_pem(SIGNER),
    }


def _about(function: Make, *words: str, verdict: str, severity: str, control: str | None, kind: str) -> Any:
    assert function.__doc__
    what = " ".join(function.__doc__.split())
    return {
        "what": what,
        "why": words[0],
        "gain": words[1],
        "severity": severity,
        "clauses": ["DSSE-01"],
        "kind": kind,
        "verdict": verdict,
        "control": control and f"{NAME}/{control}",
    }


ENCODED = (
    "DSSE signs the version, and both strings with their lengths in bytes before them.",
    "Two different messages have one encoding, so that a signature on one is good for the other.",
)


def encode(name: str) -> Callable[[Make], Make]:
    """A vector that gives (payload type, payload)."""

    def register(function: Make) -> Make:
        about = _about(function, *ENCODED, verdict="accept", severity="none", control=None, kind="encode")
        _VECTORS.append(lambda: _vector(name, about, (*function(), None)))
        return function

    return register


def envelope_of(
    kind: str, body: bytes, message: bytes | None = None, label: str = SIGNER, hash_name: str | None = None
) -> Any:
    """An envelope over `body`, with a signature over `message` if that is not what it should be over."""
    signature = keys.sign(label, pae(kind, body) if message is None else message, hash_name)
    return {"payload": b64(body), "payloadType": kind, "signatures": [{"sig": b64(signature)}]}


def verify(name: str, verdict: str, why: str, gain: str, control: str | None = "hello") -> Callable[[Make], Make]:
    """A vector that gives (payload type, payload, envelope)."""

    def register(function: Make) -> Make:
        severity = "high" if verdict == "reject" else "low" if control else "none"
        about = _about(function, why, gain, verdict=verdict, severity=severity, control=control, kind="verify")
        _VECTORS.append(lambda: _vector(name, about, function()))
        return function

    return register


def vectors() -> list[Vector]:
    """All of them, made."""
    return [make() for make in _VECTORS]


Pair = tuple[str, bytes]
Signed = tuple[str, bytes, Any]


@encode("example")
def example() -> Pair:
    """The example of the DSSE protocol."""
    return HELLO


@encode("nothing")
def nothing() -> Pair:
    """Payload type and payload are empty, and their lengths and separators are there."""
    return "", b""


@encode("empty-payload")
def empty_payload() -> Pair:
    """The payload is empty, and the encoding ends in a space."""
    return "text/plain", b""


@encode("empty-type")
def empty_type() -> Pair:
    """The payload type is empty."""
    return "", b"hello"


@encode("two-digits")
def two_digits() -> Pair:
    """The payload has ten bytes, a length of two digits without padding."""
    return "text/plain", b"0123456789"


@encode("three-digits")
def three_digits() -> Pair:
    """The payload has a hundred bytes, and its length no separator of thousands."""
    return "text/plain", b"x" * 100


@encode("five-digits")
def five_digits() -> Pair:
    """The payload has more than ten thousand bytes, and its length no separator of thousands."""
    return "text/plain", b"y" * 10_001


@encode("type-not-ascii")
def type_not_ascii() -> Pair:
    """The payload type is not ASCII: its length is that of its UTF-8 bytes, not of its characters."""
    return "text/\u00e9t\u00e9", b"hello"


@encode("type-beyond-16-bits")
def type_beyond_16_bits() -> Pair:
    """The payload type has a code point beyond 16 bits: four bytes, one character, two units of UTF-16."""
    return "text/\U0001f9e0", b"hello"


@encode("payload-not-utf-8")
def payload_not_utf_8() -> Pair:
    """The payload is no text in UTF-8."""
    return "application/octet-stream", b"\xff\xfe\x00\xc3\x28"


@encode("payload-with-nul")
def payload_with_nul() -> Pair:
    """The payload starts with a NUL and ends in a newline, which belong to it."""
    return "text/plain", b"\0hello\n"


@encode("type-with-spaces")
def type_with_spaces() -> Pair:
    """The payload type holds spaces and digits, as an encoding does."""
    return "a 1 b", b"c"


@encode("payload-with-spaces")
def payload_with_spaces() -> Pair:
    """The payload holds what the one before has in its type: without lengths the two would be one."""
    return "a", b"1 b 1 c"


@encode("an-encoding-inside")
def an_encoding_inside() -> Pair:
    """The payload is itself an encoding."""
    return HELLO[0], pae(*HELLO)


@encode("in-toto")
def in_toto() -> Pair:
    """The payload is a small in-toto statement."""
    value = {"_type": "https://in-toto.io/Statement/v1", "subject": [], "predicateType": "https://example.com/x"}
    return "application/vnd.in-toto+json", json.dumps(value).encode()


FITS = "The signature holds over the encoding of payload type and payload."
LOST = "Envelopes that others wrote can't be verified."


@verify("hello", "accept", FITS, LOST, control=None)
def hello() -> Signed:
    """An envelope over the example, signed on P-256 with SHA-256."""
    return *HELLO, envelope_of(*HELLO)


@verify("url-safe", "accept", "DSSE has a verifier accept both alphabets of base64.", LOST)
def url_safe() -> Signed:
    """Payload and signature are in URL-safe base64, and hold characters that the alphabets differ in."""
    kind, body = "text/plain", b"\xfb\xff\xfe>>>???"
    made = envelope_of(kind, body)
    table = str.maketrans("+/", "-_")
    made["payload"] = made["payload"].translate(table)
    made["signatures"][0]["sig"] = made["signatures"][0]["sig"].translate(table)
    return kind, body, made


@verify("unknown-members", "accept", "DSSE has a reader ignore members that it does not know.", LOST)
def unknown_members() -> Signed:
    """Envelope and signature have members that DSSE does not name."""
    made = envelope_of(*HELLO)
    made["note"], made["signatures"][0]["note"] = 1, [2]
    return *HELLO, made


@verify("keyid", "accept", "No decision rests on the keyid; it helps to find the key.", LOST)
def keyid() -> Signed:
    """The signature has a keyid that the verifier does not know."""
    made = envelope_of(*HELLO)
    made["signatures"][0]["keyid"] = "somebody"
    return *HELLO, made


@verify(
    "second-signature", "accept", "In DSSE a signature with an accepted key suffices; others are passed over.", LOST
)
def second_signature() -> Signed:
    """A signature with a key that the verifier does not know stands before the one that holds."""
    made = envelope_of(*HELLO)
    made["signatures"].insert(0, envelope_of(*HELLO, label="p256/other")["signatures"][0])
    return *HELLO, made


WRONG = "The signature holds over the encoding of exactly this payload type and payload, or not at all."
FORGED = "A signature that was given for something else is taken for one over this."


@verify("other-payload", "reject", WRONG, FORGED)
def other_payload() -> Signed:
    """The payload is another than the signed one."""
    made = envelope_of(HELLO[0], b"hello World", pae(*HELLO))
    return HELLO[0], b"hello World", made


@verify("other-type", "reject", WRONG, FORGED)
def other_type() -> Signed:
    """The payload type is another than the signed one."""
    made = envelope_of("http://example.com/Other", HELLO[1], pae(*HELLO))
    return "http://example.com/Other", HELLO[1], made


@verify("over-payload", "reject", WRONG, FORGED)
def over_payload() -> Signed:
    """The signature is over the payload alone."""
    return *HELLO, envelope_of(*HELLO, HELLO[1])


@verify("over-base64", "reject", WRONG, FORGED)
def over_base64() -> Signed:
    """The signature is over the encoding with the payload in base64."""
    return *HELLO, envelope_of(*HELLO, pae(HELLO[0], b64(HELLO[1]).encode()))


@verify("over-concatenation", "reject", WRONG, FORGED)
def over_concatenation() -> Signed:
    """The signature is over type and payload without lengths."""
    return *HELLO, envelope_of(*HELLO, b"DSSEv1 " + HELLO[0].encode() + b" " + HELLO[1])


@verify("length-in-characters", "reject", WRONG, FORGED)
def length_in_characters() -> Signed:
    """The signature is over an encoding whose length of the payload type is in characters."""
    kind = "text/\u00e9"
    message = b"DSSEv1 6 " + kind.encode() + b" 2 hi"
    return kind, b"hi", envelope_of(kind, b"hi", message)


@verify("boundary-moved", "reject", WRONG, FORGED)
def boundary_moved() -> Signed:
    """A byte was moved from the payload's start to the type's end, which lengths alone keep apart."""
    return "text/plainh", b"i", envelope_of("text/plainh", b"i", pae("text/plain", b"hi"))


@verify("lower-case-version", "reject", WRONG, FORGED)
def lower_case_version() -> Signed:
    """The signature is over an encoding that starts in DSSEV1, as a released client had it."""
    return *HELLO, envelope_of(*HELLO, pae(*HELLO).replace(b"DSSEv1", b"DSSEV1"))


@verify("another-key", "reject", WRONG, FORGED)
def another_key() -> Signed:
    """Another key signed."""
    return *HELLO, envelope_of(*HELLO, label="p256/other")


@verify("another-hash", "reject", WRONG, FORGED)
def another_hash() -> Signed:
    """The signature on P-256 is with SHA-384."""
    return *HELLO, envelope_of(*HELLO, hash_name="sha384")


@verify("no-signature", "reject", "DSSE has at least one signature.", "Nobody's word is taken for somebody's.")
def no_signature() -> Signed:
    """The list of signatures is empty."""
    return *HELLO, {**envelope_of(*HELLO), "signatures": []}


@verify(
    "junk-in-base64",
    "reject",
    "RFC 4648 has a decoder refuse foreign characters.",
    "An envelope can be changed unseen.",
)
def junk_in_base64() -> Signed:
    """The payload's base64 holds a foreign character."""
    made = envelope_of(*HELLO)
    return *HELLO, {**made, "payload": made["payload"][:4] + "!" + made["payload"][4:]}
