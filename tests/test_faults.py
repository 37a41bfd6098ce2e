"""A run that is killed, and models that change while they are read: nothing lost, nothing wrongly verified.

With OMS_LONG_TESTS set, as in .ci/full, signing is killed 500 times and each race goes on for 60 seconds.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import pytest
from disturber import RACES

from model_signing_ref import hashing, signing, verifying
from model_signing_ref.errors import OperationError, Rejection

Keys = tuple[Path, Path]
LONG = bool(os.environ.get("OMS_LONG_TESTS"))
KILLS, SECONDS = (500, 60.0) if LONG else (40, 1.0)
DISTURBER = Path(__file__).with_name("disturber.py")
SECRET = b"not of the model"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork, FIFOs and links: run on Linux or macOS")


def start(*words: str | Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(DISTURBER.parents[1])}
    command = [sys.executable, str(DISTURBER), *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def test_killed_at_any_moment(key_files: Keys, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    signature = tmp_path / "model.sig"
    with start("kill", str(KILLS), "1", key_files[0], tmp_path / "model", signature) as child:
        out, err = child.communicate()
    assert (child.returncode, err) == (0, "")
    found = json.loads(out)
    assert found["old"] + found["new"] == KILLS
    assert found["old"] and found["new"], "all moments were on one side of the replacement"
    assert os.listdir(tmp_path).count("model.sig") == 1
    assert not any(name.endswith(".oms-tmp") for name in os.listdir(tmp_path)), "the next signer tidies up"


@contextmanager
def disturbed(kind: str, folder: Path) -> Iterator[tuple[Path, float]]:
    """The model that is being changed, and when to stop looking."""
    with start("race", kind, folder / "model", folder / "outside") as child:
        try:
            assert child.stdout is not None and child.stdout.readline() == "begun\n"
            yield folder / "model", time.monotonic() + SECONDS
            assert child.poll() is None, "the model was no longer being changed"
        finally:
            child.kill()


def make_model(folder: Path, *contents: bytes) -> Path:
    model = folder / "model"
    for path, content in zip((model / "f", model / "d" / "g"), contents):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return model


@pytest.mark.parametrize("kind", RACES)
def test_a_model_that_is_never_what_was_signed_is_never_verified(kind: str, key_files: Keys, tmp_path: Path) -> None:
    """What was signed lies outside, where links lead to: opening it would be following them."""
    signed_f, signed_g = b"signed" * 2000, b"signed too"
    model = make_model(tmp_path, signed_f, signed_g)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f").write_bytes(signed_f)
    (outside / "g").write_bytes(signed_g)
    signing.Config().use_elliptic_key_signer(private_key=key_files[0]).sign(model, tmp_path / "sig")
    (model / "d" / "g").write_bytes(b"tampered with")  # as long as the folder is a folder
    verifier = verifying.Config().use_elliptic_key_verifier(public_key=key_files[1])
    verdicts = Counter[str]()
    with disturbed(kind, tmp_path) as (model, end):
        while time.monotonic() < end or not verdicts:
            try:
                verifier.verify(model, tmp_path / "sig")
                verdicts["verified"] += 1
            except Rejection as error:
                verdicts[error.stage] += 1
    assert verdicts["verified"] == 0
    assert set(verdicts) <= {"files", "digest"}, verdicts


@pytest.mark.parametrize("kind", RACES)
def test_what_is_signed_was_in_the_model(kind: str, tmp_path: Path) -> None:
    """No digest of what a link leads to, and none of a mixture of two contents."""
    make_model(tmp_path, b"first", b"fixed")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f").write_bytes(SECRET)
    (outside / "g").write_bytes(SECRET)
    grown = b"other" * 1000 * 50  # which a reader sees as it stands after a write, or a page of one
    sizes = {*range(0, len(grown) + 1, 5000), *range(0, len(grown), 4096)}
    contents = (b"first", b"fixed", b"other", *(grown[:size] for size in sizes))
    honest = {hashlib.sha256(content).digest() for content in contents}
    results = Counter[str]()
    with disturbed(kind, tmp_path) as (model, end):
        while time.monotonic() < end or not results:
            try:
                manifest = hashing.hash_model(model)
            except OperationError:
                results["refused"] += 1
            else:
                results["hashed"] += 1
                assert {resource.digest for resource in manifest.resources} <= honest
    assert results


def use(folder: Path, signer: signing.Config, verifier: verifying.Config) -> str:
    """Sign and verify a model of its own, in a process of its own."""
    model = make_model(folder, folder.name.encode(), b"same")
    signer.sign(model, folder / "sig")
    verifier.verify(model, folder / "sig")
    (model / "f").write_bytes(b"changed")
    try:
        verifier.verify(model, folder / "sig")
    except Rejection as error:
        return f"{error.stage} {error.path}"
    return "accepted"


def in_child(number: int) -> str:
    folder, signer, verifier = SHARED[0]
    return use(folder / str(number), signer, verifier)


SHARED: list[tuple[Path, signing.Config, verifying.Config]] = []  # what forked children find


def test_one_config_for_8_processes(key_files: Keys, tmp_path: Path) -> None:
    signer = signing.Config().use_elliptic_key_signer(private_key=key_files[0])
    verifier = verifying.Config().use_elliptic_key_verifier(public_key=key_files[1])
    SHARED.append((tmp_path, signer, verifier))
    try:
        with ProcessPoolExecutor(8, mp_context=get_context("fork")) as pool:
            assert list(pool.map(in_child, range(32))) == ["digest f"] * 32
    finally:
        SHARED.clear()
