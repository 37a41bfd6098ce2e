"""Sign a model. The public names are those of `model_signing.signing`.

    import model_signing_ref
    config = model_signing_ref.signing.Config().use_elliptic_key_signer(private_key="key.pem")
    config.sign("my-model", "model.sig")

For embedding there are pure functions too: `sign_manifest` makes the bytes of a bundle from a Manifest and
a Signer; a Signer is made from any `Callable[[bytes], bytes]` by `dsse_signer`.
"""

from __future__ import annotations

import os

from . import hashing, output
from .bundle import Material, Verifier, read_bundle, write_bundle
from .errors import OperationError, Rejection, Unsupported, Warn
from .hashing import ignore_note
from .keys import load_private_key
from .manifest import Manifest
from .signer import SignBytes, Signer, dsse_signer
from .signers.key import key_signer
from .statement import write_statement
from .tree import StrPath

__all__ = ["Config", "Material", "SignBytes", "Signer", "Verifier", "dsse_signer", "sign", "sign_manifest"]


def sign_manifest(manifest: Manifest, signer: Signer, warn: Warn = ignore_note) -> bytes:
    """The bytes of a bundle over `manifest`, whose signature was verified as they would be written.

    Raises OperationError if it does not hold, and what the signer raises.
    """
    data = write_bundle(signer.sign(write_statement(manifest)))
    try:
        signer.verify(read_bundle(data), warn)
    except Rejection as error:
        raise OperationError(f"the new signature does not verify and was not written: {error}") from error
    return data


def sign_model(
    model: StrPath,
    signature: StrPath | None,
    signer: Signer,
    plan: hashing.Plan = hashing.Plan(),  # noqa: B008 - a NamedTuple is a value
    warn: Warn = ignore_note,
) -> tuple[Manifest, bytes]:
    """Sign the model at `model` and write the bundle to `signature`, unless that is None; give both back.

    Raises OSError, OperationError and Unsupported; then nothing was written.
    """
    if signature is not None:
        if os.path.realpath(os.fsdecode(signature)) == os.path.realpath(os.fsdecode(model)):
            raise OperationError("the signature would replace the model")
        output.check_writable(signature)
        output.remove_leftovers(signature)
    manifest = hashing.hash_model(model, plan, signature=signature, warn=warn)
    data = sign_manifest(manifest, signer, warn)
    if signature is not None:
        output.write_whole(signature, data)
    return manifest, data


def sign(model_path: StrPath, signature_path: StrPath) -> None:
    """Sign the model at `model_path` with the default configuration: sigstore, files, SHA-256."""
    Config().sign(model_path, signature_path)


class Config:
    """How to sign, collected by chained setters; it holds no state of any model."""

    def __init__(self) -> None:
        """No signer yet, and the default hashing."""
        self._signer: Signer | None = None
        self._hashing = hashing.Config()

    def sign(self, model_path: StrPath, signature_path: StrPath) -> None:
        """Sign the model at `model_path` and write the bundle to `signature_path`. See sign_model."""
        if self._signer is None:
            detail = "no signer was chosen, and the default method sigstore is not in this version"
            raise Unsupported(detail, clause="REF-UNSUPPORTED-01")
        sign_model(model_path, signature_path, self._signer, self._hashing.plan)

    def set_hashing_config(self, hashing_config: hashing.Config) -> Config:
        """Hash as `hashing_config` says."""
        self._hashing = hashing_config
        return self

    def set_signer(self, signer: Signer) -> Config:
        """Sign with a signer of your own."""
        self._signer = signer
        return self

    def use_elliptic_key_signer(self, *, private_key: StrPath, password: str | None = None) -> Config:
        """Sign with the private key in a PEM file. Raises OSError and OperationError."""
        ask = None if password is None else password.encode
        return self.set_signer(key_signer(load_private_key(private_key, ask)))
