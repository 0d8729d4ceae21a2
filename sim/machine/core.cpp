#include "sim/machine/core.hpp"

#include "sim/machine/machine.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

// When a line's oldest request is granted: each core that asks brings the event for it.
class Core::Turn final : public Event {
 public:
  explicit Turn(Core& core) : Event(core.engine().queue()), core_(core) {}
  void at(CacheLine& line, Instant t) {
    line_ = &line;
    core_.engine().queue().post(*this, t);
  }
  void fire() override { line_->turn(core_); }

 private:
  Core& core_;
  CacheLine* line_ = nullptr;
};

Core::Core(Machine& machine, CoreId id)
    : machine_(machine), engine_(machine.engine()), costs_(machine.costs()), counters_(machine.counters()),
      topology_(machine.topology()), id_(id), place_(machine.topology().place(id)),
      turn_(std::make_unique<Turn>(*this)), tlb_(machine.costs().tlb) {}

Core::~Core() = default;

void Core::turn_at(CacheLine& line, Instant t) { turn_->at(line, t); }

// Nothing at all happens meanwhile: all segments in one step. Counts the same events as one by one.
inline bool Core::settle_undisturbed() {
  // The end and the ledger stand in locals, or they would be read again after each booking.
  const Segment* const end = segments_.data() + segment_count_;
  Duration total{};
  std::uint64_t advances = 0;
  for (const Segment* segment = segments_.data(); segment != end; ++segment) {
    total += segment->length;
    advances += segment->length.count() != 0;
  }
  Instant t = now();
  if (advances > 0 && !engine_.try_advance(t + total, advances)) return false;
  Ledger& ledger = *ledger_;
  for (const Segment* segment = segments_.data(); segment != end; ++segment)
    if (segment->length.count() != 0)
      ledger.book(in_interrupt_ ? Account::interrupt : segment->account, t += segment->length, segment->whom);
  segment_count_ = 0;
  return true;
}

void Core::settle_now() {
  if (pending_ == 0 && stall_.count() == 0 && settle_undisturbed()) return;
  settle_disturbed();
}

// The handler that an interrupt runs charges into segments_ too, so what is pending moves to this stack
// first.
void Core::settle_disturbed() {
  const std::array<Segment, 12> segments = segments_;
  const std::size_t count = std::exchange(segment_count_, 0);
  for (std::size_t i = 0; i < count; ++i)
    run(segments[i]);
  if (stall_.count() != 0 || deliverable()) run({Duration{}, Account::work, irqs_masked(), WaitId()});
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
    book(segment.account, segment.whom);
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
    taken_at_[static_cast<std::size_t>(irq)] = now();
    const WaitFor whom(*ledger_, machine_.wait_id(irq));
    if (Trace* trace = machine_.trace()) [[unlikely]]
      trace->handler_begins(id_.value(), std::uint8_t(irq), now());
    in_interrupt_ = true;
    charge(costs_.irq.entry, Account::interrupt);
    machine_.handler(irq).handle(*this);
    charge(costs_.irq.exit, Account::interrupt);
    settle();
    in_interrupt_ = false;
    if (Trace* trace = machine_.trace()) [[unlikely]]
      trace->handler_ends(id_.value(), now());
  }
}

void Core::raise(Irq irq) {
  const std::uint32_t bit = std::uint32_t{1} << static_cast<unsigned>(irq);
  if (pending_ & bit) {
    if (is_ipi(irq)) counters_.add(Counter::ipi_coalesced);
    return;
  }
  pending_ |= bit;
  arrived_at_[static_cast<std::size_t>(irq)] = now();
  if (parked_ == nullptr) return;
  if (spins_on_ != nullptr)
    spins_on_->spinners_->interrupt(*this);
  else
    engine_.wake(*parked_);
}

void Core::look_again() {
  if (spins_on_ != nullptr) spins_on_->spinners_->interrupt(*this);
}

void Core::wait_for_interrupt() {
  settle();
  if (pending_ == 0) {
    idle_ = true;
    while (pending_ == 0)
      park_interruptibly(nullptr);
    idle_ = false;
    book(Account::schedule);
    run({costs_.irq.idle_exit, Account::schedule, true,
         WaitId()}); // the core wakes first, then takes the interrupt
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

// Who takes a lock, or waits for another core, has said so; else it is the line itself.
inline WaitId Core::waits_for(CacheLine& line) const {
  const WaitId whom = ledger_->waits_for();
  return whom.known() ? whom : line.wait_id(machine_);
}

bool Core::access(CacheLine& line, LineAccess kind, Account account) {
  settle();
  const bool writes = kind != LineAccess::read;
  if (line.hits(*this, kind)) {
    // In the core's own cache: nobody else is asked, but a write keeps the line until it is done.
    const Duration cost =
        costs_.line.hit + (writes && kind != LineAccess::write ? costs_.line.atomic : Duration{});
    if (writes) line.busy_until_ = now() + cost;
    if (account == Account::coherence)
      charge(cost, Account::work);
    else
      charge(cost, account, waits_for(line));
    return true;
  }
  // A load or store that has gone out is not abandoned: interrupts wait until it is served.
  const bool done = line.access(*this, kind, request_);
  book(account, waits_for(line));
  if (writes && done && line.spinners_) line.spinners_->written();
  return done;
}

void Core::spin(CacheLine& line, Account account, const SpinCondition& condition, const Waitable* on) {
  access(line, LineAccess::read, account);
  bool met = condition.met();
  while (!met) {
    const Reread outcome = spin_once(line, account, condition, on != nullptr ? on : &line);
    if (outcome == Reread::no) {
      settle();
      rereads_ = true;
      access(line, LineAccess::read, account);
      rereads_ = false;
    }
    met = outcome == Reread::met || condition.met(); // after a read in vain too: see look_again()
  }
}

// Waits until the line was written, or for an interrupt. `no`: the caller must read the line himself.
Core::Reread Core::spin_once(CacheLine& line, Account account, const SpinCondition& condition,
                             const Waitable* on) {
  settle(); // whatever the look at the value cost
  // A write that was granted while this settled has taken the line away already; and a handler that ran may have
  // changed what is waited for, or brought the line back with another value.
  if (!line.held_by(*this)) return Reread::no;
  if (condition.met()) return Reread::met;
  if (!line.spinners_) line.spinners_ = std::make_unique<LineSpinners>(line, machine_);
  reread_ = Reread::no;
  spinner_ = &engine_.current();
  spins_on_ = &line;
  line.spinners_->join(*this, condition);
  if (irqs_masked())
    engine_.park(on); // only a write to the line ends the wait
  else
    park_interruptibly(on);
  line.spinners_->leave(*this);
  spins_on_ = nullptr;
  book(account, waits_for(line));
  const Reread outcome = reread_; // a handler may spin too
  if (outcome == Reread::no && deliverable()) settle();
  return outcome;
}

} // namespace mmsim
