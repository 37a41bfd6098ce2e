"""Random inputs to look for what no vector shows: accepted vectors with one edit of chance, signed again.

An input is a vector without a verdict: what a mutant says of it is held against what the unmutated verifier says.
"""

from __future__ import annotations

import json
import random
from typing import Any

from conformance import case, signing_case
from conformance.generate import edits, kit

# What is put into JSON: each kind of value, and those at the edges of what clauses allow.
VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2,
        10,
        10.0,
        2**53 - 1,
        2**53,
        2**63,
        1e300,
        "",
        ".",
        "..",
        "/",
        "a",
        "a/b",
        "a:0:10",
    ),
    *(
        "a//b",
        "../a",
        "a/",
        "\\",
        "\0",
        "é",
        "e\u0301",
        "A",
        "sha256",
        "blake2b",
        "blake2",
        "sha512",
        "files",
        "shards",
    ),
    *("0" * 64, "f" * 64, "F" * 64, "0" * 128, "AAAA", "AA==", [], {}, [None], [""], ["a"], ["a", "a"], {"a": 1}),
    *("https://in-toto.io/Statement/v1", "application/vnd.in-toto+json", "*", ".git"),
)
NAMES = ("a", "A", "z", "dir/a", ".git", ".git/a", "é", "e\u0301", "a\nb", "a b", "a:0:10", "b\\c", "model.sig", "zero")
BYTES = (
    b"\0",
    b" ",
    b"\xff",
    b"\xef\xbb\xbf",
    b"{",
    b"]",
    b'"',
    b",",
    b"1",
    b"\\",
    b"\\ud800",
    b"NaN",
    b"=",
    b"-",
    b"/",
)
OPTIONS: dict[str, tuple[Any, ...]] = {
    "ignore_unsigned_files": (True, False),
    "ignore_git_paths": (True, False),
    "allow_symlinks": (True, False),
    "hash_algorithm": ("sha256", "blake2b"),
    "shard_size": (10, 100),
    "ignore_paths": (["a"], ["dir"], ["a", "dir/b"]),
}
LAYERS = ("bundle", "payload", "payload", "payload", "bundle-bytes", "payload-bytes", "tree", "tree", "options")
LAYERS_TO_SIGN = ("tree", "options")
# What is put into the recipe of a chain.
CHAIN_VALUES: tuple[Any, ...] = (
    *(True, False, 0, 1, -1, "root", "ca", "leaf", "p256/leaf", "p384/ca", "rsa/model", "rsa1024/ca", "ed25519/ca"),
    *("sha1", "sha256", "sha512", "2020-01-01T00:00:00Z", "2026-03-01T00:00:00Z", "2028-01-01T00:00:00Z", "Model CA"),
    *(["codeSigning"], ["serverAuth"], ["digitalSignature"], ["keyCertSign"], [["dNSName", "models.example"]], {}),
    *({"critical": True, "value": "0500"}, {"critical": True, "ca": True, "path_length": 0}),
)
TO_SIGN = ("options", "model", "outside")  # what may be edited of a vector to sign
MAX_BYTES = 50_000  # of a bundle that is edited


def inputs(vectors: list[case.Vector], seed: int, count: int) -> list[case.Vector]:
    """`count` inputs, the same for the same seed and vectors."""
    chance = random.Random(seed)  # noqa: S311 - nothing here is a secret
    controls = [v for v in vectors if v["verdict"] == "accept" and v["signer"] and _is_small(v)]
    made: list[case.Vector] = []
    while len(made) < count:
        control = chance.choice(controls)
        signs = signing_case.is_one(control)
        members = TO_SIGN if signs else case.made_of(control)
        try:
            material = edits.apply({name: control[name] for name in members}, _edit(chance, control))
        except (AssertionError, LookupError, ValueError, TypeError, AttributeError):
            continue  # this edit can't be made to this vector
        about: dict[str, Any] = {"id": f"random/{len(made)}", "verdict": "either", "clauses": [], "stages": []}
        if signs:
            about |= {"id": f"{signing_case.FAMILY}/{about['id']}", "manifest": None, "bundle": None}
        made.append({**control, **material, **about})
    return made


def _is_small(vector: case.Vector) -> bool:
    return "parts" not in vector["bundle"] and len(case.bundle_bytes(vector)) < MAX_BYTES


def _edit(chance: random.Random, control: case.Vector) -> Any:
    layers = LAYERS_TO_SIGN if signing_case.is_one(control) else LAYERS
    layer = chance.choice((*layers, *(("chain",) * len(LAYERS) if "chain" in control else ())))
    if layer == "chain":
        return _edit_of_json(chance, layer, control["chain"])
    if layer == "tree":
        return _edit_of_tree(chance, control)
    if layer == "options":
        known = signing_case.OPTIONS if signing_case.is_one(control) else OPTIONS
        name = chance.choice(sorted(known))
        return edits.option(name, chance.choice(OPTIONS[name]))
    data = case.bundle_bytes(control) if layer.startswith("bundle") else edits.open_payload(control)
    if layer.endswith("bytes"):
        at, more = chance.randrange(len(data) + 1), chance.choice(BYTES)
        new = data[:at] + more + data[at + chance.choice((0, 1, len(more))) :]
        return {"layer": layer, "op": "replace", "data": kit.as_rule(new)}
    return _edit_of_json(chance, layer, json.loads(data))


def _edit_of_json(chance: random.Random, layer: str, value: Any) -> Any:
    pointer, more, values = "", {}, CHAIN_VALUES if layer == "chain" else VALUES
    while isinstance(value, (dict, list)) and value and (not pointer or chance.random() < 0.8):
        key = chance.choice(sorted(value) if isinstance(value, dict) else range(len(value)))
        pointer, value = f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}", value[key]
    if layer == "payload" and chance.random() < 0.8:
        more["root_digest"] = "recomputed"
    kind = chance.randrange(5)
    if kind == 0:
        return edits.remove_at(layer, pointer, **more)
    if kind == 1:
        return edits.set_at(layer, f"{pointer.rpartition('/')[0]}/new", chance.choice(values), **more)
    if kind == 2 and pointer[-1].isdigit():
        return edits.insert_at(layer, pointer, value, **more)
    if kind == 3 and pointer[-1].isdigit():
        return edits.move_at(layer, pointer, f"{pointer.rpartition('/')[0]}/0", **more)
    return edits.set_at(layer, pointer, chance.choice(values), **more)


def _edit_of_tree(chance: random.Random, control: case.Vector) -> Any:
    paths = [entry["path"] for entry in control["model"]["entries"]]
    path, name = chance.choice(paths or [""]), chance.choice(NAMES)
    content = chance.choice(({"text": ""}, {"text": "x"}, {"seed": "random", "length": 20}))
    entry = chance.choice(
        (
            {"path": name, "type": "file", "content": content},
            {"path": name, "type": "directory"},
            {"path": name, "type": "link", "target": chance.choice((*NAMES, ".", "..", "/"))},
            {"path": name, "type": "fifo"},
        )
    )
    kind = chance.randrange(4)
    if kind == 0:
        return edits.tree("remove", path=path)
    if kind == 1:
        return edits.tree("rename", path=path, to=name)
    return (
        edits.tree("replace", path=path, entry={**entry, "path": path}) if kind == 2 else edits.tree("add", entry=entry)
    )
