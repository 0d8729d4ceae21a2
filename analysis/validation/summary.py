"""Validation in numbers and words: errors by case and by topic, how a case misses, the finding.

Medians and percentiles are of |relative error| over the predicted points of absolute and relative series; of trends
and crossovers only right or wrong is asked."""
import math

import pandas

MEASURED = ("absolute", "relative")  # series whose errors have a size
CROSSING = "crossing"  # x of the row that is no point of a curve but the place where it crosses
HOST = "host"  # the topic of measurements on the reader's own machine


def by_case(point, told):
    """A row a case: `told` of it, and what follows from its rows. `points`: that are predicted and counted."""
    rows = []
    for name, case in told.items():
        own = counted(point[point["case"] == name])
        errors = _errors(own)
        compare = case["compare"] or own["compare"].iloc[0] if len(own) else case["compare"]
        wrong = int((own["verdict"] == "miss").sum())
        rows.append({
            "case": name, **{key: value for key, value in case.items() if key not in ("median", "p90")},
            "title": case["title"] or name, "compare": compare, "told_median": case["median"],
            "verdict": case["verdict"] or _verdict(compare, len(own), wrong), "points": len(own), "wrong": wrong,
            "median": quantile(errors, 0.5), "p90": quantile(errors, 0.9),
            "median_low": errors[(len(errors) - 1) // 2] if errors else math.nan,
            "median_high": errors[len(errors) // 2] if errors else math.nan,
        })
    return pandas.DataFrame(rows)


def _verdict(compare, points, wrong):
    """Where cases.json does not tell: the median is beyond the tolerance where more than half of the points are."""
    if not points:
        return "uncounted"
    return "miss" if wrong and (compare not in MEASURED or 2 * wrong > points) else "ok"


def by_topic(point, case):
    """A row a topic, the largest median first; topics without one last."""
    rows = []
    for topic, cases in case.groupby("topic", sort=False):
        errors = _errors(counted(point[point["case"].isin(cases["case"]) & point["compare"].isin(MEASURED)]))
        of = {kind: cases[cases["compare"] == kind] for kind in ("trend", "crossover")}
        worst = worst_first(cases).iloc[0]
        rows.append({
            "topic": topic, "cases": len(cases), "points": len(errors), "median": quantile(errors, 0.5),
            "p90": quantile(errors, 0.9),
            **{f"{kind}s": int((own["verdict"] != "uncounted").sum()) for kind, own in of.items()},
            **{f"{kind}s_right": int((own["verdict"] == "ok").sum()) for kind, own in of.items()},
            **{word: int((cases["verdict"] == word).sum()) for word in ("ok", "miss", "uncounted")},
            "worst": worst["case"],
        })
    return pandas.DataFrame(rows).sort_values("median", ascending=False, kind="stable").reset_index(drop=True)


def worst_first(cases):
    """Misses first, the larger errors first among both."""
    keys = pandas.DataFrame({"miss": cases["verdict"] == "miss", "median": cases["median"].fillna(-1.0)})
    return cases.loc[keys.sort_values(["miss", "median"], ascending=False, kind="stable").index]


def counted(rows):
    """Predicted points that a verdict counts."""
    return rows[(rows["role"] == "predicted") & (rows["verdict"] != "uncounted")]


def crossing(rows):
    """The row of a crossover case that says where both curves cross."""
    named = rows[rows["x"] == CROSSING]
    return (named if len(named) else rows).iloc[-1]


def _errors(rows):
    return sorted(rows["relative_error"].abs().dropna())


def quantile(ordered, share):
    """Between the two nearest values, in proportion; NaN of none."""
    if not ordered:
        return math.nan
    at = (len(ordered) - 1) * share
    low = math.floor(at)
    return ordered[low] + (ordered[min(low + 1, len(ordered) - 1)] - ordered[low]) * (at - low)


def percent(share):
    """0.173 -> '17 %', 0.0321 -> '3.2 %'"""
    if not math.isfinite(share):
        return "no value"
    return f"{100 * share:.{1 if abs(share) < 0.0995 else 0}f} %"


def signed(share):
    """0.173 -> '+17 %'"""
    return ("+" if share >= 0 else "") + percent(share) if math.isfinite(share) else "no value"


def headline(validation):
    """The finding of all cases in one sentence."""
    case, point = validation.case, validation.point
    errors = _errors(counted(point[point["compare"].isin(MEASURED)]))
    series = case[case["compare"].isin(MEASURED) & (case["points"] > 0)]
    parts = []
    if errors:
        parts.append(f"over {_many(len(errors), 'predicted point')} of {_many(len(series), 'series', 'series')} the median "
                     f"error is {percent(quantile(errors, 0.5))}")
    right = [f"{int(row['right'])} of {_many(int(row['all']), kind)}" for kind, row in _kinds(case).items() if row["all"]]
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
    return {kind: {"all": (own["verdict"] != "uncounted").sum(), "right": (own["verdict"] == "ok").sum()}
            for kind in ("trend", "crossover") for own in [case[case["compare"] == kind]]}


def _many(count, one, more=None):
    return f"{count} {one if count == 1 else more or one + 's'}"


def verdict_words(case):
    """The verdict with a symbol: it must not hang on colour."""
    return {"ok": "\u2713 holds", "miss": "\u2717 misses"}.get(case["verdict"], "\u25cb not counted")


def outcome(validation, case):
    """How far the case is off, by its kind of comparison."""
    if case["verdict"] == "uncounted" or not case["points"]:
        return "no predicted point is counted"
    if case["compare"] == "trend":
        wrong = case["wrong"]
        return f"{_many(wrong, 'step')} {'goes' if wrong == 1 else 'go'} the wrong way" if wrong else \
            "every step goes the right way"
    asked = f", tolerance {percent(case['tolerance'])}" if math.isfinite(case["tolerance"]) else ""
    if case["compare"] == "crossover":
        row = crossing(validation.rows(case["case"]))
        if math.isnan(row["simulated"]):
            return f"the simulated curve does not cross, the published one at {row['published']:g}{asked}"
        return f"crosses at {row['simulated']:.4g} instead of {row['published']:.4g} " \
               f"({signed(row['relative_error'])}{asked})"
    of = f"over {case['points']} predicted points" if case["points"] > 1 else "of one predicted point"
    return f"median error {percent(case['median'])} {of}{asked}; 90th percentile {percent(case['p90'])}"
