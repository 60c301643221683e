"""Progress bars, on terminals only."""

from typing import NoReturn, TypeAlias

from tqdm import tqdm

Bar: TypeAlias = "tqdm[NoReturn]"
_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} {unit}{postfix}"


def progress(name: str, total: float, unit: str) -> Bar:
    """Return a bar that goes away when it is closed; use as a context manager."""
    return tqdm(desc=name, total=total, unit=unit, bar_format=_FORMAT, leave=False, disable=None)
