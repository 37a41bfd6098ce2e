"""The release procedure: the same bytes from any clone, and signatures that verify."""

from __future__ import annotations

import gzip
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import pytest

import model_signing_ref

CLONE = Path(model_signing_ref.__file__).parent.parent
TIME = 1_800_000_000


@pytest.fixture(scope="module")
def release() -> ModuleType:
    path = CLONE / ".ci" / "release.py"
    if not path.exists():
        pytest.skip("an sdist does not carry .ci/release.py: run in a clone")
    spec = importlib.util.spec_from_file_location("release", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def packed(times: dict[str, int], mode: int = 0o664) -> bytes:
    """A source archive with an entry and its time for each of `times`, compressed at some time."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, time in times.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode, member.uid, member.uname = 1, time, mode, time, f"user{time}"
            archive.addfile(member, io.BytesIO(b"x"))
    return gzip.compress(made.getvalue(), mtime=max(times.values()))


def test_archives_that_differ_in_times_owners_and_order_become_one(release: ModuleType) -> None:
    one, other = packed({"a": 1, "b": 2}), packed({"b": 3, "a": 4})
    assert one != other
    made = release.normalised(one, TIME)
    assert made == release.normalised(other, TIME)
    assert made != release.normalised(packed({"a": 1, "c": 2}), TIME)
    with tarfile.open(fileobj=io.BytesIO(made)) as archive:
        assert [(each.name, each.mtime, each.uid, each.uname) for each in archive] == [
            ("a", TIME, 0, ""),
            ("b", TIME, 0, ""),
        ]


@pytest.mark.slow
def test_two_clones_give_the_same_bytes(release: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("build", reason="pip install build")
    trees = tmp_path / "one", tmp_path / "some where" / "two"
    for number, tree in enumerate(trees):
        shutil.copytree(CLONE, tree, ignore=shutil.ignore_patterns(*release.LEFT_OUT))
        for path in tree.rglob("*.py"):
            path.chmod(0o644 if number else 0o664)
            os.utime(path, (TIME + number, TIME + number))
    made = [release.build(tree, tmp_path / f"dist{number}", TIME) for number, tree in enumerate(trees)]
    assert len(made[0]) == 2
    assert made[0] == made[1]


def test_a_difference_is_told(
    release: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = iter([{"a.whl": "1", "b.tar.gz": "2"}, {"a.whl": "1", "b.tar.gz": "3"}])
    monkeypatch.setattr(release, "build", lambda *_: next(results))
    assert not release.build_twice(CLONE, tmp_path, TIME)
    assert capsys.readouterr().out == "1  a.whl\nb.tar.gz differs between two builds\n"


def test_what_is_released_is_signed(
    release: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key_files: tuple[Path, Path]
) -> None:
    private, public = key_files

    def build_twice(_: Path, dist: Path, __: int) -> bool:
        dist.mkdir()
        (dist / "a.whl").write_bytes(b"wheel")
        return True

    monkeypatch.setattr(release, "build_twice", build_twice)
    monkeypatch.setattr(release, "commit_time", lambda _: TIME)
    out = tmp_path / "out"
    assert release.main(["--key", str(private), "--public-key", str(public), str(out)]) == 0
    assert (out / "vectors.sig").exists()
    verify = [sys.executable, "-m", "model_signing_ref", "verify", "key", "--public-key", str(public)]
    verify += ["--signature", str(out / "dist.sig"), str(out / "dist")]
    assert subprocess.run(verify, check=False, capture_output=True).returncode == 0
    (out / "dist" / "a.whl").write_bytes(b"other")
    assert subprocess.run(verify, check=False, capture_output=True).returncode == 1
