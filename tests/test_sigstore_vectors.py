"""Nothing but the check that a Sigstore vector names stands in its way: without it, the vector is accepted.

So a client that leaves out one check accepts what that check is there to refuse, and fails.

The checks are those of the sigstore package, taken out one by one. They are private, and hold for the versions that
setup.cfg names.
"""

from __future__ import annotations

import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sigstore", reason="pip install 'model_signing_ref[sigstore]'")
pytest.importorskip("asn1crypto", reason="pip install 'model_signing_ref[loopback]'")

from sigstore import dsse, models
from sigstore._internal.timestamp import TimestampSource, TimestampVerificationResult
from sigstore.verify import policy, verifier

from conformance import case, inprocess
from conformance.loopback.static import SIGNED_AT

FAMILY = {vector["id"]: vector for vector in case.load_family(case.VECTORS / "sigstore.json")}
SIGNED = TimestampVerificationResult(
    source=TimestampSource.TIMESTAMP_AUTHORITY, time=datetime.fromtimestamp(SIGNED_AT, timezone.utc)
)

Patch = tuple[Any, str, Any]


def nothing(*_: object, **__: object) -> None:
    return None


# What is taken out for which clause; the first that a vector names counts. No chain leaves no issuer for the
# certificate timestamp, so that one goes too.
TAKEN_OUT: dict[str, list[Patch]] = {
    "REF-SIGSTORE-10": [(policy.Identity, "verify", nothing)],
    "REF-SIGSTORE-11": [(policy.Identity, "verify", nothing)],
    "SIGSTORE-01": [
        (verifier.Verifier, "_verify_chain_at_time", lambda *_: []),
        (verifier, "verify_sct", nothing),
        (models.TrustedRoot, "get_fulcio_certs", lambda _: []),
    ],
    "SIGSTORE-02": [(verifier.Verifier, "_establish_time", lambda *_: [SIGNED])],
    "SIGSTORE-10": [(verifier.Verifier, "_establish_time", lambda *_: [SIGNED])],
    "SIGSTORE-09": [(verifier.Verifier, "_establish_time", lambda *_: [SIGNED])],
    "SIGSTORE-03": [(verifier, "verify_sct", nothing), (models.TrustedRoot, "ct_keyring", nothing)],
    "SIGSTORE-05": [(models.TransparencyLogEntry, "_verify", nothing)],
    "SIGSTORE-06": [(models.TransparencyLogEntry, "_verify", nothing)],
    "SIGSTORE-08": [
        (verifier, "_validate_dsse_v001_entry_body", nothing),
        (verifier, "_validate_hashedrekord_v002_dsse_entry_body", nothing),
    ],
    "SIGSTORE-07": [(verifier, "_validate_dsse_v001_entry_body", nothing)],
    "DSSE-01": [(dsse, "_verify", nothing)],
}


# What two checks refuse, each of which would do: the other is named here.
TWICE = {
    "sigstore/no-identity": "the identity",
    "sigstore/certificate-junk": "everything else that is done with a certificate",
    "sigstore/no-promise-and-no-timestamp": "that a bundle has a promise or a timestamp, when it is loaded",
    "sigstore/no-timestamp": "the same",
    "sigstore/promise-of-the-year-10000": "that the time is a date",
    "sigstore/promise-of-a-time-beyond-dates": "the same",
    "sigstore/timestamps-empty": "the same",
    "sigstore/timestamp-junk": "that a timestamp can be read, when the bundle is loaded",
    "sigstore/proof-beyond-the-tree-v1": "that the index lies in the tree, when the bundle is loaded",
    "sigstore/proof-beyond-the-tree-v2": "the same",
    "sigstore/no-log-trusted": "that there is a log, when the trusted root is loaded",
    "sigstore/only-logs-of-later-trusted": "that the trusted root has a key of a log by now",
    "sigstore/entry-of-an-unknown-version-v1": "the kinds that are known, in three places",
    "sigstore/entry-of-an-unknown-version-v2": "the same",
    "sigstore/entry-of-an-unknown-kind": "the same",
    "sigstore/entry-of-no-kind": "that there is a kind, when the bundle is loaded",
    "sigstore/entry-of-another-kind-v1": "the kinds that are known",
    "sigstore/entry-of-another-kind-v2": "the same",
    "sigstore/payload-changed-v1": "that the entry is of this payload",
    "sigstore/payload-changed-v2": "the same",
    "sigstore/signature-flipped": "that the entry is of this signature",
}


def package(vector: case.Vector) -> inprocess.Outcome:
    with tempfile.TemporaryDirectory() as name:
        return inprocess.package(case.materialise(vector, Path(name)))


def checked(vector: case.Vector) -> str | None:
    """The clause whose check is taken out for a vector."""
    scored = case.is_scored(vector) and vector["verdict"] == "reject"
    return next((clause for clause in TAKEN_OUT if clause in vector["clauses"] and scored), None)


@pytest.mark.parametrize("name", [name for name, vector in FAMILY.items() if checked(vector)])
def test_nothing_else_is_wrong(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    vector = FAMILY[name]
    assert package(vector).verdict == "reject"
    for holder, attribute, instead in TAKEN_OUT[checked(vector) or ""]:
        monkeypatch.setattr(holder, attribute, instead)
    assert (package(vector).verdict == "accept") == (name not in TWICE)
