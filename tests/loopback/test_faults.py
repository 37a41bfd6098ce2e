"""Every service with every fault, before the sigstore package: where it notices, and that it does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("asn1crypto")
pytest.importorskip("sigstore")

from sigstore.oidc import IdentityError, IdentityToken, Issuer, IssuerError

from conformance.loopback import server

from .clients import http, sign, verify, wait_for_hang

SIGNING = ("fulcio", "ctlog", "rekor-v1", "rekor-v2", "tsa")
PATHS = {
    "oidc": "/oidc/.well-known/openid-configuration",
    "token": "/oidc/issue",
    "fulcio": "/api/v2/signingCert",
    "ctlog": "/api/v2/signingCert",
    "rekor-v1": "/api/v1/log/entries",
    "rekor-v2": "/api/v2/log/entries",
    "tsa": "/api/v1/timestamp",
}
# What the sigstore package says, measured: "sign" notices at once, "verify" only the verifier does, "nobody"
# does. Where nothing is said, the package loses the reason.
OUTCOMES = {
    ("fulcio", "refuse"): ("sign", ""),
    ("fulcio", "garbage"): ("sign", "Expecting value"),
    ("fulcio", "wrong-key"): ("verify", "failed to build timestamp certificate chain"),
    ("fulcio", "other-entry"): ("sign", "not signed by the certificate's key"),
    ("ctlog", "refuse"): ("sign", ""),
    ("ctlog", "garbage"): ("sign", "Invalid SCT length"),
    ("ctlog", "wrong-key"): ("sign", "SCT verify failed"),
    ("ctlog", "other-entry"): ("sign", "SCT verify failed"),
    ("rekor-v1", "refuse"): ("sign", "403: rekor-v1 refuses on request"),
    ("rekor-v1", "garbage"): ("sign", "Expecting value"),
    ("rekor-v1", "wrong-key"): ("verify", "checkpoint: invalid signature"),
    ("rekor-v1", "other-entry"): ("verify", "does not match bundle"),
    ("rekor-v2", "refuse"): ("sign", "403: rekor-v2 refuses on request"),
    ("rekor-v2", "garbage"): ("sign", "Expecting value"),
    ("rekor-v2", "wrong-key"): ("verify", "checkpoint: invalid signature"),
    ("rekor-v2", "other-entry"): ("verify", "inconsistent with other materials"),
    ("tsa", "refuse"): ("sign", "inclusion promise or signed timestamp"),
    ("tsa", "garbage"): ("sign", "inclusion promise or signed timestamp"),
    ("tsa", "wrong-key"): ("verify", "not enough sources of verified time"),
    ("tsa", "other-entry"): ("verify", "not enough sources of verified time"),
}


def version_of(service: str) -> int:
    return 1 if service == "rekor-v1" else 2


def test_everything_has_a_path() -> None:
    assert set(PATHS) == set(server.SERVICES)


def outcome(box: server.Loopback, version: int, token: str) -> tuple[str, str]:
    """At which step signing and then verifying fails, and what the package says."""
    try:
        bundle = sign(box, version, token=token)
    except Exception as error:
        return "sign", str(error)
    try:
        verify(box, bundle)
    except Exception as error:
        return "verify", str(error)
    return "nobody", ""


def test_every_fault_has_an_outcome() -> None:
    assert set(OUTCOMES) == {(service, fault) for service in SIGNING for fault in server.FAULTS if fault != "hang"}


@pytest.mark.parametrize(("service", "fault"), OUTCOMES)
def test_signing_with_a_broken_service(box: server.Loopback, service: str, fault: str) -> None:
    token = box.token()
    box.set_fault(service, fault)
    step, message = outcome(box, version_of(service), token)
    assert step == OUTCOMES[service, fault][0]
    assert OUTCOMES[service, fault][1] in message
    box.set_fault(service, None)
    assert outcome(box, version_of(service), token) == ("nobody", "")


@pytest.mark.parametrize("fault", ["refuse", "garbage", "wrong-key", "other-entry"])
def test_rekor_v1_does_without_timestamps(box: server.Loopback, fault: str) -> None:
    box.set_fault("tsa", fault)
    assert outcome(box, 1, box.token()) == ("nobody", "")


@pytest.mark.parametrize("service", SIGNING)
def test_signing_with_a_hanging_service(box: server.Loopback, service: str) -> None:
    """The client waits until the fault is lifted, and then hears that there is no answer."""
    token = box.token()
    box.set_fault(service, "hang")
    with ThreadPoolExecutor(1) as pool:
        signing = pool.submit(outcome, box, version_of(service), token)
        try:
            wait_for_hang(box, service)
            assert not signing.done()
        finally:
            box.set_fault(service, None)
        assert signing.result()[0] == "sign"


@pytest.mark.parametrize("service", server.SERVICES)
def test_stopping_lets_go_of_who_hangs(service: str) -> None:
    method = "GET" if service in ("oidc", "token") else "POST"
    with ThreadPoolExecutor(1) as pool:
        with server.start(faults={service: "hang"}) as box:
            waiting = pool.submit(http, box.url + PATHS[service], b"" if method == "POST" else None)
            wait_for_hang(box, service)
            assert not waiting.done()
        answer = waiting.result()
    assert answer.status == 503
    assert service.encode() in answer.body


@pytest.mark.parametrize("fault", ["refuse", "garbage"])
def test_discovery_broken(box: server.Loopback, fault: str) -> None:
    box.set_fault("oidc", fault)
    with pytest.raises(IssuerError):
        Issuer(box.issuer)


def test_discovery_of_another_issuer(box: server.Loopback) -> None:
    box.set_fault("oidc", "other-entry")
    document = http(box.url + PATHS["oidc"]).json()
    assert document["issuer"] != box.issuer


def test_another_key_published(box: server.Loopback) -> None:
    keys = http(f"{box.issuer}/keys").json()
    box.set_fault("oidc", "wrong-key")
    assert http(f"{box.issuer}/keys").json() != keys


def get_token(box: server.Loopback, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    def type_code(_: str) -> str:
        return http(capsys.readouterr().err.split()[-1]).body.decode().strip()

    monkeypatch.setattr("builtins.input", type_code)
    return str(Issuer(box.issuer).identity_token(force_oob=True))


@pytest.mark.parametrize("fault", ["refuse", "garbage"])
def test_no_token(
    box: server.Loopback, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    box.set_fault("token", fault)
    with pytest.raises((IdentityError, ValueError), match=r"failed with 403|Expecting value"):
        get_token(box, monkeypatch, capsys)


def test_token_by_a_wrong_key(
    box: server.Loopback, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    box.set_fault("token", "wrong-key")
    token = get_token(box, monkeypatch, capsys)
    assert outcome(box, 2, token) == ("sign", "")
    assert "POST /api/v2/log/entries" not in box.requests


def test_token_of_another(
    box: server.Loopback, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    box.set_fault("token", "other-entry")
    token = get_token(box, monkeypatch, capsys)
    assert IdentityToken(token).identity == server.OTHERS_IDENTITY
    bundle = sign(box, token=token)
    verify(box, bundle, server.OTHERS_IDENTITY)


@pytest.mark.parametrize("service", server.SERVICES)
def test_refusals_say_who_refuses(box: server.Loopback, service: str) -> None:
    box.set_fault(service, "refuse")
    answer = http(box.url + PATHS[service], None if service in ("oidc", "token") else b"")
    assert answer.status == 403
    assert service in next(value for value in answer.json().values() if isinstance(value, str))
