#include "cli/validation/case.hpp"

#include <array>

#include "cli/manifest.hpp"
#include "cli/toml_file.hpp"

namespace mmsim::validation {
namespace {

void lay_over(Configuration& below, const Configuration& above) {
  for (const auto& [path, entry] : above.entries())
    below.set(path, entry.value, entry.origin, entry.layer);
}

} // namespace

std::string_view name(Compare compare) {
  static constexpr std::array<std::string_view, 4> words{"absolute", "relative", "trend", "crossover"};
  return words.at(std::size_t(compare));
}

std::optional<double> number_of(const Value& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return double(*whole);
  if (const auto* number = std::get_if<double>(&value)) return *number;
  return std::nullopt;
}

bool same_x(const Value& a, const Value& b) {
  const auto left = number_of(a), right = number_of(b);
  return left && right ? *left == *right : a == b;
}

bool Case::given(const CasePoint& point) const {
  return point.calibrated || (base && same_x(point.x, *base));
}

Configuration Case::configuration(const CasePoint& point, bool of_against) const {
  Configuration written = model;
  if (of_against && against) lay_over(written, *against);
  lay_over(written, point.set);
  if (!axis.empty()) written.set(axis, point.x, point.origin, toml_file::layer_of_file);
  return base_files.resolve(written);
}

std::string Case::compared_unit() const {
  return base ? unit + ", as a part of that at " + x + " = " + table_text(*base) : unit;
}

} // namespace mmsim::validation
