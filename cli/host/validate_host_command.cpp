// mmsim validate --host: calibrates, unless it is given a machine file, then measures what calibration did not and
// simulates the same.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <optional>
#include <regex>
#include <stdexcept>

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/host/calibration.hpp"
#include "cli/host/host_validation.hpp"
#include "cli/host/host_validation_files.hpp"
#include "cli/host/host_validation_text.hpp"
#include "cli/host/kernel_calibration.hpp"
#include "cli/host/machine_settings.hpp"
#include "cli/readable.hpp"
#include "cli/sweep_directory.hpp"
#include "cli/terminal.hpp"
#include "cli/terminal_table.hpp"
#include "sim/engine/configuration.hpp"
#include "sim/record/atomic_file.hpp"

namespace mmsim {

namespace {

using namespace host;

constexpr double measuring_seconds = 30;
constexpr double calibrating_seconds = 150; // beside what is validated

std::filesystem::path directory_of(const ValidateOptions& options) {
  if (!options.out.empty()) return options.out;
  return options.only ? std::filesystem::path() : std::filesystem::path("results/validation-host");
}

/// Those whose case's name or title `only` is found in.
std::vector<KernelOperation> chosen_operations(const std::optional<std::string>& only) {
  const std::vector<KernelOperation> all = validation_operations();
  if (!only) return all;
  std::regex wanted;
  try {
    wanted = std::regex(*only);
  } catch (const std::regex_error& error) {
    throw InputError("--only \"" + *only + "\" is no regular expression: " + error.what());
  }
  std::vector<KernelOperation> result;
  std::string names;
  for (const KernelOperation& operation : all) {
    const std::string name(case_of(operation));
    if (std::regex_search(name, wanted) || std::regex_search(title_of(operation), wanted))
      result.push_back(operation);
    if (names.find(name) == std::string::npos) names += (names.empty() ? "" : ", ") + name;
  }
  if (result.empty()) throw InputError("--only \"" + *only + "\" is found in none of " + names);
  return result;
}

/// What a reader must know of this machine before he reads the numbers.
void tell_what_is_missing(const HostMachine& machine) {
  spdlog::info(
      "{}, {} of {} CPUs, Linux {}, {}; transparent huge pages are \"{}\", and off for what is measured",
      machine.model, machine.cpus.size(), machine.online_cpus, machine.kernel, what_surrounds(machine),
      machine.thp);
  if (machine.cpus.size() < 2)
    spdlog::warn("one CPU: what takes two (a second thread that runs, two threads that fault) is left out");
  if (!machine.can_pin)
    spdlog::warn("threads cannot be kept on their CPUs: what takes two is left out, and the rest may wander");
  if (machine.page_bytes != 4096)
    spdlog::warn("pages of {} bytes, where the model has 4096: expect costs by page to differ",
                 machine.page_bytes);
}

class MeasuringLine {
 public:
  ~MeasuringLine() { clear(); }
  void show(double share) {
    if (!terminal_.interactive) return;
    std::fprintf(stderr, "\rmeasuring: %3.0f %%", 100 * share);
    shown_ = true;
  }
  void clear() {
    if (shown_) std::fprintf(stderr, "\r%20s\r", "");
    shown_ = false;
  }

 private:
  Terminal terminal_ = terminal_of(2);
  bool shown_ = false;
};

/// The machine file, and what was measured of `operations`.
struct MeasuredMachine {
  std::filesystem::path file;
  std::vector<MeasuredOperation> measured;
};

/// Without a machine file: calibrates and measures in the same rounds, so that a machine whose speed comes and goes is
/// the same one for both, and writes the file into `out`.
MeasuredMachine calibrated_now(const ValidateOptions& options, const HostMachine& machine,
                               const std::vector<KernelOperation>& operations,
                               const std::filesystem::path& out, MeasuringLine& line) {
  MeasuredMachine result;
  result.file = (out.empty() ? std::filesystem::temp_directory_path() : out) / "this-machine.toml";
  spdlog::info("no --machine: calibrating beside what is validated, into {}", result.file.native());
  CalibratedMachine calibration = calibrate(
      machine, Budget(calibrating_seconds),
      [](const std::string& what) { spdlog::info("measuring {}", what); }, workloads_of(operations),
      [&](double share) { line.show(share); });
  line.clear();
  calibration.file.command = options.command;
  atomic_write(result.file, machine_file_text(machine, calibration.file, machine_parameters()));
  for (const std::string& remark : calibration.file.remarks)
    spdlog::info("{}", remark);
  result.measured = std::move(calibration.measured);
  return result;
}

MeasuredMachine measured_now(const std::filesystem::path& machine_file, const HostMachine& machine,
                             const std::vector<KernelOperation>& operations, MeasuringLine& line) {
  machine_settings(machine_file); // what is wrong with it is said before anything is measured
  MeasuredMachine result{machine_file,
                         measure_on(machine, workloads_of(operations), Budget(measuring_seconds),
                                    [&](double share) { line.show(share); })};
  line.clear();
  return result;
}

} // namespace

int validate_host_command(const ValidateOptions& options) {
  const auto started = std::chrono::steady_clock::now();
  const std::vector<KernelOperation> operations = chosen_operations(options.only);
  const std::filesystem::path out = directory_of(options);
  if (!out.empty()) check_result_directory(out, "validation");
  std::optional<MadeDirectory> made;
  if (!out.empty()) made.emplace(out);

  const HostMachine machine = this_machine();
  std::vector<HostRow> rows;
  try {
    tell_what_is_missing(machine);
    MeasuringLine line;
    const MeasuredMachine here = options.machine_file.empty()
                                     ? calibrated_now(options, machine, operations, out, line)
                                     : measured_now(options.machine_file, machine, operations, line);
    std::vector<std::string> settings = machine_settings(here.file);
    settings.push_back("kernel.base=" + host_kernel(machine));
    rows = side_by_side(operations, here.measured, settings, simulate);
    std::cout << "this machine beside " << here.file.native() << " and configs/kernels/"
              << host_kernel(machine) << ".toml\n\n";
  } catch (...) {
    if (made) made->undo();
    throw;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  const Terminal terminal = terminal_of(1);
  std::cout << table_of(rows, terminal) << '\n';
  for (const std::string& line : wrapped(summary_of(rows), terminal.width))
    std::cout << line << '\n';
  if (!out.empty()) {
    write_files(out, host_validation_files(rows, machine, options.command, took.count()));
    spdlog::info("{}; validation.csv and cases.json in {}; next: mmsim report {}",
                 readable_seconds(took.count()), out.native(), out.native());
  }
  const bool missed = std::ranges::any_of(
      rows, [](const HostRow& row) { return row.counts() && row.verdict() == HostVerdict::miss; });
  return missed ? exit_violation : exit_done;
}

} // namespace mmsim
