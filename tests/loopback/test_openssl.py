"""OpenSSL asks the timestamp authority and verifies what it says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("asn1crypto")
pytest.importorskip("sigstore")

from conformance.loopback import encodings as enc
from conformance.loopback import server

from .clients import http, run

if shutil.which("openssl") is None:
    pytest.skip("needs the openssl command", allow_module_level=True)


def openssl(*arguments: str | Path) -> tuple[int, str]:
    done = run(["openssl", "ts", *arguments])
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def files(box: server.Loopback, tmp_path: Path) -> Path:
    """A directory with a message, and the authority's certificates."""
    (tmp_path / "message").write_bytes(b"a message")
    (tmp_path / "other").write_bytes(b"another message")
    (tmp_path / "root.pem").write_bytes(enc.pem(box.instance.tsa.root))
    (tmp_path / "tsa.pem").write_bytes(enc.pem(box.instance.tsa.certificate))
    return tmp_path


def ask(box: server.Loopback, files: Path, *options: str) -> None:
    query, reply = files / "query", files / "reply"
    status, output = openssl("-query", "-data", files / "message", "-out", query, *options)
    assert status == 0, output
    answer = http(
        f"{box.url}/api/v1/timestamp",
        query.read_bytes(),
        headers={"Content-Type": "application/timestamp-query"},
    )
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/timestamp-reply")
    reply.write_bytes(answer.body)


def check(files: Path, *options: str | Path) -> tuple[int, str]:
    return openssl("-verify", "-in", files / "reply", "-CAfile", files / "root.pem", *options)


@pytest.mark.parametrize("digest", ["-sha256", "-sha384", "-sha512"])
@pytest.mark.parametrize("nonce", [(), ("-no_nonce",)], ids=["nonce", "no-nonce"])
def test_timestamps(box: server.Loopback, files: Path, digest: str, nonce: tuple[str, ...]) -> None:
    ask(box, files, digest, "-cert", *nonce)
    for options in (("-queryfile", files / "query"), ("-data", files / "message")):
        status, output = check(files, *options)
        assert (status, "Verification: OK" in output) == (0, True), output
    assert check(files, "-data", files / "other")[0] != 0


def test_timestamps_without_certificates(box: server.Loopback, files: Path) -> None:
    ask(box, files, "-sha256")
    assert check(files, "-data", files / "message")[0] != 0
    assert check(files, "-data", files / "message", "-untrusted", files / "tsa.pem")[0] == 0


@pytest.mark.parametrize("fault", ["wrong-key", "other-entry"])
def test_bad_timestamps(box: server.Loopback, files: Path, fault: str) -> None:
    box.set_fault("tsa", fault)
    ask(box, files, "-sha256", "-cert")
    assert check(files, "-queryfile", files / "query")[0] != 0


@pytest.mark.parametrize("options", [("-sha1",), ("-sha256", "-tspolicy", "1.2.3.4")])
def test_rejections(box: server.Loopback, files: Path, options: tuple[str, ...]) -> None:
    ask(box, files, *options)
    status, output = openssl("-reply", "-in", files / "reply", "-text")
    assert status == 0, output
    assert "Status: Rejected" in output
    assert "Status description: timestamp request" in output
    assert "Failure info: transaction not permitted or supported" in output  # OpenSSL's name for badRequest
