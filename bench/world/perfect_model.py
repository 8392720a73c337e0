"""A model that knows the labelled cause of an outage and says it in the forms that a model has: the most that typed proposals can add."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from agent.assist import ChecksForm, ProposalForm, SymptomForm, TextForm
from agent.llm import Message, ModelAnswerInvalid, T, Usage
from agent.llm_structured import estimated_tokens
from agent.symptom_sorts import SORTS
from graph.clock import instant
from graph.model import EntityRef
from graph.store import GraphStore, Limits, View

Json = Mapping[str, object]
_SORTS = {
    "data_loss": "data",
    "not_found": "errors",
    "5xx": "errors",
    "permission": "access_denied",
    "crash": "crash_loop",
}
_OFFERED = re.compile(r"^(h\d+) ((?:\[c\d+\])+) (\S+) (.*)$", re.M)
_THING = re.compile(r"^(e\d+) \S+ (.*)$", re.M)
_SQUASHED = re.compile(r" \(#\d+\)$")
_ROWS = Limits(rows=200)
_CITED = re.compile(r"\[(c\d+)\]")


class PerfectModel:
    """Reads the true sort of failure, proposes the true change where it is offered, and leaves checks and wording to the rules."""

    def __init__(self, label: Json, store: GraphStore) -> None:
        self._label = label
        self._titles = _titles(label, store)
        own = cast("Json", label["cause"])["names"] if label["kind"] in ("expiry", "quota") else ()
        self._names = [str(n) for n in cast("Sequence[object]", own)]
        self.named = False
        """Whether the true cause was among what was offered."""

    @property
    def name(self) -> str:
        """Always the same."""
        return "perfect"

    def structured(self, messages: Sequence[Message], schema: type[T]) -> tuple[T, Usage]:
        """What there is to be said. The tokens are an estimate of what a real model would have been sent."""
        made = self._made(messages[-1].content, schema)
        used = Usage(1, estimated_tokens(messages), len(msgspec.json.encode(made)) // 3)
        return msgspec.convert(made, schema), used

    def _made(self, data: str, schema: type[msgspec.Struct]) -> Json:
        if schema is SymptomForm:
            return self._reading()
        if schema is ProposalForm:
            return {"proposals": self._proposals(data)}
        if schema is ChecksForm:
            return {"checks": list[str]()}
        if schema is TextForm:
            return {"text": ""}
        raise ModelAnswerInvalid("a form that it does not know")

    def _reading(self) -> Json:
        symptom, sort = str(self._label["symptom"]), str(self._label["symptom_class"])
        name = _SORTS.get(sort, sort)
        path = [str(p) for p in cast("Sequence[object]", self._label["path"])]
        classes = [{"name": name, "quote": symptom[:150]}] if name in SORTS else []
        return {"classes": classes, "names": [p for p in path if p in symptom]}

    def _proposals(self, data: str) -> list[Json]:
        offered = [(m[1], _CITED.findall(m[2]), m[3], m[4]) for m in _OFFERED.finditer(data)]
        true = [
            one
            for one in offered
            if any(one[3].startswith(title) for title in self._titles) or any(n in one[3][:200] for n in self._names)
        ]
        if not true:
            return []
        effect = self._label["effect_at"]
        if isinstance(effect, str):
            true.sort(key=lambda one: abs(instant(one[2]) - instant(effect)))
        self.named = True
        handle, citations, _, _ = true[0]
        near = {str(p) for p in cast("Sequence[object]", self._label["path"])}
        things = [(m[1], m[2]) for m in _THING.finditer(data)]
        target = next((e for e, label in things if label in near), things[0][0])
        return [{"change": handle, "target": target, "mechanism": "this is it", "because": citations[:1]}]


def _titles(label: Json, store: GraphStore) -> frozenset[str]:
    """What the true change is called in the graph, under its several names: each begins its line."""
    truth = cast("Json", label["cause"])
    names = [str(n) for kind in ("shas", "events", "deployments") for n in cast("Sequence[object]", truth[kind])]
    view = View(as_of=instant(str(label["detected_at"])))
    refs = [a.ref for n in names for a in store.resolve_alias(n, view, _ROWS).items]
    refs += [EntityRef(f"Commit:{n}") for n in names]
    titles = {str(t) for e in store.entities(sorted(set(refs)), view) if (t := e.properties.get("title"))}
    return frozenset(_SQUASHED.sub("", t)[:120] for t in titles)
