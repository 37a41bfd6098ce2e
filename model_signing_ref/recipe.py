"""The numbered recipes of spec/verification.md and spec/signing.md as data: recipe.json is made from their tables.

The code that does the steps is in `verifying`, `verifiers`, `statement`, `signing` and so on; each step that holds is
told there by its number (`errors.holds`). This module is for whoever explains it; no verdict needs it.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import NamedTuple


class Step(NamedTuple):
    """A row of the spec: number, stage of its rejections ("" in signing), clauses, and what has to hold or is done."""

    number: str
    stage: str
    clauses: tuple[str, ...]
    text: str


Recipe = tuple[Step, ...]

_METHOD_STEP = "9"  # of the verification; its parts have the letter of a method
_LETTERS = {"key": "K", "certificate": "C", "sigstore": "S"}
_TIMESTAMP = "9K.6"  # only done where it was asked for
_CHAIN = ("9C.7", "9C.8")  # decided at once: a chain that is valid at that time
_SIGNED = ("S9", "S10")  # done by the signer at once: signature and timestamp
_PACKAGE = tuple(f"9S.{number}" for number in range(3, 13))  # decided by the sigstore package, in its own order
_READ_BACK = "S12"  # of signing: the first steps of the verification, which are told before it
_NOT_READ_BACK = {"9C.5", "9C.6", "9C.7", "9C.8"}  # trust is the verifier's business

# What a bundle of version 0.2.0 has in the place of steps, and which step it has nothing for.
_V02_STATEMENT = Step("10-22", "statement", ("REF-COMPAT-01", "OMS-8.3-02"), "it is a statement of version 0.2.0")
_V02_NOTHING = "28"


@functools.cache
def _tables() -> dict[str, Recipe]:
    data = json.loads(Path(__file__).with_name("recipe.json").read_bytes())
    return {
        name: tuple(Step(row["number"], row["stage"], tuple(row["clauses"]), row["text"]) for row in rows)
        for name, rows in data.items()
    }


def verification(method: str, *, timestamp: bool = False) -> Recipe:
    """The steps of `verify` with a method (key, certificate, sigstore); `timestamp`: one was asked for."""
    own = f"{_METHOD_STEP}{_LETTERS[method]}."
    return tuple(
        step
        for step in _tables()["verify"]
        if (not step.number.startswith(_METHOD_STEP) or step.number.startswith(own))
        and (timestamp or step.number != _TIMESTAMP)
    )


def v02_verification(method: str, *, timestamp: bool = False) -> Recipe:
    """The same for a bundle of version 0.2.0."""
    steps = verification(method, timestamp=timestamp)
    start = next(index for index, step in enumerate(steps) if step.number == "10")
    end = next(index for index, step in enumerate(steps) if step.number == "23")
    return (*steps[:start], _V02_STATEMENT, *(step for step in steps[end:] if step.number != _V02_NOTHING))


def signing(method: str) -> Recipe:
    """The steps of `sign` with a method; what was signed is read back by the first steps of the verification."""
    steps = verification(method.removeprefix("pkcs11-"))
    end = next(index for index, step in enumerate(steps) if step.number == "10")
    back = tuple(step for step in steps[1:end] if step.number not in _NOT_READ_BACK)
    found: Recipe = ()
    for step in _tables()["sign"]:
        found += (*back, step) if step.number == _READ_BACK else (step,)
    return found


def decided_with(step: Step) -> tuple[str, ...]:
    """The numbers of the steps that the code decides at once with `step`, itself among them."""
    return next((group for group in (_CHAIN, _PACKAGE, _SIGNED) if step.number in group), (step.number,))
