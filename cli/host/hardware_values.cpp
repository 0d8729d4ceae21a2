#include "cli/host/hardware_values.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "cli/host/line_values.hpp"
#include "cli/host/memory_block.hpp"
#include "cli/host/path_values.hpp"
#include "cli/host/told_values.hpp"
#include "cli/host/translation_values.hpp"

namespace mmsim::host {
namespace {

std::string number(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

/// A value that is no duration: of a clock or a bandwidth.
MachineValue rate(std::string path, const Measurement& measured, const std::string& how) {
  if (!measured.measured() || measured.median <= 0)
    return not_measured(std::move(path), "there are no samples" + (how.empty() ? "" : " of: " + how));
  MachineValue result =
      told_value(std::move(path), '"' + number(measured.median, 2) + ' ' + measured.unit + '"', how);
  result.median = measured.median;
  result.low = measured.low;
  result.high = measured.high;
  result.spread = measured.spread;
  result.repetitions = measured.repetitions;
  result.unit = measured.unit;
  return result;
}

void add_memory(const HostMachine& machine, const Measurements& measured, std::vector<MachineValue>& values) {
  for (const char* path : {"page.zero", "page.copy", "page.zero_hot", "page.copy_hot"})
    values.push_back(measured_value(path, measured[path]));
  const Measurement &read = measured["bandwidth.read"], &zero = measured["bandwidth.zero"];
  const Measurement& best = read.median > zero.median ? read : zero;
  std::string how = best.how;
  if (int(machine.cpus.size()) < machine.online_cpus || machine.cpus.size() < 8)
    how += "; at least that: so few may not draw all that there is";
  values.push_back(rate("dram.bandwidth", best, how));
}

} // namespace

Measurements::Measurements(std::vector<Measurement> all) : all_(std::move(all)) {}

const Measurement& Measurements::operator[](const std::string& name) const {
  static const Measurement none;
  const auto found = std::ranges::find(all_, name, &Measurement::name);
  return found == all_.end() ? none : *found;
}

std::vector<MachineValue> hardware_values(const HostMachine& machine, const Measurements& measured,
                                          const DefaultDurations& defaults) {
  std::vector<MachineValue> values = told_values(machine);
  values.push_back(rate("clock", measured["clock"], measured["clock"].how));
  add_line_values(machine, measured, defaults, values);
  add_interrupt_values(machine, measured, defaults, values);
  add_translation_values(machine, measured, values);
  add_memory(machine, measured, values);
  values.push_back(measured_value("entry.syscall", measured["entry.syscall"]));
  values.push_back(measured_value("entry.fault", measured["entry.fault"]));
  add_switch_values(machine, measured, defaults, values);
  return values;
}

std::vector<std::string> hardware_remarks(const HostMachine& machine, const Measurements& measured) {
  std::vector<std::string> remarks;
  if (machine.cpus.size() == 1)
    remarks.push_back(
        "one CPU: nothing that takes two could be measured (lines between CPUs, interrupts, wake-up)");
  if (!machine.can_pin)
    remarks.push_back(
        "threads cannot be pinned here: what takes two CPUs was left out, the rest may have moved");
  if (machine.page_bytes != page_size)
    remarks.push_back("pages of " + std::to_string(machine.page_bytes >> 10) +
                      " KiB: what counts pages of 4 KiB was left out (TLBs, flushes, faults)");
  if (machine.cpus.size() > 1 && machine.can_pin && !measured["membarrier.running"].measured())
    remarks.push_back("membarrier is not allowed here: interrupts could not be measured");
  const Measurement &alone = measured["alu.alone"], &both = measured["alu.with_partner"];
  if (alone.measured() && both.measured() && both.median > 1.4 * alone.median)
    remarks.push_back("the two CPUs slow each other down " + number(both.median / alone.median, 1) +
                      " times: hyperthreads of one core, whatever /sys says");
  for (const char* name : {"lock.tas", "lock.ticket", "lock.mcs"})
    if (const Measurement& lock = measured[name]; lock.measured())
      remarks.push_back("check: " + lock.how + ": " + number(lock.median, 1) + " ns an acquisition (" +
                        std::to_string(lock.repetitions) + "x, spread " + number(100 * lock.spread, 0) +
                        " %)");
  return remarks;
}

} // namespace mmsim::host
