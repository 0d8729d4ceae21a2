#include "cli/validation/calibration_count.hpp"

#include <set>
#include <tuple>

#include "cli/validation/publication.hpp"
#include "sim/engine/parameter.hpp"

namespace mmsim::validation {
namespace {

std::string text_at(const Configuration& configuration, const std::string& path) {
  const Entry* entry = configuration.find(path);
  return entry ? to_text(entry->value) : std::string();
}

} // namespace

CalibrationCount calibration_of(const std::vector<const Case*>& cases) {
  std::set<std::tuple<std::string, std::string, std::string>> free;  // machine, path, value
  std::set<std::tuple<std::string, std::string, double>> calibrated; // publication, x, y
  for (const Case* one : cases)
    for (const CasePoint& point : one->points) {
      if (!point.calibrated) continue;
      calibrated.emplace(publication_of(one->source), point.label, point.y);
      if (one->free.empty()) continue;
      const Configuration run = with_defaults(one->configuration(point, false));
      for (const std::string& path : one->free)
        free.emplace(text_at(one->model, "machine.base"), path, text_at(run, path));
    }
  return {free.size(), calibrated.size()};
}

} // namespace mmsim::validation
