// What threads of a process do at random to memory that they share, and to areas of their own: steps of programs that
// leave no kernel alone that flushes wrongly.
#pragma once

#include "models/operations/madvise.hpp"
#include "sim/engine/random.hpp"
#include "tests/support/kernel_world.hpp"

#include <vector>

namespace mmsim::tests {

/// The process: a heap, and a window that is now and then open to all.
struct SharedMemory {
  static constexpr std::uint64_t heap_pages = 12;
  PageNumber heap{0}, window{0};
  std::uint64_t window_pages = 0;
  bool open = false, closing = false;
  int inside = 0;
};

/// One thread of it.
class SharedMemoryUser {
 public:
  SharedMemoryUser(KernelWorld& w, SharedMemory& shared, RandomStream& random)
      : w_(w), shared_(shared), random_(random) {}

  /// Writes to the heap round and round.
  void use_heap(Task& task) {
    WorkingSet set{shared_.heap, SharedMemory::heap_pages, ns(40), AccessKind::write};
    run_user(w_.system, task, random_.exponential(ns(8000)), &set);
  }

  /// An area of its own, with a table of its own or not, comes and goes.
  void own_area(Task& task) {
    const std::uint64_t pages = 1 + below(6);
    const PageNumber area = mmap(w_.system, task, pages, below(2) ? 512 : 1);
    for (std::uint64_t i = 0; i < pages; ++i)
      touch(w_.system, task, area + i, below(2) ? AccessKind::write : AccessKind::read);
    if (below(2)) run_user(w_.system, task, random_.exponential(ns(3000)));
    munmap(w_.system, task, area, pages);
  }

  /// Opens the window, an area that others read while it is there; takes the pages away, by madvise or so that nobody
  /// may fault new ones in before the flush, and then the area.
  void open_window(Task& task, bool by_madvise) {
    if (shared_.open || shared_.closing) return;
    shared_.closing = true;
    const std::uint64_t pages = 1 + below(4);
    const PageNumber area = mmap(w_.system, task, pages, below(2) ? 512 : 1);
    for (std::uint64_t i = 0; i < pages; ++i)
      touch(w_.system, task, area + i, AccessKind::write);
    shared_.window = area;
    shared_.window_pages = pages;
    shared_.open = true;
    run_user(w_.system, task, random_.exponential(ns(10'000)));
    if (by_madvise)
      std::ignore = madvise(w_.system, task, area, pages, Advice::dontneed);
    else
      w_.dont_need(task, area, pages);
    run_user(w_.system, task, random_.exponential(ns(10'000)));
    shared_.open = false;
    while (shared_.inside > 0)
      run_user(w_.system, task, ns(200));
    munmap(w_.system, task, area, pages);
    shared_.closing = false;
  }
  void read_window(Task& task) {
    if (!shared_.open) return;
    ++shared_.inside;
    for (std::uint64_t i = 0; i < shared_.window_pages; ++i)
      touch(w_.system, task, shared_.window + i, AccessKind::read);
    WorkingSet set{shared_.window, shared_.window_pages, ns(30), AccessKind::read};
    run_user(w_.system, task, ns(2000), &set);
    --shared_.inside;
  }

  /// A child that nobody waits for: both write to the heap.
  void fork_and_write(Task& task) {
    const PageNumber heap = shared_.heap;
    fork(w_.system, task, any_cpu(), [&w = w_, heap](Task& child) {
      for (std::uint64_t i = 0; i < SharedMemory::heap_pages; i += 2)
        touch(w.system, child, heap + i, AccessKind::write);
      run_user(w.system, child, ns(2000));
      exit_task(w.system, child);
    });
    for (std::uint64_t i = 0; i < SharedMemory::heap_pages; i += 3)
      touch(w_.system, task, heap + i, AccessKind::write);
  }

  /// One of `kernel_threads` borrows the address space of whoever runs on its core.
  void wake_one(Task& task, const std::vector<Task*>& kernel_threads) {
    w_.system.scheduler.wake(task.core(), *kernel_threads[below(kernel_threads.size())]);
    w_.system.scheduler.yield(task);
  }

 private:
  static constexpr Duration ns(std::int64_t n) {
    return std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(n));
  }
  std::uint64_t below(std::uint64_t n) { return random_.below(n); }
  CoreId any_cpu() { return CoreId(static_cast<std::uint32_t>(below(w_.system.machine.cpus()))); }

  KernelWorld& w_;
  SharedMemory& shared_;
  RandomStream& random_;
};

/// A kernel thread a CPU, bound to it, which works for 3 us whenever it is woken.
inline std::vector<Task*> kernel_threads_at_boot(KernelWorld& w) {
  std::vector<Task*> threads;
  for (std::uint32_t cpu = 0; cpu < w.system.machine.cpus(); ++cpu) {
    threads.push_back(&spawn_kthread_at_boot(w.system, "kernel thread", CoreId(cpu), [&w](Task& task) {
      for (;;) {
        w.system.scheduler.block(task, Account::schedule, nullptr);
        task.core().charge(std::chrono::microseconds(3), Account::work);
        task.core().settle();
      }
    }));
    threads.back()->bound = true;
  }
  return threads;
}

} // namespace mmsim::tests
