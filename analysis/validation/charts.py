"""What is drawn of each case, for the page and for paper alike."""
import math
from dataclasses import dataclass

from analysis.units import log_ticks, three_digits
from analysis.validation.styles import APART
from analysis.validation.summary import CROSSING, HOST, MEASURED, outcome, percent, signed

LOG_FROM = 8  # an axis over more than that from its least to its largest value is logarithmic


@dataclass(frozen=True)
class Mark:
    """One value of one curve."""

    x: float  # in a row of names: its height, in rows from above
    y: float  # NaN: no value
    kind: str  # calibrated | predicted | miss | uncounted
    hover: str


@dataclass(frozen=True)
class Scale:
    """An axis of values. `ticks` are of a logarithmic one."""

    title: str
    log: bool
    low: float
    high: float
    ticks: tuple = ()


@dataclass(frozen=True)
class CaseChart:
    """One case: two curves over numbers, or a row for each name with two marks in it."""

    case: dict  # its row of Validation.case
    reference: str  # what the first curve is: "published" or "measured"
    names: tuple  # of rows, from above; empty: curves
    x: Scale  # of rows: unused
    y: Scale
    published: tuple  # Marks
    simulated: tuple
    band: tuple  # (low, high) around each published value within the tolerance; empty: there is none

    @property
    def kinds(self):
        """How marks differ in this chart."""
        return {mark.kind for mark in (*self.published, *self.simulated) if not math.isnan(mark.y)}


def case_charts(validation):
    """A chart of every case, in the order of the cases."""
    return [_chart(validation, case) for case in validation.case.to_dict("records")]


def _chart(validation, case):
    rows = validation.rows(case["case"])
    reference = "measured" if case["topic"] == HOST else "published"
    named = not all(isinstance(x, (int, float)) for x in rows["x"]) or len(set(rows["x"])) < max(2, len(rows))
    places = list(range(len(rows))) if named else list(rows["x"])
    marks = [_marks(place, named, row, reference, case) for place, row in zip(places, rows.to_dict("records"))]
    if not named:
        marks.sort(key=lambda pair: pair[0].x)
    published, simulated = zip(*marks)
    tolerance = case["tolerance"]
    band = tuple(_around(mark.y, tolerance) for mark in published) if math.isfinite(tolerance) else ()
    x = Scale("", False, -0.6, len(places) - 0.4) if named else _scale(case["x"] or "x", places, from_zero=False)
    y = _scale(_y_title(case, rows), [mark.y for mark in (*published, *simulated) if not math.isnan(mark.y)], band,
               most_ticks=7 if named else 9)
    names = tuple(_name(case, x) for x in rows["x"]) if named else ()
    return CaseChart(case, reference, names, x, y, published, simulated, band)


def _around(value, tolerance):
    return tuple(sorted((value * (1 - tolerance), value * (1 + tolerance))))


def _y_title(case, rows):
    """The unit of the values: of relative series the table says what they are parts of."""
    if (rows["x"] == CROSSING).all():
        return f"{case['x'] or 'x'} at which it crosses"
    return rows["unit"].iloc[0] or case["unit"]


def _name(case, x):
    return str(x) if isinstance(x, str) else f"{case['x'] or 'x'} {x:g}"


def _marks(place, named, row, reference, case):
    calibrated = row["role"] == "calibrated"
    kind = "calibrated" if calibrated else "uncounted" if row["verdict"] == "uncounted" else \
        "miss" if row["verdict"] == "miss" else "predicted"
    simulated = row["simulated"]
    said = {"uncounted": "not counted", "calibrated": "calibrated", "miss": "\u2717 miss", "predicted": "\u2713 ok"}
    sized = math.isfinite(row["relative_error"]) and case["compare"] != "trend"  # a trend may have two units
    error = f" ({signed(row['relative_error'])})" if sized else ""
    hover = (f"{_name(case, row['x'])}\n{reference} {_number(row['published'])}\n"
             f"simulated {_number(simulated)}{error}\n{said[kind]}")
    plain = kind if kind in ("calibrated", "uncounted") else "predicted"
    apart = APART if named else 0.0
    return Mark(place - apart, row["published"], plain, hover), Mark(place + apart, simulated, kind, hover)


def _number(value):
    return three_digits(value) if math.isfinite(value) else "no value"


def _scale(title, values, band=(), from_zero=True, most_ticks=9):
    """Beyond `most_ticks` only powers of ten are labelled: a phone is narrow."""
    values = values or [1.0]
    low, high = min(values), max(values)
    if low > 0 and high > LOG_FROM * low:
        wide = [edge for pair in band for edge in pair if edge > 0]
        ticks, bottom, top = log_ticks(min([low, *wide]), max([high, *wide]))
        if not from_zero:
            bottom, top = low, high
        powers = [tick for tick in ticks if f"{tick:e}".startswith("1.")]
        return Scale(f"{title}, log scale", True, bottom, top,
                     tuple(powers if len(ticks) > most_ticks and len(powers) > 1 else ticks))
    low, high = min([low, *(pair[0] for pair in band)]), max([high, *(pair[1] for pair in band)])
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    edge = (high - low) * 0.05 or 1.0
    return Scale(title, False, low - (edge if low < 0 or not from_zero else 0.0), high + edge)


def caption(validation, chart):
    """Sentences: how the case comes out, which points miss, and whether that had been known before."""
    told = _caption(validation, chart)
    if chart.case["seen_before"]:
        told = f"{told}. Its predictions had been run before it was frozen"
    return told[:1].upper() + told[1:]


def _caption(validation, chart):
    case = chart.case
    told = outcome(validation, case)
    missed = [row for row in validation.rows(case["case"]).to_dict("records")
              if row["verdict"] == "miss" and row["role"] == "predicted" and row["x"] != CROSSING]
    if not missed or case["compare"] == "crossover":
        return told
    if case["compare"] == "trend":
        return f"{told}: to {', '.join(str(row['x']) for row in missed)}"
    far = sorted(missed, key=lambda row: (math.isfinite(row["relative_error"]), -abs(row["relative_error"])))
    listed = ", ".join(f"{row['x']} ({signed(row['relative_error'])})" for row in far[:4])
    more = f" and {len(far) - 4} more" if len(far) > 4 else ""
    return f"{told}. Outside it: {listed}{more}"


@dataclass(frozen=True)
class Overview:
    """Every predicted point of absolute and relative series at once: simulated as a multiple of published."""

    topics: tuple  # names, from above
    marks: tuple  # Marks: x is the multiple, y the number of the topic, from above, spread a little
    medians: tuple  # (multiple, topic): of the middle |error|, in both directions
    scale: Scale
    bound: float
    undrawn: int  # points that have no positive multiple


def overview(validation, bound=0.25):
    """None if there is no such point."""
    point = validation.point
    rows = point[point["compare"].isin(MEASURED) & (point["role"] == "predicted")]
    good = rows[rows["relative_error"] > -1]
    if not len(good):
        return None
    topics = [topic for topic in validation.topic["topic"] if topic in set(good["topic"])]
    marks = []
    for index, topic in enumerate(topics):
        own = good[good["topic"] == topic].sort_values("relative_error", kind="stable").to_dict("records")
        for order, row in enumerate(own):
            kind = {"uncounted": "uncounted", "miss": "miss"}.get(row["verdict"], "predicted")
            marks.append(Mark(1 + row["relative_error"], index + 0.14 * (order % 5 - 2), kind,
                              f"{row['case']} at {row['x']}\n{signed(row['relative_error'])}"))
    values = [mark.x for mark in marks]
    ticks, low, high = log_ticks(min(0.5, *values), max(2.0, *values))
    medians = [(row["median"], topics.index(row["topic"])) for row in validation.topic.to_dict("records")
               if row["topic"] in topics and math.isfinite(row["median"])]
    word = "measured" if set(good["topic"]) == {HOST} else "published"
    return Overview(tuple(topics), tuple(marks), tuple(medians),
                    Scale(f"simulated / {word}, log scale", True, low, high, tuple(ticks)), bound,
                    len(rows) - len(good))


def overview_caption(drawn):
    """Sentences."""
    said = ["A mark is a predicted point of an absolute or relative series; \u2717: outside its tolerance.",
            f"The band is {percent(drawn.bound)} to either side; the upright strokes of a row are its median error, to "
            "either side."]
    if drawn.undrawn:
        said.append(f"{drawn.undrawn} points without a positive value are left out.")
    return " ".join(said)
