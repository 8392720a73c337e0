"""A digest on each surface: escaped, within its limits, complete, one line where nothing happened."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import cast

import msgspec
import pytest

from agent.digest.model import Chart, Digest, Item, Measure, Section, Series
from agent.model import Citation
from api.charts import pngs
from api.digest_html import digest_html
from api.digest_markdown import digest_markdown
from api.digest_slack import MAX_MESSAGE_CHARS, digest_fallback, digest_messages
from api.digest_text import digest_text
from api.digest_words import days

EVIL = (
    "</td><script>alert(1)</script> **bold** [x](https://evil.example) <!channel> <@U1> `code` |cell| @everyone & _it_"
)
CHART = Chart(
    id="cost-daily", title="Cost by day, USD", kind="bar", labels=("2026-03-02", "2026-03-03"), series=(Series(name="cost", values=(1.0, 2.0)),), alt="Cost <a> day",
)  # fmt: skip


def cited(number: int) -> tuple[Citation, ...]:
    return tuple(
        Citation(
            id=f"c{i}",
            source="git",
            locator=f"acme/infra@{i}:main.tf#L1",
            url=f"https://git.example/{i}" if i % 2 else None,
            observed_at="2026-03-09T00:00:00Z",
        )
        for i in range(1, number + 1)
    )


def made(lines: int = 2, text: str = EVIL) -> Digest:
    items = tuple(
        Item(text=f"{i} {text}", detail=f"Detail {i} {text}", severity="high", citations=(f"c{i}",))
        for i in range(1, lines + 1)
    )
    measure = Measure(
        name="mttr",
        title="Time to restore",
        value=0.75,
        unit="hours",
        previous=2.0,
        better="lower",
        how="Mean of all.",
        count=1,
        citations=("c1",),
    )
    unknown = Measure(
        name="lead_time", title="Lead time", value=None, unit="hours", how="Median.", why="nothing was deployed"
    )
    return Digest(
        period="weekly", since="2026-03-02T00:00:00Z", until="2026-03-09T00:00:00Z", headline=f"Headline {text}", organisation="acme",
        sections=(
            Section(name="cost", title="Cost", summary=f"Much {text}", items=items, charts=(CHART,), more=3),
            Section(name="drift", title="Drift", empty="No drift is known."),
        ),
        measures=(measure, unknown), notes=(f"Note {text}",), citations=cited(lines),
    )  # fmt: skip


QUIET = Digest(
    period="weekly",
    since="2026-03-02T00:00:00Z",
    until="2026-03-09T00:00:00Z",
    headline="Nothing changed.",
    quiet=True,
    sections=made().sections,
)


class Seen(HTMLParser):
    """Tags, texts and addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [v or "" for k, v in attrs if k in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def mrkdwn(value: object) -> list[str]:
    """The texts that Slack formats."""
    if isinstance(value, dict):
        found = cast("dict[str, object]", value)
        own = [str(found["text"])] if found.get("type") == "mrkdwn" else []
        return [*own, *(t for v in found.values() for t in mrkdwn(v))]
    return [t for v in cast("list[object]", value) for t in mrkdwn(v)] if isinstance(value, list) else []


def test_a_quiet_week_is_one_line_everywhere() -> None:
    assert digest_text(QUIET) == "Weekly digest, 2 to 8 March 2026: Nothing changed.\n"
    assert digest_markdown(QUIET) == "**Weekly digest, 2 to 8 March 2026:** Nothing changed.\n"
    assert "Drift" not in digest_html(QUIET)
    (blocks,) = digest_messages(QUIET)
    assert [b["type"] for b in blocks] == ["header", "section"]


def test_text_of_sources_is_no_markup_in_html() -> None:
    page = Seen()
    page.feed(digest_html(made(), {"cost-daily": b"png"}))
    assert "script" not in page.tags
    assert not any("evil" in link for link in page.links)
    assert any("<script>alert(1)</script>" in word for word in page.words)


def test_html_fetches_nothing_from_elsewhere() -> None:
    page = digest_html(made(), {"cost-daily": b"png"})
    assert re.findall(r'src="([^"]{0,30})', page) == ["data:image/png;base64,cG5n"]
    assert "url(" not in page
    assert "@import" not in page
    assert 'src="cid:cost-daily.png"' in digest_html(made(), {"cost-daily": "cid:cost-daily.png"})
    assert 'alt="Cost &lt;a&gt; day"' in page


def test_a_chart_without_a_picture_is_told_in_words() -> None:
    assert "<img" not in digest_html(made())
    assert "Cost &lt;a&gt; day" in digest_html(made())
    assert "Cost <a> day" in digest_text(made())


def test_text_of_sources_is_no_markup_in_markdown() -> None:
    text = digest_markdown(made())
    assert "\\*\\*bold\\*\\*" in text
    assert "\\[x\\](https\\://evil.example)" in text
    assert "<script>" not in text.replace("\\<script>", "")
    assert "@everyone" not in text
    assert "\\|cell\\|" in text
    assert "![Cost \\<a> day](<charts/c.png>)" in digest_markdown(made(), {"cost-daily": "charts/c.png"})


def test_text_of_sources_calls_nobody_and_links_nowhere_in_slack() -> None:
    told = "\n".join(mrkdwn(msgspec.to_builtins(digest_messages(made()))))
    assert "<!channel>" not in told
    assert "<@U1>" not in told
    assert "evil.example|" not in told
    assert "*bold*" not in told
    assert "<https://git.example/1|[c1]>" in told
    assert "<!channel>" not in digest_fallback(made())


@pytest.mark.parametrize("lines", [1, 12, 60, 200])
def test_slack_messages_keep_to_its_limits_and_lose_nothing(lines: int) -> None:
    messages = digest_messages(made(lines, "x" * 400))
    for blocks in messages:
        assert 1 <= len(blocks) <= 50
        texts = [str(b.get("text", {}).get("text", "")) for b in msgspec.to_builtins(blocks)]
        assert max(map(len, texts)) <= 3_000
        assert sum(map(len, texts)) <= MAX_MESSAGE_CHARS
    assert len(messages) == 1 if lines == 1 else len(messages) >= 1
    everything = json.dumps(msgspec.to_builtins(messages))
    assert all(f"Detail {i} " in everything for i in range(1, lines + 1))
    assert all(f"acme/infra@{i}:" in everything for i in range(1, lines + 1))


def test_each_measure_says_how_it_was_computed_and_why_not() -> None:
    for told in (
        digest_text(made()),
        digest_markdown(made()),
        digest_html(made()),
        json.dumps(msgspec.to_builtins(digest_messages(made()))),
    ):
        flat = re.sub(r"\s+", " ", told).replace("\\.", ".")
        assert "Mean of all. From 1." in flat
        assert "45 minutes" in flat
        assert "2.0 hours" in flat
        assert "othing was deployed. Median." in flat


def test_terminal_text_carries_no_control_characters() -> None:
    told = digest_text(made(text="evil \x1b[2J\u202e line\nbreak"))
    assert "\x1b" not in told
    assert "\u202e" not in told


def test_days_are_told_without_the_day_after_the_last() -> None:
    def told(since: str, until: str) -> str:
        return days(Digest(period="weekly", since=f"{since}T00:00:00Z", until=f"{until}T00:00:00Z", headline="h"))

    assert told("2026-02-23", "2026-03-02") == "23 February to 1 March 2026"
    assert told("2025-12-29", "2026-01-05") == "29 December 2025 to 4 January 2026"
    assert told("2026-03-02", "2026-03-03") == "2 March 2026"


def test_a_browser_shows_the_mail_dark_on_white(tmp_path: Path) -> None:
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium on this machine")
    page, shot = tmp_path / "mail.html", tmp_path / "mail.png"
    page.write_text(digest_html(made(), dict(pngs([CHART]))), encoding="utf-8")
    options = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--window-size=800,900",
        f"--user-data-dir={tmp_path}/profile",
    )
    subprocess.run(
        [browser, *options, f"--screenshot={shot}", page.as_uri()], check=True, capture_output=True, timeout=60
    )
    pillow = pytest.importorskip("PIL.Image")
    with pillow.open(shot) as opened:
        colours = opened.convert("L").getcolors(256)
    shares = {shade: count for count, shade in colours}
    assert shares[255] > 0.6 * 800 * 900
    assert sum(count for shade, count in shares.items() if shade < 100) > 1_000
