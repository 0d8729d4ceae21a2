"""A run on real hardware over the simulated throughput: the same numbers of tasks, another clock."""
from dataclasses import dataclass

from analysis.plan import Series
from analysis.units import with_prefix

# Axes that mean what the first column of a real run means: how many run at once.
_TASKS = ("cpus", "threads", "readers", "tasks", "processes")
_STYLES = (("ink", "x"), ("grey", "star"), ("purple", "cross"), ("orange", "diamond"))


@dataclass(frozen=True)
class RealLine:
    series: Series
    x: tuple
    y: tuple
    hover: tuple


def real_lines(result, plan):
    """A line for each series of `result.real`; none without a real run, or where x is no number of tasks."""
    real = getattr(result, "real", None)
    if real is None or plan.x is None or not plan.x.path.endswith(_TASKS):
        return []
    lines = []
    for index, name in enumerate(dict.fromkeys(real.frame["series"])):
        rows = real.frame[(real.frame["series"] == name) & (real.frame["x"] > 0)].sort_values("x")
        colour, marker = _STYLES[index % len(_STYLES)]
        series = Series((), f"real: {name}", colour, marker, 3, False)
        hover = tuple(f"real: {name}, {real.label}\nx {x:g}: {with_prefix(y)} per second"
                      for x, y in zip(rows["x"], rows["per_second"]))
        lines.append(RealLine(series, tuple(map(float, rows["x"])), tuple(map(float, rows["per_second"])), hover))
    return lines
