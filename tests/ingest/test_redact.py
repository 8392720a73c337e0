"""Secrets go, references stay. Every secret here is made up at run time from a seeded generator."""

from __future__ import annotations

import base64
import json
import random
import string
import time
import uuid
from collections.abc import Callable, Mapping
from hashlib import sha256

import pytest

from graph.model import Alias, Assertion, Entity, FactBatch, Passage, Quarantined, Relation, Value, ref
from ingest.redact import REDACTED, redact_batch, redact_text, redact_value
from ingest.secret_patterns import is_secret_name

KEY = b"k" * 32
ALNUM = string.ascii_letters + string.digits


def chars(rng: random.Random, alphabet: str, n: int) -> str:
    return "".join(rng.choices(alphabet, k=n))


def _jwt(rng: random.Random) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return (
        f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': chars(rng, ALNUM, 12)})}.{chars(rng, ALNUM + '-_', 43)}"
    )


def _pem(rng: random.Random) -> str:
    body = "\n".join(chars(rng, ALNUM + "+/", 64) for _ in range(6))
    return f"-----BEGIN {'RSA PRIVATE'} KEY-----\n{body}\n-----END {'RSA PRIVATE'} KEY-----"


def _password(rng: random.Random) -> str:
    return chars(rng, ALNUM, 4) + rng.choice("!#%^*") + chars(rng, ALNUM, 7) + "7a"


SECRETS: Mapping[str, tuple[Callable[[random.Random], str], str]] = {
    "aws secret key": (lambda r: chars(r, ALNUM + "/+", 40), "aws_secret_access_key = {}"),
    "aws secret key in words": (lambda r: chars(r, ALNUM, 40), "the secret access key: {}"),
    "aws secret key after its id": (
        lambda r: "a/B1" + chars(r, ALNUM + "+", 36),
        "AKIA" + "QWERTYUIOPASDFGH" + " / {}",
    ),
    "aws secret key joined to its id": (
        lambda r: "a/B1" + chars(r, ALNUM + "+", 36),
        "AKIA" + "QWERTYUIOPASDFGH" + ":{}",
    ),
    "aws secret key before its id": (
        lambda r: "a/B1" + chars(r, ALNUM + "+", 36),
        "made {}\nfor the key " + "AKIA" + "QWERTYUIOPASDFGH",
    ),
    "aws session token": (
        lambda r: "IQoJb3JpZ2lu" + "X2Vj" + chars(r, ALNUM + "/+", 300) + "==",
        "assumed with {} today",
    ),
    "discord webhook": (lambda r: chars(r, ALNUM, 68), "https://discord.com/api/webhooks/123456789012345678/{}"),
    "password for something": (_password, "pw for the replica: {}"),
    "directive": (_password, "ENV ADMIN_PASSWORD {}"),
    "password with a percent sign": (
        lambda r: chars(r, ALNUM, 5) + "%s1" + chars(r, ALNUM, 7),
        "User Id=app;Pwd={};Encrypt=true",
    ),
    "github token": (
        lambda r: "ghp_" + chars(r, ALNUM, 36),
        "curl -H 'Authorization: token {}' https://api.github.com",
    ),
    "github fine-grained": (lambda r: "github_pat_" + chars(r, ALNUM, 22) + "_" + chars(r, ALNUM, 59), "see {} there"),
    "gitlab token": (lambda r: "glpat-" + chars(r, ALNUM, 20), "clone with {}"),
    "slack token": (
        lambda r: f"xoxb-{r.randint(10**10, 10**11)}-{r.randint(10**10, 10**11)}-{chars(r, ALNUM, 24)}",
        "bot {}",
    ),
    "slack webhook": (
        lambda r: f"T{chars(r, ALNUM, 8)}/B{chars(r, ALNUM, 8)}/{chars(r, ALNUM, 24)}",
        "https://hooks.slack.com/services/{}",
    ),
    "stripe key": (lambda r: "sk_live_" + chars(r, ALNUM, 24), "billing uses {} now"),
    "jwt": (_jwt, "cookie session={}; path=/"),
    "private key": (_pem, "the key:\n{}\nkeep it"),
    "login in a url": (lambda r: chars(r, ALNUM, 14), "postgres://app:{}@db.internal:5432/shop"),
    "azure account key": (
        lambda r: chars(r, ALNUM + "+/", 86) + "==",
        "DefaultEndpointsProtocol=https;AccountName=x;AccountKey={};EndpointSuffix=y",
    ),
    "password in quotes": (_password, 'password = "{}"'),
    "password in yaml": (_password, "db:\n  user: app\n  password: {}\n"),
    "environment variable": (_password, "export DB_PASSWORD={}"),
    "json": (_password, '{{"user": "app", "clientSecret": "{}"}}'),
    "container variable": (_password, '[{{"name":"DB_PASSWORD","value":"{}"}}]'),
    "flag": (_password, "mysql --user app --password {} shop"),
    "bearer": (lambda r: chars(r, ALNUM + "-_", 40) + "1a", "curl -H 'Authorization: Bearer {}' x"),
    "in words": (_password, "the password is {} until Monday"),
    "connection string": (_password, "Server=db;Database=shop;User Id=app;Pwd={};Encrypt=true"),
    "google api key": (lambda r: "AIza" + chars(r, ALNUM + "-_", 35), "maps {} quota"),
    "sendgrid": (lambda r: f"SG.{chars(r, ALNUM, 22)}.{chars(r, ALNUM, 43)}", "mail goes with {}"),
    "npm": (lambda r: "npm_" + chars(r, ALNUM, 36), "//registry.npmjs.org/:_authToken={}"),
}


@pytest.mark.parametrize("kind", SECRETS)
def test_a_planted_secret_of_every_kind_is_cut_out_and_the_words_around_it_stay(kind: str) -> None:
    make, text = SECRETS[kind]
    rng = random.Random(kind)
    for _ in range(12):
        secret = make(rng)
        clean = redact_text(text.format(secret))
        assert secret not in clean
        assert REDACTED in clean
        assert clean.split(REDACTED)[0].split()[:1] == text.format("\0").split("\0")[0].split()[:1]
        assert redact_text(clean) == clean, "redaction is idempotent"
        long = "Some words. " * 60 + text.format(secret) + " Some more words." * 60
        assert secret not in redact_text(long)


def _harmless() -> list[str]:
    rng = random.Random(7)
    found: list[str] = []
    hexdigits = "0123456789abcdef"
    for i in range(40):
        account = str(rng.randint(10**11, 10**12 - 1))
        found += [
            chars(rng, hexdigits, 40),
            chars(rng, hexdigits, 64),
            str(uuid.UUID(int=rng.getrandbits(128))),
            f"sg-0{chars(rng, hexdigits, 16)}",
            f"arn:aws:elasticloadbalancing:eu-west-1:{account}:listener-rule/app/api/{chars(rng, hexdigits, 16)}/{chars(rng, hexdigits, 16)}",
            f"arn:aws:secretsmanager:eu-west-1:{account}:secret:prod/db-{chars(rng, ALNUM, 6)}",
            f"arn:aws:sns:us-east-1:{account}:a-topic-with-quite-a-long-name-for-alerts-{i}",
            f"{account}.dkr.ecr.us-east-1.amazonaws.com/shop@sha256:{chars(rng, hexdigits, 64)}",
            f'module.vpc["{i}"].aws_subnet.private[{i}]',
            f"password = var.db_password_{i}",
            f'master_password = "${{data.aws_secretsmanager_secret_version.db{i}.secret_string}}"',
            f"secret_arn = data.aws_secretsmanager_secret.db{i}.arn",
            f"https://github.com/shop/infra/pull/{i}#discussion_r{rng.randint(10**8, 10**9)}",
            f"git@github.com:shop/infra-{i}.git",
            f"modules/secret-store/token_bucket_{i}.tf",
            f"Rotate the database password and the API token (#{i})",
            f"token: use the new one from vault, see secret/data/prod/{i}",
            f"kms_key_id = aws_kms_key.main{i}.arn",
            f'key = "env:/prod/network/{i}/terraform.tfstate"',
            f"sha256-{base64.b64encode(sha256(str(i).encode()).digest()).decode()}",
            f"integrity sha512-{base64.b64encode(sha256(str(i).encode()).digest() * 2).decode()}",
            f"password_policy {{ minimum_length = {i} }}",
            f"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC{chars(rng, ALNUM + '+/', 60)} user@host",
            f"Signed-off-by: Ada Lovelace <ada{i}@example.org>",
            f"db_password: ${{{{ secrets.DB_PASSWORD_{i} }}}}",
            "Co-authored-by: dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>",
            chars(rng, "AS", 1).replace("A", "AKIA").replace("S", "ASIA")
            + chars(rng, string.ascii_uppercase + "234567", 16),
            f"access_key_id: AKIA{chars(rng, string.ascii_uppercase, 16)} used by deploy at commit {chars(rng, hexdigits, 40)}",
            f'access_key = "AKIA{chars(rng, string.ascii_uppercase, 16)}"',
            f"arn:aws:iam::{account}:user/ci key ASIA{chars(rng, string.ascii_uppercase, 16)}, request {chars(rng, string.ascii_uppercase, 16)}",
            f"token for staging: ask the platform team, room {i}",
            f"The secret for service{i} is in the vault; the password was rotated, see #{i}",
            f"set token_bucket_size {i}00000",
            f"2024-05-{i % 28 + 1:02}T12:00:00Z us-east-1a 10.0.{i}.0/24",
        ]
    return found


def test_the_secret_beside_an_access_key_id_goes_and_the_id_stays_to_say_which_key_it_was() -> None:
    key_id, secret = "AKIA" + "QWERTYUIOPASDFGH", "a/B1" + chars(random.Random(4), ALNUM, 36)
    assert redact_text(f"use {key_id} {secret} please") == f"use {key_id} {REDACTED} please"
    assert redact_value("access_key", key_id) == key_id


def test_harmless_ids_and_references_are_left_alone() -> None:
    texts = _harmless()
    damaged = [text for text in texts if redact_text(text) != text]
    assert len(texts) >= 1000
    assert len(damaged) < len(texts) / 100, damaged[:20]


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("master_password", True),
        ("environment[0].variables.DB_PASSWORD", True),
        ('variables["AWS_SECRET_ACCESS_KEY"]', True),
        ("passwords.alice", True),
        ("private_key_pem", True),
        ("client_secret", True),
        ("clientSecret", True),
        ("api_key", True),
        ("secret_string", True),
        ("tokens[3].auth_token", True),
        ("password_length", False),
        ("secret_arn", False),
        ("kms_key_id", False),
        ("public_key", False),
        ("hash_key", False),
        ("next_token", False),
        ("client_token", False),
        ("token_ttl", False),
        ("monkey", False),
        ("password_policy.minimum_length", False),
        ("", False),
        ("[0]", False),
    ],
)
def test_a_name_says_whether_a_secret_stands_under_it(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


@pytest.mark.parametrize(
    "value",
    [
        "var.db_password",
        "${var.db_password}",
        "data.aws_secretsmanager_secret_version.db.secret_string",
        "aws_db_instance.main.password",
        "random_password.db.result",
        "module.db.password",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf",
        "/prod/shop/db/password",
        'lookup(var.passwords, "db")',
        'file("keys/deploy.pem")',
        "{{ vault_db_password }}",
        "$DB_PASSWORD",
        "((staging_rds_password))",
        "#{DbPassword}",
        "__DB_PASSWORD__",
        "%{hiera('db::password')}",
        "ENC[PKCS7,MIIBeQYJKoZIhvcNAQcDoIIBajCCAWYC]",
        "",
        "true",
        REDACTED,
    ],
)
def test_a_reference_under_a_secret_name_stays(value: str) -> None:
    assert redact_value("password", value) == value


@pytest.mark.parametrize(
    "value", ["hunter2", "correct horse battery staple", "P@ss/w0rd", "Tr0ub4dor&3", 12345678, 1.5]
)
def test_a_literal_under_a_secret_name_goes(value: Value) -> None:
    assert redact_value("master_password", value) == REDACTED


def test_a_literal_alternative_within_an_expression_goes() -> None:
    clean = redact_value("password", 'var.password != "" ? var.password : "hunter2hunter2"')
    assert clean == f'var.password != "" ? var.password : "{REDACTED}"'


def test_flags_and_nothing_under_a_secret_name_stay() -> None:
    assert redact_value("manage_master_user_password", True) is True
    assert redact_value("password", None) is None


def _batch(*facts: Entity | Relation | Alias | Passage, quarantined: tuple[Quarantined, ...] = ()) -> FactBatch:
    return FactBatch(
        id="b",
        source="test",
        scope="s",
        extractor="t/1",
        assertions=[Assertion(f, 1, 1, "here") for f in facts],
        quarantined=quarantined,
    )


def test_no_field_of_a_batch_keeps_a_secret() -> None:
    secret = "ghp_" + chars(random.Random(1), ALNUM, 36)
    thing = ref("Block", "r", "d", "a")
    batch = FactBatch(
        id="b",
        source="test",
        scope="s",
        extractor="t/1",
        assertions=[
            Assertion(
                Entity(thing, {"attributes": {"a.b": [f"x {secret}"], secret: 1}}),
                1,
                1,
                f"place/{secret}",
                url=f"https://x/{secret}",
            ),
            Assertion(
                Relation("CHANGED", thing, thing, {"attributes": [_changed("user_data", secret, "x")]}), 1, 1, "l"
            ),
            Assertion(Relation("DEPENDS_ON", thing, thing, {"via": [secret]}), 1, 1, "l"),
            Assertion(Alias(thing, "name", secret), 1, 1, "l"),
            Assertion(Passage(thing, "body", f"see {secret}"), 1, 1, "l"),
        ],
        quarantined=(Quarantined(f"x/{secret}", f"cannot read {secret}"),),
    )
    assert secret in repr(batch)
    assert secret not in repr(redact_batch(batch, KEY))


def _changed(path: str, before: Value, after: Value) -> dict[str, Value]:
    return {"path": path, "before": {"state": "value", "value": before}, "after": {"state": "value", "value": after}}


def _sides(batch: FactBatch, index: int = 0) -> tuple[Mapping[str, Value], Mapping[str, Value]]:
    relation = next(a.fact for a in batch.assertions if isinstance(a.fact, Relation))
    attributes = relation.properties["attributes"]
    assert isinstance(attributes, list)
    change = attributes[index]
    assert isinstance(change, dict)
    before, after = change["before"], change["after"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    return before, after


def test_a_changed_secret_is_redacted_and_still_known_to_have_changed() -> None:
    thing = ref("Block", "r", "d", "a")
    changes = [_changed("password", "old-one-1", "new-one-2"), _changed("api_key", "same-one-1", "same-one-1")]
    clean = redact_batch(_batch(Relation("CHANGED", thing, thing, {"effect": "updated", "attributes": changes})), KEY)
    before, after = _sides(clean)
    assert before["state"] == after["state"] == "redacted"
    assert before["digest"] != after["digest"]
    same_before, same_after = _sides(clean, 1)
    assert same_before["digest"] == same_after["digest"]
    other_key = redact_batch(_batch(Relation("CHANGED", thing, thing, {"attributes": changes})), b"other")
    assert _sides(other_key)[0]["digest"] != before["digest"], (
        "without the key a digest cannot be computed from a guess"
    )


def test_a_change_of_only_the_secret_inside_a_longer_text_does_not_look_like_no_change() -> None:
    thing = ref("Block", "r", "d", "a")
    clean = redact_batch(
        _batch(
            Relation("CHANGED", thing, thing, {"attributes": [_changed("url", "amqp://a:one1@h/", "amqp://a:two2@h/")]})
        ),
        KEY,
    )
    before, after = _sides(clean)
    assert before["state"] == after["state"] == "redacted"
    assert before["digest"] != after["digest"]


def test_the_default_of_a_variable_that_is_called_a_secret_goes_also_from_its_changes() -> None:
    block, commit = ref("Block", "r", "d", "var.db_password"), ref("Commit", "ab")
    entity = Entity(
        block,
        {"name": "db_password", "address": "var.db_password", "attributes": {"default": "hunter2", "type": "string"}},
    )
    clean = redact_batch(
        _batch(Relation("CHANGED", commit, block, {"attributes": [_changed("default", None, "hunter2")]}), entity), KEY
    )
    assert "hunter2" not in repr(clean)
    assert "'type': 'string'" in repr(clean)


def test_a_variable_named_by_a_sibling_goes_also_in_flattened_attributes() -> None:
    thing = ref("Block", "r", "d", "a")
    attributes: Value = {
        "env[0].name": "DB_PASSWORD",
        "env[0].value": "hunter2",
        "env[1].name": "PORT",
        "env[1].value": "8080",
    }
    changes: list[Value] = [_changed("env[0].name", None, "DB_PASSWORD"), _changed("env[0].value", None, "hunter2")]
    clean = redact_batch(
        _batch(Entity(thing, {"attributes": attributes}), Relation("CHANGED", thing, thing, {"attributes": changes})),
        KEY,
    )
    assert "hunter2" not in repr(clean)
    assert "8080" in repr(clean)


def test_a_batch_without_secrets_is_the_same_object() -> None:
    thing = ref("Block", "r", "d", "a")
    batch = _batch(
        Entity(thing, {"name": "api", "attributes": {"port": 80, "tags": {"a": ["b"]}}}),
        Passage(thing, "message", "Fix it"),
    )
    assert redact_batch(batch, KEY) is batch


def test_a_clean_short_string_costs_less_than_five_microseconds() -> None:
    rng = random.Random(3)
    texts = [f"aws_lb_listener_rule.{chars(rng, string.ascii_lowercase, 12)}" for _ in range(20_000)]
    best = min(_timed(texts[i::4]) for i in range(4))
    assert best < 20e-6, "four times the figure, for a busy machine"


def _timed(texts: list[str]) -> float:
    start = time.perf_counter()
    for text in texts:
        redact_text(text)
    return (time.perf_counter() - start) / len(texts)


@pytest.mark.parametrize(
    "text", ["=" * 20_000, "a." * 20_000, "password=" * 3_000, "://" * 8_000 + "@", '"name":"' * 4_000, "eyJ" * 9_000]
)
def test_hostile_text_does_not_make_it_slow(text: str) -> None:
    start = time.perf_counter()
    redact_text(text)
    assert time.perf_counter() - start < 2.0
