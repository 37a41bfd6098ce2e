"""The Python API: the names of model_signing 1.1, paths of every kind, no state between models, pure functions."""

from __future__ import annotations

import builtins
import hashlib
import inspect
import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import keys_for, peer_python
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

import model_signing_ref as model_signing
from model_signing_ref import digests, hashing, signing, verifying
from model_signing_ref.bundle import KEY, Bundle, Material
from model_signing_ref.errors import (
    DigestRejected,
    FilesRejected,
    KeyRejected,
    MissingExtra,
    Note,
    OperationError,
    PredicateRejected,
    Rejection,
    SignatureRejected,
)
from model_signing_ref.keys import fingerprint, load_private_key, load_public_key
from model_signing_ref.manifest import GIT_NAMES, Manifest, Resource, Serialization, root_digest
from model_signing_ref.signers.key import key_signer
from model_signing_ref.verifiers.key import key_verifier
from model_signing_ref.verifying import verify_bundle

Keys = tuple[Path, Path]


class BytesPath:
    """A path-like object that gives bytes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> bytes:
        return os.fsencode(self.path)


KINDS: dict[str, Callable[[Path], Any]] = {"str": str, "bytes": os.fsencode, "Path": Path, "PathLike": BytesPath}


def private_key(path: Path) -> ec.EllipticCurvePrivateKey:
    return load_private_key(path)


def signed(model: Path, key_files: Keys, config: hashing.Config | None = None) -> Path:
    """The signature of a model."""
    signature = model.with_name(f"{model.name}.sig")
    signer = signing.Config().use_elliptic_key_signer(private_key=key_files[0])
    if config:
        signer.set_hashing_config(config)
    signer.sign(model, signature)
    return signature


@pytest.fixture
def verifier(key_files: Keys) -> verifying.Config:
    return verifying.Config().use_elliptic_key_verifier(public_key=key_files[1])


# The names of model_signing.


def test_the_example_of_model_signing(model: Path, key_files: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model.parent)
    model.rename("finbert")
    hashing_config = model_signing.hashing.Config().set_ignored_paths(paths=["README.md"], ignore_git_paths=True)
    signing_config = (
        model_signing.signing.Config().use_elliptic_key_signer(private_key="key.pem").set_hashing_config(hashing_config)
    )
    verifying_config = (
        model_signing.verifying.Config()
        .use_elliptic_key_verifier(public_key="key.pub")
        .set_hashing_config(hashing_config)
    )
    signing_config.sign("finbert", "finbert.sig")
    verifying_config.verify("finbert", "finbert.sig")
    Path("finbert/README.md").touch()
    verifying_config.verify("finbert", "finbert.sig")
    Path("finbert/other.md").touch()
    with pytest.raises(ValueError, match=r"'other\.md' is not signed"):
        verifying_config.verify("finbert", "finbert.sig")


PUBLIC = {
    "hashing": ["hash"],
    "hashing.Config": [
        "use_file_serialization",
        "use_shard_serialization",
        "set_ignored_paths",
        "add_ignored_paths",
        "set_allow_symlinks",
        "hash",
    ],
    "signing": ["sign"],
    "signing.Config": [
        "use_elliptic_key_signer",
        "use_certificate_signer",
        "use_pkcs11_signer",
        "use_pkcs11_certificate_signer",
        "set_hashing_config",
        "sign",
    ],
    "verifying.Config": [
        "use_elliptic_key_verifier",
        "use_certificate_verifier",
        "set_hashing_config",
        "set_ignore_unsigned_files",
        "verify",
    ],
}
DESCRIBE = """
import importlib, inspect, json, sys
package = sys.argv[1]
def describe(function):
    kinds = inspect.signature(function).parameters.values()
    return [[p.name, p.kind.name, p.default is not p.empty, repr(p.default)] for p in kinds if p.name != "self"]
for module in ("hashing", "signing", "verifying"):
    importlib.import_module(f"{package}.{module}")
answer = {}
for place, names in json.loads(sys.argv[2]).items():
    module, _, name = place.partition(".")
    holder = sys.modules[f"{package}.{module}"]
    holder = getattr(holder, name) if name else holder
    answer.update({f"{place}.{name}": describe(getattr(holder, name)) for name in names})
print(json.dumps(answer))
"""
# Ours differ on purpose: a value of the same meaning, or a size that reads faster.
OTHER_DEFAULTS = {"chunk_size", "ignore_paths", "certificate_chain", "module_paths"}


def described(python: str, package: str) -> dict[str, list[list[Any]]]:
    command = [python, "-c", DESCRIBE, package, json.dumps(PUBLIC)]
    answer: dict[str, list[list[Any]]] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return answer


def test_signatures_are_those_of_model_signing() -> None:
    import sys

    peer = described(peer_python(), "model_signing")
    ours = described(sys.executable, "model_signing_ref")
    assert list(ours) == list(peer)
    for name, parameters in peer.items():
        known = {p[0]: p for p in parameters}
        shared = [p for p in ours[name] if p[0] in known]
        assert {p[0]: p[:3] for p in shared} == {p[0]: p[:3] for p in parameters}, name
        assert all(p[1] == "KEYWORD_ONLY" and p[2] for p in ours[name] if p[0] not in known), name
        different = {p[0] for p in shared if p[3] != known[p[0]][3]}
        assert different <= OTHER_DEFAULTS, name


def test_all_options_are_keywords() -> None:
    for method in (
        hashing.Config.use_file_serialization,
        hashing.Config.use_shard_serialization,
        hashing.Config.set_ignored_paths,
        hashing.Config.add_ignored_paths,
        signing.Config.use_elliptic_key_signer,
        verifying.Config.use_elliptic_key_verifier,
    ):
        parameters = list(inspect.signature(method).parameters.values())[1:]
        assert {p.kind for p in parameters} == {inspect.Parameter.KEYWORD_ONLY}


def test_package_has_its_modules_and_no_others() -> None:
    assert model_signing.hashing is hashing
    assert model_signing.signing is signing
    assert model_signing.verifying is verifying
    assert callable(model_signing.manifest.root_digest)
    with pytest.raises(AttributeError, match="has no attribute 'hashes'"):
        _ = model_signing.hashes


def test_without_a_method(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no verifier was chosen"):
        verifying.Config().verify(model, tmp_path / "model.sig")


# Paths.


@pytest.mark.parametrize("kind", KINDS)
def test_paths_of_every_kind(model: Path, key_files: Keys, tmp_path: Path, kind: str) -> None:
    make = KINDS[kind]
    signature = tmp_path / "model.sig"
    (model / "notes").write_text("a")
    expected = [("empty", b""), ("tokenizer.json", b'{"version": 1}')]
    config = hashing.Config().use_file_serialization(ignore_paths=[make(model / "notes")])
    config.add_ignored_paths(model_path=make(model), paths=[make(Path("weights.bin"))])
    signer = signing.Config().use_elliptic_key_signer(private_key=make(key_files[0])).set_hashing_config(config)
    config.add_ignored_paths(model_path=make(model), paths=[make(model / "tokenizer")])
    signer.sign(make(model), make(signature))
    verifier = verifying.Config().use_elliptic_key_verifier(public_key=make(key_files[1]))
    report = verifier.verify(make(model), make(signature))
    descriptors = list(report.manifest.resource_descriptors())
    assert [(d.identifier, d.digest.digest_value) for d in descriptors] == [
        (name, hashlib.sha256(content).digest()) for name, content in expected
    ]
    assert list(report.not_covered) == ["notes", "tokenizer/vocab.json", "weights.bin"]
    manifest = hashing.Config().hash(make(model), files_to_hash=[make(model / "empty")])
    assert [resource.name for resource in manifest.resources] == ["empty"]
    replaced = hashing.Config().set_ignored_paths(paths=[make(model / "notes"), make(Path("tokenizer.json"))])
    names = [resource.name for resource in replaced.hash(make(model)).resources]
    assert names == ["empty", "tokenizer/vocab.json", "weights.bin"]
    assert hashing.hash(make(model)).model_name == "model"
    with pytest.raises(OSError, match="No such file"):
        verifier.verify(make(tmp_path / "absent"), make(signature))
    with pytest.raises(OSError, match="No such file"):
        verifier.verify(make(model), make(tmp_path / "absent"))
    with pytest.raises(OSError, match="No such file"):
        signing.Config().use_elliptic_key_signer(private_key=make(tmp_path / "absent"))
    with pytest.raises(OSError, match="No such file"):
        verifying.Config().use_elliptic_key_verifier(public_key=make(tmp_path / "absent"))


def test_ignored_paths_are_of_the_model(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = hashing.Config().set_ignored_paths(paths=["tokenizer", model / "empty", "not-there"])
    assert [resource.name for resource in config.hash("model").resources] == ["tokenizer.json", "weights.bin"]
    recorded = config.hash("model").serialization_type["ignore_paths"]
    assert recorded == sorted(["tokenizer", "empty", "not-there", *GIT_NAMES])
    for outside in ("../elsewhere", tmp_path / "elsewhere", "tokenizer/../.."):
        with pytest.raises(OperationError, match="is not inside the model"):
            hashing.Config().set_ignored_paths(paths=[outside]).hash("model")
        with pytest.raises(OperationError, match="is not inside the model"):
            hashing.Config().add_ignored_paths(model_path="model", paths=[outside])
    for itself in (".", model, "tokenizer/.."):
        with pytest.raises(OperationError, match="is the model itself"):
            hashing.Config().set_ignored_paths(paths=[itself]).hash("model")


def test_files_to_hash_are_paths_like_that_of_the_model(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = hashing.Config()
    for files in ([Path("model", "empty")], [model / "empty"], ["model/tokenizer/../empty"]):
        manifest = config.hash("model", files_to_hash=files)
        assert [resource.name for resource in manifest.resources] == ["empty"]
    two = config.hash("model", files_to_hash=iter(["model/weights.bin", "model/tokenizer/vocab.json"]))
    assert [resource.name for resource in two.resources] == ["tokenizer/vocab.json", "weights.bin"]
    with pytest.raises(OperationError, match="the file 'empty' is not inside the model"):
        config.hash("model", files_to_hash=["empty"])
    for absent in ("model/absent", "model/tokenizer"):
        with pytest.raises(OperationError, match="is not among the files of the model"):
            config.hash("model", files_to_hash=["model/empty", absent])
    with pytest.raises(OperationError, match="no file to sign"):
        config.hash("model", files_to_hash=[])
    (model / "link").symlink_to("empty")
    assert config.hash("model", files_to_hash=["model/empty"]) == manifest
    with pytest.raises(OperationError, match="'link' is a symbolic link"):
        config.hash("model", files_to_hash=["model/link"])


# Hashing.


def test_hash_is_the_default_configuration(model: Path) -> None:
    (model / ".gitignore").write_text("x")
    manifest = hashing.hash(model)
    assert manifest == hashing.Config().hash(model) == hashing.Config().use_file_serialization().hash(model)
    assert manifest.model_name == "model"
    assert manifest.serialization_type == {
        "method": "files",
        "hash_type": "sha256",
        "allow_symlinks": False,
        "ignore_paths": list(GIT_NAMES),
    }
    names = ["empty", "tokenizer.json", "tokenizer/vocab.json", "weights.bin"]
    for descriptor, name in zip(manifest.resource_descriptors(), names, strict=True):
        content = (model / name).read_bytes()
        assert descriptor.identifier == name
        assert descriptor.digest.algorithm == "sha256"
        assert descriptor.digest.digest_value == hashlib.sha256(content).digest()
        assert descriptor.digest.digest_hex == hashlib.sha256(content).hexdigest()
        assert descriptor.digest.digest_size == 32


def test_manifests_are_equal_when_their_contents_are(model: Path, tmp_path: Path) -> None:
    manifest = hashing.hash(model)
    copy = model.rename(tmp_path / "other")
    again = hashing.Config().set_ignored_paths(paths=["absent"]).hash(copy)
    assert again == manifest
    assert hash(again) == hash(manifest)
    assert not again != manifest  # noqa: SIM202 - the operator is tested
    for other in (
        hashing.Config().use_shard_serialization(),
        hashing.Config().use_file_serialization(hashing_algorithm="blake2b"),
        hashing.Config().set_ignored_paths(paths=["empty"]),
    ):
        assert other.hash(copy) != manifest
    assert manifest != "a manifest"
    (copy / "empty").rename(copy / "renamed")
    assert hashing.hash(copy) != manifest


def test_algorithms_of_the_api(model: Path, key_files: Keys, verifier: verifying.Config) -> None:
    config = hashing.Config().use_file_serialization(hashing_algorithm="blake2")
    manifest = config.hash(model)
    assert manifest.serialization_type["hash_type"] == "blake2b"
    assert {d.digest.algorithm for d in manifest.resource_descriptors()} == {"blake2b"}
    weights = hashlib.blake2b((model / "weights.bin").read_bytes()).digest()
    assert list(manifest.resource_descriptors())[-1].digest.digest_value == weights
    signature = signed(model, key_files, config)
    assert verifier.verify(model, signature).manifest == manifest
    verifier.set_hashing_config(config).verify(model, signature)
    verifier.set_hashing_config(hashing.Config()).verify(model, signature)  # it insists on nothing
    with pytest.raises(PredicateRejected, match="hash_type is blake2b, not sha256"):
        verifier.set_hashing_config(hashing.Config().use_file_serialization()).verify(model, signature)
    for algorithm in ("SHA256", "md5", "blake2s", ""):
        with pytest.raises(ValueError, match="is not one of sha256, blake2b, blake3"):
            hashing.Config().use_file_serialization(hashing_algorithm=algorithm)


def test_shards_of_the_api(model: Path, key_files: Keys, verifier: verifying.Config) -> None:
    config = hashing.Config().use_shard_serialization(shard_size=10_000, chunk_size=0, max_workers=2)
    manifest = config.hash(model)
    assert [d.identifier for d in manifest.resource_descriptors()] == [
        "tokenizer.json:0:14",
        "tokenizer/vocab.json:0:2",
        "weights.bin:0:10000",
        "weights.bin:10000:16384",
    ]
    signature = signed(model, key_files, config)
    assert verifier.verify(model, signature).manifest == manifest
    other = hashing.Config().use_shard_serialization(shard_size=10_001)
    with pytest.raises(PredicateRejected, match="shard_size is 10000, not 10001"):
        verifier.set_hashing_config(other).verify(model, signature)
    default = hashing.Config().use_shard_serialization().hash(model).serialization_type
    assert default["shard_size"] == 1_000_000_000
    for shard_size in (0, -1, 2**53):
        with pytest.raises(ValueError, match="shard_size"):
            hashing.Config().use_shard_serialization(shard_size=shard_size)


@pytest.mark.parametrize("chunk_size", [0, 1, 1000, 1 << 14, 1 << 20])
def test_chunk_size_and_workers_change_nothing(model: Path, chunk_size: int) -> None:
    for workers in (None, 1, 3):
        config = hashing.Config().use_file_serialization(chunk_size=chunk_size, max_workers=workers)
        assert config.hash(model) == hashing.hash(model)
    with pytest.raises(ValueError, match="max_workers"):
        hashing.Config().use_file_serialization(chunk_size=chunk_size, max_workers=0)
    with pytest.raises(ValueError, match="chunk_size"):
        hashing.Config().use_shard_serialization(chunk_size=-1 - chunk_size)


def test_the_default_size_of_shards() -> None:
    assert hashing.Plan(method="shards").serialization(()).shard_size == 1_000_000_000


def test_an_algorithm_that_is_not_installed_is_said_before_the_model_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(_: str) -> None:
        raise MissingExtra("blake3 is not installed", clause="OMS-REG-03")

    monkeypatch.setattr(digests, "new_hash", absent)
    with pytest.raises(MissingExtra):
        hashing.hash(tmp_path / "no model")


def test_links_when_allowed(model: Path, key_files: Keys, verifier: verifying.Config) -> None:
    (model / "link").symlink_to("weights.bin")
    with pytest.raises(OperationError, match="'link' is a symbolic link"):
        hashing.hash(model)
    configs = [
        hashing.Config().set_allow_symlinks(True),
        hashing.Config().use_file_serialization(allow_symlinks=True),
        hashing.Config().set_allow_symlinks(True).use_file_serialization(),
    ]
    for config in configs:
        assert len(list(config.hash(model).resource_descriptors())) == 5
    with pytest.raises(OperationError, match="'link' is a symbolic link"):
        configs[1].set_allow_symlinks(False).hash(model)
    signature = signed(model, key_files, configs[0])
    with pytest.raises(FilesRejected, match="'link' is a symbolic link"):
        verifier.verify(model, signature)
    verifier.set_hashing_config(configs[0]).verify(model, signature)


@pytest.mark.parametrize("size", [0, 1, 1000, (1 << 20) + 1, 5 << 20])
def test_progress_counts_every_byte(tmp_path: Path, size: int) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for name in "abc":
        (model / name).write_bytes(bytes(size))
    told: list[int] = []
    config = hashing.Config().set_progress(told.append)
    assert config.hash(model) == hashing.hash(model)
    assert sum(told) == 3 * size
    told.clear()
    config.set_progress(None).hash(model)
    assert told == []


# Keys and signatures.


def test_password_of_an_encrypted_key(model: Path, key_files: Keys, tmp_path: Path, verifier: verifying.Config) -> None:
    key = load_pem_private_key(key_files[0].read_bytes(), None)
    path = tmp_path / "encrypted.pem"
    encryption = BestAvailableEncryption("pässword".encode())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    signing.Config().use_elliptic_key_signer(private_key=path, password="pässword").sign(model, tmp_path / "s")
    verifier.verify(model, tmp_path / "s")
    for password in ("password", "", None):
        with pytest.raises(OperationError, match="password") as caught:
            signing.Config().use_elliptic_key_signer(private_key=path, password=password)
        assert "pässword" not in str(caught.value)


def test_rejections_are_value_errors_with_a_stage(model: Path, key_files: Keys, verifier: verifying.Config) -> None:
    signature = signed(model, key_files)
    (model / "empty").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"^digest: 'empty' is not what was signed") as caught:
        verifier.verify(model, signature)
    error = caught.value
    assert isinstance(error, DigestRejected)
    assert (error.stage, error.clause, error.path) == ("digest", "OMS-8.4-01", "empty")
    assert error.findings.changed == ["empty"]


def test_unsigned_files(model: Path, key_files: Keys, verifier: verifying.Config) -> None:
    signature = signed(model, key_files)
    (model / "extra").touch()
    with pytest.raises(FilesRejected, match="'extra' is not signed"):
        verifier.verify(model, signature)
    assert list(verifier.set_ignore_unsigned_files(True).verify(model, signature).unsigned) == ["extra"]
    with pytest.raises(FilesRejected, match="'extra' is not signed"):
        verifier.set_ignore_unsigned_files(False).verify(model, signature)


@pytest.fixture
def no_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make every way to a file or the network fail; to be called when all that must be loaded is."""

    def refuse(*arguments: object, **_: object) -> Any:
        raise AssertionError(f"touched {arguments}")

    def cut_off() -> None:
        for name in ("open", "stat", "lstat", "scandir", "listdir", "fdopen"):
            monkeypatch.setattr(os, name, refuse)
        monkeypatch.setattr(builtins, "open", refuse)
        monkeypatch.setattr(socket, "socket", refuse)

    return cut_off


def test_verify_bundle_needs_no_disk(model: Path, key_files: Keys, no_disk: Callable[[], None]) -> None:
    data = signed(model, key_files).read_bytes()
    expected = hashing.hash(model)
    verifier = key_verifier(load_public_key(key_files[1]))
    verify_bundle(data, verifier)
    no_disk()
    assert verify_bundle(data, verifier) == expected
    with pytest.raises(AssertionError, match="touched"):
        hashing.hash(model)


def test_verify_bundle_tells_of_what_is_wrong(model: Path, key_files: Keys, tmp_path: Path) -> None:
    bundle = json.loads(signed(model, key_files).read_bytes())
    verifier = key_verifier(load_public_key(key_files[1]))
    other = json.loads(json.dumps(bundle))
    other["dsseEnvelope"]["payload"] = bundle["dsseEnvelope"]["payload"][4:]
    with pytest.raises(SignatureRejected):
        verify_bundle(json.dumps(other).encode(), verifier)
    with pytest.raises(KeyRejected):
        wrong = key_verifier(load_public_key(keys_for(tmp_path, ec.SECP256R1(), "wrong")[1]))
        verify_bundle(json.dumps(bundle).encode(), wrong)
    assert verify_bundle(json.dumps(bundle).encode(), verifier).model_name == "model"


def test_signer_from_any_function(model: Path, key_files: Keys, tmp_path: Path, verifier: verifying.Config) -> None:
    key = private_key(key_files[0])
    seen: list[bytes] = []

    def sign(message: bytes) -> bytes:
        seen.append(message)
        return key.sign(message, ec.ECDSA(hashes.SHA256()))

    material = Material(KEY, hint=fingerprint(key.public_key()))
    signer = signing.dsse_signer(sign, material, key_verifier(key.public_key()))
    data = signing.sign_manifest(hashing.hash(model), signer)
    assert verify_bundle(data, key_verifier(key.public_key())) == hashing.hash(model)
    assert len(seen) == 1
    assert seen[0].startswith(b"DSSEv1 28 application/vnd.in-toto+json ")
    signing.Config().set_signer(signer).sign(model, tmp_path / "model.sig")
    verifier.verify(model, tmp_path / "model.sig")


A_DIGEST = bytes(range(32))
UNVERIFIABLE: dict[str, tuple[list[Resource], Serialization, str]] = {
    "out of order": ([Resource("b", A_DIGEST), Resource("a", A_DIGEST)], Serialization(), "OMS-5.2.1-05"),
    "twice": ([Resource("a", A_DIGEST), Resource("a", A_DIGEST)], Serialization(), "REF-NAMES-03"),
    "in path order": ([Resource("a/b", A_DIGEST), Resource("a.b", A_DIGEST)], Serialization(), "OMS-5.2.1-05"),
    "not canonical": ([Resource("../a", A_DIGEST)], Serialization(), "OMS-6.1.2-03"),
    "not UTF-8": ([Resource("\udc80", A_DIGEST)], Serialization(), "OMS-6.1.2-09"),
    "a dot": ([Resource(".", A_DIGEST)], Serialization(), "OMS-6.1.2-07"),
    "no shard": ([Resource("a", A_DIGEST)], Serialization("shards", shard_size=1), "OMS-6.3.2-08"),
    "a gap": ([Resource("a:1:2", A_DIGEST)], Serialization("shards", shard_size=1), "OMS-6.3.2-04"),
    "nothing": ([], Serialization(), "OMS-5.2.1-04"),
    "a short digest": ([Resource("a", A_DIGEST[:31])], Serialization(), "OMS-5.2.1-02"),
    "one digest of another size": ([Resource("a", A_DIGEST), Resource("b", b"")], Serialization(), "different sizes"),
    "another algorithm": ([Resource("a", A_DIGEST)], Serialization(hash_type="md5"), "OMS-5.2.2-02"),
    "shards of no size": ([Resource("a:0:1", A_DIGEST)], Serialization("shards"), "OMS-5.2.2-03"),
    "a pattern ignored": ([Resource("a", A_DIGEST)], Serialization(ignore_paths=("*",)), "OMS-6.2.1-01"),
}


@pytest.mark.parametrize("case", UNVERIFIABLE)
def test_a_manifest_that_a_verifier_would_refuse_is_not_signed(case: str, key_files: Keys) -> None:
    """It may be anybody's: whoever embeds the signer makes their own."""
    resources, serialization, reason = UNVERIFIABLE[case]
    key = private_key(key_files[0])
    asked: list[bytes] = []

    def sign(message: bytes) -> bytes:
        asked.append(message)
        return b""

    signer = signing.dsse_signer(sign, Material(KEY, hint=""), key_verifier(key.public_key()))
    manifest = Manifest("m", serialization, resources, root_digest(resources))
    with pytest.raises(OperationError, match=f"^the manifest can't be signed: .*{reason}"):
        signing.sign_manifest(manifest, signer)
    assert asked == []


def test_a_manifest_with_another_name_or_root_digest_is_not_signed(key_files: Keys) -> None:
    signer = key_signer(private_key(key_files[0]))
    resources = [Resource("a", A_DIGEST), Resource("b", A_DIGEST)]
    manifest = Manifest("m", Serialization(), resources, root_digest(resources))
    assert verify_bundle(signing.sign_manifest(manifest, signer), signer.verify) == manifest
    for wrong in (bytes(32), b"\xff" * 32):
        with pytest.raises(OperationError, match="root digest is not that of the resources"):
            signing.sign_manifest(manifest._replace(root_digest=wrong), signer)
    with pytest.raises(OperationError, match="REF-STATEMENT-01"):
        signing.sign_manifest(manifest._replace(model_name=""), signer)


def test_names_alike_are_noted_at_signing_too(key_files: Keys) -> None:
    resources = [Resource(name, A_DIGEST) for name in "ABab"]
    manifest = Manifest("m", Serialization(), resources, root_digest(resources))
    notes: list[Note] = []
    signing.sign_manifest(manifest, key_signer(private_key(key_files[0])), notes.append)
    assert [note.code for note in notes] == ["lookalike-names", "lookalike-names"]


def test_signature_that_does_not_hold_is_not_written(model: Path, key_files: Keys, tmp_path: Path) -> None:
    key = private_key(key_files[0])
    material = Material(KEY, hint=fingerprint(key.public_key()))
    for sign in (lambda message: b"", lambda message: key.sign(message + b".", ec.ECDSA(hashes.SHA256()))):
        signer = signing.dsse_signer(sign, material, key_verifier(key.public_key()))
        with pytest.raises(OperationError, match="does not verify and was not written"):
            signing.Config().set_signer(signer).sign(model, tmp_path / "model.sig")
    assert not (tmp_path / "model.sig").exists()


def test_verifier_of_your_own(model: Path, key_files: Keys) -> None:
    signature = signed(model, key_files)
    notes: list[Note] = []

    def trusting(bundle: Bundle, warn: Callable[[Note], None]) -> None:
        warn(Note("trusted", bundle.material.kind))

    def refusing(bundle: Bundle, warn: Callable[[Note], None]) -> None:
        raise SignatureRejected("no", clause="REF-TEST")

    config = verifying.Config().set_warn(notes.append)
    assert config.set_verifier(trusting).verify(model, signature).manifest == hashing.hash(model)
    assert notes == [Note("trusted", "publicKey")]
    with pytest.raises(SignatureRejected):
        config.set_verifier(refusing).verify(model, signature)


def test_size_limit_of_bundles(model: Path, key_files: Keys, verifier: verifying.Config) -> None:
    signature = signed(model, key_files)
    size = signature.stat().st_size
    verifier.set_max_bundle_bytes(size).verify(model, signature)
    verifier.set_max_bundle_bytes(1 << 80).verify(model, signature)
    with pytest.raises(Rejection, match=f"more than {size - 1} bytes"):
        verifier.set_max_bundle_bytes(size - 1).verify(model, signature)


# One Config, many models.


def test_ignored_paths_of_one_bundle_do_not_reach_another(
    model: Path, key_files: Keys, tmp_path: Path, verifier: verifying.Config
) -> None:
    """A released client verified model B with what the bundle of model A ignored."""
    (model / "payload.py").write_text("print('A')")
    first = signed(model, key_files, hashing.Config().set_ignored_paths(paths=["payload.py"]))
    other = tmp_path / "other"
    other.mkdir()
    (other / "weights.bin").write_bytes(b"B")
    second = signed(other, key_files)
    (other / "payload.py").write_text("print('B')")
    for config in (verifier, verifier.set_hashing_config(hashing.Config())):
        for _ in range(2):
            assert list(config.verify(model, first).not_covered) == ["payload.py"]
            with pytest.raises(FilesRejected, match=r"'payload\.py' is not signed"):
                config.verify(other, second)


def test_config_is_the_same_after_use(model: Path, key_files: Keys, tmp_path: Path, verifier: verifying.Config) -> None:
    hasher = hashing.Config().set_ignored_paths(paths=["empty"])
    plan = hasher.plan
    signer = signing.Config().use_elliptic_key_signer(private_key=key_files[0]).set_hashing_config(hasher)
    signer.sign(model, model / "model.sig")  # inside: recorded as ignored, for this model alone
    verifier.set_hashing_config(hasher).verify(model, model / "model.sig")
    assert hasher.plan == plan
    other = tmp_path / "other"
    other.mkdir()
    (other / "model.sig").write_text("a file of the model")
    assert [resource.name for resource in hasher.hash(other).resources] == ["model.sig"]
    signer.sign(other, tmp_path / "other.sig")
    verifier.verify(other, tmp_path / "other.sig")
    (other / "model.sig").write_text("changed")
    with pytest.raises(DigestRejected):
        verifier.verify(other, tmp_path / "other.sig")


def test_copies_of_a_plan_are_independent(model: Path) -> None:
    config = hashing.Config()
    manifest = config.hash(model)
    other = hashing.Config().set_ignored_paths(paths=["empty"], ignore_git_paths=False)
    assert config.hash(model) == manifest
    assert other.hash(model).serialization_type["ignore_paths"] == ["empty"]
    assert hashing.Config().hash(model) == manifest


def models(folder: Path, count: int) -> Iterator[Path]:
    for number in range(count):
        path = folder / f"model{number}"
        path.mkdir()
        (path / f"only-in-{number}").write_bytes(bytes([number]) * 5000)
        (path / "ignored").write_bytes(b"x")
        yield path


@pytest.mark.parametrize("shards", [False, True])
def test_one_config_for_32_threads(key_files: Keys, tmp_path: Path, shards: bool) -> None:
    hasher = hashing.Config().set_ignored_paths(paths=["ignored"])
    if shards:
        hasher.use_shard_serialization(shard_size=1000)
    signer = signing.Config().use_elliptic_key_signer(private_key=key_files[0]).set_hashing_config(hasher)
    verifier = verifying.Config().use_elliptic_key_verifier(public_key=key_files[1]).set_hashing_config(hasher)
    start = threading.Barrier(32)

    def use(model: Path) -> tuple[list[str], str]:
        start.wait()
        signature = model / "model.sig"
        signer.sign(model, signature)
        names = [resource.name for resource in verifier.verify(model, signature).manifest.resources]
        (model / "extra").touch()
        (model / "extra").write_bytes(b"x")
        try:
            verifier.verify(model, signature)
        except FilesRejected as error:
            return names, str(error.path)
        return names, "accepted"

    folders = list(models(tmp_path, 32))
    with ThreadPoolExecutor(32) as pool:
        results = list(pool.map(use, folders))
    for number, (names, extra) in enumerate(results):
        name = f"only-in-{number}"
        assert names == ([f"{name}:{start}:{start + 1000}" for start in range(0, 5000, 1000)] if shards else [name])
        assert extra == "extra"


def test_public_key_of_any_type_is_loaded_and_judged_later(model: Path, key_files: Keys, tmp_path: Path) -> None:
    public = keys_for(tmp_path, ec.SECP256K1(), "other")[1]
    verifier = verifying.Config().use_elliptic_key_verifier(public_key=public)
    with pytest.raises(KeyRejected, match="secp256k1"):
        verifier.verify(model, signed(model, key_files))
    assert load_pem_public_key(public.read_bytes()) == load_public_key(public)
