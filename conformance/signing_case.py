"""A signing vector: read it, check its shape, and lay it out on disk for a signer. Standard library only.

The format is described in vectors/README.md and vectors/signing.schema.json.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from . import case
from .case import VECTORS, Case, InvalidVector, Vector

FAMILY = "signing"
SMOKE = "signing/one-file"  # who can't sign this does not sign
MEMBERS = (
    *("id", "what", "why", "gain", "severity", "clauses", "profile", "verdict", "ours", "control", "edit"),
    *("method", "signer", "private_key", "certificates", "trust", "options", "model", "outside", "bundle_path"),
    *("manifest", "payload", "bundle"),
)
OPTIONS = ("ignore_paths", "ignore_git_paths", "allow_symlinks", "hash_algorithm", "shard_size")


class SigningCase(NamedTuple):
    """A signing vector on disk: absolute paths to hand to a signer. `certificates` starts with the signer's own."""

    vector: Vector
    folder: Path
    model: Path
    bundle: Path
    private_key: Path
    certificates: tuple[Path, ...]


def is_one(vector: Vector) -> bool:
    """Whether a vector, of whatever family, is about signing."""
    return str(vector["id"]).startswith(f"{FAMILY}/")


def load(folder: Path = VECTORS) -> list[Vector]:
    """The signing vectors, their shape checked. Raises InvalidVector."""
    data = json.loads((folder / f"{FAMILY}.json").read_text("utf-8"))
    if data["format"] != case.FORMAT:
        raise InvalidVector(f"{FAMILY}.json: format {data['format']} is not {case.FORMAT}")
    vectors: list[Vector] = data["vectors"]
    for vector in vectors:
        check(vector)
    return vectors


def check(vector: Vector) -> None:
    """Return if `vector` has the shape of a signing vector. Raises InvalidVector."""
    name = vector.get("id", "a vector without id")
    right = {
        "members": set(vector) == set(MEMBERS),
        "verdict": vector.get("verdict") in case.VERDICTS,
        "severity": vector.get("severity") in case.SEVERITIES,
        "profile": vector.get("profile") in case.PROFILES,
        "method": vector.get("method") in ("key", "certificate"),
        "options": set(vector.get("options", ())) <= set(OPTIONS),
        "control and edit": (vector.get("control") is None) == (vector.get("edit") is None),
        "manifest": vector.get("verdict") != "accept" or bool(vector.get("manifest")),
    }
    if wrong := [member for member, holds in right.items() if not holds]:
        raise InvalidVector(f"{name}: {', '.join(wrong)}")


def materialise(vector: Vector, folder: Path) -> SigningCase:
    """Lay the vector out in `folder`, which exists and is empty: all but the bundle. Raises NotApplicable."""
    key = folder / "signer.key"
    certificates = [folder / f"signer-{number}.pem" for number in range(len(vector["certificates"]))]
    model, bundle = case.lay_out(vector, folder, None)
    for path, text in zip([key, *certificates], [vector["private_key"], *vector["certificates"]]):
        path.write_text(text, "utf-8")
    return SigningCase(vector, folder, model, bundle, key, tuple(certificates))


def to_verify(made: SigningCase, trust: Path) -> Case:
    """The same model and bundle for a verifier, who is given what to trust in the folder `trust`."""
    kind = {"key": "public_key", "certificate": "certificates"}[made.vector["method"]]
    trusted = {kind: made.vector["trust"][kind]}
    options = {name: made.vector["options"][name] for name in OPTIONS[:3] if name in made.vector["options"]}
    vector = {**made.vector, "trust": trusted, "options": options, "verification_time": None}
    return Case(vector, made.folder, made.model, made.bundle, *case.write_trust(trusted, trust))


Snapshot = dict[str, tuple[int, ...]]


def snapshot(made: SigningCase) -> Snapshot:
    """What lies in the folder of a case but for the bundle: by path, the kind, and of files size and time as well."""
    found: Snapshot = {}
    for parent, folders, files in os.walk(made.folder):
        for names, members in ((folders, 1), (files, 3)):
            for path in (os.path.join(parent, name) for name in names):
                status = os.lstat(path)
                facts = (status.st_mode, status.st_size, status.st_mtime_ns)
                found[os.path.relpath(path, made.folder)] = facts[:members]
    found.pop(os.path.relpath(made.bundle, made.folder), None)
    return found
