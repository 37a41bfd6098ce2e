"""Who a token speaks for: the claims of each kind of token, and the certificate identity they lead to.

The workload identities have the claims that the real platforms document, under the platforms' issuer URLs,
but are signed by the loopback issuer: only a client that was given the loopback trust configuration
accepts what comes of them.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from cryptography import x509

from .encodings import Json, JsonObject, username

TOKEN_LIFETIME = 600  # seconds

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
GITLAB_ISSUER = "https://gitlab.com"
GOOGLE_ISSUER = "https://accounts.google.com"
BUILDKITE_ISSUER = "https://agent.buildkite.com"

GITHUB_DETAILS = ("event_name", "sha", "workflow", "repository", "ref")  # in the order of the extensions
GOOGLE_ACCOUNT = "trainer@loopback-project.iam.gserviceaccount.com"

# What each platform puts into a token beside the registered claims, cut to what Fulcio reads:
# https://github.com/sigstore/fulcio/blob/main/docs/oidc.md
WORKLOADS: Mapping[str, Mapping[str, Json]] = {
    "github": {
        "iss": GITHUB_ISSUER,
        "sub": "repo:loopback-org/model:ref:refs/heads/main",
        "job_workflow_ref": "loopback-org/model/.github/workflows/release.yml@refs/heads/main",
        "repository": "loopback-org/model",
        "ref": "refs/heads/main",
        "event_name": "push",
        "sha": "0" * 40,
        "workflow": "release",
    },
    "gitlab": {
        "iss": GITLAB_ISSUER,
        "sub": "project_path:loopback-group/model:ref_type:branch:ref:main",
        "project_path": "loopback-group/model",
        "ci_config_ref_uri": "gitlab.com/loopback-group/model//.gitlab-ci.yml@refs/heads/main",
        "ref": "main",
        "ref_type": "branch",
    },
    "google": {
        "iss": GOOGLE_ISSUER,
        "sub": "100000000000000000001",
        "email": GOOGLE_ACCOUNT,
        "email_verified": True,
    },
    "buildkite": {
        "iss": BUILDKITE_ISSUER,
        "sub": "organization:loopback-org:pipeline:model:ref:refs/heads/main:commit:HEAD:step:release",
        "organization_slug": "loopback-org",
        "pipeline_slug": "model",
    },
}

EMAIL = re.compile(r"[!-?A-~]+@[!-?A-~]+")  # printable ASCII around one @: enough to tell it from a URI
URI = re.compile(r"[a-z][a-z0-9+.-]*://[!-~]+")


class Identity(NamedTuple):
    """What a certificate says: the identity, the OIDC issuer, a GitHub workflow's details.

    A proof of possession is over one of `proven`.
    """

    name: x509.GeneralName
    issuer: str
    proven: tuple[str, ...]
    workflow: tuple[str, ...] = ()


def user_claims(issuer: str, identity: str) -> JsonObject:
    """The claims of a person's token: an e-mail address also as `email`, anything else only as `sub`."""
    email: dict[str, Json] = {"email": identity, "email_verified": True} if EMAIL.fullmatch(identity) else {}
    return {"iss": issuer, "sub": identity, **email}


def dated(claims: JsonObject, audience: str, now: int) -> JsonObject:
    """Claims with audience and times (RFC 7519 4.1); `now` in Unix seconds."""
    return {**claims, "aud": audience, "iat": now, "exp": now + TOKEN_LIFETIME}


def _text(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    if not (isinstance(value, str) and value):
        raise ValueError(f"token without claim {name!r}")
    return value


def check_claims(claims: Mapping[str, object], issuer: str, audiences: tuple[str, ...], now: int) -> None:
    """Refuse, with ValueError, a token of another issuer or audience, or one that is not valid now."""
    allowed = {issuer, *(str(workload["iss"]) for workload in WORKLOADS.values())}
    if claims.get("iss") not in allowed:
        raise ValueError(f"token of an unknown issuer: {claims.get('iss')!r}")
    if claims.get("aud") not in audiences:
        raise ValueError(f"token for another audience: {claims.get('aud')!r}")
    issued, expires = claims.get("iat"), claims.get("exp")
    if not (isinstance(issued, int) and isinstance(expires, int) and issued <= now < expires):
        raise ValueError("token is not valid now")


def certificate_identity(claims: Mapping[str, object]) -> Identity:
    """What Fulcio certifies for a token, by its issuer; ValueError when a claim is missing.

    GitHub Actions, GitLab CI and Buildkite lead to a URI of the workflow, Google Cloud and people to an
    e-mail address; other subjects to themselves, as URI or as user name.
    """
    issuer, subject = _text(claims, "iss"), _text(claims, "sub")
    uris = {
        GITHUB_ISSUER: lambda: f"https://github.com/{_text(claims, 'job_workflow_ref')}",
        GITLAB_ISSUER: lambda: f"https://{_text(claims, 'ci_config_ref_uri')}",
        BUILDKITE_ISSUER: lambda: (
            f"https://buildkite.com/{_text(claims, 'organization_slug')}/{_text(claims, 'pipeline_slug')}"
        ),
    }
    if issuer in uris:
        details = GITHUB_DETAILS if issuer == GITHUB_ISSUER else ()
        workflow = tuple(_text(claims, name) for name in details)
        return Identity(x509.UniformResourceIdentifier(uris[issuer]()), issuer, (subject,), workflow)
    if issuer == GOOGLE_ISSUER or "email" in claims:
        if claims.get("email_verified") is not True:
            raise ValueError("token whose e-mail address is not verified")
        email = _text(claims, "email")
        return Identity(x509.RFC822Name(email), issuer, (email, subject))
    name = x509.UniformResourceIdentifier(subject) if URI.fullmatch(subject) else username(subject)
    return Identity(name, issuer, (subject,))


def expected(workload: str) -> tuple[str, str]:
    """Identity and OIDC issuer in the certificate of a workload: what its verifiers are to ask for."""
    identity = certificate_identity(WORKLOADS[workload])
    return str(identity.name.value), identity.issuer


# ------------------------------------------------------------------- environments that clients look at

BUILDKITE_AGENT = """\
#!{python}
\"\"\"Stands in for Buildkite's agent: `buildkite-agent oidc request-token --audience AUDIENCE`.\"\"\"
import argparse
import urllib.parse
import urllib.request

parser = argparse.ArgumentParser(prog="buildkite-agent")
parser.add_argument("command", choices=["oidc"])
parser.add_argument("action", choices=["request-token"])
parser.add_argument("--audience", required=True)
query = urllib.parse.urlencode({{"workload": "buildkite", "audience": parser.parse_args().audience}})
opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
with opener.open({issue_url!r} + "?" + query) as answer:
    print(answer.read().decode())
"""


def github_environment(request_url: str, request_token: str) -> dict[str, str]:
    """The variables by which a GitHub Actions job with `id-token: write` finds its token."""
    return {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": request_url,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": request_token,
    }


def gitlab_environment(token: str, audience: str = "sigstore") -> dict[str, str]:
    """The variables by which a GitLab CI job with an `id_tokens` section finds its token."""
    return {"GITLAB_CI": "true", re.sub(r"[^A-Z0-9_]|^[^A-Z_]", "_", audience.upper()) + "_ID_TOKEN": token}


def buildkite_environment(directory: Path, issue_url: str) -> dict[str, str]:
    """The variables of a Buildkite job; writes a `buildkite-agent` into `directory`, which leads the PATH."""
    agent = directory / "buildkite-agent"
    agent.write_text(BUILDKITE_AGENT.format(python=sys.executable, issue_url=issue_url), "utf-8")
    agent.chmod(0o755)
    return {
        "BUILDKITE": "true",
        "PATH": os.pathsep.join([str(directory.resolve()), os.environ.get("PATH", "")]),
    }


def shell_exports(variables: Mapping[str, str]) -> str:
    """Variables as lines that a POSIX shell reads."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(variables.items()))
