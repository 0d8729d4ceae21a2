#include "cli/sweep_axes.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "cli/toml_file.hpp"
#include "sim/engine/nearest_name.hpp"
#include "sim/engine/parameter.hpp"

namespace mmsim {

using namespace toml_file;

namespace {

Axis read_list(const std::string& path, const Origin& origin, const toml::node& node,
               const std::string& file) {
  const toml::array* values = node.as_array();
  if (!values || values->empty())
    throw InputError("the axis " + path +
                         " needs a list of values, like [1, 2, 4], or with sweep.sample a range, like "
                         "{ from = 1, to = 4 }",
                     origin);
  Axis axis{path, origin, {}, {}};
  for (const toml::node& each : *values) {
    const Origin place = at(each.source(), file);
    std::optional<Value> value = scalar(each);
    if (!value) throw InputError("the axis " + path + " has a value that is no number, flag or text", place);
    if (std::ranges::find(axis.values, *value) != axis.values.end())
      throw InputError("the axis " + path + " has the value " + to_text(*value) + " twice", place);
    axis.values.push_back(std::move(*value));
    axis.origins.push_back(place);
  }
  return axis;
}

/// Axes may be nested tables, too: what tells a range is an end that is a value.
bool is_range(const toml::table& table) {
  return std::ranges::any_of(std::array{"from", "to", "scale"}, [&](const char* key) {
    const toml::node* node = table.get(key);
    return node && !node->is_table() && !node->is_array();
  });
}

Axis read_range(const std::string& path, const Origin& origin, const toml::table& table,
                const std::string& file) {
  const auto refuse = [&](const std::string& message, const Origin& place) {
    throw InputError("the axis " + path + ": " + message, place);
  };
  RangeText range;
  bool from = false, to = false;
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const Origin place = at(key.source(), file);
    const std::vector<std::string> known{"from", "to", "scale"};
    if (std::ranges::find(known, name) == known.end())
      refuse("unknown key \"" + name + "\" in a range" + did_you_mean(name, known), place);
    const std::optional<Value> value = scalar(node);
    if (!value) refuse(name + " is no number and no text", place);
    if (name == "scale") {
      const std::vector<std::string> scales{"linear", "log"};
      const auto* scale = std::get_if<std::string>(&*value);
      if (!scale || std::ranges::find(scales, *scale) == scales.end())
        refuse("unknown scale " + to_text(*value) + did_you_mean(scale ? *scale : to_text(*value), scales),
               place);
      range.logarithmic = *scale == "log";
    } else {
      (name == "from" ? from : to) = true;
      (name == "from" ? range.from : range.to) = *value;
      (name == "from" ? range.from_origin : range.to_origin) = place;
    }
  }
  if (!from || !to) refuse("a range needs both ends, like { from = 1, to = 4 }", origin);
  return {path, origin, {}, {}, range};
}

using ByPlace = std::map<std::pair<int, int>, Axis>;

void collect(const toml::table& table, const std::string& prefix, const std::string& file,
             std::set<std::string>& paths, ByPlace& axes) {
  for (const auto& [key, node] : table) {
    const std::string path = prefix + std::string(key.str());
    const Origin origin = at(key.source(), file);
    const toml::table* nested = node.as_table();
    if (nested && !is_range(*nested)) {
      collect(*nested, path + '.', file, paths, axes);
      continue;
    }
    if (!paths.insert(path).second) throw InputError("the axis " + path + " stands twice", origin);
    axes.emplace(std::pair(origin.line, origin.column),
                 nested ? read_range(path, origin, *nested, file) : read_list(path, origin, node, file));
  }
}

} // namespace

std::vector<Axis> read_axes(const toml::key& key, const toml::node& node, const std::string& file) {
  if (!node.is_table())
    throw InputError("sweep.axes is a table, like { \"run.cpus\" = [1, 2, 4] }", at(key.source(), file));
  ByPlace by_place; // toml++ does not keep the order
  std::set<std::string> paths;
  collect(*node.as_table(), "", file, paths, by_place);
  std::vector<Axis> axes;
  for (auto& [place, axis] : by_place)
    axes.push_back(std::move(axis));
  return axes;
}

void check_axes(const std::vector<Axis>& axes, const Configuration& written) {
  const ParameterCatalogue& catalogue = ParameterCatalogue::instance();
  const bool many_scenarios = std::ranges::find(axes, "scenario.name", &Axis::path) != axes.end();
  std::vector<std::string> known{"kernel.base", "machine.base", "scenario.name"};
  for (const ParameterInfo& info :
       many_scenarios ? catalogue.parameters() : catalogue.parameters_of(chosen_scenario(written)))
    known.push_back(info.path);
  for (const Axis& axis : axes)
    if (std::ranges::find(known, axis.path) == known.end())
      throw InputError("unknown axis \"" + axis.path + '"' + did_you_mean(axis.path, known), axis.origin);
}

} // namespace mmsim
