"""Pages of spec/ whose blocks are run: what they hold, and how the outputs are put in."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).parent.parent
# <!-- kind -->, and the fenced block after it.
BLOCK = re.compile(r"<!-- ([a-z]+) -->\n```[a-z]*\n(.*?)```\n", re.DOTALL)


MARK = "-- end of block --"


class Block(NamedTuple):
    """A fenced block and the kind that the comment before it says; `output` is that of the block before."""

    kind: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page that have a kind, in order."""
    for match in BLOCK.finditer(page.read_text("utf-8")):
        yield Block(match[1], match[2])


def fill_in(page: Path, outputs: Sequence[str]) -> str:
    """The text of the page with `outputs`, those of its blocks of commands, in their places.

    One that is not empty must have a place.
    """
    pending: list[str] = []
    left = iter(outputs)

    def replace(match: re.Match[str]) -> str:
        if match[1] != "output":
            assert "".join(pending).strip() == "", f"an output that is not shown: {pending}"
            pending[:] = [next(left)]
            return match[0]
        shown = pending.pop()
        return f"<!-- output -->\n```text\n{shown}```\n"

    text = BLOCK.sub(replace, page.read_text("utf-8"))
    assert "".join(pending).strip() == "", f"an output that is not shown: {pending}"
    assert next(left, None) is None
    return text


def programs(folder: Path) -> None:
    """This package's command, and the Python that runs it, as programs in a new folder."""
    folder.mkdir(parents=True)
    python = shlex.quote(sys.executable)
    for name, words in (("model_signing_ref", f"{python} -m model_signing_ref"), ("python3", python)):
        (folder / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        (folder / name).chmod(0o755)


def run_blocks(page: Sequence[Block], folder: Path, paths: Mapping[str, str]) -> list[str]:
    """What each block prints, all run by one bash in `folder`; `paths` is the PATH of each kind that is run."""
    script = "".join(
        f"PATH={shlex.quote(paths[block.kind])}\n{block.text}\nprintf '%s\\n' {shlex.quote(MARK)}\n"
        for block in page
        if block.kind in paths
    )
    command = [shutil.which("bash") or "bash", "-c", script]
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PYTHONPATH": str(REPOSITORY), "LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    text = done.stdout.decode()
    assert done.returncode == 0, text
    return text.split(f"{MARK}\n")[:-1]
