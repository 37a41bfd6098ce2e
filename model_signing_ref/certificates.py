"""X.509 certificates: read them, say whom to trust, build and judge a chain (RFC 5280).

Chains are built and verified by `cryptography`. What it leaves open is decided here before it builds, so that
every chain it can find consists of certificates that may stand in it, and on the chain that it found.
"""

from __future__ import annotations

import itertools
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from typing import NamedTuple, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, Policy, PolicyBuilder, Store, VerificationError

from .errors import (
    CertificateRejected,
    KeyRejected,
    Note,
    OperationError,
    Rejection,
    TimeRejected,
    Unsupported,
    printable_path,
    quote,
)
from .keys import CURVE_HASHES, Path, read_small_file, require_curve

CODE_SIGNING, TIME_STAMPING = ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.TIME_STAMPING
ANY_USAGE = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE

MAX_CERTIFICATES = 32  # in one bundle; each costs up to one signature check for each other
MAX_INTERMEDIATES = 8
MAX_CANDIDATES = 200  # issuers tried for one chain: certificates of one name and key multiply the paths
MIN_RSA_BITS = 2048
SIGNATURE_HASHES = ("sha256", "sha384", "sha512")

# DER of the object identifiers of an elliptic-curve key and of the curves that it may name (RFC 5480, 2.1.1).
_EC_KEY = bytes.fromhex("06072a8648ce3d0201")
_CURVES = {
    "secp256r1": bytes.fromhex("06082a8648ce3d030107"),
    "secp384r1": bytes.fromhex("06052b81040022"),
    "secp521r1": bytes.fromhex("06052b81040023"),
}

# Whole seconds; the same in all versions of Python, whose own reader accepts more from 3.11.
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?)?")

Extension = TypeVar("Extension", bound=x509.ExtensionType)


class Trust(NamedTuple):
    """Whom the caller trusts: an anchor ends a chain, a helper may stand in it."""

    anchors: tuple[x509.Certificate, ...]
    helpers: tuple[x509.Certificate, ...] = ()
    given: tuple[x509.Certificate, ...] = ()  # by name, so not the system's roots


class Fault(NamedTuple):
    """Why a certificate will not do, and the clause that says so."""

    detail: str
    clause: str


# Certificates from the leaf on, the leaf first, each with the one it issued on the way.
Reached = dict[x509.Certificate, "x509.Certificate | None"]


# Reading

# What `cryptography` raises on junk; TypeError for a name whose value is a bit string, for example.
UNREADABLE = (ValueError, TypeError, x509.DuplicateExtension, x509.InvalidVersion, x509.UnsupportedGeneralNameType)


def load_certificates(path: Path) -> list[x509.Certificate]:
    """The certificates in a file, in its order: PEM, any number with any text around, or one in DER.

    Raises OSError, or OperationError where there is none or one can't be read.
    """
    data = read_small_file(path, "the certificate file")
    name = quote(printable_path(os.fspath(path)))
    try:
        with without_warnings():
            pem = b"-----BEGIN" in data
            found = x509.load_pem_x509_certificates(data) if pem else [x509.load_der_x509_certificate(data)]
            return [_with_extensions(certificate) for certificate in found]
    except UNREADABLE as error:
        hint = "; this is a private key" if b"PRIVATE KEY-----" in data else ""
        raise OperationError(f"no PEM or DER certificate in {name}{hint}") from error


def load_all(paths: Iterable[Path]) -> list[x509.Certificate]:
    """The certificates in all the files, in order. Raises OSError and OperationError."""
    return [certificate for path in paths for certificate in load_certificates(path)]


def read_certificates(encoded: Sequence[bytes]) -> list[x509.Certificate]:
    """The certificates of a bundle, each in DER. Raises CertificateRejected."""
    if len(encoded) > MAX_CERTIFICATES:
        detail = f"the bundle has {len(encoded)} certificates; the limit is {MAX_CERTIFICATES}"
        raise CertificateRejected(detail, clause="REF-CERT-06")
    found = []
    for number, der in enumerate(encoded, 1):
        try:
            with without_warnings():
                found.append(_with_extensions(x509.load_der_x509_certificate(der)))
        except UNREADABLE:
            detail = f"certificate {number} of the bundle is not an X.509 certificate in DER"
            raise CertificateRejected(detail, clause="RFC5280-01") from None
    return found


@contextmanager
def without_warnings() -> Iterator[None]:
    """No Python warnings on stderr about odd certificates, which `cryptography` refuses where it matters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _with_extensions(certificate: x509.Certificate) -> x509.Certificate:
    """`certificate`, whose names and extensions were parsed, so that nothing fails later."""
    certificate.extensions, certificate.subject, certificate.issuer  # noqa: B018 - parsed on access
    return certificate


def extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    """The value of the extension of that kind, if there is one."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def public_key(certificate: x509.Certificate) -> object:
    """The key of `certificate`, or None where it is of a kind that `cryptography` can't read."""
    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None


def to_der(certificate: x509.Certificate) -> bytes:
    """The DER of `certificate`, byte for byte as it was read."""
    return certificate.public_bytes(Encoding.DER)


def name_of(certificate: x509.Certificate) -> str:
    """The subject for people (RFC 4514), in quotes and escaped."""
    return quote(certificate.subject.rfc4514_string())


def fingerprint_notes(certificates: Iterable[x509.Certificate]) -> Iterator[Note]:
    """The SHA-256 fingerprint of the DER of each certificate, in order."""
    for certificate in certificates:
        digest = certificate.fingerprint(hashes.SHA256()).hex()
        yield Note("fingerprint", f"the certificate {name_of(certificate)} has the SHA-256 fingerprint {digest}")


def parse_time(text: str) -> datetime:
    """The moment that text such as 2026-01-31T12:00:00Z (RFC 3339) or 2026-01-31 names; UTC where it has no zone.

    Raises OperationError.
    """
    try:
        if not _TIME.fullmatch(text):
            raise ValueError
        time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise OperationError(f"{quote(text)} is not a time such as 2026-01-31T12:00:00Z") from None
    return in_utc(time)


def in_utc(time: datetime) -> datetime:
    """`time` in UTC; a time without a zone is in UTC already. Raises OperationError out of the calendar."""
    try:
        return time.replace(tzinfo=timezone.utc) if time.tzinfo is None else time.astimezone(timezone.utc)
    except OverflowError:
        raise OperationError("the time is out of range") from None


# Trust


def trust(given: Iterable[x509.Certificate], *, partial_chain: bool = False, system_roots: bool = False) -> Trust:
    """What trusting `given` means (REF-CERT-07): the self-signed ones are anchors, or all with `partial_chain`.

    With `system_roots` the roots of the operating system are anchors too: then whoever gets a certificate from
    any of these authorities can sign any model. Raises OperationError if there is no anchor.
    """
    certificates = tuple(dict.fromkeys(given))
    anchors = tuple(each for each in certificates if partial_chain or is_self_signed(each))
    helpers = tuple(each for each in certificates if each not in anchors)
    if system_roots:
        anchors += tuple(each for each in system_certificates() if each not in anchors)
    if anchors:
        return Trust(anchors, helpers, certificates)
    if certificates:
        detail = "none of the given certificates is self-signed; --partial-chain (partial_chain) trusts them all"
    else:
        detail = (
            "no trusted certificate: give --certificate-chain (certificate_chain), or --system-roots (system_roots)"
        )
    raise OperationError(f"{detail} (REF-CERT-07)")


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether subject and issuer are one name, and one key.

    A self-signature with an old hash can't be verified here and is not relied on; then the key identifiers
    tell, where there are any.
    """
    if certificate.subject != certificate.issuer:
        return False
    if signature_fault(certificate) is None:
        return is_issued_by(certificate, certificate)
    authority = extension(certificate, x509.AuthorityKeyIdentifier)
    subject = extension(certificate, x509.SubjectKeyIdentifier)
    if authority is None or authority.key_identifier is None or subject is None:
        return True
    return authority.key_identifier == subject.digest


def system_certificates() -> list[x509.Certificate]:
    """The roots that OpenSSL trusts on this system, $SSL_CERT_FILE and $SSL_CERT_DIR included."""
    import ssl

    found = []
    for der in ssl.create_default_context().get_ca_certs(binary_form=True):
        with suppress(CertificateRejected):  # a root that can't be read is not trusted
            found += read_certificates([der])
    folder = ssl.get_default_verify_paths().capath
    for name in sorted(os.listdir(folder)) if folder else ():
        if re.fullmatch(r"[0-9a-f]{8}\.[0-9]+", name):  # as `openssl rehash` names them
            with suppress(OSError, OperationError):
                found += load_certificates(os.path.join(str(folder), name))
    return list(dict.fromkeys(found))


# What a certificate may do


def check_key(leaf: x509.Certificate) -> ec.EllipticCurvePublicKey:
    """The leaf's key, if it is on one of the three named curves. Raises KeyRejected."""
    key = require_curve(public_key(leaf))
    if _EC_KEY + _CURVES[key.curve.name] not in leaf.tbs_certificate_bytes:
        raise KeyRejected("the certificate spells its curve out instead of naming it", clause="OMS-REG-04")
    return key


def leaf_fault(leaf: x509.Certificate, *, require_code_signing: bool = False) -> Fault | None:
    """Why the leaf is no signer of models (decision 2), if it is none."""
    usage, purposes = extension(leaf, x509.KeyUsage), extension(leaf, x509.ExtendedKeyUsage)
    if usage is None and purposes is None:
        return Fault("has neither KeyUsage nor ExtendedKeyUsage", "REF-CERT-01")
    if usage is not None and not usage.digital_signature:
        return Fault("has a KeyUsage without digitalSignature", "RFC5280-09")
    if purposes is not None and not {CODE_SIGNING, ANY_USAGE}.intersection(purposes):
        return Fault("has an ExtendedKeyUsage without codeSigning", "RFC5280-10")
    if (is_ca(leaf) and usage is None) or (usage is not None and usage.key_cert_sign):
        return Fault("may issue certificates, so it is no signer", "REF-CERT-02")
    if require_code_signing and (purposes is None or CODE_SIGNING not in purposes):
        return Fault("has no ExtendedKeyUsage with codeSigning, which was asked for", "REF-CERT-05")
    return None


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether BasicConstraints says so."""
    constraints = extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def issuer_fault(issuer: x509.Certificate, purpose: x509.ObjectIdentifier) -> Fault | None:
    """Why `issuer` may not stand above a leaf for `purpose`, if it may not."""
    usage, purposes = extension(issuer, x509.KeyUsage), extension(issuer, x509.ExtendedKeyUsage)
    if not is_ca(issuer):
        return Fault("is not a CA by its BasicConstraints", "RFC5280-04")
    if usage is not None and not usage.key_cert_sign:
        return Fault("has a KeyUsage without keyCertSign", "RFC5280-06")
    if purposes is not None and not {purpose, ANY_USAGE}.intersection(purposes):
        return Fault("has an ExtendedKeyUsage for other purposes", "REF-CERT-03")
    return key_fault(issuer)


def key_fault(certificate: x509.Certificate) -> Fault | None:
    """Why the key of `certificate` is not relied on above a leaf, if it is not."""
    key = public_key(certificate)
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        return Fault(f"has an RSA key of {key.key_size} bits", "REF-CERT-04")
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name not in CURVE_HASHES:
        return Fault(f"has a key on {key.curve.name}", "REF-CERT-04")
    return None


def signature_fault(certificate: x509.Certificate) -> Fault | None:
    """Why the algorithm that `certificate` is signed with is not relied on, if it is not."""
    try:
        used = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        used = None
    if used is None or used.name not in SIGNATURE_HASHES:
        return Fault(f"is signed with {used.name if used else 'an unknown algorithm'}", "REF-CERT-04")
    return None


def has_foreign_constraints(issuer: x509.Certificate, below: Iterable[x509.Certificate]) -> bool:
    """Whether `issuer` has name constraints that `cryptography` can't apply (REF-CERT-08).

    It knows those on DNS names, IP addresses and e-mail addresses, and applies them to alternative names, not
    to an e-mail address in the subject of a certificate `below`.
    """
    constraints = extension(issuer, x509.NameConstraints)
    if constraints is None:
        return False
    names = [*(constraints.permitted_subtrees or ()), *(constraints.excluded_subtrees or ())]
    if not all(isinstance(name, (x509.DNSName, x509.IPAddress, x509.RFC822Name)) for name in names):
        return True
    addressed = any(each.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS) for each in below)
    return addressed and any(isinstance(name, x509.RFC822Name) for name in names)


# Chains


def check_chain(
    leaf: x509.Certificate,
    intermediates: Sequence[x509.Certificate],
    trusted: Trust,
    time: datetime,
    purpose: x509.ObjectIdentifier = CODE_SIGNING,
) -> list[x509.Certificate]:
    """The chain from `leaf` to an anchor in which every certificate, both ends included, is valid at `time`.

    The leaf's own usage and key are not judged. Any valid chain will do. Raises CertificateRejected if there
    would be none at any time, TimeRejected if there is one at another time, and Unsupported if all chains have
    name constraints that can't be applied.
    """
    others = (*intermediates, *trusted.helpers, *trusted.anchors)
    reached, faults = reach(leaf, others, trusted.anchors, purpose)
    below = [each for each in reached if each not in trusted.anchors]
    foreign = [each for each in reached if each != leaf and has_foreign_constraints(each, below)]
    if foreign:
        led = any(each in trusted.anchors for each in reached)
        usable = [each for each in others if each not in foreign]
        reached, faults = reach(leaf, usable, trusted.anchors, purpose)
        if led and not any(each in trusted.anchors for each in reached):
            detail = f"{name_of(foreign[0])} has name constraints of a kind that can't be applied here"
            raise Unsupported(detail, clause="REF-CERT-08")
    try:
        chain = find_chain(list(reached), trusted.anchors, time)
    except VerificationError as error:
        raise explain(reached, faults, trusted.anchors, time, error) from None
    if outside := outside_validity(chain, time):
        raise time_rejected(leaf, outside, time)
    return chain


def reach(
    leaf: x509.Certificate,
    others: Iterable[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    purpose: x509.ObjectIdentifier,
) -> tuple[Reached, list[tuple[x509.Certificate, Fault]]]:
    """Who may stand above `leaf`, by key and usage and regardless of time, each with whom it issued.

    With it the faults of those that are left out. Names and identifiers are hints; the keys decide.
    """
    reached: Reached = {leaf: None}
    faults = []
    waiting, candidates = [leaf], list(dict.fromkeys(others))
    for certificate in waiting:
        if certificate in anchors:
            continue
        if fault := signature_fault(certificate):
            faults.append((certificate, fault))
            continue
        for issuer in candidates:
            if issuer in reached or not is_issued_by(certificate, issuer):
                continue
            if fault := issuer_fault(issuer, purpose):
                faults.append((issuer, fault))
                continue
            reached[issuer] = certificate
            waiting.append(issuer)
    return reached, faults


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the names meet and the signature of `certificate` holds with the key of `issuer`."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def find_chain(
    usable: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate], time: datetime
) -> list[x509.Certificate]:
    """A chain of `usable` ones, the first of them being the leaf, that RFC 5280 accepts at `time`.

    Raises VerificationError.
    """
    ends = [each for each in usable if each in anchors]
    if not ends:
        raise VerificationError("no anchor")
    tried = itertools.count(1)

    def count(_: Policy, __: x509.Certificate, ___: x509.BasicConstraints) -> None:
        if next(tried) > MAX_CANDIDATES:
            raise ValueError("too many candidate issuers")

    known = ExtensionPolicy.permit_all()
    for kind in (x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier, x509.AuthorityInformationAccess):
        known = known.may_be_present(kind, Criticality.NON_CRITICAL, None)
    authority = known.require_present(x509.BasicConstraints, Criticality.AGNOSTIC, count)
    builder = PolicyBuilder().store(Store(ends)).time(time).max_chain_depth(MAX_INTERMEDIATES)
    verifier = builder.extension_policies(ca_policy=authority, ee_policy=known).build_client_verifier()
    return verifier.verify(usable[0], [each for each in usable[1:] if each not in ends]).chain


def outside_validity(chain: Iterable[x509.Certificate], time: datetime) -> x509.Certificate | None:
    """The first certificate that is not valid at `time`; both ends of its validity belong to it."""
    for each in chain:
        if not each.not_valid_before_utc <= time <= each.not_valid_after_utc:
            return each
    return None


# Why there is no chain

_REASONS = (
    ("critical extension", "has a critical extension that is unknown here", "RFC5280-07"),
    ("criticality", "has an extension of the wrong criticality", "RFC5280-07"),
    ("max depth", f"has more than {MAX_INTERMEDIATES} intermediate certificates", "REF-CERT-09"),
    ("too many candidate", "has too many candidates for one place", "REF-CERT-09"),
    ("signature check limit", "has too many candidates for one place", "REF-CERT-09"),
    ("Forbidden", "uses an algorithm or curve that is not relied on", "REF-CERT-04"),
    ("name constraint", "has a name that a name constraint forbids", "RFC5280-08"),
)
_LENGTH = ("path length", "is longer than a BasicConstraints allows", "RFC5280-05")
# Whatever else the error says: it may be about another candidate of the same name.
_COUNTED_LENGTH = ("", "is longer than a BasicConstraints allows, self-issued ones counted", "REF-CERT-10")


def explain(
    reached: Reached,
    faults: Sequence[tuple[x509.Certificate, Fault]],
    anchors: Sequence[x509.Certificate],
    time: datetime,
    error: VerificationError,
) -> Rejection:
    """Why no chain was found: a chain that is good at another time is `time`, everything else `certificate`."""
    leaf = next(iter(reached))
    if not any(each in anchors for each in reached):
        if faults:
            culprit, fault = faults[0]
            return CertificateRejected(f"the certificate {name_of(culprit)} {fault.detail}", clause=fault.clause)
        issuer = quote(leaf.issuer.rfc4514_string())
        detail = f"no trusted certificate stands above {name_of(leaf)}, which was issued by {issuer}"
        return CertificateRejected(detail, clause="RFC5280-02")
    if outside := outside_when_good(reached, anchors, time):
        return time_rejected(leaf, outside, time)
    length = _COUNTED_LENGTH if counts_self_issued(reached, anchors) else _LENGTH
    for mark, reason, clause in (*_REASONS, length):
        if mark in str(error):
            return CertificateRejected(f"the chain of {name_of(leaf)} {reason}", clause=clause)
    return CertificateRejected(f"the chain of {name_of(leaf)} is invalid: {quote(str(error))}", clause="RFC5280-02")


def counts_self_issued(reached: Reached, anchors: Sequence[x509.Certificate]) -> bool:
    """Whether path lengths are limited where there are self-issued certificates, which RFC 5280 does not count."""
    issuers = list(reached)[1:]  # the first of them issued the leaf, and no limit of it matters
    limited = any(each and each.path_length is not None for each in map(_constraints, issuers[1:]))
    return limited and any(each.subject == each.issuer for each in issuers if each not in anchors)


def _constraints(certificate: x509.Certificate) -> x509.BasicConstraints | None:
    return extension(certificate, x509.BasicConstraints)


def outside_when_good(reached: Reached, anchors: Sequence[x509.Certificate], time: datetime) -> x509.Certificate | None:
    """Who is not valid at `time`, in a chain that is good when all of it is valid; None if there is none such.

    A chain that is good at any time is good when the last of its certificates starts. One whose certificates
    were never valid together can't be judged further and counts as good.
    """
    for moment in sorted({each.not_valid_before_utc for each in reached}, reverse=True):
        try:
            return outside_validity(find_chain(list(reached), anchors, moment), time)
        except VerificationError:
            continue
    for anchor in (each for each in reached if each in anchors):
        chain = path_to(anchor, reached)
        start, end = max(x.not_valid_before_utc for x in chain), min(x.not_valid_after_utc for x in chain)
        if start > end:
            return outside_validity(chain, time)
    return None


def path_to(anchor: x509.Certificate, reached: Reached) -> list[x509.Certificate]:
    """The shortest chain from the leaf to `anchor`, leaf first."""
    chain: list[x509.Certificate] = []
    current: x509.Certificate | None = anchor
    while current is not None:
        chain.insert(0, current)
        current = reached[current]
    return chain


def time_rejected(leaf: x509.Certificate, culprit: x509.Certificate, time: datetime) -> TimeRejected:
    """That `culprit` is not valid at `time`."""
    start, end = (moment.isoformat() for moment in (culprit.not_valid_before_utc, culprit.not_valid_after_utc))
    detail = f"the certificate {name_of(culprit)} is valid from {start} to {end}, not at {time.isoformat()}"
    return TimeRejected(detail, clause="OMS-8.2-01" if culprit == leaf else "RFC5280-03")
