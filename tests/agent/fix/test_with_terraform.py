"""What a real Terraform says to the edited code: formatted, valid, and planned as it is to be. `terraform_data` needs no provider."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import cast

import pytest

from agent.fix.model import Absent
from graph.model import Value
from tests.agent.fix.code import of, repository

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="there is no terraform here")

CODE = {
    "main.tf": """
        module "web" {
          source = "./web"
          for_each = {
            a = { size = 1, zones = ["x"] }
            b = { size = 2, zones = ["x", "y"] }
          }
          size  = each.value.size
          zones = each.value.zones
          kind  = var.kinds["web"]
        }

        variable "kinds" {
          type = map(string)
        }

        locals {
          names = ["n0", "n1"] # in order
        }

        resource "terraform_data" "many" {
          count = length(local.names)
          input = local.names[count.index]
        }

        resource "terraform_data" "policy" {
          input = jsonencode({
            Statement = [
              { Effect = "Allow", Action = "a:*" },
            ]
          })
        }
        """,
    "prod.tfvars": """
        kinds = {
          web = "small"
          db  = "large"
        }
        """,
    "web/main.tf": """
        variable "size" {
          type = number
        }
        variable "zones" {
          type = list(string)
        }
        variable "kind" {}

        resource "terraform_data" "this" {
          input = {
            size  = var.size
            zones = var.zones
            kind  = "fixed"
          }
          triggers_replace = var.size
        }
        resource "terraform_data" "kind" {
          input = var.kind
        }
        """,
}


def planned(folder: Path) -> dict[str, object]:
    """Instance address -> the input that Terraform plans."""

    def terraform(*arguments: str) -> str:
        run = subprocess.run(["terraform", *arguments], cwd=folder, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    terraform("init", "-input=false", "-backend=false")
    terraform("validate")
    terraform("fmt", "-check", "-recursive")
    terraform("plan", "-input=false", "-out=p", "-var-file=prod.tfvars")
    plan = cast("dict[str, list[dict[str, dict[str, dict[str, object]]]]]", json.loads(terraform("show", "-json", "p")))
    return {str(change["address"]): change["change"]["after"]["input"] for change in plan["resource_changes"]}


def test_a_plan_of_the_edited_code_wants_what_is_there_and_else_what_it_wanted(tmp_path: Path) -> None:
    code = repository(CODE)
    subprocess.run(["terraform", "version"], check=True, capture_output=True)
    edits: list[tuple[str, dict[str, Value | Absent]]] = [
        ('module.web["b"].terraform_data.this', {"input.size": 7, "triggers_replace": 7}),
        ('module.web["b"].terraform_data.this', {"input.zones": ["x", "y", "z"]}),
        ("terraform_data.many[1]", {"input": "other"}),
        ("terraform_data.policy", {"input": '{"Statement":[{"Action":"b:*","Effect":"Allow"}]}'}),
    ]
    for address, values in edits:
        fix, code = of(code, address, values, var_files=("prod.tfvars",))
        assert fix.safe, fix.why
    fix, _ = of(code, 'module.web["a"].terraform_data.kind', {"input": "big"}, var_files=("prod.tfvars",))
    assert not fix.safe, "both instances of the module take it"
    for path, data in code.files.items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    subprocess.run(["terraform", "fmt", "-recursive"], cwd=tmp_path, check=True, capture_output=True)
    assert planned(tmp_path) == {
        'module.web["a"].terraform_data.kind': "small",
        'module.web["a"].terraform_data.this': {"size": 1, "zones": ["x"], "kind": "fixed"},
        'module.web["b"].terraform_data.kind': "small",
        'module.web["b"].terraform_data.this': {"size": 7, "zones": ["x", "y", "z"], "kind": "fixed"},
        "terraform_data.many[0]": "n0",
        "terraform_data.many[1]": "other",
        "terraform_data.policy": '{"Statement":[{"Action":"b:*","Effect":"Allow"}]}',
    }


def test_a_literal_that_two_callers_share_is_planned_anew_for_the_one_alone(tmp_path: Path) -> None:
    code = repository(
        {
            "main.tf": 'module "a" {\n  source = "./m"\n}\n\nmodule "b" {\n  source = "./m"\n  kind   = "b"\n}\n',
            "prod.tfvars": "",
            "m/main.tf": 'variable "kind" {\n  default = "a"\n}\n\nresource "terraform_data" "list" {\n  input = ["x", var.kind]\n}\n\n'
            'resource "terraform_data" "map" {\n  input = {\n    one = 1\n    two = "2"\n  }\n}\n\n'
            'resource "terraform_data" "text" {\n  input = "old"\n}\n',
        }
    )
    edits: list[tuple[str, Value]] = [("map", {"one": 3, "two": "2"}), ("text", "new")]
    for name, value in edits:
        fix, code = of(code, f"module.b.terraform_data.{name}", {"input": value})
        assert fix.safe, fix.why
    for path, data in code.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    # Nothing is formatted in between: the new blocks and arguments are as fmt wants them.
    assert planned(tmp_path) == {
        "module.a.terraform_data.list": ["x", "a"],
        "module.a.terraform_data.map": {"one": 1, "two": "2"},
        "module.a.terraform_data.text": "old",
        "module.b.terraform_data.list": ["x", "b"],
        "module.b.terraform_data.map": {"one": 3, "two": "2"},
        "module.b.terraform_data.text": "new",
    }
