"""Bundles and models made to order: edit the JSON of a signed bundle or of its payload, and sign it again."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from model_signing_ref import compat, hashing, signing, verifying
from model_signing_ref.bundle import Verifier
from model_signing_ref.errors import Note, OperationError, Rejection
from model_signing_ref.keys import fingerprint, sign_ecdsa
from model_signing_ref.signers.key import key_signer
from model_signing_ref.verifiers.key import key_verifier

Value = Any  # of JSON
At = tuple[str | int, ...]  # a position in a JSON value
Plan = hashing.Plan
NO_PLAN = Plan()

KEY = ec.derive_private_key(0x5EED, ec.SECP256R1())
OTHER_KEY = ec.derive_private_key(0x5EED + 1, ec.SECP256R1())
SIGNER = key_signer(KEY)
VERIFIER = key_verifier(KEY.public_key())
HINT = fingerprint(KEY.public_key())

# Each a value of another JSON type; a test skips the ones of the type that is right.
ONE_OF_EACH_TYPE: tuple[Value, ...] = (None, True, 7, 1.5, "?!", [], {})


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def to_json(value: Value) -> bytes:
    return json.dumps(value).encode()


def pae(payload: bytes) -> bytes:
    """The encoding that is signed, written out a second time."""
    return b"DSSEv1 28 application/vnd.in-toto+json " + str(len(payload)).encode() + b" " + payload


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def resource(name: str, content: bytes = b"", algorithm: str = "sha256") -> Value:
    return {"name": name, "algorithm": algorithm, "digest": digest_of(content)}


def root_of(resources: list[Value]) -> str:
    return digest_of(b"".join(bytes.fromhex(each["digest"]) for each in resources))


def statement(resources: list[Value] | None = None, **serialization: Value) -> Value:
    """A statement that is right, with the members of `serialization` put in; those that are ... are left out."""
    resources = [resource("a"), resource("b")] if resources is None else resources
    members = {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": []} | serialization
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "model", "digest": {"sha256": root_of(resources)}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "resources": resources,
            "serialization": {name: value for name, value in members.items() if value is not ...},
        },
    }


def shards(resources: list[Value] | None = None, shard_size: Value = 10, **serialization: Value) -> Value:
    """A statement in shards that is right."""
    resources = [resource("a:0:10"), resource("a:10:13")] if resources is None else resources
    return statement(resources, method="shards", shard_size=shard_size, **serialization)


def bundle_value(payload: bytes, signature: bytes | None = None) -> Value:
    """The JSON value of a bundle over `payload`, signed with KEY."""
    signature = sign_ecdsa(KEY, pae(payload)) if signature is None else signature
    return {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": HINT}},
        "dsseEnvelope": {
            "payload": b64(payload),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": b64(signature)}],
        },
    }


def signed(payload: Value) -> bytes:
    """The bytes of a bundle whose signature over `payload` (bytes, or a JSON value) holds."""
    return to_json(bundle_value(payload if isinstance(payload, bytes) else to_json(payload)))


def edited(bundle: bytes, edit: Callable[[Value], Value]) -> bytes:
    """`bundle` with its payload edited and signed again; `edit` changes the statement or gives another one."""
    value = json.loads(base64.b64decode(json.loads(bundle)["dsseEnvelope"]["payload"]))
    return signed(edit(value) or value)


def positions(value: Value, at: At = ()) -> Iterator[At]:
    """Every position in a JSON value, its own first."""
    yield at
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in members:
        yield from positions(part, (*at, name))


def get(value: Value, at: At) -> Value:
    for name in at:
        value = value[name]
    return value


def replaced(value: Value, at: At, new: Value) -> Value:
    if not at:
        return new
    value = copy.deepcopy(value)
    get(value, at[:-1])[at[-1]] = new
    return value


def without(value: Value, at: At) -> Value:
    value = copy.deepcopy(value)
    del get(value, at[:-1])[at[-1]]
    return value


def wrong_types(value: Value) -> Iterator[tuple[At, Value]]:
    """Every position with a value of every type that it does not have."""
    for at in positions(value):
        for wrong in ONE_OF_EACH_TYPE:
            if type(get(value, at)) is not type(wrong):
                yield at, wrong


class Verdict(str):
    """`accepted`, or stage and clause of the rejection; compares as that text."""

    notes: list[str]
    error: Rejection | None
    report: verifying.Report | None


def verdict_of(run: Callable[[Callable[[Note], None]], verifying.Report | None]) -> Verdict:
    notes: list[Note] = []
    error, report, text = None, None, "accepted"
    try:
        report = run(notes.append)
    except Rejection as rejection:
        error, text = rejection, f"{rejection.stage} {rejection.clause}"
        assert "\n" not in str(rejection)
        assert rejection.detail
    verdict = Verdict(text)
    verdict.notes, verdict.error, verdict.report = [note.code for note in notes], error, report
    return verdict


def judge(data: bytes, plan: Plan = NO_PLAN, verifier: Verifier = VERIFIER) -> Verdict:
    """What verify_bundle says of the bytes of a bundle; no disk."""

    def run(warn: Callable[[Note], None]) -> None:
        verifying.verify_bundle(data, verifier, plan, warn)

    return verdict_of(run)


def judge_statement(value: Value) -> Verdict:
    return judge(signed(value))


def sign(model: Path, signature: Path, plan: Plan = NO_PLAN) -> list[str]:
    """Sign a model with KEY; the codes of the notes."""
    notes: list[Note] = []
    signing.sign_model(model, signature, SIGNER, plan, notes.append)
    return [note.code for note in notes]


def sign_error(model: Path, signature: Path, plan: Plan = NO_PLAN) -> str:
    """Why a model can't be signed; nothing was written."""
    before = signature.read_bytes() if signature.exists() else None
    with pytest.raises(OperationError) as caught:
        sign(model, signature, plan)
    assert (signature.read_bytes() if signature.exists() else None) == before
    return caught.value.detail


def verify(model: Path, signature: Path, plan: Plan = NO_PLAN, *, v02: bool = False, unsigned: bool = False) -> Verdict:
    """What Config.verify says of a model and the file of its bundle."""
    config = verifying.Config().set_plan(plan).set_allow_v02(v02).set_ignore_unsigned_files(unsigned)
    config._verifier = lambda old: key_verifier(KEY.public_key(), v02=old)
    return verdict_of(lambda warn: config.set_warn(warn).verify(model, signature))


def write_tree(root: Path, files: dict[str, bytes]) -> Path:
    root.mkdir(exist_ok=True)
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


@contextmanager
def unprivileged() -> Iterator[None]:
    """Without root's right to read everything, if the tests run as root."""
    assert compat  # loaded by now: the package itself may be where only root can read
    if os.geteuid() != 0:
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter, which tmp_path is not."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)
