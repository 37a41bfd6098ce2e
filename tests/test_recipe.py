"""The recipes of the spec and the code have the same steps in the same order, and `--explain` shows them.

Run as a program, this writes model_signing_ref/recipe.json from the tables of spec/verification.md and spec/signing.md.
"""

from __future__ import annotations

import ast
import base64
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import forge
import pytest
from certificate_tools import AT, issue, key_pem, leaf
from conftest import Cli, Done, run_child
from cryptography.hazmat.primitives.asymmetric import ec

import model_signing_ref
from conformance import case, inprocess
from model_signing_ref import certificates, explain, hashing, recipe, signing, verifying
from model_signing_ref.bundle import read_bundle
from model_signing_ref.clauses import all_clauses
from model_signing_ref.errors import Note, Rejection, Steps, with_notes_to
from model_signing_ref.signers.certificate import certificate_signer
from model_signing_ref.verifiers.certificate import Policy, certificate_verifier

PACKAGE = Path(model_signing_ref.__file__).parent
SPEC = Path(__file__).parent.parent / "spec"
DATA = PACKAGE / "recipe.json"
LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")


def plain(cell: str) -> str:
    """A cell without Markdown."""
    return LINK.sub(r"\1", cell).replace("`", "").strip()


def table(path: Path) -> list[dict[str, Any]]:
    """The steps in the tables of a chapter, columns by their headings."""
    found: list[dict[str, Any]] = []
    head: list[str] = []
    for line in path.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if cells[:1] == ["Step"]:
            head = cells
        elif not cells:
            head = []
        elif head and set(cells[0]) != {"-"}:
            row = dict(zip(head, map(plain, cells)))
            clauses = re.split(", *", row["Clauses"])
            found.append({"number": row["Step"], "stage": row["Stage"], "clauses": clauses, "text": row["Checked"]})
    return found


def numbered(path: Path) -> list[dict[str, Any]]:
    """The items of a chapter's one numbered list: number, clauses, and the first sentence after the title."""
    found: list[dict[str, Any]] = []
    for match in re.finditer(r"^(\d+)\. ((?:.+\n)(?:   .+\n)*)", path.read_text("utf-8"), re.MULTILINE):
        item = " ".join(match[2].split())
        clauses = re.findall(r"`((?:OMS|REF|RFC\d+)-[A-Z0-9.-]+)`", item)
        bare = re.sub(r" \([^()]*\)", "", plain(item.replace("**", "")))
        sentences = re.findall(r".*?[.:](?= |$)", bare)
        text = " ".join(sentences[: 2 if "." in item.split("**")[1] else 1]).rstrip(".:").replace(".  ", ". ")
        found.append({"number": f"S{match[1]}", "stage": "", "clauses": clauses, "text": text})
    return found


def recipes() -> dict[str, list[dict[str, Any]]]:
    return {"verify": table(SPEC / "verification.md"), "sign": numbered(SPEC / "signing.md")}


def laid_out(value: dict[str, list[dict[str, Any]]]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


Told = list[tuple[str, Mapping[str, object]]]

# Where a step is refused at another stage, or by another clause, than its own: as the text below the table says.
UNREADABLE = {("files", "REF-FILES-01"), ("files", "REF-FILES-02"), ("files", "OMS-6.1.1-07")}
ELSEWHERE = {
    "33": UNREADABLE,
    "34": {*UNREADABLE, ("unsupported", "OMS-REG-03")},
    "9C.7": {("unsupported", "REF-CERT-08")},
}


def listener(told: Told, notes: list[Note] | None = None) -> Steps:
    return Steps(
        (lambda note: None) if notes is None else notes.append, lambda number, values: told.append((number, values))
    )


def numbers(told: Told) -> list[str]:
    return [number for number, _ in told if number != explain.BEGUN]


# Spec and code


def test_the_data_is_that_of_the_spec() -> None:
    assert DATA.read_text("utf-8") == laid_out(recipes()), "python tests/test_recipe.py writes it"


def test_steps_are_numbered_in_order() -> None:
    steps = recipes()
    assert [row["number"] for row in steps["sign"]] == [f"S{number}" for number in range(1, len(steps["sign"]) + 1)]
    own = {letter: [row for row in steps["verify"] if row["number"].startswith(f"9{letter}.")] for letter in "KCS"}
    for letter, rows in own.items():
        assert [row["number"] for row in rows] == [f"9{letter}.{number}" for number in range(1, len(rows) + 1)]
    common = [int(row["number"]) for row in steps["verify"] if "." not in row["number"]]
    assert common == [*range(1, 9), *range(10, 35)]


def test_every_clause_of_a_step_exists_and_has_its_stage() -> None:
    known = {each.id: {each.stage, *each.also_at} for each in all_clauses()}
    for row in recipes()["verify"]:
        assert row["clauses"], row["number"]
        assert [clause for clause in row["clauses"] if known[clause].isdisjoint({row["stage"], "unsupported"})] == [], (
            row["number"]
        )
    assert {clause for row in recipes()["sign"] for clause in row["clauses"]} <= set(known)


def test_the_code_tells_exactly_the_steps_of_the_spec() -> None:
    """Whatever tells a step has its number as a string; but for the two loops over steps that are decided at once."""
    told = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "holds":
                number = node.args[1]
                told |= {number.value} if isinstance(number, ast.Constant) else set()
    told |= {"30", "31", "32", *recipe.decided_with(recipe.Step("9S.3", "", (), ""))}
    assert told - {explain.RETRY, explain.BEGUN} == {row["number"] for rows in recipes().values() for row in rows}


# As it happens


@pytest.mark.parametrize("shard_size", [None, 1000])
def test_accepting_and_signing_go_through_every_step_in_order(
    model: Path, tmp_path: Path, shard_size: int | None
) -> None:
    plan = hashing.Plan(method="shards" if shard_size else None, shard_size=shard_size)
    signed: Told = []
    signing.sign_model(model, tmp_path / "model.sig", forge.SIGNER, plan, listener(signed))
    assert numbers(signed) == [step.number for step in recipe.signing("key")]
    told: Told = []
    config = verifying.Config().set_verifier(forge.VERIFIER).set_warn(listener(told))
    config.verify(model, tmp_path / "model.sig")
    assert numbers(told) == [step.number for step in recipe.verification("key")]
    envelope = read_bundle((tmp_path / "model.sig").read_bytes()).envelope
    assert dict(told)["9K.5"]["signed"] == forge.pae(envelope.payload)
    made = dict(signed)["S8"]["signed"]
    assert callable(made)
    assert made() == forge.pae(envelope.payload)


def test_certificate_steps_in_order(model: Path, tmp_path: Path) -> None:
    root = issue("root")
    middle = issue("intermediate", root)
    owner = leaf(middle)
    assert isinstance(owner.key, ec.EllipticCurvePrivateKey)
    signer = certificate_signer(
        owner.key, [owner.certificate, middle.certificate], allow_invalid_certificate=True, random_signature=True
    )
    signed: Told = []
    signing.sign_model(model, tmp_path / "model.sig", signer, hashing.Plan(), listener(signed))
    assert numbers(signed) == [step.number for step in recipe.signing("certificate")]
    assert recipe.signing("certificate") == recipe.signing("pkcs11-certificate")
    told: Told = []
    trusted = certificates.trust([root.certificate])
    verifier = certificate_verifier(trusted, Policy(verification_time=AT))
    verifying.Config().set_verifier(verifier).set_warn(listener(told)).verify(model, tmp_path / "model.sig")
    assert numbers(told) == [step.number for step in recipe.verification("certificate")]
    assert dict(told)["9C.7"]["chain"] == ["CN=signer", "CN=intermediate", "CN=root"]


def test_sigstore_steps_in_order(tmp_path: Path) -> None:
    pytest.importorskip("sigstore")
    from conformance.loopback import static
    from model_signing_ref.verifiers.sigstore import sigstore_verifier

    path = tmp_path / "trust.json"
    steps = [step.number for step in recipe.verification("sigstore")]
    own = steps[: steps.index("10")]
    for each in static.cases():
        made = static.make(each, b"{}")
        path.write_text(json.dumps(made.trust_config), "utf-8")
        told: Told = [("1", {})]
        try:
            bundle = read_bundle(json.dumps(made.bundle).encode(), listener(told))
            verify = sigstore_verifier(identity=made.identity, oidc_issuer=made.issuer, trust_config=path)
            verify(bundle, listener(told))
        except Rejection as error:
            found = explain.outcomes("verify", "sigstore", told, error)
            end = next(outcome for outcome in found if outcome.outcome == explain.REJECTED)
            assert (end.step.stage, end.clause in end.step.clauses) == (error.stage, True), (each.name, end)
        else:
            assert numbers(told) == own
            values = {number: set(value) for number, value in told if number.startswith("9S.") and value}
            assert values == {
                "9S.1": {"method"},
                "9S.2": {"log_entries"},
                "9S.9": {"name", "issuer"},
                "9S.13": {"signed"},
            }


def test_a_timestamp_is_a_step_of_its_own_with_a_key() -> None:
    pytest.importorskip("rfc3161_client")
    authority = pytest.importorskip("timestamp_authority")
    from model_signing_ref.timestamps import with_timestamps

    root = authority.tsa_root()
    answer = authority.Answer(signer=authority.authority(root))
    value = forge.bundle_value(forge.to_json(forge.statement()))
    signature = base64.b64decode(value["dsseEnvelope"]["signatures"][0]["sig"])
    stamps = [{"signedTimestamp": forge.b64(authority.stamp(signature, answer))}]
    value["verificationMaterial"]["timestampVerificationData"] = {"rfc3161Timestamps": stamps}
    told: Told = []
    verifier = with_timestamps(forge.VERIFIER, certificates.trust([root.certificate]))
    verifying.verify_bundle(forge.to_json(value), verifier, warn=listener(told))
    expected = [step.number for step in recipe.verification("key", timestamp=True)]
    assert numbers(told) == expected[1 : expected.index("29")]  # no file was read, and no model


VECTORS = [vector for vector in case.load() if vector["method"] in {"key", "certificate"}]


def explained(vector: case.Vector, monkeypatch: pytest.MonkeyPatch) -> tuple[Told, Rejection | None]:
    """What the recipe tells of a vector, and what ended it."""
    told: Told = []
    ended: list[Rejection] = []
    raw = Rejection.__init__

    def remember(self: Rejection, *details: Any, **more: Any) -> None:
        raw(self, *details, **more)
        ended.append(self)

    with monkeypatch.context() as patch, tempfile.TemporaryDirectory() as name:
        patch.setattr(verifying, "ignore_note", listener(told))
        patch.setattr(verifying.Config, "set_warn", lambda config, _: config)  # the listener stays the one that is told
        patch.setattr(Rejection, "__init__", remember)
        os.chmod(name, 0o755)
        made = case.materialise(vector, Path(name))
        with inprocess.as_nobody(vector):
            outcome = inprocess.package(made)
        case.release(Path(name))
    stopped = [each for each in ended if (each.stage, each.clause) == (outcome.stage, outcome.clause)]
    return told, stopped[-1] if stopped else None


@pytest.mark.parametrize("family", sorted({vector["id"].partition("/")[0] for vector in VECTORS}))
def test_every_vector_ends_at_a_step_of_its_stage_and_clause(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for vector in VECTORS:
        if not vector["id"].startswith(f"{family}/"):
            continue
        told, error = explained(vector, monkeypatch)
        found = explain.outcomes("verify", vector["method"], told, error)
        json.dumps(explain.to_json(found))
        assert all(line.isprintable() for line in explain.lines(found))
        if error is None:
            assert {outcome.outcome for outcome in found} <= {explain.PASSED, explain.REJECTED}, vector["id"]
            assert explain.RETRY in numbers(told) or {outcome.outcome for outcome in found} == {explain.PASSED}
            continue
        end = next(outcome for outcome in reversed(found) if outcome.detail)
        allowed = {(end.step.stage, clause) for clause in end.step.clauses} | ELSEWHERE.get(end.step.number, set())
        assert (error.stage, error.clause) in allowed, (vector["id"], end)
        after = {outcome.outcome for outcome in found[len(found) - found[::-1].index(end) :]}
        assert after <= {explain.NOT_REACHED, explain.NOT_KNOWN}, vector["id"]


def test_a_plain_function_is_told_notes_alone() -> None:
    notes: list[Note] = []
    verifying.verify_bundle(forge.signed(forge.statement()), forge.VERIFIER, warn=notes.append)
    assert notes == []
    told: Told = []
    both = with_notes_to(listener(told), notes.append)
    both(Note("a", "b"))
    assert (notes, told) == ([Note("a", "b")], [])
    assert with_notes_to(print, notes.append) == notes.append


# The command line


def sign_and_verify(cli: Cli, model: Path, key_files: tuple[Path, Path], signature: Path, *options: str) -> list[Done]:
    sign = ("sign", "key", "--private-key", key_files[0], "--signature", signature, "--explain", *options, model)
    verify = ("verify", "key", "--public-key", key_files[1], "--signature", signature, "--explain", *options, model)
    return [cli(*sign), cli(*verify)]


def test_people_see_each_step(cli: Cli, model: Path, key_files: tuple[Path, Path], tmp_path: Path) -> None:
    signature = tmp_path / "model.sig"
    signed, verified = sign_and_verify(cli, model, key_files, signature)
    assert (signed.status, verified.status, signed.err, verified.err) == (0, 0, "", "")
    for done, steps in ((signed, recipe.signing("key")), (verified, recipe.verification("key"))):
        shown = re.findall(r"^(S?\d\S*) +(\w+)  ", done.out, re.MULTILINE)
        assert shown == [(step.number, "passed") for step in steps]
        assert done.out.splitlines()[-1].startswith(("Signing succeeded", "Verification succeeded"))
    message = forge.pae(read_bundle(signature.read_bytes()).envelope.payload)
    assert f"signed            {len(message)} bytes" in signed.out
    rows = [line.strip() for line in signed.out.splitlines() if re.match(r" +[0-9a-f]{8}  ", line)]
    first = rows.index("00000000  44 53 53 45 76 31 20 32  38 20 61 70 70 6c 69 63  |DSSEv1 28 applic|")
    dumped = list(explain.dump(message[:1024]))
    assert rows[first : first + len(dumped)] == dumped


def test_a_rejection_says_where_and_what_was_not_reached(
    cli: Cli, model: Path, key_files: tuple[Path, Path], tmp_path: Path
) -> None:
    signature = tmp_path / "model.sig"
    sign_and_verify(cli, model, key_files, signature)
    (model / "extra\x1b[31m").touch()
    _, done = sign_and_verify(cli, model, key_files, tmp_path / "other.sig")
    assert done.status == 0
    words = ("verify", "key", "--public-key", key_files[1], "--signature", signature, "--explain")
    told = cli(*words, model)
    assert told.status == 1
    assert told.err == "Verification failed: files: 'extra\\x1b[31m' is not signed [OMS-8.5-01]\n"
    assert "       because           files: 'extra\\x1b[31m' is not signed [OMS-8.5-01]\n33 " in told.out
    assert re.findall(r"^(\d+) +not reached", told.out, re.MULTILINE) == ["33", "34"]
    steps = cli(*words, "--json", model).json["explain"]
    assert [step["outcome"] for step in steps[-3:]] == ["rejected", "not reached", "not reached"]
    assert (steps[-3]["number"], steps[-3]["clause"], steps[-1]["clause"]) == ("32", "OMS-8.5-01", None)
    assert steps[-3]["detail"] == "files: 'extra\\x1b[31m' is not signed"
    absent = cli(*words[:-2], tmp_path / "none", "--explain", "--json", model)
    assert (absent.status, absent.json["explain"][0]["outcome"]) == (2, "stopped")
    assert {step["outcome"] for step in absent.json["explain"][1:]} == {"not reached"}
    nowhere = ("sign", "key", "--private-key", key_files[0], "--signature", tmp_path / "none" / "s", "--explain")
    first, *others = cli(*nowhere, "--json", model).json["explain"]
    assert (first["number"], first["outcome"], first["clause"]) == ("S1", "stopped", None)
    assert first["detail"] == f"the folder {str(tmp_path / 'none')!r} does not exist"
    assert {step["outcome"] for step in others} == {"not reached"}
    no_key = cli("verify", "key", "--public-key", tmp_path / "none", *words[4:], "--json", model)
    assert (no_key.status, {step["outcome"] for step in no_key.json["explain"]}) == (2, {"not reached"})


def test_programs_get_the_same(cli: Cli, model: Path, key_files: tuple[Path, Path], tmp_path: Path) -> None:
    signed, verified = sign_and_verify(cli, model, key_files, tmp_path / "model.sig", "--json")
    assert [step["number"] for step in signed.json["explain"]] == [step.number for step in recipe.signing("key")]
    steps = {step["number"]: step for step in verified.json["explain"]}
    assert list(steps["28"]) == ["number", "stage", "clauses", "text", "outcome", "values", "detail", "clause"]
    assert (steps["28"]["stage"], steps["28"]["clauses"]) == ("root-digest", ["OMS-6.5.1-01"])
    assert steps["28"]["values"]["sha256"] == {
        "length": 32,
        "hex": verified.json["root_digest"].removeprefix("sha256:"),
    }
    message = forge.pae(read_bundle((tmp_path / "model.sig").read_bytes()).envelope.payload)
    assert steps["9K.5"]["values"]["signed"] == {"length": len(message), "hex": message[:1024].hex()}
    assert steps["34"]["values"]["resources"]["count"] == 4
    assert "explain" not in cli("digest", "--json", model).json


def test_lists_and_bytes_are_cut_with_a_true_count() -> None:
    step = recipe.Step("1", "bundle", ("OMS-4-01",), "x")
    names = [f"n{number:04}" for number in range(1500)]
    values = {"names": names, "data": bytes(2000), "nothing": None, "yes": True}
    (shown,) = explain.to_json([explain.Outcome(step, explain.PASSED, values)])
    assert shown["values"] == {
        "names": {"count": 1500, "items": names[:1000]},
        "data": {"length": 2000, "hex": "00" * 1024},
        "nothing": None,
        "yes": True,
    }
    text = "\n".join(explain.lines([explain.Outcome(step, explain.PASSED, values)]))
    assert "… 1490 more" in text
    assert "… 976 more of 2000 bytes" in text


def test_the_dump_is_that_of_od() -> None:
    data = bytes(range(256)) + b"seven.."
    od = subprocess.run(["od", "-A", "n", "-t", "x1", "-v"], input=data, capture_output=True, check=True).stdout
    rows = [re.match(r"[0-9a-f]{8}  ([0-9a-f ]{48})  \|", row) for row in explain.dump(data)]
    assert [row[1].split() for row in rows if row] == [line.split() for line in od.decode().splitlines()]
    assert list(explain.dump(data))[-1] == "00000100  73 65 76 65 6e 2e 2e                              |seven..|"


def test_on_stderr_where_stdout_is_the_signature(model: Path, key_files: tuple[Path, Path], tmp_path: Path) -> None:
    words = ("sign", "key", "--private-key", key_files[0], "--signature", "-", "--explain", model)
    done = run_child(*words)
    assert done.status == 0
    assert list(json.loads(done.out)) == ["dsseEnvelope", "mediaType", "verificationMaterial"]
    assert "S13    passed" in done.err


def test_nothing_secret_is_told(cli: Cli, model: Path, tmp_path: Path) -> None:
    key = forge.KEY
    path, secret = tmp_path / "key.pem", "pass-word-of-the-key"
    path.write_bytes(key_pem(key))
    done = cli(
        "sign", "key", "--private-key", path, "--password", secret, "--explain", "--signature", tmp_path / "s", model
    )
    assert done.status == 0
    assert secret not in done.out + done.err
    private = key.private_numbers().private_value.to_bytes(32, "big").hex()
    assert private not in re.sub(r"\s", "", done.out)


def test_a_bundle_of_version_02_is_read_twice(cli: Cli, tmp_path: Path) -> None:
    vectors = [vector for vector in VECTORS if vector["options"].get("allow_v02") and vector["verdict"] == "accept"]
    assert vectors
    told, error = explained(vectors[0], pytest.MonkeyPatch())
    assert error is None
    assert numbers(told).count("2") == 2
    shown = [(each.step.number, each.outcome) for each in explain.outcomes("verify", "key", told, None)]
    retry = shown.index(("9K.5", "rejected"))
    assert shown[retry + 1] == ("1", "passed")
    assert ("10-22", "passed") in shown[retry:]
    assert "28" not in [number for number, _ in shown]


def test_without_it_nothing_more_is_loaded(model: Path, key_files: tuple[Path, Path], tmp_path: Path) -> None:
    program = (
        "import sys; from model_signing_ref.cli import main; status = main(sys.argv[1:]);"
        "print([name for name in sorted(sys.modules) if name.endswith(('.explain', '.recipe'))]); sys.exit(status)"
    )
    signature = tmp_path / "model.sig"
    forge.sign(model, signature)
    words = ["verify", "key", "--public-key", str(tmp_path / "pub"), "--signature", str(signature), str(model)]
    (tmp_path / "pub").write_bytes(public_pem())
    for options, loaded in (([], "[]"), (["--explain"], "['model_signing_ref.explain', 'model_signing_ref.recipe']")):
        command = [sys.executable, "-c", program, *words, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == loaded


def public_pem() -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return forge.KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


if __name__ == "__main__":
    DATA.write_text(laid_out(recipes()), "utf-8")
