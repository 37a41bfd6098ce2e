"""The schemas of spec/schemas, as validators: of the format, and of what commands print with --json."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import referencing

SCHEMAS = Path(__file__).parent.parent / "spec" / "schemas"
DOCUMENTS: dict[str, Any] = {path.name: json.loads(path.read_bytes()) for path in SCHEMAS.glob("*.schema.json")}
REGISTRY: referencing.Registry[Any] = referencing.Registry().with_resources(
    (name, referencing.Resource.from_contents(value)) for name, value in DOCUMENTS.items()
)


@lru_cache(None)
def validator(name: str) -> Any:
    """The validator of `NAME.schema.json`."""
    return jsonschema.Draft202012Validator(DOCUMENTS[f"{name}.schema.json"], registry=REGISTRY)


def check_output(value: Any) -> None:
    """Return if `value` is what a command may print. Raises jsonschema.ValidationError."""
    shows = value["command"] == "inspect" and value["exit_status"] == 0
    validator(value["command"] if shows or value["command"] != "inspect" else "failure").validate(value)
