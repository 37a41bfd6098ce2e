"""What must hold for any input: against simple models that are written here a second time, as plainly as can be."""

from __future__ import annotations

import base64
import json
import math
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from forge import (
    VERIFIER,
    Plan,
    bundle_value,
    get,
    judge,
    positions,
    replaced,
    resource,
    shards,
    sign,
    signed,
    statement,
    to_json,
    verify,
    without,
    write_tree,
)
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from model_signing_ref import dsse, strictjson, verifying
from model_signing_ref.bundle import read_bundle
from model_signing_ref.errors import BundleRejected, OperationError

few = settings(max_examples=60, deadline=None)
many = settings(max_examples=250, deadline=None)

# --- JSON ----------------------------------------------------------------------------------------------------

NUMBERS = st.integers(-(10**62), 10**62) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text(max_size=9)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
)

STRING = r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"'
NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
MARK_OR_WORD = r"(?P<mark>[\[\]{},:])|(?P<word>true|false|null)"
TOKEN = re.compile(rf"[ \t\r\n]*(?:{MARK_OR_WORD}|(?P<text>{STRING})|(?P<number>{NUMBER}))")


class Malformed(Exception):
    """What the model says of a text that is no acceptable JSON."""


def model_parse(data: bytes) -> Any:
    """RFC 8259 by recursive descent, with the bounds of the format."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed from None
    tokens, at = [], 0
    while text[at:].strip(" \t\r\n"):
        match = TOKEN.match(text, at)
        if not match:
            raise Malformed
        tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    value, rest = model_value(tokens, 0)
    if rest:
        raise Malformed
    return value


Tokens = list[tuple[str, str]]


def model_value(tokens: Tokens, depth: int) -> tuple[Any, Tokens]:
    if not tokens or depth > strictjson.MAX_DEPTH:
        raise Malformed
    (kind, text), rest = tokens[0], tokens[1:]
    if kind == "word":
        return {"true": True, "false": False, "null": None}[text], rest
    if kind == "text":
        return model_string(text), rest
    if kind == "number":
        return model_number(text), rest
    if text in "[{":
        return model_container(text, rest, depth + 1)
    raise Malformed


def model_string(text: str) -> str:
    plain: str = json.loads(text)
    try:
        plain.encode("utf-8")
    except UnicodeEncodeError:
        raise Malformed from None
    return plain


def model_number(text: str) -> int | float:
    if len(text) > strictjson.MAX_NUMBER_CHARACTERS:
        raise Malformed
    value = int(text) if re.fullmatch(r"-?[0-9]+", text) else float(text)
    if math.isinf(value):
        raise Malformed
    return value


def model_container(opening: str, rest: Tokens, depth: int) -> tuple[Any, Tokens]:
    closing = {"[": "]", "{": "}"}[opening]
    items: list[Any] = []
    members: dict[str, Any] = {}
    if depth > strictjson.MAX_DEPTH:
        raise Malformed
    if rest[:1] == [("mark", closing)]:
        return (members if opening == "{" else items), rest[1:]
    while True:
        if opening == "{":
            if len(rest) < 2 or rest[0][0] != "text" or rest[1] != ("mark", ":"):
                raise Malformed
            name, rest = model_string(rest[0][1]), rest[2:]
            if name in members:
                raise Malformed
            members[name], rest = model_value(rest, depth)
        else:
            value, rest = model_value(rest, depth)
            items.append(value)
        if not rest or rest[0] not in (("mark", ","), ("mark", closing)):
            raise Malformed
        done, rest = rest[0][1] == closing, rest[1:]
        if done:
            return (members if opening == "{" else items), rest


def assert_like_the_model(data: bytes) -> None:
    try:
        expected = model_parse(data)
    except Malformed:
        assert judge(data).startswith("bundle ")
        assert judge(data) not in ("bundle OMS-4-01", "bundle REF-BUNDLE-02")
    else:
        parsed = strictjson.parse(data, BundleRejected)
        assert (parsed, repr(parsed)) == (expected, repr(expected))


BRACKET_OR_STRING = st.sampled_from("[]{},: \n") | st.text(alphabet='[]{}"\\a\u00e9', max_size=4).map(json.dumps)


@given(st.lists(BRACKET_OR_STRING, max_size=40))
def test_nesting_counts_no_bracket_in_a_string(pieces: list[str]) -> None:
    """Strings in any place, also where no JSON text has one; brackets that match or not."""
    depth = deepest = 0
    for piece in pieces:
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(piece, 0)
        deepest = max(deepest, depth)
    assert strictjson.nesting("".join(pieces).encode()) == deepest


PIECES = st.sampled_from(
    [
        *("[", "]", "{", "}", ",", ":", "[[", "]]", '{"a":', '"a"', '"b"', '"a":1,', '""', '"', "\\", "\\u", "d83d"),
        *(" ", "\n", "\t", "\f", "\u00a0", "\ufeff", "\0", "0", "1", "-", "-0", "1.5", "1e9", "1e999", ".", "e", "+"),
        *("true", "null", "True", "NaN", "Infinity", "-Infinity", "//", "/**/", "'", "é", "\u2028", '"\\u0061"'),
        *("\\ude00", "9" * 65, "[" * 62, "]" * 62),
    ]
)


@many
@given(st.lists(PIECES, max_size=12).map("".join))
@example('{"a":1,"\\u0061":2}')
@example("[" * 64 + "]" * 64)
@example("[" * 65 + "]" * 65)
@example('["\\\\"[')
def test_json_from_pieces(text: str) -> None:
    assert_like_the_model(text.encode())


@many
@given(VALUES, st.sampled_from([None, 1, "\t"]), st.booleans(), st.data())
def test_json_values_and_one_change(value: Any, indent: Any, ascii_only: bool, data: st.DataObject) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert_like_the_model(text)
    assert_like_the_model(data.draw(one_change_of(text)))


@many
@given(st.binary(max_size=60))
def test_any_bytes_as_json(data: bytes) -> None:
    if not data.startswith(b"\xef\xbb\xbf"):
        assert_like_the_model(data)


def one_change_of(data: bytes) -> st.SearchStrategy[bytes]:
    """A byte changed, put in, taken out, or the rest cut off."""

    def change(at: int, byte: int, kind: int) -> bytes:
        tail = (data[at + 1 :], data[at:], data[at + 1 :], b"")[kind]
        return data[:at] + (bytes([byte]) if kind < 2 else b"") + tail

    return st.builds(change, st.integers(0, max(0, len(data) - 1)), st.integers(0, 255), st.integers(0, 3))


# --- base64 and PAE ------------------------------------------------------------------------------------------

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def model_base64(text: str) -> bytes | None:
    """RFC 4648 bit by bit: one alphabet a text, whole groups, the last bits zero."""
    for alphabet in (LETTERS + "+/", LETTERS + "-_"):
        body = text[:-2] if text.endswith("==") else text[:-1] if text.endswith("=") else text
        if len(text) % 4 or any(letter not in alphabet for letter in body):
            continue
        bits = "".join(f"{alphabet.index(letter):06b}" for letter in body)
        whole = len(bits) // 8 * 8
        if len(bits) - whole == 2 * (len(text) - len(body)) and "1" not in bits[whole:]:
            return bytes(int(bits[at : at + 8], 2) for at in range(0, whole, 8))
    return None


@many
@given(st.text(alphabet=LETTERS[:3] + "Qgw+/-_=\n ", max_size=12) | st.binary(max_size=20).map(dsse.encode_base64))
@example("AAAA====")
@example("+-AA")
@example("=")
def test_base64(text: str) -> None:
    expected = model_base64(text)
    try:
        assert dsse.decode_base64(text) == expected
    except ValueError:
        assert expected is None


@many
@given(st.binary(max_size=50))
def test_base64_both_ways(data: bytes) -> None:
    text = dsse.encode_base64(data)
    assert dsse.decode_base64(text) == data == model_base64(text)
    assert dsse.decode_base64(text.translate({43: "-", 47: "_"})) == data


def model_unpack(encoded: bytes) -> tuple[bytes, bytes]:
    """What an encoding says: its length fields alone decide where the parts end."""
    mark, length, rest = encoded.split(b" ", 2)
    kind, rest = rest[: int(length)], rest[int(length) + 1 :]
    length, body = rest.split(b" ", 1)
    assert (mark, int(length)) == (b"DSSEv1", len(body))
    return kind, body


@many
@given(st.text(max_size=12), st.binary(max_size=30))
@example("", b"")
@example("a 1 b", b"3 c")
@example("\u00e9 ", b" ")
def test_pae_can_be_read_in_one_way_only(kind: str, body: bytes) -> None:
    assume(kind.isprintable())
    assert model_unpack(dsse.pae(kind, body)) == (kind.encode(), body)


# --- trees ---------------------------------------------------------------------------------------------------

ODD_PARTS = st.sampled_from(
    [
        *(b"a", b"A", b"b", b"a.b", b"a b", b"a-", b".hidden", b"...", b"\n", b"\x1b[1m", b"\\", b"a\\b", b"\xff"),
        *(b"\xc3\xa9", b"e\xcc\x81", b"a:0:1", b":", b"*", b"?", b"-x", b"~", b"\xf0\x9f\x98\x80", b"\xed\xa0\x80"),
        *(b".git", b".gitignore"),
    ]
)
PARTS = ODD_PARTS | st.binary(min_size=1, max_size=8)
TREES = st.dictionaries(
    st.lists(PARTS, min_size=1, max_size=3).map(b"/".join), st.binary(max_size=25), min_size=1, max_size=6
)
PLAIN_NAMES = st.sampled_from(["a", "b", "a.b", "a/b", "d/x", "d/y", "d/e/z", "t.json", "t/vocab.json", "é"])
PLAIN_TREES = st.dictionaries(PLAIN_NAMES, st.binary(min_size=1, max_size=25), min_size=1, max_size=6)
PLANS = st.just(Plan()) | st.integers(1, 12).map(lambda size: Plan("shards", shard_size=size))


def is_possible(names: list[str] | list[bytes]) -> bool:
    """Whether a file system can hold all these: no name is a directory of another, no `.` or `..`."""
    parts = [os.fsencode(name).split(b"/") for name in names]
    below = {tuple(each[:end]) for each in parts for end in range(1, len(each))}
    odd = any(part in (b"", b".", b"..") or b"\0" in part for each in parts for part in each)
    return not odd and not any(tuple(each) in below for each in parts)


@contextmanager
def folder_with(files: dict[bytes, bytes]) -> Iterator[tuple[Path, Path]]:
    with tempfile.TemporaryDirectory() as name:
        model = write_tree(Path(name) / "m", {os.fsdecode(file): content for file, content in files.items()})
        yield model, Path(name) / "s"


def encode(files: dict[str, bytes]) -> dict[bytes, bytes]:
    return {os.fsencode(name): content for name, content in files.items()}


def is_utf8(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@few
@given(TREES, PLANS)
def test_any_tree_signs_and_verifies_or_is_refused_with_a_reason(files: dict[bytes, bytes], plan: Plan) -> None:
    assume(is_possible(list(files)))
    git = {b".git", b".gitignore", b".gitattributes", b".github"}
    kept = {name: content for name, content in files.items() if name.split(b"/")[0] not in git}
    hashed = [name for name, content in kept.items() if content or plan.shard_size is None]
    with folder_with(files) as (model, signature):
        try:
            sign(model, signature, plan)
        except OperationError as error:
            bad = [name for name in kept if b"\\" in name or not is_utf8(name)]
            reason = "backslash|not UTF-8" if bad else "no file"
            assert (bad or not hashed) and re.search(reason, error.detail)
            assert "\n" not in error.detail
            return
        assert hashed
        assert all(is_utf8(name) and b"\\" not in name for name in kept)
        manifest = verifying.verify_bundle(signature.read_bytes(), VERIFIER)
        names = [each.name for each in manifest.resources]
        assert names == sorted(names)
        if plan.shard_size is None:
            assert names == sorted(os.fsdecode(name) for name in hashed)
        assert verify(model, signature) == "accepted"


def change_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def append_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def cut_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def rename(path: Path) -> None:
    path.rename(path.with_name(path.name + "~"))


def add_beside(path: Path) -> None:
    path.with_name(path.name + ".py").write_bytes(b"x")


def to_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def to_link(path: Path) -> None:
    path.rename(path.parents[0] / "~")
    path.symlink_to("~")


TREE_CHANGES: dict[Callable[[Path], None], set[str]] = {
    change_byte: {"digest OMS-8.4-01"},
    append_byte: {"digest OMS-8.4-01"},
    cut_byte: {"digest OMS-8.4-01"},
    Path.unlink: {"files OMS-8.4-01"},
    rename: {"files OMS-8.4-01"},
    add_beside: {"files OMS-8.5-01"},
    to_directory: {"files OMS-8.4-01"},
    to_link: {"files OMS-6.1.1-07"},
}


@settings(max_examples=100, deadline=None)
@given(PLAIN_TREES, PLANS, st.sampled_from(list(TREE_CHANGES)), st.data())
def test_any_single_change_to_a_tree(
    files: dict[str, bytes], plan: Plan, change: Callable[[Path], None], data: st.DataObject
) -> None:
    assume(is_possible(list(files)))
    name = data.draw(st.sampled_from(sorted(files)))
    with folder_with(encode(files)) as (model, signature):
        sign(model, signature, plan)
        assert verify(model, signature) == "accepted"
        change(model / name)
        verdict = verify(model, signature)
        assert verdict in TREE_CHANGES[change]
        assert verdict.error is not None
        assert (verdict.error.path or "").startswith(name)


@few
@given(PLAIN_TREES, PLANS, st.data())
def test_two_contents_exchanged(files: dict[str, bytes], plan: Plan, data: st.DataObject) -> None:
    assume(is_possible(list(files)) and len(set(files.values())) > 1)
    one, two = data.draw(
        st.sampled_from([(a, b) for a in sorted(files) for b in sorted(files) if files[a] != files[b]])
    )
    with folder_with(encode(files)) as (model, signature):
        sign(model, signature, plan)
        write_tree(model, {one: files[two], two: files[one]})
        assert verify(model, signature) == "digest OMS-8.4-01"


@few
@given(st.lists(st.integers(0, 40), min_size=1, max_size=4), st.integers(1, 40))
def test_shards_cover_every_byte_once(sizes: list[int], shard_size: int) -> None:
    assume(any(sizes))
    files = {f"f{number}".encode(): bytes([number + 1]) * size for number, size in enumerate(sizes)}
    with folder_with(files) as (model, signature):
        sign(model, signature, Plan("shards", shard_size=shard_size))
        manifest = verifying.verify_bundle(signature.read_bytes(), VERIFIER)
        names = {each.name for each in manifest.resources}
        assert names == {
            f"f{number}:{start}:{min(start + shard_size, size)}"
            for number, size in enumerate(sizes)
            for start in range(0, size, shard_size)
        }
        assert verify(model, signature) == "accepted"


# --- bundles and payloads ------------------------------------------------------------------------------------

CONTROL = signed(shards([resource("a:0:10"), resource("a:10:13"), resource("b:0:1")], ignore_paths=["x"]))
BEFORE_THE_PAYLOAD = {"bundle", "material", "envelope", "key", "signature"}
AFTER_THE_SIGNATURE = {"statement", "predicate", "names", "root-digest"}


@settings(max_examples=400, deadline=None)
@given(one_change_of(CONTROL))
def test_any_single_change_to_the_bytes_of_a_bundle(data: bytes) -> None:
    """Refused before the payload is read, unless it is another spelling of the same bundle."""
    verdict = judge(data)
    if verdict == "accepted":
        assert read_bundle(data) == read_bundle(CONTROL)
    else:
        assert verdict.split()[0] in BEFORE_THE_PAYLOAD


BUNDLE_VALUE = json.loads(CONTROL)
STATEMENT_VALUE = json.loads(base64.b64decode(BUNDLE_VALUE["dsseEnvelope"]["payload"]))


@many
@given(st.sampled_from(list(positions(BUNDLE_VALUE))), VALUES)
def test_any_single_change_to_the_json_of_a_bundle(at: tuple[str | int, ...], value: Any) -> None:
    assume(value != get(BUNDLE_VALUE, at) and is_encodable(value))
    stage = judge(to_json(replaced(BUNDLE_VALUE, at, value))).split()[0]
    assert stage in BEFORE_THE_PAYLOAD
    if at:
        assert judge(to_json(without(BUNDLE_VALUE, at))).split()[0] in BEFORE_THE_PAYLOAD


@many
@given(st.sampled_from(list(positions(STATEMENT_VALUE))), VALUES)
@example(("predicate", "serialization", "shard_size"), 1e300)
def test_any_single_change_to_a_payload_that_is_signed_again(at: tuple[str | int, ...], value: Any) -> None:
    """Refused after the signature, or it says the same of every file."""
    assume(value != get(STATEMENT_VALUE, at) and is_encodable(value))
    data = signed(replaced(STATEMENT_VALUE, at, value))
    verdict = judge(data)
    if verdict == "accepted":
        before, after = (verifying.verify_bundle(each, VERIFIER) for each in (CONTROL, data))
        assert before == after
        assert at == ("subject", 0, "name") or at[2:3] in (("ignore_paths",), ("allow_symlinks",))
    else:
        assert verdict.split()[0] in AFTER_THE_SIGNATURE


def is_encodable(value: Any) -> bool:
    """Not a value that JSON text can't hold in one way: an integer and a fraction that are equal, half a pair."""
    return bool(json.loads(json.dumps(value)) == value)


@many
@given(st.binary(max_size=80) | VALUES.map(to_json) | st.lists(PIECES, max_size=9).map(lambda p: "".join(p).encode()))
def test_any_bytes_as_bundle_and_as_payload_are_refused_as_such(data: bytes) -> None:
    """Nothing but a Rejection comes out of either, or judge would raise it."""
    assert judge(data).split()[0] == "bundle"
    assert judge(signed(data)).split()[0] == "statement"


@many
@given(VALUES, st.sampled_from(["subject", "predicate", "resources", "serialization"]))
def test_any_value_in_the_places_that_are_read_by_hand(value: Any, place: str) -> None:
    control = statement()
    if place in control:
        changed = {**control, place: value}
    else:
        changed = {**control, "predicate": {**control["predicate"], place: value}}
    stage = "statement" if place == "subject" else "predicate"
    assert judge(signed(changed)).split()[0] == stage


ODD_NAMES = st.text(alphabet="ab./\\\0é-", max_size=5) | st.text(max_size=4)


@many
@given(st.lists(st.tuples(ODD_NAMES, st.binary(min_size=32, max_size=32)), min_size=1, max_size=5))
def test_names_against_a_model(pairs: list[tuple[str, bytes]]) -> None:
    """Any names, any order: accepted if they are canonical and ascend; or are in path order; or the one dot."""
    resources = [{"name": name, "algorithm": "sha256", "digest": digest.hex()} for name, digest in pairs]
    names = [name for name, _ in pairs]
    canonical = all(
        name and not re.search(r"[\\\0]", name) and not {"", ".", ".."} & set(name.split("/")) for name in names
    )
    ascending = names == sorted(set(names))
    path_order = names == sorted(set(names), key=lambda name: name.split("/"))
    fits = names == ["."] or (canonical and (ascending or path_order))
    verdict = judge(signed(statement(resources)))
    assert (verdict == "accepted") == fits
    assert fits or verdict.startswith("names ")


@many
@given(st.binary(max_size=80))
def test_any_bytes_as_signature(signature: bytes) -> None:
    payload = to_json(statement())
    assert judge(to_json(bundle_value(payload, signature))) == "signature DSSE-01"
