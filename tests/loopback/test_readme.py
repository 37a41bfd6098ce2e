"""The three commands of the README that sign and verify without an account, run as they stand there."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("asn1crypto")
pytest.importorskip("sigstore")

from .clients import PATIENCE, REPOSITORY

README = REPOSITORY / "README.md"
PORT = "8989"


def test_three_commands(model: Path, tmp_path: Path) -> None:
    """Only the port is another, a free one; and the script waits where a person would be typing."""
    block = re.search(r"<!-- loopback commands -->\n```sh\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert block is not None
    serve, sign, verify = block.group(1).splitlines()
    model.rename(tmp_path / "my-model")
    paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {**os.environ, "PATH": os.pathsep.join(paths), "PYTHONPATH": str(REPOSITORY)}
    command = ["bash", "-c", f"exec {serve.replace(PORT, '0').rstrip(' &')}"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split()[2].rstrip(";")
            port = address.rpartition(":")[2]
            end = time.monotonic() + PATIENCE
            while not (tmp_path / "loopback.json").exists() and time.monotonic() < end:
                time.sleep(0.05)
            for line in (sign, verify):
                done = subprocess.run(
                    ["bash", "-c", line.replace(PORT, port)],
                    cwd=tmp_path,
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=PATIENCE,
                    check=False,
                )
                assert done.returncode == 0, done.stderr
        finally:
            server.send_signal(signal.SIGINT)
    assert "Verification succeeded" in done.stdout
