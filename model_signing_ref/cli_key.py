"""The command line of the key method: `sign key` and `verify key`."""

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
    """The options of `sign key`."""
    add_output(parser, run_sign)
    add_signature(parser, signing=True)
    add_private_key(parser)
    add_timestamp(parser, signing=True)
    add_hashing(parser)
    add_model(parser)


def add_verify_options(parser: Parser) -> None:
    """The options of `verify key`."""
    add_output(parser, run_verify)
    add_signature(parser, signing=False)
    parser.add_argument("--public-key", metavar="FILE", required=True, help="PEM file: P-256, P-384 or P-521")
    add_timestamp(parser, signing=False)
    add_verification(parser)
    add_hashing(parser)
    add_model(parser)


def run_sign(arguments: Arguments, warn: Warn) -> Result:
    """`sign key`."""
    from .keys import load_private_key
    from .paths import is_pkcs11_uri
    from .signers.key import key_signer

    if is_pkcs11_uri(arguments.private_key):
        from .cli_pkcs11 import token_signer

        return sign_with(token_signer(arguments.private_key, arguments), arguments, warn)
    key = load_private_key(arguments.private_key, lambda: password_of(arguments))
    return sign_with(key_signer(key, random_signature=arguments.random_signature), arguments, warn)


def run_verify(arguments: Arguments, warn: Warn) -> Result:
    """`verify key`."""
    from .verifying import Config

    config = Config().use_elliptic_key_verifier(public_key=arguments.public_key, tsa_chain=arguments.tsa_chain)
    return verify_with(config, arguments, warn)
