"""The certificate method: verify a bundle by the chain of its certificates to one that the caller trusts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

from .. import certificates, keys
from ..bundle import CERTIFICATE, METHODS, Bundle, Material, Verifier
from ..certificates import Trust
from ..errors import CertificateRejected, MaterialRejected, Note, OperationError, Warn, holds

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec


class Policy(NamedTuple):
    """What the caller asks of the certificates; the time is now where neither other source is given."""

    require_code_signing: bool = False
    verification_time: datetime | None = None  # UTC where it has no zone
    tsa: Trust | None = None  # then a verified timestamp by it is required, and its time counts
    log_fingerprints: bool = False


def certificate_verifier(trusted: Trust, policy: Policy = Policy(), *, v02: bool = False) -> Verifier:  # noqa: B008
    """A verifier that accepts signers whose chain leads to `trusted`.

    With `v02` it verifies signatures as version 0.2.0 made them, and no others. Raises OperationError if
    `policy` has two sources of the time, and MissingExtra.
    """
    if policy.verification_time is not None and policy.tsa is not None:
        raise OperationError("--verification-time and --tsa-chain both say at which time to verify; give one")

    if policy.tsa is not None:
        from .. import timestamps

        timestamps.load_client()

    def verify(bundle: Bundle, warn: Warn) -> None:
        """Return if the signature holds and its signer is trusted.

        Checked in this order: MaterialRejected, a leaf that can't be read (CertificateRejected), KeyRejected,
        TransparencyRejected for the timestamp, CertificateRejected, TimeRejected, SignatureRejected.
        """
        leaf, *others = read_material(bundle.material, warn)
        if policy.log_fingerprints:
            for note in certificates.fingerprint_notes((leaf, *others, *trusted.given)):
                warn(note)
        key = certificates.check_key(leaf)
        holds(warn, "9C.4", curve=key.curve.name)
        time = time_of(bundle, policy, warn)
        holds(warn, "9C.5", asked_for=policy.tsa is not None)
        check_signer(leaf, policy, warn)
        holds(warn, "9C.6", leaf=leaf.subject.rfc4514_string())
        chain = certificates.check_chain(leaf, others, trusted, time)
        holds(warn, "9C.7", chain=[each.subject.rfc4514_string() for each in chain])
        holds(warn, "9C.8", time=time.isoformat())
        holds(warn, "9C.9", signed=keys.verify_envelope(key, bundle.envelope, v02=v02))

    return verify


def read_material(material: Material, warn: Warn | None = None) -> Sequence[x509.Certificate]:
    """The bundle's certificates, leaf first. Raises MaterialRejected or CertificateRejected."""
    if material.kind != CERTIFICATE:
        detail = f"the bundle was signed with the method {METHODS[material.kind]}, not with certificate"
        raise MaterialRejected(detail, clause="OMS-11.1-08")
    holds(warn, "9C.1", method=METHODS[material.kind])
    if not material.certificates:
        raise MaterialRejected("x509CertificateChain has no certificate", clause="OMS-4.1-02")
    holds(warn, "9C.2", certificates=len(material.certificates))
    found = certificates.read_certificates(material.certificates)
    holds(warn, "9C.3", subjects=[each.subject.rfc4514_string() for each in found])
    return found


def time_of(bundle: Bundle, policy: Policy, warn: Warn) -> datetime:
    """The moment at which the chain must hold (decision 1). Raises TransparencyRejected."""
    if bundle.material.log_entries or (bundle.material.timestamps and policy.tsa is None):
        warn(Note("unchecked-material", "the bundle has log entries or timestamps, which were not checked"))
    if policy.tsa is not None:
        from .. import timestamps

        return timestamps.verify_timestamps(bundle, policy.tsa, warn)
    if policy.verification_time is not None:
        return certificates.in_utc(policy.verification_time)
    return datetime.now(timezone.utc)


def check_signer(leaf: x509.Certificate, policy: Policy, warn: Warn) -> None:
    """Return if `leaf` may sign models. Raises CertificateRejected."""
    fault = certificates.leaf_fault(leaf, require_code_signing=policy.require_code_signing)
    if fault is not None:
        detail = f"the certificate {certificates.name_of(leaf)} {fault.detail}"
        raise CertificateRejected(detail, clause=fault.clause)
    if certificates.is_ca(leaf):
        warn(Note("ca-leaf", f"the signer {certificates.name_of(leaf)} is marked as a CA, but may not issue"))


def own_certificate_verifier(public_key: ec.EllipticCurvePublicKey) -> Verifier:
    """What a signer asks of its new bundle: that it names `public_key` and that the signature holds with it."""

    def verify(bundle: Bundle, warn: Warn) -> None:
        leaf = read_material(bundle.material, warn)[0]
        key = certificates.check_key(leaf)
        if key != public_key:
            raise CertificateRejected("the leaf certificate is for another key", clause="RFC5280-02")
        holds(warn, "9C.4", curve=key.curve.name, leaf=leaf.subject.rfc4514_string())
        holds(warn, "9C.9", signed=keys.verify_envelope(key, bundle.envelope))

    return verify
