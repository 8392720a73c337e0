"""A digest as a mail in HTML: one file, styles inline, dark text on white, no scripts and nothing that is fetched from elsewhere.

Tables lay it out and styles stand at each element, since that is what mail programs understand (https://www.caniemail.com).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape

from agent.digest.model import Chart, Digest, Item, Measure, Section
from agent.evidence import inline
from agent.markdown import web_address
from agent.model import Citation
from api.digest_words import basis, days, figure, is_better, more, title, told, trend

_COLOURS = {"critical": "#a4161a", "high": "#b3541e", "medium": "#7a6000", "low": "#3d4f5c", "info": "#57636b"}
_NAMES = {"critical": "critical", "high": "high", "medium": "medium", "low": "", "info": ""}
_FONT = "font-family:Helvetica,Arial,'Liberation Sans','DejaVu Sans',sans-serif"
_TEXT = f"{_FONT};font-size:15px;line-height:1.45;color:#1b1f23"
_SMALL = f"{_FONT};font-size:13px;line-height:1.4;color:#4a545b"
_MEASURES_A_ROW = 3


def digest_html(
    digest: Digest, pictures: Mapping[str, str | bytes] | None = None, *, appendix: bool = True, note: str = ""
) -> str:
    """The mail's HTML.

    Args:
        pictures: by the chart's id: PNG bytes, which are put inside, or an address, `cid:cost.png`. A chart without one is told in words.
        appendix: whether it ends with how the measures were computed and what is cited.
        note: a sentence before it: that it comes late.
    """
    cited = {c.id: c for c in digest.citations}
    name = f"{escape(title(digest))}, {escape(days(digest))}"
    before = f'<p style="{_SMALL};margin:0 0 10px"><i>{_words(note, 400)}</i></p>\n' if note else ""
    if digest.quiet:
        body = f'<p style="{_TEXT};margin:0"><b>{name}:</b> {_words(digest.headline, 600)}</p>'
        return _page(name, before + body)
    parts = [
        f'<h1 style="{_FONT};font-size:22px;line-height:1.25;margin:0 0 4px;color:#1b1f23">{escape(title(digest))}</h1>',
        f'<p style="{_SMALL};margin:0 0 14px">{escape(days(digest))}</p>',
        f'<p style="{_FONT};font-size:17px;line-height:1.4;margin:0 0 16px;color:#1b1f23">{_words(digest.headline, 800)}</p>',
    ]
    parts += [f'<p style="{_SMALL};margin:0 0 10px"><i>{_words(n, 400)}</i></p>' for n in digest.notes]
    if digest.measures:
        parts.append(_measures(digest.measures))
    parts += [_section(s, cited, pictures or {}) for s in told(digest) if not s.empty]
    parts.append(_empty([s for s in told(digest) if s.empty]))
    if appendix and digest.measures:
        parts.append(_how(digest.measures, cited))
    if appendix and digest.citations:
        parts.append(_citations(digest.citations))
    return _page(name, before + "\n".join(parts))


def _page(name: str, body: str) -> str:
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light"><title>{name}</title></head>
<body style="margin:0;padding:0;background:#ffffff">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="background:#ffffff"><tr><td align="center" style="padding:20px 12px">
<table role="presentation" width="760" cellpadding="0" cellspacing="0" border="0" style="width:100%;max-width:760px"><tr><td align="left" style="{_TEXT}">
{body}
</td></tr></table></td></tr></table></body></html>
"""


def _measures(measures: tuple[Measure, ...]) -> str:
    rows: list[str] = []
    for i in range(0, len(measures), _MEASURES_A_ROW):
        cells = [_measure(m) for m in measures[i : i + _MEASURES_A_ROW]]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f'<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 8px">{"".join(rows)}</table>'


def _measure(measure: Measure) -> str:
    good = is_better(measure)
    colour = "#57636b" if good is None else "#2c6e3f" if good else "#a4161a"
    sign = "" if good is None else "better, " if good else "worse, "
    known = measure.value is not None
    under = f"{sign}{trend(measure)}" if trend(measure) else "" if known else measure.why
    return (
        f'<td width="33%" valign="top" style="{_TEXT};padding:10px 12px;border:1px solid #dde2e6">'
        f'<div style="{_SMALL}">{escape(measure.title)}</div>'
        f'<div style="{_FONT};font-size:{20 if known else 15}px;line-height:1.3;color:{"#1b1f23" if known else "#57636b"}">{escape(figure(measure))}</div>'
        f'<div style="{_FONT};font-size:12px;line-height:1.3;color:{colour}">{_words(under, 120)}</div></td>'
    )


def _section(section: Section, cited: Mapping[str, Citation], pictures: Mapping[str, str | bytes]) -> str:
    heading = f'<h2 style="{_FONT};font-size:17px;margin:22px 0 6px;padding:0 0 4px;border-bottom:1px solid #dde2e6;color:#1b1f23">{escape(section.title)}</h2>'
    parts = [heading]
    if section.summary:
        parts.append(
            f'<p style="{_TEXT};margin:0 0 8px">{_words(section.summary, 400)}{_marks(section.citations, cited)}</p>'
        )
    parts += [_chart(c, pictures.get(c.id)) for c in section.charts]
    rows = "".join(_item(i, cited) for i in section.items)
    if rows:
        parts.append(
            f'<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">{rows}</table>'
        )
    if section.more:
        parts.append(f'<p style="{_SMALL};margin:4px 0 0">… {escape(more(section))}</p>')
    return "\n".join(parts)


def _empty(sections: Sequence[Section]) -> str:
    """The parts that have nothing to tell, together at the end."""
    if not sections:
        return ""
    lines = "".join(
        f'<p style="{_SMALL};margin:0 0 2px"><b>{escape(s.title)}.</b> {_words(s.empty, 300)}</p>' for s in sections
    )
    return f'<h2 style="{_FONT};font-size:15px;margin:22px 0 6px;color:#1b1f23">Nothing to tell of</h2>{lines}'


def _item(item: Item, cited: Mapping[str, Citation]) -> str:
    colour = _COLOURS[item.severity]
    name = _NAMES[item.severity]
    badge = (
        f'<span style="{_FONT};font-size:11px;font-weight:bold;color:#ffffff;background:{colour};padding:1px 6px;border-radius:3px">{name}</span> '
        if name
        else ""
    )
    detail = f'<div style="{_SMALL}">{_words(item.detail, 900)}</div>' if item.detail else ""
    return (
        f'<tr><td style="{_TEXT};padding:5px 0 6px 10px;border-left:3px solid {colour}">'
        f"{badge}{_words(item.text, 600)}{_marks(item.citations, cited)}{detail}</td></tr>"
        '<tr><td style="height:5px;font-size:5px;line-height:5px">&nbsp;</td></tr>'
    )


def _chart(chart: Chart, picture: str | bytes | None) -> str:
    alt = _words(chart.alt, 300)
    if not picture:
        return f'<p style="{_SMALL};margin:0 0 8px">{alt}</p>'
    source = f"data:image/png;base64,{b64encode(picture).decode()}" if isinstance(picture, bytes) else escape(picture)
    return f'<img src="{source}" alt="{alt}" width="760" style="display:block;width:100%;max-width:760px;height:auto;margin:0 0 8px;border:0">'


def _how(measures: tuple[Measure, ...], cited: Mapping[str, Citation]) -> str:
    lines = "".join(
        f'<p style="{_SMALL};margin:0 0 4px"><b>{escape(m.title)}.</b> {_words(basis(m), 600)}{_marks(m.citations[:3], cited)}</p>'
        for m in measures
    )
    return (
        f'<h2 style="{_FONT};font-size:15px;margin:22px 0 6px;color:#1b1f23">How the measures were computed</h2>{lines}'
    )


def _citations(citations: tuple[Citation, ...]) -> str:
    lines = "".join(
        f'<div style="{_FONT};font-size:12px;line-height:1.4;color:#57636b;word-break:break-all">[{escape(c.id)}] {_words(c.source, 60)}: {_linked(c)}</div>'
        for c in citations
    )
    return f'<h2 style="{_FONT};font-size:15px;margin:22px 0 6px;color:#1b1f23">Citations</h2>{lines}'


def _linked(citation: Citation) -> str:
    url, shown = web_address(citation.url), _words(citation.locator, 300)
    return f'<a href="{escape(url)}" style="color:#1f5f8b">{shown}</a>' if url else shown


def _marks(ids: tuple[str, ...], cited: Mapping[str, Citation]) -> str:
    return "".join(f" {_mark(i, cited)}" for i in dict.fromkeys(ids))


def _mark(id_: str, cited: Mapping[str, Citation]) -> str:
    found = cited.get(id_)
    url = web_address(found.url) if found is not None else ""
    shown = f'<span style="font-size:11px;color:#57636b">[{escape(id_)}]</span>'
    return (
        f'<a href="{escape(url)}" style="font-size:11px;color:#1f5f8b;text-decoration:none">[{escape(id_)}]</a>'
        if url
        else shown
    )


def _words(text: str, limit: int) -> str:
    """Text of a source: in one line, as text and nothing else."""
    return escape(inline(text, limit))
