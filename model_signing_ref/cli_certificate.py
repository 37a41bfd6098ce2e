"""The command line of the certificate method: `sign certificate` and `verify certificate`."""

from __future__ import annotations

from .cli import Arguments, Parser, Result
from .cli_options import (
    add_hashing,
    add_model,
    add_output,
    add_private_key,
    add_signature,
    add_timestamp,
    add_verification,
    password_of,
    sign_with,
    verify_with,
)
from .errors import Warn


def add_sign_options(parser: Parser) -> None:
    """The options of `sign certificate`."""
    add_output(parser, run_sign)
    add_signature(parser, signing=True)
    add_private_key(parser)
    add_certificates(parser)
    add_timestamp(parser, signing=True)
    add_hashing(parser)
    add_model(parser)


def add_certificates(parser: Parser) -> None:
    """The signer's certificate and those that lead from it to a root."""
    parser.add_argument("--signing-certificate", metavar="FILE", required=True, help="the signer's certificate")
    text = "certificates that lead from it to a root (repeat, or all in one file)"
    parser.add_argument("--certificate-chain", metavar="FILE", action="append", default=[], help=text)
    text = "sign although the certificate is no signer's, or is not valid now: to make test material"
    parser.add_argument("--allow-invalid-certificate", action="store_true", help=text)


def add_verify_options(parser: Parser) -> None:
    """The options of `verify certificate`."""
    add_output(parser, run_verify)
    add_signature(parser, signing=False)
    text = "who is trusted: self-signed ones are trust anchors, others help to build the chain (repeat)"
    parser.add_argument("--certificate-chain", metavar="FILE", action="append", default=[], help=text)
    switches = {
        "--partial-chain": "every certificate of --certificate-chain is a trust anchor",
        "--system-roots": "also trust every authority that this system trusts for the web: any of them can then "
        "certify a signer of any model",
        "--require-code-signing": "the signer's certificate must name code signing as its purpose",
        "--log-fingerprints": "show the SHA-256 fingerprints of all certificates",
    }
    for name, text in switches.items():
        parser.add_argument(name, action="store_true", help=text)
    text = "when the certificates must be valid, e.g. 2026-01-31T12:00:00Z (default: now)"
    parser.add_argument("--verification-time", metavar="TIME", help=text)
    add_timestamp(parser, signing=False)
    add_verification(parser)
    add_hashing(parser)
    add_model(parser)


def run_sign(arguments: Arguments, warn: Warn) -> Result:
    """`sign certificate`."""
    from .certificates import load_all
    from .keys import load_private_key
    from .paths import is_pkcs11_uri
    from .signers.certificate import certificate_signer

    if is_pkcs11_uri(arguments.private_key):
        from .cli_pkcs11 import token_certificate_signer

        return sign_with(token_certificate_signer(arguments.private_key, arguments), arguments, warn)
    chain = load_all((arguments.signing_certificate, *arguments.certificate_chain))
    signer = certificate_signer(
        load_private_key(arguments.private_key, lambda: password_of(arguments)),
        chain,
        allow_invalid_certificate=arguments.allow_invalid_certificate,
        random_signature=arguments.random_signature,
    )
    return sign_with(signer, arguments, warn)


def run_verify(arguments: Arguments, warn: Warn) -> Result:
    """`verify certificate`."""
    from .certificates import parse_time
    from .verifying import Config

    time = None if arguments.verification_time is None else parse_time(arguments.verification_time)
    config = Config().use_certificate_verifier(
        certificate_chain=arguments.certificate_chain,
        log_fingerprints=arguments.log_fingerprints,
        system_roots=arguments.system_roots,
        partial_chain=arguments.partial_chain,
        require_code_signing=arguments.require_code_signing,
        verification_time=time,
        tsa_chain=arguments.tsa_chain,
    )
    return verify_with(config, arguments, warn)
