"""Cases on paper, with matplotlib: PNG, SVG and PDF. The same charts give the same bytes."""
import math

from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from analysis.figures import write_figure
from analysis.palette import LIGHT
from analysis.sheet import Sheet
from analysis.units import with_prefix
from analysis.validation.charts import caption, overview_caption
from analysis.validation.styles import BAND, PUBLISHED, SIMULATED, SIZES, marker, words
from analysis.validation.summary import headline, percent, verdict_words

_SYMBOLS = {"circle": "o", "diamond": "D", "x": "X"}
_DASHES = {"solid": "-", "7px,3px": (0, (5, 1.8))}


def write_case(validation, chart, write):
    """Calls write(file name, function that saves to an open binary file) for the figure of a case."""
    write_figure(f"case-{chart.case['case']}", lambda each: _case(validation, each), chart, write)


def write_overview(validation, drawn, write):
    """The same for the figure of all points."""
    write_figure("errors", lambda each: _overview(validation, each), drawn, write)


def _case(validation, chart):
    case = chart.case
    title = f"{verdict_words(case)}: {case['title']}"
    subtitle = "; ".join(filter(None, (caption(validation, chart), case["machine"])))
    below = " ".join(filter(None, (f"Source: {case['source']}." if case["source"] else "",
                                   f"Why it misses: {case['miss']}" if case["miss"] else "")))
    size = (6.6, 0.5 + 0.42 * len(chart.names)) if chart.names else (8.2, 3.9)
    left = 0.4 + max(map(len, chart.names)) * 0.09 if chart.names else 0.95
    sheet = Sheet(1, 1, size, title, subtitle, below, _legend(chart), left=left)
    (axes,) = sheet.panels[0]
    (_draw_rows if chart.names else _draw_curves)(axes, chart)
    return sheet.figure


def _legend(chart):
    legend = [(_line(PUBLISHED), chart.reference), (_line(SIMULATED), "simulated")]
    if chart.names:
        for line, _ in legend:
            line.set_linestyle("none")
    legend += [(_mark(SIMULATED, kind), words(kind, chart.case["compare"]))
               for kind in ("calibrated", "miss", "uncounted") if kind in chart.kinds]
    if chart.band:
        legend.append((Patch(facecolor=LIGHT[BAND], alpha=0.25, linewidth=0),
                       f"within {percent(chart.case['tolerance'])}"))
    return legend


def _line(style):
    return Line2D([], [], color=LIGHT[style.colour], linewidth=1.9, linestyle=_DASHES[style.dash],
                  marker=_SYMBOLS[style.symbol], markersize=SIZES[style.symbol] * 0.7)


def _mark(style, kind):
    symbol, colour, hollow = marker(style, kind)
    return Line2D([], [], color=LIGHT[colour], linestyle="none", marker=_SYMBOLS[symbol],
                  markersize=SIZES[symbol] * 0.7, markeredgewidth=1.5 if hollow else 0.8,
                  markerfacecolor=LIGHT["paper"] if hollow else LIGHT[colour])


def _draw_marks(axes, marks, style, across=False):
    for mark in marks:
        if math.isnan(mark.y):
            continue
        drawn = _mark(style, mark.kind)
        drawn.set_data(*([mark.y], [mark.x]) if across else ([mark.x], [mark.y]))
        drawn.set_zorder(4)
        axes.add_line(drawn)


def _draw_curves(axes, chart):
    if chart.band:
        axes.fill_between([mark.x for mark in chart.published], *zip(*chart.band), color=LIGHT[BAND], alpha=0.18,
                          linewidth=0, zorder=1)
    for marks, style in ((chart.published, PUBLISHED), (chart.simulated, SIMULATED)):
        axes.plot([mark.x for mark in marks], [mark.y for mark in marks], color=LIGHT[style.colour], linewidth=1.9,
                  linestyle=_DASHES[style.dash], zorder=3)
        _draw_marks(axes, marks, style)
    _scale(axes.xaxis, axes.set_xscale, axes.set_xlim, chart.x)
    _scale(axes.yaxis, axes.set_yscale, axes.set_ylim, chart.y)


def _draw_rows(axes, chart):
    for index, (low, high) in enumerate(chart.band):
        axes.barh(index, high - low, left=low, height=0.36, color=LIGHT[BAND], alpha=0.25, linewidth=0, zorder=1)
    for one, other in zip(chart.published, chart.simulated):
        axes.plot([one.y, other.y], [one.x, other.x], color=LIGHT["faint"], linewidth=0.9, linestyle=":", zorder=2)
    _draw_marks(axes, chart.published, PUBLISHED, across=True)
    _draw_marks(axes, chart.simulated, SIMULATED, across=True)
    _scale(axes.xaxis, axes.set_xscale, axes.set_xlim, chart.y)
    axes.set_yticks(range(len(chart.names)), chart.names)
    axes.set_ylim(len(chart.names) - 0.4, -0.6)


def _scale(axis, set_scale, set_limits, scale):
    """One axis of values, as wide as on the page."""
    if scale.log:
        set_scale("log")
        set_limits(scale.low / 1.06, scale.high * 1.06)
        axis.set_major_locator(FixedLocator(scale.ticks))
        axis.set_minor_locator(NullLocator())
    else:
        set_limits(scale.low, scale.high)
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: with_prefix(value)))
    axis.set_label_text(scale.title)


def _overview(validation, drawn):
    legend = [(_dot("predicted"), "predicted point"), (_dot("miss"), "outside its tolerance")]
    if any(mark.kind == "uncounted" for mark in drawn.marks):
        legend.append((_dot("uncounted"), "not counted"))
    legend.append((Line2D([], [], color=LIGHT["ink"], linestyle="none", marker="|", markersize=12, markeredgewidth=2),
                   "median error, to either side"))
    sheet = Sheet(1, 1, (7.2, 0.5 + 0.34 * len(drawn.topics)), headline(validation),
                  "Every predicted point of absolute and relative series", overview_caption(drawn), legend,
                  left=0.4 + max(map(len, drawn.topics)) * 0.09)
    (axes,) = sheet.panels[0]
    axes.axvspan(1 - drawn.bound, 1 + drawn.bound, color=LIGHT[BAND], alpha=0.18, linewidth=0, zorder=1)
    axes.axvline(1, color=LIGHT["faint"], linewidth=1, zorder=2)
    for mark in drawn.marks:
        dot = _dot(mark.kind)
        dot.set_data([mark.x], [mark.y])
        dot.set_zorder(3)
        axes.add_line(dot)
    strokes = [(value, row) for median, row in drawn.medians for value in (1 - median, 1 + median) if value > 0]
    axes.plot([x for x, _ in strokes], [y for _, y in strokes], linestyle="none", marker="|", markersize=14,
              markeredgewidth=2, color=LIGHT["ink"], zorder=4)
    _scale(axes.xaxis, axes.set_xscale, axes.set_xlim, drawn.scale)
    axes.set_yticks(range(len(drawn.topics)), drawn.topics)
    axes.set_ylim(len(drawn.topics) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    return sheet.figure


def _dot(kind):
    dot = _mark(SIMULATED, kind)
    dot.set_marker("X" if kind == "miss" else "o")
    dot.set_markersize(5)
    dot.set_alpha(0.8)
    return dot
