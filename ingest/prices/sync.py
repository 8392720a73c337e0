"""`lore prices sync`: an offer file from AWS, a mirror or a directory, streamed into the price store.

https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api.html
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlsplit

from ingest.prices.json_stream import JsonStream, NotThatJson
from ingest.prices.model import FileHead, Product, Rate, Refused, Synced
from ingest.prices.offer_file import Head, Keep, read_offer_file
from ingest.prices.store import EVERY_REGION, Adding, PriceStore
from ingest.source import SourceDataInvalid

AWS = "https://pricing.us-east-1.amazonaws.com"
"""Where AWS publishes the files; it needs no credentials."""
_BATCH = 2_000


def sync(
    store: PriceStore,
    service: str,
    region: str,
    *,
    origin: str = AWS,
    keep: Keep | None = None,
    now: str = "",
    on_progress: Callable[[int, int], None] | None = None,
) -> Synced:
    """Read the current offer file of a service in a region into the store; a file that is there already changes nothing.

    Args:
        region: `eu-west-1`; empty for the file of all regions.
        origin: the base address of AWS or of a mirror, a directory laid out like it, or one file.
        keep: which products to keep, by attribute.
        on_progress: told the products and the prices so far.

    Raises:
        SourceUnavailable: it may work later.
        SourceDataInvalid: there is no such service or region, or the file is no offer file.
    """
    with _opened(origin, service, region) as (read, shown):
        try:
            with store.adding() as adding:
                return _stored(adding, read, shown, service, region, keep or {}, now, on_progress)
        except NotThatJson as error:
            raise SourceDataInvalid(
                f"{shown} is no offer file: {error}", "it must be the index.json of a service, as AWS publishes it"
            ) from None
        except (UnicodeDecodeError, EOFError, zlib.error, gzip.BadGzipFile):
            raise SourceDataInvalid(
                f"{shown} cannot be read to its end: it is not UTF-8 text, or its compression is broken",
                "download it again",
            ) from None


def _stored(
    adding: Adding,
    read: Callable[[int], str],
    shown: str,
    service: str,
    region: str,
    keep: Keep,
    now: str,
    on_progress: Callable[[int, int], None] | None,
) -> Synced:
    done: Synced | None = None
    products = 0
    rates: list[Rate] = []
    for entry in read_offer_file(JsonStream(read), keep, region):
        if isinstance(entry, Head):
            if entry.service and entry.service != service:
                raise SourceDataInvalid(
                    f"{shown} holds prices of {entry.service}, not of {service}", f"name it: --service {entry.service}"
                )
            if not entry.published_at:
                raise SourceDataInvalid(f"{shown} says no publication date", "an offer file of AWS has one")
            head = FileHead("aws", service, region or EVERY_REGION, entry.published_at, entry.version, shown, now)
            done = Synced(head)
            if adding.has(head):
                done.already = True
                return done
            adding.head(head)
        elif done is None:
            raise SourceDataInvalid(f"{shown} is no offer file", "it must be the index.json of a service")
        elif isinstance(entry, Product):
            adding.product(entry)
            products += 1
        elif isinstance(entry, Refused):
            done.refused.append(entry)
        else:
            rates.append(entry)
        if len(rates) >= _BATCH:
            done.rates += adding.rates(rates)
            rates.clear()
            if on_progress is not None:
                on_progress(products, done.rates)
    if done is None:
        raise SourceDataInvalid(f"{shown} is no offer file", "it must be the index.json of a service")
    done.rates += adding.rates(rates)
    kept = adding.done()
    done.left_out = products - kept
    done.head = replace(done.head, products=kept)
    return done


@contextmanager
def _opened(origin: str, service: str, region: str) -> Generator[tuple[Callable[[int], str], str]]:
    """What reads the file's text, and how it is named to a user."""
    if "://" in origin:
        from ingest.prices.download import downloaded

        part = f"{quote(region, safe='')}/" if region else ""
        path = f"offers/v1.0/aws/{quote(service, safe='')}/current/{part}index.json"
        with downloaded(origin, path) as chunks:
            yield _reader(chunks), f"{urlsplit(origin).hostname}: {path}"
        return
    file = _file(Path(origin).expanduser(), service, region)
    with file.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        with gzip.open(raw) if packed else raw as plain:
            yield _reader(iter(lambda: plain.read(1 << 20), b"")), str(file)


def _file(origin: Path, service: str, region: str) -> Path:
    """The file of a service and region in a directory that is laid out like AWS's, or flat.

    Raises:
        SourceDataInvalid: there is none.
    """
    if origin.is_file():
        return origin
    parts = [region] if region else []
    folders = [
        origin.joinpath("offers", "v1.0", "aws", service, "current", *parts),
        origin.joinpath(service, "current", *parts),
        origin.joinpath(service, *parts),
    ]
    names = [folder / name for folder in folders for name in ("index.json", "index.json.gz")]
    flat = "-".join([service, *parts])
    names += [origin / f"{flat}.json", origin / f"{flat}.json.gz"]
    found = next((name for name in names if name.is_file()), None)
    if found is None:
        raise SourceDataInvalid(
            f"there is no offer file of {service} {region} in {origin}",
            f"put it there as {flat}.json, or as {service}/{'/'.join([*parts, 'index.json'])}",
        )
    return found


def _reader(chunks: Iterator[bytes]) -> Callable[[int], str]:
    decoder = codecs.getincrementaldecoder("utf-8")()

    def read(_: int) -> str:
        for chunk in chunks:
            text = decoder.decode(chunk)
            if text:
                return text.removeprefix("﻿")
        return decoder.decode(b"", final=True)

    return read
