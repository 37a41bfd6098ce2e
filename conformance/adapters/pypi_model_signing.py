"""Adapter for PyPI's model-signing: the OMS adapter protocol on its command line.

Run it with a Python in which `model-signing` and `pyOpenSSL` are installed (its wheel does not declare the
latter).
"""

from __future__ import annotations

import json
import os.path
import sys
from importlib.metadata import version

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from conformance.adapters.protocol import command_line

HASHES = ("sha256",)  # its library has more, and shards; its command line verifies with neither
PROFILES = ("certificate", "sigstore", "compat-1.0", "compat-1.1")
FLAGS = ("--allow-symlinks", "--no-ignore-git-paths", "--trust-config")
# It spells every other option with underscores.
DASHED = ("--", "--ignore-paths", "--ignore-git-paths", "--no-ignore-git-paths")


def capabilities() -> dict[str, object]:
    """What model-signing has."""
    facts = {"client": "model-signing", "client_version": version("model-signing"), "benchmark_model": True}
    return {**facts, "flags": FLAGS, "hash_algorithms": HASHES, "profiles": PROFILES}


def main(argv: list[str]) -> int:
    """Run one command of the protocol: 0 accept, 1 reject."""
    if argv == ["capabilities"]:
        print(json.dumps(capabilities()))
        return 0
    if argv[:1] == ["benchmark-model"]:
        import model_signing  # type: ignore[import-not-found]

        from conformance.adapters.timing import benchmark_model

        print(json.dumps(benchmark_model(model_signing, argv[1:])))
        return 0
    from model_signing._cli import main as run  # type: ignore[import-not-found]

    run([spelled(word) for word in command_line(argv)])
    return 0


def spelled(word: str) -> str:
    """An option as model-signing spells it."""
    return "--" + word[2:].replace("-", "_") if word.startswith("--") and word not in DASHED else word


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
