// Which measurements fix which parameters of the model: what calibration measures of the kernel, and so what a
// validation may not count as predicted.
#pragma once

#include "cli/host/host_machine.hpp"
#include "cli/host/measured_operations.hpp"
#include "cli/host/parameter_fit.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mmsim::host {

/// The kernel of configs/kernels that stands for this machine's: "host-x86", or "6.4" on arm64; before 6.4, which has no
/// per-VMA locks, "host-x86-6.1" or "6.1". Why, say the files.
std::string host_kernel(const HostMachine& machine);

/// A parameter and the operation that it is fitted to.
struct Calibration {
  std::string_view path; ///< without "machine."
  double start_ns;       ///< where the search begins: the model's own default
  KernelOperation from;
  std::string_view reason; ///< why this parameter takes up that operation's time
};
/// Not more parameters than operations: one each.
const std::vector<Calibration>& kernel_calibrations();

/// The faults whose sizes show where zeroing a page begins to miss the cache: small, middle, large.
inline constexpr std::uint64_t hot_pages = 64, warm_pages = 1024, cold_pages = 4096;

/// All that calibration measures, each once.
std::vector<KernelWorkload> calibration_workloads();
/// Whether calibration has used it.
bool is_calibrated(const KernelOperation& operation);

} // namespace mmsim::host
