"""`benchmark-model` for every package with model_signing's Python interface: seconds inside one process."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any


def benchmark_model(package: Any, argv: list[str]) -> dict[str, list[float]]:
    """Sign and verify `--repeat` times in turn, after once that does not count; seconds of each.

    `package` has the modules `signing`, `verifying` and `hashing`.
    """
    parser = argparse.ArgumentParser()
    for name in ("--method", "--model-path", "--output-bundle", "--private-key", "--public-key"):
        parser.add_argument(name, required=True)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--hash-algorithm", default="sha256")
    parser.add_argument("--shard-size", type=int)
    options = parser.parse_args(argv)
    hasher = package.hashing.Config()
    if options.shard_size is None:
        hasher.use_file_serialization(hashing_algorithm=options.hash_algorithm)
    else:
        hasher.use_shard_serialization(hashing_algorithm=options.hash_algorithm, shard_size=options.shard_size)
    signer = package.signing.Config().use_elliptic_key_signer(private_key=options.private_key)
    verifier = package.verifying.Config().use_elliptic_key_verifier(public_key=options.public_key)
    for config in (signer, verifier):
        config.set_hashing_config(hasher)
    work = {
        "sign": lambda: signer.sign(options.model_path, options.output_bundle),
        "verify": lambda: verifier.verify(options.model_path, options.output_bundle),
    }
    taken: dict[str, list[float]] = {verb: [] for verb in work}
    for _ in range(options.repeat + 1):
        for verb, each in work.items():
            taken[verb].append(seconds(each))
    return {verb: each[1:] for verb, each in taken.items()}


def seconds(work: Callable[[], object]) -> float:
    """What a run takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
