"""Several result directories as one result, with the directory as one more axis named `result`."""
from pathlib import Path

import pandas

from analysis.axes import RESULT_AXIS, Axis
from analysis.load import Result
from analysis.manifest import value_at
from analysis.tables import COLUMNS

NOT_RECORDED = "not recorded"


def combine(results):
    """One result over all directories. A path that only some of them sweep takes, in the others, its configured
    value. Points are numbered anew."""
    if len(results) == 1:
        return results[0]
    names = _names([result.directory for result in results])
    paths = list(dict.fromkeys(axis.path for result in results for axis in result.axes))
    frames = {table: [] for table in COLUMNS}
    first_point = 0
    for name, result in zip(names, results):
        for table in COLUMNS:
            if getattr(result, table) is None:
                continue
            frame = getattr(result, table).copy()
            for path in paths:
                if path not in frame:
                    value = value_at(result.manifest, path)
                    frame[path] = NOT_RECORDED if value is None else value
            frame[RESULT_AXIS] = name
            frame["point"] += first_point
            frames[table].append(frame[["point", RESULT_AXIS, *paths, *COLUMNS[table]]])
        first_point = max(number for parts in frames.values() for part in parts[-1:]
                          for number in (*part["point"], -1)) + 1
    joined = {table: _joined(parts) for table, parts in frames.items()}
    axes = [Axis(RESULT_AXIS, tuple(names))]
    axes += [Axis.of(path, joined["latency"][path]) for path in paths]
    notes = [f"{name}: {note}" for name, result in zip(names, results) for note in result.notes]
    defects = [f"{name}: {defect}" for name, result in zip(names, results) for defect in result.defects]
    return Result(results[0].directory, manifest=results[0].manifest, axes=axes, notes=notes, defects=defects,
                  parts=dict(zip(names, results)), **joined)


def _joined(parts):
    """None if no directory has the table; an empty part says nothing about the columns' types."""
    if not parts:
        return None
    return pandas.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _names(directories):
    """The shortest names that tell the directories apart."""
    names = [Path(directory).resolve().name for directory in directories]
    if len(set(names)) < len(names):
        names = [str(directory) for directory in directories]
    if len(set(names)) < len(names):
        names = [f"{name} ({index})" for index, name in enumerate(names, 1)]
    return names
