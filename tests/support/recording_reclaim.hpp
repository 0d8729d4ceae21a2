// Reclaim's hooks, on record: what the allocator has asked for, in order, and what it gets.
#pragma once

#include "models/pages/page_allocator.hpp"

#include <functional>
#include <string>
#include <vector>

namespace mmsim::tests {

class RecordingReclaim final : public ReclaimHooks {
 public:
  /// What a call does: may free memory, may put `core` elsewhere. Direct reclaim's returns its progress.
  std::function<std::uint64_t(Core*& core)> reclaim = [](Core*&) { return 0; };
  std::function<bool(Core*& core)> oom = [](Core*&) { return false; };
  bool victim = false;
  std::uint64_t reclaimable = 0;

  std::vector<std::string> calls;

  void wake_kswapd(Core&, Zone& zone, unsigned order) override {
    calls.push_back("kswapd " + std::to_string(zone.index()) + suffix(order));
  }
  std::uint64_t try_to_free_pages(Core*& core, unsigned order, Gfp) override {
    calls.push_back("reclaim" + suffix(order));
    return reclaim(core);
  }
  bool out_of_memory(Core*& core, unsigned order, Gfp) override {
    calls.push_back("oom" + suffix(order));
    return oom(core);
  }
  bool dying(Core&) override { return victim; }
  std::uint64_t zone_reclaimable_pages(const Zone&) override { return reclaimable; }
  void drain_other_cpus(Core*&) override { calls.push_back("drain"); }

 private:
  static std::string suffix(unsigned order) { return order == 0 ? "" : " order " + std::to_string(order); }
};

} // namespace mmsim::tests
