"""The program, also as `python -m model_signing_ref`: Ctrl-C while the first modules load is one line, too."""

import sys


def main() -> int:
    """Run the command line that the program was started with and return the exit status; see cli.main."""
    try:
        from .cli import main as run

        return run()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
