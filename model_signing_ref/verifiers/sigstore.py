"""The sigstore method: verify a bundle whose certificate names an identity, with the package `sigstore`.

Our strict reader has read the bundle before; the package is given our encoding of what was read, and the
payload that is parsed afterwards is the one that our reader found. What the package refuses becomes a
rejection by one table, ROWS, which holds for the range of versions that `setup.cfg` names.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote as quote_url

from cryptography import x509

from ..bundle import METHODS, SIGSTORE, Bundle, Verifier, write_bundle
from ..dsse import PAYLOAD_TYPE, pae
from ..errors import (
    BundleRejected,
    CertificateRejected,
    IdentityRejected,
    MaterialRejected,
    MissingExtra,
    OperationError,
    Rejection,
    SignatureRejected,
    TimeRejected,
    TransparencyRejected,
    Warn,
    holds,
    printable_path,
    quote,
)
from ..tree import StrPath

try:
    from sigstore import models
    from sigstore.errors import Error
    from sigstore.verify import Verifier as PackageVerifier
    from sigstore.verify import policy
except ImportError as missing:
    raise MissingExtra(
        "the package sigstore is not installed: pip install 'model_signing_ref[sigstore]'", clause="REF-UNSUPPORTED-01"
    ) from missing

PRODUCTION, STAGING = "https://tuf-repo-cdn.sigstore.dev", "https://tuf-repo-cdn.sigstage.dev"

ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")  # sigstore/fulcio, docs/oid-info.md
USERNAME = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7")

# The steps of the recipe that the package decides at once, in an order of its own, and that of them with values.
PACKAGE_STEPS = tuple(f"9S.{number}" for number in range(3, 13))
IDENTITY_STEP = "9S.9"

_NOT_X509 = (ValueError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)


class Row(NamedTuple):
    """What a message of the package that begins with `prefix` means: the first row that fits counts."""

    prefix: str
    rejection: type[Rejection]
    clause: str
    detail: str


_NO_CHAIN = "failed to build timestamp certificate chain"
_NO_SCT = "failed to verify SCT on signing certificate"
_EXPIRED = "the certificate was not valid at the time of signing"
_OLD = "an authority's certificate was not valid at the time of signing"
_BAD_ENTRY = "the log entry does not hold"
_OTHERS_ENTRY = "the log entry is not of this signature"
_NO_TIME = "no time of signing is proven"
_NO_DATE = "the log entry's time is beyond all dates"

ROWS = (
    # loading the bundle
    Row("error parsing asn1 value", CertificateRejected, "SIGSTORE-01", "the certificate is not one of X.509"),
    Row(
        "expected exactly one log entry", TransparencyRejected, "REF-SIGSTORE-06", "the bundle has several log entries"
    ),
    Row("Expected log entry version", TransparencyRejected, "REF-SIGSTORE-06", "the log entry is of another kind"),
    Row("entry must contain inclusion proof", TransparencyRejected, "BUNDLE-04", "the log entry has no proof"),
    Row("bundle must contain an inclusion promise", TransparencyRejected, "SIGSTORE-09", _NO_TIME),
    # the trust root
    Row("Fulcio certificates not found", CertificateRejected, "SIGSTORE-01", "the trust root has no authority"),
    Row("trusted root contains no transparency log", TransparencyRejected, "SIGSTORE-06", "no log is trusted"),
    Row("Did not find any Rekor keys", TransparencyRejected, "SIGSTORE-06", "no log is trusted"),
    Row("CTFE keys not found", TransparencyRejected, "SIGSTORE-03", "no certificate log is trusted"),
    # (0) a time of signing
    Row("Invalid Timestamp Response", TransparencyRejected, "SIGSTORE-10", "a timestamp can't be read"),
    Row("duplicate timestamp found", TransparencyRejected, "REF-SIGSTORE-08", "a timestamp is repeated"),
    Row("too many signed timestamp", TransparencyRejected, "REF-SIGSTORE-08", "there are too many timestamps"),
    Row("no Timestamp Authorities", TransparencyRejected, "SIGSTORE-10", "no timestamp authority is trusted"),
    Row("Integrated time only supported", TransparencyRejected, "REF-SIGSTORE-06", "the log entry is of another kind"),
    Row("not enough sources of verified time", TransparencyRejected, "SIGSTORE-09", _NO_TIME),
    Row("year ", TransparencyRejected, "SIGSTORE-05", _NO_DATE),  # of more than four digits
    Row(f"[Errno {errno.EOVERFLOW}]", TransparencyRejected, "SIGSTORE-05", _NO_DATE),  # more than the system can count
    # (1) the chain at that time
    Row(f"{_NO_CHAIN}: validation failed: cert is not valid at", TimeRejected, "SIGSTORE-02", _EXPIRED),
    Row(
        f"{_NO_CHAIN}: validation failed: candidates exhausted: cert is not valid at", TimeRejected, "SIGSTORE-02", _OLD
    ),
    Row(_NO_CHAIN, CertificateRejected, "SIGSTORE-01", "the certificate is not of a trusted authority"),
    # (2) the signed certificate timestamp
    Row(f"{_NO_SCT}: Expected one", TransparencyRejected, "REF-SIGSTORE-05", "the certificate is logged several times"),
    Row(_NO_SCT, TransparencyRejected, "SIGSTORE-03", "the certificate is not proven to be logged"),
    # (3) profile and policy
    Row("No <class 'cryptography.x509.extensions.", CertificateRejected, "REF-SIGSTORE-03", "an extension is missing"),
    Row("Key usage is not of type", CertificateRejected, "REF-SIGSTORE-03", "the certificate is not for signing"),
    Row("Extended usage does not contain", CertificateRejected, "REF-SIGSTORE-03", "the certificate is not for code"),
    Row("Certificate's OIDCIssuer does not match", IdentityRejected, "REF-SIGSTORE-11", "another identity provider"),
    Row("Certificate does not contain OIDCIssuer", IdentityRejected, "REF-SIGSTORE-11", "no identity provider"),
    Row("Certificate's SANs do not match", IdentityRejected, "REF-SIGSTORE-10", "another identity"),
    # (4), (5) the log entry, and (6)
    Row("invalid log entry: SET", TransparencyRejected, "SIGSTORE-05", "the log's promise does not hold"),
    Row("invalid log entry", TransparencyRejected, "SIGSTORE-06", _BAD_ENTRY),
    Row("invalid signing cert: expired", TimeRejected, "SIGSTORE-02", _EXPIRED),
    # (7) the signature
    Row("DSSE: invalid signature", SignatureRejected, "DSSE-01", "the signature does not hold with the certificate"),
    # (8) the entry is of this signature
    Row("Unsupported DSSE log entry type", TransparencyRejected, "REF-SIGSTORE-06", "the log entry is of another kind"),
    Row("invalid DSSE log entry", TransparencyRejected, "SIGSTORE-07", _OTHERS_ENTRY),
    Row("expected SHA256 payload hash", TransparencyRejected, "SIGSTORE-08", _OTHERS_ENTRY),
    Row("log entry payload hash does not match", TransparencyRejected, "SIGSTORE-08", _OTHERS_ENTRY),
    Row("log entry signatures do not match", TransparencyRejected, "SIGSTORE-08", _OTHERS_ENTRY),
    Row("transparency log entry is inconsistent", TransparencyRejected, "SIGSTORE-08", _OTHERS_ENTRY),
)
# For what no row foresees, while loading and while verifying.
LOADING = Row("", BundleRejected, "REF-SIGSTORE-01", "the sigstore package does not read this bundle")
VERIFYING = Row("", TransparencyRejected, "REF-SIGSTORE-14", "the sigstore package refuses this bundle")


class Identity(NamedTuple):
    """Whom a certificate names, and the identity provider that vouches for them; None where it says nothing."""

    name: str | None
    issuer: str | None


def sigstore_verifier(
    *,
    identity: str,
    oidc_issuer: str,
    use_staging: bool = False,
    trust_config: StrPath | None = None,
    offline: bool = False,
) -> Verifier:
    """A verifier for signatures by `identity`, vouched for by `oidc_issuer`, both equal to the certificate's.

    Trusted is what `trust_config` says, else the public instance or its staging twin: refreshed now, or with
    `offline` as the sigstore package carries it. Raises OSError, and OperationError for an empty expectation,
    an unreadable trust configuration and a refresh that failed.
    """
    if not identity or not oidc_issuer:  # the package would take an empty issuer for "any"
        raise OperationError("the expected identity and identity provider must not be empty")
    root = trusted_root(use_staging, trust_config, offline)

    def verify(bundle: Bundle, warn: Warn) -> None:
        """Return if the signature holds. Raises rejections from `bundle` to `signature`."""
        verify_identity(bundle, root, Identity(identity, oidc_issuer), warn)

    return verify


def verify_identity(bundle: Bundle, root: models.TrustedRoot, wanted: Identity, warn: Warn | None = None) -> None:
    """Return if `bundle` holds a signature by `wanted` under `root`. Raises rejections as ROWS maps them."""
    material = bundle.material
    if material.kind != SIGSTORE:
        detail = f"the bundle was signed with the method {METHODS[material.kind]}, not with sigstore"
        raise MaterialRejected(detail, clause="OMS-11.1-08")
    holds(warn, "9S.1", method=METHODS[material.kind])
    if not material.log_entries:
        raise TransparencyRejected("the bundle has no log entry (tlogEntries)", clause="OMS-11.1-05")
    holds(warn, "9S.2", log_entries=len(material.log_entries))
    encoded = write_bundle(bundle)
    fallback = LOADING
    try:
        loaded = models.Bundle.from_json(encoded)
        fallback = VERIFYING
        expected = policy.Identity(identity=wanted.name or "", issuer=wanted.issuer)
        verified = PackageVerifier(trusted_root=root).verify_dsse(loaded, expected)
    except MemoryError:
        raise
    except Exception as error:  # the package lets those of its own parsers through
        raise rejection_of(error, fallback, bundle, wanted) from error
    for step in PACKAGE_STEPS:
        holds(warn, step, **(wanted._asdict() if step == IDENTITY_STEP else {}))
    if verified != (PAYLOAD_TYPE, bundle.envelope.payload):
        raise SignatureRejected("the sigstore package verified another payload", clause="REF-SIGSTORE-12")
    holds(warn, "9S.13", signed=lambda: pae(*verified))


def rejection_of(error: Exception, fallback: Row, bundle: Bundle, wanted: Identity) -> Rejection:
    """The rejection that stands for an exception of the package; its words follow ours, quoted."""
    row = next((row for row in ROWS if words(error).startswith(row.prefix)), fallback)
    detail = f"{row.detail}: {said(error)}"
    if row.rejection is IdentityRejected:
        found = read_identity(bundle.material.certificates[0])
        detail = f"the certificate is for {describe(found)}, not for {describe(wanted)}"
    return row.rejection(detail, clause=row.clause)


def said(error: BaseException | None, show: Callable[[str], str] = quote) -> str:
    """What an exception says, and what the ones say that caused it, on one line, each shown with `show`."""
    parts = []
    while error is not None:
        parts.append(show(words(error)))
        error = error.__cause__
    return ": ".join(parts)


def words(error: BaseException) -> str:
    """What an exception says, without line breaks; its type where it is silent."""
    return " ".join(str(error).split()) or type(error).__name__


def describe(identity: Identity) -> str:
    """An identity as text for people."""
    name, issuer = (quote(value) if value is not None else "none" for value in identity)
    return f"identity {name} of identity provider {issuer}"


def read_identity(der: bytes) -> Identity:
    """Whom the certificate `der` names, as the package compares it. Raises CertificateRejected."""
    try:
        extensions = x509.load_der_x509_certificate(der).extensions
        names = [_name(name) for each in extensions for name in _alternatives(each.value)]
        issuers = [
            each.value.value.decode("utf-8")
            for each in extensions
            if isinstance(each.value, x509.UnrecognizedExtension) and each.oid == ISSUER
        ]
    except _NOT_X509 as error:
        raise CertificateRejected(f"the certificate can't be read: {said(error)}", clause="SIGSTORE-01") from error
    return Identity(next((name for name in names if name is not None), None), next(iter(issuers), None))


def _alternatives(extension: x509.ExtensionType) -> x509.SubjectAlternativeName | tuple[()]:
    return extension if isinstance(extension, x509.SubjectAlternativeName) else ()


def _name(name: x509.GeneralName) -> str | None:
    if isinstance(name, (x509.RFC822Name, x509.UniformResourceIdentifier)):
        return name.value
    if isinstance(name, x509.OtherName) and name.type_id == USERNAME:
        return name.value.decode("utf-8")
    return None


def trusted_root(use_staging: bool, trust_config: StrPath | None, offline: bool) -> models.TrustedRoot:
    """The trust root to verify with; see sigstore_verifier. Raises OSError and OperationError."""
    if offline and trust_config is None:
        return carried_root(STAGING if use_staging else PRODUCTION)
    config = client_config(use_staging, trust_config, "--offline (offline=True) to use the carried one, or ")
    return root_of(config, trust_config)


def root_of(config: models.ClientTrustConfig, trust_config: StrPath | None) -> models.TrustedRoot:
    """The trust root in what was read from `trust_config`. Raises OperationError."""
    try:
        return config.trusted_root
    except Error as error:
        raise _unusable(trust_config, error) from error


def carried_root(url: str) -> models.TrustedRoot:
    """The trust root of the instance at `url` as the package was released with it.

    The package's own offline mode would rather take a file in the user's cache, unverified.
    """
    name = resources.files("sigstore") / "_store" / quote_url(url, safe="") / "trusted_root.json"
    try:
        with resources.as_file(name) as path:
            return models.TrustedRoot.from_file(str(path))
    except (OSError, ValueError, Error) as error:
        detail = f"the sigstore package carries no trust root that can be read: {said(error)}"
        raise OperationError(detail) from error


def client_config(use_staging: bool, trust_config: StrPath | None, others: str = "") -> models.ClientTrustConfig:
    """The trust configuration in a file, or that of an instance, refreshed over the network (TUF).

    `others` names what the caller may do instead of refreshing. Raises OSError and OperationError.
    """
    if trust_config is not None:
        if use_staging:
            raise OperationError("the staging instance and a trust configuration exclude each other")
        text = Path(os.fsdecode(trust_config)).read_bytes()
        try:
            return models.ClientTrustConfig.from_json(text.decode("utf-8"))
        except (ValueError, Error) as error:
            raise _unusable(trust_config, error) from error
    try:
        return models.ClientTrustConfig.staging() if use_staging else models.ClientTrustConfig.production()
    except Exception as error:  # whatever TUF, the network and the cache's disk come up with
        source = STAGING if use_staging else PRODUCTION
        detail = f"the trust root could not be refreshed from {source}: {said(error)}"
        raise OperationError(f"{detail}; give {others}--trust-config FILE (trust_config)") from error


def _unusable(trust_config: StrPath | None, error: Exception) -> OperationError:
    return OperationError(f"the trust configuration {quote(printable_path(trust_config))} can't be used: {said(error)}")
