"""The conformance vectors: what the project's verifiers say of each, and the gates that every vector passes."""

from __future__ import annotations

import base64
import copy
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import lru_cache
from pathlib import Path
from ssl import DER_cert_to_PEM_cert, PEM_cert_to_DER_cert
from typing import Any

import jsonschema
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_der_x509_certificate

pytest.importorskip("asn1crypto", reason="pip install 'model_signing_ref[loopback]'")

from conformance import case, inprocess
from conformance.generate import __main__ as command
from conformance.generate import certificates, chains, corpus, edits, keys
from conformance.loopback.static import Recipe
from model_signing_ref import dsse, errors, strictjson

CLAUSES = case.VECTORS.parents[1] / "spec" / "clauses.json"
FLOORS = {
    **{"bundle": 30, "material": 20, "envelope": 25, "pae": 20, "signature": 30, "key": 12, "statement": 25},
    **{"predicate": 35, "names": 25, "order": 8, "root-digest": 6, "files": 30, "digest": 10, "shards": 30},
    **{"algorithms": 8, "ignored": 25, "compat": 12, "limits": 10, "certificate": 45, "signing": 25, "sigstore": 60},
}
# The vectors outside the family `signature` whose signature is none over the encoding of DSSE v1.
UNSIGNED = (
    *("compat/raw-key-of-the-attacker", "compat/old", "compat/old-not-allowed", "compat/old-and-changed"),
    *("compat/old-encoding-new-statement", "compat/old-and-forged", "compat/old-asked-otherwise"),
    *("sigstore/payload-changed-v1", "sigstore/payload-changed-v2", "sigstore/signed-without-encoding"),
    *("sigstore/signed-by-another-key-v1", "sigstore/signed-by-another-key-v2"),
)


@lru_cache(None)
def manifest() -> Any:
    return json.loads((case.VECTORS / "manifest.json").read_text("utf-8"))


@lru_cache(None)
def vectors() -> dict[str, case.Vector]:
    return {vector["id"]: vector for vector in case.load()}


def of_family(family: str) -> list[case.Vector]:
    return [vector for vector in vectors().values() if vector["id"].startswith(family + "/")]


def edited() -> Iterator[tuple[case.Vector, case.Vector]]:
    """Each vector that has a control, with it."""
    for vector in vectors().values():
        if vector["control"] is not None:
            yield vector, vectors()[vector["control"]]


def material(vector: case.Vector) -> dict[str, Any]:
    return {name: vector[name] for name in case.made_of(vector)}


@contextmanager
def on_disk(vector: case.Vector) -> Iterator[case.Case]:
    """The vector in a folder that every user can enter."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield case.materialise(vector, Path(name))
        case.release(Path(name))


# --- verdicts

# Where the second verifier refuses at another stage. A name that is a dot is valid where the model is a file:
# the second verifier looks whether it is one before it checks names, and the package checks names with no disk.
STAGE_OF_THE_SECOND = {"compat/dot-for-a-folder": "names"}


@pytest.mark.parametrize("family", case.families())
def test_the_package_says_what_is_published(family: str) -> None:
    if family == "sigstore":
        pytest.importorskip("sigstore", reason="pip install 'model_signing_ref[sigstore]'")
    wrong = [line for vector in of_family(family) for line in judge(vector, inprocess.package, expected(vector))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("family", [name for name in case.families() if name not in case.METHODS[1:]])
def test_the_second_verifier_agrees(family: str) -> None:
    keyed = [vector for vector in of_family(family) if vector["method"] == "key"]
    known = [vector for vector in keyed if not vector["options"].get("allow_v02")]
    wrong = [line for vector in known for line in judge(vector, inprocess.standalone, without_blake3(vector))]
    assert not wrong, "\n".join(wrong)


Wanted = tuple[str, Any]


def expected(vector: case.Vector) -> Wanted:
    return vector["ours"]["verdict"], vector["ours"]["stage"]


def without_blake3(vector: case.Vector) -> Wanted:
    """The second verifier has no BLAKE3, and says so once it gets as far as contents."""
    ours = vector["ours"]["verdict"], STAGE_OF_THE_SECOND.get(vector["id"], vector["ours"]["stage"])
    late = vector["profile"] == "blake3" and (ours[0] == "accept" or ours[1] == "digest")
    return ("unsupported", "unsupported") if late else ours


def judge(vector: case.Vector, verify: inprocess.Verify, want: Wanted) -> Iterator[str]:
    """What is wrong with a verifier's answer: its verdict, its stage, or a clause that the vector does not name."""
    with on_disk(vector) as made, inprocess.as_nobody(vector):
        got = verify(made)
    if (got.verdict, got.stage) != want:
        yield f"{vector['id']}: {got} and not {want}"
    elif got.verdict == "reject" and got.clause not in vector["clauses"]:
        yield f"{vector['id']}: {got.clause} is not among {vector['clauses']}"


def of_method(method: str, **trust: Any) -> case.Vector:
    """A bundle of the method key whose caller asks for another method."""
    more = {"verification_time": "2026-01-01T00:00:00Z", "chain": {}} if method == "certificate" else {}
    return {**vectors()["key/plain"], "method": method, "trust": trust, **more}


def asked(vector: case.Vector, verify: inprocess.Verify = inprocess.package) -> tuple[str, str | None]:
    case.check(vector)
    with on_disk(vector) as made:
        return verify(made)[:2]


def test_the_method_decides_who_verifies() -> None:
    certificate = DER_cert_to_PEM_cert(certificates.self_signed("p256/model", "root"))
    vector = of_method("certificate", certificates=[certificate])
    assert asked(vector) == ("reject", "material")
    assert asked(vector, inprocess.standalone) == ("unsupported", "unsupported")
    assert asked(of_method("sigstore", identity="i", issuer="o", trusted_root="{}"))[0] == "error"


def test_a_method_that_is_not_installed_is_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sigstore", None)
    monkeypatch.delitem(sys.modules, "model_signing_ref.verifiers.sigstore", raising=False)
    assert asked(of_method("sigstore", identity="i", issuer="o", trusted_root="{}")) == ("unsupported", "unsupported")


# --- gates


def test_regeneration_gives_the_same_bytes() -> None:
    made = corpus.files()
    present = {path.name for path in case.VECTORS.glob("*.json") if ".schema." not in path.name}
    assert present == set(made)
    assert [name for name in made if (case.VECTORS / name).read_bytes() != made[name]] == []


def test_the_command_checks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(case, "VECTORS", tmp_path)
    monkeypatch.setattr("conformance.generate.__main__.files", lambda: {"a.json": b"1"})
    (tmp_path / "old.json").write_bytes(b"2")
    assert command.main(["--check"]) == 1
    assert [line.split()[0] for line in capsys.readouterr().err.splitlines()] == ["a.json", "old.json"]
    assert command.main([]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert command.main(["--check"]) == 0
    assert command.main(["--help"]) == 2


@pytest.mark.parametrize("row", manifest()["families"], ids=lambda row: str(row["family"]))
def test_schema(row: Any) -> None:
    schema = json.loads((case.VECTORS / row["schema"]).read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    family = json.loads((case.VECTORS / row["file"]).read_text("utf-8"))
    errors_found = jsonschema.Draft202012Validator(schema).iter_errors(family)
    assert [(list(error.path), error.message[:200]) for error in errors_found] == []


def test_the_schema_has_the_same_lists() -> None:
    schema = json.loads((case.VECTORS / "vector.schema.json").read_text("utf-8"))["$defs"]
    members = schema["vector"]["properties"]
    assert tuple(members["trust"]["properties"]) == case.TRUST
    assert tuple(members["options"]["properties"]) == case.OPTIONS
    assert tuple(members["method"]["enum"]) == case.METHODS
    assert tuple(members["stages"]["items"]["enum"]) == case.STAGES
    assert {
        rule["if"]["properties"]["method"]["const"]: tuple(rule["then"]["properties"]["trust"]["required"])
        for rule in schema["vector"]["allOf"]
        if "method" in rule["if"]["properties"]
    } == case.NEEDED
    layers = [edit["properties"]["layer"] for edit in schema["edit"]["oneOf"]]
    assert {name for layer in layers for name in layer.get("enum", [layer.get("const")])} == set(case.LAYERS)


def test_manifest() -> None:
    schema = json.loads((case.VECTORS / "manifest.schema.json").read_text("utf-8"))
    jsonschema.validate(manifest(), schema, jsonschema.Draft202012Validator)
    assert manifest()["corpus_digest"] == corpus.corpus_digest([row["sha256"] for row in manifest()["families"]])
    scored = sum(case.is_scored(vector) for vector in vectors().values())
    apart = sum(row["scored"] for row in manifest()["families"] if row["family"] in ("pae", "signing"))
    assert manifest()["scored"] == scored + apart >= 400
    assert {row["family"] for row in manifest()["families"]} == set(FLOORS)


@pytest.mark.parametrize("family", FLOORS)
def test_floors(family: str) -> None:
    assert next(row["vectors"] for row in manifest()["families"] if row["family"] == family) >= FLOORS[family]


def test_our_own_stage_is_among_the_acceptable_ones() -> None:
    for vector in vectors().values():
        if vector["ours"]["verdict"] == "reject":
            stages = {vector["ours"]["stage"], STAGE_OF_THE_SECOND.get(vector["id"], vector["ours"]["stage"])}
            assert stages <= set(vector["stages"]), vector["id"]


def test_controls_are_accepted() -> None:
    """Or left open: then nothing that differs from them counts for a client that refuses them."""
    for vector, control in edited():
        open_one = control["profile"] == "ref-strict" and control["ours"]["verdict"] == "accept"
        assert control["verdict"] == "accept" or open_one, vector["id"]
    assert [v["id"] for v in vectors().values() if v["verdict"] == "reject" and v["control"] is None] == []


def test_no_two_vectors_are_the_same() -> None:
    seen: dict[str, str] = {}
    for vector in vectors().values():
        other = seen.setdefault(json.dumps(material(vector), sort_keys=True), vector["id"])
        assert other == vector["id"], (other, vector["id"])


def test_descriptions() -> None:
    for vector in vectors().values():
        for name in ("what", "why", "gain"):
            assert vector[name].endswith("."), (vector["id"], name)
    texts = [(vector["id"].partition("/")[0], vector["what"]) for vector in vectors().values()]
    assert sorted(text for text in texts if texts.count(text) > 1) == []


def test_only_oms_and_what_it_cites_is_scored() -> None:
    for vector in vectors().values():
        ours_alone = all(clause.startswith("REF-") for clause in vector["clauses"])
        assert not (case.is_scored(vector) and ours_alone), vector["id"]
        assert vector["verdict"] == "either" or vector["profile"] != "ref-strict", vector["id"]


def test_clauses_exist() -> None:
    known = {clause["id"] for clause in json.loads(CLAUSES.read_text("utf-8"))["clauses"]}
    cited = {clause for vector in vectors().values() for clause in vector["clauses"]}
    assert sorted(cited - known) == []


def test_the_edit_gives_the_same_bytes_again() -> None:
    for vector, control in edited():
        assert edits.apply(material(control), vector["edit"]) == material(vector), vector["id"]


# What may differ between a vector and its control, by the layer of the edit.
MAY_DIFFER = {
    **{layer: {"bundle"} for layer in ("bundle-bytes", "bundle", "envelope", "signature", "payload-bytes", "payload")},
    **{"model": {"bundle", "model"}, "signer": {"bundle", "signer", "trust"}, "tree": {"model"}},
    **{"outside": {"outside"}, "options": {"options"}, "trust": {"trust"}, "placement": {"bundle_path"}},
    **{"time": {"verification_time"}, "recipe": {"bundle"}, "trusted-root": {"trust"}},
    "chain": {"bundle", "chain", "signer", "trust"},
}


# Layers whose edits are of a part of the bundle.
INSIDE = ("bundle", "envelope", "signature", "payload", "payload-bytes", "model", "recipe", "chain")


def test_one_change_only() -> None:
    """Without the generator's code: the members that differ, and inside the bundle the places that differ."""
    for vector, control in edited():
        edit = vector["edit"]
        differ = {name for name in case.made_of(vector) if vector[name] != control[name]}
        assert differ, vector["id"]
        assert differ <= MAY_DIFFER[edit["layer"]], (vector["id"], differ)
        if edit["layer"] in INSIDE:
            places = set(differences(opened(control), opened(vector)))
            allowed = (*allowed_places(edit), *places_of_sigstore(vector))
            assert all(place.startswith(allowed) for place in places), (vector["id"], places, allowed)
        if edit["layer"] == "trusted-root":
            roots = (json.loads(each["trust"]["trusted_root"])["trustedRoot"] for each in (control, vector))
            allowed = tuple(allowed_places(edit))
            assert all(place.startswith(allowed) for place in differences(*roots)), vector["id"]


def test_one_change_of_a_recipe() -> None:
    """Every other difference between certificates follows from it."""
    for vector, control in edited():
        if vector["edit"]["layer"] == "chain":
            places = set(differences(control["chain"], vector["chain"]))
            assert places, vector["id"]
            assert all(place.startswith(tuple(pointed(vector["edit"]))) for place in places), (vector["id"], places)
        else:
            assert vector.get("chain") == control.get("chain"), vector["id"]


@pytest.mark.filterwarnings("ignore")  # of the faults that recipes make
def test_certificates_are_what_their_recipes_say() -> None:
    """Read by `cryptography`, and the signatures checked with the keys of the labels."""
    checked = 0
    for vector in vectors().values():
        if "chain" not in vector or (vector["edit"] or {"layer": "chain"})["layer"] == "bundle":
            continue
        chain, material = vector["chain"], json.loads(case.bundle_bytes(vector))["verificationMaterial"]
        rows = [base64.b64decode(row["rawBytes"]) for row in material["x509CertificateChain"]["certificates"]]
        rows += [PEM_cert_to_DER_cert(text) for text in vector["trust"]["certificates"]]
        for name, der in zip([*chain["bundled"], *chain["given"]], rows, strict=True):
            check_certificate(der, chain["certificates"][name], chain["certificates"])
            checked += 1
    assert checked > 350


def check_certificate(der: bytes, recipe: Any, recipes: Any) -> None:
    """That `der` has what the recipe says, as far as it can be read."""
    made = load_der_x509_certificate(der)
    signer = recipe.get("signed_by", recipes[recipe["issuer"]]["key"])
    assert made.serial_number == recipe["serial"]
    assert made.not_valid_before_utc.strftime("%Y-%m-%dT%H:%M:%SZ") == recipe["not_before"]
    assert made.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ") == recipe["not_after"]
    issuer = recipe.get("issuer_name", recipes[recipe["issuer"]]["subject"])
    for which, wanted in (("subject", recipe["subject"]), ("issuer", issuer)):
        pairs = [["commonName", wanted]] if isinstance(wanted, str) else wanted
        if len(pairs[0]) == 3:  # of a type that `cryptography` does not read
            ((_, text, string),) = pairs
            assert string == "BIT STRING" and der.count(bytes([3, len(text) + 1, 0]) + text.encode()) == 1
        else:
            found = [(each.oid.dotted_string, each.value) for each in getattr(made, which)]
            assert found == [(chains.OIDS[name], text) for name, text in pairs]
    assert made.public_key() == keys.private_key(recipe["key"]).public_key()
    public: Any = keys.private_key(signer).public_key()
    used: Any = hashes.SHA1() if recipe.get("hash") == "sha1" else made.signature_hash_algorithm
    algorithm: tuple[Any, ...] = (ec.ECDSA(used),)
    if not isinstance(public, ec.EllipticCurvePublicKey):
        algorithm = (padding.PKCS1v15(), used) if isinstance(public, rsa.RSAPublicKey) else ()
    with pytest.raises(InvalidSignature) if recipe.get("last_bit_flipped") else nullcontext():
        public.verify(made.signature, made.tbs_certificate_bytes, *algorithm)
    if not recipe.get("again"):
        names = {extension.oid.dotted_string for extension in made.extensions}
        assert names == {chains.OIDS.get(name, name) for name in recipe["extensions"] if recipe.get("version") != 1}


def opened(vector: case.Vector) -> Any:
    """The bundle with its payload decoded, as far as it is JSON."""
    value = json.loads(case.bundle_bytes(vector))
    if isinstance(value, dict) and isinstance(value.get("dsseEnvelope"), dict):
        envelope = value["dsseEnvelope"]
        with suppress(ValueError, TypeError, KeyError, RecursionError):
            envelope["payload"] = json.loads(base64.b64decode(envelope["payload"]))
    return value


def differences(one: Any, other: Any, at: str = "") -> Iterator[str]:
    """Where two JSON values differ; an array of another length differs as a whole."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            here = f"{at}/{name}"
            yield from differences(one[name], other[name], here) if name in one and name in other else [here]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other)):
            yield from differences(left, right, f"{at}/{index}")
    elif type(one) is not type(other) or one != other:
        yield at


def places_of_sigstore(vector: case.Vector) -> Iterator[str]:
    """Prefixes of what follows from a Sigstore signature; a recipe is of that and of the certificate."""
    edit = vector["edit"]
    signed = edit["layer"] in ("payload", "payload-bytes", "model", "recipe") or edit.get("signed_again")
    if vector["method"] == "sigstore" and signed and edit.get("signature") != "kept":
        yield "/verificationMaterial/tlogEntries"
        yield "/verificationMaterial/timestampVerificationData"
        if edit["layer"] == "recipe":
            yield "/verificationMaterial/certificate"


def allowed_places(edit: Any) -> Iterator[str]:
    """Prefixes of the places that an edit may change, the signature that follows from it included."""
    payload, resources = "/dsseEnvelope/payload", "/dsseEnvelope/payload/predicate/resources"
    base = {"bundle": "", "envelope": "/dsseEnvelope", "payload": payload, "trusted-root": ""}.get(edit["layer"])
    if edit["layer"] != "bundle" and edit.get("signature") != "kept" and edit["layer"] != "envelope":
        yield "/dsseEnvelope/signatures/0/sig"
    if edit.get("signed_again"):
        yield "/dsseEnvelope/signatures/0/sig"
    if edit.get("root_digest") == "recomputed" or edit["layer"] == "model":
        yield payload + "/subject/0/digest/sha256"
    if edit["layer"] == "model":
        yield resources
    if edit["layer"] == "payload-bytes":
        yield payload
    if edit["layer"] == "chain":
        yield "/verificationMaterial/x509CertificateChain/certificates"
    if base is not None:
        yield from (base + pointer for pointer in pointed(edit))


def pointed(edit: Any) -> Iterator[str]:
    """Where an edit by JSON pointers changes a value; an array that gets longer or shorter changes as a whole."""
    for pointer in (edit.get("pointer"), edit.get("to") if edit["op"] == "move" else None):
        if pointer is not None:
            parent = edit["op"] in ("insert", "move") or (edit["op"] == "remove" and pointer[-1].isdigit())
            yield pointer.rpartition("/")[0] if parent else pointer


def test_every_member_of_a_sigstore_recipe_is_described() -> None:
    described = (case.VECTORS / "README.md").read_text("utf-8")
    assert [name for name in Recipe._fields if f"`{name}`" not in described] == []


def test_signatures_hold() -> None:
    """By another DSSE check than the package's: what is wrong is never the signature, but where it has to be."""
    checked = 0
    for vector in vectors().values():
        envelope = plain_envelope(vector)
        if envelope is None:
            continue
        broken = vector["id"].startswith(("signature/", "certificate/signature-")) and vector["verdict"] == "reject"
        assert holds(signer_of(vector), envelope) == (not broken and vector["id"] not in UNSIGNED), vector["id"]
        checked += 1
    assert checked > 450


def plain_envelope(vector: case.Vector) -> Any:
    """The envelope, unless the edit was to its bytes or to the base64 or shape of what is signed."""
    edit = vector["edit"] or {"layer": ""}
    if edit["layer"] in ("bundle-bytes", "bundle", "envelope") and not edit.get("signed_again"):
        return None
    value = json.loads(case.bundle_bytes(vector)) if "parts" not in vector["bundle"] else {}
    envelope = value.get("dsseEnvelope", {})
    return envelope if len(envelope.get("signatures", [])) == 1 else None


def signer_of(vector: case.Vector) -> Any:
    """The public key that the signature has to hold with: the label's, else that of the bundle's first certificate."""
    if vector["signer"] is not None and vector["method"] != "sigstore":
        return load_pem_public_key(keys.public_pem(vector["signer"]).encode())
    material = json.loads(case.bundle_bytes(vector))["verificationMaterial"]
    chain = material.get("x509CertificateChain", {}).get("certificates", [])
    first = [*chain, material.get("certificate")][0]
    return load_der_x509_certificate(base64.b64decode(first["rawBytes"])).public_key()


def holds(public: Any, envelope: Any) -> bool:
    """Whether the one signature is that of `public` over the pre-authentication encoding."""
    kind, body = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"])
    message = b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(body)).encode(), body])
    try:
        public.verify(base64.b64decode(envelope["signatures"][0]["sig"]), message, *parameters(public))
    except InvalidSignature:
        return False
    return True


def parameters(public: Any) -> tuple[Any, ...]:
    if isinstance(public, ed25519.Ed25519PublicKey):
        return ()
    if isinstance(public, rsa.RSAPublicKey):
        return padding.PKCS1v15(), hashes.SHA256()
    by_size = {384: hashes.SHA384(), 521: hashes.SHA512()}
    return (ec.ECDSA(by_size.get(public.curve.key_size, hashes.SHA256())),)


# --- DSSE alone


def dsse_vectors() -> list[Any]:
    family: list[Any] = json.loads((case.VECTORS / "pae.json").read_text("utf-8"))["vectors"]
    return family


@pytest.mark.parametrize("vector", dsse_vectors(), ids=lambda vector: str(vector["id"]))
def test_dsse_vectors(vector: Any) -> None:
    kind, body = vector["payload_type"], case.content(vector["payload"])
    assert dsse.pae(kind, body) == case.content(vector["pae"])
    if vector["kind"] == "verify":
        public = load_pem_public_key(vector["public_key"].encode())
        assert isinstance(public, ec.EllipticCurvePublicKey)
        got = verify_dsse(vector["envelope"].encode(), public)
        assert got == ((kind, body) if vector["verdict"] == "accept" else None)


def verify_dsse(data: bytes, public: ec.EllipticCurvePublicKey) -> tuple[str, bytes] | None:
    """Type and payload of an envelope with a signature that holds: the package's parts, without its OMS rules."""
    try:
        value = strictjson.parse(data, errors.EnvelopeRejected)
        body = dsse.decode_base64(value["payload"])
        signatures = [dsse.decode_base64(each["sig"]) for each in value["signatures"]]
    except ValueError:
        return None
    for signature in signatures:
        try:
            public.verify(signature, dsse.pae(value["payloadType"], body), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            continue
        return value["payloadType"], body
    return None


# --- reading and laying out


def broken(change: Callable[[Any], Any]) -> case.Vector:
    vector = copy.deepcopy(vectors()["names/case"])
    change(vector)
    return vector


@pytest.mark.parametrize(
    "change",
    [
        lambda vector: vector.pop("why"),
        lambda vector: vector.update(more=1),
        lambda vector: vector.update(verdict="maybe"),
        lambda vector: vector.update(severity="worst"),
        lambda vector: vector.update(method="smoke"),
        lambda vector: vector.update(profile="other"),
        lambda vector: vector.update(stages=["late"]),
        lambda vector: vector.update(stages=[]),
        lambda vector: vector.update(control=None),
        lambda vector: vector["edit"].update(layer="other"),
        lambda vector: vector["trust"].update(everybody=True),
        lambda vector: vector["trust"].pop("public_key"),
        lambda vector: vector.update(method="sigstore"),
        lambda vector: vector["options"].update(fast=True),
        lambda vector: vector["model"]["entries"][0].update(type="device"),
    ],
)
def test_a_vector_of_another_shape_is_refused(change: Callable[[Any], Any]) -> None:
    with pytest.raises(case.InvalidVector):
        case.check(broken(change))


def test_a_family_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "names.json"
    path.write_text(json.dumps({"format": 2, "family": "names", "vectors": []}))
    with pytest.raises(case.InvalidVector, match="format 2"):
        case.load_family(path)


def test_content_by_rule() -> None:
    assert case.content({"seed": "x", "length": 70})[:35] == case.content({"seed": "x", "length": 35})
    assert len(case.content({"seed": "x", "length": (1 << 20) + 33})) == (1 << 20) + 33
    assert case.content({"seed": "x", "length": 0}) == b""
    assert case.content({"parts": [{"text": "\u00e9"}, {"repeat": "ab", "count": 3}]}) == b"\xc3\xa9ababab"
    assert case.content({"sparse": 3}) == b"\0\0\0"


def test_what_the_system_can_not_make_is_not_applicable(tmp_path: Path) -> None:
    twice = broken(lambda vector: vector["model"]["entries"].append(vector["model"]["entries"][0]))
    with pytest.raises(case.NotApplicable, match="there already"):
        case.materialise(twice, tmp_path)
    long = broken(lambda vector: vector["model"]["entries"][0].update(path="n" * 300))
    with pytest.raises(case.NotApplicable, match="can't make the tree"):
        case.materialise(long, tmp_path / "other")


def test_trust_material_of_other_methods_is_written(tmp_path: Path) -> None:
    made = case.materialise(
        broken(lambda vector: vector.update(trust={"certificates": ["one", "two"], "trusted_root": "{}"})), tmp_path
    )
    assert made.public_key is None
    assert [path.read_text() for path in made.certificates] == ["one", "two"]
    assert made.trusted_root is not None and made.trusted_root.read_text() == "{}"
