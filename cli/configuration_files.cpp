#include "cli/configuration_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include <toml++/toml.h>

#include "sim/engine/nearest_name.hpp"
#include "sim/engine/parameter.hpp"

namespace mmsim {

namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> sections{"machine", "kernel", "scenario", "run"};
constexpr std::size_t most_points = 1'000'000;
const Origin command_line{"--set", 0, 0};
// Entry::layer. Bases of bases are one further down each.
constexpr unsigned command_line_layer = 0, file_layer = 1, base_layer = 2;

Origin at(const toml::source_region& region, const std::string& file) {
  return {file, static_cast<int>(region.begin.line), static_cast<int>(region.begin.column)};
}

/// The path as the reader of a message would type it: relative where it is below the current folder.
std::string shown(const fs::path& path) {
  std::error_code error;
  const fs::path relative = fs::proximate(path, error);
  return error || relative.empty() || relative.native().starts_with("..") ? path.native() : relative.native();
}

/// The names of the .toml files in a folder, without the extension.
std::map<std::string, fs::path> toml_files(const fs::path& folder) {
  std::map<std::string, fs::path> result;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == ".toml") result.emplace(entry.path().stem().native(), entry.path());
  return result;
}

std::vector<std::string> names_of(const std::map<std::string, fs::path>& files) {
  std::vector<std::string> result;
  for (const auto& [name, path] : files)
    result.push_back(name);
  return result;
}

toml::table parse_text(const std::string& text, const std::string& file) {
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    throw InputError(std::string(error.description()), at(error.source(), file));
  }
}

toml::table parse_file(const fs::path& path, const std::string& file) {
  std::error_code error;
  const bool folder = fs::is_directory(path, error);
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (folder || !stream) {
    std::string message = "cannot be read: " + std::string(folder ? "is a directory" : std::strerror(errno));
    if (errno == ENOENT) {
      std::vector<std::string> siblings;
      for (const auto& [name, sibling] : toml_files(path.has_parent_path() ? path.parent_path() : "."))
        siblings.push_back(shown(sibling));
      message += did_you_mean(file, siblings);
    }
    throw InputError(message, {file});
  }
  std::ostringstream text;
  text << stream.rdbuf();
  return parse_text(text.str(), file);
}

using Leaf = std::function<void(const std::string& path, const toml::key& key, const toml::node& value)>;

/// Visits what is not a table, nested tables giving dotted paths.
void flatten(const toml::table& table, const std::string& prefix, const Leaf& leaf) {
  for (const auto& [key, value] : table) {
    const std::string path = prefix + std::string(key.str());
    if (const toml::table* nested = value.as_table())
      flatten(*nested, path + '.', leaf);
    else
      leaf(path, key, value);
  }
}

/// A bool, number or text; nothing for lists, dates and tables.
std::optional<Value> scalar(const toml::node& node) {
  if (const auto* flag = node.as_boolean()) return Value(flag->get());
  if (const auto* number = node.as_integer()) return Value(static_cast<std::int64_t>(number->get()));
  if (const auto* number = node.as_floating_point()) return Value(number->get());
  if (const auto* text = node.as_string()) return Value(text->get());
  return std::nullopt;
}

void add_keys(Configuration& configuration, const toml::table& table, const std::string& prefix,
              const std::string& file) {
  flatten(table, prefix, [&](const std::string& path, const toml::key& key, const toml::node& node) {
    const Origin origin = at(key.source(), file);
    std::optional<Value> value = scalar(node);
    if (!value)
      throw InputError(path + (node.is_array()
                                   ? ": a list is possible only as an axis of a sweep"
                                   : ": dates and times are no values here; write text in quotes"),
                       origin);
    if (const Entry* earlier = configuration.find(path))
      throw InputError(path + " is set twice, also at " + to_text(earlier->origin), origin);
    configuration.set(path, std::move(*value), origin, file_layer);
  });
}

/// The four sections; [sweep] is left to the caller.
Configuration read_sections(const toml::table& table, const std::string& file) {
  Configuration result;
  for (const auto& [key, value] : table) {
    const std::string name(key.str());
    if (name == "sweep") continue;
    const Origin origin = at(key.source(), file);
    if (std::ranges::find(sections, name) == sections.end()) {
      std::vector<std::string> known(sections.begin(), sections.end());
      known.emplace_back("sweep");
      throw InputError("unknown section \"" + name + '"' + did_you_mean(name, known), origin);
    }
    if (!value.is_table())
      throw InputError(name + " is a section; write [" + name + "] and its keys below", origin);
    add_keys(result, *value.as_table(), name + '.', file);
  }
  return result;
}

bool is_structural(std::string_view path) {
  return path == "machine.base" || path == "kernel.base" || path == "scenario.name";
}

/// Whether the value of `path` is text whatever it looks like.
bool is_name(std::string_view path) {
  if (is_structural(path)) return true;
  const auto parameters = ParameterCatalogue::instance().parameters();
  return std::ranges::any_of(
      parameters, [&](const ParameterInfo& info) { return info.path == path && info.type == "name"; });
}

void apply(Configuration& configuration, const std::vector<Override>& overrides) {
  for (const Override& each : overrides)
    configuration.set(each.path, each.value, command_line, command_line_layer);
}

std::vector<Override> parse_overrides(const std::vector<std::string>& texts) {
  std::vector<Override> result;
  for (const std::string& text : texts)
    result.push_back(parse_override(text));
  return result;
}

std::int64_t seeds_of(const Value& value, const Origin& origin) {
  const auto* seeds = std::get_if<std::int64_t>(&value);
  if (!seeds) throw InputError("sweep.seeds: " + to_text(value) + " is not a whole number", origin);
  if (*seeds < 1)
    throw InputError("sweep.seeds: " + std::to_string(*seeds) + " is too small; at least 1 is needed",
                     origin);
  return *seeds;
}

Axis read_axis(const std::string& path, const toml::key& key, const toml::node& node,
               const std::string& file) {
  const Origin origin = at(key.source(), file);
  const toml::array* values = node.as_array();
  if (!values || values->empty())
    throw InputError("the axis " + path + " needs a list of values, like [1, 2, 4]", origin);
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

/// The axes in the order of the file, which toml++ does not keep.
std::vector<Axis> read_axes(const toml::key& key, const toml::node& node, const std::string& file) {
  if (!node.is_table())
    throw InputError("sweep.axes is a table, like { \"run.cpus\" = [1, 2, 4] }", at(key.source(), file));
  std::map<std::pair<int, int>, Axis> by_place;
  std::set<std::string> paths;
  flatten(*node.as_table(), "",
          [&](const std::string& path, const toml::key& axis_key, const toml::node& values) {
            const Origin origin = at(axis_key.source(), file);
            if (!paths.insert(path).second) throw InputError("the axis " + path + " stands twice", origin);
            by_place.emplace(std::pair(origin.line, origin.column), read_axis(path, axis_key, values, file));
          });
  std::vector<Axis> axes;
  for (auto& [place, axis] : by_place)
    axes.push_back(std::move(axis));
  return axes;
}

/// Each axis must be a parameter: of the chosen scenario, or of any if the scenario is an axis itself.
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

} // namespace

BaseFiles::BaseFiles(const fs::path& configuration_file) {
  if (!configuration_file.empty()) {
    fs::path folder = fs::absolute(configuration_file).lexically_normal().parent_path();
    for (;; folder = folder.parent_path()) {
      folders_.push_back(folder / "configs");
      if (folder == folder.parent_path()) break;
    }
  }
  if (const char* folder = std::getenv("MMSIM_CONFIGS"); folder && *folder) folders_.emplace_back(folder);
  folders_.emplace_back(fs::path(MMSIM_SOURCE_DIR) / "configs");
}

std::map<std::string, fs::path> BaseFiles::available(const std::string& section) const {
  std::map<std::string, fs::path> result;
  for (const fs::path& folder : folders_)
    result.merge(toml_files(folder / (section + 's')));
  return result;
}

const Configuration& BaseFiles::load(const std::string& section, const std::string& name,
                                     const Entry& chosen_by) const {
  const auto files = available(section);
  const auto found = files.find(name);
  if (found == files.end())
    throw InputError("unknown " + section + " base \"" + name + '"' + did_you_mean(name, names_of(files)),
                     chosen_by.origin);
  const std::string file = shown(found->second);
  if (const auto earlier = loaded_.find(file); earlier != loaded_.end()) return earlier->second;
  Configuration keys;
  add_keys(keys, parse_file(found->second, file), section + '.', file);
  return loaded_.emplace(file, std::move(keys)).first->second;
}

Configuration BaseFiles::resolve(const Configuration& written) const {
  Configuration result = written;
  for (const std::string section : {"machine", "kernel"}) {
    const std::string key = section + ".base";
    std::set<std::string> visited;
    unsigned layer = base_layer;
    for (const Entry* base = written.find(key); base; ++layer) {
      const auto* name = std::get_if<std::string>(&base->value);
      if (!name)
        throw InputError(key + ": " + to_text(base->value) + " is not a name in quotes", base->origin);
      if (!visited.insert(*name).second)
        throw InputError("the " + section + " base \"" + *name + "\" is based on itself", base->origin);
      const Configuration& keys = load(section, *name, *base);
      for (const auto& [path, entry] : keys.entries())
        if (!result.find(path)) result.set(path, entry.value, entry.origin, layer);
      base = keys.find(key);
    }
  }
  return result;
}

Override parse_override(const std::string& text) {
  const auto equals = text.find('=');
  const std::string usage = "\"" + text + "\" is not PATH=VALUE, like run.cpus=16";
  if (equals == std::string::npos) throw InputError(usage, command_line);
  const auto trimmed = [](std::string_view part) {
    const auto first = part.find_first_not_of(" \t");
    if (first == std::string_view::npos) return std::string();
    return std::string(part.substr(first, part.find_last_not_of(" \t") - first + 1));
  };
  Override result{trimmed(std::string_view(text).substr(0, equals)), {}};
  const std::string value = trimmed(std::string_view(text).substr(equals + 1));
  const auto dot = result.path.find('.');
  if (value.empty() || dot == std::string::npos || dot + 1 == result.path.size())
    throw InputError(usage, command_line);
  const std::string section = result.path.substr(0, dot);
  if (result.path != "sweep.seeds" && std::ranges::find(sections, section) == sections.end()) {
    const std::vector<std::string> known(sections.begin(), sections.end());
    throw InputError("unknown section \"" + section + "\" in " + result.path + did_you_mean(section, known),
                     command_line);
  }

  std::optional<Value> parsed;
  bool list = false;
  try {
    const toml::table table = toml::parse("value = " + value);
    if (table.size() == 1) {
      const toml::node& node = table.begin()->second;
      parsed = scalar(node);
      list = node.is_array();
    }
  } catch (const toml::parse_error&) { // then it is text without quotes
  }
  if (list)
    throw InputError(result.path + ": a list is possible only as an axis of a sweep file", command_line);
  // 5.10 is a kernel, not the number 5.1.
  if (!parsed || (is_name(result.path) && !std::holds_alternative<std::string>(*parsed)))
    parsed = Value(value);
  result.value = std::move(*parsed);
  return result;
}

Configuration load_configuration(const fs::path& file, const std::vector<std::string>& overrides) {
  Configuration written;
  if (!file.empty()) {
    const toml::table table = parse_file(file, file.native());
    if (const auto sweep = table.find("sweep"); sweep != table.end())
      throw InputError("a file with a [sweep] section is for mmsim sweep",
                       at(sweep->first.source(), file.native()));
    written = read_sections(table, file.native());
  }
  const std::vector<Override> parsed = parse_overrides(overrides);
  for (const Override& each : parsed)
    if (each.path == "sweep.seeds") throw InputError("sweep.seeds is for mmsim sweep", command_line);
  apply(written, parsed);
  Configuration result = BaseFiles(file).resolve(written);
  check_configuration(result);
  return result;
}

std::size_t SweepPlan::size() const {
  std::size_t result = 1;
  for (const Axis& axis : axes)
    result *= axis.values.size();
  return result;
}

std::vector<SweepPoint> SweepPlan::points() const {
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
               origin == command_line ? command_line_layer : file_layer);
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
  for (const auto& [key, node] : *section->second.as_table()) {
    const Origin origin = at(key.source(), name);
    if (key.str() == "axes") {
      plan.axes = read_axes(key, node, name);
    } else if (key.str() == "seeds") {
      const std::optional<Value> value = scalar(node);
      if (!value) throw InputError("sweep.seeds is not a whole number", origin);
      plan.seeds = seeds_of(*value, origin);
    } else {
      const std::vector<std::string> known{"sweep.axes", "sweep.seeds"};
      const std::string path = "sweep." + std::string(key.str());
      throw InputError("unknown key \"" + path + '"' + did_you_mean(path, known), origin);
    }
  }

  for (const Override& each : parse_overrides(overrides)) {
    if (each.path == "sweep.seeds") {
      plan.seeds = seeds_of(each.value, command_line);
    } else if (const auto axis = std::ranges::find(plan.axes, each.path, &Axis::path);
               axis != plan.axes.end()) {
      axis->values = {each.value};
      axis->origins = {command_line};
    } else {
      plan.written.set(each.path, each.value, command_line, command_line_layer);
    }
  }

  std::size_t points = 1;
  for (const Axis& axis : plan.axes) {
    points *= axis.values.size();
    if (points > most_points)
      throw InputError("the axes have more than " + std::to_string(most_points) + " points", axis.origin);
  }
  check_axes(plan.axes, plan.written);
  for (const SweepPoint& point : plan.points())
    check_configuration(plan.configuration(point));
  return plan;
}

} // namespace mmsim
