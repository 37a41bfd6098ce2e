"""Answers every line as if it were the first."""

import sys

for _ in sys.stdin:
    print('{"id": 1, "verdict": "accept"}', flush=True)
