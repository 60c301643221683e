"""docker-compose.yml as Docker Compose itself understands it; that needs no Docker engine."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import ujson

PROJECT = Path(__file__).parents[2]
COMPOSE_FILE = PROJECT / "docker-compose.yml"
SECRETS = {
    "POSTGRES_PASSWORD": "for-the-tests",
    "REDIS_PASSWORD": "for-the-tests",
    "S3_ACCESS_KEY": "for-the-tests",
    "S3_SECRET_KEY": "for-the-tests",
}
APIS = ("api1", "api2", "api3")


def run_tool(
    name: str, *arguments: str | Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a program of the test packages."""
    environment = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    program = Path(sys.executable).with_name(name)
    return subprocess.run(
        [program, *arguments], env=environment | variables, capture_output=True, text=True
    )


def read_compose(**variables: str) -> dict[str, Any]:
    """Return the whole model, with all that is merged and taken from the environment."""
    arguments = ("--project-directory", PROJECT, "--file", COMPOSE_FILE, "--env-file", os.devnull)
    finished = run_tool(
        "docker-compose", *arguments, "config", "--format", "json", **(SECRETS | variables)
    )
    assert finished.returncode == 0, finished.stderr
    model: dict[str, Any] = ujson.loads(finished.stdout)
    return model
