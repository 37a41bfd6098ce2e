"""The vectors under pytest, run as a user would: `python -m pytest conformance --adapter 'CMD'`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_runner import ADAPTERS, ROOT, ZOO, half, python

GOOD = python(ADAPTERS / "standalone_lines.py")


def run_pytest(*words: str) -> tuple[int, dict[str, int], str]:
    """Exit status, how many tests came out how, and what was printed."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", *words]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    last = done.stdout.strip().rpartition("\n")[2]
    return done.returncode, {how: int(count) for count, how in re.findall(r"(\d+) (\w+)", last)}, done.stdout


def asked(adapter: str, *words: str) -> tuple[int, dict[str, int], str]:
    return run_pytest("conformance", "--adapter", adapter, "--protocol", "jsonl", *words)


def test_a_good_client_passes_and_the_reasons_of_skips_are_given() -> None:
    status, counts, out = asked(GOOD, "--family", "order", "--family", "algorithms")
    assert (status, counts["passed"], counts["skipped"]) == (0, 26, 5)
    assert "not-applicable: the client does not declare blake3" in out and "unscored: OMS leaves it open" in out
    assert "PASSED conformance/vectors/order.json::order/plain" not in out
    assert "PASSED conformance/vectors/order.json::plain" in out


def test_what_fails_is_described() -> None:
    status, counts, out = asked(half("no_order_check"), "--family", "order")
    assert (status, counts["failed"], counts["passed"]) == (1, 7, 7)
    assert "fail: accepted" in out and "control: order/plain" in out and "Traceback" not in out


def test_known_failures_are_strict(tmp_path: Path) -> None:
    known = tmp_path / "known.txt"
    words = ("--family", "order", "--known-failures", str(known))
    failing = ("reversed", "last-two", "without-case", "natural", "locale", "utf-16", "folders-first")
    known.write_text("".join(f"order/{name} https://example.com/1\n" for name in failing))
    status, counts, _ = asked(half("no_order_check"), *words)
    assert (status, counts["xfailed"], counts["passed"]) == (0, 7, 7)
    known.write_text(known.read_text() + "order/plain https://example.com/2\n")
    status, counts, out = asked(half("no_order_check"), *words)
    assert (status, counts["failed"], counts["xfailed"]) == (1, 1, 7)
    assert "XPASS(strict)" in out


@pytest.mark.parametrize(
    ("words", "reason"),
    [(("--family", "nobody"), "no vector has"), (("--known-failures", "/nowhere/known.txt"), "known.txt")],
)
def test_what_can_not_be_run_is_a_usage_error(words: tuple[str, str], reason: str) -> None:
    status, _, out = asked(GOOD, *words)
    assert status == pytest.ExitCode.INTERRUPTED  # while tests are collected
    assert reason in out


def test_the_dead_pass_nothing() -> None:
    status, counts, out = run_pytest("conformance", "--adapter", python(ZOO / "exit_1.py"), "--id", "order/*")
    assert (status, counts) == (1, {"failed": 15})
    assert "refuses a good signature" in out


@pytest.mark.parametrize(
    ("words", "passed"),
    [
        (("--clause", "JSON-01", "--family", "names"), 2),
        (("--id", "order/plain", "--id", "names/f*"), 4),
        (("--profile", "blake2b"), 7),
    ],
)
def test_selection(words: tuple[str, ...], passed: int) -> None:
    assert asked(GOOD, *words)[1]["passed"] == passed


def test_a_vector_by_its_node(tmp_path: Path) -> None:
    node = "conformance/vectors/order.json::reversed"
    status, counts, _ = run_pytest(node, "--adapter", GOOD, "--protocol", "jsonl", "--keep", str(tmp_path))
    assert (status, counts) == (0, {"passed": 1})
    assert sorted(path.name for path in (tmp_path / "order").iterdir()) == ["plain", "reversed"]


def test_without_an_adapter_nothing_is_run() -> None:
    status, _, out = run_pytest("conformance")
    assert status == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "no --adapter, so no vector is run" in out
