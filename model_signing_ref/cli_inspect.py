"""The command line of `inspect`: the layers of a bundle as text, JSON or a page; never a verdict."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .cli import Arguments, Parser, Result, names_json
from .cli_options import add_output, positive
from .errors import BundleRejected, FilesRejected, OperationError, Warn, quote

if TYPE_CHECKING:
    from .inspection import Differences, Inspection, Layer, Total

WIDTH = 26  # of the names of fields


def add_options(parser: Parser) -> None:
    """The options of `inspect`."""
    from .inspection import SHOWN

    add_output(parser, run_inspect)
    parser.add_argument("--html", metavar="FILE", help="write a page with everything on it, which needs no other file")
    parser.add_argument("--all", action="store_true", help="show every resource")
    parser.add_argument(
        "--first", metavar="N", type=positive, default=SHOWN, help=f"resources shown (default: {SHOWN})"
    )
    parser.add_argument("--model", metavar="PATH", help="the model at hand: tell how large the listed files are in it")
    parser.add_argument("--diff", metavar="OTHER", help="tell how another bundle differs from this one")
    parser.add_argument("--max-bundle-bytes", metavar="BYTES", type=positive, help="refuse a larger file")
    parser.add_argument("bundle", metavar="BUNDLE", help="a signature file, however broken")


def run_inspect(arguments: Arguments, warn: Warn) -> Result:
    """`inspect`."""
    from . import inspection

    found = inspection.inspect_bundle(_read(arguments.bundle, arguments))
    for note in found.notes:
        warn(note)
    total = _total(found, arguments.model)
    most = len(found.rows) if arguments.all else arguments.first
    differences = None
    if arguments.diff:
        found = found._replace(manifest=None)  # as large as the rows, which say it all
        differences = inspection.compare(found, inspection.inspect_bundle(_read(arguments.diff, arguments)))
    if arguments.html:
        from .inspection_html import page
        from .output import write_whole

        if any(_is_same(arguments.html, path) for path in (arguments.bundle, arguments.diff) if path):
            raise OperationError(f"the page would replace the bundle {quote(arguments.html)}")
        other = arguments.diff or ""
        write_whole(arguments.html, page(arguments.bundle, found, most, total, differences=differences, other=other))
    if arguments.json:
        return {"line": "", **_json(arguments, found, most, total, differences)}
    if arguments.quiet:
        return {"line": ""}
    lines = diff_lines(arguments, differences) if differences else text_lines(arguments.bundle, found, most, total)
    return {"line": "\n".join(lines)}


def _is_same(first: str, second: str) -> bool:
    """Whether two names stand for one file."""
    return os.path.exists(first) and os.path.samefile(first, second)


def _read(path: str, arguments: Arguments) -> bytes:
    from .bundle import MAX_BYTES
    from .verifying import read_bundle_file

    try:
        return read_bundle_file(path, arguments.max_bundle_bytes or MAX_BYTES)
    except BundleRejected as error:
        raise OperationError(f"{error.detail} ({error.clause})") from None


def _total(found: Inspection, model: str | None) -> Total | None:
    from .inspection import total_size

    try:
        return total_size(found, model) if model is not None else None
    except FilesRejected as error:
        raise OperationError(f"{error.detail} ({error.clause})") from None


# Text


def text_lines(path: str, found: Inspection, most: int, total: Total | None) -> Iterator[str]:
    """All that there is to say, for people."""
    from .inspection import NO_VERDICT

    yield f"{quote(os.path.basename(path))}: {NO_VERDICT}"
    if found.stops:
        yield f"readers stop here, and what follows is read leniently: {found.stops[0]}"
        for stop in found.stops[1:]:
            yield f"and here: {stop}"
    else:
        yield "readers come to the end of it"
    yield ""
    yield from _layer_lines(found.layer, 0)
    yield from _resource_lines(found, most, total)


def _layer_lines(layer: Layer, depth: int) -> Iterator[str]:
    from .inspection import escape, values

    indent = "  " * depth
    yield f"{indent}{layer.name}"
    for stop in layer.stops:
        yield f"{indent}  ! {stop}"
    for field in layer.fields:
        first, *others = values(field.value)
        label = escape(field.name)
        yield f"{indent}  {label:<{WIDTH}}  {first}{f'  [{field.clause}]' if field.clause else ''}"
        yield from (f"{indent}  {'':<{WIDTH}}  {other}" for other in others)
        if field.bytes:
            yield f"{indent}  {'':<{WIDTH}}  = {escape(field.bytes)}"
    for inner in layer.layers:
        yield from _layer_lines(inner, depth + 1)


def _resource_lines(found: Inspection, most: int, total: Total | None) -> Iterator[str]:
    from .inspection import escape, total_text

    if total is not None:
        yield f"\nin the model: {total_text(total)}"
    if found.rows:
        yield f"\nresources 1 to {min(most, len(found.rows))} of {len(found.rows)}"
        yield from (f"  {escape(row.algorithm)}:{escape(row.digest)}  {quote(row.name)}" for row in found.rows[:most])
    if len(found.rows) > most:
        yield f"  … {len(found.rows) - most} more (--all)"


def diff_lines(arguments: Arguments, differences: Differences) -> Iterator[str]:
    """What differs, for people."""
    from .inspection import escape, values

    first, second = (quote(os.path.basename(path)) for path in (arguments.bundle, arguments.diff))
    yield f"{first} (-) and {second} (+): compared, not verified"
    layer = ""
    for each in differences.fields:
        if each.layer != layer:
            layer = each.layer
            yield layer
        yield f"  {escape(each.field)}"
        for sign, value in (("-", each.before), ("+", each.after)):
            yield from (f"    {sign} {line}" for line in values(value) if value is not None)
    for sign, what, names in (
        ("+", "added", differences.added),
        ("-", "removed", differences.removed),
        ("~", "changed", differences.changed),
    ):
        most = len(names) if arguments.all else arguments.first
        yield from (f"{sign} {quote(name)}" for name in names[:most])
        if len(names) > most:
            yield f"{sign} … {len(names) - most} more {what} (--all)"
    counts = f"{len(differences.added)} added, {len(differences.removed)} removed, {len(differences.changed)} changed"
    yield f"{len(differences.fields)} fields differ; resources: {counts}"


# JSON


def _json(
    arguments: Arguments, found: Inspection, most: int, total: Total | None, differences: Differences | None
) -> Result:
    from .inspection import NO_VERDICT

    facts: Result = {"verdict": "none", "detail": NO_VERDICT, "bundle": arguments.bundle}
    facts["stops"] = [stop._asdict() for stop in found.stops]
    facts["layer"] = _layer_json(found.layer)
    facts["resources"] = {
        "count": len(found.rows),
        "items": [row._asdict() for row in found.rows[:most]],
        "in_model": total._asdict() if total else None,
    }
    facts["diff"] = None
    if differences:
        facts["diff"] = {
            "other": arguments.diff,
            "fields": [each._asdict() for each in differences.fields],
            **{name: names_json(getattr(differences, name)) for name in ("added", "removed", "changed")},
        }
    return facts


def _layer_json(layer: Layer) -> Result:
    return {
        "name": layer.name,
        "stops": [stop._asdict() for stop in layer.stops],
        "fields": [
            {"name": field.name, "value": field.value, "bytes": field.bytes or None, "clause": field.clause or None}
            for field in layer.fields
        ],
        "layers": [_layer_json(inner) for inner in layer.layers],
    }
