"""The manifest: what a model consists of, its names, their order, and the root digest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from .errors import NamesRejected, Note, Warn, holds, quote

FILES, SHARDS = "files", "shards"
DEFAULT_SHARD_SIZE = 1_000_000_000  # OMS-6.3.2-09
MAX_SHARD_SIZE = 2**53 - 1  # the largest integer that every JSON reader keeps exact

# OMS registry: identifiers and digest sizes in bytes.
DIGEST_SIZES = {"sha256": 32, "blake2b": 64, "blake3": 32}

_SHARD_NAME = r"(.*):(0|[1-9][0-9]*):(0|[1-9][0-9]*)"
MAX_OFFSET = 2**63 - 1  # bytes: no file is longer

GIT_NAMES = (".git", ".gitattributes", ".github", ".gitignore")  # OMS-6.2-01


class Serialization(NamedTuple):
    """How a model was turned into resources; what a verifier must do again."""

    method: str = FILES
    hash_type: str = "sha256"
    shard_size: int | None = None
    allow_symlinks: bool = False
    ignore_paths: tuple[str, ...] | None = None


class Resource(NamedTuple):
    """A name and the digest of what it names: a file, or with shards a range of one."""

    name: str
    digest: bytes


class Piece(NamedTuple):
    """The bytes `start` to `stop` (exclusive) of the file `path`; `stop` -1 means all of it."""

    path: str
    start: int = 0
    stop: int = -1


class Digest(NamedTuple):
    """A digest with its algorithm, as `model_signing` gives it out."""

    algorithm: str
    digest_value: bytes

    @property
    def digest_hex(self) -> str:
        """Lower-case hex."""
        return self.digest_value.hex()

    @property
    def digest_size(self) -> int:
        """Bytes."""
        return len(self.digest_value)


class ResourceDescriptor(NamedTuple):
    """A resource as `model_signing` gives it out."""

    identifier: str
    digest: Digest


class Manifest(NamedTuple):
    """The content of a statement: a model's name, its serialization, its resources in order."""

    model_name: str
    serialization: Serialization
    resources: Sequence[Resource]
    root_digest: bytes

    def __eq__(self, other: object) -> bool:
        """Same contents: names, digests and algorithm; neither the model's own name nor what was ignored."""
        if not isinstance(other, Manifest):
            return NotImplemented
        return self._contents() == other._contents()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.root_digest)

    def _contents(self) -> tuple[object, ...]:
        kind = self.serialization
        return kind.method, kind.hash_type, kind.shard_size, list(self.resources)

    def resource_descriptors(self) -> Iterator[ResourceDescriptor]:
        """The resources one by one, in order."""
        for name, digest in self.resources:
            yield ResourceDescriptor(name, Digest(self.serialization.hash_type, digest))

    @property
    def serialization_type(self) -> dict[str, Any]:
        """The serialization as it stands in the predicate."""
        return serialization_members(self.serialization)


def serialization_members(serialization: Serialization) -> dict[str, Any]:
    """The members of the predicate's `serialization`; those that are absent are left out."""
    members = serialization._asdict()
    members["ignore_paths"] = None if members["ignore_paths"] is None else list(members["ignore_paths"])
    return {name: value for name, value in members.items() if value is not None}


def root_digest(resources: Sequence[Resource]) -> bytes:
    """SHA-256 over the raw digests in order, whatever their algorithm (OMS-6.5.1-01)."""
    total = hashlib.sha256()
    for resource in resources:
        total.update(resource.digest)
    return total.digest()


def name_fault(name: str) -> tuple[str, str] | None:
    """What is not canonical in a resource name (OMS-6.1.2-01), and the clause that it breaks."""
    padded = f"/{name}/"
    if name.isascii() and not ("/." in padded or "//" in padded or "\\" in padded or "\0" in padded):
        return None
    parts = name.split("/")
    faults = (
        (name == "", "is empty", "REF-NAMES-01"),
        (name.startswith("/"), "is absolute", "OMS-6.1.2-03"),
        (name.endswith("/"), "ends in a slash", "OMS-6.1.2-06"),
        ("" in parts, "has two slashes in a row", "OMS-6.1.2-05"),
        (".." in parts, "leads out of the model", "OMS-6.1.2-03"),
        ("." in parts, "has a part that is a single dot", "OMS-6.1.2-04"),
        ("\\" in name, "has a backslash", "REF-NAMES-02"),
        ("\0" in name, "has a NUL character", "REF-NAMES-02"),
        (any(0xD800 <= ord(character) < 0xE000 for character in name), "is not UTF-8", "OMS-6.1.2-09"),
    )
    return next(((detail, clause) for is_fault, detail, clause in faults if is_fault), None)


def check_names(manifest: Manifest, warn: Warn) -> None:
    """Return if the names of the resources are canonical, different and in order. Raises NamesRejected."""
    names = [resource.name for resource in manifest.resources]
    shard_size = manifest.serialization.shard_size
    shards = pieces_of(manifest) if shard_size else []
    holds(warn, "24", shard_size=shard_size)
    paths = dict.fromkeys(piece.path for piece in shards) if shard_size else names
    for path in paths:
        if (fault := name_fault(path)) and not _is_old_dot(paths, warn):
            raise NamesRejected(f"{quote(path)} {fault[0]}", clause=fault[1], path=path)
    holds(warn, "25", paths=len(paths))
    if not all(map(str.__lt__, names, names[1:])):
        _check_disorder(names, pieces_of(manifest), warn)
    holds(warn, "26", first=names[0], last=names[-1])
    if shards:
        _check_partition(shards)
    holds(warn, "27", shards=len(shards))
    if not all(map(str.isascii, paths)) or len(set(map(str.lower, paths))) < len(paths):
        _warn_of_lookalikes(paths, warn)


def pieces_of(manifest: Manifest, single: str = "") -> list[Piece]:
    """What the resources name: files, or with a shard size ranges of them, `<path>:<start>:<end>`.

    `single` is the file's name if the model is one file: it stands in for `.` in old bundles. Raises
    NamesRejected for a name that is no shard.
    """
    shard_size = manifest.serialization.shard_size
    if shard_size is None:
        pieces = [Piece(resource.name) for resource in manifest.resources]
    else:
        pieces = [_shard(resource.name, shard_size) for resource in manifest.resources]
    if single and pieces[0].path == ".":
        pieces = [piece._replace(path=single) for piece in pieces]
    return pieces


def _shard(name: str, shard_size: int) -> Piece:
    """The piece that a shard's name stands for: its last two fields are numbers (OMS-6.3.2-08)."""
    match = re.fullmatch(_SHARD_NAME, name, re.DOTALL)
    if not match:
        raise NamesRejected(f"{quote(name)} is not <path>:<start>:<end>", clause="OMS-6.3.2-08", path=name)
    piece = Piece(match[1], int(match[2][:20]), int(match[3][:20]))  # of more digits, it is over MAX_OFFSET as well
    if piece.start % shard_size or not piece.start < piece.stop <= min(piece.start + shard_size, MAX_OFFSET):
        raise NamesRejected(f"{quote(name)} is no shard of {shard_size} bytes", clause="OMS-6.3.2-04", path=name)
    return piece


def _check_partition(pieces: Sequence[Piece]) -> None:
    """Return if the shards of each file follow each other from 0 without a gap. Raises NamesRejected."""
    ends: dict[str, int] = {}
    for piece in sorted(pieces):
        if piece.start != ends.get(piece.path, 0):
            detail = f"the shards of {quote(piece.path)} do not meet at byte {ends.get(piece.path, 0)}"
            raise NamesRejected(detail, clause="OMS-6.3.2-04", path=piece.path)
        ends[piece.path] = piece.stop


def _check_disorder(names: Sequence[str], pieces: Sequence[Piece], warn: Warn) -> None:
    """Names that do not ascend strictly by code point: return if a released client wrote them so."""
    from . import compat

    if twice := first_repeated(names):
        raise NamesRejected(f"{quote(twice)} is listed twice", clause="REF-NAMES-03", path=twice)
    if not compat.is_in_path_order(pieces, warn):
        late = next(after for before, after in pairwise(names) if before >= after)
        raise NamesRejected(f"{quote(late)} is out of order", clause="OMS-5.2.1-05", path=late)


def first_repeated(names: Iterable[str]) -> str | None:
    """The first of `names` that was there before."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _is_old_dot(paths: Iterable[str], warn: Warn) -> bool:
    from . import compat

    return compat.is_dot_for_a_file(paths, warn)


def _warn_of_lookalikes(paths: Iterable[str], warn: Warn) -> None:
    """Warn of two names that some file systems hold for one: equal but for case or normalisation."""
    folded: dict[str, str] = {}
    for path in paths:
        other = folded.setdefault(fold(path), path)
        if other != path:
            warn(Note("lookalike-names", f"{quote(other)} and {quote(path)} differ only in case or normalisation"))


def fold(name: str) -> str:
    """What a case-insensitive, normalising file system takes `name` for."""
    if name.isascii():
        return name.lower()
    import unicodedata

    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
