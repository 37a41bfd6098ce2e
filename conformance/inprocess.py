"""The project's own verifiers, run in this process on a case on disk: for tests and for mutation."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from . import case

NOBODY = 65534


class Outcome(NamedTuple):
    """What a verifier said: accept, reject, unsupported or error, and where; `told` is all else that it tells."""

    verdict: str
    stage: str | None = None
    clause: str | None = None
    detail: str = ""
    told: str = ""


Verify = Callable[[case.Case], Outcome]


def package(made: case.Case) -> Outcome:
    """What model_signing_ref says."""
    notes: set[str] = set()
    from model_signing_ref import errors, verifying
    from model_signing_ref.hashing import Plan

    options = made.vector["options"]
    plan = Plan(
        method="shards" if "shard_size" in options else None,
        hash_type=options.get("hash_algorithm"),
        shard_size=options.get("shard_size"),
        allow_symlinks=options.get("allow_symlinks", False),
        ignored=tuple(options.get("ignore_paths", ())),
        ignore_git_paths=options.get("ignore_git_paths", True),
    )
    config = verifying.Config().set_plan(plan).set_allow_v02(options.get("allow_v02", False))
    config.set_ignore_unsigned_files(options.get("ignore_unsigned_files", False))
    config.set_warn(lambda note: notes.add(note.code))
    if "max_bundle_bytes" in options:
        config.set_max_bundle_bytes(options["max_bundle_bytes"])
    try:
        assert made.public_key is not None
        report = config.use_elliptic_key_verifier(public_key=made.public_key).verify(made.model, made.bundle)
    except errors.Unsupported as error:
        return Outcome("unsupported", error.stage, error.clause, error.detail)
    except errors.Rejection as error:
        return Outcome("reject", error.stage, error.clause, error.detail, str((error.path, *error.findings)))
    except (errors.OperationError, OSError) as error:
        return Outcome("error", detail=str(error))
    return Outcome("accept", told=str((sorted(notes), report.not_covered, report.unsigned)))


def standalone(made: case.Case) -> Outcome:
    """What standalone.py says."""
    warned: dict[str, str] = {}
    module: Any = importlib.import_module("model_signing_ref.standalone")
    options = {name: value for name, value in made.vector["options"].items() if name != "allow_v02"}
    options["ignore_paths"] = [os.path.join(made.model, path) for path in options.get("ignore_paths", ())]
    defaults: dict[str, Any] = {"allow_symlinks": False, "ignore_unsigned_files": False, "ignore_git_paths": True}
    defaults |= {"hash_algorithm": None, "shard_size": None, "max_bundle_bytes": 256 << 20}
    chosen = module.Options(**{name: {**defaults, **options}[name] for name in module.Options._fields})
    try:
        module.verify(str(made.model), str(made.bundle), str(made.public_key), chosen, warned)
    except module.Failure as failure:
        verdict = {"rejected": "reject", "unsupported": "unsupported"}.get(failure.verdict, "error")
        return Outcome(verdict, failure.stage, failure.clause, failure.detail, str(failure.path))
    except (OSError, ValueError, MemoryError, RecursionError) as error:
        return Outcome("error", detail=repr(error))
    return Outcome("accept", told=str(sorted(warned.items())))


ADAPTERS: dict[str, Verify] = {"package": package, "standalone": standalone}


@contextmanager
def as_nobody(vector: case.Vector) -> Iterator[None]:
    """Without root's right to read everything, where the verdict depends on permissions."""
    if not case.needs_unprivileged(vector) or os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
