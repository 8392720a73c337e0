"""Templates of YAML and JSON by block: objects keep addresses, values keep expressions, conditions count."""

from __future__ import annotations

import textwrap

import pytest

from ingest.sources.git.blocks import Meaning, Span
from ingest.sources.git.languages import kinds
from ingest.sources.git.languages.templates import CONTROL, LANGUAGE


def spans(path: str, text: str) -> tuple[Span, ...]:
    found = LANGUAGE.split(path, textwrap.dedent(text).encode())
    assert found.unreadable == ()
    return found.spans


def only(path: str, text: str) -> Meaning:
    (span,) = spans(path, text)
    return LANGUAGE.meaning(span)


@pytest.mark.parametrize(
    "path",
    [
        "charts/shop/templates/deployment.yaml",
        "templates/a.yml",
        "roles/a/templates/b.yaml.j2",
        "modules/a/templates/b.yml.erb",
        "a.json.tpl",
        "policy.tpl",
        "templates/_helpers.tpl",
        "a.tpl.json",
        "stack.template",
        "modules/a/templates/basic.yaml.tpl.erb",
    ],
)
def test_it_reads_templates_of_yaml_and_json(path: str) -> None:
    assert LANGUAGE.matches(path)


@pytest.mark.parametrize(
    "path", ["nginx.conf.j2", "motd.erb", "a.yaml", "values.yaml", "templates/NOTES.txt", "main.tf"]
)
def test_it_leaves_templates_of_anything_else_alone(path: str) -> None:
    assert not LANGUAGE.matches(path)


HELM = """\
    {{- if .Values.enabled }}
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: {{ include "shop.fullname" . }}
      labels:
        {{- include "shop.labels" . | nindent 4 }}
    spec:
      replicas: {{ .Values.replicas }}
      template:
        spec:
          containers:
            - name: {{ .Chart.Name }}
              image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
              {{- with .Values.resources }}
              resources:
                {{- toYaml . | nindent 12 }}
              {{- end }}
              envFrom:
                - configMapRef:
                    name: {{ include "shop.fullname" . }}
    {{- end }}
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: {{ include "shop.fullname" . }}
      namespace: {{ .Release.Namespace | quote }}
    data:
      LEVEL: {{ .Values.level | quote }}
    """
HELM_PATH = "charts/shop/templates/all.yaml"


def test_helm_objects_have_addresses_and_values() -> None:
    deployment, config = spans(HELM_PATH, HELM)
    assert deployment.address == 'Deployment/{{ include "shop.fullname" . }}'
    assert deployment.type == "kubernetes:Deployment"
    assert config.address == 'ConfigMap/{{ .Release.Namespace | quote }}/{{ include "shop.fullname" . }}'
    said = LANGUAGE.meaning(deployment)
    assert said.attributes["spec.replicas"] == "{{ .Values.replicas }}"
    container = "spec.template.spec.containers[{{ .Chart.Name }}]"
    assert (
        said.attributes[f"{container}.image"]
        == "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
    )
    assert said.references == {
        f"{container}.envFrom[0].configMapRef.name": ('ConfigMap/{{ include "shop.fullname" . }}',)
    }


def test_trim_marks_space_and_comments_in_templates_mean_nothing() -> None:
    deployment, config = (LANGUAGE.meaning(span) for span in spans(HELM_PATH, HELM))
    other = (
        HELM.replace("{{- with", "{{ with")
        .replace("{{ .Values.replicas }}", "{{.Values.replicas}}   # how many")
        .replace("    spec:\n      replicas", "    {{- /* a comment */}}\n    spec:\n      replicas")
    )
    assert other != HELM
    assert tuple(LANGUAGE.meaning(span) for span in spans(HELM_PATH, other)) == (deployment, config)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("if .Values.enabled", "if .Values.on"),
        ("with .Values.resources", "with .Values.limits"),
        ("toYaml . | nindent 12", "toYaml .x | nindent 12"),
        ("{{ .Values.replicas }}", "{{ .Values.count }}"),
        ("| default .Chart.AppVersion", ""),
        ("kind: Deployment", "kind: StatefulSet"),
    ],
)
def test_a_changed_expression_or_condition_changes_the_meaning(old: str, new: str) -> None:
    assert old in HELM
    first, second = (LANGUAGE.meaning(spans(HELM_PATH, text)[0]) for text in (HELM, HELM.replace(old, new)))
    assert first.attributes != second.attributes


def test_a_condition_that_moves_to_another_key_changes_the_meaning() -> None:
    one = "k:\n  {{ if .x }}\n  a: 1\n  {{ end }}\n  b: 2\n"
    other = "k:\n  a: 1\n  {{ if .x }}\n  b: 2\n  {{ end }}\n"
    first, second = (only("templates/a.yaml", text) for text in (one, other))
    assert first.attributes["a"] == second.attributes["a"] == 1
    assert first.attributes[CONTROL] != second.attributes[CONTROL]


def test_named_templates_are_blocks() -> None:
    text = """\
        {{/* names */}}
        {{- define "shop.name" -}}
        {{- if .x }}{{ .x }}{{ else }}{{ .y }}{{ end }}
        {{- end }}

        {{- define "shop.labels" }}
        app: {{ include "shop.name" . }}
        {{- end }}
        """
    first, second = spans("charts/shop/templates/_helpers.tpl", text)
    assert (first.address, first.block_type, first.start_line, first.end_line) == ("define.shop.name", "define", 2, 4)
    assert (second.address, second.start_line, second.end_line) == ("define.shop.labels", 6, 8)
    spaced = text.replace("{{ .x }}", "{{- .x -}}")
    assert LANGUAGE.meaning(spans("_a.tpl", spaced)[0]) == LANGUAGE.meaning(first)


def test_erb_in_yaml() -> None:
    text = """\
        # for <%= @fqdn %>
        <% @hosts.each do |host| -%>
        <%= host %>:
          port: <%= @port %>
        <% end -%>
        global:
          url: 'http://<%= scope['x'] %>/'
        <% if @key %>
          key: '<%= @key %>'
        <% end %>
        """
    host, settings = spans("modules/a/templates/b.yaml.erb", text)
    assert (host.address, host.start_line, host.end_line) == ("<%= host %>", 2, 4)
    said = LANGUAGE.meaning(settings).attributes
    assert (said["url"], said["key"]) == ("http://<%= scope['x'] %>/", "<%= @key %>")
    assert LANGUAGE.meaning(host).attributes["port"] == "<%= @port %>"


def test_jinja_in_yaml() -> None:
    text = """\
        {# a comment #}
        a: {{ x | default("y") }}
        {% for item in items %}
        b_{{ item }}: [{{ item }}, 2]
        {% endfor %}
        c: {% if x %}1{% else %}2{% endif %}
        """
    first, second, third = spans("roles/a/templates/a.yml.j2", text)
    assert [span.address for span in (first, second, third)] == ["a", "b_{{ item }}", "c"]
    assert LANGUAGE.meaning(first).attributes == {"value": '{{ x | default("y") }}'}
    assert LANGUAGE.meaning(second).attributes["value"] == ["{{ item }}", 2]
    assert LANGUAGE.meaning(third).attributes == {"value": "{% if x %}1{% else %}2{% endif %}"}


def test_json_templates() -> None:
    erb = """\
        {
          "a": "<%= @a %>",
        <% if @b == "x" -%>
          "b": <%= @b %>,
        <% end -%>
          "c": {"d": [<%= @d %>, 1]}
        }
        """
    a, b, c = spans("modules/a/templates/a.json.erb", erb)
    assert [(s.address, s.start_line) for s in (a, b, c)] == [("a", 2), ("b", 3), ("c", 6)]
    assert LANGUAGE.meaning(a).attributes == {"value": "<%= @a %>"}
    assert LANGUAGE.meaning(b).attributes == {"value": "<%= @b %>", CONTROL: ['<% if @b == "x" %> ‖ "b": <%= @b %>']}
    assert LANGUAGE.meaning(c).attributes == {"d": ["<%= @d %>", 1]}
    policy = '{"Version": "2012-10-17", "Statement": [{"Resource": "arn:${bucket}/*", "N": ${n}}]}'
    _, statement = spans("policies/a.tpl", policy)
    assert LANGUAGE.meaning(statement).attributes == {"[0].Resource": "arn:${bucket}/*", "[0].N": "${n}"}


def test_what_renders_no_yaml_or_json_has_no_blocks() -> None:
    assert spans("user-data.tpl", "#!/bin/bash\nset -e\necho: ${x}\n") == ()
    assert spans("a.json.erb", "<%= JSON.generate(@all) %>\n") == ()


def test_cloudformation_under_templates_is_read_as_such() -> None:
    text = """\
        AWSTemplateFormatVersion: "2010-09-09"
        Resources:
          Db:
            Type: AWS::RDS::DBInstance
            Properties:
              Password: "{{resolve:ssm:/db/password}}"
              Vpc: !Ref Vpc
        """
    _, db = spans("cloudformation/templates/db.yaml", text)
    said = LANGUAGE.meaning(db)
    assert (db.address, db.type) == ("Resources.Db", "AWS::RDS::DBInstance")
    assert said.attributes["Properties.Password"] == "{{ resolve:ssm:/db/password }}"
    assert said.attributes["Properties.Vpc"] == {"Ref": "Vpc"}


def test_what_does_not_parse_is_its_lines_without_layout() -> None:
    text = "a:\n  - {{ range .x }} b: {{ end }} : ] [\n  c: 1\n"
    said = only("templates/a.yaml", text)
    assert said.attributes == {"(text)": ["a:", "- {{ range .x }} b: {{ end }} : ] [", "c: 1"]}
    assert only("templates/a.yaml", text.replace("{{ range .x }}", "{{- range   .x -}}")) == said


def test_a_branch_may_give_a_key_again() -> None:
    text = "{{ if .x }}\na: 1\n{{ else }}\na: 2\n{{ end }}\n"
    assert [span.address for span in spans("templates/a.yaml", text)] == ["a", "a#2"]


def test_too_large_a_file_is_unreadable_with_a_reason() -> None:
    found = LANGUAGE.split("templates/a.yaml", b"x" * (kinds.MAX_FILE_BYTES + 1))
    assert found.spans == ()
    assert found.unreadable[0][1]


def test_a_condition_over_several_lines_is_not_cut() -> None:
    text = "<%\nx = {\n}\n-%>\n<% if x -%>\nk: 1\n<% end -%>\n"
    (span,) = spans("templates/a.yaml.erb", text)
    assert (span.start_line, span.end_line) == (5, 6)
    assert LANGUAGE.meaning(span).attributes == {"value": 1, CONTROL: ["<% if x %> ‖ k: 1"]}
