#include "models/address_space/overcommit.hpp"

#include <algorithm>

namespace mmsim {

void OvercommitParameters::declare(Declaration& d, OvercommitParameters& p) {
  d("kernel.overcommit_memory", p.memory, 0,
    "whether mmap and fork may promise more memory than there is: 0 a guess, 1 always, 2 never more than the "
    "limit",
    "vm.overcommit_memory; its default")
      .one_of({0, 1, 2});
  d("kernel.overcommit_ratio", p.ratio, 50,
    "percent of memory that may be promised where kernel.overcommit_memory is 2",
    "vm.overcommit_ratio; its default")
      .at_least(0);
  d("kernel.overcommit_guess", p.guess, "totalram",
    "what a single request is compared with where kernel.overcommit_memory is 0: all memory (5.10), or what "
    "is free above the reserves (2.6.24)",
    "5.10: __vm_enough_memory of mm/util.c, since 5.2; 2.6.24: mm/mmap.c")
      .one_of({"totalram", "free_pages"});
  d("kernel.overcommit_reserve", p.reserve, "kbytes",
    "what is kept for root and for small processes: by vm.admin_reserve_kbytes and user_reserve_kbytes "
    "(5.10), or 1/32 of the limit and of the process (share, 2.6.24)",
    "5.10: init_admin_reserve and init_user_reserve of mm/mmap.c, since 3.10; 2.6.24: __vm_enough_memory")
      .one_of({"kbytes", "share"});
}

namespace {

// init_admin_reserve(), init_user_reserve(): 1/32 of the memory free at boot, up to 8 MiB and 128 MiB.
std::int64_t reserve(const PageAllocator& pages, std::uint64_t most_bytes) {
  return static_cast<std::int64_t>(std::min(pages.free_frames() / 32, most_bytes / bytes_per_frame));
}

} // namespace

Overcommit::Overcommit(Machine& machine, SpinLocks& locks, PageAllocator& pages,
                       const Configuration& configuration)
    : parameters_(read_parameters<OvercommitParameters>(configuration)), pages_(pages),
      admin_reserve_(reserve(pages, std::uint64_t{8} << 20)),
      user_reserve_(reserve(pages, std::uint64_t{128} << 20)),
      committed_(machine, locks, configuration, parameters_.memory == 2, pages.managed_frames()) {}

bool Overcommit::vm_enough_memory(Core& core, const MmStruct& mm, std::uint64_t pages) {
  committed_.vm_acct_memory(core, static_cast<std::int64_t>(pages));
  if (allows(core, mm, static_cast<std::int64_t>(pages))) return true;
  vm_unacct_memory(core, pages);
  return false;
}

bool Overcommit::allows(Core& core, const MmStruct& mm, std::int64_t pages) {
  switch (parameters_.memory) {
  case 0:
    return parameters_.guess == "totalram"
               ? pages <= static_cast<std::int64_t>(pages_.managed_frames() + total_swap_pages_)
               : free_pages_suffice(core, pages);
  case 1:
    return true;
  default:
    return committed_.read(core) < allowed(mm);
  }
}

// The page cache, swap and reclaimable slab come first in 2.6.24; then free pages, on the same line of counters.
bool Overcommit::free_pages_suffice(Core& core, std::int64_t pages) {
  const std::int64_t free = pages_.vm_stat().read_global(core, NR_FREE_PAGES); // nr_free_pages()
  const auto but_roots = [](std::int64_t some) { return some - some / 32; }; // the last 3 % are root's
  const std::int64_t reclaimable =
      but_roots(pages_.vm_stat().global_now(NR_FILE_PAGES) + pages_.vm_stat().global_now(NR_SLAB_RECLAIMABLE) +
                (nr_swap_pages_ ? static_cast<std::int64_t>(nr_swap_pages_()) : 0));
  if (reclaimable > pages) return true;
  const auto totalreserve_pages = static_cast<std::int64_t>(pages_.limits().totalreserve_pages);
  if (free <= totalreserve_pages) return false;
  return reclaimable + but_roots(free - totalreserve_pages) > pages;
}

std::int64_t Overcommit::commit_limit() const {
  return static_cast<std::int64_t>(pages_.managed_frames()) * parameters_.ratio / 100 +
         static_cast<std::int64_t>(total_swap_pages_);
}

std::int64_t Overcommit::allowed(const MmStruct& mm) const {
  const std::int64_t limit = commit_limit();
  if (parameters_.reserve == "share") return limit - limit / 32 - mm.total_vm / 32;
  return limit - admin_reserve_ - std::min(mm.total_vm / 32, user_reserve_);
}

} // namespace mmsim
