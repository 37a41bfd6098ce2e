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

from conformance import case, inprocess, inprocess_signing, signing_case

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


SIGNING = "signing"


def kind(vector: case.Vector) -> str:
    """What a target's methods say of a vector: the method that it is verified with, or that it is to be signed."""
    return SIGNING if signing_case.is_one(vector) else str(vector["method"])


def _key(*families: str) -> Target:
    return Target(("key",), families)


def _certificate(*families: str) -> Target:
    return Target(("certificate",), families)


def _both(*families: str) -> Target:
    return Target(("key", SIGNING), families)


_SIGNS = Target((SIGNING,), (SIGNING,))


VERIFIERS = (
    Verifier(
        "package",
        {
            "model_signing_ref/strictjson.py": _both("bundle", "statement", "predicate"),
            "model_signing_ref/bundle.py": _both("bundle", "material", "envelope"),
            "model_signing_ref/dsse.py": _both("envelope", "signature"),
            "model_signing_ref/verifiers/key.py": _key("key", "material", "compat"),
            "model_signing_ref/keys.py": _both("key", "signature"),
            "model_signing_ref/statement.py": _both("statement", "predicate", "ignored", "shards"),
            "model_signing_ref/manifest.py": _both("names", "order", "root-digest", "shards"),
            "model_signing_ref/paths.py": _both("ignored", "files"),
            "model_signing_ref/tree.py": _both("files", "ignored"),
            "model_signing_ref/digests.py": _both("digest", "shards", "algorithms", "files"),
            "model_signing_ref/verifying.py": _key("files", "ignored", "digest", "shards"),
            "model_signing_ref/compat.py": _key("compat"),
            "model_signing_ref/verifiers/certificate.py": _certificate("certificate"),
            "model_signing_ref/certificates.py": _certificate("certificate"),
            "model_signing_ref/signing.py": _SIGNS,
            "model_signing_ref/signer.py": _SIGNS,  # this and the next have nothing to mutate, and lead to what has
            "model_signing_ref/signers/key.py": _SIGNS,
            "model_signing_ref/hashing.py": _SIGNS,
            "model_signing_ref/output.py": _SIGNS,
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

# Reached by name alone, with what they reach: of a class, all of it. A test holds that no vector gets there.
NEVER_REACHED = (
    "model_signing_ref/manifest.py:DEFAULT_SHARD_SIZE",
    "model_signing_ref/signing.py:Config",
    "model_signing_ref/signing.py:sign",
    "model_signing_ref/hashing.py:Config",
    "model_signing_ref/tree.py:only_named",
)


# Mutants that nothing can let live: a verifier that checks no signature, and one that refuses nothing.
CONTROLS = (
    "model_signing_ref/verifiers/key.py:key_verifier.verify:return-early:1",
    "model_signing_ref/standalone.py:need:return-early:1",
)


class Source(NamedTuple):
    """A file to mutate: its text, also as a tree, and the definitions in it that are mutated."""

    verifier: Verifier
    file: str
    text: str
    tree: ast.Module
    wanted: set[str]


def sources(verifier: Verifier) -> list[Source]:
    """The files of a verifier."""
    texts = {file: (ROOT / file).read_text("utf-8") for file in verifier.files}
    trees = {file: ast.parse(text) for file, text in texts.items()}
    modules = (inprocess, inprocess_signing)
    roots = {name for module in modules for name in operators.names_in(ast.parse(inspect.getsource(module)))}
    found = operators.reachable(trees, roots, NEVER_REACHED)
    return [Source(verifier, file, text, trees[file], found[file]) for file, text in texts.items()]


def all_mutants() -> list[tuple[Source, operators.Mutant]]:
    """Every mutant of both verifiers, file by file."""
    return [
        (source, mutant)
        for verifier in VERIFIERS
        for source in sources(verifier)
        for mutant in operators.mutants(source.file, source.tree, source.wanted)
    ]


def controls() -> list[tuple[Source, operators.Mutant]]:
    """The mutants that must die."""
    found = [(source, mutant) for source, mutant in all_mutants() if mutant.id in CONTROLS]
    assert len(found) == len(CONTROLS), "a control mutant is gone"
    return found


def module_name(file: str) -> str:
    """The name under which a file of the repository is imported."""
    return file.removesuffix(".py").replace("/", ".")
