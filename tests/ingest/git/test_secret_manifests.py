"""Values of Kubernetes Secrets are never stored, whatever they are called: neither as attributes nor as changed lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.model import ref
from tests.ingest.git.repo_builder import RepoBuilder
from tests.ingest.git.world import NAME, World, said

CANARY, OTHER = "plum-" + "velvet-42", "fig-" + "linen-77"
SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: pay
stringData:
  name: pay
  url: {0}
data:
  dsn: {0}
type: Opaque
"""
LISTED = """\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Secret
  stringData:
    name: pay
    url: {0}
  metadata: {{name: pay}}
- apiVersion: v1
  kind: ConfigMap
  metadata: {{name: pay}}
  data: {{mode: plain-words}}
"""
APPLIED = """\
apiVersion: v1
kind: Secret
metadata:
  name: pay
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{{"stringData":{{"url":"{0}"}}}}'
data: {{}}
"""
JSON = """\
{{
  "apiVersion": "v1",
  "kind": "Secret",
  "metadata": {{"name": "pay"}},
  "stringData": {{
    "url": "{0}"
  }}
}}
"""
BROKEN = SECRET + "nothing: [of: this: is\n  yaml\n"
CASES = {
    "one": ("pay.yaml", SECRET),
    "of a list": ("pay.yaml", LISTED),
    "as applied": ("pay.yaml", APPLIED),
    "json": ("pay.json", JSON),
    "broken": ("pay.yaml", BROKEN),
    "after another": ("pay.yaml", "kind: ConfigMap\napiVersion: v1\nmetadata: {{name: a}}\n---\n" + SECRET),
    "template": ("templates/pay.yaml", SECRET.replace("name: pay", "name: {{{{ .Release.Name }}}}-pay", 1)),
}


@pytest.fixture
def repo(tmp_path: Path) -> RepoBuilder:
    return RepoBuilder(tmp_path / "infra")


def pulled(repo: RepoBuilder) -> World:
    world = World(repo.path)
    world.pull()
    return world


@pytest.mark.parametrize("case", CASES)
def test_a_value_of_a_secret_is_in_no_fact_of_its_life(repo: RepoBuilder, case: str) -> None:
    path, text = CASES[case]
    repo.commit("Start", {"other": "x\n"})
    repo.commit("Come", {path: text.format(CANARY)})
    repo.commit("Change", {path: text.format(OTHER)})
    repo.commit("Move", {path: None, f"old/{path}": text.format(OTHER)})
    repo.commit("Go", {f"old/{path}": None})
    told = repr([a.fact for a in pulled(repo).assertions])
    assert CANARY not in told
    assert OTHER not in told
    assert '"pay' in told or "pay" in told


def test_that_a_value_of_a_secret_changed_is_told_without_it(repo: RepoBuilder) -> None:
    repo.commit("Come", {"pay.yaml": SECRET.format(CANARY)})
    sha = repo.commit("Change", {"pay.yaml": SECRET.format(CANARY).replace(f"url: {CANARY}", f"url: {OTHER}")})
    world = pulled(repo)
    changes = dict(map(said, world.changes(ref("Block", NAME, "pay.yaml", "Secret/pay"))))
    hidden = {"state": "redacted"}
    assert changes[sha]["attributes"] == [{"path": "stringData.url", "before": hidden, "after": hidden}]


def test_a_config_map_and_a_sealed_secret_are_told(repo: RepoBuilder) -> None:
    sealed = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: s}\nspec:\n  encryptedData:\n    url: AgBy3i\n"
    repo.commit("Come", {"list.yaml": LISTED.format(CANARY), "sealed.yaml": sealed})
    told = repr([a.fact for a in pulled(repo).assertions])
    assert "plain-words" in told
    assert "AgBy3i" in told
    assert CANARY not in told
