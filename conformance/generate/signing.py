"""Signing: for trees and options, the manifest, the payload and the canonical bundle that have to come out.

A `control` is to be signed: its function declares which files are signed, beside the tree that they are in, and the
rest is derived here and in kit.py. A `reject` is a control with one edit that a signer has to refuse. Where the profile
is ref-strict, OMS leaves it open.
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_public_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from . import edits, keys
from .edits import option, tree
from .kit import (
    JSON,
    SIGNER,
    Content,
    Edit,
    Entry,
    Family,
    Material,
    as_rule,
    b64,
    directory,
    dump,
    file,
    hardlink,
    key_case,
    link,
    special,
)

Vectors = Callable[[Callable[[], Material]], Callable[[], Material]]
GIT = (".git", ".gitattributes", ".github", ".gitignore")

FAMILY = Family(
    "signing",
    "Signing: the exact manifest, payload and bundle for a model",
    control="one-file",
    gain="What is signed is not the model: others refuse it, or it covers less than whoever signs believes.",
)
SIGNED = {"why": "OMS says what the manifest of this model is.", "severity": "medium"}
SIGNED["gain"] = (
    "A bundle with another manifest is refused by whoever keeps to OMS, or leaves a part of the model open."
)


def signable(files: Mapping[str, Content], **more: Any) -> Material:
    """A case in which `files` are what is signed; `more` is what kit.key_case takes, without the serialization."""
    options, place = more.get("options", {}), more.get("bundle_path", "model.sig")
    recorded = {*options.get("ignore_paths", ())} | {*(GIT if options.get("ignore_git_paths", True) else ())}
    inside = f"{more.get('name', 'model')}/"
    recorded |= {place[len(inside) :]} if place.startswith(inside) else set()
    serialization = {"hash_type": options.get("hash_algorithm", "sha256"), "ignore_paths": sorted(recorded)}
    serialization["allow_symlinks"] = options.get("allow_symlinks", False)
    return key_case(files, shard_size=options.get("shard_size"), **more, **serialization)


def vectors() -> list[JSON]:
    """All of them, made."""
    entries = {entry.id: entry for entry in FAMILY.entries}
    assert len(entries) == len(FAMILY.entries), "an ID is there twice"
    return [vector_of(entry, *_made(entry, entries)) for entry in FAMILY.entries]


def _made(entry: Entry, entries: dict[str, Entry]) -> tuple[Material, Edit | None]:
    if entry.control is None:
        return entry.make(), None
    edit = entry.make()
    return edits.apply(copy.deepcopy(entries[entry.control].make()), edit), edit


def vector_of(entry: Entry, material: Material, edit: Edit | None) -> JSON:
    """The published form of a vector. Of a refusal that OMS does not insist on, `instead` is the control's manifest."""
    about = entry.about
    strict, refused = about["profile"] == "ref-strict", edit is not None
    payload = edits.open_payload(material)
    told = {name: about[name] for name in ("what", "why", "gain", "severity")}
    return {
        "id": entry.id,
        **told,
        "clauses": sorted(about["clauses"]),
        "profile": about["profile"],
        "verdict": "either" if strict else "reject" if refused else "accept",
        "ours": {"verdict": "reject" if refused else "accept", "clause": about.get("names")},
        "control": entry.control,
        "edit": edit,
        **{name: material[name] for name in ("method", "signer", "bundle_path", "trust", "options")},
        "private_key": private_pem(material["signer"]),
        "certificates": material.get("chain", []),
        "model": material["model"],
        "outside": material["outside"],
        "manifest": None if refused and not about.get("instead") else manifest_of(payload),
        "payload": None if refused else as_rule(payload),
        "bundle": None if refused else material["bundle"],
    }


def manifest_of(payload: bytes) -> JSON:
    """What a payload says of a model, without the words of in-toto around it."""
    value = json.loads(payload)
    subject, predicate = value["subject"][0], value["predicate"]
    return {
        "name": subject["name"],
        "root_digest": subject["digest"]["sha256"],
        "serialization": predicate["serialization"],
        "resources": predicate["resources"],
    }


def private_pem(label: str) -> str:
    """The private key as PEM PKCS #8, not encrypted."""
    made = keys.elliptic_key(label).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.decode()


# --- trees


def sign(name: str, *clauses: str, **about: Any) -> Vectors:
    """A model that has to be signed, with exactly this manifest."""
    return FAMILY.control(name, *clauses, **{**SIGNED, **about})


FORMAT = ("OMS-4-01", "OMS-5-01", "OMS-5.1-01", "OMS-5.2-01", "OMS-6.3-01", "OMS-6.5-01", "OMS-11.2-04", "OMS-REG-02")
CURRENT = ("OMS-4.1-01", "OMS-4.1-04", "OMS-5.1-02", "OMS-10-03", "OMS-11.2-03", "DSSE-01", "INTOTO-01", "BUNDLE-01")
OURS = ("REF-KEY-01", "REF-KEY-02")


@sign("one-file", *FORMAT, *CURRENT, *OURS, "OMS-6.1-01", "OMS-6.5.1-01", "OMS-6.5.1-02", "OMS-6.5.1-03")
def one_file() -> Material:
    """A model of one file in a folder."""
    return signable({"weights.bin": "weights"})


@sign("nested", "OMS-6.1-01", "OMS-5.2.1-05", "OMS-5.2.1-06", "OMS-6.1.2-02", "OMS-6.1.2-11")
def nested() -> Material:
    """Files at four depths, and an empty folder, which is not listed."""
    files: dict[str, Content] = {
        "a.txt": "a",
        "b/c.txt": "c",
        "b/d/e/f.bin": {"seed": "nested", "length": 70},
        "g/h.txt": "h",
    }
    return signable(files, unsigned=[directory("b/empty"), directory("void")])


@sign("file-before-folder", "OMS-5.2.1-05")
def file_before_folder() -> Material:
    """`tokenizer.json` and `tokenizer/vocab.json`: a dot is less than a slash, and whole names are compared."""
    return signable({"tokenizer.json": "{}", "tokenizer/vocab.json": "[]", "tokenizer-old.json": "0"})


@sign("beyond-16-bits", "OMS-5.2.1-05")
def beyond_16_bits() -> Material:
    """U+FF5E comes before U+1F9E0 by code point, and after it by units of UTF-16."""
    return signable({"\U0001f9e0.bin": "brain", "\uff5e.bin": "tilde", "z.bin": "z"})


@sign("numbers", "OMS-5.2.1-05")
def numbers() -> Material:
    """Numbered files: `part-10` comes before `part-2`."""
    return signable({f"part-{n}.bin": f"part {n}" for n in (1, 2, 3, 10, 11, 20)})


@sign("capitals", "OMS-5.2.1-05", "OMS-6.1.2-08")
def capitals() -> Material:
    """Capital letters come before small ones, and an underscore between them."""
    return signable({"README": "r", "Zebra": "z", "_private": "p", "apple": "a"})


@sign("many", "OMS-6.1-01", "OMS-5.2.1-05")
def many() -> Material:
    """Sixty files in seven folders."""
    return signable({f"layer-{n % 7}/w{n}.bin": {"seed": f"many/{n}", "length": n} for n in range(60)})


@sign("empty-file", "OMS-6.1-01")
def empty_file() -> Material:
    """With the method files, a file without contents is listed like any other."""
    return signable({"__init__.py": "", "run.py": "pass\n"})


@sign("same-contents", "OMS-6.1-01", "OMS-6.5.1-01")
def same_contents() -> Material:
    """Three files have the same contents: each is listed, and each counts in the root digest."""
    return signable({"a.bin": "same", "b.bin": "same", "c/a.bin": "same"})


@sign("hard-link", "OMS-6.1-01")
def hard_link() -> Material:
    """A file has a second name in the model: a hard link is a regular file, and both names are listed."""
    files = {"a.bin": "weights", "b.bin": "weights"}
    return signable(files, entries=[file("a.bin", "weights"), hardlink("b.bin", "a.bin")])


@sign("deep", "OMS-6.1-01", "OMS-6.1.2-02")
def deep() -> Material:
    """A file lies forty folders below the model's root."""
    return signable({"/".join([*(f"f{n}" for n in range(40)), "weights.bin"]): "weights"})


@sign("large-file", "OMS-5.2.1-02")
def large_file() -> Material:
    """A file of three mebibytes and a byte, which no reader takes at once."""
    return signable({"weights.bin": {"seed": "large", "length": (3 << 20) + 1}})


@sign("single-file", "OMS-6.1.2-07", "OMS-6.5.1-03")
def single_file() -> Material:
    """The model is itself a file: its base name is both the resource's and the subject's."""
    rule = as_rule("weights")
    return signable({"model.bin": rule}, entries=[file("", rule)], name="model.bin", bundle_path="model.bin.sig")


@sign("neighbours", "OMS-6.1-01")
def neighbours() -> Material:
    """Beside the model lies a folder with a file of the same name and other contents."""
    return signable({"weights.bin": "weights"}, outside=[file("store/weights.bin", "of somebody else")])


@sign("model-name", "OMS-6.5.1-03")
def model_name() -> Material:
    """The model's folder has a space, a dot and a letter beyond ASCII in its name."""
    return signable({"weights.bin": "weights"}, name="my mod\u00e8le v1.0")


# --- names


@sign("name-with-space", "OMS-6.1.2-08")
def name_with_space() -> Material:
    """Names with spaces, at the start and the end too."""
    return signable({" first": "1", "in the middle": "2", "last ": "3"})


@sign("name-with-newline", "OMS-6.1.2-08")
def name_with_newline() -> Material:
    """A name with a newline and one with a tab."""
    return signable({"two\nlines": "1", "a\ttab": "2"})


@sign("name-with-colon", "OMS-6.1.2-08")
def name_with_colon() -> Material:
    """A name that looks like that of a shard, with the method files."""
    return signable({"weights:0:7": "weights", "c:d": "1"})


@sign("name-with-quotes", "OMS-6.1.2-08")
def name_with_quotes() -> Material:
    """Names with both kinds of quotes, and with characters that HTML or a shell would not leave alone."""
    return signable({'say "hello"': "1", "it's": "2", "<a & b>": "3", "$HOME;`ls`": "4"})


@sign("name-not-nfc", "OMS-6.1.2-08")
def name_not_nfc() -> Material:
    """A decomposed name stays decomposed."""
    return signable({"mode\u0300le.bin": "decomposed"})


@sign("name-control-characters", "OMS-6.1.2-08")
def name_control_characters() -> Material:
    """Names with U+0001, U+007F and U+2028, which JSON writers treat each in their own way."""
    return signable({"\u0001": "1", "\u007f": "2", "line\u2028end": "3"})


@sign("name-like-an-option", "OMS-6.1.2-08")
def name_like_an_option() -> Material:
    """Names that start with dashes or a dot, two dots among them, and none that is only dots."""
    return signable({"--help": "1", "-": "2", ".hidden": "3", "..data": "4", "...": "5"})


@sign("name-glob", "OMS-6.1.2-08")
def name_glob() -> Material:
    """Names with characters that patterns are made of."""
    return signable({"*.bin": "1", "a[0]": "2", "what?": "3"})


# --- what is left out


@sign("git-paths", "OMS-6.2-01", "OMS-6.2-05")
def git_paths() -> Material:
    """The four git names lie at the top: no file of theirs is listed."""
    names = (".git/config", ".git/objects/00/1", ".gitattributes", ".github/workflows/ci.yml", ".gitignore")
    return signable({"weights.bin": "weights"}, unsigned=[file(name, "git") for name in names])


@sign("git-paths-wanted", "OMS-6.2-01")
def git_paths_wanted() -> Material:
    """The caller does not want the git names left out."""
    files: dict[str, Content] = {".gitattributes": "* text\n", ".git/config": "git", "weights.bin": "weights"}
    return signable(files, options={"ignore_git_paths": False})


@sign("git-lookalikes", "OMS-6.2-01", "OMS-6.1-01")
def git_lookalikes() -> Material:
    """`.gitkeep` and `.git-old` at the top are no git names of OMS."""
    return signable({".gitkeep": "", ".git-old/config": "git", "weights.bin": "weights"})


LEFT_OPEN = {"profile": "ref-strict", "gain": "Where one client leaves out more than another, they refuse each other."}


@sign("gitmodules", "OMS-6.2-02", **{**LEFT_OPEN, "why": "OMS allows to leave out more, such as .gitmodules."})
def gitmodules() -> Material:
    """`.gitmodules` is signed."""
    return signable({".gitmodules": "[submodule]\n", "weights.bin": "weights"})


@sign("git-paths-below", "OMS-6.2-01", **{**LEFT_OPEN, "why": "OMS does not say whether the names count in folders."})
def git_paths_below() -> Material:
    """The git names in a folder of the model are signed."""
    return signable({"sub/.gitignore": "*.tmp\n", "sub/.git/config": "git", "weights.bin": "weights"})


@sign("ignored-file", "OMS-6.2-03", "OMS-6.2-05")
def ignored_file() -> Material:
    """The caller leaves out one file in a folder; its neighbour is signed."""
    unsigned = [file("code/notes.txt", "unsigned")]
    files = {"code/run.py": "pass\n", "notes.txt": "another"}
    return signable(files, unsigned=unsigned, options={"ignore_paths": ["code/notes.txt"]})


@sign("ignored-folder", "OMS-6.2-03", "OMS-6.2-05")
def ignored_folder() -> Material:
    """The caller leaves out a folder: all below it, and not the file whose name starts alike."""
    unsigned = [file("cache/index", "unsigned"), file("cache/a/b", "unsigned")]
    return signable({"cache.json": "{}", "run.py": "pass\n"}, unsigned=unsigned, options={"ignore_paths": ["cache"]})


@sign("ignored-several", "OMS-6.2-03", "OMS-6.2-05")
def ignored_several() -> Material:
    """Three paths are left out, given in no order."""
    unsigned = [file("z.log", "unsigned"), file("A/b", "unsigned"), file("m/n.txt", "unsigned")]
    return signable({"weights.bin": "weights"}, unsigned=unsigned, options={"ignore_paths": ["z.log", "m/n.txt", "A"]})


@sign("ignored-absent", "OMS-6.2-03", **{**LEFT_OPEN, "why": "OMS does not say whether what is left out must exist."})
def ignored_absent() -> Material:
    """The caller leaves out a path that is not there."""
    return signable({"weights.bin": "weights"}, options={"ignore_paths": ["cache"]})


@sign("ignored-special", "OMS-6.2-03", **{**LEFT_OPEN, "why": "OMS does not speak of special files."})
def ignored_special() -> Material:
    """A FIFO and a link lie below a folder that is left out."""
    unsigned = [special("run/pipe", "fifo"), link("run/home", "..")]
    return signable({"weights.bin": "weights"}, unsigned=unsigned, options={"ignore_paths": ["run"]})


@sign("signature-inside", "OMS-6.2-04", "OMS-6.2-05")
def signature_inside() -> Material:
    """The bundle is to be written into the model."""
    return signable({"weights.bin": "weights"}, bundle_path="model/model.sig")


@sign("signature-replaced", "OMS-6.2-04", "OMS-6.2-05")
def signature_replaced() -> Material:
    """An old bundle lies in the model where the new one goes: it is not signed."""
    old = [file("signatures/model.sig", "old")]
    return signable({"weights.bin": "weights"}, unsigned=old, bundle_path="model/signatures/model.sig")


# --- shards

SHARDS = FAMILY.group(profile="shards")


def in_shards(length: int, size: int = 16) -> Material:
    """A file of `length` bytes, beside one of one byte, in shards."""
    content: Content = {"seed": "shards", "length": length}
    files = {"weights.bin": content, "z": "z"}
    return signable(files, options={"shard_size": size})


def shards(name: str, *clauses: str) -> Vectors:
    """A model that has to be signed in shards."""
    return SHARDS.control(name, *clauses, "OMS-6.3.2-02", "OMS-6.3.2-03", **SIGNED)


@shards("shards-empty-file", "OMS-6.3.2-06")
def shards_empty_file() -> Material:
    """A file of no bytes has no shard, and is not listed."""
    return in_shards(0)


@shards("shards-one-byte", "OMS-6.3.2-05")
def shards_one_byte() -> Material:
    """A file of one byte is one short shard."""
    return in_shards(1)


@shards("shards-size-less-one", "OMS-6.3.2-05")
def shards_size_less_one() -> Material:
    """A file of a byte less than the shard size is one short shard."""
    return in_shards(15)


@shards("shards-size", "OMS-6.3.2-04")
def shards_size() -> Material:
    """A file of exactly the shard size is one shard."""
    return in_shards(16)


@shards("shards-size-and-one", "OMS-6.3.2-04", "OMS-6.3.2-05")
def shards_size_and_one() -> Material:
    """A file of a byte more than the shard size is a whole shard and one of one byte."""
    return in_shards(17)


@shards("shards-twice-the-size", "OMS-6.3.2-04")
def shards_twice_the_size() -> Material:
    """A file of twice the shard size is two whole shards."""
    return in_shards(32)


@shards("shards-order", "OMS-5.2.1-05")
def shards_order() -> Material:
    """Twelve shards: by code point, the one from 100 comes before the one from 20."""
    return in_shards(120, 10)


@shards("shards-colon", "OMS-6.3.2-08")
def shards_colon() -> Material:
    """The file's name has colons, and looks like that of a shard."""
    return signable({"a:0:16": {"seed": "colon", "length": 20}, "a": "a"}, options={"shard_size": 16})


@shards("shards-huge-size", "OMS-6.3.2-05")
def shards_huge_size() -> Material:
    """The shard size is far beyond any file, and beyond 32 bits."""
    return in_shards(70, 5_000_000_000)


# --- algorithms, links, keys


@sign("sha256-asked-for", "OMS-REG-02", "OMS-5.2.2-02")
def sha256_asked_for() -> Material:
    """The caller names the algorithm that is the default."""
    return signable({"weights.bin": "weights"}, options={"hash_algorithm": "sha256"})


@sign("blake2b", "OMS-REG-03", "OMS-7-01", "OMS-6.5.1-01", profile="blake2b")
def blake2b() -> Material:
    """Files are hashed with BLAKE2b, the root digest still with SHA-256."""
    return signable({"a": "1", "b/c": "2"}, options={"hash_algorithm": "blake2b"})


@sign("blake2b-shards", "OMS-REG-03", "OMS-6.3.2-07", profile="blake2b")
def blake2b_shards() -> Material:
    """Shards are hashed with BLAKE2b, and that is what `algorithm` says."""
    files: dict[str, Content] = {"a": {"seed": "blake", "length": 40}}
    return signable(files, options={"hash_algorithm": "blake2b", "shard_size": 16})


@sign("blake3", "OMS-REG-03", "OMS-7-01", "OMS-6.5.1-01", profile="blake3")
def blake3() -> Material:
    """Files are hashed with BLAKE3, the root digest still with SHA-256."""
    return signable({"a": "1", "b/c": {"seed": "blake3", "length": 5000}}, options={"hash_algorithm": "blake3"})


def linked(files: Mapping[str, Content], *links: JSON, **more: Any) -> Material:
    """Files of which some are reached through links, which are allowed."""
    names = {entry["path"] for entry in links}
    behind = {path.partition("/")[0] for path in files} & names
    entries = [file(path, content) for path, content in files.items() if path.partition("/")[0] not in behind]
    return signable(files, entries=[*entries, *links], options={"allow_symlinks": True}, **more)


@sign("no-links", "OMS-5.2.2-05", profile="symlinks")
def no_links() -> Material:
    """Links are allowed, and there is none: that they are allowed is recorded."""
    return linked({"weights.bin": "weights"})


@sign("link-to-file", "OMS-6.1.1-04", profile="symlinks")
def link_to_file() -> Material:
    """A link to a file of the model is listed under its own name, with the digest of the file."""
    return linked({"latest.bin": "weights", "weights.bin": "weights"}, link("latest.bin", "weights.bin"))


@sign("link-outside", "OMS-6.1.1-04", "OMS-6.1.1-05", profile="symlinks")
def link_outside() -> Material:
    """A link leads to a file beside the model, whose contents are signed."""
    outside = [file("store/blob", "from the store")]
    files = {"weights.bin": "from the store", "run.py": "pass\n"}
    return linked(files, link("weights.bin", "../store/blob"), outside=outside)


@sign(
    "link-to-folder",
    "OMS-6.1.1-04",
    **{**LEFT_OPEN, "why": "OMS does not say what becomes of a link to a folder; released clients pass over it."},
)
def link_to_folder() -> Material:
    """What is in a folder behind a link is listed below the link's name."""
    outside = [file("store/a", "1"), file("store/b/c", "2")]
    return linked({"shared/a": "1", "shared/b/c": "2", "run.py": "pass\n"}, link("shared", "../store"), outside=outside)


@sign("p-384", "OMS-REG-04")
def p_384() -> Material:
    """The key is on P-384."""
    return signable({"weights.bin": "weights"}, signer="p384/model")


@sign("p-521", "OMS-REG-04")
def p_521() -> Material:
    """The key is on P-521."""
    return signable({"weights.bin": "weights"}, signer="p521/model")


# --- certificates: valid for a century, since a signer can't be told the time

CHAINS = FAMILY.group(profile="certificate")
ROOT, ISSUER = "p256/signing-root", "p384/signing-issuer"


@lru_cache(None)
def certificate(label: str, issuer: str, authority: bool) -> x509.Certificate:
    """A certificate for the key of `label`, signed with that of `issuer`; the labels are the names."""
    key = keys.elliptic_key(issuer)
    subject, above = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in (label, issuer))
    public = load_pem_public_key(keys.public_pem(label).encode())
    assert isinstance(public, ec.EllipticCurvePublicKey)
    builder = x509.CertificateBuilder(above, subject, public, 1 + keys.seed(f"{label} {issuer}") % 2**64)
    builder = builder.not_valid_before(datetime(2020, 1, 1, tzinfo=timezone.utc))
    builder = builder.not_valid_after(datetime(2120, 1, 1, tzinfo=timezone.utc))
    builder = builder.add_extension(x509.BasicConstraints(authority, None), critical=True)
    usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment"), False)
    usage |= dict.fromkeys(("key_agreement", "encipher_only", "decipher_only"), False)
    usage |= {"digital_signature": not authority, "key_cert_sign": authority, "crl_sign": authority}
    builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    builder = builder.add_extension(identifier, critical=False)
    if not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
    authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    return builder.add_extension(authority_key, critical=False).sign(key, hashes.SHA256(), ecdsa_deterministic=True)


def with_certificates(material: Material, chain: Iterable[x509.Certificate]) -> Material:
    """The same case for the method certificate: the leaf is first, and the last is whom the verifier trusts."""
    pems = [each.public_bytes(Encoding.PEM).decode() for each in chain]
    ders = [base64.b64decode("".join(pem.splitlines()[1:-1])) for pem in pems]
    bundle = edits.open_bundle(material)
    bundle["verificationMaterial"] = {"x509CertificateChain": {"certificates": [{"rawBytes": b64(d)} for d in ders]}}
    trust = {"certificates": pems[-1:], **material["trust"]}
    return {**material, "method": "certificate", "chain": pems, "trust": trust, "bundle": as_rule(dump(bundle))}


@CHAINS.control("certificate", "OMS-4.1-02", **SIGNED)
def certificate_chain() -> Material:
    """The leaf was issued by the root, and both are given."""
    chain = (certificate(SIGNER, ROOT, False), certificate(ROOT, ROOT, True))
    return with_certificates(signable({"weights.bin": "weights"}), chain)


@CHAINS.control("certificate-intermediate", "OMS-4.1-02", **SIGNED)
def certificate_intermediate() -> Material:
    """An intermediate certificate stands between the leaf, on P-384, and the root."""
    leaf = certificate("p384/model", ISSUER, False)
    chain = (leaf, certificate(ISSUER, ROOT, True), certificate(ROOT, ROOT, True))
    return with_certificates(signable({"weights.bin": "weights"}, signer="p384/model"), chain)


# --- what can't be signed

EMPTY = {"why": "OMS has a model without a file be refused.", "severity": "medium"}
EMPTY["gain"] = "A signature that covers nothing passes for one over a model."


@FAMILY.reject("no-file", "OMS-6.1-02", "OMS-6.1-03", names="OMS-6.1-03", **EMPTY)
def no_file() -> Edit:
    """The model's folder is empty."""
    return tree("remove", path="weights.bin")


@FAMILY.reject("folders-alone", "OMS-6.1-02", "OMS-6.1-03", names="OMS-6.1-03", **EMPTY)
def folders_alone() -> Edit:
    """The model has folders, and no file in them."""
    return tree("exchange", entries=[directory("a/b"), directory("c")])


@FAMILY.reject("git-paths-alone", "OMS-6.1-02", "OMS-6.1-03", names="OMS-6.1-03", **EMPTY)
def git_paths_alone() -> Edit:
    """Nothing is there but what git keeps."""
    return tree("exchange", entries=[file(".git/config", "git"), file(".gitignore", "*")])


@FAMILY.reject("all-ignored", "OMS-6.1-02", "OMS-6.1-03", names="OMS-6.1-03", **EMPTY)
def all_ignored() -> Edit:
    """The caller leaves out the only file."""
    return option("ignore_paths", ["weights.bin"])


@SHARDS.reject(
    "shards-of-nothing", "OMS-6.1-03", "OMS-6.3.2-06", names="OMS-6.1-03", **{**EMPTY, "control": "shards-size"}
)
def shards_of_nothing() -> Edit:
    """In shards, files without contents are not listed, and there is no other."""
    return tree("exchange", entries=[file("a", ""), file("b", "")])


UNSIGNABLE = {"why": "OMS has a signer refuse it.", "severity": "medium"}


@FAMILY.reject("not-utf-8", "OMS-6.1.2-10", "OMS-6.1.2-09", names="OMS-6.1.2-09", **UNSIGNABLE)
def not_utf_8() -> Edit:
    """A file's name is not UTF-8."""
    return tree("add", entry=file({"hex": b"caf\xe9.bin".hex()}, "latin"))


HIDDEN = {"why": "OMS has every regular file listed, so one that can't be read can't be signed.", "severity": "high"}


@FAMILY.reject("unreadable-file", "OMS-6.1-01", "REF-FILES-02", names="REF-FILES-02", **HIDDEN)
def unreadable_file() -> Edit:
    """Who signs may not read one of the files."""
    return tree("add", entry=file("secret.bin", "secret", mode="0000"))


@FAMILY.reject("unreadable-file-alone", "OMS-6.1-01", "REF-FILES-02", names="REF-FILES-02", **HIDDEN)
def unreadable_file_alone() -> Edit:
    """Who signs may not read the one file that there is."""
    return tree("exchange", entries=[file("weights.bin", "weights", mode="0000")])


@SHARDS.reject(
    "shards-unreadable-file-alone",
    *("OMS-6.1-01", "REF-FILES-02"),
    names="REF-FILES-02",
    **{**HIDDEN, "control": "shards-size"},
)
def shards_unreadable_file_alone() -> Edit:
    """The same in shards, for which a file's size has to be known."""
    return tree("exchange", entries=[file("secret.bin", "secret", mode="0000")])


@FAMILY.reject("unreadable-folder", "OMS-6.1-01", "REF-FILES-02", names="REF-FILES-02", **HIDDEN)
def unreadable_folder() -> Edit:
    """Who signs may not list one of the folders, in which there is a file."""
    return tree("add", entries=[directory("secret", mode="0000"), file("secret/code.py", "pass\n")])


NOT_FOLLOWED = {"why": "OMS has a link be an error, and never followed: a signer refuses it, or leaves it out."}
NOT_FOLLOWED |= {"severity": "high", "gain": "What lies outside the model is signed as if it were in it."}
LINKED = ("OMS-6.1.1-01", "OMS-6.1.1-02", "OMS-6.1.1-03")


@FAMILY.reject("link", *LINKED, names="OMS-6.1.1-02", instead=True, **NOT_FOLLOWED)
def link_refused() -> Edit:
    """A link to a file of the model, with links not allowed."""
    return tree("add", entry=link("latest.bin", "weights.bin"))


@FAMILY.reject("link-out", *LINKED, names="OMS-6.1.1-02", instead=True, **{**NOT_FOLLOWED, "control": "neighbours"})
def link_out() -> Edit:
    """A link to a folder beside the model, with links not allowed."""
    return tree("add", entry=link("store", "../store"))


@FAMILY.reject(
    "fifo",
    "OMS-6.1-01",
    "REF-FILES-01",
    names="REF-FILES-01",
    instead=True,
    why="OMS has regular files signed. A FIFO is none: a signer refuses it, or leaves it out.",
    severity="medium",
)
def fifo() -> Edit:
    """A FIFO lies in the model, at which a careless reader waits forever."""
    return tree("add", entry=special("pipe", "fifo"))


def strict(name: str, *clauses: str, why: str, **about: Any) -> Callable[[Callable[[], Edit]], Callable[[], Edit]]:
    """A model that this project does not sign, though OMS does not say so."""
    return FAMILY.reject(name, *clauses, **{**UNSIGNABLE, "profile": "ref-strict", "why": why, **about})


@strict("backslash", "REF-NAMES-02", why="OMS does not forbid a backslash in a name.", names="REF-NAMES-02")
def backslash() -> Edit:
    """A name has a backslash, which elsewhere separates folders."""
    return tree("add", entry=file("folder\\file", "1"))


WISH = "OMS does not say what a signer does about a wish it can't grant."


@strict("ignored-outside", "OMS-6.2-03", why=WISH, control="neighbours")
def ignored_outside() -> Edit:
    """The caller leaves out a path that is not in the model."""
    return option("ignore_paths", ["../store"])


@strict(
    "ignored-glob", "OMS-6.2.1-01", why="OMS forbids to record it, and asks that it be recorded.", names="OMS-6.2.1-01"
)
def ignored_glob() -> Edit:
    """The caller leaves out a path with an asterisk, which the manifest can't hold."""
    return option("ignore_paths", ["*.tmp"])


@strict(
    "ignored-glob-last",
    "OMS-6.2.1-01",
    why="OMS forbids to record it, and asks that it be recorded.",
    names="OMS-6.2.1-01",
)
def ignored_glob_last() -> Edit:
    """The same with a question mark, in the last of several paths."""
    return option("ignore_paths", ["cache", "weights.b?n"])


@strict(
    "link-to-nowhere",
    "REF-FILES-04",
    why="OMS does not speak of links that lead nowhere.",
    names="REF-FILES-04",
    control="no-links",
)
def link_to_nowhere() -> Edit:
    """Links are allowed, and one leads nowhere."""
    return tree("add", entry=link("lost", "nowhere"))


@strict(
    "link-in-a-circle",
    "OMS-6.1.1-06",
    "REF-FILES-03",
    why="OMS asks for a warning of a cycle, and does not say what is signed then.",
    names="REF-FILES-03",
    control="no-links",
)
def link_in_a_circle() -> Edit:
    """Links are allowed, and one leads to the folder that it is in."""
    return tree("add", entry=link("self", "."))


@strict(
    "model-is-a-link",
    "REF-FILES-05",
    why="OMS is silent about the model's own path.",
    names="REF-FILES-05",
    control="neighbours",
)
def model_is_a_link() -> Edit:
    """The model's own path is a link to its folder, with links not allowed."""
    return tree("exchange", entries=[link("", "store")])
