"""Distributions, waits, heat maps and sampled points on paper, with matplotlib."""
from itertools import chain

from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from analysis.line_marks import DASHES, handle
from analysis.palette import HEAT, LIGHT
from analysis.plan import ONLY
from analysis.sheet import Sheet
from analysis.units import log_ticks, three_digits, unit_for, with_prefix

MOST_PARTS = 7  # of a bar of waits
_PARTS = (("blue", ""), ("orange", "////"), ("green", ""), ("vermillion", "\\\\\\\\"), ("sky", "...."), ("purple", ""),
          ("yellow", "xxxx"))  # neighbours differ in lightness and in hatching


def distribution(charts):
    """The CDF and its tail at the largest x; None without a histogram."""
    drawn = charts.distribution
    if drawn is None:
        return None
    last = len(drawn.choices) - 1
    where = f" {drawn.choices[last]}" if drawn.choices[last] else ""
    lines = drawn.at(last)
    what = f"Distribution of the latency of {charts.operation}{where}"
    legend = [(handle(line.series), line.series.label) for line in lines if line.series.label != ONLY]
    sheet = Sheet(1, 2, (5.2, 4.1), charts.finding, "; ".join(filter(None, (what, charts.conditions))),
                  " ".join(drawn.caption), legend, between_columns=0.85)
    below, tail = sheet.panels[0]
    floor = drawn.rarest / 1.4  # of the tail: where nothing took longer, its line leaves the panel
    for axes, share in ((below, lambda share: share), (tail, lambda share: max(1 - share, floor))):
        for line in lines:
            style = handle(line.series)
            axes.plot(line.latency, [share(value) for value in line.below], color=style.get_color(),
                      linewidth=style.get_linewidth(), marker=style.get_marker(), markersize=style.get_markersize(),
                      markerfacecolor=style.get_markerfacecolor(), markeredgewidth=style.get_markeredgewidth(),
                      linestyle=DASHES[line.series.dash], markevery=max(1, len(line.latency) // 8))
        axes.set_xscale("log")
        axes.set_xlim(drawn.low, drawn.high)
        axes.xaxis.set_major_locator(FixedLocator(drawn.ticks))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: with_prefix(value)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel(drawn.x_title)
    below.set_title("share that took less", loc="left")
    below.set_ylim(-0.02, 1.02)
    below.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}%"))
    tail.set_title("share that took as long or longer, log scale", loc="left")
    tail.set_yscale("log")
    tail.set_ylim(floor, 1.25)
    tail.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}%"))
    tail.yaxis.set_minor_formatter(NullFormatter())
    return sheet.figure


def waits(charts):
    """A bar for each shown point: for whom the operation waits, and the rest of its time. None without wait.csv."""
    table = charts.waits
    if table is None:
        return None
    parts = [(f"{name} ({account})", [wait.mean_ns if wait else 0.0 for wait in cells])
             for (account, name), cells in table.rows[:MOST_PARTS]]
    named = [sum(times[at] for _, times in parts) for at in range(len(table.points))]
    others = [max(0.0, mean - own - working) for mean, own, working in zip(table.means, named, table.working)]
    styles = list(_PARTS[:len(parts)])
    if any(value > 1e-6 * mean for value, mean in zip(others, table.means)):
        parts.append(("other waits", others))
        styles.append(("grey", "++++"))
    parts.append(("no waiting: own work", table.working))
    styles.append(("grid", ""))
    unit = unit_for(max(table.means))
    legend = [(Patch(facecolor=LIGHT[colour], hatch=hatch or None, edgecolor=LIGHT["paper"], linewidth=0), name)
              for (name, _), (colour, hatch) in zip(parts, styles)]
    names = [shown.label or charts.operation for shown in table.points]
    what = f"For whom {charts.operation} waits"
    sheet = Sheet(1, 1, (7.5, max(0.6, 0.42 * len(names))), charts.finding,
                  "; ".join(filter(None, (what, charts.conditions))), " ".join(charts.stack_caption), legend,
                  left=0.35 + max(map(len, names)) * 0.092)
    (axes,) = sheet.panels[0]
    base = [0.0] * len(names)
    for (_, times), (colour, hatch) in zip(parts, styles):
        lengths = [unit.of(time) for time in times]
        axes.barh(range(len(names)), lengths, left=base, height=0.7, color=LIGHT[colour], hatch=hatch or None,
                  edgecolor=LIGHT["paper"], linewidth=0)
        base = [start + length for start, length in zip(base, lengths)]
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), names)
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: three_digits(value)))
    axes.set_xlabel(f"mean time in one {charts.operation} ({unit.name})")
    return sheet.figure


def heat_maps(charts):
    """All heat maps of a facet on one scale of colours."""
    columns = min(3, len(charts.maps))
    rows = -(-len(charts.maps) // columns)
    sheet = Sheet(rows, columns, (3.4, 3.4), charts.finding,
                  "; ".join(filter(None, ("Interrupts from core to core", charts.conditions))),
                  " ".join(charts.caption), between=1.1, between_columns=0.6, right=1.15)
    colours = LinearSegmentedColormap.from_list("heat", [LIGHT[name] for name in HEAT])
    colours.set_bad(LIGHT["paper"])
    norm = LogNorm(charts.low, charts.high if charts.high > charts.low else charts.low * 10)
    panels = list(chain.from_iterable(sheet.panels))
    for index, (axes, heat) in enumerate(zip(panels, charts.maps)):
        counts = [[count if count > 0 else float("nan") for count in row] for row in heat.counts]
        axes.imshow(counts, cmap=colours, norm=norm, interpolation="nearest", aspect="equal")
        axes.set_title(heat.shown.label.replace(", ", ",\n"), loc="left", fontsize=9)
        step = max(1, -(-len(heat.groups) // 8))
        places = list(range(0, len(heat.groups), step))
        for axis, title in ((axes.xaxis, "to"), (axes.yaxis, "from")):
            axis.set_major_locator(FixedLocator(places))
            axis.set_major_formatter(FixedFormatter([heat.groups[place].split("-")[0] for place in places]))
            axis.set_label_text(f"{title} CPU" + ("" if heat.width == 1 else f" (groups of {heat.width})"))
        if index % columns:
            axes.set_ylabel("")
        axes.grid(False)
        axes.spines[["top", "right"]].set_visible(True)
    for unused in panels[len(charts.maps):]:
        unused.set_visible(False)
    width, height = sheet.figure.get_size_inches()
    corner = panels[columns - 1].get_position()
    scale = sheet.figure.add_axes((1 - 1.0 / width, corner.y0, 0.18 / width, corner.height))
    bar = sheet.figure.colorbar(ScalarMappable(norm, colours), cax=scale)
    bar.set_label("interrupts, log scale")
    bar.ax.yaxis.set_major_locator(FixedLocator(log_ticks(norm.vmin, norm.vmax)[0]))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: with_prefix(value)))
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    return sheet.figure


def scatters(charts, panels, what, caption):
    """The points of a sampled sweep, a panel for each numeric axis."""
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    legend = []
    for series in charts.facet.series:
        mark = handle(series)
        mark.set_linestyle("none")
        if series.label != ONLY:
            legend.append((mark, series.label))
    sheet = Sheet(rows, columns, (4.0 if columns > 1 else 7.0, 3.2), charts.finding,
                  "; ".join(filter(None, (f"{what} of {charts.operation}", charts.conditions))),
                  " ".join(caption), legend, between=0.85)
    drawn = list(chain.from_iterable(sheet.panels))
    for index, (axes, panel) in enumerate(zip(drawn, panels)):
        for cloud in panel.clouds:
            style = handle(cloud.series)
            axes.errorbar(cloud.x, cloud.y, yerr=cloud.half or None, linestyle="none", color=style.get_color(),
                          marker=style.get_marker(), markersize=style.get_markersize(), elinewidth=0.9,
                          markerfacecolor=style.get_markerfacecolor(), markeredgewidth=1.2, alpha=0.85)
        if panel.x_log:
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(FixedLocator(panel.x_ticks))
            axes.xaxis.set_minor_locator(NullLocator())
        else:
            axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: with_prefix(value)))
        axes.set_xlabel(panel.x_title)
        axes.set_yscale("log")
        axes.set_ylim(panel.low / 1.06, panel.high * 1.06)
        axes.yaxis.set_major_locator(FixedLocator(panel.y_ticks))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: with_prefix(value)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.tick_params(labelleft=index % columns == 0)
        axes.set_ylabel(panel.y_title if index % columns == 0 else "")
    for unused in drawn[len(panels):]:
        unused.set_visible(False)
    return sheet.figure
