"""Code, clauses and decisions name each other, and nothing that is not there.

Run as a program, this brings `enforced` up to date in both copies of clauses.json: places that no longer cite
their clause are taken out, places that raise it are put in.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import model_signing_ref
from model_signing_ref import clauses, errors
from model_signing_ref.errors import STAGES, Rejection

PACKAGE = Path(model_signing_ref.__file__).parent
SPEC = Path(__file__).parent.parent / "spec"
DATA: dict[str, Any] = json.loads((SPEC / "clauses.json").read_bytes())
CLAUSES: dict[str, dict[str, Any]] = {clause["id"]: clause for clause in DATA["clauses"]}
DECISIONS = (SPEC / "decisions.md").read_text("utf-8")

LEVELS = {"MUST", "MUST NOT", "REQUIRED", "SHOULD", "SHOULD NOT", "MAY", "OPTIONAL"}
OBLIGATIONS = {"MUST", "MUST NOT", "REQUIRED"}
BINDS = {"signer", "verifier", "both", "format", "user", "suite", "maintainers"}
BINDS_A_VERIFIER = {"verifier", "both", "format"}
STATUSES = {"kept", "narrowed", "not-testable", "withdrawn"}

# What a clause ID looks like, whether it exists or not: OMS-5.2.1-05, REF-NAMES-01, RFC5280-03, JSON-01.
LIKE_AN_ID = re.compile(r"[A-Z][A-Z0-9]*(?:-[A-Z0-9.]+)?-[0-9]{2}")
NO_ID = {"UTF-16", "UTF-32"}
# The same in running text, where only the prefixes that clauses.json declares are looked for.
IN_TEXT = re.compile(rf"\b(?:{'|'.join(DATA['prefixes'])})(?:-[A-Z0-9.]+)?-[0-9]{{2}}\b")

# Modules that cite clauses and are not the place where the package enforces them: the texts themselves, and the
# second verifier, which stands apart from the package.
NOT_A_PLACE = {"clauses", "standalone"}

# The level of each normative statement of OMS v1.0, by section and in the order of the text: MUST, must Not,
# Required, Should, should not (U), maY, Optional.
LETTERS = dict(zip("MNRSUYO", ("MUST", "MUST NOT", "REQUIRED", "SHOULD", "SHOULD NOT", "MAY", "OPTIONAL")))
STATEMENTS = {
    **{"3.1": "SM", "4": "M", "4.1": "RRRMSYMYOYM", "5": "M", "5.1": "MUY", "5.2": "R", "5.2.1": "MMMMMNM"},
    **{"5.2.2": "RRRMROM", "6.1": "MMM", "6.1.1": "NSNMMMM", "6.1.2": "MMNMMNMMMMMM", "6.2": "MYYMS"},
    **{"6.2.1": "NNMM", "6.3": "MS", "6.3.2": "YMMMYMMMSMM", "6.5": "M", "6.5.1": "MMMNM", "7": "M", "8.1": "MM"},
    **{"8.2": "M", "8.3": "SMMM", "8.4": "M", "8.5": "MMN", "9": "SSS", "10": "SYN", "11": "S"},
    **{"11.1": "YMMMMMMM", "11.2": "SYNM", "REG": "MMYM"},
}


class Citation(NamedTuple):
    """A clause ID in the package: where, in which innermost function or constant, and whether it is all of a string."""

    clause: str
    module: str
    line: int
    place: str
    whole: bool

    def __str__(self) -> str:
        return f"{self.clause} in {self.module}.py:{self.line}"


def modules() -> Iterator[tuple[str, str]]:
    """Name and source of each module of the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield ".".join(path.relative_to(PACKAGE).with_suffix("").parts), path.read_text("utf-8")


def spans(tree: ast.Module) -> dict[str, tuple[int, int]]:
    """First and last line of each function and class, by qualified name, and of each module-level constant."""
    found: dict[str, tuple[int, int]] = {}
    pending: list[tuple[str, ast.AST]] = [("", tree)]
    while pending:
        prefix, node = pending.pop()
        for child in ast.iter_child_nodes(node):
            name = prefix
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                name = f"{prefix}.{child.name}".lstrip(".")
            elif isinstance(child, (ast.Assign, ast.AnnAssign)) and not prefix:
                target = child.targets[0] if isinstance(child, ast.Assign) else child.target
                name = target.id if isinstance(target, ast.Name) else ""
            if name != prefix:
                assert isinstance(child, ast.stmt)
                found[name] = (child.lineno, child.end_lineno or child.lineno)
            pending.append((name, child))
    return found


def is_like_an_id(text: str) -> bool:
    return LIKE_AN_ID.fullmatch(text) is not None and text not in NO_ID


def citations() -> Iterator[Citation]:
    """Every citation in the package: whole strings that look like an ID, and IDs in any other text or comment."""
    for module, source in modules():
        tree = ast.parse(source)
        ranges = sorted(spans(tree).items(), key=lambda item: item[1][1] - item[1][0])

        def place(line: int, ranges: list[tuple[str, tuple[int, int]]] = ranges) -> str:
            return next((name for name, (first, last) in ranges if first <= line <= last), "")

        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and is_like_an_id(node.value):
                yield Citation(node.value, module, node.lineno, place(node.lineno), whole=True)
        for number, line in enumerate(source.splitlines(), 1):
            for match in IN_TEXT.finditer(line):
                yield Citation(match[0], module, number, place(number), whole=False)


CITED = list(citations())
RAISED = {citation.clause for citation in CITED if citation.whole and citation.module not in NOT_A_PLACE}


def test_the_package_has_the_same_texts() -> None:
    assert (PACKAGE / "clauses.json").read_bytes() == (SPEC / "clauses.json").read_bytes()


def test_layout() -> None:
    text = json.dumps(DATA, indent=2, ensure_ascii=False) + "\n"
    assert (SPEC / "clauses.json").read_text("utf-8") == text, "lay it out as the head of the file says"


def test_ids_are_unique_sorted_and_of_a_declared_kind() -> None:
    ids = [clause["id"] for clause in DATA["clauses"]]
    assert ids == sorted(set(ids))
    assert list(DATA["prefixes"]) == sorted(DATA["prefixes"])
    assert {clause_id.split("-")[0] for clause_id in ids} == set(DATA["prefixes"])
    assert [clause_id for clause_id in ids if not LIKE_AN_ID.fullmatch(clause_id)] == []


@pytest.mark.parametrize("clause", DATA["clauses"], ids=lambda clause: clause["id"])
def test_members(clause: dict[str, Any]) -> None:
    described = [name for name in DATA["format"] if name not in {"version", "sorted"}]
    assert list(clause) == described == list(clauses.Clause._fields)
    assert clause["level"] in LEVELS
    assert clause["binds"] in BINDS
    assert clause["status"] in STATUSES
    assert clause["text"].rstrip(")").endswith(".")
    assert clause["stage"] is None or clause["stage"] in STAGES
    assert clause["also_at"] == sorted(set(clause["also_at"]) & set(STAGES) - {clause["stage"]})
    assert clause["stage"] is not None or not clause["also_at"]
    if clause["binds"] in BINDS_A_VERIFIER:
        assert clause["stage"] is not None
    elif clause["binds"] != "signer":
        assert clause["stage"] is None
    assert clause["decisions"] == sorted(set(clause["decisions"]))
    assert clause["enforced"] == sorted(set(clause["enforced"]))


@pytest.mark.parametrize("clause", DATA["clauses"], ids=lambda clause: clause["id"])
def test_status_is_accounted_for(clause: dict[str, Any]) -> None:
    """What is narrowed says by which decision, what is not tested says why, and what is kept says where."""
    if clause["status"] == "narrowed":
        assert clause["decisions"]
    elif clause["status"] != "kept":
        assert clause["reason"]
    assert clause["enforced"] or clause["reason"]


def test_section_fits_the_id() -> None:
    for clause_id, clause in CLAUSES.items():
        kind, section = clause_id.split("-")[0], clause["section"]
        if clause_id.startswith("OMS-REG-"):
            assert section == "OMS algorithm registry"
        elif kind == "OMS":
            assert section == f"OMS {clause_id.split('-')[1]}"
        elif kind == "REF":
            assert section == "model_signing_ref"
        else:
            assert section
            assert not section.startswith(("OMS", "model_signing_ref"))


def test_every_statement_of_oms_is_there_at_its_level() -> None:
    wanted = {
        f"OMS-{section}-{number:02}": LETTERS[letter]
        for section, letters in STATEMENTS.items()
        for number, letter in enumerate(letters, 1)
    }
    assert len(wanted) == 118
    assert {i: clause["level"] for i, clause in CLAUSES.items() if i.startswith("OMS-")} == wanted


def test_every_cited_clause_exists() -> None:
    assert [str(citation) for citation in CITED if citation.clause not in CLAUSES] == []
    assert len(RAISED) > 60  # the search finds what it should


def test_no_clause_is_cited_that_was_withdrawn() -> None:
    assert [str(c) for c in CITED if CLAUSES.get(c.clause, {}).get("status") == "withdrawn"] == []


@pytest.mark.parametrize("clause", DATA["clauses"], ids=lambda clause: clause["id"])
def test_enforced_places_cite_the_clause(clause: dict[str, Any]) -> None:
    cited = {f"{citation.module}:{citation.place}" for citation in CITED if citation.clause == clause["id"]}
    assert set(clause["enforced"]) <= cited


def test_every_place_that_raises_is_named() -> None:
    """The way back: a function or constant that holds a clause ID to raise is among the clause's places."""
    missing = {
        f"{citation.clause}: add {citation.module}:{citation.place} to enforced"
        for citation in CITED
        if citation.whole and citation.module not in NOT_A_PLACE
        if f"{citation.module}:{citation.place}" not in CLAUSES[citation.clause]["enforced"]
    }
    assert sorted(missing) == []


def test_every_obligation_of_a_verifier_is_raised_or_says_why_not() -> None:
    bound = [c for c in CLAUSES.values() if c["binds"] in BINDS_A_VERIFIER and c["level"] in OBLIGATIONS]
    silent = [c["id"] for c in bound if c["id"] not in RAISED and not c["reason"]]
    both = [c["id"] for c in bound if c["id"] in RAISED and c["reason"]]
    assert (silent, both) == ([], [])


def test_our_clauses_are_raised() -> None:
    """A rule that is ours alone is there because the code enforces it."""
    assert [c for c in CLAUSES if c.startswith("REF-") and c not in RAISED and not CLAUSES[c]["reason"]] == []


def test_reasons_name_clauses_that_are_raised() -> None:
    """A reason that points to another clause, as the one that is raised instead, points to one that is."""
    for clause_id, clause in CLAUSES.items():
        for named in IN_TEXT.findall(clause["reason"]):
            assert named in CLAUSES, clause_id
            assert named in RAISED or clause["binds"] not in BINDS_A_VERIFIER, (clause_id, named)


def stages_of(clause: dict[str, Any]) -> set[str]:
    return {clause["stage"], *clause["also_at"]}


def test_clauses_are_raised_at_their_stage() -> None:
    """In every test of a run, see conftest.py; and here, what is written `raise SomethingRejected(…, clause="ID")`."""
    wrong = []
    for module, source in modules():
        for node in ast.walk(ast.parse(source)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            kind = getattr(errors, node.func.id, None)
            if not (isinstance(kind, type) and issubclass(kind, Rejection)):
                continue
            for keyword in node.keywords:
                if keyword.arg == "clause" and isinstance(keyword.value, ast.Constant):
                    clause_id = str(keyword.value.value)
                    if kind.stage not in stages_of(CLAUSES[clause_id]):
                        wrong.append(f"{clause_id} at {kind.stage} in {module}.py:{node.lineno}")
    assert wrong == []


def entries() -> dict[str, str]:
    """The entries of decisions.md: number to text."""
    parts = re.split(r"^### (D[0-9]{2}) .+$", re.sub(r"^## .+$", "", DECISIONS, flags=re.MULTILINE), flags=re.MULTILINE)
    assert len(parts[1::2]) == len(set(parts[1::2]))
    return dict(zip(parts[1::2], parts[2::2]))


def test_decisions_and_clauses_name_each_other() -> None:
    stated = {
        number: set(re.findall(r"`([^`]+)`", text.split("**Clauses:**")[1])) for number, text in entries().items()
    }
    referred: dict[str, set[str]] = {}
    for clause_id, clause in CLAUSES.items():
        for number in clause["decisions"]:
            referred.setdefault(number, set()).add(clause_id)
    assert stated == referred


def test_every_decision_says_the_same_things() -> None:
    for number, text in entries().items():
        labels = re.findall(r"^- \*\*(\w+):\*\* \S", text, re.MULTILINE)
        assert labels == ["Question", "Readings", "Ours", "Why", "Clauses"], number


def test_every_ambiguity_is_decided() -> None:
    assert {f"D{n:02}" for n in range(1, 36)} <= set(entries())


def test_decisions_named_elsewhere_exist() -> None:
    texts = [DECISIONS, *(source for _, source in modules()), *(clause["text"] for clause in CLAUSES.values())]
    named = {number for text in texts for number in re.findall(r"\bD[0-9]{2}\b", text)}
    assert named <= set(entries())


def test_clauses_named_in_the_spec_exist() -> None:
    for path in sorted(SPEC.rglob("*.md")):
        assert [i for i in IN_TEXT.findall(path.read_text("utf-8")) if i not in CLAUSES] == [], path.name


def test_clause_by_id() -> None:
    assert [clause.id for clause in clauses.all_clauses()] == list(CLAUSES)
    found = clauses.clause("OMS-5.2.1-05")
    assert (found.level, found.binds, found.stage) == ("MUST", "format", "names")
    assert "D09" in found.decisions
    assert "manifest:_check_disorder" in found.enforced
    with pytest.raises(KeyError):
        clauses.clause("OMS-99-01")


ACCEPTING = """
import sys
from model_signing_ref import signing, verifying
model, signature, private, public = sys.argv[1:]
signing.Config().use_elliptic_key_signer(private_key=private).sign(model, signature)
verifying.Config().use_elliptic_key_verifier(public_key=public).verify(model, signature)
assert "model_signing_ref.clauses" not in sys.modules
"""


def test_a_verdict_needs_no_texts(model: Path, key_files: tuple[Path, Path], tmp_path: Path) -> None:
    names = [str(path) for path in (model, tmp_path / "model.sig", *key_files)]
    subprocess.run([sys.executable, "-c", ACCEPTING, *names], check=True)


def refresh() -> None:
    """Write both copies of clauses.json with the places where the code is now."""
    for clause in CLAUSES.values():
        clause.setdefault("also_at", [])
        cited = [
            citation for citation in CITED if citation.clause == clause["id"] and citation.module not in NOT_A_PLACE
        ]
        kept = {f"{citation.module}:{citation.place}" for citation in cited} & set(clause["enforced"])
        raised = {f"{citation.module}:{citation.place}" for citation in cited if citation.whole}
        clause["enforced"] = sorted(kept | raised)
    text = json.dumps(DATA, indent=2, ensure_ascii=False) + "\n"
    for folder in (SPEC, PACKAGE):
        (folder / "clauses.json").write_text(text, "utf-8")


if __name__ == "__main__":
    refresh()
