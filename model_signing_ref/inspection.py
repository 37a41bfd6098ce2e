"""The layers of a bundle, shown and never judged: whatever can be read, and where and why readers stop.

The package's own readers are asked first, and what they say is said here in their words. Where one of them
stops, a lenient reading goes on, so that the layers below are shown too. Nothing is verified.

The module is not called inspect: a file of that name beside standalone.py, which is also run as a script, would
stand in for the module of the standard library.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from . import dsse, strictjson
from .bundle import MEDIA_TYPES, METHODS, Bundle, read_bundle
from .errors import BundleRejected, Note, Rejection, RootDigestRejected, StatementRejected, quote
from .manifest import Manifest, check_names, root_digest
from .statement import read_statement
from .strictjson import JSON, MAX_DEPTH

PREVIEW = 32  # bytes shown of any that are longer
PAE_PREVIEW = 56  # which begins with the type and the length
MOST_PARTS = 32  # certificates, log entries, signatures and the like that are shown of one kind
MENDABLE = 16 << 20  # characters of broken JSON in which an end is looked for
MOST_VALUES = 1 << 24  # of JSON in a payload; a million resources have a quarter of them
SHOWN = 20  # resources shown unless asked for more

NO_VERDICT = "shown, not verified: nothing here says whether the signature holds"

Value = TypeVar("Value")


class Stop(NamedTuple):
    """Where a reader of this package stops, as its rejection says it."""

    stage: str
    clause: str
    detail: str

    def __str__(self) -> str:
        return f"{self.stage}: {self.detail} [{self.clause}]"


class Field(NamedTuple):
    """One fact: a value of JSON (in a list, strings), the bytes it was read from, and the clause that asks for it."""

    name: str
    value: JSON
    bytes: str = ""
    clause: str = ""


class Layer(NamedTuple):
    """One layer with what it holds, in its order; names of layers side by side differ."""

    name: str
    fields: tuple[Field, ...] = ()
    layers: tuple[Layer, ...] = ()
    stops: tuple[Stop, ...] = ()


class Row(NamedTuple):
    """A resource as it is listed; a member that is not a string is shown as JSON."""

    name: str
    algorithm: str
    digest: str


class Inspection(NamedTuple):
    """All that can be shown of a bundle; `stops` are those of all layers, the first reader's first."""

    layer: Layer
    stops: tuple[Stop, ...]
    notes: tuple[Note, ...]
    rows: list[Row]
    manifest: Manifest | None


class Walk:
    """What is found on the way through the layers."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.stops: list[Stop] = []
        self.notes: list[Note] = []
        self.rows: list[Row] = []
        self.manifest: Manifest | None = None

    def attempt(self, read: Callable[[], Value]) -> tuple[Value | None, tuple[Stop, ...]]:
        """What `read` gives, or where it stops, which is noted."""
        try:
            return read(), ()
        except Rejection as error:
            stop = Stop(error.stage, error.clause, error.detail)
        if stop not in self.stops:
            self.stops.append(stop)
        return None, (stop,)

    def warn(self, note: Note) -> None:
        """Note what is old or odd."""
        if note not in self.notes:
            self.notes.append(note)

    def odd(self, code: str, detail: str) -> None:
        """The same in words."""
        self.warn(Note(code, detail))

    def decode(self, text: JSON, what: str) -> bytes:
        """The bytes of base64, leniently; a warning says what is not strict about it."""
        if type(text) is not str:
            return b""
        try:
            return dsse.decode_base64(text)
        except ValueError as error:
            self.odd("odd-base64", f"{what} is not strict base64: {error.args[0]} [{error.args[1]}]")
            return lenient_base64(text)


def inspect_bundle(data: bytes) -> Inspection:
    """Every layer of the bundle in `data`, as far as it can be read. Raises nothing for what is wrong with it."""
    walk = Walk()
    strict, stops = walk.attempt(lambda: read_bundle(data))
    value = lenient_json(data, checked=strict is not None)
    fields = [
        Field("file size", len(data), clause="REF-BUNDLE-01"),
        Field("file SHA-256", hashlib.sha256(data).hexdigest(), preview(data), "JSON-01"),
    ]
    layers: list[Layer] = []
    if type(value) is dict:
        fields += members(value, {"mediaType": "OMS-8.1-01"}, ("verificationMaterial", "dsseEnvelope"), "REF-BUNDLE-02")
        layers += _layers(value, strict, walk)
    else:
        fields.append(Field("content", described(value), clause="OMS-4-01"))
    own = tuple(stop for stop in stops if stop.stage == BundleRejected.stage)
    layer = Layer("bundle", tuple(fields), tuple(layers), own)
    return Inspection(layer, tuple(walk.stops), tuple(walk.notes), walk.rows, walk.manifest)


def _layers(value: dict[str, JSON], strict: Bundle | None, walk: Walk) -> Iterator[Layer]:
    """Verification material and envelope, if they are there."""
    from .inspection_material import material_layer

    media_type = value.get("mediaType")
    if media_type in MEDIA_TYPES[1:] or (media_type not in MEDIA_TYPES and type(media_type) is str):
        walk.odd("odd-media-type", f"the media type {quote(media_type)} is not the current one")
    envelope = value.get("dsseEnvelope")
    payload = strict.envelope.payload if strict else walk.decode(part(envelope, "payload"), "the payload")
    signatures = part(envelope, "signatures")
    signature = part(signatures[0], "sig") if type(signatures) is list and signatures else None
    if "verificationMaterial" in value:
        content = value["verificationMaterial"]
        kind = next((kind for kind in METHODS if kind in content), "") if type(content) is dict else ""
        yield material_layer(content, kind, lenient_base64(signature) if type(signature) is str else b"", walk)
    if "dsseEnvelope" in value:
        value["dsseEnvelope"] = None  # a large text, from here on held by the caller alone
        yield _envelope_layer(envelope, payload, walk)


# The envelope


def _envelope_layer(value: JSON, payload: bytes, walk: Walk) -> Layer:
    if type(value) is not dict:
        return Layer("DSSE envelope", (Field("content", described(value), clause="OMS-4-01"),))

    def read() -> dsse.Envelope:
        clause = "OMS-4-01"
        strictjson.check(value, dsse.ENVELOPE_SHAPE, "bundle.dsseEnvelope", BundleRejected, clause=clause)
        return dsse.read_envelope(value)

    _, stops = walk.attempt(read)
    text, signatures = value.get("payload"), value.get("signatures")
    kind = value.get("payloadType")
    fields = members(value, {"payloadType": "INTOTO-01"}, ("payload", "signatures"), "DSSE-04")
    if "payload" in value:
        size = f"{len(payload)} bytes" if type(text) is str else described(text)
        fields.append(Field("payload", size, preview(payload), "OMS-5-01"))
    listed = signatures if type(signatures) is list else []
    fields.append(Field("signatures", len(listed), clause="BUNDLE-01"))
    value["payload"] = text = None
    layers = [_signature_layer(number, each, walk) for number, each in enumerate(listed[:MOST_PARTS], 1)]
    if payload:
        statement, is_old = _statement_layer(payload, walk)
        layers.append(_pae_layer(kind if type(kind) is str else "", payload, statement, is_old))
    return Layer("DSSE envelope", tuple(fields), tuple(layers), stops)


def _signature_layer(number: int, value: JSON, walk: Walk) -> Layer:
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    name = f"signature {number}"
    if type(value) is not dict:
        return Layer(name, (Field("content", described(value), clause="OMS-4-01"),))
    fields = members(value, {"keyid": "OMS-4.1-11"}, ("sig",), "DSSE-04")
    raw = walk.decode(value.get("sig"), name)
    fields.append(Field("sig", f"{len(raw)} bytes", preview(raw), "DSSE-01"))
    try:
        numbers = decode_dss_signature(raw)
        fields += [Field(letter, f"{each:x}", clause="DSSE-01") for letter, each in zip("rs", numbers)]
    except ValueError:
        fields.append(Field("encoding", "not the DER of an ECDSA signature", clause="DSSE-01"))
        walk.odd("odd-signature", f"{name} is not the DER of an ECDSA signature")
    if "keyid" in value and value["keyid"] is None:
        from . import compat

        compat.note_null_keyid(walk.warn)
    return Layer(name, tuple(fields))


def _pae_layer(kind: str, payload: bytes, statement: Layer, is_old: bool) -> Layer:
    """The bytes that are signed, with the statement in them."""
    from . import compat

    text = kind.encode("utf-8", "replace").decode("utf-8")
    signed = compat.pae_v02(text, payload) if is_old else dsse.pae(text, payload)
    fields = (
        Field("length", len(signed), clause="DSSE-01"),
        Field("SHA-256", hashlib.sha256(signed).hexdigest(), clause="DSSE-01"),
        Field("first bytes", signed[:PAE_PREVIEW].decode("utf-8", "replace"), preview(signed, PAE_PREVIEW), "DSSE-01"),
    )
    return Layer("pre-authentication encoding (PAE)", fields, (statement,))


# The statement


def _statement_layer(payload: bytes, walk: Walk) -> tuple[Layer, bool]:
    """The statement, and whether it is one of version 0.2.0."""
    from . import compat

    if values_in(payload) > MOST_VALUES:
        walk.odd("too-many-values", f"the payload has more than {MOST_VALUES} values, and is not read [REF-JSON-04]")
        return Layer("statement", (Field("payload", "not read", preview(payload), "REF-JSON-04"),)), False
    is_old = compat.V02_PREDICATE_TYPE.encode() in payload
    is_old = is_old and part(lenient_json(payload), "predicateType") == compat.V02_PREDICATE_TYPE
    read = compat.read_v02_statement if is_old else read_statement
    walk.manifest, stops = walk.attempt(lambda: read(payload, walk.warn))
    value = lenient_json(payload, checked=walk.manifest is not None)
    fields = [Field("payload", described(value), preview(payload), "OMS-5-01")]
    of_statement = tuple(stop for stop in stops if stop.stage == StatementRejected.stage)
    layers = []
    if type(value) is dict:
        clauses = {"_type": "OMS-8.3-02", "predicateType": "OMS-8.3-03"}
        fields += members(value, clauses, ("subject", "predicate"), "INTOTO-02")
        fields += _subject_fields(value.get("subject"))
        listed = value.get("subject") if is_old else part(value.get("predicate"), "resources")
        walk.rows = [_row(each) for each in listed] if type(listed) is list else []
        if "predicate" in value:
            others = tuple(stop for stop in stops if stop not in of_statement)
            layers.append(_predicate_layer(value["predicate"])._replace(stops=others))
    layers.append(_resources_layer(_subject_digest(part(value, "subject")), walk))
    return Layer("statement", tuple(fields), tuple(layers), of_statement), is_old


def _subject_fields(value: JSON) -> Iterator[Field]:
    if type(value) is not list or len(value) != 1:
        yield Field("subject", described(value), clause="OMS-6.5-01")
        return
    yield Field("subject name", plain(part(value[0], "name")), clause="REF-STATEMENT-01")
    digests = part(value[0], "digest")
    for name, digest in list(digests.items())[:MOST_PARTS] if type(digests) is dict else ():
        yield Field(f"subject digest {name}", plain(digest), clause="OMS-6.5.1-02")


def _subject_digest(value: JSON) -> JSON:
    return part(part(value[0], "digest"), "sha256") if type(value) is list and len(value) == 1 else None


def _predicate_layer(value: JSON) -> Layer:
    if type(value) is not dict:
        return Layer("predicate", (Field("content", described(value), clause="OMS-8.3-04"),))
    fields = members(value, {}, ("resources", "serialization"), "REF-PREDICATE-01")
    clauses = {"method": "OMS-5.2.2-01", "hash_type": "OMS-5.2.2-02", "shard_size": "OMS-5.2.2-03"}
    clauses |= {"allow_symlinks": "OMS-5.2.2-05", "ignore_paths": "OMS-5.2.2-06"}
    content = value.get("serialization")
    layers = []
    if type(content) is dict:
        layers = [Layer("serialization", tuple(members(content, clauses, unknown="REF-PREDICATE-01")))]
    elif "serialization" in value:
        layers = [Layer("serialization", (Field("content", described(content), clause="OMS-5.2-01"),))]
    return Layer("predicate", tuple(fields), tuple(layers))


def _row(value: JSON) -> Row:
    if type(value) is dict:
        name, algorithm, digest = value.get("name"), value.get("algorithm"), value.get("digest")
        if isinstance(name, str) and isinstance(algorithm, str) and isinstance(digest, str):
            return Row(name, algorithm, digest)
    digest = part(value, "digest")
    algorithm = part(value, "algorithm")
    if type(digest) is dict and len(digest) == 1:  # a subject of version 0.2.0
        algorithm, digest = next(iter(digest.items()))
    name = part(value, "name")
    return Row(*(each if type(each) is str else described(each) for each in (name, algorithm, digest)))


def _resources_layer(subject: JSON, walk: Walk) -> Layer:
    """How many resources there are, and what their digests sum up to."""
    rows = walk.rows
    stops: tuple[Stop, ...] = ()
    fields = [Field("count", len(rows), clause="OMS-5.2.1-04")]
    if rows:
        algorithms = sorted({row.algorithm for row in rows})
        fields.append(Field("algorithms", algorithms[:MOST_PARTS], clause="OMS-5.2.1-03"))
    if manifest := walk.manifest:
        _, stops = walk.attempt(lambda: check_names(manifest, walk.warn))
        total = root_digest(manifest.resources)
        fields.append(Field("root digest of the resources", total.hex(), clause="OMS-6.5.1-01"))
        if manifest.model_name:
            _, unlike = walk.attempt(lambda: _compare_roots(manifest, total))
            stops += unlike
            fields.append(Field("is the subject's", total.hex() == subject, clause="OMS-6.5.1-01"))
    odd = [row.name for row in rows if not row.name.isprintable()]
    if odd:
        walk.odd("odd-names", f"{len(odd)} names have characters that do not print, first {quote(odd[0])}")
    return Layer("resources", tuple(fields), stops=stops)


def _compare_roots(manifest: Manifest, total: bytes) -> None:
    if manifest.root_digest != total:
        raise RootDigestRejected("the subject's digest is not that of the resources", clause="OMS-6.5.1-01")


# Lenient reading


def lenient_json(data: bytes, *, checked: bool = False) -> JSON:
    """What JSON there is in `data`: of any that breaks off the part before, None where there is nothing.

    `checked` says that the strict reader has read it.
    """
    if not checked and (values_in(data) > MOST_VALUES or strictjson.nesting(data) > MAX_DEPTH * 4):
        return None
    text = data.decode("utf-8-sig", "replace").lstrip()
    for mend in (str, _mended):
        try:
            return _LENIENT.raw_decode(mend(text))[0]
        except (ValueError, RecursionError):
            continue
    return None


def values_in(data: bytes) -> int:
    """How many values of JSON there are at the most: each costs memory, and those of a bundle are anybody's."""
    return sum(map(data.count, (b",", b"[", b"{")))


def _mended(text: str) -> str:
    """`text` as far as it can be read, a string that breaks off and the brackets that are open there closed."""
    closing, after = "", ""
    best = 0, ""  # where to cut, and what to put there
    for match in _MARKS.finditer(text[:MENDABLE]):
        mark, end = match[0], match.end()
        if mark in ("[", "{"):
            closing = ("]" if mark == "[" else "}") + closing
            best = end, closing
        elif mark in ("]", "}"):
            if not closing.startswith(mark):
                break
            closing = closing[1:]
            best = end, closing
        elif mark == ",":
            best = match.start(), closing
        elif mark == '"' or not mark.endswith((":", '"')):  # a string that breaks off
            best = (end, f'"{closing}') if after == ":" or closing.startswith("]") else best
            break
        after = mark
    return text[: best[0]] + best[1]


# What has a place in the syntax: brackets, separators, whole strings, and one that breaks off, without half an escape.
_MARKS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|"[^"\\]*(?:\\[^u][^"\\]*)*|[\[\]{}:,]', re.DOTALL)


def _number(text: str) -> JSON:
    return int(text) if len(text) <= strictjson.MAX_NUMBER_CHARACTERS else text


_LENIENT = json.JSONDecoder(strict=False, parse_int=_number, parse_constant=str)


def lenient_base64(text: str) -> bytes:
    """The bytes of base64 of either alphabet, whatever else stands in between, and whatever the padding is."""
    import base64

    known = re.sub(r"[^A-Za-z0-9+/]", "", text.replace("-", "+").replace("_", "/"))
    return base64.b64decode(known[: len(known) - (len(known) % 4 == 1)] + "=" * (-len(known) % 4 % 3))


def part(value: JSON, name: str) -> JSON:
    """The member of an object; None where there is none, or no object."""
    return value.get(name) if type(value) is dict else None


def plain(value: JSON) -> JSON:
    """A value that a field can hold: scalars as they are, short lists of strings too, others in words."""
    if type(value) is list and all(type(each) is str for each in value):
        return value if len(value) <= MOST_PARTS else [*value[:MOST_PARTS], f"… {len(value) - MOST_PARTS} more"]
    return described(value) if isinstance(value, (list, dict)) else value


def described(value: JSON) -> str:
    """What a value is, in words."""
    if isinstance(value, dict):
        return f"an object of {len(value)} members"
    if isinstance(value, list):
        return f"an array of {len(value)}"
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)


def members(
    value: Mapping[str, JSON], clauses: Mapping[str, str], elsewhere: Iterable[str] = (), unknown: str = ""
) -> list[Field]:
    """The members of an object as fields, and the names of the others; those shown `elsewhere` should be there.

    `unknown` is the clause about members too many.
    """
    found = [Field(name, plain(value[name]), clause=clause) for name, clause in clauses.items() if name in value]
    if others := [name for name in value if name not in {*clauses, *elsewhere}]:
        found.append(Field("unknown members", plain(others), clause=unknown))
    if absent := [name for name in elsewhere if name not in value]:
        found.append(Field("absent", absent))
    return found


def preview(data: bytes, most: int = PREVIEW) -> str:
    """The first bytes in hex, and how many there are."""
    return data[:most].hex(" ") + (f" … ({len(data)} bytes)" if len(data) > most else "")


# Two bundles


class Difference(NamedTuple):
    """A field that differs; None stands for one that is absent."""

    layer: str
    field: str
    before: JSON
    after: JSON


class Differences(NamedTuple):
    """What differs between two bundles, by layer, and the resources by name."""

    fields: list[Difference]
    added: list[str]
    removed: list[str]
    changed: list[str]


def compare(before: Inspection, after: Inspection) -> Differences:
    """What is in `after` and not in `before`, or the other way round, or other."""
    old, new = dict(_flat(before.layer)), dict(_flat(after.layer))
    keys = [*old, *(key for key in new if key not in old)]
    fields = [Difference(*key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)]
    was, is_now = ({row.name: row for row in each.rows} for each in (before, after))
    return Differences(
        fields,
        sorted(is_now.keys() - was.keys()),
        sorted(was.keys() - is_now.keys()),
        sorted(name for name in was.keys() & is_now.keys() if was[name] != is_now[name]),
    )


def _flat(layer: Layer, above: str = "") -> Iterator[tuple[tuple[str, str], Any]]:
    path = f"{above} / {layer.name}" if above else layer.name
    for field in layer.fields:
        yield (path, field.name), field.value
    for inner in layer.layers:
        yield from _flat(inner, path)


# The model at hand


class Total(NamedTuple):
    """The size in bytes of the files that are listed and there, and how many could not be had."""

    size: int
    files: int
    absent: int


def total_size(inspection: Inspection, model: str) -> Total:
    """How large the listed files are in `model`; names that would lead out of it are not followed.

    Raises OSError and FilesRejected where there is no model.
    """
    from . import digests, tree
    from .manifest import name_fault

    with tree.open_root(model, follow=False) as root:
        names = set(_paths(inspection, root.single))
        listed = sorted(name for name in names if name_fault(name) is None)
        sizes = [size for size in digests.file_sizes(root, listed).values() if isinstance(size, int)]
    return Total(sum(sizes), len(sizes), len(names) - len(sizes))


def _paths(inspection: Inspection, single: str) -> Iterator[str]:
    """The files that the resources name, as far as they can be told."""
    from .manifest import pieces_of

    try:
        yield from (piece.path for piece in pieces_of(inspection.manifest, single)) if inspection.manifest else ()
    except Rejection:
        return
    if inspection.manifest is None:
        yield from (row.name for row in inspection.rows)


# For people


def values(value: Any) -> Sequence[str]:
    """A field's value as lines for people, one at least."""
    if isinstance(value, list):
        return [escape(each) for each in value] or ["(none)"]
    if isinstance(value, str):
        return [escape(value) or "(empty)"]
    if value is None or isinstance(value, bool):
        return ["null" if value is None else "yes" if value else "no"]
    return [escape(json.dumps(value))]


def escape(text: str) -> str:
    """Foreign text for a terminal or a page: one line, without characters that do not print, cut when long."""
    quoted = quote(text)
    if quoted[:1] == quoted[-1:]:
        return quoted[1:-1]
    return quoted[1:].replace(f"{quoted[0]}… (", "… (")


def total_text(total: Total) -> str:
    """The size of the listed files, in words."""
    absent = f"; {total.absent} more are not there or can't be opened" if total.absent else ""
    return f"{total.files} of the listed files with {total.size} bytes{absent}"
