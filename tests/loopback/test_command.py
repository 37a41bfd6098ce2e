"""`python3 -m conformance.loopback` as people and scripts run it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("asn1crypto")
pytest.importorskip("sigstore")

from conformance.loopback import identities as ids

from .clients import REPOSITORY, http, run

COMMAND = [sys.executable, "-m", "conformance.loopback"]


@contextmanager
def serving(config: Path, *options: str, status: int = 0, stop: int = signal.SIGTERM) -> Iterator[str]:
    """Run `serve`; yields what it says when it is ready."""
    command = [*COMMAND, "serve", "--trust-config", str(config), *options]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline() + process.stdout.readline()
        finally:
            process.send_signal(stop)
            assert process.wait(60) == status


def urls(config: Path) -> dict[str, Any]:
    signing: dict[str, Any] = json.loads(config.read_text())["signingConfig"]
    return signing


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_serve_and_sign(tmp_path: Path, stop: int) -> None:
    """The three commands of the help."""
    config, artifact = tmp_path / "config.json", tmp_path / "artifact"
    artifact.write_text("artifact")
    with serving(config, "--identity", "carol@example.com", stop=stop) as said:
        issuer = urls(config)["oidcUrls"][0]["url"]
        assert "carol@example.com" in said
        assert issuer in said
        token = run([*COMMAND, "token", "--trust-config", config]).stdout.strip()
        sigstore: list[str | Path] = [sys.executable, "-m", "sigstore", "--trust-config", config]
        signed = run([*sigstore, "sign", "--identity-token", token, artifact])
        assert signed.returncode == 0, signed.stderr
    wanted = ["--cert-identity", "carol@example.com", "--cert-oidc-issuer", issuer]
    assert run([*sigstore, "verify", "identity", *wanted, artifact]).returncode == 0


def test_serve_options(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    options = ["--rekor-version", "1", "--seed", "x", "--fault", "tsa=refuse", "--fault", "fulcio=garbage"]
    with serving(config, *options, "--client-id", "mine", "--token-algorithm", "RS256"):
        services = urls(config)
        assert [service["majorApiVersion"] for service in services["rekorTlogUrls"]] == [1]
        base = services["rekorTlogUrls"][0]["url"]
        assert http(f"{base}/faults").json() == {"tsa": "refuse", "fulcio": "garbage"}
        assert http(f"{base}/oidc/keys").json()["keys"][0]["alg"] == "RS256"


def test_a_taken_port(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    with serving(config):
        port = urls(config)["caUrls"][0]["url"].rpartition(":")[2]
        done = run([*COMMAND, "serve", "--trust-config", tmp_path / "other.json", "--port", port])
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1"])
def test_other_addresses(tmp_path: Path, host: str) -> None:
    done = run([*COMMAND, "serve", "--trust-config", tmp_path / "config.json", "--host", host])
    assert done.returncode == 2
    assert "loopback" in done.stderr
    assert not (tmp_path / "config.json").exists()


def test_an_unknown_fault(tmp_path: Path) -> None:
    done = run([*COMMAND, "serve", "--trust-config", tmp_path / "config.json", "--fault", "tsa=sulk"])
    assert done.returncode == 2
    assert "tsa=sulk" in done.stderr


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    done = run([*COMMAND, "serve", "--trust-config", tmp_path / "none" / "config.json"])
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_environments(tmp_path: Path) -> None:
    """Each environment makes the sigstore command find its token, in a shell."""
    config, artifact = tmp_path / "config.json", tmp_path / "artifact"
    directory = ["--agent-directory", str(tmp_path)]
    artifact.write_text("artifact")
    with serving(config):
        for workload in ("github", "gitlab", "buildkite"):
            made = run([*COMMAND, "environment", "--trust-config", config, *directory, workload])
            assert made.returncode == 0, made.stderr
            script = f'{made.stdout}exec "$0" -m sigstore --trust-config "$1" sign --overwrite "$2"'
            signed = run(["sh", "-c", script, sys.executable, config, artifact])
            assert signed.returncode == 0, signed.stderr
            identity, issuer = ids.expected(workload)
            verify: list[str | Path] = [sys.executable, "-m", "sigstore", "--trust-config", config]
            verify += ["verify", "identity", "--cert-identity", identity, "--cert-oidc-issuer", issuer]
            verified = run([*verify, artifact])
            assert verified.returncode == 0, verified.stderr


def test_environment_needs_a_directory(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    with serving(config):
        done = run([*COMMAND, "environment", "--trust-config", config, "buildkite"])
        assert done.returncode == 2
        assert "--agent-directory" in done.stderr


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"signingConfig": {"oidcUrls": [{"url": "https://issuer.example"}]}}'],
)
def test_tokens_come_from_loopback_only(tmp_path: Path, text: str) -> None:
    config = tmp_path / "config.json"
    config.write_text(text)
    done = run([*COMMAND, "token", "--trust-config", config])
    assert done.returncode == 2
    assert "not a loopback trust configuration" in done.stderr


def test_tokens_from_nobody(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    with serving(config):
        pass
    done = run([*COMMAND, "token", "--trust-config", config])
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("command", [[], ["serve"]])
def test_help_says_what_it_is_not(command: list[str]) -> None:
    done = run([*COMMAND, *command, "--help"], COLUMNS="110")
    assert done.returncode == 0
    assert "What it is not" in done.stdout
    assert "refuses to listen anywhere but on loopback" in " ".join(done.stdout.split())


NAMESPACES = ["unshare", "--user", "--map-root-user", "--mount", "--net"]
GOOGLE_MACHINE = """
set -e
ip link set lo up
mount -t tmpfs none /sys/class
mkdir -p /sys/class/dmi/id
echo "Google Compute Engine" >/sys/class/dmi/id/product_name
echo "127.0.0.1 localhost metadata" >"$5"
mount --bind "$5" /etc/hosts
cd "$2"
"$1" -m conformance.loopback serve --port 80 --trust-config "$3" >"$3.log" &
server=$!
until [ -s "$3" ] || ! kill -0 $server; do sleep 0.1; done
status=0
"$1" -m sigstore --trust-config "$3" sign "$4" || status=$?
kill $server
wait $server
exit $status
"""


def test_google_cloud_unchanged(tmp_path: Path) -> None:
    """A client that finds itself on Google Cloud: in namespaces with that file, that host and no network."""
    if shutil.which("unshare") is None or run([*NAMESPACES, "ip", "link"]).returncode != 0:
        pytest.skip("needs unshare, ip and the right to make namespaces")
    config, artifact = tmp_path / "config.json", tmp_path / "artifact"
    artifact.write_text("artifact")
    script = ["sh", "-c", GOOGLE_MACHINE, "machine", sys.executable]
    signed = run([*NAMESPACES, *script, REPOSITORY, config, artifact, tmp_path / "hosts"])
    assert signed.returncode == 0, signed.stderr
    identity, issuer = ids.expected("google")
    verify: list[str | Path] = [sys.executable, "-m", "sigstore", "--trust-config", config]
    verify += ["verify", "identity", "--cert-identity", identity, "--cert-oidc-issuer", issuer]
    verified = run([*verify, artifact])
    assert verified.returncode == 0, verified.stderr


def test_imports_no_sigstore() -> None:
    code = "import sys, conformance.loopback.__main__; print(sorted(n for n in sys.modules if '.' not in n))"
    loaded = run([sys.executable, "-c", code]).stdout
    for name in ("sigstore", "sigstore_models", "rfc3161_client", "rfc8785", "jwt", "requests", "id", "tuf"):
        assert f"'{name}'" not in loaded
    assert os.path.sep not in loaded
