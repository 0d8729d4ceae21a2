"""Reads one table of a result directory and checks it row by row: no row is repaired, none is dropped in silence."""
import csv
import io
import math
from pathlib import Path

import pandas

from analysis.input_error import InputError

INTEGER, NUMBER, TEXT = "integer", "number", "text"
_TYPES = {INTEGER: "int64", NUMBER: "float64", TEXT: "object"}

# The columns that follow `point` and the axes; NUMBER may be empty (a failed point has no times).
COLUMNS = {
    "latency": {
        "operation": TEXT, "count": INTEGER, "mean_ns": NUMBER, "ci95_ns": NUMBER, "p50_ns": NUMBER, "p90_ns": NUMBER,
        "p99_ns": NUMBER, "p999_ns": NUMBER, "max_ns": NUMBER, "per_second": NUMBER,
    },
    "account": {"operation": TEXT, "account": TEXT, "mean_ns": NUMBER, "total_ps": INTEGER},
    "counter": {"counter": TEXT, "value": NUMBER},
    "point": {
        "seed": INTEGER, "status": TEXT, "simulated_ns": NUMBER, "host_s": NUMBER, "events": NUMBER, "warnings": TEXT,
    },
    "wait": {
        "operation": TEXT, "account": TEXT, "kind": TEXT, "whom": TEXT, "mean_ns": NUMBER, "total_ps": INTEGER,
    },
    "histogram": {"operation": TEXT, "low_ns": NUMBER, "high_ns": NUMBER, "count": INTEGER},
    "ipi": {"from": INTEGER, "to": INTEGER, "width": INTEGER, "count": NUMBER},
}
# Tables that mmsim writes since 0.2.
ADDED_LATER = ("wait", "histogram", "ipi")
# No two rows of a table may have the same key.
KEYS = {
    "latency": ["point", "operation"],
    "account": ["point", "operation", "account"],
    "counter": ["point", "counter"],
    "point": ["point", "seed"],
    "wait": ["point", "operation", "account", "kind", "whom"],
    "histogram": ["point", "operation", "low_ns"],
    "ipi": ["point", "from", "to"],
}
AGAIN = "run the same 'mmsim run' or 'mmsim sweep' command again (finished points are kept)"
EDITED = f"the tables were edited, or are not of one run: {AGAIN}"


class Table:
    """The whole rows of one table, and what is wrong with it. Axes are still text."""

    def __init__(self, path, strict):
        self.path = path
        self.frame = None
        self.axis_paths = []
        self.cut = False  # the file ends early: what followed its last row is unknown
        self._strict = strict
        self._faults = []
        self._left_out = set()

    def fault(self, message, points=()):
        """One row or more that cannot be believed; `points` are left out. Strict: throws it as an InputError."""
        if self._strict:
            raise InputError(message)
        self._faults.append(message)
        self._left_out.update(int(point) for point in points)

    def suspect(self, points):
        """Points that may lack rows because of a fault that has been told."""
        self._left_out.update(int(point) for point in points)

    def leave_out(self):
        """Takes the points with faults out of the frame, and returns the faults as one message, or None."""
        self.frame = self.frame[~self.frame["point"].isin(self._left_out)].reset_index(drop=True)
        if not self._faults:
            return None
        others = len(self._faults) - 1
        more = f"; and {others} more such defect{'s' if others > 1 else ''}" if others else ""
        return f"{self._faults[0]}{more}{_without(sorted(self._left_out))}"


def _without(points):
    if not points:
        return ""
    words = ", ".join(map(str, points[:4])) + (f" and {len(points) - 4} more" if len(points) > 4 else "")
    return f" (shown without {'point' if len(points) == 1 else 'points'} {words} of this table)"


def read_table(directory, name, strict=True):
    """The table `name`. Throws InputError with file and line; if not strict, only where there is no header to go by:
    damaged rows become faults of the table."""
    path = Path(directory) / f"{name}.csv"
    table = Table(path, strict)
    rows = _rows(table, _whole_lines(table, _text(path)))
    _, header = next(rows)
    table.axis_paths = _axis_paths(path, header, list(COLUMNS[name]))
    kinds = [INTEGER, *[TEXT] * len(table.axis_paths), *COLUMNS[name].values()]
    good = []
    for line, row in rows:
        if len(row) != len(header):
            table.fault(f"{path}:{line}: {len(row)} fields where the header has {len(header)}; the table is damaged: "
                        f"{AGAIN}", _points_of(row))
            continue
        cells = [_cell(kind, text) for kind, text in zip(kinds, row)]
        if None in cells:
            wrong = cells.index(None)
            table.fault(f"{path}:{line}: {header[wrong]} is '{row[wrong][:40]}', not a valid {kinds[wrong]}; {AGAIN}",
                        _points_of(row))
            continue
        good.append(cells)
    table.frame = _frame(header, kinds, good)
    twice = table.frame[table.frame.duplicated(KEYS[name])]
    if len(twice):
        where = ", ".join(f"{key} {twice.iloc[0][key]}" for key in KEYS[name])
        table.fault(f"{path}: {where} appears twice; the table is damaged: {AGAIN}", set(twice["point"]))
    return table


def empty_table(directory, name, axis_paths):
    """Stands for a table that cannot be read."""
    table = Table(Path(directory) / f"{name}.csv", strict=False)
    table.axis_paths = axis_paths
    table.frame = _frame(["point", *axis_paths, *COLUMNS[name]],
                         [INTEGER, *[TEXT] * len(axis_paths), *COLUMNS[name].values()], [])
    return table


def _frame(header, kinds, rows):
    """Columns have the type of their kind even if there is no row."""
    columns = zip(*rows) if rows else [()] * len(header)
    return pandas.DataFrame({name: pandas.Series(column, dtype=_TYPES[kind])
                             for name, kind, column in zip(header, kinds, columns)})


def _whole_lines(table, text):
    if text.endswith("\n"):
        return text
    whole, newline, rest = text.rpartition("\n")
    message = f"{table.path}:{text.count(chr(10)) + 1}: the last line is cut off; the table is truncated: {AGAIN}"
    if not newline:
        raise InputError(message)
    table.cut = True
    table.fault(message, _points_of(rest.split(",")) if "," in rest else ())
    return whole + newline


def _points_of(row):
    """The point that a damaged row begins with, if that can be read."""
    point = _cell(INTEGER, row[0]) if row else None
    return () if point is None else (point,)


def _text(path):
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such table; {AGAIN}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not text (byte {error.start}); the table is damaged: {AGAIN}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if not text:
        raise InputError(f"{path}: empty; {AGAIN}")
    return text


def _rows(table, text):
    """(line number, fields) of every row, header first; ends where quoting is broken."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    first = True
    try:
        for row in reader:
            yield reader.line_num, row
            first = False
    except csv.Error as error:
        message = f"{table.path}:{reader.line_num}: {error}; the table is damaged: {AGAIN}"
        if first:
            raise InputError(message) from None
        table.cut = True
        table.fault(message)


def _axis_paths(path, header, expected):
    """What stands between `point` and the table's own columns."""
    if not header or header[0] != "point":
        raise InputError(f"{path}:1: the first column is '{header[0] if header else ''}', not 'point'; {AGAIN}")
    for column in expected:
        if column not in header:
            raise InputError(f"{path}:1: column '{column}' is missing; the header was edited: {AGAIN}")
    if header[-len(expected):] != expected:
        raise InputError(f"{path}:1: the columns are not 'point', the axes, then '{','.join(expected)}'; the header "
                         f"was edited: {AGAIN}")
    axis_paths = header[1:-len(expected)]
    for axis in axis_paths:
        if "." not in axis:
            raise InputError(f"{path}:1: column '{axis}' is neither known nor a dotted path of an axis; {AGAIN}")
    if len(set(header)) != len(header):
        raise InputError(f"{path}:1: a column appears twice; {AGAIN}")
    return axis_paths


def _cell(kind, text):
    """The value, or None if it is none of its kind."""
    if kind == TEXT:
        return text
    if kind == NUMBER and text.lower() in ("", "nan"):
        return math.nan
    try:
        value = int(text) if kind == INTEGER else float(text)
    except ValueError:
        return None
    return value if 0 <= value < (2**63 if kind == INTEGER else math.inf) and "_" not in text else None
