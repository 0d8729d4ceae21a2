// SimGrid allows one engine a process: a measurement runs in a child and reports back.
#pragma once

#include <cstdio>
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

/// The host's memory that this process occupies now.
inline double resident_bytes() {
  long total = 0, resident = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%ld %ld", &total, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}
