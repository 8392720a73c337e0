"""YAML by block: what is a block in which format, and what changes of writing mean nothing."""

from __future__ import annotations

import textwrap

import pytest

from graph.model import Value
from ingest.sources.git.blocks import Meaning, Span, Split
from ingest.sources.git.languages.yaml_documents import LANGUAGE


def split(path: str, text: str) -> Split:
    return LANGUAGE.split(path, textwrap.dedent(text).encode())


def addresses(path: str, text: str) -> list[str]:
    found = split(path, text)
    assert found.unreadable == ()
    return [span.address for span in found.spans]


def block(path: str, text: str, address: str) -> Span:
    return next(span for span in split(path, text).spans if span.address == address)


def meaning(path: str, text: str, address: str) -> Meaning:
    return LANGUAGE.meaning(block(path, text, address))


def value(text: str) -> Value:
    """What the one key `k` of a plain file says, where that is a scalar or a list of scalars."""
    return meaning("a.yaml", text, "k").attributes["value"]


def same(one: str, other: str, path: str = "a.yaml") -> bool:
    """Whether two versions of a file mean the same in every block."""
    first, second = ({s.address: LANGUAGE.meaning(s) for s in split(path, t).spans} for t in (one, other))
    assert first, "no blocks"
    return first == second


# -- which files


@pytest.mark.parametrize("path", ["a.yaml", "x/b.yml", ".github/workflows/ci.yml", "hieradata/hosts/db1.yaml", "A.YML"])
def test_it_reads_yaml(path: str) -> None:
    assert LANGUAGE.matches(path)
    assert LANGUAGE.directory(path) == path


@pytest.mark.parametrize(
    "path",
    ["pnpm-lock.yaml", "x/node_modules/a/b.yml", "a.json", "chart/templates/d.yaml", "a.yaml.erb", "main.tf", "yaml"],
)
def test_it_leaves_lock_files_templates_and_other_languages_alone(path: str) -> None:
    assert not LANGUAGE.matches(path)


# -- formats


def test_a_plain_file_has_a_block_for_each_top_level_key_with_its_lines() -> None:
    text = """\
        # about a
        a: 1

        # about b
        b:
          # inner
          c: [1, 2]

        # the end
        """
    a, b = split("x.yaml", text).spans
    assert (a.address, a.block_type, a.name, a.start_line, a.end_line) == ("a", "key", "a", 2, 2)
    assert (b.start_line, b.end_line, b.text) == (5, 7, b"b:\n  # inner\n  c: [1, 2]")
    assert LANGUAGE.meaning(b).attributes == {"c": [1, 2]}


def test_kubernetes_objects_are_known_by_kind_namespace_and_name() -> None:
    text = """\
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: api
          namespace: shop
        spec:
          template:
            spec:
              serviceAccountName: runner
              containers:
                - image: api:1
                  name: api
                  envFrom:
                    - configMapRef: {name: settings}
                - {name: proxy, image: envoy}
              initContainers:
                - name: wait
                  image: busybox
        ---
        apiVersion: v1
        kind: Namespace
        metadata:
          labels: {a: b}
          name: "shop"
        ---
        # nothing here
        ---
        kind: List
        apiVersion: v1
        items:
          - apiVersion: v1
            kind: ConfigMap
            metadata:
              name: settings
            data: {LEVEL: debug}
          - apiVersion: argoproj.io/v1alpha1
            kind: Application
            metadata: {name: shop, namespace: argocd}
        """
    path = "k8s/all.yaml"
    assert addresses(path, text) == [
        "Deployment/shop/api",
        "Namespace/shop",
        "ConfigMap/settings",
        "Application/argocd/shop",
    ]
    deployment = block(path, text, "Deployment/shop/api")
    assert (deployment.type, deployment.block_type, deployment.name) == ("kubernetes:Deployment", "object", "api")
    said = LANGUAGE.meaning(deployment)
    assert said.attributes["spec.template.spec.containers[proxy].image"] == "envoy"
    assert said.attributes["spec.template.spec.initContainers[0].image"] == "busybox"
    assert said.references == {
        "spec.template.spec.serviceAccountName": ("ServiceAccount/shop/runner",),
        "spec.template.spec.containers[api].envFrom[0].configMapRef.name": ("ConfigMap/shop/settings",),
    }
    assert meaning(path, text, "ConfigMap/settings").attributes["data.LEVEL"] == "debug"


def test_the_order_of_containers_means_nothing_and_that_of_init_containers_does() -> None:
    head = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n"
    one, two = "  - {name: a, image: x}\n", "  - {name: b, image: y}\n"
    assert same(f"{head}  containers:\n{one}{two}", f"{head}  containers:\n{two}{one}")
    assert not same(f"{head}  initContainers:\n{one}{two}", f"{head}  initContainers:\n{two}{one}")


def test_two_objects_of_one_name_in_a_file_are_told_apart() -> None:
    document = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
    assert addresses("a.yaml", f"{document}---\n{document}") == ["Service/a", "Service/a#2"]


def test_a_workflow_has_its_triggers_and_jobs() -> None:
    text = """\
        name: CI
        on:
          push:
        env: {A: b}
        jobs:
          build:
            runs-on: ubuntu-latest
            steps:
              - uses: actions/checkout@v4
          deploy:
            needs: [build]
            runs-on: ubuntu-latest
        """
    path = ".github/workflows/ci.yml"
    assert addresses(path, text) == ["name", "on", "env", "jobs.build", "jobs.deploy"]
    job = block(path, text, "jobs.deploy")
    assert (job.block_type, job.type, job.name, job.start_line) == ("job", "github_actions:job", "deploy", 10)
    assert LANGUAGE.meaning(job).references == {"needs": ("jobs.build",)}
    assert meaning(path, text, "jobs.build").attributes["steps[0].uses"] == "actions/checkout@v4"
    assert same("on: push\n", '"on": push\n', path)


def test_pipelines_of_other_systems() -> None:
    gitlab = (
        "stages: [a]\n.base:\n  image: x\nbuild:\n  extends: .base\n  needs:\n    - job: lint\n      artifacts: true\n"
    )
    assert [(s.address, s.block_type) for s in split(".gitlab-ci.yml", gitlab).spans] == [
        ("stages", "key"),
        (".base", "job"),
        ("build", "job"),
    ]
    assert meaning(".gitlab-ci.yml", gitlab, "build").references == {"extends": (".base",), "needs[0].job": ("lint",)}
    circle = (
        "version: 2.1\njobs:\n  b:\n    executor: e\nworkflows:\n  main:\n    jobs:\n      - b\nexecutors:\n  e: {}\n"
    )
    assert addresses(".circleci/config.yml", circle) == ["version", "jobs.b", "workflows.main", "executors.e"]
    assert meaning(".circleci/config.yml", circle, "workflows.main").references == {"jobs": ("jobs.b",)}
    azure = "trigger: [main]\nstages:\n- stage: Build\n  jobs: []\n- stage: Ship\n  dependsOn: Build\n"
    assert addresses("azure-pipelines.yml", azure) == ["trigger", "stages.Build", "stages.Ship"]
    assert meaning("azure-pipelines.yml", azure, "stages.Ship").references == {"dependsOn": ("stages.Build",)}
    concourse = "resources:\n- name: src\n  type: git\njobs:\n- name: test\n  plan:\n  - get: src\n"
    assert addresses("ci/pipeline.yml", concourse) == ["resources.src", "jobs.test"]
    assert meaning("ci/pipeline.yml", concourse, "jobs.test").references == {"plan[0].get": ("resources.src",)}


def test_compose_services_and_volumes() -> None:
    text = "services:\n  web:\n    image: w\n    depends_on: [db]\n    volumes: ['data:/d', './x:/x']\n  db: {image: d}\nvolumes:\n  data:\n"
    path = "docker-compose.prod.yml"
    assert addresses(path, text) == ["services.web", "services.db", "volumes.data"]
    assert meaning(path, text, "services.web").references == {
        "depends_on": ("services.db",),
        "volumes": ("volumes.data",),
    }


def test_cloudformation_resources_with_short_tags() -> None:
    text = """\
        AWSTemplateFormatVersion: "2010-09-09"
        Parameters:
          Size: {Type: String}
        Conditions:
          Big: !Equals [!Ref Size, big]
        Resources:
          Box:
            Type: AWS::EC2::Instance
            Condition: Big
            DependsOn: Net
            Properties:
              InstanceType: !Ref Size
              SubnetId: !GetAtt Net.Id
              UserData:
                Fn::Base64: !Sub "hi ${Net.Arn} ${Size} ${AWS::Region} ${!Literal}"
          Net:
            Type: "AWS::EC2::Subnet"
        Outputs:
          Id: {Value: !Ref Box}
        """
    path = "stack.yaml"
    assert addresses(path, text) == [
        "AWSTemplateFormatVersion",
        "Parameters.Size",
        "Conditions.Big",
        "Resources.Box",
        "Resources.Net",
        "Outputs.Id",
    ]
    box = block(path, text, "Resources.Box")
    assert (box.block_type, box.type, box.name) == ("resource", "AWS::EC2::Instance", "Box")
    said = LANGUAGE.meaning(box)
    assert said.attributes["Properties.InstanceType"] == {"Ref": "Size"}
    assert said.attributes["Properties.SubnetId"] == {"Fn::GetAtt": ["Net", "Id"]}
    assert said.references == {
        "Condition": ("Conditions.Big",),
        "DependsOn": ("Resources.Net",),
        "Properties.InstanceType": ("Resources.Size", "Parameters.Size"),
        "Properties.SubnetId": ("Resources.Net",),
        "Properties.UserData.Fn::Base64": ("Resources.Net", "Resources.Size", "Parameters.Size"),
    }
    long = text.replace("!Ref Size\n", "{Ref: Size}\n").replace(
        "!GetAtt Net.Id", "\n                Fn::GetAtt: [Net, Id]"
    )
    assert long != text
    assert LANGUAGE.meaning(block(path, long, "Resources.Box")) == said


def test_helm_values_and_chart() -> None:
    assert [
        (s.address, s.block_type) for s in split("c/values-prod.yaml", "image:\n  tag: 1\nreplicas: 2\n").spans
    ] == [
        ("image", "value"),
        ("replicas", "value"),
    ]
    chart = "apiVersion: v2\nname: shop\nversion: 1.2.3\ndependencies:\n- name: redis\n  version: 17.x\n"
    (span,) = split("c/Chart.yaml", chart).spans
    assert (span.address, span.block_type, span.name) == ("chart.shop", "chart", "shop")
    assert LANGUAGE.meaning(span).attributes["dependencies[0].version"] == "17.x"


def test_hiera_keys_keep_their_colons() -> None:
    text = "---\nprofile::db::port: 3306\n'profile::db::hosts':\n- db1\n- db2\nlookup_options: {}\n"
    path = "hieradata/role/db.yaml"
    assert addresses(path, text) == ["profile::db::port", "profile::db::hosts", "lookup_options"]
    assert meaning(path, text, "profile::db::port").attributes == {"value": 3306}
    assert meaning(path, text, "profile::db::hosts").attributes == {"value": ["db1", "db2"]}


def test_ansible_plays_tasks_and_variables() -> None:
    plays = "- hosts: web\n  roles: [nginx]\n- name: Databases\n  hosts: db\n- import_playbook: x.yml\n"
    assert addresses("ansible/site.yml", plays) == ["play.web", "play.Databases", "play.x.yml"]
    tasks = (
        "- name: Install\n  apt: {name: nginx}\n\n- import_tasks: users.yml\n- name: Install\n  apt:\n    name: curl\n"
    )
    assert addresses("roles/web/tasks/main.yml", tasks) == [
        "task.Install",
        "task.import_tasks users.yml",
        "task.Install#2",
    ]
    assert meaning("roles/web/tasks/main.yml", tasks, "task.Install#2").attributes == {
        "name": "Install",
        "apt.name": "curl",
    }
    assert [s.block_type for s in split("group_vars/all.yml", "a: 1\nb: 2\n").spans] == ["variable", "variable"]
    inventory = "all:\n  vars: {a: 1}\n  children:\n    web:\n      hosts: {w1: }\n    db: {}\n"
    assert addresses("inventory/prod.yml", inventory) == ["all.vars", "all.children.web", "all.children.db"]


def test_an_encrypted_file_has_no_blocks_and_is_no_error() -> None:
    assert split("group_vars/all/vault.yml", "$ANSIBLE_VAULT;1.1;AES256\n3132\n") == Split(())


def test_prometheus_rules_and_alertmanager_sections() -> None:
    rules = """\
        groups:
        - name: node
          interval: 30s
          rules:
          - alert: Down
            expr: up == 0
          - record: job:up
            expr: sum(up)
          - alert: Down
            expr: up < 1
        """
    assert [(s.address, s.block_type) for s in split("rules.yml", rules).spans] == [
        ("groups.node", "rule_group"),
        ("node/Down", "alert"),
        ("node/job:up", "record"),
        ("node/Down#2", "alert"),
    ]
    assert meaning("rules.yml", rules, "groups.node").attributes == {"name": "node", "interval": "30s"}
    assert meaning("rules.yml", rules, "node/Down#2").attributes["expr"] == "up < 1"
    alertmanager = "global: {}\nroute:\n  receiver: ops\nreceivers:\n- name: ops\n- name: dev\n"
    assert addresses("am.yml", alertmanager) == ["global", "route", "receivers.ops", "receivers.dev"]


def test_a_list_has_its_items_by_name_or_is_one_block() -> None:
    assert addresses("a.yml", "- id: a\n  x: 1\n- id: b\n") == ["[a]", "[b]"]
    (whole,) = split("a.yml", "- a\n- b\n").spans
    assert (whole.address, whole.block_type, LANGUAGE.meaning(whole).attributes) == (
        "document",
        "document",
        {"value": ["a", "b"]},
    )


def test_keys_of_several_documents_are_told_apart() -> None:
    assert addresses("a.yaml", "a: 1\n---\na: 2\nb: 3\n...\n") == ["a", "a#2", "b"]


# -- meaning


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("k:\n  a: 1\n  b: x\n", "k: {b: 'x', a: 1}\n"),
        ("k: [1, 2]\n", "k:\n- 1\n- 2   # two\n"),
        ("k: abc\n", 'k:   "abc"\r\n'),
        ("k: |\n  one\n  two\n", 'k: "one\\ntwo\\n"\n'),
        ("k: >-\n  one\n  two\n", "k: one two\n"),
        ("k: one\n  two\n", "k: one two\n"),
        ("k: ~\n", "k:\n"),
        ("k: True\n", "k: true\n"),
        ("k: &a {x: 1}\nj: *a\n", "k: {x: 1}\nj:\n  x: 1\n"),
        ("k: &a {x: 1, y: 2}\nj:\n  <<: *a\n  y: 3\n", "k: {x: 1, y: 2}\nj: {x: 1, y: 3}\n"),
        ("k: x", "\ufeff# c\n---\nk: x\n\n\n"),
        ("k: 2.5\n", "k: 2.5e+0\n"),
        ("k: !!str 5\n", "k: '5'\n"),
    ],
)
def test_another_way_to_write_the_same_means_the_same(one: str, other: str) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("k: yes\n", "k: true\n"),
        ("k: yes\n", "k: 'yes'\n"),
        ("k: true\n", "k: 'true'\n"),
        ("k: 1\n", "k: '1'\n"),
        ("k: 1\n", "k: true\n"),
        ("k: 3.1\n", "k: 3.10\n"),
        ("k: 3.10\n", "k: '3.10'\n"),
        ("k: 0644\n", "k: 644\n"),
        ("k: 0644\n", "k: 420\n"),
        ("k: null\n", "k: 'null'\n"),
        ("k: {}\n", "k: []\n"),
        ("k: {}\n", "k:\n"),
        ("k: [1, 2]\n", "k: [2, 1]\n"),
        ("k: {value: 1}\n", "k: 1\n"),
        ("k: {a.b: 1}\n", "k: {a: {b: 1}}\n"),
        ("k: !vault x\n", "k: x\n"),
        ("k: &a 1\nj: *a\n", "k: &a 2\nj: *a\n"),
    ],
)
def test_what_a_program_may_read_otherwise_means_another_thing(one: str, other: str) -> None:
    first, second = ([LANGUAGE.meaning(s).attributes for s in split("a.yaml", t).spans] for t in (one, other))
    assert repr(first) != repr(second)


def test_values_keep_the_writing_where_it_counts() -> None:
    assert value("k: yes\n") == "yes"
    assert value("k: 'yes'\n") == {"!!str": "yes"}
    assert value("k: 0644\n") == {"!!int": "0644"}
    assert value("k: 1.10\n") == {"!!float": "1.10"}
    assert value("k: .nan\n") == {"!!float": ".nan"}
    assert value(f"k: {10**30}\n") == {"!!int": str(10**30)}
    assert value("k: 2020-01-01\n") == "2020-01-01"
    assert value("k: 22:22\n") == "22:22"
    assert value("k: !vault abc\n") == {"!vault": "abc"}
    assert value("k: !!python/object/apply:os.system [ls]\n") == {"!!python/object/apply:os.system": ["ls"]}


def test_a_block_changes_with_the_anchor_it_uses() -> None:
    before = "base: &base\n  image: a\nservice:\n  <<: *base\n  port: 1\nother: 1\n"
    after = before.replace("image: a", "image: b")
    old, new = (block("a.yaml", text, "service") for text in (before, after))
    assert old.text != new.text
    assert LANGUAGE.meaning(old).attributes == {"image": "a", "port": 1}
    assert LANGUAGE.meaning(new).attributes == {"image": "b", "port": 1}
    assert block("a.yaml", before, "other").text == block("a.yaml", after, "other").text
    assert (new.start_line, new.end_line) == (3, 5)


def test_anchors_may_refer_to_anchors_and_have_names_that_libyaml_refuses() -> None:
    text = "a: &a/1.0 {x: 1}\nb: &b\n  <<: *a/1.0\n  y: 2\nc: *b\nd: *missing\n"
    assert meaning("a.yaml", text, "c").attributes == {"x": 1, "y": 2}
    assert meaning("a.yaml", text, "d").attributes == {"value": "*missing"}


def test_a_long_block_reads_the_same_piecemeal_as_whole() -> None:
    members = "".join(f"  m{i}:\n    # note\n    a: {i}\n    b: [x, y]\n" for i in range(300))
    text = f"k:\n  shared: &s [1, 2]\n{members}  uses: *s\n  flow: {{a: 1}}\n"
    said = meaning("a.yaml", text, "k").attributes
    assert len(said) == 603
    assert (said["m299.a"], said["uses"], said["flow.a"]) == (299, [1, 2], 1)
    doubled = f"{text}  m1: again\n"
    assert meaning("a.yaml", doubled, "k").attributes["m1"] == "again"


# -- structure that lines do not show


@pytest.mark.parametrize(
    "text",
    [
        "a: {\nb: 1,\nc: 2\n}\nd: 1\n",
        'a: "one\nb: two"\nd: 1\n',
        "{a: 1, d: 2}\n",
        '{"a":1,"d":2}\n',
        "? a\n: 1\n? d\n: 2\n",
        "--- {a: 1, d: 2}\n",
    ],
)
def test_a_parser_finds_the_keys_where_lines_do_not(text: str) -> None:
    assert addresses("a.yaml", text) == ["a", "d"]
    for span in split("a.yaml", text).spans:
        assert "(text)" not in LANGUAGE.meaning(span).attributes


def test_lookalike_lines_inside_values_are_no_keys() -> None:
    text = "a: |\n  b: 1\n\n  - c\nd:\n  # e: 1\n  f: 'g: 1'\n"
    assert addresses("a.yaml", text) == ["a", "d"]


def test_an_unindented_list_belongs_to_its_key() -> None:
    text = "a:\n- x: 1\n  y: 2\n- x: 3\nb: 1\n"
    assert addresses("a.yaml", text) == ["a", "b"]
    assert meaning("a.yaml", text, "a").attributes == {"[0].x": 1, "[0].y": 2, "[1].x": 3}


# -- bad input


def test_of_a_key_given_twice_the_last_holds_and_the_first_stays_known() -> None:
    text = "a: 1\nb: 2\na: 3\n"
    assert addresses("a.yaml", text) == ["a#1", "b", "a"]
    assert meaning("a.yaml", text, "a").attributes == {"value": 3}


def test_the_readable_blocks_of_a_broken_file_are_kept_and_the_break_is_named() -> None:
    found = split("a.yaml", "a: 1\nb: [1, 2\nc: 3\n}{\nd: 4\n")
    assert [span.address for span in found.spans] == ["a", "b", "c", "d"]
    ((line, reason),) = found.unreadable
    assert line > 1
    assert reason
    assert LANGUAGE.meaning(found.spans[1]).attributes == {"(text)": ["b: [1, 2"]}


@pytest.mark.parametrize("data", [b"\xff\xfea\x00:\x00", b"\x00\x01\x02", b"x" * 2_000_001])
def test_what_is_no_text_or_too_large_is_unreadable_with_a_reason(data: bytes) -> None:
    found = LANGUAGE.split("a.yaml", data)
    assert found.spans == ()
    assert found.unreadable[0][1]


def test_latin1_text_in_a_value_is_kept() -> None:
    (span,) = LANGUAGE.split("a.yaml", b"k: caf\xe9\n").spans
    assert LANGUAGE.meaning(span).attributes == {"value": "caf\\xe9"}


def test_tabs_do_not_stop_the_rest() -> None:
    found = split("a.yaml", "a:\n\tb: 1\nc: 2\n")
    assert [span.address for span in found.spans] == ["a", "c"]
    assert LANGUAGE.meaning(found.spans[0]).attributes == {"(text)": ["a:", "b: 1"]}


def test_aliases_cannot_grow_without_end() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    found = split("a.yaml", "\n".join(lines) + "\n")
    assert len(found.spans) == 12
    assert all(len(repr(LANGUAGE.meaning(span))) < 100_000 for span in found.spans)


def test_an_anchor_within_itself_ends() -> None:
    assert meaning("a.yaml", "k: &k\n  a: *k\n", "k").attributes == {"a": "*k"}


def test_deep_nesting_is_its_own_text() -> None:
    deep = "k: " + "[" * 5_000 + "]" * 5_000 + "\nj: 1\n"
    found = split("a.yaml", deep)
    assert "j" in [span.address for span in found.spans]
    assert "(text)" in LANGUAGE.meaning(found.spans[0]).attributes
    nested = "".join(" " * i + "a:\n" for i in range(500))
    assert "(text)" in meaning("a.yaml", nested, "a").attributes
