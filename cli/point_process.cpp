#include "cli/point_process.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <system_error>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

#include "cli/exit_status.hpp"

namespace mmsim {
namespace {

constexpr off_t most_output = 4096;

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

/// The end of a file in memory, from the start of a line.
std::string tail_of(int file) {
  const off_t size = std::max<off_t>(::lseek(file, 0, SEEK_END), 0);
  std::string text(std::size_t(std::min(size, most_output)), '\0');
  const ssize_t got = ::pread(file, text.data(), text.size(), size - off_t(text.size()));
  text.resize(std::size_t(std::max<ssize_t>(got, 0)));
  if (size > most_output) text.erase(0, text.find('\n') + 1);
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  return text;
}

} // namespace

PointProcesses::PointProcesses() {
  sigemptyset(&taken_);
  sigaddset(&taken_, SIGCHLD);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    ::sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_IGN) sigaddset(&taken_, signal); // nohup and background jobs ignore some
  }
  ::signal(SIGCHLD, SIG_DFL); // a supervisor may have left it ignored: then children vanish without a status
  ::sigprocmask(SIG_BLOCK, &taken_, &before_);
}

PointProcesses::~PointProcesses() {
  stop();
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

void PointProcesses::start(std::size_t job, const std::function<int()>& body) {
  const int output = ::memfd_create("mmsim-point", MFD_CLOEXEC);
  if (output < 0) fail("cannot keep the output of a run");
  std::cout.flush(); // or the child would write it again
  std::fflush(nullptr);
  const pid_t parent = ::getpid(), child = ::fork();
  if (child < 0) {
    ::close(output);
    fail("cannot start a process");
  }
  if (child == 0) be_child(body, output, parent);
  children_.emplace(child, Child{job, output, std::chrono::steady_clock::now()});
}

void PointProcesses::be_child(const std::function<int()>& body, int output, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(exit_fault); // it died before the line above
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  int status = exit_fault;
  try {
    status = body();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  } catch (...) {
    std::fprintf(stderr, "an exception of an unknown type\n");
  }
  std::cout.flush();
  std::fflush(nullptr);
  ::_exit(status); // the parent's destructors and exit handlers are not ours
}

std::vector<PointProcesses::Finished> PointProcesses::wait(std::chrono::milliseconds timeout) {
  std::vector<Finished> result;
  const auto reap = [&] {
    for (auto child = children_.begin(); child != children_.end();) {
      int status = 0;
      if (::waitpid(child->first, &status, WNOHANG) != child->first) {
        ++child;
        continue;
      }
      Finished finished{child->second.job,
                        WIFEXITED(status) ? WEXITSTATUS(status) : int(exit_fault),
                        {},
                        tail_of(child->second.output),
                        0};
      if (WIFSIGNALED(status))
        finished.killed =
            "signal " + std::to_string(WTERMSIG(status)) + " (" + ::strsignal(WTERMSIG(status)) + ')';
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - child->second.started;
      finished.host_seconds = took.count();
      ::close(child->second.output);
      result.push_back(std::move(finished));
      child = children_.erase(child);
    }
  };
  reap(); // one SIGCHLD may stand for several children, and for those of the last call
  if (!result.empty() || interrupted_) return result;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  const timespec patience{seconds.count(), std::chrono::nanoseconds(timeout - seconds).count()};
  const int signal = ::sigtimedwait(&taken_, nullptr, &patience);
  if (signal > 0 && signal != SIGCHLD) interrupted_ = true;
  reap();
  return result;
}

void PointProcesses::stop() {
  for (const auto& [child, facts] : children_)
    ::kill(child, SIGKILL);
  for (const auto& [child, facts] : children_) {
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    ::close(facts.output);
  }
  children_.clear();
}

} // namespace mmsim
