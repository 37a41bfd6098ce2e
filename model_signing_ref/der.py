"""The few steps of DER (X.690) that it takes to look into a trusted timestamp; nothing is verified."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import NamedTuple

INTEGER, OCTETS, OID, SEQUENCE, SET, TIME = 0x02, 0x04, 0x06, 0x30, 0x31, 0x18
_TIME = re.compile(rb"[0-9]{14}(\.[0-9]{1,9})?Z")


class Node(NamedTuple):
    """One value: its tag byte, its contents, and the whole of it with tag and length."""

    tag: int
    content: bytes
    whole: bytes


def nodes(data: bytes) -> list[Node]:
    """The values that follow each other in `data`. Raises ValueError."""
    found, start = [], 0
    while start < len(data):
        node = _node(data, start)
        found.append(node)
        start += len(node.whole)
    return found


def _node(data: bytes, start: int) -> Node:
    if len(data) < start + 2:
        raise ValueError(f"the DER ends at byte {len(data)}, within a value")
    tag, size, begin = data[start], data[start + 1], start + 2
    if tag & 0x1F == 0x1F:
        raise ValueError(f"a DER tag of several bytes at byte {start}")
    if size >= 0x80:
        count = size & 0x7F
        if not 1 <= count <= 4 or len(data) < begin + count:
            raise ValueError(f"a DER length that can't be read at byte {start + 1}")
        size, begin = int.from_bytes(data[begin : begin + count], "big"), begin + count
    if len(data) < begin + size:
        raise ValueError(f"the DER ends at byte {len(data)}, within a value of {size} bytes")
    return Node(tag, data[begin : begin + size], data[start : begin + size])


def only(data: bytes, tag: int) -> bytes:
    """The contents of the one value with `tag` that `data` is. Raises ValueError."""
    found = nodes(data)
    if len(found) != 1 or found[0].tag != tag:
        raise ValueError(f"DER other than one value with tag 0x{tag:02x}")
    return found[0].content


def children(node: Node, *tags: int) -> list[Node]:
    """The values in `node`, the first of which have `tags`. Raises ValueError."""
    found = nodes(node.content)
    if tuple(each.tag for each in found[: len(tags)]) != tags:
        raise ValueError(f"DER without the values with the tags {', '.join(f'0x{tag:02x}' for tag in tags)}")
    return found


def integer(node: Node) -> int:
    """The INTEGER in `node`."""
    return int.from_bytes(node.content, "big", signed=True)


def dotted(node: Node) -> str:
    """The OBJECT IDENTIFIER in `node` as digits and dots. Raises ValueError."""
    numbers, current = [], 0
    for byte in node.content:
        current = current << 7 | byte & 0x7F
        if byte < 0x80:
            numbers.append(current)
            current = 0
    if not numbers or node.content[-1] >= 0x80:
        raise ValueError("an object identifier that ends within a number")
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def moment(node: Node) -> datetime:
    """The GeneralizedTime in `node`, in UTC and whole seconds, as RFC 3161 has it. Raises ValueError."""
    if not _TIME.fullmatch(node.content):
        raise ValueError("a time that is not one of RFC 3161")
    return datetime.strptime(node.content[:14].decode("ascii"), "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
