"""Have a client sign a vector's model, and have what it wrote judged."""

from __future__ import annotations

from pathlib import Path

from . import case, signing_case, signing_judge
from .case import Vector
from .clients import Answer, Capabilities, Client, Unasked
from .signing_case import SigningCase
from .signing_judge import Check


def ask(client: Client, vector: Vector, folder: Path, known: Capabilities) -> tuple[Answer, tuple[Check, ...]]:
    """What the client says, and the checks of what it wrote. Raises Unasked, ClientError and NotApplicable."""
    if lacking := case.profiles(vector) - set(known.profiles):
        raise Unasked(f"the client does not declare {', '.join(sorted(lacking))}")
    made = signing_case.materialise(vector, folder)
    checks = digest(client, made, known)
    answer, others = sign(client, made, known)
    return answer, checks + others


def sign(client: Client, made: SigningCase, known: Capabilities) -> tuple[Answer, tuple[Check, ...]]:
    """The same of a case that is laid out already, and without `digest`. Raises Unasked and ClientError."""
    before = signing_case.snapshot(made)
    answer = client.sign(made, known)
    if answer.verdict == "reject":
        return answer, signing_judge.left_behind(made, before)
    if answer.verdict == "accept" and made.vector["manifest"] is not None:
        return answer, signing_judge.judge(made, before)
    return answer, ()


def digest(client: Client, made: SigningCase, known: Capabilities) -> tuple[Check, ...]:
    """The check of the root digest that a client tells without signing, if it tells any.

    It is not asked where the bundle goes into the model, of which `digest` knows nothing.
    """
    vector = made.vector
    if vector["ours"]["verdict"] == "reject" or made.bundle.is_relative_to(made.model):
        return ()
    answer = client.digest(made, known)
    if answer.verdict == "unsupported":
        return ()
    right = answer.verdict == "accept" and answer.root_digest == vector["manifest"]["root_digest"]
    said = answer.root_digest if answer.verdict == "accept" else answer.detail
    return (Check("digest", right, "OMS-6.5.1-01", "" if right else f"digest says {ascii(said)[:200]}"),)
