#include "cli/validation/run_cases.hpp"

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <optional>
#include <sstream>
#include <system_error>

#include <stdlib.h>

#include "cli/exit_status.hpp"
#include "cli/progress.hpp"

namespace mmsim::validation {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// Where children leave their results; goes away.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (fs::temp_directory_path() / "mmsim-validate-XXXXXX").native();
    if (!::mkdtemp(name.data())) throw std::system_error(errno, std::generic_category(), name);
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code error; // what cannot be removed stays
    fs::remove_all(path_, error);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  fs::path file_of(std::size_t run) const { return path_ / (std::to_string(run) + ".json"); }

 private:
  fs::path path_;
};

/// The result that a child has left, or what is known of its failure.
PointResult result_of(const PointProcesses::Finished& finished, const fs::path& file) {
  PointResult result;
  if (finished.killed.empty() && finished.exit_status == exit_done) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    result = point_result_from_json(text.str());
    std::error_code error; // the folder goes anyway
    fs::remove(file, error);
    return result;
  }
  result.status = PointStatus::failed;
  result.host_seconds = finished.host_seconds;
  result.message = reason_of(finished);
  return result;
}

} // namespace

RunTotals run_cases(const std::vector<CaseRun>& runs, CaseAnswers& answers, unsigned processes,
                    const PointRunner& run_point) {
  const double weight = std::accumulate(runs.begin(), runs.end(), 0.0,
                                        [](double sum, const CaseRun& run) { return sum + run.weight; });
  Progress progress(terminal_of(2), runs.size(), 0, weight, processes);
  const ScratchFolder scratch;
  RunTotals totals;
  totals.runs = runs.size();
  PointProcesses children;
  for (std::size_t next = 0; next < runs.size() || children.busy() > 0;) {
    for (; children.busy() < processes && next < runs.size(); ++next)
      children.start(
          next, [&] { return run_in_child(runs[next].configuration, scratch.file_of(next), run_point); });
    progress.show();
    for (const PointProcesses::Finished& finished : children.wait(200ms)) {
      if (finished.killed.empty() && finished.exit_status == exit_wrong_input) {
        progress.clear();
        children.stop();
        throw InputError(finished.output);
      }
      const CaseRun& run = runs[finished.job];
      const PointResult result = result_of(finished, scratch.file_of(finished.job));
      totals.done += 1;
      totals.events += result.events;
      totals.host_seconds += result.host_seconds;
      progress.finished(run.weight, finished.host_seconds, result.status == PointStatus::done);
      answers.add(run, result);
    }
    if (children.interrupted()) {
      totals.interrupted = true;
      break;
    }
  }
  return totals; // the destructors clear the line and stop what still runs
}

} // namespace mmsim::validation
