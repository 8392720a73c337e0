"""The demo on SQLite with the onnx embedder and on Neo4j with sentence-transformers: the same answers, the same citations.

`python -m tests.st.demo_parity` starts a Neo4j by itself (`tests.neo4j_server`). Where that cannot be it says so and succeeds,
unless REQUIRE_NEO4J=1.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

STORES = (("sqlite", "onnx"), ("neo4j", "sentence-transformers"))


def answers(path: Path) -> list[dict[str, object]]:
    """The recorded answers, without what they cost and without the moment at which this run read its sources."""
    read = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for answer in read:
        answer.pop("usage")
        for citation in answer["citations"]:
            citation.pop("observed_at")
    return read


def main() -> int:
    """Compare; 0 when equal."""
    uri = os.environ.get("NEO4J_URI")  # noqa: TID251 - set by tests.neo4j_server
    if uri is None:
        inner = [sys.executable, "-m", "tests.neo4j_server", "run", "--", sys.executable, "-m", "tests.st.demo_parity"]
        return subprocess.run(inner, check=False).returncode
    recorded: list[list[dict[str, object]]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for store, embedder in STORES:
            record = Path(scratch) / f"{store}.jsonl"
            command = [
                sys.executable,
                "-m",
                "examples.demo",
                f"{scratch}/{store}",
                "--embedder",
                embedder,
                "--record",
                str(record),
            ]
            subprocess.run([*command, *(("--store", uri) if store == "neo4j" else ())], check=True)
            recorded.append(answers(record))
    if not recorded[0]:
        print("the demo recorded no answers", file=sys.stderr)
        return 1
    for one, other in zip(*recorded, strict=True):
        for field in one:
            if one[field] != other[field]:
                print(
                    f"{one['question']}: {field} differs\n  {one[field]!s:.500}\n  {other[field]!s:.500}",
                    file=sys.stderr,
                )
                return 1
    print(f"{len(recorded[0])} answers, equal on {' and '.join(f'{s} with {e}' for s, e in STORES)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
