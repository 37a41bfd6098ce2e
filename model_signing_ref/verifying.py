"""Verify a model. The public names are those of `model_signing.verifying`.

    import model_signing_ref
    config = model_signing_ref.verifying.Config().use_elliptic_key_verifier(public_key="key.pub")
    config.verify("my-model", "model.sig")

For embedding there are pure functions too: `verify_bundle` needs no disk, `verify_model` does the rest.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

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
    holds,
    quote,
    with_notes_to,
)
from .hashing import Config as HashingConfig
from .hashing import Plan, ignore_note
from .keys import load_public_key
from .manifest import Manifest, Piece, Serialization, check_names, pieces_of, root_digest
from .statement import read_statement
from .tree import LINK_CLAUSE, Problem, Root, StrPath, Tree
from .verifiers.key import key_verifier

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Config", "Report", "Verifier", "verify_bundle", "verify_model"]


class Report(NamedTuple):
    """What was verified: the manifest, and the names of all that it does not cover: files, links and the like."""

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
    bundle = read_bundle(data, warn)
    del data  # as large as all that is made of it
    verifier(bundle, warn)
    if bundle.envelope.keyid is None:
        from . import compat

        compat.note_null_keyid(warn)
    manifest = read_statement(bundle.envelope.payload, warn)
    insist(plan, manifest.serialization)
    holds(warn, "23", method=plan.method, hash_type=plan.hash_type, shard_size=plan.shard_size)
    check_names(manifest, warn)
    if root_digest(manifest.resources) != manifest.root_digest:
        raise RootDigestRejected("the subject's digest is not that of the resources", clause="OMS-6.5.1-01")
    holds(warn, "28", sha256=manifest.root_digest)
    return manifest


def insist(plan: Plan, signed: Serialization) -> None:
    """Return if what the caller chose explicitly is what was signed. Raises PredicateRejected."""
    for name in ("method", "hash_type", "shard_size"):
        if (wanted := getattr(plan, name)) not in (None, getattr(signed, name)):
            detail = f"the signed {name} is {getattr(signed, name)}, not {wanted} as asked for"
            raise PredicateRejected(detail, clause="REF-PREDICATE-03")


def verify_v02_bundle(data: bytes, verifier: Verifier, plan: Plan, warn: Warn = ignore_note) -> Manifest:
    """The same for a bundle of version 0.2.0; `verifier` must be one made with `v02`."""
    bundle = read_bundle(data, warn)
    verifier(bundle, warn)
    from . import compat

    manifest = compat.read_v02_statement(bundle.envelope.payload, warn)
    holds(warn, compat.V02_STEP, predicate_type=compat.V02_PREDICATE_TYPE)
    insist(plan, manifest.serialization)
    holds(warn, "23", method=plan.method, hash_type=plan.hash_type, shard_size=plan.shard_size)
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
    chosen = paths.ignored_names(model, plan.ignored, plan.ignored_base, git=plan.ignore_git_paths)
    ignored = chosen | frozenset(signed.ignore_paths or ())
    excused = paths.signature_names(model, signature) if signature is not None else frozenset[str]()
    with tree.open_root(model, follow=signed.allow_symlinks and plan.allow_symlinks) as root:
        holds(warn, "29", path=os.fsdecode(model), links_followed=root.follow)
        pieces = pieces_of(manifest, root.single)
        found = tree.walk(root, ignored, excused, enter=True, warn=warn)
        report = compare_names(root, manifest, pieces, found, ignore_unsigned_files=ignore_unsigned_files, warn=warn)
        compare_digests(root, manifest, pieces, plan.settings)
        holds(warn, "34", algorithm=signed.hash_type, resources=manifest.resources)
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
    needed = tree.with_parents(listed) if found.problems else listed
    refused = {
        each.path: each for each in found.problems if each.path in needed or not (each.excused or ignore_unsigned_files)
    }
    passed = [problem for problem in found.problems if problem.path not in refused]
    missing = sorted(listed.difference(found.files, found.skipped, refused))
    unsigned = [file for file in found.files if file not in listed]
    not_covered = sorted({*found.skipped, *(problem.path for problem in passed if problem.excused)} - listed)
    if manifest.serialization.shard_size is not None:
        unsigned = _without_empty(root, unsigned, warn)
    extra = () if ignore_unsigned_files else unsigned
    for step, kind, faults in (("30", "refused", refused), ("31", "missing", missing), ("32", "extra", extra)):
        if faults:
            raise _names_rejected(manifest, refused, missing, extra)
        holds(warn, step, listed=len(listed), found=len(found.files), **{kind: 0})
    if manifest.serialization.shard_size is not None:
        _compare_sizes(root, pieces)
    holds(warn, "33", shards=len(pieces) if manifest.serialization.shard_size else 0)
    unsigned += [problem.path for problem in passed if not problem.excused]
    return Report(manifest, not_covered, sorted(unsigned) if ignore_unsigned_files else ())


def _names_rejected(
    manifest: Manifest, refused: Mapping[str, Problem], missing: Sequence[str], extra: Sequence[str]
) -> FilesRejected:
    findings = Findings(refused=sorted(refused), missing=missing, extra=extra)
    if refused:
        first = refused[min(refused)]
        return _files_rejected(first.path, first.detail, _clause(first, manifest), findings)
    if missing:
        return _files_rejected(missing[0], "is signed and missing", "OMS-8.4-01", findings)
    return _files_rejected(extra[0], "is not signed", "OMS-8.5-01", findings)


def _files_rejected(path: str, detail: str, clause: str, findings: Findings) -> FilesRejected:
    count = len(findings.refused) + len(findings.missing) + len(findings.extra)
    others = f"; files that differ besides: {count - 1}" if count > 1 else ""
    return FilesRejected(f"{quote(path)} {detail}{others}", clause=clause, path=path, findings=findings)


def _without_empty(root: Root, names: list[str], warn: Warn) -> list[str]:
    """`names` without the files of zero bytes, which shards don't cover (OMS-6.3.2-06)."""
    empty = {name for name, size in digests.file_sizes(root, names).items() if size == 0}
    if empty:
        detail = f"files of zero bytes are not covered: {len(empty)}, first {quote(min(empty))}"
        warn(Note("zero-byte-files", detail))
    return [name for name in names if name not in empty]


def _compare_sizes(root: Root, pieces: Sequence[Piece]) -> None:
    """Return if every file ends where its last shard does. Raises FilesRejected or DigestRejected."""
    ends = _ends(pieces)
    sizes = digests.file_sizes(root, ends)
    if unread := [size for size in sizes.values() if isinstance(size, Problem)]:
        raise _unreadable(unread)
    faults = {path: f"has {sizes[path]} bytes, not {end}" for path, end in ends.items() if sizes[path] != end}
    if faults:
        raise _digest_rejected({path: (detail, "OMS-8.4-01") for path, detail in faults.items()})


def _ends(pieces: Sequence[Piece]) -> dict[str, int]:
    """Where the last shard of each file ends."""
    ends: dict[str, int] = {}
    for piece in pieces:
        ends[piece.path] = max(piece.stop, ends.get(piece.path, 0))
    return ends


def compare_digests(root: Root, manifest: Manifest, pieces: Sequence[Piece], settings: digests.Settings) -> None:
    """Return if every piece has the digest that was signed. Raises FilesRejected, DigestRejected, MissingExtra."""
    kind = manifest.serialization
    sizes = None if kind.shard_size is None else _ends(pieces)
    actual = digests.hash_pieces(root, pieces, kind.hash_type, sizes=sizes, settings=settings)
    signed = [resource.digest for resource in manifest.resources]
    different = [(piece.path, got) for piece, got, due in zip(pieces, actual, signed) if got != due]
    if unread := [got for _, got in different if isinstance(got, Problem) and got.clause != "REF-DIGEST-01"]:
        raise _unreadable(unread)
    if different:
        raise _digest_rejected(_faults(different))


def _faults(different: Iterable[tuple[str, bytes | Problem]]) -> dict[str, tuple[str, str]]:
    """Of each file that differs, in one piece or more: how, and by which clause it is refused."""
    faults: dict[str, tuple[str, str]] = {}
    for path, outcome in different:
        if isinstance(outcome, Problem):
            faults[path] = outcome.detail, outcome.clause
        else:
            faults.setdefault(path, ("is not what was signed", "OMS-8.4-01"))
    return faults


def _unreadable(problems: Sequence[Problem]) -> FilesRejected:
    first = min(problems)
    findings = Findings(refused=sorted({problem.path for problem in problems}))
    return _files_rejected(first.path, first.detail, first.clause, findings)


def _digest_rejected(changed: Mapping[str, tuple[str, str]]) -> DigestRejected:
    names = sorted(changed)
    detail, clause = changed[names[0]]
    others = f"; files that differ besides: {len(names) - 1}" if len(names) > 1 else ""
    findings = Findings(changed=names)
    return DigestRejected(f"{quote(names[0])} {detail}{others}", clause=clause, path=names[0], findings=findings)


def _clause(problem: Problem, manifest: Manifest) -> str:
    """The clause by which `problem` is refused; for a link it depends on what was signed."""
    if problem.clause != LINK_CLAUSE:
        return problem.clause
    if manifest.serialization.allow_symlinks:
        return "REF-FILES-06"
    is_listed = any(f"{piece.path}/".startswith(f"{problem.path}/") for piece in pieces_of(manifest))
    return "OMS-6.1.1-07" if is_listed else "REF-FILES-07"


def read_bundle_file(path: StrPath, max_bytes: int = MAX_BYTES, warn: Warn = ignore_note) -> bytes:
    """The bytes of a bundle, refused by size before they are read. Raises OSError, OperationError, BundleRejected."""
    if not stat.S_ISREG(os.stat(path).st_mode):  # a FIFO would block
        raise OperationError(f"the signature {quote(os.fsdecode(path))} is not a file")
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        data = b"" if size > max_bytes else file.read(size)
    if size > max_bytes:
        raise BundleRejected(f"the bundle has more than {max_bytes} bytes", clause="REF-BUNDLE-01")
    holds(warn, "1", file=os.fsdecode(path), bytes=size, allowed=max_bytes)
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
        holds(self._warn, "0")  # the caller's own inputs are there
        try:
            manifest = verify_bundle(
                read_bundle_file(signature_path, self._max_bundle_bytes, self._warn),
                self._verifier(False),
                self._plan,
                self._warn,
            )
        except SignatureRejected as error:
            if not self._allow_v02:
                raise
            holds(self._warn, "v0.2", refused=error)
            data = read_bundle_file(signature_path, self._max_bundle_bytes)
            verifier, silent = self._verifier(True), with_notes_to(self._warn, ignore_note)  # told the first time
            manifest = verify_v02_bundle(data, lambda bundle, _: verifier(bundle, silent), self._plan, self._warn)
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
        """Whom to tell what changes no verdict and should be known; an errors.Steps also hears of steps that hold."""
        self._warn = warn
        return self

    def set_verifier(self, verifier: Verifier) -> Config:
        """Verify signatures with a verifier of your own."""
        self._verifier = lambda _: verifier
        return self

    def set_allow_v02(self, allow_v02: bool) -> Config:
        """Whether bundles of version 0.2.0 are read, whose encoding is not that of DSSE (D33)."""
        self._allow_v02 = allow_v02
        return self

    def use_elliptic_key_verifier(self, *, public_key: StrPath, tsa_chain: Iterable[StrPath] = ()) -> Config:
        """Verify with the public key in a PEM file. Raises OSError and OperationError.

        With `tsa_chain` (certificate files) a timestamp by that authority is required, and reported.
        """
        key = load_public_key(public_key)
        self._verifier = lambda v02: key_verifier(key, v02=v02)
        if files := tuple(tsa_chain):
            from .certificates import load_all, trust
            from .timestamps import with_timestamps

            tsa = trust(load_all(files))
            self._verifier = lambda v02: with_timestamps(key_verifier(key, v02=v02), tsa)
        return self

    def use_certificate_verifier(
        self,
        *,
        certificate_chain: Iterable[StrPath] = (),
        log_fingerprints: bool = False,
        system_roots: bool = False,
        partial_chain: bool = False,
        require_code_signing: bool = False,
        verification_time: datetime | None = None,
        tsa_chain: Iterable[StrPath] = (),
    ) -> Config:
        """Verify signers whose chain leads to a self-signed certificate of `certificate_chain` (files).

        See certificates.trust for `system_roots` and `partial_chain`. With `tsa_chain` a timestamp by that
        authority is required and the chain must hold at its time, else at `verification_time`, else now.
        Raises OSError and OperationError.
        """
        from .certificates import load_all, trust
        from .verifiers.certificate import Policy, certificate_verifier

        trusted = trust(load_all(certificate_chain), partial_chain=partial_chain, system_roots=system_roots)
        files = tuple(tsa_chain)
        tsa = trust(load_all(files)) if files else None
        policy = Policy(require_code_signing, verification_time, tsa, log_fingerprints)
        certificate_verifier(trusted, policy)  # what can't work is said now
        self._verifier = lambda v02: certificate_verifier(trusted, policy, v02=v02)
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
