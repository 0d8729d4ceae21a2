#include "scenarios/run_point.hpp"

#include "models/proc.hpp"
#include "scenarios/scenario.hpp"

#include <chrono>
#include <ranges>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {

// A mechanism that was chosen and never used says nothing about itself: the reader must know.
std::vector<std::string> unexercised(const System& system, const Configuration& configuration,
                                     const Counters::Snapshot& run) {
  std::vector<std::string> warnings;
  if (run[Counter::tlb_flush_page] + run[Counter::tlb_flush_range] + run[Counter::tlb_flush_mm] == 0)
    warnings.push_back(fmt::format("kernel.tlb_flush = \"{}\" was never exercised: nothing was flushed",
                                   read_parameters<TlbFlushParameters>(configuration).policy));
  if (read_parameters<TlbFlushParameters>(configuration).policy == "latr" && run[Counter::latr_deferred] == 0)
    warnings.push_back("kernel.tlb_flush = \"latr\" was never exercised: nothing was left to other cores");
  if (system.vma_trees.has_locks() && run[Counter::vma_lock_success] == 0)
    warnings.push_back("kernel.vma_lock was never exercised: no fault found its area by its own lock");
  if (system.mm_switch.kernel_entries() == 0)
    warnings.push_back(fmt::format("kernel.kthread_switch = \"{}\" was never exercised",
                                   read_parameters<KthreadSwitchParameters>(configuration).kthread_switch));
  if (!system.mm_switch.counted() && system.lazy_shootdown.cleaned() == 0)
    warnings.push_back("kernel.lazy_ref = \"shootdown\" was never exercised: no address space was freed");
  return warnings;
}

// Whom the OOM killer has chosen, and why: the first few, a line each.
void tell_of_kills(const System& system, std::uint64_t killed, std::vector<std::string>& warnings) {
  constexpr std::size_t shown = 3;
  std::uint64_t told = 0;
  for (const OomKiller::Kill& kill : system.reclaim.oom().kills() | std::views::take(shown)) {
    warnings.push_back(fmt::format(
        "the OOM killer took {} (pid {}, {} pages) when {} asked for memory at {} ms", kill.name, kill.pid,
        kill.points, kill.asked_by,
        std::chrono::duration_cast<std::chrono::milliseconds>(kill.when.time_since_epoch()).count()));
    ++told;
  }
  if (told > 0 && killed > told)
    warnings.push_back(fmt::format("the OOM killer took {} more", killed - told));
  const std::uint64_t kept = system.pages.limits().min_free_kbytes / 4, all = system.pages.managed_frames();
  if (2 * kept > all)
    warnings.push_back(fmt::format("the min watermarks keep {} of {} pages free: kernel.min_free_kbytes = {}",
                                   kept, all, system.pages.limits().min_free_kbytes));
}

// Processes that were killed by a signal other than the OOM killer's.
void tell_of_signals(const Counters::Snapshot& run, std::vector<std::string>& warnings) {
  const auto tell = [&](Counter counter, std::string_view signal, std::string_view reason) {
    if (const std::uint64_t killed = run[counter]; killed > 0)
      warnings.push_back(fmt::format("{} process{} killed by {}: {}; the figures are those of what was left",
                                     killed, killed == 1 ? " was" : "es were", signal, reason));
  };
  tell(Counter::sigbus, "SIGBUS",
       "a page could not be read (machine.swap.fail_every, machine.disk.fail_every) or is behind its file's "
       "end");
  tell(Counter::segfault, "SIGSEGV", "an access that no area permits");
}

// Tasks that ended early are no fault, but the figures are those of what was left.
std::vector<std::string> ended_early(const Experiment& experiment, const System& system,
                                     const Counters::Snapshot& run, const Configuration& configuration) {
  const auto overcommit = read_parameters<OvercommitParameters>(configuration);
  const std::string fewer = ", or let the scenario use fewer pages";
  const std::string remedy = "raise machine.memory or machine.swap.size" + fewer;
  const std::string remedy_of_promises =
      overcommit.memory != 2
          ? remedy
          : fmt::format(
                "kernel.overcommit_memory = 2 promises no more than kernel.overcommit_ratio = {} % of "
                "memory: raise the ratio or machine.memory, choose overcommit_memory = 0{}",
                overcommit.ratio, fewer);
  std::vector<std::string> warnings;
  if (const std::uint64_t killed = run[Counter::oom_kill]; killed > 0) {
    warnings.push_back(
        fmt::format("{} process{} killed: out of memory; the figures are those of what was left: {}", killed,
                    killed == 1 ? " was" : "es were", remedy));
    tell_of_kills(system, killed, warnings);
  }
  tell_of_signals(run, warnings);
  for (const auto& [call, error, times, ended] : experiment.failures())
    warnings.push_back(
        fmt::format("{} failed {} time{} ({}), and {}{}", call, times, times == 1 ? "" : "s", name_of(error),
                    ended == times ? "each time a process ended"
                                   : fmt::format("{} process{} ended", ended, ended == 1 ? "" : "es"),
                    error == Errno::enomem ? ": " + remedy_of_promises : ""));
  return warnings;
}

std::vector<std::string> unmeasured(const PointResult& result, const Experiment& experiment, bool ran_short) {
  std::vector<std::string> warnings;
  bool any = false;
  for (const OperationResult& operation : result.operations)
    any = any || operation.latency.count() > 0;
  for (const OperationResult& operation : result.operations)
    if (operation.latency.count() == 0 && (!any || experiment.surely_occurs(operation.name)))
      warnings.push_back(fmt::format("no {} began and ended in the measured window{}", operation.name,
                                     ran_short ? "" : ": lengthen run.duration"));
  return warnings;
}

// What the list of allocators says of the one that several CPUs use here.
std::string notes_on_ids(const System& system, const Configuration& configuration) {
  if (!system.ids.has_ids() || system.machine.cpus() == 1) return {};
  const std::string chosen = read_parameters<AsidParameters>(configuration).allocator;
  for (const RegistryEntry& entry : Registry<AsidImplementation>::instance().entries())
    if (entry.name == chosen) return entry.notes;
  return {};
}

// Before the engine runs: the tasks of the boot are there, and have done nothing.
void attach(Trace& trace, System& system) {
  trace.set_cores(system.machine.cpus());
  system.scheduler.for_each_task([&](Task& task) {
    if (!task.idle) trace.task_made(task.pid, task.name, task.ledger);
  });
  trace.set_sampler([&system] {
    return TraceSample{system.engine.now(), std::int64_t(system.pages.free_frames()),
                       std::int64_t(system.scheduler.runnable())};
  });
  system.machine.set_trace(&trace);
}

PointResult run(const Configuration& configuration, const RunWatchers& watchers) {
  ProcRecord* const proc = watchers.proc;
  const auto host_start = std::chrono::steady_clock::now();
  const auto parameters = read_parameters<RunParameters>(configuration);
  const std::string name = chosen_scenario(configuration);
  if (name.empty()) throw InputError("no scenario: set scenario.name (`mmsim list scenarios` shows them)");

  PointResult result;
  result.seed = static_cast<std::uint64_t>(parameters.seed);
  Engine engine(Engine::Options{parameters.run_ahead, static_cast<std::uint64_t>(parameters.permute_ties)});
  Counters counters;
  System system(engine, configuration, counters, static_cast<std::uint32_t>(parameters.cpus), result.seed);
  Experiment experiment(system, parameters);
  if (proc != nullptr)
    experiment.on_close = [&] { proc->window = proc_files(proc_snapshot(system, VmStatReading::global)); };
  if (watchers.trace != nullptr) attach(*watchers.trace, system);
  const auto scenario = Registry<Scenario>::instance().create(name, configuration);
  scenario->start(experiment);
  result.status = PointStatus::done;
  try {
    engine.run();
    system.check_invariants();
    if (proc != nullptr) proc->end = proc_files(proc_snapshot(system, VmStatReading::folded));
  } catch (const Violation& violation) {
    result.status = PointStatus::violation;
    result.message = violation.what();
  }
  if (watchers.trace != nullptr)
    watchers.trace->finish(engine.now(),
                           [&](WaitId whom) { return system.machine.wait_names().name_of(whom, counters); });
  result.simulated = engine.now().time_since_epoch();
  result.events = engine.events();
  result.whole_run = counters.snapshot();
  if (result.status == PointStatus::done) {
    if (const auto imbalance = interrupt_imbalance(result.whole_run)) {
      result.status = PointStatus::violation;
      result.message = *imbalance;
    } else {
      result.operations = experiment.recorder()->results(
          [&](WaitId whom) { return system.machine.wait_names().name_of(whom, counters); });
      result.measured = experiment.recorder()->measured();
      result.counters = difference(experiment.window_end(), experiment.window_begin());
      result.ipis = experiment.window_ipis();
      result.warnings = ended_early(experiment, system, result.whole_run, configuration);
      for (std::string& warning : unmeasured(result, experiment, !result.warnings.empty()))
        result.warnings.push_back(std::move(warning));
      for (std::string& warning : scenario->warnings())
        result.warnings.push_back(std::move(warning));
      if (scenario->maps_memory())
        for (std::string& warning : unexercised(system, configuration, result.whole_run))
          result.warnings.push_back(std::move(warning));
    }
  }
  if (const std::string notes = notes_on_ids(system, configuration); notes.starts_with("unsafe"))
    result.warnings.insert(result.warnings.begin(), "kernel.asid_allocator is " + notes);
  if (const std::string_view reason = system.policy->unsafe(); !reason.empty())
    result.warnings.insert(result.warnings.begin(),
                           fmt::format("kernel.tlb_flush = \"{}\" is unsafe: {}",
                                       read_parameters<TlbFlushParameters>(configuration).policy, reason));
  result.host_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - host_start).count();
  return result;
}

} // namespace

PointResult run_point(const Configuration& configuration) { return run(configuration, {}); }

PointResult run_point_with_proc(const Configuration& configuration, ProcRecord& proc) {
  return run(configuration, {.proc = &proc});
}

PointResult run_point_watched(const Configuration& configuration, const RunWatchers& watchers) {
  return run(configuration, watchers);
}

} // namespace mmsim
