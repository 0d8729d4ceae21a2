"""Sections of the page that look closely at few points: distributions, for whom, flame graphs, interrupts, locks."""
from html import escape

from analysis import flame_graph, page_tables
from analysis.lock_stat import COLUMNS, lock_classes
from analysis.page_parts import figure, legend, switch
from analysis.palette import HEAT
from analysis.plan import ONLY
from analysis.plotly_details import distribution_chart, heat_map, scatter_chart
from analysis.shown_points import shown_points
from analysis.units import unbroken, with_prefix
from analysis.waits import cell


def sample(charts, specs):
    """A sampled sweep's operation: what matters most, and its points against each axis."""
    rows = [(each.path, each.text, f"{each.by_chance:.2f}", each.effect) for each in charts.influences]
    matters = page_tables.table(("axis", "rank correlation", "by chance alone up to", "the mean ..."), rows,
                                "What matters most", numbers_from=len(rows[0])) if rows else ""
    panels = "".join(figure(specs, "", scatter_chart(panel)) for panel in charts.mean)
    speeds = "".join(figure(specs, "", scatter_chart(panel)) for panel in charts.throughput)
    shape = "three" if len(charts.mean) > 2 else "two"
    keys = legend(charts.facet.series, marks_only=True)
    return (f'<div class="block">{matters}<p class=caption>Spearman\'s rank correlation with the mean; of an axis of '
            "names, the correlation ratio of the ranks. An axis without influence exceeds what chance does alone once "
            f'in twenty.</p></div><div class="block"><h3>Mean</h3>{keys}<div class="grid {shape}">{panels}</div>'
            f'<p class=caption>{escape(" ".join(charts.mean_caption))}</p></div>'
            f'<div class="block"><h3>Throughput</h3>{keys}<div class="grid {shape}">{speeds}</div>'
            f'<p class=caption>{escape(" ".join(charts.throughput_caption))}</p></div>')


def distribution(charts, specs):
    """The CDF of an operation, with a choice of x and of the tail."""
    drawn = charts.distribution
    if drawn is None:
        return ""
    last = len(drawn.choices) - 1
    places = switch("Where", "choice", list(enumerate(drawn.choices)), last) if last > 0 else ""
    views = switch("Which share", "view", (("cdf", "took less"), ("tail", "tail")), "cdf")
    chart = figure(specs, drawn.choices[last], distribution_chart(drawn, charts.facet.series))
    return (f'<div class="block"><h3>Distribution of latencies</h3><div class="switches">{views}{places}</div>'
            f'{legend(charts.facet.series)}<div class="grid one">{chart}</div>'
            f'<p class=caption>{escape(" ".join(drawn.caption))}</p></div>')


def waits(charts):
    """For whom an operation waits at the shown points: a table whose cells are bars."""
    table = charts.waits
    if table is None:
        return ""
    head = "".join(f'<th scope="col">{escape(name)}</th>'
                   for name in ("waits for (account)", *(shown.label or "mean" for shown in table.points)))
    rows = [(f"{name} ({account})", [wait.mean_ns if wait else 0.0 for wait in cells],
             [wait.detail if wait else "" for wait in cells]) for (account, name), cells in table.rows]
    if any(table.remaining):
        rows.append(("other waits, together", table.remaining, ()))
    rows.append(("no waiting: own work", table.working, ()))
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(_share(time, mean, details[at] if details else "")
                  for at, (time, mean) in enumerate(zip(times, table.means))) + "</tr>"
        for name, times, details in rows)
    return (f'<div class="block"><h3>For whom it waits</h3><div class="scroll" tabindex="0"><table class="shares">'
            f"<caption>Mean time in one {escape(charts.operation)}, and its share</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
            f"<p class=caption>{escape(' '.join(charts.stack_caption))}</p></div>")


def _share(time, mean, detail):
    share = 100 * time / mean if mean else 0.0
    tooltip = f' title="{escape(detail)}"' if detail else ""
    return f'<td class="n" style="--share:{share:.1f}%"{tooltip}>{escape(cell(time, mean))}</td>'


def flames(charts):
    """The flame graphs of an operation, one for each shown point."""
    if not charts.flames:
        return ""
    drawn = "".join(
        f"<figure><figcaption>{escape(unbroken(flame.shown.label))}</figcaption>"
        f"{flame_graph.svg(flame.tree, flame.title(charts), flame.count, standalone=False)}</figure>"
        for flame in charts.flames)
    shape = "two" if len(charts.flames) > 1 else "one"
    return (f'<div class="block"><h3>Flame graph</h3><div class="grid {shape} flames">{drawn}</div>'
            "<p class=caption>A frame is as wide as its share of the time; on it stands what it consists of: accounts, "
            f"and for whom they wait. Point at a frame for its numbers. "
            f"{escape(' '.join(charts.flame_caption))}</p></div>")


def interrupts(all_charts, specs):
    """Who interrupts whom, a heat map for each shown point."""
    blocks = []
    for charts in all_charts:
        maps = "".join(
            f'<div>{figure(specs, "" if heat.shown.series.label == ONLY else heat.shown.label, heat_map(charts, heat))}'
            f"<p class=caption>{escape(unbroken(heat.sentence))}.</p></div>" for heat in charts.maps)
        shape = "three" if len(charts.maps) > 2 else "two"
        colours = ",".join(f"var(--{name})" for name in HEAT)
        blocks.append(
            f'<div class="block"><p class=finding>{escape(unbroken(charts.finding))}</p>'
            f'<p class="scale"><span>{with_prefix(charts.low)}</span>'
            f'<i style="background:linear-gradient(to right,{colours})"></i><span>{with_prefix(charts.high)} '
            f'interrupts, log scale</span></p><div class="grid {shape}">{maps}</div>'
            f'<p class=caption>{escape(" ".join(charts.caption))}</p></div>')
    return f'<section id="interrupts"><h2>Who interrupts whom</h2>{"".join(blocks)}</section>' if blocks else ""


def locks(result, plan):
    """What /proc/lock_stat would say at the shown points."""
    blocks = []
    for facet in plan.facets:
        tables = [(shown, lock_classes(result, shown.point)) for shown in shown_points(result, plan, facet)]
        tables = [(shown, classes) for shown, classes in tables if classes]
        if not tables:
            continue
        choices = switch("Which point", "choice", [(at, shown.label) for at, (shown, _) in enumerate(tables)], 0) \
            if len(tables) > 1 else ""
        drawn = "".join(
            f'<div class="choice" data-choice="{at}">'
            + page_tables.sortable(("lock class", *COLUMNS), [(each.name, *each.numbers) for each in classes],
                                   1 + COLUMNS.index("wait total ns"), shown.label or "This run") + "</div>"
            for at, (shown, classes) in enumerate(tables))
        heading = f"<h3>{escape(facet.label)}</h3>" if facet.label else ""
        blocks.append(f'<div class="block">{heading}<div class="switches">{choices}</div>{drawn}</div>')
    told = ("<p class=quiet>As in /proc/lock_stat: sums over the measured window and all locks of a class, mean over "
            "seeds; the maxima are the longest of all seeds. A header sorts.</p>")
    return f'<section id="locks"><h2>Locks</h2>{told}{"".join(blocks)}</section>' if blocks else ""
