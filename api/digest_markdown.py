"""A digest as Markdown, for a wiki, a ticket or a repository. Text of sources is escaped (`agent.markdown`)."""

from __future__ import annotations

from collections.abc import Mapping

from agent.digest.model import Digest, Section
from agent.markdown import code, escaped, mark, marks, web_address
from agent.model import Citation
from api.digest_words import basis, days, figure, more, title, told, trend


def digest_markdown(digest: Digest, pictures: Mapping[str, str] | None = None) -> str:
    """Headline, measures, sections, citations; one line where nothing happened.

    Args:
        pictures: by the chart's id, where its picture is, relative to the document; a chart without one is told in words.
    """
    cited = {c.id: c for c in digest.citations}
    if digest.quiet:
        return f"**{escaped(title(digest), 200)}, {days(digest)}:** {escaped(digest.headline, 400)}\n"
    lines = [f"# {escaped(title(digest), 200)}, {days(digest)}", "", f"**{escaped(digest.headline, 600)}**"]
    lines += [line for note in digest.notes for line in ("", f"> {escaped(note, 400)}")]
    if digest.measures:
        lines += ["", "| measure | | before | how |", "|---|---|---|---|"]
        for m in digest.measures:
            before = trend(m).partition(": ")[2]
            lines.append(
                f"| {escaped(m.title)} | **{escaped(figure(m))}** | {escaped(before)} | {escaped(basis(m), 600)}{marks(m.citations[:3], cited)} |"
            )
    for section in told(digest):
        lines += ["", *_section(section, cited, pictures or {})]
    if digest.citations:
        lines += ["", "## Citations", ""]
    for c in digest.citations:
        url = web_address(c.url)
        lines.append(f"- {mark(c.id, {})} {escaped(c.source, 60)}: {code(c.locator, 300)}{f' <{url}>' if url else ''}")
    return "\n".join(lines) + "\n"


def _section(section: Section, cited: Mapping[str, Citation], pictures: Mapping[str, str]) -> list[str]:
    lines = [f"## {escaped(section.title, 120)}", ""]
    if section.empty:
        return [*lines, escaped(section.empty, 400)]
    if section.summary:
        lines += [f"{escaped(section.summary, 400)}{marks(section.citations, cited)}", ""]
    for chart in section.charts:
        where = pictures.get(chart.id)
        lines += [f"![{escaped(chart.alt, 300)}](<{where}>)" if where else escaped(chart.alt, 300), ""]
    for item in section.items:
        strong = item.severity in ("critical", "high")
        text = escaped(item.text, 600)
        # The blank before a line break would make it one (two blanks); what follows is on a line of its own by indentation.
        lines.append(f"- {f'**{text}**' if strong else text}{marks(item.citations, cited)}")
        if item.detail:
            lines.append(f"  <br>{escaped(item.detail, 900)}")
    return [*lines, f"- … {more(section)}"] if section.more else lines
