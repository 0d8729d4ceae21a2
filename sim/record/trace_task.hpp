#pragma once
// What a trace keeps of a task. For trace*.cpp alone.

#include "sim/record/trace.hpp"

namespace mmsim {

/// Hears of the bookings of one task, and knows where it is and in which operations.
class Trace::Task final : public LedgerObserver {
 public:
  static constexpr std::uint32_t off_core = UINT32_MAX;
  struct Open {
    WaitLog::Mark mark;
    std::uint16_t name;
    TraceOperation::Part part;
    Ledger::Snapshot books;
  };

  Task(Trace& trace, std::uint32_t pid) : pid(pid), trace_(trace) {}
  void booked(const Ledger&, Account account, WaitId whom, Instant from, Instant until) override {
    booked_until = until;
    trace_.booked(*this, account, whom, from, until);
  }
  void open_operation(const Open& operation) {
    if (open.size() == WaitLog::most_open) open.erase(open.begin()); // given up long ago, as in WaitLog
    open.push_back(operation);
  }
  /// Takes it out, with those that began inside it; nothing if it is not known.
  std::optional<Open> take(WaitLog::Mark mark) {
    while (!open.empty() && open.back().mark > mark)
      open.pop_back();
    if (open.empty() || open.back().mark != mark) return {};
    const Open found = open.back();
    open.pop_back();
    return found;
  }

  const std::uint32_t pid;
  std::uint32_t core = off_core; ///< that it is on
  Instant booked_until{};
  std::vector<Open> open; ///< the operations that it is in, the last of them innermost

 private:
  Trace& trace_;
};

} // namespace mmsim
