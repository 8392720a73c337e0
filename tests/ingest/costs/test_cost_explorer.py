"""Cost Explorer asked over HTTP: pages, groups, months that are final, and refusals."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from graph.clock import DAY, instant
from graph.store import Limits, View
from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.sources.costs.source import CostsSettings, CostsSource
from ingest.sync import Retry, sync
from tests.contracts.source_contract import KEY, fresh_store

NOW = instant("2026-06-12T08:00:00Z")
ACCOUNT = "111122223333"
CALLER = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::{ACCOUNT}:user/reader</Arn><UserId>A</UserId><Account>{ACCOUNT}</Account></GetCallerIdentityResult>
<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>"""


class Explorer:
    """What answers in place of AWS: a dollar a day for each of two groups, a group a page."""

    def __init__(self, server: HTTPServer) -> None:
        self.asked: list[dict[str, object]] = []
        self.answer: Response | None = None
        self.url = server.url_for("/").rstrip("/")
        server.expect_request("/", method="POST").respond_with_handler(self._respond)

    def _respond(self, request: Request) -> Response:
        if b"GetCallerIdentity" in request.get_data():
            return Response(CALLER, content_type="text/xml")
        if self.answer is not None:
            return self.answer
        body = json.loads(request.get_data())
        self.asked.append(body)
        second = body.get("NextPageToken") == "two"
        keys = ["AmazonS3", "environment$prod"] if second else ["AmazonEC2", "environment$"]
        period = body["TimePeriod"]
        group = {"Keys": keys, "Metrics": {"UnblendedCost": {"Amount": "1.0000000001", "Unit": "USD"}}}
        month_open = period["Start"].startswith("2026-06")
        day = {"TimePeriod": {"Start": period["Start"], "End": period["End"]}, "Groups": [group], "Total": {}, "Estimated": month_open}  # fmt: skip
        told = {"ResultsByTime": [day], **({} if second else {"NextPageToken": "two"})}
        return Response(json.dumps(told), content_type="application/x-amz-json-1.1")


@pytest.fixture
def explorer(httpserver: HTTPServer) -> Explorer:
    return Explorer(httpserver)


def source(explorer: Explorer, **told: object) -> CostsSource:
    settings: dict[str, object] = {"cost_explorer": True, "group_by": ("SERVICE", "TAG:environment"), "days": 45}
    access = {"access_key_id": "AKIA" + "TEST", "secret_access_key": "not-" + "one", "endpoint_url": explorer.url}
    return CostsSource(CostsSettings(**{**settings, **access, **told}))  # type: ignore[arg-type]


def test_all_pages_of_all_months_are_read_and_groups_become_services_and_tags(
    tmp_path: Path, explorer: Explorer
) -> None:
    with fresh_store(tmp_path, "g") as store:
        assert sync(store, source(explorer), NOW, KEY, processes="none").error is None
        view = View(as_of=instant("2026-05-20"))
        found = store.select("CostItem", {"month": ["2026-05"]}, view, Limits()).items
    told = {(str(i.properties["service"]), str(i.properties.get("environment", ""))) for i in found}
    assert told == {("AmazonEC2", ""), ("AmazonS3", "prod")}
    assert {Decimal(str(i.properties["amount"])) for i in found} == {Decimal("1.0000000001")}
    periods = [a["TimePeriod"] for a in explorer.asked if "NextPageToken" not in a]
    assert periods == [
        {"Start": "2026-04-01", "End": "2026-05-01"},
        {"Start": "2026-05-01", "End": "2026-06-01"},
        {"Start": "2026-06-01", "End": "2026-06-12"},
    ]


def test_a_final_month_is_not_paid_for_again(tmp_path: Path, explorer: Explorer) -> None:
    with fresh_store(tmp_path, "g") as store:
        sync(store, source(explorer), NOW, KEY, processes="none")
        explorer.asked.clear()
        sync(store, source(explorer), NOW + DAY, KEY, processes="none")
        months = sorted({str(a["TimePeriod"])[11:18] for a in explorer.asked})
        assert months == ["2026-06"], "April and May are final on the thirteenth of June"
        view = View(as_of=instant("2026-06-13"))
        found = store.select("CostItem", {"month": ["2026-06"]}, view, Limits()).items
        assert [i.properties["estimated"] for i in found] == [True, True]


def test_a_refused_key_and_a_page_that_is_none_are_told_with_a_remedy(tmp_path: Path, explorer: Explorer) -> None:
    denied = {"__type": "AccessDeniedException", "message": "not authorized to perform ce:GetCostAndUsage"}
    explorer.answer = Response(json.dumps(denied), status=400, content_type="application/x-amz-json-1.1")
    with pytest.raises(SourceDataInvalid) as caught:
        list(source(explorer).pull(None, NOW))
    assert caught.value.hint
    explorer.answer = Response("<html>log in</html>", content_type="text/html")
    with pytest.raises((SourceDataInvalid, SourceUnavailable)):
        list(source(explorer).pull(None, NOW))
    with fresh_store(tmp_path, "g") as store:
        report = sync(store, source(explorer), NOW, KEY, retry=Retry(attempts=1), processes="none")
        assert report.error is not None
        assert not store.status().entities.get("CostItem")


def test_groups_that_the_api_does_not_know_are_refused_before_anything_is_paid(explorer: Explorer) -> None:
    with pytest.raises(SourceDataInvalid, match="cannot group by"):
        list(source(explorer, group_by=("SERVICE", "RESOURCE_ID")).pull(None, NOW))
    assert not explorer.asked
