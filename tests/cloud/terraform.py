"""Terraform with the AWS provider from a mirror on this machine, against an AWS on the loopback. Nothing is downloaded."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

PROVIDER = "registry.terraform.io/hashicorp/aws"
VERSION = "5.100.0"
MIRRORS = (
    Path("/opt/tf-plugins"),
    Path("/usr/share/terraform/plugins"),
    Path("/usr/local/share/terraform/plugins"),
    Path("~/.terraform.d/plugins").expanduser(),
    Path("~/.local/share/terraform/plugins").expanduser(),
)
"""Where a filesystem mirror is by convention."""


def mirror() -> Path | None:
    """The first mirror that holds the provider, unpacked or as an archive; None when there is none."""
    for place in MIRRORS:
        if (place / PROVIDER / VERSION).is_dir() or list((place / PROVIDER).glob(f"*{VERSION}*.zip")):
            return place
    return None


def missing() -> str:
    """What this machine lacks; empty when it lacks nothing."""
    if shutil.which("terraform") is None:
        return "terraform is not installed"
    return (
        ""
        if mirror() is not None
        else f"no filesystem mirror with {PROVIDER} {VERSION} in {', '.join(map(str, MIRRORS))}"
    )


class Terraform:
    """A working directory with the provider set up for an endpoint."""

    def __init__(self, directory: Path, endpoint: str, access_key_id: str, region: str) -> None:
        self._directory = directory
        place = mirror()
        assert place is not None
        (directory / "cli.tfrc").write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{place}"\n  }}\n}}\ndisable_checkpoint = true\n'
        )
        endpoints = "\n".join(f'    {service} = "{endpoint}"' for service in ("ec2", "elbv2", "iam", "s3", "sts"))
        (directory / "provider.tf").write_text(
            f"""terraform {{
  required_providers {{
    aws = {{
      source  = "hashicorp/aws"
      version = "{VERSION}"
    }}
  }}
}}

provider "aws" {{
  region                      = "{region}"
  access_key                  = "{access_key_id}"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  skip_region_validation      = true
  s3_use_path_style           = true
  max_retries                 = 2
  endpoints {{
{endpoints}
  }}
}}
"""
        )

    @property
    def state(self) -> Path:
        """The state file."""
        return self._directory / "terraform.tfstate"

    def apply(self, variables: Mapping[str, str]) -> None:
        """`init` and `apply`. Raises `AssertionError` with Terraform's words."""
        self._run("init", "-input=false", "-no-color")
        given = [f"-var={name}={value}" for name, value in variables.items()]
        self._run("apply", "-auto-approve", "-input=false", "-no-color", *given)

    def _run(self, *arguments: str) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TF_"))}  # noqa: TID251 - for a child process
        environment["TF_CLI_CONFIG_FILE"] = str(self._directory / "cli.tfrc")
        environment["AWS_EC2_METADATA_DISABLED"] = "true"
        done = subprocess.run(
            ["terraform", *arguments],
            cwd=self._directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, f"terraform {arguments[0]}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
