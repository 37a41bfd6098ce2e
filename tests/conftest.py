"""What all tests share: which skips are allowed, a model, keys."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from output_schemas import check_output

from model_signing_ref.clauses import all_clauses
from model_signing_ref.cli import main
from model_signing_ref.errors import Rejection

MISPLACED: list[str] = []  # rejections whose clause is unknown, or of other stages
README = Path(__file__).parent.parent / "README.md"
EXPECTED_SKIPS = Path(__file__).with_name("expected-skips.txt")


class Done(NamedTuple):
    """How a command line ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was printed with --json, which has to fit its schema."""
        value = json.loads(self.out)
        check_output(value)
        return value


Cli = Callable[..., Done]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--only-expected-skips", action="store_true", help="fail on a skip that expected-skips.txt lacks")


def expected_skips() -> tuple[str, ...]:
    lines = (line.split("#")[0].strip() for line in EXPECTED_SKIPS.read_text("utf-8").splitlines())
    return tuple(line for line in lines if line)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn an unexpected skip into a failed run, so that a missing component can't pass unseen."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not session.config.getoption("--only-expected-skips") or reporter is None:
        return
    allowed = expected_skips()
    surprises = [r.nodeid for r in reporter.stats.get("skipped", []) if not r.nodeid.startswith(allowed or ("\0",))]
    for nodeid in surprises:
        reporter.write_line(f"unexpected skip: {nodeid}", red=True)
    if surprises and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def watched(raw: Callable[..., None]) -> Callable[..., None]:
    """`Rejection.__init__`, which notes what spec/clauses.json does not have: the clause, or that stage of it."""

    def init(self: Rejection, detail: str, *, clause: str, **more: Any) -> None:
        raw(self, detail, clause=clause, **more)
        known = {each.id: {each.stage, *each.also_at} for each in all_clauses()}
        if self.stage not in known.get(clause, ()) and clause != "REF-TEST":
            MISPLACED.append(str(self))

    return init


Rejection.__init__ = watched(Rejection.__init__)  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def rejections_have_a_clause_of_their_stage() -> Iterator[None]:
    """In whatever a test does in this process."""
    MISPLACED.clear()
    yield
    assert MISPLACED == []


@pytest.fixture
def key_files(tmp_path: Path) -> tuple[Path, Path]:
    """A new P-256 key as PEM files: private, public."""
    return keys_for(tmp_path, ec.SECP256R1())


def keys_for(folder: Path, curve: ec.EllipticCurve, name: str = "key") -> tuple[Path, Path]:
    key = ec.generate_private_key(curve)
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small model with the names that separate code point order from path order."""
    root = tmp_path / "model"
    (root / "tokenizer").mkdir(parents=True)
    (root / "tokenizer" / "vocab.json").write_text("{}")
    (root / "tokenizer.json").write_text('{"version": 1}')
    (root / "weights.bin").write_bytes(bytes(range(256)) * 64)
    (root / "empty").write_bytes(b"")
    return root


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command line in this process: exit status, stdout, stderr."""

    def run(*words: str | Path) -> Done:
        capsys.readouterr()
        try:
            status = main([str(word) for word in words])
        except SystemExit as ended:
            assert isinstance(ended.code, int)
            status = ended.code
        return Done(status, *capsys.readouterr())

    return run


def one_line(text: str) -> str:
    """The one line that `text` must be, without its end."""
    assert text.endswith("\n") and text.count("\n") == 1, text
    assert text[:-1].isprintable(), text
    return text[:-1]


def run_child(*words: str | bytes | Path, **options: Any) -> Done:
    """Run a command line in a process of its own. `options` are those of subprocess.run."""
    command = [sys.executable, "-m", "model_signing_ref", *words]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    ended = subprocess.run(command, check=False, timeout=60, **{**streams, **options})
    return Done(ended.returncode, *((part or b"").decode("utf-8") for part in (ended.stdout, ended.stderr)))


def run_block(commands: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a block of README.md with bash in `folder`, where `model_signing_ref` is this package."""
    program = folder / "bin" / "model_signing_ref"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m model_signing_ref "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": str(README.parent)}
    command = ["bash", "-euo", "pipefail", "-c", commands]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, env=environment)


def peer_python() -> str:
    """The Python in which the released client is installed."""
    if python := os.environ.get("OMS_PEER_PYTHON"):
        return python
    make = "python3 -m venv peer && peer/bin/python -m pip install model-signing==1.1.1 pyOpenSSL"
    pytest.skip(f"OMS_PEER_PYTHON is not set: {make}; export OMS_PEER_PYTHON=$PWD/peer/bin/python")
