// Policies that flush wrongly, each in one way, for tests that must find them out.
#pragma once

#include "models/tlb_flush/shootdown.hpp"

namespace mmsim::tests {

class FlushesNothing final : public TlbFlushPolicy {
 public:
  void flush(Core&, MmStruct&, const FlushRange&) override {}
  void flush_kernel_range(Core&, PageNumber, PageNumber, bool) override {}
};
inline const Registered<TlbFlushPolicy> flushes_nothing{
    "test_flushes_nothing", "planted bug",
    [](const FlushMeans&) { return std::make_unique<FlushesNothing>(); }};

class FlushesHereOnly final : public ShootdownPolicy {
 public:
  using ShootdownPolicy::ShootdownPolicy;
  CoreSet targets(Core&, MmStruct&, const FlushRange&) override { return {}; }
};
inline const Registered<TlbFlushPolicy> flushes_here_only{
    "test_flushes_here_only", "planted bug",
    [](const FlushMeans& means) { return std::make_unique<FlushesHereOnly>(means); }};

/// `eager` as it is right without ids: with them a core that comes back still holds entries, and nobody told
/// it.
class ClearsBitOnLeaving final : public MaskedShootdownPolicy {
 public:
  using MaskedShootdownPolicy::MaskedShootdownPolicy;
  CoreSet targets(Core& core, MmStruct& mm, const FlushRange&) override { return others_in_mask(core, mm); }
  void leave(Core& core, MmStruct& mm) override { clear_bit(core, mm); }
};
inline const Registered<TlbFlushPolicy> clears_bit_on_leaving{
    "test_clears_bit_on_leaving", "planted bug",
    [](const FlushMeans& means) { return std::make_unique<ClearsBitOnLeaving>(means); }};

/// Skips lazy cores whatever is freed. They do flush when they come back, but their walkers do not wait for
/// that.
class SkipsLazyCoresAlways final : public MaskedShootdownPolicy {
 public:
  using MaskedShootdownPolicy::MaskedShootdownPolicy;
  CoreSet targets(Core& core, MmStruct& mm, const FlushRange&) override {
    CoreSet awake;
    others_in_mask(core, mm).for_each([&](CoreId id) {
      if (!lazy_.contains(id)) awake.insert(id);
    });
    return awake;
  }
  void enter_lazy(Core& core, MmStruct&) override { lazy_.insert(core.id()); }
  void leave_lazy(Core& core, MmStruct& mm) override {
    lazy_.erase(core.id());
    invalidate_here(core, mm, FlushRange::all_of(mm));
  }
  void leave(Core& core, MmStruct&) override { lazy_.erase(core.id()); }

 private:
  CoreSet lazy_;
};
inline const Registered<TlbFlushPolicy> skips_lazy_cores_always{
    "test_skips_lazy_cores_always", "planted bug",
    [](const FlushMeans& means) { return std::make_unique<SkipsLazyCoresAlways>(means); }};

/// The handler says that it is done, and invalidates two microseconds later.
class AcknowledgesFirst final : public TlbFlushPolicy {
 public:
  explicit AcknowledgesFirst(const FlushMeans& means) : means_(means) {}
  void flush(Core& core, MmStruct& mm, const FlushRange& range) override {
    invalidate(core, mm, range);
    struct Later final : RemoteCall {
      AcknowledgesFirst& policy;
      MmStruct& mm;
      const FlushRange& range;
      Later(AcknowledgesFirst& p, MmStruct& m, const FlushRange& r) : policy(p), mm(m), range(r) {}
      void run(Core& target) override {
        target.engine().at(target.now() + std::chrono::microseconds(2),
                           [&policy = policy, &target, &mm = mm, range = range] {
                             target.catch_up();
                             policy.invalidate(target, mm, range);
                           });
      }
    } later(*this, mm, range);
    CoreSet others = means_.machine.online();
    others.erase(core.id());
    means_.calls.call(core, others, later);
  }
  void flush_kernel_range(Core&, PageNumber, PageNumber, bool) override {}

 private:
  void invalidate(Core& core, MmStruct& mm, const FlushRange& range) {
    if (range.whole_mm)
      core.tlb().invalidate_asid(means_.ids.id_of(mm));
    else
      for (PageNumber page = range.begin; page < range.end; ++page)
        core.tlb().invalidate_page(means_.ids.id_of(mm), page);
  }
  FlushMeans means_;
};
inline const Registered<TlbFlushPolicy> acknowledges_first{
    "test_acknowledges_first", "planted bug",
    [](const FlushMeans& means) { return std::make_unique<AcknowledgesFirst>(means); }};

/// Takes over what munmap has taken away, and gives it back before the others have flushed.
class ReleasesAtOnce final : public MaskedShootdownPolicy {
 public:
  using MaskedShootdownPolicy::MaskedShootdownPolicy;
  bool defers() const override { return true; }
  bool defer(Core& core, MmStruct& mm, const FlushRange& range,
             std::unique_ptr<Withheld>& withheld) override {
    invalidate_here(core, mm, range);
    core.settle();
    withheld->release(core);
    core.settle();
    flush(core, mm, range);
    withheld->flushed();
    return true;
  }
  CoreSet targets(Core& core, MmStruct& mm, const FlushRange&) override { return others_in_mask(core, mm); }
};
inline const Registered<TlbFlushPolicy> releases_at_once{
    "test_releases_at_once", "planted bug",
    [](const FlushMeans& means) { return std::make_unique<ReleasesAtOnce>(means); }};

} // namespace mmsim::tests
