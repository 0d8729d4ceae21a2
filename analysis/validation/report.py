"""`mmsim report` of a directory that `mmsim validate` wrote."""
import sys
from pathlib import Path

from analysis.input_error import InputError
from analysis.plan import file_name
from analysis.validation.charts import case_charts, overview
from analysis.validation.figures import write_case, write_overview
from analysis.validation.page import validation_page
from analysis.validation.result import is_validation, load_validation
from analysis.whole_file import write_whole


def report_validation(directories, real=()):
    """Writes DIR/figures/* and DIR/report.html; returns (paths written, the validation). What can be shown of a
    damaged directory is shown, and validation.defects tell the damage. Throws InputError if nothing can be."""
    if len(directories) > 1:
        one = next(directory for directory in directories if is_validation(directory))
        raise InputError(f"{one}: of 'mmsim validate', which is not laid over other directories; give it alone: "
                         f"mmsim report {one}")
    if real:
        raise InputError(f"--real {real[0]}: a real run is laid over a sweep; {directories[0]} is of 'mmsim validate', "
                         "which brings its measurements along")
    directory = Path(directories[0])
    validation = load_validation(directory, strict=False)
    charts = case_charts(validation)
    written = []

    def write(name, save):
        written.append(write_whole(directory / "figures" / file_name(name), save))

    drawn = overview(validation)
    if drawn:
        write_overview(validation, drawn, write)
    for done, chart in enumerate(charts):
        if sys.stderr.isatty():
            print(f"\rdrawing case {done + 1} of {len(charts)}", end="", file=sys.stderr, flush=True)
        write_case(validation, chart, write)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    text = validation_page(validation, charts).encode("utf-8")
    written.append(write_whole(directory / "report.html", lambda file: file.write(text)))
    return written, validation
