"""How well drift is found, told and mended: forty resources of a real Terraform, twelve edits by hand.

`python -m bench.drift [--keep DIRECTORY]` needs terraform and a filesystem mirror with the AWS provider (tests/cloud/terraform.py says where), and
moto. It ends with 1 when a number falls short of what is asked: 12 found, 0 false, 12 attributed, 10 mended.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from bench.drift_loop import Loop, Outcome
from bench.drift_world import EDITS, FILES
from tests.cloud.terraform import missing

MENDED_AT_LEAST = 10


def main() -> int:
    """Run the loop and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="work in this directory and leave everything there")
    parser.add_argument("--json", type=Path, help="write what was found and the fixes there")
    given = parser.parse_args()
    if reason := missing():
        print(f"cannot run: {reason}")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        home = given.keep or Path(folder)
        home.mkdir(parents=True, exist_ok=True)
        outcome = Loop(home, FILES, EDITS).run()
    print(table(outcome))
    if given.json:
        told = outcome.report.to_json() if outcome.report else "null"
        fixes = {EDITS[n].address: fix.to_json() for n, fix in outcome.fixes.items()}
        given.json.write_text(json.dumps({"report": json.loads(told), "fixes": fixes}, indent=1), encoding="utf-8")
    return 0 if is_good(outcome) else 1


def is_good(outcome: Outcome) -> bool:
    """Whether every number is what is asked."""
    all_found = len(outcome.found) == len(EDITS) and not outcome.spurious
    return all_found and not outcome.wrong and len(outcome.mended) >= MENDED_AT_LEAST


def table(outcome: Outcome) -> str:
    """One line for each edit, and the sums."""
    lines = [f"{outcome.resources} resources, {len(EDITS)} edits of {len({e.sort for e in EDITS})} sorts"]
    for number, edit in enumerate(EDITS):
        drift = outcome.found.get(number)
        told = f"{drift.severity:<8}" if drift else "MISSED  "
        by = outcome.wrong.get(number)
        who = f"by {edit.by}" if by is None else f"NOT by {edit.by} but {by}"
        mended = "mended" if number in outcome.mended else f"not mended: {outcome.not_mended.get(number, 'not tried')}"
        lines.append(f"{edit.sort:<16}{edit.address:<42}{told}  {who:<16}  {mended[:160]}")
    lines += [f"FALSE: {d.kind} {d.address} {[a.path for a in d.attributes]} {d.cloud_id}" for d in outcome.spurious]
    lines.append(
        f"found {len(outcome.found)}/{len(EDITS)}, false {len(outcome.spurious)}, attributed {len(outcome.found) - len(outcome.wrong)}/{len(EDITS)}, "
        f"mended {len(outcome.mended)}/{len(EDITS)} (asked for: {MENDED_AT_LEAST}), left in the plan: {len(outcome.left)}"
    )
    if outcome.report is not None:
        lines += [f"ignored by rule {i.rule}: {i.count} ({i.reason})" for i in outcome.report.ignored]
        lines += [f"note: {n}" for n in outcome.report.notes]
    lines.append(", ".join(f"{step} {seconds:.1f} s" for step, seconds in outcome.seconds.items()))
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
