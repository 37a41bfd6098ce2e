"""A timestamp authority (RFC 3161) for tests: tokens good and bad, and a server on loopback."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, NamedTuple

import pytest
from certificate_tools import AT, STAMP, Owner, issue, sign_old
from cryptography.hazmat.primitives.asymmetric import rsa

core = pytest.importorskip("asn1crypto.core")
cms = pytest.importorskip("asn1crypto.cms")
tsp = pytest.importorskip("asn1crypto.tsp")
asn1_x509 = pytest.importorskip("asn1crypto.x509")

POLICY = "1.3.6.1.4.1.99999.3"


def tsa_root() -> Owner:
    return issue("timestamp root", identifiers=True)


def authority(root: Owner | None, **options: Any) -> Owner:
    """A timestamp authority's certificate as RFC 3161 wants it, unless `options` say otherwise; None: self-signed."""
    good: dict[str, Any] = {"ca": False, "purposes": [STAMP], "critical_purposes": True, "identifiers": True}
    return issue("timestamp authority", root, **(good | options))


class Answer(NamedTuple):
    """What an authority puts into its answer; a callable may change the parts before they are signed."""

    signer: Owner
    time: dt.datetime = AT
    embedded: tuple[Owner, ...] | None = None  # None: the signer alone
    hash_name: str = "sha256"
    nonce_offset: int = 0
    refuse: bool = False
    change: Callable[[Any], None] = lambda _: None  # of the TSTInfo
    content_type: str = "tst_info"
    signed_with: str = "sha256"  # the hash of the token's own signature


def respond(query: bytes, answer: Answer) -> bytes:
    """The time-stamp response (DER) to a time-stamp request."""
    asked = tsp.TimeStampReq.load(query)
    if answer.refuse:
        return bytes.fromhex("30053003020102")  # PKIStatus rejection (2), and no token
    nonce = asked["nonce"].native
    return token(answer, asked["message_imprint"], None if nonce is None else nonce + answer.nonce_offset)


def stamp(message: bytes, answer: Answer) -> bytes:
    """A time-stamp response over `message` that nobody asked for."""
    digest = hashlib.new(answer.hash_name, message).digest()
    imprint = tsp.MessageImprint({"hash_algorithm": {"algorithm": answer.hash_name}, "hashed_message": digest})
    return token(answer, imprint, None)


def token(answer: Answer, imprint: Any, nonce: int | None) -> bytes:
    info = tsp.TSTInfo(
        {"version": "v1", "policy": POLICY, "message_imprint": imprint, "serial_number": 7, "gen_time": answer.time}
    )
    if nonce is not None:
        info["nonce"] = nonce
    answer.change(info)
    response = {"status": {"status": "granted"}, "time_stamp_token": signed(answer, info.dump())}
    return bytes(tsp.TimeStampResp(response).dump())


def signed(answer: Answer, content: bytes) -> Any:
    """The CMS SignedData around a TSTInfo."""
    signer = asn1_x509.Certificate.load(answer.signer.der)
    attributes = cms.CMSAttributes(
        [
            {"type": "content_type", "values": [answer.content_type]},
            {"type": "signing_time", "values": [cms.Time({"utc_time": answer.time.replace(microsecond=0)})]},
            {"type": "message_digest", "values": [hashlib.new(answer.signed_with, content).digest()]},
            {
                "type": "signing_certificate_v2",
                "values": [{"certs": [{"cert_hash": hashlib.sha256(answer.signer.der).digest()}]}],
            },
        ]
    )
    embedded = (answer.signer,) if answer.embedded is None else answer.embedded
    name, signature = sign(answer.signer, attributes.dump(), answer.signed_with)
    signer_info = {
        "version": "v1",
        "sid": {"issuer_and_serial_number": {"issuer": signer.issuer, "serial_number": signer.serial_number}},
        "digest_algorithm": {"algorithm": answer.signed_with},
        "signed_attrs": attributes,
        "signature_algorithm": {"algorithm": name},
        "signature": signature,
    }
    value: dict[str, Any] = {
        "version": "v3",
        "digest_algorithms": [{"algorithm": answer.signed_with}],
        "encap_content_info": {"content_type": answer.content_type, "content": core.ParsableOctetString(content)},
        "signer_infos": [signer_info],
    }
    if embedded:
        value["certificates"] = [asn1_x509.Certificate.load(owner.der) for owner in embedded]
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(value)})


def sign(signer: Owner, message: bytes, hash_name: str) -> tuple[str, bytes]:
    algorithm = f"{hash_name}_{'rsa' if isinstance(signer.key, rsa.RSAPrivateKey) else 'ecdsa'}"
    return algorithm, sign_old(signer.key, message, algorithm)


Reply = tuple[int, dict[str, str], bytes | Iterable[bytes]]  # status, headers, body or its parts
Handler = Callable[[bytes], Reply]


def replying(answer: Answer) -> Handler:
    """A handler that answers every request as `answer` says."""
    return lambda query: (200, {"Content-Type": "application/timestamp-reply"}, respond(query, answer))


@contextlib.contextmanager
def serving(handler: Handler) -> Iterator[str]:
    """The address of a server on loopback that answers POST requests by `handler`."""

    class Server(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, headers, body = handler(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                for part in [body] if isinstance(body, bytes) else body:
                    self.wfile.write(part)

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

    server = HTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tsa"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
