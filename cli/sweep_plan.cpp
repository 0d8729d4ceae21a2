#include "cli/sweep_plan.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "cli/drawn_points.hpp"
#include "cli/sweep_axes.hpp"
#include "cli/toml_file.hpp"
#include "sim/engine/parameter.hpp"

namespace mmsim {

using namespace toml_file;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_points = 1'000'000;

WrittenSetting read_setting(const std::string& path, const toml::node& node, const Origin& origin) {
  WrittenSetting setting{{}, origin};
  const auto add = [&](const toml::node& each) {
    std::optional<Value> value = scalar(each);
    if (!value) throw InputError(path + " is no number, flag or text", origin);
    setting.values.push_back(std::move(*value));
  };
  if (const toml::array* list = node.as_array())
    for (const toml::node& each : *list)
      add(each);
  else
    add(node);
  return setting;
}

void refuse_too_many_points(const SweepPlan& plan) {
  const auto too_many = [](const std::string& what, const Origin& origin) {
    throw InputError(what + " more than " + std::to_string(most_points) + " points", origin);
  };
  if (plan.sampling) {
    if (std::size_t(plan.sampling->points) > most_points)
      too_many("sweep.sample: that is", plan.sampling->origin);
    return;
  }
  std::size_t points = 1;
  for (const Axis& axis : plan.axes) {
    if (axis.range)
      throw InputError("the axis " + axis.path +
                           " is a range, which needs sweep.sample, the number of points to draw",
                       axis.origin);
    points *= axis.values.size();
    if (points > most_points) too_many("the axes have", axis.origin);
  }
}

} // namespace

std::size_t SweepPlan::size() const {
  if (sampling) return drawn.size();
  std::size_t result = 1;
  for (const Axis& axis : axes)
    result *= axis.values.size();
  return result;
}

std::vector<SweepPoint> SweepPlan::points() const {
  if (sampling) return drawn;
  std::vector<SweepPoint> result(size());
  for (std::size_t index = 0; index < result.size(); ++index) {
    result[index].index = index;
    result[index].values.resize(axes.size());
    std::size_t rest = index;
    for (std::size_t axis = axes.size(); axis-- > 0;) {
      result[index].values[axis] = axes[axis].values[rest % axes[axis].values.size()];
      rest /= axes[axis].values.size();
    }
  }
  return result;
}

Configuration SweepPlan::configuration(const SweepPoint& point) const {
  Configuration result = written;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto place = std::ranges::find(axes[i].values, point.values[i]) - axes[i].values.begin();
    const Origin& origin = axes[i].origins.at(static_cast<std::size_t>(place));
    result.set(axes[i].path, point.values[i], origin,
               origin == command_line ? layer_of_command_line : layer_of_file);
  }
  return base_files.resolve(result);
}

Configuration SweepPlan::base() const { return base_files.resolve(written); }

SweepPlan load_sweep(const fs::path& file, const std::vector<std::string>& overrides) {
  const std::string name = file.native();
  const toml::table table = parse_file(file, name);
  const auto section = table.find("sweep");
  if (section == table.end())
    throw InputError("there is no [sweep] section; mmsim run is for a single point", {name});
  if (!section->second.is_table())
    throw InputError("sweep is a section; write [sweep] and its keys below",
                     at(section->first.source(), name));

  SweepPlan plan{read_sections(table, name), {}, 1, BaseFiles(file)};
  std::map<std::string, WrittenSetting> settings;
  for (const auto& [key, node] : *section->second.as_table()) {
    const std::string path = "sweep." + std::string(key.str());
    if (path == "sweep.axes")
      plan.axes = read_axes(key, node, name);
    else
      settings[path] = read_setting(path, node, at(key.source(), name));
  }
  for (const Override& each : parse_overrides(overrides)) {
    if (each.path.starts_with("sweep.")) {
      settings[each.path] = {{each.value}, command_line};
    } else if (const auto axis = std::ranges::find(plan.axes, each.path, &Axis::path);
               axis != plan.axes.end()) {
      axis->values = {each.value};
      axis->origins = {command_line};
      axis->range.reset();
    } else {
      plan.written.set(each.path, each.value, command_line, layer_of_command_line);
    }
  }
  SweepSettings read = read_sweep_settings(settings);
  plan.seeds = read.seeds;
  plan.seed_rule = std::move(read.seed_rule);
  plan.sampling = std::move(read.sampling);

  check_axes(plan.axes, plan.written);
  refuse_too_many_points(plan);
  if (plan.sampling) draw_points(plan);
  for (const SweepPoint& point : plan.points())
    check_configuration(plan.configuration(point));
  return plan;
}

} // namespace mmsim
