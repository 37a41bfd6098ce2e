"""DSSE v1: pre-authentication encoding, strict base64, and the envelope (secure-systems-lab/dsse)."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from .errors import EnvelopeRejected, Warn, holds
from .strictjson import ANY_OTHER, JSON, dump

PAYLOAD_TYPE = "application/vnd.in-toto+json"

ENVELOPE_SHAPE = {
    "payload": str,
    "payloadType": str,
    "signatures": [{"sig": str, "keyid?": (str, type(None)), ANY_OTHER: None}],  # OMS-4.1-09, OMS-4.1-11
    ANY_OTHER: None,  # DSSE-04
}

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


class Envelope(NamedTuple):
    """What is signed, of which type, and its one signature; bytes as decoded from base64."""

    payload_type: str
    payload: bytes
    signature: bytes
    keyid: str | None = ""


def pae(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed (DSSE-01): `DSSEv1 LEN(type) type LEN(body) body`."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def read_envelope(value: JSON, warn: Warn | None = None) -> Envelope:
    """The envelope in `value`, whose shape (ENVELOPE_SHAPE) was checked with the bundle's.

    Raises EnvelopeRejected.
    """
    if value["payloadType"] != PAYLOAD_TYPE:
        raise EnvelopeRejected(f"payloadType is not {PAYLOAD_TYPE}", clause="INTOTO-01")
    holds(warn, "6", payload_type=PAYLOAD_TYPE)
    if not value["signatures"]:
        raise EnvelopeRejected("the envelope has no signature", clause="DSSE-03")
    if len(value["signatures"]) > 1:
        detail = f"the envelope has {len(value['signatures'])} signatures, not one"
        raise EnvelopeRejected(detail, clause="BUNDLE-01")
    holds(warn, "7", signatures=1)
    signature = value["signatures"][0]
    decoded = {}
    for what, text in (("payload", value["payload"]), ("signature", signature["sig"])):
        try:
            decoded[what] = decode_base64(text)
        except ValueError as error:
            fault, clause = error.args
            raise EnvelopeRejected(f"the {what} is not base64: {fault}", clause=clause) from None
    holds(warn, "8", payload_bytes=len(decoded["payload"]), signature=decoded["signature"])
    return Envelope(PAYLOAD_TYPE, decoded["payload"], decoded["signature"], signature.get("keyid", ""))


def write_envelope(envelope: Envelope) -> bytes:
    """The canonical JSON of `envelope`: standard base64, and no keyid (OMS-4.1-10)."""
    return b'{"payload":"%b","payloadType":%b,"signatures":[{"sig":"%b"}]}' % (
        base64.b64encode(envelope.payload),
        dump(envelope.payload_type),
        base64.b64encode(envelope.signature),
    )


def decode_base64(text: str) -> bytes:
    """The bytes of standard or URL-safe base64 (DSSE-02), the one spelling of them only.

    Raises ValueError with the fault and its clause: BASE64-01 for a foreign character, BASE64-02 for wrong
    padding, REF-BASE64-01 for both alphabets at once, REF-BASE64-02 for last bits that are not zero, and
    REF-BASE64-03 for no padding at all, which protobuf's JSON mapping lets be.
    """
    try:
        data = text.encode("ascii")
    except UnicodeEncodeError:
        raise ValueError("a character outside the alphabet", "BASE64-01") from None
    if b"-" in data or b"_" in data:
        if b"+" in data or b"/" in data:
            raise ValueError("two alphabets in one text", "REF-BASE64-01")
        data = data.translate(_TO_STANDARD)
    if data.translate(None, _ALPHABET):
        raise ValueError("a character outside the alphabet", "BASE64-01")
    if len(data) % 4 > 1 and b"=" not in data:
        raise ValueError("it has no padding", "REF-BASE64-03")
    if len(data) % 4:
        raise ValueError("its padding is wrong", "BASE64-02")
    try:
        decoded = base64.b64decode(data, validate=True)
    except binascii.Error:
        raise ValueError("its padding is wrong", "BASE64-02") from None
    if base64.b64encode(decoded[-(len(decoded) % 3 or 3) :]) != data[-4:]:
        raise ValueError("its last bits are not zero", "REF-BASE64-02")
    return decoded


def encode_base64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648, section 4)."""
    return base64.b64encode(data).decode("ascii")
