#pragma once
// For whom a task waits. Accounts say what kind of waiting it was; this says whose fault.
//
//   WaitFor whom(core.ledger(), WaitId(WaitKind::lock, lock_class));  // until the end of the scope
//   core.spin_until(line, Account::lock_spin, ...);                   // booked as waiting for that lock class
//
// The names of kinds are columns of wait.csv; README.md lists them.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sim/record/account.hpp"

namespace mmsim {

enum class WaitKind : std::uint8_t {
  other,     ///< nobody has said
  lock,      ///< a lock class, by its holders and its line
  line,      ///< a cache line that other cores hold
  ipi,       ///< our interrupt is on its way to that core
  irqs_off,  ///< that core has its interrupts off, or wakes from idle
  handler,   ///< that core's handler runs until it has answered
  broadcast, ///< every core completes a broadcast invalidation
  interrupt, ///< handlers on the own core
  device,    ///< a disk or a swap device
  run_queue, ///< runnable: other tasks have the core
  scheduler, ///< the scheduler itself, as it wakes, chooses and switches
  sleep,     ///< an event, e.g. the end of a child
};
inline constexpr std::size_t wait_kind_count = std::size_t(WaitKind::sleep) + 1;

/// The word in wait.csv, e.g. "irqs_off".
std::string_view name(WaitKind kind);
/// One sentence for `mmsim list waits`.
std::string_view help(WaitKind kind);
std::optional<WaitKind> wait_kind_named(std::string_view name);

/// Accounts of which wait.csv says for whom.
inline constexpr std::array waiting_accounts{Account::coherence,  Account::lock_spin, Account::lock_sleep,
                                             Account::tlb_remote, Account::interrupt, Account::io,
                                             Account::schedule};
constexpr std::uint16_t mask_of(Account account) { return std::uint16_t(1u << index(account)); }
constexpr std::uint16_t waiting_mask = [] {
  std::uint16_t mask = 0;
  for (const Account account : waiting_accounts)
    mask = std::uint16_t(mask | mask_of(account));
  return mask;
}();
constexpr bool is_waiting(Account account) { return (waiting_mask & mask_of(account)) != 0; }

/// Whom: a kind and a number, whose meaning depends on the kind (a LockClassId, a core, an Irq, a WaitNames entry).
class WaitId {
 public:
  static constexpr std::uint32_t numbers = 4096;
  constexpr WaitId() = default;
  /// Numbers of 4096 and more are one: the last.
  constexpr WaitId(WaitKind kind, std::uint32_t number)
      : value_(std::uint16_t((std::uint32_t(kind) << 12) | (number < numbers ? number : numbers - 1))) {}
  constexpr WaitKind kind() const { return WaitKind(value_ >> 12); }
  constexpr std::uint32_t number() const { return value_ & (numbers - 1); }
  /// Dense enough for a table: below 65536.
  constexpr std::uint16_t value() const { return value_; }
  static constexpr WaitId of_value(std::uint16_t value) {
    WaitId id;
    id.value_ = value;
    return id;
  }
  constexpr bool known() const { return value_ != 0; }
  bool operator==(const WaitId&) const = default;

 private:
  std::uint16_t value_ = 0;
};

/// For a task that is runnable and has no core.
inline constexpr WaitId run_queue{WaitKind::run_queue, 0};
/// For a task that wakes another, chooses one, or is being switched to or from.
inline constexpr WaitId scheduler_work{WaitKind::scheduler, 0};

class Ledger;

/// The task whose ledger this is waits for `whom` until the end of the scope. Scopes nest; the innermost counts.
class WaitFor {
 public:
  WaitFor(Ledger& ledger, WaitId whom);
  ~WaitFor();
  WaitFor(const WaitFor&) = delete;
  WaitFor& operator=(const WaitFor&) = delete;

 private:
  Ledger& ledger_;
  WaitId outer_;
};

} // namespace mmsim
