"""Does `mmsim report` show a directory of `mmsim validate` as it is: series, errors, misses, damage?

Run with: /usr/bin/python3 -m unittest tests/smoke/analysis_validation_test.py   (from the root of the repository)
"""
import contextlib
import io
import json
import math
import re
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from analysis import InputError, load, load_validation  # noqa: E402
from analysis.__main__ import main  # noqa: E402
from analysis.validation.charts import caption, case_charts, overview  # noqa: E402
from analysis.validation.figures import write_case  # noqa: E402
from analysis.validation.page import validation_page  # noqa: E402
from analysis.validation.plotly import case_chart  # noqa: E402
from analysis.validation.summary import course, courses, headline, median, p90  # noqa: E402
from tests.support.browser import Browser  # noqa: E402
from tests.support.synthetic_results import edit, write_results  # noqa: E402
from tests.support.synthetic_validation import CASES, HOST, write_validation  # noqa: E402

PHONE, DESK = (360, 740), (1280, 900)


class InDirectory(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="mmsim-validation-"))
        self.addCleanup(shutil.rmtree, self.directory)

    def chart(self, name, cases=None):
        charts = case_charts(load_validation(write_validation(self.directory, cases)))
        return next(chart for chart in charts if chart.case["case"] == name)

    def report(self, *arguments):
        """(exit status, lines of standard error)"""
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as messages:
            status = main(["report", *map(str, arguments)])
        return status, messages.getvalue().splitlines()


class TheNumbers(InDirectory):
    def test_medians_and_90th_percentiles_are_those_of_the_program(self):
        self.assertEqual(median([1, 2, 3, 10]), 2.5)
        self.assertEqual(p90(list(range(1, 11))), 9)
        self.assertEqual(p90(list(range(1, 12))), 10)
        self.assertTrue(math.isnan(median([])) and math.isnan(p90([])))

    def test_only_predicted_points_that_are_counted_make_the_median(self):
        v = load_validation(write_validation(self.directory, {**CASES, **HOST}))
        case = v.case.set_index("case")
        self.assertAlmostEqual(case.loc["stores", "median"], 0.1)  # 10, 10, 40, 10 %
        self.assertAlmostEqual(case.loc["stores", "p90"], 0.4)
        self.assertAlmostEqual(case.loc["loads", "median"], 0.4)  # 40, 60, 10 %
        self.assertTrue(math.isnan(case.loc["pte_chain", "median"]))
        self.assertEqual(case.loc["fork", "points"], 2)
        self.assertEqual(case.loc["exit", "verdict"], "uncounted")
        topic = v.topic.set_index("topic")
        self.assertEqual(topic.loc["cacheline", "points"], 7)
        self.assertAlmostEqual(topic.loc["cacheline", "median"], 0.1)  # 10, 10, 10, 10, 40, 40, 60 %
        self.assertEqual(topic.loc["cacheline", "worst"], "loads")
        self.assertEqual((topic.loc["rmap", "trends"], topic.loc["rmap", "trends_right"]), (1, 0))
        self.assertEqual((topic.loc["lazy-tlb", "crossovers"], topic.loc["lazy-tlb", "crossovers_right"]), (1, 1))
        self.assertEqual(topic.loc["lazy-tlb", "points"], 0)

    def test_of_an_even_number_either_of_the_middle_two_may_be_told_as_the_median(self):
        write_validation(self.directory, HOST)  # 6.5 and 8.8 %
        edit(self.directory / "cases.json", lambda text: re.sub(r'"median": 0\.07\d*', '"median": 0.0882', text, 1))
        self.assertEqual(load_validation(self.directory).defects, [])

    def test_the_headline_says_the_finding(self):
        self.assertEqual(headline(load_validation(write_validation(self.directory))),
                         "Over 10 predicted points of 3 series the median error is 10 %; 0 of 1 trend and 1 of 1 "
                         "crossover right; 2 of 5 cases miss")
        self.assertTrue(headline(load_validation(write_validation(self.directory, HOST))).startswith(
            "On this machine, over 2 predicted points of 1 series the median error is 7.6 %; no case of 1 misses"))

    def test_a_point_without_a_value_is_infinitely_far_off_and_told(self):
        points = ((1, 10, "", ""), (2, 20, "", ""), (4, 40, 41, ""))
        v = load_validation(write_validation(self.directory, {
            "lone": ("fork", "absolute", "us", "MiB", 0.25, points, {})}))
        self.assertEqual(v.case["median"].iloc[0], math.inf)
        self.assertIn("2 points have no simulated value (first: lone at 1)", v.notes[0])
        self.assertIn("infinite", validation_page(v, case_charts(v)))


    def test_what_had_been_seen_before_the_freeze_stands_apart_and_says_so(self):
        def case(points, **more):
            return ("fork", "absolute", "us", "MiB", 0.25, points, more)
        seen, fresh = "published, seen before the freeze", "published, first run after the freeze"
        v = load_validation(write_validation(self.directory, {
            "old": case(((1, 10, 12, ""),), group=seen, seen_before="a test of issue 3 <ran> it"),
            "new": case(((1, 10, 11, ""), (2, 10, 14, ""), (4, 10, "", "")), group=fresh),
            "newer": case(((1, 10, 10, ""),), group=fresh)}))
        group = v.group.set_index("group")
        self.assertEqual(list(group["points"]), [4, 1])
        self.assertAlmostEqual(group.loc[fresh, "median"], 0.25)  # 0, 10, 40 % and no value
        self.assertAlmostEqual(group.loc[fresh, "median_of_cases"], 0.2)  # of 0 and 40 %
        self.assertAlmostEqual(group.loc[seen, "median"], 0.2)
        self.assertEqual(v.case.set_index("case").loc["new", "furthest"], "no value at 4")
        self.assertEqual(v.case.set_index("case").loc["old", "furthest"], "+20 % at 1")
        told = {chart.case["case"]: caption(v, chart) for chart in case_charts(v)}
        self.assertTrue(told["old"].endswith(". Its predictions had been run before it was frozen"))
        self.assertNotIn("frozen", told["newer"])
        page = validation_page(v, case_charts(v))
        self.assertIn("a test of issue 3 &lt;ran&gt; it", page)
        self.assertIn(fresh, page)
        self.assertEqual(len(load_validation(write_validation(self.directory)).group), 0)


class ChangeAndSteps(InDirectory):
    def test_a_series_says_how_far_it_goes_and_how_many_steps_are_right(self):
        v = load_validation(write_validation(self.directory))
        case = v.case.set_index("case")
        self.assertAlmostEqual(case.loc["stores", "change_published"], 4000 / 30)
        self.assertEqual(course(case.loc["stores"]), "from 1 to 80: \u00d7133 published, \u00d7145 simulated (+8.9 %); "
                                                     "4 of 4 steps right")
        self.assertEqual(course(case.loc["pte_chain"]), "from pte_chain to anon_vma: \u00d70.824 published, "
                                                        "\u00d70.889 simulated (+7.9 %); 0 of 1 step right")
        self.assertEqual(course(case.loc["asid"]), "", "a row of its own says where it crosses")
        self.assertEqual(courses(v), "Relative change within 30 %: 4 of 4 series; steps right: 9 of 10")
        page = validation_page(v, case_charts(v))
        self.assertIn(courses(v), page.replace("\u00a0", " "))
        self.assertIn("simulated change", page)
        self.assertIn("\u2717 wrong", page)

    def test_a_change_that_is_given_is_shown_and_not_counted_and_one_beyond_the_bound_is_not_within(self):
        change = {"from": "1", "to": "2", "published": 286.4, "simulated": 162, "error": 162 / 286.4 - 1}
        points = ((1, 10, 10, ""), (2, 2864, 1620, ""))
        v = load_validation(write_validation(self.directory, {
            "far": ("tlb", "absolute", "us", "CPUs", 0.25, points, {"change": {**change, "predicted": True}}),
            "given": ("tlb", "absolute", "us", "CPUs", 0.25, points, {"change": {**change, "predicted": False}})}))
        self.assertIn("0 of 1 series", courses(v))
        self.assertIn("(-43 %, both given)", course(v.case.set_index("case").loc["given"]))

    def test_errors_of_a_trend_are_not_shown(self):
        v = load_validation(write_validation(self.directory, {"pte_chain": CASES["pte_chain"]}))
        (chart,) = case_charts(v)
        self.assertNotIn("%", "".join(mark.hover for mark in (*chart.published, *chart.simulated)))
        numbers = validation_page(v, [chart]).partition("Numbers: pte_chain")[2].partition("</table>")[0]
        self.assertEqual(numbers.count("<td class=n>-</td>"), 3)

    def test_a_directory_of_before_has_neither_and_no_columns_for_them(self):
        write_validation(self.directory, {"stores": CASES["stores"]})
        edit(self.directory / "validation.csv",
             lambda text: "".join(line.rpartition(",")[0] + "\n" for line in text.splitlines()))
        edit(self.directory / "cases.json", lambda text: json.dumps(
            [{key: value for key, value in case.items() if key not in ("change", "steps", "wrong_steps")}
             for case in json.loads(text)]))
        v = load_validation(self.directory)
        self.assertEqual((v.defects, courses(v), course(v.case.iloc[0])), ([], "", ""))
        page = validation_page(v, case_charts(v))
        self.assertNotIn("simulated change", page)
        self.assertNotIn("step to it", page)


class TheCharts(InDirectory):
    def test_a_wide_range_asks_for_logarithmic_axes_and_a_narrow_one_does_not(self):
        chart = self.chart("stores")
        self.assertEqual((chart.x.log, chart.y.log, chart.names), (True, True, ()))
        points = ((1, 10, 11, ""), (2, 20, 21, ""), (4, 40, 41, ""))
        chart = self.chart("few", {"few": ("fork", "absolute", "us", "MiB", 0.25, points, {})})
        self.assertEqual((chart.x.log, chart.y.log, chart.y.low), (False, False, 0.0))

    def test_the_band_is_the_tolerance_around_what_was_published(self):
        chart = self.chart("stores")
        self.assertEqual(chart.band[-1], (3000.0, 5000.0))
        self.assertGreaterEqual(chart.y.high, 5000)
        self.assertEqual(self.chart("pte_chain").band, ())

    def test_calibrated_points_are_hollow_and_misses_have_a_mark_of_their_own(self):
        chart = self.chart("stores")
        self.assertEqual([mark.kind for mark in chart.simulated], ["calibrated", "predicted", "predicted", "miss",
                                                                   "predicted"])
        self.assertEqual([mark.kind for mark in chart.published], ["calibrated", *["predicted"] * 4])
        symbols = {trace["marker"]["symbol"]: trace["x"] for trace in case_chart(chart)["data"] if "marker" in trace
                   and trace["meta"] == 1}
        self.assertEqual(symbols, {"diamond-open": [1], "diamond": [2, 8, 80], "x": [40]})

    def test_what_is_not_counted_is_grey_and_hollow_and_says_so(self):
        chart = self.chart("fork", HOST)
        self.assertEqual(chart.reference, "measured")
        (trace,) = [trace for trace in case_chart(chart)["data"] if trace.get("marker", {}).get("color") == "@grey"
                    and trace["meta"] == 1]
        self.assertEqual(trace["marker"]["symbol"], "diamond-open")
        self.assertIn("not counted", trace["text"][0])

    def test_names_become_rows_and_a_crossover_one_row(self):
        chart = self.chart("ping-pong")
        self.assertEqual(chart.names, ("same CPU", "off-core blind compare and swap", "cross-interconnect"))
        self.assertTrue(chart.y.log)
        self.assertEqual(case_chart(chart)["layout"]["yaxis"]["ticktext"][1], "off-core blind compare<br>and swap")
        chart = self.chart("asid")
        self.assertEqual((chart.names, chart.y.title), (("crossing",), "CPUs at which it crosses"))

    def test_captions_say_by_how_much(self):
        v = load_validation(write_validation(self.directory))
        told = {chart.case["case"]: caption(v, chart) for chart in case_charts(v)}
        self.assertEqual(told["stores"], "Median error 10 % over 4 predicted points, tolerance 25 %; 90th percentile "
                                         "40 %. Outside it: 40 (+40 %)")
        self.assertEqual(told["pte_chain"], "1 of 1 step in the wrong direction: to partial objrmap")
        self.assertEqual(told["asid"], "Crosses at 11 instead of 10 (+10 %, tolerance 25 %)")

    def test_a_step_without_a_value_is_no_step_in_the_wrong_direction(self):
        points = (("before", 30, "", "miss"), ("after", 20, "", "miss"))
        v = load_validation(write_validation(self.directory, {
            "none": ("rmap", "trend", "s", "kernel", None, points, {"steps": 1, "wrong_steps": 1})}))
        self.assertEqual(caption(v, case_charts(v)[0]),
                         "1 of 1 step in the wrong direction; 2 points without a value: to before, after")

    def test_the_overview_has_every_predicted_point_with_an_error(self):
        drawn = overview(load_validation(write_validation(self.directory, {**CASES, **HOST})))
        self.assertEqual(len(drawn.marks), 4 + 3 + 3 + 3 + 1)
        self.assertEqual(sum(mark.kind == "miss" for mark in drawn.marks), 3)
        self.assertEqual(sum(mark.kind == "uncounted" for mark in drawn.marks), 2)

    def test_the_same_chart_gives_the_same_bytes_in_every_format(self):
        v = load_validation(write_validation(self.directory))
        first, again = {}, {}
        for files in (first, again):
            def keep(name, save, files=files):
                save(file := io.BytesIO())
                files[name] = file.getvalue()
            for chart in case_charts(v)[1:3]:
                write_case(v, chart, keep)
        self.assertEqual(set(first), {f"case-{case}.{kind}" for case in ("loads", "ping-pong")
                                      for kind in ("png", "svg", "pdf")})
        self.assertEqual(first, again)


class Damage(InDirectory):
    CHANGES = (  # (file, change, words of the message)
        ("validation.csv", lambda text: text.replace("simulated,", "simulatd,", 1),
         ("validation.csv:1:", "column 'simulated' is missing", "mmsim validate --out")),
        ("validation.csv", lambda text: text.replace(",148.5,", ",abc,"), ("validation.csv:3:", "'abc', not a number")),
        ("validation.csv", lambda text: text.replace(",ok,", ",fine,", 1), ("validation.csv:2:", "verdict is 'fine'")),
        ("validation.csv", lambda text: text.replace("cacheline,", "", 1), ("validation.csv:2:", "10 fields")),
        ("validation.csv", lambda text: text.replace(",right", ",rihgt", 1), ("validation.csv:3:", "step is 'rihgt'")),
        ("cases.json", lambda text: text.replace('"change": {', '"change": 1, "changed": {', 1),
         ("'change' of case stores has the wrong type",)),
        ("validation.csv", lambda text: text[:-20], ("the last line is cut off", "truncated")),
        ("validation.csv", lambda text: text.replace(",148.5,", ",158.5,"),
         ("case stores at 2", "simulated / published - 1 is 0.1741", "edited")),
        ("validation.csv", lambda text: "".join(line for line in text.splitlines(True) if "asid" not in line),
         ("no row of case asid", "truncated")),
        ("cases.json", lambda text: text[:200], ("cases.json:", "sources, machines and notes are not shown")),
        ("cases.json", lambda text: '"a"', ("cases.json", "not a list of cases")),
        ("cases.json", lambda text: json.dumps(json.loads(text)[1:]), ("nothing of case stores",)),
        ("cases.json", lambda text: text.replace('"median": 0.1', '"median": 0.7', 1),
         ("the median error of case stores is 0.7", "0.1")),
        ("cases.json", lambda text: text.replace('"tolerance": 0.25', '"tolerance": "wide"', 1),
         ("'tolerance' of case stores has the wrong type",)),
    )

    def test_each_defect_is_one_line_and_the_rest_is_shown(self):
        for file, change, words in self.CHANGES:
            with self.subTest(words=words):
                write_validation(self.directory)
                edit(self.directory / file, change)
                with self.assertRaises(InputError) as caught:
                    load_validation(self.directory)
                message = str(caught.exception)
                for word in words:
                    self.assertIn(word, message)
                self.assertNotIn("\n", message)
                if "is missing" in message:
                    continue  # nothing to go by
                v = load_validation(self.directory, strict=False)
                self.assertEqual(v.defects[0], message)
                self.assertLessEqual(len(v.defects), 1 + (file == "validation.csv"))
                self.assertIn("ping-pong", validation_page(v, case_charts(v)))

    def test_without_cases_the_charts_stand_without_notes_and_the_status_is_2(self):
        write_validation(self.directory, {"ping-pong": CASES["ping-pong"]})
        (self.directory / "cases.json").unlink()
        (self.directory / "manifest.json").unlink()
        status, messages = self.report(self.directory)
        self.assertEqual(status, 2)
        self.assertEqual(len(messages), 1)
        self.assertIn("cases.json: no such file", messages[0])
        self.assertIn("ping-pong", (self.directory / "report.html").read_text())
        self.assertTrue((self.directory / "figures" / "case-ping-pong.pdf").stat().st_size > 1000)

    def test_what_is_no_validation_is_refused_and_the_sweep_reader_points_here(self):
        write_validation(self.directory)
        with self.assertRaisesRegex(InputError, "read it with analysis.load_validation"):
            load(self.directory)
        with self.assertRaisesRegex(InputError, "no validation.csv in it"):
            load_validation(write_results(self.directory / "sweep", {"run.cpus": [1, 2]}, operations=("munmap",)))
        (self.directory / "validation.csv").unlink()
        with self.assertRaisesRegex(InputError, "validation.csv: no such table"):
            load_validation(self.directory)

    def test_it_is_not_laid_over_other_directories_or_real_runs(self):
        write_validation(self.directory)
        for arguments in ((self.directory, self.directory), (self.directory, "--real", "x.csv")):
            status, messages = self.report(*arguments)
            self.assertEqual((status, len(messages)), (2, 1), messages)
            self.assertIn("of 'mmsim validate'", messages[0])
        self.assertFalse((self.directory / "report.html").exists())


class ThePageInABrowser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = Path(tempfile.mkdtemp(prefix="mmsim-validation-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        v = load_validation(write_validation(cls.directory, {**CASES, **HOST}))
        cls.text = validation_page(v, case_charts(v))
        (cls.directory / "report.html").write_text(cls.text)
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)
        cls.page = cls.browser.page()
        cls.size(*DESK)
        cls.page.open(f"file://{cls.directory}/report.html")
        cls.page.wait_for("document.documentElement.dataset.charts === 'drawn'")

    @classmethod
    def size(cls, width, height):
        cls.page.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                      mobile=width < 500)

    def tearDown(self):
        self.assertEqual(self.page.errors, [])

    def test_every_case_is_drawn_and_no_network_asked(self):
        drawn = self.page.evaluate("""[...document.querySelectorAll(".chart")].map(
            chart => [chart.id, chart.data?.length ?? 0,
                      chart.querySelectorAll(".scatterlayer .points path").length])""")
        self.assertEqual(len(drawn), 1 + len(CASES) + len(HOST))
        for name, traces, marks in drawn:
            self.assertTrue(traces > 1 and marks > 1, (name, traces, marks))
        self.assertEqual([address for address in self.page.requests
                          if not address.startswith(("file:", "data:", "blob:"))], [])

    def test_a_miss_says_so_in_a_word_and_a_symbol_and_why(self):
        misses = self.page.evaluate("""[...document.querySelectorAll(".verdict.miss strong")].map(
            each => each.textContent)""")
        self.assertEqual(misses, ["\u2717 misses"] * 2)
        listed = self.page.evaluate('document.querySelector(".misses").innerText')
        self.assertIn("reads <within> a socket are too slow", listed)
        self.assertIn("the chain's own misses are not modelled", listed)

    def test_sources_are_cited_and_the_title_is_the_finding(self):
        self.assertIn("median error", self.page.evaluate("document.title"))
        for case in (*CASES, *HOST):
            self.assertIn(f"A. Author, A paper about {case}", self.text)

    def test_a_click_into_the_legend_hides_the_simulated_curve(self):
        hidden = """[...document.querySelector("#case-stores .chart").data].filter(
            trace => trace.meta === 1 && trace.visible === false).length"""
        key = """document.querySelector('#case-stores button[data-series="1"]')"""
        self.assertEqual(self.page.evaluate(hidden), 0)
        self.page.evaluate(f"{key}.click()")
        self.page.wait_for(f"{hidden} > 0")
        self.page.evaluate(f"{key}.click()")
        self.page.wait_for(f"{hidden} === 0")

    def test_the_topics_sort_by_a_click(self):
        column = """[...document.querySelector(".topics tbody").rows].map(row => row.cells[0].textContent)"""
        before = self.page.evaluate(column)
        self.page.evaluate('document.querySelector(".topics button.sort").click()')
        self.assertEqual(self.page.evaluate(column), sorted(before))
        self.assertNotEqual(before, sorted(before))

    def test_on_a_phone_nothing_but_tables_is_too_wide(self):
        self.size(*PHONE)
        self.addCleanup(self.size, *DESK)
        too_wide = """[...document.querySelectorAll(".chart, .chart svg, .legend, dl, h3, .verdict")].filter(
            each => each.getBoundingClientRect().right > innerWidth + 1).length"""
        self.page.wait_for(f"innerWidth === {PHONE[0]} && {too_wide} === 0")  # charts are drawn anew
        self.assertLessEqual(self.page.evaluate("document.documentElement.scrollWidth"), PHONE[0])
        clipped = """[...document.querySelectorAll(".chart")].flatMap(chart => {
            const frame = chart.getBoundingClientRect();
            return [...chart.querySelectorAll("text")].filter(text => {
                const box = text.getBoundingClientRect();
                return text.textContent.trim() && box.width > 0
                    && (box.right > frame.right + 2 || box.left < frame.left - 2);
            }).map(text => text.textContent);
        })"""
        self.assertEqual(self.page.evaluate(clipped), [])


if __name__ == "__main__":
    unittest.main()
