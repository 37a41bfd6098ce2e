"""Which lines of the verifiers a vector gets to: a mutant of a line is run on the vectors that get there alone."""

from __future__ import annotations

import ast
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

Lines = dict[str, set[int]]  # by the path of a file


@contextmanager
def traced(paths: Collection[str]) -> Iterator[Lines]:
    """The lines of files that are run meanwhile, in this thread and in those that it starts."""
    lines: Lines = {path: set() for path in paths}

    def called(frame: FrameType, event: str, argument: object) -> Any:
        seen = lines.get(frame.f_code.co_filename)
        if seen is None:
            return None

        def run(frame: FrameType, event: str, argument: object) -> Any:
            seen.add(frame.f_lineno)
            return run

        return run

    before = sys.gettrace()
    threading.settrace(called)
    sys.settrace(called)
    try:
        yield lines
    finally:
        sys.settrace(before)
        threading.settrace(before)


def lines_of(tree: ast.Module, line: int) -> range:
    """Lines of which one is run whenever the code at `line` is: of the innermost statement in a function.

    None for what is run when the module is loaded.
    """
    inside, found = False, range(0)
    for node in _statements_at(tree, line):
        inside = inside or isinstance(node, ast.FunctionDef)
        found = range(node.lineno, (node.end_lineno or node.lineno) + 1)
    return found if inside else range(0)


def _statements_at(tree: ast.AST, line: int) -> Iterator[ast.stmt]:
    """The statements around a line, from the outermost; no docstrings, which are never run."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno):
            yield node
        yield from _statements_at(node, line) if not isinstance(node, ast.expr) else ()
