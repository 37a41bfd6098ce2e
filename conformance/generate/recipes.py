"""Recipes for the certificate vectors: usual certificates and chains, and edits of them in few words."""

from __future__ import annotations

import copy
from typing import Any

from .edits import set_at
from .kit import JSON, Edit, Material, certificate_case

AT = "2026-06-01T00:00:00Z"
FILES = {"model.safetensors": {"seed": "certificate", "length": 100}}

ISSUES: JSON = {
    "basicConstraints": {"critical": True, "ca": True},
    "keyUsage": {"critical": True, "bits": ["keyCertSign", "cRLSign"]},
}
SIGNS: JSON = {
    "basicConstraints": {"critical": True, "ca": False},
    "keyUsage": {"critical": True, "bits": ["digitalSignature"]},
    "extKeyUsage": {"purposes": ["codeSigning"]},
}
BOTH_USAGES: JSON = {"critical": True, "bits": ["digitalSignature", "keyCertSign"]}
UNKNOWN = "1.3.6.1.4.1.99999.1"  # an extension that nobody knows
# Which key a certificate is for, and which one signed it.
IDENTIFIERS: JSON = {"subjectKeyIdentifier": {}, "authorityKeyIdentifier": {}}


def root(subject: str, key: str, name: str, serial: int) -> JSON:
    """A self-signed certificate, from 2020 to 2040."""
    return certificate(
        subject, key, name, serial, years=(2020, 2040), extensions={**ISSUES, "subjectKeyIdentifier": {}}
    )


def authority(subject: str, key: str, issuer: str, serial: int, **extensions: Any) -> JSON:
    """A certificate that issues others, from 2022 to 2034."""
    return certificate(
        subject, key, issuer, serial, years=(2022, 2034), extensions={**ISSUES, **IDENTIFIERS, **extensions}
    )


def leaf(key: str, issuer: str, serial: int, subject: str = "Model Signer", **extensions: Any) -> JSON:
    """A certificate to sign code with, from 2026 to 2027."""
    return certificate(
        subject, key, issuer, serial, years=(2026, 2027), extensions={**SIGNS, **IDENTIFIERS, **extensions}
    )


def certificate(subject: str, key: str, issuer: str, serial: int, *, years: tuple[int, int], extensions: JSON) -> JSON:
    """A recipe for one certificate, valid from the first second of one year to that of another."""
    first, last = (f"{year}-01-01T00:00:00Z" for year in years)
    members = {"subject": subject, "key": key, "issuer": issuer, "serial": serial, "not_before": first}
    return copy.deepcopy({**members, "not_after": last, "extensions": extensions})


STRANGER = root("Other Root", "p256/stranger", "stranger", 1)


def chain(bundled: list[str], given: list[str], **certificates: JSON) -> JSON:
    """A recipe in which the first of the bundle signs."""
    named = {name.replace("_", "-"): recipe for name, recipe in certificates.items()}
    return {"certificates": named, "signer": bundled[0], "bundled": bundled, "given": given}


def usual(subject: str = "Model Signer", **more: JSON) -> JSON:
    """Leaf, intermediate and root, and `more` certificates that take the place of these or are not used."""
    certificates = {
        "leaf": leaf("p256/leaf", "ca", 3, subject),
        "ca": authority("Model CA", "p256/ca", "root", 2),
        "root": root("Model Root", "p256/root", "root", 1),
    }
    return chain(["leaf", "ca"], ["root"], **{**certificates, **more})


def two_intermediates(lower: str = "Lower CA", signer: JSON | None = None, **extensions: Any) -> JSON:
    """Leaf, two intermediates and root: the lower one's name, the leaf's extensions, and those of the upper one."""
    return chain(
        ["leaf", "ca2", "ca1"],
        ["root"],
        leaf=leaf("p256/leaf", "ca2", 4, **(signer or {})),
        ca2=authority(lower, "p256/ca2", "ca1", 3),
        ca1=authority("Upper CA", "p256/ca1", "root", 2, **extensions),
        root=root("Model Root", "p256/root", "root", 1),
    )


def signed_model(recipe: JSON, **more: Any) -> Material:
    """A small model, signed with the recipe's signer."""
    return certificate_case(FILES, recipe, verification_time=AT, **more)


def of(name: str, field: str) -> str:
    """Where a field of a certificate is in the recipe."""
    return f"/certificates/{name}/{field}"


def change(name: str, field: str, value: JSON) -> Edit:
    """Set a field of a certificate."""
    return set_at("chain", of(name, field), value)


def extend(name: str, extension: str, value: JSON) -> Edit:
    """Set an extension of a certificate."""
    return change(name, f"extensions/{extension}", value)


def bundled(*names: str) -> Edit:
    """Put these certificates into the bundle, whoever signed."""
    return set_at("chain", "/bundled", list(names))


def given(*names: str) -> Edit:
    """Give these certificates to the verifier."""
    return set_at("chain", "/given", list(names))
