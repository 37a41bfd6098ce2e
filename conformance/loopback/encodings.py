"""Keys and encodings of a small Sigstore: everything that is computed, nothing that is served.

Each function takes values and returns values. Keys and serial numbers come from a seed; signatures are
deterministic too (RFC 6979) where the linked OpenSSL can make such. Times are whole Unix seconds (UTC)
unless a name says otherwise. The live server and the generator of static test vectors both build on this
module, so what is served and what is stored have one encoding.

JSON is shown as the tree that `json.dumps` takes. 64-bit integers in protobuf JSON are strings
(https://protobuf.dev/programming-guides/json/), those of the Rekor v1 API are numbers.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import NamedTuple, TypeAlias

from asn1crypto import cms, core, tsp  # type: ignore[import-untyped]
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = Mapping[str, Json]
PrivateKey: TypeAlias = "ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey"
TokenKey: TypeAlias = "ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey"
PublicKey: TypeAlias = "ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey"

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
TRUSTED_ROOT_TYPE = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
SIGNING_CONFIG_TYPE = "application/vnd.dev.sigstore.signingconfig.v0.2+json"
TRUST_CONFIG_TYPE = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"

# Fulcio's certificate extensions: https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md
OID_ISSUER_V1 = ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
OIDS_WORKFLOW = tuple(ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{number}") for number in range(2, 7))
OID_USERNAME = ObjectIdentifier("1.3.6.1.4.1.57264.1.7")
OID_ISSUER_V2 = ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
OID_SCT_LIST = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")  # RFC 6962 3.3
OID_TIMESTAMP_POLICY = "1.3.6.1.4.1.57264.2"

ORGANISATION = "loopback Sigstore, for tests only"
CT_HOST = "ct.loopback.test"
FULCIO_HOST = "fulcio.loopback.test"
REKOR_V1_HOST = "rekor1.loopback.test"
REKOR_V2_HOST = "rekor2.loopback.test"
TSA_HOST = "tsa.loopback.test"

VALID_FROM = 1_577_836_800  # 2020-01-01: authorities and logs are trusted from here on
VALID_UNTIL = 4_070_908_800  # 2099-01-01: the end of the authorities' certificates
UTC_TIME_END = 2_524_608_000  # 2050-01-01: later times are GeneralizedTime (RFC 5652 11.3)
LEAF_LIFETIME = 600  # seconds, as Fulcio's
SAFE_INTEGER = 2**53 - 1  # RFC 8785 3.2.2.3: integers beyond it have no canonical form

# ---------------------------------------------------------------------------------------------- text


def b64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648 4)."""
    return base64.b64encode(data).decode("ascii")


def b64url(data: bytes) -> str:
    """URL-safe base64 without padding (RFC 7515 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64(text: str) -> bytes:
    """The bytes of standard, padded base64; ValueError for anything else."""
    return base64.b64decode(text, validate=True)


def unb64url(text: str) -> bytes:
    """The bytes of URL-safe base64 without padding; ValueError for anything else."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def canonical_json(value: Json) -> bytes:
    """RFC 8785 for the shapes used here: ASCII member names, strings, integers, booleans, null.

    Sorting by code point equals sorting by UTF-16 unit (3.2.3) for ASCII names, and Python's escapes are
    those of 3.2.2.2. ValueError for other names, for floats and for integers over 2**53 - 1.
    """
    _check_canonical(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True).encode()


def _check_canonical(value: object) -> None:
    if isinstance(value, Mapping):
        for name, member in value.items():
            if not (isinstance(name, str) and name.isascii()):
                raise ValueError(f"member name is not ASCII: {name!r}")
            _check_canonical(member)
    elif isinstance(value, list | tuple):
        for item in value:
            _check_canonical(item)
    elif isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > SAFE_INTEGER:
            raise ValueError(f"integer out of range: {value}")
    elif not (value is None or isinstance(value, bool | str)):
        raise ValueError(f"no canonical form for {type(value).__name__}")


def utc(seconds: int) -> datetime:
    """Unix seconds as an aware datetime."""
    return datetime.fromtimestamp(seconds, timezone.utc)


def rfc3339(seconds: int) -> str:
    """Unix seconds as protobuf JSON writes a Timestamp."""
    return utc(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


# ---------------------------------------------------------------------------------------------- keys


def _derive(seed: str, label: str) -> bytes:
    return hashlib.sha512(f"{seed}\0{label}".encode()).digest()


P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # SEC 2, 2.4.2


def ec_key(seed: str, label: str) -> ec.EllipticCurvePrivateKey:
    """A P-256 key from the seed. Anyone who knows the seed knows the key: for tests only."""
    scalar = int.from_bytes(_derive(seed, label), "big") % (P256_ORDER - 1) + 1
    return ec.derive_private_key(scalar, ec.SECP256R1())


def ed25519_key(seed: str, label: str) -> ed25519.Ed25519PrivateKey:
    """An Ed25519 key from the seed. Anyone who knows the seed knows the key: for tests only."""
    return ed25519.Ed25519PrivateKey.from_private_bytes(_derive(seed, label)[:32])


def serial_number(seed: str, label: str) -> int:
    """A positive serial number of at most 20 octets (RFC 5280 4.1.2.2) from the seed."""
    return int.from_bytes(_derive(seed, f"serial {label}")[:19], "big") | 1


def spki(key: PublicKey) -> bytes:
    """SubjectPublicKeyInfo, DER."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def spki_hash(key: PublicKey) -> bytes:
    """SHA-256 of the SubjectPublicKeyInfo: the log ID of RFC 6962 3.2 and of Rekor v1."""
    return hashlib.sha256(spki(key)).digest()


@functools.cache
def deterministic_ecdsa() -> bool:
    """Whether the linked OpenSSL makes RFC 6979 signatures (3.2 and later does)."""
    try:
        ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    except UnsupportedAlgorithm:
        return False
    return True


def sign(key: PrivateKey, data: bytes) -> bytes:
    """Ed25519 (RFC 8032), or ECDSA with SHA-256 as DER, deterministic where possible."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    return key.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=deterministic_ecdsa()))


def verify(key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> bool:
    """Whether `signature` is a good ECDSA-SHA-256 signature over `data`."""
    return verify_digest(key, signature, hashlib.sha256(data).digest())


def verify_digest(key: ec.EllipticCurvePublicKey, signature: bytes, digest: bytes) -> bool:
    """The same for data of which only the SHA-256 digest is known."""
    if len(digest) != hashes.SHA256.digest_size:
        return False
    try:
        key.verify(signature, digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    except InvalidSignature:
        return False
    return True


# ------------------------------------------------------------------------------------------- tokens

COORDINATE = 32  # bytes of a P-256 coordinate, and of each half of an ES256 signature (RFC 7518 3.4)


def token_key_id(key: TokenKey) -> str:
    """The `kid` of a token key."""
    return b64url(spki_hash(key.public_key())[:12])


def jwt(key: TokenKey, claims: JsonObject) -> str:
    """A signed token (RFC 7519, compact JWS): ES256 for a P-256 key, RS256 for an RSA key."""
    algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    header: JsonObject = {"alg": algorithm, "kid": token_key_id(key), "typ": "JWT"}
    signed = f"{b64url(canonical_json(header))}.{b64url(canonical_json(claims))}"
    if isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    else:
        r, s = utils.decode_dss_signature(sign(key, signed.encode()))
        signature = r.to_bytes(COORDINATE, "big") + s.to_bytes(COORDINATE, "big")
    return f"{signed}.{b64url(signature)}"


def open_jwt(token: str, key: TokenKey) -> dict[str, object]:
    """The claims of a token that `key` signed; ValueError, without any of the token, if it did not."""
    parts = token.split(".")
    try:
        header, claims = (json.loads(unb64url(part)) for part in parts[:2])
        (signature,) = (unb64url(part) for part in parts[2:])
    except ValueError:
        raise ValueError("token is not a signed JWT") from None
    algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    if not (isinstance(header, dict) and isinstance(claims, dict)) or header.get("alg") != algorithm:
        raise ValueError(f"token is not a JWT signed with {algorithm}")
    signed = ".".join(parts[:2]).encode()
    if isinstance(key, rsa.RSAPrivateKey):
        try:
            key.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise ValueError("token is not signed by this issuer's key") from None
        return claims
    halves = (int.from_bytes(half, "big") for half in (signature[:COORDINATE], signature[COORDINATE:]))
    good = len(signature) == 2 * COORDINATE
    if not (good and verify(key.public_key(), utils.encode_dss_signature(*halves), signed)):
        raise ValueError("token is not signed by this issuer's key")
    return claims


def jwk(key: TokenKey) -> JsonObject:
    """The public half of a token key as a JSON Web Key (RFC 7517, RFC 7518 6)."""
    common = {"kid": token_key_id(key), "use": "sig"}
    public = key.public_key().public_numbers()
    if isinstance(public, rsa.RSAPublicNumbers):
        n, e = (b64url(number.to_bytes((number.bit_length() + 7) // 8, "big")) for number in (public.n, public.e))
        return {**common, "kty": "RSA", "alg": "RS256", "n": n, "e": e}
    x, y = (b64url(number.to_bytes(COORDINATE, "big")) for number in (public.x, public.y))
    return {**common, "kty": "EC", "alg": "ES256", "crv": "P-256", "x": x, "y": y}


# ------------------------------------------------------------------------------------- certificates

Extensions: TypeAlias = "Sequence[tuple[x509.ExtensionType, bool]]"  # each with whether it is critical


def der(certificate: x509.Certificate) -> bytes:
    """A certificate as DER."""
    return certificate.public_bytes(serialization.Encoding.DER)


def pem(certificate: x509.Certificate) -> bytes:
    """A certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


class Authority(NamedTuple):
    """A root, and the certificate below it whose key does the signing (an intermediate CA, or a TSA)."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    root: x509.Certificate


def distinguished_name(common_name: str) -> x509.Name:
    """`O=…, CN=common_name`."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def key_usage(*, digital_signature: bool = False, authority: bool = False) -> x509.KeyUsage:
    """KeyUsage with digitalSignature, or with keyCertSign and cRLSign."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def make_certificate(
    *,
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePrivateKey,
    serial: int,
    validity: tuple[int, int],
    extensions: Extensions,
) -> x509.Certificate:
    """A v3 certificate with these extensions in this order, signed with ECDSA-SHA-256."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(utc(validity[0]))
        .not_valid_after(utc(validity[1]))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signer, hashes.SHA256(), ecdsa_deterministic=deterministic_ecdsa() or None)


def authority_key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """The AKI of what `issuer` issues: its SKI, nothing else."""
    ski = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski)


def _root(seed: str, name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec_key(seed, f"{name} root key")
    certificate = make_certificate(
        subject=distinguished_name(f"{name} root"),
        issuer=distinguished_name(f"{name} root"),
        public_key=key.public_key(),
        signer=key,
        serial=serial_number(seed, f"{name} root"),
        validity=(VALID_FROM, VALID_UNTIL),
        extensions=[
            (key_usage(authority=True), True),
            (x509.BasicConstraints(ca=True, path_length=1), True),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        ],
    )
    return key, certificate


def fulcio_authority(seed: str) -> Authority:
    """Fulcio's root and its intermediate, which issues the leaves."""
    root_key, root = _root(seed, "Fulcio")
    key = ec_key(seed, "Fulcio intermediate key")
    intermediate = make_certificate(
        subject=distinguished_name("Fulcio intermediate"),
        issuer=root.subject,
        public_key=key.public_key(),
        signer=root_key,
        serial=serial_number(seed, "Fulcio intermediate"),
        validity=(VALID_FROM, VALID_UNTIL),
        extensions=[
            (key_usage(authority=True), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False),
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
            (authority_key_identifier(root), False),
        ],
    )
    return Authority(key, intermediate, root)


def timestamp_authority(seed: str) -> Authority:
    """A timestamp authority's root and its certificate (RFC 3161 2.3: one critical extended key usage)."""
    root_key, root = _root(seed, "TSA")
    key = ec_key(seed, "TSA key")
    certificate = make_certificate(
        subject=distinguished_name("TSA"),
        issuer=root.subject,
        public_key=key.public_key(),
        signer=root_key,
        serial=serial_number(seed, "TSA"),
        validity=(VALID_FROM, VALID_UNTIL),
        extensions=[
            (key_usage(digital_signature=True), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True),
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
            (authority_key_identifier(root), False),
        ],
    )
    return Authority(key, certificate, root)


def username(name: str) -> x509.OtherName:
    """The subject alternative name that Fulcio gives to an identity that is no e-mail address or URI."""
    return x509.OtherName(OID_USERNAME, core.UTF8String(name).dump())


def leaf_extensions(
    authority: Authority,
    public_key: ec.EllipticCurvePublicKey,
    identity: x509.GeneralName,
    issuer: str,
    *,
    issuer_v2: str | None = None,
    workflow: Sequence[str] = (),
    usage: ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING,
) -> Extensions:
    """What a Fulcio leaf says, in Fulcio's order, but for the SCTs.

    `issuer` is the OIDC issuer; `issuer_v2` is what extension .1.8 says when it is to differ from .1.1;
    `workflow` is what .1.2 to .1.6 say: the trigger, commit, name, repository and ref of a GitHub workflow.
    """
    details = [
        (x509.UnrecognizedExtension(oid, value.encode()), False)
        for oid, value in zip(OIDS_WORKFLOW, workflow, strict=False)
    ]
    return [
        (key_usage(digital_signature=True), True),
        (x509.ExtendedKeyUsage([usage]), False),
        (x509.SubjectKeyIdentifier.from_public_key(public_key), False),
        (authority_key_identifier(authority.certificate), False),
        (x509.SubjectAlternativeName([identity]), True),
        (x509.UnrecognizedExtension(OID_ISSUER_V1, issuer.encode()), False),
        *details,
        (x509.UnrecognizedExtension(OID_ISSUER_V2, core.UTF8String(issuer_v2 or issuer).dump()), False),
    ]


def make_leaf(
    authority: Authority,
    public_key: ec.EllipticCurvePublicKey,
    extensions: Extensions,
    *,
    serial: int,
    not_before: int,
    scts: Callable[[bytes], bytes | None],
    lifetime: int = LEAF_LIFETIME,
    signer: ec.EllipticCurvePrivateKey | None = None,
    subject: x509.Name | None = None,
) -> x509.Certificate:
    """A leaf below `authority`, with its SCTs embedded; its subject is empty unless given.

    `scts` takes the to-be-signed certificate without SCTs (RFC 6962 3.2) and returns the SCT list to
    embed, or None for none. `signer` is the key that signs, the authority's unless given.
    """
    make = functools.partial(
        make_certificate,
        subject=subject or x509.Name([]),
        issuer=authority.certificate.subject,
        public_key=public_key,
        signer=signer or authority.key,
        serial=serial,
        validity=(not_before, not_before + lifetime),
    )
    bare = make(extensions=extensions)
    sct_bytes = scts(bare.tbs_certificate_bytes)
    if sct_bytes is None:
        return bare
    sct_extension = x509.UnrecognizedExtension(OID_SCT_LIST, core.OctetString(sct_bytes).dump())
    return make(extensions=[*extensions, (sct_extension, False)])


def sct(
    key: ec.EllipticCurvePrivateKey,
    tbs: bytes,
    issuer: x509.Certificate,
    milliseconds: int,
    *,
    log_id: bytes | None = None,
) -> bytes:
    """A v1 signed certificate timestamp over a precertificate (RFC 6962 3.2), as TLS bytes.

    `milliseconds` since the epoch; `log_id` is the SHA-256 of the log's key unless given.
    """
    public = issuer.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise ValueError("an SCT's issuer has an elliptic curve key here")
    time = milliseconds.to_bytes(8, "big")
    signed = b"\0\0" + time + b"\0\1" + spki_hash(public) + len(tbs).to_bytes(3, "big") + tbs + b"\0\0"
    signature = sign(key, signed)
    head = b"\0" + (log_id or spki_hash(key.public_key())) + time + b"\0\0"
    return head + b"\x04\x03" + len(signature).to_bytes(2, "big") + signature  # sha256, ecdsa


def sct_list(scts: Sequence[bytes]) -> bytes:
    """A SignedCertificateTimestampList (RFC 6962 3.3)."""
    items = b"".join(len(item).to_bytes(2, "big") + item for item in scts)
    return len(items).to_bytes(2, "big") + items


# -------------------------------------------------------------------------------- log entry bodies


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what an envelope's signature is over (DSSE v1.0, protocol)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def envelope(payload_type: str, payload: bytes, signature: bytes) -> JsonObject:
    """A DSSE envelope with one signature, as Sigstore bundles hold it."""
    return {"payload": b64(payload), "payloadType": payload_type, "signatures": [{"sig": b64(signature)}]}


def _sha256(data: bytes) -> JsonObject:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


class Body(NamedTuple):
    """A log entry's canonical body, and what kind and version it is."""

    kind: str
    version: str
    bytes: bytes


def dsse_body(envelope_json: bytes, payload: bytes, signature: bytes, certificate: x509.Certificate) -> Body:
    """A Rekor v1 entry for an envelope, given as the JSON text that was submitted."""
    spec: JsonObject = {
        "envelopeHash": _sha256(envelope_json),
        "payloadHash": _sha256(payload),
        "signatures": [{"signature": b64(signature), "verifier": b64(pem(certificate))}],
    }
    return Body("dsse", "0.0.1", canonical_json({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}))


def hashedrekord_v1_body(digest: bytes, signature: bytes, certificate: x509.Certificate) -> Body:
    """A Rekor v1 entry for a signature over data of which only the SHA-256 digest is known."""
    spec: JsonObject = {
        "data": {"hash": {"algorithm": "sha256", "value": digest.hex()}},
        "signature": {"content": b64(signature), "publicKey": {"content": b64(pem(certificate))}},
    }
    body: JsonObject = {"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec}
    return Body("hashedrekord", "0.0.1", canonical_json(body))


def hashedrekord_v2_body(digest: bytes, signature: bytes, certificate: x509.Certificate) -> Body:
    """A Rekor v2 entry. For an envelope the digest is SHA-256 of its pre-authentication encoding."""
    spec: JsonObject = {
        "data": {"algorithm": "SHA2_256", "digest": b64(digest)},
        "signature": {
            "content": b64(signature),
            "verifier": {
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "x509Certificate": {"rawBytes": b64(der(certificate))},
            },
        },
    }
    body: JsonObject = {
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
        "spec": {"hashedRekordV002": spec},
    }
    return Body("hashedrekord", "0.0.2", canonical_json(body))


# ------------------------------------------------------------------------------ logs and their proofs


def leaf_hash(body: bytes) -> bytes:
    """The Merkle tree hash of one entry (RFC 6962 2.1)."""
    return hashlib.sha256(b"\0" + body).digest()


def _split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1  # the largest power of two below size


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """The Merkle tree hash over leaf hashes (RFC 6962 2.1)."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else hashlib.sha256().digest()
    k = _split(len(leaves))
    return hashlib.sha256(b"\1" + tree_root(leaves[:k]) + tree_root(leaves[k:])).digest()


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of the leaf at `index` (RFC 6962 2.1.1), lowest sibling first."""
    if not 0 <= index < len(leaves):
        raise ValueError(f"no leaf {index} in a tree of {len(leaves)}")
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*inclusion_path(leaves[:k], index), tree_root(leaves[k:])]
    return [*inclusion_path(leaves[k:], index - k), tree_root(leaves[:k])]


def signed_note(text: str, key: PrivateKey, name: str, hint: bytes) -> str:
    """A signed note with one signature: https://github.com/C2SP/C2SP/blob/main/signed-note.md

    `text` ends in a newline; `hint` is the first 4 bytes of the key's ID.
    """
    return f"{text}\n\u2014 {name} {b64(hint + sign(key, text.encode()))}\n"


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """What a log's checkpoint says: https://github.com/C2SP/C2SP/blob/main/tlog-checkpoint.md"""
    return f"{origin}\n{size}\n{b64(root)}\n"


class Log(NamedTuple):
    """A transparency log: its key, the name it signs with, the first line of its checkpoints, its ID."""

    key: PrivateKey
    host: str
    origin: str
    key_id: bytes
    tree_id: int
    offset: int  # what is added to the index in the tree to get the entry's global index


def rekor_v1_log(seed: str) -> Log:
    """A Rekor v1 log (ECDSA). Its tree is not the first, so global and tree indices differ."""
    key = ec_key(seed, "Rekor v1 key")
    tree_id = int.from_bytes(_derive(seed, "Rekor v1 tree")[:8], "big") >> 1
    return Log(key, REKOR_V1_HOST, f"{REKOR_V1_HOST} - {tree_id}", spki_hash(key.public_key()), tree_id, 1000)


def rekor_v2_log(seed: str) -> Log:
    """A Rekor v2 log (Ed25519; its ID is the signed note key ID, uncut)."""
    key = ed25519_key(seed, "Rekor v2 key")
    raw = key.public_key().public_bytes_raw()
    key_id = hashlib.sha256(REKOR_V2_HOST.encode() + b"\n\x01" + raw).digest()
    return Log(key, REKOR_V2_HOST, REKOR_V2_HOST, key_id, 0, 0)


class Entry(NamedTuple):
    """A log's answer about one of its entries. Rekor v2 knows neither time nor promise."""

    body: Body
    log_id: bytes
    log_index: int
    proof_index: int
    root: bytes
    size: int
    path: Sequence[bytes]
    checkpoint: str
    integrated_time: int | None = None
    promise: bytes | None = None


def entry_promise(key: PrivateKey, body: bytes, time: int, log_id: bytes, log_index: int) -> bytes:
    """Rekor v1's signed entry timestamp: over the canonical JSON of the entry without its proof."""
    signed: JsonObject = {
        "body": b64(body),
        "integratedTime": time,
        "logID": log_id.hex(),
        "logIndex": log_index,
    }
    return sign(key, canonical_json(signed))


def prove(
    log: Log,
    bodies: Sequence[Body],
    index: int,
    *,
    integrated_time: int | None = None,
    signer: PrivateKey | None = None,
) -> Entry:
    """The entry at `index` of the log that holds `bodies`, with its proof.

    A promise is made when `integrated_time` is given (Rekor v1). `signer` signs instead of the log's key,
    under the log's name and hint.
    """
    key = signer or log.key
    leaves = [leaf_hash(body.bytes) for body in bodies]
    root = tree_root(leaves)
    text = checkpoint_text(log.origin, len(leaves), root)
    body, log_index = bodies[index], log.offset + index
    promise = (
        None if integrated_time is None else entry_promise(key, body.bytes, integrated_time, log.key_id, log_index)
    )
    return Entry(
        body=body,
        log_id=log.key_id,
        log_index=log_index,
        proof_index=index,
        root=root,
        size=len(leaves),
        path=inclusion_path(leaves, index),
        checkpoint=signed_note(text, key, log.host, log.key_id[:4]),
        integrated_time=integrated_time,
        promise=promise,
    )


def entry_uuid(log: Log, body: bytes) -> str:
    """Rekor v1's name for an entry: the tree's ID and the leaf hash, hexadecimal."""
    return f"{log.tree_id:016x}{leaf_hash(body).hex()}"


def rekor_v1_answer(log: Log, entry: Entry) -> JsonObject:
    """What the Rekor v1 API says of an entry: https://github.com/sigstore/rekor/blob/main/openapi.yaml"""
    if entry.promise is None:
        raise ValueError("a Rekor v1 entry has a promise")
    proof: JsonObject = {
        "checkpoint": entry.checkpoint,
        "hashes": [item.hex() for item in entry.path],
        "logIndex": entry.proof_index,
        "rootHash": entry.root.hex(),
        "treeSize": entry.size,
    }
    return {
        entry_uuid(log, entry.body.bytes): {
            "body": b64(entry.body.bytes),
            "integratedTime": entry.integrated_time,
            "logID": entry.log_id.hex(),
            "logIndex": entry.log_index,
            "verification": {"inclusionProof": proof, "signedEntryTimestamp": b64(entry.promise)},
        }
    }


def log_entry_json(entry: Entry) -> JsonObject:
    """A TransparencyLogEntry (protobuf-specs, sigstore_rekor.proto): Rekor v2's answer, and in bundles."""
    times: dict[str, Json] = {}
    if entry.integrated_time is not None and entry.promise is not None:
        times = {
            "integratedTime": str(entry.integrated_time),
            "inclusionPromise": {"signedEntryTimestamp": b64(entry.promise)},
        }
    return {
        "logIndex": str(entry.log_index),
        "logId": {"keyId": b64(entry.log_id)},
        "kindVersion": {"kind": entry.body.kind, "version": entry.body.version},
        **times,
        "inclusionProof": {
            "logIndex": str(entry.proof_index),
            "rootHash": b64(entry.root),
            "treeSize": str(entry.size),
            "hashes": [b64(item) for item in entry.path],
            "checkpoint": {"envelope": entry.checkpoint},
        },
        "canonicalizedBody": b64(entry.body.bytes),
    }


# ---------------------------------------------------------------------------------------- timestamps


class TimestampRequest(NamedTuple):
    """What RFC 3161 2.4.1 asks for: a digest and its algorithm, a nonce, and whether to send certificates."""

    algorithm: str
    digest: bytes
    nonce: int | None = None
    certificates: bool = True


DIGEST_SIZES = {"sha256": 32, "sha384": 48, "sha512": 64}


def parse_timestamp_request(request: bytes) -> TimestampRequest:
    """Read a DER TimeStampReq; ValueError when it is none, or asks for what isn't offered."""
    try:
        parsed = tsp.TimeStampReq.load(request, strict=True)
        imprint = parsed["message_imprint"]
        algorithm = str(imprint["hash_algorithm"]["algorithm"].native)
        digest = bytes(imprint["hashed_message"].native)
        nonce, certificates = parsed["nonce"].native, bool(parsed["cert_req"].native)
        version, policy = parsed["version"].native, parsed["req_policy"].native
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"not a timestamp request: {error}") from None
    if version != "v1" or policy not in (None, OID_TIMESTAMP_POLICY):
        raise ValueError("timestamp request of another version or policy")
    if DIGEST_SIZES.get(algorithm) != len(digest):
        raise ValueError(f"timestamp request with {algorithm} and {len(digest)} bytes")
    return TimestampRequest(algorithm, digest, None if nonce is None else int(nonce), certificates)


def timestamp_response(
    authority: Authority,
    request: TimestampRequest,
    time: int,
    serial: int,
    *,
    signer: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """A granted TimeStampResp (RFC 3161 2.4.2, CMS of RFC 5652, signing certificate of RFC 5816), DER."""
    certificate = asn1_x509.Certificate.load(der(authority.certificate))
    time_form = "utc_time" if time < UTC_TIME_END else "generalized_time"
    info = tsp.TSTInfo(
        {
            "version": "v1",
            "policy": OID_TIMESTAMP_POLICY,
            "message_imprint": {
                "hash_algorithm": {"algorithm": request.algorithm},
                "hashed_message": request.digest,
            },
            "serial_number": serial,
            "gen_time": utc(time),
            "nonce": request.nonce,
        }
    )
    attributes = cms.CMSAttributes(
        [
            {"type": "content_type", "values": ["tst_info"]},
            {"type": "signing_time", "values": [cms.Time(time_form, utc(time))]},
            {"type": "message_digest", "values": [hashlib.sha256(info.dump()).digest()]},
            {
                "type": "signing_certificate_v2",
                "values": [{"certs": [{"cert_hash": hashlib.sha256(certificate.dump()).digest()}]}],
            },
        ]
    )
    signer_info = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            "issuer_and_serial_number",
            {"issuer": certificate.issuer, "serial_number": certificate.serial_number},
        ),
        "digest_algorithm": {"algorithm": "sha256"},
        "signed_attrs": attributes,
        "signature_algorithm": {"algorithm": "sha256_ecdsa"},
        "signature": sign(signer or authority.key, attributes.dump()),
    }
    signed_data: dict[str, object] = {
        "version": "v3",
        "digest_algorithms": [{"algorithm": "sha256"}],
        "encap_content_info": {"content_type": "tst_info", "content": info},
        "signer_infos": [signer_info],
    }
    if request.certificates:
        signed_data["certificates"] = [certificate]
    token = {"content_type": "signed_data", "content": cms.SignedData(signed_data)}
    response = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token})
    return bytes(response.dump())


def timestamp_refusal(text: str) -> bytes:
    """A TimeStampResp that rejects the request as badRequest (RFC 3161 2.4.2), DER."""
    status = tsp.PKIStatusInfo({"status": "rejection", "status_string": [text], "fail_info": {"bad_request"}})
    # asn1crypto's TimeStampResp can't leave out the token
    return bytes(core.Sequence(contents=status.dump()).dump())


# ------------------------------------------------------------------------------- a whole Sigstore


class Instance(NamedTuple):
    """Every key and certificate of one Sigstore."""

    seed: str
    fulcio: Authority
    ct_key: ec.EllipticCurvePrivateKey
    rekor_v1: Log
    rekor_v2: Log
    tsa: Authority
    token_key: ec.EllipticCurvePrivateKey


def make_instance(seed: str) -> Instance:
    """The Sigstore that belongs to a seed: the same seed gives the same keys."""
    return Instance(
        seed=seed,
        fulcio=fulcio_authority(seed),
        ct_key=ec_key(seed, "CT key"),
        rekor_v1=rekor_v1_log(seed),
        rekor_v2=rekor_v2_log(seed),
        tsa=timestamp_authority(seed),
        token_key=ec_key(seed, "token key"),
    )


def issue_leaf(
    instance: Instance,
    public_key: ec.EllipticCurvePublicKey,
    identity: x509.GeneralName,
    issuer: str,
    *,
    serial: int,
    not_before: int,
) -> x509.Certificate:
    """The leaf that the instance's Fulcio issues to an identity of an OIDC issuer, with one SCT."""
    authority = instance.fulcio
    return make_leaf(
        authority,
        public_key,
        leaf_extensions(authority, public_key, identity, issuer),
        serial=serial,
        not_before=not_before,
        scts=lambda tbs: sct_list([sct(instance.ct_key, tbs, authority.certificate, not_before * 1000)]),
    )


def issue_timestamp(instance: Instance, signature: bytes, time: int, serial: int) -> bytes:
    """The instance's RFC 3161 timestamp over the raw bytes of a signature."""
    request = TimestampRequest("sha256", hashlib.sha256(signature).digest())
    return timestamp_response(instance.tsa, request, time, serial)


def _log_json(key: PublicKey, host: str, key_id: bytes) -> JsonObject:
    details = "PKIX_ED25519" if isinstance(key, ed25519.Ed25519PublicKey) else "PKIX_ECDSA_P256_SHA_256"
    return {
        "baseUrl": f"https://{host}",
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": b64(spki(key)),
            "keyDetails": details,
            "validFor": {"start": rfc3339(VALID_FROM)},
        },
        "logId": {"keyId": b64(key_id)},
    }


def _authority_json(authority: Authority, host: str, common_name: str) -> JsonObject:
    certificates = [authority.certificate, authority.root]
    return {
        "subject": {"organization": ORGANISATION, "commonName": common_name},
        "uri": f"https://{host}",
        "certChain": {"certificates": [{"rawBytes": b64(der(item))} for item in certificates]},
        "validFor": {"start": rfc3339(VALID_FROM)},
    }


def trusted_root(instance: Instance) -> JsonObject:
    """Which keys and certificates to trust (protobuf-specs, sigstore_trustroot.proto, TrustedRoot)."""
    ct_key = instance.ct_key.public_key()
    return {
        "mediaType": TRUSTED_ROOT_TYPE,
        "tlogs": [
            _log_json(log.key.public_key(), log.host, log.key_id) for log in (instance.rekor_v1, instance.rekor_v2)
        ],
        "certificateAuthorities": [_authority_json(instance.fulcio, FULCIO_HOST, "Fulcio")],
        "ctlogs": [_log_json(ct_key, CT_HOST, spki_hash(ct_key))],
        "timestampAuthorities": [_authority_json(instance.tsa, TSA_HOST, "TSA")],
    }


class Endpoints(NamedTuple):
    """Where the services of one Sigstore listen. No URL ends in a slash."""

    oidc: str
    fulcio: str
    rekor: str
    tsa: str


def signing_config(endpoints: Endpoints, rekor_versions: Sequence[int] = (1, 2)) -> JsonObject:
    """Where to sign (protobuf-specs, sigstore_trustroot.proto, SigningConfig v0.2)."""

    def service(url: str, version: int = 1) -> JsonObject:
        return {
            "url": url,
            "majorApiVersion": version,
            "validFor": {"start": rfc3339(VALID_FROM)},
            "operator": "loopback.test",
        }

    return {
        "mediaType": SIGNING_CONFIG_TYPE,
        "caUrls": [service(endpoints.fulcio)],
        "oidcUrls": [service(endpoints.oidc)],
        "rekorTlogUrls": [service(endpoints.rekor, version) for version in sorted(rekor_versions, reverse=True)],
        "tsaUrls": [service(endpoints.tsa)],
        "rekorTlogConfig": {"selector": "ANY"},
        "tsaConfig": {"selector": "ANY"},
    }


def trust_config(root: JsonObject, config: JsonObject) -> JsonObject:
    """A ClientTrustConfig: what `--trust-config` takes."""
    return {"mediaType": TRUST_CONFIG_TYPE, "trustedRoot": root, "signingConfig": config}


def bundle(
    certificate: x509.Certificate,
    entries: Sequence[Entry],
    envelope_json: JsonObject,
    timestamps: Sequence[bytes] = (),
) -> JsonObject:
    """A Sigstore bundle v0.3 with a DSSE envelope (protobuf-specs, sigstore_bundle.proto)."""
    material: dict[str, Json] = {
        "certificate": {"rawBytes": b64(der(certificate))},
        "tlogEntries": [log_entry_json(entry) for entry in entries],
    }
    if timestamps:
        stamps = [{"signedTimestamp": b64(item)} for item in timestamps]
        material["timestampVerificationData"] = {"rfc3161Timestamps": stamps}
    return {"mediaType": BUNDLE_TYPE, "verificationMaterial": material, "dsseEnvelope": envelope_json}
