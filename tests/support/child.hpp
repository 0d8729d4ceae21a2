// SimGrid allows one engine a process. A test that needs many runs each in a process of its own and gets
// numbers back.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace mmsim::tests {

/// What `body` returns, computed in a forked child. Throws if the child throws, crashes or is stopped by a
/// sanitizer.
inline std::vector<std::int64_t> in_child(const std::function<std::vector<std::int64_t>()>& body) {
  int channel[2];
  if (pipe(channel) != 0) throw std::runtime_error("no pipe to a child process");
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no child process");
  if (child == 0) {
    int status = 3;
    try {
      const std::vector<std::int64_t> numbers = body();
      std::FILE* out = fdopen(channel[1], "w");
      status = std::fwrite(numbers.data(), sizeof(std::int64_t), numbers.size(), out) == numbers.size() &&
                       std::fflush(out) == 0
                   ? 0
                   : 4;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "in a child process: %s\n", error.what());
    }
    _exit(status);
  }
  close(channel[1]);
  std::vector<std::int64_t> numbers;
  std::FILE* in = fdopen(channel[0], "r");
  std::int64_t number;
  while (std::fread(&number, sizeof number, 1, in) == 1)
    numbers.push_back(number);
  std::fclose(in);
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error("a child process failed with wait status " + std::to_string(status));
  return numbers;
}

} // namespace mmsim::tests
