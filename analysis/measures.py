"""What follows from several tables together: a value a point, drawn against the same axes as the operations."""
import math
from dataclasses import dataclass
from typing import Callable

from analysis import wording
from analysis.axes import Axis
from analysis.charts import Line, Panel
from analysis.finding import NO_DIFFERENCE
from analysis.manifest import value_at
from analysis.plan import Facet, value_label
from analysis.units import duration, log_ticks, ratio, unit_for, unit_for_log, with_prefix

# Of a task's time, what its CPU spends in the kernel: the rest is user code, or somebody else's turn.
SYSTEM_ACCOUNTS = ("entry", "work", "coherence", "lock_spin", "page_zero", "page_copy", "alloc", "tlb_local",
                   "tlb_remote", "interrupt")
# Operations of the scenario reclaim that are not part of each other. Its `reclaim` is a part of faults.
_PRESSED = ("demand_fault", "swap_in", "kswapd")

_RMAP = ("kernel.rmap", "kernel.base")  # what decides which reverse map there is


@dataclass(frozen=True)
class Measure:
    name: str  # begins the file names
    title: str
    value: Callable  # (result) -> {point: value}; a point without one is missing
    is_time: bool  # in ns, else plain numbers of `unit`
    unit: str
    caption: str
    comes_first: bool = False  # on the page: it is what the sweep was made for, before the operations it is made of


@dataclass(frozen=True)
class MeasureCharts:
    """One figure: a measure at one facet. Has what figures.py asks of charts."""

    measure: Measure
    facet: Facet
    x: Axis  # None: bars
    x_is_log: bool
    x_title: str
    finding: str
    conditions: str
    panel: Panel
    caption: tuple
    legend: tuple

    @property
    def name(self):
        return "-".join(part for part in (self.measure.name, self.facet.slug) if part)


def _counters(result, name):
    rows = result.counter[result.counter["counter"] == name]
    return {point: value for point, value in zip(rows["point"], rows["value"]) if value > 0}


def _cpu_per_reclaimed_page(result):
    """Accounts are sums over seeds, counters means of them."""
    reclaimed = _counters(result, "pgsteal")
    if "kswapd" not in result.operations:
        return {}
    done = result.point[result.point["status"] == "done"].groupby("point").size()
    rows = result.account[result.account["operation"].isin(_PRESSED) & result.account["account"].isin(SYSTEM_ACCOUNTS)]
    total = rows.groupby("point")["total_ps"].sum()
    return {point: total[point] / 1000 / done[point] / pages for point, pages in reclaimed.items()
            if point in total.index and point in done.index}


def _rmap_bytes(result):
    """Of results that compare reverse maps: every kernel keeps one, and elsewhere it is nobody's question."""
    compared = any(axis.path in _RMAP and len(axis.values) > 1 for axis in result.axes) or any(
        len({value_at(part.manifest, path) for part in result.parts.values()}) > 1 for path in _RMAP)
    return _counters(result, "rmap_bytes") if compared else {}


MEASURES = (
    Measure("cpu_per_reclaimed_page", "CPU time per reclaimed page", _cpu_per_reclaimed_page, True, "",
            "System time of faults and of kswapd that began and ended in the measured window, all CPUs together, over "
            "the pages that reclaim freed in it; waiting for devices, for sleeping locks and for a CPU is left out.",
            comes_first=True),
    Measure("rmap_bytes", "Memory of the reverse map", _rmap_bytes, False, "bytes",
            "At the end of the measured window, with what the map adds to struct page and vm_area_struct."),
)


def measure_charts(result, plan):
    """The figures of all measures that the result has values of, in order."""
    return [charts for measure in MEASURES for charts in _charts(result, plan, measure, measure.value(result))]


def _charts(result, plan, measure, values):
    if not values:
        return
    for facet in plan.facets:
        lines = [_line(result, plan, series, measure, values) for series in facet.series]
        numbers = [y for line in lines for y in line.y if y > 0]
        if not numbers:
            continue
        panel = _panel(plan, measure, lines, numbers)
        yield MeasureCharts(
            measure=measure, facet=facet, x=plan.x, x_is_log=bool(plan.x and plan.x_is_log),
            x_title=wording.axis_title(plan.x, plan.x_is_log) if plan.x else "",
            finding=_finding(result, plan, facet, measure, lines), conditions=wording.conditions(result, plan, facet),
            panel=panel, caption=(measure.caption, *wording.what_if_caption(result, facet)), legend=facet.series)


def _line(result, plan, series, measure, values):
    rows = series.rows(result.counter).drop_duplicates("point")
    by_x = {row[plan.x.path] if plan.x else None: values.get(row["point"]) for row in rows.to_dict("records")}
    y = tuple(by_x.get(x) or math.nan for x in (plan.x.values if plan.x else (None,)))
    where = [f" {wording.at_x(plan.x.path, x)}" for x in plan.x.values] if plan.x else [""]
    return Line(series, y, hover=tuple(f"{series.label}{at}\n{_text(measure, value)}" for at, value in zip(where, y)))


def _panel(plan, measure, lines, numbers):
    size, unit = 1.0, measure.unit
    if measure.is_time:
        chosen = unit_for_log(numbers) if plan.x else unit_for(max(numbers))
        size, unit = chosen.nanoseconds, chosen.name
    scaled = tuple(Line(line.series, tuple(y / size for y in line.y), hover=line.hover) for line in lines)
    title = f"time ({unit})" if measure.is_time else unit
    low, high = min(numbers) / size, max(numbers) / size
    if plan.x:
        ticks, low, high = log_ticks(low, high)
        return Panel(measure.title, f"{title}, log scale", scaled, True, tuple(ticks), low, high)
    return Panel(measure.title, title, scaled, False, (), 0.0, high * 1.18)


def _text(measure, value):
    if math.isnan(value):
        return "no value"
    return duration(value) if measure.is_time else f"{with_prefix(value)} {measure.unit}"


def _finding(result, plan, facet, measure, lines):
    """Least and most of those that differ in one axis, at the largest x that most have."""
    suffix = f" ({facet.label})" if facet.label else ""
    having = [sum(not math.isnan(line.y[at]) for line in lines) for at in range(len(lines[0].y))]
    at = max(at for at, count in enumerate(having) if count == max(having))
    where = f" {wording.at_x(plan.x.path, plan.x.values[at])}" if plan.x else ""
    best = None
    for less in lines:
        for more in lines:
            differing = [pair for pair in zip(less.series.coordinates, more.series.coordinates) if pair[0] != pair[1]]
            if len(differing) == 1 and more.y[at] >= less.y[at] and (best is None or more.y[at] / less.y[at] > best[0]):
                best = more.y[at] / less.y[at], less, more, differing[0]
    if best is None:
        (value,) = [line.y[at] for line in lines if not math.isnan(line.y[at])][:1]
        return f"{measure.title}{where}: {_text(measure, value)}{suffix}"
    size, less, more, ((path, low), (_, high)) = best
    if size < NO_DIFFERENCE:
        return f"{measure.title}{where}: {_text(measure, less.y[at])}, whatever the policy{suffix}"
    return (f"{measure.title}{where}: {value_label(result, path, low, less.series.coordinates)} takes "
            f"{ratio(1 / size)} of {value_label(result, path, high, more.series.coordinates)} "
            f"({_text(measure, less.y[at])} against {_text(measure, more.y[at])}){suffix}")
