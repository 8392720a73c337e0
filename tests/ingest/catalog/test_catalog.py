"""Reading service catalogs: descriptors, sheets, CODEOWNERS; what goes away and what only cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from graph.clock import SECOND, Instant, instant
from graph.model import Entity, EntityRef, FactBatch, Relation, ref
from graph.store import GraphStore, Limits, View
from ingest import names
from ingest.source import Source, SourceDataInvalid
from ingest.sources.catalog.source import CatalogSettings, CatalogSource
from ingest.sync import Retry, SyncReport, sync
from tests.contracts.source_contract import CANARY, KEY, NOW, SourceContract, fresh_store
from tests.ingest.git.repo_builder import RepoBuilder

CHECKOUT = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: Checkout API
  title: The checkout
  description: Takes the money, see https://github.com/shop/docs/pull/7
  labels: {tier: "1"}
  annotations:
    github.com/project-slug: shop/checkout
    pagerduty.com/service-id: PSHOP01
    backstage.io/kubernetes-id: checkout-k8s
    argocd/app-name: checkout-prod
    slack.com/channel: "#checkout"
    example.com/whatever: 17
  links:
    - {url: https://wiki.example.com/checkout, title: Wiki}
spec:
  type: service
  lifecycle: production
  owner: group:default/payments
  system: shop
  dependsOn: [component:billing, resource:default/orders-db]
  providesApis: [checkout-api]
  consumesApis: [users-api]
"""
USERS = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: users}
spec: {type: service, owner: user:ann, providesApis: [users-api]}
"""
ORGANISATION = """\
apiVersion: backstage.io/v1alpha1
kind: Group
metadata:
  name: payments
  annotations: {github.com/team-slug: shop/payments}
spec:
  type: team
  profile: {displayName: Payments Team, email: payments@example.com}
  parent: engineering
  children: []
  members: [ann]
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata:
  name: ann
  annotations: {github.com/user-login: ann-gh, slack.com/user-id: U0ANN}
spec:
  profile: {displayName: Ann Berg, email: Ann@Example.com}
  memberOf: [payments, group:default/engineering]
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata:
  name: orders-db
  annotations: {aws.amazon.com/arn: "arn:aws:rds:eu-west-1:111122223333:db:orders"}
spec: {type: database, owner: payments, system: shop}
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: shop, title: The shop}
spec: {owner: payments, domain: sales}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: users-api}
spec: {type: openapi, lifecycle: production, owner: payments, definition: "openapi: 3.0.0"}
---
apiVersion: backstage.io/v1alpha1
kind: Location
metadata: {name: elsewhere}
spec: {targets: [./x.yaml]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: not-ours}
"""
SHEET = """\
Service,Team,Tier,Lifecycle,On call,Slack Channel,Repo,Environment,Comment
billing,finance,tier_2,production,ann@example.com,#billing,https://github.com/shop/billing.git,"prod; staging",x
"Search, old",search,,,bo,,,,
"""


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def source(path: Path, **settings: object) -> CatalogSource:
    return CatalogSource(CatalogSettings(str(path), **{"name": "shop/catalog", **settings}))  # type: ignore[arg-type]


def read(store: GraphStore, src: Source, now: Instant = NOW) -> SyncReport:
    return sync(store, src, now, KEY, retry=Retry(attempts=1), processes="none")


def batches(src: Source, cursor: str | None = None, now: Instant = NOW) -> list[FactBatch]:
    return list(src.pull(cursor, now))


def properties(store: GraphStore, this: EntityRef, view: View | None = None) -> Mapping[str, object]:
    found = store.entity(this, view or View())
    assert found is not None, this
    return found.properties


def edges(store: GraphStore, this: EntityRef, type_: str, view: View | None = None) -> dict[EntityRef, object]:
    page = store.neighbours([this], view or View(), Limits(), types=[type_], direction="out")
    return {r.dst: r.properties.get("rule") for r in page.items}


class TestContract(SourceContract):
    def recorded(self, directory: Path) -> Source:
        secret = CHECKOUT.replace("    example.com/whatever: 17", f"    pagerduty.com/integration-key: {CANARY}")
        secret = secret.replace("Takes the money", f"Takes the money, postgres://app:{CANARY}@db/shop")
        files = {
            "catalog-info.yaml": secret,
            "org/org.yaml": ORGANISATION,
            "services.csv": SHEET,
            "CODEOWNERS": "* @shop/payments\n/docs ann@example.com @bo\n",
            "broken.yaml": f"apiVersion: backstage.io/v1alpha1\nkind: [{CANARY}\n",
        }
        return source(write(directory / "catalog", files))

    def broken(self, directory: Path) -> Iterator[Source]:
        yield source(directory / "nowhere")
        yield source(write(directory / "empty", {"readme.md": "x"}))
        yield source(write(directory / "bad", {"a.yaml": "apiVersion: backstage.io/v1alpha1\nkind: ["}))
        yield source(write(directory / "plain", {"a.yaml": USERS}), rev="main")


class TestContractOfARepository(TestContract):
    def recorded(self, directory: Path) -> Source:
        if (directory / "repository").exists():
            return source(directory / "repository")
        builder = RepoBuilder(directory / "repository")
        builder.commit("one", {"catalog-info.yaml": CHECKOUT})
        builder.commit("two", {"org/org.yaml": ORGANISATION, "services.csv": SHEET, "users.yaml": USERS})
        return source(builder.path)


# -- descriptors


def test_a_component_is_a_service_with_its_owner_code_names_and_dependencies(tmp_path: Path) -> None:
    write(tmp_path / "c", {"catalog-info.yaml": CHECKOUT, "users/catalog-info.yaml": USERS, "org.yaml": ORGANISATION})
    with fresh_store(tmp_path, "store") as store:
        assert read(store, source(tmp_path / "c")).error is None
        checkout = names.service("Checkout API")
        assert properties(store, checkout) == {
            "name": "checkout-api",
            "title": "The checkout",
            "description": "Takes the money, see https://github.com/shop/docs/pull/7",
            "tier": "1",
            "lifecycle": "production",
            "type": "service",
            "system": "shop",
            "repository": "shop/checkout",
            "channel": "#checkout",
            "url": "https://wiki.example.com/checkout",
        }
        for name in ("checkout-api", "Checkout API", "The checkout", "checkout-k8s", "checkout-prod", "PSHOP01"):
            assert [a.ref for a in store.resolve_alias(name, View(), Limits(), kinds=["Service"]).items] == [
                checkout
            ], name
        assert edges(store, checkout, "OWNED_BY") == {names.team("catalog", "payments"): "catalog spec.owner"}
        assert edges(store, checkout, "BUILT_FROM") == {
            names.repository("shop/checkout"): "annotation github.com/project-slug"
        }
        database = ref("Resource", "catalog", "shop/catalog", "default", "orders-db")
        assert edges(store, checkout, "DEPENDS_ON") == {
            names.service("billing"): "catalog dependsOn",
            database: "catalog dependsOn",
            ref("Api", "shop/catalog", "default", "users-api"): "catalog consumesApis users-api",
            names.service("users"): "catalog consumesApis users-api",
        }
        assert edges(store, checkout, "PART_OF") == {
            ref("System", "shop/catalog", "system", "default", "shop"): "catalog spec.system"
        }
        joined = store.entity(database, View())
        assert joined is not None
        assert names.cloud_resource("arn:aws:rds:eu-west-1:111122223333:db:orders") in joined.refs
        assert store.search_text("takes the money", View(), Limits()).items


def test_groups_and_users_are_teams_and_accounts_known_on_other_systems(tmp_path: Path) -> None:
    write(tmp_path / "c", {"org.yaml": ORGANISATION})
    with fresh_store(tmp_path, "store") as store:
        read(store, source(tmp_path / "c"))
        team, ann = names.team("catalog", "payments"), names.account("catalog", "ann")
        assert properties(store, team)["title"] == "Payments Team"
        assert [a.ref for a in store.resolve_alias("payments@example.com", View(), Limits()).items] == [team]
        assert properties(store, ann)["email"] == "ann@example.com"
        assert set(edges(store, ann, "MEMBER_OF")) == {team, names.team("catalog", "engineering")}
        joined = store.entity(ann, View())
        assert joined is not None
        assert set(joined.refs) == {ann, names.account("github", "ann-gh"), names.account("slack", "U0ANN")}
        teams = store.entity(team, View())
        assert teams is not None
        assert names.team("github", "shop/payments") in teams.refs
        assert set(edges(store, team, "PART_OF")) == {names.team("catalog", "engineering")}


def test_a_broken_document_is_set_aside_with_its_line_and_the_others_are_read(tmp_path: Path) -> None:
    text = USERS + "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: [}\n---\n" + CHECKOUT
    found = batches(source(write(tmp_path, {"all.yaml": text})))
    [item] = [q for b in found for q in b.quarantined]
    assert item.locator == "all.yaml#L8"
    services = {a.fact.ref for b in found for a in b.assertions if isinstance(a.fact, Entity)}
    assert {names.service("users"), names.service("checkout api")} <= services


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("kind: Component\nmetadata: {title: x}", "no metadata.name"),
        ("kind: Component\nmetadata: 5", "no metadata.name"),
        ("kind: Component\nmetadata: {name: x}\n\t- y", "no YAML"),
        ("kind: Component\nx: !!python/object:os.system {}", "no YAML"),
        ("kind: " + "[" * 5000, "no YAML"),
    ],
)
def test_what_is_no_entry_is_set_aside(document: str, reason: str, tmp_path: Path) -> None:
    write(tmp_path, {"good.yaml": USERS, "bad.yaml": "apiVersion: backstage.io/v1alpha1\n" + document})
    [item] = [q for b in batches(source(tmp_path)) for q in b.quarantined]
    assert reason in item.reason


def test_anchors_that_multiply_cost_nothing(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    bomb = USERS + "\n".join(lines) + "\n"
    assert len(batches(source(write(tmp_path, {"bomb.yaml": bomb})))) == 3


def test_the_code_is_found_by_the_source_location_too(tmp_path: Path) -> None:
    for location, expected in (
        ("url:https://github.com/shop/users/tree/main/svc", "shop/users"),
        ("url:https://gitlab.example.com/shop/back/users/-/blob/main/x.yaml", "shop/back/users"),
    ):
        text = USERS.replace(
            "{name: users}", f'{{name: users, annotations: {{"backstage.io/source-location": "{location}"}}}}'
        )
        found = batches(source(write(tmp_path / expected.replace("/", "-"), {"a.yaml": text})))
        built = [
            a.fact.dst
            for b in found
            for a in b.assertions
            if isinstance(a.fact, Relation) and a.fact.type == "BUILT_FROM"
        ]
        assert built == [names.repository(expected)]


# -- sheets and CODEOWNERS


def test_a_sheet_tells_owner_tier_on_call_and_environments(tmp_path: Path) -> None:
    write(tmp_path / "c", {"services.csv": SHEET, "org.yaml": ORGANISATION, "other-services.csv": "a,b\n1,2\n"})
    with fresh_store(tmp_path, "store") as store:
        assert read(store, source(tmp_path / "c", owners={"finance": "payments"})).error is None
        billing = names.service("billing")
        told = properties(store, billing)
        assert (told["tier"], told["lifecycle"], told["channel"]) == ("tier_2", "production", "#billing")
        assert edges(store, billing, "OWNED_BY") == {names.team("catalog", "payments"): "catalog column owner"}
        assert set(edges(store, billing, "BUILT_FROM")) == {names.repository("shop/billing")}
        assert set(edges(store, billing, "RUNS_IN")) == {names.environment("prod"), names.environment("staging")}
        on_call = store.neighbours([billing], View(), Limits(), types=["ON_CALL_FOR"], direction="in").items
        assert [r.src for r in on_call] == [names.account("catalog", "ann")]
        assert properties(store, names.service("search-old"))["name"] == "search-old"


def test_columns_can_be_named_and_bad_rows_are_set_aside(tmp_path: Path) -> None:
    write(tmp_path, {"services.csv": "App,Squad,PagedPerson\nx,red,bo\n,red,bo\n"})
    with pytest.raises(SourceDataInvalid):
        batches(source(tmp_path))
    found = batches(source(tmp_path, columns={"App": "service", "Squad": "owner", "PagedPerson": "on_call"}))
    assert [q.locator for b in found for q in b.quarantined] == ["services.csv#L3"]
    assert names.service("x") in {a.fact.ref for b in found for a in b.assertions if isinstance(a.fact, Entity)}


def test_codeowners_is_read_in_a_directory_and_left_to_git_in_a_repository(tmp_path: Path) -> None:
    rules = {
        ".github/CODEOWNERS": "* @shop/all\n/pay @ann pay@example.com\n",
        "CODEOWNERS": "* @nobody\n",
        "a.yaml": USERS,
    }
    plain = batches(source(write(tmp_path / "plain", rules)))
    owned = {
        (a.fact.src, a.fact.dst)
        for b in plain
        for a in b.assertions
        if isinstance(a.fact, Relation) and a.fact.properties.get("rule") == "CODEOWNERS"
    }
    everything = ref("OwnershipRule", "shop/catalog", "", "*", "0")
    pay = ref("OwnershipRule", "shop/catalog", "", "/pay", "0")
    assert owned == {
        (everything, names.team("github", "shop/all")),
        (pay, names.account("github", "ann")),
        (pay, names.account("git", "pay@example.com")),
    }
    builder = RepoBuilder(tmp_path / "git")
    builder.commit("one", rules)
    kinds = {a.fact.ref.kind for b in batches(source(builder.path)) for a in b.assertions if isinstance(a.fact, Entity)}
    assert "OwnershipRule" not in kinds


# -- through time


def test_what_is_gone_from_a_file_ends_and_so_does_all_of_a_file_that_is_gone(tmp_path: Path) -> None:
    place = write(tmp_path / "c", {"one.yaml": CHECKOUT + "---\n" + USERS, "two.yaml": ORGANISATION})
    checkout, users, team = names.service("Checkout API"), names.service("users"), names.team("github", "shop/payments")
    with fresh_store(tmp_path, "store") as store:
        read(store, source(place))
        write(place, {"one.yaml": USERS})
        read(store, source(place), NOW + 60 * SECOND)
        assert store.entity(checkout, View()) is None
        assert store.entity(checkout, View(as_of=NOW + SECOND)) is not None
        assert store.entity(users, View()) is not None
        joined = store.entity(names.team("catalog", "payments"), View())
        assert joined is not None
        assert team in joined.refs
        (place / "two.yaml").unlink()
        read(store, source(place), NOW + 120 * SECOND)
        assert store.entity(names.account("slack", "U0ANN"), View()) is None
        assert store.entity(users, View()) is not None


def test_a_file_that_became_unreadable_ends_nothing(tmp_path: Path) -> None:
    place = write(tmp_path / "c", {"one.yaml": USERS + "---\n" + CHECKOUT, "two.yaml": ORGANISATION})
    users, checkout = names.service("users"), names.service("Checkout API")
    with fresh_store(tmp_path, "store") as store:
        read(store, source(place))
        write(place, {"one.yaml": USERS + "---\napiVersion: backstage.io/v1alpha1\nkind: [\n"})
        report = read(store, source(place), NOW + 60 * SECOND)
        assert report.quarantined == 1
        assert store.entity(checkout, View()) is not None
        write(place, {"one.yaml": b"\0binary"})
        read(store, source(place), NOW + 120 * SECOND)
        assert store.entity(users, View()) is not None
        write(place, {"one.yaml": USERS})
        read(store, source(place), NOW + 180 * SECOND)
        assert store.entity(checkout, View()) is None
        assert store.entity(users, View()) is not None


def test_in_a_repository_an_entry_holds_since_its_file_changed(tmp_path: Path) -> None:
    builder = RepoBuilder(tmp_path / "git")
    builder.commit("one", {"one.yaml": USERS}, at_s=1_700_000_000)
    builder.commit("noise", {"readme.md": "x"}, at_s=1_700_100_000)
    users = names.service("users")
    with fresh_store(tmp_path, "store") as store:
        assert read(store, source(builder.path)).error is None
        found = store.entity(users, View())
        assert found is not None
        assert found.statements[0].valid_from == 1_700_000_000 * SECOND
        assert found.statements[0].provenance.locator.startswith("shop/catalog@")
        builder.commit("more noise", {"readme.md": "y"}, at_s=1_700_200_000)
        assert read(store, source(builder.path), NOW + SECOND).assertions == 0
        builder.commit("gone", {"one.yaml": CHECKOUT}, at_s=1_700_300_000)
        read(store, source(builder.path), NOW + 2 * SECOND)
        assert store.entity(users, View()) is None
        assert store.entity(users, View(as_of=1_700_250_000 * SECOND)) is not None
        assert store.entity(names.service("Checkout API"), View(as_of=1_700_250_000 * SECOND)) is None


def test_other_settings_tell_everything_again(tmp_path: Path) -> None:
    place = write(tmp_path / "c", {"one.yaml": CHECKOUT})
    with fresh_store(tmp_path, "store") as store:
        read(store, source(place))
        read(store, source(place, owners={"payments": "finance"}), NOW + SECOND)
        assert set(edges(store, names.service("Checkout API"), "OWNED_BY")) == {names.team("catalog", "finance")}
        assert read(store, source(place, owners={"payments": "finance"}), NOW + 2 * SECOND).assertions == 0


def test_a_foreign_cursor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceDataInvalid, match="cursor"):
        batches(source(write(tmp_path, {"a.yaml": USERS})), "[]")


def test_two_commits_of_one_second_are_told_apart(tmp_path: Path) -> None:
    builder = RepoBuilder(tmp_path / "git")
    at = instant("2026-01-01T00:00:00Z") // SECOND
    builder.commit("one", {"one.yaml": USERS + "---\n" + CHECKOUT}, at_s=at)
    with fresh_store(tmp_path, "store") as store:
        read(store, source(builder.path))
        builder.commit("two", {"one.yaml": USERS}, at_s=at)
        assert read(store, source(builder.path), NOW + SECOND).error is None
        assert store.entity(names.service("Checkout API"), View()) is None
        assert store.entity(names.service("users"), View()) is not None
