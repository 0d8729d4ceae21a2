// Write-back: dirty pages of files go to the disk, and who dirties faster than that is held up.
//
//   if (file.set_page_dirty(core, page)) writeback.balance_dirty_pages_ratelimited(task);   // may sleep
//   writeback.wakeup_flusher_threads(core, 0);        // reclaim: there are more dirty pages than it likes
//
// Models mm/page-writeback.c and fs/fs-writeback.c for files on one disk. Above the background limit a kernel
// thread writes; who makes a page dirty is counted, and looks at the limits when it is many enough.
// kernel.dirty_throttle says what it does then:
// - `writeout`, 2.6.24: over the dirty limit it writes back itself (writeback_inodes()), ratelimit_pages and
//   a half, or waits until the disk has room. Limits are shares of all free and listed pages, and the dirty
//   limit at most half of what is not mapped.
// - `pause`, since 3.2: over the middle of the two limits it sleeps as long as the disk takes for what it has
//   dirtied, longer the nearer the dirty limit is (wb_position_ratio()'s cubic). Limits are shares of free
//   pages and pages of files.
// The thread is `pdflush` (2.6.24: of its 2 to 8 threads one at a time writes to a device,
// writeback_acquire(), so that there is one here) or the device's flusher (wb_workfn()); both turn from file
// to file, 1024 pages a turn (MAX_WRITEBACK_PAGES, MIN_WRITEBACK_PAGES).
//
// write_cache_pages(): pages with the dirty tag by index, a pagevec at a time; the page's lock;
// page_mkclean(), so that the next write faults; PG_writeback; neighbours in one request (page_run.hpp). The
// thread waits while the device's queue is full (kernel.nr_requests).
//
// Left out: kupdate (dirty_writeback_centisecs, dirty_expire_centisecs: runs are shorter than 5 s), so that
// what stays under the limit stays dirty; sync, msync() and fsync(); the estimate of the disk's bandwidth and
// of each task's share of it, for which its real write bandwidth stands; limits by device and by cgroup;
// dirty_throttle_leaks; the journal and metadata; an error of a write is not reported to anybody (AS_EIO).
#pragma once

#include "models/locks/spinlock.hpp"
#include "models/pages/frame.hpp"
#include "models/reclaim/request_waiters.hpp"
#include "models/scheduler/hrtimer_sleep.hpp"
#include "sim/engine/parameter.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace mmsim {

class File;
class System;
class Task;

struct WriteBackParameters {
  std::string throttle;
  std::int64_t background_ratio, ratio;
  static void declare(Declaration& d, WriteBackParameters& p);
};
inline const DeclareParameters<WriteBackParameters> declared_write_back_parameters;

class WriteBack {
 public:
  explicit WriteBack(System& system);
  ~WriteBack();
  /// The first file is there: makes the kernel thread. Before the engine runs.
  void start();

  /// account_page_dirtied(), for who runs on `core`.
  void account_page_dirtied(Core& core);
  /// __mark_inode_dirty(I_DIRTY_PAGES).
  void mark_inode_dirty(Core& core, File& file);
  /// balance_dirty_pages_ratelimited(): `task` has made a page dirty, and holds no spinlock. May sleep.
  void balance_dirty_pages_ratelimited(Task& task);
  /// wakeup_pdflush(), wakeup_flusher_threads(): at least `pages` are to be written, 0 for all.
  void wakeup_flusher_threads(Core& core, std::uint64_t pages);
  /// page_mkclean() of a locked page: shared entries that are dirty or writable become clean and read-only.
  /// True if there were any. May sleep.
  bool page_mkclean(Task& task, FrameNumber frame);

  /// get_request(): waits until the disk's queue has room for a write.
  void get_request(Task& task);
  /// A write has come back from the disk.
  void request_freed(Core& core);

  /// get_dirty_limits(), global_dirty_limits(): in pages.
  struct Limits {
    std::uint64_t background, dirty;
  };
  Limits limits(Core& core);

 private:
  std::uint64_t nr_dirty(Core& core);
  std::uint64_t reclaimable(Core& core);
  std::int64_t hz() const;
  void start_background(Core& core, std::uint64_t pages);
  void run(Task& task);
  bool over_background(Core& core) { return reclaimable(core) > limits(core).background; }
  std::uint64_t writeback_inodes(Task& task, std::uint64_t pages);
  std::uint64_t write_cache_pages(Task& task, File& file, std::uint64_t pages);
  void writeout(Task& task);
  void pause(Task& task, std::uint64_t pages_dirtied);
  /// For whom those wait who may not write more.
  WaitId disk() const;
  void congestion_wait(Task& task);

  System& system_;
  const WriteBackParameters parameters_;
  const std::uint64_t nr_requests_;
  const bool writes_itself_;
  double disk_pages_;                     // a jiffy's worth of writes
  std::vector<std::uint64_t> ratelimits_; // bdp_ratelimits, by cpu
  std::uint64_t ratelimit_pages_ = 0;
  bool dirty_exceeded_ = false;
  CacheLine list_line_{"wb list"};
  std::unique_ptr<SpinLock> list_lock_; // inode_lock, wb->list_lock
  std::deque<File*> dirty_files_;       // b_dirty, b_io and b_more_io
  RequestWaiters waiters_;
  std::unique_ptr<HrtimerSleep> timer_;
  Task* flusher_ = nullptr;
  bool asked_ = false, at_work_ = false;
  std::uint64_t asked_pages_ = 0;
};

} // namespace mmsim
