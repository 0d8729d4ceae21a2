#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>

#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/configuration_files.hpp"
#include "cli/exit_status.hpp"
#include "cli/terminal_table.hpp"
#include "sim/engine/nearest_name.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/machine/topology.hpp"
#include "sim/record/account.hpp"
#include "sim/record/counters.hpp"
#include "sim/record/wait.hpp"

namespace mmsim {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr auto right = TerminalTable::right;
constexpr auto wraps = TerminalTable::wraps;

/// A listing, for people and for programs.
struct Listing {
  Json json = Json::array();
  std::string text;
};

/// The first words of the comment that a base file opens with.
std::string headline_of(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  const auto first = line.find_first_not_of("# ");
  return line.starts_with('#') && first != std::string::npos ? line.substr(first) : "";
}

BaseFiles base_files() { return BaseFiles(fs::current_path() / "here.toml"); }

Listing machines(const Terminal& terminal) {
  Listing listing;
  TerminalTable table({{"machine.base"}, {"cores", right}, {"sockets", right}, {"TLBI"}, {"help", wraps}});
  const BaseFiles files = base_files();
  for (const auto& [name, file] : files.available("machine")) {
    Configuration chosen;
    chosen.set("machine.base", name);
    const Configuration configuration = with_defaults(files.resolve(chosen));
    const auto topology = read_parameters<TopologyParameters>(configuration);
    const std::int64_t cores =
        topology.sockets * topology.dies_per_socket * topology.clusters_per_die * topology.cores_per_cluster;
    const Entry* entry = configuration.find("machine.tlb.broadcast");
    const bool broadcast = entry && entry->value == Value(true);
    listing.json.push_back({{"name", name},
                            {"cores", cores},
                            {"sockets", topology.sockets},
                            {"broadcast", broadcast},
                            {"help", headline_of(file)},
                            {"file", file.native()}});
    table.add_row({name, std::to_string(cores), std::to_string(topology.sockets),
                   broadcast ? "broadcast" : "local", headline_of(file)});
  }
  listing.text = table.text(terminal);
  return listing;
}

Listing kernels(const Terminal& terminal) {
  Listing listing;
  TerminalTable table({{"kernel.base"}, {"help", wraps}});
  for (const auto& [name, file] : base_files().available("kernel")) {
    listing.json.push_back({{"name", name}, {"help", headline_of(file)}, {"file", file.native()}});
    table.add_row({name, headline_of(file)});
  }
  listing.text = table.text(terminal);
  return listing;
}

Listing scenarios(const Terminal& terminal) {
  Listing listing;
  TerminalTable table({{"scenario.name"}, {"help", wraps}, {"parameters", wraps}});
  const AnyRegistry* registry = AnyRegistry::find("scenario.name");
  for (const RegistryEntry& entry : registry ? registry->entries() : std::vector<RegistryEntry>{}) {
    std::vector<std::string> own;
    std::string joined;
    for (const ParameterInfo& info : ParameterCatalogue::instance().parameters_of(entry.name)) {
      if (info.scenario.empty()) continue;
      own.push_back(info.path);
      joined += (joined.empty() ? "" : " ") + info.path.substr(info.path.find('.') + 1);
    }
    listing.json.push_back(
        {{"name", entry.name}, {"help", entry.help}, {"notes", entry.notes}, {"parameters", own}});
    table.add_row({entry.name, entry.help + (entry.notes.empty() ? "" : "; " + entry.notes), joined});
  }
  listing.text = table.text(terminal);
  return listing;
}

Listing policies(const Terminal& terminal) {
  Listing listing;
  TerminalTable table({{"path"}, {"name"}, {"help", wraps}});
  const auto add = [&](const std::string& path, const std::string& name, const std::string& help,
                       const std::string& notes, bool first) {
    listing.json.push_back({{"path", path}, {"name", name}, {"help", help}, {"notes", notes}});
    std::string text = help;
    if (!notes.empty()) text += (text.empty() ? "" : "; ") + notes;
    table.add_row({first ? path : "", name, text});
  };
  for (const AnyRegistry* registry : AnyRegistry::all()) {
    if (registry->path() == "scenario.name") continue;
    bool first = true;
    for (const RegistryEntry& entry : registry->entries()) {
      add(registry->path(), entry.name, entry.help, entry.notes, first);
      first = false;
    }
  }
  // Mechanisms that a parameter chooses by name, without a registry of implementations.
  for (const ParameterInfo& info : ParameterCatalogue::instance().parameters())
    if (!info.registry && info.path.starts_with("kernel.") && !info.listed_names.empty()) {
      bool first = true;
      for (const std::string& name : info.listed_names) {
        add(info.path, name, first ? info.help : "", "", first);
        first = false;
      }
    }
  listing.text = table.text(terminal);
  return listing;
}

std::string type_of(const ParameterInfo& info) {
  std::string text = info.type;
  if (!info.unit.empty()) text += " (" + info.unit + ')';
  if (info.at_least) text += ", at least " + to_text(*info.at_least);
  if (info.at_most) text += ", at most " + to_text(*info.at_most);
  const auto names = info.allowed_names();
  for (std::size_t i = 0; i < names.size(); ++i)
    text += (i ? " | " : ": ") + names[i];
  return text;
}

Listing parameters(const Terminal& terminal) {
  Listing listing;
  const auto all = ParameterCatalogue::instance().parameters();
  std::size_t path_width = 0, default_width = 0;
  for (const ParameterInfo& info : all) {
    path_width = std::max(path_width, columns_of(info.path));
    default_width = std::max(default_width, columns_of(info.default_text()));
  }
  std::string scenario;
  for (const ParameterInfo& info : all) {
    const auto optional_text = [](const std::optional<Value>& value) {
      return value ? Json(to_text(*value)) : Json(nullptr);
    };
    listing.json.push_back({{"path", info.path},
                            {"scenario", info.scenario},
                            {"type", info.type},
                            {"unit", info.unit},
                            {"default", info.default_text()},
                            {"at_least", optional_text(info.at_least)},
                            {"at_most", optional_text(info.at_most)},
                            {"names", info.allowed_names()},
                            {"help", info.help},
                            {"source", info.source}});
    // One aligned line, then what is too long for a column.
    std::string line = info.path + std::string(path_width + 2 - columns_of(info.path), ' ');
    const std::string value = info.default_text();
    const std::size_t indent = path_width + default_width + 4;
    line = terminal.bold(line) + value + std::string(default_width + 2 - columns_of(value), ' ');
    const std::size_t room = terminal.width > indent + 24 ? terminal.width - indent : 24;
    const auto types = wrapped(type_of(info), room);
    for (std::size_t i = 0; i < types.size(); ++i)
      listing.text += (i ? std::string(indent, ' ') : line) + types[i] + '\n';
    std::string about = info.help;
    if (!info.scenario.empty()) about = "scenario " + info.scenario + ": " + about;
    if (!info.source.empty()) about += " [" + info.source + ']';
    for (const std::string& part : wrapped(about, terminal.width - 4))
      listing.text += "    " + part + '\n';
  }
  return listing;
}

Listing counters(const Terminal& terminal) {
  Listing listing;
  TerminalTable table({{"counter"}, {"help", wraps}});
  const auto add = [&](std::string_view name, std::string_view help) {
    listing.json.push_back({{"name", name}, {"help", help}});
    table.add_row({std::string(name), std::string(help)});
  };
  for (std::size_t i = 0; i < counter_count; ++i)
    add(name(Counter(i)), help(Counter(i)));
  for (const LockCounterHelp& each : lock_counters())
    add(each.pattern, each.help);
  listing.text = table.text(terminal);
  return listing;
}

Listing accounts(const Terminal& terminal) {
  Listing listing;
  TerminalTable table({{"account"}, {"help", wraps}});
  for (std::size_t i = 0; i < account_count; ++i) {
    listing.json.push_back({{"name", name(Account(i))}, {"help", help(Account(i))}});
    table.add_row({std::string(name(Account(i))), std::string(help(Account(i)))});
  }
  listing.text = table.text(terminal);
  return listing;
}

Listing waits(const Terminal& terminal) {
  Listing listing;
  TerminalTable table({{"kind"}, {"help", wraps}});
  for (std::size_t i = 0; i < wait_kind_count; ++i) {
    listing.json.push_back({{"name", name(WaitKind(i))}, {"help", help(WaitKind(i))}});
    table.add_row({std::string(name(WaitKind(i))), std::string(help(WaitKind(i)))});
  }
  listing.text = table.text(terminal);
  return listing;
}

const std::vector<std::pair<std::string, std::function<Listing(const Terminal&)>>>& kinds() {
  static const std::vector<std::pair<std::string, std::function<Listing(const Terminal&)>>> all{
      {"machines", machines},     {"kernels", kernels},   {"scenarios", scenarios}, {"policies", policies},
      {"parameters", parameters}, {"counters", counters}, {"accounts", accounts},   {"waits", waits}};
  return all;
}

} // namespace

std::vector<std::string> list_kinds() {
  std::vector<std::string> names;
  for (const auto& [name, list] : kinds())
    names.push_back(name);
  return names;
}

int list_command(const ListOptions& options) {
  for (const auto& [name, list] : kinds()) {
    if (name != options.kind) continue;
    const Listing listing = list(terminal_of(1));
    std::cout << (options.json ? listing.json.dump(1) + '\n' : listing.text);
    return exit_done;
  }
  throw InputError("mmsim list: unknown kind \"" + options.kind + '"' +
                   did_you_mean(options.kind, list_kinds()) + "; see mmsim list --help");
}

} // namespace mmsim
