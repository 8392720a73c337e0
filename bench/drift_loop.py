"""The whole loop of drift on a real Terraform and an AWS on the loopback: applied, edited by hand, scanned, mended, planned again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from agent.drift.model import Drift, DriftReport
from agent.fix.model import Fix
from api.settings import Settings
from api.wiring import Engine
from bench.drift_world import REGION, ROOT, SERVICES, Edit
from tests.cloud.terraform import VERSION, mirror
from tests.cloud_recorder import ACCOUNT, CloudRecorder

if TYPE_CHECKING:
    from ingest.aws_client import Aws

CI = "terraform-ci"
_TF = "terraform"
INVENTORY = ("ec2", "sns", "dynamodb", "s3", "iam", "autoscaling")
"""Services whose inventory is read."""


@dataclass
class Outcome:
    """What the loop showed.

    Attributes:
        found: edit -> the drift that is it.
        spurious: drifts that no edit made.
        wrong: edits that were told of the wrong person, or of none, with whom.
        mended: edits whose fix is safe, and after which a plan has nothing left to do for them.
        not_mended: edits -> why not.
        seconds: step -> how long it took.
    """

    resources: int = 0
    report: DriftReport | None = None
    found: dict[int, Drift] = field(default_factory=dict[int, Drift])
    spurious: list[Drift] = field(default_factory=list[Drift])
    missed: list[int] = field(default_factory=list[int])
    wrong: dict[int, str] = field(default_factory=dict[int, str])
    fixes: dict[int, Fix] = field(default_factory=dict[int, Fix])
    mended: list[int] = field(default_factory=list[int])
    not_mended: dict[int, str] = field(default_factory=dict[int, str])
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    left: list[str] = field(default_factory=list[str])


class Loop:
    """A repository in a directory, applied to an account of its own."""

    def __init__(self, home: Path, files: Mapping[str, str], edits: Sequence[Edit]) -> None:
        self.home = home
        self.code = home / "code"
        self.root = self.code / ROOT
        self.edits = edits
        self.before_scan: Callable[[], None] = lambda: None
        users = [CI, *sorted({e.by for e in edits})]
        self.keys = {name: "AKIA" + name.upper().replace("-", "").ljust(16, "X")[:16] for name in users}
        for path, text in files.items():
            file = self.code / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    def run(self, *, check: bool = True) -> Outcome:
        """The loop from the first apply to the last plan; with `check` the product plans the first fix by itself too."""
        outcome = Outcome()
        with CloudRecorder({key: name for name, key in self.keys.items()}) as recorder:
            self._provider(recorder.endpoint)
            timed = _Timed(outcome.seconds)
            with timed("init and apply"):
                self.terraform("init", "-input=false", "-no-color")
                self.terraform("apply", "-auto-approve", "-input=false", "-no-color")
            ids = self.ids()
            outcome.resources = len(ids)
            time.sleep(1.1)  # an audit log tells whole seconds
            with timed("edits by hand"):
                for edit in self.edits:
                    self._make(edit, ids, recorder.endpoint)
            time.sleep(1.1)
            with Engine(self.settings(recorder.endpoint)) as engine:
                with timed("sources read"):
                    for report in engine.ingest(engine.configured_sources()):
                        assert report.error is None, (report.source, report.error, getattr(report.error, "hint", ""))
                self.before_scan()
                with timed("scan"):
                    outcome.report = engine.drifts.scan()
                self._judge(outcome, outcome.report)
                with timed("fixes"):
                    self._mend(engine, outcome, check)
        return outcome

    # -- the world

    def settings(self, endpoint: str) -> Settings:
        """What lore.yaml would say."""
        reader = self.keys[CI]
        access: dict[str, object] = {
            "access_key_id": reader,
            "secret_access_key": "test",
            "endpoint_url": endpoint,
        }
        return Settings(
            store=f"sqlite:///{self.home}/lore.db",
            embedder="none",
            sources=(
                {"terraform_state": {"location": str(self.root / "terraform.tfstate"), "name": "shop", "environments": {"*": "prod"}, "repository": "shop/infra", "directory": ROOT, "modules": {"module.api": "modules/service", "module.worker": "modules/service"}}},
                {"cloudtrail": {"lookup": True, "regions": (REGION,), **access}},
                {"aws": {"account_id": ACCOUNT, "region": REGION, "services": INVENTORY, "quotas": (), "environment": "prod", **access}},
            ),
            drift={
                "terraform": [
                    {
                        "directory": str(self.root),
                        "repository": "shop/infra",
                        "path": ROOT,
                        "environment": "prod",
                        "environment_variables": self._environment(),
                    }
                ]
            },
            data_directory=self.home / "data",
        )  # fmt: skip

    def _environment(self) -> dict[str, str]:
        return {"TF_CLI_CONFIG_FILE": str(self.home / "cli.tfrc"), "AWS_EC2_METADATA_DISABLED": "true"}

    def _provider(self, endpoint: str) -> None:
        (self.home / "cli.tfrc").write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror()}"\n  }}\n}}\ndisable_checkpoint = true\n'
        )
        endpoints = "\n".join(f'    {service} = "{endpoint}"' for service in SERVICES)
        (self.root / "provider.tf").write_text(
            f"""terraform {{
  required_providers {{
    aws = {{
      source  = "hashicorp/aws"
      version = "{VERSION}"
    }}
  }}
}}

provider "aws" {{
  region                      = "{REGION}"
  access_key                  = "{self.keys[CI]}"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  s3_use_path_style           = true
  max_retries                 = 2
  endpoints {{
{endpoints}
  }}
}}
"""
        )

    def terraform(self, *arguments: str) -> str:
        """Terraform's standard output. Raises `AssertionError` with its words."""
        base = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TF_"))}  # noqa: TID251 - for a child process
        done = subprocess.run(
            [_TF, *arguments],
            cwd=self.root,
            env={**base, **self._environment()},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"terraform {arguments[0]}:\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def ids(self) -> dict[str, str]:
        """Address -> id, of what the state holds."""
        state = json.loads((self.root / "terraform.tfstate").read_text())
        found: dict[str, str] = {}
        for resource in cast("list[dict[str, object]]", state["resources"]):
            module = f"{resource['module']}." if "module" in resource else ""
            for instance in cast("list[dict[str, object]]", resource["instances"]):
                key = f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else ""
                attributes = cast("dict[str, str]", instance["attributes"])
                found[f"{module}{resource['type']}.{resource['name']}{key}"] = attributes["id"]
        return found

    def _make(self, edit: Edit, ids: Mapping[str, str], endpoint: str) -> None:
        from ingest.aws_client import Aws, AwsAccess

        aws: Aws = Aws(
            AwsAccess(region=REGION, access_key_id=self.keys[edit.by], secret_access_key="test", endpoint_url=endpoint)
        )
        aws.call(edit.service, edit.call, region="", **{k: _filled(v, ids) for k, v in edit.arguments.items()})

    # -- what is told

    def _judge(self, outcome: Outcome, report: DriftReport) -> None:
        taken: set[str] = set()
        for number, edit in enumerate(self.edits):
            drift = next((d for d in report.drifts if d.id not in taken and _is(d, edit)), None)
            if drift is None:
                outcome.missed.append(number)
                continue
            taken.add(drift.id)
            outcome.found[number] = drift
            names = {c.by.name for c in drift.causes}
            if names != {edit.by}:
                outcome.wrong[number] = ", ".join(sorted(names)) or "nobody"
        outcome.spurious = [d for d in report.drifts if d.id not in taken]

    def _mend(self, engine: Engine, outcome: Outcome, check: bool) -> None:
        """Each fix in turn on the code as the ones before left it, as pull requests would be merged; then one plan of all of them.

        The product checks a fix by a plan of its own, which takes its time: here that is done for the first alone.
        """
        for number, drift in outcome.found.items():
            fix = engine.drifts.fix(drift.id, "adopt", check=check and number == 0)
            outcome.fixes[number] = fix
            if fix.safe and fix.files:
                engine.drifts.write(fix)
                outcome.mended.append(number)
            else:
                outcome.not_mended[number] = fix.why
        plan = self.root / "after.plan"
        self.terraform("plan", f"-out={plan.name}", "-input=false", "-no-color", "-lock=false")
        changes = json.loads(self.terraform("show", "-json", plan.name))["resource_changes"]
        outcome.left = [c["address"] for c in changes if not set(c["change"]["actions"]) <= {"no-op", "read"}]
        for number in list(outcome.mended):
            if self.edits[number].address in outcome.left or (
                self.edits[number].kind == "unmanaged" and _blocks(outcome.fixes[number]) & {*outcome.left}
            ):
                outcome.mended.remove(number)
                outcome.not_mended[number] = "the plan afterwards is not empty for it"


def _blocks(fix: Fix) -> set[str]:
    """Addresses of the resources that an import wrote."""
    found = re.finditer(r'^resource "([^"]+)" "([^"]+)"', "\n".join(p.after for p in fix.files), re.MULTILINE)
    return {f"{m[1]}.{m[2]}" for m in found}


def _is(drift: Drift, edit: Edit) -> bool:
    if drift.kind != edit.kind:
        return False
    if edit.kind == "unmanaged":
        return edit.address in drift.address
    told = {a.path for a in drift.attributes}
    fits = all(p.startswith(edit.paths) for p in told) if edit.paths else True
    return drift.address == edit.address and fits


def _filled(value: object, ids: Mapping[str, str]) -> object:
    if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
        return ids[value[1:-1]]
    if isinstance(value, dict):
        return {k: _filled(v, ids) for k, v in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_filled(v, ids) for v in cast("list[object]", value)]
    return value


class _Timed:
    def __init__(self, into: dict[str, float]) -> None:
        self._into = into
        self._name = ""

    def __call__(self, name: str) -> _Timed:
        self._name = name
        return self

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, *exc: object) -> None:
        self._into[self._name] = time.perf_counter() - self._began
        print(f"{self._name}: {self._into[self._name]:.1f} s", file=sys.stderr, flush=True)
