"""Sign a model. The public names are those of `model_signing.signing`.

    import model_signing_ref
    config = model_signing_ref.signing.Config().use_elliptic_key_signer(private_key="key.pem")
    config.sign("my-model", "model.sig")

For embedding there are pure functions too: `sign_manifest` makes the bytes of a bundle from a Manifest and
a Signer; a Signer is made from any `Callable[[bytes], bytes]` by `dsse_signer`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from . import hashing, output
from .bundle import Material, Verifier, read_bundle, write_bundle
from .dsse import PAYLOAD_TYPE, pae
from .errors import OLD, Note, OperationError, Rejection, Warn, holds
from .hashing import ignore_note
from .keys import load_private_key
from .manifest import Manifest, Resource, check_names, root_digest
from .signer import SignBytes, Signer, dsse_signer
from .signers.key import key_signer
from .statement import read_statement, write_statement
from .tree import StrPath

if TYPE_CHECKING:
    from .signers.pkcs11 import AskPin

__all__ = ["Config", "Material", "SignBytes", "Signer", "Verifier", "dsse_signer", "sign", "sign_manifest"]


def sign_manifest(manifest: Manifest, signer: Signer, warn: Warn = ignore_note) -> bytes:
    """The bytes of a bundle over `manifest`, whose signature was verified as they would be written.

    Raises OperationError for a manifest that a verifier would refuse, if the signature does not hold, and what
    the signer raises.
    """
    _refuse_unverifiable(manifest, warn)
    data = _signed(manifest, signer, warn)
    try:
        signer.verify(read_bundle(data, warn), warn)
    except Rejection as error:
        raise OperationError(f"the new signature does not verify and was not written: {error}") from error
    holds(warn, "S12")
    return data


def _refuse_unverifiable(manifest: Manifest, warn: Warn) -> None:
    """Raise OperationError for a manifest that no verifier takes, or only for an old client's.

    The reader judges a statement with the first digest alone: its other members are those of the whole.
    """
    notes: list[Note] = []
    sample = [Resource("-", resource.digest) for resource in manifest.resources[:1]]
    try:
        read_statement(write_statement(manifest._replace(resources=sample)), notes.append)
        check_names(manifest, notes.append)
    except Rejection as error:
        raise OperationError(f"the manifest can't be signed: {error}") from None
    fault = next((note.detail for note in notes if note.code.startswith(OLD)), "")
    if len({len(resource.digest) for resource in manifest.resources}) > 1:
        fault = "its digests are of different sizes"
    if root_digest(manifest.resources) != manifest.root_digest:
        fault = "its root digest is not that of the resources (OMS-6.5.1-01)"
    if fault:
        raise OperationError(f"the manifest can't be signed: {fault}")
    for note in notes:
        warn(note)


def _signed(manifest: Manifest, signer: Signer, warn: Warn) -> bytes:
    """The bytes of a bundle, not yet verified; of all that they are made of, nothing is kept."""
    payload = write_statement(manifest)
    holds(warn, "S7", subject=manifest.model_name, payload_bytes=len(payload))
    holds(warn, "S8", signed=lambda: pae(PAYLOAD_TYPE, payload))
    bundle = signer.sign(payload)
    holds(warn, "S9", signature=bundle.envelope.signature)
    holds(warn, "S10", timestamps=len(bundle.material.timestamps))
    data = write_bundle(bundle)
    holds(warn, "S11", media_type=bundle.media_type, material=bundle.material.kind, bytes=len(data))
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
    holds(warn, "0")  # the signer's own inputs are there
    if signature is not None:
        if os.path.realpath(os.fsdecode(signature)) == os.path.realpath(os.fsdecode(model)):
            raise OperationError("the signature would replace the model")
        output.check_writable(signature)
        output.remove_leftovers(signature)
    target = None if signature is None else os.fsdecode(signature)
    holds(warn, "S1", model=os.fsdecode(model), signature=target)
    manifest = hashing.hash_model(model, plan, signature=signature, warn=warn)
    data = sign_manifest(manifest, signer, warn)
    if signature is not None:
        output.write_whole(signature, data)
    holds(warn, "S13", bytes=len(data))
    return manifest, data


def sign(model_path: StrPath, signature_path: StrPath) -> None:
    """Sign with the defaults: with Sigstore's public instance, in the name of whoever logs in."""
    Config().sign(model_path, signature_path)


class Config:
    """How to sign, collected by chained setters; it holds no state of any model."""

    def __init__(self) -> None:
        """Sigstore unless another signer is chosen, and the default hashing."""
        self._signer: Signer | None = None
        self._hashing = hashing.Config()
        self._timestamped: Callable[[Signer], Signer] | None = None

    def sign(self, model_path: StrPath, signature_path: StrPath) -> None:
        """Sign the model at `model_path` and write the bundle to `signature_path`. See sign_model.

        With Sigstore, where no signer was chosen.
        """
        if self._signer is None:
            self.use_sigstore_signer()
        assert self._signer is not None
        signer = self._timestamped(self._signer) if self._timestamped else self._signer
        sign_model(model_path, signature_path, signer, self._hashing.plan)

    def set_hashing_config(self, hashing_config: hashing.Config) -> Config:
        """Hash as `hashing_config` says."""
        self._hashing = hashing_config
        return self

    def set_signer(self, signer: Signer) -> Config:
        """Sign with a signer of your own."""
        self._signer = signer
        return self

    def use_elliptic_key_signer(self, *, private_key: StrPath, password: str | None = None) -> Config:
        """Sign with the private key in a PEM file, or on the token that a `pkcs11:` URI names.

        The password is that of the file, or the token's PIN. Raises OSError, OperationError and MissingExtra.
        """
        from .paths import is_pkcs11_uri

        ask = None if password is None else password.encode
        if is_pkcs11_uri(private_key):
            ask_pin = None if ask is None else lambda _: ask()
            return self.use_pkcs11_signer(pkcs11_uri=os.fsdecode(private_key), ask_pin=ask_pin)
        return self.set_signer(key_signer(load_private_key(private_key, ask)))

    def use_pkcs11_signer(
        self, *, pkcs11_uri: str, module_paths: Iterable[StrPath] = (), ask_pin: AskPin | None = None
    ) -> Config:
        """Sign with the key on a token that `pkcs11_uri` names. See signers.pkcs11.token_key."""
        from .signers.pkcs11 import pkcs11_signer

        return self.set_signer(pkcs11_signer(pkcs11_uri, module_paths=module_paths, ask_pin=ask_pin))

    def use_certificate_signer(
        self,
        *,
        private_key: StrPath,
        signing_certificate: StrPath,
        certificate_chain: Iterable[StrPath],
        password: str | None = None,
        allow_invalid_certificate: bool = False,
    ) -> Config:
        """Sign with a private key, and add its certificate and those of `certificate_chain`, root or no root.

        The files are PEM (any number of certificates) or DER. The key is in a PEM file, or on the token that a
        `pkcs11:` URI names; the password is that of the file, or the token's PIN. Raises OSError, OperationError
        and MissingExtra.
        """
        from .certificates import load_all
        from .paths import is_pkcs11_uri
        from .signers.certificate import certificate_signer

        ask = None if password is None else password.encode
        if is_pkcs11_uri(private_key):
            return self.use_pkcs11_certificate_signer(
                pkcs11_uri=os.fsdecode(private_key),
                signing_certificate=signing_certificate,
                certificate_chain=certificate_chain,
                ask_pin=None if ask is None else lambda _: ask(),
                allow_invalid_certificate=allow_invalid_certificate,
            )
        chain = load_all((signing_certificate, *certificate_chain))
        key = load_private_key(private_key, ask)
        return self.set_signer(certificate_signer(key, chain, allow_invalid_certificate=allow_invalid_certificate))

    def use_pkcs11_certificate_signer(
        self,
        *,
        pkcs11_uri: str,
        signing_certificate: StrPath,
        certificate_chain: Iterable[StrPath],
        module_paths: Iterable[StrPath] = (),
        ask_pin: AskPin | None = None,
        allow_invalid_certificate: bool = False,
    ) -> Config:
        """The same with the key on a token that `pkcs11_uri` names. See signers.pkcs11.token_key."""
        from .certificates import load_all
        from .signers.pkcs11 import pkcs11_certificate_signer

        chain = load_all((signing_certificate, *certificate_chain))
        signer = pkcs11_certificate_signer(
            pkcs11_uri,
            chain,
            module_paths=module_paths,
            ask_pin=ask_pin,
            allow_invalid_certificate=allow_invalid_certificate,
        )
        return self.set_signer(signer)

    def set_timestamp_authority(self, tsa_url: str | None, *, tsa_chain: Iterable[StrPath] = ()) -> Config:
        """Have every signature timestamped by the authority (RFC 3161) at `tsa_url`; None: by no one.

        With `tsa_chain` (certificate files) the timestamp is verified in full before it is written, else as far
        as can be without trusting anyone. Raises OSError, OperationError and MissingExtra.
        """
        self._timestamped = None
        if tsa_url is None:
            return self
        from .certificates import load_all, trust
        from .timestamps import load_client, with_timestamp

        load_client()
        files = tuple(tsa_chain)
        tsa = trust(load_all(files)) if files else None
        self._timestamped = lambda signer: with_timestamp(signer, tsa_url, tsa)
        return self

    def use_sigstore_signer(
        self,
        *,
        oidc_issuer: str | None = None,
        use_ambient_credentials: bool = False,
        use_staging: bool = False,
        force_oob: bool = False,
        identity_token: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        trust_config: StrPath | None = None,
    ) -> Config:
        """Sign with Sigstore; see sigstore_signer. Raises MissingExtra, OSError and OperationError."""
        from .signers.sigstore import sigstore_signer

        return self.set_signer(
            sigstore_signer(
                oidc_issuer=oidc_issuer,
                use_ambient_credentials=use_ambient_credentials,
                use_staging=use_staging,
                force_oob=force_oob,
                identity_token=identity_token,
                client_id=client_id,
                client_secret=client_secret,
                trust_config=trust_config,
            )
        )
