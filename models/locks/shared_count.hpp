// The atomic reference count: a value and the cache line that it lives on.
//
//   SharedCount users("mm_users", 1);
//   users.increment(core);                                  // mmget()
//   if (users.decrement_and_test(core)) ...                 // mmput(): the last one cleans up
//
// Models atomic_inc(), atomic_dec() and atomic_dec_and_test(), each one atomic access to the line, which is all that an
// uncontended reference costs and what a contended one makes cores queue for. Left out: saturation
// (refcount_t), forms that refuse a count of 0.
#pragma once

#include "sim/machine/core.hpp"

#include <cstdint>
#include <tuple>

namespace mmsim {

class SharedCount {
 public:
  SharedCount(const char* name, std::int64_t value) : line_(name), value_(value) {}

  std::int64_t value() const { return value_; }
  /// atomic_inc().
  void increment(Core& core) {
    core.rmw(line_);
    ++value_;
  }
  /// atomic_dec(). Throws Violation below 0.
  void decrement(Core& core) { std::ignore = decrement_and_test(core); }
  /// atomic_read().
  std::int64_t read(Core& core) {
    core.read(line_);
    return value_;
  }
  /// Before the machine runs.
  void count_at_boot() { ++value_; }
  /// atomic_dec_and_test(): true if it has become 0. Throws Violation below 0.
  bool decrement_and_test(Core& core) {
    core.rmw(line_);
    if (value_ <= 0) throw Violation(std::string(line_.name()) + " drops below 0");
    return --value_ == 0;
  }

 private:
  CacheLine line_;
  std::int64_t value_;
};

} // namespace mmsim
