"""The GitHub Action: its form, and its steps run here as a workflow would run them."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from test_runner import ADAPTERS, ROOT, half, python

try:
    yaml: Any = importlib.import_module("yaml")
except ModuleNotFoundError:
    pytest.skip("PyYAML is not installed: python -m pip install PyYAML", allow_module_level=True)

ACTION = ROOT / "conformance" / "action.yml"
GOOD = python(ADAPTERS / "standalone_lines.py")


def action() -> Any:
    return yaml.safe_load(ACTION.read_text("utf-8"))


def test_form() -> None:
    """As GitHub's metadata syntax for composite actions has it."""
    value = action()
    assert set(value) == {"name", "description", "inputs", "outputs", "runs"}
    assert set(value["inputs"]) >= {"adapter", "protocol", "profiles", "known-failures"}
    for each in value["inputs"].values():
        assert set(each) <= {"description", "required", "default"} and each["description"]
        assert isinstance(each.get("default", ""), str) and ("default" in each) != each.get("required", False)
    assert value["runs"]["using"] == "composite"
    for step in value["runs"]["steps"]:
        assert ("uses" in step) != ("run" in step) and ("run" in step) == ("shell" in step)
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step.get("uses", "actions/x@" + "0" * 40))
    steps = {step["id"] for step in value["runs"]["steps"] if "id" in step}
    used = re.findall(r"\$\{\{ ([^}]+) \}\}", ACTION.read_text("utf-8"))
    for name in used:
        kind, _, rest = name.partition(".")
        known = {"inputs": value["inputs"], "steps": steps, "github": {"action_path"}, "runner": {"temp"}}[kind]
        assert rest.partition(".")[0] in known, name


def test_no_input_becomes_a_part_of_the_script() -> None:
    """What a workflow gives comes in by the environment, so that it can't be run as a command."""
    assert all("${{" not in step.get("run", "") for step in action()["runs"]["steps"])


def run_step(tmp_path: Path, **inputs: str) -> tuple[int, str, dict[str, str]]:
    """Exit status, summary and outputs of the step that runs the vectors."""
    value = action()
    step = next(each for each in value["runs"]["steps"] if "run" in each)
    given = {
        name: inputs.get(name.replace("-", "_"), each.get("default", "")) for name, each in value["inputs"].items()
    }
    context = {f"inputs.{name}": text for name, text in given.items()}
    context |= {"github.action_path": str(ACTION.parent), "runner.temp": str(tmp_path / "temp")}
    context |= {"steps.python.outputs.python-path": sys.executable}
    environment = {
        name: re.sub(r"\$\{\{ ([^}]+) \}\}", lambda found: context[found[1]], text)
        for name, text in step["env"].items()
    }
    summary, output = tmp_path / "summary.md", tmp_path / "output.txt"
    summary.touch()
    output.touch()
    files = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(output)}
    script = tmp_path / "step.sh"
    script.write_text(step["run"])
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, **environment, **files}, check=False)
    outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    return done.returncode, summary.read_text(), outputs


def test_a_good_client(tmp_path: Path) -> None:
    status, summary, outputs = run_step(tmp_path, adapter=GOOD, protocol="jsonl")
    assert status == 0 and "## OMS conformance: standalone.py" in summary
    assert outputs["passed"] == outputs["counted"] and int(outputs["passed"]) > 500
    assert outputs["conforms"] in ("true", "false")
    results = tmp_path / "temp" / "oms-conformance"
    assert sorted(path.name for path in results.iterdir()) == ["junit.xml", "results.html", "results.json"]


def test_a_broken_client_with_known_failures_and_profiles(tmp_path: Path) -> None:
    known = tmp_path / "known failures.txt"
    failing = ("reversed", "last-two", "without-case", "natural", "locale", "utf-16", "folders-first")
    known.write_text("".join(f"order/{name} https://example.com/1\n" for name in failing))
    words = {"adapter": half("no_order_check"), "protocol": "jsonl", "profiles": "compat-0.2 blake3"}
    status, _, outputs = run_step(tmp_path, **words, known_failures=str(known))
    report = json.loads((tmp_path / "temp" / "oms-conformance" / "results.json").read_text())
    assert {"compat-0.2", "blake3"} <= set(report["client"]["profiles"])
    assert report["totals"]["known-failure"] == 7
    assert (status, outputs["conforms"]) == (1, "false")


def test_a_client_that_does_not_start(tmp_path: Path) -> None:
    status, summary, outputs = run_step(tmp_path, adapter="/nowhere/adapter; touch injected")
    assert (status, outputs["passed"]) == (2, "0")
    assert "Smoke test failed" in summary and not (tmp_path / "injected").exists()
