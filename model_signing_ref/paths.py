"""Paths as people give them, to names as a manifest has them."""

from __future__ import annotations

import os
from collections.abc import Iterable

from .errors import OperationError, quote
from .manifest import GIT_NAMES
from .tree import StrPath


def model_name(model: StrPath) -> str:
    """The subject's name: the base name of the model's absolute path (OMS-6.5.1-03). Raises OperationError."""
    path = os.path.abspath(os.fsdecode(model))
    name = os.path.basename(path) or path
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise OperationError(f"the model's name {quote(name)} is not UTF-8") from None
    return name


def ignored_names(
    model: StrPath, paths: Iterable[StrPath], base: StrPath | None = None, *, git: bool = False
) -> frozenset[str]:
    """The canonical names of the paths to ignore (OMS-6.2-03), each relative to `base` (None: the model) or absolute.

    With `git` the names that git uses are among them. Raises OperationError for a path outside the model, or for
    the model itself.
    """
    chosen = names_inside(model, paths, model if base is None else base, "the ignored path")
    return chosen | frozenset(GIT_NAMES) if git else chosen


def names_inside(model: StrPath, paths: Iterable[StrPath], base: StrPath, what: str) -> frozenset[str]:
    """The canonical names of `paths`, each relative to `base` or absolute; `what` says what they are for.

    Raises OperationError for one outside the model, or for the model itself.
    """
    root, start = os.fsdecode(model), os.fsdecode(base)
    return frozenset(_required_name(root, start, os.fsdecode(path), what) for path in paths)


def _required_name(model: str, base: str, path: str, what: str) -> str:
    name = name_inside(model, os.path.join(base, path))
    if name is None:
        raise OperationError(f"{what} {quote(path)} is not inside the model {quote(model)}")
    if name == "":
        raise OperationError(f"{what} {quote(path)} is the model itself")
    return name


def name_inside(model: str, path: str) -> str | None:
    """The name of `path` in the model, "" for the model itself, None outside; a link at its end not followed.

    Links above either are resolved when the plain comparison fails, so that two spellings of one folder agree.
    """
    given = os.path.abspath(path)
    resolved = os.path.join(os.path.realpath(os.path.dirname(given)), os.path.basename(given))
    for root in (os.path.abspath(model), os.path.realpath(model)):
        below = root.rstrip(os.sep) + os.sep
        for candidate in (given, resolved):
            if candidate == root:
                return ""
            if candidate.startswith(below):
                return candidate[len(below) :].replace(os.sep, "/")
    return None


def signature_names(model: StrPath, signature: StrPath) -> frozenset[str]:
    """The names under which the signature file lies inside the model: as given, and as resolved (OMS-6.2-04)."""
    given, root = os.fsdecode(signature), os.fsdecode(model)
    names = (name_inside(root, given), name_inside(root, os.path.realpath(given)))
    return frozenset(name for name in names if name)


PKCS11_SCHEME = "pkcs11:"


def is_pkcs11_uri(value: StrPath) -> bool:
    """Whether `value` stands for a key on a token, and not for a file (the scheme in any case, RFC 3986, 3.1)."""
    return os.fsdecode(value)[: len(PKCS11_SCHEME)].lower() == PKCS11_SCHEME
