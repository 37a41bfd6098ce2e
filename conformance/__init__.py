"""The conformance suite: vectors, what generates and runs them, and a Sigstore on loopback."""
