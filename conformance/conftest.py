"""The vectors under pytest: `python -m pytest conformance --adapter 'CMD'`, a test a vector.

The tests are named by family and vector, as in conformance/vectors/names.json::leading-slash, so that `-k` and node IDs
select as well as the options do. Known failures are strict xfails; what does not count is skipped with its reason.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from conformance import case, clients, reports, run, scoring

SKIPPED = (scoring.NOT_APPLICABLE, scoring.NOT_RUN, scoring.NOT_INJECTABLE, scoring.UNSCORED)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of run.py, as far as pytest has none of its own for it."""
    group = parser.getgroup("conformance", "OMS conformance vectors")
    add = group.addoption
    add("--adapter", metavar="CMD", help="command of the client's adapter")
    add("--protocol", choices=sorted(clients.DOORS), default="command", help="how to speak with it")
    add("--declare", action="append", default=[], metavar="PROFILE", help="the client has this profile (repeat)")
    for name in ("profile", "family", "id", "clause"):
        add(f"--{name}", action="append", default=[], help=f"only vectors of this {name}, or a pattern (repeat)")
    add("--known-failures", metavar="FILE", help="failures that are known: an ID and a link a line")
    add("--answer-timeout", type=float, default=60.0, metavar="SECONDS", help="for each answer (default 60)")
    add("--keep", metavar="DIR", help="lay the cases out here, and leave them")


class Asking(NamedTuple):
    """A run: what was chosen, who is asked, and what has been said so far."""

    whole: run.Whole
    chosen: dict[str, case.Vector]
    known_failures: dict[str, str]
    plan: run.Plan
    client: clients.Client
    capabilities: clients.Capabilities
    diagnosis: str
    outcomes: dict[str, scoring.Outcome]


ASKING = pytest.StashKey[Asking]()


def begun(config: pytest.Config) -> Asking:
    """The run, which begins with the smoke test when somebody first asks for it."""
    if ASKING not in config.stash:
        config.stash[ASKING] = begin(config)
    return config.stash[ASKING]


def begin(config: pytest.Config) -> Asking:
    """Choose vectors and make the smoke test. Raises UsageError."""
    option, whole = config.getoption, run.corpus()
    folder = Path(option("--keep") or tempfile.mkdtemp(prefix="oms-conformance-")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    declared = tuple(option("--declare"))
    plan = run.Plan(
        option("--adapter"), option("--protocol"), option("--answer-timeout"), declared, folder, bool(option("--keep"))
    )
    wanted = argparse.Namespace(**{name: option(f"--{name}") for name in ("profile", "family", "id", "clause")})
    try:
        chosen = {vector["id"]: vector for vector in run.select(whole.values(), wanted)}
        path = option("--known-failures")
        known = scoring.read_known_failures(Path(path).read_text("utf-8") if path else "", whole)
    except (run.Stopped, scoring.KnownFailuresError, OSError) as error:
        raise pytest.UsageError(str(error)) from error
    capabilities, outcomes, diagnosis = run.smoke(plan, whole)
    return Asking(whole, chosen, known, plan, plan.client(), capabilities, diagnosis, outcomes)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the client, and remove the folder unless it was asked for."""
    if ASKING in config.stash:
        asking = config.stash[ASKING]
        asking.client.close()
        if not asking.plan.keep:
            run.tidy(asking.plan.folder, None)


def pytest_report_header(config: pytest.Config) -> str:
    """Who is asked."""
    return f"conformance: {config.getoption('--adapter') or 'no --adapter, so no vector is run'}"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The families of vectors, where there is somebody to ask."""
    adapter = parent.config.getoption("--adapter", default=None)
    if adapter is None or file_path.parent != case.VECTORS or file_path.suffix != ".json":
        return None
    family: pytest.Collector = Family.from_parent(parent, path=file_path)
    return family


class Family(pytest.File):
    """The vectors of a file that were chosen."""

    def collect(self) -> Iterator[pytest.Item]:
        """A test a vector; one whose failure is known has to fail."""
        asking = begun(self.config)
        for name in (each for each in asking.chosen if each.partition("/")[0] == self.path.stem):
            item: Asked = Asked.from_parent(self, name=name.partition("/")[2])
            if name in asking.known_failures:
                item.add_marker(pytest.mark.xfail(strict=True, reason=asking.known_failures[name]))
            yield item


class NotAsWanted(Exception):
    """A client's answer is not what it should be; the text is for people."""


class Asked(pytest.Item):
    """A vector that the client is asked about."""

    @property
    def vector_id(self) -> str:
        """The vector's ID."""
        return f"{self.path.stem}/{self.name}"

    def runtest(self) -> None:
        """Ask about the vector and, once in a run, about its control; fail or skip as run.py would count it."""
        asking = begun(self.config)
        if asking.diagnosis:
            raise NotAsWanted(f"The smoke test failed. {asking.diagnosis}")
        vector = asking.whole[self.vector_id]
        for each in run.with_controls([vector], asking.whole):
            if each["id"] not in asking.outcomes:
                outcome = run.outcome(asking.client, each, asking.plan, asking.capabilities)
                asking.outcomes[each["id"]] = outcome
        result = scoring.judge_one(vector, asking.outcomes, asking.capabilities, asking.whole)
        if result.status in SKIPPED:
            pytest.skip(f"{result.status}: {result.reason}")
        if result.status != scoring.PASS:
            line = reports.line(result)
            shown = reports.described(vector, asking.whole.get(vector["control"] or ""))
            said = "\n".join([*reports.faults(line), line["command"], line["detail"]]).rstrip()
            raise NotAsWanted(f"{line['status']}: {line['reason']}\n\n{shown}\n\n{said}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """What is wrong, without a traceback of the runner's where it is the client's fault."""
        if isinstance(excinfo.value, NotAsWanted):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where the vector is, and its ID."""
        return self.path, None, self.vector_id
