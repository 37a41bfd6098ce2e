"""What all tests share: which skips are allowed, a model, keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

EXPECTED_SKIPS = Path(__file__).with_name("expected-skips.txt")


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
