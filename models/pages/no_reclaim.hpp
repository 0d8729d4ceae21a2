// Nobody reclaims: memory that is gone is gone, and allocations that find none fail.
#pragma once

#include "models/pages/reclaim_hooks.hpp"

namespace mmsim {

/// What PageAllocator asks until set_reclaim().
class NoReclaim final : public ReclaimHooks {
 public:
  void wake_kswapd(Core&, Zone&, unsigned) override {}
  std::uint64_t try_to_free_pages(Core*&, unsigned, Gfp) override { return 0; }
  bool out_of_memory(Core*&, unsigned, Gfp) override { return false; }
  bool dying(Core&) override { return false; }
};

} // namespace mmsim
