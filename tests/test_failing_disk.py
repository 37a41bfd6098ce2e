"""Every call that a disk can fail, made to fail by failing_disk.c in a process of its own: one line, the right status.

A file of the model that can't be read is a verdict; that the system ran out of something is none. Nothing is
half-written.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import one_line

from model_signing_ref import signing

ROOT = Path(__file__).parents[1]
COMPILER = shutil.which("cc") or shutil.which("gcc")

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD: run on Linux"),
    pytest.mark.skipif(COMPILER is None, reason="no C compiler: apt-get install gcc libc6-dev"),
]

SMALL, LARGE = "d/small", "d/large"
SHARDS = ("--shard-size", "1000000")


class Setting(NamedTuple):
    """A signed model, its keys, and the library that fails."""

    folder: Path
    library: Path

    @property
    def model(self) -> Path:
        return self.folder / "model"

    @property
    def signature(self) -> Path:
        return self.folder / "model.sig"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("library") / "failing_disk.so"
    assert COMPILER
    source = str(Path(__file__).with_name("failing_disk.c"))
    subprocess.run([COMPILER, "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(path), source, "-ldl"], check=True)
    return path


@pytest.fixture
def setting(tmp_path: Path, key_files: tuple[Path, Path], library: Path) -> Setting:
    """Two of the files are large enough for threads."""
    for name, size in ((SMALL, 10), (LARGE, 3_000_000), ("other", 2_500_000)):
        path = tmp_path / "model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
    signing.Config().use_elliptic_key_signer(private_key=key_files[0]).sign(tmp_path / "model", tmp_path / "model.sig")
    return Setting(tmp_path, library)


def run(setting: Setting, words: tuple[str, ...], call: str, code: int, path: str) -> tuple[int, str]:
    """Status and the line on stderr of a command during which `call` fails for files whose path ends in `path`."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LD_PRELOAD": str(setting.library),
        **{"FAIL_CALL": call, "FAIL_ERRNO": str(code), "FAIL_PATH": path},
    }
    command = [sys.executable, "-m", "model_signing_ref", *words]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment, cwd=setting.folder, timeout=100
    )
    assert done.stdout == "" or done.returncode == 0
    return done.returncode, one_line(done.stderr) if done.returncode else done.stderr


SIGN = ("sign", "key", "--private-key", "key.pem", "--signature", "model.sig", "model")
VERIFY = ("verify", "key", "--public-key", "key.pub", "--signature", "model.sig", "model")


def check_unwritten(setting: Setting, words: tuple[str, ...], call: str, code: int, path: str) -> str:
    """The line in which signing fails with status 2; the old signature is there, and nothing else."""
    (setting.model / "more").write_bytes(b"so that a new signature is another one")
    before, listed = setting.signature.read_bytes(), sorted(os.listdir(setting.folder))
    status, line = run(setting, words, call, code, path)
    assert (status, line.startswith("Signing failed: ")) == (2, True), line
    assert setting.signature.read_bytes() == before
    assert sorted(os.listdir(setting.folder)) == listed
    return line


def test_the_library_is_silent_elsewhere(setting: Setting) -> None:
    assert run(setting, SIGN, "read", errno.EIO, "/no such file")[0] == 0
    assert run(setting, VERIFY, "read", errno.EIO, "/no such file")[0] == 0
    assert run(setting, VERIFY, "none", errno.EIO, SMALL)[0] == 0


UNREADABLE = [
    *((call, path, path) for call in ("read", "fstat", "close") for path in (SMALL, LARGE)),
    *(("open", "small", SMALL), ("open", "large", LARGE), ("readdir", "model/d", "d"), ("readdir", "model", ".")),
]


@pytest.mark.parametrize(("call", "path", "culprit"), UNREADABLE)
def test_a_model_that_can_not_be_read(setting: Setting, call: str, path: str, culprit: str) -> None:
    reason = f"'{culprit}' can't be read: Input/output error"
    status, line = run(setting, VERIFY, call, errno.EIO, f"/{path}" if call != "open" else path)
    assert (status, reason in line, "REF-FILES-02" in line) == (1, True, True), line
    assert reason in check_unwritten(setting, SIGN, call, errno.EIO, f"/{path}" if call != "open" else path)


@pytest.mark.parametrize(("call", "path"), [("read", f"/{LARGE}"), ("fstat", f"/{LARGE}"), ("open", "large")])
def test_shards_that_can_not_be_read(setting: Setting, call: str, path: str) -> None:
    words = (*SIGN[:2], *SHARDS, *SIGN[2:])
    assert run(setting, words, "none", errno.EIO, path)[0] == 0
    status, line = run(setting, VERIFY, call, errno.EIO, path)
    assert (status, f"'{LARGE}' can't be read: Input/output error" in line) == (1, True), line
    assert f"'{LARGE}' can't be read" in check_unwritten(setting, words, call, errno.EIO, path)


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
@pytest.mark.parametrize(("call", "path"), [("open", "small"), ("open", "large"), ("readdir", "/model/d")])
def test_too_little_of_something_is_no_verdict(setting: Setting, call: str, path: str, code: int) -> None:
    status, line = run(setting, VERIFY, call, code, path)
    assert (status, line.startswith(f"error: {os.strerror(code)}")) == (2, True), line
    assert os.strerror(code) in check_unwritten(setting, SIGN, call, code, path)


@pytest.mark.parametrize("path", ["key.pub", "model.sig"])
@pytest.mark.parametrize("call", ["read", "open"])
def test_an_input_that_can_not_be_read_is_no_verdict(setting: Setting, call: str, path: str) -> None:
    status, line = run(setting, VERIFY, call, errno.EIO, path)
    assert (status, "Input/output error" in line) == (2, True), line
    if path == "key.pub":
        assert "Input/output error" in check_unwritten(setting, SIGN, call, errno.EIO, "key.pem")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize(
    ("call", "path"),
    [*((call, ".oms-tmp") for call in ("open", "write", "fsync", "close")), ("rename", "/model.sig")],
)
def test_a_signature_that_can_not_be_written(setting: Setting, call: str, path: str, code: int) -> None:
    line = check_unwritten(setting, SIGN, call, code, path)
    assert os.strerror(code) in line
    assert "model.sig" in line
    assert run(setting, SIGN, "none", code, path)[0] == 0


def test_a_folder_that_can_not_be_synced_does_not_matter(setting: Setting) -> None:
    (setting.model / "more").touch()
    assert run(setting, SIGN, "fsync", errno.EIO, setting.folder.name)[0] == 0
    assert run(setting, VERIFY, "none", errno.EIO, "")[0] == 0
