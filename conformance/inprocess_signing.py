"""The project's signer, run in this process on a signing vector: for mutation. See inprocess.py for the verifiers."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from . import case, signing_case, signing_judge
from .inprocess import Outcome, plan_of
from .signing_case import SigningCase
from .signing_judge import Check

if TYPE_CHECKING:
    from model_signing_ref.signer import Signer


def package(made: SigningCase) -> Outcome:
    """What model_signing_ref does of a case: `accept` if it writes a bundle, `reject` if it refuses.

    Where a client would lose the vector by what is written, or left, `stage` and `clause` are of the check that fails.
    What only this project asks for (the very bytes, the hint) is told. Each call signs a copy of its own.
    """
    folder = Path(tempfile.mkdtemp(dir=made.folder))
    try:
        copy = signing_case.materialise(made.vector, folder)
        return _signed(copy, signing_case.snapshot(copy))
    finally:
        case.release(folder)
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder with all in it: by paths, since shutil.rmtree holds a descriptor for each level."""
    for parent, folders, files in os.walk(folder, topdown=False):
        for name in (*files, *folders):
            path = os.path.join(parent, name)
            (os.rmdir if stat.S_ISDIR(os.lstat(path).st_mode) else os.unlink)(path)
    os.rmdir(folder)


def _signed(made: SigningCase, before: signing_case.Snapshot) -> Outcome:
    from model_signing_ref import errors, signing

    notes, plan = set[str](), plan_of(made.vector)
    try:
        signing.sign_model(made.model, made.bundle, _signer(made), plan, lambda note: notes.add(note.code))
    except errors.Unsupported as error:
        return Outcome("unsupported", clause=error.clause, detail=error.detail)
    except (errors.OperationError, OSError) as error:
        return _weighed(Outcome("reject", detail=str(error)), signing_judge.left_behind(made, before))
    data = signing_judge.read(made)
    told = str((sorted(notes), hashlib.sha256(data).hexdigest() if isinstance(data, bytes) else data))
    return _weighed(Outcome("accept", told=told), _checks(made, before, data))


def _signer(made: SigningCase) -> Signer:
    from model_signing_ref.keys import load_private_key
    from model_signing_ref.signers.key import key_signer

    if made.certificates:
        from model_signing_ref.certificates import load_all
        from model_signing_ref.signers.certificate import certificate_signer

        return certificate_signer(load_private_key(made.private_key), load_all(made.certificates))
    return key_signer(load_private_key(made.private_key))


def _checks(made: SigningCase, before: signing_case.Snapshot, data: bytes | str) -> Iterator[Check]:
    """The checks of what was written; of the bundle that the vector has, they are known to hold.

    A random input has neither a bundle nor a manifest to judge by: that it verifies is all that can be asked.
    """
    expected = made.vector["bundle"]
    if isinstance(data, bytes) and expected is not None and data == case.content(expected):
        yield signing_judge.nothing_else(made, before)
    elif made.vector["manifest"] is not None:
        yield from signing_judge.judge(made, before)
    else:
        yield from (signing_judge.nothing_else(made, before), signing_judge.verified(made))


def _weighed(outcome: Outcome, checks: Iterable[Check]) -> Outcome:
    """The outcome, placed at the first check that fails, if any client is held to it."""
    wrong = next((check for check in checks if check.holds is False and not check.ours), None)
    return outcome if wrong is None else outcome._replace(stage=wrong.name, clause=wrong.clause, detail=wrong.detail)
