"""What is drawn, free of any drawing library: figures.py draws it on paper, plotly_charts.py on the page."""
import math
from dataclasses import dataclass, replace

from analysis import finding, flame_graph, overlay, palette, wording
from analysis.axes import Axis
from analysis.distribution import Distribution, distribution
from analysis.plan import ONLY, Facet, Series
from analysis.shown_points import ShownPoint, few, shown_points
from analysis.units import duration, log_ticks, unit_for, unit_for_log, with_prefix
from analysis.waits import WaitTable, wait_table

# Panels of one operation's latency: column, title.
LATENCY_PANELS = (("p50_ns", "p50"), ("p99_ns", "p99"), ("mean_ns", "mean, with 95% confidence"))
QUANTILES = (("p50_ns", "p50"), ("p90_ns", "p90"), ("p99_ns", "p99"), ("p999_ns", "p99.9"), ("max_ns", "max"))


@dataclass(frozen=True)
class Line:
    """One series in a panel: a value for each x, NaN where there is none. A bar is a line with one value. A line that
    was measured elsewhere than the panel's others has its own x."""

    series: Series
    y: tuple
    low: tuple = ()  # the band; empty: no band
    high: tuple = ()
    hover: tuple = ()
    x: tuple = ()  # empty: those of the axis


@dataclass(frozen=True)
class Panel:
    title: str
    y_title: str
    lines: tuple
    log: bool
    ticks: tuple  # of a logarithmic axis
    low: float
    high: float
    ideal: tuple = ()  # a reference line, a value for each x


@dataclass(frozen=True)
class Stack:
    """One panel of stacked bars: for each category, the mean time by account."""

    title: str
    categories: tuple
    times: dict  # account -> a value for each category, in the unit of the chart
    horizontal: bool


@dataclass(frozen=True)
class Flame:
    """The flame graph of one shown point."""

    shown: ShownPoint
    tree: flame_graph.Frame
    count: int  # executions

    def title(self, charts):
        """Where the frames are from, in words."""
        conditions = self.shown.label or charts.conditions
        return f"{charts.operation}, {conditions}: where the time goes" if conditions else charts.operation


@dataclass(frozen=True)
class OperationCharts:
    """Everything that is drawn of one operation at one facet."""

    operation: str
    facet: Facet
    x: Axis  # None: bars
    x_is_log: bool
    x_title: str
    finding: str
    conditions: str
    legend: tuple  # the series of the latency panels
    latency: tuple
    latency_caption: tuple  # sentences
    throughput: Panel
    throughput_caption: tuple
    throughput_legend: tuple
    stacks: tuple
    stack_title: str
    stack_unit_title: str  # the same, for narrow panels
    stack_caption: tuple
    stack_columns: int
    accounts: tuple  # from the bottom of the stacks to the top
    distribution: Distribution  # None: no histogram
    waits: WaitTable  # None: nothing says for whom
    flames: tuple
    flame_caption: tuple

    @property
    def name(self):
        """Begins the file names of the figures."""
        return "-".join(part for part in (self.operation, self.facet.slug) if part)


def operation_charts(result, plan, facet, operation):
    rows = result.latency[(result.latency["operation"] == operation) & (result.latency["count"] > 0)]
    what_if = wording.what_if_caption(result, facet)
    coincidence = wording.coincidence_sentence(facet.series) if plan.x else ()
    latency, legend, latency_caption = _latency(result, plan, facet, rows)
    real = overlay.real_lines(result, plan, operation)
    throughput = _throughput(plan, facet, rows, real)
    ideal = (wording.ideal_sentence(plan.x),) if throughput.ideal else ()
    flames, others = _flames(result, plan, facet, operation)
    stacks, stack_unit, accounts = _stacks(result, plan, facet, operation)
    return OperationCharts(
        operation=operation,
        facet=facet,
        x=plan.x,
        x_is_log=bool(plan.x and plan.x_is_log),
        x_title=wording.axis_title(plan.x, plan.x_is_log) if plan.x else "",
        finding=finding.facet_finding(result, plan, facet, operation).text,
        conditions=wording.conditions(result, plan, facet),
        legend=legend,
        latency=latency,
        latency_caption=(latency_caption, *coincidence, *what_if),
        throughput=throughput,
        throughput_caption=(wording.throughput_sentence(), *ideal, *coincidence, *what_if,
                            *overlay.real_sentences(plan, throughput.lines[:len(facet.series)], real)),
        throughput_legend=overlay.legend(facet.series, real),
        stacks=stacks,
        stack_title=f"mean time in one {operation} ({stack_unit})",
        stack_unit_title=f"mean time ({stack_unit})",
        stack_caption=("Accounts add up to the mean latency; simulated time.", *what_if),
        stack_columns=_stack_columns(facet.series),
        accounts=accounts,
        distribution=distribution(result, plan, facet, operation),
        waits=wait_table(result, plan, facet, operation),
        flames=flames,
        flame_caption=(*others, *what_if),
    )


def _flames(result, plan, facet, operation):
    rows = result.latency[result.latency["operation"] == operation]
    counts = dict(zip(rows["point"], rows["count"]))
    shown, others = few(shown_points(result, plan, facet, operation), plan)
    trees = [(each, flame_graph.tree(result, each.point, operation)) for each in shown]
    return tuple(Flame(each, tree, int(counts[each.point])) for each, tree in trees if tree), others


def _latency(result, plan, facet, rows):
    """(panels, legend, caption)"""
    if plan.x is None and len(facet.series) == 1:
        panel, legend = _quantile_panel(facet.series[0], facet.series[0].rows(rows))
        return (panel,), legend, "The thin bar on the mean is its 95% confidence interval."
    columns = [[_line(plan, series, rows, column) for series in facet.series] for column, _ in LATENCY_PANELS]
    values = [value for lines in columns for line in lines for value in line.y if value > 0]
    unit = unit_for_log(values) if plan.x else unit_for(max(values, default=1.0))
    panels = []
    for (_, title), lines in zip(LATENCY_PANELS, columns):
        scaled = tuple(_scaled(line, unit.nanoseconds) for line in lines)
        panels.append(_panel(plan, title, f"latency ({unit.name})", scaled,
                             [value / unit.nanoseconds for value in values]))
    caption = wording.band_sentence(result) if plan.x else \
        "The thin bar on the mean is its 95% confidence interval; p50 and p99 have none."
    return tuple(panels), facet.series, caption


def _quantile_panel(series, rows):
    row = rows.iloc[0] if len(rows) else None
    bars = []
    for index, (column, title) in enumerate((*QUANTILES, ("mean_ns", "mean"))):
        value = row[column] if row is not None else math.nan
        ci = row["ci95_ns"] if row is not None and column == "mean_ns" else math.nan
        colour = "vermillion" if column == "mean_ns" else "blue"
        style = Series((), title, colour, palette.MARKERS[0], 0, series.what_if)
        band = ((value - ci,), (value + ci,)) if ci > 0 else ((), ())
        bars.append(Line(style, (value,), *band, (f"{title}: {duration(value)}",)))
    unit = unit_for(max((bar.y[0] for bar in bars if bar.y[0] > 0), default=1.0))
    bars = tuple(_scaled(bar, unit.nanoseconds) for bar in bars)
    values = [bar.y[0] for bar in bars if bar.y[0] > 0]
    title = "quantiles and mean" + (f", {series.label}" if series.label != ONLY else "")
    return _panel(None, title, f"latency ({unit.name})", bars, values), tuple(bar.series for bar in bars)


def _line(plan, series, rows, column):
    by_x = {row[plan.x.path] if plan.x else None: row for row in series.rows(rows).to_dict("records")}
    at = [by_x.get(value) for value in (plan.x.values if plan.x else (None,))]
    y = tuple(row[column] if row and row[column] > 0 else math.nan for row in at)
    low = high = ()
    if column == "mean_ns" and any(row and row["ci95_ns"] > 0 for row in at):
        ci = [row["ci95_ns"] if row and row["ci95_ns"] > 0 else 0.0 for row in at]
        low = tuple(value - half for value, half in zip(y, ci))
        high = tuple(value + half for value, half in zip(y, ci))
    return Line(series, y, low, high, tuple(_hover(plan, series, row) if row else "" for row in at))


def _hover(plan, series, row):
    where = f" {wording.at_x(plan.x.path, row[plan.x.path])}" if plan.x else ""
    ci = f" +- {duration(row['ci95_ns'])}" if row["ci95_ns"] > 0 else ""
    return "\n".join((
        f"{series.label}{where}",
        f"p50 {duration(row['p50_ns'])}, p99 {duration(row['p99_ns'])}",
        f"mean {duration(row['mean_ns'])}{ci}",
        f"{with_prefix(row['per_second'])} per second, {row['count']} measured",
    ))


def _scaled(line, size):
    return Line(line.series, *(tuple(value / size for value in values) for values in (line.y, line.low, line.high)),
                line.hover)


def _panel(plan, title, y_title, lines, values, ideal=()):
    """`values` set the range: those of all panels that share it."""
    values = [value for value in (*values, *ideal) if value > 0] or [1.0]
    if plan is not None and plan.x:
        ticks, low, high = log_ticks(min(values), max(values))
        lines = tuple(replace(line, low=tuple(max(value, low) for value in line.low)) for line in lines)
        return Panel(title, f"{y_title}, log scale", lines, True, tuple(ticks), low, high, tuple(ideal))
    ends = [value for line in lines for value in line.high if value > 0]
    return Panel(title, y_title, lines, False, (), 0.0, max(values + ends) * 1.18)


def _throughput(plan, facet, rows, real):
    lines = tuple(_line(plan, series, rows, "per_second") for series in facet.series)
    values = [value for line in lines for value in line.y if value > 0]
    ideal = ()
    if plan.x and plan.x.path.endswith(("cpus", "threads", "readers")) and min(plan.x.numbers) > 0:
        first = plan.x.numbers[0]
        best = max((line.y[0] for line in lines if line.y[0] > 0), default=None)  # of simulated lines
        ideal = tuple(best * number / first for number in plan.x.numbers) if best else ()
    lines += tuple(Line(line.series, line.y, x=line.x, hover=line.hover) for line in real)
    values += [value for line in real for value in line.y if value > 0]
    return _panel(plan, "throughput", "operations per second", lines, values, ideal)


def _stack_columns(series):
    """A column for each colour; without dashes, as near to a square as three columns allow."""
    colours = len({each.colour for each in series})
    if any(each.dash for each in series) and colours <= 4 and len(series) % colours == 0:
        return colours
    return 2 if len(series) in (2, 4) else min(3, len(series))


def _stacks(result, plan, facet, operation):
    """(stacks, unit name, accounts)"""
    rows = result.account[result.account["operation"] == operation]
    if plan.x:
        categories, keys = [str(value) for value in plan.x.values], plan.x.values
        cells = [("" if series.label == ONLY else series.label, categories, plan.x.path, keys, series.rows(rows))
                 for series in sorted(facet.series, key=lambda series: series.dash)]  # a row for each dash
    else:
        cells = [("", [series.label for series in facet.series], None, facet.series, rows)]
    stacks, highest, seen = [], 0.0, set()
    for title, categories, path, keys, own in cells:
        times = {}
        for index, key in enumerate(keys):
            here = own[own[path] == key] if path else key.rows(own)
            for account, mean in zip(here["account"], here["mean_ns"]):
                if mean > 0:
                    times.setdefault(account, [0.0] * len(keys))[index] += mean
        seen |= set(times)
        highest = max([highest, *(sum(column) for column in zip(*times.values()))])
        stacks.append((title, categories, times))
    unit = unit_for(highest)
    drawn = tuple(Stack(title, tuple(categories), {account: tuple(unit.of(mean) for mean in means)
                                                   for account, means in times.items()}, plan.x is None)
                  for title, categories, times in stacks)
    return drawn, unit.name, tuple(palette.account_order(seen))
