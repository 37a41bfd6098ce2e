"""Bad input and a bad day: one line on stderr, the right exit status, no traceback, nothing half-written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import Cli, Done, keys_for, one_line, run_child
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from model_signing_ref import keys, output
from model_signing_ref import paths as model_paths
from model_signing_ref.errors import OperationError, explain_os_error

Keys = tuple[Path, Path]
is_root = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture
def signed(cli: Cli, model: Path, key_files: Keys) -> Path:
    """The signature of the model."""
    signature = model.parent / "model.sig"
    assert cli("sign", "key", "--private-key", key_files[0], "--signature", signature, model).status == 0
    return signature


def rejected(done: Done, stage: str) -> str:
    assert (done.status, done.out) == (1, "")
    line = one_line(done.err)
    assert line.startswith(f"Verification failed: {stage}: ")
    return line


def failed(done: Done) -> str:
    assert (done.status, done.out) == (2, "")
    line = one_line(done.err)
    assert line.startswith(("error: ", "Signing failed: "))
    return line


# Keys.


def test_wrong_key(cli: Cli, model: Path, signed: Path, tmp_path: Path, key_files: Keys) -> None:
    _, other = keys_for(tmp_path, ec.SECP256R1(), "other")
    words = ("verify", "key", "--signature", signed, model, "--public-key")
    assert "the bundle's hint is not the fingerprint of this key" in rejected(cli(*words, other), "key")
    assert cli(*words, key_files[1]).status == 0


NO_KEYS = {
    "empty": b"",
    "text": b"not a key\n",
    "binary": bytes(range(256)),
    "cut": b"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n",
    "escape": b"-----BEGIN \x1b[31m\n-----\n",
}


@pytest.mark.parametrize("content", NO_KEYS.values(), ids=NO_KEYS)
def test_file_without_a_key(cli: Cli, model: Path, signed: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no.pem"
    path.write_bytes(content)
    before = signed.read_bytes()
    line = failed(cli("verify", "key", "--public-key", path, "--signature", signed, model))
    assert line == f"error: no PEM public key in {str(path)!r}"
    line = failed(cli("sign", "key", "--private-key", path, "--signature", signed, model))
    assert line == f"Signing failed: no PEM private key in {str(path)!r}"
    assert signed.read_bytes() == before


def test_keys_the_wrong_way_round(cli: Cli, model: Path, signed: Path, key_files: Keys) -> None:
    private, public = key_files
    line = failed(cli("verify", "key", "--public-key", private, "--signature", signed, model))
    assert line.endswith("; this is a private key")
    assert "no PEM private key" in failed(cli("sign", "key", "--private-key", public, "--signature", signed, model))


def test_key_file_without_end(cli: Cli, model: Path, signed: Path) -> None:
    for words in (("verify", "key", "--public-key"), ("sign", "key", "--private-key")):
        line = failed(cli(*words, "/dev/zero", "--signature", signed, model))
        assert "'/dev/zero' has more than 1048576 bytes" in line


def test_key_file_at_its_bound(cli: Cli, model: Path, signed: Path, key_files: Keys, tmp_path: Path) -> None:
    """Exactly 1 MiB is read, as text around the key is allowed; a byte more is not."""
    path, pem = tmp_path / "large.pub", key_files[1].read_bytes()
    path.write_bytes(b"." * ((1 << 20) - len(pem) - 1) + b"\n" + pem)
    assert cli("verify", "key", "--public-key", path, "--signature", signed, model).status == 0
    path.write_bytes(b"." + path.read_bytes())
    assert "has more than 1048576 bytes" in failed(
        cli("verify", "key", "--public-key", path, "--signature", signed, model)
    )


def test_file_of_two_keys(cli: Cli, model: Path, signed: Path, key_files: Keys, tmp_path: Path) -> None:
    path = tmp_path / "two.pub"
    path.write_bytes(key_files[1].read_bytes() * 2)
    assert "several public keys" in failed(cli("verify", "key", "--public-key", path, "--signature", signed, model))


OTHER_KEYS: dict[str, Callable[[], object]] = {
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "Ed448": ed448.Ed448PrivateKey.generate,
    "X25519": x25519.X25519PrivateKey.generate,
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "secp224r1": lambda: ec.generate_private_key(ec.SECP224R1()),
    "brainpoolP256r1": lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
    "brainpoolP384r1": lambda: ec.generate_private_key(ec.BrainpoolP384R1()),
}
# What `cryptography` does not know, or warns of.
OPENSSL_KEYS = {
    "SM2": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2"],
    "secp192k1": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp192k1"],
    "DH": ["-algorithm", "DH", "-pkeyopt", "group:ffdhe2048"],
    "RSA-512": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:512"],
}


def write_other_keys(folder: Path, kind: str) -> Keys:
    """A key pair that is none of OMS."""
    private, public = folder / "other.pem", folder / "other.pub"
    if kind in OTHER_KEYS:
        key = OTHER_KEYS[kind]()
        private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))  # type: ignore[attr-defined]
        public_key = key.public_key()  # type: ignore[attr-defined]
        public.write_bytes(public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    else:
        for words in (
            ["genpkey", *OPENSSL_KEYS[kind], "-out", str(private)],
            ["pkey", "-in", str(private), "-pubout", "-out", str(public)],
        ):
            subprocess.run(["openssl", *words], check=True, capture_output=True)
    return private, public


@pytest.mark.parametrize("kind", [*OTHER_KEYS, *OPENSSL_KEYS])
def test_key_of_another_type_or_curve(model: Path, signed: Path, tmp_path: Path, kind: str) -> None:
    private, public = write_other_keys(tmp_path, kind)
    before = signed.read_bytes()
    # In a child, so that a warning would be seen.
    done = run_child("verify", "key", "--public-key", public, "--signature", signed, model)
    assert rejected(done, "key").endswith("[OMS-REG-04]")
    line = failed(run_child("sign", "key", "--private-key", private, "--signature", signed, model))
    assert line == f"Signing failed: the key in {str(private)!r} is not on P-256, P-384 or P-521 (OMS-REG-04)"
    assert signed.read_bytes() == before


@pytest.mark.parametrize("kind", ["RSA", "secp256k1"])
def test_private_key_of_another_type_or_curve(tmp_path: Path, kind: str) -> None:
    private, _ = write_other_keys(tmp_path, kind)
    with pytest.raises(OperationError, match=r"is not on P-256, P-384 or P-521 \(OMS-REG-04\)"):
        keys.load_private_key(private)


def test_encrypted_private_key_and_no_password(tmp_path: Path) -> None:
    path, key = tmp_path / "key.pem", ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pw")))
    with pytest.raises(OperationError, match="is encrypted and no password was given"):
        keys.load_private_key(path)
    assert keys.load_private_key(path, lambda: b"pw").private_numbers() == key.private_numbers()


def test_name_of_a_model() -> None:
    assert [model_paths.model_name(path) for path in ("/", "/a/b", b"a/")] == ["/", "b", "a"]
    with pytest.raises(OperationError, match="is not UTF-8"):
        model_paths.model_name(b"/a/\xff")


# Inputs that are absent, of the wrong kind or unreadable.

INPUTS = {
    "public key": ("verify", "key", "--public-key", None, "--signature", "{signed}", "{model}"),
    "signature": ("verify", "key", "--public-key", "{public}", "--signature", None, "{model}"),
    "private key": ("sign", "key", "--private-key", None, "--signature", "{new}", "{model}"),
    "model to verify": ("verify", "key", "--public-key", "{public}", "--signature", "{signed}", None),
    "model to sign": ("sign", "key", "--private-key", "{private}", "--signature", "{new}", None),
    "model to hash": ("digest", None),
}


@pytest.fixture
def names(model: Path, signed: Path, key_files: Keys) -> dict[str, str]:
    new = model.parent / "new.sig"
    paths = {"model": model, "signed": signed, "new": new, "private": key_files[0], "public": key_files[1]}
    return {name: str(path) for name, path in paths.items()}


def filled(words: tuple[str | None, ...], names: dict[str, str], missing: str) -> list[str]:
    return [missing if word is None else word.format(**names) for word in words]


@pytest.mark.parametrize("what", INPUTS)
def test_input_that_is_not_there(cli: Cli, names: dict[str, str], tmp_path: Path, what: str) -> None:
    path = str(tmp_path / "absent")
    assert failed(cli(*filled(INPUTS[what], names, path))).endswith(f"No such file or directory: {path!r}")
    path = names["public"] + "/below"
    assert failed(cli(*filled(INPUTS[what], names, path))).endswith(f"Not a directory: {path!r}")
    assert failed(cli(*filled(INPUTS[what], names, ""))).endswith("No such file or directory: ''")
    assert "File name too long" in failed(cli(*filled(INPUTS[what], names, "x" * 5000)))
    assert not Path(names["new"]).exists()


@pytest.mark.parametrize("what", ["public key", "signature", "private key"])
def test_directory_where_a_file_is_due(cli: Cli, names: dict[str, str], tmp_path: Path, what: str) -> None:
    line = failed(cli(*filled(INPUTS[what], names, str(tmp_path))))
    expected = f"the signature {str(tmp_path)!r} is not a file"
    assert line.endswith(expected if what == "signature" else f"Is a directory: {str(tmp_path)!r}")


@pytest.mark.parametrize("what", ["signature", "model to verify", "model to sign", "model to hash"])
def test_fifo_is_not_waited_for(cli: Cli, names: dict[str, str], tmp_path: Path, what: str) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    done = cli(*filled(INPUTS[what], names, str(path)))
    if what == "model to verify":
        assert "is neither a file nor a directory" in rejected(done, "files")
    else:
        assert str(path) in failed(done)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user can reach, unlike tmp_path."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


# A first run loads everything before the rights are given up: Python itself may lie where only root can read.
AS_NOBODY = """
import os, sys
import model_signing_ref.cli_key, model_signing_ref.cli_model, model_signing_ref.pkcs11_uri
from model_signing_ref.cli import main
assert main(["demo", "--quiet"]) == 0
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
sys.exit(main(sys.argv[1:]))
"""


def run_as_nobody(*words: str | Path) -> Done:
    ended = subprocess.run([sys.executable, "-c", AS_NOBODY, *words], check=False, capture_output=True, text=True)
    return Done(ended.returncode, ended.stdout, ended.stderr)


@pytest.mark.parametrize("what", ["public key", "signature", "private key", "model to sign", "model to hash"])
def test_unreadable_input(open_folder: Path, what: str) -> None:
    names = readable_names(open_folder)
    words = INPUTS[what]
    given = words[words.index(None) - 1]
    good = {"--public-key": "public", "--private-key": "private", "--signature": "signed"}.get(given or "", "model")
    assert run_as_nobody(*filled(words, names, names[good])).status == 0
    os.chmod(names[good], 0)
    line = failed(run_as_nobody(*filled(words, names, names[good])))
    as_content = "'model' can't be read: Permission denied (REF-FILES-02)"
    assert line.endswith(as_content if good == "model" else f"Permission denied: {names[good]!r}")


def readable_names(folder: Path) -> dict[str, str]:
    """A signed model of one file, its keys and a folder for signatures, for everyone."""
    private, public = keys_for(folder, ec.SECP256R1())
    (folder / "model").write_bytes(b"weights")
    (folder / "out").mkdir()
    signed, new = folder / "model.sig", folder / "out" / "new.sig"
    words = ("sign", "key", "--private-key", private, "--signature", signed, folder / "model")
    assert run_child(*words).status == 0
    for path in (private, public, signed, folder / "model"):
        os.chmod(path, 0o644)
    os.chmod(folder / "out", 0o777)
    paths = {"model": folder / "model", "private": private, "public": public, "signed": signed, "new": new}
    return {name: str(path) for name, path in paths.items()}


def test_unreadable_file_of_a_model(open_folder: Path) -> None:
    names = readable_names(open_folder)
    folder = open_folder / "folder"
    (folder / "below").mkdir(parents=True)
    (folder / "a").write_bytes(b"a")
    (folder / "below" / "b").write_bytes(b"b")
    names["model"], names["signed"] = str(folder), str(open_folder / "folder.sig")
    assert run_child(*filled(INPUTS["private key"], {**names, "new": names["signed"]}, names["private"])).status == 0
    os.chmod(names["signed"], 0o644)
    verify = filled(INPUTS["public key"], names, names["public"])
    sign = filled(INPUTS["private key"], names, names["private"])
    assert run_as_nobody(*verify).status == 0
    os.chmod(folder / "below", 0o311)  # its files may be read, but not listed: what is in it that was not signed?
    assert "'below' can't be read: Permission denied" in rejected(run_as_nobody(*verify), "files")
    assert "'below' can't be read: Permission denied" in failed(run_as_nobody(*sign))
    os.chmod(folder / "below", 0o755)
    os.chmod(folder / "a", 0)
    assert "'a' can't be read: Permission denied" in rejected(run_as_nobody(*verify), "files")
    assert "'a' can't be read: Permission denied" in failed(run_as_nobody(*sign))
    assert run_as_nobody(*sign, "--ignore-paths", str(folder / "a")).status == 0


# Where signatures are written.


def test_output_folder_that_is_not_there(cli: Cli, model: Path, key_files: Keys, tmp_path: Path) -> None:
    words = ("sign", "key", "--private-key", key_files[0], model, "--signature")
    for folder in (tmp_path / "absent", key_files[1]):
        line = failed(cli(*words, folder / "model.sig"))
        assert line == f"Signing failed: the folder {str(folder)!r} does not exist"
    assert failed(cli(*words, tmp_path)) == f"Signing failed: the signature {str(tmp_path)!r} is a directory"


def test_output_folder_that_can_not_be_written(open_folder: Path) -> None:
    names = readable_names(open_folder)
    words = filled(INPUTS["private key"], names, names["private"])
    os.chmod(open_folder / "out", 0o555)
    assert (
        failed(run_as_nobody(*words)) == f"Signing failed: the folder {str(open_folder / 'out')!r} can't be written to"
    )
    os.chmod(open_folder / "out", 0o333)  # to write to, but not to list
    assert run_as_nobody(*words).status == 0
    assert os.listdir(open_folder / "out") == ["new.sig"]


def test_signature_replaces_neither_a_device_nor_the_model(
    cli: Cli, model: Path, key_files: Keys, tmp_path: Path
) -> None:
    fifo, link = tmp_path / "fifo", tmp_path / "link"
    os.mkfifo(fifo)
    link.symlink_to(fifo)
    words = ("sign", "key", "--private-key", key_files[0], "--signature")
    for path in (fifo, link):
        assert str(fifo) in failed(cli(*words, path, model))
        assert fifo.is_fifo()
    weights = model / "weights.bin"
    link.unlink()
    link.symlink_to(weights)
    before = weights.read_bytes()
    for path in (weights, link):
        assert "the model" in failed(cli(*words, path, weights))
        assert weights.read_bytes() == before


def test_signature_to_the_name_of_a_pipe(model: Path, key_files: Keys) -> None:
    words = ("sign", "key", "--private-key", key_files[0], "--signature", "/dev/stdout", model)
    assert "'/dev/stdout' is a device or the like" in failed(run_child(*words))


def test_signature_through_a_link(cli: Cli, model: Path, key_files: Keys, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.sig"
    link.symlink_to(tmp_path / "real" / "model.sig")
    for _ in range(2):
        assert cli("sign", "key", "--private-key", key_files[0], "--signature", link, model).status == 0
        assert link.is_symlink()
        assert os.listdir(tmp_path / "real") == ["model.sig"]
    assert cli("verify", "key", "--public-key", key_files[1], "--signature", link, model).status == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for a few pages."""
    if not is_root or sys.platform != "linux":
        pytest.skip("needs root on Linux, to mount a small tmpfs")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32k", "none", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a tmpfs is not permitted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_full_disk(cli: Cli, model: Path, key_files: Keys, small_disk: Path) -> None:
    signature = small_disk / "model.sig"
    words = ("sign", "key", "--private-key", key_files[0], "--signature", signature, model)
    assert cli(*words).status == 0
    before = signature.read_bytes()
    with suppress(OSError), open(small_disk / "filler", "wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    assert "No space left on device" in failed(cli(*words))
    assert signature.read_bytes() == before
    assert sorted(os.listdir(small_disk)) == ["filler", "model.sig"]
    (small_disk / "filler").unlink()
    assert cli(*words).status == 0


# Output streams.

SPEAKING = {
    "help": ("--help",),
    "help of a command": ("sign", "key", "--help"),
    "version": ("--version",),
    "digest": ("digest", "{model}"),
    "sign": ("sign", "key", "--private-key", "{private}", "--signature", "{new}", "{model}"),
    "sign to stdout": ("sign", "key", "--private-key", "{private}", "--signature", "-", "{model}", "--quiet"),
    "verify": ("verify", "key", "--public-key", "{public}", "--signature", "{signed}", "{model}"),
    "verify in JSON": ("verify", "key", "--public-key", "{public}", "--signature", "{signed}", "{model}", "--json"),
    "demo": ("demo",),
    "demo in JSON": ("demo", "--json"),
}


@pytest.mark.parametrize("what", SPEAKING)
def test_stdout_that_takes_nothing(names: dict[str, str], what: str) -> None:
    words = filled(SPEAKING[what], names, "")
    assert run_child(*words).status == 0
    with open("/dev/full", "wb") as full:
        done = run_child(*words, stdout=full)
    assert done.status == 2
    assert one_line(done.err) == "error: the result could not be written: No space left on device"
    done = run_child(*words, preexec_fn=lambda: os.close(1))
    assert done.status == 2
    assert one_line(done.err) == "error: the result could not be written: standard output is closed"


@pytest.mark.parametrize("what", SPEAKING)
def test_reader_who_left(names: dict[str, str], what: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert run_child(*filled(SPEAKING[what], names, ""), stdout=writing) == (0, "", "")
    finally:
        os.close(writing)


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_rejection_is_kept_whatever_happens_to_stdout(names: dict[str, str], option: tuple[str, ...]) -> None:
    (Path(names["model"]) / "extra").touch()
    words = [*filled(SPEAKING["verify"], names, ""), *option]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        rejected(run_child(*words, stdout=writing), "files")
    finally:
        os.close(writing)
    with open("/dev/full", "wb") as full:
        rejected(run_child(*words, stdout=full), "files")
    rejected(run_child(*words, preexec_fn=lambda: os.close(1)), "files")


def test_long_rejection_is_kept_when_the_reader_leaves(names: dict[str, str]) -> None:
    for number in range(1000):
        (Path(names["model"]) / f"{'x' * 100}{number}").touch()
    words = [sys.executable, "-m", "model_signing_ref", *filled(SPEAKING["verify in JSON"], names, "")]
    shell = '"$@" | head -c 1; exit ${PIPESTATUS[0]}'
    ended = subprocess.run(["bash", "-c", shell, "-", *words], check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (1, "{")
    assert one_line(ended.stderr).startswith("Verification failed: files: ")


def test_closed_stderr(names: dict[str, str]) -> None:
    def close() -> None:
        os.close(2)

    assert run_child(*filled(SPEAKING["digest"], names, ""), preexec_fn=close).status == 0
    assert run_child("digest", "/no/such/model", preexec_fn=close) == (2, "", "")
    assert run_child("digest", preexec_fn=close) == (2, "", "")
    assert run_child(preexec_fn=close) == (2, "", "")
    (Path(names["model"]) / "extra").touch()
    assert run_child(*filled(SPEAKING["verify"], names, ""), preexec_fn=close) == (1, "", "")
    with open("/dev/full", "wb") as full:
        assert run_child(*filled(SPEAKING["verify"], names, ""), stderr=full).status == 1


def test_terminal_of_few_characters(tmp_path: Path) -> None:
    model = tmp_path / "模型"
    model.mkdir()
    (model / "é\u2028").write_bytes(b"x")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    for words in (("demo", model), ("digest", "--json", model), ("sign", "certificate", "--help")):
        done = run_child(*words, env=environment)
        assert (done.status, done.err) == (0, "")
        assert done.out.isascii()
    done = run_child("digest", tmp_path / "不", env=environment)
    assert one_line(done.err).endswith("\\u4e0d'")


# Names.

ODD_NAMES = ["a\nb", "a\rb", "\x1b[31mred\x1b[0m", "a\tb", "\u202egnp.exe", "\x85", "x" * 250]


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_names_are_escaped(cli: Cli, model: Path, key_files: Keys, tmp_path: Path, name: str) -> None:
    signature = tmp_path / "model.sig"
    sign = ("sign", "key", "--private-key", key_files[0], "--signature", signature, model)
    verify = ("verify", "key", "--public-key", key_files[1], "--signature", signature, model)
    (model / name).write_bytes(b"x")
    done = cli(*sign)
    assert (done.status, done.err) == (0, "")
    done = cli(*verify)
    assert (done.status, done.err) == (0, "")
    shown = repr(name)[1:-1][:100]
    (model / name).write_bytes(b"y")
    assert shown in rejected(cli(*verify), "digest")
    (model / name).unlink()
    assert shown in rejected(cli(*verify), "files")
    assert cli(*sign).status == 0
    (model / name).mkdir()
    (model / name / name).write_bytes(b"x")
    assert shown in rejected(cli(*verify), "files")
    (model / name / "link").symlink_to(name)
    assert shown in failed(cli(*sign))
    done = cli(*verify, "--ignore-unsigned-files")
    assert done.status == 0
    assert shown in one_line(done.err)
    for option in ("--public-key", "--signature"):
        assert shown in failed(cli(*verify, option, name))
    for words in (("sign", "key", "--private-key", name, model), ("digest", name), ("demo", name)):
        assert shown in one_line(cli(*words).err)
    assert shown in failed(cli("digest", "--ignore-paths", f"/{name}", model))
    assert one_line(cli("digest", "--hash-algorithm", name, model).err)
    assert one_line(cli("digest", f"--{name}", model).err)
    assert one_line(cli(name, model).err)
    assert one_line(cli("digest", f"--shard-size=0{name}", model).err)


def test_signature_and_model_of_an_odd_name(cli: Cli, model: Path, key_files: Keys, tmp_path: Path) -> None:
    odd = model.rename(tmp_path / "\x1b[31m\n")
    signature = tmp_path / "sig\n\x1b"
    done = cli("sign", "key", "--private-key", key_files[0], "--signature", signature, odd)
    assert (done.status, done.err) == (0, "")
    assert one_line(done.out)
    done = cli("verify", "key", "--public-key", key_files[1], "--signature", signature, odd)
    assert (done.status, done.err) == (0, "")
    assert one_line(done.out)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are Unicode")
def test_arguments_that_are_not_utf8(names: dict[str, str], tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    for what, words in INPUTS.items():
        filled_words = [os.fsencode(word) for word in filled(words, names, "")]
        filled_words[words.index(None)] = folder + b"/\xff"
        assert "\\udcff" in failed(run_child(*filled_words)), what
    assert "\\udcff" in failed(run_child(b"digest", b"--\xff", b"model"))
    signature = folder + b"/\xff.sig"
    sign = ("sign", "key", "--private-key", names["private"], "--signature", signature, names["model"])
    assert run_child(*sign).status == 0
    verify = ("verify", "key", "--public-key", names["public"], "--signature", signature, names["model"])
    assert run_child(*verify, "--json").json["signature"].endswith("/\udcff.sig")
    Path(os.fsdecode(os.fsencode(names["model"]) + b"/\xff")).touch()
    assert "'\\udcff' is not UTF-8" in rejected(run_child(*verify), "files")
    assert "'\\udcff' is not UTF-8" in failed(run_child(*sign))
    assert run_child(*sign, "--ignore-paths", os.fsencode(names["model"]) + b"/\xff").status == 2
    model = folder + b"/\xfe"
    os.rename(names["model"], model)
    assert "the model's name '\\udcfe' is not UTF-8" in failed(run_child("digest", model))


# Interrupted runs, and what they leave.


def interrupt(*_: object, **__: object) -> object:
    raise KeyboardInterrupt


@pytest.mark.parametrize("step", ["model_signing_ref.tree.walk", "os.fsync", "os.replace"])
def test_interrupt_leaves_the_old_signature(
    cli: Cli, model: Path, signed: Path, key_files: Keys, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before, listed = signed.read_bytes(), sorted(os.listdir(signed.parent))
    (model / "more").write_bytes(b"so that a new signature is another one")
    words = ("sign", "key", "--private-key", key_files[0], "--signature", signed, model)
    with monkeypatch.context() as context:
        context.setattr(step, interrupt)
        done = cli(*words)
    assert done == (130, "", "interrupted\n")
    assert signed.read_bytes() == before
    assert sorted(os.listdir(signed.parent)) == listed
    assert cli(*words).status == 0
    assert signed.read_bytes() != before


def test_interrupt_before_anything_is_one_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_signing_ref.cli.build_parser", interrupt)
    assert cli("demo") == (130, "", "interrupted\n")


def test_out_of_memory_is_one_line(cli: Cli, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object, **__: object) -> object:
        raise MemoryError

    monkeypatch.setattr("model_signing_ref.tree.walk", exhausted)
    assert failed(cli("digest", model)) == "error: out of memory"


def test_leftover_is_named(
    cli: Cli, model: Path, signed: Path, key_files: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    before = signed.read_bytes()
    words = ("sign", "key", "--private-key", key_files[0], "--signature", signed, model)
    with monkeypatch.context() as context:
        context.setattr("os.replace", refuse)
        context.setattr("os.unlink", refuse)
        line = failed(cli(*words))
    (leftover,) = signed.parent.glob(".model.sig.*")
    assert line == f"Signing failed: Operation not permitted; the temporary file {str(leftover)!r} is left over"
    assert signed.read_bytes() == before
    assert cli(*words).status == 0
    assert not leftover.exists()


def dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_leftovers_of_the_dead_are_removed_and_no_others(signed: Path) -> None:
    here = os.getpid()
    dead = [f"{dead_pid()}-1", f"{dead_pid()}", f"{10**30}-1", f"{here}-{threading.get_ident()}", f"{here}-1"]
    with in_thread() as running:
        alive = [f"{os.getppid()}-1", f"1-{threading.get_ident()}", f"{here}-{running}", "x-1", f"{dead_pid()}-"]
        others = [f".other.sig.{name}.oms-tmp" for name in dead]
        for name in (*dead, *alive):
            (signed.parent / f".model.sig.{name}.oms-tmp").touch()
        for name in others:
            (signed.parent / name).touch()
        output.remove_leftovers(signed)
    left = {name for name in os.listdir(signed.parent) if name.endswith(".oms-tmp")}
    assert left == {f".model.sig.{name}.oms-tmp" for name in alive} | set(others)


class in_thread:
    """A thread that runs as long as the block."""

    def __enter__(self) -> int:
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.done.wait)
        self.thread.start()
        assert self.thread.ident
        return self.thread.ident

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()


def test_threads_write_one_target_without_harm(tmp_path: Path) -> None:
    target, errors = tmp_path / "model.sig", []
    contents = [bytes([number]) * 10_000 for number in range(8)]

    def write(data: bytes) -> None:
        try:
            for _ in range(20):
                output.remove_leftovers(target)
                output.write_whole(target, data)
        except (OSError, OperationError) as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(data,)) for data in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert target.read_bytes() in contents
    assert os.listdir(tmp_path) == ["model.sig"]


def test_errors_of_the_system_are_one_line() -> None:
    assert explain_os_error(OSError(errno.ENOENT, "No such file", b"\xff\n")) == "No such file: '\\udcff\\n'"
    assert explain_os_error(OSError("odd")) == "odd"
    assert explain_os_error(TimeoutError()) == "TimeoutError"
