"""Fuzzing: what any bytes may do to the readers, under hypothesis and under a coverage-guided fuzzer."""
