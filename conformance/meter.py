"""Run a command, and print its exit status, its seconds, those of a processor, and its peak memory in bytes.

    python3 conformance/meter.py CMD [ARGUMENT …]

What the command prints goes to standard error. This is a process of its own, and a small one, since Linux starts to
count a command's memory with that of who starts it. It needs a system with posix_spawn and wait4: Linux or macOS.
"""

from __future__ import annotations

import os
import sys
import time


def main(words: list[str]) -> None:
    """Run the words as a command, and wait for its end."""
    to_stderr = (os.POSIX_SPAWN_DUP2, 2, 1)
    started = time.perf_counter()
    pid = os.posix_spawnp(words[0], words, os.environ, file_actions=[to_stderr])
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - started
    unit = 1 if sys.platform == "darwin" else 1024  # bytes of ru_maxrss
    print(os.waitstatus_to_exitcode(status), seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


if __name__ == "__main__":
    main(sys.argv[1:])
