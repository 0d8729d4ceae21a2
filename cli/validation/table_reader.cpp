#include "cli/validation/table_reader.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "cli/toml_file.hpp"
#include "sim/engine/nearest_name.hpp"

namespace mmsim::validation {
namespace {

bool blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

} // namespace

TableReader::TableReader(const toml::table& table, std::string where, std::string file,
                         std::initializer_list<std::string_view> known)
    : table_(table), where_(std::move(where)), file_(std::move(file)) {
  for (const auto& [key, value] : table_) {
    if (std::ranges::find(known, key.str()) != known.end()) continue;
    const std::vector<std::string> names(known.begin(), known.end());
    throw InputError("unknown key \"" + std::string(key.str()) + '"' +
                         (where_.empty() ? "" : " in " + where_) + did_you_mean(key.str(), names),
                     toml_file::at(key.source(), file_));
  }
}

std::string TableReader::called(std::string_view key) const {
  return where_.empty() ? std::string(key) : std::string(key) + " of " + where_;
}

Origin TableReader::origin(std::string_view key) const {
  for (const auto& [each, value] : table_)
    if (each.str() == key) return toml_file::at(each.source(), file_);
  if (where_.empty()) return {file_}; // the file itself has no line
  return toml_file::at(table_.source(), file_);
}

void TableReader::refuse(std::string_view key, const std::string& message) const {
  throw InputError(called(key) + message, origin(key));
}

std::optional<std::string> TableReader::text(std::string_view key) const {
  const toml::node* found = node(key);
  if (!found) return std::nullopt;
  if (const auto* text = found->as_string()) return text->get();
  refuse(key, " is no text; write it in quotes");
}

std::optional<double> TableReader::number(std::string_view key) const {
  const toml::node* found = node(key);
  if (!found) return std::nullopt;
  if (const auto* whole = found->as_integer()) return double(whole->get());
  if (const auto* number = found->as_floating_point(); number && std::isfinite(number->get()))
    return number->get();
  refuse(key, " is no finite number; write it without quotes and unit");
}

std::optional<std::int64_t> TableReader::whole(std::string_view key) const {
  const toml::node* found = node(key);
  if (!found) return std::nullopt;
  if (const auto* whole = found->as_integer()) return whole->get();
  refuse(key, " is no whole number; write it without quotes");
}

std::optional<bool> TableReader::flag(std::string_view key) const {
  const toml::node* found = node(key);
  if (!found) return std::nullopt;
  if (const auto* flag = found->as_boolean()) return flag->get();
  refuse(key, " is not a flag; write true or false without quotes");
}

std::vector<std::string> TableReader::texts(std::string_view key) const {
  const toml::node* found = node(key);
  if (!found) return {};
  const std::string advice = " is no list of texts, like [\"a\", \"b\"]";
  const toml::array* list = found->as_array();
  if (!list) refuse(key, advice);
  std::vector<std::string> result;
  for (const toml::node& each : *list) {
    const auto* text = each.as_string();
    if (!text) refuse(key, advice);
    result.push_back(text->get());
  }
  return result;
}

const toml::table* TableReader::table(std::string_view key) const {
  const toml::node* found = node(key);
  if (!found) return nullptr;
  if (const toml::table* table = found->as_table()) return table;
  refuse(key, " is no table; write { key = value, ... }, or [" + std::string(key) + "] and its keys below");
}

std::vector<const toml::table*> TableReader::tables(std::string_view key) const {
  const toml::node* found = node(key);
  if (!found) return {};
  const std::string advice = " is no list of tables, like [{ ... }, { ... }]";
  const toml::array* list = found->as_array();
  if (!list) refuse(key, advice);
  std::vector<const toml::table*> result;
  for (const toml::node& each : *list) {
    if (!each.is_table()) refuse(key, advice);
    result.push_back(each.as_table());
  }
  return result;
}

std::string TableReader::required_text(std::string_view key, std::string_view purpose) const {
  const std::optional<std::string> found = text(key);
  if (!found) refuse(key, " is missing: " + std::string(purpose));
  if (blank(*found)) refuse(key, " is empty: " + std::string(purpose));
  return *found;
}

std::optional<std::size_t> TableReader::choice(std::string_view key,
                                               std::initializer_list<const char*> words) const {
  const std::optional<std::string> found = text(key);
  if (!found) return std::nullopt;
  const std::vector<std::string> names(words.begin(), words.end());
  const auto place = std::ranges::find(names, *found);
  if (place != names.end()) return std::size_t(place - names.begin());
  std::string all;
  for (const std::string& each : names)
    all += (all.empty() ? "" : " ") + each;
  refuse(key, " is \"" + *found + "\", which is none of: " + all + did_you_mean(*found, names));
}

} // namespace mmsim::validation
