"""Does the page look closely at what the tables say: distributions, for whom, flame graphs, interrupts, locks?

Run with: /usr/bin/python3 -m unittest tests/smoke/analysis_page_test.py   (from the root of the repository)
"""
import io
import itertools
import math
import re
import shutil
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path
from types import SimpleNamespace

import pandas

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from analysis import flame_graph, load  # noqa: E402
from analysis.axes import number  # noqa: E402
from analysis.charts import operation_charts  # noqa: E402
from analysis.distribution import cumulative, distribution  # noqa: E402
from analysis.figures import write_figures, write_interrupts, write_sample  # noqa: E402
from analysis.finding import headline, operation_finding  # noqa: E402
from analysis.interrupts import interrupt_charts  # noqa: E402
from analysis.lock_stat import COLUMNS, lock_classes  # noqa: E402
from analysis.measures import MEASURES, measure_charts  # noqa: E402
from analysis.page import page  # noqa: E402
from analysis.plan import LONGEST_NAME, file_name, make_plan  # noqa: E402
from analysis.sample import influences, measured  # noqa: E402
from analysis.sample_charts import sample_charts  # noqa: E402
from analysis.shown_points import MOST_PICTURES  # noqa: E402
from analysis.waits import wait_table, waits  # noqa: E402
from tests.support.synthetic_results import write_results  # noqa: E402

SMALL = {"run.cpus": [1, 4, 8], "kernel.tlb_flush": ["lazy", "broadcast"]}


def whom_of(account, flush, cpus):
    """((kind, whom, parts of a thousand), ...) that an account of the synthetic results waits for."""
    if account == "tlb_remote":
        if flush == "broadcast" or cpus == 1:
            return (("broadcast", "interconnect", 1000),)
        others = [f"cpu {cpu}" for cpu in range(1, cpus)]
        each = 900 // len(others)
        return (*(("handler", cpu, each) for cpu in others), ("irqs_off", others[0], 1000 - each * len(others)))
    return {"coherence": (("line", "page", 600), ("line", "mm_struct", 400)),
            "lock_spin": (("lock", "zone_lock", 1000),), "interrupt": (("interrupt", "call_function", 1000),),
            "schedule": (("run_queue", "", 1000),)}.get(account, ())


def with_details(result, most_groups=64):
    """The result with frames as the tables wait.csv, histogram.csv and ipi.csv would give."""
    paths = [axis.path for axis in result.axes]
    wait, histogram, ipi = [], [], []
    for row in result.account.to_dict("records"):
        place = [row["point"], *(row[path] for path in paths)]
        left = row["total_ps"]
        parts = whom_of(row["account"], row.get("kernel.tlb_flush", "lazy"), row.get("run.cpus", 16))
        for index, (kind, whom, part) in enumerate(parts):
            ps = left if index == len(parts) - 1 else row["total_ps"] * part // 1000
            left -= ps
            wait.append([*place, row["operation"], row["account"], kind, whom,
                         row["mean_ns"] * ps / max(row["total_ps"], 1), ps])
    for row in result.latency.to_dict("records"):
        place = [row["point"], *(row[path] for path in paths)]
        shape = [math.exp(-((step - 20) / 14) ** 2) + (0.02 if 70 < step < 90 else 0) for step in range(100)]
        counts = [round(row["count"] * each / sum(shape)) for each in shape]
        counts[20] += row["count"] - sum(counts)
        for step, count in enumerate(counts):
            low, high = (row["p50_ns"] * 2 ** ((at - 20) / 16) for at in (step, step + 1))
            if count:
                histogram.append([*place, row["operation"], low, high, count])
    for row in result.latency.drop_duplicates("point").to_dict("records"):
        place, cpus = [row["point"], *(row[path] for path in paths)], row.get("run.cpus", 16)
        width = -(-cpus // most_groups)
        if row.get("kernel.tlb_flush") != "broadcast":
            for sender, receiver in itertools.product(range(0, cpus, width), repeat=2):
                count = 400 + receiver if sender == 0 else 3 if (sender + receiver) % 5 == 0 else 0
                if sender != receiver and count:
                    ipi.append([*place, sender, receiver, width, count])
    keys = ["point", *paths]
    result.wait = pandas.DataFrame(wait, columns=[*keys, "operation", "account", "kind", "whom", "mean_ns", "total_ps"])
    result.histogram = pandas.DataFrame(histogram, columns=[*keys, "operation", "low_ns", "high_ns", "count"])
    result.ipi = pandas.DataFrame(ipi, columns=[*keys, "from", "to", "width", "count"])
    result.real = None
    return result


def page_of(result):
    plan = make_plan(result)
    charts = [operation_charts(result, plan, facet, operation)
              for operation in result.operations for facet in plan.facets]
    return page(result, plan, charts, (), interrupt_charts(result, plan))


def ours(text):
    """The page without plotly."""
    return "".join(part for part in re.split(r"(?s)(<script>.*?</script>)", text) if len(part) < 1_000_000)


def element(root, name):
    return root.iter(f"{{http://www.w3.org/2000/svg}}{name}")


class WithDetails(unittest.TestCase):
    axes = SMALL

    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="mmsim-page-"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.result = with_details(load(write_results(self.directory, self.axes)))
        self.plan = make_plan(self.result)
        (self.facet,) = self.plan.facets

    def point(self, cpus, flush):
        rows = self.result.latency
        return int(rows[(rows["run.cpus"] == cpus) & (rows["kernel.tlb_flush"] == flush)]["point"].iloc[0])


class Distributions(WithDetails):
    def test_the_cdf_of_a_known_histogram_is_exact_at_the_ends_of_its_buckets(self):
        self.assertEqual(cumulative([(1, 2, 1), (4, 8, 2), (2, 4, 1)]), [(1, 0), (2, 0.25), (4, 0.5), (8, 1)])

    def test_between_buckets_where_nothing_lies_the_cdf_is_level(self):
        self.assertEqual(cumulative([(1, 2, 3), (64, 65, 1)]), [(1, 0), (2, 0.75), (64, 0.75), (65, 1)])

    def test_every_policy_has_a_line_at_every_choice_of_x_and_the_largest_is_last(self):
        drawn = distribution(self.result, self.plan, self.facet, "munmap")
        self.assertEqual(drawn.choices, ("at 1 CPU", "at 4 CPUs", "at 8 CPUs"))
        self.assertEqual([line.series.label for line in drawn.at(2)],
                         ["tlb_flush=lazy (what-if)", "tlb_flush=broadcast"])
        for line in drawn.lines:
            self.assertEqual(line.below[-1], 1.0)
            self.assertEqual(list(line.below), sorted(line.below))
        rows = self.result.latency
        measured = rows[(rows["point"] == self.point(8, "lazy")) & (rows["operation"] == "munmap")]["count"].iloc[0]
        self.assertEqual(drawn.at(2)[0].count, measured)

    def test_of_many_values_of_x_the_page_holds_six(self):
        result = with_details(load(write_results(self.directory / "many", {"run.cpus": list(range(1, 21))})))
        drawn = distribution(result, make_plan(result), make_plan(result).facets[0], "munmap")
        self.assertEqual(len(drawn.choices), 6)
        self.assertEqual((drawn.choices[0], drawn.choices[-1]), ("at 1 CPU", "at 20 CPUs"))


class Waits(WithDetails):
    def test_cores_are_one_row_and_the_rest_adds_up_to_the_mean(self):
        found = waits(self.result, self.point(8, "lazy"), "munmap")
        self.assertEqual([(wait.account, wait.name) for wait in found[:2]],
                         [("tlb_remote", "interrupt handlers of 7 CPUs"), ("tlb_remote", "CPU 1 with interrupts off")])
        table = wait_table(self.result, self.plan, self.facet, "munmap")
        for at, mean in enumerate(table.means):
            named = sum(cells[at].mean_ns for _, cells in table.rows if cells[at])
            self.assertAlmostEqual(named + table.remaining[at] + table.working[at], mean, delta=1e-6 * mean)

    def test_the_title_says_for_whom(self):
        self.assertRegex(headline(self.result, self.plan).text,
                         r"; (all|[0-9]+%) of the difference of the means is waiting for interrupt handlers of 7 CPUs "
                         r"\(tlb_remote\)$")

    def test_without_the_table_nothing_is_said_of_it(self):
        self.result.wait = self.result.histogram = self.result.ipi = None
        self.assertNotIn("waiting for", headline(self.result, self.plan).text)
        text = ours(page_of(self.result))
        for heading in ("For whom it waits", "Distribution of latencies", "Who interrupts whom"):
            self.assertNotIn(heading, text)
        self.assertIn("Flame graph", text)  # of accounts alone


class FlameGraphs(WithDetails):
    def check(self, frame):
        if frame.children:
            self.assertEqual(sum(child.size for child in frame.children), frame.size, frame.name)
        for child in frame.children:
            self.check(child)

    def test_frames_of_waiting_accounts_sum_to_them_and_accounts_to_the_operation(self):
        for cpus, flush in itertools.product((1, 4, 8), ("lazy", "broadcast")):
            root = flame_graph.tree(self.result, self.point(cpus, flush), "munmap")
            self.check(root)
        rows = self.result.account
        rows = rows[(rows["point"] == self.point(8, "broadcast")) & (rows["operation"] == "munmap")]
        self.assertEqual(root.size, rows["total_ps"].sum())

    def test_narrow_frames_are_drawn_as_one_as_wide_as_they_are(self):
        frames = tuple(flame_graph.Frame(f"cpu {cpu}", 1 if cpu else 997, "blue", False) for cpu in range(4))
        drawn = flame_graph.gathered(frames, 1000)
        self.assertEqual([(frame.name, frame.size) for frame in drawn], [("cpu 0", 997), ("3 more", 3)])

    def test_the_picture_is_well_formed_and_every_frame_lies_on_the_one_that_it_is_part_of(self):
        root = flame_graph.tree(self.result, self.point(8, "lazy"), "munmap")
        picture = xml.fromstring(flame_graph.svg(root, "a < b & c", 3))
        frames = [each for each in element(picture, "svg") if each is not picture]
        rows = {}
        for frame in frames:
            left, width = (float(frame.get(side).rstrip("%")) for side in ("x", "width"))
            rows.setdefault(int(frame.get("y")), []).append((left, left + width))
            self.assertEqual(len(list(element(frame, "title"))), 1)
        levels = [rows[y] for y in sorted(rows, reverse=True)]
        self.assertEqual(levels[0], [(0.0, 100.0)])
        for below, above in itertools.pairwise(levels):
            for left, right in above:
                self.assertTrue(any(low - 0.001 <= left and right <= high + 0.001 for low, high in below))
            for (_, right), (left, _) in itertools.pairwise(sorted(above)):
                self.assertLessEqual(right, left + 0.001)

    def test_text_that_does_not_fit_is_cut_and_whole_in_the_title(self):
        root = flame_graph.Frame("op", 1000, "grid", False, (
            flame_graph.Frame("an_account_with_a_long_name", 70, "blue", True),
            flame_graph.Frame("work", 930, "green", False)))
        text = flame_graph.svg(root, "title", 1)
        self.assertIn(">an_accou\u2026<", text)
        self.assertIn("an_account_with_a_long_name:", text)


class HeatMaps(WithDetails):
    def test_counts_lie_where_they_were_sent(self):
        (charts,) = interrupt_charts(self.result, self.plan)
        (heat,) = charts.maps
        self.assertEqual((len(heat.counts), heat.width), (8, 1))
        rows = self.result.ipi[self.result.ipi["point"] == self.point(8, "lazy")]
        self.assertEqual(sum(map(sum, heat.counts)), rows["count"].sum())
        self.assertEqual([row[0] for row in heat.counts[1:5]], [0.0, 0.0, 0.0, 0.0])
        self.assertEqual(heat.counts[0][7], 407.0)
        self.assertIn("CPU 0 sends 99%", heat.sentence)
        self.assertIn("No interrupt between cores: tlb_flush=broadcast at 8 CPUs.", charts.caption)

    def test_many_cpus_are_drawn_in_groups(self):
        write_results(self.directory / "large", {"run.cpus": [128]})
        result = with_details(load(self.directory / "large"))
        (charts,) = interrupt_charts(result, make_plan(result))
        self.assertEqual((len(charts.maps[0].counts), charts.maps[0].groups[1]), (64, "2-3"))


    def test_counts_that_hardly_differ_look_alike_and_are_called_even(self):
        rows = self.result.ipi
        cpus = range(8)
        pairs = [(sender, receiver) for sender in cpus for receiver in cpus if sender != receiver]
        place = rows[rows["point"] == self.point(8, "lazy")].iloc[0].to_dict()
        self.result.ipi = pandas.DataFrame([{**place, "from": sender, "to": receiver, "count": 102 + sender % 3}
                                            for sender, receiver in pairs])
        (charts,) = interrupt_charts(self.result, self.plan)
        self.assertEqual((charts.low, charts.high), (10.4, 104))
        self.assertIn("interrupts, evenly spread over 8 CPUs", charts.finding)

    def test_a_lone_receiver_of_even_senders_is_told(self):
        rows = self.result.ipi
        place = rows[rows["point"] == self.point(8, "lazy")].iloc[0].to_dict()
        self.result.ipi = pandas.DataFrame([{**place, "from": sender, "to": (sender + 1) % 8 // 4, "count": 10}
                                            for sender in range(8)])
        (charts,) = interrupt_charts(self.result, self.plan)
        self.assertIn("evenly spread over 8 CPUs as senders, evenly spread over the receivers; 2 of 8 CPUs are "
                      "interrupted", charts.finding)


class Headlines(WithDetails):
    def one_run(self, scenario, operations=("mmap", "munmap"), what_if=()):
        write_results(self.directory / "one", {"run.cpus": [8]}, operations=operations)
        result = load(self.directory / "one")
        result.manifest["configuration"] = {"scenario.name": {"value": scenario, "origin": "a:1"},
                                            "kernel.tlb_flush": {"value": "lazy", "origin": "a:2"}}
        result.manifest["what_if"] = list(what_if)
        return result

    def test_where_nothing_differs_the_operation_named_like_the_scenario_is_told(self):
        for scenario in ("mmap", "munmap"):
            result = self.one_run(scenario)
            self.assertTrue(headline(result, make_plan(result)).text.startswith(f"{scenario}: p50"), scenario)

    def test_else_the_one_that_most_time_goes_to(self):
        result = self.one_run("other")
        result.latency.loc[result.latency["operation"] == "munmap", "mean_ns"] *= 100
        self.assertTrue(headline(result, make_plan(result)).text.startswith("munmap: p50"))

    def test_a_what_if_of_all_points_is_told_and_its_finding_stands_once(self):
        result = self.one_run("munmap", what_if=["kernel.tlb_flush=lazy"])
        title = headline(result, make_plan(result)).text
        self.assertTrue(title.endswith("; with kernel.tlb_flush=lazy (what-if)"), title)
        found = operation_finding(result, make_plan(result), "munmap").text
        self.assertNotIn(f"<p class=finding>{found}", ours(page_of(result)))


class Samples(WithDetails):
    """Sixteen points, no two with the same delay; the mean is the delay, times 1.3 where the flush is eager."""

    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="mmsim-page-"))
        self.addCleanup(shutil.rmtree, self.directory)
        delays = [f"{200 + 31 * step} ns" for step in range(16)]
        write_results(self.directory, {"machine.ipi.deliver": delays, "scenario.pages": list(range(1, 17)),
                                       "kernel.tlb_flush": ["lazy", "eager"]}, operations=("munmap",))
        self.result = load(self.directory)
        kept = []
        for row in self.result.latency.to_dict("records"):
            step = delays.index(row["machine.ipi.deliver"])
            if row["scenario.pages"] == 1 + step * 7 % 16 and row["kernel.tlb_flush"] == ("lazy", "eager")[step % 2]:
                kept.append({**row, "mean_ns": (1.0 + 0.3 * (step % 2)) * (200 + 31 * step), "per_second": 1e6 - step})
        self.result.latency = pandas.DataFrame(kept)
        for name in ("account", "counter", "point", "wait", "histogram", "ipi"):
            frame = getattr(self.result, name)
            setattr(self.result, name, frame[frame["point"].isin(self.result.latency["point"])])
        self.plan = make_plan(self.result)

    def test_points_that_are_no_product_are_one_set_and_a_product_with_gaps_is_none(self):
        self.assertEqual((len(self.result.latency), self.plan.facets, self.plan.x), (16, (), None))
        self.assertEqual([series.label for series in self.plan.sample.series],
                         ["tlb_flush=lazy (what-if)", "tlb_flush=eager (what-if)"])
        write_results(self.directory / "gaps", {"run.cpus": [1, 2, 4, 8], "scenario.pages": [1, 2, 4, 8]},
                      broken=(3, 5, 9, 12))
        self.assertIsNone(make_plan(load(self.directory / "gaps")).sample)

    def test_rank_correlations_are_those_of_hand_and_sorted_by_size(self):
        found = influences(self.result, measured(self.result, "munmap"))
        self.assertEqual([each.path for each in found],
                         ["machine.ipi.deliver", "kernel.tlb_flush", "scenario.pages"])
        rows = self.result.latency
        order = {path: list(rows[path].map(number).rank()) for path in ("machine.ipi.deliver", "scenario.pages")}
        means = list(rows["mean_ns"].rank())
        for each in found:
            if each.path in order:  # Spearman's formula for ranks without ties
                distance = sum((one - other) ** 2 for one, other in zip(order[each.path], means))
                rho = 1 - 6 * distance / (16 * (16**2 - 1))
                self.assertAlmostEqual(-each.strength if each.falls else each.strength, rho)
        self.assertAlmostEqual(found[0].by_chance, 1.96 / math.sqrt(15), delta=0.01)
        self.assertRegex(headline(self.result, self.plan).text,
                         r"^mean munmap follows machine\.ipi\.deliver most \(rank correlation 0\.[0-9]+ over 16 points")

    def test_an_axis_no_stronger_than_chance_is_not_called_the_cause(self):
        self.result.latency["mean_ns"] = [float((step * step * 5 + 3 * step) % 17 + 20) for step in range(16)]
        found = influences(self.result, measured(self.result, "munmap"))
        self.assertLess(found[0].strength, found[0].by_chance)
        self.assertIn("no axis stands out from chance", headline(self.result, self.plan).text)

    def test_two_figures_an_operation_and_a_table_with_the_slowest_first(self):
        (charts,) = sample_charts(self.result, self.plan)
        self.assertEqual([panel.x_title for panel in charts.mean], ["machine.ipi.deliver (ns)",
                                                                    "scenario.pages, log scale"])
        for panel in (*charts.mean, *charts.throughput):
            self.assertEqual(sum(len(cloud.x) for cloud in panel.clouds), 16)
        self.assertEqual(sorted(charts.mean[0].clouds[0].x), [200.0 + 62 * step for step in range(8)])
        written = {}
        write_sample(charts, lambda name, save: written.update({name: save(io.BytesIO())}))
        self.assertEqual(set(written), {f"munmap-sample-{what}.{kind}" for what in ("mean", "throughput")
                                        for kind in ("png", "svg", "pdf")})
        text = ours(page(self.result, self.plan, (), (), (), (charts,)))
        table = re.search(
            r'(?s)<div class="block"><div class="scroll" tabindex="0"><table class="sortable">.*?</table>', text)[0]
        self.assertIn("slowest first", table)
        self.assertIn('data-value="864.5"', table.split("<tr>")[2])
        self.assertIn("What matters most", text)


class Locks(WithDetails):
    def test_numbers_are_those_of_the_counters_and_averages_follow(self):
        point = self.point(8, "lazy")
        rows = self.result.counter
        here = rows[rows["point"] == point].iloc[0].to_dict()
        more = [("lock_contended.mmap_lock", 160.0), ("lock_hold_ns.mmap_lock", 80_080.0),
                ("lock_acquired.idle", 0.0), ("lock_acquired.zone_lock", 5.0), ("lock_wait_ns.zone_lock", 4e6)]
        self.result.counter = pandas.concat(
            [rows, pandas.DataFrame([{**here, "counter": name, "value": value} for name, value in more])])
        zone, mmap = lock_classes(self.result, point)  # longest waits first; `idle` was never acquired
        self.assertEqual((zone.name, mmap.name), ("zone_lock", "mmap_lock"))
        self.assertEqual(dict(zip(COLUMNS, mmap.numbers)), {
            "acquired": 8008, "contended": 160, "wait total ns": 962, "wait avg ns": 962 / 160, "wait max ns": 28,
            "hold total ns": 80_080, "hold avg ns": 10, "hold max ns": 812, "acq bounces": 7000, "con bounces": 0})
        self.assertIsNone(zone.numbers[COLUMNS.index("wait avg ns")])

    def test_headers_are_buttons_and_say_how_the_rows_fall(self):
        text = ours(page_of(self.result))
        table = re.search(r'(?s)<table class="sortable">.*?</table>', text)[0]
        sorts = re.findall(r'<th scope="col" aria-sort="(\w+)"><button type="button" class="sort">([^<]+)<', table)
        self.assertEqual(sorts, [("descending" if name == "wait total ns" else "none", name)
                                 for name in ("lock class", *COLUMNS)])
        self.assertIn('data-value="962"', table)


class ThePage(WithDetails):
    def test_what_was_overridden_is_marked(self):
        self.result.manifest["configuration"]["kernel.vma_lock"] = {"value": "on", "origin": "--set"}
        text = ours(page_of(self.result))

        def overrides(caption):
            part = re.search(rf"(?s)<caption>{caption}</caption>.*?</table>", text)[0]
            return dict(re.findall(r"<tr><td>([^<]+)</td><td>[^<]+</td><td>([^<]*)</td>", part))
        self.assertEqual(overrides("Chosen for this run"), {
            "kernel.base": "", "kernel.vma_lock": "kernel 5.10", "machine.base": "", "run.duration": "default",
            "scenario.name": ""})
        self.assertEqual(overrides("Swept"), {"run.cpus": "default", "kernel.tlb_flush": "kernel 5.10"})

    def test_counters_that_never_moved_are_folded_away(self):
        rows = self.result.counter
        first = rows.iloc[0].to_dict()
        self.result.counter = pandas.concat(
            [rows, pandas.DataFrame([{**first, "counter": "idle_thing", "value": 0.0}])])
        self.assertRegex(ours(page_of(self.result)),
                         r"<details><summary>Zero at every point \([0-9]+ counters\)</summary>"
                         r"<p class=quiet>[^<]*idle_thing")

    def test_the_memory_of_reverse_maps_is_shown_where_they_are_compared(self):
        rows = self.result.counter
        first = rows.iloc[0].to_dict()
        self.result.counter = pandas.concat([rows, pandas.DataFrame(
            [{**first, "counter": "rmap_bytes", "value": 4096.0}])])
        self.assertEqual(measure_charts(self.result, self.plan), [])
        self.result.parts = {name: SimpleNamespace(manifest={"configuration": {"kernel.rmap": name}})
                             for name in ("scan", "anon_vma")}
        (measure,) = [each for each in MEASURES if each.name == "rmap_bytes"]
        self.assertEqual(list(measure.value(self.result).values()), [4096.0])
        self.result.parts["anon_vma"].manifest = self.result.parts["scan"].manifest
        self.assertEqual(measure.value(self.result), {})

    def test_what_differs_between_points_is_told_once_a_value(self):
        for point in self.result.manifest["points"]:
            point["configuration"] = {"machine.ipi.send": {"value": f"{80 + point['point'] % 2} ns", "origin": "a:1"}}
        self.assertIn("80 ns (3 points), 81 ns (3 points)", ours(page_of(self.result)))

    def test_holds_little_beside_the_library(self):
        self.assertLess(len(ours(page_of(self.result))), 400_000)

    def test_a_large_sweep_gets_as_many_pictures_as_a_browser_opens_and_is_told_of_the_others(self):
        write_results(self.directory / "large",
                      {"run.cpus": [2, 4], "kernel.tlb_flush": ["lazy", "eager", "broadcast"],
                       "scenario.mode": list("abcd"), "scenario.pages": [f"p{n}" for n in range(9)]},
                      operations=("munmap",))
        result = with_details(load(self.directory / "large"))
        plan = make_plan(result)
        drawn = [operation_charts(result, plan, facet, "munmap") for facet in plan.facets]
        self.assertLessEqual(sum(len(charts.flames) for charts in drawn), MOST_PICTURES)
        self.assertLessEqual(sum(len(charts.maps) for charts in interrupt_charts(result, plan)), MOST_PICTURES)
        most = MOST_PICTURES // len(plan.facets)
        self.assertIn(f"The first {most} of {len(plan.facets[0].series)} policies; 'mmsim explain' shows all.",
                      drawn[0].flame_caption)

    def test_what_is_shown_of_few_points_is_marked_as_what_if(self):
        text = ours(page_of(self.result))
        for found in re.finditer(r"tlb_flush=lazy\b(.{0,10})", text):
            quoted_from_manifest = text[found.start() - 7:found.start()] == "kernel."
            self.assertTrue(quoted_from_manifest or found[1].startswith(" (what-if)"), text[found.start():][:60])

    def test_the_page_stays_closed_to_the_network(self):
        text = ours(page_of(self.result))
        for outside in (" src=", 'href="http', "@import", "url("):
            self.assertNotIn(outside, text)


class Figures(WithDetails):
    def test_every_figure_is_written_in_three_formats_and_pdfs_embed_their_fonts(self):
        written = {}

        def write(name, save):
            file = io.BytesIO()
            save(file)
            written[name] = file.getvalue()
        write_figures(operation_charts(self.result, self.plan, self.facet, "munmap"), write)
        for charts in interrupt_charts(self.result, self.plan):
            write_interrupts(charts, write)
        self.assertEqual(set(written), {
            *(f"{figure}.{kind}" for kind in ("png", "svg", "pdf") for figure in (
                "munmap-latency", "munmap-throughput", "munmap-account", "munmap-account_share", "munmap-cdf",
                "munmap-waits", "interrupts")),
            "flame-munmap-kernel.tlb_flush=lazy.svg", "flame-munmap-kernel.tlb_flush=broadcast.svg"})
        for name, content in written.items():
            if name.endswith(".pdf"):
                self.assertTrue(content.startswith(b"%PDF"), name)
                self.assertIn(b"/FontFile2", content)  # TrueType, embedded
                self.assertNotIn(b"/Type3", content)
            elif name.endswith(".svg"):
                xml.fromstring(content)

    def test_a_name_too_long_for_a_file_keeps_its_ending_and_stays_itself(self):
        names = [file_name("x" * 300 + tail) for tail in ("a.svg", "b.svg")]
        self.assertNotEqual(*names)
        for name in names:
            self.assertTrue(name.endswith(".svg") and len(name) <= LONGEST_NAME)


if __name__ == "__main__":
    unittest.main()
