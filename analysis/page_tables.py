"""The tables of the page, as HTML."""
import math
from html import escape

from analysis.axes import canonical
from analysis.palette import account_order
from analysis.plan import value_label
from analysis.sample import measured
from analysis.units import three_digits

_LATENCY = ("count", "mean_ns", "ci95_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns", "per_second")
_MOST_COLUMNS = 8  # of counters in a table


def table(header, rows, caption="", numbers_from=0):
    """An HTML table from text cells; columns from `numbers_from` on are aligned as numbers."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    body = "".join(
        "<tr>" + "".join(f'<td{" class=n" if index >= numbers_from else ""}>{escape(cell)}</td>'
                         for index, cell in enumerate(row)) + "</tr>" for row in rows)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (f'<div class="scroll" tabindex="0"><table>{title}<thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>")


def sortable(header, rows, sorted_by, caption):
    """A table whose headers sort it (page.js). Cells are text, numbers, None where there is none, or text with the
    number that it sorts by; `sorted_by`: the column by which the rows already fall."""
    head = "".join(
        f'<th scope="col" aria-sort="{"descending" if index == sorted_by else "none"}">'
        f'<button type="button" class="sort">{escape(name)}</button></th>' for index, name in enumerate(header))
    body = "".join("<tr>" + "".join(map(_sortable_cell, row)) + "</tr>" for row in rows)
    return (f'<div class="scroll" tabindex="0"><table class="sortable"><caption>{escape(caption)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>")


def _sortable_cell(value):
    if isinstance(value, tuple):
        return f'<td class=n data-value="{value[1]:.12g}">{escape(value[0])}</td>'
    if isinstance(value, str):
        return f'<th scope="row" data-value="{escape(value)}">{escape(value)}</th>'
    return f'<td class=n data-value="{"" if value is None else f"{value:.12g}"}">' \
           f'{"" if value is None else _number(value)}</td>'


def sample_points(result, operation):
    """The points of a sampled sweep, slowest first."""
    columns = ("mean_ns", "ci95_ns", "p50_ns", "p99_ns", "per_second", "count")
    numbers = {axis.path: dict(zip(axis.values, axis.numbers)) for axis in result.axes if axis.numbers}
    paths = [axis.path for axis in result.axes]
    rows = [[row["point"], *((str(row[path]), numbers[path][row[path]]) if path in numbers else text
                             for path, text in zip(paths, _coordinates(result, row, paths))),
             *(row[column] if math.isfinite(row[column]) else None for column in columns)]
            for row in measured(result, operation).to_dict("records")]
    return sortable(("point", *paths, *columns), rows, 1 + len(paths), "The points, slowest first; a header sorts")


def latency(result, operation):
    rows = result.latency[result.latency["operation"] == operation]
    paths = [axis.path for axis in result.axes]
    cells = [[str(row["point"]), *_coordinates(result, row, paths), *(_number(row[column]) for column in _LATENCY)]
             for row in rows.to_dict("records")]
    return table(("point", *paths, *_LATENCY), cells, numbers_from=1 + len(paths))


def accounts(result, operation):
    rows = result.account[result.account["operation"] == operation]
    wide = rows.pivot_table("mean_ns", "point", "account", aggfunc="sum")
    names = account_order([name for name in wide.columns if wide[name].sum() > 0])
    return _by_point(result, wide[names], [f"{name} ns" for name in names])


def counters(result):
    """Counters, then lock classes, in tables that fit paper; a counter that is zero at every point is only named,
    where the reader asks."""
    wide = result.counter.pivot_table("value", "point", "counter", aggfunc="sum")
    order = [name for name in dict.fromkeys(result.counter["counter"])]
    zero = [name for name in order if not wide[name].abs().sum() > 0]
    plain = [name for name in order if name not in zero and not name.startswith("lock_")]
    locks = [name for name in order if name not in zero and name.startswith("lock_")]
    html = _in_tables(result, wide, plain) if plain else "<p>No counter moved.</p>"
    if locks:
        html += folded(f"Locks, by class ({len(locks)} counters)",
                       _in_tables(result, wide, sorted(locks, key=_lock_class)))
    if zero:
        html += folded(f"Zero at every point ({len(zero)} counters)", f"<p class=quiet>{escape(', '.join(zero))}.</p>")
    return html


def _in_tables(result, wide, names):
    return "".join(_by_point(result, wide[part], part) for part in
                   (names[at:at + _MOST_COLUMNS] for at in range(0, len(names), _MOST_COLUMNS)))


def _lock_class(counter):
    return counter.partition(".")[2]


def points(result):
    paths = [axis.path for axis in result.axes]
    cells = [[str(row["point"]), *_coordinates(result, row, paths), str(row["seed"]), row["status"],
              _number(row["simulated_ns"]), _number(row["host_s"]), _number(row["events"]), str(row["warnings"])]
             for row in result.point.to_dict("records")]
    return table(("point", *paths, "seed", "status", "simulated_ns", "host_s", "events", "warnings"), cells,
                 numbers_from=1 + len(paths))


def _by_point(result, wide, names):
    paths = [axis.path for axis in result.axes]
    coordinates = result.point.drop_duplicates("point").set_index("point")
    cells = []
    for number, row in wide.iterrows():
        place = coordinates.loc[number].to_dict() if number in coordinates.index else {}
        cells.append([str(number), *_coordinates(result, place, paths), *(_number(value) for value in row)])
    return table(("point", *paths, *names), cells, numbers_from=1 + len(paths))


def _coordinates(result, row, paths):
    everywhere = tuple((path, row[path]) for path in paths if path in row)
    return [value_label(result, path, row[path], everywhere).partition("=")[2] if path in row else "" for path in paths]


def _number(value):
    value = canonical(value)
    if isinstance(value, int):
        return f"{value:,}".replace(",", " ")
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:,.1f}".replace(",", " ") if abs(value) >= 1000 else three_digits(value)
    return ""


def folded(summary, html):
    """Hidden behind one line until the reader asks."""
    return f"<details><summary>{escape(summary)}</summary>{html}</details>"
