"""Verify a model. The public names are those of `model_signing.verifying`.

    import model_signing_ref
    config = model_signing_ref.verifying.Config().use_elliptic_key_verifier(public_key="key.pub")
    config.verify("my-model", "model.sig")

For embedding there are pure functions too: `verify_bundle` needs no disk, `verify_model` does the rest.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from . import digests, paths, tree
from .bundle import MAX_BYTES, Verifier, read_bundle
from .errors import (
    BundleRejected,
    DigestRejected,
    FilesRejected,
    Findings,
    Note,
    OperationError,
    PredicateRejected,
    RootDigestRejected,
    SignatureRejected,
    Warn,
    quote,
)
from .hashing import Config as HashingConfig
from .hashing import Plan, ignore_note
from .keys import load_public_key
from .manifest import Manifest, Piece, check_names, pieces_of, root_digest
from .statement import read_statement
from .tree import Problem, Root, StrPath, Tree
from .verifiers.key import key_verifier

__all__ = ["Config", "Report", "Verifier", "verify_bundle", "verify_model"]


class Report(NamedTuple):
    """What was verified: the manifest, and the names of the files that it does not cover."""

    manifest: Manifest
    not_covered: Sequence[str]  # below an ignored path
    unsigned: Sequence[str]  # excused by ignore_unsigned_files


def verify_bundle(
    data: bytes,
    verifier: Verifier,
    plan: Plan = Plan(),  # noqa: B008 - a NamedTuple is a value
    warn: Warn = ignore_note,
) -> Manifest:
    """The manifest that the bundle in `data` signs; nothing of it is read before the signature holds.

    Raises a Rejection at any stage from `bundle` to `root-digest`; PredicateRejected also where `plan` insists
    on something else than was signed.
    """
    bundle = read_bundle(data)
    verifier(bundle, warn)
    if bundle.envelope.keyid is None:
        from . import compat

        compat.note_null_keyid(warn)
    manifest = read_statement(bundle.envelope.payload, warn)
    signed = manifest.serialization
    for name in ("method", "hash_type", "shard_size"):
        if (wanted := getattr(plan, name)) not in (None, getattr(signed, name)):
            detail = f"the signed {name} is {getattr(signed, name)}, not {wanted} as asked for"
            raise PredicateRejected(detail, clause="REF-PREDICATE-03")
    check_names(manifest, warn)
    if root_digest(manifest.resources) != manifest.root_digest:
        raise RootDigestRejected("the subject's digest is not that of the resources", clause="OMS-6.5.1-01")
    return manifest


def verify_v02_bundle(data: bytes, verifier: Verifier, warn: Warn = ignore_note) -> Manifest:
    """The same for a bundle of version 0.2.0; `verifier` must be one made with `v02`."""
    bundle = read_bundle(data)
    verifier(bundle, warn)
    from . import compat

    manifest = compat.read_v02_statement(bundle.envelope.payload, warn)
    check_names(manifest, warn)
    return manifest


def verify_model(
    model: StrPath,
    manifest: Manifest,
    plan: Plan = Plan(),  # noqa: B008 - a NamedTuple is a value
    *,
    signature: StrPath | None = None,
    ignore_unsigned_files: bool = False,
    warn: Warn = ignore_note,
) -> Report:
    """Compare the model at `model` with `manifest`: names first (in shard mode sizes too), then contents.

    `signature` is the file that is no part of the model. Raises FilesRejected, DigestRejected, MissingExtra,
    and OSError or OperationError without a verdict.
    """
    signed = manifest.serialization
    ignored = plan.ignored_names(model) | frozenset(signed.ignore_paths or ())
    excused = paths.signature_names(model, signature) if signature is not None else frozenset[str]()
    with tree.open_root(model, follow=signed.allow_symlinks and plan.allow_symlinks) as root:
        pieces = pieces_of(manifest, root.single)
        found = tree.walk(root, ignored, excused, enter=True, warn=warn)
        report = compare_names(root, manifest, pieces, found, ignore_unsigned_files=ignore_unsigned_files, warn=warn)
        compare_digests(root, manifest, pieces, plan.settings)
    return report


def compare_names(  # noqa: PLR0917 - the six things that are compared
    root: Root,
    manifest: Manifest,
    pieces: Sequence[Piece],
    found: Tree,
    ignore_unsigned_files: bool,
    warn: Warn,
) -> Report:
    """What of the tree the manifest leaves open, if all it lists is there and nothing else.

    Raises FilesRejected, and in shard mode DigestRejected for a file of another size.
    """
    listed = {piece.path for piece in pieces}
    refused = {problem.path: problem for problem in found.problems if _matters(problem, listed, ignore_unsigned_files)}
    missing = sorted(listed.difference(found.files, found.skipped, refused))
    unsigned = sorted(set(found.files) - listed)
    not_covered = sorted(set(found.skipped) - listed)
    if manifest.serialization.shard_size is not None:
        unsigned = _without_empty(root, unsigned, warn)
    extra = () if ignore_unsigned_files else unsigned
    findings = Findings(refused=sorted(refused), missing=missing, extra=extra)
    if refused:
        first = refused[min(refused)]
        raise _files_rejected(first.path, first.detail, first.clause, findings)
    if missing:
        raise _files_rejected(missing[0], "is signed and missing", "OMS-8.4-01", findings)
    if extra:
        raise _files_rejected(extra[0], "is not signed", "OMS-8.5-01", findings)
    if manifest.serialization.shard_size is not None:
        _compare_sizes(root, pieces)
    return Report(manifest, not_covered, unsigned if ignore_unsigned_files else ())


def _matters(problem: Problem, listed: Collection[str], ignore_unsigned_files: bool) -> bool:
    """Whether a problem is a reason to refuse: always, unless it is excused and nothing listed depends on it."""
    if not problem.excused and not ignore_unsigned_files:
        return True
    below = problem.path + "/"
    return problem.path in listed or any(name.startswith(below) for name in listed)


def _files_rejected(path: str, detail: str, clause: str, findings: Findings) -> FilesRejected:
    count = len(findings.refused) + len(findings.missing) + len(findings.extra)
    others = f"; {count - 1} more files differ" if count > 1 else ""
    return FilesRejected(f"{quote(path)} {detail}{others}", clause=clause, path=path, findings=findings)


def _without_empty(root: Root, names: list[str], warn: Warn) -> list[str]:
    """`names` without the files of zero bytes, which shards don't cover (OMS-6.3.2-06)."""
    empty = {name for name, size in digests.file_sizes(root, names).items() if size == 0}
    if empty:
        detail = f"{len(empty)} files of zero bytes are not covered, first {quote(min(empty))}"
        warn(Note("zero-byte-files", detail))
    return [name for name in names if name not in empty]


def _compare_sizes(root: Root, pieces: Sequence[Piece]) -> None:
    """Return if every file ends where its last shard does. Raises FilesRejected or DigestRejected."""
    ends: dict[str, int] = {}
    for piece in pieces:
        ends[piece.path] = max(piece.stop, ends.get(piece.path, 0))
    sizes = digests.file_sizes(root, ends)
    if unread := [size for size in sizes.values() if isinstance(size, Problem)]:
        raise _unreadable(unread)
    if changed := [path for path, end in ends.items() if sizes[path] != end]:
        detail = f"has {sizes[changed[0]]} bytes, not {ends[changed[0]]}"
        raise _digest_rejected(changed, detail, "OMS-8.4-01")


def compare_digests(root: Root, manifest: Manifest, pieces: Sequence[Piece], settings: digests.Settings) -> None:
    """Return if every piece has the digest that was signed. Raises FilesRejected, DigestRejected, MissingExtra."""
    actual = digests.hash_pieces(root, pieces, manifest.serialization.hash_type, settings=settings)
    problems = [outcome for outcome in actual if isinstance(outcome, Problem)]
    if unread := [problem for problem in problems if problem.clause != "REF-DIGEST-01"]:
        raise _unreadable(unread)
    outcomes = zip(pieces, manifest.resources, actual)
    changed = [piece.path for piece, resource, digest in outcomes if digest != resource.digest]
    if problems:
        raise _digest_rejected(changed, problems[0].detail, problems[0].clause)
    if changed:
        raise _digest_rejected(changed, "is not what was signed", "OMS-8.4-01")


def _unreadable(problems: Sequence[Problem]) -> FilesRejected:
    findings = Findings(refused=sorted({problem.path for problem in problems}))
    return _files_rejected(problems[0].path, problems[0].detail, problems[0].clause, findings)


def _digest_rejected(changed: Sequence[str], detail: str, clause: str) -> DigestRejected:
    names = list(dict.fromkeys(changed))
    others = f"; {len(names) - 1} more files differ" if len(names) > 1 else ""
    findings = Findings(changed=names)
    return DigestRejected(f"{quote(names[0])} {detail}{others}", clause=clause, path=names[0], findings=findings)


def read_bundle_file(path: StrPath, max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of a bundle, refused by size before they are read. Raises OSError, OperationError, BundleRejected."""
    if not stat.S_ISREG(os.stat(path).st_mode):  # a FIFO would block
        raise OperationError(f"the signature {quote(os.fsdecode(path))} is not a file")
    with open(path, "rb") as file:
        too_large = os.fstat(file.fileno()).st_size > max_bytes
        data = b"" if too_large else file.read(max_bytes + 1)
    if too_large or len(data) > max_bytes:
        raise BundleRejected(f"the bundle has more than {max_bytes} bytes", clause="REF-BUNDLE-01")
    return data


class Config:
    """How to verify, collected by chained setters; it holds no state of any model."""

    def __init__(self) -> None:
        """No verifier yet, the default hashing, extra files refused."""
        self._verifier: Callable[[bool], Verifier] | None = None  # told whether to verify as v0.2.0 signed
        self._allow_v02 = False
        self._plan = Plan()
        self._ignore_unsigned_files = False
        self._max_bundle_bytes = MAX_BYTES
        self._warn: Warn = ignore_note

    def verify(self, model_path: StrPath, signature_path: StrPath) -> Report:
        """Verify the model at `model_path` with the bundle at `signature_path`.

        Returns what is not covered. Raises a Rejection, or OSError or OperationError without a verdict.
        """
        if self._verifier is None:
            raise ValueError("no verifier was chosen; call one of the use_..._verifier methods")
        data = read_bundle_file(signature_path, self._max_bundle_bytes)
        try:
            manifest = verify_bundle(data, self._verifier(False), self._plan, self._warn)
        except SignatureRejected:
            if not self._allow_v02:
                raise
            manifest = verify_v02_bundle(data, self._verifier(True), self._warn)
        return verify_model(
            model_path,
            manifest,
            self._plan,
            signature=signature_path,
            ignore_unsigned_files=self._ignore_unsigned_files,
            warn=self._warn,
        )

    def set_hashing_config(self, hashing_config: HashingConfig) -> Config:
        """Excuse, read and insist as `hashing_config` says; method and algorithm are those signed."""
        return self.set_plan(hashing_config.plan)

    def set_plan(self, plan: Plan) -> Config:
        """The same, from a value."""
        self._plan = plan
        return self

    def set_ignore_unsigned_files(self, ignore_unsigned_files: bool) -> Config:
        """Whether files that are not signed are excused (OMS-8.5-03)."""
        self._ignore_unsigned_files = ignore_unsigned_files
        return self

    def set_max_bundle_bytes(self, max_bundle_bytes: int) -> Config:
        """Refuse a larger bundle before it is read."""
        self._max_bundle_bytes = max_bundle_bytes
        return self

    def set_warn(self, warn: Warn) -> Config:
        """Whom to tell what changes no verdict and should be known."""
        self._warn = warn
        return self

    def set_verifier(self, verifier: Verifier) -> Config:
        """Verify signatures with a verifier of your own."""
        self._verifier = lambda _: verifier
        return self

    def set_allow_v02(self, allow_v02: bool) -> Config:
        """Whether bundles of version 0.2.0 are read, whose encoding is not that of DSSE (decision 33)."""
        self._allow_v02 = allow_v02
        return self

    def use_elliptic_key_verifier(self, *, public_key: StrPath) -> Config:
        """Verify with the public key in a PEM file. Raises OSError and OperationError."""
        key = load_public_key(public_key)
        self._verifier = lambda v02: key_verifier(key, v02=v02)
        return self

    def use_sigstore_verifier(
        self,
        *,
        identity: str,
        oidc_issuer: str,
        use_staging: bool = False,
        trust_config: StrPath | None = None,
        offline: bool = False,
    ) -> Config:
        """Verify a Sigstore signature; see sigstore_verifier. Raises MissingExtra, OSError and OperationError."""
        from .verifiers.sigstore import sigstore_verifier

        return self.set_verifier(
            sigstore_verifier(
                identity=identity,
                oidc_issuer=oidc_issuer,
                use_staging=use_staging,
                trust_config=trust_config,
                offline=offline,
            )
        )
