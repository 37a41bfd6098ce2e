"""The statement under a signature that holds: shape, serialization, resources, root digest."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from forge import (
    VERIFIER,
    Plan,
    digest_of,
    edited,
    get,
    judge,
    judge_statement,
    positions,
    replaced,
    resource,
    shards,
    signed,
    statement,
    without,
    wrong_types,
)

from model_signing_ref import verifying
from model_signing_ref.errors import Note, PredicateRejected
from model_signing_ref.manifest import Manifest, Resource, Serialization, root_digest
from model_signing_ref.statement import read_statement, write_statement

FULL = shards(ignore_paths=["x", "y/z"])

# The rejection for a member of a wrong type, by its name; the same where it is absent and not optional.
BY_MEMBER = {
    "_type": "statement OMS-8.3-02",
    "predicateType": "statement OMS-8.3-03",
    "subject": "statement OMS-6.5-01",
    "sha256": "statement OMS-6.5.1-02",
    "predicate": "predicate OMS-8.3-04",
    "resources": "predicate OMS-5.2-01",
    "algorithm": "predicate OMS-5.2.1-03",
    "serialization": "predicate OMS-5.2-01",
    "method": "predicate OMS-5.2.2-01",
    "hash_type": "predicate OMS-5.2.2-02",
    "allow_symlinks": "predicate OMS-5.2.2-05",
    "ignore_paths": "predicate OMS-5.2.2-06",
    "shard_size": "predicate OMS-5.2.2-03",
}


def expected(at: tuple[str | int, ...]) -> str:
    if not at:
        return "statement OMS-5-01"
    if isinstance(at[-1], str) and at[-1] in BY_MEMBER:
        return BY_MEMBER[at[-1]]
    if at[0] == "subject":
        return "statement REF-STATEMENT-01" if at[-1] == "name" else "statement OMS-6.5.1-02"
    if at[1] == "resources":
        return "predicate OMS-5.2.1-02" if at[-1] == "digest" else "predicate OMS-5.2.1-01"
    return BY_MEMBER["ignore_paths"]


def test_the_full_statement_is_right() -> None:
    verdict = judge_statement(FULL)
    assert (verdict, verdict.notes) == ("accepted", [])


def test_every_wrong_type_at_every_position() -> None:
    count = 0
    for at, wrong in wrong_types(FULL):
        count += 1
        want = "predicate OMS-5.2.2-03" if at[-1:] == ("shard_size",) and wrong == 1.5 else expected(at)
        assert judge_statement(replaced(FULL, at, wrong)) == want, (at, wrong)
    assert count > 150


def test_every_absent_member() -> None:
    for at in positions(FULL):
        if at and isinstance(at[-1], str):
            want = {"ignore_paths": "accepted", "shard_size": "predicate OMS-5.2.2-03"}.get(at[-1], expected(at))
            assert judge_statement(without(FULL, at)) == want, at


def test_every_unknown_member() -> None:
    """Ignored in statement, subject and resources, refused in predicate and serialization (decision 30)."""
    for at in positions(FULL):
        if isinstance(get(FULL, at), dict):
            strict = at in (("predicate",), ("predicate", "serialization"))
            for name in ("x", "", "…", "shard_size?", "ignore_paths?", "Method", "sha512"):
                want = "predicate REF-PREDICATE-01" if strict else "accepted"
                assert judge_statement(replaced(FULL, (*at, name), 1)) == want, (at, name)


SUBJECT = statement()["subject"][0]
STATEMENTS: dict[str, tuple[Any, str]] = {
    "no subject": ({"subject": []}, "statement OMS-6.5-01"),
    "two subjects": ({"subject": [SUBJECT, SUBJECT]}, "statement OMS-6.5-01"),
    "a subject with an empty name": ({"subject": [{**SUBJECT, "name": ""}]}, "statement REF-STATEMENT-01"),
    "a subject named .": ({"subject": [{**SUBJECT, "name": "."}]}, "accepted"),
    "a subject with an odd name": ({"subject": [{**SUBJECT, "name": "../a\n\0"}]}, "accepted"),
    "another digest too": ({"subject": [{**SUBJECT, "digest": {**SUBJECT["digest"], "sha512": 0}}]}, "accepted"),
    "no digest": ({"subject": [{**SUBJECT, "digest": {}}]}, "statement OMS-6.5.1-02"),
    "sha512 alone": ({"subject": [{**SUBJECT, "digest": {"sha512": "00" * 64}}]}, "statement OMS-6.5.1-02"),
    "a short digest": ({"subject": [{**SUBJECT, "digest": {"sha256": "00" * 31}}]}, "statement OMS-6.5.1-02"),
    "a long digest": ({"subject": [{**SUBJECT, "digest": {"sha256": "00" * 33}}]}, "statement OMS-6.5.1-02"),
    "a digest in upper case": ({"subject": [{**SUBJECT, "digest": {"sha256": "AB" * 32}}]}, "statement OMS-6.5.1-02"),
    "a wrong digest": ({"subject": [{**SUBJECT, "digest": {"sha256": "ab" * 32}}]}, "root-digest OMS-6.5.1-01"),
    "an older statement": ({"_type": "https://in-toto.io/Statement/v0.1"}, "statement OMS-8.3-02"),
    "a statement with a slash": ({"_type": "https://in-toto.io/Statement/v1/"}, "statement OMS-8.3-02"),
    "the old predicate": ({"predicateType": "https://model_signing/Digests/v0.1"}, "statement OMS-8.3-03"),
    "a later predicate": ({"predicateType": "https://model_signing/signature/v1.1"}, "statement OMS-8.3-03"),
    "provenance": ({"predicateType": "https://slsa.dev/provenance/v1"}, "statement OMS-8.3-03"),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_statement(name: str) -> None:
    change, want = STATEMENTS[name]
    assert judge_statement({**statement(), **change}) == want


def blake(name: str = "a", hash_type: str = "blake2b", size: int = 64) -> Any:
    return {"name": name, "algorithm": hash_type, "digest": "0a" * size}


SERIALIZATIONS: dict[str, tuple[Any, str]] = {
    "files": (statement(), "accepted"),
    "shards": (shards(), "accepted"),
    "an unknown method": (statement(method="trees"), "predicate OMS-5.2.2-01"),
    "Files": (statement(method="Files"), "predicate OMS-5.2.2-01"),
    "no method": (statement(method=""), "predicate OMS-5.2.2-01"),
    "sha512": (statement(hash_type="sha512"), "predicate OMS-5.2.2-02"),
    "SHA256": (statement(hash_type="SHA256"), "predicate OMS-5.2.2-02"),
    "sha-256": (statement(hash_type="sha-256"), "predicate OMS-5.2.2-02"),
    "blake2": (statement([blake(hash_type="blake2")], hash_type="blake2"), "predicate OMS-5.2.2-02"),
    "blake2b": (statement([blake()], hash_type="blake2b"), "accepted"),
    "blake3": (statement([blake("a", "blake3", 32)], hash_type="blake3"), "accepted"),
    "blake2b of 32": (statement([blake(size=32)], hash_type="blake2b"), "predicate OMS-5.2.1-02"),
    "blake3 of 64": (statement([blake("a", "blake3", 64)], hash_type="blake3"), "predicate OMS-5.2.1-02"),
    "links": (statement(allow_symlinks=True), "accepted"),
    "links 1": (statement(allow_symlinks=1), "predicate OMS-5.2.2-05"),
    "no paths": (statement(ignore_paths=...), "accepted"),
    "paths null": (statement(ignore_paths=None), "predicate OMS-5.2.2-06"),
    "files with a shard size": (statement(shard_size=10), "predicate OMS-5.2.2-04"),
    "files with no shard size": (statement(shard_size=None), "predicate OMS-5.2.2-04"),
    "shard size 0": (shards(shard_size=0), "predicate OMS-5.2.2-03"),
    "shard size -1": (shards(shard_size=-1), "predicate OMS-5.2.2-03"),
    "shard size -0.0": (shards(shard_size=-0.0), "predicate OMS-5.2.2-03"),
    "shard size 10.5": (shards(shard_size=10.5), "predicate OMS-5.2.2-03"),
    "shard size true": (shards(shard_size=True), "predicate OMS-5.2.2-03"),
    "shard size text": (shards(shard_size="10"), "predicate OMS-5.2.2-03"),
    "the largest shard": (shards([resource("a:0:10")], shard_size=2**53 - 1), "accepted"),
    "too large a shard": (shards([resource("a:0:10")], shard_size=2**53), "predicate REF-PREDICATE-02"),
    "a huge shard": (shards([resource("a:0:10")], shard_size=10**60), "predicate REF-PREDICATE-02"),
    "a huge fraction": (shards([resource("a:0:10")], shard_size=1e300), "predicate REF-PREDICATE-02"),
    "no resource": (statement([]), "predicate OMS-5.2.1-04"),
    "no resource in shards": (shards([]), "predicate OMS-5.2.1-04"),
    "another algorithm": (statement([resource("a"), resource("b", algorithm="sha512")]), "predicate OMS-7-01"),
    "the other algorithm": (statement(hash_type="blake3"), "predicate REF-PREDICATE-04"),
    "an empty algorithm": (statement([resource("a", algorithm="")]), "predicate OMS-7-01"),
    "63 digits": (replaced(statement(), ("predicate", "resources", 0, "digest"), "0" * 63), "predicate OMS-5.2.1-02"),
    "upper-case digits": (statement([{**resource("a"), "digest": "A" * 64}]), "predicate OMS-5.2.1-02"),
    "digits and spaces": (statement([{**resource("a"), "digest": " ".join(["aa"] * 32)}]), "predicate OMS-5.2.1-02"),
    "no digits": (statement([{**resource("a"), "digest": ""}]), "predicate OMS-5.2.1-02"),
}


@pytest.mark.parametrize("name", SERIALIZATIONS)
def test_predicate(name: str) -> None:
    value, want = SERIALIZATIONS[name]
    assert judge_statement(value) == want


IGNORED = {
    "x": "accepted",
    "x/y": "accepted",
    ".git": "accepted",
    "...": "accepted",
    " ": "accepted",
    "ü": "accepted",
    "": "predicate REF-IGNORE-01",
    ".": "predicate REF-IGNORE-01",
    "./x": "predicate REF-IGNORE-01",
    "x/": "predicate REF-IGNORE-01",
    "x//y": "predicate REF-IGNORE-01",
    "x\\y": "predicate REF-IGNORE-01",
    "x\0": "predicate REF-IGNORE-01",
    "..": "predicate OMS-6.2.1-02",
    "x/../y": "predicate OMS-6.2.1-02",
    "/x": "predicate OMS-6.2.1-02",
    "/": "predicate OMS-6.2.1-02",
    "*": "predicate OMS-6.2.1-01",
    "x/?": "predicate OMS-6.2.1-01",
    "[ab]": "predicate OMS-6.2.1-01",
}


@pytest.mark.parametrize("path", IGNORED)
def test_ignored_paths(path: str) -> None:
    verdict = judge_statement(statement(ignore_paths=["z", path]))
    assert (verdict, verdict.notes) == (IGNORED[path], [])


def test_ignored_paths_in_any_order_and_repeated_ones_warn() -> None:
    verdict = judge_statement(statement(ignore_paths=["z", "a", "m"]))
    assert (verdict, verdict.notes) == ("accepted", [])
    verdict = judge_statement(statement(ignore_paths=["z", "a", "z"]))
    assert (verdict, verdict.notes) == ("accepted", ["repeated-ignored-path"])


def test_what_the_caller_insists_on() -> None:
    files, in_shards = signed(statement()), signed(shards())
    assert judge(files, Plan(method="files", hash_type="sha256")) == "accepted"
    assert judge(in_shards, Plan(method="shards", shard_size=10)) == "accepted"
    for data, plan in (
        (files, Plan(method="shards")),
        (files, Plan(hash_type="blake2b")),
        (files, Plan(shard_size=10)),
        (in_shards, Plan(method="files")),
        (in_shards, Plan(method="shards", shard_size=11)),
    ):
        assert judge(data, plan) == "predicate REF-PREDICATE-03"


def test_root_digest_is_over_the_digests_in_order() -> None:
    names = ["a", "b", "c"]
    resources = [resource(name, name.encode()) for name in names]
    digests = [hashlib.sha256(name.encode()).digest() for name in names]
    value = statement(resources)
    for root, want in (
        (hashlib.sha256(b"".join(digests)), "accepted"),
        (hashlib.sha256(b"".join(reversed(digests))), "root-digest OMS-6.5.1-01"),
        (hashlib.sha256("".join(each.hex() for each in digests).encode()), "root-digest OMS-6.5.1-01"),
        (hashlib.sha256(b"".join(digests[:2])), "root-digest OMS-6.5.1-01"),
    ):
        value["subject"][0]["digest"]["sha256"] = root.hexdigest()
        assert judge_statement(value) == want


def test_root_digest_is_sha256_whatever_the_resources_use() -> None:
    value = statement([blake()], hash_type="blake2b")
    assert judge_statement(value) == "accepted"
    value["subject"][0]["digest"]["sha256"] = hashlib.blake2b(bytes([10]) * 64, digest_size=32).hexdigest()
    assert judge_statement(value) == "root-digest OMS-6.5.1-01"


def test_stages_come_in_order() -> None:
    """Each step mends the first fault only; the next one then shows."""
    value = shards([resource("b:0:10"), resource("a:0:10")], hash_type="sha1")
    value["_type"] = value["predicateType"] = ""
    value["subject"] = []
    assert judge_statement(value) == "statement OMS-8.3-02"
    value["_type"] = statement()["_type"]
    assert judge_statement(value) == "statement OMS-8.3-03"
    value["predicateType"] = statement()["predicateType"]
    assert judge_statement(value) == "statement OMS-6.5-01"
    value["subject"] = [{"name": "m", "digest": {"sha256": "00" * 32}}]
    assert judge_statement(value) == "predicate OMS-5.2.2-02"
    value["predicate"]["serialization"]["hash_type"] = "sha256"
    assert judge_statement(value) == "names OMS-5.2.1-05"
    value["predicate"]["resources"].reverse()
    assert judge_statement(value) == "root-digest OMS-6.5.1-01"


def test_what_is_written_is_canonical_and_reads_back() -> None:
    names = ("\n", 'a"', "é\u2028", "\U0001f600")
    resources = [Resource(name, hashlib.sha256(name.encode()).digest()) for name in names]
    for serialization in (
        Serialization(ignore_paths=("a", "ü")),
        Serialization("shards", "blake3", 10, True, ()),
        Serialization("shards", "sha256", 2**53 - 1),
    ):
        suffix = "" if serialization.method == "files" else ":0:1"
        named = [each._replace(name=each.name + suffix) for each in resources]
        manifest = Manifest("m\u00fc\n", serialization, named, root_digest(named))
        payload = write_statement(manifest)
        value = json.loads(payload)
        assert payload == json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        notes: list[Note] = []
        assert (tuple(read_statement(payload, notes.append)), notes) == (tuple(manifest), [])
        assert judge(signed(payload)) == "accepted"
        assert ("shard_size" in value["predicate"]["serialization"]) == (serialization.method == "shards")


def test_manifests_compare_by_what_they_say_of_the_contents() -> None:
    one = Manifest("a", Serialization(), [Resource("x", b"1")], b"r")
    assert one == one._replace(model_name="b", serialization=Serialization(ignore_paths=("z",)))
    assert hash(one) == hash(one._replace(model_name="b"))
    assert one != one._replace(resources=[Resource("y", b"1")])
    assert one != one._replace(serialization=Serialization(hash_type="blake3"))
    assert one != "x"
    (each,) = one.resource_descriptors()
    assert (each.identifier, each.digest.digest_hex, each.digest.digest_size) == ("x", "31", 1)


def test_verify_bundle_gives_the_manifest() -> None:
    manifest = verifying.verify_bundle(signed(shards(ignore_paths=["i"])), VERIFIER)
    assert manifest.model_name == "model"
    assert manifest.serialization_type == {
        "method": "shards",
        "hash_type": "sha256",
        "shard_size": 10,
        "allow_symlinks": False,
        "ignore_paths": ["i"],
    }
    assert [each.digest.hex() for each in manifest.resources] == [digest_of(b"")] * 2
    with pytest.raises(PredicateRejected, match=r"has an unknown member 'x'"):
        verifying.verify_bundle(edited(signed(shards()), lambda v: v["predicate"].update(x=1)), VERIFIER)
