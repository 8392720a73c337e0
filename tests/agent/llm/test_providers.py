"""The providers against servers on loopback: what they send, and everything that can come back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import msgspec
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from agent.llm import Message, ModelAnswerInvalid, ModelError, ModelMisconfigured, ModelUnavailable
from agent.providers import open_model
from tests.agent.llm.extras import need
from tests.agent.llm.wires import KEY, WIRES, Wire, raw_server

need("anthropic", "anthropic")


class Answer(msgspec.Struct):
    number: int
    words: list[str]


ASKED = (Message("system", "Count."), Message("user", "How many?"))
GOOD = '{"number": 3, "words": ["a"]}'


@pytest.fixture(params=WIRES, ids=lambda w: w.provider)
def wire(request: pytest.FixtureRequest) -> Wire:
    return request.param


def base(server: HTTPServer, wire: Wire) -> str:
    return server.url_for("/v1" if wire.provider == "openai" else "").rstrip("/")


def asked(server: HTTPServer, at: int = -1) -> dict[str, object]:
    return json.loads(server.log[at][0].get_data())


def test_a_form_is_filled_in_and_the_tokens_are_counted(httpserver: HTTPServer, wire: Wire) -> None:
    httpserver.expect_request(wire.path, method="POST").respond_with_json(wire.said(GOOD))
    answer, used = open_model(wire.settings(base(httpserver, wire))).structured(ASKED, Answer)
    assert answer == Answer(3, ["a"])
    assert (used.calls, used.input_tokens, used.output_tokens) == (1, 31, 7)
    sent = asked(httpserver)
    assert sent.get("temperature") == (0 if wire.provider == "openai" else None)
    assert sent["model"] == "m-1"
    assert sent["max_tokens"] == 2_000
    assert KEY in httpserver.log[0][0].headers[wire.key_header]
    assert '"additionalProperties": false' in json.dumps(sent)


def test_only_the_key_of_the_settings_is_sent(
    httpserver: HTTPServer, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.setenv(name, "ambient")
    for name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/elsewhere")
    httpserver.expect_request(wire.path).respond_with_json(wire.said(GOOD))
    open_model(wire.settings(base(httpserver, wire))).structured(ASKED, Answer)
    assert "ambient" not in str(httpserver.log[0][0].headers)


def test_a_local_server_without_a_key_is_given_none_of_anybody(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "ambient")
    wire = WIRES[0]
    httpserver.expect_request(wire.path).respond_with_json(wire.said(GOOD))
    settings = wire.settings(base(httpserver, wire))
    open_model(type(settings)("openai", model="m", base_url=settings.base_url)).structured(ASKED, Answer)
    assert httpserver.log[0][0].headers["Authorization"] == "Bearer none"


@pytest.mark.parametrize(
    "text", ["I would say three.", GOOD[:12], '{"number": "3", "words": []}', "", "{}", "null", '{"numbers": [3]}']
)
def test_malformed_answers_are_repaired_once(httpserver: HTTPServer, wire: Wire, text: str) -> None:
    httpserver.expect_ordered_request(wire.path).respond_with_json(wire.said(text))
    httpserver.expect_ordered_request(wire.path).respond_with_json(wire.said(GOOD))
    answer, used = open_model(wire.settings(base(httpserver, wire))).structured(ASKED, Answer)
    assert answer.number == 3
    assert used.calls == 2
    messages = asked(httpserver)["messages"]
    assert isinstance(messages, list)
    assert [m["role"] for m in messages if m["role"] != "system"] == ["user", "assistant", "user"]  # pyright: ignore


def test_malformed_twice_is_invalid_and_says_so_in_a_sentence(httpserver: HTTPServer, wire: Wire) -> None:
    httpserver.expect_request(wire.path).respond_with_json(wire.said("no idea"))
    with pytest.raises(ModelAnswerInvalid, match="did not fill in the form") as caught:
        open_model(wire.settings(base(httpserver, wire))).structured(ASKED, Answer)
    assert caught.value.usage.tokens == 76
    assert len(httpserver.log) == 2


def test_a_call_of_a_tool_that_nobody_offered_is_no_answer(httpserver: HTTPServer, wire: Wire) -> None:
    body = wire.tool_call("run_shell", {"command": "ls", "number": 3, "words": ["a"]})
    httpserver.expect_request(wire.path).respond_with_json(body)
    with pytest.raises(ModelAnswerInvalid):
        open_model(wire.settings(base(httpserver, wire))).structured(ASKED, Answer)


def test_a_server_that_has_no_room_is_asked_again_after_the_wait_it_wants(httpserver: HTTPServer, wire: Wire) -> None:
    full = Response('{"error": {"message": "slow down"}}', 429, {"Retry-After": "0.2"}, content_type="application/json")
    httpserver.expect_ordered_request(wire.path).respond_with_response(full)
    httpserver.expect_ordered_request(wire.path).respond_with_json(wire.said(GOOD))
    started = time.monotonic()
    assert open_model(wire.settings(base(httpserver, wire))).structured(ASKED, Answer)[0].number == 3
    assert time.monotonic() - started >= 0.2


def test_a_long_wait_is_left_to_the_caller(httpserver: HTTPServer, wire: Wire) -> None:
    full = Response("{}", 429, {"Retry-After": "120"}, content_type="application/json")
    httpserver.expect_request(wire.path).respond_with_response(full)
    with pytest.raises(ModelUnavailable) as caught:
        open_model(wire.settings(base(httpserver, wire))).structured(ASKED, Answer)
    assert caught.value.retry_after_s == 120
    assert len(httpserver.log) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, ModelMisconfigured),
        (402, ModelMisconfigured),
        (403, ModelMisconfigured),
        (404, ModelMisconfigured),
        (413, ModelMisconfigured),
        (400, ModelMisconfigured),
        (418, ModelMisconfigured),
        (408, ModelUnavailable),
        (500, ModelUnavailable),
        (503, ModelUnavailable),
        (529, ModelUnavailable),
    ],
)
def test_a_status_says_whether_asking_again_can_help(
    httpserver: HTTPServer, wire: Wire, status: int, error: type[ModelError]
) -> None:
    said = {"error": {"message": f"Incorrect key {KEY} for <script>", "type": "some_error"}}
    httpserver.expect_request(wire.path).respond_with_json(said, status)
    with pytest.raises(error) as caught:
        open_model(wire.settings(base(httpserver, wire))).structured(ASKED, Answer)
    assert KEY not in f"{caught.value} {caught.value.hint}"
    assert "<script>" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    "body",
    [
        "<html><h1>Sign in</h1></html>",
        '"hello"',
        '{"hello": "world"}',
        '{"choices": 3, "content": 3}',
        '{"choices": [], "content": [], "deep": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
    ids=["html", "text", "else", "shape", "deep"],
)
def test_what_is_no_model_is_told_apart_from_one_that_is_away(httpserver: HTTPServer, wire: Wire, body: str) -> None:
    httpserver.expect_request(wire.path).respond_with_data(body, content_type="text/html")
    with pytest.raises(ModelMisconfigured) as caught:
        open_model(wire.settings(base(httpserver, wire))).structured(ASKED, Answer)
    assert "base_url" in caught.value.hint


def test_a_key_does_not_follow_a_redirection(httpserver: HTTPServer, wire: Wire) -> None:
    with HTTPServer(port=0) as elsewhere:
        elsewhere.expect_request(wire.path).respond_with_json(wire.said(GOOD))
        moved = Response("", 307, {"Location": elsewhere.url_for(wire.path)})
        httpserver.expect_request(wire.path).respond_with_response(moved)
        with pytest.raises(ModelMisconfigured, match="redirect"):
            open_model(wire.settings(base(httpserver, wire))).structured(ASKED, Answer)
        assert not elsewhere.log


def test_nobody_there_is_unavailable(wire: Wire) -> None:
    with raw_server(lambda: iter(())) as url:
        gone = url
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        open_model(wire.settings(gone)).structured(ASKED, Answer)


def test_a_body_that_breaks_off_is_unavailable(wire: Wire) -> None:
    body = json.dumps(wire.said(GOOD)).encode()

    def broken() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n" + body[:40]

    def chunked() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        yield b"%x\r\n%s\r\n" % (40, body[:40])

    def complete_but_half() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n" + body[:40]

    for chunks in (broken, chunked, complete_but_half):
        with raw_server(chunks) as url, pytest.raises(ModelUnavailable, match="broke off") as caught:
            open_model(wire.settings(url)).structured(ASKED, Answer)
        assert caught.value.billed


def test_a_server_that_says_nothing_times_out(wire: Wire) -> None:
    with raw_server(lambda: iter([b"", b"", b"HTTP/1.1"]), pause_s=1.0) as url:
        started = time.monotonic()
        with pytest.raises(ModelUnavailable, match="in time"):
            open_model(wire.settings(url, timeout_s=0.4)).structured(ASKED, Answer)
        assert time.monotonic() - started < 2


def test_a_server_that_sends_a_byte_now_and_then_times_out_as_a_whole(wire: Wire) -> None:
    def dribble() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
        for _ in range(100):
            yield b" "

    with raw_server(dribble, pause_s=0.1) as url:
        started = time.monotonic()
        with pytest.raises(ModelUnavailable, match="in time"):
            open_model(wire.settings(url, timeout_s=0.6)).structured(ASKED, Answer)
        assert time.monotonic() - started < 2


def test_an_endless_body_is_not_read_to_its_end(wire: Wire) -> None:
    def endless() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
        while True:
            yield b"[" * 1_000_000

    with raw_server(endless) as url, pytest.raises(ModelMisconfigured, match="bytes"):
        open_model(wire.settings(url)).structured(ASKED, Answer)


def test_an_answer_cut_at_its_length_says_so(httpserver: HTTPServer) -> None:
    body = WIRES[0].said(GOOD[:12])
    body["choices"][0]["finish_reason"] = "length"  # type: ignore[index] # pyright: ignore
    httpserver.expect_request(WIRES[0].path).respond_with_json(body)
    with pytest.raises(ModelAnswerInvalid, match="cut off"):
        open_model(WIRES[0].settings(base(httpserver, WIRES[0]))).structured(ASKED, Answer)


def test_a_model_that_may_not_be_made_to_use_the_form_is_asked_to(httpserver: HTTPServer) -> None:
    def handle(request: Request) -> Response:
        if json.loads(request.get_data())["tool_choice"]["type"] == "tool":
            said = {
                "type": "error",
                "error": {"type": "invalid_request_error", "message": "tool_choice: not with thinking"},
            }
            return Response(json.dumps(said), 400, content_type="application/json")
        return Response(json.dumps(WIRES[1].said(GOOD)), content_type="application/json")

    httpserver.expect_request(WIRES[1].path).respond_with_handler(handle)
    model = open_model(WIRES[1].settings(base(httpserver, WIRES[1])))
    for _ in range(2):
        assert model.structured(ASKED, Answer)[0].number == 3
    assert len(httpserver.log) == 3


class TestOlderServers:
    """What an OpenAI-compatible server does not know is left out, and not tried again."""

    def serve(self, httpserver: HTTPServer, refuses: tuple[tuple[str, str], ...]) -> None:
        def handle(request: Request) -> Response:
            sent = json.loads(request.get_data())
            for field, complaint in refuses:
                if field in sent:
                    return Response(json.dumps({"error": {"message": complaint}}), 400, content_type="application/json")
            body = WIRES[0].said(f"Here you are:\n```json\n{GOOD}\n```")
            del body["usage"]
            return Response(json.dumps(body), content_type="application/json")

        httpserver.expect_request(WIRES[0].path).respond_with_handler(handle)

    def test_a_schema_that_is_refused_is_put_in_words(self, httpserver: HTTPServer) -> None:
        self.serve(httpserver, (("response_format", "unsupported: json_schema"),))
        model = open_model(WIRES[0].settings(base(httpserver, WIRES[0])))
        for _ in range(2):
            answer, used = model.structured(ASKED, Answer)
            assert answer.number == 3
            assert used.input_tokens > 0, "counted by ourselves, as the server does not"
        assert len(httpserver.log) == 3, "the schema is not tried again"
        sent = asked(httpserver)
        assert "response_format" not in sent
        assert '\\"additionalProperties\\":false' in json.dumps(sent["messages"])

    def test_a_temperature_and_a_limit_that_are_refused_are_adapted(self, httpserver: HTTPServer) -> None:
        self.serve(
            httpserver,
            (
                ("max_tokens", "Use 'max_completion_tokens' instead of 'max_tokens'."),
                ("temperature", "Unsupported value: 'temperature' does not support 0"),
            ),
        )
        open_model(WIRES[0].settings(base(httpserver, WIRES[0]))).structured(ASKED, Answer)
        sent = asked(httpserver)
        assert sent["max_completion_tokens"] == 2_000
        assert "temperature" not in sent
        assert "response_format" in sent
