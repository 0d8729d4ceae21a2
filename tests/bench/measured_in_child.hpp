// SimGrid allows one engine a process: a measurement runs in a child and reports back.
#pragma once

#include <sys/wait.h>
#include <type_traits>
#include <unistd.h>

/// What `measure()` returns in a forked child, or a default-constructed result if the child fails.
template <class Measure>
auto measured_in_child(Measure&& measure) {
  using Measured = std::invoke_result_t<Measure>;
  static_assert(std::is_trivially_copyable_v<Measured>);
  int channel[2];
  if (pipe(channel) != 0) return Measured{};
  const pid_t child = ::fork();
  if (child == 0) {
    const Measured measured = measure();
    _exit(write(channel[1], &measured, sizeof measured) == sizeof measured ? 0 : 1);
  }
  close(channel[1]);
  Measured measured;
  if (read(channel[0], &measured, sizeof measured) != sizeof measured) measured = {};
  close(channel[0]);
  waitpid(child, nullptr, 0);
  return measured;
}
