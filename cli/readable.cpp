#include "cli/readable.hpp"

#include <array>
#include <cmath>
#include <utility>

#include <spdlog/fmt/fmt.h>

namespace mmsim {
namespace {

/// Three significant digits of a number from 0 up to 999.
std::string three_digits(double number) {
  return fmt::format("{:.{}f}", number, number < 9.995 ? 2 : number < 99.95 ? 1 : 0);
}

} // namespace

std::string readable_nanoseconds(double nanoseconds) {
  if (nanoseconds == 0) return "0 ns";
  constexpr std::array<std::pair<double, const char*>, 5> units{
      {{1e-3, "ps"}, {1, "ns"}, {1e3, "us"}, {1e6, "ms"}, {1e9, "s"}}};
  for (const auto& [size, unit] : units)
    if (nanoseconds < 999.5 * size || size == units.back().first)
      return three_digits(nanoseconds / size) + ' ' + unit;
  return {};
}

std::string readable_seconds(double seconds) {
  if (seconds < 99.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string readable_count(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::ptrdiff_t i = std::ptrdiff_t(text.size()) - 3; i > 0; i -= 3)
    text.insert(std::size_t(i), 1, ' ');
  return text;
}

std::string readable_rate(double per_second) {
  constexpr std::array<std::pair<double, const char*>, 4> units{
      {{1, ""}, {1e3, " k"}, {1e6, " M"}, {1e9, " G"}}};
  for (const auto& [size, unit] : units)
    if (per_second < 999.5 * size || size == units.back().first)
      return (size == 1 && per_second == std::floor(per_second) ? fmt::format("{:.0f}", per_second)
                                                                : three_digits(per_second / size)) +
             unit;
  return {};
}

std::string readable_share(double share) {
  if (!std::isfinite(share)) return "-"; // of nothing
  const double percent = 100 * share;
  if (percent > 0 && percent < 0.5) return "<1 %";
  return fmt::format("{:.0f} %", percent);
}

std::string readable_ratio(double ratio) {
  return fmt::format("{:.{}f}x", ratio, ratio < 1.095 ? 2 : ratio < 99.5 ? 1 : 0);
}

std::string plural(std::size_t count, const std::string& what) {
  return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

} // namespace mmsim
