"""Reads one table of a result directory and checks it row by row: no row is repaired, none is dropped."""
import csv
import io
import math
from pathlib import Path

import pandas

from analysis.input_error import InputError

INTEGER, NUMBER, TEXT = "integer", "number", "text"

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
}
# No two rows of a table may have the same key.
KEYS = {
    "latency": ["point", "operation"],
    "account": ["point", "operation", "account"],
    "counter": ["point", "counter"],
    "point": ["point", "seed"],
}
AGAIN = "run the same 'mmsim run' or 'mmsim sweep' command again (finished points are kept)"


def read_table(directory, name):
    """The table `name` as (frame, axis paths); axes are still text. Throws InputError with file and line."""
    path = Path(directory) / f"{name}.csv"
    lines = _lines(path)
    header = next(lines)[1]
    axis_paths = _axis_paths(path, header, list(COLUMNS[name]))
    kinds = {"point": INTEGER, **{axis: None for axis in axis_paths}, **COLUMNS[name]}
    columns = {column: [] for column in header}
    for line, row in lines:
        if len(row) != len(header):
            raise InputError(f"{path}:{line}: {len(row)} fields where the header has {len(header)}; the table is "
                             f"damaged: {AGAIN}")
        for column, text in zip(header, row):
            columns[column].append(_cell(path, line, column, kinds[column], text))
    frame = pandas.DataFrame(columns, columns=header)
    twice = frame[frame.duplicated(KEYS[name])]
    if len(twice):
        where = ", ".join(f"{key} {twice.iloc[0][key]}" for key in KEYS[name])
        raise InputError(f"{path}: {where} appears twice; the table is damaged: {AGAIN}")
    return frame, axis_paths


def _lines(path):
    """(line number, fields) of every row, header first."""
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
    if not text.endswith("\n"):
        last = text.count("\n") + 1
        raise InputError(f"{path}:{last}: the last line is cut off; the table is truncated: {AGAIN}")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: {error}; the table is damaged: {AGAIN}") from None


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


def _cell(path, line, column, kind, text):
    if kind is None:
        return text
    if kind == TEXT:
        return text
    if kind == NUMBER and text.lower() in ("", "nan"):
        return math.nan
    try:
        value = int(text) if kind == INTEGER else float(text)
        if not 0 <= value < (2**63 if kind == INTEGER else math.inf):
            raise ValueError
        return value
    except ValueError:
        raise InputError(f"{path}:{line}: {column} is '{text[:40]}', not a valid {kind}; {AGAIN}") from None
