#include "cli/host/kernel_fit.hpp"

#include "cli/host/kernel_calibration.hpp"
#include "cli/host/machine_file.hpp"
#include "cli/readable.hpp"

#include <algorithm>
#include <cmath>

#include <spdlog/fmt/fmt.h>

namespace mmsim::host {
namespace {

constexpr std::string_view cache_path = "cache.size";
constexpr double page_bytes = 4096;

std::string words_of(const KernelOperation& operation) {
  const KernelWorkload& w = operation.workload;
  return fmt::format("{}, {}", title_of(operation),
                     w.empty_areas > 0 ? fmt::format("{} of them", w.empty_areas)
                                       : fmt::format("{} page{}", w.pages, w.pages == 1 ? "" : "s"));
}

std::string both_sides(const FittedParameter& fitted) {
  const std::string machine = readable_nanoseconds(fitted.measured_ns);
  if (!fitted.missed()) return "so that the model takes as long as the machine, " + machine;
  return "the model takes " + readable_nanoseconds(fitted.simulated_ns) + ", the machine " + machine;
}

MachineValue fitted_value(const Calibration& calibration, const FittedParameter& fitted,
                      const Measurement& measured) {
  const std::string how =
      words_of(calibration.from) + ": " + std::string(calibration.reason) + "; " + both_sides(fitted);
  if (std::abs(fitted.slope) < 0.01)
    return not_measured(std::string(calibration.path), how + ": in the model it does not depend on this");
  if (fitted.given_up || fitted.ns < shortest_ns) {
    return told_value(std::string(calibration.path), "\"1 ps\"", how + ", without this already");
  }
  const auto at = [&](double ns) {
    return fitted.slope > 0 ? std::max(0.0, fitted.ns + (ns - measured.median) / fitted.slope) : fitted.ns;
  };
  return reckoned_value(std::string(calibration.path), fitted.ns, at(measured.low), at(measured.high),
                        measured, how);
}

std::string remark_of(const Calibration& calibration, const FittedParameter& fitted) {
  return fmt::format("the fit of work.* has not reached {}, by {}: {} ({:+.0f} %)",
                     words_of(calibration.from), calibration.path, both_sides(fitted),
                     100 * (fitted.simulated_ns / fitted.measured_ns - 1));
}

} // namespace

std::optional<MachineValue> cache_from_faults(const std::vector<MeasuredOperation>& measured) {
  const auto fault = [&](std::uint64_t pages) {
    return find_measured(measured, {{KernelWorkload::Kind::map, pages}, "demand_fault"});
  };
  const MeasuredOperation *const hot = fault(hot_pages), *const warm = fault(warm_pages),
                                 *const cold = fault(cold_pages);
  if (hot == nullptr || warm == nullptr || cold == nullptr) return std::nullopt;
  const double low = hot->measured.median, middle = warm->measured.median, high = cold->measured.median;
  if (high < 1.15 * low) return std::nullopt; // the cache holds all of it, or there is none to speak of
  const double half = (low + high) / 2;
  // Between the two sizes that it lies between, on a line over the logarithm of the size.
  const bool later = middle < half;
  const double from = later ? double(warm_pages) : double(hot_pages),
               to = later ? double(cold_pages) : double(warm_pages);
  const double below = later ? middle : low, above = later ? high : middle;
  const double share = above > below ? std::clamp((half - below) / (above - below), 0.0, 1.0) : 0.5;
  const double pages = std::round(from * std::pow(to / from, share));
  MachineValue value =
      told_value(std::string(cache_path), fmt::format("\"{:.0f} KiB\"", pages * page_bytes / 1024),
                 fmt::format("faults on {} pages take {:.0f} ns, on {} {:.0f} ns, on {} {:.0f} ns: half of "
                             "the way is at this size. "
                             "Not the second level alone, since the levels that cores share are not modelled",
                             hot_pages, low, warm_pages, middle, cold_pages, high));
  return value;
}

std::vector<std::string> settings_of(const HostMachine& machine, const std::vector<MachineValue>& values) {
  std::vector<std::string> settings{"kernel.base=" + host_kernel(machine)};
  for (const MachineValue& value : values)
    if (value.known()) settings.push_back("machine." + value.path + "=" + value.value);
  return settings;
}

KernelFit fit_to(const std::vector<MeasuredOperation>& measured, std::vector<std::string> settings,
                 const Simulator& simulator, const Budget& budget) {
  KernelFit fit;
  std::vector<MachineValue>& values = fit.values;
  if (std::optional<MachineValue> cache = cache_from_faults(measured)) {
    settings.push_back("machine." + cache->path + "=" + cache->value);
    values.push_back(std::move(*cache));
  }
  std::vector<FitTarget> targets;
  std::vector<const Calibration*> fitted_ones;
  for (const Calibration& calibration : kernel_calibrations()) {
    const MeasuredOperation* const found = find_measured(measured, calibration.from);
    if (found == nullptr) {
      const auto why = std::ranges::find(measured, calibration.from, &MeasuredOperation::operation);
      values.push_back(not_measured(std::string(calibration.path),
                                    words_of(calibration.from) + " could not be measured" +
                                        (why != measured.end() ? ": " + why->measured.how : "")));
      continue;
    }
    targets.push_back({"machine." + std::string(calibration.path), calibration.start_ns, calibration.from,
                       found->measured.median});
    fitted_ones.push_back(&calibration);
  }
  const std::vector<FittedParameter> fitted = fit_parameters(targets, settings, simulator, budget);
  for (std::size_t i = 0; i < fitted.size(); ++i) {
    values.push_back(
        fitted_value(*fitted_ones[i], fitted[i], find_measured(measured, fitted_ones[i]->from)->measured));
    if (fitted[i].missed()) fit.remarks.push_back(remark_of(*fitted_ones[i], fitted[i]));
  }
  return fit;
}

void replace_with_fitted(std::vector<MachineValue>& values, std::vector<MachineValue> fitted) {
  for (MachineValue& value : fitted)
    if (const MachineValue* const old = find_value(values, value.path);
        old != nullptr && value.known() && value.value != old->value)
      value.how += "; in the place of " + old->value + " (" + old->how + ")";
  replace_values(values, fitted);
}

} // namespace mmsim::host
