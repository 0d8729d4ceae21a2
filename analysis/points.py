"""What became of each point of a sweep, and what a reader must know of those that are not done."""
import math

from analysis.axes import canonical
from analysis.manifest import seed_count
from analysis.units import three_digits
from analysis.what_if import mark


def status_of_points(manifest, frames):
    """Status by point: the manifest's word, else the worst of its seeds, else that it has a latency."""
    if manifest["points"]:
        return {entry["point"]: entry["status"] for entry in manifest["points"]}
    point = frames["point"]
    if not len(point):
        return {number: "done" for number in frames["latency"]["point"]}
    worst = {}
    for number, status in zip(point["point"], point["status"]):
        if status != "done" or number not in worst:
            worst[number] = status
    return worst


def point_notes(manifest, frames, status):
    """Sentences about points and seeds that are not done."""
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
    entries = {entry["point"]: entry for entry in manifest["points"]}
    seeds = point[point["status"] == "done"].groupby("point").size()
    fewer = [int(number) for number in seeds.index if seeds[number] < (seed_count(manifest, entries.get(number)) or 0)]
    if fewer and not (point["status"] != "done").any():
        expected = seed_count(manifest, entries.get(fewer[0]))
        notes.append(f"{len(fewer)} points have fewer than {expected} seeds (first: point {fewer[0]}).")
    return notes + _interval_notes(manifest)


def _interval_notes(manifest):
    """Whether the means are as well known as sweep.ci asks for."""
    if not manifest["ci"]:
        return []
    bound = manifest["ci"]["bound"]
    done = [entry for entry in manifest["points"] if entry["status"] == "done"]
    wide = [entry for entry in done if entry.get("ci95") is None or entry["ci95"] > bound]
    if not wide:
        return []
    widest = max(wide, key=lambda entry: math.inf if entry.get("ci95") is None else entry["ci95"])
    size = "no interval" if widest.get("ci95") is None else f"{three_digits(round(100 * widest['ci95'], 1))}%"
    told = ", ".join(part for part in (widest.get("ci95_operation"), size) if part)
    return [f"{len(wide)} of {len(done)} points did not reach sweep.ci = {bound:g} (widest: {told}, at "
            f"{_place(manifest, widest['point'], widest.get('axes'))})."]


def _place(manifest, number, coordinates):
    if not coordinates:
        return f"point {number}"
    return f"point {number}: " + ", ".join(
        f"{path}={canonical(value)}{mark(manifest, path, value)}" for path, value in coordinates.items())
