"""The distribution of one operation's latencies: which share of them took less, and which took longer."""
from dataclasses import dataclass

from analysis import wording
from analysis.plan import Series
from analysis.units import log_ticks, unit_for_log

MOST_CHOICES = 6  # of values of x, all facets together but two in each: the page holds the data of these alone


@dataclass(frozen=True)
class DistributionLine:
    series: Series
    choice: int  # index into Distribution.choices
    latency: tuple  # in the unit of the chart, ascending: the ends of the buckets
    below: tuple  # for each, the share of the operations that took less: exact, as it is an end of a bucket
    count: int


@dataclass(frozen=True)
class Distribution:
    choices: tuple  # where, e.g. "at 128 CPUs"; the last is shown first. ("",) without an axis along x
    lines: tuple
    unit: str
    ticks: tuple
    low: float
    high: float
    rarest: float  # the smallest share above 0 that any line tells of
    caption: tuple

    def at(self, choice):
        return tuple(line for line in self.lines if line.choice == choice)

    @property
    def x_title(self):
        return f"latency ({self.unit}), log scale"


def cumulative(buckets):
    """[(latency_ns, share of the operations that took less)] at every end of a bucket, from (low_ns, high_ns, count).
    Shares between two ends are not known; a gap between buckets is level, since nothing lies in it."""
    total = sum(count for _, _, count in buckets)
    ends, before = [], 0
    for low, high, count in sorted(buckets):
        if not ends or ends[-1][0] < low:
            ends.append((low, before / total))
        before += count
        ends.append((high, before / total))
    return ends


def distribution(result, plan, facet, operation):
    """None if the tables hold no histogram of the operation."""
    if getattr(result, "histogram", None) is None:
        return None
    rows = result.histogram[result.histogram["operation"] == operation]
    found = []  # (x, series, ends, count)
    for series in facet.series:
        own = series.rows(rows)
        for x in plan.x.values if plan.x else (None,):
            here = own[own[plan.x.path] == x] if plan.x else own
            if len(here):
                buckets = list(zip(here["low_ns"], here["high_ns"], here["count"]))
                found.append((x, series, cumulative(buckets), int(here["count"].sum())))
    if not found:
        return None
    having = [x for x in (plan.x.values if plan.x else (None,)) if any(each[0] == x for each in found)]
    choices = _spread(having, max(2, MOST_CHOICES // len(plan.facets)))
    ends = [latency for x, _, ends, _ in found if x in choices for latency, _ in ends if latency > 0]
    unit = unit_for_log(ends)
    ticks, low, high = log_ticks(min(ends) / unit.nanoseconds, max(ends) / unit.nanoseconds)
    lines = tuple(
        DistributionLine(series, choices.index(x),
                         tuple(latency / unit.nanoseconds for latency, _ in ends if latency > 0),  # 0 has no logarithm
                         tuple(below for latency, below in ends if latency > 0), count)
        for x, series, ends, count in found if x in choices)
    return Distribution(
        choices=tuple(wording.at_x(plan.x.path, x) if plan.x else "" for x in choices), lines=lines, unit=unit.name,
        ticks=tuple(ticks), low=low, high=high, rarest=min(1 / line.count for line in lines),
        caption=("Each line bends only at the ends of the histogram's buckets, 16 for each doubling of the latency; "
                 "all seeds together.", *wording.what_if_caption(result, facet)))


def _spread(values, most):
    """The first, the last and some between them."""
    if len(values) <= most:
        return values
    steps = [round(index * (len(values) - 1) / (most - 1)) for index in range(most)]
    return [values[step] for step in steps]
