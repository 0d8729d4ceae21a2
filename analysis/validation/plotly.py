"""Cases as plotly figures in JSON, for the page. Colours as in analysis/plotly_charts.py."""
import math
import textwrap

from analysis.plotly_charts import AXIS, layout, plain, title
from analysis.units import three_digits, with_prefix
from analysis.validation.styles import BAND, PUBLISHED, SIMULATED, SIZES, marker


def case_chart(chart):
    """One case. `meta` 0 is the published curve, 1 the simulated one (keys of the legend)."""
    return _rows(chart) if chart.names else _curves(chart)


def _curves(chart):
    data = []
    if chart.band:
        x = [mark.x for mark in chart.published]
        data.append({"type": "scatter", "mode": "lines", "fill": "toself", "line": {"width": 0}, "hoverinfo": "skip",
                     "x": x + x[::-1], "fillcolor": f"@{BAND}/0.16", "meta": 2,
                     "y": _finite([high for _, high in chart.band] + [low for low, _ in chart.band[::-1]])})
    for meta, (marks, style) in enumerate(((chart.published, PUBLISHED), (chart.simulated, SIMULATED))):
        data.append({"type": "scatter", "mode": "lines", "x": [mark.x for mark in marks], "meta": meta,
                     "y": _finite([mark.y for mark in marks]), "hoverinfo": "skip",
                     "line": {"color": f"@{style.colour}", "width": 2, "dash": style.dash}})
        data += _markers(marks, style, meta)
    drawn = layout(height=300)
    drawn["xaxis"] = {**AXIS, "showline": True, **_axis(chart.x)}
    drawn["yaxis"] = {**AXIS, **_axis(chart.y)}
    return {"data": data, "layout": drawn}


def _rows(chart):
    """Names stand one below the other, with what was published and what was simulated in each row."""
    data = []
    for index, (low, high) in enumerate(chart.band):
        if math.isfinite(low):
            data.append({"type": "scatter", "mode": "lines", "x": [low, high], "y": [index, index], "meta": 2,
                         "hoverinfo": "skip", "line": {"color": f"@{BAND}/0.25", "width": 14}})
    for one, other in zip(chart.published, chart.simulated):
        data.append({"type": "scatter", "mode": "lines", "x": _finite([one.y, other.y]), "y": [one.x, other.x],
                     "hoverinfo": "skip", "line": {"color": "@faint", "width": 1, "dash": "2px,3px"}})
    for meta, (marks, style) in enumerate(((chart.published, PUBLISHED), (chart.simulated, SIMULATED))):
        data += [{**each, "x": each["y"], "y": each["x"]} for each in _markers(marks, style, meta)]
    drawn = layout(height=110 + 44 * len(chart.names))
    drawn["xaxis"] = {**AXIS, "showline": True, **_axis(chart.y)}
    drawn["yaxis"] = {**AXIS, "tickvals": list(range(len(chart.names))), "range": [len(chart.names) - 0.4, -0.6],
                      "ticktext": [_folded(name) for name in chart.names]}
    return {"data": data, "layout": drawn}


def _markers(marks, style, meta):
    """A trace for each kind of mark: page.js knows no colours within lists."""
    for kind in dict.fromkeys(mark.kind for mark in marks):
        own = [mark for mark in marks if mark.kind == kind]
        symbol, colour, hollow = marker(style, kind)
        yield {"type": "scatter", "mode": "markers", "x": [mark.x for mark in own], "meta": meta,
               "y": _finite([mark.y for mark in own]), "text": [plain(mark.hover) for mark in own],
               "hovertemplate": "%{text}<extra></extra>",
               "marker": {"symbol": symbol + ("-open" if hollow else ""), "size": SIZES[symbol],
                          "color": f"@{colour}", "line": {"width": 2 if hollow else 0}}}


def _axis(scale):
    axis = {"title": title(_folded(scale.title, 34)), "tickangle": 0, "type": "log" if scale.log else "linear"}
    if scale.log:
        span = math.log10(scale.high / scale.low) * 0.03
        axis |= {"tickvals": list(scale.ticks), "ticktext": [with_prefix(tick) for tick in scale.ticks],
                 "range": [math.log10(scale.low) - span, math.log10(scale.high) + span]}
    else:
        axis |= {"range": [scale.low, scale.high], "nticks": 6, "tickformat": "~s" if scale.high >= 1e4 else ""}
    return axis


def overview_chart(drawn):
    """Every predicted point, a row a topic."""
    low, high = 1 - drawn.bound, 1 + drawn.bound
    edges = [-0.7, len(drawn.topics) - 0.3]
    data = [{"type": "scatter", "mode": "lines", "fill": "toself", "line": {"width": 0}, "hoverinfo": "skip",
             "x": [low, high, high, low], "y": [edges[0], edges[0], edges[1], edges[1]], "fillcolor": f"@{BAND}/0.16"},
            {"type": "scatter", "mode": "lines", "x": [1, 1], "y": edges, "hoverinfo": "skip",
             "line": {"color": "@faint", "width": 1}}]
    data += _markers(drawn.marks, SIMULATED, 1)
    for trace in data[2:]:
        symbol = trace["marker"]["symbol"].replace("diamond", "circle")
        trace["marker"] |= {"size": 7, "symbol": symbol, "opacity": 0.75}
    strokes = [(value, row) for median, row in drawn.medians for value in (1 - median, 1 + median) if value > 0]
    data.append({"type": "scatter", "mode": "markers", "x": [x for x, _ in strokes], "y": [y for _, y in strokes],
                 "text": [f"{plain(drawn.topics[row])}: median error {three_digits(100 * abs(x - 1))} %"
                          for x, row in strokes], "hovertemplate": "%{text}<extra></extra>",
                 "marker": {"symbol": "line-ns-open", "size": 18, "color": "@ink", "line": {"width": 2.5}}})
    drawn_layout = layout(height=110 + 32 * len(drawn.topics))
    drawn_layout["xaxis"] = {**AXIS, "showline": True, **_axis(drawn.scale)}
    drawn_layout["yaxis"] = {**AXIS, "tickvals": list(range(len(drawn.topics))), "range": edges[::-1],
                             "showgrid": False, "ticktext": [plain(topic) for topic in drawn.topics]}
    return {"data": data, "layout": drawn_layout}


def _finite(values):
    return [float(f"{value:.6g}") if math.isfinite(value) else None for value in values]


def _folded(text, letters=22):
    """A long text in lines: a phone is narrow."""
    return "<br>".join(plain(line) for line in textwrap.wrap(text, letters))
