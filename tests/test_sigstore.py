"""The sigstore method without any service: real and made bundles, trust roots, and what is said of them."""

from __future__ import annotations

import configparser
import importlib.metadata
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote as quote_url

import pytest
from cryptography import x509

pytest.importorskip("sigstore")
pytest.importorskip("asn1crypto")

from sigstore import models
from sigstore.errors import Error, VerificationError
from sigstore.verify import Verifier

from conformance.loopback import encodings as enc
from conformance.loopback import static
from model_signing_ref import bundle as bundles
from model_signing_ref import signing, verifying
from model_signing_ref.cli import main
from model_signing_ref.errors import MissingExtra, OperationError, Rejection
from model_signing_ref.hashing import ignore_note
from model_signing_ref.verifiers import sigstore as method

REPOSITORY = Path(__file__).parents[1]
HISTORICAL = Path(os.environ.get("OMS_TEST_DATA", "")) / "historical"
IDENTITY, ISSUER = "stefanb@us.ibm.com", "https://sigstore.verify.ibm.com/oauth2"
PAYLOAD = b'{"a payload": "that is not parsed"}'
CASES = {case.name: case for case in static.cases()}
UNSAID = {"rekor-v1-no-log", "rekor-v2-no-log"}  # 4.5.0 stumbles here, 4.5.1 says so
NAMESPACE = "make one network namespace (unshare -rn) to see it without network"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def own_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No cache, and no proxy, of whoever runs the tests."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for kind in ("CACHE", "DATA", "CONFIG"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / f"xdg-{kind.lower()}"))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """`run(*words)` runs the command line: status, standard output, standard error."""

    def call(*words: str | Path) -> tuple[int, str, str]:
        try:
            status = main([str(word) for word in words])
        except SystemExit as exit_:
            status = int(exit_.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever connects, or asks for an address, fails the test."""

    def refuse(*_: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(params=["v1.0.0-sigstore", "v1.1.0-sigstore"])
def historical(request: pytest.FixtureRequest) -> list[str]:
    """The arguments that verify a released client's signature, but for who signed."""
    folder = HISTORICAL / request.param
    if not folder.is_dir():
        pytest.skip("set OMS_TEST_DATA to the folder that holds historical/")
    ignored = [f"--ignore-paths={folder / 'ignore-me'}"]
    return ["verify", "sigstore", "--signature", str(folder / "model.sig"), *ignored, str(folder)]


def expecting(identity: str = IDENTITY, issuer: str = ISSUER) -> list[str]:
    return ["--identity", identity, "--identity-provider", issuer]


def write(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value), "utf-8")
    return path


def made(name: str, folder: Path) -> tuple[bundles.Bundle, static.Made, Path]:
    """A case's bundle as our reader reads it, all that was made, and the trust configuration's file."""
    case = static.make(CASES[name], PAYLOAD)
    return bundles.read_bundle(json.dumps(case.bundle).encode()), case, write(folder / "trust.json", case.trust_config)


# ---------------------------------------------------------------------------------- released clients


@pytest.mark.usefixtures("no_network")
def test_historical_bundles_verify_offline(run: Run, historical: list[str]) -> None:
    status, output, errors = run(*historical, *expecting(), "--offline")
    assert (status, output.startswith("Verification succeeded: 2 resources")) == (0, True), errors


def test_historical_bundles_verify_without_network(historical: list[str]) -> None:
    inside = ["unshare", "-rn"]
    try:
        allowed = subprocess.run([*inside, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        pytest.skip(NAMESPACE)
    command = [sys.executable, "-m", "model_signing_ref", *historical, *expecting()]
    done = subprocess.run([*inside, *command, "--offline"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:22]) == (0, "Verification succeeded"), done.stderr
    done = subprocess.run([*inside, *command], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "could not be refreshed" in done.stderr


@pytest.mark.parametrize(
    ("identity", "issuer"), [("stefanb@us.ibm.co", ISSUER), (IDENTITY, ISSUER + "/"), ("", ISSUER), (IDENTITY, "")]
)
def test_another_identity_or_issuer(run: Run, historical: list[str], identity: str, issuer: str) -> None:
    status, output, errors = run(*historical, *expecting(identity, issuer), "--offline", "--json")
    result = json.loads(output)
    if identity and issuer:
        assert (status, result["stage"]) == (1, "identity")
        assert f"the certificate is for identity '{IDENTITY}' of identity provider '{ISSUER}'" in errors
    else:  # the package would take an empty issuer for any
        assert (status, result["verdict"]) == (2, "none")
    assert errors.count("\n") == 1


@pytest.mark.usefixtures("no_network")
def test_the_staging_instance_is_another(run: Run, historical: list[str]) -> None:
    status, _, errors = run(*historical, *expecting(), "--offline", "--use-staging")
    assert status == 1
    assert errors.startswith("Verification failed: certificate: ")


def test_a_changed_model(run: Run, historical: list[str], tmp_path: Path) -> None:
    folder = Path(historical[-1])
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("signme-1", "signme-2"):
        (copy / name).write_bytes((folder / name).read_bytes() + b" ")
    words = ["verify", "--signature", folder / "model.sig", *expecting(), "--offline", copy]
    assert run(*words)[2].startswith("Verification failed: digest: ")


# --------------------------------------------------------------------------------------- trust roots


def planted(url: str, root: static.Tree) -> None:
    """Put a trust root where the package's own offline mode takes it from."""
    folder = Path(os.environ["XDG_CACHE_HOME"]) / "sigstore-python" / "tuf" / quote_url(url, safe="")
    folder.mkdir(parents=True)
    write(folder / "trusted_root.json", root)


@pytest.mark.parametrize("staging", [False, True])
def test_a_root_in_the_cache_is_not_the_carried_one(staging: bool, tmp_path: Path) -> None:
    bundle, case, _ = made("rekor-v1", tmp_path)
    planted(method.STAGING if staging else method.PRODUCTION, case.trust_config["trustedRoot"])
    instance = models.ClientTrustConfig.staging if staging else models.ClientTrustConfig.production
    taken = instance(offline=True).trusted_root
    method.verify_identity(bundle, taken, method.Identity(case.identity, case.issuer))
    verify = method.sigstore_verifier(
        identity=case.identity, oidc_issuer=case.issuer, use_staging=staging, offline=True
    )
    with pytest.raises(Rejection) as caught:
        verify(bundle, ignore_note)
    assert caught.value.stage == "certificate"


@pytest.mark.parametrize(
    ("staging", "log"), [(False, "https://rekor.sigstore.dev"), (True, "https://rekor.sigstage.dev")]
)
def test_each_instance_has_its_own_root(staging: bool, log: str) -> None:
    assert log in [each.base_url for each in method.trusted_root(staging, None, True)._inner.tlogs]


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("offline", [False, True])
def test_a_trust_configuration_needs_no_network(offline: bool, tmp_path: Path) -> None:
    bundle, case, config = made("rekor-v2", tmp_path)
    method.sigstore_verifier(identity=case.identity, oidc_issuer=case.issuer, trust_config=config, offline=offline)(
        bundle, ignore_note
    )


@pytest.mark.parametrize(("option", "name"), [([], "production"), (["--use-staging"], "staging")])
def test_the_instance_is_refreshed(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: list[str], name: str
) -> None:
    _, case, _ = made("rekor-v1", tmp_path)
    refreshed = []

    def refresh() -> models.ClientTrustConfig:
        refreshed.append(name)
        return models.ClientTrustConfig.from_json(json.dumps(case.trust_config))

    monkeypatch.setattr(models.ClientTrustConfig, name, refresh)
    signature = write(tmp_path / "model.sig", case.bundle)
    status, _, errors = run("verify", "--signature", signature, *expecting(case.identity, case.issuer), *option, model)
    assert (status, refreshed, errors[:32]) == (1, [name], "Verification failed: statement: ")


@pytest.mark.parametrize("option", [[], ["--use-staging"]])
def test_a_failed_refresh(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: list[str]
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # the discard port
    _, case, _ = made("rekor-v1", tmp_path)
    signature = write(tmp_path / "model.sig", case.bundle)
    status, _, errors = run("verify", "--signature", signature, *expecting(), *option, model)
    assert (status, errors.count("\n")) == (2, 1)
    source = method.STAGING if option else method.PRODUCTION
    assert all(text in errors for text in (f"could not be refreshed from {source}", "--offline", "--trust-config"))
    status, _, errors = run("sign", "--identity-token", "t", "--signature", signature, *option, model)
    assert (status, errors.count("\n"), "--offline" in errors) == (2, 1, False)
    assert "--trust-config" in errors
    assert json.loads(signature.read_bytes()) == case.bundle


def test_a_cache_that_cannot_be_written(run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(write(tmp_path / "a-file", {})))
    status, _, errors = run("verify", "--signature", tmp_path / "model.sig", *expecting(), model)
    assert (status, errors.count("\n"), "could not be refreshed" in errors) == (2, 1, True)


def broken_configs() -> dict[str, bytes]:
    good = static.make(CASES["rekor-v1"], PAYLOAD).trust_config
    kinds = ("text/plain", "application/vnd.dev.sigstore.trustedroot.v0.2+json")
    root, newer = ({**good, "trustedRoot": {**good["trustedRoot"], "mediaType": kind}} for kind in kinds)
    return {
        "empty": b"",
        "junk": b"{]",
        "not UTF-8": b'"\xff"',
        "a trusted root alone": json.dumps(good["trustedRoot"]).encode(),
        "media type of the root": json.dumps(root).encode(),
        "a newer version of the root": json.dumps(newer).encode(),
    }


@pytest.mark.parametrize("name", broken_configs())
def test_an_unusable_trust_configuration(run: Run, model: Path, tmp_path: Path, name: str) -> None:
    config = tmp_path / "trust.json"
    config.write_bytes(broken_configs()[name])
    with_config = ["--trust-config", config, "--signature", tmp_path / "model.sig", model]
    for words in (["verify", *expecting(), *with_config], ["sign", "--identity-token", "t", *with_config]):
        status, _, errors = run(*words)
        assert (status, errors.count("\n")) == (2, 1)
        assert f"the trust configuration '{config}' can't be used: " in errors


def test_an_absent_trust_configuration(run: Run, model: Path, tmp_path: Path) -> None:
    words = ["--trust-config", tmp_path / "absent", "--signature", tmp_path / "model.sig", model]
    for command in (["verify", *expecting()], ["sign"]):
        status, _, errors = run(*command, *words)
        assert (status, "No such file" in errors, errors.count("\n")) == (2, True, 1)


def test_staging_and_a_trust_configuration(run: Run, model: Path, tmp_path: Path) -> None:
    _, case, config = made("rekor-v1", tmp_path)
    both = ["--use-staging", "--trust-config", config, "--signature", tmp_path / "model.sig", model]
    assert run("verify", *expecting(), *both)[0] == run("sign", *both)[0] == 2
    with pytest.raises(OperationError, match="exclude each other"):
        verifying.Config().use_sigstore_verifier(
            identity=case.identity, oidc_issuer=case.issuer, use_staging=True, trust_config=config
        )
    with pytest.raises(OperationError, match="exclude each other"):
        signing.Config().use_sigstore_signer(use_staging=True, trust_config=config)


def test_a_package_without_a_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path)
    with pytest.raises(OperationError, match="carries no trust root"):
        method.sigstore_verifier(identity=IDENTITY, oidc_issuer=ISSUER, offline=True)


# ------------------------------------------------------------------------------- bundles with a defect


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", CASES)
def test_made_bundles(name: str, tmp_path: Path) -> None:
    case, config = static.make(CASES[name], PAYLOAD), tmp_path / "trust.json"
    write(config, case.trust_config)
    verify = method.sigstore_verifier(identity=case.identity, oidc_issuer=case.issuer, trust_config=config)
    data = json.dumps(case.bundle).encode()
    if not CASES[name].stages:
        verify(bundles.read_bundle(data), ignore_note)
        return
    with pytest.raises(Rejection) as caught:
        verify(bundles.read_bundle(data), ignore_note)
    assert caught.value.stage in CASES[name].stages
    if name not in UNSAID:
        assert "refuses this bundle" not in caught.value.detail  # a row says what it is
    assert "\n" not in caught.value.detail


def test_made_bundles_are_the_same_every_time() -> None:
    if not enc.deterministic_ecdsa():
        pytest.skip("the linked OpenSSL can't sign deterministically")
    for case in CASES.values():
        assert static.make(case, PAYLOAD) == static.make(case, PAYLOAD)


def test_every_case_has_its_own_name() -> None:
    assert len(CASES) == len(list(static.cases()))


@pytest.mark.parametrize("empty", ["identity", "oidc_issuer"])
def test_nobody_in_particular_is_expected(empty: str, tmp_path: Path) -> None:
    _, case, config = made("rekor-v1", tmp_path)
    wanted = {"identity": case.identity, "oidc_issuer": case.issuer, empty: ""}
    with pytest.raises(OperationError, match="must not be empty"):
        method.sigstore_verifier(identity=wanted["identity"], oidc_issuer=wanted["oidc_issuer"], trust_config=config)


def test_another_method(tmp_path: Path) -> None:
    bundle, case, config = made("rekor-v1", tmp_path)
    verify = method.sigstore_verifier(identity=case.identity, oidc_issuer=case.issuer, trust_config=config)
    for kind in (bundles.KEY, bundles.CERTIFICATE):
        with pytest.raises(Rejection) as caught:
            verify(bundle._replace(material=bundle.material._replace(kind=kind)), ignore_note)
        assert (caught.value.stage, caught.value.clause) == ("material", "OMS-11.1-08")
    with pytest.raises(Rejection) as caught:
        verify(bundle._replace(material=bundle.material._replace(log_entries=())), ignore_note)
    assert (caught.value.stage, caught.value.clause) == ("transparency", "OMS-11.1-05")


def test_the_package_is_given_our_encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, case, config = made("rekor-v1", tmp_path)
    case.bundle["dsseEnvelope"]["note"] = "unknown members of the envelope are ignored"
    case.bundle["dsseEnvelope"]["signatures"][0]["keyid"] = "a hint"
    data = json.dumps(case.bundle).encode()
    with pytest.raises(models.InvalidBundle):
        models.Bundle.from_json(data)
    given: list[bytes] = []
    load = models.Bundle.from_json

    def listen(raw: bytes) -> models.Bundle:
        given.append(raw)
        return load(raw)

    monkeypatch.setattr(models.Bundle, "from_json", listen)
    verify = method.sigstore_verifier(identity=case.identity, oidc_issuer=case.issuer, trust_config=config)
    bundle = bundles.read_bundle(data)
    verify(bundle, ignore_note)
    assert given == [bundles.write_bundle(bundle)]


def test_the_strict_reader_comes_first(run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, case, config = made("rekor-v1", tmp_path)
    signature = tmp_path / "model.sig"
    signature.write_bytes(json.dumps(case.bundle).encode()[:-1] + b',"mediaType":"twice"}')
    monkeypatch.setattr(models.Bundle, "from_json", lambda _: pytest.fail("the package was asked"))
    words = ["--signature", signature, *expecting(case.identity, case.issuer), "--trust-config", config]
    status, _, errors = run("verify", *words, model)
    assert (status, errors[:29]) == (1, "Verification failed: bundle: ")


@pytest.mark.parametrize("other", [b"", b"\xff"])  # in order before and after what was signed
def test_the_verified_payload_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: bytes) -> None:
    bundle, case, config = made("rekor-v1", tmp_path)
    verify = method.sigstore_verifier(identity=case.identity, oidc_issuer=case.issuer, trust_config=config)
    monkeypatch.setattr(Verifier, "verify_dsse", lambda *_: ("application/vnd.in-toto+json", other))
    with pytest.raises(Rejection, match="REF-SIGSTORE-12") as caught:
        verify(bundle, ignore_note)
    assert caught.value.stage == "signature"


# ------------------------------------------------------------------------------ the table of exceptions


@pytest.mark.parametrize("row", method.ROWS, ids=lambda row: row.prefix)
def test_every_row_is_reached(row: method.Row, tmp_path: Path) -> None:
    bundle, case, _ = made("rekor-v1", tmp_path)
    error = Error(f"{row.prefix} and\nwhat it is about")
    error.__cause__ = ValueError("the cause\x1b[2J")
    found = method.rejection_of(error, method.VERIFYING, bundle, method.Identity("x\ny", case.issuer))
    assert (type(found), found.clause) == (row.rejection, row.clause)
    assert found.detail.isprintable()
    if found.stage == "identity":
        assert case.identity in found.detail
    else:
        assert row.detail in found.detail
        assert "and what it is about" in found.detail
        assert "the cause" in found.detail


@pytest.mark.parametrize("error", [VerificationError("news"), KeyError("news"), AttributeError()])
@pytest.mark.parametrize("step", ["loading", "verifying"])
def test_unforeseen_exceptions(step: str, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, case, config = made("rekor-v1", tmp_path)
    verify = method.sigstore_verifier(identity=case.identity, oidc_issuer=case.issuer, trust_config=config)

    def fail(*_: object) -> Any:
        raise error

    target = "models.Bundle.from_json" if step == "loading" else "verify.Verifier.verify_dsse"
    monkeypatch.setattr(f"sigstore.{target}", fail)
    with pytest.raises(Rejection) as caught:
        verify(bundle, ignore_note)
    assert caught.value.stage == ("bundle" if step == "loading" else "transparency")
    assert (str(error) or "AttributeError") in caught.value.detail
    assert caught.value.__cause__ is error


def test_out_of_memory_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, case, config = made("rekor-v1", tmp_path)
    verify = method.sigstore_verifier(identity=case.identity, oidc_issuer=case.issuer, trust_config=config)

    def fail(*_: object) -> Any:
        raise MemoryError

    monkeypatch.setattr(models.Bundle, "from_json", fail)
    with pytest.raises(MemoryError):
        verify(bundle, ignore_note)


def test_the_tested_versions_are_those_required() -> None:
    config = configparser.ConfigParser()
    config.read(REPOSITORY / "setup.cfg", "utf-8")
    assert config["options.extras_require"]["sigstore"].split() == ["sigstore>=4.5,<4.6"]
    assert importlib.metadata.version("sigstore").startswith("4.5.")


# --------------------------------------------------------------------------------------- identities


def leaf_with(name: x509.GeneralName) -> bytes:
    instance = enc.make_instance("identities")
    key = enc.ec_key("identities", "leaf").public_key()
    return enc.der(enc.issue_leaf(instance, key, name, "https://issuer.example", serial=1, not_before=static.ISSUED_AT))


def test_identities_of_every_kind() -> None:
    uri = "https://github.com/o/r/.github/workflows/w.yml@refs/heads/main"
    assert method.read_identity(leaf_with(x509.UniformResourceIdentifier(uri))).name == uri
    assert method.read_identity(leaf_with(x509.RFC822Name("a@b.example"))).name == "a@b.example"
    username = method.read_identity(leaf_with(enc.username("alice"))).name
    assert username is not None
    assert username.endswith("alice")
    assert method.read_identity(leaf_with(x509.DNSName("host.example"))) == (None, "https://issuer.example")


def test_a_certificate_that_is_none() -> None:
    with pytest.raises(Rejection) as caught:
        method.read_identity(b"junk")
    assert caught.value.stage == "certificate"


# --------------------------------------------------------------------------- without the package at all


@pytest.fixture
def without_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.split(".")[0] == "sigstore" or (name.startswith("model_signing_ref.") and name.endswith("s.sigstore")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sigstore", None)


@pytest.mark.usefixtures("without_package")
def test_missing_package(run: Run, model: Path, tmp_path: Path) -> None:
    hint = "pip install 'model_signing_ref[sigstore]'"
    for words in (["sign", model], ["verify", *expecting(), "--signature", tmp_path / "model.sig", model]):
        status, _, errors = run(*words)
        assert (status, hint in errors, errors.count("\n")) == (3, True, 1)
    with pytest.raises(MissingExtra, match="pip install"):
        verifying.Config().use_sigstore_verifier(identity=IDENTITY, oidc_issuer=ISSUER)
    with pytest.raises(ImportError, match="pip install"):
        signing.sign(model, tmp_path / "model.sig")
    assert not (tmp_path / "model.sig").exists()


IMPORTED = """
import sys
from model_signing_ref.cli import main
status = main(sys.argv[1:])
names = [name for name in sys.modules if "sigstore" in name or name.split(".")[0] in ("requests", "pydantic", "tuf")]
print(status, names)
"""


def test_verify_key_imports_nothing_of_this(model: Path, key_files: tuple[Path, Path], tmp_path: Path) -> None:
    private, public = key_files
    signature = tmp_path / "model.sig"
    signing.Config().use_elliptic_key_signer(private_key=private).sign(model, signature)
    words = ["verify", "key", "--public-key", str(public), "--signature", str(signature), str(model)]
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *words], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 []"
