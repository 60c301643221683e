"""The threats that docs/security.md names are tested by the tests that it names."""

import re

from tests.unit.test_docs import PROJECT, read

NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_every_test_that_is_named_is_there() -> None:
    named = NAMED.findall(read("docs/security.md"))
    assert len(named) > 40
    for file, test in named:
        text = (PROJECT / file).read_text(encoding="utf-8")
        assert not test or f"def {test}(" in text, (file, test)


def test_every_threat_has_a_test() -> None:
    _, _, rest = read("docs/security.md").partition("## Threats")
    threats, _, _ = rest.partition("## What an operator must do")
    rows = [line for line in threats.splitlines() if line.startswith("|")]
    rows = [row for row in rows if not row.startswith(("| Threat |", "|---"))]
    assert rows
    for row in rows:
        assert NAMED.search(row), row


def test_every_file_of_these_tests_is_named() -> None:
    document = read("docs/security.md")
    files = {file.name for file in (PROJECT / "tests/security").glob("test_*.py")}
    assert not {name for name in files - {"test_document.py"} if name not in document}
