"""The mutants that no vector kills, each with a reason of a closed set of kinds, and how each reason is tested.

`told`       verdict, stage and clause stay; a warning, the culprit, a list of files or a message changes.
`speed`      nothing changes but what it costs.
`platform`   nothing changes on a system with all that POSIX has; the code asks the system what it has.
`same`       nothing changes for all that can get there, as the reason says.
`implied`    the same verdict by another check, whose clause is named.
`elsewhere`  no vector can hold the case (a disk that changes while it is read, an input without a verdict, threads,
             other methods); the test that is named fails with the mutant.

A mutant is run on all vectors and on random inputs, which must not show more than the kind allows; one of the kind
`elsewhere` is run on the test that it names, which must fail.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from . import run

FOLDER = Path(__file__).with_name("equivalent")
KINDS = ("told", "speed", "platform", "same", "implied", "elsewhere")


class Entry(NamedTuple):
    """Why a mutant lives. `evidence` is the other check's clause, or the test that fails; else it is empty."""

    id: str
    kind: str
    reason: str
    evidence: str


def load(folder: Path = FOLDER) -> dict[str, Entry]:
    """Every entry by the ID of its mutant. Raises ValueError for one that is there twice, or of another kind."""
    entries: dict[str, Entry] = {}
    files = sorted(folder.glob("*.json"))
    for group in (group for file in files for group in json.loads(file.read_text("utf-8"))):
        if group["kind"] not in KINDS:
            raise ValueError(f"{group['kind']} is none of {', '.join(KINDS)}")
        for mutant in group["mutants"]:
            if mutant in entries:
                raise ValueError(f"{mutant} is listed twice")
            entries[mutant] = Entry(mutant, group["kind"], group["reason"], group.get("evidence", ""))
    return entries


def fault(entry: Entry, shown: str, by: str = "") -> str:
    """What is wrong with an entry whose mutant is noticed as `shown` says `by` a vector or input; empty if nothing."""
    if entry.kind == "implied" and shown == "clause" and by.startswith("random/"):
        return ""  # the other check has another clause, which a random input can't name
    if shown not in ("", run.TOLD):
        return f"it is noticed by {shown}"
    if entry.kind in ("speed", "platform", "same") and shown:
        return "what is told changes"
    return ""
