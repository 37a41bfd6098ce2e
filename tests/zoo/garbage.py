"""Writes something else than answers."""

import sys

for _ in sys.stdin:
    print("Verification succeeded", flush=True)
