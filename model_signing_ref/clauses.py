"""The clauses that rejections cite, in words. Read on use only: no verdict needs them."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import NamedTuple


class Clause(NamedTuple):
    """One requirement, with the members that `spec/clauses.json` describes in its head."""

    id: str
    level: str
    binds: str
    section: str
    text: str
    stage: str | None
    also_at: tuple[str, ...]
    status: str
    decisions: tuple[str, ...]
    enforced: tuple[str, ...]
    reason: str


@functools.cache
def all_clauses() -> tuple[Clause, ...]:
    """Every clause, sorted by ID."""
    data = json.loads(Path(__file__).with_name("clauses.json").read_bytes())
    return tuple(_clause(members) for members in data["clauses"])


def _clause(members: dict[str, object]) -> Clause:
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in members.items()}
    return Clause(**values)  # type: ignore[arg-type]


def clause(clause_id: str) -> Clause:
    """The clause with this ID, as a rejection's `.clause` has it. Raises KeyError."""
    return _by_id()[clause_id]


@functools.cache
def _by_id() -> dict[str, Clause]:
    return {each.id: each for each in all_clauses()}
