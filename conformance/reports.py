"""The results of a run: as data (results.schema.json), for JUnit's readers, in Markdown, and as plain text."""

from __future__ import annotations

import json
import shlex
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree  # only written here, never parsed

from . import case, scoring, signing_case
from .clients import Capabilities
from .scoring import Result

if TYPE_CHECKING:
    from .run import Plan

Report = dict[str, Any]
FORMAT = 1
SEVERITY = {name: place for place, name in enumerate(case.SEVERITIES)}
BAD = (scoring.FAIL, scoring.ERROR, scoring.UNEARNED)


def results(
    plan: Plan,
    known: Capabilities,
    judged: list[Result],
    *,
    diagnosis: str,
    unexpected: list[str],
    selection: dict[str, list[str]],
    challenge: dict[str, Any] | None = None,
) -> Report:
    """The results of a run as data; `challenge` is the account of vectors that were made again for it."""
    manifest = json.loads((case.VECTORS / "manifest.json").read_text("utf-8"))
    return {
        "format": FORMAT,
        "corpus": {name: manifest[name] for name in ("revision", "corpus_digest")},
        "client": {"command": plan.command, "protocol": plan.protocol, **facts(known)},
        "selection": selection,
        "smoke": {"passed": not diagnosis, "diagnosis": diagnosis},
        "totals": scoring.tally(judged),
        "profiles": scoring.by_profile(judged, known),
        "signing": scoring.by_check(judged),
        "claim": scoring.claim(judged, not selection and not diagnosis and challenge is None),
        **({} if challenge is None else {"challenge": challenge}),
        "unexpected_passes": unexpected,
        "results": [line(result) for result in judged],
    }


def facts(known: Capabilities) -> dict[str, Any]:
    """What the client says of itself."""
    said = {"client": known.client, "client_version": known.version, "note": known.note}
    lists = {name: list(getattr(known, name)) for name in ("flags", "hash_algorithms", "profiles")}
    return {**said, **lists}


def line(result: Result) -> dict[str, Any]:
    """What a vector's line holds."""
    vector, answer = result.vector, result.answer
    return {
        **{name: vector[name] for name in ("id", "profile", "severity", "clauses", "control")},
        "expected": result.expected,
        "stages": vector.get("stages", []),
        "status": result.status,
        "reason": result.reason,
        "verdict": answer.verdict if answer else None,
        "stage": answer.stage if answer else None,
        "stage_right": result.stage_right,
        "detail": answer.detail if answer else "",
        "seconds": round(answer.seconds, 3) if answer else None,
        "command": answer.command if answer else "",
        "checks": [check._asdict() for check in result.checks],
    }


def bad(report: Report) -> list[dict[str, Any]]:
    """The lines that failed, the most severe first."""
    lines = [each for each in report["results"] if each["status"] in BAD]
    return sorted(lines, key=lambda each: (SEVERITY[each["severity"]], each["id"]))


def name_of(report: Report) -> str:
    """What to call the client."""
    client = report["client"]
    return " ".join([client["client"] or client["command"], client["client_version"]]).strip()


def score(counts: dict[str, Any]) -> str:
    """A score, as people write it."""
    return f"{counts[scoring.PASS]} of {counts['counted']}"


def columns(counts: dict[str, Any]) -> list[str]:
    """The cells of a profile."""
    others = (scoring.FAIL, scoring.ERROR, scoring.UNEARNED, scoring.KNOWN)
    apart = (scoring.NOT_APPLICABLE, scoring.NOT_RUN, scoring.NOT_INJECTABLE, scoring.UNSCORED)
    stages = counts["stages"]
    staged = f"{stages['right']} of {stages['judged']}" if stages["judged"] else "-"
    return [score(counts), *(str(counts[name]) for name in (*others, *apart)), staged]


HEADS = (
    *("profile", "passed", "failed", "errors", "unearned", "known", "n/a", "not run", "no time", "unscored"),
    "stages",
)


def table(report: Report) -> list[list[str]]:
    """A row a profile, and one for all."""
    rows = [[name + ("" if each["declared"] else " *"), *columns(each)] for name, each in report["profiles"].items()]
    return [list(HEADS), *rows, ["all", *columns(report["totals"])]]


def verdict(report: Report) -> str:
    """What the run says of the client as a whole."""
    if not report["smoke"]["passed"]:
        return f"Smoke test failed. {report['smoke']['diagnosis']}"
    if report["claim"]["core"]:
        rest = " It does not sign." if report["claim"]["signs"] is False else ""
        return f"Conforms to core of corpus revision {report['corpus']['revision']}.{rest}"
    return "No claim of conformance: " + "; ".join(report["claim"]["open"] or ["core was not run"]) + "."


def text(report: Report) -> str:
    """The results for a terminal."""
    rows = table(report)
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADS))]
    lines = [name_of(report), ""]
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    lines += ["* not declared"] if any(not each["declared"] for each in report["profiles"].values()) else []
    lines += signing_lines(report)
    lines += [""]
    lines += [f"{each['status']}  {each['severity']:6}  {each['id']}: {each['reason']}" for each in listed(report)]
    lines += [f"unexpected pass: {name} is in the list of known failures" for name in report["unexpected_passes"]]
    return "\n".join([*lines, verdict(report)])


CHECK_HEADS = ("what was signed", "right", "wrong", "not judged")
UNSCORED = ("hint", "recorded", "schema", "bytes")
UNSCORED_NOTE = "* rules of this project alone, which count for who declares ref-strict"


def checked(name: str) -> str:
    """A check's name, marked where OMS does not ask for it."""
    return f"{name} *" if name in UNSCORED else name


def checks_table(report: Report) -> list[list[str]]:
    """A row a check of what the client signed, judged by this project's verifiers; none if it signed nothing."""
    return [[checked(name), *(str(count) for count in row.values())] for name, row in report.get("signing", {}).items()]


def signing_lines(report: Report) -> list[str]:
    """The checks for a terminal."""
    rows = checks_table(report)
    told = ["  ".join(cell.ljust(16) for cell in row).rstrip() for row in [CHECK_HEADS, *rows]]
    note = [UNSCORED_NOTE] if set(UNSCORED) & set(report["signing"]) else []
    return ["", *told, *note] if rows else []


def said_of(check: dict[str, Any]) -> str:
    """A check that failed or was not judged, on one line."""
    how = "not judged" if check["holds"] is None else "wrong"
    clause = f" ({check['clause']})" if check["clause"] else ""
    ours = ", a rule of this project alone" if check["ours"] else ""
    return f"{check['name']}: {how}{ours}: {check['detail']}{clause}"


def faults(each: dict[str, Any]) -> list[str]:
    """What is wrong with what was signed, or was not judged, a line each."""
    return [said_of(check) for check in each.get("checks", []) if not check["holds"]]


def listed(report: Report) -> list[dict[str, Any]]:
    """The lines to print: all that failed, or none where the smoke test says it all."""
    stopped = all(each["detail"] == "the smoke test failed" for each in bad(report))
    return [] if stopped else bad(report)


def markdown(report: Report) -> str:
    """The results as a summary, for a forge's page."""
    rows = table(report)
    lines = [f"## OMS conformance: {escaped(name_of(report))}", "", escaped(verdict(report)), ""]
    lines += ["| " + " | ".join(row) + " |" for row in rows[:1]]
    lines += ["|" + "---|" * len(HEADS)]
    lines += ["| " + " | ".join(escaped(cell) for cell in row) + " |" for row in rows[1:]]
    signed = checks_table(report)
    if signed:
        lines += ["", *("| " + " | ".join(row) + " |" for row in [CHECK_HEADS, ["---"] * 4, *signed])]
        lines += ["", escaped(UNSCORED_NOTE)]
    failed = listed(report)
    if failed:
        lines += ["", "| vector | status | severity | what happened |", "|---|---|---|---|"]
        cells = [(f"`{each['id']}`", each["status"], each["severity"], escaped(each["reason"])) for each in failed]
        lines += ["| " + " | ".join(row) + " |" for row in cells]
    return "\n".join([*lines, "", ""])


def escaped(words: str) -> str:
    """Text that means nothing to Markdown or HTML, on one line."""
    words = words.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("`", "\\`")
    return " ".join(words.replace("*", "\\*").split())


def junit(report: Report) -> bytes:
    """The results in the format of JUnit: a suite a family."""
    families = defaultdict(list)
    for each in report["results"]:
        families[each["id"].partition("/")[0]].append(each)
    root = ElementTree.Element("testsuites", name="OMS conformance")
    for family, lines in families.items():
        suite = ElementTree.SubElement(root, "testsuite", name=family, tests=str(len(lines)))
        counts = {"failures": 0, "errors": 0, "skipped": 0}
        for each in lines:
            kind = add_case(suite, each)
            if kind:
                counts[kind] += 1
        suite.attrib.update({name: str(number) for name, number in counts.items()})
    data: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def add_case(suite: ElementTree.Element, each: dict[str, Any]) -> str:
    """Add a vector's line to a suite, and say what it counts as."""
    family, _, name = each["id"].partition("/")
    test = ElementTree.SubElement(suite, "testcase", classname=family, name=name, time=str(each["seconds"] or 0))
    if each["status"] == scoring.PASS:
        return ""
    tag = {scoring.ERROR: "error", scoring.FAIL: "failure", scoring.UNEARNED: "failure"}.get(each["status"], "skipped")
    message = f"{each['status']}: {each['reason']}"
    ElementTree.SubElement(test, tag, message=printable(message)).text = printable(
        "\n".join([*faults(each), each["detail"]])
    )
    return {"error": "errors", "failure": "failures", "skipped": "skipped"}[tag]


def printable(words: str) -> str:
    """Text without the characters that XML can't hold."""
    return "".join(char if char in "\n\t" or (char.isprintable() and ord(char) < 0x110000) else "?" for char in words)


def described(vector: case.Vector, control: case.Vector | None) -> str:
    """A vector for people to read."""
    lines = [vector["id"], f"  {vector['what']}", f"  Why: {vector['why']}", f"  An attacker gains: {vector['gain']}"]
    lines += [f"  clauses: {', '.join(vector['clauses'])}", f"  profile: {vector['profile']}"]
    lines += [f"  severity: {vector['severity']}"]
    stages = vector.get("stages", [])
    lines += [f"  verdict: {vector['verdict']}" + (f" at {' or '.join(stages)}" if stages else "")]
    if control is not None:
        lines += [f"  control: {control['id']}: {control['what']}", f"  edit: {shortened(vector['edit'])}"]
    lines += [f"  options: {json.dumps(vector['options'])}", f"  model: {vector['model']['name']}"]
    lines += [f"    {shortened(entry)}" for entry in vector["model"]["entries"][:20]]
    lines += ["  outside:"] * bool(vector["outside"]) + [f"    {shortened(entry)}" for entry in vector["outside"][:20]]
    lines += signing_part(vector) if signing_case.is_one(vector) else [bundle_part(vector)]
    words = ["python3", "conformance/run.py", "--adapter", "CMD", "--id", vector["id"], "--keep", "kept"]
    return "\n".join([*lines, f"  Run it alone: {shlex.join(words)}", ""]).rstrip()


def bundle_part(vector: case.Vector) -> str:
    """What is to be verified."""
    return f"  bundle ({vector['bundle_path']}): {shortened(vector['bundle'], 3000)}"


def signing_part(vector: case.Vector) -> list[str]:
    """What is to be signed."""
    lines = [f"  method: {vector['method']}, key: {vector['signer']}, bundle: {vector['bundle_path']}"]
    manifest = vector["manifest"]
    if manifest is None:
        return [*lines, "  it is to be refused"]
    may = (
        "a signer that signs it all the same has to write" if vector["ours"]["verdict"] == "reject" else "to be signed"
    )
    lines += [f"  {may}: {manifest['name']!a}, root digest {manifest['root_digest']}"]
    lines += [f"    {shortened(manifest['serialization'])}"]
    return lines + [f"    {each['name']!a} {each['digest'][:16]}…" for each in manifest["resources"][:20]]


def shortened(value: Any, most: int = 300) -> str:
    """JSON on one line, cut."""
    whole = json.dumps(value, ensure_ascii=True)
    return whole if len(whole) <= most else whole[:most] + f"… ({len(whole)} characters)"
