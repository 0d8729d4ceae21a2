"""The comparison of directories as a section of the page."""
import math
from html import escape

from analysis import page_tables, what_if
from analysis.axes import RESULT_AXIS
from analysis.comparison import SHOWN, configuration_differences, differences_in
from analysis.units import three_digits

MOST_ROWS = 2000


def comparison_section(result):
    """"" if there is one directory."""
    if len(result.parts) < 2:
        return ""
    frame = differences_in(result)
    first = next(iter(result.parts))
    body = f"<p>No point is common to {escape(first)} and the others.</p>"
    if len(frame):
        differing = int(frame["differs"].sum())
        body = (f"<p class=quiet>Ratios are to {escape(first)}, with the 95% confidence interval of the ratio of the "
                f"means; {differing} of {len(frame)} rows differ by more than that (column 'differs').</p>"
                + page_tables.folded(f"Differences at common points ({len(frame)})",
                                     _differences(result, frame, first)))
    configured = configuration_differences(result)
    if configured:
        rows = [(path, *(f"{value}{what_if.mark(part.manifest, path, value)}"
                         for value, part in zip(values, result.parts.values()))) for path, *values in configured]
        body += page_tables.folded(f"What is configured differently ({len(rows)})",
                                   page_tables.table(("path", *result.parts), rows, numbers_from=99))
    return f'<section id="comparison"><h2>Comparison</h2>{body}</section>'


def _differences(result, frame, first):
    paths = [axis.path for axis in result.axes if axis.path != RESULT_AXIS]
    header = ["operation", *paths, "result"]
    for name in SHOWN:
        header += [f"{name} {first}", name, "ratio"]
        if name == SHOWN[0]:
            header += ["ratio, 95%", "differs"]
    cells = []
    for row in frame.head(MOST_ROWS).to_dict("records"):
        line = [row["operation"], *(_value(result, path, row, first) for path in paths), row[RESULT_AXIS]]
        for name in SHOWN:
            line += [_number(row[f"{name}_first"]), _number(row[name]), _ratio(row[f"{name}_ratio"])]
            if name == SHOWN[0]:
                interval = f"{_ratio(row['ratio_low'])} to {_ratio(row['ratio_high'])}" \
                    if math.isfinite(row["ratio_high"]) else "no confidence"
                line += [interval, "yes" if row["differs"] else ""]
        cells.append(line)
    more = f"<p class=quiet>{len(frame) - MOST_ROWS} further rows are not shown.</p>" if len(frame) > MOST_ROWS else ""
    return page_tables.table(header, cells, numbers_from=2 + len(paths)) + more


def _value(result, path, row, first):
    """The value, marked as a what-if in the directories where it is one."""
    names = [name for name in (first, row[RESULT_AXIS])
             if what_if.mark(result.parts[name].manifest, path, row[path])]
    if not names:
        return str(row[path])
    return f"{row[path]} {what_if.MARK}" if len(names) == 2 else f"{row[path]} (what-if in {names[0]})"


def _ratio(value):
    return three_digits(value) + "x" if math.isfinite(value) else "no value"


def _number(value):
    return three_digits(value) if math.isfinite(value) else ""
