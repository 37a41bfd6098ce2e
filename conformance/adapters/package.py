"""Adapter for this package: the OMS adapter protocol on the command line of model_signing_ref.

Run it with a Python in which the package's dependencies are installed.
"""

from __future__ import annotations

import json
import os.path
import sys
from importlib.util import find_spec

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from conformance.adapters.protocol import command_line
from model_signing_ref import __version__, cli
from model_signing_ref.errors import EXIT_NO_VERDICT

FLAGS = (
    *("--allow-symlinks", "--hash-algorithm", "--shard-size", "--max-bundle-bytes", "--allow-v0.2"),
    *("--no-ignore-git-paths", "--verification-time", "--partial-chain", "--require-code-signing", "--trust-config"),
)
REFUSED = 1  # what the protocol has where the command line says that it could not sign
PROFILES = ("shards", "blake2b", "symlinks", "certificate", "ref-strict", "compat-0.2", "compat-1.0", "compat-1.1")


def capabilities() -> dict[str, object]:
    """What this package has."""
    blake3 = ["blake3"] if find_spec("blake3") else []
    sigstore = ("sigstore",) if find_spec("sigstore") else ()
    facts = {
        "benchmark_model": True,
        "flags": FLAGS,
        "hash_algorithms": ["sha256", "blake2b", *blake3],
        "profiles": PROFILES + sigstore,
    }
    return {"client": "model_signing_ref", "client_version": __version__, **facts}


def main(argv: list[str]) -> int:
    """Run one command of the protocol: 0 accept or signed, 1 reject or not signed, 3 unsupported, else an error."""
    if argv == ["capabilities"]:
        print(json.dumps(capabilities()))
        return 0
    if argv[:1] == ["benchmark-model"]:
        import model_signing_ref
        from conformance.adapters.timing import benchmark_model

        print(json.dumps(benchmark_model(model_signing_ref, argv[1:])))
        return 0
    status = cli.main(command_line(argv))
    return REFUSED if argv[0] == "sign-model" and status == EXIT_NO_VERDICT else status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
