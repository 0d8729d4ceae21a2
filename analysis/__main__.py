"""/usr/bin/python3 -m analysis report DIR...   (PYTHONPATH: the root of the repository)"""
import argparse
import sys
import traceback

from analysis.input_error import InputError


class OneLineParser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"mmsim report: {message}; see mmsim report --help\n")


def main(arguments):
    """The exit status: 0 done, 2 the input is wrong (what can still be shown is written), 3 a fault of the program."""
    parser = OneLineParser(prog="mmsim", description="Figures and a page from result directories.")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=OneLineParser)
    report_parser = commands.add_parser("report", help="figures (PNG, SVG) and one HTML page, into the first directory")
    report_parser.add_argument("directories", metavar="DIR", nargs="+",
                               help="a directory that mmsim run or mmsim sweep wrote; several are laid side by side; "
                               "or one that mmsim validate wrote")
    report_parser.add_argument("--real", metavar="FILE.csv[:OPERATION]", action="append", default=[],
                               help="a run on a real machine, laid over the throughput; may be repeated: the CSV that "
                               "will-it-scale prints, or cpus,per_second[,series]")
    options = parser.parse_args(arguments)
    try:
        from analysis.report import report  # matplotlib and plotly load slowly: not for --help
        written, result = report(options.directories, options.real)
    except InputError as error:
        print("mmsim report:", " ".join(str(error).splitlines()), file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        print(f"mmsim report: {sys.executable} has no module '{error.name}'; install python3-matplotlib, "
              "python3-pandas and python3-plotly", file=sys.stderr)
        return 2
    except Exception:
        traceback.print_exc()
        return 3
    for note in result.notes:
        kind = "" if note in result.defects else "note: "
        print(f"mmsim report: {kind}{note}", file=sys.stderr)
    for path in written:
        print(path)
    return 2 if result.defects else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
