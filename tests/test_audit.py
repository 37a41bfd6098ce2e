"""spec/audit.md names every function that an accepted `verify key` goes through, in order, where it is.

Run as a program with --write, this brings its links, counts and totals up to date; stops are added by hand.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType

import forge
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from test_clauses import spans
from test_size import PACKAGE, code_lines

from model_signing_ref import verifying

PAGE = Path(__file__).parent.parent / "spec" / "audit.md"
LINK = re.compile(r"\[`([\w.]+)`\]\(\.\./model_signing_ref/([\w/]+\.py)#L(\d+)-L(\d+)\)")
ROW = re.compile(rf"^\| (\d+) \| {LINK.pattern} \| (\d+) \| \S.* \|$", re.MULTILINE)
TOTALS = re.compile(r"^\d+ functions, \d+ lines without comments and docstrings, \d+ files\.$", re.MULTILINE)


def path_of_calls(folder: Path) -> list[CodeType]:
    """The package's named functions in the order of their first calls while a model in `folder` is accepted."""
    model, signature, public = folder / "model", folder / "model.sig", folder / "key.pub"
    (model / "tokenizer").mkdir(parents=True)
    (model / "config.json").write_text("{}")
    (model / "tokenizer" / "vocab.json").write_text("{}")
    forge.sign(model, signature)
    public.write_bytes(forge.KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    config = verifying.Config().use_elliptic_key_verifier(public_key=public)
    called: dict[CodeType, None] = {}

    def profile(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(str(PACKAGE)) and not code.co_name.startswith("<"):
            called.setdefault(code)

    sys.setprofile(profile)
    try:
        config.verify(model, signature)
    finally:
        sys.setprofile(None)
    return list(called)


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@functools.cache
def lines_of(code: CodeType) -> int:
    return code_lines(code)


def place(file: str, name: str) -> tuple[int, int]:
    """First and last line of a function, class or constant of the package."""
    return spans(tree_of(PACKAGE / file))[name]


def name_at(code: CodeType) -> tuple[str, str]:
    """File and qualified name of a code object."""
    file = Path(code.co_filename).relative_to(PACKAGE).as_posix()
    tree = tree_of(Path(code.co_filename))
    lines = {line for node in ast.walk(tree) for line in first_lines(node, code.co_firstlineno)}
    return file, next(name for name, (first, _) in spans(tree).items() if first in lines)


def first_lines(node: ast.AST, first: int) -> Iterator[int]:
    """The line of `def` of the function whose code begins at line `first`, with its decorators."""
    if isinstance(node, ast.FunctionDef) and first in {node.lineno, *(each.lineno for each in node.decorator_list)}:
        yield node.lineno


def refreshed(text: str, codes: list[CodeType]) -> str:
    """The page with true links, counts and totals."""
    counts = {name_at(code): lines_of(code) for code in codes}

    def link(match: re.Match[str]) -> str:
        first, last = place(match[2], match[1])
        return f"[`{match[1]}`](../model_signing_ref/{match[2]}#L{first}-L{last})"

    def row(match: re.Match[str]) -> str:
        count = counts[match[3], match[2]]
        head, _, tail = match[0].partition(f") | {match[6]} |")
        return f"{head}) | {count} |{tail}"

    files = {code.co_filename for code in codes}
    totals = (
        f"{len(codes)} functions, {sum(counts.values())} lines without comments and docstrings, {len(files)} files."
    )
    return TOTALS.sub(totals, ROW.sub(row, LINK.sub(link, text)))


def test_every_function_of_the_path_is_a_stop_in_the_order_of_the_calls(tmp_path: Path) -> None:
    stops = [(match[3], match[2]) for match in ROW.finditer(PAGE.read_text("utf-8"))]
    assert stops == [name_at(code) for code in path_of_calls(tmp_path)]


def test_links_counts_and_totals_are_true(tmp_path: Path) -> None:
    text = PAGE.read_text("utf-8")
    assert text == refreshed(text, path_of_calls(tmp_path)), "python tests/test_audit.py --write"
    stops = [int(match[1]) for match in ROW.finditer(text)]
    assert stops == list(range(1, len(stops) + 1))
    assert len(TOTALS.findall(text)) == 1
    minutes = [int(number) for number in re.findall(r"^## .*\((\d+) minutes\)$", text, re.MULTILINE)]
    assert sum(minutes) == 15


def test_a_stale_page_would_be_seen(tmp_path: Path) -> None:
    codes = path_of_calls(tmp_path)
    text = PAGE.read_text("utf-8")
    for old, new in (("#L", "#L1"), (" | 3 | ", " | 4 | "), (" functions, ", "0 functions, ")):
        assert refreshed(text.replace(old, new, 1), codes) == text


if __name__ == "__main__":
    assert sys.argv[1:] == ["--write"]
    with tempfile.TemporaryDirectory() as name:
        PAGE.write_text(refreshed(PAGE.read_text("utf-8"), path_of_calls(Path(name))), "utf-8")
