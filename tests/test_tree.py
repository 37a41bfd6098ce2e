"""Which files a model has: ignored paths, the signature, links, special and unreadable entries, swapped directories."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from forge import (
    SIGNER,
    VERIFIER,
    Plan,
    Verdict,
    open_folder,
    resource,
    sign,
    sign_error,
    signed,
    statement,
    unprivileged,
    verify,
    write_tree,
)

from model_signing_ref import hashing, manifest, paths, signing, tree, verifying
from model_signing_ref.errors import OperationError

FOLLOW = Plan(allow_symlinks=True)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "m", {"a": b"1", "d/x": b"2", "d/e/y": b"3"})


@pytest.fixture
def signature(tmp_path: Path) -> Path:
    return tmp_path / "s"


def names(signature: Path) -> list[str]:
    return [each.name for each in verifying.verify_bundle(signature.read_bytes(), VERIFIER).resources]


def culprit(verdict: Verdict) -> str | None:
    assert verdict.error is not None
    return verdict.error.path


# --- missing and extra ---------------------------------------------------------------------------------------


def test_missing_extra_and_both(model: Path, signature: Path) -> None:
    sign(model, signature)
    assert verify(model, signature) == "accepted"
    (model / "d/x").rename(model / "d/z")
    verdict = verify(model, signature)
    assert (verdict, culprit(verdict)) == ("files OMS-8.4-01", "d/x")
    assert verdict.error is not None
    assert verdict.error.findings == ([], ["d/x"], ["d/z"], ())
    assert verdict.error.detail == "'d/x' is signed and missing; files that differ besides: 1"
    (model / "d/x").write_bytes(b"2")
    verdict = verify(model, signature)
    assert (verdict, culprit(verdict)) == ("files OMS-8.5-01", "d/z")


def test_extra_files_are_excused_and_listed_ones_never(model: Path, signature: Path) -> None:
    sign(model, signature)
    write_tree(model, {"new": b"", "d/new": b""})
    assert verify(model, signature) == "files OMS-8.5-01"
    verdict = verify(model, signature, unsigned=True)
    assert verdict == "accepted"
    assert verdict.report is not None
    assert (verdict.report.unsigned, verdict.report.not_covered) == (["d/new", "new"], [])
    (model / "a").write_bytes(b"2")
    assert verify(model, signature, unsigned=True) == "digest OMS-8.4-01"
    (model / "a").unlink()
    assert verify(model, signature, unsigned=True) == "files OMS-8.4-01"


NOT_GIT = (".gitmodules", "d/.git/x", "d/.gitignore", ".gitx", ".Git/x", "x.gitignore", "d/new/new")


@pytest.mark.parametrize("name", NOT_GIT)
def test_every_extra_file_counts(model: Path, signature: Path, name: str) -> None:
    sign(model, signature)
    write_tree(model, {name: b""})
    verdict = verify(model, signature)
    assert (verdict, culprit(verdict)) == ("files OMS-8.5-01", name)


def test_directories_are_no_files(model: Path, signature: Path) -> None:
    sign(model, signature)
    (model / "empty" / "dir").mkdir(parents=True)
    assert verify(model, signature) == "accepted"
    (model / "a").unlink()
    (model / "a").mkdir()
    assert verify(model, signature) == "files OMS-8.4-01"


def test_a_file_where_a_directory_was(model: Path, signature: Path) -> None:
    write_tree(model, {"d/e/y": b"3"})
    sign(model, signature)
    (model / "d/e/y").unlink()
    (model / "d/e").rmdir()
    (model / "d/e").write_bytes(b"3")
    verdict = verify(model, signature)
    assert verdict.error is not None
    assert verdict.error.findings[1:3] == (["d/e/y"], ["d/e"])


def test_an_unlisted_file_is_never_hashed(model: Path, signature: Path) -> None:
    sign(model, signature)
    with (model / "huge").open("wb") as file:
        file.truncate(4 << 40)
    hashed: list[int] = []
    plan = hashing.Config().set_progress(hashed.append).plan
    assert verify(model, signature, plan) == "files OMS-8.5-01"
    assert hashed == []
    assert verify(model, signature, plan, unsigned=True) == "accepted"
    assert hashed == [1, 1, 1]


def test_nothing_is_hashed_when_a_listed_file_has_another_size_in_shards(model: Path, signature: Path) -> None:
    sign(model, signature, Plan("shards", shard_size=10))
    with (model / "d/x").open("wb") as file:
        file.truncate(4 << 40)
    hashed: list[int] = []
    assert verify(model, signature, hashing.Config().set_progress(hashed.append).plan) == "digest OMS-8.4-01"
    assert hashed == []


def test_one_configuration_for_many_models(tmp_path: Path) -> None:
    one = write_tree(tmp_path / "one", {"a": b"1", "payload.py": b""})
    two = write_tree(tmp_path / "two", {"a": b"1"})
    sign(one, tmp_path / "1", Plan(ignored=("payload.py",)))
    sign(two, tmp_path / "2")
    config = verifying.Config().set_verifier(VERIFIER)
    assert config.verify(one, tmp_path / "1").not_covered == ["payload.py"]
    write_tree(two, {"payload.py": b""})
    with pytest.raises(ValueError, match=r"files: 'payload\.py' is not signed"):
        config.verify(two, tmp_path / "2")


def test_an_empty_model(tmp_path: Path, signature: Path) -> None:
    model = write_tree(tmp_path / "m", {".gitignore": b"1"})
    (model / "d").mkdir()
    assert "has no file to sign (OMS-6.1-03)" in sign_error(model, signature)
    sign(model, signature, Plan(ignore_git_paths=False))
    assert names(signature) == [".gitignore"]


# --- ignored paths -------------------------------------------------------------------------------------------

GIT = {".git/config": b"1", ".gitignore": b"2", ".gitattributes": b"3", ".github/x/y": b"4"}


def test_git_names_are_ignored_by_default(model: Path, signature: Path) -> None:
    write_tree(model, GIT)
    sign(model, signature)
    assert names(signature) == ["a", "d/e/y", "d/x"]
    verdict = verify(model, signature, Plan(ignore_git_paths=False))
    assert verdict == "accepted"
    assert verdict.report is not None
    assert verdict.report.not_covered == sorted(GIT)


def test_git_names_that_are_signed_are_checked(model: Path, signature: Path) -> None:
    write_tree(model, GIT)
    sign(model, signature, Plan(ignore_git_paths=False))
    assert names(signature) == sorted([*GIT, "a", "d/x", "d/e/y"])
    for plan in (Plan(), Plan(ignore_git_paths=False)):
        assert verify(model, signature, plan) == "accepted"
    (model / ".gitattributes").write_bytes(b"changed")
    verdict = verify(model, signature)
    assert (verdict, culprit(verdict)) == ("digest OMS-8.4-01", ".gitattributes")
    (model / ".gitattributes").unlink()
    assert verify(model, signature) == "files OMS-8.4-01"


def test_git_names_not_recorded_are_excused_by_default_only(model: Path, signature: Path) -> None:
    sign(model, signature, Plan(ignore_git_paths=False))
    write_tree(model, {".git/new": b""})
    assert verify(model, signature) == "accepted"
    assert verify(model, signature, Plan(ignore_git_paths=False)) == "files OMS-8.5-01"


def test_recorded_paths_are_excused_with_all_below(model: Path, signature: Path) -> None:
    sign(model, signature, Plan(ignored=("d", "not-there")))
    assert names(signature) == ["a"]
    write_tree(model, {"d/new/deep": b"", "not-there": b""})
    verdict = verify(model, signature)
    assert verdict.report is not None
    assert verdict.report.not_covered == ["d/e/y", "d/new/deep", "d/x", "not-there"]
    write_tree(model, {"dd": b""})
    assert verify(model, signature) == "files OMS-8.5-01"


def test_given_paths_excuse_extra_files_and_never_listed_ones(model: Path, signature: Path) -> None:
    sign(model, signature)
    write_tree(model, {"d/new": b""})
    given = Plan(ignored=("d",))
    assert verify(model, signature) == "files OMS-8.5-01"
    assert verify(model, signature, given) == "accepted"
    (model / "d/x").write_bytes(b"changed")
    verdict = verify(model, signature, given)
    assert (verdict, culprit(verdict)) == ("digest OMS-8.4-01", "d/x")
    (model / "d/x").unlink()
    verdict = verify(model, signature, given)
    assert (verdict, culprit(verdict)) == ("files OMS-8.4-01", "d/x")


def test_a_listed_file_below_a_recorded_path_is_checked(model: Path, signature: Path) -> None:
    resources = [resource("a", b"1"), resource("d/e/y", b"3"), resource("d/x", b"2")]
    signature.write_bytes(signed(statement(resources, ignore_paths=["d", "a"])))
    assert verify(model, signature) == "accepted"
    (model / "d/e/y").write_bytes(b"4")
    assert verify(model, signature) == "digest OMS-8.4-01"
    (model / "a").unlink()
    assert verify(model, signature) == "files OMS-8.4-01"


def test_paths_are_relative_to_the_model_or_absolute_inside_it(model: Path, signature: Path) -> None:
    write_tree(model, {"z": b""})
    sign(model, signature, Plan(ignored=(model / "d" / "e", "d/../a", b"./d//x/")))
    assert names(signature) == ["z"]


@pytest.mark.parametrize("path", ["..", "../x", "/", "/etc", "d/../../x"])
def test_a_path_outside_is_an_error(model: Path, signature: Path, path: str) -> None:
    assert "is not inside the model" in sign_error(model, signature, Plan(ignored=(path,)))
    sign(model, signature)
    with pytest.raises(OperationError, match="is not inside the model"):
        verify(model, signature, Plan(ignored=(path,)))


@pytest.mark.parametrize("path", ["", ".", "d/..", "./"])
def test_the_model_itself_is_no_path_to_ignore(model: Path, signature: Path, path: str) -> None:
    assert "is the model itself" in sign_error(model, signature, Plan(ignored=(path,)))


@pytest.mark.parametrize("path", ["x*", "d/?", "[a]", "a\\b", b"\xff"])
def test_a_path_that_can_not_be_recorded(model: Path, signature: Path, path: str | bytes) -> None:
    assert "the ignored path" in sign_error(model, signature, Plan(ignored=(path,)))
    sign(model, signature)
    assert verify(model, signature, Plan(ignored=(path,))) == "accepted"


# --- the signature file --------------------------------------------------------------------------------------


def test_the_signature_inside_the_model(model: Path) -> None:
    signature = model / "d" / "model.sig"
    sign(model, signature)
    first = signature.read_bytes()
    sign(model, signature)
    assert signature.read_bytes() == first
    manifest = verifying.verify_bundle(first, VERIFIER)
    assert [each.name for each in manifest.resources] == ["a", "d/e/y", "d/x"]
    assert manifest.serialization.ignore_paths == (".git", ".gitattributes", ".github", ".gitignore", "d/model.sig")
    verdict = verify(model, signature)
    assert verdict == "accepted"
    assert verdict.report is not None
    assert verdict.report.not_covered == []


def test_only_the_file_itself_is_excused(model: Path, tmp_path: Path) -> None:
    sign(model, tmp_path / "s")
    inside = model / "inside.sig"
    inside.write_bytes((tmp_path / "s").read_bytes())
    assert verify(model, inside) == "accepted"
    assert verify(model, tmp_path / "s") == "files OMS-8.5-01"
    os.link(inside, model / "hard-link")
    verdict = verify(model, inside)
    assert (verdict, culprit(verdict)) == ("files OMS-8.5-01", "hard-link")


def test_a_recorded_signature_name_is_excused_and_named(model: Path, tmp_path: Path) -> None:
    sign(model, model / "model.sig")
    (model / "model.sig").rename(tmp_path / "s")
    write_tree(model, {"model.sig": b"anything"})
    verdict = verify(model, tmp_path / "s")
    assert verdict.report is not None
    assert verdict.report.not_covered == ["model.sig"]


def test_the_signature_through_links(model: Path, tmp_path: Path) -> None:
    """Not recorded as ignored, so that it is excused by its resolved path alone."""
    sign(model, tmp_path / "s")
    (tmp_path / "s").rename(model / "model.sig")
    (tmp_path / "alias").symlink_to(model)
    (tmp_path / "link.sig").symlink_to(model / "model.sig")
    for signature in (tmp_path / "alias" / "model.sig", tmp_path / "link.sig", model / "d" / ".." / "model.sig"):
        assert verify(model, signature) == "accepted"
        assert verify(tmp_path / "alias", signature, FOLLOW) == "files REF-FILES-05"
    (tmp_path / "other.sig").write_bytes((model / "model.sig").read_bytes())
    verdict = verify(model, tmp_path / "other.sig")
    assert (verdict, culprit(verdict)) == ("files OMS-8.5-01", "model.sig")
    (model / "link.sig").symlink_to(tmp_path / "other.sig")
    (model / "model.sig").unlink()
    assert verify(model, model / "link.sig") == "accepted"


def test_a_signature_would_never_replace_the_model(tmp_path: Path) -> None:
    file = tmp_path / "w.bin"
    file.write_bytes(b"weights")
    (tmp_path / "link").symlink_to(file)
    for signature in (file, tmp_path / "link", tmp_path / "." / "w.bin"):
        with pytest.raises(OperationError, match="would replace the model"):
            signing.sign_model(file, signature, SIGNER)
    assert file.read_bytes() == b"weights"


# --- single files --------------------------------------------------------------------------------------------


def test_a_single_file(tmp_path: Path) -> None:
    write_tree(tmp_path / "m", {"w.bin": b"1", "other": b"2"})
    file = tmp_path / "m" / "w.bin"
    sign(file, tmp_path / "s")
    assert names(tmp_path / "s") == ["w.bin"]
    assert verify(file, tmp_path / "s") == "accepted"
    assert verify(tmp_path / "m", tmp_path / "s") == "files OMS-8.5-01"
    copy = tmp_path / "m" / "other"
    copy.write_bytes(b"1")
    assert verify(copy, tmp_path / "s") == "files OMS-8.4-01"
    sign(file, file.with_name("w.sig"))
    assert verify(file, file.with_name("w.sig")) == "accepted"


# --- links ---------------------------------------------------------------------------------------------------


def swap_for_link(path: Path, elsewhere: Path) -> None:
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


@pytest.mark.parametrize("name", ["a", "d"])
@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("allowed", [False, True])
def test_links_need_the_bundle_and_the_caller(
    model: Path, signature: Path, name: str, recorded: bool, allowed: bool
) -> None:
    """Contents and names are the same behind the link, so that nothing but the rule about links can refuse."""
    sign(model, signature, Plan(allow_symlinks=recorded))
    swap_for_link(model / name, model.parent / "elsewhere")
    verdict = verify(model, signature, Plan(allow_symlinks=allowed))
    if recorded and allowed:
        assert (verdict, verdict.notes) == ("accepted", ["link-outside"])
    else:
        clause = "REF-FILES-06" if recorded else "OMS-6.1.1-07"
        assert (verdict, culprit(verdict), verdict.notes) == (f"files {clause}", name, [])


def test_links_at_signing(model: Path, signature: Path) -> None:
    (model / "inner").symlink_to("d/x")
    (model / "dir").symlink_to("d")
    assert "is a symbolic link, and links are not allowed (OMS-6.1.1-02), and 1 more" in sign_error(model, signature)
    assert sign(model, signature, FOLLOW) == []
    assert names(signature) == ["a", "d/e/y", "d/x", "dir/e/y", "dir/x", "inner"]
    verdict = verify(model, signature, FOLLOW)
    assert (verdict, verdict.notes) == ("accepted", [])
    (model / "d/e/y").write_bytes(b"4")
    verdict = verify(model, signature, FOLLOW)
    assert verdict.error is not None
    assert verdict.error.findings.changed == ["d/e/y", "dir/e/y"]


def test_a_link_may_become_the_file(model: Path, signature: Path) -> None:
    (model / "inner").symlink_to("a")
    sign(model, signature, FOLLOW)
    (model / "inner").unlink()
    (model / "inner").write_bytes(b"1")
    assert verify(model, signature, FOLLOW) == "accepted"
    assert verify(model, signature) == "accepted"


def test_links_out_of_the_model_warn(model: Path, signature: Path, tmp_path: Path) -> None:
    outside = write_tree(tmp_path / "m-outside", {"f": b"1", "g/h": b"2"})
    (model / "file").symlink_to(outside / "f")
    (model / "folder").symlink_to("../m-outside/g")
    assert sign(model, signature, FOLLOW) == ["link-outside"] * 2
    assert names(signature) == ["a", "d/e/y", "d/x", "file", "folder/h"]
    verdict = verify(model, signature, FOLLOW)
    assert (verdict, verdict.notes) == ("accepted", ["link-outside"] * 2)


LINKS: dict[str, tuple[str, str, str]] = {
    "to itself": ("l", "l", "REF-FILES-04"),
    "to nothing": ("l", "nowhere", "REF-FILES-04"),
    "through a file": ("l", "a/b", "REF-FILES-04"),
    "to its directory": ("l", ".", "REF-FILES-03"),
    "to its directory, below": ("d/l", ".", "REF-FILES-03"),
    "to the one above": ("d/e/l", "..", "REF-FILES-03"),
    "to the root": ("d/e/l", "../..", "REF-FILES-03"),
    "to a special file": ("l", "/dev/null", "REF-FILES-01"),
    "with a bad name": ("l\\", "a", "REF-NAMES-02"),
}


@pytest.mark.parametrize("case", LINKS)
def test_links_that_are_refused_though_links_are_allowed(model: Path, signature: Path, case: str) -> None:
    name, target, clause = LINKS[case]
    sign(model, signature, FOLLOW)
    (model / name).symlink_to(target)
    assert f"({clause})" in sign_error(model, signature, FOLLOW)
    verdict = verify(model, signature, FOLLOW)
    assert (verdict, culprit(verdict)) == (f"files {clause}", name)
    verdict = verify(model, signature)
    assert verdict == ("files REF-NAMES-02" if "\\" in name else "files REF-FILES-06")
    assert verify(model, signature, FOLLOW, unsigned=True) == "accepted"
    assert verify(model, signature, FOLLOW._replace(ignored=(name,))) == "accepted"


def test_a_cycle_of_two(model: Path, signature: Path) -> None:
    write_tree(model, {"b/z": b""})
    (model / "d/to-b").symlink_to("../b")
    (model / "b/to-d").symlink_to("../d")
    assert "is a symbolic link to a directory above it (REF-FILES-03)" in sign_error(model, signature, FOLLOW)


def test_one_directory_by_two_ways_is_no_cycle(model: Path, signature: Path) -> None:
    (model / "d2").symlink_to("d")
    (model / "d3").symlink_to("d2")
    sign(model, signature, FOLLOW)
    assert names(signature) == ["a", "d/e/y", "d/x", "d2/e/y", "d2/x", "d3/e/y", "d3/x"]


@pytest.mark.parametrize("leaf", [False, True], ids=["empty", "with a file"])
def test_links_that_unfold_without_end(
    model: Path, signature: Path, leaf: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2^12 directories from 24 links: bounded, whether or not there is a file in them."""
    sign(model, signature, FOLLOW)
    for depth in range(12):
        level = model / "deep" / str(depth)
        level.mkdir(parents=True)
        for name in "ab":
            (level / name).symlink_to(f"../{depth + 1}")
    (model / "deep" / "12").mkdir()
    if leaf:
        (model / "deep" / "12" / "f").touch()
    monkeypatch.setattr(tree, "MAX_ENTRIES", 1000)
    assert "has more than 1000 files and directories" in sign_error(model, signature, FOLLOW)
    with pytest.raises(OperationError, match="has more than 1000 files"):
        verify(model, signature, FOLLOW)


def test_the_bound_counts_files_too(model: Path, signature: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MAX_ENTRIES", 5)
    sign(model, signature)
    write_tree(model, {"new": b""})
    assert "has more than 5 files" in sign_error(model, signature)


def test_a_listed_file_behind_a_link_is_refused_even_with_unsigned_files(model: Path, signature: Path) -> None:
    sign(model, signature)
    swap_for_link(model / "d", model.parent / "elsewhere")
    for plan in (Plan(), Plan(ignored=("d",))):
        verdict = verify(model, signature, plan, unsigned=True)
        assert (verdict, culprit(verdict)) == ("files OMS-6.1.1-07", "d")


def test_an_ignored_or_unsigned_link_is_excused(model: Path, signature: Path) -> None:
    sign(model, signature)
    (model / "link").symlink_to("/etc")
    assert verify(model, signature) == "files REF-FILES-07"
    assert verify(model, signature, unsigned=True) == "accepted"
    verdict = verify(model, signature, Plan(ignored=("link",)))
    assert verdict == "accepted"
    sign(model, signature, Plan(ignored=("link",)))
    assert verify(model, signature) == "accepted"


# --- the root ------------------------------------------------------------------------------------------------


def test_a_root_that_is_a_link(model: Path, signature: Path, tmp_path: Path) -> None:
    sign(model, signature, FOLLOW)
    link = tmp_path / "link"
    link.symlink_to(model)
    for given in (link, f"{link}/", f"{link}//"):
        assert "is a symbolic link, and links are not allowed (REF-FILES-05)" in sign_error(given, signature)  # type: ignore[arg-type]
        assert verify(given, signature) == "files REF-FILES-05"  # type: ignore[arg-type]
        assert verify(given, signature, FOLLOW) == "accepted"  # type: ignore[arg-type]
    file_link = tmp_path / "file-link"
    file_link.symlink_to(model / "a")
    assert "REF-FILES-05" in sign_error(file_link, signature)
    sign(file_link, signature, FOLLOW)
    assert names(signature) == ["file-link"]
    assert verify(file_link, signature, FOLLOW) == "accepted"


def test_a_parent_of_the_root_may_be_a_link(model: Path, signature: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    sign(tmp_path / "link" / "m", signature)
    assert verify(tmp_path / "link" / "m", signature) == "accepted"


def test_roots_that_are_no_model(model: Path, signature: Path, tmp_path: Path) -> None:
    sign(model, signature)
    os.mkfifo(tmp_path / "fifo")
    assert "is neither a file nor a directory (REF-FILES-01)" in sign_error(tmp_path / "fifo", signature)
    assert verify(tmp_path / "fifo", signature) == "files REF-FILES-01"
    with pytest.raises(FileNotFoundError):
        verify(tmp_path / "nothing", signature)
    with pytest.raises(FileNotFoundError):
        sign(tmp_path / "nothing", signature)


def test_the_root_in_every_spelling(model: Path, signature: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sign(model, signature)
    monkeypatch.chdir(model)
    for given in (".", "./", "../m", "../m/", os.fsencode(model), f"{model}/d/.."):
        assert verify(given, signature) == "accepted"  # type: ignore[arg-type]


# --- special and unreadable entries --------------------------------------------------------------------------


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(path.parent, os.O_RDONLY)
        try:
            server.bind(f"/proc/self/fd/{here}/{path.name}")
        finally:
            os.close(here)


@pytest.mark.parametrize("make", [make_fifo, make_socket])
def test_special_files(model: Path, signature: Path, make: Callable[[Path], None]) -> None:
    sign(model, signature)
    make(model / "special")
    assert "is neither a file nor a directory (REF-FILES-01)" in sign_error(model, signature)
    verdict = verify(model, signature)
    assert (verdict, culprit(verdict)) == ("files REF-FILES-01", "special")
    assert verify(model, signature, unsigned=True) == "accepted"
    ignored = Plan(ignored=("special",))
    assert verify(model, signature, ignored) == "accepted"
    sign(model, signature, ignored)
    assert verify(model, signature) == "accepted"


@pytest.mark.parametrize("unsigned", [False, True])
def test_a_listed_file_that_became_special(model: Path, signature: Path, unsigned: bool) -> None:
    sign(model, signature)
    (model / "a").unlink()
    os.mkfifo(model / "a")
    verdict = verify(model, signature, unsigned=unsigned)
    assert (verdict, culprit(verdict)) == ("files REF-FILES-01", "a")
    assert verify(model, signature, Plan(ignored=("a",))) == "files REF-FILES-01"


@pytest.mark.parametrize("follow", [False, True], ids=["no links", "links"])
@pytest.mark.parametrize("mode", [0o000, 0o444, 0o111], ids=["closed", "listed only", "entered only"])
def test_an_unreadable_directory(follow: bool, mode: int) -> None:
    """Never skipped in silence: it could hide files that are not signed."""
    plan = Plan(allow_symlinks=follow)
    with open_folder() as folder:
        model = write_tree(folder / "m", {"a": b"1", "d/e/y": b"3", "hidden/sub/x": b"2"})
        signature = folder / "s"
        sign(model, signature, plan._replace(ignored=("hidden",)))
        signature.chmod(0o644)
        (model / "hidden").chmod(mode)
        with unprivileged():
            assert verify(model, signature, plan) == "accepted"
        (model / "hidden").chmod(0o755)
        sign(model, signature, plan)
        (model / "hidden").chmod(mode)
        with unprivileged():
            verdict = verify(model, signature, plan)
            assert verdict == "files REF-FILES-02"
            assert (culprit(verdict) or "").startswith("hidden")
            assert verify(model, signature, plan, unsigned=True) == "files REF-FILES-02"
            assert verify(model, signature, plan._replace(ignored=("hidden",))) == "files REF-FILES-02"
            with pytest.raises(OperationError, match=r"'hidden.* can't be read: Permission denied"):
                hashing.hash_model(model, plan)
        (model / "hidden").chmod(0o755)


def test_an_unreadable_directory_that_nothing_listed_is_in() -> None:
    with open_folder() as folder:
        model, signature = write_tree(folder / "m", {"a": b"1"}), folder / "s"
        sign(model, signature)
        signature.chmod(0o644)
        (model / "new").mkdir(mode=0)
        with unprivileged():
            assert verify(model, signature) == "files REF-FILES-02"
            assert verify(model, signature, unsigned=True) == "accepted"
            assert verify(model, signature, Plan(ignored=("new",))) == "accepted"


def test_an_unreadable_file() -> None:
    with open_folder() as folder:
        model, signature = write_tree(folder / "m", {"a": b"1", "b": b"2"}), folder / "s"
        for plan in (Plan(), Plan("shards", shard_size=10)):
            sign(model, signature, plan)
            signature.chmod(0o644)
            (model / "b").chmod(0)
            with unprivileged():
                verdict = verify(model, signature)
                assert (verdict, culprit(verdict)) == ("files REF-FILES-02", "b")
                with pytest.raises(OperationError, match="'b' can't be read: Permission denied"):
                    hashing.hash_model(model, plan)
            (model / "b").chmod(0o644)


@pytest.mark.parametrize("follow", [False, True])
def test_an_unreadable_root(follow: bool) -> None:
    with open_folder() as folder:
        model, signature = write_tree(folder / "m", {"a": b"1"}), folder / "s"
        sign(model, signature, Plan(allow_symlinks=follow))
        signature.chmod(0o644)
        model.chmod(0o111)
        with unprivileged():
            if follow:
                verdict = verify(model, signature, FOLLOW, unsigned=True)
                assert (verdict, culprit(verdict)) == ("files REF-FILES-02", ".")
            else:
                with pytest.raises(PermissionError):
                    verify(model, signature)
        model.chmod(0o755)


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_too_few_resources_are_no_verdict(
    model: Path, signature: Path, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(model, signature)
    real = os.open

    def fail_below(path: Any, *rest: Any, **named: Any) -> int:
        if path == "x":
            raise OSError(code, "too few")
        return real(path, *rest, **named)

    monkeypatch.setattr(os, "open", fail_below)
    with pytest.raises(OSError, match="too few"):
        verify(model, signature)


def test_an_error_of_the_disk_names_the_file(model: Path, signature: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sign(model, signature)
    real = os.read

    def fail(fd: int, count: int) -> bytes:
        if stat.S_ISREG(os.fstat(fd).st_mode) and os.fstat(fd).st_ino == (model / "d/x").stat().st_ino:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(fd, count)

    monkeypatch.setattr(os, "read", fail)
    verdict = verify(model, signature)
    assert (verdict, culprit(verdict)) == ("files REF-FILES-02", "d/x")
    assert verdict.error is not None
    assert verdict.error.detail == "'d/x' can't be read: Input/output error"


# --- swapped between walk and read ---------------------------------------------------------------------------


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The inodes of everything that is opened from here on."""
    inodes: set[int] = set()
    real = os.open

    def record(*given: Any, **named: Any) -> int:
        fd = real(*given, **named)
        inodes.add(os.fstat(fd).st_ino)
        return fd

    monkeypatch.setattr(os, "open", record)
    return inodes


def become_link(path: Path, target: Path) -> None:
    path.unlink()
    path.symlink_to(target)


def become_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def after_walk(monkeypatch: pytest.MonkeyPatch, swap: Callable[[], object]) -> None:
    real = tree.walk

    def walk_then_swap(*given: Any, **named: Any) -> tree.Tree:
        found = real(*given, **named)
        swap()
        return found

    monkeypatch.setattr(tree, "walk", walk_then_swap)


def test_a_directory_swapped_for_a_link_after_the_walk(
    model: Path, signature: Path, tmp_path: Path, opened: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The contents outside are those that were signed; that they are not opened shows all the same."""
    outside = write_tree(tmp_path / "outside", {"x": b"2", "e/y": b"3"})
    sign(model, signature)

    def swap() -> None:
        (model / "d").rename(tmp_path / "old")
        (model / "d").symlink_to(outside)

    after_walk(monkeypatch, swap)
    verdict = verify(model, signature)
    assert verdict == "files REF-FILES-02"
    assert verdict.error is not None
    assert verdict.error.findings.refused == ["d/e/y", "d/x"]
    assert (model / "a").stat().st_ino in opened
    assert not opened & {path.stat().st_ino for path in (outside, outside / "x", outside / "e", outside / "e/y")}


def test_a_directory_swapped_for_a_link_during_the_walk(
    model: Path, signature: Path, tmp_path: Path, opened: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = write_tree(tmp_path / "outside", {"x": b"2", "e/y": b"3"})
    sign(model, signature)
    real = tree.open_directory

    def swap_then_open(root: int, name: str) -> int:
        if name == "d" and not (model / "d").is_symlink():
            (model / "d").rename(tmp_path / "old")
            (model / "d").symlink_to(outside)
        return real(root, name)

    monkeypatch.setattr(tree, "open_directory", swap_then_open)
    assert verify(model, signature) == "files REF-FILES-02"
    assert not opened & {path.stat().st_ino for path in (outside, outside / "x", outside / "e", outside / "e/y")}


def test_a_file_swapped_after_the_walk(
    model: Path, signature: Path, tmp_path: Path, opened: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"1")
    sign(model, signature)
    after_walk(monkeypatch, lambda: become_link(model / "a", outside))
    verdict = verify(model, signature)
    assert (verdict, culprit(verdict)) == ("files OMS-6.1.1-07", "a")
    assert outside.stat().st_ino not in opened


@pytest.mark.parametrize("method", ["files", "shards"])
def test_a_file_that_becomes_a_fifo_after_the_walk(
    model: Path, signature: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened without waiting for a writer, and then refused."""
    sign(model, signature, Plan(method, shard_size=10 if method == "shards" else None))
    after_walk(monkeypatch, lambda: become_fifo(model / "a"))
    verdict = verify(model, signature)
    assert culprit(verdict) == "a"
    assert verdict == {"files": "files REF-FILES-01", "shards": "digest OMS-8.4-01"}[method]


def test_a_file_that_vanishes_after_the_walk(model: Path, signature: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sign(model, signature)
    after_walk(monkeypatch, (model / "a").unlink)
    verdict = verify(model, signature)
    assert (verdict, culprit(verdict)) == ("files REF-FILES-02", "a")
    (model / "a").touch()
    with pytest.raises(OperationError, match=r"'a' can't be read: No such file or directory \(REF-FILES-02\)"):
        hashing.hash_model(model)


@pytest.mark.parametrize("plan", [Plan(), Plan("shards", shard_size=2)], ids=["files", "shards"])
def test_without_openat(model: Path, signature: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "HAS_OPENAT", False)
    sign(model, signature, plan)
    assert verify(model, signature) == "accepted"
    (model / "d/x").write_bytes(b"9")
    assert verify(model, signature) == "digest OMS-8.4-01"
    (model / "link").symlink_to("a")
    assert verify(model, signature) == "files REF-FILES-07"
    (model / "link").unlink()
    after_walk(monkeypatch, lambda: become_link(model / "a", Path("d/x")))
    assert verify(model, signature) == "files OMS-6.1.1-07"


def test_many_unsigned_links_beside_many_signed_files(tmp_path: Path) -> None:
    """Each is looked up, not compared with all the others: 4,000 of both would take 16 million steps."""
    listed = {f"{number % 20}/{number}" for number in range(4000)}

    class Counted(str):
        compared = 0

        def startswith(self, *given: Any) -> bool:
            Counted.compared += 1
            return super().startswith(*given)

    pieces = [manifest.Piece(Counted(name)) for name in listed]
    links = [tree.Problem(f"{number % 20}/link-{number}", "is a link", "x") for number in range(4000)]
    signed_manifest = verifying.verify_bundle(signed(statement()), VERIFIER)
    found = tree.Tree(sorted(listed), [], links)
    root = tree.Root("", None, "", False)
    report = verifying.compare_names(root, signed_manifest, pieces, found, True, hashing.ignore_note)
    assert (len(report.unsigned), Counted.compared) == (4000, 0)


def test_what_is_excused_is_listed(model: Path, signature: Path) -> None:
    """Links, special files and odd names too, not only regular files."""
    sign(model, signature)
    write_tree(model, {".git/x": b"", "new": b""})
    (model / ".git" / "link").symlink_to("x")
    (model / "link").symlink_to("a")
    os.mkfifo(model / "fifo")
    verdict = verify(model, signature, unsigned=True)
    assert verdict.report is not None
    assert verdict.report.not_covered == [".git/link", ".git/x"]
    assert verdict.report.unsigned == ["fifo", "link", "new"]


def test_paths_longer_than_the_system_takes(model: Path, signature: Path) -> None:
    """Each directory is opened from the one above."""
    sign(model, signature)
    part = "d" * 200
    here = os.open(model, os.O_RDONLY)
    for _ in range(30):
        os.mkdir(part, dir_fd=here)
        below = os.open(part, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("deep", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    verdict = verify(model, signature)
    assert (verdict, culprit(verdict)) == ("files OMS-8.5-01", f"{part}/" * 30 + "deep")
    sign(model, signature)
    assert names(signature)[1:3] == ["d/e/y", "d/x"]
    assert verify(model, signature) == "accepted"
    assert "can't be read: File name too long" in sign_error(model, signature, FOLLOW)


def test_only_the_named_files_and_never_less(model: Path) -> None:
    config = hashing.Config()
    assert [each.name for each in config.hash(model, files_to_hash=[model / "d" / "x", model / "a"]).resources] == [
        "a",
        "d/x",
    ]
    for absent in ("b", "d", "d/x/y", ".gitignore"):
        with pytest.raises(OperationError, match=f"{absent!r} is not among the files of the model"):
            config.hash(model, files_to_hash=[model / "a", model / absent])
    (model / "d" / "link").symlink_to("x")
    assert [each.name for each in config.hash(model, files_to_hash=[model / "d/x"]).resources] == ["d/x"]
    with pytest.raises(OperationError, match="'d/link' is a symbolic link"):
        config.hash(model, files_to_hash=[model / "a", model / "d/link"])
    swap_for_link(model / "d", model.parent / "elsewhere")
    with pytest.raises(OperationError, match="'d' is a symbolic link"):
        config.hash(model, files_to_hash=[model / "d/x", model / "a"])


def test_a_path_in_every_spelling(tmp_path: Path) -> None:
    """The model and what is in it, each by its own name and by that of a link to the model."""
    real, alias = tmp_path / "real", tmp_path / "alias"
    (real / "sub").mkdir(parents=True)
    (real / "out").symlink_to(tmp_path)
    alias.symlink_to(real)
    for model in (real, alias):
        for path in (real, alias):
            assert paths.name_inside(str(model), str(path / "sub" / "x")) == "sub/x"
        assert paths.name_inside(str(model), str(model)) == ""
        assert paths.name_inside(str(model), str(tmp_path / "a")) is None
    assert paths.name_inside(str(real), str(real / "out" / "x")) == "out/x"
    assert paths.signature_names(real, tmp_path / "alias" / "out") == {"out"}
    (tmp_path / "link").symlink_to(real / "sub" / "x")
    assert paths.signature_names(real, tmp_path / "link") == {"sub/x"}
    (real / "inside").symlink_to(tmp_path / "elsewhere")
    assert paths.signature_names(real, real / "inside") == {"inside"}


def test_the_root_of_the_system_and_a_file_in_this_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tree.open_root("/", follow=False) as root:
        assert root.path == "/"
    (tmp_path / "model.bin").write_bytes(b"one")
    monkeypatch.chdir(tmp_path)
    with tree.open_root("model.bin", follow=False) as root:
        assert (root.path, root.single) == (os.curdir, "model.bin")


def test_nothing_in_an_ignored_folder_matters_at_signing(model: Path, signature: Path) -> None:
    (model / "cache").mkdir()
    (model / "cache" / "link").symlink_to(model)
    manifest = hashing.hash_model(model, Plan(ignored=("cache",)))
    assert "cache/link" not in [resource.name for resource in manifest.resources]
    with pytest.raises(OperationError, match=r"OMS-6\.1\.1-02"):
        hashing.hash_model(model, Plan())
