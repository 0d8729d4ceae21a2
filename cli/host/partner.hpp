// A second thread or process on another CPU, for what takes two.
//
//   Partner spinner = Partner::spinning(1);         // runs in this address space, never sleeps
//   Partner answers(1, [&](const std::atomic<bool>& stop) { while (!stop) answer(); });
//
// It runs when the constructor returns. Destruction asks it to stop and waits for it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

namespace mmsim::host {

class Partner {
 public:
  using Body = std::function<void(const std::atomic<bool>& stop)>;

  /// `body` must return soon after `stop` is set. cpu < 0: not pinned.
  Partner(int cpu, Body body);
  ~Partner();
  Partner(Partner&&) = default;
  Partner& operator=(Partner&&) = delete;

  /// Spins in user code, in this address space: TLB flushes interrupt it.
  static Partner spinning(int cpu);
  /// Sleeps in the kernel, in this address space: its CPU is free for others or idle.
  static Partner sleeping(int cpu);

  /// Whether the thread is where it should be.
  bool pinned() const { return state_->pinned; }

 private:
  struct State {
    std::atomic<bool> stop{false}, running{false}, pinned{false};
  };
  std::unique_ptr<State> state_;
  std::thread thread_;
};

/// A child process, which starts as a copy of this one. The child must make no more threads and allocate
/// nothing that a thread of the parent may have locked; it ends by leaving `body`.
class PartnerProcess {
 public:
  /// `body` runs in the child, unless the kernel refuses it that CPU (< 0: any): then the child ends at once.
  /// It is killed on destruction if it has not ended by then, and when this process ends.
  PartnerProcess(int cpu, const std::function<void()>& body);
  ~PartnerProcess();
  PartnerProcess(const PartnerProcess&) = delete;
  PartnerProcess& operator=(const PartnerProcess&) = delete;

  bool started() const { return child_ > 0; }

 private:
  pid_t child_ = -1;
};

} // namespace mmsim::host
