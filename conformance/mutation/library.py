"""Mutants of the sigstore package, which makes most of the checks that the Sigstore vectors are about.

They are another project's code, and what lives is not explained: it is shown. But a client that forgets a check of
these is what the vectors are for, and the mutants that a vector kills tell it from others. They hold for one version of
the package, which the record names. IDs are as those of our own files: `sigstore/verify/verifier.py:…`.
"""

from __future__ import annotations

import ast
import importlib.util
from importlib import metadata
from pathlib import Path

from . import operators, run
from .targets import Source, Verifier

# What vectors come to, and no more (a test compares), but for what only keeps its arguments.
CHECKS = {
    "sigstore/verify/verifier.py": (
        *("Verifier.__init__", "Verifier._verify_signed_timestamp", "Verifier._verify_timestamp_authority"),
        *("Verifier._establish_time", "Verifier._verify_chain_at_time", "Verifier._verify_common_signing_cert"),
        *("Verifier.verify_dsse", "_validate_dsse_v001_entry_body", "_validate_hashedrekord_v002_dsse_entry_body"),
        *("_v2_verifier_from_certificate", "MAX_ALLOWED_TIMESTAMP", "VERIFIED_TIME_THRESHOLD"),
    ),
    "sigstore/verify/policy.py": ("Identity.__init__", "Identity.verify", "_SingleX509ExtPolicy.verify"),
    "sigstore/models.py": (
        *("TransparencyLogEntry._validate", "TransparencyLogEntry._encode_canonical"),
        *("TransparencyLogEntry._verify_set", "TransparencyLogEntry._verify"),
        *("TimestampVerificationData._verify", "VerificationMaterial.timestamp_verification_data"),
        *("Bundle._verify", "Bundle._dsse_envelope", "Bundle.signature", "Bundle.from_json"),
        *("TrustedRoot._verify", "TrustedRoot._get_tlog_keys", "TrustedRoot.rekor_keyring", "TrustedRoot.ct_keyring"),
        *("TrustedRoot.get_fulcio_certs", "TrustedRoot.get_timestamp_authorities", "ClientTrustConfig.__init__"),
    ),
    "sigstore/dsse/__init__.py": ("Envelope._verify", "Envelope.pae", "_pae", "_verify"),
    "sigstore/_internal/merkle.py": (
        *("_decomp_inclusion_proof", "_chain_inner", "_chain_border_right", "_hash_children", "_hash_leaf"),
        *("verify_merkle_inclusion", "_LEAF_HASH_PREFIX", "_NODE_HASH_PREFIX"),
    ),
    "sigstore/_internal/rekor/checkpoint.py": (
        *("LogCheckpoint.from_text", "SignedNote.from_text", "SignedNote.verify", "SignedCheckpoint.from_text"),
        "verify_checkpoint",
    ),
    "sigstore/_internal/sct.py": (
        *("_pack_signed_entry", "_pack_digitally_signed", "_is_preissuer", "_get_issuer_cert"),
        *("_get_signed_certificate_timestamp", "_cert_is_ca", "verify_sct"),
    ),
    "sigstore/_internal/trust.py": (
        *("Key.__init__", "Key.verify", "Keyring.__init__", "Keyring.verify"),
        *("CertificateAuthority._verify", "CertificateAuthority.certificates"),
    ),
    "sigstore/_internal/key_details.py": ("_get_algorithm_details", "_get_prehash", "_get_key_details"),
    "sigstore/_utils.py": ("load_der_public_key", "key_id", "sha256_digest", "cert_is_ca", "is_timerange_valid"),
}

LIBRARY = Verifier("package", ("sigstore",), dict.fromkeys(CHECKS, ("sigstore",)))
_LOG = "_logger."  # what is told to a log changes no verdict


def folder() -> Path:
    """Where the installed sigstore package lies. Raises ImportError if it is not installed."""
    spec = importlib.util.find_spec("sigstore")
    if spec is None or spec.origin is None:
        raise ImportError("the package sigstore is not installed: pip install 'model_signing_ref[sigstore]'")
    return Path(spec.origin).parents[1]


def version() -> str:
    """The version of the installed sigstore package."""
    return metadata.version("sigstore")


def sources() -> list[Source]:
    """The files of the sigstore package that check something."""
    texts = {file: (folder() / file).read_text("utf-8") for file in CHECKS}
    return [Source(LIBRARY, file, text, ast.parse(text), set(CHECKS[file])) for file, text in texts.items()]


def mutants() -> list[tuple[Source, operators.Mutant]]:
    """Every mutant of the sigstore package, file by file."""
    return [
        (source, mutant)
        for source in sources()
        for mutant in operators.mutants(source.file, source.tree, source.wanted)
        if not mutant.before.startswith(_LOG)
    ]


def split(results: list[run.Result]) -> tuple[list[run.Result], list[run.Result]]:
    """What became of the mutants of both verifiers, and of those of the sigstore package."""
    ours = [result for result in results if result.mutant.file not in CHECKS]
    return ours, [result for result in results if result.mutant.file in CHECKS]
