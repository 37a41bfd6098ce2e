"""Benchmark: the same work on several implementations in turn, beside the limits of the machine.

    python3 conformance/benchmark.py --adapter 'python3 conformance/adapters/package.py' \\
        --adapter 'peer/bin/python conformance/adapters/pypi_model_signing.py'

Each adapter speaks the OMS adapter protocol (verify-model, sign-model). Runs alternate (A B A B …), and what
is reported are medians, the spread, and each adapter's ratio to the first. Needs OpenSSL's command line for
the keys; nothing else but the standard library.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


class Workload(NamedTuple):
    """A model of `files` files of `size` bytes each, in `directories` directories."""

    name: str
    files: int
    size: int
    directories: int = 1


WORKLOADS = (
    Workload("start-up", 1, 1),
    Workload("1 x 1 GiB", 1, GIB),
    Workload("4 x 256 MiB", 4, 256 * MIB),
    Workload("20,000 x 4 KiB", 20_000, 4 * KIB, 20),
)


class Run(NamedTuple):
    """One run: seconds of wall time and of processor time, and peak memory in bytes."""

    seconds: float
    processor: float
    memory: int


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark and print its table; --json prints every run."""
    arguments = parse(argv)
    with tempfile.TemporaryDirectory(prefix="oms-benchmark-", dir=arguments.directory) as name:
        folder = Path(name)
        private, public = make_keys(folder)
        results = {}
        for workload in WORKLOADS:
            if arguments.only and arguments.only not in workload.name:
                continue
            model = make_model(folder / workload.name.replace(" ", "-"), workload, arguments.scale)
            results[workload.name] = {
                "limits": {name: round(seconds, 4) for name, seconds in limits(model)},
                **{
                    verb: measure(verb, model, arguments.adapter, (private, public), arguments.repeat)
                    for verb in ("sign", "verify")
                },
            }
            report(workload.name, results[workload.name], arguments.adapter)
    if arguments.json:
        print(json.dumps(results, indent=2))
    return 0


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter", action="append", required=True, help="command of an adapter (repeat)")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each adapter (default 5)")
    parser.add_argument("--scale", type=float, default=1.0, help="scale the sizes and numbers of files")
    parser.add_argument("--only", help="only workloads whose name contains this")
    parser.add_argument("--directory", help="where to make the models (default: the system's temporary folder)")
    parser.add_argument("--json", action="store_true", help="print every run as JSON too")
    return parser.parse_args(argv)


def make_keys(folder: Path) -> tuple[Path, Path]:
    """A P-256 key pair, made by OpenSSL."""
    private, public = folder / "key.pem", folder / "key.pub"
    openssl = ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(private)]
    subprocess.run(openssl, check=True, capture_output=True)
    subprocess.run(
        ["openssl", "ec", "-in", str(private), "-pubout", "-out", str(public)], check=True, capture_output=True
    )
    return private, public


def make_model(folder: Path, workload: Workload, scale: float) -> Path:
    """The files of a workload, of bytes that do not compress; large sizes shrink with `scale`, else the number."""
    files, size = workload.files, workload.size
    if size >= MIB:
        size = max(1, int(size * scale))
    elif files > 1:
        files = max(1, int(files * scale))
    for index in range(files):
        directory = folder / f"d{index % workload.directories:05}"
        if index < workload.directories:
            directory.mkdir(parents=True)
        with (directory / f"f{index:07}.bin").open("wb") as file:
            left = size
            while left > 0:
                left -= file.write(os.urandom(min(left, MIB)))
    return folder


def limits(model: Path) -> Iterator[tuple[str, float]]:
    """Seconds that the work takes at least: the hash alone on warm memory, and a bare loop over the files."""
    files = sorted(path for path in model.rglob("*") if path.is_file())
    total = sum(path.stat().st_size for path in files)
    block = os.urandom(min(total, MIB))
    yield "hashlib on a warm buffer", best(lambda: hash_buffer(block, total))
    yield "open, read, hash, close", best(lambda: hash_files(files))


def best(work: object, times: int = 3) -> float:
    """The least time of several, in seconds."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        work()  # type: ignore[operator]
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def hash_buffer(block: bytes, total: int) -> bytes:
    """SHA-256 over `total` bytes that are in the cache."""
    running = hashlib.sha256()
    for _ in range(total // max(1, len(block))):
        running.update(block)
    return running.digest()


def hash_files(files: list[Path]) -> list[bytes]:
    """SHA-256 of each file, in the plainest way."""
    digests = []
    for path in files:
        with open(path, "rb") as file:
            running = hashlib.sha256()
            while chunk := file.read(MIB):
                running.update(chunk)
            digests.append(running.digest())
    return digests


def measure(verb: str, model: Path, adapters: list[str], keys: tuple[Path, Path], repeat: int) -> dict[str, list[Run]]:
    """Runs of each adapter, in turn; the first of each warms the caches and does not count."""
    runs: dict[str, list[Run]] = {adapter: [] for adapter in adapters}
    for turn in range(repeat + 1):
        for index, adapter in enumerate(adapters):
            bundle = model.with_name(f"{model.name}.{index}.sig")
            common = ["--method", "key", "--model-path", str(model)]
            if verb == "sign":
                words = ["sign-model", *common, "--output-bundle", str(bundle), "--private-key", str(keys[0])]
            else:
                words = ["verify-model", *common, "--bundle", str(bundle), "--public-key", str(keys[1])]
            run = run_once([*shlex.split(adapter), *words])
            runs[adapter] += [run] if turn else []
    return runs


def run_once(command: list[str]) -> Run:
    """Run a command that must succeed."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - started
        if process.returncode:
            output.seek(0)
            sys.exit(f"{shlex.join(command)}: exit {process.returncode}\n{output.read().decode(errors='replace')}")
    scale = 1 if sys.platform == "darwin" else KIB  # ru_maxrss is in bytes there, in KiB elsewhere
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * scale)


def report(name: str, result: dict[str, object], adapters: list[str]) -> None:
    """The table of one workload."""
    print(f"\n{name}")
    limit = result["limits"]
    assert isinstance(limit, dict)
    for what, seconds in limit.items():
        print(f"  {'limit':7}{seconds:9.3f} s  {'':30} {what}")
    for verb in ("sign", "verify"):
        runs = result[verb]
        assert isinstance(runs, dict)
        first = statistics.median(run.seconds for run in runs[adapters[0]])
        for adapter in adapters:
            seconds = [run.seconds for run in runs[adapter]]
            middle = statistics.median(seconds)
            spread = f"{min(seconds):.3f}-{max(seconds):.3f}"
            memory = max(run.memory for run in runs[adapter]) / MIB
            ratio = f"{middle / first:5.2f}x"
            print(f"  {verb:7}{middle:9.3f} s  {spread:>15} {memory:6.0f} MiB {ratio}  {adapter}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
