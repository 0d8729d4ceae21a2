// The engine: SimGrid owns the world, one model inside it owns the nanoseconds.
//
//   Engine engine;
//   engine.spawn("walker", [&] { engine.wait_until(engine.now() + 80_ns); });
//   engine.run();                                  // returns when no fiber has anything left to do
//
// Fibers and events live in a queue of the engine's own. SimGrid sees one `kernel::resource::Model`
// (SimGridWorld): whenever SimGrid asks it for its next event, it runs the queue up to the *horizon*, the
// earliest next event of all other models and timers of SimGrid, and only then lets SimGrid's clock move. So
// the two clocks meet exactly, and an engine that has no I/O under way runs for ever without returning to
// SimGrid. `Options::run_ahead = false` steps SimGrid through every instant instead: slower, and the results
// have the same bytes.
//
// One SimGrid engine a process: so one Engine a process.
#pragma once

#include "sim/engine/event_queue.hpp"
#include "sim/engine/fiber.hpp"
#include "sim/engine/stack_pool.hpp"
#include "sim/engine/time.hpp"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace mmsim {

class SimGridWorld;

/// The run found something that must not happen (a stale translation, a deadlock, a broken invariant): exit
/// status 1.
class Violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Engine {
 public:
  struct Options {
    bool run_ahead = true;                      ///< false: step SimGrid through every instant
    std::uint64_t permute_ties = 0;             ///< not 0: seed of a random order for events at equal times
    std::uint64_t livelock_events = 20'000'000; ///< so many events at one instant are a livelock
  };

  Engine() : Engine(Options{}) {}
  explicit Engine(Options options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Instant now() const { return now_; }
  EventQueue& queue() { return queue_; }
  SimGridWorld& world() { return *world_; }
  /// Events carried so far: wake-ups, callbacks, and advances of a lone fiber that needed no switch.
  std::uint64_t events() const { return events_; }

  /// A new fiber; it starts at the present instant, after everything already posted for it.
  Fiber& spawn(std::string name, std::function<void()> body, Fiber::Kind kind = Fiber::Kind::worker);
  /// The running fiber. Only inside one.
  Fiber& current() { return *current_; }
  bool in_fiber() const { return current_ != nullptr; }

  /// The running fiber goes on at `t`, after everything posted earlier for that instant.
  void wait_until(Instant t) {
    if (!try_advance(t)) {
      queue_.post(*current_, t);
      park(nullptr);
    }
  }
  /// Moves the clock to `t` if nothing at all happens up to then; the running fiber simply goes on. The way
  /// there may have had several `steps`: they count as so many events.
  bool try_advance(Instant t, std::uint64_t steps = 1) {
    if (t > horizon_ || failure_ || !queue_.quiet_through(t))
      return tearing_down_ && (now_ = std::max(now_, t), true); // destructors of unwound stacks never wait
    if (t > now_)
      events_at_instant_ = 0;
    else if (t < now_ || ++events_at_instant_ > options_.livelock_events)
      return false; // the loop reports it
    now_ = t;
    queue_.reserve(
        steps); // as posting would have: permuted ties must not depend on how far the engine may run ahead
    events_ += steps;
    return true;
  }
  /// The running fiber stops until its wake-up, posted by wake(), wake_at() or wait_until(). Never park in a
  /// catch block, a destructor or a noexcept function. `on` may be null.
  void park(const Waitable* on);
  /// A parked fiber goes on now; a wake-up posted for later no longer counts.
  void wake(Fiber& fiber) { queue_.post(fiber, now_); }
  void wake_at(Fiber& fiber, Instant t) { queue_.post(fiber, t); }

  /// `action` happens at `t`, once. It must not park.
  void at(Instant t, std::function<void()> action);

  /// Runs until nothing is left to do or stop() is called. Throws what a fiber threw (with the fiber's name,
  /// its operation and the simulated time in front), Violation for deadlock and livelock.
  void run();
  /// The loop ends before the next event. For the end of a measured run: fibers still parked are dismissed.
  void stop() {
    stopped_ = true;
    horizon_ = Instant::min(); // a lone fiber does not run on
  }
  bool stopping() const { return stopped_; }
  /// Unwinds the stacks of all fibers that are left. What they refer to must still be there: whoever owns
  /// that calls this first in its destructor. Nothing runs after it.
  void dismiss_fibers();

  /// Ends the run with a Violation that says `what` and which fibers wait for what. From an event, for
  /// watchdogs.
  [[noreturn]] void report_stall(const std::string& what) const;

  /// Runs events up to and including `horizon`. Called by SimGridWorld only.
  void run_events(Instant horizon);
  /// Limits the present run_events() to the present instant: SimGrid's clock must be brought to it.
  /// SimGridWorld only.
  void hand_over() { horizon_ = now_; }
  bool run_ahead() const { return options_.run_ahead; }
  bool stopped() const { return stopped_ || failure_ != nullptr; }

 private:
  class Callback;

  Event* next_event();
  void switch_to(Fiber& fiber);
  void switch_to_main();
  void fire(Event& event);
  boost::context::fiber body_of(Fiber& fiber, boost::context::fiber&& caller);
  void fail(const Fiber* fiber);
  void enter(Fiber* fiber);
  std::string waiting_fibers(std::size_t most) const;
  void report_deadlock() const;
  std::string livelock() const;

  Options options_;
  EventQueue queue_;
  StackPool stacks_;
  Instant now_{};
  Instant horizon_{};
  std::uint64_t events_ = 0;
  std::uint64_t events_at_instant_ = 0;
  Fiber* current_ = nullptr;
  boost::context::fiber main_context_;
  void* main_fake_stack_ = nullptr;
  const void* main_stack_bottom_ = nullptr;
  std::size_t main_stack_bytes_ = 0;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<std::unique_ptr<Callback>> callbacks_; // those of at() that have not happened yet
  std::unique_ptr<Fiber> finished_;                  // its stack may be the one that we have just left
  std::exception_ptr failure_;
  bool stopped_ = false;
  bool tearing_down_ = false;
  std::unique_ptr<SimGridWorld> world_;
};

} // namespace mmsim
