#include "models/scheduler/scheduler.hpp"

#include "models/locks/sleeping_locks.hpp"

#include <utility>

namespace mmsim {

void SchedulerParameters::declare(Declaration& d, SchedulerParameters& p) {
  d("kernel.hz", p.hz, 250, "timer ticks a second on a busy core", "CONFIG_HZ of arm64's defconfig")
      .at_least(1)
      .at_most(10000);
  d("kernel.time_slice", p.time_slice, "4 ms", "what a task may run while another waits for its core",
    "sched_min_granularity of 5.10 with 8 or more CPUs is 3 ms: to the next tick");
  d("kernel.balance_interval", p.balance_interval, "8 ms",
    "how often a busy core looks for tasks to take over",
    "busy domains of 5.10: balance_interval 8 ms and up");
  d("kernel.wake_placement", p.wake_placement, "previous",
    "where a task that is woken goes, if it is bound to no core: to the core that it ran on last (previous), "
    "or, "
    "where that one is busy, to an idle one of the same die (idle)",
    "idle: select_idle_sibling() of 5.10")
      .one_of({"previous", "idle"});
}

// The core's own timer: ticks while the core is busy, stands still while it is idle (NO_HZ).
class Scheduler::Timer final : public Event {
 public:
  Timer(Core& core, Duration period, Duration phase)
      : Event(core.engine().queue()), core_(core), period_(period), phase_(phase) {}
  void start() {
    const Duration since = core_.now().time_since_epoch() - phase_;
    const auto periods = since.count() < 0 ? 0 : since / period_ + 1;
    core_.engine().queue().post(*this, Instant(phase_ + periods * period_));
  }
  void fire() override {
    start();
    due_ = true;
    core_.raise(Irq::tick);
  }
  /// Whether the interrupt is a tick, or only of timers that share it (schedule_timeout.hpp, hrtimer_sleep.hpp).
  bool take_due() { return std::exchange(due_, false); }

 private:
  Core& core_;
  Duration period_, phase_;
  bool due_ = false;
};

// scheduler_ipi: the flag was set by the sender; the interrupt only makes the core look at it.
class Scheduler::RescheduleHandler final : public InterruptHandler {
 public:
  void handle(Core&) override {}
};

Scheduler::Scheduler(Machine& machine, SpinLocks& locks, MmSwitcher& switcher,
                     const Configuration& configuration, RandomStream tick_phases)
    : machine_(machine), switcher_(switcher), lock_observer_(locks.observer()),
      parameters_(read_parameters<SchedulerParameters>(configuration)),
      jiffy_(std::chrono::duration_cast<Duration>(std::chrono::seconds(1)) / parameters_.hz),
      reschedule_(std::make_unique<RescheduleHandler>()),
      sleeping_locks_(std::make_unique<SleepingLocks>(machine, locks, *this, configuration)) {
  machine_.set_handler(Irq::tick, *this);
  machine_.set_handler(Irq::reschedule, *reschedule_);
  for (std::uint32_t i = 0; i < machine_.cpus(); ++i) {
    auto queue = std::make_unique<RunQueue>();
    queue->lock = locks.make("rq_lock");
    queue->timer = std::make_unique<Timer>(machine_.core(CoreId(i)), jiffy_, tick_phases.below(jiffy_));
    queues_.push_back(std::move(queue));
  }
}

// After a violation tasks are left on the queues.
Scheduler::~Scheduler() {
  for (const auto& queue : queues_)
    queue->tasks.clear();
}

void Scheduler::boot(MmStruct* init_mm) {
  for (std::uint32_t i = 0; i < machine_.cpus(); ++i) {
    Core& core = machine_.core(CoreId(i));
    Task& idle = create("idle " + std::to_string(i), nullptr, core.id(), nullptr, Fiber::Kind::daemon);
    idle.idle = true;
    idle.active_mm = init_mm;
    RunQueue& queue = queue_of(core);
    queue.current = queue.idle = &idle;
    core.set_ledger(&idle.ledger);
    if (lock_observer_ != nullptr) lock_observer_->switched(core, idle);
    idle.fiber = &machine_.engine().spawn(
        idle.name, [this, &idle] { idle_loop(idle); }, Fiber::Kind::daemon);
  }
}

Task& Scheduler::create(std::string name, MmStruct* mm, CoreId on, std::function<void(Task&)> body,
                        Fiber::Kind kind) {
  const std::uint32_t pid = next_pid_++;
  Task& task = *tasks_.emplace(pid, std::make_unique<Task>(pid, std::move(name))).first->second;
  task.mm = mm;
  task.core_ = &machine_.core(on);
  task.daemon = kind == Fiber::Kind::daemon;
  task.ledger.reset(machine_.engine().now());
  if (body) {
    if (Trace* trace = machine_.trace()) trace->task_made(pid, task.name, task.ledger);
    task.fiber = &machine_.engine().spawn(
        task.name, [this, &task, body = std::move(body)] { run_body(task, body); }, kind);
    task.fiber->withdraw(); // it starts when a core switches to it
  }
  if (!task.daemon) ++alive_;
  return task;
}

Task& Scheduler::spawn_at_boot(std::string name, MmStruct* mm, CoreId on, std::function<void(Task&)> body,
                               Fiber::Kind kind) {
  Task& task = create(std::move(name), mm, on, std::move(body), kind);
  RunQueue& queue = queue_of(task.core());
  queue.tasks.push_back(task);
  task.on_queue = true;
  queue.need_resched = true;
  return task;
}

Task& Scheduler::spawn(Core& core, std::string name, MmStruct* mm, CoreId on, std::function<void(Task&)> body,
                       Fiber::Kind kind, SlabObject files, std::shared_ptr<Completion> vfork_done) {
  Task& task = create(std::move(name), mm, on, std::move(body), kind);
  task.files = files;
  task.vfork_done = std::move(vfork_done);
  enqueue_and_kick(core, task);
  return task;
}

Task& Scheduler::kthread_create(std::string name, CoreId on, std::function<void(Task&)> body) {
  Task& task = create(std::move(name), nullptr, on, std::move(body), Fiber::Kind::daemon);
  task.state = Task::State::blocked;
  return task;
}

void Scheduler::run_body(Task& task, const std::function<void(Task&)>& body) {
  finish_switch(task);
  body(task);
  if (lock_observer_ != nullptr) lock_observer_->ends(task);
  task.state = Task::State::dead;
  if (!task.daemon && --alive_ == 0 && on_quiet) on_quiet();
  schedule(task); // wakes the next task's fiber; this one ends with the return
}

// wake_up_new_task and the second half of try_to_wake_up: onto the queue under its lock, then an interrupt if
// the core is idle. A core that is busy finds the task at its next schedule().
void Scheduler::enqueue_and_kick(Core& core, Task& task) {
  const std::uint32_t pid = task.pid;
  // task_rq_lock(): while we wait for its queue's lock, a task that had not left its core yet may simply go
  // on, be pulled to another core, or even end.
  for (bool found = false; !found && tasks_.contains(pid);) {
    Core& target = task.core();
    RunQueue& queue = queue_of(target);
    queue.lock->lock_irqsave(core);
    core.charge(core.costs().work.enqueue, Account::schedule, scheduler_work);
    core.settle();
    bool kick = false;
    found = tasks_.contains(pid) && &task.core() == &target;
    if (found && task.state == Task::State::running && !task.on_queue && !task.running_on_core) {
      idle_changes(core, queue);
      queue.tasks.push_back(task);
      task.on_queue = true;
      kick = queue.current == queue.idle && !std::exchange(queue.need_resched, true) && &target != &core;
    }
    queue.lock->unlock_irqrestore(core);
    if (kick) {
      core.counters().add(Counter::ipi_requested);
      CoreSet one;
      one.insert(target.id());
      machine_.send_ipi(core, one, Irq::reschedule, Account::schedule);
    }
  }
}

std::size_t Scheduler::runnable() const {
  std::size_t runnable = 0;
  for (const auto& queue : queues_)
    runnable += queue->tasks.size() + (queue->current != queue->idle);
  return runnable;
}

void Scheduler::block(Task& current, Account account, const Waitable* on) {
  if (lock_observer_ != nullptr) lock_observer_->may_sleep(current.core(), "schedule()");
  if (std::exchange(current.wake_pending, false)) return;
  current.state = Task::State::blocked;
  current.blocked_account = account;
  current.blocked_for = current.ledger.waits_for();
  current.waits_for = on;
  schedule(current);
  current.waits_for = nullptr;
  current.wake_pending = false;
}

void Scheduler::wake(Core& core, Task& task) {
  const std::uint32_t pid = task.pid;
  core.charge(core.costs().work.wake, Account::schedule, scheduler_work);
  core.settle();
  if (!tasks_.contains(pid)) return; // it saw what it waited for without sleeping, and has ended meanwhile
  if (task.state != Task::State::blocked) {
    task.wake_pending = true;
    return;
  }
  task.state = Task::State::running;
  if (!task.running_on_core) task.ledger.book(task.blocked_account, core.now(), task.blocked_for);
  place_woken(core, task);
  enqueue_and_kick(core, task);
}

void Scheduler::yield(Task& current) {
  if (lock_observer_ != nullptr) lock_observer_->may_sleep(current.core(), "yield()");
  schedule(current);
}

void Scheduler::resched_point(Task& current) {
  if (lock_observer_ != nullptr) lock_observer_->may_sleep(current.core(), "cond_resched()");
  if (queue_of(current.core()).need_resched) schedule(current);
}

void Scheduler::schedule(Task& current) {
  Core& core = current.core();
  // Whatever the task is about to sleep for, the switch itself is not that one's fault.
  const WaitFor nobody(current.ledger, WaitId());
  RunQueue& queue = queue_of(core);
  if (cpu_observer_ != nullptr) cpu_observer_->schedules(core);
  queue.lock->lock_irqsave(core);
  queue.switch_began = core.now();
  queue.need_resched = false;
  const WorkCosts& work = core.costs().work;
  const bool leaves = current.leaves_for != nullptr && current.state == Task::State::running;
  if (current.state == Task::State::running && !current.idle && !leaves) {
    queue.tasks.push_back(current);
    current.on_queue = true;
  } else if (!current.idle) {
    core.charge(work.dequeue, Account::schedule, scheduler_work);
  }
  if (queue.tasks.empty()) pull_task(core, queue);
  core.charge(work.pick_next, Account::schedule, scheduler_work);
  core.settle();
  if (current.state == Task::State::running && !current.idle && !current.on_queue && !leaves) {
    queue.tasks.push_back(current); // woken while pull_task() had dropped the lock
    current.on_queue = true;
  }
  Task* next = queue.idle;
  if (!queue.tasks.empty()) {
    next = &queue.tasks.front();
    queue.tasks.pop_front();
    next->on_queue = false;
  }
  queue.slice_end = core.now() + parameters_.time_slice;
  if (next == &current) {
    queue.lock->unlock_irqrestore(core);
    return;
  }
  switch_to(current, *next);
}

// context_switch(): the address space first, then registers; the queue's lock is dropped on the other side.
void Scheduler::switch_to(Task& previous, Task& next) {
  Core& core = previous.core();
  RunQueue& queue = queue_of(core);
  core.counters().add(Counter::context_switch);
  MmStruct* const active = previous.active_mm;
  if (next.mm == nullptr) {
    next.active_mm = switcher_.enter_kernel_thread(core, active, previous.mm != nullptr);
  } else {
    switcher_.switch_mm(core, active, next.mm);
    next.active_mm = next.mm;
  }
  if (previous.mm == nullptr) {
    if (next.mm != nullptr || next.active_mm != active || !switcher_.hands_on()) queue.borrowed = active;
    previous.active_mm = nullptr;
  }
  set_on_cpu(core, next, true); // prepare_task()
  if (previous.idle || next.idle) idle_changes(core, queue);
  core.charge(core.costs().entry.switch_registers, Account::schedule, scheduler_work);
  core.settle();

  queue.current = &next;
  queue.to_finish = &previous;
  previous.running_on_core = false;
  next.running_on_core = true;
  next.core_ = &core;
  // A core that was idle kept nobody waiting but by its wake-up.
  next.ledger.book(Account::schedule, std::max(next.ledger.booked_until(), queue.switch_began),
                   previous.idle ? scheduler_work : run_queue);
  next.ledger.book(Account::schedule, core.now(), scheduler_work);
  next.at_switch_in = next.ledger.snapshot();
  if (next.takes_operations_over)
    next.waits_at_switch_in = next.ledger.open_instead_of(next.waits_at_switch_in);
  core.set_ledger(&next.ledger);
  if (Trace* trace = machine_.trace()) trace->switched(core.id().value(), previous.pid, next.pid, core.now());
  if (lock_observer_ != nullptr) lock_observer_->switched(core, next);
  Engine& engine = machine_.engine();
  engine.wake(*next.fiber);
  if (previous.state == Task::State::dead)
    return; // nothing but the end of its fiber follows, and the next task's fiber runs only after that
  engine.park(previous.waits_for);
  finish_switch(previous);
}

// finish_task_switch(): on the stack of the task that was switched to.
void Scheduler::finish_switch(Task& next) {
  Core& core = next.core();
  RunQueue& queue = queue_of(core);
  Task* const previous = std::exchange(queue.to_finish, nullptr);
  MmStruct* const borrowed = std::exchange(queue.borrowed, nullptr);
  set_on_cpu(core, *previous, false); // finish_task()
  Core* const goes_to = std::exchange(previous->leaves_for, nullptr);
  const bool moves = goes_to != nullptr && previous->state == Task::State::running && !previous->on_queue;
  if (goes_to != nullptr && !previous->on_queue)
    set_task_cpu(core, *previous, *goes_to); // who wakes it looks under the lock
  queue.lock->unlock_irqrestore(core);
  if (moves) enqueue_and_kick(core, *previous); // __migrate_task()
  if (borrowed != nullptr) switcher_.drop_borrowed(core, borrowed);
  if (previous->state == Task::State::dead) bury(*previous);
}

void Scheduler::set_task_cpu(Core& core, Task& task, Core& to) {
  if (task.core_ != &to) core.counters().add(Counter::cpu_migrations);
  task.core_ = &to;
}

// The store of on_cpu is one of the many to task_struct that switch_registers stands for, unless another core
// has looked at the word since the last one: then the line has to be taken back.
void Scheduler::set_on_cpu(Core& core, Task& task, bool value) {
  if (std::exchange(task.on_cpu.looked_at, false)) core.write(task.on_cpu.line, Account::schedule);
  task.on_cpu.value = value;
  task.on_cpu.watchers.changed();
}

// put_task_struct(): the memory goes when nobody looks at the task any more.
void Scheduler::bury(Task& task) {
  zombies_.push_back(&task);
  std::erase_if(zombies_, [this](Task* zombie) { return zombie->usage == 0 && tasks_.erase(zombie->pid); });
}

void Scheduler::idle_loop(Task& idle) {
  Core& core = idle.core();
  RunQueue& queue = queue_of(core);
  for (;;) {
    // Settling may take the very interrupt that is waited for: so look at the flag after it.
    for (core.settle(); !queue.need_resched; core.settle())
      wait_idle(core, queue);
    queue.timer->start();
    schedule(idle);
    queue.timer->withdraw();
  }
}

// do_idle(): the tick stops, unless somebody needs it.
void Scheduler::wait_idle(Core& core, RunQueue& queue) {
  if (cpu_observer_ == nullptr) return core.wait_for_interrupt();
  const bool keeps_tick = cpu_observer_->enter_idle(core);
  if (keeps_tick && !queue.timer->pending()) queue.timer->start();
  if (!keeps_tick) queue.timer->withdraw();
  core.settle(); // what enter_idle() cost may have let the very interrupt in
  if (!queue.need_resched) core.wait_for_interrupt();
  cpu_observer_->exit_idle(core);
}

// load_balance() reduced to its effect: a core with nothing to do takes the task that has waited longest on
// the queue with the most waiting ones. Holds `own`'s lock; takes the other's in the order of core numbers.
void Scheduler::pull_task(Core& core, RunQueue& own) {
  core.charge(core.costs().work.balance, Account::schedule, scheduler_work);
  RunQueue* busiest = nullptr;
  Core* from = nullptr;
  for (std::uint32_t i = 0; i < machine_.cpus(); ++i) {
    RunQueue& other = *queues_[i];
    if (&other == &own || other.tasks.size() <= (busiest ? busiest->tasks.size() : 0)) continue;
    for (const Task& task : other.tasks)
      if (!task.bound) {
        busiest = &other;
        from = &machine_.core(CoreId(i));
        break;
      }
  }
  if (busiest == nullptr) return;
  if (from->id() < core.id()) {
    own.lock->unlock(core);
    busiest->lock->lock(core);
    own.lock->lock_nested(core, 1); // double_lock_balance()
  } else {
    busiest->lock->lock_nested(core, 1);
  }
  for (Task& task : busiest->tasks)
    if (!task.bound) {
      core.charge(core.costs().work.dequeue + core.costs().work.enqueue, Account::schedule, scheduler_work);
      core.settle();
      busiest->tasks.erase(busiest->tasks.iterator_to(task));
      own.tasks.push_back(task);
      set_task_cpu(core, task, core);
      core.counters().add(Counter::lb_gained);
      break;
    }
  busiest->lock->unlock(core);
}

void Scheduler::handle(Core& core) {
  const WorkCosts& work = core.costs().work;
  RunQueue& queue = queue_of(core);
  if (!queue.timer->take_due()) return;
  core.charge(work.tick, Account::interrupt);
  const bool idles = queue.current == queue.idle;
  if (cpu_observer_ != nullptr && cpu_observer_->tick(core, idles || queue.current->in_user_mode) && !idles)
    queue.need_resched = true;
  if (idles) return;
  if (core.now() >= queue.next_balance) {
    queue.next_balance = core.now() + parameters_.balance_interval;
    core.charge(work.balance, Account::interrupt);
    for (const auto& other : queues_)
      if (other->tasks.size() >= queue.tasks.size() + 2) {
        queue.lock->lock(core);
        pull_task(core, queue);
        queue.lock->unlock(core);
        break;
      }
  }
  if (!queue.tasks.empty() && core.now() >= queue.slice_end) queue.need_resched = true;
}

} // namespace mmsim
