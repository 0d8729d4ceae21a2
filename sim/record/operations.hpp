#pragma once
// Latencies of named operations ("fork", "munmap"), and the accounts that they went to.
//
//   OperationId fork = recorder.register_operation("fork");        // once, before the run
//   OperationStart start = OperationRecorder::begin(ledger, now);  // settled and booked until now
//   ...
//   recorder.end(fork, start, ledger, now);
//
// The measured window is [begin, end). An operation that *ends* inside counts as completed (per_second). Its
// latency and accounts are recorded if it also *began* inside, so that nothing of the warm-up is in them. A
// run bounded by a number of operations leaves the end open and calls close(now) after the last one's end().

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/engine/time.hpp"
#include "sim/record/batch_means.hpp"
#include "sim/record/histogram.hpp"
#include "sim/record/ledger.hpp"
#include "sim/record/wait_totals.hpp"

namespace mmsim {

/// An operation of one OperationRecorder.
enum class OperationId : std::uint32_t {};

struct OperationStart {
  Instant began{};
  Ledger::Snapshot books;
  WaitLog::Mark waits = 0; ///< of the ledger's log
};

/// Half open: [begin, end).
struct MeasuredWindow {
  Instant begin{};
  Instant end = Instant::max();
  bool contains(Instant at) const { return begin <= at && at < end; }
};

/// How long an operation waited for whom, all its latencies together.
struct WaitTotal {
  Account account{};
  WaitKind kind{};
  std::string whom; ///< e.g. "mmap_lock", "cpu 5", "swap"; empty for `other`
  Duration total{};
  bool operator==(const WaitTotal&) const = default;
};

/// What one run recorded of one operation. The accounts sum to latency.sum() exactly.
struct OperationResult {
  std::string name;
  std::uint64_t completed = 0; ///< ended inside the window; latency.count() of them also began there
  Histogram latency;
  BatchMeans batches; ///< of the same latencies
  AccountTotals accounts{};
  /// Of each account that is waiting they sum to the account exactly. In the order of accounts, kinds and numbers.
  std::vector<WaitTotal> waits{};
  bool operator==(const OperationResult&) const = default;
};

class OperationRecorder {
 public:
  explicit OperationRecorder(MeasuredWindow window) : window_(window) {}

  /// The id of the operation; the same name gives the same id. Tables show operations in the order of
  /// registration.
  OperationId register_operation(std::string_view name);

  /// Throws std::logic_error if the ledger is not booked until `now`: what is pending would be the
  /// operation's.
  static OperationStart begin(Ledger& ledger, Instant now) {
    if (ledger.booked_until() != now) [[unlikely]]
      refuse_begin(ledger, now);
    return {now, ledger.snapshot(), ledger.open()};
  }

  /// `ledger` is the one that begin() saw, not reset since, and booked until `now`. Throws std::logic_error
  /// if the accounts do not sum to the latency to the picosecond.
  void end(OperationId id, const OperationStart& start, Ledger& ledger, Instant now);

  /// Ends the window here; no later end() counts, not even at this instant. Does nothing after the window's
  /// own end.
  void close(Instant now);

  const MeasuredWindow& window() const { return window_; }
  /// The length of the window in ps. Throws std::logic_error while its end is open.
  Duration measured() const;

  /// Operations completed in the window, of one kind and of all.
  std::uint64_t completed(OperationId id) const { return results_[std::size_t(id)].completed; }
  std::uint64_t completed() const { return completed_; }

  /// `name_of` says whom a WaitId stands for; without it all waits are for `other`.
  std::vector<OperationResult> results(const std::function<std::string(WaitId)>& name_of = {}) const;

 private:
  [[noreturn, gnu::cold]] static void refuse_begin(const Ledger& ledger, Instant now);
  [[noreturn, gnu::cold]] static void refuse_end(const OperationResult& result, const OperationStart& start,
                                                 const Ledger& ledger, Instant now, Duration booked);

  static Duration add_spent(AccountTotals& accounts, const OperationStart& start, const Ledger& ledger) {
    Duration* const __restrict into = accounts.data();
    const Duration *const until = ledger.totals().data(), *const from = start.books.totals.data();
    Duration all{};
    for (std::size_t i = 0; i < account_count; ++i) {
      const Duration spent = until[i] - from[i];
      into[i] += spent;
      all += spent;
    }
    return all;
  }

  MeasuredWindow window_;
  std::uint64_t completed_ = 0;
  std::vector<OperationResult> results_; // dense by OperationId
  std::vector<WaitTotals> waits_;        // likewise
};

// begin() and end() are inline, and what they throw is made out of line: they are a third of the host's time where
// operations are as short as the allocation of a page.
inline void OperationRecorder::end(OperationId id, const OperationStart& start, Ledger& ledger, Instant now) {
  OperationResult& result = results_[std::size_t(id)];
  const Duration latency = now - start.began;
  const bool completed = window_.contains(now), recorded = completed && start.began >= window_.begin;
  completed_ += completed;
  result.completed += completed;
  if (recorded) [[likely]] {
    result.latency.record(latency);
    result.batches.record(latency);
    WaitTotals& waits = waits_[std::size_t(id)];
    ledger.waits().since(start.waits, [&](const WaitLog::Entry& entry) { waits.add(entry); });
  }
  ledger.close(start.waits);
  // The accounts come last: the ledger's latest booking is still on its way to the cache. One pass over all of them
  // sums and checks, in wide registers, which it can because nothing that it writes is what it reads.
  Duration booked{};
  if (recorded) [[likely]] {
    booked = add_spent(result.accounts, start, ledger);
  } else {
    AccountTotals unmeasured{};
    booked = add_spent(unmeasured, start, ledger);
  }
  if (ledger.booked_until() != now || booked != latency) [[unlikely]]
    refuse_end(result, start, ledger, now, booked);
}

} // namespace mmsim
