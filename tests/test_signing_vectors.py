"""The signing vectors: what this project signs and refuses, the gates that every vector passes, and the judge."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from conformance import case, clients, inprocess, signing_case, signing_judge, signing_schemas
from conformance.adapters import package_lines
from conformance.adapters.protocol import command_line
from conformance.generate import edits, keys
from conformance.signing_case import SigningCase
from conformance.signing_judge import Check
from model_signing_ref import errors, signing

ROOT = case.VECTORS.parents[1]
CLAUSES = ROOT / "spec" / "clauses.json"
FLAGS = (*(flag for flag, _ in clients.EXTRA.values()), "--no-ignore-git-paths")


@lru_cache(None)
def vectors() -> dict[str, case.Vector]:
    return {vector["id"]: vector for vector in signing_case.load()}


SIGNED = [name for name, vector in vectors().items() if vector["ours"]["verdict"] == "accept"]
REFUSED = [name for name in vectors() if name not in SIGNED]


@contextmanager
def on_disk(name: str) -> Iterator[SigningCase]:
    """The vector in a folder that every user may write to."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        yield signing_case.materialise(vectors()[name], Path(folder))
        case.release(Path(folder))


def bundle_of(name: str) -> bytes:
    return case.content(vectors()[name]["bundle"])


def by_api(made: SigningCase) -> list[str]:
    """Sign with the package's functions, and give the codes of its notes."""
    notes, plan = list[str](), inprocess.plan_of(made.vector)
    config = signing.Config()
    if made.certificates:
        leaf, *others = made.certificates
        config.use_certificate_signer(private_key=made.private_key, signing_certificate=leaf, certificate_chain=others)
    else:
        config.use_elliptic_key_signer(private_key=made.private_key)
    assert config._signer is not None
    signing.sign_model(made.model, made.bundle, config._signer, plan, lambda note: notes.append(note.code))
    return notes


def words_of(made: SigningCase) -> list[str]:
    return command_line([*clients.sign_words(made), *clients.extra_flags(made.vector, FLAGS)])


# --- what this project does


@pytest.mark.parametrize("name", SIGNED)
def test_the_api_signs_exactly_these_bytes(name: str) -> None:
    with on_disk(name) as made:
        notes = by_api(made)
        assert made.bundle.read_bytes() == bundle_of(name)
    assert notes == {
        "signing/link-outside": ["link-outside"],
        "signing/link-to-folder": ["link-outside"],
        "signing/shards-empty-file": ["zero-byte-files"],
    }.get(name, [])


@pytest.mark.parametrize("name", SIGNED)
def test_the_command_line_signs_exactly_these_bytes(name: str, cli: Cli) -> None:
    with on_disk(name) as made:
        done = cli(*words_of(made))
        assert done.status == 0, done.err
        assert made.bundle.read_bytes() == bundle_of(name)


@pytest.mark.parametrize("name", SIGNED)
def test_digest_says_the_same_root(name: str) -> None:
    """Where the bundle goes into the model, it is left out by hand."""
    with on_disk(name) as made:
        request = clients.digest_request(made)
        if made.bundle.is_relative_to(made.model):
            request["options"]["ignore_paths"].append(str(made.bundle))
        answer = package_lines.digest(request)
    assert answer["root_digest"] == vectors()[name]["manifest"]["root_digest"]


@pytest.mark.parametrize("name", REFUSED)
def test_this_project_refuses_and_leaves_nothing(name: str, cli: Cli) -> None:
    vector = vectors()[name]
    with on_disk(name) as made:
        before = signing_case.snapshot(made)
        with inprocess.as_nobody(vector):
            done = cli(*words_of(made))
        assert signing_judge.left_behind(made, before) == (Check("nothing-written", True), Check("nothing-else", True))
    assert (done.status, done.out) == (2, "")
    clause = vector["ours"]["clause"]
    assert f"({clause})" in done.err if clause else "is not inside the model" in done.err


@pytest.mark.parametrize("name", REFUSED)
def test_the_api_refuses(name: str) -> None:
    with on_disk(name) as made, inprocess.as_nobody(vectors()[name]), pytest.raises(errors.OperationError):
        by_api(made)


@pytest.mark.parametrize("name", SIGNED)
def test_both_verifiers_accept_what_was_signed(name: str) -> None:
    with on_disk(name) as made:
        made.bundle.write_bytes(bundle_of(name))
        assert signing_judge.by_package(made) == Check("verified", True)
        if vectors()[name]["method"] == "key" and vectors()[name]["profile"] != "blake3":
            assert signing_judge.verified(made) == Check("verified", True)


# --- gates


def test_the_expected_manifest_is_true_without_the_generator() -> None:
    """Hashed from the disk by hand: every listed file, every range, and the root digest."""
    for name in SIGNED:
        vector, manifest = vectors()[name], vectors()[name]["manifest"]
        with on_disk(name) as made:
            for resource in manifest["resources"]:
                data = ranged(made, vector, resource["name"])
                assert digest_of(resource["algorithm"], data) == resource["digest"], (name, resource)
        names = [resource["name"] for resource in manifest["resources"]]
        assert names == sorted(names), name
        total = hashlib.sha256(b"".join(bytes.fromhex(each["digest"]) for each in manifest["resources"]))
        assert total.hexdigest() == manifest["root_digest"], name


def ranged(made: SigningCase, vector: case.Vector, name: str) -> bytes:
    if "shard_size" in vector["options"]:
        name, start, end = name.rsplit(":", 2)
        return (made.model / name).read_bytes()[int(start) : int(end)]
    return made.model.read_bytes() if made.model.is_file() else (made.model / name).read_bytes()


def digest_of(algorithm: str, data: bytes) -> str:
    if algorithm == "blake3":
        import blake3

        return str(blake3.blake3(data).hexdigest())
    return hashlib.new(algorithm, data).hexdigest()


def test_manifest_payload_and_bundle_say_the_same() -> None:
    """And the signature holds, by another DSSE check than the package's."""
    for name in SIGNED:
        vector, bundle = vectors()[name], json.loads(bundle_of(name))
        payload = base64.b64decode(bundle["dsseEnvelope"]["payload"])
        statement = json.loads(payload)
        assert payload == case.content(vector["payload"])
        assert vector["manifest"] == {
            "name": statement["subject"][0]["name"],
            "root_digest": statement["subject"][0]["digest"]["sha256"],
            **statement["predicate"],
        }
        public = load_pem_public_key(vector["trust"]["public_key"].encode())
        assert isinstance(public, ec.EllipticCurvePublicKey)
        kind = bundle["dsseEnvelope"]["payloadType"].encode()
        message = b" ".join([b"DSSEv1", b"%d" % len(kind), kind, b"%d" % len(payload), payload])
        signature = base64.b64decode(bundle["dsseEnvelope"]["signatures"][0]["sig"])
        public.verify(signature, message, ec.ECDSA(keys.CURVES[vector["signer"].partition("/")[0]][1]))


def test_keys_belong_together() -> None:
    for vector in vectors().values():
        private = load_pem_private_key(vector["private_key"].encode(), None)
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        public = load_pem_public_key(vector["trust"]["public_key"].encode())
        assert private.public_key() == public, vector["id"]
        if vector["certificates"]:
            assert x509.load_pem_x509_certificate(vector["certificates"][0].encode()).public_key() == public


def test_a_refusal_is_its_control_with_one_edit() -> None:
    given = ("options", "model", "outside")
    for name in REFUSED:
        vector = vectors()[name]
        control = vectors()[vector["control"]]
        assert control["verdict"] == "accept", name
        made = edits.apply({member: control[member] for member in given}, vector["edit"])
        assert made == {member: vector[member] for member in given}, name
        same = ("method", "signer", "private_key", "certificates", "trust", "bundle_path")
        assert all(vector[member] == control[member] for member in same), name
        assert vector["manifest"] in (None, control["manifest"]), name
    assert [name for name in SIGNED if vectors()[name]["control"] is not None] == []


def test_what_may_be_signed_instead_is_what_lies_there_without_the_edit() -> None:
    assert {name for name in REFUSED if vectors()[name]["manifest"]} == {
        *("signing/link", "signing/link-out", "signing/fifo"),
    }


def test_no_two_vectors_are_the_same_and_each_says_what_it_is() -> None:
    seen: dict[str, str] = {}
    for vector in vectors().values():
        told = {name: vector[name] for name in ("method", "signer", "options", "model", "outside", "bundle_path")}
        assert seen.setdefault(json.dumps(told, sort_keys=True), vector["id"]) == vector["id"]
        assert all(vector[name].endswith(".") for name in ("what", "why", "gain")), vector["id"]
    texts = [vector["what"] for vector in vectors().values()]
    assert len(set(texts)) == len(texts)


def test_only_oms_is_scored() -> None:
    known = {clause["id"]: clause for clause in json.loads(CLAUSES.read_text("utf-8"))["clauses"]}
    for vector in vectors().values():
        assert set(vector["clauses"]) <= set(known), vector["id"]
        assert vector["ours"]["clause"] in (None, *vector["clauses"]), vector["id"]
        if case.is_scored(vector):
            assert not all(clause.startswith("REF-") for clause in vector["clauses"]), vector["id"]


def test_every_demand_on_signers_has_a_vector() -> None:
    clauses = json.loads(CLAUSES.read_text("utf-8"))["clauses"]
    cited = {clause for vector in vectors().values() for clause in vector["clauses"]}
    musts = {each["id"] for each in clauses if each["level"] in ("MUST", "MUST NOT", "REQUIRED")}
    bind = {each["id"] for each in clauses if each["binds"] in ("signer", "both")}
    assert sorted(each for each in (musts & bind) - cited if each.startswith("OMS-")) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda vector: vector.pop("why"), "members"),
        (lambda vector: vector.update(verdict="maybe"), "verdict"),
        (lambda vector: vector.update(profile="compat-1.0"), "profile"),
        (lambda vector: vector.update(method="sigstore"), "method"),
        (lambda vector: vector["options"].update(ignore_unsigned_files=True), "options"),
        (lambda vector: vector.update(control="signing/one-file"), "control and edit"),
        (lambda vector: vector.update(manifest=None), "manifest"),
    ],
)
def test_a_vector_of_another_shape_is_refused(change: Callable[[Any], Any], what: str) -> None:
    vector = copy.deepcopy(vectors()["signing/nested"])
    signing_case.check(vector)
    change(vector)
    with pytest.raises(case.InvalidVector, match=what):
        signing_case.check(vector)


# --- the judge

Value = dict[str, Any]
Change = Callable[[Value], object]


def checks_of(
    name: str, data: bytes | None, touch: Callable[[SigningCase], object] = lambda _: None
) -> dict[str, Check]:
    """The checks of a bundle that some signer wrote to a vector's case."""
    with on_disk(name) as made:
        before = signing_case.snapshot(made)
        if data is not None:
            made.bundle.write_bytes(data)
        touch(made)
        return {check.name: check for check in signing_judge.judge(made, before)}


def wrong(checks: dict[str, Check]) -> dict[str, str | None]:
    """The clauses of the checks that fail, but for the schemas, which see much of the same."""
    return {name: check.clause for name, check in checks.items() if check.holds is False and name != "schema"}


def resigned(name: str, change: Change) -> bytes:
    """The canonical bundle with another payload, signed again."""
    payload = json.loads(case.content(vectors()[name]["payload"]))
    change(payload)
    return sealed(name, json.dumps(payload).encode())


def sealed(name: str, payload: bytes) -> bytes:
    bundle = json.loads(bundle_of(name))
    kind = bundle["dsseEnvelope"]["payloadType"].encode()
    message = b" ".join([b"DSSEv1", b"%d" % len(kind), kind, b"%d" % len(payload), payload])
    signature = keys.sign(vectors()[name]["signer"], message)
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    bundle["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(signature).decode()
    return json.dumps(bundle).encode()


def rebuilt(name: str, change: Change) -> bytes:
    """The canonical bundle with another envelope or material, signed as it was."""
    bundle = json.loads(bundle_of(name))
    change(bundle)
    return json.dumps(bundle).encode()


def rooted(payload: Value) -> None:
    """Make the root digest that of the resources as they are."""
    total = b"".join(bytes.fromhex(each["digest"]) for each in payload["predicate"]["resources"])
    payload["subject"][0]["digest"]["sha256"] = hashlib.sha256(total).hexdigest()


def listing(change: Callable[[list[Value]], object]) -> Change:
    def changed(payload: Value) -> None:
        change(payload["predicate"]["resources"])
        rooted(payload)

    return changed


def how(**members: Any) -> Change:
    return lambda payload: payload["predicate"]["serialization"].update(members)


@pytest.mark.parametrize("name", SIGNED)
def test_what_is_right_has_no_wrong_check(name: str) -> None:
    checks = checks_of(name, bundle_of(name))
    assert all(check.holds for check in checks.values()), checks


@pytest.mark.parametrize("name", ["signing/nested", "signing/certificate"])
def test_another_spelling_is_wrong_by_our_rules_alone(name: str) -> None:
    checks = checks_of(name, resigned(name, how(ignore_paths=[])))
    assert wrong(checks) == {"recorded": "OMS-6.2-05", "bytes": "REF-KEY-02"}
    assert all(checks[each].ours for each in wrong(checks))


PAYLOAD_FAULTS: dict[str, tuple[str, Change, dict[str, str]]] = {
    "omitted": ("nested", listing(lambda each: each.pop()), {"names": "OMS-6.1-01", "verified": "OMS-8.5-01"}),
    "order": ("nested", listing(lambda each: each.reverse()), {"order": "OMS-5.2.1-05", "verified": "OMS-5.2.1-05"}),
    "git": (
        "git-paths",
        listing(lambda each: each.insert(0, {**each[0], "name": ".gitignore"})),
        {"names": "OMS-6.2-01", "verified": "OMS-8.4-01"},
    ),
    "signature-listed": (
        "signature-inside",
        listing(lambda each: each.insert(0, {**each[0], "name": "model.sig"})),
        {"names": "OMS-6.2-04", "verified": "OMS-8.4-01"},
    ),
    "ignored-listed": (
        "ignored-folder",
        listing(lambda each: each.insert(1, {**each[0], "name": "cache/index"})),
        {"names": "OMS-6.2-03", "verified": "OMS-8.4-01"},
    ),
    "dot": (
        "single-file",
        listing(lambda each: each[0].update(name=".")),
        {"names": "OMS-6.1.2-07"},  # which released clients write, and ours reads
    ),
    "twice": (
        "one-file",
        listing(lambda each: each.append(each[0])),
        {"names": "OMS-6.1.2-01", "verified": "REF-NAMES-03"},
    ),
    "digest": (
        "one-file",
        listing(lambda each: each[0].update(digest="0" * 64)),
        {"digests": "OMS-5.2.1-02", "verified": "OMS-8.4-01"},
    ),
    "algorithm": (
        "one-file",
        lambda payload: payload["predicate"]["resources"][0].update(algorithm="SHA-256"),
        {"digests": "OMS-7-01", "verified": "OMS-7-01"},
    ),
    "root": (
        "one-file",
        lambda payload: payload["subject"][0]["digest"].update(sha256="0" * 64),
        {"root-digest": "OMS-6.5.1-01", "verified": "OMS-6.5.1-01"},
    ),
    "subject": ("one-file", lambda payload: payload["subject"][0].update(name="x"), {"subject": "OMS-6.5.1-03"}),
    "type": (
        "one-file",
        lambda payload: payload.update(predicateType="https://model_signing/Digests/v0.1"),
        {"statement": "OMS-5.1-01", "verified": "OMS-8.3-03"},
    ),
    "links": ("one-file", how(allow_symlinks=True), {"parameters": "OMS-5.2.2-05"}),
    "links-as-number": (
        "one-file",
        how(allow_symlinks=0),
        {"parameters": "OMS-5.2.2-05", "verified": "OMS-5.2.2-05"},
    ),
    "size-with-files": (
        "one-file",
        how(shard_size=1),
        {"parameters": "OMS-5.2.2-04", "verified": "OMS-5.2.2-04"},
    ),
    "shard-size": (
        "shards-one-byte",
        how(shard_size=17),
        {"parameters": "OMS-5.2.2-03"},  # a partition in 17 bytes would be the same
    ),
    "pattern": (
        "one-file",
        how(ignore_paths=["*.tmp"]),
        {"ignore-paths": "OMS-6.2.1-01", "recorded": "OMS-6.2-05", "verified": "OMS-6.2.1-01"},
    ),
    "leads-out": (
        "one-file",
        how(ignore_paths=["a/../.."]),
        {"ignore-paths": "OMS-6.2.1-02", "recorded": "OMS-6.2-05", "verified": "OMS-6.2.1-02"},
    ),
    "too-much-ignored": (
        "one-file",
        how(ignore_paths=["everything"]),
        {"recorded": "OMS-6.2-05"},
    ),
}


@pytest.mark.parametrize("fault", PAYLOAD_FAULTS)
def test_what_is_wrong_in_a_payload_is_found_alone(fault: str) -> None:
    name, change, expected = PAYLOAD_FAULTS[fault]
    found = wrong(checks_of(f"signing/{name}", resigned(f"signing/{name}", change)))
    assert found == {**expected, "bytes": "REF-KEY-02"}


def envelope(**members: Any) -> Change:
    return lambda bundle: bundle["dsseEnvelope"].update(members)


def hint(value: str) -> Change:
    return lambda bundle: bundle["verificationMaterial"]["publicKey"].update(hint=value)


def der_hint(name: str) -> str:
    return hashlib.sha256(signing_judge.pem_bytes(vectors()[name]["trust"]["public_key"])).hexdigest()


BUNDLE_FAULTS: dict[str, tuple[str, Change, dict[str, str]]] = {
    "media-type": (
        "one-file",
        lambda bundle: bundle.update(mediaType="application/json"),
        {"bundle": "OMS-8.1-01", "verified": "OMS-8.1-01"},
    ),
    "wrong-hint": (
        "one-file",
        hint("0" * 64),
        {"material": "OMS-4.1-04", "hint": "REF-KEY-01", "verified": "REF-KEY-01"},
    ),
    "hint-of-der": (
        "one-file",
        hint(der_hint("signing/one-file")),
        {"hint": "REF-KEY-01", "verified": "REF-KEY-01"},
    ),
    "no-hint": (
        "one-file",
        lambda bundle: bundle["verificationMaterial"]["publicKey"].clear(),
        {"material": "OMS-4.1-04", "hint": "REF-KEY-01", "verified": "OMS-11.1-02"},
    ),
    "payload-type": (
        "one-file",
        envelope(payloadType="text/plain"),
        {"envelope": "INTOTO-01", "signature": "DSSE-01", "verified": "INTOTO-01"},
    ),
    "two-signatures": (
        "one-file",
        lambda bundle: bundle["dsseEnvelope"]["signatures"].append(bundle["dsseEnvelope"]["signatures"][0]),
        {"envelope": "BUNDLE-01", "verified": "BUNDLE-01"},
    ),
    "broken-signature": (
        "one-file",
        lambda bundle: bundle["dsseEnvelope"]["signatures"][0].update(sig="MAA="),
        {"signature": "DSSE-01", "verified": "DSSE-01"},
    ),
    "other-method": (
        "certificate",
        lambda bundle: bundle.update(verificationMaterial={"publicKey": {"hint": "0" * 64}}),
        {"material": "OMS-4.1-02", "verified": "OMS-11.1-08"},
    ),
    "leaf-last": (
        "certificate",
        lambda bundle: bundle["verificationMaterial"]["x509CertificateChain"]["certificates"].reverse(),
        {"material": "OMS-4.1-02"},
    ),
}


@pytest.mark.parametrize("fault", BUNDLE_FAULTS)
def test_what_is_wrong_in_a_bundle_is_found_alone(fault: str) -> None:
    name, change, expected = BUNDLE_FAULTS[fault]
    found = wrong(checks_of(f"signing/{name}", rebuilt(f"signing/{name}", change)))
    found.pop("verified", None) if fault == "leaf-last" else None  # which clause is the package's business
    assert found == {**expected, "bytes": "REF-KEY-02"}


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b"[" * 100_000, b'{"dsseEnvelope": 7}', b"\xff\xfe", b'{"verificationMaterial": [1]}'],
)
def test_garbage_is_judged_and_not_stumbled_over(data: bytes) -> None:
    found = wrong(checks_of("signing/one-file", data))
    assert {"bundle", "signature", "statement", "verified", "bytes"} <= set(found)


@pytest.mark.parametrize(
    ("spoil", "clause"),
    [
        (lambda data: b"\xef\xbb\xbf" + data, "REF-JSON-01"),
        (lambda data: data[:-1] + b',"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}', "REF-JSON-02"),
        (lambda data: data[:-1] + b',"note":1}', "REF-BUNDLE-02"),
    ],
)
def test_what_we_alone_refuse_hides_nothing_and_is_not_scored(spoil: Callable[[bytes], bytes], clause: str) -> None:
    checks = checks_of("signing/one-file", spoil(bundle_of("signing/one-file")))
    assert wrong(checks) == {"bundle": clause, "verified": clause, "bytes": "REF-KEY-02"}
    assert all(checks[name].ours for name in wrong(checks))


@pytest.mark.parametrize(
    "payload",
    [b"null", b"[]", b'{"subject": 3}', b'{"predicate": {"resources": {}, "serialization": []}}'],
)
def test_odd_payloads_are_judged_too(payload: bytes) -> None:
    found = wrong(checks_of("signing/one-file", sealed("signing/one-file", payload)))
    assert {"statement", "verified"} <= set(found) and "signature" not in found


def test_odd_members_are_judged_too() -> None:
    def odd(payload: Value) -> None:
        payload["subject"] = [{"name": ["x"], "digest": {"sha256": "\ud800"}}]
        payload["predicate"] = {"resources": [7, {"name": "\ud800"}], "serialization": {"ignore_paths": 3}}

    found = checks_of("signing/one-file", resigned("signing/one-file", odd))
    assert set(wrong(found)) >= {"statement", "subject", "parameters", "ignore-paths", "names", "root-digest"}
    assert all(check.detail.isprintable() for check in found.values())


@pytest.mark.parametrize("lay", [lambda path: path.mkdir(), os.mkfifo, lambda path: path.symlink_to("key")])
def test_a_bundle_that_is_no_file_is_not_opened(lay: Callable[[Path], object]) -> None:
    checks = checks_of("signing/one-file", None, lambda made: lay(made.bundle))
    assert wrong(checks) == {"written": None}


def test_schemas_are_a_check_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    one = "signing/one-file"
    spoiled = {
        "bundle.schema.json": rebuilt(one, lambda bundle: bundle.update(mediaType="application/json")),
        "statement.schema.json": resigned(one, how(method="\ud800")),
        "statement: no JSON": sealed(one, b"\xff"),
        "bundle: no JSON": b"[" * 100_000,
    }
    for told, data in spoiled.items():
        check = checks_of(one, data)["schema"]
        assert (check.holds, check.ours, check.detail.startswith(told)) == (False, True, True), check
    assert checks_of(one, bundle_of(one) + b" " * signing_schemas.LARGEST)["schema"].holds is None
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    signing_schemas.validator.cache_clear()
    assert checks_of(one, bundle_of(one))["schema"].detail.startswith("this needs the package jsonschema")


def test_no_bundle() -> None:
    assert wrong(checks_of("signing/one-file", None)) == {"written": None}
    assert checks_of("signing/one-file", None)["written"].detail.startswith("there is no bundle")


@pytest.mark.parametrize(
    ("touch", "where"),
    [
        (lambda made: (made.folder / "log").write_text("x"), "log"),
        (lambda made: (made.model / "weights.bin").write_text("other"), "model/weights.bin"),
        (lambda made: (made.model / "weights.bin").unlink(), "model/weights.bin"),
        (lambda made: (made.model / "cache").mkdir(), "model/cache"),
        (lambda made: made.private_key.unlink(), "signer.key"),
    ],
)
def test_what_else_was_written_is_found(touch: Callable[[SigningCase], object], where: str) -> None:
    checks = checks_of("signing/one-file", bundle_of("signing/one-file"), touch)
    assert f"first '{where}'" in checks["nothing-else"].detail and "nothing-else" in wrong(checks)


def test_what_needs_the_package_is_not_judged_without_it() -> None:
    """With the standard library alone: P-256 in full, a certificate's chain and BLAKE3 not."""
    program = f"""if True:
        import sys
        sys.path.insert(0, {str(ROOT)!r})
        import tempfile
        from pathlib import Path
        from conformance import case, signing_case, signing_judge
        for vector in signing_case.load():
            if vector["id"] in sys.argv[1:]:
                folder = Path(tempfile.mkdtemp(dir={str(tempfile.gettempdir())!r}))
                made = signing_case.materialise(vector, folder)
                before = signing_case.snapshot(made)
                made.bundle.write_bytes(case.content(vector["bundle"]))
                for check in signing_judge.judge(made, before):
                    if check.holds is not True and check.name != "schema":
                        print(vector["id"], check.name, check.holds, check.detail)
    """
    names = ("signing/one-file", "signing/certificate", "signing/blake3")
    words = [sys.executable, "-I", "-S", "-c", program, *names]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    lines = [line.split(maxsplit=3) for line in done.stdout.splitlines()]
    assert [line[:3] for line in lines] == [
        ["signing/blake3", "verified", "None"],
        ["signing/certificate", "verified", "None"],
    ]
    assert all("needs model_signing_ref with its dependencies" in line[3] for line in lines)
