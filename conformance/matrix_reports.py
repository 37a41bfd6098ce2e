"""The results of a matrix: as data (matrix.schema.json), as plain text, in Markdown, and as a page of HTML."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

from . import case, page, reports, scoring

if TYPE_CHECKING:
    from .clients import Answer
    from .matrix import Bundle, Party

Report = dict[str, Any]
FORMAT = 1
ACCEPT, UNSUPPORTED = "accept", "unsupported"


def results(parties: list[Party], vectors: list[case.Vector], bundles: list[Bundle]) -> Report:
    """The results as data."""
    manifest = json.loads((case.VECTORS / "manifest.json").read_text("utf-8"))
    names = [party.name for party in parties]
    return {
        "format": FORMAT,
        "corpus": {name: manifest[name] for name in ("revision", "corpus_digest")},
        "clients": [about(party) for party in parties],
        "vectors": [vector["id"] for vector in vectors],
        "signers": {name: signed([each for each in bundles if each.signer == name]) for name in names},
        "table": {name: row([each for each in bundles if each.signer == name], names) for name in names},
        "disagreements": [disagreement(bundle) for bundle in bundles if is_at_odds(bundle)],
    }


def about(party: Party) -> dict[str, Any]:
    """Who takes part."""
    said = {"client": party.known.client, "client_version": party.known.version}
    said |= {"command": party.plan.command, "protocol": party.plan.protocol}
    return {"name": party.name, **said, "profiles": list(party.known.profiles)}


def signed(bundles: list[Bundle]) -> dict[str, int]:
    """How often a client was asked to sign, did, and did it right."""
    given = [each for each in bundles if is_signed(each)]
    asked = [each for each in bundles if each.answer.verdict != UNSUPPORTED]
    return {"asked": len(asked), "signed": len(given), "right": sum(not each.faults for each in given)}


def is_signed(bundle: Bundle) -> bool:
    """Whether a bundle is there, right or wrong."""
    absent = any(check.name == "written" for check in bundle.faults)
    return bundle.answer.verdict == ACCEPT and not absent


def row(bundles: list[Bundle], names: list[str]) -> dict[str, dict[str, int]]:
    """Of the bundles of one signer, how many each verifier was asked about and accepted."""
    read = {name: [each.read[name] for each in bundles if name in each.read] for name in names}
    return {
        name: {"asked": len(said), "accepted": sum(answer.verdict == ACCEPT for answer in said)}
        for name, said in read.items()
    }


def is_at_odds(bundle: Bundle) -> bool:
    """Whether the judge or a verifier finds something wrong, or nothing was signed by a client that signs."""
    if not is_signed(bundle):
        return bundle.answer.verdict != UNSUPPORTED
    return bool(bundle.faults) or any(answer.verdict != ACCEPT for answer in bundle.read.values())


def disagreement(bundle: Bundle) -> dict[str, Any]:
    """What a client signed, what the judge finds wrong with it, and what each verifier said."""
    return {
        "vector": bundle.vector["id"],
        "signer": bundle.signer,
        "judged": "not-signed" if not is_signed(bundle) else "wrong" if bundle.faults else "right",
        "faults": [reports.said_of(check._asdict()) for check in bundle.faults],
        "sign": said(bundle.answer),
        "read": [{"verifier": name, **said(answer)} for name, answer in bundle.read.items()],
    }


def said(answer: Answer) -> dict[str, Any]:
    """An answer, and how to have it again."""
    return {name: getattr(answer, name) for name in ("verdict", "stage", "detail", "command")}


# --- for people


def cells(report: Report) -> list[list[str]]:
    """A row a signer, a column a verifier; before that, how the judge finds what was signed."""
    names = list(report["signers"])
    heads = ["signer \\ verifier", "judge", *names]
    return [heads, *([name, *cells_of(report, name, names)] for name in names)]


def cells_of(report: Report, name: str, names: list[str]) -> list[str]:
    """The cells of one signer."""
    mine = report["signers"][name]
    if not mine["asked"]:
        return ["does not sign", *("-" for _ in names)]
    read = [report["table"][name][other] for other in names]
    return [f"{mine['right']} of {mine['asked']}", *(share(each) for each in read)]


def share(cell: dict[str, int]) -> str:
    """How many a verifier accepted of those that it was asked about."""
    return f"{cell['accepted']} of {cell['asked']}" if cell["asked"] else "-"


def headline(each: dict[str, Any]) -> str:
    """A disagreement on one line: who takes which side."""
    for_it = [one["verifier"] for one in each["read"] if one["verdict"] == ACCEPT]
    against = [one["verifier"] for one in each["read"] if one["verdict"] != ACCEPT]
    sides = [f"accepted by {', '.join(for_it)}"] * bool(for_it) + [f"not by {', '.join(against)}"] * bool(against)
    return f"{each['vector']} signed by {each['signer']}: {'; '.join([each['judged'].replace('-', ' '), *sides])}"


def lines_of(each: dict[str, Any]) -> list[str]:
    """What is wrong with what was signed, what the verifiers said, and the command lines to see for oneself."""
    lines = [*each["faults"], f"sign: {each['sign']['command']}"]
    lines += [last_line(each["sign"])] if each["judged"] == "not-signed" else []
    for one in each["read"]:
        lines += [f"{one['verifier']} said {last_line(one)}", f"verify: {one['command']}"]
    return lines


def last_line(answer: dict[str, Any]) -> str:
    """Verdict, stage, and the last line of what a client said."""
    stage = f" at {answer['stage']}" if answer["stage"] else ""
    return f"{answer['verdict']}{stage}: {scoring.last_line(answer['detail'])}"


def text(report: Report) -> str:
    """The results for a terminal."""
    rows = cells(report)
    widths = [max(len(line[place]) for line in rows) for place in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in rows]
    for each in report["disagreements"]:
        lines += ["", headline(each), *(f"    {line}" for line in lines_of(each))]
    return "\n".join([*lines, "", verdict(report)])


def verdict(report: Report) -> str:
    """What it comes to."""
    count = len(report["disagreements"])
    if not count:
        return "All read what all signed, and it is right."
    return f"{count} bundles, over {len(report['vectors'])} vectors, are wrong, absent, or not accepted by all."


def markdown(report: Report) -> str:
    """The results as a summary, for a forge's page."""
    escaped = reports.escaped
    rows = [" | ".join(escaped(cell) for cell in line) for line in cells(report)]
    lines = ["## OMS: who reads whom", "", verdict(report), "", f"| {rows[0]} |"]
    lines += ["|" + "---|" * len(cells(report)[0]), *(f"| {line} |" for line in rows[1:])]
    lines += [""] * bool(report["disagreements"])
    for each in report["disagreements"]:
        lines += [f"- {escaped(headline(each))}", *(f"  - {escaped(fault)}" for fault in each["faults"])]
    return "\n".join([*lines, "", ""])


def page_of(report: Report) -> str:
    """The body of the page."""
    heads, *rows = cells(report)
    coloured = [[escape(line[0]), *(colour(cell) for cell in line[1:])] for line in rows]
    parts = ["<h1>OMS: who reads whom</h1>", f"<p>{escape(verdict(report))}</p>", page.table(heads, coloured)]
    parts += ["<p>A row is what a client signed: how much of it is right by this project's judge, and how much of it"]
    parts += ["each verifier accepts.</p>", "<h2>Clients</h2>"]
    parts += [client(each) for each in report["clients"]]
    parts += ["<h2>Disagreements</h2>" if report["disagreements"] else ""]
    return "\n".join([*parts, *(details(each) for each in report["disagreements"])])


def client(each: dict[str, Any]) -> str:
    """Who takes part."""
    version = f"{each['client']} {each['client_version']}".strip()
    told = f"{escape(version)}; profiles: {escape(', '.join(each['profiles']))}"
    return f"<p><b>{escape(each['name'])}</b>: {told}</p><pre>{escape(each['command'])}</pre>"


def colour(cell: str) -> str:
    """A cell in green where all is well, in red where not."""
    one, _, other = cell.partition(" of ")
    status = "unscored" if not other else "pass" if one == other else "fail"
    return f'<span class="{status}">{escape(cell)}</span>'


def details(each: dict[str, Any]) -> str:
    """A disagreement that unfolds, with all that the clients said."""
    parts = [*each["faults"], f"sign: {each['sign']['command']}", each["sign"]["detail"]]
    for one in each["read"]:
        stage = f" at {one['stage']}" if one["stage"] else ""
        parts += ["", f"{one['verifier']}: {one['verdict']}{stage}", one["detail"], f"verify: {one['command']}"]
    shown = "\n".join(part for place, part in enumerate(parts) if part or place > len(each["faults"]) + 1)
    return f"<details><summary>{escape(headline(each))}</summary><pre>{escape(shown)}</pre></details>"


def html(report: Report) -> str:
    """A page that needs no other file, no script and no network."""
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head += f"<title>OMS: who reads whom</title><style>{page.STYLE}</style>"
    return f'<!doctype html>\n<html lang="en">{head}\n{page_of(report)}\n</html>\n'
