"""Fixtures: a running loopback Sigstore, and clients that know nothing but its trust configuration."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # the test modules skip where asn1crypto or sigstore is missing
    from conformance.loopback import server

AMBIENT = ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI", "GOOGLE_SERVICE_ACCOUNT_NAME", "BROWSER")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy, no CI, no caches: only what a test sets."""
    for name in os.environ:
        if name.lower().endswith("_proxy") or name.startswith(("SIGSTORE_", "ACTIONS_")) or name in AMBIENT:
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    for kind in ("CACHE", "DATA", "CONFIG"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / f"xdg-{kind.lower()}"))


@pytest.fixture
def box() -> Iterator[server.Loopback]:
    from conformance.loopback import server

    with server.start() as running:
        yield running


@pytest.fixture(params=[1, 2], ids=["rekor-v1", "rekor-v2"])
def rekor_version(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def write_trust_config(tmp_path: Path) -> Callable[..., Path]:
    """`write_trust_config(box, versions)` writes the client trust configuration and returns its path."""

    def write(running: server.Loopback, *versions: int) -> Path:
        path = tmp_path / "trust-config.json"
        path.write_text(json.dumps(running.trust_config(versions or (1, 2))), "utf-8")
        return path

    return write
