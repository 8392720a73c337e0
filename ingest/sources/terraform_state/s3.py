"""States in an S3 bucket, all versions of them where the bucket keeps versions. Credentials are found as by every AWS tool."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol, cast

from boto3.session import Session  # pyright: ignore[reportMissingTypeStubs]
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from graph.clock import from_datetime
from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.sources.terraform_state.places import Candidate, is_state_path, place_of, workspace_of
from ingest.sources.terraform_state.settings import TerraformStateSettings

_BUSY = frozenset(
    {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "Throttling", "RequestLimitExceeded"}
)


class _Body(Protocol):
    def read(self) -> bytes: ...


class _Paginator(Protocol):
    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[Mapping[str, object]]: ...


class _S3(Protocol):
    def get_paginator(self, operation: str) -> _Paginator: ...

    def get_object(self, **arguments: str) -> Mapping[str, object]: ...


class _Connect(Protocol):
    def __call__(self, service: str, *, endpoint_url: str | None, region_name: str | None, config: Config) -> _S3: ...


def s3_candidates(settings: TerraformStateSettings) -> list[Candidate]:
    """Every version of every object under the prefix that is named like a state, or is the object the location names exactly."""
    bucket, _, prefix = settings.location.removeprefix("s3://").partition("/")
    if not bucket:
        raise SourceDataInvalid(f"{settings.location} names no bucket", "write s3://bucket/prefix")
    with _explained(settings.location):
        connect = cast("_Connect", Session().client)  # pyright: ignore[reportUnknownMemberType] - boto3 has no types
        config = Config(connect_timeout=10, read_timeout=60, retries={"max_attempts": 3, "mode": "standard"})
        client = connect("s3", endpoint_url=settings.endpoint_url, region_name=settings.region, config=config)
        found: list[Candidate] = []
        for listed in _prefixes(prefix):
            for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=listed):
                versions = cast("list[Mapping[str, object]]", page.get("Versions", []))
                wanted = (v for v in versions if _wanted(str(v["Key"]), prefix))
                found.extend(_candidate(client, settings.location, bucket, v) for v in wanted)
        return found


def _prefixes(prefix: str) -> tuple[str, ...]:
    # Terraform keeps the state `key` of other workspaces at `env:/WORKSPACE/key`, beside and not below the prefix.
    return (prefix,) if prefix.startswith("env:") or not prefix else (prefix, "env:/")


def _wanted(key: str, prefix: str) -> bool:
    own = _own_key(key)
    if prefix and not (key.startswith(prefix) or own.startswith(prefix)):
        return False
    return is_state_path(key) or own == prefix or key == prefix


def _own_key(key: str) -> str:
    """The key without `env:/WORKSPACE/`."""
    return key.split("/", 2)[2] if key.startswith("env:/") and key.count("/") >= 2 else key


def _candidate(client: _S3, location: str, bucket: str, version: Mapping[str, object]) -> Candidate:
    key, version_id = str(version["Key"]), str(version["VersionId"])
    versioned = version_id != "null"
    place, backup = place_of(key)
    suffix = f"?versionId={version_id}" if versioned else ""

    def read() -> bytes:
        with _explained(location):
            arguments = {"Bucket": bucket, "Key": key} | ({"VersionId": version_id} if versioned else {})
            return cast("_Body", client.get_object(**arguments)["Body"]).read()

    return Candidate(
        path=key,
        place=place,
        workspace=workspace_of(key),
        written_at=from_datetime(cast("datetime", version["LastModified"])),
        locator=f"s3://{bucket}/{key}{suffix}",
        version=f"{version_id} {version['ETag']}",
        backup=backup or not version["IsLatest"],
        read=read,
    )


@contextmanager
def _explained(location: str) -> Generator[None, None, None]:
    """Turn the SDK's errors into ours."""
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError, ProfileNotFound):
        raise SourceDataInvalid(
            f"there are no AWS credentials to read {location}",
            "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ) from None
    except NoRegionError:
        raise SourceDataInvalid(f"the region of {location} is not known", "set `region:` or AWS_REGION") from None
    except ClientError as error:
        raise _client_error(error, location) from None
    except (ConnectionError, HTTPClientError) as error:
        raise SourceUnavailable(
            f"S3 cannot be reached to read {location}", f"check the network and endpoint_url ({type(error).__name__})"
        ) from None
    except BotoCoreError as error:
        raise SourceDataInvalid(
            f"{location} cannot be read ({type(error).__name__})", "check the settings and AWS configuration"
        ) from None


def _client_error(error: ClientError, location: str) -> SourceDataInvalid | SourceUnavailable:
    response = cast("Mapping[str, Mapping[str, object]]", error.response)
    code = str(response.get("Error", {}).get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code in _BUSY or (isinstance(status, int) and status >= 500):
        return SourceUnavailable(f"S3 is busy, {location} cannot be read now ({code})", "try again later")
    if code in ("NoSuchBucket", "NoSuchKey", "404"):
        return SourceDataInvalid(f"there is no {location}", "check the bucket's and the prefix's name")
    if code in ("AccessDenied", "403", "AllAccessDisabled"):
        return SourceDataInvalid(
            f"{location} may not be read",
            "grant s3:ListBucket, s3:ListBucketVersions, s3:GetObject and s3:GetObjectVersion",
        )
    return SourceDataInvalid(
        f"{location} cannot be read ({code or 'unknown error'})", "check the credentials and the bucket's name"
    )
