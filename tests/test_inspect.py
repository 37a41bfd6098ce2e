"""`inspect`: every layer of any bundle, however broken, without a verdict."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import forge
import pytest
from certificate_tools import AT, issue
from conftest import Cli, Done, run_child

from model_signing_ref import clauses, cli_inspect, compat, der, inspection, signing, statement, timestamps
from model_signing_ref.errors import Rejection
from model_signing_ref.inspection import Field, Inspection, Layer, compare, inspect_bundle
from model_signing_ref.inspection_html import page
from model_signing_ref.signers.key import key_signer
from model_signing_ref.verifying import verify_bundle

DATA = os.environ.get("OMS_TEST_DATA")
HISTORICAL = Path(DATA or "") / "historical"
RELEASES = sorted(path.parent.name for path in HISTORICAL.glob("*/model.sig")) if DATA else []
needs_data = pytest.mark.skipif(not DATA, reason="OMS_TEST_DATA names no folder of test data")

SCHEMA = json.loads((Path(__file__).parent.parent / "spec" / "schemas" / "inspect.schema.json").read_bytes())

HOSTILE = [
    "</script><script>alert(1)</script>",
    "a\x1b[31mred\x07",
    "b\u202egnp.exe",
    'c" onmouseover="alert(1)',
    "d" * 3000,
    "e\nf\r\tg",
    "\u0627\u0644\u0639/\u05e9\u05dc\u05d5",
    "&lt;b&gt;",
    "<!--",
    "javascript:alert(1)",
    "half \ud800",
    "zero\u200bwidth",
]


def layers(layer: Layer) -> Iterator[Layer]:
    yield layer
    for inner in layer.layers:
        yield from layers(inner)


def fields(found: Inspection, name: str) -> dict[str, Field]:
    """The fields of the one layer of that name."""
    (layer,) = (layer for layer in layers(found.layer) if layer.name == name)
    return {field.name: field for field in layer.fields}


def historical(release: str) -> bytes:
    return (HISTORICAL / release / "model.sig").read_bytes()


def check_all_forms(cli: Cli, path: Path) -> Done:
    """Text, JSON and page of a bundle, each as it must be; the text is given back."""
    jsonschema = pytest.importorskip("jsonschema")
    target = path.with_suffix(".html")
    shown = cli("inspect", path, "--html", target)
    assert shown.status == 0, shown
    assert "Traceback" not in shown.err
    assert all(line.isprintable() for line in (shown.out + shown.err).splitlines())
    assert "not verified" in shown.out
    check_page(target.read_text("utf-8"))
    told = cli("inspect", path, "--json", "--all", "--diff", path)
    assert told.status == 0
    jsonschema.Draft202012Validator(SCHEMA).validate(told.json)
    assert told.json["diff"]["fields"] == []
    return shown


class Page(HTMLParser):
    """Which elements are open, and what the attributes are."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


KNOWN = {"html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "b", "bdi", "details", "summary"}
KNOWN |= {"dl", "dt", "dd", "div", "ol", "li", "span", "code", "a"}


def check_page(text: str) -> None:
    """Well-formed, no element but the plain ones, nothing that loads or runs, no link out of the page."""
    assert text.replace("\n", "").isprintable()
    parser = Page()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    assert set(re.findall(r"<([a-zA-Z][a-zA-Z0-9]*)", text)) <= KNOWN
    names = {(tag, name) for tag, name, _ in parser.attributes}
    assert not [name for _, name in names if name.startswith("on") or name in {"src", "style", "srcset", "action"}]
    targets = {value for tag, name, value in parser.attributes if name == "href"}
    assert all(target.startswith("#") for target in targets)
    assert {f"#{value}" for _, name, value in parser.attributes if name == "id"} >= targets
    assert not re.search(r"url\(|@import", text)


# Bundles of every method


@needs_data
@pytest.mark.parametrize("release", RELEASES)
def test_bundles_of_released_clients(cli: Cli, release: str, tmp_path: Path) -> None:
    (tmp_path / "model.sig").write_bytes(historical(release))
    shown = check_all_forms(cli, tmp_path / "model.sig")
    assert "readers come to the end of it" in shown.out
    assert "'signme-1'" in shown.out or "'.'" in shown.out
    assert ("version 0.2.0" in shown.err) == release.startswith("v0.2.0")


def test_key(cli: Cli, model: Path, key_files: tuple[Path, Path], tmp_path: Path) -> None:
    signature = tmp_path / "model.sig"
    assert cli("sign", "key", "--private-key", key_files[0], "--signature", signature, model).status == 0
    shown = check_all_forms(cli, signature)
    assert shown.err == ""
    assert "resources 1 to 4 of 4" in shown.out
    assert "identifies it by <code>hint</code>" in signature.with_suffix(".html").read_text("utf-8")
    data = signature.read_bytes()
    found = inspect_bundle(data)
    envelope = json.loads(data)["dsseEnvelope"]
    pae = forge.pae(base64.b64decode(envelope["payload"]))
    facts = fields(found, "pre-authentication encoding (PAE)")
    assert facts["length"].value == len(pae)
    assert facts["SHA-256"].value == forge.digest_of(pae)
    assert facts["first bytes"].bytes.startswith(pae[:32].hex(" "))
    assert fields(found, "resources")["is the subject's"].value is True
    assert "4 of the listed files with 16400 bytes\n" in cli("inspect", signature, "--model", model).out
    assert "'weights.bin'" not in cli("inspect", signature, "--first", "2").out
    assert cli("inspect", signature, "--quiet") == (0, "", "")


@needs_data
def test_certificate() -> None:
    found = inspect_bundle(historical("v1.1.0-certificate"))
    facts = fields(found, "certificate 1")
    assert facts["subject"].value == "CN=intermediate-ca"
    assert facts["not after"].value == "2035-04-30T23:36:28+00:00"
    assert facts["extended key usage"].value == ["codeSigning (1.3.6.1.5.5.7.3.3)"]
    assert [note.code for note in found.notes] == ["odd-certificate"]


@needs_data
def test_sigstore() -> None:
    found = inspect_bundle(historical("v1.1.0-sigstore"))
    facts = fields(found, "certificate 1")
    assert facts["subject alternative name"].value == ["e-mail: stefanb@us.ibm.com"]
    assert facts["Sigstore: Issuer (V2)"].value == "https://sigstore.verify.ibm.com/oauth2"
    facts = fields(found, "log entry 1")
    assert (facts["log index"].value, facts["integrated time"].value) == ("598151086", "2025-10-10T02:12:20+00:00")
    assert fields(found, "inclusion proof")["hashes"].value == 14
    assert fields(found, "inclusion proof")["checkpoint"].value[0] == "rekor.sigstore.dev - 1193050959916656506"
    facts = fields(found, "timestamp 1")
    assert facts["time (genTime)"].value == "2025-10-10T02:12:20+00:00"
    assert facts["is of the first signature"].value is True


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        ("1760062340", "2025-10-10T02:12:20+00:00"),
        ("253402300799", "9999-12-31T23:59:59+00:00"),
        ("253402300800", "can't be read"),
        ("1000000000000000000", "can't be read"),
    ],
)
def test_a_time_that_no_date_has(time: str, shown: str) -> None:
    value = forge.bundle_value(forge.to_json(forge.statement()))
    value["verificationMaterial"]["tlogEntries"] = [{"integratedTime": time}]
    told = fields(inspect_bundle(forge.to_json(value)), "log entry 1")["integrated time"]
    assert str(told.value).startswith(shown)
    assert told.bytes == time


# Timestamps


def stamped(token: Callable[[bytes], bytes]) -> bytes:
    value = forge.bundle_value(forge.to_json(forge.statement()))
    signature = base64.b64decode(value["dsseEnvelope"]["signatures"][0]["sig"])
    stamps = [{"signedTimestamp": forge.b64(token(signature))}]
    value["verificationMaterial"]["timestampVerificationData"] = {"rfc3161Timestamps": stamps}
    return forge.to_json(value)


def test_a_timestamp_is_read_as_the_package_reads_it() -> None:
    pytest.importorskip("rfc3161_client")
    authority = pytest.importorskip("timestamp_authority")
    signer = authority.authority(None)
    data = stamped(lambda signature: authority.stamp(signature, authority.Answer(signer=signer)))
    facts = fields(inspect_bundle(data), "timestamp 1")
    token = base64.b64decode(
        json.loads(data)["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]["signedTimestamp"]
    )
    read = timestamps.read_token(token)
    assert facts["time (genTime)"].value == read.time.isoformat() == AT.isoformat()
    assert facts["imprint"].value == f"sha256:{read.imprint.hex()}"
    assert facts["is of the first signature"].value is True
    assert facts["certificate 1"].value[0] == "subject CN=timestamp authority"
    other = inspect_bundle(stamped(lambda _: token))
    assert fields(other, "timestamp 1")["imprint"].value == f"sha256:{read.imprint.hex()}"


def test_a_timestamp_of_something_else_is_odd() -> None:
    authority = pytest.importorskip("timestamp_authority")
    answer = authority.Answer(signer=authority.authority(None))
    found = inspect_bundle(stamped(lambda _: authority.stamp(b"another", answer)))
    assert fields(found, "timestamp 1")["is of the first signature"].value is False
    assert "odd-timestamp" in [note.code for note in found.notes]


@pytest.mark.parametrize("token", [b"", b"\x30", b"junk", bytes.fromhex("30053003020102"), b"\x30\x84\xff\xff\xff\xff"])
def test_timestamps_that_are_none(token: bytes) -> None:
    found = inspect_bundle(stamped(lambda _: token))
    (stop,) = found.stops
    assert (stop.stage, stop.clause) == ("transparency", "RFC3161-01")
    assert found.rows


@pytest.mark.parametrize("digits", ["30", "3080", "300500", "1f0100", "30850000000001"])
def test_der_that_is_none(digits: str) -> None:
    data = bytes.fromhex(digits)
    with pytest.raises(ValueError, match="DER"):
        der.nodes(data)


def test_object_identifiers() -> None:
    (node,) = der.nodes(bytes.fromhex("060b2a864886f70d0109100104"))
    assert der.dotted(node) == "1.2.840.113549.1.9.16.1.4"
    with pytest.raises(ValueError, match="ends within"):
        der.dotted(node._replace(content=b"\x2a\x86"))


# Malformed bundles


def edits() -> Iterator[tuple[str, Any]]:
    """Every position of a bundle and of its statement, with a value of every type put there."""
    value = forge.bundle_value(forge.to_json(forge.statement()))
    value["verificationMaterial"]["tlogEntries"] = []
    for at in forge.positions(value):
        for new in forge.ONE_OF_EACH_TYPE:
            yield f"bundle {at} {new!r}", forge.replaced(value, at, new)
    statement = forge.statement()
    for at in forge.positions(statement):
        for new in forge.ONE_OF_EACH_TYPE:
            yield f"statement {at} {new!r}", forge.bundle_value(forge.to_json(forge.replaced(statement, at, new)))


def test_every_edit_is_shown_and_stops_where_the_reader_does() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    layer = jsonschema.Draft202012Validator({**SCHEMA["$defs"]["layer"], "$defs": SCHEMA["$defs"]})
    for name, value in edits():
        data = forge.to_json(value)
        found = inspect_bundle(data)
        try:
            verify_bundle(data, lambda bundle, warn: None)
            expected = None
        except Rejection as error:
            expected = error.stage, error.clause, error.detail
        assert (found.stops[0] if found.stops else None) == expected, name
        layer.validate(cli_inspect._layer_json(found.layer))
        json.dumps(cli_inspect._layer_json(found.layer))
        check_page(page("x.sig", found, 5).decode("utf-8"))


@needs_data
def test_every_edit_of_sigstores_material_is_shown() -> None:
    value = json.loads(historical("v1.1.0-sigstore"))
    for at in forge.positions(value["verificationMaterial"]):
        for new in forge.ONE_OF_EACH_TYPE:
            edited = forge.replaced(value, ("verificationMaterial", *at), new)
            found = inspect_bundle(forge.to_json(edited))
            assert len(found.rows) == 2
            page("x.sig", found, 5)


@needs_data
@pytest.mark.parametrize("release", ["v1.1.0-certificate", "v1.1.0-sigstore"])
def test_certificates_and_timestamps_with_a_changed_byte(release: str) -> None:
    value = json.loads(historical(release))
    material = value["verificationMaterial"]
    chain = material.get("x509CertificateChain", {}).get("certificates") or [material["certificate"]]
    stamps = material.get("timestampVerificationData", {}).get("rfc3161Timestamps", [])
    for place, name in [(chain[0], "rawBytes"), *((each, "signedTimestamp") for each in stamps)]:
        good = base64.b64decode(place[name])
        for index in range(0, len(good), 3):
            place[name] = forge.b64(good[:index] + bytes([good[index] ^ 0x41]) + good[index + 1 :])
            assert inspect_bundle(forge.to_json(value)).rows
        place[name] = forge.b64(good)


def test_certificate_that_is_none(cli: Cli, tmp_path: Path) -> None:
    value = forge.bundle_value(forge.to_json(forge.statement()))
    encoded = [forge.b64(issue("signer", None).der), forge.b64(b"none")]
    chain = {"certificates": [{"rawBytes": each} for each in encoded]}
    value["verificationMaterial"] = {"x509CertificateChain": chain}
    (tmp_path / "model.sig").write_bytes(forge.to_json(value))
    shown = check_all_forms(cli, tmp_path / "model.sig")
    assert "certificate 2 of the bundle is not an X.509 certificate in DER [RFC5280-01]" in shown.out
    assert "CN=signer" in shown.out


def test_bundle_cut_anywhere(cli: Cli, tmp_path: Path) -> None:
    whole = forge.signed(forge.statement())
    for size in range(0, len(whole), 7):
        found = inspect_bundle(whole[:size])
        assert found.stops[0].stage == "bundle"
        page("x.sig", found, 5)
    found = inspect_bundle(whole[: whole.index(b"signatures") - 40])
    assert [row.name for row in found.rows] == ["a", "b"]


def test_a_long_bundle_cut_short() -> None:
    names = [f"f{number:06}" for number in range(30_000)]
    whole = forge.signed(forge.statement([forge.resource(name) for name in names]))
    start = time.process_time()
    found = inspect_bundle(whole[: len(whole) * 3 // 4])
    assert time.process_time() - start < 10
    assert 20_000 < len(found.rows) < 30_000
    assert [row.name for row in found.rows[:-1]] == names[: len(found.rows) - 1]


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\0", b"\xef\xbb\xbf{}", b"[" * 1000, b"null", b"[1]", b'"text"', b"\xff\xfe", b"{" * 100),
        *(b'{"a":' * 9999, b"1" * 5000, b"NaN", b'{"mediaType":"\\ud800"}', b'{"mediaType":1,"mediaType":2}'),
    ],
    ids=lambda data: repr(data[:12]),
)
def test_what_is_no_bundle(cli: Cli, data: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.sig").write_bytes(data)
    assert "stop here" in check_all_forms(cli, tmp_path / "model.sig").out


def test_files_that_can_not_be_read(cli: Cli, tmp_path: Path) -> None:
    good = tmp_path / "model.sig"
    good.write_bytes(forge.signed(forge.statement()))
    for words in ([tmp_path / "none"], [tmp_path], [good, "--diff", tmp_path / "none"], [good, "--model", "/none"]):
        status, out, err = cli("inspect", *words)
        assert (status, out) == (2, "")
        assert err.startswith("error: ")
    status, _, err = cli("inspect", good, "--max-bundle-bytes", "10")
    assert (status, err) == (2, "error: the bundle has more than 10 bytes (REF-BUNDLE-01)\n")


def test_the_page_does_not_replace_a_bundle(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "model.sig"
    path.write_bytes(forge.signed(forge.statement()))
    before = path.read_bytes()
    assert cli("inspect", path, "--html", path).status == 2
    assert cli("inspect", path, "--html", tmp_path / "no folder" / "x.html").status == 2
    assert path.read_bytes() == before


def test_a_model_is_not_left(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"secret")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a").write_bytes(b"12345")
    (tmp_path / "model" / "link").symlink_to("../outside")
    names = ["../outside", "/etc/passwd", "a", "link"]
    (tmp_path / "model.sig").write_bytes(forge.signed(forge.statement([forge.resource(name) for name in names])))
    done = cli("inspect", tmp_path / "model.sig", "--json", "--model", tmp_path / "model")
    assert done.json["resources"]["in_model"] == {"size": 5, "files": 1, "absent": 3}


# Hostile names, many names


def hostile() -> bytes:
    names = [name for name in HOSTILE if name.isprintable() or "\ud800" not in name]
    value = forge.statement([forge.resource(name) for name in sorted(names)], ignore_paths=list(names))
    value["subject"][0]["name"] = HOSTILE[0]
    value |= {name: name for name in names}
    return forge.signed(value)


def test_hostile_names(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "<script>\u202e&.sig"
    path.write_bytes(hostile())
    shown = check_all_forms(cli, path)
    assert r"a\x1b[31mred\x07" in shown.out
    text = path.with_suffix(".html").read_text("utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert r"b\u202egnp.exe" in text
    assert "names have characters that do not print" in shown.err


def test_half_a_surrogate_pair(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "model.sig"
    path.write_bytes(forge.signed(forge.statement([forge.resource("half \ud800")])))
    assert "[REF-JSON-05]" in check_all_forms(cli, path).out


@pytest.mark.parametrize("predicate_type", [statement.PREDICATE_TYPE, compat.V02_PREDICATE_TYPE])
def test_half_a_surrogate_pair_as_type(cli: Cli, tmp_path: Path, predicate_type: str) -> None:
    path = tmp_path / "model.sig"
    value = forge.bundle_value(forge.to_json({**forge.statement(), "predicateType": predicate_type}))
    value["dsseEnvelope"]["payloadType"] = "half \ud800"
    path.write_bytes(json.dumps(value).encode("ascii"))
    assert "[REF-JSON-05]" in check_all_forms(cli, path).out


def test_ten_thousand_resources(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "model.sig"
    path.write_bytes(forge.signed(forge.statement([forge.resource(f"f{number:05}") for number in range(10_000)])))
    shown = check_all_forms(cli, path)
    assert "resources 1 to 20 of 10000" in shown.out
    assert "… 9980 more (--all)" in shown.out
    everything = cli("inspect", path, "--all", "--html", tmp_path / "all.html").out
    assert "'f09999'" in everything
    assert (tmp_path / "all.html").read_text("utf-8").count("<li>") == 10_000


@pytest.mark.slow
def test_a_million_resources(tmp_path: Path) -> None:
    path = tmp_path / "model.sig"
    value = forge.statement([])
    digest = forge.digest_of(b"")
    resources = [{"name": f"folder/{n:07}", "algorithm": "sha256", "digest": digest} for n in range(1_000_000)]
    value["predicate"]["resources"] = resources
    path.write_bytes(forge.signed(value))
    del value, resources
    program = (
        "import resource, sys, time; from model_signing_ref.cli import main;"
        "assert main(['inspect', sys.argv[1], '--quiet', '--html', sys.argv[1] + '.html']) == 0;"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10, time.process_time())"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    megabytes, seconds = map(float, done.stdout.split())
    print(megabytes, "MiB", seconds, "s")
    assert megabytes < 2048
    assert seconds < 20


# Two bundles


def test_diff(cli: Cli, tmp_path: Path) -> None:
    first, second = tmp_path / "a.sig", tmp_path / "b.sig"
    first.write_bytes(forge.signed(forge.statement([forge.resource(name) for name in "abc"])))
    resources = [forge.resource("b"), forge.resource("c", b"other"), forge.resource("d\x1b")]
    second.write_bytes(forge.signed(forge.statement(resources, allow_symlinks=True)))
    found = compare(*(inspect_bundle(path.read_bytes()) for path in (first, second)))
    assert (found.added, found.removed, found.changed) == (["d\x1b"], ["a"], ["c"])
    assert ("allow_symlinks", False, True) in [each[1:] for each in found.fields]
    done = cli("inspect", first, "--diff", second, "--html", tmp_path / "diff.html")
    assert done.status == 0
    assert r"+ 'd\x1b'" in done.out
    assert "resources: 1 added, 1 removed, 1 changed" in done.out
    text = (tmp_path / "diff.html").read_text("utf-8")
    check_page(text)
    assert "What differs in" in text
    told = cli("inspect", first, "--diff", second, "--json").json["diff"]
    assert told["added"] == {"count": 1, "names": ["d\x1b"]}
    assert told["removed"] == {"count": 1, "names": ["a"]}


# Old and odd


def test_what_is_old_or_odd_is_told() -> None:
    value = forge.bundle_value(forge.to_json(forge.statement()))
    value["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1"
    value["dsseEnvelope"]["signatures"][0]["keyid"] = None
    value["dsseEnvelope"]["payload"] += " "
    value["unknown"] = 1
    found = inspect_bundle(forge.to_json(value))
    assert {note.code for note in found.notes} >= {"odd-media-type", "old-null-keyid", "odd-base64"}
    assert fields(found, "bundle")["unknown members"].value == ["unknown"]
    assert found.rows


def test_a_flood_of_values_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    data = forge.signed(forge.statement([forge.resource(f"f{number}") for number in range(100)]))
    monkeypatch.setattr(inspection, "MOST_VALUES", 100)
    found = inspect_bundle(data)
    assert [note.code for note in found.notes] == ["too-many-values"]
    assert fields(found, "statement")["payload"].value == "not read"
    assert inspect_bundle(b"[" + b"[]," * 100).rows == []


def test_clauses_that_are_cited_exist() -> None:
    known = {each.id for each in clauses.all_clauses()}
    prefixes = {each.partition("-")[0] for each in known}
    found = inspect_bundle(hostile())
    cited = {field.clause for layer in layers(found.layer) for field in layer.fields} - {""}
    assert cited
    assert all(clause in known for clause in cited if clause.partition("-")[0] in prefixes)


def test_the_schema_is_one() -> None:
    pytest.importorskip("jsonschema").Draft202012Validator.check_schema(SCHEMA)


def test_needs_no_extra(tmp_path: Path) -> None:
    """Standard library and `cryptography` alone."""
    path = tmp_path / "model.sig"
    path.write_bytes(stamped(lambda _: b"none"))
    blocked = "sigstore rfc3161_client asn1crypto PyKCS11 blake3"
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({blocked.split()!r}));"
        "from model_signing_ref.cli import main; sys.exit(main(['inspect', '--quiet', sys.argv[1]]))"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_as_a_program(tmp_path: Path) -> None:
    path = tmp_path / "model.sig"
    path.write_bytes(hostile())
    done = run_child("inspect", path, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.status == 0
    assert "pre-authentication encoding" in done.out


def test_a_signer_of_its_own_shows_what_it_signed() -> None:
    manifest = verify_bundle(forge.signed(forge.statement()), lambda bundle, warn: None)
    found = inspect_bundle(signing.sign_manifest(manifest, key_signer(forge.KEY)))
    assert (found.stops, found.notes) == ((), ())
    assert found.manifest == manifest
    assert inspection.NO_VERDICT.startswith("shown, not verified")
