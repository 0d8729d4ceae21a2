#include "cli/host/machine_value.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace mmsim::host {

std::string toml_duration(double ns) {
  char text[48];
  if (ns < 0.1)
    std::snprintf(text, sizeof text, "\"%.0f ps\"", ns * 1000);
  else if (ns < 1e4)
    std::snprintf(text, sizeof text, "\"%.*f ns\"", ns < 10 ? 2 : ns < 1000 ? 1 : 0, ns);
  else
    std::snprintf(text, sizeof text, "\"%.*f us\"", ns < 1e5 ? 2 : 1, ns / 1000);
  return text;
}

MachineValue measured_value(std::string path, const Measurement& measurement) {
  return reckoned_value(std::move(path), measurement.median, measurement.low, measurement.high, measurement,
                        measurement.how);
}

MachineValue reckoned_value(std::string path, double ns, double low, double high, const Measurement& from,
                            std::string how) {
  if (!from.measured())
    return not_measured(std::move(path),
                        how.empty() ? "there are no samples" : "there are no samples of: " + how);
  if (!(ns >= 0.001)) // also NaN
    return not_measured(std::move(path), "it comes out as nothing or less (" + how + ")");
  MachineValue result{std::move(path), toml_duration(ns)};
  result.median = ns;
  result.low = low;
  result.high = high;
  result.spread = from.spread;
  result.repetitions = from.repetitions;
  result.how = std::move(how);
  return result;
}

MachineValue difference_value(std::string path, double ns, double low, double high, const Measurement& from,
                              std::string how) {
  if (from.measured() && ns >= 0.001 && (low <= 0 || high - low > ns)) {
    const int digits = ns < 10 ? 2 : ns < 1000 ? 1 : 0;
    char text[160];
    std::snprintf(text, sizeof text,
                  "too unsure: it comes out at %.*f ns, with 95 %% confidence in %.*f to %.*f ns (", digits,
                  ns, digits, low, digits, high);
    return not_measured(std::move(path), text + how + ')');
  }
  MachineValue result = reckoned_value(std::move(path), ns, low, high, from, std::move(how));
  if (result.known()) result.spread = from.spread * from.median / ns;
  return result;
}

MachineValue told_value(std::string path, std::string toml, std::string how) {
  MachineValue result{std::move(path), std::move(toml)};
  result.how = std::move(how);
  return result;
}

MachineValue not_measured(std::string path, std::string why) {
  MachineValue result{std::move(path)};
  result.how = std::move(why);
  return result;
}

const MachineValue* find_value(const std::vector<MachineValue>& values, std::string_view path) {
  const auto found = std::ranges::find(values, path, &MachineValue::path);
  return found == values.end() || !found->known() ? nullptr : &*found;
}

} // namespace mmsim::host
