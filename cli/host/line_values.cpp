#include "cli/host/line_values.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "cli/host/told_values.hpp"

namespace mmsim::host {
namespace {

constexpr std::array<const char*, 4> levels{"cluster", "die", "socket", "system"};

/// All pairs of CPUs that are as far apart as `level` says, as one: the medians' median.
Measurement pairs_at(const HostMachine& machine, const Measurements& measured, const char* level) {
  std::vector<double> medians;
  Measurement widest;
  for (const HostCpu& one : machine.cpus)
    for (const HostCpu& other : machine.cpus) {
      const Measurement& pair =
          measured["line.pair." + std::to_string(one.number) + '-' + std::to_string(other.number)];
      if (!pair.measured() || level_of(machine, one, other) != std::string(level)) continue;
      medians.push_back(pair.median);
      if (pair.spread >= widest.spread) widest = pair;
    }
  if (medians.size() < 2) return widest;
  Measurement result = measurement_of(widest.name, medians, widest.how);
  result.spread = std::max(result.spread, widest.spread);
  result.repetitions = widest.repetitions * medians.size();
  return result;
}

/// Whether two CPUs of this machine, allowed or not, can be so far apart.
bool exists(const HostMachine& machine, const std::string& level) {
  if (level == "cluster") return true;
  if (level == "die") return machine.threads_per_core > 1 && machine.cores_per_die > 1;
  return level == "socket" ? machine.dies_per_socket > 1 : machine.sockets > 1;
}

} // namespace

void add_line_values(const HostMachine& machine, const Measurements& measured,
                     const DefaultDurations& defaults, std::vector<MachineValue>& values) {
  const Measurement &hit = measured["line.hit"], &own = measured["line.own_atomic"];
  const double atomic = std::max(own.median - hit.median, 0.1);
  values.push_back(measured_value("line.hit", hit));
  values.push_back(difference_value("line.atomic", atomic, own.low - hit.median, own.high - hit.median, own,
                                    own.how + ", less line.hit"));
  values.push_back(measured_value("entry.user_access", hit));
  values.push_back(measured_value("line.dram", measured["line.dram"]));

  // A remote compare-and-swap is line.atomic + line.transfer + interconnect.<level>: pairs fix these sums.
  double transfer = 0, way = 0;
  for (const char* level : levels) {
    const std::string path = std::string("interconnect.") + level;
    const Measurement pairs = pairs_at(machine, measured, level);
    if (pairs.measured()) {
      const double rest = std::max(pairs.median - atomic, 1.0);
      const double low = pairs.low - atomic, high = pairs.high - atomic;
      if (transfer == 0) {
        const double given =
            defaults.contains("interconnect.cluster") ? defaults.at("interconnect.cluster") : 10;
        way = std::min(given, rest / 4);
        transfer = rest - way;
        const MachineValue found = reckoned_value("line.transfer", transfer, low - way, high - way, pairs,
                                                  pairs.how + ", less line.atomic and " + path);
        values.push_back(found);
        values.push_back(
            told_value(path, toml_duration(way),
                       "a choice: the default, at most a quarter of the way; measured is its sum with "
                       "line.transfer"));
      } else {
        way = std::max(rest - transfer, way);
        values.push_back(reckoned_value(path, way, low - transfer, high - transfer, pairs,
                                        pairs.how + ", less line.atomic and line.transfer"));
      }
      continue;
    }
    if (exists(machine, level)) {
      const auto known = defaults.find(path);
      if (known != defaults.end() && known->second < way)
        values.push_back(told_value(path, toml_duration(way),
                                    "not measured: no such two CPUs are allowed; at least "
                                    "the next nearer"));
      else
        values.push_back(not_measured(path, "no two CPUs that are so far apart could be measured"));
      if (known != defaults.end()) way = std::max(way, known->second);
    } else if (way > 0) {
      values.push_back(told_value(path, toml_duration(way), "there is none: as the next nearer"));
    }
  }
  if (transfer == 0) {
    values.push_back(not_measured("line.transfer", "no two CPUs could be measured"));
    return;
  }
  values.push_back(told_value("line.request", toml_duration(0.647 * transfer),
                              "estimate: 0.647 of line.transfer, as on xeon-8176-8s"));
  values.push_back(told_value("line.share", toml_duration(0.354 * transfer),
                              "estimate: 0.354 of line.transfer, as on xeon-8176-8s"));
}

} // namespace mmsim::host
