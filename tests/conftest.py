"""Options shared by all tests: which skips are allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

EXPECTED_SKIPS = Path(__file__).with_name("expected-skips.txt")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--only-expected-skips", action="store_true", help="fail on a skip that expected-skips.txt lacks"
    )


def expected_skips() -> tuple[str, ...]:
    lines = (line.split("#")[0].strip() for line in EXPECTED_SKIPS.read_text("utf-8").splitlines())
    return tuple(line for line in lines if line)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn an unexpected skip into a failed run, so that a missing component can't pass unseen."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not session.config.getoption("--only-expected-skips") or reporter is None:
        return
    allowed = expected_skips()
    surprises = [r.nodeid for r in reporter.stats.get("skipped", []) if not r.nodeid.startswith(allowed or ("\0",))]
    for nodeid in surprises:
        reporter.write_line(f"unexpected skip: {nodeid}", red=True)
    if surprises and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
