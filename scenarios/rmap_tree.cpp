// rmap_tree: a process with `pages` pages forks `children` children, which write all of their pages or none; then every
// page of the family is unmapped through the reverse map, as reclaim does it.
//
// Named after the rmap tests by which the reverse maps of 2.4 to 2.6 were compared: a page that all share, and a page that
// a child has for itself while its relatives map other pages at the same place. Each page is locked, gets its slot of
// swap and is unmapped (try_to_unmap(), the operation), process by process; every 32 pages (SWAP_CLUSTER_MAX) what was
// unmapped is flushed, as part of the last one's operation. Before that, at no cost, all entries become old, as those of
// processes that sleep do. Pages stay in the swap cache, so that no device is waited for; the family exits, and the
// parent writes its pages again for the next round. The counter rmap_visits over the number of operations says how many
// areas or mappings were visited for a page.
//
// Needs machine.swap.size, a page of it for each page of the family and as many more as the parent has: with less, and so
// with the default of none, it is refused.
//
// With kernel.rmap = "scan" the operation is the swap_out() that finds the next page that can be freed, and unmaps all
// that it meets on its way.

#include "models/reclaim/vmscan.hpp"
#include "models/rmap/unmap.hpp"
#include "scenarios/address_space_room.hpp"
#include "scenarios/process_image.hpp"
#include "scenarios/scenario.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {

struct RmapTreeParameters {
  std::int64_t pages, children;
  std::string written;
  Duration think;
  static void declare(Declaration& d, RmapTreeParameters& p) {
    d("scenario.pages", p.pages, 64, "pages of the process that forks").at_least(1);
    d("scenario.children", p.children, 15, "children that it has at a time").at_least(1);
    d("scenario.written", p.written, "none",
      "what children write: nothing, so that all share all pages, or all their pages, which are their own "
      "then")
        .one_of({"none", "own"});
    d("scenario.think", p.think, "5 us", "mean user time before each fork, exponential");
  }
};
const DeclareParameters<RmapTreeParameters> declared{"rmap_tree"};

class RmapTree final : public Scenario {
 public:
  explicit RmapTree(const Configuration& configuration)
      : parameters_(read_parameters<RmapTreeParameters>(configuration)),
        swap_is_set_(configuration.find("machine.swap.size") != nullptr),
        swap_origin_(configuration.origin_of("machine.swap.size")) {
    AddressSpaceRoom(configuration).check("scenario.pages", parameters_.pages, {});
  }

  void start(Experiment& x) override {
    fork_ = x.operation("fork");
    unmap_page_ = x.operation("unmap_page");
    // A slot for each page, and one more for the parent's that have come back.
    const auto pages = static_cast<std::uint64_t>(parameters_.pages);
    const std::uint64_t families =
        parameters_.written == "own" ? static_cast<std::uint64_t>(parameters_.children) + 1 : 1;
    const std::uint64_t needed = pages * (families + 1);
    if (x.system().swap.slots() < needed)
      throw InputError(
          fmt::format("{} too small: rmap_tree unmaps anonymous pages, which need {} slots of "
                      "swap, and there are {}: set it to {} MiB or more",
                      swap_is_set_ ? "machine.swap.size is" : "machine.swap.size = 0 B (default) is", needed,
                      x.system().swap.slots(), needed * bytes_per_frame / (1024 * 1024) + 1),
          swap_origin_);
    x.expect_ready(1);
    spawn_process_at_boot(x.system(), "parent", CoreId(0), [this, &x](Task& task) {
      parent(x, task);
    }).bound = true;
  }

  std::vector<std::string> warnings() const override { return warnings_; }

 private:
  /// A child, as the parent sees it.
  struct Child {
    std::uint32_t mm;
    std::shared_ptr<Completion> written, end, exited;
  };

  void parent(Experiment& x, Task& task) {
    System& system = x.system();
    RandomStream thinks = x.random("think");
    const PageNumber first = make_image(x, task, parameters_.pages, 1).front().first;
    x.ready(task);
    while (!x.over()) {
      write_all(system, task, first);
      std::vector<Child> children;
      while (static_cast<std::int64_t>(children.size()) < parameters_.children && !x.over()) {
        run_user(system, task, thinks.exponential(parameters_.think));
        children.push_back(make_child(x, task, first, children.size() + 1));
      }
      if (!x.over()) {
        std::vector<std::uint32_t> family{task.mm->id};
        for (const Child& child : children)
          family.push_back(child.mm);
        grow_old(system, task, family, first);
        system.rmap->finds_mappings() ? unmap_all(x, task, family, first)
                                      : swap_out_all(x, task, family.size());
      }
      for (const Child& child : children)
        child.end->complete(system, task.core());
      for (const Child& child : children)
        child.exited->wait(system, task);
      return_to_user_mode(system, task);
    }
    exit_task(system, task);
  }

  void write_all(System& system, Task& task, PageNumber first) const {
    for (std::int64_t i = 0; i < parameters_.pages; ++i)
      touch(system, task, first + static_cast<std::uint64_t>(i), AccessKind::write);
  }

  Child make_child(Experiment& x, Task& task, PageNumber first, std::size_t number) {
    Child child{0, std::make_shared<Completion>("the child's writes"),
                std::make_shared<Completion>("the end of the family"),
                std::make_shared<Completion>("the child's exit")};
    const auto body = [this, &x, first, child](Task& self) {
      const bool killed = killed_in(self, [&](Task&) {
        if (parameters_.written == "own") write_all(x.system(), self, first);
      });
      child.written->complete(x.system(), self.core());
      if (killed) end_if_killed(x.system(), self);
      child.end->wait(x.system(), self);
      exit_task(x.system(), self);
    };
    const CoreId cpu(static_cast<std::uint32_t>(number % x.cpus()));
    const OperationStart start = x.begin(task, "fork");
    Task& made = x.required(task, fork(x.system(), task, cpu, body, child.exited));
    made.bound = true;
    child.mm = made.mm->id;
    x.end(fork_, start, task);
    child.written->wait(x.system(), task);
    return child;
  }

  // The family sleeps but for the parent, which is in the kernel.
  void grow_old(System& system, Task& task, const std::vector<std::uint32_t>& family,
                PageNumber first) const {
    task.core().settle();
    for (const std::uint32_t id : family)
      if (MmStruct* const mm = system.mm_of(id))
        for (std::int64_t i = 0; i < parameters_.pages; ++i)
          if (Pte* const entry = mm->tables.find(first + static_cast<std::uint64_t>(i)))
            *entry = entry->aged();
  }

  void unmap_all(Experiment& x, Task& task, const std::vector<std::uint32_t>& family, PageNumber first) {
    UnmapBatch batch;
    int in_batch = 0;
    for (const std::uint32_t id : family)
      for (std::int64_t i = 0; i < parameters_.pages && !x.over(); ++i) {
        MmStruct* const mm = x.system().mm_of(id); // unless the OOM killer was there
        const Pte* const entry =
            mm != nullptr ? mm->tables.find(first + static_cast<std::uint64_t>(i)) : nullptr;
        if (entry == nullptr || !entry->present()) continue; // unmapped with another process's
        unmap_page(x, task, entry->frame(), batch, ++in_batch % swap_cluster_max == 0);
      }
    try_to_unmap_flush(x.system(), task, batch);
  }

  void unmap_page(Experiment& x, Task& task, FrameNumber frame, UnmapBatch& batch, bool flush) {
    System& system = x.system();
    Frame& page = system.pages[frame];
    ++page.refcount; // get_page()
    task.core().charge(task.core().costs().work.page_ref, Account::work);
    if (system.page_cache.waits.trylock_page(task.core(), frame)) {
      if ((page.flags & PG_swapcache) != 0 || system.swap.add_to_swap(task.core(), frame)) {
        const OperationStart start = x.begin(task, "unmap_page");
        const Unmapped outcome = try_to_unmap(system, task, frame, &batch);
        if (flush) try_to_unmap_flush(system, task, batch);
        x.end(unmap_page_, start, task);
        if (outcome != Unmapped::success)
          warn("a page could not be unmapped: somebody has used it meanwhile");
      } else {
        warn("swap is full: pages were left mapped");
      }
      system.page_cache.waits.unlock_page(task.core(), frame);
    }
    task.core().settle();
    system.lru->put_page(task.core(), frame);
  }

  // Pages of processes that sleep have left the active lists and pagevecs long ago.
  static void deactivate(System& system, Core& core) {
    system.lru->lru_add_drain(core);
    for (std::uint32_t i = 0; i < system.lru->vecs(); ++i) {
      LruVec& vec = system.lru->vec(i);
      vec.lock(core);
      while (!vec.list(LruList::active).empty()) {
        const FrameNumber frame = vec.list(LruList::active).back();
        vec.del(core, frame);
        system.pages[frame].flags &= ~std::uint32_t{PG_active};
        vec.putback(core, frame);
      }
      vec.unlock(core);
    }
  }

  void swap_out_all(Experiment& x, Task& task, std::size_t family) {
    deactivate(x.system(), task.core());
    const std::int64_t pages =
        parameters_.pages * (parameters_.written == "own" ? static_cast<std::int64_t>(family) : 1);
    for (std::int64_t left = pages; left > 0 && !x.over(); --left) {
      const OperationStart start = x.begin(task, "unmap_page");
      if (x.system().rmap->swap_out(task, 1) == 0) { // the rest is in pagevecs of other CPUs
        x.abandon(task);
        if (left == pages) warn("swap_out() found no page that it could free");
        return;
      }
      x.end(unmap_page_, start, task);
    }
  }

  void warn(std::string text) {
    if (std::ranges::find(warnings_, text) == warnings_.end()) warnings_.push_back(std::move(text));
  }

  const RmapTreeParameters parameters_;
  const bool swap_is_set_;
  const Origin swap_origin_;
  OperationId fork_{}, unmap_page_{};
  std::vector<std::string> warnings_;
};

const Registered<Scenario> registered{
    "rmap_tree",
    "a process forks children, and each page is unmapped through the reverse map (needs machine.swap.size)",
    [](const Configuration& c) { return std::make_unique<RmapTree>(c); }};

} // namespace
} // namespace mmsim
