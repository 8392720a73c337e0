"""Charts: the same picture for the same data, text that is there, nothing of a source's that acts."""

from __future__ import annotations

from typing import Literal
from xml.etree.ElementTree import fromstring

import pytest

from agent.digest.model import Chart, Series
from api.charts import HEIGHT, WIDTH, chart_png, chart_svg, has_fonts, pngs

Kind = Literal["bar", "line", "stacked"]
DAYS = tuple(f"2026-03-{d:02d}" for d in range(1, 15))


def chart(
    kind: Kind = "bar", values: tuple[float | None, ...] = tuple(map(float, range(14))), title: str = "Cost"
) -> Chart:
    return Chart(
        id="c",
        title=title,
        kind=kind,
        labels=DAYS[: len(values)],
        series=(Series(name="a", values=values), Series(name="b", values=values)),
    )


@pytest.mark.parametrize("kind", ["bar", "line", "stacked"])
def test_the_same_data_make_the_same_picture(kind: Kind) -> None:
    assert chart_svg(chart(kind)) == chart_svg(chart(kind))
    assert chart_png(chart(kind)) == chart_png(chart(kind))


def test_a_picture_is_twice_its_size_in_pixels_for_sharp_screens() -> None:
    png = chart_png(chart())
    assert png is not None
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")) == (2 * WIDTH, 2 * HEIGHT)


def test_what_is_written_is_there() -> None:
    assert has_fonts()
    assert chart_png(chart(title="Cost")) != chart_png(chart(title="Cast"))


def test_without_any_font_there_is_no_picture_rather_than_one_without_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.charts.has_fonts", lambda: False)
    assert pngs([chart()]) == {}


def test_a_title_of_a_source_is_text() -> None:
    svg = chart_svg(chart(title='<script>alert(1)</script> & "x"'))
    tree = fromstring(svg)
    assert not [e for e in tree.iter() if e.tag.endswith("script")]
    assert "alert(1)" in "".join(tree.itertext())


@pytest.mark.parametrize("values", [(0.0, 0.0), (5.0,), (None, 3.0), (-2.0, 4.0), (1e12, 1.0)])
def test_odd_values_can_be_drawn(values: tuple[float | None, ...]) -> None:
    kinds: tuple[Kind, ...] = ("bar", "line", "stacked")
    for kind in kinds:
        assert chart_png(chart(kind, values)) is not None


def test_nothing_is_loaded_from_elsewhere() -> None:
    svg = chart_svg(chart())
    assert "http" not in svg.replace("http://www.w3.org/", "").replace("http://pygal.org", "")
    assert "<script" not in svg
