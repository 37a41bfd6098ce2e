"""Adapter for this package: the OMS adapter protocol on the command line of model_signing_ref.

Run it with a Python in which the package's dependencies are installed.
"""

from __future__ import annotations

import os.path
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from conformance.adapters.protocol import command_line
from model_signing_ref import __version__, cli

FLAGS = '["--allow-symlinks", "--hash-algorithm", "--shard-size"]'


def main(argv: list[str]) -> int:
    """Run one command of the protocol: 0 accept, 1 reject, 3 unsupported, anything else an error."""
    if argv == ["capabilities"]:
        print(f'{{"flags": {FLAGS}, "hash_algorithms": ["sha256", "blake2b"], "client_version": "{__version__}"}}')
        return 0
    return cli.main(command_line(argv))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
