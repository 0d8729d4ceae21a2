// Pages on their way to and from the swap device.
//
//   io.writepage(task, frame);   // PG_writeback, unlocked; the interrupt that ends it clears PG_writeback
//   io.readpage(core, frame);    // stays locked until the interrupt that ends it
//
// Models mm/page_io.c: swap_writepage(), swap_readpage(), end_swap_bio_write(), end_swap_bio_read(), a bio a page. The
// device is machine.swap, one for all areas (block_device.hpp), which fails requests on demand (machine.swap.fail_every).
// How a request ends: PageCache::end_io(). A write that fails leaves the page dirty, so that it is not lost; a read that
// fails leaves it without PG_uptodate, and whoever needs it gets SIGBUS. 2.6.24 marks pages that are written in the
// tree, under its lock, when a write begins and when it ends.
//
// A write waits while the device has as many as its queue takes (kernel.nr_requests): get_request_wait() of 2.6.24,
// blk_mq_get_tag() of 5.10, below submit_bio(). Reads do not: a fault waits for its own anyway.
//
// Left out: memory for bios (mempool), merging of neighbours, bdev_write_page().
#pragma once

#include "models/reclaim/cached_page.hpp"
#include "models/reclaim/request_waiters.hpp"
#include "sim/engine/configuration.hpp"
#include "sim/engine/strong_int.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace mmsim {

class SwapCache;
class System;
class Task;

class SwapIo {
 public:
  /// Before the machine runs. Without a device nothing may be read or written.
  SwapIo(System& system, SwapCache& cache, const Configuration& configuration, bool device);

  /// The rest of swap_writepage(), of a page that keeps its slot. May sleep.
  void writepage(Task& task, FrameNumber frame);
  void readpage(Core& core, FrameNumber frame);

 private:
  struct Bio final : BlockRequest {
    explicit Bio(SwapIo& io) : io(io) {}
    void end_io(Core& core, bool failed) override;
    SwapIo& io;
    CachedPage* page = nullptr;
  };
  void get_request(Task& task);
  void submit(Core& core, FrameNumber frame, Transfer transfer);

  System& system_;
  SwapCache& cache_;
  std::optional<BlockDevice> device_;
  std::deque<Bio> bios_; // all that were ever needed at once
  std::vector<Bio*> unused_;
  const std::uint64_t nr_requests_;
  RequestWaiters waiters_;
};

} // namespace mmsim
