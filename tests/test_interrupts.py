"""Ctrl-C at any time: exit status 130, one line, and nothing half-written; it does not wait for what is being read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import Done

from model_signing_ref import hashing, signing
from model_signing_ref.keys import load_private_key
from model_signing_ref.manifest import Manifest, Resource, Serialization, root_digest
from model_signing_ref.signers.key import key_signer

Keys = tuple[Path, Path]
ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="needs /proc to see when hashing has begun: run on Linux"
)


def sparse(path: Path, size: int) -> Path:
    """A file of `size` bytes that takes no space."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def one_huge_file(model: Path) -> None:
    sparse(model / "huge", 1 << 40)


def one_large_file(model: Path) -> None:
    sparse(model / "huge", 1 << 35)


def three_huge_files(model: Path) -> None:
    for number in range(3):
        sparse(model / f"huge{number}", 1 << 40)


def many_small_files(model: Path) -> None:
    """20,000 names of one file: 20 GB to hash in the main thread."""
    file = sparse(model / "0" / "huge", 1 << 20)
    for number in range(1, 20_000):
        name = model / str(number // 1000) / f"huge{number}"
        name.parent.mkdir(exist_ok=True)
        os.link(file, name)


MODELS: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "one huge file": (one_huge_file, ()),
    "three huge files, in threads": (three_huge_files, ()),
    "many small files": (many_small_files, ()),
    "a thousand shards, in threads": (one_huge_file, ("--shard-size", str(1 << 30))),
    "many shards": (one_large_file, ("--shard-size", str(1 << 20))),
}


def forge(model: Path, signature: Path, key: Path, shard_size: int) -> None:
    """Sign the model's names with digests that nothing was hashed for: comparing them would take long."""
    files = [path for path in model.rglob("*") if path.is_file()]
    names = sorted(path.relative_to(model).as_posix() for path in files)
    if shard_size:
        steps = range(0, files[0].stat().st_size, shard_size)
        names = sorted(f"{name}:{start}:{start + shard_size}" for name in names for start in steps)
    resources = [Resource(name, bytes(32)) for name in names]
    method = "shards" if shard_size else "files"
    kind = Serialization(method, "sha256", shard_size or None, False, ("model.sig",))
    manifest = Manifest("model", kind, resources, root_digest(resources))
    signature.write_bytes(signing.sign_manifest(manifest, key_signer(load_private_key(key)), hashing.ignore_note))


def interrupted(words: list[str], when: Callable[[int], bool]) -> Done:
    """How a command line ends that gets Ctrl-C once `when` holds for its process."""
    with subprocess.Popen(
        [sys.executable, "-m", "model_signing_ref", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=default_interrupt,  # noqa: PLW1509
    ) as child:
        try:
            while not when(child.pid):
                time.sleep(0.01)
                assert child.poll() is None, child.communicate()
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=60)
        finally:
            child.kill()
    return Done(child.returncode, out, err)


def default_interrupt() -> None:
    """In a background job SIGINT is ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def is_hashing(pid: int) -> bool:
    """Whether the process has a file open that takes long."""
    return any("/huge" in target for target in link_targets(Path(f"/proc/{pid}/fd")))


def link_targets(folder: Path) -> Iterator[str]:
    with suppress(OSError):
        for entry in folder.iterdir():
            with suppress(OSError):
                yield os.readlink(entry)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("command", ["sign", "verify"])
def test_while_hashing(command: str, kind: str, key_files: Keys, tmp_path: Path) -> None:
    make, options = MODELS[kind]
    model, signature = tmp_path / "model", tmp_path / "model.sig"
    make(model)
    if command == "verify":
        forge(model, signature, key_files[0], int(options[-1]) if options else 0)
        words = ["verify", "key", "--public-key", str(key_files[1])]
    else:
        signature.write_bytes(b"the old one")
        words = ["sign", "key", "--private-key", str(key_files[0]), *options]
    before, listed = signature.read_bytes(), sorted(os.listdir(tmp_path))
    done = interrupted([*words, "--signature", str(signature), str(model)], is_hashing)
    assert done == (130, "", "interrupted\n")
    assert signature.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == listed


@pytest.mark.parametrize("module", ["argparse", "cryptography", "json"])
def test_while_the_first_modules_load(module: str, key_files: Keys, tmp_path: Path) -> None:
    """A module of that name is found first, and the signal comes while it is being imported."""
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / f"{module}.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a").write_bytes(b"1")
    words = ["sign", "key", "--private-key", str(key_files[0]), "--signature", "model.sig", "model"]
    for start in (
        ["-m", "model_signing_ref"],
        ["-c", "import sys; from model_signing_ref.__main__ import main; sys.exit(main())"],
    ):
        done = subprocess.run(
            [sys.executable, *start, *words],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": f"{tmp_path / 'first'}:{ROOT}"},
            preexec_fn=default_interrupt,
        )
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")
    assert not (tmp_path / "model.sig").exists()


def test_the_installed_program_is_the_one_that_is_tested() -> None:
    assert "model_signing_ref = model_signing_ref.__main__:main" in (ROOT / "setup.cfg").read_text("utf-8")
