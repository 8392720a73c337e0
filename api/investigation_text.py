"""An investigation for a terminal: first what somebody woken at night needs, then the shortlist, the tree, the report and the citations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.investigation import Advice, Cause, Investigation, Node
from api.investigation_words import (
    blind_spots,
    children,
    command,
    fate,
    mark,
    moment,
    names,
    percent,
    safety,
    stopped,
    strongest,
    title,
    verdict,
    weight,
    when,
)
from api.render import plain
from api.text_layout import cells, cut, fit, section, wrap

FIRST_LINES = 15
EVIDENCE_SHOWN = 3
NODES_SHOWN = 60
CHILDREN_SHOWN = 8
DEPTH_SHOWN = 12
STEPS_SHOWN = 100
_LABEL = 12


def investigation_text(
    investigation: Investigation, *, tree: bool = False, steps: bool = False, width: int = 100
) -> str:
    """All of it. `tree` adds the tree of hypotheses, `steps` what was asked in which order; `width` in columns (60 to 120)."""
    width = fit(width)
    parts = [first_lines(investigation, width=width), _shortlist(investigation, width)]
    if tree:
        parts.append(tree_text(investigation, width=width))
    if steps:
        parts.append(_steps(investigation, width))
    parts += _report(investigation, width)
    text = "\n\n".join(p for p in parts if p)
    cited = _citations(investigation, text)
    return f"{text}\n\n{cited}" if cited else text


def first_lines(investigation: Investigation, *, width: int = 100, provisional: bool = False) -> str:
    """At most 15 lines: suspect, person, when it took effect, how sure, blind spots, how to take it back and whether that is safe, who is on call.

    `provisional` says that the search goes on.
    """
    width = fit(width)
    said = verdict(investigation)
    fields = [
        _Field("", f"So far: {said}" if provisional else said, 2, 4, alone=True),
        _Field("Symptom", _symptom(investigation, width)),
        *(_Field("Note", note) for note in investigation.notes[:1]),
        *_suspect(investigation),
        *_blind(investigation),
        *_rollback(investigation),
        _Field("On call", ", ".join(investigation.on_call) or "nobody is known to be"),
    ]
    shown = [f.lines(width) for f in fields]
    while sum(map(len, shown)) > FIRST_LINES:
        # The last line of what can best do without.
        longest = min((i for i, lines in enumerate(shown) if len(lines) > 1), key=lambda i: fields[i].worth)
        fields[longest] = replace(fields[longest], most=len(shown[longest]) - 1)
        shown[longest] = fields[longest].lines(width)
    return "\n".join(line for lines in shown for line in lines)


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of the first lines: at most so many lines, and how much its second line is worth. `whole`: in one line, however long; `alone`: over the whole width."""

    name: str
    text: str
    most: int = 1
    worth: int = 9
    whole: bool = False
    alone: bool = False

    def lines(self, width: int) -> list[str]:
        """Its lines; those after the first stand under its text."""
        if self.alone:
            return wrap(self.text, width, most=self.most)
        head = f"{self.name:<{_LABEL}}"
        if self.whole:
            # A command can be copied from one line only.
            return [head + plain(self.text)]
        return wrap(self.text, width, first=head, then=" " * _LABEL, most=self.most)


def _symptom(investigation: Investigation, width: int) -> str:
    place = f" in {investigation.environment}" if investigation.environment else ""
    where = f" (detected {moment(investigation.detected_at)}{place})"
    return cut(investigation.symptom, max(20, width - _LABEL - cells(where))) + where


def _suspect(investigation: Investigation) -> list[_Field]:
    if not investigation.causes:
        return []
    first = investigation.causes[0]
    if investigation.verdict == "no_cause_found":
        return [_Field("Likeliest", f"{title(first)} ({percent(first.probability)}), which is not enough", 2, 3)]
    marks = "".join(f"[{c}]" for c in first.citations[:2])
    fields = [_Field("Suspect", f"{title(first)} {marks}".rstrip(), 2, 3)]
    told = f"{title(first)} {first.mechanism}"
    where = first.target_label if first.target_label not in told else ""
    what = ": ".join(p for p in (where, first.mechanism) if p)
    if what:
        fields.append(_Field("What", what, 3, 1))
    by = first.by or ("nobody known" if first.change is not None else "nobody: it is not a change")
    looked_up = names(first)
    fields.append(_Field("By", by + (f" ({looked_up})" if looked_up else "")))
    return [*fields, _Field("When", when(first))]


def _blind(investigation: Investigation) -> list[_Field]:
    blind = list(blind_spots(investigation))
    if not blind:
        return []
    more = f"({len(blind) - 1} more below) " if len(blind) > 1 else ""
    return [_Field("Not seen", more + blind[0], 2, 2)]


def _rollback(investigation: Investigation) -> list[_Field]:
    back = investigation.rollback
    if investigation.verdict == "no_cause_found":
        return [_Field("Take back", "nothing yet: no cause is sure enough")]
    if back is None:
        return [_Field("Take back", "nothing is known that takes it back")] if investigation.causes else []
    line = command(back)
    first = [_Field("Take back", line, 2, 5, whole=line.startswith("$ "))] if line else []
    return [*first, _Field("" if line else "Take back", f"{safety(investigation, back)}. {back.why}", 3, 6)]


# -- the shortlist


def _shortlist(investigation: Investigation, width: int) -> str:
    lines: list[str] = []
    for cause in investigation.causes:
        head = f"{cause.rank:>2}  {percent(cause.probability):>4}  "
        indent = " " * len(head)
        lines += _marked(title(cause), cause.citations[:2], width, head, indent, 2)
        by = f" by {cause.by}" if cause.by else ""
        lines += wrap(f"{_kind(cause)}{by}, {when(cause)}", width, first=indent, then=indent, most=2)
        for one in strongest(cause.evidence, EVIDENCE_SHOWN):
            hang = " " * (len(indent) + 6)
            told = f"{indent}{weight(one.weight):>4}  "
            lines += _marked(one.reason.rstrip("."), one.citations[:2], width, told, hang, 3)
    if investigation.truncated:
        lines.append("    …   others are not listed")
    lines.append(f"    {percent(investigation.unnamed):>4}  something that is not listed")
    return section("Suspects (the numbers weigh the evidence: above zero speaks for it)", lines)


def _kind(cause: Cause) -> str:
    return {"manual": "made by hand", "external": "something outside"}.get(cause.kind, cause.kind)


# -- the tree


def tree_text(investigation: Investigation, *, width: int = 100) -> str:
    """The tree of hypotheses, likeliest branch first, what was ruled out marked so; at most 60 nodes."""
    width = fit(width)
    of = children(investigation.tree.nodes)
    lines: list[str] = []
    for line in _branches(of, None, "", width, 0):
        lines.append(line)
        if len(lines) == NODES_SHOWN:
            lines.append(f"… {len(investigation.tree.nodes) - NODES_SHOWN} more")
            break
    return section(f"Hypotheses ({stopped(investigation)})", lines)


def _branches(
    of: Mapping[str | None, Sequence[Node]], parent: str | None, before: str, width: int, depth: int
) -> Iterator[str]:
    some = of.get(parent, ())
    shown, hidden = some[:CHILDREN_SHOWN], some[CHILDREN_SHOWN:]
    for i, node in enumerate(shown):
        last = i == len(shown) - 1 and not hidden
        branch = before + ("" if depth == 0 else "└─ " if last else "├─ ")
        yield _node(node, branch, width)
        below = before + ("" if depth == 0 else "   " if last else "│  ")
        if depth < DEPTH_SHOWN:
            yield from _branches(of, node.id, below, width, depth + 1)
        elif of.get(node.id):
            yield f"{below}└─ …"
    if hidden:
        rest = sum(n.posterior for n in hidden)
        yield f"{before}{'└─ ' if depth else ''}… {len(hidden)} more, {percent(rest)} together"


def _node(node: Node, branch: str, width: int) -> str:
    told = fate(node)
    moved = f", was {percent(node.prior)}" if percent(node.prior) != percent(node.posterior) else ""
    tail = f"  {percent(node.posterior)}{moved}{f', {told}' if told else ''}"
    head = f"{branch}{mark(node)} "
    return head + cut(node.claim, max(16, width - cells(head) - cells(tail))) + tail


def _steps(investigation: Investigation, width: int) -> str:
    path = investigation.tree.path
    lines: list[str] = []
    for one in path[:STEPS_SHOWN]:
        head = f"{one.step:>3}. "
        indent = " " * len(head)
        lines += wrap(f"{one.check} of {one.node}: {one.outcome}", width, first=head, then=indent, most=3)
        why = f"asked because {one.because}; " if one.because else ""
        lines += wrap(
            f"{why}best is {one.best} with {percent(one.probability)}", width, first=indent, then=indent, most=2
        )
    if len(path) > STEPS_SHOWN:
        lines.append(f"     … {len(path) - STEPS_SHOWN} more")
    return section("Steps", lines)


# -- the report


def _report(investigation: Investigation, width: int) -> list[str]:
    report = investigation.report
    times = [
        line
        for m in report.timeline
        for line in _marked(m.what, m.citations, width, f"  {m.at[:10]} {m.at[11:19] or '        '}  ", " " * 23, 3)
    ]
    affected = [
        f"{a.label} ({a.kind}, {a.distance} link{'' if a.distance == 1 else 's'} away)" for a in report.blast_radius
    ]
    alike = [
        f"{s.id}, {percent(s.similarity)} alike: {s.cause}{f'; fixed by {s.fix}' if s.fix else ''}"
        f"{f' (confirmed by {s.confirmed_by})' if s.confirmed_by else ''}{'; it moved the ranking' if s.used else ''}"
        for s in investigation.similar_incidents
    ]
    chain = [line for i, c in enumerate(report.chain) for line in _listed([c], width, sign="→ " if i else "  ")]
    return [
        section("Timeline", times),
        section("Root cause", wrap(report.root_cause, width, first="  ", then="  ") if report.root_cause else []),
        section("From cause to symptom", chain),
        section("Who else depends on it", _listed(affected, width)),
        section("Do now", _advice(report.mitigation, width)),
        section("Do later", _advice(report.long_term_fix, width)),
        section("Like it before", _listed(alike, width)),
        section(
            "Ruled out",
            [
                line
                for r in report.ruled_out
                for line in _marked(f"{r.label}: {r.why}", r.citations, width, "  - ", "    ", 4)
            ],
        ),
        section("What could not be seen", _listed(blind_spots(investigation), width)),
        "Lists of this report were cut." if report.truncated else "",
    ]


def _marked(text: str, citations: Sequence[str], width: int, first: str, then: str, most: int) -> list[str]:
    """A text with its marks in at most so many lines: when it is too long the text is cut, and not the marks."""
    marks = "".join(f"[{c}]" for c in citations)
    for room in (most, most - 1):
        lines = wrap(f"{cut(text, room * (width - cells(first)))} {marks}".rstrip(), width, first=first, then=then)
        if len(lines) <= most:
            return lines
    return wrap(
        f"{cut(text, (most - 1) * (width - cells(first)) * 2 // 3)} {marks}".rstrip(), width, first=first, then=then
    )


def _listed(items: Iterable[str], width: int, *, sign: str = "- ") -> list[str]:
    return [line for item in items for line in wrap(item, width, first=f"  {sign}", then="    ", most=6)]


def _advice(advice: Iterable[Advice], width: int) -> list[str]:
    lines: list[str] = []
    for one in advice:
        lines += _marked(one.text, one.citations, width, "  - ", "    ", 8)
        if one.command:
            lines.append(f"    $ {plain(one.command)}")
    return lines


def _citations(investigation: Investigation, shown: str) -> str:
    """What the marks in this text lead to, each in one line however long, so that it can be copied."""
    lines: list[str] = []
    used = [c for c in investigation.citations if f"[{c.id}]" in shown]
    for c in used:
        lines.append(f"[{c.id}] {plain(c.locator)}")
        if c.url and c.url != c.locator:
            lines.append(" " * (len(c.id) + 3) + plain(c.url))
    rest = len(investigation.citations) - len(used)
    if rest:
        lines.append(f"… {rest} more; --output json has them")
    return "\n".join(lines)
