"""What is mutated: the files of both verifiers, and which vectors are likely to notice.

To add a file, add a row: the methods whose vectors may kill its mutants, and the families that come first. Vectors of
other methods are not run. Of a file only that is mutated which the verifier's function in inprocess.py may come to, by
name: what signs, shows or parses a command line is not.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import NamedTuple

from conformance import inprocess

from . import operators

ROOT = Path(__file__).parents[2]


class Target(NamedTuple):
    """A file: the methods whose vectors may kill its mutants, and the families that are likely to."""

    methods: tuple[str, ...]
    families: tuple[str, ...]


class Verifier(NamedTuple):
    """A verifier: its function in inprocess.py, and its files."""

    adapter: str
    files: dict[str, Target]


def _key(*families: str) -> Target:
    return Target(("key",), families)


def _key_and_sigstore(*families: str) -> Target:
    return Target(("key", "sigstore"), families)


VERIFIERS = (
    Verifier(
        "package",
        {
            "model_signing_ref/strictjson.py": _key_and_sigstore("bundle", "statement", "predicate", "sigstore"),
            "model_signing_ref/bundle.py": _key_and_sigstore("bundle", "material", "envelope", "sigstore"),
            "model_signing_ref/dsse.py": _key_and_sigstore("envelope", "signature", "sigstore"),
            "model_signing_ref/verifiers/key.py": _key("key", "material", "compat"),
            "model_signing_ref/verifiers/sigstore.py": Target(("sigstore",), ("sigstore",)),
            "model_signing_ref/keys.py": _key("key", "signature"),
            "model_signing_ref/statement.py": _key("statement", "predicate", "ignored", "shards"),
            "model_signing_ref/manifest.py": _key("names", "order", "root-digest", "shards"),
            "model_signing_ref/paths.py": _key("ignored", "files"),
            "model_signing_ref/tree.py": _key("files", "ignored"),
            "model_signing_ref/digests.py": _key("digest", "shards", "algorithms", "files"),
            "model_signing_ref/verifying.py": _key("files", "ignored", "digest", "shards"),
            "model_signing_ref/compat.py": _key("compat"),
        },
    ),
    Verifier(
        "standalone",
        {
            "model_signing_ref/standalone.py": _key(
                *("signature", "bundle", "envelope", "key", "statement", "predicate", "names", "shards", "files"),
            )
        },
    ),
)

# Reached by name alone: signing has things of the same name. A test holds that no vector gets there.
NEVER_REACHED = ("model_signing_ref/manifest.py:DEFAULT_SHARD_SIZE",)


# Mutants that nothing can let live: a verifier that checks no signature, and one that refuses nothing.
CONTROLS = (
    "model_signing_ref/verifiers/key.py:key_verifier.verify:return-early:1",
    "model_signing_ref/standalone.py:need:return-early:1",
)


class Source(NamedTuple):
    """A file to mutate: its text, and the definitions in it that are mutated."""

    verifier: Verifier
    file: str
    text: str
    wanted: set[str]


def sources(verifier: Verifier) -> list[Source]:
    """The files of a verifier."""
    texts = {file: (ROOT / file).read_text("utf-8") for file in verifier.files}
    trees = {file: ast.parse(text) for file, text in texts.items()}
    roots = operators.names_in(ast.parse(inspect.getsource(inprocess)))
    found = operators.reachable(trees, roots)
    return [
        Source(verifier, file, text, {name for name in found[file] if f"{file}:{name}" not in NEVER_REACHED})
        for file, text in texts.items()
    ]


def all_mutants() -> list[tuple[Source, operators.Mutant]]:
    """Every mutant of both verifiers, file by file."""
    return [
        (source, mutant)
        for verifier in VERIFIERS
        for source in sources(verifier)
        for mutant in operators.mutants(source.file, ast.parse(source.text), source.wanted)
    ]


def controls() -> list[tuple[Source, operators.Mutant]]:
    """The mutants that must die."""
    found = [(source, mutant) for source, mutant in all_mutants() if mutant.id in CONTROLS]
    assert len(found) == len(CONTROLS), "a control mutant is gone"
    return found


def module_name(file: str) -> str:
    """The name under which a file is imported."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
