"""Run the vectors against mutants, each in a process of its own that is forked for it.

The parent lays the vectors out on disk and loads what is not mutated; the child loads the verifier, one module of it
mutated, runs vectors, and says of each whether it noticed. The child is bounded in time, memory and descriptors.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib
import importlib.util
import json
import os
import re
import resource
import select
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any, NamedTuple

from conformance import case, inprocess, inprocess_signing, signing_case

from . import reach, targets
from .operators import Mutant, mutate
from .targets import Source, Verifier, module_name

PACKAGE = "model_signing_ref"
LOADED = (PACKAGE, "sigstore")  # what each child loads again: our package, and the one that makes Sigstore's checks
VECTOR_SECONDS, CHILD_SECONDS = 10, 300  # of the clock: a vector takes milliseconds
CONTROLS = 3  # families whose control a mutant kills, then it is counted for every vector
TIME_OUTS = 3  # of one mutant, then it is given up
MEMORY = 3 << 30  # bytes of address space
DESCRIPTORS = 48  # so that a mutant which closes nothing runs out
LAST = ("limits", "bundle/plain")  # families and vectors that take long
LEFT_OUT = ("limits/huge-bundle",)  # as slow as all others together

# How a vector noticed, from strong to weak. `verdict`: another verdict; `crash`: an error that is none of the
# verifier's own; `time-out`; `stage`: a stage that the vector does not accept; `clause`: a clause that the vector does
# not name, or a stage that it accepts and the verifier does not give. `told` is no kill: the verdict is the same, with
# another warning, culprit, list of files or message than that of the unmutated verifier.
TOLD = "told"
KINDS = ("verdict", "crash", "time-out", "stage", "clause", TOLD)


Say = Callable[[Any], None]  # tell the parent a JSON value


class TimedOut(BaseException):
    """A vector took too long."""


Laid = case.Case | signing_case.SigningCase


class Module(NamedTuple):
    """A module of the verifiers, compiled once for all children."""

    code: CodeType
    path: str
    is_package: bool


class Slow(NamedTuple):
    """A function that only works with its arguments and takes long: done once, where none of its `parts` is mutated."""

    module: str
    function: str
    parts: tuple[str, ...]


SLOW = {"standalone": Slow(f"{PACKAGE}.standalone", "ecdsa_holds", ("ecdsa_holds", "add", "der", "CURVES", "PRIMES"))}


class Bench(NamedTuple):
    """All that children share: the cases on disk, the verifiers' modules, and what each verifier says unmutated.

    `known` is what the slow function of a verifier gave, by a digest of its arguments. `reached` has the lines that a
    verifier gets to when it is loaded, and then with each case.
    """

    cases: list[Laid]
    modules: dict[str, Module]
    plain: dict[str, list[inprocess.Outcome]]
    known: dict[str, dict[str, bool]]
    reached: dict[str, list[reach.Lines]]


class Result(NamedTuple):
    """What became of a mutant: the vectors that noticed, with how, and how many vectors were run."""

    mutant: Mutant
    kills: list[tuple[str, str]]
    vectors: int

    @property
    def kind(self) -> str:
        """The strongest way in which it was noticed, or empty."""
        return min((kind for _, kind in self.kills), key=KINDS.index, default="")


@contextlib.contextmanager
def bench(vectors: Iterable[case.Vector]) -> Iterator[Bench]:
    """The vectors laid out on disk, as far as this system can hold them."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)  # noqa: S103 - a vector with permissions is read by another user
        cases = list(_lay_out(Path(name), vectors))
        first = Bench(cases, {}, {}, {}, {})
        ready = first._replace(modules=_load(first))
        for adapter in ("package", "standalone"):
            ready.plain[adapter], ready.known[adapter] = _outcomes(ready, adapter)
            ready.reached[adapter] = _reached(ready, adapter)
        yield ready
        for made in cases:
            case.release(made.folder)


def _lay_out(folder: Path, vectors: Iterable[case.Vector]) -> Iterator[Laid]:
    for number, vector in enumerate(each for each in vectors if each["id"] not in LEFT_OUT):
        inner = folder / str(number)
        inner.mkdir(mode=0o755)
        with contextlib.suppress(case.NotApplicable):
            if signing_case.is_one(vector):
                os.chmod(inner, 0o777)  # noqa: S103 - each signer makes a copy in it, another user too
                yield signing_case.materialise(vector, inner)
            else:
                yield case.materialise(vector, inner)


def _outcomes(ready: Bench, adapter: str) -> tuple[list[inprocess.Outcome], dict[str, bool]]:
    """What a verifier says of every case, unmutated, and what its slow function gave."""

    def say_all(say: Say) -> None:
        _bound()
        install(ready.modules)
        known: dict[str, bool] = {}
        _remember(adapter, "", known)
        for made in ready.cases:
            say(_observe(adapter, made))
        say(known)

    lines = in_child(say_all)
    assert len(lines) == len(ready.cases) + 1, f"{adapter}: the verifier ended after {len(lines)} vectors"
    return [inprocess.Outcome(*line) for line in lines[:-1]], lines[-1]


def _reached(ready: Bench, adapter: str) -> list[reach.Lines]:
    """The lines that a verifier gets to when it is loaded, and then with each case."""
    paths = [module.path for module in ready.modules.values()]

    def say_all(say: Say) -> None:
        _bound()
        install(ready.modules)
        with reach.traced(paths) as lines:
            for name in ready.modules:
                importlib.import_module(name)
        say([(path, sorted(found)) for path, found in lines.items() if found])
        for made in ready.cases:
            with reach.traced(paths) as lines:
                _observe(adapter, made)
            say([(path, sorted(found)) for path, found in lines.items() if found])

    return [{path: set(found) for path, found in lines} for lines in in_child(say_all)]


def _remember(adapter: str, mutated: str, known: dict[str, bool]) -> None:
    """In a child: have the slow function look into `known` first, unless the function `mutated` is part of it."""
    if adapter not in SLOW or mutated.partition(".")[0] in SLOW[adapter].parts:
        return
    module = importlib.import_module(SLOW[adapter].module)
    compute = getattr(module, SLOW[adapter].function)

    def look_up(*arguments: object) -> bool:
        digest = hashlib.sha256(repr(arguments).encode()).hexdigest()
        if digest not in known:
            known[digest] = compute(*arguments)
        return known[digest]

    setattr(module, SLOW[adapter].function, look_up)


def _load(ready: Bench) -> dict[str, Module]:
    """The modules of the verifiers that vectors need; what these import from elsewhere is loaded here, for all."""

    def names(say: Say) -> None:
        forget()
        for made in ready.cases:
            for adapter in ("package", "standalone"):
                _observe(adapter, made)
        say([name for name, module in sys.modules.items() if getattr(module, "__spec__", None)])

    (loaded,) = in_child(names)
    modules = {}
    for name in loaded:
        if name.partition(".")[0] in LOADED:
            spec: Any = importlib.util.find_spec(name)
            modules[name] = Module(spec.loader.get_code(name), spec.origin, spec.submodule_search_locations is not None)
        elif name != "__main__":
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    return modules


def in_child(work: Callable[[Say], object]) -> list[Any]:
    """What `work`, run in a child process, says: JSON values."""
    pid, fd = _fork(work)
    with open(fd, "rb") as pipe:
        lines = pipe.read().splitlines()
    os.waitpid(pid, 0)
    return [json.loads(line) for line in lines]


def _fork(work: Callable[[Say], object]) -> tuple[int, int]:
    """Run `work` in a child process; its number, and where to read what it says."""
    sys.stdout.flush()
    sys.stderr.flush()
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return pid, read
    try:
        os.setpgid(0, 0)
        os.close(read)
        work(lambda value: _write(write, json.dumps(value).encode("ascii") + b"\n"))
    finally:
        os._exit(0)


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _bound() -> None:
    """Bound this process in memory and descriptors."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def time_out(*_: object) -> None:
        raise TimedOut

    signal.signal(signal.SIGALRM, time_out)


def _observe(adapter: str, made: Laid) -> inprocess.Outcome:
    """What a verifier says of a case, or the signer does of it, whatever that is."""
    signal.setitimer(signal.ITIMER_REAL, VECTOR_SECONDS, 1)  # again, in case the first is caught
    try:
        with inprocess.as_nobody(made.vector):
            if isinstance(made, signing_case.SigningCase):
                return inprocess_signing.package(made)
            return inprocess.ADAPTERS[adapter](made)
    except TimedOut:
        return inprocess.Outcome("time-out")
    except Exception as error:
        return inprocess.Outcome("crash", detail=type(error).__name__)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if os.getuid() == 0:
            os.seteuid(0)


def forget() -> None:
    """Forget the verifiers' modules, so that they are loaded again."""
    for name in [name for name in sys.modules if name.partition(".")[0] in LOADED]:
        del sys.modules[name]


def install(modules: dict[str, Module], mutated: str = "", tree: ast.Module | None = None) -> None:
    """Have the verifiers' modules loaded from memory from now on, one of them from `tree`."""
    forget()

    def execute(module: ModuleType) -> None:
        name = module.__name__
        code = compile(tree, modules[name].path, "exec") if tree and name == mutated else modules[name].code
        exec(code, module.__dict__)  # noqa: S102 - it is what a loader does

    def find(name: str, path: object = None, target: object = None) -> Any:
        if name not in modules:
            return None
        loader: Any = SimpleNamespace(create_module=lambda spec: None, exec_module=execute)
        known = modules[name]
        spec = importlib.util.spec_from_loader(name, loader, origin=known.path, is_package=known.is_package)
        assert spec is not None
        spec.has_location = True
        return spec

    finder: Any = SimpleNamespace(find_spec=find)
    sys.meta_path.insert(0, finder)


def noticed(vector: case.Vector, got: inprocess.Outcome, plain: inprocess.Outcome) -> str:
    """How the vector notices that a verifier says `got` where unmutated it says `plain`: one of KINDS, or empty."""
    if got.verdict in ("crash", "time-out") and got.verdict != plain.verdict:
        return got.verdict
    if got.verdict != plain.verdict:
        return "verdict"
    if got.stage != plain.stage:
        return "clause" if got.stage in vector.get("stages", ()) else "stage"
    if got.clause != plain.clause and got.clause not in vector["clauses"]:
        return "clause"
    return TOLD if _told(got) != _told(plain) else ""


def _told(outcome: inprocess.Outcome) -> tuple[str, ...]:
    return outcome.told, re.sub(r"\S*/tmp\S*", "", outcome.detail)


def order(cases: list[Laid], verifier: Verifier, families: tuple[str, ...], before: Counter[str]) -> list[int]:
    """The numbers of the cases that a file's mutants are run on.

    First those that killed mutants of the same function `before`, then the likely families, at last the slow ones.
    """

    def rank(number: int) -> tuple[Any, ...]:
        vector = cases[number].vector
        family = vector["id"].partition("/")[0]
        late = family in LAST or vector["id"] in LAST
        likely = families.index(family) if family in families else len(families)
        return late, -before[vector["id"]], likely, number

    allowed = (number for number, made in enumerate(cases) if targets.kind(made.vector) in verifier.methods)
    return sorted(allowed, key=rank)


def _try(ready: Bench, source: Source, mutant: Mutant, numbers: list[int], every: bool, say: Say) -> None:  # noqa: PLR0917
    """In a child: run the vectors, and say of each how it noticed; up to the first that does, or `every` one."""
    _bound()
    tree = mutate(source.text, source.wanted, mutant.id.partition(":")[2])
    install(ready.modules, module_name(source.file), tree)
    _remember(source.verifier.adapter, mutant.function, ready.known[source.verifier.adapter])
    if every and (gross := _kills_controls(ready, source)):
        for number in numbers:
            say([number, gross])
        say("end")
        return
    plain, killed, slow = ready.plain[source.verifier.adapter], False, 0
    for number in numbers:
        made = ready.cases[number]
        kind = noticed(made.vector, _observe(source.verifier.adapter, made), plain[number])
        say([number, kind])
        killed, slow = killed or kind not in ("", TOLD), slow + (kind == "time-out")
        if (killed and not every) or slow == TIME_OUTS:
            break
    say("end")


def _kills_controls(ready: Bench, source: Source) -> str:
    """How the controls of this file's first families notice, if they all do; else empty."""
    adapter, families = source.verifier.adapter, source.verifier.files[source.file][:CONTROLS]
    kinds = []
    for number in (n for n, made in enumerate(ready.cases) if _is_control(made.vector, families)):
        kinds.append(
            noticed(ready.cases[number].vector, _observe(adapter, ready.cases[number]), ready.plain[adapter][number])
        )
    return kinds[0] if all(kind not in ("", TOLD) for kind in kinds) else ""


def _is_control(vector: case.Vector, families: tuple[str, ...]) -> bool:
    return vector["control"] is None and vector["id"].partition("/")[0] in families


class _Running(NamedTuple):
    pid: int
    source: Source
    mutant: Mutant
    numbers: list[int]
    until: float
    heard: list[bytes]


def run(ready: Bench, jobs: list[tuple[Source, Mutant]], *, workers: int = 2, every: bool = False) -> Iterator[Result]:
    """The result of each mutant as it comes; with `every`, of all vectors, else up to the first that notices."""
    waiting, running = list(reversed(jobs)), dict[int, _Running]()
    before: dict[tuple[str, str], Counter[str]] = {}
    poll = select.poll()
    while waiting or running:
        while waiting and len(running) < workers:
            source, mutant = waiting.pop()
            killers = before.setdefault((source.file, mutant.function), Counter())
            fd, started = _start(ready, source, mutant, killers, every)
            running[fd] = started
            poll.register(fd, select.POLLIN)
        for fd, _ in poll.poll(1000):
            data = os.read(fd, 1 << 16)
            running[fd].heard.append(data)
            if not data:
                poll.unregister(fd)
                os.close(fd)
                done = running.pop(fd)
                os.waitpid(done.pid, 0)
                result = _result(ready, done)
                if not every:  # else the order is always the same
                    before[done.source.file, done.mutant.function].update(name for name, _ in result.kills[:1])
                yield result
        for each in running.values():
            if time.monotonic() > each.until:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(each.pid, signal.SIGKILL)


def _start(ready: Bench, source: Source, mutant: Mutant, killers: Counter[str], every: bool) -> tuple[int, _Running]:
    verifier, may_notice = source.verifier, _getting_to(ready, source, mutant)
    ordered = order(ready.cases, verifier, verifier.files[source.file], killers)
    numbers = [number for number in ordered if may_notice(number)]
    pid, fd = _fork(lambda say: _try(ready, source, mutant, numbers, every, say))
    return fd, _Running(pid, source, mutant, numbers, time.monotonic() + CHILD_SECONDS, [])


def _getting_to(ready: Bench, source: Source, mutant: Mutant) -> Callable[[int], bool]:
    """Whether a case, by its number, gets to the code that is mutated, as all do to what is run when it is loaded."""
    lines = reach.lines_of(source.tree, mutant.line)
    path = ready.modules[module_name(source.file)].path
    loaded, *cases = (found.get(path, set()) for found in ready.reached[source.verifier.adapter])
    if not lines or not loaded.isdisjoint(lines):
        return lambda number: True
    return lambda number: not cases[number].isdisjoint(lines)


def _result(ready: Bench, done: _Running) -> Result:
    """What the child said; a child that did not get to its end was stopped by the vector that it was at."""
    lines = [json.loads(line) for line in b"".join(done.heard).splitlines()]
    said = [line for line in lines if line != "end"]
    if len(said) == len(lines):
        kind = "time-out" if time.monotonic() > done.until else "crash"
        said.append([done.numbers[min(len(said), len(done.numbers) - 1)], kind])
    kills = [(ready.cases[number].vector["id"], kind) for number, kind in said if kind]
    return Result(done.mutant, kills, len(said))
