"""A result directory as frames, checked for wholeness."""
from dataclasses import dataclass, field
from pathlib import Path

import pandas

from analysis.axes import Axis, canonical, from_text
from analysis.input_error import InputError
from analysis.manifest import read_manifest, seed_count
from analysis.tables import AGAIN, COLUMNS, read_table
from analysis.what_if import mark


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
    notes: list = field(default_factory=list)  # what a reader must know before believing the figures
    parts: dict = field(default_factory=dict)  # by name: the results that this one combines (combine.py)

    @property
    def operations(self):
        return list(dict.fromkeys(self.latency["operation"]))


def load(directory):
    """Reads DIR/manifest.json and the four tables. Throws InputError naming the file and what to do."""
    directory = Path(directory)
    if not directory.exists():
        raise InputError(f"{directory}: no such directory; give the directory that 'mmsim run --out' or "
                         "'mmsim sweep --out' wrote")
    if not directory.is_dir():
        raise InputError(f"{directory}: not a directory; give the directory that holds manifest.json")
    manifest = read_manifest(directory)
    frames = {}
    axes = None if manifest["axes"] is None else [Axis.of(axis["path"], axis["values"]) for axis in manifest["axes"]]
    for name in COLUMNS:
        frames[name], paths = read_table(directory, name)
        if axes is None:
            axes = [Axis.of(path, map(from_text, frames[name][path])) for path in paths]
        _read_axes(directory / f"{name}.csv", frames[name], paths, axes)
    status = _status_of_points(manifest, frames["point"])
    _check_whole(directory, frames, status)
    notes = _notes(manifest, frames, status)
    return Result(directory, manifest=manifest, axes=axes, notes=notes, **frames)


def _read_axes(path, frame, paths, axes):
    wanted = [axis.path for axis in axes]
    if paths != wanted:
        raise InputError(f"{path}:1: its axes are [{', '.join(paths)}], those of manifest.json are "
                         f"[{', '.join(wanted)}]; the directory holds tables of another sweep: {AGAIN}")
    for axis in axes:
        values = {text: from_text(text, axis.values) for text in set(frame[axis.path])}
        frame[axis.path] = [values[text] for text in frame[axis.path]]
        strange = frame.loc[~frame[axis.path].isin(axis.values), axis.path]
        if len(strange):
            raise InputError(f"{path}: {axis.path} is '{strange.iloc[0]}', which is no value of that axis in "
                             f"manifest.json; the table was edited or is of another sweep: {AGAIN}")


def _status_of_points(manifest, point):
    """Status by point: the manifest's word, else the worst of its seeds."""
    if manifest["points"]:
        return {entry["point"]: entry["status"] for entry in manifest["points"]}
    worst = {}
    for number, status in zip(point["point"], point["status"]):
        if status != "done" or number not in worst:
            worst[number] = status
    return worst


def _check_whole(directory, frames, status):
    """A point that is done has rows in every table, and every operation that was measured its accounts."""
    done = [number for number, word in status.items() if word == "done"]
    if not len(frames["latency"]):
        raise InputError(f"{directory / 'latency.csv'}: no rows: none of {len(status)} points has a result; see the "
                         f"status in point.csv, then {AGAIN}")
    for name, frame in frames.items():
        lacking = sorted(set(done) - set(frame["point"])) if name != "account" else []
        if lacking:
            raise InputError(f"{directory / name}.csv: no row of point {lacking[0]}, which is done; the table is "
                             f"truncated: {AGAIN}")
        unknown = sorted(set(frame["point"]) - set(status))
        if unknown:
            raise InputError(f"{directory / name}.csv: point {unknown[0]} is not in manifest.json; the table is of "
                             f"another sweep: {AGAIN}")
    measured = frames["latency"][frames["latency"]["count"] > 0]
    have = set(zip(frames["account"]["point"], frames["account"]["operation"]))
    for key in zip(measured["point"], measured["operation"]):
        if key not in have:
            raise InputError(f"{directory / 'account.csv'}: no row of operation {key[1]} at point {key[0]}; the table "
                             f"is truncated: {AGAIN}")


def _notes(manifest, frames, status):
    notes = []
    by_status = {}
    for number, word in sorted(status.items()):
        by_status.setdefault(word, []).append(number)
    coordinates = {entry["point"]: entry.get("axes", {}) for entry in manifest["points"]}
    shown = set(frames["latency"]["point"])
    for word in sorted(set(by_status) - {"done"}):
        numbers = by_status[word]
        missing = [number for number in numbers if number not in shown]
        where = "; ".join(_place(manifest, number, coordinates.get(number)) for number in numbers[:4])
        more = f"; and {len(numbers) - 4} more" if len(numbers) > 4 else ""
        absence = "in the figures all the same" if not missing else "not in the figures" \
            if len(missing) == len(numbers) else f"{len(missing)} of them not in the figures"
        have = "has" if len(numbers) == 1 else "have"
        notes.append(f"{len(numbers)} of {len(status)} points {have} the status '{word}', {absence} ({where}{more}).")
    point = frames["point"]
    for row in point[point["status"] != "done"].itertuples():
        if status.get(row.point) == "done":
            notes.append(f"Point {row.point}: seed {row.seed} has status {row.status}; its figures rest on the "
                         "other seeds.")
    expected = seed_count(manifest)
    seeds = point[point["status"] == "done"].groupby("point").size()
    fewer = [int(number) for number in seeds.index if expected and seeds[number] < expected]
    if fewer and not (point["status"] != "done").any():
        notes.append(f"{len(fewer)} points have fewer than {expected} seeds (first: point {fewer[0]}).")
    notes += _account_notes(frames)
    return notes


def _place(manifest, number, coordinates):
    if not coordinates:
        return f"point {number}"
    return f"point {number}: " + ", ".join(
        f"{path}={canonical(value)}{mark(manifest, path, value)}" for path, value in coordinates.items())


def _account_notes(frames):
    """Accounts sum to the latency exactly in picoseconds; the tables' decimals leave a part in a thousand."""
    sums = frames["account"].groupby(["point", "operation"])["mean_ns"].sum()
    wrong = []
    for row in frames["latency"].itertuples():
        total = sums.get((row.point, row.operation), 0.0)
        if row.count > 0 and abs(total - row.mean_ns) > 0.001 * row.mean_ns + 0.01:
            wrong.append((row.point, row.operation, total, row.mean_ns))
    if not wrong:
        return []
    point, operation, total, mean = wrong[0]
    return [f"The accounts of {len(wrong)} operations do not sum to their latency (first: {operation} at point "
            f"{point}, {total:.6g} ns against {mean:.6g} ns): the tables were edited, or the run is wrong."]
