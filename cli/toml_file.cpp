#include "cli/toml_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "sim/engine/nearest_name.hpp"

namespace mmsim::toml_file {

namespace fs = std::filesystem;

Origin at(const toml::source_region& region, const std::string& file) {
  return {file, static_cast<int>(region.begin.line), static_cast<int>(region.begin.column)};
}

std::string shown(const fs::path& path) {
  std::error_code error;
  const fs::path relative = fs::proximate(path, error);
  return error || relative.empty() || relative.native().starts_with("..") ? path.native() : relative.native();
}

std::map<std::string, fs::path> toml_files(const fs::path& folder) {
  std::map<std::string, fs::path> result;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == ".toml") result.emplace(entry.path().stem().native(), entry.path());
  return result;
}

namespace {

toml::table parse_text(const std::string& text, const std::string& file) {
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    throw InputError(std::string(error.description()), at(error.source(), file));
  }
}

} // namespace

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

void flatten(const toml::table& table, const std::string& prefix, const Leaf& leaf) {
  for (const auto& [key, value] : table) {
    const std::string path = prefix + std::string(key.str());
    if (const toml::table* nested = value.as_table())
      flatten(*nested, path + '.', leaf);
    else
      leaf(path, key, value);
  }
}

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
    configuration.set(path, std::move(*value), origin, layer_of_file);
  });
}

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

} // namespace mmsim::toml_file
