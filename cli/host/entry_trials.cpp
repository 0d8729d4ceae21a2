// Into the kernel and back: by a system call, and by a page fault.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/host/clock.hpp"
#include "cli/host/memory_block.hpp"
#include "cli/host/trial_groups.hpp"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 // Linux 5.14
#endif

namespace mmsim::host {
namespace {

double system_call() {
  constexpr int calls = 500;
  return ns_of([] {
           for (int i = 0; i < calls; ++i)
             syscall(SYS_getppid);
         }) /
         calls;
}

/// Read faults on untouched anonymous memory map the zero page. The kernel does the same for the same pages
/// without any exception when it is asked to populate them; what is left of the difference is the exception:
/// entry, finding the area, return.
double fault_entry() {
  constexpr std::size_t pages = 256; // 1 MiB: too small for a huge page
  const MemoryBlock block(pages * page_size, MemoryBlock::small, false);
  bool populated = true;
  const double in_the_kernel =
      ns_of([&] { populated = madvise(block.data(), block.bytes(), MADV_POPULATE_READ) == 0; });
  if (!populated || madvise(block.data(), block.bytes(), MADV_DONTNEED) != 0) return no_sample;
  const double by_faults = ns_of([&] {
    for (std::size_t page = 0; page < pages; ++page) {
      char value = *static_cast<volatile char*>(block.data() + page * page_size);
      keep(value);
    }
  });
  return (by_faults - in_the_kernel) / pages;
}

} // namespace

Trial system_call_trial() { return {"entry.syscall", "getppid, 500 in a row", system_call}; }

Trial fault_trial() {
  return {"entry.fault",
          "256 read faults on untouched pages, less the same pages populated by one madvise: what the "
          "exception adds, the search for the area included",
          fault_entry};
}

} // namespace mmsim::host
