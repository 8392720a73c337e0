"""Embedding: texts per CPU-second, nearness to sentence-transformers, and how well commit titles find their own bodies.

    python -m bench.embedding --repo rust-lang/simpleinfra=PATH … [--texts 300] [--queries 150]

Retrieval is self-supervised: the query is a commit's title, the passages are the bodies (titles left out, trailers too, of
commits with 80 characters or more) of the same repository. Titles share words with their bodies, which favours full text;
what the figures are for is comparing our own ways with each other. Prints Markdown.
"""

from __future__ import annotations

import argparse
import random
import re
import resource
import subprocess
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from bench.repositories import add_repository_option, machine, repositories
from graph.clock import DAY
from graph.embedders.minilm_onnx import OnnxMiniLM
from graph.embedders.minilm_torch import TorchMiniLM
from graph.embeddings import Embedder, RememberingEmbedder, embed_missing
from graph.model import Assertion, Entity, EntityRef, FactBatch, Passage
from graph.retrieval import retrieve
from graph.store import GraphStore, Limits, View
from graph.stores import open_store

TRAILER = re.compile(r"(?m)^[A-Z][\w-]+: \S.*$")
SHORTEST_BODY_CHARS = 80
SHORTEST_TITLE_CHARS = 15
ROOMY = Limits(rows=50, deadline_s=60)


def titles_and_bodies(path: Path) -> list[tuple[str, str]]:
    """Of the commits that explain themselves, newest first, without merges and repeated bodies."""
    log = subprocess.run(
        ["git", "-C", str(path), "log", "--no-merges", "--format=%s%x01%b%x00"], capture_output=True, check=True
    ).stdout.decode("utf-8", "replace")
    found: dict[str, str] = {}
    for message in log.split("\0"):
        title, _, body = message.strip().partition("\x01")
        body = TRAILER.sub("", body).strip()
        if len(body) >= SHORTEST_BODY_CHARS and len(title) >= SHORTEST_TITLE_CHARS:
            found.setdefault(body, title)
    return [(title, body) for body, title in found.items()]


def rate(embedder: Embedder, texts: Sequence[str]) -> str:
    """A row: texts per CPU-second and per second of wall time, and peak memory so far."""
    embedder.embed(texts[:1])
    wall, cpu = time.perf_counter(), time.process_time()
    embedder.embed(texts)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"| {embedder.id} | {len(texts) / cpu:.0f} | {len(texts) / wall:.0f} | {peak_mb:.0f} |"


def nearness(texts: Sequence[str]) -> str:
    """Smallest and mean cosine of the default embedder to sentence-transformers."""
    if find_spec("sentence_transformers") is None:
        return "Cosine to sentence-transformers: the extra `st` is not installed here."
    cosines = (OnnxMiniLM().embed(texts) * TorchMiniLM().embed(texts)).sum(axis=1)
    return f"Cosine to sentence-transformers over {len(texts)} texts: least {cosines.min():.4f}, mean {cosines.mean():.4f}."


def fill(store: GraphStore, bodies: Sequence[str]) -> None:
    """Each body as the passage of a commit of its own."""
    facts = [
        fact
        for number, body in enumerate(bodies)
        for fact in (
            Entity(EntityRef(f"Commit:{number}"), {}),
            Passage(EntityRef(f"Commit:{number}"), "message", body),
        )
    ]
    assertions = [Assertion(fact, valid_from=DAY, observed_at=DAY, locator="bench") for fact in facts]
    store.apply(FactBatch("bodies", "bench", "bench", "bench/1", assertions))


def ranks(find: Callable[[str], Sequence[EntityRef]], asked: Sequence[tuple[int, str]]) -> str:
    """Cells: R@1, R@10, MRR, and milliseconds a query."""
    found: list[int | None] = []
    started = time.perf_counter()
    for number, title in asked:
        refs = list(find(title))
        ref = EntityRef(f"Commit:{number}")
        found.append(refs.index(ref) + 1 if ref in refs else None)
    each_ms = (time.perf_counter() - started) / len(asked) * 1000
    first = sum(rank == 1 for rank in found) / len(found)
    ten = sum(rank is not None and rank <= 10 for rank in found) / len(found)
    reciprocal = sum(1 / rank for rank in found if rank) / len(found)
    return f"{first:.2f} | {ten:.2f} | {reciprocal:.3f} | {each_ms:.1f}"


def retrieval(name: str, path: Path, queries: int) -> list[str]:
    """Rows for one repository: full text, vectors alone, and `retrieve`, cold and with its sentences remembered."""
    pairs = titles_and_bodies(path)
    if not pairs:
        return [f"| {name} | 0 | no commit has a body long enough | | | | |"]
    chosen = random.Random(1).sample(range(len(pairs)), min(queries, len(pairs)))
    asked = [(number, pairs[number][0]) for number in sorted(chosen)]
    with open_store("sqlite://:memory:") as store:
        fill(store, [body for _, body in pairs])
        plain = OnnxMiniLM()
        embed_missing(store, plain, deadline_s=600)
        remembering = RememberingEmbedder(plain)

        def by_text(query: str) -> Sequence[EntityRef]:
            return [passage.hit.ref for passage in retrieve(store, None, query, View(), ROOMY).passages]

        def by_vector(query: str) -> Sequence[EntityRef]:
            vector = plain.embed([query])[0].tolist()
            return [hit.ref for hit in store.search_vector(plain.id, vector, View(), ROOMY).items]

        def by_both(query: str) -> Sequence[EntityRef]:
            return [passage.hit.ref for passage in retrieve(store, remembering, query, View(), ROOMY).passages]

        ways = {"full text": by_text, "vectors": by_vector, "retrieve": by_both, "retrieve, again": by_both}
        return [f"| {name} | {len(pairs)} | {way} | {ranks(find, asked)} |" for way, find in ways.items()]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_repository_option(parser)
    parser.add_argument("--texts", type=int, default=300, help="texts for the rate")
    parser.add_argument("--queries", type=int, default=150, help="titles looked up per repository")
    arguments = parser.parse_args()
    found = repositories(arguments.repo)
    if not found:
        parser.error("give at least one --repo OWNER/NAME=PATH")
    texts = [text for path in found.values() for pair in titles_and_bodies(path) for text in pair][: arguments.texts]
    if not texts:
        parser.error("no commit of these repositories has a body long enough")
    print(f"## Embedding\n\n{machine()}; {len(texts)} commit titles and bodies, ")
    print(f"median {sorted(map(len, texts))[len(texts) // 2]} characters.\n")
    print("| embedder | texts per CPU-second | texts per second | peak MB |\n|---|---|---|---|")
    print(rate(OnnxMiniLM(), texts))
    if find_spec("sentence_transformers") is not None:
        print(rate(TorchMiniLM(), texts))
    print(f"\n{nearness(texts)}\n")
    print("| repository | bodies | way | R@1 | R@10 | MRR | ms a query |\n|---|---|---|---|---|---|---|")
    for name, path in found.items():
        print("\n".join(retrieval(name, path, arguments.queries)))


if __name__ == "__main__":
    main()
