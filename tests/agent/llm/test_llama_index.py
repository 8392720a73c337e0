"""llama-index with us: its LLMs as our model, our graph as its retriever and tools, on the bundled company in either store."""

# ruff: noqa: TID251 - plays an application that is built on the library

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

# whether it must be there: test_settings
pytest.importorskip("llama_index.core", reason="the extra llama-index is not installed")

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    CompletionResponseGen,
    LLMMetadata,
)
from llama_index.core.llms import CustomLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.tools import FunctionTool
from msgspec.structs import replace

from agent.ask import ask
from agent.free_language import ask_freely
from agent.llm import Message, ModelAnswerInvalid, ModelMisconfigured, ModelUnavailable
from agent.llm_structured import StructuredModel
from agent.providers.llama_index import GraphRetriever, LlamaIndexModel, graph_tools
from agent.providers.scripted import Scripted
from api.settings import load
from api.wiring import Engine
from examples.build import build
from graph.clock import instant
from graph.model import PUBLIC
from graph.store import GraphStore, View
from graph.stores import open_store
from graph.stores.sqlite import SqliteStore
from ingest.redact import redact_text
from tests import neo4j_server as harness
from tests.agent.world import NOW, World
from tests.neo4j_server import Target

neo4j_server = harness.neo4j_server_fixture
neo4j_target = harness.neo4j_target

TODAY = instant("2026-10-01T00:00:00")
QUESTION = "who changed the LB rule?"
FREE = "hey, which of us fiddled with the LB rule?"


class SaysNext(CustomLLM):
    """A llama-index LLM that says what it was told to, whichever way it is asked."""

    lines: list[str]
    asked: list[str]
    counted: dict[str, object] | None = None

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="says-next")

    def chat(self, messages: Sequence[ChatMessage], **kwargs: object) -> ChatResponse:  # pyright: ignore
        self.asked.append("\n".join(str(m.content) for m in messages))
        message = ChatMessage(role="assistant", content=self.lines.pop(0))
        return ChatResponse(message=message, raw={"usage": self.counted} if self.counted else None)

    def complete(self, prompt: str, formatted: bool = False, **kwargs: object) -> CompletionResponse:  # pyright: ignore
        self.asked.append(prompt)
        return CompletionResponse(text=self.lines.pop(0))

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: object) -> CompletionResponseGen:  # pyright: ignore
        raise NotImplementedError


class Answer(msgspec.Struct):
    number: int


ASKED = (Message("system", "Count."), Message("user", "How many?"))


class TestModel:
    def model(self, *lines: str, **counted: object) -> tuple[StructuredModel, SaysNext]:
        llm = SaysNext(lines=list(lines), asked=[], counted=dict(counted) or None)
        return StructuredModel(LlamaIndexModel(llm)), llm

    def test_any_llm_fills_in_a_form(self) -> None:
        model, llm = self.model('Here: ```json\n{"number": 3}\n```', prompt_tokens=21, completion_tokens=4)
        answer, used = model.structured(ASKED, Answer)
        assert answer == Answer(3)
        assert (used.input_tokens, used.output_tokens) == (21, 4)
        assert '"number"' in llm.asked[0]
        assert "How many?" in llm.asked[0]
        assert model.name == "llama-index/SaysNext/says-next"

    def test_malformed_answers_are_repaired_once(self) -> None:
        model, llm = self.model("three", '{"number": 3}')
        assert model.structured(ASKED, Answer)[0] == Answer(3)
        assert len(llm.asked) == 2
        hopeless, _ = self.model("three", "drei")
        with pytest.raises(ModelAnswerInvalid):
            hopeless.structured(ASKED, Answer)

    @pytest.mark.parametrize(
        ("status", "error"), [(401, ModelMisconfigured), (429, ModelUnavailable), (None, ModelUnavailable)]
    )
    def test_what_an_integration_raises_is_a_sentence_without_its_words(
        self, status: int | None, error: type[Exception], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Theirs(Exception):
            status_code = status

        def fail(self: SaysNext, messages: object, **kwargs: object) -> ChatResponse:
            raise Theirs("your key abc123 is wrong")

        model, _ = self.model()
        monkeypatch.setattr(SaysNext, "chat", fail)
        with pytest.raises(error) as caught:
            model.structured(ASKED, Answer)
        assert "abc123" not in str(caught.value)


class TestRetriever:
    def test_only_what_the_reader_may_see_is_a_node(self) -> None:
        world = World()
        world.commit("Lower the pool size")
        world.commit("Raise the pool size in secret", label="few")
        with SqliteStore() as store:
            world.into(store)
            shown = GraphRetriever(store, View()).retrieve("pool size")
            assert [n.node.get_content() for n in shown] == ["Lower the pool size"]
            node = shown[0]
            assert node.score
            assert node.score > 0
            assert node.node.metadata["source"] == "git"
            assert "@" in node.node.metadata["locator"]
            everything = GraphRetriever(store, lambda: View(audience=frozenset({PUBLIC, "few"})))
            assert len(everything.retrieve("pool size")) == 2
            assert GraphRetriever(store, View(as_of=world.at - NOW)).retrieve("pool size") == []
            assert GraphRetriever(store, View(), top_k=1).retrieve("") == []

    def test_a_tool_says_what_it_cannot_read(self) -> None:
        with SqliteStore() as store:
            (ask_tool, *_) = graph_tools(store, now=NOW)
            assert said(ask_tool, question="who changed x?", since="the flood")["status"] == "refused"
            assert said(ask_tool, question="drop the database")["status"] == "refused"


def said(tool: FunctionTool, **given: object) -> Mapping[str, object]:
    return json.loads(str(tool(**given).raw_output))


# -- the demo


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("company")
    build(directory)
    return directory


def ingested(company: Path, url: str, environment: Mapping[str, str]) -> None:
    """The company's repositories, which have the question's answer; ingesting everything else takes a server a minute."""
    settings = load(company / "lore.yaml", {"HOME": str(company), **environment})
    repositories = tuple(entry for entry in settings.sources if "git" in entry)
    with Engine(
        replace(settings, store=url, embedder="none", sources=repositories, data_directory=company / "data")
    ) as engine:
        for report in engine.ingest(engine.configured_sources()):
            assert report.error is None


@pytest.fixture(params=["sqlite", "neo4j"])
def store(request: pytest.FixtureRequest, company: Path, tmp_path: Path) -> Iterator[GraphStore]:
    """The bundled company in a store, opened by its URL as a user's would be."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path}/lore.db"
            ingested(company, url, {})
            yield stack.enter_context(open_store(url))
        else:
            target: Target = request.getfixturevalue("neo4j_target")
            ingested(company, target.uri, target.environment())
            yield stack.enter_context(
                open_store(target.uri, user=target.user, password=target.password, database=target.database)
            )


def test_a_question_of_the_demo_is_answered_through_llama_index(store: GraphStore) -> None:
    """By a tool, by the retriever inside llama-index's own query engine, and in free language by its LLM: all of one store."""
    plain = ask(store, QUESTION, now=TODAY)
    assert "Ines Duarte" in plain.text

    tools = {tool.metadata.name: tool for tool in graph_tools(store, now=TODAY)}
    assert set(tools) == {"ask_infrastructure", "dependencies_of", "search_passages"}
    answered = said(tools["ask_infrastructure"], question=QUESTION)
    assert answered["status"] == plain.status
    assert answered["answer"] == plain.text
    assert answered["citations"] == {c.id: c.url or c.locator for c in plain.citations}
    found = json.loads(str(tools["search_passages"](query="payments before checkout").raw_output))
    assert any("Payments before checkout" in passage["text"] for passage in found)

    llm = SaysNext(lines=["Payments win."], asked=[])
    retriever = GraphRetriever(store, View(), top_k=5)
    nodes = retriever.retrieve("payments before checkout")
    assert nodes
    engine = RetrieverQueryEngine.from_args(retriever, llm=llm)
    response = engine.query("payments before checkout")
    assert str(response) == "Payments win."
    assert [n.node_id for n in response.source_nodes] == [n.node_id for n in nodes]
    assert "Payments before checkout" in llm.asked[0]

    lines = [
        json.dumps(
            {
                "queries": [
                    {
                        "kind": "who_changed",
                        "mention": "LB rule",
                        "when": "",
                        "by": "",
                        "environment": "",
                        "attribute": "",
                        "effects": [],
                        "direction": "in",
                    }
                ]
            }
        ),
        json.dumps(
            {"text": "Ines Duarte changed aws_lb_listener_rule.payments on 2026-08-25 [c1]. Mallory wrote it [c1]."}
        ),
    ]
    model = StructuredModel(LlamaIndexModel(SaysNext(lines=lines, asked=[])))
    freely = ask_freely(model, store, FREE, redact=redact_text, now=TODAY)
    assert freely.changes == plain.changes
    assert "Ines Duarte changed aws_lb_listener_rule.payments on 2026-08-25 [c1]." in freely.text
    assert "Mallory" not in freely.text
    assert freely.usage.llm_calls == 2


def test_the_scripted_provider_and_a_llama_index_llm_are_asked_the_same() -> None:
    llm, script = SaysNext(lines=['{"number": 1}'], asked=[]), Scripted(['{"number": 1}'])
    StructuredModel(LlamaIndexModel(llm)).structured(ASKED, Answer)
    StructuredModel(script).structured(ASKED, Answer)
    (asked, _) = script.asked[0]
    assert all(message.content in llm.asked[0] for message in asked)
