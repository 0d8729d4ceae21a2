#include "sim/record/wait.hpp"

namespace mmsim {
namespace {

struct WaitKindRow {
  WaitKind kind;
  std::string_view name, help;
};

constexpr std::array<WaitKindRow, wait_kind_count> wait_kind_rows{{
    {WaitKind::other, "other", "nobody has said for whom"},
    {WaitKind::lock, "lock", "a lock of that class: its holders, its queue, its cache line"},
    {WaitKind::line, "line", "a cache line of that name, which other cores hold"},
    {WaitKind::ipi, "ipi", "an interrupt on its way to that core, and sending it"},
    {WaitKind::irqs_off, "irqs_off", "that core had its interrupts off, or woke from idle"},
    {WaitKind::handler, "handler", "that core's interrupt handler, until it had answered"},
    {WaitKind::broadcast, "broadcast", "all cores, until they had completed a broadcast invalidation"},
    {WaitKind::interrupt, "interrupt", "handlers of that interrupt on the own core"},
    {WaitKind::device, "device", "that disk or swap device"},
    {WaitKind::run_queue, "run_queue", "runnable, while other tasks had the core"},
    {WaitKind::scheduler, "scheduler",
     "the scheduler's own work: waking (an idle core, too), choosing, switching"},
    {WaitKind::sleep, "sleep", "an event of that name"},
}};

constexpr bool wait_kinds_in_enum_order() {
  for (std::size_t i = 0; i < wait_kind_rows.size(); ++i)
    if (std::size_t(wait_kind_rows[i].kind) != i || wait_kind_rows[i].name.empty()) return false;
  return true;
}
static_assert(wait_kinds_in_enum_order());

} // namespace

std::string_view name(WaitKind kind) { return wait_kind_rows[std::size_t(kind)].name; }

std::string_view help(WaitKind kind) { return wait_kind_rows[std::size_t(kind)].help; }

std::optional<WaitKind> wait_kind_named(std::string_view name) {
  for (const WaitKindRow& row : wait_kind_rows)
    if (row.name == name) return row.kind;
  return {};
}

} // namespace mmsim
