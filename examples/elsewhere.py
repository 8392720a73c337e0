"""What Tealeaf has beside its own cloud: analytics at Google, the office at Azure, a stack of CloudFormation, one of Pulumi, a partner's GitLab."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

from examples.company import ACCOUNT_IDS, REGION, person
from examples.formats.output import Json, hex_id, json_lines, number_id, uuid_of, write_json, write_text
from examples.formats.people import Person

_PROJECT = "tealeaf-analytics"
_SUBSCRIPTION = uuid_of("azure", "tealeaf office")
_GITLAB = "camellia-logistics/warehouse-bridge"


def write_elsewhere(directory: Path) -> None:
    """Write `gcp`, `azure`, `cloudformation`, `pulumi` and `gitlab` into the directory."""
    _gcp(directory / "gcp")
    _azure(directory / "azure")
    _cloudformation(directory / "cloudformation")
    _pulumi(directory / "pulumi")
    _gitlab(directory / "gitlab" / "projects" / quote(_GITLAB, safe=""))


# Google Cloud: what customers bought, for the people who count it


def _gcp(directory: Path) -> None:
    bucket = f"//storage.googleapis.com/{_PROJECT}-exports"
    dataset = f"//bigquery.googleapis.com/projects/{_PROJECT}/datasets/sales"
    reader = f"reports@{_PROJECT}.iam.gserviceaccount.com"

    def asset(name: str, kind: str, updated: str, data: Json) -> Json:
        told = {"version": "v1", "discovery_name": kind.rpartition("/")[2], "data": data}
        return {"name": name, "asset_type": kind, "ancestors": ["projects/701234567890"], "update_time": updated, "resource": told}  # fmt: skip

    labels = {"environment": "analytics", "team": "data"}
    assets = [
        asset(bucket, "storage.googleapis.com/Bucket", "2026-08-12T09:30:12Z", {"name": f"{_PROJECT}-exports", "location": "EUROPE-WEST1", "labels": labels, "versioning": {"enabled": True}, "timeCreated": "2025-02-03T10:00:00Z"}),
        asset(dataset, "bigquery.googleapis.com/Dataset", "2026-03-19T12:00:00Z", {"id": f"{_PROJECT}:sales", "location": "EU", "labels": labels}),
        asset(f"//iam.googleapis.com/projects/{_PROJECT}/serviceAccounts/108000000000000000001", "iam.googleapis.com/ServiceAccount", "2025-02-03T10:05:00Z", {"email": reader, "displayName": "Weekly reports"}),
    ]  # fmt: skip
    write_text(directory / "assets-2026-10-30.jsonl", json_lines(assets))
    entry: Json = {
        "insertId": hex_id("gcp", "versioning", digits=14),
        "logName": f"projects/{_PROJECT}/logs/cloudaudit.googleapis.com%2Factivity",
        "timestamp": "2026-08-12T09:30:12Z",
        "receiveTimestamp": "2026-08-12T09:30:13Z",
        "severity": "NOTICE",
        "resource": {"type": "gcs_bucket", "labels": {"project_id": _PROJECT, "bucket_name": f"{_PROJECT}-exports"}},
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "serviceName": "storage.googleapis.com",
            "methodName": "storage.buckets.update",
            "resourceName": f"projects/_/buckets/{_PROJECT}-exports",
            "authenticationInfo": {"principalEmail": person("yuki").email},
            "requestMetadata": {"callerIp": "198.51.100.44", "callerSuppliedUserAgent": "google-cloud-sdk gcloud/470.0.0 command/gcloud.storage.buckets.update"},
            "request": {"versioning": {"enabled": True}},
            "status": {},
        },
    }  # fmt: skip
    write_text(directory / "audit-2026-08.jsonl", json_lines([entry]))


# Azure: the office's files


def _azure(directory: Path) -> None:
    store = f"/subscriptions/{_SUBSCRIPTION}/resourceGroups/office/providers/Microsoft.Storage/storageAccounts/tealeafoffice"  # fmt: skip
    row: Json = {
        "id": store, "name": "tealeafoffice", "type": "microsoft.storage/storageaccounts", "location": "westeurope", "resourceGroup": "office",
        "subscriptionId": _SUBSCRIPTION, "tenantId": uuid_of("azure", "tenant"), "kind": "StorageV2", "tags": {"environment": "office"},
        "properties": {"minimumTlsVersion": "TLS1_2", "publicNetworkAccess": "Disabled", "creationTime": "2025-01-08T09:00:00Z"},
    }  # fmt: skip
    write_json(directory / "resources-2026-10-30.json", {"data": [row], "count": 1, "total_records": 1})

    def record(status: str, second: str, **more: object) -> Json:
        operation = "Microsoft.Storage/storageAccounts/write"
        return {
            "authorization": {"action": operation, "scope": store},
            "caller": person("maya").email,
            "category": {"value": "Administrative", "localizedValue": "Administrative"},
            "claims": {"name": person("maya").name, "idtyp": "user"},
            "correlationId": uuid_of("azure", "close"),
            "eventDataId": uuid_of("azure", "close", status),
            "eventTimestamp": f"2026-06-03T08:14:{second}.1234567Z",
            "httpRequest": {"clientIpAddress": "198.51.100.17", "method": "PATCH"},
            "operationId": uuid_of("azure", "close", "operation"),
            "operationName": {"value": operation, "localizedValue": "Create/Update Storage Account"},
            "resourceId": store,
            "status": {"value": status, "localizedValue": status},
            "subStatus": {"value": "OK" if status == "Succeeded" else ""},
            "subscriptionId": _SUBSCRIPTION,
            **more,
        }

    body = json.dumps({"properties": {"publicNetworkAccess": "Disabled"}})
    write_json(directory / "activity-2026-06.json", [record("Started", "05", properties={"requestbody": body}), record("Succeeded", "09")])  # fmt: skip


# CloudFormation: the audit trail's own bucket, older than the use of Terraform


def _cloudformation(directory: Path) -> None:
    account, name, bucket = ACCOUNT_IDS["prod"], "tealeaf-audit-trail", "tealeaf-cloudtrail-logs"
    stack_id = f"arn:aws:cloudformation:{REGION}:{account}:stack/{name}/{uuid_of('stack', name)}"

    def event(at: str, logical: str, kind: str, physical: str, status: str, properties: Json | None = None) -> Json:
        told: Json = {
            "StackId": stack_id, "StackName": name, "EventId": f"{logical}-{status}-{hex_id(at, logical, digits=8)}", "LogicalResourceId": logical,
            "PhysicalResourceId": physical, "ResourceType": kind, "Timestamp": f"{at}.000000+00:00", "ResourceStatus": status,
        }  # fmt: skip
        return {**told, "ResourceProperties": json.dumps(properties)} if properties else told

    def own(at: str, status: str) -> Json:
        begun = {"ResourceStatusReason": "User Initiated"} if status.endswith("_IN_PROGRESS") else {}
        return {**event(at, name, "AWS::CloudFormation::Stack", stack_id, status), **begun}

    def logs(at: str, status: str, days: int) -> Json:
        rules = [{"ExpirationInDays": days, "Status": "Enabled"}]
        properties: Json = {"BucketName": bucket, "LifecycleConfiguration": {"Rules": rules}}
        return event(at, "Logs", "AWS::S3::Bucket", bucket, status, properties)

    events = [
        own("2024-10-28T09:00:00", "CREATE_IN_PROGRESS"),
        logs("2024-10-28T09:00:40", "CREATE_COMPLETE", 365),
        event("2024-10-28T09:01:30", "Trail", "AWS::CloudTrail::Trail", name, "CREATE_COMPLETE", {"IsLogging": "true"}),
        own("2024-10-28T09:01:35", "CREATE_COMPLETE"),
        own("2025-03-11T10:20:00", "UPDATE_IN_PROGRESS"),
        logs("2025-03-11T10:20:31", "UPDATE_COMPLETE", 1095),
        own("2025-03-11T10:20:40", "UPDATE_COMPLETE"),
    ]
    stack: Json = {
        "StackId": stack_id, "StackName": name, "Description": "Where audit logs go", "CreationTime": "2024-10-28T09:00:00.000000+00:00",
        "LastUpdatedTime": "2025-03-11T10:20:00.000000+00:00", "StackStatus": "UPDATE_COMPLETE", "Parameters": [],
        "Outputs": [{"OutputKey": "Bucket", "OutputValue": bucket}], "Tags": [{"Key": "environment", "Value": "prod"}],
    }  # fmt: skip
    write_json(directory / "stacks.json", {"Stacks": [stack]})
    write_json(directory / "events.json", {"StackEvents": list(reversed(events))})


# Pulumi: previews of the storefront, Lena's own


def _pulumi(directory: Path) -> None:
    def urn(kind: str, name: str) -> str:
        return f"urn:pulumi:previews::storefront::{kind}::{name}"

    stack, bucket = urn("pulumi:pulumi:Stack", "storefront-previews"), urn("aws:s3/bucketV2:BucketV2", "previews")
    manifest = {"time": "2026-09-02T13:41:20Z", "magic": hex_id("pulumi", digits=32), "version": "v3.190.0"}
    outputs = {"arn": "arn:aws:s3:::tealeaf-previews", "bucket": "tealeaf-previews", "region": REGION, "tags": {"owner": "lena"}}  # fmt: skip
    resources = [
        {"urn": stack, "custom": False, "type": "pulumi:pulumi:Stack"},
        {"urn": bucket, "custom": True, "id": "tealeaf-previews", "type": "aws:s3/bucketV2:BucketV2", "parent": stack, "created": "2026-07-01T08:00:00Z", "inputs": {"bucket": "tealeaf-previews"}, "outputs": outputs},
    ]  # fmt: skip
    write_json(directory / "export.json", {"version": 3, "deployment": {"manifest": manifest, "resources": resources}})
    update = {
        "version": 2, "kind": "update", "startTime": "2026-09-02T13:41:02.000Z", "endTime": "2026-09-02T13:41:20.000Z",
        "message": "Tag the previews' bucket", "result": "succeeded", "environment": {"exec.kind": "cli"}, "resourceChanges": {"update": 1, "same": 1},
    }  # fmt: skip
    write_json(directory / "history.json", [update])


# GitLab: the warehouse's side of the interface, where Omar helps


def _gitlab(directory: Path) -> None:
    web = f"https://gitlab.camellia.example/{_GITLAB}"
    omar = person("omar")
    jonas = Person(key="jonas", name="Jonas Brandt", email="j.brandt@camellia.example", gitlab="jbrandt")

    def user(who: Person, login: str) -> Json:
        return {"id": number_id("gitlab", login, digits=4), "username": login, "name": who.name, "web_url": f"https://gitlab.camellia.example/{login}"}  # fmt: skip

    author, approver = user(omar, "omar.haddad"), user(jonas, "jbrandt")

    def request(iid: int, title: str, description: str, created: str, merged: str) -> Json:
        return {
            "id": 7000 + iid, "iid": iid, "state": "merged", "title": title, "description": description, "web_url": f"{web}/-/merge_requests/{iid}",
            "author": author, "source_branch": f"topic-{iid}", "target_branch": "main", "draft": False, "labels": [], "created_at": created,
            "updated_at": merged, "merged_at": merged, "closed_at": None, "merge_user": approver, "sha": hex_id("gitlab head", iid, digits=40),
            "merge_commit_sha": hex_id("gitlab merge", iid, digits=40), "squash_commit_sha": None,
        }  # fmt: skip

    write_json(directory / "merge_requests.json", [
        request(2, "Answer large orders faster", "Orders of more than thirty lines took 900 ms: the stock was looked up line by line.", "2026-10-13T09:00:00.000Z", "2026-10-15T12:30:00.000Z"),
        request(1, "Tell why an order was refused", "Tealeaf's workers only saw a 409.", "2026-04-20T08:00:00.000Z", "2026-04-21T10:10:00.000Z"),
    ])  # fmt: skip
    for iid in (1, 2):
        write_json(directory / "merge_requests" / str(iid) / "approvals.json", {"approved": True, "approved_by": [{"user": approver}]})  # fmt: skip
    sha = hex_id("gitlab merge", 2, digits=40)
    pipeline: Json = {
        "id": 5521, "iid": 88, "status": "success", "ref": "main", "sha": sha, "source": "push", "created_at": "2026-10-15T12:30:10.000Z",
        "updated_at": "2026-10-15T12:39:00.000Z", "web_url": f"{web}/-/pipelines/5521", "user": approver,
    }  # fmt: skip
    write_json(directory / "pipelines.json", [pipeline])
    deployment: Json = {
        "id": 310, "iid": 31, "ref": "main", "sha": sha, "status": "success", "created_at": "2026-10-15T12:36:00.000Z", "updated_at": "2026-10-15T12:39:00.000Z",
        "finished_at": "2026-10-15T12:39:00.000Z", "user": approver, "environment": {"id": 4, "name": "warehouse"},
        "deployable": {"id": 61, "name": "deploy", "stage": "deploy", "pipeline": {"id": 5521}},
    }  # fmt: skip
    write_json(directory / "deployments.json", [deployment])
