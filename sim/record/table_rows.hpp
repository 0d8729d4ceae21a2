#pragma once
// How rows of result tables are written; for the files *_table.cpp only, a table each.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "sim/record/tables.hpp"

namespace mmsim {

// Sums of ps times 1000 need more than 64 bits. ISO C++ has no such type, hence the mark.
__extension__ typedef unsigned __int128 Wide;

/// numerator / denominator with three decimals, rounded half up.
std::string three_decimals(Wide numerator, Wide denominator);
std::string three_decimals(double value);
/// An integer if it is one, else three decimals.
std::string mean_count(Wide sum, Wide divisor);
std::string nanoseconds_text(std::uint64_t picoseconds);
/// Empty without operations.
std::string mean_ns(Duration total, std::uint64_t count);

/// A point on its way into the tables: its rows begin alike.
class PointRows {
 public:
  /// Merges the point's seeds. Throws std::invalid_argument, also if there is not a value for each axis.
  PointRows(const ResultTables& all, const ResultTables::Point& of);

  /// Appends a CSV row.
  void row(std::string& table, std::initializer_list<std::string> further_fields) const;

  const ResultTables& tables;
  const ResultTables::Point& point;
  const MergedPoint merged;

 private:
  std::string beginning_; // the point's number and its axis values
};

/// The header row of a CSV table.
std::string header_row(const ResultTables& tables, std::string_view further_columns);

// Each appends what its table says of one point.
void add_latencies(std::string& table, const PointRows& rows);
void add_histograms(std::string& table, const PointRows& rows);
void add_accounts(std::string& table, const PointRows& rows);
void add_waits(std::string& table, const PointRows& rows);
void add_stacks(std::string& text, const PointRows& rows);
void add_counters(std::string& table, const PointRows& rows);
void add_ipis(std::string& table, const PointRows& rows);
void add_runs(std::string& table, const PointRows& rows);

} // namespace mmsim
