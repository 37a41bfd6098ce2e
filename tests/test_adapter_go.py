"""The adapter for the Go client: what it hands to the library, and the library itself where it can be had."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conformance import run

ADAPTER = Path(__file__).parents[1] / "conformance" / "adapters" / "go"
LIBRARY = "github.com/sigstore/model-signing"
COMMON = "ModelPath, SignaturePath string; IgnorePaths []string; IgnoreGitPaths, AllowSymlinks bool"
HASHING = f"{COMMON}; HashAlgorithm string; ShardSize int64"
# Package, type, what makes it, what it does, and its options: those of the library's that the adapter uses.
PARTS = (
    ("verify/key", "KeyVerifier", "Verify", f"{COMMON}; IgnoreUnsignedFiles bool; PublicKeyPath string"),
    (
        *("verify/certificate", "CertificateVerifier", "Verify"),
        f"{COMMON}; IgnoreUnsignedFiles bool; CertificateChain []string",
    ),
    (
        *("verify/sigstore", "SigstoreVerifier", "Verify"),
        f"{COMMON}; IgnoreUnsignedFiles, UseStaging bool; Identity, IdentityProvider, TrustConfigPath string",
    ),
    ("signing/key", "KeySigner", "Sign", f"{HASHING}; PrivateKeyPath string"),
    (
        *("signing/certificate", "CertificateSigner", "Sign"),
        f"{HASHING}; PrivateKeyPath, SigningCertificatePath string; CertificateChain []string",
    ),
    (
        "signing/sigstore",
        "SigstoreSigner",
        "Sign",
        f"{HASHING}; UseStaging bool; IdentityToken, TrustConfigPath string",
    ),
)
SOURCE = """package {package}

import (
	"context"
	"encoding/json"
	"errors"
	"os"
)

type {name}Options struct {{ {options} }}
type Result struct {{ Verified bool; Message string }}
type {name} struct {{ options {name}Options }}

func New{name}(options {name}Options) (*{name}, error) {{
	if os.Getenv("STAND_IN") == "not made" {{
		return nil, errors.New("not made")
	}}
	return &{name}{{options}}, nil
}}

func (made *{name}) {does}(context.Context) (Result, error) {{
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{{"{name}": made.options}})
	if os.Getenv("STAND_IN") == "an error" {{
		return Result{{}}, errors.New("an error")
	}}
	return Result{{os.Getenv("STAND_IN") == "", os.Getenv("STAND_IN")}}, nil
}}
"""


def go(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "GOFLAGS": "-buildvcs=false", "GOTOOLCHAIN": "local"}
    return subprocess.run(["go", *words], cwd=folder, check=False, capture_output=True, text=True, env=environment)


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The adapter, built with a stand-in for the library that tells what it was given."""
    if shutil.which("go") is None:
        pytest.skip("Go is not there: apt-get install golang-go (1.21 or later)")
    sources = tmp_path_factory.mktemp("adapter")
    for path, name, does, options in PARTS:
        folder = sources / "library" / "pkg" / path
        folder.mkdir(parents=True)
        text = SOURCE.format(package=folder.name, name=name, does=does, options=options)
        (folder / "stand_in.go").write_text(text, "utf-8")
    (sources / "library" / "go.mod").write_text(f"module {LIBRARY}\n\ngo 1.21\n", "utf-8")
    replaced = f"require {LIBRARY} v0.0.0\n\nreplace {LIBRARY} => ./library\n"
    (sources / "go.mod").write_text(f"module example.org/adapter\n\ngo 1.21\n\n{replaced}", "utf-8")
    shutil.copy(ADAPTER / "main.go", sources)
    built = go(sources, "build", "-o", "adapter", ".")
    assert built.returncode == 0, built.stderr
    return sources / "adapter"


def asked(adapter: Path, *words: str, stand_in: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "STAND_IN": stand_in}
    return subprocess.run([adapter, *words], check=False, capture_output=True, text=True, env=environment, timeout=60)


CASE = ("--model-path", "/m", "--bundle", "/b", "--ignore-paths", "/m/x", "--ignore-paths", "/m/y")
GIVEN = {"ModelPath": "/m", "SignaturePath": "/b", "IgnorePaths": ["/m/x", "/m/y"], "AllowSymlinks": False}
SIGNING = ("--model-path", "/m", "--output-bundle", "/b", "--hash-algorithm", "blake2b", "--shard-size", "10")
SIGNED = {**GIVEN, "IgnorePaths": None, "HashAlgorithm": "blake2b", "ShardSize": 10, "IgnoreGitPaths": True}


@pytest.mark.parametrize(
    ("words", "name", "told"),
    [
        (
            ("verify-model", "--method", "key", *CASE, "--public-key", "/k", "--ignore-unsigned-files"),
            "KeyVerifier",
            {**GIVEN, "IgnoreGitPaths": True, "IgnoreUnsignedFiles": True, "PublicKeyPath": "/k"},
        ),
        (
            ("verify-model", "--method", "certificate", *CASE, "--cert-chain", "/1", "--cert-chain", "/2"),
            "CertificateVerifier",
            {**GIVEN, "IgnoreGitPaths": True, "IgnoreUnsignedFiles": False, "CertificateChain": ["/1", "/2"]},
        ),
        (
            (
                *("verify-model", "--method", "sigstore", *CASE, "--identity", "me", "--identity-provider", "it"),
                *("--trust-config", "/t", "--no-ignore-git-paths"),
            ),
            "SigstoreVerifier",
            {
                **{**GIVEN, "IgnoreGitPaths": False, "IgnoreUnsignedFiles": False, "UseStaging": False},
                **{"Identity": "me", "IdentityProvider": "it", "TrustConfigPath": "/t"},
            },
        ),
        (
            ("sign-model", "--method", "key", *SIGNING, "--private-key", "/k", "--allow-symlinks"),
            "KeySigner",
            {**SIGNED, "AllowSymlinks": True, "PrivateKeyPath": "/k"},
        ),
        (
            ("sign-model", "--method", "certificate", *SIGNING, "--private-key", "/k", "--signing-cert", "/c"),
            "CertificateSigner",
            {**SIGNED, "PrivateKeyPath": "/k", "SigningCertificatePath": "/c", "CertificateChain": None},
        ),
        (
            ("sign-model", "--method", "sigstore", *SIGNING, "--identity-token", "t", "--use-staging"),
            "SigstoreSigner",
            {**SIGNED, "UseStaging": True, "IdentityToken": "t", "TrustConfigPath": ""},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_library_is_told_all_that_was_said(
    adapter: Path, words: tuple[str, ...], name: str, told: dict[str, object]
) -> None:
    ended = asked(adapter, *words)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout) == {name: told}


@pytest.mark.parametrize("stand_in", ["not made", "an error", "no verdict but this"])
@pytest.mark.parametrize("verb", ["verify-model", "sign-model"])
def test_whatever_the_library_says_no_with_is_a_refusal(adapter: Path, verb: str, stand_in: str) -> None:
    ended = asked(adapter, verb, "--method", "key", "--model-path", "/m", stand_in=stand_in)
    assert (ended.returncode, ended.stderr) == (1, stand_in + "\n")


@pytest.mark.parametrize(
    ("words", "status"),
    [((), 2), (("digest",), 2), (("verify-model", "--colour"), 2), (("verify-model", "--method", "pgp"), 3)],
)
def test_what_is_no_question_has_no_verdict(adapter: Path, words: tuple[str, ...], status: int) -> None:
    ended = asked(adapter, *words)
    assert ended.returncode == status and ended.stderr and not ended.stdout


def test_capabilities(adapter: Path) -> None:
    said = json.loads(asked(adapter, "capabilities").stdout)
    assert set(said) == {"client", "flags", "hash_algorithms", "profiles"}


def test_the_client_itself(tmp_path: Path) -> None:
    """With the real library: it is started, accepts a control and refuses a broken signature."""
    if shutil.which("go") is None:
        pytest.skip("Go is not there: apt-get install golang-go (1.26 or later)")
    for name in ("main.go", "go.mod"):
        shutil.copy(ADAPTER / name, tmp_path)
    fetched = go(tmp_path, "mod", "tidy")
    if fetched.returncode != 0:
        pytest.skip(f"(cd conformance/adapters/go && go mod tidy) fails: {fetched.stderr.strip().splitlines()[-2:]}")
    built = go(tmp_path, "build", "-o", "adapter", ".")
    assert built.returncode == 0, built.stderr
    results = tmp_path / "results.json"
    run.main(["--adapter", str(tmp_path / "adapter"), "--family", "order", "--json", str(results)])
    assert json.loads(results.read_text("utf-8"))["smoke"]["passed"]
