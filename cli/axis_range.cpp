#include "cli/axis_range.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include <spdlog/fmt/fmt.h>

#include "sim/engine/units.hpp"

namespace mmsim {
namespace {

/// Four significant digits: more would only be longer to read.
double rounded(double value) {
  const std::string text = fmt::format("{:.4g}", value);
  double result = value;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

std::string unit_of(const std::string& text) {
  const auto unit = text.find_first_not_of("0123456789. \t");
  return unit == std::string::npos ? std::string() : text.substr(unit);
}

/// The largest power of two that divides both ends and is still fine between them: sizes that read well.
double granule_of(double from, double to) {
  const auto ends = std::uint64_t(from) | std::uint64_t(to);
  double granule = std::exp2(std::countr_zero(ends));
  while (granule > 1 && granule * 64 > (from > 0 ? std::min(from, to - from) : to))
    granule /= 2;
  return granule;
}

} // namespace

void AxisRange::fail(const std::string& message, const Origin& origin) const {
  throw InputError("the axis " + path_ + ": " + message, origin);
}

AxisRange::AxisRange(const ParameterInfo& parameter, const RangeText& text)
    : path_(parameter.path), logarithmic_(text.logarithmic) {
  constexpr std::array<std::pair<std::string_view, Kind>, 6> kinds{{{"duration", Kind::duration},
                                                                    {"size", Kind::size},
                                                                    {"frequency", Kind::frequency},
                                                                    {"integer", Kind::integer},
                                                                    {"number", Kind::number},
                                                                    {"rate", Kind::with_unit}}};
  const auto known =
      std::ranges::find(kinds, std::string_view(parameter.type), &decltype(kinds)::value_type::first);
  if (known == kinds.end())
    fail("a " + parameter.type + " has no range; write a list of values", text.from_origin);
  kind_ = known->second;

  const auto* from = std::get_if<std::string>(&text.from);
  const auto* to = std::get_if<std::string>(&text.to);
  if (from && to && (kind_ == Kind::with_unit || unit_of(*from) == "cycles" || unit_of(*to) == "cycles")) {
    kind_ = Kind::with_unit;
    unit_ = unit_of(*from);
    if (unit_of(*to) != unit_)
      fail("write both ends of the range in the same unit, not \"" + unit_ + "\" and \"" + unit_of(*to) + '"',
           text.to_origin);
  }
  from_ = number_of(text.from, text.from_origin);
  to_ = number_of(text.to, text.to_origin);
  if (!(from_ < to_))
    fail("the range from " + to_text(text.from) + " to " + to_text(text.to) +
             " is empty; from must be less than to",
         text.to_origin);
  if (logarithmic_ && !(from_ > 0))
    fail("a logarithmic range begins above 0, not at " + to_text(text.from), text.from_origin);
  if (kind_ == Kind::size) granule_ = granule_of(from_, to_);
}

double AxisRange::number_of(const Value& value, const Origin& origin) {
  const auto* text = std::get_if<std::string>(&value);
  const auto* whole = std::get_if<std::int64_t>(&value);
  const auto* real = std::get_if<double>(&value);
  if (kind_ == Kind::integer) {
    if (!whole) fail(to_text(value) + " is not a whole number", origin);
    if (std::abs(double(*whole)) > 0x1p53) fail(to_text(value) + " is too large for a range", origin);
    return double(*whole);
  }
  if (kind_ == Kind::number) {
    if (!whole && !(real && std::isfinite(*real))) fail(to_text(value) + " is not a number", origin);
    return whole ? double(*whole) : *real;
  }
  if (!text) fail(to_text(value) + " has no unit; write a quantity in quotes, like \"80 ns\"", origin);
  try {
    if (kind_ == Kind::duration) return double(parse_duration(*text).count());
    if (kind_ == Kind::size) return double(parse_bytes(*text).value());
    if (kind_ == Kind::frequency) return double(parse_frequency(*text).value());
  } catch (const std::invalid_argument& error) {
    fail(error.what(), origin);
  }
  if (unit_.empty()) fail(to_text(value) + " has no unit", origin);
  double number = 0;
  const auto end = std::from_chars(text->data(), text->data() + text->size(), number);
  if (end.ec != std::errc() || number < 0) fail(to_text(value) + " is not a quantity", origin);
  return number;
}

std::int64_t AxisRange::whole(double value) const {
  return std::clamp(std::int64_t(std::floor(value)), std::int64_t(from_), std::int64_t(to_));
}

Value AxisRange::at(double part) const {
  // Of whole numbers the last one has as much room as the others.
  const double to = kind_ == Kind::integer ? to_ + 1 : to_;
  const double exact = logarithmic_ ? from_ * std::pow(to / from_, part) : from_ + part * (to - from_);
  if (kind_ == Kind::integer) return Value(whole(exact));
  const double value = std::clamp(rounded(exact), from_, to_);
  switch (kind_) {
  case Kind::duration:
    return Value(to_text(Duration(std::llround(value))));
  case Kind::frequency:
    return Value(to_text(Hertz(std::uint64_t(std::llround(value)))));
  case Kind::size: {
    const double multiple = std::clamp(std::round(exact / granule_) * granule_, from_, to_);
    return Value(to_text(Bytes(std::uint64_t(multiple))));
  }
  case Kind::with_unit:
    return Value(fmt::format(
        "{} {}", value >= 1000 ? fmt::format("{:.0f}", value) : fmt::format("{:.4g}", value), unit_));
  default:
    return Value(value);
  }
}

std::vector<Value> AxisRange::all(std::size_t most) const {
  std::vector<Value> values;
  if (kind_ != Kind::integer || logarithmic_ || to_ - from_ + 1 > double(most)) return values;
  for (auto value = std::int64_t(from_); value <= std::int64_t(to_); ++value)
    values.emplace_back(value);
  return values;
}

} // namespace mmsim
