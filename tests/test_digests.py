"""The bytes that are hashed: files and shards at every boundary, in threads, and while somebody writes to them."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from forge import VERIFIER, Plan, get, sign, sign_error, verify, write_tree

from model_signing_ref import digests, hashing, tree, verifying
from model_signing_ref.digests import Settings
from model_signing_ref.errors import MissingExtra, OperationError

SIZES = (0, 1, 2, 6, 7, 8, 13, 14, 15, 20, 21, 22)
CONTENTS = {f"f{size}": bytes(range(100, 100 + size)) for size in SIZES}
SHARDS = ("shards", 7)


def resources(signature: Path) -> list[tuple[str, str]]:
    manifest = verifying.verify_bundle(signature.read_bytes(), VERIFIER)
    return [(each.name, each.digest.hex()) for each in manifest.resources]


def hexdigest(hash_type: str, data: bytes) -> str:
    if hash_type == "blake3":
        return str(pytest.importorskip("blake3").blake3(data).hexdigest())
    return hashlib.new(hash_type, data).hexdigest()


HASHES = ("sha256", "blake2b", "blake3")


@pytest.mark.parametrize("hash_type", HASHES)
def test_files_of_every_size(tmp_path: Path, hash_type: str) -> None:
    model = write_tree(tmp_path / "m", CONTENTS)
    sign(model, tmp_path / "s", Plan(hash_type=hash_type))
    assert resources(tmp_path / "s") == sorted((name, hexdigest(hash_type, data)) for name, data in CONTENTS.items())
    assert verify(model, tmp_path / "s") == "accepted"


def expected_shards(shard_size: int, hash_type: str = "sha256") -> list[tuple[str, str]]:
    """Counted out in the plainest way."""
    found = []
    for name, data in CONTENTS.items():
        start = 0
        while start < len(data):
            part = data[start : start + shard_size]
            found.append((f"{name}:{start}:{start + len(part)}", hexdigest(hash_type, part)))
            start += shard_size
    return sorted(found)


@pytest.mark.parametrize("hash_type", HASHES)
@pytest.mark.parametrize("shard_size", [1, 2, 6, 7, 8, 21, 22, 23, 2**53 - 1])
def test_shards_of_every_size(tmp_path: Path, shard_size: int, hash_type: str) -> None:
    model = write_tree(tmp_path / "m", CONTENTS)
    notes = sign(model, tmp_path / "s", Plan("shards", hash_type, shard_size))
    assert resources(tmp_path / "s") == expected_shards(shard_size, hash_type)
    verdict = verify(model, tmp_path / "s")
    assert (verdict, verdict.notes, notes) == ("accepted", ["zero-byte-files"], ["zero-byte-files"])


@pytest.mark.parametrize("size", SIZES[1:])
def test_a_file_in_shards_must_have_its_size(tmp_path: Path, size: int) -> None:
    """One byte more or less is refused, at a shard's boundary too, and so is another last byte."""
    model, file = write_tree(tmp_path / "m", CONTENTS), tmp_path / "m" / f"f{size}"
    data = CONTENTS[file.name]
    sign(model, tmp_path / "s", Plan("shards", shard_size=7))
    for changed in (data[:-1], data + b"\0", data + data, data[:7][:-1], data[:-1] + b"\0"):
        file.write_bytes(changed)
        verdict = verify(model, tmp_path / "s")
        assert verdict == "digest OMS-8.4-01"
        assert verdict.error is not None
        assert verdict.error.findings.changed == [file.name]
    file.write_bytes(data)
    assert verify(model, tmp_path / "s") == "accepted"


def test_zero_byte_files(tmp_path: Path) -> None:
    model, signature = write_tree(tmp_path / "m", {"a": b"1", "empty": b""}), tmp_path / "s"
    assert sign(model, signature) == []
    (model / "empty").unlink()
    assert verify(model, signature) == "files OMS-8.4-01"
    assert sign(model, signature, Plan("shards", shard_size=1)) == []
    write_tree(model, {"empty": b"", "empty2": b""})
    verdict = verify(model, signature)
    assert (verdict, verdict.notes) == ("accepted", ["zero-byte-files"])
    write_tree(model, {"empty": b"x"})
    verdict = verify(model, signature)
    assert (verdict, verdict.error and verdict.error.path) == ("files OMS-8.5-01", "empty")
    for path in (model / "a", model / "empty"):
        path.write_bytes(b"")
    assert "has no file to sign" in sign_error(model, signature, Plan("shards", shard_size=1))
    assert verify(model, signature) == "digest OMS-8.4-01"


def test_an_empty_file_that_can_not_be_opened_is_not_excused_in_shards(tmp_path: Path) -> None:
    model, signature = write_tree(tmp_path / "m", {"a": b"1"}), tmp_path / "s"
    sign(model, signature, Plan("shards", shard_size=1))
    (model / "empty").symlink_to("a")
    assert verify(model, signature) == "files REF-FILES-07"


def settings_of(chunk_size: int, workers: int | None) -> Plan:
    return Plan(settings=Settings(workers, chunk_size))


@pytest.mark.parametrize("chunk_size", [1, 6, 7, 8, 1 << 20])
@pytest.mark.parametrize("workers", [None, 1, 2, 9])
@pytest.mark.parametrize("inline", [0, 7, 1 << 20])
@pytest.mark.parametrize("processors", [1, 2])
def test_chunks_and_threads_change_nothing(
    tmp_path: Path, chunk_size: int, workers: int, inline: int, processors: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "INLINE_SIZE", inline)
    monkeypatch.setattr(digests, "processors", lambda: processors)
    model = write_tree(tmp_path / "m", CONTENTS)
    sign(model, tmp_path / "s", settings_of(chunk_size, workers))
    assert resources(tmp_path / "s") == sorted((name, hexdigest("sha256", data)) for name, data in CONTENTS.items())
    sign(model, tmp_path / "s", settings_of(chunk_size, workers)._replace(method="shards", shard_size=7))
    assert resources(tmp_path / "s") == expected_shards(7)
    verdict = verify(model, tmp_path / "s", settings_of(chunk_size, workers))
    assert verdict == "accepted"
    for name in ("f1", "f14", "f22"):
        (model / name).write_bytes(bytes(len(CONTENTS[name])))
    verdict = verify(model, tmp_path / "s", settings_of(chunk_size, workers))
    assert verdict.error is not None
    assert verdict.error.findings.changed == ["f1", "f14", "f22"]


def test_progress_counts_every_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "INLINE_SIZE", 10)
    model = write_tree(tmp_path / "m", CONTENTS)
    counts: list[int] = []
    hashing.Config().use_file_serialization(chunk_size=3).set_progress(counts.append).hash(model)
    assert sum(counts) == sum(SIZES)
    assert max(counts) == 3


def test_short_reads_are_read_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = write_tree(tmp_path / "m", CONTENTS)
    real = os.read
    monkeypatch.setattr(os, "read", lambda fd, count: real(fd, min(count, 5)))
    manifest = hashing.hash(model)
    assert {each.name: each.digest.hex() for each in manifest.resources} == {
        name: hexdigest("sha256", data) for name, data in CONTENTS.items()
    }


def test_processors() -> None:
    assert 1 <= digests.processors() <= (os.cpu_count() or 1)


def test_processors_where_affinity_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert digests.processors() == 3
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert digests.processors() == 1


def test_root_digest_is_what_a_shell_would_compute(tmp_path: Path) -> None:
    model = write_tree(tmp_path / "m", {"b/c": b"1", "a": b"2", "b.c": b"3"})
    for plan in (Plan(), Plan("shards", "blake2b", 1)):
        sign(model, tmp_path / "s", plan)
        digest = hashlib.sha256(b"".join(bytes.fromhex(each) for _, each in resources(tmp_path / "s"))).hexdigest()
        assert hashing.hash_model(model, plan).root_digest.hex() == digest
        payload = json.loads(dsse_payload(tmp_path / "s"))
        assert get(payload, ("subject", 0, "digest", "sha256")) == digest


def dsse_payload(signature: Path) -> bytes:
    from model_signing_ref.bundle import read_bundle

    return read_bundle(signature.read_bytes()).envelope.payload


def test_bytes_are_reproducible(tmp_path: Path) -> None:
    """The same names and contents give the same bytes, in whatever order they were made and however they are read."""
    (tmp_path / "1").mkdir()
    one = write_tree(tmp_path / "1" / "m", CONTENTS)
    (tmp_path / "2").mkdir()
    two = write_tree(tmp_path / "2" / "m", dict(reversed(CONTENTS.items())))
    ignored = ("x", "y", "z")
    for plan in (Plan(ignored=ignored), Plan("shards", "blake2b", 7, ignored=ignored)):
        sign(one, tmp_path / "s1", plan)
        sign(two, tmp_path / "s2", plan._replace(ignored=ignored[::-1], settings=Settings(2, 3)))
        assert (tmp_path / "s1").read_bytes() == (tmp_path / "s2").read_bytes()
        data = (tmp_path / "s1").read_bytes()
        for layer in (data, dsse_payload(tmp_path / "s1")):
            again = json.dumps(json.loads(layer), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            assert layer == again.encode()


def test_bytes_are_reproducible_in_another_process(tmp_path: Path) -> None:
    """Nor do they depend on the order of sets, which differs from process to process."""
    model = write_tree(tmp_path / "m", CONTENTS)
    code = (
        "import sys; sys.path[:0] = sys.argv[2:]\n"
        "from pathlib import Path; from forge import sign, Plan\n"
        "sign(Path(sys.argv[1]) / 'm', Path(sys.argv[1]) / 's', Plan(ignored=('x', 'y', 'z')))"
    )
    seen = set()
    for seed in ("1", "2"):
        paths = [str(Path(__file__).parent), str(Path(verifying.__file__).parents[1])]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, str(tmp_path), *paths], check=True, env=environment)
        seen.add((tmp_path / "s").read_bytes())
    assert len(seen) == 1
    assert verify(model, tmp_path / "s") == "accepted"


def test_blake3_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("blake3")
    model = write_tree(tmp_path / "m", {"a": b"1"})
    sign(model, tmp_path / "s", Plan(hash_type="blake3"))
    monkeypatch.setitem(sys.modules, "blake3", None)
    assert verify(model, tmp_path / "s") == "unsupported OMS-REG-03"
    with pytest.raises(MissingExtra, match=r"pip install 'model_signing_ref\[blake3\]'") as caught:
        hashing.hash_model(model, Plan(hash_type="blake3"))
    assert isinstance(caught.value, ImportError)
    (model / "b").touch()
    assert verify(model, tmp_path / "s") == "files OMS-8.5-01"


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize(
    "sizes", [(8,), (9,), (10,), (11,), (15,), (100,), (100, 9, 8), (30, 30, 30), (50, 50), (7, 40, 1), (9, 9, 9, 9)]
)
def test_blake3_divides_what_is_more_than_a_share(
    tmp_path: Path, sizes: tuple[int, ...], workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that would keep one thread busy when the others are done is hashed by all, read ahead."""
    pytest.importorskip("blake3")
    monkeypatch.setattr(digests, "INLINE_SIZE", 7)
    monkeypatch.setattr(digests, "AHEAD_SIZE", 5)
    ahead, real = [], digests._ahead

    def count(fd: int, left: int, chunk_size: int) -> Any:
        ahead.append(left)
        return real(fd, left, chunk_size)

    monkeypatch.setattr(digests, "_ahead", count)
    contents = {f"f{index}": os.urandom(size) for index, size in enumerate(sizes)}
    model, counts = write_tree(tmp_path / "m", contents), list[int]()
    plan = Plan(hash_type="blake3", settings=Settings(workers, 3, counts.append))
    sign(model, tmp_path / "s", plan)
    assert resources(tmp_path / "s") == [(name, hexdigest("blake3", data)) for name, data in contents.items()]
    large = [size for size in sizes if size > 7]
    assert sorted(ahead) == sorted(size for size in large if workers > 1 and size > sum(large) / workers)
    assert sum(counts) == sum(sizes)
    assert verify(model, tmp_path / "s", plan) == "accepted"
    for name, data in contents.items():
        (model / name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        verdict = verify(model, tmp_path / "s", plan)
        assert (verdict, verdict.error and verdict.error.path) == ("digest OMS-8.4-01", name)
        (model / name).write_bytes(data)


def test_shards_of_a_file_are_read_from_its_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The larger ones first, and equal ones in order: backwards, a disk reads nothing ahead."""
    monkeypatch.setattr(digests, "INLINE_SIZE", 7)
    model, orders = write_tree(tmp_path / "m", {"a": bytes(25), "b": bytes(40)}), []
    real = digests._hash_in_threads

    def listen(job: Any, pieces: Any, indexes: list[int], *rest: Any) -> None:
        orders.append([(pieces[index].path, pieces[index].start) for index in indexes])
        real(job, pieces, indexes, *rest)

    monkeypatch.setattr(digests, "_hash_in_threads", listen)
    hashing.hash_model(model, Plan("shards", shard_size=16, settings=Settings(2)))
    assert orders == [[("a", 0), ("b", 0), ("b", 16), ("a", 16), ("b", 32)]]


@pytest.mark.parametrize("size", [digests.INLINE_SIZE + 1, digests.AHEAD_SIZE, 2 * digests.AHEAD_SIZE + 3])
def test_blake3_of_a_large_file(tmp_path: Path, size: int) -> None:
    data = os.urandom(1 << 20) * (size >> 20) + os.urandom(size % (1 << 20))
    model = write_tree(tmp_path / "m", {"w": data})
    sign(model, tmp_path / "s", Plan(hash_type="blake3", settings=Settings(2)))
    assert resources(tmp_path / "s") == [("w", hexdigest("blake3", data))]


# --- changed while it is hashed ------------------------------------------------------------------------------

SIZE = 64


def shrink(path: Path) -> None:
    os.truncate(path, 20)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def rewrite(path: Path) -> None:
    """The same bytes, another time: nothing but the time says that it was written to."""
    path.write_bytes(path.read_bytes())
    os.utime(path, (1, 1))


def replace(path: Path) -> None:
    """The same bytes and times, another file."""
    before = path.stat()
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    os.utime(copy, ns=(before.st_atime_ns, before.st_mtime_ns))
    copy.replace(path)


def replace_by_link(path: Path) -> None:
    elsewhere = path.parents[1] / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def replace_by_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


CHANGES = (shrink, grow, rewrite, replace, replace_by_link, replace_by_fifo)


class Hook:
    """Called with every number of bytes hashed; runs `change` once, after the first."""

    def __init__(self, change: Callable[[], object], after: int = 1) -> None:
        self.change, self.left = change, after

    def __call__(self, count: int) -> None:
        self.left -= 1
        if self.left == 0:
            self.change()


def plan_with(hook: Hook, method: str) -> Plan:
    shard_size = 16 if method == "shards" else None
    return Plan(method, shard_size=shard_size, settings=Settings(1, 16, hook))


@pytest.mark.parametrize("method", ["files", "shards"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_while_it_is_hashed(tmp_path: Path, change: Callable[[Path], None], method: str) -> None:
    model, signature = write_tree(tmp_path / "m", {"a": b"1", "w": bytes(SIZE)}), tmp_path / "s"
    file = model / "w"
    sign(model, signature, plan_with(Hook(lambda: None), method))
    hook = Hook(lambda: change(file), after=3)
    verdict = verify(model, signature, plan_with(hook, method))
    assert hook.left <= 0
    changed_link_in_shards = method == "shards" and change is replace_by_link
    stage = "files OMS-6.1.1-07" if changed_link_in_shards else "digest REF-DIGEST-01"
    if method == "shards" and change is replace_by_fifo:
        stage = "files REF-FILES-01"
    assert verdict == stage
    assert verdict.error is not None
    assert verdict.error.path == "w"


@pytest.mark.parametrize("method", ["files", "shards"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_while_it_is_signed(tmp_path: Path, change: Callable[[Path], None], method: str) -> None:
    model, signature = write_tree(tmp_path / "m", {"a": b"1", "w": bytes(SIZE)}), tmp_path / "s"
    detail = sign_error(model, signature, plan_with(Hook(lambda: change(model / "w"), after=3), method))
    assert detail.startswith("'w' ")
    assert not signature.exists()


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_while_it_is_read_ahead(
    tmp_path: Path, change: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("blake3")
    monkeypatch.setattr(digests, "INLINE_SIZE", 7)
    monkeypatch.setattr(digests, "AHEAD_SIZE", 5)
    model, signature = write_tree(tmp_path / "m", {"a": b"1", "w": bytes(SIZE)}), tmp_path / "s"
    sign(model, signature, Plan(hash_type="blake3"))
    hook = Hook(lambda: change(model / "w"), after=3)
    verdict = verify(model, signature, Plan(settings=Settings(2, 16, hook)))
    assert hook.left <= 0
    assert (verdict, verdict.error and verdict.error.path) == ("digest REF-DIGEST-01", "w")


def test_an_error_while_a_file_is_read_ahead_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader has ended before the file is closed, whose descriptor may then be another file's."""
    pytest.importorskip("blake3")
    monkeypatch.setattr(digests, "INLINE_SIZE", 7)
    monkeypatch.setattr(digests, "AHEAD_SIZE", 5)
    threads = threading.active_count()
    model = write_tree(tmp_path / "m", {"w": bytes(SIZE)})
    closed, real = [], os.close

    def close(fd: int) -> None:
        closed.append(threading.active_count())
        real(fd)

    def stop(_: int) -> None:
        monkeypatch.setattr(os, "close", close)
        raise OSError(errno.EIO, "the terminal is gone")

    with pytest.raises(OSError, match="the terminal is gone"):
        hashing.hash_model(model, Plan(hash_type="blake3", settings=Settings(2, 16, stop)))
    assert set(closed) == {threads}


@pytest.mark.parametrize("change", [shrink, grow, rewrite, replace])
def test_a_file_that_changes_between_two_of_its_shards(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """Each shard is read in one go, so that only a comparison with the first shows the change."""
    model, signature = write_tree(tmp_path / "m", {"w": bytes(SIZE)}), tmp_path / "s"
    sign(model, signature, Plan("shards", shard_size=16))
    real = digests._hash_piece
    turns: list[int] = []

    def change_before_the_second(*given: Any) -> bytes | tree.Problem | int:
        turns.append(1)
        if len(turns) == 2:
            change(model / "w")
        return real(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digests, "_hash_piece", change_before_the_second)
        assert verify(model, signature) == "digest REF-DIGEST-01"
        turns.clear()
        (model / "w").write_bytes(bytes(SIZE))
        assert "'w' changed while it was read" in sign_error(model, signature, Plan("shards", shard_size=16))


def test_a_file_that_grows_after_the_sizes_were_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, signature = write_tree(tmp_path / "m", {"w": bytes(SIZE)}), tmp_path / "s"
    plan = Plan("shards", shard_size=16)
    sign(model, signature, plan)
    real = digests.hash_pieces

    def grow_first(*given: Any, **named: Any) -> list[bytes | tree.Problem]:
        grow(model / "w")
        return real(*given, **named)

    monkeypatch.setattr(digests, "hash_pieces", grow_first)
    assert verify(model, signature) == "digest REF-DIGEST-01"
    (model / "w").write_bytes(bytes(SIZE))
    assert "'w' changed while it was read" in sign_error(model, signature, plan)


def test_no_read_goes_past_the_size_at_open(tmp_path: Path) -> None:
    """A file that grows as fast as it is read ends all the same."""
    model = write_tree(tmp_path / "m", {"w": bytes(SIZE)})
    counts: list[int] = []

    def grow_again(count: int) -> None:
        counts.append(count)
        with (model / "w").open("ab") as file:
            file.write(bytes(16))

    with pytest.raises(OperationError, match="'w' changed while it was read"):
        hashing.hash_model(model, Plan(settings=Settings(1, 16, grow_again)))
    assert counts == [16, 16, 16, 16]


def test_the_culprit_is_named_with_its_own_reason(tmp_path: Path) -> None:
    """One file is not what was signed, and another changes while it is read."""
    model, signature = write_tree(tmp_path / "m", {"a": b"1", "b": bytes(SIZE)}), tmp_path / "s"
    sign(model, signature)
    (model / "a").write_bytes(b"2")
    verdict = verify(model, signature, Plan(settings=Settings(1, 16, Hook(lambda: rewrite(model / "b"), after=3))))
    assert verdict == "digest OMS-8.4-01"
    assert verdict.error is not None
    assert verdict.error.detail == "'a' is not what was signed; files that differ besides: 1"
    assert verdict.error.findings.changed == ["a", "b"]


def test_two_files_of_other_sizes_in_shards(tmp_path: Path) -> None:
    model, signature = write_tree(tmp_path / "m", {"a": b"12", "b": b"12"}), tmp_path / "s"
    sign(model, signature, Plan("shards", shard_size=1))
    write_tree(model, {"a": b"1", "b": b"123"})
    verdict = verify(model, signature)
    assert verdict.error is not None
    assert verdict.error.detail == "'a' has 1 bytes, not 2; files that differ besides: 1"


def test_an_interrupted_run_stops_all_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "INLINE_SIZE", 0)
    model = write_tree(tmp_path / "m", {name: bytes(SIZE) for name in "abcd"})
    calls: list[int] = []

    def interrupt(count: int) -> None:
        calls.append(count)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hashing.hash_model(model, Plan(settings=Settings(2, 1, interrupt)))
    assert len(calls) <= 4


def test_a_failure_in_a_thread_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "INLINE_SIZE", 0)
    model = write_tree(tmp_path / "m", {"a": bytes(SIZE), "b": bytes(SIZE)})

    def fail(count: int) -> None:
        raise OSError(errno.ENOMEM, "no memory")

    with pytest.raises(OSError, match="no memory"):
        hashing.hash_model(model, Plan(settings=Settings(2, 16, fail)))


@pytest.mark.parametrize("inline", [0, 1 << 20])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.ELOOP])
def test_what_the_progress_function_raises_is_no_fault_of_the_file(
    tmp_path: Path, inline: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "INLINE_SIZE", inline)
    model, signature = write_tree(tmp_path / "m", {"a": bytes(SIZE), "b": bytes(SIZE)}), tmp_path / "s"
    sign(model, signature)
    raised = OSError(code, "the terminal is gone")

    def fail(count: int) -> None:
        raise raised

    for chunk_size in (16, SIZE):
        plan = Plan(settings=Settings(2, chunk_size, fail))
        for run in (
            lambda plan=plan: hashing.hash_model(model, plan),
            lambda plan=plan: verify(model, signature, plan),
        ):
            with pytest.raises(OSError, match="the terminal is gone") as caught:
                run()
            assert caught.value is raised


def test_a_failure_in_one_thread_stops_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first file would take an hour."""
    monkeypatch.setattr(digests, "INLINE_SIZE", 0)
    model = write_tree(tmp_path / "m", {"a": b"", "b": b"2"})
    os.truncate(model / "a", 1 << 40)

    def fail_at_b(count: int) -> None:
        if count == 1:
            raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        hashing.hash_model(model, Plan(settings=Settings(2, 1 << 16, fail_at_b)))


def test_a_config_hashes_what_it_is_told(tmp_path: Path) -> None:
    model = write_tree(tmp_path / "m", CONTENTS)
    config = hashing.Config().use_shard_serialization(hashing_algorithm="blake2", shard_size=7, chunk_size=0)
    assert [(each.identifier, each.digest.digest_hex) for each in config.hash(model).resource_descriptors()] == (
        expected_shards(7, "blake2b")
    )
    only = config.use_file_serialization().hash(model, files_to_hash=[model / "f1", model / "f2"])
    assert [each.name for each in only.resources] == ["f1", "f2"]
    for wrong in ({"shard_size": 0}, {"shard_size": 2**53}, {"chunk_size": -1}, {"max_workers": 0}):
        with pytest.raises(ValueError, match=r"size|workers"):
            hashing.Config().use_shard_serialization(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is not one of sha256, blake2b, blake3"):
        hashing.Config().use_file_serialization(hashing_algorithm="md5")


def test_one_large_file_among_small_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs no pool of threads."""
    monkeypatch.setattr(digests, "INLINE_SIZE", 21)
    monkeypatch.setattr(digests, "processors", lambda: 2)
    model = write_tree(tmp_path / "m", CONTENTS)
    sign(model, tmp_path / "s")
    assert resources(tmp_path / "s") == sorted((name, hexdigest("sha256", data)) for name, data in CONTENTS.items())
