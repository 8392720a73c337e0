"""Who works there and what they run: people with unlike accounts on every system, teams, services, accounts in the cloud."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from random import Random

from bench.world.model import Organisation, Service, Team
from examples.formats.output import letters, number_id
from examples.formats.people import Person

FIRST = (
    "Amara", "Bruno", "Chloé", "Dmitri", "Elif", "Farah", "Grace", "Hiro", "Ingrid", "Jamal", "Katya", "Luca", "Mei", "Nadia", "Oskar",
    "Priya", "Quentin", "Rosa", "Stefan", "Tariq", "Uma", "Viktor", "Wanjiru", "Xavier", "Yara", "Zofia", "José", "Søren", "Anna", "Daniel",
    "Marek", "Leila", "Tom", "Sofia", "Pavel", "Noor",
)  # fmt: skip
LAST = (
    "Lindqvist", "Kowalski", "Okafor", "Tanaka", "Moreau", "Haddad", "Petrov", "Fernandes", "Novak", "Brandt", "Iyer", "Castellanos",
    "Nakamura", "Oyelaran", "Vance", "Holm", "Rahman", "Suzuki", "Ferrari", "Dubois", "Adeyemi", "Jansen", "Kaya", "Marín", "O'Brien",
    "Szabo", "Whitfield", "Yilmaz", "Zhang", "Bergström", "Costa", "Delgado", "Eriksen", "Fischer",
)  # fmt: skip
SERVICES = (
    "checkout", "catalog", "payments", "search", "orders", "inventory", "shipping", "invoices", "profiles", "notifications", "pricing",
    "sessions", "uploads", "reports", "recommendations", "ledger", "tickets", "bookings",
)  # fmt: skip
COMPANIES = (
    "northpine", "bluekite", "harbourly", "quillbox", "ferrovia", "lumenlane", "oakgate", "saltmarsh", "tidewater", "brightloom",
    "copperhill", "driftwood", "emberfield", "foxglove", "granitebay",
)  # fmt: skip
TEAMS = (("payments", "Payments"), ("storefront", "Storefront"), ("fulfilment", "Fulfilment"), ("platform", "Platform"))
DATABASES = ("orders", "core", "ledger", "shop", "bookings")
WORDS = ("ocean", "pixel", "byte", "moss", "falcon", "tea", "cedar", "nova")


def make_organisation(random: Random, seed: int) -> Organisation:
    """An organisation; what is drawn depends on the seed alone."""
    name = COMPANIES[seed % len(COMPANIES)]
    domain = f"{name}.example"
    environments = ("staging", "prod") if random.random() < 0.7 else ("dev", "staging", "prod")
    people = _people(random, domain, random.randint(6, 20))
    team_names = [TEAMS[i] for i in sorted(random.sample(range(3), random.randint(1, 3)))] + [TEAMS[3]]
    people = [_with_team(p, team_names[i % len(team_names)][0]) for i, p in enumerate(people)]
    teams = tuple(Team(key, shown, tuple(p.key for p in people if p.team == key)) for key, shown in team_names)
    services = random.sample(SERVICES, random.randint(4, min(15, 4 + len(people))))
    github = f"{name}-{random.choice(('hq', 'io', 'eng', 'tech'))}"
    two = seed % 2 == 1
    infra = f"{github}/infra"
    repository = f"{github}/{'services' if two else 'infra'}"
    rows: list[Service] = []
    for i, service in enumerate(services):
        team = teams[i % len(teams)]
        # on-call is not always of the owning team: platform people cover for small ones
        on_call = random.choice(team.members if random.random() < 0.8 else [p.key for p in people])
        rows.append(
            Service(service, team.name, random.choice(("tier-1", "tier-2", "tier-3")), 8080 + i, on_call, f"team-{team.name}", repository)
        )  # fmt: skip
    return Organisation(
        name=name,
        domain=domain,
        github=github,
        slack_workspace=f"https://{name}.slack.com",
        slack_team="T0" + letters(name, seed, length=9),
        region=random.choice(("eu-west-1", "eu-central-1", "us-east-2")),
        accounts={env: str(number_id(name, seed, env, digits=12)) for env in environments},
        environments=environments,
        people=tuple(people),
        bots=_bots(domain),
        teams=teams,
        services=tuple(rows),
        infra_repository=infra,
        service_repository=repository,
        layout="directories" if random.random() < 0.6 else "workspaces",
        database=random.choice([d for d in DATABASES if d not in services]),
    )


def ascii_name(text: str) -> str:
    """Lower case without accents and apostrophes."""
    plain = unicodedata.normalize("NFKD", text.replace("ø", "o").replace("Ø", "O"))
    return "".join(c for c in plain if c.isascii() and (c.isalnum() or c in " -")).lower()


def _people(random: Random, domain: str, count: int) -> list[Person]:
    firsts, lasts = random.sample(FIRST, count - 1), random.sample(LAST, count)
    firsts.append(firsts[0])  # two people share a first name in every organisation
    order = list(range(count))
    random.shuffle(order)
    return [_person(random, domain, firsts[i], lasts[i], firsts.count(firsts[i]) > 1) for i in order]


def _person(random: Random, domain: str, first: str, last: str, shared: bool) -> Person:
    given, family = ascii_name(first).replace(" ", ""), ascii_name(last).replace(" ", "")
    email = random.choice((f"{given}.{family}@{domain}", f"{given}.{family}@{domain}", f"{given[0]}{family}@{domain}"))
    if not shared and random.random() < 0.2:
        email = f"{given}@{domain}"
    github = random.choice(
        (
            f"{given[0]}{family}",
            f"{given}{family}",
            f"{given}-{family[:3]}",
            f"{family}{given[0]}",
            f"{random.choice(WORDS)}{family[:4]}{random.randint(2, 98)}",
        )
    )
    noreply = f"{number_id('github', github, digits=7)}+{github}@users.noreply.github.com"
    git_email = random.choice((email, email, email, noreply, f"{given}{family[:1]}@personal.example"))
    display = random.choice(
        (given, f"{first} {last[0]}.", f"{given}.{family[0]}", first, f"{given[:3]}{family[:3]}", "")
    )
    if shared:
        display = random.choice((first, f"{first} {last[0]}"))  # two of them may even look alike
    return Person(
        key=f"{given}.{family}",
        name=f"{first} {last}",
        email=email,
        git_name=random.choice((f"{first} {last}", f"{first} {last}", ascii_name(f"{first} {last}").title(), github)),
        git_email=git_email,
        github=github,
        gitlab=github,
        slack_name=email.split("@")[0].replace(".", random.choice((".", "_", ""))),
        slack_display=display,
        slack_real=f"{first} {last}",
        iam_user=random.choice((f"{given}.{family}", f"{given[0]}{family}", email)),
        sso=random.choice((email, email, f"{given}.{family}")),
        kubernetes=email,
        pagerduty=f"{first} {last}",
        catalog=f"{given}.{family}",
    )


def _with_team(person: Person, team: str) -> Person:
    return replace(person, team=team, title=f"{team.title()} engineer")


def _bots(domain: str) -> tuple[Person, ...]:
    return (
        Person(
            key="bot:actions",
            name="github-actions[bot]",
            email=f"actions@{domain}",
            git_name="github-actions[bot]",
            git_email="41898282+github-actions[bot]@users.noreply.github.com",
            github="github-actions[bot]",
            bot=True,
        ),
        Person(
            key="bot:renovate",
            name="renovate[bot]",
            email=f"renovate@{domain}",
            git_name="renovate[bot]",
            git_email="29139614+renovate[bot]@users.noreply.github.com",
            github="renovate[bot]",
            bot=True,
        ),
        Person(
            key="bot:deploys",
            name="deploybot",
            email=f"deploybot@{domain}",
            slack_name="deploybot",
            slack_display="deploybot",
            slack_real="deploybot",
            bot=True,
        ),
    )
