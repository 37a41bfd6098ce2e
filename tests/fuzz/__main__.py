"""Fuzz one target, guided by coverage: `python -m tests.fuzz TARGET [libFuzzer options]`.

For example `python -m tests.fuzz payload -runs=1000000`. Needs the package `atheris`. An input may take 2 seconds and
512 MiB; one that breaks a target is left in the working directory and named.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

LIMITS = ("-timeout=2", "-rss_limit_mb=512", "-print_final_stats=1")
WORDS = (
    *("mediaType", "verificationMaterial", "publicKey", "hint", "rawBytes", "dsseEnvelope", "payload", "payloadType"),
    *("signatures", "sig", "keyid", "x509CertificateChain", "certificate", "tlogEntries", "timestampVerificationData"),
    *("_type", "subject", "name", "digest", "sha256", "predicateType", "predicate", "resources", "algorithm"),
    *("serialization", "method", "files", "shards", "hash_type", "blake2b", "blake3", "allow_symlinks", "shard_size"),
    *("ignore_paths", "true", "false", "null", "NaN", "1e999", "..", "\\\\ud800"),
)


def main(words: list[str]) -> None:
    """Fuzz until the options say stop."""
    with atheris.instrument_imports(include=["model_signing_ref"]):
        from . import targets
    if not words or words[0] not in targets.TARGETS:
        sys.exit(f"usage: python -m tests.fuzz {'|'.join(targets.TARGETS)} [libFuzzer options]")
    with tempfile.TemporaryDirectory() as name:
        corpus, dictionary = Path(name, "corpus"), Path(name, "words")
        corpus.mkdir()
        for number, seed in enumerate(targets.seeds(words[0])):
            (corpus / str(number)).write_bytes(seed)
        dictionary.write_text("".join(f'"{word}"\n' for word in WORDS), "ascii")
        atheris.Setup([sys.argv[0], *LIMITS, f"-dict={dictionary}", *words[1:], str(corpus)], targets.TARGETS[words[0]])
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
