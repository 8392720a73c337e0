"""Charts of a digest as SVG and PNG: pygal draws (https://www.pygal.org), resvg turns it into pixels.

The PNG's text needs a font of the system. Where a machine has none (a bare container), no PNG is made, and surfaces show the chart's words instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Protocol, cast

from agent.digest.model import Chart
from agent.evidence import inline

WIDTH = 760
HEIGHT = 300
_FONTS = "Helvetica, Arial, Liberation Sans, DejaVu Sans, Noto Sans, sans-serif"
_COLOURS = ("#2f6f9f", "#c4622d", "#4d8b57", "#8a5a9e", "#b8962e", "#5c6b73")
"""Apart from each other also for those who cannot tell red from green."""
_DAYS_LABELLED = 16
_NOT_DRAWN = re.compile(r"<script\b.*?</script>|<!--.*?-->", re.S)


class _Drawing(Protocol):
    x_labels: Sequence[str]

    def add(self, title: str, values: Sequence[float | None]) -> object: ...

    def render(self, is_unicode: bool = ...) -> str: ...


class _Make(Protocol):
    def __call__(self, **settings: object) -> _Drawing: ...


def chart_svg(chart: Chart) -> str:
    """The chart as a picture of 760 × 300 that needs nothing else. The same chart gives the same text."""
    pygal = import_module("pygal")
    style = cast("_Style", import_module("pygal.style").Style)(
        background="#ffffff",
        plot_background="#ffffff",
        foreground="#333333",
        foreground_strong="#1b1f23",
        foreground_subtle="#cfd5da",
        opacity=".9",
        opacity_hover=".9",
        transition="0s",
        colors=_COLOURS,
        font_family=_FONTS,
        label_font_size=12,
        major_label_font_size=12,
        title_font_size=16,
        legend_font_size=13,
        stroke_width=2.5,
        guide_stroke_color="#dde2e6",
        major_guide_stroke_color="#cfd5da",
        guide_stroke_dasharray="2,3",
        major_guide_stroke_dasharray="2,3",
    )
    make = cast("_Make", getattr(pygal, {"line": "Line", "bar": "Bar", "stacked": "StackedBar"}[chart.kind]))
    step = max(1, -(-len(chart.labels) // _DAYS_LABELLED))
    shown = [label if i % step == 0 else "" for i, label in enumerate(_short(chart.labels))]
    drawing = make(
        style=style,
        width=WIDTH,
        height=HEIGHT,
        title=inline(chart.title, 90),
        show_legend=len(chart.series) > 1,
        legend_at_bottom=True,
        x_label_rotation=0 if len(chart.labels) <= _DAYS_LABELLED // 2 else 30,
        show_minor_x_labels=True,
        truncate_label=-1,
        truncate_legend=24,
        show_y_guides=True,
        range=_range(chart),
        value_formatter=_figure,
        print_values=False,
        show_dots=len(chart.labels) <= 40,
        allow_interruptions=True,
        js=(),
        no_prefix=True,
        disable_xml_declaration=True,
        pretty_print=False,
        margin=12,
        spacing=8,
    )
    drawing.x_labels = shown
    for series in chart.series:
        drawing.add(inline(series.name, 40), series.values)
    # pygal leaves its settings for a script in the picture; a picture has none.
    return _NOT_DRAWN.sub("", drawing.render(is_unicode=True))


class _Style(Protocol):
    def __call__(self, **settings: object) -> object: ...


def chart_png(chart: Chart, zoom: float = 2.0) -> bytes | None:
    """The chart as PNG, twice the size for sharp screens; None where the machine has no font to write with."""
    return _png(chart_svg(chart), zoom) if has_fonts() else None


def pngs(charts: Sequence[Chart]) -> Mapping[str, bytes]:
    """PNGs by the chart's id, of those that could be made."""
    return {c.id: png for c in charts if (png := chart_png(c)) is not None}


@lru_cache(maxsize=1)
def has_fonts() -> bool:
    """Whether resvg finds a font: text that it cannot write it leaves out without a word."""
    page = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">{}</svg>'
    text = f'<text x="4" y="30" font-size="30" font-family="{_FONTS}">W</text>'
    return _png(page.format(text), 1.0) != _png(page.format(""), 1.0)


def _png(svg: str, zoom: float) -> bytes:
    import resvg_py

    return resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom, background="#ffffff", sans_serif_family=_sans())


@lru_cache(maxsize=1)
def _sans() -> str:
    """A sans-serif font that is there: resvg knows no aliases of the system, and falls back to any font, also one with serifs."""
    import resvg_py

    page = '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40"><text x="4" y="30" font-size="30" font-family="{}">Wg</text></svg>'
    nothing = resvg_py.svg_to_bytes(svg_string=page.format("No Such Font"), background="#ffffff")
    for name in ("Liberation Sans", "DejaVu Sans", "Noto Sans", "Arial", "Helvetica"):
        if resvg_py.svg_to_bytes(svg_string=page.format(name), background="#ffffff") != nothing:
            return name
    return "sans-serif"


def _range(chart: Chart) -> tuple[float, float] | None:
    """Bars begin at nothing: else a small change looks large."""
    values = [v for s in chart.series for v in s.values if v is not None]
    if chart.kind == "line" or not values:
        return None
    if chart.kind == "stacked":
        values = [sum(s.values[i] or 0 for s in chart.series if i < len(s.values)) for i in range(len(chart.labels))]
    return (min(0.0, *values), max(*values, 1e-9) * 1.05) if len(values) > 1 else (0.0, max(values[0], 1e-9) * 1.05)


def _figure(value: object) -> str:
    number = float(value) if isinstance(value, int | float) else 0.0
    return f"{number:,.0f}" if abs(number) >= 100 or number == int(number) else f"{number:,.2f}"


def _short(labels: Sequence[str]) -> list[str]:
    """Dates without their year: the title or the text around tells it."""
    dates = all(len(x) == 10 and x[4:5] == "-" for x in labels)
    return [x[5:] if dates else inline(x, 24) for x in labels]
