"""Names and shards of a manifest: canonical, in order, a partition; and names that some file systems confuse."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from forge import Plan, judge_statement, resource, shards, sign, sign_error, statement, verify, write_tree

from model_signing_ref.manifest import fold

GOOD = (
    *("a", "...", "..a", "a..", ".a", "-", "a b", " ", "a:b", "a:0:10", "a\n", "\x01", "\x7f", "~", "*", "c:"),
    *("a/b/c", ".hidden/x", "é", "e\u0301", "\u202e", "\ufeff", "\u2028", "\U0001f600", "\uffff", "CON", "a" * 300),
)
BAD = {
    "": "names REF-NAMES-01",
    "/": "names OMS-6.1.2-03",
    "/a": "names OMS-6.1.2-03",
    "//a": "names OMS-6.1.2-03",
    "a/": "names OMS-6.1.2-06",
    "a//b": "names OMS-6.1.2-05",
    "..": "names OMS-6.1.2-03",
    "../a": "names OMS-6.1.2-03",
    "a/..": "names OMS-6.1.2-03",
    "a/../b": "names OMS-6.1.2-03",
    "./a": "names OMS-6.1.2-04",
    "a/.": "names OMS-6.1.2-04",
    "a/./b": "names OMS-6.1.2-04",
    "a\\b": "names REF-NAMES-02",
    "\\": "names REF-NAMES-02",
    "a\0": "names REF-NAMES-02",
    "a\0b/c": "names REF-NAMES-02",
}


@pytest.mark.parametrize("name", GOOD)
def test_good_names(name: str) -> None:
    verdict = judge_statement(statement([resource(name)]))
    assert (verdict, verdict.notes) == ("accepted", [])
    assert judge_statement(shards([resource(f"{name}:0:10")])) == "accepted"


@pytest.mark.parametrize("name", BAD)
def test_bad_names(name: str) -> None:
    verdict = judge_statement(statement([resource(name), resource("z")]))
    assert verdict == BAD[name]
    assert verdict.error is not None
    assert verdict.error.path == name
    assert judge_statement(shards([resource(f"{name}:0:10"), resource("z:0:1")])) == BAD[name]


def test_a_bad_name_among_good_ones() -> None:
    names = sorted(["a", "b", "m/../x", "z"])
    assert judge_statement(statement([resource(name) for name in names])) == "names OMS-6.1.2-03"


ORDERS = {
    "code points, not path parts": (["tokenizer.json", "tokenizer/vocab.json"], "accepted"),
    "code points of the whole name": (["a b", "a-x", "a.b", "a/b"], "accepted"),
    "upper case first": (["B", "a"], "accepted"),
    "not UTF-16": (["\uff5e", "\U0001f600"], "accepted"),
    "UTF-16": (["\U0001f600", "\uff5e"], "names OMS-5.2.1-05"),
    "case folded": (["a", "B"], "names OMS-5.2.1-05"),
    "backwards": (["c", "b", "a"], "names OMS-5.2.1-05"),
    "one late": (["a", "c", "b", "d"], "names OMS-5.2.1-05"),
    "two orders at once": (["a/b", "a.b", "z/b", "z.b", "b"], "names OMS-5.2.1-05"),
    "twice": (["a", "a"], "names REF-NAMES-03"),
    "twice, apart": (["a", "b", "a"], "names REF-NAMES-03"),
}


@pytest.mark.parametrize("name", ORDERS)
def test_order(name: str) -> None:
    names, want = ORDERS[name]
    verdict = judge_statement(statement([resource(each) for each in names]))
    assert (verdict, verdict.notes) == (want, [])


@pytest.mark.parametrize("digests", [(b"1", b"2"), (b"1", b"1")])
def test_one_name_with_one_or_two_digests_is_refused(digests: tuple[bytes, bytes]) -> None:
    assert judge_statement(statement([resource("a", each) for each in digests])) == "names REF-NAMES-03"


SHARDS = {
    "one": (["a:0:10"], "accepted"),
    "one short": (["a:0:1"], "accepted"),
    "two": (["a:0:10", "a:10:20"], "accepted"),
    "the last short": (["a:0:10", "a:10:11"], "accepted"),
    "code point order of the whole": (["a:0:10", "a:100:101", *(f"a:{n}0:{n + 1}0" for n in range(1, 10))], "accepted"),
    "two files": (["a:0:10", "b:0:3"], "accepted"),
    "a name with colons": (["a:0:10:0:10"], "accepted"),
    "no range": (["a"], "names OMS-6.3.2-08"),
    "half a range": (["a:10"], "names OMS-6.3.2-08"),
    "no name": ([":0:10"], "names REF-NAMES-01"),
    "a leading zero": (["a:00:10"], "names OMS-6.3.2-08"),
    "a leading zero, end": (["a:0:010"], "names OMS-6.3.2-08"),
    "a sign": (["a:+0:10"], "names OMS-6.3.2-08"),
    "minus": (["a:-10:0"], "names OMS-6.3.2-08"),
    "a space": (["a:0: 10"], "names OMS-6.3.2-08"),
    "a newline": (["a:0:10\n"], "names OMS-6.3.2-08"),
    "a fraction": (["a:0:10.0"], "names OMS-6.3.2-08"),
    "other digits": (["a:0:\u0661\u0660"], "names OMS-6.3.2-08"),
    "an underscore": (["a:0:1_0"], "names OMS-6.3.2-08"),
    "of nothing": (["a:0:0"], "names OMS-6.3.2-04"),
    "of nothing, late": (["a:0:10", "a:10:10"], "names OMS-6.3.2-04"),
    "backwards": (["a:10:5"], "names OMS-6.3.2-04"),
    "too long": (["a:0:11"], "names OMS-6.3.2-04"),
    "not at a multiple": (["a:0:5", "a:5:10"], "names OMS-6.3.2-04"),
    "a gap": (["a:0:10", "a:20:30"], "names OMS-6.3.2-04"),
    "no first": (["a:10:20"], "names OMS-6.3.2-04"),
    "a short one inside": (["a:0:9", "a:10:20"], "names OMS-6.3.2-04"),
    "one start, two ends": (["a:0:10", "a:0:9"], "names OMS-6.3.2-04"),
    "twice": (["a:0:10", "a:0:10"], "names REF-NAMES-03"),
    "huge": (["a:9999999999999999990:9999999999999999999"], "names OMS-6.3.2-04"),
    "of 20 digits": (["a:0:10", "a:10:10000000000000000000"], "names OMS-6.3.2-04"),
    "backwards order": (["b:0:10", "a:0:10"], "names OMS-5.2.1-05"),
}


@pytest.mark.parametrize("name", SHARDS)
def test_shards(name: str) -> None:
    names, want = SHARDS[name]
    if want == "names OMS-6.3.2-04":
        names = sorted(names)
    verdict = judge_statement(shards([resource(each) for each in names]))
    assert (verdict, verdict.notes) == (want, [])


def test_names_of_shards_in_files_are_just_names(tmp_path: Path) -> None:
    assert judge_statement(statement([resource("a:0:11"), resource("a:5:1")])) == "accepted"
    model = write_tree(tmp_path / "m", {"w:0:3": b"123", "w": b"123"})
    sign(model, tmp_path / "s", Plan("shards", shard_size=3))
    assert verify(model, tmp_path / "s") == "accepted"


LOOKALIKES = {
    "case": (["A", "a"], 1),
    "case, not ASCII": (["É", "é"], 1),
    "sharp s": (["ss", "\u00df"], 1),
    "normalisation": (["e\u0301", "\u00e9"], 1),
    "normalisation and case": (["E\u0301", "\u00e9"], 1),
    "in a directory's name": (["A/x", "a/x"], 1),
    "three": (["AA", "Aa", "aa"], 2),
    "the long s": (["s", "\u017f"], 1),
    "none": (["a", "b", "\u00e9"], 0),
    "other scripts": (["a", "\u0430"], 0),
}


@pytest.mark.parametrize("name", LOOKALIKES)
def test_lookalikes_warn(name: str) -> None:
    names, count = LOOKALIKES[name]
    assert all(before < after for before, after in pairwise(names))
    verdict = judge_statement(statement([resource(each) for each in names]))
    assert (verdict, verdict.notes) == ("accepted", ["lookalike-names"] * count)
    verdict = judge_statement(shards([resource(f"{each}:0:1") for each in names]))
    assert (verdict, verdict.notes) == ("accepted", ["lookalike-names"] * count)
    assert len({fold(each) for each in names}) == len(names) - count


def test_lookalikes_on_the_disk(tmp_path: Path) -> None:
    model = write_tree(tmp_path / "m", {"README": b"1", "readme": b"2"})
    if len(list(model.iterdir())) < 2:
        pytest.skip("the file system ignores case")
    sign(model, tmp_path / "s")
    verdict = verify(model, tmp_path / "s")
    assert (verdict, verdict.notes) == ("accepted", ["lookalike-names"])


@pytest.mark.parametrize(
    "name", ["a\n", "\x1b[31m", "é", "e\u0301", "a:0:1", " ", "*", "...", "-rf", "\ufeff", "\U0001f600"]
)
def test_odd_names_sign_and_verify(tmp_path: Path, name: str) -> None:
    model = write_tree(tmp_path / "m", {name: b"1", f"d/{name}/x": b"2"})
    for plan in (Plan(), Plan("shards", shard_size=1)):
        sign(model, tmp_path / "s", plan)
        assert verify(model, tmp_path / "s") == "accepted"
    (model / name).write_bytes(b"3")
    verdict = verify(model, tmp_path / "s")
    assert verdict == "digest OMS-8.4-01"
    assert verdict.error is not None
    assert verdict.error.path == name


BAD_ON_DISK = {
    b"a\\b": "REF-NAMES-02",
    b"\xff": "OMS-6.1.2-09",
    b"a\xed\xa0\x80": "OMS-6.1.2-09",
    b"\xc0\xaf": "OMS-6.1.2-09",
}


@pytest.mark.parametrize("name", BAD_ON_DISK)
@pytest.mark.parametrize("make", [Path.touch, Path.mkdir], ids=["file", "directory"])
def test_names_that_no_manifest_can_hold(tmp_path: Path, name: bytes, make: Callable[[Path], None]) -> None:
    model, signature, text = (
        write_tree(tmp_path / "m", {"a": b"1", "ignored/a": b"2"}),
        tmp_path / "s",
        os.fsdecode(name),
    )
    plan = Plan(ignored=("ignored",))
    make(model / "ignored" / text)
    sign(model, signature, plan)
    assert verify(model, signature) == "accepted"
    make(model / text)
    assert BAD_ON_DISK[name] in sign_error(model, signature, plan)
    verdict = verify(model, signature)
    assert verdict == f"files {BAD_ON_DISK[name]}"
    assert verdict.error is not None
    assert verdict.error.findings.refused == [text]
    assert verify(model, signature, unsigned=True) == "accepted"
