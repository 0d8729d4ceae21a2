// How many pages all processes together have been promised: vm_committed_as.
//
//   VmCommittedAs committed(machine, locks, configuration, true, totalram_pages);
//   committed.vm_acct_memory(core, +16);
//   if (committed.read(core) < limit) ...
//
// Models, chosen by kernel.vm_committed_as:
// - `percpu_counter`: vm_acct_memory() of include/linux/mman.h, 5.10: a percpu_counter with the batch of
//   mm_compute_batch() (mm/mm_init.c), which depends on memory, CPUs and overcommit policy: a quarter of each
//   CPU's share of memory, or 1/256 of it where the limit must hold (policy 2), but at least max(32, 2 * CPUs).
//   Every batch a CPU takes the counter's lock (class vm_committed_as).
// - `committed_space`: vm_acct_memory() of mm/swap.c, 2.6.24: what a CPU keeps for itself is added to
//   vm_committed_space, atomically and without a lock, once it is over ACCT_THRESHOLD = max(16, 2 * NR_CPUS), where
//   NR_CPUS is kernel.nr_cpus, at least the machine's.
//
// Left out: the change of the batch at run time (overcommit_policy_handler(), memory hotplug).
#pragma once

#include "models/locks/percpu_counter.hpp"

#include <optional>
#include <vector>

namespace mmsim {

class VmCommittedAs {
 public:
  /// `strict`: the policy is OVERCOMMIT_NEVER.
  VmCommittedAs(Machine& machine, SpinLocks& locks, const Configuration& configuration, bool strict,
                std::uint64_t totalram_pages);

  /// vm_acct_memory(); vm_unacct_memory() with a negative number.
  void vm_acct_memory(Core& core, std::int64_t pages);
  /// The global count, not below 0, without what CPUs keep for themselves.
  std::int64_t read(Core& core);

  /// What a CPU keeps for itself before it goes to the global count.
  std::int64_t batch() const { return batch_; }
  /// What it all adds up to. For checks: takes no time.
  std::int64_t exact_now() const;

 private:
  const bool percpu_counter_;
  const std::int64_t batch_;
  std::optional<PercpuCounter> counter_;
  // 2.6.24. Only its own CPU looks at a committed_space, so it needs no line.
  CacheLine line_{"vm_committed_space"};
  std::int64_t vm_committed_space_ = 0;
  std::vector<std::int64_t> committed_space_; // by core
};

} // namespace mmsim
