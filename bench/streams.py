"""Investigations watched over HTTP by many at once, and a server that is killed in the middle.

    python -m bench.streams DIRECTORY [--count 50] [--kill]

DIRECTORY is a built and ingested company (`make demo` makes `.demo`). So many investigations of different moments are asked for, each watched as
an event stream. With `--kill` the server dies by SIGKILL while some of them run, a new one starts, and each watcher comes back with the number of the last
event that it saw. Told are how many ended, how long that took, and whether any event came twice or was left out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from bench.repositories import machine
from graph.clock import DAY, instant, rfc3339

PORT = 18_998
SYMPTOMS = (
    "payment confirmations do not arrive in prod",
    "the order queue holds more than 50 messages for three minutes",
    "checkout returns 502 since a few minutes",
    "search is slow in prod, p95 above 2 s",
    "catalog cannot reach its database",
)
FIRST = "2026-03-02T14:30:00Z"


@dataclass
class Watched:
    """One investigation and what its watcher saw."""

    events_url: str
    numbers: list[int] = field(default_factory=list[int])
    kinds: list[str] = field(default_factory=list[str])
    ended_at: float = 0.0
    interruptions: int = 0

    @property
    def ended(self) -> bool:
        """Whether its end was told."""
        return bool(self.kinds) and self.kinds[-1] in ("final", "failed")


def serve(scratch: Path) -> subprocess.Popen[bytes]:
    """A server on a copy of the company, ready."""
    env = {**os.environ, "LORE_STORE": f"sqlite:///{scratch}/lore.db", "LORE_EMBEDDER": "none", "XDG_DATA_HOME": str(scratch)}  # noqa: TID251  # fmt: skip
    command = ["lore", "serve", "--port", str(PORT), "--reconcile-seconds", "0", "--workers", "0"]
    code = f"import sys; sys.argv = {command!r}; from api.cli import main; main()"
    server = subprocess.Popen([sys.executable, "-c", code], env=env, cwd=scratch, stderr=subprocess.DEVNULL)
    for _ in range(300):
        try:
            urlopen(f"http://127.0.0.1:{PORT}/readyz", timeout=2).read()
            return server
        except (URLError, OSError):
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def ask(number: int) -> Watched:
    """Ask for one investigation."""
    at = rfc3339(instant(FIRST) + number * 3 * DAY)
    body = json.dumps({"symptom": SYMPTOMS[number % len(SYMPTOMS)], "at": at}).encode()
    request = Request(
        f"http://127.0.0.1:{PORT}/api/v1/investigations", data=body, headers={"content-type": "application/json"}
    )
    return Watched(json.loads(urlopen(request, timeout=30).read())["events"])


async def watch(one: Watched, give_up_at: float) -> None:
    """Watch until the end; come back where the stream broke off."""
    while not one.ended and time.monotonic() < give_up_at:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
            last = f"last-event-id: {one.numbers[-1]}\r\n" if one.numbers else ""
            writer.write(f"GET {one.events_url} HTTP/1.1\r\nhost: localhost\r\n{last}\r\n".encode())
            kind = ""
            while line := await reader.readline():
                text = line.decode().strip()
                if text.startswith("event: "):
                    kind = text.removeprefix("event: ")
                elif text.startswith("id: "):
                    one.numbers.append(int(text.removeprefix("id: ")))
                    one.kinds.append(kind)
                    if one.ended:
                        one.ended_at = time.monotonic()
                        writer.close()
                        return
            writer.close()
        except OSError:
            pass
        one.interruptions += 1
        await asyncio.sleep(0.2)


async def watch_all(watched: list[Watched], server: subprocess.Popen[bytes], scratch: Path, kill: bool) -> subprocess.Popen[bytes]:  # fmt: skip
    """Watch all at once; kill the server when a third has ended."""
    tasks = [asyncio.create_task(watch(one, time.monotonic() + 300)) for one in watched]
    if kill:
        while sum(one.ended for one in watched) < len(watched) // 3:
            await asyncio.sleep(0.02)
        server.kill()
        server.wait()
        server = await asyncio.to_thread(serve, scratch)
    await asyncio.gather(*tasks)
    return server


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--kill", action="store_true", help="kill the server in the middle")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        with sqlite3.connect(options.directory / "lore.db") as source, sqlite3.connect(scratch / "lore.db") as target:
            source.backup(target)
        server = serve(scratch)
        try:
            started = time.monotonic()
            watched = [ask(number) for number in range(options.count)]
            server = asyncio.run(watch_all(watched, server, scratch, options.kill))
        finally:
            server.kill()
            server.wait()
    ended = [one.ended_at - started for one in watched if one.ended]
    exact = sum(one.numbers == list(range(1, len(one.numbers) + 1)) for one in watched)
    final = sum(one.kinds[-1:] == ["final"] for one in watched)
    broken = sum(one.interruptions > 0 for one in watched)
    print(
        f"{machine()}; load {os.getloadavg()[0]:.1f}; {options.count} investigations, {'killed once' if options.kill else 'not killed'}"
    )
    print(f"ended {len(ended)}, final {final}, each event exactly once {exact}, streams that broke off {broken}")
    if ended:
        print(f"until the end of one: median {statistics.median(ended):.1f} s, last {max(ended):.1f} s")


if __name__ == "__main__":
    main()
