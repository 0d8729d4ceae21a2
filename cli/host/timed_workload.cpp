// The twins of scenarios fork, cow, munmap, page_fault and mprotect. All of it runs in a child of its own, whose
// memory is gone with it: what one workload leaves behind does not reach the next one.
#include "cli/host/timed_workload.hpp"

#include "cli/host/clock.hpp"
#include "cli/host/partner.hpp"
#include "cli/host/pinning.hpp"
#include "cli/host/quiet_core.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <limits>
#include <new>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mmsim::host {
namespace {

const std::size_t page = std::size_t(sysconf(_SC_PAGESIZE));
const std::size_t table = page / 8 * page; // what a last-level table maps: with pages of 4 KiB 2 MiB
constexpr std::size_t most_passes = 1000, least_passes = 3, warming = 2, most_operations = 3;

/// Where a workload's process leaves what it has found: shared with its parent and its children.
struct Blackboard {
  std::atomic<std::uint64_t> child_began, child_wrote; // ticks
  std::size_t passes;                                  // complete ones
  double samples[most_operations][most_passes];
  bool quiet[most_passes]; // nobody shared the core before and after, or took it away between
};

Blackboard* shared_blackboard() {
  void* memory = mmap(nullptr, sizeof(Blackboard), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : new (memory) Blackboard{};
}

[[noreturn]] void give_up() { _exit(1); }

/// An address range whose page tables nothing else uses, at the start of one of them. What is mapped later is put at
/// the upper end of the hole that it lies in.
char* lonely_range(std::size_t bytes) {
  const std::size_t room = bytes + std::max(std::size_t{1} << 30, 3 * table);
  void* const hole = mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (hole == MAP_FAILED) give_up();
  munmap(hole, room);
  const auto begin = reinterpret_cast<std::uintptr_t>(hole);
  return reinterpret_cast<char*>((begin + 2 * table) / table * table);
}

/// Maps memory there, in small pages.
void map_at(char* where, std::size_t bytes) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  if (mmap(where, bytes, PROT_READ | PROT_WRITE, flags, -1, 0) != where) give_up();
  madvise(where, bytes, MADV_NOHUGEPAGE); // refused by a kernel that has no huge pages, which is as well
}

char* map_written_once(std::uint64_t pages) {
  char* const area = lonely_range(pages * page);
  if (pages > 0) map_at(area, pages * page);
  return area;
}

void write_all(char* area, std::uint64_t pages) {
  for (std::uint64_t i = 0; i < pages; ++i)
    *const_cast<volatile char*>(area + i * page) = 1;
}
void read_all(const char* area, std::uint64_t pages) {
  for (std::uint64_t i = 0; i < pages; ++i)
    (void)*const_cast<const volatile char*>(area + i * page);
}

/// So many areas with no page in them that do not merge.
void map_empty_areas(std::uint64_t areas) {
  for (std::uint64_t i = 0; i < areas; ++i) {
    void* const area = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) give_up();
    madvise(area, page, i % 2 == 0 ? MADV_RANDOM : MADV_SEQUENTIAL); // as make_image() keeps them apart
  }
}

double per_page(std::uint64_t from, std::uint64_t to, std::uint64_t pages) {
  return ns_between(from, to) / double(std::max<std::uint64_t>(1, pages));
}

// One pass of each workload: what it found, by operation; NaN where it could not be told.
using Pass = std::array<double, most_operations>;
constexpr double untold = std::numeric_limits<double>::quiet_NaN();

/// From one instant to a later one; untold if they came the other way round.
double in_order(std::uint64_t from, std::uint64_t to) {
  return std::int64_t(to - from) > 0 ? ns_between(from, to) : untold;
}

Pass fork_pass(Blackboard& board, char* area, const KernelWorkload& w) {
  const std::uint64_t writes = ticks();
  write_all(area, w.pages);
  const std::uint64_t start = ticks();
  const pid_t child = _Fork();
  if (child == 0) {
    board.child_began = ticks();
    _exit(0);
  }
  const std::uint64_t forked = ticks();
  if (child < 0) give_up();
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  const std::uint64_t exited = ticks(), began = board.child_began;
  const bool in_turn = std::int64_t(began - forked) > 0; // else the child ran first
  return {in_turn ? ns_between(start, forked) : untold, in_turn ? ns_between(began, exited) : untold,
          w.pages > 0 ? per_page(writes, start, w.pages) : untold};
}

Pass storm_pass(Blackboard& board, char* area, const KernelWorkload& w) {
  const std::uint64_t start = ticks();
  const pid_t child = _Fork();
  if (child == 0) {
    board.child_began = ticks();
    write_all(area, w.pages);
    board.child_wrote = ticks();
    _exit(0);
  }
  const std::uint64_t forked = ticks();
  if (child < 0) give_up();
  write_all(area, w.pages);
  const std::uint64_t written = ticks();
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  const std::uint64_t exited = ticks(), began = board.child_began, wrote = board.child_wrote;
  // Fork is told if the child came after it, exit if the parent had nothing left to do, and the faults if both wrote
  // one after the other, whoever was first to end.
  const bool in_turn = std::int64_t(began - forked) > 0;
  const std::uint64_t both = std::max(written, wrote);
  return {in_turn ? in_order(start, forked) : untold,
          std::int64_t(wrote - written) > 0 ? in_order(wrote, exited) : untold,
          in_turn ? in_order(forked, both) / double(2 * w.pages) : untold};
}

/// A second thread of the process on another CPU, which reads what it is shown and else spins.
class Sharer {
 public:
  Sharer(int cpu, std::uint64_t pages)
      : thread_(cpu, [this, pages](const std::atomic<bool>& stop) { spin(stop, pages); }) {
    if (!thread_.pinned()) give_up();
  }
  void show(const char* area) {
    seen_ = false;
    shown_ = area;
    while (!seen_)
      relax();
  }

 private:
  void spin(const std::atomic<bool>& stop, std::uint64_t pages) {
    while (!stop) {
      if (const char* area = shown_.exchange(nullptr)) {
        read_all(area, pages);
        seen_ = true;
      }
      relax();
    }
  }
  std::atomic<bool> seen_{false};
  std::atomic<const char*> shown_{nullptr};
  Partner thread_; // last: it uses the others
};

Pass map_pass(char* range, const KernelWorkload& w, Sharer* sharer) {
  map_at(range, w.pages * page);
  const std::uint64_t start = ticks();
  w.kind == KernelWorkload::Kind::read ? read_all(range, w.pages) : write_all(range, w.pages);
  const std::uint64_t touched = ticks();
  if (sharer != nullptr) sharer->show(range);
  const double unmapped = ns_of([&] { munmap(range, w.pages * page); });
  return {per_page(start, touched, w.pages), unmapped};
}

std::size_t protected_bytes(const KernelWorkload& w) { // pages_apart() of the scenario
  return (w.pages % 512 == 0 ? w.pages + 1 : w.pages) * page;
}

Pass protect_pass(char* area, const KernelWorkload& w) {
  const std::size_t bytes = protected_bytes(w);
  const double taken = ns_of([&] { mprotect(area, bytes, PROT_READ); });
  const double given = ns_of([&] { mprotect(area, bytes, PROT_READ | PROT_WRITE); });
  write_all(area, w.pages);
  return {(taken + given) / 2};
}

/// What the pages of one pass took on average.
double fault_in_and_drop(char* range, std::uint64_t pages) {
  map_at(range, pages * page);
  const std::uint64_t start = ticks();
  write_all(range, pages);
  const double each = per_page(start, ticks(), pages);
  munmap(range, pages * page);
  return each;
}

/// A second thread that does the same in a range of its own, all the while.
class FellowFaulter {
 public:
  FellowFaulter(int cpu, char* range, std::uint64_t pages)
      : thread_(cpu, [this, range, pages](const std::atomic<bool>& stop) {
          while (!stop)
            latest_ = fault_in_and_drop(range, pages);
        }) {
    if (!thread_.pinned()) give_up();
  }
  double latest() const { return latest_; }

 private:
  std::atomic<double> latest_{0};
  Partner thread_; // last: it uses the others
};

Pass threads_pass(char* range, const KernelWorkload& w, const FellowFaulter& fellow) {
  const double ours = fault_in_and_drop(range, w.pages), theirs = fellow.latest();
  return {theirs > 0 ? (ours + theirs) / 2 : untold};
}

/// How often this thread had to leave its CPU to others.
long times_pushed_aside() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nivcsw;
}

template <typename OnePass>
void repeat(Blackboard& board, double seconds, OnePass pass) {
  const std::uint64_t start = ticks();
  for (std::size_t i = 0; i < warming; ++i)
    pass();
  for (std::size_t done = 0; done < most_passes; ++done) {
    if (done >= least_passes && ns_between(start, ticks()) > seconds * 1e9) break;
    const bool quiet_before = quiet_core();
    const long pushed_aside = times_pushed_aside();
    const Pass found = pass();
    board.quiet[done] = times_pushed_aside() == pushed_aside && quiet_before && quiet_core();
    for (std::size_t i = 0; i < most_operations; ++i)
      board.samples[i][done] = found[i];
    board.passes = done + 1;
  }
}

[[noreturn]] void run_workload(Blackboard& board, const KernelWorkload& w, int cpu, int partner,
                               double seconds) {
  using Kind = KernelWorkload::Kind;
  if (!pin_to(cpu) && w.cpus() > 1) give_up(); // one thread does without
  learn_quiet_core(0.002);
  switch (w.kind) {
  case Kind::fork: {
    map_empty_areas(w.empty_areas);
    char* const area = map_written_once(w.pages);
    repeat(board, seconds, [&] { return fork_pass(board, area, w); });
    break;
  }
  case Kind::storm: {
    char* const area = map_written_once(w.pages);
    write_all(area, w.pages);
    repeat(board, seconds, [&] { return storm_pass(board, area, w); });
    break;
  }
  case Kind::map:
  case Kind::read: {
    char* const range = lonely_range(w.pages * page);
    if (!w.sharer) {
      repeat(board, seconds, [&] { return map_pass(range, w, nullptr); });
    } else {
      Sharer sharer(partner, w.pages);
      repeat(board, seconds, [&] { return map_pass(range, w, &sharer); });
    }
    break;
  }
  case Kind::threads: {
    const std::size_t apart = (w.pages * page + 3 * table) / table * table;
    char* const range = lonely_range(2 * apart);
    FellowFaulter fellow(partner, range + apart, w.pages);
    repeat(board, seconds, [&] { return threads_pass(range, w, fellow); });
    break;
  }
  case Kind::protect: {
    char* const area = lonely_range(protected_bytes(w));
    map_at(area, protected_bytes(w));
    write_all(area, w.pages);
    if (!w.sharer) {
      repeat(board, seconds, [&] { return protect_pass(area, w); });
    } else {
      Sharer sharer(partner, 0);
      repeat(board, seconds, [&] { return protect_pass(area, w); });
    }
    break;
  }
  }
  _exit(0);
}

} // namespace

WorkloadRound timed_workload(const KernelWorkload& workload, int cpu, int partner, double seconds) {
  tick_source(); // found out here, not in each child
  WorkloadRound round;
  round.samples.resize(operations_of(workload.kind).size());
  if (workload.cpus() > 1 && partner < 0) return round;
  Blackboard* const board = shared_blackboard();
  if (board == nullptr) return round;
  const pid_t child = ::fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    run_workload(*board, workload, cpu, partner, seconds);
  }
  int status = 1;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    for (std::size_t i = 0; i < round.samples.size(); ++i)
      for (std::size_t pass = 0; pass < board->passes; ++pass)
        if (const double sample = board->samples[i][pass]; std::isfinite(sample))
          round.samples[i].push_back({sample, board->quiet[pass]});
  }
  munmap(board, sizeof(Blackboard));
  return round;
}

} // namespace mmsim::host
