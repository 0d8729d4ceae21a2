// What a system call returns when it fails, and its line in the log.
//
//   if (pages == 0) return failed(task, Errno::EINVAL, "munmap", first, pages);
//
// A run goes on after a system call has failed, as the program does that called it.
#pragma once

#include "sim/engine/strong_int.hpp"

#include <cstdint>
#include <string_view>

namespace mmsim {

class Task;

enum class Errno : std::uint8_t { ok, EPERM, EAGAIN, ENOMEM, EACCES, EFAULT, EEXIST, EINVAL };

/// "EINVAL".
std::string_view name_of(Errno error);

/// Returns `error`, and logs (debug) which call of whom failed with it on [first, first + pages).
Errno failed(const Task& task, Errno error, std::string_view call, PageNumber first, std::uint64_t pages);

} // namespace mmsim
