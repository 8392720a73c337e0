"""Terraform as a program: initialised where needed, planned with a refresh, its plan and state read as JSON. It never applies.

It runs in a configured directory with an environment of its own, so that credentials come from settings and from nowhere else. What it prints
is not repeated but for the title of its first error, without what looks like a secret.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingest.redact import redact_text
from ingest.source import SourceDataInvalid, SourceUnavailable

_FIXED = {
    "TF_IN_AUTOMATION": "1",
    "TF_INPUT": "0",
    "TF_CLI_ARGS": "-no-color",
    "CHECKPOINT_DISABLE": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_ERROR = re.compile(r"Error: ([^\n]{1,300})")
_NEEDS_INIT = re.compile(
    r"terraform init|Backend initialization required|Module not installed|Required plugins are not installed|"
    r"Missing required provider|Inconsistent dependency lock file",
    re.I,
)
_TRANSIENT = re.compile(
    r"timed? ?out|connection (?:refused|reset)|no such host|i/o timeout|TLS handshake|throttl|rate exceeded|too many requests|"
    r"StatusCode: 5\d\d|service unavailable|temporar|acquiring the state lock",
    re.I,
)
_CREDENTIALS = re.compile(
    r"no valid credential|ExpiredToken|InvalidClientTokenId|AccessDenied|Unauthorized|not authorized", re.I
)
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class TerraformRoot:
    """A root module that Terraform can plan.

    Attributes:
        directory: where it is on this machine.
        workspace: the workspace that is compared; empty for the one that is selected.
        variables: input variables.
        var_files: files of variables, relative to `directory`.
        environment_variables: the child's environment beside PATH and HOME: credentials, `TF_CLI_CONFIG_FILE` …
        program: `terraform`, `tofu`, or a path.
        timeout_s: how long one command may take.
    """

    directory: Path
    workspace: str = ""
    variables: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    var_files: Sequence[str] = ()
    environment_variables: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    program: str = "terraform"
    timeout_s: float = 900.0


@dataclass(frozen=True, slots=True)
class Planned:
    """What Terraform told: a plan as JSON, and the state as it was before that plan refreshed it. Both hold secrets in plain text."""

    plan: bytes = field(repr=False)
    state: bytes = field(repr=False)


def is_installed(program: str = "terraform") -> bool:
    """Whether the program can be found."""
    return shutil.which(program) is not None


class TerraformCli:
    """Runs Terraform in one root module.

    Raises:
        SourceDataInvalid: there is no such program or directory.
    """

    def __init__(self, root: TerraformRoot) -> None:
        found = shutil.which(root.program)
        if found is None:
            raise SourceDataInvalid(
                f"the program {root.program} was not found",
                "install Terraform or OpenTofu, name it with `program:`, or scan with --no-terraform",
            )
        if not root.directory.is_dir():
            raise SourceDataInvalid(
                f"{root.directory} is no directory", "name the directory of a root module under `drift: terraform:`"
            )
        self._root = root
        self._program = found

    def planned(self) -> Planned:
        """The state as it is stored, and a plan against what is there now. Nothing is locked, written or applied.

        Raises:
            SourceUnavailable: it took too long, or what it talks to cannot be reached.
            SourceDataInvalid: the code, the credentials or the variables do not do.
        """
        self._initialised()
        with tempfile.TemporaryDirectory(prefix="lore-plan-") as folder:
            file = str(Path(folder) / "plan")
            arguments = ("plan", f"-out={file}", "-input=false", "-lock=false", *self._given())
            done = self._start(*arguments)
            if done.returncode != 0 and _NEEDS_INIT.search(_said(done)):
                self._run("init", "-input=false", "-lockfile=readonly")
                done = self._start(*arguments)
            if done.returncode != 0:
                raise self._failure("plan", _said(done))
            state = self._run("state", "pull")
            return Planned(self._run("show", "-json", file), state)

    def plan_targets(self, addresses: Sequence[str]) -> bytes:
        """A plan as JSON of what an apply of these instances alone would do. Raises as `planned`."""
        self._initialised()
        with tempfile.TemporaryDirectory(prefix="lore-plan-") as folder:
            file = str(Path(folder) / "plan")
            targets = [f"-target={one}" for one in addresses]
            self._run("plan", f"-out={file}", "-input=false", "-lock=false", *self._given(), *targets)
            return self._run("show", "-json", file)

    def validate(self) -> str:
        """What `terraform validate` has against the code; empty when nothing. Raises as `planned`."""
        self._initialised()
        done = self._start("validate")
        return "" if done.returncode == 0 else self._title(_said(done))

    def formatted(self, text: bytes) -> bytes:
        """The text of a file as `terraform fmt` would write it. Raises `SourceDataInvalid` for what cannot be parsed."""
        done = self._start("fmt", "-", given=text)
        if done.returncode != 0:
            raise self._failure("fmt", _said(done))
        return done.stdout

    # -- one command

    def _initialised(self) -> None:
        data = self._root.environment_variables.get("TF_DATA_DIR", "")
        if not (Path(data) if data else self._root.directory / ".terraform").is_dir():
            self._run("init", "-input=false")

    def _given(self) -> list[str]:
        files = [f"-var-file={one}" for one in self._root.var_files]
        return [*files, *(f"-var={name}={value}" for name, value in sorted(self._root.variables.items()))]

    def _run(self, *arguments: str) -> bytes:
        done = self._start(*arguments)
        if done.returncode != 0:
            raise self._failure(arguments[0], _said(done))
        return done.stdout

    def _start(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        root = self._root
        environment = {
            "PATH": os.pathsep.join([str(Path(self._program).parent), os.defpath]),
            "HOME": str(Path.home()),
            **_FIXED,
            **({"TF_WORKSPACE": root.workspace} if root.workspace and arguments[0] != "init" else {}),
            **root.environment_variables,
        }
        if arguments[0] in ("fmt", "state", "show"):
            environment.pop("TF_CLI_ARGS", None)
        try:
            return subprocess.run(
                [self._program, *arguments],
                cwd=root.directory,
                env=environment,
                input=given,
                capture_output=True,
                timeout=root.timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SourceUnavailable(
                f"terraform {arguments[0]} in {root.directory} took longer than {root.timeout_s:.0f} s",
                "raise `timeout_s` of this root module, or look whether what its providers talk to can be reached",
            ) from None
        except OSError as error:
            raise SourceUnavailable(
                f"terraform could not be started: {error.strerror}", "check that it runs on this machine"
            ) from None

    def _failure(self, command: str, said: str) -> SourceDataInvalid | SourceUnavailable:
        message = f"terraform {command} in {self._root.directory} failed: {self._title(said)}"
        if _CREDENTIALS.search(said):
            return SourceDataInvalid(message, "give it credentials that may read, under `environment_variables:`")
        if _TRANSIENT.search(said):
            return SourceUnavailable(message, "try again; nothing was changed")
        return SourceDataInvalid(message, f"run `terraform {command}` there to see all that it says")

    def _title(self, said: str) -> str:
        found = _ERROR.search(said)
        title = redact_text(found[1].strip()) if found else "it gave no reason"
        secrets = [
            v for v in (*self._root.environment_variables.values(), *self._root.variables.values()) if len(v) > 3
        ]
        for secret in sorted(secrets, key=len, reverse=True):
            title = title.replace(secret, "***")
        return title[:_LONGEST_NAME]


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    # With boxes around errors, as Terraform draws them, a line begins with a bar.
    text = (done.stderr or done.stdout).decode("utf-8", "replace")
    return re.sub(r"^[│╷╵|]\s?", "", text, flags=re.MULTILINE)
