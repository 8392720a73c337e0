from __future__ import annotations

import pytest

from agent.questions.owner import matches_path


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*", "main.tf"),
        ("*.tf", "terraform/dns/main.tf"),
        ("/terraform/", "terraform/dns/main.tf"),
        ("terraform/dns", "terraform/dns/main.tf"),
        ("terraform/dns", "terraform/dns"),
        ("dns/", "terraform/dns/main.tf"),
        ("/docs/*", "docs/start.md"),
        ("**/dns", "terraform/dns/main.tf"),
        ("/terraform/**/main.tf", "terraform/dns/eu/main.tf"),
    ],
)
def test_a_pattern_covers_what_code_hosts_say_it_covers(pattern: str, path: str) -> None:
    assert matches_path(pattern, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/docs/*", "docs/build/troubleshooting.md"),
        ("/dns/", "terraform/dns/main.tf"),
        ("*.md", "main.tf"),
        ("!*.tf", "main.tf"),
        ("[ab].tf", "a.tf"),
        ("# a comment", "a comment"),
        ("", "main.tf"),
        ("*.tf", ""),
    ],
)
def test_a_pattern_does_not_cover_the_rest(pattern: str, path: str) -> None:
    assert not matches_path(pattern, path)
