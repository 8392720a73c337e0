"""`/api/v1/ask`: a question in words, a cited answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.answers import Asked
from api.routes.v1.parts import Parts, TimeText, answered, moment
from api.tokens import Caller, needs

Asker = Annotated[Caller, Depends(needs("ask"))]

MOST_CHARS = 4_000
_EXAMPLE = {
    "schema": "lore.answer/1",
    "question": "who changed the LB rule?",
    "kind": "who_changed",
    "as_of": None,
    "known_at": None,
    "status": "answered",
    "text": "aws_lb_listener_rule.checkout (prod/lb.tf) was last changed by Ann on 2026-05-19 [c1].",
    "citations": [
        {"id": "c1", "source": "git", "locator": "acme/infra@…:prod/lb.tf#L10-L20", "url": None, "observed_at": "2026-05-19T14:11:00Z"}
    ],
    "confidence": 0.9,
}  # fmt: skip
ANSWER: dict[int | str, dict[str, object]] = {
    200: {
        "description": "The answer: `lore.answer/1`. What is not known is answered too, with the status `not_found`.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}, "example": _EXAMPLE}},
    }
}


class Question(BaseModel):
    """What is asked. Times are RFC 3339, or a date."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"question": "who changed the LB rule?", "as_of": "2026-05-19T14:30:00Z"}]},
    )

    question: str = Field(min_length=1, max_length=MOST_CHARS)
    as_of: str | None = Field(
        default=None, max_length=60, description="answer as of this time: later changes are not seen"
    )
    known_at: str | None = Field(
        default=None, max_length=60, description="use only what had been recorded at this time"
    )
    since: str | None = Field(default=None, max_length=60, description="only changes at or after this time")
    until: str | None = Field(default=None, max_length=60, description="only changes before this time")


def ask(parts: Parts) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1", tags=["ask"])

    async def answer(caller: Caller, question: Question) -> Response:
        asked = Asked(
            question.question,
            caller.audience,
            moment("as_of", question.as_of),
            moment("known_at", question.known_at),
            moment("since", question.since),
            moment("until", question.until),
        )
        return answered(await parts.answers.ask(asked))

    @router.post("/ask", operation_id="ask", summary="Ask a question", responses=ANSWER)
    async def post(question: Question, caller: Asker) -> Response:
        return await answer(caller, question)

    @router.get("/ask", operation_id="ask_by_url", summary="Ask a question in a URL", responses=ANSWER)
    async def get(
        caller: Asker,
        q: Annotated[
            str, Query(min_length=1, max_length=MOST_CHARS, description="the question", examples=["who owns checkout?"])
        ],
        as_of: TimeText = None,
        known_at: TimeText = None,
        since: TimeText = None,
        until: TimeText = None,
    ) -> Response:
        question = Question.model_construct(question=q, as_of=as_of, known_at=known_at, since=since, until=until)
        return await answer(caller, question)

    del post, get  # the router keeps them
    return router
