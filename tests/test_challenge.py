"""The challenge: the vectors made again, what both verifiers say of them, and who is caught."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from test_runner import ZOO, lines, of_families, python, ran
from test_vectors import expected, holds, judge, material, plain_envelope, signer_of, without_blake3

from conformance import case, challenge, inprocess, run
from conformance.challenge import Way
from conformance.generate import edits

jsonschema: Any = importlib.import_module("jsonschema")  # it has no types

ROOT = Path(__file__).parents[1]
SEEDS = (1, 20)
ALL = Way(True, True, True)
WITHOUT_LETTERS = ("digest/zeros", "compat/two-digits")  # contents, or a shard, of which nothing is replaced


@lru_cache(None)
def published() -> dict[str, case.Vector]:
    return {vector["id"]: vector for vector in case.load()}


@lru_cache(None)
def made(seed: int) -> tuple[dict[str, case.Vector], dict[str, Any]]:
    vectors, facts = challenge.challenge(seed, published())
    return {vector["id"]: vector for vector in vectors}, facts


@lru_cache(None)
def way(name: str) -> Way:
    return challenge.again(SEEDS[0], published()[name], published()).way


@pytest.mark.parametrize("seed", SEEDS)
def test_the_package_says_what_is_published(seed: int) -> None:
    wrong = [line for vector in made(seed)[0].values() for line in judge(vector, inprocess.package, expected(vector))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_second_verifier_agrees(seed: int) -> None:
    wrong = [
        line
        for vector in made(seed)[0].values()
        if vector["method"] == "key"
        for line in judge(vector, inprocess.standalone, without_blake3(vector))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_same_seed_gives_the_same_vectors_and_another_gives_others() -> None:
    assert challenge.challenge(SEEDS[0], published()) == (list(made(SEEDS[0])[0].values()), made(SEEDS[0])[1])
    same = [name for name, vector in made(SEEDS[0])[0].items() if vector["bundle"] == made(SEEDS[1])[0][name]["bundle"]]
    assert len(same) <= 3


def test_most_is_fresh_and_the_rest_is_counted() -> None:
    vectors, facts = made(SEEDS[0])
    left_out = {name for name in published() if name not in vectors}
    assert all(name.startswith(("compat/old", "sigstore/released")) for name in left_out), left_out
    with_key = sum(vector["method"] != "sigstore" for vector in vectors.values())
    assert facts["fresh"]["key"] >= with_key - 20
    assert min(facts["fresh"]["names"], facts["fresh"]["contents"]) >= len(vectors) - 20
    assert facts["vectors"] == len(vectors) and sum(facts["left_out"].values()) == len(left_out)
    assert facts["same_bundle"] == 3
    text = challenge.account(facts)
    assert str(facts["vectors"]) in text and all(reason in text for reason in facts["left_out"])


def test_nothing_published_is_left_where_all_is_fresh() -> None:
    """Neither key, nor hint, nor a digest of a file, nor a name of one."""
    for name in (each for each in made(SEEDS[0])[0] if way(each) == ALL and published()[each]["control"] is None):
        old, new = published()[name], made(SEEDS[0])[0][name]
        payload = edits.open_payload(new).decode()
        assert old["trust"] != new["trust"] and old["signer"] != new["signer"], name
        assert old["model"]["name"] != new["model"]["name"], name
        resources = json.loads(edits.open_payload(old))["predicate"]["resources"]
        fresh = json.loads(payload)["predicate"]["resources"]
        stale = [one["digest"] for one, other in zip(resources, fresh) if one["digest"] == other["digest"]]
        assert stale == [] or name in WITHOUT_LETTERS, (name, stale)
        kept = [each["name"] for each in resources if f'"{each["name"]}"' in payload]
        assert kept == [] or name == "ignored/signed-gitattributes", (name, kept)


def test_the_edit_gives_the_same_bytes_again() -> None:
    vectors, checked = made(SEEDS[0])[0], 0
    for vector in vectors.values():
        control, edit = vectors.get(vector["control"] or ""), vector["edit"]
        if control is not None and way(vector["id"]) == way(control["id"]) and edit["op"] != "spell":
            assert edits.apply(material(control), edit) == material(vector), vector["id"]
            checked += 1
    assert checked > 550


def test_signatures_hold_where_they_held() -> None:
    checked = 0
    for name, vector in made(SEEDS[0])[0].items():
        envelope, old = plain_envelope(vector), plain_envelope(published()[name])
        assert (envelope is None) == (old is None), name
        if envelope is not None:
            assert holds(signer_of(vector), envelope) == holds(signer_of(published()[name]), old), name
            checked += 1
    assert checked > 400


def test_vectors_made_again_have_the_published_form() -> None:
    schema = json.loads((case.VECTORS / "vector.schema.json").read_text("utf-8"))
    family = {"format": 1, "family": "challenge", "title": "challenge", "vectors": list(made(SEEDS[0])[0].values())}
    assert [error.message[:200] for error in jsonschema.Draft202012Validator(schema).iter_errors(family)] == []


def test_about_a_vector_nothing_changes() -> None:
    for name, vector in made(SEEDS[0])[0].items():
        about = set(case.ABOUT) - {"edit"}
        assert {each: vector[each] for each in about} == {each: published()[name][each] for each in about}, name


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("code/run.py", "xxcode/xxrun.py"),
        ("../out/.git/config", "../xxout/.git/xxconfig"),
        ("code\\run.py", "xxcode\\xxrun.py"),
        ("code%2Frun.py", "xxcode%2Fxxrun.py"),
        ("/a//b/./*/ /__proto__", "/xxa//xxb/./*/ /__proto__"),
        ("w:0:10", "xxw:0:10"),
        ({"hex": "ff2e"}, {"hex": "7878ff2e"}),
    ],
)
def test_names_keep_what_they_are_about(path: Any, new: Any) -> None:
    fresh = challenge.Fresh(ALL, "xx", {}, lambda label: label, {})
    assert challenge.vary_path(path, fresh) == new


def test_digests_are_replaced_in_every_form() -> None:
    old, new = "0123456789abcdef" * 4, "fedcba9876543210" * 4
    fresh = challenge.Fresh(ALL, "xx", {}, lambda label: label, {old: new})
    for spelt in (
        str,
        str.upper,
        lambda text: text[:32],
        lambda text: f"sha256:{text}",
        lambda text: f"{text[:2]} {text[2:]}",
    ):
        assert challenge.vary_text(spelt(old), fresh) == spelt(new)
    assert challenge.vary_text("0" * 64, fresh) == "0" * 64


# --- the command


EVERY = of_families(*(name for name in case.families() if name != "limits"))


def test_answers_by_hash_are_right_on_the_published_vectors(tmp_path: Path) -> None:
    words = ("--protocol", "jsonl", "--workers", "1", *EVERY)
    status, report = ran(tmp_path, python(ZOO / "answer_table.py"), *words)
    assert (status, report["totals"]["score"]) == (run.PASSED, 1)
    assert report["totals"]["pass"] > 700


def challenged(tmp_path: Path, adapter: str, *words: str) -> tuple[int, Any]:
    path = tmp_path / "results.json"
    common = ["--adapter", adapter, "--protocol", "jsonl", "--workers", "1", "--json", str(path)]
    return run.main(["challenge", "--seed", "7", *common, *words]), json.loads(path.read_text())


@pytest.mark.parametrize("otherwise", ["accept", "reject"])
def test_answers_by_hash_are_caught(otherwise: str, tmp_path: Path) -> None:
    adapter = python(ZOO / "answer_table.py", "--otherwise", otherwise)
    status, report = challenged(tmp_path, adapter, "--go-on", *of_families("order", "names", "key", "digest"))
    assert (status, report["smoke"]["passed"], report["totals"]["pass"]) == (run.FAILED, False, 0)
    assert report["totals"]["counted"] > 80


def test_a_verifier_is_not_caught(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    adapter = python(ROOT / "conformance" / "adapters" / "standalone_lines.py")
    status, report = challenged(tmp_path, adapter, *of_families("order", "names", "key"))
    assert (status, report["totals"]["score"], report["challenge"]["seed"]) == (run.PASSED, 1, 7)
    assert not report["claim"]["core"] and len(lines(report)) > 80
    assert re.search(r"challenge 7: \d+ vectors made again", capsys.readouterr().out)
    schema = json.loads((ROOT / "conformance" / "results.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(report)


def test_without_cryptography_it_says_what_to_install() -> None:
    words = [sys.executable, "-I", "-S", str(ROOT / "conformance" / "run.py")]
    for name in ("challenge", "diff-fuzz"):
        done = subprocess.run([*words, name], capture_output=True, text=True, check=False)
        assert done.returncode == run.NO_RUN
        assert f"{name} needs the package cryptography" in done.stderr and "pip install cryptography" in done.stderr
