"""The key method: verify a bundle with a public key that the caller trusts."""

from __future__ import annotations

from .. import keys
from ..bundle import KEY, METHODS, Bundle, Verifier
from ..errors import KeyRejected, MaterialRejected, Note, Warn, holds


def key_verifier(public_key: object, *, v02: bool = False) -> Verifier:
    """A verifier for `public_key` (a key of `cryptography`; a wrong type or curve is a rejection).

    With `v02` it verifies signatures as version 0.2.0 made them, and no others.
    """

    def verify(bundle: Bundle, warn: Warn) -> None:
        """Return if the signature holds. Raises MaterialRejected, KeyRejected or SignatureRejected."""
        material, hints = bundle.material, {bundle.material.hint} - {None}
        if material.kind != KEY:
            detail = f"the bundle was signed with the method {METHODS[material.kind]}, not with key"
            raise MaterialRejected(detail, clause="OMS-11.1-08")
        holds(warn, "9K.1", method=METHODS[material.kind])
        if material.log_entries or material.timestamps:  # may be absent: OMS-4.1-06, OMS-11.1-06
            warn(Note("unchecked-material", "the bundle has log entries or timestamps, which were not checked"))
        if material.raw_key is not None:
            from .. import compat  # OMS-4.1-05

            hints.add(compat.hint_of_raw_key(material.raw_key, warn))
        if not hints:
            raise MaterialRejected("publicKey has no hint", clause="OMS-11.1-02")
        holds(warn, "9K.2", hint=material.hint, raw_bytes=material.raw_key)
        key = keys.require_curve(public_key)
        holds(warn, "9K.3", curve=key.curve.name)
        fingerprint = keys.fingerprint(key)
        if hints != {fingerprint}:
            raise KeyRejected("the bundle's hint is not the fingerprint of this key", clause="REF-KEY-01")
        holds(warn, "9K.4", fingerprint=fingerprint)
        message = keys.verify_envelope(key, bundle.envelope, v02=v02)
        holds(warn, "9K.5", signed=message)

    return verify
