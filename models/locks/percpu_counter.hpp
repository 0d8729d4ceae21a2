// The per-CPU counter: additions stay on the adding CPU's own line until they are worth taking a lock.
//
//   PercpuCounter counter(machine, locks, configuration, "vm_committed_as");
//   counter.add(core, +16);      // its own line; every `batch` the global count, under the lock
//   counter.read(core);          // the global count: off by up to batch - 1 for each CPU
//   counter.sum(core);           // exact, visits every CPU's line under the lock
//
// Models lib/percpu_counter.c. The global count and its lock share a line (struct percpu_counter); each CPU's
// s32 is on a line of its own (per-CPU areas). kernel.percpu_counter_batch chooses the version:
// - `online`, as 5.10: the batch is max(32, 2 * online CPUs); the lock is taken with irqs off, a CPU's part is
//   added to atomically and only what was moved is taken off it, so that interrupts may add too.
// - `nr_cpus`, as 2.6.24: FBC_BATCH from the CPUs that the kernel was compiled for (kernel.nr_cpus, at least the machine's);
//   spin_lock() leaves irqs on and a CPU's part is read, then written. An interrupt that adds to the same
//   counter in between is lost: in this version as here such counters were not for interrupts.
//
// Left out: hot-plugged CPUs, percpu_counter_compare(), initial values.
#pragma once

#include "models/locks/spinlock.hpp"
#include "sim/machine/machine.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace mmsim {

struct PercpuCounterParameters {
  std::string batch;
  std::int64_t nr_cpus;
  static void declare(Declaration& d, PercpuCounterParameters& p);
};
inline const DeclareParameters<PercpuCounterParameters> declared_percpu_counter_parameters;

class PercpuCounter {
 public:
  /// `class_name`, a literal, is the class of the lock. `batch` is for users that bring their own
  /// (percpu_counter_add_batch()).
  PercpuCounter(Machine& machine, SpinLocks& locks, const Configuration& configuration,
                const char* class_name, std::optional<std::int64_t> batch = {});

  /// percpu_counter_add().
  void add(Core& core, std::int64_t amount);
  /// percpu_counter_read(): approximate, reads one line.
  std::int64_t read(Core& core);
  /// percpu_counter_sum(): exact.
  std::int64_t sum(Core& core);

  std::int64_t batch() const { return batch_; }
  /// What all parts add up to at this instant. For checks: takes no time.
  std::int64_t exact_now() const;

 private:
  struct Part {
    CacheLine line{"a CPU's part of a percpu_counter"};
    std::int32_t count = 0;
  };
  void add_unsafe(Core& core, Part& part, std::int64_t amount);
  void lock(Core& core);
  void unlock(Core& core);

  const bool irq_safe_;
  const std::int64_t batch_;
  CacheLine line_;
  std::unique_ptr<SpinLock> lock_;
  std::int64_t count_ = 0;
  std::deque<Part> parts_; // by core
};

} // namespace mmsim
