"""Axes of a sweep and their values: numbers, numbers with a unit, names."""
import math
import re
from dataclasses import dataclass

RESULT_AXIS = "result"  # the axis that several directories form (combine.py)

# To SI units; only the ratio between two values of one axis matters here.
_UNITS = {
    "ps": 1e-12, "ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "cycles": 1.0,
    "B": 1.0, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40,
    "Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9,
}
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?)\s*([A-Za-z]+)(/s)?")


def canonical(value):
    """One Python value for one value of the manifest: 16.0 and '16' are 16, True is 'true', '5.10' stays a name."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return int(value) if abs(value) < 2**53 and value == int(value) else value
    text = str(value)
    return int(text) if re.fullmatch("-?(0|[1-9][0-9]{0,15})", text) else text


def from_text(text, values=None):
    """The value that a table's cell or a label stands for: one of `values` if it fits one, else a number if the text
    is how that number is written, else the text."""
    for value in values or ():
        if str(value) == text or isinstance(value, float) and _as_float(text) == value:
            return value
    value = _as_float(text)
    return value if value is not None and repr(value) == text else canonical(text)


def _as_float(text):
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def number(value):
    """The value as a number ("80 ns" included, in SI units), or None for a name."""
    if isinstance(value, (int, float)):
        return float(value)
    match = _QUANTITY.fullmatch(value)
    if match and match[2] in _UNITS:
        return float(match[1]) * _UNITS[match[2]]
    return None


@dataclass(frozen=True)
class Axis:
    """A path and the values it takes, ascending if they are numbers, else in the order of the sweep file."""

    path: str
    values: tuple

    @property
    def numbers(self):
        """Every value as a number, or None if one is a name."""
        converted = tuple(number(value) for value in self.values)
        return None if None in converted else converted

    @staticmethod
    def of(path, values):
        distinct = tuple(dict.fromkeys(canonical(value) for value in values))
        if all(number(value) is not None for value in distinct):
            distinct = tuple(sorted(distinct, key=number))
        return Axis(path, distinct)
