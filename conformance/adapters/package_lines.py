"""Adapter for this package in JSON lines: its command line, run in one process.

Run it with a Python in which the package's dependencies are installed.
"""

from __future__ import annotations

import os.path
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from conformance.adapters.lines import (
    Request,
    by_command_line,
    hashing_words,
    option_words,
    report_of,
    serve,
    signing_words,
)
from conformance.adapters.package import capabilities
from model_signing_ref import cli


def verify(request: Request) -> Request:
    """What the package says."""
    words = ["verify", request["method"], "--json", *option_words(request), "--", request["model"]]
    return by_command_line(cli.main, words)


def sign(request: Request) -> Request:
    """Have the package sign; a failure to sign is a refusal, and there is none without a reason."""
    words = ["sign", request["method"], "--json", *signing_words(request), "--", request["model"]]
    return refusal(report_of(cli.main, words))


def digest(request: Request) -> Request:
    """The root digest that the package computes."""
    report = report_of(cli.main, ["digest", "--json", *hashing_words(request["options"]), "--", request["model"]])
    return {**refusal(report), "root_digest": report.get("root_digest", "").partition(":")[2] or None}


def refusal(report: Request) -> Request:
    """The answer that a report of the command line stands for, where `none` is that it would not."""
    verdict = {"done": "accept", "unsupported": "unsupported"}.get(report["verdict"], "reject")
    return {"verdict": verdict, "detail": report["detail"] or ""}


if __name__ == "__main__":
    serve(capabilities(), verify, sign, digest)
