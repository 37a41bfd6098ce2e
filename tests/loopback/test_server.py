"""The server over plain HTTP: what it grants, what it refuses, and in which words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

pytest.importorskip("asn1crypto")
pytest.importorskip("sigstore")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from conformance.loopback import encodings as enc
from conformance.loopback import identities as ids
from conformance.loopback import server

from .clients import Answer, http

KEY = enc.ec_key("tests", "http client")
VERIFIER = "a-verifier-of-43-characters-or-more-0123456789"
LOGIN: Mapping[str, str] = {
    "response_type": "code",
    "client_id": "sigstore",
    "scope": "openid email",
    "redirect_uri": "http://localhost:1/callback",
    "code_challenge": enc.b64url(hashlib.sha256(VERIFIER.encode()).digest()),
    "code_challenge_method": "S256",
    "state": "a state",
}


def authorise(box: server.Loopback, **changes: str) -> Answer:
    return http(f"{box.issuer}/auth?{urlencode({**LOGIN, **changes})}")


def redirected(answer: Answer) -> dict[str, list[str]]:
    assert answer.status == 302
    assert answer.headers["Location"].startswith("http://localhost:1/callback?")
    return parse_qs(urlsplit(answer.headers["Location"]).query)


def exchange(box: server.Loopback, code: str, secret: str = "", **changes: str) -> Answer:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": LOGIN["redirect_uri"],
        "code_verifier": VERIFIER,
        **changes,
    }
    client = enc.b64(f"{changes.get('client_id', 'sigstore')}:{secret}".encode())
    return http(f"{box.issuer}/token", urlencode(form).encode(), headers={"Authorization": f"Basic {client}"})


def post(url: str, value: object, token: str = "") -> Answer:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return http(url, json.dumps(value).encode(), headers=headers)


def request_certificate(
    box: server.Loopback, token: str, key: ec.EllipticCurvePrivateKey = KEY, flipped: int = 0
) -> Answer:
    """Ask with a CSR, its last byte (of the signature) changed by `flipped`."""
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    der = csr.public_bytes(serialization.Encoding.DER)
    pem = enc.b64(der[:-1] + bytes([der[-1] ^ flipped]))
    text = enc.b64(f"-----BEGIN CERTIFICATE REQUEST-----\n{pem}\n-----END CERTIFICATE REQUEST-----\n".encode())
    return post(f"{box.url}/api/v2/signingCert", {"certificateSigningRequest": text}, token)


def leaf_of(answer: Answer) -> x509.Certificate:
    assert answer.status == 200, answer.body
    chain = answer.json()["signedCertificateEmbeddedSct"]["chain"]["certificates"]
    leaf, intermediate, root = (x509.load_pem_x509_certificate(text.encode()) for text in chain)
    leaf.verify_directly_issued_by(intermediate)
    intermediate.verify_directly_issued_by(root)
    return leaf


def identity_of(leaf: x509.Certificate) -> x509.GeneralName:
    names: list[x509.GeneralName] = list(leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    (name,) = names
    return name


# --------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "", "::1", "127.0.0.1.example.com"])
def test_only_loopback_addresses(host: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        server.start(server.Options(host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost"])
def test_loopback_addresses(host: str) -> None:
    with server.start(server.Options(host=host)) as box:
        assert http(f"{box.url}/faults").json() == {}


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/", 404), ("GET", "/oidc/token", 405)])
def test_what_is_not_served(box: server.Loopback, method: str, path: str, status: int) -> None:
    answer = http(box.url + path, method=method)
    assert (answer.status, answer.json()["code"]) == (status, status)


@pytest.mark.parametrize("length", ["x", "-1", str(server.BODY_LIMIT + 1)])
def test_requests_without_a_sensible_length(box: server.Loopback, length: str) -> None:
    answer = http(f"{box.url}/api/v1/timestamp", b"", headers={"Content-Length": length})
    assert answer.status == 413


# -------------------------------------------------------------------------------------------- OIDC


def test_discovery_and_keys(box: server.Loopback) -> None:
    jwt = pytest.importorskip("jwt")
    document = http(f"{box.issuer}/.well-known/openid-configuration").json()
    assert document["issuer"] == box.issuer
    code = redirected(http(f"{document['authorization_endpoint']}?{urlencode(LOGIN)}"))["code"][0]
    answer = exchange(box, code).json()
    assert answer["access_token"] == answer["id_token"]
    key = jwt.PyJWKClient(document["jwks_uri"]).get_signing_key_from_jwt(answer["id_token"])
    claims = jwt.decode(answer["id_token"], key, algorithms=["ES256"], audience="sigstore", issuer=box.issuer)
    assert claims["email"] == claims["sub"] == "alice@example.com"
    assert claims["exp"] - claims["iat"] == answer["expires_in"] == ids.TOKEN_LIFETIME


def test_rs256_tokens_get_certificates() -> None:
    with server.start(server.Options(token_algorithm="RS256")) as box:
        assert http(f"{box.issuer}/keys").json()["keys"][0]["kty"] == "RSA"
        leaf_of(request_certificate(box, box.token()))


def test_state_and_login_hint(box: server.Loopback) -> None:
    answer = redirected(authorise(box, login_hint="bob@example.com"))
    assert answer["state"] == ["a state"]
    token = exchange(box, answer["code"][0]).json()["access_token"]
    assert enc.open_jwt(token, box.token_key)["sub"] == "bob@example.com"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "other"}, "unauthorized_client"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"scope": "email"}, "invalid_scope"),
    ],
)
def test_authorisation_errors(box: server.Loopback, changes: dict[str, str], error: str) -> None:
    answer = redirected(authorise(box, **changes))
    assert (answer["error"], answer["state"]) == ([error], ["a state"])
    out_of_band = authorise(box, **changes, redirect_uri=server.OUT_OF_BAND)
    assert (out_of_band.status, out_of_band.json()) == (400, {"error": error})


@pytest.mark.parametrize("uri", ["https://example.com/", "http://192.0.2.1/", "", "/callback", "javascript:0"])
def test_codes_go_to_loopback_only(box: server.Loopback, uri: str) -> None:
    assert authorise(box, redirect_uri=uri).status == 400


@pytest.mark.parametrize("uri", ["http://127.0.0.1:1/?a=b", "http://[::1]:1/"])
def test_codes_go_to_loopback(box: server.Loopback, uri: str) -> None:
    answer = authorise(box, redirect_uri=uri)
    assert answer.headers["Location"].startswith(uri)
    assert "code" in parse_qs(urlsplit(answer.headers["Location"]).query)


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "another"},
        {"code_verifier": "another"},
        {"redirect_uri": "http://localhost:2/"},
        {"grant_type": "password"},
    ],
)
def test_token_errors(box: server.Loopback, changes: dict[str, str]) -> None:
    code = redirected(authorise(box))["code"][0]
    answer = exchange(box, **{"code": code, **changes})
    assert (answer.status, answer.json()) == (400, {"error": "invalid_grant"})


def test_a_code_works_once(box: server.Loopback) -> None:
    code = redirected(authorise(box))["code"][0]
    assert exchange(box, code).status == 200
    assert exchange(box, code).status == 400


def test_clients_and_secrets() -> None:
    with server.start(server.Options(client_ids=("mine",), client_secret="hush")) as box:
        for client_id, secret, status in [
            ("mine", "", 401),
            ("sigstore", "hush", 401),
            ("mine", "hush", 200),
        ]:
            code = redirected(authorise(box, client_id="mine"))["code"][0]
            answer = exchange(box, code, secret, client_id=client_id)
            assert answer.status == status
        leaf_of(request_certificate(box, answer.json()["access_token"]))


def test_client_in_the_form(box: server.Loopback) -> None:
    code = redirected(authorise(box))["code"][0]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": LOGIN["redirect_uri"],
        "code_verifier": VERIFIER,
        "client_id": "sigstore",
    }
    assert http(f"{box.issuer}/token", urlencode(form).encode()).status == 200


def test_old_codes_are_forgotten(box: server.Loopback) -> None:
    grant = server.Grant("sigstore", "", "", "alice@example.com")
    codes = [box.keep_grant(grant) for _ in range(server.REMEMBERED + 1)]
    assert box.take_grant(codes[0]) is None
    assert box.take_grant(codes[1]) == grant


# ---------------------------------------------------------------------------------------- workloads


def test_github_request_token(box: server.Loopback) -> None:
    url = f"{box.github_request_url}&audience=sigstore"
    assert http(url).status == 401
    answer = http(url, headers={"Authorization": f"bearer {server.REQUEST_TOKEN}"})
    assert enc.open_jwt(answer.json()["value"], box.token_key)["iss"] == ids.GITHUB_ISSUER


def test_google_metadata_flavor(box: server.Loopback) -> None:
    for path in ("identity", "token"):
        assert http(f"{box.url}{server.GOOGLE}/{path}?audience=sigstore").status == 403
    account = f"{box.url}/v1/projects/-/serviceAccounts/a@example.com:generateIdToken"
    assert post(account, {"audience": "sigstore"}).status == 401


def test_unknown_workload(box: server.Loopback) -> None:
    assert http(f"{box.issuer}/issue?workload=other").status == 400


# ------------------------------------------------------------------------------------------- Fulcio


@pytest.mark.parametrize(
    ("identity", "kind"),
    [
        ("alice@example.com", x509.RFC822Name),
        ("https://example.com/a/workflow", x509.UniformResourceIdentifier),
        ("alice", x509.OtherName),
    ],
)
def test_certificate_identities(box: server.Loopback, identity: str, kind: type[x509.GeneralName]) -> None:
    name = identity_of(leaf_of(request_certificate(box, box.token(identity))))
    assert isinstance(name, kind)
    assert name == enc.username(identity) or name.value == identity


@pytest.mark.parametrize("workload", ids.WORKLOADS)
def test_workload_identities(box: server.Loopback, workload: str) -> None:
    leaf = leaf_of(request_certificate(box, box.token(workload=workload)))
    identity, issuer = ids.expected(workload)
    assert identity_of(leaf).value == identity
    extension = leaf.extensions.get_extension_for_oid(enc.OID_ISSUER_V1).value
    assert isinstance(extension, x509.UnrecognizedExtension)
    assert extension.value == issuer.encode()


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "other"},
        {"exp": 1},
        {"iat": 2**40},
        {"iss": "https://other.example"},
        {"sub": ""},
        {"email_verified": False},
        {"email": ""},
    ],
)
def test_tokens_that_get_no_certificate(box: server.Loopback, claims: enc.JsonObject) -> None:
    token = box.token(claims=claims)
    answer = request_certificate(box, token)
    assert answer.status == 401
    assert "identity token" in answer.json()["message"]
    assert token.encode() not in answer.body


def test_a_token_of_somebody_else_gets_no_certificate(box: server.Loopback) -> None:
    token = enc.jwt(KEY, ids.dated(ids.user_claims(box.issuer, "alice@example.com"), "sigstore", box.clock()))
    assert request_certificate(box, token).status == 401
    assert request_certificate(box, "junk").status == 401


def test_requests_that_get_no_certificate(box: server.Loopback) -> None:
    other = request_certificate(box, box.token(), ec.generate_private_key(ec.SECP384R1()))
    assert (other.status, "P-256" in other.json()["message"]) == (400, True)
    forged = request_certificate(box, box.token(), flipped=1)
    assert (forged.status, "not signed by its key" in forged.json()["message"]) == (400, True)
    assert post(f"{box.url}/api/v2/signingCert", {}, box.token()).status == 400
    assert post(f"{box.url}/api/v2/signingCert", {}).status == 400


def test_proof_of_possession_by_signature(box: server.Loopback) -> None:
    """What clients that send no CSR do (sigstore-go, sigstore-js)."""
    pem = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for subject, status in [("alice@example.com", 200), ("bob@example.com", 400)]:
        request = {
            "credentials": {"oidcIdentityToken": box.token()},
            "publicKeyRequest": {
                "publicKey": {"algorithm": "ECDSA", "content": pem.decode()},
                "proofOfPossession": enc.b64(enc.sign(KEY, subject.encode())),
            },
        }
        answer = post(f"{box.url}/api/v2/signingCert", request)
        assert answer.status == status
        if status == 200:
            assert leaf_of(answer).public_key() == KEY.public_key()


def test_trust_bundle(box: server.Loopback) -> None:
    (chain,) = http(f"{box.url}/api/v2/trustBundle").json()["chains"]
    authority = box.instance.fulcio
    assert chain["certificates"] == [enc.pem(item).decode() for item in (authority.certificate, authority.root)]


# -------------------------------------------------------------------------------------------- Rekor


def proposals(box: server.Loopback) -> dict[str, tuple[str, dict[str, object]]]:
    """A good request for each kind of entry, with its path."""
    leaf = leaf_of(request_certificate(box, box.token()))
    signed = enc.pae("text/plain", b"x")
    signature, digest = enc.sign(KEY, signed), hashlib.sha256(signed).digest()
    text, pem = json.dumps(enc.envelope("text/plain", b"x", signature)), enc.b64(enc.pem(leaf))
    hashed = {
        "data": {"hash": {"algorithm": "sha256", "value": digest.hex()}},
        "signature": {"content": enc.b64(signature), "publicKey": {"content": pem}},
    }
    verifier = {
        "x509Certificate": {"rawBytes": enc.b64(enc.der(leaf))},
        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
    }
    v2 = {"digest": enc.b64(digest), "signature": {"content": enc.b64(signature), "verifier": verifier}}
    v1 = {"apiVersion": "0.0.1"}
    entries = "/api/v1/log/entries"
    return {
        "dsse": (
            entries,
            {**v1, "kind": "dsse", "spec": {"proposedContent": {"envelope": text, "verifiers": [pem]}}},
        ),
        "hashedrekord": (entries, {**v1, "kind": "hashedrekord", "spec": hashed}),
        "v2": ("/api/v2/log/entries", {"hashedRekordRequestV002": v2}),
    }


@pytest.mark.parametrize("kind", ["dsse", "hashedrekord", "v2"])
def test_logs_take_signatures(box: server.Loopback, kind: str) -> None:
    path, request = proposals(box)[kind]
    assert post(box.url + path, request).status == 201


@pytest.mark.parametrize("kind", ["dsse", "hashedrekord", "v2"])
def test_logs_refuse_what_is_not_signed(box: server.Loopback, kind: str) -> None:
    path, request = proposals(box)[kind]
    other = enc.b64(enc.sign(KEY, b"something else"))
    good = json.loads(json.dumps(request))
    if kind == "dsse":
        envelope = json.loads(good["spec"]["proposedContent"]["envelope"])
        envelope["signatures"][0]["sig"] = other
        good["spec"]["proposedContent"]["envelope"] = json.dumps(envelope)
    elif kind == "hashedrekord":
        good["spec"]["signature"]["content"] = other
    else:
        good["hashedRekordRequestV002"]["signature"]["content"] = other
    answer = post(box.url + path, good)
    assert answer.status == 400
    assert "not signed" in answer.json()["message"]


def change(request: dict[str, object], path: str, value: object) -> dict[str, Any]:
    """A copy of the request with the value at `path` (member names, dots between) replaced."""
    changed: dict[str, Any] = json.loads(json.dumps(request))
    *way, last = path.split(".")
    inner = changed
    for name in way:
        inner = inner[name]
    inner[last] = value
    return changed


@pytest.mark.parametrize(
    ("kind", "path", "value", "reason"),
    [
        ("dsse", "apiVersion", "0.0.2", "only version 0.0.1"),
        ("dsse", "kind", "intoto", "only version 0.0.1"),
        ("dsse", "kind", 1, "no string at kind"),
        ("dsse", "spec.proposedContent.verifiers", [], "only one signature"),
        ("dsse", "spec.proposedContent.verifiers", [enc.b64(b"junk")], "bad request"),
        ("dsse", "spec.proposedContent.envelope", '{"signatures": [{}, {}]}', "only one signature"),
        ("hashedrekord", "spec.data.hash.algorithm", "sha512", "only sha256"),
        ("hashedrekord", "spec.data.hash.value", "00", "not signed"),
        ("v2", "hashedRekordRequestV002.signature.verifier.keyDetails", "PKIX_ED25519", "only PKIX_ECDSA"),
        ("v2", "hashedRekordRequestV002.digest", "?", "bad request"),
    ],
)
def test_logs_take_nothing_else(box: server.Loopback, kind: str, path: str, value: object, reason: str) -> None:
    address, request = proposals(box)[kind]
    answer = post(box.url + address, change(request, path, value))
    assert answer.status == 400
    assert reason in answer.json()["message"]


@pytest.mark.parametrize("path", ["/api/v1/log/entries", "/api/v2/log/entries", "/api/v2/signingCert", "/faults"])
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"kind":"dsse","apiVersion":"0.0.1"}', b"[" * 20000])
def test_junk_is_refused(box: server.Loopback, path: str, body: bytes) -> None:
    method = "PUT" if path == "/faults" else "POST"
    headers = {"Authorization": f"Bearer {box.token()}"}
    answer = http(box.url + path, body, method, headers)
    assert answer.status == 400
    assert "bad request" in answer.json()["message"]


def test_rekor_v1_answers_about_entries(box: server.Loopback) -> None:
    path, request = proposals(box)["dsse"]
    ((uuid, entry),) = post(box.url + path, request).json().items()
    index = box.instance.rekor_v1.offset + server.PRELOADED
    assert entry["logIndex"] == index
    for query in (f"/{uuid}", f"/{uuid[16:]}", f"?logIndex={index}"):
        ((found, again),) = http(box.url + path + query).json().items()
        assert (found, again["body"]) == (uuid, entry["body"])
    assert http(f"{box.url}{path}?logIndex=0").status == 404
    log = http(f"{box.url}/api/v1/log").json()
    proof = entry["verification"]["inclusionProof"]
    assert (log["treeSize"], log["rootHash"]) == (server.PRELOADED + 1, proof["rootHash"])
    key = serialization.load_pem_public_key(http(f"{box.url}/api/v1/log/publicKey").body)
    assert key == box.instance.rekor_v1.key.public_key()


# ------------------------------------------------------------------------------------ time and faults


def test_the_clock_is_the_servers(box: server.Loopback) -> None:
    with server.start(clock=lambda: 2_000_000_000) as other:
        leaf = leaf_of(request_certificate(other, other.token()))
        assert leaf.not_valid_before_utc == enc.utc(2_000_000_000)
        assert request_certificate(box, box.token(claims={"exp": 2})).status == 401


def test_the_seed_gives_the_keys() -> None:
    with server.start() as one, server.start() as two, server.start(server.Options(seed="x")) as three:
        assert one.instance.rekor_v1.key_id == two.instance.rekor_v1.key_id != three.instance.rekor_v1.key_id


def test_faults_over_http(box: server.Loopback) -> None:
    def put(value: object) -> Answer:
        return http(f"{box.url}/faults", json.dumps(value).encode(), "PUT")

    assert put({"tsa": "refuse", "fulcio": "garbage"}).json() == {"tsa": "refuse", "fulcio": "garbage"}
    assert http(f"{box.url}/api/v1/timestamp", b"").status == 403
    assert put({"tsa": "other", "fulcio": None}).status == 400
    assert put({"other": "refuse"}).status == 400
    assert box.faults() == {"tsa": "refuse", "fulcio": "garbage"}
    assert put({"tsa": None, "fulcio": None}).json() == {}


def test_faults_from_the_start() -> None:
    with server.start(faults={"oidc": "refuse"}) as box:
        assert http(f"{box.issuer}/.well-known/openid-configuration").status == 403
    with pytest.raises(ValueError, match="unknown fault"):
        server.start(faults={"oidc": "sulk"})
