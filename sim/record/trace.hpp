#pragma once
// Records what happens on each core and to each task, to be drawn in Perfetto or chrome://tracing.
//
//   Trace trace({window, limit});             // before the run
//   machine.set_trace(&trace);                // machine, scheduler and experiment tell it what happens
//   trace.finish(engine.now(), name_of);
//   write_trace_json(trace.data(), ...);      // trace_json.hpp
//
// Attached from outside, it only listens: no event, no time and no byte of any table is different with it. Cores are
// numbers here and tasks are pids. Who is to tell it something asks `if (Trace* trace = machine.trace())`; with the
// CMake option MMSIM_TRACE=OFF that is never true, and the hooks are not in the program.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sim/engine/time.hpp"
#include "sim/record/ledger.hpp"
#include "sim/record/trace_data.hpp"

#ifndef MMSIM_TRACE
#define MMSIM_TRACE 1
#endif

namespace mmsim {

inline constexpr bool trace_compiled_in = MMSIM_TRACE != 0;

class Trace {
 public:
  struct Options {
    std::optional<TraceWindow> window; ///< none: the measured window
    std::uint64_t limit;               ///< bytes of JSON; recording stops when it is surely reached
  };
  explicit Trace(Options options);
  ~Trace();
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  const Options& options() const { return options_; }

  // --- before the run

  void set_cores(std::uint32_t cores);
  /// Reads what counters show. Called at most once a simulated microsecond, when something else is recorded.
  void set_sampler(std::function<TraceSample()> sampler) { sampler_ = std::move(sampler); }

  // --- tasks; idle tasks are never announced

  void task_made(std::uint32_t pid, std::string_view name, Ledger& ledger);
  /// `core` goes from the task `previous` to `next`, whose ledger is booked until now.
  void switched(std::uint32_t core, std::uint32_t previous, std::uint32_t next, Instant now);

  // --- operations; `mark` tells apart those that a task is in

  void operation_begins(std::uint32_t pid, const char* name, const Ledger& ledger, WaitLog::Mark mark);
  void operation_ends(std::uint32_t pid, std::string_view name, const Ledger& ledger, WaitLog::Mark mark);
  /// The one that began last was nothing to report.
  void operation_dropped(std::uint32_t pid);
  /// It goes on in `to`, from the instant at which `switched_in` was taken.
  void operation_handed_on(std::uint32_t from, const Ledger& books, WaitLog::Mark mark, std::uint32_t to,
                           const Ledger::Snapshot& switched_in, WaitLog::Mark continued);

  // --- interrupts

  /// The number of the arrow, for ipi_arrived(); 0: it is not drawn.
  std::uint32_t ipi_sent(std::uint32_t from, std::uint32_t to, std::uint8_t irq, Instant now);
  void ipi_arrived(std::uint32_t flow);
  void handler_begins(std::uint32_t core, std::uint8_t irq, Instant now);
  void handler_ends(std::uint32_t core, Instant now);
  /// The handler on `core` has answered the call that `call` stands for; a core that waited for it has seen that.
  void answered(std::uint32_t core, const void* call, Instant now);
  void answer_seen(std::uint32_t core, const void* call, Instant now);
  void waited(const TraceRemoteWait& wait);

  // --- the measured window, and the end

  void measured(Instant begin, Instant end);
  void measured_until(Instant end);
  /// The run is over. Nothing is recorded after it.
  void finish(Instant now, const std::function<std::string(WaitId)>& name_of);

  /// What was recorded, after finish().
  TraceData& data() { return data_; }

 private:
  class Task;
  struct Core {
    std::uint32_t running = nobody; // pid
    Instant since{};                // ... from here on
    bool in_handler = false;
    std::uint8_t irq = 0;
    Instant handler_since{};
    std::size_t latest = no_record;     // the booking that the next may continue
    std::vector<std::uint32_t> arrived; // flows whose handler has not begun
  };
  struct Answer {
    const void* call;
    std::uint32_t flow;
  };
  static constexpr std::uint32_t nobody = UINT32_MAX;
  static constexpr std::size_t no_record = SIZE_MAX;

  bool in_window(Instant from, Instant until) const {
    return from < data_.window.to && until > data_.window.from;
  }
  bool in_window(Instant at) const { return at >= data_.window.from && at < data_.window.to; }
  Task* task(std::uint32_t pid) { return pid < tasks_.size() ? tasks_[pid].get() : nullptr; }
  void booked(Task& task, Account account, WaitId whom, Instant from, Instant until);
  void record(const TraceRecord& record);
  void record(const TraceOperation& operation);
  void end_run(std::uint32_t core, Instant now);
  void keep(Task& task, std::uint16_t name, const Ledger::Snapshot& begin, const Ledger::Snapshot& end,
            TraceOperation::Part part);
  void keep_unfinished(const Task& task, std::uint16_t name, Instant begin);
  std::uint16_t name_number(std::string_view name);
  void sample(Instant now);
  void stop_if_full(Instant now);

  const Options options_;
  TraceData data_;
  std::function<TraceSample()> sampler_;
  Instant next_sample_{};
  std::vector<std::unique_ptr<Task>> tasks_; // by pid
  std::vector<Core> cores_;
  std::unordered_map<const void*, std::vector<std::uint32_t>> answers_; // flows by call
  bool finished_ = false;
};

} // namespace mmsim
