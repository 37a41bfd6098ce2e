"""What is mutated: the files of both verifiers and of the signer, and which vectors are likely to notice.

To add a file, add a row with the families that come first. A mutant is run on the vectors that get to it, whatever
their method. Of a file only that is mutated which the functions in inprocess.py and inprocess_signing.py may come to,
by name: what shows or parses a command line is not.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import NamedTuple

from conformance import case, inprocess, inprocess_signing, signing_case

from . import operators

ROOT = Path(__file__).parents[2]


class Verifier(NamedTuple):
    """A verifier: its function in inprocess.py, the methods it has, and the likely families for each of its files."""

    adapter: str
    methods: tuple[str, ...]
    files: dict[str, tuple[str, ...]]


SIGNING = "signing"


def kind(vector: case.Vector) -> str:
    """The one of a verifier's methods that a vector is for: it is verified with it, or it is to be signed."""
    return SIGNING if signing_case.is_one(vector) else str(vector["method"])


VERIFIERS = (
    Verifier(
        "package",
        ("key", "certificate", "sigstore", SIGNING),
        {
            "model_signing_ref/strictjson.py": ("bundle", "statement", "predicate"),
            "model_signing_ref/bundle.py": ("bundle", "material", "envelope"),
            "model_signing_ref/dsse.py": ("envelope", "signature"),
            "model_signing_ref/verifiers/key.py": ("key", "material", "compat"),
            "model_signing_ref/keys.py": ("key", "signature"),
            "model_signing_ref/statement.py": ("statement", "predicate", "ignored", "shards"),
            "model_signing_ref/manifest.py": ("names", "order", "root-digest", "shards"),
            "model_signing_ref/paths.py": ("ignored", "files"),
            "model_signing_ref/tree.py": ("files", "ignored"),
            "model_signing_ref/digests.py": ("digest", "shards", "algorithms", "files"),
            "model_signing_ref/verifying.py": ("files", "ignored", "digest", "shards"),
            "model_signing_ref/compat.py": ("compat",),
            "model_signing_ref/verifiers/certificate.py": ("certificate",),
            "model_signing_ref/verifiers/sigstore.py": ("sigstore",),
            "model_signing_ref/certificates.py": ("certificate",),
            "model_signing_ref/signing.py": (SIGNING,),
            "model_signing_ref/signer.py": (SIGNING,),  # this and the next have nothing to mutate, and lead to what has
            "model_signing_ref/signers/key.py": (SIGNING,),
            "model_signing_ref/hashing.py": (SIGNING,),
            "model_signing_ref/output.py": (SIGNING,),
        },
    ),
    Verifier(
        "standalone",
        ("key",),
        {
            "model_signing_ref/standalone.py": (
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
    """The name under which a file is imported."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
