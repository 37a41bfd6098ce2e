"""Strict JSON (RFC 8259): bytes to values, or a rejection that says where and why.

Python's own parser reads the syntax. What it lets through and a signed format must not is refused here:
other encodings, a byte order mark, repeated member names, NaN and Infinity, lone surrogates, and numbers
and nesting without bound.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from typing import Any

from .errors import Rejection, quote

JSON = Any  # what json.loads gives: dict, list, str, int, float, bool or None

# Real bundles and payloads nest 8 deep. 64 leaves room for unknown members, and is far from where a
# recursive reader (Python's own, or that of another client) runs out of stack.
MAX_DEPTH = 64
# The longest number that OMS needs is 2^53 - 1, 16 digits. Converting n digits costs n^2 steps.
MAX_NUMBER_CHARACTERS = 64

_SLICE = 1 << 16
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NOT_STRUCTURE = bytes(code for code in range(256) if code not in b'[]{}"')
_SURROGATE_ESCAPE = rb"\\u[dD][89a-fA-F]"


class _Refused(Exception):
    """Raised inside the parser's hooks, which know the fault and its clause but not the layer."""


def parse(data: bytes, rejection: type[Rejection], most_values: int | None = None) -> JSON:
    """The one JSON value in `data`; with `most_values` one made of fewer, commas and brackets in strings counted too.

    Raises `rejection` with JSON-01 (not the grammar of RFC 8259) or JSON-02 (not UTF-8), and for what that
    RFC leaves open with REF-JSON-01 (byte order mark), -02 (repeated name), -03 (number out of range), -04
    (bounds) or -05 (lone surrogate).
    """
    if data.startswith(b"\xef\xbb\xbf"):
        raise rejection("the JSON text starts with a byte order mark", clause="REF-JSON-01")
    if most_values is not None and sum(map(data.count, (b",", b"[", b"{"))) >= most_values:
        raise rejection(f"the JSON text has {most_values} commas and opening brackets, or more", clause="REF-JSON-04")
    if nesting(data) > MAX_DEPTH:
        raise rejection(f"the JSON text nests more than {MAX_DEPTH} deep", clause="REF-JSON-04")
    try:
        value = json.loads(data.decode("utf-8"), **_HOOKS)
    except UnicodeDecodeError as error:
        detail = f"the JSON text is not UTF-8 at byte {error.start}"
        raise rejection(detail, clause="JSON-02") from None
    except json.JSONDecodeError as error:
        detail = f"not JSON: {error.msg} at character {error.pos}"
        raise rejection(detail, clause="JSON-01") from None
    except _Refused as refused:
        detail, clause = refused.args
        raise rejection(detail, clause=clause) from None
    if b"\\u" in data and re.search(_SURROGATE_ESCAPE, data) and _has_lone_surrogate(value):
        raise rejection("a string holds half a surrogate pair", clause="REF-JSON-05")
    return value


def nesting(text: bytes) -> int:
    """How deep the brackets of a JSON text nest, those inside strings not counted; never recursive."""
    if b"\\" in text:
        text = text.replace(rb"\\", b"").replace(rb"\"", b"")
    text = text.translate(None, _NOT_STRUCTURE).replace(b'""', b"")  # between two such quotes nothing nests
    depth = deepest = in_string = 0
    for start in range(0, len(text), _SLICE):
        parts = text[start : start + _SLICE].split(b'"')
        levels = list(itertools.accumulate(map(_STEP.__getitem__, b"".join(parts[in_string::2])), initial=depth))
        deepest, depth = max(deepest, *levels), levels[-1]
        in_string ^= (len(parts) - 1) & 1
    return deepest


def _has_lone_surrogate(value: JSON) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _object(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _Refused(f"the member {quote(twice)} is there twice", "REF-JSON-02")
    return members


def _constant(name: str) -> JSON:
    raise _Refused(f"{name} is not a JSON number", "JSON-01")


def _integer(text: str) -> int:
    if len(text) > MAX_NUMBER_CHARACTERS:
        raise _Refused(f"a number of {len(text)} characters", "REF-JSON-04")
    return int(text)


def _fraction(text: str) -> float:
    if len(text) > MAX_NUMBER_CHARACTERS:
        raise _Refused(f"a number of {len(text)} characters", "REF-JSON-04")
    if math.isinf(value := float(text)):
        raise _Refused(f"the number {text} is out of range", "REF-JSON-03")
    return value


_HOOKS: dict[str, Any] = {
    "object_pairs_hook": _object,
    "parse_constant": _constant,
    "parse_int": _integer,
    "parse_float": _fraction,
}

# A shape describes the values that a place may hold: a type (or a tuple of them); a function that returns
# what is wrong, or ""; [shape] for an array; a dict for an object. In a dict, a name that ends in "?" is
# optional, and ANY_OTHER says that unknown members are ignored.
Shape = Any
ANY_OTHER = "…"
_KINDS = {dict: "an object", list: "an array", str: "a string", int: "an integer", float: "a fraction"}
_KINDS |= {bool: "true or false", type(None): "null"}


def check(value: JSON, shape: Shape, where: str, rejection: type[Rejection], *, clause: str, unknown: str = "") -> None:
    """Return if `value` has `shape`; raise `rejection` with `clause`, or with `unknown` for a member too many."""
    wanted = shape if isinstance(shape, (type, tuple)) else type(shape)
    kinds = wanted if isinstance(wanted, tuple) else (wanted,)
    if callable(shape) and not isinstance(shape, type):
        if fault := shape(value):
            raise rejection(f"{where} {fault}", clause=clause)
    elif type(value) not in kinds:
        expected = " or ".join(_KINDS[kind] for kind in kinds)
        raise rejection(f"{where} is {_KINDS[type(value)]}, not {expected}", clause=clause)
    elif isinstance(shape, list):
        for index, item in enumerate(value):
            check(item, shape[0], f"{where}[{index}]", rejection, clause=clause, unknown=unknown)
    elif isinstance(shape, dict):
        for name in () if ANY_OTHER in shape else value:
            if name.endswith("?") or (name not in shape and f"{name}?" not in shape):
                raise rejection(f"{where} has an unknown member {quote(name)}", clause=unknown)
        for name, part in shape.items():
            member = name.rstrip("?")
            if member in value and name != ANY_OTHER:
                check(value[member], part, f"{where}.{member}", rejection, clause=clause, unknown=unknown)
            elif not name.endswith("?") and name != ANY_OTHER:
                raise rejection(f"{where} has no {member}", clause=clause)


def from_hex(text: str, size: int) -> bytes | None:
    """The `size` bytes that `text` spells in lower-case hex; None for anything else."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return None
    return raw if len(raw) == size and raw.hex() == text else None


def dump(value: JSON) -> bytes:
    """The canonical bytes of `value`: names sorted, no white space, UTF-8 without escapes that need not be."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")
