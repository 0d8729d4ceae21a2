"""Several result directories beside the first, point by point: what differs, and whether it is more than chance.

    from analysis import load
    from analysis.comparison import differences
    differences(load("results/before"), load("results/after"))
"""
import math

import pandas

from analysis.axes import RESULT_AXIS
from analysis.combine import NOT_RECORDED, combine
from analysis.manifest import value_at
from analysis.what_if import mark

SHOWN = ("mean_ns", "p99_ns", "per_second")
BASES = ("scenario.name", "machine.base", "kernel.base")
TOLD = 4  # paths in the note; the page lists all


def differences(*results):
    """A row for each operation at each point that a directory has in common with the first: mean_ns, p99_ns and
    per_second of both, their ratios (to the first), and ratio_low to ratio_high, the 95 % confidence interval of the
    ratio of the means. `differs`: that interval does not hold 1."""
    return differences_in(combine(list(results)))


def differences_in(combined):
    """The same of what combine() returned; an empty frame if that is one directory."""
    names = list(combined.parts)
    paths = [axis.path for axis in combined.axes if axis.path != RESULT_AXIS]
    columns = [*paths, "operation", RESULT_AXIS, *(column for name in SHOWN for column in
               (f"{name}_first", name, f"{name}_ratio")), "ratio_low", "ratio_high", "differs"]
    if len(names) < 2:
        return pandas.DataFrame(columns=columns)
    rows = combined.latency[combined.latency["count"] > 0]
    key = [*paths, "operation"]
    first = {_place(row, key): row for row in rows[rows[RESULT_AXIS] == names[0]].to_dict("records")}
    found = []
    for row in rows[rows[RESULT_AXIS] != names[0]].to_dict("records"):
        base = first.get(_place(row, key))
        if base:
            found.append({**{name: row[name] for name in (*key, RESULT_AXIS)}, **_difference(base, row)})
    frame = pandas.DataFrame(found, columns=columns)
    frame.attrs["first"] = names[0]
    return frame


def comparison_notes(combined):
    """What of the directories cannot be laid over each other."""
    names = list(combined.parts)
    if len(names) < 2:
        return []
    notes = _base_notes(combined) + _configuration_notes(combined)
    frame = differences_in(combined)
    paths = [axis.path for axis in combined.axes if axis.path != RESULT_AXIS]
    measured = combined.latency[combined.latency["count"] > 0]
    own = {name: {_place(row, [*paths, "operation"]) for row in rows.to_dict("records")}
           for name, rows in measured.groupby(RESULT_AXIS, sort=False)}
    for name in names[1:]:
        common = int((frame[RESULT_AXIS] == name).sum())
        if not common:
            notes.append(f"{name} has no point in common with {names[0]}: {_why(combined, names[0], name, paths)}.")
            continue
        alone = [(who, len(own.get(who, set()) - own.get(other, set()))) for who, other in
                 ((names[0], name), (name, names[0]))]
        if any(count for _, count in alone):
            notes.append(f"{name} and {names[0]} have {common} operations at common points; without a counterpart are "
                         + " and ".join(f"{count} of {who}" for who, count in alone if count) + ".")
    for path in paths:
        lacking = [name for name, part in combined.parts.items()
                   if all(axis.path != path for axis in part.axes) and value_at(part.manifest, path) is None]
        if lacking:
            notes.append(f"{path} is an axis, but the manifest of {', '.join(lacking)} does not say its value there: "
                         f"shown as '{NOT_RECORDED}'.")
    return notes


def _base_notes(combined):
    """Scenario, machine and kernel, where they are not the same."""
    notes = []
    for path in BASES:
        values = {value_at(part.manifest, path) for part in combined.parts.values()}
        if len(values) > 1 and all(axis.path != path for axis in combined.axes):
            notes.append(f"{path} is not the same: {_values_in_words(combined, path)}.")
    return notes


def _configuration_notes(combined):
    """One note: the first paths that are configured differently, beside those bases."""
    paths = [path for path, *_ in configuration_differences(combined) if path not in BASES]
    if not paths:
        return []
    told = "; ".join(f"{path} is {_values_in_words(combined, path)}" for path in paths[:TOLD])
    more = f"; and {len(paths) - TOLD} more, listed under Comparison" if len(paths) > TOLD else ""
    return [f"Configured differently: {told}{more}."]


def _values_in_words(combined, path):
    """'16 in first, 32 in second and third'"""
    holders = {}
    for name, part in combined.parts.items():
        value = value_at(part.manifest, path)
        shown = NOT_RECORDED if value is None else f"{value}{mark(part.manifest, path, value)}"
        holders.setdefault(shown, []).append(name)
    return ", ".join(f"{shown} in {' and '.join(names)}" for shown, names in holders.items())


def configuration_differences(combined):
    """(path, value in each directory...) of every configured path, no axis, that differs. A path that a directory does
    not know is "" there."""
    swept = {axis.path for axis in combined.axes}
    paths = sorted({path for part in combined.parts.values() for path in part.manifest["configuration"]} - swept)
    rows = []
    for path in paths:
        values = [value_at(part.manifest, path) for part in combined.parts.values()]
        if any(value != values[0] for value in values):
            rows.append((path, *("" if value is None else value for value in values)))
    return rows


def _place(row, key):
    return tuple(row[name] for name in key)


def _difference(base, row):
    found = {}
    for name in SHOWN:
        found[f"{name}_first"], found[name] = base[name], row[name]
        found[f"{name}_ratio"] = row[name] / base[name] if base[name] > 0 else math.nan
    ratio = found["mean_ns_ratio"]
    low, high = ratio_interval(base["mean_ns"], base["ci95_ns"], row["mean_ns"], row["ci95_ns"])
    return {**found, "ratio_low": low, "ratio_high": high, "differs": bool(ratio > 0 and (low > 1 or high < 1))}


def ratio_interval(first, first_half, second, second_half):
    """Fieller's interval of second/first from the half widths of two independent intervals of the same confidence:
    exact for normal means, and unbounded (0, inf) where the first mean may be zero. NaN without a confidence."""
    if not (first > 0 and first_half >= 0 and second_half >= 0):
        return math.nan, math.nan
    spread = 1 - (first_half / first) ** 2
    if spread <= 0:
        return 0.0, math.inf
    ratio = second / first
    root = math.hypot(second_half / first * math.sqrt(spread), ratio * first_half / first)
    return max(0.0, (ratio - root) / spread), (ratio + root) / spread


def _why(combined, first, other, paths):
    for path in paths:
        ours, theirs = (list(dict.fromkeys(combined.latency.loc[combined.latency[RESULT_AXIS] == name, path]))
                        for name in (first, other))
        if not set(ours) & set(theirs):
            return f"{path} is {_few(theirs)} there and {_few(ours)} here"
    return "other operations, or other combinations of the axes' values"


def _few(values):
    return ", ".join(map(str, values[:4])) + (", ..." if len(values) > 4 else "")
