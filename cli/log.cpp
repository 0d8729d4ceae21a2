#include "cli/log.hpp"

#include <memory>

#include <spdlog/cfg/env.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "cli/terminal.hpp"

namespace mmsim {

void set_up_log() {
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_st>(
      terminal_of(2).colour ? spdlog::color_mode::always : spdlog::color_mode::never);
  auto logger = std::make_shared<spdlog::logger>("mmsim", std::move(sink));
  logger->set_pattern("%n: %^%l%$: %v");
  spdlog::set_default_logger(std::move(logger));
  spdlog::cfg::load_env_levels(); // SPDLOG_LEVEL=debug: system calls that failed
}

} // namespace mmsim
