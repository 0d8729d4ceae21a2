// The lock of a page (PG_locked) and its write-back (PG_writeback), and who sleeps for them.
//
//   if (!waits.trylock_page(core, frame)) ...
//   waits.lock_page(task, frame);            // may sleep: `task.core()` may be another one afterwards
//   waits.unlock_page(core, frame);          // from anywhere, the end of a read's interrupt included
//   waits.wait_on_page_locked(task, frame);  // until it is unlocked, without taking it
//   waits.set_page_writeback(core, frame);   // with the lock, before the page is submitted
//   waits.end_page_writeback(core, frame);   // in the interrupt that ends it
//   waits.wait_on_page_writeback(task, frame);
//
// Models lock_page(), wait_on_page_bit() and unlock_page() of mm/filemap.c with the hashed wait queues behind
// them: the lock is a bit of struct page, taken by an atomic operation on its line. Who finds it set queues
// under the queue's lock, says so in the page (PG_waiters, since 4.10), tries again there and sleeps.
// unlock_page() clears the bit; if somebody waits it takes the queue's lock and wakes all who only wait, up
// to the first who wants the lock. He may find it taken again, and queues behind the others. A page that is
// read is locked until it is there.
//
// A page of a file or of the swap cache has a line of its own (CachedPage). Any other user page has none, and
// taking its lock costs machine.line.atomic and what struct_page_miss.hpp says.
//
// Queues: 5.10's page_wait_table of 256 (2.6.24 has such a table a zone). What is slept is booked as `io`.
//
// Left out: the killable forms; handing the lock over to who has lost it five times (5.9 and later);
// bookmarks, by which a long walk over a queue lets others in; that 2.6.24, without PG_waiters, looks at the
// queue at each unlock.
#pragma once

#include "models/locks/spinlock.hpp"
#include "models/reclaim/cached_page.hpp"
#include "sim/engine/fiber.hpp"
#include "sim/record/wait_names.hpp"

#include <array>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <string>

namespace mmsim {

class PageAllocator;
class Reclaim;
class Scheduler;
class Task;

class PageWaitTable {
 public:
  PageWaitTable(WaitNames& names, SpinLocks& locks, Scheduler& scheduler, PageAllocator& pages)
      : locks_(locks), scheduler_(scheduler), pages_(pages), disk_(names.id(WaitKind::device, "disk")),
        swap_(names.id(WaitKind::device, "swap")), page_lock_(names.id(WaitKind::sleep, "a page's lock")) {}

  /// Who takes pages that have been written for it. Before the machine runs.
  void connect(Reclaim& reclaim) { reclaim_ = &reclaim; }

  // `task` is the running one. The caller has a reference to the page, or the page's lock.

  bool trylock_page(Core& core, FrameNumber frame);
  void lock_page(Task& task, FrameNumber frame);
  void unlock_page(Core& core, FrameNumber frame);
  void wait_on_page_locked(Task& task, FrameNumber frame);

  /// set_page_writeback() of a locked page, which is counted from now on. Its file's tree is the caller's.
  void set_page_writeback(Core& core, FrameNumber frame);
  void end_page_writeback(Core& core, FrameNumber frame);
  void wait_on_page_writeback(Task& task, FrameNumber frame);

 private:
  /// On the stack of the task that waits.
  struct Waiter
      : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>,
        Waitable {
    Waiter(const PageWaitTable& table, Task& task, FrameNumber frame, FrameFlag bit, bool exclusive)
        : table(table), task(task), frame(frame), bit(bit), exclusive(exclusive) {}
    /// "page 17 of the file data, locked".
    std::string describe() const override;
    const PageWaitTable& table;
    Task& task;
    const FrameNumber frame;
    const FrameFlag bit;
    const bool exclusive;
    bool woken = false;
  };
  struct Queue {
    explicit Queue(SpinLocks& locks) : lock(locks.make("page_wait_queue", &line)) {}
    CacheLine line{"page_wait_table"};
    std::unique_ptr<SpinLock> lock;
    boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>> waiters;
  };
  void atomic(Core& core, FrameNumber frame);
  void wait(Task& task, FrameNumber frame, FrameFlag bit);
  Queue& queue_of(FrameNumber frame);
  WaitId waits_for(FrameNumber frame, FrameFlag bit) const;
  bool wait_on_page_bit(Task& task, FrameNumber frame, FrameFlag bit, bool exclusive);
  void wake_up_page(Core& core, FrameNumber frame, FrameFlag bit);

  SpinLocks& locks_;
  Scheduler& scheduler_;
  PageAllocator& pages_;
  Reclaim* reclaim_ = nullptr;
  const WaitId disk_, swap_, page_lock_;
  std::array<std::unique_ptr<Queue>, 256> queues_; // made by the first who waits there
};

} // namespace mmsim
