#include "models/reclaim/writeback.hpp"

#include "models/reclaim/page_run.hpp"
#include "models/system.hpp"

#include <algorithm>
#include <bit>
#include <vector>

namespace mmsim {

namespace {
constexpr std::uint64_t max_writeback_pages = 1024; // MAX_WRITEBACK_PAGES, MIN_WRITEBACK_PAGES
} // namespace

void WriteBackParameters::declare(Declaration& d, WriteBackParameters& p) {
  d("kernel.dirty_throttle", p.throttle, "pause",
    "what who dirties pages of files does above the limit: it writes some back (writeout), or sleeps while "
    "the "
    "flusher writes (pause)",
    "mm/page-writeback.c balance_dirty_pages: pause since 3.2")
      .one_of({"writeout", "pause"});
  d("kernel.dirty_background_ratio", p.background_ratio, 10,
    "percent of available memory that may be dirty before it is written back in the background",
    "mm/page-writeback.c dirty_background_ratio: 5 in 2.6.22 to 2.6.28, 10 before and since")
      .at_least(0)
      .at_most(100);
  d("kernel.dirty_ratio", p.ratio, 20,
    "percent of available memory that may be dirty before who makes it so is held up",
    "mm/page-writeback.c vm_dirty_ratio: 40 to 2.6.21, 10 to 2.6.28, 20 since")
      .at_least(1)
      .at_most(100);
}

WriteBack::WriteBack(System& system)
    : system_(system), parameters_(read_parameters<WriteBackParameters>(system.configuration())),
      nr_requests_(static_cast<std::uint64_t>(
          read_parameters<RequestQueueParameters>(system.configuration()).nr_requests)),
      writes_itself_(parameters_.throttle == "writeout"),
      disk_pages_(system.machine.costs().disk.write_bandwidth.value() / double{bytes_per_frame} *
                  std::chrono::duration<double>(system.scheduler.jiffy()).count()),
      ratelimits_(system.machine.cpus()), list_lock_(system.locks.make("wb_list_lock", &list_line_)),
      waiters_(system.scheduler) {}

WriteBack::~WriteBack() = default;

std::int64_t WriteBack::hz() const { return std::chrono::seconds(1) / system_.scheduler.jiffy(); }

void WriteBack::start() {
  if (flusher_ != nullptr) return;
  // writeback_set_ratelimit(): of all memory in 2.6.24, later of what may be dirty of it; at most 4 MiB.
  const std::uint64_t all = system_.pages.managed_frames();
  const std::uint64_t of = writes_itself_ ? all : all * static_cast<std::uint64_t>(parameters_.ratio) / 100;
  ratelimit_pages_ = std::clamp<std::uint64_t>(of / (std::uint64_t{system_.machine.cpus()} * 32), 16, 1024);
  timer_ = std::make_unique<HrtimerSleep>(system_.machine, system_.scheduler);
  flusher_ = &system_.scheduler.kthread_create(writes_itself_ ? "pdflush" : "flush", CoreId(0),
                                               [this](Task& task) { run(task); });
}

// --- limits

std::uint64_t WriteBack::reclaimable(Core& core) {
  return static_cast<std::uint64_t>(system_.pages.vm_stat().read_machine(core, NR_FILE_DIRTY));
}

std::uint64_t WriteBack::nr_dirty(Core& core) {
  return reclaimable(core) +
         static_cast<std::uint64_t>(system_.pages.vm_stat().read_machine(core, NR_WRITEBACK));
}

WriteBack::Limits WriteBack::limits(Core& core) {
  VmStat& stat = system_.pages.vm_stat();
  const auto pages_of = [&](VmStatItem item) {
    return static_cast<std::uint64_t>(stat.read_machine(core, item));
  };
  std::uint64_t available =
      pages_of(NR_FREE_PAGES) + pages_of(NR_INACTIVE_FILE) + pages_of(NR_ACTIVE_FILE) + 1;
  auto ratio = static_cast<std::uint64_t>(parameters_.ratio);
  auto background = static_cast<std::uint64_t>(parameters_.background_ratio);
  if (writes_itself_) { // get_dirty_limits() of 2.6.24
    available += pages_of(NR_INACTIVE_ANON) + pages_of(NR_ACTIVE_ANON);
    const std::uint64_t mapped = (pages_of(NR_FILE_MAPPED) + pages_of(NR_ANON_MAPPED)) * 100 / available;
    ratio = std::max<std::uint64_t>(std::min(ratio, (100 - std::min<std::uint64_t>(mapped, 100)) / 2), 5);
  } else { // global_dirtyable_memory()
    available -= std::min(available - 1, system_.pages.limits().totalreserve_pages);
  }
  if (background >= ratio) background = ratio / 2;
  return {available * background / 100, available * ratio / 100};
}

// --- who makes pages dirty

void WriteBack::account_page_dirtied(Core& core) {
  ++ratelimits_[core.id().value()];
  ++system_.scheduler.running_on(core).nr_dirtied;
}

void WriteBack::mark_inode_dirty(Core& core, File& file) {
  if (file.inode_dirty_) return;
  list_lock_->lock_irqsave(core);
  if (!file.inode_dirty_) {
    file.inode_dirty_ = true;
    dirty_files_.push_back(&file);
  }
  list_lock_->unlock_irqrestore(core);
}

void WriteBack::balance_dirty_pages_ratelimited(Task& task) {
  constexpr std::uint64_t if_exceeded = 8;
  std::uint64_t& on_cpu = ratelimits_[task.core().id().value()];
  std::uint64_t limit = writes_itself_ ? ratelimit_pages_ : task.nr_dirtied_pause;
  if (dirty_exceeded_) limit = std::min(limit, if_exceeded);
  if ((writes_itself_ ? on_cpu : task.nr_dirtied) < limit && on_cpu < ratelimit_pages_) return;
  on_cpu = 0;
  if (writes_itself_)
    writeout(task);
  else
    pause(task, std::max<std::uint64_t>(task.nr_dirtied, 1));
}

// balance_dirty_pages() of 2.6.24.
void WriteBack::writeout(Task& task) {
  const std::uint64_t write_chunk = ratelimit_pages_ * 3 / 2; // sync_writeback_pages()
  std::uint64_t written = 0;
  for (;;) {
    const std::uint64_t limit = limits(task.core()).dirty;
    if (nr_dirty(task.core()) <= limit) {
      dirty_exceeded_ = false;
      break;
    }
    dirty_exceeded_ = true;
    system_.counters.add(Counter::balance_dirty_pages);
    if (reclaimable(task.core()) > 0) written += writeback_inodes(task, write_chunk);
    if (nr_dirty(task.core()) <= limits(task.core()).dirty || written >= write_chunk || task.killed) break;
    congestion_wait(task);
  }
  if (!at_work_ && over_background(task.core())) start_background(task.core(), 0);
}

namespace {
// wb_position_ratio() for one device: 1 at the setpoint, 0 at the limit, 2 where all may run freely.
double position_ratio(double freerun, double limit, double dirty) {
  if (limit <= freerun) return 0;
  const double setpoint = (freerun + limit) / 2;
  const double x = (setpoint - dirty) / (limit - setpoint);
  return std::clamp(1 + x * x * x, 0.0, 2.0);
}

// dirty_poll_interval(): the nearer the limit, the sooner the next look.
std::uint64_t poll_interval(std::uint64_t dirty, std::uint64_t limit) {
  return limit > dirty ? std::uint64_t{1} << ((std::bit_width(limit - dirty) - 1) / 2) : 1;
}
} // namespace

// balance_dirty_pages() of 5.10.
void WriteBack::pause(Task& task, std::uint64_t pages_dirtied) {
  const Duration jiffy = system_.scheduler.jiffy();
  const std::int64_t hz = this->hz();
  const std::int64_t longest = std::max<std::int64_t>(hz / 5, 1); // MAX_PAUSE
  for (;;) {
    const Limits limit = limits(task.core());
    const std::uint64_t dirty = nr_dirty(task.core());
    const std::uint64_t freerun = (limit.dirty + limit.background) / 2;
    if (dirty <= freerun) {
      task.dirty_paused_when = task.now();
      task.nr_dirtied = 0;
      task.nr_dirtied_pause = poll_interval(dirty, limit.dirty);
      dirty_exceeded_ = false;
      break;
    }
    if (!at_work_) start_background(task.core(), 0);
    dirty_exceeded_ = dirty > limit.dirty;
    // wb_max_pause(): an eighth of a second's worth of what is dirty.
    const double eighth = static_cast<double>(std::bit_ceil(static_cast<std::uint64_t>(1 + hz / 8)));
    const auto max_pause =
        std::min(static_cast<std::int64_t>(static_cast<double>(dirty) * eighth /
                                           (eighth + disk_pages_ * static_cast<double>(hz))) +
                     1,
                 longest);
    const double ratio = position_ratio(static_cast<double>(freerun), static_cast<double>(limit.dirty),
                                        static_cast<double>(dirty));
    const double rate = disk_pages_ * ratio; // task_ratelimit, a jiffy
    const double period =
        rate > 0 ? static_cast<double>(pages_dirtied) / rate : static_cast<double>(max_pause);
    const Duration wanted =
        std::chrono::duration_cast<Duration>(jiffy * std::min(period, static_cast<double>(max_pause)));
    const Instant now = task.now();
    // What it has worked since the last pause counts, up to a second.
    const bool first = task.dirty_paused_when == Instant{};
    const Instant until = (first ? now : std::max(task.dirty_paused_when, now - jiffy * hz)) + wanted;
    if (rate > 0 && until - now < jiffy) { // less than a tick: remembered for the next time
      task.dirty_paused_when = until;
      task.nr_dirtied = 0;
      break;
    }
    system_.counters.add(Counter::balance_dirty_pages);
    const Duration pause = std::clamp(until - now, jiffy, jiffy * max_pause);
    const WaitFor whom(task.ledger, disk());
    timer_->until(task, now + pause, Account::io); // io_schedule_timeout()
    task.dirty_paused_when = now + pause;
    task.nr_dirtied = 0;
    task.nr_dirtied_pause = std::max<std::uint64_t>(pages_dirtied, 1);
    if (rate > 0 || task.killed) break;
  }
  if (!at_work_ && over_background(task.core())) start_background(task.core(), 0);
}

// --- waiting for the disk

WaitId WriteBack::disk() const { return system_.page_cache.disk()->wait_id; }

void WriteBack::request_freed(Core& core) { waiters_.wake_all(core); }

void WriteBack::get_request(Task& task) {
  task.core().settle();
  const WaitFor whom(task.ledger, disk());
  while (system_.page_cache.disk()->in_flight(Transfer::write) >= nr_requests_)
    waiters_.wait(task);
}

// congestion_wait(): until a request is done and the queue has room, or HZ / 10.
void WriteBack::congestion_wait(Task& task) {
  system_.counters.add(Counter::congestion_wait);
  task.core().settle();
  const WaitFor whom(task.ledger, disk());
  if (system_.page_cache.disk()->in_flight(Transfer::write) > 0)
    waiters_.wait(task);
  else
    timer_->until(task, task.now() + system_.scheduler.jiffy() * std::max<std::int64_t>(hz() / 10, 1),
                  Account::io);
}

// --- the thread

void WriteBack::wakeup_flusher_threads(Core& core, std::uint64_t pages) {
  if (flusher_ == nullptr || dirty_files_.empty()) return;
  start_background(core,
                   pages == 0 ? reclaimable(core) + dirty_files_.size() : pages); // get_nr_dirty_pages()
}

// At least `pages`, and as many as there are over the background limit.
void WriteBack::start_background(Core& core, std::uint64_t pages) {
  core.settle();
  asked_ = true;
  asked_pages_ = std::max(asked_pages_, pages);
  if (at_work_) return;
  at_work_ = true;
  system_.scheduler.wake(core, *flusher_);
}

// background_writeout() under pdflush(); wb_workfn().
void WriteBack::run(Task& task) {
  for (;;) {
    task.core().settle();
    system_.scheduler.set_current_state(task);
    if (!asked_) {
      at_work_ = false;
      system_.scheduler.block(task, Account::schedule, nullptr);
      continue;
    }
    asked_ = false;
    std::uint64_t least = std::exchange(asked_pages_, 0);
    while (least > 0 || over_background(task.core())) {
      task.core().charge(task.core().costs().work.kthread_step, Account::work);
      const std::uint64_t written = writeback_inodes(task, max_writeback_pages);
      if (written == 0) break; // locked, or under write-back already
      least -= std::min(least, written);
      system_.scheduler.resched_point(task);
    }
  }
}

// --- writing

// Each dirty file in turn that nobody else writes (I_SYNC), until so many pages are on their way.
std::uint64_t WriteBack::writeback_inodes(Task& task, std::uint64_t pages) {
  std::uint64_t written = 0;
  list_lock_->lock_irqsave(task.core());
  for (std::size_t left = dirty_files_.size(); left > 0 && written < pages && !dirty_files_.empty(); --left) {
    File& file = *dirty_files_.front();
    dirty_files_.pop_front();
    if (file.inode_sync_) {
      dirty_files_.push_back(&file);
      continue;
    }
    file.inode_sync_ = true;
    file.inode_dirty_ = false; // who dirties it from now on puts it back
    list_lock_->unlock_irqrestore(task.core());
    written += write_cache_pages(task, file, pages - written);
    task.core().settle();
    list_lock_->lock_irqsave(task.core());
    file.inode_sync_ = false;
    if (file.tagged_dirty() > 0 && !file.inode_dirty_) { // redirty_tail(), requeue_io()
      file.inode_dirty_ = true;
      dirty_files_.push_back(&file);
    }
  }
  list_lock_->unlock_irqrestore(task.core());
  return written;
}

// From where the last turn ended, and once around.
std::uint64_t WriteBack::write_cache_pages(Task& task, File& file, std::uint64_t pages) {
  PageCache& cache = system_.page_cache;
  PageRun run(cache, Transfer::write);
  std::vector<CachedPage*> found(system_.lru->pagevec_size());
  const std::uint64_t start = file.writeback_index_;
  std::uint64_t written = 0, index = start, end = file.pages;
  bool cycled = start == 0;
  while (written < pages) {
    const std::size_t count = file.find_get_pages_dirty(
        task.core(), index, std::span(found).first(std::min<std::uint64_t>(found.size(), pages - written)));
    for (CachedPage* page : std::span(found).first(count)) {
      if (!cache.trylock_page(task.core(), *page)) {
        run.submit(task); // who has its lock may wait for one of these
        cache.lock_page(task, *page);
      }
      if (page->mapping == &file && (cache.flags(*page) & PG_writeback) == 0 &&
          file.clear_page_dirty_for_io(task, *page)) {
        file.start_writeback(task.core(), *page);
        run.add(task, *page);
        ++written;
      } else {
        cache.unlock_page(task.core(), *page);
      }
      file.put_page(task.core(), *page);
    }
    if (count == 0 || index >= end) {
      run.submit(task);
      if (cycled) break;
      cycled = true;
      index = 0;
      end = start;
    }
    system_.scheduler.resched_point(task);
  }
  run.submit(task);
  file.writeback_index_ = index >= file.pages ? 0 : index;
  return written;
}

} // namespace mmsim
