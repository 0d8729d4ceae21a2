// mmap.
//
//   PageNumber area = mmap(system, task, 16);                       // anonymous, private, writable, anywhere
//   MmapResult at = mmap(system, task, {.hint = area, .pages = 4, .prot = PROT_READ,
//                                       .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED});
//
// Models do_mmap() and mmap_region() of mm/mmap.c, 5.10 (do_mmap_pgoff() in 2.6.24), in their order:
// arguments; the number of areas (kernel.max_map_count); get_unmapped_area(): a fixed address, the hint if
// nothing is there, else what arch_get_unmapped_area() finds (vma.hpp); MAP_FIXED_NOREPLACE (4.17) looks for
// areas in it; flags; what is there is unmapped (do_munmap() inside, without the downgrade); private writable
// memory is promised before there is an area for it (accountable_mapping(), VM_ACCOUNT); vma_merge() with the
// neighbours, else a vm_area_struct, linked.
//
// Left out: memory that is shared and anonymous, which is a file of shmem (shmem_zero_setup()): ENODEV, as of a
// file whose filesystem has no mmap(), since there is no shmem here; limits (RLIMIT_AS), mlock, MAP_POPULATE,
// huge pages, files opened for reading only. `alignment` is what programs get by mapping more than they want
// and unmapping the rest.
#pragma once

#include "models/operations/errno.hpp"
#include "models/operations/munmap.hpp"
#include "models/system.hpp"

namespace mmsim {

enum Protection : std::uint32_t { PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4 };

enum MapFlag : std::uint32_t {
  MAP_SHARED = 0x1,
  MAP_PRIVATE = 0x2,
  MAP_FIXED = 0x10,
  MAP_ANONYMOUS = 0x20,
  MAP_GROWSDOWN = 0x100,
  MAP_NORESERVE = 0x4000,
  MAP_FIXED_NOREPLACE = 0x100000,
};

/// MAP_FAILED.
inline constexpr PageNumber map_failed{~std::uint64_t{0}};

struct MmapRequest {
  PageNumber hint{0}; ///< where it should be, with MAP_FIXED must be; 0: anywhere
  std::uint64_t pages = 0;
  std::uint32_t prot = PROT_READ | PROT_WRITE;
  std::uint32_t flags = MAP_PRIVATE | MAP_ANONYMOUS;
  File* file = nullptr;
  std::uint64_t pgoff = 0;
  std::uint64_t alignment = 1; ///< in pages
};

struct MmapResult {
  PageNumber first = map_failed;
  Errno error = Errno::ok;
};

/// Throws TaskKilled.
[[nodiscard]] MmapResult mmap(System& system, Task& task, const MmapRequest& request);

/// Maps `pages` pages of private writable memory where there is room, at a multiple of `alignment` pages.
/// Returns the first one, or map_failed (ENOMEM).
[[nodiscard]] PageNumber mmap(System& system, Task& task, std::uint64_t pages, std::uint64_t alignment = 1);

/// calc_vm_prot_bits().
constexpr std::uint32_t calc_vm_prot_bits(std::uint32_t prot) {
  static_assert(PROT_READ == int{VM_READ} && PROT_WRITE == int{VM_WRITE} && PROT_EXEC == int{VM_EXEC});
  return prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
}

/// get_unmapped_area(): where `request` may go, if anywhere.
MmapResult get_unmapped_area(System& system, Task& task, const MmapRequest& request);

} // namespace mmsim
