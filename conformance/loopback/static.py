"""Sigstore bundles with one defect each, made without a server and, from a seed, the same every time.

A Recipe says what an honest bundle is made of; a Case changes one thing of it, or of the bundle's JSON, or of
what the verifier is told, and names the stages at which a verifier may refuse it. Nothing here imports
`sigstore`: its verdict, and that of others, is taken on what is made here.
"""

from __future__ import annotations

import base64
import copy
import functools
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID, ObjectIdentifier

from . import encodings as enc
from .encodings import Body, Entry, Instance

IDENTITY, ISSUER = "alice@example.com", "https://issuer.example/oauth2"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
ISSUED_AT = 1_700_000_000  # when the leaf was issued, Unix seconds
SIGNED_AT = ISSUED_AT + 60
POSITION, SIZE = 3, 6  # of the entry in its log

Tree: TypeAlias = "dict[str, Any]"  # JSON that is being changed
Edit: TypeAlias = Callable[[Tree], None]


class Recipe(NamedTuple):
    """What goes into a bundle. The members that end in `_key` name another key than the right one."""

    rekor: int = 1
    timestamps: int = 0
    seed: str = "static"
    names: tuple[str, ...] = (f"email:{IDENTITY}",)  # of the leaf: see NAMES
    subject: str = ""  # the leaf's common name
    issuer: str | None = ISSUER  # extension .1.1
    issuer_v2: str | None = ISSUER  # extension .1.8
    issued_at: int = ISSUED_AT
    usage: ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING
    without: ObjectIdentifier | None = None  # an extension that the leaf lacks
    signing: bool = True  # whether the leaf's key usage is digitalSignature
    scts: int = 1
    sct_key: bool = False
    others_sct: bool = False  # the leaf's SCT is that of another certificate
    ca_key: bool = False
    ca_seed: str | None = None  # of the instance whose authority issues the leaf, under the same names
    payload_type: str = PAYLOAD_TYPE
    signing_key: bool = False
    over_payload: bool = False  # the signature is over the payload, without the pre-authentication encoding
    log_seed: str | None = None  # of the instance whose log the entry is in
    log_time: int = SIGNED_AT
    timestamp_time: int = SIGNED_AT
    log_key: bool = False  # of checkpoint and promise
    checkpoint_key: bool = False
    promise_key: bool = False
    others_promise: bool = False  # the promise is for another entry
    position: int = POSITION  # of the entry in the log, from 0
    unlogged: bool = False  # the proof is for another entry
    timestamp_key: bool = False
    timestamp_message: bytes | None = None
    timestamp_seed: str | None = None
    timestamp_chain: bool = True  # whether a timestamp brings its authority's certificate
    hint_key: bool = False  # named by the checkpoint's signature
    other_root: bool = False  # the checkpoint is over another tree
    other_size: bool = False  # the checkpoint is of a log of one entry, with the same root
    others_entry: bool = False  # the log entry is of another envelope
    others_signature: bool = False  # the log entry is of another signature over the same payload
    others_certificate: bool = False  # the log entry has another certificate for the same key
    payload_digest: bool = False  # the log entry has the digest of the payload, not of what is signed (Rekor v2)
    hashed_record: bool = False  # the log entry is a hashedrekord 0.0.1 over what is signed (Rekor v1)
    junk_body: bool = False  # the log entry's body says nothing
    kind: tuple[str, str] | None = None  # of the log entry, where it is not the usual


class Made(NamedTuple):
    """A bundle, and what to verify it with."""

    bundle: Tree
    trust_config: Tree
    identity: str = IDENTITY
    issuer: str = ISSUER


def _nothing(_: Tree) -> None:
    return


class Case(NamedTuple):
    """One change of a control; `stages` are those at which it may be refused, none where `sigstore` accepts it."""

    name: str
    control: str
    stages: frozenset[str]
    recipe: Recipe
    edit: Edit = _nothing  # of the bundle
    distrust: Edit = _nothing  # of the trusted root
    identity: str = IDENTITY
    issuer: str = ISSUER


# ------------------------------------------------------------------------------------------ making


def make(case: Case, payload: bytes) -> Made:
    """The bundle of a case over `payload`."""
    instance = make_instance(case.recipe.seed)
    bundle = honest_bundle(instance, case.recipe, payload)
    case.edit(bundle)
    config = trust_config(instance)
    case.distrust(config["trustedRoot"])
    return Made(bundle, config, case.identity, case.issuer)


make_instance = functools.cache(enc.make_instance)


def trust_config(instance: Instance) -> Tree:
    """What to trust, as a client's configuration; its services are nowhere."""
    nowhere = "http://127.0.0.1:9"  # the discard port: nothing is to be asked
    config = enc.signing_config(enc.Endpoints(nowhere, nowhere, nowhere, nowhere))
    return _tree(enc.trust_config(enc.trusted_root(instance), config))


def _tree(value: enc.JsonObject) -> Tree:
    copied: Tree = json.loads(json.dumps(value))
    return copied


def honest_bundle(instance: Instance, recipe: Recipe, payload: bytes) -> Tree:
    """What a client gets that signs `payload`, but for what the recipe says."""
    key = enc.ec_key(recipe.seed, "signer")
    leaf = make_leaf(instance, recipe, key.public_key())
    signing_key = enc.ec_key(recipe.seed, "another signer") if recipe.signing_key else key
    message = payload if recipe.over_payload else enc.pae(recipe.payload_type, payload)
    signature = enc.sign(signing_key, message)
    entry = make_entry(instance, recipe, make_body(instance, recipe, payload, signature, leaf))
    envelope = enc.envelope(recipe.payload_type, payload, signature)
    stamps = [make_timestamp(instance, recipe, signature, number) for number in range(recipe.timestamps)]
    return _tree(enc.bundle(leaf, [entry], envelope, stamps))


def make_leaf(instance: Instance, recipe: Recipe, key: ec.EllipticCurvePublicKey) -> x509.Certificate:
    """The signer's certificate."""
    authority = (make_instance(recipe.ca_seed) if recipe.ca_seed else instance).fulcio
    return enc.make_leaf(
        authority,
        key,
        list(leaf_extensions(authority, recipe, key)),
        subject=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, recipe.subject)] if recipe.subject else []),
        serial=enc.serial_number(recipe.seed, "leaf"),
        not_before=recipe.issued_at,
        scts=lambda tbs: make_scts(instance, recipe, authority, tbs),
        signer=enc.ec_key(recipe.seed, "wrong CA key") if recipe.ca_key else None,
    )


def make_scts(instance: Instance, recipe: Recipe, authority: enc.Authority, tbs: bytes) -> bytes | None:
    """The list of SCTs over a certificate without them; None for no list."""
    logs = [instance.ct_key, enc.ec_key(recipe.seed, "second CT key")][: recipe.scts]
    wrong = enc.ec_key(recipe.seed, "wrong CT key") if recipe.sct_key else None
    logged = b"the certificate of somebody else" if recipe.others_sct else tbs
    made = [
        enc.sct(
            wrong or log,
            logged,
            authority.certificate,
            recipe.issued_at * 1000,
            log_id=enc.spki_hash(log.public_key()),
        )
        for log in logs
    ]
    return enc.sct_list(made) if made else None


# How a name of the leaf is written in a recipe: one of these, a colon, and the name.
NAMES: dict[str, Callable[[str], x509.GeneralName]] = {
    "email": x509.RFC822Name,
    "URI": x509.UniformResourceIdentifier,
    "DNS": x509.DNSName,
    "otherName": enc.username,
}


def alternative_name(text: str) -> x509.GeneralName:
    """A name of the leaf, from how it is written in a recipe."""
    kind, _, name = text.partition(":")
    return NAMES[kind](name)


def leaf_extensions(
    authority: enc.Authority, recipe: Recipe, key: ec.EllipticCurvePublicKey
) -> Iterator[tuple[x509.ExtensionType, bool]]:
    """What the signer's certificate says."""
    names = [alternative_name(text) for text in recipe.names]
    issuers = {enc.OID_ISSUER_V1: recipe.issuer, enc.OID_ISSUER_V2: recipe.issuer_v2}
    lacking = {recipe.without, *(oid for oid, issuer in issuers.items() if issuer is None)}
    honest = enc.leaf_extensions(
        authority,
        key,
        names[0],
        recipe.issuer or "",
        issuer_v2=recipe.issuer_v2 or "",
        usage=recipe.usage,
    )
    for extension, critical in honest:
        if isinstance(extension, x509.KeyUsage) and not recipe.signing:
            yield enc.key_usage(), critical
        elif isinstance(extension, x509.SubjectAlternativeName) and recipe.without != extension.oid:
            yield x509.SubjectAlternativeName(names), critical and not recipe.subject  # RFC 5280 4.2.1.6
        elif extension.oid not in lacking:
            yield extension, critical


def make_body(instance: Instance, recipe: Recipe, payload: bytes, signature: bytes, leaf: x509.Certificate) -> Body:
    """The log entry's body."""
    key = enc.ec_key(recipe.seed, "another signer" if recipe.others_signature else "signer")
    if recipe.others_certificate:
        leaf = make_leaf(instance, recipe._replace(names=("email:mallory@example.com",)), key.public_key())
    if recipe.others_entry:
        payload = b'{"another":"payload"}'
    if recipe.others_entry or recipe.others_signature:
        signature = enc.sign(key, enc.pae(recipe.payload_type, payload))
    text = enc.canonical_json(enc.envelope(recipe.payload_type, payload, signature))
    message = payload if recipe.payload_digest else enc.pae(recipe.payload_type, payload)
    digest = hashlib.sha256(message).digest()
    if recipe.rekor == 2:
        body = enc.hashedrekord_v2_body(digest, signature, leaf)
    elif recipe.hashed_record:
        body = enc.hashedrekord_v1_body(digest, signature, leaf)
    else:
        body = enc.dsse_body(text, payload, signature, leaf)
    if recipe.junk_body:
        body = body._replace(bytes=b"{}")
    return body if recipe.kind is None else body._replace(kind=recipe.kind[0], version=recipe.kind[1])


def make_entry(instance: Instance, recipe: Recipe, body: Body) -> Entry:
    """The log's answer for `body`, among entries of others."""
    instance = make_instance(recipe.log_seed) if recipe.log_seed else instance
    log = instance.rekor_v1 if recipe.rekor == 1 else instance.rekor_v2
    bodies = [Body("dsse", "0.0.1", b'{"other":%d}' % number) for number in range(SIZE)]
    bodies[recipe.position] = Body(body.kind, body.version, b'{"another":"entry"}') if recipe.unlogged else body
    wrong = make_instance(f"{recipe.seed}, wrong keys")
    other = wrong.rekor_v1.key if recipe.rekor == 1 else wrong.rekor_v2.key
    time = recipe.log_time if recipe.rekor == 1 else None
    signer = other if recipe.log_key or recipe.checkpoint_key else None
    entry = enc.prove(log, bodies, recipe.position, integrated_time=time, signer=signer)
    entry = entry._replace(body=body)
    if recipe.rekor == 1:
        promised = b'{"another":"entry"}' if recipe.others_promise else body.bytes
        key = other if recipe.promise_key or recipe.log_key else log.key
        promise = enc.entry_promise(key, promised, recipe.log_time, entry.log_id, entry.log_index)
        entry = entry._replace(promise=promise)
    if recipe.other_root or recipe.other_size or recipe.hint_key:
        root = hashlib.sha256(b"another tree").digest() if recipe.other_root else entry.root
        text = enc.checkpoint_text(log.origin, 1 if recipe.other_size else SIZE, root)
        hint = b"\0\0\0\0" if recipe.hint_key else log.key_id[:4]
        entry = entry._replace(checkpoint=enc.signed_note(text, log.key, log.host, hint))
    return entry


def make_timestamp(instance: Instance, recipe: Recipe, signature: bytes, number: int) -> bytes:
    """A timestamp over `signature`."""
    authority = (make_instance(recipe.timestamp_seed) if recipe.timestamp_seed else instance).tsa
    message = signature if recipe.timestamp_message is None else recipe.timestamp_message
    asked = enc.TimestampRequest("sha256", hashlib.sha256(message).digest(), certificates=recipe.timestamp_chain)
    wrong = enc.ec_key(recipe.seed, "wrong TSA key") if recipe.timestamp_key else None
    serial = enc.serial_number(recipe.seed, f"timestamp {number}")
    return enc.timestamp_response(authority, asked, recipe.timestamp_time, serial, signer=wrong)


# ------------------------------------------------------------------------------- changes of the JSON


def at(tree: Tree, path: str) -> tuple[Any, Any]:
    """The container and the key of what `path` names: members and indices, with dots between."""
    *steps, last = (int(step) if step.isdigit() else step for step in path.split("."))
    value: Any = tree
    for step in steps:
        value = value[step]
    return value, last


def put(path: str, value: object) -> Edit:
    """Set what is at `path`."""

    def edit(tree: Tree) -> None:
        container, key = at(tree, path)
        container[key] = value

    return edit


def drop(path: str) -> Edit:
    """Remove what is at `path`."""

    def edit(tree: Tree) -> None:
        container, key = at(tree, path)
        del container[key]

    return edit


def double(path: str) -> Edit:
    """Repeat the last item of the list at `path`."""

    def edit(tree: Tree) -> None:
        container, key = at(tree, path)
        container[key].append(copy.deepcopy(container[key][-1]))

    return edit


def count(path: str, step: int) -> Edit:
    """Add to the number, written as a string, at `path`."""

    def edit(tree: Tree) -> None:
        container, key = at(tree, path)
        container[key] = str(int(container[key]) + step)

    return edit


def flip(path: str) -> Edit:
    """Flip the lowest bit of the last byte, in base64, at `path`."""

    def edit(tree: Tree) -> None:
        container, key = at(tree, path)
        data = bytearray(base64.b64decode(container[key]))
        data[-1] ^= 1
        container[key] = base64.b64encode(data).decode("ascii")

    return edit


def change_hint(tree: Tree) -> None:
    """Name another key in the checkpoint's signature."""
    container, key = at(tree, CHECKPOINT)
    head, _, note = container[key].rpartition(" ")
    data = bytearray(base64.b64decode(note))
    data[0] ^= 1
    container[key] = f"{head} {base64.b64encode(data).decode('ascii')}\n"


def join_note(tree: Tree) -> None:
    """Take the blank line out of the checkpoint."""
    container, key = at(tree, CHECKPOINT)
    container[key] = container[key].replace("\n\n", "\n")


def change_payload(tree: Tree) -> None:
    """Sign one thing, show another: a space more at the end of the payload."""
    container, key = at(tree, "dsseEnvelope.payload")
    container[key] = base64.b64encode(base64.b64decode(container[key]) + b" ").decode("ascii")


def other_log_keys(tree: Tree) -> None:
    """Trust another instance's logs, under the names of this one's."""
    others = enc.trusted_root(make_instance("static, others"))["tlogs"]
    for ours, theirs in zip(tree["tlogs"], _tree({"logs": others})["logs"], strict=True):
        ours["publicKey"] = theirs["publicKey"]


def others(member: str) -> Edit:
    """Trust another instance's services of one kind."""

    def edit(tree: Tree) -> None:
        tree[member] = _tree(enc.trusted_root(make_instance("static, others")))[member]

    return edit


# --------------------------------------------------------------------------------------------- cases

MATERIAL = "verificationMaterial"
ENTRY = f"{MATERIAL}.tlogEntries.0"
PROOF = f"{ENTRY}.inclusionProof"
CHECKPOINT = f"{PROOF}.checkpoint.envelope"
PROMISE = f"{ENTRY}.inclusionPromise"
STAMPS = f"{MATERIAL}.timestampVerificationData.rfc3161Timestamps"
STAMP = f"{STAMPS}.0.signedTimestamp"

V1, V1_STAMPED, V2 = Recipe(1), Recipe(1, 1), Recipe(2, 1)
CONTROLS = {"rekor-v1": V1, "rekor-v1-stamped": V1_STAMPED, "rekor-v2": V2}
BOTH, FIRST, STAMPED, SECOND = ("rekor-v1", "rekor-v2"), ("rekor-v1",), ("rekor-v1-stamped",), ("rekor-v2",)

LOG = frozenset({"transparency"})
LOG_OR_BUNDLE = frozenset({"transparency", "bundle"})
LOG_OR_TIME = frozenset({"transparency", "time", "certificate"})
WHO = frozenset({"identity"})
CHAIN = frozenset({"certificate", "transparency"})
SIGNATURE = frozenset({"signature", "transparency"})


def _cases(name: str, controls: Sequence[str], stages: frozenset[str], **changes: Any) -> Iterator[Case]:
    """The same change of several controls; `recipe` holds the members of the recipe that change."""
    recipe = changes.pop("recipe", {})
    for control in controls:
        changed = CONTROLS[control]._replace(**recipe)
        yield Case(f"{control}-{name}", control, stages, changed, **changes)


def cases() -> Iterator[Case]:
    """Every case, the controls first."""
    for control, recipe in CONTROLS.items():
        yield Case(control, control, frozenset(), recipe)
    yield from _identity_cases()
    yield from _certificate_cases()
    yield from _log_cases()
    yield from _promise_cases()
    yield from _signature_cases()
    yield from _timestamp_cases()
    yield from _shape_cases()
    yield from _trust_cases()
    yield from _disputed_cases()


def _identity_cases() -> Iterator[Case]:
    yield from _cases("other-identity", BOTH, WHO, identity="mallory@example.com")
    yield from _cases("other-issuer", BOTH, WHO, issuer="https://accounts.google.com")
    yield from _cases("issuer-v1-differs", BOTH, WHO, recipe={"issuer": "https://other.example"})
    yield from _cases("issuer-v1-missing", BOTH, WHO, recipe={"without": enc.OID_ISSUER_V1})


def _certificate_cases() -> Iterator[Case]:
    yield from _cases("sct-wrong-key", BOTH, LOG, recipe={"sct_key": True})
    yield from _cases("sct-missing", BOTH, LOG, recipe={"scts": 0})
    yield from _cases("sct-two", BOTH, LOG, recipe={"scts": 2})
    yield from _cases("leaf-of-another-authority", BOTH, CHAIN, recipe={"ca_key": True})
    client = {"usage": ExtendedKeyUsageOID.CLIENT_AUTH}
    yield from _cases("leaf-for-client-authentication", BOTH, CHAIN, recipe=client)
    no_usage, no_extended = {"without": ExtensionOID.KEY_USAGE}, {"without": ExtensionOID.EXTENDED_KEY_USAGE}
    yield from _cases("leaf-without-key-usage", BOTH, CHAIN, recipe=no_usage)
    yield from _cases("leaf-without-extended-key-usage", BOTH, CHAIN, recipe=no_extended)
    yield from _cases("leaf-not-for-signatures", BOTH, CHAIN, recipe={"signing": False})
    no_name = {"without": ExtensionOID.SUBJECT_ALTERNATIVE_NAME}
    yield from _cases("leaf-without-identity", BOTH, CHAIN | WHO, recipe=no_name)
    junk = put(f"{MATERIAL}.certificate.rawBytes", enc.b64(b"junk"))
    yield from _cases("leaf-junk", BOTH, frozenset({"certificate", "bundle"}), edit=junk)


def _log_cases() -> Iterator[Case]:
    yield from _cases("proof-hash-flipped", BOTH, LOG, edit=flip(f"{PROOF}.hashes.0"))
    yield from _cases("proof-one-hash-short", BOTH, LOG, edit=drop(f"{PROOF}.hashes.0"))
    yield from _cases("proof-root-flipped", BOTH, LOG, edit=flip(f"{PROOF}.rootHash"))
    yield from _cases("proof-other-index", BOTH, LOG, edit=count(f"{PROOF}.logIndex", -1))
    yield from _cases("proof-index-beyond-size", BOTH, LOG_OR_BUNDLE, edit=put(f"{PROOF}.logIndex", str(SIZE)))
    yield from _cases("checkpoint-wrong-key", BOTH, LOG, recipe={"log_key": True})
    yield from _cases("checkpoint-other-hint", BOTH, LOG, edit=change_hint)
    yield from _cases("checkpoint-other-root", BOTH, LOG, recipe={"other_root": True})
    yield from _cases("checkpoint-malformed", BOTH, LOG, edit=join_note)
    yield from _cases("checkpoint-missing", BOTH, LOG_OR_BUNDLE, edit=drop(f"{PROOF}.checkpoint"))
    yield from _cases("proof-missing", BOTH, LOG_OR_BUNDLE, edit=drop(PROOF))


def _promise_cases() -> Iterator[Case]:
    yield from _cases("promise-wrong-key", FIRST, LOG, recipe={"promise_key": True})
    yield from _cases("promise-flipped", FIRST, LOG, edit=flip(f"{PROMISE}.signedEntryTimestamp"))
    yield from _cases("promise-stale", FIRST, LOG, edit=count(f"{ENTRY}.integratedTime", 1))
    yield from _cases("promise-of-another-index", FIRST, LOG, edit=count(f"{ENTRY}.logIndex", 1))
    yield from _cases("promise-missing", FIRST, LOG_OR_BUNDLE, edit=drop(PROMISE))
    for name, time in (("after", ISSUED_AT + enc.LEAF_LIFETIME + 60), ("before", ISSUED_AT - 60)):
        yield from _cases(f"logged-{name}-validity", FIRST, LOG_OR_TIME, recipe={"log_time": time})
        changes = {"timestamp_time": time}
        yield from _cases(f"timestamp-{name}-validity", (*STAMPED, *SECOND), LOG_OR_TIME, recipe=changes)


def _signature_cases() -> Iterator[Case]:
    yield from _cases("payload-changed", BOTH, SIGNATURE, edit=change_payload)
    kind = put("dsseEnvelope.payloadType", "application/json")
    yield from _cases("payload-type-changed", BOTH, frozenset({"envelope", "signature"}), edit=kind)
    yield from _cases("signature-flipped", BOTH, SIGNATURE, edit=flip("dsseEnvelope.signatures.0.sig"))
    yield from _cases("signature-doubled", BOTH, frozenset({"envelope"}), edit=double("dsseEnvelope.signatures"))
    yield from _cases("entry-of-another-envelope", BOTH, LOG, recipe={"others_entry": True})
    yield from _cases("entry-of-another-signature", BOTH, LOG, recipe={"others_signature": True})
    yield from _cases("entry-of-nothing", FIRST, LOG, recipe={"junk_body": True})


def _timestamp_cases() -> Iterator[Case]:
    yield from _cases("timestamp-junk", (*STAMPED, *SECOND), LOG, edit=put(STAMP, enc.b64(b"junk")))
    yield from _cases("timestamp-wrong-key", SECOND, LOG, recipe={"timestamp_key": True})
    yield from _cases("timestamp-of-another-message", SECOND, LOG, recipe={"timestamp_message": b"other"})
    yield from _cases("timestamp-of-unknown-authority", SECOND, LOG, recipe={"timestamp_seed": "unknown"})
    yield from _cases("timestamp-doubled", SECOND, LOG, edit=double(STAMPS))
    yield from _cases("timestamp-missing", SECOND, LOG_OR_BUNDLE, edit=drop(f"{MATERIAL}.timestampVerificationData"))
    yield from _cases("timestamps-33", SECOND, LOG, recipe={"timestamps": 33})


def _shape_cases() -> Iterator[Case]:
    yield from _cases("entries-none", BOTH, LOG, edit=put(f"{MATERIAL}.tlogEntries", []))
    yield from _cases("entries-two", BOTH, LOG_OR_BUNDLE, edit=double(f"{MATERIAL}.tlogEntries"))
    yield from _cases("entry-version-0.0.3", BOTH, LOG_OR_BUNDLE, edit=put(f"{ENTRY}.kindVersion.version", "0.0.3"))
    yield from _cases("entry-kind-intoto", FIRST, LOG, recipe={"kind": ("intoto", "0.0.1")})
    yield from _cases("entry-kind-dsse-0.0.2", SECOND, LOG, recipe={"kind": ("dsse", "0.0.2")})
    junk = put(f"{MATERIAL}.certificate.rawBytes", "!")
    yield from _cases("certificate-not-base64", BOTH, frozenset({"bundle"}), edit=junk)
    yield from _cases("log-index-negative", BOTH, LOG_OR_BUNDLE, edit=put(f"{ENTRY}.logIndex", "-1"))


def _trust_cases() -> Iterator[Case]:
    yield from _cases("other-ct-log", BOTH, LOG, distrust=others("ctlogs"))
    yield from _cases("no-ct-log", BOTH, LOG, distrust=put("ctlogs", []))
    yield from _cases("other-log-keys", BOTH, LOG, distrust=other_log_keys)
    yield from _cases("no-log", BOTH, LOG, distrust=put("tlogs", []))
    yield from _cases("other-authority", BOTH, CHAIN, distrust=others("certificateAuthorities"))
    yield from _cases("no-authority", BOTH, CHAIN, distrust=put("certificateAuthorities", []))
    yield from _cases("no-timestamp-authority", SECOND, LOG, distrust=put("timestampAuthorities", []))
    later = put("tlogs.0.publicKey.validFor.start", "2090-01-01T00:00:00Z")
    yield from _cases("log-key-not-yet-valid", FIRST, LOG, distrust=_both(later, drop("tlogs.1")))


def _disputed_cases() -> Iterator[Case]:
    """What the sigstore package accepts, and another client refuses."""
    accepted: frozenset[str] = frozenset()
    yield from _cases("issuer-v2-differs", BOTH, accepted, recipe={"issuer_v2": "https://other.example"})
    yield from _cases("checkpoint-other-size", BOTH, accepted, recipe={"other_size": True})
    yield from _cases("timestamp-wrong-key", STAMPED, accepted, recipe={"timestamp_key": True})
    ended = "2021-01-01T00:00:00Z"
    yield from _cases("log-key-ended", FIRST, accepted, distrust=put("tlogs.0.publicKey.validFor.end", ended))
    authority = put("certificateAuthorities.0.validFor.end", ended)
    yield from _cases("authority-ended", BOTH, accepted, distrust=authority)
    yield from _cases("ct-log-key-ended", BOTH, accepted, distrust=put("ctlogs.0.publicKey.validFor.end", ended))


def _both(*edits: Edit) -> Edit:
    def edit(tree: Tree) -> None:
        for each in edits:
            each(tree)

    return edit
