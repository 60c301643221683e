"""What `spectraview serve` looks at before it serves: an operator's mistakes are told in a
sentence.
"""

import logging
import os
from pathlib import Path

import click

from spectraview.config import Config, unknown_variables
from spectraview.config_checks import config_warnings
from spectraview.diagnosis.examination import (
    LOOKED_AT_AT_START,
    NEEDED_AT_START,
    OLD_REDIS,
    opened,
    possible,
    run,
)
from spectraview.diagnosis.findings import Finding, Level

logger = logging.getLogger(__name__)


def warn_of_settings(config: Config) -> None:
    """Warn of what is no setting, and of settings that do not fit together."""
    for name in unknown_variables(os.environ):
        logger.warning("%s is no setting and changes nothing", name)
    for text in config_warnings(config):
        logger.warning("%s", text)


def check_servers(config: Config, folder: Path) -> None:
    """Refuse servers that are too old, and warn of what is wrong with them; one that does not
    answer is told by who needs it.
    """
    with opened(config, folder, os.environ, None) as (place, found):
        for name, finding in found:
            if name == OLD_REDIS:
                raise click.ClickException(f"{finding.message}. {finding.advice}")
            if name == "redis":
                _warn(finding)
        for check in possible(NEEDED_AT_START, place):
            finding = run(check, place)
            if finding.level is Level.PROBLEM:
                raise click.ClickException(f"{finding.message}. {finding.advice}")
        for check in possible(LOOKED_AT_AT_START, place):
            finding = run(check, place)
            if finding.level is not Level.OK:
                _warn(finding)


def _warn(finding: Finding) -> None:
    logger.warning("%s. %s", finding.message, finding.advice)
