"""A small repository whose right answers are known because each commit was written to be one.

Every commit's title is its label. Questions name the title (or titles, when the merge and the commit inside it are both
right) of the newest change that *means* something.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from examples.git_writer import GitWriter, Identity

ANN = Identity("Ann Archer", "ann@example.org")
BEN = Identity("Ben Baker", "ben@example.org")
START = datetime(2023, 1, 2, 8, 0, tzinfo=UTC)

EDGE = "modules/edge/main.tf"
RULES = "modules/edge/rules.tf"
NET = "modules/network/main.tf"
OLD = "legacy/main.tf"
APP = "k8s/app.yaml"

LB = """resource "aws_lb" "front" {
  name         = "front"
  idle_timeout = 60
  subnets      = var.subnets
}
"""
RULE = """resource "aws_lb_listener_rule" "api" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 10

  condition {
    path_pattern {
      values = ["/api/*"]
    }
  }
}
"""
GROUP = """resource "aws_security_group" "web" {
  name   = "web"
  vpc_id = var.vpc

  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0/8"]
  }
}
"""
OLD_STYLE = """resource "aws_alb_target_group" "app" {
  name     = "app-${var.env}"
  port     = "80"
  vpc_id   = "${var.vpc_id}"
  tags {
    Team = "core"
  }
}

resource "aws_instance" "app" {
  ami                    = "${data.aws_ami.base.id}"
  vpc_security_group_ids = ["${var.groups}"]
  count                  = "2"
}
"""
NEW_STYLE = """resource "aws_lb_target_group" "app" {
  name   = "app-${var.env}"
  port   = 80
  vpc_id = var.vpc_id
  tags = {
    Team = "core"
  }
}

# two of them
resource "aws_instance" "app" {
  count                  = 2
  ami                    = data.aws_ami.base.id
  vpc_security_group_ids = var.groups
}
"""
DATABASE = """resource "google_sql_database_instance" "orders" {
  database_version = "POSTGRES_14"
  settings {
    tier = "db-f1-micro"
  }
}

resource "azurerm_storage_account" "logs" {
  name                     = "logs"
  account_replication_type = "LRS"
}
"""
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: web
          image: web:1
"""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question and the titles of the commits that answer it; an empty set means nothing may be found."""

    question: str
    titles: frozenset[str]


def _q(question: str, *titles: str) -> Labelled:
    return Labelled(question, frozenset(titles))


QUESTIONS = (
    _q("who last changed aws_lb.front in modules/edge/main.tf?", "Longer idle timeout"),
    _q("who changed the load balancer front?", "Longer idle timeout"),
    _q("when was the load balancer front last modified?", "Longer idle timeout"),
    _q(
        "who last changed aws_lb_listener_rule.api in modules/edge/rules.tf?",
        "Rule before the catch-all",
        "Merge pull request #7 from org/priority",
    ),
    _q("who changed the LB rule?", "Rule before the catch-all", "Merge pull request #7 from org/priority"),
    _q(
        "what was the latest listener rule change?",
        "Rule before the catch-all",
        "Merge pull request #7 from org/priority",
    ),
    _q("who last changed aws_security_group.web in modules/network/main.tf?", "Open the office range (#3)"),
    _q("who changed the SG web?", "Open the office range (#3)"),
    _q("who touched the securty group web last?", "Open the office range (#3)"),
    _q("who last changed aws_lb_target_group.app in legacy/main.tf?", "Import the legacy app"),
    _q("who last changed aws_instance.app in legacy/main.tf?", "Import the legacy app"),
    _q("who changed the google sql database instance orders?", "Bigger orders database"),
    _q("who changed the database?", "Bigger orders database"),
    _q("who changed the storage account logs?", "Clouds beside AWS"),
    _q("who last changed Deployment/shop/web in k8s/app.yaml?", "Web 2"),
    _q("who changed the deployment web?", "Web 2"),
    _q("who changed var.subnets in modules/edge?", "Type the subnets"),
    _q("who last changed aws_eip.gone?", "Drop the unused address"),
    _q("who last changed aws_lb.renamed in modules/edge/extra.tf?", "An extra balancer"),
    _q("who changed aws_lb.never_existed_anywhere_zzz?"),
)


def write(directory: Path) -> None:
    """Write the repository."""
    git = GitWriter()
    at = [START]

    def commit(title: str, changes: dict[str, str | None], author: Identity = ANN) -> int:
        at[0] += timedelta(hours=7)
        files = dict(git.files)
        for path, text in changes.items():
            if text is None:
                files.pop(path)
            else:
                files[path] = text
        return git.commit(title + "\n", author, at[0], files)

    variables = 'variable "subnets" {}\n'
    eip = 'resource "aws_eip" "gone" {\n  vpc = true\n}\n'
    commit("Import the legacy app", {OLD: OLD_STYLE})
    commit("Edge", {EDGE: LB + "\n" + RULE + "\n" + eip, "modules/edge/variables.tf": variables})
    commit("Network", {NET: GROUP}, BEN)
    commit("Clouds beside AWS", {"clouds/main.tf": DATABASE})
    commit("Web 1", {APP: DEPLOYMENT}, BEN)
    lb = LB.replace("60", "120")
    commit("Longer idle timeout", {EDGE: lb + "\n" + RULE + "\n" + eip}, BEN)
    group = GROUP.replace('["10.0.0.0/8"]', '["10.0.0.0/8", "198.51.100.0/24"]')
    commit("Open the office range (#3)", {NET: group})
    commit("Drop the unused address", {EDGE: lb + "\n" + RULE}, BEN)
    commit("Move rules to their own file", {EDGE: lb, RULES: RULE})
    _merged_pull_request(git, at)
    _undone_on_a_branch(git, at)
    commit("Terraform 0.12 syntax, aws_lb names", {OLD: NEW_STYLE}, BEN)
    commit("Type the subnets", {"modules/edge/variables.tf": 'variable "subnets" {\n  type = list(string)\n}\n'})
    commit("Bigger orders database", {"clouds/main.tf": DATABASE.replace("db-f1-micro", "db-g1-small")})
    commit("Web 2", {APP: DEPLOYMENT.replace("web:1", "web:2")}, BEN)
    commit(
        "Quote and sort the deployment",
        {
            APP: DEPLOYMENT.replace("web:1", '"web:2"').replace(
                "  name: web\n  namespace: shop\n", "  namespace: shop\n  name: web\n"
            )
        },
    )
    extra = LB.replace('"front"', '"spare"').replace("60", "30")
    commit("An extra balancer", {"modules/edge/extra.tf": extra})
    commit("Call it renamed", {"modules/edge/extra.tf": extra.replace('"aws_lb" "spare"', '"aws_lb" "renamed"')}, BEN)
    commit(
        "Align everything",
        {
            EDGE: lb.replace("  name         =", "  name    =").replace(
                "  idle_timeout =", "  # seconds\n  idle_timeout ="
            )
        },
        BEN,
    )
    shuffled = group.replace(
        "    from_port   = 443\n    to_port     = 443\n", "    to_port     = 443\n    from_port   = 443\n"
    )
    commit("Sort attributes", {NET: shuffled}, BEN)
    git.write(directory, "https://github.com/org/labelled.git")


def _merged_pull_request(git: GitWriter, at: list[datetime]) -> None:
    base, files = git.tip, dict(git.files)
    files_changed = files | {RULES: files[RULES].replace("priority     = 10", "priority     = 5")}
    inner = git.commit(
        "Rule before the catch-all\n",
        BEN,
        at[0] + timedelta(hours=1),
        files_changed,
        parent=base,
        branch="refs/heads/topic/7",
    )
    at[0] += timedelta(hours=3)
    git.commit(
        "Merge pull request #7 from org/priority\n\nRule before the catch-all\n",
        ANN,
        at[0],
        files_changed,
        parent=base,
        merge=inner,
    )


def _undone_on_a_branch(git: GitWriter, at: list[datetime]) -> None:
    base, files = git.tip, dict(git.files)
    opened = files | {NET: files[NET].replace("443", "80")}
    first = git.commit(
        "Open port 80\n", BEN, at[0] + timedelta(hours=1), opened, parent=base, branch="refs/heads/topic/8"
    )
    noted = files | {"README.md": "Notes\n"}
    second = git.commit(
        "Think again\n", BEN, at[0] + timedelta(hours=2), noted, parent=first, branch="refs/heads/topic/8"
    )
    at[0] += timedelta(hours=4)
    git.commit("Merge pull request #8 from org/port\n\nNotes\n", ANN, at[0], noted, parent=base, merge=second)
