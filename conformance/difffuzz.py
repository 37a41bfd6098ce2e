"""Random edits of bundles and models, run against several clients; what they disagree on, made small.

    python3 conformance/run.py diff-fuzz --adapter A=CMD --adapter B=CMD [--seed N] [--count N | --seconds S]
        [--stages] [--family NAME] [--out DIR]

Each case is an accepted vector with one to three random edits. What lies below the signature is signed again, so it
needs the generator, and with it the package `cryptography`. A case depends on the seed and its number alone.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from . import case, clients, inprocess
from .generate import edits
from .generate.kit import Edit, Material
from .randomedits import random_edit, smaller

AGREED, DISAGREED, NO_RUN = 0, 1, 2
NAME = "fuzz"
MOST_EDITS = 3
THROWS = 10  # of the dice, until an edit can be made
MOST_STEPS = 300  # questions to make one disagreement small


class Said(NamedTuple):
    """A client's answer, as far as it is compared."""

    verdict: str
    stage: str | None


class Asked(NamedTuple):
    """A client that is asked, and how it is called."""

    name: str
    client: clients.Client
    known: clients.Capabilities


class Case(NamedTuple):
    """An accepted vector and the edits that are made to it."""

    base: case.Vector
    edits: tuple[Edit, ...]


class Found(NamedTuple):
    """A disagreement, made small: who said what, and where the edit is."""

    number: int
    case: Case
    material: Material
    said: dict[str, Said]
    place: str


Answers = dict[str, Said]
Ask = Callable[[Material], Answers]


def main(words: list[str]) -> int:
    """Run the command line and give the exit status: 0 none found, 1 some found, 2 the run could not be done."""
    arguments = parse(words)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oms-fuzz-")))
        try:
            asked = [connect(each, arguments, stack) for each in arguments.adapter]
            return fuzz(arguments, asked, folder)
        except clients.ClientError as error:
            print(f"conformance: {error}", file=sys.stderr)
            return NO_RUN


def parse(words: list[str]) -> argparse.Namespace:
    """The options of a run."""
    parser = argparse.ArgumentParser(prog="run.py diff-fuzz", description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--adapter", action="append", default=[], metavar="NAME=CMD", help="a client: two or more")
    add("--protocol", choices=sorted(clients.DOORS), default="jsonl", help="how to speak with them (default jsonl)")
    add("--seed", type=int, default=0, help="another seed, other cases (default 0)")
    add("--count", type=int, default=1000, help="how many cases (default 1000)")
    add("--seconds", type=float, metavar="S", help="as many cases as fit into this time")
    add("--stages", action="store_true", help="compare the stages of rejections too")
    add("--family", action="append", default=[], help="start from vectors of this family (repeat)")
    add("--timeout", type=float, default=60.0, metavar="SECONDS", help="for each answer (default 60)")
    add("--out", metavar="DIR", help="write the vectors here and not to stdout")
    arguments = parser.parse_args(words)
    if len(arguments.adapter) < 2 or not all(each.partition("=")[2] for each in arguments.adapter):
        parser.error("two adapters or more are needed, each as NAME=CMD")
    return arguments


def connect(word: str, arguments: argparse.Namespace, stack: contextlib.ExitStack) -> Asked:
    """Start a client. Raises ClientError."""
    name, _, command = word.partition("=")
    client = clients.DOORS[arguments.protocol](command, arguments.timeout)
    stack.callback(client.close)
    try:
        return Asked(name, client, client.capabilities())
    except clients.ClientError as error:
        raise clients.ClientError(f"{name}: {error}") from error


def fuzz(arguments: argparse.Namespace, asked: list[Asked], folder: Path) -> int:
    """Ask about one case after the other, and report."""
    bases, started = bases_of(arguments.family), time.monotonic()
    ask = asking(asked, folder, arguments.stages)
    found: dict[str, Found] = {}
    seen, counts = Counter[str](), Counter[str]()
    for number in numbers(arguments, started):
        made = random_case(arguments.seed, number, bases)
        material = build(made)
        counts["cases"] += material is not None
        said = ask(material) if material else {}
        counts.update({f"all {next(iter(said.values())).verdict}": 1} if said and not disagree(said) else {})
        if not disagree(said):
            continue
        counts["disagreements"] += 1
        least = minimise(made, said, ask)
        key = class_of(least[1], least[0])
        seen[key] += 1
        if key not in found:
            found[key] = shown(number, *shrink(*least, ask))
    report(arguments, found, seen, counts, time.monotonic() - started)
    return DISAGREED if found else AGREED


def bases_of(families: list[str]) -> list[case.Vector]:
    """The vectors to start from: accepted, with a key, and small."""
    names = families or [name for name in case.families() if name != "limits"]
    vectors = [vector for vector in case.load() if vector["id"].partition("/")[0] in names]
    return [each for each in vectors if each["ours"]["verdict"] == "accept" and fit(each)]


def fit(vector: case.Vector) -> bool:
    """Whether edits can be made to a vector: a bundle in canonical form, and nothing about permissions."""
    if vector["method"] != "key" or vector["options"].get("allow_v02") or case.needs_unprivileged(vector):
        return False
    try:
        edits.open_payload(vector)
    except (AssertionError, ValueError, TypeError, LookupError):
        return False
    return True


def numbers(arguments: argparse.Namespace, started: float) -> Iterator[int]:
    """The numbers of the cases, as long as there is time."""
    number = 0
    while time.monotonic() - started < arguments.seconds if arguments.seconds else number < arguments.count:
        yield number
        number += 1


def random_case(seed: int, number: int, bases: list[case.Vector]) -> Case:
    """The case of a number."""
    dice = random.Random(f"{seed}/{number}")  # noqa: S311 - has to be the same again
    base = dice.choice(bases)
    made: tuple[Edit, ...] = ()
    for _ in range(dice.choice((1, 1, 1, 2, MOST_EDITS))):
        made = more_edited(dice, base, made)
    return Case(base, made)


def more_edited(dice: random.Random, base: case.Vector, made: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """One edit more; not all that the dice show can be made."""
    material = build(Case(base, made))
    for _ in range(THROWS):
        edit = random_edit(dice, material) if material else None
        if edit and build(Case(base, (*made, edit))):
            return (*made, edit)
    return made


def build(made: Case) -> Material | None:
    """What the clients are given; None where the edits can't be made."""
    material: Material = {name: made.base[name] for name in case.MATERIAL}
    try:
        for edit in made.edits:
            material = edits.apply(material, edit)
    except (AssertionError, LookupError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return material


# --- asking


def asking(asked: list[Asked], folder: Path, stages: bool) -> Ask:
    """A function that has every client say what it says of a case. Who is not able to says nothing."""

    def ask(material: Material) -> Answers:
        where = Path(tempfile.mkdtemp(dir=folder))
        try:
            made = case.materialise(material, where)
            answers = ((each.name, answer(each, made, stages)) for each in asked)
            return {name: said for name, said in answers if said is not None}
        except case.NotApplicable:
            return {}
        finally:
            case.release(where)
            shutil.rmtree(where)

    return ask


def answer(asked: Asked, made: case.Case, stages: bool) -> Said | None:
    """What a client says; None where it has no way to be asked, or calls the case unsupported."""
    try:
        said = asked.client.verify(made, asked.known)
    except (clients.Unasked, clients.NotInjectable):
        return None
    except clients.ClientError:
        return Said("error", None)
    if said.verdict == "unsupported":
        return None
    return Said(said.verdict, said.stage if stages and said.verdict == "reject" else None)


def disagree(said: Answers) -> bool:
    """Whether two clients say different things."""
    return len(set(said.values())) > 1


# --- making it small


def minimise(made: Case, said: Answers, ask: Ask) -> tuple[Case, Answers]:
    """The case with as few edits as show the same disagreement."""
    for place in range(len(made.edits) - 1, -1, -1):
        fewer = made._replace(edits=made.edits[:place] + made.edits[place + 1 :])
        if again(fewer, ask) == said:
            made = fewer
    return made, said


def shrink(made: Case, said: Answers, ask: Ask) -> tuple[Case, Answers]:
    """The case with smaller edits, as long as the disagreement stays the same."""
    steps, better = 0, True
    while better:
        better = False
        for place, edit in enumerate(made.edits):
            for less in smaller(edit):
                steps += 1
                if steps > MOST_STEPS:
                    return made, said
                candidate = made._replace(edits=(*made.edits[:place], less, *made.edits[place + 1 :]))
                if again(candidate, ask) == said:
                    made, better = candidate, True
                    break
    return made, said


def again(made: Case, ask: Ask) -> Answers | None:
    """What is said of another case; None where it can't be made."""
    material = build(made)
    return None if material is None else ask(material)


def class_of(said: Answers, made: Case) -> str:
    """Who says what, and at which layer and place the edits are: disagreements of one class have one cause."""
    who = ", ".join(f"{name}: {spoken(each)}" for name, each in said.items())
    return f"{who}; {' and '.join(place_of(edit) for edit in made.edits) or made.base['id'] + ' as it is'}"


def spoken(said: Said) -> str:
    """An answer in words."""
    return said.verdict + (f" at {said.stage}" if said.stage else "")


def place_of(edit: Edit) -> str:
    """Where an edit is, without numbers that do not matter."""
    pointer = edit.get("pointer", "")
    place = "/".join("*" if part.isdigit() or part == "-" else part for part in pointer.split("/"))
    kind = edit.get("entry", {}).get("type", "")
    named = edit["name"] if edit["layer"] in ("options", "trust") else ""
    return " ".join(word for word in (edit["layer"], edit["op"], place or kind or named) if word)


# --- what is shown


def shown(number: int, made: Case, said: Answers) -> Found:
    """A disagreement with what the clients were given."""
    material = build(made)
    assert material is not None
    return Found(number, made, material, said, class_of(said, made))


def report(
    arguments: argparse.Namespace, found: Mapping[str, Found], seen: Counter[str], counts: Counter[str], seconds: float
) -> None:
    """Say what came out, and give the vectors."""
    lines = [f"seed {arguments.seed}: {counts['cases']} cases in {seconds:.0f} s, {counts['disagreements']} disagreed"]
    lines += [f"  {name}: {number}" for name, number in sorted(counts.items()) if name.startswith("all ")]
    lines += [f"{seen[key]:6}  {key}  (first: case {each.number})" for key, each in found.items()]
    print("\n".join(lines), file=sys.stderr)
    if not found:
        return
    text = json.dumps(family(found, seen, arguments.seed), indent=1) + "\n"
    if arguments.out is None:
        print(text, end="")
        return
    path = Path(arguments.out) / f"{NAME}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    print(f"{path}: run.py --vectors {path} --adapter CMD asks a client about them", file=sys.stderr)


def family(found: Mapping[str, Found], seen: Counter[str], seed: int) -> dict[str, Any]:
    """The disagreements as a family of vectors (vector.schema.json)."""
    title = f"What clients disagree on: diff-fuzz, seed {seed}"
    vectors = [vector(each, seen[key], seed) for key, each in found.items()]
    return {"format": case.FORMAT, "family": NAME, "title": title, "vectors": vectors}


def vector(found: Found, count: int, seed: int) -> case.Vector:
    """A disagreement as a vector; the verdict is for people to find out."""
    said, base, made = found.said, found.case.base, found.case.edits
    whole = len(made) == 1 and base["verdict"] == "accept"
    stages = {each.stage for each in said.values() if each.stage}
    number = "a random edit" if len(made) == 1 else f"{len(made)} random edits"
    words = f"{base['id']} with {number}: " + " and ".join(json.dumps(edit, sort_keys=True) for edit in made)
    words = words if made else f"{base['id']} as it is"
    ours = judged(found.material)
    made_vector = {
        "id": f"{NAME}/seed-{seed}-case-{found.number}",
        "what": (words[:900] + "…" if len(words) > 900 else words) + ".",
        "why": f"Clients disagree ({count} times in this run): "
        + ", ".join(f"{name} says {spoken(each)}" for name, each in said.items())
        + ".",
        "gain": "Unknown: nobody has looked at it yet.",
        "severity": "none",
        "clauses": base["clauses"],
        "profile": "core" if base["profile"] == "ref-strict" else base["profile"],
        "verdict": "either",
        "stages": [each for each in case.STAGES if each in stages],
        "ours": {"verdict": ours.verdict, "stage": ours.stage},
        "control": base["id"] if whole else None,
        "edit": copy.deepcopy(made[0]) if whole else None,
        **found.material,
    }
    case.check(made_vector)
    return made_vector


def judged(material: Material) -> inprocess.Outcome:
    """What this project's package says; an error is no verdict, and counts as unsupported."""
    with tempfile.TemporaryDirectory() as folder:
        said = inprocess.package(case.materialise(material, Path(folder)))
        case.release(Path(folder))
    return inprocess.Outcome("unsupported", "unsupported") if said.verdict == "error" else said
