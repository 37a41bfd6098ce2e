"""Each command with its own extra alone, and without: in fresh environments with the built wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from certificate_tools import AT, issue, key_pem, leaf
from conftest import Done, one_line
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from test_package import CLONE, NOT_SOURCE, run
from test_pkcs11 import TOOLS, Hsm, find_softhsm

ROOT = issue("root", identifiers=True)
SIGNER = leaf(ROOT, identifiers=True)
PIN = "pin-of-the-extras-4711"

# What each extra brings besides what it needs itself, in pip's names.
BRINGS: dict[str, set[str]] = {
    "": set(),
    "pkcs11": {"pykcs11", "asn1crypto"},
    "timestamp": {"rfc3161_client"},
    "blake3": {"blake3"},
}
BASE = {"model_signing_ref", "cryptography"}
LIBRARIES = {"cffi", "pycparser", "typing_extensions"}  # what cryptography itself needs, by version

pytestmark = pytest.mark.slow


class Environment(NamedTuple):
    """A virtual environment with the wheel and one extra, and the files that commands are given."""

    extra: str
    venv: Path
    folder: Path

    @property
    def python(self) -> Path:
        return self.venv / ("Scripts" if os.name == "nt" else "bin") / "python"

    @property
    def pip(self) -> tuple[str | Path, ...]:
        return sys.executable, "-m", "pip", "--python", self.python

    def run(self, *words: str | Path) -> Done:
        """Run a command line in it, in the folder of the files."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [str(self.python), "-m", "model_signing_ref", *map(str, words)]
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert "Traceback" not in done.stderr
        assert PIN not in done.stdout + done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def needs(self, extra: str, *words: str | Path) -> None:
        """The command works if this environment has the extra, and says what to install if not."""
        done = self.run(*words)
        if self.extra == extra:
            assert done.status == 0, done
            return
        assert (done.status, done.out) == (3, ""), done
        assert f"pip install 'model_signing_ref[{extra}]'" in one_line(done.err)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(CLONE, folder / "tree", ignore=shutil.ignore_patterns(*NOT_SOURCE))
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, folder / "tree")
    (path,) = folder.glob("*.whl")
    return path


def make(extra: str, wheel: Path, folder: Path) -> Environment:
    """A fresh environment, which this one's pip fills: it takes a third of the time of a pip of its own."""
    made = Environment(extra, folder / "venv", folder)
    run(sys.executable, "-m", "venv", "--without-pip", made.venv)
    run(*made.pip, "install", "-q", f"{wheel}[{extra}]" if extra else wheel)
    (folder / "model").mkdir()
    (folder / "model" / "weights").write_bytes(b"weights")
    (folder / "key.pem").write_bytes(key_pem(SIGNER.key))
    (folder / "leaf.pem").write_bytes(SIGNER.pem)
    (folder / "root.pem").write_bytes(ROOT.pem)
    public = SIGNER.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "key.pub").write_bytes(public)
    return made


KEY = ("--private-key", "key.pem")
CERTIFICATE = ("--signing-certificate", "leaf.pem")
VERIFY_KEY = ("verify", "key", "--public-key", "key.pub", "--signature", "model.sig")
VERIFY_CERTIFICATE = ("verify", "certificate", "--certificate-chain", "root.pem", "--signature", "model.sig")


@pytest.mark.parametrize("extra", BRINGS, ids=lambda extra: extra or "none")
def test_each_extra_alone(extra: str, wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = make(extra, wheel, tmp_path)
    listed = run(*environment.pip, "list", "--format", "freeze", "--disable-pip-version-check")
    names = {re.split("==| @", line)[0].lower().replace("-", "_") for line in listed.splitlines()}
    assert names - LIBRARIES == BASE | BRINGS[extra]
    key_and_certificate_need_no_extra(environment)
    blake3(environment)
    timestamps(environment)
    keys_on_tokens(environment, token_uri(environment, monkeypatch))


def key_and_certificate_need_no_extra(environment: Environment) -> None:
    for words in (
        ("--version",),
        ("digest", "model"),
        ("demo", "--quiet"),
        ("sign", "key", *KEY, "model"),
        (*VERIFY_KEY, "model"),
        ("sign", "certificate", *KEY, *CERTIFICATE, "model"),
        (*VERIFY_CERTIFICATE, "model"),
        *(("sign", method, "--help") for method in ("key", "certificate", "pkcs11-key", "pkcs11-certificate")),
    ):
        done = environment.run(*words)
        assert (done.status, done.err) == (0, ""), done


def blake3(environment: Environment) -> None:
    option = ("--hash-algorithm", "blake3")
    environment.needs("blake3", "digest", *option, "model")
    environment.needs("blake3", "sign", "key", *KEY, *option, "model")
    if environment.extra == "blake3":
        environment.needs("blake3", *VERIFY_KEY, "model")


def timestamps(environment: Environment) -> None:
    authorities = pytest.importorskip("timestamp_authority")
    tsa_root = authorities.tsa_root()
    (environment.folder / "tsa.pem").write_bytes(tsa_root.pem)
    answer = authorities.Answer(authorities.authority(tsa_root), time=AT)
    with authorities.serving(authorities.replying(answer)) as url:
        environment.needs("timestamp", "sign", "key", *KEY, "--tsa-url", url, "model")
        if environment.extra != "timestamp":
            assert environment.run("sign", "key", *KEY, "model").status == 0
        environment.needs("timestamp", *VERIFY_KEY, "--tsa-chain", "tsa.pem", "model")
        environment.needs("timestamp", "sign", "certificate", *KEY, *CERTIFICATE, "--tsa-url", url, "model")
        if environment.extra != "timestamp":
            assert environment.run("sign", "certificate", *KEY, *CERTIFICATE, "model").status == 0
        environment.needs("timestamp", *VERIFY_CERTIFICATE, "--tsa-chain", "tsa.pem", "model")


def token_uri(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of a key on a token; without SoftHSM2, of none."""
    module = find_softhsm()
    if module is None or not all(shutil.which(tool) for tool in TOOLS):
        if environment.extra == "pkcs11":
            pytest.skip("apt-get install softhsm2 opensc gnutls-bin openssl")
        return "pkcs11:object=key?module-name=softhsm2"
    folder = environment.folder
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
    hsm = Hsm(folder, module)
    (folder / "pin").write_text(PIN)
    hsm.run("softhsm2-util", "--init-token", "--free", "--label", "t", "--pin", PIN, "--so-pin", PIN)
    names = ("--token", "t", "--label", "key", "--id", "01", "--pin", PIN)
    hsm.run("softhsm2-util", "--import", folder / "key.pem", *names)
    return f"pkcs11:token=t;object=key?module-name=softhsm2&pin-source={folder / 'pin'}"


def keys_on_tokens(environment: Environment, token_uri: str) -> None:
    uri = ("--private-key", token_uri)
    for words in (
        ("sign", "key", *uri),
        ("sign", "certificate", *uri, *CERTIFICATE),
        ("sign", "pkcs11-key", *uri),
        ("sign", "pkcs11-key", "--pkcs11-uri", token_uri),
        ("sign", "pkcs11-certificate", "--pkcs11-uri", token_uri, *CERTIFICATE),
    ):
        environment.needs("pkcs11", *words, "model")
        if environment.extra == "pkcs11":
            verify = VERIFY_CERTIFICATE if CERTIFICATE[0] in words else VERIFY_KEY
            environment.needs("pkcs11", *verify, "model")
