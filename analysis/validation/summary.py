"""Validation in numbers and words: errors by case and by topic, how a case misses, the finding.

Medians and percentiles are of |relative error| over the predicted points of absolute and relative series, as the
program computes them: the 90th percentile is the value of rank ceil(0.9 n), and a point without a value is infinitely
far off. Of trends and crossovers only right or wrong is asked."""
import math

import pandas

MEASURED = ("absolute", "relative")  # series whose errors have a size
CROSSING = "crossing"  # x of the only row of a crossover: the place where the curve crosses
HOST = "host"  # the topic of measurements on the reader's own machine


def by_case(point, told):
    """A row a case: `told` of it, and what follows from its rows. `points`: that are predicted and counted."""
    rows = []
    for name, case in told.items():
        own = counted(point[point["case"] == name])
        compare = case["compare"] or point.loc[point["case"] == name, "compare"].iloc[0]
        errors = errors_of(own) if compare != "trend" else []
        wrong = int((own["verdict"] == "miss").sum())
        rows.append({
            "case": name, **{key: value for key, value in case.items() if key not in ("median", "p90")},
            "title": case["title"] or name, "compare": compare, "told_median": case["median"],
            "verdict": case["verdict"] if case["verdict"] and len(own) else _verdict(compare, len(own), wrong),
            "points": len(own), "wrong": wrong,
            "lacking": int(own["simulated"].isna().sum()),
            "median": median(errors), "p90": p90(errors), 
            "furthest": _furthest(own) if errors else "", "furthest_error": max(errors, default=math.nan),
        })
    return pandas.DataFrame(rows)


def _furthest(rows):
    """'+40 % at 48' of the point that is furthest off, the first without a value if there is one."""
    row = rows.loc[rows["relative_error"].abs().fillna(math.inf).idxmax()]
    return f"{signed(row['relative_error'])} at {row['x']}"


def _verdict(compare, points, wrong):
    """Where cases.json does not tell, or nothing is counted: a median is beyond the tolerance where more than half of
    the points are."""
    if not points:
        return "uncounted"
    return "miss" if wrong and (compare not in MEASURED or 2 * wrong > points) else "ok"


def by_topic(point, case):
    """A row a topic, the largest median first; topics without one last."""
    rows = []
    for topic, cases in case.groupby("topic", sort=False):
        errors = errors_of(counted(point[point["case"].isin(cases["case"]) & point["compare"].isin(MEASURED)]))
        of = {kind: cases[cases["compare"] == kind] for kind in ("trend", "crossover")}
        worst = worst_first(cases).iloc[0]
        rows.append({
            "topic": topic, "cases": len(cases), "points": len(errors), "median": median(errors),
            "p90": p90(errors),
            **{f"{kind}s": int((own["verdict"] != "uncounted").sum()) for kind, own in of.items()},
            **{f"{kind}s_right": int((own["verdict"] == "ok").sum()) for kind, own in of.items()},
            **{word: int((cases["verdict"] == word).sum()) for word in ("ok", "miss", "uncounted")},
            "worst": worst["case"],
        })
    return pandas.DataFrame(rows).sort_values("median", ascending=False, kind="stable").reset_index(drop=True)


def by_group(point, case):
    """A row for what was known before cases were frozen, of absolute and relative series. `median_of_cases`: a case
    counts once however many points it has."""
    measured = case[case["compare"].isin(MEASURED) & (case["group"] != "") & (case["points"] > 0)]
    rows = []
    for group, cases in measured.groupby("group"):
        errors = errors_of(counted(point[point["case"].isin(cases["case"])]))
        rows.append({"group": group, "cases": len(cases), "ok": int((cases["verdict"] == "ok").sum()),
                     "points": len(errors), "median": median(errors), "p90": p90(errors),
                     "median_of_cases": median(sorted(cases["median"]))})
    return pandas.DataFrame(rows)


def worst_first(cases):
    """Misses first, the larger errors first among both."""
    keys = pandas.DataFrame({"miss": cases["verdict"] == "miss", "median": cases["median"].fillna(-1.0)})
    return cases.loc[keys.sort_values(["miss", "median"], ascending=False, kind="stable").index]


def counted(rows):
    """Predicted points that a verdict counts."""
    return rows[(rows["role"] == "predicted") & (rows["verdict"] != "uncounted")]


def errors_of(rows):
    """|relative error|, ascending; infinite where there is no value."""
    return sorted(rows["relative_error"].abs().fillna(math.inf))


def median(ordered):
    """Of an even number the mean of the two in the middle; NaN of none."""
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2 if ordered else math.nan


def p90(ordered):
    """The value of rank ceil(0.9 n); NaN of none."""
    return ordered[(9 * len(ordered) + 9) // 10 - 1] if ordered else math.nan


def percent(share):
    """0.173 -> '17 %', 0.0321 -> '3.2 %'"""
    if not math.isfinite(share):
        return "no value" if math.isnan(share) else "infinite"
    return f"{100 * share:.{1 if abs(share) < 0.0995 else 0}f} %"


def signed(share):
    """0.173 -> '+17 %'"""
    if not math.isfinite(share):
        return "no value"
    text = percent(abs(share))
    return text if text == "0.0 %" else ("+" if share > 0 else "-") + text


def headline(validation):
    """The finding of all cases in one sentence."""
    case, point = validation.case, validation.point
    errors = errors_of(counted(point[point["compare"].isin(MEASURED)]))
    series = case[case["compare"].isin(MEASURED) & (case["points"] > 0)]
    parts = []
    if errors:
        parts.append(f"over {_many(len(errors), 'predicted point')} of {_many(len(series), 'series', 'series')} the "
                     f"median error is {percent(median(errors))}")
    right = [f"{good} of {_many(judged, kind)}" for kind, (good, judged) in _kinds(case).items() if judged]
    if right:
        parts.append(f"{' and '.join(right)} right")
    misses = int((case["verdict"] == "miss").sum())
    judged = int((case["verdict"] != "uncounted").sum())
    parts.append(f"{misses} of {_many(judged, 'case')} miss{'es' if misses == 1 else ''}" if misses else
                 f"no case of {judged} misses" if judged else "no case could be counted")
    where = "on this machine, " if set(case["topic"]) == {HOST} else ""
    text = where + "; ".join(parts)
    return text[0].upper() + text[1:]


def _kinds(case):
    """(right, all that a verdict counts) by kind."""
    return {kind: (int((own["verdict"] == "ok").sum()), int((own["verdict"] != "uncounted").sum()))
            for kind in ("trend", "crossover") for own in [case[case["compare"] == kind]]}


def _many(count, one, more=None):
    return f"{count} {one if count == 1 else more or one + 's'}"


def _steps(case):
    """Steps too small to ask about are neither right nor wrong; without a value there is no step."""
    asked, wrong = case["steps"], case["wrong"] - case["lacking"]
    if math.isnan(asked):
        told = f"{_many(wrong, 'step')} in the wrong direction" if wrong else "every step goes the right way"
    else:
        wrong = int(case["wrong_steps"]) if math.isfinite(case["wrong_steps"]) else wrong
        told = f"{wrong if wrong else int(asked)} of {_many(int(asked), 'step')} in the " \
               f"{'wrong' if wrong else 'right'} direction"
    return f"{told}; {_many(case['lacking'], 'point')} without a value" if case["lacking"] else told


CHANGE_BOUND = 0.3  # a change is within this share of the published one, or it is not


def factor(multiple):
    """1.04 -> '\u00d71.04', 286.4 -> '\u00d7286'"""
    return f"\u00d7{multiple:.{2 if abs(multiple) < 9.995 else 1 if abs(multiple) < 99.95 else 0}f}" \
        if 0.9995 <= abs(multiple) < 1e5 else f"\u00d7{multiple:#.3g}" if math.isfinite(multiple) else "no value"


def steps_right(case):
    """'4 of 5' of the steps that are asked about; '' where none is."""
    if not case["steps"] > 0 or not math.isfinite(case["wrong_steps"]):
        return ""
    return f"{case['steps'] - case['wrong_steps']:.0f} of {case['steps']:.0f}"


def course(case):
    """How far a series goes, published and simulated, and how many of its steps are right; '' if nothing is told."""
    told = []
    if math.isfinite(case["change_published"]):
        given = "" if case["change_predicted"] else ", both given"
        told.append(f"from {case['change_from']} to {case['change_to']}: {factor(case['change_published'])} published, "
                    f"{factor(case['change_simulated'])} simulated ({signed(case['change_error'])}{given})")
    if steps_right(case):
        told.append(f"{steps_right(case)} step{'' if case['steps'] == 1 else 's'} right")
    return "; ".join(told)


def courses(validation):
    """The same of all series in one sentence; '' where cases.json does not tell."""
    case = validation.case
    changes = case[case["change_predicted"] & case["change_published"].notna()]
    within = int((changes["change_error"].abs() <= CHANGE_BOUND).sum())
    asked, wrong = case["steps"].sum(), case["wrong_steps"].sum()
    return f"Relative change within {percent(CHANGE_BOUND)}: {within} of {len(changes)} series; " \
           f"steps right: {asked - wrong:.0f} of {asked:.0f}" if len(changes) else ""


def verdict_words(case):
    """The verdict with a symbol: it must not hang on colour."""
    return {"ok": "\u2713 holds", "miss": "\u2717 misses"}.get(case["verdict"], "\u25cb not counted")


def outcome(validation, case):
    """How far the case is off, by its kind of comparison."""
    if case["verdict"] == "uncounted" or not case["points"]:
        return "no predicted point is counted"
    if case["compare"] == "trend":
        return _steps(case)
    asked = f", tolerance {percent(case['tolerance'])}" if math.isfinite(case["tolerance"]) else ""
    if case["compare"] == "crossover":
        row = validation.rows(case["case"]).iloc[0]
        if math.isnan(row["simulated"]):
            return f"the simulated curve does not cross, the published one at {row['published']:g}{asked}"
        return f"crosses at {row['simulated']:.4g} instead of {row['published']:.4g} " \
               f"({signed(row['relative_error'])}{asked})"
    if case["points"] == 1:
        error = "no value" if case["lacking"] else f"error {percent(case['median'])}"
        return f"{error} at the one predicted point{asked}"
    return f"median error {percent(case['median'])} over {case['points']} predicted points{asked}; 90th percentile " \
           f"{percent(case['p90'])}"
