"""Hash a model: from a path to a manifest. The public names are those of `model_signing.hashing`.

import model_signing_ref
manifest = model_signing_ref.hashing.hash("my-model")
print(manifest.root_digest.hex())
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from . import digests, paths, tree
from .digests import DEFAULT_SETTINGS, Settings
from .errors import FilesRejected, Note, OperationError, Warn, holds, quote
from .manifest import (
    DEFAULT_SHARD_SIZE,
    DIGEST_SIZES,
    FILES,
    MAX_SHARD_SIZE,
    SHARDS,
    Manifest,
    Piece,
    Resource,
    Serialization,
    root_digest,
)
from .statement import ignored_path_fault
from .tree import Problem, Root, StrPath


class Plan(NamedTuple):
    """What to hash and how, apart from the model: everything that a Config collects.

    `method` and `hash_type` are None where the caller did not choose.
    """

    method: str | None = None
    hash_type: str | None = None
    shard_size: int | None = None
    allow_symlinks: bool = False
    ignored: tuple[StrPath, ...] = ()
    ignored_base: StrPath | None = None
    ignore_git_paths: bool = True
    settings: Settings = DEFAULT_SETTINGS

    def serialization(self, ignore_paths: Iterable[str]) -> Serialization:
        """The serialization that signing records, `ignore_paths` sorted (OMS-6.2-05, OMS-6.3.2-02, OMS-6.3.2-03)."""
        shard_size = (self.shard_size or DEFAULT_SHARD_SIZE) if self.method == SHARDS else None
        recorded = tuple(sorted(ignore_paths))
        return Serialization(
            self.method or FILES, self.hash_type or "sha256", shard_size, self.allow_symlinks, recorded
        )


def ignore_note(note: Note) -> None:
    """The default for a caller who wants no notes."""


def hash_model(
    model: StrPath,
    plan: Plan = Plan(),  # noqa: B008 - a NamedTuple is a value
    *,
    signature: StrPath | None = None,
    only: Collection[str] | None = None,
    warn: Warn = ignore_note,
) -> Manifest:
    """The manifest of the model at `model`, the file `signature` left out and recorded as ignored.

    With `only`, nothing but the named files is hashed. Raises OSError, OperationError for anything in the
    tree that a manifest can't hold, for no file at all (OMS-6.1-02), and MissingExtra.
    """
    name = paths.model_name(model)
    excused = paths.signature_names(model, signature) if signature is not None else frozenset[str]()
    ignored = paths.ignored_names(model, plan.ignored, plan.ignored_base, git=plan.ignore_git_paths)
    serialization = plan.serialization(ignored | excused)
    check_recordable(serialization.ignore_paths or ())
    holds(warn, "S2", recorded=serialization.ignore_paths)
    digests.new_hash(serialization.hash_type)
    with _open_root(model, plan.allow_symlinks) as root:
        found = tree.walk(root, ignored, excused, warn=warn)
        if only is not None:
            found = tree.only_named(found, only)
        refuse_problems(found.problems)
        resources = hash_files(root, found.files, serialization, plan.settings, warn)
    manifest = Manifest(name, serialization, resources, root_digest(resources))
    holds(warn, "S6", sha256=manifest.root_digest)
    return manifest


@contextmanager
def _open_root(model: StrPath, follow: bool) -> Iterator[Root]:
    """The model's root; that it can't be signed is no verdict here."""
    try:
        with tree.open_root(model, follow=follow) as root:
            yield root
    except FilesRejected as error:
        raise OperationError(f"{error.detail} ({error.clause})") from None


def check_recordable(ignore_paths: Iterable[str]) -> None:
    """Raise OperationError for an ignored path that the predicate can't hold."""
    for path in ignore_paths:
        if fault := ignored_path_fault(path):
            raise OperationError(f"the ignored path {quote(path)} {fault[0]} ({fault[1]})")


def refuse_problems(problems: list[Problem]) -> None:
    """Raise OperationError for the first of `problems` (such as OMS-6.1.2-10), with the number of the others."""
    if problems:
        first = problems[0]
        others = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise OperationError(f"{quote(first.path)} {first.detail} ({first.clause}){others}")


def hash_files(
    root: Root, files: list[str], serialization: Serialization, settings: Settings, warn: Warn
) -> list[Resource]:
    """The resources of `files`, at least one, sorted by name (OMS-5.2.1-05). Raises OperationError."""
    sizes, pieces = divide(root, files, serialization.shard_size, warn)
    if not pieces:
        raise OperationError(f"the model {quote(root.path)} has no file to sign (OMS-6.1-03)")
    holds(warn, "S3", files=files)
    outcomes = digests.hash_pieces(root, pieces, serialization.hash_type, sizes=sizes, settings=settings)
    refuse_problems([outcome for outcome in outcomes if isinstance(outcome, Problem)])
    holds(warn, "S4", algorithm=serialization.hash_type, shard_size=serialization.shard_size, hashed=len(pieces))
    name_of = shard_name if serialization.shard_size else file_name
    resources = sorted(
        Resource(name_of(piece), digest) for piece, digest in zip(pieces, outcomes) if isinstance(digest, bytes)
    )
    holds(warn, "S5", resources=resources)
    return resources


def divide(root: Root, files: list[str], shard_size: int | None, warn: Warn) -> tuple[dict[str, int], list[Piece]]:
    """The pieces that `files`, and nothing else (OMS-5.2.1-06), are hashed in: whole, or in shards (OMS-6.3.2-01).

    In shard mode also the sizes that they were divided by.
    """
    if shard_size is None:
        return {}, [Piece(file) for file in files]
    found = digests.file_sizes(root, files)
    refuse_problems([size for size in found.values() if isinstance(size, Problem)])
    sizes = {file: size for file, size in found.items() if isinstance(size, int)}
    if empty := [file for file, size in sizes.items() if size == 0]:
        warn(
            Note(
                "zero-byte-files",
                f"files of zero bytes are not covered: {len(empty)}, first {quote(empty[0])}",
            )
        )
    return sizes, [piece for file in files for piece in digests.shards_of(file, sizes[file], shard_size)]


def file_name(piece: Piece) -> str:
    """The resource name of a whole file."""
    return piece.path


def shard_name(piece: Piece) -> str:
    """The resource name of a shard (OMS-6.3.2-08)."""
    return f"{piece.path}:{piece.start}:{piece.stop}"


def hash(model_path: StrPath) -> Manifest:
    """The manifest of a model with the default configuration: files, SHA-256, the git names ignored."""
    return hash_model(model_path)


_ALIASES = {"blake2": "blake2b"}


class Config:
    """How to hash, collected by chained setters; it holds no state of any model."""

    def __init__(self) -> None:
        """Files, SHA-256, no links, the git names ignored."""
        self._plan = Plan()

    @property
    def plan(self) -> Plan:
        """What was collected, as a value."""
        return self._plan

    def use_file_serialization(
        self,
        *,
        hashing_algorithm: str = "sha256",
        chunk_size: int = digests.CHUNK_SIZE,
        max_workers: int | None = None,
        allow_symlinks: bool = False,
        ignore_paths: Iterable[StrPath] = (),
    ) -> Config:
        """One resource a file. `chunk_size` is in bytes (0: the default). Raises ValueError."""
        self._use(hashing_algorithm, chunk_size, max_workers, allow_symlinks=allow_symlinks, ignore_paths=ignore_paths)
        self._plan = self._plan._replace(method=FILES, shard_size=None)
        return self

    def use_shard_serialization(
        self,
        *,
        hashing_algorithm: str = "sha256",
        chunk_size: int = digests.CHUNK_SIZE,
        shard_size: int = DEFAULT_SHARD_SIZE,
        max_workers: int | None = None,
        allow_symlinks: bool = False,
        ignore_paths: Iterable[StrPath] = (),
    ) -> Config:
        """One resource for every `shard_size` bytes of a file. Raises ValueError."""
        if not 1 <= shard_size <= MAX_SHARD_SIZE:
            raise ValueError(f"shard_size {shard_size} is not in 1..{MAX_SHARD_SIZE}")
        self._use(hashing_algorithm, chunk_size, max_workers, allow_symlinks=allow_symlinks, ignore_paths=ignore_paths)
        self._plan = self._plan._replace(method=SHARDS, shard_size=shard_size)
        return self

    def _use(
        self,
        hashing_algorithm: str,
        chunk_size: int,
        max_workers: int | None,
        *,
        allow_symlinks: bool,
        ignore_paths: Iterable[StrPath],
    ) -> None:
        hash_type = _ALIASES.get(hashing_algorithm, hashing_algorithm)
        if hash_type not in DIGEST_SIZES:
            raise ValueError(f"hashing_algorithm {hashing_algorithm!r} is not one of {', '.join(DIGEST_SIZES)}")
        if chunk_size < 0 or (max_workers is not None and max_workers < 1):
            raise ValueError("chunk_size must be at least 0 and max_workers at least 1")
        self._plan = self._plan._replace(
            hash_type=hash_type,
            allow_symlinks=allow_symlinks or self._plan.allow_symlinks,
            ignored=self._plan.ignored + tuple(ignore_paths),
            settings=self._plan.settings._replace(chunk_size=chunk_size or digests.CHUNK_SIZE, workers=max_workers),
        )

    def set_ignored_paths(self, *, paths: Iterable[StrPath], ignore_git_paths: bool = True) -> Config:
        """Ignore `paths`, relative to the model or absolute inside it, and by default the four git names."""
        self._plan = self._plan._replace(ignored=tuple(paths), ignore_git_paths=ignore_git_paths)
        return self

    def add_ignored_paths(self, *, model_path: StrPath, paths: Iterable[StrPath]) -> None:
        """Ignore `paths` too, relative to `model_path` or absolute inside it. Raises OperationError outside."""
        names = tuple(sorted(_ignored_names(model_path, paths)))
        self._plan = self._plan._replace(ignored=self._plan.ignored + names)

    def set_allow_symlinks(self, allow_symlinks: bool) -> Config:
        """Whether links may be followed."""
        self._plan = self._plan._replace(allow_symlinks=allow_symlinks)
        return self

    def set_progress(self, progress: Callable[[int], None] | None) -> Config:
        """Whom to tell the number of bytes hashed since the last call; called from any thread."""
        self._plan = self._plan._replace(settings=self._plan.settings._replace(progress=progress))
        return self

    def hash(self, model_path: StrPath, *, files_to_hash: Iterable[StrPath] | None = None) -> Manifest:
        """The manifest of the model at `model_path`, or of `files_to_hash` in it alone. See hash_model.

        As for the model itself, a relative path is one from the working directory.
        """
        only = None if files_to_hash is None else _names_of_files(model_path, files_to_hash)
        return hash_model(model_path, self._plan, only=only)


def _ignored_names(model: StrPath, given: Iterable[StrPath]) -> frozenset[str]:
    return paths.ignored_names(model, given)


def _names_of_files(model: StrPath, given: Iterable[StrPath]) -> frozenset[str]:
    return paths.names_inside(model, given, os.curdir, "the file")
