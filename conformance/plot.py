"""A plot of a benchmark's curves: seconds against files and against bytes, both in powers of ten."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, NamedTuple

from conformance import workloads

WIDTH, HEIGHT, LEFT, TOP = 420, 300, 60, 40  # of one panel, in pixels
COLOURS = ("#0b5fa5", "#b3480a", "#2f7d32", "#7a3b94", "#555555")
Points = list[tuple[float, float]]


class Panel(NamedTuple):
    """One plot: its title, the name of its x axis, and the points of each line."""

    title: str
    axis: str
    lines: dict[str, Points]


def page(results: list[dict[str, Any]]) -> str:
    """The plot as SVG: the curves over files and over bytes, to sign and to verify."""
    panels = [each for each in panels_of(results) if any(each.lines.values())]
    width, height = (LEFT + WIDTH) * 2, (TOP + HEIGHT + 60) * math.ceil(len(panels) / 2)
    names = dict.fromkeys(name for panel in panels for name in panel.lines)
    colours = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(names)}
    size = f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for number, panel in enumerate(panels):
        x, y = (number % 2) * (LEFT + WIDTH), number // 2 * (TOP + HEIGHT + 60)
        parts += [f'<g transform="translate({x + LEFT},{y + TOP})">', *drawn(panel, colours), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def panels_of(results: list[dict[str, Any]]) -> Iterator[Panel]:
    """What is plotted: workloads whose name says that they belong to a curve."""
    curve = [result for result in results if result["name"].startswith("curve")]
    many = [result for result in curve if result["files"] > 1]
    one = [result for result in curve if result["files"] == 1]
    for verb in ("sign", "verify"):
        yield Panel(f"{verb}: seconds against files", "files of 100 bytes", lines_of(many, "files", verb))
        yield Panel(f"{verb}: seconds against bytes", "bytes in one file", lines_of(one, "bytes", verb))


def lines_of(results: list[dict[str, Any]], axis: str, verb: str) -> dict[str, Points]:
    """The points of each adapter, and of the bare loop."""
    lines: dict[str, Points] = {}
    for result in results:
        for name, adapter in result["adapters"].items():
            if adapter.get(verb):
                middle = statistics.median(run["seconds"] for run in adapter[verb])
                lines.setdefault(name, []).append((result[axis], middle))
        for name, seconds in result["limits"].items():
            if name == workloads.BARE_LOOP:
                lines.setdefault("a bare loop", []).append((result[axis], statistics.median(seconds)))
    return lines


def drawn(panel: Panel, colours: Mapping[str, str]) -> Iterator[str]:
    """The elements of one panel, its upper left corner at 0, 0; `colours` are those of the lines."""
    points = [point for line in panel.lines.values() for point in line]
    xs, ys = scale([x for x, _ in points]), scale([y for _, y in points])
    yield f'<text x="0" y="-14" font-size="14" font-weight="bold">{escape(panel.title)}</text>'
    for power in range(xs[0], xs[1] + 1):
        at = place(10.0**power, xs, WIDTH - 40)
        yield f'<path d="M{at:.1f} 0V{HEIGHT}" stroke="#ddd"/>'
        yield f'<text x="{at:.1f}" y="{HEIGHT + 16}" text-anchor="middle">{label(power)}</text>'
    for power in range(ys[0], ys[1] + 1):
        at = HEIGHT - place(10.0**power, ys, HEIGHT)
        yield f'<path d="M0 {at:.1f}H{WIDTH - 40}" stroke="#ddd"/>'
        yield f'<text x="-6" y="{at + 4:.1f}" text-anchor="end">{label(power)}</text>'
    yield f'<text x="{(WIDTH - 40) / 2}" y="{HEIGHT + 34}" text-anchor="middle">{escape(panel.axis)}</text>'
    for number, (name, line) in enumerate(panel.lines.items()):
        path = " ".join(f"{place(x, xs, WIDTH - 40):.1f},{HEIGHT - place(y, ys, HEIGHT):.1f}" for x, y in line)
        yield f'<polyline points="{path}" fill="none" stroke="{colours[name]}" stroke-width="2"/>'
        yield f'<text x="8" y="{16 + 16 * number}" fill="{colours[name]}">{escape(name)}</text>'


def scale(values: list[float]) -> tuple[int, int]:
    """The powers of ten around the values."""
    return math.floor(math.log10(min(values))), math.ceil(math.log10(max(values) * 1.001))


def place(value: float, powers: tuple[int, int], length: int) -> float:
    """Where a value lies on an axis of `length` pixels."""
    return (math.log10(value) - powers[0]) / max(1, powers[1] - powers[0]) * length


def label(power: int) -> str:
    """A power of ten for people."""
    return f"{10**power:,}" if 0 <= power < 4 else f"{10.0**power:g}" if -4 < power < 0 else f"10^{power}"
