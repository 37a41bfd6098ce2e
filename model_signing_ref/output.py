"""Write a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import threading

from .errors import OperationError, quote
from .tree import StrPath

_SUFFIX = "oms-tmp"


def _target(path: StrPath) -> str:
    """The file that is meant: where links lead to, but for /dev/stdout on a pipe, which leads nowhere."""
    given = os.fsdecode(path)
    target = os.path.realpath(given)
    return target if os.path.exists(target) or not os.path.exists(given) else given


def _temporary(target: str) -> str:
    """The name under which this thread writes what will be `target`."""
    folder, name = os.path.split(target)
    return os.path.join(folder, f".{name}.{os.getpid()}-{threading.get_ident()}.{_SUFFIX}")


def write_whole(path: StrPath, data: bytes) -> None:
    """Replace the file at `path` by `data`: a temporary file beside the real target, fsync, rename.

    A link is written through to its target. On any failure the old file is as it was. Raises OSError, or
    OperationError that names a temporary file which could not be removed.
    """
    target = _target(path)
    temporary = _temporary(target)
    as_it_is = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | as_it_is, 0o666)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException as error:
        if isinstance(error, OSError) and error.filename is None:
            error.filename = target  # what a full disk says names no file
        _give_up(temporary, error)
        raise
    _sync_directory(os.path.dirname(target))


def _give_up(temporary: str, cause: BaseException) -> None:
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
    except OSError as error:
        reason = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
        raise OperationError(f"{reason}; the temporary file {quote(temporary)} is left over") from error


def _sync_directory(directory: str) -> None:
    """Make the new name last; a system that can't open or sync a directory (Windows) does without."""
    with contextlib.suppress(OSError):
        fd = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def check_writable(path: StrPath) -> None:
    """Raise OSError or OperationError now if a file could not be written at `path` later; touch nothing."""
    target = _target(path)
    folder = os.path.dirname(target)
    if os.path.isdir(target):
        raise OperationError(f"the signature {quote(target)} is a directory")
    if os.path.exists(target) and not os.path.isfile(target):
        raise OperationError(f"the signature {quote(target)} is a device or the like, and would be replaced")
    if not os.path.isdir(folder):
        raise OperationError(f"the folder {quote(folder)} does not exist")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OperationError(f"the folder {quote(folder)} can't be written to")
    with contextlib.suppress(FileNotFoundError):
        os.lstat(_temporary(target))  # says if that name is too long; the signature's own may just fit


def remove_leftovers(path: StrPath) -> None:
    """Remove what write_whole of a process that is gone left beside the target, before a model is walked."""
    folder, name = os.path.split(_target(path))
    pattern = re.compile(rf"\.{re.escape(name)}\.([0-9]+)(?:-([0-9]+))?\.{_SUFFIX}")
    with contextlib.suppress(PermissionError):  # a folder that may be written to and not listed
        for entry in os.listdir(folder):
            if (match := pattern.fullmatch(entry)) and not _is_running(int(match[1]), int(match[2] or 0)):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(folder, entry))


def _is_running(pid: int, thread: int) -> bool:
    """Whether the writer of a temporary file may still be at work; this thread is not."""
    if pid == os.getpid():
        return any(other.ident == thread for other in threading.enumerate()) and thread != threading.get_ident()
    if os.name == "nt":
        return False  # a file in use can't be removed there, and signal 0 would end the process
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True
