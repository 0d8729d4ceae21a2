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
# What CSS calls rgb(...), as its mean: 0 is black.
BRIGHTNESS = """(element, property) => {
  const numbers = getComputedStyle(element)[property].match(/[0-9.]+/g).map(Number);
  return numbers.length === 4 && numbers[3] === 0 ? null : (numbers[0] + numbers[1] + numbers[2]) / 3;
}"""


class ThePageInABrowser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = Path(tempfile.mkdtemp(prefix="mmsim-page-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        write_results(cls.directory, {"run.cpus": [1, 4, 16], "kernel.tlb_flush": ["lazy", "broadcast"]},
                      operations=("munmap",))
        real = cls.directory / "will-it-scale.csv"
        real.write_text("tasks,processes,processes_idle,threads,threads_idle,linear\n0,0,100,0,100,0\n"
                        "1,315890,95.82,317633,95.83,317633\n4,1087434,83.40,901215,85.30,1270532\n")
        with mock.patch("analysis.report.write_figures"):  # on paper: analysis_test.py
            report([cls.directory], [str(real)])
        cls.address = f"file://{cls.directory}/report.html"
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        self.browser.call("Emulation.setEmulatedMedia", features=[])
        self.show(*DESK)

    def show(self, width, height, **more):
        self.browser.requests.clear()
        self.browser.errors.clear()
        self.browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                          mobile=width < 500)
        self.browser.open(self.address)
        self.browser.wait_for("document.documentElement.dataset.charts === 'drawn'")

    def test_it_asks_no_network_and_its_console_is_silent(self):
        elsewhere = [address for address in self.browser.requests
                     if address != self.address and not address.startswith(("data:", "blob:"))]
        self.assertEqual(elsewhere, [])
        self.assertEqual(self.browser.errors, [])

    def test_every_chart_is_drawn(self):
        drawn = self.browser.evaluate("""[...document.querySelectorAll(".chart")].map(
            chart => [chart.id, chart.data?.length ?? 0, chart.querySelectorAll("svg.main-svg").length,
                      chart.querySelectorAll("path, rect, image").length])""")
        self.assertGreaterEqual(len(drawn), 6)
        for name, traces, pictures, marks in drawn:
            self.assertTrue(traces > 0 and pictures > 0 and marks > 2, (name, traces, pictures, marks))

    def test_a_click_into_the_legend_hides_a_line_and_the_next_shows_it(self):
        lines = """[...document.querySelectorAll(".chart")].map(
            chart => chart.querySelectorAll(".scatterlayer .trace").length).reduce((a, b) => a + b)"""
        key = 'document.querySelector("button[data-series]")'
        before = self.browser.evaluate(lines)
        self.browser.evaluate(f"{key}.click()")
        self.browser.wait_for(f"{lines} < {before}")
        self.assertEqual(self.browser.evaluate(f'{key}.getAttribute("aria-pressed")'), "false")
        self.browser.evaluate(f"{key}.click()")
        self.browser.wait_for(f"{lines} === {before}")

    def test_a_click_into_a_header_sorts_its_table_and_the_next_turns_it_round(self):
        self.assertTrue(self.browser.evaluate('document.querySelectorAll("th button.sort").length > 0'))
        self.browser.evaluate("""{
          const button = [...document.querySelectorAll("th button.sort")].find(
              each => each.closest("table").tBodies[0].rows.length > 2 && each.closest("th").cellIndex > 0);
          for (let at = button; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
          window.header = button.closest("th");
          window.column = () => [...header.closest("table").tBodies[0].rows].map(
              row => row.cells[header.cellIndex].dataset.value ?? row.cells[header.cellIndex].textContent);
        }""")
        before = self.browser.evaluate("column()")
        orders = []
        for _ in range(2):
            self.browser.evaluate('header.querySelector("button.sort").click()')
            orders.append((self.browser.evaluate('header.getAttribute("aria-sort")'), self.browser.evaluate("column()")))
        self.assertEqual({order for order, _ in orders}, {"ascending", "descending"})
        for order, column in orders:
            self.assertEqual(sorted(column), sorted(before))
            self.assertEqual(column, sorted(column, key=as_number_or_text, reverse=order == "descending"))

    def test_on_a_phone_only_tables_scroll_sideways(self):
        self.show(*PHONE)
        width = self.browser.evaluate("document.documentElement.scrollWidth")
        self.assertLessEqual(width, PHONE[0])
        self.assertEqual(self.browser.evaluate("""[...document.querySelectorAll(".chart")].filter(
            chart => chart.clientWidth > 0 && chart.getBoundingClientRect().right > 361).map(chart => chart.id)"""), [])

    def test_dark_mode_turns_page_and_charts_dark(self):
        background = f"({BRIGHTNESS})(document.body, 'backgroundColor')"
        ink = f"({BRIGHTNESS})(document.body, 'color')"
        chart = f"({BRIGHTNESS})(document.querySelector('.chart .main-svg'), 'backgroundColor')"
        light = self.browser.evaluate(f"[{background}, {ink}]")
        self.assertGreater(light[0], light[1])
        self.browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        self.browser.wait_for(f"({background}) < 60 && ({ink}) > 150")
        self.browser.wait_for(f"({chart}) === null || ({chart}) < 60")
        self.assertEqual(self.browser.errors, [])

    def test_without_javascript_the_page_says_where_the_pictures_are(self):
        self.browser.call("Emulation.setScriptExecutionDisabled", value=True)
        try:
            self.browser.open(self.address)
            text = self.browser.evaluate("document.body.innerText")
        finally:
            self.browser.call("Emulation.setScriptExecutionDisabled", value=False)
        self.assertIn("The charts need JavaScript", text)
        self.assertIn("munmap", text)
        self.assertIn("Chosen for this run", text)

    def test_a_real_run_lies_over_the_throughput(self):
        names = self.browser.evaluate("""[...document.querySelectorAll(".chart")].flatMap(
            chart => (chart.data ?? []).map(trace => trace.name ?? ""))""")
        self.assertTrue(any("real: will-it-scale.csv" in name for name in names), names)


def as_number_or_text(cell):
    try:
        return (0, float(cell), "")
    except ValueError:
        return (1, 0.0, cell)


if __name__ == "__main__":
    unittest.main()
