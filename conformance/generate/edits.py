"""Edits: how to write one down, and how to make it to the material of a control.

An edit is one change at one layer. What lies below the signature is signed again with the control's key, so
that nothing but the change is wrong. vectors/README.md lists layers and operations.
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

from conformance import case

from . import keys, signatures, sigstore
from .kit import (
    JSON,
    PAYLOAD_TYPE,
    Content,
    Edit,
    Material,
    as_rule,
    b64,
    dump,
    pae,
    put_chain,
    resources_of,
    root_digest,
    sort,
)

# --- how families write edits down


def set_at(layer: str, pointer: str, value: JSON, **more: Any) -> Edit:
    """Put `value` at `pointer`, where something is or not."""
    return {"layer": layer, "op": "set", "pointer": pointer, "value": value, **more}


def remove_at(layer: str, pointer: str, **more: Any) -> Edit:
    """Remove what is at `pointer`."""
    return {"layer": layer, "op": "remove", "pointer": pointer, **more}


def insert_at(layer: str, pointer: str, value: JSON, **more: Any) -> Edit:
    """Insert `value` into an array before the index in `pointer`, or at the end with `-`."""
    return {"layer": layer, "op": "insert", "pointer": pointer, "value": value, **more}


def move_at(layer: str, pointer: str, to: str, **more: Any) -> Edit:
    """Take what is at `pointer` and put it at `to`: inserted in an array, set in an object."""
    return {"layer": layer, "op": "move", "pointer": pointer, "to": to, **more}


def flip_at(pointer: str) -> Edit:
    """Flip the lowest bit of the last byte of base64 in the bundle."""
    return {"layer": "bundle", "op": "flip", "pointer": pointer}


def add_at(pointer: str, number: int) -> Edit:
    """Add to a number that the bundle has as a string."""
    return {"layer": "bundle", "op": "add", "pointer": pointer, "number": number}


def double_at(pointer: str) -> Edit:
    """Repeat the last item of an array of the bundle."""
    return {"layer": "bundle", "op": "double", "pointer": pointer}


def text_at(pointer: str, find: str, replace: str) -> Edit:
    """Replace the one place where `find` is in a text of the bundle."""
    return {"layer": "bundle", "op": "text", "pointer": pointer, "find": find, "replace": replace}


def rooted(edit: Edit) -> Edit:
    """The same edit of a payload, with the subject's digest computed again over what the resources are then."""
    return {**edit, "root_digest": "recomputed"}


def substitute(layer: str, find: Content, replace: Content) -> Edit:
    """Replace the one place where `find` is in the bytes."""
    return {"layer": layer, "op": "substitute", "find": as_rule(find), "replace": as_rule(replace)}


def prepend(layer: str, data: Content) -> Edit:
    """Put bytes before the bytes."""
    return {"layer": layer, "op": "prepend", "data": as_rule(data)}


def append(layer: str, data: Content) -> Edit:
    """Put bytes after the bytes."""
    return {"layer": layer, "op": "append", "data": as_rule(data)}


def surround(layer: str, before: Content, after: Content) -> Edit:
    """Put bytes before and after the bytes."""
    return {"layer": layer, "op": "surround", "before": as_rule(before), "after": as_rule(after)}


def encode(layer: str, encoding: str) -> Edit:
    """Write the text in another encoding than UTF-8."""
    return {"layer": layer, "op": "encode", "encoding": encoding}


def signature(op: str, **arguments: Any) -> Edit:
    """Change the signature by one of signatures.TRANSFORMS."""
    return {"layer": "signature", "op": op, **({"arguments": arguments} if arguments else {})}


def spell(pointer: str, spelling: str) -> Edit:
    """Write base64 of the envelope in another way: one of SPELLINGS."""
    return {"layer": "envelope", "op": "spell", "pointer": pointer, "spelling": spelling}


def model(op: str, path: str, **more: Any) -> Edit:
    """Change the model and sign it again as it is then: rename (to), add (content), remove, content."""
    if "content" in more:
        more["content"] = as_rule(more["content"])
    return {"layer": "model", "op": op, "path": path, **more}


def tree(op: str, layer: str = "tree", **more: Any) -> Edit:
    """Change the tree and not what is signed.

    add (entry or entries), remove (path), replace (path, entry), rename (path, to), exchange (entries).
    """
    return {"layer": layer, "op": op, **more}


def option(name: str, value: JSON) -> Edit:
    """Change an option of the caller."""
    return {"layer": "options", "op": "set", "name": name, "value": value}


def trust(name: str, value: JSON) -> Edit:
    """Change what the caller trusts."""
    return {"layer": "trust", "op": "set", "name": name, "value": value}


def time(value: str) -> Edit:
    """Verify at another time."""
    return {"layer": "time", "op": "set", "value": value}


def signer(label: str) -> Edit:
    """Sign with another key, and have the caller trust it and the hint name it."""
    return {"layer": "signer", "op": "use", "label": label}


def recipe(**changes: JSON) -> Edit:
    """Change members of the recipe of a Sigstore bundle; all that depends on them is made again."""
    return {"layer": "recipe", "op": "change", "changes": changes}


def root(op: str, pointer: str, **more: JSON) -> Edit:
    """Change the trusted root: set (value), remove, or others, which puts there what another instance has."""
    return {"layer": "trusted-root", "op": op, "pointer": pointer, **more}


# --- how they are made


def apply(material: Material, edit: Edit) -> Material:
    """The material with `edit` made to it; the argument stays as it is."""
    made = copy.deepcopy(material)
    LAYERS[edit["layer"]](made, edit)
    return made


def _bundle_bytes(material: Material, edit: Edit) -> None:
    if edit["op"] == "repeat":
        parts = [material["bundle"], {"repeat": edit["data"], "count": edit["count"]}]
        material["bundle"] = {"parts": parts}
    elif edit["op"] == "substitute" and "parts" in edit["replace"]:
        find, data = case.content(edit["find"]), case.content(material["bundle"])
        assert data.count(find) == 1, (find, data.count(find))
        before, _, after = data.partition(find)
        material["bundle"] = {"parts": [as_rule(before), *edit["replace"]["parts"], as_rule(after)]}
    else:
        material["bundle"] = as_rule(_edit_bytes(case.content(material["bundle"]), edit))


def _edit_bytes(data: bytes, edit: Edit) -> bytes:
    """Bytes edited: substitute, prepend, append, surround, encode, keep, replace."""
    if edit["op"] == "substitute":
        find = case.content(edit["find"])
        assert data.count(find) == 1, (find, data.count(find))
        return data.replace(find, case.content(edit["replace"]))
    if edit["op"] == "encode":
        return data.decode("utf-8").encode(edit["encoding"])
    if edit["op"] == "keep":
        return data[: edit["bytes"]]
    if edit["op"] == "surround":
        return case.content(edit["before"]) + data + case.content(edit["after"])
    more = case.content(edit["data"])
    return {"prepend": more + data, "append": data + more, "replace": more}[edit["op"]]


def _bundle(material: Material, edit: Edit) -> None:
    value = open_bundle(material)
    material["bundle"] = as_rule(dump(edit_json(value, edit)))


def _envelope(material: Material, edit: Edit) -> None:
    """Change a member of the envelope. The signature covers payload and payload type: then it is made again."""
    value = open_bundle(material)
    envelope = value["dsseEnvelope"]
    if edit["op"] == "spell":
        at = parse_pointer(edit["pointer"])
        text = _get(envelope, at)
        spelt = SPELLINGS[edit["spelling"]](text)
        assert spelt != text, edit
        _set(envelope, at, spelt)
    else:
        value["dsseEnvelope"] = envelope = edit_json(envelope, edit)
    if edit.get("signed_again"):
        value = _signed(material, envelope)
    material["bundle"] = as_rule(dump(value))


def _signature(material: Material, edit: Edit) -> None:
    value = open_bundle(material)
    envelope = value["dsseEnvelope"]
    message = pae(envelope["payloadType"], base64.b64decode(envelope["payload"]))
    made = signatures.make(material["signer"], message, edit["op"], edit.get("arguments", {}))
    envelope["signatures"][0]["sig"] = b64(made)
    material["bundle"] = as_rule(dump(value))


def _payload_bytes(material: Material, edit: Edit) -> None:
    seal(material, _edit_bytes(open_payload(material), edit), edit)


def _payload(material: Material, edit: Edit) -> None:
    value = edit_json(json.loads(open_payload(material)), edit)
    if edit.get("root_digest") == "recomputed":
        value["subject"][0]["digest"]["sha256"] = root_digest(value["predicate"]["resources"])
    seal(material, dump(value), edit)


def _model(material: Material, edit: Edit) -> None:
    """Change tree and resources together."""
    value = json.loads(open_payload(material))
    serialization = value["predicate"]["serialization"]
    entries, path = material["model"]["entries"], edit["path"]
    rule = next((entry["content"] for entry in entries if entry["path"] == path), None)
    old = {each["name"] for each in resources_of(path, rule, serialization)} if rule else set()
    if edit["op"] == "rename":
        path = edit["to"]
    rule = as_rule(edit["content"]) if "content" in edit else rule
    new = [] if edit["op"] == "remove" or rule is None else resources_of(path, rule, serialization)
    resources = [each for each in value["predicate"]["resources"] if each["name"] not in old]
    value["predicate"]["resources"] = sort(resources + new)
    value["subject"][0]["digest"]["sha256"] = root_digest(value["predicate"]["resources"])
    kept = [entry for entry in entries if entry["path"] != edit["path"]]
    if edit["op"] != "remove":
        kept.append({"path": path, "type": "file", "content": rule})
    material["model"]["entries"] = kept
    seal(material, dump(value), edit)


def _tree(material: Material, edit: Edit) -> None:
    entries = material["outside"] if edit["layer"] == "outside" else material["model"]["entries"]
    at = next((index for index, entry in enumerate(entries) if entry["path"] == edit.get("path")), None)
    if edit["op"] == "add":
        entries.extend(edit["entries"] if "entries" in edit else [edit["entry"]])
        return
    if edit["op"] == "exchange":
        entries[:] = edit["entries"]
        return
    assert at is not None, edit
    if edit["op"] == "remove":
        del entries[at]
    elif edit["op"] == "rename":
        entries[at]["path"] = edit["to"]
    else:
        entries[at] = edit["entry"]


def _recipe(material: Material, edit: Edit) -> None:
    envelope = open_bundle(material)["dsseEnvelope"]
    material["bundle"] = as_rule(dump(_signed(material, envelope, edit["changes"])))


def _options(material: Material, edit: Edit) -> None:
    material["options"][edit["name"]] = edit["value"]


def _trust(material: Material, edit: Edit) -> None:
    material["trust"][edit["name"]] = edit["value"]


def _trusted_root(material: Material, edit: Edit) -> None:
    config = json.loads(material["trust"]["trusted_root"])
    if edit["op"] == "others":
        at = parse_pointer(edit["pointer"])
        edit = {**edit, "op": "set", "value": _get(sigstore.others(at[0]), at[1:])}
    config["trustedRoot"] = edit_json(config["trustedRoot"], edit)
    material["trust"]["trusted_root"] = json.dumps(config)


def _placement(material: Material, edit: Edit) -> None:
    material["bundle_path"] = edit["value"]


def _time(material: Material, edit: Edit) -> None:
    material["verification_time"] = edit["value"]


def _chain(material: Material, edit: Edit) -> None:
    """Change the recipe, and make all certificates again."""
    material["chain"] = edit_json(material["chain"], edit)
    put_chain(material)


def _signer(material: Material, edit: Edit) -> None:
    material["signer"] = edit["label"]
    pem = keys.public_pem(edit["label"])
    material["trust"]["public_key"] = pem
    value = open_bundle(material)
    value["verificationMaterial"]["publicKey"]["hint"] = keys.fingerprint(pem)
    material["bundle"] = as_rule(dump(value))
    material["bundle"] = as_rule(dump(_signed(material, value["dsseEnvelope"])))


LAYERS: dict[str, Callable[[Material, Edit], None]] = {
    "bundle-bytes": _bundle_bytes,
    "bundle": _bundle,
    "envelope": _envelope,
    "signature": _signature,
    "payload-bytes": _payload_bytes,
    "payload": _payload,
    "model": _model,
    "signer": _signer,
    "recipe": _recipe,
    "chain": _chain,
    "tree": _tree,
    "outside": _tree,
    "options": _options,
    "trust": _trust,
    "trusted-root": _trusted_root,
    "placement": _placement,
    "time": _time,
}

# --- bundles and payloads


def open_bundle(material: Material) -> JSON:
    """The JSON value of the bundle, which has to be in canonical form: else it can't be written back."""
    data = case.content(material["bundle"])
    value = json.loads(data)
    assert dump(value) == data, "an edit above the bytes needs a canonical bundle"
    return value


def open_payload(material: Material) -> bytes:
    """The bytes of the payload."""
    return base64.b64decode(open_bundle(material)["dsseEnvelope"]["payload"])


def seal(material: Material, payload: bytes, edit: Edit) -> None:
    """Put `payload` into the bundle and sign it, unless the edit says that the signature is kept."""
    value = open_bundle(material)
    value["dsseEnvelope"]["payload"] = b64(payload)
    if edit.get("signature") != "kept":
        value = _signed(material, value["dsseEnvelope"])
    material["bundle"] = as_rule(dump(value))


def _signed(material: Material, envelope: JSON, changes: Mapping[str, JSON] | None = None) -> JSON:
    """The bundle of `material` with `envelope`, signed again: with Sigstore all that depends on it is made again."""
    value, signer = open_bundle(material), material["signer"]
    kind = envelope.get("payloadType", PAYLOAD_TYPE)
    payload = base64.b64decode(envelope["payload"].translate(str.maketrans("-_", "+/")))
    if sigstore.is_sigstore(signer):
        honest = sigstore.bundle_of(signer, open_payload(material), value["dsseEnvelope"]["payloadType"])
        assert value == honest, "only a bundle that is as its recipe makes it can be signed again"
        return sigstore.bundle_of(signer, payload, kind, changes)
    envelope["signatures"][0]["sig"] = b64(keys.sign(signer, pae(kind, payload)))
    return {**value, "dsseEnvelope": envelope}


def _letters_swapped(text: str) -> str:
    assert "+" in text or "/" in text, "the control has no character that the alphabets differ in"
    return text.translate(str.maketrans("+/", "-_"))


def _last_bits_set(text: str) -> str:
    """The last character has bits that stand for nothing; set one of them."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body = text.rstrip("=")
    assert len(body) < len(text), "the control's base64 has no unused bits"
    return body[:-1] + alphabet[alphabet.index(body[-1]) + 1] + "=" * (len(text) - len(body))


SPELLINGS: dict[str, Callable[[str], str]] = {
    "url-safe": _letters_swapped,
    "minus and slash": lambda text: text.replace("+", "-"),
    "plus and underscore": lambda text: text.replace("/", "_"),
    "last bits set": _last_bits_set,
    "no padding": lambda text: text.rstrip("="),
    "too much padding": lambda text: text + "=",
    "four more padding characters": lambda text: text + "====",
    "padding inside": lambda text: text[:2] + "==" + text[4:],
    "a padding character short": lambda text: text[:-1],
    "more after the padding": lambda text: text + "AAAA",
    "a character more": lambda text: text + "A",
    "a space inside": lambda text: text[:4] + " " + text[4:],
    "a newline at the end": lambda text: text + "\n",
    "lines of 76": lambda text: "\r\n".join(text[n : n + 76] for n in range(0, len(text), 76)),
    "a foreign character": lambda text: text[:4] + "!" + text[4:],
    "a wide character": lambda text: text[:4] + "Ａ" + text[5:],
    "a NUL inside": lambda text: text[:4] + "\0" + text[4:],
    "a data URL": lambda text: "data:;base64," + text,
    "percent signs": lambda text: text.replace("=", "%3D"),
    "twice": lambda text: b64(text.encode()),
}

# --- JSON pointers (RFC 6901)


def parse_pointer(pointer: str) -> list[str]:
    """The parts of a JSON pointer."""
    assert pointer == "" or pointer.startswith("/"), pointer
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _get(value: JSON, at: list[str]) -> JSON:
    for part in at:
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def _set(value: JSON, at: list[str], new: JSON) -> None:
    parent = _get(value, at[:-1])
    parent[int(at[-1]) if isinstance(parent, list) else at[-1]] = new


def edit_json(value: JSON, edit: Edit) -> JSON:
    """A JSON value with set, remove, insert, move or one of IN_PLACE made to it."""
    at = parse_pointer(edit["pointer"])
    if edit["op"] == "relabel":
        _relabel(_get(value, at), edit["from"], edit["to"])
        return value
    if edit["op"] in IN_PLACE:
        _set(value, at, IN_PLACE[edit["op"]](_get(value, at), edit))
        return value
    if not at:
        assert edit["op"] == "set", edit
        return edit["value"]
    parent = _get(value, at[:-1])
    key: Any = at[-1]
    if isinstance(parent, list):
        key = len(parent) if at[-1] == "-" else int(at[-1])
    if edit["op"] == "set":
        parent[key] = edit["value"]
    elif edit["op"] == "insert":
        parent.insert(key, edit["value"])
    elif edit["op"] == "remove":
        del parent[key]
    else:
        _put(value, parse_pointer(edit["to"]), parent.pop(key))
    return value


def _relabel(predicate: JSON, old: str, new: str) -> None:
    """Rename an algorithm in hash_type and in every resource."""
    for holder, name in (
        (predicate["serialization"], "hash_type"),
        *((r, "algorithm") for r in predicate["resources"]),
    ):
        assert holder[name] == old, holder
        holder[name] = new


def _flipped(text: str) -> str:
    data = bytearray(base64.b64decode(text))
    data[-1] ^= 1
    return b64(bytes(data))


def _substituted(text: str, find: str, replacement: str) -> str:
    assert text.count(find) == 1, (find, text)
    return text.replace(find, replacement)


IN_PLACE: dict[str, Callable[[JSON, Edit], JSON]] = {
    "flip": lambda value, edit: _flipped(value),
    "add": lambda value, edit: str(int(value) + edit["number"]),
    "double": lambda value, edit: [*value, copy.deepcopy(value[-1])],
    "text": lambda value, edit: _substituted(value, edit["find"], edit["replace"]),
}


def _put(value: JSON, at: list[str], moved: JSON) -> None:
    parent = _get(value, at[:-1])
    if isinstance(parent, list):
        parent.insert(len(parent) if at[-1] == "-" else int(at[-1]), moved)
    else:
        parent[at[-1]] = moved
