// reclaim: processes touch `oversubscribe` times the memory that the machine has for them, again and again.
//
// `processes` of them (one a CPU unless said otherwise) form families of `sharers`: the first of a family maps the
// pages and writes to each, then forks the others, and all go round them, in order (and `together`) or at random. Pages that are only
// read after that are mapped by all `sharers`, and have to be unmapped from each before they can go; the share
// `private` of each process's pages is written by it after the fork and so its own, though the map from a page to
// its areas may still lead through the whole family. With backing = "file" the pages are those of a file a family,
// which all map shared. The pages of all families together, each counted once, are `oversubscribe` times the
// memory, whatever the number of processes.
//
// Of a process's own pages some are given back and taken anew (`fresh`), as programs do that allocate and free.
//
// A touch that faults is a `swap_in` (do_swap_page(), from the device or the swap cache) or a `demand_fault` (all
// others, a file's pages included); one that hits is nothing. With count = "touches" each is a `touch`, whatever came of
// it: what a process pays for its work, as time(1) has it, and how much work is done. A direct reclaim inside a fault is
// a `reclaim`, and part of the fault too; a pass of kswapd over its node at one priority is a `kswapd`.
//
// Needs machine.swap.size for anonymous pages; without, or where that is too small, the OOM killer chooses.
//
// `vmas` cuts a family's pages into so many areas, with a page of nothing between neighbours: areas that one fork
// after the other multiplies, and that an object-based reverse map walks (rmap-test has 100 tasks of 100 areas).

#include "models/operations/fault.hpp"
#include "models/operations/madvise.hpp"
#include "scenarios/family.hpp"
#include "scenarios/reclaim_operations.hpp"
#include "scenarios/scenario.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <spdlog/fmt/fmt.h>
#include <utility>
#include <vector>

namespace mmsim {

namespace {

struct PressureParameters {
  double oversubscribe, own, write, fresh;
  std::int64_t sharers, processes, vmas, together;
  std::string backing, pattern, advice, count;
  Duration think;
  static void declare(Declaration& d, PressureParameters& p) {
    d("scenario.oversubscribe", p.oversubscribe, 1.5,
      "pages that are touched, all processes together and shared ones once, as a multiple of the machine's "
      "memory (what the kernel has not kept for itself at boot)")
        .at_least(0.01)
        .at_most(64);
    d("scenario.sharers", p.sharers, 1,
      "processes that map each page, as the one that forked and its children")
        .at_least(1);
    d("scenario.processes", p.processes, 0,
      "processes in all, a multiple of sharers; 0: one a CPU, and as many more as make families whole")
        .at_least(0);
    d("scenario.private", p.own, 0,
      "share of its pages that each process has copied by writing; with one sharer all are its own")
        .at_least(0)
        .at_most(1);
    d("scenario.vmas", p.vmas, 1, "areas that a process's pages lie in").at_least(1);
    d("scenario.together", p.together, 32,
      "pages after which the sharers wait for each other, so that all have a page mapped when its turn comes "
      "to go; 0: each goes its own pace; in sequential order only")
        .at_least(0);
    d("scenario.backing", p.backing, "anonymous",
      "what pages hold: memory of processes, or of a file a family")
        .one_of({"anonymous", "file"});
    d("scenario.pattern", p.pattern, "sequential", "how each process goes round its pages")
        .one_of({"sequential", "random"});
    d("scenario.advice", p.advice, "normal",
      "what processes say of their pages by madvise: what read-ahead goes by")
        .one_of({"normal", "sequential", "random"});
    d("scenario.write", p.write, 0.5,
      "share of touches that write, of pages that processes have for themselves and of files; shared memory "
      "is read")
        .at_least(0)
        .at_most(1);
    d("scenario.fresh", p.fresh, 0.1,
      "share of touches of a process's own anonymous pages that give the page back first (MADV_DONTNEED) and "
      "so get a new one: a demand_fault")
        .at_least(0)
        .at_most(1);
    d("scenario.think", p.think, "1 us", "mean user time between touches, exponential").at_most("100 ms");
    d("scenario.count", p.count, "faults",
      "operations: touches that faulted (demand_fault, swap_in), or every touch, those that hit too (touch)")
        .one_of({"faults", "touches"});
  }
};
const DeclareParameters<PressureParameters> declared{"reclaim"};

class Reclaim final : public Scenario {
 public:
  explicit Reclaim(const Configuration& configuration)
      : parameters_(read_parameters<PressureParameters>(configuration)), configuration_(configuration) {}

  void start(Experiment& x) override {
    const auto sharers = static_cast<std::uint64_t>(parameters_.sharers);
    const auto wanted = static_cast<std::uint64_t>(parameters_.processes);
    if (wanted % sharers != 0)
      throw InputError(
          fmt::format("scenario.processes = {} is no multiple of scenario.sharers = {}", wanted, sharers),
          configuration_.origin_of("scenario.processes"));
    if (of_files() && parameters_.own > 0)
      throw InputError("scenario.private is for scenario.backing = \"anonymous\": a file's pages are shared",
                       configuration_.origin_of("scenario.private"));
    if (at_random() && is_set("scenario.together") && parameters_.together > 0)
      throw InputError("scenario.together is for scenario.pattern = \"sequential\": at random nobody waits",
                       configuration_.origin_of("scenario.together"));
    nothing_to_reclaim_ = !of_files() && parameters_.oversubscribe > 1 && x.system().swap.slots() == 0;
    const std::uint64_t families = wanted > 0 ? wanted / sharers : (x.cpus() + sharers - 1) / sharers;
    divide_memory(x, families);

    if (counts_touches()) touch_ = x.operation("touch");
    if (!counts_touches()) demand_fault_ = x.operation("demand_fault", Experiment::Occurs::perhaps);
    reclaim_.emplace(x);
    if (!of_files() && !counts_touches()) swap_in_ = x.operation("swap_in", Experiment::Occurs::perhaps);
    x.expect_ready(families);
    for (std::uint64_t family = 0; family < families; ++family) {
      const std::uint64_t first = family * sharers;
      File* file = of_files()
                       ? &x.system().page_cache.create(fmt::format("file {}", family), mapped_, InMemory::no)
                       : nullptr;
      spawn_process_at_boot(x.system(), name_of(first), cpu_of(x, first),
                            [this, &x, first, file](Task& task) { lead(x, task, first, file); })
          .bound = true;
    }
  }
  std::vector<std::string> warnings() const override {
    if (!nothing_to_reclaim_) return {};
    return {fmt::format(
        "there is nothing to reclaim: anonymous pages for scenario.oversubscribe = {} times the memory, and "
        "no swap: set machine.swap.size, or scenario.backing = \"file\"",
        parameters_.oversubscribe)};
  }

 private:
  bool at_random() const { return parameters_.pattern == "random"; }
  bool is_set(const char* path) const { return configuration_.find(path) != nullptr; }
  bool of_files() const { return parameters_.backing == "file"; }
  bool counts_touches() const { return parameters_.count == "touches"; }
  static std::string name_of(std::uint64_t process) { return fmt::format("toucher {}", process); }
  static CoreId cpu_of(const Experiment& x, std::uint64_t process) {
    return CoreId(static_cast<std::uint32_t>(process % x.cpus()));
  }

  // How many pages a process has, how many of them are its own, how many an area has.
  void divide_memory(Experiment& x, std::uint64_t families) {
    const double unique = parameters_.oversubscribe * static_cast<double>(x.system().pages.managed_frames());
    const double copies = 1 + parameters_.own * static_cast<double>(parameters_.sharers - 1);
    pages_ = std::max<std::uint64_t>(1, std::llround(unique / (static_cast<double>(families) * copies)));
    own_ = parameters_.sharers == 1
               ? pages_
               : static_cast<std::uint64_t>(std::llround(parameters_.own * static_cast<double>(pages_)));
    const auto vmas = static_cast<std::uint64_t>(parameters_.vmas);
    if (vmas > pages_)
      throw InputError(
          fmt::format("scenario.vmas = {} are more than the {} pages of a process", vmas, pages_),
          configuration_.origin_of("scenario.vmas"));
    in_area_ = (pages_ + vmas - 1) / vmas;
    mapped_ = pages_ + (pages_ - 1) / in_area_;
  }
  /// Page `index` of a process, whose areas have a hole between them.
  PageNumber page_at(PageNumber first, std::uint64_t index) const { return first + index + index / in_area_; }

  void touch_one(Experiment& x, Task& task, PageNumber page, AccessKind kind) {
    const OperationStart start = x.begin(task, "touch");
    const std::optional<FaultKind> fault = touch(x.system(), task, page, kind);
    if (counts_touches()) return x.end(touch_, start, task);
    if (!fault) return x.drop(task);
    x.end(*fault == FaultKind::swap_in ? swap_in_ : demand_fault_, start, task);
  }

  /// A process that was forked, as the first of its family sees it.
  struct Sharer {
    Completion set_up{"a sharer's own pages"}; ///< or its end, whichever is first
    Completion begins{"the first of its family"};
  };

  // The first of a family: maps the pages, has the others forked, and goes round with them.
  void lead(Experiment& x, Task& task, std::uint64_t process, File* file) {
    PageNumber first{};
    std::vector<std::shared_ptr<Sharer>> others;
    const auto family = std::make_shared<Family>(Family{1});
    const bool killed = killed_in(task, [&](Task&) {
      first = map_pages(x, task, file);
      for (std::uint64_t sharer = 1; sharer < static_cast<std::uint64_t>(parameters_.sharers); ++sharer)
        others.push_back(fork_sharer(x, task, process + sharer, first, family));
      take_own(x, task, first);
      for (const auto& other : others)
        other->set_up.wait(x.system(), task);
      x.ready(task);
    });
    for (const auto& other : others)
      other->begins.complete(x.system(), task.core());
    if (killed) {
      family->leave(x.system(), task);
      throw TaskKilled{};
    }
    live(x, task, process, first, *family);
  }

  PageNumber map_pages(Experiment& x, Task& task, File* file) {
    System& system = x.system();
    const MmapResult area = file == nullptr
                                ? mmap(system, task, {.pages = mapped_})
                                : mmap(system, task, {.pages = mapped_, .flags = MAP_SHARED, .file = file});
    const PageNumber first = x.required(task, area.first);
    if (parameters_.advice != "normal")
      x.required(task,
                 madvise(system, task, first, mapped_,
                         parameters_.advice == "random" ? Advice::random : Advice::sequential),
                 "madvise");
    // Cut after the first page has come, so that the parts are one object's to the reverse map.
    if (file == nullptr) touch_one(x, task, first, AccessKind::write);
    for (std::uint64_t hole = in_area_; hole < mapped_; hole += in_area_ + 1)
      x.required(task, munmap(system, task, first + hole, 1), "munmap");
    if (file == nullptr)
      for (std::uint64_t index = 1; index < pages_; ++index)
        touch_one(x, task, page_at(first, index), AccessKind::write);
    return first;
  }

  // It takes its own pages and waits until all families are set up.
  std::shared_ptr<Sharer> fork_sharer(Experiment& x, Task& task, std::uint64_t process, PageNumber first,
                                      const std::shared_ptr<Family>& family) {
    const auto sharer = std::make_shared<Sharer>();
    ++family->members;
    const auto body = [this, &x, process, first, sharer, family](Task& child) {
      const bool killed = killed_in(child, [&](Task&) {
        take_own(x, child, first);
        sharer->set_up.complete(x.system(), child.core());
        sharer->begins.wait(x.system(), child);
      });
      if (killed) {
        family->leave(x.system(), child);
        throw TaskKilled{};
      }
      live(x, child, process, first, *family);
    };
    const std::shared_ptr<Completion> set_up(sharer, &sharer->set_up);
    x.required(task, fork(x.system(), task, cpu_of(x, process), body, set_up)).bound = true;
    return sharer;
  }

  void take_own(Experiment& x, Task& task, PageNumber first) {
    if (of_files() || parameters_.sharers == 1) return;
    for (std::uint64_t index = 0; index < own_ && !x.over(); ++index)
      touch_one(x, task, page_at(first, index), AccessKind::write);
  }

  void live(Experiment& x, Task& task, std::uint64_t process, PageNumber first, Family& family) {
    const bool killed = killed_in(task, [&](Task&) { go_round(x, task, process, first, family); });
    family.leave(x.system(), task);
    if (killed) throw TaskKilled{};
    exit_task(x.system(), task);
  }

  void go_round(Experiment& x, Task& task, std::uint64_t process, PageNumber first, Family& family) {
    RandomStream thinks = x.random(fmt::format("think {}", process)),
                 touches = x.random(fmt::format("touch {}", process));
    const bool at_random = this->at_random();
    const auto together =
        at_random || parameters_.sharers == 1 ? 0 : static_cast<std::uint64_t>(parameters_.together);
    constexpr std::uint64_t shares = 1u << 20;
    const auto writes = static_cast<std::uint64_t>(parameters_.write * shares),
               fresh = of_files() ? 0 : static_cast<std::uint64_t>(parameters_.fresh * shares);
    for (std::uint64_t next = 0; !x.over(); next = next + 1 < pages_ ? next + 1 : 0) {
      if (parameters_.think.count() > 0) run_user(x.system(), task, thinks.exponential(parameters_.think));
      const std::uint64_t index = at_random ? touches.below(pages_) : next;
      const PageNumber page = page_at(first, index);
      const bool own = index < own_;
      const bool anew = own && fresh > 0 && touches.below(shares) < fresh;
      const bool write = anew || ((of_files() || own) && touches.below(shares) < writes);
      if (anew) x.required(task, madvise(x.system(), task, page, 1, Advice::dontneed), "madvise");
      touch_one(x, task, page, write ? AccessKind::write : AccessKind::read);
      if (together > 0 && (next + 1) % together == 0) family.meet(x.system(), task);
    }
  }

  const PressureParameters parameters_;
  const Configuration& configuration_;
  OperationId demand_fault_{}, swap_in_{}, touch_{};
  std::optional<ReclaimOperations> reclaim_;
  std::uint64_t pages_ = 0;   ///< of a process
  std::uint64_t own_ = 0;     ///< of them, the first ones, those that it writes
  std::uint64_t in_area_ = 0; ///< pages of an area
  std::uint64_t mapped_ = 0;  ///< pages and holes
  bool nothing_to_reclaim_ = false;
};

const Registered<Scenario> registered{"reclaim",
                                      "processes touch more than the machine's memory, again and again",
                                      [](const Configuration& c) { return std::make_unique<Reclaim>(c); }};

} // namespace
} // namespace mmsim
