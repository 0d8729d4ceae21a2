"""What does the analysis make of its input: damaged directories, several directories, runs on real machines?

Run with: /usr/bin/python3 -m unittest tests/smoke/analysis_input_test.py   (from the root of the repository)
"""
import contextlib
import io
import json
import math
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from analysis import InputError, load  # noqa: E402
from analysis.__main__ import main  # noqa: E402
from analysis.charts import operation_charts  # noqa: E402
from analysis.combine import combine  # noqa: E402
from analysis.comparison import comparison_notes, configuration_differences, differences, ratio_interval  # noqa: E402
from analysis.comparison_page import comparison_section  # noqa: E402
from analysis.plan import make_plan  # noqa: E402
from analysis.real_run import read_real  # noqa: E402
from analysis.report import report  # noqa: E402
from analysis.wording import conditions  # noqa: E402
from tests.support.synthetic_results import InDirectory, edit, write_results  # noqa: E402


class ADamagedDirectory(InDirectory):
    def setUp(self):
        super().setUp()
        write_results(self.directory)

    def test_missing_directory(self):
        self.refused(self.directory / "nowhere", "nowhere: no such directory", "give the directory")

    def test_a_file_in_place_of_the_directory(self):
        self.refused(self.directory / "latency.csv", "not a directory")

    def test_missing_files(self):
        for name in ("manifest.json", "latency.csv", "account.csv", "counter.csv", "point.csv"):
            with self.subTest(name):
                kept = (self.directory / name).read_bytes()
                (self.directory / name).unlink()
                self.refused(self.directory, name, "no such")
                (self.directory / name).write_bytes(kept)

    def test_empty_table(self):
        edit(self.directory / "counter.csv", lambda text: "")
        self.refused(self.directory, "counter.csv: empty", "again")

    def test_header_without_rows(self):
        edit(self.directory / "latency.csv", lambda text: text.splitlines(True)[0])
        self.refused(self.directory, "latency.csv: no rows")

    def test_truncated_in_a_line(self):
        edit(self.directory / "account.csv", lambda text: text[:len(text) // 2])
        self.refused(self.directory, "account.csv:", "truncated")

    def test_truncated_between_lines(self):
        for name in ("latency", "account", "counter", "point"):
            with self.subTest(name):
                path = self.directory / f"{name}.csv"
                kept = path.read_text()
                edit(path, lambda text: "".join(text.splitlines(True)[:len(text.splitlines()) // 2]))
                self.refused(self.directory, f"{name}.csv: no row of ", "truncated")
                path.write_text(kept)

    def test_renamed_column(self):
        edit(self.directory / "latency.csv", lambda text: text.replace("p50_ns", "median", 1))
        self.refused(self.directory, "latency.csv:1: column 'p50_ns' is missing")

    def test_columns_in_another_order(self):
        edit(self.directory / "point.csv", lambda text: text.replace("seed,status", "status,seed", 1))
        self.refused(self.directory, "point.csv:1: the columns are not")

    def test_axes_of_another_sweep(self):
        edit(self.directory / "counter.csv", lambda text: text.replace("kernel.tlb_flush", "kernel.spinlock", 1))
        self.refused(self.directory, "counter.csv:1: its axes are", "another sweep")

    def test_a_value_that_the_axis_does_not_have(self):
        edit(self.directory / "latency.csv", lambda text: text.replace("\n0,1,lazy", "\n0,3,lazy", 1))
        self.refused(self.directory, "latency.csv: run.cpus is '3'")

    def test_text_in_a_number(self):
        edit(self.directory / "latency.csv", lambda text: text.replace(",4000,", ",many,", 1))
        self.refused(self.directory, "latency.csv:2: count is 'many', not a valid integer")

    def test_negative_time(self):
        edit(self.directory / "account.csv", lambda text: text.replace(",200.000,", ",-200.000,", 1))
        self.refused(self.directory, "account.csv:2: mean_ns is '-200.000'")

    def test_a_row_twice(self):
        edit(self.directory / "latency.csv", lambda text: text + text.splitlines(True)[-1])
        self.refused(self.directory, "latency.csv: point 47, operation context_switch appears twice")

    def test_a_missing_field(self):
        edit(self.directory / "counter.csv", lambda text: text.replace(",ipi_sent,", ",", 1))
        self.refused(self.directory, "counter.csv:3: 5 fields where the header has 6")

    def test_bytes_that_are_no_text(self):
        (self.directory / "point.csv").write_bytes(b"\x7fELF\xff\xfe\x00")
        self.refused(self.directory, "point.csv: not text")

    def test_manifest_that_is_no_json(self):
        edit(self.directory / "manifest.json", lambda text: text[:200])
        self.refused(self.directory, "manifest.json:", "damaged")

    def test_manifest_fields_of_a_wrong_type(self):
        for field, value in (("axes", {"run.cpus": [1]}), ("points", [3]), ("configuration", []), ("what_if", "lazy")):
            with self.subTest(field):
                kept = (self.directory / "manifest.json").read_text()
                edit(self.directory / "manifest.json", lambda text: json.dumps({**json.loads(text), field: value}))
                self.refused(self.directory, "manifest.json", field)
                (self.directory / "manifest.json").write_text(kept)

    def test_a_manifest_without_what_every_mmsim_writes_is_damaged(self):
        kept = (self.directory / "manifest.json").read_text()
        for field in ("version", "axes", "points", "what_if", "configuration"):
            with self.subTest(field):
                edit(self.directory / "manifest.json", lambda text: json.dumps(
                    {name: value for name, value in json.loads(kept).items() if name != field}))
                self.refused(self.directory, f"manifest.json: it has no '{field}'; the manifest is damaged")
        (self.directory / "manifest.json").write_text("{}")
        self.refused(self.directory, "it has no 'version', 'axes', 'points', 'what_if', 'configuration'")
        r = load(self.directory, strict=False)
        self.assertEqual(len(r.defects), 1)
        self.assertIn("what is a what-if is not known", r.defects[0])
        (self.directory / "manifest.json").unlink()
        self.assertIn("what is a what-if is not known", load(self.directory, strict=False).defects[0])

    def test_edited_numbers_of_latency_are_refused(self):
        columns = ["count", "mean_ns", "ci95_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns", "per_second"]
        path = self.directory / "latency.csv"
        kept = path.read_text()
        own = dict(zip(columns, kept.splitlines()[1].split(",")[-len(columns):]))

        def set_to(**values):
            cells = kept.splitlines()[1].split(",")[:-len(columns)]
            changed = ",".join([*cells, *{**own, **values}.values()])
            path.write_text(kept.replace(kept.splitlines()[1], changed, 1))

        def times(name, factor):
            return f"{float(own[name]) * factor:.3f}"

        for values, words in (
                ({"p50_ns": "nan"}, "p50_ns is empty, of 4000 operations"), ({"mean_ns": ""}, "mean_ns is empty"),
                ({"max_ns": ""}, "max_ns is empty"),
                ({"p50_ns": times("p90_ns", 1.01)}, "more than p90_ns"),
                ({"p999_ns": times("p99_ns", 0.99)}, "more than p999_ns"),
                ({"max_ns": times("p999_ns", 0.99)}, "more than max_ns"),
                ({"mean_ns": times("max_ns", 2)}, "more than max_ns"),
                ({"mean_ns": times("p50_ns", 0.8)}, "all latencies of histogram.csv are from"),
                ({"p50_ns": times("p50_ns", 0.8)}, "p50_ns is "), ({"p90_ns": times("p90_ns", 1.1)}, "p90_ns is "),
                ({"p99_ns": times("p99_ns", 0.9)}, "p99_ns is "), ({"p999_ns": times("p999_ns", 1.1)}, "p999_ns is "),
                ({"max_ns": times("max_ns", 1.1)}, "max_ns is ")):
            with self.subTest(values):
                set_to(**values)
                self.refused(self.directory, "latency.csv: munmap at point 0: ", words, "the tables were edited")
        set_to(ci95_ns="")
        load(self.directory)

    def test_a_number_out_of_its_order_is_seen_without_a_histogram(self):
        for name in ("wait", "histogram", "ipi"):
            (self.directory / f"{name}.csv").unlink()
        edit(self.directory / "manifest.json", lambda text: text.replace('"0.2.0"', '"0.1.0"'))
        r = load(self.directory)
        high = f"{r.latency.iloc[0]['p90_ns'] * 9:.3f}"
        edit(self.directory / "latency.csv", lambda text: text.replace(f"{r.latency.iloc[0]['p90_ns']:.3f}", high, 1))
        self.refused(self.directory, f"munmap at point 0: p90_ns is {high}, more than p99_ns")

    def test_a_point_with_edited_numbers_is_not_shown_and_one_more_defect_is_singular(self):
        edit(self.directory / "latency.csv", lambda text: "".join(
            line.replace(line.split(",")[-6], "nan") if line.startswith(("0,", "1,")) and ",munmap," in line else line
            for line in text.splitlines(True)))
        r = load(self.directory, strict=False)
        self.assertEqual(set(r.latency["point"]), set(range(2, 48)))
        self.assertEqual(len(r.defects), 1)
        self.assertIn("; and 1 more such defect (shown without points 0, 1 of this table)", r.defects[0])

    def test_the_command_exits_with_status_2_and_one_line_and_writes_nothing(self):
        (self.directory / "latency.csv").unlink()
        ran = subprocess.run([sys.executable, "-m", "analysis", "report", str(self.directory)], capture_output=True,
                             text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd="/")
        self.assertEqual((ran.returncode, ran.stdout), (2, ""))
        self.assertEqual(len(ran.stderr.splitlines()), 1)
        self.assertTrue(ran.stderr.startswith("mmsim report: "), ran.stderr)
        self.assertFalse((self.directory / "figures").exists())

    def test_an_output_that_cannot_be_written_is_status_2(self):
        (self.directory / "figures").write_text("a file where the directory should be")
        with contextlib.redirect_stderr(io.StringIO()) as messages:
            self.assertEqual(main(["report", str(self.directory)]), 2)
        self.assertIn("cannot be written", messages.getvalue())

    def test_a_fault_of_the_program_is_status_3(self):
        with mock.patch("analysis.report.report", side_effect=RuntimeError("planted")):
            with contextlib.redirect_stderr(io.StringIO()) as messages:
                self.assertEqual(main(["report", str(self.directory)]), 3)
        self.assertIn("planted", messages.getvalue())

    def test_no_directory_given(self):
        with contextlib.redirect_stderr(io.StringIO()) as messages, self.assertRaises(SystemExit) as caught:
            main(["report"])
        self.assertEqual(caught.exception.code, 2)
        self.assertEqual(len(messages.getvalue().splitlines()), 1)

    def test_later_tables_are_checked_against_the_earlier_ones(self):
        for table, change, words in (
                ("wait", lambda text: text.replace(",6.000,", ",7.000,").replace(",8000000\n", ",8000001\n", 1),
                 "wait.csv: the waits of munmap in coherence at point 0 sum to"),
                ("wait", lambda text: "".join(line for line in text.splitlines(True) if ",lock_spin," not in line),
                 "sum to 0 ps, account.csv has"),
                ("histogram", lambda text: text.replace(",2000\n", ",2001\n", 1),
                 "histogram.csv: the histogram of munmap at point 0 holds 4001 operations, latency.csv has 4000"),
                ("ipi", lambda text: text.replace(",900\n", ",901\n", 1),
                 "ipi.csv: the interrupts of point 6 sum to 901, ipi_sent of counter.csv is 900")):
            with self.subTest(words):
                kept = (self.directory / f"{table}.csv").read_text()
                edit(self.directory / f"{table}.csv", change)
                self.refused(self.directory, words)
                (self.directory / f"{table}.csv").write_text(kept)

    def test_an_empty_directory(self):
        (self.directory / "nothing").mkdir()
        self.refused(self.directory / "nothing", "nothing: an empty directory; give the one")


SMALL = {"run.cpus": [1, 2, 4], "kernel.tlb_flush": ["lazy", "broadcast"]}


class WhatIsWholeIsShown(InDirectory):
    """A report of a damaged directory: a note a defect, the rest as ever, status 2."""

    def setUp(self):
        super().setUp()
        write_results(self.directory, SMALL, operations=("munmap",))

    def reported(self, *words):
        """(status, lines on stderr, the page), with figures left out."""
        with mock.patch("analysis.report.write_figures"), contextlib.redirect_stdout(io.StringIO()), \
                contextlib.redirect_stderr(io.StringIO()) as messages:
            status = main(["report", str(self.directory), *words])
        page = self.directory / "report.html"
        return status, messages.getvalue().splitlines(), page.read_text() if page.exists() else ""

    def test_each_table_but_latency_may_be_lost(self):
        for name in ("account", "counter", "point", "wait", "histogram", "ipi"):
            with self.subTest(name):
                kept = (self.directory / f"{name}.csv").read_bytes()
                (self.directory / f"{name}.csv").unlink()
                status, lines, page = self.reported()
                self.assertEqual((status, len(lines)), (2, 1), lines)
                self.assertIn(f"{name}.csv: no such table", lines[0])
                self.assertIn(f"{name}.csv: no such table", page.split("<main>")[0])
                self.assertIn("munmap at 4 CPUs", page)
                (self.directory / f"{name}.csv").write_bytes(kept)
        self.assertEqual(self.reported()[:2], (0, []))

    def test_a_table_that_is_cut_off_loses_the_points_behind_the_cut_and_no_other_table_does(self):
        edit(self.directory / "account.csv", lambda text: text[:len(text) // 2])
        r = load(self.directory, strict=False)
        self.assertEqual(len(r.defects), 1)
        self.assertRegex(r.defects[0], r"account\.csv:[0-9]+: the last line is cut off")
        self.assertEqual(set(r.account["point"]), {0, 1})
        self.assertIn("shown without points 2, 3, 4, 5 of this table", r.defects[0])
        for frame in (r.latency, r.counter, r.wait, r.histogram):
            self.assertEqual(set(frame["point"]), set(range(6)))

    def test_the_last_point_before_a_cut_that_hides_its_own_point_is_not_believed(self):
        edit(self.directory / "counter.csv", lambda text: "".join(text.splitlines(True)[:-3]) + "5")
        r = load(self.directory, strict=False)
        self.assertEqual(set(r.counter["point"]), {0, 1, 2, 3, 4})
        self.assertIn("shown without point 5 of this table", r.defects[0])

    def test_a_row_that_cannot_be_read_takes_its_point_out_of_its_table(self):
        edit(self.directory / "latency.csv", lambda text: text.replace(",4017,", ",many,", 1))
        r = load(self.directory, strict=False)
        self.assertEqual(set(r.latency["point"]), {0, 2, 3, 4, 5})
        self.assertEqual(r.defects, r.notes)
        self.assertIn("latency.csv:3: count is 'many'", r.defects[0])

    def test_without_a_manifest_the_headers_say_the_axes(self):
        (self.directory / "manifest.json").unlink()
        r = load(self.directory, strict=False)
        self.assertEqual([(axis.path, axis.values) for axis in r.axes],
                         [("run.cpus", (1, 2, 4)), ("kernel.tlb_flush", ("lazy", "broadcast"))])
        status, lines, page = self.reported()
        self.assertEqual(status, 2)
        self.assertIn("manifest.json: no such file", lines[0])
        self.assertIn("munmap", page)

    def test_what_an_older_mmsim_wrote_is_no_damage(self):
        for name in ("wait", "histogram", "ipi"):
            (self.directory / f"{name}.csv").unlink()
        edit(self.directory / "manifest.json", lambda text: text.replace('"0.2.0"', '"0.1.0"'))
        r = load(self.directory)
        self.assertEqual((r.wait, r.histogram, r.ipi, r.defects), (None, None, None, []))
        status, lines, page = self.reported()
        self.assertEqual((status, len(lines)), (0, 1))
        self.assertIn("Written by mmsim 0.1.0, before there were wait.csv, histogram.csv, ipi.csv", lines[0])

    def test_what_a_newer_mmsim_wrote_is_told(self):
        edit(self.directory / "manifest.json", lambda text: text.replace('"0.2.0"', '"1.4.0"'))
        self.assertIn("Written by mmsim 1.4.0, which is newer than this report", load(self.directory).notes[0])

    def test_of_several_directories_those_that_can_be_shown_are(self):
        write_results(self.directory / "b", SMALL, operations=("munmap",))
        status, lines, page = self.reported(str(self.directory / "b"), str(self.directory / "nowhere"))
        self.assertEqual(status, 2)
        self.assertIn("nowhere: no such directory", lines[0])
        self.assertIn("result=b", page)

    def test_nothing_is_written_if_nothing_can_be_shown(self):
        edit(self.directory / "latency.csv", lambda text: "".join(text.splitlines(True)[:1]))
        self.assertEqual(self.reported()[0], 2)
        self.assertFalse((self.directory / "report.html").exists())


class SeveralDirectories(InDirectory):
    def two(self, axes=None, others=None, **more):
        first = write_results(self.directory / "first", axes or SMALL, operations=("munmap",))
        second = write_results(self.directory / "second", others or SMALL, operations=("munmap",), **more)
        return load(first), load(second)

    def test_the_later_tables_are_combined_too(self):
        first, second = self.two()
        r = combine([first, second])
        for name in ("wait", "histogram", "ipi"):
            own, parts = getattr(r, name), [getattr(part, name) for part in (first, second)]
            self.assertEqual(len(own), sum(map(len, parts)))
            self.assertEqual(set(own["point"]) - set(r.latency["point"]), set())
            self.assertEqual(list(own.columns[:2]), ["point", "result"])

    def test_a_table_that_one_directory_lacks_is_that_of_the_others(self):
        first, second = self.two()
        first.wait = None
        self.assertEqual(len(combine([first, second]).wait), len(second.wait))
        second.wait = None
        self.assertIsNone(combine([first, second]).wait)

    def test_differences_are_ratios_to_the_first_at_common_points(self):
        first, second = self.two(others={"run.cpus": [2, 4, 8], "kernel.tlb_flush": ["broadcast"]})
        second.latency[["mean_ns", "p99_ns", "ci95_ns"]] *= 2
        frame = differences(first, second)
        self.assertEqual(list(frame["run.cpus"]), [2, 4])
        self.assertEqual(set(frame["kernel.tlb_flush"]), {"broadcast"})
        for name in ("mean_ns_ratio", "p99_ns_ratio"):
            for ratio in frame[name]:
                self.assertAlmostEqual(ratio, 2.0)
        self.assertTrue(all(frame["differs"]))
        self.assertTrue(all(frame["ratio_low"] < 2.0) and all(frame["ratio_high"] > 2.0))
        self.assertIn("second and first have 2 operations at common points; without a counterpart are 4 of first and "
                      "1 of second.", comparison_notes(combine([first, second])))

    def test_the_same_twice_does_not_differ(self):
        frame = differences(*self.two())
        self.assertEqual((len(frame), any(frame["differs"])), (6, False))

    def test_the_interval_of_a_ratio_is_fieller_s(self):
        # theta solves (m2 - theta m1)^2 = h2^2 + theta^2 h1^2
        low, high = ratio_interval(10.0, 2.0, 20.0, 3.0)
        for theta in (low, high):
            self.assertAlmostEqual((20 - theta * 10) ** 2, 9 + theta**2 * 4)
        self.assertEqual(ratio_interval(1.0, 1.5, 2.0, 0.1), (0.0, math.inf))
        self.assertTrue(math.isnan(ratio_interval(1.0, math.nan, 2.0, 0.1)[0]))

    def test_directories_without_a_common_point_say_why(self):
        r = combine(list(self.two({"run.cpus": [1, 2]}, {"run.cpus": [4, 8]})))
        self.assertEqual(comparison_notes(r), ["second has no point in common with first: run.cpus is 4, 8 there and "
                                               "1, 2 here."])
        self.assertIn("No point is common", comparison_section(r))

    def test_an_axis_of_one_takes_its_configured_value_in_the_other(self):
        first, second = self.two(others={"run.cpus": [1, 2]}, configuration={
            "kernel.tlb_flush": {"value": "broadcast", "origin": "a.toml:1"}})
        self.assertEqual(set(differences(first, second)["kernel.tlb_flush"]), {"broadcast"})

    def test_a_what_if_is_marked_in_the_directory_where_it_is_one(self):
        r = combine(list(self.two(what_if=())))
        section = comparison_section(r)
        self.assertIn("lazy (what-if in first)", section)
        self.assertNotIn("broadcast (what-if", section)

    def test_a_what_if_that_one_directory_sets_is_told_as_that_directory_s(self):
        axes, eager = {"run.cpus": [1, 2]}, {"kernel.tlb_flush": {"value": "eager"}}
        first = write_results(self.directory / "first", axes, what_if=["kernel.tlb_flush=eager"], configuration=eager)
        second = write_results(self.directory / "second", axes, what_if=(), configuration=eager)
        third = write_results(self.directory / "third", axes, what_if=["kernel.tlb_flush=eager"], configuration=eager)
        for directories, told in (((first, second), "kernel.tlb_flush=eager (what-if in first)"),
                                  ((first, third), "kernel.tlb_flush=eager (what-if)"), ((first,), "eager (what-if)")):
            r = combine([load(directory) for directory in directories])
            self.assertIn(told, conditions(r, make_plan(r)))

    def test_other_machines_are_told_and_what_is_configured_differently_is_listed(self):
        r = combine(list(self.two(configuration={
            "scenario.name": {"value": "lazy_tlb"}, "machine.base": {"value": "neoverse-n1-80"},
            "kernel.base": {"value": "5.10"}})))
        self.assertIn("machine.base is not the same: kunpeng920-128 in first, neoverse-n1-80 in second.",
                      comparison_notes(r))
        self.assertIn(("machine.base", "kunpeng920-128", "neoverse-n1-80"), configuration_differences(r))

    def test_the_first_paths_that_are_configured_differently_are_one_note(self):
        def configured(pages, **more):
            return {"scenario.pages": {"value": pages}, "kernel.tlb_flush": {"value": "eager"}} | more

        axes = {"run.cpus": [1, 2]}
        directories = [write_results(self.directory / name, axes, operations=("munmap",), what_if=(), configuration=own)
                       for name, own in (("first", configured(16)), ("second", configured(32)),
                                         ("third", configured(16)))]
        r = combine([load(directory) for directory in directories])
        self.assertEqual(comparison_notes(r),
                         ["Configured differently: scenario.pages is 16 in first and third, 32 in second."])
        many = {f"machine.cost_{letter}": {"value": 7} for letter in "abcdef"}
        write_results(self.directory / "second", axes, operations=("munmap",), what_if=["kernel.tlb_flush=broadcast"],
                      configuration=configured(16, **many) | {"kernel.tlb_flush": {"value": "broadcast"}})
        r = combine([load(directory) for directory in directories[:2]])
        (note,) = comparison_notes(r)
        self.assertTrue(note.startswith("Configured differently: kernel.tlb_flush is eager in first, broadcast "
                                        "(what-if) in second; machine.cost_a is not recorded in first, 7 in "
                                        "second; "), note)
        self.assertTrue(note.endswith("; and 3 more, listed under Comparison."), note)


WILL_IT_SCALE = """tasks,processes,processes_idle,threads,threads_idle,linear
0,0,100,0,100,0
1,315890,95.82,317633,95.83,317633
2,570810,91.67,531147,91.94,635266
4,1087434,83.40,-1,85.30,1270532
6,1503611,75.12,1113832,79.89,1905798
"""


class ARealRun(InDirectory):
    def setUp(self):
        super().setUp()
        write_results(self.directory / "r", SMALL)
        self.result = load(self.directory / "r")

    def file(self, text, name="real.csv"):
        (self.directory / name).write_text(text)
        return str(self.directory / name)

    def refuses(self, text, *words):
        with self.assertRaises(InputError) as caught:
            read_real(self.result, [self.file(text)])
        for word in words:
            self.assertIn(word, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))

    def test_what_will_it_scale_prints_is_read_as_it_is(self):
        (real,), notes = read_real(self.result, [self.file(WILL_IT_SCALE) + ":munmap"])
        self.assertEqual(dict(real.lines()), {
            "real: real.csv processes": {1: 315890.0, 2: 570810.0, 4: 1087434.0, 6: 1503611.0},
            "real: real.csv threads": {1: 317633.0, 2: 531147.0, 6: 1113832.0}})
        self.assertEqual(len(notes), 1)
        self.assertIn("1 run of will-it-scale failed (-1; first: threads with 4 tasks)", notes[0])

    def test_a_mode_that_was_not_run_is_no_line(self):
        (real,), _ = read_real(self.result, [self.file("tasks,processes,threads\n0,0,0\n4,0,25641\n") + ":munmap"])
        self.assertEqual(dict(real.lines()), {"real: real.csv threads": {4: 25641.0}})

    def test_the_mode_of_the_scenario_chooses_the_column(self):
        self.result.manifest["configuration"]["scenario.mode"] = {"value": "processes"}
        (real,), _ = read_real(self.result, [self.file(WILL_IT_SCALE) + ":munmap"])
        self.assertEqual(list(dict(real.lines())), ["real: real.csv processes"])

    def test_a_plain_table_of_cpus_is_read_too(self):
        (real,), _ = read_real(self.result, [self.file("cpus,per_second,series\n2,7.5,a b\n1,4,a b\n") + ":munmap"])
        self.assertEqual(dict(real.lines()), {"real: real.csv a b": {1: 4.0, 2: 7.5}})
        (real,), _ = read_real(self.result, [self.file("per_second,cpus\n7.5,2\n") + ":munmap"])
        self.assertEqual(dict(real.lines()), {"real: real.csv": {2: 7.5}})

    def test_the_operation_is_what_was_asked_for_else_what_the_test_counts_else_the_one_of_which_there_are_most(self):
        for name, operation, notes in (("mmap1.csv", "munmap", 0), ("skx-context_switch1.csv", "context_switch", 0),
                                       ("mmap12.csv", "munmap", 1), ("any.csv", "munmap", 1)):
            (real,), told = read_real(self.result, [self.file("cpus,per_second\n1,2\n", name)])
            self.assertEqual((real.operation, len(told)), (operation, notes), name)
        (real,), _ = read_real(self.result, [self.file("cpus,per_second\n1,2\n", "mmap1.csv") + ":context_switch"])
        self.assertEqual(real.operation, "context_switch")
        with self.assertRaisesRegex(InputError, "no operation 'munnap'; did you mean 'munmap'"):
            read_real(self.result, [self.file(WILL_IT_SCALE) + ":munnap"])

    def test_unknown_columns_are_named_beside_what_is_expected(self):
        self.refuses("nproc,ops\n1,2\n", "real.csv:1: the columns found are nproc,ops; expected are",
                     "tasks,processes,processes_idle", "cpus,per_second")
        self.refuses("tasks;processes\n1;2\n", "the columns found are tasks;processes")
        self.refuses("tasks,processes,what\n1,2,3\n", "the columns found are tasks,processes,what")
        self.refuses("", "the columns found are none")

    def test_bad_numbers_are_named_with_their_line(self):
        self.refuses("cpus,per_second\n1,2\n2,fast\n", "real.csv:3: per_second is 'fast', not a number")
        self.refuses("cpus,per_second\n1.5,2\n", "real.csv:2: cpus is '1.5', not a whole number")
        self.refuses("cpus,per_second\n0,2\n", "real.csv:2: cpus is 0; it must be more than 0")
        self.refuses("tasks,processes\n1,-2\n", "real.csv:2: processes is '-2'")
        self.refuses("cpus,per_second\n1,nan\n", "real.csv:2: per_second is 'nan'")
        self.refuses("cpus,per_second\n1\n", "real.csv:2: 1 fields where the header has 2")
        self.refuses("cpus,per_second\n1,2\n1,3\n", "real.csv:3: 1 appears again, first in line 2")
        self.refuses(WILL_IT_SCALE + WILL_IT_SCALE, "real.csv:7: the header again")
        self.refuses("tasks,processes\n0,0\n", "no measurement in it")

    def test_a_file_that_cannot_be_read(self):
        with self.assertRaisesRegex(InputError, "nowhere.csv: no such file"):
            read_real(self.result, [str(self.directory / "nowhere.csv")])
        (self.directory / "real.csv").write_bytes(b"\xff\xfe\x00")
        with self.assertRaisesRegex(InputError, "real.csv: not text"):
            read_real(self.result, [str(self.directory / "real.csv")])

    def test_it_is_drawn_over_its_operation_and_compared_in_words(self):
        lazy = self.result.latency.query("operation == 'munmap' and `kernel.tlb_flush` == 'lazy'")
        simulated = dict(zip(lazy["run.cpus"], lazy["per_second"]))
        text = "".join(f"{cpus},{simulated[cpus] * factor}\n" for cpus, factor in ((1, 2.0), (4, 4.0)))
        self.result.real, _ = read_real(self.result, [self.file(f"cpus,per_second\n{text}8,1000000\n") + ":munmap"])
        plan = make_plan(self.result)
        charts = operation_charts(self.result, plan, plan.facets[0], "munmap")
        real = charts.throughput.lines[-1]
        self.assertEqual((real.series.label, real.series.dash > 0, real.x), ("real: real.csv", True, (1, 4, 8)))
        self.assertIn(real.series, charts.throughput_legend)
        # Half and a quarter of the real: errors 50 % and 75 %; the real run scales twice as well.
        self.assertIn("Against real: real.csv, over 2 common numbers of CPUs, median relative error: "
                      "tlb_flush=lazy (what-if) 62%", " ".join(charts.throughput_caption))
        scaled = simulated[4] / simulated[1]
        self.assertIn(f"lazy (what-if) {scaled:.3g}x (50%)", " ".join(charts.throughput_caption))
        others = operation_charts(self.result, plan, plan.facets[0], "context_switch")
        self.assertEqual([each for each in others.throughput.lines if "real" in each.series.label], [])

    def test_the_command_takes_several_and_refuses_a_bad_one_with_one_line(self):
        with mock.patch("analysis.report.write_figures"):
            _, result = report([self.directory / "r"], [self.file(WILL_IT_SCALE, name) + ":munmap"
                                                        for name in ("a.csv", "b.csv")])
        self.assertEqual([real.label for real in result.real], ["a.csv", "b.csv"])
        with contextlib.redirect_stderr(io.StringIO()) as messages:
            self.assertEqual(main(["report", str(self.directory / "r"), "--real", self.file("a,b\n")]), 2)
        self.assertEqual(len(messages.getvalue().splitlines()), 1)

    def test_without_cpus_along_x_it_is_told_that_nothing_is_drawn(self):
        write_results(self.directory / "one", {}, operations=("munmap",))
        with mock.patch("analysis.report.write_figures"):
            _, result = report([self.directory / "one"], [self.file(WILL_IT_SCALE)])
        self.assertTrue(any("The real run is not drawn" in note for note in result.notes), result.notes)


if __name__ == "__main__":
    unittest.main()
