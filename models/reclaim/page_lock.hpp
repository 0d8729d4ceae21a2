// The lock of a page of a file (PG_locked), and who sleeps for it.
//
//   if (!table.trylock_page(core, page)) ...
//   table.lock_page(task, page);            // may sleep: `task.core()` may be another one afterwards
//   table.wait_on_page_locked(task, page);  // until it is unlocked, without taking it
//   table.unlock_page(core, page);          // from anywhere, the end of a read's interrupt included
//
// Models lock_page(), wait_on_page_locked() and unlock_page() of mm/filemap.c with the hashed wait queues
// behind them: the lock is a bit of struct page, taken by an atomic operation on its line. Who finds it set
// queues under the queue's lock, says so in the page (PG_waiters, since 4.10), tries again there and sleeps.
// unlock_page() clears the bit; if somebody waits it takes the queue's lock and wakes all who only wait, up
// to the first who wants the lock. He may find it taken again, and queues behind the others. A page that is
// read is locked until it is there.
//
// Queues: 5.10's page_wait_table of 256 (2.6.24 has such a table a zone). What is slept is booked as `io`.
//
// Left out: the killable forms; handing the lock over to who has lost it five times (5.9 and later);
// bookmarks, by which a long walk over a queue lets others in; that 2.6.24, without PG_waiters, looks at the
// queue at each unlock.
#pragma once

#include "models/locks/spinlock.hpp"
#include "models/pages/frame.hpp"
#include "models/reclaim/block_device.hpp"
#include "sim/engine/fiber.hpp"
#include "sim/machine/cache_line.hpp"

#include <array>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <string>

namespace mmsim {

class File;
class Scheduler;
class Task;

/// What struct page of a file's page has beside its Frame. It stands for the page from its allocation until
/// nobody has it any more; it is not the slot of the file that it is in.
class CachedPage final : public BlockRequest, public Waitable {
 public:
  FrameNumber frame = no_frame;
  File* mapping = nullptr; ///< page->mapping; null once it was truncated
  std::uint64_t index = 0; ///< page->index: its place in the file, in pages
  bool locked = false, uptodate = false, dirty = false, waiters = false;
  std::uint32_t holders = 0; ///< paths that go on with it, the page cache being one: not in the kernel
  CacheLine line{"struct page"};

  void end_io(Core& core) override;
  /// "page 17 of the file data, locked".
  std::string describe() const override;
};

class PageWaitTable {
 public:
  PageWaitTable(SpinLocks& locks, Scheduler& scheduler) : locks_(locks), scheduler_(scheduler) {}

  /// `task` is the running one.
  void lock_page(Task& task, CachedPage& page);
  bool trylock_page(Core& core, CachedPage& page);
  void unlock_page(Core& core, CachedPage& page);
  void wait_on_page_locked(Task& task, CachedPage& page);

 private:
  /// On the stack of the task that waits.
  struct Waiter
      : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    Waiter(Task& task, const CachedPage& page, bool exclusive)
        : task(task), page(page), exclusive(exclusive) {}
    Task& task;
    const CachedPage& page;
    const bool exclusive;
    bool woken = false;
  };
  struct Queue {
    explicit Queue(SpinLocks& locks) : lock(locks.make("page_wait_queue", &line)) {}
    CacheLine line{"page_wait_table"};
    std::unique_ptr<SpinLock> lock;
    boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>> waiters;
  };
  Queue& queue_of(const CachedPage& page);
  bool wait_on_page_bit(Task& task, CachedPage& page, bool exclusive);
  void wake_up_page(Core& core, CachedPage& page);

  SpinLocks& locks_;
  Scheduler& scheduler_;
  std::array<std::unique_ptr<Queue>, 256> queues_; // made by the first who waits there
};

} // namespace mmsim
