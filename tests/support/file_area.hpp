// An area of a file, or a stack, for tests that need no mmap() of files.
#pragma once

#include "models/operations/vma.hpp"
#include "tests/support/versions.hpp"

#include <functional>
#include <stdexcept>

namespace mmsim::tests {

struct AreaOf {
  PageNumber begin;
  std::uint64_t pages;
  std::uint32_t flags = vm_read_write;
  File* file = nullptr;
  std::uint64_t pgoff = 0;
};

/// vma_link() of it, under mmap_lock.
inline PageNumber map_area(System& system, Task& task, const AreaOf& wanted) {
  MmStruct& mm = *task.mm;
  mm.mmap_lock.down_write(task);
  Vma area;
  area.begin = wanted.begin;
  area.end = wanted.begin + wanted.pages;
  area.flags = wanted.flags;
  area.file = wanted.file;
  area.pgoff = wanted.file != nullptr ? wanted.pgoff : wanted.begin.value();
  Vma* const made = vm_area_alloc(system, task.core(), mm, area);
  if (made == nullptr) throw std::logic_error("no memory for an area");
  if (area.file != nullptr) {
    area.file->get(task.core());
    area.file->link_area(task, *made);
  }
  vma_link(system, task, mm, *made);
  mm.total_vm += static_cast<std::int64_t>(wanted.pages);
  mm.mmap_lock.up_write(task);
  return wanted.begin;
}

inline const Settings no_fault_around{{"kernel.fault_around", "4 KiB"}};
inline const Settings no_readahead{{"kernel.readahead", "0 B"}};

inline void touch_all(System& system, Task& task, PageNumber first, std::uint64_t pages, AccessKind kind) {
  for (std::uint64_t i = 0; i < pages; ++i)
    touch(system, task, first + i, kind);
}

} // namespace mmsim::tests
