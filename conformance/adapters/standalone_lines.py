"""Adapter for standalone.py in JSON lines: its command line, run in one process. Any Python will do."""

from __future__ import annotations

import os.path
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from conformance.adapters.lines import Request, by_command_line, option_words, serve
from conformance.adapters.standalone import CAPABILITIES
from model_signing_ref import standalone


def verify(request: Request) -> Request:
    """What standalone.py says."""
    if request["method"] != "key":
        return {"verdict": "unsupported", "detail": "standalone.py verifies key bundles"}
    return by_command_line(standalone.main, ["--json", *option_words(request), "--", request["model"]])


if __name__ == "__main__":
    serve(CAPABILITIES, verify)
