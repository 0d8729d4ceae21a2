#include "models/reclaim/oom_killer.hpp"

#include "models/system.hpp"

#include <algorithm>
#include <map>
#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

namespace mmsim {

void OomParameters::declare(Declaration& d, OomParameters& p) {
  d("kernel.oom_badness", p.badness, "rss",
    "whom the OOM killer takes: who has the most in memory, swap and page tables (rss), or the largest "
    "address space "
    "(total_vm)",
    "mm/oom_kill.c: badness() by total_vm to 2.6.35, oom_badness() by rss since")
      .one_of({"rss", "total_vm"});
  d("kernel.oom_kill_allocating_task", p.kill_allocating_task, false,
    "the OOM killer takes the process that asked for memory", "vm.oom_kill_allocating_task, off by default");
  d("kernel.oom_spares_swap", p.spares_swap, "scan",
    "while swap has room, nobody is killed and who asked tries again without end: always, never, or (scan) "
    "where "
    "kernel.rmap is \"scan\", whose walks need many rounds to age what they meet",
    "mm/oom_kill.c out_of_memory(): nr_swap_pages > 0 is not out of memory, to 2.6.7")
      .one_of({"always", "scan", "never"});
}

OomKiller::OomKiller(System& system, Timeouts& timeouts, const Configuration& configuration)
    : system_(system), timeouts_(timeouts), parameters_(read_parameters<OomParameters>(configuration)),
      event_(timeouts.event("the OOM killer")) {}

namespace {
// mm_pgtables_bytes(), in pages; what several tables share counts for each.
std::uint64_t page_tables(const TablePage& table) {
  std::uint64_t tables = 1;
  for (const TablePage* child : table.children)
    if (child != nullptr) tables += page_tables(*child);
  return tables;
}
} // namespace

std::uint64_t OomKiller::badness(MmStruct& mm) const {
  if (parameters_.badness == "total_vm") return static_cast<std::uint64_t>(mm.total_vm);
  TablePage* const root = mm.tables.root();
  return static_cast<std::uint64_t>(mm.rss() + mm.swapents) + (root != nullptr ? page_tables(*root) : 0);
}

bool OomKiller::passed_over(const MmStruct& mm) const {
  const auto dying = std::ranges::find(dying_, mm.id, &Dying::mm);
  return dying != dying_.end() && system_.engine.now() - dying->since > std::chrono::seconds(1);
}

// tsk_is_oom_victim() without MMF_OOM_SKIP, of a victim whose tasks have let go of what exit_mmap() is freeing.
bool OomKiller::somebody_is_dying() const {
  return std::ranges::any_of(dying_, [&](const Dying& dying) {
    const MmStruct* const mm = system_.mm_of(dying.mm);
    return mm != nullptr && mm->rss() > 0 && !passed_over(*mm);
  });
}

// for_each_process(): a process is its address space, in the order of pids of its oldest tasks.
OomKiller::Victim OomKiller::select_bad_process(Core& core) {
  std::map<std::uint32_t, Task*> oldest; // by mm
  system_.scheduler.for_each_task([&](Task& task) {
    if (task.mm == nullptr || task.state == Task::State::dead) return;
    Task*& first = oldest[task.mm->id];
    if (first == nullptr || task.pid < first->pid) first = &task;
  });
  core.charge(static_cast<std::int64_t>(oldest.size()) * core.costs().work.oom_task, Account::work);
  const bool younger = parameters_.badness == "rss";
  if (younger && somebody_is_dying()) return {nullptr, 0, true};
  Victim chosen;
  for (const auto& [id, task] : oldest) {
    if (task->killed && passed_over(*task->mm)) continue;
    if (task->oom_victim) return {task, 0, true};
    const std::uint64_t points = badness(*task->mm);
    const bool beats_equals = chosen.task != nullptr && (task->pid > chosen.task->pid) == younger;
    if (chosen.task == nullptr || points > chosen.points || (points == chosen.points && beats_equals))
      chosen = {task, points, false};
  }
  return chosen;
}

bool OomKiller::out_of_memory(Task& task) {
  if (task.killed) { // task_will_free_mem()
    if (task.mm != nullptr) mark_victims(*task.mm);
    return true;
  }
  const Duration tick = system_.scheduler.jiffy();
  if (choosing_) {
    const WaitFor whom(task.ledger, event_);
    timeouts_.sleep(task, task.now() + tick, Account::io);
    return true;
  }
  choosing_ = true;
  Victim victim;
  if (parameters_.kill_allocating_task && task.mm != nullptr)
    victim = {&task, badness(*task.mm), false};
  else
    victim = select_bad_process(task.core());
  if (victim.task != nullptr && !victim.dying) kill_process(task, *victim.task, victim.points);
  task.core().settle();
  choosing_ = false;
  if (victim.task == nullptr && !victim.dying) return false;
  // A good chance for it to go before we try again.
  const WaitFor whom(task.ledger, event_);
  if (!task.oom_victim) timeouts_.sleep(task, task.now() + tick, Account::io, nullptr, Sleep::killable);
  return true;
}

void OomKiller::mark_victims(const MmStruct& mm) {
  system_.scheduler.for_each_task([&](Task& task) {
    if (task.mm == &mm) task.oom_victim = true;
  });
  if (std::ranges::find(dying_, mm.id, &Dying::mm) == dying_.end())
    dying_.push_back({mm.id, system_.engine.now()});
}

void OomKiller::kill_process(Task& asking, Task& victim, std::uint64_t points) {
  constexpr std::size_t kept = 16;
  const MmStruct& mm = *victim.mm;
  mark_victims(mm);
  if (victim.killed) return; // it is on its way, and has the reserves from now on
  spdlog::warn("out of memory: {} (pid {}) is killed: {} pages count against it ({} anonymous and {} of "
               "files in memory, "
               "{} in swap); asked by {} (pid {})",
               victim.name, victim.pid, points, mm.rss_anon, mm.rss_file, mm.swapents, asking.name,
               asking.pid);
  if (kills_.size() < kept)
    kills_.push_back({victim.pid, victim.name, points, asking.name, system_.engine.now()});
  system_.counters.add(Counter::oom_kill);
  system_.scheduler.kill(asking.core(), mm);
}

void OomKiller::pagefault_out_of_memory(Task& task) {
  if (task.killed || task.mm == nullptr) return; // it is on its way
  if (parameters_.badness == "rss" && out_of_memory(task)) return;
  if (!task.killed) kill_process(task, task, badness(*task.mm));
}

} // namespace mmsim
