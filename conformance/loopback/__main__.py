"""`python3 -m conformance.loopback`: serve a Sigstore on loopback, and get tokens from it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from . import identities as ids
from .server import FAULTS, REQUEST_TOKEN, SERVICES, Loopback, Options, loopback_address, start

ABOUT = """\
A small Sigstore on loopback: OpenID Connect issuer, Fulcio, certificate transparency log, Rekor v1 and v2,
RFC 3161 timestamp authority. Real clients sign and verify against it, given its trust configuration.

What it is not: it is no Sigstore to rely on. It gives anyone on this machine a token for any identity, its
keys follow from a seed that anyone may know, its logs are kept in memory and nobody watches them, and it
refuses to listen anywhere but on loopback. What it certifies is worth nothing; never add its trust
configuration to anything that checks real signatures.
"""

EXAMPLE = """\
three commands:
  python3 -m conformance.loopback serve --trust-config loopback.json &
  TOKEN=$(python3 -m conformance.loopback token --trust-config loopback.json)
  then sign with --trust-config loopback.json and that token, or leave the token out and use a browser
"""

ENVIRONMENT = """\
Prints what the platform sets in a job that may have a token, for `eval`. Google Cloud can't be set up so: its
clients ask the host `metadata` on port 80, if /sys/class/dmi/id/product_name says that they run there. The
server answers those requests too, to clients that are pointed at it.
"""


def fault_argument(text: str) -> tuple[str, str]:
    """`SERVICE=FAULT` of the command line."""
    service, _, fault = text.partition("=")
    if service not in SERVICES or fault not in FAULTS:
        raise argparse.ArgumentTypeError(f"{text!r} is not SERVICE=FAULT of those listed below")
    return service, fault


def parser() -> argparse.ArgumentParser:
    """The command line."""
    main_parser = argparse.ArgumentParser(
        prog="python3 -m conformance.loopback",
        description=ABOUT,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = main_parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    faults = "".join(f"\n  {name}: {meaning}" for name, meaning in FAULTS.items())
    serve = commands.add_parser(
        "serve",
        help="run the services until interrupted",
        description=ABOUT,
        epilog=f"services: {', '.join(SERVICES)}\nfaults:{faults}\n\nGET and PUT /faults show and set them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.add_argument(
        "--trust-config",
        type=Path,
        required=True,
        metavar="FILE",
        help="write the client trust configuration",
    )
    serve.add_argument("--host", default="127.0.0.1", help="IPv4 loopback address (default: %(default)s)")
    serve.add_argument("--port", type=int, default=0, help="default: a free one")
    serve.add_argument("--seed", default="loopback", help="keys and serial numbers follow from it")
    serve.add_argument("--identity", default="alice@example.com", help="who logs in (default: %(default)s)")
    serve.add_argument(
        "--client-id",
        action="append",
        metavar="ID",
        help="OAuth client and token audience to accept; repeatable (default: sigstore)",
    )
    serve.add_argument("--client-secret", default="", metavar="SECRET", help="ask OAuth clients for this secret")
    serve.add_argument("--token-algorithm", choices=["ES256", "RS256"], default="ES256")
    serve.add_argument(
        "--rekor-version",
        type=int,
        choices=[1, 2],
        help="name only this version in the trust configuration's signing part (default: both)",
    )
    serve.add_argument(
        "--fault",
        type=fault_argument,
        action="append",
        default=[],
        metavar="SERVICE=FAULT",
        help="repeatable",
    )
    token = commands.add_parser("token", help="print an identity token from a running server")
    token.add_argument("--trust-config", type=Path, required=True, metavar="FILE", help="as `serve` wrote it")
    token.add_argument("--audience", default="sigstore", help="default: %(default)s")
    whose = token.add_mutually_exclusive_group()
    whose.add_argument("--identity", help="default: the server's")
    whose.add_argument("--workload", choices=list(ids.WORKLOADS))
    environment = commands.add_parser(
        "environment",
        help="print shell commands that make this look like a CI job",
        description=ENVIRONMENT,
        epilog="identity and identity provider to verify with:"
        + "".join(f"\n  {name}: {' of '.join(ids.expected(name))}" for name in ids.WORKLOADS),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    environment.add_argument("--trust-config", type=Path, required=True, metavar="FILE")
    environment.add_argument(
        "--agent-directory", type=Path, metavar="DIR", help="where to put `buildkite-agent` (for buildkite)"
    )
    environment.add_argument("workload", choices=["github", "gitlab", "buildkite"])
    return main_parser


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that whoever waits for it never sees half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def serve(arguments: argparse.Namespace) -> int:
    """Run until SIGINT or SIGTERM; then the status is 0."""
    options = Options(
        seed=arguments.seed,
        host=arguments.host,
        port=arguments.port,
        identity=arguments.identity,
        client_ids=tuple(arguments.client_id or ["sigstore"]),
        client_secret=arguments.client_secret,
        token_algorithm=arguments.token_algorithm,
    )
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    with start(options, dict(arguments.fault)) as box:
        announce(box, arguments)
        done.wait()
    return 0


def announce(box: Loopback, arguments: argparse.Namespace) -> None:
    """Write the trust configuration, and say that the server is ready."""
    versions = [arguments.rekor_version] if arguments.rekor_version else [1, 2]
    write_atomically(arguments.trust_config, json.dumps(box.trust_config(versions), indent=2) + "\n")
    print(f"listening on {box.url}; worthless identities, for tests only")
    print(f"who logs in is {box.options.identity}, of the identity provider {box.issuer}", flush=True)


def oidc_url(trust_config: Path) -> str:
    """The issuer's address in a trust configuration; ValueError unless it is on loopback."""
    try:
        url = json.loads(trust_config.read_bytes())["signingConfig"]["oidcUrls"][0]["url"]
        loopback_address(urllib.parse.urlsplit(url).hostname or "")
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{trust_config} is not a loopback trust configuration: {error}") from None
    return str(url)


def issue(url: str, **query: str | None) -> str:
    """Ask a running server for a token; no proxy comes between."""
    given = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{url}/issue?{given}", timeout=30) as answer:
        return str(answer.read().decode())


def token(arguments: argparse.Namespace) -> int:
    """Print a token."""
    url = oidc_url(arguments.trust_config)
    print(issue(url, audience=arguments.audience, identity=arguments.identity, workload=arguments.workload))
    return 0


def environment(arguments: argparse.Namespace) -> int:
    """Print a CI job's variables."""
    url = oidc_url(arguments.trust_config)
    if arguments.workload == "github":
        request_url = f"{url.removesuffix('/oidc')}/actions/id-token?api-version=2.0"
        variables = ids.github_environment(request_url, REQUEST_TOKEN)
    elif arguments.workload == "gitlab":
        variables = ids.gitlab_environment(issue(url, workload="gitlab", audience="sigstore"))
    elif arguments.agent_directory is None:
        raise ValueError("buildkite needs --agent-directory")
    else:
        variables = ids.buildkite_environment(arguments.agent_directory, f"{url}/issue")
    print(ids.shell_exports(variables), end="")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 2 it could not be done, 130 interrupted."""
    arguments = parser().parse_args(argv)
    commands = {"serve": serve, "token": token, "environment": environment}
    try:
        return commands[arguments.command](arguments)
    except (OSError, ValueError, urllib.error.URLError) as error:
        print(f"loopback: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
