"""Runs the command line as a user does, and a small company's repository to run it on."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.cli import main
from examples.git_writer import GitWriter, Identity

ANN = Identity("Ann Ädams", "ann@acme.example")
BOB = Identity("Bob", "bob@acme.example")
NAME = "acme/infra"
RULE = """resource "aws_lb_listener_rule" "api" {{
  listener_arn = aws_lb_listener.front.arn
  priority     = {priority}
}}
"""
LISTENER = """resource "aws_lb_listener" "front" {
  port = 443
}
"""
ESCAPES = "\x1b[31mred\x1b]0;title\x07\x1b[2J\x9b1m\u202e"
"""Colours, a window title, a cleared screen, an 8-bit introducer, reversed writing."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left: its exit code and its two streams."""

    code: int
    out: str
    err: str

    def failed(self, *said: str, code: int = 1) -> None:
        """Check that it failed as promised: this code, nothing on standard output, one sentence with these words and a hint."""
        assert self.code == code, self
        assert self.out == ""
        lines = self.err.splitlines()
        assert len(lines) == 2, self.err
        assert lines[0].startswith("error: ")
        assert lines[1].startswith("hint: ")
        assert len(lines[1]) > len("hint: ")
        for words in said:
            assert words in self.err
        assert "Traceback" not in self.err


@dataclass(frozen=True, slots=True)
class Lore:
    """`lore` with an environment of its own below a directory; no embedder, so that nothing loads a model."""

    home: Path
    set: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def database(self) -> Path:
        return self.home / "lore.db"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "XDG_DATA_HOME": str(self.home / "data"),
            "LORE_EMBEDDER": "none",
            "LORE_STORE": f"sqlite://{self.database}",
            "PATH": os.environ["PATH"],  # noqa: TID251 - of this test process
            **self.set,
        }

    def __call__(self, *arguments: str | Path) -> Ran:
        """Run in this process."""
        out, err = (io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in range(2))
        code = 0
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name in ("LORE_CONFIG", "LORE_DEBUG", "NEO4J_URI", "NEO4J_USERNAME", "NEO4J_USER", "NEO4J_PASSWORD"):
                patch.delenv(name, raising=False)
            for name, text in self.environment.items():
                patch.setenv(name, text)
            patch.setattr(sys, "argv", ["lore", *map(str, arguments)])
            patch.chdir(self.home)
            try:
                main()
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 0
        return Ran(code, _written(out), _written(err))

    def process(self, *arguments: str | Path, shell: str = "") -> Ran:
        """Run as a process of its own; with `shell`, `$LORE` in it is the command."""
        command = [sys.executable, "-m", "api.cli", *map(str, arguments)]
        root = str(Path(__file__).parents[2])
        done = subprocess.run(
            ["bash", "-c", shell] if shell else command,
            cwd=self.home,
            env={**self.environment, "PYTHONPATH": root, "LORE": f"{sys.executable} -m api.cli"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Ran(done.returncode, done.stdout, done.stderr)


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def history() -> GitWriter:
    """A rule made, its priority raised by a squashed pull request, then only reformatted."""
    writer = GitWriter()
    first = {"edge/main.tf": LISTENER + RULE.format(priority=10)}
    writer.commit("Add the API's rule", ANN, day("2024-01-01"), first)
    raised = {"edge/main.tf": LISTENER + RULE.format(priority=20)}
    writer.commit("Raise the API's priority (#7)\n\nCheckout must win.\n", BOB, day("2024-02-01"), raised)
    spaced = {"edge/main.tf": LISTENER + RULE.format(priority=20).replace("     =", "  =")}
    writer.commit("terraform fmt", ANN, day("2024-03-01"), spaced)
    return writer


def hostile() -> GitWriter:
    """A repository whose author, title, text, path and values would act on a terminal."""
    writer = GitWriter()
    author = Identity(f"Mallory {ESCAPES}", "m@acme.example")
    files = {
        "edge/main.tf": RULE.format(priority=f'"{ESCAPES}"'),
        "edge/odd.tf": LISTENER.replace("front", "odd"),
        "broken.tf": 'resource "aws_lb" {{{{ "x\n' + ESCAPES,
    }
    writer.commit(f"Title {ESCAPES} (#8)\n\nBecause {ESCAPES} of it.\n", author, day("2024-01-01"), files)
    return writer


def repository(directory: Path, writer: GitWriter | None = None, name: str = NAME) -> Path:
    """The history as a repository at this directory."""
    (writer or history()).write(directory, f"https://github.com/{name}.git")
    return directory
