"""The key method: sign with a private key on P-256, P-384 or P-521."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import keys
from ..bundle import KEY, Material
from ..signer import Signer, dsse_signer
from ..verifiers.key import key_verifier

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec


def key_signer(private_key: ec.EllipticCurvePrivateKey, *, random_signature: bool = False) -> Signer:
    """A signer for `private_key`; deterministic (RFC 6979) unless `random_signature`."""
    return dsse_signer(
        lambda message: keys.sign_ecdsa(private_key, message, random=random_signature),
        Material(KEY, hint=keys.fingerprint(private_key.public_key())),
        key_verifier(private_key.public_key()),
    )
