"""The results of one run or several as a page of HTML that needs no other file, no script and no network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from . import case, reports
from .reports import Report

STYLE = """
:root { color-scheme: light dark; --line: #8886; --good: #1a7f37; --bad: #cf222e; --other: #888; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 75rem; padding: 1rem; }
h1, h2 { line-height: 1.2; } code, pre { font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; margin: .3rem 0; } .wide { overflow-x: auto; }
table { border-collapse: collapse; } th, td { border: 1px solid var(--line); padding: .2rem .5rem; text-align: left; }
td > span { white-space: nowrap; }
details { border-bottom: 1px solid var(--line); padding: .2rem 0; } summary { cursor: pointer; }
.sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 0 1.5rem; }
.pass { color: var(--good); } .fail, .error, .unearned { color: var(--bad); font-weight: 600; }
.known-failure, .not-applicable, .not-run, .not-injectable, .unscored { color: var(--other); }
"""
MARKS = {"pass": "✓ pass", "fail": "✗ fail", "error": "! error", "unearned": "✗ unearned"}


def page(runs: list[Report], vectors: Mapping[str, case.Vector]) -> str:
    """The whole page; the vectors are those of the first run, which comes first in every row."""
    by_id = [{line["id"]: line for line in run["results"]} for run in runs]
    names = [name for name in by_id[0] if name in vectors]
    parts = ["<h1>OMS conformance</h1>", *(score(run) for run in runs)]
    parts += ["<h2>Signing</h2>", signing(runs)]
    parts += ["<h2>Vectors</h2>", *(vector_part(vectors, name, runs, by_id) for name in names)]
    parts += ["<h2>Clauses</h2>", clauses([vectors[name] for name in names], runs, by_id)]
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    body = "\n".join(parts)
    head += f"<title>OMS conformance</title><style>{STYLE}</style>"
    return f'<!doctype html>\n<html lang="en">{head}\n{body}\n</html>\n'


def score(run: Report) -> str:
    """The client, the verdict and the score of each profile."""
    heads, *rows = reports.table(run)
    title = f"<h2>{escape(reports.name_of(run))}</h2><p><code>{escape(run['client']['command'])}</code></p>"
    cells = [[escape(cell) for cell in row] for row in rows]
    return f"{title}<pre>{escape(reports.verdict(run))}</pre>{table(heads, cells)}"


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
    made = table(["check", *(reports.name_of(run) for run in runs)], rows)
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
    marks = " · ".join(mark(lines.get(name)) for lines in by_id)
    sides = f"<div><b>Vector</b><pre>{escape(reports.described(vector, None))}</pre></div>"
    if control is not None:
        shown = escape(reports.described(control, None))
        sides = f"<div><b>Control</b><pre>{shown}</pre></div>{sides}"
        sides += f"<div><b>Edit</b><pre>{escape(reports.shortened(vector['edit'], 1500))}</pre></div>"
    said = "".join(answer(run, lines[name]) for run, lines in zip(runs, by_id) if name in lines)
    title = f"<summary>{marks} <code>{name}</code> {escape(vector['what'])} ({vector['severity']})</summary>"
    return f'<details id="{name}">{title}{said}<div class="sides">{sides}</div></details>'


def answer(run: Report, line: dict[str, Any]) -> str:
    """What a client said of a vector."""
    stage = f" at {line['stage']}" if line["stage"] else ""
    text = f"expected {line['expected']}, said {line['verdict'] or 'nothing'}{stage}. {line['reason']}"
    asked = "\n".join([*reports.faults(line), line["command"], line["detail"]]).strip()
    return f"<p><b>{escape(reports.name_of(run))}</b>: {mark(line)} {escape(text)}</p><pre>{escape(asked)}</pre>"


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
    return table(["clause", "vectors", *(f"failed by {reports.name_of(run)}" for run in runs)], rows)


def failed(names: list[str], lines: dict[str, dict[str, Any]]) -> str:
    """Links to the vectors that a client failed."""
    wrong = [name for name in names if name in lines and lines[name]["status"] in reports.BAD]
    return ", ".join(f'<a href="#{name}">{name}</a>' for name in wrong) or "none"
