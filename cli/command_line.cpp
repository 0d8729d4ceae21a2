#include "cli/command_line.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "sim/engine/configuration.hpp"
#include "sim/engine/nearest_name.hpp"

namespace mmsim {
namespace {

constexpr const char* statuses =
    "Exit status: 0 done; 1 a violation was found; 2 the input is wrong; 3 a fault of the program.";

constexpr const char* main_examples = R"(Examples:
  mmsim sweep configs/sweeps/lazy_vs_eager.toml     runs it into results/lazy_vs_eager
  mmsim explain results/lazy_vs_eager               says where the time went
  mmsim report results/lazy_vs_eager                draws figures and a page
  mmsim run --set scenario.name=munmap --set run.cpus=16
  mmsim list policies                               what a configuration can choose

)";

constexpr const char* run_examples = R"(Examples:
  mmsim run --set scenario.name=munmap --set run.cpus=16
  mmsim run --set scenario.name=munmap --set machine.base=kunpeng920-128 --set kernel.tlb_flush=eager
  mmsim run my.toml --set "run.duration=5 ms" --out results/mine
  mmsim run my.toml --proc /tmp/proc && cat /tmp/proc/window/zoneinfo
  mmsim run my.toml --trace munmap.json --trace-window "2 ms..2.5 ms"

The strongest wins: --set, the file, its base files, the defaults (mmsim list parameters).
SPDLOG_LEVEL=debug in the environment logs each system call that failed.
)";

constexpr const char* sweep_examples = R"(Examples:
  mmsim sweep configs/sweeps/lazy_vs_eager.toml               into results/lazy_vs_eager
  mmsim sweep configs/sweeps/lazy_vs_eager.toml --dry-run     what it would run, and how long it would take
  mmsim sweep my.toml --set sweep.seeds=1 --out /tmp/try -j 2

  mmsim sweep my.toml --set sweep.ci=0.05                     seeds until every mean is known to +-5 %
  mmsim sweep configs/sweeps/sensitivity.toml                 60 points of a space that is too large for all

After an interruption the same command goes on: finished runs are kept. A directory that holds another
sweep is refused and left alone.

Keys of [sweep], also for --set (but for axes):
  axes = { "run.cpus" = [1, 2, 4] }   each point is one value of every axis; all of them run, unless
  sample = 200           so many points are drawn from the axes, without repetition; then an axis may be
                         a range: { from = "100 ns", to = "2 us", scale = "log" }, or "linear", the default
  sampling = "latin_hypercube"        each value of an axis equally often, the default; or "random"
  sample_seed = 1        another number draws other points
  seeds = 3              runs of each point; default 1, with ci 2
  ci = 0.05              then a point gets more seeds until half of the 95 % interval (ci95_ns in
                         latency.csv) is at most this part of the mean
  max_seeds = 20         but no more than so many
  ci_operations = ["munmap"]          whose means; default every operation that completed
)";

constexpr const char* list_examples = R"(Examples:
  mmsim list parameters           every key, with its default, unit and source
  mmsim list policies             the implementations that a kernel.* key can choose
  mmsim list waits                what wait.csv says that operations wait for
  mmsim list machines --json      for programs
)";

constexpr const char* explain_examples = R"(Examples:
  mmsim explain results/lazy_vs_eager | less
  mmsim explain results/lazy_vs_eager --all | less
  mmsim explain results/lazy_vs_eager --locks | less

Shows, operation by operation: the bottleneck, which is the lock, device, line or kind of waiting that most
of the time went to; the mean latency at every point and the accounts that it went to; what changed from one
value of the numeric axis to the next; and at its two ends (--all: everywhere) a tree: the accounts, and
under those that wait, for whom. Where another axis has names, such as policies, they are compared. Then the
locks, in the columns of /proc/lock_stat (its min columns are not kept), by waittime-total: the first
classes at the two ends of the numeric axis, where they waited most; --locks shows every class at every
point. Columns for which the terminal is too narrow are left out; counter.csv has all. A directory that is
damaged, unfinished or of another version is shown as far as it can be: what is wrong is said in one line a
file, and the exit status is 2.
)";

constexpr const char* report_examples = R"(Examples:
  mmsim report results/lazy_vs_eager
  mmsim report results/n1 results/kunpeng       both in one set of figures, written into results/n1
  mmsim report results/faults --real page_fault1.csv              over what will-it-scale printed
  mmsim report results/faults --real mine.csv:demand_fault        mine.csv: cpus,per_second[,series]

--real lays a run on a real machine over the throughput, in absolute numbers. Of will-it-scale's columns processes
and threads it takes the one that scenario.mode says; of the operations the one after the colon, else the one
that the test named in the file name counts (page_fault1: demand_fault, mmap1: munmap, fork1: fork,
context_switch1), else the one of which there are most.

Of a directory that is damaged, what is whole is drawn; each defect is said in one line, and the exit status is 2.
)";

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames())
      names.push_back("--" + name);
    for (const std::string& name : option->get_snames())
      names.push_back("-" + name);
  }
  return names;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

/// Refuses words that neither the program nor its command understands.
void refuse_leftovers(const CLI::App& app, const CLI::App* command) {
  const CLI::App& at_fault = command ? *command : app;
  const std::vector<std::string> words = app.remaining(true);
  const auto see_help = [&] {
    return "; see mmsim " + (command ? command->get_name() + ' ' : std::string()) + "--help";
  };
  for (const std::string& word : words) {
    if (word.size() > 1 && word.front() == '-') {
      const std::string name = word.substr(0, word.find('='));
      throw InputError("unknown option \"" + name + '"' + did_you_mean(name, option_names(at_fault)) +
                       see_help());
    }
    if (!command)
      throw InputError("unknown command \"" + word + '"' + did_you_mean(word, command_names(app)) +
                       "; see mmsim --help");
    throw InputError("\"" + word + "\" is one argument too many" + see_help());
  }
}

/// An option that is followed by the name of a directory.
CLI::Option* add_directory(CLI::App& command, const char* option, std::filesystem::path& directory,
                           const char* help) {
  return command.add_option(option, directory, help)
      ->type_name("DIR")
      ->check([option](const std::string& name) {
        if (name.empty()) throw InputError(std::string(option) + " \"\": an empty name is no directory");
        return std::string();
      });
}

CLI::Option* add_overrides(CLI::App& command, std::vector<std::string>& overrides) {
  return command
      .add_option("--set", overrides, "a value for a dotted path, stronger than any file; may be repeated")
      ->type_name("PATH=VALUE")
      ->allow_extra_args(false) // else it would swallow the file name that follows
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

std::string joined(int argc, char** argv) {
  std::string result = "mmsim";
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool plain =
        !word.empty() && word.find_first_of(" \t\n'\"\\$*?[]{}()<>|&;~`!#") == std::string::npos;
    result += ' ';
    if (plain) {
      result += word;
      continue;
    }
    result += '\'';
    for (const char c : word)
      result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    result += '\'';
  }
  return result;
}

} // namespace

std::function<int()> parse_command_line(int argc, char** argv) {
  CLI::App app{"How does a Linux memory-management design behave on N cores that you do not have?", "mmsim"};
  std::function<int()> action;
  app.set_version_flag("--version", "mmsim " MMSIM_VERSION, "print the version");
  app.set_help_flag("-h,--help", "print this help; mmsim COMMAND --help says more");
  app.footer(std::string("\n") + main_examples + statuses);
  app.get_formatter()->column_width(34);
  const auto command = [&](const char* name, const char* description, const char* examples) {
    CLI::App* result = app.add_subcommand(name, description);
    result->set_help_flag("-h,--help", "print this help");
    result->footer(std::string("\n") + examples);
    result->allow_extras(); // refused below, with the nearest name
    return result;
  };
  app.allow_extras();

  RunOptions run;
  CLI::App* run_app = command("run", "simulate one point and show what came out", run_examples);
  run_app->add_option("CONFIG", run.configuration, "a configuration (TOML); without one, defaults and --set");
  add_overrides(*run_app, run.overrides);
  add_directory(*run_app, "--out", run.out, "also write tables and manifest.json into this directory");
  add_directory(*run_app, "--proc", run.proc,
                "also write buddyinfo, pagetypeinfo, zoneinfo, vmstat and slabinfo\n"
                "into this directory, as they are at the run's end; into\n"
                "DIR/window as they are at the measured window's last instant");
  run_app
      ->add_option("--trace", run.trace,
                   "also write what each core and task did as Trace Event JSON, for\n"
                   "ui.perfetto.dev or chrome://tracing: the measured window, but\n"
                   "at most 64 MiB")
      ->type_name("FILE")
      ->check([](const std::string& name) {
        if (name.empty()) throw InputError("--trace \"\": an empty name is no file");
        return std::string();
      });
  run_app
      ->add_option("--trace-window", run.trace_window,
                   "trace this simulated time since the start of the run instead, e.g.\n"
                   "\"2 ms..2.5 ms\", \"2 ms..\" or \"..2.5 ms\"; at most 1 GiB")
      ->type_name("FROM..TO");
  run_app->callback([&] { action = [run] { return run_command(run); }; });

  SweepOptions sweep;
  CLI::App* sweep_app = command(
      "sweep", "simulate every point of the axes, a process each; goes on where it stopped", sweep_examples);
  sweep_app->add_option("SWEEP", sweep.sweep, "a configuration with a [sweep] section (TOML)")->required();
  add_overrides(*sweep_app, sweep.overrides);
  add_directory(*sweep_app, "--out", sweep.out, "the result directory; default results/<name of SWEEP>");
  sweep_app
      ->add_option("-j,--jobs", sweep.processes, "processes at a time; default one for each hardware thread")
      ->type_name("N")
      ->check(CLI::Range(1u, 4096u));
  sweep_app->add_flag("--dry-run", sweep.dry_run,
                      "check everything, show the points and about how long they\n"
                      "will take (from finished runs, else from short ones of\n"
                      "at most 3 s), write nothing");
  sweep_app->add_flag("!--no-estimate", sweep.estimate, "with --dry-run: no short runs, no time");
  for (const char* option : {"--trace", "--trace-window"})
    sweep_app
        ->add_option_function<std::string>(
            option,
            [](const std::string&) {
              throw InputError("--trace is for mmsim run: a trace shows one run, and a sweep has many; "
                               "run the point in question with mmsim run --set ... --trace FILE");
            })
        ->expected(0, 1)
        ->group(""); // not shown
  sweep_app
      ->add_option_function<std::string>(
          "--proc",
          [](const std::string&) {
            throw InputError(
                "--proc is for mmsim run: the files of /proc show one run, and a sweep has many; "
                "run the point in question with mmsim run --set ... --proc DIR");
          })
      ->expected(0, 1)
      ->group(""); // not shown
  sweep_app->callback([&] { action = [sweep] { return sweep_command(sweep); }; });

  ListOptions list;
  std::string kinds;
  for (const std::string& kind : list_kinds())
    kinds += (kinds.empty() ? "" : "|") + kind;
  CLI::App* list_app = command("list", "show what there is to choose and to read", list_examples);
  list_app->add_option("KIND", list.kind, kinds)->required()->type_name(" ");
  list_app->add_flag("--json", list.json, "as JSON");
  list_app->callback([&] { action = [list] { return list_command(list); }; });

  ExplainOptions explain;
  CLI::App* explain_app =
      command("explain", "show where the time of each operation goes, point by point", explain_examples);
  explain_app->add_option("DIR", explain.directory, "a result directory")->required();
  explain_app->add_flag("--all", explain.every_point,
                        "a tree of every point, not of the ends of the axis alone");
  explain_app->add_flag("--locks", explain.locks,
                        "the locks of every point and class, not of the ends alone");
  explain_app->callback([&] { action = [explain] { return explain_command(explain); }; });

  ReportOptions report;
  CLI::App* report_app =
      command("report", "draw figures and one HTML page, into the first directory", report_examples);
  report_app->add_option("DIR", report.directories, "result directories, laid side by side")->required();
  report_app->add_option("--real", report.real, "a run on a real machine, as CSV; may be repeated")
      ->type_name("FILE.csv[:OPERATION]")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  report_app->callback([&] { action = [report] { return report_command(report); }; });

  run.command = sweep.command = joined(argc, argv);
  const auto chosen = [&]() -> const CLI::App* {
    const auto commands = app.get_subcommands();
    return commands.empty() ? nullptr : commands.front();
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) { // "mmsim sweep --help" included
    app.exit(help_or_version, std::cout, std::cerr);
    return [] { return int(exit_done); };
  } catch (const CLI::ParseError& error) {
    refuse_leftovers(app, chosen());
    std::string message = error.what();
    std::ranges::replace(message, '\n', ' ');
    throw InputError(message + "; see mmsim " + (chosen() ? chosen()->get_name() + ' ' : "") + "--help");
  }
  refuse_leftovers(app, chosen());
  if (!action) throw InputError("no command given; see mmsim --help");
  return action;
}

} // namespace mmsim
