"""Run tests of tests/ against a mutant: for faults that no vector can show, as a file that changes meanwhile."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from types import SimpleNamespace
from typing import Any

from . import plugin, run, targets

SECONDS = 60  # of the clock, for the tests of one mutant: they take a few


def preload() -> None:
    """Load what every test needs, so that children need not."""
    import cryptography.x509
    import hypothesis
    import pytest

    assert cryptography.x509 and hypothesis and pytest


def first_failing(mutant: str, tests: list[str]) -> str:
    """The first of `tests` (files, or tests in them) that fails with the mutant, or has no end; empty if all pass."""
    said = run.in_child(lambda say: _run(mutant, tests, say))
    return str(said[0]) if said else f"no end within {SECONDS} s"


def _run(mutant: str, tests: list[str], say: run.Say) -> None:
    import pytest

    signal.alarm(SECONDS)  # which ends the process
    os.environ.pop("PYTEST_ADDOPTS", None)  # of a run of pytest that this one is inside of
    os.chdir(targets.ROOT)
    sys.path.insert(0, str(targets.ROOT))
    run.forget()
    if mutant:
        plugin.install(mutant)

    def tell(report: Any) -> None:
        if report.failed:
            say(report.nodeid)

    listener: Any = SimpleNamespace(pytest_runtest_logreport=tell)
    with open(os.devnull, "w", encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    with contextlib.suppress(SystemExit):
        status = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests], plugins=[listener])
        say("" if status in (0, 1) else f"pytest ended with {status}")
