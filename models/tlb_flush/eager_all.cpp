// Interrupt every online core, whatever it runs: what a kernel without a mask must do, by on_each_cpu() (in
// the order of 2.6.24: the caller runs the function after all others have).

#include "models/tlb_flush/shootdown.hpp"

namespace mmsim {

namespace {

class EagerAll final : public ShootdownPolicy {
 public:
  using ShootdownPolicy::ShootdownPolicy;
  CoreSet targets(Core& core, MmStruct&, const FlushRange&) override { return others_online(core); }
  bool own_tlb_last() const override { return true; }
};

const Registered<TlbFlushPolicy> eager_all{
    "eager_all", "interrupts every online core",
    [](const FlushMeans& means) { return std::make_unique<EagerAll>(means); },
    "what-if where TLBI is broadcast"};

} // namespace
} // namespace mmsim
