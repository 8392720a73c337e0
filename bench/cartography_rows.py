"""Side by side with Cartography's loader: the same rows into the same Neo4j, in turn, into an empty database each time.

    python -m venv .cache/cartography && .cache/cartography/bin/pip install cartography
    python -m tests.neo4j_server run -- python -m bench.cartography_rows [--rows 2000] [--runs 5]

Cases: `users` are Slack users, on both sides all that is said of one; `instances` are EC2 instances as one node with its edge to the
account, on both sides; `inventory` are the same with everything else that each side makes of `DescribeInstances`: Cartography eight
`load()`s (reservations, subnets, groups, key pairs, interfaces, volumes), ours every fact of the `aws` source (names, dependencies)
as the complete snapshot that it delivers. Timed is `load()` with its indexes in place, and `store.apply` of an open store: what is
made of the rows before that is not. Each side runs in a process of its own, once before it counts.
"""

# ruff: noqa: TID251 - both sides talk to the server, and read where it is
from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CASES = ("users", "instances", "inventory")
ACCOUNT, REGION, TEAM = "123456789012", "eu-west-1", "T0123456789"
CARTOGRAPHY = Path(__file__).resolve().parent.parent / ".cache" / "cartography" / "bin" / "python"
Json = dict[str, Any]


def made_rows(case: str, count: int) -> list[Json]:
    """So many rows as AWS or Slack tells them."""
    rng = random.Random(case == "users")
    return [_user(rng, n) for n in range(count)] if case == "users" else [_instance(rng, n) for n in range(count)]


def _hex(rng: random.Random, digits: int = 17) -> str:
    return f"{rng.getrandbits(4 * digits):0{digits}x}"


def _user(rng: random.Random, n: int) -> Json:
    profile = {"real_name": f"Person {n}", "display_name": f"p{n}", "first_name": "Person", "last_name": str(n), "title": f"Engineer {n % 9}", "phone": "", "email": f"p{n}@example.net", "team": TEAM}  # fmt: skip
    return {"id": f"U{_hex(rng, 9).upper()}", "team_id": TEAM, "name": f"person{n}", "real_name": f"Person {n}", "deleted": n % 50 == 0, "is_admin": False, "is_owner": False, "is_restricted": False, "is_ultra_restricted": False, "is_bot": False, "is_email_confirmed": True, "has_2fa": True, "updated": 1_700_000_000 + n, "profile": profile}  # fmt: skip


def _instance(rng: random.Random, n: int) -> Json:
    subnet, group = f"subnet-{n % 40:017x}", f"sg-{n % 150:017x}"
    ip = f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
    name = f"ip-{ip.replace('.', '-')}.{REGION}.compute.internal"
    interface = {"NetworkInterfaceId": f"eni-{_hex(rng)}", "Status": "in-use", "MacAddress": f"0a:{n % 256:02x}:11:22:33:44", "Description": "", "PrivateDnsName": name, "PrivateIpAddress": ip, "Groups": [{"GroupId": group}], "Attachment": {"DeviceIndex": 0}, "Ipv6Addresses": []}  # fmt: skip
    return {
        "InstanceId": f"i-{_hex(rng)}", "ImageId": f"ami-{n % 12:017x}", "InstanceType": "m7g.large", "KeyName": f"key-{n % 5}", "LaunchTime": "2026-05-01T12:00:00+00:00", "PrivateDnsName": name,
        "PrivateIpAddress": ip, "PublicDnsName": "", "State": {"Code": 16, "Name": "running"}, "SubnetId": subnet, "VpcId": f"vpc-{n % 3:017x}", "Architecture": "arm64", "EbsOptimized": True,
        "BootMode": "uefi", "IamInstanceProfile": {"Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/app-{n % 20}", "Id": f"AIPA{n % 20:017d}"}, "Monitoring": {"State": "disabled"},
        "Placement": {"AvailabilityZone": f"{REGION}{'abc'[n % 3]}", "GroupName": "", "Tenancy": "default"}, "SecurityGroups": [{"GroupId": group, "GroupName": f"app-{n % 150}"}],
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeId": f"vol-{_hex(rng)}", "DeleteOnTermination": True, "Status": "attached"}}],
        "NetworkInterfaces": [interface], "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled"}, "Tags": [{"Key": "Name", "Value": f"app-{n}"}, {"Key": "environment", "Value": "prod"}],
    }  # fmt: skip


# -- Cartography; runs in its own environment, so nothing of ours is imported


def cartography_seconds(case: str, rows: list[Json]) -> float:
    """How long Cartography takes to load the rows."""
    from datetime import datetime
    from importlib import import_module

    driver = import_module("neo4j").GraphDatabase.driver(
        os.environ["NEO4J_URI"], auth=(os.environ["NEO4J_USERNAME"], os.environ["NEO4J_PASSWORD"])
    )
    tx = import_module("cartography.client.core.tx")
    with driver.session() as session:
        session.run("MERGE (:AWSAccount{id: $id})", id=ACCOUNT).consume()
        session.run("MERGE (:SlackTeam{id: $id})", id=TEAM).consume()
        if case == "users":
            schema = import_module("cartography.models.slack.user").SlackUserSchema()
            tx.ensure_indexes(session, schema)
            _indexes_online(session)
            started = time.perf_counter()
            tx.load(session, schema, rows, lastupdated=1, TEAM_ID=TEAM)
            return time.perf_counter() - started
        intel = import_module("cartography.intel.aws.ec2.instances")
        for row in rows:
            row["LaunchTime"] = datetime.fromisoformat(row["LaunchTime"])
        reservations = [
            {"ReservationId": f"r-{n}", "OwnerId": ACCOUNT, "Instances": [row]} for n, row in enumerate(rows)
        ]
        data = intel.transform_ec2_instances(reservations, REGION, ACCOUNT)
        schemas = ("EC2InstanceSchema", "EC2ReservationSchema", "EC2SubnetInstanceSchema", "EC2SecurityGroupInstanceSchema", "EC2KeyPairInstanceSchema", "EC2NetworkInterfaceInstanceSchema", "EBSVolumeInstanceSchema", "EC2Ipv6AddressSchema")  # fmt: skip
        for name in schemas if case == "inventory" else schemas[:1]:
            tx.ensure_indexes(session, getattr(intel, name)())
        _indexes_online(session)
        started = time.perf_counter()
        if case == "instances":
            intel.load_ec2_instance_nodes(session, data.instance_list, REGION, ACCOUNT, 1)
        else:
            intel.load_ec2_instance_data(session, REGION, ACCOUNT, 1, *data)
        return time.perf_counter() - started


def _indexes_online(session: Any) -> None:
    session.run("CALL db.awaitIndexes(60)").consume()


# -- ours


def our_seconds(case: str, rows: list[Json]) -> tuple[float, int]:
    """How long `store.apply` takes for the facts that these rows are, and how many facts."""
    from graph.stores import open_store

    batches = our_batches(case, rows)
    with open_store(
        os.environ["NEO4J_URI"], user=os.environ["NEO4J_USERNAME"], password=os.environ["NEO4J_PASSWORD"]
    ) as store:
        started = time.perf_counter()
        for batch in batches:
            store.apply(batch)
        return time.perf_counter() - started, sum(len(b.assertions) for b in batches)


def our_batches(case: str, rows: list[Json]) -> list[Any]:
    """The batches that the sources make of the rows."""
    from graph.clock import instant
    from graph.model import Assertion, Entity, Fact, FactBatch, Relation, Snapshot

    now = instant("2026-06-01T00:00:00Z")
    if case == "users":
        import msgspec

        from ingest.sources.slack.directory_facts import user_facts
        from ingest.sources.slack.payloads import User
        from ingest.sources.slack.workspace import EVENT_RANK, Workspace

        workspace = Workspace("example", EVENT_RANK)
        told = [a for row in rows for a in user_facts(msgspec.convert(row, User), workspace)]
        cuts = [told[i : i + 1_800] for i in range(0, len(told), 1_800)]
        return [FactBatch(f"users-{n}", "slack", "example", "slack/1", cut) for n, cut in enumerate(cuts)]
    from ingest.sources.aws.batches import tagging
    from ingest.sources.aws.collections import BY_TYPE
    from ingest.sources.aws.facts import account_facts, resource_facts
    from ingest.sources.aws.settings import AwsSettings
    from ingest.sources.aws.table import Place
    from ingest.sources.aws.values import item_of

    collection, place = BY_TYPE["aws_instance"], Place(ACCOUNT, REGION)
    facts: dict[str, tuple[Fact, str]] = {fact.key: (fact, "account") for fact in account_facts(ACCOUNT)}
    for row in rows:
        item = item_of(row)
        shaped = collection.shape(item) if collection.shape else item
        arn = collection.arn(shaped, place)
        for fact in resource_facts(collection, arn, shaped, place, tagging(AwsSettings(account_id=ACCOUNT))):
            plain = isinstance(fact, Entity) or (isinstance(fact, Relation) and fact.type == "PART_OF")
            if case == "inventory" or plain:
                facts[fact.key] = (fact, arn)
    assertions = [Assertion(fact, now, now, arn) for fact, arn in facts.values()]
    return [FactBatch("inventory", "aws", f"{ACCOUNT}#ec2", "aws/1", assertions, snapshot=Snapshot(now, now))]


# -- both


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--case", action="append", default=[], choices=CASES)
    parser.add_argument("--side", choices=("cartography", "ours"), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        rows = json.loads(options.file.read_text())
        if options.side == "ours":
            seconds, facts = our_seconds(options.case[0], rows)
            print(json.dumps({"s": seconds, "facts": facts}))
        else:
            print(json.dumps({"s": cartography_seconds(options.case[0], rows)}))
        return
    if not CARTOGRAPHY.exists():
        raise SystemExit("there is no .cache/cartography: see the head of bench/cartography_rows.py")
    from bench.repositories import machine

    print(f"{machine()}; {options.rows} rows, median of {options.runs} (min-max) after one that does not count\n")
    print(
        "| case | Cartography rows/s | nodes + edges | ours rows/s | facts | nodes + edges | ours ÷ Cartography |\n|---|---|---|---|---|---|---|"
    )
    for case in options.case or CASES:
        print(compare(case, options.rows, options.runs), flush=True)


def compare(case: str, count: int, runs: int) -> str:
    """A line of the table."""
    speeds: dict[str, list[float]] = {"cartography": [], "ours": []}
    stored: dict[str, str] = {}
    facts = 0
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "rows.json"
        file.write_text(json.dumps(made_rows(case, count)))
        for n in range(runs + 1):
            for side in speeds:
                told = _run(side, case, file)
                facts = int(told.get("facts", facts))
                stored[side] = told["stored"]
                if n:
                    speeds[side].append(count / float(told["s"]))
    theirs, ours = speeds["cartography"], speeds["ours"]

    def middle(values: list[float]) -> str:
        return f"{statistics.median(values):,.0f} ({min(values):,.0f}-{max(values):,.0f})"

    share = statistics.median(ours) / statistics.median(theirs)
    return f"| {case} | {middle(theirs)} | {stored['cartography']} | {middle(ours)} | {facts} | {stored['ours']} | {share:.2f} |"


def _run(side: str, case: str, file: Path) -> Json:
    from neo4j import GraphDatabase

    from tests.neo4j_server import Target

    target = Target(os.environ["NEO4J_URI"], os.environ["NEO4J_USERNAME"], os.environ["NEO4J_PASSWORD"])
    target.wipe()
    with GraphDatabase.driver(target.uri, auth=(target.user, target.password)) as driver:  # pyright: ignore[reportUnknownMemberType]
        for row in driver.execute_query("SHOW INDEXES YIELD name, type, owningConstraint WHERE type <> 'LOOKUP' AND owningConstraint IS NULL RETURN name").records:  # fmt: skip
            driver.execute_query(f"DROP INDEX `{row['name']}` IF EXISTS")  # pyright: ignore[reportArgumentType, reportCallIssue]
        for row in driver.execute_query("SHOW CONSTRAINTS YIELD name").records:
            driver.execute_query(f"DROP CONSTRAINT `{row['name']}` IF EXISTS")  # pyright: ignore[reportArgumentType, reportCallIssue]
        python = CARTOGRAPHY if side == "cartography" else Path(sys.executable)
        # Not by its path for ours: bench/ingest.py beside it would hide the package of that name.
        which = ["-m", "bench.cartography_rows"] if side == "ours" else [__file__]
        command = [str(python), *which, "--side", side, "--case", case, "--file", str(file)]
        root = str(Path(__file__).resolve().parent.parent)
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
        if done.returncode:
            raise SystemExit(f"{side} failed: {done.stderr[-2000:]}")
        told: Json = json.loads(done.stdout.splitlines()[-1])
        nodes = driver.execute_query("MATCH (n) RETURN count(n) AS n").records[0]["n"]
        edges = driver.execute_query("MATCH ()-[r]->() RETURN count(r) AS n").records[0]["n"]
    return told | {"stored": f"{nodes:,} + {edges:,}"}


if __name__ == "__main__":
    main()
