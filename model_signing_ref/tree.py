"""The only walker: which files a model has, by canonical name; and the only opener of files in it.

Directories are opened one by one below the model's root, each relative to the one above and never through a
link (openat with O_NOFOLLOW), so that a parent swapped for a link while the program runs leads nowhere.
Where the system has no openat (Windows), and where links are allowed, paths are used: there, whoever can
write to the model while it is read can redirect the reader.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from .errors import FilesRejected, Note, OperationError, Warn, explain_os_error, quote
from .manifest import name_fault

StrPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]

# An honest model has fewer entries. Links to directories can unfold a small tree without end.
MAX_ENTRIES = 20_000_000

WINDOWS = os.name == "nt"
HAS_OPENAT = os.open in os.supports_dir_fd and os.scandir in os.supports_fd and hasattr(os, "O_NOFOLLOW")

_FILE = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_DIRECTORY", 0)

_JUNCTION = 0xA0000003  # IO_REPARSE_TAG_MOUNT_POINT: a directory's link to another, made without any right

# What Windows opens as something else: a device, a stream of a file, or the file without the last dots and spaces.
_NOT_ITSELF = re.compile(
    r"(?:^|/)(?:[^/]*(?::|[. ](?:/|$))"
    r"|(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3]) *(?:[./]|$))",
    re.IGNORECASE,
)

FILE, DIRECTORY, LINK, SPECIAL = "file", "directory", "link", "special"


class Problem(NamedTuple):
    """Something in the tree that a manifest can't hold, and the clause that says so.

    `excused` says that it lies under an ignored path: then it only matters if the manifest lists it.
    """

    path: str
    detail: str
    clause: str
    excused: bool = False


class Root(NamedTuple):
    """An opened model. `path` is its directory; `fd` is that directory's, or None where paths are used.

    `single` is the base name of a model that is one file, else empty.
    """

    path: str
    fd: int | None
    single: str
    follow: bool


class Tree(NamedTuple):
    """The files of a model, those under ignored paths apart, and what else was found; each sorted."""

    files: list[str]
    skipped: list[str]
    problems: list[Problem]


class _Entry(NamedTuple):
    name: str
    excused: bool
    above: tuple[tuple[int, int], ...]  # device and inode of each directory above, to know a cycle


@contextmanager
def open_root(model: StrPath, *, follow: bool) -> Iterator[Root]:
    """The model at `model`, open for walking and reading; `follow` says whether links are allowed in it.

    Raises OSError where there is nothing, and FilesRejected for a link that may not be followed, a FIFO and the like.
    """
    drive, below = os.path.splitdrive(os.fsdecode(model))
    path = drive + (below.rstrip(os.sep + (os.altsep or "")) or below[:1])  # lstat of `link/` would follow the link
    status = os.stat(path) if follow else os.lstat(path)
    if stat.S_ISLNK(status.st_mode) or (WINDOWS and is_junction(status)):
        detail = f"the model {quote(path)} is a symbolic link, and links are not allowed"
        raise FilesRejected(detail, clause="REF-FILES-05", path=path)
    if not stat.S_ISDIR(status.st_mode) and not stat.S_ISREG(status.st_mode):
        detail = f"the model {quote(path)} is neither a file nor a directory"
        raise FilesRejected(detail, clause="REF-FILES-01", path=path)
    single = "" if stat.S_ISDIR(status.st_mode) else os.path.basename(path)
    directory = (os.path.dirname(path) or os.curdir) if single else path
    if follow or not HAS_OPENAT:
        yield Root(directory, None, single, follow)
        return
    fd = os.open(directory, _DIRECTORY if single else _DIRECTORY | _NOFOLLOW)
    try:
        yield Root(directory, fd, single, follow)
    finally:
        os.close(fd)


def walk(
    root: Root, ignored: Collection[str], excused: Collection[str] = (), *, enter: bool = False, warn: Warn
) -> Tree:
    """All files below `root` (OMS-6.1-01) but what is `ignored`, with all below it, or `excused`, the signature file.

    With `enter`, ignored paths are walked too, and their files listed apart.
    """
    tree = Tree([], [], [])
    pending, seen = [_Entry("", False, ())], 0
    while pending:
        directory = pending.pop()
        above = directory.above
        try:
            if root.follow:
                above += (_identity(os.stat(os.path.join(root.path, directory.name))),)
            entries = _scan(root, directory.name)
        except OSError as error:
            tree.problems.append(unreadable(directory.name or os.curdir, error, directory.excused))
            continue
        for name, kind in entries:
            path = f"{directory.name}/{name}" if directory.name else name
            is_ignored = directory.excused or path in ignored
            if path in excused or (is_ignored and not enter):
                continue
            _file(root, _Entry(path, is_ignored, above), kind, tree, pending, warn=warn)
        if (seen := seen + len(entries)) > MAX_ENTRIES:
            raise OperationError(f"the model has more than {MAX_ENTRIES} files and directories")
    return Tree(sorted(tree.files), sorted(tree.skipped), sorted(tree.problems))


def _file(root: Root, entry: _Entry, kind: str, tree: Tree, pending: list[_Entry], *, warn: Warn) -> None:
    """File one entry under what it is: a file, a directory to walk, or a problem.

    A name that is not canonical is one: none is written (OMS-6.1.2-11), none is compared (OMS-6.1.2-12).
    """
    fault = name_fault(entry.name)
    if kind == LINK and root.follow and not fault:
        kind, fault = _follow(root, entry, warn)
    if fault:
        tree.problems.append(Problem(entry.name, *fault, entry.excused))
    elif kind == FILE:
        (tree.skipped if entry.excused else tree.files).append(entry.name)
    elif kind == DIRECTORY:
        pending.append(entry)
    else:
        tree.problems.append(Problem(entry.name, *_KIND_FAULTS[kind], entry.excused))


LINK_CLAUSE = "OMS-6.1.1-02"  # at signing; a verifier says more exactly why it refuses a link

_KIND_FAULTS = {
    LINK: ("is a symbolic link, and links are not allowed", LINK_CLAUSE),
    SPECIAL: ("is neither a file nor a directory", "REF-FILES-01"),
}


def _follow(root: Root, entry: _Entry, warn: Warn) -> tuple[str, tuple[str, str] | None]:
    """What a link leads to (OMS-6.1.1-04), and what is wrong with that: nothing there, or a cycle (OMS-6.1.1-06).

    Warns of a target outside (OMS-6.1.1-05).
    """
    path = os.path.join(root.path, entry.name)
    try:
        status = os.stat(path)
    except OSError as error:
        return LINK, (f"is a symbolic link that leads nowhere: {error.strerror}", "REF-FILES-04")
    if stat.S_ISDIR(status.st_mode) and _identity(status) in entry.above:
        return LINK, ("is a symbolic link to a directory above it", "REF-FILES-03")
    inside = os.path.realpath(root.path)
    if os.path.commonpath([inside, os.path.realpath(path)]) != inside:
        warn(Note("link-outside", f"{quote(entry.name)} is a link out of the model"))
    return _kind(status.st_mode), None


def with_parents(names: Collection[str]) -> set[str]:
    """The names and every directory above them: where a problem keeps one of them from being read."""
    needed = {os.curdir, *names}
    for name in names:
        needed.update(name[: match.start()] for match in re.finditer("/", name))
    return needed


def only_named(tree: Tree, names: Collection[str]) -> Tree:
    """The files in `names`, and the problems that concern them. Raises OperationError for one that is not there."""
    needed = with_parents(names)
    files = [file for file in tree.files if file in names]
    problems = [problem for problem in tree.problems if problem.path in needed]
    if not problems and (absent := set(names).difference(files)):
        raise OperationError(f"{quote(min(absent))} is not among the files of the model")
    return Tree(files, [], problems)


def _kind(mode: int) -> str:
    if stat.S_ISREG(mode):
        return FILE
    return DIRECTORY if stat.S_ISDIR(mode) else SPECIAL


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _scan(root: Root, directory: str) -> list[tuple[str, str]]:
    """Name and kind of each entry of a directory; of a model that is a file, itself (OMS-6.1.2-07). Raises OSError."""
    if root.single:
        return [(root.single, FILE)]
    where = os.path.join(root.path, directory) if root.fd is None else open_directory(root.fd, directory)
    try:
        with os.scandir(where) as entries:
            return [(entry.name, _entry_kind(entry)) for entry in entries]
    finally:
        if isinstance(where, int):
            os.close(where)


def _entry_kind(entry: os.DirEntry[str]) -> str:
    if entry.is_file(follow_symlinks=False):
        return FILE
    if entry.is_dir(follow_symlinks=False):
        return LINK if WINDOWS and is_junction(entry.stat(follow_symlinks=False)) else DIRECTORY
    return LINK if entry.is_symlink() else SPECIAL


def is_junction(status: os.stat_result) -> bool:
    """Whether lstat found a junction, which Python takes for a directory."""
    return getattr(status, "st_reparse_tag", 0) == _JUNCTION


def open_directory(root: int, name: str) -> int:
    """A descriptor of the directory `name` below `root`, no link followed on the way (OMS-6.1.1-01). Raises OSError."""
    fd = os.open(os.curdir, _DIRECTORY, dir_fd=root)
    for part in name.split("/") if name else ():
        try:
            below = os.open(part, _DIRECTORY | _NOFOLLOW, dir_fd=fd)
        finally:
            os.close(fd)
        fd = below
    return fd


# Opens a file of the model by name. Gives its descriptor, and how to look it up again: name and directory.
Opener = Callable[[str], tuple[int, str, int | None]]


@contextmanager
def opener(root: Root) -> Iterator[Opener]:
    """A function that opens the model's files for reading, for one thread; it keeps the last directory open."""
    if root.fd is None:
        yield lambda name: _open_by_path(root, name)
        return
    held, held_fd = "", open_directory(root.fd, "")

    def open_file(name: str) -> tuple[int, str, int | None]:
        nonlocal held, held_fd
        directory, _, base = name.rpartition("/")
        if directory != held:
            fd = open_directory(root.fd or 0, directory)
            os.close(held_fd)
            held, held_fd = directory, fd
        return os.open(base, _FILE | _NOFOLLOW, dir_fd=held_fd), base, held_fd

    try:
        yield open_file
    finally:
        os.close(held_fd)


def _open_by_path(root: Root, name: str) -> tuple[int, str, None]:
    if WINDOWS and _NOT_ITSELF.search(name):
        raise OSError(errno.EINVAL, "Windows opens something else by this name")
    path = os.path.join(root.path, name)
    return os.open(path, _FILE if root.follow else _FILE | _NOFOLLOW), path, None


def unreadable(path: str, error: OSError, excused: bool = False) -> Problem:
    """The problem that stands for an error of the system; too few resources are an error of ours."""
    if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        raise error
    if error.errno == errno.ELOOP:
        return Problem(path, _KIND_FAULTS[LINK][0], "OMS-6.1.1-07", excused)
    reason = error.strerror or explain_os_error(error)
    return Problem(path, f"can't be read: {reason}", "REF-FILES-02", excused)
