"""The main job on something the newcomer sees: sign, verify, tamper, and watch it being refused."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from .errors import OperationError, Rejection, Unsupported, Warn, quote
from .hashing import Plan
from .keys import load_private_key
from .manifest import GIT_NAMES
from .signers.key import key_signer
from .signing import sign_model
from .verifying import Config

Tell = Callable[[str], object]

MODEL = {
    "config.json": b'{"layers": 2}\n',
    "tokenizer.json": b'{"version": 1}\n',
    "tokenizer/vocab.json": b'{"hello": 0, "world": 1}\n',
    "weights.bin": bytes(range(256)) * 256,
}
GIT_PARTS = tuple((name,) for name in GIT_NAMES)
EXPECTED: dict[object, str | None] = {"sign": None, "as signed": "accepted"}  # of a step; all others show a rejection
COPIED_BYTES = 64 << 20  # of the newcomer's own model, at the most, for the copies that are tampered with


def demo(model: str | None, tell: Tell, warn: Warn) -> list[dict[str, object]]:
    """Run the demonstration in a temporary folder; return each step with its outcome.

    `model`, if given, is signed and verified too, and only read. Raises OSError and OperationError.
    """
    with tempfile.TemporaryDirectory(prefix="model_signing_ref-") as name:
        folder = Path(name)
        private, public = make_key(folder)
        tell(f"A new P-256 key: {quote(str(private))}")
        small = make_model(folder / "model")
        tell(f"A small model of {len(MODEL)} files: {quote(str(small))}\n")
        steps = [sign(small, folder / "model.sig", private, tell, warn)]
        steps.append(verify(small, folder / "model.sig", public, tell, "as signed"))
        if model is not None:
            tell(f"\nYour model, {quote(model)}, which is only read:")
            steps.append(sign(Path(model), folder / "yours.sig", private, tell, warn))
            steps.append(verify(Path(model), folder / "yours.sig", public, tell, "as signed"))
            small = copy_some(Path(model), folder / "copy", tell)
            steps.append(sign(small, folder / "model.sig", private, tell, warn))
        tell("\nThree ways to tamper with it:")
        for what, tamper in TAMPERINGS:
            copy = folder / "tampered"
            shutil.copytree(small, copy)
            tamper(copy)
            steps.append(verify(copy, folder / "model.sig", public, tell, what))
            shutil.rmtree(copy)
        if wrong := [step["step"] for step in steps if step.get("verdict") != EXPECTED.get(step["step"], "rejected")]:
            raise OperationError(f"{wrong[0]}: not the verdict that was to be shown")
    tell(NEXT)
    return steps


NEXT = """
What next:
  openssl ecparam -name prime256v1 -genkey -noout -out key.pem
  openssl ec -in key.pem -pubout -out key.pub
  model_signing_ref sign key --private-key key.pem --signature my-model.sig my-model
  model_signing_ref verify key --public-key key.pub --signature my-model.sig my-model"""


def make_key(folder: Path) -> tuple[Path, Path]:
    """A new key pair as PEM files: private, public."""
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = folder / "key.pem", folder / "key.pub"
    private.touch(mode=0o600)
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


def make_model(folder: Path) -> Path:
    """The small model."""
    for name, content in MODEL.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


def copy_some(model: Path, folder: Path, tell: Tell) -> Path:
    """A copy of the smallest files of `model`, COPIED_BYTES at the most."""
    folder.mkdir()
    files = [model] if model.is_file() else [file for file in model.rglob("*") if file.is_file()]
    files = [file for file in files if not file.is_symlink() and file.relative_to(model).parts[:1] not in GIT_PARTS]
    left = COPIED_BYTES
    for file in sorted(files, key=lambda file: file.stat().st_size):
        left -= file.stat().st_size
        if left < 0:
            break
        target = folder / (file.name if file == model else file.relative_to(model))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    if not any(folder.iterdir()):
        (folder / "weights.bin").write_bytes(MODEL["weights.bin"])
    tell(f"A copy of its smaller files, to tamper with: {quote(str(folder))}")
    return folder


def sign(model: Path, signature: Path, private: Path, tell: Tell, warn: Warn) -> dict[str, object]:
    """Sign `model` and tell."""
    try:
        signer = key_signer(load_private_key(private))
        manifest, _ = sign_model(model, signature, signer, Plan(), warn)
    except Unsupported:
        signer = key_signer(load_private_key(private), random_signature=True)
        manifest, _ = sign_model(model, signature, signer, Plan(), warn)
    tell(f"  sign            -> {len(manifest.resources)} files, root digest sha256:{manifest.root_digest.hex()}")
    return {"step": "sign", "files": len(manifest.resources), "root_digest": manifest.root_digest.hex()}


def verify(model: Path, signature: Path, public: Path, tell: Tell, what: str) -> dict[str, object]:
    """Verify `model` and tell the verdict, with its stage and clause."""
    try:
        Config().use_elliptic_key_verifier(public_key=public).verify(model, signature)
    except Rejection as error:
        tell(f"  {what:15} -> refused at stage {error.stage}: {error.detail} [{error.clause}]")
        return {"step": what, "verdict": "rejected", "stage": error.stage, "clause": error.clause}
    tell(f"  {what:15} -> verified")
    return {"step": what, "verdict": "accepted", "stage": None, "clause": None}


def flip_byte(model: Path) -> None:
    """Flip one bit of the largest file."""
    file = max((file for file in model.rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)
    content = bytearray(file.read_bytes() or b"\0")
    content[0] ^= 1
    file.write_bytes(content)


def add_file(model: Path) -> None:
    """Add a file that was not signed."""
    (model / "payload.py").write_text("print('hello')\n")


def remove_file(model: Path) -> None:
    """Remove a file that was signed."""
    files = sorted(file for file in model.rglob("*") if file.is_file())
    if not files:
        raise OperationError("the copy has no file to remove")
    files[0].unlink()


TAMPERINGS = (("one bit flipped", flip_byte), ("a file added", add_file), ("a file removed", remove_file))
