"""Investigations built by hand, for tests of how they are shown."""

from __future__ import annotations

from collections.abc import Sequence

from agent.investigation import (
    Advice,
    Affected,
    AnchorItem,
    Cause,
    Conclusion,
    Coverage,
    EvidenceItem,
    Investigation,
    InvestigationUsage,
    Moment,
    Node,
    Report,
    Rollback,
    RuledOut,
    SimilarIncident,
    Step,
    SymptomItem,
    Tree,
    Window,
)
from agent.model import ChangeId, Citation

SHA = "4f1c2a9d0e8b7c6a5d4e3f2a1b0c9d8e7f6a5b4c"

ROLLBACK = Rollback(
    command=f"git revert --no-edit {SHA}",
    safe=True,
    why="In acme/infra, then apply it to prod. No later change up to 2026-03-04 14:05 UTC touches or needs it",
    citations=("c1",),
)


def cite(number: int, url: str | None = None) -> Citation:
    return Citation(
        id=f"c{number}",
        source="git",
        locator=f"acme/infra@{SHA}:terraform/edge/main.tf#L{number}",
        url=url,
        observed_at="2026-03-04T14:00:00Z",
    )


def cause(rank: int, probability: float, label: str, *, evidence: Sequence[EvidenceItem] = ()) -> Cause:
    return Cause(
        rank=rank,
        kind="change",
        change=ChangeId(kind="commit", id=SHA, repository="acme/infra"),
        target="Resource:1",
        mechanism="The health check asks for a path that the service does not answer, so that every target is taken out",
        probability=probability,
        evidence=tuple(evidence),
        label=label,
        at="2026-03-04T13:58:00Z",
        at_means="applied",
        environment="prod",
        by="Ann Archer",
        also=(ChangeId(kind="pull_request", id="47", repository="acme/infra"),),
        target_label="aws_lb_target_group.checkout",
        hypothesis=f"h{rank}",
        citations=("c1", "c2"),
    )


def investigation(
    verdict: Conclusion = "cause_found",
    *,
    causes: Sequence[Cause] | None = None,
    nodes: Sequence[Node] | None = None,
    report: Report | None = None,
    symptom: str = "checkout returns 502 since 14:02",
    rollback: Rollback | None = ROLLBACK,
    unnamed: float = 0.05,
    notes: Sequence[str] = (),
    citations: Sequence[Citation] | None = None,
) -> Investigation:
    """A whole investigation; what is given replaces its part."""
    return Investigation(
        id="inv_0123456789",
        symptom=symptom,
        detected_at="2026-03-04T14:05:00Z",
        window=Window(since="2026-02-25T14:05:00Z", until="2026-03-04T14:05:00Z"),
        verdict=verdict,
        confidence=0.83,
        causes=tuple(causes if causes is not None else CAUSES),
        tree=Tree(nodes=tuple(nodes if nodes is not None else NODES), steps=7, stopped="confidence", path=STEPS),
        similar_incidents=(
            SimilarIncident(
                id="inc_12",
                similarity=0.8,
                cause="A path of a health check",
                fix="Reverted",
                used=True,
                confirmed_by="Ben Baker",
            ),
        ),
        report=report if report is not None else REPORT,
        unnamed=unnamed,
        on_call=("Tomás Ferreira", "Cleo Chan"),
        rollback=rollback,
        coverage=(Coverage(source="git:acme/infra", fresh_until="2026-03-04T14:04:00Z", status="ok"),),
        citations=tuple(
            citations
            if citations is not None
            else (cite(1, "https://git.example/acme/infra/pull/47"), cite(2), cite(3))
        ),
        usage=InvestigationUsage(elapsed_s=0.4),
        anchors=(AnchorItem(ref="Service:checkout", label="checkout", how="named in the symptom", confidence=0.9),),
        symptoms=(SymptomItem(name="errors", how="“502”", confidence=0.9),),
        environment="prod",
        as_of="2026-03-04T14:05:00Z",
        known_at=7,
        notes=tuple(notes),
    )


CAUSES = (
    cause(
        1,
        0.83,
        "Tighten the health checks (#47)",
        evidence=(
            EvidenceItem(
                check="time_order",
                verdict="supports",
                weight=1.2,
                reason="It was applied 4 minutes before.",
                citations=("c1",),
            ),
            EvidenceItem(
                check="graph_path", verdict="supports", weight=0.9, reason="checkout depends on what it changed."
            ),
            EvidenceItem(
                check="earlier",
                verdict="refutes",
                weight=-0.3,
                reason="The same change did no harm in staging.",
                citations=("c3",),
            ),
            EvidenceItem(check="metrics", verdict="no_data", weight=0.0, reason="No metric is known."),
        ),
    ),
    cause(2, 0.12, "Deploy checkout 1.42.0 to prod"),
)
NODES = (
    Node(
        id="h0",
        parent=None,
        claim="checkout returns 502",
        prior=1.0,
        posterior=1.0,
        status="open",
        step=0,
        sort="symptom",
    ),
    Node(id="p1", parent="h0", claim="edge", prior=0.5, posterior=0.83, status="supported", step=2, sort="place"),
    Node(
        id="h1",
        parent="p1",
        claim="Tighten the health checks (#47)",
        prior=0.3,
        posterior=0.83,
        status="supported",
        step=6,
        sort="change",
    ),
    Node(id="p2", parent="h0", claim="checkout itself", prior=0.4, posterior=0.12, status="open", step=3, sort="place"),
    Node(
        id="h2",
        parent="p2",
        claim="Deploy checkout 1.42.0 to prod",
        prior=0.4,
        posterior=0.12,
        status="refuted",
        step=5,
        sort="change",
    ),
    Node(id="h9", parent="h0", claim="none of these", prior=0.1, posterior=0.05, status="open", step=0, sort="none"),
)
STEPS = (
    Step(
        step=1,
        check="time_order",
        node="h0",
        because="it costs least",
        outcome="two of two took effect before",
        best="h2",
        probability=0.41,
    ),
    Step(
        step=2,
        check="graph_path",
        node="p1",
        because="it tells most",
        outcome="one lies upstream",
        best="h1",
        probability=0.83,
    ),
)
REPORT = Report(
    timeline=(
        Moment(
            at="2026-03-04T13:58:00Z",
            what="Ann Archer changed aws_lb_target_group.checkout",
            citations=("c1",),
            sort="change",
        ),
        Moment(at="2026-03-04T14:05:00Z", what="Detected: checkout returns 502", sort="detected"),
    ),
    root_cause="Ann Archer changed aws_lb_target_group.checkout: health_check.path /up → /ready [c1][c2]. It was applied to prod [c3].",
    chain=("Ann Archer changed aws_lb_target_group.checkout", "checkout", "checkout returns 502"),
    blast_radius=(Affected(ref="Service:web", label="web", kind="Service", distance=1, citations=("c2",)),),
    mitigation=(Advice(text="Take it back.", command=f"git revert --no-edit {SHA}", citations=("c1",)),),
    long_term_fix=(Advice(text="Add a check to the pipeline."),),
    ruled_out=(RuledOut(label="Deploy checkout 1.42.0 to prod", why="It never reached prod.", citations=("c3",)),),
    not_seen=("No metrics or logs are connected: nothing was measured, only what changed was compared.",),
)
