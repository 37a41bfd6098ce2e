"""The sigstore package and its command sign and verify against the loopback Sigstore, unchanged."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("asn1crypto")
pytest.importorskip("sigstore")

import id as ambient
from id._internal.oidc import ambient as detectors
from sigstore.errors import Error
from sigstore.models import Bundle
from sigstore.oidc import Issuer, detect_credential
from sigstore.sign import SigningContext
from sigstore.verify import Verifier, policy

from conformance.loopback import identities as ids
from conformance.loopback import server

from .clients import STATEMENT, browser, http, run, run_out_of_band, sign, trust, verify

WriteTrustConfig = Callable[..., Path]
COMMAND = (sys.executable, "-m", "sigstore")


# --------------------------------------------------------------------------------------- the package


def test_sign_and_verify_a_statement(box: server.Loopback, rekor_version: int) -> None:
    bundle = sign(box, rekor_version)
    assert verify(box, bundle) == STATEMENT
    assert f"POST /api/v{rekor_version}/log/entries" in box.requests


def test_sign_and_verify_an_artifact(box: server.Loopback, rekor_version: int) -> None:
    config = trust(box, rekor_version)
    from sigstore.oidc import IdentityToken

    with SigningContext.from_trust_config(config).signer(IdentityToken(box.token())) as signer:
        bundle = signer.sign_artifact(b"artifact")
    wanted = policy.Identity(identity="alice@example.com", issuer=box.issuer)
    Verifier(trusted_root=config.trusted_root).verify_artifact(b"artifact", bundle, wanted)


def test_the_newest_log_is_the_default(box: server.Loopback) -> None:
    sign(box)
    assert "POST /api/v2/log/entries" in box.requests


def test_verifying_asks_no_server(box: server.Loopback) -> None:
    bundle = sign(box)
    before = list(box.requests)
    verify(box, bundle)
    assert box.requests == before


@pytest.mark.parametrize(("identity", "issuer"), [("bob@example.com", None), (None, "https://other.example")])
def test_other_identities_are_refused(box: server.Loopback, identity: str | None, issuer: str | None) -> None:
    bundle = sign(box)
    with pytest.raises(Error):
        verify(box, bundle, identity or "alice@example.com", issuer)


def test_another_seed_is_not_trusted(box: server.Loopback) -> None:
    bundle = sign(box)
    with server.start(server.Options(seed="another")) as other, pytest.raises(Error):
        verify(other, bundle, issuer=box.issuer)


def test_many_signatures_in_one_log(box: server.Loopback, rekor_version: int) -> None:
    for bundle in [sign(box, rekor_version) for _ in range(6)]:
        verify(box, bundle)


def test_many_signers_at_once(box: server.Loopback, rekor_version: int) -> None:
    with ThreadPoolExecutor(4) as pool:
        bundles = [pool.submit(sign, box, rekor_version) for _ in range(12)]
        entries = [json.loads(bundle.result().to_json())["verificationMaterial"]["tlogEntries"] for bundle in bundles]
    for bundle in bundles:
        verify(box, bundle.result())
    assert len({entry["logIndex"] for (entry,) in entries}) == len(bundles)


def test_out_of_band(box: server.Loopback, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def type_code(_: str) -> str:
        return http(capsys.readouterr().err.split()[-1]).body.decode().strip()

    monkeypatch.setattr("builtins.input", type_code)
    token = Issuer(box.issuer).identity_token(force_oob=True)
    assert (token.identity, token.issuer) == ("alice@example.com", box.issuer)
    verify(box, sign(box, token=str(token)))


# ----------------------------------------------------------------------------------------- workloads


def sign_as_workload(box: server.Loopback, workload: str) -> None:
    token = detect_credential()
    assert token is not None
    verify(box, sign(box, token=token), *ids.expected(workload))


def test_github_actions(box: server.Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ids.github_environment(box.github_request_url, server.REQUEST_TOKEN).items():
        monkeypatch.setenv(name, value)
    sign_as_workload(box, "github")


def test_github_actions_without_permission(box: server.Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ids.github_environment(box.github_request_url, "wrong").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Error, match="401"):
        detect_credential()


def test_gitlab_ci(box: server.Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ids.gitlab_environment(box.token(workload="gitlab")).items():
        monkeypatch.setenv(name, value)
    sign_as_workload(box, "gitlab")


def test_buildkite(box: server.Loopback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in ids.buildkite_environment(tmp_path, f"{box.issuer}/issue").items():
        monkeypatch.setenv(name, value)
    sign_as_workload(box, "buildkite")


@pytest.fixture
def google(box: server.Loopback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Point the detector at the loopback server; nothing but its three addresses is replaced."""
    product = tmp_path / "product_name"
    product.write_text("Google Compute Engine\n")
    monkeypatch.setattr(detectors, "_GCP_PRODUCT_NAME_FILE", str(product))
    for name in ("_GCP_TOKEN_REQUEST_URL", "_GCP_IDENTITY_REQUEST_URL", "_GCP_GENERATEIDTOKEN_REQUEST_URL"):
        path = getattr(detectors, name).split("/", 3)[3]
        monkeypatch.setattr(detectors, name, f"{box.url}/{path}")
    yield


@pytest.mark.usefixtures("google")
def test_google_cloud(box: server.Loopback) -> None:
    sign_as_workload(box, "google")


@pytest.mark.usefixtures("google")
def test_google_cloud_impersonation(box: server.Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    account = "other@loopback-project.iam.gserviceaccount.com"
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_NAME", account)
    token = ambient.detect_credential("sigstore")
    verify(box, sign(box, token=token), account, ids.GOOGLE_ISSUER)


# --------------------------------------------------------------------------------------- the command


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    path = tmp_path / "artifact"
    path.write_text("artifact")
    return path


def sigstore(trust_config: Path, *arguments: str | Path, **environment: str) -> str:
    """Run the command; its standard error, after it has succeeded."""
    done = run([*COMMAND, "--trust-config", trust_config, *arguments], **environment)
    assert done.returncode == 0, done.stderr
    return done.stderr


def verify_with_command(trust_config: Path, artifact: Path, identity: str, issuer: str) -> None:
    wanted = ("--cert-identity", identity, "--cert-oidc-issuer", issuer)
    assert "OK:" in sigstore(trust_config, "verify", "identity", *wanted, artifact)


def test_command_with_a_token(
    box: server.Loopback, rekor_version: int, write_trust_config: WriteTrustConfig, artifact: Path
) -> None:
    config = write_trust_config(box)
    version = ("--rekor-version", str(rekor_version))
    sigstore(config, "sign", *version, "--identity-token", box.token(), artifact)
    assert f"POST /api/v{rekor_version}/log/entries" in box.requests
    verify_with_command(config, artifact, "alice@example.com", box.issuer)


def test_command_attests(
    box: server.Loopback,
    rekor_version: int,
    write_trust_config: WriteTrustConfig,
    artifact: Path,
    tmp_path: Path,
) -> None:
    predicate = tmp_path / "predicate.json"
    predicate.write_text(
        json.dumps(
            {
                "buildDefinition": {"buildType": "https://example.test/b", "externalParameters": {}},
                "runDetails": {"builder": {"id": "https://example.test/builder"}},
            }
        )
    )
    config = write_trust_config(box, rekor_version)
    kind = ("--predicate-type", "https://slsa.dev/provenance/v1", "--predicate", predicate)
    sigstore(config, "attest", *kind, "--identity-token", box.token(), artifact)
    verify_with_command(config, artifact, "alice@example.com", box.issuer)


def test_command_with_an_ambient_token(
    box: server.Loopback, write_trust_config: WriteTrustConfig, artifact: Path
) -> None:
    config = write_trust_config(box)
    environment = ids.github_environment(box.github_request_url, server.REQUEST_TOKEN)
    sigstore(config, "sign", artifact, **environment)
    verify_with_command(config, artifact, *ids.expected("github"))
    claims = ids.WORKLOADS["github"]
    workflow = ("--name", str(claims["workflow"]), "--ref", str(claims["ref"]), "--sha", str(claims["sha"]))
    repository = ("--repository", str(claims["repository"]), "--trigger", str(claims["event_name"]))
    assert "OK:" in sigstore(config, "verify", "github", *workflow, *repository, artifact)


def test_command_with_a_browser(
    box: server.Loopback, write_trust_config: WriteTrustConfig, artifact: Path, tmp_path: Path
) -> None:
    config = write_trust_config(box)
    sigstore(config, "sign", artifact, BROWSER=browser(tmp_path))
    assert {"GET /oidc/auth", "POST /oidc/token"} <= set(box.requests)
    verify_with_command(config, artifact, "alice@example.com", box.issuer)


def test_command_out_of_band(box: server.Loopback, write_trust_config: WriteTrustConfig, artifact: Path) -> None:
    config = write_trust_config(box)
    done = run_out_of_band([*COMMAND, "--trust-config", config, "sign", "--oauth-force-oob", artifact])
    assert done.returncode == 0, done.stderr
    verify_with_command(config, artifact, "alice@example.com", box.issuer)
    Bundle.from_json(Path(f"{artifact}.sigstore.json").read_bytes())
