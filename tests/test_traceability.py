"""Every obligation has a vector, or a reason why none can test it; and the published page says so."""

from __future__ import annotations

import pytest

from conformance import traceability as trace
from model_signing_ref import clauses


@pytest.fixture(scope="module")
def traces() -> dict[str, trace.Trace]:
    return trace.traces()


def test_the_page_is_not_stale(traces: dict[str, trace.Trace]) -> None:
    made = trace.page(trace.clauses(), traces, trace.untested())
    assert trace.PAGE.read_text("utf-8") == made, "python3 -m conformance.traceability writes it"


def test_every_obligation_has_a_vector_or_a_reason(traces: dict[str, trace.Trace]) -> None:
    bare = {clause["id"] for clause in trace.clauses() if trace.is_obligation(clause)} - set(traces)
    assert sorted(bare) == sorted(trace.untested())
    assert all(reason.endswith(".") for reason in trace.untested().values())


def test_what_the_package_can_raise_is_raised_by_a_vector_of_its_own(traces: dict[str, trace.Trace]) -> None:
    """A client that lacks this one check accepts these vectors: nothing else is wrong with them."""
    from test_clauses import RAISED

    without = {name for name in RAISED if not traces.get(name, trace.Trace([], [])).refused}
    assert sorted(without) == sorted(trace.unraised())


def test_reasons_name_clauses() -> None:
    for name in (*trace.untested(), *trace.unraised()):
        clauses.clause(name)


def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert trace.main(["--help"]) == 2
    monkeypatch.setattr(trace, "traces", dict)
    assert trace.main(["--check"]) == 1
    assert "stale" in capsys.readouterr().err
