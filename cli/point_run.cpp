#include "cli/point_run.hpp"

#include <chrono>
#include <cstdio>

#include "cli/exit_status.hpp"
#include "sim/record/atomic_file.hpp"

namespace mmsim {

int run_in_child(const Configuration& configuration, const std::filesystem::path& file,
                 const PointRunner& run_point) {
  const auto started = std::chrono::steady_clock::now();
  PointResult result;
  try {
    result = run_point(configuration);
  } catch (const InputError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return exit_wrong_input;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  if (result.host_seconds == 0) result.host_seconds = took.count();
  atomic_write(file, to_json(result));
  return exit_done;
}

std::string reason_of(const PointProcesses::Finished& finished) {
  std::string reason = finished.killed.empty() ? std::string() : "killed by " + finished.killed;
  if (!finished.output.empty()) reason += (reason.empty() ? "" : "; ") + finished.output;
  return reason.empty() ? "ended with status " + std::to_string(finished.exit_status) + " and no result"
                        : reason;
}

} // namespace mmsim
