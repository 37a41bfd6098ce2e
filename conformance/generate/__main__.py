"""Write the vectors, or check that what is there is what would be written."""

from __future__ import annotations

import sys

from conformance import case

from .corpus import files


def main(words: list[str]) -> int:
    """`--check` compares; nothing writes. Gives the exit status."""
    if words not in ([], ["--check"]):
        print("usage: python3 -m conformance.generate [--check]", file=sys.stderr)
        return 2
    made = files()
    present = {path.name: path.read_bytes() for path in case.VECTORS.glob("*.json") if ".schema." not in path.name}
    if words:
        wrong = sorted(name for name in made.keys() | present.keys() if made.get(name) != present.get(name))
        for name in wrong:
            print(f"{name} is not what the generator makes", file=sys.stderr)
        return 1 if wrong else 0
    for name in present.keys() - made.keys():
        (case.VECTORS / name).unlink()
    for name, data in made.items():
        (case.VECTORS / name).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
