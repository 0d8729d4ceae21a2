// One core: private work, shared lines, interrupts.
//
//   core.charge(costs.work.mmap, Account::work);  // private work only adds up
//   core.rmw(lock.line);                          // settles, then waits for the line: others can see this
//   core.irq_disable(); ... core.irq_enable();    // interrupts that come in between wait
//
// The rules that keep this honest (ARCHITECTURE.md, section 3):
// 1. Settle, then publish. Every access to a shared line settles first; whoever changes state that others
// read without
//    a line calls settle() himself and may check settled().
// 2. Private work may be charged in bulk; who changes what lock-free readers see bounds the bulk by a
// quantum.
// 3. irq_disable() and irq_enable() mark segments of the pending charge, so that an interrupt is taken at the
// first
//    unmasked instant, even one of zero length.
// 4. A stretch of user code is an AccessStream: it is advanced to every interrupt and every remote
// invalidation.
//
// Handlers run on the stack of whatever fiber the core runs, inside its settle loop, and are booked as
// `interrupt`. Everything here happens on the fiber that the core runs; raise(), stall() and catch_up() come
// from outside.
#pragma once

#include "sim/engine/engine.hpp"
#include "sim/machine/cache_line.hpp"
#include "sim/machine/cost_book.hpp"
#include "sim/machine/interrupt.hpp"
#include "sim/machine/line_spinners.hpp"
#include "sim/machine/tlb.hpp"
#include "sim/record/account.hpp"
#include "sim/record/counters.hpp"
#include "sim/record/ledger.hpp"

#include <array>
#include <cassert>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace mmsim {

class Machine;
class Topology;

/// User code that accesses memory while the core computes.
class AccessStream {
 public:
  virtual ~AccessStream() = default;
  /// User code goes on at `now`.
  virtual void resume(Instant now) = 0;
  /// Makes the accesses that fall before `now`. The core's translations are about to change, or time is up.
  virtual void advance_to(Instant now) = 0;
};

class Core {
 public:
  Core(Machine& machine, CoreId id);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  CoreId id() const { return id_; }
  PlaceId place() const { return place_; }
  Machine& machine() const { return machine_; }
  const Topology& topology() const { return topology_; }
  const CostBook& costs() const { return costs_; }
  Counters& counters() { return counters_; }
  Engine& engine() { return engine_; }
  Instant now() const { return engine_.now(); }
  Tlb& tlb() { return tlb_; }

  // --- private work

  /// Adds private work; it becomes time at the next settle().
  void charge(Duration cost, Account account) {
    assert(cost.count() >= 0);
    const bool masked = irqs_masked();
    const WaitId whom = in_interrupt_ || is_waiting(account) ? ledger_->waits_for() : WaitId();
    if (segment_count_ > 0) {
      Segment& last = segments_[segment_count_ - 1];
      if (last.account == account && last.masked == masked && last.whom == whom) {
        last.length += cost;
        return;
      }
      if (segment_count_ == segments_.size()) settle();
    }
    segments_[segment_count_++] = {cost, account, masked, whom};
  }
  /// The same, waiting for `whom` if the account is waiting. In a handler it is the interrupt's all the same.
  void charge(Duration cost, Account account, WaitId whom) {
    const WaitFor scope(*ledger_, in_interrupt_ ? ledger_->waits_for() : whom);
    charge(cost, account);
  }
  /// Turns the charges into simulated time, taking interrupts at every unmasked instant.
  void settle() {
    if (segment_count_ > 0 || deliverable() || stall_.count() != 0) settle_now();
  }
  bool settled() const { return segment_count_ == 0; }

  // --- shared lines: each settles, waits for the line and returns at the instant at which the access takes
  // effect

  void read(CacheLine& line, Account account = Account::coherence) {
    access(line, LineAccess::read, account);
  }
  void write(CacheLine& line, Account account = Account::coherence) {
    access(line, LineAccess::write, account);
  }
  /// Atomic read-modify-write.
  void rmw(CacheLine& line, Account account = Account::coherence) { access(line, LineAccess::rmw, account); }
  /// A store that depends on a load just made (STREX): false, and nothing stored, if another core's write has taken
  /// the copy away before this one's turn.
  bool write_conditional(CacheLine& line, Account account = Account::coherence) {
    return access(line, LineAccess::conditional, account);
  }
  /// Reads the line again after each write to it until `done()`; waits in between, taking interrupts if irqs
  /// are on. `done` looks at nothing but what stands on this line, also from outside while the core waits. `on` (or
  /// the line) is named in deadlock reports. Remote TLB maintenance does not disturb a core that waits here.
  template <class Done>
  void spin_until(CacheLine& line, Account account, Done&& done, const Waitable* on = nullptr) {
    spin(line, account, condition_of(done), on);
  }
  /// The same where `done` looks at other things too, of whose changes look_again() tells.
  template <class Done>
  void spin_watching(CacheLine& line, Account account, Done&& done, const Waitable* on = nullptr) {
    SpinCondition condition = condition_of(done);
    condition.looks_elsewhere = true;
    spin(line, account, condition, on);
  }
  /// The same until `word`, which stands on the line, has this value. No two spinners of a word wait for the same
  /// value.
  void spin_until_equal(CacheLine& line, Account account, const std::uint16_t& word, std::uint16_t value,
                        const Waitable* on = nullptr) {
    SpinCondition condition;
    condition.word = &word;
    condition.value = value;
    spin(line, account, condition, on);
  }

  /// Whoever spins here looks again, though its line was not written: something else that its condition looks at
  /// (spin_watching()) has changed. From outside.
  void look_again();

  // --- interrupts

  void irq_disable() {
    if (deliverable())
      charge(Duration{}, Account::work); // it came during an access: the instant before this is unmasked
    ++irq_off_;
  }
  void irq_enable() {
    assert(irq_off_ > 0);
    if (--irq_off_ == 0 && !in_interrupt_)
      charge(Duration{}, Account::work); // an unmasked instant, however short
  }
  bool irqs_masked() const { return irq_off_ > 0 || in_interrupt_; }
  bool in_interrupt() const { return in_interrupt_; }
  /// An interrupt has arrived here. From outside. An IPI that is pending already absorbs the new one.
  void raise(Irq irq);

  // --- preemption: the kernels modelled here give up a core only where they say so; the count is for checks

  void preempt_disable() { ++preempt_off_; }
  void preempt_enable() {
    assert(preempt_off_ > 0);
    --preempt_off_;
  }
  /// False with a spinlock held, in a seqlock's writer or an RCU reader: must not sleep here.
  bool preemptible() const { return preempt_off_ == 0; }

  // --- waiting

  /// Waits for interrupts with nothing to do; returns after at least one has been taken. Booked as
  /// `schedule`.
  void wait_for_interrupt();
  bool idle() const { return idle_; }

  // --- user code

  /// Lets user time pass until `t`, or until an interrupt was taken or nudge() came, whichever is first.
  /// Meanwhile `stream` (may be null) is the user code's accesses. Returns the user time that has passed.
  Duration user_sleep_until(Instant t, AccessStream* stream);
  /// Advances the stream to the present instant. From outside, before translations change under the core.
  void catch_up() {
    if (stream_ != nullptr) stream_->advance_to(now());
  }
  /// Ends the present user_sleep_until(), without an interrupt. From outside.
  void nudge() {
    if (stream_ != nullptr) engine_.wake(*parked_);
  }

  /// Takes `length` from the core without an interrupt, at the next chance, unless it waits anyway. From outside.
  void stall(Duration length) {
    if (!idle_ && spins_on_ == nullptr && !rereads_) stall_ += length;
  }

  // --- books

  /// Whose books the core's time goes to: the running task's.
  void set_ledger(Ledger* ledger) { ledger_ = ledger; }
  Ledger& ledger() { return *ledger_; }
  /// Everything since the last booking went to `account`, or to `interrupt` inside a handler.
  void book(Account account) { book(account, ledger_->waits_for()); }
  /// The same, waiting for `whom` if the account is waiting.
  void book(Account account, WaitId whom) {
    ledger_->book(in_interrupt_ ? Account::interrupt : account, now(), whom);
  }

  // --- how it answers others

  /// When the latest `irq` arrived that was not pending already, and when one was taken last. What stands between the
  /// two is what another core waits for while this one has irqs off or wakes up.
  Instant arrived_at(Irq irq) const { return arrived_at_[static_cast<std::size_t>(irq)]; }
  Instant taken_at(Irq irq) const { return taken_at_[static_cast<std::size_t>(irq)]; }

 private:
  friend class CacheLine;
  friend class LineSpinners;
  /// How a wait for a write to a line ended.
  enum class Reread : std::uint8_t { no, in_vain, met };
  class Turn;
  struct Segment {
    Duration length{};
    Account account{};
    bool masked = false;
    WaitId whom;
  };

  template <class Done>
  static SpinCondition condition_of(Done& done) {
    SpinCondition condition;
    condition.holds = [](void* look) { return static_cast<bool>((*static_cast<Done*>(look))()); };
    condition.state = const_cast<std::remove_const_t<Done>*>(&done);
    return condition;
  }
  bool deliverable() const { return pending_ != 0 && !irqs_masked(); }
  void settle_now();
  bool settle_undisturbed();
  [[gnu::noinline]] void settle_disturbed();
  void run(const Segment& segment);
  void take_interrupts();
  void sleep_until(Instant t);
  bool access(CacheLine& line, LineAccess kind, Account account);
  WaitId waits_for(CacheLine& line) const;
  void spin(CacheLine& line, Account account, const SpinCondition& condition, const Waitable* on);
  Reread spin_once(CacheLine& line, Account account, const SpinCondition& condition, const Waitable* on);
  void turn_at(CacheLine& line, Instant t);
  void park_interruptibly(const Waitable* on);

  Machine& machine_;
  Engine& engine_;
  const CostBook& costs_;
  Counters& counters_;
  const Topology& topology_;
  const CoreId id_;
  const PlaceId place_;
  Ledger nobodys_; // until somebody's is set
  Ledger* ledger_ = &nobodys_;
  std::array<Segment, 12> segments_{};
  std::size_t segment_count_ = 0;
  int irq_off_ = 0;
  int preempt_off_ = 0;
  bool in_interrupt_ = false;
  bool idle_ = false;
  std::uint32_t pending_ = 0; // one bit an Irq
  Fiber* parked_ =
      nullptr; // the fiber that an interrupt would wake; null while the core cannot be interrupted
  // A core has one request for a line under way, or spins on one.
  LineRequest request_;
  std::unique_ptr<Turn> turn_;
  Fiber* spinner_ = nullptr; // the fiber that a write to the line it spins on would wake
  CacheLine* spins_on_ = nullptr;
  std::int64_t spin_index_ = 0; // among the line's spinners
  Reread reread_ = Reread::no;
  std::array<Instant, irq_count> arrived_at_{}, taken_at_{};
  bool rereads_ = false; // a line that it spins on, by itself: this is part of waiting, as in a batch
  Duration stall_{};
  AccessStream* stream_ = nullptr;
  Tlb tlb_;
};

// Here, since it needs a whole Core: a look at a line that the core holds is part of every allocation's path.
inline bool CacheLine::held_by(const Core& core) const { return holders_.contains(core.place()); }

} // namespace mmsim
