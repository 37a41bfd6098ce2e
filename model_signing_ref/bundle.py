"""The Sigstore bundle v0.3 as JSON (sigstore/protobuf-specs): bytes to a Bundle and back.

This strict reader comes first for every method. It says what shape the bytes have; whether the material
is any good is the verifier's business.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from . import dsse, strictjson
from .errors import BundleRejected, MaterialRejected, OperationError, Warn, holds
from .strictjson import JSON

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
MEDIA_TYPES = (MEDIA_TYPE, "application/vnd.dev.sigstore.bundle+json;version=0.3")
OLDER_MEDIA_TYPES = tuple(f"application/vnd.dev.sigstore.bundle+json;version={minor}" for minor in ("0.1", "0.2"))

# A bundle is held in memory whole, several times over. This much holds more than a million resources.
MAX_BYTES = 256 << 20
# A real bundle has under a hundred values, the payload being one of them. Each more costs time and 50 bytes
# or more of memory, before anything is known of who wrote it.
MAX_VALUES = 1 << 16

KEY, CERTIFICATE, SIGSTORE = "publicKey", "x509CertificateChain", "certificate"
METHODS = {KEY: "key", CERTIFICATE: "certificate", SIGSTORE: "sigstore"}


def _base64(value: JSON) -> str:
    if type(value) is not str:
        return "is not a string of base64"
    try:
        dsse.decode_base64(value)
    except ValueError as error:
        return f"is not base64: {error.args[0]}"
    return ""


def _int64(value: JSON) -> str:
    """Protobuf's JSON mapping writes 64-bit integers as strings and reads both."""
    text = str(value) if type(value) is int else value
    if type(text) is not str or not re.fullmatch(r"-?[0-9]{1,19}", text) or not -(2**63) <= int(text) < 2**63:
        return "is not a 64-bit integer"
    return ""


_RAW_BYTES = {"rawBytes": _base64}
_LOG_ENTRY = {  # protobuf's JSON leaves out every member that has its default value
    "logIndex?": _int64,
    "logId?": {"keyId?": _base64},
    "kindVersion?": {"kind?": str, "version?": str},
    "integratedTime?": _int64,
    "inclusionPromise?": {"signedEntryTimestamp?": _base64},
    "inclusionProof?": {
        "logIndex?": _int64,
        "rootHash?": _base64,
        "treeSize?": _int64,
        "hashes?": [_base64],
        "checkpoint?": {"envelope?": str},
    },
    "canonicalizedBody?": _base64,
}
BUNDLE_SHAPE = {
    "mediaType": str,
    "verificationMaterial?": {
        "publicKey?": {"hint?": str, "rawBytes?": _base64, "keyDetails?": str},
        "x509CertificateChain?": {"certificates": [_RAW_BYTES]},
        "certificate?": _RAW_BYTES,
        "tlogEntries?": [_LOG_ENTRY],
        "timestampVerificationData?": {"rfc3161Timestamps?": [{"signedTimestamp": _base64}]},
    },
    "dsseEnvelope": dsse.ENVELOPE_SHAPE,
}


class Material(NamedTuple):
    """The verification material, of one `kind`; a member that another kind uses is empty."""

    kind: str
    hint: str | None = None
    raw_key: bytes | None = None
    key_details: str | None = None
    certificates: tuple[bytes, ...] = ()
    log_entries: tuple[JSON, ...] = ()
    timestamps: tuple[bytes, ...] = ()


class Bundle(NamedTuple):
    """A bundle that has the right shape and is not verified."""

    media_type: str
    material: Material
    envelope: dsse.Envelope


# What every verifier is: a function that returns if the signature of a bundle holds.
Verifier = Callable[[Bundle, Warn], None]


def read_bundle(data: bytes, warn: Warn | None = None) -> Bundle:
    """The bundle in `data`. Raises BundleRejected, MaterialRejected or EnvelopeRejected, in that order."""
    value = strictjson.parse(data, BundleRejected, MAX_VALUES)
    holds(warn, "2", bytes=len(data))
    strictjson.check(value, BUNDLE_SHAPE, "bundle", BundleRejected, clause="OMS-4-01", unknown="REF-BUNDLE-02")
    holds(warn, "3", members=list(value))
    if value["mediaType"] not in MEDIA_TYPES:
        clause = "REF-BUNDLE-03" if value["mediaType"] in OLDER_MEDIA_TYPES else "OMS-8.1-01"
        raise BundleRejected(f"mediaType is not {MEDIA_TYPE}", clause=clause)
    holds(warn, "4", media_type=value["mediaType"])
    material = _read_material(value.get("verificationMaterial", {}))
    holds(warn, "5", material=material.kind)
    return Bundle(value["mediaType"], material, dsse.read_envelope(value["dsseEnvelope"], warn))


def _read_material(value: JSON) -> Material:
    kinds = [kind for kind in METHODS if kind in value]
    if not kinds:
        raise MaterialRejected("the bundle has no verification material", clause="OMS-4-01")
    if len(kinds) > 1:
        raise MaterialRejected(f"the bundle has {' and '.join(kinds)}", clause="BUNDLE-02")
    part = value[kinds[0]]
    certificates = {KEY: [], CERTIFICATE: part.get("certificates"), SIGSTORE: [part]}[kinds[0]]
    timestamps = value.get("timestampVerificationData", {}).get("rfc3161Timestamps", [])
    return Material(
        kind=kinds[0],
        hint=part.get("hint"),
        raw_key=dsse.decode_base64(part["rawBytes"]) if kinds[0] == KEY and "rawBytes" in part else None,
        key_details=part.get("keyDetails"),
        certificates=tuple(dsse.decode_base64(each["rawBytes"]) for each in certificates),
        log_entries=tuple(value.get("tlogEntries", ())),
        timestamps=tuple(dsse.decode_base64(each["signedTimestamp"]) for each in timestamps),
    )


def write_bundle(bundle: Bundle) -> bytes:
    """The canonical bytes of `bundle`. Raises OperationError above MAX_BYTES, which no verifier would read."""
    data = b'{"dsseEnvelope":%b,"mediaType":%b,"verificationMaterial":%b}' % (
        dsse.write_envelope(bundle.envelope),
        strictjson.dump(bundle.media_type),
        strictjson.dump(_write_material(bundle.material)),
    )
    if len(data) > MAX_BYTES:
        raise OperationError(f"the bundle would have {len(data)} bytes; the limit is {MAX_BYTES} (REF-BUNDLE-01)")
    return data


def _write_material(material: Material) -> JSON:
    certificates = [{"rawBytes": dsse.encode_base64(der)} for der in material.certificates]
    content: dict[str, JSON] = {
        KEY: {"hint": material.hint},
        CERTIFICATE: {"certificates": certificates},
        SIGSTORE: certificates[0] if certificates else {},
    }
    value = {material.kind: content[material.kind]}
    if material.log_entries:
        value["tlogEntries"] = list(material.log_entries)
    if material.timestamps:
        stamps = [{"signedTimestamp": dsse.encode_base64(token)} for token in material.timestamps]
        value["timestampVerificationData"] = {"rfc3161Timestamps": stamps}
    return value
