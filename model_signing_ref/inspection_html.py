"""The layers of a bundle as one page that needs no other file: no script, nothing loaded, every name escaped."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterable, Iterator

from .clauses import all_clauses
from .inspection import NO_VERDICT, Differences, Field, Inspection, Layer, Stop, Total, escape, total_text, values
from .strictjson import JSON

_STYLE = """
:root{color-scheme:light dark;--line:#c9ced6;--soft:#5b6472;--back:#fff;--ink:#16191d;--tint:#f4f6f9;--link:#0b57a4;
--bad:#a3261b;--badback:#fdf0ee;--odd:#7a5200;--oddback:#fdf6e3}
@media(prefers-color-scheme:dark){:root{--line:#3b424c;--soft:#9aa4b2;--back:#14171b;--ink:#e6e9ee;--tint:#1d2127;
--link:#7ab7ff;--bad:#ff9d92;--badback:#331a18;--odd:#f0c674;--oddback:#2d2614}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:1rem;background:var(--back);color:var(--ink);
font:15px/1.45 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.4rem;margin:.2rem 0}h2{font-size:1.1rem;margin:1.6rem 0 .4rem}
a{color:var(--link)}code,.v,.b{font:13px/1.45 ui-monospace,monospace;overflow-wrap:anywhere}
.b,.c{color:var(--soft)}.c{font-size:12px}
.box{border-left:4px solid var(--line);background:var(--tint);padding:.4rem .8rem;margin:.5rem 0}
.stop{border-color:var(--bad);background:var(--badback)}.odd{border-color:var(--odd);background:var(--oddback)}
.box b{color:var(--ink)}
details{border:1px solid var(--line);border-left-width:4px;border-radius:4px;margin:.6rem 0;padding:0 0 .2rem .7rem}
summary{cursor:pointer;font-weight:600;padding:.35rem 0}
dl{margin:0 .7rem .4rem 0}
.f{display:grid;grid-template-columns:13rem minmax(0,3fr) minmax(0,2fr) 9rem;gap:0 .9rem;padding:.22rem 0;
border-top:1px solid var(--line)}
dt{color:var(--soft)}dd{margin:0}dd div{min-height:1.2em}
.c{text-align:right}
ol{margin:.3rem 0;padding:0 .7rem 0 0;list-style:none}
ol li{border-top:1px solid var(--line);padding:.25rem 0}
.n{color:var(--soft);font-size:12px;margin-right:.5rem}.w{display:block}
.k dt{color:var(--ink);font-weight:600;margin-top:.7rem}.k dd:target,.k dt:target{background:var(--oddback)}
@media(max-width:44rem){body{padding:.6rem}.f{display:block}.c{text-align:left}
details{padding-left:.45rem;margin:.5rem 0 .5rem}details details{border-right:0;border-top-right-radius:0;
border-bottom-right-radius:0}dl{margin-right:.3rem}}
@media print{details{border-color:#999}}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(
    path: str,
    found: Inspection,
    most: int,
    total: Total | None = None,
    *,
    differences: Differences | None = None,
    other: str = "",
) -> bytes:
    """The whole page; `most` resources are listed, and what differs from the bundle `other`."""
    name = text(os.path.basename(path))
    body = [
        f"<h1>{name}</h1><p class=box>The layers of a model's signature, {NO_VERDICT}.</p>",
        *_stops(found.stops),
        *(f'<p class="box odd">{_said(note.detail)}</p>' for note in found.notes),
        *(_differences(differences, other, most) if differences else ()),
        "<h2>Layers</h2>",
        *_layer(found.layer),
        *_resources(found, most, total),
        *_clauses(found),
    ]
    head = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(escape(os.path.basename(path)))}: layers of a signature</title>"
        f"<style>{_STYLE}</style></head><body><main>\n"
    )
    return (head + "\n".join(body) + "\n</main></body></html>\n").encode("utf-8", "backslashreplace")


def text(foreign: str) -> str:
    """Text from elsewhere that stays where it is put: escaped, and of a direction of its own."""
    return f"<bdi>{html.escape(escape(foreign))}</bdi>"


def _said(detail: str) -> str:
    """What this program says; what it quotes is escaped already."""
    return f"<bdi>{html.escape(detail)}</bdi>" if detail.isprintable() else text(detail)


def _stops(stops: Iterable[Stop]) -> Iterator[str]:
    found = list(stops)
    if not found:
        yield "<p class=box>The readers of this program come to the end of it.</p>"
    for number, stop in enumerate(found):
        begin = "Readers stop here; what is below is read leniently" if number == 0 else "And here"
        yield f'<p class="box stop"><b>{begin}.</b> {text(stop.stage)}: {_said(stop.detail)} {_link(stop.clause)}</p>'


def _layer(layer: Layer) -> Iterator[str]:
    yield f"<details open><summary>{text(layer.name)}</summary>"
    for stop in layer.stops:
        yield f'<p class="box stop">{text(stop.stage)}: {_said(stop.detail)} {_link(stop.clause)}</p>'
    if layer.fields:
        yield "<dl>"
        yield from map(_field, layer.fields)
        yield "</dl>"
    for inner in layer.layers:
        yield from _layer(inner)
    yield "</details>"


def _field(field: Field) -> str:
    shown = "".join(f"<div><bdi>{html.escape(value)}</bdi></div>" for value in values(field.value))
    return (
        f"<div class=f><dt>{text(field.name)}</dt><dd class=v>{shown}</dd>"
        f"<dd class=b>{text(field.bytes) if field.bytes else ''}</dd><dd class=c>{_link(field.clause)}</dd></div>"
    )


def _link(clause: str) -> str:
    """The clause, linked to its text below."""
    if not clause:
        return ""
    shown = html.escape(clause)
    return f'<a href="#{shown}">{shown}</a>' if any(each.id == clause for each in all_clauses()) else shown


def _resources(found: Inspection, most: int, total: Total | None) -> Iterator[str]:
    if total is not None:
        yield f"<p class=box>In the model: {html.escape(total_text(total))}.</p>"
    if not found.rows:
        return
    shown = found.rows[:most]
    yield f"<h2>Resources</h2><details open><summary>{len(shown)} of {len(found.rows)}</summary><ol>"
    for number, row in enumerate(shown, 1):
        digest = text(f"{row.algorithm}:{row.digest}")
        name = text(row.name) if row.name else "(empty)"
        yield f"<li><span class=n>{number}</span><code>{name}</code> <span class='b w'>{digest}</span></li>"
    yield "</ol></details>"


def _differences(differences: Differences, other: str, most: int) -> Iterator[str]:
    yield f"<h2>What differs in {text(os.path.basename(other))}</h2><details open>"
    counts = ", ".join(f"{len(getattr(differences, name))} {name}" for name in ("added", "removed", "changed"))
    yield f"<summary>{len(differences.fields)} fields; resources: {counts}</summary><dl>"
    for each in differences.fields:
        before, after = _side("−", each.before), _side("+", each.after)
        yield f"<div class=f><dt>{text(each.field)}</dt>{before}{after}<dd class=c>{text(each.layer)}</dd></div>"
    yield "</dl><ol>"
    for sign, names in (("+", differences.added), ("−", differences.removed), ("~", differences.changed)):
        yield from (f"<li><code>{sign}&nbsp;{text(name)}</code></li>" for name in names[:most])
        if len(names) > most:
            yield f"<li>{sign} {len(names) - most} more</li>"
    yield "</ol></details>"


def _side(sign: str, value: JSON) -> str:
    """What a field holds in one of two bundles."""
    lines = ["(absent)"] if value is None else values(value)
    return f"<dd class=v>{''.join(f'<div>{sign}&nbsp;<bdi>{html.escape(line)}</bdi></div>' for line in lines)}</dd>"


def _clauses(found: Inspection) -> Iterator[str]:
    """The text of each clause that the page cites."""
    cited = {stop.clause for stop in found.stops} | set(_cited(found.layer))
    yield "<h2>Clauses</h2><dl class=k>"
    for each in all_clauses():
        if each.id in cited:
            yield (
                f'<dt id="{html.escape(each.id)}">{html.escape(each.id)}</dt>'
                f"<dd>{_code(html.escape(each.text))} <span class=c>({html.escape(each.section)})</span></dd>"
            )
    yield "</dl>"


def _code(escaped: str) -> str:
    """Text of ours with what stands in backquotes set as code."""
    return re.sub("`([^`]*)`", r"<code>\1</code>", escaped)


def _cited(layer: Layer) -> Iterator[str]:
    yield from (field.clause for field in layer.fields)
    yield from (stop.clause for stop in layer.stops)
    for inner in layer.layers:
        yield from _cited(inner)
