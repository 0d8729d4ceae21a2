#include "models/operations/errno.hpp"

#include "models/scheduler/task.hpp"
#include "models/system.hpp"

#include <array>
#include <spdlog/spdlog.h>

namespace mmsim {

std::string_view name_of(Errno error) {
  constexpr std::array<std::string_view, 9> names{"ok",     "EPERM",  "EAGAIN", "ENOMEM", "EACCES",
                                                  "EFAULT", "EEXIST", "ENODEV", "EINVAL"};
  return names[static_cast<std::size_t>(error)];
}

Errno failed(System& system, const Task& task, Errno error, std::string_view call, PageNumber first,
             std::uint64_t pages) {
  spdlog::debug("{} (pid {}): {} of {} pages at page {:#x} returns {}", task.name, task.pid, call, pages,
                first.value(), name_of(error));
  if (system.call_failed) system.call_failed(call, error);
  return error;
}

} // namespace mmsim
