// munmap: map, touch and unmap `pages` pages again and again, on each CPU in an area of its own: by threads
// of one process (every unmap must tell the other threads' cores) or by processes (nobody has to be told).
// Each CPU has done one round before the warm-up, so that its free pages and slab objects are at hand as on a
// machine that has run. With `readers` > 0 (threads only) so many CPUs, the last ones, unmap nothing: their
// threads read each area that CPU 0 has touched before it is unmapped, so that their TLBs have it. Users that
// are not bound and sleep now and then (users.hpp) leave cores behind that mm_cpumask still names. Named after
// will-it-scale's tlb_flush and the munmap benchmarks of the RadixVM paper.

#include "scenarios/users.hpp"

namespace mmsim {

namespace {

struct MunmapParameters {
  std::string mode, touch;
  std::int64_t pages, readers;
  Duration think;
  UsersParameters users;
  static void declare(Declaration& d, MunmapParameters& p) {
    d("scenario.mode", p.mode, "threads", "who shares: threads of one process, or processes")
        .one_of({"threads", "processes"});
    d("scenario.pages", p.pages, 1, "pages of an area").at_least(1);
    d("scenario.readers", p.readers, 0,
      "CPUs, of the last ones, whose threads read the area of CPU 0 before each unmap")
        .at_least(0);
    d("scenario.touch", p.touch, "write",
      "how pages are touched: by writing (each gets a page of memory), or by reading (the zero page, where "
      "the kernel has one: neither page allocator nor LRU take part)")
        .one_of({"write", "read"});
    d("scenario.think", p.think, "2 us", "mean user time between rounds, exponential");
    UsersParameters::declare(d, p.users);
  }
};
const DeclareParameters<MunmapParameters> declared{"munmap"};

class Munmap final : public Scenario {
 public:
  explicit Munmap(const Configuration& configuration)
      : parameters_(read_parameters<MunmapParameters>(configuration)) {
    if (const Entry* entry = configuration.find("scenario.readers")) readers_origin_ = entry->origin;
  }

  void start(Experiment& x) override {
    if (parameters_.readers > 0 && (parameters_.mode != "threads" || parameters_.readers >= x.cpus()))
      throw InputError("scenario.readers needs scenario.mode = \"threads\" and fewer readers than run.cpus",
                       readers_origin_);
    if (parameters_.readers > 0 && parameters_.users.threads_per_cpu > 1)
      throw InputError("scenario.readers needs scenario.threads_per_cpu = 1", readers_origin_);
    mmap_ = x.operation("mmap");
    demand_fault_ = x.operation("demand_fault");
    munmap_ = x.operation("munmap");
    sleep_.emplace(x.system(), parameters_.users.sleep);
    x.expect_ready(users_of(x, parameters_.users));
    const auto mappers = static_cast<std::uint32_t>(x.cpus() - parameters_.readers);
    spawn_users(x, parameters_.mode, "mapper", parameters_.users, [this, &x, mappers](Task& task, User user) {
      if (user.cpu.value() < mappers)
        map_and_unmap(x, task, user.number);
      else
        read(x, task);
    });
  }

 private:
  void map_and_unmap(Experiment& x, Task& task, std::uint32_t number) {
    System& system = x.system();
    RandomStream thinks = x.random("think " + std::to_string(number));
    const auto pages = static_cast<std::uint64_t>(parameters_.pages);
    const std::uint64_t mapped = parameters_.mode == "threads" ? pages_apart(pages) : pages;
    const AccessKind touched = parameters_.touch == "write" ? AccessKind::write : AccessKind::read;
    const auto round = [&](bool watched) {
      (*sleep_)(task, thinks);
      run_user(system, task, thinks.exponential(parameters_.think));
      OperationStart start = x.begin(task, "mmap");
      // Areas of different CPUs share neither a table page nor a vm_area_struct, as the benchmarks take care
      // of.
      const PageNumber area = x.required(task, mmap(system, task, mapped, TablePage::entries));
      x.end(mmap_, start, task);
      for (std::uint64_t page = 0; page < pages; ++page) {
        start = x.begin(task, "demand_fault");
        touch(system, task, area + page, touched);
        x.end(demand_fault_, start, task);
      }
      if (watched) show(system, task, area);
      start = x.begin(task, "munmap");
      x.required(task, munmap(system, task, area, mapped), "munmap");
      x.end(munmap_, start, task);
    };
    round(false); // the readers are not there yet
    x.ready(task);
    while (!x.over())
      round(number == 0 && parameters_.readers > 0);
    if (number == 0) shown_ = ended;
    exit_task(system, task);
  }

  // CPU 0 waits, in user mode, until all readers have been through its area.
  void show(System& system, Task& task, PageNumber area) {
    to_read_ = parameters_.readers;
    shown_ = area;
    ++shows_;
    while (to_read_ > 0)
      run_user(system, task, look);
  }
  void read(Experiment& x, Task& task) {
    System& system = x.system();
    x.ready(task);
    for (std::uint64_t seen = 0; shown_ != ended;) {
      run_user(system, task, look);
      if (seen == shows_ || shown_ == ended) continue;
      seen = shows_;
      for (std::uint64_t page = 0; page < static_cast<std::uint64_t>(parameters_.pages); ++page)
        touch(system, task, shown_ + page, AccessKind::read);
      --to_read_;
    }
    exit_task(system, task);
  }

  static constexpr Duration look =
      std::chrono::nanoseconds(100); // how often user code that waits looks: finely
  static constexpr PageNumber ended{~std::uint64_t{0}};
  const MunmapParameters parameters_;
  Origin readers_origin_;
  OperationId mmap_{}, demand_fault_{}, munmap_{};
  std::optional<UserSleep> sleep_;
  PageNumber shown_{};       ///< the area of CPU 0 that readers may read
  std::uint64_t shows_ = 0;  ///< how many there were
  std::int64_t to_read_ = 0; ///< readers that have not been through it
};

const Registered<Scenario> registered{"munmap",
                                      "each CPU: map, touch and unmap pages, as threads or processes",
                                      [](const Configuration& c) { return std::make_unique<Munmap>(c); }};

} // namespace
} // namespace mmsim
