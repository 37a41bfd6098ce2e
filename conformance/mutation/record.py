"""The record of a run of all mutants: how many there are and what became of them, and what each vector kills.

Two vectors that kill the same mutants may be one too many. The record keeps, for each scored vector, how many mutants
it kills and a digest of which. The corpus digest says when it is old.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from conformance import case, signing_case

from . import equivalents, library, run

FILE = Path(__file__).with_name("record.json")
KEPT = Path(__file__).with_name("kept.json")


def write(path: Path, results: list[run.Result], entries: dict[str, equivalents.Entry]) -> None:
    """Write the record of a run of every vector on every mutant."""
    path.write_text(_compact(made(results, entries)), "utf-8")


def _compact(record: Any) -> str:
    """JSON with a line for each vector."""
    text = json.dumps({**record, "vectors": {}}, indent=1)
    vectors = ",\n".join(f"  {json.dumps(name)}: {json.dumps(kills)}" for name, kills in record["vectors"].items())
    return text.replace('"vectors": {}', f'"vectors": {{\n{vectors}\n }}') + "\n"


def made(results: list[run.Result], entries: dict[str, equivalents.Entry]) -> Any:
    """The record as JSON."""
    ours, others = library.split(results)
    alive = [result.mutant.id for result in ours if result.kind in ("", run.TOLD)]
    return {
        "corpus_digest": corpus_digest(),
        "mutants": len(ours),
        "killed": Counter(result.kind for result in ours if result.mutant.id not in alive),
        "listed": Counter(entries[name].kind for name in alive if name in entries),
        "of": _counts(ours),
        "sigstore": _not_judged(others),
        "vectors": _vectors(results),
    }


def _not_judged(results: list[run.Result]) -> dict[str, Any]:
    """The mutants of the sigstore package: of which version, how many, and those that live."""
    alive = [result.mutant.id for result in results if result.kind in ("", run.TOLD)]
    killed = Counter(result.kind for result in results if result.mutant.id not in alive)
    return {"version": library.version(), "mutants": len(results), "killed": killed, "alive": sorted(alive)}


def _vectors(results: list[run.Result]) -> dict[str, list[Any]]:
    """How many mutants each scored vector kills, and a digest of which."""
    killed = defaultdict(list)
    for result in results:
        for vector, kind in result.kills:
            if kind != run.TOLD:
                killed[vector].append(result.mutant.id)
    scored = (vector["id"] for vector in (*case.load(), *signing_case.load()) if case.is_scored(vector))
    return {name: [len(killed[name]), _digest(killed[name])] for name in scored if name not in run.LEFT_OUT}


def _digest(mutants: list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(mutants)).encode()).hexdigest()[:16]


def _counts(results: list[run.Result]) -> dict[str, dict[str, int]]:
    """The mutants that were run, as numbers: by file and operator."""
    counts: dict[str, dict[str, int]] = {}
    for result in results:
        by_operator = counts.setdefault(result.mutant.file, {})
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


def reason_to_stay(vector: str, kept: list[Any]) -> str:
    """Why a vector stays that kills what another kills; empty if nothing is said."""
    fits = (each for each in kept if vector in each["vectors"])
    return next((str(each["reason"]) for each in fits), "")
