"""The second verifier: its own tests, and its agreement with the package through the public API alone."""

from __future__ import annotations

import ast
import base64
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from model_signing_ref import errors, hashing, standalone, verifying

FILE = Path(standalone.__file__)
DATA = os.environ.get("OMS_TEST_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="OMS_TEST_DATA names no folder of test data")
Json = dict[str, Any]
Edit = Callable[[Any], Any]
KEY = ec.generate_private_key(ec.SECP256R1())
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
CONTENTS = {"a.txt": b"alpha", "dir-x": b"dash", "dir/b.bin": bytes(range(256)), "dir.txt": b"dot"}


def imports(path: Path) -> set[str]:
    """The modules a file imports; relative ones with their leading dots."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


def test_imports_the_standard_library_alone() -> None:
    assert {name.split(".")[0] for name in imports(FILE)} <= set(sys.stdlib_module_names)


def test_the_package_does_not_import_it() -> None:
    for path in FILE.parent.rglob("*.py"):
        assert path == FILE or not any("standalone" in name for name in imports(path)), path


def test_is_one_short_file() -> None:
    assert len(FILE.read_text("utf-8").splitlines()) <= 600


def test_is_not_disturbed_by_files_beside_it(tmp_path: Path) -> None:
    """Neither what it imports itself, nor what the standard library imports for it, sooner or later."""
    for name in sys.stdlib_module_names | {path.stem for path in FILE.parent.glob("*.py")}:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported')")
    shutil.copy(FILE, tmp_path)
    done = subprocess.run([sys.executable, tmp_path / FILE.name, "--help"], capture_output=True, check=False)
    assert done.returncode == 0 and b"imported" not in done.stderr


# ---- ECDSA and released bundles


@needs_data
@pytest.mark.parametrize("curve", ["secp256r1_sha256", "secp384r1_sha384", "secp521r1_sha512"])
def test_wycheproof(curve: str) -> None:
    vectors = json.loads((Path(DATA or "") / "wycheproof" / f"ecdsa_{curve}_test.json").read_text("utf-8"))
    count = 0
    for group in vectors["testGroups"]:
        known, point, _ = standalone.key_from_pem(group["publicKeyPem"].encode("ascii"))
        assert known is not None
        for test in group["tests"]:
            holds = standalone.ecdsa_holds(known, point, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
            assert holds == (test["result"] == "valid"), test
            count += 1
    assert count == vectors["numberOfTests"] > 400


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
def test_ecdsa_agrees_and_is_quick(curve: ec.EllipticCurve) -> None:
    private = ec.generate_private_key(curve)
    algorithm = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}[curve.key_size]
    signature = private.sign(b"message", ec.ECDSA(algorithm))
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    known, point, fingerprint = standalone.key_from_pem(b"text before\r\n" + pem.replace(b"\n", b"\r\n") + b"after")
    assert known is not None and fingerprint == hashlib.sha256(pem).hexdigest()
    before = time.process_time()
    assert standalone.ecdsa_holds(known, point, b"message", signature)
    assert time.process_time() - before < 0.2  # about 0.012 s for P-521 on a slow machine
    assert not standalone.ecdsa_holds(known, point, b"massage", signature)


@needs_data
@pytest.mark.parametrize(
    ("release", "model", "expected"),
    [
        ("v0.3.1-elliptic-key", "signme-1", {"old-raw-key", "old-dot"}),
        ("v1.1.0-elliptic-key", "", set()),
    ],
)
def test_released_bundles(release: str, model: str, expected: set[str]) -> None:
    folder = Path(DATA or "") / "historical"
    warned: dict[str, str] = {}
    key = folder / "keys" / "signing-key-pub.pem"
    signature = folder / release / "model.sig"
    standalone.verify(str(folder / release / model), str(signature), str(key), standalone.Options(), warned)
    assert set(warned) == expected


# ---- Agreement with the package


class Case:
    """A signed model that an edit is applied to before both verifiers judge it."""

    def __init__(self, folder: Path, key: ec.EllipticCurvePrivateKey = KEY) -> None:
        self.folder, self.key = folder, key
        self.model, self.signature, self.public = folder / "model", folder / "model.sig", folder / "key.pub"
        self.links = self.unsigned = False
        self.ignored: list[str] = []
        self.insist: tuple[str, str, int | None] | None = None  # method, hash, shard size
        for name, data in CONTENTS.items():
            (self.model / name).parent.mkdir(parents=True, exist_ok=True)
            (self.model / name).write_bytes(data)
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.public.write_bytes(pem)
        self.hint = hashlib.sha256(pem).hexdigest()
        self.names = sorted(CONTENTS)
        self.payload: Json = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "model", "digest": {"sha256": ""}}],
            "predicateType": "https://model_signing/signature/v1.0",
            "predicate": {
                "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False},
                "resources": [resource(name, CONTENTS[name]) for name in self.names],
            },
        }
        self.root()

    @property
    def how(self) -> Json:
        found: Json = self.payload["predicate"]["serialization"]
        return found

    @property
    def resources(self) -> list[Json]:
        found: list[Json] = self.payload["predicate"]["resources"]
        return found

    def root(self) -> None:
        """Compute the root digest again."""
        digests = b"".join(bytes.fromhex(item["digest"]) for item in self.resources)
        self.payload["subject"][0]["digest"]["sha256"] = hashlib.sha256(digests).hexdigest()

    def shards(self, size: int = 100) -> None:
        """Turn the manifest into one of shards."""
        self.how.update(method="shards", shard_size=size)
        items = []
        for name, data in CONTENTS.items():
            for start in range(0, len(data), size):
                end = min(start + size, len(data))
                items.append(resource(f"{name}:{start}:{end}", data[start:end]))
        self.payload["predicate"]["resources"] = sorted(items, key=lambda item: item["name"])
        self.root()

    def bundle(self, raw: bytes | None = None) -> Json:
        payload = json.dumps(self.payload).encode() if raw is None else raw
        kind = "application/vnd.in-toto+json"
        pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
        signature = self.key.sign(pae, ec.ECDSA(hashes.SHA256()))
        return {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": self.hint}, "tlogEntries": []},
            "dsseEnvelope": {
                "payload": base64.b64encode(payload).decode(),
                "payloadType": kind,
                "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": ""}],
            },
        }

    def ours(self) -> tuple[str, str | None, str | None, set[str]]:
        chosen = standalone.Options(
            allow_symlinks=self.links,
            ignore_unsigned_files=self.unsigned,
            ignore_paths=[str(self.model / name) for name in self.ignored],
            hash_algorithm=self.insist and self.insist[1],
            shard_size=self.insist and self.insist[2],
        )
        warned: dict[str, str] = {}
        try:
            standalone.verify(str(self.model), str(self.signature), str(self.public), chosen, warned)
        except standalone.Failure as failure:
            return failure.verdict, failure.stage, failure.clause, set()
        return "accepted", None, None, set(warned)

    def theirs(self) -> tuple[str, str | None, str | None, set[str]]:
        codes: set[str] = set()
        how = hashing.Config().set_allow_symlinks(self.links).set_ignored_paths(paths=self.ignored)
        if self.insist and self.insist[2]:
            how.use_shard_serialization(hashing_algorithm=self.insist[1], shard_size=self.insist[2])
        elif self.insist:
            how.use_file_serialization(hashing_algorithm=self.insist[1])
        try:
            config = verifying.Config().use_elliptic_key_verifier(public_key=self.public).set_hashing_config(how)
            config.set_ignore_unsigned_files(self.unsigned).set_warn(
                lambda note: codes.update({note.code} if note.loud else ())
            )
            config.verify(self.model, self.signature)
        except (ValueError, ImportError, OSError, errors.OperationError) as error:
            stage = getattr(error, "stage", None)
            verdict = {None: "none", "unsupported": "unsupported"}.get(stage, "rejected")
            return verdict, stage, getattr(error, "clause", None), set()
        return "accepted", None, None, codes


def resource(name: str, data: bytes, algorithm: str = "sha256") -> Json:
    return {"name": name, "algorithm": algorithm, "digest": hashlib.new(algorithm, data).hexdigest()}


def put(path: str, value: Any) -> Edit:
    """An edit that sets a member (or element), or deletes it if the value is `...`; `a.b.0` is its path."""

    def edit(target: Any) -> None:
        *above, last = (int(part) if part.isdigit() else part for part in path.split("."))
        for part in above:
            target = target[part]
        if value is ...:
            del target[last]
        else:
            target[last] = value

    return edit


VM, ENV = "verificationMaterial", "dsseEnvelope"
KEYED = f"{VM}.publicKey"
B64 = base64.b64encode(b"some bytes").decode()
ENTRY = {
    "logIndex": "1",
    "logId": {"keyId": B64},
    "kindVersion": {"kind": "dsse", "version": "0.0.1"},
    "integratedTime": "1",
    "inclusionPromise": {"signedEntryTimestamp": B64},
    "inclusionProof": {
        "logIndex": "1",
        "rootHash": B64,
        "treeSize": "2",
        "hashes": [B64],
        "checkpoint": {"envelope": "text"},
    },
    "canonicalizedBody": B64,
}
# With members that are there and hold nothing.
HOLLOW: Json = {name: {} for name in ("logId", "kindVersion", "inclusionPromise", "inclusionProof")}


def without(name: str) -> Json:
    return {key: value for key, value in ENTRY.items() if key != name}


def filled(more: int) -> Edit:
    """An edit that brings the commas and opening brackets of a bundle to the most there may be, and `more`."""

    def edit(bundle: Json) -> None:
        bundle[ENV]["extra"] = ""
        text = json.dumps(bundle)
        bundle[ENV]["extra"] = "," * (2**16 - 1 + more - sum(map(text.count, ",[{")))

    return edit


# Edits of the bundle, which is not signed again: name, edit, stage, clause (None: accepted).
BUNDLES: list[tuple[str, Edit, str | None, str | None]] = [
    ("control", lambda _: None, None, None),
    ("no media type", put("mediaType", ...), "bundle", "OMS-4-01"),
    ("media type a number", put("mediaType", 3), "bundle", "OMS-4-01"),
    (
        "media type 0.1",
        put("mediaType", "application/vnd.dev.sigstore.bundle+json;version=0.1"),
        "bundle",
        "REF-BUNDLE-03",
    ),
    (
        "media type 0.3 as parameter",
        put("mediaType", "application/vnd.dev.sigstore.bundle+json;version=0.3"),
        None,
        None,
    ),
    ("unknown member", put("extra", 1), "bundle", "REF-BUNDLE-02"),
    ("unknown member with a mark", put("mediaType?", 1), "bundle", "REF-BUNDLE-02"),
    ("unknown member with another mark", put("mediaType!", 1), "bundle", "REF-BUNDLE-02"),
    ("unknown material with a mark", put(f"{VM}.publicKey?", {}), "bundle", "REF-BUNDLE-02"),
    ("as many values as can be", filled(0), None, None),
    ("values too many", filled(1), "bundle", "REF-JSON-04"),
    ("no envelope", put(ENV, ...), "bundle", "OMS-4-01"),
    ("envelope null", put(ENV, None), "bundle", "OMS-4-01"),
    ("no payload", put(f"{ENV}.payload", ...), "bundle", "OMS-4-01"),
    ("payload no string", put(f"{ENV}.payload", {}), "bundle", "OMS-4-01"),
    ("unknown envelope member", put(f"{ENV}.extra", 1), None, None),
    ("unknown signature member", put(f"{ENV}.signatures.0.extra", 1), None, None),
    ("signatures no array", put(f"{ENV}.signatures", {}), "bundle", "OMS-4-01"),
    ("signature no object", put(f"{ENV}.signatures.0", "x"), "bundle", "OMS-4-01"),
    ("sig absent", put(f"{ENV}.signatures.0.sig", ...), "bundle", "OMS-4-01"),
    ("keyid null", put(f"{ENV}.signatures.0.keyid", None), None, None),
    ("keyid absent", put(f"{ENV}.signatures.0.keyid", ...), None, None),
    ("keyid a number", put(f"{ENV}.signatures.0.keyid", 1), "bundle", "OMS-4-01"),
    ("no signature", put(f"{ENV}.signatures", []), "envelope", "DSSE-03"),
    ("payload type", put(f"{ENV}.payloadType", "text/plain"), "envelope", "INTOTO-01"),
    ("sig with a space", put(f"{ENV}.signatures.0.sig", "AA A"), "envelope", "BASE64-01"),
    ("sig without padding", put(f"{ENV}.signatures.0.sig", "AAA"), "envelope", "REF-BASE64-03"),
    ("sig of one character", put(f"{ENV}.signatures.0.sig", "AAAAA"), "envelope", "BASE64-02"),
    ("sig with half its padding", put(f"{ENV}.signatures.0.sig", "AA="), "envelope", "BASE64-02"),
    ("sig padded within", put(f"{ENV}.signatures.0.sig", "AA==AAAA"), "envelope", "BASE64-02"),
    ("sig all padding", put(f"{ENV}.signatures.0.sig", "===="), "envelope", "BASE64-02"),
    ("sig mixes alphabets", put(f"{ENV}.signatures.0.sig", "+-AA"), "envelope", "REF-BASE64-01"),
    ("sig with last bits", put(f"{ENV}.signatures.0.sig", "AAB="), "envelope", "REF-BASE64-02"),
    ("payload with last bits", put(f"{ENV}.payload", "AB=="), "envelope", "REF-BASE64-02"),
    ("payload another", put(f"{ENV}.payload", "AA=="), "signature", "DSSE-01"),
    ("payload empty", put(f"{ENV}.payload", ""), "signature", "DSSE-01"),
    ("sig empty", put(f"{ENV}.signatures.0.sig", ""), "signature", "DSSE-01"),
    ("sig of zeros", put(f"{ENV}.signatures.0.sig", "MAYCAQACAQA="), "signature", "DSSE-01"),
    ("no material", put(VM, ...), "material", "OMS-4-01"),
    ("material null", put(VM, None), "bundle", "OMS-4-01"),
    ("empty material", put(VM, {}), "material", "OMS-4-01"),
    ("unknown material", put(f"{VM}.extra", {}), "bundle", "REF-BUNDLE-02"),
    ("unknown key member", put(f"{KEYED}.extra", ""), "bundle", "REF-BUNDLE-02"),
    ("two kinds", put(f"{VM}.certificate", {"rawBytes": B64}), "material", "BUNDLE-02"),
    ("certificate", put(VM, {"certificate": {"rawBytes": B64}}), "material", "OMS-11.1-08"),
    (
        "chain",
        put(VM, {"x509CertificateChain": {"certificates": [{"rawBytes": B64}]}}),
        "material",
        "OMS-11.1-08",
    ),
    ("certificate no base64", put(VM, {"certificate": {"rawBytes": "?"}}), "bundle", "OMS-4-01"),
    ("key empty", put(KEYED, {}), "material", "OMS-11.1-02"),
    ("key null", put(KEYED, None), "bundle", "OMS-4-01"),
    ("hint no string", put(f"{KEYED}.hint", 5), "bundle", "OMS-4-01"),
    ("hint another", put(f"{KEYED}.hint", "0" * 64), "key", "REF-KEY-01"),
    ("hint empty", put(f"{KEYED}.hint", ""), "key", "REF-KEY-01"),
    ("raw key", put(KEYED, {"rawBytes": base64.b64encode(PEM).decode(), "keyDetails": "x"}), None, None),
    ("raw key and hint", put(f"{KEYED}.rawBytes", base64.b64encode(PEM).decode()), None, None),
    ("raw key another, and hint", put(f"{KEYED}.rawBytes", B64), "key", "REF-KEY-01"),
    (
        "raw key and hint another",
        put(KEYED, {"hint": "x", "rawBytes": base64.b64encode(PEM).decode()}),
        "key",
        "REF-KEY-01",
    ),
    ("raw key another", put(KEYED, {"rawBytes": B64}), "key", "REF-KEY-01"),
    ("log entries no array", put(f"{VM}.tlogEntries", {}), "bundle", "OMS-4-01"),
    ("log entry", put(f"{VM}.tlogEntries", [ENTRY]), None, None),
    ("log entry of default values", put(f"{VM}.tlogEntries", [{}]), None, None),
    *((f"log entry no {name}", put(f"{VM}.tlogEntries", [without(name)]), None, None) for name in ENTRY),
    ("log entry of empty objects", put(f"{VM}.tlogEntries", [HOLLOW]), None, None),
    ("log entry member null", put(f"{VM}.tlogEntries", [{**ENTRY, "logId": None}]), "bundle", "OMS-4-01"),
    ("log entry of unknown member", put(f"{VM}.tlogEntries", [{**ENTRY, "extra": 1}]), "bundle", "REF-BUNDLE-02"),
    *(
        (f"log index {index!r}", put(f"{VM}.tlogEntries", [{**ENTRY, "logIndex": index}]), *outcome)
        for outcome, indexes in (
            ((None, None), ("-9223372036854775808", "9223372036854775807", "007", "-0", 5, -(2**63))),
            (("bundle", "OMS-4-01"), ("9223372036854775808", "-9223372036854775809", 2**63, "", "+1", " 1", "1e3")),
            (("bundle", "OMS-4-01"), (1.0, True, "\u0661", "1\n", "0" * 20)),
        )
        for index in indexes
    ),
    ("log index no number", put(f"{VM}.tlogEntries", [{**ENTRY, "logIndex": "x"}]), "bundle", "OMS-4-01"),
    ("no timestamps", put(f"{VM}.timestampVerificationData", {}), None, None),
    (
        "timestamp",
        put(f"{VM}.timestampVerificationData", {"rfc3161Timestamps": [{"signedTimestamp": B64}]}),
        None,
        None,
    ),
]
SER, RES = "predicate.serialization", "predicate.resources"
# Edits of the payload, which is signed again.
PAYLOADS: list[tuple[str, Edit, str | None, str | None]] = [
    ("unknown statement member", put("extra", 1), None, None),
    ("unknown resource member", put(f"{RES}.0.extra", 1), None, None),
    ("unknown subject member", put("subject.0.extra", 1), None, None),
    ("another digest of the subject", put("subject.0.digest.sha512", "x"), None, None),
    ("no _type", put("_type", ...), "statement", "OMS-8.3-02"),
    ("_type 0.1", put("_type", "https://in-toto.io/Statement/v0.1"), "statement", "OMS-8.3-02"),
    ("predicate type", put("predicateType", "https://model_signing/Digests/v0.1"), "statement", "OMS-8.3-03"),
    ("no subject", put("subject", ...), "statement", "OMS-6.5-01"),
    ("subject empty", put("subject", []), "statement", "OMS-6.5-01"),
    ("subject object", put("subject", {}), "statement", "OMS-6.5-01"),
    ("subject string", put("subject.0", "x"), "statement", "OMS-6.5.1-02"),
    ("subject no name", put("subject.0.name", ...), "statement", "REF-STATEMENT-01"),
    ("subject empty name", put("subject.0.name", ""), "statement", "REF-STATEMENT-01"),
    ("subject name a number", put("subject.0.name", 5), "statement", "REF-STATEMENT-01"),
    ("subject other name", put("subject.0.name", "../other"), None, None),
    ("subject digest upper case", put("subject.0.digest.sha256", "A" * 64), "statement", "OMS-6.5.1-02"),
    ("subject digest short", put("subject.0.digest.sha256", "a" * 63), "statement", "OMS-6.5.1-02"),
    ("subject digest newline", put("subject.0.digest.sha256", "a" * 64 + "\n"), "statement", "OMS-6.5.1-02"),
    ("root digest", put("subject.0.digest.sha256", "a" * 64), "root-digest", "OMS-6.5.1-01"),
    ("no predicate", put("predicate", ...), "predicate", "OMS-8.3-04"),
    ("predicate array", put("predicate", []), "predicate", "OMS-8.3-04"),
    ("unknown predicate member", put("predicate.extra", 1), "predicate", "REF-PREDICATE-01"),
    ("unknown serialization member", put(f"{SER}.extra", 1), "predicate", "REF-PREDICATE-01"),
    ("serialization member misplaced", put("predicate.method", "files"), "predicate", "REF-PREDICATE-01"),
    ("no serialization", put(SER, ...), "predicate", "OMS-5.2-01"),
    ("no resources member", put(RES, ...), "predicate", "OMS-5.2-01"),
    ("resources empty", put(RES, []), "predicate", "OMS-5.2.1-04"),
    ("allow_symlinks absent", put(f"{SER}.allow_symlinks", ...), "predicate", "OMS-5.2.2-05"),
    ("allow_symlinks 0", put(f"{SER}.allow_symlinks", 0), "predicate", "OMS-5.2.2-05"),
    ("method absent", put(f"{SER}.method", ...), "predicate", "OMS-5.2.2-01"),
    ("method array", put(f"{SER}.method", []), "predicate", "OMS-5.2.2-01"),
    ("method unknown", put(f"{SER}.method", "tree"), "predicate", "OMS-5.2.2-01"),
    ("hash absent", put(f"{SER}.hash_type", ...), "predicate", "OMS-5.2.2-02"),
    ("hash array", put(f"{SER}.hash_type", []), "predicate", "OMS-5.2.2-02"),
    ("hash unregistered", put(f"{SER}.hash_type", "blake2"), "predicate", "OMS-5.2.2-02"),
    ("hash upper case", put(f"{SER}.hash_type", "SHA256"), "predicate", "OMS-5.2.2-02"),
    ("shard size with files", put(f"{SER}.shard_size", 5), "predicate", "OMS-5.2.2-04"),
    ("shard size string with files", put(f"{SER}.shard_size", "5"), "predicate", "OMS-5.2.2-04"),
    ("shard size null with files", put(f"{SER}.shard_size", None), "predicate", "OMS-5.2.2-04"),
    ("ignored no array", put(f"{SER}.ignore_paths", "x"), "predicate", "OMS-5.2.2-06"),
    ("ignored null", put(f"{SER}.ignore_paths", None), "predicate", "OMS-5.2.2-06"),
    ("ignored no strings", put(f"{SER}.ignore_paths", [1]), "predicate", "OMS-5.2.2-06"),
    ("ignored", put(f"{SER}.ignore_paths", ["x", "y/z"]), None, None),
    ("ignored twice", put(f"{SER}.ignore_paths", ["x", "x"]), None, None),
    ("ignored but listed", put(f"{SER}.ignore_paths", ["a.txt"]), None, None),
    ("ignored glob", put(f"{SER}.ignore_paths", ["x*"]), "predicate", "OMS-6.2.1-01"),
    ("ignored class", put(f"{SER}.ignore_paths", ["[x"]), "predicate", "OMS-6.2.1-01"),
    ("ignored absolute", put(f"{SER}.ignore_paths", ["/x"]), "predicate", "OMS-6.2.1-02"),
    ("ignored upwards", put(f"{SER}.ignore_paths", ["x/../y"]), "predicate", "OMS-6.2.1-02"),
    ("ignored dot", put(f"{SER}.ignore_paths", ["."]), "predicate", "REF-IGNORE-01"),
    ("ignored empty", put(f"{SER}.ignore_paths", [""]), "predicate", "REF-IGNORE-01"),
    ("ignored slash", put(f"{SER}.ignore_paths", ["x/"]), "predicate", "REF-IGNORE-01"),
    ("resource string", put(f"{RES}.0", "x"), "predicate", "OMS-5.2.1-01"),
    ("resource no name", put(f"{RES}.0.name", ...), "predicate", "OMS-5.2.1-01"),
    ("resource no algorithm", put(f"{RES}.0.algorithm", ...), "predicate", "OMS-5.2.1-03"),
    ("resource algorithm number", put(f"{RES}.0.algorithm", 1), "predicate", "OMS-5.2.1-03"),
    ("resource algorithm other", put(f"{RES}.0.algorithm", "blake2b"), "predicate", "REF-PREDICATE-04"),
    ("resource algorithm of shards", put(f"{RES}.0.algorithm", "sha256-sharded-None"), "predicate", "OMS-7-01"),
    ("resource no digest", put(f"{RES}.0.digest", ...), "predicate", "OMS-5.2.1-02"),
    ("resource digest long", put(f"{RES}.0.digest", "a" * 128), "predicate", "OMS-5.2.1-02"),
    ("resource digest number", put(f"{RES}.0.digest", 10**63), "predicate", "OMS-5.2.1-02"),
    ("name empty", put(f"{RES}.0.name", ""), "names", "REF-NAMES-01"),
    ("name absolute", put(f"{RES}.0.name", "/a"), "names", "OMS-6.1.2-03"),
    ("name upwards", put(f"{RES}.0.name", "../a"), "names", "OMS-6.1.2-03"),
    ("name dot part", put(f"{RES}.0.name", "./a"), "names", "OMS-6.1.2-04"),
    ("name dot", put(f"{RES}.0.name", "."), "names", "OMS-6.1.2-04"),
    ("name double slash", put(f"{RES}.0.name", "a//b"), "names", "OMS-6.1.2-05"),
    ("name slash at end", put(f"{RES}.0.name", "a/"), "names", "OMS-6.1.2-06"),
    ("name backslash", put(f"{RES}.0.name", "a\\b"), "names", "REF-NAMES-02"),
    ("name NUL", put(f"{RES}.0.name", "a\0"), "names", "REF-NAMES-02"),
    ("name twice", put(f"{RES}.0.name", "dir-x"), "names", "REF-NAMES-03"),
    ("name out of order", put(f"{RES}.0.name", "z"), "names", "OMS-5.2.1-05"),
    ("name not there", put(f"{RES}.0.name", "a"), "files", "OMS-8.4-01"),
]


def agree(case: Case, stage: str | None, clause: str | None) -> None:
    """Both verifiers give this stage and clause (None: accepted), and the same warnings."""
    verdict = {None: "accepted", "unsupported": "unsupported"}.get(stage, "rejected")
    ours, theirs = case.ours(), case.theirs()
    assert ours[:3] == (verdict, stage, clause)
    assert theirs == ours


@pytest.mark.parametrize(("edit", "stage", "clause"), [row[1:] for row in BUNDLES], ids=[row[0] for row in BUNDLES])
def test_edited_bundle(tmp_path: Path, edit: Edit, stage: str | None, clause: str | None) -> None:
    case = Case(tmp_path)
    bundle = case.bundle()
    edit(bundle)
    case.signature.write_text(json.dumps(bundle))
    agree(case, stage, clause)


@pytest.mark.parametrize(("name", "edit", "stage", "clause"), PAYLOADS, ids=[row[0] for row in PAYLOADS])
def test_edited_payload(tmp_path: Path, name: str, edit: Edit, stage: str | None, clause: str | None) -> None:
    case = Case(tmp_path)
    edit(case.payload)
    if stage in {"files", "digest"}:
        case.root()
    case.signature.write_text(json.dumps(case.bundle()))
    agree(case, stage, clause)


# Raw bytes of a bundle, or of a signed payload: the layer's own JSON faults.
TEXTS: list[tuple[bytes, str]] = [
    (b"", "JSON-01"),
    (b"{", "JSON-01"),
    (b"{} {}", "JSON-01"),
    (b'{"a": NaN}', "JSON-01"),
    (b'{"a": -Infinity}', "JSON-01"),
    (b'{"a": 01}', "JSON-01"),
    (b'{"a": 1.}', "JSON-01"),
    (b'{"a": +1}', "JSON-01"),
    (b'{"a": 1,}', "JSON-01"),
    (b"{'a': 1}", "JSON-01"),
    (b'{"a": "\t"}', "JSON-01"),
    (b'{"a": "\\x"}', "JSON-01"),
    (b'{"a": "\\u12"}', "JSON-01"),
    ('{"a": \u00a01}'.encode(), "JSON-01"),
    ('{"a": \u0663}'.encode(), "JSON-01"),
    (b'{"a": "\xff"}', "JSON-02"),
    (b"\xff\xfe{}", "JSON-02"),
    (b"\xef\xbb\xbf{}", "REF-JSON-01"),
    (b'{"a": 1, "a": 1}', "REF-JSON-02"),
    (b'{"a": 1, "\\u0061": 1}', "REF-JSON-02"),
    (b'{"x": [{"a": 1, "a": 1}]}', "REF-JSON-02"),
    (b'{"a": 1e999}', "REF-JSON-03"),
    (b'{"a": -1e999}', "REF-JSON-03"),
    (b"[" * 65 + b"]" * 65, "REF-JSON-04"),
    (b"[" * 100000, "REF-JSON-04"),
    (b'{"a": ' + b"1" * 65 + b"}", "REF-JSON-04"),
    (b'{"a": -' + b"1" * 64 + b"}", "REF-JSON-04"),
    (b'{"a": "\\ud800"}', "REF-JSON-05"),
    (b'{"\\udc00\\ud800": 1}', "REF-JSON-05"),
]


@pytest.mark.parametrize(("text", "clause"), TEXTS, ids=[repr(text[:20]) for text, _ in TEXTS])
def test_texts(tmp_path: Path, text: bytes, clause: str) -> None:
    case = Case(tmp_path)
    case.signature.write_bytes(text)
    agree(case, "bundle", clause)
    case.signature.write_text(json.dumps(case.bundle(text)))
    agree(case, "statement", clause)


@pytest.mark.parametrize(
    ("text", "clause"),
    [(b"[]", "OMS-5-01"), (b"null", "OMS-5-01"), (b"{}", "OMS-8.3-02"), (b'"' + b"[" * 99 + b'"', "OMS-5-01")],
)
def test_payload_of_another_shape(tmp_path: Path, text: bytes, clause: str) -> None:
    case = Case(tmp_path)
    case.signature.write_text(json.dumps(case.bundle(text)))
    agree(case, "statement", clause)


# ---- Shards


def rename(index: int, name: str) -> Callable[[Case], None]:
    return lambda case: put(f"{RES}.{index}.name", name)(case.payload)


def path_order(case: Case) -> None:
    case.resources.sort(key=lambda item: (item["name"].rpartition(":")[0].rpartition(":")[0].split("/"), span(item)))


def span(item: Json) -> int:
    return int(item["name"].split(":")[-2])


def old_algorithm(case: Case, count: int = 99) -> None:
    for item in case.resources[:count]:
        item["algorithm"] = "sha256-sharded-100"


SHARDS: list[tuple[str, Callable[[Case], None], str | None, str | None]] = [
    ("control", lambda case: None, None, None),
    ("no size", lambda case: put(f"{SER}.shard_size", ...)(case.payload), "predicate", "OMS-5.2.2-03"),
    ("size zero", lambda case: put(f"{SER}.shard_size", 0)(case.payload), "predicate", "OMS-5.2.2-03"),
    ("size true", lambda case: put(f"{SER}.shard_size", True)(case.payload), "predicate", "OMS-5.2.2-03"),
    ("size string", lambda case: put(f"{SER}.shard_size", "100")(case.payload), "predicate", "OMS-5.2.2-03"),
    ("size 1.5", lambda case: put(f"{SER}.shard_size", 1.5)(case.payload), "predicate", "OMS-5.2.2-03"),
    ("size null", lambda case: put(f"{SER}.shard_size", None)(case.payload), "predicate", "OMS-5.2.2-03"),
    ("size 0.0", lambda case: put(f"{SER}.shard_size", 0.0)(case.payload), "predicate", "OMS-5.2.2-03"),
    (
        "size 2^53 as a fraction",
        lambda case: put(f"{SER}.shard_size", 2.0**53)(case.payload),
        "predicate",
        "REF-PREDICATE-02",
    ),
    ("size 2^53", lambda case: put(f"{SER}.shard_size", 2**53)(case.payload), "predicate", "REF-PREDICATE-02"),
    ("size float", lambda case: put(f"{SER}.shard_size", 100.0)(case.payload), None, None),
    ("old algorithm", old_algorithm, None, None),
    ("old algorithm once", lambda case: old_algorithm(case, 1), "predicate", "OMS-7-01"),
    ("another algorithm", lambda case: put(f"{RES}.0.algorithm", "blake2b")(case.payload), "predicate", "OMS-6.3.2-07"),
    ("old order", path_order, None, None),
    ("name bare", rename(0, "a.txt"), "names", "OMS-6.3.2-08"),
    ("name with sign", rename(0, "a.txt:+0:5"), "names", "OMS-6.3.2-08"),
    ("name with zeros", rename(0, "a.txt:00:5"), "names", "OMS-6.3.2-08"),
    ("name of other digits", rename(0, "a.txt:0:\u0665"), "names", "OMS-6.3.2-08"),
    ("name with newline", rename(0, "a.txt:0:5\n"), "names", "OMS-6.3.2-08"),
    ("bounds equal", rename(0, "a.txt:0:0"), "names", "OMS-6.3.2-04"),
    ("bounds backwards", rename(0, "a.txt:100:5"), "names", "OMS-6.3.2-04"),
    ("bounds wide", rename(0, "a.txt:0:101"), "names", "OMS-6.3.2-04"),
    ("bounds shifted", rename(0, "a.txt:1:5"), "names", "OMS-6.3.2-04"),
    ("bounds of 20 digits", rename(0, "a.txt:0:10000000000000000000"), "names", "OMS-6.3.2-04"),
    ("both bounds huge", rename(0, f"a.txt:{'9' * 5000}:{'9' * 5001}"), "names", "OMS-6.3.2-04"),
    ("bounds huge", rename(0, "a.txt:0:" + "9" * 5000), "names", "OMS-6.3.2-04"),
    ("gap at start", rename(0, "a.txt:100:105"), "names", "OMS-6.3.2-04"),
    ("path upwards", rename(0, "../a:0:5"), "names", "OMS-6.1.2-03"),
    ("path empty", rename(0, ":0:5"), "names", "REF-NAMES-01"),
    ("path with colon", rename(0, "a:0:5:0:5"), "files", "OMS-8.4-01"),
    ("longer than the file", rename(0, "a.txt:0:6"), "digest", "OMS-8.4-01"),
    ("shorter than the file", rename(0, "a.txt:0:4"), "digest", "OMS-8.4-01"),
    ("an empty file ignored", lambda case: (case.model / ".gitignore").touch(), None, None),
    ("an empty file more", lambda case: (case.model / "empty").touch(), None, None),
]


@pytest.mark.parametrize(("name", "edit", "stage", "clause"), SHARDS, ids=[row[0] for row in SHARDS])
def test_shards(tmp_path: Path, name: str, edit: Callable[[Case], None], stage: str | None, clause: str | None) -> None:
    case = Case(tmp_path)
    case.shards()
    edit(case)
    case.root()
    case.signature.write_text(json.dumps(case.bundle()))
    agree(case, stage, clause)


def test_shards_with_a_gap_and_an_overlap(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.shards()
    del case.resources[[item["name"] for item in case.resources].index("dir/b.bin:100:200")]
    case.root()
    case.signature.write_text(json.dumps(case.bundle()))
    agree(case, "names", "OMS-6.3.2-04")
    case.resources.insert(0, resource("a.txt:0:4", b"alph"))
    case.signature.write_text(json.dumps(case.bundle()))
    agree(case, "names", "OMS-6.3.2-04")


# ---- Trees


def unsigned(case: Case) -> None:
    (case.model / "extra").write_text("x")
    case.unsigned = True


def allowed(case: Case) -> None:
    case.links = True
    case.how["allow_symlinks"] = True


def linked(case: Case, target: str, name: str = "a.txt") -> None:
    (case.model / name).unlink(missing_ok=True)
    (case.model / name).symlink_to(target)


def inside(name: str) -> Callable[[Case], None]:
    def edit(case: Case) -> None:
        case.signature = case.model / name

    return edit


def out(case: Case) -> None:
    (case.folder / "any.sig").touch()
    case.signature.symlink_to(case.folder / "any.sig")


def both(*edits: Callable[[Case], object]) -> Callable[[Case], object]:
    return lambda case: [edit(case) for edit in edits]


TREES: list[tuple[str, Callable[[Case], object], str | None, str | None]] = [
    ("changed", lambda case: (case.model / "a.txt").write_text("ALPHA"), "digest", "OMS-8.4-01"),
    ("shorter", lambda case: (case.model / "a.txt").write_text("alph"), "digest", "OMS-8.4-01"),
    ("missing", lambda case: (case.model / "a.txt").unlink(), "files", "OMS-8.4-01"),
    ("extra", lambda case: (case.model / "extra").touch(), "files", "OMS-8.5-01"),
    ("missing before extra", lambda case: (case.model / "a.txt").rename(case.model / "x"), "files", "OMS-8.4-01"),
    ("extra allowed", unsigned, None, None),
    (
        "extra ignored",
        both(unsigned, lambda c: setattr(c, "unsigned", False), lambda c: c.ignored.append("extra")),
        None,
        None,
    ),
    ("git", lambda case: (case.model / ".gitignore").touch(), None, None),
    ("git below", lambda case: (case.model / "dir" / ".gitignore").touch(), "files", "OMS-8.5-01"),
    ("modules", lambda case: (case.model / ".gitmodules").touch(), "files", "OMS-8.5-01"),
    ("empty folder", lambda case: (case.model / "folder").mkdir(), None, None),
    ("recorded", both(lambda c: (c.model / "x").touch(), lambda c: c.how.update(ignore_paths=["x"])), None, None),
    ("fifo", lambda case: os.mkfifo(case.model / "fifo"), "files", "REF-FILES-01"),
    ("fifo unsigned", both(unsigned, lambda case: os.mkfifo(case.model / "fifo")), None, None),
    ("fifo ignored", both(lambda c: os.mkfifo(c.model / "x"), lambda c: c.ignored.append("x")), None, None),
    ("link", lambda case: linked(case, "dir-x"), "files", "OMS-6.1.1-07"),
    ("link unlisted", lambda case: linked(case, "a.txt", "x"), "files", "REF-FILES-07"),
    ("link unsigned", both(unsigned, lambda case: linked(case, "a.txt", "x")), None, None),
    (
        "link not consented",
        both(allowed, lambda c: linked(c, "dir-x"), lambda c: setattr(c, "links", False)),
        "files",
        "REF-FILES-06",
    ),
    (
        "link not recorded",
        both(lambda c: linked(c, "dir-x"), lambda c: setattr(c, "links", True)),
        "files",
        "OMS-6.1.1-07",
    ),
    ("link to other contents", both(allowed, lambda case: linked(case, "dir-x")), "digest", "OMS-8.4-01"),
    (
        "link outside",
        both(allowed, lambda c: (c.folder / "o").write_text("alpha"), lambda c: linked(c, "../o")),
        None,
        None,
    ),
    ("link dangling", both(allowed, lambda case: linked(case, "nowhere")), "files", "REF-FILES-04"),
    ("link to itself", both(allowed, lambda case: linked(case, "a.txt")), "files", "REF-FILES-04"),
    ("link upwards", both(allowed, lambda case: linked(case, "..", "dir/up")), "files", "REF-FILES-03"),
    ("link to a folder", both(allowed, lambda case: linked(case, "dir", "x")), "files", "OMS-8.5-01"),
    (
        "parent a link",
        both(lambda c: (c.model / "dir").rename(c.folder / "o"), lambda c: linked(c, "../o", "dir")),
        "files",
        "OMS-6.1.1-07",
    ),
    (
        "model a link",
        both(lambda c: c.model.rename(c.folder / "o"), lambda c: c.model.symlink_to("o")),
        "files",
        "REF-FILES-05",
    ),
    (
        "fifo before a link",
        both(lambda c: os.mkfifo(c.model / "p"), lambda c: linked(c, "x", "q")),
        "files",
        "REF-FILES-01",
    ),
    (
        "link before a fifo",
        both(lambda c: os.mkfifo(c.model / "q"), lambda c: linked(c, "x", "p")),
        "files",
        "REF-FILES-07",
    ),
    ("link ignored", both(lambda c: linked(c, "dir-x", "x"), lambda c: c.ignored.append("x")), None, None),
    (
        "link ignored and listed",
        both(lambda c: linked(c, "dir-x"), lambda c: c.ignored.append("a.txt")),
        "files",
        "OMS-6.1.1-07",
    ),
    (
        "link unlisted and not consented",
        both(allowed, lambda c: linked(c, "a.txt", "x"), lambda c: setattr(c, "links", False)),
        "files",
        "REF-FILES-06",
    ),
    ("link to a listed folder", both(allowed, lambda case: linked(case, "../dir", "dir/x")), "files", "REF-FILES-03"),
    (
        "model a link, allowed",
        both(allowed, lambda c: c.model.rename(c.folder / "o"), lambda c: c.model.symlink_to("o")),
        None,
        None,
    ),
    ("signature listed", inside("a.txt"), "files", "OMS-8.4-01"),
    ("signature inside", inside("any.sig"), None, None),
    ("signature a link out of the model", both(allowed, inside("any.sig"), out), None, None),
    ("signature a link, not consented", both(inside("any.sig"), out), None, None),
    ("not UTF-8", lambda case: open(os.fsencode(case.model) + b"/\xff", "x").close(), "files", "OMS-6.1.2-09"),
    ("backslash", lambda case: (case.model / "a\\b").touch(), "files", "REF-NAMES-02"),
    (
        "folder for a file",
        both(lambda c: (c.model / "a.txt").unlink(), lambda c: (c.model / "a.txt").mkdir()),
        "files",
        "OMS-8.4-01",
    ),
    ("old order", lambda case: case.resources.sort(key=lambda item: item["name"].split("/")), None, None),
    (
        "other algorithm",
        both(
            lambda c: c.how.update(hash_type="blake2b"),
            lambda c: c.payload["predicate"].update(resources=[resource(n, CONTENTS[n], "blake2b") for n in c.names]),
        ),
        None,
        None,
    ),
    (
        "insisted hash",
        lambda case: setattr(case, "insist", ("files", "blake2b", None)),
        "predicate",
        "REF-PREDICATE-03",
    ),
    ("insisted shards", lambda case: setattr(case, "insist", ("shards", "sha256", 7)), "predicate", "REF-PREDICATE-03"),
    ("insisted same", lambda case: setattr(case, "insist", ("files", "sha256", None)), None, None),
]


@pytest.mark.parametrize(("name", "edit", "stage", "clause"), TREES, ids=[row[0] for row in TREES])
def test_trees(
    tmp_path: Path, name: str, edit: Callable[[Case], object], stage: str | None, clause: str | None
) -> None:
    case = Case(tmp_path)
    edit(case)
    case.root()
    case.signature.write_text(json.dumps(case.bundle()))
    agree(case, stage, clause)


def test_lookalike_names_and_signature_inside(tmp_path: Path) -> None:
    case = Case(tmp_path)
    (case.model / "A.TXT").write_bytes(b"alpha")
    case.resources.insert(0, resource("A.TXT", b"alpha"))
    case.root()
    case.signature = case.model / "any.sig"
    case.signature.write_text(json.dumps(case.bundle()))
    assert case.ours()[3] == {"lookalike-names"}
    agree(case, None, None)


@pytest.mark.parametrize(
    ("name", "stage", "clause"),
    [("model", None, None), (".", None, None), ("other", "files", "OMS-8.4-01")],
)
def test_single_file(tmp_path: Path, name: str, stage: str | None, clause: str | None) -> None:
    case = Case(tmp_path)
    shutil.rmtree(case.model)
    case.model.write_bytes(b"alpha")
    case.payload["predicate"]["resources"] = [resource(name, b"alpha")]
    case.root()
    case.signature.write_text(json.dumps(case.bundle()))
    agree(case, stage, clause)
    assert ("old-dot" in case.ours()[3]) == (name == ".")
    if stage is None:
        case.model.write_bytes(b"omega")
        agree(case, "digest", "OMS-8.4-01")


def test_blake3_is_unsupported_only_at_the_end(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.how["hash_type"] = "blake3"
    for item in case.resources:
        item["algorithm"] = "blake3"
    case.signature.write_text(json.dumps(case.bundle()))
    assert case.ours()[:3] == ("unsupported", "unsupported", "OMS-REG-03")
    (case.model / "extra").touch()
    assert case.ours()[:3] == ("rejected", "files", "OMS-8.5-01")


# ---- Keys


@pytest.mark.parametrize("kind", ["rsa", "ed25519", "secp256k1"])
def test_key_of_another_type(tmp_path: Path, kind: str) -> None:
    key: Any = ec.generate_private_key(ec.SECP256K1())
    if kind != "secp256k1":
        key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ed25519.Ed25519PrivateKey.generate()
    case = Case(tmp_path)
    case.public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    case.signature.write_text(json.dumps(case.bundle()))
    agree(case, "key", "OMS-REG-04")
    case.signature.write_text("{}")
    agree(case, "bundle", "OMS-4-01")


def test_another_key(tmp_path: Path) -> None:
    case = Case(tmp_path)
    bundle = case.bundle()
    case.signature.write_text(json.dumps(bundle))
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    case.public.write_bytes(pem)
    agree(case, "key", "REF-KEY-01")
    put(f"{KEYED}.hint", hashlib.sha256(pem).hexdigest())(bundle)
    case.signature.write_text(json.dumps(bundle))
    agree(case, "signature", "DSSE-01")


SPKI = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
POINT = KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def tagged(tag: int, content: bytes) -> bytes:
    """A DER value of at most 255 bytes."""
    return bytes([tag, *([0x81] if len(content) > 127 else []), len(content)]) + content


def pem_with(point: bytes, key: bytes = SPKI, old: bytes = POINT) -> bytes:
    """The PEM of a key whose point is spelled as `point`."""
    start = key.index(b"\x30", 1)
    algorithm = key[start : start + 2 + key[start + 1]]
    assert key.endswith(b"\0" + old)
    bits = tagged(3, b"\0" + point)
    der = tagged(0x30, algorithm + bits)
    return b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(der) + b"-----END PUBLIC KEY-----\n"


# On P-256: its prime, the y of a point whose x is 0, and the x of a point that has no longer one.
PRIME = (2**256 - 2**224 + 2**192 + 2**96 - 1).to_bytes(32, "big")
Y_OF_0 = bytes.fromhex("66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4")
SMALL_X = b"\5"
NO_KEYS = {
    "nothing": b"",
    "no key": b"no key",
    "cut": PEM[:60],
    "no base64": PEM.replace(b"\n", b"!\n"),
    "the same twice": PEM + PEM,
    "two": PEM + b"text\n" + pem_with(POINT),
    "one and the start of another": PEM + b"-----BEGIN PUBLIC KEY-----\n",
    "the start of another and one": b"-----BEGIN PUBLIC KEY-----\n!\n" + PEM,
    "of another label": PEM.replace(b"PUBLIC", b"RSA PUBLIC"),
    "too long": PEM + b"x" * (1 << 20),
    "not on the curve": pem_with(POINT[:-1] + bytes([POINT[-1] ^ 1])),
    "infinity": pem_with(b"\0"),
    "no point": pem_with(b""),
    "short": pem_with(POINT[:-1]),
    "long": pem_with(POINT + b"\0"),
    "compressed and long": pem_with(b"\2" + POINT[1:]),
    "compressed and short": pem_with(b"\2" + POINT[1:32]),
    "compressed and too large": pem_with(b"\2" + b"\xff" * 32),
    "compressed and without its first zeros": pem_with(b"\2" + SMALL_X.rjust(31, b"\0")),
    "with the prime for zero": pem_with(b"\4" + PRIME + Y_OF_0),
    "of an unknown form": pem_with(b"\5" + POINT[1:]),
    "compressed and not on the curve": pem_with(b"\2" + (7).to_bytes(32, "big")),
}


@pytest.mark.parametrize("text", NO_KEYS.values(), ids=NO_KEYS)
def test_no_usable_key_is_no_verdict(tmp_path: Path, text: bytes) -> None:
    case = Case(tmp_path)
    case.public.write_bytes(text)
    case.signature.write_text(json.dumps(case.bundle()))
    assert case.ours()[:3] == case.theirs()[:3] == ("none", None, None)


def test_the_points_are_on_the_curve() -> None:
    for point in (b"\4" + bytes(32) + Y_OF_0, b"\2" + SMALL_X.rjust(32, b"\0")):
        curve, _, _ = standalone.key_from_pem(pem_with(point))
        assert curve is not None
        assert ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


PRIVATE = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
AROUND = {
    "text": b"text before\n" + PEM + b"text after",
    "CRLF": PEM.replace(b"\n", b"\r\n"),
    "one line": PEM.replace(b"\n", b""),
    "spaces": b"  " + PEM.replace(b"\n", b"  \n"),
    "no newline at the end": PEM[:-1],
    "its private key before": PRIVATE + PEM,
    "its private key after": PEM + PRIVATE,
    "bytes that are no text": b"\xff\xfe\n" + PEM + b"\0",
    "1 MiB": PEM.ljust(1 << 20, b"x"),
}


@pytest.mark.parametrize("text", AROUND.values(), ids=AROUND)
def test_text_around_a_key(tmp_path: Path, text: bytes) -> None:
    case = Case(tmp_path)
    case.public.write_bytes(text)
    case.signature.write_text(json.dumps(case.bundle()))
    agree(case, None, None)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
@pytest.mark.parametrize("turn", range(4))  # both signs of the other coordinate, most likely
def test_compressed_point(tmp_path: Path, curve: ec.EllipticCurve, turn: int) -> None:
    """RFC 5480 section 2.2 allows it. The hint is that of the key as it is written, uncompressed."""
    key = ec.generate_private_key(curve).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    pem = pem_with(key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint), spki, point)
    whole = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert len(pem) < len(whole)
    assert b"".join(pem_with(point, spki, point).split()) == b"".join(whole.split())
    assert standalone.key_from_pem(pem) == standalone.key_from_pem(whole)
    assert standalone.key_from_pem(pem)[2] == hashlib.sha256(whole).hexdigest()
    if turn == 0 and curve.name == "secp256r1":
        compressed = KEY.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        case = Case(tmp_path)
        case.public.write_bytes(pem_with(compressed))
        case.signature.write_text(json.dumps(case.bundle()))
        agree(case, None, None)


def test_signature_that_is_a_fifo_is_no_verdict(tmp_path: Path) -> None:
    case = Case(tmp_path)
    os.mkfifo(case.signature)
    assert case.ours()[:3] == case.theirs()[:3] == ("none", None, None)


def test_signature_that_is_a_device_is_no_verdict(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.signature = Path(os.devnull)
    assert case.ours()[:3] == case.theirs()[:3] == ("none", None, None)


def test_model_that_is_not_there_is_no_verdict(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.signature.write_text(json.dumps(case.bundle()))
    shutil.rmtree(case.model)
    assert case.ours()[:3] == case.theirs()[:3] == ("none", None, None)


@pytest.mark.parametrize("path", [".", "..", "../key.pub", "dir/../.."])
def test_ignored_path_that_is_not_in_the_model_is_no_verdict(tmp_path: Path, path: str) -> None:
    case = Case(tmp_path)
    case.signature.write_text(json.dumps(case.bundle()))
    case.ignored = ["dir", path]
    assert case.ours()[:3] == case.theirs()[:3] == ("none", None, None)
    case.ignored = ["dir"]
    agree(case, None, None)


def test_the_root_of_the_system_is_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(tmp_path)
    case.signature.write_text(json.dumps(case.bundle()))
    case.model = Path("/")
    walked: list[standalone.Tree] = []
    monkeypatch.setattr(standalone, "walk", walked.append)  # it would take long
    assert case.ours()[:3] == ("rejected", "files", "OMS-8.4-01")
    assert [tree.model for tree in walked] == ["/"]


# ---- Random bytes


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_random_bytes(data: bytes) -> None:
    curve, point, _ = standalone.key_from_pem(PEM)
    assert curve is not None
    assert not standalone.ecdsa_holds(curve, point, b"", data)
    with contextlib.suppress(ValueError, standalone.Failure):
        standalone.der(data, 0x30, 0x02)
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(data) + b"\n-----END PUBLIC KEY-----\n"
    for text in (data, pem):
        with contextlib.suppress(ValueError, standalone.Failure):
            standalone.key_from_pem(text)


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["mediaType", VM, ENV, "publicKey", "hint", "payload", "signatures", "sig", "subject", "!", "*"]
            )
            | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@given(JSONS, st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_random_json(value: Any, data: bytes) -> None:
    key = standalone.key_from_pem(PEM)
    for text in (json.dumps(value).encode(), data):
        for check in (
            lambda text=text: standalone.signed_payload(text, key, {}),
            lambda text=text: standalone.check_statement(text),
        ):
            with pytest.raises(standalone.Failure):
                check()
    with pytest.raises(standalone.Failure):
        standalone.check_predicate(value, standalone.Options(), set(), {})


# ---- The command line


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(FILE), *map(str, words)], capture_output=True, text=True, check=False)


def test_command_line(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.signature.write_text(json.dumps(case.bundle()))
    words = ["--public_key", case.public, "--signature", case.signature]
    done = run(*words, "--json", case.model)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "verdict": "accepted",
        "stage": None,
        "clause": None,
        "detail": "verified",
        "path": None,
        "warnings": [],
    }
    (case.model / "new\nline").touch()
    done = run(*words, "--json", case.model)
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert (report["verdict"], report["stage"], report["clause"]) == ("rejected", "files", "OMS-8.5-01")
    assert report["path"] == "new\nline"
    assert done.stderr == "files: 'new\\nline' is not signed [OMS-8.5-01]\n"
    assert run(*words, "--ignore_paths", case.model / "new\nline", case.model).returncode == 0
    assert run(*words, "--ignore-unsigned-files", case.model).returncode == 0
    assert run(*words, "--max-bundle-bytes=10", case.model).stderr.endswith("[REF-BUNDLE-01]\n")
    assert run(*words, "--hash-algorithm=blake2b", case.model).returncode == 1


def test_command_line_without_a_verdict(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.signature.write_text(json.dumps(case.bundle()))
    good = {"--public-key": case.public, "--signature": case.signature}
    for change, model in (
        ({"--public-key": tmp_path / "none"}, case.model),
        ({"--signature": tmp_path / "none"}, case.model),
        ({"--signature": tmp_path}, case.model),
        ({}, tmp_path / "none"),
        ({"--ignore-paths": tmp_path}, case.model),
        ({"--shard-size": "0"}, case.model),
        ({"--shard-size": "x\ny"}, case.model),
        ({"--unknown": "x"}, case.model),
    ):
        done = run(*(word for pair in {**good, **change}.items() for word in pair), model)
        assert done.returncode == 2, (change, done)
        assert done.stderr.startswith("no verdict: ") and done.stderr.count("\n") == 1, done


def test_closed_pipe_is_quiet(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.signature.write_text(json.dumps(case.bundle()))
    read, write = os.pipe()
    os.close(read)
    words = [sys.executable, str(FILE), "--public-key", str(case.public), "--signature", str(case.signature), "--json"]
    done = subprocess.run([*words, str(case.model)], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")
