#include "scenarios/users.hpp"

#include <spdlog/fmt/fmt.h>
#include <string>
#include <utility>

namespace mmsim {

void spawn_users(Experiment& x, std::string_view mode, std::string_view name,
                 const std::function<void(Task&, CoreId)>& body) {
  MmStruct* shared = nullptr;
  x.on_each_cpu([&](CoreId cpu) {
    std::string full_name = fmt::format("{} on cpu {}", name, cpu.value());
    const auto on_cpu = [body, cpu](Task& task) { body(task, cpu); };
    Task& task = shared != nullptr
                     ? spawn_thread_at_boot(x.system(), std::move(full_name), *shared, cpu, on_cpu)
                     : spawn_process_at_boot(x.system(), std::move(full_name), cpu, on_cpu);
    task.bound = true;
    if (mode == "threads") shared = task.mm;
  });
}

} // namespace mmsim
