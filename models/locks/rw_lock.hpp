// The queued rwlock: many readers or one writer, who spin while they wait. tasklist_lock is one.
//
//   RwLock lock(locks, machine, "tasklist_lock");
//   lock.read_lock(core);  ... lock.read_unlock(core);            // one atomic add each
//   lock.write_lock_irqsave(core); ... lock.write_unlock_irqrestore(core);
//
// Models kernel/locking/qrwlock.c and asm-generic/qrwlock.h of 5.10, which arm64 has used since 4.14. One
// word counts readers in its upper bits and says below whether a writer is in or waits:
// - read_lock adds a reader. If a writer is in or waits, queued_read_lock_slowpath(): the reader is taken off
//   again, queues for wait_lock, is added, waits until no writer is in and hands wait_lock on. In an interrupt
//   the reader stays added and waits only until no writer is in: writers that wait let it pass.
// - write_lock turns 0 into locked by a compare-and-swap. If that fails, queued_write_lock_slowpath(): queues
//   for wait_lock, tries again, announces itself (new readers now queue), waits until nobody is left inside,
//   turns waiting into locked and hands wait_lock on.
// - read_unlock subtracts a reader, write_unlock stores 0 in the byte that says locked.
// Word and wait_lock share a cache line, as they do in struct qrwlock. wait_lock is an arch_spinlock_t,
// of the kind that kernel.spinlock says: with a fair one readers and writers that queue are served in the
// order in which they came. Neither lockdep nor lock statistics know it.
//
// Left out: trylock forms, the rwlock of 2.6.24 (a word that readers and writers fight for, unfair), bottom
// halves (an interrupt is a handler here).
#pragma once

#include "models/locks/spinlock.hpp"
#include "sim/engine/fiber.hpp"
#include "sim/engine/time.hpp"
#include "sim/machine/cache_line.hpp"
#include "sim/record/counters.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mmsim {

class Core;
class Machine;

class RwLock : public Waitable {
 public:
  /// `class_name` is a literal and outlives this. With `shared_line` the lock stands on the line of the
  /// structure around it.
  RwLock(SpinLocks& locks, Machine& machine, const char* class_name, CacheLine* shared_line = nullptr);
  RwLock(const RwLock&) = delete;
  RwLock& operator=(const RwLock&) = delete;

  /// Each throws Violation if the core would wait for itself: a reader may read again only in an interrupt,
  /// since a writer that comes in between would let nobody else in. Unlocking throws if the core has not what
  /// it gives back.
  void read_lock(Core& core);
  void read_unlock(Core& core);
  void write_lock(Core& core);
  void write_unlock(Core& core);
  /// With interrupts off from before the request until after the release. The core counts nested calls.
  void read_lock_irqsave(Core& core);
  void read_unlock_irqrestore(Core& core);
  void write_lock_irqsave(Core& core);
  void write_unlock_irqrestore(Core& core);

  /// Who is inside.
  std::uint32_t readers() const { return readers_inside_; }
  bool held_for_writing() const { return writer_ != nobody; }

  /// "tasklist_lock, held for reading by cpu 1 and cpu 4, a writer waits".
  std::string describe() const override;

 private:
  static constexpr CoreId nobody{UINT32_MAX};
  // The word, as in asm-generic/qrwlock.h.
  static constexpr std::uint32_t locked = 0x0ff, waiting = 0x100, writers = 0x1ff, reader = 0x200;

  struct Reader {
    bool inside = false;
    Instant since{};
  };
  Reader& reader_of(Core& core);
  void read_lock_slowpath(Core& core);
  void write_lock_slowpath(Core& core);
  bool try_again(Core& core);
  bool become_writer(Core& core, std::uint32_t expected);
  LockRequest request(LockMode mode) const { return {this, lock_class_, 0, mode}; }
  void count_acquired(Core& core, bool contended, Instant requested);
  void refuse_to_wait_for_itself(Core& core, bool writes) const;
  [[noreturn]] void refuse(Core& core, const char* what) const;

  Counters& counters_;
  std::unique_ptr<CacheLine> own_line_;
  CacheLine& line_;
  std::unique_ptr<SpinLock> wait_lock_;
  const char* class_name_;
  LockClassId lock_class_;
  LockObserver* const observer_;
  std::uint32_t word_ = 0;
  // Not in the kernel's structure: who is inside, for checks, reports and hold times.
  std::vector<std::array<Reader, 2>> readers_; // by core: its task, its interrupt handler
  std::uint32_t readers_inside_ = 0;
  CoreId writer_ = nobody, last_holder_ = nobody;
  Instant writing_since_{};
};

} // namespace mmsim
