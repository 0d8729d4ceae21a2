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
//
// Of accounts that are waiting it also keeps for whom, while an operation is open (wait_log.hpp), and it tells an
// observer of every booking, if it has one. Neither costs more than a look at a word otherwise.

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "sim/engine/time.hpp"
#include "sim/record/account.hpp"
#include "sim/record/wait.hpp"
#include "sim/record/wait_log.hpp"

namespace mmsim {

using AccountTotals = std::array<Duration, account_count>;

class Ledger;

/// Sees every booking, e.g. to draw it. Must not change anything.
class LedgerObserver {
 public:
  virtual ~LedgerObserver() = default;
  /// The time from `from` until `until`, which is not 0, went to `account`; waiting, if it is, for `whom`.
  virtual void booked(const Ledger& ledger, Account account, WaitId whom, Instant from, Instant until) = 0;
};

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

  /// The time from the last booking until `until` went to `account`, waiting for whom waits_for() says. Throws
  /// std::logic_error if time goes back.
  void book(Account account, Instant until) { book(account, until, waits_for_); }
  /// The same, waiting for `whom` if the account is waiting.
  void book(Account account, Instant until, WaitId whom) {
    const Instant from = books_.booked_until;
    if (until < from) [[unlikely]]
      time_goes_back(account, until);
    books_.totals[index(account)] += until - from;
    books_.booked_until = until;
    if (watched_ & mask_of(account)) note(account, whom, from, until);
  }

  /// For whom the task waits, when it does: see WaitFor.
  WaitId waits_for() const { return waits_for_; }
  void set_waits_for(WaitId whom) { waits_for_ = whom; }

  /// An operation of this task begins: from now on its waits are kept. close() ends it.
  WaitLog::Mark open() {
    watched_ |= waiting_mask;
    return waits_.open();
  }
  /// The same for an operation that may turn out to have begun here: WaitLog::open_instead_of().
  WaitLog::Mark open_instead_of(WaitLog::Mark guess) {
    watched_ |= waiting_mask;
    return waits_.open_instead_of(guess);
  }
  void close(WaitLog::Mark mark) {
    waits_.close(mark);
    watch();
  }
  /// The operation that began last was given up.
  void close_latest() {
    waits_.close_latest();
    watch();
  }
  WaitLog& waits() { return waits_; }

  /// Null: nobody.
  void set_observer(LedgerObserver* observer) {
    observer_ = observer;
    watch();
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

  void watch() {
    watched_ = observer_ != nullptr ? std::uint16_t(-1) : waits_.is_open() ? waiting_mask : std::uint16_t(0);
  }
  void note(Account account, WaitId whom, Instant from, Instant until) {
    if (from == until) return;
    if (waits_.is_open() && is_waiting(account)) waits_.add(account, whom, until - from);
    if (observer_ != nullptr) [[unlikely]]
      observer_->booked(*this, account, whom, from, until);
  }

  Snapshot books_;
  std::uint16_t watched_ = 0; // accounts of whose bookings somebody must be told
  WaitId waits_for_;
  LedgerObserver* observer_ = nullptr;
  WaitLog waits_;
};

inline WaitFor::WaitFor(Ledger& ledger, WaitId whom) : ledger_(ledger), outer_(ledger.waits_for()) {
  ledger.set_waits_for(whom);
}
inline WaitFor::~WaitFor() { ledger_.set_waits_for(outer_); }

} // namespace mmsim
