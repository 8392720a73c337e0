"""Who an account belongs to, and which accounts a person has."""

from __future__ import annotations

import re

from agent.chain import person_name
from agent.context import Context, match
from agent.doors import doors
from agent.evidence import inline, text_of
from agent.model import Answer, EntityItem
from agent.people import find_people
from agent.phrasing import listing
from agent.questions.by_hand import explained
from graph.store import ChangeQuery, EntityView, Limits

_SHOWN = 5
_ACCOUNTS = 20


def answer(context: Context) -> Answer:
    """The person behind a name, login, mail address or session, with all their accounts and why they are taken for one."""
    mention = _account(context.question.mention)
    people = find_people(context.store, mention, context.view)
    found = {e.refs: e for e in context.store.entities([p.ref for p in people], context.view)}
    if not found:
        context.missing.append(f"no account or person called “{inline(mention, 60)}” is known")
        return context.answer("not_found", f"Nobody called “{inline(mention, 60)}” is known.", confidence=0.0)
    sentences: list[str] = []
    entities: list[EntityItem] = []
    for entity in list(found.values())[:_SHOWN]:
        said, cited = _told(context, entity)
        sentences.append(said)
        if any(s.properties.get("bot") is True for s in entity.statements):
            sentences += _runs(context, entity)
        entities.append(
            EntityItem(
                ref=str(entity.ref),
                kind=entity.kind,
                label=inline(person_name(entity)),
                properties={},
                citations=tuple(cited),
            )
        )
    ambiguous = len(found) > 1
    return context.answer(
        "ambiguous" if ambiguous else "answered",
        " ".join(sentences),
        confidence=0.9 if not ambiguous else 0.5,
        resolved=[match(p, 0.9) for p in people[:1]],
        candidates=[match(p, 0.4) for p in people[:_SHOWN]] if ambiguous else (),
        entities=entities,
    )


_LEADS = re.compile(
    r"^(?:(?:the|a|an|our|aws|slack|github|gitlab|kubernetes|k8s|pagerduty|iam|sso|git|cloudtrail|role|assumed|account|login|user(?:name)?|handle|session|"
    r"access|key|principal|identity|member|person|engineer|called|named|with|id)\s+)+(?=\S)",
    re.I,
)
_TAILS = re.compile(
    r"\s+(?:on|in|at|of|from)\s+(?:aws|slack|github|gitlab|kubernetes|k8s|pagerduty|git|cloudtrail|the cloud)\b.*$",
    re.I,
)


def _account(mention: str) -> str:
    """The name or id itself, without what says of which system it is."""
    return _LEADS.sub("", _TAILS.sub("", mention)).removesuffix("'s").strip()


def _runs(context: Context, entity: EntityView) -> list[str]:
    """Of a machine's session: the apply that it carried out, with its pipeline run."""
    query = ChangeQuery(by=list(entity.refs))
    events = [
        c for c in context.store.changes(query, context.view, Limits(rows=20)).items if c.change.kind == "AuditEvent"
    ]
    if not events:
        return []
    through = doors(context.store, context.view, events[:5])
    door = next((d for d in through.values() if d.explained_by), None)
    return explained(context, door) if door else []


def _told(context: Context, entity: EntityView) -> tuple[str, list[str]]:
    accounts = [s for s in entity.statements if s.ref.kind == "Account"]
    bot = any(s.properties.get("bot") is True for s in accounts)
    cited: list[str] = []
    names: list[str] = []
    for statement in sorted(accounts, key=lambda s: (text_of(s.properties, "system"), s.ref))[:_ACCOUNTS]:
        system = text_of(statement.properties, "system")
        login = (
            text_of(statement.properties, "login")
            or text_of(statement.properties, "email")
            or text_of(statement.properties, "name")
        )
        names.append(f"{inline(system, 20)} {inline(login, 120)}".strip())
        cited.append(context.citations.cite(statement.provenance))
    what = " (automation)" if bot else ""
    said = (
        f"{inline(person_name(entity), 80)}{what} is {listing(list(dict.fromkeys(names)), _ACCOUNTS)}."
        if names
        else f"{inline(person_name(entity), 80)} is known without an account."
    )
    teams = context.store.neighbours(
        [entity.ref], context.view, Limits(rows=20), types=("MEMBER_OF",), direction="out"
    ).items
    of = context.store.entities(sorted({e.dst for e in teams if e.dst.kind == "Team"}), context.view)
    if of:
        said += f" In {listing([inline(text_of(t.properties, 'name'), 60) for t in of])}."
        cited += [context.citations.cite(t.statements[0].provenance) for t in of[:3]]
    return context.state(said, *dict.fromkeys(cited)), list(dict.fromkeys(cited))
