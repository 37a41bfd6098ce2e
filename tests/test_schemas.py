"""The schemas of spec/schemas: valid bundles pass, vectors are refused where a clause says so, all --json fits."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest
from conftest import Cli
from output_schemas import DOCUMENTS, SCHEMAS, validator

from conformance import case
from conformance.generate import worked_example
from model_signing_ref.clauses import all_clauses

README = (SCHEMAS / "README.md").read_text("utf-8")
PARTS = {"bundle": "", "envelope": "/dsseEnvelope", "statement": "", "predicate": "/predicate"}
LARGEST = 4 << 20  # bytes of a bundle: validation of more takes long, and shows nothing more

# What the schemas refuse although it is read, as the README says: concessions to released clients.
CONCESSIONS = {"compat/dot", "compat/shard-algorithm"}
EARLY = {"bundle", "material", "envelope", "statement", "predicate", "names", "root-digest"}


class Error(NamedTuple):
    """Where a value breaks which of the schemas."""

    schema: str
    at: str


@lru_cache(None)
def vectors() -> dict[str, case.Vector]:
    return {vector["id"]: vector for vector in case.load()}


@lru_cache(None)
def bundle_of(vector_id: str) -> bytes:
    return case.content(vectors()[vector_id]["bundle"])


def errors_of(name: str, value: Any) -> Iterator[Error]:
    """The errors of a value, each of the innermost schema that the place belongs to."""
    inner = {"bundle": "envelope", "statement": "predicate"}[name]
    for error in validator(name).iter_errors(value):
        at = "/" + "/".join(map(str, error.absolute_path))
        yield Error(inner if f"{at}/".startswith(f"{PARTS[inner]}/") else name, at)


@lru_cache(None)
def refusals(vector_id: str) -> set[Error] | None:
    """Where the schemas refuse a vector's bundle, or else its payload; None for what is no JSON text."""
    try:
        bundle = json.loads(bundle_of(vector_id))
        found = set(errors_of("bundle", bundle))
        if not found:
            payload = base64.b64decode(standard(bundle["dsseEnvelope"]["payload"]))
            found = set(errors_of("statement", json.loads(payload)))
    except (ValueError, RecursionError):
        return None
    return found


def standard(text: str) -> str:
    return text.replace("-", "+").replace("_", "/")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_is_a_schema_and_laid_out(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(DOCUMENTS[name])
    assert f"[{name}]({name})" in README
    if name != "inspect.schema.json":
        text = json.dumps(DOCUMENTS[name], indent=2, ensure_ascii=False) + "\n"
        assert (SCHEMAS / name).read_text("utf-8") == text
        assert DOCUMENTS[name]["$id"] == name


def small(wanted: Callable[[case.Vector], bool]) -> list[str]:
    """The IDs of the vectors that are `wanted`, but those of version 0.2.0, which has no schema, and large ones."""
    current = {name: vector for name, vector in vectors().items() if not vector["options"].get("allow_v02")}
    return [name for name, vector in current.items() if wanted(vector) and len(bundle_of(name)) <= LARGEST]


def test_accepted_bundles_pass() -> None:
    accepted = small(lambda vector: vector["verdict"] == "accept")
    assert len(accepted) > 150
    assert {name: found for name in accepted if (found := refusals(name))} == {}


def test_concessions_are_those_that_the_readme_names() -> None:
    ours = small(lambda vector: vector["verdict"] == "either" and vector["ours"]["verdict"] == "accept")
    assert {name for name in ours if refusals(name)} == CONCESSIONS


def rows() -> list[tuple[str, str, str, str]]:
    """The table of the README: clause, schema, place, vector."""
    table = README.split("## What they hold")[1].split("## What a schema cannot say")[0]
    found = re.findall(r"^\| `([^`]+)` \| ([a-z]+) \| `([^`]+)` \| `([^`]+)` \|$", table, re.MULTILINE)
    assert len(found) == table.count("\n| `")
    return found


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_clause_is_held(row: tuple[str, str, str, str]) -> None:
    clause, schema, place, vector_id = row
    vector = vectors()[vector_id]
    assert clause in {each.id for each in all_clauses()}
    assert vector["ours"]["verdict"] == "reject"
    assert clause in vector["clauses"] or clause == "OMS-6.1.2-02"  # which is refused by the rule that is broken
    assert refusals(vector["control"]) == set()
    found = refusals(vector_id)
    assert found is not None
    assert Error(schema, place) in found


def test_the_table_is_sorted_and_every_clause_is_in_one_of_both() -> None:
    """Every clause by which a vector is refused early is held by a schema, or is said not to be."""
    held = [row[0] for row in rows()]
    assert held == sorted(set(held))
    told = set(held) | cannot()
    cited = {
        clause.id: clause.stage
        for clause in all_clauses()
        for vector in vectors().values()
        if vector["ours"]["stage"] in EARLY and clause.id in vector["clauses"] and clause.stage in EARLY
    }
    # It is the clause for what is read, and what else there is breaks others.
    assert sorted(set(cited) - told) == ["OMS-10-02", "OMS-6.2.1-03"]


def cannot() -> set[str]:
    """The clauses that the README says a schema can't hold."""
    rest = README.split("## What a schema cannot say")[1]
    return set(re.findall(r"`([A-Z0-9]+-[A-Z0-9.-]+)`", rest))


def test_what_passes_is_said_not_to_be_held() -> None:
    """A vector that is refused before the model is looked at, and passes, breaks a clause that is listed as such."""
    late = cannot()
    missed = [
        name
        for name in small(lambda vector: vector["ours"]["stage"] in EARLY and bool(vector["control"]))
        if refusals(name) == set() and not late & set(vectors()[name]["clauses"])
    ]
    assert missed == []


# --- what commands print


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    worked_example.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


VERIFY = ("verify", "key", "--public-key", "key.pub", "--json", "--signature")
CERTIFICATE = ("verify", "certificate", "--certificate-chain", "root.pem", "--json", "--signature", "certificate.sig")
IDENTITY = (
    *("--trust-config", "trust.json", "--identity", "alice@example.com"),
    *("--identity-provider", "https://issuer.example/oauth2"),
)
SIGN = ("sign", "key", "--private-key", "key.pem", "--json", "--signature", "new.sig")
RUNS: list[tuple[str, tuple[str, ...], str]] = [
    ("verify", (*VERIFY, "key.sig", "model"), "accepted"),
    ("verify", (*VERIFY, "shards.sig", "model"), "accepted"),
    ("verify", (*VERIFY, "key.sig", "--explain", "model"), "accepted"),
    ("verify", (*VERIFY, "key.sig", "--explain", "more"), "rejected"),
    ("verify", (*VERIFY, "nowhere.sig", "--explain", "model"), "none"),
    ("verify", (*VERIFY, "key.sig", "model/tokenizer"), "rejected"),
    ("verify", (*VERIFY, "key.sig", "--ignore-unsigned-files", "more"), "accepted"),
    ("verify", (*VERIFY, "key.sig", "more"), "rejected"),
    ("verify", (*VERIFY, "certificate.sig", "model"), "rejected"),
    ("verify", (*VERIFY, "key.pem", "model"), "rejected"),
    ("verify", (*VERIFY, "nowhere.sig", "model"), "none"),
    ("verify", (*CERTIFICATE, "--verification-time", "2026-06-01T00:00:00Z", "model"), "accepted"),
    ("verify", (*CERTIFICATE, "--verification-time", "2030-06-01T00:00:00Z", "model"), "rejected"),
    ("verify", ("verify", *IDENTITY, "--json", "--signature", "sigstore.sig", "model"), "accepted"),
    ("sign", (*SIGN, "model"), "done"),
    ("sign", (*SIGN, "--shard-size", "5", "model"), "done"),
    ("sign", (*SIGN, "--explain", "model"), "done"),
    ("sign", (*SIGN, "--explain", "nowhere"), "none"),
    ("sign", (*SIGN, "nowhere"), "none"),
    ("digest", ("digest", "--json", "model"), "done"),
    ("digest", ("digest", "--json", "nowhere"), "none"),
    ("demo", ("demo", "--json"), "done"),
    ("demo", ("demo", "--json", "model"), "done"),
    ("inspect", ("inspect", "--json", "key.sig"), "none"),
    ("failure", ("inspect", "--json", "nowhere.sig"), "none"),
]


@pytest.mark.parametrize(
    ("name", "words", "verdict"), RUNS, ids=lambda value: value if isinstance(value, str) else None
)
def test_output_fits(name: str, words: tuple[str, ...], verdict: str, example: Path, cli: Cli) -> None:
    if "trust.json" in words:
        pytest.importorskip("sigstore", reason="pip install '.[sigstore,loopback]'")
        pytest.importorskip("asn1crypto", reason="pip install '.[sigstore,loopback]'")
    more = example / "more"
    more.mkdir()
    for path, content in worked_example.MODEL.items():
        (more / path).parent.mkdir(exist_ok=True)
        (more / path).write_bytes(content)
    (more / "extra").write_text("unsigned\n")
    told = cli(*words).json
    validator(name).validate(told)
    assert told["verdict"] == verdict
    assert ("explain" in told) == ("--explain" in words)
    assert not validator(name).is_valid({**told, "more": 1})
    assert not validator(name).is_valid({**told, "exit_status": 7})
    if verdict in {"accepted", "done"}:
        assert not validator("failure").is_valid(told)


def test_unsupported_fits(example: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "blake3", None)
    told = cli("digest", "--hash-algorithm", "blake3", "--json", "model")
    assert told.status == 3
    validator("digest").validate(told.json)
    assert told.json["verdict"] == "unsupported"
