// Pages cleared and copied as the kernel does it, and the bandwidth of memory.
#include <algorithm>
#include <cstring>
#include <memory>

#include "cli/host/clock.hpp"
#include "cli/host/memory_block.hpp"
#include "cli/host/partner.hpp"
#include "cli/host/trial_groups.hpp"

namespace mmsim::host {
namespace {

/// clear_page(): REP STOSB on x86, DC ZVA on arm64.
void zero_page(char* page) {
#if defined(__x86_64__)
  std::size_t count = page_size;
  asm volatile("rep stosb" : "+D"(page), "+c"(count) : "a"(0) : "memory");
#elif defined(__aarch64__)
  std::uint64_t dczid;
  asm("mrs %0, dczid_el0" : "=r"(dczid));
  if (dczid & 16) { // prohibited
    std::memset(page, 0, page_size);
    return;
  }
  const std::size_t block = std::size_t(4) << (dczid & 15);
  for (std::size_t at = 0; at < page_size; at += block)
    asm volatile("dc zva, %0" : : "r"(page + at) : "memory");
#else
  std::memset(page, 0, page_size);
#endif
}

/// copy_page(): REP MOVSQ on x86.
void copy_page(char* to, const char* from) {
#if defined(__x86_64__)
  std::size_t count = page_size / 8;
  asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
#else
  std::memcpy(to, from, page_size);
#endif
}

[[gnu::noinline]] std::uint64_t read_bytes(const char* from, std::size_t bytes) {
  std::uint64_t sums[8] = {};
  for (const char* at = from; at < from + bytes; at += 64)
    for (int i = 0; i < 8; ++i)
      sums[i] += reinterpret_cast<const std::uint64_t*>(at)[i];
  std::uint64_t sum = 0;
  for (const std::uint64_t each : sums)
    sum += each;
  keep(sum);
  return sum;
}

/// Goes round a block piece by piece, so that what comes next has long left the caches.
class Sweep {
 public:
  Sweep(char* begin, std::size_t bytes) : begin_(begin), bytes_(bytes) {}
  char* next(std::size_t bytes) {
    if (at_ + bytes > bytes_) at_ = 0;
    char* result = begin_ + at_;
    at_ += bytes;
    return result;
  }

 private:
  char* begin_;
  std::size_t bytes_, at_ = 0;
};

constexpr std::size_t pages_a_sample = 128, piece_bytes = 64 * page_size;

/// Several pages in a row in memory, nanoseconds each.
template <typename One>
double ns_each(char* at, std::size_t pages, One one) {
  return ns_of([&] {
           for (std::size_t i = 0; i < pages; ++i)
             one(at + i * page_size);
         }) /
         double(pages);
}

std::uint64_t largest_cache(const HostMachine& machine) {
  std::uint64_t largest = 0;
  for (const HostCache& cache : machine.caches)
    largest = std::max(largest, cache.bytes);
  return largest;
}

std::size_t cold_bytes(const HostMachine& machine) {
  const std::uint64_t wanted = std::clamp<std::uint64_t>(4 * largest_cache(machine), 64 << 20, 512 << 20);
  return std::size_t(std::clamp<std::uint64_t>(spare_memory() / 8, 4 << 20, wanted));
}

std::size_t pages_that_stay_hot(const HostMachine& machine) {
  for (const HostCache& cache : machine.caches)
    if (cache.level == 2) return std::clamp<std::size_t>(cache.bytes / 4 / page_size, 4, 64);
  return 16;
}

/// GB/s of CPUs together, as many as have a part of the block, while each does `piece` to its own part.
template <typename Piece>
double rate_of_all(const HostMachine& machine, const MemoryBlock& block, Piece piece) {
  constexpr double window_ns = 3e6;
  struct alignas(256) Moved {
    std::atomic<std::uint64_t> bytes{0};
  };
  const auto [threads, share] = sweep_parts(block.bytes(), machine.cpus.size(), piece_bytes);
  if (threads == 0) return no_sample;
  std::vector<Moved> moved(threads);
  std::vector<Partner> partners;
  for (std::size_t i = 1; i < threads; ++i)
    partners.emplace_back(machine.cpus[i].number, [&, i, share = share](const std::atomic<bool>& stop) {
      Sweep sweep(block.data() + i * share, share);
      while (!stop.load(std::memory_order_relaxed)) {
        piece(sweep.next(piece_bytes), piece_bytes);
        moved[i].bytes.fetch_add(piece_bytes, std::memory_order_relaxed);
      }
    });
  const auto all = [&] {
    std::uint64_t sum = 0;
    for (const Moved& each : moved)
      sum += each.bytes.load(std::memory_order_relaxed);
    return sum;
  };
  Sweep sweep(block.data(), share);
  const std::uint64_t bytes_before = all(), begin = ticks();
  std::uint64_t now = begin;
  while (ns_between(begin, now) < window_ns) {
    piece(sweep.next(piece_bytes), piece_bytes);
    moved[0].bytes.fetch_add(piece_bytes, std::memory_order_relaxed);
    now = ticks();
  }
  return double(all() - bytes_before) / ns_between(begin, now);
}

} // namespace

SweepParts sweep_parts(std::size_t bytes, std::size_t cpus, std::size_t piece) {
  const std::size_t parts = std::min({cpus, std::size_t(256), bytes / piece});
  return {parts, parts ? bytes / parts / piece * piece : 0};
}

std::vector<Trial> page_trials(const HostMachine& machine) {
  auto cold = std::make_shared<MemoryBlock>(cold_bytes(machine), MemoryBlock::huge_if_possible);
  const std::size_t pages = pages_that_stay_hot(machine);
  auto hot = std::make_shared<MemoryBlock>(2 * pages * page_size, MemoryBlock::huge_if_possible);
  auto sweep = std::make_shared<Sweep>(cold->data(), cold->bytes());
  // Where memory is short: what caches hold tells nothing of memory.
  const bool in_caches = cold->bytes() <= largest_cache(machine);
  const std::string size = std::to_string(cold->bytes() >> 20) + " MiB that are swept" +
                           (in_caches ? " (no more may be taken here, and a cache holds that)" : "");
  const std::string hot_size = std::to_string(pages) + " pages that stay in the second-level cache";
  std::vector<Trial> trials;
  trials.push_back({"page.zero", "as clear_page does it, of " + size, [cold, sweep] {
                      return ns_each(sweep->next(pages_a_sample * page_size), pages_a_sample, zero_page);
                    }});
  trials.push_back(
      {"page.copy", "as copy_page does it, from one half to the other of " + size, [cold, sweep] {
         const std::size_t bytes = pages_a_sample * page_size, half = cold->bytes() / 2;
         char* from = sweep->next(bytes);
         char* to = cold->data() + (std::size_t(from - cold->data()) + half) % cold->bytes();
         if (to + bytes > cold->data() + cold->bytes()) return no_sample;
         return ns_each(from, pages_a_sample, [&](char* page) { copy_page(to + (page - from), page); });
       }});
  trials.push_back({"page.zero_hot", "as clear_page does it, of " + hot_size, [hot, pages] {
                      ns_each(hot->data(), pages, zero_page);
                      return ns_each(hot->data(), pages, zero_page);
                    }});
  trials.push_back({"page.copy_hot", "as copy_page does it, among twice " + hot_size, [hot, pages] {
                      const auto copy = [&](char* page) { copy_page(page + pages * page_size, page); };
                      ns_each(hot->data(), pages, copy);
                      return ns_each(hot->data(), pages, copy);
                    }});
  const std::size_t cpus = sweep_parts(cold->bytes(), machine.cpus.size(), piece_bytes).parts;
  const std::string all = std::to_string(cpus) + (cpus == 1 ? " CPU " : " CPUs at a time ");
  trials.push_back({"bandwidth.read", all + "read parts of " + size,
                    [machine, cold] { return rate_of_all(machine, *cold, read_bytes); }, "GB/s"});
  trials.push_back({"bandwidth.zero", all + "clear parts of " + size,
                    [machine, cold] {
                      return rate_of_all(machine, *cold, [](char* at, std::size_t bytes) {
                        for (std::size_t done = 0; done < bytes; done += page_size)
                          zero_page(at + done);
                      });
                    },
                    "GB/s"});
  if (in_caches)
    for (Trial& trial : trials)
      if (!trial.name.ends_with("_hot")) trial.once = [] { return no_sample; };
  return trials;
}

} // namespace mmsim::host
