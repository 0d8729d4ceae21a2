// Latencies of caches, memory and TLBs: loads each of which needs the address that the one before has loaded.
#include <algorithm>
#include <memory>
#include <random>
#include <string>

#include "cli/host/clock.hpp"
#include "cli/host/memory_block.hpp"
#include "cli/host/trial_groups.hpp"

namespace mmsim::host {
namespace {

constexpr std::size_t line_bytes = 64;

/// Links the words at these places of the block into one ring in random order.
char* link_ring(char* block, std::vector<std::size_t> places) {
  std::mt19937 random(1);
  std::ranges::shuffle(places, random);
  for (std::size_t i = 0; i < places.size(); ++i)
    *reinterpret_cast<char**>(block + places[i]) = block + places[(i + 1) % places.size()];
  return block + places[0];
}

/// Nanoseconds of each of `loads` loads along the ring.
[[gnu::noinline]] double chase(char* at, std::size_t loads) {
  const double ns = ns_of([&] {
    for (std::size_t i = 0; i < loads; ++i) {
      at = *reinterpret_cast<char**>(at);
      keep(at);
    }
  });
  return ns / double(loads);
}

/// Out of all caches of all CPUs; nobody needs to be root for it. False where it is not known how.
bool flush_line(char* address) {
#if defined(__x86_64__)
  _mm_clflush(address);
  return true;
#elif defined(__aarch64__)
  asm volatile("dc civac, %0" : : "r"(address) : "memory");
  return true;
#else
  static_cast<void>(address);
  return false;
#endif
}

void wait_for_flushes() {
#if defined(__x86_64__)
  _mm_mfence();
#elif defined(__aarch64__)
  asm volatile("dsb ish" : : : "memory");
#endif
}

/// Every second line, so that a prefetcher of pairs of lines fetches nothing that is needed.
std::vector<std::size_t> every_second_line(std::size_t bytes) {
  std::vector<std::size_t> places;
  for (std::size_t at = 0; at < bytes; at += 2 * line_bytes)
    places.push_back(at);
  return places;
}

Trial cache_trial(const char* name, std::size_t bytes, const std::string& what) {
  auto block = std::make_shared<MemoryBlock>(bytes, MemoryBlock::huge_if_possible);
  char* ring = link_ring(block->data(), every_second_line(bytes));
  const std::size_t loads = std::min<std::size_t>(bytes / (2 * line_bytes), 8192);
  return {name, "loads in random order within " + what, [block, ring, loads] {
            for (int i = 0; i < 2; ++i)
              chase(ring, loads);
            return chase(ring, loads);
          }};
}

Trial dram_trial() {
  constexpr std::size_t bytes = std::size_t(4) << 20, loads = 1000;
  auto block = std::make_shared<MemoryBlock>(bytes, MemoryBlock::huge_if_possible);
  std::vector<std::size_t> places = every_second_line(bytes);
  std::mt19937 random(2);
  std::ranges::shuffle(places, random);
  places.resize(loads);
  char* ring = link_ring(block->data(), places);
  return {"line.dram", "loads of 1000 lines of 4 MiB in random order, each flushed from all caches before",
          [block, ring, places] {
            for (const std::size_t place : places)
              if (!flush_line(block->data() + place)) return no_sample;
            wait_for_flushes();
            return chase(ring, loads - 1);
          }};
}

/// A line of each of so many pages, at another place in each, so that the cache's sets are all used.
std::vector<std::size_t> line_of_each_page(std::size_t pages) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < pages; ++i)
    places.push_back(i * page_size + i * line_bytes % page_size);
  return places;
}

std::vector<std::size_t> lines_in_a_row(std::size_t lines) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < lines; ++i)
    places.push_back(i * line_bytes);
  return places;
}

std::size_t bytes_of_level(const HostMachine& machine, int level) {
  for (const HostCache& cache : machine.caches)
    if (cache.level == level && cache.type != "Instruction") return cache.bytes;
  return 0;
}

} // namespace

// Close where first and second levels usually end, for an edge between two of these is not known better.
const std::vector<int>& chase_pages() {
  static const std::vector<int> pages{16,   24,   32,   40,   48,   56,   64,   72,   80,
                                      96,   104,  112,  128,  192,  256,  512,  768,  1024,
                                      1280, 1536, 1792, 2048, 2304, 2560, 3072, 4096, 8192};
  return pages;
}

std::vector<Trial> tlb_trials() {
  std::size_t lines = 0;
  for (const int pages : chase_pages())
    lines += std::size_t(pages);
  std::vector<Trial> trials;
  const std::uint64_t spare = spare_memory();
  std::uint64_t taken = lines * line_bytes;
  if (4 * taken > spare) return trials;
  auto huge = std::make_shared<MemoryBlock>(lines * line_bytes, MemoryBlock::huge_if_possible);
  char* dense_begin = huge->data();
  for (const int pages : chase_pages()) {
    const auto n = std::size_t(pages);
    taken += n * page_size;
    if (4 * taken > spare) break;
    const std::size_t loads = std::max<std::size_t>(n, 1000);
    auto small = std::make_shared<MemoryBlock>(n * page_size, MemoryBlock::small);
    char* spread = link_ring(small->data(), line_of_each_page(n));
    char* dense = link_ring(dense_begin, lines_in_a_row(n));
    dense_begin += n * line_bytes;
    const auto one = [loads, n](char* ring) {
      chase(ring, n);
      return chase(ring, loads);
    };
    trials.push_back({"tlb.small." + std::to_string(pages), "loads of a line of each page, 4 KiB pages",
                      [one, small, spread] { return one(spread); }});
    trials.push_back({"tlb.huge." + std::to_string(pages), "as many lines in a row, in a huge page",
                      [one, huge, dense] { return one(dense); }});
  }
  return trials;
}

std::vector<Trial> chase_trials(const HostMachine& machine) {
  std::vector<Trial> trials{dram_trial()};
  if (const std::size_t l2 = bytes_of_level(machine, 2))
    trials.push_back(cache_trial("cache.l2", l2 / 4, "a quarter of the second-level cache"));
  const std::size_t l3 = bytes_of_level(machine, 3), l2 = bytes_of_level(machine, 2);
  if (l3 > 2 * l2)
    trials.push_back(cache_trial("cache.llc", std::min(2 * l2 + (std::size_t(2) << 20), l3 / 2),
                                 "more than the second-level cache and less than the third"));
  return trials;
}

} // namespace mmsim::host
