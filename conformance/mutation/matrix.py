"""The record of every vector against every mutant: which vectors notice something that no other notices.

Two vectors that kill the same mutants may be one too many. The record keeps, for each vector, how many mutants it
kills and a digest of which; and the corpus digest that it was made with, so that a test sees when it is old.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from conformance import case

from . import equivalents, run

FILE = Path(__file__).with_name("record.json")
KEPT = Path(__file__).with_name("kept.json")


def killed_by(results: list[run.Result]) -> dict[str, list[str]]:
    """The mutants that each vector kills, by ID."""
    killed: dict[str, list[str]] = defaultdict(list)
    for result in results:
        for vector, kind in result.kills:
            if kind != run.TOLD:
                killed[vector].append(result.mutant.id)
    return killed


def write(
    path: Path, results: list[run.Result], vectors: list[case.Vector], entries: dict[str, equivalents.Entry]
) -> None:
    """Write the record of a run of every vector on every mutant."""
    killed = killed_by(results)
    kinds = Counter(result.kind for result in results if result.mutant.id not in entries)
    listed = Counter(entries[result.mutant.id].kind for result in results if result.mutant.id in entries)
    value = {
        "corpus_digest": corpus_digest(),
        "mutants": {"all": len(results), "killed": dict(sorted(kinds.items())), "listed": dict(sorted(listed.items()))},
        "of": _counts(results),
        "vectors": {
            vector["id"]: [len(killed[vector["id"]]), _digest(killed[vector["id"]])]
            for vector in vectors
            if case.is_scored(vector)
        },
    }
    path.write_text(json.dumps(value, indent=1) + "\n", "utf-8")


def _digest(mutants: list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(mutants)).encode()).hexdigest()[:16]


def _counts(results: list[run.Result]) -> dict[str, dict[str, dict[str, int]]]:
    """The mutants that were run, as numbers: by file, function and operator."""
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for result in results:
        by_operator = counts.setdefault(result.mutant.file, {}).setdefault(result.mutant.function, {})
        by_operator[result.mutant.operator] = by_operator.get(result.mutant.operator, 0) + 1
    return counts


def corpus_digest() -> str:
    """The digest of the vectors as they are."""
    manifest = json.loads((case.VECTORS / "manifest.json").read_text("utf-8"))
    return str(manifest["corpus_digest"])


def load(path: Path = FILE) -> Any:
    """The record."""
    return json.loads(path.read_text("utf-8"))


def alike(record: Any) -> list[list[str]]:
    """The groups of scored vectors that kill the same mutants."""
    groups: dict[str, list[str]] = defaultdict(list)
    for vector, (_, digest) in record["vectors"].items():
        groups[digest].append(vector)
    return [group for group in groups.values() if len(group) > 1]


def reason_to_stay(vector: str, kept: list[dict[str, Any]]) -> str:
    """Why a vector stays that kills what another kills; empty if nothing is said."""
    return next(
        (str(each["reason"]) for each in kept if any(fnmatch.fnmatchcase(vector, p) for p in each["vectors"])), ""
    )
