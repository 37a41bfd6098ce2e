"""From the families' functions to the files of conformance/vectors/."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections import Counter
from typing import Any

from conformance import case

from . import edits, pae, signing
from .families import MODULES
from .kit import Entry, Family, Material, vector_of

REVISION = 1
LICENCE = "CC0-1.0"


def all_families() -> list[Family]:
    """The families, in the order of the stages that they test."""
    modules = [importlib.import_module(f"conformance.generate.families.{name}") for name in MODULES]
    return list(dict.fromkeys(module.FAMILY for module in modules))


def build(families: list[Family]) -> dict[str, list[case.Vector]]:
    """The vectors of each family; a control is made once, whatever the order."""
    entries = {entry.id: entry for family in families for entry in family.entries}
    assert len(entries) == sum(len(family.entries) for family in families), "an ID is there twice"
    made: dict[str, Material] = {}
    return {family.name: [_vector(entry, entries, made) for entry in family.entries] for family in families}


def _vector(entry: Entry, entries: dict[str, Entry], made: dict[str, Material]) -> case.Vector:
    edit = None if entry.control is None else entry.make()
    vector = vector_of(entry, _material(entry, entries, made, edit), edit)
    try:
        case.check(vector)
    except (case.InvalidVector, KeyError) as error:
        raise AssertionError(f"{entry.id}: {error!r}") from error
    return vector


def _material(entry: Entry, entries: dict[str, Entry], made: dict[str, Material], edit: Any) -> Material:
    if entry.id not in made:
        if entry.control is None:
            made[entry.id] = entry.make()
        else:
            base = entries[entry.control]
            assert "accept" in (base.about["verdict"], base.about.get("decides")), (
                f"{entry.id}: its control is no accept"
            )
            base_edit = None if base.control is None else base.make()
            try:
                made[entry.id] = edits.apply(_material(base, entries, made, base_edit), edit)
            except (AssertionError, LookupError, ValueError, TypeError) as error:
                raise AssertionError(f"{entry.id}: the edit can't be made: {error!r}") from error
    return made[entry.id]


def files() -> dict[str, bytes]:
    """Every generated file by name."""
    families = all_families()
    vectors = build(families)
    made, rows = {}, []
    for family in families:
        data = _write({"format": case.FORMAT, "family": family.name, "title": family.title}, vectors[family.name])
        made[f"{family.name}.json"] = data
        rows.append(_row(family.name, family.title, "vector.schema.json", vectors[family.name], data))
    apart = ((pae.NAME, pae.TITLE, pae.vectors()), (signing.FAMILY.name, signing.FAMILY.title, signing.vectors()))
    for name, title, others in apart:
        data = _write({"format": case.FORMAT, "family": name, "title": title}, others)
        made[f"{name}.json"] = data
        rows.append(_row(name, title, f"{name}.schema.json", others, data))
    made["manifest.json"] = _manifest(rows)
    return made


def _write(head: dict[str, Any], vectors: list[Any]) -> bytes:
    return (json.dumps({**head, "vectors": vectors}, indent=1) + "\n").encode("ascii")


def _row(family: str, title: str, schema: str, vectors: list[Any], data: bytes) -> dict[str, Any]:
    verdicts = Counter(vector["verdict"] for vector in vectors)
    return {
        "family": family,
        "title": title,
        "file": f"{family}.json",
        "schema": schema,
        "vectors": len(vectors),
        "scored": sum(vector["verdict"] != "either" for vector in vectors),
        "verdicts": {verdict: verdicts[verdict] for verdict in case.VERDICTS},
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def corpus_digest(digests: list[str]) -> str:
    """SHA-256 over the files' digests in hex, sorted, a newline after each."""
    return hashlib.sha256("".join(f"{digest}\n" for digest in sorted(digests)).encode()).hexdigest()


def _manifest(rows: list[dict[str, Any]]) -> bytes:
    value = {
        "format": case.FORMAT,
        "revision": REVISION,
        "licence": LICENCE,
        "corpus_digest": corpus_digest([row["sha256"] for row in rows]),
        "vectors": sum(row["vectors"] for row in rows),
        "scored": sum(row["scored"] for row in rows),
        "families": rows,
    }
    return (json.dumps(value, indent=1) + "\n").encode("ascii")
