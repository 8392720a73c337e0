"""Which of the states found are new, in which order, and which cannot be taken.

The rules of lineage and serial, as Terraform itself keeps them when a state is pushed
(https://developer.hashicorp.com/terraform/cli/commands/state/push): a lineage does not change, a serial only grows, and one serial has
one content.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from graph.clock import Instant, instant
from graph.model import Quarantined
from ingest.source import SourceDataInvalid
from ingest.sources.terraform_state.document import StateInvalid, parse
from ingest.sources.terraform_state.ledger import Ledger, Seen
from ingest.sources.terraform_state.places import Candidate, content_digest
from ingest.sources.terraform_state.settings import TerraformStateSettings


@dataclass(frozen=True, slots=True)
class Head:
    """A state found, by its head. Equal `key` means: versions of one state."""

    candidate: Candidate
    seen: Seen

    @property
    def key(self) -> str:
        """Workspace and lineage."""
        return state_key(self.seen.workspace, self.seen.lineage)


@dataclass(frozen=True, slots=True)
class Dated:
    """A state to take, with the time it counts from."""

    head: Head
    taken_at: Instant


@dataclass(slots=True)
class Survey:
    """What a listing holds.

    Attributes:
        heads: states that could be read, by key, each serial once, ascending.
        notes: what is left out without harm.
        refusals: what somebody must decide or mend; raised when everything else is done.
        places: place -> lineage, for the ledger once everything is delivered.
        replaced: keys of states whose place has been taken by another, accepted, lineage; with that one's key.
    """

    heads: dict[str, list[Head]] = field(default_factory=dict[str, list[Head]])
    notes: list[Quarantined] = field(default_factory=list[Quarantined])
    refusals: list[SourceDataInvalid] = field(default_factory=list[SourceDataInvalid])
    places: dict[str, str] = field(default_factory=dict[str, str])
    replaced: dict[str, str] = field(default_factory=dict[str, str])


def state_key(workspace: str, lineage: str) -> str:
    """The key of a state in the ledger."""
    return f"{workspace}\x1f{lineage}"


def survey(candidates: Sequence[Candidate], ledger: Ledger, settings: TerraformStateSettings) -> Survey:
    """Read the heads of what is not known yet, note it in the ledger, and apply the rules."""
    found = Survey()
    heads = _heads(candidates, ledger, found)
    _keep_lineages(heads, ledger, settings, found)
    for head in heads:
        found.heads.setdefault(head.key, []).append(head)
    for key, versions in found.heads.items():
        found.heads[key] = _one_per_serial(versions, ledger, found)
    return found


def to_take(key: str, found: Survey, ledger: Ledger, settings: TerraformStateSettings, now: Instant) -> list[Dated]:
    """The versions of a state that are newer than the newest one taken, oldest serial first, with growing times.

    A copied or restored file has the copy's time. Serials know the order better, so no version counts from later than the next one's
    time, nor from earlier than the one before it, nor from the future.
    """
    known = ledger.states.get(key)
    new: list[Head] = []
    for head in found.heads[key]:
        if known is None or head.seen.serial > known.serial:
            new.append(head)
        elif head.seen.serial < known.serial and not head.candidate.backup:
            reason = f"serial {head.seen.serial} is older than {known.serial}, which was read before: the rollback is ignored"
            found.notes.append(Quarantined(f"{head.candidate.locator}@{head.seen.serial}", reason))
    times = [min(written_at(h.candidate, settings), now) for h in new]
    for i in range(len(times) - 2, -1, -1):
        times[i] = min(times[i], times[i + 1] - 1)
    floor = known.taken_at if known is not None else None
    for i, at in enumerate(times):
        times[i] = floor = at if floor is None else max(at, floor + 1)
    return [Dated(head, at) for head, at in zip(new, times, strict=True)]


def written_at(candidate: Candidate, settings: TerraformStateSettings) -> Instant:
    """When a state was written, as well as that is known."""
    text = settings.taken_at.get(candidate.path)
    if text is None:
        return candidate.written_at
    try:
        return instant(text)
    except ValueError:
        raise SourceDataInvalid(
            f"taken_at of {candidate.path} is no time: {text}", "write it as 2026-01-31T12:00:00Z"
        ) from None


def _heads(candidates: Sequence[Candidate], ledger: Ledger, found: Survey) -> list[Head]:
    heads: list[Head] = []
    seen: dict[str, Seen] = {}
    alone = len(candidates) == 1
    for candidate in candidates:
        version = f"{candidate.path}\x1f{candidate.version}"
        known = ledger.seen.get(version) if candidate.version else None
        if known is None:
            data = candidate.read()
            digest = content_digest(data)
            version = version if candidate.version else f"{candidate.path}\x1f{digest}"
            known = ledger.seen.get(version)
            if known is None:
                try:
                    state = parse(data)
                except StateInvalid as error:
                    if alone:
                        raise SourceDataInvalid(f"{candidate.locator} cannot be read: {error}", error.hint) from None
                    found.notes.append(Quarantined(candidate.locator, f"{error}; {error.hint}"))
                    continue
                known = Seen(state.lineage, candidate.workspace, state.serial, digest)
        seen[version] = known
        heads.append(Head(candidate, known))
    ledger.seen = seen
    return heads


def _keep_lineages(heads: list[Head], ledger: Ledger, settings: TerraformStateSettings, found: Survey) -> None:
    """Drop from `heads` what does not belong to the lineage of its place."""
    accepted = dict(ledger.places)
    for head in _current(heads):
        place, lineage = head.candidate.place, head.seen.lineage
        known = accepted.get(place)
        if known is None or known == lineage:
            accepted[place] = lineage
        elif lineage in settings.accept_lineage:
            accepted[place] = lineage
            found.replaced[state_key(head.seen.workspace, known)] = head.key
        else:
            found.refusals.append(
                SourceDataInvalid(
                    f"{head.candidate.locator} now holds another state (lineage {lineage} instead of {known})",
                    f"if that is meant, add it to the setting accept_lineage: [{lineage}]",
                )
            )
            found.notes.append(
                Quarantined(head.candidate.locator, f"another lineage ({lineage}) than {known}; not accepted")
            )
    found.places = accepted
    strangers = [h for h in heads if h.seen.lineage != accepted[h.candidate.place]]
    for head in strangers:
        heads.remove(head)
        if head.candidate.backup:
            reason = "an older version of another lineage than the state's; left out"
            found.notes.append(Quarantined(f"{head.candidate.locator}@{head.seen.serial}", reason))
    # A lineage that lives on at another place was moved, not replaced.
    living = {h.key for h in heads}
    found.replaced = {old: new for old, new in found.replaced.items() if old not in living and old in ledger.states}


def _current(heads: Iterable[Head]) -> list[Head]:
    """The head that stands for each place: the file itself, else its newest backup."""
    current: dict[str, Head] = {}
    for head in heads:
        known = current.get(head.candidate.place)
        if known is None or (not head.candidate.backup, head.candidate.written_at) > (
            not known.candidate.backup,
            known.candidate.written_at,
        ):
            current[head.candidate.place] = head
    return list(current.values())


def _one_per_serial(versions: Sequence[Head], ledger: Ledger, found: Survey) -> list[Head]:
    by_serial: dict[int, list[Head]] = {}
    for head in versions:
        by_serial.setdefault(head.seen.serial, []).append(head)
    known = ledger.states.get(versions[0].key)
    kept: list[Head] = []
    for serial in sorted(by_serial):
        same = by_serial[serial]
        digests = {h.seen.digest for h in same}
        if known is not None and serial == known.serial:
            digests.add(known.digest)
        if len(digests) == 1:
            # The oldest copy is nearest to when it was written; the file itself decides whether it is a backup.
            kept.append(min(same, key=lambda h: (h.candidate.written_at, h.candidate.backup)))
            continue
        where = ", ".join(sorted({h.candidate.locator for h in same}))
        found.notes.append(Quarantined(f"{where}@{serial}", "the same serial with other content; left out"))
        found.refusals.append(
            SourceDataInvalid(
                f"{where} holds serial {serial} with other content than before",
                "two writers collided or a file was edited by hand: run `terraform apply -refresh-only`, which writes the next serial",
            )
        )
    return kept
