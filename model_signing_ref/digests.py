"""The only reader of model bytes: digests of files and shards, with a fixed number of buffers.

Small files are hashed in the calling thread, where a hand-over would cost more than the hash. Larger ones
are shared among threads; hashlib lets go of the interpreter while it works. Where one is left alone, its next bytes are
read meanwhile, and BLAKE3 hashes it on all processors.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from .errors import MissingExtra
from .manifest import Piece
from .tree import Opener, Problem, Root, opener, unreadable

CHUNK_SIZE = 1 << 18  # bytes: what is read is hashed while it is still in the processor's cache
INLINE_SIZE = 1 << 20  # bytes: a file from here on is worth a thread
AHEAD_SIZE = 1 << 22  # bytes: what is read ahead, twice this in memory; enough for BLAKE3 to divide

# What a file that was not touched keeps.
_version = attrgetter("st_size", "st_mtime_ns", "st_ino", "st_dev")

HashFactory = Callable[..., Any]  # called with the first bytes
Progress = Callable[[int], None]  # told the number of bytes hashed since the last call, from any thread
Reader = Callable[[int, int, int], Generator[memoryview, None, None]]  # see _serial


class Settings(NamedTuple):
    """How to read: threads (None for one a processor), bytes a read (AHEAD_SIZE if ahead), whom to tell of progress."""

    workers: int | None = None
    chunk_size: int = CHUNK_SIZE
    progress: Progress | None = None


DEFAULT_SETTINGS = Settings()


class _Job(NamedTuple):
    """What is the same for every piece."""

    root: Root
    new_hash: HashFactory
    read: Reader
    chunk_size: int
    progress: Progress | None
    sizes: Mapping[str, int]
    versions: dict[str, tuple[int, ...]]  # of each file in shards, as its first shard found it
    cancelled: list[bool]  # one element, set when the run is being given up
    refused: list[OSError]  # raised by the caller's own progress function: no fault of the file


def new_hash(hash_type: str) -> HashFactory:
    """The constructor of a registered algorithm (OMS-7-01). Raises MissingExtra for blake3 without its package."""
    if hash_type == "sha256":
        return hashlib.sha256
    if hash_type == "blake2b":
        return hashlib.blake2b
    try:
        from blake3 import blake3
    except ImportError:
        detail = "blake3 is not installed: pip install 'model_signing_ref[blake3]'"
        raise MissingExtra(detail, clause="OMS-REG-03") from None
    return blake3


def hash_pieces(
    root: Root,
    pieces: Sequence[Piece],
    hash_type: str,
    *,
    sizes: Mapping[str, int] | None = None,
    settings: Settings = DEFAULT_SETTINGS,
) -> list[bytes | Problem]:
    """The digest of each piece, or what kept it from being read; in the order of `pieces`.

    `sizes` are the sizes in bytes that the files must have, where they are known. Raises MissingExtra, OSError
    when the system runs out of something, and what the progress function raises.
    """
    job = _Job(root, new_hash(hash_type), _serial, settings.chunk_size, settings.progress, sizes or {}, {}, [False], [])
    workers = settings.workers or processors()
    results: list[bytes | Problem] = []
    large: list[tuple[int, int]] = []
    with opener(root) as open_file:
        for index, piece in enumerate(pieces):
            outcome = _hash_piece(job, open_file, piece, INLINE_SIZE if workers > 1 else None)
            if isinstance(outcome, int):
                large.append((outcome, index))
                outcome = b""
            results.append(outcome)
    if large:
        _hash_large(job, pieces, large, results, workers, divisible=hash_type == "blake3")
    return results


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _hash_large(
    job: _Job,
    pieces: Sequence[Piece],
    large: list[tuple[int, int]],
    results: list[bytes | Problem],
    workers: int,
    *,
    divisible: bool,
) -> None:
    """Fill in `results` for the pieces of `large` (length and index), the largest first.

    What is more than one worker's share is divided among all, if the hash can be; the rest is hashed in threads.
    """
    share = sum(length for length, _ in large) / workers
    ordered = sorted(large, key=itemgetter(0), reverse=True)  # equal ones as they are: a file's shards from its start
    divided = [index for length, index in ordered if divisible and length > share]
    if divided:
        by_all = job._replace(new_hash=partial(job.new_hash, max_threads=workers), read=_ahead)
        _work(by_all, pieces, iter(divided), results)
    _hash_in_threads(job, pieces, [index for _, index in ordered if index not in divided], results, workers)


def _hash_in_threads(
    job: _Job, pieces: Sequence[Piece], indexes: list[int], results: list[bytes | Problem], workers: int
) -> None:
    """Fill in `results` at `indexes`, each worker taking the next when it is free; one alone is read ahead."""
    turns = iter(indexes)
    if len(indexes) < 2:
        _work(job._replace(read=_ahead), pieces, turns, results)
        return
    from concurrent.futures import ThreadPoolExecutor

    count = min(workers, len(indexes))
    with ThreadPoolExecutor(count) as pool:
        try:
            list(pool.map(lambda _: _work(job, pieces, turns, results), range(count)))
        except BaseException:
            job.cancelled[0] = True
            raise


def _work(job: _Job, pieces: Sequence[Piece], turns: Iterator[int], results: list[bytes | Problem]) -> None:
    try:
        with opener(job.root) as open_file:
            for index in turns:
                if job.cancelled[0]:
                    return
                outcome = _hash_piece(job, open_file, pieces[index], None)
                assert not isinstance(outcome, int)  # there is no limit above which it would be put off
                results[index] = outcome
    except BaseException:
        job.cancelled[0] = True
        raise


def _hash_piece(job: _Job, open_file: Opener, piece: Piece, limit: int | None) -> bytes | Problem | int:
    """The digest of one piece, what kept it from being read, or its length if that is over `limit`."""
    try:
        fd, name, directory = open_file(piece.path)
        try:
            before = os.fstat(fd)
            if not stat.S_ISREG(before.st_mode):
                return Problem(piece.path, "is not a regular file", "REF-FILES-01")
            stop = before.st_size if piece.stop < 0 else piece.stop
            if limit is not None and stop - piece.start > limit:
                return stop - piece.start
            whole = job.sizes.get(piece.path, before.st_size) == before.st_size
            version = _version(before) if piece.stop < 0 else job.versions.setdefault(piece.path, _version(before))
            digest = _hash_range(job, fd, piece.start, stop) if whole else None
            after = os.stat(name, dir_fd=directory, follow_symlinks=job.root.follow)
        finally:
            os.close(fd)
    except OSError as error:
        if error in job.refused:
            raise
        return unreadable(piece.path, error)
    if digest is None or version != _version(after):
        return Problem(piece.path, "changed while it was read", "REF-DIGEST-01")
    return digest


def _hash_range(job: _Job, fd: int, start: int, stop: int) -> bytes | None:
    """The digest of the bytes from `start` to `stop`; None if the file ends before."""
    if start:
        os.lseek(fd, start, os.SEEK_SET)
    left = stop - start
    data = os.read(fd, left) if 0 < left <= job.chunk_size else b""
    running = job.new_hash(data)
    left -= len(data)
    if data and job.progress:
        _tell(job, job.progress, len(data))
    if left:
        with closing(job.read(fd, left, job.chunk_size)) as chunks:
            for chunk in chunks:
                running.update(chunk)
                left -= len(chunk)
                if job.progress:
                    _tell(job, job.progress, len(chunk))
                if job.cancelled[0]:
                    break
    digest: bytes = running.digest()
    return None if left else digest


def _serial(fd: int, left: int, chunk_size: int) -> Generator[memoryview, None, None]:
    """The next `left` bytes of a file, fewer if it ends before: by the chunk, each in the place of the one before."""
    buffer = memoryview(bytearray(min(left, chunk_size)))
    with io.FileIO(fd, closefd=False) as file:
        while count := file.readinto(buffer[:left]):  # nothing more to fill ends it, too
            yield buffer[:count]
            left -= count


def _ahead(fd: int, left: int, _: int) -> Generator[memoryview, None, None]:
    """The same in chunks of AHEAD_SIZE, the next one being read while the caller works on one."""
    from concurrent.futures import ThreadPoolExecutor

    first, second = (memoryview(bytearray(min(left, AHEAD_SIZE))) for _ in range(2))
    with io.FileIO(fd, closefd=False) as file, ThreadPoolExecutor(1) as reader:
        pending = reader.submit(file.readinto, first[:left])
        while count := pending.result():
            left -= count
            pending = reader.submit(file.readinto, second[:left])  # of no bytes, when all are read
            yield first[:count]
            first, second = second, first


def _tell(job: _Job, progress: Progress, count: int) -> None:
    try:
        progress(count)
    except OSError as error:
        job.refused.append(error)
        raise


def file_sizes(root: Root, paths: Iterable[str]) -> dict[str, int | Problem]:
    """The size in bytes of each file, or what kept it from being opened."""
    sizes: dict[str, int | Problem] = {}
    with opener(root) as open_file:
        for path in paths:
            try:
                fd, _, _ = open_file(path)
                try:
                    sizes[path] = os.fstat(fd).st_size
                finally:
                    os.close(fd)
            except OSError as error:
                sizes[path] = unreadable(path, error)
    return sizes


def shards_of(path: str, size: int, shard_size: int) -> Iterator[Piece]:
    """The shards of a file: consecutive, each of `shard_size` bytes (OMS-6.3.2-04) but the last (OMS-6.3.2-05).

    A file of zero bytes has none (OMS-6.3.2-06).
    """
    for start in range(0, size, shard_size):
        yield Piece(path, start, min(start + shard_size, size))
