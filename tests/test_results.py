"""RESULTS.md and what it is made of: recorded runs, and a cause for each of their failures."""

from __future__ import annotations

import copy
import importlib
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from conformance import case, clients, reports, results, scoring, signing_case

jsonschema: Any = importlib.import_module("jsonschema")  # it has no types
SCHEMA = json.loads((results.HERE / "results.schema.json").read_text("utf-8"))
RUNS = results.runs()


def test_the_page_is_what_the_runs_and_the_causes_make() -> None:
    assert results.PAGE.read_text("utf-8") == results.page()
    assert results.main(["--check"]) == 0


@pytest.mark.parametrize("name", RUNS)
def test_each_failure_has_one_cause_and_each_cause_failed(name: str) -> None:
    assert results.unexplained(RUNS[name], results.causes().get(name, [])) == {}


def test_what_does_not_fit_is_found() -> None:
    report, causes = RUNS["model-signing"], results.causes()["model-signing"]
    first = causes[0]
    more = first._replace(vectors=[*first.vectors, "bundle/plain"])
    again = causes[1]._replace(vectors=[*causes[1].vectors, first.vectors[0]])
    assert results.unexplained(report, [more, *causes[1:]]) == {"bundle/plain": "did not fail"}
    assert results.unexplained(report, causes[1:]) == dict.fromkeys(first.vectors, "has no cause")
    assert results.unexplained(report, [first, again, *causes[2:]]) == {first.vectors[0]: "has two causes"}


@pytest.mark.parametrize("name", RUNS)
def test_kept_runs_are_results_of_this_corpus(name: str) -> None:
    jsonschema.validate(RUNS[name], SCHEMA, cls=jsonschema.Draft202012Validator)
    known = {vector["id"]: vector for vector in [*case.load(), *signing_case.load()]}
    for line in RUNS[name]["results"]:
        vector = known[line["id"]]
        assert (line["status"] in reports.BAD, vector["verdict"], line["severity"]) == (
            *(True, line["expected"]),
            vector["severity"],
        ), line["id"]


def test_all_runs_are_small_and_name_no_place_of_the_machine() -> None:
    text = "".join(path.read_text("utf-8") for path in results.FOLDER.iterdir())
    assert len(text) < 300_000
    assert not any(place in text for place in ("/root/", "/home/", "/tmp/"))


def test_the_script_makes_each_of_the_runs() -> None:
    script = (results.FOLDER / "run.sh").read_text("utf-8")
    for report in RUNS.values():
        words = ["--adapter", report["client"]["command"]]
        words += ["--protocol", "jsonl"] if report["client"]["protocol"] == "jsonl" else []
        words += [
            word for name, values in report["selection"].items() for each in values for word in (f"--{name}", each)
        ]
        assert shlex.join(words) in script


def test_keeping_leaves_out_what_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path / "kept")
    report = copy.deepcopy(RUNS["model-signing"])
    report["results"].append({**report["results"][0], "status": "pass"})
    report["results"][0]["detail"] = "x" * 1000
    (tmp_path / "run.json").write_text(json.dumps(report), "utf-8")
    assert results.main(["keep", str(tmp_path / "run.json")]) == 0
    kept = json.loads((tmp_path / "kept" / "model-signing.json").read_text("utf-8"))
    assert {line["id"] for line in kept["results"]} == {line["id"] for line in RUNS["model-signing"]["results"]}
    assert max(len(line["detail"]) for line in kept["results"]) == results.LONGEST


def judged(said: dict[str, str], profiles: tuple[str, ...] = ()) -> dict[str, str]:
    """The statuses of vectors, from what a client said of them."""
    whole = {vector["id"]: vector for vector in case.load()}
    outcomes = {name: scoring.Outcome(clients.Answer(verdict)) for name, verdict in said.items()}
    outcomes |= {
        name: scoring.Outcome(clients.Answer(verdict)) for name, verdict in zip(scoring.SMOKE, ("accept", "reject"))
    }
    known = clients.capabilities({"profiles": list(profiles)}, ())
    return {
        line.vector["id"]: line.status for line in scoring.judge(outcomes, [whole[name] for name in said], known, whole)
    }


def test_who_refuses_what_oms_leaves_open_is_not_judged_by_what_differs_from_it() -> None:
    control, changed = "ignored/listed-under-ignored", "ignored/listed-under-ignored-changed"
    assert judged({control: "reject", changed: "reject"}) == {control: "unscored", changed: "not-applicable"}
    assert judged({control: "reject", changed: "accept"}) == {control: "unscored", changed: "fail"}
    assert judged({control: "accept", changed: "reject"}) == {control: "unscored", changed: "pass"}
    assert judged({control: "reject", changed: "reject"}, ("ref-strict",)) == {control: "fail", changed: "unearned"}
