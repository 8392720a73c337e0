"""Who answers for something: stated ownership, else the CODEOWNERS line that matches its file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from agent.context import Context, match, named
from agent.evidence import inline, text_of
from agent.lineage import changes_of
from agent.model import Answer, EntityItem, RelationItem
from agent.named_service import service_in
from agent.phrasing import listing
from agent.target import Target, find_target, not_found
from graph.lexicon import Thing, things
from graph.store import EntityView, Limits
from graph.text import name_tokens

_RECENT = 200


def answer(context: Context) -> Answer:
    """The owners with what says so; without any, who changed it most, which is not the same."""
    if _is_service(context):
        from agent.questions import on_call

        found = on_call.answer(context)
        if found.status != "not_found":
            return found
    return by_code(context)


def by_code(context: Context) -> Answer:
    """What is stated of a thing itself, or of the file it stands in."""
    target = find_target(context, context.question.mention)
    if target is None:
        return not_found(context, context.question.mention)
    found = target.things[0] if target.things else None
    entities, relations, sentences = _stated(context, target)
    if not sentences:
        rule = _rule(context, *_file(target))
        if rule:
            sentences, entities = _by_rule(context, target, rule)
    confidence = target.confidence
    if not sentences:
        context.missing.append("no CODEOWNERS line and no stated owner covers this")
        sentences = _most_active(context, target)
        confidence *= 0.3
    label = named(found) if found else inline(target.place.label if target.place else context.question.mention)
    text = " ".join(sentences) or f"Nobody is named as the owner of {label}."
    resolved = target.resolved or ((match(found, confidence),) if found else ())
    return context.answer(
        "ambiguous" if target.ambiguous else "answered",
        text,
        confidence=confidence,
        resolved=resolved,
        candidates=target.candidates,
        entities=entities,
        relations=relations,
    )


def _is_service(context: Context) -> bool:
    """Whether the mention is the name of a service and nothing else."""
    words = [w for w in name_tokens(context.question.mention) if w not in ("the", "service", "our")]
    name = service_in(context, context.question.mention)
    return bool(name) and words == list(name_tokens(name))


def _stated(context: Context, target: Target) -> tuple[list[EntityItem], list[RelationItem], list[str]]:
    if not target.refs:
        return [], [], []
    edges = context.store.neighbours(
        target.refs[:100], context.view, Limits(rows=100), types=("OWNED_BY",), direction="out"
    ).items
    owners = {t.ref: t for t in things(context.store, [e.dst for e in edges], context.view)}
    entities: list[EntityItem] = []
    relations: list[RelationItem] = []
    names: list[str] = []
    cited: list[str] = []
    for edge in edges:
        owner = owners.get(edge.dst)
        if owner is None:
            continue
        citation = context.citations.cite(edge.statements[0].provenance)
        cited.append(citation)
        names.append(inline(owner.label))
        entities.append(item(owner, citation))
        relations.append(RelationItem(type=edge.type, src=str(edge.src), dst=str(edge.dst), citations=(citation,)))
    if not names:
        return [], [], []
    sentence = context.state(f"{named(target.thing)} is owned by {listing(list(dict.fromkeys(names)))}.", *cited)
    return entities, relations, [sentence]


def item(found: Thing, *citations: str) -> EntityItem:
    """A thing among the answer's entities."""
    return EntityItem(
        ref=str(found.ref),
        kind=found.ref.kind,
        label=inline(found.label),
        properties=dict(found.properties),
        citations=citations,
    )


def _file(target: Target) -> tuple[str, str]:
    """The repository and the path whose owner is sought."""
    if target.place:
        repository = target.place.repositories[0] if target.place.repositories else ""
        return repository, target.place.prefixes[0] if target.place.prefixes else ""
    if not target.things:
        return "", ""
    found = target.thing
    return found.text("repository"), found.text("path") or found.text("directory")


def _rule(context: Context, repository: str, path: str) -> EntityView | None:
    """The last line that matches a path, as https://docs.github.com/articles/about-code-owners has it."""
    where = {"repository": [repository]} if repository else {}
    rules = context.store.select("OwnershipRule", where, context.view, Limits(rows=10_000)).items
    for rule in sorted(rules, key=_line, reverse=True):
        if matches_path(text_of(rule.properties, "pattern"), path):
            return rule
    return None


def _line(rule: EntityView) -> int:
    line = rule.properties.get("line")
    return line if isinstance(line, int) else int(line) if isinstance(line, str) and line.isdigit() else 0


def matches_path(pattern: str, path: str) -> bool:
    """Whether a CODEOWNERS pattern covers a file or directory.

    Like `.gitignore`, save that `docs/*` does not reach into subdirectories and that `!` and `[ ]` mean nothing.
    """
    if not pattern or pattern.startswith(("!", "#")) or "[" in pattern:
        return False
    if pattern in ("*", "**", "/"):
        return True
    if not path:
        return False
    import pathspec

    if pattern.endswith("/*") and not pattern.endswith("**/*"):
        base = pattern[:-2].strip("/")
        depth = base.count("/") + 1
        return path.count("/") == depth and pathspec.GitIgnoreSpec.from_lines([f"/{base}/"]).match_file(path)
    spec = pathspec.GitIgnoreSpec.from_lines([pattern])
    return bool(spec.match_file(path) or spec.match_file(path.rstrip("/") + "/"))


def _by_rule(context: Context, target: Target, rule: EntityView) -> tuple[list[str], list[EntityItem]]:
    owners = rule.properties.get("owners")
    names = [inline(str(o), 80) for o in owners] if isinstance(owners, Sequence) and not isinstance(owners, str) else []
    citation = context.citations.cite(rule.statements[0].provenance)
    label = named(target.thing) if target.things else inline(target.place.label if target.place else "it")
    pattern = inline(text_of(rule.properties, "pattern"), 120)
    entity = EntityItem(
        ref=str(rule.ref), kind=rule.kind, label=pattern, properties=dict(rule.properties), citations=(citation,)
    )
    if not names:
        return [context.state(f"CODEOWNERS leaves {label} without an owner (line “{pattern}”).", citation)], [entity]
    said = f"{label} is owned by {listing(names)}, by the CODEOWNERS line “{pattern}”."
    return [context.state(said, citation)], [entity]


def _most_active(context: Context, target: Target) -> list[str]:
    """Who changed it most, for want of an owner."""
    label = named(target.thing) if target.things else inline(target.place.label if target.place else "it")
    sentence = f"Nobody is named as the owner of {label}."
    if not target.refs:
        return [sentence]
    changes = changes_of(context.store, target.refs, context.view, rows=_RECENT).changes
    if not changes:
        return [sentence]
    refs = list(dict.fromkeys(c.change for c in changes))
    edges = context.store.neighbours(
        refs, context.view, Limits(rows=_RECENT * 2), types=("AUTHORED_BY",), direction="out"
    ).items
    counts = Counter(e.dst for e in edges)
    if not counts:
        return [sentence]
    author, count = counts.most_common(1)[0]
    person = next(iter(things(context.store, [author], context.view)), None)
    if person is None:
        return [sentence]
    name = inline(person.text("name") or person.label)
    newest = next(c for c in changes if any(e.src == c.change and e.dst == author for e in edges))
    told = f"Most of its changes ({count} of {len(refs)}) were made by {name}."
    return [sentence, context.state(told, context.citations.cite(newest.provenance))]
