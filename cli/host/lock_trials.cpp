// Locks that two CPUs contend for: checks of what lines cost, not values of a machine file.
#include <atomic>

#include "cli/host/clock.hpp"
#include "cli/host/partner.hpp"
#include "cli/host/trial_groups.hpp"

namespace mmsim::host {
namespace {

struct alignas(256) TestAndSet {
  std::atomic<bool> held{false};

  void with(int, auto&& section) {
    while (held.exchange(true, std::memory_order_acquire))
      while (held.load(std::memory_order_relaxed))
        relax();
    section();
    held.store(false, std::memory_order_release);
  }
};

struct alignas(256) Ticket {
  std::atomic<std::uint32_t> next{0};
  alignas(64) std::atomic<std::uint32_t> served{0};

  void with(int, auto&& section) {
    const std::uint32_t mine = next.fetch_add(1, std::memory_order_relaxed);
    while (served.load(std::memory_order_acquire) != mine)
      relax();
    section();
    served.store(mine + 1, std::memory_order_release);
  }
};

struct Mcs {
  struct alignas(256) Node {
    std::atomic<Node*> next{nullptr};
    std::atomic<bool> waits{false};
  };
  alignas(256) std::atomic<Node*> tail{nullptr};
  Node nodes[2];

  void with(int who, auto&& section) {
    Node& mine = nodes[who];
    mine.next.store(nullptr, std::memory_order_relaxed);
    mine.waits.store(true, std::memory_order_relaxed);
    if (Node* before = tail.exchange(&mine, std::memory_order_acq_rel)) {
      before->next.store(&mine, std::memory_order_release);
      while (mine.waits.load(std::memory_order_acquire))
        relax();
    }
    section();
    Node* after = mine.next.load(std::memory_order_acquire);
    if (!after) {
      Node* expected = &mine;
      if (tail.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel)) return;
      while (!(after = mine.next.load(std::memory_order_acquire)))
        relax();
    }
    after->waits.store(false, std::memory_order_release);
  }
};

/// Nanoseconds of an acquisition of either, both contending without work between.
template <typename Lock>
double contended(int cpu) {
  constexpr int acquisitions = 1000;
  Lock lock;
  alignas(256) std::uint64_t taken = 0; // what the lock guards
  const auto section = [&taken] {
    ++taken;
    keep(taken);
  };
  const Partner partner(cpu, [&](const std::atomic<bool>& stop) {
    while (!stop.load(std::memory_order_relaxed))
      lock.with(1, section);
  });
  if (!partner.pinned()) return no_sample;
  std::uint64_t before = 0, after = 0;
  const double ns = ns_of([&] {
    lock.with(0, [&] { before = taken; });
    for (int i = 0; i < acquisitions; ++i)
      lock.with(0, section);
    lock.with(0, [&] { after = taken; });
  });
  return ns / double(after - before);
}

} // namespace

std::vector<Trial> lock_trials(const Places& places) {
  if (places.partner < 0) return {};
  const int cpu = places.partner;
  return {{"lock.tas", "test-and-set lock, two CPUs, no work between",
           [cpu] { return contended<TestAndSet>(cpu); }},
          {"lock.ticket", "ticket lock, two CPUs, no work between", [cpu] { return contended<Ticket>(cpu); }},
          {"lock.mcs", "MCS lock, two CPUs, no work between", [cpu] { return contended<Mcs>(cpu); }}};
}

} // namespace mmsim::host
