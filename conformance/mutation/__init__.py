"""Mutants of both verifiers: does every fault that code can have make a vector fail? See README.md."""
