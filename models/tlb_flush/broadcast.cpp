// TLBI to the inner-shareable domain, then DSB: no interrupt, no mask.
//
// Models arch/arm64 of 5.10 (broadcast.hpp). Needs a core with broadcast maintenance whose barrier can be
// trusted: a Cortex-A15 with erratum 798181 is refused. Batches are those of 6.6 (arch_tlbbatch_add_pending(),
// arch_tlbbatch_flush()): a TLBI without its DSB for each page, and one DSB for all; who changes other entries of such an
// mm meanwhile needs a DSB too. Left out: the hint of the level.

#include "models/tlb_flush/broadcast.hpp"

#include "sim/engine/configuration.hpp"

namespace mmsim {

namespace {

class Broadcast final : public TlbFlushPolicy {
 public:
  explicit Broadcast(const FlushMeans& means) : instructions_(means, "broadcast") {
    if (means.machine.costs().tlb.erratum_798181)
      throw InputError(
          "kernel.tlb_flush = \"broadcast\", but this machine's barriers do not wait for other cores "
          "(erratum 798181: machine.tlb.erratum_798181 = true): choose \"erratum_798181\"",
          means.configuration.last_written({TlbFlushPolicy::registry_path, "machine.tlb.erratum_798181"}));
  }
  void flush(Core& core, MmStruct& mm, const FlushRange& range) override {
    instructions_.flush(core, mm, range);
  }
  void flush_kernel_range(Core& core, PageNumber begin, PageNumber end, bool all) override {
    instructions_.flush_kernel_range(core, begin, end, all);
  }
  bool batches(Core&, MmStruct&) override { return true; } // arch_tlbbatch_should_defer()
  void batch_add(Core& core, MmStruct& mm, PageNumber page, CoreSet&) override {
    instructions_.flush_page_nosync(core, mm, page);
  }
  void batch_flush(Core& core, const CoreSet&) override { instructions_.barrier(core); }
  bool flush_batched_pending(Core& core, MmStruct&) override {
    instructions_.barrier(core);
    return false;
  }
  void flush_page_nosync(Core& core, MmStruct& mm, PageNumber page) override {
    instructions_.flush_page_nosync(core, mm, page);
  }

 private:
  BroadcastInstructions instructions_;
};

const Registered<TlbFlushPolicy> broadcast{
    "broadcast", "TLBI inner shareable, no interrupt (arm64's own)",
    [](const FlushMeans& means) { return std::make_unique<Broadcast>(means); }};

} // namespace
} // namespace mmsim
