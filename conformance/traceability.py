"""From each clause to the code that enforces it and the vectors that test it: spec/traceability.md.

    python3 -m conformance.traceability          write it
    python3 -m conformance.traceability --check  compare, exit status 1 if it is stale

It runs the package on every vector to learn which clause a rejection names, so it needs the package with its extras.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from . import case, inprocess, signing_case

SPEC = case.VECTORS.parents[1] / "spec"
PAGE = SPEC / "traceability.md"
SHOWN = 5  # vectors of a clause that are listed; the others are counted
OBLIGATIONS = ("MUST", "MUST NOT", "REQUIRED")

HEAD = """# Traceability: clause, code, vectors

Made by `python3 -m conformance.traceability`; a test fails when it is stale. {clauses} clauses, of which
{obligations} are obligations; {tested} of these have vectors, and the last table says why the others have none.

*Code* is where the package cites the clause. *Refused for it* are the vectors that the package refuses with this
clause as the reason. *Also about it* are other vectors that name the clause: what must be accepted, what rests on
several clauses, and what signers are asked for. Vectors in *italics* are not scored, since only this project asks
for it or OMS leaves it open. `python3 conformance/run.py show ID` prints one.
"""


class Trace(NamedTuple):
    """The vectors of a clause: those refused with it as the reason, and the others that name it."""

    refused: list[str]
    others: list[str]


def main(words: list[str]) -> int:
    """`--check` compares; nothing writes. Gives the exit status."""
    if words not in ([], ["--check"]):
        print("usage: python3 -m conformance.traceability [--check]", file=sys.stderr)
        return 2
    text = page(clauses(), traces(), untested())
    if not words:
        PAGE.write_text(text, "utf-8")
    elif PAGE.read_text("utf-8") != text:
        print(f"{PAGE.name} is stale", file=sys.stderr)
        return 1
    return 0


def clauses() -> list[dict[str, Any]]:
    """Every clause of spec/clauses.json."""
    every: list[dict[str, Any]] = json.loads((SPEC / "clauses.json").read_text("utf-8"))["clauses"]
    return every


def untested() -> dict[str, str]:
    """Obligations that no vector names, each with the reason."""
    return _reasons("obligations")


def unraised() -> dict[str, str]:
    """Clauses that the package raises, and for no vector; each with the reason."""
    return _reasons("raised")


def _reasons(kind: str) -> dict[str, str]:
    reasons: dict[str, str] = json.loads(Path(__file__).with_name("untested.json").read_text("utf-8"))[kind]
    return reasons


def is_obligation(clause: Mapping[str, Any]) -> bool:
    """Whether somebody has to obey it, and nothing took its place."""
    return clause["level"] in OBLIGATIONS and clause["status"] != "withdrawn"


def traces() -> dict[str, Trace]:
    """The vectors of each clause that any names."""
    found: defaultdict[str, Trace] = defaultdict(lambda: Trace([], []))
    for vector in vectors():
        reason = reason_of(vector)
        shown = f"`{vector['id']}`" if is_scored(vector) else f"*`{vector['id']}`*"
        for clause in vector["clauses"]:
            trace = found[clause]
            (trace.refused if clause == reason else trace.others).append(shown)
    return dict(found)


def vectors() -> Iterator[dict[str, Any]]:
    """Every vector of every family, whatever its schema."""
    manifest = json.loads((case.VECTORS / "manifest.json").read_text("utf-8"))
    for family in manifest["families"]:
        yield from json.loads((case.VECTORS / family["file"]).read_text("utf-8"))["vectors"]


def is_scored(vector: Mapping[str, Any]) -> bool:
    """Whether a client is judged by it; vectors of DSSE alone all count."""
    return vector.get("verdict") != "either" and vector.get("profile") != "ref-strict"


def reason_of(vector: case.Vector) -> str | None:
    """The clause that the package names where it refuses to sign or to accept; None where it does not refuse."""
    if "method" not in vector or vector["ours"]["verdict"] == "accept":
        return None
    clause: str | None = vector["ours"]["clause"] if signing_case.is_one(vector) else named(vector)
    return clause


def named(vector: case.Vector) -> str | None:
    """The clause that the package names when it refuses the vector."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        made = case.materialise(vector, Path(name))
        with inprocess.as_nobody(vector):
            outcome = inprocess.package(made)
        case.release(Path(name))
    return outcome.clause


def page(every: list[dict[str, Any]], found: Mapping[str, Trace], reasons: Mapping[str, str]) -> str:
    """The page."""
    obligations = [clause for clause in every if is_obligation(clause)]
    tested = sum(clause["id"] in found for clause in obligations)
    parts = [HEAD.format(clauses=len(every), obligations=len(obligations), tested=tested)]
    for prefix in sorted({clause["id"].partition("-")[0] for clause in every}):
        rows = [row(clause, found) for clause in every if clause["id"].startswith(prefix + "-")]
        parts.append(
            f"## {prefix}\n\n" + table(("Clause", "Level, binds", "Code", "Refused for it", "Also about it"), rows)
        )
    rest = [(f"`{name}`", reason) for name, reason in sorted(reasons.items())]
    parts.append("## Obligations without a vector\n\n" + table(("Clause", "Why"), rest))
    return "\n".join(parts)


def row(clause: Mapping[str, Any], found: Mapping[str, Trace]) -> tuple[str, ...]:
    """The row of one clause."""
    trace = found.get(clause["id"], Trace([], []))
    level = f"{clause['level']}, {clause['binds']}"
    code = ", ".join(place(each) for each in clause["enforced"])
    return f"`{clause['id']}`", level, code, some(trace.refused), some(trace.others)


def place(where: str) -> str:
    """A link to the module of `module:name`."""
    module, _, name = where.partition(":")
    return f"[{module}:{name}](../model_signing_ref/{module.replace('.', '/')}.py)"


def some(names: list[str]) -> str:
    """The first of `names`, scored ones first, and how many more there are."""
    ordered = sorted(names, key=lambda name: name.startswith("*"))
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(ordered[:SHOWN]) + more


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = (heads, tuple("---" for _ in heads), *rows)
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
