"""Errors of the AWS SDK in our words: what is transient, what is terminal, and the remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from botocore.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    NoRegionError,
    PaginationError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError  # pyright: ignore[reportMissingTypeStubs]

from ingest.aws_actions import iam_action
from ingest.source import SourceDataInvalid, SourceError, SourceUnavailable

DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AccessDeniedFault",
        "UnauthorizedOperation",
        "AuthorizationError",
        "AuthorizationErrorException",
        "AllAccessDisabled",
        "NotAuthorized",
        "OptInRequired",
        "SubscriptionRequiredException",
        "403",
    }
)
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_BAD_CREDENTIALS = frozenset(
    {
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "AuthFailure",
        "InvalidSignatureException",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
    }
)
_BUSY = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "TooManyRequests",
        "ProvisionedThroughputExceededException",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "SlowDown",
        "EC2ThrottledException",
        "TransactionInProgressException",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServiceError",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "Unavailable",
        "RequestTimeout",
        "RequestTimeoutException",
        "429",
    }
)
_ACTION = re.compile(r"perform: ?([A-Za-z0-9-]{2,40}:[A-Za-z0-9]{2,80})")


class AnswerNotAws(Exception):
    """The answer is a web page."""


class AnswerBroken(Exception):
    """The answer is empty or cut off."""


class AccessDenied(SourceDataInvalid):
    """These credentials may not do it; others may. Other services may still answer."""


def source_error(error: Exception, service: str, operation: str) -> SourceError | None:
    """Our error for one of the SDK; None for what is not the SDK's."""
    what = f"{service} {operation}"
    match error:
        case AnswerNotAws():
            return SourceDataInvalid(
                f"{what} was answered by a web page, not by AWS", "check endpoint_url and the proxy on the way there"
            )
        case AnswerBroken() | ResponseParserError() | IncompleteReadError():
            return SourceUnavailable(f"the answer to {what} is cut off or broken", "try again later; check the proxy")
        case NoCredentialsError() | PartialCredentialsError() | ProfileNotFound() | CredentialRetrievalError():
            return SourceDataInvalid(
                f"there are no AWS credentials for {what} ({type(error).__name__})",
                "set `profile:`, or `access_key_id:` and `secret_access_key:`, or give this machine a role",
            )
        case SSOError() | TokenRetrievalError():
            return SourceDataInvalid("the AWS SSO session has expired", "run `aws sso login` again")
        case NoRegionError():
            return SourceDataInvalid(f"the region for {what} is not known", "set `region:`")
        case ClientError():
            return _client_error(error, service, operation)
        case ConnectionError() | HTTPClientError():
            return SourceUnavailable(
                f"AWS cannot be reached for {what}",
                f"check the network, the region's name and endpoint_url ({type(error).__name__})",
            )
        case PaginationError():
            return SourceUnavailable(
                f"the pages of {what} go in a circle",
                "a proxy or an endpoint_url repeats an answer; try again later",
            )
        case BotoCoreError() | ValueError():
            return SourceDataInvalid(
                f"{what} cannot be called ({type(error).__name__})", "check the settings and the AWS configuration"
            )
        case _:
            return None


def error_code(error: ClientError) -> str:
    """The service's error code, `AccessDenied`; empty when it told none."""
    response = cast("Mapping[str, Mapping[str, object]]", error.response)
    return str(response.get("Error", {}).get("Code", ""))


def _client_error(error: ClientError, service: str, operation: str) -> SourceError:
    response = cast("Mapping[str, Mapping[str, object]]", error.response)
    code, what = error_code(error), f"{service} {operation}"
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code in _BUSY or status == 429 or (isinstance(status, int) and status >= 500):
        return SourceUnavailable(
            f"AWS is busy, {what} was not answered ({_word(code) or status})",
            "try again later",
            _retry_after_s(response),
        )
    if code in _EXPIRED:
        return SourceDataInvalid(
            f"the AWS credentials have expired ({what})",
            "renew them: `aws sso login`, a new session token, or use a role",
        )
    if code in _BAD_CREDENTIALS:
        return SourceDataInvalid(
            f"AWS does not accept the credentials ({what}: {_word(code)})",
            "check access_key_id, secret_access_key and session_token, and this machine's clock",
        )
    if code in DENIED or status in (401, 403):
        message = str(response.get("Error", {}).get("Message", ""))
        action = found[1] if (found := _ACTION.search(message)) else iam_action(service, operation)
        return AccessDenied(f"{what} is not allowed", f"grant {action} to these credentials")
    return ServiceRefused(
        f"{what} was refused ({_word(code) or 'unknown error'})", "check the settings and the region", code
    )


class ServiceRefused(SourceDataInvalid):
    """The service says no for a reason of its own, its error `code`: `NoSuchBucketPolicy`, `ResourceNotFoundException`."""

    def __init__(self, message: str, hint: str, code: str) -> None:
        super().__init__(message, hint)
        self.code = code


def _word(code: str) -> str:
    # A code is one word; a server that is not AWS may put anything there.
    return code if re.fullmatch(r"[\w.-]{1,80}", code) else ""


def _retry_after_s(response: Mapping[str, Mapping[str, object]]) -> float | None:
    headers = cast("Mapping[str, str]", response.get("ResponseMetadata", {}).get("HTTPHeaders", {}))
    told = headers.get("retry-after", "")
    return float(told) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", told) else None
