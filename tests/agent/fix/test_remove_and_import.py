"""Code taken away for what is gone, code added for what nobody wrote, and the apply that restores."""

import shlex

import pytest

from agent.fix.imports import import_block
from agent.fix.model import Fix
from agent.fix.remove import remove_block
from agent.fix.revert import revert
from tests.agent.fix.code import Repository, repository

CODE = """
# The first lines are the file's.

# queue of a
resource "aws_q" "a" {
  x = 1
}

resource "aws_q" "each" {
  for_each = toset(["p", "q"])
}

resource "aws_q" "many" {
  count = 3
}

resource "aws_q" "list" {
  count = length(local.names)
  n     = local.names[count.index]
}

locals {
  names = ["x", "y"]
  m     = { k = 1, l = 2 }
}

resource "aws_q" "map" {
  for_each = local.m
  depends_on = [aws_q.many]
}

import {
  to = aws_q.a
  id = "1"
}
"""


def removed(address: str, code: str = CODE) -> tuple[Fix, str]:
    files = repository({"m.tf": code})
    fix = remove_block(files, address, "", drift="d")
    after = files.with_fix(fix)
    if fix.safe:
        assert not remove_block(after, address, "").files
    return fix, after.text("m.tf")


def test_a_block_goes_with_its_comment_its_blank_line_and_its_import() -> None:
    fix, text = removed("aws_q.a")
    assert fix.safe, fix.why
    assert text.startswith('# The first lines are the file\'s.\n\nresource "aws_q" "each" {')
    assert "import" not in text
    assert "\n\n\n" not in text


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ('aws_q.each["q"]', '  for_each = toset(["p"])'),
        ('aws_q.each["p"]', '  for_each = toset(["q"])'),
        ("aws_q.list[1]", '  names = ["x"]'),
        ('aws_q.map["k"]', "  m     = { l = 2 }"),
    ],
)
def test_an_instance_goes_out_of_its_collection(address: str, line: str) -> None:
    fix, text = removed(address)
    assert line in text.splitlines()
    assert fix.safe, fix.why


def test_the_last_of_a_count_makes_it_one_less_and_another_is_not_safe() -> None:
    assert "  count = 2\n" in removed("aws_q.many[2]")[1]
    fix, _ = removed("aws_q.many[0]")
    assert not fix.safe
    assert "aws_q.many[0] is not the last one" in fix.why
    assert not removed("aws_q.many[7]")[0].files


def test_a_block_that_is_spoken_of_is_not_safe_and_says_where() -> None:
    code = 'resource "a" "b" {\n}\nresource "c" "d" {\n  x = a.b.id\n}\noutput "o" {\n  value = a.b.id\n}\n'
    fix, text = removed("a.b", code)
    assert not fix.safe
    assert "a.b is still spoken of at m.tf:4; a.b is still spoken of at m.tf:7" in fix.why
    assert text.startswith('resource "c"')


def test_an_instance_of_something_computed_is_refused() -> None:
    fix, _ = removed('a.b["k"]', 'resource "a" "b" {\n  for_each = data.x.y\n}\n')
    assert not fix.safe
    assert not fix.files
    assert "data.x.y at m.tf:2" in fix.why
    assert (
        "var.on ? 1 : 0"
        in removed("a.b[0]", 'variable "on" {\n  default = true\n}\nresource "a" "b" {\n  count = var.on ? 1 : 0\n}\n')[
            0
        ].why
    )


def test_a_resource_of_a_module_that_is_called_twice_is_not_safe_to_remove() -> None:
    files = repository(
        {
            "m.tf": 'module "a" {\n  source = "./x"\n}\nmodule "b" {\n  source = "./x"\n}\n',
            "x/m.tf": 'resource "a" "b" {\n}\n',
        }
    )
    fix = remove_block(files, "module.a.a.b", "")
    assert not fix.safe
    assert "the module x is called at m.tf:4 too" in fix.why


def test_an_import_block_and_a_resource_are_written_into_a_new_file() -> None:
    fix = import_block(
        Repository({}),
        "prod",
        "aws_security_group",
        "Web SG/1",
        "sg-1",
        {
            "id": "sg-1",
            "arn": "arn:x",
            "name": "web",
            "description": "Web",
            "vpc_id": "vpc-1",
            "ingress": [{"from_port": 1, "to_port": 2, "protocol": "tcp", "cidr_blocks": ["0.0.0.0/0"], "self": False}],
            "tags": {"Name": "web", "a/b": "c"},
        },
        drift="d",
    )
    assert fix.safe, fix.why
    assert fix.how == "import"
    assert fix.files[0].path == "prod/imported.tf"
    assert fix.files[0].after == (
        'import {\n  to = aws_security_group.web_sg_1\n  id = "sg-1"\n}\n\n'
        'resource "aws_security_group" "web_sg_1" {\n  name        = "web"\n  description = "Web"\n  vpc_id      = "vpc-1"\n'
        '  tags = {\n    Name  = "web"\n    "a/b" = "c"\n  }\n\n'
        '  ingress {\n    from_port   = 1\n    to_port     = 2\n    protocol    = "tcp"\n'
        '    cidr_blocks = ["0.0.0.0/0"]\n  }\n}\n'
    )
    assert "new file mode 100644\n--- /dev/null\n+++ b/prod/imported.tf\n" in fix.diff


def test_what_is_needed_and_not_known_leaves_the_block_to_terraform() -> None:
    fix = import_block(Repository({}), "", "aws_instance", "i", "i-1", {"ami": "ami-1"})
    assert not fix.safe
    assert "instance_type of aws_instance not being known" in fix.why
    assert fix.commands == ("terraform plan -generate-config-out=generated.tf",)
    assert "resource" not in fix.files[0].after
    assert not import_block(Repository({}), "", "aws_unheard_of", "i", "i-1", {}).safe


def test_a_second_import_of_the_same_does_nothing_and_a_taken_name_is_not_taken_again() -> None:
    code = Repository({"m.tf": b'resource "aws_sqs_queue" "q" {}\n', "imported.tf": b"# mine"})
    fix = import_block(code, ".", "aws_sqs_queue", "q", "http://q", {"name": "q"})
    assert fix.files[0].after.startswith("# mine\n\nimport {\n  to = aws_sqs_queue.q_2\n")
    again = import_block(code.with_fix(fix), ".", "aws_sqs_queue", "q", "http://q", {"name": "q"})
    assert again.safe
    assert not again.files


def test_secrets_and_hostile_types_are_not_written() -> None:
    fix = import_block(Repository({}), "", "aws_db_instance", "d", "d", {"instance_class": "x", "password": "hunter22"})
    assert "hunter22" not in fix.to_json()
    assert not import_block(Repository({}), "", 'aws_x" {}', "d", "d", {}).files


def test_an_id_cannot_break_out_of_its_quotes() -> None:
    fix = import_block(Repository({}), "", "aws_sqs_queue", "1 ü", 'a"\n}${file("x")}', {"name": "${x}"})
    assert '  id = "a\\"\\n}$${file(\\"x\\")}"\n' in fix.files[0].after
    assert '  name = "$${x}"\n' in fix.files[0].after
    assert 'resource "aws_sqs_queue" "_1"' in fix.files[0].after


def test_the_apply_that_restores_is_quoted_for_a_shell() -> None:
    address = 'module.a["it\'s"].aws_x.y["k v"]'
    fix = revert(drift="d", address=address, directory="my prod", workspace="p", var_files=("p q.tfvars",), also=())
    assert fix.safe
    assert fix.how == "revert"
    assert [shlex.split(c) for c in fix.commands] == [
        ["terraform", "-chdir=my prod", "workspace", "select", "p"],
        ["terraform", "-chdir=my prod", "plan", "-var-file=p q.tfvars", f"-target={address}"],
        ["terraform", "-chdir=my prod", "apply", "-var-file=p q.tfvars", f"-target={address}"],
    ]


def test_an_apply_that_nobody_planned_or_that_does_more_is_not_safe() -> None:
    assert not revert(drift="d", address="a.b", directory="").safe
    fix = revert(drift="d", address="a.b", directory="", also=("a.b", "c.d"))
    assert not fix.safe
    assert "changes c.d as well" in fix.why
    assert fix.commands == ("terraform plan -target='a.b'", "terraform apply -target='a.b'")
