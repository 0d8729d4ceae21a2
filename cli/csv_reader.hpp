// CSV as sim/record/tables.hpp writes it, read back strictly: what is wrong becomes a defect, what is whole stays.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/defects.hpp"

namespace mmsim {

struct CsvRow {
  int line; ///< from 1
  std::vector<std::string> fields;
};

class CsvTable {
 public:
  /// `columns` is the whole header. A file that is missing or not that table has no rows; a line that is cut off, or
  /// has more or fewer fields, is none. `defects` must outlive the table.
  CsvTable(const std::filesystem::path& file, const std::vector<std::string>& columns, Defects& defects);

  const std::filesystem::path& file() const { return file_; }
  const std::vector<CsvRow>& rows() const { return rows_; }

  /// Shows each row to `visit`, which may refuse it: a defect with its line.
  template <class Visit>
  void each_row(Visit&& visit) const {
    for (const CsvRow& row : rows_)
      try {
        visit(row);
      } catch (const Refused& refused) {
        defects_.add(file_, row.line, refused.reason);
      }
  }

  /// For visitors of each_row() only.
  const std::string& text(const CsvRow& row, std::size_t column) const { return row.fields[column]; }
  /// Refuses the row if it is no such number.
  std::uint64_t count(const CsvRow& row, std::size_t column) const;
  /// Nothing for an empty field. Refuses the row if it is neither empty nor a number from 0.
  std::optional<double> number(const CsvRow& row, std::size_t column) const;
  const std::string& column_name(std::size_t column) const { return columns_[column]; }
  [[noreturn]] void refuse(const std::string& reason) const { throw Refused{reason}; }

 private:
  struct Refused {
    std::string reason;
  };
  void read(std::string_view text);

  std::filesystem::path file_;
  std::vector<std::string> columns_;
  std::vector<CsvRow> rows_;
  Defects& defects_;
};

/// The fields of a table's first line; nothing if the file cannot be read or has no whole line.
std::optional<std::vector<std::string>> csv_header(const std::filesystem::path& file);

/// The whole file; nothing, with a defect, if it cannot be read.
std::optional<std::string> text_of_file(const std::filesystem::path& file, Defects& defects,
                                        const std::string& advice = run_again);

} // namespace mmsim
