"""Reads validation.csv and cases.json row by row, field by field: nothing is repaired, nothing dropped in silence."""
import csv
import io
import json
import math

import pandas

from analysis.axes import canonical
from analysis.input_error import InputError

AGAIN = "run 'mmsim validate --out DIR' again"
COLUMNS = ("case", "x", "published", "simulated", "relative_error", "role", "verdict", "topic", "unit", "compare")
NUMBERS = ("published", "simulated", "relative_error")  # empty: there is no such value
WORDS = {
    "role": ("calibrated", "predicted"),
    "verdict": ("ok", "miss", "uncounted"),
    "compare": ("absolute", "relative", "trend", "crossover"),
    "step": ("right", "wrong", ""),
}
NEWER = ("step",)  # columns that tables of before do not have
# What cases.json tells of a case, and what stands for "not told".
CASE_TEXTS = ("title", "topic", "source", "machine", "unit", "x", "compare", "verdict", "miss", "note",
              "publication", "seen_before", "group")
CASE_NUMBERS = ("tolerance", "median", "p90", "steps", "wrong_steps")
CHANGE_NUMBERS = ("published", "simulated", "error")
CASE_LISTS = ("rows", "free", "changes", "warnings")
# What manifest.json tells, where there is one.
FACTS = {"version": str, "command": (str, list), "host_seconds": (int, float), "events": (int, float),
         "runs": (int, float), "complete": bool}


def read_points(path, defects):
    """The rows of validation.csv as a frame; x is a number or a name. A row that is not whole is left out, and a
    defect. Throws InputError where there is no header to go by."""
    text = _text(path)
    whole, newline, rest = text.rpartition("\n")
    if not newline:
        raise InputError(f"{path}:1: the header is cut off; the table is truncated: {AGAIN}")
    if rest:
        defects.add(f"{path}:{text.count(chr(10)) + 1}: the last line is cut off; the table is truncated: {AGAIN}")
    reader = csv.reader(io.StringIO(whole + newline, newline=""), strict=True)
    faults, good = [], []
    try:
        header = next(reader)
        _check_header(path, header)
        for cells in reader:
            fault = _fault(header, cells)
            if fault:
                faults.append(f"{path}:{reader.line_num}: {fault}")
            else:
                good.append([_cell(name, text) for name, text in zip(header, cells)])
    except csv.Error as error:
        faults.append(f"{path}:{reader.line_num}: {error}")
    if faults:
        more = f"; and {len(faults) - 1} more such" if len(faults) > 1 else ""
        defects.add(f"{faults[0]}{more} (shown without); the table is damaged: {AGAIN}")
    if not good:
        raise InputError(f"{faults[0] if faults else path}: no rows left to show; {AGAIN}")
    frame = pandas.DataFrame(good, columns=header).astype({name: "float64" for name in NUMBERS})
    return frame.reindex(columns=[*COLUMNS, *NEWER]).fillna(dict.fromkeys(NEWER, ""))


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


def _check_header(path, header):
    """Further columns, of a newer mmsim, are not in the way."""
    for column in COLUMNS:
        if column not in header:
            raise InputError(f"{path}:1: column '{column}' is missing (found: {','.join(header)[:120]}); not a table "
                             f"of 'mmsim validate', or its header was edited: {AGAIN}")
    if len(set(header)) != len(header):
        raise InputError(f"{path}:1: a column appears twice; {AGAIN}")


def _fault(header, cells):
    """What is wrong with a row, or None."""
    if len(cells) != len(header):
        return f"{len(cells)} fields where the header has {len(header)}"
    row = dict(zip(header, cells))
    for name in ("case", "topic", "x"):
        if not row[name].strip():
            return f"{name} is empty"
    for name in NUMBERS:
        if _number(row[name]) is None:
            return f"{name} is '{row[name][:40]}', not a number"
    for name, words in WORDS.items():
        if name in row and row[name] not in words:
            return f"{name} is '{row[name][:40]}', not one of {', '.join(words)}"
    return None


def _cell(name, text):
    if name == "x":
        number = _number(text)
        return canonical(text if number is None or math.isnan(number) else number)
    return _number(text) if name in NUMBERS else text


def _number(text):
    """NaN for a value that there is not: a curve that never crosses, a run that failed. None for what is no number."""
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return None if "_" in text else value if math.isfinite(value) else math.nan


def read_cases(path, defects):
    """What cases.json tells of each case, by name in its order; {} and a defect where it tells nothing."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        cases = _by_name(path, told)
    except FileNotFoundError:
        defects.add(f"{path}: no such file; sources, machines and notes are not shown: {AGAIN}")
        return {}
    except json.JSONDecodeError as error:
        defects.add(f"{path}:{error.lineno}:{error.colno}: {error.msg}; sources, machines and notes are not shown: "
                    f"{AGAIN}")
        return {}
    except UnicodeDecodeError:
        defects.add(f"{path}: not text; sources, machines and notes are not shown: {AGAIN}")
        return {}
    except OSError as error:
        defects.add(f"{path}: cannot be read: {error.strerror}")
        return {}
    except InputError as error:
        defects.add(error)
        return {}
    return {name: _fields(path, name, case, defects) for name, case in cases.items()}


def _by_name(path, told):
    """Cases are a list of objects that have a name, or an object by name."""
    if isinstance(told, dict) and isinstance(told.get("cases"), (list, dict)):
        told = told["cases"]
    if isinstance(told, list):
        named = [(case.get("case", case.get("name")), case) for case in told if isinstance(case, dict)]
        if len(named) == len(told) and all(isinstance(name, str) for name, _ in named):
            return dict(named)
    elif isinstance(told, dict) and all(isinstance(case, dict) for case in told.values()):
        return told
    raise InputError(f"{path}: not a list of cases, each with its name in 'case'; sources, machines and notes are not "
                     f"shown: {AGAIN}")


def _fields(path, name, case, defects):
    fields = {}
    for field in CASE_TEXTS:
        fields[field] = _field(path, name, case, field, str, "", defects)
    for field in CASE_NUMBERS:
        fields[field] = float(_field(path, name, case, field, (int, float), math.nan, defects))
    for field in CASE_LISTS:
        fields[field] = [_words(each) for each in _field(path, name, case, field, list, [], defects)]
    fields["frozen"] = case.get("frozen") if isinstance(case.get("frozen"), bool) else None
    change = _field(path, name, case, "change", dict, {}, defects)
    for field in CHANGE_NUMBERS:
        fields[f"change_{field}"] = float(_field(path, name, change, field, (int, float), math.nan, defects))
    for field in ("from", "to"):
        fields[f"change_{field}"] = _field(path, name, change, field, str, "", defects)
    fields["change_predicted"] = change.get("predicted") is True
    return fields


def no_fields():
    """Of a case of which nothing is told."""
    return {**dict.fromkeys(CASE_TEXTS, ""), **dict.fromkeys(CASE_NUMBERS, math.nan),
            **{field: [] for field in CASE_LISTS}, "frozen": None,
            **{f"change_{field}": math.nan for field in CHANGE_NUMBERS},
            "change_from": "", "change_to": "", "change_predicted": False}


def _words(entry):
    """An entry of a list; of a change when it was made, and why."""
    return f"{entry.get('on', '')}: {entry.get('why', '')}" if isinstance(entry, dict) else str(entry)


def read_facts(path, defects):
    """FACTS of manifest.json as far as they are there; {} without the file."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        defects.add(f"{path}: cannot be read as JSON ({error}); version and command are not shown: {AGAIN}")
        return {}
    told = told if isinstance(told, dict) else {}
    return {name: told[name] for name, kind in FACTS.items() if isinstance(told.get(name), kind)}


def _field(path, name, case, field, kind, absent, defects):
    value = case.get(field)
    if value is None:
        return absent
    if not isinstance(value, kind) or isinstance(value, bool):
        defects.add(f"{path}: '{field}' of case {name} has the wrong type; the file is damaged: {AGAIN}")
        return absent
    return value
