"""Our own command and API against the loopback Sigstore: every flow, every option, every fault."""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import json
import os
import shlex
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("asn1crypto")
pytest.importorskip("sigstore")

import requests
import urllib3
from id._internal.oidc import ambient as detectors
from output_schemas import check_output
from sigstore.dsse import Statement
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.oidc import IdentityToken, Issuer
from sigstore.sign import Signer

from conformance.loopback import identities as ids
from conformance.loopback import server, static
from model_signing_ref import hashing, signing, verifying
from model_signing_ref.bundle import read_bundle
from model_signing_ref.cli import main
from model_signing_ref.errors import CertificateRejected, OperationError
from model_signing_ref.signers import sigstore as method
from model_signing_ref.statement import write_statement

from .clients import browser, run, run_out_of_band

WriteTrustConfig = Callable[..., Path]
Cli = Callable[..., tuple[int, str, str]]
OURS = [sys.executable, "-m", "model_signing_ref"]
SIGSTORE = [sys.executable, "-m", "sigstore"]
OLD = b"the signature of before"
INSTALL = """\
python3 -m venv peer && peer/bin/python -m pip install model_signing==1.1.1
then set OMS_PEER_PYTHON to the path of peer/bin/python"""


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """`cli(*words)` runs our command line: status, standard output, standard error."""

    def call(*words: str | Path) -> tuple[int, str, str]:
        status = main([str(word) for word in words])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture
def signature(tmp_path: Path) -> Path:
    return tmp_path / "model.sig"


@pytest.fixture
def config(box: server.Loopback, write_trust_config: WriteTrustConfig) -> Path:
    return write_trust_config(box)


@pytest.fixture
def google(box: server.Loopback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Point the detector at the loopback server; nothing but its addresses is replaced."""
    product = tmp_path / "product_name"
    product.write_text("Google Compute Engine\n")
    monkeypatch.setattr(detectors, "_GCP_PRODUCT_NAME_FILE", str(product))
    for name in ("_GCP_TOKEN_REQUEST_URL", "_GCP_IDENTITY_REQUEST_URL", "_GCP_GENERATEIDTOKEN_REQUEST_URL"):
        path = getattr(detectors, name).split("/", 3)[3]
        monkeypatch.setattr(detectors, name, f"{box.url}/{path}")


def sign_words(config: Path, signature: Path, model: Path, *more: str) -> list[str]:
    return ["sign", "sigstore", "--trust-config", str(config), "--signature", str(signature), *more, str(model)]


def verify_words(config: Path, signature: Path, model: Path, identity: str, issuer: str) -> list[str]:
    wanted = ["--identity", identity, "--identity-provider", issuer]
    return ["verify", "--trust-config", str(config), "--signature", str(signature), *wanted, str(model)]


def verifies(config: Path, signature: Path, model: Path, identity: str, issuer: str) -> None:
    verifying.Config().use_sigstore_verifier(identity=identity, oidc_issuer=issuer, trust_config=config).verify(
        model, signature
    )


# ------------------------------------------------------------------------------- token, and what comes of it


def test_sign_and_verify(
    box: server.Loopback,
    rekor_version: int,
    write_trust_config: WriteTrustConfig,
    cli: Cli,
    model: Path,
    signature: Path,
) -> None:
    config, token = write_trust_config(box, rekor_version), box.token()
    status, output, errors = cli(*sign_words(config, signature, model, "--identity-token", token))
    assert (status, errors) == (0, "")
    assert f"POST /api/v{rekor_version}/log/entries" in box.requests
    assert token not in output
    head, then, command = output.splitlines()
    assert head.startswith("Signing succeeded: 4 resources")
    assert (then, shlex.split(command)[0]) == ("Verify it with:", "model_signing_ref")
    before = list(box.requests)
    status, output, errors = cli(*shlex.split(command)[1:])
    assert (status, errors) == (0, "")
    assert output.startswith("Verification succeeded: 4 resources")
    assert box.requests == before  # verifying asks nobody


def test_json(box: server.Loopback, config: Path, cli: Cli, model: Path, signature: Path) -> None:
    token = box.token("o'brien@example.com")
    status, output, _ = cli(*sign_words(config, signature, model, "--identity-token", token, "--json"))
    result = json.loads(output)
    check_output(result)
    assert (status, result["verdict"], result["method"]) == (0, "done", "sigstore")
    assert result["notes"] == [{"code": "verify-with", "detail": result["verify_with"]}]
    assert token not in output
    words = shlex.split(result["verify_with"])[1:]
    status, output, _ = cli(*words, "--json")
    result = json.loads(output)
    check_output(result)
    assert (status, result["verdict"], result["identity"]) == (0, "accepted", "o'brien@example.com")
    assert result["identity_provider"] == box.issuer


def test_no_model_hashing_settings_are_lost(
    box: server.Loopback, config: Path, cli: Cli, model: Path, signature: Path
) -> None:
    (model / "link").symlink_to("weights.bin")
    more = ["--identity_token", box.token(), "--allow_symlinks", "--ignore-paths", str(model / "empty")]
    status, output, _ = cli(*sign_words(config, signature, model, *more, "--json"))
    assert status == 0
    words = shlex.split(json.loads(output)["verify_with"])[1:]
    assert "--allow-symlinks" in words
    assert cli(*words)[0] == 0


def test_to_standard_output(box: server.Loopback, config: Path, model: Path, signature: Path) -> None:
    done = run([*OURS, *sign_words(config, Path("-"), model, "--identity-token", box.token())])
    assert done.returncode == 0, done.stderr
    signature.write_text(done.stdout)
    verifies(config, signature, model, "alice@example.com", box.issuer)


def test_the_payload_is_ours_byte_for_byte(
    box: server.Loopback, rekor_version: int, write_trust_config: WriteTrustConfig, model: Path, signature: Path
) -> None:
    config = write_trust_config(box, rekor_version)
    signing.Config().use_sigstore_signer(trust_config=config, identity_token=box.token()).sign(model, signature)
    payload = base64.b64decode(json.loads(signature.read_bytes())["dsseEnvelope"]["payload"])
    assert payload == write_statement(hashing.hash_model(model))


def test_one_configuration_signs_many_models(box: server.Loopback, config: Path, model: Path, tmp_path: Path) -> None:
    signer = signing.Config().use_sigstore_signer(trust_config=config, identity_token=box.token())
    bundles = [tmp_path / f"{number}.sig" for number in range(3)]
    for path in bundles:
        signer.sign(model, path)
        verifies(config, path, model, "alice@example.com", box.issuer)
    leaves = {json.loads(path.read_bytes())["verificationMaterial"]["certificate"]["rawBytes"] for path in bundles}
    assert len(leaves) == len(bundles)


def test_a_username_identity(box: server.Loopback, config: Path, cli: Cli, model: Path, signature: Path) -> None:
    status, output, _ = cli(*sign_words(config, signature, model, "--identity-token", box.token("alice"), "--json"))
    assert (status, json.loads(output)["verdict"]) == (0, "done")


@pytest.mark.usefixtures("pretend_login")
def test_an_empty_token_is_no_wish_to_log_in(config: Path, cli: Cli, model: Path, signature: Path) -> None:
    status, _, errors = cli(*sign_words(config, signature, model, "--identity-token", ""))
    assert (status, errors) == (2, "Signing failed: the identity token is empty\n")


BAD_TOKENS: dict[str, Callable[[server.Loopback], str]] = {
    "malformed": lambda _: "no-token-at-all",
    "expired": lambda box: box.token(claims={"exp": 1}),
    "of the future": lambda box: box.token(claims={"nbf": 4_000_000_000}),
    "of another audience": lambda box: box.token(audience="another"),
}


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_a_bad_token_is_refused_at_once(
    box: server.Loopback, config: Path, cli: Cli, model: Path, signature: Path, name: str
) -> None:
    token = BAD_TOKENS[name](box)
    status, output, errors = cli(*sign_words(config, signature, model, "--identity-token", token))
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("Signing failed: the identity token can't be used: 'Identity token is ")
    assert token not in errors
    assert not box.requests
    assert not signature.exists()


# ------------------------------------------------------------------------------------------- other logins


@pytest.mark.parametrize("workload", ["github", "gitlab", "buildkite"])
def test_workloads(
    box: server.Loopback,
    config: Path,
    cli: Cli,
    model: Path,
    signature: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    workload: str,
) -> None:
    environments = {
        "github": lambda: ids.github_environment(box.github_request_url, server.REQUEST_TOKEN),
        "gitlab": lambda: ids.gitlab_environment(box.token(workload="gitlab")),
        "buildkite": lambda: ids.buildkite_environment(tmp_path, f"{box.issuer}/issue"),
    }
    for name, value in environments[workload]().items():
        monkeypatch.setenv(name, value)
    status, output, errors = cli(*sign_words(config, signature, model, "--use-ambient-credentials"))
    assert (status, errors) == (0, "")
    identity, issuer = ids.expected(workload)
    assert f"--identity {shlex.quote(identity)} --identity-provider {issuer}" in output
    verifies(config, signature, model, identity, issuer)


@pytest.mark.usefixtures("google")
@pytest.mark.parametrize("account", [None, "other@loopback-project.iam.gserviceaccount.com"])
def test_google_cloud(
    config: Path, cli: Cli, model: Path, signature: Path, monkeypatch: pytest.MonkeyPatch, account: str | None
) -> None:
    identity, issuer = ids.expected("google")
    if account:
        monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_NAME", account)
    assert cli(*sign_words(config, signature, model, "--use-ambient-credentials"))[0] == 0
    verifies(config, signature, model, account or identity, issuer)


def test_a_workload_without_permission(
    box: server.Loopback, config: Path, cli: Cli, model: Path, signature: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ids.github_environment(box.github_request_url, "wrong").items():
        monkeypatch.setenv(name, value)
    status, _, errors = cli(*sign_words(config, signature, model, "--use-ambient-credentials"))
    assert (status, errors.count("\n"), signature.exists()) == (2, 1, False)
    assert errors.startswith("Signing failed: the environment's identity provider can't be used: ")
    assert "401" in errors


AMBIENT = {"refuse": "403", "garbage": "incomplete JSON", "hang": "timed out"}


@pytest.mark.parametrize("fault", AMBIENT)
def test_a_broken_workload(
    box: server.Loopback,
    config: Path,
    cli: Cli,
    model: Path,
    signature: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    ask = urllib3.request
    monkeypatch.setattr(urllib3, "request", lambda *words, **named: ask(*words, **{**named, "timeout": 0.5}))
    for name, value in ids.github_environment(box.github_request_url, server.REQUEST_TOKEN).items():
        monkeypatch.setenv(name, value)
    box.set_fault("token", fault)
    status, _, errors = cli(*sign_words(config, signature, model, "--use-ambient-credentials"))
    assert (status, errors.count("\n"), signature.exists()) == (2, 1, False)
    assert errors.startswith("Signing failed: the environment's identity provider can't be used: ")
    assert AMBIENT[fault] in errors


def test_no_workload_and_nobody_there(box: server.Loopback, config: Path, model: Path, signature: Path) -> None:
    words = sign_words(config, signature, model, "--use-ambient-credentials", "--oauth-force-oob")
    done = run([*OURS, *words])
    assert (done.returncode, signature.exists()) == (2, False)
    last = done.stderr.splitlines()[-1]
    assert last == "Signing failed: no ambient credentials were found, and nobody entered a verification code"


def test_browser(box: server.Loopback, config: Path, model: Path, signature: Path, tmp_path: Path) -> None:
    done = run([*OURS, *sign_words(config, signature, model)], BROWSER=browser(tmp_path))
    assert done.returncode == 0, done.stderr
    assert {"GET /oidc/auth", "POST /oidc/token"} <= set(box.requests)
    verifies(config, signature, model, "alice@example.com", box.issuer)


def test_out_of_band(box: server.Loopback, config: Path, model: Path, signature: Path) -> None:
    done = run_out_of_band([*OURS, *sign_words(config, signature, model, "--oauth-force-oob")])
    assert done.returncode == 0, done.stderr
    verifies(config, signature, model, "alice@example.com", box.issuer)


def test_own_client_and_secret(
    write_trust_config: WriteTrustConfig, model: Path, signature: Path, tmp_path: Path
) -> None:
    with server.start(server.Options(client_ids=("mine",), client_secret="hush-hush")) as box:
        config = write_trust_config(box)
        words = [*OURS, *sign_words(config, signature, model, "--client-id", "mine", "--client-secret")]
        wrong = run([*words[:-1], "wrong-secret", words[-1]], BROWSER=browser(tmp_path))
        assert (wrong.returncode, signature.exists()) == (2, False)
        assert "the identity provider" in wrong.stderr
        done = run([*words[:-1], "hush-hush", words[-1]], BROWSER=browser(tmp_path))
        assert done.returncode == 0, done.stderr
        assert "hush-hush" not in done.stdout + done.stderr
        verifies(config, signature, model, "alice@example.com", box.issuer)


def test_a_token_for_another_client(
    write_trust_config: WriteTrustConfig, cli: Cli, model: Path, signature: Path
) -> None:
    with server.start(server.Options(client_ids=("mine",))) as box:
        words = ["--identity-token", box.token(audience="mine")]
        config = write_trust_config(box)
        assert cli(*sign_words(config, signature, model, *words))[0] == 2
        assert cli(*sign_words(config, signature, model, *words, "--client-id", "mine"))[0] == 0


@pytest.fixture
def pretend_login(box: server.Loopback, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Who asks a person to log in gets a token; the arguments are kept."""
    calls: list[Any] = []

    def login(issuer: Issuer, *arguments: Any) -> IdentityToken:
        calls.append(arguments)
        return IdentityToken(box.token())

    monkeypatch.setattr(Issuer, "identity_token", login)
    yield calls


def test_another_issuer(
    box: server.Loopback, config: Path, model: Path, signature: Path, pretend_login: list[Any]
) -> None:
    with server.start() as other:
        signer = signing.Config().use_sigstore_signer(trust_config=config, oidc_issuer=other.issuer, force_oob=True)
        signer.sign(model, signature)
        assert other.requests == ["GET /oidc/.well-known/openid-configuration"]
    assert pretend_login == [("sigstore", "", True)]
    assert "GET /oidc/.well-known/openid-configuration" not in box.requests
    verifies(config, signature, model, "alice@example.com", box.issuer)


@pytest.mark.parametrize("name", ["production", "staging"])
@pytest.mark.usefixtures("pretend_login")
def test_the_default_instance(
    box: server.Loopback, config: Path, model: Path, signature: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(ClientTrustConfig, name, lambda: ClientTrustConfig.from_json(config.read_text()))
    if name == "staging":
        signing.Config().use_sigstore_signer(use_staging=True).sign(model, signature)
    else:
        signing.sign(model, signature)
    verifies(config, signature, model, "alice@example.com", box.issuer)


@pytest.mark.usefixtures("pretend_login")
def test_staging_on_the_command_line(
    config: Path, cli: Cli, model: Path, signature: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ClientTrustConfig, "staging", lambda: ClientTrustConfig.from_json(config.read_text()))
    status, output, _ = cli("sign", "--use_staging", "--signature", signature, "--json", model)
    assert status == 0
    words = shlex.split(json.loads(output)["verify_with"])[1:]
    assert "--use-staging" in words
    assert cli(*words)[0] == 0


# ------------------------------------------------------------------------------------------- other clients


def trusting(config: Path, *words: str | Path) -> list[str | Path]:
    return [*SIGSTORE, "--trust-config", config, *words]


def test_the_sigstore_command_verifies_ours(
    box: server.Loopback,
    rekor_version: int,
    write_trust_config: WriteTrustConfig,
    cli: Cli,
    model: Path,
    signature: Path,
    tmp_path: Path,
) -> None:
    """It asks for a file whose digest is the subject's: the digests that the root digest is over."""
    config = write_trust_config(box, rekor_version)
    assert cli(*sign_words(config, signature, model, "--identity-token", box.token()))[0] == 0
    manifest = hashing.hash_model(model)
    artifact = tmp_path / "digests"
    artifact.write_bytes(b"".join(resource.digest for resource in manifest.resources))
    assert hashlib.sha256(artifact.read_bytes()).digest() == manifest.root_digest
    wanted: list[str | Path] = ["--cert-identity", "alice@example.com", "--cert-oidc-issuer", box.issuer]
    wanted += ["--bundle", signature]
    done = run(trusting(config, "verify", "identity", *wanted, artifact))
    assert (done.returncode, "OK:" in done.stderr) == (0, True), done.stderr
    wanted[1] = "mallory@example.com"
    assert run(trusting(config, "verify", "identity", *wanted, artifact)).returncode == 1


def test_we_verify_the_sigstore_commands(
    box: server.Loopback, rekor_version: int, write_trust_config: WriteTrustConfig, cli: Cli, tmp_path: Path
) -> None:
    """Its statements are no models: the signature holds, and the predicate is what is refused."""
    config = write_trust_config(box, rekor_version)
    builder = {"builder": {"id": "https://example.test/builder"}}
    content = {
        "buildDefinition": {"buildType": "https://example.test", "externalParameters": {}},
        "runDetails": builder,
    }
    predicate, artifact = tmp_path / "predicate.json", tmp_path / "artifact"
    predicate.write_text(json.dumps(content))
    artifact.write_text("artifact")
    kind = ("--predicate-type", "https://slsa.dev/provenance/v1", "--predicate", predicate)
    done = run(trusting(config, "attest", *kind, "--identity-token", box.token(), artifact))
    assert done.returncode == 0, done.stderr
    bundle = Path(f"{artifact}.sigstore.json")
    status, _, errors = cli(*verify_words(config, bundle, artifact, "alice@example.com", box.issuer))
    assert (status, errors[:32]) == (1, "Verification failed: statement: ")
    status, _, errors = cli(*verify_words(config, bundle, artifact, "mallory@example.com", box.issuer))
    assert (status, errors[:31]) == (1, "Verification failed: identity: ")
    assert "alice@example.com" in errors


class TestPeer:
    """The command of PyPI's model_signing."""

    @pytest.fixture
    def peer(self) -> list[str]:
        python = os.environ.get("OMS_PEER_PYTHON")
        if not python:
            pytest.skip(INSTALL)
        return [python, "-m", "model_signing"]

    def test_it_verifies_ours(
        self,
        box: server.Loopback,
        rekor_version: int,
        write_trust_config: WriteTrustConfig,
        cli: Cli,
        model: Path,
        signature: Path,
        peer: list[str],
    ) -> None:
        config = write_trust_config(box, rekor_version)
        assert cli(*sign_words(config, signature, model, "--identity-token", box.token()))[0] == 0
        words = ["verify", "sigstore", str(model), "--signature", str(signature), "--trust_config", str(config)]
        for identity, expected in (("alice@example.com", 0), ("mallory@example.com", 1)):
            wanted = ["--identity", identity, "--identity_provider", box.issuer]
            done = run([*peer, *words, *wanted])
            assert done.returncode == expected, done.stderr

    def test_we_verify_its(
        self,
        box: server.Loopback,
        rekor_version: int,
        write_trust_config: WriteTrustConfig,
        cli: Cli,
        model: Path,
        signature: Path,
        peer: list[str],
    ) -> None:
        config = write_trust_config(box, rekor_version)
        words = ["sign", "sigstore", str(model), "--signature", str(signature), "--trust_config", str(config)]
        done = run([*peer, *words, "--identity_token", box.token()])
        assert done.returncode == 0, done.stderr
        status, _, errors = cli(*verify_words(config, signature, model, "alice@example.com", box.issuer))
        assert status == 0, errors
        assert cli(*verify_words(config, signature, model, "mallory@example.com", box.issuer))[0] == 1

    def test_our_package_in_its_place(self, box: server.Loopback, config: Path, model: Path, signature: Path) -> None:
        import model_signing_ref as model_signing

        signer = model_signing.signing.Config().use_sigstore_signer(
            oidc_issuer=None,
            use_ambient_credentials=False,
            use_staging=False,
            force_oob=False,
            identity_token=box.token(),
            client_id=None,
            client_secret=None,
            trust_config=config,
        )
        signer.sign(model, signature)
        model_signing.verifying.Config().use_sigstore_verifier(
            identity="alice@example.com", oidc_issuer=box.issuer, use_staging=False, trust_config=config
        ).verify(model, signature)


# ------------------------------------------------------------------------------------------------- faults

FULCIO, REKOR, AUTHORITY = "Fulcio (http://", "Rekor (http://", "the timestamp authority (http://"
NEW = "the new signature does not verify and was not written: "
SAID = {
    ("fulcio", "refuse"): f"{FULCIO}… refused with status 403: 'fulcio refuses on request'",
    ("fulcio", "garbage"): f"{FULCIO}… can't be used: ",
    ("fulcio", "wrong-key"): f"{NEW}certificate: ",
    ("fulcio", "other-entry"): f"{REKOR}… refused with status 400: ",
    ("ctlog", "refuse"): f"{FULCIO}… refused with status 403: 'ctlog refuses on request'",
    ("ctlog", "garbage"): f"{FULCIO}… can't be used: ",
    ("ctlog", "wrong-key"): f"{FULCIO}… can't be used: 'SCT verify failed",
    ("ctlog", "other-entry"): f"{FULCIO}… can't be used: 'SCT verify failed",
    ("rekor-v1", "refuse"): f"{REKOR}… refused with status 403: 'rekor-v1 refuses on request'",
    ("rekor-v1", "garbage"): f"{REKOR}… can't be used: ",
    ("rekor-v1", "wrong-key"): f"{NEW}transparency: ",
    ("rekor-v1", "other-entry"): f"{NEW}transparency: ",
    ("rekor-v2", "refuse"): f"{REKOR}… refused with status 403: 'rekor-v2 refuses on request'",
    ("rekor-v2", "garbage"): f"{REKOR}… can't be used: ",
    ("rekor-v2", "wrong-key"): f"{NEW}transparency: ",
    ("rekor-v2", "other-entry"): f"{NEW}transparency: ",
    ("tsa", "refuse"): f"{AUTHORITY}… refused with status 403: 'tsa refuses on request'",
    ("tsa", "garbage"): f"{AUTHORITY}… can't be used: 'invalid response",
    ("tsa", "wrong-key"): f"{NEW}transparency: ",
    ("tsa", "other-entry"): f"{NEW}transparency: ",
}
VERSIONS = {"rekor-v1": (1,), "rekor-v2": (2,)}
BROKEN = [(*pair, version) for pair in SAID for version in VERSIONS.get(pair[0], (1, 2))]


def failed(outcome: tuple[int, str, str], said: str, signature: Path, token: str) -> None:
    """One clear line, nothing written, the old signature kept, the token shown nowhere."""
    status, output, errors = outcome
    assert (status, output, errors.count("\n")) == (2, "", 1)
    for part in f"Signing failed: {said}".split("…"):
        assert part in errors
    assert token not in errors
    assert signature.read_bytes() == OLD
    assert [path.name for path in signature.parent.glob("model.sig*")] == ["model.sig"]


def test_every_fault_has_a_line() -> None:
    services = set(server.SERVICES) - {"oidc", "token"}
    assert set(SAID) == {(service, fault) for service in services for fault in server.FAULTS if fault != "hang"}


@pytest.mark.parametrize(("service", "fault", "version"), BROKEN)
def test_a_broken_service(
    box: server.Loopback,
    write_trust_config: WriteTrustConfig,
    cli: Cli,
    model: Path,
    signature: Path,
    service: str,
    fault: str,
    version: int,
) -> None:
    signature.write_bytes(OLD)
    token, config = box.token(), write_trust_config(box, version)
    box.set_fault(service, fault)
    outcome = cli(*sign_words(config, signature, model, "--identity-token", token))
    failed(outcome, SAID[service, fault], signature, token)
    box.set_fault(service, None)
    assert cli(*sign_words(config, signature, model, "--identity-token", token))[0] == 0


NAMES = {"fulcio": FULCIO, "ctlog": FULCIO, "rekor-v1": REKOR, "rekor-v2": REKOR, "tsa": AUTHORITY}


@pytest.mark.parametrize("service", NAMES)
def test_a_hanging_service(
    box: server.Loopback,
    write_trust_config: WriteTrustConfig,
    cli: Cli,
    model: Path,
    signature: Path,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
) -> None:
    monkeypatch.setattr(method, "TIMEOUT", 0.5)
    signature.write_bytes(OLD)
    token, config = box.token(), write_trust_config(box, *VERSIONS.get(service, (2,)))
    box.set_fault(service, "hang")
    outcome = cli(*sign_words(config, signature, model, "--identity-token", token))
    failed(outcome, f"{NAMES[service]}… did not answer in time", signature, token)


@pytest.fixture
def log_in(box: server.Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who logs in with a browser, in this process."""

    def follow(url: str) -> bool:
        threading.Thread(target=functools.partial(requests.get, url, timeout=30), daemon=True).start()
        return True

    monkeypatch.setattr(webbrowser, "open", follow)


ISSUER = "the identity provider (http://"
LOGIN = {
    ("oidc", "refuse"): f"{ISSUER}… refused with status 403: 'oidc refuses on request'",
    ("oidc", "garbage"): f"{ISSUER}… can't be used: ",
    ("oidc", "hang"): f"{ISSUER}… did not answer in time",
    ("token", "refuse"): f"{ISSUER}… refused with status 403: 'token refuses on request'",
    ("token", "garbage"): f"{ISSUER}… can't be used: ",
    ("token", "hang"): f"{ISSUER}… did not answer in time",
    ("token", "wrong-key"): f"{FULCIO}… refused with status 401: ",
}


@pytest.mark.usefixtures("log_in")
@pytest.mark.parametrize(("service", "fault"), LOGIN)
def test_a_broken_login(
    box: server.Loopback,
    config: Path,
    cli: Cli,
    model: Path,
    signature: Path,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    fault: str,
) -> None:
    monkeypatch.setattr(method, "TIMEOUT", 0.5)
    impatient = functools.partialmethod(requests.Session.request, timeout=0.5)
    if service == "oidc":
        monkeypatch.setattr(requests.Session, "get", lambda self, url, **_: impatient.__get__(self)("GET", url))
    signature.write_bytes(OLD)
    box.set_fault(service, fault)
    status, output, errors = cli(*sign_words(config, signature, model))
    errors = errors.replace("Waiting for browser interaction...\n", "")
    failed((status, output, errors), LOGIN[service, fault], signature, "\0")


@pytest.mark.usefixtures("log_in")
@pytest.mark.parametrize(("service", "fault"), [("oidc", "wrong-key"), ("oidc", "other-entry")])
def test_faults_that_a_client_does_not_look_at(
    box: server.Loopback, config: Path, cli: Cli, model: Path, signature: Path, service: str, fault: str
) -> None:
    """The issuer's keys and name are for Fulcio to check."""
    box.set_fault(service, fault)
    assert cli(*sign_words(config, signature, model))[0] == 0


@pytest.mark.usefixtures("log_in")
def test_a_token_of_somebody_else(box: server.Loopback, config: Path, cli: Cli, model: Path, signature: Path) -> None:
    """The certificate is theirs, and the line that says how to verify names them."""
    box.set_fault("token", "other-entry")
    status, output, _ = cli(*sign_words(config, signature, model))
    assert (status, f"--identity {server.OTHERS_IDENTITY} " in output) == (0, True)


def test_services_that_are_down(write_trust_config: WriteTrustConfig, cli: Cli, model: Path, signature: Path) -> None:
    signature.write_bytes(OLD)
    with server.start() as box:
        config, token = write_trust_config(box), box.token()
    outcome = cli(*sign_words(config, signature, model, "--identity-token", token))
    failed(outcome, f"{FULCIO}… could not be reached: ", signature, token)
    outcome = cli(*sign_words(config, signature, model))
    failed(outcome, f"{ISSUER}… could not be reached: ", signature, token)


UNNAMED = {"rekorTlogUrls": "Rekor", "caUrls": "Fulcio", "oidcUrls": "OIDC"}


@pytest.mark.parametrize("member", UNNAMED)
def test_a_service_that_is_not_named(config: Path, cli: Cli, model: Path, signature: Path, member: str) -> None:
    signature.write_bytes(OLD)
    value = json.loads(config.read_text())
    value["signingConfig"][member] = []
    config.write_text(json.dumps(value))
    outcome = cli(*sign_words(config, signature, model))
    failed(outcome, f"the trust configuration can't be used: 'No valid {UNNAMED[member]}", signature, "\0")


class Echo(http.server.BaseHTTPRequestHandler):
    """A service that repeats in its refusal what it was sent."""

    def do_POST(self) -> None:
        """Refuse, or stop in the midst of an answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.startswith("/slow"):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"{")
            self.wfile.flush()
            self.rfile.read(1)  # until the client has gone
            return
        self.send_response(400, "no")
        self.end_headers()
        if self.path.startswith("/text"):
            self.wfile.write(b"<p>no\x1b[2J\n</p>")
            return
        self.wfile.write(json.dumps({"message": f"bad header\n{self.headers['Authorization']}"}).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def echo() -> Iterator[str]:
    """The address of such a service."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as running:
        threading.Thread(target=running.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def put_service(config: Path, member: str, url: str) -> None:
    value = json.loads(config.read_text())
    value["signingConfig"][member][0]["url"] = url
    config.write_text(json.dumps(value))


def test_a_service_that_repeats_the_token(
    box: server.Loopback, config: Path, cli: Cli, model: Path, signature: Path, echo: str
) -> None:
    signature.write_bytes(OLD)
    token = box.token()
    put_service(config, "caUrls", echo)
    outcome = cli(*sign_words(config, signature, model, "--identity-token", token))
    failed(outcome, f"{FULCIO}… refused with status 400: 'bad header Bearer [secret]'", signature, token)
    assert token[:40] not in outcome[2]


def test_a_service_that_stops_in_its_answer(
    box: server.Loopback,
    config: Path,
    cli: Cli,
    model: Path,
    signature: Path,
    echo: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(method, "TIMEOUT", 0.5)
    signature.write_bytes(OLD)
    token = box.token()
    put_service(config, "tsaUrls", f"{echo}/slow")
    outcome = cli(*sign_words(config, signature, model, "--identity-token", token))
    failed(outcome, f"{AUTHORITY}… did not answer in time", signature, token)


def test_a_service_that_refuses_in_another_language(
    box: server.Loopback, config: Path, cli: Cli, model: Path, signature: Path, echo: str
) -> None:
    signature.write_bytes(OLD)
    token = box.token()
    put_service(config, "tsaUrls", f"{echo}/text")
    outcome = cli(*sign_words(config, signature, model, "--identity-token", token))
    failed(outcome, f"{AUTHORITY}… refused with status 400: '<p>no\\x1b[2J </p>'", signature, token)


ADDRESSES = {"caUrls": "Fulcio", "rekorTlogUrls": "Rekor", "tsaUrls": "the timestamp authority"}


@pytest.mark.parametrize("member", ADDRESSES)
def test_a_service_at_no_address(
    box: server.Loopback, config: Path, cli: Cli, model: Path, signature: Path, member: str
) -> None:
    signature.write_bytes(OLD)
    token = box.token()
    put_service(config, member, "http://[\x1b[2J\n")
    outcome = cli(*sign_words(config, signature, model, "--identity-token", token))
    failed(outcome, f"{ADDRESSES[member]} ('http://[\\x1b[2J\\n…') can't be used: ", signature, token)
    assert "POST /api/v2/signingCert" not in box.requests


@pytest.mark.parametrize("name", ["rekor-v1-issuer-v1-missing", "rekor-v2-issuer-v1-missing"])
def test_a_new_certificate_that_names_nobody(config: Path, box: server.Loopback, name: str) -> None:
    """What no log and no chain is wrong with is not written either, if nobody could verify it."""
    case = next(case for case in static.cases() if case.name == name)
    made = json.dumps(static.make(case, b"{}").bundle).encode()
    signer = method.sigstore_signer(trust_config=config, identity_token=box.token())
    with pytest.raises(CertificateRejected, match="names no identity or no provider"):
        signer.verify(read_bundle(made), hashing.ignore_note)


def test_a_package_that_signs_something_else(
    box: server.Loopback, config: Path, model: Path, signature: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign = Signer.sign_dsse
    other = Statement(
        b'{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"n","digest":{}}],"predicateType":"p"}'
    )
    monkeypatch.setattr(Signer, "sign_dsse", lambda self, _: sign(self, other))
    signer = signing.Config().use_sigstore_signer(trust_config=config, identity_token=box.token())
    with pytest.raises(OperationError, match="another payload"):
        signer.sign(model, signature)
    assert not signature.exists()


def test_a_package_that_fails_in_an_unforeseen_way(
    box: server.Loopback, config: Path, cli: Cli, model: Path, signature: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Bundle:
        raise AttributeError("something\nnew")

    signature.write_bytes(OLD)
    token = box.token()
    monkeypatch.setattr(Signer, "sign_dsse", fail)
    outcome = cli(*sign_words(config, signature, model, "--identity-token", token))
    failed(outcome, "can't be used: 'something new'".replace("can't", f"{FULCIO}… can't"), signature, token)


def test_an_old_token_at_the_time_of_signing(
    box: server.Loopback, config: Path, model: Path, signature: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = signing.Config().use_sigstore_signer(trust_config=config, identity_token=box.token())
    monkeypatch.setattr(IdentityToken, "in_validity_period", lambda _: False)
    with pytest.raises(OperationError, match=r"the identity token can't be used: .*validity period"):
        signer.sign(model, signature)
    assert not signature.exists()
