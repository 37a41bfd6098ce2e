"""The certificate method: sign with a private key, and add the certificates that vouch for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from .. import certificates, keys
from ..bundle import CERTIFICATE, Material
from ..errors import KeyRejected, OperationError
from ..signer import SignBytes, Signer, dsse_signer
from ..verifiers.certificate import own_certificate_verifier

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec


def certificate_signer(
    private_key: ec.EllipticCurvePrivateKey,
    chain: Sequence[x509.Certificate],
    *,
    allow_invalid_certificate: bool = False,
    random_signature: bool = False,
) -> Signer:
    """A signer for `private_key` whose bundles hold `chain`, the certificate of the key first.

    Deterministic (RFC 6979) unless `random_signature`. Raises OperationError. See external_certificate_signer.
    """
    return external_certificate_signer(
        lambda message: keys.sign_ecdsa(private_key, message, random=random_signature),
        private_key.public_key(),
        chain,
        allow_invalid_certificate=allow_invalid_certificate,
    )


def external_certificate_signer(
    sign: SignBytes,
    public_key: ec.EllipticCurvePublicKey,
    chain: Sequence[x509.Certificate],
    *,
    allow_invalid_certificate: bool = False,
) -> Signer:
    """The same for a key that is held elsewhere: `sign` turns bytes into a signature (DER).

    `chain` is the leaf and what the caller wants to go with it, in that order, the root or not. Raises
    OperationError if the leaf is for another key and, unless `allow_invalid_certificate`, if it is no signer or
    not valid now.
    """
    unique = list(dict.fromkeys(chain))
    if not unique:
        raise OperationError("no signing certificate was given")
    if len(unique) > certificates.MAX_CERTIFICATES:
        raise OperationError(f"more than {certificates.MAX_CERTIFICATES} certificates were given (REF-CERT-06)")
    check_match(unique[0], public_key)
    if not allow_invalid_certificate:
        check_usable(unique[0], datetime.now(timezone.utc))
    encoded = tuple(certificates.to_der(each) for each in unique)
    return dsse_signer(sign, Material(CERTIFICATE, certificates=encoded), own_certificate_verifier(public_key))


def check_match(leaf: x509.Certificate, public_key: ec.EllipticCurvePublicKey) -> None:
    """Return if `leaf` is for `public_key`. Raises OperationError."""
    try:
        key = certificates.check_key(leaf)
    except KeyRejected as error:
        raise OperationError(f"{error.detail} ({error.clause})") from None
    if key != public_key:
        raise OperationError(f"the certificate {certificates.name_of(leaf)} is for another key than the private key")


def check_usable(leaf: x509.Certificate, time: datetime) -> None:
    """Return if `leaf` may sign models at `time`. Raises OperationError."""
    override = "; --allow-invalid-certificate (allow_invalid_certificate) signs all the same"
    if fault := certificates.leaf_fault(leaf):
        raise OperationError(f"the certificate {certificates.name_of(leaf)} {fault.detail} ({fault.clause}){override}")
    if certificates.outside_validity([leaf], time):
        error = certificates.time_rejected(leaf, leaf, time)
        raise OperationError(f"{error.detail} ({error.clause}){override}")
