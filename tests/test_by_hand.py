"""spec/by-hand.md: its blocks run as they stand, with no other tools, and what they make is what this package makes.

Run as a program with --write, this puts the outputs into the page.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import forge
import pytest
from pages import REPOSITORY, Block, blocks, fill_in, programs, run_blocks

from model_signing_ref.bundle import read_bundle
from model_signing_ref.keys import fingerprint, load_public_key, require_curve

PAGE = REPOSITORY / "spec" / "by-hand.md"
# Beside builtins of bash such as printf. Only the example's folder needs mkdir.
BY_HAND = ("openssl", "sha256sum", "base64", "mkdir", "bash")


def run(page: list[Block], folder: Path) -> list[str]:
    """The output of each block of commands, all run by one shell in `folder`/work."""
    hand, tool = folder / "hand", folder / "tool"
    hand.mkdir()
    for name in BY_HAND:
        path = shutil.which(name)
        if path is None:
            pytest.skip(f"{name} is not installed: apt-get install openssl coreutils bash")
        (hand / name).symlink_to(path)
    programs(tool)
    (folder / "work").mkdir()
    return run_blocks(page, folder / "work", {"hand": str(hand), "tool": f"{tool}:{hand}"})


def test_the_page_is_what_happens(tmp_path: Path) -> None:
    page = list(blocks(PAGE))
    outputs = run(page, tmp_path)
    assert fill_in(PAGE, outputs) == PAGE.read_text("utf-8"), "python tests/test_by_hand.py --write"
    work = tmp_path / "work"
    by_hand = json.loads((work / "model.sig").read_bytes())
    by_tool = json.loads((work / "tool.sig").read_bytes())
    by_tool["dsseEnvelope"]["signatures"] = by_hand["dsseEnvelope"]["signatures"]
    canonical = json.dumps(by_tool, separators=(",", ":"), sort_keys=True).encode()
    assert (work / "model.sig").read_bytes() == canonical
    envelope = read_bundle((work / "tool.sig").read_bytes()).envelope
    assert (work / "payload.json").read_bytes() == envelope.payload
    assert (work / "pae.bin").read_bytes() == forge.pae(envelope.payload)
    assert (work / "signature.der").read_bytes() == envelope.signature
    key = require_curve(load_public_key(work / "key.pub"))
    assert by_hand["verificationMaterial"]["publicKey"]["hint"] == fingerprint(key)


def test_a_block_that_fails_is_seen(tmp_path: Path) -> None:
    page = [Block("hand", "set -e"), Block("hand", "python3 -c ''")]
    with pytest.raises(AssertionError, match="python3: command not found"):
        run(page, tmp_path)


if __name__ == "__main__":
    assert sys.argv[1:] == ["--write"]
    with tempfile.TemporaryDirectory() as name:
        PAGE.write_text(fill_in(PAGE, run(list(blocks(PAGE)), Path(name))), "utf-8")
