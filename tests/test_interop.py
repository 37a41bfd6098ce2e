"""Bundles go to model_signing 1.1.1 and come from it, and signatures to and from the OpenSSL command line."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli, keys_for, peer_python
from cryptography.hazmat.primitives.asymmetric import ec

from model_signing_ref import hashing, signing
from model_signing_ref.bundle import KEY, MEDIA_TYPE, Bundle, Material, write_bundle
from model_signing_ref.dsse import PAYLOAD_TYPE, Envelope, pae
from model_signing_ref.keys import fingerprint, load_private_key
from model_signing_ref.statement import write_statement

pytestmark = pytest.mark.slow  # each run of the released client takes a second or two
Keys = tuple[Path, Path]

CURVES = {
    "P-256": (ec.SECP256R1(), "-sha256"),
    "P-384": (ec.SECP384R1(), "-sha384"),
    "P-521": (ec.SECP521R1(), "-sha512"),
}


@pytest.fixture(scope="module")
def peer() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the released client's command line; `code` runs a script in its Python instead."""
    python = peer_python()

    def run(*words: str | Path, code: str = "") -> subprocess.CompletedProcess[str]:
        program = ["-c", code] if code else ["-m", "model_signing"]
        command = [python, *program, *map(str, words)]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)

    return run


Peer = Callable[..., subprocess.CompletedProcess[str]]


def codes(cli: Cli, *words: str | Path) -> list[str]:
    """The codes of the warnings with which a bundle is accepted."""
    done = cli("verify", "key", "--json", *words)
    assert done.json["verdict"] == "accepted", done
    return [warning["code"] for warning in done.json["warnings"]]


# Our bundles, their verifier.


@pytest.mark.parametrize("curve", CURVES)
def test_peer_verifies_ours(cli: Cli, peer: Peer, model: Path, tmp_path: Path, curve: str) -> None:
    private, public = keys_for(tmp_path, CURVES[curve][0], "pair")
    (model / ".gitignore").write_text("*.tmp")
    signature = tmp_path / "model.sig"
    assert cli("sign", "key", "--private-key", private, "--signature", signature, model).status == 0
    words = ("verify", "key", "--public_key", public, "--signature", signature, model)
    done = peer(*words)
    assert (done.returncode, done.stdout) == (0, "Verification succeeded\n"), done.stderr
    (model / "weights.bin").write_bytes(b"other")
    done = peer(*words)
    assert done.returncode == 1
    assert "weights.bin" in done.stderr


def test_peer_verifies_ours_with_a_signature_inside(
    cli: Cli, peer: Peer, model: Path, key_files: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model.parent)
    (model / "notes").write_text("a")
    options = ("--signature", "model/model.sig", "--ignore-paths", "model/notes")
    assert cli("sign", "key", "--private-key", key_files[0], *options, "model").status == 0
    (model / "notes").write_text("b")
    words = ("verify", "key", "--public_key", key_files[1], "--signature", "model/model.sig", "model")
    done = peer(*words)
    assert done.returncode == 0, done.stderr
    (model / "extra").touch()
    assert peer(*words).returncode == 1
    assert peer(*words[:-1], "--ignore_unsigned_files", "model").returncode == 0


def test_peer_verifies_ours_with_links(cli: Cli, peer: Peer, model: Path, key_files: Keys) -> None:
    (model / "link").symlink_to("weights.bin")
    signature = model.parent / "model.sig"
    options = ("--signature", signature, "--allow-symlinks")
    assert cli("sign", "key", "--private-key", key_files[0], *options, model).status == 0
    words = ("verify", "key", "--public_key", key_files[1], "--signature", signature, "--allow_symlinks", model)
    done = peer(*words)
    assert done.returncode == 0, done.stderr


# Their bundles, our verifier.


def test_ours_verifies_peers(cli: Cli, peer: Peer, model: Path, key_files: Keys) -> None:
    signature = model.parent / "model.sig"
    (model / "tokenizer.json").rename(model / "tokens.json")
    assert peer("sign", "key", "--private_key", key_files[0], "--signature", signature, model).returncode == 0
    words = ("--public-key", key_files[1], "--signature", signature, model)
    assert codes(cli, *words) == []
    (model / "tokenizer" / "vocab.json").write_text("other")
    assert cli("verify", "key", *words).status == 1


def test_ours_verifies_names_in_path_order(cli: Cli, peer: Peer, model: Path, key_files: Keys) -> None:
    signature = model.parent / "model.sig"
    assert peer("sign", "key", "--private_key", key_files[0], "--signature", signature, model).returncode == 0
    words = ("--public-key", key_files[1], "--signature", signature, model)
    assert codes(cli, *words) == ["old-order"]
    (model / "extra").touch()
    assert cli("verify", "key", *words).status == 1


def test_ours_verifies_one_file(cli: Cli, peer: Peer, model: Path, key_files: Keys) -> None:
    signature, file = model.parent / "file.sig", model / "weights.bin"
    assert peer("sign", "key", "--private_key", key_files[0], "--signature", signature, file).returncode == 0
    words = ("--public-key", key_files[1], "--signature", signature)
    assert codes(cli, *words, file) == ["old-dot"]
    assert cli("verify", "key", *words, model).status == 1  # `.` stands for a file, not for a directory
    file.write_bytes(b"other")
    assert cli("verify", "key", *words, file).status == 1


PEER_SIGN = """
import pathlib, sys
import model_signing
private, signature, model, options = sys.argv[1:]
hashing = eval(options, {"Config": model_signing.hashing.Config, "root": pathlib.Path(model)})
config = model_signing.signing.Config().use_elliptic_key_signer(private_key=private)
config.set_hashing_config(hashing).sign(model, signature)
"""
WITHOUT_GIT = "Config().set_ignored_paths(paths=[], ignore_git_paths=False)"
SHARDED = ["old-float-shard-size", "old-shard-algorithm"]
PEER_CONFIGS = {
    "files": (f"{WITHOUT_GIT}.use_file_serialization()", ["old-order"]),
    "blake2": (f"{WITHOUT_GIT}.use_file_serialization(hashing_algorithm='blake2')", ["old-order"]),
    "blake3": (f"{WITHOUT_GIT}.use_file_serialization(hashing_algorithm='blake3')", ["old-order"]),
    "shards": (f"{WITHOUT_GIT}.use_shard_serialization()", [*SHARDED, "old-order", "zero-byte-files"]),
    "small shards": (
        f"{WITHOUT_GIT}.use_shard_serialization(shard_size=1000)",
        [*SHARDED, "old-order", "zero-byte-files"],
    ),
    "blake2 shards": (
        f"{WITHOUT_GIT}.use_shard_serialization(hashing_algorithm='blake2', shard_size=5000)",
        [*SHARDED, "old-order", "zero-byte-files"],
    ),
    "ignored": ("Config().set_ignored_paths(paths=[root / 'tokenizer', 'empty'])", []),
}


@pytest.mark.parametrize("name", PEER_CONFIGS)
def test_ours_verifies_what_peers_api_signs(cli: Cli, peer: Peer, model: Path, key_files: Keys, name: str) -> None:
    options, expected = PEER_CONFIGS[name]
    signature = model.parent / "model.sig"
    done = peer(key_files[0], signature, model, options, code=PEER_SIGN)
    assert done.returncode == 0, done.stderr
    words = ("--public-key", key_files[1], "--signature", signature, model)
    assert codes(cli, *words) == expected
    weights = bytearray((model / "weights.bin").read_bytes())
    weights[-1] ^= 1
    (model / "weights.bin").write_bytes(weights)
    refused = cli("verify", "key", "--json", *words)
    assert (refused.status, refused.json["stage"], refused.json["path"]) == (1, "digest", "weights.bin")


def test_root_digest_is_the_peers_where_the_order_is(peer: Peer, model: Path, key_files: Keys) -> None:
    (model / "tokenizer.json").unlink()
    signature = model.parent / "model.sig"
    done = peer(key_files[0], signature, model, "Config()", code=PEER_SIGN)
    assert done.returncode == 0, done.stderr
    theirs = json.loads(base64.b64decode(json.loads(signature.read_bytes())["dsseEnvelope"]["payload"]))
    ours = json.loads(write_statement(hashing.hash(model)))
    for statement in (theirs, ours):
        statement["predicate"]["serialization"]["ignore_paths"].sort()
    assert ours == theirs


def test_every_option_of_the_peer_is_ours(cli: Cli, peer: Peer) -> None:
    for command in ("sign", "verify"):
        shown = cli(command, "key", "--help").out
        options = {word for word in peer(command, "key", "--help").stdout.split() if word.startswith("--")}
        assert len(options) > 6
        known = {word.strip(",[]|") for word in shown.split()}
        # In its text the peer quotes an option; negations are written `--x / --no-x`.
        assert {option.strip("`.,()").replace("_", "-").rstrip(").`") for option in options} <= known


# OpenSSL.


def openssl(*words: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", *map(str, words)], check=False, capture_output=True)


def signed_parts(signature: Path, folder: Path) -> tuple[Path, Path]:
    """The bytes that were signed and the signature over them, as files."""
    envelope = json.loads(signature.read_bytes())["dsseEnvelope"]
    message, raw = folder / "message", folder / "raw"
    message.write_bytes(pae(envelope["payloadType"], base64.b64decode(envelope["payload"])))
    raw.write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    return message, raw


@pytest.mark.parametrize("curve", CURVES)
def test_openssl_verifies_ours(cli: Cli, model: Path, tmp_path: Path, curve: str) -> None:
    private, public = keys_for(tmp_path, CURVES[curve][0], "pair")
    signature = tmp_path / "model.sig"
    assert cli("sign", "key", "--private-key", private, "--signature", signature, model).status == 0
    message, raw = signed_parts(signature, tmp_path)
    words = ("dgst", CURVES[curve][1], "-verify", public, "-signature", raw, message)
    done = openssl(*words)
    assert (done.returncode, done.stdout) == (0, b"Verified OK\n")
    message.write_bytes(message.read_bytes()[:-1])
    assert openssl(*words).returncode == 1


@pytest.mark.parametrize("curve", CURVES)
def test_ours_verifies_openssls(cli: Cli, model: Path, tmp_path: Path, curve: str) -> None:
    private, public = tmp_path / "openssl.pem", tmp_path / "openssl.pub"
    assert (
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}", "-out", private).returncode
        == 0
    )
    assert openssl("pkey", "-in", private, "-pubout", "-out", public).returncode == 0
    payload = write_statement(hashing.hash(model))
    message, raw, signature = tmp_path / "message", tmp_path / "raw", tmp_path / "model.sig"
    hint = fingerprint(load_private_key(private).public_key())
    words = ("verify", "key", "--public-key", public, "--signature", signature, model)
    for content, status in ((pae(PAYLOAD_TYPE, payload), 0), (payload, 1)):  # over the payload alone it is none
        message.write_bytes(content)
        assert openssl("dgst", CURVES[curve][1], "-sign", private, "-out", raw, message).returncode == 0
        envelope = Envelope(PAYLOAD_TYPE, payload, raw.read_bytes())
        signature.write_bytes(write_bundle(Bundle(MEDIA_TYPE, Material(KEY, hint=hint), envelope)))
        assert cli(*words).status == status
    other = "-sha256" if curve != "P-256" else "-sha512"  # each curve has its one hash
    message.write_bytes(pae(PAYLOAD_TYPE, payload))
    assert openssl("dgst", other, "-sign", private, "-out", raw, message).returncode == 0
    envelope = Envelope(PAYLOAD_TYPE, payload, raw.read_bytes())
    signature.write_bytes(write_bundle(Bundle(MEDIA_TYPE, Material(KEY, hint=hint), envelope)))
    done = cli(*words, "--json")
    assert (done.status, done.json["stage"]) == (1, "signature")


def test_keys_in_both_forms_of_openssl(cli: Cli, model: Path, tmp_path: Path) -> None:
    sec1, pkcs8, public = tmp_path / "sec1.pem", tmp_path / "pkcs8.pem", tmp_path / "key.pub"
    assert (
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-out", sec1).returncode == 0
    )  # with parameters before it
    assert openssl("pkcs8", "-topk8", "-nocrypt", "-in", sec1, "-out", pkcs8).returncode == 0
    assert openssl("ec", "-in", sec1, "-pubout", "-out", public).returncode == 0
    # Parameters stand before the key.
    assert sec1.read_bytes().startswith(b"-----BEGIN EC PARAMETERS-----")
    bundles = []
    for private in (sec1, pkcs8):
        signature = tmp_path / f"{private.stem}.sig"
        assert cli("sign", "key", "--private-key", private, "--signature", signature, model).status == 0
        assert cli("verify", "key", "--public-key", public, "--signature", signature, model).status == 0
        bundles.append(signature.read_bytes())
    assert bundles[0] == bundles[1]


def test_openssl_as_a_signer(cli: Cli, model: Path, key_files: Keys, tmp_path: Path) -> None:
    """A signer is any function, so also one that asks another program."""
    from model_signing_ref.verifiers.key import key_verifier

    def sign(message: bytes) -> bytes:
        command = ["openssl", "dgst", "-sha256", "-sign", str(key_files[0])]
        return subprocess.run(command, input=message, check=True, capture_output=True).stdout

    public = load_private_key(key_files[0]).public_key()
    signer = signing.dsse_signer(sign, Material(KEY, hint=fingerprint(public)), key_verifier(public))
    signing.Config().set_signer(signer).sign(model, tmp_path / "model.sig")
    words = ("verify", "key", "--public-key", key_files[1], "--signature", tmp_path / "model.sig", model)
    assert cli(*words).status == 0
