"""Values that the resource takes from somewhere else."""

import pytest

from tests.agent.fix.code import lines, of

STACK = {
    "prod/main.tf": """
        module "web" {
          source = "../modules/web"
          type   = var.types["web"]
          disk   = local.disk
          extra  = { a = "x" }
        }

        locals {
          disk = 10
        }

        variable "types" {
          type = map(string)
        }
        """,
    "prod/terraform.tfvars": """
        types = {
          web = "t3.small" # small
          db  = "r5.large"
        }
        """,
    "modules/web/main.tf": """
        variable "type" {}
        variable "disk" {}
        variable "extra" {}
        variable "mon" {
          default = true
        }

        module "inner" {
          source = "./inner"
          type   = var.type
        }

        resource "aws_x" "this" {
          size       = var.disk
          monitoring = var.mon
          extra      = var.extra
        }
        """,
    "modules/web/inner/main.tf": """
        variable "type" {}
        resource "aws_instance" "this" {
          instance_type = var.type
        }
        """,
}
INNER = "module.web.module.inner.aws_instance.this"
THIS = "module.web.aws_x.this"


def test_an_argument_is_followed_through_two_modules_to_the_variables_file() -> None:
    fix, _ = of(STACK, INNER, {"instance_type": "t3.large"}, directory="prod")
    assert fix.safe, fix.why
    assert [p.path for p in fix.files] == ["prod/terraform.tfvars"]
    assert lines(fix) == ['-  web = "t3.small" # small', '+  web = "t3.large" # small']
    assert fix.places[0].startswith(
        "variable value at prod/terraform.tfvars:2, by way of argument type of module.inner"
    )


def test_a_local_a_literal_argument_and_a_default_are_edited_where_they_are() -> None:
    fix, after = of(STACK, THIS, {"size": 20, "extra.a": "y", "monitoring": False}, directory="prod")
    assert fix.safe, fix.why
    assert "disk = 20" in after.text("prod/main.tf")
    assert '{ a = "y" }' in after.text("prod/main.tf")
    assert "default = false" in after.text("modules/web/main.tf")


def test_the_file_that_wins_is_edited() -> None:
    base = {
        "m.tf": 'variable "x" {\n  default = "0"\n}\nresource "a" "b" {\n  x = var.x\n}\n',
        "terraform.tfvars": 'x = "1"\n',
    }
    assert [p.path for p in of(base, "a.b", {"x": "n"})[0].files] == ["terraform.tfvars"]
    more = {**base, "a.auto.tfvars": 'x = "2"\n', "b.auto.tfvars": 'x = "3"\n'}
    assert [p.path for p in of(more, "a.b", {"x": "n"})[0].files] == ["b.auto.tfvars"]
    given = {**more, "env/one.tfvars": 'x = "4"\n', "env/two.tfvars": 'y = "5"\n'}
    files = ("env/one.tfvars", "env/two.tfvars")
    assert [p.path for p in of(given, "a.b", {"x": "n"}, var_files=files)[0].files] == ["env/one.tfvars"]


def test_a_variable_that_the_command_line_sets_is_not_edited() -> None:
    code = {"m.tf": 'variable "x" {\n  default = "0"\n}\nresource "a" "b" {\n  x = var.x\n}\n'}
    fix, _ = of(code, "a.b", {"x": "n"}, set_elsewhere=frozenset({"x"}))
    assert not fix.safe
    assert not fix.files
    assert "var.x at m.tf:5 is set from outside the code" in fix.why


def test_a_variable_in_a_json_file_is_refused() -> None:
    code = {"m.tf": 'variable "x" {}\nresource "a" "b" {\n  x = var.x\n}\n', "a.auto.tfvars.json": '{"x": "1"}'}
    fix, _ = of(code, "a.b", {"x": "n"})
    assert not fix.safe
    assert "a.auto.tfvars.json, which is JSON" in fix.why


EACH = {
    "m.tf": """
        locals {
          rules = {
            a            = { port = 80, proto = "tcp" }
            "b \\"q\\"/ü" = { port = 443 }
          }
        }

        resource "aws_r" "r" {
          for_each = local.rules
          name     = each.key
          port     = each.value.port
          kind     = local.kinds[each.key]
          all      = "x"
        }

        locals {
          kinds = { a = "k1", "b \\"q\\"/ü" = "k2" }
        }
        """
}


def test_only_the_element_of_the_instance_is_edited() -> None:
    fix, _ = of(EACH, 'aws_r.r["a"]', {"port": 8080, "kind": "k9"})
    assert fix.safe, fix.why
    assert lines(fix)[:2] == [
        '-    a            = { port = 80, proto = "tcp" }',
        '+    a            = { port = 8080, proto = "tcp" }',
    ]


def test_a_key_with_quotes_slashes_and_umlauts_is_found() -> None:
    fix, after = of(EACH, 'aws_r.r["b \\"q\\"/ü"]', {"port": 1})
    assert fix.safe, fix.why
    assert '"b \\"q\\"/ü" = { port = 1 }' in after.text("m.tf")


def test_a_literal_of_all_instances_is_proposed_and_not_safe() -> None:
    fix, after = of(EACH, 'aws_r.r["a"]', {"all": "y"})
    assert not fix.safe
    assert "every instance of aws_r.r at m.tf:8" in fix.why
    assert 'all      = "y"' in after.text("m.tf")


def test_the_key_of_the_instance_cannot_change() -> None:
    fix, _ = of(EACH, 'aws_r.r["a"]', {"name": "z"})
    assert not fix.safe
    assert not fix.files
    assert "each.key at m.tf:10 is the key that names the instance" in fix.why


def test_an_element_that_two_attributes_take_changes_for_both_only_when_both_are_to() -> None:
    code = {
        "m.tf": 'locals {\n  r = { a = { p = 1 } }\n}\nresource "x" "y" {\n  for_each = local.r\n  f = each.value.p\n  t = each.value.p\n}\n'
    }
    fix, _ = of(code, 'x.y["a"]', {"f": 2})
    assert not fix.safe
    assert "each.value at m.tf:7" in fix.why
    fix, _ = of(code, 'x.y["a"]', {"f": 2, "t": 2})
    assert fix.safe, fix.why


def test_a_count_takes_its_item_of_a_list() -> None:
    code = {
        "m.tf": 'variable "names" {\n  default = ["a", "b"]\n}\nresource "x" "y" {\n  count = length(var.names)\n  n = var.names[count.index]\n  m = "s"\n}\n'
    }
    fix, after = of(code, "x.y[1]", {"n": "z"})
    assert '["a", "z"]' in after.text("m.tf")
    fix, _ = of(code, "x.y[1]", {"m": "z"})
    assert not fix.safe


def test_a_lookup_a_for_and_a_map_of_locals_lead_to_the_element() -> None:
    code = {
        "m.tf": """
            locals {
              list  = [{ name = "a", v = 1 }, { name = "b", v = 2 }]
              by    = { for r in local.list : r.name => r }
              sizes = { prod = "l", dev = "s" }
              env   = "prod"
            }
            resource "x" "y" {
              for_each = local.by
              v        = each.value.v
            }
            resource "x" "z" {
              size = lookup(local.sizes, local.env, "m")
            }
            """
    }
    fix, after = of(code, 'x.y["b"]', {"v": 3})
    assert fix.safe, fix.why
    assert '{ name = "a", v = 1 }, { name = "b", v = 3 }' in after.text("m.tf")
    fix, after = of(code, "x.z", {"size": "xl"})
    assert fix.safe, fix.why
    assert 'prod = "xl"' in after.text("m.tf")


def test_a_local_of_several_uses_is_proposed_and_not_safe() -> None:
    code = {
        "m.tf": 'locals {\n  s = 1\n}\nresource "a" "b" {\n  s = local.s\n}\nresource "a" "c" {\n  s = local.s\n}\n'
    }
    fix, _ = of(code, "a.b", {"s": 2})
    assert not fix.safe
    assert fix.diff
    assert "local.s is used at m.tf:8 too" in fix.why


def test_a_use_in_a_validation_or_a_root_output_does_not_count() -> None:
    code = {
        "m.tf": 'variable "s" {\n  default = 1\n  validation {\n    condition = var.s > 0\n    error_message = "x"\n  }\n}\noutput "o" {\n  value = var.s\n}\nresource "a" "b" {\n  s = var.s\n}\n'
    }
    assert of(code, "a.b", {"s": 2})[0].safe


def test_a_module_that_is_called_twice_gets_an_argument_instead_of_another_default() -> None:
    code = {
        "main.tf": 'module "a" {\n  source = "./m"\n}\n\nmodule "b" {\n  source = "./m"\n}\n',
        "m/m.tf": 'variable "s" {\n  default = 1\n}\nresource "x" "y" {\n  s = var.s\n  t = 1\n}\n',
    }
    fix, after = of(code, "module.a.x.y", {"s": 2})
    assert fix.safe, fix.why
    assert after.text("main.tf").startswith('module "a" {\n  source = "./m"\n\n  s = 2\n}\n')


TWICE = 'module "a" {\n  source = "./m"\n}\n\nmodule "b" {\n  source = "./m"\n}\n'


def test_a_literal_of_a_module_that_is_called_twice_becomes_a_variable_with_the_old_value_by_default() -> None:
    code = {
        "main.tf": TWICE,
        "m/m.tf": 'resource "x" "web" {\n  port = 80\n  cidrs = ["10.0.0.0/8", "10.1.0.0/16"]\n}\n',
    }
    fix, after = of(code, "module.a.x.web", {"port": 81, "cidrs": ["10.0.0.0/8"]})
    assert fix.safe, fix.why
    assert after.text("m/m.tf") == 'resource "x" "web" {\n  port = var.web_port\n  cidrs = var.web_cidrs\n}\n'
    assert after.text("m/variables.tf") == (
        'variable "web_cidrs" {\n  type    = list(string)\n  default = ["10.0.0.0/8", "10.1.0.0/16"]\n}\n'
        '\nvariable "web_port" {\n  type    = number\n  default = 80\n}\n'
    )
    assert after.text("main.tf") == (
        'module "a" {\n  source = "./m"\n\n  web_cidrs = ["10.0.0.0/8"]\n  web_port  = 81\n}\n\nmodule "b" {\n  source = "./m"\n}\n'
    )
    # The other instance has what it had.
    other, _ = of(after, "module.b.x.web", {"port": 80, "cidrs": ["10.0.0.0/8", "10.1.0.0/16"]})
    assert (other.safe, other.files) == (True, ())


def test_the_variable_stands_with_the_others_and_takes_no_name_that_is_taken() -> None:
    code = {
        "main.tf": TWICE,
        "m/inputs.tf": 'variable "y_t" {\n  default = 1\n}\n',
        "m/m.tf": 'resource "x" "y" {\n  t = true\n}\n',
    }
    fix, after = of(code, "module.b.x.y", {"t": False})
    assert fix.safe, fix.why
    assert after.text("m/inputs.tf").endswith('}\n\nvariable "t" {\n  type    = bool\n  default = true\n}\n')
    assert after.text("main.tf").endswith('module "b" {\n  source = "./m"\n\n  t = false\n}\n')
    taken = {**code, "m/inputs.tf": 'variable "y_t" {}\nvariable "t" {}\n'}
    fix, _ = of(taken, "module.b.x.y", {"t": False})
    assert not fix.safe
    assert "the module m is called at main.tf:1 too" in fix.why


@pytest.mark.parametrize(
    ("calls", "resource"),
    [
        (TWICE, '  count = 2\n  t     = 1\n'),
        (TWICE.replace('  source = "./m"\n}', '  source = "./m"\n  count  = 2\n}', 1), "  t = 1\n"),
        (TWICE, "  t = [1, x.z.w]\n"),
        (TWICE, "  t = [1, # one\n    2]\n"),
    ],
    ids=["several instances", "several calls by one block", "a reference in it", "a comment in it"],
)  # fmt: skip
def test_what_a_variable_would_not_settle_stays_a_proposal(calls: str, resource: str) -> None:
    code = {"main.tf": calls, "m/m.tf": 'resource "x" "y" {\n' + resource + "}\n"}
    many = "[0]" if "count" in resource else ""
    module = "module.a[0]" if "count" in calls else "module.a"
    fix, _ = of(code, f"{module}.x.y{many}", {"t": [3, 4] if "[" in resource else 2})
    assert not fix.safe
    assert not any("variable" in place for place in fix.places)


def test_a_module_below_one_that_is_called_twice_gets_no_variable() -> None:
    code = {
        "main.tf": TWICE,
        "m/m.tf": 'module "n" {\n  source = "../n"\n}\n',
        "n/n.tf": 'resource "x" "y" {\n  t = 1\n}\n',
    }
    fix, _ = of(code, "module.a.module.n.x.y", {"t": 2})
    assert not fix.safe
    assert "the module m is called at main.tf:5 too" in fix.why


def test_a_module_that_another_root_calls_is_shared() -> None:
    files = {**STACK, "dev/main.tf": 'module "w" {\n  source = "../modules/web"\n}\n'}
    values = {"monitoring": False}
    assert of(files, THIS, values, directory="prod")[0].safe
    fix, _ = of(files, THIS, values, directory="prod", roots=("prod", "dev"))
    assert fix.places[0].startswith("argument mon added to module.web")


def test_a_module_with_for_each_takes_its_own_element() -> None:
    code = {
        "main.tf": 'module "a" {\n  source   = "./m"\n  for_each = { p = { s = 1 }, q = { s = 2 } }\n  s        = each.value.s\n  u        = 5\n}\n',
        "m/m.tf": 'variable "s" {}\nvariable "u" {}\nresource "x" "y" {\n  s = var.s\n  u = var.u\n}\n',
    }
    fix, after = of(code, 'module.a["q"].x.y', {"s": 3})
    assert fix.safe, fix.why
    assert "{ p = { s = 1 }, q = { s = 3 } }" in after.text("main.tf")
    assert not of(code, 'module.a["q"].x.y', {"u": 3})[0].safe


def test_what_other_environments_are_made_from_is_shared_but_their_own_variables_file_is_not() -> None:
    code = {
        "m.tf": 'variable "s" {}\nresource "a" "b" {\n  s = var.s\n  t = 1\n}\n',
        "prod.tfvars": "s = 1\n",
    }
    fix, _ = of(code, "a.b", {"s": 2}, var_files=("prod.tfvars",), shares=("staging",))
    assert fix.safe, fix.why
    fix, _ = of(code, "a.b", {"t": 2}, var_files=("prod.tfvars",), shares=("staging",))
    assert not fix.safe
    assert "staging is made from the same code" in fix.why


def test_the_workspace_chooses_the_entry() -> None:
    code = {
        "m.tf": 'locals {\n  s = { prod = 1, dev = 2 }\n}\nresource "a" "b" {\n  s = local.s[terraform.workspace]\n}\n'
    }
    fix, after = of(code, "a.b", {"s": 9}, workspace="prod", shares=("dev",))
    assert fix.safe, fix.why
    assert "{ prod = 9, dev = 2 }" in after.text("m.tf")


def test_an_attribute_that_others_read_changes_them_too() -> None:
    code = {"m.tf": 'resource "a" "b" {\n  s = 1\n}\nresource "c" "d" {\n  s = a.b.s\n}\n'}
    fix, _ = of(code, "a.b", {"s": 2})
    assert not fix.safe
    assert "a.b.s is read at m.tf:5" in fix.why


def test_a_name_that_only_chooses_the_entry_may_have_other_uses() -> None:
    code = {
        "m.tf": 'variable "env" {\n  default = "p"\n}\nlocals {\n  s = { p = 1, d = 2 }\n}\n'
        'resource "a" "b" {\n  s = local.s[var.env]\n  e = var.env\n}\nresource "a" "c" {\n  e = var.env\n}\n'
    }
    fix, after = of(code, "a.b", {"s": 9})
    assert fix.safe, fix.why
    assert "{ p = 9, d = 2 }" in after.text("m.tf")


def test_an_entry_that_two_instances_choose_is_not_for_one() -> None:
    code = {
        "m.tf": 'locals {\n  sizes = { s = 1, l = 2 }\n}\nresource "a" "b" {\n  for_each = { x = "s", y = "s" }\n'
        "  size = local.sizes[each.value]\n}\n"
    }
    fix, _ = of(code, 'a.b["x"]', {"size": 9})
    assert not fix.safe
    assert fix.diff
    assert "every instance of a.b" in fix.why


def test_a_local_that_two_elements_are_made_of_is_shared() -> None:
    code = {
        "m.tf": "locals {\n  one = { v = 1 }\n  all = { a = local.one, b = local.one }\n}\n"
        'resource "x" "y" {\n  for_each = local.all\n  v = each.value.v\n}\n'
    }
    fix, _ = of(code, 'x.y["a"]', {"v": 2})
    assert not fix.safe
    assert fix.diff


def test_code_that_is_nested_too_deeply_is_refused() -> None:
    code = {"m.tf": 'resource "a" "b" {\n  x = ' + "[" * 900 + "1" + "]" * 900 + "\n}\n"}
    fix, _ = of(code, "a.b", {"x": 2})
    assert not fix.safe
    assert not fix.files


def test_an_interpolation_that_is_the_whole_text_is_followed() -> None:
    code = {"m.tf": 'variable "x" {\n  default = "1"\n}\nresource "a" "b" {\n  x = "${var.x}"\n}\n'}
    fix, after = of(code, "a.b", {"x": "2"})
    assert fix.safe, fix.why
    assert 'default = "2"' in after.text("m.tf")
