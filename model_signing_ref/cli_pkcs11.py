"""The command line of keys on tokens: `sign pkcs11-key` and `sign pkcs11-certificate`."""

from __future__ import annotations

from .cli import Arguments, Parser, Result
from .cli_certificate import add_certificates
from .cli_options import (
    add_hashing,
    add_model,
    add_output,
    add_password,
    add_signature,
    add_timestamp,
    has_password,
    password_of,
    sign_with,
)
from .errors import Warn, quote
from .signer import Signer
from .signers.pkcs11 import AskPin


def add_key_options(parser: Parser) -> None:
    """The options of `sign pkcs11-key`."""
    add_output(parser, run_key)
    add_signature(parser, signing=True)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--pkcs11-uri", metavar="URI", help="the key, as a pkcs11: URI (RFC 7512)")
    which.add_argument("--private-key", dest="pkcs11_uri", metavar="URI", help="the same")
    add_token(parser)


def add_certificate_options(parser: Parser) -> None:
    """The options of `sign pkcs11-certificate`."""
    add_output(parser, run_certificate)
    add_signature(parser, signing=True)
    parser.add_argument("--pkcs11-uri", metavar="URI", required=True, help="the key, as a pkcs11: URI (RFC 7512)")
    add_certificates(parser)
    add_token(parser)


def add_token(parser: Parser) -> None:
    """What both have besides."""
    add_password(parser, "the PIN, if the URI names none")
    add_timestamp(parser, signing=True)
    add_hashing(parser)
    add_model(parser)


def run_key(arguments: Arguments, warn: Warn) -> Result:
    """`sign pkcs11-key`."""
    return sign_with(token_signer(arguments.pkcs11_uri, arguments), arguments, warn)


def run_certificate(arguments: Arguments, warn: Warn) -> Result:
    """`sign pkcs11-certificate`."""
    return sign_with(token_certificate_signer(arguments.pkcs11_uri, arguments), arguments, warn)


def token_signer(uri: str, arguments: Arguments) -> Signer:
    """A signer with the key that `uri` names."""
    from .signers.pkcs11 import pkcs11_signer

    return pkcs11_signer(uri, ask_pin=pin_of(arguments))


def token_certificate_signer(uri: str, arguments: Arguments) -> Signer:
    """A signer with the key that `uri` names and the certificates that the arguments name."""
    from .certificates import load_all
    from .signers.pkcs11 import pkcs11_certificate_signer

    chain = load_all((arguments.signing_certificate, *arguments.certificate_chain))
    return pkcs11_certificate_signer(
        uri,
        chain,
        ask_pin=pin_of(arguments),
        allow_invalid_certificate=arguments.allow_invalid_certificate,
    )


def pin_of(arguments: Arguments) -> AskPin | None:
    """How to get the PIN of a token: the option, the environment, or a prompt on a terminal; None without them."""
    if not has_password(arguments):
        return None
    return lambda label: password_of(arguments, f"PIN of the token {quote(label)}: ")
