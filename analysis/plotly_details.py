"""Distributions, heat maps and sampled points as plotly figures in JSON, for the page.

Colours as in plotly_charts.py."""
import math

from analysis.palette import HEAT
from analysis.plotly_charts import AXIS, layout, line_style, plain, title
from analysis.units import with_prefix

_MARKS = 9  # of each line: a marker at every bucket would be a band


def distribution_chart(distribution, series):
    """CDFs; `views` are the two y axes that the page switches between, `choice` says at which x a trace was taken.
    page.js takes y from `cdf` or `tail`."""
    shown = len(distribution.choices) - 1
    data = []
    for line in distribution.lines:
        name = plain(line.series.label)
        where = f" {distribution.choices[line.choice]}" if distribution.choices[line.choice] else ""
        style = line_style(line.series)
        data.append({
            "type": "scatter", "mode": "lines+markers", "x": [_rounded(value, 5) for value in line.latency],
            "cdf": [_rounded(share, 7) for share in line.below],
            "tail": [_rounded(1 - share, 7) if share < 1 else None for share in line.below],
            "meta": series.index(line.series), "choice": line.choice, "visible": line.choice == shown, "name": name,
            "text": f"{name}{where}", "hovertemplate": _hover("cdf", distribution.unit),
            "hovers": {view: _hover(view, distribution.unit) for view in ("cdf", "tail")},
            "line": style["line"], "marker": {**style["marker"], "maxdisplayed": _MARKS},
        })
    drawn = layout(height=400)
    edge = math.log10(distribution.high / distribution.low) * 0.02
    drawn["xaxis"] = {**AXIS, "title": title(plain(distribution.x_title)), "type": "log", "showline": True,
                      "tickvals": list(distribution.ticks),
                      "ticktext": [with_prefix(tick) for tick in distribution.ticks],
                      "range": [math.log10(distribution.low) - edge, math.log10(distribution.high) + edge]}
    powers = range(0, math.floor(math.log10(distribution.rarest)) - 1, -1)
    views = {
        "cdf": {**AXIS, "title": title("share that took less"), "type": "linear", "range": [-0.02, 1.02],
                "tickvals": [0, 0.25, 0.5, 0.75, 1], "ticktext": ["0", "25%", "50%", "75%", "100%"]},
        "tail": {**AXIS, "title": title("share that took as long or longer, log scale"), "type": "log",
                 "range": [math.log10(distribution.rarest) - 0.15, 0.1],
                 "tickvals": [10.0**power for power in powers],
                 "ticktext": [f"{10.0**(power + 2):g}%" for power in powers]},
    }
    drawn["yaxis"] = views["cdf"]
    return {"data": data, "layout": drawn, "views": views}


def _hover(view, unit):
    what = "take less than" if view == "cdf" else "take as long or longer than"
    return f"%{{text}}<br>%{{y:.4~p}} {what} %{{x:.3~s}} {unit}<extra></extra>"


def heat_map(charts, heat):
    """Rows send, columns receive; the colour is the logarithm of the count."""
    names = heat.groups
    low, high = math.log10(charts.low), math.log10(charts.high)
    word = "CPU" if heat.width == 1 else "CPUs"
    group = "" if heat.width == 1 else f" (groups of {heat.width})"
    step = max(1, -(-len(names) // 8))
    drawn = layout(height=340)
    for axis, way in (("xaxis", "to"), ("yaxis", "from")):
        drawn[axis] = {**AXIS, "title": title(f"{way} CPU{group}"), "type": "category", "showgrid": False,
                       "tickvals": names[::step], "tickangle": 0,
                       "ticktext": [name.partition("-")[0] for name in names[::step]], "mirror": True,
                       "showline": True}
    drawn["yaxis"]["autorange"] = "reversed"
    return {"data": [{
        "type": "heatmap", "x": names, "y": names, "hoverongaps": False, "showscale": False,
        "z": [[_rounded(math.log10(count), 4) if count > 0 else None for count in row] for row in heat.counts],
        "customdata": [[_rounded(count, 6) if count > 0 else None for count in row] for row in heat.counts],
        "hovertemplate": f"{word} %{{y}} to {word} %{{x}}: %{{customdata}}<extra></extra>",
        "zmin": low, "zmax": high if high > low else low + 1,
        "colorscale": [[index / (len(HEAT) - 1), f"@{name}"] for index, name in enumerate(HEAT)],
    }], "layout": drawn}


def scatter_chart(scatter):
    """The points of a sampled sweep against one axis."""
    data = []
    for index, cloud in enumerate(scatter.clouds):
        trace = {
            "type": "scatter", "mode": "markers", "x": list(cloud.x), "y": [_rounded(y, 6) for y in cloud.y],
            "meta": index, "name": plain(cloud.series.label), "text": [plain(text) for text in cloud.hover],
            "hovertemplate": "%{text}<extra></extra>", "marker": line_style(cloud.series)["marker"],
        }
        if any(cloud.half):
            trace["error_y"] = {"type": "data", "array": [_rounded(half, 4) for half in cloud.half], "width": 0,
                                "thickness": 1, "color": f"@{cloud.series.colour}"}
        data.append(trace)
    drawn = layout(height=300)
    drawn["xaxis"] = {**AXIS, "title": title(plain(scatter.x_title)), "showline": True, "nticks": 6,
                      "type": "log" if scatter.x_log else "linear"}
    if scatter.x_log:
        drawn["xaxis"] |= {"tickvals": list(scatter.x_ticks),
                           "ticktext": [with_prefix(tick) for tick in scatter.x_ticks]}
    edge = math.log10(scatter.high / scatter.low) * 0.03
    drawn["yaxis"] = {**AXIS, "title": title(plain(scatter.y_title)), "type": "log", "tickvals": list(scatter.y_ticks),
                      "ticktext": [with_prefix(tick) for tick in scatter.y_ticks],
                      "range": [math.log10(scatter.low) - edge, math.log10(scatter.high) + edge]}
    return {"data": data, "layout": drawn}


def _rounded(value, digits):
    """Fewer bytes in the page."""
    return float(f"{value:.{digits}g}")
