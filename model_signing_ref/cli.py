"""The command line: arguments to calls, results and errors to lines, JSON and exit statuses."""

from __future__ import annotations

import argparse
import contextlib
import errno
import gc
import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from . import __version__
from .errors import (
    EXIT_NO_VERDICT,
    EXIT_OK,
    EXIT_UNSUPPORTED,
    Findings,
    Note,
    OperationError,
    Rejection,
    Unsupported,
    Warn,
    exit_status,
    explain_os_error,
    quote,
)

LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
LEVEL_VARIABLE = "MODEL_SIGNING_LOG_LEVEL"
PASSWORD_VARIABLE = "MODEL_SIGNING_REF_PASSWORD"  # noqa: S105 - the name of a variable
INFORMATION = ("fingerprint", "timestamp")  # notes that were asked for, and warn of nothing
MOST_NAMES = 1000  # names listed in --json; the count beside them is of all


class NotWritten(OperationError):
    """The result could not be written to stdout."""


Arguments = argparse.Namespace
Result = dict[str, Any]
Command = tuple[str, str, Callable[["Parser", Sequence[str]], None]]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (without the program's name) and return the exit status.

    0 verified or done, 1 a verdict against, 2 no verdict, 3 registered in OMS but not available here, 130
    interrupted. Never raises but for argparse's own exits.
    """
    gc.disable()  # a manifest is a million small values without cycles; looking for some takes a fifth of the time
    try:
        words = normalise(list(sys.argv[1:] if argv is None else argv))
        parser = build_parser(words)
        if not words:
            complain(parser.format_help().rstrip())
            return EXIT_NO_VERDICT
        if not sys.warnoptions:
            warnings.simplefilter("ignore")  # of libraries, about what is none of the user's business
        return run(parser.parse(words))
    except (NotWritten, KeyboardInterrupt) as error:
        complain(describe("", error)[0])
        return exit_status(error)
    finally:
        gc.enable()


def run(arguments: Arguments) -> int:
    """Run one command and report how it ended."""
    notes: list[Note] = []

    def warn(note: Note) -> None:
        notes.append(note)
        if note.loud:
            say(arguments, f"{'note' if note.code in INFORMATION else 'warning'}: {note.detail}")

    try:
        try:
            result = arguments.run(arguments, warn)
        finally:
            wipe_progress()
        report(arguments, result, notes)
    except (Rejection, OperationError, OSError, KeyboardInterrupt, MemoryError) as error:
        return report_failure(arguments, error, notes)
    except Exception as error:  # a defect of this program: say so in one line, the details on request
        if arguments.level <= LEVELS["DEBUG"]:
            import traceback

            traceback.print_exc()
        return report_failure(arguments, error, notes)
    return EXIT_OK


def report(arguments: Arguments, result: Result, notes: Sequence[Note]) -> None:
    """Tell how a command succeeded: what it was run for, JSON, or the result's own line. Raises NotWritten."""
    line, data = result.pop("line"), result.pop("data", None)
    if data is not None:
        write_out(data)
        say(arguments, line, level="INFO")
    elif arguments.json:
        verdict = "accepted" if arguments.command == "verify" else "done"
        print_json(arguments, EXIT_OK, notes, {"verdict": verdict, **result})
    elif line and (not arguments.quiet or arguments.command == "digest"):
        write_out(line)


def report_failure(arguments: Arguments, error: BaseException, notes: Sequence[Note]) -> int:
    """Tell in one line, and in JSON if asked for, why a command failed; return the exit status."""
    status = exit_status(error)
    line, detail = describe(arguments.command, error)
    complain(line)
    if arguments.json and not isinstance(error, NotWritten):
        verdict = {1: "rejected", EXIT_UNSUPPORTED: "unsupported"}.get(status, "none")
        facts: Result = {"verdict": verdict, "detail": detail}
        if isinstance(error, Rejection):
            facts.update(stage=error.stage, clause=error.clause, path=error.path, **findings_json(error.findings))
        with contextlib.suppress(NotWritten):  # the line was told, and the status stands
            print_json(arguments, status, notes, facts)
    return status


def describe(command: str, error: BaseException) -> tuple[str, str]:
    """The line for people and the detail for programs."""
    if isinstance(error, Unsupported):
        return f"unsupported: {error.detail} [{error.clause}]", error.detail
    if isinstance(error, Rejection):
        return f"Verification failed: {error}", error.detail
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", "interrupted"
    if isinstance(error, OperationError):
        detail = error.detail
    elif isinstance(error, OSError):
        detail = explain_os_error(error)
    elif isinstance(error, MemoryError):
        detail = "out of memory"
    else:
        detail = f"a defect of this program, please report it: {type(error).__name__}: {quote(str(error))}"
    prefix = "Signing failed: " if command == "sign" and not isinstance(error, NotWritten) else "error: "
    return prefix + detail, detail


def print_json(arguments: Arguments, status: int, notes: Sequence[Note], facts: Mapping[str, Any]) -> None:
    """One JSON object on stdout; every command's has the same first members."""
    import json

    head: Result = {"command": arguments.command, "method": getattr(arguments, "method", None)}
    head |= {"verdict": None, "exit_status": status, "stage": None, "clause": None, "detail": None, "path": None}
    facts_of = [
        (note.loud and note.code not in INFORMATION, {"code": note.code, "detail": note.detail}) for note in notes
    ]
    head["warnings"] = [fact for is_warning, fact in facts_of if is_warning]
    head["notes"] = [fact for is_warning, fact in facts_of if not is_warning]
    write_out(json.dumps({**head, **facts}, indent=2))


def findings_json(findings: Findings) -> Result:
    """The lists of files that differ, each cut at MOST_NAMES with its true count."""
    return {name: names_json(names) for name, names in findings._asdict().items()}


def names_json(names: Sequence[str]) -> Result:
    """A list of names, cut, with its true count."""
    return {"count": len(names), "names": list(names[:MOST_NAMES])}


def say(arguments: Arguments, line: str, level: str = "WARNING") -> None:
    """One line on stderr, unless the log level is above."""
    if LEVELS[level] >= arguments.level:
        complain(line)


def complain(line: str) -> None:
    """One line on stderr, whatever the log level; a closed stderr is nobody listening."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(line, file=sys.stderr)


def write_out(data: str | bytes) -> None:
    """Write lines or bytes to stdout; a reader who left is not missed. Raises NotWritten."""
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, "standard output is closed")
        if isinstance(data, bytes):
            sys.stdout.buffer.write(data)
        else:
            encoding = sys.stdout.encoding or "utf-8"
            print(data.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()
    except OSError as error:
        discard_output()
        raise NotWritten(f"the result could not be written: {explain_os_error(error)}") from error


def wipe_progress() -> None:
    """Make room for the last line on a terminal."""
    if sys.stderr is not None and sys.stderr.isatty():
        with contextlib.suppress(OSError):
            sys.stderr.write("\r\033[K")


def discard_output() -> None:
    """Point stdout to nowhere, so that the interpreter's last flush has nothing to complain about."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    if nowhere != 1:
        os.dup2(nowhere, 1)
        os.close(nowhere)


def level_of(arguments: Arguments) -> int:
    """The log level: --quiet, else --log-level, else the environment, else INFO."""
    if getattr(arguments, "quiet", False):
        return LEVELS["ERROR"]
    name = (arguments.log_level or os.environ.get(LEVEL_VARIABLE, "INFO")).upper()
    return LEVELS.get(name, LEVELS["INFO"])


def normalise(words: list[str]) -> list[str]:
    """Options with dashes for underscores, and `sigstore` put in where sign or verify name no method."""
    end = words.index("--") if "--" in words else len(words)
    words = [_dashes(word) if index < end else word for index, word in enumerate(words)]
    command = 0
    while command < end and words[command].startswith("-"):
        command += 2 if words[command] == "--log-level" else 1
    methods = {"sign": SIGN_METHODS, "verify": VERIFY_METHODS}.get(words[command] if command < end else "")
    if methods and command + 1 < len(words) and words[command + 1] not in (*methods, "-h", "--help"):
        words.insert(command + 1, "sigstore")
    return words


def _dashes(word: str) -> str:
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value if word.startswith("--") else word


class Parser(argparse.ArgumentParser):
    """argparse that states a usage error in one line, and tells when its help could not be written."""

    def parse(self, words: Sequence[str]) -> Arguments:
        """The arguments in `words`. Unknown ones are named without their values: one may be a password."""
        arguments, unknown = self.parse_known_args(words)
        arguments.level = level_of(arguments)
        if unknown and arguments.run is not run_missing:
            options = [quote(word.partition("=")[0]) for word in unknown if word.startswith("-")]
            self.error(f"unknown option {', '.join(options)}" if options else f"{len(unknown)} arguments too many")
        return arguments

    def error(self, message: str) -> NoReturn:
        """Exit with status 2."""
        complain(f"error: {message}; see '{self.prog} --help'")
        raise SystemExit(EXIT_NO_VERDICT)

    def _print_message(self, message: str, file: object = None) -> None:
        """Write help or the version, which go to stdout."""
        write_out(message.rstrip("\n"))


def build_parser(words: Sequence[str]) -> Parser:
    """The whole command line; only the commands among `words` get their options, which take time to add."""
    parser = Parser(
        prog="model_signing_ref",
        description="Sign and verify models (OpenSSF Model Signing, OMS v1.0).",
        epilog="First steps: 'model_signing_ref demo'. Each command has an example in its --help.",
        formatter_class=formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"model_signing_ref {__version__}")
    parser.add_argument(
        "--log-level",
        metavar="LEVEL",
        type=str.upper,
        choices=list(LEVELS),
        help=f"DEBUG, INFO, WARNING, ERROR or CRITICAL; default ${LEVEL_VARIABLE} or INFO",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, prog=parser.prog)
    for name, (help_line, example, add_options) in COMMANDS.items():
        command = add_command(commands, name, help_line, example)
        if name in words:
            add_options(command, words)
    return parser


def formatter(prog: str) -> argparse.HelpFormatter:
    """Examples keep their lines; a fixed width spares the import that asks the terminal for its own."""
    return argparse.RawDescriptionHelpFormatter(prog, width=100)


def add_command(subparsers: Any, name: str, help_line: str, example: str) -> Parser:
    """A new command with its one-line help and an example."""
    parser: Parser = subparsers.add_parser(
        name,
        help=help_line,
        description=help_line[0].upper() + help_line[1:] + ".",
        epilog=f"example:\n  model_signing_ref {example}",
        formatter_class=formatter,
        allow_abbrev=False,
    )
    return parser


def add_methods(parser: Parser, words: Sequence[str], methods: Mapping[str, Command]) -> None:
    """The methods of `sign` or `verify` as commands below it."""
    below = parser.add_subparsers(dest="method", metavar="METHOD", required=True, prog=parser.prog)
    for name, (help_line, example, add_options) in methods.items():
        method = add_command(below, name, help_line, example)
        if name in words:
            add_options(method, words)


def add_output(parser: Parser, run_it: Callable[[Arguments, Warn], Result]) -> None:
    """What every command has: the function that runs it, and how it tells its result."""
    parser.set_defaults(run=run_it)
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")
    parser.add_argument("--quiet", action="store_true", help="errors only")


def add_sign(parser: Parser, words: Sequence[str]) -> None:
    """`sign` with its methods."""
    add_methods(parser, words, SIGN_METHODS)


def add_verify(parser: Parser, words: Sequence[str]) -> None:
    """`verify` with its methods."""
    add_methods(parser, words, VERIFY_METHODS)


def add_sign_key(parser: Parser, _: Sequence[str]) -> None:
    """`sign key`."""
    add_output(parser, run_sign_key)
    add_signature(parser, signing=True)
    add_private_key(parser)
    add_timestamp(parser, signing=True)
    add_hashing(parser)
    add_model(parser)


def add_verify_key(parser: Parser, _: Sequence[str]) -> None:
    """`verify key`."""
    add_output(parser, run_verify_key)
    add_signature(parser, signing=False)
    parser.add_argument("--public-key", metavar="FILE", required=True, help="PEM file: P-256, P-384 or P-521")
    add_timestamp(parser, signing=False)
    add_verification(parser)
    add_hashing(parser)
    add_model(parser)


def add_sign_certificate(parser: Parser, _: Sequence[str]) -> None:
    """`sign certificate`."""
    from .cli_certificate import add_sign_options

    add_sign_options(parser)


def add_verify_certificate(parser: Parser, _: Sequence[str]) -> None:
    """`verify certificate`."""
    from .cli_certificate import add_verify_options

    add_verify_options(parser)


def add_sign_pkcs11_key(parser: Parser, _: Sequence[str]) -> None:
    """`sign pkcs11-key`."""
    from .cli_pkcs11 import add_key_options

    add_key_options(parser)


def add_sign_pkcs11_certificate(parser: Parser, _: Sequence[str]) -> None:
    """`sign pkcs11-certificate`."""
    from .cli_pkcs11 import add_certificate_options

    add_certificate_options(parser)


def add_missing(parser: Parser, _: Sequence[str]) -> None:
    """A method that this version does not have."""
    add_output(parser, run_missing)
    parser.add_argument("words", nargs="*")


def add_digest(parser: Parser, _: Sequence[str]) -> None:
    """`digest`."""
    add_output(parser, run_digest)
    add_hashing(parser)
    add_model(parser)


def add_demo(parser: Parser, _: Sequence[str]) -> None:
    """`demo`."""
    add_output(parser, run_demo)
    parser.add_argument("model", nargs="?", help="also sign and verify this model, read-only")


def add_model(parser: Parser) -> None:
    """The model itself."""
    parser.add_argument("model", metavar="MODEL", help="a file or a directory")


def add_signature(parser: Parser, *, signing: bool) -> None:
    """Where the bundle is; by default it has the extension .sig (OMS-9-01)."""
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


SIGN_KEY = "sign key --private-key key.pem --signature my-model.sig my-model"
SIGN_CERTIFICATE = "sign certificate --private-key key.pem --signing-certificate me.pem my-model"
SIGN_PKCS11_KEY = "sign pkcs11-key --pkcs11-uri 'pkcs11:token=models;object=signer?module-name=softhsm2' my-model"
SIGN_PKCS11_CERTIFICATE = "sign pkcs11-certificate --pkcs11-uri pkcs11:… --signing-certificate me.pem my-model"
VERIFY_CERTIFICATE = "verify certificate --certificate-chain root.pem --signature my-model.sig my-model"
VERIFY_KEY = "verify key --public-key key.pub --signature my-model.sig my-model"

# Name: one line of help, an example, and the function that adds the options.
SIGN_METHODS: dict[str, Command] = {
    "sigstore": ("not in this version; will need the extra [sigstore]", "sign my-model", add_missing),
    "key": ("sign with a private key", SIGN_KEY, add_sign_key),
    "certificate": ("sign with a private key and its certificate", SIGN_CERTIFICATE, add_sign_certificate),
    "pkcs11-key": ("sign with a key on a token", SIGN_PKCS11_KEY, add_sign_pkcs11_key),
    "pkcs11-certificate": (
        "sign with a key on a token and its certificate",
        SIGN_PKCS11_CERTIFICATE,
        add_sign_pkcs11_certificate,
    ),
}
VERIFY_METHODS: dict[str, Command] = {
    "sigstore": ("not in this version; will need the extra [sigstore]", "verify my-model", add_missing),
    "key": ("verify with a public key", VERIFY_KEY, add_verify_key),
    "certificate": ("verify with the certificates of who is trusted", VERIFY_CERTIFICATE, add_verify_certificate),
}
COMMANDS: dict[str, Command] = {
    "sign": ("sign a model; the default method is sigstore", SIGN_KEY, add_sign),
    "verify": ("verify a model; the default method is sigstore", VERIFY_KEY, add_verify),
    "digest": ("print the root digest of a model", "digest my-model", add_digest),
    "demo": ("sign, verify and tamper with a small model and watch", "demo my-model", add_demo),
}


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


def run_sign_key(arguments: Arguments, warn: Warn) -> Result:
    """`sign key`."""
    from .keys import load_private_key
    from .paths import is_pkcs11_uri
    from .signers.key import key_signer

    if is_pkcs11_uri(arguments.private_key):
        from .cli_pkcs11 import token_signer

        return sign_with(token_signer(arguments.private_key, arguments), arguments, warn)
    key = load_private_key(arguments.private_key, lambda: password_of(arguments))
    return sign_with(key_signer(key, random_signature=arguments.random_signature), arguments, warn)


def timestamped(signer: Any, arguments: Arguments) -> Any:
    """`signer`, with the trusted timestamp that the arguments ask for."""
    if getattr(arguments, "tsa_url", None) is None:
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
    line = f"Signing succeeded: {facts['resources']} resources, {facts['root_digest']}, written to {where}"
    result = {"line": line, "model": arguments.model, "signature": arguments.signature, **facts}
    return {**result, "data": data} if to_stdout else result


def run_verify_key(arguments: Arguments, warn: Warn) -> Result:
    """`verify key`."""
    from .verifying import Config

    config = Config().use_elliptic_key_verifier(public_key=arguments.public_key, tsa_chain=arguments.tsa_chain)
    return verify_with(config, arguments, warn)


def verify_with(config: Any, arguments: Arguments, warn: Warn) -> Result:
    """Verify the model with a Config that has its verifier."""
    config.set_plan(plan_of(arguments)).set_warn(warn).set_allow_v02(arguments.allow_v02)
    config.set_ignore_unsigned_files(arguments.ignore_unsigned_files)
    if arguments.max_bundle_bytes:
        config.set_max_bundle_bytes(arguments.max_bundle_bytes)
    report = config.verify(arguments.model, arguments.signature)
    for names, why in ((report.not_covered, "below ignored paths"), (report.unsigned, "not signed")):
        if names:
            say(arguments, f"note: {len(names)} files {why} were not verified, first {quote(names[0])}")
    facts = manifest_json(report.manifest)
    return {
        "line": f"Verification succeeded: {facts['resources']} resources, {facts['root_digest']}",
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


def run_missing(arguments: Arguments, _: Warn) -> Result:
    """A method that this version does not have."""
    raise Unsupported(f"the method {arguments.method} is not in this version", clause="REF-UNSUPPORTED-01")


def password_of(arguments: Arguments, prompt: str = "Password of the private key: ") -> bytes:
    """The secret: the option, the environment, or a prompt on a terminal.

    Raises OperationError where there is none of them.
    """
    given = arguments.password if arguments.password is not None else os.environ.get(PASSWORD_VARIABLE)
    if given is None and sys.stdin is not None and sys.stdin.isatty():
        import getpass

        with contextlib.suppress(EOFError):
            given = getpass.getpass(prompt)
    if given is None:
        raise OperationError(f"the private key is encrypted: give --password or ${PASSWORD_VARIABLE}")
    return os.fsencode(given)


def has_password(arguments: Arguments) -> bool:
    """Whether password_of would have a secret, or somebody to ask for it."""
    given = arguments.password is not None or PASSWORD_VARIABLE in os.environ
    return given or (sys.stdin is not None and sys.stdin.isatty())
