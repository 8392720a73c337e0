"""Where facts are kept. `open_store` is the one way to a store; what it returns is a `graph.store.GraphStore`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit

from graph.errors import StoreIncompatible
from graph.store import GraphStore

NEO4J_SCHEMES = frozenset({"neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc"})


def open_store(
    url: str, *, user: str | None = None, password: str | None = None, database: str | None = None
) -> GraphStore:
    """Open the store that a URL names, creating it when it is a SQLite file that does not exist.

    Args:
        url: `sqlite:///path/to/lore.db`, `sqlite:relative.db`, `sqlite://:memory:` (gone when closed), or `neo4j://host:7687` and the driver's other schemes.
        user, password, database: for a server; ignored by SQLite.

    Raises:
        StoreIncompatible: the URL names no known kind of store, or what is there is not an infralore store.
        StoreUnavailable: it cannot be reached or opened just now.
    """
    scheme = url.partition(":")[0].lower()
    if scheme == "sqlite":
        from graph.stores.sqlite import SqliteStore

        return SqliteStore(sqlite_path(url))
    if scheme in NEO4J_SCHEMES:
        server = import_module("graph.stores.neo4j").Neo4jStore
        return cast(GraphStore, server(url, user=user, password=password, database=database))
    raise StoreIncompatible(
        f"{url_without_password(url)} names no store that infralore knows.",
        "Use sqlite:///path/to/lore.db or neo4j://host:7687.",
    )


def sqlite_path(url: str) -> Path | None:
    """The file of a `sqlite:` URL, or None for a store in memory.

    After `sqlite://` the path is absolute, as in any URL, so that three and four slashes mean the same file;
    `sqlite:lore.db` is relative to the working directory.
    """
    rest = unquote(url[len("sqlite:") :])
    path = rest.removeprefix("//")
    if not path.strip("/"):
        raise StoreIncompatible(
            "A sqlite URL without a path names no store.",
            "Use sqlite:///path/to/lore.db, or sqlite://:memory: for one that is gone when closed.",
        )
    if path in (":memory:", "/:memory:"):
        return None
    if rest.startswith("//"):
        path = "/" + path.lstrip("/")
    return Path(path).expanduser()


def url_without_password(url: str) -> str:
    """The URL as it may be shown."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("://")[0] + "://…"
    if "@" not in parts.netloc:
        return url
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
