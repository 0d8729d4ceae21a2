#include "sim/engine/engine.hpp"

#include "sim/engine/configuration.hpp"
#include "sim/engine/simgrid_world.hpp"

#include <boost/context/detail/exception.hpp>
#include <spdlog/fmt/fmt.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace mmsim {

namespace {
// AddressSanitizer keeps a shadow of the stack and must hear of each switch, on both sides of it.
void about_to_switch([[maybe_unused]] void** fake_stack, [[maybe_unused]] const void* bottom,
                     [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(fake_stack, bottom, bytes);
#endif
}
void arrived([[maybe_unused]] void* fake_stack, [[maybe_unused]] const void** old_bottom,
             [[maybe_unused]] std::size_t* old_bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake_stack, old_bottom, old_bytes);
#endif
}
} // namespace

class Engine::Callback final : public Event {
 public:
  Callback(Engine& engine, std::function<void()> action)
      : Event(engine.queue_), engine_(engine), action_(std::move(action)), index_(engine.callbacks_.size()) {}
  void fire() override {
    auto& all = engine_.callbacks_;
    all.back()->index_ = index_;
    std::swap(all[index_], all.back());
    const std::unique_ptr<Callback> self = std::move(all.back());
    all.pop_back();
    action_();
  }

 private:
  Engine& engine_;
  std::function<void()> action_;
  std::size_t index_; // in Engine::callbacks_
};

Engine::Engine(Options options) : options_(options) {
  if (options_.permute_ties != 0) queue_.permute_ties(options_.permute_ties);
  world_ = std::make_unique<SimGridWorld>(*this);
}

Engine::~Engine() { dismiss_fibers(); }

void Engine::dismiss_fibers() {
  tearing_down_ = true;
  // Destroying a suspended context unwinds its stack, so destructors of what lives there run.
  for (auto& fiber : fibers_) {
    current_ = fiber.get();
    // The unwinding tells AddressSanitizer nothing, so both its switches are announced here.
    const void* bottom = nullptr;
    std::size_t bytes = 0;
    about_to_switch(&main_fake_stack_, fiber->stack_bottom_, fiber->stack_bytes_);
    arrived(nullptr, &bottom, &bytes);
    fiber->context_ = {};
    about_to_switch(nullptr, bottom, bytes);
    arrived(main_fake_stack_, nullptr, nullptr);
  }
  current_ = nullptr;
}

Fiber& Engine::spawn(std::string name, std::function<void()> body, Fiber::Kind kind) {
  fibers_.emplace_back(new Fiber(queue_, std::move(name), kind, std::move(body)));
  Fiber& fiber = *fibers_.back();
  fiber.index_ = fibers_.size() - 1;
  fiber.is_fiber_ = true;

  boost::context::stack_context stack = stacks_.take();
  fiber.stack_bottom_ = static_cast<char*>(stack.sp) - stack.size;
  fiber.stack_bytes_ = stack.size;
  void* fake_stack = nullptr;
  about_to_switch(&fake_stack, fiber.stack_bottom_, fiber.stack_bytes_);
  // The first entry only comes back, because a context that has not started cannot be entered by
  // resume_with().
  fiber.context_ =
      boost::context::fiber(std::allocator_arg, boost::context::preallocated(stack.sp, stack.size, stack),
                            stacks_.allocator(),
                            [this, &fiber](boost::context::fiber&& caller) {
                              const void* bottom;
                              std::size_t bytes;
                              arrived(nullptr, &bottom, &bytes);
                              void* mine = nullptr;
                              about_to_switch(&mine, bottom, bytes);
                              caller = std::move(caller).resume();
                              return body_of(fiber, std::move(caller));
                            })
          .resume();
  arrived(fake_stack, nullptr, nullptr);
  queue_.post(fiber, now_);
  return fiber;
}

boost::context::fiber Engine::body_of(Fiber& fiber, boost::context::fiber&&) {
  try {
    fiber.body_();
  } catch (const boost::context::detail::forced_unwind&) {
    throw;
  } catch (...) {
    failure_ = std::current_exception();
  }
  if (failure_ && current_ == &fiber) fail(&fiber);
  // Out of the list now, destroyed by the loop once this stack has been left.
  fibers_.back()->index_ = fiber.index_;
  std::swap(fibers_[fiber.index_], fibers_.back());
  finished_ = std::move(fibers_.back());
  fibers_.pop_back();
  current_ = nullptr;
  about_to_switch(nullptr, main_stack_bottom_, main_stack_bytes_);
  return std::move(main_context_);
}

void Engine::fail(const Fiber* fiber) {
  const std::string where = fmt::format(
      "at {} ns{}{}{}: ", now_.time_since_epoch().count() / 1000.0,
      fiber ? ", in " + fiber->name() : std::string(),
      fiber && fiber->operation ? std::string(", operation ") + fiber->operation : std::string(), "");
  try {
    std::rethrow_exception(failure_);
  } catch (const Violation& violation) {
    failure_ = std::make_exception_ptr(Violation(where + violation.what()));
  } catch (const InputError&) {
    // As it is: the user's mistake has a place in a file, not in time.
  } catch (const std::exception& error) {
    failure_ = std::make_exception_ptr(std::runtime_error(where + error.what()));
  } catch (...) {
    failure_ = std::make_exception_ptr(std::runtime_error(where + "an exception of unknown type"));
  }
}

void Engine::park(const Waitable* on) {
  if (tearing_down_) return;
  Fiber& self = *current_;
  self.waits_for_ = on;
  for (;;) {
    Event* event = next_event();
    if (event == &self) break;
    if (event == nullptr) {
      switch_to_main();
      break; // whoever came back to us did so because of our wake-up
    }
    if (event->is_fiber_) {
      switch_to(static_cast<Fiber&>(*event));
      break;
    }
    fire(*event);
  }
  self.waits_for_ = nullptr;
}

// Runs a callback on the present stack. What it throws ends the run, but is no fault of the fiber whose stack
// it borrows.
void Engine::fire(Event& event) {
  Fiber* const borrowed = current_;
  current_ = nullptr;
  try {
    event.fire();
  } catch (const boost::context::detail::forced_unwind&) {
    throw;
  } catch (...) {
    failure_ = std::current_exception();
  }
  if (failure_) fail(nullptr);
  current_ = borrowed;
}

Event* Engine::next_event() {
  for (;;) {
    if (stopped_ || failure_ || queue_.drained()) return nullptr;
    const Instant next = queue_.next_time();
    if (next > horizon_) return nullptr;
    Event* event = queue_.pop();
    if (event == nullptr) continue;
    // Not thrown from here: whoever parks is not to blame, and might catch it.
    if (next < now_) {
      failure_ = std::make_exception_ptr(std::logic_error("an event was posted for the past"));
      fail(event->is_fiber_ ? static_cast<const Fiber*>(event) : nullptr);
      return nullptr;
    }
    if (next > now_) {
      events_at_instant_ = 0;
    } else if (++events_at_instant_ > options_.livelock_events) {
      failure_ = std::make_exception_ptr(Violation(livelock()));
      return nullptr;
    }
    now_ = next;
    ++events_;
    return event;
  }
}

void Engine::switch_to(Fiber& target) {
  Fiber* const from = current_;
  boost::context::fiber& kept = from != nullptr ? from->context_ : main_context_;
  void** const fake = from != nullptr ? &from->fake_stack_ : &main_fake_stack_;
  current_ = &target;
  about_to_switch(fake, target.stack_bottom_, target.stack_bytes_);
  std::move(target.context_).resume_with([this, &kept, &target, from](boost::context::fiber&& suspended) {
    arrived(target.fake_stack_, from == nullptr ? &main_stack_bottom_ : nullptr,
            from == nullptr ? &main_stack_bytes_ : nullptr);
    kept = std::move(suspended);
    return boost::context::fiber{};
  });
  // Here somebody has come back to us. A fiber that has ended comes back to main by returning, without the
  // lambda.
  if (from == nullptr && finished_) {
    arrived(main_fake_stack_, nullptr, nullptr);
    finished_.reset();
  }
}

void Engine::switch_to_main() {
  Fiber* const from = current_;
  current_ = nullptr;
  about_to_switch(&from->fake_stack_, main_stack_bottom_, main_stack_bytes_);
  std::move(main_context_).resume_with([this, from](boost::context::fiber&& suspended) {
    arrived(main_fake_stack_, nullptr, nullptr);
    from->context_ = std::move(suspended);
    return boost::context::fiber{};
  });
}

void Engine::run_events(Instant horizon) {
  horizon_ = horizon;
  for (;;) {
    Event* event = next_event();
    if (event == nullptr) break;
    if (event->is_fiber_)
      switch_to(static_cast<Fiber&>(*event));
    else
      fire(*event);
  }
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Engine::at(Instant t, std::function<void()> action) {
  callbacks_.push_back(std::make_unique<Callback>(*this, std::move(action)));
  queue_.post(*callbacks_.back(), t);
}

void Engine::run() {
  world_->run();
  if (!stopped_) report_deadlock();
}

namespace {
std::string describe(const Fiber& fiber, const Waitable* on) {
  return fmt::format("\n  {}{} waits for {}", fiber.name(),
                     fiber.operation ? fmt::format(" (in {})", fiber.operation) : "",
                     on ? on->describe() : "a wake-up that nobody has posted");
}
} // namespace

std::string Engine::waiting_fibers(std::size_t most) const {
  std::string report;
  std::size_t listed = 0, left_out = 0;
  for (const auto& fiber : fibers_)
    if (fiber->kind() == Fiber::Kind::worker) {
      if (++listed <= most)
        report += describe(*fiber, fiber->waits_for_);
      else
        ++left_out;
    }
  return left_out > 0 ? report + fmt::format("\n  and {} more", left_out) : report;
}

void Engine::report_deadlock() const {
  const std::string waiting = waiting_fibers(64);
  if (!waiting.empty())
    throw Violation(fmt::format("deadlock at {} ns: nothing is left that could happen, and{}",
                                nanoseconds(now_.time_since_epoch()), waiting));
}

std::string Engine::livelock() const {
  return fmt::format("livelock at {} ns: {} events without time advancing; alive are{}",
                     nanoseconds(now_.time_since_epoch()), events_at_instant_, waiting_fibers(16));
}

void Engine::report_stall(const std::string& what) const {
  throw Violation(what + "; alive are" + waiting_fibers(16));
}

} // namespace mmsim
