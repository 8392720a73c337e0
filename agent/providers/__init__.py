"""The providers of language models, one file each; each is imported when it is first opened.

A provider is one file and one line in `PROVIDERS`; the contract tests in `tests/agent/llm` then cover it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import cast
from urllib.parse import urlsplit

from agent.llm import ChatModel, Meter, ModelMisconfigured, Prices, Provider
from agent.llm_structured import StructuredModel

PROVIDERS: dict[str, str] = {
    "openai": "agent.providers.openai_compatible:opened",
    "anthropic": "agent.providers.anthropic:opened",
    "llama-index": "agent.providers.llama_index:opened",
    "scripted": "agent.providers.scripted:opened",
}
"""Every provider: its name in the settings, and the function that opens it."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model is asked, and how. docs/llm.md describes each for users.

    Attributes:
        provider: one of `PROVIDERS`.
        model: the model's name at its provider.
        base_url: where it is; empty is the provider's own address. `openai` speaks to whatever is compatible there.
        api_key: the key; empty for local servers that want none. Never taken from the environment here.
        timeout_s: how long one answer may take from the question to its last byte.
        max_output_tokens, max_input_chars: how long an answer and a question may be.
        prices: what tokens cost; needed for a budget in money.
        llm_class: for `llama-index`: `package.module:Class` of the LLM, inside `llama_index`.
        options: for `llama-index`: the class's arguments. For `scripted`: `path` of a file with one answer a line.
    """

    provider: str
    model: str = ""
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    timeout_s: float = 30.0
    max_output_tokens: int = 2_000
    max_input_chars: int = 120_000
    prices: Prices = field(default_factory=Prices)
    llm_class: str = ""
    options: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)


def open_model(settings: ModelSettings, meter: Meter | None = None) -> ChatModel:
    """The model of these settings. Nothing is sent before it is asked.

    Raises:
        ModelMisconfigured: there is no such provider, what it needs is not installed, or a setting is missing.
    """
    return StructuredModel(
        open_provider(settings),
        prices=settings.prices,
        meter=meter,
        max_output_tokens=settings.max_output_tokens,
        max_input_chars=settings.max_input_chars,
    )


def open_provider(settings: ModelSettings) -> Provider:
    """The provider of these settings.

    Raises:
        ModelMisconfigured: as `open_model`.
    """
    if settings.provider not in PROVIDERS:
        raise ModelMisconfigured(
            f"there is no provider of models called {settings.provider!r}",
            f"set model.provider to one of {', '.join(PROVIDERS)}",
        )
    settings = _checked(settings)
    module, _, function = PROVIDERS[settings.provider].partition(":")
    try:
        opened = cast("Callable[[ModelSettings], Provider]", getattr(import_module(module), function))
    except ModuleNotFoundError as error:
        raise ModelMisconfigured(
            f"the provider {settings.provider} needs the Python package {error.name}, which is not installed",
            f"install infralore[{settings.provider}]",
        ) from None
    return opened(settings)


def _checked(settings: ModelSettings) -> ModelSettings:
    """The settings with a key that can be sent and an address that is one; no message shows the key."""
    key = settings.api_key.strip()
    if not (key.isascii() and key.isprintable()):
        raise ModelMisconfigured("model.api_key holds characters that no key has", "copy the key anew")
    if not settings.model.isprintable():
        raise ModelMisconfigured("model.model holds characters that no name has", "write the model's name anew")
    url = settings.base_url.strip()
    if url and not _is_address(url):
        raise ModelMisconfigured("model.base_url is no address", "it begins with http:// or https:// and names a host")
    return replace(settings, api_key=key, base_url=url)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
