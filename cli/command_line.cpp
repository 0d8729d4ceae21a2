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
#include "cli/help_texts.hpp"
#include "sim/engine/configuration.hpp"
#include "sim/engine/nearest_name.hpp"

namespace mmsim {
namespace {

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

void add_jobs(CLI::App& command, unsigned& processes) {
  command.add_option("-j,--jobs", processes, "processes at a time; default one for each hardware thread")
      ->type_name("N")
      ->check(CLI::Range(1u, 4096u));
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
  app.footer(std::string("\n") + help_text::main_examples + help_text::statuses);
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
  CLI::App* run_app = command("run", "simulate one point and show what came out", help_text::run_examples);
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
  CLI::App* sweep_app =
      command("sweep", "simulate every point of the axes, a process each; goes on where it stopped",
              help_text::sweep_examples);
  sweep_app->add_option("SWEEP", sweep.sweep, "a configuration with a [sweep] section (TOML)")->required();
  add_overrides(*sweep_app, sweep.overrides);
  add_directory(*sweep_app, "--out", sweep.out, "the result directory; default results/<name of SWEEP>");
  add_jobs(*sweep_app, sweep.processes);
  sweep_app->add_flag("--dry-run", sweep.dry_run,
                      "check the file and every point, show the points and about\n"
                      "how long they will take (from finished runs, else from short\n"
                      "ones of up to three points, at most 3 s, which also check\n"
                      "what only a run can tell), write nothing");
  sweep_app->add_flag("!--no-estimate", sweep.estimate,
                      "with --dry-run: no short runs, no time; what only a run can\n"
                      "tell stays unchecked, such as scenario.readers for run.cpus");
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

  ValidateOptions validate;
  CLI::App* validate_app =
      command("validate", "lay published measurements beside what the model says", help_text::validate_examples);
  validate_app
      ->add_option("--only", validate.only, "cases whose name or topic this regular expression is found in")
      ->type_name("REGEX");
  add_directory(*validate_app, "--out", validate.out,
                "the result directory; default results/validation, with --only none");
  add_jobs(*validate_app, validate.processes);
  validate_app->add_flag("--points", validate.points, "also show every point of every case");
  validate_app->add_flag("--dry-run", validate.dry_run,
                         "check all files, show cases, runs and hashes, run nothing");
  validate_app->add_flag("--host", validate.host,
                         "instead run operations on this machine and in the model, side by side");
  validate_app
      ->add_option("--machine", validate.machine_file,
                   "with --host: the machine file that mmsim calibrate has written")
      ->type_name("FILE");
  validate_app->callback([&] { action = [validate] { return validate_command(validate); }; });

  CalibrateOptions calibrate;
  CLI::App* calibrate_app =
      command("calibrate", "measure this machine and write a machine file of it", help_text::calibrate_examples);
  calibrate_app->add_option("--out", calibrate.out, "the machine file to write; default results/machine.toml")
      ->type_name("FILE");
  calibrate_app->add_flag("--quick", calibrate.quick, "fewer repetitions: sooner done, wider spreads");
  calibrate_app
      ->add_option("--budget", calibrate.budget_seconds, "seconds that all measurements together may take")
      ->type_name("SECONDS")
      ->check(CLI::Range(1.0, 3600.0));
  calibrate_app->callback([&] { action = [calibrate] { return calibrate_command(calibrate); }; });

  ListOptions list;
  std::string kinds;
  for (const std::string& kind : list_kinds())
    kinds += (kinds.empty() ? "" : "|") + kind;
  CLI::App* list_app = command("list", "show what there is to choose and to read", help_text::list_examples);
  list_app->add_option("KIND", list.kind, kinds)->required()->type_name(" ");
  list_app->add_flag("--json", list.json, "as JSON");
  list_app->callback([&] { action = [list] { return list_command(list); }; });

  ExplainOptions explain;
  CLI::App* explain_app = command("explain", "show where the time of each operation goes, point by point",
                                  help_text::explain_examples);
  explain_app->add_option("DIR", explain.directory, "a result directory")->required();
  explain_app->add_flag("--all", explain.every_point,
                        "a tree of every point, not of the ends of the axis alone");
  explain_app->add_flag("--locks", explain.locks,
                        "the locks of every point and class, not of the ends alone");
  explain_app->callback([&] { action = [explain] { return explain_command(explain); }; });

  ReportOptions report;
  CLI::App* report_app =
      command("report", "draw figures and one HTML page, into the first directory", help_text::report_examples);
  report_app->add_option("DIR", report.directories, "result directories, laid side by side")->required();
  report_app->add_option("--real", report.real, "a run on a real machine, as CSV; may be repeated")
      ->type_name("FILE.csv[:OPERATION]")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  report_app->callback([&] { action = [report] { return report_command(report); }; });

  run.command = sweep.command = validate.command = calibrate.command = joined(argc, argv);
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
