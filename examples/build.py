"""Write the bundled company: `python -m examples.build DIRECTORY`.

Makes what the company's systems would export, a directory for each, and `DIRECTORY/lore.yaml` that names them all: git repositories, Terraform states
and plans, GitHub, Slack, deployments, the cloud's audit log and inventory, the cluster, alerts, catalog, documents, certificates, what the company has in other clouds, the cloud's
bill, and metrics of its incidents.
The same commit of this script gives the same bytes and the same hashes everywhere.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from examples.applies import make_applies
from examples.audit import audit_events
from examples.company import (
    ACCOUNT_IDS,
    CLUSTER,
    CONFIG_REPOSITORY,
    HANDBOOK_REPOSITORY,
    ORGANISATION,
    PEOPLE,
    REMOTE,
    REPOSITORY,
    SLACK_TEAM,
    SLACK_WORKSPACE,
    TEALEAF_BOT,
)
from examples.config_repository import write_config
from examples.costs import write_costs
from examples.deploys import apply_deploys, service_deploys
from examples.elsewhere import write_elsewhere
from examples.forge import config_repository, infra_repository
from examples.formats.cloudtrail import write_cloudtrail
from examples.formats.deployments import write_deployments
from examples.formats.github import write_github
from examples.formats.slack import write_slack
from examples.handbook import write_handbook
from examples.history import write_history
from examples.incidents import write_alerts
from examples.inventory import write_cluster, write_inventory, write_pems
from examples.metrics import write_metrics
from examples.plans import write_plans
from examples.states import write_states
from examples.talk import make_talk

DIRECTORIES = (
    *("infra", "shop-config", "handbook", "states", "plans", "github", "slack", "deployments", "cloudtrail", "aws", "kubernetes", "alerts"),
    *("certificates", "cloudformation", "pulumi", "gcp", "azure", "gitlab", "costs", "observations"),
)  # fmt: skip

LORE_YAML = f"""# The bundled company, as `python -m examples.build` wrote it. Paths are relative to this file.
store: sqlite:lore.db
sources:
  - git:
      path: infra
      name: {REPOSITORY}
  - git:
      path: shop-config
      name: {CONFIG_REPOSITORY}
  - terraform_state:
      location: states
      name: tealeaf-states
      environments: {{staging: staging, prod: prod}}
      repository: {REPOSITORY}
      directories: {{staging: terraform/environments/staging, prod: terraform/environments/prod}}
      modules: {{module.edge: terraform/modules/edge, module.data: terraform/modules/data}}
  - terraform_plan:
      path: plans
      name: tealeaf-plans
      environments: {{staging: staging, prod: prod}}
      repository: {REPOSITORY}
      directories: {{staging: terraform/environments/staging, prod: terraform/environments/prod}}
  - github:
      path: github
      name: {ORGANISATION}
  - slack:
      path: slack
      workspace: {SLACK_WORKSPACE}
  - deployments:
      path: deployments
      name: tealeaf
      actor_system: github
  - cloudtrail:
      path: cloudtrail
      name: tealeaf
  - aws:
      path: aws/staging
      account_id: "{ACCOUNT_IDS["staging"]}"
      environment: staging
  - aws:
      path: aws/prod
      account_id: "{ACCOUNT_IDS["prod"]}"
      environment: prod
  - kubernetes:
      path: kubernetes
      cluster: {CLUSTER}
      environment: prod
  - alerts:
      path: alerts
      name: tealeaf
      group_incidents: false  # PagerDuty's incidents count
  - catalog:
      path: handbook
      name: {HANDBOOK_REPOSITORY}
  - documents:
      path: handbook
      name: {HANDBOOK_REPOSITORY}
  - documents:
      path: infra
      name: {REPOSITORY}
      include: ["docs/"]
  - secrets:
      path: certificates
      name: tealeaf-certificates
  - cloudformation:
      path: cloudformation
      account_id: "{ACCOUNT_IDS["prod"]}"
  - pulumi:
      path: pulumi
      name: tealeaf-pulumi
  - gcp:
      path: gcp
      name: tealeaf-gcp
  - azure:
      path: azure
      name: tealeaf-azure
  - gitlab:
      path: gitlab
      name: camellia
      base_url: https://gitlab.camellia.example
  - costs:
      path: costs
      name: tealeaf-aws
observations:  # asked while an incident is investigated, never ingested
  - files:
      path: observations
      name: dashboards
"""


def build(directory: Path) -> None:
    """Write the company into `directory`, replacing what an earlier run wrote there."""
    for name in DIRECTORIES:
        shutil.rmtree(directory / name, ignore_errors=True)
    for stale in directory.glob("lore.db*"):
        stale.unlink()
    directory.mkdir(parents=True, exist_ok=True)

    history = write_history()
    shas = history.git.write(directory / "infra", REMOTE)
    config, config_pulls = write_config()
    config_shas = config.write(directory / "shop-config", f"https://github.com/{CONFIG_REPOSITORY}.git")
    write_handbook().write(directory / "handbook", f"https://github.com/{HANDBOOK_REPOSITORY}.git")

    applies = make_applies(history.pulls)
    deploys = service_deploys(history, shas)
    talk = make_talk(deploys)
    write_states(directory / "states", applies)
    write_plans(directory / "plans", applies)
    repositories = [
        infra_repository(history.pulls, applies, shas, talk.links),
        config_repository(config_pulls, config_shas),
    ]
    write_github(directory / "github", repositories)
    users = [p.slack_user for p in (*PEOPLE, TEALEAF_BOT)]
    write_slack(directory / "slack", SLACK_TEAM, users, talk.channels, talk.messages)
    write_deployments(directory / "deployments" / "deployments.jsonl", [*deploys, *apply_deploys(applies, shas)])
    write_cloudtrail(directory / "cloudtrail", audit_events(applies))
    for environment in ACCOUNT_IDS:
        write_inventory(directory / "aws" / environment, environment, history.knobs)
    write_cluster(directory / "kubernetes", deploys)
    write_alerts(directory / "alerts")
    write_pems(directory / "certificates")
    write_elsewhere(directory)
    write_costs(directory / "costs", applies)
    write_metrics(directory / "observations")
    (directory / "lore.yaml").write_text(LORE_YAML)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    build(parser.parse_args().directory)


if __name__ == "__main__":
    main()
