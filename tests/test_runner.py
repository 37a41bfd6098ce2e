"""The conformance runner: what broken clients score, and what a run writes."""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from conftest import peer_python

from conformance import case, clients, reports, run, scoring, signing_case

jsonschema: Any = importlib.import_module("jsonschema")  # it has no types

ROOT = Path(__file__).parents[1]
ADAPTERS, ZOO = ROOT / "conformance" / "adapters", ROOT / "tests" / "zoo"
FEW = ("--family", "order")


def python(path: Path, *words: str) -> str:
    return shlex.join([sys.executable, str(path), *words])


def half(cut: str) -> str:
    return python(ZOO / "half.py", cut)


def ran(tmp_path: Path, adapter: str, *words: str) -> tuple[int, Any]:
    """Exit status and results of a run."""
    path = tmp_path / "results.json"
    status = run.main(["--adapter", adapter, "--json", str(path), "--timeout", "30", *words])
    return status, json.loads(path.read_text()) if path.exists() else None


def of_families(*families: str) -> list[str]:
    return [word for family in families for word in ("--family", family)]


def lines(report: Any) -> dict[str, Any]:
    return {each["id"]: each for each in report["results"]}


# --- the zoo

# What is dead: the protocol, and what the diagnosis says.
DEAD = {
    "exit_0": ("command", "accepts a signature that does not hold"),
    "exit_1": ("command", "refuses a good signature"),
    "crash": ("command", "crashed, exit status 1"),
    "killed": ("command", "SIGSEGV"),
    "hang": ("command", "no answer within"),
    "missing_dependency": ("command", "a_module_that_nobody_has_installed"),
    "usage": ("command", "exit status 2"),
    "garbage": ("jsonl", "a line that is no answer"),
    "wrong_id": ("jsonl", "a line that is no answer to line 2"),
}


@pytest.mark.parametrize("name", DEAD)
@pytest.mark.parametrize("go_on", [(), ("--go-on",)], ids=["stop", "go-on"])
def test_the_dead_score_nothing(name: str, go_on: tuple[str, ...], tmp_path: Path) -> None:
    protocol, diagnosis = DEAD[name]
    timeout = ("--timeout", "0.4") if name == "hang" else ()
    words = (*go_on, "--protocol", protocol, *FEW, *timeout)
    status, report = ran(tmp_path, python(ZOO / f"{name}.py"), *words)
    assert status == (run.FAILED if go_on else run.NO_RUN)
    assert diagnosis in report["smoke"]["diagnosis"]
    assert report["totals"]["pass"] == 0 and report["totals"]["counted"] >= 14
    assert not report["claim"]["core"]


# Families, passed and counted in them, and whether the smoke test lets the client through.
HALF = {
    "no_signature_check": ("signature", 0, 63, False),
    "no_order_check": ("order", 7, 14, True),
    "no_name_check": ("ignored", 68, 77, True),
    "follows_links": ("files", 63, 72, True),
    "no_extra_check": ("files", 50, 72, True),
    "no_digest_check": ("digest", 4, 18, True),
    "hint_only": ("signature", 0, 63, False),
    "signature_only": ("digest", 4, 18, True),
    "contents_only": ("signature", 0, 63, False),
}


@pytest.mark.parametrize("cut", HALF)
def test_the_half_blind_lose_what_they_do_not_see(cut: str, tmp_path: Path) -> None:
    family, *scores = HALF[cut]
    words = ("--protocol", "jsonl", "--workers", "1", "--go-on", "--family", str(family))
    _, report = ran(tmp_path, half(cut), *words)
    assert [report["totals"]["pass"], report["totals"]["counted"], report["smoke"]["passed"]] == scores


def test_the_documented_zoo_is_this_one() -> None:
    text = (ROOT / "conformance" / "README.md").read_text("utf-8")
    for cut, (family, passed, counted, stopped) in {name: (*row[:3], not row[3]) for name, row in HALF.items()}.items():
        result = "the same" if stopped else f"passes {passed} of the {counted} vectors of `{family}`"
        assert f"| `half.py {cut}` | {result} |" in text, cut
    assert all(f"`{name}`" in text for name in DEAD)


def test_who_follows_links_is_found_out_by_files(tmp_path: Path) -> None:
    _, report = ran(tmp_path, half("follows_links"), "--protocol", "jsonl", "--family", "files")
    wrong = {each["id"] for each in reports.bad(report)}
    assert wrong and all("link" in name for name in wrong)


# Of 59 signing vectors, those passed, and the scored checks that fail. Not counted: what needs another user
# than root, and BLAKE3, which not every Python has.
HALF_SIGNERS = {
    "signs_nothing": (0, "written"),
    "refuses_all": (0, ""),
    "writes_garbage": (0, "bundle material signature statement verified"),
    "writes_elsewhere": (0, "nothing-else written"),
    "leaves_a_log": (0, "nothing-else"),
    "crashes": (0, ""),
    "follows_links": (57, "names verified"),
    "path_order": (58, "order"),
    "utf_16_order": (58, "order verified"),
    "no_order": (26, "order verified"),
    "omits_a_file": (26, "names verified"),
    "root_of_hex": (0, "root-digest verified"),
    "wrong_hint": (2, "material"),
    "old_predicate": (0, "statement verified"),
    "no_signature": (0, "signature verified"),
}


NEED_ANOTHER_USER = ("unreadable-file", "unreadable-file-alone", "shards-unreadable-file-alone", "unreadable-folder")


@pytest.mark.parametrize("fault", HALF_SIGNERS)
def test_signers_lose_what_they_get_wrong(fault: str, tmp_path: Path) -> None:
    adapter = python(ZOO / "half_signer.py", fault)
    status, report = ran(tmp_path, adapter, "--protocol", "jsonl", "--family", "signing")
    apart = ("signing/blake3", *(f"signing/{name}" for name in NEED_ANOTHER_USER))
    counted = [each for each in report["results"] if each["id"] not in apart and each["status"] != "unscored"]
    passed = [each["id"] for each in counted if each["status"] == "pass"]
    checks = [check for each in counted for check in each["checks"]]
    wrong = {check["name"] for check in checks if check["holds"] is False and not check["ours"]}
    assert (status, len(counted)) == (run.FAILED, 59)
    assert (len(passed), " ".join(sorted(wrong))) == HALF_SIGNERS[fault]


def test_a_client_that_does_not_sign_is_not_asked_to(tmp_path: Path) -> None:
    words = ("--protocol", "jsonl", *of_families("order", "signing"))
    status, report = ran(tmp_path, python(ADAPTERS / "standalone_lines.py"), *words)
    of_signing = {each["status"]: each["reason"] for each in report["results"] if each["id"].startswith("signing/")}
    assert (status, report["claim"]["signs"], report["signing"]) == (run.PASSED, False, {})
    assert of_signing.pop("not-applicable") and set(of_signing) <= {"not-run"}


@pytest.mark.parametrize(
    ("program", "verdict", "detail"),
    [
        ("", "accept", ""),
        ("raise SystemExit(1)", "reject", ""),
        ("raise SystemExit(3)", "unsupported", ""),
        ("raise SystemExit(2)", "error", "exit status 2"),
        ("raise KeyError('key')", "error", "crashed, exit status 1"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "error", "ended by SIGSEGV"),
        ("import time; time.sleep(60)", "error", "no answer within 1 s"),
    ],
)
def test_what_a_signer_s_end_means(program: str, verdict: str, detail: str, tmp_path: Path) -> None:
    """By the command protocol; that a bundle is there is not the door's business."""
    (tmp_path / "signer.py").write_text(program)
    made = signing_case.materialise(run.corpus()["signing/one-file"], tmp_path)
    client = clients.CommandClient(python(tmp_path / "signer.py"), 1 if "sleep" in program else 30)
    answer = client.sign(made, known())
    assert (answer.verdict, answer.detail.partition("\n")[0]) == (verdict, detail)


def test_words_for_a_signer(tmp_path: Path) -> None:
    vector = run.corpus()["signing/certificate-intermediate"]
    made = signing_case.materialise({**vector, "options": {"ignore_paths": ["a", "b"]}}, tmp_path)
    assert " ".join(clients.sign_words(made)).replace(f"{tmp_path}/", "") == (
        "sign-model --method certificate --model-path model --output-bundle model.sig --private-key signer.key "
        "--signing-cert signer-0.pem --cert-chain signer-1.pem --cert-chain signer-2.pem "
        "--ignore-paths model/a --ignore-paths model/b"
    )
    request = clients.sign_request(made)
    assert Path(request["signing_certificate"]).read_text() == vector["certificates"][0]
    assert [Path(path).read_text() for path in request["certificates"]] == vector["certificates"][1:]


# What model-signing 1.1.1 signs wrongly, of a selection: what it leaves undone, and which check finds it.
RELEASED = {
    "signing/file-before-folder": "order (OMS-5.2.1-05): 'tokenizer/vocab.json' is out of order",
    "signing/single-file": "names (OMS-6.1.2-07): 'model.bin' is not listed",
    "signing/no-file": "signed",
    "signing/all-ignored": "signed",
}


def test_what_the_released_client_signs(tmp_path: Path) -> None:
    adapter = shlex.join([peer_python(), str(ADAPTERS / "pypi_model_signing.py")])
    right = (
        "signing/one-file",
        "signing/git-paths",
        "signing/signature-inside",
        "signing/link-to-file",
        "signing/link",
    )
    words = [word for name in (*RELEASED, *right) for word in ("--id", name)]
    _, report = ran(tmp_path, adapter, *words)
    assert {each["id"]: each["reason"] for each in reports.bad(report)} == RELEASED
    assert report["totals"]["pass"] == len(right)


def test_who_checks_no_validity_is_found_out_by_certificates(tmp_path: Path) -> None:
    adapter = python(ZOO / "no_validity_check.py")
    _, report = ran(tmp_path, adapter, "--protocol", "jsonl", "--family", "certificate")
    wrong = {each["id"].partition("/")[2] for each in reports.bad(report)}
    expired = {"leaf-expired", "intermediate-expired", "upper-intermediate-expired", "root-expired", "all-expired"}
    assert report["smoke"]["passed"] and wrong >= expired
    assert len(wrong) == 12 and all(re.search("expired|valid|time|second", name) for name in wrong)


# --- good clients


@pytest.mark.parametrize("name", ["package_lines", "standalone_lines"])
def test_the_project_s_own_verifiers_pass(name: str, tmp_path: Path) -> None:
    status, report = ran(tmp_path, python(ADAPTERS / f"{name}.py"), "--protocol", "jsonl")
    assert (status, reports.bad(report)) == (run.PASSED, [])
    stages = report["totals"]["stages"]
    assert stages["right"] == stages["judged"] > 400
    wanted = [f"{report['profiles']['core']['not-run']} in core: not-run"] if os.geteuid() == 0 else []
    assert report["claim"]["open"] == wanted


@pytest.mark.parametrize("name", ["package", "standalone"])
def test_both_pass_by_the_command_protocol(name: str, tmp_path: Path) -> None:
    status, report = ran(tmp_path, python(ADAPTERS / f"{name}.py"), *of_families("order", "compat"))
    assert (status, reports.bad(report)) == (run.PASSED, [])
    assert report["claim"] == {"core": False, "open": ["only a part of core was run"], "signs": None}


def test_certificates_by_the_command_protocol(tmp_path: Path) -> None:
    """Trust, time and the options of the method reach the client."""
    names = ("plain", "leaf-expired", "partial-chain", "purpose-asked-for", "any-purpose")
    words = [word for name in names for word in ("--id", f"certificate/{name}")]
    status, report = ran(tmp_path, python(ADAPTERS / "package.py"), *words)
    assert (status, report["totals"]["pass"], reports.bad(report)) == (run.PASSED, len(names), [])


def test_the_runner_needs_nothing_installed(tmp_path: Path) -> None:
    """Neither site-packages nor an environment; only the adapter has them."""
    words = [sys.executable, "-I", "-S", str(ROOT / "conformance" / "run.py"), *FEW]
    words += ["--adapter", python(ADAPTERS / "standalone_lines.py"), "--protocol", "jsonl"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, "14 of 14" in done.stdout) == (0, True), done.stderr


def test_the_adapter_of_the_documentation(tmp_path: Path) -> None:
    text = (ROOT / "conformance" / "PROTOCOL.md").read_text("utf-8")
    block = re.findall(r"<!-- adapter -->\n```python\n(.*?)```", text, re.DOTALL)
    assert len(block) == 1 and block[0].count("\n") <= 60
    (tmp_path / "adapter.py").write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{block[0]}")
    words = ("--protocol", "jsonl", *of_families("files", "shards", "signature", "signing"))
    status, report = ran(tmp_path, python(tmp_path / "adapter.py"), *words)
    assert (status, reports.bad(report)) == (run.PASSED, [])


# --- scoring


def known(*profiles: str) -> clients.Capabilities:
    return clients.capabilities({"profiles": list(profiles)}, ())


def judged(name: str, said: str, control: str = "accept", *profiles: str) -> scoring.Result:
    whole = {vector["id"]: vector for vector in case.load()}
    outcomes = {name: scoring.Outcome(clients.Answer(said))}
    if whole[name]["control"]:
        outcomes[whole[name]["control"]] = scoring.Outcome(clients.Answer(control))
    return scoring.judge_one(whole[name], outcomes, known(*profiles), whole)


@pytest.mark.parametrize(
    ("name", "said", "control", "status"),
    [
        ("signature/last-bit", "reject", "accept", scoring.PASS),
        ("signature/last-bit", "reject", "reject", scoring.UNEARNED),
        ("signature/last-bit", "reject", "error", scoring.UNEARNED),
        ("signature/last-bit", "accept", "accept", scoring.FAIL),
        ("signature/last-bit", "unsupported", "accept", scoring.FAIL),
        ("signature/last-bit", "error", "accept", scoring.ERROR),
        ("signature/p-384", "accept", "accept", scoring.PASS),
        ("signature/p-384", "unsupported", "accept", scoring.FAIL),
        ("algorithms/blake3", "accept", "", scoring.FAIL),
        ("algorithms/blake3", "reject", "", scoring.NOT_APPLICABLE),
        ("algorithms/blake3", "error", "", scoring.NOT_APPLICABLE),
        ("algorithms/blake3-labelled-sha256", "reject", "reject", scoring.NOT_APPLICABLE),
        ("algorithms/blake3-labelled-sha256", "accept", "reject", scoring.FAIL),
    ],
)
def test_what_an_answer_is_worth(name: str, said: str, control: str, status: str) -> None:
    assert judged(name, said, control).status == status


def test_ref_strict_is_scored_only_if_declared() -> None:
    name = next(v["id"] for v in case.load() if v["profile"] == "ref-strict" and v["ours"]["verdict"] == "reject")
    assert judged(name, "accept").status == scoring.UNSCORED
    assert judged(name, "accept", "accept", "ref-strict").status == scoring.FAIL
    assert judged(name, "reject", "accept", "ref-strict").status == scoring.PASS


@pytest.mark.parametrize(
    ("said", "profiles", "status"),
    [
        ("unsupported", ["ref-strict"], scoring.NOT_APPLICABLE),
        ("accept", ["ref-strict"], scoring.FAIL),
        ("unsupported", ["ref-strict", "certificate"], scoring.FAIL),
        ("reject", ["ref-strict", "certificate"], scoring.PASS),
    ],
)
def test_a_method_has_to_be_declared_for_every_profile(said: str, profiles: list[str], status: str) -> None:
    strict = {"profile": "ref-strict", "method": "certificate", "control": None}
    worth = scoring.weigh(strict, ("reject", ["certificate"]), clients.Answer(said), None, known(*profiles))
    assert worth[0] == status


def test_options_that_are_not_declared_are_not_used() -> None:
    vector = next(each for each in case.load() if each["id"] == "compat/old")
    with pytest.raises(clients.Unasked, match=r"--allow-v0\.2"):
        clients.extra_flags(vector, ())
    assert clients.extra_flags(vector, ("--allow-v0.2",)) == ["--allow-v0.2"]


def test_a_trust_root_that_can_not_be_given_is_not_left_out() -> None:
    vector = next(each for each in case.load() if each["id"] == "sigstore/rekor-v1")
    with pytest.raises(clients.Unasked, match="--trust-config"):
        clients.extra_flags(vector, ())
    assert clients.extra_flags(vector, ("--trust-config",)) == []


def test_time_is_given_or_faked_or_not_injectable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vector = {"verification_time": "2026-01-02T03:04:05Z"}
    assert clients.time_words(vector, ("--verification-time",))[0] == ["--verification-time", "2026-01-02T03:04:05Z"]
    monkeypatch.setattr(clients, "PRELOADS", (str(tmp_path),))
    with pytest.raises(clients.NotInjectable):
        clients.time_words(vector, ())
    (tmp_path / "libfaketime.so.1").touch()
    assert clients.time_words(vector, ())[1]["FAKETIME"] == "2026-01-02 03:04:05"
    assert clients.time_words({"verification_time": None}, ()) == ([], {})


def test_capabilities_of_another_shape_are_refused() -> None:
    with pytest.raises(clients.ClientError, match="flags"):
        clients.capabilities({"flags": "--allow-symlinks"}, ())


def test_what_a_client_implies() -> None:
    said = {"flags": ["--allow-symlinks", "--shard-size"], "hash_algorithms": ["sha256", "blake3"]}
    assert clients.capabilities(said, ("compat-1.0",)).profiles == (
        "blake3",
        "compat-1.0",
        "core",
        "shards",
        "symlinks",
    )


# --- known failures


def test_known_failures_are_strict(tmp_path: Path) -> None:
    path = tmp_path / "known.txt"
    words = ("--protocol", "jsonl", *FEW, "--known-failures", str(path))
    _, report = ran(tmp_path, half("no_order_check"), *words[:4])
    failing = [each["id"] for each in reports.bad(report)]
    assert len(failing) == 7
    path.write_text("# all\n" + "".join(f"{name} https://example.com/1 # why\n" for name in failing))
    status, report = ran(tmp_path, half("no_order_check"), *words)
    assert (status, report["totals"]["known-failure"]) == (run.PASSED, len(failing))
    assert not report["claim"]["core"]
    path.write_text(path.read_text() + "order/plain https://example.com/2\n")
    status, report = ran(tmp_path, half("no_order_check"), *words)
    assert (status, report["unexpected_passes"]) == (run.FAILED, ["order/plain"])


@pytest.mark.parametrize("line", ["order/nobody https://example.com", "order/plain", "order/plain soon"])
def test_a_wrong_list_of_known_failures_stops_the_run(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "known.txt").write_text(line)
    assert ran(tmp_path, python(ZOO / "exit_0.py"), "--known-failures", str(tmp_path / "known.txt"))[0] == run.NO_RUN
    assert "line 1" in capsys.readouterr().err


# --- selection, reports, show


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["--family", "order"], 15),
        (["--id", "order/plain", "--id", "names/folder"], 2),
        (["--id", "order/*", "--profile", "core"], 14),
        (["--clause", "OMS-5.2.1-05", "--family", "order"], 15),
    ],
)
def test_selection(words: list[str], count: int) -> None:
    chosen = run.select(case.load(), run.parse(["--adapter", "x", *words]))
    assert len(chosen) == count


def test_nothing_selected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(tmp_path, "x", "--family", "nobody")[0] == run.NO_RUN
    assert "nobody" in capsys.readouterr().err


def test_a_client_that_is_not_there(tmp_path: Path) -> None:
    status, report = ran(tmp_path, str(tmp_path / "nobody"), *FEW)
    assert status == run.NO_RUN
    assert "can't be started" in report["smoke"]["diagnosis"]


def test_files_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--junit", str(tmp_path / "junit.xml"), "--markdown", str(tmp_path / "summary.md")]
    _, report = ran(tmp_path, half("no_order_check"), "--protocol", "jsonl", *FEW, *words)
    schema = json.loads((ROOT / "conformance" / "results.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(report)
    bad = reports.bad(report)
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("15", str(len(bad)))
    summary, out = (tmp_path / "summary.md").read_text(), capsys.readouterr().out
    assert all(each["id"] in summary and each["id"] in out for each in bad) and bad


def test_files_of_a_run_that_signs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each says what is wrong with what was signed, and by which clause."""
    names = ("junit.xml", "summary.md", "page.html")
    words = [word for name in names for word in (f"--{name.split('.')[0]}", str(tmp_path / name))]
    words = [word.replace("--summary", "--markdown").replace("--page", "--html") for word in words]
    chosen = ("--id", "signing/nested", "--id", "signing/one-file", "--id", "signing/unreadable-file")
    status, report = ran(tmp_path, python(ZOO / "half_signer.py", "no_order"), "--protocol", "jsonl", *chosen, *words)
    schema = json.loads((ROOT / "conformance" / "results.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(report)
    assert (status, report["signing"]["order"]) == (run.FAILED, {"held": 1, "failed": 1, "not_judged": 0})
    told = "'g/h.txt' is out of order"
    texts = [capsys.readouterr().out, *((tmp_path / name).read_text("utf-8") for name in names)]
    assert all("OMS-5.2.1-05" in text and told in text.replace("&#x27;", "'") for text in texts)
    assert ElementTree.parse(tmp_path / "junit.xml").getroot()[0].get("failures") == "1"
    assert not re.search(r"<script|<link|src=|https?://[^<]*['\"]>", texts[-1])


def test_show_of_what_is_to_be_signed(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = {
        "signing/nested": "to be signed: 'model', root digest",
        "signing/link": "a signer that signs it all the same has to write: 'model'",
        "signing/no-file": "it is to be refused",
    }
    for name, told in wanted.items():
        assert run.main(["show", name]) == run.PASSED
        assert told in capsys.readouterr().out


def test_a_page_that_needs_no_other_file(tmp_path: Path) -> None:
    words = ("--protocol", "jsonl", *FEW, "--html", str(tmp_path / "page.html"))
    ran(tmp_path, half("no_order_check"), *words)
    other = (tmp_path / "results.json").rename(tmp_path / "other.json")
    _, report = ran(tmp_path, python(ADAPTERS / "package_lines.py"), *words, "--compare", str(other))
    text = (tmp_path / "page.html").read_text("utf-8")
    assert (
        report["totals"]["pass"]
        == len(re.findall(r'<span class="marks"><span class="pass" title="[^"]+">✓', text))
        == 14
    )
    assert len(re.findall(r'</span><span class="fail" title="[^"]+">✗', text)) == 7
    differences = text[text.index("<h2>Differences</h2>") : text.index("<h2>Vectors</h2>")]
    assert "7 vectors" in differences and differences.count('<span class="fail">✗ fail</span>') == 7
    assert not re.search(r"<script|<link|src=|https?://[^<]*['\"]>", text)


def test_cases_are_kept(tmp_path: Path) -> None:
    adapter, keep = python(ADAPTERS / "package.py"), tmp_path / "kept"
    for _ in range(2):
        ran(tmp_path, adapter, "--id", "order/plain", "--keep", str(keep))
    report = ran(tmp_path, adapter, "--id", "order/plain", "--keep", str(keep))[1]
    command = lines(report)["order/plain"]["command"]
    assert str(keep / "order" / "plain") in command
    assert subprocess.run(shlex.split(command), capture_output=True, check=False).returncode == 0
    assert sorted(path.name for path in keep.iterdir()) == ["order", "signature"]


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["show", "signature/last-bit"]) == run.PASSED
    out = capsys.readouterr().out
    assert "control: signature/p-256" in out and "--id signature/last-bit" in out
    assert run.main(["show", "signature/nobody"]) == run.NO_RUN


def test_a_hanging_client_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text("import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])\n")
    started = time.monotonic()
    client = clients.CommandClient(python(script), 0.5)
    with pytest.raises(clients.ClientError, match="no answer within"):
        client.capabilities()
    assert time.monotonic() - started < 10
