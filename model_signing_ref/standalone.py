"""Verification of OMS v1.0 key bundles in one file: a second opinion, written apart from model_signing_ref.

It has its own strict JSON, DSSE, DER, ECDSA, names, tree and digests, with the standard library alone; stages, clauses
and exit statuses are the package's. It signs nothing and knows no certificates, Sigstore or BLAKE3. Its arithmetic
takes varying time, which is fine where there is no secret: never sign with it. To embed it, copy this file and call
`verify(model, signature, public_key, Options(...), warned)`, which raises Failure unless all is well, or run it: exit
status 0 is verified, 1 rejected, 2 no verdict, 3 unsupported, 130 interrupted.
"""

import os
import sys

if __name__ == "__main__":  # a script's own folder is searched first, and files beside it may have a module's name
    sys.path = [
        folder for folder in sys.path if os.path.realpath(folder) != os.path.dirname(os.path.realpath(__file__))
    ]
import argparse
import base64
import contextlib
import hashlib
import json
import re
import stat
import unicodedata
from collections.abc import Iterator
from itertools import accumulate, groupby, starmap
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, NoReturn

HASHES = {"sha256": 64, "blake2b": 128, "blake3": 64}  # registry identifier: hex digits of a digest
STATUS = {"accepted": 0, "rejected": 1, "none": 2, "unsupported": 3}
Warnings = dict[str, str]  # code: detail
# The bundle: {member: shape}, [shape of elements] or a kind of leaf. "!" marks required, "*" allows unknown members.
BUNDLE = json.loads("""{"mediaType!": "string", "verificationMaterial": {
    "publicKey": {"hint": "string", "rawBytes": "base64", "keyDetails": "string"},
    "certificate": {"rawBytes!": "base64"}, "x509CertificateChain": {"certificates!": [{"rawBytes!": "base64"}]},
    "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp!": "base64"}]},
    "tlogEntries": [{"logIndex": "integer", "integratedTime": "integer", "logId": {"keyId": "base64"},
        "canonicalizedBody": "base64", "kindVersion": {"kind": "string", "version": "string"},
        "inclusionPromise": {"signedEntryTimestamp": "base64"}, "inclusionProof": {"hashes": ["base64"],
        "logIndex": "integer", "treeSize": "integer", "rootHash": "base64", "checkpoint": {"envelope": "string"}}}]},
    "dsseEnvelope!": {"payload!": "string", "payloadType!": "string", "*": "",
        "signatures!": [{"sig!": "string", "keyid": "string or null", "*": ""}]}}""")
# Curves y² = x³ - 3x + b over p, of prime order n, with base point (x, y): FIPS 186-5, SP 800-186 section 3.2.1.
Curve = tuple[str, int, int, int, int, int]  # hash, p, b, n, x, y
PRIMES = (2**256 - 2**224 + 2**192 + 2**96 - 1, 2**384 - 2**128 - 2**96 + 2**32 - 1, 2**521 - 1)
NUMBERS = """06082a8648ce3d030107 sha256 5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b
ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296
4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5
06052b81040022 sha384 b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef
ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973
aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7
3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f
06052b81040023 sha512 51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf\
073573df883d2c34f1ef451fd46b503f00 1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b\
7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409 c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14\
b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66 11839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afb\
d17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650""".split()  # noqa: SIM905
CURVES: dict[bytes, Curve] = {}  # by algorithm: the identifiers of EC keys (RFC 5480 section 2.1.1) and of the curve
for _p, _oid, _hash, *_hex in zip(PRIMES, *(NUMBERS[column::6] for column in range(6))):
    _b, _n, _x, _y = (int(number, 16) for number in _hex)
    CURVES[bytes.fromhex("06072a8648ce3d0201" + _oid)] = (_hash, _p, _b, _n, _x, _y)
Key = tuple[Curve | None, tuple[int, int], str]  # the curve, None for a key of another type; the point; fingerprint
PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----")
Point = tuple[int, int, int]  # Jacobian: x = X / Z², y = Y / Z³, and Z = 0 at infinity
Resource = tuple[str, int, int | None, str, str]  # path, bytes from, to, which is None for a whole file; digest; name
Manifest = tuple[str, int | None, bool, list[tuple[str, str]]]  # hash type, shard size or None, links, name and digest
NAME_FAULTS = {"REF-NAMES-01": r"\A\Z", "OMS-6.1.2-03": r"\A/|(\A|/)\.\.(/|\Z)", "OMS-6.1.2-04": r"(\A|/)\.(/|\Z)"}
NAME_FAULTS |= {"OMS-6.1.2-05": "//", "OMS-6.1.2-06": r"/\Z", "REF-NAMES-02": r"[\\\0]"}
# The tree. It is reached by descriptors of folders where the platform has them, so that no link gets in between.
BY_DESCRIPTOR = {os.open, os.stat} <= os.supports_dir_fd and os.listdir in os.supports_fd
READ = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
IDENTITY = attrgetter("st_mode", "st_dev", "st_ino", "st_size", "st_mtime_ns")


class Failure(Exception):
    """Why a model is not accepted: verdict (rejected, unsupported, none), stage, clause, a line for people, culprit."""

    def __init__(self, verdict: str, stage: str | None, clause: str | None, detail: str, path: str | None = None):
        super().__init__(f"{stage or 'no verdict'}: {detail}" + (f" [{clause}]" if clause else ""))
        self.verdict, self.stage, self.clause, self.detail, self.path = verdict, stage, clause, detail, path


class Options(NamedTuple):
    """What the caller asks for; `ignore_paths` are paths of the file system, relative to the working directory."""

    ignore_paths: list[str] | tuple[str, ...] = ()
    ignore_git_paths: bool = True
    allow_symlinks: bool = False
    ignore_unsigned_files: bool = False
    hash_algorithm: str | None = None
    shard_size: int | None = None
    max_bundle_bytes: int = 256 << 20


def need(holds: object, stage: str, clause: str | None, detail: str, path: str | None = None) -> None:
    """Reject unless `holds`."""
    if not holds:
        raise Failure("rejected", stage, clause, detail, path)


def show(value: object) -> str:
    """Any foreign value as one short line of printable characters."""
    return repr(value[:100]) + "..." * (len(value) > 100) if isinstance(value, str) else f"not a string: {type(value)}"


def parse_json(data: bytes, stage: str) -> Any:
    """The value of strict JSON (RFC 8259): the library's, within limits that it doesn't know."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        need(len(dict(pairs)) == len(pairs), stage, "REF-JSON-02", "an object has one name twice")
        return dict(pairs)

    need(not data.startswith(b"\xef\xbb\xbf"), stage, "REF-JSON-01", "JSON begins with a byte order mark")
    many = stage == "bundle" and sum(map(data.count, (b",", b"[", b"{"))) >= 1 << 16
    need(not many, stage, "REF-JSON-04", "65,536 commas and opening brackets, or more")
    try:
        text = data.decode("utf-8")
        plain = re.sub(r'(?s)"[^"\\]*(?:\\.[^"\\]*)*"?', "", text)
        depth = max(accumulate(1 if bracket in "[{" else -1 for bracket in re.findall(r"[][{}]", plain)), default=0)
        need(depth <= 64, stage, "REF-JSON-04", "JSON nested deeper than 64 levels")
        need(not re.search("NaN|Infinity", plain), stage, "JSON-01", "NaN and Infinity are not JSON")
        for number in re.findall("-?[0-9][-+.0-9eE]*", plain):
            need(len(number) <= 64, stage, "REF-JSON-04", f"a number of {len(number)} characters")
            need(abs(float(number)) < float("inf"), stage, "REF-JSON-03", f"the number {number} is out of range")
        value = json.loads(text, object_pairs_hook=members)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
        return value
    except ValueError as error:
        clause = {UnicodeDecodeError: "JSON-02", UnicodeEncodeError: "REF-JSON-05"}.get(type(error), "JSON-01")
        raise Failure("rejected", stage, clause, f"not JSON: {error}") from None


def unbase64(text: str, stage: str, what: str, clause: str | None = None) -> bytes:
    """RFC 4648 base64 in either alphabet, else strict; `clause`, if given, replaces a fault's own."""
    standard = text.replace("-", "+").replace("_", "/")
    need(not re.search("[^A-Za-z0-9+/_=-]", text), stage, clause or "BASE64-01", f"{what} has a foreign character")
    right = len(text) % 4 == 0 and re.fullmatch("[^=]*={0,2}", text)
    need(right or len(text) % 4 < 2 or "=" in text, stage, clause or "REF-BASE64-03", f"{what} is not padded")
    need(right, stage, clause or "BASE64-02", f"{what} has the wrong length or padding")
    need(standard == text or not re.search("[+/]", text), stage, clause or "REF-BASE64-01", f"{what} mixes alphabets")
    data = base64.b64decode(standard)
    need(base64.b64encode(data).decode() == standard, stage, clause or "REF-BASE64-02", f"{what} has bits left over")
    return data


def check_shape(value: Any, shape: Any, where: str) -> None:
    """Hold `value`, which stands at `where` in the bundle, against its shape."""
    kind = shape if isinstance(shape, str) else "object" if isinstance(shape, dict) else "array"
    right: object = isinstance(value, type(shape)) or (value is None and kind == "string or null")
    if kind == "integer":  # of 64 bits, which protobuf writes as strings
        right = type(value) in (int, str) and re.fullmatch("-?[0-9]{1,19}", str(value)) and int(value) >> 63 in (0, -1)
    need(right, "bundle", "OMS-4-01", f"{where} is not of type {kind}")
    if kind == "object":
        missing = [name[:-1] for name in shape if name[-1] == "!" and name[:-1] not in value]
        need(not missing, "bundle", "OMS-4-01", f"{where} lacks {' and '.join(missing)}")
        for name, member in value.items():
            known = name[-1:] not in ("!", "*") and (shape.get(name) or shape.get(f"{name}!"))
            need(known or "*" in shape, "bundle", "REF-BUNDLE-02", f"{where} has the unknown {show(name)}")
            if known:
                check_shape(member, known, f"{where}.{name}")
    elif kind == "array":
        for index, element in enumerate(value):
            check_shape(element, shape[0], f"{where}[{index}]")
    elif kind == "base64":
        unbase64(value, "bundle", where, "OMS-4-01")


def der(data: bytes, *tags: int) -> list[bytes]:
    """The contents of the DER values with `tags` that `data` is, with nothing after them (X.690 8.1, 10.1)."""
    contents = []
    for tag in tags:
        length, start = data[1] if len(data) > 1 else 0, 2
        if length >= 0x80:
            start += length - 0x80
            length = int.from_bytes(data[2:start], "big")
        minimal = start == 2 or (length >= 0x80 and data[2] != 0)
        if data[:1] != bytes([tag]) or not minimal or len(data) < start + length:
            raise ValueError("not DER")
        contents.append(data[start : start + length])
        data = data[start + length :]
    if data:
        raise ValueError("not DER alone")
    return contents


def key_from_pem(text: bytes) -> Key:
    """The one PEM public key in a text (RFC 7468, RFC 5480), whatever stands around it; else Failure or ValueError."""
    blocks = PEM.findall(text)
    one = len(blocks) == text.count(b"-----BEGIN PUBLIC KEY-----") == 1 and len(text) <= 1 << 20
    need(one, "key", None, "there is not one PEM public key in at most 1 MiB")
    data = unbase64(b"".join(blocks[0].split()).decode("ascii"), "key", "the PEM text")
    algorithm, bits = der(der(data, 0x30)[0], 0x30, 0x03)
    if (curve := CURVES.get(algorithm)) is None:
        return None, (0, 0), ""
    p, b, size = curve[1], curve[2], (curve[1].bit_length() + 7) // 8
    x, y = int.from_bytes(bits[2 : 2 + size], "big"), int.from_bytes(bits[2 + size :], "big")
    if compressed := bits[:2] in (b"\0\2", b"\0\3"):
        y = pow(x**3 - 3 * x + b, (p + 1) // 4, p)  # a square root, as p is 3 modulo 4
        y = y if y % 2 == bits[1] % 2 else p - y
    right = len(bits) == 2 + size * (2 - compressed) and (compressed or bits[:2] == b"\0\4")
    need(right and max(x, y) < p and (x**3 - 3 * x + b - y * y) % p == 0, "key", None, "not a point of its curve")
    whole = b"\0\4" + x.to_bytes(size, "big") + y.to_bytes(size, "big")  # what a fingerprint is of
    for tag, before in ((b"\x03", b""), (b"\x30", bytes([0x30, len(algorithm)]) + algorithm)):
        whole = before + whole
        whole = tag + b"\x81" * (len(whole) > 0x7F) + bytes([len(whole)]) + whole
    lines = re.findall(".{1,64}", base64.b64encode(whole).decode("ascii"))
    pem = "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])
    return curve, (x, y), hashlib.sha256(pem.encode("ascii")).hexdigest()


def add(first: Point, second: Point, p: int) -> Point:
    """The sum of two points, whatever they are."""
    (x1, y1, z1), (x2, y2, z2) = first, second
    if z1 == 0 or z2 == 0:
        return second if z1 == 0 else first
    zz1, zz2 = z1 * z1 % p, z2 * z2 % p
    u, s = x1 * zz2 % p, y1 * zz2 * z2 % p
    h, r = (x2 * zz1 - u) % p, (y2 * zz1 * z1 - s) % p
    if h == 0 and r != 0:
        return 1, 1, 0
    if h == 0:
        u, m = 4 * x1 * y1 * y1 % p, 3 * (x1 - zz1) * (x1 + zz1) % p
        x = (m * m - 2 * u) % p
        return x, (m * (u - x) - 8 * y1**4) % p, 2 * y1 * z1 % p
    hh, hhh = h * h % p, h * h * h % p
    x = (r * r - hhh - 2 * u * hh) % p
    return x, (r * (u * hh - x) - s * hhh) % p, z1 * z2 * h % p


def ecdsa_holds(curve: Curve, key: tuple[int, int], message: bytes, signature: bytes) -> bool:
    """Whether a signature is strict DER and holds (FIPS 186-5 section 6.4.2); no hash is longer than its curve's n."""
    try:
        numbers = der(der(signature, 0x30)[0], 0x02, 0x02)
    except ValueError:
        return False
    hash_name, p, _, n, x, y = curve
    r, s = (int.from_bytes(number, "big", signed=True) for number in numbers)
    if not (0 < r < n and 0 < s < n) or any(len(a) != b.bit_length() // 8 + 1 for a, b in zip(numbers, (r, s))):
        return False
    digest = int.from_bytes(hashlib.new(hash_name, message).digest(), "big")
    u1, u2 = digest * pow(s, -1, n) % n, r * pow(s, -1, n) % n
    total, *table = (1, 1, 0), (1, 1, 0), (x, y, 1), (*key, 1), add((x, y, 1), (*key, 1), p)
    for bit in reversed(range(n.bit_length())):  # u1 times the base point and u2 times the key, at once
        total = add(total, total, p)
        total = add(total, table[(u1 >> bit & 1) + 2 * (u2 >> bit & 1)], p)
    return total[2] != 0 and total[0] * pow(total[2], -2, p) % p % n == r


def signed_payload(data: bytes, key: Key, warned: Warnings) -> bytes:
    """Stages bundle, material, envelope, key, signature: the payload that `key` signed, of which nothing is read."""
    (curve, point, fingerprint), bundle = key, parse_json(data, "bundle")
    check_shape(bundle, BUNDLE, "the bundle")
    media, kind = "application/vnd.dev.sigstore.bundle", bundle["mediaType"]
    clause = "REF-BUNDLE-03" if re.fullmatch(re.escape(media) + r"\+json;version=0\.[12]", kind) else "OMS-8.1-01"
    need(kind in (f"{media}.v0.3+json", f"{media}+json;version=0.3"), "bundle", clause, f"mediaType {show(kind)}")
    material = bundle.get("verificationMaterial", {})
    kinds = [kind for kind in ("publicKey", "x509CertificateChain", "certificate") if kind in material]
    need(kinds, "material", "OMS-4-01", "there is no verification material")
    need(len(kinds) == 1, "material", "BUNDLE-02", f"there are {' and '.join(kinds)}")
    need(kinds == ["publicKey"], "material", "OMS-11.1-08", f"{kinds[0]} is another method's material")
    claims = [material["publicKey"][name] for name in ("hint", "rawBytes") if name in material["publicKey"]]
    need(claims, "material", "OMS-11.1-02", "publicKey has neither hint nor rawBytes")
    if "rawBytes" in material["publicKey"]:
        claims[-1] = hashlib.sha256(unbase64(claims[-1], "bundle", "rawBytes", "OMS-4-01")).hexdigest()
        warned["old-raw-key"] = "the bundle has the key itself instead of its fingerprint"
    unread = material.get("tlogEntries") or material.get("timestampVerificationData", {}).get("rfc3161Timestamps")
    warned |= {"unchecked-material": "log entries or timestamps are not checked for a key"} if unread else {}
    text, kind, signatures = (bundle["dsseEnvelope"][name] for name in ("payload", "payloadType", "signatures"))
    need(kind == "application/vnd.in-toto+json", "envelope", "INTOTO-01", f"payloadType {show(kind)}")
    need(signatures, "envelope", "DSSE-03", "there is no signature")
    need(len(signatures) == 1, "envelope", "BUNDLE-01", f"there are {len(signatures)} signatures")
    payload = unbase64(text, "envelope", "payload")
    signature = unbase64(signatures[0]["sig"], "envelope", "sig")
    need(curve, "key", "OMS-REG-04", "the given key is not an ECDSA key on P-256, P-384 or P-521")
    need({*claims} == {fingerprint}, "key", "REF-KEY-01", f"the bundle is for {show(claims[-1])}, not {fingerprint}")
    pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode("ascii"), len(payload), payload)
    need(curve and ecdsa_holds(curve, point, pae, signature), "signature", "DSSE-01", "the signature does not hold")
    return payload


def check_statement(payload: bytes) -> tuple[str, Any]:
    """Stage statement: the root digest and the predicate, which is unread."""
    stage, value = "statement", parse_json(payload, "statement")
    need(isinstance(value, dict), stage, "OMS-5-01", "the payload is no object")
    kind, predicate_type, subjects = value.get("_type"), value.get("predicateType"), value.get("subject")
    need(kind == "https://in-toto.io/Statement/v1", stage, "OMS-8.3-02", f"_type {show(kind)}")
    need(predicate_type == "https://model_signing/signature/v1.0", stage, "OMS-8.3-03", show(predicate_type))
    need(isinstance(subjects, list) and len(subjects) == 1, stage, "OMS-6.5-01", "there is not just one subject")
    name, digest = (subjects[0].get(x) if isinstance(subjects[0], dict) else None for x in ("name", "digest"))
    root = digest.get("sha256") if isinstance(digest, dict) else None
    need(re.fullmatch('"[0-9a-f]{64}"', json.dumps(root)), stage, "OMS-6.5.1-02", "the subject has no SHA-256 in hex")
    need(isinstance(name, str) and name, stage, "REF-STATEMENT-01", "the subject has no name")
    return str(root), value.get("predicate")


def check_predicate(predicate: Any, options: Options, excused: set[str], warned: Warnings) -> Manifest:
    """Stage predicate: what is signed, names as they stand; recorded ignored paths are added to those `excused`."""
    stage, known = "predicate", {"method", "hash_type", "shard_size", "allow_symlinks", "ignore_paths"}
    need(isinstance(predicate, dict), stage, "OMS-8.3-04", "the predicate is no object")
    values, how = (predicate.get(name) for name in ("resources", "serialization"))
    need(isinstance(values, list) and isinstance(how, dict), stage, "OMS-5.2-01", "no resources or no serialization")
    method, hash_type, size, links = (how.get(x) for x in ("method", "hash_type", "shard_size", "allow_symlinks"))
    ignored = how.get("ignore_paths", [])
    need(isinstance(links, bool), stage, "OMS-5.2.2-05", "allow_symlinks is neither true nor false")
    right = isinstance(ignored, list) and all(isinstance(path, str) for path in ignored)
    need(right, stage, "OMS-5.2.2-06", "ignore_paths is no list of strings")
    unknown = min((predicate.keys() - {"resources", "serialization"}) | (how.keys() - known), default=None)
    need(unknown is None, stage, "REF-PREDICATE-01", f"the unknown member {show(unknown)}")
    need(method in ("files", "shards"), stage, "OMS-5.2.2-01", f"method {show(method)}")
    need(isinstance(hash_type, str) and hash_type in HASHES, stage, "OMS-5.2.2-02", f"hash_type {show(hash_type)}")
    need(method == "shards" or "shard_size" not in how, stage, "OMS-5.2.2-04", "shard_size with the method files")
    if method == "shards":
        need(type(size) in (int, float) and size >= 1 and size % 1 == 0, stage, "OMS-5.2.2-03", "no right shard_size")
        need(size < 2**53, stage, "REF-PREDICATE-02", "shard_size is over 2^53-1")
        warned |= {"old-float-shard-size": f"shard_size is written as {size}"} if isinstance(size, float) else {}
        size = int(size)
    pairs = check_lists(values, ignored, hash_type, size, warned)
    excused.update(ignored)
    wanted = (options.hash_algorithm or hash_type, options.shard_size or size)
    need(wanted == (hash_type, size), stage, "REF-PREDICATE-03", f"signed are {(hash_type, size)}, wanted {wanted}")
    return hash_type, size, links, pairs


def check_lists(values: Any, ignored: Any, hash_type: str, size: int | None, warned: Warnings) -> list[tuple[str, str]]:
    """Check the recorded ignored paths and the resources, and give the names and digests of these."""
    stage, digits = "predicate", f'"[0-9a-f]{{{HASHES[hash_type]}}}"'
    old = f"{hash_type}-sharded-{size}" if size else hash_type
    for path in ignored:
        clause, detail = name_fault(path), f"ignore_paths has {show(path)}"
        need(not re.search("[*?[]", path), stage, "OMS-6.2.1-01", detail, path)
        need(clause != "OMS-6.1.2-03", stage, "OMS-6.2.1-02", detail, path)
        need(clause is None, stage, "REF-IGNORE-01", detail, path)
    warned |= {"repeated-ignored-path": "ignore_paths has one twice"} if len(set(ignored)) < len(ignored) else {}
    need(values, stage, "OMS-5.2.1-04", "there are no resources")
    for item in values:
        name, kind, digest = (item.get(x) if isinstance(item, dict) else None for x in ("name", "algorithm", "digest"))
        need(isinstance(name, str), stage, "OMS-5.2.1-01", "a resource is no object with a name")
        need(isinstance(kind, str), stage, "OMS-5.2.1-03", f"{show(name)} has no algorithm", name)
        need(re.fullmatch(digits, json.dumps(digest)), stage, "OMS-5.2.1-02", f"{show(name)} has no {digits}", name)
    kinds = {value["algorithm"] for value in values}
    other = min(kinds - {hash_type}, default=hash_type)
    clause = "OMS-7-01" if other not in HASHES else "OMS-6.3.2-07" if size else "REF-PREDICATE-04"
    need(kinds in ({hash_type}, {old}), stage, clause, f"algorithm {show(other)} is not {hash_type}")
    warned |= {"old-shard-algorithm": f"algorithm is {old}, not {hash_type}"} if other != hash_type else {}
    return [(value["name"], value["digest"]) for value in values]


def name_fault(name: str) -> str | None:
    """The clause that forbids `name` as a path in a model, if one does."""
    return next((clause for clause, fault in NAME_FAULTS.items() if re.search(fault, name)), None)


def place(name: str, size: int) -> tuple[str, int, int | None]:
    """The path, start and end in the name of a shard; beyond 19 digits, more shards than can be would precede it."""
    path, *bounds = name.rsplit(":", 2)
    right = len(bounds) == 2 and all(re.fullmatch("0|[1-9][0-9]*", bound) for bound in bounds)
    need(right, "names", "OMS-6.3.2-08", f"{show(name)} is not <path>:<start>:<end>", name)
    start, end = (int(bound[:20]) for bound in bounds)
    right = start % size == 0 and 0 < end - start <= size and end < 2**63
    need(right, "names", "OMS-6.3.2-04", f"{show(name)} is no shard of {size} bytes", name)
    return path, start, end


def check_names(pairs: list[tuple[str, str]], size: int | None, single: str | None, warned: Warnings) -> list[Resource]:
    """Stage names: the resources of names and digests; `single` is the name of a model that is a file."""
    resources = [(*(place(name, size) if size else (name, 0, None)), digest, name) for name, digest in pairs]
    names, paths = [name for name, _ in pairs], {path for path, *_ in resources}
    for path, *_, name in resources if paths != {"."} or single is None else ():
        clause = name_fault(path)
        need(clause is None, "names", clause, f"{show(name)} is not canonical", name)
    for before, name in zip(sorted(names), sorted(names)[1:]):
        need(before != name, "names", "REF-NAMES-03", f"{show(name)} is listed twice", name)
    if names != sorted(names):
        wrong = next(name for name, right in zip(names, sorted(names)) if name != right)
        right = resources == sorted(resources, key=lambda resource: (resource[0].split("/"), resource[1:]))
        need(right, "names", "OMS-5.2.1-05", f"{show(wrong)} is out of order", wrong)
        warned["old-order"] = "names are in the order of path components"
    reached = dict.fromkeys(paths, 0)
    for path, start, end, _, name in sorted(resources) if size else ():
        need(start == reached[path], "names", "OMS-6.3.2-04", f"a gap or overlap before {show(name)}", name)
        reached[path] = end or 0
    folded = {unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold()) for path in paths}
    warned |= {"lookalike-names": "names differ only in case or normalisation"} if len(folded) < len(paths) else {}
    if paths == {"."} and single:
        warned["old-dot"] = "the single file is named '.'"
        resources = [(single, *resource[1:]) for resource in resources]
    return resources


class Tree(NamedTuple):
    """A model: path, name if one file, the bundle's names, clause that forbids links or ""; what is in it, by name."""

    model: str
    single: str | None
    own: set[str]
    links: str
    files: dict[str, os.stat_result]
    folders: dict[str, os.stat_result]
    problems: list[Failure]
    warned: Warnings


@contextlib.contextmanager
def opened(tree: Tree, path: str) -> Iterator[Any]:
    """A descriptor of a file or folder, reached one folder at a time, or None for a folder that can't have one."""
    inner = [] if path in ("", tree.single) else os.fsdecode(path.encode("utf-8", "surrogateescape")).split("/")
    here, flags = None, READ | (NO_FOLLOW if tree.links else 0)
    try:
        for name in [tree.model, *inner] if BY_DESCRIPTOR else [os.path.join(tree.model, *inner)][: path in tree.files]:
            above, here = here, os.open(name, flags, dir_fd=here)
            if above is not None:
                os.close(above)
        yield here
    except OSError as error:
        detail = f"{show(path)} can't be read: {error.strerror}"
        raise Failure("rejected", "files", "REF-FILES-02", detail, path) from None
    finally:
        if here is not None:
            os.close(here)


def look(tree: Tree, folder: int | None, name: str, path: str) -> None:
    """Put `path`, which is `name` in an open folder, into the tree as a file or folder, or say why it is neither."""
    if path in tree.own:
        return
    need("\\" not in path, "files", "REF-NAMES-02", f"{show(path)} has a backslash", path)
    need(path.encode("utf-8", "ignore").decode() == path, "files", "OMS-6.1.2-09", f"{show(path)} is not UTF-8", path)
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        clause, real = tree.links if path else "REF-FILES-05", os.path.realpath(os.path.join(tree.model, path))
        need(not tree.links, "files", clause, f"{show(path)} is a symbolic link", path)
        if os.path.relpath(real, os.path.realpath(tree.model)).split(os.sep)[0] == "..":
            tree.warned["link-outside"] = f"links lead out of the model, {show(path)} among them"
        need(os.path.exists(real), "files", "REF-FILES-04", f"{show(path)} is a link that leads nowhere", path)
        status = os.stat(name, dir_fd=folder)
    regular = stat.S_ISREG(status.st_mode)
    need(regular or stat.S_ISDIR(status.st_mode), "files", "REF-FILES-01", f"{show(path)} is a special file", path)
    cycle = any(os.path.samestat(status, tree.folders[x]) for x in ("", *parents(path)) if x in tree.folders)
    need(not cycle, "files", "REF-FILES-03", f"{show(path)} leads back to a folder above it", path)
    (tree.files if regular else tree.folders)[path or (tree.single or "")] = status


def walk(tree: Tree) -> None:
    """Find all that is in a model, without opening any file. What fails is kept as a problem."""
    look(tree, None, tree.model, "")
    todo = list(tree.folders)
    while todo:
        prefix = todo.pop()
        try:
            with opened(tree, prefix) as folder:
                for name in sorted(os.listdir(os.path.join(tree.model, prefix) if folder is None else folder)):
                    path = (prefix and f"{prefix}/") + os.fsencode(name).decode("utf-8", "surrogateescape")
                    try:
                        look(tree, folder, os.path.join(tree.model, path) if folder is None else name, path)
                    except Failure as problem:
                        tree.problems.append(problem)
                    todo += [path] if path in tree.folders else []
        except Failure as problem:
            tree.problems.append(problem)


def parents(path: str) -> Iterator[str]:
    """The folders that a name lies in and the name itself; of a name longer than any path only the name."""
    return accumulate(path.split("/"), "{}/{}".format) if len(path) < 4096 else iter([path])


def check_files(tree: Tree, listed: list[str], excused: set[str], unsigned: bool, size: int | None) -> None:
    """Stage files: what is refused, then missing, then extra, but for the `excused`, then unreadable."""
    needed = {""} | {above for path in listed for above in parents(path)}
    for problem in sorted(tree.problems, key=attrgetter("path")):
        path, unlisted = problem.path or "", problem.path not in needed
        clause = "REF-FILES-07" if unlisted and problem.clause == "OMS-6.1.1-07" else problem.clause
        right = unlisted and (unsigned or excused.intersection(parents(path)))
        need(right, "files", clause, problem.detail, path)
    for path in listed:
        need(path in tree.files, "files", "OMS-8.4-01", f"{show(path)} is missing", path)
    for path in sorted(tree.files.keys() - set(listed)):
        empty, ignored = size is not None and tree.files[path].st_size == 0, excused.intersection(parents(path))
        need(unsigned or empty or ignored, "files", "OMS-8.5-01", f"{show(path)} is not signed", path)
        if empty and not ignored:
            tree.warned["zero-byte-files"] = f"empty files are in no shard, so unchecked, {show(path)} among them"
    for path in listed:
        with opened(tree, path):
            pass


def check_digests(tree: Tree, resources: list[Resource], hash_type: str) -> None:
    """Stage digest: in shard mode all sizes, then all contents, of which nothing past the size found is read."""
    by_path = {path: list(parts) for path, parts in groupby(sorted(resources), itemgetter(0))}
    for path, parts in by_path.items():
        size, end = tree.files[path].st_size, parts[-1][2]
        need(end in (None, size), "digest", "OMS-8.4-01", f"{show(path)} has {size} bytes, not {end}", path)
    for path, parts in by_path.items():
        found, wrong, same = tree.files[path], False, True
        with opened(tree, path) as file:
            for _, start, end, expected, _ in parts:
                digest, left = hashlib.new(hash_type), (end or found.st_size) - start
                while left and same:
                    data = os.read(file, min(left, 1 << 20))
                    digest.update(data)
                    left, same = left - len(data), data != b""
                wrong = wrong or digest.hexdigest() != expected
            same = same and IDENTITY(os.fstat(file)) == IDENTITY(found)
        need(same, "digest", "REF-DIGEST-01", f"{show(path)} changed while it was read", path)
        need(not wrong, "digest", "OMS-8.4-01", f"the contents of {show(path)} are not the signed ones", path)


def name_in(model: str, path: str) -> str:
    """The name of a path in a model, as it is or with the folders above it resolved; empty if it is not in there."""
    folder, last = os.path.split(os.path.abspath(path))
    pairs = (path, model), (os.path.join(os.path.realpath(folder), last), os.path.realpath(model))
    name = next((name for name in starmap(os.path.relpath, pairs) if name.split(os.sep)[0] not in (".", "..")), "")
    return os.fsencode(name.replace(os.sep, "/")).decode("utf-8", "surrogateescape")


def prepare(model: str, signature: str, public_key: str, options: Options) -> tuple[Key, bytes, set[str], set[str]]:
    """The key, the bundle or the start of one too long, its names, what the caller excuses; else no verdict."""
    try:
        need(os.path.lexists(model) and os.path.isfile(signature), "bundle", None, "no model, or the bundle is no file")
        with open(public_key, "rb") as key_file, open(signature, "rb") as bundle_file:
            key, data = key_from_pem(key_file.read((1 << 20) + 1)), bundle_file.read(options.max_bundle_bytes + 1)
        ignored = {name_in(model, path) for path in options.ignore_paths}
        need("" not in ignored, "files", None, f"not all are in the model: {', '.join(options.ignore_paths)}")
        git = {".git", ".gitattributes", ".github", ".gitignore"} if options.ignore_git_paths else set()
        return key, data, {name_in(model, signature), name_in(model, os.path.realpath(signature))} - {""}, ignored | git
    except (OSError, ValueError, Failure) as error:
        raise Failure("none", None, None, f"an input can't be used: {show(str(error))}") from None


def verify(model: str, signature: str, public_key: str, options: Options, warned: Warnings) -> None:
    """Verify a model, a bundle and a PEM key, given as paths. Fills `warned`; raises Failure unless all is well."""
    key, data, own, excused = prepare(model, signature, public_key, options)
    need(len(data) <= options.max_bundle_bytes, "bundle", "REF-BUNDLE-01", "the bundle has more bytes than allowed")
    root_digest, predicate = check_statement(signed_payload(data, key, warned))
    hash_type, size, links, pairs = check_predicate(predicate, options, excused, warned)
    model = model.rstrip("/") or "/"  # "link/" is the link
    single = os.path.basename(os.path.abspath(model)) if os.path.isfile(model) else None
    resources = check_names(pairs, size, single, warned)
    digest = hashlib.sha256(b"".join(bytes.fromhex(digest) for _, digest in pairs)).hexdigest()
    need(digest == root_digest, "root-digest", "OMS-6.5.1-01", f"the root digest is {digest}, not {root_digest}")
    forbidden = "OMS-6.1.1-07" if not links else "" if options.allow_symlinks else "REF-FILES-06"
    tree = Tree(model, single, own, forbidden, {}, {}, [], warned)
    walk(tree)
    check_files(tree, sorted({path for path, *_ in resources}), excused, options.ignore_unsigned_files, size)
    if hash_type == "blake3":
        raise Failure("unsupported", "unsupported", "OMS-REG-03", "blake3 is not available here")
    check_digests(tree, resources, hash_type)


def parse(words: list[str]) -> argparse.Namespace:
    """The command line; `_` in the name of an option is as good as `-`."""

    def fail(message: str) -> NoReturn:
        raise Failure("none", None, None, show(message))

    parser = argparse.ArgumentParser("standalone.py", description="Verify an OMS v1.0 key bundle.", allow_abbrev=False)
    parser.error = fail  # type: ignore[method-assign]
    for name in ("--public-key", "--signature"):
        parser.add_argument(name, required=True)
    for name in ("--allow-symlinks", "--ignore-unsigned-files", "--json"):
        parser.add_argument(name, action="store_true")
    for name, most in (("--shard-size", None), ("--max-bundle-bytes", 256 << 20)):
        parser.add_argument(name, type=lambda text: max(int(text), 0) or fail(text), default=most)
    parser.add_argument("--ignore-paths", action="append", default=[])
    parser.add_argument("--ignore-git-paths", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--hash-algorithm", choices=sorted(HASHES))
    parser.add_argument("model", metavar="MODEL")
    end = (*words, "--").index("--")
    dashed = [re.sub("^--[^=]*", lambda match: match[0].replace("_", "-"), word) for word in words[:end]]
    return parser.parse_args(dashed + words[end:])


def main(words: list[str]) -> int:
    """Run the command line and give the exit status."""
    warned: Warnings = {}
    result = Failure("accepted", None, None, "verified")
    try:
        arguments = parse(words)
        options = Options(**{name: getattr(arguments, name) for name in Options._fields})
        verify(arguments.model, arguments.signature, arguments.public_key, options, warned)
    except Failure as failure:
        result = failure
    except (OSError, ValueError, MemoryError, RecursionError) as error:
        result = Failure("none", None, None, type(error).__name__)
    except KeyboardInterrupt:
        return 130
    report = {name: getattr(result, name) for name in ("verdict", "stage", "clause", "detail", "path")}
    notes = [{"code": code, "detail": detail} for code, detail in warned.items()]
    lines = [str(result)] if result.verdict != "accepted" else [f"warning: {warned[code]} [{code}]" for code in warned]
    with contextlib.suppress(OSError):
        print(*lines, sep="\n", end="\n" * bool(lines), file=sys.stderr, flush=True)
        print(json.dumps({**report, "warnings": notes}) + "\n" if "--json" in words else "", end="", flush=True)
    return STATUS[result.verdict]


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))  # all is flushed, and nothing is left to say to a closed pipe
