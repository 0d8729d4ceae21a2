#include "cli/host/path_values.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>

namespace mmsim::host {
namespace {

/// ns of what has been found already, else of the default.
double known(const std::vector<MachineValue>& values, const DefaultDurations& defaults,
             const std::string& path) {
  if (const MachineValue* value = find_value(values, path); value && value->median > 0) return value->median;
  const auto given = defaults.find(path);
  return given == defaults.end() ? 0 : given->second;
}

struct Miss {
  double read, rmw;
};

/// A line from the partner's cache.
Miss remote_miss(const HostMachine& machine, const Measurements& measured,
                 const std::vector<MachineValue>& values, const DefaultDurations& defaults) {
  const double atomic = known(values, defaults, "line.atomic");
  const int first = machine.cpus.front().number, second = machine.partner_cpu();
  const Measurement& pair = measured["line.pair." + std::to_string(first) + '-' + std::to_string(second)];
  if (pair.measured()) return {std::max(pair.median - atomic, 1.0), pair.median};
  const double read =
      known(values, defaults, "line.transfer") + known(values, defaults, "interconnect.cluster");
  return {read, read + atomic};
}

/// What is left of a measurement, and the 95 % interval of that.
struct Rest {
  double ns = 0, low = 0, high = 0;
};

/// `whole` less `part` and less `fixed` ns; nothing if one of the two was not measured.
Rest rest_of(const Measurement& whole, const Measurement& part, double fixed) {
  if (!whole.measured() || !part.measured()) return {};
  return {whole.median - part.median - fixed, whole.low - part.high - fixed, whole.high - part.low - fixed};
}
Rest rest_of(const Measurement& whole, double fixed) {
  return {whole.median - fixed, whole.low - fixed, whole.high - fixed};
}

/// Each of `paths` gets its part of `sum`, in the ratio of the defaults.
void add_parts(const std::vector<std::string>& paths, const Rest& sum, const Measurement& from,
               const std::string& how, const DefaultDurations& defaults, std::vector<MachineValue>& values) {
  double whole = 0;
  for (const std::string& path : paths)
    whole += known({}, defaults, path);
  for (const std::string& path : paths) {
    const double part = whole > 0 ? known({}, defaults, path) / whole : 1.0 / double(paths.size());
    values.push_back(
        difference_value(path, sum.ns * part, sum.low * part, sum.high * part, scaled(from, part), how));
  }
}

/// The two are interleaved, but whether their paths, tables and neighbours are in the same state is luck:
/// between runs it has come out from 27 to 935 ns. So it is told only where it stands out of the spread.
MachineValue switch_between_processes(const Measurement& processes, const Measurement& threads) {
  const std::string how = "a byte through two pipes between processes less one between threads: the other "
                          "tables, and what they make miss";
  const Rest rest = rest_of(processes, threads, 0);
  const double spread = processes.spread * processes.median;
  if (rest.ns > 0 && spread > rest.ns)
    return not_measured("entry.switch_mm", "too unsure: it comes out at " + std::to_string(long(rest.ns)) +
                                               " ns, while repetitions differ by " +
                                               std::to_string(long(spread)) + " ns (" + how + ')');
  return difference_value("entry.switch_mm", rest.ns, rest.low, rest.high, processes, how);
}

} // namespace

void add_interrupt_values(const HostMachine& machine, const Measurements& measured,
                          const DefaultDurations& defaults, std::vector<MachineValue>& values) {
  const Measurement &running = measured["membarrier.running"], &sleeping = measured["membarrier.sleeping"];
  const Measurement& pause = measured["interrupt.pause"];
  const Miss miss = remote_miss(machine, measured, values, defaults);
  const double queue = known(values, defaults, "work.call_queue");

  // The handler takes the queue and the request from the sender, and answers.
  add_parts(
      {"irq.entry", "irq.exit"}, rest_of(pause, miss.rmw + 2 * miss.read + queue), pause,
      "what a membarrier takes from a partner that reads the clock without end, less three lines of the "
      "handler; split as the defaults are",
      defaults, values);

  // The sender writes the request and its queue's head, and sees the answer; the target as above.
  const double lines = 2 * miss.rmw + 5 * miss.read;
  const double steps = 2 * queue + known(values, defaults, "work.mask_scan") +
                       known(values, defaults, "irq.entry") + known(values, defaults, "interconnect.cluster");
  add_parts({"ipi.send", "ipi.deliver"}, rest_of(running, sleeping, lines + steps), running,
            "membarrier with a running less one with a sleeping partner, less seven lines to and fro and "
            "irq.entry; "
            "split as the defaults are",
            defaults, values);
}

void add_switch_values(const HostMachine& machine, const Measurements& measured,
                       const DefaultDurations& defaults, std::vector<MachineValue>& values) {
  const Measurement &pipe = measured["pipe.alone"], &threads = measured["switch.threads"];
  const Measurement &processes = measured["switch.processes"], &idle = measured["wake.idle"];

  values.push_back(switch_between_processes(processes, threads));
  const MachineValue switch_mm = values.back();
  if (machine.arm())
    values.push_back(not_measured("entry.switch_ttbr", "the kernel does not switch without ids here"));
  else if (switch_mm.known())
    values.push_back(told_value("entry.switch_ttbr", switch_mm.value,
                                "as entry.switch_mm. x86: CR3 is written with or without an id"));
  else
    values.push_back(not_measured("entry.switch_ttbr", "on x86 it is as entry.switch_mm, which see"));

  const Rest switched = rest_of(threads, pipe, 0);
  add_parts({"entry.switch_registers", "work.wake", "work.enqueue", "work.dequeue", "work.pick_next"},
            switched, threads,
            "a byte through two pipes between threads of one CPU, less the pipe; split as the defaults are",
            defaults, values);

  double path = pipe.median + 3 * remote_miss(machine, measured, values, defaults).read;
  for (const char* step : {"work.wake", "work.enqueue", "work.pick_next", "entry.switch_registers",
                           "ipi.send", "ipi.deliver", "irq.entry", "irq.exit", "interconnect.cluster"})
    path += known(values, defaults, step);
  const std::string how =
      "a byte through two pipes between two CPUs, less the pipe, a switch, an interrupt and three "
      "lines; it idles for microseconds only, so no deep state";
  if (!pipe.measured())
    values.push_back(not_measured("idle.exit", "there are no samples of: a byte through a pipe"));
  else if (idle.measured() && idle.median <= path)
    values.push_back(
        told_value("idle.exit", "\"1 ns\"", "an idle CPU answers no later than a busy one: it polls"));
  else
    values.push_back(
        difference_value("idle.exit", idle.median - path, idle.low - path, idle.high - path, idle, how));
}

} // namespace mmsim::host
