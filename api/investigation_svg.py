"""The tree of hypotheses as a picture (SVG 1.1), readable on light and dark ground, without scripts and without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from agent.investigation import Investigation, Node
from api.investigation_words import children, fate, mark, percent, stopped, verdict
from api.text_layout import cells, cut

NODES_SHOWN = 80
DEPTH_SHOWN = 10
CHILDREN_SHOWN = 10
_ROW = 34
_STEP = 26
_LEFT = 16
_TOP = 84
_WIDTH = 960
_BAR = 90
_CHAR = 7.2

_STYLE = """
svg { --ground: #ffffff; --ink: #1c2330; --soft: #5c6675; --line: #b9c1cc; --bar: #e4e8ee; --good: #1f7a4d; --bad: #a5382b; --open: #3a63a8; }
@media (prefers-color-scheme: dark) {
  svg { --ground: #14181f; --ink: #e6eaf0; --soft: #9aa5b4; --line: #46505e; --bar: #2a323d; --good: #57c08a; --bad: #e07a6b; --open: #86abec; }
}
.ground { fill: var(--ground); }
text { font: 13px ui-monospace, 'SF Mono', Menlo, Consolas, monospace; fill: var(--ink); }
.title { font-size: 16px; font-weight: 600; }
.soft, .refuted, .pruned { fill: var(--soft); }
.refuted { text-decoration: line-through; }
.line { stroke: var(--line); fill: none; }
.bar { fill: var(--bar); }
.supported-bar { fill: var(--good); }
.refuted-bar, .pruned-bar { fill: var(--bad); }
.open-bar { fill: var(--open); }
"""


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the picture: a node at a depth, or a remark; and the row of its parent."""

    depth: int
    node: Node | None
    remark: str
    parent: int


def investigation_svg(investigation: Investigation) -> str:
    """The picture. The likeliest branch stands first; each node has its probability as a number and as a bar."""
    rows: list[_Row] = []
    of = children(investigation.tree.nodes)
    _collect(rows, of, None, 0, -1)
    hidden = len(investigation.tree.nodes) - sum(r.node is not None for r in rows)
    if hidden > 0 and len(rows) >= NODES_SHOWN:
        rows.append(_Row(0, None, f"… {hidden} more", -1))
    if not rows:
        rows.append(_Row(0, None, "No hypothesis was made.", -1))
    height = _TOP + _ROW * len(rows) + 16
    columns = int((_WIDTH - 2 * _LEFT) / 9.0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" role="img" aria-labelledby="t d">',
        f'<title id="t">{_xml(investigation.symptom, 200)}</title>',
        f'<desc id="d">{_xml(verdict(investigation), 300)}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="ground" width="{_WIDTH}" height="{height}"/>',
        f'<text class="title" x="{_LEFT}" y="30">{_xml(investigation.symptom, columns)}</text>',
        f'<text class="soft" x="{_LEFT}" y="54">{_xml(f"{verdict(investigation)} {stopped(investigation)}.", int((_WIDTH - 2 * _LEFT) / _CHAR))}</text>',
    ]
    parts += [_link(i, row) for i, row in enumerate(rows) if row.parent >= 0]
    for i, row in enumerate(rows):
        parts += _row(i, row)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _collect(
    rows: list[_Row], of: Mapping[str | None, Sequence[Node]], parent: str | None, depth: int, above: int
) -> None:
    some = of.get(parent, ())
    for node in some[:CHILDREN_SHOWN]:
        if len(rows) >= NODES_SHOWN:
            return
        rows.append(_Row(depth, node, "", above))
        if depth < DEPTH_SHOWN:
            _collect(rows, of, node.id, depth + 1, len(rows) - 1)
    rest = some[CHILDREN_SHOWN:]
    if rest and len(rows) < NODES_SHOWN:
        together = percent(sum(n.posterior for n in rest))
        rows.append(_Row(depth, None, f"… {len(rest)} more, {together} together", above))


def _row(i: int, row: _Row) -> list[str]:
    x, y = _LEFT + row.depth * _STEP, _TOP + i * _ROW
    if row.node is None:
        return [f'<text class="soft" x="{x}" y="{y + 18}">{_xml(row.remark, 80)}</text>']
    node = row.node
    share = min(max(node.posterior, 0.0), 1.0)
    told = fate(node)
    number = percent(node.posterior) + (f", {told}" if told else "")
    room = _WIDTH - _LEFT - x - _BAR - 24 - cells(number) * _CHAR
    status = node.status
    claim = cut(node.claim, max(8, int(room / _CHAR) - 2))
    text_x = x + _BAR + 10
    moved = percent(node.prior)
    return [
        "<g>",
        f"<title>{_xml(node.claim, 600)}: {_xml(moved, 10)} before, {_xml(percent(node.posterior), 10)} after the evidence</title>",
        f'<rect class="bar" x="{x}" y="{y + 6}" width="{_BAR}" height="14" rx="3"/>',
        f'<rect class="{status}-bar" x="{x}" y="{y + 6}" width="{max(2.0, round(_BAR * share, 1))}" height="14" rx="3"/>',
        f'<text class="{status}" x="{text_x}" y="{y + 18}">{mark(node)} {escape(claim)}</text>',
        f'<text class="soft" x="{_WIDTH - _LEFT}" y="{y + 18}" text-anchor="end">{_xml(number, 40)}</text>',
        "</g>",
    ]


def _link(i: int, row: _Row) -> str:
    """From the parent's bar down and to the right, to this one's."""
    x = _LEFT + (row.depth - 1) * _STEP + 8
    return f'<path class="line" d="M{x} {_TOP + row.parent * _ROW + 20} V{_TOP + i * _ROW + 13} H{x + _STEP - 8}"/>'


def _xml(text: str, columns: int) -> str:
    """A text as XML has it, without what XML cannot hold, cut to so many columns."""
    return escape(cut(text, max(1, columns)))
