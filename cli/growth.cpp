#include "cli/growth.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "cli/readable.hpp"
#include "cli/time_parts.hpp"

namespace mmsim {
namespace {

constexpr double least_change = 0.05;
constexpr double least_part = 0.05; // of the change, to be named
constexpr std::size_t most_parts = 3;

using NamedTimes = std::vector<std::pair<std::string, double>>;

NamedTimes times_of(const Findings::Operation& operation, bool for_whom) {
  NamedTimes times;
  const auto add = [&](const std::string& name, double time) {
    const auto known = std::ranges::find(times, name, &NamedTimes::value_type::first);
    if (known == times.end())
      times.emplace_back(name, time);
    else
      known->second += time;
  };
  if (for_whom)
    for (const TimePart& part : parts_of(operation))
      add(name_with_way(part), part.mean_ns);
  else
    for (const Findings::AccountTime& account : operation.accounts)
      add(account.account, account.mean_ns);
  return times;
}

/// ": +71 % waiting for remote cores: handlers, +18 % mmap_lock"; empty if neither knows its accounts.
std::string largest_parts(const Findings::Operation& from, const Findings::Operation& to) {
  const double change = to.mean_ns - from.mean_ns;
  if (from.accounts.empty() || to.accounts.empty()) return {};
  const bool for_whom = says_for_whom(from) && says_for_whom(to);
  NamedTimes parts = times_of(to, for_whom);
  for (const auto& [name, time] : times_of(from, for_whom)) {
    const auto known = std::ranges::find(parts, name, &NamedTimes::value_type::first);
    if (known == parts.end())
      parts.emplace_back(name, -time);
    else
      known->second -= time;
  }
  // Of what came in addition, if it grew: what shrank meanwhile is no part of that.
  double all = 0;
  for (const auto& [name, time] : parts)
    all += std::max(change > 0 ? time : -time, 0.0);
  for (auto& [name, time] : parts)
    time /= change > 0 ? all : -all;
  std::erase_if(parts, [](const auto& part) { return part.second < least_part; });
  std::ranges::stable_sort(parts, std::ranges::greater{}, &NamedTimes::value_type::second);
  if (parts.size() > most_parts) parts.resize(most_parts);

  std::string text, separator = ": ";
  for (const auto& [name, part] : parts) {
    text += separator + (change > 0 ? '+' : '-') + readable_share(part) + ' ' + name;
    separator = ", ";
  }
  return text;
}

/// "9.1x slower"; empty if nearly the same.
std::string ratio(const Findings::Operation& from, const Findings::Operation& to) {
  const double least = std::min(from.mean_ns, to.mean_ns), most = std::max(from.mean_ns, to.mean_ns);
  if (least <= 0 || most / least - 1 < least_change) return {};
  return readable_ratio(most / least) + (to.mean_ns > from.mean_ns ? " slower" : " faster");
}

} // namespace

std::string at_value(const std::string& axis_path, const std::string& value) {
  const std::string name = axis_path.substr(axis_path.rfind('.') + 1);
  // "at 128 cpus" reads well for counts; a quantity has its unit already.
  const bool count = value.find_first_not_of("0123456789") == std::string::npos;
  return "at " + (count ? value + ' ' + name : name + ' ' + value);
}

std::string growth(const std::string& axis_path, const std::string& from_value,
                   const Findings::Operation& from, const std::string& to_value,
                   const Findings::Operation& to) {
  const std::string how_much = ratio(from, to);
  if (how_much.empty()) return {};
  return to.name + ' ' + at_value(axis_path, to_value) + " is " + how_much + " than at " + from_value +
         largest_parts(from, to);
}

std::string comparison(const std::string& name, const Findings::Operation& operation,
                       const std::string& other_name, const Findings::Operation& other) {
  if (operation.mean_ns > other.mean_ns) return comparison(other_name, other, name, operation);
  const std::string how_much = ratio(other, operation);
  if (how_much.empty()) return {};
  return name + " is " + how_much + " than " + other_name + largest_parts(other, operation);
}

} // namespace mmsim
