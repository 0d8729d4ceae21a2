// What dropping translations costs on the CPU itself: x86 drops up to 33 pages one by one and all else at
// once.
#include <sys/mman.h>

#include <memory>

#include "cli/host/clock.hpp"
#include "cli/host/memory_block.hpp"
#include "cli/host/trial_groups.hpp"

namespace mmsim::host {
namespace {

constexpr std::size_t pages = 64;

/// Two pages of an area are present (the first and `second`; none if that is 0), always the same work but for
/// how far apart they are: from the first to the last of them is flushed. Both map the zero page, so
/// nothing is freed.
double two_pages_dropped(const MemoryBlock& block, std::size_t second) {
  constexpr int times = 20;
  double ns = 0;
  const auto touch = [&](std::size_t page) {
    char value = *static_cast<volatile char*>(block.data() + page * page_size);
    keep(value);
  };
  for (int i = 0; i < times; ++i) {
    if (second > 0) {
      touch(0);
      touch(second);
    }
    bool dropped = true;
    ns += ns_of([&] { dropped = madvise(block.data(), block.bytes(), MADV_DONTNEED) == 0; });
    if (!dropped) return no_sample;
  }
  return ns / times;
}

} // namespace

std::vector<Trial> flush_trials() {
  auto block = std::make_shared<MemoryBlock>(pages * page_size, MemoryBlock::small, false);
  const auto trial = [block](const char* name, std::size_t second, const char* how) {
    return Trial{name, how, [block, second] { return two_pages_dropped(*block, second); }};
  };
  return {trial("flush.none", 0, "madvise(MADV_DONTNEED) of 64 pages, none present"),
          trial("flush.pages", 1, "madvise(MADV_DONTNEED) of 64 pages, the first two present"),
          trial("flush.spread", 31, "the same, the first and the 32nd present"),
          trial("flush.far", 63, "the same, the first and the last present")};
}

} // namespace mmsim::host
