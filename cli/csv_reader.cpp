#include "cli/csv_reader.hpp"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>

#include "sim/engine/configuration.hpp"

namespace mmsim {
namespace {

/// The fields of the line at the front of `text`, which it takes off. A quoted field may hold line breaks.
std::vector<std::string> take_line(std::string_view& text, const std::string& file, int& line) {
  std::vector<std::string> fields(1);
  const int began = line;
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
  throw InputError(std::string("the last line is cut off; the table is truncated") + run_again,
                   {file, began, 1});
}

std::string joined(const std::vector<std::string>& names) {
  std::string result;
  for (const std::string& name : names)
    result.append(result.empty() ? "" : ",").append(name);
  return result;
}

} // namespace

std::string text_of_file(const std::filesystem::path& file, const std::string& advice) {
  std::error_code error;
  const bool folder = std::filesystem::is_directory(file, error);
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (folder || !stream)
    throw InputError((folder ? std::string("is a directory") : std::string(std::strerror(errno))) + advice,
                     {file.native()});
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

CsvTable::CsvTable(const std::filesystem::path& file, const std::vector<std::string>& columns)
    : file_(file.native()), columns_(columns) {
  const std::string contents = text_of_file(file, run_again);
  if (contents.empty()) throw InputError(std::string("is empty") + run_again, {file_});
  std::string_view text = contents;
  int line = 1;
  const std::vector<std::string> header = take_line(text, file_, line);
  if (header != columns)
    throw InputError("the columns are " + joined(header) + ", not " + joined(columns) + run_again,
                     {file_, 1, 1});
  while (!text.empty()) {
    const int began = line;
    rows_.push_back({began, take_line(text, file_, line)});
    if (rows_.back().fields.size() != columns.size())
      refuse(rows_.back(), std::to_string(rows_.back().fields.size()) + " fields where the header has " +
                               std::to_string(columns.size()));
  }
}

std::uint64_t CsvTable::count(const CsvRow& row, std::size_t column) const {
  const std::string& text = row.fields[column];
  std::uint64_t value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size())
    refuse(row, columns_[column] + " is \"" + text.substr(0, 40) + "\", not a whole number");
  return value;
}

std::optional<double> CsvTable::number(const CsvRow& row, std::size_t column) const {
  const std::string& text = row.fields[column];
  if (text.empty()) return std::nullopt;
  double value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size() || !std::isfinite(value) || value < 0)
    refuse(row, columns_[column] + " is \"" + text.substr(0, 40) + "\", not a number");
  return value;
}

void CsvTable::refuse(const CsvRow& row, const std::string& reason) const {
  throw InputError(reason + "; the table is damaged" + run_again, {file_, row.line, 1});
}

} // namespace mmsim
