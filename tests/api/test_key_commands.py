"""The commands do to keys what the API does, and say what they can't do without a traceback."""

import os
from collections.abc import Callable
from typing import Any

import pytest
import ujson
from click.testing import CliRunner

from spectraview.cli import main

Run = Callable[..., str]


@pytest.fixture(autouse=True)
def _on_the_tests_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)


REFUSED: list[tuple[tuple[object, ...], str]] = [
    (("keys", "create", "x" * 101, "--scope", "read"), "length <= 100 (name)"),
    (
        ("keys", "create", "n", "--scope", "read", "--origin", "https://Shop.example/"),
        "(origins[0])",
    ),
    (("keys", "create", "n", "--scope", "read", "--expires", "2020-01-01"), "(expiresAt)"),
    (("keys", "create", "n", "--scope", "read", "--app", "x" * 51), "(appId)"),
    (("keys", "show", 999_999), "There is no such API key"),
    (("keys", "set", 999_999, "--name", "n"), "There is no such API key"),
    (("keys", "set", 1), "Nothing is to be changed"),
    (("keys", "set", 1, "--no", "scope"), "scope is none of"),
    (("keys", "rotate", 999_999), "There is no such API key"),
    (("keys", "rotate", 1, "--overlap", "1y"), "30s, 15m, 24h or 7d"),
    (("keys", "revoke", 999_999), "There is no unrevoked key 999999"),
    (("keys", "revoke", 2**31), "is not in the range"),
]


def run(*arguments: object) -> str:
    """Run the program and return what it printed."""
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return result.output


def refused(*arguments: object) -> tuple[int, str]:
    """Run the program and return its exit code and what it said."""
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def made(*options: object) -> Any:
    """Make a key and return what is known of it."""
    text = run("keys", "create", "page", "--scope", "ingest", "--json", *options)
    return ujson.loads(text)


def test_a_key_is_listed_with_what_it_scrubs() -> None:
    rules = ("--scrub", "tokens", "--scrub", "inputs")
    text = run("keys", "create", "page", "--scope", "ingest", *rules)
    assert text.startswith("sv_ingest_")
    run("keys", "create", "plain", "--scope", "ingest")
    *_, page, plain = run("keys", "list").splitlines()
    assert page.split("\t")[1:3] == ["page", "ingest"]
    assert page.endswith("\tactive\tscrubs inputs,tokens")
    assert plain.endswith("\tactive\tscrubs nothing")


def test_an_unknown_rule_is_refused() -> None:
    arguments = ("keys", "create", "page", "--scope", "ingest", "--scrub", "names")
    code, said = refused(*arguments)
    assert code == 2
    assert "'names' is not one of 'inputs', 'cards', 'emails', 'tokens'" in said


def test_all_that_is_set_of_a_key_is_shown() -> None:
    key = made(
        *("--app", "shop", "--origin", "https://shop.example", "--ttl-hours", 5),
        *("--bytes-per-day", 1000, "--read-per-minute", 7, "--expires", "2999-01-01T00:00:00Z"),
    )
    shown = ujson.loads(run("keys", "show", key["id"], "--json"))
    assert shown == {name: value for name, value in key.items() if name != "key"}
    assert (shown["appId"], shown["origins"]) == ("shop", ["https://shop.example"])
    assert (shown["bytesPerDay"], shown["readPerMinute"]) == (1000, 7)
    assert "bytesPerDay\t1000\n" in run("keys", "show", key["id"])
    assert shown in ujson.loads(run("keys", "list", "--json"))


def test_settings_are_changed_and_taken_away() -> None:
    key = made("--origin", "https://shop.example", "--events-per-day", 10)
    changed = ujson.loads(
        run("keys", "set", key["id"], "--json", "--name", "new", "--no", "events-per-day")
    )
    assert (changed["name"], changed["eventsPerDay"]) == ("new", None)
    assert changed["origins"] == ["https://shop.example"]
    assert ujson.loads(run("keys", "set", key["id"], "--json", "--no", "origin"))["origins"] == []


def test_a_key_is_rotated() -> None:
    key = made()
    text = run("keys", "rotate", key["id"], "--overlap", "15m").strip()
    assert text.startswith("sv_ingest_")
    assert text != key["key"]
    shown = ujson.loads(run("keys", "show", key["id"], "--json"))
    assert shown["olderTextUntil"] is not None


def test_what_cannot_be_is_said() -> None:
    for arguments, said in REFUSED:
        code, output = refused(*arguments)
        assert code in (1, 2), arguments
        assert said in output, arguments


def test_the_last_admin_key_goes_only_by_force(database_url: str) -> None:
    admins = [
        key["id"]
        for key in ujson.loads(run("keys", "list", "--json"))
        if "admin" in key["scopes"] and not (key["revokedAt"] or key["appId"] or key["expiresAt"])
    ]
    *others, last = [*admins, made("--scope", "admin")["id"]]
    for key_id in others:
        run("keys", "revoke", key_id)
    code, said = refused("keys", "revoke", last)
    assert (code, "This is the last API key that may do everything" in said) == (1, True)
    assert f"revoked {last}" in run("keys", "revoke", last, "--force")


def test_the_audit_log_is_listed() -> None:
    key = made("--app", "audited")
    run("keys", "revoke", key["id"])
    lines = run("audit", "--limit", 2).splitlines()
    assert [line.split("\t")[1:] for line in lines] == [
        ["command line", "audited", f"revoke_key key {key['id']}"],
        ["command line", "audited", f"create_key key {key['id']}"],
    ]
    entry = ujson.loads(run("audit", "--key", key["id"], "--action", "create_key", "--json"))
    assert (entry["targetKeyId"], entry["keyId"]) == (key["id"], None)


def test_a_database_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "DATABASE_URL", "postgresql://127.0.0.1:1/none")
    code, said = refused("audit")
    assert (code, "The database can't be reached" in said) == (1, True)
