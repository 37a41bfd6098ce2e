"""What a client's answers are worth.

A rejection counts only where the same run accepted the vector's control, and an acceptance only in a run in which
some rejection counted, that of the smoke test included: so a client that always says the same, or that never gets as
far as an answer, has nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from . import case, signing_case
from .clients import Answer, Capabilities
from .signing_judge import Check

PASS, FAIL, ERROR, UNEARNED, KNOWN = "pass", "fail", "error", "unearned", "known-failure"
NOT_APPLICABLE, NOT_RUN, NOT_INJECTABLE, UNSCORED = "not-applicable", "not-run", "not-injectable", "unscored"
COUNTED = (PASS, FAIL, ERROR, UNEARNED, KNOWN)
OPEN = (FAIL, ERROR, UNEARNED, KNOWN, NOT_RUN, NOT_INJECTABLE)
STATUSES = (*COUNTED, NOT_APPLICABLE, NOT_RUN, NOT_INJECTABLE, UNSCORED)


class Outcome(NamedTuple):
    """How it went with a vector: an answer, or why there is none (a status of this module, and a reason)."""

    answer: Answer | None
    status: str = ""
    reason: str = ""
    checks: tuple[Check, ...] = ()


class Result(NamedTuple):
    """A vector's line in the results."""

    vector: case.Vector
    expected: str
    status: str
    reason: str
    answer: Answer | None
    stage_right: bool | None
    checks: tuple[Check, ...] = ()


def expected(vector: case.Vector, known: Capabilities) -> tuple[str, list[str]]:
    """The verdict and the stages that the client is judged by; `either` if by none."""
    if vector["profile"] == "ref-strict" and "ref-strict" in known.profiles:
        return vector["ours"]["verdict"], [vector["ours"]["stage"]] if vector["ours"].get("stage") else []
    return ("either" if vector["profile"] == "ref-strict" else vector["verdict"]), vector.get("stages", [])


def judge(
    outcomes: dict[str, Outcome], vectors: Iterable[case.Vector], known: Capabilities, whole: dict[str, case.Vector]
) -> list[Result]:
    """The results of the vectors, from the outcomes of them and of their controls, which are in `whole`.

    A signature was judged by others than the client, and counts by itself.
    """
    results = [judge_one(vector, outcomes, known, whole) for vector in vectors]
    said = {each.vector["id"] for each in results if each.status == PASS and not signing_case.is_one(each.vector)}
    if smoke_refused(outcomes) or any(each.expected == "reject" for each in results if each.vector["id"] in said):
        return results
    why = "no rejection counted in this run, so neither does an acceptance"
    return [each._replace(status=UNEARNED, reason=why) if each.vector["id"] in said else each for each in results]


def smoke_refused(outcomes: dict[str, Outcome]) -> bool:
    """Whether the client refused the broken signature of the smoke test and accepted its control."""
    said = [outcomes[name].answer if name in outcomes else None for name in SMOKE]
    return [each.verdict if each else "" for each in said] == ["accept", "reject"]


SMOKE = ("signature/p-256", "signature/last-bit")


def judge_one(
    vector: case.Vector, outcomes: dict[str, Outcome], known: Capabilities, whole: dict[str, case.Vector]
) -> Result:
    """The result of one vector."""
    outcome, control = outcomes[vector["id"]], vector["control"]
    wanted, stages = expected(vector, known)
    if outcome.answer is None:
        return Result(vector, wanted, outcome.status, outcome.reason, None, None)
    if signing_case.is_one(vector):
        status, reason = weigh_signing(vector, outcomes, known, whole)
        return Result(vector, wanted, status, reason, outcome.answer, None, outcome.checks)
    said = outcomes[control].answer if control else None
    status, reason = weigh(vector, (wanted, stages), outcome.answer, said, known)
    if status == UNEARNED and beyond(whole[control], outcomes[control], known):
        left_open = whole[control]["verdict"] == "either"
        why = (
            f"so was {control}, which OMS leaves open" if left_open else f"the client does not declare all of {control}"
        )
        status, reason = NOT_APPLICABLE, f"refused, and {why}"
    judged = status == PASS and wanted == "reject" and outcome.answer.stage is not None
    right = outcome.answer.stage in stages if judged else None
    return Result(vector, wanted, status, reason, outcome.answer, right)


def beyond(control: case.Vector, outcome: Outcome, known: Capabilities) -> bool:
    """Whether a control is beyond what the client declares, or one that it may refuse."""
    may_refuse = control["verdict"] == "either" and control["profile"] not in known.profiles
    return may_refuse or not case.profiles(control) <= set(known.profiles) or outcome.status == NOT_APPLICABLE


def weigh(
    vector: case.Vector, wanted: tuple[str, list[str]], answer: Answer, control: Answer | None, known: Capabilities
) -> tuple[str, str]:
    """The status of an answer, and the reason for it."""
    if lacking := ", ".join(sorted(case.profiles(vector) - set(known.profiles))):
        if answer.verdict == "accept":
            return FAIL, f"accepted, though the client does not declare {lacking} (--declare has it judged)"
        return NOT_APPLICABLE, f"the client does not declare {lacking}"
    if wanted[0] == "either":
        return UNSCORED, "OMS leaves it open"
    if answer.verdict == "error":
        return ERROR, answer.detail.partition("\n")[0]
    if wanted[0] == "reject":
        return weigh_rejection(vector, wanted[1], answer, control)
    return (PASS, "") if answer.verdict == wanted[0] else (FAIL, f"said {answer.verdict}: {last_line(answer.detail)}")


def weigh_rejection(vector: case.Vector, stages: list[str], answer: Answer, control: Answer | None) -> tuple[str, str]:
    """The status of an answer where a rejection is right."""
    if answer.verdict == "accept":
        return FAIL, "accepted"
    if answer.verdict == "unsupported" and "unsupported" not in stages:
        return FAIL, "called it unsupported, which is no rejection"
    if vector["control"] and (control is None or control.verdict != "accept"):
        return UNEARNED, f"refused, but so was the control {vector['control']}, or it gave no answer"
    return PASS, ""


def weigh_signing(
    vector: case.Vector, outcomes: dict[str, Outcome], known: Capabilities, whole: dict[str, case.Vector]
) -> tuple[str, str]:
    """The status of what a signer did, and the reason for it."""
    outcome, wanted = outcomes[vector["id"]], expected(vector, known)[0]
    answer, smoke = outcome.answer, outcomes[signing_case.SMOKE].answer
    assert answer is not None
    if smoke is not None and smoke.verdict == "unsupported":
        return NOT_APPLICABLE, f"the client does not sign: {last_line(smoke.detail)}"
    if wanted == "either":
        return UNSCORED, "OMS leaves it open"
    if answer.verdict == "error":
        return ERROR, answer.detail.partition("\n")[0]
    if wanted == "reject" and answer.verdict == "reject":
        control = whole[vector["control"]]
        if outcomes[control["id"]].answer is None or weigh_signing(control, outcomes, known, whole)[0] != PASS:
            return UNEARNED, f"refused, but it does not sign the control {control['id']} as it should"
    elif answer.verdict != "accept" or vector["manifest"] is None:
        how = {"accept": "signed", "reject": "refused"}.get(answer.verdict, "called it unsupported")
        return FAIL, how if how == "signed" else f"{how}: {last_line(answer.detail)}"
    return weigh_checks(outcome.checks, known)


def weigh_checks(checks: Iterable[Check], known: Capabilities) -> tuple[str, str]:
    """The status that checks come to. Those of this project's own rules count where they are declared."""
    scored = [check for check in checks if not check.ours or "ref-strict" in known.profiles]
    wrong = [check for check in scored if check.holds is False]
    if wrong:
        told = [f"{check.name}{f' ({check.clause})' * bool(check.clause)}: {check.detail}" for check in wrong]
        return FAIL, "; ".join(told)
    absent = [check for check in scored if check.holds is None and not check.ours]
    return (NOT_RUN, f"{absent[0].name} was not judged: {absent[0].detail}") if absent else (PASS, "")


def last_line(text: str) -> str:
    """The last line that has something on it."""
    return ([line.strip() for line in text.splitlines() if line.strip()] or ["(no output)"])[-1][:300]


def with_known_failures(results: list[Result], known: dict[str, str]) -> tuple[list[Result], list[str]]:
    """The results with the known failures marked, and the IDs of those that passed unexpectedly."""
    marked = [
        each._replace(status=KNOWN, reason=f"{each.reason} ({known[each.vector['id']]})")
        if each.vector["id"] in known and each.status in (FAIL, ERROR, UNEARNED)
        else each
        for each in results
    ]
    return marked, [each.vector["id"] for each in results if each.status == PASS and each.vector["id"] in known]


class KnownFailuresError(ValueError):
    """The list of known failures can't be used; the text says why."""


def read_known_failures(text: str, ids: Iterable[str]) -> dict[str, str]:
    """ID and link of each line; `#` begins a comment. Raises KnownFailuresError."""
    known, exist = {}, set(ids)
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition(" #")[0].split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2 or "://" not in words[1]:
            raise KnownFailuresError(f"line {number}: not an ID and a link")
        if words[0] not in exist:
            raise KnownFailuresError(f"line {number}: there is no vector {words[0]}")
        known[words[0]] = words[1]
    return known


def tally(results: Iterable[Result]) -> dict[str, Any]:
    """Counts and scores of some results: verdicts and stages apart."""
    results = list(results)
    counts = Counter(result.status for result in results)
    counted = sum(counts[status] for status in COUNTED)
    staged = [result.stage_right for result in results if result.stage_right is not None]
    return {
        "vectors": len(results),
        **{status: counts[status] for status in STATUSES},
        "counted": counted,
        "score": round(counts[PASS] / counted, 4) if counted else None,
        "stages": {"judged": len(staged), "right": sum(staged)},
    }


def by_profile(results: list[Result], known: Capabilities) -> dict[str, dict[str, Any]]:
    """The tally of each profile."""
    names = sorted({result.vector["profile"] for result in results}, key=lambda name: (name != "core", name))
    return {
        name: {
            "declared": name in known.profiles,
            **tally(result for result in results if result.vector["profile"] == name),
        }
        for name in names
    }


def claim(results: list[Result], whole: bool) -> dict[str, Any]:
    """Whether the run supports a claim of conformance with `core`, and if not, why.

    Also whether the client signs; None if it was not asked to.
    """
    core = [result for result in results if result.vector["profile"] == "core"]
    counts = Counter(result.status for result in core)
    reasons = [f"{counts[status]} in core: {status}" for status in OPEN if counts[status]]
    reasons += [] if whole else ["only a part of core was run"]
    asked = [result for result in core if signing_case.is_one(result.vector) and result.answer is not None]
    signs = any(result.status != NOT_APPLICABLE for result in asked) if asked else None
    return {"core": not reasons and bool(core), "open": reasons, "signs": signs}


def by_check(results: Iterable[Result]) -> dict[str, dict[str, int]]:
    """Of each check of what a signer wrote: how often it held, failed, and could not be judged."""
    counts: dict[str, dict[str, int]] = {}
    for check in (check for result in results for check in result.checks):
        row = counts.setdefault(check.name, {"held": 0, "failed": 0, "not_judged": 0})
        row["not_judged" if check.holds is None else "held" if check.holds else "failed"] += 1
    return counts
