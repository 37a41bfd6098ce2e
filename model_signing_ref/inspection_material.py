"""The verification material of a bundle, shown and never judged: keys, certificates, log entries, timestamps."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from . import certificates, compat, der, timestamps
from .bundle import CERTIFICATE, KEY, METHODS, SIGSTORE
from .errors import MaterialRejected, TransparencyRejected, quote
from .inspection import (
    MOST_PARTS,
    Field,
    Layer,
    Stop,
    Walk,
    described,
    lenient_base64,
    lenient_json,
    members,
    part,
    plain,
    preview,
)
from .keys import require_curve
from .strictjson import JSON

# sigstore/fulcio, docs/oid-info.md: below 1.3.6.1.4.1.57264.1. The first six are bare text, the others DER.
SIGSTORE_ARC = "1.3.6.1.4.1.57264.1."
SIGSTORE_EXTENSIONS = {
    **{1: "Issuer", 2: "GitHub Workflow Trigger", 3: "GitHub Workflow SHA", 4: "GitHub Workflow Name"},
    **{5: "GitHub Workflow Repository", 6: "GitHub Workflow Ref", 7: "Username", 8: "Issuer (V2)"},
    **{9: "Build Signer URI", 10: "Build Signer Digest", 11: "Runner Environment", 12: "Source Repository URI"},
    **{13: "Source Repository Digest", 14: "Source Repository Ref", 15: "Source Repository Identifier"},
    **{16: "Source Repository Owner URI", 17: "Source Repository Owner Identifier", 18: "Build Config URI"},
    **{19: "Build Config Digest", 20: "Build Trigger", 21: "Run Invocation URI"},
    **{22: "Source Repository Visibility At Signing"},
}
BARE_EXTENSIONS = 6

_UNREADABLE = (
    *(ValueError, TypeError, LookupError, OverflowError, UnsupportedAlgorithm),
    *(x509.DuplicateExtension, x509.InvalidVersion, x509.UnsupportedGeneralNameType),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_ELSEWHERE = {KEY, CERTIFICATE, SIGSTORE, "tlogEntries", "timestampVerificationData"}


def material_layer(value: JSON, kind: str, signature: bytes, walk: Walk) -> Layer:
    """The verification material, of one `kind` or none; timestamps are compared with the `signature`."""
    if type(value) is not dict:
        return Layer("verification material", (Field("content", described(value), clause="OMS-4-01"),))
    kinds = [METHODS[each] for each in METHODS if each in value]
    fields = [Field("method", plain(kinds) if len(kinds) != 1 else kinds[0], clause="BUNDLE-02")]
    if unknown := [name for name in value if name not in _ELSEWHERE]:
        fields.append(Field("unknown members", plain(unknown), clause="REF-BUNDLE-02"))
    layers: list[Layer] = []
    if KEY in value:
        layers.append(_key_layer(value[KEY], walk))
    encoded = part(value.get(CERTIFICATE), "certificates")
    chain = [*(encoded if type(encoded) is list else ()), *([value[SIGSTORE]] if SIGSTORE in value else ())]
    layers += _each(
        "certificate",
        chain if chain or CERTIFICATE in value else None,
        fields,
        lambda n, each: _certificate_layer(n, each, kind, walk),
    )
    layers += _each("log entry", value.get("tlogEntries"), fields, lambda n, each: _entry_layer(n, each, walk))
    tokens = part(value.get("timestampVerificationData"), "rfc3161Timestamps")
    layers += _each("timestamp", tokens, fields, lambda n, each: _timestamp_layer(n, each, signature, walk))
    if kind == SIGSTORE and not value.get("tlogEntries"):
        walk.odd("no-log-entry", "a bundle of the method sigstore without a log entry [OMS-11.1-05]")
    stops = tuple(stop for stop in walk.stops if stop.stage == MaterialRejected.stage)
    return Layer("verification material", tuple(fields), tuple(layers), stops)


def _each(name: str, values: JSON, fields: list[Field], show: Callable[[int, JSON], Layer]) -> Iterator[Layer]:
    """A layer for each of `values`, and their number as a field."""
    clauses = {"log entry": "OMS-4.1-03", "timestamp": "OMS-4.1-08", "certificate": "REF-CERT-06"}
    if type(values) is not list:
        return
    label = {"log entry": "log entries"}.get(name, f"{name}s")
    fields.append(Field(label, len(values), clause=clauses[name]))
    for number, each in enumerate(values[:MOST_PARTS], 1):
        yield show(number, each)


def _key_layer(value: JSON, walk: Walk) -> Layer:
    if type(value) is not dict:
        return Layer("public key", (Field("content", described(value), clause="OMS-4.1-01"),))
    clauses = {"hint": "OMS-4.1-04", "keyDetails": "OMS-11.2-01", "rawBytes": "OMS-11.1-02"}
    fields = [field for field in members(value, clauses, unknown="REF-BUNDLE-02") if field.name != "rawBytes"]
    if "rawBytes" in value:
        raw = walk.decode(value["rawBytes"], "rawBytes")
        text = raw.decode("utf-8", "replace")
        fields.append(Field("rawBytes", text.split("\n")[:16], preview(raw), "OMS-11.1-02"))
        fields.append(Field("SHA-256 of rawBytes", compat.hint_of_raw_key(raw, walk.warn), clause="OMS-4.1-05"))
    return Layer("public key", tuple(fields))


# Certificates


def _certificate_layer(number: int, value: JSON, kind: str, walk: Walk) -> Layer:
    name = f"certificate {number}"
    raw = walk.decode(part(value, "rawBytes"), name)
    _, stops = walk.attempt(lambda: certificates.read_certificates([raw]))
    renamed = tuple(stop._replace(detail=stop.detail.replace("certificate 1 ", f"{name} ")) for stop in stops)
    walk.stops[:] = [renamed[0] if stop in stops else stop for stop in walk.stops]
    fields = [Field("DER", f"{len(raw)} bytes", preview(raw), "RFC5280-01")]
    with certificates.without_warnings():
        certificate = _try(lambda: x509.load_der_x509_certificate(raw))
        if not isinstance(certificate, x509.Certificate):
            return Layer(name, (*fields, Field("content", str(certificate))), stops=renamed)
        fields += _certificate_fields(certificate)
        if not stops and number == 1:
            _warn_of_leaf(certificate, kind, walk)
    return Layer(name, tuple(fields), stops=renamed)


def _try(read: Callable[[], Any]) -> Any:
    """What `read` gives, or in words why it can't."""
    try:
        return read()
    except _UNREADABLE as error:
        return f"can't be read: {' '.join(str(error).split()) or type(error).__name__}"


def _certificate_fields(certificate: x509.Certificate) -> Iterator[Field]:
    yield Field("subject", _try(lambda: f"{certificate.subject.rfc4514_string()}"), clause="RFC5280-01")
    yield Field("issuer", _try(lambda: f"{certificate.issuer.rfc4514_string()}"), clause="RFC5280-02")
    serial = _try(lambda: f"{certificate.serial_number:x}")
    yield Field("serial number", serial, clause="RFC5280-01")
    yield Field("not before", _try(lambda: f"{certificate.not_valid_before_utc.isoformat()}"), clause="RFC5280-03")
    yield Field("not after", _try(lambda: f"{certificate.not_valid_after_utc.isoformat()}"), clause="RFC5280-03")
    yield Field("key", _try(lambda: _key(certificates.public_key(certificate))), clause="OMS-REG-04")
    oid = certificate.signature_algorithm_oid
    signed_with = f"{oid._name} ({oid.dotted_string})"
    yield Field("signed with", signed_with, clause="REF-CERT-04")
    yield Field("SHA-256 fingerprint", certificate.fingerprint(hashes.SHA256()).hex())
    extensions = _try(lambda: list(certificate.extensions))
    if isinstance(extensions, str):
        yield Field("extensions", extensions, clause="RFC5280-01")
        return
    for extension in extensions[:MOST_PARTS]:
        yield _try_extension(extension)


def _key(key: object) -> str:
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"elliptic curve, {key.curve.name}"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA, {key.key_size} bits"
    return "of a kind that can't be read" if key is None else type(key).__name__.strip("_")


def _try_extension(extension: x509.Extension[x509.ExtensionType]) -> Field:
    oid, value = extension.oid.dotted_string, extension.value
    name, clause, meaning = _EXTENSIONS.get(type(value), (extension.oid._name, "", _bare))
    if isinstance(value, x509.UnrecognizedExtension):
        return _unrecognized(oid, value.value)
    shown = _try(lambda: meaning(value))
    return Field(name, shown, f"OID {oid}{', critical' if extension.critical else ''}", clause)


def _unrecognized(oid: str, raw: bytes) -> Field:
    """An extension of Sigstore by its name and text; of any other the bytes."""
    number = oid.removeprefix(SIGSTORE_ARC) if oid.startswith(SIGSTORE_ARC) else ""
    name = SIGSTORE_EXTENSIONS.get(int(number)) if number.isdecimal() else None
    if name is None:
        return Field(f"extension {oid}", f"{len(raw)} bytes", preview(raw))
    is_text = int(number) <= BARE_EXTENSIONS
    content = raw if is_text else _try(lambda: der.only(raw, 0x0C))
    value = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
    clause = "REF-SIGSTORE-11" if int(number) in (1, 8) else ""
    return Field(f"Sigstore: {name}", value, f"OID {oid}: {preview(raw)}", clause)


def _path_length(value: int | None) -> str:
    return "" if value is None else f", at most {value} authorities below"


def _bare(value: Any) -> JSON:
    return repr(value)[:200]


def _key_usage(value: x509.KeyUsage) -> JSON:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    return [name.replace("_", " ") for name in (*names, "key_cert_sign", "crl_sign") if getattr(value, name)]


def _general_names(names: Any) -> JSON:
    return [_general_name(name) for name in list(names)[:MOST_PARTS]]


def _general_name(name: x509.GeneralName) -> str:
    kind = {"RFC822Name": "e-mail", "UniformResourceIdentifier": "URI", "DNSName": "DNS"}.get(type(name).__name__)
    if isinstance(name, x509.OtherName):
        return f"{name.type_id.dotted_string}: {name.value.decode('utf-8', 'replace')}"
    value = name.value.rfc4514_string() if isinstance(name, x509.DirectoryName) else str(name.value)
    return f"{kind or type(name).__name__}: {value}"


def _signed_timestamps(value: Any) -> JSON:
    shown = [(each.timestamp.isoformat(), each.log_id.hex()) for each in list(value)[:MOST_PARTS]]
    return [f"{time} UTC, log {log}" for time, log in shown]


def _identifier(value: Any) -> JSON:
    digest = value.digest if isinstance(value, x509.SubjectKeyIdentifier) else value.key_identifier
    return digest.hex() if digest else "none"


_EXTENSIONS: dict[type, tuple[str, str, Callable[[Any], JSON]]] = {
    x509.BasicConstraints: (
        "basic constraints",
        "RFC5280-04",
        lambda value: f"CA: {'yes' if value.ca else 'no'}{_path_length(value.path_length)}",
    ),
    x509.KeyUsage: ("key usage", "RFC5280-09", _key_usage),
    x509.ExtendedKeyUsage: (
        "extended key usage",
        "RFC5280-10",
        lambda value: [f"{each._name} ({each.dotted_string})" for each in value],
    ),
    x509.SubjectAlternativeName: ("subject alternative name", "REF-SIGSTORE-10", _general_names),
    x509.SubjectKeyIdentifier: ("subject key identifier", "", _identifier),
    x509.AuthorityKeyIdentifier: ("authority key identifier", "", _identifier),
    x509.PrecertificateSignedCertificateTimestamps: (
        "signed certificate timestamps",
        "SIGSTORE-03",
        _signed_timestamps,
    ),
}


def _warn_of_leaf(leaf: x509.Certificate, kind: str, walk: Walk) -> None:
    """What is odd about a certificate that is said to be the signer's."""
    name = certificates.name_of(leaf)
    _, stops = walk.attempt(lambda: require_curve(certificates.public_key(leaf)))
    faults = [(stop.detail, stop.clause) for stop in stops]
    faults += [each for each in (certificates.leaf_fault(leaf), certificates.signature_fault(leaf)) if each]
    for detail, clause in faults:
        walk.odd("odd-certificate", f"the signer's certificate {name} {detail} [{clause}]")
    if certificates.is_ca(leaf):
        walk.odd("odd-certificate", f"the signer's certificate {name} is that of an authority (CA) [REF-CERT-02]")
    if kind != SIGSTORE and leaf.not_valid_after_utc < datetime.now(timezone.utc):
        walk.odd("old-certificate", f"the validity of the signer's certificate {name} has ended [RFC5280-03]")


# Log entries


def _entry_layer(number: int, value: JSON, walk: Walk) -> Layer:
    name = f"log entry {number}"
    if type(value) is not dict:
        return Layer(name, (Field("content", described(value), clause="OMS-4-01"),))
    fields = [Field("log index", plain(value.get("logIndex")), clause="SIGSTORE-06")]
    time = value.get("integratedTime")
    fields.append(Field("integrated time", _moment(time), str(plain(time)), "SIGSTORE-05"))
    key = walk.decode(part(value.get("logId"), "keyId"), f"the log ID of {name}")
    fields.append(Field("log ID", key.hex(), preview(key), "SIGSTORE-06"))
    kind = value.get("kindVersion")
    fields.append(
        Field("kind", f"{plain(part(kind, 'kind'))} {plain(part(kind, 'version'))}", clause="REF-SIGSTORE-06")
    )
    promise = part(value.get("inclusionPromise"), "signedEntryTimestamp")
    if type(promise) is str:
        raw = lenient_base64(promise)
        fields.append(Field("inclusion promise", f"{len(raw)} bytes", preview(raw), "SIGSTORE-05"))
    layers = [_body_layer(value.get("canonicalizedBody"))]
    if "inclusionProof" in value:
        layers.append(_proof_layer(value["inclusionProof"]))
    else:
        walk.odd("no-proof", f"{name} has no inclusion proof [BUNDLE-04]")
    return Layer(name, tuple(fields), tuple(layers))


def _moment(value: JSON) -> str:
    # Not `fromtimestamp`, which asks the system and raises what the system says.
    moment = _try(lambda: f"{(_EPOCH + timedelta(seconds=int(value))).isoformat()}")
    return "none" if value is None else str(moment)


def _body_layer(value: JSON) -> Layer:
    """What the log holds of the signature."""
    raw = lenient_base64(value) if type(value) is str else b""
    fields = [Field("size", f"{len(raw)} bytes", preview(raw), "SIGSTORE-08")]
    body = lenient_json(raw)
    fields += [Field(name, plain(part(body, name)), clause="REF-SIGSTORE-06") for name in ("apiVersion", "kind")]
    content = part(part(body, "spec"), "content")
    for place in (part(body, "spec"), content):
        for name in ("envelopeHash", "payloadHash", "hash"):
            if type(found := part(place, name)) is dict:
                text = f"{plain(found.get('algorithm'))}:{plain(found.get('value'))}"
                fields.append(Field(name, text, clause="SIGSTORE-08"))
    return Layer("body", tuple(fields))


def _proof_layer(value: JSON) -> Layer:
    if type(value) is not dict:
        return Layer("inclusion proof", (Field("content", described(value), clause="SIGSTORE-06"),))
    root = lenient_base64(value["rootHash"]) if type(value.get("rootHash")) is str else b""
    listed = value.get("hashes")
    fields = [
        Field("index in the tree", plain(value.get("logIndex")), clause="SIGSTORE-06"),
        Field("size of the tree", plain(value.get("treeSize")), clause="SIGSTORE-06"),
        Field("root hash", root.hex(), preview(root), "SIGSTORE-06"),
        Field("hashes", len(listed) if type(listed) is list else 0, clause="SIGSTORE-06"),
    ]
    text = part(value.get("checkpoint"), "envelope")
    if type(text) is str:
        fields.append(Field("checkpoint", text.rstrip("\n").split("\n")[:16], clause="SIGSTORE-06"))
    return Layer("inclusion proof", tuple(fields))


# Timestamps


def _timestamp_layer(number: int, value: JSON, signature: bytes, walk: Walk) -> Layer:
    name = f"timestamp {number}"
    raw = walk.decode(part(value, "signedTimestamp"), name)
    fields = [Field("DER", f"{len(raw)} bytes", preview(raw), "RFC3161-01")]
    stops: tuple[Stop, ...] = ()
    try:
        fields += _response_fields(raw, signature, walk, name)
    except _UNREADABLE as error:
        stop = Stop(
            TransparencyRejected.stage, "RFC3161-01", f"the timestamp is not a time-stamp response: {quote(str(error))}"
        )
        stops = (stop,)
        walk.stops += [each for each in stops if each not in walk.stops]
    return Layer(name, tuple(fields), stops=stops)


def _response_fields(raw: bytes, signature: bytes, walk: Walk, name: str) -> Iterator[Field]:
    """A TimeStampResp (RFC 3161, section 2.4.2) and the SignedData in it (RFC 5652, section 5.1)."""
    status, *token = der.children(der.nodes(raw)[0], der.SEQUENCE)
    code = der.integer(der.children(status, der.INTEGER)[0])
    granted = "granted" if code in timestamps.GRANTED else "refused"
    yield Field("status", f"{code}: {granted}", preview(status.whole), "RFC3161-01")
    if not token:
        raise ValueError("it has no token")
    _, wrapped = der.children(token[0], der.OID, 0xA0)[:2]
    signed = der.children(der.nodes(wrapped.content)[0], der.INTEGER, der.SET, der.SEQUENCE)
    kind, content = der.children(signed[2], der.OID, 0xA0)[:2]
    yield Field("content", der.dotted(kind), clause="RFC3161-01")
    info = der.nodes(der.only(content.content, der.OCTETS))[0]
    yield from _info_fields(info, signature, walk, name)
    embedded = next((each for each in signed[3:] if each.tag == 0xA0), None)
    for number, each in enumerate(der.nodes(embedded.content)[:MOST_PARTS] if embedded else (), 1):
        yield Field(f"certificate {number}", _summary(each.whole), preview(each.whole), "RFC3161-03")


def _info_fields(info: der.Node, signature: bytes, walk: Walk, name: str) -> Iterator[Field]:
    """A TSTInfo."""
    tags = (der.INTEGER, der.OID, der.SEQUENCE, der.INTEGER, der.TIME)
    _, policy, imprint, serial, time, *rest = der.children(info, *tags)
    yield Field("time (genTime)", der.moment(time).isoformat(), time.content.decode("ascii"), "RFC3161-01")
    yield Field("policy", der.dotted(policy), preview(policy.whole))
    yield Field("serial number", f"{der.integer(serial):x}", preview(serial.whole))
    algorithm, digest = der.children(imprint, der.SEQUENCE, der.OCTETS)[:2]
    oid = der.dotted(der.children(algorithm, der.OID)[0])
    hash_name = timestamps.HASHES.get(oid)
    yield Field("imprint", f"{hash_name or oid}:{digest.content.hex()}", preview(digest.whole), "RFC3161-02")
    if hash_name:
        fits = hashlib.new(hash_name, signature).digest() == digest.content
        yield Field("is of the first signature", fits, clause="RFC3161-02")
        if not fits:
            walk.odd("odd-timestamp", f"{name} is not over the first signature [RFC3161-02]")
    if nonce := next((each for each in rest if each.tag == der.INTEGER), None):
        yield Field("nonce", f"{der.integer(nonce):x}", preview(nonce.whole), "RFC3161-05")


def _summary(raw: bytes) -> JSON:
    """A certificate in a few words."""
    with certificates.without_warnings():
        return _try(lambda: _summarized(x509.load_der_x509_certificate(raw)))


def _summarized(found: x509.Certificate) -> list[str]:
    purposes = certificates.extension(found, x509.ExtendedKeyUsage)
    return [
        f"subject {found.subject.rfc4514_string()}",
        f"issuer {found.issuer.rfc4514_string()}",
        f"serial number {found.serial_number:x}",
        f"valid {found.not_valid_before_utc.isoformat()} to {found.not_valid_after_utc.isoformat()}",
        *(f"for {each._name}" for each in purposes or ()),
    ]
