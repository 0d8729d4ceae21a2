#include "cli/host/measured_operations.hpp"

#include "cli/host/pinning.hpp"
#include "cli/host/quiet_core.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/fmt/fmt.h>

namespace mmsim::host {
namespace {

constexpr double shortest_round = 0.005, longest_round = 0.06; // seconds
constexpr std::size_t samples_of_a_round = 2, rounds_to_go_by = 4;

double median_of(std::vector<double> samples) { return measurement_of("", std::move(samples), "").median; }

/// The medians of an operation's rounds: of undisturbed samples, and of all.
struct Rounds {
  std::vector<double> quiet, all;
  std::size_t samples = 0, quiet_samples = 0;

  void add(const std::vector<TimedSample>& round) {
    std::vector<double> undisturbed, every;
    for (const TimedSample& sample : round) {
      every.push_back(sample.ns);
      if (sample.quiet) undisturbed.push_back(sample.ns);
    }
    samples += every.size();
    quiet_samples += undisturbed.size();
    if (undisturbed.size() >= samples_of_a_round) quiet.push_back(median_of(std::move(undisturbed)));
    if (!every.empty()) all.push_back(median_of(std::move(every)));
  }
};

Measurement summary(const std::string& name, const Rounds& rounds, const KernelWorkload& workload,
                    bool quiet) {
  if (rounds.all.empty()) {
    Measurement none;
    none.name = name;
    none.how = workload.cpus() > 1
                   ? "it takes a second CPU, which this process may not use, or could not pin to"
                   : "the process that should do it failed: not enough memory?";
    return none;
  }
  const std::vector<double>& medians = quiet ? rounds.quiet : rounds.all;
  std::string how = fmt::format("median of {} rounds' medians, {} samples", medians.size(),
                                quiet ? rounds.quiet_samples : rounds.samples);
  if (!quiet)
    how += fmt::format(", {} of them while a neighbour used the core", rounds.samples - rounds.quiet_samples);
  else if (rounds.quiet_samples < rounds.samples)
    how +=
        fmt::format(" ({} more left out: a neighbour used the core)", rounds.samples - rounds.quiet_samples);
  return measurement_of(name, medians, std::move(how));
}

// All or none: an operation's undisturbed rounds beside another's disturbed ones are two machines.
bool all_have_quiet_rounds(const std::vector<std::vector<Rounds>>& found) {
  for (const std::vector<Rounds>& workload : found)
    for (const Rounds& rounds : workload)
      if (!rounds.all.empty() && rounds.quiet.size() < rounds_to_go_by) return false;
  return true;
}

} // namespace

std::vector<MeasuredOperation> measure_rounds(const std::vector<KernelWorkload>& workloads,
                                              const Budget& budget, const TimedWorkload& timed,
                                              const std::function<void(double)>& told) {
  std::vector<std::vector<Rounds>> found;
  for (const KernelWorkload& workload : workloads)
    found.emplace_back(operations_of(workload.kind).size());
  const double seconds =
      std::clamp(budget.left() / double(std::max<std::size_t>(1, workloads.size()) * (most_rounds - 2)),
                 shortest_round, longest_round);
  for (unsigned round = 0; round < most_rounds && (round < fewest_rounds || !budget.over()); ++round)
    for (std::size_t i = 0; i < workloads.size(); ++i) {
      if (told) told(double(round * workloads.size() + i) / double(most_rounds * workloads.size()));
      const WorkloadRound one = timed(workloads[i], seconds);
      for (std::size_t k = 0; k < one.samples.size(); ++k)
        found[i][k].add(one.samples[k]);
    }
  const bool quiet = all_have_quiet_rounds(found);
  std::vector<MeasuredOperation> result;
  for (std::size_t i = 0; i < workloads.size(); ++i) {
    const std::vector<std::string> names = operations_of(workloads[i].kind);
    for (std::size_t k = 0; k < names.size(); ++k) {
      const KernelOperation operation{workloads[i], names[k]};
      result.push_back({operation, summary(title_of(operation), found[i][k], workloads[i], quiet)});
    }
  }
  return result;
}

std::vector<MeasuredOperation> measure_on(const HostMachine& machine,
                                          const std::vector<KernelWorkload>& workloads, const Budget& budget,
                                          const std::function<void(double)>& told) {
  const int cpu = machine.cpus.front().number, partner = machine.can_pin ? machine.partner_cpu() : -1;
  const Pinned here(cpu);
  learn_quiet_core(0.1);
  return measure_rounds(
      workloads, budget,
      [&](const KernelWorkload& workload, double seconds) {
        learn_quiet_core(0.002);
        return timed_workload(workload, cpu, partner, seconds);
      },
      told);
}

const MeasuredOperation* find_measured(const std::vector<MeasuredOperation>& all,
                                       const KernelOperation& operation) {
  const auto found = std::ranges::find(all, operation, &MeasuredOperation::operation);
  return found != all.end() && found->measured.measured() ? &*found : nullptr;
}

} // namespace mmsim::host
