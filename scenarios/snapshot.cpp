// snapshot: a server writes its heap while a forked child saves it, as Redis does for BGSAVE.
//
// `threads` threads of one process serve requests: some user time, then `writes` writes to pages of the heap at
// random. The first of them forks every `interval`, unless a child still saves. The child reads the heap in order,
// `save` of user time a page (serialising, compressing), and exits. What a page costs that is written meanwhile is a
// `cow_fault`, a part of its `request`: a copy, and once the child has gone only the permission.
//
// The child runs on the last CPU, which no thread has unless they are as many as CPUs.

#include "models/operations/fault.hpp"
#include "scenarios/address_space_room.hpp"
#include "scenarios/process_image.hpp"
#include "scenarios/scenario.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {

struct SnapshotParameters {
  std::int64_t threads, pages, writes;
  Duration think, save, interval;
  static void declare(Declaration& d, SnapshotParameters& p) {
    d("scenario.threads", p.threads, 0,
      "threads of the server, one a CPU from the first on; 0: one for every CPU but the last, at least one")
        .at_least(0);
    d("scenario.pages", p.pages, 4096, "pages of the heap").at_least(1);
    d("scenario.writes", p.writes, 4, "pages of the heap that a request writes to").at_least(1);
    d("scenario.think", p.think, "5 us", "mean user time of a request before it writes, exponential")
        .at_most("100 ms");
    d("scenario.save", p.save, "500 ns", "user time in which the child saves a page").at_most("1 ms");
    d("scenario.interval", p.interval, "4 ms",
      "from the beginning of one snapshot to that of the next, if the first is done by then")
        .at_least("1 us");
  }
};
const DeclareParameters<SnapshotParameters> declared{"snapshot"};

class Snapshot final : public Scenario {
 public:
  explicit Snapshot(const Configuration& configuration)
      : parameters_(read_parameters<SnapshotParameters>(configuration)),
        threads_origin_(configuration.origin_of("scenario.threads")) {
    AddressSpaceRoom(configuration).check("scenario.pages", parameters_.pages, {});
  }

  void start(Experiment& x) override {
    if (parameters_.threads > x.cpus())
      throw InputError(
          fmt::format("scenario.threads = {} are more than run.cpus = {}", parameters_.threads, x.cpus()),
          threads_origin_);
    const std::uint32_t threads = parameters_.threads > 0 ? static_cast<std::uint32_t>(parameters_.threads)
                                                          : std::max(1u, x.cpus() - 1);
    fork_ = x.operation("fork");
    request_ = x.operation("request");
    cow_fault_ = x.operation("cow_fault");
    x.expect_ready(threads);
    BootProcess server(x);
    for (std::uint32_t i = 0; i < threads; ++i) {
      const CoreId cpu(i);
      server
          .spawn(fmt::format("server on cpu {}", i), cpu,
                 [this, &x, cpu](Task& task) { serve(x, task, cpu); })
          .bound = true;
    }
  }
  std::vector<std::string> warnings() const override {
    if (begun_ == 0 || saved_ > 0) return {};
    return {"no snapshot was saved to its end: lengthen run.duration, or choose fewer scenario.pages or less "
            "scenario.save"};
  }

 private:
  void serve(Experiment& x, Task& task, CoreId cpu) {
    System& system = x.system();
    RandomStream thinks = x.random(fmt::format("think {}", cpu.value())),
                 targets = x.random(fmt::format("target {}", cpu.value()));
    const bool forks = cpu == CoreId(0);
    if (forks) heap_ = make_image(x, task, parameters_.pages, 1).front().first;
    x.ready(task); // and the heap is there
    Instant next = task.now() + parameters_.interval;
    while (!x.over()) {
      const OperationStart start = x.begin(task, "request");
      run_user(system, task, thinks.exponential(parameters_.think));
      for (std::int64_t i = 0; i < parameters_.writes; ++i)
        write(x, task, heap_ + targets.below(static_cast<std::uint64_t>(parameters_.pages)));
      x.end(request_, start, task);
      if (!forks || task.now() < next || (exited_ && !exited_->done())) continue;
      next = task.now() + parameters_.interval;
      begin_snapshot(x, task);
    }
    exit_task(system, task);
  }

  void write(Experiment& x, Task& task, PageNumber page) {
    const OperationStart start = x.begin(task, "cow_fault");
    const std::optional<FaultKind> fault = touch(x.system(), task, page, AccessKind::write);
    if (fault == FaultKind::cow_copy || fault == FaultKind::cow_reuse)
      x.end(cow_fault_, start, task);
    else
      x.drop(task);
    task.fiber->operation = "request";
  }

  void begin_snapshot(Experiment& x, Task& task) {
    exited_ = std::make_shared<Completion>("the snapshot's end");
    ++begun_;
    const OperationStart start = x.begin(task, "fork");
    const CoreId last(x.cpus() - 1);
    x.required(task, fork(
                         x.system(), task, last, [this, &x](Task& child) { save(x, child); }, exited_))
        .bound = true;
    x.end(fork_, start, task);
  }

  void save(Experiment& x, Task& child) {
    std::int64_t page = 0;
    for (; page < parameters_.pages && !x.over(); ++page) {
      touch(x.system(), child, heap_ + static_cast<std::uint64_t>(page), AccessKind::read);
      run_user(x.system(), child, parameters_.save);
    }
    if (page == parameters_.pages) ++saved_;
    exit_task(x.system(), child);
  }

  const SnapshotParameters parameters_;
  const Origin threads_origin_;
  OperationId fork_{}, request_{}, cow_fault_{};
  PageNumber heap_{};
  std::shared_ptr<Completion> exited_; ///< of the child that saves, or has saved last
  std::uint64_t begun_ = 0, saved_ = 0;
};

const Registered<Scenario> registered{"snapshot",
                                      "a server writes its heap while a forked child saves it (Redis BGSAVE)",
                                      [](const Configuration& c) { return std::make_unique<Snapshot>(c); }};

} // namespace
} // namespace mmsim
