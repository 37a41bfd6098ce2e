"""The results of one run or several as a page of HTML that needs no other file, no script and no network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from . import case, reports, scoring
from .reports import Report

STYLE = """
:root { color-scheme: light dark; --line: #8886; --good: #1a7f37; --bad: #cf222e; --other: #767676; }
@media (prefers-color-scheme: dark) { :root { --good: #4ac26b; --bad: #ff7b72; --other: #9a9a9a; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 75rem; padding: 1rem; }
h1, h2, h3 { line-height: 1.2; } code, pre { font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; margin: .3rem 0; } .wide { overflow-x: auto; }
table { border-collapse: collapse; } th, td { border: 1px solid var(--line); padding: .2rem .5rem; text-align: left; }
td:not(:last-child) > span { white-space: nowrap; } th { vertical-align: bottom; }
details { border-bottom: 1px solid var(--line); padding: .2rem 0; } summary { cursor: pointer; }
.sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(18rem, 100%), 1fr)); gap: 0 1.5rem; }
.marks { white-space: nowrap; margin-right: .4rem; }
.marks > * { display: inline-block; width: 1.3rem; text-align: center; font-weight: 600; }
.heads { position: sticky; top: 0; background: Canvas; padding: .2rem 0 .2rem 1.05rem; margin: 0; }
.pass { color: var(--good); } .fail, .error, .unearned { color: var(--bad); font-weight: 600; }
.known-failure, .not-applicable, .not-run, .not-injectable, .unscored { color: var(--other); }
"""
MARKS = {"pass": "✓ pass", "fail": "✗ fail", "error": "! error", "unearned": "✗ unearned"}
# One character a status, for the matrix; its words are the title, for who hovers or hears it.
SIGNS = {
    **{scoring.PASS: "✓", scoring.FAIL: "✗", scoring.ERROR: "!", scoring.UNEARNED: "u", scoring.KNOWN: "k"},
    **{scoring.NOT_APPLICABLE: "–", scoring.NOT_RUN: "○", scoring.NOT_INJECTABLE: "t", scoring.UNSCORED: "·"},
}


def page(runs: list[Report], vectors: Mapping[str, case.Vector]) -> str:
    """The whole page; the vectors are those of the first run that has them, in the order of the runs."""
    by_id = [{line["id"]: line for line in run["results"]} for run in runs]
    names = [name for name in dict.fromkeys(name for lines in by_id for name in lines) if name in vectors]
    parts = ["<h1>OMS conformance</h1>", scores(runs), "<h2>Signing</h2>", signing(runs)]
    parts += differences(names, runs, by_id, vectors) if len(runs) > 1 else []
    parts += ["<h2>Vectors</h2>", legend(runs), *families(names, runs, by_id, vectors)]
    parts += ["<h2>Clauses</h2>", clauses([vectors[name] for name in names], runs, by_id)]
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    body = "\n".join(parts)
    head += f"<title>OMS conformance</title><style>{STYLE}</style>"
    return f'<!doctype html>\n<html lang="en">{head}\n{body}\n</html>\n'


def named(run: Report) -> str:
    """What to call a run: its client, and what of the corpus was chosen, if not all."""
    chosen = [value for values in run["selection"].values() for value in values]
    short = f", {', '.join(chosen)}" if 0 < len(chosen) <= 2 else ", a part" if chosen else ""
    return reports.name_of(run) + short


def scores(runs: list[Report]) -> str:
    """A row a profile, a column a client; below, each client's verdict and all counts."""
    profiles = list(dict.fromkeys(name for run in runs for name in run["profiles"]))
    rows = [[escape(name), *(cell(run["profiles"].get(name)) for run in runs)] for name in profiles]
    rows += [["<b>all</b>", *(cell(run["totals"]) for run in runs)], ["stages", *(staged(run) for run in runs)]]
    corpora = list(dict.fromkeys(run["corpus"]["corpus_digest"] for run in runs))
    made = f"<p>Corpus <code>{'</code>, <code>'.join(corpora)}</code>. Passed of counted, by profile:</p>"
    return made + table(["profile", *(named(run) for run in runs)], rows) + "".join(score(run) for run in runs)


def cell(counts: dict[str, Any] | None) -> str:
    """Passed of counted, in its colour; a dash where nothing counted."""
    if not counts or not counts["counted"]:
        return '<span class="not-run">–</span>'
    colour = "pass" if counts[scoring.PASS] == counts["counted"] else "fail"
    return f'<span class="{colour}">{reports.score(counts)}</span>'


def staged(run: Report) -> str:
    """How many of the stages that a client named are right."""
    stages = run["totals"]["stages"]
    return f"{stages['right']} of {stages['judged']}" if stages["judged"] else "–"


def score(run: Report) -> str:
    """The client, the verdict and all counts of each profile."""
    heads, *rows = reports.table(run)
    cells = [[escape(each) for each in row] for row in rows]
    title = f"<summary><b>{escape(named(run))}</b>: {escape(reports.verdict(run))}</summary>"
    command = f"<p><code>{escape(run['client']['command'])}</code></p>"
    return f"<details>{title}{command}{table(heads, cells)}</details>"


def differences(
    names: list[str], runs: list[Report], by_id: list[dict[str, dict[str, Any]]], vectors: Mapping[str, case.Vector]
) -> list[str]:
    """The vectors that some pass and some fail; of two runs of one client, all whose status changed."""
    same = len(runs) == 2 and runs[0]["client"]["client"] == runs[1]["client"]["client"]
    rows = [
        [
            f'<a href="#{name}">{name}</a>',
            escape(vectors[name]["severity"]),
            *(mark(lines.get(name)) for lines in by_id),
        ]
        for name in sorted(names, key=lambda name: reports.SEVERITY[vectors[name]["severity"]])
        if differ([lines[name]["status"] for lines in by_id if name in lines], same)
    ]
    if not rows:
        return ["<h2>Differences</h2>", "<p>There are none.</p>"]
    heads = ["vector", "severity", *(named(run) for run in runs)]
    summary = f"<summary>{len(rows)} vectors</summary>"
    return ["<h2>Differences</h2>", f"<details>{summary}{table(heads, rows)}</details>"]


def differ(statuses: list[str], any_change: bool) -> bool:
    """Whether some clients passed and some failed, or whether anything changed."""
    return (
        len(set(statuses)) > 1 if any_change else scoring.PASS in statuses and not set(statuses).isdisjoint(reports.BAD)
    )


def legend(runs: list[Report]) -> str:
    """What the columns and the signs of the matrix mean."""
    columns = " ".join(f"<b>{number}</b> {escape(named(run))}." for number, run in enumerate(runs, 1))
    signs = ", ".join(f'<span class="{status}">{sign}</span> {status}' for status, sign in SIGNS.items())
    return f"<p>{columns}</p><p>{signs}. A vector opens to what it is, its control, and what each client said.</p>"


def families(
    names: list[str], runs: list[Report], by_id: list[dict[str, dict[str, Any]]], vectors: Mapping[str, case.Vector]
) -> Iterable[str]:
    """The matrix, family by family: a row a vector, a sign a client."""
    heads = "".join(f"<span>{number}</span>" for number in range(1, len(runs) + 1))
    last = ""
    for name in names:
        family = name.partition("/")[0]
        if family != last:
            yield f'<h3>{escape(family)}</h3><p class="heads marks">{heads}</p>'
        last = family
        yield vector_part(vectors, name, runs, by_id)


def sign(run: Report, line: dict[str, Any] | None) -> str:
    """The sign of a status."""
    if line is None:
        return "<span>&nbsp;</span>"
    told = escape(f"{named(run)}: {line['status']}")
    return f'<span class="{line["status"]}" title="{told}">{SIGNS[line["status"]]}</span>'


def signing(runs: list[Report]) -> str:
    """What the clients signed, judged by this project's verifiers: a row a check, a column a client."""
    names = list(dict.fromkeys(name for run in runs for name in run.get("signing", {})))
    if not names:
        return "<p>No client signed.</p>"
    rows = [
        [escape(reports.checked(name)), *(counted(run.get("signing", {}).get(name), name) for run in runs)]
        for name in names
    ]
    intro = "Every bundle that a client wrote was judged by this project's verifiers, never by the client."
    made = table(["check", *(named(run) for run in runs)], rows)
    return f"<p>{intro}</p>{made}<p>{escape(reports.UNSCORED_NOTE)}</p>"


def counted(row: dict[str, int] | None, name: str) -> str:
    """How often a check held, and how often not."""
    if row is None:
        return "-"
    total = sum(row.values())
    wrong = "unscored" if name in reports.UNSCORED else "fail"
    colour = wrong if row["failed"] else "not-run" if row["not_judged"] else "pass"
    rest = f", {row['not_judged']} not judged" if row["not_judged"] else ""
    return f'<span class="{colour}">{row["held"]} of {total} right{rest}</span>'


def table(heads: Iterable[str], rows: Iterable[list[str]]) -> str:
    """A table of cells that are HTML already, which scrolls by itself on a narrow screen."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def mark(line: dict[str, Any] | None) -> str:
    """A status in its colour, and in words for who sees no colours."""
    if line is None:
        return "-"
    return f'<span class="{line["status"]}">{MARKS.get(line["status"], line["status"])}</span>'


def vector_part(
    vectors: Mapping[str, case.Vector], name: str, runs: list[Report], by_id: list[dict[str, dict[str, Any]]]
) -> str:
    """A vector: how each client did, what it is with its control beside it, and what the clients said."""
    vector, control = vectors[name], vectors.get(vectors[name]["control"] or "")
    signs = "".join(sign(run, lines.get(name)) for run, lines in zip(runs, by_id))
    sides = f"<div><b>Vector</b><pre>{escape(reports.described(vector, None))}</pre></div>"
    if control is not None:
        shown = escape(reports.described(control, None))
        sides = f"<div><b>Control</b><pre>{shown}</pre></div>{sides}"
        sides += f"<div><b>Edit</b><pre>{escape(reports.shortened(vector['edit'], 1500))}</pre></div>"
    said = "".join(answer(run, lines[name]) for run, lines in zip(runs, by_id) if name in lines)
    marks = f'<span class="marks">{signs}</span>'
    title = f"<summary>{marks}<code>{name}</code> {escape(vector['what'])} ({vector['severity']})</summary>"
    return f'<details id="{name}">{title}{said}<div class="sides">{sides}</div></details>'


def answer(run: Report, line: dict[str, Any]) -> str:
    """What a client said of a vector."""
    stage = f" at {line['stage']}" if line["stage"] else ""
    text = f"expected {line['expected']}, said {line['verdict'] or 'nothing'}{stage}. {line['reason']}"
    command = "" if line["status"] == scoring.PASS else line["command"]
    asked = "\n".join([*reports.faults(line), command, line["detail"]]).strip()
    return f"<p><b>{escape(named(run))}</b>: {mark(line)} {escape(text)}</p><pre>{escape(asked)}</pre>"


def clauses(vectors: list[case.Vector], runs: list[Report], by_id: list[dict[str, dict[str, Any]]]) -> str:
    """A row a clause: of the vectors that cite it, those that failed, by client."""
    citing = defaultdict(list)
    for vector in vectors:
        for clause in vector["clauses"]:
            citing[clause].append(vector["id"])
    rows = [
        [escape(clause), str(len(names)), *(failed(names, lines) for lines in by_id)]
        for clause, names in sorted(citing.items())
    ]
    return table(["clause", "vectors", *(f"failed by {named(run)}" for run in runs)], rows)


def failed(names: list[str], lines: dict[str, dict[str, Any]]) -> str:
    """Links to the vectors that a client failed."""
    wrong = [name for name in names if name in lines and lines[name]["status"] in reports.BAD]
    return ", ".join(f'<a href="#{name}">{name}</a>' for name in wrong) or "none"
