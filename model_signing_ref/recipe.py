"""The numbered recipes of verifying and signing: what `spec/verification.md` and `spec/signing.md` number.

The code of the recipes is in `verifying`, `verifiers`, `signing` and `hashing`; it tells each step that holds by
its name here (`errors.passed`). This table adds what the code has no use for: number, stages, title, and the
places whose clauses are the step's.
"""

from __future__ import annotations

from typing import NamedTuple

from .clauses import all_clauses


class Step(NamedTuple):
    """A step of a recipe. `places` are those of `enforced` in spec/clauses.json; signing knows no stages."""

    number: str
    name: str
    stages: tuple[str, ...]
    title: str
    places: tuple[str, ...]


Recipe = tuple[Step, ...]

_JSON = (
    "strictjson:parse",
    "strictjson:_object",
    "strictjson:_constant",
    "strictjson:_fraction",
    "strictjson:_integer",
)
_BASE64 = ("dsse:decode_base64", "dsse:ENVELOPE_SHAPE")
_SIGNATURE = ("keys:verify_envelope", "dsse:pae")
_NAMES = ("manifest:name_fault", "manifest:_shard", "manifest:_check_partition", "manifest:_check_disorder")
_CHAIN = (
    *("certificates:_OTHER_REASONS", "certificates:_REASONS", "certificates:check_chain", "certificates:explain"),
    *("certificates:issuer_fault", "certificates:key_fault", "certificates:signature_fault"),
    "certificates:time_rejected",
)
_TIMESTAMP = (
    *("timestamps:check_authority", "timestamps:load_client", "timestamps:read_token", "timestamps:signer_of"),
    *("timestamps:verify_signature", "timestamps:verify_timestamps", "timestamps:verify_token", *_CHAIN),
)

READ: Recipe = (
    Step(
        "1",
        "bundle",
        ("bundle",),
        "Read the bundle: not too large, strict JSON, of the right shape and media type",
        ("verifying:read_bundle_file", "bundle:read_bundle", *_JSON, *_BASE64),
    ),
    Step("2", "material", ("material",), "Find the verification material: of one method", ("bundle:_read_material",)),
    Step(
        "3",
        "envelope",
        ("envelope",),
        "Read the envelope: payload type, one signature, base64 decoded",
        ("dsse:read_envelope", *_BASE64),
    ),
)
KEY: Recipe = (
    Step(
        "4.1",
        "method",
        ("material",),
        "The bundle is of the method key, with a hint",
        ("verifiers.key:key_verifier.verify", "compat:hint_of_raw_key"),
    ),
    Step(
        "4.2",
        "key",
        ("key",),
        "The given key is on a curve of OMS, and the hint is its fingerprint",
        ("keys:require_curve", "keys:fingerprint", "verifiers.key:key_verifier.verify"),
    ),
    Step("4.3", "signature", ("signature",), "The signature holds over the pre-authentication encoding", _SIGNATURE),
)
TIMESTAMP: Recipe = (
    Step(
        "4.4",
        "timestamp",
        ("transparency", "unsupported"),
        "A trusted timestamp is over the signature",
        _TIMESTAMP,
    ),
)
CERTIFICATE: Recipe = (
    Step(
        *(
            "4.1",
            "method",
            ("material", "certificate"),
            "The bundle is of the method certificate, and its certificates are read",
        ),
        ("verifiers.certificate:read_material", "certificates:read_certificates"),
    ),
    Step("4.2", "key", ("key",), "The signer's key is on a curve of OMS", ("certificates:check_key",)),
    Step(
        "4.3",
        "time",
        ("transparency", "unsupported"),
        "Settle the time at which the certificates must be valid",
        _TIMESTAMP,
    ),
    Step("4.4", "signer", ("certificate",), "The signer's certificate may sign", ("certificates:leaf_fault",)),
    Step(
        "4.5",
        "chain",
        ("certificate", "time", "unsupported"),
        "A valid chain leads from it to a trust anchor",
        _CHAIN,
    ),
    Step("4.6", "signature", ("signature",), "The signature holds over the pre-authentication encoding", _SIGNATURE),
)
OWN_CERTIFICATE: Recipe = (
    CERTIFICATE[0],
    Step(
        "4.2",
        "key",
        ("key", "certificate"),
        "The certificate is for the key that signed",
        ("certificates:check_key", "verifiers.certificate:own_certificate_verifier.verify"),
    ),
    CERTIFICATE[-1]._replace(number="4.3"),
)
SIGSTORE: Recipe = (
    Step(
        "4.1",
        "method",
        ("material", "transparency"),
        "The bundle is of the method sigstore, with a log entry",
        ("verifiers.sigstore:verify_identity",),
    ),
    Step(
        "4.2",
        "sigstore",
        ("bundle", "certificate", "identity", "time", "transparency", "signature"),
        "The sigstore package finds certificate, identity, log entry, time and signature right",
        ("verifiers.sigstore:ROWS", "verifiers.sigstore:LOADING", "verifiers.sigstore:VERIFYING"),
    ),
    Step(
        "4.3",
        "signature",
        ("signature",),
        "What it verified is the payload that is read from here on",
        ("verifiers.sigstore:verify_identity", "dsse:pae"),
    ),
)
CONTENT: Recipe = (
    Step(
        "5",
        "statement",
        ("statement",),
        "Read the payload, and no sooner: an in-toto statement with one subject",
        ("statement:read_statement", "statement:_read_subject", "statement:_SUBJECT_SHAPE", *_JSON),
    ),
    Step(
        "6",
        "predicate",
        ("predicate",),
        "Read the predicate: serialization, resources, what the caller insists on",
        (
            *("statement:read_statement", "statement:_read_predicate", "statement:_SERIALIZATION_CLAUSES"),
            *("statement:_read_shard_size", "statement:_read_ignore_paths", "statement:ignored_path_fault"),
            *("statement:_read_resources", "verifying:insist", "digests:new_hash"),
        ),
    ),
    Step("7", "names", ("names",), "The names are canonical, different and in order; shards meet", _NAMES),
    Step(
        "8",
        "root-digest",
        ("root-digest",),
        "The subject's digest is that of the resources' digests",
        ("verifying:verify_bundle", "manifest:root_digest"),
    ),
)
MODEL: Recipe = (
    Step(
        *(
            "9",
            "files",
            ("files", "digest"),
            "The model has the files that are listed and no others; shards end where they do",
        ),
        (
            *("tree:open_root", "tree:_file", "tree:_follow", "tree:unreadable", "tree:_KIND_FAULTS"),
            *("manifest:name_fault", "manifest:GIT_NAMES", "paths:signature_names", "verifying:_clause"),
            *("verifying:_names_rejected", "verifying:_compare_sizes", "verifying:Config.set_ignore_unsigned_files"),
        ),
    ),
    Step(
        "10",
        "digest",
        ("digest", "files", "unsupported"),
        "Every file or shard has the digest that is listed",
        (
            *("verifying:compare_digests", "digests:_hash_piece", "digests:new_hash"),
            *("tree:unreadable", "tree:_KIND_FAULTS"),
        ),
    ),
)
V02 = "root-digest"  # the step that a bundle of version 0.2.0 has nothing for

SIGN: Recipe = (
    Step("1", "inputs", (), "Read keys and certificates; the signature can be written where it is to go", ()),
    Step(
        "2",
        "files",
        (),
        "Enumerate the files, without what is ignored and the signature itself",
        (
            *("tree:walk", "tree:_file", "tree:_follow", "tree:LINK_CLAUSE", "manifest:GIT_NAMES"),
            *("paths:ignored_names", "paths:signature_names", "hashing:refuse_problems"),
        ),
    ),
    Step(
        "3",
        "digest",
        (),
        "Hash each file or shard, and sort by name",
        ("hashing:divide", "hashing:hash_files", "hashing:shard_name", "hashing:hash_model", "digests:shards_of"),
    ),
    Step("4", "root-digest", (), "Hash the digests, in order", ("manifest:root_digest",)),
    Step(
        "5",
        "payload",
        (),
        "Write the statement in canonical bytes: the payload",
        ("statement:write_statement", "paths:model_name", "hashing:Plan.serialization"),
    ),
    Step(
        "6",
        "sign",
        (),
        "Sign the pre-authentication encoding of the payload; have it timestamped, if asked for",
        ("dsse:pae", "keys:sign_ecdsa"),
    ),
    Step(
        "7",
        "encode",
        (),
        "Write the bundle in canonical bytes",
        ("bundle:write_bundle", "dsse:write_envelope", "keys:fingerprint"),
    ),
)
WRITE = Step("9", "write", (), "Write the bundle whole, or not at all", ())
READ_BACK = "8"  # the number of the step in which a signer verifies its own bundle


def verification(method: str, *, timestamp: bool = False, v02: bool = False) -> Recipe:
    """The steps of `verify` with a method (key, certificate, sigstore), `timestamp` being asked for with key."""
    own = {"key": KEY + (TIMESTAMP if timestamp else ()), "certificate": CERTIFICATE, "sigstore": SIGSTORE}[method]
    return READ + own + tuple(step for step in CONTENT if not (v02 and step.name == V02)) + MODEL


def signing(method: str) -> Recipe:
    """The steps of `sign` with a method; what was signed is read back by the first steps of the verification."""
    own = {"key": KEY, "certificate": OWN_CERTIFICATE, "sigstore": SIGSTORE}[method.removeprefix("pkcs11-")]
    back = tuple(step._replace(number=f"{READ_BACK}.{step.number}") for step in READ + own)
    return SIGN + back + (WRITE,)


def clauses_of(step: Step) -> list[str]:
    """The IDs of the clauses that are checked in a step, or that signing keeps in it."""
    return [
        each.id
        for each in all_clauses()
        if not set(step.places).isdisjoint(each.enforced)
        and (not step.stages or not {each.stage, *each.also_at}.isdisjoint(step.stages))
    ]
