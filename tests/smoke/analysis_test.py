"""Does `mmsim report` run at all, and show what the tables say?

Run with: /usr/bin/python3 -m unittest tests/smoke/analysis_test.py   (from the root of the repository)
"""
import contextlib
import html.parser
import io
import json
import math
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from analysis import load  # noqa: E402
from analysis.__main__ import main  # noqa: E402
from analysis.axes import Axis, canonical, from_text  # noqa: E402
from analysis.combine import combine  # noqa: E402
from analysis.finding import headline, operation_finding  # noqa: E402
from analysis.manifest import ALWAYS  # noqa: E402
from analysis.measures import SYSTEM_ACCOUNTS, measure_charts  # noqa: E402
from analysis.page import page  # noqa: E402
from analysis.plan import make_plan  # noqa: E402
from analysis.charts import operation_charts  # noqa: E402
from analysis.units import duration, log_ticks, three_digits, unit_for  # noqa: E402
from analysis.wording import conditions  # noqa: E402
from tests.support.synthetic_results import FLAGSHIP, InDirectory, edit, write_results  # noqa: E402


def page_of(directory):
    result = combine([load(directory)])
    plan = make_plan(result)
    charts = [operation_charts(result, plan, facet, operation)
              for operation in result.operations for facet in plan.facets]
    return page(result, plan, charts)


def without_plotly(text):
    """The page without the library: what is ours to judge."""
    return "".join(part for part in re.split(r"(?s)(<script>.*?</script>)", text) if len(part) < 1_000_000)


class AWholeDirectory(InDirectory):
    def setUp(self):
        super().setUp()
        write_results(self.directory)

    def test_loads_as_frames_with_typed_axes(self):
        r = load(self.directory)
        self.assertEqual(len(r.latency), 96)
        self.assertEqual(r.latency["run.cpus"].dtype.kind, "i")
        self.assertEqual(list(r.latency.columns[:4]), ["point", *FLAGSHIP])
        self.assertEqual(r.manifest["seeds"], 3)
        self.assertEqual(r.account["total_ps"].dtype.kind, "i")
        self.assertEqual(r.notes, [])

    def test_headline_compares_policies_that_differ_in_one_axis_at_the_largest_x(self):
        r = load(self.directory)
        text = headline(r, make_plan(r)).text
        self.assertEqual(text, "munmap at 128 CPUs: tlb_flush=broadcast takes 0.074x of the p50 of tlb_flush=eager "
                               "(what-if) (3.04 us against 40.9 us, with kthread_switch=lazy); 51% of the difference "
                               "of the means is waiting for interrupt handlers of CPU 1 (tlb_remote)")

    def test_cpus_go_along_x_and_flush_policies_take_their_fixed_colours(self):
        r = load(self.directory)
        plan = make_plan(r)
        self.assertEqual(plan.x.path, "run.cpus")
        (facet,) = plan.facets
        self.assertEqual([(series.colour, series.dash, series.what_if) for series in facet.series],
                         [("blue", 0, True), ("blue", 1, True), ("vermillion", 0, True), ("vermillion", 1, True),
                          ("green", 0, False), ("green", 1, False)])

    def test_a_policy_keeps_its_colour_when_it_is_alone(self):
        write_results(self.directory / "two", {"run.cpus": [1, 2], "kernel.tlb_flush": ["broadcast", "eager"]})
        r = load(self.directory / "two")
        self.assertEqual([series.colour for series in make_plan(r).facets[0].series], ["green", "vermillion"])

    def test_report_writes_every_figure_and_a_page_and_the_same_bytes_in_another_process(self):
        write_results(self.directory, {**FLAGSHIP, "run.cpus": [1, 128]}, operations=("munmap",))

        def bytes_of_report(hash_seed):
            ran = subprocess.run([sys.executable, "-m", "analysis", "report", str(self.directory)], text=True,
                                 stdout=subprocess.PIPE, check=True, cwd="/",
                                 env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed})
            paths = [Path(line) for line in ran.stdout.splitlines()]
            return {str(path.relative_to(self.directory)): path.read_bytes() for path in paths}

        first = bytes_of_report("1")
        self.assertEqual(set(first), {"report.html", *(
            f"figures/{figure}.{kind}" for figure in (
                "munmap-latency", "munmap-throughput", "munmap-account", "munmap-account_share", "munmap-cdf",
                "munmap-waits", "interrupts")
            for kind in ("png", "svg", "pdf")),
            *(f"figures/flame-munmap-kernel.tlb_flush={flush}-kernel.kthread_switch={switch}.svg"
              for flush in ("lazy", "eager", "broadcast") for switch in ("lazy", "eager"))})
        self.assertEqual(first, bytes_of_report("2"))
        self.assertEqual([path.name for path in (self.directory / "figures").iterdir() if path.name[0] == "."], [])

    def test_page_is_self_contained(self):
        text = page_of(self.directory)
        self.assertEqual(text.count("plotly.js v"), 1)
        ours = without_plotly(text)
        for outside in (" src=", "href=\"http", "@import", "url("):
            self.assertNotIn(outside, ours)
        self.assertIn("Chosen for this run", ours)
        self.assertIn("ipi_sent", ours)

    def test_every_name_of_a_what_if_policy_is_marked(self):
        ours = html.unescape(without_plotly(page_of(self.directory)))
        for policy in ("lazy", "eager"):
            for found in re.finditer(rf"tlb_flush={policy}\b(.{{0,10}})", ours):
                quoted_from_manifest = ours[found.start() - 7:found.start()] == "kernel."
                self.assertTrue(quoted_from_manifest or found[1].startswith(" (what-if)"), ours[found.start():][:60])
        self.assertNotIn("broadcast (what-if)", ours)

    def test_a_run_without_axes_gives_bars(self):
        write_results(self.directory / "one", {})
        r = load(self.directory / "one")
        plan = make_plan(r)
        self.assertIsNone(plan.x)
        charts = operation_charts(r, plan, plan.facets[0], "munmap")
        self.assertEqual([line.series.label for line in charts.latency[0].lines],
                         ["p50", "p90", "p99", "p99.9", "max", "mean"])
        self.assertRegex(charts.finding, r"^munmap: p50 [0-9.]+ us, p99 [0-9.]+ us, [0-9.]+k per second; "
                                         r"33% of the mean is waiting for interrupt handlers of CPU 1 \(tlb_remote\)$")

    def test_a_what_if_policy_set_outside_the_axes_marks_everything(self):
        write_results(self.directory / "one", {"run.cpus": [1, 2, 4]}, what_if=["kernel.tlb_flush=lazy"],
                      configuration={"kernel.tlb_flush": {"value": "lazy", "origin": "a.toml:3"}})
        r = load(self.directory / "one")
        plan = make_plan(r)
        charts = operation_charts(r, plan, plan.facets[0], "munmap")
        self.assertIn("kernel.tlb_flush=lazy (what-if)", charts.conditions)

    def test_further_axes_make_further_figures(self):
        write_results(self.directory / "four", {**FLAGSHIP, "run.cpus": [1, 2],
                                                "scenario.mode": ["threads", "processes"]})
        plan = make_plan(load(self.directory / "four"))
        self.assertEqual([facet.label for facet in plan.facets], ["mode=threads", "mode=processes"])
        self.assertEqual([len(facet.series) for facet in plan.facets], [6, 6])

    def test_several_directories_are_laid_side_by_side(self):
        a = write_results(self.directory / "a", {"run.cpus": [1, 2, 4]})
        b = write_results(self.directory / "b", {"run.cpus": [1, 2, 4]}, what_if=())
        r = combine([load(a), load(b)])
        self.assertEqual([series.label for series in make_plan(r).facets[0].series], ["result=a", "result=b"])
        self.assertEqual(r.latency["point"].nunique(), 6)
        self.assertNotIn("not recorded", r.latency.to_string())

    def test_equal_policies_are_called_equal(self):
        write_results(self.directory / "same", {"run.cpus": [1, 2], "kernel.spinlock": ["tas", "queued"]})
        r = load(self.directory / "same")
        self.assertEqual(operation_finding(r, make_plan(r), "munmap").text,
                         "munmap at 2 CPUs: all 2 policies have the same p50")

    def test_accounts_that_do_not_sum_to_the_latency_are_told(self):
        edit(self.directory / "account.csv", lambda text: text.replace(",1100.000,", ",1200.000,", 1))
        self.refused(self.directory, "account.csv: the accounts of munmap at point 0 do not sum to their latency")
        r = load(self.directory, strict=False)
        self.assertIn("do not sum to their latency", r.notes[0])
        self.assertNotIn(0, set(r.account["point"]))
        self.assertIn(0, set(r.latency["point"]))

    def test_hostile_names_are_shown_as_text(self):
        hostile = '</script><script>alert(1)</script><img src=x onerror=alert(1)> $x^2$ & "quoted" ../../up'
        write_results(self.directory / "hostile", {"run.cpus": [1, 2], "scenario.x": [hostile, "plain"]},
                      operations=("munmap", hostile))
        with contextlib.redirect_stdout(io.StringIO()) as out:
            self.assertEqual(main(["report", str(self.directory / "hostile")]), 0)
        for line in out.getvalue().splitlines():
            self.assertTrue(Path(line).resolve().is_relative_to((self.directory / "hostile").resolve()))
        text = (self.directory / "hostile" / "report.html").read_text()

        class Tags(html.parser.HTMLParser):
            def __init__(self):
                super().__init__()
                self.seen = []

            def handle_starttag(self, tag, attributes):
                self.seen.append(tag)
        tags = Tags()
        tags.feed(text)
        self.assertEqual(tags.seen.count("script"), 3)
        self.assertNotIn("img", tags.seen)


PRESSURE = {"scenario.sharers": [1, 2, 4, 8], "kernel.rmap": ["scan", "pte_chain", "anon_vma", "anon_vma_chain"],
            "scenario.private": [0, 1]}


class Measures(InDirectory):
    """What follows from several tables: of the scenario reclaim, the CPU time per page that was reclaimed."""

    def write(self, axes=PRESSURE, **more):
        return write_results(self.directory, axes, operations=("demand_fault", "reclaim", "swap_in", "kswapd"),
                             what_if=(), counters=lambda place: {"pgsteal": 100 * place["scenario.sharers"],
                                                                 "rmap_bytes": 4096}, **more)

    def test_cpu_time_per_reclaimed_page_is_that_of_faults_and_kswapd_without_what_they_waited_for(self):
        r = load(self.write())
        charts = measure_charts(r, make_plan(r))
        self.assertEqual([each.measure.name for each in charts], ["cpu_per_reclaimed_page", "rmap_bytes"])
        line = charts[0].panel.lines[0]
        point = r.account[(r.account["scenario.sharers"] == 4) & (r.account["kernel.rmap"] == "scan")
                          & (r.account["scenario.private"] == 0)]
        ours = point[point["operation"].isin(["demand_fault", "swap_in", "kswapd"])
                     & point["account"].isin(SYSTEM_ACCOUNTS)]
        per_page = ours["total_ps"].sum() / 3 / 400  # three seeds, of which the counter is the mean
        self.assertEqual(dict(line.series.coordinates)["kernel.rmap"], "scan")
        self.assertIn(line.hover[2].splitlines()[1], (duration(per_page / 1000),))
        for waiting in ("io", "schedule", "lock_sleep", "user"):
            self.assertNotIn(waiting, SYSTEM_ACCOUNTS)

    def test_each_measure_becomes_a_figure_and_a_section_of_the_page(self):
        self.write({"scenario.sharers": [1, 4], "kernel.rmap": ["scan", "pte_chain"]})
        with contextlib.redirect_stdout(io.StringIO()) as out, mock.patch("analysis.report.write_figures"):
            self.assertEqual(main(["report", str(self.directory)]), 0)
        names = {Path(line).name for line in out.getvalue().splitlines()}
        for name in ("cpu_per_reclaimed_page.png", "cpu_per_reclaimed_page.svg", "rmap_bytes.png"):
            self.assertIn(name, names)
        ours = without_plotly((self.directory / "report.html").read_text())
        self.assertIn('<section id="measures">', ours)
        self.assertIn("CPU time per reclaimed page", ours)

    def test_results_without_reclaim_have_none(self):
        r = load(write_results(self.directory))
        self.assertEqual(measure_charts(r, make_plan(r)), [])
        self.assertNotIn("measures", without_plotly(page_of(self.directory)))

    def test_a_point_that_reclaimed_nothing_is_a_gap(self):
        write_results(self.directory, PRESSURE, operations=("demand_fault", "kswapd"), what_if=(),
                      counters=lambda place: {"pgsteal": 7 if place["scenario.sharers"] > 1 else 0})
        r = load(self.directory)
        (charts,) = measure_charts(r, make_plan(r))
        self.assertTrue(math.isnan(charts.panel.lines[0].y[0]))
        self.assertEqual(charts.panel.lines[0].hover[0].splitlines()[1], "no value")


class APartialDirectory(InDirectory):
    def test_failed_points_are_told_and_the_others_drawn(self):
        write_results(self.directory, broken=(5, 41))
        notes = load(self.directory).notes
        self.assertEqual(len(notes), 1)
        self.assertIn("2 of 48 points have the status 'failed', not in the figures (point 5: run.cpus=1", notes[0])
        write_results(self.directory, operations=("munmap",), broken=(5, 41))
        with mock.patch("analysis.report.write_figures"), contextlib.redirect_stdout(io.StringIO()), \
                contextlib.redirect_stderr(io.StringIO()) as messages:
            self.assertEqual(main(["report", str(self.directory)]), 0)
        self.assertIn("2 of 48 points", messages.getvalue())
        self.assertIn("2 of 48 points have", (self.directory / "report.html").read_text())

    def test_a_lost_largest_x_moves_the_comparison_to_the_next(self):
        write_results(self.directory, broken=range(42, 48))
        r = load(self.directory)
        self.assertTrue(headline(r, make_plan(r)).text.startswith("munmap at 64 CPUs:"))

    def test_optional_fields_of_the_manifest_may_be_missing(self):
        write_results(self.directory)
        edit(self.directory / "manifest.json", lambda text: json.dumps(
            {field: value for field, value in json.loads(text).items() if field in ALWAYS}))
        r = load(self.directory)
        self.assertEqual(r.axes[0], Axis("run.cpus", (1, 2, 4, 8, 16, 32, 64, 128)))
        self.assertIn("munmap", page_of(self.directory))

    def test_points_that_took_other_numbers_of_seeds_and_missed_sweep_ci_are_told(self):
        write_results(self.directory, {"run.cpus": [1, 2, 4]}, operations=("munmap",), seeds=2)

        def take(intervals, bound=0.05):
            manifest = json.loads((self.directory / "manifest.json").read_text())
            for entry, ci95 in zip(manifest["points"], intervals):
                entry.update(seeds=2 if ci95 is None or ci95 <= bound else 4, ci95=ci95, ci95_operation="munmap")
            manifest["ci"] = {"bound": bound, "max_seeds": 4}
            (self.directory / "manifest.json").write_text(json.dumps(manifest))
            edit(self.directory / "point.csv", lambda text: text.splitlines(True)[0] + "".join(
                f"{entry['point']},{entry['axes']['run.cpus']},{seed},done,1,1,1,\n"
                for entry in manifest["points"] for seed in range(entry["seeds"])))
            return load(self.directory)

        r = take([0.01, 0.0534, 0.076827])
        self.assertEqual(r.notes, ["2 of 3 points did not reach sweep.ci = 0.05 (widest: munmap, 7.7%, at point 2: "
                                   "run.cpus=4)."])
        plan = make_plan(r)
        self.assertIn("2 to 4 seeds", conditions(r, plan))
        ours = without_plotly(page_of(self.directory)).replace("\u00a0", " ")
        self.assertIn("over batches and 2 to 4 seeds", ours)
        self.assertIn("did not reach sweep.ci", ours)
        self.assertNotIn(" 2 seeds", ours)
        self.assertEqual(take([0.01, 0.02, 0.05]).notes, [])
        self.assertIn("1 of 3 points did not reach sweep.ci = 0.05 (widest: munmap, no interval, at point 1",
                      take([0.01, None, 0.05]).notes[0])

    def test_an_operation_without_a_single_measurement_is_told(self):
        write_results(self.directory, {"run.cpus": [1, 2]}, operations=("munmap",))
        edit(self.directory / "latency.csv", lambda text: "".join(
            line if "munmap" not in line else line.split("munmap")[0] + "munmap,0,,,,,,,,0\n"
            for line in text.splitlines(True)))
        edit(self.directory / "histogram.csv", lambda text: text.splitlines(True)[0])
        r = load(self.directory)
        self.assertIn("no operation completed", headline(r, make_plan(r)).text)
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(main(["report", str(self.directory)]), 0)


class Words(unittest.TestCase):
    def test_durations_take_the_largest_unit_in_which_they_are_at_least_one(self):
        self.assertEqual([duration(value) for value in (0.25, 999, 1000, 12345, 2.5e6, 3e9)],
                         ["0.25 ns", "999 ns", "1 us", "12.3 us", "2.5 ms", "3 s"])
        self.assertEqual(unit_for(0.0).name, "ns")

    def test_three_digits_have_no_exponent(self):
        self.assertEqual([three_digits(value) for value in (0, 123456, 12.345, 0.01234, 100)],
                         ["0", "123000", "12.3", "0.0123", "100"])

    def test_log_ticks_enclose_the_values(self):
        for low, high in ((3.0, 3.0), (1.0, 2.0), (0.7, 130.0), (1e-3, 1e6), (5.0, 5.0)):
            ticks, bottom, top = log_ticks(low, high)
            self.assertLessEqual(bottom, low)
            self.assertGreaterEqual(top, high)
            self.assertLess(bottom, top)
            self.assertTrue(1 <= len(ticks) <= 14, (low, high, ticks))

    def test_an_axis_of_quantities_is_numeric_and_ascends(self):
        self.assertEqual(Axis.of("scenario.hold", ["1 us", "80 ns", "2 ms"]).values, ("80 ns", "1 us", "2 ms"))
        self.assertIsNone(Axis.of("kernel.vma_lock", [True, False]).numbers)

    def test_one_value_however_it_is_written(self):
        self.assertEqual([canonical(value) for value in ("16", 16.0, True, 0.5)], [16, 16, "true", 0.5])
        self.assertEqual([from_text(text) for text in ("16", "0.5", "true", "nan")], [16, 0.5, "true", "nan"])
        self.assertEqual(from_text("0.50", (0.25, 0.5)), 0.5)

    def test_a_kernel_version_is_a_name(self):
        self.assertEqual(canonical("5.10"), "5.10")
        self.assertEqual([from_text("5.10", ("5.1", "5.10")), from_text("5.10"), from_text("5.4", ("5.4",))],
                         ["5.10", "5.10", "5.4"])
        self.assertIsNone(Axis.of("kernel.base", ["5.4", "5.15"]).numbers)


if __name__ == "__main__":
    unittest.main()
