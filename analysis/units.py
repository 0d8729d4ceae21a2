"""Units and numbers as people read them."""
import math
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    name: str
    nanoseconds: float

    def of(self, value_ns):
        return value_ns / self.nanoseconds


_UNITS = (Unit("ns", 1.0), Unit("us", 1e3), Unit("ms", 1e6), Unit("s", 1e9))


def unit_for(typical_ns):
    """The largest unit in which the value is at least 1."""
    return next((unit for unit in reversed(_UNITS) if typical_ns >= unit.nanoseconds), _UNITS[0])


def unit_for_log(values_ns):
    """The unit of a logarithmic axis: by the geometric mean, since half of the axis lies below it."""
    logs = [math.log(value) for value in values_ns if value > 0]
    return unit_for(math.exp(sum(logs) / len(logs)) if logs else 1.0)


def duration(value_ns):
    """12345 -> '12.3 us'"""
    if math.isnan(value_ns):
        return "no value"
    unit = unit_for(value_ns)
    return f"{three_digits(unit.of(value_ns))} {unit.name}"


def unbroken(text):
    """The text with its quantities held together where lines break."""
    return re.sub(r"(?<=[0-9]) (?=(?:[num]?s|CPUs?|seeds?)\b|%)", "\u00a0", text)


def three_digits(value):
    """12345 -> '12300', 0.01234 -> '0.0123': three significant digits, never an exponent for usual sizes."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{round(value, 2 - math.floor(math.log10(abs(value)))):.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def with_prefix(value):
    """1234567 -> '1.23M'"""
    for prefix, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size * 0.9995:
            return three_digits(value / size) + prefix
    return three_digits(value)


def ratio(value):
    """0.6 -> '0.6x', 12.34 -> '12x': two digits are what a comparison deserves."""
    digits = 1 - math.floor(math.log10(value)) if value > 0 else 0
    return f"{round(value, digits):.{max(0, digits)}f}x"


def log_ticks(low, high):
    """(ticks, low end, high end) of a logarithmic axis over the values: ends on 1, 2 or 5 times a power of ten."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = [digit * 10.0**power for power in range(first, last + 1) for digit in (1, 2, 5)]
    bottom = max(step for step in steps if step <= low * 1.0001)
    top = min(step for step in [*steps, 10.0 ** (last + 1)] if step >= high * 0.9999 and step > bottom)
    ticks = [step for step in steps if bottom <= step <= top]
    if len(ticks) > 10:
        ticks = [step for step in ticks if f"{step:e}".startswith("1.")]
    return ticks, bottom, top
