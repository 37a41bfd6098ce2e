"""What a signer wrote, judged by this project's verifiers and never by the signer.

There is a check for each thing that a signer can get wrong. The method key is judged with the standard library alone:
standalone.py has the strict JSON, the envelope, the signature and the whole verification. What it lacks (certificates,
BLAKE3) needs the package's dependencies, and is "not judged" where they are not installed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from model_signing_ref import standalone

from . import signing_schemas
from .case import Vector, content
from .signing_case import SigningCase, Snapshot, snapshot

JSON = Any
MEDIA_TYPES = ("application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.dev.sigstore.bundle+json;version=0.3")
UNTOUCHED = "what lay there is still there"
LONGEST = 256 << 20  # bytes of a bundle that are read
GIT = (".git", ".gitattributes", ".github", ".gitignore")
PARAMETERS = {
    **{"method": "OMS-5.2.2-01", "hash_type": "OMS-5.2.2-02", "shard_size": "OMS-5.2.2-03"},
    "allow_symlinks": "OMS-5.2.2-05",
}


class Check(NamedTuple):
    """One thing that a bundle has to be: whether it is (None: not judged), by which clause, and what is wrong.

    The clause is None where it is the adapter protocol that says so. `ours` are rules of this project alone.
    """

    name: str
    holds: bool | None
    clause: str | None = None
    detail: str = ""
    ours: bool = False

    def placed(self, folder: str, where: str) -> Check:
        """The same with the case's folder under the name by which it is to be found."""
        return self._replace(detail=self.detail.replace(folder, where))


def judge(made: SigningCase, before: Snapshot) -> tuple[Check, ...]:
    """The checks of what a signer left of a case, by the manifest that the vector has. `before` is what lay there."""
    data = read(made)
    if isinstance(data, str):
        return (Check("written", False, None, data), nothing_else(made, before))
    value = lenient(data)
    payload = decoded(find(value, "dsseEnvelope", "payload"))
    checks = [Check("written", True), nothing_else(made, before), bundle_shape(data), *material(made.vector, value)]
    checks += [envelope(value), signature(made.vector, value, payload), *statement(made.vector, payload)]
    checks += [verified(made), schemas(data, payload), canonical(made.vector, data)]
    return tuple(checks)


def left_behind(made: SigningCase, before: Snapshot) -> tuple[Check, ...]:
    """The checks where a signer refused: that it wrote nothing."""
    wrote = os.path.lexists(made.bundle) and read(made) != UNTOUCHED
    detail = "it refused, and left a bundle" if wrote else ""
    return (Check("nothing-written", not wrote, None, detail), nothing_else(made, before))


def read(made: SigningCase) -> bytes | str:
    """The bundle, or why there is none."""
    try:
        if not stat.S_ISREG(os.lstat(made.bundle).st_mode):
            return "the bundle is no regular file"
        with open(made.bundle, "rb") as file:
            data = file.read(LONGEST + 1)
    except OSError as error:
        return f"there is no bundle: {error.strerror}"
    old = [each["content"] for each in made.vector["model"]["entries"] if each["path"] == _inside(made.vector) != ""]
    if old and data == content(old[0]):
        return UNTOUCHED
    return data if len(data) <= LONGEST else f"the bundle has more than {LONGEST} bytes"


def nothing_else(made: SigningCase, before: Snapshot) -> Check:
    """Whether nothing but the bundle was written, changed or removed."""
    after = snapshot(made)
    differ = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    detail = f"{len(differ)} other files or folders are new, changed or gone, first {differ[0]!r}" if differ else ""
    return Check("nothing-else", not differ, None, detail)


def attempt(name: str, function: Callable[[], Any]) -> Any:
    """What `function` gives, or the check that a Failure of standalone.py stands for."""
    try:
        return function()
    except standalone.Failure as failure:
        ours = str(failure.clause).startswith("REF-")
        return Check(name, False, failure.clause, failure.detail, ours)


def need(name: str, faults: Iterator[tuple[str, str]], ours: bool = False) -> Check:
    """The check that fails with the first of `faults`, each a clause and what is wrong."""
    first = next(faults, None)
    return Check(name, True, None, "", ours) if first is None else Check(name, False, *first, ours)


def find(value: JSON, *path: str | int) -> JSON:
    """What is at `path` in a JSON value; None if nothing is."""
    for part in path:
        if isinstance(part, str) and isinstance(value, dict):
            value = value.get(part)
        elif isinstance(part, int) and isinstance(value, list) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def lenient(data: bytes) -> JSON:
    """The value of JSON as other readers take it, so that one fault does not hide the others; None for none."""
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def decoded(text: JSON) -> bytes | None:
    """The bytes of base64 in either alphabet, leniently: `envelope` says what is wrong with it."""
    try:
        return base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_") + "==")
    except (AttributeError, ValueError):
        return None


# --- the bundle


def bundle_shape(data: bytes) -> Check:
    """Strict JSON, members and their types, and the media type."""

    def fault() -> Check:
        value = standalone.parse_json(data, "bundle")
        standalone.check_shape(value, standalone.BUNDLE, "the bundle")
        right = value["mediaType"] in MEDIA_TYPES
        return Check("bundle", right, "OMS-8.1-01", "" if right else f"mediaType {value['mediaType'][:100]!r}")

    made: Check = attempt("bundle", fault)
    return made


def material(vector: Vector, value: JSON) -> Iterator[Check]:
    """The verification material: of the method, and none besides; that the hint is exactly ours is a check apart."""
    given = find(value, "verificationMaterial")
    kinds = [kind for kind in ("publicKey", "x509CertificateChain", "certificate") if find(given, kind) is not None]
    if vector["method"] == "certificate":
        yield need("material", _chain_faults(vector, kinds, given))
        return
    hint = find(given, "publicKey", "hint")
    yield need("material", _key_faults(vector, kinds, hint))
    ours = hint == fingerprints(vector["trust"]["public_key"])[0]
    yield Check("hint", ours, "REF-KEY-01", "" if ours else "it is not the SHA-256 of the PEM text", True)


def _key_faults(vector: Vector, kinds: list[str], hint: JSON) -> Iterator[tuple[str, str]]:
    if "publicKey" not in kinds:
        yield "OMS-4.1-01", "there is no publicKey"
    if len(kinds) > 1:
        yield "BUNDLE-02", f"there are {' and '.join(kinds)}"
    if not isinstance(hint, str) or not re.fullmatch("[0-9A-Fa-f]+", hint):
        yield "OMS-4.1-04", "hint is absent, or not in hex"
    elif hint.lower() not in fingerprints(vector["trust"]["public_key"]):
        yield "OMS-4.1-04", f"hint {hint[:70]} is no fingerprint of the key: SHA-2 of its PEM or DER"


def _chain_faults(vector: Vector, kinds: list[str], given: JSON) -> Iterator[tuple[str, str]]:
    known = [pem_bytes(pem) for pem in vector["certificates"]]
    listed = find(given, "x509CertificateChain", "certificates") or []
    raw = [decoded(find(each, "rawBytes")) for each in listed] if isinstance(listed, list) else []
    if "x509CertificateChain" not in kinds:
        yield "OMS-4.1-02", "there is no x509CertificateChain"
    if len(kinds) > 1:
        yield "BUNDLE-02", f"there are {' and '.join(kinds)}"
    if raw[:1] != known[:1]:
        yield "OMS-4.1-02", "the first certificate is not the signer's"
    if any(each not in known for each in raw):
        yield "OMS-4.1-02", "a certificate is none of those given"


def pem_bytes(pem: str) -> bytes:
    """What is in a PEM text."""
    return base64.b64decode("".join(pem.splitlines()[1:-1]))


def fingerprints(pem: str) -> list[str]:
    """What may be called a fingerprint of a key, since OMS does not say of what it is one; the first is ours."""
    texts = (pem.encode(), pem.strip().encode(), pem_bytes(pem))
    return [hashlib.new(name, text).hexdigest() for name in ("sha256", "sha384", "sha512") for text in texts]


def envelope(value: JSON) -> Check:
    """Payload type, base64, and one signature."""
    inner = find(value, "dsseEnvelope")
    if inner is None:
        return Check("envelope", None, None, "there is no envelope")

    def faults() -> Iterator[tuple[str, str]]:
        kind, signatures = find(inner, "payloadType"), find(inner, "signatures")
        if kind != "application/vnd.in-toto+json":
            yield "INTOTO-01", f"payloadType {standalone.show(kind)}"
        if not signatures or not isinstance(signatures, list):
            yield "DSSE-03", "there is no signature"
        elif len(signatures) > 1:
            yield "BUNDLE-01", f"there are {len(signatures)} signatures"
        for name, text in (("payload", find(inner, "payload")), ("sig", find(signatures, 0, "sig"))):
            standalone.unbase64(text if isinstance(text, str) else "!", "envelope", name)

    made: Check = attempt("envelope", lambda: need("envelope", faults()))
    return made


def signature(vector: Vector, value: JSON, payload: bytes | None) -> Check:
    """Whether the signature is the signer's over the pre-authentication encoding, for every method."""
    kind = find(value, "dsseEnvelope", "payloadType")
    raw = decoded(find(value, "dsseEnvelope", "signatures", 0, "sig"))
    if payload is None or raw is None or not isinstance(kind, str):
        return Check("signature", False, "DSSE-01", "there is no envelope with payload and signature")
    curve, point, _ = standalone.key_from_pem(vector["trust"]["public_key"].encode())
    head = kind.encode("utf-8", "surrogatepass")
    message = b"DSSEv1 %d %s %d %s" % (len(head), head, len(payload), payload)
    holds = curve is not None and standalone.ecdsa_holds(curve, point, message, raw)
    return Check("signature", holds, "DSSE-01", "" if holds else "it does not hold")


# --- the payload


def statement(vector: Vector, payload: bytes | None) -> Iterator[Check]:
    """What the payload says, by the manifest that is expected."""
    value = lenient(payload or b"")
    if not isinstance(value, dict):
        yield Check("statement", False, "OMS-5-01", "there is no payload that is a JSON object")
        return
    wanted, how = vector["manifest"], find(value, "predicate", "serialization")
    yield need("statement", _statement_faults(value))
    name = find(value, "subject", 0, "name")
    right = name == wanted["name"]
    yield Check("subject", right, "OMS-6.5.1-03", "" if right else f"{standalone.show(name)} is not the model's name")
    yield need("parameters", _parameter_faults(how, wanted["serialization"]))
    yield from ignore_paths(find(how, "ignore_paths"), wanted["serialization"]["ignore_paths"])
    yield from resources(vector, value)


def _statement_faults(value: JSON) -> Iterator[tuple[str, str]]:
    subject = value.get("subject")
    if value.get("_type") != "https://in-toto.io/Statement/v1":
        yield "OMS-8.3-02", f"_type {standalone.show(value.get('_type'))}"
    if value.get("predicateType") != "https://model_signing/signature/v1.0":
        yield "OMS-5.1-01", f"predicateType {standalone.show(value.get('predicateType'))}"
    if not isinstance(subject, list) or len(subject) != 1:
        yield "OMS-6.5-01", "there is not just one subject"
    if not re.fullmatch('"[0-9a-f]{64}"', json.dumps(find(subject, 0, "digest", "sha256"))):
        yield "OMS-6.5.1-02", "the subject has no SHA-256 in hex"


def _parameter_faults(how: JSON, wanted: JSON) -> Iterator[tuple[str, str]]:
    given = how if isinstance(how, dict) else {}
    for name, clause in PARAMETERS.items():
        got, expected = given.get(name), wanted.get(name)
        if name not in wanted and name in given:
            yield "OMS-5.2.2-04", f"there is a {name}"
        elif name in wanted and (got != expected or isinstance(got, bool) != isinstance(expected, bool)):
            yield clause, f"{name} is {ascii(got)[:80]}, not {expected}"


def ignore_paths(got: JSON, wanted: list[str]) -> Iterator[Check]:
    """Recorded ignored paths: their form, and apart, since OMS only recommends to record them, which they are."""
    listed = got if isinstance(got, list) and all(isinstance(path, str) for path in got) else []

    def faults() -> Iterator[tuple[str, str]]:
        if got is not None and listed != got:
            yield "OMS-5.2.2-06", "ignore_paths is no array of strings"
        for path in listed:
            if re.search(r"[*?\[]", path):
                yield "OMS-6.2.1-01", f"{standalone.show(path)} is a pattern"
            if path.startswith("/") or ".." in path.split("/"):
                yield "OMS-6.2.1-02", f"{standalone.show(path)} leads out of the model"

    yield need("ignore-paths", faults())
    right = set(listed) == set(wanted)
    yield Check("recorded", right, "OMS-6.2-05", "" if right else f"{listed[:20]} are not {wanted[:20]}", True)


def resources(vector: Vector, value: JSON) -> Iterator[Check]:
    """Names, their order, digests and the root digest, each as it stands, whatever is wrong with the others."""
    wanted = {each["name"]: each for each in vector["manifest"]["resources"]}
    values = find(value, "predicate", "resources")
    listed = [each for each in values if isinstance(find(each, "name"), str)] if isinstance(values, list) else []
    names = [each["name"] for each in listed]
    yield need("names", _name_faults(vector, names, list(wanted)))
    right = names == sorted(names)
    misplaced = next((name for name, other in zip(names, sorted(names)) if name != other), "")
    yield Check("order", right, "OMS-5.2.1-05", "" if right else f"{standalone.show(misplaced)} is out of order")
    yield need("digests", _digest_faults(listed, wanted))
    yield root_digest(find(value, "subject", 0, "digest", "sha256"), listed)


def _name_faults(vector: Vector, names: list[str], wanted: list[str]) -> Iterator[tuple[str, str]]:
    for name in wanted:
        if name not in names:
            yield _why_listed(vector), f"{standalone.show(name)} is not listed"
    for name in names:
        if name not in wanted:
            yield _why_not_listed(vector, name), f"{standalone.show(name)} is listed"
    if len(set(names)) < len(names):
        yield "OMS-6.1.2-01", "a name is listed twice"


def _why_listed(vector: Vector) -> str:
    single = vector["model"]["entries"][:1] and vector["model"]["entries"][0]["path"] == ""
    return "OMS-6.1.2-07" if single else "OMS-6.3.2-04" if "shard_size" in vector["options"] else "OMS-6.1-01"


def _why_not_listed(vector: Vector, name: str) -> str:
    """The clause by which a name is not in the manifest."""
    ignored = vector["options"].get("ignore_paths", ())
    links = [entry["path"] for entry in vector["model"]["entries"] if entry["type"] == "link"]
    if name == _inside(vector):
        return "OMS-6.2-04"
    if any(name == path or name.startswith(f"{path}/") for path in ignored):
        return "OMS-6.2-03"
    if any(name == path or name.startswith(f"{path}/") for path in links):
        return "OMS-6.1.1-03"
    return "OMS-6.2-01" if name.partition("/")[0] in GIT else _why_listed(vector)


def _inside(vector: Vector) -> str:
    """The name of the bundle in the model; nothing if it is not there."""
    inside = f"{vector['model']['name']}/"
    path: str = vector["bundle_path"]
    return path[len(inside) :] if path.startswith(inside) else ""


def _digest_faults(listed: list[JSON], wanted: dict[str, JSON]) -> Iterator[tuple[str, str]]:
    for each in listed:
        expected = wanted.get(each["name"])
        if expected is not None and each.get("digest") != expected["digest"]:
            yield "OMS-5.2.1-02", f"the digest of {standalone.show(each['name'])} is another"
        if expected is not None and each.get("algorithm") != expected["algorithm"]:
            shown = standalone.show(each.get("algorithm"))
            yield "OMS-7-01", f"the algorithm of {standalone.show(each['name'])} is {shown}"


def root_digest(got: JSON, listed: list[JSON]) -> Check:
    """Whether the root digest is that of the resources as they are listed, right or wrong."""
    try:
        total = hashlib.sha256(b"".join(bytes.fromhex(each["digest"]) for each in listed)).hexdigest()
    except (KeyError, TypeError, ValueError):
        return Check("root-digest", False, "OMS-6.5.1-01", "a resource has no digest in hex")
    right = got == total
    return Check("root-digest", right, "OMS-6.5.1-01", "" if right else f"it is {standalone.show(got)}, not {total}")


# --- the whole


def verified(made: SigningCase) -> Check:
    """Whether a verifier of this project accepts bundle and model."""
    if made.vector["method"] != "key":
        return by_package(made)
    options = made.vector["options"]
    asked = standalone.Options(
        ignore_paths=[str(made.model / path) for path in options.get("ignore_paths", ())],
        ignore_git_paths=options.get("ignore_git_paths", True),
        allow_symlinks=options.get("allow_symlinks", False),
    )
    key = made.folder / "verifier.pub"
    key.write_text(made.vector["trust"]["public_key"], "utf-8")
    try:
        standalone.verify(str(made.model), str(made.bundle), str(key), asked, {})
    except standalone.Failure as failure:
        if failure.verdict == "unsupported":
            return by_package(made)
        ours = str(failure.clause).startswith("REF-")
        return Check("verified", False, failure.clause, f"{failure.stage}: {failure.detail}", ours)
    except (OSError, ValueError, MemoryError, RecursionError) as error:
        return Check("verified", None, None, f"it could not be: {error!r}")
    finally:
        key.unlink()
    return Check("verified", True)


def by_package(made: SigningCase) -> Check:
    """What the package says of what standalone.py has not."""
    try:
        from model_signing_ref import errors

        return _package(made, errors)
    except ImportError as error:
        return Check("verified", None, None, f"this needs model_signing_ref with its dependencies: {error}")


def _package(made: SigningCase, errors: Any) -> Check:
    from model_signing_ref import verifying
    from model_signing_ref.hashing import Plan

    options, trust = made.vector["options"], made.folder / "verifier.pem"
    plan = Plan(
        allow_symlinks=options.get("allow_symlinks", False),
        ignored=tuple(options.get("ignore_paths", ())),
        ignore_git_paths=options.get("ignore_git_paths", True),
    )
    config = verifying.Config().set_plan(plan)
    try:
        if made.vector["method"] == "certificate":
            trust.write_text("".join(made.vector["trust"]["certificates"]), "utf-8")
            config.use_certificate_verifier(certificate_chain=[trust])
        else:
            trust.write_text(made.vector["trust"]["public_key"], "utf-8")
            config.use_elliptic_key_verifier(public_key=trust)
        config.verify(made.model, made.bundle)
    except errors.Unsupported as error:
        return Check("verified", None, None, f"not available here: {error.detail}")
    except errors.Rejection as error:
        return Check("verified", False, error.clause, f"{error.stage}: {error.detail}", error.clause.startswith("REF-"))
    except (errors.OperationError, OSError) as error:
        return Check("verified", None, None, f"it could not be: {error}")
    finally:
        trust.unlink(missing_ok=True)
    return Check("verified", True)


def schemas(data: bytes, payload: bytes | None) -> Check:
    """Whether the schemas of spec/schemas take bundle and payload (OMS-3.1-02). They hold rules of this project too."""
    try:
        fault = signing_schemas.first_fault(data, payload)
    except signing_schemas.NotJudged as error:
        return Check("schema", None, None, str(error), True)
    return Check("schema", not fault, "OMS-3.1-02", fault, True)


def canonical(vector: Vector, data: bytes) -> Check:
    """Whether the bundle is, byte for byte, the deterministic one of this project."""
    if vector["bundle"] is None:
        return Check("bytes", None, None, "this project refuses to sign it", True)
    right = data == content(vector["bundle"])
    return Check("bytes", right, "REF-KEY-02", "" if right else "it is not the canonical, deterministic bundle", True)
