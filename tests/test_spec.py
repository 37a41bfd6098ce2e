"""The documents are true: examples, links, and the clauses, decisions and vectors that they cite.

Run as a program with --write, this brings the marked blocks of all documents up to date.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from documents import (
    BLOCK,
    ROOT,
    SPEC,
    markdown_files,
    marked,
    marked_documents,
    prepare,
    remake,
    rewritten,
)

import conformance.loopback
from conformance import case
from conformance.generate import worked_example
from model_signing_ref import bundle, certificates, compat, dsse, manifest, statement, strictjson, timestamps
from model_signing_ref.clauses import all_clauses
from model_signing_ref.dsse import decode_base64
from model_signing_ref.errors import STAGES
from model_signing_ref.manifest import name_fault

CLAUSES = {clause.id: clause for clause in all_clauses()}
PREFIXES = sorted({clause_id.split("-")[0] for clause_id in CLAUSES})
CLAUSE = re.compile(rf"\b(?:{'|'.join(PREFIXES)})(?:-[A-Z0-9.]+)?-[0-9]{{2}}\b")
DECISION = re.compile(r"\bD[0-9]{2}\b")
DECISIONS = (SPEC / "decisions.md").read_text("utf-8")
VECTORS = {vector["id"] for vector in case.load()}
FAMILIES = {vector_id.split("/")[0] for vector_id in VECTORS}
VECTOR = re.compile(rf"`({'|'.join(sorted(FAMILIES))})/([a-z0-9-]+)`")
NUMBER = re.compile(r"[0-9][0-9,]*")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")

PARTS = SPEC.parent / "conformance" / "results"  # of conformance/RESULTS.md, from where their links lead
DOCUMENTS = [path for path in markdown_files() if path.parent != PARTS]
CHAPTERS = [path for path in DOCUMENTS if path.parent == SPEC]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# --- worked examples


@pytest.mark.parametrize("path", marked_documents(), ids=named)
def test_examples_are_what_is_made_or_printed(path: Path, tmp_path: Path) -> None:
    if absent := [name for name in ("bash", "openssl", "sha256sum", "od") if shutil.which(name) is None]:
        pytest.skip(f"not installed: {', '.join(absent)}: apt-get install bash coreutils openssl")
    folder = prepare(tmp_path)
    missing = set()
    for block in marked(path.read_text("utf-8")):
        again = remake(block, folder)
        if again is None:
            missing.add(block.name)
            continue
        assert again == block, f"{named(path)}: run `python tests/test_spec.py --write`"
    if missing:
        pytest.skip(f"not installed: {', '.join(sorted(missing))}: pip install '.[all,loopback]'")


def test_no_line_ends_in_a_space_or_is_too_long() -> None:
    for path in CHAPTERS:
        lines = path.read_text("utf-8").splitlines()
        assert [line for line in lines if line != line.rstrip()] == [], named(path)
        if path.name != "decisions.md":  # an item a line
            long = [
                line for line in prose("\n".join(lines)) if len(line) > 120 and not line.startswith(("|", "Vectors:"))
            ]
            assert long == [], named(path)


def test_every_mark_has_a_block() -> None:
    for path in DOCUMENTS:
        text = path.read_text("utf-8")
        marks = re.findall(r"^<!-- (?:run|made).*-->$", text, re.MULTILINE)
        assert len(marks) == len(BLOCK.findall(text)), named(path)


def test_examples_of_all_methods_and_serializations() -> None:
    commands = "".join(block.content for path in CHAPTERS for block in marked(path.read_text("utf-8")))
    for name in ("key", "certificate", "sigstore", "shards"):
        assert f"fold -b -w 100 {name}.sig" in commands


def test_wrong_output_is_seen(tmp_path: Path) -> None:
    """The comparison can fail: another output, and a command that fails."""
    folder = prepare(tmp_path)
    text = "<!-- run -->\n```sh\necho one\n```\n\n```text\ntwo\n```\n"
    (block,) = marked(text)
    assert remake(block, folder) == block._replace(output="one\n")
    assert rewritten(text, folder) == text.replace("two", "one")
    with pytest.raises(AssertionError, match="exit status 3"):
        remake(block._replace(content="exit 3\n"), folder)


def test_the_worked_example_is_the_same_each_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("first", "second"):
        assert worked_example.main([str(tmp_path / name)]) == 0
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "first", tmp_path / "second")
    )
    assert first == second
    assert len(first) >= len(worked_example.MODEL) + 8
    assert worked_example.main([]) == worked_example.main(["--help"]) == 2
    assert capsys.readouterr().err.count("usage: ") == 2


def test_the_worked_example_without_what_sigstore_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "conformance.loopback.static", None)
    monkeypatch.delattr(conformance.loopback, "static", raising=False)
    worked_example.write(tmp_path)
    assert (tmp_path / "certificate.sig").exists()
    assert not (tmp_path / "sigstore.sig").exists()
    assert "pip install" in capsys.readouterr().err


def test_base64_table() -> None:
    """The table of texts in envelope.md: the first row is read, the others are refused."""
    table = (SPEC / "envelope.md").read_text("utf-8").split("| Text | |\n|---|---|\n")[1].split("\n\n")[0]
    good, *bad = table.splitlines()
    assert [decode_base64(text) for text in re.findall("`([^`]+)`", good.split("|")[1])] == [b"\xfb\xff"] * 2
    texts = [text for row in bad for text in re.findall("`([^`]+)`", row.split("|")[1])]
    assert len(texts) == 8
    for text in (*texts, "+/8=\n"):
        if text != "+/8=":
            with pytest.raises(ValueError, match=r"."):
                decode_base64(text)


def table(chapter: str, heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, cell by cell."""
    text = (SPEC / chapter).read_text("utf-8").split(f"# {heading}\n", 1)[1]
    rows = [line.strip("|").split("|") for line in text[text.index("\n|") :].split("\n\n")[0].strip().splitlines()]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def quoted(cell: str) -> list[str]:
    return re.findall("`([^`]+)`", cell)


def test_table_of_names() -> None:
    """Each example in names.md is refused by the clause of its row, and what is said to be a name is one."""
    rows = table("names.md", "Canonical names")
    for _, examples, clause in rows:
        for name in quoted(examples):
            fault = name_fault(name)
            assert fault, name
            assert fault[1] in quoted(clause), name
    assert len([name for row in rows for name in quoted(row[1])]) == 10
    for name in ("a b", "a\nb", "*", "...", ".hidden", "-rf", "~", "a:b", "é", "\u202e"):
        assert name_fault(name) is None
    order = [clause for row in rows for clause in quoted(row[2])]
    for place, name in enumerate(("/a/", "a//", "a//..", "../.", "./b\\"), 1):  # each breaks this rule and the next
        fault = name_fault(name)
        assert fault, name
        assert fault[1] == order[place], name


def test_table_of_orders() -> None:
    orders = [quoted(row[0]) for row in table("names.md", "Order")]
    assert len(orders) == 5
    assert orders == [sorted(order) for order in orders]


def test_table_of_bounds() -> None:
    told = [
        int(number.replace(",", "")) for row in table("algorithms.md", "Numbers") for number in NUMBER.findall(row[1])
    ]
    assert told == [
        *(bundle.MAX_BYTES, bundle.MAX_VALUES - 1, strictjson.MAX_DEPTH, strictjson.MAX_NUMBER_CHARACTERS),
        *(1, manifest.MAX_SHARD_SIZE, manifest.DEFAULT_SHARD_SIZE, manifest.MAX_OFFSET),
        *(certificates.MAX_CERTIFICATES, certificates.MAX_INTERMEDIATES, certificates.MAX_CANDIDATES),
        *(timestamps.MAX_TOKENS, 32),
    ]


def test_tables_of_strings() -> None:
    told = [quoted(row[1]) for row in table("algorithms.md", "Media types and URIs")]
    assert told == [
        *([*bundle.MEDIA_TYPES], [dsse.PAYLOAD_TYPE], [statement.STATEMENT_TYPE], [statement.PREDICATE_TYPE]),
        [compat.V02_PREDICATE_TYPE],
    ]
    sizes = {quoted(row[0])[0]: int(row[2]) for row in table("algorithms.md", "Digests")}
    assert sizes == manifest.DIGEST_SIZES
    assert tuple(quoted(table("names.md", "What is left out")[0][0])[:4]) == manifest.GIT_NAMES


# --- links


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    found: set[str] = set()
    for line in prose(path.read_text("utf-8")):
        if match := re.match(r"#{1,6} (.*)", line):
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match[1]).replace("`", "").strip().lower()
            anchor = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
            count, unique = 0, anchor
            while unique in found:
                count += 1
                unique = f"{anchor}-{count}"
            found.add(unique)
    return found


def prose(text: str) -> Iterator[str]:
    """The lines outside of fenced blocks."""
    inside = False
    for line in text.splitlines():
        if line.startswith("```"):
            inside = not inside
        elif not inside:
            yield line


def links(path: Path) -> Iterator[str]:
    """Where the links of a document lead, those of reference style included."""
    text = re.sub(r"`[^`\n]*`", "", "\n".join(prose(path.read_text("utf-8"))))
    yield from LINK.findall(text)
    yield from re.findall(r"^\[[^\]]+\]: (\S+)", text, re.MULTILINE)


def broken(path: Path) -> Iterator[str]:
    """The links of a document that lead to no file of the repository, to no heading, or are not encrypted."""
    for link in links(path):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            leads = target.startswith("https://")
        else:
            file = (path.parent / target).resolve() if target else path
            inside = not target or file.is_relative_to(ROOT)
            leads = inside and file.exists() and (not anchor or is_in(anchor, file))
        if not leads:
            yield link


def is_in(anchor: str, file: Path) -> bool:
    """Whether a document has that heading, or a source file those lines."""
    if file.suffix == ".md":
        return anchor in anchors(file)
    lines = re.fullmatch(r"L([0-9]+)(?:-L([0-9]+))?", anchor)
    last = len(file.read_text("utf-8").splitlines())
    return lines is not None and int(lines[1]) <= int(lines[2] or lines[1]) <= last


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_links_lead_somewhere(path: Path) -> None:
    assert list(broken(path)) == []


def test_broken_links_are_seen(tmp_path: Path) -> None:
    document = ROOT / "spec" / "README.md"
    assert "bundle.md" in set(links(document))
    assert {"strict-json", "shape"} <= anchors(SPEC / "bundle.md")
    assert "d14-the-name-of-a-single-file" in anchors(SPEC / "decisions.md")
    assert "d11-hash_type-and-the-algorithm-of-each-resource" in anchors(SPEC / "decisions.md")
    bad = tmp_path / "bad.md"
    bad.write_text("[a](nowhere.md) [b](#no) [c](http://example.com) [d](https://example.com)\n\n# Yes\n\n[e](#yes)\n")
    assert list(broken(bad)) == ["nowhere.md", "#no", "http://example.com"]
    assert [anchor for anchor in ("L1", "L1-L3", "L3-L1", "L1-L999999", "main") if is_in(anchor, Path(__file__))] == [
        "L1",
        "L1-L3",
    ]


def test_every_file_of_the_folder_is_in_its_index() -> None:
    listed = {link.partition("#")[0].rstrip("/") for link in links(SPEC / "README.md")}
    present = {path.name for path in SPEC.iterdir() if path.name != "README.md"}
    assert {path for path in present if path not in listed and f"{path}/README.md" not in listed} == set()


# --- what is cited


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_what_is_cited_exists(path: Path) -> None:
    text = path.read_text("utf-8")
    assert sorted(set(CLAUSE.findall(text)) - set(CLAUSES)) == []
    assert [each for each in DECISION.findall(text) if f"### {each} " not in DECISIONS] == []
    assert [f"{family}/{name}" for family, name in VECTOR.findall(text) if f"{family}/{name}" not in VECTORS] == []


def test_every_clause_that_binds_a_client_is_in_a_chapter() -> None:
    texts = "".join(
        path.read_text("utf-8") for path in CHAPTERS if path.name not in {"decisions.md", "traceability.md"}
    )
    told = set(CLAUSE.findall(texts))
    binding = {each.id for each in CLAUSES.values() if each.binds in {"verifier", "both", "format", "signer"}}
    withdrawn = {each.id for each in CLAUSES.values() if each.status == "withdrawn"}
    assert sorted(binding - told - withdrawn) == []
    assert sorted(withdrawn & told) == []


def test_every_open_question_is_answered() -> None:
    table = (SPEC / "README.md").read_text("utf-8").split("## Questions that OMS v1.0 leaves open")[1]
    assert re.findall(r"^\| (D[0-9]{2}) \|", table, re.MULTILINE) == [f"D{number:02}" for number in range(1, 36)]


# --- the recipe


def steps() -> list[list[str]]:
    """The rows of the recipe's tables: step, stage, clauses, what is checked, what a failure says."""
    text = (SPEC / "verification.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if re.match(r"\| [0-9]+[A-Z0-9.]* \|", line)]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def test_the_recipe_is_numbered_and_of_stages_and_clauses() -> None:
    common = [row for row in steps() if row[0].isdigit()]
    assert [int(row[0]) for row in common] == [*range(1, 9), *range(10, 35)]
    for number, stage, clauses, checked, failure in steps():
        found = CLAUSE.findall(clauses)
        assert stage.strip("`") in STAGES, number
        assert found, number
        assert checked, number
        assert failure, number
        for clause_id in found:
            clause = CLAUSES[clause_id]
            assert stage.strip("`") in {clause.stage, *clause.also_at} or clause.stage == "unsupported", clause_id


def test_the_recipe_has_every_clause_that_a_rejection_cites() -> None:
    """Every clause that a rejection may cite stands at a step."""
    raised = {
        clause_id
        for path in (ROOT / "model_signing_ref").rglob("*.py")
        if path.name not in {"standalone.py", "inspection.py", "inspection_material.py"}
        for clause_id in re.findall(r'"((?:[A-Z0-9]+)(?:-[A-Z0-9.]+)?-[0-9]{2})"', path.read_text("utf-8"))
        if clause_id in CLAUSES and CLAUSES[clause_id].stage not in {None, "unsupported"}
    }
    told = {clause_id for row in steps() for clause_id in CLAUSE.findall(row[2])}
    elsewhere = {
        "REF-COMPAT-01",  # of another recipe, in compatibility.md
        "RFC3161-05",  # of a signer, which refuses what an authority answers
    }
    assert len(raised) > 60
    assert sorted(raised - told) == sorted(elsewhere)


def main(words: list[str]) -> int:
    """`--write` brings the documents up to date; gives the exit status."""
    if words != ["--write"]:
        print("usage: python tests/test_spec.py --write", file=sys.stderr)
        return 2
    for path in marked_documents():
        with tempfile.TemporaryDirectory() as folder:
            text = rewritten(path.read_text("utf-8"), prepare(Path(folder)))
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
