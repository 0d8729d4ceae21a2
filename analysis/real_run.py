"""Throughput that was measured on a real machine: `mmsim report DIR --real FILE.csv[:OPERATION]`.

Two formats, told apart by their header:
- what will-it-scale's runtest.py prints, as it is: tasks,processes,processes_idle,threads,threads_idle,linear;
- cpus,per_second or cpus,per_second,series.
"""
import csv
import difflib
import io
import math
import re
from dataclasses import dataclass
from pathlib import Path

import pandas

from analysis.input_error import InputError
from analysis.manifest import value_at

MODE = "scenario.mode"
MODES = ("processes", "threads")  # of will-it-scale, and of the scenarios that have a mode
# What an iteration of a test of will-it-scale counts, where a scenario here counts the same.
OPERATIONS = {"page_fault1": "demand_fault", "mmap1": "munmap", "fork1": "fork", "context_switch1": "context_switch"}
_WILL_IT_SCALE = ("tasks", "processes", "processes_idle", "threads", "threads_idle", "linear")
_PLAIN = ("cpus", "per_second", "series")
_EXPECTED = f"expected are those of will-it-scale ({','.join(_WILL_IT_SCALE)}) or cpus,per_second[,series]"


@dataclass(frozen=True)
class Real:
    """One file. `frame`: x (CPUs), series ("processes", "threads", or what the file says), per_second."""

    label: str
    operation: str  # over whose throughput it is laid
    frame: pandas.DataFrame

    def lines(self):
        """("real: LABEL SERIES", {x: per second}) of every series, x ascending."""
        for series, rows in self.frame.groupby("series", sort=False):
            rows = rows.sort_values("x")
            yield f"real: {self.label} {series}".strip(), dict(zip(rows["x"], rows["per_second"]))


def read_real(result, words):
    """(Real of each word "FILE.csv" or "FILE.csv:OPERATION", notes). Throws InputError with file and line."""
    named = [_file_and_operation(result, word) for word in words]
    labels = _labels([path for path, _ in named])
    reals, notes = [], []
    for (path, operation), label in zip(named, labels):
        frame, own = _read(path)
        notes += own
        if operation is None:
            operation, own = _operation_for(result, path)
            notes += own
        frame, own = _of_the_mode(result, path, frame)
        notes += own
        reals.append(Real(label, operation, frame))
    return reals, notes


def _file_and_operation(result, word):
    """A file whose whole name exists has no operation behind a colon."""
    path, colon, operation = word.rpartition(":")
    if not colon or Path(word).exists():
        return Path(word), None
    if operation not in result.operations:
        near = difflib.get_close_matches(operation, result.operations, 1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise InputError(f"--real {word}: there is no operation '{operation}'{hint} (there are: "
                         f"{', '.join(result.operations)})")
    return Path(path), operation


def _labels(paths):
    """Short names that tell the files apart."""
    names = [path.name for path in paths]
    return [name if names.count(name) == 1 else str(path) for name, path in zip(names, paths)]


def _operation_for(result, path):
    """(operation, notes)"""
    for test, operation in OPERATIONS.items():
        if re.search(rf"{test}(?![0-9])", path.name) and operation in result.operations:
            return operation, []
    counts = result.latency.groupby("operation", sort=False)["count"].sum()
    most = counts.idxmax()
    if len(counts) == 1:
        return most, []
    return most, [f"{path} is laid over '{most}', of which there are most; --real {path}:OPERATION chooses another "
                  f"({', '.join(result.operations)})."]


def _of_the_mode(result, path, frame):
    """(rows of the column that the scenario's mode corresponds to, notes): all if it has none or both."""
    series = list(dict.fromkeys(frame["series"]))
    modes = _modes(result)
    if not set(series) <= set(MODES) or len(modes) != 1 or modes[0] not in MODES:
        return frame, []
    own = frame[frame["series"] == modes[0]]
    if len(own):
        return own.reset_index(drop=True), []
    return frame, [f"{path} has no measurement of {modes[0]}, which the scenario runs; shown is {series[0]}."]


def _modes(result):
    axis = next((axis for axis in result.axes if axis.path == MODE), None)
    if axis:
        return axis.values
    return tuple({value_at(part.manifest, MODE): None for part in result.parts.values() or [result]})


def _read(path):
    """(frame, notes)"""
    lines = _lines(path)
    first, header = next(lines, (1, []))
    header = [name.strip() for name in header]
    found = f"the columns found are {','.join(header) or 'none'}"
    if "tasks" in header and set(header) & set(MODES) and set(header) <= set(_WILL_IT_SCALE):
        read = _read_will_it_scale
    elif {"cpus", "per_second"} <= set(header) <= set(_PLAIN):
        read = _read_plain
    else:
        raise InputError(f"{path}:{first}: {found}; {_EXPECTED}")
    if len(set(header)) != len(header):
        raise InputError(f"{path}:{first}: a column appears twice: {found}; {_EXPECTED}")
    rows, seen = [], {}
    failed = []
    for line, cells in lines:
        if [cell.strip() for cell in cells] == header:
            raise InputError(f"{path}:{line}: the header again; give each run a file of its own")
        if len(cells) != len(header):
            raise InputError(f"{path}:{line}: {len(cells)} fields where the header has {len(header)}")
        for x, series, per_second in read(path, line, dict(zip(header, cells)), failed):
            if (x, series) in seen:
                raise InputError(f"{path}:{line}: {x} {series} appears again, first in line {seen[x, series]}; give "
                                 "each run a file of its own".replace("  ", " "))
            seen[x, series] = line
            rows.append((x, series, per_second))
    if not rows:
        raise InputError(f"{path}: no measurement in it; {_EXPECTED}")
    notes = [f"{path}: {len(failed)} run{'' if len(failed) == 1 else 's'} of will-it-scale failed (-1; first: "
             f"{failed[0]}), a gap in the line."] if failed else []
    return pandas.DataFrame(rows, columns=["x", "series", "per_second"]), notes


def _read_will_it_scale(path, line, cells, failed):
    """0 tasks is the origin that runtest.py prints first; 0 iterations a mode that was not run, -1 one that failed."""
    x = _number(path, line, "tasks", cells["tasks"], whole=True)
    for series in MODES:
        if series not in cells:
            continue
        if cells[series].strip() == "-1":
            failed.append(f"{series} with {x} tasks")
            continue
        value = _number(path, line, series, cells[series])
        if x > 0 and value > 0:
            yield x, series, value


def _read_plain(path, line, cells, _):
    x = _number(path, line, "cpus", cells["cpus"], whole=True)
    value = _number(path, line, "per_second", cells["per_second"])
    for name, number in (("cpus", x), ("per_second", value)):
        if number <= 0:
            raise InputError(f"{path}:{line}: {name} is {number:g}; it must be more than 0")
    yield x, cells.get("series", "").strip(), value


def _number(path, line, column, text, whole=False):
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = -1
    if not 0 <= value < math.inf or "_" in text:
        kind = "a whole number" if whole else "a number"
        raise InputError(f"{path}:{line}: {column} is '{text.strip()[:40]}', not {kind} of 0 or more")
    return value


def _lines(path):
    """(line number, fields) of every line that is not empty."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; --real takes the CSV of a real run: {_EXPECTED}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not text (byte {error.start}); {_EXPECTED}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: {error}") from None
