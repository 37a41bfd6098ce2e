"""A whole signer that gets one thing wrong: the class of signers that a suite has to tell from a good one.

The first argument says what: one of FAULTS. It verifies as standalone.py does.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os.path
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from conformance.adapters import package_lines, standalone_lines
from conformance.adapters.lines import Request, serve
from conformance.adapters.package import capabilities
from model_signing_ref import dsse, keys

Json = dict[str, Any]
Sign = Callable[[Request], Request]
SIGNED: Request = {"verdict": "accept"}


def signs_nothing(request: Request) -> Request:
    """Says that it signed, and writes no bundle."""
    return SIGNED


def refuses_all(request: Request) -> Request:
    """Never signs."""
    return {"verdict": "reject", "detail": "no"}


def writes_garbage(request: Request) -> Request:
    """Writes something else than a bundle."""
    Path(request["bundle"]).write_bytes(b"\x00\xff signed")
    return SIGNED


def writes_elsewhere(request: Request) -> Request:
    """Writes the bundle beside the place that it was told."""
    return package_lines.sign({**request, "bundle": request["bundle"] + ".json"})


def leaves_a_log(request: Request) -> Request:
    """Writes a log beside the model too."""
    Path(request["model"]).with_name("signing.log").write_text("signed\n", "utf-8")
    return package_lines.sign(request)


def crashes(request: Request) -> Request:
    """Ends without an answer."""
    sys.exit(1)


def follows_links(request: Request) -> Request:
    """Follows links whatever was asked, and records that they are not followed."""
    asked = bool(request["options"]["allow_symlinks"])
    signed = package_lines.sign({**request, "options": {**request["options"], "allow_symlinks": True}})
    if signed["verdict"] == "accept":
        seal(request, lambda payload: payload["predicate"]["serialization"].update(allow_symlinks=asked))
    return signed


def wrong(change: Callable[[Json], object], bundle: Callable[[Json], object] = lambda _: None) -> Sign:
    """A signer whose payload is changed before it is signed, and whose bundle afterwards."""

    def sign(request: Request) -> Request:
        signed = package_lines.sign(request)
        if signed["verdict"] == "accept":
            seal(request, change, bundle)
        return signed

    return sign


def seal(request: Request, change: Callable[[Json], object], after: Callable[[Json], object] = lambda _: None) -> None:
    """Change what was signed, and sign it again."""
    path = Path(request["bundle"])
    bundle = json.loads(path.read_bytes())
    envelope = bundle["dsseEnvelope"]
    payload = json.loads(base64.b64decode(envelope["payload"]))
    change(payload)
    data = json.dumps(payload).encode()
    private = keys.load_private_key(Path(request["private_key"]))
    signature = keys.sign_ecdsa(private, dsse.pae(envelope["payloadType"], data))
    envelope["payload"] = base64.b64encode(data).decode()
    envelope["signatures"] = [{"sig": base64.b64encode(signature).decode()}]
    after(bundle)
    path.write_text(json.dumps(bundle), "utf-8")


def rooted(change: Callable[[list[Json]], object]) -> Callable[[Json], None]:
    """A change of the resources, with the root digest made again."""

    def changed(payload: Json) -> None:
        resources = payload["predicate"]["resources"]
        change(resources)
        total = b"".join(bytes.fromhex(each["digest"]) for each in resources)
        payload["subject"][0]["digest"]["sha256"] = hashlib.sha256(total).hexdigest()

    return changed


def utf_16(name: str) -> bytes:
    """What some languages compare strings by."""
    return name.encode("utf-16-be")


def nothing(payload: Json) -> None:
    """Leave the payload as it is."""


FAULTS: dict[str, Sign] = {
    **{each.__name__: each for each in (signs_nothing, refuses_all, writes_garbage, writes_elsewhere, leaves_a_log)},
    **{each.__name__: each for each in (crashes, follows_links)},
    "path_order": wrong(rooted(lambda listed: listed.sort(key=lambda each: str(each["name"]).split("/")))),
    "utf_16_order": wrong(rooted(lambda listed: listed.sort(key=lambda each: utf_16(each["name"])))),
    "no_order": wrong(rooted(lambda listed: listed.reverse())),
    "omits_a_file": wrong(rooted(lambda listed: listed.pop() if len(listed) > 1 else None)),
    "root_of_hex": wrong(
        lambda payload: payload["subject"][0]["digest"].update(
            sha256=hashlib.sha256("".join(r["digest"] for r in payload["predicate"]["resources"]).encode()).hexdigest()
        )
    ),
    "wrong_hint": wrong(
        nothing, lambda bundle: bundle["verificationMaterial"].get("publicKey", {}).update(hint="0" * 64)
    ),
    "old_predicate": wrong(lambda payload: payload.update(predicateType="https://model_signing/Digests/v0.1")),
    "no_signature": wrong(nothing, lambda bundle: bundle["dsseEnvelope"]["signatures"][0].update(sig="MAYCAQECAQE=")),
}

if __name__ == "__main__":
    known: Json = capabilities()
    profiles = [name for name in known["profiles"] if name != "ref-strict"]  # so that OMS alone is what counts
    serve({**known, "client": "half a signer", "profiles": profiles}, standalone_lines.verify, FAULTS[sys.argv[1]])
