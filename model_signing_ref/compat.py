"""Every concession to bundles of released clients, and nothing else.

Each function answers whether a shape that OMS v1.0 does not allow is one that a released client wrote, and
says so in a note. To read OMS v1.0 alone, delete this file and what calls it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import pairwise

from . import strictjson
from .errors import Note, StatementRejected, Warn
from .manifest import Manifest, Piece, Resource, Serialization, root_digest
from .strictjson import ANY_OTHER


def hint_of_raw_key(raw_key: bytes, warn: Warn) -> str:
    """The hint for `publicKey.rawBytes`, the PEM text of the key (Python 0.3.1 to 1.0.x; OMS-11.1-02).

    The fingerprint of a key is the hash of that text, so the two forms are checked alike.
    """
    warn(Note("old-raw-key", "the bundle holds its whole key (rawBytes) where current ones hold a hint"))
    return hashlib.sha256(raw_key).hexdigest()


def note_null_keyid(warn: Warn) -> None:
    """A keyid of null is accepted (Python 0.3.1 to 1.0.x; OMS-4.1-11) and only noted."""
    warn(Note("old-null-keyid", "the signature's keyid is null", loud=False))


def is_in_path_order(pieces: Sequence[Piece], warn: Warn) -> bool:
    """Whether the names ascend by path component, and shards by number (Python, all versions)."""
    keys = [(piece.path.split("/"), piece.start) for piece in pieces]
    if any(before >= after for before, after in pairwise(keys)):
        return False
    warn(Note("old-order", "the names are in path order, not in code point order (OMS-5.2.1-05)"))
    return True


def is_dot_for_a_file(paths: Iterable[str], warn: Warn) -> bool:
    """Whether the one file is named `.`, which stood for a single-file model (Python, all versions)."""
    if list(paths) != ["."]:
        return False
    warn(Note("old-dot", "the file is listed as '.', not under its name (OMS-6.1.2-07)"))
    return True


def integral_shard_size(value: object, warn: Warn) -> object:
    """A shard size written as 10.0 (Python shards) as the integer it is; anything else unchanged."""
    if isinstance(value, float) and value.is_integer():
        warn(Note("old-float-shard-size", "shard_size is written with a fraction"))
        return int(value)
    return value


def is_shard_algorithm(algorithms: set[str], serialization: Serialization, warn: Warn) -> bool:
    """Whether all shards name their algorithm as Python and Go do: `sha256-sharded-N`, N the shard size."""
    old = f"{serialization.hash_type}-sharded-{serialization.shard_size}"
    if serialization.shard_size is None or algorithms != {old}:
        return False
    warn(Note("old-shard-algorithm", "the shards' algorithm is not the hash_type (OMS-6.3.2-07)"))
    return True


V02_STEP = "10-22"  # of the recipe: what stands in their place for a bundle of version 0.2.0
V02_PREDICATE_TYPE = "https://model_signing/Digests/v0.1"
_V02_SUBJECT_SHAPE = {"name": str, "digest": {"sha256": str}, ANY_OTHER: None}


def pae_v02(payload_type: str, payload: bytes) -> bytes:
    """What version 0.2.0 signed: not DSSE's encoding but Python's notation of the payload, with SHA-256."""
    return f"DSSEV1 {len(payload_type)} {payload_type} {len(payload)} {payload!r}".encode()


def read_v02_statement(payload: bytes, warn: Warn) -> Manifest:
    """The manifest in a payload of version 0.2.0: one subject a file, no serialization, no root digest.

    Raises StatementRejected, also for every other predicate type: the old encoding is read with the old
    statement only.
    """
    value = strictjson.parse(payload, StatementRejected)
    if type(value) is not dict or value.get("predicateType") != V02_PREDICATE_TYPE:
        raise StatementRejected(f"predicateType is not {V02_PREDICATE_TYPE}", clause="REF-COMPAT-01")
    if value.get("_type") != "https://in-toto.io/Statement/v1":
        raise StatementRejected("_type is not that of an in-toto Statement v1", clause="OMS-8.3-02")
    clause = "REF-COMPAT-01"
    strictjson.check(
        value.get("subject"), [_V02_SUBJECT_SHAPE], "subject", StatementRejected, clause=clause, unknown=clause
    )
    resources = []
    for subject in value["subject"]:
        digest = strictjson.from_hex(subject["digest"]["sha256"], 32)
        if digest is None:
            raise StatementRejected("a subject's sha256 is not 64 lower-case hex digits", clause="REF-COMPAT-01")
        resources.append(Resource(subject["name"], digest))
    if not resources:
        raise StatementRejected("the statement has no subject", clause="REF-COMPAT-01")
    warn(Note("old-v0.2", "the bundle is of version 0.2.0, whose encoding and statement are not those of OMS v1.0"))
    return Manifest("", Serialization(), resources, root_digest(resources))
