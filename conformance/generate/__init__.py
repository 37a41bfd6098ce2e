"""The generator of the conformance vectors: the same bytes on every run, on every machine.

`python3 -m conformance.generate` writes conformance/vectors/, `--check` compares it byte for byte.
"""
