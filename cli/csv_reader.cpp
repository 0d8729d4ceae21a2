#include "cli/csv_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

namespace mmsim {
namespace {

/// The fields of the line at the front of `text`, which it takes off; nothing if the line does not end. A quoted
/// field may hold line breaks.
std::optional<std::vector<std::string>> take_line(std::string_view& text, int& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') ++line;
    if (quoted) {
      if (c == '"' && i + 1 < text.size() && text[i + 1] == '"')
        fields.back() += text[i++];
      else if (c == '"')
        quoted = false;
      else
        fields.back() += c;
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c == '\n') {
      text.remove_prefix(i + 1);
      return fields;
    } else {
      fields.back() += c;
    }
  }
  return std::nullopt;
}

/// Where a header differs from the one that a table has.
std::string difference(const std::vector<std::string>& found, const std::vector<std::string>& columns) {
  const auto [there, here] = std::ranges::mismatch(found, columns);
  const std::string place = "column " + std::to_string(there - found.begin() + 1);
  if (here == columns.end()) return place + " is \"" + there->substr(0, 40) + "\", where the table ends";
  if (there == found.end()) return "there is no column " + *here;
  return place + " is \"" + there->substr(0, 40) + "\", not " + *here;
}

} // namespace

std::optional<std::string> text_of_file(const std::filesystem::path& file, Defects& defects,
                                        const std::string& advice) {
  std::error_code error;
  const bool folder = std::filesystem::is_directory(file, error);
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (folder || !stream) {
    defects.add(file, 0, folder ? "is a directory" : std::strerror(errno), advice);
    return std::nullopt;
  }
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::optional<std::vector<std::string>> csv_header(const std::filesystem::path& file) {
  Defects not_here; // whoever reads the table says it
  const std::optional<std::string> contents = text_of_file(file, not_here);
  if (!contents) return std::nullopt;
  std::string_view text = *contents;
  int line = 1;
  return take_line(text, line);
}

CsvTable::CsvTable(const std::filesystem::path& file, const std::vector<std::string>& columns,
                   Defects& defects)
    : file_(file), columns_(columns), defects_(defects) {
  if (const std::optional<std::string> contents = text_of_file(file, defects)) read(*contents);
}

void CsvTable::read(std::string_view text) {
  if (text.empty()) return defects_.add(file_, 0, "is empty");
  int line = 1;
  const auto header = take_line(text, line);
  if (!header) return defects_.add(file_, 1, "the first line is cut off; the table is truncated");
  if (*header != columns_)
    return defects_.add(file_, 1, difference(*header, columns_) + "; the table is damaged");
  while (!text.empty()) {
    const int began = line;
    auto fields = take_line(text, line);
    if (!fields) return defects_.add(file_, began, "the last line is cut off; the table is truncated");
    if (fields->size() == columns_.size())
      rows_.push_back({began, std::move(*fields)});
    else
      defects_.add(file_, began,
                   std::to_string(fields->size()) + " fields where the header has " +
                       std::to_string(columns_.size()) + "; the table is damaged");
  }
}

std::uint64_t CsvTable::count(const CsvRow& row, std::size_t column) const {
  const std::string& text = row.fields[column];
  std::uint64_t value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size())
    refuse(columns_[column] + " is \"" + text.substr(0, 40) + "\", not a whole number");
  return value;
}

std::optional<double> CsvTable::number(const CsvRow& row, std::size_t column) const {
  const std::string& text = row.fields[column];
  if (text.empty()) return std::nullopt;
  double value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size() || !std::isfinite(value) || value < 0)
    refuse(columns_[column] + " is \"" + text.substr(0, 40) + "\", not a number");
  return value;
}

} // namespace mmsim
