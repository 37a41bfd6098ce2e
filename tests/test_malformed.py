"""Every malformed shape, through the command line: status 1, 2 or 3, one line on stderr, no traceback."""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from forge import (
    KEY,
    bundle_value,
    judge,
    positions,
    replaced,
    resource,
    shards,
    sign,
    signed,
    to_json,
    without,
    write_tree,
)

import model_signing_ref
from model_signing_ref.cli import main

STAGES = {"bundle", "material", "envelope", "key", "signature", "statement", "predicate", "names", "root-digest"}
CONTENT = b"0123456789abc"
GOOD = shards([resource("a:0:10", CONTENT[:10]), resource("a:10:13", CONTENT[10:])])
ODD: tuple[Any, ...] = (
    *(None, True, -1, 0, 10**60, 1.5, -0.0, 1e308, "", "\0", "\ud800", "a\nb\x1b[0m", "/", "=", "A" * 10_000),
    *([], [[]], [None], ["", ""], {}, {"": None}, {"a": {"a": {}}}, [0] * 1000, [{}] * 2),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("malformed")
    write_tree(place / "m", {"a": CONTENT})
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (place / "key.pub").write_bytes(public)
    return place


def arguments(place: Path, signature: Path) -> list[str]:
    return ["verify", "key", "--public-key", str(place / "key.pub"), "--signature", str(signature), str(place / "m")]


def run(place: Path, data: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Status and stderr of `verify key` for the bundle in `data`."""
    signature = place / "s"
    signature.write_bytes(data)
    err = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", err)
        patch.setattr(sys, "stdout", io.StringIO())
        status = main(arguments(place, signature))
    return status, err.getvalue()


def assert_rejected(status: int, err: str, what: object) -> None:
    last = err.rstrip("\n").split("\n")[-1]
    assert status == 1, (what, err)
    assert last.startswith("Verification failed: "), (what, err)
    assert last.split(": ")[1] in STAGES | {"files", "digest"}, (what, err)
    assert last.endswith("]"), (what, err)
    warnings = err.split("\n")[:-2]
    assert all(line.startswith("warning: ") for line in warnings), (what, err)
    assert err.isprintable() or all(line.isprintable() for line in err.split("\n")), (what, err)


def test_the_control(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(place, signed(GOOD), monkeypatch) == (0, "")


def test_every_odd_value_at_every_position_of_a_bundle(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = bundle_value(to_json(GOOD))
    for at, odd in itertools.product(positions(value), ODD):
        if at[-1:] == ("keyid",):
            continue
        assert_rejected(*run(place, to_json(replaced(value, at, odd)), monkeypatch), (at, odd))
    for at in positions(value):
        if at:
            assert_rejected(*run(place, to_json(without(value, at)), monkeypatch), at)


def test_every_odd_value_at_every_position_of_a_payload(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed again. What stays acceptable is listed, position by position."""
    fine: set[tuple[tuple[str | int, ...], str]] = set()
    for at, odd in itertools.product(positions(GOOD), ODD):
        status, err = run(place, signed(replaced(GOOD, at, odd)), monkeypatch)
        if status == 0:
            fine.add((at, repr(odd)[:20]))
        else:
            assert_rejected(status, err, (at, odd))
    name = ("subject", 0, "name")
    harmless = ("\0", "a\nb\x1b[0m", "/", "=", "A" * 10_000)
    serialization = ("predicate", "serialization")
    choices = {((*serialization, "ignore_paths"), "[]"), ((*serialization, "allow_symlinks"), "True")}
    assert fine == {(name, repr(odd)[:20]) for odd in harmless} | choices
    for at in positions(GOOD):
        if at and at[-1] != "ignore_paths":
            assert_rejected(*run(place, signed(without(GOOD, at)), monkeypatch), at)


def test_every_cut_of_a_bundle(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = signed(GOOD)
    assert {judge(data[:end])[:7] for end in range(len(data))} == {"bundle "}
    for end in range(0, len(data), 97):
        status, err = run(place, data[:end], monkeypatch)
        assert status == 1, end
        assert err.startswith("Verification failed: bundle: "), (end, err)
        assert err.count("\n") == 1, (end, err)


TEXTS = {
    "nothing": b"",
    "a NUL": b"\0",
    "brackets": b"[" * 100_000,
    "closed brackets": b"[" * 100_000 + b"]" * 100_000,
    "braces": b'{"a":' * 100_000,
    "a number": b"[" + b"9" * 1_000_000 + b"]",
    "a string": b'"' + b"\\" * 1_000_001 + b'"',
    "escapes": b'"' + b"\\ud83d" * 100_000 + b'"',
    "quotes": b'"' * 1_000_001,
    "white space": b" " * 20_000_000,
    "many members": b"{" + b",".join(b'"%d":0' % number for number in range(200_000)) + b"}",
    "random": os.urandom(1000),
    "a PNG": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "a PEM": b"-----BEGIN CERTIFICATE-----\n",
    "UTF-16": signed(GOOD).decode().encode("utf-16"),
}


@pytest.mark.parametrize("layer", ["bundle", "payload"])
@pytest.mark.parametrize("name", TEXTS)
def test_texts(place: Path, name: str, layer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = TEXTS[name] if layer == "bundle" else signed(TEXTS[name])
    status, err = run(place, data, monkeypatch)
    assert_rejected(status, err, name)
    assert err.split(": ")[1] == {"bundle": "bundle", "payload": "statement"}[layer]


def process(place: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(model_signing_ref.__file__).parents[1])}
    command = [sys.executable, "-m", "model_signing_ref", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=place, env=environment, check=False)


def sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def test_a_sample_as_processes(tmp_path: Path, place: Path) -> None:
    good = tmp_path / "good"
    good.write_bytes(signed(GOOD))
    for name in ("brackets", "number", "random"):
        (tmp_path / name).write_bytes(TEXTS.get(name, TEXTS["a number"]))
    sparse(tmp_path / "300 MB", 300_000_000)
    os.mkfifo(tmp_path / "fifo")
    expected = {
        "brackets": (1, "Verification failed: bundle: "),
        "number": (1, "Verification failed: bundle: "),
        "random": (1, "Verification failed: bundle: "),
        "300 MB": (1, "Verification failed: bundle: "),
        "fifo": (2, "error: "),
        "absent": (2, "error: "),
        ".": (2, "error: "),
    }
    assert process(place, arguments(place, good)).returncode == 0
    for name, (status, start) in expected.items():
        done = process(place, arguments(place, tmp_path / name))
        assert (done.returncode, done.stdout) == (status, ""), name
        assert done.stderr.startswith(start), done.stderr
        assert done.stderr.count("\n") == 1, done.stderr


def test_a_huge_extra_file_as_a_process(tmp_path: Path, place: Path) -> None:
    model = write_tree(tmp_path / "m", {"a": b"1"})
    sign(model, tmp_path / "s")
    sparse(model / "huge", 4 << 40)
    done = process(place, [*arguments(place, tmp_path / "s")[:-1], str(model)])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Verification failed: files: 'huge' is not signed [OMS-8.5-01]\n"
