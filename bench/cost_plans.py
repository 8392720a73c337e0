"""Plans of Infracost's public example configurations, made by the real Terraform with a provider from a local mirror and no network.

`python -m bench.cost_plans EXAMPLES OUT --mirror DIR`: for each `NAME/NAME.tf` in EXAMPLES a plan as `terraform show -json` prints it goes to
`OUT/NAME.json`. A block that this provider's version does not know any more (its error names the lines) is taken out, and named in `OUT/NAME.left_out`; what cannot be
planned at all has its reason in `OUT/NAME.failed`.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

_ERROR_LINE = re.compile(r"on main\.tf line (\d+)")
_BLOCK = re.compile(r'^(resource|data|module|output)\s+"([^"]+)"(?:\s+"([^"]+)")?')
_ROUNDS = 12
_TIMEOUT_S = 150


def plan_all(examples: Path, out: Path, mirror: Path, only: set[str]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for directory in sorted(one for one in examples.iterdir() if one.is_dir()):
        name = directory.name
        if (only and name not in only) or any((out / f"{name}.{end}").exists() for end in ("json", "failed")):
            continue
        source = directory / f"{name}.tf"
        if not source.is_file():
            continue
        left_out: list[str] = []
        try:
            (out / f"{name}.json").write_bytes(_plan(source.read_text(encoding="utf-8"), mirror, left_out))
        except _NotPlanned as error:
            (out / f"{name}.failed").write_text(str(error), encoding="utf-8")
        if left_out:
            (out / f"{name}.left_out").write_text("\n".join(left_out) + "\n", encoding="utf-8")


class _NotPlanned(Exception):
    pass


def _plan(text: str, mirror: Path, left_out: list[str]) -> bytes:
    with tempfile.TemporaryDirectory() as where:
        work = Path(where)
        rc = work / "rc.tfrc"
        rc.write_text(f'provider_installation {{\n filesystem_mirror {{ path = "{mirror}" }}\n}}\n', encoding="utf-8")
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": where,
            "TF_CLI_CONFIG_FILE": str(rc),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "HTTPS_PROXY": "http://127.0.0.1:9",
        }
        shutil.rmtree(work / ".terraform", ignore_errors=True)
        lines = text.splitlines()
        made = False
        for _ in range(_ROUNDS):
            (work / "main.tf").write_text("\n".join(lines) + "\n", encoding="utf-8")
            if not made:
                code, said = _run(["init", "-input=false", "-no-color", "-backend=false"], work, environment)
                made = code == 0
            else:
                code, said = 0, ""
            if code == 0:
                code, said = _run(
                    ["plan", "-input=false", "-no-color", "-refresh=false", "-lock=false", "-out=plan.bin"],
                    work,
                    environment,
                )
            if code == 0:
                code, shown = _run(["show", "-json", "plan.bin"], work, environment)
                return shown.encode()
            lines = _without_wrong_blocks(lines, said, left_out)
        raise _NotPlanned("errors remain after many blocks were left out")


def _run(arguments: list[str], work: Path, environment: dict[str, str]) -> tuple[int, str]:
    try:
        done = subprocess.run(
            ["terraform", *arguments], cwd=work, env=environment, capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise _NotPlanned(f"terraform {arguments[0]} took longer than {_TIMEOUT_S} s") from None
    if done.returncode == 0:
        return 0, done.stdout.decode()
    return done.returncode, done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace")


def _without_wrong_blocks(lines: list[str], said: str, left_out: list[str]) -> list[str]:
    """The configuration without the blocks that the errors point into. Raises `_NotPlanned` when they point nowhere that can be left out."""
    wrong = {int(number) - 1 for number in _ERROR_LINE.findall(said)}
    drop: set[int] = set()
    for number in wrong:
        start = number
        while start >= 0 and not _BLOCK.match(lines[start]):
            start -= 1
        if start < 0:
            continue
        end = start
        while end < len(lines) - 1 and not lines[end].startswith("}"):
            end += 1
        if end < number:
            continue
        drop |= set(range(start, end + 1))
        found = _BLOCK.match(lines[start])
        assert found
        left_out.append(".".join(part for part in found.groups() if part).removeprefix("resource."))
    if not drop:
        raise _NotPlanned(re.sub(r"\s+", " ", said)[:600])
    return ["" if number in drop else line for number, line in enumerate(lines)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("examples", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--mirror", type=Path, required=True, help="a filesystem mirror of providers")
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    plan_all(options.examples, options.out, options.mirror, set(options.only))


if __name__ == "__main__":
    main()
