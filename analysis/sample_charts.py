"""What is drawn of a sampled sweep: each numeric axis against the mean and the throughput, a mark for each point."""
import re
from dataclasses import dataclass

from analysis import wording
from analysis.axes import number
from analysis.plan import Facet
from analysis.sample import influences, measured, sample_sentence
from analysis.units import duration, log_ticks, unit_for_log, with_prefix


@dataclass(frozen=True)
class Cloud:
    """The points of one series in one panel."""

    series: object
    x: tuple
    y: tuple
    half: tuple  # of the confidence interval of y; empty: none
    hover: tuple


@dataclass(frozen=True)
class Scatter:
    """One panel."""

    x_title: str
    x_log: bool
    x_ticks: tuple  # of a logarithmic axis
    y_title: str
    y_ticks: tuple
    low: float
    high: float
    clouds: tuple


@dataclass(frozen=True)
class SampleCharts:
    """Everything that is drawn of one operation."""

    operation: str
    finding: str
    conditions: str
    influences: tuple
    facet: Facet
    mean: tuple  # a Scatter for each numeric axis, the one that matters most first
    throughput: tuple
    mean_caption: tuple  # sentences
    throughput_caption: tuple


def sample_charts(result, plan):
    """Of every operation with measurements, in order; nothing if the points are a product of axes."""
    return [_charts(result, plan, operation) for operation in (result.operations if plan.sample else ())
            if len(measured(result, operation))]


def _charts(result, plan, operation):
    rows = measured(result, operation)
    found = influences(result, rows)
    order = [each.path for each in found]
    axes = sorted((axis for axis in result.axes if axis.path in order and axis.numbers),
                  key=lambda axis: order.index(axis.path))
    unit = unit_for_log(rows["mean_ns"])
    mean = [_scatter(result, plan, rows, axis, "mean_ns", unit.nanoseconds, f"mean ({unit.name}), log scale")
            for axis in axes]
    throughput = [_scatter(result, plan, rows, axis, "per_second", 1.0, "per second, log scale") for axis in axes]
    unseen = [axis.path for axis in result.axes
              if not axis.numbers and axis.path in order and axis.path not in plan.sample_marks]
    told = ("A mark is a point of the sample; all other axes vary as well.",
            *([f"Not told apart by marks: {', '.join(unseen)}."] if unseen else []),
            *wording.what_if_caption(result, plan.sample))
    return SampleCharts(
        operation, sample_sentence(result, operation)[0], wording.conditions(result, plan), tuple(found), plan.sample,
        tuple(mean), tuple(throughput), ("The bar on the mean is its 95% confidence interval.", *told),
        (wording.throughput_sentence(), *told))


def _scatter(result, plan, rows, axis, column, size, y_title):
    to_number, unit = _scale(axis)
    numbers = [to_number[value] for value in axis.values]
    log = min(numbers) > 0 and max(numbers) >= 8 * min(numbers)
    clouds = []
    for series in plan.sample.series:
        own = series.rows(rows)
        own = own[own[column] > 0].to_dict("records")
        clouds.append(Cloud(
            series, tuple(to_number[row[axis.path]] for row in own), tuple(row[column] / size for row in own),
            tuple(max(0.0, row["ci95_ns"]) / size for row in own) if column == "mean_ns" else (),
            tuple(_hover(result, row) for row in own)))
    values = [y for cloud in clouds for y in cloud.y] or [1.0]
    ticks, low, high = log_ticks(min(values), max(values))
    title = wording.axis_title(axis, log)
    return Scatter(f"{axis.path} ({unit})" + (", log scale" if log else "") if unit else title, log,
                   tuple(log_ticks(min(numbers), max(numbers))[0]) if log else (), y_title, tuple(ticks), low, high,
                   tuple(clouds))


def _scale(axis):
    """({value: number}, unit): quantities in the unit of the middle one."""
    middle = axis.values[len(axis.values) // 2]
    unit = re.search(r"[A-Za-z]+(/s)?$", middle)[0] if isinstance(middle, str) else ""
    size = number(f"1 {unit}") if unit else 1.0
    return {value: float(f"{number(value) / size:.12g}") for value in axis.values}, unit


def _hover(result, row):
    places = "\n".join(f"{axis.path}={row[axis.path]}" for axis in result.axes)
    ci = f" +- {duration(row['ci95_ns'])}" if row["ci95_ns"] > 0 else ""
    return (f"point {row['point']}\n{places}\nmean {duration(row['mean_ns'])}{ci}\n"
            f"{with_prefix(row['per_second'])} per second, {row['count']} measured")
