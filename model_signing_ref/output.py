"""Write a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from .errors import OperationError, quote
from .tree import StrPath

_SUFFIX = "oms-tmp"


def write_whole(path: StrPath, data: bytes) -> None:
    """Replace the file at `path` by `data`: a temporary file beside the real target, fsync, rename.

    A link is written through to its target. On any failure the old file is as it was. Raises OSError, or
    OperationError that names a temporary file which could not be removed.
    """
    target = Path(os.path.realpath(os.fsdecode(path)))
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{_SUFFIX}")
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o666)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException as error:
        _give_up(temporary, error)
        raise
    _sync_directory(target.parent)


def _give_up(temporary: Path, cause: BaseException) -> None:
    try:
        temporary.unlink(missing_ok=True)
    except OSError as error:
        reason = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
        raise OperationError(f"{reason}; the temporary file {quote(str(temporary))} is left over") from error


def _sync_directory(directory: Path) -> None:
    """Make the new name last; a system that can't open or sync a directory (Windows) does without."""
    with contextlib.suppress(OSError):
        fd = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def check_writable(path: StrPath) -> None:
    """Raise OSError or OperationError now if a file could not be written at `path` later; touch nothing."""
    target = Path(os.path.realpath(os.fsdecode(path)))
    if target.is_dir():
        raise OperationError(f"the signature {quote(str(target))} is a directory")
    if target.exists() and not target.is_file():
        raise OperationError(f"the signature {quote(str(target))} is a device or the like, and would be replaced")
    if not target.parent.is_dir():
        raise OperationError(f"the folder {quote(str(target.parent))} does not exist")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise OperationError(f"the folder {quote(str(target.parent))} can't be written to")


def remove_leftovers(path: StrPath) -> None:
    """Remove what write_whole of a process that is gone left beside the target, before a model is walked."""
    target = Path(os.path.realpath(os.fsdecode(path)))
    pattern = re.compile(rf"\.{re.escape(target.name)}\.([0-9]+)\.{_SUFFIX}")
    for entry in target.parent.iterdir():
        if (match := pattern.fullmatch(entry.name)) and not _is_running(int(match[1])):
            with contextlib.suppress(OSError):
                entry.unlink()


def _is_running(pid: int) -> bool:
    if os.name == "nt":
        return False  # a file in use can't be removed there, and signal 0 would end the process
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return pid != os.getpid()
