#include "cli/growth.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "cli/readable.hpp"

namespace mmsim {
namespace {

constexpr double least_change = 0.05;
constexpr double least_part = 0.05; // of the change, for an account to be named
constexpr std::size_t most_accounts = 3;

} // namespace

std::string growth(const std::string& axis_path, const std::string& from_value,
                   const Findings::Operation& from, const std::string& to_value,
                   const Findings::Operation& to) {
  const double change = to.mean_ns - from.mean_ns;
  const double least = std::min(from.mean_ns, to.mean_ns), most = std::max(from.mean_ns, to.mean_ns);
  if (least <= 0 || most / least - 1 < least_change) return {};

  std::vector<std::pair<double, std::string>> parts; // of the change, the largest first
  for (const auto* operation : {&to, &from})
    for (const Findings::AccountTime& account : operation->accounts) {
      const double part = (to.in_account(account.account) - from.in_account(account.account)) / change;
      const bool listed =
          std::ranges::any_of(parts, [&](const auto& each) { return each.second == account.account; });
      if (!listed && part >= least_part) parts.emplace_back(part, account.account);
    }
  std::ranges::stable_sort(parts, std::ranges::greater{}, [](const auto& each) { return each.first; });
  if (parts.size() > most_accounts) parts.resize(most_accounts);

  const std::string name = axis_path.substr(axis_path.rfind('.') + 1);
  // "at 128 cpus" reads well for counts; a quantity has its unit already.
  const bool count = to_value.find_first_not_of("0123456789") == std::string::npos;
  std::string text = to.name + " at " + (count ? to_value + ' ' + name : name + ' ' + to_value) + " is " +
                     readable_ratio(most / least) + (change > 0 ? " slower" : " faster") + " than at " +
                     from_value;
  std::string separator = ": ";
  for (const auto& [part, account] : parts) {
    text += separator + (change > 0 ? '+' : '-') + readable_share(part) + ' ' + account;
    separator = ", ";
  }
  return text;
}

} // namespace mmsim
