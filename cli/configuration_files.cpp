#include "cli/configuration_files.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "cli/toml_file.hpp"
#include "sim/engine/nearest_name.hpp"
#include "sim/engine/parameter.hpp"

namespace mmsim {

using namespace toml_file;

namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_of(const std::map<std::string, fs::path>& files) {
  std::vector<std::string> result;
  for (const auto& [name, path] : files)
    result.push_back(name);
  return result;
}

/// Whether a base is given by its file, not by its name.
bool is_path(const std::string& base) {
  return base.find('/') != std::string::npos || base.ends_with(".toml");
}

/// The file of a base that is given by its path: relative to the folder of the file that says so, or, on the
/// command line, to the current folder.
fs::path file_of_path(const std::string& section, const std::string& base, const Entry& chosen_by) {
  const fs::path folder =
      chosen_by.origin == command_line ? fs::path() : fs::path(chosen_by.origin.file).parent_path();
  const fs::path file = folder / base;
  std::error_code error;
  if (!fs::is_regular_file(file, error))
    throw InputError("the " + section + " base \"" + base + "\" is no file" +
                         (fs::exists(file, error) ? "" : " (" + shown(file) + " does not exist)"),
                     chosen_by.origin);
  return file;
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
    configuration.set(each.path, each.value, command_line, layer_of_command_line);
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

fs::path BaseFiles::find(const std::string& section, const std::string& base, const Entry& chosen_by) const {
  if (is_path(base)) return file_of_path(section, base, chosen_by);
  const auto files = available(section);
  const auto found = files.find(base);
  if (found == files.end())
    throw InputError("unknown " + section + " base \"" + base + '"' + did_you_mean(base, names_of(files)),
                     chosen_by.origin);
  return found->second;
}

const Configuration& BaseFiles::load(const std::string& section, const fs::path& path) const {
  const std::string file = shown(path);
  if (const auto earlier = loaded_.find(file); earlier != loaded_.end()) return earlier->second;
  Configuration keys;
  add_keys(keys, parse_file(path, file), section + '.', file);
  return loaded_.emplace(file, std::move(keys)).first->second;
}

Configuration BaseFiles::resolve(const Configuration& written) const {
  Configuration result = written;
  for (const std::string section : {"machine", "kernel"}) {
    const std::string key = section + ".base";
    std::set<std::string> visited;
    unsigned layer = layer_of_base;
    for (const Entry* base = written.find(key); base; ++layer) {
      const auto* name = std::get_if<std::string>(&base->value);
      if (!name)
        throw InputError(key + ": " + to_text(base->value) + " is not a name in quotes", base->origin);
      const fs::path file = find(section, *name, *base);
      if (!visited.insert(shown(file)).second)
        throw InputError("the " + section + " base \"" + *name + "\" is based on itself", base->origin);
      const Configuration& keys = load(section, file);
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
  if (section == "sweep" && result.path != "sweep.axes") {
    const std::vector<std::string> known(sweep_keys.begin(), sweep_keys.end());
    if (std::ranges::find(known, result.path) == known.end())
      throw InputError("unknown key \"" + result.path + '"' + did_you_mean(result.path, known), command_line);
  } else if (std::ranges::find(sections, section) == sections.end()) {
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

std::vector<Override> parse_overrides(const std::vector<std::string>& texts) {
  std::vector<Override> result;
  for (const std::string& text : texts)
    result.push_back(parse_override(text));
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
    if (each.path.starts_with("sweep.")) throw InputError(each.path + " is for mmsim sweep", command_line);
  apply(written, parsed);
  Configuration result = BaseFiles(file).resolve(written);
  check_configuration(result);
  return result;
}

} // namespace mmsim
