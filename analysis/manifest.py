"""Reads manifest.json. Fields that are missing get empty values; fields of a wrong shape are defects."""
import copy
import json
import re
from pathlib import Path

from analysis.axes import canonical
from analysis.defects import Defects
from analysis.input_error import InputError
from analysis.tables import AGAIN

# Every field that the analysis reads, with its type and the value that stands for "not there".
FIELDS = {
    "version": (str, ""),
    "command": ((str, list), ""),
    "host_seconds": ((int, float), None),
    "events": ((int, float), None),
    "configuration": (dict, {}),
    "hash": (str, ""),
    "axes": (list, None),
    "seeds": ((int, list), None),
    "points": (list, []),
    "what_if": (list, []),
    "warnings": (list, []),
    "ci": (dict, {}),
}
# What every mmsim has written.
ALWAYS = ("version", "axes", "points", "what_if", "configuration")
UNMARKED = "what is a what-if is not known"


def read_manifest(directory, defects=None):
    """The manifest as a dict with all FIELDS. What is missing or damaged is a defect, with file, line and column; its
    fields then have the value that stands for "not there"."""
    defects = Defects(strict=True) if defects is None else defects
    path = Path(directory) / "manifest.json"
    try:
        manifest = _parse(path)
        _check_fields(path, manifest, defects)
    except InputError as error:
        if defects.strict:
            raise
        defects.add(f"{error} ({UNMARKED})")
        manifest = {}
    for field, (kind, absent) in FIELDS.items():
        value = manifest.get(field)
        if value is None:
            manifest[field] = copy.copy(absent)
        elif not isinstance(value, kind) or isinstance(value, bool):
            unmarked = f" ({UNMARKED})" if field in ("what_if", "configuration") else ""
            defects.add(f"{path}: '{field}' has the wrong type; the manifest is damaged{unmarked}: {AGAIN}")
            manifest[field] = copy.copy(absent)
    _check_items(path, manifest, defects)
    return manifest


def _parse(path):
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; not a result directory, or its run has not finished: give the "
                         "directory that 'mmsim run --out' or 'mmsim sweep --out' wrote") from None
    except json.JSONDecodeError as error:
        place = f"{path}:{error.lineno}:{error.colno}"
        raise InputError(f"{place}: {error.msg}; the manifest is damaged: {AGAIN}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not text; the manifest is damaged: {AGAIN}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if not isinstance(manifest, dict):
        raise InputError(f"{path}: not a JSON object; the manifest is damaged: {AGAIN}")
    return manifest


def _check_fields(path, manifest, defects):
    lacking = [field for field in ALWAYS if manifest.get(field) is None]
    if lacking:
        unmarked = f" ({UNMARKED})" if {"what_if", "configuration"} & set(lacking) else ""
        defects.add(f"{path}: it has no {', '.join(repr(field) for field in lacking)}; the manifest is "
                    f"damaged{unmarked}: {AGAIN}")


def _check_items(path, manifest, defects):
    def require(field, good, shape):
        if not all(good(entry) for entry in manifest[field] or []):
            defects.add(f"{path}: an entry of '{field}' is not {shape}; the manifest is damaged: {AGAIN}")
            manifest[field] = copy.copy(FIELDS[field][1])

    require("axes", lambda axis: isinstance(axis, dict) and isinstance(axis.get("path"), str)
            and isinstance(axis.get("values"), list)
            and all(isinstance(value, (str, int, float)) for value in axis["values"]),
            '{"path": ..., "values": [...]}')
    require("points", lambda point: isinstance(point, dict) and isinstance(point.get("point"), int)
            and isinstance(point.get("status"), str) and isinstance(point.get("axes", {}), dict)
            and isinstance(point.get("seeds", 0), int) and isinstance(point.get("ci95") or 0, (int, float))
            and isinstance(point.get("ci95_operation", ""), str),
            '{"point": number, "axes": {...}, "status": text}')
    if manifest["ci"] and not isinstance(manifest["ci"].get("bound"), (int, float)):
        defects.add(f"{path}: 'ci' has no number 'bound'; the manifest is damaged: {AGAIN}")
        manifest["ci"] = {}
    manifest["what_if"] = [str(label) for label in manifest["what_if"]]
    manifest["warnings"] = [str(warning) for warning in manifest["warnings"]]


def value_at(manifest, path):
    """The configured value of a path in the canonical form of axes, or None."""
    entry = manifest["configuration"].get(path)
    value = entry.get("value") if isinstance(entry, dict) else entry
    return None if value is None else canonical(value)


def origin(manifest, path):
    """Where the value of a path was set, "file:line", or ""."""
    entry = manifest["configuration"].get(path)
    return str(entry.get("origin") or "") if isinstance(entry, dict) else ""


def seed_count(manifest, entry=None):
    """How many seeds were asked for (with sweep.ci: at least), or those that the point of the entry took; None if the
    manifest does not say."""
    seeds = manifest["seeds"]
    asked = len(seeds) if isinstance(seeds, list) else seeds
    return (entry or {}).get("seeds", asked)


def seed_range(manifest):
    """(fewest, most) seeds of a point that is done, or None if the manifest does not say."""
    counts = [seed_count(manifest, entry) for entry in manifest["points"] if entry["status"] == "done"]
    counts = [count for count in counts or [seed_count(manifest)] if count]
    return (min(counts), max(counts)) if counts else None


def version(manifest):
    """(0, 2) for "0.2.0", or None if the manifest does not say."""
    match = re.match(r"([0-9]+)\.([0-9]+)", manifest["version"])
    return (int(match[1]), int(match[2])) if match else None
