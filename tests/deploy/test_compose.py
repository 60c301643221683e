"""docker-compose.yml, the Dockerfile and nginx.conf, checked as far as that goes without Docker."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from spectraview.config import config_from_environment, unknown_variables
from tests.deploy.compose import APIS, COMPOSE_FILE, PROJECT, SECRETS, read_compose, run_tool
from tests.deploy.nginx import DEPLOY, Nginx

_TAG_WITHOUT_DIGEST, _PORT_FOR_ALL = "CL-0019", "CL-0005"
_STARTS_AS_ROOT = "s3"  # and goes on as another user by itself


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services of docker-compose.yml."""
    found: dict[str, Any] = read_compose()["services"]
    return found


def test_the_compose_file_keeps_to_the_specification() -> None:
    finished = run_tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE_FILE)
    assert finished.returncode == 0, finished.stdout


def test_the_linter_of_compose_files_finds_nothing_but_what_is_meant() -> None:
    finished = run_tool("compose-lint", "--format", "json", COMPOSE_FILE)
    found = {(f["rule_id"], f["severity"]) for f in json.loads(finished.stdout)["findings"]}
    assert found == {(_TAG_WITHOUT_DIGEST, "medium"), (_PORT_FOR_ALL, "medium")}


def test_the_linter_of_dockerfiles_finds_nothing() -> None:
    finished = run_tool("hadolint", PROJECT / "Dockerfile")
    assert (finished.returncode, finished.stdout) == (0, "")


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_that_is_missing_is_named(secret: str) -> None:
    with pytest.raises(AssertionError, match=f"required variable {secret} is missing"):
        read_compose(**{secret: ""})


def test_images_are_pinned_to_exact_versions(services: dict[str, Any]) -> None:
    images = [service["image"] for service in services.values()]
    images += re.findall(r"^FROM (\S+)", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    assert not [image for image in images if not re.search(r":v?\d+\.\d+(\.\d+)?(-|$)", image)]


def test_only_nginx_is_reached_from_outside(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if service.get("ports")] == ["nginx"]
    assert list(services["nginx"]["networks"]) == ["edge"]
    inside = read_compose()["networks"]["stores"]
    assert inside["internal"] is True
    for store in ("postgres", "redis", "s3"):
        assert list(services[store]["networks"]) == ["stores"]


def test_no_service_has_rights_that_it_does_not_need(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        limits = service["deploy"]["resources"]["limits"]
        assert {"cpus", "memory", "pids"} <= limits.keys(), name
        if name != _STARTS_AS_ROOT:
            assert int(service["user"].partition(":")[0]) > 0, name


def test_no_service_starts_before_what_it_needs_is_well(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"], name
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] == "service_healthy", f"{name} needs {needed}"


def test_a_process_has_time_to_stop_in_order(services: dict[str, Any]) -> None:
    for name in APIS:
        config = config_from_environment(services[name]["environment"])
        needs = config.drain_delay + config.shutdown_timeout
        assert _seconds(services[name]["stop_grace_period"]) >= needs + 5
    timeout = re.search(r"worker_shutdown_timeout (\d+)s;", (DEPLOY / "nginx.conf").read_text())
    assert timeout is not None
    assert _seconds(services["nginx"]["stop_grace_period"]) >= int(timeout[1]) + 5


def test_the_settings_of_the_processes_are_good(services: dict[str, Any]) -> None:
    environments = [services[name]["environment"] for name in APIS]
    assert environments[0] == environments[1] == environments[2]
    assert unknown_variables(environments[0]) == []
    config = config_from_environment(environments[0])
    assert config.trust_forwarded  # else all clients would share one limit
    assert config.archive_url


def test_nginx_knows_the_addresses_of_all_processes(services: dict[str, Any]) -> None:
    for name in ("servers.conf", "sockets.conf"):
        text = (DEPLOY / "nginx" / name).read_text()
        assert tuple(re.findall(r"^server (\w+):3001 ", text, re.MULTILINE)) == APIS
    addresses = {name: services[name]["networks"]["edge"]["ipv4_address"] for name in APIS}
    assert sorted(services["nginx"]["extra_hosts"]) == sorted(
        f"{name}={address}" for name, address in addresses.items()
    )


def test_the_whole_body_that_the_contract_allows_passes_nginx() -> None:
    text = (DEPLOY / "nginx.conf").read_text()
    assert f"client_max_body_size {config_from_environment({}).max_body};" in text


def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    nginx = Nginx(tmp_path, (1, 2, 3))
    assert "test is successful" in nginx.check()


def test_the_analyzer_of_nginx_configurations_finds_nothing(tmp_path: Path) -> None:
    Nginx(tmp_path, (1, 2, 3))
    # Unbuffered are the streams alone: SpectraView bounds what a slow client holds.
    arguments = ("--skips", "proxy_buffering_off", tmp_path / "nginx.conf")
    finished = run_tool("gixy", *arguments)
    assert "No issues found." in finished.stdout, finished.stdout + finished.stderr
    assert finished.returncode == 0


def _seconds(text: str) -> float:
    parts = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", text)
    assert parts is not None, text
    return 60 * int(parts[1] or 0) + int(parts[2] or 0)
