"""The models that benchmarks are run on, and what the machine takes for them at least."""

from __future__ import annotations

import hashlib
import mmap
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


BARE_LOOP = "open, read, hash and close each file"  # the limit that needs no more than reading


class Workload(NamedTuple):
    """A model of `files` files of `size` bytes each, in `directories` directories, and how it is signed."""

    name: str
    files: int
    size: int
    directories: int = 1
    hash_algorithm: str = "sha256"
    shard_size: int | None = None


WORKLOADS = (
    Workload("start-up", 1, 1),
    Workload("1 x 1 GiB", 1, GIB),
    Workload("4 x 256 MiB", 4, 256 * MIB),
    Workload("20,000 x 4 KiB", 20_000, 4 * KIB, 20),
    Workload("200,000 x 1 KiB in 2,000 directories", 200_000, KIB, 2000),
    Workload("100,000 x 1 KiB in one directory", 100_000, KIB),
    Workload("2 GiB in shards of 16 MiB", 1, 2 * GIB, shard_size=16 * MIB),
    Workload("1 x 1 GiB, blake2b", 1, GIB, hash_algorithm="blake2b"),
    Workload("1 x 1 GiB, blake3", 1, GIB, hash_algorithm="blake3"),
)
CURVES = (
    *(Workload(f"curve: {10**n:,} x 100 B", 10**n, 100, max(1, 10**n // 1000)) for n in range(3, 7)),
    *(Workload(f"curve: 1 x {4**n} MiB", 1, 4**n * MIB) for n in range(6)),
)


def scaled(workload: Workload, scale: float) -> Workload:
    """The same with large files smaller, or with fewer of the small ones."""
    if workload.size >= MIB:
        return workload._replace(size=max(1, int(workload.size * scale)))
    files = max(1, int(workload.files * scale)) if workload.files > 1 else 1
    return workload._replace(files=files, directories=min(files, workload.directories))


def make_model(folder: Path, workload: Workload) -> Path:
    """Make the files, of bytes that do not compress, and have them on disk, so that nothing writes later."""
    for index in range(workload.directories):
        (folder / f"d{index:05}").mkdir(parents=True)
    pool = os.urandom(MIB)
    for index in range(workload.files):
        with open(folder / f"d{index % workload.directories:05}" / f"f{index:07}.bin", "wb") as file:
            file.write(os.urandom(min(workload.size, 64)))
            left = workload.size - min(workload.size, 64)
            while left > 0:
                left -= file.write(pool[: min(left, MIB)])
    if hasattr(os, "sync"):
        os.sync()
    return folder


def files_of(model: Path) -> list[str]:
    """The paths of all files, in order."""
    return sorted(os.path.join(where, name) for where, _, names in os.walk(model) for name in names)


def forget(files: list[str]) -> bool:
    """Have the system drop what it keeps of the files in memory; whether it can."""
    if not hasattr(os, "posix_fadvise"):
        return False
    for path in files:
        fd = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(fd)
    return True


def limits(files: list[str], workload: Workload) -> dict[str, Callable[[], object]]:
    """What the work is made of, without any signature; each by its name."""
    new_hash = hash_constructor(workload.hash_algorithm)
    if new_hash is None:
        return {}
    total, processors, block = workload.files * workload.size, len(affinity()), block_size(workload)
    parts = list(parts_of(files, workload)) if workload.size >= MIB else []
    each, together = "shard" if workload.shard_size else "file", f"in {processors} threads"
    made: dict[str, Callable[[], object]] = {"hash of a warm buffer": lambda: hash_buffer(new_hash, total, block)}
    if processors > 1 and len(parts) > 1:
        made |= {
            f"hash of warm buffers {together}": lambda: hash_buffer_in_threads(new_hash, total, block, processors),
            f"open, read, hash and close each {each} {together}": lambda: hash_parts_in_threads(
                new_hash, parts, processors, block
            ),
        }
    made[BARE_LOOP] = lambda: hash_files(new_hash, files, block)
    if parts:
        made["map and hash each file"] = lambda: hash_mapped_files(new_hash, files)
    if workload.hash_algorithm == "sha256":
        made["openssl dgst -sha256"] = lambda: openssl_digests(files)
    return made


NewHash = Callable[[], Any]  # a constructor of hashlib or of blake3


def hash_constructor(name: str) -> NewHash | None:
    """The constructor of an algorithm; None where its package is missing."""
    if name != "blake3":
        return hashlib.sha256 if name == "sha256" else hashlib.blake2b
    try:
        from blake3 import blake3
    except ImportError:
        return None
    return lambda: blake3(max_threads=blake3.AUTO)


def block_size(workload: Workload) -> int:
    """Bytes a turn: what stays in a processor's cache, or what BLAKE3 can divide among all."""
    return 4 * MIB if workload.hash_algorithm == "blake3" else 256 * KIB


def affinity() -> list[int]:
    """The processors that may be used."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def hash_buffer(new_hash: NewHash, total: int, block_size: int) -> bytes:
    """The digest of `total` bytes that are in the cache."""
    running, block = new_hash(), bytes(min(total, block_size))
    for _ in range(total // max(1, len(block))):
        running.update(block)
    digest: bytes = running.digest()
    return digest


def hash_buffer_in_threads(new_hash: NewHash, total: int, block_size: int, threads: int) -> list[bytes]:
    """The digests of `total` bytes that are in the cache, an equal part in each thread."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda part: hash_buffer(new_hash, part, block_size), [total // threads] * threads))


def hash_file(new_hash: NewHash, path: str, buffer: memoryview) -> bytes:
    """The digest of a file, in the plainest fast way."""
    running = new_hash()
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(buffer):
            running.update(buffer[:count])
    digest: bytes = running.digest()
    return digest


def hash_files(new_hash: NewHash, files: list[str], block_size: int) -> list[bytes]:
    """The digest of each file."""
    buffer = memoryview(bytearray(block_size))
    return [hash_file(new_hash, path, buffer) for path in files]


class Part(NamedTuple):
    """What is hashed at once: `length` bytes of a file from `start` on."""

    path: str
    start: int
    length: int


def parts_of(files: list[str], workload: Workload) -> Iterator[Part]:
    """The shards of each file, or the files themselves."""
    length = workload.shard_size or workload.size
    for path in files:
        for start in range(0, workload.size, length):
            yield Part(path, start, min(length, workload.size - start))


def hash_part(new_hash: NewHash, part: Part, buffer: memoryview) -> bytes:
    """The digest of a part of a file, in the plainest fast way."""
    running, left = new_hash(), part.length
    with open(part.path, "rb", buffering=0) as file:
        file.seek(part.start)
        while count := file.readinto(buffer[:left]):
            running.update(buffer[:count])
            left -= count
    digest: bytes = running.digest()
    return digest


def hash_parts_in_threads(new_hash: NewHash, parts: list[Part], threads: int, block_size: int) -> list[bytes]:
    """The digest of each part, in threads, with a buffer for each part."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda part: hash_part(new_hash, part, memoryview(bytearray(block_size))), parts))


def hash_mapped_files(new_hash: NewHash, files: list[str]) -> list[bytes]:
    """The digest of each file without a copy; a file that shrinks meanwhile would end the process."""
    return [hash_mapped(new_hash, path) for path in files]


def hash_mapped(new_hash: NewHash, path: str) -> bytes:
    """The digest of a file that is mapped into memory."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        running = new_hash()
        running.update(mapped)
    digest: bytes = running.digest()
    return digest


def openssl_digests(files: list[str]) -> None:
    """The digest of each file by OpenSSL's command line, a thousand files at a time."""
    rest = iter(files)
    while some := list(islice(rest, 1000)):
        subprocess.run(["openssl", "dgst", "-sha256", *some], check=True, stdout=subprocess.DEVNULL)
