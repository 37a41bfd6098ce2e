"""The two doors to a client under test: the OMS adapter protocol, and JSON lines. PROTOCOL.md describes both.

Whatever goes wrong at a door is an error of the client, never a rejection: a traceback, a signal, a time-out, an
exit status without a meaning, a line that is no answer.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import queue
import re
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Any, NamedTuple

from . import case
from .signing_case import OPTIONS as SIGNING_OPTIONS
from .signing_case import SigningCase

PROTOCOL = 1
TAIL = 2000  # bytes of what a client wrote that are kept
LONGEST_LINE = 64 << 20
STATUS = {0: "accept", 1: "reject", 3: "unsupported"}
ANSWERS = ("accept", "reject", "unsupported", "error")
# Signs on stderr that a run-time system ended the program, whatever its exit status says.
CRASH = re.compile(
    r"^Traceback \(most recent call last\):|^goroutine \d+ \[|^panic: |^thread '.*' panicked at |"
    r'^Exception in thread "|^Node\.js v\d|^Unhandled exception',
    re.MULTILINE,
)
# The options that the protocol lacks, by their name in a vector: the flag, and whether a value follows.
EXTRA = {
    **{"hash_algorithm": ("--hash-algorithm", True), "shard_size": ("--shard-size", True)},
    **{"max_bundle_bytes": ("--max-bundle-bytes", True), "allow_symlinks": ("--allow-symlinks", False)},
    **{"allow_v02": ("--allow-v0.2", False), "partial_chain": ("--partial-chain", False)},
    "require_code_signing": ("--require-code-signing", False),
}
IMPLIED = {"--allow-symlinks": "symlinks", "--shard-size": "shards"}
PRELOADS = ("/usr/lib/faketime", "/usr/lib/*/faketime", "/usr/lib64/faketime", "/usr/local/lib/faketime")


class ClientError(Exception):
    """The client gave no answer; the text says what it did instead."""


class Unasked(Exception):
    """The client can't be asked: its door has no way to say what the vector is about."""


class NotInjectable(Exception):
    """There is no way to give the client the vector's time."""


class Answer(NamedTuple):
    """What a client said of a case: one of ANSWERS, where, and how to ask it again."""

    verdict: str
    stage: str | None = None
    detail: str = ""
    seconds: float = 0.0
    command: str = ""
    root_digest: str | None = None  # of `digest` alone


class Capabilities(NamedTuple):
    """What a client says it has."""

    client: str
    version: str
    flags: tuple[str, ...]
    hash_algorithms: tuple[str, ...]
    profiles: tuple[str, ...]
    note: str = ""


def capabilities(said: dict[str, Any], declared: tuple[str, ...], note: str = "") -> Capabilities:
    """What a client's words and the command line's --declare come to. Raises ClientError."""
    lists = {name: said.get(name, []) for name in ("flags", "hash_algorithms", "profiles")}
    for name, value in lists.items():
        if not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
            raise ClientError(f"its capabilities have something else than an array of strings as {name}")
    profiles = {"core", *lists["profiles"], *declared} | {IMPLIED[flag] for flag in lists["flags"] if flag in IMPLIED}
    profiles |= {"blake2b", "blake3"} & set(lists["hash_algorithms"])
    return Capabilities(
        str(said.get("client", "")),
        str(said.get("client_version", "")),
        tuple(sorted(lists["flags"])),
        tuple(sorted(lists["hash_algorithms"])),
        tuple(sorted(profiles)),
        note,
    )


def extra_flags(vector: case.Vector, flags: tuple[str, ...]) -> list[str]:
    """The words for options that the protocol lacks. Raises Unasked."""
    words: list[str] = []
    for name, value in vector["options"].items():
        if name == "ignore_git_paths" and not value:
            words.append(_declared("--no-ignore-git-paths", flags))
        if name in EXTRA and value is not False:
            flag, valued = EXTRA[name]
            words += [_declared(flag, flags), *([str(value)] if valued else [])]
    if "trusted_root" in vector["trust"]:
        _declared("--trust-config", flags)
    return words


def _declared(flag: str, flags: tuple[str, ...]) -> str:
    if flag not in flags:
        raise Unasked(f"the client does not declare {flag}")
    return flag


def time_words(vector: case.Vector, flags: tuple[str, ...]) -> tuple[list[str], dict[str, str]]:
    """How the client is told the time: words, or variables of the environment. Raises NotInjectable."""
    moment = vector["verification_time"]
    if moment is None:
        return [], {}
    if "--verification-time" in flags:
        return ["--verification-time", moment], {}
    for folder in PRELOADS:
        for library in glob.glob(f"{folder}/libfaketime.so.1"):
            stopped = {"FAKETIME": moment.replace("T", " ").rstrip("Z"), "TZ": "UTC"}  # the very second, to the end
            return [], {"LD_PRELOAD": library, **stopped, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    raise NotInjectable("the client does not declare --verification-time, and there is no libfaketime")


class CommandClient:
    """Door 1: a process a question."""

    protocol = "command"

    def __init__(self, command: str, timeout: float, declared: tuple[str, ...] = ()) -> None:
        self.words, self.timeout, self.declared = shlex.split(command), timeout, declared

    def capabilities(self) -> Capabilities:
        """What `CMD capabilities` says; nothing, if the adapter knows no such command. Raises ClientError."""
        status, out, err, _ = self._run([*self.words, "capabilities"], {})
        if status is None or status < 0:
            raise ClientError(f"`capabilities`: {ended(status, err, self.timeout)}")
        try:
            said = json.loads(out) if status == 0 else {}
        except ValueError:
            said = None
        if not isinstance(said, dict):
            return capabilities({}, self.declared, "`capabilities` ended with 0, but printed no JSON object")
        return capabilities(said, self.declared, "" if status == 0 else "the adapter has no command `capabilities`")

    def verify(self, made: case.Case, known: Capabilities) -> Answer:
        """Ask about a case. Raises Unasked and NotInjectable."""
        moment, environment = time_words(made.vector, known.flags)
        return self._answer([*verify_words(made), *extra_flags(made.vector, known.flags), *moment], environment)

    def sign(self, made: SigningCase, known: Capabilities) -> Answer:
        """Have a case signed: `accept` is that it says it did. Raises Unasked."""
        return self._answer([*sign_words(made), *extra_flags(made.vector, known.flags)], {})

    def digest(self, made: SigningCase, known: Capabilities) -> Answer:
        """There is no such command in this protocol."""
        return Answer("unsupported", None, "the command protocol has no digest")

    def _answer(self, more: list[str], environment: dict[str, str]) -> Answer:
        words = [*self.words, *more]
        status, _, err, seconds = self._run(words, environment)
        command = shlex.join([*(f"{name}={value}" for name, value in environment.items()), *words])
        if status not in STATUS or CRASH.search(err):
            return Answer("error", None, ended(status, err, self.timeout), seconds, command)
        return Answer(STATUS[status], None, err, seconds, command)

    def _run(self, words: list[str], environment: dict[str, str]) -> tuple[int | None, str, str, float]:
        """Exit status (None: time-out), the ends of stdout and stderr, and seconds. Raises ClientError."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            started = time.perf_counter()
            process = start(words, environment, subprocess.DEVNULL, out, err)
            try:
                status: int | None = process.wait(self.timeout)
            except subprocess.TimeoutExpired:
                status = None
            end(process)
            return status, tail(out, 1 << 20), tail(err), time.perf_counter() - started

    def close(self) -> None:
        """Nothing stays open between questions."""


def verify_words(made: case.Case) -> list[str]:
    """`verify-model` with the options of the OMS adapter protocol."""
    vector = made.vector
    words = ["verify-model", "--method", vector["method"], "--model-path", str(made.model)]
    words += ["--bundle", str(made.bundle)]
    words += ["--public-key", str(made.public_key)] if made.public_key else []
    for certificate in made.certificates:
        words += ["--cert-chain", str(certificate)]
    if "identity" in vector["trust"]:
        words += ["--identity", vector["trust"]["identity"], "--identity-provider", vector["trust"]["issuer"]]
    words += ["--trust-config", str(made.trusted_root)] if made.trusted_root else []
    for path in vector["options"].get("ignore_paths", ()):
        words += ["--ignore-paths", str(made.model / path)]
    return words + (["--ignore-unsigned-files"] if vector["options"].get("ignore_unsigned_files") else [])


def sign_words(made: SigningCase) -> list[str]:
    """`sign-model` with the options of the OMS adapter protocol."""
    words = ["sign-model", "--method", made.vector["method"], "--model-path", str(made.model)]
    words += ["--output-bundle", str(made.bundle), "--private-key", str(made.private_key)]
    for flag, path in zip(["--signing-cert", *["--cert-chain"] * len(made.certificates)], made.certificates):
        words += [flag, str(path)]
    for path in made.vector["options"].get("ignore_paths", ()):
        words += ["--ignore-paths", str(made.model / path)]
    return words


def start(words: list[str], environment: dict[str, str], stdin: int, out: Any, err: Any) -> subprocess.Popen[bytes]:
    """A process in a group of its own. Raises ClientError."""
    try:
        return subprocess.Popen(
            words, stdin=stdin, stdout=out, stderr=err, env={**os.environ, **environment}, start_new_session=True
        )
    except OSError as error:
        raise ClientError(f"it can't be started: {error}") from error


def end(process: subprocess.Popen[bytes]) -> int:
    """End a process with all that it started, and give its exit status."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # all of the group have ended
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def tail(file: IO[bytes], most: int = TAIL) -> str:
    """The last of what was written."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - most))
    return file.read(most).decode("utf-8", "replace").strip()


def ended(status: int | None, err: str, timeout: float) -> str:
    """How a process ended, in words, and the end of its stderr."""
    if status is None:
        how = f"no answer within {timeout:g} s"
    elif status < 0:
        how = f"ended by {signal.Signals(-status).name}"
    elif CRASH.search(err):
        how = f"crashed, exit status {status}"
    else:
        how = f"exit status {status}"
    return f"{how}\n{err}".strip()


class JsonLinesClient:
    """Door 2: one process, a line a question."""

    protocol = "jsonl"

    def __init__(self, command: str, timeout: float, declared: tuple[str, ...] = ()) -> None:
        self.command, self.timeout, self.declared = command, timeout, declared
        self.sent = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.lines: queue.Queue[bytes | None] = queue.Queue()
        self.err: IO[bytes] | None = None

    def capabilities(self) -> Capabilities:
        """What `hello` is answered with. Raises ClientError."""
        return capabilities(self.ask({"op": "hello", "protocol": PROTOCOL}), self.declared)

    def verify(self, made: case.Case, known: Capabilities) -> Answer:
        """Ask about a case. Raises Unasked and NotInjectable."""
        extra_flags(made.vector, known.flags)
        if made.vector["verification_time"] is not None and "--verification-time" not in known.flags:
            raise NotInjectable("the client does not declare --verification-time")
        return self._answer(verify_request(made))

    def sign(self, made: SigningCase, known: Capabilities) -> Answer:
        """Have a case signed: `accept` is that it says it did. Raises Unasked."""
        extra_flags(made.vector, known.flags)
        return self._answer(sign_request(made))

    def digest(self, made: SigningCase, known: Capabilities) -> Answer:
        """Ask for the root digest of a case's model. Raises Unasked."""
        extra_flags(made.vector, known.flags)
        return self._answer(digest_request(made))

    def _answer(self, request: dict[str, Any]) -> Answer:
        started, command = time.perf_counter(), json.dumps(request)
        try:
            said = self.ask(request)
            verdict, stage, digest = said.get("verdict"), said.get("stage"), said.get("root_digest")
            if verdict not in ANSWERS or stage not in (*case.STAGES, None) or not isinstance(digest, str | None):
                raise ClientError(f"its answer has the verdict {verdict!r} and the stage {stage!r}")
        except ClientError as error:
            return Answer("error", None, str(error), time.perf_counter() - started, command)
        detail = str(said.get("detail", ""))[-TAIL:]
        return Answer(verdict, stage, detail, time.perf_counter() - started, command, digest)

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to one line. Raises ClientError; then the process is gone, and the next line starts another."""
        process = self._started()
        self.sent += 1
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps({"id": self.sent, **request}).encode() + b"\n")
            process.stdin.flush()
            line = self.lines.get(timeout=self.timeout)
        except (queue.Empty, OSError) as error:
            raise self._given_up(isinstance(error, queue.Empty)) from error
        if line is None:
            raise self._given_up(False)
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict) or said.get("id") != self.sent:
            self.close()
            raise ClientError(f"it wrote a line that is no answer to line {self.sent}: {line[:200]!r}")
        return said

    def _started(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            self.err, self.lines = tempfile.TemporaryFile(), queue.Queue()  # noqa: SIM115 - closed by close
            self.process = start(shlex.split(self.command), {}, subprocess.PIPE, subprocess.PIPE, self.err)
            threading.Thread(target=read_lines, args=(self.process.stdout, self.lines), daemon=True).start()
        return self.process

    def _given_up(self, late: bool) -> ClientError:
        assert self.process is not None and self.err is not None
        try:
            status = None if late else self.process.wait(1)
        except subprocess.TimeoutExpired:
            status = end(self.process)
        text = ended(status, tail(self.err), self.timeout)
        self.close()
        return ClientError(text)

    def close(self) -> None:
        """Say `bye`, wait a moment, and end what is left."""
        if self.process is None or self.err is None:
            return
        try:
            assert self.process.stdin is not None
            self.process.stdin.write(b'{"id": 0, "op": "bye"}\n')
            self.process.stdin.close()
            self.process.wait(1)
        except (OSError, subprocess.TimeoutExpired):
            pass  # it does not listen
        end(self.process)
        self.err.close()
        self.process = None


def read_lines(stream: IO[bytes], lines: queue.Queue[bytes | None]) -> None:
    """Pass on every line, and None at the end."""
    try:
        while line := stream.readline(LONGEST_LINE):
            lines.put(line)
    except (OSError, ValueError):
        pass  # closed on the other side
    lines.put(None)


def verify_request(made: case.Case) -> dict[str, Any]:
    """A case as a line: every member is there, null where the vector says nothing."""
    vector = made.vector
    options = {name: vector["options"].get(name) for name in case.OPTIONS}
    options["ignore_paths"] = [str(made.model / path) for path in vector["options"].get("ignore_paths", ())]
    return {
        "op": "verify",
        "method": vector["method"],
        "model": str(made.model),
        "bundle": str(made.bundle),
        "public_key": _text(made.public_key),
        "certificates": [str(path) for path in made.certificates],
        "identity": vector["trust"].get("identity"),
        "issuer": vector["trust"].get("issuer"),
        "trusted_root": _text(made.trusted_root),
        "verification_time": vector["verification_time"],
        "options": options,
    }


def sign_request(made: SigningCase) -> dict[str, Any]:
    """A case to be signed as a line: every member is there, null where the vector says nothing."""
    return {
        "op": "sign",
        "method": made.vector["method"],
        "model": str(made.model),
        "bundle": str(made.bundle),
        "private_key": str(made.private_key),
        "signing_certificate": str(made.certificates[0]) if made.certificates else None,
        "certificates": [str(path) for path in made.certificates[1:]],
        "options": signing_options(made),
    }


def digest_request(made: SigningCase) -> dict[str, Any]:
    """A model whose root digest is wanted, as a line."""
    return {"op": "digest", "model": str(made.model), "options": signing_options(made)}


def signing_options(made: SigningCase) -> dict[str, Any]:
    """What the caller asks of a signer: every member is there, null where the vector says nothing."""
    options = {name: made.vector["options"].get(name) for name in SIGNING_OPTIONS}
    options["ignore_paths"] = [str(made.model / path) for path in made.vector["options"].get("ignore_paths", ())]
    return options


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


Client = CommandClient | JsonLinesClient
DOORS: dict[str, type[CommandClient] | type[JsonLinesClient]] = {"command": CommandClient, "jsonl": JsonLinesClient}
