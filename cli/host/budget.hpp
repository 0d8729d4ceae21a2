// How long measuring may take.
#pragma once

#include <algorithm>
#include <chrono>

namespace mmsim::host {

/// A span of host time that begins when it is made.
class Budget {
 public:
  explicit Budget(double seconds) : end_(Clock::now() + in_ticks(seconds)) {}

  /// Seconds that are left, at least 0.
  double left() const { return std::max(0.0, std::chrono::duration<double>(end_ - Clock::now()).count()); }
  bool over() const { return Clock::now() >= end_; }

  /// A budget of its own that begins now: a share of what is left, 0 < share <= 1.
  Budget part(double share) const { return Budget(left() * share); }
  /// A budget of its own that begins now: so many seconds, or what is left if that is less.
  Budget at_most(double seconds) const { return Budget(std::min(left(), seconds)); }

 private:
  using Clock = std::chrono::steady_clock;
  static Clock::duration in_ticks(double seconds) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }
  Clock::time_point end_;
};

} // namespace mmsim::host
