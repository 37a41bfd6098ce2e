"""The rejection stages, one small class each, and the exit statuses.

A rejection is a verdict against a bundle, a model or the fit of a key to them. It names its stage, the
clause of `spec/` that it enforces, and the culprit. Everything else that stops the program is an
`OperationError` or an `OSError`: no verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

EXIT_OK, EXIT_REJECTED, EXIT_NO_VERDICT, EXIT_UNSUPPORTED, EXIT_INTERRUPTED = 0, 1, 2, 3, 130

QUOTE_LIMIT = 200  # characters of a foreign string shown in a message; the rest is cut, with its length


OLD = "old-"  # how the codes of notes begin that tell of a concession to a released client


class Note(NamedTuple):
    """Something the caller should know that changes no verdict.

    `code` is stable and for programs, `detail` is one line for people, `loud` says whether people are told.
    """

    code: str
    detail: str
    loud: bool = True


Warn = Callable[[Note], None]


class Steps:
    """A listener that is also told each step of the recipe that holds: its number in the spec, and its values.

    The recipe tells whoever is one; a plain function is told notes alone. A value may be a function that gives it.
    """

    def __init__(self, note: Warn, step: Callable[[str, Mapping[str, object]], None]) -> None:
        self.note, self.step = note, step

    def __call__(self, note: Note) -> None:
        self.note(note)


def holds(listener: Warn | None, step: str, **values: object) -> None:
    """Tell a listener who wants to know that a step of the recipe holds (spec/verification.md, spec/signing.md)."""
    if isinstance(listener, Steps):
        listener.step(step, values)


def with_notes_to(listener: Warn, note: Warn) -> Warn:
    """`listener`, whose notes go to `note` instead; its steps go where they went."""
    if isinstance(listener, Steps):
        return Steps(note, listener.step)
    return note


class Findings(NamedTuple):
    """Every file that differs from the manifest: names relative to the model, each list sorted."""

    refused: Sequence[str] = ()
    missing: Sequence[str] = ()
    extra: Sequence[str] = ()
    changed: Sequence[str] = ()


class Rejection(ValueError):
    """A verdict against, at `stage`, by `clause`; `path` is the culprit when a file is to blame."""

    stage = ""

    def __init__(self, detail: str, *, clause: str, path: str | None = None, findings: Findings | None = None) -> None:
        super().__init__(f"{self.stage}: {detail} [{clause}]")
        self.detail, self.clause, self.path = detail, clause, path
        self.findings = findings or Findings()


class BundleRejected(Rejection):
    """JSON, shape or media type of the bundle."""

    stage = "bundle"


class MaterialRejected(Rejection):
    """Verification material absent, or another method's."""

    stage = "material"


class EnvelopeRejected(Rejection):
    """Base64, payload type or number of signatures of the DSSE envelope."""

    stage = "envelope"


class KeyRejected(Rejection):
    """Type, curve or hint of the key."""

    stage = "key"


class CertificateRejected(Rejection):
    """Chain, trust or usage of a certificate."""

    stage = "certificate"


class TimeRejected(Rejection):
    """Validity of a certificate at the verification time."""

    stage = "time"


class IdentityRejected(Rejection):
    """Identity or issuer other than expected."""

    stage = "identity"


class TransparencyRejected(Rejection):
    """Log entry, signed certificate timestamp or trusted timestamp."""

    stage = "transparency"


class SignatureRejected(Rejection):
    """The signature does not hold over the pre-authentication encoding."""

    stage = "signature"


class StatementRejected(Rejection):
    """JSON, `_type`, subject or predicate type of the statement."""

    stage = "statement"


class PredicateRejected(Rejection):
    """Shape, method, algorithm or parameters of the predicate."""

    stage = "predicate"


class NamesRejected(Rejection):
    """A resource name that is not canonical, repeated or out of order."""

    stage = "names"


class RootDigestRejected(Rejection):
    """The subject's digest is not that of the resources."""

    stage = "root-digest"


class FilesRejected(Rejection):
    """Missing, extra, linked, special or unreadable files."""

    stage = "files"


class DigestRejected(Rejection):
    """Contents other than signed."""

    stage = "digest"


class Unsupported(Rejection):
    """Registered in OMS, but not available here."""

    stage = "unsupported"


class MissingExtra(Unsupported, ImportError):
    """An optional package is not installed; the detail says what to install."""


class OperationError(Exception):
    """No verdict: an operation failed or was misused. `detail` is one line for people."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


STAGES = (
    *("bundle", "material", "envelope", "key", "certificate", "time", "identity", "transparency"),
    *("signature", "statement", "predicate", "names", "root-digest", "files", "digest", "unsupported"),
)


def exit_status(error: BaseException) -> int:
    """The exit status of the command line for `error`."""
    if isinstance(error, Unsupported):
        return EXIT_UNSUPPORTED
    if isinstance(error, Rejection):
        return EXIT_REJECTED
    if isinstance(error, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    return EXIT_NO_VERDICT


def quote(text: str) -> str:
    """`text` in quotes, on one line, with every unprintable character escaped, and cut at QUOTE_LIMIT."""
    if len(text) <= QUOTE_LIMIT:
        return repr(text)
    return f"{text[:QUOTE_LIMIT]!r}… ({len(text)} characters)"


def explain_os_error(error: OSError) -> str:
    """What the operating system said, with the name it said it of, in one line."""
    reason = error.strerror or str(error) or type(error).__name__
    name = error.filename
    return reason if name is None else f"{reason}: {quote(printable_path(name))}"


def printable_path(path: object) -> str:
    """A path of any kind as text; bytes that are not UTF-8 become lone surrogates, which quote() escapes."""
    return path.decode("utf-8", "surrogateescape") if isinstance(path, bytes) else str(path)
