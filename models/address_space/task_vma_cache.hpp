// struct vmacache of include/linux/mm_types_task.h: what each task has of kernel.vma_cache = "vmacache"
// (vma_cache_vmacache.cpp). Nobody but the task itself touches it.
#pragma once

#include <array>
#include <cstdint>

namespace mmsim {

struct Vma;

struct TaskVmaCache {
  std::uint32_t mm =
      UINT32_MAX; ///< id of the mm whose areas these are: the kernel flushes where it changes task->mm
  std::uint64_t seqnum = 0;
  std::array<Vma*, 4> vmas{}; ///< VMACACHE_SIZE
};

} // namespace mmsim
