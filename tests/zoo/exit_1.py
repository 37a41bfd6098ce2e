"""Says no to everything."""

raise SystemExit(1)
