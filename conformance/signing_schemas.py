"""Bundle and statement against the JSON Schemas of spec/schemas, where the package `jsonschema` is installed."""

from __future__ import annotations

import importlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parents[1] / "spec" / "schemas"
LARGEST = 4 << 20  # bytes of a bundle: validation of more takes long


class NotJudged(Exception):
    """There is no verdict; the text says why."""


def first_fault(data: bytes, payload: bytes | None) -> str:
    """Where the schemas refuse a bundle or its payload, on one line; nothing if they don't. Raises NotJudged."""
    if len(data) > LARGEST:
        raise NotJudged(f"the bundle has more than {LARGEST} bytes")
    for name, text in (("bundle", data), ("statement", payload or b"")):
        try:
            error = next(validator(name).iter_errors(json.loads(text)), None)
        except (ValueError, RecursionError):
            return f"{name}: no JSON"
        if error is not None:
            at = "/".join(map(str, error.absolute_path))
            return f"{name}.schema.json: {ascii('/' + at)[:200]}: {ascii(error.message)[:200]}"
    return ""


@lru_cache(None)
def validator(name: str) -> Any:
    """The validator of one schema, which finds the others by their names. Raises NotJudged."""
    try:
        jsonschema: Any = importlib.import_module("jsonschema")  # neither has types
        referencing: Any = importlib.import_module("referencing")
    except ImportError as error:
        raise NotJudged(f"this needs the package jsonschema in the runner's Python: {error}") from error
    documents = {path.name: json.loads(path.read_bytes()) for path in SCHEMAS.glob("*.schema.json")}
    each = ((other, referencing.Resource.from_contents(value)) for other, value in documents.items())
    registry = referencing.Registry().with_resources(each)
    return jsonschema.Draft202012Validator(documents[f"{name}.schema.json"], registry=registry)
