"""What spec/compatibility.md says of released clients, held against what they wrote."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, peer_python
from documents import SPEC

from conformance.generate import worked_example

HISTORICAL = Path(os.environ.get("OMS_TEST_DATA", "")) / "historical"
needs_data = pytest.mark.skipif(
    "OMS_TEST_DATA" not in os.environ, reason="released bundles are read from $OMS_TEST_DATA"
)
RELEASES = {
    "v0.2.0-certificate": "Python 0.2.0",
    "v0.3.1-elliptic-key": "Python 0.3.1",
    "v1.0.0-sigstore": "Python 1.0.x",
    "v1.1.0-certificate": "Python 1.1.x",
    "v1.1.0-elliptic-key": "Python 1.1.x",
    "v1.1.0-sigstore": "Python 1.1.x",
}
Facts = Mapping[str, str]


def table() -> dict[str, dict[str, str]]:
    """The table of what is written: by client, by row."""
    text = (SPEC / "compatibility.md").read_text("utf-8").split("## What is written")[1].split("\n\n")[1]
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines())
    return {client: {row[0]: row[column] for row in rows} for column, client in enumerate(head) if column}


def shown(value: object) -> str:
    return f"`{json.dumps(value)}`"


def facts_of(bundle: Any, model: str) -> Facts:
    """What the table says of a bundle over `model`, as far as this one shows it."""
    material, envelope = bundle["verificationMaterial"], bundle["dsseEnvelope"]
    payload = base64.b64decode(envelope["payload"])
    statement = json.loads(payload)
    kind = statement["predicateType"].removeprefix("https://model_signing/")
    signature = envelope["signatures"][0]
    keyid = shown(signature["keyid"]) if "keyid" in signature else "absent"
    found = {"payload": "indented" if payload.startswith(b'{\n  "') else "canonical"}
    if "certificate" in material:
        found["`keyid`, sigstore"] = keyid
    else:
        found["`keyid`, key and certificate"] = keyid
        entries = "tlogEntries" in material
        found["`tlogEntries`, key and certificate"] = shown(material["tlogEntries"]) if entries else "absent"
    if "publicKey" in material:
        found["key: `publicKey` has"] = ", ".join(f"`{name}`" for name in material["publicKey"])
    return {**found, **statement_facts(statement, kind, model)}


def statement_facts(statement: Any, kind: str, model: str) -> Facts:
    """The rows that are about the statement."""
    if kind == "Digests/v0.1":
        return {"predicate type": f"`{kind}`", "subject": "one for each file"}
    serialization, resources = statement["predicate"]["serialization"], statement["predicate"]["resources"]
    found = {"subject": "the model" if [each["name"] for each in statement["subject"]] == [model] else "other"}
    paths = serialization.get("ignore_paths")
    if paths is None:
        found["`ignore_paths`"] = "absent"
    elif paths == sorted(paths):
        found["`ignore_paths`"] = "sorted"
    else:
        found["`ignore_paths`"] = "in changing order"
    if serialization["method"] == "files":
        found["predicate type"] = f"`{kind}`"
        if len(resources) == 1:
            found["name of a single file"] = "`.`" if resources[0]["name"] == "." else "base name"
    else:
        found["shards: predicate type"] = f"`{kind}`"
        found["shards: `hash_type`"] = f"`{serialization['hash_type']}`"
        found["shards: `shard_size`"] = shown(serialization["shard_size"])
        found["shards: `algorithm`"] = f"`{resources[0]['algorithm']}`"
    return {**found, **order_facts([each["name"] for each in resources], serialization["method"])}


def order_facts(names: list[str], method: str) -> Facts:
    """The order of names, where they tell it."""
    if method == "files":
        by_path = sorted(names, key=lambda name: name.split("/"))
    else:
        by_path = sorted(names, key=lambda name: [*name.split(":")[0].split("/"), f"{int(name.split(':')[1]):20}"])
    if by_path == sorted(names):
        return {}
    told = {True: "code point", False: "path" if method == "files" else "path, then number"}
    return {"order of names" if method == "files" else "shards: order": told[names == sorted(names)]}


def agree(facts: Facts, client: str) -> None:
    told = table()[client]
    assert facts == {row: told[row] for row in facts}


@needs_data
@pytest.mark.parametrize("release", RELEASES)
def test_published_signatures(release: str) -> None:
    bundle = json.loads((HISTORICAL / release / "model.sig").read_bytes())
    facts = facts_of(bundle, "signme-1" if release.startswith("v0.3.1") else release)
    assert len(facts) >= 5
    agree(facts, RELEASES[release])


@needs_data
def test_two_published_orders_of_ignored_paths() -> None:
    """`in changing order`: the same client, the same options."""
    orders = set()
    for release in ("v1.1.0-certificate", "v1.1.0-elliptic-key", "v1.1.0-sigstore"):
        bundle = json.loads((HISTORICAL / release / "model.sig").read_bytes())
        statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        orders.add(tuple(statement["predicate"]["serialization"]["ignore_paths"]))
    assert len(orders) == 3


def test_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    worked_example.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert cli("sign", "key", "--private-key", "key.pem", "--signature", "one.sig", "model/weights.bin").status == 0
    for name, model in {"key": "model", "shards": "model", "certificate": "model", "one": "weights.bin"}.items():
        agree(facts_of(json.loads((tmp_path / f"{name}.sig").read_bytes()), model), "here")


PEER = """
import model_signing
from model_signing import hashing, signing
def sign(model, signature, how):
    config = signing.Config().set_hashing_config(how).use_elliptic_key_signer(private_key="key.pem")
    config.sign(model, signature)
sign("model", "files.sig", hashing.Config())
sign("model/weights.bin", "one.sig", hashing.Config())
sign("model", "shards.sig", hashing.Config().use_shard_serialization(shard_size=5))
"""


@pytest.mark.slow
def test_python_1_1(tmp_path: Path) -> None:
    worked_example.write(tmp_path)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([peer_python(), "-c", PEER], cwd=tmp_path, env=environment, check=True, capture_output=True)
    for name, model in {"files": "model", "one": "weights.bin", "shards": "model"}.items():
        facts = facts_of(json.loads((tmp_path / f"{name}.sig").read_bytes()), model)
        # Four names come in their sorted order by chance, once in 24 times.
        agree({row: cell for row, cell in facts.items() if row != "`ignore_paths`"}, "Python 1.1.x")


def test_every_concession_has_its_note() -> None:
    """The codes in the table of what is read are those that compat.py gives."""
    text = (SPEC / "compatibility.md").read_text("utf-8").split("## What is read")[1].split("## Version")[0]
    told = set(re.findall(r"`(old-[a-z0-9.-]+)`", text))
    source = (SPEC.parent / "model_signing_ref" / "compat.py").read_text("utf-8")
    assert told == set(re.findall(r'"(old-[a-z0-9.-]+)"', source))
