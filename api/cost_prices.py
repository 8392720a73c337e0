"""The price books that the settings name, and what syncs them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from agent.cost.prices import Books, PriceBook
from agent.cost.resources.kept import KEPT
from api.errors import SettingsError
from api.settings import Settings
from ingest.prices.model import FileHead, Synced
from ingest.prices.store import PriceStore, listed
from ingest.source import SourceError

_FILE = "prices.db"


class CostSettings(msgspec.Struct, frozen=True):
    """What the estimate reads of `cost:` in lore.yaml; the bill reads other parts of it.

    Attributes:
        prices: price files (CSV, JSON, or the JSON of Infracost), asked before the synced price list, in this order.
        usage: the usage file that is taken when none is named.
        region: where resources are whose region the plan does not tell.
        prices_at: no prices that were published after this moment.
    """

    prices: tuple[str, ...] = ()
    usage: str = ""
    region: str = ""
    prices_at: str = ""


def read_cost_settings(given: Mapping[str, object]) -> CostSettings:
    """The section. Raises `SettingsError`."""
    try:
        return msgspec.convert(dict(given), CostSettings)
    except msgspec.ValidationError as error:
        raise SettingsError(f"cost: {error}", "docs/cost.md shows what `cost:` may hold") from None


def placed(settings: Settings, path: str) -> Path:
    """A path of lore.yaml, from where that file is."""
    base = settings.config_path.parent if settings.config_path else Path()
    return base / Path(path).expanduser()


def store_path(settings: Settings) -> Path:
    """Where synced prices are kept."""
    return settings.data_directory / _FILE


@contextmanager
def price_book(settings: Settings, more: Sequence[Path] = (), notes: list[str] | None = None) -> Generator[PriceBook]:
    """The books in the order in which they are asked: files named now, files of lore.yaml, synced price lists.

    Args:
        notes: rows of files that could not be read are told there.

    Raises:
        SourceError: a file cannot be read.
    """
    told = read_cost_settings(settings.cost)
    paths = [*more, *(placed(settings, path) for path in told.prices)]
    books: list[PriceBook] = [_file_book(path, notes if notes is not None else []) for path in paths]
    if not store_path(settings).exists():
        yield Books(books)
        return
    with PriceStore(store_path(settings), until=told.prices_at) as store:
        yield Books([*books, store])


def _file_book(path: Path, notes: list[str]) -> PriceBook:
    from ingest.prices.infracost import InfracostPrices
    from ingest.prices.price_file import PriceFile

    if _is_infracost(path):
        return InfracostPrices(path)
    book = PriceFile(path)
    if book.refused:
        first = book.refused[0]
        notes.append(
            f"{len(book.refused)} rows of {path.name} could not be read, the first {first.locator}: {first.reason}"
        )
    return book


def _is_infracost(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(4_096).lstrip()
    except OSError:
        return False
    return start.startswith(b"{") and b'"prices"' not in start


def price_files(settings: Settings) -> list[FileHead]:
    """What is synced, and what the files of lore.yaml hold."""
    heads = listed(store_path(settings))
    for path in read_cost_settings(settings.cost).prices:
        book = _file_book(placed(settings, path), [])
        heads += _heads(book)
    return heads


def _heads(book: PriceBook) -> list[FileHead]:
    from ingest.prices.infracost import InfracostPrices
    from ingest.prices.price_file import PriceFile

    if isinstance(book, PriceFile):
        return book.heads()
    return [book.head] if isinstance(book, InfracostPrices) else []


def sync_prices(
    settings: Settings,
    wanted: Sequence[tuple[str, str]],
    *,
    origin: str = "",
    now: str = "",
    on_progress: Callable[[str, str, int, int], None] | None = None,
) -> list[tuple[str, str, Synced | SourceError]]:
    """Sync each service in its region; one that fails does not stop the others."""
    from ingest.prices.sync import AWS, sync

    done: list[tuple[str, str, Synced | SourceError]] = []
    with PriceStore(store_path(settings)) as store:
        for service, region in wanted:

            def progress(products: int, rates: int, service: str = service, region: str = region) -> None:
                if on_progress is not None:
                    on_progress(service, region, products, rates)

            try:
                synced = sync(
                    store, service, region, origin=origin or AWS, keep=KEPT.get(service), now=now, on_progress=progress
                )
                done.append((service, region, synced))
            except SourceError as error:
                done.append((service, region, error))
    return done
