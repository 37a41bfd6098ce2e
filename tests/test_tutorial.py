"""spec/tutorial.md: its blocks run as they stand, and print what the page shows.

Run as a program with --write, this puts the outputs into the page.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from pages import REPOSITORY, blocks, fill_in, programs, run_blocks

PAGE = REPOSITORY / "spec" / "tutorial.md"


def run(folder: Path) -> list[str]:
    """What each block prints."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: apt-get install openssl")
    programs(folder / "bin")
    (folder / "work").mkdir()
    return run_blocks(list(blocks(PAGE)), folder / "work", {"tool": f"{folder / 'bin'}:{os.environ['PATH']}"})


def test_the_page_is_what_happens(tmp_path: Path) -> None:
    outputs = run(tmp_path)
    assert fill_in(PAGE, outputs) == PAGE.read_text("utf-8"), "python tests/test_tutorial.py --write"
    shown = re.findall(r"^Verification failed: ([a-z-]+): ", "".join(outputs), re.MULTILINE)
    table = PAGE.read_text("utf-8").partition("## What was seen")[2]
    assert set(shown) == set(re.findall(r"\| `([a-z-]+)` \|", table))
    assert "Traceback" not in "".join(outputs)


if __name__ == "__main__":
    assert sys.argv[1:] == ["--write"]
    with tempfile.TemporaryDirectory() as name:
        PAGE.write_text(fill_in(PAGE, run(Path(name))), "utf-8")
