// Child processes, some at a time: SimGrid allows one engine a process, so every run gets one of its own.
//
//   PointProcesses processes(4);                          // from here on signals are taken by wait()
//   while (processes.busy() < 4) processes.start(job, [&] { return run(job); });
//   for (auto& finished : processes.wait(200ms)) ...
//   if (processes.interrupted()) processes.stop();
//
// A child that crashes takes nobody with it; children die with their parent, even if it is killed.
#pragma once

#include <chrono>
#include <csignal>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

namespace mmsim {

class PointProcesses {
 public:
  struct Finished {
    std::size_t job;
    int exit_status;     ///< of the child; meaningless if it was killed
    std::string killed;  ///< "signal 11 (Segmentation fault)", or empty
    std::string output;  ///< the end of what it wrote to standard output and error
    double host_seconds; ///< from start to end
  };

  /// Takes SIGINT, SIGTERM and SIGHUP (unless they are ignored) and SIGCHLD away from their handlers until
  /// destroyed.
  PointProcesses();
  /// Stops what still runs.
  ~PointProcesses();
  PointProcesses(const PointProcesses&) = delete;
  PointProcesses& operator=(const PointProcesses&) = delete;

  /// Runs `body` in a child, whose exit status is what it returns. Throws std::system_error if there can be
  /// no child.
  void start(std::size_t job, const std::function<int()>& body);
  std::size_t busy() const { return children_.size(); }

  /// The children that have ended, after waiting for one, a signal or the timeout.
  std::vector<Finished> wait(std::chrono::milliseconds timeout);
  /// Whether the user asked to stop.
  bool interrupted() const { return interrupted_; }
  /// Kills and reaps all children.
  void stop();

 private:
  struct Child {
    std::size_t job;
    int output; ///< a file in memory: unlike a pipe it never makes the child wait
    std::chrono::steady_clock::time_point started;
  };
  [[noreturn]] void be_child(const std::function<int()>& body, int output, pid_t parent);

  std::map<pid_t, Child> children_;
  sigset_t taken_, before_;
  bool interrupted_ = false;
};

} // namespace mmsim
