"""Verifies nothing: knows the vectors of some families, and answers by the hash of what it is given."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from conformance import case
from conformance.adapters.lines import Request, serve
from conformance.clients import EXTRA, verify_request


def fingerprint(request: Request) -> str:
    """A hash of all files of a case, and of the options."""
    folder = Path(request["model"]).parent
    seen = [repr({name: value for name, value in request["options"].items() if name != "ignore_paths"})]
    seen += [os.path.relpath(path, folder) for path in request["options"]["ignore_paths"]]
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted([*files, *folders]):
            path = os.path.join(parent, name)
            seen.append(f"{os.path.relpath(path, folder)!a} {os.lstat(path).st_mode} {contents(path)}")
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()


def contents(path: str) -> str:
    """A hash of a file's first bytes, or a link's target."""
    if os.path.islink(path):
        return ascii(os.readlink(path))
    if not os.path.isfile(path):
        return ""
    with open(path, "rb") as file:
        return hashlib.sha256(file.read(1 << 21)).hexdigest()


def answers(chosen: Iterable[case.Vector]) -> dict[str, str]:
    """The published verdict of each vector, by its fingerprint."""
    table = {}
    for vector in chosen:
        if not case.needs_unprivileged(vector):
            with tempfile.TemporaryDirectory() as name:
                table[fingerprint(verify_request(case.materialise(vector, Path(name))))] = vector["ours"]["verdict"]
    return table


if __name__ == "__main__":
    families = (*sys.argv[1:], "signature")  # the smoke test's
    known = answers(vector for vector in case.load() if vector["id"].partition("/")[0] in families)
    profiles = [*case.PROFILES, "compat-0.2", "compat-1.0", "compat-1.1"]
    hello = {"client": "answer table", "profiles": profiles, "flags": [flag for flag, _ in EXTRA.values()]}
    serve(hello, lambda request: {"verdict": known.get(fingerprint(request), "reject")})
