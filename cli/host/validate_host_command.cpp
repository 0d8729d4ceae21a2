// mmsim validate --host: calibrates, unless it is given a machine file, then measures what calibration did not and
// simulates the same.
#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <optional>
#include <regex>
#include <stdexcept>
#include <system_error>

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
    spdlog::warn(
        "pages of {} bytes, where the model has 4096: rows by number of pages are of different sizes",
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

/// A folder that nobody else uses, gone with this.
class PrivateFolder {
 public:
  PrivateFolder() : path_((std::filesystem::temp_directory_path() / "mmsim-XXXXXX").native()) {
    if (mkdtemp(path_.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), "cannot make a folder like " + path_);
  }
  ~PrivateFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  std::filesystem::path path() const { return path_; }

 private:
  std::string path_;
};

/// What the model takes for this machine, and what was measured of `operations`.
struct MeasuredMachine {
  std::string setting;   ///< machine.base
  std::string file_text; ///< of the machine file, if it was calibrated now
  std::vector<MeasuredOperation> measured;
};

constexpr const char* file_name = "this-machine.toml";

/// Without a machine file: calibrates and measures in the same rounds, so that a machine whose speed comes and goes is
/// the same one for both.
MeasuredMachine calibrated_now(const ValidateOptions& options, const HostMachine& machine,
                               const std::vector<KernelOperation>& operations,
                               std::optional<PrivateFolder>& folder, MeasuringLine& line) {
  spdlog::info("no --machine: calibrating beside what is validated");
  CalibratedMachine calibration = calibrate(
      machine, Budget(calibrating_seconds),
      [](const std::string& what) { spdlog::info("measuring {}", what); }, workloads_of(operations),
      [&](double share) { line.show(share); });
  line.clear();
  if (!calibration.not_fitted.empty())
    throw std::runtime_error(
        "the model could not be fitted to this machine, so there is nothing to compare: " +
        calibration.not_fitted);
  calibration.file.command = options.command;
  for (const std::string& remark : calibration.file.remarks)
    spdlog::info("{}", remark);
  MeasuredMachine result;
  result.file_text = machine_file_text(machine, calibration.file, machine_parameters());
  const std::filesystem::path file = folder.emplace().path() / file_name;
  atomic_write(file, result.file_text);
  result.setting = machine_setting(file);
  result.measured = std::move(calibration.measured);
  return result;
}

MeasuredMachine measured_now(const std::filesystem::path& machine_file, const HostMachine& machine,
                             const std::vector<KernelOperation>& operations, MeasuringLine& line) {
  MeasuredMachine result;
  result.setting = machine_setting(machine_file); // what is wrong with it is said before anything is measured
  result.measured = measure_on(machine, workloads_of(operations), Budget(measuring_seconds),
                               [&](double share) { line.show(share); });
  line.clear();
  return result;
}

/// Whether the file is of this machine as far as its first line tells; says so if not.
bool is_of_this_machine(const std::filesystem::path& machine_file, const HostMachine& machine) {
  const std::string model = calibrated_model(machine_file);
  if (model == machine.model) return true;
  spdlog::warn("{} is {}, and this machine is {}: no row counts as calibrated", machine_file.native(),
               model.empty() ? "not of mmsim calibrate" : "of " + model, machine.model);
  return false;
}

int show_plan(const std::vector<KernelOperation>& operations, const ValidateOptions& options,
              const HostMachine& machine) {
  std::cout
      << plan_of(operations, terminal_of(1)) << '\n'
      << (options.machine_file.empty()
              ? "First this machine would be calibrated (as mmsim calibrate does), in the same rounds.\n"
              : "The model would be that of " + options.machine_file.native() + ".\n")
      << "Kernel: configs/kernels/" << host_kernel(machine) << ".toml. Nothing was run.\n";
  return exit_done;
}

} // namespace

int validate_host_command(const ValidateOptions& options) {
  const auto started = std::chrono::steady_clock::now();
  const std::vector<KernelOperation> operations = chosen_operations(options.only);
  const HostMachine machine = this_machine();
  if (!options.machine_file.empty()) machine_setting(options.machine_file);
  if (options.dry_run) return show_plan(operations, options, machine);
  const std::filesystem::path out = directory_of(options);
  // Checked now, made once there is something for it: an interruption while the machine is measured leaves nothing.
  if (!out.empty()) check_result_directory(out, "validation");

  std::optional<PrivateFolder> folder; // outlives the simulations, which read the machine file in it
  MeasuredMachine here;
  std::vector<HostRow> rows;
  try {
    tell_what_is_missing(machine);
    const bool calibrated = options.machine_file.empty() || is_of_this_machine(options.machine_file, machine);
    MeasuringLine line;
    here = options.machine_file.empty() ? calibrated_now(options, machine, operations, folder, line)
                                        : measured_now(options.machine_file, machine, operations, line);
    rows = side_by_side(operations, here.measured, {here.setting, "kernel.base=" + host_kernel(machine)},
                        simulate);
    for (HostRow& row : rows)
      row.calibrated = row.calibrated && calibrated;
  } catch (const Interrupted&) {
    spdlog::warn("interrupted; nothing was written");
    return exit_interrupted;
  }
  const std::string machine_name = !options.machine_file.empty() ? options.machine_file.native()
                                   : out.empty()                 ? std::string("its calibration of just now")
                                                                 : (out / file_name).native();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  const Terminal terminal = terminal_of(1);
  std::cout << "this machine beside " << machine_name << " and configs/kernels/" << host_kernel(machine)
            << ".toml\n\n"
            << table_of(rows, terminal) << '\n';
  for (const std::string& line : wrapped(summary_of(rows), terminal.width))
    std::cout << line << '\n';
  if (!out.empty()) {
    const MadeDirectory made(out);
    if (!here.file_text.empty()) atomic_write(out / file_name, here.file_text);
    write_files(
        out, host_validation_files(rows, machine, options.command, took.count(), !options.only.has_value()));
    spdlog::info("{}; validation.csv and cases.json in {}; next: mmsim report {}",
                 readable_seconds(took.count()), out.native(), out.native());
  }
  if (std::ranges::none_of(rows, &HostRow::counts))
    spdlog::warn("no prediction counts: nothing was shown of the model, neither good nor bad");
  const bool missed = std::ranges::any_of(
      rows, [](const HostRow& row) { return row.counts() && row.verdict() == HostVerdict::miss; });
  return missed ? exit_violation : exit_done;
}

} // namespace mmsim
