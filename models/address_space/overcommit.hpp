// Overcommit: whether a process may be promised more memory.
//
//   if (!overcommit.vm_enough_memory(core, mm, 16)) return map_failed;   // counted as promised, or ENOMEM
//   overcommit.vm_unacct_memory(core, 16);                               // the area is gone
//
// Models __vm_enough_memory() of mm/util.c (5.10) and mm/mmap.c (2.6.24), for a process without
// CAP_SYS_ADMIN: the pages are counted first and taken off again if the answer is no. vm.overcommit_memory is
// kernel.overcommit_memory:
// - 0, guess: 5.10 refuses only what is more than all memory and swap (since 5.2); 2.6.24 what is more than
//   what it could have: the page cache, free swap, reclaimable slab, and the free pages above the reserves
//   (kernel.overcommit_guess), as vm_stat[] counts them.
// - 1, always.
// - 2, never more than the limit: overcommit_ratio percent of memory, and all swap, less a reserve for root and for other
//   processes than a big one (kernel.overcommit_reserve: 2.6.24 by shares, 5.10 by admin_reserve_kbytes and
//   user_reserve_kbytes, computed from the memory that is free at boot). The count may lag by a batch a CPU.
//
// Left out: huge pages, vm.overcommit_kbytes.
#pragma once

#include "models/address_space/mm_struct.hpp"
#include "models/address_space/vm_committed_as.hpp"
#include "models/pages/page_allocator.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace mmsim {

struct OvercommitParameters {
  std::int64_t memory, ratio;
  std::string guess, reserve;
  static void declare(Declaration& d, OvercommitParameters& p);
};
inline const DeclareParameters<OvercommitParameters> declared_overcommit_parameters;

class Overcommit {
 public:
  Overcommit(Machine& machine, SpinLocks& locks, PageAllocator& pages, const Configuration& configuration);

  /// There is swap: total_swap_pages, and nr_swap_pages as it is when asked. Before the machine runs.
  void connect(std::uint64_t total_swap_pages, std::function<std::uint64_t()> nr_swap_pages) {
    total_swap_pages_ = total_swap_pages;
    nr_swap_pages_ = std::move(nr_swap_pages);
  }

  /// security_vm_enough_memory(): promises `pages` more, or says no and counts nothing.
  [[nodiscard]] bool vm_enough_memory(Core& core, const MmStruct& mm, std::uint64_t pages);
  /// They are no longer promised.
  void vm_unacct_memory(Core& core, std::uint64_t pages) {
    committed_.vm_acct_memory(core, -static_cast<std::int64_t>(pages));
  }

  /// sysctl_overcommit_memory is OVERCOMMIT_NEVER.
  bool never() const { return parameters_.memory == 2; }
  const VmCommittedAs& committed() const { return committed_; }
  /// CommitLimit of /proc/meminfo, in pages.
  std::int64_t commit_limit() const;

 private:
  bool allows(Core& core, const MmStruct& mm, std::int64_t pages);
  bool free_pages_suffice(Core& core, std::int64_t pages);
  std::int64_t allowed(const MmStruct& mm) const;

  const OvercommitParameters parameters_;
  PageAllocator& pages_;
  const std::int64_t admin_reserve_, user_reserve_; // in pages
  std::uint64_t total_swap_pages_ = 0;
  std::function<std::uint64_t()> nr_swap_pages_; // asked by mmap and its kind only
  VmCommittedAs committed_;
};

} // namespace mmsim
