"""The command line: arguments to calls, results and errors to lines, JSON and exit statuses."""

from __future__ import annotations

import argparse
import contextlib
import errno
import gc
import importlib
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
    Steps,
    Unsupported,
    exit_status,
    explain_os_error,
    quote,
)

LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
LEVEL_VARIABLE = "MODEL_SIGNING_LOG_LEVEL"
INFORMATION = ("fingerprint", "timestamp")  # notes that were asked for, and warn of nothing
MOST_NAMES = 1000  # names listed in --json; the count beside them is of all


class NotWritten(OperationError):
    """The result could not be written to stdout."""


Arguments = argparse.Namespace
Result = dict[str, Any]
Command = tuple[str, str, str]
Told = Sequence[tuple[str, Mapping[str, object]]]  # the steps of the recipe that hold, with their values


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
    told: list[tuple[str, Mapping[str, object]]] = []

    def warn(note: Note) -> None:
        notes.append(note)
        if note.loud:
            say(arguments, f"{'note' if note.code in INFORMATION else 'warning'}: {note.detail}")

    listener = Steps(warn, lambda step, values: told.append((step, values))) if arguments.explain else warn
    try:
        try:
            result = arguments.run(arguments, listener)
        finally:
            wipe_progress()
        report(arguments, result, notes, told)
    except (Rejection, OperationError, OSError, KeyboardInterrupt, MemoryError) as error:
        return report_failure(arguments, error, notes, told)
    except Exception as error:  # a defect of this program: say so in one line, the details on request
        if arguments.level <= LEVELS["DEBUG"]:
            import traceback

            traceback.print_exc()
        return report_failure(arguments, error, notes, told)
    return EXIT_OK


def report(arguments: Arguments, result: Result, notes: Sequence[Note], told: Told) -> None:
    """Tell how a command succeeded: what it was run for, JSON, or the result's own line. Raises NotWritten."""
    line, data = result.pop("line"), result.pop("data", None)
    result = {**result, **explanation(arguments, told, None, complain if data is not None else write_out)}
    if data is not None:
        write_out(data)
        say(arguments, line, level="INFO")
    elif arguments.json:
        verdict = "accepted" if arguments.command == "verify" else "done"
        print_json(arguments, EXIT_OK, notes, {"verdict": verdict, **result})
    elif line and (not arguments.quiet or arguments.command == "digest"):
        write_out(line)


def explanation(arguments: Arguments, told: Told, error: BaseException | None, tell: Callable[[str], None]) -> Result:
    """What --explain adds to the JSON; without --json it is told. Raises NotWritten."""
    if not arguments.explain:
        return {}
    from . import explain

    timestamp = arguments.method == "key" and bool(arguments.tsa_chain)
    found = explain.outcomes(arguments.command, arguments.method, told, error, timestamp=timestamp)
    if arguments.json:
        return {"explain": explain.to_json(found)}
    tell("\n".join(explain.lines(found)))
    return {}


def report_failure(arguments: Arguments, error: BaseException, notes: Sequence[Note], told: Told) -> int:
    """Tell in one line, and in JSON if asked for, why a command failed; return the exit status."""
    status = exit_status(error)
    line, detail = describe(arguments.command, error)
    explained: Result = {}
    if not isinstance(error, NotWritten):
        to_stdout = getattr(arguments, "signature", None) != "-"
        with contextlib.suppress(NotWritten):
            explained = explanation(arguments, told, error, write_out if to_stdout else complain)
    complain(line)
    if arguments.json and not isinstance(error, NotWritten):
        verdict = {1: "rejected", EXIT_UNSUPPORTED: "unsupported"}.get(status, "none")
        facts: Result = {"verdict": verdict, "detail": detail}
        if isinstance(error, Rejection):
            facts.update(stage=error.stage, clause=error.clause, path=error.path, **findings_json(error.findings))
        with contextlib.suppress(NotWritten):  # the line was told, and the status stands
            print_json(arguments, status, notes, {**facts, **explained})
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
    methods = METHODS.get(words[command] if command < end else "")
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
        if unknown:
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
    add_commands(commands, words, COMMANDS)
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


def add_commands(subparsers: Any, words: Sequence[str], commands: Mapping[str, Command]) -> None:
    """`commands`, and the options of those that are among `words`."""
    for name, (help_line, example, place) in commands.items():
        parser = add_command(subparsers, name, help_line, example)
        if name not in words:
            continue
        if name in METHODS:
            below = parser.add_subparsers(dest="method", metavar="METHOD", required=True, prog=parser.prog)
            add_commands(below, words, METHODS[name])
        else:
            module, _, function = place.partition(":")
            getattr(importlib.import_module(f"{__package__}.{module}"), function)(parser)


# Name: one line of help, an example, and `module:function` that adds the options.
SIGN_METHODS: dict[str, Command] = {
    "sigstore": ("sign in the name of whoever logs in (the default)", "sign my-model", "cli_sigstore:add_sign_options"),
    "key": (
        "sign with a private key",
        "sign key --private-key key.pem --signature my-model.sig my-model",
        "cli_key:add_sign_options",
    ),
    "certificate": (
        "sign with a private key and its certificate",
        "sign certificate --private-key key.pem --signing-certificate me.pem my-model",
        "cli_certificate:add_sign_options",
    ),
    "pkcs11-key": (
        "sign with a key on a token, for 'verify key'",
        "sign pkcs11-key --pkcs11-uri 'pkcs11:token=models;object=signer?module-name=softhsm2' my-model",
        "cli_pkcs11:add_key_options",
    ),
    "pkcs11-certificate": (
        "sign with a key on a token and its certificate, for 'verify certificate'",
        "sign pkcs11-certificate --pkcs11-uri pkcs11:… --signing-certificate me.pem my-model",
        "cli_pkcs11:add_certificate_options",
    ),
}
VERIFY_METHODS: dict[str, Command] = {
    "sigstore": (
        "verify who signed (the default)",
        "verify --identity me@example.com --identity-provider https://… --signature model.sig my-model",
        "cli_sigstore:add_verify_options",
    ),
    "key": (
        "verify with a public key",
        "verify key --public-key key.pub --signature my-model.sig my-model",
        "cli_key:add_verify_options",
    ),
    "certificate": (
        "verify with the certificates of who is trusted",
        "verify certificate --certificate-chain root.pem --signature my-model.sig my-model",
        "cli_certificate:add_verify_options",
    ),
}
COMMANDS: dict[str, Command] = {
    "sign": ("sign a model; the default method is sigstore", SIGN_METHODS["key"][1], ""),
    "verify": ("verify a model; the default method is sigstore", VERIFY_METHODS["key"][1], ""),
    "digest": ("print the root digest of a model", "digest my-model", "cli_model:add_digest_options"),
    "inspect": ("show the layers of a bundle, without a verdict", "inspect model.sig", "cli_inspect:add_options"),
    "demo": ("sign, verify and tamper with a small model and watch", "demo my-model", "cli_model:add_demo_options"),
}
METHODS = {"sign": SIGN_METHODS, "verify": VERIFY_METHODS}
