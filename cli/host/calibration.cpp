#include "cli/host/calibration.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <exception>
#include <iterator>
#include <utility>

#include <spdlog/spdlog.h>

#include "cli/host/kernel_calibration.hpp"
#include "cli/host/kernel_fit.hpp"
#include "sim/engine/configuration.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/machine/cost_book.hpp"
#include "sim/machine/topology.hpp"

namespace mmsim::host {
namespace {

using Clock = std::chrono::steady_clock;

/// How much of the budget the hardware gets, and then of what is left the kernel's operations; the rest is for the
/// simulations of the fit.
constexpr double share_of_hardware = 0.4, share_of_operations = 0.7;

constexpr const char* section = "machine.";

DefaultDurations default_durations() {
  const CostBook book = read_parameters<CostBook>(Configuration());
  const std::pair<const char*, Duration> wanted[] = {
      {"line.atomic", book.line.atomic},
      {"line.transfer", book.line.transfer},
      {"ipi.send", book.irq.send},
      {"ipi.deliver", book.irq.deliver},
      {"irq.entry", book.irq.entry},
      {"irq.exit", book.irq.exit},
      {"entry.switch_registers", book.entry.switch_registers},
      {"work.mask_scan", book.work.mask_scan},
      {"work.call_queue", book.work.call_queue},
      {"work.wake", book.work.wake},
      {"work.enqueue", book.work.enqueue},
      {"work.dequeue", book.work.dequeue},
      {"work.pick_next", book.work.pick_next},
  };
  DefaultDurations result;
  for (const auto& [path, duration] : wanted)
    result.emplace(path, double(duration.count()) / 1000);
  const auto topology = read_parameters<TopologyParameters>(Configuration());
  result.emplace("interconnect.cluster", double(topology.cluster.count()) / 1000);
  result.emplace("interconnect.die", double(topology.die.count()) / 1000);
  result.emplace("interconnect.socket", double(topology.socket.count()) / 1000);
  result.emplace("interconnect.system", double(topology.system.count()) / 1000);
  return result;
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", std::gmtime(&now));
  return text;
}

std::vector<KernelWorkload> with(std::vector<KernelWorkload> workloads,
                                 const std::vector<KernelWorkload>& more) {
  for (const KernelWorkload& one : more)
    if (std::ranges::find(workloads, one) == workloads.end()) workloads.push_back(one);
  return workloads;
}

} // namespace

std::vector<MachineParameter> machine_parameters() {
  std::vector<MachineParameter> result;
  for (const ParameterInfo& info : ParameterCatalogue::instance().parameters())
    if (info.path.starts_with(section))
      result.push_back({info.path.substr(std::string_view(section).size()), info.default_text()});
  return result;
}

CalibratedMachine calibrate(const HostMachine& machine, const Budget& budget, const Announce& announce,
                            const std::vector<KernelWorkload>& beside,
                            const std::function<void(double)>& told) {
  const auto began = Clock::now();
  HardwareReport hardware =
      measure_hardware(machine, default_durations(), budget.part(share_of_hardware), announce);
  CalibratedMachine result;
  result.file.values = std::move(hardware.values);
  result.file.remarks = std::move(hardware.remarks);
  announce("the kernel's operations: fork, exit, faults, munmap, mprotect");
  // They go wrong in ways of their own: what has been found of the hardware is kept then.
  try {
    result.measured =
        measure_on(machine, with(calibration_workloads(), beside), budget.part(share_of_operations), told);
    spdlog::info("fitting the kernel's costs: simulating the same operations");
    KernelFit fit = fit_to(result.measured, settings_of(machine, result.file.values), simulate, budget);
    replace_with_fitted(result.file.values, std::move(fit.values));
    std::ranges::move(fit.remarks, std::back_inserter(result.file.remarks));
  } catch (const Interrupted&) {
    throw;
  } catch (const InputError&) { // of a setting: a defect of ours or of configs/kernels
    throw;
  } catch (const std::exception& error) {
    result.not_fitted = error.what();
    result.file.remarks.push_back(
        "the kernel's operations could not be fitted, work.* are not of this machine: " + result.not_fitted);
  }
  result.file.date = now_text();
  result.file.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  return result;
}

} // namespace mmsim::host
