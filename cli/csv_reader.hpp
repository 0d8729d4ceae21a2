// CSV as sim/record/tables.hpp writes it, read back strictly.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mmsim {

struct CsvRow {
  int line; ///< from 1
  std::vector<std::string> fields;
};

class CsvTable {
 public:
  /// `columns` is the whole header. Throws InputError with the line if the file is missing, truncated or not
  /// that table.
  CsvTable(const std::filesystem::path& file, const std::vector<std::string>& columns);

  const std::vector<CsvRow>& rows() const { return rows_; }
  const std::string& text(const CsvRow& row, std::size_t column) const { return row.fields[column]; }
  /// Throws InputError if it is no such number.
  std::uint64_t count(const CsvRow& row, std::size_t column) const;
  /// Nothing for an empty field. Throws InputError if it is neither empty nor a number from 0.
  std::optional<double> number(const CsvRow& row, std::size_t column) const;
  /// An InputError's worth of trouble in a row.
  [[noreturn]] void refuse(const CsvRow& row, const std::string& reason) const;

 private:
  std::string file_;
  std::vector<std::string> columns_;
  std::vector<CsvRow> rows_;
};

/// The whole file. Throws InputError.
std::string text_of_file(const std::filesystem::path& file, const std::string& advice);

/// What to do about a damaged result directory.
inline constexpr const char* run_again =
    "; run the same mmsim run or mmsim sweep command again (finished runs are kept)";

} // namespace mmsim
