"""The command line: run the mutants of both verifiers, and of the sigstore package. See README.md."""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conformance import case, signing_case

from . import equivalents, library, random_inputs, record, run, targets, unit_tests
from .operators import Mutant
from .targets import Source

Job = tuple[Source, Mutant]


def main(words: list[str]) -> int:
    """Exit status: 0 all is as listed; 1 a mutant lives and is not listed, or the list is wrong; 2 usage."""
    arguments = _parser().parse_args(words)
    started = time.monotonic()
    logging.disable(logging.CRITICAL)  # the sigstore package tells its log of what a mutant makes of it
    entries = equivalents.load()
    jobs = _chosen(arguments)
    vectors = [*case.load(), *signing_case.load()]
    with run.bench(vectors) as ready:
        _control(ready)
        results, left = [], 0
        for result in run.run(ready, jobs, workers=arguments.workers, every=arguments.record is not None):
            results.append(result)
            left = len(jobs) - len(results)
            if arguments.seconds and time.monotonic() - started > arguments.seconds:
                break
            _progress(len(results), len(jobs), started)
    faults = list(_faults(results, entries))
    if not arguments.id and not arguments.file and arguments.changed is None:
        faults += _stale(results, entries) if not left else []
    if arguments.listed:
        faults += _put_to_the_test(vectors, jobs, entries, arguments)
    _report(results, entries, faults, left)
    if arguments.json:
        arguments.json.write_text(json.dumps([_row(result) for result in results], indent=1) + "\n", "utf-8")
    if arguments.record:
        record.write(arguments.record, results, entries)
    return 1 if faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "conformance.mutation", description="Do the vectors notice what code can get wrong?"
    )
    parser.add_argument("--file", action="append", default=[], help="mutants of this file alone (repeat)")
    parser.add_argument("--changed", metavar="REV", help="mutants of the files that differ from this revision")
    parser.add_argument("--id", action="append", default=[], help="this mutant alone (repeat)")
    parser.add_argument("--workers", type=int, default=2, help="processes at once (2)")
    parser.add_argument("--seconds", type=float, help="stop after so long and say how many mutants are left")
    parser.add_argument("--listed", action="store_true", help="put the reasons of the listed mutants to the test")
    parser.add_argument("--random", type=int, default=300, help="random inputs for --listed (300)")
    parser.add_argument("--seed", type=int, default=0, help="of the random inputs (0)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write what became of each mutant")
    parser.add_argument("--record", type=Path, metavar="OUT", help="run every vector, and write what each kills")
    return parser


def _chosen(arguments: argparse.Namespace) -> list[Job]:
    """The mutants that are asked for. Exits with 2 if there is no such file or mutant."""
    jobs = targets.all_mutants() + library.mutants()
    files = {source.file for source, _ in jobs}
    if arguments.changed is not None:
        chosen = files.intersection(_changed(arguments.changed))
        return [job for job in jobs if job[1].file in chosen]
    unknown = set(arguments.file) - files | set(arguments.id) - {mutant.id for _, mutant in jobs}
    if unknown:
        print(f"no such file or mutant: {min(unknown)}", file=sys.stderr)
        sys.exit(2)
    wanted = set(arguments.file) or files
    return [job for job in jobs if (job[1].id in arguments.id if arguments.id else job[1].file in wanted)]


def _changed(revision: str) -> list[str]:
    command = ["git", "-C", str(targets.ROOT), "diff", "--name-only", revision, "--", "model_signing_ref"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def _control(ready: run.Bench) -> None:
    """The unmutated verifiers give what is published, and a verifier that refuses nothing is noticed."""
    for adapter in ready.plain:
        for made, outcome in zip(ready.cases, ready.plain[adapter]):
            wanted = made.vector["verdict"]
            if wanted != "either" and adapter == "package":
                assert outcome.verdict == wanted, (made.vector["id"], outcome)
    for source, mutant in targets.controls():
        (result,) = run.run(ready, [(source, mutant)])
        assert result.kind == "verdict", f"the control mutant {mutant.id} lives"


def _progress(done: int, of: int, started: float) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {of} mutants, {time.monotonic() - started:.0f} s ", end="", file=sys.stderr, flush=True)


def _faults(results: list[run.Result], entries: dict[str, equivalents.Entry]) -> Iterator[str]:
    for result in library.split(results)[0]:
        entry = entries.get(result.mutant.id)
        if entry is None and result.kind in ("", run.TOLD):
            yield _alive(result)
        elif entry and (wrong := equivalents.fault(entry, result.kind, dict(_by_kind(result)).get(result.kind, ""))):
            yield f"{result.mutant.id} is listed as {entry.kind}, but {wrong}: {result.kills[-1:]}"


def _alive(result: run.Result) -> str:
    change = f"{result.mutant.before} => {result.mutant.after}"
    return f"{result.mutant.id} (line {result.mutant.line}) lives{' but is told' * bool(result.kind)}: {change}"


def _by_kind(result: run.Result) -> Iterator[tuple[str, str]]:
    yield from ((kind, vector) for vector, kind in result.kills)


def _stale(results: list[run.Result], entries: dict[str, equivalents.Entry]) -> list[str]:
    known = {result.mutant.id for result in results}
    return [f"{name} is listed, and there is no such mutant" for name in entries if name not in known]


def _put_to_the_test(
    vectors: list[case.Vector], jobs: list[Job], entries: dict[str, equivalents.Entry], arguments: Any
) -> list[str]:
    """What random inputs and tests have against the listed mutants among `jobs`."""
    listed = [(entries[mutant.id], (source, mutant)) for source, mutant in jobs if mutant.id in entries]
    alike = [job for entry, job in listed if entry.kind != "elsewhere"]
    faults = []
    with run.bench(random_inputs.inputs(vectors, arguments.seed, arguments.random)) as ready:
        faults += list(_faults(list(run.run(ready, alike, workers=arguments.workers)), entries))
    unit_tests.preload()
    for entry, _ in listed:
        if entry.kind == "elsewhere" and not unit_tests.first_failing(entry.id, [entry.evidence]):
            faults.append(f"{entry.id} is listed as found elsewhere, but {entry.evidence} passes with it")
    return faults


def _row(result: run.Result) -> dict[str, Any]:
    return {**result.mutant._asdict(), "kind": result.kind, "kills": result.kills[-10:], "vectors": result.vectors}


def _report(results: list[run.Result], entries: dict[str, equivalents.Entry], faults: list[str], left: int) -> None:
    for fault in faults:
        print(fault)
    ours, others = library.split(results)
    kinds = Counter(result.kind for result in ours if result.mutant.id not in entries)
    listed = Counter(entries[result.mutant.id].kind for result in ours if result.mutant.id in entries)
    killed = sum(number for kind, number in kinds.items() if kind not in ("", run.TOLD))
    print(f"{killed} of {len(ours)} mutants are killed by the vectors: {_numbers(kinds, run.KINDS[:-1])}")
    print(f"{sum(listed.values())} are listed with a reason: {_numbers(listed, equivalents.KINDS)}")
    if others:
        alive = [_alive(result) for result in others if result.kind in ("", run.TOLD)]
        dead = len(others) - len(alive)
        print(f"{dead} of {len(others)} mutants of sigstore {library.version()} are killed; the others are not judged:")
        print(*alive, sep="\n")
    if left:
        print(f"{left} were not run, for lack of time")


def _numbers(counts: Counter[str], names: tuple[str, ...]) -> str:
    return ", ".join(f"{counts[name]} {name}" for name in names if counts[name]) or "none"


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # sets are iterated in one order, so that each run is the same
        again = [sys.executable, "-m", "conformance.mutation", *sys.argv[1:]]
        os.execve(sys.executable, again, {**os.environ, "PYTHONHASHSEED": "0"})  # noqa: S606
    sys.exit(main(sys.argv[1:]))
