"""A fix written into the work tree, or as the pull request that carries it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from agent.drift.model import Drift, DriftReport
from agent.drift.scan import cited_by, title_of
from agent.evidence import shown
from agent.fix.model import Fix
from agent.model import AttributeState
from api.drift_code import WorkTree, root_for, top_of
from api.drift_settings import DriftSettings
from api.errors import UsageError
from api.gateway import ActionRequest

if TYPE_CHECKING:
    from api.wiring import Engine


def write_files(engine: Engine, settings: DriftSettings, drift: Drift, fix: Fix) -> list[str]:
    """Write the edited files into the work tree; their paths.

    Raises:
        UsageError: there is no work tree, or a file is no longer what the edit was made of.
    """
    root = root_for(settings, drift)
    if root is None:
        raise UsageError(
            "there is no work tree to write to", "name the root module under `drift: terraform:`, or apply the diff"
        )
    top = top_of(root, engine)
    tree = WorkTree(top)
    for patch in fix.files:
        now = tree.read(patch.path)
        if (now.decode("utf-8", "replace") if now is not None else "") != patch.before:
            raise UsageError(f"{patch.path} was changed meanwhile", "run `lore drift fix` again")
    for patch in fix.files:
        file = top / patch.path
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(file.name + ".lore-draft")
        draft.write_bytes(patch.after.encode())
        os.replace(draft, file)
    return [str(top / p.path) for p in fix.files]


def pull_request(settings: DriftSettings, drift: Drift, fix: Fix, report: DriftReport) -> ActionRequest:
    """The request that pushes the fix's branch and opens its pull request; the same drift's updates its own.

    Raises:
        UsageError: nothing is to be changed, it is not safe, or nobody knows which repository the code is in.
    """
    if not fix.files:
        raise UsageError("there is nothing to put into a pull request", fix.why)
    if not fix.safe:
        raise UsageError(
            f"this edit is not safe, so no pull request is opened: {fix.why}", "look at the diff and make it by hand"
        )
    root = root_for(settings, drift)
    repository = drift.repository or (root.repository if root is not None else "")
    if not repository:
        raise UsageError("it is not known which repository the code is in", "set `repository:` of its root module")
    payload = {
        "title": _title(drift, fix),
        "body": body_of(drift, fix, report),
        **({"base": root.base} if root is not None and root.base else {}),
    }
    return ActionRequest(
        action="github.pull_request",
        target=repository,
        key=drift.id,
        payload=payload,
        files={p.path: p.after.encode() for p in fix.files},
        reason=f"{fix.how} {title_of(drift)}",
        requested_by="lore drift fix",
    )


def _title(drift: Drift, fix: Fix) -> str:
    verb = {"adopt": "Adopt", "import": "Import", "remove": "Remove"}.get(fix.how, "Mend")
    return f"{verb} what is there: {title_of(drift)}"[:200]


def body_of(drift: Drift, fix: Fix, report: DriftReport) -> str:
    """What the pull request says: what differs, who made it so, what was said, what was checked."""
    where = f" in {drift.environment}" if drift.environment else ""
    lines = [f"`{drift.address}`{where} is not as the code says ({drift.severity}).", ""]
    if drift.attributes:
        lines += ["| attribute | code | there |", "|---|---|---|"]
        lines += [f"| `{a.path}` | {_cell(a.desired)} | {_cell(a.actual)} |" for a in drift.attributes]
        lines.append("")
    lines += [f"- {risk[:1].upper()}{risk[1:]}." for risk in drift.risks]
    lines += [f"- {c.by.name or 'somebody'} at {c.at} by way of {c.via}: `{c.action}`." for c in drift.causes]
    lines += [f"- {s.by + ': ' if s.by else ''}“{s.text}”" for s in drift.said]
    lines += [f"- Alert since: {one}." for one in drift.alerts]
    if fix.places:
        lines += ["", "Written to:", *[f"- {p}" for p in fix.places]]
    lines += ["", fix.why]
    if fix.checked:
        lines += ["", "Checked: " + "; ".join(fix.checked) + "."]
    cited = {c.id: c for c in report.citations}
    urls = [f"- {cited[i].source}: {cited[i].url or cited[i].locator}" for i in cited_by(drift) if i in cited]
    return "\n".join([*lines, *(["", "Sources:", *urls] if urls else []), "", f"Drift `{drift.id}`."])


def _cell(state: AttributeState) -> str:
    text = shown(state.value, 200) if state.state == "value" else f"({state.state})"
    return text.replace("|", "\\|").replace("`", "'")
