// Interrupt every online core, whatever it runs: what a kernel without a mask must do.

#include "models/tlb_flush/shootdown.hpp"

namespace mmsim {

namespace {

class EagerAll final : public ShootdownPolicy {
 public:
  using ShootdownPolicy::ShootdownPolicy;
  CoreSet targets(Core& core, MmStruct&, const FlushRange&) override {
    CoreSet others = means_.machine.online();
    others.erase(core.id());
    return others;
  }
};

const Registered<TlbFlushPolicy> eager_all{
    "eager_all", "interrupts every online core",
    [](const FlushMeans& means) { return std::make_unique<EagerAll>(means); },
    "what-if where TLBI is broadcast"};

} // namespace
} // namespace mmsim
