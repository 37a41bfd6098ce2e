"""Adapter for PyPI's model-signing in JSON lines: its command line, run in one process, without its start every time.

Run it with a Python in which `model-signing` and `pyOpenSSL` are installed. It can't be told a time: for the method
certificate use the adapter by commands, with libfaketime.
"""

from __future__ import annotations

import contextlib
import io
import os.path
import sys
import traceback

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from conformance.adapters.lines import Request, option_words, serve, signing_words
from conformance.adapters.pypi_model_signing import capabilities, spelled

VERDICTS = {0: "accept", 1: "reject"}


def command(words: list[str]) -> Request:
    """How a command line of model-signing ended, and what it wrote."""
    from model_signing._cli import main as run  # type: ignore[import-not-found]

    status: object = 0
    with contextlib.redirect_stdout(io.StringIO()) as written, contextlib.redirect_stderr(written):
        try:
            run([spelled(word) for word in words])
        except SystemExit as ended:
            status = ended.code or 0
        except Exception:  # what its own process would end with
            return {"verdict": "error", "detail": traceback.format_exc()}
    verdict = VERDICTS.get(status, "error") if isinstance(status, int) else "error"
    return {"verdict": verdict, "detail": written.getvalue().strip()}


def verify(request: Request) -> Request:
    """What model-signing says."""
    return command(["verify", request["method"], *option_words(request), "--", request["model"]])


def sign(request: Request) -> Request:
    """Have model-signing sign."""
    return command(["sign", request["method"], *signing_words(request), "--", request["model"]])


if __name__ == "__main__":
    serve(capabilities(), verify, sign)
