// What a system call returns when it fails, and its line in the log.
//
//   if (pages == 0) return failed(system, task, Errno::einval, "munmap", first, pages);
//
// A run goes on after a system call has failed, as the program does that called it.
#pragma once

#include "sim/engine/strong_int.hpp"

#include <cstdint>
#include <string_view>

namespace mmsim {

class System;
class Task;

/// In lower case: <cerrno> has macros of the other names.
enum class Errno : std::uint8_t { ok, eperm, eagain, enomem, eacces, efault, eexist, enodev, einval };

/// "EINVAL".
std::string_view name_of(Errno error);

/// Returns `error`; logs (SPDLOG_LEVEL=debug shows it) which call of whom failed with it on [first, first +
/// pages), and tells the run (System::call_failed). `call` is a literal.
Errno failed(System& system, const Task& task, Errno error, std::string_view call, PageNumber first,
             std::uint64_t pages);

} // namespace mmsim
