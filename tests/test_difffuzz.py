"""Differential fuzzing: the project's verifiers agree, and a client that lacks a check is found."""

from __future__ import annotations

import importlib
import json
import random
from pathlib import Path
from typing import Any

import pytest
from test_runner import ADAPTERS, ZOO, half, python, ran

from conformance import case, clients, difffuzz, randomedits, run

jsonschema: Any = importlib.import_module("jsonschema")  # it has no types

PACKAGE, STANDALONE = python(ADAPTERS / "package_lines.py"), python(ADAPTERS / "standalone_lines.py")


def fuzz(*words: str) -> int:
    return run.main(["diff-fuzz", *words])


def test_the_project_s_verifiers_agree(capsys: pytest.CaptureFixture[str]) -> None:
    status = fuzz("--adapter", f"package={PACKAGE}", "--adapter", f"standalone={STANDALONE}", "--count", "300")
    out, err = capsys.readouterr()
    assert (status, out) == (difffuzz.AGREED, ""), out
    assert "300 cases" in err and "all accept" in err and "all reject" in err


# A check that a client lacks, and where the edits that show it are.
LACKS = {
    "no_order_check": "payload move /predicate/resources/*",
    "no_name_check": "payload insert /predicate/serialization/ignore_paths/*",
    "follows_links": "tree exchange",
    "no_extra_check": "tree add file",
    "no_digest_check": "tree replace file",
}


@pytest.mark.parametrize("cut", LACKS)
def test_a_missing_check_is_found(cut: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--adapter", f"whole={STANDALONE}", "--adapter", f"half={half(cut)}", "--count", "300"]
    assert fuzz(*words, "--out", str(tmp_path)) == difffuzz.DISAGREED
    err = capsys.readouterr().err
    assert f"whole: reject, half: accept; {LACKS[cut]}" in err
    path = tmp_path / "fuzz.json"
    schema = json.loads((case.VECTORS / "vector.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(json.loads(path.read_text("utf-8")))
    found = case.load_family(path)
    assert found and all(each["verdict"] == "either" and "half says accept" in each["why"] for each in found)
    single = [each for each in found if each["edit"]]
    assert single and all(each["ours"]["verdict"] == "reject" for each in single)
    assert len({difffuzz.place_of(each["edit"]) for each in single}) == len(single)
    _, report = ran(tmp_path, half(cut), "--protocol", "jsonl", "--vectors", str(path))
    assert [(each["status"], each["verdict"]) for each in report["results"]] == [("unscored", "accept")] * len(found)


def test_a_vector_on_which_clients_disagree_without_an_edit(capsys: pytest.CaptureFixture[str]) -> None:
    refuses = python(ZOO / "answer_table.py", "order")
    words = ["--adapter", f"whole={STANDALONE}", "--adapter", f"half={refuses}", "--family", "digest"]
    assert fuzz(*words, "--count", "80") == difffuzz.DISAGREED
    found = [each for each in json.loads(capsys.readouterr().out)["vectors"] if "whole says accept" in each["why"]]
    assert found and all(each["what"].endswith(" as it is.") and each["edit"] is None for each in found)


def test_without_a_folder_the_vectors_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--adapter", f"whole={STANDALONE}", "--adapter", f"half={half('no_digest_check')}", "--count", "60"]
    assert fuzz(*words, "--family", "digest") == difffuzz.DISAGREED
    family = json.loads(capsys.readouterr().out)
    for vector in family["vectors"]:
        case.check(vector)


@pytest.mark.parametrize("words", [[], ["--adapter", "one=x"], ["--adapter", "one=x", "--adapter", "y"]])
def test_two_adapters_with_names_are_needed(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        fuzz(*words)
    assert ended.value.code == difffuzz.NO_RUN
    assert "NAME=CMD" in capsys.readouterr().err


def test_who_does_not_start_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--adapter", f"whole={STANDALONE}", "--adapter", f"gone={tmp_path / 'nobody'}"]
    assert fuzz(*words) == difffuzz.NO_RUN
    assert "gone: it can't be started" in capsys.readouterr().err


# --- its parts


def said(*verdicts: str) -> dict[str, difffuzz.Said]:
    return {str(place): difffuzz.Said(verdict, None) for place, verdict in enumerate(verdicts)}


def test_only_who_answers_can_disagree() -> None:
    assert difffuzz.disagree(said("accept", "reject")) and difffuzz.disagree(said("reject", "error"))
    assert not difffuzz.disagree(said("accept", "accept")) and not difffuzz.disagree({})


class Speaking:
    """A client that says one thing."""

    def __init__(self, said: clients.Answer) -> None:
        self.said = said

    def verify(self, made: case.Case, known: clients.Capabilities) -> clients.Answer:
        return self.said


@pytest.mark.parametrize(
    ("answer", "stages", "compared"),
    [
        (clients.Answer("reject", "names"), True, difffuzz.Said("reject", "names")),
        (clients.Answer("reject", "names"), False, difffuzz.Said("reject", None)),
        (clients.Answer("unsupported", "unsupported"), True, None),
        (clients.Answer("error"), True, difffuzz.Said("error", None)),
    ],
)
def test_what_is_compared(answer: clients.Answer, stages: bool, compared: difffuzz.Said | None) -> None:
    client: Any = Speaking(answer)
    made: Any = None
    asked = difffuzz.Asked("one", client, clients.capabilities({}, ()))
    assert difffuzz.answer(asked, made, stages) == compared


def test_a_case_depends_on_seed_and_number_alone() -> None:
    bases = difffuzz.bases_of([])
    one = [difffuzz.random_case(3, number, bases) for number in range(50)]
    assert one == [difffuzz.random_case(3, number, bases) for number in range(50)]
    other = [difffuzz.random_case(4, number, bases) for number in range(50)]
    assert sum(first == second for first, second in zip(one, other)) <= 1


def test_edits_are_of_every_kind_and_have_the_published_form() -> None:
    schema = json.loads((case.VECTORS / "vector.schema.json").read_text("utf-8"))
    validator = jsonschema.Draft202012Validator({**schema, "$ref": "#/$defs/edit"}).evolve(
        schema={"$ref": "#/$defs/edit", "$defs": schema["$defs"]}
    )
    bases, layers = difffuzz.bases_of([]), set()
    for number in range(800):
        for edit in difffuzz.random_case(0, number, bases).edits:
            layers.add(edit["layer"])
            assert [error.message[:100] for error in validator.iter_errors(edit)] == [], edit
    wanted = {"bundle-bytes", "bundle", "envelope", "signature", "payload-bytes", "payload", "model", "tree"}
    assert layers >= wanted | {"outside", "options", "trust", "placement"}


def test_no_case_is_laid_out_beyond_its_folder(tmp_path: Path) -> None:
    bases, laid_out = difffuzz.bases_of([]), 0
    for number in range(300):
        material = difffuzz.build(difffuzz.random_case(1, number, bases))
        folder = tmp_path / "in" / "case"
        folder.mkdir(parents=True)
        try:
            case.materialise(material or {}, folder)
            laid_out += 1
        except (case.NotApplicable, KeyError):
            pass
        assert [path.name for path in tmp_path.iterdir()] == ["in"]
        assert [path.name for path in (tmp_path / "in").iterdir()] == ["case"]
        run.tidy(tmp_path / "in", None)
    assert laid_out > 250


@pytest.mark.parametrize("path", ["../x", "a/../b", "/etc/x", "a//b", "link/x", "", "a\0b", "n" * 201])
def test_paths_that_lead_elsewhere_are_refused(path: str) -> None:
    entries = [{"path": "link", "type": "link", "target": ".."}]
    with pytest.raises(ValueError):
        randomedits.safe(entries, path)
    assert randomedits.safe(entries, "link2/x") == "link2/x"


def test_smaller_edits_are_smaller() -> None:
    dice, bases = random.Random(1), difffuzz.bases_of([])
    seen = 0
    for number in range(200):
        material = difffuzz.build(difffuzz.random_case(2, number, bases))
        edit = randomedits.random_edit(dice, material) if material else None
        for less in randomedits.smaller(edit or {}):
            assert len(randomedits.written(less)) < len(randomedits.written(edit)), (edit, less)
            seen += 1
    assert seen > 500
