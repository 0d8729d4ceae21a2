"""The charts as plotly figures in JSON, for the page.

A colour is written '@name' or '@name/alpha' and filled in by page.js from the page's CSS, which knows whether the
reader's screen is light, dark or paper.
"""
import html
import math

from analysis.palette import account_style
from analysis.units import three_digits, with_prefix

_FONT = {"color": "@ink", "size": 13, "family": "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"}
AXIS = {"gridcolor": "@grid", "linecolor": "@faint", "zeroline": False, "automargin": True, "fixedrange": False}


def line_chart(charts, panel):
    """One panel of lines or bars."""
    return _bars(panel) if charts.x is None else _lines(charts, panel)


def _lines(charts, panel):
    x = list(charts.x.numbers)
    data = []
    if panel.ideal:
        data.append({"type": "scatter", "mode": "lines", "x": x, "y": _finite(panel.ideal), "name": "ideal scaling",
                     "line": {"color": "@faint", "width": 1.5, "dash": "2px,3px"}, "hoverinfo": "skip"})
    for index, line in enumerate(panel.lines):
        if line.low:
            data += [{**band, "fillcolor": f"@{line.series.colour}/0.22", "meta": index} for band in _bands(x, line)]
    for index, line in enumerate(panel.lines):
        data.append({
            "type": "scatter", "mode": "lines+markers", "x": list(line.x) or x, "y": _finite(line.y), "meta": index,
            "name": plain(line.series.label), "text": [plain(text) for text in line.hover],
            "hovertemplate": "%{text}<extra></extra>",
            **line_style(line.series),
        })
    drawn = layout(height=360)
    span = (math.log10(panel.high / panel.low) or 1.0) * 0.03
    drawn["xaxis"] = {**AXIS, "title": title(plain(charts.x_title)), "tickvals": x,
                       "ticktext": [plain(str(value)) for value in charts.x.values], "showline": True,
                       "type": "log" if charts.x_is_log else "linear"}
    drawn["yaxis"] = {**AXIS, "title": title(plain(panel.y_title)), "type": "log", "tickvals": list(panel.ticks),
                       "ticktext": [with_prefix(tick) for tick in panel.ticks],
                       "range": [math.log10(panel.low) - span, math.log10(panel.high) + span]}
    return {"data": data, "layout": drawn}


def _bands(x, line):
    """One closed outline for each stretch without a gap."""
    stretch = []
    for at, low, high in (*zip(x, line.low, line.high), (None, math.nan, math.nan)):
        if math.isnan(low) or math.isnan(high):
            if len(stretch) > 1:
                yield {"type": "scatter", "mode": "lines", "fill": "toself", "line": {"width": 0}, "hoverinfo": "skip",
                       "x": [point[0] for point in stretch] + [point[0] for point in reversed(stretch)],
                       "y": [point[2] for point in stretch] + [point[1] for point in reversed(stretch)]}
            stretch = []
        else:
            stretch.append((at, low, high))


def _bars(panel):
    data = []
    for index, line in enumerate(panel.lines):
        bar = {"type": "bar", "orientation": "h", "y": [_category(line.series.label)], "x": _finite(line.y),
               "meta": index, "name": plain(line.series.label), "hovertext": [plain(text) for text in line.hover],
               "hovertemplate": "%{hovertext}<extra></extra>", "cliponaxis": False,
               "marker": {"color": f"@{line.series.colour}", "pattern": _pattern(line.series.dash > 0)}}
        if line.low:
            bar["error_x"] = {"type": "data", "array": [line.high[0] - line.y[0]], "color": "@ink", "thickness": 2,
                              "width": 4}
        else:
            bar["text"], bar["textposition"] = [with_prefix(line.y[0]) if line.y[0] > 0 else ""], "outside"
        data.append(bar)
    drawn = layout(height=130 + 40 * len(panel.lines))
    drawn["xaxis"] = {**AXIS, "title": title(plain(panel.y_title)), "range": [0, panel.high], "tickformat": "~s"
                       if panel.high >= 1e4 else "", "nticks": 5}
    drawn["yaxis"] = {**AXIS, "autorange": "reversed", "showgrid": False}
    return {"data": data, "layout": drawn}


def stack_chart(charts, stack):
    """One panel of stacked accounts; `times` and `shares` in it are the two views that the page switches between."""
    totals = [sum(column) for column in zip(*stack.times.values())]
    data = []
    names = [_category(name) for name in stack.categories] if stack.horizontal else \
        [plain(name) for name in stack.categories]
    length, place = ("x", "y") if stack.horizontal else ("y", "x")
    for account in charts.accounts:
        times = stack.times.get(account)
        if not times:
            continue
        colour, striped = account_style(account)
        shares = [100.0 * time / total if total else 0.0 for time, total in zip(times, totals)]
        data.append({
            "type": "bar", "orientation": "h" if stack.horizontal else "v", place: names, length: list(times),
            "times": list(times), "shares": shares, "name": plain(account),
            "hovertext": [f"{plain(account)}: {three_digits(time)} ({share:.0f}%)"
                          for time, share in zip(times, shares)],
            "hovertemplate": "%{hovertext}<extra></extra>",
            "marker": {"color": f"@{colour}", "pattern": _pattern(striped)},
        })
    drawn = layout(height=170 + 40 * len(names) if stack.horizontal else 300)
    drawn["barmode"] = "stack"
    drawn["bargap"] = 0.25
    if not stack.horizontal:
        drawn["hovermode"] = "x"
    highest = max((sum(column) for each in charts.stacks for column in zip(*each.times.values())), default=1.0) * 1.03
    drawn[f"{length}axis"] = {**AXIS, "title": title(plain(charts.stack_unit_title)), "range": [0, highest],
                               "nticks": 6}
    drawn[f"{place}axis"] = {**AXIS, "type": "category", "showgrid": False}
    if stack.horizontal:
        drawn["yaxis"]["autorange"] = "reversed"
    else:
        drawn["xaxis"]["title"] = title(plain(charts.x.path))
    return {"data": data, "layout": drawn}


def line_style(series):
    """A dashed line has open markers, which let through what they cover."""
    dashed = series.dash > 0
    return {
        "line": {"color": f"@{series.colour}", "width": 2.2,
                 "dash": ("solid", "7px,3px", "2px,3px", "8px,3px,2px,3px")[series.dash]},
        "marker": {"symbol": series.marker + ("-open" if dashed else ""), "size": 11 if dashed else 7,
                   "color": f"@{series.colour}", "line": {"width": 2 if dashed else 0}},
    }


def title(text):
    """Of an axis: no larger than other text, as a phone is narrow."""
    return {"text": text, "font": {"size": 13}}


def layout(height):
    """What all charts of the page share."""
    return {
        "font": _FONT, "paper_bgcolor": "@paper", "plot_bgcolor": "@paper", "height": height, "showlegend": False,
        "margin": {"l": 8, "r": 14, "t": 24, "b": 8}, "hovermode": "closest", "dragmode": "zoom",
        "hoverlabel": {"bgcolor": "@paper", "bordercolor": "@faint", "font": {"color": "@ink"}, "align": "left"},
    }


def _pattern(striped):
    return {"shape": "/" if striped else "", "fgcolor": "@paper", "fillmode": "overlay", "solidity": 0.3, "size": 8}


def _finite(values):
    return [value if math.isfinite(value) else None for value in values]


def _category(label):
    """Long labels break after their commas."""
    return "<br>".join(plain(part) for part in label.split(", "))


def plain(text):
    """Text as itself in plotly, which reads some HTML in labels."""
    return html.escape(text, quote=False).replace("\n", "<br>")
