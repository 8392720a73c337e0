"""Settings: the environment and `lore.yaml`, read here and nowhere else.

Precedence, first wins: an option on the command line, the environment, `lore.yaml`, the default. Read with msgspec and not
pydantic-settings, whose import alone costs more than half of what a cold `lore ask` may take (docs/adr/0005).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import msgspec

from api.errors import SettingsError
from graph.model import PUBLIC

CONFIG_NAME = "lore.yaml"
EMBEDDERS = ("onnx", "sentence-transformers", "none")


class Neo4jSettings(msgspec.Struct, frozen=True):
    """How to reach Neo4j; used when the store's URL says neo4j:// or bolt://."""

    username: str = "neo4j"
    password: str = ""
    database: str = "neo4j"


class Settings(msgspec.Struct, frozen=True):
    """Everything that can be set.

    Attributes:
        store: `sqlite:///path/to/lore.db`, `neo4j://host:7687` or `bolt://host:7687`.
        neo4j: credentials for the latter two.
        embedder: one of `EMBEDDERS`.
        sources: what a bare `lore ingest` reads: a list of one-key mappings, source name to its settings.
        webhooks: by sender (github, slack …): its secret and what its reader needs; a sender that is not here is refused.
        observations: backends of metrics, logs and traces: a list of one-key mappings, adapter name to its settings.
        model: the language model that may help: provider, model, base_url, api_key, budgets; empty goes without.
        outward: what infralore may write with, by system: {github: {token: …}, slack: {token: …}, mail: {…}}; read by the gateway alone.
        grants: standing permissions for outward writes: a list of {who, action, target, until}.
        api: the HTTP interface: tokens, limits.
        slack: the bot: app token, signing secret, which channel may read what.
        drift: root modules that Terraform can plan, what is no drift, how often to look.
        cost: prices, usage file, what a tag means.
        digests: what is written when, for whom and where it goes: a list.
        alerts: rules by which an alert that arrives starts an investigation.
        standby: a SQLite store that is kept up to date beside a server store and answers when that is down.
        people: the file in which the team keeps who is who, or None.
        audience: the labels whoever runs this process may read.
        config_path: the `lore.yaml` that was read, or None.
        data_directory: infralore's directory among the user's data (XDG).
    """

    store: str
    neo4j: Neo4jSettings = Neo4jSettings()
    embedder: str = "onnx"
    sources: tuple[dict[str, dict[str, object]], ...] = ()
    webhooks: Mapping[str, Mapping[str, object]] = {}
    observations: tuple[dict[str, dict[str, object]], ...] = ()
    model: Mapping[str, object] = {}
    outward: Mapping[str, Mapping[str, object]] = {}
    grants: tuple[Mapping[str, object], ...] = ()
    api: Mapping[str, object] = {}
    slack: Mapping[str, object] = {}
    drift: Mapping[str, object] = {}
    cost: Mapping[str, object] = {}
    digests: tuple[Mapping[str, object], ...] = ()
    alerts: tuple[Mapping[str, object], ...] = ()
    standby: str | None = None
    people: Path | None = None
    audience: frozenset[str] = frozenset({PUBLIC})
    config_path: Path | None = None
    data_directory: Path = Path()


class _File(msgspec.Struct, forbid_unknown_fields=True):
    store: str | None = None
    embedder: str | None = None
    sources: tuple[dict[str, dict[str, object]], ...] = ()
    webhooks: dict[str, dict[str, object]] = {}
    observations: tuple[dict[str, dict[str, object]], ...] = ()
    model: dict[str, object] = {}
    outward: dict[str, dict[str, object]] = {}
    grants: tuple[dict[str, object], ...] = ()
    api: dict[str, object] = {}
    slack: dict[str, object] = {}
    drift: dict[str, object] = {}
    cost: dict[str, object] = {}
    digests: tuple[dict[str, object], ...] = ()
    alerts: tuple[dict[str, object], ...] = ()
    standby: str | None = None
    people: str | None = None
    audience: tuple[str, ...] = (PUBLIC,)


def load(config: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment and `lore.yaml` (`config`, else LORE_CONFIG, else the working directory's when there is one).

    Raises:
        SettingsError: the file is missing though named, is not YAML, or holds something that is no setting.
    """
    env = os.environ if environ is None else environ  # noqa: TID251 - the one reader
    path = config or (Path(env["LORE_CONFIG"]) if env.get("LORE_CONFIG") else None)
    if path is None and Path(CONFIG_NAME).is_file():
        path = Path(CONFIG_NAME)
    file = _read(path) if path else _File()
    embedder = env.get("LORE_EMBEDDER") or file.embedder or "onnx"
    if embedder not in EMBEDDERS:
        raise SettingsError(
            f"there is no embedder {embedder!r}", f"set LORE_EMBEDDER or `embedder:` to one of {', '.join(EMBEDDERS)}"
        )
    return Settings(
        store=env.get("LORE_STORE")
        or _store_of(file, path)
        or env.get("NEO4J_URI")
        or f"sqlite:///{data_directory(env)}/lore.db",
        neo4j=Neo4jSettings(
            username=env.get("NEO4J_USERNAME") or env.get("NEO4J_USER") or "neo4j",
            password=env.get("NEO4J_PASSWORD", ""),
            database=env.get("NEO4J_DATABASE") or "neo4j",
        ),
        embedder=embedder,
        sources=tuple(
            {name: _expanded(given, env, f"sources.{name}") for name, given in entry.items()} for entry in file.sources
        ),
        webhooks={name: _expanded(given, env, f"webhooks.{name}") for name, given in file.webhooks.items()},
        observations=tuple(
            {name: _expanded(given, env, f"observations.{name}") for name, given in entry.items()}
            for entry in file.observations
        ),
        model=_expanded(file.model, env, "model"),
        outward={name: _expanded(given, env, f"outward.{name}") for name, given in file.outward.items()},
        grants=tuple(_expanded(given, env, "grants") for given in file.grants),
        api=_expanded(file.api, env, "api"),
        slack=_expanded(file.slack, env, "slack"),
        drift=_expanded(file.drift, env, "drift"),
        cost=_expanded(file.cost, env, "cost"),
        digests=tuple(_expanded(given, env, "digests") for given in file.digests),
        alerts=tuple(_expanded(given, env, "alerts") for given in file.alerts),
        standby=_sqlite_beside(file.standby, path),
        people=(path.parent if path else Path()) / file.people if file.people else None,
        audience=frozenset(file.audience),
        config_path=path,
        data_directory=data_directory(env),
    )


_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _expanded(given: Mapping[str, object], env: Mapping[str, str], where: str) -> dict[str, object]:
    """Settings with `${NAME}` replaced by that variable of the environment: so no credential needs to be in the file.

    Raises:
        SettingsError: a variable is not set.
    """

    def expand(value: object, at: str) -> object:
        if isinstance(value, str):
            for name in _VARIABLE.findall(value):
                if name not in env:
                    raise SettingsError(
                        f"{at} needs the environment variable {name}, which is not set", f"export {name}"
                    )
            return _VARIABLE.sub(lambda found: env[found[1]], value)
        if isinstance(value, dict):
            items = cast("dict[object, object]", value).items()
            return {str(key): expand(one, f"{at}.{key}") for key, one in items}
        if isinstance(value, list):
            return [expand(one, at) for one in cast("list[object]", value)]
        return value

    return {key: expand(value, f"{where}.{key}") for key, value in given.items()}


def debug() -> bool:
    """Whether LORE_DEBUG asks for tracebacks."""
    return os.environ.get("LORE_DEBUG", "") not in ("", "0")  # noqa: TID251 - the one reader


def data_directory(env: Mapping[str, str]) -> Path:
    """infralore's directory among the user's data, by the XDG base directory specification."""
    base = env.get("XDG_DATA_HOME") or str(Path(env.get("HOME") or Path.home()) / ".local" / "share")
    return Path(base) / "infralore"


def _store_of(file: _File, path: Path | None) -> str | None:
    return _sqlite_beside(file.store, path)


def _sqlite_beside(store: str | None, path: Path | None) -> str | None:
    """A store's URL; a relative SQLite path is taken from where the file is."""
    if store and path is not None and store.startswith("sqlite:") and not store.startswith("sqlite:/"):
        return f"sqlite:///{(path.parent / store.removeprefix('sqlite:')).absolute()}"
    return store


def _read(path: Path) -> _File:
    import yaml

    try:
        document: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"there is no {path}", "name an existing file with --config or LORE_CONFIG") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}", "it must be a readable UTF-8 file") from None
    except UnicodeDecodeError:
        raise SettingsError(
            f"{path} is not UTF-8 text", "save it as UTF-8; docs/configuration.md has an example"
        ) from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" at line {where.line + 1}" if where else ""
        raise SettingsError(f"{path} is not YAML{line}", "see docs/configuration.md for an example") from None
    try:
        return msgspec.convert(document or {}, _File)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: {error}", "see docs/configuration.md for what it may hold") from None
