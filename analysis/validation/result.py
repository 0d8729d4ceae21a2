"""A directory of `mmsim validate` as frames, checked for wholeness."""
import math
from dataclasses import dataclass, field
from pathlib import Path

import pandas

from analysis.defects import Defects
from analysis.input_error import InputError
from analysis.validation.summary import by_case, by_group, by_topic, counted, errors_of
from analysis.validation.tables import AGAIN, no_fields, read_cases, read_facts, read_points

EDITED = f"the files were edited, or are not of one validation: {AGAIN}"
_ROUNDING = 0.006  # of an error: the files print a limited number of digits


@dataclass
class Validation:
    """What `mmsim validate` found. Errors are shares: 0.25 is 25 %."""

    directory: Path
    point: pandas.DataFrame  # the rows of validation.csv
    case: pandas.DataFrame  # a row a case: what cases.json tells, and points, wrong, median, p90 of what is counted
    topic: pandas.DataFrame  # a row a topic: the same over all of its cases
    group: pandas.DataFrame  # a row for what was known before the freeze; none where cases.json does not tell
    manifest: dict = field(default_factory=dict)  # what manifest.json tells of the command; {} if there is none
    notes: list = field(default_factory=list)  # what a reader must know before believing the figures
    defects: list = field(default_factory=list)  # those of the notes that tell of damage: exit status 2

    def rows(self, case):
        """The points of a case, in order."""
        return self.point[self.point["case"] == case]


def is_validation(directory):
    """Whether `mmsim validate --out` wrote the directory."""
    directory = Path(directory)
    return (directory / "validation.csv").exists() or \
        (directory / "cases.json").exists() and not (directory / "latency.csv").exists()


def load_validation(directory, strict=True):
    """Reads DIR/validation.csv and DIR/cases.json. Throws InputError naming the file and what to do: at the first
    defect, or, if not strict, only if nothing can be shown. Then the frames hold what is whole, and notes tell the
    defects."""
    directory = Path(directory)
    if not directory.is_dir():
        raise InputError(f"{directory}: no such directory; give the one that 'mmsim validate --out' wrote")
    if not is_validation(directory):
        raise InputError(f"{directory}: no validation.csv in it; give the directory that 'mmsim validate --out' wrote")
    defects = Defects(strict)
    table, told_in = directory / "validation.csv", directory / "cases.json"
    point = read_points(table, defects)
    told = read_cases(told_in, defects)
    if told:
        _check_whole(table, told_in, point, told, defects)
    point["topic"] = [told[case]["topic"] or topic if case in told else topic
                      for case, topic in zip(point["case"], point["topic"])]
    case = by_case(point, {name: told.get(name) or _untold(point, name) for name in dict.fromkeys(point["case"])})
    if not defects.about(table):  # rows that are left out are not in the medians
        _check_case(told_in, point, case, defects)
    manifest = read_facts(directory / "manifest.json", defects)
    return Validation(directory, point, case, by_topic(point, case), by_group(point, case), manifest,
                      [*defects, *_notes(point, case, manifest)], list(defects))


def _untold(point, name):
    """A case of which only the table is there."""
    row = point[point["case"] == name].iloc[0]
    fields = no_fields()
    return {**fields, "topic": row["topic"], "unit": row["unit"], "compare": row["compare"]}


def _check_whole(table, told_in, point, told, defects):
    """Do the two files tell of the same cases, and does each row agree with itself?"""
    there = set(point["case"])
    lacking = [name for name in told if name not in there]
    if lacking:
        defects.add(f"{table}: no row of case {lacking[0]}{_more(lacking)}, which cases.json tells of; the table is "
                    f"truncated: {AGAIN}")
    unknown = [name for name in dict.fromkeys(point["case"]) if name not in told]
    if unknown:
        defects.add(f"{told_in}: nothing of case {unknown[0]}{_more(unknown)}, which has rows in validation.csv (shown "
                    f"without source and notes); {EDITED}")
    for row in point.itertuples():
        error = row.simulated / row.published - 1 if row.published else math.nan
        if abs(error - row.relative_error) > 0.01 * (1 + abs(error)):
            defects.add(f"{table}: case {row.case} at {row.x}: relative_error is {row.relative_error:g}, but simulated "
                        f"/ published - 1 is {error:.4g}; {EDITED}")
            break


def _check_case(told_in, point, case, defects):
    """The median of cases.json against that of the rows; of an even number either of the middle two will do."""
    for row in case.itertuples():
        errors = errors_of(counted(point[point["case"] == row.case]))
        if not errors or math.isnan(row.told_median):
            continue
        low, high = errors[(len(errors) - 1) // 2], errors[len(errors) // 2]
        if not low - _ROUNDING * (1 + low) <= row.told_median <= high + _ROUNDING * (1 + high):
            defects.add(f"{told_in}: the median error of case {row.case} is {row.told_median:.4g}, that of its rows in "
                        f"validation.csv {row.median:.4g} (shown is this one); {EDITED}")
            break


def _more(names):
    return f" and {len(names) - 1} more" if len(names) > 1 else ""


def _notes(point, case, manifest):
    notes = []
    if manifest.get("complete") is False:
        notes.append("Only some of the cases were run (--only): the finding is of those.")
    loose = case[[frozen is False for frozen in case["frozen"]]]
    if len(loose):
        notes.append(f"{len(loose)} case{'s are' if len(loose) > 1 else ' is'} not frozen (first: "
                     f"{loose['case'].iloc[0]}): what is called a prediction there may have been fitted.")
    lacking = point[point["simulated"].isna()]
    if not len(lacking):
        return notes
    first = lacking.iloc[0]
    have = "points have" if len(lacking) > 1 else "point has"
    return [*notes, f"{len(lacking)} {have} no simulated value (first: {first['case']} at {first['x']}): counted as "
            "infinitely far off."]
