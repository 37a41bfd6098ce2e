"""Certificates for tests: any chain, good or bad, in a few words."""

from __future__ import annotations

import datetime as dt
import functools
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CODE, ANY = ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
STAMP = ExtendedKeyUsageOID.TIME_STAMPING

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def utc(year: int, month: int = 1, day: int = 1) -> dt.datetime:
    return dt.datetime(year, month, day, tzinfo=dt.timezone.utc)


START, AT, END = utc(2024), utc(2026, 6), utc(2034)
SECOND = dt.timedelta(seconds=1)


class Owner(NamedTuple):
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


def key(name: str, kind: str = "p256") -> PrivateKey:
    """One key for each name and kind, the same whenever it is asked for."""
    return _key(name, kind)


@functools.cache
def _key(_: str, kind: str) -> PrivateKey:
    curves: dict[str, ec.EllipticCurve] = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
    curves |= {"p224": ec.SECP224R1(), "k1": ec.SECP256K1(), "brainpool": ec.BrainpoolP256R1()}
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    return ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(curves[kind])


def dn(common_name: str, *more: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    pairs = ((NameOID.COMMON_NAME, common_name), *more) if common_name else more
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in pairs])


USAGES = {
    "sign": "digital_signature",
    "commit": "content_commitment",
    "agree": "key_agreement",
    "certs": "key_cert_sign",
    "crl": "crl_sign",
}


def usage(words: str) -> x509.KeyUsage:
    """KeyUsage in short words, for example `sign certs`."""
    names = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"]
    names += ["key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
    return x509.KeyUsage(**(dict.fromkeys(names, False) | {USAGES[word]: True for word in words.split()}))


Extra = tuple[x509.ExtensionType, bool]  # with whether it is critical


def issue(
    name: str | x509.Name,
    issuer: Owner | None = None,
    *,
    kind: str = "p256",
    own: PrivateKey | None = None,
    ca: bool | None = True,
    path_length: int | None = None,
    words: str | None = None,
    purposes: Sequence[x509.ObjectIdentifier] = (),
    extra: Iterable[Extra] = (),
    start: dt.datetime = START,
    end: dt.datetime = END,
    hash_algorithm: Any = None,
    critical_usage: bool = True,
    critical_purposes: bool = False,
    critical_ca: bool = True,
    identifiers: bool = False,
) -> Owner:
    """A certificate by `issuer`, or self-signed. A CA with keyCertSign by default; `ca` None: no BasicConstraints.

    `words` is the KeyUsage, "" for none; with `identifiers` it says whose key signed which.
    """
    own = own or key(str(name), kind)
    subject = dn(name) if isinstance(name, str) else name
    signer = issuer.key if issuer else own
    builder = x509.CertificateBuilder().subject_name(subject).public_key(own.public_key())
    builder = builder.issuer_name(issuer.certificate.subject if issuer else subject)
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical_ca)
    words = ("certs" if ca else "sign") if words is None else words
    if words:
        builder = builder.add_extension(usage(words), critical_usage)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical_purposes)
    if identifiers:
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        extra = [*extra, (x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False), (above, False)]
    for value, critical in extra:
        builder = builder.add_extension(value, critical)
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hash_algorithm or hashes.SHA256()
    return Owner(builder.sign(signer, algorithm), own)


def leaf(issuer: Owner | None = None, name: str | x509.Name = "signer", **options: Any) -> Owner:
    """A leaf as code-signing authorities issue them, unless `options` say otherwise."""
    usual: dict[str, Any] = {"ca": False, "purposes": [CODE]}
    return issue(name, issuer, **(usual | options))


def rewrite(owner: Owner, issuer: Owner, change: Callable[[Any], None], algorithm: str = "sha256_ecdsa") -> Owner:
    """`owner` with its DER changed and signed again by `issuer`, with an old algorithm if need be."""
    asn1 = pytest.importorskip("asn1crypto.x509")
    certificate = asn1.Certificate.load(owner.der)
    change(certificate["tbs_certificate"])
    certificate["tbs_certificate"]["signature"] = {"algorithm": algorithm}
    certificate["signature_algorithm"] = {"algorithm": algorithm}
    certificate["signature_value"] = sign_old(issuer.key, certificate["tbs_certificate"].dump(), algorithm)
    return Owner(x509.load_der_x509_certificate(certificate.dump()), owner.key)


def sign_old(private: PrivateKey, message: bytes, algorithm: str) -> bytes:
    """A signature by the openssl command, which knows hashes that `cryptography` does not sign with."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "key.pem")
        path.write_bytes(key_pem(private))
        command = ["openssl", "dgst", f"-{algorithm.split('_', maxsplit=1)[0]}", "-sign", str(path)]
        return subprocess.run(command, input=message, capture_output=True, check=True).stdout


def key_pem(private: PrivateKey) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def corrupted(owner: Owner) -> Owner:
    """The certificate with one bit of its signature flipped."""
    der = bytearray(owner.der)
    der[-1] ^= 1
    return Owner(x509.load_der_x509_certificate(bytes(der)), owner.key)
