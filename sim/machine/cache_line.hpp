// Cache lines that cores share: who holds a line, who waits for it, and until when it is on its way.
//
//   CacheLine line("mmap_lock count");
//   core.rmw(line);            // waits for the line; returns at its service time
//   ++count;                   // so this is when the new value exists
//
// A line is with one owner that may write it, or with any number of sharers, or in memory. Requests for a
// line that cannot be met from the requester's own cache are served one after the other in the order in which
// they are made (fifo arbitration); while a line is on its way its next request waits. Several words that the
// kernel keeps together stand on one CacheLine, so false sharing happens here as it does there.
//
// What is not modelled: capacity (a line leaves a cache only by invalidation), nearest-first arbitration,
// directories that answer instead of a core.
#pragma once

#include "sim/engine/fiber.hpp"
#include "sim/engine/time.hpp"
#include "sim/machine/core_set.hpp"

#include <boost/intrusive/list.hpp>
#include <string>

namespace mmsim {

class Core;

/// Links a core into the list of those that spin on a line.
using SpinHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

class CacheLine : public Waitable {
 public:
  /// `name` must outlive the line: a literal.
  explicit CacheLine(const char* name) : name_(name) {}

  const char* name() const { return name_; }
  std::string describe() const override;

  enum class State : std::uint8_t { memory, shared, exclusive };
  State state() const { return state_; }
  CoreId owner() const { return owner_; }
  const CoreSet& sharers() const { return sharers_; }
  Instant busy_until() const { return busy_until_; }

 private:
  friend class Core;
  using Spinners = boost::intrusive::list<SpinHook, boost::intrusive::constant_time_size<false>>;

  const char* name_;
  Instant busy_until_{};
  State state_ = State::memory;
  CoreId owner_{}; // the last writer; meaningful unless in memory
  CoreId lowest_,
      highest_{}; // of the sharers: zones are intervals, so the farthest sharer is one of these two
  CoreSet sharers_;
  Spinners spinners_;
};

} // namespace mmsim
