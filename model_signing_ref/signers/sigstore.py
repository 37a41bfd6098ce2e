"""The sigstore method: sign with a key that lives for one signature and a certificate for an identity.

The package `sigstore` speaks to the services; it is given our payload bytes and returns them signed. What
comes back is verified in full before it is written. The package puts no time-out on Fulcio and Rekor, loses
what Fulcio says when it refuses, and goes on without a timestamp: here each service is watched by an
adapter of `requests` that names it, waits TIMEOUT seconds at the most and keeps its words.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

from ..bundle import Bundle, Verifier, read_bundle
from ..errors import CertificateRejected, Note, OperationError, Warn, quote
from ..signer import Signer
from ..tree import StrPath
from ..verifiers.sigstore import client_config, read_identity, root_of, said, verify_identity

# isort: split
import requests  # comes with sigstore, and both after the import that says where they are missing
from requests.adapters import HTTPAdapter
from sigstore import models, oidc
from sigstore.dsse import Statement
from sigstore.sign import SigningContext

TIMEOUT = 60.0  # seconds without a byte from a service; Rekor v2 answers only when the entry is in the log
CLIENT_ID = "sigstore"
VERIFY_WITH = "verify-with"  # the code of the note that says how to verify
ISSUER = "the identity provider"


class Login(NamedTuple):
    """How to get an identity token: the given one, else the environment's if wanted, else ask the person."""

    issuer: str  # whom to ask the person to log in with; empty for the one that the services name
    identity_token: str | None = None
    use_ambient_credentials: bool = False
    force_oob: bool = False
    client_id: str = CLIENT_ID
    client_secret: str = ""


class Watch:
    """Which service was asked last, and what must not show in any message."""

    def __init__(self, *secrets: str | None) -> None:
        """Nobody was asked yet; the first thing that may fail is the configuration."""
        self.service = "the trust configuration"
        self.secrets = [secret for secret in secrets if secret]

    def attach(self, session: requests.Session, service: str, url: str) -> None:
        """Watch what goes through `session`. Raises requests.RequestException for an address that is none."""
        self.service = f"{service} ({_plain(url)})"
        requests.Request("POST", url).prepare()
        for scheme in ("https://", "http://"):
            session.mount(scheme, _Adapter(self, self.service))

    def explain(self, error: BaseException) -> str:
        """What went wrong with the service asked last, on one line."""
        failure = next((each for each in _causes(error) if isinstance(each, requests.RequestException)), None)
        if isinstance(failure, requests.Timeout) or "Read timed out" in str(failure):  # the latter within an answer
            return f"{self.service} did not answer in time"
        if isinstance(failure, requests.HTTPError) and failure.response is not None:
            return f"{self.service} refused with status {failure.response.status_code}: {self._words(failure.response)}"
        if isinstance(failure, requests.ConnectionError):
            return f"{self.service} could not be reached: {said(failure, self.show)}"
        return f"{self.service} can't be used: {said(error, self.show)}"

    def show(self, text: str) -> str:
        """`text` quoted, without secrets."""
        for secret in self.secrets:
            text = text.replace(secret, "[secret]")
        return quote(text)

    def _words(self, response: requests.Response) -> str:
        try:
            value = response.json()
            members = value if isinstance(value, dict) else {}
            text = next(members[name] for name in ("message", "error_description", "error") if name in members)
        except (ValueError, StopIteration):
            text = response.content.decode("utf-8", "replace")
        return self.show(" ".join(str(text).split()))

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Turn whatever the package raises into an OperationError that names the service asked last."""
        try:
            yield
        except (OperationError, MemoryError):
            raise
        except Exception as error:  # the package has no common base for what it raises here
            raise OperationError(self.explain(error)) from error


def _plain(text: str) -> str:
    return text if text.isprintable() else quote(text)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


class _Adapter(HTTPAdapter):
    """Asks one service, with a time-out; a refusal ends the signing with the service's own words."""

    def __init__(self, watch: Watch, service: str) -> None:
        super().__init__()
        self._watch, self._service = watch, service

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """The response, read whole. Raises OperationError."""
        self._watch.service = self._service
        options["timeout"] = min(options.get("timeout") or TIMEOUT, TIMEOUT)
        with self._watch.failures():
            response = super().send(request, **options)
            response.raise_for_status()
            len(response.content)  # read here, where a time-out in its midst is told like any other
        return response


class _Authority:
    """A timestamp authority whose failure ends the signing; the package would log it and go on."""

    def __init__(self, client: Any, watch: Watch) -> None:
        self.url, self._client, self._watch = client.url, client, watch
        watch.attach(client._session, "the timestamp authority", client.url)

    def request_timestamp(self, signature: bytes) -> Any:
        """The answer of the authority, readable and not verified. Raises OperationError."""
        with self._watch.failures():
            return self._client.request_timestamp(signature)


def sigstore_signer(
    *,
    oidc_issuer: str | None = None,
    use_ambient_credentials: bool = False,
    use_staging: bool = False,
    force_oob: bool = False,
    identity_token: str | None = None,
    client_id: str | None = None,
    client_secret: str | None = None,
    trust_config: StrPath | None = None,
) -> Signer:
    """A signer in the name of whoever logs in, with the keyword arguments of model_signing.

    A given token is used; else, if wanted, the environment's (GitHub Actions, GitLab CI, Google Cloud,
    Buildkite); else the person is asked, in a browser or with `force_oob` by a code. The services are those of
    `trust_config`, or of the public instance, or of its staging twin. Raises OSError and OperationError.
    """
    if identity_token == "":  # a variable that was not set, for one
        raise OperationError("the identity token is empty")
    config = client_config(use_staging, trust_config)
    root = root_of(config, trust_config)
    watch = Watch(identity_token, client_secret)
    with watch.failures():
        services = config.signing_config
        login = Login(
            oidc_issuer or ("" if identity_token or use_ambient_credentials else services.get_oidc_url()),
            identity_token,
            use_ambient_credentials,
            force_oob,
            client_id or CLIENT_ID,
            client_secret or "",
        )
        watch.service = "the identity token"
        if identity_token:  # a token that is no good is better known before the model is hashed
            oidc.IdentityToken(identity_token, login.client_id)
    return Signer(lambda payload: sign_payload(payload, services, root, login), _new_verifier(root))


def _new_verifier(root: models.TrustedRoot) -> Verifier:
    """The verifier for a new bundle: by its own identity, and by each of its timestamps alone."""

    def verify(bundle: Bundle, warn: Warn) -> None:
        """Return if all that the services said holds. Raises rejections; tells how to verify."""
        found = read_identity(bundle.material.certificates[0])
        if not found.name or not found.issuer:
            raise CertificateRejected("the certificate names no identity or no provider", clause="REF-SIGSTORE-10")
        verify_identity(bundle, root, found, warn)
        for each in _timed(bundle):
            verify_identity(each, root, found)
        warn(Note(VERIFY_WITH, f"--identity {_shell(found.name)} --identity-provider {_shell(found.issuer)}", False))

    return verify


def _timed(bundle: Bundle) -> list[Bundle]:
    """For each timestamp, the bundle with it as the only proof of time; the package is content with any."""
    entries = tuple(
        {name: value for name, value in entry.items() if name != "inclusionPromise"}
        for entry in bundle.material.log_entries
    )
    return [
        bundle._replace(material=bundle.material._replace(log_entries=entries, timestamps=(timestamp,)))
        for timestamp in bundle.material.timestamps
    ]


def _shell(text: str) -> str:
    return shlex.quote(text) if text.isprintable() else quote(text)


def sign_payload(payload: bytes, services: models.SigningConfig, root: models.TrustedRoot, login: Login) -> Bundle:
    """`payload`, byte for byte, signed and logged; not verified. Raises OperationError."""
    watch = Watch(login.identity_token, login.client_secret)
    with watch.failures():
        token = obtain_token(login, services, watch)
        watch.secrets.append(str(token))
        context = connect(services, root, watch)
        with context.signer(token) as signer:
            signed = signer.sign_dsse(Statement(payload))
        bundle = read_bundle(signed.to_json().encode("utf-8"))
    if bundle.envelope.payload != payload:
        raise OperationError("the sigstore package signed another payload; nothing was written")
    return bundle


def connect(services: models.SigningConfig, root: models.TrustedRoot, watch: Watch) -> SigningContext:
    """The package's clients of Fulcio, Rekor and the timestamp authorities, watched.

    Their sessions are not public: `_session` of Rekor's and the authority's client.
    """
    fulcio, rekor = services.get_fulcio(), cast("Any", services.get_tlogs()[0])
    watch.attach(fulcio.session, "Fulcio", fulcio.url)
    watch.attach(rekor._session, "Rekor", rekor.url)
    authorities = cast("Any", [_Authority(client, watch) for client in services.get_tsas()])
    return SigningContext(fulcio=fulcio, rekor=rekor, trusted_root=root, tsa_clients=authorities)


def obtain_token(login: Login, services: models.SigningConfig, watch: Watch) -> oidc.IdentityToken:
    """An identity token. Raises OperationError, or what the package does."""
    if login.identity_token:
        watch.service = "the identity token"
        return oidc.IdentityToken(login.identity_token, login.client_id)
    if login.use_ambient_credentials:
        watch.service = "the environment's identity provider"
        if found := oidc.detect_credential(login.client_id):
            watch.secrets.append(found)
            return oidc.IdentityToken(found, login.client_id)
    url = login.issuer or services.get_oidc_url()
    watch.service = f"{ISSUER} ({_plain(url)})"
    issuer = oidc.Issuer(url)
    watch.attach(issuer.session, ISSUER, url)
    try:
        return issuer.identity_token(login.client_id, login.client_secret, login.force_oob)
    except EOFError:
        hint = "no ambient credentials were found, and " if login.use_ambient_credentials else ""
        raise OperationError(f"{hint}nobody entered a verification code") from None
