"""Written whole or not at all: every step of a write fails once, and the old file is as it was."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from forge import SIGNER, Plan, open_folder, sign, unprivileged, verify, write_tree

from model_signing_ref import output, signing
from model_signing_ref.errors import OperationError


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(".oms-tmp"))


def test_writes_and_replaces(tmp_path: Path) -> None:
    target = tmp_path / "s"
    for data in (b"one", b"", b"three" * 100_000):
        output.write_whole(target, data)
        assert target.read_bytes() == data
    output.write_whole(os.fsencode(tmp_path / "\u00e9"), b"bytes")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s", "\u00e9"]


def test_the_new_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "s"
    target.write_bytes(b"old")
    seen: list[tuple[bytes, int | None]] = []
    real = os.fsync

    def look(fd: int) -> None:
        status = os.fstat(fd)
        seen.append((target.read_bytes(), None if stat.S_ISDIR(status.st_mode) else status.st_size))
        real(fd)

    monkeypatch.setattr(os, "fsync", look)
    output.write_whole(target, b"newer")
    assert seen == [(b"old", len(b"newer")), (b"newer", None)]


def test_who_may_read_it_is_for_the_umask_to_say(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        output.write_whole(tmp_path / "s", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o666


FAILURES = (OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), MemoryError())


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize("old", [None, b"old"])
@pytest.mark.parametrize("step", ["os.open", "os.fdopen", "os.fsync", "os.replace"])
def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, step: str, old: bytes | None, failure: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "s"
    if old is not None:
        target.write_bytes(old)

    def fail(*_: object) -> None:
        raise failure

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step, fail)
        with pytest.raises(type(failure)):
            output.write_whole(target, b"new")
    assert (target.read_bytes() if target.exists() else None) == old
    assert leftovers(tmp_path) == []


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first bytes are written, the others not."""
    import resource

    target = tmp_path / "s"
    target.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
        with pytest.raises(OSError, match="File too large"):
            output.write_whole(target, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert (target.read_bytes(), leftovers(tmp_path)) == (b"old", [])


@pytest.mark.parametrize(("of", "named"), [(None, "s"), ("other", "other")])
def test_what_fails_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: str | None, named: str) -> None:
    """A full disk names no file: then it is the signature. What names one keeps it."""

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error", *([str(tmp_path / of)] if of else []))

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="Input/output error") as caught:
        output.write_whole(tmp_path / "s", b"new")
    assert caught.value.filename == str(tmp_path / named)


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (MemoryError("too much"), "too much"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_a_leftover_that_stays_is_named(tmp_path: Path, cause: BaseException, reason: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise cause

    def keep(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        patch.setattr(os, "unlink", keep)
        with pytest.raises(OperationError) as caught:
            output.write_whole(tmp_path / "s", b"new")
    (name,) = leftovers(tmp_path)
    assert caught.value.detail == f"{reason}; the temporary file '{tmp_path / name}' is left over"
    output.remove_leftovers(tmp_path / "s")
    assert leftovers(tmp_path) == []


def test_a_process_that_was_killed_leaves_what_the_next_removes(tmp_path: Path) -> None:
    model, signature = write_tree(tmp_path / "m", {"a": b"1"}), tmp_path / "m" / "model.sig"
    sign(model, signature)
    before = signature.read_bytes()
    code = (
        "import os, sys\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from model_signing_ref import output\n"
        "os.fsync = lambda _: os.kill(os.getpid(), 9)\n"
        "output.write_whole(sys.argv[1], b'new')\n"
    )
    package = str(Path(output.__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", code, str(signature), package], check=False)
    assert done.returncode == -signal.SIGKILL
    assert signature.read_bytes() == before
    assert len(leftovers(model)) == 1
    verdict = verify(model, signature)
    assert verdict == "files OMS-8.5-01"
    sign(model, signature)
    assert (leftovers(model), signature.read_bytes()) == ([], before)
    assert verify(model, signature) == "accepted"


def dead_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_which_leftovers_are_removed(tmp_path: Path) -> None:
    removed = {f".s.{dead_process()}.oms-tmp", f".s.{os.getpid()}.oms-tmp", f".s.{10**30}.oms-tmp"}
    kept = {
        *(f".s.{os.getppid()}.oms-tmp", ".s.1.oms-tmp", ".s..oms-tmp", ".s.x.oms-tmp", ".s.1.oms-tmp.txt"),
        *(f".t.{dead_process()}.oms-tmp", f"s.{dead_process()}.oms-tmp", f"x.s.{dead_process()}.oms-tmp"),
    }
    for name in removed | kept:
        (tmp_path / name).touch()
    folder = f".s.{dead_process()}9.oms-tmp"
    (tmp_path / folder).mkdir()
    output.remove_leftovers(tmp_path / "s")
    assert {path.name for path in tmp_path.iterdir()} == kept | {folder}


def test_leftovers_of_another_users_process_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int, number: int) -> None:
        assert number == 0, "it would get a signal"
        raise PermissionError

    (tmp_path / ".s.77.oms-tmp").touch()
    monkeypatch.setattr(os, "kill", refuse)
    output.remove_leftovers(tmp_path / "s")
    assert leftovers(tmp_path) == [".s.77.oms-tmp"]


def test_which_writers_are_still_at_work() -> None:
    """A process before and one after this one, the main thread as another sees it, and no thread of a large number."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert output._is_running(child.pid, 0)
        assert child.stdin
        child.stdin.write(b"\n")
    assert output._is_running(os.getppid(), 0)
    assert not output._is_running(os.getpid(), 2**63)
    main, seen = threading.get_ident(), list[bool]()
    other = threading.Thread(target=lambda: seen.append(output._is_running(os.getpid(), main)))
    other.start()
    other.join()
    assert seen == [True]


def test_no_process_is_asked_for_where_that_would_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("signal 0 ends a process there"))
    monkeypatch.setattr(output.os, "name", "nt")  # type: ignore[attr-defined]
    assert output._is_running(os.getppid(), 0) is False


def test_a_name_of_odd_characters(tmp_path: Path) -> None:
    target = tmp_path / "a+(b)[c].s\n"
    leftover = tmp_path / f".{target.name}.{dead_process()}.oms-tmp"
    leftover.touch()
    output.remove_leftovers(target)
    assert not leftover.exists()


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    link = tmp_path / "link"
    link.symlink_to("far/s")
    for data in (b"one", b"two"):
        output.check_writable(link)
        output.write_whole(link, data)
        assert link.is_symlink()
        assert (tmp_path / "far" / "s").read_bytes() == data
    (tmp_path / "far" / f".s.{dead_process()}.oms-tmp").touch()
    output.remove_leftovers(link)
    assert sorted(path.name for path in (tmp_path / "far").iterdir()) == ["s"]


def test_a_directory_that_can_not_be_synced_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def only_files(fd: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{fd}"):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(fd)

    monkeypatch.setattr(os, "fsync", only_files)
    output.write_whole(tmp_path / "s", b"new")
    assert (tmp_path / "s").read_bytes() == b"new"


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


UNFIT: dict[str, tuple[str, Callable[[Path], Any], str]] = {
    "a directory": ("s", Path.mkdir, r"the signature '.*/s' is a directory"),
    "no folder": ("no/s", lambda _: None, r"the folder '.*/no' does not exist"),
    "a file for a folder": ("f/s", lambda path: path.parent.touch(), r"the folder '.*/f' does not exist"),
    "a FIFO": ("s", make_fifo, r"the signature '.*/s' is a device or the like"),
    "a device": ("s", lambda path: path.symlink_to("/dev/null"), r"the signature '/dev/null' is a device or the like"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_where_no_signature_can_go_is_said_before_the_model_is_read(tmp_path: Path, case: str) -> None:
    name, make, message = UNFIT[case]
    make(tmp_path / name)
    with pytest.raises(OperationError, match=message):
        signing.sign_model(tmp_path / "no model", tmp_path / name, SIGNER)
    assert leftovers(tmp_path) == []


def test_a_folder_that_can_not_be_written_to() -> None:
    with open_folder() as folder:
        write_tree(folder / "m", {"a": b"1"})
        sign(folder / "m", folder / "s")
        with unprivileged(), pytest.raises(OperationError, match=r"the folder '.*' can't be written to"):
            sign(folder / "m", folder / "s", Plan())


def test_no_leftover_is_claimed_where_none_was_made(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="File name too long"):
        output.write_whole(tmp_path / ("x" * 250), b"new")


def test_a_name_too_long_is_said_before_the_model_is_read(tmp_path: Path) -> None:
    """The signature's own name would fit, that of the temporary file does not."""
    longest = next(
        length for length in range(255, 0, -1) if len(os.path.basename(output._temporary("x" * length))) <= 255
    )
    write_tree(tmp_path / "m", {"a": b"1"})
    sign(tmp_path / "m", tmp_path / ("x" * longest))
    (tmp_path / ("y" * (longest + 1))).write_bytes(b"old")
    for name in ("x" * (longest + 1), "y" * (longest + 1), "x" * 256, "\u00e9" * (longest // 2 + 1)):
        with pytest.raises(OSError, match="File name too long"):
            signing.sign_model(tmp_path / "no model", tmp_path / name, SIGNER)
    assert (tmp_path / ("y" * (longest + 1))).read_bytes() == b"old"
    with pytest.raises(FileNotFoundError):
        signing.sign_model(tmp_path / "no model", tmp_path / ("x" * longest), SIGNER)


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / f".s.{os.getpid()}-{threading.get_ident()}.oms-tmp"
    other.write_bytes(b"of somebody else")
    with pytest.raises(FileExistsError):
        output.write_whole(tmp_path / "s", b"new")
    assert other.read_bytes() == b"of somebody else"
