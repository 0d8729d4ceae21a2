#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <system_error>

#include <spdlog/spdlog.h>

#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/host/calibration.hpp"
#include "cli/host/kernel_calibration.hpp"
#include "cli/host/machine_file.hpp"
#include "cli/readable.hpp"
#include "cli/terminal_table.hpp"
#include "sim/engine/configuration.hpp"
#include "sim/record/atomic_file.hpp"

namespace mmsim {
namespace {

using namespace host;
namespace fs = std::filesystem;

constexpr double all_seconds = 100, quick_seconds = 16; // of all measurements together

constexpr const char* written_by_us = ", as mmsim calibrate measured it";

/// A machine file that somebody wrote by hand is not ours to replace. Also finds out before two minutes of
/// measuring whether the file can be written at all.
void check_out(const fs::path& out) {
  const std::string name = out.native();
  std::error_code error;
  if (fs::is_directory(out, error)) throw InputError("--out " + name + " is a directory: name a file in it");
  if (std::ifstream file(out); file) {
    std::string line;
    if (std::getline(file, line) &&
        !line.ends_with(written_by_us)) // an empty file is as good as none: mktemp
      throw InputError(name + " exists and mmsim calibrate has not written it: choose another --out");
  }
  const fs::path folder = out.has_parent_path() ? out.parent_path() : fs::path(".");
  fs::create_directories(folder, error);
  if (error || access(folder.c_str(), W_OK) != 0)
    throw InputError("--out " + name + ": nothing can be written into " + folder.native());
}

std::string share(double part) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f %%", 100 * part);
  return text;
}

void show_values(const std::vector<MachineValue>& values, const std::vector<MachineParameter>& parameters) {
  constexpr auto right = TerminalTable::right;
  constexpr auto wraps = TerminalTable::wraps;
  const Terminal terminal = terminal_of(1);
  TerminalTable known({{"machine."}, {"value", right}, {"spread", right}, {"how", wraps}});
  TerminalTable unknown({{"not measured"}, {"default", right}, {"why", wraps}});
  std::size_t left_alone = 0;
  for (const MachineParameter& parameter : parameters) {
    const auto value = std::ranges::find(values, parameter.path, &MachineValue::path);
    if (value == values.end()) {
      ++left_alone;
      continue;
    }
    if (!value->known()) {
      unknown.add_row({"machine." + parameter.path, parameter.default_text, value->how});
      continue;
    }
    std::string text = value->value;
    std::erase(text, '"');
    known.add_row({parameter.path, text, value->repetitions > 0 ? share(value->spread) : "", value->how});
  }
  std::cout << known.text(terminal);
  if (!unknown.empty()) std::cout << '\n' << unknown.text(terminal);
  if (left_alone > 0)
    std::cout << "\nOf " << left_alone
              << " other parameters the defaults stand in: calibration does not look for them (the file says "
                 "why).\n";
}

/// As a word of a shell.
std::string quoted(const std::string& word) {
  if (word.find_first_of(" \t\n'\"\\$*?[]{}()<>|&;~`!#") == std::string::npos) return word;
  std::string result = "'";
  for (const char c : word)
    result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + '\'';
}

/// A base that is a path, and says so: with a '/' or .toml in it.
std::string base_of(const fs::path& out) {
  const std::string name = out.native();
  return name.find('/') != std::string::npos || name.ends_with(".toml") ? name : "./" + name;
}

} // namespace

int calibrate_command(const CalibrateOptions& options) {
  const fs::path out = options.out.empty() ? fs::path("results/machine.toml") : options.out;
  check_out(out);
  const double seconds = options.budget_seconds > 0 ? options.budget_seconds
                         : options.quick            ? quick_seconds
                                                    : all_seconds;
  const Budget budget(seconds);
  const HostMachine machine = this_machine();
  spdlog::info("{}, {} of {} CPUs, Linux {}: {}", machine.model, machine.cpus.size(), machine.online_cpus,
               machine.kernel, what_surrounds(machine));
  spdlog::info("measuring for up to {}; the less else runs here, the better", readable_seconds(seconds));

  CalibratedMachine calibrated;
  try {
    calibrated =
        calibrate(machine, budget, [](const std::string& what) { spdlog::info("measuring {}", what); });
  } catch (const Interrupted&) {
    spdlog::warn("interrupted; nothing was written");
    return exit_interrupted;
  }
  MachineFile& file = calibrated.file;
  file.command = options.command;

  const std::vector<MachineParameter> parameters = machine_parameters();
  atomic_write(out, machine_file_text(machine, file, parameters));
  show_values(file.values, parameters);
  if (!calibrated.not_fitted.empty())
    spdlog::warn("the kernel's costs (work.*) are the model's defaults: {}", calibrated.not_fitted);
  for (const std::string& remark : file.remarks)
    std::cout << "\n" << remark;
  std::cout << (file.remarks.empty() ? "" : "\n");
  std::cout << "\nwritten to " << out.native() << " after " << readable_seconds(file.seconds)
            << "; a run on this machine as the model sees it:\n  mmsim run --set "
            << quoted("machine.base=" + base_of(out)) << " --set kernel.base=" << host_kernel(machine)
            << " --set scenario.name=fork\n";
  return exit_done;
}

} // namespace mmsim
