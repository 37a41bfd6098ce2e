"""Adapter for standalone.py: the OMS adapter protocol on its command line. Any Python will do."""

from __future__ import annotations

import json
import os.path
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from conformance.adapters.protocol import command_line
from model_signing_ref import standalone

CAPABILITIES = {
    "client": "standalone.py",
    "flags": ["--allow-symlinks", "--hash-algorithm", "--shard-size", "--max-bundle-bytes", "--no-ignore-git-paths"],
    "hash_algorithms": ["sha256", "blake2b"],
    "profiles": ["shards", "blake2b", "symlinks", "ref-strict", "compat-1.0", "compat-1.1"],
}


def main(argv: list[str]) -> int:
    """Run one command of the protocol: 0 accept, 1 reject, 3 unsupported, anything else an error."""
    if argv == ["capabilities"]:
        print(json.dumps(CAPABILITIES))
        return 0
    verb, method, *words = command_line(argv)
    if (verb, method) != ("verify", "key"):
        print("standalone.py verifies key bundles", file=sys.stderr)
        return standalone.STATUS["unsupported"]
    return standalone.main(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
