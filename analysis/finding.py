"""The finding in words, computed: who is faster than whom, by how much, where."""
import math
from dataclasses import dataclass

from analysis import what_if
from analysis.manifest import value_at
from analysis.plan import label_of, value_label
from analysis.sample import sample_sentence
from analysis.units import duration, ratio, with_prefix
from analysis.waits import explanation
from analysis.wording import at_x

NO_DIFFERENCE = 1.05  # below this ratio two policies are called equal: p50 comes from histogram buckets


@dataclass(frozen=True)
class Finding:
    text: str
    size: float  # the ratio that it tells of, 1 or more; of a sampled sweep 2 if an axis stands out


def facet_finding(result, plan, facet, operation):
    """What one set of figures shows of an operation."""
    rows = result.latency[result.latency["operation"] == operation]
    cells = {series: _by_x(plan, series.rows(rows)) for series in facet.series}
    cells = {series: by_x for series, by_x in cells.items() if by_x}
    suffix = f" ({facet.label})" if facet.label else ""
    if not cells:
        return Finding(f"{operation}: no operation completed in the measured window{suffix}", 1.0)
    if len(cells) > 1:
        return _between_policies(result, plan, operation, cells, suffix)
    (by_x,) = cells.values()
    if plan.x and len(by_x) > 1:
        return _along_x(result, plan, operation, by_x, suffix)
    return _single(result, operation, by_x, suffix)


def operation_finding(result, plan, operation):
    if plan.sample:
        text, stands_out = sample_sentence(result, operation)
        return Finding(text, 2.0 if stands_out else 1.0)  # how far means lie apart is up to the ranges of the axes
    return max((facet_finding(result, plan, facet, operation) for facet in plan.facets), key=lambda found: found.size)


def headline(result, plan):
    """The finding of the operation in which most happens; where nothing differs, of the one that the scenario is
    named after, else of the one that most time goes to. Ends with the what-if policies that hold for all points."""
    names = {str(value_at(part.manifest, "scenario.name")).replace("-", "_")
             for part in (result.parts or {"": result}).values()}
    time = (result.latency["mean_ns"] * result.latency["count"]).groupby(result.latency["operation"]).sum()
    found = {operation: operation_finding(result, plan, operation) for operation in result.operations}

    def importance(operation):
        size = found[operation].size
        return size if size >= NO_DIFFERENCE else 1.0, operation in names, time[operation]
    best = found[max(found, key=importance)]
    fixed = what_if.fixed_and_marked(result)
    return Finding(f"{best.text}; with {', '.join(fixed)}", best.size) if fixed else best


def _by_x(plan, rows):
    """{x value: row}, of the points where something was measured."""
    rows = rows[(rows["count"] > 0) & (rows["p50_ns"] > 0)]
    return {row[plan.x.path] if plan.x else None: row for row in rows.to_dict("records")}


def _between_policies(result, plan, operation, cells, suffix):
    x = _largest_shared_x(plan, cells)
    here = {series: by_x[x] for series, by_x in cells.items() if x in by_x}
    where = f" {at_x(plan.x.path, x)}" if plan.x else ""
    best = None
    for fast, fast_row in here.items():
        for slow, slow_row in here.items():
            # Only one thing may differ, else nobody could say what made the difference.
            differing = [pair for pair in zip(fast.coordinates, slow.coordinates) if pair[0] != pair[1]]
            if len(differing) == 1 and slow_row["p50_ns"] >= fast_row["p50_ns"]:
                size = slow_row["p50_ns"] / fast_row["p50_ns"]
                if best is None or size > best[0]:
                    best = size, fast, slow, differing[0]
    if best is None:
        return Finding(f"{operation}{where}: too few points for a comparison{suffix}", 1.0)
    size, fast, slow, ((path, fast_value), (_, slow_value)) = best
    if size < NO_DIFFERENCE:
        percent = math.ceil((size - 1) * 100)
        alike = f"are within {percent}% of each other's p50" if percent else "have the same p50"
        return Finding(f"{operation}{where}: all {len(here)} policies {alike}{suffix}", size)
    fast_row, slow_row = here[fast], here[slow]
    same = [pair for pair in fast.coordinates if pair[0] != path and pair not in _facet_coordinates(plan, fast)]
    with_same = f", with {label_of(result, same, fast.coordinates)}" if same else ""
    overlap = ""
    if fast_row["mean_ns"] + fast_row["ci95_ns"] >= slow_row["mean_ns"] - slow_row["ci95_ns"]:
        overlap = "; the confidence intervals of their means overlap"
    return Finding(
        f"{operation}{where}: {value_label(result, path, fast_value, fast.coordinates)} takes {ratio(1 / size)} of the "
        f"p50 of {value_label(result, path, slow_value, slow.coordinates)} ({duration(fast_row['p50_ns'])} against "
        f"{duration(slow_row['p50_ns'])}{with_same}{overlap}){suffix}"
        f"{_why(result, operation, slow_row['point'], fast_row['point'])}", size)


def _facet_coordinates(plan, series):
    return next(facet.coordinates for facet in plan.facets if series in facet.series)


def _largest_shared_x(plan, cells):
    """The largest x at which two series can be compared, else the largest of all."""
    if not plan.x:
        return None
    having = {value: sum(value in by_x for by_x in cells.values()) for value in plan.x.values}
    shared = [value for value, count in having.items() if count > 1]
    return (shared or [value for value, count in having.items() if count])[-1]


def _why(result, operation, slow, fast=None):
    """What the waiting is for, where wait.csv tells: a clause that ends the sentence, or nothing."""
    clause = explanation(result, operation, slow, fast)
    return f"; {clause}" if clause else ""


def _along_x(result, plan, operation, by_x, suffix):
    first, last = [value for value in plan.x.values if value in by_x][:: len(by_x) - 1][:2]
    before, after = by_x[first]["p50_ns"], by_x[last]["p50_ns"]
    size = max(before, after) / min(before, after)
    span = f"from {duration(before)} {at_x(plan.x.path, first)} to {duration(after)} {at_x(plan.x.path, last)}"
    if size < NO_DIFFERENCE:
        return Finding(f"{operation}: p50 stays within 5%, {span}{suffix}", size)
    verb = "grows" if after > before else "falls"
    fast, slow = (first, last) if after > before else (last, first)
    why = _why(result, operation, by_x[slow]["point"], by_x[fast]["point"])
    return Finding(f"{operation}: p50 {verb} {ratio(size)}, {span}{suffix}{why}", size)


def _single(result, operation, by_x, suffix):
    (row,) = by_x.values()
    return Finding(f"{operation}: p50 {duration(row['p50_ns'])}, p99 {duration(row['p99_ns'])}, "
                   f"{with_prefix(row['per_second'])} per second{suffix}"
                   f"{_why(result, operation, row['point'])}", 1.0)
