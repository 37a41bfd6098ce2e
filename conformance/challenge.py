"""The published vectors over again with fresh keys, names and contents: for clients that know the answers by heart.

Everything follows from a seed. A vector's edits are made again to its control as that is then, and what lies below
the signature is signed again, so that verdict, stages and clauses stay what they are. It needs the generator, and
with it the package `cryptography`.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from . import case, run
from .generate import chains, edits, keys
from .generate.kit import JSON, Edit, Material, Rule, as_rule, b64, digest_of, dump, put_chain, root_digest

ATTEMPTS = 60  # keys to try where a signature has to have a certain length or character
ALGORITHMS = ("sha256", "blake2b", "sha512", "sha384", "sha1", "md5", "sha3_256")
LONGEST_SLICED = 200  # bytes of a file of which every part may be somebody's shard
LONGEST_COMPONENT, LONGEST_PATH = 255, 1000
SEPARATOR = re.compile(r"(/|\\|%2[Ff])")
# Components that mean something as they are: dots, a leading dash or tilde, white space, patterns, `__proto__`.
MEANINGFUL = re.compile(r"[.~-].*|\s*|\*+|__proto__", re.DOTALL)
HEX = re.compile(r"[0-9a-f]{16,}|[0-9A-F]{16,}")
NAME_MEMBER = re.compile(r'(?<="name":")[^"\\]*(?=")')
BASE64 = re.compile(r"[A-Za-z0-9+/]{40,}(?:\n[A-Za-z0-9+/]+)*={0,2}")


class Impossible(Exception):
    """The vector can't be made again in this way; the text says why."""


class Way(NamedTuple):
    """What is fresh."""

    key: bool
    names: bool
    contents: bool


WAYS = (
    *(Way(True, True, True), Way(True, False, True), Way(False, True, True)),
    *(Way(True, False, False), Way(False, False, True)),
)
NOT_FRESH = Way(False, False, False)
FRESH_KEYS = ("key", "certificate")  # a Sigstore instance stays what it is
LABEL = re.compile(r"(?:p256|p384|p521|p224|secp256k1|brainpoolP256r1|ed25519|rsa)/[a-z0-9-]+")


class Made(NamedTuple):
    """A vector made again, and what is fresh in it; or why it could not be made."""

    vector: case.Vector | None
    way: Way
    reason: str = ""


class Fresh(NamedTuple):
    """How everything of one vector is replaced."""

    way: Way
    word: str  # in front of each component of a name
    letters: dict[int, int]
    label: Callable[[str], str]
    tokens: dict[str, str]  # digests, fingerprints and keys that texts may hold


def main(words: list[str]) -> int:
    """Run the command line and give the exit status: that of a run."""
    parser = run.run_options(prog="run.py challenge", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--seed", type=int, required=True, help="another seed, other keys, names and contents")
    arguments = parser.parse_args(words)
    vectors, facts = challenge(arguments.seed, {vector["id"]: vector for vector in case.load()})
    print(account(facts) + "\n")
    return run.run(arguments, {vector["id"]: vector for vector in vectors}, vectors, facts)


def challenge(seed: int, whole: Mapping[str, case.Vector]) -> tuple[list[case.Vector], dict[str, Any]]:
    """The vectors made again, and an account: how many, with what fresh, and what was left out and why."""
    made = {name: again(seed, vector, whole) for name, vector in whole.items()}
    lone = {name for name, each in made.items() if each.vector and not has_control(each.vector, made)}
    vectors = [each.vector for name, each in made.items() if each.vector and name not in lone]
    left_out = Counter(each.reason for each in made.values() if not each.vector)
    left_out.update({"its control could not be made again": len(lone)} if lone else {})
    same = sum(each["bundle"] == whole[each["id"]]["bundle"] for each in vectors)
    fresh = {what: sum(getattr(made[each["id"]].way, what) for each in vectors) for what in Way._fields}
    facts = {"seed": seed, "vectors": len(vectors), "fresh": fresh, "same_bundle": same}
    return vectors, {**facts, "left_out": dict(sorted(left_out.items()))}


def has_control(vector: case.Vector, made: Mapping[str, Made]) -> bool:
    """Whether the control was made again too."""
    return vector["control"] is None or made[vector["control"]].vector is not None


def account(facts: dict[str, Any]) -> str:
    """What was made again, for people."""
    fresh = ", ".join(f"{number} with fresh {what}" for what, number in facts["fresh"].items())
    lines = [f"challenge {facts['seed']}: {facts['vectors']} vectors made again: {fresh}."]
    if facts["same_bundle"]:
        lines += [f"{facts['same_bundle']} have the published bundle: the edit replaces all of it by a fixed text."]
    lines += [f"{number} left out: {reason}." for reason, number in facts["left_out"].items()]
    return "\n".join(lines)


def again(seed: int, vector: case.Vector, whole: Mapping[str, case.Vector]) -> Made:
    """The vector with as much fresh as its edits allow."""
    history, reasons = list(ancestry(vector, whole)), []
    for way in (each for each in WAYS if not each.key or vector["method"] in FRESH_KEYS):
        try:
            material, edit = attempt(seed, history, way)
        except Impossible as error:
            reasons.append(str(error))
        else:
            return Made({**vector, **material, "edit": edit}, way)
    return Made(None, NOT_FRESH, reasons[-1])


def ancestry(vector: case.Vector, whole: Mapping[str, case.Vector]) -> Iterator[case.Vector]:
    """The control that was not edited, and each vector from there to this one."""
    if vector["control"] is not None:
        yield from ancestry(whole[vector["control"]], whole)
    yield vector


def attempt(seed: int, history: list[case.Vector], way: Way) -> tuple[Material, Edit | None]:
    """What a client is given, made again, and the last edit as it is then. Raises Impossible."""
    measure = next((MEASURES[name] for each in history if (name := measured(each["edit"])) in MEASURES), None)
    try:
        for number in range(ATTEMPTS if measure else 1):
            fresh = freshness(seed, history, way, number)
            check_names(history, fresh)
            check_texts(history, fresh)
            material = vary_control(history[0], fresh)
            if measure is None or measure(material) == measure(history[0]):
                return edited(material, history, fresh)
    except ImportError as error:
        raise Impossible(f"it needs the package {error.name}") from error
    raise Impossible("no key gave a bundle of the length or with the characters that its edit needs")


def edited(material: Material, history: list[case.Vector], fresh: Fresh) -> tuple[Material, Edit | None]:
    """The material with every edit made to it, and the last of them. Raises Impossible."""
    edit = None
    try:
        for each in history[1:]:
            edit = vary_edit(each["edit"], fresh)
            material = edits.apply(material, edit)
    except (AssertionError, LookupError, ValueError, TypeError) as error:
        raise Impossible("its edit is to a fixed text that is not there then") from error
    return material, edit


def measured(edit: Edit | None) -> str:
    """What an edit may depend on: an operation, or an option of the caller."""
    return "" if edit is None else edit["name"] if edit["layer"] == "options" else edit["op"]


def shapes(material: Material) -> list[tuple[int, bool, bool]]:
    """What the edits of base64 depend on: padding, and the characters that the alphabets differ in."""
    envelope = edits.open_bundle(material)["dsseEnvelope"]
    texts = (envelope["payload"], envelope["signatures"][0]["sig"])
    return [(text.count("="), "+" in text, "/" in text) for text in texts]


MEASURES: dict[str, Callable[[Material], Any]] = {
    "spell": shapes,
    "max_bundle_bytes": lambda material: len(case.content(material["bundle"])),
}


# --- what replaces what


def freshness(seed: int, history: list[case.Vector], way: Way, number: int) -> Fresh:
    """The replacements for a vector, by its root: controls and what was made of them agree on them."""
    root, basis = history[0], f"challenge {seed}/{history[0]['id']}"
    stream = hashlib.shake_256(basis.encode()).digest(400)
    word = "".join(string.ascii_lowercase[byte % 26] for byte in stream[:6]) if way.names else ""
    letters: dict[int, int] = {}
    for alphabet in (string.ascii_lowercase, string.ascii_uppercase, string.digits):
        letters |= cycle(alphabet, stream[6 + len(letters) :])

    def label(old: str) -> str:
        kind = old.partition("/")[0]
        basis_of_key = f"{seed}/{old}" if kind == "rsa" else f"{basis}/{number}/{old}"  # two primes take their time
        return f"{kind}/challenge-{hashlib.sha256(basis_of_key.encode()).hexdigest()[:32]}" if way.key else old

    bare = Fresh(way, word, letters if way.contents else {}, label, {})
    return bare._replace(tokens=dict(chain(key_tokens(root, bare), digest_tokens(history, bare))))


def cycle(alphabet: str, stream: bytes) -> dict[int, int]:
    """A permutation in one cycle, so that no character stays what it is."""
    order = sorted(range(len(alphabet)), key=lambda place: (stream[place], place))
    return {ord(alphabet[one]): ord(alphabet[other]) for one, other in zip(order, order[1:] + order[:1])}


def key_tokens(root: case.Vector, fresh: Fresh) -> Iterator[tuple[str, str]]:
    """The public key as it may be written in a bundle or in what the caller trusts."""
    old, new = root["signer"], fresh.label(root["signer"])
    if old == new:
        return
    for form in KEY_FORMS:
        yield form(old), form(new)
    if "chain" in root:
        made = relabelled(root["chain"], fresh)
        yield from zip(chains.given(root["chain"]), chains.given(made))
        yield from zip(map(b64, chains.der_of(root["chain"]).values()), map(b64, chains.der_of(made).values()))


KEY_FORMS: tuple[Callable[[str], str], ...] = (
    keys.public_pem,
    lambda label: keys.fingerprint(keys.public_pem(label)),
    lambda label: b64(keys.public_pem(label).encode()),
    lambda label: hashlib.sha256(keys.public_der(label)).hexdigest(),
)


def digest_tokens(history: list[case.Vector], fresh: Fresh) -> Iterator[tuple[str, str]]:
    """The digests of all contents, whole and in shards."""
    if not fresh.way.contents:
        return
    serialization = json.loads(edits.open_payload(history[0]))["predicate"].get("serialization", {})
    hash_type = serialization.get("hash_type", "sha256")
    for rule in contents(history):
        old, new = case.content(rule), case.content(vary_content(rule, fresh))
        yield from zip(digests(old), digests(new))
        for one, other in [(old, new), *slices(old, new, serialization)]:
            yield digest_of(hash_type, one), digest_of(hash_type, other)


def contents(history: list[case.Vector]) -> Iterator[Rule]:
    """Every content of the vectors and of their edits, but for sparse ones, which stay as they are."""
    for each in history:
        edit = each["edit"] or {}
        entries = [*each["model"]["entries"], *each["outside"], *edit.get("entries", ()), edit.get("entry", {}), edit]
        yield from (entry["content"] for entry in entries if "sparse" not in entry.get("content", {"sparse": 0}))


def slices(old: bytes, new: bytes, serialization: JSON) -> Iterator[tuple[bytes, bytes]]:
    """The shards that there are; of small files every part, since edits list other ranges."""
    if serialization.get("method") != "shards":
        return
    size, length = int(serialization["shard_size"]), len(old)
    step = 1 if length <= LONGEST_SLICED else size
    for start in range(0, length, step):
        for stop in range(start + 1, length + 1) if step == 1 else (min(start + size, length),):
            yield old[start:stop], new[start:stop]


def digests(data: bytes) -> list[str]:
    """The digests in hex that a payload may hold."""
    found = [hashlib.new(name, data).hexdigest() for name in ALGORITHMS]
    return [*found, hashlib.blake2b(data, digest_size=32).hexdigest()]


# --- what can't be replaced


def check_names(history: list[case.Vector], fresh: Fresh) -> None:
    """Return if the new names relate as the old ones do. Raises Impossible."""
    if not fresh.word:
        return
    old = sorted({name for each in history for name in names(each)})
    new = [vary_path(name, fresh) for name in old]
    for name in new:
        if len(name) > LONGEST_PATH or any(len(part.encode()) > LONGEST_COMPONENT for part in name.split("/")):
            raise Impossible("a longer name would be too long")
    for order in ORDERS:
        if [vary_path(name, fresh) for name in sorted(old, key=order)] != sorted(new, key=order):
            raise Impossible("other names would be in another order")


ORDERS: tuple[Callable[[str], Any], ...] = (
    lambda name: name,
    lambda name: name.split("/"),
    lambda name: name.encode("utf-16-be", "surrogatepass"),
    lambda name: (name.casefold(), name),
)


def names(vector: case.Vector) -> Iterator[str]:
    """The names in the tree, in the edit and, of a control, in the payload."""
    edit = vector["edit"] or {}
    entries = [*vector["model"]["entries"], *edit.get("entries", ()), edit.get("entry", {}), edit]
    yield from (entry["path"] for entry in entries if isinstance(entry.get("path"), str))
    listed = edit.get("value") if edit else json.loads(edits.open_payload(vector))["predicate"].get("resources")
    for each in listed if isinstance(listed, list) else [listed]:
        if isinstance(each, dict) and isinstance(each.get("name"), str):
            yield each["name"]


def check_texts(history: list[case.Vector], fresh: Fresh) -> None:
    """Return if no edit holds what follows from the old key or digests in an unknown form. Raises Impossible."""
    for each in history[1:]:
        edit = each["edit"]
        of_subject = edit["layer"] == "payload" and edit["pointer"].startswith("/subject")
        stale = (run for text in texts(edit) for run in HEX.findall(text) if len(set(run)) > 1)
        if of_subject and (fresh.way.contents or fresh.way.names) and any(known(run, fresh) is None for run in stale):
            raise Impossible("its edit holds a digest over more than can be told")
        if fresh.way.key and any(holds_key(text, history[0]["signer"], fresh) for text in texts(edit)):
            raise Impossible("its edit holds the key in a form of its own")


def texts(value: JSON) -> Iterator[str]:
    """Every text in a JSON value, base64 by rule decoded."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from chain.from_iterable(map(texts, value))
    elif isinstance(value, dict):
        yield from chain.from_iterable(map(texts, value.values()))


def holds_key(text: str, label: str, fresh: Fresh) -> bool:
    """Whether a text holds the first coordinate of the old public key, after the replacements."""
    public = keys.private_key(label).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    size = (len(public) - 1) // 2
    return inside(public[1 : 1 + size], vary_text(text, fresh).encode("utf-8", "surrogatepass"), 3)


def inside(wanted: bytes, data: bytes, depth: int) -> bool:
    """Whether bytes are in other bytes, or in what those are the base64 of."""
    if wanted in data:
        return True
    runs: Iterable[str] = BASE64.findall(data.decode("latin-1")) if depth else ()
    return any(inside(wanted, decoded(run), depth - 1) for run in runs)


def decoded(run: str) -> bytes:
    """Base64 that may lack its padding."""
    body = run.replace("\n", "").rstrip("=")
    body = body if len(body) % 4 != 1 else body[:-1]
    return base64.b64decode(body + "=" * (-len(body) % 4))


# --- how it is replaced


def vary_control(root: case.Vector, fresh: Fresh) -> Material:
    """A control made again. Raises Impossible."""
    material = {name: copy.deepcopy(root[name]) for name in case.made_of(root)}
    statement = json.loads(edits.open_payload(material))
    edits.seal(material, dump(statement), {})
    if material["bundle"] != root["bundle"]:
        raise Impossible("its control is no bundle that the generator signs")
    material["signer"] = fresh.label(root["signer"])
    material["trust"] = vary_json(material["trust"], fresh)
    material["options"] = {name: vary_option(name, value, fresh) for name, value in material["options"].items()}
    material["bundle_path"] = vary_path(material["bundle_path"], fresh)
    material["bundle"] = as_rule(dump(vary_json(edits.open_bundle(material), fresh)))
    material["model"]["name"] = vary_path(material["model"]["name"], fresh)
    material["model"]["entries"] = [vary_entry(entry, fresh) for entry in material["model"]["entries"]]
    material["outside"] = [vary_entry(entry, fresh) for entry in material["outside"]]
    made = vary_payload(statement, [], fresh)
    made["subject"][0]["digest"]["sha256"] = root_digest(made["predicate"]["resources"])
    edits.seal(material, dump(made), {})
    if "chain" in material:
        material["chain"] = relabelled(root["chain"], fresh)
        put_chain(material)
    return material


def relabelled(value: JSON, fresh: Fresh) -> JSON:
    """A recipe of certificates, or a part of one, with fresh keys."""
    if isinstance(value, list):
        return [relabelled(each, fresh) for each in value]
    if isinstance(value, dict):
        return {name: relabelled(each, fresh) for name, each in value.items()}
    return fresh.label(value) if isinstance(value, str) and LABEL.fullmatch(value) else value


def vary_edit(edit: Edit, fresh: Fresh) -> Edit:
    """The same edit to a control made again."""
    made = dict(edit)
    for name, how in MEMBERS.items():
        if name in made:
            made[name] = how(made[name], fresh)
    if edit["layer"] in ("model", "tree", "outside") and "to" in made:
        made["to"] = vary_path(made["to"], fresh)
    if "value" in made:
        made["value"] = vary_value(edit, fresh)
    for name in ("find", "replace", "data", "before", "after"):
        if isinstance(made.get(name), dict):
            made[name] = vary_bytes(made[name], edit["layer"] == "payload-bytes", fresh)
    return made


def vary_value(edit: Edit, fresh: Fresh) -> JSON:
    """What an edit puts somewhere."""
    value = edit["value"]
    if edit["layer"] == "payload":
        at = edits.parse_pointer(edit["pointer"])
        return vary_payload(value, [*at[:-1], "0"] if edit["op"] == "insert" else at, fresh)
    if edit["layer"] == "options":
        return vary_option(edit["name"], value, fresh)
    if edit["layer"] == "chain":
        return relabelled(value, fresh)
    return vary_path(value, fresh) if edit["layer"] == "placement" else vary_json(value, fresh)


def vary_payload(value: JSON, at: list[str], fresh: Fresh) -> JSON:
    """A part of a statement: names where names are, digests anywhere."""
    if isinstance(value, list):
        return [vary_payload(each, [*at, "0"], fresh) for each in value]
    if isinstance(value, dict):
        return {name: vary_payload(each, [*at, name], fresh) for name, each in value.items()}
    if not isinstance(value, str):
        return value
    place = "/".join("*" if part.isdigit() or part == "-" else part for part in at)
    return vary_path(value, fresh) if place in NAMED else vary_text(value, fresh)


NAMED = ("predicate/resources/*/name", "predicate/serialization/ignore_paths/*", "subject/*/name")


def vary_json(value: JSON, fresh: Fresh) -> JSON:
    """A JSON value in which texts may hold digests and keys."""
    if isinstance(value, list):
        return [vary_json(each, fresh) for each in value]
    if isinstance(value, dict):
        return {name: vary_json(each, fresh) for name, each in value.items()}
    return vary_text(value, fresh) if isinstance(value, str) else value


def vary_text(text: str, fresh: Fresh) -> str:
    """A text with the digests and keys in it replaced, also where they are cut, spaced or in upper case."""
    if text in fresh.tokens:
        return fresh.tokens[text]
    if (squeezed := text.replace(" ", "")) in fresh.tokens and len(squeezed) == len(fresh.tokens[squeezed]):
        new = iter(fresh.tokens[squeezed])
        return "".join(char if char == " " else next(new) for char in text)
    return HEX.sub(lambda run: known(run[0], fresh) or run[0], text)


def known(run: str, fresh: Fresh) -> str | None:
    """What replaces hexadecimal digits that are a known digest or a part of one."""
    lower = run.lower()
    for old, new in fresh.tokens.items():
        if lower in old and len(old) == len(new):
            part = new[old.index(lower) :][: len(run)]
            return part if run == lower else part.upper()
    return None


def vary_bytes(rule: Rule, names_too: bool, fresh: Fresh) -> Rule:
    """What a byte-level edit looks for or puts in: names only where they are members of JSON."""
    if "text" not in rule:
        return rule
    text = vary_text(rule["text"], fresh)
    return {"text": NAME_MEMBER.sub(lambda name: vary_path(name[0], fresh), text) if names_too else text}


def vary_option(name: str, value: JSON, fresh: Fresh) -> JSON:
    """An option of the caller."""
    return [vary_path(path, fresh) for path in value] if name == "ignore_paths" else value


def vary_entry(entry: JSON, fresh: Fresh) -> JSON:
    """An entry of a tree. The target of an absolute link stays."""
    made = {**entry, "path": vary_path(entry["path"], fresh)}
    if "content" in made:
        made["content"] = vary_content(made["content"], fresh)
    if "target" in made and not case.path_bytes(made["target"]).startswith(b"/"):
        made["target"] = vary_path(made["target"], fresh)
    return made


def vary_path(path: JSON, fresh: Fresh) -> JSON:
    """A path with the word in front of each component that means nothing by itself."""
    if isinstance(path, dict):
        text = bytes.fromhex(path["hex"]).decode("utf-8", "surrogateescape")
        return {"hex": vary_path(text, fresh).encode("utf-8", "surrogateescape").hex()}
    parts = SEPARATOR.split(path)
    return "".join(
        part if place % 2 or MEANINGFUL.fullmatch(part) else fresh.word + part for place, part in enumerate(parts)
    )


def vary_content(rule: Rule, fresh: Fresh) -> Rule:
    """Content of the same length: what was equal stays so, and what differed still does."""
    if not fresh.letters or "sparse" in rule:
        return rule
    if "parts" in rule:
        return {"parts": [vary_content(part, fresh) for part in rule["parts"]]}
    if "seed" in rule:
        return {**rule, "seed": rule["seed"].translate(fresh.letters)}
    if "repeat" in rule:
        return {**rule, "repeat": rule["repeat"].translate(fresh.letters)}
    return as_rule(bytes(fresh.letters.get(byte, byte) for byte in case.content(rule)))


MEMBERS: dict[str, Callable[[Any, Fresh], Any]] = {
    "path": vary_path,
    "content": vary_content,
    "entry": vary_entry,
    "entries": lambda entries, fresh: [vary_entry(entry, fresh) for entry in entries],
    "label": lambda label, fresh: fresh.label(label),
    "arguments": lambda given, fresh: {**given, **({"key": fresh.label(given["key"])} if "key" in given else {})},
}
