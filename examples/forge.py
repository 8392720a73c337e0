"""What GitHub tells of the repositories: pull requests with their reviews, deployments, and workflow runs with their jobs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from examples.applies import Apply
from examples.company import CONFIG_REPOSITORY, REPOSITORY, TEALEAF_BOT, person, run_url
from examples.config_repository import REVERTED, ConfigPull
from examples.formats import github
from examples.formats.output import hex_id, number_id
from examples.git_writer import Identity
from examples.history import Merged

_MINUTE = timedelta(minutes=1)
_WORDS = {47: "Priorities are right now: payments wins whenever both rules match.", 36: "Works on staging with the new button."}  # fmt: skip
_OBJECTED = {
    34: "The backup window is too close to the upgrade; please move it to Sunday's window or take a snapshot first.",
    38: "Two minutes are more than the warehouse ever took; why not sixty seconds? (Answered in the thread, fine.)",
}


def infra_repository(
    pulls: list[Merged], applies: list[Apply], shas: Mapping[int, str], links: Mapping[int, str]
) -> github.GitHubRepository:
    """`links`: number of a pull request -> permalink of the thread that its description names."""
    owner, _, name = REPOSITORY.partition("/")
    runs = {apply.run_id: apply for apply in applies}
    return github.GitHubRepository(
        owner, name,
        pulls=tuple(_pull(p, shas, links.get(p.number, "")) for p in reversed(pulls)),
        runs=tuple(_run([a for a in applies if a.run_id == run], shas, i) for i, run in reversed(list(enumerate(runs, 1)))),
    )  # fmt: skip


def created_at(pull: Merged) -> datetime:
    """When it was opened: after the last commit of its branch."""
    if not pull.squashed:
        return pull.merged_at - 57 * _MINUTE
    return pull.merged_at - timedelta(minutes=180 + number_id("opened", pull.number, digits=2))


def _user(who: Identity) -> github.GitHubUser:
    return person(who).github_user


def _review(repository: str, number: int, i: int, who: Identity, state: str, at: datetime, body: str, sha: str) -> github.Review:  # fmt: skip
    return github.Review(number_id("review", repository, number, i), _user(who), state, at, body, sha)


def _pull(pull: Merged, shas: Mapping[int, str], link: str) -> github.PullRequest:
    opened, merger = created_at(pull), pull.author if pull.squashed else pull.reviewer
    head = shas[pull.tip] if pull.tip else hex_id("head", pull.number, digits=40)
    reviews: list[github.Review] = []
    if objection := _OBJECTED.get(pull.number):
        reviews.append(_review(REPOSITORY, pull.number, 1, pull.reviewer, "CHANGES_REQUESTED", opened + 20 * _MINUTE, objection, head))  # fmt: skip
    reviews.append(
        _review(REPOSITORY, pull.number, 2, pull.reviewer, "APPROVED", pull.merged_at - 11 * _MINUTE, _WORDS.get(pull.number, ""), head)
    )  # fmt: skip
    comments: tuple[github.Comment, ...] = ()
    if any(path.startswith("terraform/") for path in pull.files):
        text = "Terraform plan for prod: see the run's summary. No resource is destroyed."
        comments = (
            github.Comment(number_id("comment", pull.number), TEALEAF_BOT.github_user, opened + 4 * _MINUTE, text),
        )
    count = len(pull.messages)
    commits = tuple(
        github.PullRequestCommit(
            head if i == count - 1 else shas[pull.tip - count + 1 + i],
            message,
            pull.author.name,
            pull.author.email,
            opened - (count - i) * _MINUTE if pull.squashed else pull.merged_at - timedelta(hours=count - i),
            _user(pull.author),
        )
        for i, message in enumerate(pull.messages)
    )
    return github.PullRequest(
        number=pull.number, title=pull.title, body=pull.body + (f"\n\nContext: {link}" if link else ""), author=_user(pull.author),
        branch=pull.title.lower().replace(" ", "-")[:40], created_at=opened, head_sha=head, base_sha=shas[pull.base],
        merged_at=pull.merged_at, merged_by=_user(merger), merge_sha=shas[pull.mark], reviews=tuple(reviews), comments=comments,
        files=tuple(github.ChangedFile(path, "added" if pull.number == 6 and path.endswith("rules.tf") else "modified") for path in pull.files),
        commits=commits, labels=("terraform",) if comments else ("services",),
    )  # fmt: skip


def _run(applies: list[Apply], shas: Mapping[int, str], number: int) -> github.WorkflowRun:
    pull = applies[0].pull
    failed = any(not a.succeeded for a in applies)
    start = applies[0].started_at - timedelta(seconds=55)
    end = applies[-1].finished_at + timedelta(seconds=12)
    again = applies[0].environment == "prod"
    run = applies[0].run_id
    jobs = [_job(run, "plan", ("Set up job", "actions/checkout", "terraform plan"), start + timedelta(seconds=4), applies[0].started_at - timedelta(seconds=3), "")]  # fmt: skip
    for a in applies:
        steps = ("Set up job", "actions/checkout", "Configure AWS credentials", "terraform init", "terraform apply")
        jobs.append(_job(run, f"apply ({a.environment})", steps, a.started_at, a.finished_at, "" if a.succeeded else "terraform apply"))  # fmt: skip
    merger = pull.author if pull.squashed else pull.reviewer
    return github.WorkflowRun(
        id=run, number=number, name="deploy", path=".github/workflows/deploy.yml", event="workflow_dispatch" if again else "push",
        branch="main", sha=shas[pull.mark], actor=_user(merger), title=f"{pull.title} (#{pull.number})", created_at=start, updated_at=end,
        conclusion="failure" if failed else "success", jobs=tuple(jobs),
    )  # fmt: skip


def _job(run: int, name: str, steps: tuple[str, ...], start: datetime, end: datetime, failing: str) -> github.Job:
    rows: list[github.Step] = []
    length = (end - start) / len(steps)
    for i, step in enumerate(steps):
        conclusion = "failure" if step == failing else "success"
        rows.append(github.Step(step, conclusion, start + length * i, start + length * (i + 1)))
    return github.Job(number_id("job", run, name, digits=11), name, "failure" if failing else "success", start, end, tuple(rows))  # fmt: skip


def config_repository(pulls: list[ConfigPull], shas: Mapping[int, str]) -> github.GitHubRepository:
    """The settings' repository: its deployments are GitHub's own."""
    owner, _, name = CONFIG_REPOSITORY.partition("/")
    newest = list(reversed(pulls))
    return github.GitHubRepository(
        owner, name,
        pulls=tuple(_config_pull(p, shas) for p in newest),
        deployments=tuple(_config_deployment(p, environment, shas) for p in newest for environment in ("prod", "staging")),
        runs=tuple(_config_run(p, shas) for p in newest),
    )  # fmt: skip


def _config_pull(pull: ConfigPull, shas: Mapping[int, str]) -> github.PullRequest:
    opened = pull.merged_at - (8 * _MINUTE if pull.number == REVERTED + 1 else 75 * _MINUTE)
    head = hex_id("head", CONFIG_REPOSITORY, pull.number, digits=40)
    approved = _review(CONFIG_REPOSITORY, pull.number, 1, pull.reviewer, "APPROVED", pull.merged_at - 3 * _MINUTE, "", head)  # fmt: skip
    commit = github.PullRequestCommit(head, pull.title, pull.author.name, pull.author.email, opened - _MINUTE, _user(pull.author))  # fmt: skip
    return github.PullRequest(
        number=pull.number, title=pull.title, body=pull.body, author=_user(pull.author), branch=f"{pull.service}-{pull.number}", created_at=opened,
        head_sha=head, base_sha=shas[pull.base], merged_at=pull.merged_at, merged_by=_user(pull.author), merge_sha=shas[pull.mark],
        reviews=(approved,), files=tuple(github.ChangedFile(path) for path in pull.paths), commits=(commit,), labels=("settings",),
    )  # fmt: skip


def _config_deployment(pull: ConfigPull, environment: str, shas: Mapping[int, str]) -> github.GitHubDeployment:
    who, (start, end) = _user(pull.author), pull.deployed(environment)
    moments = (("queued", start), ("in_progress", start + timedelta(seconds=4)), ("success", end))
    log = run_url(CONFIG_REPOSITORY, pull.run_id)
    identifier = number_id("deployment", CONFIG_REPOSITORY, pull.number, environment)
    return github.GitHubDeployment(
        identifier, shas[pull.mark], "main", environment, who, start, description=f"{pull.unit} to {environment}",
        payload={"service": pull.unit},
        statuses=tuple(github.DeploymentStatus(number_id("status", identifier, state), state, at, who, "", log) for state, at in moments),
    )  # fmt: skip


def _config_run(pull: ConfigPull, shas: Mapping[int, str]) -> github.WorkflowRun:
    jobs: list[github.Job] = []
    for environment in ("staging", "prod"):
        start, end = pull.deployed(environment)
        jobs.append(_job(pull.run_id, environment, ("Set up job", "actions/checkout", f"./push {environment}"), start, end, ""))  # fmt: skip
    return github.WorkflowRun(
        id=pull.run_id, number=pull.number, name="deploy configuration", path=".github/workflows/deploy.yml", event="push", branch="main",
        sha=shas[pull.mark], actor=_user(pull.author), title=f"{pull.title} (#{pull.number})", created_at=pull.merged_at + timedelta(seconds=9),
        updated_at=jobs[-1].completed_at + timedelta(seconds=5), conclusion="success", jobs=tuple(jobs),
    )  # fmt: skip
