"""Draw the weekly digest of the bundled company for the README: `python -m examples.digest_picture OUT.png`.

The week of 18 May 2026, with the bill, an incident, and a rule that was let in by hand while it went on. The company exports its clouds'
inventory as of one day only, so the scan of that Wednesday is made of what a scan finds now and was so by then. The picture is the mail's HTML
as chromium shows it: four lines of a section, and without how the measures were computed and the list of citations.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from dataclasses import replace
from pathlib import Path

import msgspec

from agent.digest.model import Digest
from agent.digest.window import Window
from agent.drift.findings import finding_batches
from agent.drift.inventory import inventory_drift
from agent.drift.scan import scan
from api.charts import pngs
from api.digest_html import digest_html
from api.settings import Settings
from api.wiring import Engine
from examples.build import build
from graph.clock import DAY, SECOND, instant, rfc3339
from graph.store import View

SINCE = instant("2026-05-18")
SCANNED_AT = instant("2026-05-20T06:00:00Z")
WEEK = Window(SINCE, SINCE + 7 * DAY, SINCE - 7 * DAY)
WIDTH = 800
LINES = 4
_HEIGHT = "document.documentElement.scrollHeight"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def week_html(directory: Path) -> str:
    """The week's digest as HTML, of a company built and read into `directory`."""
    build(directory)
    _ingest(directory)
    settings = Settings(store=f"sqlite:///{directory}/lore.db", embedder="none", data_directory=directory / "data")
    with Engine(settings) as engine:
        _scan(engine)
        digest = engine.digests.of("weekly", WEEK)
    digest = _shortened(digest)
    charts = [c for s in digest.sections for c in s.charts]
    return digest_html(digest, pngs(charts), appendix=False)


def _shortened(digest: Digest) -> Digest:
    """A picture in a README is read at a glance."""
    sections = tuple(
        msgspec.structs.replace(s, items=s.items[:LINES], more=s.more + max(0, len(s.items) - LINES))
        for s in digest.sections
    )
    return msgspec.structs.replace(digest, sections=sections)


def draw(html: str, out: Path) -> None:
    """The page as chromium shows it, as high as it is.

    Raises:
        SystemExit: there is no chromium.
    """
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise SystemExit("no chromium was found: install Debian's package chromium")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        page = Path(directory) / "digest.html"
        # Only this copy has a script: it tells how high the page is.
        page.write_text(html.replace("</body>", f"<script>document.title={_HEIGHT}</script></body>"), encoding="utf-8")
        dumped = _chromium(browser, page, 100, "--dump-dom")
        height = int(dumped.partition("<title>")[2].partition("</title>")[0])
        page.write_text(html, encoding="utf-8")
        shot = Path(directory) / "digest.png"
        _chromium(browser, page, height, f"--screenshot={shot}")
        out.write_bytes(packed(shot.read_bytes()))


def packed(png: bytes) -> bytes:
    """The same picture in fewer bytes: a browser saves quickly, not small (https://www.w3.org/TR/png/#5Chunk-layout)."""
    chunks: list[tuple[bytes, bytes]] = []
    at = 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        chunks.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + length]))
        at += length + 12
    pixels = zlib.compress(zlib.decompress(b"".join(data for name, data in chunks if name == b"IDAT")), 9)
    kept = [(name, data) for name, data in chunks if name == b"IHDR"] + [(b"IDAT", pixels), (b"IEND", b"")]
    return png[:8] + b"".join(
        len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big") for name, data in kept
    )


def _chromium(browser: str, page: Path, height: int, what: str) -> str:
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-lcd-text")
    done = subprocess.run(
        [browser, *options, f"--window-size={WIDTH},{height}", what, page.as_uri()],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=120,
        text=True,
    )
    return done.stdout


def _ingest(directory: Path) -> None:
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("LORE_", "NEO4J_"))}  # noqa: TID251 - what a shell hands on
    subprocess.run(
        [sys.executable, "-m", "api.cli", "ingest", "--config", str(directory / "lore.yaml")],
        check=True,
        env={**environ, "XDG_DATA_HOME": str(directory / "xdg"), "LORE_EMBEDDER": "none"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _scan(engine: Engine) -> None:
    """Keep what a scan of that Wednesday would have found."""
    store, view = engine.store, View()
    listed = inventory_drift(store, view, environment="", planned=frozenset())
    found = scan(store, view, list(listed.observed), now=SCANNED_AT, first_seen={}, rules=(), notes=())
    then = tuple(
        msgspec.structs.replace(d, first_seen_at=rfc3339(SCANNED_AT))
        for d in found.report.drifts
        if d.causes and instant(d.causes[0].at) < SCANNED_AT
    )
    report = msgspec.structs.replace(found.report, drifts=then)
    scopes = sorted({found.scopes[d.id] for d in then})
    for batch in finding_batches(report, scopes, found.scopes, found.labels, {}, SCANNED_AT):
        store.apply(replace(batch, fresh_until=WEEK.until + SECOND))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        draw(week_html(Path(directory)), arguments.out)


if __name__ == "__main__":
    main()
