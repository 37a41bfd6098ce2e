"""Strict JSON at the boundary: as the bytes of a bundle, and as a payload under a signature that holds."""

from __future__ import annotations

import json

import pytest
from forge import judge, judge_statement, signed, statement, to_json

from model_signing_ref import strictjson
from model_signing_ref.errors import BundleRejected, StatementRejected

DEEP = strictjson.MAX_DEPTH
LONG = strictjson.MAX_NUMBER_CHARACTERS

# Texts that are no acceptable JSON, and the clause that says so.
REFUSED = {
    "nothing": (b"", "JSON-01"),
    "white space": (b" \n\t\r", "JSON-01"),
    "two values": (b"{} {}", "JSON-01"),
    "a comma too many": (b'{"a":1,}', "JSON-01"),
    "a comment": (b"{/**/}", "JSON-01"),
    "single quotes": (b"{'a':1}", "JSON-01"),
    "a bare newline in a string": (b'"a\nb"', "JSON-01"),
    "a NUL in a string": (b'"a\0b"', "JSON-01"),
    "an unknown escape": (rb'"\x41"', "JSON-01"),
    "a short escape": (rb'"\u12"', "JSON-01"),
    "an open string": (b'"abc', "JSON-01"),
    "an open array": (b"[1,2", "JSON-01"),
    "closed too often": (b"]" * 100, "JSON-01"),
    "a form feed between": (b"[\f1]", "JSON-01"),
    "a no-break space between": ("[\u00a01]".encode(), "JSON-01"),
    "NaN": (b"[NaN]", "JSON-01"),
    "Infinity": (b"[Infinity]", "JSON-01"),
    "-Infinity": (b"[-Infinity]", "JSON-01"),
    "True": (b"[True]", "JSON-01"),
    "a leading zero": (b"[01]", "JSON-01"),
    "a plus": (b"[+1]", "JSON-01"),
    "a bare point": (b"[1.]", "JSON-01"),
    "hexadecimal": (b"[0x1]", "JSON-01"),
    "digits of another script": ("[\u0661]".encode(), "JSON-01"),
    "Latin-1": (b'"caf\xe9"', "JSON-02"),
    "an overlong NUL": (b'"\xc0\x80"', "JSON-02"),
    "a surrogate in UTF-8": (b'"\xed\xa0\x80"', "JSON-02"),
    "above U+10FFFF": (b'"\xf4\x90\x80\x80"', "JSON-02"),
    "UTF-16, little": ('{"a":1}'.encode("utf-16-le"), "JSON-01"),
    "UTF-16 with its mark": ('{"a":1}'.encode("utf-16"), "JSON-02"),
    "UTF-32, little": ('{"a":1}'.encode("utf-32-le"), "JSON-01"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "REF-JSON-01"),
    "a name twice": (b'{"a":1,"a":1}', "REF-JSON-02"),
    "a name twice, deep": (b'[{"b":{"a":1,"c":2,"a":1}}]', "REF-JSON-02"),
    "a name twice, once escaped": (rb'{"a":1,"\u0061":1}', "REF-JSON-02"),
    "a name twice, once a pair": ('{"\\ud83d\\ude00":1,"\U0001f600":1}'.encode(), "REF-JSON-02"),
    "an empty name twice": (b'{"":1,"":2}', "REF-JSON-02"),
    "too large a number": (b"[1e400]", "REF-JSON-03"),
    "too small a number": (b"[-1e400]", "REF-JSON-03"),
    "too many digits": (b"[" + b"1" * (LONG + 1) + b"]", "REF-JSON-04"),
    "too many digits and a sign": (b"[-" + b"1" * LONG + b"]", "REF-JSON-04"),
    "too many digits after the point": (b"[0." + b"0" * LONG + b"]", "REF-JSON-04"),
    "a million digits": (b"[" + b"9" * 1_000_000 + b"]", "REF-JSON-04"),
    "too many brackets": (b"[" * (DEEP + 1) + b"]" * (DEEP + 1), "REF-JSON-04"),
    "too many braces": (b'{"a":' * (DEEP + 1) + b"1" + b"}" * (DEEP + 1), "REF-JSON-04"),
    "100,000 brackets": (b"[" * 100_000, "REF-JSON-04"),
    "brackets after a string of quotes": (rb'["\\\"\\",' + b"[" * DEEP, "REF-JSON-04"),
    "half a pair": (rb'["\ud83d"]', "REF-JSON-05"),
    "the other half": (rb'["\ude00"]', "REF-JSON-05"),
    "halves in the wrong order": (rb'["\ude00\ud83d"]', "REF-JSON-05"),
    "half a pair in a name": (rb'{"\uDABC":1}', "REF-JSON-05"),
}

# Their near neighbours, which are JSON, with the value.
ACCEPTED = {
    "white space around": (b" \r\n\t{ } \n", {}),
    "all escapes": (rb'"\"\\\/\b\f\n\r\t\u0041"', '"\\/\b\f\n\r\tA'),
    "a pair": (rb'["\ud83d\ude00"]', ["\U0001f600"]),
    "an escaped backslash before u": (rb'["\\ud83d"]', ["\\ud83d"]),
    "a byte order mark inside": ('["\ufeff"]'.encode(), ["\ufeff"]),
    "noncharacters": ('["\uffff\U0010ffff"]'.encode(), ["\uffff\U0010ffff"]),
    "delete and line separator": ('["\x7f\u2028"]'.encode(), ["\x7f\u2028"]),
    "names that differ in normalisation": ('{"\u00e9":1,"e\u0301":2}'.encode(), {"\u00e9": 1, "e\u0301": 2}),
    "one name at two depths": (b'{"a":{"a":1}}', {"a": {"a": 1}}),
    "the longest number": (b"[" + b"1" * LONG + b"]", [int("1" * LONG)]),
    "a large fraction": (b"[1e308]", [1e308]),
    "a tiny fraction": (b"[1e-400]", [0.0]),
    "minus zero": (b"[-0]", [0]),
    "the deepest nesting": (b"[" * DEEP + b"]" * DEEP, None),
    "brackets in a string": (b'["' + b"[" * 1000 + b'"]', ["[" * 1000]),
    "brackets in a string with quotes": (rb'["\"' + b"[" * 1000 + rb'\\"]', ['"' + "[" * 1000 + "\\"]),
    "a long string of brackets": (b'["' + b"}" * 200_000 + b'",[]]', ["}" * 200_000, []]),
    "brackets one after another": (b"[" + b"[]   ," * 20_000 + b"[]]", [[]] * 20_001),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_a_bundle_and_as_a_payload(name: str) -> None:
    text, clause = REFUSED[name]
    assert judge(text) == f"bundle {clause}"
    assert judge(signed(text)) == f"statement {clause}"


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_is_a_matter_of_shape_only(name: str) -> None:
    text, value = ACCEPTED[name]
    parsed = strictjson.parse(text, BundleRejected)
    assert value is None or parsed == value
    assert judge(text) in ("bundle OMS-4-01", "bundle REF-BUNDLE-02")


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_in_a_member_that_is_ignored(name: str) -> None:
    text, _ = ACCEPTED[name]
    if name == "the deepest nesting":
        text = text[1:-1]
    payload = to_json(statement())[:-1] + b',"more":' + text.strip() + b"}"
    assert judge(signed(payload)) == "accepted"


def test_brackets_in_long_strings() -> None:
    """None of them counts, however many and wherever the text is divided; those after them do."""
    strings = b'"' + b"]" * 200_000 + b'",' + b'["["],' * 400
    deepest = b"[" + strings + b"[" * (DEEP - 1) + b"]" * DEEP
    assert strictjson.nesting(deepest) == strictjson.MAX_DEPTH
    strictjson.parse(deepest, BundleRejected)
    with pytest.raises(BundleRejected, match="REF-JSON-04"):
        strictjson.parse(b"[" + deepest + b"]", BundleRejected)


def test_white_space_and_order_of_members_are_free() -> None:
    value = statement()
    backwards = dict(reversed(value.items()))
    assert judge(signed(json.dumps(backwards, indent=3).replace("\n", "\r\n").encode())) == "accepted"


@pytest.mark.parametrize("layer", ["bundle", "envelope", "signature", "material"])
def test_a_name_twice_at_every_layer_of_a_bundle(layer: str) -> None:
    text = signed(statement())
    anchor = {"bundle": b'{"mediaType"', "envelope": b'{"payload"', "signature": b'{"sig"', "material": b'{"hint"'}[
        layer
    ]
    assert text.count(anchor) == 1
    name = anchor[1:]
    assert judge(text.replace(anchor, b"{" + name + b': "", ' + name)) == "bundle REF-JSON-02"


@pytest.mark.parametrize("anchor", ["_type", "sha256", "resources", "method", "digest", "predicate"])
def test_a_name_twice_at_every_layer_of_a_payload(anchor: str) -> None:
    text = to_json(statement()).decode()
    member = f'"{anchor}": '
    assert member in text
    assert judge(signed(text.replace(member, f'"{anchor}": 0, {member}', 1).encode())) == "statement REF-JSON-02"


def test_the_message_says_where() -> None:
    with pytest.raises(StatementRejected, match=r"not UTF-8 at byte 2"):
        strictjson.parse(b'["\xff"]', StatementRejected)
    with pytest.raises(StatementRejected, match=r"'b\\n' is there twice"):
        strictjson.parse(rb'{"b\n":1,"b\n":2}', StatementRejected)
    error = judge_statement({**statement(), "_type": 1}).error
    assert error is not None
    assert str(error).startswith("statement: _type is not ")


@pytest.mark.parametrize("text", ["", "0", "0g", "AA", " aa", "aa ", "a a", "aaaa", "\u0661\u0661", "0x"])
def test_hex_is_lower_case_and_of_one_length(text: str) -> None:
    assert strictjson.from_hex("0a", 1) == b"\n"
    assert strictjson.from_hex(text, 1) is None


def test_canonical_output() -> None:
    value = {"b": [1, True, None, 'é\u2028"\\\n'], "a": {}}
    assert strictjson.dump(value) == '{"a":{},"b":[1,true,null,"é\u2028\\"\\\\\\n"]}'.encode()
    assert strictjson.parse(strictjson.dump(value), BundleRejected) == value
