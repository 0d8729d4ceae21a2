#include <exception>
#include <functional>
#include <iostream>
#include <new>

#include <spdlog/spdlog.h>

#include "cli/command_line.hpp"
#include "cli/exit_status.hpp"
#include "cli/log.hpp"
#include "sim/engine/configuration.hpp"

int main(int argc, char** argv) {
  using namespace mmsim;
  set_up_log();
  try {
    const int status = parse_command_line(argc, argv)();
    std::cout.flush();
    if (std::cout.fail()) {
      spdlog::error("standard output cannot be written");
      return exit_fault;
    }
    return status;
  } catch (const InputError& error) {
    spdlog::error("{}", error.what());
    return exit_wrong_input;
  } catch (const std::exception& error) {
    spdlog::critical("{}", error.what());
    return exit_fault;
  }
}
