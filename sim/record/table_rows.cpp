#include "sim/record/table_rows.hpp"

#include <charconv>
#include <stdexcept>

#include "sim/record/csv_field.hpp"

namespace mmsim {

std::string three_decimals(Wide numerator, Wide denominator) {
  const Wide thousandths = (2000 * numerator + denominator) / (2 * denominator);
  const auto whole = std::uint64_t(thousandths / 1000);
  const std::string decimals = std::to_string(1000 + unsigned(thousandths % 1000)); // keeps leading zeros
  return std::to_string(whole) + "." + decimals.substr(1);
}

std::string three_decimals(double value) {
  char text[512]; // the longest double has 309 digits before the point
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, 3).ptr;
  return {text, end};
}

std::string mean_count(Wide sum, Wide divisor) {
  return sum % divisor == 0 ? std::to_string(std::uint64_t(sum / divisor)) : three_decimals(sum, divisor);
}

std::string nanoseconds_text(std::uint64_t picoseconds) { return three_decimals(Wide(picoseconds), 1000); }

std::string mean_ns(Duration total, std::uint64_t count) {
  return count ? three_decimals(Wide(total.count()), Wide(1000) * count) : "";
}

PointRows::PointRows(const ResultTables& all, const ResultTables::Point& of)
    : tables(all), point(of), merged(merge(of.seeds)), beginning_(std::to_string(of.point)) {
  if (point.axis_values.size() != tables.axes.size())
    throw std::invalid_argument("point " + std::to_string(point.point) + " has " +
                                std::to_string(point.axis_values.size()) + " axis values for " +
                                std::to_string(tables.axes.size()) + " axes");
  for (const std::string& value : point.axis_values)
    beginning_ += ',' + csv_field(value);
}

void PointRows::row(std::string& table, std::initializer_list<std::string> further_fields) const {
  table += beginning_;
  for (const std::string& text : further_fields) {
    table += ',';
    table += csv_field(text);
  }
  table += '\n';
}

std::string header_row(const ResultTables& tables, std::string_view further_columns) {
  std::string text = "point";
  for (const std::string& axis : tables.axes)
    text += ',' + csv_field(axis);
  text += ',';
  text += further_columns;
  text += '\n';
  return text;
}

} // namespace mmsim
