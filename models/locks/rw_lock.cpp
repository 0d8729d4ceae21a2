#include "models/locks/rw_lock.hpp"

#include "sim/machine/machine.hpp"

#include <spdlog/fmt/fmt.h>
#include <utility>

namespace mmsim {

RwLock::RwLock(SpinLocks& locks, Machine& machine, const char* class_name, CacheLine* shared_line)
    : counters_(locks.counters()), own_line_(shared_line ? nullptr : std::make_unique<CacheLine>(class_name)),
      line_(shared_line ? *shared_line : *own_line_),
      wait_lock_(locks.make_raw("a qrwlock's wait_lock", &line_)), class_name_(class_name),
      lock_class_(counters_.register_lock_class(class_name)), observer_(locks.observer()),
      readers_(machine.cpus()) {}

RwLock::Reader& RwLock::reader_of(Core& core) { return readers_[core.id().value()][core.in_interrupt()]; }

void RwLock::read_lock(Core& core) {
  core.settle();
  // read_lock_is_recursive(): in an interrupt it does not queue behind writers who wait.
  const LockMode mode = core.in_interrupt() ? LockMode::recursive : LockMode::shared;
  if (observer_ != nullptr) observer_->acquiring(core, request(mode));
  refuse_to_wait_for_itself(core, false);
  core.preempt_disable();
  const Instant requested = core.now();
  const WaitFor whom(core.ledger(), wait_for(lock_class_));
  core.rmw(line_);
  word_ += reader;
  const bool contended = (word_ & writers) != 0;
  if (contended) read_lock_slowpath(core);
  reader_of(core) = {true, core.now()};
  ++readers_inside_;
  count_acquired(core, contended, requested);
  if (observer_ != nullptr) observer_->acquired(core, request(mode));
}

void RwLock::read_lock_slowpath(Core& core) {
  const auto no_writer_is_in = [&] { return (word_ & locked) == 0; };
  if (core.in_interrupt()) {
    core.spin_until(line_, Account::lock_spin, no_writer_is_in, this);
    return;
  }
  core.rmw(line_, Account::lock_spin);
  word_ -= reader;
  wait_lock_->lock(core);
  core.rmw(line_, Account::lock_spin);
  word_ += reader;
  core.spin_until(line_, Account::lock_spin, no_writer_is_in, this);
  wait_lock_->unlock(core);
}

void RwLock::read_unlock(Core& core) {
  if (observer_ != nullptr) observer_->releasing(core, request(LockMode::shared));
  Reader& self = reader_of(core);
  if (!self.inside) refuse(core, "has not what it gives back for reading");
  const WaitFor whom(core.ledger(), wait_for(lock_class_));
  core.rmw(line_);
  word_ -= reader;
  self.inside = false;
  --readers_inside_;
  counters_.lock_released(lock_class_, core.now() - self.since);
  core.preempt_enable();
}

void RwLock::write_lock(Core& core) {
  core.settle();
  if (observer_ != nullptr) observer_->acquiring(core, request(LockMode::exclusive));
  refuse_to_wait_for_itself(core, true);
  core.preempt_disable();
  const Instant requested = core.now();
  const WaitFor whom(core.ledger(), wait_for(lock_class_));
  core.rmw(line_);
  const bool contended = !become_writer(core, 0);
  if (contended) write_lock_slowpath(core);
  writing_since_ = core.now();
  count_acquired(core, contended, requested);
  if (observer_ != nullptr) observer_->acquired(core, request(LockMode::exclusive));
}

/// What the compare-and-swap does once the line is here.
bool RwLock::become_writer(Core& core, std::uint32_t expected) {
  if (word_ != expected) return false;
  word_ = locked;
  writer_ = core.id();
  return true;
}

void RwLock::write_lock_slowpath(Core& core) {
  wait_lock_->lock(core);
  if (!try_again(core)) {
    core.rmw(line_, Account::lock_spin);
    word_ += waiting;
    do {
      core.spin_until(
          line_, Account::lock_spin, [&] { return word_ == waiting; }, this);
      core.rmw(line_, Account::lock_spin);
    } while (!become_writer(core, waiting));
  }
  wait_lock_->unlock(core);
}

/// Whoever was inside may have left while this one queued.
bool RwLock::try_again(Core& core) {
  core.read(line_, Account::lock_spin);
  if (word_ != 0) return false;
  core.rmw(line_, Account::lock_spin);
  return become_writer(core, 0);
}

void RwLock::write_unlock(Core& core) {
  if (observer_ != nullptr) observer_->releasing(core, request(LockMode::exclusive));
  if (writer_ != core.id()) refuse(core, "has not what it gives back for writing");
  const WaitFor whom(core.ledger(), wait_for(lock_class_));
  core.write(line_);
  word_ &= ~locked;
  writer_ = nobody;
  counters_.lock_released(lock_class_, core.now() - writing_since_);
  core.preempt_enable();
}

void RwLock::read_lock_irqsave(Core& core) {
  core.irq_disable();
  read_lock(core);
}

void RwLock::read_unlock_irqrestore(Core& core) {
  read_unlock(core);
  core.irq_enable();
}

void RwLock::write_lock_irqsave(Core& core) {
  core.irq_disable();
  write_lock(core);
}

void RwLock::write_unlock_irqrestore(Core& core) {
  write_unlock(core);
  core.irq_enable();
}

void RwLock::count_acquired(Core& core, bool contended, Instant requested) {
  counters_.lock_acquired(lock_class_, contended, core.now() - requested,
                          std::exchange(last_holder_, core.id()) != core.id());
}

void RwLock::refuse_to_wait_for_itself(Core& core, bool writes) const {
  const auto& [task, handler] = readers_[core.id().value()];
  const bool reads_here = core.in_interrupt() ? handler.inside : task.inside;
  if (writer_ == core.id() || reads_here || (writes && task.inside)) refuse(core, "would wait for itself");
}

void RwLock::refuse(Core& core, const char* what) const {
  throw Violation(fmt::format("cpu {} and {}: it {}", core.id().value(), describe(), what));
}

std::string RwLock::describe() const {
  std::string holders;
  for (std::size_t i = 0; i < readers_.size(); ++i)
    for (const Reader& one : readers_[i])
      if (one.inside) holders += fmt::format("{} cpu {}", holders.empty() ? "" : " and", i);
  const std::string held = held_for_writing() ? fmt::format("held for writing by cpu {}", writer_.value())
                           : !holders.empty() ? "held for reading by" + holders
                                              : "held by nobody";
  return fmt::format("{}, {}{}", class_name_, held, (word_ & waiting) != 0 ? ", a writer waits" : "");
}

} // namespace mmsim
