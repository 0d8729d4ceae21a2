// The keys of one TOML table with their types, every error with its place.
//
//   const TableReader reader(table, "[quantity]", file, {"value", "operation", "scale"});   // no other keys
//   const std::string value = reader.required_text("value", "what is taken from a run");
//   const double scale = reader.number("scale").value_or(1);
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "sim/engine/configuration.hpp"

namespace mmsim::validation {

class TableReader {
 public:
  /// `where` is how messages call the table, e.g. "[quantity]"; empty for the file itself. Throws InputError
  /// for a key that is not one of `known`. The table must outlive this.
  TableReader(const toml::table& table, std::string where, std::string file,
              std::initializer_list<std::string_view> known);

  bool has(std::string_view key) const { return table_.contains(key); }
  /// Of the key; of the table if it has none such.
  Origin origin(std::string_view key) const;
  /// Null if there is no such key.
  const toml::node* node(std::string_view key) const { return table_.get(key); }

  // Each is nothing if there is no such key, and throws InputError if its value is of another type.
  std::optional<std::string> text(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;
  std::optional<std::int64_t> whole(std::string_view key) const;
  std::optional<bool> flag(std::string_view key) const;
  std::vector<std::string> texts(std::string_view key) const; ///< empty without the key
  const toml::table* table(std::string_view key) const;       ///< null without the key
  /// The tables of a list, e.g. `points`; empty without the key.
  std::vector<const toml::table*> tables(std::string_view key) const;

  /// Throws InputError if the key is missing or its text empty; `purpose` says what it is.
  std::string required_text(std::string_view key, std::string_view purpose) const;
  /// The place in `words` of the text. Throws InputError, with the nearest word, if it is none of them.
  std::optional<std::size_t> choice(std::string_view key, std::initializer_list<const char*> words) const;

  /// Throws InputError at the key, or at the table.
  [[noreturn]] void refuse(std::string_view key, const std::string& message) const;

 private:
  std::string called(std::string_view key) const;

  const toml::table& table_;
  std::string where_, file_;
};

} // namespace mmsim::validation
