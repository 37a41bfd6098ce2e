"""Trusted timestamps over signatures (RFC 3161): asked for when signing, verified when verifying.

Tokens are read and verified by `rfc3161-client`; the authority's chain is judged as a signer's is.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from http.client import HTTPException
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple
from urllib import request as http
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from .bundle import Bundle, Verifier
from .errors import (
    CertificateRejected,
    MissingExtra,
    Note,
    OperationError,
    TimeRejected,
    TransparencyRejected,
    Warn,
    holds,
    quote,
)
from .signer import Signer

if TYPE_CHECKING:
    from cryptography import x509
    from rfc3161_client import TimeStampRequest, TimeStampResponse

    from .certificates import Trust

MAX_ANSWER_BYTES = 1 << 20  # a token with its certificates has some 5 kB
MAX_TOKENS = 16  # in one bundle
TIMEOUT_SECONDS = 30.0
HASHES = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
UNREADABLE = (ValueError, LookupError, TypeError, OverflowError)  # what rfc3161_client raises on junk
GRANTED = (0, 1)  # RFC 3161, section 2.4.2: granted, grantedWithMods


def load_client() -> ModuleType:
    """The package `rfc3161_client`. Raises MissingExtra."""
    try:
        import rfc3161_client
    except ImportError:
        detail = "timestamps need the package rfc3161-client: pip install 'model_signing_ref[timestamp]'"
        raise MissingExtra(detail, clause="REF-TS-04") from None
    return rfc3161_client


# Signing


def with_timestamp(
    signer: Signer, tsa_url: str, tsa: Trust | None = None, *, timeout: float = TIMEOUT_SECONDS
) -> Signer:
    """`signer`, whose signatures are timestamped by the authority at `tsa_url`; `timeout` is in seconds.

    With `tsa` a token is verified in full before it is used. sign() raises OperationError if no token that fits
    was had. Raises MissingExtra.
    """
    load_client()

    def sign(payload: bytes) -> Bundle:
        bundle = signer.sign(payload)
        token = request_token(bundle.envelope.signature, tsa_url, tsa, timeout=timeout)
        return bundle._replace(material=bundle.material._replace(timestamps=(token,)))

    return Signer(sign, without_timestamps(signer.verify))


def request_token(
    signature: bytes, tsa_url: str, tsa: Trust | None = None, *, timeout: float = TIMEOUT_SECONDS
) -> bytes:
    """A time-stamp response (DER) over the raw `signature` from the authority at `tsa_url`.

    Without `tsa` the answer is checked as far as it can be without trusting anyone. Raises OperationError.
    """
    client = load_client()
    builder = client.TimestampRequestBuilder().data(signature).hash_algorithm(client.HashAlgorithm.SHA256)
    request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
    answer = post(tsa_url, request.as_bytes(), timeout)
    try:
        check_answer(answer, request)
        if tsa is not None:
            verify_token(answer, signature, tsa)
    except TransparencyRejected as error:
        raise OperationError(f"the timestamp authority's answer: {error.detail} ({error.clause})") from None
    return answer


def check_answer(answer: bytes, request: TimeStampRequest) -> None:
    """Return if `answer` has a token for `request`. Raises TransparencyRejected."""
    token, asked = read_token(answer), request.message_imprint
    if (token.imprint_hash, token.imprint) != (asked.hash_algorithm.dotted_string, asked.message):
        raise TransparencyRejected("the timestamp is over something else", clause="RFC3161-02")
    if token.nonce != request.nonce:
        raise TransparencyRejected("the timestamp answers another request (nonce)", clause="RFC3161-05")
    check_authority(signer_of(token, token.embedded))


def post(url: str, body: bytes, timeout: float) -> bytes:
    """The answer to a time-stamp query (RFC 3161, section 3.4), no redirects followed. Raises OperationError.

    `timeout` (seconds) holds for each wait and for the whole; an answer over MAX_ANSWER_BYTES is refused (REF-TS-03).
    """
    try:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise ValueError("the address is neither http nor https")
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        query = http.Request(url, data=body, headers=headers)  # noqa: S310 - the scheme was checked
        end = time.monotonic() + timeout
        answer = b""
        with opener().open(query, timeout=timeout) as response:
            while len(answer) <= MAX_ANSWER_BYTES and (part := response.read1(1 << 16)):
                answer += part
                if time.monotonic() > end:
                    raise TimeoutError("timed out")
    except (OSError, HTTPException, ValueError) as error:
        cause = error.reason if isinstance(error, URLError) and not isinstance(error, HTTPError) else error
        reason = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
        raise OperationError(f"the timestamp authority {host_of(url)}: {quote(reason)[1:-1]}") from None
    if len(answer) > MAX_ANSWER_BYTES:
        raise OperationError(f"the timestamp authority {host_of(url)} sent more than {MAX_ANSWER_BYTES} bytes")
    return answer


def host_of(url: str) -> str:
    """The host in `url` for people, in quotes and escaped; what else stands there may be secret."""
    try:
        return quote(urlsplit(url).hostname or "")
    except ValueError:
        return quote("")


def opener() -> http.OpenerDirector:
    """What opens http and https addresses, by the system's proxy if there is one, and nothing else."""
    director = http.OpenerDirector()
    for handler in (
        *(http.ProxyHandler(), http.HTTPHandler(), http.HTTPSHandler()),
        *(http.HTTPErrorProcessor(), http.HTTPDefaultErrorHandler(), http.UnknownHandler()),
    ):
        director.add_handler(handler)
    return director


# Verifying


def with_timestamps(verifier: Verifier, tsa: Trust) -> Verifier:
    """`verifier`, and then a timestamp by an authority under `tsa` is required; its time is only noted.

    Raises MissingExtra. The verifier raises TransparencyRejected too, after its own checks.
    """
    load_client()
    inner = without_timestamps(verifier)

    def verify(bundle: Bundle, warn: Warn) -> None:
        inner(bundle, warn)
        holds(warn, "9K.6", time=verify_timestamps(bundle, tsa, warn).isoformat())

    return verify


def without_timestamps(verifier: Verifier) -> Verifier:
    """`verifier`, which is shown a bundle without its timestamps, since others look at them."""

    def verify(bundle: Bundle, warn: Warn) -> None:
        verifier(bundle._replace(material=bundle.material._replace(timestamps=())), warn)

    return verify


def verify_timestamps(bundle: Bundle, tsa: Trust, warn: Warn) -> datetime:
    """The earliest time at which an authority under `tsa` saw the bundle's signature; one must have.

    A token that can't be verified beside one that can is only noted. Raises TransparencyRejected.
    """
    tokens = bundle.material.timestamps
    if not tokens:
        raise TransparencyRejected("the bundle has no timestamp, which was asked for", clause="REF-TS-01")
    if len(tokens) > MAX_TOKENS:
        raise TransparencyRejected(f"the bundle has more than {MAX_TOKENS} timestamps", clause="REF-TS-02")
    times, faults = [], []
    for token in tokens:
        try:
            times.append(verify_token(token, bundle.envelope.signature, tsa))
        except TransparencyRejected as error:
            faults.append(error)
    if not times:
        raise faults[0]
    for fault in faults:
        warn(Note("unverified-timestamp", f"one of {len(tokens)} timestamps was not verified: {fault.detail}"))
    warn(Note("timestamp", f"the signature existed at {min(times).isoformat()}, by a verified timestamp"))
    return min(times)


def verify_token(token: bytes, signature: bytes, tsa: Trust) -> datetime:
    """The time (UTC) in `token`, a time-stamp response (DER) over the raw `signature`.

    The authority's certificate must be made for timestamping alone and be valid at that time, and so must its
    chain to an anchor of `tsa`. Raises TransparencyRejected.
    """
    from . import certificates

    found = read_token(token)
    hash_name = HASHES.get(found.imprint_hash)
    if hash_name is None or found.imprint != hashlib.new(hash_name, signature).digest():
        raise TransparencyRejected("the timestamp is not over this signature", clause="RFC3161-02")
    authority = signer_of(found, (*found.embedded, *tsa.anchors, *tsa.helpers))
    check_authority(authority)
    try:
        chain = certificates.check_chain(authority, found.embedded, tsa, found.time, certificates.TIME_STAMPING)
    except (CertificateRejected, TimeRejected) as error:
        detail = f"the timestamp authority is not trusted: {error.detail}"
        clause = "RFC5280-03" if isinstance(error, TimeRejected) else error.clause  # it is no signing certificate
        raise TransparencyRejected(detail, clause=clause) from None
    verify_signature(found, signature, chain)
    return found.time


def verify_signature(token: Token, message: bytes, chain: Sequence[x509.Certificate]) -> None:
    """Return if `token` over `message` is signed with the key of the first of `chain`, whose last is trusted.

    Raises TransparencyRejected.
    """
    from .certificates import without_warnings

    client = load_client()
    authority, *issuers = chain
    builder = client.VerifierBuilder(tsa_certificate=authority, intermediates=issuers[:-1], roots=[chain[-1]])
    try:
        with without_warnings():
            builder.build().verify_message(token.response, message)
    except (client.VerificationError, *UNREADABLE) as error:
        detail = f"the timestamp's signature does not hold: {quote(str(error))}"
        raise TransparencyRejected(detail, clause="RFC3161-04") from None


# Tokens


class Token(NamedTuple):
    """A time-stamp response that has a token, of which nothing is verified."""

    response: TimeStampResponse
    time: datetime  # UTC, whole seconds
    imprint_hash: str  # object identifier, as in HASHES
    imprint: bytes
    nonce: int | None
    embedded: Sequence[x509.Certificate]
    signer: tuple[x509.Name, int]  # issuer and serial number


def read_token(data: bytes) -> Token:
    """The time-stamp response in `data` (DER), if it has a token. Raises TransparencyRejected."""
    from .certificates import read_certificates, without_warnings

    client = load_client()
    try:
        with without_warnings():
            response = client.decode_timestamp_response(data)
            if response.status not in GRANTED:
                detail = f"the timestamp was refused, status {response.status}"
                raise TransparencyRejected(detail, clause="RFC3161-01")
            info, signed = response.tst_info, response.signed_data
            digests = {each.dotted_string for each in signed.digest_algorithms}
            imprint = info.message_imprint
            (signer,) = signed.signer_infos
            parts = (info.gen_time, imprint.hash_algorithm.dotted_string, imprint.message, info.nonce)
            embedded = read_certificates(sorted(signed.certificates))
            token = Token(response, *parts, embedded, (signer.issuer, signer.serial_number))
    except TransparencyRejected:
        raise
    except (CertificateRejected, *UNREADABLE) as error:
        detail = f"the timestamp is not a time-stamp response: {quote(getattr(error, 'detail', str(error)))}"
        raise TransparencyRejected(detail, clause="RFC3161-01") from None
    if not digests <= set(HASHES):
        raise TransparencyRejected("the timestamp is signed with a hash that is not relied on", clause="REF-CERT-04")
    return token


def signer_of(token: Token, known: Iterable[x509.Certificate]) -> x509.Certificate:
    """Which of the `known` certificates the token says signed it. Raises TransparencyRejected."""
    for each in known:
        if (each.issuer, each.serial_number) == token.signer:
            return each
    raise TransparencyRejected("the certificate of the timestamp's signer is not known", clause="RFC3161-04")


def check_authority(authority: x509.Certificate) -> None:
    """Return if the certificate is made for timestamping and nothing else. Raises TransparencyRejected."""
    from cryptography import x509

    from . import certificates

    usage = certificates.extension(authority, x509.KeyUsage)
    purposes = [each for each in authority.extensions if isinstance(each.value, x509.ExtendedKeyUsage)]
    fault = certificates.key_fault(authority)
    detail, clause = "", "RFC3161-03"
    if not purposes or list(purposes[0].value) != [certificates.TIME_STAMPING] or not purposes[0].critical:
        detail = "has no critical ExtendedKeyUsage of timeStamping alone"
    elif usage is not None and not (usage.digital_signature or usage.content_commitment):
        detail = "has a KeyUsage without digitalSignature"
    elif fault is not None:
        detail, clause = fault
    if detail:
        name = certificates.name_of(authority)
        raise TransparencyRejected(f"the timestamp authority's certificate {name} {detail}", clause=clause)
