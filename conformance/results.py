"""Make RESULTS.md: what each implementation gets wrong, from recorded runs and the causes found by hand.

    python3 -m conformance.results keep RUN.json...   keep runs, without what passed, in conformance/results/
    python3 -m conformance.results                    write conformance/RESULTS.md
    python3 -m conformance.results --check            exit 1 if it would change

A run is what `run.py --json` wrote. causes.json names, for each implementation, the reasons of its failures and the
vectors that each explains; every failure has exactly one.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any, NamedTuple

from . import reports, scoring
from .page import named

HERE = Path(__file__).resolve().parent
FOLDER, PAGE = HERE / "results", HERE / "RESULTS.md"
CAUSES = FOLDER / "causes.json"
LONGEST = 200  # characters of what a client said that are kept
SHOWN = 12  # vectors of a cause that the page names


class Cause(NamedTuple):
    """Why an implementation fails some vectors: what it does, and what says that this is its fault."""

    what: str
    why: str
    vectors: list[str]


def kept(report: dict[str, Any]) -> dict[str, Any]:
    """A run without what passed, and with the ends of what the client said."""
    lines = [{**line, "detail": line["detail"][-LONGEST:], "seconds": 0} for line in reports.bad(report)]
    return {**report, "results": lines}


def file_of(report: dict[str, Any]) -> str:
    """The name under which a run is kept: the page's without the version."""
    client = {**report["client"], "client_version": ""}
    return re.sub(r"[^a-z0-9]+", "-", named({**report, "client": client}).lower()).strip("-") + ".json"


def keep(paths: list[str]) -> None:
    """Keep runs."""
    FOLDER.mkdir(exist_ok=True)
    for path in paths:
        report = kept(json.loads(Path(path).read_text("utf-8")))
        text = json.dumps(report, ensure_ascii=False, separators=(",", ":"))
        (FOLDER / file_of(report)).write_text(text.replace('{"id":', '\n{"id":') + "\n", "utf-8")


def runs() -> dict[str, dict[str, Any]]:
    """The kept runs by the name of their file, those with the fewest failures first."""
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json") if path != CAUSES}
    return dict(sorted(found.items(), key=lambda each: (len(each[1]["results"]), -each[1]["totals"]["pass"], each[0])))


def causes() -> dict[str, list[Cause]]:
    """The causes of each implementation."""
    data: dict[str, Any] = json.loads(CAUSES.read_text("utf-8"))
    return {name: [Cause(**each) for each in found] for name, found in data.items()}


def unexplained(report: dict[str, Any], found: list[Cause]) -> dict[str, str]:
    """What does not fit: failures with no cause or two, and vectors of a cause that did not fail."""
    failed = {line["id"] for line in report["results"]}
    named = [name for cause in found for name in cause.vectors]
    faults = dict.fromkeys(failed - set(named), "has no cause")
    faults |= dict.fromkeys(set(named) - failed, "did not fail")
    return faults | {name: "has two causes" for name in set(named) if named.count(name) > 1}


def page() -> str:
    """RESULTS.md."""
    found, reasons = runs(), causes()
    corpora = {report["corpus"]["corpus_digest"] for report in found.values()}
    if len(corpora) != 1:
        raise SystemExit(f"the runs are of several corpora: {', '.join(sorted(corpora))}")
    parts = [(FOLDER / "head.md").read_text("utf-8").replace("CORPUS", corpora.pop()), scores(found)]
    for name, report in found.items():
        if report["results"]:
            parts += [implementation(report, reasons[name])]
    return "\n\n".join(part.strip() for part in [*parts, (FOLDER / "foot.md").read_text("utf-8")]) + "\n"


def scores(found: dict[str, dict[str, Any]]) -> str:
    """A row an implementation, a column a profile: passed of counted."""
    profiles = list(dict.fromkeys(name for report in found.values() for name in report["profiles"]))
    rows = [["implementation", *profiles, "stages", "claim"], ["---"] * (len(profiles) + 3)]
    for report in found.values():
        each = report["profiles"]
        cells = [reports.score(each[name]) if each.get(name, {}).get("counted") else "-" for name in profiles]
        stages = report["totals"]["stages"]
        staged = f"{stages['right']} of {stages['judged']}" if stages["judged"] else "-"
        claim = "core" if report["claim"]["core"] else "none"
        rows.append([reports.escaped(named(report)), *cells, staged, claim])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def implementation(report: dict[str, Any], found: list[Cause]) -> str:
    """What an implementation gets wrong: a table of the causes, and each of them in full."""
    lines = {line["id"]: line for line in report["results"]}
    ordered = sorted(found, key=lambda cause: (reports.SEVERITY[severity(cause, lines)], -len(cause.vectors)))
    rows = [["", "severity", "vectors", "what it does"], ["---"] * 4]
    rows += [
        [str(number), severity(cause, lines), str(len(cause.vectors)), cause.what]
        for number, cause in enumerate(ordered, 1)
    ]
    title = f"## {named(report)}\n\n{reports.verdict(report)}"
    parts = [title, "\n".join("| " + " | ".join(row) + " |" for row in rows)]
    parts += [in_full(number, cause, lines, report) for number, cause in enumerate(ordered, 1)]
    return "\n\n".join(parts)


def severity(cause: Cause, lines: dict[str, dict[str, Any]]) -> str:
    """That of its gravest vector, of those that count."""
    counted = [lines[name] for name in cause.vectors if lines[name]["status"] != scoring.UNEARNED]
    return str(min((line["severity"] for line in counted), key=lambda name: reports.SEVERITY[name]))


def in_full(number: int, cause: Cause, lines: dict[str, dict[str, Any]], report: dict[str, Any]) -> str:
    """A cause: what, why, its vectors, and a command that shows the first of them."""
    clauses = sorted({clause for name in cause.vectors for clause in lines[name]["clauses"]})
    names = ", ".join(f"`{name}`" for name in cause.vectors[:SHOWN])
    rest = f" and {len(cause.vectors) - SHOWN} more of {families(cause)}" if len(cause.vectors) > SHOWN else ""
    return "\n\n".join(
        [
            f"### {number}. {cause.what}",
            f"{cause.why} Clauses of these vectors: {', '.join(clauses)}.",
            f"Vectors: {names}{rest}.",
            f"```sh\n{command(report, cause.vectors[0])}\n```",
        ]
    )


def families(cause: Cause) -> str:
    """The families of the vectors of a cause."""
    return ", ".join(dict.fromkeys(f"`{name.partition('/')[0]}`" for name in cause.vectors))


def command(report: dict[str, Any], name: str) -> str:
    """What shows a failure."""
    client = report["client"]
    words = ["python3", "conformance/run.py", "--adapter", client["command"], "--id", name]
    return shlex.join(words + (["--protocol", "jsonl"] if client["protocol"] == "jsonl" else []))


def main(words: list[str]) -> int:
    """Keep runs, or write or check the page."""
    if words[:1] == ["keep"]:
        keep(words[1:])
        return 0
    text = page()
    faults = {name: unexplained(report, causes().get(name, [])) for name, report in runs().items()}
    for name, wrong in faults.items():
        for each, what in wrong.items():
            print(f"{name}: {each} {what}", file=sys.stderr)
    if words == ["--check"]:
        return int(PAGE.read_text("utf-8") != text or any(faults.values()))
    PAGE.write_text(text, "utf-8")
    return int(any(faults.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
