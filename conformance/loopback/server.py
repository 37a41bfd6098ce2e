"""One HTTP server on loopback that speaks the protocols of a Sigstore, well or, on demand, badly.

`start()` runs it in a thread. Each handler is a function from the running server and a request to a
response; what it says is computed in `encodings` and `identities`. There is no account, no password and
no secret: whoever reaches the server gets a token for any identity.

Paths (Fulcio and Rekor clients append theirs to the server's address):

    /oidc/…                             OpenID Connect: discovery, auth, token, keys; and `issue`, a short cut
    /actions/id-token                   what ACTIONS_ID_TOKEN_REQUEST_URL points at on GitHub Actions
    /computeMetadata/v1/instance/…      Google Cloud's metadata server
    /v1/projects/…:generateIdToken      and the call by which it lends out other accounts
    /api/v2/signingCert, trustBundle    Fulcio v2 (the CT log is inside: it only shows in certificates)
    /api/v1/log…                        Rekor v1
    /api/v2/log/entries                 Rekor v2
    /api/v1/timestamp                   an RFC 3161 timestamp authority
    /faults                             GET what is broken, PUT what is to be broken
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import re
import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import NamedTuple, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from . import encodings as enc
from . import identities as ids
from .encodings import JsonObject

SERVICES = ("oidc", "token", "fulcio", "ctlog", "rekor-v1", "rekor-v2", "tsa")
FAULTS: Mapping[str, str] = {
    "refuse": "answers 403 with a reason (ctlog: Fulcio gives that answer)",
    "hang": "accepts the request and does not answer until the fault is lifted (ctlog: Fulcio does)",
    "garbage": "answers as if all were well, with bytes that mean nothing (ctlog: in the certificate)",
    "wrong-key": "signs with another key than it publishes (oidc: publishes another key than signs)",
    "other-entry": "answers with what belongs to somebody else (oidc: another issuer's name; token: another "
    "subject's; fulcio: another's certificate; ctlog: an SCT of another certificate; rekor: an older entry; "
    "tsa: a timestamp over another message)",
}
GARBAGE = b"\xff\xfe\0 this is not the answer \0"
OTHERS_IDENTITY = "mallory@example.com"
PRELOADED = 3  # entries that each log holds before the first request, so that every proof has a path
PRELOADED_TIME = enc.VALID_FROM + 86_400
STOP_INTERVAL = 0.1  # seconds between looks at whether to stop
REMEMBERED = 1000  # requests, and codes that nobody has used yet; older ones are forgotten
BODY_LIMIT = 64 * 2**20  # bytes of a request
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
REQUEST_TOKEN = "loopback-request-token"  # noqa: S105 - a name, not a secret: see the module's docstring
ACCESS_TOKEN = "loopback-access-token"  # noqa: S105 - the same, for Google Cloud's impersonation

# What parsers raise on a client's nonsense
BAD_INPUT = (ValueError, TypeError, KeyError, RecursionError, x509.InvalidVersion, UnsupportedAlgorithm)

Clock: TypeAlias = Callable[[], int]


class Options(NamedTuple):
    """How to run: `port` 0 takes a free one; `identity` is who logs in; `client_secret` "" asks for none."""

    seed: str = "loopback"
    host: str = "127.0.0.1"
    port: int = 0
    identity: str = "alice@example.com"
    client_ids: tuple[str, ...] = ("sigstore",)
    client_secret: str = ""
    token_algorithm: str = "ES256"  # noqa: S105 - the name of an algorithm


class Request(NamedTuple):
    """An HTTP request; header names in lower case, the last of equal query parameters counts."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Response(NamedTuple):
    """An HTTP response."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


class Refused(Exception):
    """A request that gets an error for an answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Grant(NamedTuple):
    """What an authorisation code was given out for (RFC 6749 4.1.2, RFC 7636 4.4)."""

    client_id: str
    redirect_uri: str
    challenge: str
    identity: str


class Logged(NamedTuple):
    """An entry of a log and when it was taken in, Unix seconds."""

    body: enc.Body
    time: int


def loopback_address(host: str) -> str:
    """The address to bind: `host` itself if it is a loopback address; ValueError for anything else."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        loopback = ipaddress.IPv4Address(address).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(f"not an IPv4 loopback address: {host}")
    return address


def check_fault(service: str, fault: str | None) -> None:
    """ValueError unless both are known; None is no fault."""
    if service not in SERVICES:
        raise ValueError(f"unknown service {service!r}: one of {', '.join(SERVICES)}")
    if fault is not None and fault not in FAULTS:
        raise ValueError(f"unknown fault {fault!r}: one of {', '.join(FAULTS)}")


def _others(instance: enc.Instance) -> tuple[list[Logged], list[Logged]]:
    """What the two logs hold from the start: signatures by somebody else over nothing in particular."""
    key = enc.ec_key(instance.seed, "another's key")
    leaf = enc.issue_leaf(
        instance,
        key.public_key(),
        x509.RFC822Name(OTHERS_IDENTITY),
        "https://issuer.example",
        serial=enc.serial_number(instance.seed, "another's leaf"),
        not_before=PRELOADED_TIME,
    )
    v1, v2 = [], []
    for number in range(PRELOADED):
        payload, kind = b'{"entry":%d}' % number, "application/json"
        signed = enc.pae(kind, payload)
        signature = enc.sign(key, signed)
        text = enc.canonical_json(enc.envelope(kind, payload, signature))
        v1.append(Logged(enc.dsse_body(text, payload, signature, leaf), PRELOADED_TIME))
        digest = hashlib.sha256(signed).digest()
        v2.append(Logged(enc.hashedrekord_v2_body(digest, signature, leaf), PRELOADED_TIME))
    return v1, v2


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """As HTTPServer's, but without asking the name service what the address is called."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]


class Loopback:
    """A running Sigstore. Use as a context manager, or call `stop()`."""

    def __init__(self, options: Options, faults: Mapping[str, str], clock: Clock) -> None:
        self.options, self.clock = options, clock
        self.instance = enc.make_instance(options.seed)
        self.wrong = enc.make_instance(f"{options.seed}, wrong keys")
        self.token_key: enc.TokenKey = (
            rsa.generate_private_key(65537, 2048)
            if options.token_algorithm == "RS256"  # noqa: S105 - the name of an algorithm
            else self.instance.token_key
        )
        self._requests: deque[str] = deque(maxlen=REMEMBERED)
        self._rekor_v1, self._rekor_v2 = _others(self.instance)
        self._grants: dict[str, Grant] = {}
        self._issued = 0
        self._stopped = False
        self._state = threading.Condition()  # guards all of the above that changes
        self._faults: dict[str, str] = {}
        self._hanging: Counter[str] = Counter()
        for service, fault in faults.items():
            self.set_fault(service, fault)
        self._http = _Server((loopback_address(options.host), options.port), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(STOP_INTERVAL,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The server's address, without a slash at the end."""
        return f"http://{self._http.server_name}:{self._http.server_port}"

    @property
    def requests(self) -> list[str]:
        """Method and path of the latest requests, oldest first, for tests."""
        with self._state:
            return list(self._requests)

    @property
    def issuer(self) -> str:
        """The OIDC issuer in tokens of people, and in their certificates."""
        return f"{self.url}/oidc"

    @property
    def github_request_url(self) -> str:
        """What ACTIONS_ID_TOKEN_REQUEST_URL is to be; the request token is `REQUEST_TOKEN`."""
        return f"{self.url}/actions/id-token?api-version=2.0"

    def trust_config(self, rekor_versions: Sequence[int] = (1, 2)) -> JsonObject:
        """The client trust configuration for this server, offering these versions of Rekor for signing."""
        endpoints = enc.Endpoints(self.issuer, self.url, self.url, f"{self.url}/api/v1/timestamp")
        config = enc.signing_config(endpoints, rekor_versions)
        return enc.trust_config(enc.trusted_root(self.instance), config)

    def token(
        self,
        identity: str | None = None,
        *,
        workload: str | None = None,
        audience: str = "sigstore",
        claims: JsonObject | None = None,
    ) -> str:
        """A token for a person (the one who logs in unless named) or a workload; `claims` replace its own.

        Follows the faults `wrong-key` and `other-entry` of the service `token`. ValueError for an unknown
        workload.
        """
        if workload is not None and workload not in ids.WORKLOADS:
            raise ValueError(f"unknown workload {workload!r}: one of {', '.join(ids.WORKLOADS)}")
        fault = self.fault("token")
        if fault == "other-entry":
            base = ids.user_claims(self.issuer, OTHERS_IDENTITY)
        elif workload is not None:
            base = ids.WORKLOADS[workload]
        else:
            base = ids.user_claims(self.issuer, identity or self.options.identity)
        key = self.wrong.token_key if fault == "wrong-key" else self.token_key
        return enc.jwt(key, {**ids.dated(base, audience, self.clock()), **(claims or {})})

    def fault(self, service: str) -> str | None:
        """How a service misbehaves now; None if it doesn't."""
        with self._state:
            return self._faults.get(service)

    def faults(self) -> dict[str, str]:
        """Every service that misbehaves now, with how."""
        with self._state:
            return dict(self._faults)

    def set_fault(self, service: str, fault: str | None) -> None:
        """Make a service misbehave from now on, or behave again (None). ValueError for unknown names."""
        check_fault(service, fault)
        with self._state:
            if fault is None:
                self._faults.pop(service, None)
            else:
                self._faults[service] = fault
            self._state.notify_all()

    def hang(self, service: str) -> None:
        """Return when the service is no longer to hang, or the server stops."""
        with self._state:
            self._hanging[service] += 1
            self._state.notify_all()
            self._state.wait_for(lambda: self._stopped or self._faults.get(service) != "hang")
            self._hanging[service] -= 1

    def wait_for_hang(self, service: str, seconds: float) -> bool:
        """Whether a request hangs in the service, at the latest after some time; for tests."""
        with self._state:
            return self._state.wait_for(lambda: self._hanging[service] > 0, seconds)

    def next_serial(self, label: str) -> int:
        """A serial number that this server has not used yet."""
        with self._state:
            self._issued += 1
            return enc.serial_number(self.instance.seed, f"{label} {self._issued}")

    def keep_grant(self, grant: Grant) -> str:
        """Keep what a new authorisation code stands for; returns the code."""
        code = secrets.token_urlsafe(16)
        with self._state:
            self._grants[code] = grant
            for oldest in list(self._grants)[:-REMEMBERED]:
                del self._grants[oldest]
        return code

    def take_grant(self, code: str) -> Grant | None:
        """What a code stands for, once."""
        with self._state:
            return self._grants.pop(code, None)

    def entries(self, version: int) -> list[Logged]:
        """All entries of a log, oldest first."""
        with self._state:
            return list(self._rekor_v1 if version == 1 else self._rekor_v2)

    def append(self, version: int, entry: Logged) -> list[Logged]:
        """Add an entry; returns all entries up to and with it."""
        with self._state:
            log = self._rekor_v1 if version == 1 else self._rekor_v2
            log.append(entry)
            return list(log)

    def record(self, line: str) -> None:
        """Remember that a request came in."""
        with self._state:
            self._requests.append(line)

    def stop(self) -> None:
        """Let go of whoever hangs, stop listening, and wait for that."""
        with self._state:
            self._stopped = True
            self._state.notify_all()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> Loopback:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(
    options: Options = Options(),  # noqa: B008 - immutable
    faults: Mapping[str, str] | None = None,
    clock: Clock = lambda: int(time.time()),
) -> Loopback:
    """Start a server. `clock` gives the time in certificates, logs and timestamps, Unix seconds.

    ValueError for an address that is not loopback or an unknown fault; OSError if the port is taken.
    """
    return Loopback(options, faults or {}, clock)


# ------------------------------------------------------------------------------------ reading requests


def _json(response: JsonObject, status: int = 200) -> Response:
    return Response(status, json.dumps(response).encode())


def _parse(text: bytes | str) -> Mapping[str, object]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _at(value: object, *path: str | int) -> object:
    for step in path:
        fits = isinstance(value, Mapping if isinstance(step, str) else list)
        try:
            value = value[step] if fits else None  # type: ignore[index]
        except LookupError:
            value = None
        if value is None:
            raise ValueError(f"nothing at {'.'.join(map(str, path))}")
    return value


def _text_at(value: object, *path: str | int) -> str:
    found = _at(value, *path)
    if not isinstance(found, str):
        raise ValueError(f"no string at {'.'.join(map(str, path))}")
    return found


def _bytes_at(value: object, *path: str | int) -> bytes:
    return enc.unb64(_text_at(value, *path))


def _p256(key: object) -> ec.EllipticCurvePublicKey:
    if not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
        raise ValueError("only P-256 keys are taken here")
    return key


def _signer(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    return _p256(certificate.public_key())


# ------------------------------------------------------------------------------------- OpenID Connect


def oidc_discovery(box: Loopback, _: Request) -> Response:
    """OpenID Connect Discovery 1.0, 4.2."""
    base = box.issuer
    issuer = "https://other-issuer.example" if box.fault("oidc") == "other-entry" else base
    return _json(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{base}/auth",
            "token_endpoint": f"{base}/token",
            "jwks_uri": f"{base}/keys",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "scopes_supported": ["openid", "email"],
            "id_token_signing_alg_values_supported": [box.options.token_algorithm],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "code_challenge_methods_supported": ["S256"],
        }
    )


def oidc_keys(box: Loopback, _: Request) -> Response:
    """The keys that tokens are signed with (RFC 7517 5)."""
    key = box.wrong.token_key if box.fault("oidc") == "wrong-key" else box.token_key
    return _json({"keys": [enc.jwk(key)]})


def _redirect_target(uri: str) -> str:
    host = urlsplit(uri).hostname or ""
    if uri == OUT_OF_BAND or host == "localhost" or ipaddress.ip_address(host).is_loopback:
        return uri
    raise ValueError("the redirect URI is not on loopback")


def oidc_authorise(box: Loopback, request: Request) -> Response:
    """The authorisation request (RFC 6749 4.1.1 with RFC 7636): whoever asks is logged in at once.

    `login_hint` names another identity than the server's own. The code goes to the redirect URI, which
    must be loopback, or is shown as text for the out-of-band URI.
    """
    query = request.query
    redirect_uri = _redirect_target(query.get("redirect_uri", ""))
    problem = ""
    if query.get("client_id") not in box.options.client_ids:
        problem = "unauthorized_client"
    elif query.get("response_type") != "code":
        problem = "unsupported_response_type"
    elif query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
        problem = "invalid_request"
    elif "openid" not in query.get("scope", "").split():
        problem = "invalid_scope"
    if problem and redirect_uri == OUT_OF_BAND:
        raise Refused(400, problem)
    answer = {"error": problem}
    if not problem:
        grant = Grant(
            query["client_id"],
            redirect_uri,
            query["code_challenge"],
            query.get("login_hint") or box.options.identity,
        )
        answer = {"code": box.keep_grant(grant)}
    if redirect_uri == OUT_OF_BAND:
        return Response(200, f"{answer['code']}\n".encode(), "text/plain; charset=utf-8")
    if "state" in query:
        answer["state"] = query["state"]
    separator = "&" if urlsplit(redirect_uri).query else "?"
    return Response(302, b"", headers={"Location": f"{redirect_uri}{separator}{urlencode(answer)}"})


def _client(request: Request, form: Mapping[str, str]) -> tuple[str, str]:
    """Client ID and secret, from Basic authentication or the form (RFC 6749 2.3.1)."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        name, _, secret = base64.b64decode(value).decode().partition(":")
        return name, secret
    return form.get("client_id", ""), form.get("client_secret", "")


def oidc_token(box: Loopback, request: Request) -> Response:
    """A code for a token (RFC 6749 4.1.3, RFC 7636 4.6). It is both access token and ID token."""
    form = dict(parse_qsl(request.body.decode()))
    client_id, secret = _client(request, form)
    if client_id not in box.options.client_ids or secret != (box.options.client_secret or secret):
        raise Refused(401, "invalid_client")
    grant = box.take_grant(form.get("code", ""))
    challenge = enc.b64url(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
    asked = (form.get("grant_type"), client_id, form.get("redirect_uri"), challenge)
    if grant is None or asked != ("authorization_code", *grant[:3]):
        raise Refused(400, "invalid_grant")
    token = box.token(grant.identity, audience=client_id)
    answer: JsonObject = {
        "access_token": token,
        "id_token": token,
        "token_type": "Bearer",
        "expires_in": ids.TOKEN_LIFETIME,
    }
    return _json(answer)


def oidc_issue(box: Loopback, request: Request) -> Response:
    """A token at once: ?identity= or ?workload=, and ?audience=. No part of OpenID Connect."""
    query = request.query
    token = box.token(query.get("identity"), workload=query.get("workload"), audience=query.get("audience", "sigstore"))
    return Response(200, token.encode(), "text/plain; charset=utf-8")


def github_token(box: Loopback, request: Request) -> Response:
    """What a GitHub Actions job asks for its token."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or value != REQUEST_TOKEN:
        raise Refused(401, "the request token is wrong")
    return _json({"value": box.token(workload="github", audience=request.query.get("audience", ""))})


def _google_metadata(request: Request) -> None:
    if request.headers.get("metadata-flavor") != "Google":
        raise Refused(403, "the header Metadata-Flavor: Google is missing")


def google_identity(box: Loopback, request: Request) -> Response:
    """The token of a Google Cloud instance's own service account."""
    _google_metadata(request)
    token = box.token(workload="google", audience=request.query.get("audience", ""))
    return Response(200, token.encode(), "text/html")


def google_access_token(_: Loopback, request: Request) -> Response:
    """The access token with which a Google Cloud instance may ask for another account's token."""
    _google_metadata(request)
    return _json({"access_token": ACCESS_TOKEN, "expires_in": ids.TOKEN_LIFETIME, "token_type": "Bearer"})


def google_impersonation(box: Loopback, request: Request) -> Response:
    """A service account's token for whoever holds the access token (IAM Credentials API)."""
    if request.headers.get("authorization") != f"Bearer {ACCESS_TOKEN}":
        raise Refused(401, "the access token is wrong")
    account = request.path.rpartition("/")[2].removesuffix(":generateIdToken")
    audience = _text_at(_parse(request.body), "audience")
    return _json({"token": box.token(workload="google", audience=audience, claims={"email": account})})


# --------------------------------------------------------------------------------------------- Fulcio


def _possession(body: Mapping[str, object], proven: Sequence[str]) -> ec.EllipticCurvePublicKey:
    """The key to certify, after its owner has proved to hold it: by a CSR, or by signing the subject."""
    if "certificateSigningRequest" in body:
        csr = x509.load_pem_x509_csr(_bytes_at(body, "certificateSigningRequest"))
        if not csr.is_signature_valid:
            raise ValueError("the certificate signing request is not signed by its key")
        return _p256(csr.public_key())
    content = _text_at(body, "publicKeyRequest", "publicKey", "content")
    key = _p256(serialization.load_pem_public_key(content.encode()))
    signature = _bytes_at(body, "publicKeyRequest", "proofOfPossession")
    if not any(enc.verify(key, signature, text.encode()) for text in proven):
        raise ValueError("the proof of possession is no signature over the subject by the key")
    return key


def _sct_list(box: Loopback, tbs: bytes, now: int) -> bytes:
    fault, issuer = box.fault("ctlog"), box.instance.fulcio.certificate
    if fault == "garbage":
        return GARBAGE
    key = box.wrong.ct_key if fault == "wrong-key" else box.instance.ct_key
    log_id = enc.spki_hash(box.instance.ct_key.public_key())
    logged = tbs[:-1] + bytes([tbs[-1] ^ 1]) if fault == "other-entry" else tbs
    return enc.sct_list([enc.sct(key, logged, issuer, now * 1000, log_id=log_id)])


def fulcio_signing_cert(box: Loopback, request: Request) -> Response:
    """A certificate for the identity in a token: https://github.com/sigstore/fulcio/blob/main/fulcio.proto"""
    body, now = _parse(request.body), box.clock()
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = _text_at(body, "credentials", "oidcIdentityToken")
    try:
        claims = enc.open_jwt(token, box.token_key)
        ids.check_claims(claims, box.issuer, box.options.client_ids, now)
        identity = ids.certificate_identity(claims)
    except ValueError as error:
        raise Refused(401, f"There was an error processing the identity token: {error}") from None
    key = _possession(body, identity.proven)
    if box.fault("fulcio") == "other-entry":
        key = enc.ec_key(box.instance.seed, "another's key").public_key()
        identity = identity._replace(name=x509.RFC822Name(OTHERS_IDENTITY), workflow=())
    authority = box.instance.fulcio
    leaf = enc.make_leaf(
        authority,
        key,
        enc.leaf_extensions(authority, key, identity.name, identity.issuer, workflow=identity.workflow),
        serial=box.next_serial("leaf"),
        not_before=now,
        scts=lambda tbs: _sct_list(box, tbs, now),
        signer=box.wrong.fulcio.key if box.fault("fulcio") == "wrong-key" else None,
    )
    chain = [enc.pem(item).decode() for item in (leaf, authority.certificate, authority.root)]
    return _json({"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}})


def fulcio_trust_bundle(box: Loopback, _: Request) -> Response:
    """The chain above the leaves."""
    authority = box.instance.fulcio
    chain = [enc.pem(item).decode() for item in (authority.certificate, authority.root)]
    return _json({"chains": [{"certificates": chain}]})


# ---------------------------------------------------------------------------------------------- Rekor


def _v1_dsse(spec: object) -> enc.Body:
    text = _text_at(spec, "proposedContent", "envelope")
    envelope, verifiers = _parse(text), _at(spec, "proposedContent", "verifiers")
    if any(not isinstance(many, list) or len(many) != 1 for many in (verifiers, _at(envelope, "signatures"))):
        raise ValueError("only one signature with one verifier is taken here")
    certificate = x509.load_pem_x509_certificate(_bytes_at(verifiers, 0))
    payload, signature = _bytes_at(envelope, "payload"), _bytes_at(envelope, "signatures", 0, "sig")
    if not enc.verify(_signer(certificate), signature, enc.pae(_text_at(envelope, "payloadType"), payload)):
        raise ValueError("the envelope is not signed by the verifier's key")
    return enc.dsse_body(text.encode(), payload, signature, certificate)


def _v1_hashedrekord(spec: object) -> enc.Body:
    if _text_at(spec, "data", "hash", "algorithm") != "sha256":
        raise ValueError("only sha256 is taken here")
    digest, signature = (
        bytes.fromhex(_text_at(spec, "data", "hash", "value")),
        _bytes_at(spec, "signature", "content"),
    )
    certificate = x509.load_pem_x509_certificate(_bytes_at(spec, "signature", "publicKey", "content"))
    if not enc.verify_digest(_signer(certificate), signature, digest):
        raise ValueError("the digest is not signed by the certificate's key")
    return enc.hashedrekord_v1_body(digest, signature, certificate)


V1_KINDS: Mapping[str, Callable[[object], enc.Body]] = {"dsse": _v1_dsse, "hashedrekord": _v1_hashedrekord}


def _answer_v1(box: Loopback, entries: Sequence[Logged], index: int, status: int = 200) -> Response:
    """The entry at `index`; in its place another's of the same time, or a wrong signature, on demand."""
    log, bodies, fault = box.instance.rekor_v1, [entry.body for entry in entries], box.fault("rekor-v1")
    entry = enc.prove(
        log,
        bodies,
        0 if fault == "other-entry" else index,
        integrated_time=entries[index].time,
        signer=box.wrong.rekor_v1.key if fault == "wrong-key" else None,
    )
    return _json(enc.rekor_v1_answer(log, entry), status)


def rekor_v1_add(box: Loopback, request: Request) -> Response:
    """Log a DSSE envelope or a hash: https://github.com/sigstore/rekor/blob/main/openapi.yaml"""
    proposed = _parse(request.body)
    make = V1_KINDS.get(_text_at(proposed, "kind"))
    if make is None or proposed.get("apiVersion") != "0.0.1":
        raise ValueError(f"only version 0.0.1 of {' and '.join(V1_KINDS)} is taken here")
    entries = box.append(1, Logged(make(_at(proposed, "spec")), box.clock()))
    return _answer_v1(box, entries, len(entries) - 1, 201)


def rekor_v1_get(box: Loopback, request: Request) -> Response:
    """One entry, by ?logIndex= or by the UUID, or the leaf hash alone, that the path ends in."""
    entries, log = box.entries(1), box.instance.rekor_v1
    name = request.path.removeprefix("/api/v1/log/entries").strip("/")
    uuids = [enc.entry_uuid(log, entry.body.bytes) for entry in entries]
    found = [index for index, uuid in enumerate(uuids) if name and uuid.endswith(name)]
    if not name:
        index = int(request.query.get("logIndex", "-1")) - log.offset
        found = [index] if 0 <= index < len(entries) else []
    if not found:
        raise Refused(404, "no such entry")
    return _answer_v1(box, entries, found[0])


def rekor_v1_log(box: Loopback, _: Request) -> Response:
    """The state of the log."""
    log, leaves = box.instance.rekor_v1, [enc.leaf_hash(entry.body.bytes) for entry in box.entries(1)]
    key = box.wrong.rekor_v1.key if box.fault("rekor-v1") == "wrong-key" else log.key
    root = enc.tree_root(leaves)
    text = enc.checkpoint_text(log.origin, len(leaves), root)
    answer: JsonObject = {
        "rootHash": root.hex(),
        "treeSize": len(leaves),
        "treeID": str(log.tree_id),
        "signedTreeHead": enc.signed_note(text, key, log.host, log.key_id[:4]),
        "inactiveShards": [],
    }
    return _json(answer)


def rekor_v1_key(box: Loopback, _: Request) -> Response:
    """The log's public key, PEM."""
    key = box.instance.rekor_v1.key.public_key()
    encoded = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Response(200, encoded, "application/x-pem-file")


def rekor_v2_add(box: Loopback, request: Request) -> Response:
    """Log a hash: https://github.com/sigstore/rekor-tiles/blob/main/CLIENTS.md"""
    asked = _at(_parse(request.body), "hashedRekordRequestV002")
    digest, signature = _bytes_at(asked, "digest"), _bytes_at(asked, "signature", "content")
    verifier = _at(asked, "signature", "verifier")
    certificate = x509.load_der_x509_certificate(_bytes_at(verifier, "x509Certificate", "rawBytes"))
    if _text_at(verifier, "keyDetails") != "PKIX_ECDSA_P256_SHA_256":
        raise ValueError("only PKIX_ECDSA_P256_SHA_256 is taken here")
    if not enc.verify_digest(_signer(certificate), signature, digest):
        raise ValueError("the digest is not signed by the certificate's key")
    body = enc.hashedrekord_v2_body(digest, signature, certificate)
    entries = box.append(2, Logged(body, box.clock()))
    fault = box.fault("rekor-v2")
    entry = enc.prove(
        box.instance.rekor_v2,
        [entry.body for entry in entries],
        0 if fault == "other-entry" else len(entries) - 1,
        signer=box.wrong.rekor_v2.key if fault == "wrong-key" else None,
    )
    return _json(enc.log_entry_json(entry), 201)


# ---------------------------------------------------------------------------------- timestamps, faults


def tsa_timestamp(box: Loopback, request: Request) -> Response:
    """RFC 3161 over HTTP (3.4). A request that can't be served gets a rejection, with status 200."""
    content_type, fault = "application/timestamp-reply", box.fault("tsa")
    try:
        asked = enc.parse_timestamp_request(request.body)
    except ValueError as error:
        return Response(200, enc.timestamp_refusal(str(error)), content_type)
    if fault == "other-entry":
        asked = asked._replace(digest=hashlib.new(asked.algorithm, b"another message").digest())
    signer = box.wrong.tsa.key if fault == "wrong-key" else None
    serial = box.next_serial("timestamp")
    answer = enc.timestamp_response(box.instance.tsa, asked, box.clock(), serial, signer=signer)
    return Response(200, answer, content_type)


def faults_get(box: Loopback, _: Request) -> Response:
    """What is broken now."""
    return _json(box.faults())


def faults_put(box: Loopback, request: Request) -> Response:
    """Break and mend: a JSON object of service to fault, or null. All or nothing."""
    asked = _parse(request.body)
    changes = {service: None if fault is None else str(fault) for service, fault in asked.items()}
    for service, fault in changes.items():
        check_fault(service, fault)
    for service, fault in changes.items():
        box.set_fault(service, fault)
    return _json(box.faults())


# -------------------------------------------------------------------------------------------- serving

Handler: TypeAlias = Callable[[Loopback, Request], Response]


class Route(NamedTuple):
    """Which handler answers which requests; `status` is that of a garbled answer."""

    method: str
    path: re.Pattern[str]
    service: str
    handler: Handler
    status: int = 200


def _route(method: str, path: str, service: str, handler: Handler, status: int = 200) -> Route:
    return Route(method, re.compile(path), service, handler, status)


GOOGLE = "/computeMetadata/v1/instance/service-accounts/default"
ROUTES = (
    _route("GET", r"/oidc/\.well-known/openid-configuration", "oidc", oidc_discovery),
    _route("GET", "/oidc/keys", "oidc", oidc_keys),
    _route("GET", "/oidc/auth", "oidc", oidc_authorise),
    _route("POST", "/oidc/token", "token", oidc_token),
    _route("GET", "/oidc/issue", "token", oidc_issue),
    _route("GET", "/actions/id-token", "token", github_token),
    _route("GET", f"{GOOGLE}/identity", "token", google_identity),
    _route("GET", f"{GOOGLE}/token", "token", google_access_token),
    _route("POST", "/v1/projects/-/serviceAccounts/[^/]+:generateIdToken", "token", google_impersonation),
    _route("POST", "/api/v2/signingCert", "fulcio", fulcio_signing_cert),
    _route("GET", "/api/v2/trustBundle", "fulcio", fulcio_trust_bundle),
    _route("POST", "/api/v1/log/entries", "rekor-v1", rekor_v1_add, 201),
    _route("GET", "/api/v1/log/entries(/([0-9a-f]{16})?[0-9a-f]{64})?", "rekor-v1", rekor_v1_get),
    _route("GET", "/api/v1/log", "rekor-v1", rekor_v1_log),
    _route("GET", "/api/v1/log/publicKey", "rekor-v1", rekor_v1_key),
    _route("POST", "/api/v2/log/entries", "rekor-v2", rekor_v2_add, 201),
    _route("POST", "/api/v1/timestamp", "tsa", tsa_timestamp),
    _route("GET", "/faults", "", faults_get),
    _route("PUT", "/faults", "", faults_put),
)


def error_response(service: str, status: int, message: str) -> Response:
    """An error as the service would put it: OAuth's members (RFC 6749 5.2), or code and message."""
    if service in ("oidc", "token"):
        return _json({"error": message}, status)
    return _json({"code": status, "message": message, "details": []}, status)


def broken(box: Loopback, route: Route) -> Response | None:
    """The answer when the service, or the log behind it, is out of order; None if the handler is to answer.

    Other faults than these three are the handler's to commit.
    """
    behind = ("ctlog",) if route.handler is fulcio_signing_cert else ()
    for service in (route.service, *behind):
        fault = box.fault(service)
        if fault == "hang":
            box.hang(service)
            return error_response(route.service, 503, f"{service} hung on request")
        if fault == "refuse":
            return error_response(route.service, 403, f"{service} refuses on request")
    if box.fault(route.service) == "garbage":
        return Response(route.status, GARBAGE, "application/octet-stream")
    return None


def respond(box: Loopback, request: Request) -> Response:
    """The answer to a request, faults included."""
    routes = [route for route in ROUTES if route.path.fullmatch(request.path)]
    route = next((route for route in routes if route.method == request.method), None)
    if route is None:
        return error_response("", 405 if routes else 404, "nothing is served here")
    try:
        return broken(box, route) or route.handler(box, request)
    except Refused as error:
        return error_response(route.service, error.status, error.message)
    except BAD_INPUT as error:
        return error_response(route.service, 400, f"bad request: {error}")


def _handler(box: Loopback) -> type[BaseHTTPRequestHandler]:
    class RequestHandler(BaseHTTPRequestHandler):
        timeout = 60  # seconds for a client to send its request

        def answer(self) -> None:
            address = urlsplit(self.path)
            box.record(f"{self.command} {address.path}")
            length = self.headers.get("Content-Length") or "0"
            if not (length.isascii() and length.isdigit()) or int(length) > BODY_LIMIT:
                self.close_connection = True
                self.send(error_response("", 413, "request without a sensible length"))
                return
            request = Request(
                self.command,
                address.path,
                dict(parse_qsl(address.query)),
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(int(length)),
            )
            self.send(respond(box, request))

        def send(self, response: Response) -> None:
            try:
                self.send_response(response.status)
                self.send_header("Content-Type", response.content_type)
                self.send_header("Content-Length", str(len(response.body)))
                self.send_header("Cache-Control", "no-store")
                for name, value in response.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(response.body)
            except ConnectionError:
                self.close_connection = True  # the client has gone, after a time-out for one

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: addresses may hold codes."""

        do_GET = do_POST = do_PUT = answer

    return RequestHandler
