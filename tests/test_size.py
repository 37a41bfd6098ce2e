"""The accepting `verify key` path stays small enough to read in a quarter of an hour."""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from pathlib import Path
from types import CodeType, FrameType

import pytest

import model_signing_ref
from model_signing_ref import signing, verifying

PACKAGE = Path(model_signing_ref.__file__).parent
MOST_FILES, MOST_FUNCTIONS, MOST_LINES, LONGEST = 12, 50, 700, 30


def traced(run: object) -> set[CodeType]:
    """The code objects of the package's named functions that `run` reaches."""
    seen: set[CodeType] = set()

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(str(PACKAGE)):
            seen.add(frame.f_code)

    sys.setprofile(profile)
    try:
        run()  # type: ignore[operator]
    finally:
        sys.setprofile(None)
    return {code for code in seen if not code.co_name.startswith("<")}


def code_lines(code: CodeType) -> int:
    """Lines of a function without docstrings, comments and blanks."""
    source = Path(code.co_filename).read_text("utf-8")
    functions = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
    node = next(
        node for node in functions if code.co_firstlineno in {node.lineno, *(d.lineno for d in node.decorator_list)}
    )
    assert node.end_lineno is not None
    text = "\n".join(source.splitlines()[code.co_firstlineno - 1 : node.end_lineno]) + "\n"
    ignored = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines = {line for t in tokens if t.type not in ignored for line in range(t.start[0], t.end[0] + 1)}
    if ast.get_docstring(node):
        first = node.body[0]
        assert first.end_lineno is not None
        lines -= {n - code.co_firstlineno + 1 for n in range(first.lineno, first.end_lineno + 1)}
    return len(lines)


def test_accepting_path_is_small(model: Path, key_files: tuple[Path, Path], tmp_path: Path) -> None:
    private, public = key_files
    signature = tmp_path / "model.sig"
    signing.Config().use_elliptic_key_signer(private_key=private).sign(model, signature)
    config = verifying.Config().use_elliptic_key_verifier(public_key=public)
    codes = traced(lambda: config.verify(model, signature))
    lines = {code: code_lines(code) for code in codes}
    for code, count in sorted(lines.items(), key=lambda item: (item[0].co_filename, item[0].co_firstlineno)):
        print(f"{count:4} {Path(code.co_filename).relative_to(PACKAGE)}:{code.co_firstlineno} {code.co_name}")
    print(len({code.co_filename for code in codes}), "files", len(codes), "functions", sum(lines.values()), "lines")
    assert len({code.co_filename for code in codes}) <= MOST_FILES
    assert len(codes) <= MOST_FUNCTIONS
    assert sum(lines.values()) <= MOST_LINES
    assert max(lines.values()) <= LONGEST


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_function_is_long(path: Path) -> None:
    code = compile(path.read_text("utf-8"), str(path), "exec")
    pending, long = [code], []
    while pending:
        current = pending.pop()
        inner = [const for const in current.co_consts if isinstance(const, CodeType)]
        pending += inner
        functions = [c for c in inner if not c.co_name.startswith("<") and c.co_flags & 0x02]
        long += [f"{c.co_name}: {n}" for c in functions if (n := code_lines(c)) > LONGEST]
    assert not long
