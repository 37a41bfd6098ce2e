"""Understands no command, and says so with the exit status of argparse."""

raise SystemExit(2)
