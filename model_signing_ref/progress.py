"""Progress of a long hash, on a terminal."""

from __future__ import annotations

import contextlib
import time
from typing import TextIO

from .digests import Progress

SILENT_SECONDS = 1.0  # work that takes no longer says nothing
INTERVAL_SECONDS = 0.2


def progress_line(stream: TextIO) -> Progress:
    """A callback that rewrites one line on `stream`.

    Threads may call it at once; a lost update costs a little accuracy of a number that nobody relies on.
    """
    started = time.monotonic()
    total, shown = [0], [started + SILENT_SECONDS - INTERVAL_SECONDS]

    def tell(count: int) -> None:
        total[0] += count
        now = time.monotonic()
        if now - shown[0] >= INTERVAL_SECONDS:
            shown[0] = now
            rate = total[0] / (now - started) / 1e6
            with contextlib.suppress(OSError):  # a terminal that is gone is no fault of the model
                stream.write(f"\rhashed {total[0] / 1e6:,.0f} MB at {rate:,.0f} MB/s ")
                stream.flush()

    return tell
