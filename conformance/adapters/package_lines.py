"""Adapter for this package in JSON lines: its command line, run in one process.

Run it with a Python in which the package's dependencies are installed.
"""

from __future__ import annotations

import os.path
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from conformance.adapters.lines import Request, by_command_line, option_words, serve
from conformance.adapters.package import capabilities
from model_signing_ref import cli


def verify(request: Request) -> Request:
    """What the package says."""
    words = ["verify", request["method"], "--json", *option_words(request), "--", request["model"]]
    return by_command_line(cli.main, words)


if __name__ == "__main__":
    serve(capabilities(), verify)
