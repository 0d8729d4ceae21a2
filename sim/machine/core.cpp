#include "sim/machine/core.hpp"

#include "sim/machine/machine.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

std::string CacheLine::describe() const { return fmt::format("the cache line of {}", name_); }

Core::Core(Machine& machine, CoreId id)
    : machine_(machine), engine_(machine.engine()), costs_(machine.costs()), counters_(machine.counters()),
      id_(id), tlb_(machine.costs().tlb) {}

// Nothing at all happens meanwhile: all segments in one step. Counts the same events as one by one.
bool Core::settle_undisturbed() {
  Duration total{};
  std::uint64_t advances = 0;
  for (std::size_t i = 0; i < segment_count_; ++i) {
    total += segments_[i].length;
    advances += segments_[i].length.count() != 0;
  }
  Instant t = now();
  if (advances > 0 && !engine_.try_advance(t + total, advances)) return false;
  for (std::size_t i = 0; i < segment_count_; ++i)
    if (segments_[i].length.count() != 0)
      ledger_->book(in_interrupt_ ? Account::interrupt : segments_[i].account, t += segments_[i].length);
  segment_count_ = 0;
  return true;
}

// The handler that an interrupt runs charges into segments_ too, so what is pending moves to this stack
// first.
void Core::settle_now() {
  if (pending_ == 0 && stall_.count() == 0 && settle_undisturbed()) return;
  const std::array<Segment, 12> segments = segments_;
  const std::size_t count = std::exchange(segment_count_, 0);
  for (std::size_t i = 0; i < count; ++i)
    run(segments[i]);
  if (stall_.count() != 0 || deliverable()) run({Duration{}, Account::work, irqs_masked()});
}

void Core::run(const Segment& segment) {
  Duration left = segment.length;
  for (;;) {
    if (pending_ != 0 && !segment.masked && !in_interrupt_) take_interrupts();
    if (stall_.count() != 0) {
      // The translation hardware holds the core: nothing is taken and nothing else is done meanwhile.
      const Instant end = now() + std::exchange(stall_, Duration{});
      engine_.wait_until(end);
      book(Account::tlb_local);
      continue;
    }
    if (left.count() == 0) return;
    const Instant start = now();
    const Instant end = start + left;
    if (!engine_.try_advance(end)) {
      if (segment.masked)
        engine_.wait_until(end);
      else
        sleep_until(end);
    }
    left -= now() - start;
    book(segment.account);
  }
}

void Core::sleep_until(Instant t) {
  engine_.wake_at(engine_.current(), t);
  park_interruptibly(nullptr);
}

void Core::park_interruptibly(const Waitable* on) {
  parked_ = &engine_.current();
  engine_.park(on);
  parked_ = nullptr;
}

void Core::take_interrupts() {
  assert(segment_count_ == 0);
  while (pending_ != 0) {
    const auto irq = static_cast<Irq>(std::countr_zero(pending_));
    pending_ &= pending_ - 1;
    if (is_ipi(irq)) counters_.add(Counter::ipi_received);
    in_interrupt_ = true;
    charge(costs_.irq.entry, Account::interrupt);
    machine_.handler(irq).handle(*this);
    charge(costs_.irq.exit, Account::interrupt);
    settle();
    in_interrupt_ = false;
  }
}

void Core::raise(Irq irq) {
  const std::uint32_t bit = std::uint32_t{1} << static_cast<unsigned>(irq);
  if (pending_ & bit) {
    if (is_ipi(irq)) counters_.add(Counter::ipi_coalesced);
    return;
  }
  pending_ |= bit;
  if (parked_ != nullptr) engine_.wake(*parked_);
}

void Core::wait_for_interrupt() {
  settle();
  if (pending_ == 0) {
    idle_ = true;
    while (pending_ == 0)
      park_interruptibly(nullptr);
    idle_ = false;
    book(Account::schedule);
    run({costs_.irq.idle_exit, Account::schedule, true}); // the core wakes first, then takes the interrupt
  }
  settle();
}

Duration Core::user_sleep_until(Instant t, AccessStream* stream) {
  settle();
  const Instant start = now();
  if (stream != nullptr) stream->resume(start);
  if (t > start && !engine_.try_advance(t)) {
    stream_ = stream;
    sleep_until(t);
    stream_ = nullptr;
  }
  if (stream != nullptr) stream->advance_to(now());
  book(Account::user);
  const Duration passed = now() - start;
  settle();
  return passed;
}

void Core::access(CacheLine& line, Access kind, Account account) {
  settle();
  const bool writes = kind != Access::read;
  Duration cost = kind == Access::rmw ? costs_.line.atomic : Duration{};
  if (line.sharers_.contains(id_) && (!writes || line.state_ == CacheLine::State::exclusive)) {
    // In the core's own cache: nobody else is asked. A write that another core has asked for takes the line
    // away when it is asked for, and reads of other cores leave this copy in place.
    cost += costs_.line.hit;
    if (writes) line.busy_until_ = now() + cost;
    charge(cost, account == Account::coherence ? Account::work : account);
    return;
  }

  if (line.state_ == CacheLine::State::memory) {
    cost += costs_.line.dram;
  } else if (writes) {
    const Topology& topology = machine_.topology();
    cost += costs_.line.transfer +
            std::max(topology.latency(id_, line.lowest_), topology.latency(id_, line.highest_));
  } else {
    cost += costs_.line.transfer + machine_.topology().latency(id_, line.owner_);
  }
  const Instant served = std::max(now(), line.busy_until_) + cost;
  line.busy_until_ = served;
  if (writes) {
    line.state_ = CacheLine::State::exclusive;
    line.sharers_.clear();
    line.owner_ = line.lowest_ = line.highest_ = id_;
  } else if (line.state_ == CacheLine::State::memory) {
    line.state_ = CacheLine::State::exclusive; // and clean: the E of MESI
    line.owner_ = line.lowest_ = line.highest_ = id_;
  } else {
    line.state_ = CacheLine::State::shared;
    line.lowest_ = std::min(line.lowest_, id_);
    line.highest_ = std::max(line.highest_, id_);
  }
  line.sharers_.insert(id_);

  // A load or store that has gone out is not abandoned: interrupts wait until it is served.
  engine_.wait_until(served);
  book(account);
  if (writes)
    for (SpinHook& hook : line.spinners_) {
      auto& spinner = static_cast<Core&>(hook);
      engine_.wake(*spinner.spinner_);
    }
}

void Core::spin_once(CacheLine& line, Account account, const Waitable* on) {
  settle(); // whatever the look at the value cost
  // A write that was requested while this settled has taken the line away already.
  if (!line.sharers_.contains(id_)) return;
  line.spinners_.push_back(*this);
  spinner_ = &engine_.current();
  if (irqs_masked())
    engine_.park(on); // only a write to the line ends the wait
  else
    park_interruptibly(on);
  spinner_ = nullptr;
  SpinHook::unlink();
  book(account);
  if (deliverable()) settle();
}

} // namespace mmsim
