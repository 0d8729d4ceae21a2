"""A sampled sweep: points strewn over the axes. Which axis the mean of an operation follows, by rank correlation."""
import math
from dataclasses import dataclass

from analysis.plan import value_label
from analysis.units import duration


@dataclass(frozen=True)
class Influence:
    """How far the ranks of the means follow one axis."""

    path: str
    strength: float  # 0 to 1: |Spearman's rho|; of names, the correlation ratio of the ranks (of two names the same)
    falls: bool  # the mean falls while the axis grows
    by_chance: float  # the strength that an axis without any influence exceeds once in twenty
    named: bool
    effect: str  # in words

    @property
    def text(self):
        return f"{-self.strength if self.falls else self.strength:.2f}"


def measured(result, operation):
    """The rows of the points at which the operation was measured, slowest first."""
    rows = result.latency[(result.latency["operation"] == operation) & (result.latency["mean_ns"] > 0)]
    return rows.sort_values(["mean_ns", "point"], ascending=[False, True])


def influences(result, rows):
    """Of each axis that varies over the rows, strongest first."""
    found = [_influence(result, rows, axis) for axis in result.axes if rows[axis.path].nunique() > 1]
    return sorted(found, key=lambda each: -each.strength)


def sample_sentence(result, operation):
    """(sentence, does an axis stand out?)"""
    rows = measured(result, operation)
    if not len(rows):
        return f"{operation}: no operation completed in the measured window", False
    slowest, fastest = rows["mean_ns"].iloc[0], rows["mean_ns"].iloc[-1]
    span = f"{duration(fastest)} to {duration(slowest)}"
    found = influences(result, rows)
    if slowest == fastest or not found:
        return f"{operation}: mean {span} over {len(rows)} point{'' if len(rows) == 1 else 's'}", False
    first = found[0]
    if first.strength <= first.by_chance:
        return (f"mean {operation}: {span} over {len(rows)} points, and no axis stands out from chance (the strongest "
                f"is {first.path}, rank correlation {first.text})"), False
    verb = "differs most by" if first.named else "follows"
    most = "" if first.named else " most"
    return (f"mean {operation} {verb} {first.path}{most} (rank correlation {first.text} over {len(rows)} points, "
            f"{span})"), True


def _influence(result, rows, axis):
    ranks = rows["mean_ns"].rank()
    numbers = axis.numbers
    if numbers:
        rho = _correlation(rows[axis.path].map(dict(zip(axis.values, numbers))).astype(float).rank(), ranks)
        by_chance = _by_chance(1, len(rows))
        effect = "falls where it grows" if rho < 0 else "grows with it"
        return Influence(axis.path, abs(rho), rho < 0, by_chance, False,
                         effect if abs(rho) > by_chance else "no more than chance")
    groups = ranks.groupby(rows[axis.path], sort=False)
    total = ((ranks - ranks.mean()) ** 2).sum()
    between = sum(len(group) * (group.mean() - ranks.mean()) ** 2 for _, group in groups)
    middles = rows["mean_ns"].groupby(rows[axis.path], sort=False).median()
    effect = ", ".join(f"{value_label(result, axis.path, value).partition('=')[2]} {duration(middles[value])}"
                       for value in axis.values if value in middles.index)
    return Influence(axis.path, math.sqrt(between / total) if total else 0.0, False,
                     _by_chance(groups.ngroups - 1, len(rows)), True, f"medians: {effect}")


def _correlation(one, other):
    """Of ranks, which makes it Spearman's (pandas would want SciPy for it)."""
    one, other = one - one.mean(), other - other.mean()
    size = math.sqrt((one**2).sum() * (other**2).sum())
    return float((one * other).sum() / size) if size else 0.0


def _by_chance(freedom, points):
    """The 95th percentile of chi-squared (E. Wilson, M. Hilferty, 1931) over points - 1, as a correlation."""
    part = 2 / (9 * freedom)
    chi_squared = freedom * (1 - part + 1.645 * math.sqrt(part)) ** 3
    return min(1.0, math.sqrt(chi_squared / max(1, points - 1)))
