"""Benchmark: the same work on several implementations in turn, beside the limits of the machine.

    python3 conformance/benchmark.py --adapter ours='python3 conformance/adapters/package.py' \\
        --adapter pypi='peer/bin/python conformance/adapters/pypi_model_signing.py' \\
        --markdown table.md --svg plot.svg

Each adapter speaks the OMS adapter protocol (PROTOCOL.md). Runs of whole processes alternate (A B A B …), those inside
a process with the limits, and what is reported are medians with their spread, each adapter's ratio to the first, peak
memory and processor time. Who can't sign verifies the first one's signature. Needs OpenSSL's command line for the keys;
nothing else but the standard library, and `blake3` for its limit.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

if __name__ == "__main__":  # the folder beside this file is no package, the one above holds one
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from conformance import plot, workloads
from conformance.workloads import MIB, Workload

METER = Path(__file__).with_name("meter.py")
UNSUPPORTED = 3  # exit status
VERBS = ("sign", "verify")
Results = dict[str, Any]
Seconds = dict[str, list[float]]


class Keys(NamedTuple):
    """PEM files."""

    private: Path
    public: Path


class Adapter(NamedTuple):
    """Its name, the words of its command, and what it declares."""

    name: str
    command: list[str]
    capabilities: dict[str, Any]


class Job(NamedTuple):
    """What is measured: a workload, its model and files, with which keys, how often, and whether with cold files."""

    workload: Workload
    model: Path
    files: list[str]
    keys: Keys
    repeat: int
    cold: bool


class Run(NamedTuple):
    """One run: seconds of wall time and of processor time, and peak memory in bytes."""

    seconds: float
    processor: float
    memory: int


def main(argv: list[str] | None = None) -> int:
    """Run the command line and give the exit status."""
    try:
        return measure_all(parse(argv))
    except OSError as error:  # a program that is not there, a folder that can't be written
        sys.exit(f"{error.filename or 'benchmark'}: {error.strerror}")


def measure_all(arguments: argparse.Namespace) -> int:
    """Every chosen workload in turn, and the files that were asked for."""
    adapters = [adapter_of(*named) for named in arguments.adapter]
    every = (*workloads.WORKLOADS, *(workloads.CURVES if arguments.curve else ()))
    chosen = [each for each in every if not arguments.only or any(word in each.name for word in arguments.only)]
    if not chosen:
        sys.exit(f"no workload of this name; there are: {', '.join(each.name for each in every)}")
    results: Results = {"machine": machine(), "scale": arguments.scale, "cold": arguments.cold, "workloads": []}
    with tempfile.TemporaryDirectory(prefix="oms-benchmark-", dir=arguments.directory) as name:
        keys = make_keys(Path(name))
        for workload in chosen:
            result = run(workloads.scaled(workload, arguments.scale), Path(name), keys, adapters, arguments)
            results["workloads"].append(result)
            print(table([result]), flush=True)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    if arguments.markdown:
        Path(arguments.markdown).write_text(table(results["workloads"]), "utf-8")
    if arguments.svg:
        Path(arguments.svg).write_text(plot.page(results["workloads"]), "utf-8")
    return 0


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    of_adapter = "an adapter's name and command (repeat)"
    add("--adapter", type=named_command, action="append", required=True, metavar="NAME=CMD", help=of_adapter)
    add("--repeat", type=positive(int), default=5, help="runs of each adapter (default 5)")
    add(
        "--scale",
        type=positive(float),
        default=1.0,
        help="scale large sizes and large numbers of files, for small machines",
    )
    add("--only", action="append", help="only workloads whose name contains this (repeat)")
    add("--curve", action="store_true", help="also 1,000 to 1,000,000 files, and 1 MiB to 1 GiB, for --svg")
    add("--cold", action="store_true", help="have the system forget the files before each run, where it can")
    add("--directory", help="where to make the models (default: the system's temporary folder)")
    add("--json", metavar="FILE", help="write every run")
    add("--markdown", metavar="FILE", help="write the table")
    add("--svg", metavar="FILE", help="write a plot of cost against files and bytes")
    return parser.parse_args(argv)


Number = TypeVar("Number", int, float)


def positive(number: type[Number]) -> Callable[[str], Number]:
    """A reader of numbers above zero."""

    def read(text: str) -> Number:
        if not (value := number(text)) > 0:
            raise ValueError
        return value

    read.__name__ = f"positive {number.__name__}"
    return read


def named_command(text: str) -> tuple[str, list[str]]:
    """The name and the words of `NAME=CMD`."""
    name, _, command = text.partition("=")
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from None
    if not (name and words):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=CMD")
    return name, words


def adapter_of(name: str, words: list[str]) -> Adapter:
    """The adapter of a name and a command, asked what it declares."""
    done = subprocess.run([*words, "capabilities"], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        declared = json.loads(done.stdout)
    except ValueError:
        declared = {}
    return Adapter(name, words, declared)


def machine() -> dict[str, Any]:
    """What the numbers depend on."""
    return {
        "system": platform.platform(),
        "processors": len(workloads.affinity()),
        "python": platform.python_version(),
        "openssl": subprocess.run(["openssl", "version"], check=True, capture_output=True, text=True).stdout.strip(),
    }


def make_keys(folder: Path) -> Keys:
    """A P-256 key pair, made by OpenSSL."""
    keys = Keys(folder / "key.pem", folder / "key.pub")
    make = ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(keys.private)]
    subprocess.run(make, check=True, capture_output=True)
    make = ["openssl", "ec", "-in", str(keys.private), "-pubout", "-out", str(keys.public)]
    subprocess.run(make, check=True, capture_output=True)
    return keys


def run(
    workload: Workload, folder: Path, keys: Keys, adapters: list[Adapter], arguments: argparse.Namespace
) -> Results:
    """Make the model, measure the limits and every adapter, and take the model away again."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        model = workloads.make_model(Path(name) / "model", workload)
        job = Job(workload, model, workloads.files_of(model), keys, arguments.repeat, arguments.cold)
        able = [adapter for adapter in adapters if has(adapter, workload)]
        result: Results = {"name": workload.name, "files": workload.files, "bytes": workload.files * workload.size}
        limits, inside = measure_inside(job, able)
        result |= {"limits": limits, "adapters": {adapter.name: inside.get(adapter.name, {}) for adapter in able}}
        for verb in VERBS:
            for adapter, runs in measure(verb, job, able):
                result["adapters"][adapter.name][verb] = [each._asdict() for each in runs]
        return result


def has(adapter: Adapter, workload: Workload) -> bool:
    """Whether the adapter declares what the workload needs."""
    flags, hashes = adapter.capabilities.get("flags", ()), adapter.capabilities.get("hash_algorithms", ("sha256",))
    return workload.hash_algorithm in hashes and (workload.shard_size is None or "--shard-size" in flags)


def measure_inside(job: Job, adapters: list[Adapter]) -> tuple[Seconds, Results]:
    """Seconds of each limit, and of each adapter in its process, in turn: a machine's speed changes by the minute.

    The first of each limit warms the caches and does not count.
    """
    limits = workloads.limits(job.files, job.workload)
    able = [adapter for adapter in adapters if adapter.capabilities.get("benchmark_model")]
    taken: Seconds = {name: [] for name in limits}
    inside: Results = {adapter.name: {"in-process": {verb: [] for verb in VERBS}} for adapter in able}
    for turn in range(job.repeat + 1):
        for name, work in limits.items():
            started = time.perf_counter()
            work()
            if turn:
                taken[name].append(time.perf_counter() - started)
        for adapter in able if turn else ():
            for verb, seconds in in_process(adapter, job).items():
                inside[adapter.name]["in-process"][verb] += seconds
    return taken, inside


def measure(verb: str, job: Job, adapters: list[Adapter]) -> list[tuple[Adapter, list[Run]]]:
    """Runs of each adapter, in turn; the first of each warms the caches and does not count.

    Who says that it can't is left out.
    """
    runs: dict[str, list[Run]] = {adapter.name: [] for adapter in adapters}
    able = list(adapters)
    for turn in range(job.repeat + 1):
        for adapter in tuple(able):
            if job.cold and not workloads.forget(job.files):
                sys.exit("this system can't be told to forget files: leave out --cold")
            made = run_once([*adapter.command, *words_of(verb, job, adapter)])
            if made is None:
                able.remove(adapter)
            elif turn:
                runs[adapter.name].append(made)
    return [(adapter, runs[adapter.name]) for adapter in able]


def words_of(verb: str, job: Job, adapter: Adapter) -> list[str]:
    """The command of the protocol. A signature that the adapter could not make is the first one's."""
    model, keys = job.model, job.keys
    own = model.with_name(f"{adapter.name}.sig")
    words = [f"{verb}-model", "--method", "key", "--model-path", str(model)]
    if verb == "verify":
        bundle = own if own.exists() else min(model.parent.glob("*.sig"), key=age)
        return [*words, "--bundle", str(bundle), "--public-key", str(keys.public)]
    return [*words, "--output-bundle", str(own), "--private-key", str(keys.private), *parameters(job.workload)]


def parameters(workload: Workload) -> list[str]:
    """Options for another algorithm or method than the default."""
    chosen = [] if workload.hash_algorithm == "sha256" else ["--hash-algorithm", workload.hash_algorithm]
    return chosen if workload.shard_size is None else [*chosen, "--shard-size", str(workload.shard_size)]


def age(path: Path) -> int:
    """When a file was written."""
    return path.stat().st_mtime_ns


def run_once(command: list[str]) -> Run | None:
    """Run a command that must succeed; None where it says that it can't do that."""
    with tempfile.TemporaryFile() as output:
        metered = [sys.executable, "-I", "-S", str(METER), *command]
        done = subprocess.run(metered, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=output)
        status, seconds, processor, memory = done.stdout.split()
        if int(status) == UNSUPPORTED:
            return None
        if int(status):
            output.seek(0)
            sys.exit(f"{shlex.join(command)}: exit {int(status)}\n{output.read().decode(errors='replace')}")
    return Run(float(seconds), float(processor), int(memory))


def in_process(adapter: Adapter, job: Job) -> Seconds:
    """Seconds of signing and of verifying once inside one process, by the adapter's own clock."""
    bundle = job.model.with_name(f"{adapter.name}.in-process")
    words = ["benchmark-model", "--method", "key", "--model-path", str(job.model), "--output-bundle", str(bundle)]
    words += ["--private-key", str(job.keys.private), "--public-key", str(job.keys.public)]
    words += ["--repeat", "1", *parameters(job.workload)]
    done = subprocess.run([*adapter.command, *words], check=True, stdout=subprocess.PIPE)
    inside: Seconds = json.loads(done.stdout)
    return inside


def table(results: list[Results]) -> str:
    """All results in Markdown: medians and spread in seconds, the ratio to the first adapter, memory."""
    heads = ("", "", "s", "least to most", "ratio", "processor s", "peak MiB")
    lines = []
    for result in results:
        lines += ["", f"### {result['name']}", "", line(*heads), line(*("---" for _ in heads))]
        lines += [line("limit", name, *middle(seconds)) for name, seconds in result["limits"].items()]
        for verb in VERBS:
            lines += rows(verb, {name: each.get(verb, []) for name, each in result["adapters"].items()})
            inside = {name: each.get("in-process", {}).get(verb) for name, each in result["adapters"].items()}
            lines += [line(f"{verb}, in process", name, *middle(each)) for name, each in inside.items() if each]
    return "\n".join(lines) + "\n"


def rows(verb: str, runs: dict[str, list[dict[str, float]]]) -> list[str]:
    """The rows of one verb; the ratio says how many times as long as the first adapter."""
    made, first = [], None
    for name, each in runs.items():
        if not each:
            made.append(line(verb, name, "does not"))
            continue
        seconds = [run["seconds"] for run in each]
        first = first or statistics.median(seconds)
        ratio = f"{statistics.median(seconds) / first:.2f}"
        processor = f"{statistics.median(run['processor'] for run in each):.3f}"
        memory = f"{max(run['memory'] for run in each) / MIB:.0f}"
        made.append(line(verb, name, *middle(seconds), ratio, processor, memory))
    return made


def middle(seconds: list[float]) -> tuple[str, str]:
    """The median, and the least and the most."""
    return f"{statistics.median(seconds):.3f}", f"{min(seconds):.3f} to {max(seconds):.3f}"


def line(*cells: str) -> str:
    """A row of a table of seven columns."""
    return "| " + " | ".join((*cells, *[""] * (7 - len(cells)))) + " |"


if __name__ == "__main__":
    sys.exit(main())
