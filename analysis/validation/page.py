"""The page of `mmsim validate`: the finding, the errors by topic, and each case over what was published."""
import math
from html import escape

from analysis import page_tables
from analysis.page_document import NO_SCRIPT, document
from analysis.page_parts import figure, mark_key
from analysis.units import three_digits, unbroken
from analysis.validation.charts import caption, overview, overview_caption
from analysis.validation.plotly import case_chart, overview_chart
from analysis.validation.styles import PUBLISHED, SIMULATED, marker, words
from analysis.validation.summary import (course, courses, factor, headline, outcome, percent, signed, steps_right,
                                         verdict_words, worst_first)

_COMPARES = {
    "absolute": "absolute: each value against the {} one",
    "relative": "relative: both curves as multiples of their value at one point",
    "trend": "trend: does each step go the way of the {} one?",
    "crossover": "crossover: where does the curve cross?",
}


def validation_page(validation, charts):
    """The page as text. `charts`: of every case, in order."""
    title = headline(validation)
    specs = {}
    summary = _summary(validation, specs)
    topics = list(dict.fromkeys(validation.case["topic"]))
    sections = "".join(_topic(validation, topic, [chart for chart in charts if chart.case["topic"] == topic], specs)
                       for topic in topics)
    links = "".join(f'<li><a href="#{_anchor("topic", topic)}">{escape(topic)}</a></li>' for topic in topics)
    warning = "".join(f"<li>{escape(note)}</li>" for note in validation.notes)
    nav = f'<nav aria-label="Sections"><ul><li><a href="#summary">summary</a></li>{links}</ul></nav>'
    header = (
        f"<header><h1>{escape(unbroken(title))}</h1><p class=conditions>{escape(_conditions(validation))}</p>"
        + (f'<aside role="note"><strong>Before you read on</strong><ul>{warning}</ul></aside>' if warning else "")
        + f"{nav}{NO_SCRIPT}</header>")
    return document(title, f"{header}<main>{summary}{sections}</main>\n{_footer(validation)}", specs)


def _footer(validation):
    facts = validation.manifest
    command = facts.get("command", "")
    command = " ".join(map(str, command)) if isinstance(command, list) else command
    told = [("mmsim", facts.get("version", "")), ("command", command),
            ("runs", f"{facts['runs']:g}" if "runs" in facts else ""),
            ("events", f"{facts['events']:,.0f}".replace(",", " ") if "events" in facts else ""),
            ("host time", f"{facts['host_seconds']:.1f} s" if "host_seconds" in facts else ""),
            ("directory", str(validation.directory))]
    rows = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in told if value)
    return f"<footer><dl>{rows}</dl></footer>"


def _conditions(validation):
    """How much was compared. Sources are told apart by what cases.json calls the publication."""
    case = validation.case
    told = [f"{len(case)} cases", f"{len(validation.topic)} topic{'' if len(validation.topic) == 1 else 's'}"]
    sources = {each["publication"] or each["source"].partition(";")[0] for each in case.to_dict("records")} - {""}
    if sources:
        told.append(f"{len(sources)} source{'' if len(sources) == 1 else 's'}")
    given = int((validation.point["role"] == "calibrated").sum())
    told.append(f"{given} given points (calibrated, or the base of a relative series), which do not count")
    return ", ".join(told)


def _summary(validation, specs):
    drawn = overview(validation)
    chart = ""
    if drawn:
        keys = "".join(mark_key(said, symbol, *marker(SIMULATED, kind)[1:]) for kind, symbol, said in (
            ("predicted", "circle", "predicted point"), ("miss", "x", "outside its tolerance"),
            ("uncounted", "circle", "not counted")) if kind in {mark.kind for mark in drawn.marks})
        chart = (f'<div class="block"><h3>Every predicted point</h3><div class="accounts">{keys}</div>'
                 f'{figure(specs, "", overview_chart(drawn), "errors by topic")}'
                 f"<p class=caption>{escape(unbroken(overview_caption(drawn)))}</p></div>")
    every = page_tables.folded(f"Every case ({len(validation.case)})", _cases(validation))
    return ('<section id="summary"><h2>Summary</h2><div class="block"><h3>Errors by topic</h3>'
            f"{_topic_table(validation)}<p class=caption>Median and 90th percentile of |error| are over the predicted "
            "points of absolute and relative series; of trends and crossovers it is counted how many are right.</p>"
            f'{_courses(validation)}{_groups(validation)}</div>{_worst(validation)}{chart}<div class="block">{every}</div></section>')


def _topic_table(validation):
    """Columns in which nothing would stand are left out."""
    topics = validation.topic.to_dict("records")
    columns = {
        "topic": [row["topic"] for row in topics], "cases": [row["cases"] for row in topics],
        "predicted points": [row["points"] for row in topics], "median": [_share(row["median"]) for row in topics],
        "90th percentile": [_share(row["p90"]) for row in topics],
        "trends right": [_right(row, "trends") for row in topics],
        "crossovers right": [_right(row, "crossovers") for row in topics], "hold": [row["ok"] for row in topics],
        "miss": [(f"\u2717 {row['miss']}" if row["miss"] else "0", row["miss"]) for row in topics],
        "not counted": [row["uncounted"] or None for row in topics],
        "worst case": [row["worst"] if row["miss"] or row["points"] else "" for row in topics],
    }
    columns = {name: cells for name, cells in columns.items() if any(cell is not None for cell in cells)}
    return '<div class="topics">' + page_tables.sortable(
        tuple(columns), list(zip(*columns.values())), list(columns).index("median") if "median" in columns else 0,
        "Largest median first; a header sorts") + "</div>"


def _groups(validation):
    """What had been known before the freeze, apart; nothing where cases.json does not tell."""
    rows = [[row["group"], str(row["cases"]), str(row["ok"]), str(row["points"]), percent(row["median"]),
             percent(row["p90"]), percent(row["median_of_cases"])] for row in validation.group.to_dict("records")]
    if not rows:
        return ""
    header = ("what was known", "cases", "hold", "points", "median", "90th percentile", "median of cases")
    return (f'<div class="groups">{page_tables.table(header, rows, numbers_from=1)}</div><p class=caption>The same by '
            "what was known before a case was frozen. The median of the cases' medians counts a case once however many "
            "points it has.</p>")


def _courses(validation):
    told = courses(validation)
    if not told:
        return ""
    return (f"<p class=finding>{escape(_sentence(told))}</p><p class=caption>A change is a series' last value as a "
            "multiple of its first; a step goes from a published point to the next, where the two differ enough to ask. "
            "Neither is part of a verdict.</p>")


def _share(value):
    return None if math.isnan(value) else (percent(value), min(value, 1e300))


def _right(row, kind):
    return (f"{row[f'{kind}_right']} of {row[kind]}", row[f"{kind}_right"] / row[kind]) if row[kind] else None


def _worst(validation):
    """Every miss by name, with its reason."""
    missed = worst_first(validation.case[validation.case["verdict"] == "miss"])
    if not len(missed):
        return '<div class="block"><p class=finding>No case misses.</p></div>'
    items = "".join(
        f'<li><a href="#{_anchor("case", case["case"])}">{escape(case["case"])}</a>: {escape(case["title"])}. '
        f"{escape(_sentence(outcome(validation, case)))} "
        f'{escape(_sentence("Why: " + case["miss"])) if case["miss"] else "<em>No reason is noted.</em>"}</li>'
        for case in missed.to_dict("records"))
    return f'<div class="block"><h3>Cases that miss ({len(missed)})</h3><ul class="misses">{items}</ul></div>'


def _sentence(text):
    text = text[:1].upper() + text[1:]
    return unbroken(text if text.endswith((".", "!", "?")) else f"{text}.")


def _cases(validation):
    header = ("case", "topic", "compare", "predicted points", "median", "90th percentile", "furthest off",
              "tolerance", "change", "simulated change", "change off by", "steps right", "verdict")
    rows = [[case["case"], case["topic"], case["compare"], case["points"], _share(case["median"]), _share(case["p90"]),
             (case["furthest"], min(case["furthest_error"], 1e300)) if case["furthest"] else None,
             _share(case["tolerance"]), _factor(case["change_published"]), _factor(case["change_simulated"]),
             _off(case["change_error"]), _steps(case), verdict_words(case)]
            for case in validation.case.sort_values("median", ascending=False, kind="stable").to_dict("records")]
    empty = {column for column in range(8, 12) if all(row[column] is None for row in rows)}  # of older directories
    header, *rows = [[cell for column, cell in enumerate(row) if column not in empty] for row in (header, *rows)]
    return page_tables.sortable(tuple(header), rows, 4, "Largest median first; a header sorts")


def _factor(multiple):
    return (factor(multiple), multiple) if math.isfinite(multiple) else None


def _off(error):
    return (signed(error), abs(error)) if math.isfinite(error) else None


def _steps(case):
    return (steps_right(case), 1 - case["wrong_steps"] / case["steps"]) if steps_right(case) else None


def _topic(validation, topic, charts, specs):
    row = validation.topic[validation.topic["topic"] == topic].iloc[0]
    told = [f"{row['points']} predicted points, median error {percent(row['median'])}, 90th percentile "
            f"{percent(row['p90'])}"] if row["points"] else []
    told += [f"{row[f'{kind}_right']} of {row[kind]} {kind} right" for kind in ("trends", "crossovers") if row[kind]]
    told.append(f"{row['miss']} of {row['cases']} cases miss{'es' if row['miss'] == 1 else ''}" if row["miss"] else
                "nothing misses")
    cases = "".join(_case(validation, chart, specs) for chart in charts)
    return (f'<section id="{_anchor("topic", topic)}"><h2>{escape(topic)}</h2><p class=finding>'
            f'{escape(_sentence("; ".join(told)))}</p><div class="grid two cases">{cases}</div></section>')


def _case(validation, chart, specs):
    case = chart.case
    facts = [("source", case["source"]), ("rows", ", ".join(case["rows"])), ("machine", case["machine"]),
             ("compared", _COMPARES[case["compare"]].format(chart.reference)),
             ("tolerance", percent(case["tolerance"]) if math.isfinite(case["tolerance"]) else ""),
             ("change", course(case)),
             ("free parameters", ", ".join(case["free"])), ("why it misses", case["miss"]), ("note", case["note"]),
             ("seen before it was frozen", case["seen_before"]),
             ("not frozen", "what is called a prediction here may have been fitted" if case["frozen"] is False else ""),
             ("changed", "; ".join(case["changes"])), ("warnings", "; ".join(case["warnings"]))]
    told = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts if value)
    return (f'<article class="block case" id="{_anchor("case", case["case"])}"><h3>{escape(case["title"])}</h3>'
            f'<p class="verdict {escape(case["verdict"])}"><strong>{escape(verdict_words(case))}</strong> '
            f"{escape(_sentence(caption(validation, chart)))}</p>"
            f'<div class="accounts">{_keys(chart)}</div>'
            f'{figure(specs, "", case_chart(chart), case["title"])}<dl>{told}</dl>'
            f'{page_tables.folded("Numbers: " + case["case"], _numbers(validation, chart))}</article>')


def _keys(chart):
    curves = (chart.reference, PUBLISHED, "solid"), ("simulated", SIMULATED, "7 3")
    keys = "".join(mark_key(name, style.symbol, style.colour, False, None if chart.names else dashes, index)
                   for index, (name, style, dashes) in enumerate(curves))
    keys += "".join(mark_key(words(kind, chart.case["compare"]), *marker(SIMULATED, kind))
                    for kind in ("calibrated", "miss", "uncounted") if kind in chart.kinds)
    if chart.band:
        keys += f'<span class="key"><i class="swatch band"></i>within {escape(percent(chart.case["tolerance"]))}</span>'
    return keys


def _numbers(validation, chart):
    rows = validation.rows(chart.case["case"]).to_dict("records")
    steps = any(row["step"] for row in rows)  # a directory of before does not tell
    cells = [[str(row["x"]), *(three_digits(row[name]) if math.isfinite(row[name]) else "no value"
                               for name in ("published", "simulated")),
              "-" if row["compare"] == "trend" else signed(row["relative_error"]), row["role"],
              *([{"right": "\u2713 right", "wrong": "\u2717 wrong"}.get(row["step"], "")] if steps else []),
              {"ok": "\u2713 ok", "miss": "\u2717 miss"}.get(row["verdict"], "\u25cb not counted")] for row in rows]
    header = (chart.case["x"] or "x", chart.reference, "simulated", "error", "role", *(["step to it"] if steps else []),
              "verdict")
    return page_tables.table(header, cells, numbers_from=1)


def _anchor(kind, name):
    return f"{kind}-" + "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
