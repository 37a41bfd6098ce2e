"""The rules of Windows and macOS, by simulation: what they lack is taken away, what they do is done to the walk.

Nothing here runs on those systems; what runs there is the rest of the suite, in .github/workflows.
"""

from __future__ import annotations

import ntpath
import os
import stat
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from forge import (
    KEY,
    VERIFIER,
    Plan,
    open_folder,
    resource,
    shards,
    sign,
    sign_error,
    signed,
    statement,
    unprivileged,
    verify,
    write_tree,
)

from model_signing_ref import hashing, output, paths, standalone, tree, verifying
from model_signing_ref.errors import OperationError

Keys = tuple[Path, Path]
ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="simulates other systems on Linux: run there")

# What opens something else on Windows, by the documentation of its file names.
REWRITTEN = (
    *(
        "CON",
        "con",
        "NUL",
        "aux.txt",
        "prn.tar.gz",
        "COM1",
        "lpt9.bin",
        "com\u00b9",
        "CONIN$",
        "conout$",
        "NUL ",
        "NUL .txt",
    ),
    *("file.", "file ", "file. .", "file:stream", "file::$DATA", "d./x", "d /x", "NUL/x", "d/aux", "d/e:f/x", "C:x"),
)
THEMSELVES = (
    "a",
    "d/x",
    "CONSOLE",
    "nul_",
    "xNUL",
    "com",
    "com10",
    "aux_.txt",
    ".hidden",
    "a b",
    "a.b",
    "CONIN",
    "lpt",
    "COM\u2074",
)


@pytest.fixture
def no_openat(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that opens nothing relative to a directory."""
    monkeypatch.setattr(tree, "HAS_OPENAT", False)
    monkeypatch.setattr(tree, "_NOFOLLOW", 0)
    monkeypatch.setattr(standalone, "BY_DESCRIPTOR", False)
    monkeypatch.setattr(standalone, "NO_FOLLOW", 0)


@pytest.fixture
def windows(no_openat: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "WINDOWS", True)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every path that is opened from here on."""
    seen: list[str] = []
    real = os.open

    def record(path: Any, *given: Any, **named: Any) -> int:
        seen.append(os.fsdecode(path))
        return real(path, *given, **named)

    monkeypatch.setattr(os, "open", record)
    return seen


def second(model: Path, signature: Path, folder: Path) -> str:
    """The verdict of standalone.py."""
    key = folder / "forged.pub"
    key.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    arguments = standalone.parse([f"--public-key={key}", f"--signature={signature}", str(model)])
    options = standalone.Options(**{name: getattr(arguments, name) for name in standalone.Options._fields})
    try:
        standalone.verify(str(model), str(signature), str(key), options, {})
    except standalone.Failure as failure:
        return f"{failure.stage} {failure.clause}"
    return "accepted"


# --- names ---------------------------------------------------------------------------------------------------


def windows_paths() -> Any:
    """`os` as the module paths uses it, by the rules of Windows; links are not resolved."""
    return SimpleNamespace(path=ntpath, sep="\\", curdir=".", fsdecode=os.fsdecode)


@pytest.mark.parametrize("given", ["C:\\m\\d\\x", "C:/m/d/x", "C:\\m\\.\\d\\..\\d\\x", "C:\\m\\d/x\\"])
def test_both_separators_of_windows_become_a_slash(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "os", windows_paths())
    assert paths.name_inside("C:\\m", given) == "d/x"
    assert paths.name_inside("C:/m/", given) == "d/x"
    assert paths.names_inside("C:\\m", ["d\\x", "d/x"], "C:\\m", "the file") == {"d/x"}
    assert paths.signature_names("C:\\m", given) == {"d/x"}


@pytest.mark.parametrize("given", ["C:\\mm\\x", "D:\\m\\x", "C:\\m\\..\\x", "\\\\server\\share\\m\\x"])
def test_outside_is_outside_on_windows(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "os", windows_paths())
    assert paths.name_inside("C:\\m", given) is None
    with pytest.raises(OperationError, match="is not inside the model"):
        paths.names_inside("C:\\m", [given], "C:\\m", "the file")


def test_a_backslash_is_no_separator_here(tmp_path: Path) -> None:
    model, signature = write_tree(tmp_path / "m", {"a": b"1"}), tmp_path / "s"
    assert paths.name_inside(str(model), f"{model}/d\\x") == "d\\x"
    signature.write_bytes(signed(statement([resource("d\\x", b"1")])))
    (model / "a").rename(model / "d\\x")
    assert verify(model, signature) == "names REF-NAMES-02"
    assert "has a backslash (REF-NAMES-02)" in sign_error(model, tmp_path / "t")


def test_names_are_joined_with_a_slash_whatever_the_separator_is(
    no_openat: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, signature = write_tree(tmp_path / "m", {"a": b"1", "d/e/x": b"2"}), tmp_path / "s"
    sign(model, signature)
    joined = os.path.join

    def with_a_backslash(path: str, *more: str) -> str:
        return joined(path, *more) if str(tmp_path) in path else "\\".join((path, *more))

    monkeypatch.setattr(os, "sep", "\\")
    monkeypatch.setattr(os.path, "join", with_a_backslash)
    with tree.open_root(model, follow=False) as root:
        assert tree.walk(root, (), warn=hashing.ignore_note).files == ["a", "d/e/x"]
    assert verify(model, signature) == "accepted"
    assert second(model, signature, tmp_path) == "accepted"


@pytest.mark.parametrize(
    ("given", "path"),
    [
        *(("C:\\", "C:\\"), ("C:\\m\\", "C:\\m"), ("C:/m/\\/", "C:/m"), ("C:m\\", "C:m"), ("\\", "\\")),
        *(("\\\\server\\share\\", "\\\\server\\share\\"), ("m", "m")),
    ],
)
def test_the_root_of_a_drive_keeps_its_separator(given: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`C:` alone is the drive's working directory."""
    fake = SimpleNamespace(path=ntpath, sep="\\", altsep="/", fsdecode=os.fsdecode, lstat=refuse)
    monkeypatch.setattr(tree, "os", fake)
    assert root_looked_at(given) == path


@pytest.mark.parametrize(("given", "path"), [("/", "/"), ("//", "/"), ("/m/", "/m"), ("m//", "m"), ("C:\\", "C:\\")])
def test_the_root_here(given: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "lstat", refuse)
    assert root_looked_at(given) == path


def refuse(path: str) -> None:
    raise FileNotFoundError(2, "No such file or directory", path)


def root_looked_at(given: str) -> str | None:
    with pytest.raises(FileNotFoundError) as caught, tree.open_root(given, follow=False):
        pass
    return None if caught.value.filename is None else str(caught.value.filename)


# --- names that are not found --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REWRITTEN)
def test_a_listed_name_that_the_walk_did_not_find_is_missing_and_never_opened(
    windows: None, tmp_path: Path, opened: list[str], name: str
) -> None:
    """On Windows, opening NUL in any directory succeeds; a listing does not have it."""
    model, signature = write_tree(tmp_path / "m", {"real": b"1"}), tmp_path / "s"
    for number, data in enumerate(listings(name)):
        signature.write_bytes(data)
        for unsigned in (False, True):
            del opened[:]
            verdict = verify(model, signature, unsigned=unsigned)
            assert verdict == "files OMS-8.4-01"
            assert verdict.error is not None and verdict.error.path == name
            assert not [path for path in opened if path.startswith(str(model)) and path != str(model)], number
            assert second(model, signature, tmp_path) == "files OMS-8.4-01"


def listings(name: str) -> list[bytes]:
    """Bundles that list `name` and the file `real`: as files, and as shards of ten bytes."""
    files = sorted([resource(name), resource("real", b"1")], key=lambda each: str(each["name"]))
    parts = sorted([resource(f"{name}:0:10"), resource("real:0:1", b"1")], key=lambda each: str(each["name"]))
    return [signed(statement(files)), signed(shards(parts))]


def test_a_shard_of_a_stream_is_one_of_a_file_with_a_colon(tmp_path: Path) -> None:
    """`a:b:0:1` is a shard of `a:b`, and not the stream `b:0:1` of `a`, nor a shard of `a`."""
    model, signature = write_tree(tmp_path / "m", {"a:b": b"1"}), tmp_path / "s"
    sign(model, signature, Plan("shards", shard_size=10))
    manifest = verifying.verify_bundle(signature.read_bytes(), VERIFIER)
    assert [each.name for each in manifest.resources] == ["a:b:0:1"]
    assert verify(model, signature) == "accepted"
    (model / "a:b").rename(model / "a")
    assert verify(model, signature) == "files OMS-8.4-01"


@pytest.mark.parametrize("name", REWRITTEN)
def test_a_name_that_windows_rewrites_is_not_opened_there(
    windows: None, tmp_path: Path, opened: list[str], name: str
) -> None:
    """A listing can have it, of a directory that was written through `\\\\?\\` or by another system."""
    model, signature = write_tree(tmp_path / "m", {name: b"1", "real": b"1"}), tmp_path / "s"
    signature.write_bytes(listings(name)[0])
    verdict = verify(model, signature)
    assert verdict == "files REF-FILES-02"
    assert verdict.error is not None
    assert verdict.error.detail.endswith("can't be read: Windows opens something else by this name")
    assert "Windows opens something else by this name" in sign_error(model, tmp_path / "t")
    assert str(model / name) not in opened


@pytest.mark.parametrize("name", THEMSELVES)
def test_other_names_are_opened_there(windows: None, tmp_path: Path, name: str) -> None:
    model, signature = write_tree(tmp_path / "m", {name: b"1"}), tmp_path / "s"
    sign(model, signature)
    assert verify(model, signature) == "accepted"


@pytest.mark.parametrize("name", REWRITTEN)
def test_here_they_are_names_like_others(tmp_path: Path, name: str) -> None:
    model, signature = write_tree(tmp_path / "m", {name: b"1"}), tmp_path / "s"
    sign(model, signature)
    assert verify(model, signature) == "accepted"
    assert second(model, signature, tmp_path) == "accepted"


# --- names that a file system takes for one ------------------------------------------------------------------

PAIRS = {
    "case": ("A", "a"),
    "case in a directory": ("D/x", "d/x"),
    "case beyond ASCII": ("\u00c9", "\u00e9"),
    "normalisation": ("e\u0301", "\u00e9"),
}


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("kept", [0, 1])
def test_a_system_that_keeps_one_of_two_names(pair: str, kept: int, tmp_path: Path) -> None:
    """Where one of two files overwrote the other, the listing has one name: the other is missing, not opened."""
    one, other = PAIRS[pair]
    model, signature = write_tree(tmp_path / "m", {one: b"same", other: b"same"}), tmp_path / "s"
    sign(model, signature)
    verdict = verify(model, signature)
    assert (verdict, verdict.notes) == ("accepted", ["lookalike-names"])
    lost = (one, other)[1 - kept]
    (model / lost).unlink()
    if (model / lost).parent != model:
        (model / lost).parent.rmdir()
    verdict = verify(model, signature)
    assert verdict == "files OMS-8.4-01"
    assert verdict.error is not None and verdict.error.path == lost
    assert verify(model, signature, unsigned=True) == "files OMS-8.4-01"
    assert second(model, signature, tmp_path) == "files OMS-8.4-01"


@pytest.mark.parametrize("composed", [True, False])
def test_a_system_that_writes_names_in_another_form(composed: bool, tmp_path: Path) -> None:
    """Names are compared as they are (OMS-6.1.2-12): one in another form is missing, and the one found is extra."""
    names = [unicodedata.normalize("NFD", "caf\u00e9.bin"), unicodedata.normalize("NFC", "caf\u00e9.bin")]
    given, found = names[composed], names[not composed]
    model, signature = write_tree(tmp_path / "m", {given: b"1"}), tmp_path / "s"
    sign(model, signature)
    assert verify(model, signature) == "accepted"
    (model / given).rename(model / found)
    verdict = verify(model, signature)
    assert verdict == "files OMS-8.4-01"
    assert verdict.error is not None
    assert (verdict.error.findings.missing, verdict.error.findings.extra) == ([given], [found])


def test_a_system_that_opens_any_case(no_openat: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifest lists `A`, the disk has `a`, and opening either succeeds: still missing."""
    model, signature = write_tree(tmp_path / "m", {"a": b"1"}), tmp_path / "s"
    signature.write_bytes(signed(statement([resource("A", b"1")])))
    real = os.open

    def any_case(path: Any, *given: Any, **named: Any) -> int:
        path = os.fsdecode(path)
        return real(path[:-2] + path[-2:].lower(), *given, **named)

    monkeypatch.setattr(os, "open", any_case)
    os.close(os.open(model / "A", os.O_RDONLY))
    assert verify(model, signature) == "files OMS-8.4-01"
    assert verify(model, signature, unsigned=True) == "files OMS-8.4-01"


# --- what those systems lack ---------------------------------------------------------------------------------

TREES: dict[str, dict[str, bytes]] = {
    "flat": {"a": b"1", "b": b"", "c": b"\r\n\x1a\n" * 100},
    "deep": {"a": b"1", "d/x": b"2", "d/e/f/g/y": b"3", "d.x": b"4", "d-": b"5"},
    "odd": {"\u00e9": b"1", "a b": b"2", "a:0:1": b"3", ".hidden": b"4", "x\ny": b"5"},
    "large": {"one": bytes(3 << 20), "two": b"x" * (2 << 20), "d/three": b"y" * ((1 << 20) + 1)},
}


def break_nothing(_: Path) -> None:
    pass


def add_a_file(model: Path) -> None:
    (model / "new").write_bytes(b"1")


def add_a_link(model: Path) -> None:
    (model / "link").symlink_to("a")


def add_a_loop(model: Path) -> None:
    (model / "loop").symlink_to(".")


def add_a_fifo(model: Path) -> None:
    os.mkfifo(model / "fifo")


def add_a_backslash(model: Path) -> None:
    (model / "a\\b").write_bytes(b"1")


def first_file(model: Path) -> Path:
    return min(path for path in model.rglob("*") if path.is_file())


def remove_a_file(model: Path) -> None:
    first_file(model).unlink()


def change_a_file(model: Path) -> None:
    file = first_file(model)
    file.write_bytes(b"?" + file.read_bytes()[1:])


def grow_a_file(model: Path) -> None:
    with first_file(model).open("ab") as file:
        file.write(b"?")


def replace_a_file_by_a_link(model: Path) -> None:
    file = first_file(model)
    file.rename(model.parent / "elsewhere")
    file.symlink_to(model.parent / "elsewhere")


CHANGES: tuple[Callable[[Path], None], ...] = (
    *(break_nothing, add_a_file, add_a_link, add_a_loop, add_a_fifo, add_a_backslash, remove_a_file, change_a_file),
    *(grow_a_file, replace_a_file_by_a_link),
)
PLANS = {
    "files": Plan(),
    "shards": Plan("shards", shard_size=1 << 20),
    "links": Plan(allow_symlinks=True),
    "ignored": Plan(ignored=("d", "new")),
}


@pytest.mark.parametrize("kind", TREES)
@pytest.mark.parametrize("plan", PLANS)
def test_paths_give_the_same_as_descriptors(
    kind: str, plan: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    for has_openat in (True, False):
        monkeypatch.setattr(tree, "HAS_OPENAT", has_openat)
        monkeypatch.setattr(tree, "_NOFOLLOW", os.O_NOFOLLOW if has_openat else 0)
        monkeypatch.setattr(standalone, "BY_DESCRIPTOR", has_openat)
        verdicts = [
            str(hashing.hash_model(write_tree(tmp_path / f"h{has_openat}", TREES[kind]), PLANS[plan])._contents())
        ]
        for number, change in enumerate(CHANGES):
            folder = tmp_path / f"{has_openat}{number}"
            folder.mkdir()
            model, signature = write_tree(folder / "m", TREES[kind]), folder / "s"
            sign(model, signature, PLANS[plan])
            verdicts.append(signature.read_text())
            change(model)
            for unsigned in (False, True):
                verdict = verify(model, signature, PLANS[plan], unsigned=unsigned)
                verdicts.append(f"{change.__name__}: {verdict} {verdict.error and verdict.error.detail}")
            verdicts.append(second(model, signature, folder))
        seen.append(verdicts)
    assert seen[0] == seen[1]
    assert "break_nothing: accepted None" in seen[0]
    assert len(set(seen[0])) > 8


def test_a_model_of_one_file_without_openat(no_openat: None, tmp_path: Path) -> None:
    model, signature = tmp_path / "one.bin", tmp_path / "s"
    model.write_bytes(b"1")
    sign(model, signature)
    assert (verify(model, signature), second(model, signature, tmp_path)) == ("accepted", "accepted")
    model.write_bytes(b"2")
    assert (verify(model, signature), second(model, signature, tmp_path)) == ("digest OMS-8.4-01",) * 2


def test_an_unreadable_directory_without_openat(no_openat: None) -> None:
    with open_folder() as folder:
        model, signature = write_tree(folder / "m", {"a": b"1", "d/x": b"2"}), folder / "s"
        sign(model, signature)
        signature.chmod(0o644)
        (model / "d").chmod(0)
        with unprivileged():
            assert verify(model, signature) == "files REF-FILES-02"
        (model / "d").chmod(0o755)


def test_a_link_that_takes_a_files_place_after_the_walk_is_seen_without_nofollow(
    no_openat: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is opened, since nothing there can keep it from being followed; but what was read is not what the name is."""
    model, signature = write_tree(tmp_path / "m", {"a": b"1"}), tmp_path / "s"
    sign(model, signature)
    (tmp_path / "elsewhere").write_bytes(b"1")
    real = tree.walk

    def then_swap(*given: Any, **named: Any) -> tree.Tree:
        found = real(*given, **named)
        (model / "a").unlink()
        (model / "a").symlink_to(tmp_path / "elsewhere")
        return found

    monkeypatch.setattr(tree, "walk", then_swap)
    assert verify(model, signature) == "digest REF-DIGEST-01"


@pytest.mark.skipif(os.name == "nt", reason="Windows opens something else by this name")
def test_a_name_that_windows_rewrites_is_opened_elsewhere(tmp_path: Path) -> None:
    """With links followed, files are opened by path."""
    model = write_tree(tmp_path / "m", {"aux": b"1", "a:b": b"2", "dot.": b"3"})
    manifest = hashing.hash_model(model, hashing.Plan(allow_symlinks=True))
    assert [resource.name for resource in manifest.resources] == ["a:b", "aux", "dot."]


@pytest.mark.parametrize("follow", [False, True])
def test_a_junction_is_a_link(windows: None, follow: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """lstat takes it for a directory; only its reparse tag tells."""
    model = write_tree(tmp_path / "m", {"a": b"1", "junction/x": b"2", "d/x": b"3"})
    tag = {(model / "junction").stat().st_ino: 0xA0000003, (model / "d").stat().st_ino: 0x9000001A}  # d is in a cloud

    def entry_kind(entry: os.DirEntry[str]) -> str:
        return kind_of(Entry(entry, tag.get(entry.inode(), 0)))  # type: ignore[arg-type]

    kind_of = tree._entry_kind
    monkeypatch.setattr(tree, "_entry_kind", entry_kind)
    with tree.open_root(model, follow=follow) as root:
        found = tree.walk(root, (), warn=hashing.ignore_note)
    assert [problem.path for problem in found.problems] == ([] if follow else ["junction"])
    assert found.files == (["a", "d/x", "junction/x"] if follow else ["a", "d/x"])


class Entry:
    """A directory entry of Windows, with a reparse tag."""

    def __init__(self, entry: os.DirEntry[str], tag: int) -> None:
        self.entry, self.tag = entry, tag

    def __getattr__(self, name: str) -> Any:
        return getattr(self.entry, name)

    def stat(self, *, follow_symlinks: bool) -> Any:
        assert not follow_symlinks
        return SimpleNamespace(st_reparse_tag=self.tag, st_mode=stat.S_IFDIR)


def test_a_model_that_is_a_junction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, signature = write_tree(tmp_path / "m", {"a": b"1"}), tmp_path / "s"
    sign(model, signature)
    monkeypatch.setattr(tree, "WINDOWS", True)
    monkeypatch.setattr(tree, "is_junction", lambda status: stat.S_ISDIR(status.st_mode))
    assert verify(model, signature) == "files REF-FILES-05"
    assert "is a symbolic link" in sign_error(model, tmp_path / "t")


# A process that starts as on another system: what is not there was taken away before the package was loaded. Flags
# that Linux does not have are recorded and taken out.
OTHER_SYSTEM = """
import os, runpy, sys
for name in "O_NOFOLLOW O_DIRECTORY O_NONBLOCK O_CLOEXEC sched_getaffinity geteuid getuid mkfifo".split():
    delattr(os, name)
os.supports_dir_fd, os.supports_fd = set(), set()
os.O_BINARY, real, stat = 1 << 28, os.open, os.stat
def opened(path, flags, mode=0o777, *, dir_fd=None):
    assert dir_fd is None, "no openat here"
    if os.path.isdir(path):
        raise PermissionError(13, "Permission denied", path)
    assert flags & os.O_BINARY, f"{path} is opened as text"
    return real(path, flags & ~os.O_BINARY, mode)
def status(path, *, dir_fd=None, follow_symlinks=True):
    assert dir_fd is None, "no fstatat here"
    return stat(path, follow_symlinks=follow_symlinks)
os.open, os.stat = opened, status
module, *sys.argv[1:] = sys.argv[1:]
sys.argv[0] = module
runpy.run_module(module, run_name="__main__")
"""


def elsewhere(module: str, *words: str | Path) -> tuple[int, str]:
    command = [sys.executable, "-c", OTHER_SYSTEM, module, *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout + done.stderr


def test_the_command_line_without_anything_of_posix(key_files: Keys, tmp_path: Path) -> None:
    model, signature = write_tree(tmp_path / "m", TREES["deep"] | {"crlf": b"\r\n\x1a" * 1000}), tmp_path / "s"
    large = model / "d/large"
    large.write_bytes(b"\r\n" * (2 << 20))
    (model / "d/second").write_bytes(large.read_bytes())
    status, told = elsewhere(
        "model_signing_ref", "sign", "key", "--private-key", key_files[0], "--signature", signature, model
    )
    assert (status, "Signing succeeded" in told) == (0, True), told
    verifying.Config().use_elliptic_key_verifier(public_key=key_files[1]).verify(model, signature)
    words = ("--public-key", key_files[1], "--signature", signature, model)
    assert elsewhere("model_signing_ref", "verify", "key", *words)[0] == 0
    assert elsewhere("model_signing_ref.standalone", *words) == (0, "")
    large.write_bytes(b"\n" * (4 << 20))
    for program in (("model_signing_ref", "verify", "key"), ("model_signing_ref.standalone",)):
        status, told = elsewhere(*program, *words)
        assert (status, "OMS-8.4-01" in told) == (1, True), told


def test_the_bundle_is_written_as_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without O_BINARY, Windows writes a carriage return before each line feed."""
    binary, flags, real = 1 << 28, [], os.open

    def record(path: Any, flag: int, *given: Any, **named: Any) -> int:
        flags.append(flag)
        return real(path, flag & ~binary, *given, **named)

    monkeypatch.setattr(os, "O_BINARY", binary, raising=False)
    monkeypatch.setattr(os, "open", record)
    output.write_whole(tmp_path / "s", b"\n")
    assert flags[0] & binary
    assert (tmp_path / "s").read_bytes() == b"\n"
