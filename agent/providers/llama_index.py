"""llama-index: any of its LLMs as our model, and our graph as its retriever and tools. The only user of its package.

    from agent.providers.llama_index import GraphRetriever, graph_tools

    retriever = GraphRetriever(store, view)
    tools = graph_tools(store, now=now)

https://docs.llamaindex.ai/en/stable/module_guides/
"""

# ruff: noqa: TID251 - the one module that imports the library

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Literal, cast

import msgspec
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.llms.llm import LLM
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.core.tools import FunctionTool

from agent.ask import ask
from agent.llm import Completion, Form, Message, ModelMisconfigured, ModelUnavailable
from agent.prompts import prompt
from agent.providers import ModelSettings
from graph.clock import Instant, instant, rfc3339
from graph.model import PUBLIC
from graph.retrieval import RankedPassage, retrieve
from graph.store import GraphStore, Limits, View

if TYPE_CHECKING:
    from graph.embeddings import Embedder

_ROLES = {"system": MessageRole.SYSTEM, "user": MessageRole.USER, "assistant": MessageRole.ASSISTANT}
_INPUT_TOKENS = ("prompt_tokens", "input_tokens", "prompt_eval_count")
_OUTPUT_TOKENS = ("completion_tokens", "output_tokens", "eval_count")
_ANSWER_CHARS = 12_000


class LlamaIndexModel:
    """Any llama-index LLM as a provider: it is asked for JSON in words, which all of them can. Its temperature is its own setting."""

    def __init__(self, llm: LLM) -> None:
        self._llm = llm

    @property
    def name(self) -> str:
        """`llama-index/` and the class and model."""
        return f"llama-index/{type(self._llm).__name__}/{self._llm.metadata.model_name}"

    def complete(self, messages: Sequence[Message], form: Form, max_output_tokens: int) -> Completion:
        """Ask. How long an answer may be is the LLM's own setting."""
        asked = [*prompt("json_only").fill(schema=msgspec.json.encode(form.schema).decode()), *messages]
        try:
            answer = self._llm.chat([ChatMessage(role=_ROLES[m.role], content=m.content) for m in asked])
        # Each integration raises what its own SDK does: there is no common class.
        except Exception as error:
            raise _failure(self.name, error) from None
        return Completion(
            answer.message.content or "", _count(answer.raw, _INPUT_TOKENS), _count(answer.raw, _OUTPUT_TOKENS)
        )


class GraphRetriever(BaseRetriever):
    """Passages of the graph as llama-index nodes, as the view's audience may read them.

    Args:
        store: the graph.
        view: whose eyes, and as of when; a function is asked anew for each query.
        embedder: finds by meaning too; without one by full text alone.
        top_k: how many passages.
    """

    def __init__(
        self, store: GraphStore, view: View | Callable[[], View], *, embedder: Embedder | None = None, top_k: int = 10
    ) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]
        self._store = store
        self._view = view
        self._embedder = embedder
        self._top_k = top_k

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        view = self._view if isinstance(self._view, View) else self._view()
        found = retrieve(self._store, self._embedder, query_bundle.query_str, view, Limits(self._top_k, 5.0))
        return [_node(passage) for passage in found.passages]


def opened(settings: ModelSettings) -> LlamaIndexModel:
    """The LLM that `llm_class` names, made with `options`, at temperature 0 when they say nothing else.

    Raises:
        ModelMisconfigured: it is no class of llama-index's, is not installed, or refuses its options.
    """
    module, _, attribute = settings.llm_class.partition(":")
    if not module.startswith("llama_index.llms.") or not attribute:
        raise ModelMisconfigured(
            "model.llm_class names no LLM of llama-index", "write it as llama_index.llms.ollama:Ollama"
        )
    try:
        made: object = getattr(import_module(module), attribute)
    except ModuleNotFoundError:
        package = module.replace("_", "-").replace(".", "-")
        raise ModelMisconfigured(
            f"the package of {settings.llm_class} is not installed", f"pip install {package}"
        ) from None
    except AttributeError:
        raise ModelMisconfigured(f"there is no {settings.llm_class}", "see the integration's documentation") from None
    if not (isinstance(made, type) and issubclass(made, LLM)):
        raise ModelMisconfigured(f"{settings.llm_class} is no LLM", "name a class, not a function or an embedding")
    options = dict(settings.options)
    if "temperature" in made.model_fields:
        options.setdefault("temperature", 0.0)
    if settings.model:
        options.setdefault("model", settings.model)
    try:
        return LlamaIndexModel(cast("Callable[..., LLM]", made)(**options))
    except Exception as error:
        raise ModelMisconfigured(
            f"{settings.llm_class} refuses its options ({type(error).__name__})",
            "check model.options against the integration's documentation",
        ) from None


def graph_tools(
    store: GraphStore,
    *,
    now: Instant,
    as_of: Instant | None = None,
    audience: frozenset[str] = frozenset({PUBLIC}),
    embedder: Embedder | None = None,
) -> list[FunctionTool]:
    """Tools over the graph for a llama-index agent. All only read, as the audience; none takes a query language.

    Args:
        store: the graph.
        now: what "yesterday" is relative to.
        as_of: hides what took effect later.
        audience: the labels of whom the agent answers.
        embedder: for `search_passages`.
    """

    def answered(question: str, since: str = "", until: str = "") -> str:
        try:
            window = _moment(since), _moment(until)
        except ValueError:
            return msgspec.json.encode({"status": "refused", "answer": "since and until are RFC 3339 times"}).decode()
        answer = ask(store, question, as_of=as_of, since=window[0], until=window[1], audience=audience, now=now)
        shown = {
            "status": answer.status,
            "answer": answer.text,
            "citations": {c.id: c.url or c.locator for c in answer.citations},
            "candidates": [c.label for c in answer.candidates],
            "missing": answer.missing,
        }
        return msgspec.json.encode(shown).decode()[:_ANSWER_CHARS]

    def ask_infrastructure(question: str, since: str = "", until: str = "") -> str:
        """Answer a question about the infrastructure and its history with citations: who changed what, when and why, who approved
        it, when it reached an environment, what runs where, who owns it, what depends on it.

        Args:
            question (str): the question in plain English, naming one thing, such as: who changed the LB rule?
            since (str): only changes at or after this RFC 3339 time; empty for any.
            until (str): only changes before this RFC 3339 time; empty for any.
        """
        return answered(question, since, until)

    def dependencies_of(thing: str, direction: Literal["in", "out"] = "in") -> str:
        """What depends on a thing (direction in), or what it depends on (direction out).

        Args:
            thing (str): a name, an address or a path.
            direction (str): in or out.
        """
        return answered(f"what depends on {thing}?" if direction == "in" else f"what does {thing} depend on?")

    def search_passages(query: str) -> str:
        """Find messages, commit texts and documents by their words.

        Args:
            query (str): words to look for.
        """
        found = GraphRetriever(store, View(as_of, audience=audience), embedder=embedder).retrieve(query)
        shown = [{"text": n.node.get_content()[:1_000], "locator": n.node.metadata["locator"]} for n in found]
        return msgspec.json.encode(shown).decode()[:_ANSWER_CHARS]

    return [FunctionTool.from_defaults(fn=fn) for fn in (ask_infrastructure, dependencies_of, search_passages)]


def _node(passage: RankedPassage) -> NodeWithScore:
    hit = passage.hit
    said = hit.provenance
    metadata = {
        "ref": str(hit.ref),
        "kind": hit.ref.kind,
        "slot": hit.slot,
        "source": said.source,
        "locator": said.locator,
        "url": said.url or "",
        "since": rfc3339(hit.valid_from),
    }
    hidden = ["ref", "slot", "url"]
    node = TextNode(
        id_=f"{hit.ref}#{hit.slot}",
        text=hit.text,
        metadata=metadata,
        excluded_embed_metadata_keys=list(metadata),
        excluded_llm_metadata_keys=hidden,
    )
    return NodeWithScore(node=node, score=passage.score)


def _moment(text: str) -> Instant | None:
    return instant(text) if text.strip() else None


def _failure(name: str, error: Exception) -> ModelUnavailable | ModelMisconfigured:
    """What an integration's exception means, by the HTTP status most of them carry; none of its text is shown: it may hold a key."""
    status = getattr(error, "status_code", None)
    if status in (400, 401, 403, 404, 422):
        return ModelMisconfigured(f"{name} refuses us (HTTP {status})", "check model.options: key, model and region")
    return ModelUnavailable(f"{name} gave no answer ({type(error).__name__})", "ask again; check that it runs")


def _count(raw: object, names: Sequence[str]) -> int | None:
    """A token count, where the integration's raw answer has one in a usual place."""
    usage = _part(raw, "usage") or raw
    counts = (_part(usage, name) for name in names)
    return next((count for count in counts if isinstance(count, int)), None)


def _part(of: object, name: str) -> object:
    if isinstance(of, dict):
        return cast("dict[object, object]", of).get(name)
    return getattr(of, name, None)
