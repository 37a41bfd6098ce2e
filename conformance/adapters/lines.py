"""The side of an adapter in JSON lines: reads requests, has them answered, writes the answers. See PROTOCOL.md."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from typing import Any

Request = dict[str, Any]
Answer = Callable[[Request], Request]
VERDICTS = {"accepted": "accept", "done": "accept", "rejected": "reject", "unsupported": "unsupported"}
TAKEN = {
    **{"bundle": "--signature", "public_key": "--public-key", "identity": "--identity"},
    **{"issuer": "--identity-provider", "trusted_root": "--trust-config", "verification_time": "--verification-time"},
}
VALUED = {"hash_algorithm": "--hash-algorithm", "shard_size": "--shard-size", "max_bundle_bytes": "--max-bundle-bytes"}
SWITCHES = {
    **{"ignore_unsigned_files": "--ignore-unsigned-files", "allow_symlinks": "--allow-symlinks"},
    **{"allow_v02": "--allow-v0.2", "partial_chain": "--partial-chain"},
    "require_code_signing": "--require-code-signing",
}


def serve(hello: Request, verify: Answer, sign: Answer | None = None, digest: Answer | None = None) -> None:
    """Answer every line until `bye`; what goes wrong in an answer is an error, and the next line is read.

    An operation that is None is answered as unsupported.
    """
    operations = {"hello": lambda _: hello, "verify": verify, "sign": sign, "digest": digest}
    replies, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    for line in sys.stdin:
        request = json.loads(line)
        if request["op"] == "bye":
            break
        try:
            operation = operations.get(request["op"])
            reply = operation(request) if operation else {"verdict": "unsupported", "detail": f"no {request['op']}"}
        except Exception as error:  # whatever it is, it is this answer's, not the process's
            reply = {"verdict": "error", "detail": f"{type(error).__name__}: {error}"}
        print(json.dumps({"id": request["id"], **reply}), file=replies, flush=True)


def option_words(request: Request) -> list[str]:
    """What a request says but for the method and the model, as model_signing_ref's command lines have it."""
    words = [word for name, flag in TAKEN.items() if request[name] is not None for word in (flag, request[name])]
    words += [word for path in request["certificates"] for word in ("--certificate-chain", path)]
    return words + hashing_words(request["options"])


def signing_words(request: Request) -> list[str]:
    """The same of a request to sign."""
    words = ["--signature", request["bundle"], "--private-key", request["private_key"]]
    words += ["--signing-certificate", request["signing_certificate"]] if request["signing_certificate"] else []
    words += [word for path in request["certificates"] for word in ("--certificate-chain", path)]
    return words + hashing_words(request["options"])


def hashing_words(options: dict[str, Any]) -> list[str]:
    """The options of a request that are about the model."""
    words = [word for path in options["ignore_paths"] for word in ("--ignore-paths", path)]
    words += [word for name, flag in VALUED.items() if options.get(name) for word in (flag, str(options[name]))]
    words += [flag for name, flag in SWITCHES.items() if options.get(name)]
    return words + ["--no-ignore-git-paths"] * (options["ignore_git_paths"] is False)


def by_command_line(main: Callable[[list[str]], int], words: list[str]) -> Request:
    """The answer of a command line that reports in JSON, run in this process."""
    report = report_of(main, words)
    verdict = VERDICTS.get(report["verdict"], "error")
    return {"verdict": verdict, "stage": report["stage"], "detail": report["detail"] or ""}


def report_of(main: Callable[[list[str]], int], words: list[str]) -> dict[str, Any]:
    """What a command line says in JSON, run in this process."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
        main(words)
    report: dict[str, Any] = json.loads(out.getvalue())
    return report
