"""Options and work that several commands of the command line share."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any

from .cli import LEVELS, Arguments, Parser, Result, names_json, say
from .errors import OperationError, Warn, quote

PASSWORD_VARIABLE = "MODEL_SIGNING_REF_PASSWORD"  # noqa: S105 - the name of a variable


def add_output(parser: Parser, run_it: Callable[[Arguments, Warn], Result]) -> None:
    """What every command has: the function that runs it, and how it tells its result."""
    parser.set_defaults(run=run_it)
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")
    parser.add_argument("--quiet", action="store_true", help="errors only")
    parser.set_defaults(explain=False)


def add_explain(parser: Parser) -> None:
    """A trace of the recipe; on stderr where stdout is for the signature."""
    text = "show each step: its clauses, what was checked with which values, and where it ended"
    parser.add_argument("--explain", action="store_true", help=text)


def add_model(parser: Parser) -> None:
    """The model itself."""
    parser.add_argument("model", metavar="MODEL", help="a file or a directory")


def add_signature(parser: Parser, *, signing: bool) -> None:
    """Where the bundle is (by default it has the extension .sig, OMS-9-01), and what is told of it."""
    add_explain(parser)
    if signing:
        text = "where to write the signature, '-' for stdout (default: model.sig)"
        parser.add_argument("--signature", metavar="FILE", default="model.sig", help=text)
    else:
        parser.add_argument("--signature", metavar="FILE", required=True, help="the signature to verify")


def add_private_key(parser: Parser) -> None:
    """The key to sign with, in a file or on a token."""
    text = "PEM file (P-256, P-384 or P-521), or the pkcs11: URI of a key on a token"
    parser.add_argument("--private-key", metavar="FILE", required=True, help=text)
    add_password(parser, "of an encrypted key, or the PIN of a token")
    parser.add_argument("--random-signature", action="store_true", help="do not sign deterministically (RFC 6979)")


def add_password(parser: Parser, of_what: str) -> None:
    """A secret that is better not given on a command line."""
    parser.add_argument("--password", help=f"{of_what}; better: ${PASSWORD_VARIABLE}, or the prompt")


def add_timestamp(parser: Parser, *, signing: bool) -> None:
    """A trusted timestamp over the signature (RFC 3161; extra [timestamp])."""
    if signing:
        parser.add_argument("--tsa-url", metavar="URL", help="have the signature timestamped by this authority")
        text = "certificates of that authority, to verify the timestamp in full before it is written (repeat)"
    else:
        text = "require a timestamp by the authority with these certificates (repeat)"
    parser.add_argument("--tsa-chain", metavar="FILE", action="append", default=[], help=text)


def add_hashing(parser: Parser) -> None:
    """What belongs to the model and how it is hashed."""
    switch = argparse.BooleanOptionalAction
    parser.add_argument(
        "--ignore-paths", metavar="PATH", action="append", default=[], help="leave out this path (may be repeated)"
    )
    parser.add_argument(
        "--ignore-git-paths", action=switch, default=True, help="leave out .git, .gitattributes, .github, .gitignore"
    )
    parser.add_argument("--allow-symlinks", action="store_true", help="follow symbolic links")
    parser.add_argument(
        "--hash-algorithm", choices=("sha256", "blake2b", "blake3"), help="default: sha256, or as signed"
    )
    parser.add_argument("--shard-size", metavar="BYTES", type=positive, help="hash files in shards of this size")
    parser.add_argument("--workers", metavar="N", type=positive, help="threads (default: one a processor)")


def add_verification(parser: Parser) -> None:
    """What a verifier may excuse or insist on."""
    parser.add_argument(
        "--ignore-unsigned-files",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="accept files that are not signed",
    )
    parser.add_argument("--allow-v0.2", dest="allow_v02", action="store_true", help="read bundles of version 0.2.0")
    parser.add_argument("--max-bundle-bytes", metavar="BYTES", type=positive, help="refuse a larger signature file")


def positive(text: str) -> int:
    """An integer of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not at least 1")
    return value


def plan_of(arguments: Arguments) -> Any:
    """The hashing.Plan that the arguments describe: ignored paths are relative to the working directory."""
    from .digests import CHUNK_SIZE, Settings
    from .hashing import Plan
    from .manifest import FILES, MAX_SHARD_SIZE, SHARDS

    if (arguments.shard_size or 0) > MAX_SHARD_SIZE:
        raise OperationError(f"--shard-size is over {MAX_SHARD_SIZE} (REF-PREDICATE-02)")
    progress = None
    if sys.stderr is not None and sys.stderr.isatty() and arguments.level <= LEVELS["INFO"]:
        from .progress import progress_line

        progress = progress_line(sys.stderr)
    explicit_files = FILES if arguments.command != "verify" else None
    return Plan(
        method=SHARDS if arguments.shard_size else explicit_files,
        hash_type=arguments.hash_algorithm,
        shard_size=arguments.shard_size,
        allow_symlinks=arguments.allow_symlinks,
        ignored=tuple(arguments.ignore_paths),
        ignored_base=os.curdir,
        ignore_git_paths=arguments.ignore_git_paths,
        settings=Settings(arguments.workers, CHUNK_SIZE, progress),
    )


def timestamped(signer: Any, arguments: Arguments) -> Any:
    """`signer`, with the trusted timestamp that the arguments ask for."""
    if getattr(arguments, "tsa_url", None) is None:
        if getattr(arguments, "tsa_chain", None):
            raise OperationError("--tsa-chain says how to verify a timestamp, and --tsa-url asks for none")
        return signer
    from .certificates import load_all, trust
    from .timestamps import load_client, with_timestamp

    load_client()
    tsa = trust(load_all(arguments.tsa_chain)) if arguments.tsa_chain else None
    return with_timestamp(signer, arguments.tsa_url, tsa)


def sign_with(signer: Any, arguments: Arguments, warn: Warn) -> Result:
    """Sign the model with `signer`, and write the bundle where it belongs."""
    from .signing import sign_model

    to_stdout = arguments.signature == "-"
    if to_stdout and arguments.json:
        raise OperationError("--json and --signature - would both write to stdout")
    target = None if to_stdout else arguments.signature
    manifest, data = sign_model(arguments.model, target, timestamped(signer, arguments), plan_of(arguments), warn)
    facts = manifest_json(manifest)
    where = quote(arguments.signature)
    line = f"Signing succeeded: {_covered(facts)}, written to {where}"
    result = {"line": line, "model": arguments.model, "signature": arguments.signature, **facts}
    return {**result, "data": data} if to_stdout else result


def _covered(facts: dict[str, Any]) -> str:
    count = facts["resources"]
    return f"{count} resource{'s' * (count != 1)}, {facts['root_digest']}"


def verify_with(config: Any, arguments: Arguments, warn: Warn) -> Result:
    """Verify the model with a Config that has its verifier."""
    config.set_plan(plan_of(arguments)).set_warn(warn).set_allow_v02(arguments.allow_v02)
    config.set_ignore_unsigned_files(arguments.ignore_unsigned_files)
    if arguments.max_bundle_bytes:
        config.set_max_bundle_bytes(arguments.max_bundle_bytes)
    report = config.verify(arguments.model, arguments.signature)
    for names, why in ((report.not_covered, "below ignored paths"), (report.unsigned, "not signed")):
        if names:
            say(arguments, f"note: files {why} were not verified: {len(names)}, first {quote(names[0])}")
    facts = manifest_json(report.manifest)
    return {
        "line": f"Verification succeeded: {_covered(facts)}",
        "model": arguments.model,
        "signature": arguments.signature,
        **facts,
        "not_covered": names_json(report.not_covered),
        "unsigned": names_json(report.unsigned),
    }


def manifest_json(manifest: Any) -> Result:
    """What --json says of a manifest."""
    return {
        "model_name": manifest.model_name,
        "root_digest": f"sha256:{manifest.root_digest.hex()}",
        "resources": len(manifest.resources),
        "serialization": manifest.serialization_type,
    }


def password_of(
    arguments: Arguments,
    prompt: str = "Password of the private key: ",
    missing: str = "the private key is encrypted: give",
) -> bytes:
    """The secret: the option, the environment, or a prompt on a terminal.

    Raises OperationError where there is none of them: `missing`, and these two.
    """
    given = arguments.password if arguments.password is not None else os.environ.get(PASSWORD_VARIABLE)
    if given is None and sys.stdin is not None and sys.stdin.isatty():
        import getpass

        with contextlib.suppress(EOFError):
            given = getpass.getpass(prompt)
    if given is None:
        raise OperationError(f"{missing} --password or ${PASSWORD_VARIABLE}")
    return os.fsencode(given)
