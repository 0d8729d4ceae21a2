#include "cli/time_parts.hpp"

#include <algorithm>

#include "sim/record/account.hpp"

namespace mmsim {
namespace {

bool is_of_cpus(WaitKind kind) {
  return kind == WaitKind::ipi || kind == WaitKind::irqs_off || kind == WaitKind::handler;
}

/// What of a remote core is waited for, behind "waiting for remote cores: ".
std::string_view way_of_remote(WaitKind kind) {
  switch (kind) {
  case WaitKind::ipi:
    return "interrupts on their way";
  case WaitKind::irqs_off:
    return "their interrupts off";
  case WaitKind::handler:
    return "handlers";
  case WaitKind::broadcast:
    return "broadcast invalidation";
  default:
    return {};
  }
}

/// The account in which a kind is waited for where nothing has to be said.
std::string_view usual_account(WaitKind kind) {
  switch (kind) {
  case WaitKind::line:
    return name(Account::coherence);
  case WaitKind::interrupt:
    return name(Account::interrupt);
  case WaitKind::device:
    return name(Account::io);
  case WaitKind::run_queue:
  case WaitKind::scheduler:
    return name(Account::schedule);
  default:
    return {};
  }
}

} // namespace

std::vector<TimePart> waits_of(const Findings::AccountTime& account) {
  std::vector<TimePart> parts;
  for (const Findings::Wait& wait : account.waits) {
    const std::string whom = is_of_cpus(wait.kind) ? std::string() : wait.whom;
    auto part = std::ranges::find_if(
        parts, [&](const TimePart& each) { return each.kind == wait.kind && each.whom == whom; });
    if (part == parts.end()) {
      parts.push_back({account.account, wait.kind, whom, 0, 0, {}, 0});
      part = parts.end() - 1;
    }
    part->mean_ns += wait.mean_ns;
    if (!is_of_cpus(wait.kind)) continue;
    ++part->cpus;
    if (wait.mean_ns > part->most_ns) part->most = wait.whom, part->most_ns = wait.mean_ns;
  }
  std::ranges::stable_sort(parts, std::ranges::greater{}, &TimePart::mean_ns);
  return parts;
}

std::vector<TimePart> parts_of(const Findings::Operation& operation) {
  std::vector<TimePart> parts;
  for (const Findings::AccountTime& account : operation.accounts) {
    std::vector<TimePart> waits = waits_of(account);
    if (waits.empty()) waits.push_back({account.account, std::nullopt, {}, account.mean_ns, 0, {}, 0});
    parts.insert(parts.end(), waits.begin(), waits.end());
  }
  return parts;
}

bool says_for_whom(const Findings::Operation& operation) {
  return std::ranges::none_of(operation.accounts, [](const Findings::AccountTime& account) {
    const auto known = account_named(account.account);
    return known && is_waiting(*known) && account.mean_ns > 0 && account.waits.empty();
  });
}

std::string name_of(const TimePart& part) {
  switch (part.kind.value_or(WaitKind::other)) {
  case WaitKind::lock:
  case WaitKind::device:
    return part.whom;
  case WaitKind::line:
    return "the line of " + part.whom;
  case WaitKind::ipi:
    return "interrupts on their way to other CPUs";
  case WaitKind::irqs_off:
    return "other CPUs with interrupts off";
  case WaitKind::handler:
    return "handlers of other CPUs";
  case WaitKind::broadcast:
    return "broadcast invalidation";
  case WaitKind::interrupt:
    return part.whom + " interrupts";
  case WaitKind::run_queue:
    return "the run queue";
  case WaitKind::scheduler:
    return "the scheduler itself";
  case WaitKind::sleep:
    return part.whom.empty() ? "an event" : "waiting for " + part.whom;
  case WaitKind::other:
    break;
  }
  return part.account;
}

std::string name_below_account(const TimePart& part) {
  const bool taking = part.kind == WaitKind::lock && part.account == name(Account::coherence);
  return taking ? "taking " + name_of(part) : name_of(part);
}

std::string name_with_way(const TimePart& part) {
  const std::string whom = name_of(part);
  if (!part.kind || *part.kind == WaitKind::other || *part.kind == WaitKind::sleep) return whom;
  if (part.account == name(Account::tlb_remote) && !way_of_remote(*part.kind).empty())
    return "waiting for remote cores: " + std::string(way_of_remote(*part.kind));
  if (part.account == usual_account(*part.kind)) return whom;
  if (part.account == name(Account::lock_sleep)) return whom + " (sleeping)";
  if (part.account == name(Account::lock_spin)) return whom + " (spinning)";
  if (part.account == name(Account::coherence)) return name_below_account(part);
  return whom + " (" + part.account + ')';
}

} // namespace mmsim
