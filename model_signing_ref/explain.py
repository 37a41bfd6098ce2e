"""`--explain`: the recipe as it happened, from what it told while it ran; for people and as data.

It is told by the recipe itself which steps hold and with which values (`errors.Steps`), and what ended it.
Nothing is checked here, and nothing secret is ever told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from .errors import OperationError, Rejection, Unsupported, explain_os_error, quote
from .manifest import Resource
from .recipe import Recipe, Step, decided_with, signing, v02_verification, verification

Values = Mapping[str, object]
Told = tuple[str, Values]
Json = object

PASSED, REJECTED, UNSUPPORTED, STOPPED = "passed", "rejected", "unsupported", "stopped"
NOT_KNOWN, NOT_REACHED = "not known", "not reached"
BEGUN = "0"  # what tells that the recipe begins: what ends before, such as a key that can't be read, is of no step
RETRY = "v0.2"  # what tells that a bundle is being read a second time, as version 0.2.0 signed

DUMPED = 1024  # bytes shown of anything; the rest is counted
SHORT = 32  # bytes up to which no dump is needed
LISTED = 10  # names shown to people, and MOST_NAMES to programs
MOST_NAMES = 1000
WIDTH = 16  # of the names of values, and bytes of a row


class Outcome(NamedTuple):
    """What became of a step: its values where it holds; where it does not, why, and the clause of a rejection."""

    step: Step
    outcome: str
    values: Values
    detail: str | None = None
    clause: str | None = None


def outcomes(
    command: str, method: str, told: Sequence[Told], error: BaseException | None, *, timestamp: bool = False
) -> list[Outcome]:
    """What became of each step of `command` (sign or verify), given what the recipe told and what ended it.

    `timestamp` says whether `verify key` was asked for a trusted one.
    """
    if not told:
        steps = signing(method) if command == "sign" else verification(method, timestamp=timestamp)
        return [Outcome(step, NOT_REACHED, {}) for step in steps]
    if command == "sign":
        return _outcomes(signing(method), told, error)
    again = next((index for index, (number, _) in enumerate(told) if number == RETRY), None)
    if again is None:
        return _outcomes(verification(method, timestamp=timestamp), told, error)
    first = _outcomes(verification(method, timestamp=timestamp), told[:again], told[again][1]["refused"])
    tried = [outcome for outcome in first if outcome.outcome != NOT_REACHED]
    file = [(number, values) for number, values in told[:again] if number == "1"]  # it is read once
    return tried + _outcomes(v02_verification(method, timestamp=timestamp), [*file, *told[again + 1 :]], error)


def _outcomes(recipe: Recipe, told: Sequence[Told], error: object) -> list[Outcome]:
    values = dict(told)
    pending = [step for step in recipe if step.number not in values]
    end = _end(pending, error) if pending and error is not None else None
    return [_outcome(step, values, end, error) for step in recipe]


def _outcome(step: Step, values: Mapping[str, Values], end: Step | None, error: object) -> Outcome:
    if step.number in values:
        return Outcome(step, PASSED, values[step.number])
    if step == end:
        return Outcome(step, *_why(error))
    is_unknown = end is not None and step.number in decided_with(end)
    return Outcome(step, NOT_KNOWN if is_unknown else NOT_REACHED, {})


def _end(pending: Sequence[Step], error: object) -> Step:
    """The step at which it ended: the first that did not hold, or of those decided with it the one of the clause."""
    group = [step for step in pending if step.number in decided_with(pending[0])]
    if isinstance(error, Rejection):
        fitting = (step for step in group if step.stage == error.stage and error.clause in step.clauses)
        return next(fitting, pending[0])
    return pending[0]


def _why(error: object) -> tuple[str, Values, str, str | None]:
    """Outcome, no values, reason and clause of the step at which it ended."""
    if isinstance(error, Rejection):
        outcome = UNSUPPORTED if isinstance(error, Unsupported) else REJECTED
        return outcome, {}, f"{error.stage}: {error.detail}", error.clause
    if isinstance(error, OperationError):
        return STOPPED, {}, error.detail, None
    return STOPPED, {}, explain_os_error(error) if isinstance(error, OSError) else type(error).__name__, None


# For people


def lines(found: Iterable[Outcome]) -> Iterator[str]:
    """The trace as text: each step with its clauses and values; what is foreign is quoted and escaped."""
    for step, outcome, values, detail, clause in found:
        stage = f"{step.stage}: " if step.stage else ""
        yield f"{step.number:<6} {outcome:<11}  {stage}{step.text}"
        if outcome in {NOT_REACHED, NOT_KNOWN}:
            continue
        yield from _label("clauses", list(_wrapped(step.clauses)))
        for name, value in values.items():
            yield from _label(name.replace("_", " "), list(_shown(value)))
        if detail is not None:
            yield from _label("because", [detail if clause is None else f"{detail} [{clause}]"])


def _label(name: str, texts: Sequence[str]) -> Iterator[str]:
    for index, text in enumerate(texts):
        yield f"       {'' if index else name:<{WIDTH}}  {text}"


def _wrapped(words: Iterable[str]) -> Iterator[str]:
    line = ""
    for word in words:
        if len(line) + len(word) > 88:
            yield line
            line = ""
        line = f"{line} {word}".lstrip()
    if line:
        yield line


def _shown(value: object) -> Iterator[str]:
    value = value() if callable(value) else value
    if isinstance(value, bytes):
        yield from _bytes_shown(value)
    elif isinstance(value, str):
        yield quote(value)
    elif isinstance(value, (list, tuple)):
        yield f"{len(value)}{':' if value else ''}"
        for item in value[:LISTED]:
            yield f"{item.digest.hex()}  {quote(item.name)}" if isinstance(item, Resource) else quote(str(item))
        if len(value) > LISTED:
            yield f"… {len(value) - LISTED} more"
    else:
        yield (
            {None: "none", True: "yes", False: "no"}[value]
            if value is None or value is True or value is False
            else str(value)
        )


def _bytes_shown(data: bytes) -> Iterator[str]:
    if len(data) <= SHORT:
        yield data.hex()
        return
    yield f"{len(data)} bytes"
    yield from dump(data[:DUMPED])
    if len(data) > DUMPED:
        yield f"… {len(data) - DUMPED} more of {len(data)} bytes"


def dump(data: bytes) -> Iterator[str]:
    """`data` in rows of 16 bytes: offset, hex, and the printable ASCII characters; the same as `hexdump -C`."""
    for start in range(0, len(data), WIDTH):
        row = data[start : start + WIDTH]
        left, right = row[:8].hex(" "), row[8:].hex(" ")
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield f"{start:08x}  {left:<23}  {right:<23}  |{text}|"


# For programs


def to_json(found: Iterable[Outcome]) -> list[dict[str, Json]]:
    """The trace as data, a step an object."""
    return [
        {
            "number": each.step.number,
            "stage": each.step.stage or None,
            "clauses": list(each.step.clauses),
            "text": each.step.text,
            "outcome": each.outcome,
            "values": {name: _data(value) for name, value in each.values.items()},
            "detail": each.detail,
            "clause": each.clause,
        }
        for each in found
    ]


def _data(value: object) -> Json:
    """A value; of bytes and lists the beginning, with their true length or count."""
    value = value() if callable(value) else value
    if isinstance(value, bytes):
        return {"length": len(value), "hex": value[:DUMPED].hex()}
    if isinstance(value, (list, tuple)):
        return {"count": len(value), "items": [_item(item) for item in value[:MOST_NAMES]]}
    return value


def _item(item: object) -> Json:
    return {"name": item.name, "digest": item.digest.hex()} if isinstance(item, Resource) else item
