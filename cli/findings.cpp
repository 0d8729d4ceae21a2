#include "cli/findings.hpp"

#include <algorithm>
#include <system_error>

#include "cli/findings_manifest.hpp"
#include "cli/findings_tables.hpp"
#include "cli/unfinished_sweep.hpp"
#include "sim/engine/configuration.hpp"

namespace mmsim {

namespace fs = std::filesystem;

double Findings::Operation::in_account(std::string_view account) const {
  const auto found = std::ranges::find(accounts, account, &AccountTime::account);
  return found == accounts.end() ? 0 : found->mean_ns;
}

Findings::AccountTime* Findings::Operation::find(std::string_view account) {
  const auto found = std::ranges::find(accounts, account, &AccountTime::account);
  return found == accounts.end() ? nullptr : &*found;
}

Findings::Operation* Findings::Point::row_of(std::string_view operation) {
  const auto found = std::ranges::find(operations, operation, &Operation::name);
  return found == operations.end() ? nullptr : &*found;
}

const Findings::Operation* Findings::Point::find(std::string_view operation) const {
  const auto found = std::ranges::find(operations, operation, &Operation::name);
  return found == operations.end() || found->count == 0 ? nullptr : &*found;
}

std::size_t Findings::Axis::place_of(std::string_view value) const {
  return std::size_t(std::ranges::find(values, value) - values.begin());
}

std::vector<std::string> Findings::operations() const {
  std::vector<std::string> names;
  for (const Point& point : points)
    for (const Operation& operation : point.operations)
      if (std::ranges::find(names, operation.name) == names.end()) names.push_back(operation.name);
  return names;
}

std::optional<std::size_t> Findings::main_axis() const {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[i].numbers.empty() || axes[i].values.size() < 2) continue;
    if (axes[i].path == "run.cpus") return i;
    if (!best || axes[i].values.size() > axes[*best].values.size()) best = i;
  }
  return best;
}

bool Findings::marks(const Point& point, std::size_t axis) const {
  return point.what_if &&
         std::ranges::find(what_if, axes[axis].path + '=' + point.values[axis]) != what_if.end();
}

namespace {

/// Neither a manifest nor a table.
bool has_no_results(const fs::path& directory) {
  std::error_code error;
  return !fs::exists(directory / "manifest.json", error) &&
         std::ranges::none_of(table_columns(),
                              [&](const auto& table) { return fs::exists(directory / table.first, error); });
}

} // namespace

Findings read_findings(const fs::path& directory) {
  std::error_code error;
  if (!fs::exists(directory, error))
    throw InputError("no such directory; give the one that mmsim run --out or mmsim sweep wrote",
                     {directory.native()});
  if (!fs::is_directory(directory, error))
    throw InputError("is not a directory; give the one that holds manifest.json", {directory.native()});
  if (has_no_results(directory)) {
    if (auto unfinished = findings_of_unfinished_sweep(directory)) return std::move(*unfinished);
    throw InputError(
        "No such file or directory, nor any table; give the directory that mmsim run --out or mmsim "
        "sweep wrote",
        {(directory / "manifest.json").native()});
  }
  Findings findings;
  const bool points_known = read_manifest(directory, findings);
  read_tables(directory, points_known, findings);
  if (!points_known) complete_axes(findings);
  return findings;
}

} // namespace mmsim
