#include "cli/host/simulated_workload.hpp"

#include "cli/configuration_files.hpp"
#include "cli/exit_status.hpp"
#include "cli/point_process.hpp"
#include "scenarios/run_point.hpp"

#include <algorithm>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <spdlog/fmt/fmt.h>

namespace mmsim::host {
namespace {

constexpr auto patience = std::chrono::milliseconds(200);

std::string scenario_of(const KernelWorkload& w) {
  switch (w.kind) {
  case KernelWorkload::Kind::fork:
    return "fork";
  case KernelWorkload::Kind::storm:
    return "cow";
  case KernelWorkload::Kind::map:
  case KernelWorkload::Kind::read:
    return "munmap";
  case KernelWorkload::Kind::threads:
    return "page_fault";
  case KernelWorkload::Kind::protect:
    return "mprotect";
  }
  return {};
}

double typical_ns(const std::string& operation, const Histogram& latency) {
  if (operation.ends_with("_fault") || operation == "mprotect")
    return double(latency.sum().count()) / 1000.0 / double(latency.count());
  return double(latency.percentile(50).count()) / 1000.0;
}

// One line, "ns ns ns", in the order of operations_of().
int run_and_tell(const SimulatedWorkload& simulation) {
  std::vector<std::string> settings = simulation.settings;
  for (std::string& setting : settings_of(simulation.workload))
    settings.push_back(std::move(setting));
  const PointResult result = run_point(load_configuration({}, settings));
  if (result.status != PointStatus::done) throw std::runtime_error(result.message);
  std::string line;
  for (const std::string& name : operations_of(simulation.workload.kind)) {
    const auto operation = std::ranges::find(result.operations, name, &OperationResult::name);
    if (name == "cow_fault" && simulation.workload.pages == 0) {
      line += " 0"; // nothing to copy
      continue;
    }
    if (operation == result.operations.end() || operation->latency.count() == 0)
      throw std::runtime_error(fmt::format("no {} ended within the simulated window", name));
    line += fmt::format(" {:.3f}", typical_ns(name, operation->latency));
  }
  std::cout << line << '\n';
  return exit_done;
}

std::vector<double> told_by(const PointProcesses::Finished& run) {
  if (!run.killed.empty()) throw std::runtime_error("a simulation was killed by " + run.killed);
  if (run.exit_status != exit_done) throw std::runtime_error("a simulation failed: " + run.output);
  const std::size_t line = run.output.find_last_of('\n', run.output.size() - 2);
  std::istringstream in(line == std::string::npos ? run.output : run.output.substr(line));
  std::vector<double> times;
  for (double ns; in >> ns;)
    times.push_back(ns);
  return times;
}

} // namespace

std::vector<std::string> settings_of(const KernelWorkload& w) {
  using Kind = KernelWorkload::Kind;
  // Windows of several passes at least, and what a pass takes is generous.
  const bool forks = w.kind == Kind::fork || w.kind == Kind::storm;
  const std::uint64_t us = (forks ? 1000 + 3 * w.empty_areas : 100) + 4 * w.pages;
  std::vector<std::string> settings{
      "scenario.name=" + scenario_of(w),         fmt::format("run.cpus={}", w.cpus()),
      fmt::format("scenario.pages={}", w.pages), "scenario.think=0 ns",
      fmt::format("run.warmup={} us", us),       fmt::format("run.duration={} us", 6 * us)};
  switch (w.kind) {
  case Kind::fork:
    settings.push_back(fmt::format("scenario.vmas={}", 1 + w.empty_areas));
    if (w.pages > 0) settings.push_back("scenario.rewrite=true");
    break;
  case Kind::storm:
    break;
  case Kind::map:
  case Kind::read:
    settings.push_back(w.sharer ? "scenario.mode=threads" : "scenario.mode=processes");
    if (w.sharer) settings.push_back("scenario.readers=1");
    if (w.kind == Kind::read) settings.push_back("scenario.touch=read");
    break;
  case Kind::threads:
    settings.push_back("scenario.mode=threads");
    break;
  case Kind::protect:
    break;
  }
  return settings;
}

SimulatedTimes simulate(const std::vector<SimulatedWorkload>& simulations) {
  PointProcesses processes; // first: from here on an interruption is taken by wait()
  for (const SimulatedWorkload& simulation : simulations) // wrong input is told here, with its place
    load_configuration({}, simulation.settings);
  SimulatedTimes times(simulations.size());
  const std::size_t at_a_time = std::clamp(std::thread::hardware_concurrency(), 1u, 2u);
  for (std::size_t next = 0; next < simulations.size() || processes.busy() > 0;) {
    while (next < simulations.size() && processes.busy() < at_a_time) {
      processes.start(next, [&simulations, next] { return run_and_tell(simulations[next]); });
      ++next;
    }
    const std::vector<PointProcesses::Finished> finished = processes.wait(patience);
    // A terminal's Ctrl-C ends the children as well, and theirs may be the first signal that is seen here.
    if (std::ranges::any_of(finished, [](const auto& run) { return !run.killed.empty(); }))
      for (int tries = 0; tries < 3 && !processes.interrupted(); ++tries)
        processes.wait(patience);
    if (processes.interrupted()) throw Interrupted();
    for (const PointProcesses::Finished& run : finished)
      times[run.job] = told_by(run);
  }
  return times;
}

} // namespace mmsim::host
