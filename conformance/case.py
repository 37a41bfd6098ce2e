"""A conformance vector: read it, check its shape, and lay it out on disk. Standard library only.

Runner, tests and generator all come through here, so that a vector means the same to each of them. The
format is described in vectors/README.md and vectors/vector.schema.json.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

VECTORS = Path(__file__).with_name("vectors")
FORMAT = 1

VERDICTS = ("accept", "reject", "either")
SEVERITIES = ("high", "medium", "low", "none")
METHODS = ("key", "certificate", "sigstore")
LAYERS = (
    *("bundle-bytes", "bundle", "envelope", "signature", "payload-bytes", "payload", "model"),
    *("signer", "recipe", "chain", "tree", "outside", "options", "trust", "trusted-root", "placement", "time"),
)
STAGES = (
    *("bundle", "material", "envelope", "key", "certificate", "time", "identity", "transparency"),
    *("signature", "statement", "predicate", "names", "root-digest", "files", "digest", "unsupported"),
)
PROFILES = ("core", "shards", "blake2b", "blake3", "symlinks", "certificate", "sigstore", "ref-strict")
COMPAT = "compat-"  # and a version of a released client: compat-1.1

# What a client is given; the rest of a vector is about it.
MATERIAL = (
    *("method", "signer", "bundle", "bundle_path", "trust", "verification_time"),
    *("options", "model", "outside"),
)
ABOUT = (
    *("id", "what", "why", "gain", "severity", "clauses", "profile", "verdict", "stages", "ours"),
    *("control", "edit"),
)
# How the material of a method was made, for edits; a client is given what came of it.
RECIPES = {"certificate": "chain"}
# Whom the caller trusts, and what of it each method needs.
TRUST = ("public_key", "certificates", "identity", "issuer", "trusted_root")
NEEDED = {"key": ("public_key",), "certificate": ("certificates",), "sigstore": ("identity", "issuer", "trusted_root")}
OPTIONS = (
    *("ignore_paths", "ignore_unsigned_files", "ignore_git_paths", "allow_symlinks"),
    *("hash_algorithm", "shard_size", "allow_v02", "max_bundle_bytes", "partial_chain", "require_code_signing"),
)
ENTRY_TYPES = ("file", "directory", "link", "hardlink", "fifo", "socket")

Vector = dict[str, Any]
_BLOCK = 1 << 20


class NotApplicable(Exception):
    """This system can't hold the vector's tree; the text says why. It is neither passed nor failed."""


class InvalidVector(ValueError):
    """The data is not a vector; the text says where and why."""


class Case(NamedTuple):
    """A vector on disk: absolute paths to hand to a client, and what the vector says of the caller."""

    vector: Vector
    folder: Path
    model: Path
    bundle: Path
    public_key: Path | None
    certificates: tuple[Path, ...]
    trusted_root: Path | None


def families(folder: Path = VECTORS) -> list[str]:
    """The names of the families of OMS vectors, as the manifest lists them."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    return [each["family"] for each in manifest["families"] if each["schema"] == "vector.schema.json"]


def load(folder: Path = VECTORS) -> Iterator[Vector]:
    """Every vector, family by family. Raises InvalidVector."""
    for family in families(folder):
        yield from load_family(folder / f"{family}.json")


def load_family(path: Path) -> list[Vector]:
    """The vectors of one file, their shape checked. Raises InvalidVector."""
    data = json.loads(path.read_text("utf-8"))
    _need(data.get("format") == FORMAT, f"{path.name}: format {data.get('format')} is not {FORMAT}")
    for vector in data["vectors"]:
        check(vector)
        _need(vector["id"].startswith(data["family"] + "/"), f"{vector['id']} is not of the family {data['family']}")
    vectors: list[Vector] = data["vectors"]
    return vectors


def is_scored(vector: Vector) -> bool:
    """Whether a client may be judged by the vector: OMS, not this project alone, says what is right."""
    return bool(vector["verdict"] != "either" and vector["profile"] != "ref-strict")


def made_of(vector: Vector) -> tuple[str, ...]:
    """The members that an edit may change: what a client is given, and the recipe if the method has one."""
    recipe = RECIPES.get(vector.get("method", ""))
    return MATERIAL if recipe is None else (*MATERIAL, recipe)


def profiles(vector: Vector) -> set[str]:
    """What a client must have for the vector to say anything of it: the profile, and the method's where it has one."""
    return {vector["profile"], vector["method"]} - {"key", "ref-strict"}


def check(vector: Vector) -> None:
    """Return if `vector` has the shape of a vector; no schema library needed. Raises InvalidVector."""
    name = vector.get("id", "a vector without id")
    known = {*made_of(vector), *ABOUT}
    _need(set(vector) == known, f"{name}: members {sorted(known ^ set(vector))}")
    _need(vector["verdict"] in VERDICTS, f"{name}: verdict {vector['verdict']}")
    _need(vector["severity"] in SEVERITIES, f"{name}: severity {vector['severity']}")
    _need(vector["method"] in METHODS, f"{name}: method {vector['method']}")
    _need(vector["profile"] in PROFILES or vector["profile"].startswith(COMPAT), f"{name}: profile")
    _need(set(vector["stages"]) <= set(STAGES), f"{name}: stages {vector['stages']}")
    _need(bool(vector["stages"]) or vector["verdict"] != "reject", f"{name}: a reject without stages")
    _need((vector["control"] is None) == (vector["edit"] is None), f"{name}: control and edit go together")
    _need(vector["edit"] is None or vector["edit"]["layer"] in LAYERS, f"{name}: layer")
    _need(set(NEEDED[vector["method"]]) <= set(vector["trust"]) <= set(TRUST), f"{name}: trust")
    _need(set(vector["options"]) <= set(OPTIONS), f"{name}: options")
    for entry in (*vector["model"]["entries"], *vector["outside"]):
        _need(entry["type"] in ENTRY_TYPES, f"{name}: type {entry['type']}")


def _need(holds: bool, detail: str) -> None:
    if not holds:
        raise InvalidVector(detail)


def pieces(rule: dict[str, Any]) -> Iterator[bytes]:
    """The bytes that a rule stands for, in pieces of at most about a mebibyte.

    Rules: {"text"}, {"base64"}, {"seed", "length"}, {"parts": [rule or {"repeat", "count"}]}. Sparse files
    have no bytes here.
    """
    if "text" in rule:
        yield rule["text"].encode("utf-8")
    elif "base64" in rule:
        yield base64.b64decode(rule["base64"], validate=True)
    elif "seed" in rule:
        yield from _stream(rule["seed"], rule["length"])
    elif "repeat" in rule:
        data, left = rule["repeat"].encode("utf-8"), rule["count"]
        at_once = max(1, _BLOCK // len(data))
        while left:
            yield data * min(left, at_once)
            left -= min(left, at_once)
    else:
        for part in rule["parts"]:
            yield from pieces(part)


def _stream(seed: str, length: int) -> Iterator[bytes]:
    """SHA-256 of the seed and a counter, again and again: incompressible bytes that anybody can make."""
    block = 0
    while length > 0:
        data = b"".join(
            hashlib.sha256(f"{seed}/{block + n}".encode()).digest() for n in range(min(_BLOCK, length + 31) // 32 or 1)
        )
        block += len(data) // 32
        yield data[:length]
        length -= len(data)


def content(rule: dict[str, Any]) -> bytes:
    """All the bytes of a rule at once."""
    return b"\0" * rule["sparse"] if "sparse" in rule else b"".join(pieces(rule))


def bundle_bytes(vector: Vector) -> bytes:
    """The bytes of the bundle."""
    return content(vector["bundle"])


def path_bytes(path: str | dict[str, str]) -> bytes:
    """A path of an entry: UTF-8 text, or bytes in hex where it is not UTF-8."""
    return path.encode("utf-8") if isinstance(path, str) else bytes.fromhex(path["hex"])


def materialise(vector: Vector, folder: Path) -> Case:
    """Lay the vector out in `folder`, which exists and is empty. Raises NotApplicable."""
    model, bundle = lay_out(vector, folder, vector["bundle"])
    return Case(vector, folder, model, bundle, *write_trust(vector["trust"], folder))


def lay_out(vector: Vector, folder: Path, bundle: dict[str, Any] | None) -> tuple[Path, Path]:
    """Make the trees of a vector, and the bundle if there is one: the paths of both. Raises NotApplicable."""
    model, path = folder / vector["model"]["name"], folder / vector["bundle_path"]
    try:
        _lay_out(folder, vector["outside"])
        _lay_out(model, vector["model"]["entries"])
        if bundle is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "wb") as file:
                file.writelines(pieces(bundle))
        _set_modes(folder, vector["outside"])
        _set_modes(model, vector["model"]["entries"])
    except (OSError, ValueError, NotImplementedError, AttributeError) as error:
        raise NotApplicable(f"this system can't make the tree: {error}") from error
    return model, path


def write_trust(trust: dict[str, Any], folder: Path) -> tuple[Path | None, tuple[Path, ...], Path | None]:
    """Write whom the caller trusts: the paths of the public key, the certificates and the trusted root."""
    return (
        _write(folder / "key.pub", trust.get("public_key")),
        tuple(_write_all(folder, trust.get("certificates", ()))),
        _write(folder / "trusted_root.json", trust.get("trusted_root")),
    )


def _write(path: Path, text: str | None) -> Path | None:
    if text is None:
        return None
    path.write_text(text, "utf-8")
    return path


def _write_all(folder: Path, texts: list[str]) -> Iterator[Path]:
    for number, text in enumerate(texts):
        path = folder / f"certificate-{number}.pem"
        path.write_text(text, "utf-8")
        yield path


def _lay_out(root: Path, entries: list[dict[str, Any]]) -> None:
    """Make the entries below `root`; the entry with an empty path is `root` itself."""
    if not any(entry["path"] == "" for entry in entries):
        root.mkdir(parents=True, exist_ok=True)
    base = os.fsencode(root)
    for entry in entries:
        path = os.path.join(base, path_bytes(entry["path"])) if entry["path"] else base
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path) and entry["type"] != "directory":
            raise NotApplicable(f"the file system takes {entry['path']!r} for a name that is there already")
        _MAKE[entry["type"]](path, base, entry)


def _make_file(path: bytes, _: bytes, entry: dict[str, Any]) -> None:
    rule = entry["content"]
    with open(path, "xb") as file:
        if "sparse" in rule:
            file.truncate(rule["sparse"])
        else:
            file.writelines(pieces(rule))
    os.chmod(path, 0o644)


def _make_directory(path: bytes, _: bytes, entry: dict[str, Any]) -> None:
    os.makedirs(path, exist_ok=True)


def _make_link(path: bytes, _: bytes, entry: dict[str, Any]) -> None:
    os.symlink(path_bytes(entry["target"]), path)


def _make_hardlink(path: bytes, base: bytes, entry: dict[str, Any]) -> None:
    os.link(os.path.join(base, path_bytes(entry["target"])), path)


def _make_fifo(path: bytes, _: bytes, entry: dict[str, Any]) -> None:
    os.mkfifo(path)


def _make_socket(path: bytes, _: bytes, entry: dict[str, Any]) -> None:
    """A socket's address is short, so it is made from its own folder."""
    folder, name = os.path.split(path)
    here = os.open(os.curdir, os.O_RDONLY)
    try:
        os.chdir(folder)
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(name)
    finally:
        os.fchdir(here)
        os.close(here)


_MAKE: dict[str, Callable[[bytes, bytes, dict[str, Any]], None]] = {
    "file": _make_file,
    "directory": _make_directory,
    "link": _make_link,
    "hardlink": _make_hardlink,
    "fifo": _make_fifo,
    "socket": _make_socket,
}


def _set_modes(root: Path, entries: list[dict[str, Any]]) -> None:
    """Last, and from the deepest up, since a directory that may not be entered can't be filled."""
    for entry in reversed(entries):
        if "mode" in entry:
            os.chmod(os.path.join(os.fsencode(root), path_bytes(entry["path"])), int(entry["mode"], 8))


def needs_unprivileged(vector: Vector) -> bool:
    """Whether the verdict depends on permissions, which root does not heed."""
    return any("mode" in entry for entry in vector["model"]["entries"])


def release(folder: Path) -> None:
    """Give every directory below `folder` its permissions back, so that it can be removed."""
    for parent, names, _ in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            if stat.S_ISDIR(os.lstat(path).st_mode):
                os.chmod(path, 0o700)
