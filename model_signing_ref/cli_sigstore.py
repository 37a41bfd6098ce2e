"""The command line of the method sigstore: `sign [sigstore]` and `verify [sigstore]`."""

from __future__ import annotations

import logging
import shlex

from .cli import Arguments, Parser, Result
from .cli_options import add_hashing, add_model, add_output, add_signature, add_verification, sign_with, verify_with
from .errors import Note, Warn, with_notes_to

TOKEN_HELP = "the identity token to use, instead of logging in"  # noqa: S105 - a line of help
IDENTITY_HELP = "who must have signed, e.g. name@example.com; equal to the certificate's"
PROVIDER_HELP = "who must have vouched for them, e.g. https://accounts.example.com"


def add_sign_options(parser: Parser) -> None:
    """The options of `sign sigstore`."""
    add_output(parser, run_sign)
    add_signature(parser, signing=True)
    add_instance(parser)
    switches = {
        "--use-ambient-credentials": "use the token of GitHub Actions, GitLab CI, Google Cloud or Buildkite",
        "--oauth-force-oob": "log in without a browser of this machine: open a link elsewhere, enter the code",
    }
    for name, text in switches.items():
        parser.add_argument(name, action="store_true", help=text)
    parser.add_argument("--identity-token", metavar="TOKEN", help=TOKEN_HELP)
    parser.add_argument("--client-id", metavar="ID", help="OpenID Connect client (default: sigstore)")
    parser.add_argument("--client-secret", metavar="SECRET", help="the client's secret, if it has one")
    add_hashing(parser)
    add_model(parser)


def add_verify_options(parser: Parser) -> None:
    """The options of `verify sigstore`."""
    add_output(parser, run_verify)
    add_signature(parser, signing=False)
    parser.add_argument("--identity", required=True, help=IDENTITY_HELP)
    parser.add_argument("--identity-provider", metavar="URL", required=True, help=PROVIDER_HELP)
    add_instance(parser)
    text = "no network: the trust root is that of --trust-config, or the one that the sigstore package carries"
    parser.add_argument("--offline", action="store_true", help=text)
    add_verification(parser)
    add_hashing(parser)
    add_model(parser)


def add_instance(parser: Parser) -> None:
    """Which Sigstore."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--use-staging", action="store_true", help="Sigstore's staging instance, for tests")
    which.add_argument("--trust-config", metavar="FILE", help="an instance of your own (client trust configuration)")


def run_sign(arguments: Arguments, warn: Warn) -> Result:
    """`sign sigstore`; the result says how to verify."""
    from .signers.sigstore import VERIFY_WITH, sigstore_signer

    keep_quiet()
    signer = sigstore_signer(
        use_ambient_credentials=arguments.use_ambient_credentials,
        use_staging=arguments.use_staging,
        force_oob=arguments.oauth_force_oob,
        identity_token=arguments.identity_token,
        client_id=arguments.client_id,
        client_secret=arguments.client_secret,
        trust_config=arguments.trust_config,
    )
    commands: list[str] = []

    def listen(note: Note) -> None:
        if note.code == VERIFY_WITH:
            note = note._replace(detail=verify_command(arguments, note.detail))
            commands.append(note.detail)
        warn(note)

    result = sign_with(signer, arguments, with_notes_to(warn, listen))
    line = f"{result['line']}\nVerify it with:\n  {commands[0]}"
    return {**result, "line": line, VERIFY_WITH.replace("-", "_"): commands[0]}


def verify_command(arguments: Arguments, identity: str) -> str:
    """The command line that verifies what was just signed by `identity`, given as options."""
    words = ["--signature", "model.sig" if arguments.signature == "-" else arguments.signature]
    words += ["--use-staging"] if arguments.use_staging else []
    words += ["--trust-config", arguments.trust_config] if arguments.trust_config else []
    words += ["--allow-symlinks"] if arguments.allow_symlinks else []
    return f"model_signing_ref verify sigstore {identity} {shlex.join([*words, arguments.model])}"


def run_verify(arguments: Arguments, warn: Warn) -> Result:
    """`verify sigstore`."""
    from .verifying import Config

    keep_quiet()
    config = Config().use_sigstore_verifier(
        identity=arguments.identity,
        oidc_issuer=arguments.identity_provider,
        use_staging=arguments.use_staging,
        trust_config=arguments.trust_config,
        offline=arguments.offline,
    )
    expected = {"identity": arguments.identity, "identity_provider": arguments.identity_provider}
    return {**verify_with(config, arguments, warn), **expected}


def keep_quiet() -> None:
    """Keep what the package and its own packages log off the terminal; what matters is said in our lines."""
    for name in ("sigstore", "tuf", "urllib3", "id"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
