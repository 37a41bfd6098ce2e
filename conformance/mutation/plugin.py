"""A pytest plugin to run tests against a mutant: `MUTANT=<ID> pytest -p conformance.mutation.plugin …`."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

from . import operators, run, targets


def install(mutant: str) -> None:
    """Have the file that `mutant` (an ID) changes loaded with that change. Raises KeyError for no such mutant."""
    file, _, name = mutant.partition(":")
    verifier = next(each for each in targets.VERIFIERS if file in each.files)
    source = next(each for each in targets.sources(verifier) if each.file == file)
    tree = operators.mutate(source.text, source.wanted, name)
    module = targets.module_name(file)
    spec: Any = importlib.util.find_spec(module)
    known = run.Module(spec.loader.get_code(module), spec.origin, spec.submodule_search_locations is not None)
    run.install({module: known}, module, tree)


if "MUTANT" in os.environ:
    install(os.environ["MUTANT"])
