"""What every signer is: payload bytes to a bundle, with the verifier that must accept it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .bundle import MEDIA_TYPE, Bundle, Material, Verifier
from .dsse import PAYLOAD_TYPE, Envelope, pae

# Pre-authentication encoding in, signature (DER) out.
SignBytes = Callable[[bytes], bytes]


class Signer(NamedTuple):
    """How to sign a payload, and the verifier that must accept what was signed before it is written."""

    sign: Callable[[bytes], Bundle]
    verify: Verifier


def dsse_signer(sign: SignBytes, material: Material, verify: Verifier) -> Signer:
    """A signer from any function that signs bytes, and the material that its bundles carry."""

    def sign_payload(payload: bytes) -> Bundle:
        envelope = Envelope(PAYLOAD_TYPE, payload, sign(pae(PAYLOAD_TYPE, payload)))
        return Bundle(MEDIA_TYPE, material, envelope)

    return Signer(sign_payload, verify)
