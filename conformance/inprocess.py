"""The project's own verifiers, run in this process on a case on disk: for tests and for mutation."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from . import case

if TYPE_CHECKING:
    from model_signing_ref.hashing import Plan
    from model_signing_ref.verifying import Config

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
    from model_signing_ref import errors

    notes: set[str] = set()
    try:
        config = package_config(made).set_warn(lambda note: notes.add(note.code))
        report = config.verify(made.model, made.bundle)
    except errors.Unsupported as error:
        return Outcome("unsupported", error.stage, error.clause, error.detail)
    except errors.Rejection as error:
        return Outcome("reject", error.stage, error.clause, error.detail, str((error.path, *error.findings)))
    except (errors.OperationError, OSError) as error:
        return Outcome("error", detail=str(error))
    return Outcome("accept", told=str((sorted(notes), report.not_covered, report.unsigned)))


def package_config(made: case.Case) -> Config:
    """How the caller of the vector has model_signing_ref verify. Raises MissingExtra, OperationError and OSError."""
    from model_signing_ref import verifying

    options, plan = made.vector["options"], plan_of(made.vector)
    config = verifying.Config().set_plan(plan).set_allow_v02(options.get("allow_v02", False))
    config.set_ignore_unsigned_files(options.get("ignore_unsigned_files", False))
    if "max_bundle_bytes" in options:
        config.set_max_bundle_bytes(options["max_bundle_bytes"])
    return _METHODS[made.vector["method"]](config, made)


def plan_of(vector: case.Vector) -> Plan:
    """How the caller of a vector has a model hashed."""
    from model_signing_ref.hashing import Plan

    options = vector["options"]
    return Plan(
        method="shards" if "shard_size" in options else None,
        hash_type=options.get("hash_algorithm"),
        shard_size=options.get("shard_size"),
        allow_symlinks=options.get("allow_symlinks", False),
        ignored=tuple(options.get("ignore_paths", ())),
        ignore_git_paths=options.get("ignore_git_paths", True),
    )


def _with_key(config: Config, made: case.Case) -> Config:
    assert made.public_key is not None
    return config.use_elliptic_key_verifier(public_key=made.public_key)


def _with_certificates(config: Config, made: case.Case) -> Config:
    from model_signing_ref.certificates import parse_time

    options = made.vector["options"]
    return config.use_certificate_verifier(
        certificate_chain=made.certificates,
        verification_time=parse_time(made.vector["verification_time"]),
        partial_chain=options.get("partial_chain", False),
        require_code_signing=options.get("require_code_signing", False),
    )


def _with_sigstore(config: Config, made: case.Case) -> Config:
    trust = made.vector["trust"]
    return config.use_sigstore_verifier(
        identity=trust["identity"], oidc_issuer=trust["issuer"], trust_config=made.trusted_root, offline=True
    )


_METHODS: dict[str, Callable[[Config, case.Case], Config]] = {
    "key": _with_key,
    "certificate": _with_certificates,
    "sigstore": _with_sigstore,
}


def standalone(made: case.Case) -> Outcome:
    """What standalone.py, which verifies with keys alone, says."""
    if made.vector["method"] != "key":
        return Outcome("unsupported", "unsupported", detail="standalone.py verifies key bundles")
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
