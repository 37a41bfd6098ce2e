"""The documents' marked blocks: run or made again, to be compared with what stands there, or written in.

    <!-- run -->             a block of sh, and after it a block of text with what it prints
    <!-- run: EXTRA -->      the same, where the package EXTRA is needed
    <!-- made: NAME -->      a block of any kind, made by the function of that name in spec_blocks.MAKERS

All commands of a document run one after the other in one folder, in which the worked example lies.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from spec_blocks import MAKERS

from conformance.generate import worked_example

ROOT = Path(__file__).parent.parent
SPEC = ROOT / "spec"
FENCE = r"(?P<fence>`{3,})"
BLOCK = re.compile(
    r"^<!-- (?P<kind>run|made)(?:: (?P<name>[a-z0-9_-]+))? -->\n"
    rf"{FENCE}(?P<language>[a-z]*)\n(?P<content>.*?)^(?P=fence)\n"
    r"(?:\n(?P=fence)text\n(?P<output>.*?)^(?P=fence)\n)?",
    re.DOTALL | re.MULTILINE,
)


class Block(NamedTuple):
    """A marked block: what marks it, its content, and the output that stands below if it is one of commands."""

    kind: str
    name: str
    language: str
    content: str
    output: str

    def __str__(self) -> str:
        """As it stands in a document."""
        mark = f"<!-- {self.kind}: {self.name} -->" if self.name else f"<!-- {self.kind} -->"
        text = f"{mark}\n```{self.language}\n{self.content}```\n"
        return f"{text}\n```text\n{self.output}```\n" if self.output else text


def marked(text: str) -> Iterator[Block]:
    """The marked blocks of a document, in order."""
    for match in BLOCK.finditer(text):
        yield _block(match)


def _block(match: re.Match[str]) -> Block:
    found = match.groupdict(default="")
    return Block(found["kind"], found["name"], found["language"], found["content"], found["output"])


def marked_documents() -> list[Path]:
    """The documents with marked blocks."""
    return [path for path in markdown_files() if re.search(r"^<!-- (run|made)[: ]", path.read_text("utf-8"), re.M)]


def markdown_files() -> list[Path]:
    """Every document of the repository."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name == ".github" or not name.startswith((".", "build", "node_mod"))]
        found += [Path(folder, name) for name in names if name.endswith(".md")]
    return sorted(found)


def remake(block: Block, folder: Path) -> Block | None:
    """The block as it has to be; None where what it needs is not installed."""
    if block.kind == "made":
        return block._replace(content=MAKERS[block.name]())
    if block.name and find_spec(block.name) is None:
        return None
    return block._replace(output=run(block.content, folder))


def run(commands: str, folder: Path) -> str:
    """What `commands` print, on stdout and stderr, in `folder`; they have `model_signing_ref` on their path."""
    environment = {
        "PATH": os.pathsep.join([str(folder.parent / "bin"), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder.parent),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
    words = ["bash", "-euo", "pipefail", "-c", commands]
    done = subprocess.run(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False
    )
    output = done.stdout.decode("utf-8")
    assert done.returncode == 0, f"{commands}\nexit status {done.returncode}: {output}"
    return output


def prepare(folder: Path) -> Path:
    """A folder in `folder` in which the worked example lies, and beside it the command."""
    place, programs = folder / "example", folder / "bin"
    place.mkdir()
    programs.mkdir()
    command = programs / "model_signing_ref"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m model_signing_ref "$@"\n')
    command.chmod(0o755)
    worked_example.write(place)
    return place


def rewritten(text: str, folder: Path) -> str:
    """A document with all its marked blocks made again."""

    def again(match: re.Match[str]) -> str:
        block = remake(_block(match), folder)
        return match[0] if block is None else str(block)

    return BLOCK.sub(again, text)
