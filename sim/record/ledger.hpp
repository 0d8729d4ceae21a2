#pragma once
// The time account of one task.
//
//   Ledger ledger(now);
//   ...                                              // 80 ns of exception entry
//   ledger.book(Account::entry, now);                // everything since the last booking was `entry`
//
// A ledger is told *until when* time went to an account, never how much: each picosecond since reset() is in
// exactly one account, so totals sum to booked_until() - reset time by construction. There is no way to book
// a length.

#include <array>
#include <stdexcept>
#include <string>

#include "sim/engine/time.hpp"
#include "sim/record/account.hpp"

namespace mmsim {

using AccountTotals = std::array<Duration, account_count>;

class Ledger {
 public:
  /// A copy of the books, to be subtracted from later ones.
  struct Snapshot {
    Instant booked_until{};
    AccountTotals totals{};
  };

  Ledger() = default;
  explicit Ledger(Instant now) : books_{now, {}} {}

  /// Empties all accounts; booking starts at `now`.
  void reset(Instant now) { books_ = {now, {}}; }

  /// The time from the last booking until `until` went to `account`. Throws std::logic_error if time goes
  /// back.
  void book(Account account, Instant until) {
    if (until < books_.booked_until) [[unlikely]]
      time_goes_back(account, until);
    books_.totals[index(account)] += until - books_.booked_until;
    books_.booked_until = until;
  }

  Instant booked_until() const { return books_.booked_until; }
  Duration total(Account account) const { return books_.totals[index(account)]; }
  const AccountTotals& totals() const { return books_.totals; }
  const Snapshot& snapshot() const { return books_; }

 private:
  // Out of line, and alive in release builds: a wrong account is worse than a branch that is never taken.
  [[noreturn, gnu::cold, gnu::noinline]] void time_goes_back(Account account, Instant until) const {
    throw std::logic_error("ledger: booking " + std::string(name(account)) + " until " +
                           std::to_string(until.time_since_epoch().count()) +
                           " ps, but time is booked until " +
                           std::to_string(books_.booked_until.time_since_epoch().count()) + " ps");
  }

  Snapshot books_;
};

} // namespace mmsim
