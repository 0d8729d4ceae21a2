#include "cli/sweep_settings.hpp"

#include <algorithm>
#include <set>

#include "cli/configuration_files.hpp"
#include "sim/engine/nearest_name.hpp"

namespace mmsim {
namespace {

using Written = std::map<std::string, WrittenSetting>;

const WrittenSetting* find(const Written& written, const std::string& path) {
  const auto found = written.find(path);
  return found == written.end() ? nullptr : &found->second;
}

const Value& single(const std::string& path, const WrittenSetting& setting) {
  if (setting.values.size() != 1) throw InputError(path + " is one value, not a list", setting.origin);
  return setting.values.front();
}

/// Nothing if it is not set.
std::optional<std::int64_t> whole_number(const Written& written, const std::string& path,
                                         std::int64_t least) {
  const WrittenSetting* setting = find(written, path);
  if (!setting) return std::nullopt;
  const Value& value = single(path, *setting);
  const auto* number = std::get_if<std::int64_t>(&value);
  if (!number) throw InputError(path + ": " + to_text(value) + " is not a whole number", setting->origin);
  if (*number < least)
    throw InputError(path + ": " + std::to_string(*number) + " is too small; at least " +
                         std::to_string(least) + " is needed",
                     setting->origin);
  return *number;
}

std::optional<Sampling> sampling_of(const Written& written) {
  const auto points = whole_number(written, "sweep.sample", 1);
  if (!points) {
    for (const std::string path : {"sweep.sampling", "sweep.sample_seed"})
      if (const WrittenSetting* setting = find(written, path))
        throw InputError(path + " is of use only with sweep.sample, the number of points", setting->origin);
    return std::nullopt;
  }
  Sampling sampling{*points, "latin_hypercube", whole_number(written, "sweep.sample_seed", 0).value_or(1),
                    written.at("sweep.sample").origin};
  if (const WrittenSetting* setting = find(written, "sweep.sampling")) {
    const std::vector<std::string> methods{"latin_hypercube", "random"};
    const Value& value = single("sweep.sampling", *setting);
    const auto* method = std::get_if<std::string>(&value);
    if (!method || std::ranges::find(methods, *method) == methods.end())
      throw InputError("sweep.sampling: unknown method " + to_text(value) +
                           did_you_mean(method ? *method : to_text(value), methods),
                       setting->origin);
    sampling.method = *method;
  }
  return sampling;
}

std::vector<std::string> names_of(const WrittenSetting& setting) {
  std::vector<std::string> names;
  for (const Value& value : setting.values) {
    const auto* name = std::get_if<std::string>(&value);
    if (!name || name->empty())
      throw InputError("sweep.ci_operations: " + to_text(value) +
                           " is no name of an operation; write them like "
                           "[\"munmap\", \"fault\"]",
                       setting.origin);
    if (std::ranges::find(names, *name) != names.end())
      throw InputError("sweep.ci_operations has " + to_text(value) + " twice", setting.origin);
    names.push_back(*name);
  }
  if (names.empty())
    throw InputError("sweep.ci_operations is empty; leave it out to mean every operation", setting.origin);
  return names;
}

std::optional<SeedRule> seed_rule_of(const Written& written, std::int64_t seeds) {
  const WrittenSetting* ci = find(written, "sweep.ci");
  const auto max_seeds = whole_number(written, "sweep.max_seeds", 1);
  if (!ci) {
    for (const std::string path : {"sweep.max_seeds", "sweep.ci_operations"})
      if (const WrittenSetting* setting = find(written, path))
        throw InputError(path + " is of use only with sweep.ci, the interval to reach", setting->origin);
    return std::nullopt;
  }
  SeedRule rule;
  const Value& value = single("sweep.ci", *ci);
  if (const auto* whole = std::get_if<std::int64_t>(&value))
    rule.ci = double(*whole);
  else if (const auto* number = std::get_if<double>(&value))
    rule.ci = *number;
  if (!(rule.ci > 0 && rule.ci < 1))
    throw InputError(
        "sweep.ci: " + to_text(value) +
            " is not between 0 and 1; half of the 95 % interval as a part of the mean, like 0.05",
        ci->origin);
  rule.max_seeds = max_seeds.value_or(rule.max_seeds);
  if (rule.max_seeds < seeds)
    throw InputError("sweep.max_seeds: " + std::to_string(rule.max_seeds) +
                         (max_seeds ? "" : " (this is the default)") +
                         " is less than sweep.seeds = " + std::to_string(seeds) +
                         (find(written, "sweep.seeds") ? "" : ", which is the default with sweep.ci"),
                     max_seeds ? written.at("sweep.max_seeds").origin : ci->origin);
  if (const WrittenSetting* operations = find(written, "sweep.ci_operations")) {
    rule.operations = names_of(*operations);
    rule.operations_origin = operations->origin;
  }
  return rule;
}

} // namespace

SweepSettings read_sweep_settings(const Written& written) {
  std::vector<std::string> known(sweep_keys.begin(), sweep_keys.end());
  known.emplace_back("sweep.axes");
  for (const auto& [path, setting] : written)
    if (std::ranges::find(known, path) == known.end())
      throw InputError("unknown key \"" + path + '"' + did_you_mean(path, known), setting.origin);
  SweepSettings settings;
  // One seed alone cannot show how much seeds differ, so its interval would be too narrow a reason to stop.
  const std::int64_t fewest = find(written, "sweep.ci") ? 2 : 1;
  settings.seeds = whole_number(written, "sweep.seeds", 1).value_or(fewest);
  if (settings.seeds < fewest)
    throw InputError(
        "sweep.seeds: 1 is too small with sweep.ci, since one seed cannot show how much seeds differ; "
        "at least 2 are needed",
        written.at("sweep.seeds").origin);
  settings.sampling = sampling_of(written);
  settings.seed_rule = seed_rule_of(written, settings.seeds);
  return settings;
}

} // namespace mmsim
