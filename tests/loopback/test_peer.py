"""The model_signing command of PyPI, in its own environment, against the loopback Sigstore, unchanged."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("asn1crypto")
pytest.importorskip("sigstore")

from conformance.loopback import identities as ids
from conformance.loopback import server

from .clients import browser, run, run_out_of_band

WriteTrustConfig = Callable[..., Path]
INSTALL = """\
python3 -m venv peer && peer/bin/python -m pip install model_signing==1.1.1
then set OMS_PEER_PYTHON to the path of peer/bin/python"""


@pytest.fixture(scope="module")
def peer() -> list[str]:
    """The command: OMS_PEER_PYTHON is a Python that has model_signing."""
    python = os.environ.get("OMS_PEER_PYTHON")
    if not python:
        pytest.skip(INSTALL)
    return [python, "-m", "model_signing"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    path.mkdir()
    (path / "weights.bin").write_bytes(bytes(range(256)))
    (path / "config.json").write_text("{}")
    return path


def sign_arguments(model: Path, config: Path) -> list[str]:
    signature = str(model.with_suffix(".sig"))
    return ["sign", "sigstore", str(model), "--signature", signature, "--trust_config", str(config)]


def verify_as(peer: list[str], model: Path, config: Path, identity: str, issuer: str) -> tuple[int, str]:
    signature = str(model.with_suffix(".sig"))
    wanted = ["--identity", identity, "--identity_provider", issuer]
    done = run(
        [
            *peer,
            "verify",
            "sigstore",
            str(model),
            "--signature",
            signature,
            "--trust_config",
            str(config),
            *wanted,
        ]
    )
    return done.returncode, done.stdout + done.stderr


def test_token(
    box: server.Loopback,
    rekor_version: int,
    write_trust_config: WriteTrustConfig,
    peer: list[str],
    model: Path,
) -> None:
    config = write_trust_config(box, rekor_version)
    done = run([*peer, *sign_arguments(model, config), "--identity_token", box.token()])
    assert done.returncode == 0, done.stderr
    assert f"POST /api/v{rekor_version}/log/entries" in box.requests
    assert verify_as(peer, model, config, "alice@example.com", box.issuer)[0] == 0
    status, output = verify_as(peer, model, config, "bob@example.com", box.issuer)
    assert (status, "bob@example.com" in output) == (1, True)
    (model / "config.json").write_text("{ }")
    assert verify_as(peer, model, config, "alice@example.com", box.issuer)[0] == 1


@pytest.mark.parametrize("workload", ["github", "gitlab", "buildkite"])
def test_ambient(
    box: server.Loopback,
    write_trust_config: WriteTrustConfig,
    peer: list[str],
    model: Path,
    tmp_path: Path,
    workload: str,
) -> None:
    config = write_trust_config(box)
    environments = {
        "github": ids.github_environment(box.github_request_url, server.REQUEST_TOKEN),
        "gitlab": ids.gitlab_environment(box.token(workload="gitlab")),
        "buildkite": ids.buildkite_environment(tmp_path, f"{box.issuer}/issue"),
    }
    done = run([*peer, *sign_arguments(model, config), "--use_ambient_credentials"], **environments[workload])
    assert done.returncode == 0, done.stderr
    assert verify_as(peer, model, config, *ids.expected(workload))[0] == 0


def test_browser(
    box: server.Loopback, write_trust_config: WriteTrustConfig, peer: list[str], model: Path, tmp_path: Path
) -> None:
    config = write_trust_config(box)
    done = run([*peer, *sign_arguments(model, config)], BROWSER=browser(tmp_path))
    assert done.returncode == 0, done.stderr
    assert verify_as(peer, model, config, "alice@example.com", box.issuer)[0] == 0


def test_out_of_band(box: server.Loopback, write_trust_config: WriteTrustConfig, peer: list[str], model: Path) -> None:
    config = write_trust_config(box)
    done = run_out_of_band([*peer, *sign_arguments(model, config), "--oauth_force_oob"])
    assert done.returncode == 0, done.stderr
    assert verify_as(peer, model, config, "alice@example.com", box.issuer)[0] == 0


def test_own_client_and_secret(
    write_trust_config: WriteTrustConfig, peer: list[str], model: Path, tmp_path: Path
) -> None:
    with server.start(server.Options(client_ids=("mine",), client_secret="hush")) as box:
        config = write_trust_config(box)
        client = ["--client_id", "mine", "--client_secret"]
        command = [*peer, *sign_arguments(model, config), *client]
        assert run([*command, "wrong"], BROWSER=browser(tmp_path)).returncode == 1
        done = run([*command, "hush"], BROWSER=browser(tmp_path))
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("service", ["oidc", "fulcio", "rekor-v2", "tsa"])
def test_refusals(
    box: server.Loopback, write_trust_config: WriteTrustConfig, peer: list[str], model: Path, service: str
) -> None:
    token, config = box.token(), write_trust_config(box)
    box.set_fault(service, "refuse")
    done = run([*peer, *sign_arguments(model, config), "--identity_token", token])
    assert done.returncode == 1
    assert not model.with_suffix(".sig").exists()
