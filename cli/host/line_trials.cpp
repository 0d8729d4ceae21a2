// Cache lines: in the own cache, and thrown from one CPU to another.
#include <atomic>
#include <memory>
#include <string>

#include "cli/host/clock.hpp"
#include "cli/host/partner.hpp"
#include "cli/host/pinning.hpp"
#include "cli/host/trial_groups.hpp"

namespace mmsim::host {
namespace {

/// A word with nothing else on its line, nor on the next, which a prefetcher may take along.
struct alignas(256) Word {
  std::atomic<std::uint64_t> value{0};
};

double own_load() {
  constexpr int loads = 4000;
  Word word;
  word.value = reinterpret_cast<std::uintptr_t>(&word.value);
  auto* at = &word.value;
  return ns_of([&] {
           for (int i = 0; i < loads; ++i) {
             at = reinterpret_cast<std::atomic<std::uint64_t>*>(at->load(std::memory_order_relaxed));
             keep(at);
           }
         }) /
         loads;
}

double own_atomic() {
  constexpr int operations = 2000;
  Word word;
  return ns_of([&] {
           for (std::uint64_t i = 0; i < operations; ++i) {
             std::uint64_t expected = i;
             word.value.compare_exchange_strong(expected, i + 1);
           }
         }) /
         operations;
}

void swap_when(std::atomic<std::uint64_t>& word, std::uint64_t from, std::uint64_t to) {
  std::uint64_t expected = from;
  while (!word.compare_exchange_weak(expected, to))
    expected = from;
}

constexpr int warm_throws = 30, throws = 200;

double one_way(int first, int second) {
  const Pinned here(first);
  if (!here) return no_sample;
  Word word;
  const Partner partner(second, [&](const std::atomic<bool>& stop) {
    while (!stop.load(std::memory_order_relaxed)) {
      std::uint64_t expected = 1;
      word.value.compare_exchange_weak(expected, 0);
    }
  });
  if (!partner.pinned()) return no_sample;
  const auto to_and_fro = [&](int times) {
    for (int i = 0; i < times; ++i)
      swap_when(word.value, 0, 1);
  };
  to_and_fro(warm_throws);
  return ns_of([&] { to_and_fro(throws); }) / (2 * throws);
}

} // namespace

std::vector<Trial> own_line_trials() {
  return {{"line.hit", "a load that needs the one before, from the first-level cache", own_load},
          {"line.own_atomic", "compare-and-swap of a word that nobody else uses", own_atomic}};
}

Trial line_pair_trial(int first, int second) {
  return {"line.pair." + std::to_string(first) + '-' + std::to_string(second),
          "compare-and-swap thrown to and fro between two CPUs, half a round trip",
          [first, second] { return one_way(first, second); }};
}

} // namespace mmsim::host
