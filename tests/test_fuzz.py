"""A short run of every fuzzing target; .ci/full has the long ones, guided by coverage."""

from __future__ import annotations

from functools import lru_cache

import pytest
from fuzz import targets
from hypothesis import given, settings
from hypothesis import strategies as st


@lru_cache(None)
def seeds(name: str) -> list[bytes]:
    return targets.seeds(name) or [b""]


Change = tuple[float, int, bytes]  # where, how many bytes are replaced, by what


def changed(seed: bytes, changes: list[Change]) -> bytes:
    for where, length, new in changes:
        at = int(where * len(seed))
        seed = seed[:at] + new + seed[at + length :]
    return seed


CHANGE = st.tuples(
    st.floats(0, 1), st.integers(0, 8), st.binary(max_size=8) | st.sampled_from([b'"', b"{}", b"0", b"\\"])
)


@pytest.mark.parametrize("name", targets.TARGETS)
def test_seeds(name: str) -> None:
    for seed in seeds(name):
        targets.TARGETS[name](seed)


@pytest.mark.parametrize("name", targets.TARGETS)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_changed_seeds(name: str, data: st.DataObject) -> None:
    seed = data.draw(st.sampled_from(seeds(name)))
    targets.TARGETS[name](changed(seed, data.draw(st.lists(CHANGE, min_size=1, max_size=4))))


@pytest.mark.parametrize("name", targets.TARGETS)
@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes(name: str, data: bytes) -> None:
    targets.TARGETS[name](data)


def test_a_verifier_that_lacks_a_check_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_signing_ref.standalone.check_names", lambda *_: [])
    broken = []
    for seed in seeds("payload"):
        try:
            targets.payload(seed)
        except AssertionError:
            broken.append(seed)
    assert broken
