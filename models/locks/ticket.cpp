// The ticket lock: first come, first served, and everybody watches one word.
//
// Models arch_spin_lock and arch_spin_unlock of arch/arm64/include/asm/spinlock.h up to 4.18 with the LSE
// atomics (ldadda of `next`; wfe and ldaxrh of `owner`; staddlh of `owner`). 32-bit Arm has had the same lock
// since 3.6.
//
// Left out: WFE wakes for any event; here a waiter reads `owner` again when its line was written, by a
// release or by a new ticket. The barriers cost nothing of their own.
#include "models/locks/spinlock.hpp"
#include "sim/machine/core.hpp"

#include <cstdint>

namespace mmsim {
namespace {

class TicketLock final : public SpinLock {
 public:
  using SpinLock::SpinLock;

 private:
  bool acquire(Core& core) override {
    core.rmw(line());
    const std::uint16_t ticket = next_++;
    if (ticket == owner_) return false;
    core.spin_until_equal(line(), Account::lock_spin, owner_, ticket, this);
    return true;
  }

  bool try_acquire(Core& core) override { // arch_spin_trylock()
    core.rmw(line());
    if (owner_ != next_) return false;
    ++next_;
    return true;
  }

  void release(Core& core) override {
    core.write(line());
    ++owner_;
  }

  std::uint16_t owner_ = 0, next_ = 0; // they wrap around
};

const Registered<SpinLock> registered{
    "ticket", "fetch-and-add of a ticket, all spin on the owner's (Arm 3.6, arm64 to 4.18); FIFO",
    [](Machine&) -> SpinLock::Maker {
      return [](const SpinLock::Identity& identity) { return std::make_unique<TicketLock>(identity); };
    }};

} // namespace
} // namespace mmsim
