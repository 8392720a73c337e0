"""Write the bundled company: `python -m examples.build DIRECTORY`.

Makes DIRECTORY/infra (a git repository), DIRECTORY/states (Terraform states) and DIRECTORY/lore.yaml that names both.
The same commit of this script gives the same hashes everywhere.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from examples.company import REMOTE, REPOSITORY
from examples.history import write_history
from examples.states import write_states

LORE_YAML = f"""# The bundled company, as `python -m examples.build` wrote it. Paths are relative to this file.
store: sqlite:lore.db
sources:
  - git:
      path: infra
      name: {REPOSITORY}
  - terraform_state:
      location: states
      name: tealeaf-states
      environments: {{staging: staging, prod: prod}}
      repository: {REPOSITORY}
      directories: {{staging: terraform/environments/staging, prod: terraform/environments/prod}}
      modules: {{module.edge: terraform/modules/edge, module.data: terraform/modules/data}}
"""


def build(directory: Path) -> None:
    """Write the company into `directory`, replacing what an earlier run wrote there."""
    for name in ("infra", "states"):
        shutil.rmtree(directory / name, ignore_errors=True)
    for stale in directory.glob("lore.db*"):
        stale.unlink()
    directory.mkdir(parents=True, exist_ok=True)
    history = write_history()
    history.git.write(directory / "infra", REMOTE)
    write_states(directory / "states", history.applied)
    (directory / "lore.yaml").write_text(LORE_YAML)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    build(parser.parse_args().directory)


if __name__ == "__main__":
    main()
