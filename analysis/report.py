"""`mmsim report`: from result directories to figures and a page in the first of them."""
from pathlib import Path

from analysis.charts import operation_charts
from analysis.combine import combine
from analysis.comparison import comparison_notes
from analysis.figures import write_figures, write_interrupts, write_measure, write_sample
from analysis.input_error import InputError
from analysis.interrupts import interrupt_charts
from analysis.load import load
from analysis.measures import measure_charts
from analysis.overlay import undrawn_notes
from analysis.page import page
from analysis.plan import file_name, make_plan
from analysis.real_run import read_real
from analysis.sample_charts import sample_charts
from analysis.validation.report import report_validation
from analysis.validation.result import is_validation
from analysis.whole_file import write_whole


def report(directories, real=()):
    """Lays the results over each other, and the real runs (as --real names them) over those. Writes DIR/figures/* and
    DIR/report.html; returns (paths written, the result; of a directory that `mmsim validate` wrote, the Validation).
    What can be shown of a damaged directory is shown, and result.defects tell the damage. Throws InputError if nothing
    can be shown."""
    if any(map(is_validation, directories)):
        return report_validation(directories, real)
    result = _load(directories)
    plan = make_plan(result)
    result.notes += comparison_notes(result)
    if real:
        result.real, notes = read_real(result, real)
        result.notes += notes + undrawn_notes(result, plan)
    charts = [operation_charts(result, plan, facet, operation)
              for operation in result.operations for facet in plan.facets]
    measures = measure_charts(result, plan)
    interrupts = interrupt_charts(result, plan)
    samples = sample_charts(result, plan)
    written = []
    figures = Path(directories[0]) / "figures"
    for write_one, drawn in ((write_figures, charts), (write_measure, measures), (write_interrupts, interrupts),
                             (write_sample, samples)):
        for each in drawn:
            write_one(each, lambda name, save: written.append(write_whole(figures / file_name(name), save)))
    text = page(result, plan, charts, measures, interrupts, samples).encode("utf-8")
    written.append(write_whole(Path(directories[0]) / "report.html", lambda file: file.write(text)))
    return written, result


def _load(directories):
    """All that can be shown; the first must be among it, as the page goes there."""
    results, defects = [load(directories[0], strict=False)], []
    for directory in directories[1:]:
        try:
            results.append(load(directory, strict=False))
        except InputError as error:
            defects.append(f"{error} (the others are shown without it)")
    result = combine(results)
    result.notes = defects + result.notes
    result.defects = defects + result.defects
    return result
