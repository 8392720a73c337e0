"""Read a source in a process of its own, so that reading and storing use two cores.

The child pulls and redacts, the parent stores. Between them is a pipe and a queue of a few messages: when the store falls behind,
the child waits, and memory stays bounded. A forked child costs about 3 ms, so that small pulls need no exception.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Literal, NoReturn

from graph.clock import Instant
from graph.model import FactBatch
from ingest.batch_wire import decode, encode
from ingest.redact import redact_batch, redact_text
from ingest.source import Source, SourceDataInvalid, SourceError, SourceUnavailable

Processes = Literal["auto", "fork", "spawn", "none"]
"""How to read: in a forked or spawned process, in this one, or whichever is safe here (`auto`)."""

_QUEUED = 4
"""Batches that wait, encoded, between child and store."""
_BATCH, _END, _FAILED, _CRASHED = b"B", b"E", b"F", b"C"


def extract(
    source: Source, cursor: str | None, now: Instant, redact_key: bytes, processes: Processes = "auto"
) -> Generator[FactBatch, None, None]:
    """The redacted batches of a pull, in order. Close the iterator to stop early.

    Raises:
        SourceError: as the source raised it; `SourceUnavailable` also when the reading process was killed.
        RuntimeError: the source failed in another way (a defect), with the child's traceback as a note.
    """
    method = _method(processes)
    if method is None:
        for batch in source.pull(cursor, now):
            yield redact_batch(batch, redact_key)
        return
    yield from _from_child(method, source, cursor, now, redact_key)


def _method(processes: Processes) -> Literal["fork", "spawn"] | None:
    if processes == "none":
        return None
    if processes != "auto":
        return processes
    # A fork copies only the calling thread: with others running, a lock one of them holds would stay locked in the child.
    alone = threading.active_count() == 1 and not multiprocessing.current_process().daemon
    return "fork" if alone and sys.platform.startswith("linux") and (os.cpu_count() or 1) > 1 else None


@contextmanager
def fewer_collections() -> Generator[None, None, None]:
    """Let the cyclic collector run rarely: facts hold no cycles, and walking them took a quarter of the time of an ingest."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


# -- the parent


def _from_child(
    method: Literal["fork", "spawn"], source: Source, cursor: str | None, now: Instant, redact_key: bytes
) -> Generator[FactBatch, None, None]:
    context = multiprocessing.get_context("fork") if method == "fork" else multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    inherited = receiver if method == "fork" else None
    child = context.Process(
        target=_read,
        args=(source, cursor, now, redact_key, sender, inherited),
        name=f"read {source.name}",
        daemon=False,
    )
    child.start()
    sender.close()
    messages: queue.Queue[bytes | None] = queue.Queue(maxsize=_QUEUED)
    stopped = threading.Event()
    reader = threading.Thread(
        target=_fill, args=(receiver, messages, stopped), name=f"pipe of {source.name}", daemon=True
    )
    reader.start()
    try:
        while (message := messages.get()) is not None:
            kind = message[:1]
            if kind == _BATCH:
                yield decode(message[1:])
            elif kind == _END:
                return
            else:
                _raise(kind, message[1:])
        child.join(5)
        raise SourceUnavailable(
            f"the process that reads {source.name} {source.scope} stopped in the middle (exit code {child.exitcode})",
            "it was killed, most often for want of memory; run again, it goes on where it stopped",
        )
    finally:
        stopped.set()
        _stop(child)
        receiver.close()
        reader.join(1)


def _fill(receiver: Connection, messages: queue.Queue[bytes | None], stopped: threading.Event) -> None:
    """Move messages from the pipe to the queue without decoding: waiting for the pipe leaves the interpreter to the store."""
    message: bytes | None = b""
    while message is not None:
        try:
            message = receiver.recv_bytes()
        except (EOFError, OSError):
            message = None
        while not stopped.is_set():
            try:
                messages.put(message, timeout=0.2)
                break
            except queue.Full:
                continue
        if stopped.is_set():
            return


def _stop(child: BaseProcess) -> None:
    child.join(0.2)
    if child.is_alive():
        child.terminate()
        child.join(3)
    if child.is_alive():
        child.kill()
        child.join()


def _raise(kind: bytes, body: bytes) -> NoReturn:
    name, message, hint, retry_after = body.decode("utf-8", "replace").split("\0", 3)
    if kind == _CRASHED:
        error = RuntimeError(message)
        error.add_note(hint)
        raise error
    if name == SourceUnavailable.__name__:
        raise SourceUnavailable(message, hint, float(retry_after) if retry_after else None)
    if name == SourceDataInvalid.__name__:
        raise SourceDataInvalid(message, hint)
    raise SourceError(message, hint)


# -- the child


def _read(
    source: Source,
    cursor: str | None,
    now: Instant,
    redact_key: bytes,
    sender: Connection,
    inherited: Connection | None,
) -> None:
    if inherited is not None:
        inherited.close()  # else the pipe would not break when the parent dies
    gc.freeze()  # the collector would touch, and so copy, the pages shared with the parent
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    signal.signal(signal.SIGTERM, _exit)  # so that the source's `finally` blocks stop its own subprocesses
    try:
        with fewer_collections():
            _send_all(source.pull(cursor, now), redact_key, sender)
    except BrokenPipeError:
        return
    except SourceError as error:
        _tell(sender, _FAILED, error, error.hint, getattr(error, "retry_after_s", None))
    except Exception as error:
        import traceback

        _tell(sender, _CRASHED, error, traceback.format_exc(), None)
    finally:
        sender.close()


def _send_all(batches: Iterator[FactBatch], redact_key: bytes, sender: Connection) -> None:
    for batch in batches:
        sender.send_bytes(_BATCH + encode(redact_batch(batch, redact_key)))
    sender.send_bytes(_END)


def _tell(sender: Connection, kind: bytes, error: Exception, hint: str, retry_after_s: float | None) -> None:
    name = SourceUnavailable.__name__ if isinstance(error, SourceUnavailable) else type(error).__name__
    message = str(error) if kind == _FAILED else f"{type(error).__name__}: {error}"
    fields = (name, redact_text(message), redact_text(hint), "" if retry_after_s is None else repr(retry_after_s))
    try:
        sender.send_bytes(kind + "\0".join(field.replace("\0", " ") for field in fields).encode("utf-8", "replace"))
    except BrokenPipeError:
        return


def _exit(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(1)
