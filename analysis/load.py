"""A result directory as frames, checked for wholeness."""
from dataclasses import dataclass, field
from pathlib import Path

import pandas

from analysis.axes import Axis, from_text
from analysis.defects import Defects
from analysis.input_error import InputError
from analysis.manifest import read_manifest, version
from analysis.points import point_notes, status_of_points
from analysis.tables import ADDED_LATER, AGAIN, COLUMNS, empty_table, read_table
from analysis.validation.result import is_validation
from analysis.wholeness import check_whole

KNOWN_VERSION = (0, 2)  # the newest that writes nothing that this package does not read


@dataclass
class Result:
    """What `mmsim run` or `mmsim sweep` found. Times in the frames are nanoseconds unless the column says otherwise."""

    directory: Path
    latency: pandas.DataFrame
    account: pandas.DataFrame
    counter: pandas.DataFrame
    point: pandas.DataFrame
    manifest: dict
    axes: list
    wait: pandas.DataFrame = None  # None, and a note says why, if the directory does not have it
    histogram: pandas.DataFrame = None
    ipi: pandas.DataFrame = None
    notes: list = field(default_factory=list)  # what a reader must know before believing the figures
    defects: list = field(default_factory=list)  # those of the notes that tell of damage: exit status 2
    parts: dict = field(default_factory=dict)  # by name: the results that this one combines (combine.py)
    real: list = None  # real_run.Real: measured on a machine, to be laid over the throughput

    @property
    def operations(self):
        return list(dict.fromkeys(self.latency["operation"]))


def load(directory, strict=True):
    """Reads DIR/manifest.json and the tables. Throws InputError naming the file and what to do: at the first defect,
    or, if not strict, only if nothing can be shown. Then the frames hold what is whole, and notes tell the defects."""
    directory = Path(directory)
    _check_directory(directory)
    defects = Defects(strict)
    manifest = read_manifest(directory, defects)
    tables, absent = _read_tables(directory, manifest, defects)
    axes = _axes(directory, manifest, tables, defects)
    frames = {name: table.frame for name, table in tables.items()}
    status = status_of_points(manifest, frames)
    if not len(frames["latency"]):
        raise InputError(tables["latency"].leave_out() or f"{directory / 'latency.csv'}: no rows: none of "
                         f"{len(status)} points has a result; see the status in point.csv, then {AGAIN}")
    check_whole(tables, status, defects)
    frames = {name: table.frame for name, table in tables.items()}
    if not len(frames["latency"]):
        told = [defect for defect in defects if defect.startswith(f"{tables['latency'].path}:")]
        raise InputError(f"{[*told, *defects][0]}; no other latency is left to show")
    notes = [*_version_notes(manifest, absent), *defects, *point_notes(manifest, frames, status)]
    return Result(directory, manifest=manifest, axes=axes, notes=notes, defects=list(defects), **frames)


def _check_directory(directory):
    if not directory.exists():
        raise InputError(f"{directory}: no such directory; give the directory that 'mmsim run --out' or "
                         "'mmsim sweep --out' wrote")
    if not directory.is_dir():
        raise InputError(f"{directory}: not a directory; give the directory that holds manifest.json")
    try:
        if not any(directory.iterdir()):
            raise InputError(f"{directory}: an empty directory; give the one that 'mmsim run --out' or "
                             "'mmsim sweep --out' wrote")
    except OSError as error:
        raise InputError(f"{directory}: cannot be read: {error.strerror}") from None
    if is_validation(directory):
        raise InputError(f"{directory}: of 'mmsim validate', without the tables of a sweep; read it with "
                         "analysis.load_validation")
    if not (directory / "latency.csv").exists() and not (directory / "manifest.json").exists():
        read_manifest(directory)  # says what a result directory is


def _read_tables(directory, manifest, defects):
    """(tables by name, names of those that the program which wrote the directory did not know yet)"""
    written_by = version(manifest)
    old = written_by is None or written_by < KNOWN_VERSION
    absent = [name for name in ADDED_LATER if not (directory / f"{name}.csv").exists()]
    unknown = absent if old and len(absent) == len(ADDED_LATER) else []
    tables = {}
    for name in COLUMNS:
        if name in unknown:
            continue
        try:
            tables[name] = read_table(directory, name, defects.strict)
        except InputError as error:
            if name == "latency":
                raise
            defects.add(error)
            if name not in ADDED_LATER:
                tables[name] = empty_table(directory, name, tables["latency"].axis_paths)
    return tables, unknown


def _version_notes(manifest, absent):
    written_by = manifest["version"] or "an unknown version"
    if version(manifest) and version(manifest) > KNOWN_VERSION:
        return [f"Written by mmsim {written_by}, which is newer than this report "
                f"({'.'.join(map(str, KNOWN_VERSION))}): what is new in it is not shown."]
    if absent:
        return [f"Written by mmsim {written_by}, before there were {', '.join(f'{name}.csv' for name in absent)}: for "
                "whom an operation waits, the distribution of its latency and interrupts from core to core are not "
                "shown; run the same command again into another directory for them."]
    return []


def _axes(directory, manifest, tables, defects):
    """The axes, those of the manifest if it has them; the axes' columns of all tables become values."""
    paths = tables["latency"].axis_paths
    axes = None if manifest["axes"] is None else [Axis.of(axis["path"], axis["values"]) for axis in manifest["axes"]]
    if axes is not None and paths != [axis.path for axis in axes]:
        defects.add(_other_axes(directory, "latency", paths, "manifest.json", [axis.path for axis in axes]))
        axes = None
    source = "manifest.json" if axes is not None else "latency.csv"
    for name in list(tables):
        if tables[name].axis_paths == paths:
            continue
        defects.add(_other_axes(directory, name, tables[name].axis_paths, source, paths))
        if name in ADDED_LATER:
            del tables[name]
        else:
            tables[name] = empty_table(directory, name, paths)
    if axes is None:
        return [_from_columns(path, tables) for path in paths]
    for axis in axes:
        for table in tables.values():
            _read_axis(table, axis)
    return axes


def _other_axes(directory, name, paths, source, wanted):
    return (f"{directory / name}.csv:1: its axes are [{', '.join(paths)}], those of {source} are "
            f"[{', '.join(wanted)}]; the directory holds tables of another sweep: {AGAIN}")


def _from_columns(path, tables):
    """The axis as the tables have it, whose columns become values."""
    texts = dict.fromkeys(text for table in tables.values() for text in dict.fromkeys(table.frame[path]))
    values = {text: from_text(text) for text in texts}
    for table in tables.values():
        table.frame[path] = [values[text] for text in table.frame[path]]
    return Axis.of(path, values.values())


def _read_axis(table, axis):
    values = {text: from_text(text, axis.values) for text in set(table.frame[axis.path])}
    column = pandas.Series([values[text] for text in table.frame[axis.path]], dtype=None if values else object)
    table.frame[axis.path] = column
    strange = table.frame[~column.isin(axis.values)]
    if len(strange):
        table.fault(f"{table.path}: {axis.path} is '{strange[axis.path].iloc[0]}', which is no value of that axis in "
                    f"manifest.json; the table was edited or is of another sweep: {AGAIN}", set(strange["point"]))
