#include "models/locks/spinlock.hpp"

#include "models/locks/lockdep.hpp"
#include "sim/machine/machine.hpp"

#include <spdlog/fmt/fmt.h>
#include <utility>

namespace mmsim {

SpinLock::SpinLock(const Identity& identity)
    : own_line_(identity.shared_line ? nullptr : std::make_unique<CacheLine>(identity.class_name)),
      line_(identity.shared_line ? *identity.shared_line : *own_line_), class_name_(identity.class_name),
      lock_class_(identity.lock_class), observer_(identity.observer), counted_(identity.counted) {}

// A lock that another one is made of is waited for in the other's name.
inline WaitFor SpinLock::waiting(Core& core) const {
  return {core.ledger(), counted_ ? wait_for(lock_class_) : core.ledger().waits_for()};
}

void SpinLock::lock_nested(Core& core, unsigned subclass) {
  // Earlier work is no waiting: the request is made when it is done.
  core.settle();
  if (observer_ != nullptr) observer_->acquiring(core, {this, lock_class_, subclass});
  if (held_by(core.id()))
    throw Violation(fmt::format("cpu {} takes {}: it would wait for itself", core.id().value(), describe()));
  core.preempt_disable();
  const Instant requested = core.now();
  const bool contended = [&] {
    const WaitFor whom = waiting(core);
    return acquire(core);
  }();
  holder_ = core.id();
  acquired_at_ = core.now();
  if (counted_)
    core.counters().lock_acquired(lock_class_, contended, acquired_at_ - requested,
                                  std::exchange(last_holder_, core.id()) != core.id());
  if (observer_ != nullptr) observer_->acquired(core, {this, lock_class_, subclass});
}

bool SpinLock::trylock(Core& core) {
  core.settle();
  core.preempt_disable();
  const WaitFor whom = waiting(core);
  if (!try_acquire(core)) {
    core.preempt_enable();
    return false;
  }
  holder_ = core.id();
  acquired_at_ = core.now();
  if (counted_)
    core.counters().lock_acquired(lock_class_, false, Duration{},
                                  std::exchange(last_holder_, core.id()) != core.id());
  if (observer_ != nullptr) observer_->acquired(core, {this, lock_class_, 0, LockMode::exclusive, true});
  return true;
}

void SpinLock::unlock(Core& core) {
  if (observer_ != nullptr) observer_->releasing(core, {this, lock_class_});
  if (!held_by(core.id())) throw Violation(fmt::format("cpu {} releases {}", core.id().value(), describe()));
  {
    const WaitFor whom = waiting(core);
    release(core);
  }
  holder_ = nobody;
  if (counted_) core.counters().lock_released(lock_class_, core.now() - acquired_at_);
  core.preempt_enable();
}

void SpinLock::lock_irqsave(Core& core) {
  core.irq_disable();
  lock(core);
}

void SpinLock::unlock_irqrestore(Core& core) {
  unlock(core);
  core.irq_enable();
}

std::string SpinLock::describe() const {
  return held() ? fmt::format("{}, held by cpu {}", class_name_, holder_.value())
                : fmt::format("{}, held by nobody", class_name_);
}

SpinLocks::SpinLocks(Machine& machine, const Configuration& configuration) : counters_(machine.counters()) {
  const auto chosen = read_parameters<SpinLockParameters>(configuration);
  maker_ = Registry<SpinLock>::instance().create(chosen.implementation, machine);
  if (read_parameters<LockdepParameters>(configuration).on) observer_ = std::make_unique<Lockdep>(machine);
}

SpinLocks::~SpinLocks() = default;

std::unique_ptr<SpinLock> SpinLocks::make(const char* class_name, CacheLine* shared_line) {
  return maker_({class_name, counters_.register_lock_class(class_name), shared_line, observer_.get()});
}

std::unique_ptr<SpinLock> SpinLocks::make_raw(const char* name, CacheLine* shared_line) {
  return maker_({name, {}, shared_line, nullptr, false});
}

} // namespace mmsim
