"""Real clients, and plain HTTP, against the loopback Sigstore."""
