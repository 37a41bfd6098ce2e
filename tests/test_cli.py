"""Every command and option of the command line, the wrong input beside the right one."""

from __future__ import annotations

import base64
import errno
import hashlib
import io
import json
import os
import pty
import re
import runpy
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli, keys_for, one_line, run_child
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

import model_signing_ref
from model_signing_ref import cli as command_line
from model_signing_ref import compat, demo, keys, progress
from model_signing_ref.cli import COMMANDS, SIGN_METHODS, VERIFY_METHODS, normalise
from model_signing_ref.errors import Note, OperationError

CLONE = Path(model_signing_ref.__file__).parent.parent
PASSWORD = "correct horse, battery staple"
Keys = tuple[Path, Path]
Spelling = Callable[[str], str]


def dashes(option: str) -> str:
    return option


def underscores(option: str) -> str:
    return "--" + option[2:].replace("-", "_")


both_spellings = pytest.mark.parametrize("spell", [dashes, underscores])


class Setting:
    """A model, its keys and where its signature goes."""

    def __init__(self, cli: Cli, model: Path, key_files: Keys) -> None:
        self.cli, self.model = cli, model
        self.private, self.public = key_files
        self.signature = model.parent / "model.sig"

    def sign(self, *options: str | Path, spell: Spelling = dashes) -> tuple[int, str, str]:
        words = (spell("--private-key"), self.private, "--signature", self.signature)
        return self.cli("sign", "key", *words, *options, self.model)

    def verify(self, *options: str | Path, spell: Spelling = dashes) -> tuple[int, str, str]:
        words = (spell("--public-key"), self.public, "--signature", self.signature)
        return self.cli("verify", "key", *words, *options, self.model)

    def stage(self, *options: str | Path, spell: Spelling = dashes) -> str | None:
        """The stage at which verification refuses; None when it accepts."""
        status, out, _ = self.verify("--json", *options, spell=spell)
        answer = json.loads(out)
        assert answer["exit_status"] == status
        assert (answer["verdict"], status) in (("accepted", 0), ("rejected", 1))
        stage: str | None = answer["stage"]
        return stage

    def payload(self) -> bytes:
        return base64.b64decode(json.loads(self.signature.read_bytes())["dsseEnvelope"]["payload"])


@pytest.fixture
def setting(cli: Cli, model: Path, key_files: Keys) -> Setting:
    return Setting(cli, model, key_files)


@both_spellings
def test_key_signs_and_verifies(setting: Setting, spell: Spelling) -> None:
    status, out, err = setting.sign(spell=spell)
    assert (status, err) == (0, "")
    assert one_line(out).startswith("Signing succeeded")
    status, out, err = setting.verify(spell=spell)
    assert (status, err) == (0, "")
    assert one_line(out).startswith("Verification succeeded")
    (setting.model / "weights.bin").write_bytes(b"other")
    status, out, err = setting.verify(spell=spell)
    assert (status, out) == (1, "")
    assert one_line(err) == "Verification failed: digest: 'weights.bin' is not what was signed [OMS-8.4-01]"


def test_signature_goes_to_model_sig_by_default(
    cli: Cli, model: Path, key_files: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model.parent)
    assert cli("sign", "key", "--private-key", key_files[0], "model").status == 0
    assert cli("verify", "key", "--public-key", key_files[1], "--signature", "model.sig", "model").status == 0
    usage = cli("verify", "key", "--public-key", key_files[1], "model")
    assert usage.status == 2
    assert "--signature" in one_line(usage.err)


def test_verifying_finds_extra_missing_and_changed_files(setting: Setting) -> None:
    setting.sign()
    (setting.model / "extra").touch()
    (setting.model / "tokenizer.json").unlink()
    status, out, _ = setting.verify("--json")
    answer = json.loads(out)
    assert (status, answer["stage"], answer["path"]) == (1, "files", "tokenizer.json")
    assert answer["extra"] == {"count": 1, "names": ["extra"]}
    assert answer["missing"] == {"count": 1, "names": ["tokenizer.json"]}


@both_spellings
def test_ignored_paths_are_relative_to_the_working_directory(
    setting: Setting, spell: Spelling, monkeypatch: pytest.MonkeyPatch
) -> None:
    option = spell("--ignore-paths")
    monkeypatch.chdir(setting.model.parent)
    status, _, err = setting.sign(option, "tokenizer", spell=spell)
    assert status == 2
    assert "is not inside the model" in one_line(err)
    assert setting.sign(option, "model/tokenizer", option, setting.model / "empty", spell=spell)[0] == 0
    (setting.model / "tokenizer" / "vocab.json").write_text("other")
    status, _, err = setting.verify(spell=spell)
    assert status == 0
    assert one_line(err) == "note: files below ignored paths were not verified: 2, first 'empty'"
    monkeypatch.chdir(setting.model)
    assert setting.sign(option, "tokenizer", spell=spell)[0] == 0
    assert setting.stage() is None
    (setting.model / "weights.bin").write_bytes(b"other")
    assert setting.stage() == "digest"


def test_ignored_path_excuses_an_extra_file_and_no_signed_one(setting: Setting) -> None:
    setting.sign()
    (setting.model / "extra").touch()
    assert setting.stage() == "files"
    assert setting.stage("--ignore-paths", setting.model / "extra") is None
    (setting.model / "weights.bin").write_bytes(b"other")
    excuses = ("--ignore-paths", setting.model / "extra", "--ignore-paths", setting.model / "weights.bin")
    assert setting.stage(*excuses) == "digest"


@both_spellings
def test_git_paths_are_ignored_unless_told_otherwise(setting: Setting, spell: Spelling) -> None:
    (setting.model / ".gitattributes").write_text("*.bin filter=lfs")
    assert setting.sign(spell("--ignore-git-paths"))[0] == 0
    (setting.model / ".gitattributes").write_text("other")
    assert setting.stage(spell=spell) is None
    assert setting.sign(spell("--no-ignore-git-paths"))[0] == 0
    (setting.model / ".gitattributes").write_text("changed again")
    assert setting.stage(spell=spell) == "digest"
    (setting.model / ".gitattributes").unlink()
    assert setting.sign(spell("--no-ignore-git-paths"))[0] == 0
    (setting.model / ".gitignore").touch()
    assert setting.stage(spell("--ignore-git-paths")) is None
    assert setting.stage(spell("--no-ignore-git-paths")) == "files"


@both_spellings
def test_links_are_followed_only_when_signed_and_allowed(setting: Setting, spell: Spelling) -> None:
    (setting.model / "link").symlink_to("weights.bin")
    status, _, err = setting.sign()
    assert status == 2
    assert one_line(err) == ("Signing failed: 'link' is a symbolic link, and links are not allowed (OMS-6.1.1-02)")
    assert setting.sign(spell("--allow-symlinks"))[0] == 0
    assert json.loads(setting.verify("--json")[1])["clause"] == "REF-FILES-06"
    assert setting.stage(spell("--allow-symlinks")) is None
    (setting.model / "link").unlink()
    setting.sign()
    (setting.model / "weights.bin").rename(setting.model.parent / "elsewhere")
    (setting.model / "weights.bin").symlink_to(setting.model.parent / "elsewhere")
    assert json.loads(setting.verify("--json", spell("--allow-symlinks"))[1])["clause"] == "OMS-6.1.1-07"


@both_spellings
def test_unsigned_files_are_refused_unless_excused(setting: Setting, spell: Spelling) -> None:
    setting.sign()
    (setting.model / "extra").touch()
    assert setting.stage(spell("--no-ignore-unsigned-files")) == "files"
    assert setting.stage(spell("--ignore-unsigned-files")) is None
    status, _, err = setting.verify(spell("--ignore-unsigned-files"))
    assert status == 0
    assert one_line(err) == "note: files not signed were not verified: 1, first 'extra'"
    (setting.model / "weights.bin").unlink()
    assert setting.stage(spell("--ignore-unsigned-files")) == "files"


@both_spellings
def test_log_level_hides_warnings_and_no_result(
    setting: Setting, spell: Spelling, monkeypatch: pytest.MonkeyPatch
) -> None:
    level = spell("--log-level")
    words = ("digest", spell("--shard-size"), "5000", setting.model)
    warning = "warning: files of zero bytes are not covered: 1, first 'empty'"
    status, digest, err = setting.cli(*words)
    assert (status, one_line(err)) == (0, warning)
    assert setting.cli(level, "warning", *words) == (0, digest, warning + "\n")
    assert setting.cli(level, "ERROR", *words) == (0, digest, "")
    assert setting.cli(f"{level}=CRITICAL", *words) == (0, digest, "")
    assert setting.cli(*words, "--quiet") == (0, digest, "")
    monkeypatch.setenv("MODEL_SIGNING_LOG_LEVEL", "error")
    assert setting.cli(*words) == (0, digest, "")
    assert setting.cli(level, "INFO", *words) == (0, digest, warning + "\n")
    usage = setting.cli(level, "LOUD", *words)
    assert usage.status == 2
    assert "'LOUD'" in one_line(usage.err)


def test_errors_are_told_at_every_log_level(setting: Setting) -> None:
    for words in (("--log-level", "CRITICAL", "digest"), ("digest", "--quiet")):
        assert setting.cli(*words, "/no/such/model") == (2, "", "error: No such file or directory: '/no/such/model'\n")


def test_quiet_says_nothing_of_success(setting: Setting) -> None:
    assert setting.sign("--quiet") == (0, "", "")
    assert setting.verify("--quiet") == (0, "", "")
    (setting.model / "extra").touch()
    status, out, err = setting.verify("--quiet")
    assert (status, out) == (1, "")
    assert one_line(err) == "Verification failed: files: 'extra' is not signed [OMS-8.5-01]"


def test_version_and_no_arguments(cli: Cli) -> None:
    assert cli("--version") == (0, f"model_signing_ref {model_signing_ref.__version__}\n", "")
    status, out, err = cli()
    assert (status, out) == (2, "")
    assert err.startswith("usage: model_signing_ref")
    assert cli("no-such-command").status == 2


HELPED = [
    (),
    *((name,) for name in COMMANDS),
    *(("sign", name) for name in SIGN_METHODS),
    *(("verify", name) for name in VERIFY_METHODS),
]


@pytest.mark.parametrize("words", HELPED, ids=" ".join)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_shows_an_example(cli: Cli, words: tuple[str, ...], option: str) -> None:
    status, out, err = cli(*words, option)
    assert (status, err) == (0, "")
    example = " ".join(["model_signing_ref", *words[:1]])
    assert example in out[out.index("First steps" if not words else "example:") :]


def test_sigstore_is_the_default_method() -> None:
    assert normalise(["sign", "model"]) == ["sign", "sigstore", "model"]
    assert normalise(["--log-level", "DEBUG", "verify", "--signature", "s", "m"])[3] == "sigstore"
    assert normalise(["--log_level=DEBUG", "sign", "--use_staging", "m"])[2:] == ["sigstore", "--use-staging", "m"]
    for words in (["sign", "key", "m"], ["verify", "--help"], ["sign", "-h"], ["sign"], ["digest", "sign", "--json"]):
        assert normalise(list(words)) == words
    assert normalise(["verify", "key", "sign", "m"]) == ["verify", "key", "sign", "m"]
    assert normalise(["digest", "--", "--a_b"]) == ["digest", "--", "--a_b"]


@pytest.mark.parametrize("name", ["sign", "verify", "key", "demo"])
def test_model_may_be_called_like_a_command(
    cli: Cli, model: Path, key_files: Keys, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(model.parent)
    model.rename(name)
    assert cli("digest", name, "--json").status == 0
    assert cli("sign", "key", name, "--private-key", key_files[0]).status == 0
    assert cli("verify", "key", name, "--public-key", key_files[1], "--signature", "model.sig").status == 0


@both_spellings
def test_signature_to_stdout(setting: Setting, spell: Spelling) -> None:
    setting.sign()
    words = ("sign", "key", spell("--private-key"), setting.private, "--signature", "-", setting.model)
    status, out, err = setting.cli(*words)
    assert (status, out.encode()) == (0, setting.signature.read_bytes())
    assert one_line(err).startswith("Signing succeeded")
    assert setting.cli(*words, "--quiet") == (0, out, "")
    status, out, err = setting.cli(*words, "--json")
    assert status == 2
    assert one_line(err) == "Signing failed: --json and --signature - would both write to stdout"
    assert json.loads(out)["verdict"] == "none"


def test_same_input_gives_same_bytes_unless_random(setting: Setting) -> None:
    setting.sign()
    first = setting.signature.read_bytes()
    setting.sign("--workers", "1")
    assert setting.signature.read_bytes() == first
    for _ in range(2):
        assert setting.sign("--random-signature")[0] == 0
        assert setting.stage() is None
        assert setting.signature.read_bytes() != first
        first = setting.signature.read_bytes()


@pytest.mark.parametrize("workers", ["1", "2", "50"])
def test_workers_change_nothing(setting: Setting, workers: str) -> None:
    (setting.model / "large").write_bytes(bytes(3 << 20))
    (setting.model / "larger").write_bytes(bytes(4 << 20))
    assert setting.cli("digest", "--workers", workers, setting.model) == setting.cli("digest", setting.model)


NUMBERS = ["--workers", "--shard-size", "--max-bundle-bytes"]


@pytest.mark.parametrize("option", NUMBERS)
@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5", "", " -1\n"])
def test_numbers_are_positive_integers(setting: Setting, option: str, value: str) -> None:
    status, out, err = setting.verify(f"{option}={value}")
    assert (status, out) == (2, "")
    assert option in one_line(err)


@both_spellings
@pytest.mark.parametrize(("algorithm", "size"), [("sha256", 32), ("blake2b", 64), ("blake3", 32)])
def test_hash_algorithm(setting: Setting, spell: Spelling, algorithm: str, size: int) -> None:
    assert setting.sign(spell("--hash-algorithm"), algorithm)[0] == 0
    predicate = json.loads(setting.payload())["predicate"]
    assert predicate["serialization"]["hash_type"] == algorithm
    assert {len(resource["digest"]) for resource in predicate["resources"]} == {2 * size}
    assert setting.stage() is None
    assert setting.stage(spell("--hash-algorithm"), algorithm) is None
    other = "blake2b" if algorithm == "sha256" else "sha256"
    assert setting.stage(spell("--hash-algorithm"), other) == "predicate"
    (setting.model / "weights.bin").write_bytes(b"other")
    assert setting.stage() == "digest"


@pytest.mark.parametrize("algorithm", ["blake2", "SHA256", "md5", ""])
def test_unregistered_hash_algorithm_is_a_usage_error(setting: Setting, algorithm: str) -> None:
    status, _, err = setting.sign("--hash-algorithm", algorithm)
    assert status == 2
    assert repr(algorithm) in one_line(err)
    assert not setting.signature.exists()


@both_spellings
@pytest.mark.parametrize("size", [1 << 13, 10_000, 1 << 14, 2**53 - 1])
def test_shard_size(setting: Setting, spell: Spelling, size: int) -> None:
    option = spell("--shard-size")
    assert setting.sign(option, str(size))[0] == 0
    predicate = json.loads(setting.payload())["predicate"]
    assert predicate["serialization"]["shard_size"] == size
    weights = (1 << 14) // size + bool((1 << 14) % size)
    assert sum(resource["name"].startswith("weights.bin:") for resource in predicate["resources"]) == weights
    assert setting.stage() is None
    assert setting.stage(option, str(size)) is None
    assert setting.stage(option, "77") == "predicate"
    (setting.model / "weights.bin").write_bytes(bytes(1 << 14))
    assert setting.stage() == "digest"


def test_shard_size_beyond_what_a_verifier_reads_is_refused(setting: Setting) -> None:
    status, _, err = setting.sign("--shard-size", str(2**53))
    assert status == 2
    assert one_line(err) == f"Signing failed: --shard-size is over {2**53 - 1} (REF-PREDICATE-02)"
    assert not setting.signature.exists()


@both_spellings
def test_max_bundle_bytes(setting: Setting, spell: Spelling) -> None:
    option = spell("--max-bundle-bytes")
    setting.sign()
    size = setting.signature.stat().st_size
    assert setting.stage(option, str(size)) is None
    assert setting.stage(option, str(size - 1)) == "bundle"
    assert setting.stage(option, "9" * 30) is None


def write_v02_bundle(setting: Setting, *, current_encoding: bool = False) -> None:
    """A bundle as version 0.2.0 made it, over two files; or its statement in the current encoding."""
    names = ("tokenizer.json", "weights.bin")
    for path in sorted(setting.model.rglob("*"), reverse=True):
        if path.name not in names:
            path.rmdir() if path.is_dir() else path.unlink()
    digests = ((name, hashlib.sha256((setting.model / name).read_bytes()).hexdigest()) for name in names)
    subjects = [{"name": name, "digest": {"sha256": digest}} for name, digest in digests]
    statement = {"_type": "https://in-toto.io/Statement/v1", "subject": subjects, "predicateType": None}
    payload = json.dumps({**statement, "predicateType": compat.V02_PREDICATE_TYPE}).encode()
    key = load_pem_private_key(setting.private.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    kind = "application/vnd.in-toto+json"
    encode = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
    message = encode if current_encoding else compat.pae_v02(kind, payload)
    signature = key.sign(message, ec.ECDSA(hashes.SHA256()))
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": keys.fingerprint(key.public_key())}},
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": kind,
            "signatures": [{"sig": base64.b64encode(signature).decode()}],
        },
    }
    setting.signature.write_text(json.dumps(bundle))


@both_spellings
def test_version_02_is_read_on_request_only(setting: Setting, spell: Spelling) -> None:
    write_v02_bundle(setting)
    option = "--allow-v0.2" if spell is dashes else "--allow_v0.2"
    assert setting.stage() == "signature"
    status, out, _ = setting.verify("--json", option)
    assert (status, [warning["code"] for warning in json.loads(out)["warnings"]]) == (0, ["old-v0.2"])
    (setting.model / "weights.bin").write_bytes(b"other")
    assert setting.stage(option) == "digest"
    write_v02_bundle(setting, current_encoding=True)
    assert setting.stage(option) == "statement"


# Of every command: the members that programs may rely on.
HEAD = ["command", "method", "verdict", "exit_status", "stage", "clause", "detail", "path", "warnings", "notes"]
MANIFEST = ["model_name", "root_digest", "resources", "serialization"]
FINDINGS = ["refused", "missing", "extra", "changed"]


def test_json_of_every_command(setting: Setting) -> None:
    signed = json.loads(setting.sign("--json")[1])
    assert list(signed) == [*HEAD, "model", "signature", *MANIFEST]
    assert (signed["command"], signed["method"], signed["verdict"]) == ("sign", "key", "done")
    verified = json.loads(setting.verify("--json")[1])
    assert list(verified) == [*HEAD, "model", "signature", *MANIFEST, "not_covered", "unsigned"]
    assert (verified["command"], verified["method"], verified["verdict"]) == ("verify", "key", "accepted")
    assert all(verified[name] == signed[name] for name in MANIFEST)
    digest = setting.cli("digest", "--json", setting.model).json
    assert list(digest) == [*HEAD, "model", *MANIFEST]
    assert (digest["verdict"], digest["method"], digest["root_digest"]) == ("done", None, signed["root_digest"])
    shown = setting.cli("demo", "--json")
    assert list(shown.json) == [*HEAD, "steps"]
    assert shown.err == ""
    (setting.model / "weights.bin").write_bytes(b"other")
    refused = json.loads(setting.verify("--json")[1])
    assert list(refused) == [*HEAD, *FINDINGS]
    assert (refused["verdict"], refused["exit_status"], refused["clause"]) == ("rejected", 1, "OMS-8.4-01")
    assert refused["changed"] == {"count": 1, "names": ["weights.bin"]}
    failed = setting.cli("digest", "--json", "/no/such/model")
    assert list(failed.json) == HEAD
    assert (failed.json["verdict"], failed.json["exit_status"]) == ("none", 2)


def test_json_lists_a_thousand_names_and_the_true_count(setting: Setting) -> None:
    setting.sign()
    for number in range(1001):
        (setting.model / f"x{number:04}").touch()
    extra = json.loads(setting.verify("--json")[1])["extra"]
    assert (extra["count"], len(extra["names"]), extra["names"][0]) == (1001, 1000, "x0000")


def test_digest_is_the_root_digest(cli: Cli, setting: Setting) -> None:
    total = hashlib.sha256()
    for name in ("empty", "tokenizer.json", "tokenizer/vocab.json", "weights.bin"):
        total.update(hashlib.sha256((setting.model / name).read_bytes()).digest())
    assert cli("digest", setting.model) == (0, f"sha256:{total.hexdigest()}\n", "")
    (setting.model / "link").symlink_to("empty")
    assert cli("digest", setting.model).status == 2
    assert cli("digest", "--ignore_paths", setting.model / "link", setting.model).out == f"sha256:{total.hexdigest()}\n"
    assert cli("digest", "--allow_symlinks", setting.model).out != f"sha256:{total.hexdigest()}\n"


def test_module_runs_from_a_clone(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = run_child("--version", cwd=CLONE, env=environment)
    assert done == (0, f"model_signing_ref {model_signing_ref.__version__}\n", "")


@pytest.mark.parametrize("program", ["model_signing_ref", "standalone.py"])
def test_nothing_is_imported_from_the_working_directory(setting: Setting, tmp_path: Path, program: str) -> None:
    """A model may hold modules, and may be verified from inside."""
    for name in sys.stdlib_module_names | {"cryptography", "asn1crypto", "model_signing_ref"}:
        (setting.model / f"{name}.py").write_text("raise SystemExit('imported')")
    assert setting.sign()[0] == 0
    installed = tmp_path / "bin" / "model_signing_ref"  # what pip writes, but for a name of its own
    installed.parent.mkdir()
    installed.write_text("import sys\nfrom model_signing_ref.__main__ import main\nsys.exit(main())\n")
    words = [installed, "verify", "key"] if program == installed.name else [CLONE / "model_signing_ref" / program]
    command = [sys.executable, *words, "--public-key", setting.public, "--signature", setting.signature, "."]
    environment = {**os.environ, "PYTHONPATH": str(CLONE)}
    done = subprocess.run(command, cwd=setting.model, env=environment, check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


# Encrypted keys.


@pytest.fixture(params=["SEC1", "PKCS #8"])
def encrypted(request: pytest.FixtureRequest, setting: Setting, tmp_path: Path) -> Path:
    """The private key, encrypted by openssl."""
    path = tmp_path / "encrypted.pem"
    command = {
        "SEC1": ["openssl", "ec", "-aes256"],
        "PKCS #8": ["openssl", "pkcs8", "-topk8", "-v2", "aes256"],
    }[request.param]
    words = [*command, "-in", str(setting.private), "-out", str(path), "-passout", f"pass:{PASSWORD}"]
    subprocess.run(words, check=True, capture_output=True)
    assert (b"Proc-Type: 4,ENCRYPTED" if request.param == "SEC1" else b"ENCRYPTED PRIVATE") in path.read_bytes()
    return path


def test_encrypted_key(setting: Setting, encrypted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.private = encrypted
    outputs = [setting.sign("--password", PASSWORD)]
    assert outputs[-1][0] == 0
    assert setting.stage() is None
    setting.signature.unlink()
    outputs.append(
        setting.cli(
            "--log-level",
            "DEBUG",
            "sign",
            "key",
            "--private_key",
            encrypted,
            "--signature",
            setting.signature,
            "--password",
            PASSWORD + "!",
            setting.model,
        )
    )
    assert outputs[-1][:2] == (2, "")
    assert one_line(outputs[-1][2]) == f"Signing failed: wrong password for the private key in {str(encrypted)!r}"
    assert not setting.signature.exists()
    monkeypatch.setenv("MODEL_SIGNING_REF_PASSWORD", PASSWORD)
    outputs.append(setting.sign("--json"))
    assert outputs[-1][0] == 0
    assert setting.stage() is None
    outputs.append(setting.sign("--password", ""))  # the option has the last word, even when it is empty
    assert outputs[-1][0] == 2
    secrets = (PASSWORD, *encrypted.read_text().splitlines()[-4:-1])
    assert not any(secret in part for _, out, err in outputs for part in (out, err) for secret in secrets)


def test_encrypted_key_without_a_password(setting: Setting, encrypted: Path) -> None:
    words = ("sign", "key", "--private-key", encrypted, "--signature", setting.signature, setting.model)
    done = run_child(*words)
    assert done.status == 2
    expected = "Signing failed: the private key is encrypted: give --password or $MODEL_SIGNING_REF_PASSWORD"
    assert one_line(done.err) == expected
    done = run_child(*words, preexec_fn=lambda: os.close(0))
    assert (done.status, one_line(done.err)) == (2, expected)


def at_a_terminal(words: list[str], typed: bytes, prompt: bytes = b"Password of the private key: ") -> tuple[int, str]:
    """Run a command line on a terminal of its own and answer its prompt: exit status, all that was shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # it is ignored in a background job
        os.execv(sys.executable, [sys.executable, "-m", "model_signing_ref", *words])
    try:
        shown = read_terminal(terminal, prompt)
        os.write(terminal, typed)
        shown += read_terminal(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()
    except TimeoutError:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        os.close(terminal)


def read_terminal(terminal: int, until: bytes | None = None) -> bytes:
    """What is shown, up to `until` or to the end."""
    shown = b""
    while until is None or until not in shown:
        if not select.select([terminal], [], [], 60)[0]:
            raise TimeoutError(shown)
        try:
            part = os.read(terminal, 1000)
        except OSError:  # the other end is closed
            return shown
        if not part:
            return shown
        shown += part
    return shown


def test_password_prompt(setting: Setting, encrypted: Path) -> None:
    signature = setting.signature
    words = ["sign", "key", "--private-key", str(encrypted), "--signature", str(signature), str(setting.model)]
    status, shown = at_a_terminal(words, b"not it\n")
    assert status == 2
    assert "wrong password for the private key" in shown
    assert "Traceback" not in shown
    assert not signature.exists()
    status, shown = at_a_terminal(words, b"\x04")
    assert status == 2
    assert "give --password" in shown
    assert "Traceback" not in shown
    status, shown = at_a_terminal(words, b"\x03")
    assert (status, signature.exists()) == (130, False)
    assert "Traceback" not in shown
    status, shown = at_a_terminal(words, PASSWORD.encode() + b"\n")
    assert status == 0
    assert PASSWORD not in shown
    assert setting.stage() is None


def test_password_of_a_plain_key_is_not_asked_for(setting: Setting) -> None:
    assert setting.sign("--password", PASSWORD)[0] == 0
    assert setting.stage() is None


@pytest.mark.parametrize("option", ["--passwrd", "--PASSWORD"])
def test_misspelt_option_is_named_without_its_value(setting: Setting, option: str) -> None:
    for value in ((option, PASSWORD), (f"{option}=secret",)):
        status, out, err = setting.sign(*value)
        assert (status, out) == (2, "")
        assert f"unknown option {option!r}" in one_line(err)
        assert PASSWORD not in err
        assert "secret" not in err
    status, out, err = setting.sign("too", "many")
    assert (status, out) == (2, "")
    assert "2 arguments too many" in one_line(err)


# The demonstration.


def snapshot(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Everything in `folder`: mode, size, time of last change, contents."""
    facts = {}
    for path in [folder, *folder.rglob("*")]:
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        facts[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns, content)
    return facts


TAMPERED = [("one bit flipped", "digest"), ("a file added", "files"), ("a file removed", "files")]


def test_demo_shows_every_rejection(cli: Cli) -> None:
    status, out, err = cli("demo")
    assert (status, err) == (0, "")
    for what, stage in TAMPERED:
        line = next(line for line in out.splitlines() if line.strip().startswith(what))
        assert f"refused at stage {stage}" in line
        assert "[OMS-8." in line
    assert "What next:" in out
    steps = cli("demo", "--json").json["steps"]
    expected = [("sign", None), ("as signed", None), *TAMPERED]
    assert [(step["step"], step.get("stage")) for step in steps] == expected
    assert cli("demo", "--quiet") == (0, "", "")


@pytest.mark.parametrize("kind", ["directory", "file"])
def test_demo_only_reads_a_model_of_the_user(cli: Cli, model: Path, tmp_path: Path, kind: str) -> None:
    (model / ".gitattributes").write_text("*.bin")
    before = snapshot(tmp_path)
    mine = model if kind == "directory" else model / "weights.bin"
    status, out, err = cli("demo", mine)
    assert (status, err) == (0, "")
    assert f"Your model, {str(mine)!r}, which is only read:" in out
    steps = cli("demo", "--json", mine).json["steps"]
    assert [step["step"] for step in steps[:5]] == ["sign", "as signed", "sign", "as signed", "sign"]
    assert [(step["step"], step["stage"]) for step in steps[5:]] == TAMPERED
    assert snapshot(tmp_path) == before


def test_demo_of_a_large_model_copies_its_small_files(cli: Cli, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "COPIED_BYTES", 100)
    steps = cli("demo", "--json", model).json["steps"]
    assert [step["files"] for step in steps if step["step"] == "sign"] == [4, 4, 3]
    monkeypatch.setattr(demo, "COPIED_BYTES", -1)
    steps = cli("demo", "--json", model).json["steps"]
    assert [step["files"] for step in steps if step["step"] == "sign"] == [4, 4, 1]


def test_demo_of_a_model_that_is_not_there(cli: Cli) -> None:
    status, _, err = cli("demo", "/no/such/model")
    assert (status, one_line(err)) == (2, "error: No such file or directory: '/no/such/model'")


def test_demo_fails_if_a_tampering_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_: Path) -> None:
        return None

    def ignore(_: Note) -> None:
        return None

    monkeypatch.setattr(demo, "TAMPERINGS", (("nothing done", nothing),))
    with pytest.raises(OperationError, match="nothing done"):
        demo.demo(None, lambda line: None, ignore)


def test_demo_where_signatures_are_random(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    without_deterministic_signatures(monkeypatch)
    assert cli("demo").status == 0


def without_deterministic_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the linked OpenSSL one that has no deterministic ECDSA."""
    from cryptography.exceptions import UnsupportedAlgorithm

    real = ec.ECDSA

    def old(algorithm: hashes.HashAlgorithm, deterministic_signing: bool = False) -> ec.ECDSA:
        if deterministic_signing:
            raise UnsupportedAlgorithm("not by this OpenSSL")
        return real(algorithm)

    monkeypatch.setattr(ec, "ECDSA", old)


def test_signature_that_cannot_be_deterministic_exits_3(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    without_deterministic_signatures(monkeypatch)
    status, _, err = setting.sign()
    assert (status, setting.signature.exists()) == (3, False)
    assert "--random-signature" in one_line(err)
    assert setting.sign("--random-signature")[0] == 0


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: str(curve.name))
def test_each_curve_signs_and_verifies(setting: Setting, tmp_path: Path, curve: ec.EllipticCurve) -> None:
    setting.private, setting.public = keys_for(tmp_path, curve, "other")
    assert setting.sign()[0] == 0
    assert setting.stage() is None
    setting.public = keys_for(tmp_path, curve, "wrong")[1]
    assert setting.stage() == "key"


def test_defect_of_the_program_is_one_line(cli: Cli, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> object:
        raise KeyError("what\n")

    monkeypatch.setattr("model_signing_ref.hashing.hash_model", broken)
    status, out, err = cli("digest", model)
    assert (status, out) == (2, "")
    assert one_line(err).startswith("error: a defect of this program, please report it: KeyError")
    assert "Traceback" in cli("--log-level", "DEBUG", "digest", model).err


# Streams, as far as they can be replaced in this process; test_bad_input.py has the real ones.


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Broken(io.StringIO):
    """A stream that fails when it is written to, or only when it is flushed."""

    def __init__(self, error: OSError, *, late: bool = False) -> None:
        super().__init__()
        self.error, self.late = error, late

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not self.late:
            raise self.error
        return len(text)

    def flush(self) -> None:
        raise self.error


@pytest.mark.parametrize("late", [False, True])
def test_result_that_is_not_written_is_no_success(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    setting.sign()
    public, signature, model = str(setting.public), str(setting.signature), str(setting.model)
    words = ["verify", "key", "--public-key", public, "--signature", signature, model]
    monkeypatch.setattr(command_line, "discard_output", lambda: None)
    full, left = OSError(errno.ENOSPC, "No space left on device"), BrokenPipeError(errno.EPIPE, "Broken pipe")
    outcomes: list[tuple[io.StringIO | None, int, str]] = [
        (Broken(full, late=late), 2, "error: the result could not be written: No space left on device\n"),
        (Broken(left, late=late), 0, ""),
        (None, 2, "error: the result could not be written: standard output is closed\n"),
    ]
    for stdout, expected, line in outcomes:
        for options in ((), ("--json",)):
            with monkeypatch.context() as context:
                errors = io.StringIO()
                context.setattr(sys, "stdout", stdout)
                context.setattr(sys, "stderr", errors)
                assert command_line.main([*words, *options]) == expected
                assert errors.getvalue() == line
                if expected == 2:
                    assert command_line.main([*words[:-1], "/absent", *options]) == 2
                    assert errors.getvalue() == line + "error: No such file or directory: '/absent'\n"
                    assert command_line.main(["--help"]) == 2


def test_stderr_that_takes_nothing_changes_no_status(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.sign()
    for stderr in (None, Broken(OSError(errno.EIO, "gone"))):
        monkeypatch.setattr(sys, "stderr", stderr)
        assert setting.verify()[0] == 0
        assert setting.sign("--shard-size", "1000")[0] == 0
        assert setting.cli("digest", "/no/such/model").status == 2
        assert setting.cli("no-such-command").status == 2
        assert setting.cli().status == 2


def test_progress_on_a_terminal_when_it_takes_long(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert setting.cli("digest", setting.model).status == 0
    assert terminal.getvalue() == "\r\033[K"  # it took less than a second
    monkeypatch.setattr(progress, "SILENT_SECONDS", -1.0)
    for options in ((), ("--workers", "1")):
        terminal.truncate(0)
        assert setting.cli("digest", *options, setting.model).status == 0
        assert re.search(r"\rhashed 0 MB at [0-9,]+ MB/s .*\r\033\[K$", terminal.getvalue(), re.DOTALL)
    terminal.truncate(0)
    assert setting.cli("digest", "--quiet", setting.model).status == 0
    assert "hashed" not in terminal.getvalue()
    terminal.truncate(0)
    assert setting.cli("digest", "/no/such/model").status == 2
    assert terminal.getvalue().endswith("\r\033[Kerror: No such file or directory: '/no/such/model'\n")


def test_progress_is_not_for_files(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SILENT_SECONDS", -1.0)
    assert setting.cli("digest", setting.model).err == ""


def test_progress_counts_and_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("model_signing_ref.progress.time.monotonic", lambda: now[0])
    terminal = Terminal()
    tell = progress.progress_line(terminal)
    for moment, count in ((100.9, 50_000_000), (101.0, 51_000_000), (101.1, 1), (101.3, 999_999)):
        now[0] = moment
        tell(count)
    assert terminal.getvalue() == "\rhashed 101 MB at 101 MB/s \rhashed 102 MB at 78 MB/s "
    now[0] = 200.0
    progress.progress_line(Broken(OSError(errno.EIO, "gone")))(5)


def test_password_prompt_of_this_process(setting: Setting, encrypted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.private = encrypted
    monkeypatch.setattr(sys, "stdin", Terminal())
    answers: list[str | BaseException] = [PASSWORD, "no", EOFError(), KeyboardInterrupt()]

    def answer(prompt: str) -> str:
        assert prompt == "Password of the private key: "
        given = answers.pop(0)
        if isinstance(given, str):
            return given
        raise given

    monkeypatch.setattr("getpass.getpass", answer)
    assert [setting.sign()[0] for _ in range(4)] == [0, 2, 2, 130]
    monkeypatch.setattr(sys, "stdin", None)
    assert setting.sign()[0] == 2


def test_module_ends_with_the_status(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["model_signing_ref", "digest", "/no/such/model"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("model_signing_ref", run_name="__main__")
    assert ended.value.code == 2
