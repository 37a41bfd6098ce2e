"""Verifies nothing: knows the vectors of some families, or of all but `limits`, and answers by their hash.

The words are families. What it does not know it refuses; with `--otherwise accept` it accepts it.
"""

from __future__ import annotations

import argparse
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

ASKED = ("method", "identity", "issuer", "verification_time")
FLAGS = ("--no-ignore-git-paths", "--verification-time", "--trust-config", *(flag for flag, _ in EXTRA.values()))


def fingerprint(request: Request) -> str:
    """A hash of all files of a case, and of what is asked."""
    folder = Path(request["model"]).parent
    seen = [repr({name: value for name, value in request["options"].items() if name != "ignore_paths"})]
    seen += [repr([request[name] for name in ASKED])]
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
    try:
        with open(path if os.path.isfile(path) else os.devnull, "rb") as file:
            return hashlib.sha256(file.read(1 << 21)).hexdigest()
    except PermissionError:
        return ""


def answers(chosen: Iterable[case.Vector]) -> dict[str, str]:
    """The published verdict of each vector, by its fingerprint."""
    table = {}
    for vector in chosen:
        with tempfile.TemporaryDirectory() as name:
            request = verify_request(case.materialise(vector, Path(name)))
            table[fingerprint(request)] = vector["ours"]["verdict"]
            case.release(Path(name))
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("families", nargs="*")
    parser.add_argument("--otherwise", choices=("accept", "reject"), default="reject")
    words = parser.parse_args()
    families = (*words.families, "signature") if words.families else set(case.families()) - {"limits"}  # smoke test's
    known = answers(vector for vector in case.load() if vector["id"].partition("/")[0] in families)
    profiles = [*case.PROFILES, "compat-0.2", "compat-1.0", "compat-1.1"]
    hello = {"client": "answer table", "profiles": profiles, "flags": [*FLAGS]}
    serve(hello, lambda request: {"verdict": known.get(fingerprint(request), words.otherwise)})
