"""How the tests drive clients: plain HTTP, the sigstore package, and commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from sigstore.dsse import Statement
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext
from sigstore.verify import Verifier, policy

from conformance.loopback.server import Loopback

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 60  # seconds after which a client that makes no progress is given up
STATEMENT = json.dumps(
    {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "model", "digest": {"sha256": "0" * 64}}],
        "predicateType": "https://example.test/predicate",
        "predicate": {},
    }
).encode()
PAYLOAD_TYPE = "application/vnd.in-toto+json"


class Answer(NamedTuple):
    """An HTTP response; redirects are not followed."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    def json(self) -> Any:
        return json.loads(self.body)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def http(
    url: str, body: bytes | None = None, method: str | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """One request, without proxy: GET, or POST when there is a body."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())
    request = urllib.request.Request(url, body, dict(headers or {}), method=method)
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            return Answer(answer.status, answer.read(), dict(answer.headers))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read(), dict(error.headers))


def trust(box: Loopback, *versions: int) -> ClientTrustConfig:
    return ClientTrustConfig.from_json(json.dumps(box.trust_config(versions or (1, 2))))


def sign(box: Loopback, *versions: int, token: str | None = None) -> Bundle:
    """Sign a statement with the sigstore package."""
    context = SigningContext.from_trust_config(trust(box, *versions))
    with context.signer(IdentityToken(token or box.token())) as signer:
        return signer.sign_dsse(Statement(STATEMENT))


def verify(box: Loopback, bundle: Bundle, identity: str = "alice@example.com", issuer: str | None = None) -> bytes:
    """Verify with the sigstore package, through JSON; returns the payload."""
    verifier = Verifier(trusted_root=trust(box).trusted_root)
    wanted = policy.Identity(identity=identity, issuer=issuer or box.issuer)
    kind, payload = verifier.verify_dsse(Bundle.from_json(bundle.to_json()), wanted)
    assert kind == PAYLOAD_TYPE
    return payload


def run(command: Sequence[str | Path], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the repository, with these variables added; its output is captured."""
    return subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def run_out_of_band(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run a command that prints an address and asks for the code that is shown there."""
    with subprocess.Popen(
        command,
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        url = wait_for_address(process.stderr)
        code = http(url).body.decode()
        output, errors = process.communicate(code, timeout=PATIENCE)
        return subprocess.CompletedProcess(command, process.returncode, output, errors)


def wait_for_address(stream: IO[str] | None) -> str:
    """The first line that is an address; the output must not end before it."""
    assert stream is not None
    for line in stream:
        if line.strip().startswith("http"):
            return line.strip()
    raise AssertionError("no address was printed")


def wait_for_hang(box: Loopback, service: str) -> None:
    """Return when a request hangs in the service."""
    assert box.wait_for_hang(service, PATIENCE), f"no request hangs in {service}"


def browser(directory: Path) -> str:
    """A browser without a window: a command for BROWSER that follows redirects from the page it is given."""
    script = directory / "browser"
    script.write_text(
        f"#!{sys.executable}\n"
        "import sys, urllib.request\n"
        "opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))\n"
        "opener.open(sys.argv[1], timeout=60).read()\n"
    )
    script.chmod(0o755)
    return f"{script} %s"
