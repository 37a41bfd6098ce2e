"""Run the conformance vectors against a client, in any language.

    python3 conformance/run.py --adapter 'CMD'                     the OMS adapter protocol
    python3 conformance/run.py --adapter 'CMD' --protocol jsonl    JSON lines, one process
    python3 conformance/run.py show ID                             what a vector is about
    python3 conformance/run.py matrix --adapter NAME='CMD' ...     who reads what the others signed
    python3 conformance/run.py challenge --seed N --adapter 'CMD'  with fresh keys, names and contents
    python3 conformance/run.py diff-fuzz --adapter A=CMD --adapter B=CMD
                                                                   random edits, and who disagrees

Needs Python 3.10 or later and nothing else, but for the last two, which make vectors and need `cryptography`.
README.md is for who runs it, PROTOCOL.md describes both protocols. Exit status: 0 all that counts passed,
1 something failed, 2 the run could not be done.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import queue
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":  # the folder beside this file is no package, the one above holds one
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from conformance import case, clients, page, reports, scoring, signing_ask, signing_case
from conformance.clients import Answer, Capabilities, Client
from conformance.scoring import NOT_APPLICABLE, NOT_INJECTABLE, NOT_RUN, SMOKE, Outcome

# Name: the module that has it, and the function there, from words to exit status. Without a name, vectors are run.
SUBCOMMANDS = {
    "show": ("run", "show"),
    "matrix": ("matrix", "main"),
    "challenge": ("challenge", "main"),
    "diff-fuzz": ("difffuzz", "main"),
}
SELECTION = ("profile", "family", "id", "clause", "vectors")
PASSED, FAILED, NO_RUN = 0, 1, 2


class Stopped(Exception):
    """The run can't go on; the text says why, and what to do."""


class Plan(NamedTuple):
    """How to run: who is asked, and where the cases are laid out."""

    command: str
    protocol: str
    timeout: float
    declared: tuple[str, ...]
    folder: Path
    keep: bool

    def client(self) -> Client:
        """A client that nobody else uses."""
        return clients.DOORS[self.protocol](self.command, self.timeout, self.declared)


def main(argv: list[str] | None = None) -> int:
    """Run the command line and give the exit status."""
    words = sys.argv[1:] if argv is None else argv
    try:
        if words and words[0] in SUBCOMMANDS:
            return subcommand(words[0])(words[1:])
        arguments = parse(words)
        whole = corpus()
        own = {vector["id"]: vector for path in arguments.vectors for vector in case.load_family(Path(path))}
        return run(arguments, whole | own, list((own or whole).values()))
    except (Stopped, scoring.KnownFailuresError, case.InvalidVector, OSError) as error:
        print(f"conformance: {error}", file=sys.stderr)
        return NO_RUN


def subcommand(name: str) -> Callable[[list[str]], int]:
    """The function of a subcommand. Raises Stopped where it needs what is not installed."""
    module, function = SUBCOMMANDS[name]
    try:
        found: Callable[[list[str]], int] = getattr(importlib.import_module(f"conformance.{module}"), function)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        raise Stopped(f"{name} needs the package {package}: {sys.executable} -m pip install {package}") from error
    return found


def parse(argv: list[str]) -> argparse.Namespace:
    """The options of a run of the published vectors, or of others."""
    parser = run_options()
    parser.add_argument(
        "--vectors", action="append", default=[], metavar="FILE", help="the vectors of this file alone (repeat)"
    )
    return parser.parse_args(argv)


def run_options(**more: Any) -> argparse.ArgumentParser:
    """The options of every run."""
    words: dict[str, Any] = {"description": __doc__, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = argparse.ArgumentParser(**{**words, **more})
    add = parser.add_argument
    add("--adapter", required=True, metavar="CMD", help="command of the client's adapter")
    add("--protocol", choices=sorted(clients.DOORS), default="command", help="how to speak with it")
    add("--declare", action="append", default=[], metavar="PROFILE", help="the client has this profile (repeat)")
    add("--profile", action="append", default=[], help="only vectors of this profile (repeat)")
    add("--family", action="append", default=[], help="only vectors of this family (repeat)")
    add("--id", action="append", default=[], help="only vectors whose ID is this or matches, as in names/* (repeat)")
    add("--clause", action="append", default=[], help="only vectors of this clause, as in JSON-01 or JSON-* (repeat)")
    add_asking_options(parser)
    add("--go-on", action="store_true", help="run the vectors although the smoke test failed")
    add("--known-failures", metavar="FILE", help="failures that are known: an ID and a link a line")
    add("--json", metavar="FILE", help="write the results (results.schema.json)")
    add("--junit", metavar="FILE", help="write the results for JUnit's readers")
    add("--markdown", metavar="FILE", help="append a summary in Markdown")
    add("--html", metavar="FILE", help="write a page that needs no other file")
    add("--compare", action="append", default=[], metavar="FILE", help="results to show beside in --html (repeat)")
    return parser


def add_asking_options(parser: argparse.ArgumentParser) -> None:
    """The options of how clients are asked, whatever for."""
    parser.add_argument("--workers", type=int, default=2, help="how many cases at a time (default 2)")
    text = "for each answer (default 60)"
    parser.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS", help=text)
    parser.add_argument("--keep", metavar="DIR", help="lay the cases out here, and leave them")


Whole = dict[str, case.Vector]


def run(
    arguments: argparse.Namespace, whole: Whole, vectors: list[case.Vector], challenge: dict[str, Any] | None = None
) -> int:
    """Run some of the vectors, with controls that are in `whole`, in a folder of its own. Gives the exit status."""
    with tempfile.TemporaryDirectory(prefix="oms-conformance-") as name:
        folder = Path(arguments.keep).resolve() if arguments.keep else Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        declared = tuple(arguments.declare)
        plan = Plan(arguments.adapter, arguments.protocol, arguments.timeout, declared, folder, bool(arguments.keep))
        return run_in(plan, arguments, whole, select(vectors, arguments), challenge)


def run_in(
    plan: Plan,
    arguments: argparse.Namespace,
    whole: Whole,
    chosen: list[case.Vector],
    challenge: dict[str, Any] | None,
) -> int:
    """Smoke test, vectors, reports."""
    text = Path(arguments.known_failures).read_text("utf-8") if arguments.known_failures else ""
    known_failures = scoring.read_known_failures(text, whole)
    capabilities, outcomes, diagnosis = smoke(plan, whole)
    if diagnosis and not arguments.go_on:
        reason = "the smoke test failed"
        outcomes = {name: Outcome(Answer("error", None, reason)) for name in whole}
    else:
        needed = with_controls(chosen, whole)
        outcomes |= run_all([each for each in needed if each["id"] not in outcomes], plan, capabilities, arguments)
    results, unexpected = scoring.with_known_failures(
        scoring.judge(outcomes, chosen, capabilities, whole), known_failures
    )
    report = reports.results(
        plan,
        capabilities,
        results,
        diagnosis=diagnosis,
        unexpected=unexpected,
        selection=selection(arguments),
        challenge=challenge,
    )
    write(report, arguments, whole)
    print(reports.text(report))
    counts = report["totals"]
    failed = any(counts[status] for status in (scoring.FAIL, scoring.ERROR, scoring.UNEARNED))
    return NO_RUN if diagnosis and not arguments.go_on else FAILED if failed or unexpected or diagnosis else PASSED


def write(report: dict[str, Any], arguments: argparse.Namespace, whole: Whole) -> None:
    """The files that were asked for."""
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    if arguments.junit:
        Path(arguments.junit).write_bytes(reports.junit(report))
    if arguments.markdown:
        with open(arguments.markdown, "a", encoding="utf-8") as file:
            file.write(reports.markdown(report))
    if arguments.html:
        others = [json.loads(Path(path).read_text("utf-8")) for path in arguments.compare]
        Path(arguments.html).write_text(page.page([report, *others], whole), "utf-8")


# --- which vectors


def corpus() -> dict[str, case.Vector]:
    """All vectors for clients of OMS, those about signing at the end."""
    return {vector["id"]: vector for vector in (*case.load(), *signing_case.load())}


def selection(arguments: argparse.Namespace) -> dict[str, list[str]]:
    """What was asked for, where not for everything."""
    return {name: getattr(arguments, name) for name in SELECTION if getattr(arguments, name, [])}


def select(vectors: Iterable[case.Vector], arguments: argparse.Namespace) -> list[case.Vector]:
    """The vectors that were asked for. Raises Stopped if there are none."""
    asked = {name: patterns for name, patterns in selection(arguments).items() if name != "vectors"}
    chosen = [vector for vector in vectors if all(_matches(vector, *each) for each in asked.items())]
    if not chosen:
        raise Stopped(f"no vector has {asked}")
    return chosen


def _matches(vector: case.Vector, name: str, patterns: list[str]) -> bool:
    has: dict[str, list[str]] = {
        "profile": [vector["profile"]],
        "family": [vector["id"].partition("/")[0]],
        "id": [vector["id"]],
    }
    values: list[str] = has[name] if name in has else vector["clauses"]
    return any(fnmatchcase(value, pattern) for value in values for pattern in patterns)


def with_controls(chosen: list[case.Vector], whole: dict[str, case.Vector]) -> list[case.Vector]:
    """The vectors and the controls that they need, each once."""
    names = {name: None for vector in chosen for name in (vector["control"], vector["id"]) if name}
    signing = {signing_case.SMOKE: None} if any(signing_case.is_one(vector) for vector in chosen) else {}
    return [whole[name] for name in names | signing]


# --- asking


def smoke(plan: Plan, whole: dict[str, case.Vector]) -> tuple[Capabilities, dict[str, Outcome], str]:
    """What the client has, its answers to a control and a broken signature, and what is wrong with them."""
    client = plan.client()
    try:
        capabilities = client.capabilities()
        control, broken = (outcome(client, whole[name], plan, capabilities) for name in SMOKE)
    except clients.ClientError as error:
        return clients.capabilities({}, plan.declared), {}, f"The client does not start: {error}\nIs the command right?"
    finally:
        client.close()
    return capabilities, dict(zip(SMOKE, (control, broken))), diagnose(control, broken)


def diagnose(control: Outcome, broken: Outcome) -> str:
    """What is wrong with the answers to the smoke test; nothing if they are right."""
    good, bad = control.answer, broken.answer
    if good is None or bad is None:
        return f"The smoke test can't be run: {control.reason or broken.reason}"
    if good.verdict != "accept":
        verb = {"error": "gives no answer to", "reject": "refuses"}.get(good.verdict, "does not support")
        hint = "Run it by hand (--keep DIR leaves the files); exit status 0 is accept, 1 reject, 3 unsupported."
        return f"The client {verb} a good signature ({SMOKE[0]}).\nAsked: {good.command}\nSaid: {good.detail}\n{hint}"
    if bad.verdict == "reject":
        return ""
    what = {"accept": "accepts a signature that does not hold", "error": "gives no answer to a broken signature"}
    how = what.get(bad.verdict, "calls a broken signature unsupported")
    hint = "A client has to check the signature, and to say reject (exit status 1, without a traceback)."
    return f"The client {how} ({SMOKE[1]}).\nAsked: {bad.command}\nSaid: {bad.detail}\n{hint} --go-on runs the rest."


def run_all(
    vectors: list[case.Vector], plan: Plan, capabilities: Capabilities, arguments: argparse.Namespace
) -> dict[str, Outcome]:
    """The outcome of each vector, several at a time."""
    waiting: queue.SimpleQueue[case.Vector] = queue.SimpleQueue()
    for vector in vectors:
        waiting.put(vector)
    outcomes: dict[str, Outcome] = {}
    failures: list[BaseException] = []
    arguments_of = (waiting, outcomes, failures, plan, capabilities)
    threads = [threading.Thread(target=work, args=arguments_of) for _ in range(max(1, arguments.workers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return outcomes


def work(
    waiting: queue.SimpleQueue[case.Vector],
    outcomes: dict[str, Outcome],
    failures: list[BaseException],
    plan: Plan,
    capabilities: Capabilities,
) -> None:
    """Ask about vectors until none are left, with a client of one's own."""
    client = plan.client()
    try:
        while not failures:
            vector = waiting.get_nowait()
            outcomes[vector["id"]] = outcome(client, vector, plan, capabilities)
    except queue.Empty:
        pass
    except BaseException as error:  # what is wrong here is the runner's fault, and ends the run
        failures.append(error)
    finally:
        client.close()


def outcome(client: Client, vector: case.Vector, plan: Plan, capabilities: Capabilities) -> Outcome:
    """Lay a vector out, ask about it, and tidy up. The folder's name tells the client nothing."""
    if case.needs_unprivileged(vector) and os.geteuid() == 0:
        return Outcome(None, NOT_RUN, "root may read everything: run as another user")
    folder = Path(tempfile.mkdtemp(prefix="case-", dir=plan.folder))
    try:
        if signing_case.is_one(vector):
            answer, checks = signing_ask.ask(client, vector, folder, capabilities)
        else:
            answer, checks = client.verify(case.materialise(vector, folder), capabilities), ()
        where = str(plan.folder / vector["id"]) if plan.keep else "$CASE"
        told = {name: getattr(answer, name).replace(str(folder), where) for name in ("detail", "command")}
        return Outcome(answer._replace(**told), checks=tuple(check.placed(str(folder), where) for check in checks))
    except clients.ClientError as error:
        return Outcome(Answer("error", None, str(error)))
    except clients.Unasked as error:
        return Outcome(None, NOT_APPLICABLE, str(error))
    except clients.NotInjectable as error:
        return Outcome(None, NOT_INJECTABLE, str(error))
    except case.NotApplicable as error:
        return Outcome(None, NOT_RUN, str(error))
    finally:
        tidy(folder, plan.folder / vector["id"] if plan.keep else None)


def tidy(folder: Path, keep: Path | None) -> None:
    """Remove a case, or put it where it is to be found."""
    if keep is None or keep.exists():
        gone = folder if keep is None else keep
        case.release(gone)
        shutil.rmtree(gone)
    if keep is not None:
        keep.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(keep)


# --- show


def show(words: list[str]) -> int:
    """Print a vector with its control and edit, and how to run it alone."""
    parser = argparse.ArgumentParser(prog="run.py show", description="Print a vector.")
    parser.add_argument("id")
    name = parser.parse_args(words).id
    vectors = corpus()
    if name not in vectors:
        raise Stopped(f"there is no vector {name}")
    print(reports.described(vectors[name], vectors.get(vectors[name]["control"] or "")))
    return PASSED


if __name__ == "__main__":  # as the module that the subcommands import, so that there is one of everything
    sys.exit(int(importlib.import_module("conformance.run").main()))
