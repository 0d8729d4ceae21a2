#include "models/locks/seqcount.hpp"

#include "sim/machine/core.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

SeqCount::SeqCount(const char* name, CacheLine* shared_line)
    : own_line_(shared_line ? nullptr : std::make_unique<CacheLine>(name)),
      line_(shared_line ? *shared_line : *own_line_), name_(name) {}

// A raw count has no class: its line, or that of the structure around it, says for whom.
inline WaitFor SeqCount::waiting(Core& core) const {
  return {core.ledger(), has_class_ ? wait_for(lock_class_) : core.ledger().waits_for()};
}

SeqCount::SeqCount(SpinLocks& locks, const char* name, const std::string& class_name, CacheLine* shared_line)
    : SeqCount(name, shared_line) {
  lock_class_ = locks.counters().register_lock_class(class_name);
  has_class_ = true;
  observer_ = locks.observer();
}

void SeqCount::write_seqcount_begin(Core& core) {
  core.settle();
  if (observer_ != nullptr) observer_->write_begin(core, {this, lock_class_});
  if (core.preemptible() && !core.irqs_masked())
    throw Violation(
        fmt::format("cpu {} writes {} with preemption on: readers would wait for a writer that does not run",
                    core.id().value(), describe()));
  raw_write_seqcount_begin(core);
}

void SeqCount::write_seqcount_end(Core& core) {
  core.settle();
  if (observer_ != nullptr) observer_->write_end(core, {this, lock_class_});
  raw_write_seqcount_end(core);
}

void SeqCount::raw_write_seqcount_begin(Core& core) {
  const WaitFor whom = waiting(core);
  core.write(line_);
  if (odd()) throw Violation(fmt::format("cpu {} writes {}", core.id().value(), describe()));
  ++sequence_;
  writer_ = core.id();
}

void SeqCount::raw_write_seqcount_end(Core& core) {
  const WaitFor whom = waiting(core);
  core.write(line_);
  if (!odd()) throw Violation(fmt::format("cpu {} ends writing {}", core.id().value(), describe()));
  ++sequence_;
}

std::uint32_t SeqCount::raw_read_seqcount(Core& core) {
  const WaitFor whom = waiting(core);
  core.read(line_);
  return sequence_;
}

std::uint32_t SeqCount::read_seqcount_begin(Core& core) {
  core.settle();
  if (observer_ != nullptr) observer_->read_begin(core, {this, lock_class_});
  if (const std::uint32_t found = raw_read_seqcount(core); (found & 1) == 0) return found;
  refuse_to_wait_for_own_writer(core);
  const WaitFor whom = waiting(core);
  core.spin_until(
      line_, Account::lock_spin, [this] { return !odd(); }, this);
  return sequence_;
}

// Nothing else runs on this core while it spins, in a handler or in a kernel without preemption.
void SeqCount::refuse_to_wait_for_own_writer(Core& core) const {
  if (writer_ != core.id()) return;
  throw Violation(fmt::format("cpu {} reads {}, {}: it would wait for itself for ever", core.id().value(),
                              describe(),
                              core.in_interrupt() ? "in an interrupt that came while it was writing"
                                                  : "whose writer has left the core"));
}

bool SeqCount::read_seqcount_retry(Core& core, std::uint32_t since) {
  const WaitFor whom = waiting(core);
  core.read(line_);
  if (sequence_ == since) return false;
  core.counters().add(Counter::seq_retry);
  return true;
}

std::string SeqCount::describe() const {
  return odd() ? fmt::format("{}, being written by cpu {}", name_, writer_.value())
               : fmt::format("{}, written by nobody", name_);
}

SeqLock::SeqLock(SpinLocks& locks, const char* class_name, CacheLine* shared_line)
    : count_(locks, class_name, std::string(class_name) + ".seqcount", shared_line),
      lock_(locks.make(class_name, &count_.line())) {}

void SeqLock::write_seqlock(Core& core) {
  lock_->lock(core);
  count_.write_seqcount_begin(core);
}

void SeqLock::write_sequnlock(Core& core) {
  count_.write_seqcount_end(core);
  lock_->unlock(core);
}

void SeqLock::write_seqlock_irqsave(Core& core) {
  core.irq_disable();
  write_seqlock(core);
}

void SeqLock::write_sequnlock_irqrestore(Core& core) {
  write_sequnlock(core);
  core.irq_enable();
}

} // namespace mmsim
