"""The in-toto Statement v1 with the OMS predicate: payload bytes to a Manifest and back."""

from __future__ import annotations

import json
from typing import Any

from . import strictjson
from .errors import Note, PredicateRejected, StatementRejected, Warn, holds, quote
from .manifest import (
    DIGEST_SIZES,
    FILES,
    MAX_SHARD_SIZE,
    SHARDS,
    Manifest,
    Resource,
    Serialization,
    name_fault,
    serialization_members,
)
from .strictjson import ANY_OTHER, JSON

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"

GLOB_CHARACTERS = "*?["

_SUBJECT_SHAPE = {
    "digest": {"sha256": str, ANY_OTHER: None},  # INTOTO-03
    ANY_OTHER: None,  # INTOTO-02
}
_PREDICATE_SHAPE = {"resources": list, "serialization": dict}
_SERIALIZATION_SHAPE: dict[str, Any] = {
    "method": str,
    "hash_type": str,
    "allow_symlinks": bool,
    "ignore_paths?": [str],
    "shard_size?": lambda _: "",  # whether it may be there at all depends on the method
}
_SERIALIZATION_CLAUSES = ("OMS-5.2.2-01", "OMS-5.2.2-02", "OMS-5.2.2-05", "OMS-5.2.2-06")


def read_statement(payload: bytes, warn: Warn) -> Manifest:
    """The manifest in `payload`, whose signature holds. Raises StatementRejected, then PredicateRejected."""
    value = strictjson.parse(payload, StatementRejected)
    holds(warn, "10", bytes=len(payload))
    if type(value) is not dict:
        raise StatementRejected("the payload is not a JSON object", clause="OMS-5-01")
    holds(warn, "11", members=list(value))
    if value.get("_type") != STATEMENT_TYPE:
        raise StatementRejected(f"_type is not {STATEMENT_TYPE}", clause="OMS-8.3-02")
    holds(warn, "12", type=STATEMENT_TYPE)
    if value.get("predicateType") != PREDICATE_TYPE:
        raise StatementRejected(f"predicateType is not {PREDICATE_TYPE}", clause="OMS-8.3-03")
    holds(warn, "13", predicate_type=PREDICATE_TYPE)
    name, root = _read_subject(value.get("subject"))
    holds(warn, "14", name=name, sha256=root)
    if type(value.get("predicate")) is not dict:
        raise PredicateRejected("the statement has no predicate that is an object", clause="OMS-8.3-04")
    holds(warn, "15", members=list(value["predicate"]))
    serialization, resources = _read_predicate(value["predicate"], warn)
    return Manifest(name, serialization, resources, root)


def _read_subject(value: JSON) -> tuple[str, bytes]:
    if type(value) is not list or len(value) != 1:
        raise StatementRejected("subject is not an array of one", clause="OMS-6.5-01")
    strictjson.check(value[0], _SUBJECT_SHAPE, "subject[0]", StatementRejected, clause="OMS-6.5.1-02")
    if type(value[0].get("name")) is not str or not value[0]["name"]:
        raise StatementRejected("the subject's name is absent, empty or not a string", clause="REF-STATEMENT-01")
    root = strictjson.from_hex(value[0]["digest"]["sha256"], DIGEST_SIZES["sha256"])
    if root is None:
        raise StatementRejected("the subject's sha256 is not 64 lower-case hex digits", clause="OMS-6.5.1-02")
    return value[0]["name"], root


def _read_predicate(value: JSON, warn: Warn) -> tuple[Serialization, list[Resource]]:
    strictjson.check(
        value, _PREDICATE_SHAPE, "predicate", PredicateRejected, clause="OMS-5.2-01", unknown="REF-PREDICATE-01"
    )
    holds(warn, "16", resources=len(value["resources"]))
    members = value["serialization"]
    where = "predicate.serialization"
    for (name, shape), clause in zip(_SERIALIZATION_SHAPE.items(), _SERIALIZATION_CLAUSES):
        strictjson.check(members, {name: shape, ANY_OTHER: None}, where, PredicateRejected, clause=clause)
    strictjson.check(members, _SERIALIZATION_SHAPE, where, PredicateRejected, clause="", unknown="REF-PREDICATE-01")
    known = (("method", (FILES, SHARDS), "OMS-5.2.2-01"), ("hash_type", tuple(DIGEST_SIZES), "OMS-5.2.2-02"))
    for name, values, clause in known:
        if members[name] not in values:
            detail = f"{name} {quote(members[name])} is not one of {', '.join(values)}"
            raise PredicateRejected(detail, clause=clause)
    if members["method"] == FILES and "shard_size" in members:
        raise PredicateRejected("shard_size beside the method files", clause="OMS-5.2.2-04")
    holds(warn, "17", method=members["method"], hash_type=members["hash_type"])
    shard_size = _read_shard_size(members, warn) if members["method"] == SHARDS else None
    holds(warn, "18", shard_size=shard_size)
    serialization = Serialization(
        method=members["method"],
        hash_type=members["hash_type"],
        shard_size=shard_size,
        allow_symlinks=members["allow_symlinks"],
        ignore_paths=_read_ignore_paths(members.get("ignore_paths"), warn),
    )
    holds(warn, "19", ignore_paths=serialization.ignore_paths)
    return serialization, _read_resources(value["resources"], serialization, warn)


def _read_shard_size(members: dict[str, Any], warn: Warn) -> int:
    from . import compat

    size = compat.integral_shard_size(members.get("shard_size"), warn)
    if type(size) is not int or size < 1:
        raise PredicateRejected("shard_size is not a positive integer", clause="OMS-5.2.2-03")
    if size > MAX_SHARD_SIZE:
        raise PredicateRejected(f"shard_size is over {MAX_SHARD_SIZE}", clause="REF-PREDICATE-02")
    return size


def _read_ignore_paths(value: list[str] | None, warn: Warn) -> tuple[str, ...] | None:
    if value is None:
        return None  # OMS-11.1-07
    for path in value:
        if fault := ignored_path_fault(path):
            raise PredicateRejected(f"the ignored path {quote(path)} {fault[0]}", clause=fault[1])
    if len(set(value)) < len(value):
        warn(Note("repeated-ignored-path", "ignore_paths names a path twice"))
    return tuple(value)


def ignored_path_fault(path: str) -> tuple[str, str] | None:
    """What keeps `path` from being recorded as ignored, with the clause."""
    if any(character in path for character in GLOB_CHARACTERS):
        return "has a glob character", "OMS-6.2.1-01"
    if fault := name_fault(path):
        return fault[0], "OMS-6.2.1-02" if fault[1] == "OMS-6.1.2-03" else "REF-IGNORE-01"
    return None


def _read_resources(values: list[JSON], serialization: Serialization, warn: Warn) -> list[Resource]:
    """The resources. Members of a descriptor that are not used are ignored (OMS-5.2.1-07).

    They take the place of `values`, since a million of them in both forms would be much to hold.
    """
    if not values:
        raise PredicateRejected("the predicate lists no resource", clause="OMS-5.2.1-04")
    holds(warn, "20", resources=len(values))
    size = DIGEST_SIZES[serialization.hash_type]
    algorithms = set()
    for index, value in enumerate(values):
        if type(value) is not dict or type(name := value.get("name")) is not str:
            raise PredicateRejected(f"resources[{index}] is not an object with a name", clause="OMS-5.2.1-01")
        if type(algorithm := value.get("algorithm")) is not str:
            raise PredicateRejected(f"resources[{index}] has no algorithm", clause="OMS-5.2.1-03")
        text = value.get("digest")
        digest = strictjson.from_hex(text, size) if type(text) is str else None
        if digest is None:
            detail = f"resources[{index}]: digest is not {2 * size} lower-case hex digits"
            raise PredicateRejected(detail, clause="OMS-5.2.1-02")
        algorithms.add(algorithm)
        values[index] = Resource(name, digest)
    resources: list[Resource] = values
    holds(warn, "21", resources=resources)
    if algorithms != {serialization.hash_type} and not _is_old_algorithm(algorithms, serialization, warn):
        other = next(iter(sorted(algorithms - {serialization.hash_type})))
        detail = f"the algorithm {quote(other)} of a resource is not the hash_type {serialization.hash_type}"
        ours = "OMS-6.3.2-07" if serialization.method == SHARDS else "REF-PREDICATE-04"
        raise PredicateRejected(detail, clause=ours if other in DIGEST_SIZES else "OMS-7-01")
    holds(warn, "22", algorithms=sorted(algorithms))
    return resources


def _is_old_algorithm(algorithms: set[str], serialization: Serialization, warn: Warn) -> bool:
    from . import compat

    return compat.is_shard_algorithm(algorithms, serialization, warn)


def write_statement(manifest: Manifest) -> bytes:
    """The canonical payload for `manifest` (OMS-5.1-01, OMS-11.2-04): members sorted, no white space.

    Resources are written one by one.
    """
    algorithm = manifest.serialization.hash_type
    encode = json.JSONEncoder(ensure_ascii=False).encode  # made once: json.dumps makes one for every name
    resources = ",".join(
        f'{{"algorithm":"{algorithm}","digest":"{digest.hex()}","name":{encode(name)}}}'
        for name, digest in manifest.resources
    )
    serialization = strictjson.dump(serialization_members(manifest.serialization)).decode("utf-8")
    subject = strictjson.dump([{"digest": {"sha256": manifest.root_digest.hex()}, "name": manifest.model_name}])
    return (
        f'{{"_type":"{STATEMENT_TYPE}",'
        f'"predicate":{{"resources":[{resources}],"serialization":{serialization}}},'
        f'"predicateType":"{PREDICATE_TYPE}",'
        f'"subject":{subject.decode("utf-8")}}}'
    ).encode()
