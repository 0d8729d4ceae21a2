"""A real run beside the simulated one: what is drawn, and how far they are from each other, in words."""
import statistics
from dataclasses import dataclass, replace

from analysis.plan import ONLY, X_FIRST, Series
from analysis.units import three_digits, with_prefix
from analysis.wording import at_x

# Greys, with marks of their own and the widest dashes: measured, not simulated.
_STYLES = (("faint", "cross"), ("ink", "x"), ("faint", "star"), ("ink", "triangle-down"))
_DASH = 3


@dataclass(frozen=True)
class RealLine:
    """A dashed line whose x are its own, not those of the simulated points."""

    series: Series
    x: tuple
    y: tuple  # per second
    hover: tuple


def real_lines(result, plan, operation):
    """The lines of the real runs that lie over the throughput of an operation."""
    if not result.real or not plan.x or plan.x.path != X_FIRST:
        return ()
    own = [line for real in result.real if real.operation == operation for line in real.lines()]
    lines = []
    for index, (label, by_x) in enumerate(own):
        colour, marker = _STYLES[index % len(_STYLES)]
        hover = tuple(f"{label} {at_x(X_FIRST, x)}\n{with_prefix(y)} per second" for x, y in by_x.items())
        series = Series((), label, colour, marker, _DASH, False)
        lines.append(RealLine(series, tuple(by_x), tuple(by_x.values()), hover))
    return tuple(lines)


def legend(series, lines):
    """The series of the throughput; the simulated one needs a name where a real one stands beside it."""
    named = [replace(each, label="simulated") if lines and each.label == ONLY else each for each in series]
    return (*named, *(line.series for line in lines))


def undrawn_notes(result, plan):
    """Why a real run is not in the figures."""
    if not result.real or plan.x and plan.x.path == X_FIRST:
        return []
    along = f"along {plan.x.path}" if plan.x else "as bars"
    return [f"The real run is not drawn: the figures are drawn {along}, and it has numbers of CPUs; sweep {X_FIRST}."]


def real_sentences(plan, lines, reals):
    """How far each simulated line of the throughput (`lines`) is from each real one, in level and in scaling."""
    return tuple(sentence for real in reals for sentence in _sentences(plan, lines, real))


def _sentences(plan, lines, real):
    """One for all lines that have the same numbers of CPUs in common with the real run."""
    measured = dict(zip(real.x, real.y))
    alike = {}
    for line in lines:
        simulated = {x: y for x, y in zip(plan.x.values, line.y) if y > 0}
        common = tuple(x for x in simulated if x in measured)
        name = "simulated" if line.series.label == ONLY else line.series.label
        alike.setdefault(common, []).append((name, simulated))
    for common, series in alike.items():
        yield _sentence(real.series.label, measured, series, sorted(common))


def _sentence(label, measured, series, common):
    names = ", ".join(name for name, _ in series)
    if not common:
        return f"{label} and {names} have no number of CPUs in common."
    first, last = common[0], common[-1]
    errors = ", ".join(f"{name} {_percent(_error(simulated, measured, common))}" for name, simulated in series)
    if first == last:
        return f"Against {label}, {at_x(X_FIRST, first)}, the one number of CPUs in common, relative error: {errors}."
    relative = {x: measured[x] / measured[first] for x in common}
    scaling = []
    for name, simulated in series:
        own = {x: simulated[x] / simulated[first] for x in common}
        scaling.append(f"{name} {three_digits(own[last])}x ({_percent(_error(own, relative, common[1:]))})")
    return (f"Against {label}, over {len(common)} common numbers of CPUs, median relative error: {errors}. Scaling "
            f"from {first} to {last} CPUs (and its median relative error on the way): real "
            f"{three_digits(relative[last])}x, {', '.join(scaling)}.")


def _error(simulated, measured, common):
    return statistics.median(abs(simulated[x] / measured[x] - 1) for x in common)


def _percent(share):
    return f"{three_digits(100 * share)}%" if share < 0.1 else f"{100 * share:.0f}%"
