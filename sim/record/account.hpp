#pragma once
// Where a task's time goes. The names are a contract (INTERFACES.md, "Accounts"): scripts read them in
// account.csv.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mmsim {

enum class Account : std::uint8_t {
  user,
  entry,
  work,
  coherence,
  lock_spin,
  lock_sleep,
  page_zero,
  page_copy,
  alloc,
  tlb_local,
  tlb_remote,
  interrupt,
  io,
  schedule,
};

inline constexpr std::size_t account_count = std::size_t(Account::schedule) + 1;

constexpr std::size_t index(Account account) { return std::size_t(account); }

/// The name in account.csv, e.g. "lock_spin".
std::string_view name(Account account);

/// One sentence for `mmsim list accounts`.
std::string_view help(Account account);

/// The account with that name, or nothing.
std::optional<Account> account_named(std::string_view name);

} // namespace mmsim
