"""Named ways to make a signature other than as it should be, or in another form that is as good.

Each takes the signer's label and the pre-authentication encoding and gives the bytes of `sig`. They are
named, not stored, so that the same change can be made with fresh keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from . import keys

Transform = Callable[..., bytes]


def integer(value: int, *, pad: int = 0, minimal: bool = True) -> bytes:
    """A DER INTEGER; with `pad` zeros too many in front, or with `minimal` false without the sign's zero."""
    size = max(1, (value.bit_length() + (8 if minimal else 7)) // 8)
    return tlv(0x02, bytes(pad) + value.to_bytes(size, "big"))


def negative(value: int) -> bytes:
    """A DER INTEGER below zero."""
    return tlv(0x02, value.to_bytes((value.bit_length() + 8) // 8, "big", signed=True))


def tlv(tag: int, body: bytes) -> bytes:
    """Tag, length in the short or the shortest long form, and content."""
    return bytes([tag]) + length(len(body)) + body


def length(size: int) -> bytes:
    """A length as DER wants it."""
    if size < 0x80:
        return bytes([size])
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(digits)]) + digits


def pair(r: int, s: int) -> bytes:
    """SEQUENCE { r, s } as FIPS 186-5 signatures are encoded."""
    return tlv(0x30, integer(r) + integer(s))


class Made:
    """A signature as it should be, taken apart."""

    def __init__(self, label: str, message: bytes) -> None:
        """Sign `message`."""
        self.label, self.message = label, message
        self.der = keys.sign(label, message)
        self.r, self.s = decode_dss_signature(self.der)
        self.n = keys.order_of(label)
        self.size = (self.n.bit_length() + 7) // 8


def _numbers(rule: Callable[[int, int, int], tuple[int, int]]) -> Transform:
    return lambda made: pair(*rule(made.r, made.s, made.n))


def _resign(made: Made, *, key: str | None = None, hash: str | None = None) -> bytes:
    return keys.sign(key or made.label, made.message, hash)


def _over(made: Made, *, what: str, key: str | None = None) -> bytes:
    """Sign something else than the encoding."""
    return keys.sign(key or made.label, MESSAGES[what](*_taken_apart(made.message)))


def _taken_apart(message: bytes) -> tuple[bytes, bytes]:
    """Payload type and payload out of a pre-authentication encoding."""
    _, size, rest = message.split(b" ", 2)
    kind, rest = rest[: int(size)], rest[int(size) + 1 :]
    return kind, rest.split(b" ", 1)[1]


def _base64(data: bytes) -> bytes:
    import base64

    return base64.b64encode(data)


MESSAGES: dict[str, Callable[[bytes, bytes], bytes]] = {
    "the payload alone": lambda kind, body: body,
    "the payload in base64": lambda kind, body: _base64(body),
    "the encoding without payload type": lambda kind, body: b"DSSEv1 %d %b" % (len(body), body),
    "the encoding of another payload type": lambda kind, body: b"DSSEv1 16 application/json %d %b" % (len(body), body),
    "the encoding with lengths in hex": lambda kind, body: b"DSSEv1 %x %b %x %b" % (len(kind), kind, len(body), body),
    "the encoding with a trailing newline": lambda kind, body: (
        b"DSSEv1 %d %b %d %b\n" % (len(kind), kind, len(body), body)
    ),
    "the encoding of version 0.2.0": lambda kind, body: (
        f"DSSEV1 {len(kind)} {kind.decode()} {len(body)} {body!r}".encode()
    ),
    "the encoding of another payload": lambda kind, body: b"DSSEv1 %d %b 2 {}" % (len(kind), kind),
    "the encoding with 64-bit lengths": lambda kind, body: (
        (2).to_bytes(8, "little") + len(kind).to_bytes(8, "little") + kind + len(body).to_bytes(8, "little") + body
    ),
}


def _flip(made: Made, *, byte: int) -> bytes:
    data = bytearray(made.der)
    data[byte] ^= 1
    return bytes(data)


def _long_length_of_r(made: Made) -> bytes:
    r = integer(made.r)
    return tlv(0x30, b"\x02\x81" + r[1:] + integer(made.s))


def _at_infinity(made: Made) -> bytes:
    """Numbers with which u1 times the base point and u2 times the key add up to the point at infinity (on P-256)."""
    e = int.from_bytes(hashlib.sha256(made.message).digest(), "big")
    d = keys.elliptic_key(made.label).private_numbers().private_value
    return pair(-e * pow(d, -1, made.n) % made.n, made.s)


# fmt: off
TRANSFORMS: dict[str, Transform] = {
    "resign": _resign,
    "over": _over,
    "flip": _flip,
    "empty": lambda made: b"",
    "message": lambda made: made.message[:64],
    "negate-s": _numbers(lambda r, s, n: (r, n - s)),
    "negate-r": _numbers(lambda r, s, n: (n - r, s)),
    "swap": _numbers(lambda r, s, n: (s, r)),
    "r-plus-n": _numbers(lambda r, s, n: (r + n, s)),
    "s-plus-n": _numbers(lambda r, s, n: (r, s + n)),
    "r-zero": _numbers(lambda r, s, n: (0, s)),
    "s-zero": _numbers(lambda r, s, n: (r, 0)),
    "both-zero": _numbers(lambda r, s, n: (0, 0)),
    "at-infinity": _at_infinity,
    "both-one": _numbers(lambda r, s, n: (1, 1)),
    "r-n": _numbers(lambda r, s, n: (n, s)),
    "s-n": _numbers(lambda r, s, n: (r, n)),
    "minus-r": lambda made: tlv(0x30, negative(-made.r) + integer(made.s)),
    "r-minus-n": lambda made: tlv(0x30, negative(made.r - made.n) + integer(made.s)),
    "s-minus-n": lambda made: tlv(0x30, integer(made.r) + negative(made.s - made.n)),
    "r-padded": lambda made: tlv(0x30, integer(made.r, pad=1) + integer(made.s)),
    "s-padded": lambda made: tlv(0x30, integer(made.r) + integer(made.s, pad=1)),
    "unsigned-integers": lambda made: tlv(0x30, integer(made.r, minimal=False) + integer(made.s, minimal=False)),
    "long-length": lambda made: b"\x30\x81" + made.der[1:],
    "long-length-padded": lambda made: b"\x30\x82\x00" + made.der[2:],  # of 128 bytes and more
    "indefinite-length": lambda made: b"\x30\x80" + made.der[2:] + b"\0\0",
    "long-length-of-r": _long_length_of_r,
    "length-too-long": lambda made: b"\x30" + bytes([made.der[1] + 1]) + made.der[2:],
    "length-too-short": lambda made: b"\x30" + bytes([made.der[1] - 1]) + made.der[2:],
    "cut": lambda made: made.der[:-1],
    "byte-after": lambda made: made.der + b"\0",
    "byte-inside": lambda made: tlv(0x30, made.der[2:] + b"\x05\x00"),
    "twice": lambda made: made.der + made.der,
    "third-integer": lambda made: tlv(0x30, integer(made.r) + integer(made.s) + integer(1)),
    "only-r": lambda made: tlv(0x30, integer(made.r)),
    "primitive-sequence": lambda made: b"\x10" + made.der[1:],
    "set": lambda made: b"\x31" + made.der[1:],
    "octet-strings": lambda made: tlv(0x30, b"".join(tlv(4, v.to_bytes(made.size, "big"))
                                                     for v in (made.r, made.s))),
    "bit-string": lambda made: tlv(0x03, b"\0" + made.der),
    "octet-string": lambda made: tlv(0x04, made.der),
    "constructed-integers": lambda made: tlv(0x30, b"\x22" + integer(made.r)[1:] + integer(made.s)),
    "raw": lambda made: made.r.to_bytes(made.size, "big") + made.s.to_bytes(made.size, "big"),
    "hex": lambda made: made.der.hex().encode(),
    "base64": lambda made: _base64(made.der),
    "pem": lambda made: b"-----BEGIN SIGNATURE-----\n" + _base64(made.der) + b"\n-----END SIGNATURE-----\n",
}
# fmt: on


def make(label: str, message: bytes, op: str, arguments: dict[str, Any]) -> bytes:
    """The signature that `op` gives."""
    return TRANSFORMS[op](Made(label, message), **arguments)
