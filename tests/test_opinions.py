"""The record of what two verifiers say of the static Sigstore bundles."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sigstore")
pytest.importorskip("asn1crypto")

from conformance import case, opinions
from conformance.loopback import encodings as enc
from conformance.loopback import static

RECORD: dict[str, Any] = json.loads(opinions.RECORD.read_bytes())
MADE = {"cases": opinions.bundles, "vectors": opinions.vectors}
INSTALL = "npm install @sigstore/verify@4.1.3 in a folder, and set OMS_SIGSTORE_JS to it"


def accepts(verdict: str) -> bool:
    return verdict == opinions.ACCEPTED


def test_every_case_is_recorded() -> None:
    assert list(RECORD["cases"]) == [case.name for case in static.cases()]


def test_expectations_follow_from_the_opinions() -> None:
    for name, opinion in RECORD["cases"].items():
        assert opinion["expected"] == opinions.expected(opinion["sigstore"], opinion["@sigstore/verify"])
        assert (opinion["expected"] == "accept") == (name in static.CONTROLS)


def test_every_vector_is_recorded() -> None:
    assert list(RECORD["vectors"]) == list(opinions.vectors())
    for opinion in RECORD["vectors"].values():
        assert opinion["expected"] == opinions.expected(opinion["sigstore"], opinion["@sigstore/verify"])


BELOW = ("statement", "predicate", "names", "root-digest", "files", "digest")


def test_what_is_scored_is_what_both_say() -> None:
    """Below the signature they have no say, and find that it holds."""
    for vector in case.load_family(case.VECTORS / "sigstore.json"):
        if case.is_scored(vector):
            signed = vector["ours"]["stage"] in BELOW or "INTOTO-01" in vector["clauses"]
            said = RECORD["vectors"][vector["id"]]["expected"]
            assert said == ("accept" if signed else vector["verdict"]), vector["id"]


@pytest.mark.parametrize("kind", ["cases", "vectors"])
def test_the_package_has_not_changed_its_mind(kind: str) -> None:
    for name, made in MADE[kind]().items():
        assert accepts(opinions.python_opinion(made)) == accepts(RECORD[kind][name]["sigstore"]), name


def test_the_other_has_not_changed_its_mind() -> None:
    folder = os.environ.get("OMS_SIGSTORE_JS")
    if not folder or not shutil.which("node"):
        pytest.skip(INSTALL)
    if enc.deterministic_ecdsa():
        assert opinions.record(Path(folder)) == RECORD
    for kind, make in MADE.items():
        taken = opinions.javascript_opinions(make(), Path(folder))
        assert {name: accepts(verdict) for name, verdict in taken.items()} == {
            name: accepts(opinion["@sigstore/verify"]) for name, opinion in RECORD[kind].items()
        }
