"""What a secret looks like: by the name it stands under, by its own shape, by the words around it.

Shapes of tokens come from detect-secrets (without its entropy plugins, which take every hash for a secret) and are imported
only when a cheap first look finds something that could be one. All rules err towards leaving references alone: `var.db_password`,
an ARN, a path in a secret store or a hash in running text say where a secret is, not what it is. An AWS access key id (`AKIA…`) is a
name too: audit logs call keys by it, and after a leak it says which one to revoke. What stands beside it as its secret goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib import import_module
from typing import cast

from graph.text import name_tokens

# -- names

_SECRET_WORDS = frozenset(
    {
        "password",
        "passwd",
        "passphrase",
        "passcode",
        "pwd",
        "pass",
        "secret",
        "token",
        "apikey",
        "credential",
        "credentials",
    }
)
_SECRET_ENDINGS = ("password", "passwd", "passphrase", "apikey", "secretkey", "privatekey", "authtoken", "accesstoken")
_KEYS = frozenset(
    {
        *("private", "priv", "secret", "api", "access", "auth", "account", "shared", "encryption", "signing", "master"),
        *(
            "service",
            "app",
            "application",
            "deploy",
            "license",
            "client",
            "storage",
            "session",
            "cookie",
            "jwt",
            "hmac",
        ),
        *("ingest", "integration", "write", "read", "server"),
    }
)
"""Words that make a following `key` a secret (not so: kms, public, ssh, hash, sort, partition, primary, foreign)."""
_FORMS = frozenset(
    {
        *(
            "value",
            "plaintext",
            "plain",
            "text",
            "wo",
            "base64",
            "b64",
            "string",
            "literal",
            "raw",
            "binary",
            "data",
            "json",
        ),
        *("pem", "openssh", "pkcs8", "der", "old", "new", "current", "previous", "default", "prod", "production"),
        *("staging", "dev", "test", "v1", "v2", "v3", "v4", "0", "1", "2", "3"),
    }
)
"""Trailing words that only say in which form or for what the secret is given."""
_NO_TOKEN = frozenset(
    {
        "next",
        "page",
        "continuation",
        "idempotency",
        "client",
        "eos",
        "bos",
        "pad",
        "sync",
        "max",
        "reset",
        "pull",
        "creation",
    }
)
"""Words that make a following `token` (or `secret`, for pull) a counter or a name."""
_PATH_TAIL = re.compile(r"(?:\[[^\]]*\])+$")
_LAST_SEGMENT = re.compile(r"[^.\[\]\"']+(?=[\"'\]]*$)")


@lru_cache(maxsize=65_536)
def is_secret_name(path: str) -> bool:
    """Whether what stands under this name or attribute path is a secret when it is a literal.

    >>> [is_secret_name(n) for n in ("master_password", "env.AWS_SECRET_ACCESS_KEY", "secret_arn", "kms_key_id", "tokens[0].apiKey")]
    [True, True, False, False, True]
    """
    if "passwords" in path.lower():
        return True
    if path.endswith("]") and not path.endswith(('"]', "']")):
        path = _PATH_TAIL.sub("", path)
    last = _LAST_SEGMENT.search(path)
    words = list(name_tokens(last.group())) if last else []
    while len(words) > 1 and words[-1] in _FORMS:
        words.pop()
    if not words:
        return False
    word, before = words[-1], words[-2] if len(words) > 1 else ""
    if word in _SECRET_WORDS:
        return before not in _NO_TOKEN or (word == "secret" and before == "client")
    if word == "key":
        return before in _KEYS
    return word.endswith(_SECRET_ENDINGS)


# -- values

_ENUMERATIONS = frozenset(
    {
        "",
        "true",
        "false",
        "null",
        "none",
        "nil",
        "yes",
        "no",
        "on",
        "off",
        "enabled",
        "disabled",
        "required",
        "optional",
        "default",
    }
    | {
        "(sensitive value)",
        "(sensitive)",
        "undef",
        "undefined",
        "sensitive",
        "string",
        "str",
        "inherit",
        "password",
        "token",
        "secret",
    }
)
_ROOTS = (
    "var|local|data|module|each|self|count|path|terraform|env|secrets|process|os|config|settings|Values|vault|ssm|github|inputs|steps|needs"
    "|this|params|parameters|args|request|event|context|ctx|hiera|lookup|input|output|outputs|vars|facts|ansible"
)
_REFERENCE = re.compile(
    rf"""
      \$\{{ | \{{\{{ | <%  | \$\(  | %\{{ | %\( | %s(?![A-Za-z0-9])                     # interpolation in some language
    | ^(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{{16}}$                                          # the id of an access key, not its secret
    | ^\$+[A-Za-z_:]                                                                  # a shell or puppet variable
    | (?<![\w.-])(?:{_ROOTS})\.[A-Za-z_]                                              # var.x, data.x.y
    | ^!?[a-z][a-z0-9]*_[a-z0-9_]+\.[\w-]+(?:[.\[]|$)                                 # aws_db_instance.main.password
    | ^[A-Za-z_][\w.:]*\(.*\)$                                                        # a call
    | ^(?:arn:|projects/|alias/|vault:|ssm:|file:|op://|aws-sm:|ref\+|secretKeyRef|kv/|secret/|ENC\[|!|sensitive\()
    | ^/?[a-z0-9_.{{}}-]{{1,40}}(?:/[a-z0-9_.{{}}-]{{1,40}})+$                          # /prod/db/password
    | \.(?:json|pem|key|crt|txt|ya?ml|tf|sh|py|env|conf|cfg|ini|pub|gpg)$              # a file
    | ^\s*[+.]\s | \s[+.]\s*$                                                         # the middle of a concatenation
    | \(\([^()\s]+\)\) | \#\{{ | ^__\w+__$ | ^%\w+%$ | ^@\w+@$                       # a placeholder some tool fills in
    | ^<[^>]*>$ | ^\*+$ | ^x+$ | ^\.\.\.$
    """,
    re.VERBOSE | re.DOTALL,
)
_ALTERNATIVE = re.compile(r"(?<=[?:,])\s*\"((?:[^\"\\]|\\.)+)\"")


@lru_cache(maxsize=16_384)
def is_reference(value: str) -> bool:
    """Whether a value that stands under a secret's name only refers to it, or says nothing (`true`, an empty text)."""
    return value.lower() in _ENUMERATIONS or _REFERENCE.search(value) is not None


def literals_in_expression(value: str) -> Iterator[tuple[int, int]]:
    """Spans of the literal alternatives of an expression under a secret's name: the `"x"` of `var.a != "" ? var.a : "x"`."""
    if " ? " in value or "coalesce" in value:
        for found in _ALTERNATIVE.finditer(value):
            if not is_reference(found[1]):
                yield found.span(1)


# -- running text

_WORD_LITERALS = ("pass", "pw", "secret", "token", "credential", "bearer ", "basic ", "key")
"""Of these (in lower case) a text holds one when words around a secret could give it away."""
_SHAPE_LITERALS = (
    *(
        "AKIA",
        "ASIA",
        "ABIA",
        "ACCA",
        "IQoJb3JpZ2lu",
        "oGZXIvYXdz",
        "AQoDYXdz",
        "/api/webhooks/",
        "AIza",
        "AccountKey=",
        "AccessKey=",
        "SG.",
        "GR1348941",
    ),
    *(
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "gldt-",
        "glft-",
        "glsoat-",
        "glrt-",
        "glcbt-",
        "glimt-",
        "glptt-",
    ),
    *(
        "glagent-",
        "gloas-",
        "xox",
        "xapp-",
        "hooks.slack.com",
        "k_live_",
        "k_test_",
        "sk-",
        "eyJ",
        "npm_",
        "_authToken",
        "pypi-Ag",
        "sq0",
    ),
    *(
        "hvs.",
        "hvb.",
        "dop_v1_",
        "shpat_",
        "shpss_",
        "shpca_",
        ":AA",
        "softlayer",
        "ATATT3",
        "lin_api_",
        "dckr_pat_",
        "tskey-",
    ),
)
"""Of these a text holds one when it holds a token of known shape, but for those of Discord, Twilio and Mailchimp."""
_RUN = re.compile(r"(?<![\w-])[\w-]{18}")
"""Every token of known shape has a run at least this long."""
_DISCORD = re.compile(r"[MNO][\w-]{23,25}\.[\w-]{6}\.")


def _may_hold_words(text: str) -> bool:
    # Substring tests in a loop: six times faster than one alternation, whose every branch is tried at every character.
    if ":" not in text and "=" not in text and " " not in text:
        return False
    lower = text.lower()
    for literal in _WORD_LITERALS:  # noqa: SIM110 - a generator here costs half as much again
        if literal in lower:
            return True
    return False


def _may_hold_token(text: str) -> bool:
    if _RUN.search(text) is None:
        return False
    for literal in _SHAPE_LITERALS:
        if literal in text:
            return True
    return len(text) >= 34 and ("AC" in text or "SK" in text or "-us" in text or _DISCORD.search(text) is not None)


_ASSIGNMENT = re.compile(
    r"""(?<![\w.\-])(?P<name>[\w.\-]+)(?P<close>["'\]]{0,2})(?P<sign>\s*(?:=>|:=|={1,3}|:)\s*)"""
    r"""(?:\\?"(?P<dq>(?:[^"\\\n]|\\[^"])+)\\?"|'(?P<sq>[^'\n]+)'|(?P<bare>[^\s"',;&|<>()\[\]{}]+))"""
)
_FLAG = re.compile(r"(?<!\S)--(?P<name>[A-Za-z][\w-]*)[ \t]+[\"']?(?P<value>[^\s\"'-][^\s\"']*)")
_SPOKEN_NAME = r"(?:password|passwd|passphrase|passcode|pwd?|(?:secret[ _-])?access[ _-]key|(?:api|private|secret|shared|signing)[ _-]?key|secret|token)"
_SPOKEN = re.compile(
    rf"\b{_SPOKEN_NAME}\s+(?:is|was|to)\s*:?\s*[\"'`]?(?P<value>[^\s\"'`]{{6,}})",
    re.IGNORECASE,
)
_SPOKEN_OF = re.compile(
    rf"(?<![\w:/.-]){_SPOKEN_NAME}(?:\s+(?:for|of|on)(?:\s+[\w.@-]{{1,40}}){{1,3}}?)?\s*(?:\s(?:is|was)\b|:|=|->)\s*[\"'`]?(?P<value>[^\s\"'`]{{6,}})",
    re.IGNORECASE,
)
_DIRECTIVE = re.compile(
    r"(?<![\w.-])(?:ENV|ARG|setenv|set)[ \t]+(?P<name>[A-Za-z_]\w*)[ \t]+[\"']?(?P<value>[^\s\"'`]{6,})"
)
"""`ENV DB_PASSWORD …` of a Dockerfile, `setenv DB_PASSWORD …` of a shell."""
_AUTHORIZATION = re.compile(r"\b(?:[Bb]earer|Basic)\s+(?P<value>[A-Za-z0-9+/_.~=-]{16,})")
_PAIR = re.compile(
    r"""["'](?:name|key|Name|Key)\\?["']\s*[:=]\s*\\?["'](?P<name>[\w.-]+)\\?["']\s*,\s*\\?["'](?:value|Value)\\?["']\s*[:=]\s*\\?["'](?P<value>(?:[^"'\\]|\\[^"])+)"""
    r"""|["'](?:value|Value)\\?["']\s*[:=]\s*\\?["'](?P<value2>(?:[^"'\\]|\\[^"])+)\\?["']\s*,\s*\\?["'](?:name|key|Name|Key)\\?["']\s*[:=]\s*\\?["'](?P<name2>[\w.-]+)"""
)
_SECRET_LIKE = re.compile(r"(?=.*\d)(?=.*[A-Za-z]).{6,}|(?=.*[^\w.:/-]).{8,}")
_URL_LOGIN = re.compile(r"://[^\s/:@?#\"'<>]{0,200}:(?P<value>[^\s/@\"'<>]{1,400})@")
_PEM = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:.*?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=\s\\:,-]*)"
    r"|PuTTY-User-Key-File-\d:.*",
    re.DOTALL,
)
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}=*\.[\w-]{4,}=*(?:\.[\w-]*)?")
_TOKENS = re.compile(
    r"(?<![A-Za-z0-9])(?:github_pat_\w{22,}|gh[pousr]_\w{36,}|AIza[\w-]{35}|xox[a-z]-[\w-]{10,}|xapp-\d-[\w-]{10,}|[rs]k_(?:live|test)_\w{16,}"
    r"|sk-(?:ant-|proj-)?[\w-]{20,}|npm_[A-Za-z0-9]{36}|hv[sb]\.[\w-]{24,}|dop_v1_[a-f0-9]{64}|shp(?:at|ss|ca)_[a-fA-F0-9]{32}"
    r"|(?:IQoJb3JpZ2lu|F[wQ]oGZXIvYXdz|AQoDYXdz)[\w+/=-]{60,}|ATATT3[\w=-]{20,}|lin_api_\w{32,}|dckr_pat_[\w-]{20,}|tskey-[\w-]{16,}|sq0[a-z]{3}-[\w-]{22,})(?![A-Za-z0-9])"
)
_WEBHOOK = re.compile(
    r"(?:hooks\.slack\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/webhooks/\d+/)(?P<value>[\w/+-]{12,})"
)
_KEY_ID = r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"
_AWS_SECRET = r"(?P<value>(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*[A-Z])(?=[A-Za-z0-9+/]*[0-9+])[A-Za-z0-9+/]{40})(?![A-Za-z0-9+/=])"
_KEY_PAIRS = (
    re.compile(rf"{_KEY_ID}(?:[:/|,]|.{{1,80}}?(?<![A-Za-z0-9+/=])){_AWS_SECRET}", re.DOTALL),
    re.compile(rf"(?<![A-Za-z0-9+/=]){_AWS_SECRET}.{{1,80}}?{_KEY_ID}", re.DOTALL),
)
"""A secret access key has no shape of its own: forty characters in both cases beside the id of an access key are one (a commit's hash has one case)."""
_ACCOUNT_KEY = re.compile(r"(?:AccountKey|SharedAccessKey)=(?P<value>[A-Za-z0-9+/=]{20,})")


def secret_spans(text: str) -> list[tuple[int, int]]:
    """Where secrets stand in a text: spans in order, without overlap."""
    if len(text) < 6:
        return []
    spans: list[tuple[int, int]] = []
    if _may_hold_words(text):
        spans.extend(_by_words(text))
    if _may_hold_token(text):
        spans.extend(_by_shape(text))
    if "://" in text and "@" in text:
        spans.extend(_logins(text))
    if "PRIVATE KEY" in text or "PuTTY-User-Key" in text:
        spans.extend(found.span() for found in _PEM.finditer(text))
    return _merged(spans) if spans else spans


def _by_words(text: str) -> Iterator[tuple[int, int]]:
    for found in _ASSIGNMENT.finditer(text):
        if is_secret_name(found["name"]):
            yield from _assigned(found)
    for found in _FLAG.finditer(text):
        if is_secret_name(found["name"]) and not is_reference(found["value"]):
            yield found.span("value")
    for found in _DIRECTIVE.finditer(text):
        if is_secret_name(found["name"]) and _could_be_secret(found["value"]):
            yield found.span("value")
    for pattern in (_SPOKEN, _SPOKEN_OF, _AUTHORIZATION):
        for found in pattern.finditer(text):
            if _could_be_secret(found["value"]):
                yield found.span("value")
    for found in _PAIR.finditer(text):
        group = "value" if found["value"] is not None else "value2"
        name = found["name"] if group == "value" else found["name2"]
        if is_secret_name(name) and not is_reference(found[group]):
            yield found.span(group)


def _could_be_secret(value: str) -> bool:
    """Whether a word of running text could be a secret: the comma after one does not make it look like one."""
    return _SECRET_LIKE.fullmatch(value.rstrip(".,;)")) is not None and not is_reference(value.rstrip(".,;)"))


def _assigned(found: re.Match[str]) -> Iterator[tuple[int, int]]:
    group = "dq" if found["dq"] is not None else "sq" if found["sq"] is not None else "bare"
    value = found[group].rstrip(".") if group == "bare" else found[group]
    if is_reference(value) or value == found["name"] or value.startswith("[redacted"):
        return
    # Prose and code hold `token: use the new one` and `password = password`; only a bare word that could not be either counts.
    spaced = found["sign"].strip() != found["sign"] or found["sign"] == ":"
    if group == "bare" and spaced and not _SECRET_LIKE.fullmatch(value):
        return
    if group == "bare" and (
        value.startswith(("//", "=", "\\")) or re.fullmatch(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", value)
    ):
        return
    start = found.start(group)
    yield start, start + len(value)


def _logins(text: str) -> Iterator[tuple[int, int]]:
    for found in _URL_LOGIN.finditer(text):
        if not _REFERENCE.search(found["value"]) and found["value"] != "[redacted]":
            yield found.span("value")


def _by_shape(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_JWT, _TOKENS):
        for found in pattern.finditer(text):
            yield found.span()
    for pattern in (_WEBHOOK, _ACCOUNT_KEY, *_KEY_PAIRS):
        for found in pattern.finditer(text):
            yield found.span("value")
    for pattern, whole in _detectors():
        for found in pattern.finditer(text):
            start, end = found.span() if whole else found.span(found.re.groups)
            if not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()):
                yield start, end


_WHOLE = (
    "aws.AWSKeyDetector",
    "discord.DiscordBotTokenDetector",
    "github_token.GitHubTokenDetector",
    "gitlab_token.GitLabTokenDetector",
    "mailchimp.MailchimpDetector",
    "openai.OpenAIDetector",
    "pypi_token.PypiTokenDetector",
    "sendgrid.SendGridDetector",
    "slack.SlackDetector",
    "square_oauth.SquareOAuthDetector",
    "stripe.StripeDetector",
    "telegram_token.TelegramBotTokenDetector",
    "twilio.TwilioKeyDetector",
)
"""Detectors of detect-secrets whose whole match is the secret."""
_ASSIGNED = (
    "cloudant.CloudantDetector",
    "ibm_cloud_iam.IbmCloudIamDetector",
    "ibm_cos_hmac.IbmCosHmacDetector",
    "npm.NpmDetector",
    "softlayer.SoftlayerDetector",
)
"""Detectors whose last group is the secret. (The AWS detector's second pattern is one of these, see below.)"""


@cache
def _detectors() -> tuple[tuple[re.Pattern[str], bool], ...]:
    """Patterns of detect-secrets, and whether the whole match is the secret or its last group."""
    whole = [
        (pattern, "aws" not in pattern.pattern)
        for name in _WHOLE
        for pattern in _denylist(name)
        if "hooks" not in pattern.pattern  # `_WEBHOOK` keeps the host readable
        and "AKIA" not in pattern.pattern  # the id of an access key is a name
    ]
    grouped = [(pattern, False) for name in _ASSIGNED for pattern in _denylist(name) if pattern.groups]
    return (*whole, *grouped)


def _denylist(name: str) -> Sequence[re.Pattern[str]]:
    module, _, detector = name.partition(".")
    found: object = getattr(import_module(f"detect_secrets.plugins.{module}"), detector)
    return cast("Sequence[re.Pattern[str]]", vars(found)["denylist"])


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
