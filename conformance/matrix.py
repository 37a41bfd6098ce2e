"""Who reads whom: each client signs the models of the signing vectors, and each verifies what the others wrote.

    python3 conformance/run.py matrix --adapter NAME='CMD' --adapter NAME='CMD' ...

Every bundle is judged by this project's verifiers as well, so that a disagreement has a culprit. Exit status: 0 all
read what all wrote, 1 they did not, 2 the run could not be done.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import tempfile
import threading
from pathlib import Path
from typing import Any, NamedTuple

from . import case, clients, matrix_reports, run, signing_ask, signing_case
from .clients import Answer, Capabilities, Client
from .signing_judge import Check

ACCEPT = "accept"


class Party(NamedTuple):
    """A client that takes part, under the name that it was given."""

    name: str
    plan: run.Plan
    known: Capabilities


class Bundle(NamedTuple):
    """What a client made of a vector's model: its answer, what is wrong by the judge, and what each verifier said.

    A verifier that was not asked is not in `read`.
    """

    vector: case.Vector
    signer: str
    answer: Answer
    faults: tuple[Check, ...]
    read: dict[str, Answer]


class Crew(NamedTuple):
    """The clients of one worker, by name."""

    parties: dict[str, Party]
    clients: dict[str, Client]


def main(words: list[str]) -> int:
    """Run the command line and give the exit status. Raises run.Stopped."""
    arguments = parse(words)
    vectors = run.select(signable(), arguments)
    with tempfile.TemporaryDirectory(prefix="oms-matrix-") as name:
        folder = Path(arguments.keep).resolve() if arguments.keep else Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        parties = {each.name: each for each in (party(text, arguments, folder) for text in arguments.adapter)}
        if len(parties) < len(arguments.adapter):
            raise run.Stopped("two adapters have one name")
        bundles = sign_all(vectors, parties, arguments.workers)
    report = matrix_reports.results(list(parties.values()), vectors, bundles)
    write(report, arguments)
    print(matrix_reports.text(report))
    return run.FAILED if report["disagreements"] else run.PASSED


def parse(words: list[str]) -> argparse.Namespace:
    """The options of a matrix."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="run.py matrix", description=__doc__, formatter_class=form)
    add = parser.add_argument
    add("--adapter", action="append", required=True, type=named, metavar="NAME=CMD", help="a client's adapter (repeat)")
    add("--jsonl", action="append", default=[], metavar="NAME", help="this one speaks JSON lines (repeat)")
    add("--declare", action="append", default=[], type=named, metavar="NAME=PROFILE", help="what a client has (repeat)")
    for name in run.SELECTION:
        add(f"--{name}", action="append", default=[], help="only such signing vectors (repeat)")
    run.add_asking_options(parser)
    add("--go-on", action="store_true", help="also with a client that fails the smoke test")
    add("--json", metavar="FILE", help="write the results (matrix.schema.json)")
    add("--markdown", metavar="FILE", help="append the table in Markdown")
    add("--html", metavar="FILE", help="write a page that needs no other file")
    arguments = parser.parse_args(words)
    names = {name for name, _ in arguments.adapter}
    if unknown := {*arguments.jsonl, *(name for name, _ in arguments.declare)} - names:
        parser.error(f"no adapter is named {', '.join(sorted(unknown))}")
    return arguments


def named(text: str) -> tuple[str, str]:
    """NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not (name and equals and value) or "/" in name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def signable() -> list[case.Vector]:
    """The vectors of which something is signed."""
    return [vector for vector in signing_case.load() if vector["ours"]["verdict"] == ACCEPT]


def party(adapter: tuple[str, str], arguments: argparse.Namespace, folder: Path) -> Party:
    """A client, smoke-tested. Raises run.Stopped."""
    name, command = adapter
    protocol = "jsonl" if name in arguments.jsonl else "command"
    declared = tuple(profile for other, profile in arguments.declare if other == name)
    plan = run.Plan(command, protocol, arguments.timeout, declared, folder, bool(arguments.keep))
    known, _, diagnosis = run.smoke(plan, run.corpus())
    if diagnosis and not arguments.go_on:
        raise run.Stopped(f"{name} fails the smoke test. {diagnosis}")
    return Party(name, plan, known)


def write(report: dict[str, Any], arguments: argparse.Namespace) -> None:
    """The files that were asked for."""
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    if arguments.markdown:
        with open(arguments.markdown, "a", encoding="utf-8") as file:
            file.write(matrix_reports.markdown(report))
    if arguments.html:
        Path(arguments.html).write_text(matrix_reports.html(report), "utf-8")


# --- asking


def sign_all(vectors: list[case.Vector], parties: dict[str, Party], workers: int) -> list[Bundle]:
    """What each client makes of each vector of a profile that it has, several at a time; in the vectors' order."""
    waiting: queue.SimpleQueue[tuple[case.Vector, str]] = queue.SimpleQueue()
    wanted = [(vector, name) for vector in vectors for name in parties if has(parties[name], vector)]
    for each in wanted:
        waiting.put(each)
    made: dict[tuple[str, str], Bundle] = {}
    failures: list[BaseException] = []
    threads = [threading.Thread(target=work, args=(waiting, made, failures, parties)) for _ in range(max(1, workers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return [made[key] for key in ((vector["id"], name) for vector, name in wanted) if key in made]


def has(party: Party, vector: case.Vector) -> bool:
    """Whether a client declares what a vector needs, and can be run on it here."""
    needed = case.profiles(vector) | {vector["profile"]}
    return needed <= set(party.known.profiles) and not (case.needs_unprivileged(vector) and os.geteuid() == 0)


def work(
    waiting: queue.SimpleQueue[tuple[case.Vector, str]],
    made: dict[tuple[str, str], Bundle],
    failures: list[BaseException],
    parties: dict[str, Party],
) -> None:
    """Have models signed and verified until none are left, with clients of one's own."""
    crew = Crew(parties, {name: each.plan.client() for name, each in parties.items()})
    try:
        while not failures:
            vector, name = waiting.get_nowait()
            bundle = sign(vector, name, crew)
            if bundle is not None:
                made[vector["id"], name] = bundle
    except queue.Empty:
        pass
    except BaseException as error:  # what is wrong here is the runner's fault, and ends the run
        failures.append(error)
    finally:
        for client in crew.clients.values():
            client.close()


def sign(vector: case.Vector, name: str, crew: Crew) -> Bundle | None:
    """Have one client sign a model, and all read what it wrote; None where it can't be asked."""
    plan = crew.parties[name].plan
    folder = Path(tempfile.mkdtemp(prefix="case-", dir=plan.folder))
    kept = plan.folder / vector["id"] / name if plan.keep else None
    try:
        made = signing_case.materialise(vector, folder)
        answer, checks = signing_ask.sign(crew.clients[name], made, crew.parties[name].known)
        signed = answer.verdict == ACCEPT and made.bundle.is_file()
        read = {each: verify(made, each, crew) for each in crew.parties} if signed else {}
        faults = tuple(check for check in checks if check.holds is False and not check.ours)
        where = str(kept or "$CASE")
        told = {each: placed(said, folder, where) for each, said in read.items() if said is not None}
        return Bundle(vector, name, placed(answer, folder, where), faults, told)
    except (clients.Unasked, case.NotApplicable):
        return None
    finally:
        run.tidy(folder, kept)


def verify(made: signing_case.SigningCase, name: str, crew: Crew) -> Answer | None:
    """What a client says of a bundle; None where it can't be asked."""
    party = crew.parties[name]
    if not has(party, made.vector):
        return None
    try:
        return crew.clients[name].verify(signing_case.to_verify(made, made.folder), party.known)
    except (clients.Unasked, clients.NotInjectable):
        return None
    except clients.ClientError as error:
        return Answer("error", None, str(error))


def placed(answer: Answer, folder: Path, where: str) -> Answer:
    """The answer with the case's folder under the name by which it is to be found."""
    told = {name: getattr(answer, name).replace(str(folder), where) for name in ("detail", "command")}
    return answer._replace(**told)
