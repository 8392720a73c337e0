"""Values that are written right in the resource."""

from agent.fix.model import Absent
from tests.agent.fix.code import Repository, lines, of

WEB = {
    "main.tf": """
        # The web server.
        resource "aws_instance" "web" {
          ami           = "ami-1" # golden
          instance_type = "t3.small"
          monitoring    = false

          tags = {
            Name = "web"
            "a/b" = "c"
          }
        }
        """
}
A = "aws_instance.web"


def test_a_text_is_replaced_and_its_comment_stays() -> None:
    fix, _ = of(WEB, A, {"ami": "ami-23456"})
    assert fix.safe
    assert lines(fix) == ['-  ami           = "ami-1" # golden', '+  ami           = "ami-23456" # golden']
    assert fix.places == ("literal at main.tf:3",)


def test_a_boolean_and_a_number_are_written_as_such() -> None:
    fix, after = of(WEB, A, {"monitoring": True, "instance_type": 3})
    assert fix.safe
    assert "  monitoring    = true\n" in after.text("main.tf")
    assert "  instance_type = 3\n" in after.text("main.tf")


def test_a_number_in_quotes_is_the_number() -> None:
    fix, _ = of({"m.tf": 'resource "a" "b" {\n  port = "80"\n}\n'}, "a.b", {"port": 80})
    assert fix.safe
    assert not fix.files
    assert fix.why == "The code says so already; nothing is to be changed."


def test_special_characters_are_escaped_and_interpolation_marks_stay_text() -> None:
    fix, after = of(WEB, A, {"ami": 'say "${x}" %{y} \\ \n\t ü中'})
    assert fix.safe
    assert '"say \\"$${x}\\" %%{y} \\\\ \\n\\t ü中"' in after.text("main.tf")


def test_a_map_entry_changes_comes_and_goes() -> None:
    fix, after = of(WEB, A, {"tags.Name": "api", "tags.Env": "prod", 'tags["a/b"]': Absent()})
    assert fix.safe
    assert '  tags = {\n    Name = "api"\n    Env  = "prod"\n  }\n' not in after.text("main.tf")
    assert '    Name = "api"\n    Env = "prod"\n' in after.text("main.tf"), (
        "the map was not formatted before and is not now"
    )


def test_a_formatted_map_stays_formatted() -> None:
    files = {"main.tf": 'resource "a" "b" {\n  tags = {\n    Name = "x"\n  }\n}\n'}
    _, after = of(files, "a.b", {"tags.Environment": "p"})
    assert '    Name        = "x"\n    Environment = "p"\n' in after.text("main.tf")


def test_a_key_that_is_no_name_is_quoted_and_colons_are_kept() -> None:
    _, after = of({"m.tf": 'resource "a" "b" {\n  t = { "x" : 1, "y" : 2 }\n}\n'}, "a.b", {'t["k/l"]': 3, "t.m": 4})
    assert '{ "x" : 1, "y" : 2, "k/l" : 3, "m" : 4 }' in after.text("m.tf")


def test_a_whole_map_is_edited_entry_by_entry() -> None:
    fix, after = of(WEB, A, {"tags": {"Name": "web", "Owner": "ops"}})
    assert fix.safe
    assert '    Name  = "web"\n    Owner = "ops"\n  }' in after.text("main.tf")


def test_tags_all_is_left_out_when_tags_says_it() -> None:
    fix, after = of(WEB, A, {"tags.Name": "z", "tags_all.Name": "z"})
    assert fix.safe
    assert "tags_all" not in after.text("main.tf")


def test_a_new_attribute_stands_with_the_others_and_the_signs_are_put_right_only_for_a_longer_name() -> None:
    fix, _ = of(WEB, A, {"key_name": "k"})
    assert lines(fix) == ['+  key_name      = "k"']
    fix, _ = of(WEB, A, {"disable_api_termination": True})
    assert len(lines(fix)) == 7
    assert '+  ami                     = "ami-1" # golden' in lines(fix)


def test_a_new_map_is_written_as_a_block_of_lines() -> None:
    _, after = of({"m.tf": 'resource "a" "b" {\n  x = 1\n}\n'}, "a.b", {"tags.Name": "n"})
    assert after.text("m.tf") == 'resource "a" "b" {\n  x = 1\n  tags = {\n    Name = "n"\n  }\n}\n'


def test_an_attribute_goes_with_its_whole_line() -> None:
    fix, _ = of(WEB, A, {"monitoring": Absent()})
    assert lines(fix) == ["-  monitoring    = false"]


def test_taking_out_the_longest_name_moves_the_signs_as_fmt_would() -> None:
    fix, after = of(WEB, A, {"instance_type": None})
    assert fix.safe
    assert '  ami        = "ami-1" # golden\n  monitoring = false\n' in after.text("main.tf")


def test_lists_in_one_line_grow_and_shrink_in_one_line() -> None:
    code = {"m.tf": 'resource "a" "b" {\n  c = ["1", "2", "3"]\n}\n'}
    assert '  c = ["1", "2", "3", "4"]\n' in of(code, "a.b", {"c": ["1", "2", "3", "4"]})[1].text("m.tf")
    assert '  c = ["0", "1", "2", "3"]\n' in of(code, "a.b", {"c": ["0", "1", "2", "3"]})[1].text("m.tf")
    assert '  c = ["1", "3"]\n' in of(code, "a.b", {"c": ["1", "3"]})[1].text("m.tf")
    assert '  c = ["1", "2"]\n' in of(code, "a.b", {"c": ["1", "2"]})[1].text("m.tf")
    assert "  c = []\n" in of(code, "a.b", {"c": []})[1].text("m.tf")
    assert '  c = ["1", "9", "3"]\n' in of(code, "a.b", {"c": ["1", "9", "3"]})[1].text("m.tf")


def test_lists_of_one_item_a_line_keep_their_comments_and_their_last_comma() -> None:
    code = {"m.tf": 'resource "a" "b" {\n  c = [\n    "1", # one\n    "2", # two\n  ]\n}\n'}
    _, after = of(code, "a.b", {"c": ["1", "2", "3"]})
    assert after.text("m.tf") == code["m.tf"].replace('"2", # two\n', '"2", # two\n    "3",\n')
    _, after = of(code, "a.b", {"c": ["2"]})
    assert after.text("m.tf") == code["m.tf"].replace('    "1", # one\n', "")


def test_a_list_without_a_last_comma_stays_without() -> None:
    code = {"m.tf": 'resource "a" "b" {\n  c = [\n    "1",\n    "2"\n  ]\n}\n'}
    _, after = of(code, "a.b", {"c": ["1", "2", "3"]})
    assert '    "2",\n    "3"\n  ]' in after.text("m.tf")
    _, after = of(code, "a.b", {"c": ["1"]})
    assert '  c = [\n    "1"\n  ]' in after.text("m.tf")


def test_the_order_of_a_set_is_not_changed_to_that_of_the_provider() -> None:
    code = {"m.tf": 'resource "a" "b" {\n  c = ["z", "a"]\n}\n'}
    fix, after = of(code, "a.b", {"c": ["a", "m", "z"]}, {"c": ["a", "z"]})
    assert fix.safe
    assert '["z", "a", "m"]' in after.text("m.tf")


def test_an_item_that_is_a_reference_stays_when_another_comes() -> None:
    code = {"m.tf": 'resource "a" "b" {\n  c = [aws_x.y.id, "z"]\n}\n'}
    fix, after = of(code, "a.b", {"c": ["sg-1", "z", "n"]}, {"c": ["sg-1", "z"]})
    assert fix.safe
    assert '[aws_x.y.id, "z", "n"]' in after.text("m.tf")


def test_negative_numbers_and_null_can_be_replaced() -> None:
    code = {"m.tf": 'resource "a" "b" {\n  x = -1\n  y = null\n}\n'}
    _, after = of(code, "a.b", {"x": 5, "y": "s"})
    assert after.text("m.tf") == 'resource "a" "b" {\n  x = 5\n  y = "s"\n}\n'


def test_windows_line_ends_a_byte_order_mark_and_a_missing_last_newline_stay() -> None:
    data = b'\xef\xbb\xbfresource "a" "b" {\r\n  x = 1\r\n  tags = {\r\n    N = "v"\r\n  }\r\n}'
    fix, after = of(Repository({"m.tf": data}), "a.b", {"x": 2, "tags.Z": "w", "yy": 3})
    assert fix.safe
    expected = b'\xef\xbb\xbfresource "a" "b" {\r\n  x  = 2\r\n  yy = 3\r\n  tags = {\r\n    N = "v"\r\n    Z = "w"\r\n  }\r\n}'
    assert after.files["m.tf"] == expected
    assert (
        "\\ No newline at end of file"
        in of(Repository({"m.tf": b'locals {\n}\nresource "a" "b" { x = 1 }'}), "a.b", {"x": 2})[0].diff
    )


def test_tabs_are_taken_over() -> None:
    _, after = of({"m.tf": 'resource "a" "b" {\n\tx = 1\n}\n'}, "a.b", {"y": 2})
    assert after.text("m.tf") == 'resource "a" "b" {\n\tx = 1\n\ty = 2\n}\n'


def test_a_block_of_one_line_opens_for_a_second_attribute() -> None:
    _, after = of({"m.tf": 'resource "a" "b" { x = 1 }\n'}, "a.b", {"yy": 2})
    assert after.text("m.tf") == 'resource "a" "b" {\n  x  = 1\n  yy = 2\n}\n'
    _, after = of({"m.tf": 'resource "a" "b" {}\n'}, "a.b", {"yy": 2})
    assert after.text("m.tf") == 'resource "a" "b" {\n  yy = 2\n}\n'


def test_comments_at_line_ends_move_with_the_longest_value_as_fmt_has_them() -> None:
    code = {"m.tf": 'resource "a" "b" {\n  x = 1   # one\n  y = 100 # two\n}\n'}
    _, after = of(code, "a.b", {"y": 100000})
    assert after.text("m.tf") == 'resource "a" "b" {\n  x = 1      # one\n  y = 100000 # two\n}\n'


def test_a_policy_in_jsonencode_is_compared_by_meaning_and_edited_inside() -> None:
    code = {
        "m.tf": """
        resource "aws_iam_role" "r" {
          policy = jsonencode({
            Version = "2012-10-17"
            Statement = [
              # reads
              { Effect = "Allow", Action = ["s3:Get*"], Resource = "*" },
              { Effect = "Deny", Action = "iam:*", Resource = "*" },
            ]
          })
        }
        """
    }
    same = '{"Statement":[{"Action":["s3:Get*"],"Effect":"Allow","Resource":"*"},{"Action":"iam:*","Effect":"Deny","Resource":"*"}],"Version":"2012-10-17"}'
    assert not of(code, "aws_iam_role.r", {"policy": same})[0].files
    fix, _ = of(code, "aws_iam_role.r", {"policy": same.replace('"s3:Get*"', '"s3:Get*","s3:Put*"')})
    assert fix.safe
    assert lines(fix) == [
        '-      { Effect = "Allow", Action = ["s3:Get*"], Resource = "*" },',
        '+      { Effect = "Allow", Action = ["s3:Get*", "s3:Put*"], Resource = "*" },',
    ]


def test_a_policy_as_text_that_means_the_same_is_left_alone() -> None:
    code = {"m.tf": 'resource "a" "b" {\n  policy = "{\\"a\\": 1, \\"b\\": 2}"\n}\n'}
    assert not of(code, "a.b", {"policy": '{"b":2,"a":1}'})[0].files


def test_a_conditional_is_edited_in_the_case_that_holds() -> None:
    code = {"m.tf": 'variable "big" {\n  default = true\n}\nresource "a" "b" {\n  n = var.big ? 10 : 1\n}\n'}
    fix, after = of(code, "a.b", {"n": 20})
    assert fix.safe
    assert "var.big ? 20 : 1" in after.text("m.tf")
    assert "the first case of the condition at m.tf:5" in fix.places[0]


def test_a_merge_is_edited_in_the_map_that_has_the_key() -> None:
    code = {
        "m.tf": 'locals {\n  base = { A = "1" }\n}\nresource "a" "b" {\n  tags = merge(local.base, { B = "2" })\n}\n'
    }
    fix, after = of(code, "a.b", {"tags.A": "x", "tags.B": "y", "tags.C": "z"})
    assert fix.safe
    assert 'base = { A = "x" }' in after.text("m.tf")
    assert '{ B = "y", C = "z" }' in after.text("m.tf")
    _, after = of(code, "a.b", {"tags.B": Absent()})
    assert "merge(local.base, {})" in after.text("m.tf").replace("{  }", "{}")


def test_a_tag_that_the_provider_sets_for_all_is_refused() -> None:
    fix, _ = of(WEB, A, {"tags.Name": "z", "tags_all.Owner": "me"})
    assert not fix.safe
    assert "tags_all.Owner: it comes from default_tags of the provider" in fix.why
    assert "tags_all" not in fix.diff


def test_the_plan_to_look_at_is_named() -> None:
    files = {"p/m.tf": 'variable "x" {}\nresource "a" "b" {\n  x = var.x\n}\n', "env/p.tfvars": "x = 1\n"}
    fix, _ = of(files, "a.b", {"x": 2}, directory="p", var_files=("env/p.tfvars",))
    assert fix.commands == ("terraform -chdir=p plan -var-file='../env/p.tfvars'",)


def test_an_item_at_the_end_of_a_line_leaves_no_space_behind() -> None:
    code = {"m.tf": 'resource "a" "b" {\n  c = [\n    "1", "2",\n    "3"\n  ]\n}\n'}
    assert '    "1",\n    "3"\n  ]' in of(code, "a.b", {"c": ["1", "3"]})[1].text("m.tf")
    code = {"m.tf": 'resource "a" "b" {\n  c = [\n    "1",\n  "2"]\n}\n'}
    assert '  c = [\n    "1",\n  ]\n' in of(code, "a.b", {"c": ["1"]})[1].text("m.tf")


def test_lists_that_are_joined_are_edited_in_the_literals_among_them() -> None:
    code = {"m.tf": 'resource "a" "b" {\n  c = concat(["1", "2"], data.x.y.z, ["8", "9"])\n}\n'}
    before = ["1", "2", "5", "8", "9"]
    fix, after = of(code, "a.b", {"c": ["2", "5", "8", "9", "10"]}, {"c": before})
    assert fix.safe, fix.why
    assert 'concat(["2"], data.x.y.z, ["8", "9", "10"])' in after.text("m.tf")
    fix, _ = of(code, "a.b", {"c": ["1", "2", "8", "9"]}, {"c": before})
    assert not fix.safe
    assert not fix.files
    fix, after = of(code, "a.b", {"c": [*before, "10"]}, {"c": before})
    assert fix.safe, fix.why
    assert '["8", "9", "10"])' in after.text("m.tf")
