#include "cli/host/machine_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string_view>
#include <utility>

#include "cli/host/clock.hpp"

namespace mmsim::host {
namespace {

constexpr std::size_t line_width = 110, comment_column = 38;

/// Behind `lead`, wrapped; further lines begin as `next` says.
std::string commented(const std::string& lead, std::string_view comment, const std::string& next) {
  std::string line = lead;
  std::string result;
  while (!comment.empty()) {
    const std::size_t end = std::min(comment.find(' '), comment.size());
    const std::string word(comment.substr(0, end));
    comment.remove_prefix(std::min(end + 1, comment.size()));
    if (line.size() + 1 + word.size() > line_width && line.size() > next.size()) {
      result += line + '\n';
      line = next;
    }
    line += ' ' + word;
  }
  return result + line + '\n';
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

struct Group {
  const char *title, *prefixes; // separated by spaces
};
constexpr Group groups[] = {
    {"the machine", "clock sockets dies_per_socket clusters_per_die cores_per_cluster numbering numa."},
    {"cache lines: a remote compare-and-swap costs line.atomic + line.transfer + interconnect.<level>",
     "line. interconnect."},
    {"interrupts and idle CPUs", "ipi. irq. idle."},
    {"translation", "tlb. tlbi. mmu."},
    {"memory", "memory zones. dram. page. cache."},
    {"into the kernel, and switching", "entry."},
    {"the kernel's own work", "work."},
    {"disk and swap", "disk. swap."},
    {"the rest", ""},
};

bool belongs(const Group& group, std::string_view path) {
  std::string_view prefixes = group.prefixes;
  if (prefixes.empty()) return true;
  while (!prefixes.empty()) {
    const std::size_t end = std::min(prefixes.find(' '), prefixes.size());
    const std::string_view prefix = prefixes.substr(0, end);
    if (prefix.ends_with('.') ? path.starts_with(prefix) : path == prefix) return true;
    prefixes.remove_prefix(std::min(end + 1, prefixes.size()));
  }
  return false;
}

std::string header(const HostMachine& machine, const MachineFile& file) {
  std::string text = "# " + machine.model + ", " + std::to_string(machine.online_cpus) +
                     (machine.online_cpus == 1 ? " CPU" : " CPUs") + ", as mmsim calibrate measured it\n#\n";
  const auto line = [&](const std::string& what) { text += commented("#", what, "#"); };
  line("Measured on " + file.date + " with \"" + file.command + "\" in " +
       std::to_string(int(file.seconds + 0.5)) + " s.");
  line("Kernel " + machine.kernel + " (" + machine.architecture +
       "), transparent huge pages: " + machine.thp + ". Seen: " + what_surrounds(machine) + ".");
  if (!machine.hypervisor.empty())
    line("So these are the costs of a guest: interrupts, walks and idle CPUs have the hypervisor's part in "
         "them.");
  if (machine.cpus.size() < std::size_t(machine.online_cpus))
    line("Only " + std::to_string(machine.cpus.size()) + " of the CPUs were allowed to us, and measured.");
  line("Clock of the measurements: " + tick_source().name + ".");
  text += "#\n";
  line(
      "A comment gives how a number was found, then of how many repetitions it is the median, between which "
      "bounds that median lies with 95 % confidence, and the spread: what lies between the quarter of the "
      "repetitions that took least and the quarter that took most, over the median. For a number that was "
      "fitted to an operation of the kernel (\"so that the model takes as long\") repetitions and spread are "
      "that operation's. Numbers without all this were read, or reckoned from others. What could not be "
      "measured, or not surely enough, stands as a comment with the default that stands in.");
  if (!file.remarks.empty()) text += "#\n";
  for (const std::string& remark : file.remarks)
    text += commented("# -", remark, "#  ");
  return text;
}

std::string value_lines(const MachineValue& value) {
  const std::string assignment = value.path + " = " + value.value;
  const std::string spread = spread_text(value);
  return commented(padded(assignment, comment_column - 2) + " #",
                   value.how + (spread.empty() ? "" : "; " + spread), padded("", comment_column - 2) + " #");
}

std::string default_lines(const MachineParameter& parameter, const std::string& why) {
  const std::string assignment = "# " + parameter.path + " = " + parameter.default_text;
  return commented(padded(assignment, comment_column - 2) + " #",
                   "not measured: " + why + "; the default stands in",
                   padded("#", comment_column - 2) + " #");
}

} // namespace

void replace_values(std::vector<MachineValue>& values, const std::vector<MachineValue>& added) {
  for (const MachineValue& value : added) {
    const auto old = std::ranges::find(values, value.path, &MachineValue::path);
    if (old == values.end())
      values.push_back(value);
    else if (value.known() || !old->known())
      *old = value;
  }
}

std::string spread_text(const MachineValue& value) {
  if (value.repetitions == 0) return "";
  std::string text = "median of " + std::to_string(value.repetitions);
  if (value.high > 0) // else nobody has said
    text += " (95 %: " + number(value.low) + " to " + number(value.high) + ' ' + value.unit + ')';
  return text + ", spread " + std::to_string(std::lround(100 * value.spread)) + " %";
}

std::string why_left_alone(const std::string& path) {
  static constexpr std::pair<std::string_view, const char*> reasons[] = {
      {"disk.", "calibration leaves disks alone"},
      {"swap.", "calibration leaves disks alone"},
      {"work.", "no operation that is measured tells it apart"},
      {"tlbi.", "user code cannot time it"},
      {"numa.", "/sys does not tell"},
      {"tlb.", "user code cannot see it"},
      {"mmu.", "user code cannot see it"},
      {"zones.", "the kernel does not tell"},
      {"line.", "it takes three CPUs or more to tell"},
  };
  for (const auto& [prefix, why] : reasons)
    if (path.starts_with(prefix)) return why;
  return "calibration has no way to measure it";
}

std::string machine_file_text(const HostMachine& machine, const MachineFile& file,
                              const std::vector<MachineParameter>& parameters) {
  std::map<std::string_view, const MachineValue*> values;
  for (const MachineValue& value : file.values)
    values[value.path] = &value;
  std::vector<bool> done(parameters.size(), false);
  std::string text = header(machine, file);
  for (const Group& group : groups) {
    std::string known, unknown;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const MachineParameter& parameter = parameters[i];
      if (done[i] || !belongs(group, parameter.path)) continue;
      done[i] = true;
      const auto found = values.find(parameter.path);
      if (found != values.end() && found->second->known())
        known += value_lines(*found->second);
      else
        unknown += default_lines(parameter,
                                 found != values.end() ? found->second->how : why_left_alone(parameter.path));
    }
    if (!known.empty() || !unknown.empty())
      text += std::string("\n# --- ") + group.title + '\n' + known + unknown;
  }
  return text;
}

} // namespace mmsim::host
