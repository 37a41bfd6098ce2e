"""Random edits of what a client is given, and smaller ones: the dice of diff-fuzz.

Edits are those of vectors/README.md. None makes an entry outside the case's folder: a path never leads up, and never
through a link.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from . import case
from .generate import edits, signatures
from .generate.kit import JSON, Edit, Material, Rule, as_rule, file, link, special

CONSTANTS: tuple[JSON, ...] = (
    *(None, True, False, 0, 1, -1, 1.0, 0.5, 2**31, 2**53, 2**53 + 1, 2**64, 10**30, "", "0", "null", [], {}, [[]]),
    *("a", ".", "..", "/", "../x", "./x", "x/", "a//b", "a\\b", "*", "\u00e9", "e\u0301", "\ud800", "\0", " "),
    *("sha256", "SHA256", "sha512", "blake2b", "blake3", "files", "shards", "file", "shard", "x:0:1", "x:1:0", "x:0:"),
    *("https://in-toto.io/Statement/v1", "https://model_signing/signature/v1.0", "https://model_signing/Digests/v0.1"),
    *("application/vnd.in-toto+json", "application/vnd.dev.sigstore.bundle.v0.3+json", "keyDetails", "hint"),
)
MEMBERS = (
    *("note", "name", "digest", "algorithm", "sha256", "hash_type", "method", "shard_size", "allow_symlinks"),
    *("ignore_paths", "keyid", "sig", "hint", "rawBytes", "tlogEntries", "timestampVerificationData", "_type"),
    *(
        "certificate",
        "x509CertificateChain",
        "publicKey",
        "predicate",
        "resources",
        "serialization",
        "messageSignature",
    ),
)
PIECES = (
    *(b" ", b"\n", b"\t", b"\0", b"\xef\xbb\xbf", b"\xff", b"{}", b"[]", b",", b":", b'"', b"\\", b"\\u0041", b"\\/"),
    *(
        b"1",
        b"0",
        b"-",
        b".",
        b"e1",
        b"NaN",
        b"true",
        b"null",
        b"/**/",
        b"{",
        b"}",
        b"[",
        b"]",
        b"=",
        b"A",
        b"_",
        b"\r",
    ),
)
PATHS = (
    *("a", "A", "z.bin", ".git/config", ".gitignore", ".gitattributes", "code/.git/x", "code", "x:0:1", "a\nb", " "),
    *("\u00e9", "e\u0301", "*", "model.sig", "a/b/c", "README.md", "~", "-x", "...", "\U0001f9e0"),
)
ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig")


def random_edit(dice: random.Random, material: Material) -> Edit | None:
    """An edit to the material; None where this throw of the dice gives none."""
    kind = dice.choices(list(KINDS), weights=[weight for weight, _ in KINDS.values()])[0]
    try:
        return KINDS[kind][1](dice, material)
    except (AssertionError, LookupError, ValueError, TypeError, AttributeError):
        return None  # an earlier edit has left nothing to edit there


# --- JSON


def in_payload(dice: random.Random, material: Material) -> Edit:
    """An edit of the payload, with the root digest set right or not."""
    edit = in_json(dice, "payload", json.loads(edits.open_payload(material)))
    return {**edit, "root_digest": "recomputed"} if dice.random() < 0.6 else edit


def in_manifest(dice: random.Random, material: Material) -> Edit:
    """An edit of the payload where most rules are: the resources and the ignored paths."""
    value = json.loads(edits.open_payload(material))["predicate"]
    resources, at = value["resources"], "/predicate/resources"
    number = dice.randrange(len(resources))
    kind = dice.random()
    if kind < 0.25:
        edit = edits.move_at("payload", f"{at}/{number}", f"{at}/{dice.randrange(len(resources))}")
    elif kind < 0.5:
        ignored = "/predicate/serialization/ignore_paths/-"
        edit = edits.insert_at("payload", ignored, odd_name(dice, dice.choice(resources)["name"]))
    elif kind < 0.75:
        edit = edits.set_at("payload", f"{at}/{number}/name", odd_name(dice, resources[number]["name"]))
    else:
        new = {**dice.choice(resources), "name": odd_name(dice, resources[number]["name"])}
        edit = edits.insert_at("payload", f"{at}/{dice.randint(0, len(resources))}", new)
    return edits.rooted(edit) if dice.random() < 0.8 else edit


def odd_name(dice: random.Random, name: str) -> str:
    """Another spelling of a name, or something that is nearly one."""
    folder, _, base = name.rpartition("/")
    spellings = (f"./{name}", f"{name}/", f"/{name}", f"x/../{name}", f"../model/{name}", name.replace("/", "//"))
    others = (f"{folder}/./{base}", f"{folder}/*", name.replace("/", "\\"), folder, varied_text(dice, name))
    return dice.choice((*spellings, *others, ".", "..", "*", "x", ""))


def in_bundle(dice: random.Random, material: Material) -> Edit:
    """An edit of the bundle outside its envelope."""
    value = edits.open_bundle(material)
    return in_json(dice, "bundle", {**value, "dsseEnvelope": None} if dice.random() < 0.9 else value)


def in_envelope(dice: random.Random, material: Material) -> Edit:
    """An edit of the envelope, signed again or not."""
    value = edits.open_bundle(material)["dsseEnvelope"]
    if dice.random() < 0.3:
        pointer, spelling = dice.choice(("/payload", "/signatures/0/sig")), dice.choice(sorted(edits.SPELLINGS))
        return edits.spell(pointer, spelling)
    edit = in_json(dice, "envelope", value)
    return {**edit, "signed_again": True} if dice.random() < 0.5 else edit


def in_json(dice: random.Random, layer: str, value: JSON) -> Edit:
    """Set, remove, insert or move something."""
    places = list(pointers(value))
    at, old = place(dice, places)
    kind = dice.random()
    if at and kind < 0.05:
        to, target = place(dice, places)
        return edits.move_at(layer, at, f"{to}/0" if isinstance(target, list) else f"{to}/{dice.choice(MEMBERS)}")
    if isinstance(old, list) and kind < 0.7:
        new = dice.choice(old) if old and dice.random() < 0.6 else dice.choice(CONSTANTS)
        return edits.insert_at(layer, f"{at}/{dice.randint(0, len(old))}", varied(dice, new, 0.5))
    if isinstance(old, dict) and kind < 0.4:
        return edits.set_at(layer, f"{at}/{dice.choice(MEMBERS)}", dice.choice([*CONSTANTS, *old.values()]))
    if at and kind < 0.15:
        return edits.remove_at(layer, at)
    others = [each for _, each in places if type(each) is type(old)]
    return edits.set_at(layer, at, dice.choice(others) if kind < 0.3 else varied(dice, old, 1))


def place(dice: random.Random, places: list[tuple[str, JSON]]) -> tuple[str, JSON]:
    """One of the places; those of one kind, as the names of all resources, together as likely as any other."""
    kinds: dict[str, list[tuple[str, JSON]]] = {}
    for each in places:
        kinds.setdefault("/".join("*" if part.isdigit() else part for part in each[0].split("/")), []).append(each)
    return dice.choice(kinds[dice.choice(list(kinds))])


def pointers(value: JSON, at: str = "") -> Iterator[tuple[str, JSON]]:
    """Every place in a JSON value, and what is there."""
    yield at, value
    if isinstance(value, (dict, list)):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for name, each in members:
            yield from pointers(each, f"{at}/{str(name).replace('~', '~0').replace('/', '~1')}")


def varied(dice: random.Random, old: JSON, chance: float) -> JSON:
    """Something like the old value, or nothing like it."""
    if dice.random() >= chance:
        return old
    near = list(like(dice, old)) if dice.random() < 0.7 else []
    return copy.deepcopy(dice.choice(near or CONSTANTS))


def like(dice: random.Random, old: JSON) -> Iterator[JSON]:
    """Values like the old one."""
    if isinstance(old, bool):
        yield from (not old, int(old), str(old).lower())
    elif isinstance(old, (int, float)):
        yield from (old + 1, old - 1, -old, float(old), old + 0.5, str(old), old * 10, [old])
    elif isinstance(old, str):
        yield from (*(varied_text(dice, old) for _ in range(6)), [old], {"": old})
    elif isinstance(old, list):
        yield from (old[::-1], old[:-1], old[1:], [*old, *old], {str(n): each for n, each in enumerate(old)})
    elif isinstance(old, dict):
        yield [old]
        yield from ({**old, name: varied(dice, each, 1)} for name, each in old.items())


def varied_text(dice: random.Random, old: str) -> str:
    """A text with something in it changed."""
    place = dice.randint(0, len(old))
    piece = dice.choice(("/", ".", " ", "\n", "\0", "a", "0", ":", "\\", "\u0301", "\ud800", "=", "./", "../", "%2f"))
    ways = (
        *(old.upper(), old.lower(), old.title(), old[::-1], old + old, old[:place], old[place:]),
        *(piece + old, old + piece, old[:place] + piece + old[place:], old[:place] + old[place + 1 :]),
    )
    return dice.choice(ways)


# --- bytes


def in_payload_bytes(dice: random.Random, material: Material) -> Edit:
    """An edit of the payload's bytes."""
    return in_bytes(dice, "payload-bytes", edits.open_payload(material))


def in_bundle_bytes(dice: random.Random, material: Material) -> Edit:
    """An edit of the bundle's bytes."""
    return in_bytes(dice, "bundle-bytes", case.content(material["bundle"]))


def in_bytes(dice: random.Random, layer: str, data: bytes) -> Edit:
    """Put bytes in, take some out, or write all of them otherwise."""
    kind, piece = dice.random(), dice.choice(PIECES)
    if kind < 0.08:
        return edits.prepend(layer, piece)
    if kind < 0.16:
        return edits.append(layer, piece)
    if kind < 0.2:
        return edits.encode(layer, dice.choice(ENCODINGS))
    if kind < 0.23:
        return {"layer": layer, "op": "keep", "bytes": dice.randint(0, len(data))}
    start = dice.randrange(len(data))
    windows = (data[start:stop] for stop in range(start + 4, start + 200))
    found = next((window for window in windows if data.count(window) == 1), data)
    place = dice.randint(0, len(found))
    gone = dice.choice((0, 0, 1, 2))
    return edits.substitute(layer, as_rule(found), as_rule(found[:place] + piece + found[place + gone :]))


# --- trees


def in_tree(dice: random.Random, material: Material) -> Edit:
    """An entry more, fewer, or other than it was."""
    layer = "outside" if material["outside"] and dice.random() < 0.15 else "tree"
    entries = material["outside"] if layer == "outside" else material["model"]["entries"]
    kind = dice.random()
    if kind < 0.08 and layer == "tree":
        return moved_away(dice, entries)
    if kind < 0.45 or not entries:
        return edits.tree("add", layer, entry=random_entry(dice, material, safe(entries, random_path(dice, entries))))
    old = dice.choice(entries)
    if kind < 0.55:
        return edits.tree("remove", layer, path=old["path"])
    if kind < 0.75:
        return edits.tree("rename", layer, path=old["path"], to=safe(entries, random_path(dice, entries)))
    return edits.tree("replace", layer, path=old["path"], entry=random_entry(dice, material, old["path"]))


def moved_away(dice: random.Random, entries: list[JSON]) -> Edit:
    """A file put where nobody looks, and a link to it in its place."""
    old = dice.choice([entry for entry in entries if entry["type"] == "file" and isinstance(entry["path"], str)])
    hidden = {**old, "path": ".git/kept"}
    target = "../" * old["path"].count("/") + ".git/kept"
    others = [entry for entry in entries if entry is not old]
    return edits.tree("exchange", entries=[*others, hidden, link(old["path"], target)])


def random_path(dice: random.Random, entries: list[JSON]) -> str:
    """A path of the pool, or one like those that there are."""
    known = [entry["path"] for entry in entries if isinstance(entry["path"], str) and entry["path"]]
    if not known or dice.random() < 0.4:
        return dice.choice(PATHS)
    path: str = dice.choice(known)
    folder = path.rpartition("/")[0]
    ways = (path + dice.choice(("x", ".", " ", ":0:1", "~")), path.upper(), f"{path}/x", f"x/{path}", path.swapcase())
    return dice.choice((*ways, f"{folder}/{dice.choice(PATHS)}" if folder else dice.choice(PATHS)))


def safe(entries: list[JSON], path: str) -> str:
    """The path, if an entry can be made there without leaving the folder. Raises ValueError."""
    parts = path.split("/")
    links = {entry["path"] for entry in entries if entry["type"] == "link"}
    through = any("/".join(parts[:length]) in links for length in range(1, len(parts)))
    if through or any(part in ("", ".", "..") for part in parts) or "\0" in path or len(path) > 200:
        raise ValueError(path)
    return path


def random_entry(dice: random.Random, material: Material, path: JSON) -> JSON:
    """A file, link, hard link, directory or FIFO."""
    files = [entry for entry in material["model"]["entries"] if entry["type"] == "file"]
    kind = dice.random()
    if kind < 0.6 or path == "":
        return file(path, random_content(dice, files))
    if kind < 0.8:
        near = [entry["path"] for entry in files if isinstance(entry["path"], str)]
        return link(path, dice.choice([*near, "..", ".", "../outside.py", "/nowhere", "nowhere", path]))
    if kind < 0.85 and files:
        return {"path": path, "type": "hardlink", "target": dice.choice(files)["path"]}
    return {"path": path, "type": "directory"} if kind < 0.95 else special(path, "fifo")


def random_content(dice: random.Random, files: list[JSON]) -> Rule:
    """Content of a file that there is, changed or not, or something else."""
    others: list[Rule] = [{"text": ""}, {"text": "x"}, {"base64": "AAA="}, {"sparse": 3}]
    small = [entry["content"] for entry in files if "sparse" not in entry["content"]]
    if not small or dice.random() < 0.4:
        return dice.choice(others)
    data = case.content(dice.choice(small))
    return as_rule(dice.choice((data, data[:-1], data + b"x", data[::-1])))


def in_model(dice: random.Random, material: Material) -> Edit:
    """Another model, signed as it is then."""
    entries = material["model"]["entries"]
    files = [entry for entry in entries if entry["type"] == "file" and entry["path"]]
    kind = dice.random()
    if kind < 0.4 or not files:
        path = safe(entries, random_path(dice, entries))
        return edits.model("add", path, content=random_content(dice, files))
    old = dice.choice(files)["path"]
    if kind < 0.6:
        return edits.model("remove", old)
    if kind < 0.8:
        return edits.model("rename", old, to=safe(entries, random_path(dice, entries)))
    return edits.model("content", old, content=random_content(dice, files))


# --- the rest


def in_options(dice: random.Random, material: Material) -> Edit:
    """Another wish of the caller."""
    entries = material["model"]["entries"]
    name = dice.choice(
        ("ignore_paths", "ignore_paths", "ignore_unsigned_files", "ignore_git_paths", "allow_symlinks", "")
    )
    if name == "ignore_paths":
        known = [entry["path"] for entry in entries if isinstance(entry["path"], str) and entry["path"]]
        parts = [*known, *(path.partition("/")[0] for path in known), *PATHS]
        return edits.option(name, [dice.choice(parts) for _ in range(dice.randint(1, 2))])
    if name:
        return edits.option(name, dice.random() < 0.7)
    chosen = (
        ("hash_algorithm", "blake2b"),
        ("hash_algorithm", "sha256"),
        ("shard_size", 10),
        ("max_bundle_bytes", 500),
    )
    return edits.option(*dice.choice(chosen))


def in_trust(dice: random.Random, material: Material) -> Edit:
    """The key's text otherwise, its first line apart."""
    head, _, rest = material["trust"]["public_key"].partition("\n")
    text = f"{head}\n{varied_text(dice, rest)}"
    text.encode()  # it has to be a file's text
    return edits.trust("public_key", text)


def in_signature(dice: random.Random, material: Material) -> Edit:
    """Another signature."""
    op = dice.choice(sorted(signatures.TRANSFORMS))
    arguments: dict[str, dict[str, Any]] = {
        "over": {"what": dice.choice(sorted(signatures.MESSAGES))},
        "flip": {"byte": dice.randint(-8, 8)},
        "resign": {"hash": dice.choice(("sha1", "sha384", "sha512"))},
    }
    return edits.signature(op, **arguments.get(op, {}))


def in_placement(dice: random.Random, material: Material) -> Edit:
    """The bundle somewhere else, beside the model or in it."""
    folder = dice.choice(("", "", material["model"]["name"] + "/"))
    path = folder + safe(material["model"]["entries"], random_path(dice, material["model"]["entries"]))
    if "\n" in path:
        raise ValueError("no path of a bundle, in the form of vectors")
    return {"layer": "placement", "op": "set", "value": path}


Kind = Callable[[random.Random, Material], Edit]
KINDS: dict[str, tuple[int, Kind]] = {
    "manifest": (16, in_manifest),
    "payload": (20, in_payload),
    "bundle": (10, in_bundle),
    "envelope": (8, in_envelope),
    "payload bytes": (8, in_payload_bytes),
    "bundle bytes": (8, in_bundle_bytes),
    "tree": (18, in_tree),
    "model": (6, in_model),
    "options": (5, in_options),
    "trust": (2, in_trust),
    "signature": (2, in_signature),
    "placement": (1, in_placement),
}


# --- smaller edits


def smaller(edit: Edit) -> Iterator[Edit]:
    """The edit with something less in it, the largest steps first."""
    yield from (less for less in less_edit(edit) if len(written(less)) < len(written(edit)))


def written(value: JSON) -> str:
    """What is to become shorter."""
    return json.dumps(value)


def less_edit(edit: Edit) -> Iterator[Edit]:
    """Candidates for something smaller."""
    for name in ("root_digest", "signed_again"):
        if name in edit:
            yield {key: value for key, value in edit.items() if key != name}
    for name, less_of in SHRINK.items():
        if name in edit:
            yield from ({**edit, name: less} for less in less_of(edit[name]))


def smaller_json(value: JSON) -> Iterator[JSON]:
    """JSON values that are shorter when written."""
    yield from (less for less in less_json(value) if len(written(less)) < len(written(value)))


def less_json(value: JSON) -> Iterator[JSON]:
    """Candidates for something shorter."""
    if isinstance(value, str):
        yield from ("", value[: len(value) // 2], value[len(value) // 2 :], value[1:], value[:-1])
    elif isinstance(value, list):
        yield from ([], *(value[:place] + value[place + 1 :] for place in range(len(value))))
        for place, each in enumerate(value):
            yield from ([*value[:place], less, *value[place + 1 :]] for less in smaller_json(each))
    elif isinstance(value, dict):
        yield from ({}, *({key: each for key, each in value.items() if key != name} for name in value))
        for name, each in value.items():
            yield from ({**value, name: less} for less in smaller_json(each))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from (0, 1, int(value) // 2)


def smaller_entry(entry: JSON) -> Iterator[JSON]:
    """An entry with less content."""
    if "content" in entry:
        yield from ({**entry, "content": less} for less in smaller_rule(entry["content"]))


def smaller_rule(rule: Rule) -> Iterator[Rule]:
    """Shorter content."""
    if "sparse" in rule:
        return
    data = case.content(rule)
    for less in (b"", data[: len(data) // 2], data[len(data) // 2 :], data[1:], data[:-1]):
        if len(less) < len(data):
            yield as_rule(less)


SHRINK: dict[str, Callable[[Any], Iterator[Any]]] = {
    "value": smaller_json,
    "entry": smaller_entry,
    "content": smaller_rule,
    "replace": smaller_rule,
    "data": smaller_rule,
}
