"""The benchmark does all its work, at a scale at which its numbers mean nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from conformance import benchmark, plot, workloads

ADAPTERS = Path(benchmark.__file__).with_name("adapters")
OURS = f"{sys.executable} {ADAPTERS / 'package.py'}"
SECOND = f"{sys.executable} {ADAPTERS / 'standalone.py'}"

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="apt-get install openssl")


def test_all_workloads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {name: tmp_path / name for name in ("json", "markdown", "svg")}
    words = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    words += ["--adapter", f"ours={OURS}", "--adapter", f"second={SECOND}", "--scale", "0.00005", "--repeat", "1"]
    assert (
        benchmark.main([*words, "--only", "start-up", "--only", "shards", "--only", "blake2b", "--only", "20,000"]) == 0
    )
    results = json.loads(files["json"].read_text())
    assert [each["name"] for each in results["workloads"]] == [
        *("start-up", "20,000 x 4 KiB", "2 GiB in shards of 16 MiB", "1 x 1 GiB, blake2b")
    ]
    for result in results["workloads"]:
        ours, second = result["adapters"]["ours"], result["adapters"]["second"]
        assert [set(each) for each in (ours, second)] == [{"sign", "verify", "in-process"}, {"verify"}]
        assert all(run["seconds"] > 0 and run["memory"] > 0 for run in (*ours["sign"], *second["verify"]))
        assert {verb: len(seconds) for verb, seconds in ours["in-process"].items()} == {"sign": 1, "verify": 1}
        assert {len(seconds) for seconds in result["limits"].values()} == {1}
    table = files["markdown"].read_text()
    assert "| sign | second | does not |" in table
    assert table.strip() in capsys.readouterr().out.replace("\n\n\n", "\n\n")


def test_curves_are_plotted() -> None:
    runs = [{"seconds": 0.1, "processor": 0.1, "memory": 1}]
    results = [
        {
            **{"name": workload.name, "files": workload.files, "bytes": workload.files * workload.size},
            **{"limits": {workloads.BARE_LOOP: [0.05], "openssl dgst -sha256": [0.07]}},
            "adapters": {"<ours>": {"sign": runs, "verify": runs}},
        }
        for workload in workloads.CURVES
    ]
    root = ElementTree.fromstring(plot.page(results))
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("<ours>") == texts.count("a bare loop") == 4
    lines = list(root.iter("{http://www.w3.org/2000/svg}polyline"))
    assert [len(line.get("points", "").split()) for line in lines] == [4, 4, 6, 6] * 2
    assert len({line.get("stroke") for line in lines}) == 2, "a colour for each name, the same in all panels"


def test_a_client_that_fails_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="exit 1"):
        benchmark.main(["--adapter", "broken=false", "--only", "start-up", "--directory", str(tmp_path)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--adapter", "x=not-there"], "not-there: No such file or directory"),
        (["--adapter", "not-there"], "'not-there' is not NAME=CMD"),
        (["--adapter", "x='"], "x=': No closing quotation"),
        (["--adapter", "x=true", "--only", "none"], "no workload of this name; there are: start-up, "),
        (["--adapter", "x=true", "--repeat", "0"], "invalid positive int value: '0'"),
        (["--adapter", "x=true", "--scale", "nan"], "invalid positive float value: 'nan'"),
        (["--adapter", "x=true", "--directory", "not-there"], "No such file or directory"),
    ],
)
def test_wrong_words_get_one_line(tmp_path: Path, words: list[str], message: str) -> None:
    command = [sys.executable, benchmark.__file__, *words]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode in {1, 2}
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_memory_is_the_command_s_own() -> None:
    """However much the benchmark itself takes: a process starts with the peak of the one that starts it."""
    much = bytearray(os.urandom(1 << 20) * 100)
    run = benchmark.run_once([sys.executable, "-c", "x = b'x' * (30 << 20)"])
    assert run is not None
    assert 30 << 20 < run.memory < len(much)


def test_what_can_t_be_done_is_no_failure() -> None:
    assert benchmark.run_once([sys.executable, "-c", "exit(3)"]) is None
    with pytest.raises(SystemExit, match=r"exit 4\nwhy$"):
        benchmark.run_once([sys.executable, "-c", "print('why'); exit(4)"])


def test_cold_files(tmp_path: Path) -> None:
    model = workloads.make_model(tmp_path / "model", workloads.Workload("", 3, 2 << 20, 2))
    files = workloads.files_of(model)
    assert [Path(path).stat().st_size for path in files] == [2 << 20] * 3
    assert workloads.forget(files) == hasattr(__import__("os"), "posix_fadvise")


def test_the_limits_hash_what_is_there(tmp_path: Path) -> None:
    """Else they would be limits of another work."""
    model = tmp_path / "model"
    workload = workloads.Workload("", 3, workloads.MIB + 5, 2, shard_size=workloads.MIB)
    files = workloads.files_of(workloads.make_model(model, workload))
    contents = [Path(path).read_bytes() for path in files]
    whole = [hashlib.sha256(data).digest() for data in contents]
    assert workloads.hash_files(hashlib.sha256, files, 1000) == whole
    assert workloads.hash_mapped_files(hashlib.sha256, files) == whole
    shards = [data[start : start + workloads.MIB] for data in contents for start in (0, workloads.MIB)]
    digests = [hashlib.sha256(shard).digest() for shard in shards]
    parts = list(workloads.parts_of(files, workload))
    assert workloads.hash_parts_in_threads(hashlib.sha256, parts, 2, 1000) == digests
    parts = list(workloads.parts_of(files, workload._replace(shard_size=None)))
    assert workloads.hash_parts_in_threads(hashlib.sha256, parts, 2, 1000) == whole
