// fork: on each CPU a process with `pages` resident pages in `vmas` areas forks, and the child exits at once.
// With `rewrite` the parent then writes all its pages, as one that works on its data does: each write takes
// a page over that nobody shares any more, and the next fork finds writable entries again. Named after
// will-it-scale's fork1 and lmbench's lat_proc fork, which do not. `libraries` files are mapped by all
// processes, as programs share their text, libc and the dynamic linker: what forks of independent processes
// meet on is these files' i_mmap, which each area that maps them enters and leaves.

#include "scenarios/address_space_room.hpp"
#include "scenarios/process_image.hpp"
#include "scenarios/scenario.hpp"

#include <array>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {

struct ForkParameters {
  std::int64_t pages, vmas, libraries;
  Duration think;
  bool rewrite;
  static void declare(Declaration& d, ForkParameters& p) {
    d("scenario.pages", p.pages, 1024, "resident pages of each process").at_least(0);
    d("scenario.vmas", p.vmas, 16, "areas that they lie in").at_least(1);
    d("scenario.libraries", p.libraries, 0,
      "files that every process maps, four areas each: text, a gap, read-only data, data")
        .at_least(0);
    d("scenario.think", p.think, "5 us", "mean user time between forks, exponential");
    d("scenario.rewrite", p.rewrite, false, "the parent writes its pages again once the child is gone");
  }
};
const DeclareParameters<ForkParameters> declared{"fork"};

class Fork final : public Scenario {
 public:
  explicit Fork(const Configuration& configuration)
      : parameters_(read_parameters<ForkParameters>(configuration)) {
    const AddressSpaceRoom room(configuration);
    const AddressSpaceRoom::Wanted wanted{.beside = segments.size() *
                                                    static_cast<std::uint64_t>(parameters_.libraries)};
    room.check("scenario.pages", parameters_.pages, wanted);
    room.check("scenario.vmas", parameters_.vmas, wanted);
  }

  void start(Experiment& x) override {
    const OperationId fork_id = x.operation("fork"), exit_id = x.operation("exit");
    for (std::int64_t i = 0; i < parameters_.libraries; ++i)
      libraries_.push_back(
          &x.system().page_cache.create(fmt::format("library {}", i), segments.size(), InMemory::yes));
    if (parameters_.rewrite) cow_fault_ = x.operation("cow_fault");
    x.expect_ready(x.cpus());
    x.on_each_cpu([&, fork_id, exit_id](CoreId cpu) {
      BootProcess(x)
          .spawn("parent on cpu " + std::to_string(cpu.value()), cpu,
                 [this, &x, cpu, fork_id, exit_id](Task& task) { parent(x, task, cpu, fork_id, exit_id); })
          .bound = true;
    });
  }

 private:
  /// As ld.so maps a shared object, first to last (binutils without -z separate-code).
  static constexpr std::array<std::uint32_t, 4> segments{PROT_READ | PROT_EXEC, PROT_NONE, PROT_READ,
                                                         PROT_READ | PROT_WRITE};

  void parent(Experiment& x, Task& task, CoreId cpu, OperationId fork_id, OperationId exit_id) {
    RandomStream thinks = x.random("think " + std::to_string(cpu.value()));
    const std::vector<ImageArea> areas = make_image(x, task, parameters_.pages, parameters_.vmas);
    for (File* library : libraries_)
      for (std::size_t i = 0; i < segments.size(); ++i)
        x.required(task,
                   mmap(x.system(), task,
                        {.pages = 1, .prot = segments[i], .flags = MAP_PRIVATE, .file = library, .pgoff = i})
                       .first);
    x.ready(task);
    while (!x.over()) {
      run_user(x.system(), task, thinks.exponential(parameters_.think));
      const auto exited = std::make_shared<Completion>("the child's exit");
      const auto child_body = [&x, exit_id](Task& child) {
        const OperationStart exit_start = x.begin(child, "exit");
        exit_task(x.system(), child);
        x.end(exit_id, exit_start, child);
      };
      const OperationStart start = x.begin(task, "fork");
      x.required(task, fork(x.system(), task, cpu, child_body, exited)).bound = true;
      x.end(fork_id, start, task);
      exited->wait(x.system(), task);
      if (parameters_.rewrite) write_all(x, task, areas);
    }
    exit_task(x.system(), task);
  }

  void write_all(Experiment& x, Task& task, const std::vector<ImageArea>& areas) {
    for (const ImageArea& area : areas)
      for (std::uint64_t page = 0; page < area.pages && !x.over(); ++page) {
        const OperationStart start = x.begin(task, "cow_fault");
        touch(x.system(), task, area.first + page, AccessKind::write);
        x.end(cow_fault_, start, task);
      }
  }

  const ForkParameters parameters_;
  OperationId cow_fault_{};
  std::vector<File*> libraries_;
};

const Registered<Scenario> registered{"fork",
                                      "each CPU: a process forks and its child exits (fork1, lat_proc)",
                                      [](const Configuration& c) { return std::make_unique<Fork>(c); }};

} // namespace
} // namespace mmsim
