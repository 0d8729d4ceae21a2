// kswapd: a kernel thread a node that reclaims before those who allocate have to.
//
//   Kswapd kswapd(means, scan);
//   kswapd.wakeup(core, zone, order);     // wakeup_kswapd(): from any context
//
// Models kswapd() and wakeup_kswapd() of mm/vmscan.c, 2.6.24 and 5.10: the thread sleeps until an allocation finds a
// zone below its low watermark, and reclaims until all of its node's zones (2.6.24) or one that would do (5.10) have the
// high one. It has PF_MEMALLOC. A round is what one wake-up leads to (balance_pgdat()).
//
// The thread is there from the first time that its node is short, so that a machine with memory in plenty has no other
// tasks than those of its scenario; it stays on CPUs of its node, and is woken on one that has nothing to do, if there
// is one (select_task_rq()), else where it was.
//
// Left out: kcompactd and what else is for orders above 0; soft limits of memory cgroups; freezing, and an end of the
// thread (nodes do not come and go).
#pragma once

#include "models/reclaim/vmscan.hpp"

namespace mmsim {

class Kswapd {
 public:
  Kswapd(const VmScanMeans& means, VmScan& scan) : means_(means), scan_(scan) {}

  /// wakeup_kswapd().
  void wakeup(Core& core, const Zone& zone, unsigned order);

 private:
  void create(ReclaimNode& node);
  [[noreturn]] void run(Task& task, ReclaimNode& node);

  const VmScanMeans means_;
  VmScan& scan_;
};

} // namespace mmsim
