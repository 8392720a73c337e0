"""The bench finds an edit that touches more than it should."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from agent.fix.adopt import adopt
from agent.fix.model import Wanted
from bench.hcl_edits import Repository, cases, faults, run

CODE = b"""
resource "a" "b" {
  name = "x"
  tags = {
    A = "1"
  }

  r {
    p = 1
  }
}

resource "a" "c" {
  name = "x"
}
"""


def test_an_edit_of_another_block_or_of_another_value_is_wrong() -> None:
    repository = Repository("r", {"m.tf": CODE}, {"": ("m.tf",)})
    made = cases(repository, "m.tf", random.Random(3))
    case = next(c for c in made if c.kind == "map entry changed")
    fix = adopt(
        repository, Wanted(address=case.address, directory="", values={case.attribute: case.value}, before={}), "d"
    )
    assert faults(case, fix, case.block) == []
    patch = fix.files[0]

    def with_after(text: str) -> list[str]:
        changed = msgspec.structs.replace(patch, after=text)
        return faults(case, msgspec.structs.replace(fix, files=(changed,)), case.block)

    assert with_after(patch.after.replace('"c" {\n  name = "x"', '"c" {\n  name = "y"')) != []
    assert with_after(patch.before.replace('A = "1"', 'A = "another"')) != []
    assert with_after(patch.after + "# more\n") != []
    assert with_after(patch.after.replace("}", "", 1)) != []


@pytest.mark.skipif(shutil.which("terraform") is None, reason="there is no terraform here")
def test_a_run_over_a_clone_counts_its_edits(tmp_path: Path) -> None:
    clone = tmp_path / "some"
    clone.mkdir()
    (clone / "m.tf").write_bytes(CODE)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(clone)]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *arguments], check=True, capture_output=True)
    result = run(tmp_path, files=5, seed=1, terraform="terraform")
    assert result.files == 1
    assert result.wrong == []
    assert result.kinds["scalar"]["edited"] == 1
    assert result.edits == result.edits_of_formatted_files
