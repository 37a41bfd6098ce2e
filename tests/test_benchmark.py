"""The benchmark does all its work, at a scale at which its numbers mean nothing."""

from __future__ import annotations

import json
import shutil
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
        assert set(ours["in-process"]) == {"sign", "verify"}
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


def test_cold_files(tmp_path: Path) -> None:
    model = workloads.make_model(tmp_path / "model", workloads.Workload("", 3, 2 << 20, 2))
    files = workloads.files_of(model)
    assert [Path(path).stat().st_size for path in files] == [2 << 20] * 3
    assert workloads.forget(files) == hasattr(__import__("os"), "posix_fadvise")
