"""How the providers' servers answer, as their API references describe it; and a server that breaks off or dawdles."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from agent.providers import ModelSettings

KEY = "key" + "-for-tests"


@dataclass(frozen=True)
class Wire:
    """One provider's HTTP."""

    provider: str
    path: str
    key_header: str
    said: Callable[[str], dict[str, object]]
    tool_call: Callable[[str, dict[str, object]], dict[str, object]]

    def settings(self, base_url: str, timeout_s: float = 5.0) -> ModelSettings:
        return ModelSettings(self.provider, model="m-1", base_url=base_url, api_key=KEY, timeout_s=timeout_s)


def _openai(text: str) -> dict[str, object]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 31, "completion_tokens": 7, "total_tokens": 38},
    }


def _openai_tool(name: str, given: dict[str, object]) -> dict[str, object]:
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return _openai("") | {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}


def _anthropic(text: str) -> dict[str, object]:
    """The form is the tool's input; text that is no JSON comes as text."""
    try:
        block: dict[str, object] = {"type": "tool_use", "id": "toolu_1", "name": "Answer", "input": json.loads(text)}
    except ValueError:
        block = {"type": "text", "text": text}
    return _message(block)


def _anthropic_tool(name: str, given: dict[str, object]) -> dict[str, object]:
    return _message({"type": "tool_use", "id": "toolu_1", "name": name, "input": given})


def _message(block: dict[str, object]) -> dict[str, object]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m-1",
        "content": [block],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 31, "output_tokens": 7},
    }


WIRES = (
    Wire("openai", "/v1/chat/completions", "Authorization", _openai, _openai_tool),
    Wire("anthropic", "/v1/messages", "Authorization", _anthropic, _anthropic_tool),
)


@contextmanager
def raw_server(chunks: Callable[[], Iterator[bytes]], pause_s: float = 0.0) -> Generator[str]:
    """A server that sends these bytes to everybody, with pauses, and closes. Yields its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve() -> None:
        while not done.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.recv(65_536)
                for chunk in chunks():
                    if done.is_set():
                        return
                    connection.sendall(chunk)
                    time.sleep(pause_s)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        done.set()
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(timeout=2)
