// mprotect: the thread on CPU 0 takes the permission to write from `pages` pages and gives it back, again and
// again, and writes to them in between, while the other threads of its process run user code. Every flip must
// be told to the other threads' cores, though they never touch these pages. What they lose to that is the
// operation bystander: a stretch of user code of fixed length, with the interrupts, stalls and refills that
// meet it. The loop of N. Amit's and A. Shi's mprotect benchmarks. Bystanders that are not bound and sleep
// (users.hpp) move about, and leave cores behind that mm_cpumask still names.

#include "models/operations/mprotect.hpp"
#include "scenarios/users.hpp"

namespace mmsim {

namespace {

struct MprotectParameters {
  std::int64_t pages, working_set;
  Duration think, stretch, access_interval;
  UsersParameters users;
  static void declare(Declaration& d, MprotectParameters& p) {
    d("scenario.pages", p.pages, 1, "pages whose protection is flipped").at_least(1);
    d("scenario.think", p.think, "2 us", "mean user time before each flip, exponential");
    d("scenario.stretch", p.stretch, "10 us", "user code of a bystander's operation").at_least("1 ns");
    d("scenario.working_set", p.working_set, 32, "pages that each bystander touches in turn").at_least(1);
    d("scenario.access_interval", p.access_interval, "50 ns",
      "time between a bystander's accesses that leave its registers and first page")
        .at_least("1 ns");
    UsersParameters::declare(d, p.users);
  }
};
const DeclareParameters<MprotectParameters> declared{"mprotect"};

class Mprotect final : public Scenario {
 public:
  explicit Mprotect(const Configuration& configuration)
      : parameters_(read_parameters<MprotectParameters>(configuration)) {}

  void start(Experiment& x) override {
    mprotect_ = x.operation("mprotect");
    const std::size_t threads = users_of(x, parameters_.users);
    if (threads > 1) bystander_ = x.operation("bystander");
    sleep_.emplace(x.system(), parameters_.users.sleep);
    x.expect_ready(threads);
    spawn_users(x, "threads", "thread", parameters_.users, [this, &x](Task& task, User user) {
      user.number == 0 ? flip(x, task) : stand_by(x, task, user.number);
      exit_task(x.system(), task);
    });
  }

 private:
  // An area of pages_apart(pages) whose tables are nobody else's; `pages` of it written to.
  PageNumber written_area(Experiment& x, Task& task, std::uint64_t pages) {
    const PageNumber area = x.required(task, mmap(x.system(), task, pages_apart(pages), TablePage::entries));
    for (std::uint64_t page = 0; page < pages; ++page)
      touch(x.system(), task, area + page, AccessKind::write);
    return area;
  }

  void flip(Experiment& x, Task& task) {
    System& system = x.system();
    RandomStream thinks = x.random("think");
    const auto pages = static_cast<std::uint64_t>(parameters_.pages);
    const PageNumber area = written_area(x, task, pages);
    const auto protect = [&](std::uint32_t prot) {
      (*sleep_)(task, thinks);
      run_user(system, task, thinks.exponential(parameters_.think));
      const OperationStart start = x.begin(task, "mprotect");
      // A whole area that was writable before needs neither memory nor a promise.
      x.required(task, mprotect(system, task, area, pages_apart(pages), prot), "mprotect");
      x.end(mprotect_, start, task);
    };
    x.ready(task);
    while (!x.over()) {
      protect(PROT_READ);
      protect(PROT_READ | PROT_WRITE);
      for (std::uint64_t page = 0; page < pages; ++page)
        touch(system, task, area + page, AccessKind::write);
    }
  }

  void stand_by(Experiment& x, Task& task, std::uint32_t number) {
    RandomStream sleeps = x.random("sleep " + std::to_string(number));
    const auto pages = static_cast<std::uint64_t>(parameters_.working_set);
    WorkingSet set{written_area(x, task, pages), pages, parameters_.access_interval, AccessKind::write};
    x.ready(task);
    while (!x.over()) {
      (*sleep_)(task, sleeps);
      const OperationStart start = x.begin(task, "bystander");
      run_user(x.system(), task, parameters_.stretch, &set);
      x.end(bystander_, start, task);
    }
  }

  const MprotectParameters parameters_;
  OperationId mprotect_{}, bystander_{};
  std::optional<UserSleep> sleep_;
};

const Registered<Scenario> registered{
    "mprotect", "one thread flips the protection of pages while the others run user code",
    [](const Configuration& c) { return std::make_unique<Mprotect>(c); }};

} // namespace
} // namespace mmsim
