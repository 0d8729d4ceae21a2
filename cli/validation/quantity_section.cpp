#include "cli/validation/quantity_section.hpp"

#include <algorithm>

#include "cli/validation/table_reader.hpp"
#include "sim/engine/nearest_name.hpp"
#include "sim/record/counters.hpp"

namespace mmsim::validation {
namespace {

bool of_accounts(Measure value) { return value == Measure::account || value == Measure::account_share; }

bool of_counters(Measure value) { return value >= Measure::counter; }

bool of_operation(Measure value) {
  return value < Measure::counter || value == Measure::counter_per_operation;
}

std::vector<Account> read_accounts(const TableReader& reader) {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < account_count; ++i)
    known.emplace_back(name(Account(i)));
  std::vector<Account> accounts;
  for (const std::string& each : reader.texts("accounts")) {
    const auto account = account_named(each);
    if (!account)
      reader.refuse("accounts", ": there is no account \"" + each + '"' + did_you_mean(each, known));
    if (std::ranges::find(accounts, *account) != accounts.end())
      reader.refuse("accounts", ": \"" + each + "\" stands there twice");
    accounts.push_back(*account);
  }
  return accounts;
}

/// "lock_wait_ns." of "lock_wait_ns.<class>".
std::string beginning_of(std::string_view pattern) {
  return std::string(pattern.substr(0, pattern.find('<')));
}

bool in_nanoseconds(std::string_view counter) {
  return counter.starts_with("lock_wait_ns.") || counter.starts_with("lock_hold_ns.");
}

void check_counter(const TableReader& reader, const std::string& counter, Measure value) {
  if (value == Measure::counter_share && !in_nanoseconds(counter))
    reader.refuse("counters", ": counter_share is a share of time, and \"" + counter +
                                  "\" counts no time; lock_wait_ns.<class> and lock_hold_ns.<class> do");
  if (counter_named(counter)) return;
  std::vector<std::string> known;
  for (const LockCounterHelp& each : lock_counters()) {
    const std::string beginning = beginning_of(each.pattern);
    if (counter.size() > beginning.size() && counter.starts_with(beginning)) return;
    known.emplace_back(each.pattern);
  }
  for (std::size_t i = 0; i < counter_count; ++i)
    known.emplace_back(name(Counter(i)));
  reader.refuse("counters", ": there is no counter \"" + counter + '"' + did_you_mean(counter, known));
}

/// A list that its value needs, and that others must not have.
void check_presence(const TableReader& reader, const char* key, bool needed, bool present,
                    const std::string& value) {
  if (needed && !present)
    reader.refuse(key, " is missing: the value \"" + value + "\" needs it; see mmsim list " +
                           (key == std::string("operation") ? "scenarios" : key));
  if (!needed && present) reader.refuse(key, " is not for the value \"" + value + "\"; leave it out");
}

} // namespace

CaseQuantity read_quantity(const toml::table& table, const std::string& file, bool has_against) {
  const TableReader reader(table, "[quantity]", file,
                           {"value", "operation", "accounts", "counters", "scale", "combine"});
  const std::string value = reader.required_text("value", "what is taken from a run");
  CaseQuantity result;
  result.value = Measure(*reader.choice(
      "value", {"mean", "p50", "p90", "p99", "max", "per_second", "interval", "account", "account_share",
                "counter", "counter_per_second", "counter_per_operation", "counter_share"}));

  result.operation = reader.text("operation").value_or("");
  result.operation_origin = reader.origin("operation");
  check_presence(reader, "operation", of_operation(result.value), !result.operation.empty(), value);
  result.accounts = read_accounts(reader);
  check_presence(reader, "accounts", of_accounts(result.value), !result.accounts.empty(), value);
  result.counters = reader.texts("counters");
  result.counters_origin = reader.origin("counters");
  check_presence(reader, "counters", of_counters(result.value), !result.counters.empty(), value);
  for (const std::string& each : result.counters)
    check_counter(reader, each, result.value);

  result.scale = reader.number("scale").value_or(1);
  if (result.scale == 0) reader.refuse("scale", " is 0, which leaves nothing to compare");
  if (const auto combine = reader.choice("combine", {"ratio", "change", "difference"}))
    result.combine = Combine(*combine + 1);
  if (has_against && result.combine == Combine::none)
    reader.refuse("combine", " is missing: [against] is a second run, and combine says what becomes of both: "
                             "ratio, change or difference");
  if (!has_against && result.combine != Combine::none)
    reader.refuse("combine", " needs a section [against]: the settings of the second run");
  return result;
}

} // namespace mmsim::validation
