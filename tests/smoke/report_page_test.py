"""Does a real browser show the page of `mmsim report`, from a file, without a network?

Run with: /usr/bin/python3 -m unittest tests/smoke/report_page_test.py   (from the root of the repository)
"""
import shutil
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from analysis.report import report  # noqa: E402
from tests.support.browser import Browser  # noqa: E402
from tests.support.synthetic_results import write_results  # noqa: E402

PHONE, DESK = (360, 740), (1280, 900)
# What CSS calls rgb(...), as its mean: 0 is black; NaN where there is no colour.
BRIGHTNESS = """(element, property) => {
  const numbers = getComputedStyle(element)[property].match(/[0-9.]+/g).map(Number);
  return numbers[3] === 0 ? NaN : (numbers[0] + numbers[1] + numbers[2]) / 3;
}"""


class ThePageInABrowser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = Path(tempfile.mkdtemp(prefix="mmsim-page-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        write_results(cls.directory, {"run.cpus": [1, 4, 16], "kernel.tlb_flush": ["lazy", "broadcast"]},
                      operations=("munmap",), counters=locks)
        real = cls.directory / "will-it-scale.csv"
        real.write_text("tasks,processes,processes_idle,threads,threads_idle,linear\n0,0,100,0,100,0\n"
                        "1,315890,95.82,317633,95.83,317633\n4,1087434,83.40,901215,85.30,1270532\n")
        with mock.patch("analysis.report.write_figures"):  # on paper: analysis_test.py
            report([cls.directory], [str(real)])
        cls.address = f"file://{cls.directory}/report.html"
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)
        cls.page = cls.browser.page()
        cls.size(*DESK)
        cls.page.open(cls.address)  # once: reading plotly takes a second each time
        cls.page.wait_for("document.documentElement.dataset.charts === 'drawn'")

    @classmethod
    def size(cls, width, height):
        cls.page.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                      mobile=width < 500)

    def tearDown(self):
        self.assertEqual(self.page.errors, [])

    def test_it_asks_no_network(self):
        elsewhere = [address for address in self.page.requests
                     if address != self.address and not address.startswith(("data:", "blob:"))]
        self.assertIn(self.address, self.page.requests)
        self.assertEqual(elsewhere, [])

    def test_every_chart_is_drawn(self):
        drawn = self.page.evaluate("""[...document.querySelectorAll(".chart")].map(
            chart => [chart.id, chart.data?.length ?? 0, chart.querySelectorAll("svg.main-svg").length,
                      chart.querySelectorAll("path, rect, image").length])""")
        self.assertGreaterEqual(len(drawn), 6)
        for name, traces, pictures, marks in drawn:
            self.assertTrue(traces > 0 and pictures > 0 and marks > 2, (name, traces, pictures, marks))

    def test_a_click_into_the_legend_hides_a_line_and_the_next_shows_it(self):
        lines = """[...document.querySelectorAll(".chart")].map(
            chart => chart.querySelectorAll(".scatterlayer .trace").length).reduce((a, b) => a + b)"""
        key = 'document.querySelector("button[data-series]")'
        before = self.page.evaluate(lines)
        self.page.evaluate(f"{key}.click()")
        self.page.wait_for(f"{lines} < {before}")
        self.assertEqual(self.page.evaluate(f'{key}.getAttribute("aria-pressed")'), "false")
        self.page.evaluate(f"{key}.click()")
        self.page.wait_for(f"{lines} === {before}")

    def test_a_click_into_a_header_sorts_its_table_and_the_next_turns_it_round(self):
        self.assertTrue(self.page.evaluate('document.querySelectorAll("th button.sort").length > 0'))
        self.page.evaluate("""{
          const button = [...document.querySelectorAll("th button.sort")].find(
              each => each.closest("table").tBodies[0].rows.length > 2 && each.closest("th").cellIndex > 0);
          for (let at = button; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
          window.header = button.closest("th");
          window.column = () => [...header.closest("table").tBodies[0].rows].map(
              row => row.cells[header.cellIndex].dataset.value ?? row.cells[header.cellIndex].textContent);
        }""")
        before = self.page.evaluate("column()")
        orders = []
        for _ in range(2):
            self.page.evaluate('header.querySelector("button.sort").click()')
            orders.append((self.page.evaluate('header.getAttribute("aria-sort")'), self.page.evaluate("column()")))
        self.assertEqual({order for order, _ in orders}, {"ascending", "descending"})
        for order, column in orders:
            self.assertEqual(sorted(column), sorted(before))
            self.assertEqual(column, sorted(column, key=as_number_or_text, reverse=order == "descending"))

    def test_on_a_phone_only_tables_scroll_sideways(self):
        self.size(*PHONE)
        self.addCleanup(self.size, *DESK)
        too_wide = """[...document.querySelectorAll(".chart, .chart svg")].filter(
            chart => chart.getBoundingClientRect().right > innerWidth + 1).length"""
        self.page.wait_for(f"innerWidth === {PHONE[0]} && {too_wide} === 0")  # charts are drawn anew
        self.assertLessEqual(self.page.evaluate("document.documentElement.scrollWidth"), PHONE[0])

    def test_dark_mode_turns_page_and_charts_dark(self):
        background = f"({BRIGHTNESS})(document.body, 'backgroundColor')"
        ink = f"({BRIGHTNESS})(document.body, 'color')"
        chart = f"({BRIGHTNESS})(document.querySelector('.chart .main-svg'), 'backgroundColor')"
        page, text, drawing = self.page.evaluate(f"[{background}, {ink}, {chart}]")
        self.assertGreater(min(page, drawing), 200)
        self.assertLess(text, 60)
        self.page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        self.addCleanup(self.page.call, "Emulation.setEmulatedMedia", features=[])
        self.page.wait_for(f"({background}) < 60 && ({ink}) > 150")
        self.page.wait_for(f"({chart}) < 60")

    def test_without_javascript_the_page_says_where_the_pictures_are(self):
        page = self.browser.page()
        page.call("Emulation.setScriptExecutionDisabled", value=True)
        page.open(self.address)
        text = page.evaluate("document.body.innerText")
        self.assertIn("The charts need JavaScript", text)
        self.assertIn("munmap", text)
        self.assertIn("Chosen for this run", text)

    def test_a_real_run_lies_over_the_throughput(self):
        names = self.page.evaluate("""[...document.querySelectorAll(".chart")].flatMap(
            chart => (chart.data ?? []).map(trace => trace.name ?? ""))""")
        self.assertTrue(any("real: will-it-scale.csv" in name for name in names), names)


def locks(place):
    """Counters of two lock classes more than one, or there would be nothing to sort."""
    return {f"{column}.{name}": size * place["run.cpus"] for name, size in (("zone_lock", 70), ("page_table_lock", 9))
            for column in ("lock_acquired", "lock_contended", "lock_wait_ns", "lock_wait_max_ns", "lock_hold_ns",
                           "lock_hold_max_ns", "lock_acq_bounces", "lock_con_bounces")}


def as_number_or_text(cell):
    try:
        return (0, float(cell), "")
    except ValueError:
        return (1, 0.0, cell)


if __name__ == "__main__":
    unittest.main()
