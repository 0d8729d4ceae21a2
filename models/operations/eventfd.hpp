// eventfd: a counter that tasks write to and sleep on, what ping-pong benchmarks wake each other by.
//
//   fd.write(system, task);   // count += 1, wakes the reader
//   fd.read(system, task);    // sleeps until count > 0, then takes it all
//
// Models eventfd_write() and eventfd_read() of fs/eventfd.c (2.6.24 and 5.10 alike) for a blocking descriptor
// with one reader: wqh.lock with irqs off around the count, the wake-up under it. Left out: finding the file,
// copying eight bytes from and to the user, a counter that is full, several readers.
#pragma once

#include "models/operations/user.hpp"
#include "models/system.hpp"

#include <memory>
#include <string>

namespace mmsim {

class EventFd : public Waitable {
 public:
  explicit EventFd(System& system)
      : lock_(system.locks.make("eventfd_wqh")),
        event_(system.machine.wait_names().id(WaitKind::sleep, "eventfd")) {}

  /// A write(2) of 1. Throws TaskKilled.
  void write(System& system, Task& task);
  /// A read(2). The sleep is killable. Throws TaskKilled.
  void read(System& system, Task& task);
  /// The write alone, by whoever runs on `core`: eventfd_signal().
  void signal(System& system, Core& core);
  std::string describe() const override { return "an eventfd"; }

 private:
  std::unique_ptr<SpinLock> lock_;
  std::uint64_t count_ = 0; // beside the lock, on its line
  Task* reader_ = nullptr;
  const WaitId event_;
};

} // namespace mmsim
