// account.csv, wait.csv and folded.txt: where the time of operations went, and for whom they waited.

#include <algorithm>

#include "sim/record/table_rows.hpp"

namespace mmsim {
namespace {

// What stands between frames, and between lines, must not be in one.
std::string frame(std::string text) {
  std::ranges::replace(text, ';', ',');
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < ' ' || c == 127; }, ' ');
  return text;
}

void add_leaf(std::string& text, const std::string& stack, Duration total) {
  text += stack;
  text += ' ';
  text += std::to_string(total.count());
  text += '\n';
}

} // namespace

void add_accounts(std::string& table, const PointRows& rows) {
  for (const MergedOperation& operation : rows.merged.operations)
    for (std::size_t i = 0; i < account_count; ++i)
      if (const Duration total = operation.accounts[i]; total.count() != 0)
        rows.row(table, {operation.name, std::string(name(Account(i))),
                         mean_ns(total, operation.latency.count()), std::to_string(total.count())});
}

void add_waits(std::string& table, const PointRows& rows) {
  for (const MergedOperation& operation : rows.merged.operations)
    for (const WaitTotal& wait : operation.waits)
      rows.row(table,
               {operation.name, std::string(name(wait.account)), std::string(name(wait.kind)), wait.whom,
                mean_ns(wait.total, operation.latency.count()), std::to_string(wait.total.count())});
}

void add_stacks(std::string& text, const PointRows& rows) {
  std::string root;
  for (std::size_t i = 0; i < rows.tables.axes.size(); ++i)
    root += (i ? " " : "") + frame(rows.tables.axes[i]) + '=' + frame(rows.point.axis_values[i]);
  if (!root.empty()) root += ';';
  for (const MergedOperation& operation : rows.merged.operations)
    for (std::size_t i = 0; i < account_count; ++i) {
      const Account account = Account(i);
      if (operation.accounts[i].count() == 0) continue;
      const std::string stack = root + frame(operation.name) + ';' + std::string(name(account));
      if (!is_waiting(account)) add_leaf(text, stack, operation.accounts[i]);
      for (const WaitTotal& wait : operation.waits) {
        if (wait.account != account) continue;
        std::string leaf = stack + ';' + std::string(name(wait.kind));
        if (!wait.whom.empty()) leaf += ' ' + frame(wait.whom);
        add_leaf(text, leaf, wait.total);
      }
    }
}

} // namespace mmsim
