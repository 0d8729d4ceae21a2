// One line on the terminal that says how far a sweep is. Shows nothing where nobody watches.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "cli/terminal.hpp"

namespace mmsim {

class Progress {
 public:
  /// `weight` is the expected cost of all runs still to do, in any unit; `processes` work on them.
  /// `open_ended`: more runs may be added, so that totals are what is at least to do.
  Progress(Terminal terminal, std::size_t runs, std::size_t kept, double weight, unsigned processes,
           bool open_ended = false);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// One more run is to do.
  void added(double weight);
  void finished(double weight, double host_seconds, bool good);
  /// Draws the line again, unless it was drawn a moment ago.
  void show();
  /// Takes the line away, so that a message can stand there.
  void clear();

  /// The line as it would be drawn.
  std::string line() const;

 private:
  double seconds_left() const;

  Terminal terminal_;
  std::size_t runs_, done_, bad_ = 0;
  double weight_left_, weight_done_ = 0, seconds_done_ = 0;
  unsigned processes_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now(), drawn_{};
  bool open_ended_, visible_ = false;
};

} // namespace mmsim
