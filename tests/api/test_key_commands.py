"""The commands make keys that scrub, and tell which keys do."""

import pytest
from click.testing import CliRunner

from spectraview.cli import main


def run(*arguments: str) -> str:
    """Run the program and return what it printed."""
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_key_is_listed_with_what_it_scrubs(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    rules = ("--scrub", "tokens", "--scrub", "inputs")
    text = run("keys", "create", "page", "--scope", "ingest", *rules)
    assert text.startswith("sv_ingest_")
    run("keys", "create", "plain", "--scope", "ingest")
    *_, page, plain = run("keys", "list").splitlines()
    assert page.split("\t")[1:3] == ["page", "ingest"]
    assert page.endswith("\tactive\tscrubs inputs,tokens")
    assert plain.endswith("\tactive\tscrubs nothing")


def test_an_unknown_rule_is_refused(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    arguments = ("keys", "create", "page", "--scope", "ingest", "--scrub", "names")
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "'names' is not one of 'inputs', 'cards', 'emails', 'tokens'" in result.output
