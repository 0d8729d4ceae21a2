#include "cli/host/hardware.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <random>
#include <utility>

#include "cli/host/clock.hpp"
#include "cli/host/memory_block.hpp"
#include "cli/host/pinning.hpp"
#include "cli/host/trial_groups.hpp"

namespace mmsim::host {
namespace {

constexpr std::size_t most_pairs = 2000; // of 64 CPUs all; of more some

std::vector<Trial> pair_trials(const HostMachine& machine) {
  std::vector<Trial> trials;
  for (std::size_t i = 0; i < machine.cpus.size(); ++i)
    for (std::size_t j = i + 1; j < machine.cpus.size(); ++j)
      trials.push_back(line_pair_trial(machine.cpus[i].number, machine.cpus[j].number));
  if (trials.size() > most_pairs) {
    std::mt19937 random(1);
    std::ranges::shuffle(trials, random);
    trials.resize(most_pairs);
  }
  return trials;
}

/// The trials that `make` makes, unless the memory for them is not to be had.
void append(std::vector<Trial>& trials, const std::function<std::vector<Trial>()>& make) {
  try {
    std::ranges::move(make(), std::back_inserter(trials));
  } catch (const std::exception&) { // what it would have measured is then not measured, which its values say
  }
}

} // namespace

HardwareReport measure_hardware(const HostMachine& machine, const DefaultDurations& defaults,
                                const Budget& budget, const Announce& announce) {
  tick_source(); // before the first ticks()
  const Places places{machine.cpus.front().number, machine.can_pin ? machine.partner_cpu() : -1};
  const Pinned here(places.cpu);
  std::vector<Measurement> all;
  if (places.partner >= 0) {
    const std::vector<Trial> pairs = pair_trials(machine);
    announce("cache lines between " + std::to_string(pairs.size()) +
             (pairs.size() == 1 ? " pair" : " pairs") + " of CPUs");
    all = interleaved(pairs, budget.part(pairs.size() < 10 ? 0.05 : 0.3), {.least = 3, .most = 2000});
  }
  announce("caches, memory, TLBs, the kernel's entries, interrupts, switches");
  std::vector<Trial> trials = core_trials(places);
  trials.push_back(system_call_trial());
  append(trials, own_line_trials);
  append(trials, [&] { return chase_trials(machine); });
  append(trials, [&] { return page_trials(machine); });
  if (machine.page_bytes == page_size) { // they count pages of the model's size
    append(trials, tlb_trials);
    append(trials, flush_trials);
    trials.push_back(fault_trial());
  }
  append(trials, [&] { return interrupt_trials(places); });
  append(trials, [&] { return switch_trials(places); });
  append(trials, [&] { return lock_trials(places); });
  std::ranges::move(interleaved(trials, budget), std::back_inserter(all));

  HardwareReport report;
  const Measurements measured(std::move(all));
  report.values = hardware_values(machine, measured, defaults);
  report.remarks = hardware_remarks(machine, measured);
  report.measured = measured.all();
  return report;
}

} // namespace mmsim::host
