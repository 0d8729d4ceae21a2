#include "cli/host/partner.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "cli/host/clock.hpp"
#include "cli/host/pinning.hpp"

namespace mmsim::host {

Partner::Partner(int cpu, Body body) : state_(std::make_unique<State>()) {
  thread_ = std::thread([state = state_.get(), cpu, body = std::move(body)] {
    state->pinned = cpu >= 0 && pin_to(cpu);
    state->running = true;
    state->running.notify_all();
    body(state->stop);
  });
  state_->running.wait(false);
}

Partner::~Partner() {
  if (!state_) return; // moved from
  state_->stop = true;
  state_->stop.notify_all();
  if (thread_.joinable()) thread_.join();
}

Partner Partner::spinning(int cpu) {
  return Partner(cpu, [](const std::atomic<bool>& stop) {
    while (!stop.load(std::memory_order_relaxed))
      relax();
  });
}

Partner Partner::sleeping(int cpu) {
  return Partner(cpu, [](const std::atomic<bool>& stop) { stop.wait(false); });
}

PartnerProcess::PartnerProcess(int cpu, const std::function<void()>& body) {
  const pid_t parent = getpid();
  child_ = fork();
  if (child_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent || (cpu >= 0 && !pin_to(cpu))) _exit(1); // the parent died before the line above
  try {
    body();
  } catch (...) { // what follows the fork is the parent's to do
    _exit(1);
  }
  _exit(0);
}

PartnerProcess::~PartnerProcess() {
  if (child_ <= 0) return;
  kill(child_, SIGKILL);
  while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

} // namespace mmsim::host
