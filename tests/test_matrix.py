"""The matrix: who reads what whom signed, and how it is written."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import peer_python

from conformance import matrix, run

jsonschema: Any = importlib.import_module("jsonschema")  # it has no types

ROOT = Path(__file__).parents[1]
ADAPTERS, ZOO = ROOT / "conformance" / "adapters", ROOT / "tests" / "zoo"
TWO = ("signing/one-file", "signing/file-before-folder")


def python(path: Path, *words: str, program: str = sys.executable) -> str:
    return shlex.join([program, str(path), *words])


CLIENTS = {
    "ours": python(ADAPTERS / "package_lines.py"),
    "second": python(ADAPTERS / "standalone_lines.py"),
    "reversed": python(ZOO / "half_signer.py", "no_order"),
    "crashes": python(ZOO / "half_signer.py", "crashes"),
    "empty": python(ZOO / "half_signer.py", "signs_nothing"),
    "blind": python(ZOO / "half.py", "no_order_check"),
}


def ran(tmp_path: Path, names: tuple[str, ...], ids: tuple[str, ...], *words: str) -> tuple[int, Any]:
    """Exit status and results of a matrix of clients in JSON lines."""
    path = tmp_path / "matrix.json"
    adapters = [word for name in names for word in ("--adapter", f"{name}={CLIENTS[name]}", "--jsonl", name)]
    chosen = [word for each in ids for word in ("--id", each)]
    status = run.main(["matrix", *adapters, *chosen, "--json", str(path), *words])
    return status, json.loads(path.read_text("utf-8")) if path.exists() else None


def test_who_is_right_and_who_reads_it(tmp_path: Path) -> None:
    status, report = ran(tmp_path, ("ours", "second", "reversed", "blind"), TWO)
    schema = json.loads((ROOT / "conformance" / "matrix.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(report)
    assert status == run.FAILED
    assert report["signers"] == {
        "ours": {"asked": 2, "signed": 2, "right": 2},
        "second": {"asked": 0, "signed": 0, "right": 0},
        "reversed": {"asked": 2, "signed": 2, "right": 1},
        "blind": {"asked": 0, "signed": 0, "right": 0},
    }
    counts = {name: {other: cell["accepted"] for other, cell in row.items()} for name, row in report["table"].items()}
    assert counts["ours"] == {"ours": 2, "second": 2, "reversed": 2, "blind": 2}
    assert counts["reversed"] == {"ours": 1, "second": 1, "reversed": 1, "blind": 2}
    assert [(each["vector"], each["signer"], each["judged"]) for each in report["disagreements"]] == [
        ("signing/file-before-folder", "reversed", "wrong")
    ]
    read = {each["verifier"]: each["verdict"] for each in report["disagreements"][0]["read"]}
    assert read == {"ours": "reject", "second": "reject", "reversed": "reject", "blind": "accept"}


def test_all_read_what_all_signed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, report = ran(tmp_path, ("ours", "second"), TWO)
    assert (status, report["disagreements"]) == (run.PASSED, [])
    assert "All read what all signed" in capsys.readouterr().out


def test_a_vector_is_asked_about_where_both_have_its_profile(tmp_path: Path) -> None:
    status, report = ran(tmp_path, ("ours", "second"), ("signing/certificate", "signing/shards-size"))
    assert (status, report["signers"]["ours"]["right"]) == (run.PASSED, 2)
    assert {name: cell["asked"] for name, cell in report["table"]["ours"].items()} == {"ours": 2, "second": 1}


@pytest.mark.parametrize(("name", "verdict"), [("crashes", "error"), ("empty", "accept")])
def test_who_gives_no_bundle(name: str, verdict: str, tmp_path: Path) -> None:
    status, report = ran(tmp_path, ("ours", name), TWO[:1])
    assert (status, report["signers"][name]) == (run.FAILED, {"asked": 1, "signed": 0, "right": 0})
    (each,) = report["disagreements"]
    assert (each["judged"], each["sign"]["verdict"], each["read"]) == ("not-signed", verdict, [])


def test_files_of_a_matrix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--markdown", str(tmp_path / "matrix.md"), "--html", str(tmp_path / "matrix.html")]
    _, report = ran(tmp_path, ("ours", "reversed"), TWO, *words)
    out = capsys.readouterr().out
    told = "signing/file-before-folder signed by reversed: wrong; not by ours, reversed"
    text = (tmp_path / "matrix.html").read_text("utf-8")
    assert all(told in each for each in (out, (tmp_path / "matrix.md").read_text("utf-8"), text))
    assert not re.search(r"<script|<link|src=|https?://[^<]*['\"]>", text)
    for command in (report["disagreements"][0]["sign"]["command"], report["disagreements"][0]["read"][0]["command"]):
        assert command in out


def test_cases_are_kept_where_the_commands_say(tmp_path: Path) -> None:
    _, report = ran(tmp_path, ("ours", "reversed"), TWO, "--keep", str(tmp_path / "kept"))
    request = json.loads(report["disagreements"][0]["sign"]["command"])
    assert Path(request["bundle"]).is_file() and Path(request["private_key"]).is_file()
    assert request["bundle"].startswith(str(tmp_path / "kept" / "signing" / "file-before-folder" / "reversed"))


def test_the_released_client(tmp_path: Path) -> None:
    """By the command protocol: its order is another, and it reads a single file under another name only."""
    peer = python(ADAPTERS / "pypi_model_signing.py", program=peer_python())
    words = ["--adapter", f"pypi={peer}", "--id", "signing/single-file"]
    _, report = ran(tmp_path, ("ours",), TWO, *words)
    assert report["signers"] == {
        "ours": {"asked": 3, "signed": 3, "right": 3},
        "pypi": {"asked": 3, "signed": 3, "right": 1},
    }
    assert {name: cell["accepted"] for name, cell in report["table"]["ours"].items()} == {"ours": 3, "pypi": 2}
    assert {name: cell["accepted"] for name, cell in report["table"]["pypi"].items()} == {"ours": 3, "pypi": 3}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--adapter", "ours"], "is not NAME=VALUE"),
        (["--adapter", "a/b=x"], "is not NAME=VALUE"),
        (["--adapter", "a=x", "--jsonl", "b"], "no adapter is named b"),
        ([], "--adapter"),
    ],
)
def test_wrong_words(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        matrix.parse(words)
    assert (ended.value.code, told in capsys.readouterr().err) == (2, True)


def test_what_stops_a_matrix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = CLIENTS["ours"]
    assert run.main(["matrix", "--adapter", f"no={python(ZOO / 'exit_0.py')}"]) == run.NO_RUN
    assert "no fails the smoke test" in capsys.readouterr().err
    assert run.main(["matrix", "--adapter", f"a={lines}", "--jsonl", "a", "--id", "signing/nobody"]) == run.NO_RUN
    assert "no vector has" in capsys.readouterr().err
    twice = ["--adapter", f"a={lines}", "--adapter", f"a={lines}", "--jsonl", "a", "--id", TWO[0]]
    assert run.main(["matrix", *twice]) == run.NO_RUN
    assert "two adapters have one name" in capsys.readouterr().err
