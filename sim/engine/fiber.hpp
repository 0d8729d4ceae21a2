// A fiber: straight-line code with its own stack that waits in simulated time.
#pragma once

#include "sim/engine/event_queue.hpp"

#include <boost/context/fiber.hpp>
#include <functional>
#include <string>

namespace mmsim {

/// What a parked fiber waits for: named in the deadlock report. Locks and completions derive from it.
class Waitable {
 public:
  virtual ~Waitable() = default;
  /// For example "mmap_lock of mm 3, held by task 7".
  virtual std::string describe() const = 0;
};

/// Created by Engine::spawn and owned by the engine until its body returns. As an Event it stands for its
/// wake-up.
class Fiber final : public Event {
 public:
  enum class Kind {
    worker, ///< must finish: if it is parked when nothing can happen any more, that is a deadlock
    daemon  ///< may be parked for ever (idle loops, kernel threads)
  };

  const std::string& name() const { return name_; }
  Kind kind() const { return kind_; }
  /// Set by whoever knows what the fiber is doing ("munmap"): named in error reports. May be null.
  const char* operation = nullptr;

 private:
  friend class Engine;
  Fiber(EventQueue& queue, std::string name, Kind kind, std::function<void()> body)
      : Event(queue), name_(std::move(name)), kind_(kind), body_(std::move(body)) {}
  void fire() override {} // the engine switches to the fiber instead

  std::string name_;
  Kind kind_;
  std::function<void()> body_;
  boost::context::fiber context_; // where it stands, while it is not running
  const Waitable* waits_for_ = nullptr;
  std::size_t index_ = 0; // in Engine::fibers_
  // AddressSanitizer must be told of every stack switch.
  const void* stack_bottom_ = nullptr;
  std::size_t stack_bytes_ = 0;
  void* fake_stack_ = nullptr;
};

} // namespace mmsim
