"""Secrets planted wherever people leave them must not be stored, and ids must come through: `python -m bench.planted_secrets --seed 3`.

Secrets of 14 kinds are made at random and put into every place of a generated organisation that holds text or settings: pull requests,
reviews, chat, audit events, alerts, documents, manifests, states, plans, deployments, commits and the files in them, inventories; and
into files that cannot be read, for their error messages. All is ingested, then the same once more as webhooks. After that no secret (in
any case, nor any run of ten letters and digits of it, which is what a full-text index would keep) may be in the store's files, the
inbox, the canonical dump, the log, the texts that were embedded or the reports. A marker beside each secret shows that its place was
read at all. Before that each text is redacted by itself, with other words and punctuation around it, many times over.

Harmless ids (commit hashes, ARNs, digests, UUIDs, key ids …) are planted in the same places of a second organisation: one is damaged when
the words around it are stored and it is not among them.
"""

from __future__ import annotations

import argparse
import base64
import json
import logging
import re
import string
import sys
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from api.deliveries import drain
from api.inbox import Inbox
from bench.kills import world_sources
from bench.planting import Planted, broken_hooks, plan_source, plant
from bench.repositories import machine
from bench.world_deliveries import hooks_of, settings_of
from bench.worlds import write_world
from graph.clock import Instant, instant
from graph.embeddings import embed_missing
from graph.stores import open_store
from ingest.redact import redact_text
from ingest.sync import Retry, sync

NOW: Instant = instant("2026-06-01T00:00:00Z")
KEY = b"0123456789abcdef"
ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


def _chars(random: Random, alphabet: str, n: int) -> str:
    return "".join(random.choices(alphabet, k=n))


def _password(random: Random) -> str:
    return _chars(random, ALNUM, 5) + random.choice("!#%^*") + _chars(random, ALNUM, 10) + "7a"


def _pem(kind: str) -> Callable[[Random], str]:
    def make(random: Random) -> str:
        body = "\n".join(_chars(random, ALNUM + "+/", 64) for _ in range(6))
        return f"-----BEGIN {kind} KEY-----\n{body}\n-----END {kind} KEY-----"

    return make


def _jwt(random: Random) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    head = part({"alg": "HS256", "typ": "JWT"})
    return f"{head}.{part({'sub': _chars(random, ALNUM, 12)})}.{_chars(random, ALNUM + '-_', 43)}"


def _basic(random: Random) -> str:
    return base64.b64encode(f"deploy:{_chars(random, ALNUM, 18)}".encode()).decode()


_AUTHORIZATION = "Authorization"
SECRETS: Mapping[str, tuple[Callable[[Random], str], str, tuple[str, ...]]] = {
    "AWS secret access key": (
        lambda r: _chars(r, ALNUM, 20) + "/" + _chars(r, ALNUM + "+", 18) + "9",
        "aws_secret_access_key",
        (
            "aws_secret_access_key = {}", "export AWS_SECRET_ACCESS_KEY={}", "secret access key: {}", "SecretAccessKey: {}",
            "keys are AKIA" + "QWERTYUIOPASDFGH" + " / {}", "AKIA" + "QWERTYUIOPASDFGH" + ":{}", '"SecretAccessKey": "{}"',
        ),
    ),
    "GitHub token": (
        lambda r: f"gh{r.choice('pos')}_" + _chars(r, ALNUM, 36),
        "github_token",
        ("take {} until it is rotated", "https://x-access-token:{}@github.com/a/b.git", "GITHUB_TOKEN={}", _AUTHORIZATION + ": token {}"),
    ),
    "GitLab token": (lambda r: "glpat-" + _chars(r, ALNUM, 20), "gitlab_token", ("PRIVATE-TOKEN: {}", "clone with {}", "CI_TOKEN={}")),
    "Slack token": (
        lambda r: f"xox{r.choice('bp')}-{r.randint(10**10, 10**11)}-{r.randint(10**10, 10**11)}-{_chars(r, ALNUM, 24)}",
        "slack_token",
        ("the bot uses {}", "SLACK_BOT_TOKEN={}", "slack: {}"),
    ),
    "private key": (_pem("RSA PRIVATE"), "private_key", ("the key:\n{}\nkeep it safe", "tls.key: |\n{}")),
    "SSH private key": (_pem("OPENSSH PRIVATE"), "ssh_private_key", ("deploy key\n{}", "id_ed25519:\n{}\n")),
    "JWT": (_jwt, "session_token", ("cookie session={}; path=/", _AUTHORIZATION + ": Bearer {}", "it sends {} and gets 401")),
    "database URL": (
        lambda r: _chars(r, ALNUM, 16),
        "database_url",
        (
            "postgres://app:{}@db.internal:5432/shop", "DATABASE_URL=mysql://app:{}@10.0.0.5/shop?ssl=1", "mongodb+srv://svc:{}@cluster0.example.net/",
            "redis://:{}@cache:6379/0", "jdbc:postgresql://db/shop?user=app&password={}", "amqp://svc:{}@mq:5672/%2F",
        ),
    ),
    "basic-auth URL": (
        lambda r: _chars(r, ALNUM + "-_", 14) + "x9",
        "registry_url",
        ("pull from https://deploy:{}@registry.example.net/v2/", "git clone http://ci:{}@git.example.net/infra.git", "proxy is http://me:{}@proxy:3128"),
    ),
    "authorization header": (
        lambda r: _basic(r) if r.random() < 0.4 else _chars(r, ALNUM + "-_", 38) + "1a",
        "auth_token",
        ("curl -H '" + _AUTHORIZATION + ": Bearer {}' https://api.example.net", _AUTHORIZATION + ": Basic {}", "authorization: bearer {}", '"' + _AUTHORIZATION + '": "Bearer {}"'),
    ),
    "password": (
        _password,
        "db_password",
        (
            'password = "{}"', "password: {}", "DB_PASSWORD={}", '{{"user": "app", "password": "{}"}}', "mysql --user app --password {} shop", "the password is {} until Monday",
            "Server=db;User Id=app;Pwd={};Encrypt=true", "PGPASSWORD={} psql -h db", "ENV ADMIN_PASSWORD {}", "passwd: '{}'", "-e DB_PASS={}", "pw for the replica: {}",
        ),
    ),
    "Stripe-like key": (lambda r: "sk_live_" + _chars(r, ALNUM, 24), "stripe_key", ("billing uses {} now", "STRIPE_KEY={}", "stripe.api_key = '{}'")),
    "Slack webhook": (
        lambda r: f"T{_chars(r, ALNUM, 8)}/B{_chars(r, ALNUM, 8)}/{_chars(r, ALNUM, 24)}",
        "slack_webhook",
        ("https://hooks.slack.com/services/{}", "post to https://hooks.slack.com/services/{} please"),
    ),
    "API key": (
        lambda r: _chars(r, HEX, 32) if r.random() < 0.3 else _chars(r, ALNUM, 28) + "5z",
        "api_key",
        ('api_key = "{}"', "X-Api-Key: {}", "GET /v1/things?api_key={}&page=2", "apiKey={}", "DATADOG_API_KEY: {}", 'client_secret: "{}"', "the api key is {}"),
    ),
}  # fmt: skip
"""Kind -> how to make one, the name of a setting that holds it, and texts in which people leave it."""

IDS: Mapping[str, Callable[[Random], str]] = {
    "commit": lambda r: _chars(r, HEX, 40),
    "short commit": lambda r: _chars(r, HEX, 12),
    "digest": lambda r: "sha256:" + _chars(r, HEX, 64),
    "image": lambda r: f"{_account(r)}.dkr.ecr.eu-west-1.amazonaws.com/api@sha256:{_chars(r, HEX, 64)}",
    "UUID": lambda r: str(uuid.UUID(int=r.getrandbits(128))),
    "instance": lambda r: "i-0" + _chars(r, HEX, 16),
    "network interface": lambda r: r.choice(("eni-0", "vpc-0", "subnet-0", "sg-0", "rtb-0", "ami-0")) + _chars(r, HEX, 16),
    "rule ARN": lambda r: f"arn:aws:elasticloadbalancing:eu-west-1:{_account(r)}:listener-rule/app/api/{_chars(r, HEX, 16)}/{_chars(r, HEX, 16)}",
    "role ARN": lambda r: f"arn:aws:iam::{_account(r)}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_{_chars(r, HEX, 16)}",
    "secret ARN": lambda r: f"arn:aws:secretsmanager:eu-west-1:{_account(r)}:secret:prod/db-{_chars(r, ALNUM, 6)}",
    "KMS key ARN": lambda r: f"arn:aws:kms:eu-west-1:{_account(r)}:key/{uuid.UUID(int=r.getrandbits(128))}",
    "access key id": lambda r: r.choice(("AKIA", "ASIA")) + _chars(r, string.ascii_uppercase + "234567", 16),
    "unique id": lambda r: r.choice(("AROA", "AIDA", "ANPA", "AGPA")) + _chars(r, string.ascii_uppercase + "234567", 17),
    "Slack id": lambda r: r.choice("CUTWG") + "0" + _chars(r, string.ascii_uppercase + string.digits, 9),
    "Slack permalink": lambda r: f"https://acme.slack.com/archives/C0{_chars(r, string.ascii_uppercase, 8)}/p{r.randint(10**15, 10**16)}",
    "ETag": lambda r: f'"{_chars(r, HEX, 32)}-{r.randint(1, 40)}"',
    "node id": lambda r: "PR_kwDO" + _chars(r, ALNUM, 14),
    "request id": lambda r: _chars(r, string.ascii_uppercase + string.digits, 16),
    "host id": lambda r: base64.b64encode(r.randbytes(56)).decode(),
    "integrity": lambda r: "sha512-" + base64.b64encode(r.randbytes(64)).decode(),
    "base64 id": lambda r: base64.urlsafe_b64encode(r.randbytes(24)).decode(),
    "trace": lambda r: f"00-{_chars(r, HEX, 32)}-{_chars(r, HEX, 16)}-01",
    "zone": lambda r: "Z0" + _chars(r, string.ascii_uppercase + string.digits, 19),
    "Azure id": lambda r: f"/subscriptions/{uuid.UUID(int=r.getrandbits(128))}/resourceGroups/rg-{_chars(r, HEX, 6)}/providers/Microsoft.Web/sites/api",
    "resource id": lambda r: r.choice(("db-", "cluster-", "proxy-")) + _chars(r, string.ascii_uppercase + string.digits, 26),
    "public key": lambda r: "SHA256:" + base64.b64encode(r.randbytes(32)).decode().rstrip("="),
    "state path": lambda r: f"s3://acme-state/env:/prod/{_chars(r, HEX, 8)}/terraform.tfstate",
}  # fmt: skip
"""Sort of id -> how to make one."""


def _account(random: Random) -> str:
    return str(random.randint(10**11, 10**12 - 1))


def secrets(random: Random, count: int) -> list[Planted]:
    """So many secrets, of each kind about as many, each in one of the texts of its kind."""
    kinds = list(SECRETS)
    planted: list[Planted] = []
    for n in range(count):
        kind = kinds[n % len(kinds)]
        make, name, texts = SECRETS[kind]
        secret = make(random)
        text = random.choice(texts).format(secret)
        # What is a secret by its place in a URL alone stands in a setting with the whole URL.
        url = texts[0].format(secret) if texts[0].startswith(("postgres://", "https://hooks")) else secret
        url = f"https://deploy:{secret}@registry.example.net/v2/" if kind == "basic-auth URL" else url
        planted.append(Planted(kind, secret, f"marker{n:04d}q", text, name, url))
    random.shuffle(planted)
    return planted


def harmless(random: Random, count: int) -> list[Planted]:
    """So many ids, in words that make no secret of them."""
    sorts = list(IDS)
    words = ("see {}", "rolled out {} at noon", "it was {} (again)", "id: {}", "`{}` fails", "resource {} is gone, compare with the last one", "from {} to the new one")  # fmt: skip
    found: list[Planted] = []
    for n in range(count):
        sort = sorts[n % len(sorts)]
        one = IDS[sort](random)
        found.append(Planted(sort, one, f"marker{n:04d}q", random.choice(words).format(one), "reference", one))
    random.shuffle(found)
    return found


@dataclass(slots=True)
class Left:
    """What is left of an ingest, by where it is."""

    places: dict[str, str] = field(default_factory=dict[str, str])
    """Name of a place -> everything in it, in lower case."""
    dump: str = ""
    """The canonical dump with its JSON escapes resolved, as written."""


class _Recorder:
    """An embedder that keeps what it was given."""

    id = "recorder-8"
    dimension = 8

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        return np.full((len(texts), 8), 8**-0.5, dtype=np.float32)


def ingest(directory: Path, broken: Sequence[Planted], webhooks: dict[str, dict[str, object]]) -> Left:
    """Ingest a world by pull and then as webhooks, among them unreadable ones with `broken`, and gather everything that is left of it."""
    (directory / "kept").mkdir()
    log, said, embedder = StringIO(), StringIO(), _Recorder()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.DEBUG)
    reports: list[str] = []
    try:
        with redirect_stdout(said), redirect_stderr(said), open_store(f"sqlite:///{directory}/kept/lore.db") as store:
            for _, source in (*world_sources(directory / "world"), ("plan", plan_source(directory / "world"))):
                report = sync(store, source, NOW, KEY, retry=Retry(attempts=1))
                reports.append(f"{report} {getattr(report.error, 'hint', '')} {getattr(report.error, '__notes__', '')}")
            inbox = Inbox(directory / "kept" / "inbox.db")
            for hook in (*hooks_of(directory / "world", NOW), *broken_hooks(broken)):
                inbox.put(hook.sender, hook.delivery)
            while drain(inbox, store, webhooks, KEY):
                pass
            inbox.close()
            embed_missing(store, embedder, deadline_s=120)
            lines = list(store.dump())
            reports += [repr(store.status(quarantine_rows=1000))]
    finally:
        logging.getLogger().removeHandler(handler)
    left = Left(dump="\n".join(map(_unescaped, lines)))
    left.places = {
        "dump": left.dump.lower(),
        "log": log.getvalue().lower(),
        "output": said.getvalue().lower(),
        "embedded texts": "\n".join(embedder.texts).lower(),
        "reports": "\n".join(reports).lower(),
    }
    for file in sorted((directory / "kept").iterdir()):
        left.places[f"file {file.name}"] = file.read_bytes().decode("latin-1").lower()
    return left


def _unescaped(line: str) -> str:
    return json.dumps(json.loads(line), ensure_ascii=False).replace("\\n", "\n").replace('\\"', '"')


def traces(secret: str) -> list[str]:
    """What tells of a secret, in lower case: itself, and its runs of letters and digits that name it."""
    core = secret.removeprefix("https://").removeprefix("http://")
    runs = [
        run
        for run in re.findall(r"[A-Za-z0-9]+", core)
        if len(run) >= 10 and run != "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
    ]
    return [secret.lower(), *(run.lower() for run in runs)]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--secrets", type=int, default=500)
    parser.add_argument("--ids", type=int, default=2000)
    parser.add_argument("--show", type=int, default=20, help="how many failures to print")
    options = parser.parse_args()
    print(machine())
    alone = redact_alone(options.seed, options.show)
    kept = alone + keep_secrets(options.seed, options.secrets, options.show)
    damaged = damage_ids(options.seed, options.ids, options.show)
    sys.exit(1 if kept or damaged * 100 >= options.ids else 0)


AROUND = (
    "{}",
    "Note.\n{}\nmore",
    'he said "{}" again',
    "first {}, and so on.",
    "({})",
    "`{}`",
    "- {}\n- more",
    "| a | {} |",
)
"""What may stand around a text."""


def redact_alone(seed: int, show: int, times: int = 20) -> int:
    """Every text with everything around it, so many times, and the same with ids. How many secrets are left."""
    random = Random(f"alone {seed}")
    tried = left = 0
    for make, _, texts in SECRETS.values():
        for text in texts:
            for around in AROUND:
                for _ in range(times):
                    secret = make(random)
                    clean = redact_text(around.format(text.format(secret))).lower()
                    tried += 1
                    if any(trace in clean for trace in traces(secret)):
                        left += 1
                        if left <= show:
                            print(f"  LEFT {around.format(text.format(secret))!r}")
    ids = harmless(random, 20_000)
    damaged = [one for one in ids if one.secret not in redact_text(one.text)]
    print(
        f"\nredacted alone: {tried} texts with a secret, {left} not clean; {len(ids)} with an id, {len(damaged)} damaged"
    )
    for one in damaged[:show]:
        print(f"  DAMAGED {one.kind}: {one.text!r}")
    return left


def keep_secrets(seed: int, count: int, show: int) -> int:
    """Plant secrets, ingest, print a table; how many secrets are somewhere they must not be."""
    planted = secrets(Random(f"secrets {seed}"), count)
    with tempfile.TemporaryDirectory(prefix="planted-") as scratch:
        world = write_world(seed, Path(scratch) / "world")
        where = plant(Path(scratch) / "world", planted)
        left = ingest(Path(scratch), planted[:40], settings_of(world.organisation))
    found: dict[str, list[str]] = {}
    for one in planted:
        for place, text in left.places.items():
            if any(trace in text for trace in traces(one.secret)):
                found.setdefault(one.marker, []).append(place)
    read = Counter(one.kind for one in planted if one.marker in left.places["dump"])
    print(f"\n{len(planted)} secrets in {len(set(where.values()))} sorts of places\n\n| kind | planted | words around it stored | kept |\n|---|---|---|---|")  # fmt: skip
    for kind in SECRETS:
        of_kind = [one for one in planted if one.kind == kind]
        print(f"| {kind} | {len(of_kind)} | {read[kind]} | {sum(one.marker in found for one in of_kind)} |")
    silent = Counter(where[o.marker] for o in planted if o.marker not in left.places["dump"])
    print(f"\nwithout words that are stored: {dict(silent)}")
    for one in [one for one in planted if one.marker in found][:show]:
        print(f"  KEPT {one.kind} at {where[one.marker]} in {found[one.marker]}: {one.text[:160]!r}")
    return len(found)


def damage_ids(seed: int, count: int, show: int) -> int:
    """Plant ids, ingest, print a table; how many are damaged."""
    planted = harmless(Random(f"ids {seed}"), count)
    with tempfile.TemporaryDirectory(prefix="planted-") as scratch:
        world = write_world(seed + 1, Path(scratch) / "world")
        where = plant(Path(scratch) / "world", planted, broken=False)
        left = ingest(Path(scratch), (), settings_of(world.organisation))
    stored = [one for one in planted if one.marker in left.dump]
    damaged = [one for one in stored if one.secret not in left.dump]
    print(f"\n{len(planted)} ids, {len(stored)} of them with words that are stored, {len(damaged)} damaged ({len(damaged) / max(1, len(stored)):.2%})")  # fmt: skip
    print(f"without: {dict(Counter(where[o.marker] for o in planted if o.marker not in left.dump))}")
    for one in damaged[:show]:
        print(f"  DAMAGED {one.kind} at {where[one.marker]}: {one.text[:160]!r}")
    return len(damaged)


if __name__ == "__main__":
    main()
