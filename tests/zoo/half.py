"""A whole verifier with a part cut out: the class of clients that a suite has to tell from a good one.

The first argument says which part: one of CUTS.
"""

from __future__ import annotations

import os.path
import sys
from collections.abc import Callable
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from conformance.adapters import standalone_lines
from conformance.adapters.lines import Request, serve
from conformance.adapters.standalone import CAPABILITIES
from model_signing_ref import standalone

Verify = Callable[[Request], Request]


def no_signature_check() -> Verify:
    """Checks all but whether the signature holds."""
    return replaced("ecdsa_holds", lambda *_: True)


def no_order_check() -> Verify:
    """Takes resources in any order."""
    need: Any = standalone.need
    return replaced(
        "need", lambda holds, stage, clause, *more: need(holds or clause == "OMS-5.2.1-05", stage, clause, *more)
    )


def no_name_check() -> Verify:
    """Takes any name, `../` among them."""
    return replaced("name_fault", lambda _: None)


def follows_links() -> Verify:
    """Follows symbolic links, whatever is signed or asked for."""
    tree: Any = standalone.Tree
    return replaced("Tree", lambda model, single, own, _, *more: tree(model, single, own, "", *more))


def no_extra_check() -> Verify:
    """Does not look for files that nobody signed."""
    check: Any = standalone.check_files
    return replaced("check_files", lambda tree, listed, excused, _, shards: check(tree, listed, excused, True, shards))


def no_digest_check() -> Verify:
    """Compares names, but no contents."""
    return replaced("check_digests", lambda *_: None)


def replaced(name: str, other: Callable[..., Any]) -> Verify:
    """The verifier with another function in the place of one of its own."""
    setattr(standalone, name, other)
    return standalone_lines.verify


def hint_only() -> Verify:
    """Compares the fingerprint in the bundle with the key, and nothing else."""
    return part(lambda bundle, key, _: bundle["verificationMaterial"]["publicKey"]["hint"] == key[2])


def signature_only() -> Verify:
    """Checks the envelope, and reads nothing of what is signed."""
    return part(lambda _, key, data: standalone.signed_payload(data, key, {}))


def contents_only() -> Verify:
    """Compares contents with the digests in the bundle, whoever wrote them."""
    return replaced("signed_payload", lambda data, *_: payload(standalone.parse_json(data, "bundle")))


def payload(bundle: Any) -> bytes:
    """What is in the envelope."""
    return standalone.unbase64(bundle["dsseEnvelope"]["payload"], "envelope", "payload")


def part(check: Callable[[Any, standalone.Key, bytes], object]) -> Verify:
    """A verifier that looks at the bundle and the key alone."""

    def verify(request: Request) -> Request:
        with open(request["bundle"], "rb") as bundle, open(request["public_key"], "rb") as key:
            data, pem = bundle.read(), key.read()
        try:
            right = check(standalone.parse_json(data, "bundle"), standalone.key_from_pem(pem), data)
        except (standalone.Failure, KeyError, TypeError, ValueError):
            right = False
        return {"verdict": "accept" if right else "reject"}

    return verify


CUTS = {
    each.__name__: each
    for each in (
        *(no_signature_check, no_order_check, no_name_check, follows_links, no_extra_check, no_digest_check),
        *(hint_only, signature_only, contents_only),
    )
}

if __name__ == "__main__":
    serve(CAPABILITIES, CUTS[sys.argv[1]]())
