"""A second opinion on the certificate vectors: `openssl verify` at the vector's time, and where it differs why."""

from __future__ import annotations

import base64
import binascii
import json
import shutil
import subprocess
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from ssl import DER_cert_to_PEM_cert

import pytest

from conformance import case

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl command: apt-get install openssl")

# Where a vector is not accepted and the chain itself is good: the fault is in the signature or the model.
BEYOND_THE_CHAIN = ("signature", "digest")

_MATERIAL = "OpenSSL is given certificates, and does not see what else the bundle has"
_PURPOSE = "it looks at purposes only when given one"
_KEYS = "it knows more kinds of keys than OMS registers"
_WEAK = "REF-CERT-04: its security level 1 lets it pass"
_POLICIES = "it processes policies only with -policy_check"
_DER = "its reader of PEM takes the first value and does not look further"
_SECOND = "notAfter belongs to the validity (RFC 5280, 4.1.2.5); OpenSSL ends a second early"
_NAMES = "REF-CERT-08: it applies constraints on directory names, and on addresses in subjects"
_SELF_ISSUED = "REF-CERT-10: it does not count self-issued certificates"
_SERIAL = "RFC 5280, 4.1.2.2: it takes such numbers with grace"
_NEGATIVE = (
    *("serial-number-negative", "self-issued-intermediate-and-a-negative-number"),
    *("leaf-named-like-its-issuer-and-a-negative-number", "self-issued-issuer-with-a-limit-and-a-negative-number"),
)

# What `openssl verify` accepts though the vector is not accepted, and why.
ACCEPTED_BY_OPENSSL = {
    **dict.fromkeys(("for-servers", "for-clients", "for-e-mail", "for-timestamps"), _PURPOSE),
    **dict.fromkeys(("intermediate-for-servers", "leaf-second"), _PURPOSE),
    **dict.fromkeys(("key-agreement", "content-commitment", "no-usage"), _PURPOSE),
    **dict.fromkeys(("purpose-asked-for", "purpose-asked-for-and-absent"), _PURPOSE),
    **dict.fromkeys(("ca-that-signs", "cert-sign-without-ca", "leaf-of-version-1"), _PURPOSE),
    **dict.fromkeys(("leaf-on-secp256k1", "leaf-on-brainpool", "leaf-on-p-224"), _KEYS),
    **dict.fromkeys(("leaf-with-rsa", "leaf-with-ed25519"), _KEYS),
    **dict.fromkeys(("leaf-signed-with-sha-1", "leaf-signed-with-sha-224", "intermediate-signed-with-sha-1"), _WEAK),
    **dict.fromkeys(("intermediate-with-rsa-1024", "intermediate-on-secp256k1"), _WEAK),
    **dict.fromkeys(("policy-required", "critical-policies"), _POLICIES),
    **dict.fromkeys(("chain-and-key", "chain-and-certificate", "something-else-in-the-bundle"), _MATERIAL),
    **dict.fromkeys(("byte-after-the-leaf", "two-in-one-entry"), _DER),
    "indefinite-length": "it reads BER",
    **dict.fromkeys(_NEGATIVE, _SERIAL),
    "ca-without-key-usage": _PURPOSE,
    "intermediate-with-ed25519": "REF-CERT-04: it knows more kinds of keys",
    **dict.fromkeys(("directory-names-excluded", "directory-names-excluded-before-hosts"), _NAMES),
    **dict.fromkeys(("address-in-the-subject", "address-in-the-intermediate-s-subject"), _NAMES),
    "address-in-a-subject-on-the-longer-way": _NAMES,
    "issuer-in-upper-case": "RFC 5280, 7.1: it compares names without regard to case",
    **dict.fromkeys(("self-issued-intermediate", "self-issued-intermediate-below-a-limited-root"), _SELF_ISSUED),
    "self-issued-intermediate-on-the-longer-way": _SELF_ISSUED,
    "more-certificates-than-fit": "REF-CERT-06: it has no such limit",
    "nine-intermediates": "REF-CERT-09: it allows a hundred",
    "directory-names-permitted": _NAMES,
    "self-issued-intermediate-given": "where there are no key identifiers it goes by the names",
    "leaf-with-a-name-of-bits": "it compares names and does not look at the types in them",
}
# What it refuses though the chain is good, and why.
REFUSED_BY_OPENSSL = {
    "intermediate-s-last-second": _SECOND,
    "leaf-s-last-second": _SECOND,
    "dead-end-before-the-intermediate": "it tries one way, and takes no other where that leads to nobody",
    "authority-key-identifier-of-another": "identifiers help to find an issuer; the signature says who it is",
}


@lru_cache(None)
def vectors() -> dict[str, case.Vector]:
    family = case.load_family(case.VECTORS / "certificate.json")
    return {vector["id"].partition("/")[2]: vector for vector in family if entries(vector) is not None}


def entries(vector: case.Vector) -> list[bytes] | None:
    """What the chain of the bundle has, if that can be read; else the vector is about the bundle, not the chain."""
    material = json.loads(case.bundle_bytes(vector))["verificationMaterial"]
    rows = material.get("x509CertificateChain", {}).get("certificates", [])
    try:
        return [base64.b64decode(row["rawBytes"], validate=True) for row in rows] or None
    except (KeyError, binascii.Error):
        return None


def openssl_accepts(vector: case.Vector, folder: Path, *options: str) -> tuple[bool, str]:
    leaf, *others = entries(vector) or []
    (folder / "leaf.pem").write_text(DER_cert_to_PEM_cert(leaf))
    (folder / "others.pem").write_text("".join(map(DER_cert_to_PEM_cert, others)))
    (folder / "given.pem").write_text("".join(vector["trust"]["certificates"]))
    time = datetime.strptime(vector["verification_time"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    command = ["openssl", "verify", "-no-CApath", "-no-CAstore", "-attime", str(int(time.timestamp())), *options]
    command += ["-partial_chain"] * vector["options"].get("partial_chain", False)
    command += ["-CAfile", str(folder / "given.pem")] + ["-untrusted", str(folder / "others.pem")] * bool(others)
    done = subprocess.run([*command, str(folder / "leaf.pem")], capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", vectors())
def test_openssl_agrees(name: str, tmp_path: Path) -> None:
    ours = vectors()[name]["ours"]
    good = ours["verdict"] == "accept" or ours["stage"] in BEYOND_THE_CHAIN
    accepts, said = openssl_accepts(vectors()[name], tmp_path)
    explained = name in (REFUSED_BY_OPENSSL if good else ACCEPTED_BY_OPENSSL)
    assert (accepts != good) == explained, said


@pytest.mark.parametrize("name", ["policy-required", "policy-required-not-critical"])
def test_a_policy_that_is_required_is_missed_by_who_looks(name: str, tmp_path: Path) -> None:
    accepts, said = openssl_accepts(vectors()[name], tmp_path, "-policy_check")
    assert not accepts and "policy" in said
    assert openssl_accepts(vectors()["plain"], tmp_path, "-policy_check")[0]


def test_the_tables_name_vectors() -> None:
    assert {*ACCEPTED_BY_OPENSSL, *REFUSED_BY_OPENSSL} <= set(vectors())
    assert len(vectors()) > 100
