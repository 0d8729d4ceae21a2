// Sequence counts: readers who take nothing, and start again if a writer was in meanwhile.
//
//   SeqLock lock(locks, "jiffies_lock");
//   lock.write_seqlock(core); ... lock.write_sequnlock(core);   // odd in between
//   std::uint32_t seq;
//   do {
//     seq = lock.read_seqbegin(core);                           // waits while it is odd
//     ...                                                       // look at what the writers write
//   } while (lock.read_seqretry(core, seq));
//
// Models include/linux/seqlock.h of 5.10: write_seqcount_begin() and write_seqcount_end() each make the count
// one larger, a store to its line; read_seqcount_begin() reads it until it is even, read_seqcount_retry()
// reads it again. A reader never writes, so that no writer ever waits for one. write_seqlock() is a spinlock
// around the writer (2.6.24 likewise); count and spinlock share a line, as they do in seqlock_t, so that
// writers who wait for each other disturb readers.
// - The raw_ forms ask for nothing: raw_write_seqcount_begin() may be preempted and may sleep with the count
//   odd, which is what fork does to write_protect_seq; raw_read_seqcount() returns what it finds, odd or even,
//   and never waits.
// - Who waits for an even count on the core whose own writer made it odd would wait for ever (an interrupt
//   that came in between, or a task after a raw writer has slept): a Violation says so.
//
// Left out: latches, counts that are tied to a lock by type (seqcount_spinlock_t), barriers' own costs; a raw
// writer that has slept and gone on on another core is still looked for on the one where it began.
#pragma once

#include "models/locks/spinlock.hpp"
#include "sim/engine/fiber.hpp"
#include "sim/machine/cache_line.hpp"
#include "sim/record/wait_names.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace mmsim {

class Core;

class SeqCount : public Waitable {
 public:
  /// `name` is a literal and outlives this. With `shared_line` the count stands on the line of the structure
  /// around it.
  SeqCount(SpinLocks& locks, const char* name, CacheLine* shared_line = nullptr)
      : SeqCount(locks, name, name, shared_line) {}
  /// Of class `class_name` for lockdep: beside a spinlock of that `name`.
  SeqCount(SpinLocks& locks, const char* name, const std::string& class_name, CacheLine* shared_line);
  /// For a count that is written in the raw form: nobody is told of it.
  explicit SeqCount(const char* name, CacheLine* shared_line = nullptr);
  SeqCount(const SeqCount&) = delete;
  SeqCount& operator=(const SeqCount&) = delete;

  /// The caller keeps other writers out; throws Violation if he has not, or if the core may be preempted.
  void write_seqcount_begin(Core& core);
  void write_seqcount_end(Core& core);
  /// The same from where the writer may be preempted or sleep.
  void raw_write_seqcount_begin(Core& core);
  void raw_write_seqcount_end(Core& core);

  /// Returns an even count once there is one. Throws Violation where that would never be.
  std::uint32_t read_seqcount_begin(Core& core);
  /// The count as it is.
  std::uint32_t raw_read_seqcount(Core& core);
  /// True if the count is no longer `since`: what was read meanwhile is worth nothing. Counted as `seq_retry`.
  bool read_seqcount_retry(Core& core, std::uint32_t since);

  /// A writer is in.
  bool odd() const { return (sequence_ & 1) != 0; }
  CacheLine& line() { return line_; }

  /// "write_protect_seq, being written by cpu 3".
  std::string describe() const override;

 private:
  void refuse_to_wait_for_own_writer(Core& core) const;
  WaitFor waiting(Core& core) const;

  std::unique_ptr<CacheLine> own_line_;
  CacheLine& line_;
  const char* name_;
  bool has_class_ = false;
  LockClassId lock_class_{};
  LockObserver* observer_ = nullptr;
  std::uint32_t sequence_ = 0;
  CoreId writer_{}; // where the last writer began; for reports and checks
};

class SeqLock {
 public:
  /// `class_name` is a literal and outlives this.
  SeqLock(SpinLocks& locks, const char* class_name, CacheLine* shared_line = nullptr);

  /// Preemption is off between these.
  void write_seqlock(Core& core);
  void write_sequnlock(Core& core);
  /// With interrupts off too: for what interrupt handlers read. The core counts nested calls.
  void write_seqlock_irqsave(Core& core);
  void write_sequnlock_irqrestore(Core& core);

  std::uint32_t read_seqbegin(Core& core) { return count_.read_seqcount_begin(core); }
  bool read_seqretry(Core& core, std::uint32_t since) { return count_.read_seqcount_retry(core, since); }

  const SeqCount& count() const { return count_; }

 private:
  SeqCount count_;
  std::unique_ptr<SpinLock> lock_;
};

} // namespace mmsim
