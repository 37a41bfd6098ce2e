"""What every family is made of: the canonical writer, models as data, signed bundles, and the registry.

A family is a list of small functions. One that is decorated with `control` gives the material of a vector
that is right; one with `reject`, `accept` or `either` gives the one edit that is made to a control. The
docstring is the published description.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from conformance import case

from . import chains, keys, sigstore

JSON = Any
Material = dict[str, Any]  # what a client is given: the members case.MATERIAL
Edit = dict[str, Any]
Rule = dict[str, Any]  # content by rule, as case.pieces reads it
Content = str | bytes | Rule

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"
SIGNER = "p256/model"


def dump(value: JSON) -> bytes:
    """The canonical bytes of a JSON value: names sorted, no white space, UTF-8."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogatepass")


def b64(data: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(data).decode()


def as_rule(content: Content) -> Rule:
    """Content given in any form, as data."""
    if isinstance(content, dict):
        return content
    data = content.encode() if isinstance(content, str) else content
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": b64(data)}
    return {"text": text} if text.isprintable() or text.replace("\n", "").isprintable() else {"base64": b64(data)}


def pae(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed (DSSE v1)."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def digest_of(hash_type: str, data: bytes) -> str:
    """The digest in hex, by an algorithm of the OMS registry."""
    if hash_type == "blake3":
        from blake3 import blake3

        return blake3(data).hexdigest()
    return hashlib.new(hash_type, data).hexdigest()


def resources_of(path: str, rule: Rule, serialization: Mapping[str, Any]) -> list[JSON]:
    """The resources of one file: itself, or its shards."""
    data, hash_type = case.content(rule), serialization["hash_type"]
    if serialization["method"] == "files":
        ranges = [(path, data)]
    else:
        size = int(serialization["shard_size"])
        starts = range(0, len(data), size)
        ranges = [(f"{path}:{n}:{min(n + size, len(data))}", data[n : n + size]) for n in starts]
    return [{"algorithm": hash_type, "digest": digest_of(hash_type, part), "name": name} for name, part in ranges]


def sort(resources: list[JSON]) -> list[JSON]:
    """In OMS order: by code point of the whole name."""
    return sorted(resources, key=lambda resource: str(resource["name"]))


def root_digest(resources: Iterable[JSON]) -> str:
    """SHA-256 over the raw digests in order, in hex."""
    return hashlib.sha256(b"".join(bytes.fromhex(each["digest"]) for each in resources)).hexdigest()


def statement(name: str, resources: list[JSON], serialization: JSON) -> JSON:
    """The in-toto statement."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": root_digest(resources)}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"resources": resources, "serialization": serialization},
    }


def file(path: str | dict[str, str], content: Content, **more: Any) -> JSON:
    """An entry of a tree: a file."""
    return {"path": path, "type": "file", "content": as_rule(content), **more}


def directory(path: str, **more: Any) -> JSON:
    """An entry of a tree: a directory, needed only where it is empty or has a mode."""
    return {"path": path, "type": "directory", **more}


def link(path: str, target: str) -> JSON:
    """An entry of a tree: a symbolic link."""
    return {"path": path, "type": "link", "target": target}


def hardlink(path: str, target: str) -> JSON:
    """An entry of a tree: another name of a file in it."""
    return {"path": path, "type": "hardlink", "target": target}


def special(path: str, kind: str) -> JSON:
    """An entry of a tree: a FIFO or a socket."""
    return {"path": path, "type": kind}


SERIALIZATION = {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": []}


def key_case(
    files: Mapping[str, Content],
    *,
    unsigned: Iterable[JSON] = (),
    entries: Iterable[JSON] | None = None,
    outside: Iterable[JSON] = (),
    options: Mapping[str, Any] | None = None,
    name: str = "model",
    signer: str = SIGNER,
    bundle_path: str = "model.sig",
    shard_size: int | None = None,
    **serialization: Any,
) -> Material:
    """A model of `files`, signed with the method key; `unsigned` entries lie beside them.

    `entries` is the tree itself where it is not made of `files`. With `shard_size` the method is shards.
    """
    rules = {path: as_rule(content) for path, content in files.items()}
    members = SERIALIZATION | ({"method": "shards", "shard_size": shard_size} if shard_size else {}) | serialization
    resources = sort([each for path, rule in rules.items() for each in resources_of(path, rule, members)])
    tree = [file(path, rule) for path, rule in rules.items()] if entries is None else list(entries)
    return {
        "method": "key",
        "signer": signer,
        "bundle": as_rule(dump(key_bundle(signer, dump(statement(name, resources, members))))),
        "bundle_path": bundle_path,
        "trust": {"public_key": keys.public_pem(signer)},
        "verification_time": None,
        "options": dict(options or {}),
        "model": {"name": name, "entries": [*tree, *unsigned]},
        "outside": list(outside),
    }


def sigstore_case(files: Mapping[str, Content], recipe: str = "rekor-v1", **more: Any) -> Material:
    """The same for the method sigstore: signed as one of sigstore.RECIPES has it. `more` is as for key_case."""
    made = key_case(files, **more)
    signer = sigstore.PREFIX + recipe
    payload = base64.b64decode(json.loads(case.content(made["bundle"]))["dsseEnvelope"]["payload"])
    bundle = as_rule(dump(sigstore.bundle_of(signer, payload, PAYLOAD_TYPE)))
    return {**made, "method": "sigstore", "signer": signer, "bundle": bundle, "trust": sigstore.trust_of(signer)}


def key_bundle(signer: str, payload: bytes) -> JSON:
    """A bundle over `payload`, signed with the method key."""
    return {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": keys.fingerprint(keys.public_pem(signer))}},
        "dsseEnvelope": {
            "payload": b64(payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": b64(keys.sign(signer, pae(PAYLOAD_TYPE, payload)))}],
        },
    }


def certificate_case(
    files: Mapping[str, Content], chain: Mapping[str, Any], *, verification_time: str, **more: Any
) -> Material:
    """A model of `files`, signed with the method certificate; `chain` is a recipe, `more` is as for key_case."""
    material = key_case(files, signer=chains.signer(chain), **more)
    material |= {"method": "certificate", "verification_time": verification_time, "chain": dict(chain)}
    put_chain(material)
    return material


def put_chain(material: Material) -> None:
    """Make the certificates of the recipe, put them where they belong, and sign with the signer's key."""
    chain, value = material["chain"], json.loads(case.content(material["bundle"]))
    rows = [{"rawBytes": b64(der)} for der in chains.bundled(chain)]
    value["verificationMaterial"] = {"x509CertificateChain": {"certificates": rows}}
    envelope = value["dsseEnvelope"]
    message = pae(envelope["payloadType"], base64.b64decode(envelope["payload"]))
    envelope["signatures"][0]["sig"] = b64(keys.sign(chains.signer(chain), message))
    material["signer"] = chains.signer(chain)
    material["trust"] = {"certificates": chains.given(chain)}
    material["bundle"] = as_rule(dump(value))


class Entry(NamedTuple):
    """A vector as its function declares it, before it is made."""

    id: str
    about: dict[str, Any]
    control: str | None
    make: Callable[[], Any]


class Family:
    """The vectors of one file. `defaults` are members that its vectors share unless they say otherwise."""

    def __init__(self, name: str, title: str, **defaults: Any) -> None:
        """An empty family."""
        self.name, self.title = name, title
        self.entries: list[Entry] = []
        self.defaults = {"profile": "core", "severity": "medium", **defaults}

    def group(self, **defaults: Any) -> Family:
        """The same family with other defaults."""
        made = Family(self.name, self.title, **{**self.defaults, **defaults})
        made.entries = self.entries
        return made

    def control(
        self, name: str, *clauses: str, **about: Any
    ) -> Callable[[Callable[[], Material]], Callable[[], Material]]:
        """A vector that is right, and the base of others."""
        words = {"why": "Nothing in OMS or the specifications it cites forbids it.", "severity": "none"}
        words["gain"] = "A client that refuses it can't verify what others sign."
        return self._add(name, clauses, "accept", {**words, "control": None, **about})

    def open_control(
        self, name: str, *clauses: str, **about: Any
    ) -> Callable[[Callable[[], Material]], Callable[[], Material]]:
        """A base of others that OMS does not say is right. Who refuses it is not judged by those."""
        words = {"gain": "Models that this project signs can't be verified.", "severity": "low"}
        more = {"profile": "ref-strict", "decides": "accept", "control": None}
        return self._add(name, clauses, "either", {**words, **more, **about})

    def reject(self, name: str, *clauses: str, **about: Any) -> Callable[[Callable[[], Edit]], Callable[[], Edit]]:
        """A vector that every client must refuse."""
        return self._add(name, clauses, "reject", about)

    def accept(self, name: str, *clauses: str, **about: Any) -> Callable[[Callable[[], Edit]], Callable[[], Edit]]:
        """A control with one change that no client may refuse."""
        return self._add(name, clauses, "accept", {"severity": "low", **about})

    def either(
        self, name: str, *clauses: str, ours: str = "reject", **about: Any
    ) -> Callable[[Callable[[], Edit]], Callable[[], Edit]]:
        """A vector that OMS leaves open, and what this project does with it. Never scored."""
        return self._add(name, clauses, "either", {"profile": "ref-strict", "decides": ours, **about})

    def _add(self, name: str, clauses: tuple[str, ...], verdict: str, about: dict[str, Any]) -> Callable[[Any], Any]:
        def register(function: Any) -> Any:
            assert function.__doc__, name
            members = {**self.defaults, **about, "clauses": list(clauses), "verdict": verdict}
            members["what"] = " ".join(function.__doc__.split())
            self.entries.append(Entry(f"{self.name}/{name}", members, _full(self.name, members["control"]), function))
            return function

        return register


def _full(family: str, control: str | None) -> str | None:
    return control if control is None or "/" in control else f"{family}/{control}"


def vector_of(entry: Entry, material: Material, edit: Edit | None) -> case.Vector:
    """The published form of a vector."""
    about = entry.about
    decides = {"reject": "reject", "accept": "accept"}.get(about["verdict"], about.get("decides", ""))
    stage = about.get("stage") if decides == "reject" else "unsupported" if decides == "unsupported" else None
    stages = about.get("stages", [about["stage"]]) if decides == "reject" or about["verdict"] == "reject" else []
    return {
        "id": entry.id,
        "what": about["what"],
        "why": about["why"],
        "gain": about["gain"],
        "severity": about["severity"],
        "clauses": sorted(about["clauses"]),
        "profile": about["profile"],
        "verdict": about["verdict"],
        "stages": [each for each in case.STAGES if each in stages],
        "ours": {"verdict": decides, "stage": stage},
        "control": entry.control,
        "edit": edit,
        **{name: material[name] for name in case.made_of(material)},
    }
