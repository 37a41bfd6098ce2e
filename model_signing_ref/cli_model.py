"""The command line of what needs no signature: `digest`, and the demonstration."""

from __future__ import annotations

from .cli import Arguments, Parser, Result, write_out
from .cli_options import add_hashing, add_model, add_output, manifest_json, plan_of
from .errors import Warn


def add_digest_options(parser: Parser) -> None:
    """The options of `digest`."""
    add_output(parser, run_digest)
    add_hashing(parser)
    add_model(parser)


def add_demo_options(parser: Parser) -> None:
    """The options of `demo`."""
    add_output(parser, run_demo)
    parser.add_argument("model", nargs="?", help="also sign and verify this model, read-only")


def run_digest(arguments: Arguments, warn: Warn) -> Result:
    """`digest`."""
    from .hashing import hash_model

    facts = manifest_json(hash_model(arguments.model, plan_of(arguments), warn=warn))
    return {"line": facts["root_digest"], "model": arguments.model, **facts}


def run_demo(arguments: Arguments, warn: Warn) -> Result:
    """`demo`."""
    from .demo import demo

    tell = (lambda line: None) if arguments.json or arguments.quiet else write_out
    return {"line": "", "steps": demo(arguments.model, tell, warn)}
