"""Every vector of the corpus goes through `inspect` in all its forms: text, JSON, page, and what differs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Cli, Done, one_line
from test_inspect import SCHEMA, check_page

from conformance import case

VECTORS = {vector["id"]: vector for vector in case.load()}
LARGE = {"limits/huge-bundle"}  # refused by size before it is read


def forms(cli: Cli, path: Path, control: Path) -> Iterator[Done]:
    """Text with a page, all of it, what differs as text with a page, and as JSON with all of it."""
    yield cli("inspect", path, "--html", path.with_suffix(".html"))
    yield cli("inspect", path, "--all")
    yield cli("inspect", path, "--diff", control, "--all", "--html", path.with_suffix(".diff.html"))
    yield cli("inspect", path, "--json", "--all", "--diff", control)


@pytest.mark.parametrize("family", sorted({name.partition("/")[0] for name in VECTORS}))
def test_every_vector_in_every_form(cli: Cli, family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda fd: None)  # thousands of pages
    validator = pytest.importorskip("jsonschema").Draft202012Validator(SCHEMA)
    for name, vector in VECTORS.items():
        if not name.startswith(f"{family}/"):
            continue
        path, control = tmp_path / "model.sig", tmp_path / "control.sig"
        path.write_bytes(case.bundle_bytes(vector))
        control.write_bytes(case.bundle_bytes(VECTORS[vector["control"] or name]))
        done = list(forms(cli, path, control))
        if name in LARGE:
            assert {each.status for each in done} == {2}
            reason = "error: the bundle has more than 268435456 bytes (REF-BUNDLE-01)"
            assert {one_line(each.err) for each in done} == {reason}
            continue
        for each in done:
            assert each.status == 0, (name, each.err)
            assert all(line.isprintable() for line in (each.out + each.err).splitlines()), name
        validator.validate(done[-1].json)
        for suffix in (".html", ".diff.html"):
            check_page(path.with_suffix(suffix).read_text("utf-8"))
        assert "not verified" in done[0].out
        rows, fields = done[-1].json["resources"], done[-1].json["diff"]["fields"]
        assert len(rows["items"]) == rows["count"]
        if path.read_bytes() != control.read_bytes():
            diff = done[-1].json["diff"]
            changed = [diff[kind]["count"] for kind in ("added", "removed", "changed")]
            assert fields or any(changed), name
