"""Every setting is read from its variable, and a wrong value is refused by the variable's name."""

import pytest

from spectraview.config import (
    Config,
    ConfigError,
    config_from_environment,
    unknown_variables,
    variable_name,
)
from spectraview.config_checks import config_warnings
from spectraview.ingest.scrubbing.scrubber import SCRUB_RULES

FIELDS = Config.__struct_fields__
NUMBERS = [
    field
    for field in FIELDS
    if isinstance(getattr(Config(), field), int | float) and field != "trust_forwarded"
    if not isinstance(getattr(Config(), field), bool)
]
SWITCHES = [field for field in FIELDS if isinstance(getattr(Config(), field), bool)]
MAY_BE_ZERO = {
    "least_rate",
    "max_address_connections",
    "archive_after",
    "drain_delay",
    "replay_cache_bytes",
    "seal_after",
}


def test_without_variables_all_has_its_default() -> None:
    assert config_from_environment({}) == Config()


@pytest.mark.parametrize("field", FIELDS)
def test_an_empty_variable_counts_as_unset(field: str) -> None:
    assert config_from_environment({variable_name(field): ""}) == Config()


@pytest.mark.parametrize("field", NUMBERS)
def test_a_number_is_read_from_its_variable(field: str) -> None:
    config = config_from_environment({variable_name(field): "5"})
    assert getattr(config, field) == 5


@pytest.mark.parametrize("field", NUMBERS)
@pytest.mark.parametrize("value", ["x", "-1", "1 s", "0x10", "nan", "inf", "1e99", "true", " "])
def test_a_bad_number_is_refused(field: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{variable_name(field)}='{value}' "):
        config_from_environment({variable_name(field): value})


@pytest.mark.parametrize("field", sorted({*NUMBERS} - MAY_BE_ZERO))
def test_what_is_needed_cannot_be_zero(field: str) -> None:
    with pytest.raises(ConfigError, match=variable_name(field)):
        config_from_environment({variable_name(field): "0"})


@pytest.mark.parametrize("field", SWITCHES)
@pytest.mark.parametrize(("value", "on"), [("true", True), ("1", True), ("false", False)])
def test_a_switch_is_read_from_its_variable(field: str, value: str, on: bool) -> None:
    assert getattr(config_from_environment({variable_name(field): value}), field) is on


@pytest.mark.parametrize("field", SWITCHES)
@pytest.mark.parametrize("value", ["yes", "2", "-"])
def test_a_bad_switch_is_refused(field: str, value: str) -> None:
    with pytest.raises(ConfigError, match=variable_name(field)):
        config_from_environment({variable_name(field): value})


@pytest.mark.parametrize("value", ["TRACE", "info", "INFO "])
def test_an_unknown_log_level_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match="SPECTRAVIEW_LOG_LEVEL"):
        config_from_environment({"SPECTRAVIEW_LOG_LEVEL": value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("database_url", "postgresql://user:pass@postgres:5432/spectraview"),
        ("database_url", "postgres:///spectraview?host=/run/postgresql"),
        ("database_url", "host=/tmp dbname=spectraview"),
        ("redis_url", "redis://redis:6379"),
        ("redis_url", "rediss://user:p%40ss@redis.example:6380/2?ssl_cert_reqs=none"),
        ("redis_url", "redis://[::1]:6379/0"),
        ("redis_url", "redis://localhost"),
        ("redis_url", "unix:///run/valkey.sock?db=1"),
        ("archive_url", "s3://recordings"),
        ("archive_url", "s3://recordings/spectra/view"),
        ("archive_url", "file:///var/lib/objects"),
    ],
)
def test_the_address_of_a_server_is_taken(field: str, value: str) -> None:
    assert getattr(config_from_environment({variable_name(field): value}), field) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("database_url", "postgres"),
        ("database_url", "mysql://root:secret@db/spectraview"),
        ("redis_url", "localhost:6379"),
        ("redis_url", "http://user:secret@redis:6379"),
        ("redis_url", "redis://redis:secret"),
        ("redis_url", "redis://redis:6379/zero"),
        ("archive_url", "recordings"),
        ("archive_url", "s3://"),
        ("archive_url", "https://user:secret@s3.example/recordings"),
        ("archive_url", "file://secret/objects"),
    ],
)
def test_what_is_no_servers_address_is_refused_without_showing_it(field: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{variable_name(field)} can't be used") as refused:
        config_from_environment({variable_name(field): value})
    assert "secret" not in str(refused.value)


def test_a_variable_that_is_no_setting_is_found() -> None:
    environment = {"SPECTRAVIEW_TTL": "5", "SPECTRAVIEW_TTL_HOURS": "5", "HOME": "/"}
    assert unknown_variables(environment) == ["SPECTRAVIEW_TTL"]


def test_the_defaults_fit_together() -> None:
    assert config_warnings(Config()) == []


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"archive_url": "s3://recordings"}, "ARCHIVE_AFTER"),
        ({"archive_after": 3.0}, "ARCHIVE_URL"),
        ({"idle_timeout": 5e5}, "SPECTRAVIEW_IDLE_TIMEOUT"),
        ({"seal_after": 5e5}, "SPECTRAVIEW_SEAL_AFTER"),
        ({"max_body": 100_000_000}, "SPECTRAVIEW_MAX_PENDING"),
        ({"viewer_lag": 1000}, "SPECTRAVIEW_VIEWER_LAG"),
        ({"head_interval": 20.0}, "SPECTRAVIEW_HEAD_INTERVAL"),
    ],
)
def test_settings_that_contradict_each_other_are_told(
    settings: dict[str, object], names: str
) -> None:
    (text,) = config_warnings(Config(**settings))  # type: ignore[arg-type]
    assert names in text


def test_an_archive_with_sessions_that_live_long_enough_is_fine() -> None:
    config = Config(archive_url="s3://recordings", archive_after=2.0, ttl_hours=72)
    assert config_warnings(config) == []


def test_each_rule_of_scrubbing_can_be_set() -> None:
    config = config_from_environment({"SPECTRAVIEW_SCRUB": ", ".join(SCRUB_RULES)})
    assert config.scrub_rules == set(SCRUB_RULES)
    assert Config().scrub_rules == frozenset()


@pytest.mark.parametrize("value", ["names", "inputs,", "inputs;cards", "Inputs"])
def test_an_unknown_rule_of_scrubbing_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match="SPECTRAVIEW_SCRUB"):
        config_from_environment({"SPECTRAVIEW_SCRUB": value})
