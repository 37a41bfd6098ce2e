"""Programs that disturb a run from outside; test_faults.py starts them.

python3 disturber.py kill ROUNDS SEED KEY MODEL SIGNATURE    kill a signer again and again
python3 disturber.py race KIND MODEL OUTSIDE                 change a model without end, until killed
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path

CONTENTS = b"one content", b"another content"


def kill(rounds: int, seed: int, key: Path, model: Path, signature: Path) -> None:
    """Sign the model with the one content and the other in turn, and kill the signer at a random moment.

    Prints how often the signature was the old one, and how often the new; anything else ends the program.
    """
    wholes = []
    for content in CONTENTS:
        (model / "a").write_bytes(content)
        command(key, model, signature)  # in this process, so that the children find all modules loaded
        wholes.append(signature.read_bytes())
    began = time.perf_counter()
    finish(sign(key, model, signature))
    duration, chance, found = time.perf_counter() - began, random.Random(seed), Counter[str]()
    for number in range(rounds):
        new = number % 2
        old = signature.read_bytes()
        (model / "a").write_bytes(CONTENTS[new])
        child = sign(key, model, signature)
        time.sleep(chance.uniform(0, 1.2 * duration))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        left = signature.read_bytes()
        assert left in (old, wholes[new]), f"round {number}: {len(left)} bytes, neither the old nor the new signature"
        found["new" if left == wholes[new] else "old"] += 1
        found["left over"] += sum(name.endswith(".oms-tmp") for name in os.listdir(signature.parent))
        finish(sign(key, model, signature))
    print(json.dumps({"old": found["old"], "new": found["new"], "left over": found["left over"]}))


def command(key: Path, model: Path, signature: Path) -> int:
    """Sign by the command line; its exit status."""
    from model_signing_ref.cli import main

    return main(["sign", "key", "--private-key", str(key), "--signature", str(signature), str(model), "--quiet"])


def sign(key: Path, model: Path, signature: Path) -> int:
    """The process ID of a child that signs."""
    if child := os.fork():
        return child
    os._exit(command(key, model, signature))


def finish(child: int) -> None:
    """Wait for a child that has to succeed."""
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# Each of these puts something in the way that is not what was signed, and takes it away again.


def swap_for_link(model: Path, outside: Path) -> None:
    """The file is other, then a link to a copy of what was signed, outside."""
    put(model / "f", b"other")
    replace(model / "f", lambda path: path.symlink_to(outside / "f"))


def swap_for_fifo(model: Path, outside: Path) -> None:
    """The file is other, then a FIFO, from which reading would wait for ever."""
    put(model / "f", b"other")
    replace(model / "f", os.mkfifo)


def swap_parent(model: Path, outside: Path) -> None:
    """The folder holds another file, then it is a link to a folder with what was signed."""
    aside = model.with_name("aside")
    os.rename(model / "d", aside)
    (model / "d").symlink_to(outside)
    (model / "d").unlink()
    os.rename(aside, model / "d")


def vanish(model: Path, outside: Path) -> None:
    """The file is other, and gone, and the folder too."""
    put(model / "f", b"other")
    (model / "f").unlink()
    os.rename(model / "d", model.with_name("aside"))
    os.rename(model.with_name("aside"), model / "d")


def shrink_and_grow(model: Path, outside: Path) -> None:
    """The file is cut to nothing, and grows by other bytes."""
    with open(model / "f", "wb") as file:
        for _ in range(50):
            file.write(b"other" * 1000)
            file.flush()


RACES = {each.__name__: each for each in (swap_for_link, swap_for_fifo, swap_parent, vanish, shrink_and_grow)}


def put(path: Path, content: bytes) -> None:
    """The file, replaced at once by one with other content."""
    replace(path, lambda made: made.write_bytes(content))


def replace(path: Path, make: Callable[[Path], object]) -> None:
    """Make something outside the model, and move it to `path`."""
    made = path.parent.with_name("made")
    with contextlib.suppress(FileNotFoundError):
        made.unlink()
    make(made)
    os.replace(made, path)


def race(kind: str, model: Path, outside: Path) -> None:
    """Disturb until killed; says when it has begun."""
    for number in count():
        RACES[kind](model, outside)
        if number == 0:
            print("begun", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "kill":
        kill(int(sys.argv[2]), int(sys.argv[3]), *map(Path, sys.argv[4:]))
    else:
        race(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
