"""The mutants: how they are made, that the vectors kill them, and that what is listed is right."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from conformance import case, inprocess, inprocess_signing, signing_case
from conformance.mutation import equivalents, library, operators, random_inputs, reach, record, run, targets, unit_tests
from model_signing_ref import bundle, hashing, output, signing, statement, tree

ROOT = targets.ROOT
SPEC = ROOT / "spec" / "clauses.json"


def mutated(source: str, operator: str) -> list[str]:
    """What an operator makes of a function `f`, each as one line of text."""
    tree = ast.parse(source)
    names = [each.id.partition(":")[2] for each in operators.mutants("a.py", tree, {"f", "X"})]
    chosen = [name for name in names if name.split(":")[1] == operator]
    return [ast.unparse(operators.mutate(source, {"f", "X"}, name)) for name in chosen]


def function(*body: str) -> str:
    return "\n".join(["def f(a, b):", *(f"    {line}" for line in body)])


@pytest.mark.parametrize(
    ("operator", "source", "made"),
    [
        ("remove-raise", function("raise ValueError"), [function("pass")]),
        ("drop-call", function("a(b)", "c = a(b)"), [function("pass", "c = a(b)")]),
        ("return-early", function("a(b)"), [function("return")]),
        ("return-early", function("return a"), []),
        ("return-early", function("yield a"), []),
        ("leave-loop", function("for x in a:", "    b(x)"), [function("for x in a:", "    b(x)", "    break")]),
        ("negate", function("if a:", "    b()"), [function("if not a:", "    b()")]),
        ("negate", function("if not a:", "    b()"), [function("if a:", "    b()")]),
        ("negate", function("need(a, b)"), [function("need(not a, b)")]),
        ("negate", function("return a == b"), [function("return not a == b")]),
        ("negate", function("return a"), []),
        ("boundary", function("return a < b <= 2"), [function("return a <= b <= 2"), function("return a < b < 2")]),
        ("or-more", function("return a == b"), [function("return a >= b")]),
        ("or-less", function("return a != b"), [function("return a > b")]),
        ("or-less", function("return a == 'text'"), []),
        ("equal-to-all", function("return a == 'text'"), [function("return True")]),
        ("equal-to-all", function("return a != b"), [function("return False")]),
        ("member-of-all", function("return a in b"), [function("return True")]),
        ("member-of-all", function("return a not in b"), [function("return False")]),
        ("one-more", "X = 64", ["X = 65"]),
        ("one-less", function("return a[0] + b[1]"), [function("return a[0] + b[0]")]),
        ("one-more", function("return f'{a[0]}'"), []),
        ("skip-first", function("return [x for x in a]"), [function("return [x for x in list(a)[1:]]")]),
        ("skip-last", function("for x in a:", "    b(x)"), [function("for x in list(a)[:-1]:", "    b(x)")]),
        ("drop-member", "X = {'a', 'b'}", ["X = {'b'}", "X = {'a'}"]),
        ("drop-member", "X = {'a': 1}", ["X = {}"]),
        ("drop-member", "X = (Row(1), Row(2))", ["X = (Row(2),)", "X = (Row(1),)"]),
        ("drop-member", function("return (a, b)"), []),
        ("drop-member", function("return (a(1), b(2))"), []),
        ("swap-and-or", function("return a and b"), [function("return a or b")]),
        ("drop-condition", function("return a and b"), [function("return b"), function("return a")]),
    ],
)
def test_operators(operator: str, source: str, made: list[str]) -> None:
    assert mutated(source, operator) == made


def test_every_operator_is_described() -> None:
    text = (ROOT / "conformance" / "mutation" / "README.md").read_text("utf-8")
    assert {name for name in re.findall(r"`([a-z-]+)`", text) if name in operators.OPERATORS} == set(
        operators.OPERATORS
    )


def test_types_and_texts_for_people_are_left_alone() -> None:
    source = 'def f(a: tuple[str, int]) -> "X":\n    raise ValueError(f"{a[1]} of {len(a) > 2}")'
    assert [each.operator for each in operators.mutants("a.py", ast.parse(source), {"f"})] == [
        "remove-raise",
        "return-early",
    ]


def test_a_change_elsewhere_does_not_rename() -> None:
    before = function("if a:", "    b()")
    after = "def g(a):\n    if a:\n        return 1\n    return 2\n\n" + before
    named = [
        [each.id for each in operators.mutants("a.py", ast.parse(source), {"f", "g"}) if each.function == "f"]
        for source in (before, after)
    ]
    assert named[0] == named[1]


def test_an_unknown_mutant() -> None:
    with pytest.raises(KeyError):
        operators.mutate("X = 1", {"X"}, "X:one-more:2")


def test_what_is_reached_by_name() -> None:
    tree = ast.parse("A = 1\nB = 2\ndef f(): return g()\ndef g(): return A\ndef h(): return B\n")
    assert operators.reachable({"a.py": tree}, {"f"}) == {"a.py": {"f", "g", "A"}}


def test_mutants_of_the_verifiers_and_of_the_signer() -> None:
    found = [mutant for _, mutant in targets.all_mutants()]
    assert len({mutant.id for mutant in found}) == len(found)
    assert len([mutant for mutant in found if "standalone" in mutant.file]) >= 300
    assert len([mutant for mutant in found if "standalone" not in mutant.file]) >= 300
    without = {"model_signing_ref/signer.py", "model_signing_ref/signers/key.py"}
    assert {mutant.file for mutant in found} | without == {file for each in targets.VERIFIERS for file in each.files}
    assert len(targets.controls()) == 2


def test_what_is_left_out_is_never_reached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def reached(*_: object) -> None:
        raise AssertionError

    names = [name.partition(":")[2] for name in targets.NEVER_REACHED]
    assert names == ["DEFAULT_SHARD_SIZE", "Config", "sign", "Config", "only_named"]
    for owner, name in ((hashing.Config, "__init__"), (signing.Config, "__init__")):
        monkeypatch.setattr(owner, name, reached)
    monkeypatch.setattr(signing, "sign", reached)
    monkeypatch.setattr(tree, "only_named", reached)
    monkeypatch.setattr(hashing, "DEFAULT_SHARD_SIZE", None)  # in manifest.py it is only defined
    for name in (signing_case.SMOKE, "signing/shards-order"):
        assert sign(name, tmp_path).verdict == "accept"
    monkeypatch.setattr(hashing.Plan, "serialization", reached)
    for vector in (each for each in case.load() if each["id"] in ("files/plain", "shards/middle")):
        assert inprocess.package(case.materialise(vector, folder_for(vector, tmp_path))).verdict == "accept"


def folder_for(vector: case.Vector, parent: Path) -> Path:
    folder = parent / str(vector["id"]).replace("/", "-")
    folder.mkdir(parents=True)
    return folder


# --- mutants of the sigstore package


def test_what_is_mutated_of_the_sigstore_package_is_what_vectors_come_to(tmp_path: Path) -> None:
    """No function that vectors do not come to, and none left out that checks something."""
    files = {str(library.folder() / file): file for file in library.CHECKS}
    reached: set[tuple[str, int]] = set()

    def listen(frame: FrameType, event: str, argument: object) -> None:
        if frame.f_code.co_filename in files:
            reached.add((files[frame.f_code.co_filename], frame.f_code.co_firstlineno))

    vectors = [vector for vector in case.load() if vector["method"] == "sigstore"]
    made = [case.materialise(vector, folder_for(vector, tmp_path)) for vector in vectors]
    sys.setprofile(listen)
    for each in made:
        inprocess.package(each)
    sys.setprofile(None)
    for file, wanted in library.CHECKS.items():
        tree = ast.parse((library.folder() / file).read_text("utf-8"))
        functions = {name: node for name, node in operators.definitions(tree) if isinstance(node, ast.FunctionDef)}
        come_to = {name for name, node in functions.items() if (file, first_line(node)) in reached}
        mutable = {
            name for name in functions if not name.endswith("__init__") and operators.mutants(file, tree, {name})
        }
        assert set(wanted) & set(functions) <= come_to, file
        assert come_to & mutable <= set(wanted), file


def first_line(node: ast.FunctionDef) -> int:
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])


# --- how vectors notice

OUTCOME = inprocess.Outcome("reject", "names", "OMS-6.1.2-03", "one", "two")


@pytest.mark.parametrize(
    ("got", "how"),
    [
        (OUTCOME, ""),
        (OUTCOME._replace(verdict="accept"), "verdict"),
        (OUTCOME._replace(verdict="crash"), "crash"),
        (OUTCOME._replace(verdict="time-out"), "time-out"),
        (OUTCOME._replace(stage="digest"), "stage"),
        (OUTCOME._replace(stage="predicate"), "clause"),
        (OUTCOME._replace(clause="OMS-6.1.2-04"), "clause"),
        (OUTCOME._replace(clause="OMS-6.1.2-01"), ""),
        (OUTCOME._replace(detail="other"), "told"),
        (OUTCOME._replace(told="other"), "told"),
    ],
)
def test_how_a_vector_notices(got: inprocess.Outcome, how: str) -> None:
    vector = {"stages": ["names", "predicate"], "clauses": ["OMS-6.1.2-03", "OMS-6.1.2-01"]}
    assert run.noticed(vector, got, OUTCOME) == how


def sign(name: str, folder: Path) -> inprocess.Outcome:
    vector = next(each for each in signing_case.load() if each["id"] == name)
    return inprocess_signing.package(signing_case.materialise(vector, folder_for(vector, folder)))


def test_how_a_signing_vector_notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Right, refused, a manifest that is wrong, another file left behind, and other bytes that are as good."""
    assert sign("signing/one-file", tmp_path / "a").verdict == "accept"
    refused = sign("signing/no-file", tmp_path / "b")
    assert (refused.verdict, refused.stage) == ("reject", None)
    assert "has no file to sign" in refused.detail
    with monkeypatch.context() as patch:
        patch.setattr(signing, "write_statement", lambda made: statement.write_statement(made._replace(model_name="x")))
        wrong = sign("signing/one-file", tmp_path / "c")
    assert (wrong.verdict, wrong.stage, wrong.clause) == ("accept", "subject", "OMS-6.5.1-03")
    with monkeypatch.context() as patch:
        patch.setattr(output, "check_writable", lambda path: Path(f"{path}.other").touch())
        assert sign("signing/one-file", tmp_path / "d")[:2] == ("accept", "nothing-else")
        assert sign("signing/no-file", tmp_path / "e")[:2] == ("reject", "nothing-else")
    with monkeypatch.context() as patch:
        patch.setattr(signing, "write_bundle", lambda made: bundle.write_bundle(made) + b"\n")
        other = sign("signing/one-file", tmp_path / "f")
    assert other[:2] == ("accept", None)
    assert other.told != sign("signing/one-file", tmp_path / "g").told


# --- the list


def test_every_entry_of_the_list() -> None:
    entries = equivalents.load()
    known = {mutant.id for _, mutant in targets.all_mutants()}
    clauses = {clause["id"] for clause in json.loads(SPEC.read_text("utf-8"))["clauses"]}
    assert sorted(set(entries) - known) == []
    for entry in entries.values():
        assert entry.reason.endswith("."), entry
        assert (entry.kind in ("implied", "elsewhere")) == bool(entry.evidence), entry
        if entry.kind == "implied":
            assert entry.evidence in clauses, entry
        if entry.kind == "elsewhere":
            file, _, test = entry.evidence.partition("::")
            assert f"def {test.partition('[')[0]}(" in (ROOT / file).read_text("utf-8"), entry


def test_a_list_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    group = {"kind": "speed", "reason": "It is.", "mutants": ["a"]}
    path.write_text(json.dumps([group]))
    assert equivalents.load(tmp_path) == {"a": equivalents.Entry("a", "speed", "It is.", "")}
    path.write_text(json.dumps([group, group]))
    with pytest.raises(ValueError, match="twice"):
        equivalents.load(tmp_path)
    path.write_text(json.dumps([{**group, "kind": "luck"}]))
    with pytest.raises(ValueError, match="luck is none of"):
        equivalents.load(tmp_path)


@pytest.mark.parametrize(
    ("kind", "shown", "wrong"),
    [("speed", "", False), ("speed", "told", True), ("told", "told", False), ("told", "verdict", True)],
)
def test_what_a_kind_allows(kind: str, shown: str, wrong: bool) -> None:
    assert bool(equivalents.fault(equivalents.Entry("a", kind, "", ""), shown)) == wrong


def test_what_tests_say_of_a_mutant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that fails, nothing if all pass, and no end is as good as a failure."""
    bodies = {"passes": "pass", "fails": "assert False", "never_ends": "while True: pass"}
    files = {name: tmp_path / f"test_that_{name}.py" for name in bodies}
    for name, body in bodies.items():
        files[name].write_text(f"def test_{name}():\n    {body}\n")
    assert unit_tests.first_failing("", [str(files["passes"])]) == ""
    assert unit_tests.first_failing("", [str(files["passes"]), str(files["fails"])]).endswith("::test_fails")
    monkeypatch.setattr(unit_tests, "SECONDS", 2)
    assert unit_tests.first_failing("", [str(files["never_ends"])]) == "no end within 2 s"


def test_random_inputs_are_the_same_again() -> None:
    vectors = [each for each in case.load() if each["id"].startswith(("names/", "shards/"))]
    made = random_inputs.inputs(vectors, 1, 20)
    assert made == random_inputs.inputs(vectors, 1, 20) != random_inputs.inputs(vectors, 2, 20)
    assert all(vector["verdict"] == "either" for vector in made)


# --- the record


def test_the_record() -> None:
    """It is of these mutants and of these vectors, and README says what it says."""
    made = record.load()
    assert made["corpus_digest"] == record.corpus_digest(), "run python3 -m conformance.mutation --record again"
    assert made["mutants"] == sum(made["killed"].values()) + sum(made["listed"].values())
    assert made["listed"] == Counter(entry.kind for entry in equivalents.load().values())
    assert made["of"] == {
        file: Counter(mutant.operator for _, mutant in targets.all_mutants() if mutant.file == file)
        for file in made["of"]
    }
    killed, listed = sum(made["killed"].values()), sum(made["listed"].values())
    sentence = (
        f"{killed} of {made['mutants']} mutants are killed by the vectors; {listed} are listed, each with a reason that"
        " is tested"
    )
    assert sentence in " ".join((ROOT / "README.md").read_text("utf-8").split())


def test_vectors_that_kill_the_same_have_a_reason_to_stay() -> None:
    kept, groups = json.loads(record.KEPT.read_text("utf-8")), record.alike(record.load())
    manifest = json.loads((case.VECTORS / "manifest.json").read_text("utf-8"))
    for group in groups:
        without = [vector for vector in group if not record.reason_to_stay(vector, kept)]
        assert len(without) < 2, "these kill the same mutants; all but one need a reason in kept.json"
    alike = [vector for group in groups for vector in group]
    recorded, scored = record.load()["vectors"], sum(row["scored"] for row in manifest["families"])
    not_run = [vector["id"] for vector in json.loads((case.VECTORS / "pae.json").read_text("utf-8"))["vectors"]]
    assert len({*recorded, *not_run}) == scored, "each scored vector is run, or named here"
    assert all(record.reason_to_stay(vector, kept) for vector in not_run)
    alike += not_run
    for each in kept:
        assert each["reason"].endswith(".")
        for vector in each["vectors"]:
            assert vector in alike, f"{vector} is listed, and kills what no other vector kills"


def test_which_vectors_kill_the_same() -> None:
    made = {"vectors": {"a/one": [2, "x"], "a/two": [2, "x"], "b/one": [1, "y"]}}
    assert record.alike(made) == [["a/one", "a/two"]]
    kept = [{"vectors": ["a/two"], "reason": "Two classes of clients."}]
    assert record.reason_to_stay("a/two", kept) == "Two classes of clients."
    assert record.reason_to_stay("a/one", kept) == ""


@pytest.mark.parametrize(
    ("line", "lines"),
    [(1, []), (2, []), (3, [3, 4, 5, 6, 7, 8]), (5, [5, 6]), (6, [6]), (7, [7, 8]), (8, [7, 8])],
)
def test_the_lines_of_a_change(line: int, lines: list[int]) -> None:
    source = 'X = 1\n\ndef f(a):\n    """One."""\n    if a:\n        a()\n    return (1,\n        2)\n'
    assert list(reach.lines_of(ast.parse(source), line)) == lines


def test_the_lines_that_are_run(tmp_path: Path) -> None:
    path = tmp_path / "traced.py"
    path.write_text("def f(a):\n    if a:\n        return 1\n    return 2\n")
    names: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), names)
    with reach.traced([str(path)]) as lines:
        thread = threading.Thread(target=names["f"], args=[0])
        thread.start()
        thread.join()
        names["f"](1)
    assert lines == {str(path): {2, 3, 4}}


# --- and a few of them run


def test_a_sample_dies() -> None:
    """The first mutant of each file, and the controls, which every run starts with."""
    listed = equivalents.load()
    raised = [each for _, each in reversed(targets.all_mutants()) if each.operator == "remove-raise"]
    first = {mutant.file: mutant.id for mutant in raised if mutant.id not in listed}
    command = [
        sys.executable,
        "-m",
        "conformance.mutation",
        *(word for name in first.values() for word in ("--id", name)),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(first)} of {len(first)} mutants are killed" in done.stdout


def test_an_unknown_mutant_on_the_command_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "conformance.mutation", "--id", "none"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "no such file or mutant: none\n"
