"""The examples in Go and JavaScript: verifiers written from spec/ alone, held to the vectors of their profiles."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from test_vectors import CLAUSES, on_disk

from conformance import case, run

EXAMPLES = Path(__file__).parents[1] / "conformance" / "examples"
SOURCES = {"go": EXAMPLES / "go" / "verify.go", "javascript": EXAMPLES / "javascript" / "verify.mjs"}
PROFILES = {"go": ["core"], "javascript": ["core", "shards", "blake2b"]}
# What needs an option that the examples lack, or a control of another profile.
BEYOND = {
    "algorithms/the-same-asked-for",
    "limits/bounded",
    "limits/as-large-as-allowed",
    "algorithms/blake3-labelled-sha256",
}
CLAUSE = re.compile(r"\b(?:OMS|REF|JSON|BASE64|DSSE|INTOTO|BUNDLE)-[A-Z0-9.]+(?:-[0-9]{2})?\b")


@pytest.fixture(scope="module", params=SOURCES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def words(language: str, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command of the example: the Go one is built first."""
    if language == "javascript":
        if shutil.which("node") is None:
            pytest.skip("Node.js is not there: apt-get install nodejs (20 or later)")
        return ["node", str(SOURCES[language])]
    if shutil.which("go") is None:
        pytest.skip("Go is not there: apt-get install golang-go (1.21 or later)")
    program = tmp_path_factory.mktemp("go") / "verify"
    build = ["go", "build", "-buildvcs=false", "-o", str(program), "."]
    built = subprocess.run(build, cwd=SOURCES[language].parent, check=False, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return [str(program)]


def judged(words: list[str], tmp_path: Path, *selection: str) -> list[dict[str, Any]]:
    """The lines of a run."""
    path = tmp_path / "results.json"
    run.main(["--adapter", shlex.join(words), "--protocol", "jsonl", "--json", str(path), *selection])
    lines: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["results"]
    return lines


def test_all_vectors_of_the_profiles_pass(language: str, words: list[str], tmp_path: Path) -> None:
    selection = [word for profile in PROFILES[language] for word in ("--profile", profile)]
    lines = judged(words, tmp_path, *selection)
    apart = ("not-run", "not-applicable", "unscored")
    assert [line["id"] for line in lines if line["status"] not in ("pass", *apart)] == []
    assert [line["id"] for line in lines if line["stage_right"] is False] == []
    assert sum(line["stage_right"] is True for line in lines) > 350
    away = {line["id"] for line in lines if line["status"] == "not-applicable"}
    assert {name for name in away if not name.startswith("signing/")} == BEYOND


def test_what_would_be_ambiguous_is_refused(words: list[str], tmp_path: Path) -> None:
    """OMS leaves these open; a reader that takes the first or the last of two reads what another does not."""
    selection = [word for name in ("*/repeated-*", "names/twice-*") for word in ("--id", name)]
    lines = {line["id"]: line["verdict"] for line in judged(words, tmp_path, *selection)}
    assert len(lines) >= 10 and set(lines.values()) == {"reject"}


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [
        ("signature/p-256", 0, ""),
        ("signature/last-bit", 1, r"Verification failed at signature: .*\[DSSE-01\]\n"),
        ("order/reversed", 1, r"Verification failed at names: .*\[OMS-5\.2\.1-05\]\n"),
        ("digest/last-byte", 1, r"Verification failed at digest: .*\[OMS-8\.4-01\]\n"),
        ("algorithms/blake3", 3, r"Verification failed at unsupported: .*\[REF-UNSUPPORTED-01\]\n"),
    ],
)
def test_the_command_line_tells_stage_and_clause(words: list[str], name: str, status: int, told: str) -> None:
    vector = next(each for each in case.load() if each["id"] == name)
    with on_disk(vector) as made:
        files = [str(made.bundle), str(made.public_key), str(made.model)]
        ended = subprocess.run([*words, *files], check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode == status
    assert re.fullmatch(told, ended.stderr)


def test_a_wrong_usage_is_no_verdict(words: list[str]) -> None:
    ended = subprocess.run([*words, "one"], check=False, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (2, "") and ended.stderr.startswith("usage: ")


def test_each_is_one_short_file_that_needs_no_other(language: str) -> None:
    source = SOURCES[language].read_text("utf-8")
    assert len(source.splitlines()) <= 300
    if language == "go":
        assert "require" not in (SOURCES[language].parent / "go.mod").read_text("utf-8")
    else:
        assert all(name.startswith("node:") for name in re.findall(r'from "(.*?)"', source))


def test_each_names_clauses_that_exist(language: str) -> None:
    known = {clause["id"] for clause in json.loads(CLAUSES.read_text("utf-8"))["clauses"]}
    cited = set(CLAUSE.findall(SOURCES[language].read_text("utf-8")))
    assert len(cited) > 25 and cited <= known
