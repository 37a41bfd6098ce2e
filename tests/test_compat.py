"""Every concession to released clients: the shape that they wrote, accepted with its note, and its near misses."""

from __future__ import annotations

import inspect
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from forge import (
    KEY,
    VERIFIER,
    Plan,
    b64,
    bundle_value,
    digest_of,
    judge,
    judge_statement,
    pae,
    replaced,
    resource,
    shards,
    sign,
    statement,
    to_json,
    verify,
    without,
    write_tree,
)

from model_signing_ref import compat, verifying
from model_signing_ref.errors import OLD, Note

PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
DATA = Path(os.environ.get("OMS_TEST_DATA", Path(__file__).parents[2] / "shared")) / "historical"

# Statements, and the verdict with the notes.
SHAPES: dict[str, tuple[Any, str, list[str]]] = {
    "path order": (statement([resource("a/b"), resource("a.b")]), "accepted", ["old-order"]),
    "neither order": (statement([resource("b"), resource("a/b"), resource("a.b")]), "names OMS-5.2.1-05", []),
    "path order, twice": (statement([resource("a/b"), resource("a/b"), resource("a.b")]), "names REF-NAMES-03", []),
    "number order": (
        shards([resource(f"a:{n * 10}:{n * 10 + 10}") for n in range(11)]),
        "accepted",
        ["old-order"],
    ),
    "number order, a gap": (
        shards([resource(f"a:{n * 10}:{n * 10 + 10}") for n in range(12) if n != 5]),
        "names OMS-6.3.2-04",
        ["old-order"],
    ),
    "number order, one late": (
        shards([resource(f"a:{n * 10}:{n * 10 + 10}") for n in (0, 1, 3, 2, 4, 5, 6, 7, 8, 9, 10)]),
        "names OMS-5.2.1-05",
        [],
    ),
    "the dot": (statement([resource(".")]), "accepted", ["old-dot"]),
    "the dot beside another": (statement([resource("."), resource("a")]), "names OMS-6.1.2-04", []),
    "the dot and a slash": (statement([resource("./")]), "names OMS-6.1.2-06", []),
    "two dots": (statement([resource("..")]), "names OMS-6.1.2-03", []),
    "the dot in shards": (shards([resource(".:0:10"), resource(".:10:11")]), "accepted", ["old-dot"]),
    "10.0": (shards(shard_size=10.0), "accepted", ["old-float-shard-size"]),
    "10.5": (shards(shard_size=10.5), "predicate OMS-5.2.2-03", []),
    "0.0": (shards(shard_size=0.0), "predicate OMS-5.2.2-03", ["old-float-shard-size"]),
    "true": (shards(shard_size=True), "predicate OMS-5.2.2-03", []),
    "sha256-sharded-10": (
        shards([resource("a:0:10", b"", "sha256-sharded-10"), resource("b:0:1", b"", "sha256-sharded-10")]),
        "accepted",
        ["old-shard-algorithm"],
    ),
    "hash_type of Python 0.3.1": (
        shards([resource("a:0:10", b"", "sha256-sharded-10")], hash_type="sha256-sharded-10"),
        "predicate OMS-5.2.2-02",
        [],
    ),
    "sha256-sharded-10 and 10.0": (
        shards([resource("a:0:10", b"", "sha256-sharded-10")], shard_size=10.0),
        "accepted",
        ["old-float-shard-size", "old-shard-algorithm"],
    ),
    "sha256-sharded-11": (shards([resource("a:0:10", b"", "sha256-sharded-11")]), "predicate OMS-7-01", []),
    "sha256-sharded-10.0": (shards([resource("a:0:10", b"", "sha256-sharded-10.0")]), "predicate OMS-7-01", []),
    "blake3-sharded-10": (shards([resource("a:0:10", b"", "blake3-sharded-10")]), "predicate OMS-7-01", []),
    "mixed algorithms": (
        shards([resource("a:0:10", b"", "sha256-sharded-10"), resource("b:0:1")]),
        "predicate OMS-7-01",
        [],
    ),
    "sharded files": (statement([resource("a", b"", "sha256-sharded-10")]), "predicate OMS-7-01", []),
    "sharded None": (statement([resource("a", b"", "sha256-sharded-None")]), "predicate OMS-7-01", []),
    "blake2": (
        statement([{"name": "a", "algorithm": "blake2", "digest": "00" * 64}], hash_type="blake2"),
        "predicate OMS-5.2.2-02",
        [],
    ),
    "blake2 as an algorithm": (
        statement([{"name": "a", "algorithm": "blake2", "digest": "00" * 64}], hash_type="blake2b"),
        "predicate OMS-7-01",
        [],
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name: str) -> None:
    value, want, notes = SHAPES[name]
    verdict = judge_statement(value)
    assert (verdict, verdict.notes) == (want, notes)


def test_only_the_quiet_note_is_quiet() -> None:
    value = bundle_value(to_json(SHAPES["path order"][0]))
    value = replaced(value, ("dsseEnvelope", "signatures", 0, "keyid"), None)
    notes: list[Note] = []
    verifying.verify_bundle(to_json(value), VERIFIER, warn=notes.append)
    assert [(note.code, note.loud) for note in notes] == [("old-null-keyid", False), ("old-order", True)]


def test_every_concession_has_a_note_that_says_so() -> None:
    """The signer knows by it what only an old client's bundle may have."""
    codes = re.findall(r'Note\("([^"]*)"', inspect.getsource(compat))
    assert len(codes) >= 7
    assert [code for code in codes if not code.startswith(OLD)] == []


def test_raw_key_and_null_keyid() -> None:
    value = bundle_value(to_json(statement()))
    old = replaced(value, ("verificationMaterial", "publicKey"), {"rawBytes": b64(PEM), "keyDetails": "x"})
    verdict = judge(to_json(replaced(old, ("dsseEnvelope", "signatures", 0, "keyid"), None)))
    assert (verdict, verdict.notes) == ("accepted", ["old-raw-key", "old-null-keyid"])
    verdict = judge(to_json(value))
    assert (verdict, verdict.notes) == ("accepted", [])


def write_old(path: Path, value: Any) -> Path:
    path.write_bytes(to_json(bundle_value(to_json(value))))
    return path


def test_the_dot_stands_for_a_file_only(tmp_path: Path) -> None:
    file = tmp_path / "weights.bin"
    file.write_bytes(b"0123456789abc")
    old = write_old(tmp_path / "old.sig", statement([resource(".", b"0123456789abc")]))
    parts = [resource(".:0:10", b"0123456789"), resource(".:10:13", b"abc")]
    old_shards = write_old(tmp_path / "shards.sig", shards(parts))
    for signature in (old, old_shards):
        verdict = verify(file, signature)
        assert (verdict, verdict.notes) == ("accepted", ["old-dot"])
    folder = write_tree(tmp_path / "model", {"weights.bin": b"0123456789abc"})
    assert verify(folder, old) == "files OMS-8.4-01"
    assert verify(folder, old, unsigned=True) == "files OMS-8.4-01"
    file.write_bytes(b"0123456789abd")
    assert verify(file, old) == "digest OMS-8.4-01"
    assert verify(file, old_shards) == "digest OMS-8.4-01"


def test_path_order_still_compares_every_file(tmp_path: Path) -> None:
    model = write_tree(tmp_path / "m", {"a/b": b"1", "a.b": b"2"})
    old = write_old(tmp_path / "s", statement([resource("a/b", b"1"), resource("a.b", b"2")]))
    verdict = verify(model, old)
    assert (verdict, verdict.notes) == ("accepted", ["old-order"])
    (model / "a.b").write_bytes(b"3")
    assert verify(model, old) == "digest OMS-8.4-01"


def v02_statement(files: dict[str, bytes]) -> Any:
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": name, "digest": {"sha256": digest_of(content)}, "annotations": {"x": 1}}
            for name, content in files.items()
        ],
        "predicateType": "https://model_signing/Digests/v0.1",
        "predicate": {"unused": "Unused, just passed due to API requirements"},
    }


FILES = {"a": b"1", "b": b"2"}


def v02_pae(payload: bytes) -> bytes:
    return f"DSSEV1 28 application/vnd.in-toto+json {len(payload)} {payload!r}".encode()


def write_v02(path: Path, value: Any, *, encode: Any = v02_pae, algorithm: Any = hashes.SHA256) -> Path:
    payload = to_json(value)
    path.write_bytes(to_json(bundle_value(payload, KEY.sign(encode(payload), ec.ECDSA(algorithm())))))
    return path


def test_version_02_is_read_on_request_only(tmp_path: Path) -> None:
    model = write_tree(tmp_path / "m", FILES)
    signature = write_v02(tmp_path / "s", v02_statement(FILES))
    assert verify(model, signature) == "signature DSSE-01"
    verdict = verify(model, signature, v02=True)
    assert (verdict, verdict.notes) == ("accepted", ["old-v0.2"])
    (model / "b").write_bytes(b"3")
    assert verify(model, signature, v02=True) == "digest OMS-8.4-01"


def test_version_02_is_read_with_its_encoding_hash_and_statement_together(tmp_path: Path) -> None:
    model = write_tree(tmp_path / "m", FILES)
    old, new = v02_statement(FILES), statement([resource(name, content) for name, content in FILES.items()])
    cases: list[tuple[Any, Any, Any, str]] = [
        (old, v02_pae, hashes.SHA256, "accepted"),
        (new, v02_pae, hashes.SHA256, "statement REF-COMPAT-01"),
        (old, pae, hashes.SHA256, "statement OMS-8.3-03"),
        (old, v02_pae, hashes.SHA384, "signature DSSE-01"),
        (new, pae, hashes.SHA256, "accepted"),
    ]
    for value, encode, algorithm, want in cases:
        signature = write_v02(tmp_path / "s", value, encode=encode, algorithm=algorithm)
        assert verify(model, signature, v02=True) == want


V02_NEAR_MISSES: dict[str, tuple[Any, str]] = {
    "no object": ([], "statement REF-COMPAT-01"),
    "no subject": ({**v02_statement({}), "subject": []}, "statement REF-COMPAT-01"),
    "subject absent": (without(v02_statement(FILES), ("subject",)), "statement REF-COMPAT-01"),
    "_type absent": (without(v02_statement(FILES), ("_type",)), "statement OMS-8.3-02"),
    "no name": (without(v02_statement(FILES), ("subject", 0, "name")), "statement REF-COMPAT-01"),
    "another digest": (
        replaced(v02_statement(FILES), ("subject", 0, "digest", "sha512"), "00" * 64),
        "statement REF-COMPAT-01",
    ),
    "upper case": (
        replaced(v02_statement(FILES), ("subject", 0, "digest", "sha256"), "AB" * 32),
        "statement REF-COMPAT-01",
    ),
    "one name twice": (
        replaced(v02_statement(FILES), ("subject", 1, "name"), "a"),
        "names REF-NAMES-03",
    ),
    "out of the model": (replaced(v02_statement(FILES), ("subject", 0, "name"), "../a"), "names OMS-6.1.2-03"),
    "out of order": (v02_statement({"b": b"2", "a": b"1"}), "names OMS-5.2.1-05"),
}


@pytest.mark.parametrize("name", V02_NEAR_MISSES)
def test_version_02_near_misses(tmp_path: Path, name: str) -> None:
    model = write_tree(tmp_path / "m", FILES)
    value, want = V02_NEAR_MISSES[name]
    assert verify(model, write_v02(tmp_path / "s", value), v02=True) == want


def test_version_02_and_what_the_caller_insists_on(tmp_path: Path) -> None:
    model = write_tree(tmp_path / "m", FILES)
    signature = write_v02(tmp_path / "s", v02_statement(FILES))
    assert verify(model, signature, Plan("files", "sha256"), v02=True) == "accepted"
    assert verify(model, signature, Plan("shards"), v02=True) == "predicate REF-PREDICATE-03"
    assert verify(model, signature, Plan(hash_type="blake2b"), v02=True) == "predicate REF-PREDICATE-03"


@pytest.mark.parametrize(
    ("folder", "model", "notes"),
    [
        ("v0.3.1-elliptic-key", "signme-1", ["old-raw-key", "old-null-keyid", "old-dot"]),
        ("v1.1.0-elliptic-key", "", []),
    ],
)
def test_historical_bundles(folder: str, model: str, notes: list[str], tmp_path: Path) -> None:
    config = verifying.Config().use_elliptic_key_verifier(public_key=DATA / "keys" / "signing-key-pub.pem")
    given: list[Note] = []
    report = config.set_warn(given.append).verify(DATA / folder / model, DATA / folder / "model.sig")
    assert [note.code for note in given] == notes
    assert report.not_covered == ([] if model else ["ignore-me"])


def test_nothing_old_is_ever_written(tmp_path: Path) -> None:
    model = write_tree(tmp_path / "m", {"a/b": b"0123456789", "a.b": b"1" * 101, "empty": b""})
    for plan in (Plan(), Plan("shards", shard_size=10), Plan("shards", "blake2b", shard_size=7)):
        sign(model, tmp_path / "s", plan)
        verdict = verify(model, tmp_path / "s")
        assert (verdict, set(verdict.notes) - {"zero-byte-files"}) == ("accepted", set())
        material = json.loads((tmp_path / "s").read_bytes())["verificationMaterial"]
        assert set(material["publicKey"]) == {"hint"}
