// Reclaim: what the page allocator finds behind ReclaimHooks when memory runs short.
//
//   Reclaim reclaim(system);
//   pages.set_reclaim(reclaim);
//   reclaim.observer = &mine;               // told of each direct reclaim and each pass of kswapd
//
// Models the ways in: wakeup_kswapd() (kswapd.hpp), try_to_free_pages() (vmscan.hpp), out_of_memory() (oom_killer.hpp),
// drain_all_pages().
//
// Direct reclaim may sleep for devices and congestion. Whoever allocates goes on with the Core& that he had: so a task
// that reclaims, sleeps here or kills is bound to its core until it is back, and wakes there. It has PF_MEMALLOC
// meanwhile: it does not reclaim in turn, and no watermark counts for what it needs.
//
// Other CPUs' lists are drained by a cross-call as drain_all_local_pages() of 2.6.24 does it; those with empty lists are
// left alone, as since 3.3. (5.10 has a work item on each CPU drain its own.)
//
// Left out: __GFP_IO and __GFP_FS: whoever may reclaim may also write; reclaim of the own node before others are
// allocated from (zone_reclaim_mode), compaction, memory cgroups, hibernation.
#pragma once

#include "models/pages/reclaim_hooks.hpp"
#include "models/reclaim/kswapd.hpp"
#include "models/reclaim/oom_killer.hpp"

#include <memory>
#include <vector>

namespace mmsim {

struct ReclaimParameters {
  std::int64_t swappiness;
  static void declare(Declaration& d, ReclaimParameters& p);
};
inline const DeclareParameters<ReclaimParameters> declared_reclaim_parameters;

class Reclaim final : public ReclaimHooks {
 public:
  /// After everything else of the system but what may run short.
  Reclaim(System& system, const Configuration& configuration);
  ~Reclaim() override;

  ReclaimObserver* observer = nullptr; ///< null: nobody looks
  const OomKiller& oom() const { return oom_; }

  void wake_kswapd(Core& core, Zone& zone, unsigned order) override;
  std::uint64_t try_to_free_pages(Core*& core, unsigned order, Gfp gfp) override;
  bool out_of_memory(Core*& core, unsigned order, Gfp gfp) override;
  bool dying(Core& core) override;
  bool memalloc(Core& core) override;
  void wait_before_retry(Core*& core) override;
  bool wait_for_writes(Core*& core, const Zone& zone, std::uint64_t reclaimable) override;
  std::uint64_t zone_reclaimable_pages(const Zone& zone) override;
  void drain_other_cpus(Core*& core) override;

  /// A fault has found no memory.
  void pagefault_out_of_memory(Task& task);
  /// A page's write has ended, in its interrupt: with PG_reclaim it is the next to go (end_page_writeback()).
  void end_page_writeback(Core& core, FrameNumber frame);

 private:
  Task& current(const Core& core) const;

  System& system_;
  Timeouts timeouts_;
  Congestion congestion_;
  std::vector<std::unique_ptr<ReclaimNode>> nodes_; // by id
  const VmScanMeans means_;
  std::unique_ptr<VmScan> scan_;
  Kswapd kswapd_;
  OomKiller oom_;
};

} // namespace mmsim
