// Results as they cross from the process that ran them to the one that writes tables, and seeds that become a
// point.

#include <array>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "sim/record/ipi_matrix.hpp"
#include "sim/record/natural_order.hpp"
#include "sim/record/results.hpp"
#include "sim/record/wait_names.hpp"
#include "tests/support/points.hpp"

namespace mmsim::results_test {
namespace {

using namespace literals;

Instant at(std::int64_t ps) { return Instant(Duration(ps)); }

/// A fork of each of n random latencies below 2^40 ps: a third is work, a third waiting for an interrupt, the
/// rest waiting for nobody in particular.
PointResult result_of(std::uint64_t seed, std::uint64_t n) {
  OperationRecorder recorder({at(0), at(2'000'000'000'000)});
  const OperationId fork = recorder.register_operation("fork");
  recorder.register_operation("never \"run\"");
  std::mt19937_64 bits(seed);
  for (std::uint64_t i = 0; i < n; ++i) {
    const auto latency = std::int64_t(bits() >> (24 + bits() % 40));
    Ledger ledger(at(0));
    const OperationStart start = OperationRecorder::begin(ledger, at(0));
    ledger.book(Account::work, at(latency / 3));
    ledger.book(Account::tlb_remote, at(latency / 3 * 2), WaitId(WaitKind::ipi, std::uint32_t(i % 12)));
    ledger.book(Account::tlb_remote, at(latency));
    recorder.end(fork, start, ledger, at(latency));
  }
  Counters counters;
  counters.add(Counter::ipi_requested, UINT64_MAX - seed);
  counters.add(Counter::ipi_sent, 7 * seed);
  counters.lock_acquired(counters.register_lock_class("mmap_lock"), true, 1_ns);
  IpiMatrix ipis(128);
  for (std::uint64_t i = 0; i < 7 * seed; ++i)
    ipis.count(std::uint32_t(i % 5), 127);
  const WaitNames names;
  PointResult result;
  result.seed = seed;
  result.simulated = 2_ms;
  result.measured = recorder.measured();
  result.events = n;
  result.host_seconds = 0.1 + double(seed) / 3;
  result.warnings = {"tlb_flush \"lazy\" was never exercised", "caf\u00e9\n"};
  result.operations = recorder.results([&](WaitId whom) { return names.name_of(whom, counters); });
  result.counters = counters.snapshot();
  result.whole_run = counters.snapshot();
  result.ipis = ipis.snapshot();
  return result;
}

TEST(PointResult, SurvivesJsonWithoutLoss) {
  for (const std::uint64_t n : {0u, 1u, 39u, 5000u}) {
    PointResult result = result_of(n + 1, n);
    EXPECT_EQ(point_result_from_json(to_json(result)), result);
    result.status = PointStatus::violation;
    result.message = "stale translation";
    EXPECT_EQ(point_result_from_json(to_json(result)), result);
  }
}

TEST(PointResult, DamagedJsonIsRefused) {
  const std::string json = to_json(result_of(1, 100));
  EXPECT_THROW(point_result_from_json(json.substr(0, json.size() / 2)), std::invalid_argument);
  EXPECT_THROW(point_result_from_json("{}"), std::invalid_argument);
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string changed = json;
    return changed.replace(changed.find(from), from.size(), to);
  };
  EXPECT_EQ(point_result_from_json(with("\"seed\":1,", "\"seed\":2,")).seed, 2u);
  EXPECT_THROW(point_result_from_json(with("\"seed\":1,", "\"seed\":1.5,")), std::invalid_argument);
  EXPECT_THROW(point_result_from_json(with("\"seed\":1,", "\"seed\":-1,")), std::invalid_argument);
  EXPECT_THROW(point_result_from_json(with("\"done\"", "\"dome\"")), std::invalid_argument);
  EXPECT_THROW(point_result_from_json(with("\"work\":", "\"wrk\":")), std::invalid_argument);
  EXPECT_THROW(point_result_from_json(with("\"work\":", "\"work\":1")), std::invalid_argument);
  EXPECT_THROW(point_result_from_json(with("\"open_count\":", "\"open_count\":1")), std::invalid_argument);
}

TEST(PointResult, WaitsThatDoNotSumToTheirAccountsAreRefused) {
  const std::string json = to_json(result_of(1, 100));
  const auto refused = [&](std::string_view from, std::string_view to, const std::string& reason) {
    std::string changed = json;
    ASSERT_NE(changed.find(from), std::string::npos) << from;
    changed.replace(changed.find(from), from.size(), to);
    try {
      point_result_from_json(changed);
      FAIL() << from << " became " << to;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(reason), std::string::npos) << error.what();
    }
  };
  refused("\"ipi\",\"cpu 3\",", "\"ipi\",\"cpu 3\",1", "waits of account tlb_remote sum to");
  refused("[\"tlb_remote\",\"ipi\"", "[\"work\",\"ipi\"", "waits of account work sum to");
  refused("[\"tlb_remote\",\"ipi\"", "[\"io\",\"ipi\"", "sum to");
  refused("[\"tlb_remote\",\"ipi\"", "[\"tlbremote\",\"ipi\"", "unknown account \"tlbremote\"");
  refused("[\"tlb_remote\",\"ipi\"", "[\"tlb_remote\",\"ipis\"", "unknown kind of waits \"ipis\"");
  refused("[\"tlb_remote\",\"ipi\",", "[\"tlb_remote\",\"ipi\",\"cpu 3\",", "not a wait");
  refused("\"waits\":", "\"weights\":", "waits");
}

TEST(PointResult, InterruptsThatDoNotSumToTheirCounterAreRefused) {
  const std::string json =
      to_json(result_of(1, 2)); // 7 interrupts from CPUs 0 to 4 to CPU 127, in pairs of CPUs
  const std::string sent = "\"ipis\":{\"cpus\":128,\"sent\":[[0,126,4],[2,126,2],[4,126,1]]}";
  ASSERT_NE(json.find(sent), std::string::npos) << json.substr(json.find("\"ipis\""));
  for (const char* wrong :
       {"\"ipis\":{\"cpus\":128,\"sent\":[[0,126,4],[2,126,2],[4,126,2]]}",
        "\"ipis\":{\"cpus\":128,\"sent\":[[0,126,4],[2,126,2],[2,126,1]]}",
        "\"ipis\":{\"cpus\":128,\"sent\":[[0,126,4],[2,126,2],[4,127,1]]}",
        "\"ipis\":{\"cpus\":128,\"sent\":[[0,126,4],[2,126,2],[4,128,1]]}",
        "\"ipis\":{\"cpus\":128,\"sent\":[[0,126,4],[2,126,2],[4,126,1],[6,126,0]]}",
        "\"ipis\":{\"cpus\":128,\"sent\":[[0,126,4],[2,126,2],[4,126]]}",
        "\"ipis\":{\"cpus\":0,\"sent\":[[0,0,7]]}", "\"ipis\":{\"cpus\":70000,\"sent\":[]}",
        "\"ipis\":{\"cpus\":-1,\"sent\":[]}", "\"ipis\":[]", "\"ipjs\":{}"}) {
    std::string changed = json;
    EXPECT_THROW(point_result_from_json(changed.replace(changed.find(sent), sent.size(), wrong)),
                 std::invalid_argument)
        << wrong;
  }
}

TEST(PointResult, MergingDoesNotDependOnTheOrderOfArguments) {
  const PointResult first = result_of(1, 300), second = result_of(2, 100);
  PointResult violated = result_of(3, 50);
  violated.status = PointStatus::violation;
  const MergedPoint forward = merge(std::array{first, second, violated});
  const MergedPoint backward = merge(std::array{violated, second, first});
  EXPECT_EQ(forward.seeds, 2u);
  EXPECT_EQ(forward.operations.at(0).latency, backward.operations.at(0).latency);
  EXPECT_EQ(forward.operations.at(0).latency.count(), 400u);
  EXPECT_EQ(forward.operations.at(0).batches, backward.operations.at(0).batches);
  EXPECT_EQ(forward.operations.at(0).ci95(), backward.operations.at(0).ci95());
  EXPECT_EQ(forward.operations.at(0).accounts, backward.operations.at(0).accounts);
  EXPECT_EQ(forward.operations.at(0).waits, backward.operations.at(0).waits);
  EXPECT_EQ(forward.ipis, backward.ipis);
  EXPECT_EQ(forward.ipis.sum(), 21u);
  EXPECT_EQ(forward.counters, backward.counters);
  EXPECT_EQ(forward.measured, first.measured + second.measured);
  EXPECT_DOUBLE_EQ(forward.per_second(forward.operations.at(0)), 100);
  EXPECT_THROW(merge(std::array{first, first}), std::invalid_argument);
}

TEST(PointResult, MergedWaitsComeOnceEachInNaturalOrderAndSumToTheAccounts) {
  const MergedPoint point = merge(std::array{result_of(1, 300), result_of(2, 100)});
  const MergedOperation& fork = point.operations.at(0);
  ASSERT_EQ(fork.waits.size(), 13u);
  EXPECT_EQ(fork.waits[0].kind, WaitKind::other);
  Duration sum = fork.waits[0].total;
  for (std::size_t i = 1; i < fork.waits.size(); ++i) {
    EXPECT_EQ(fork.waits[i].whom, "cpu " + std::to_string(i - 1));
    sum += fork.waits[i].total;
  }
  EXPECT_EQ(sum, fork.accounts[index(Account::tlb_remote)]);
}

TEST(PointResult, WaitsThatAreMissingAreNotMerged) {
  PointResult result = result_of(1, 10);
  result.operations[0].waits.pop_back();
  EXPECT_THROW(merge(std::span(&result, 1)), std::invalid_argument);
}

TEST(PointResult, SeedsOnMachinesOfDifferentSizeAreNoPoint) {
  std::array seeds{result_of(1, 1), result_of(2, 1)};
  seeds[1].ipis = IpiCounts(64);
  EXPECT_THROW(merge(seeds), std::invalid_argument);
}

TEST(NaturalOrder, ComparesRunsOfDigitsAsNumbersAndIsTotal) {
  const std::array names{"",
                         "cpu",
                         "cpu 0",
                         "cpu 00",
                         "cpu 01",
                         "cpu 1",
                         "cpu 1 b",
                         "cpu 2",
                         "cpu 10",
                         "cpu 99999999999999999998",
                         "cpu 99999999999999999999",
                         "cpu a",
                         "disk2",
                         "disk10b"};
  for (std::size_t i = 0; i < names.size(); ++i)
    for (std::size_t k = 0; k < names.size(); ++k)
      EXPECT_EQ(comes_before_naturally(names[i], names[k]), i < k) << names[i] << " and " << names[k];
}

TEST(IpiMatrix, AWindowIsTheDifferenceOfItsSnapshots) {
  IpiMatrix matrix(4);
  matrix.count(0, 3);
  const IpiCounts begin = matrix.snapshot();
  matrix.count(0, 3);
  matrix.count(2, 1);
  matrix.count(2, 1);
  const IpiCounts window = difference(matrix.snapshot(), begin);
  EXPECT_EQ(window.at(0, 3), 1u);
  EXPECT_EQ(window.at(2, 1), 2u);
  EXPECT_EQ(window.sum(), 3u);
  EXPECT_EQ(matrix.snapshot().sum(), 4u);
}

TEST(IpiMatrix, TakesNoMoreRoomFor1024CpusThanFor64) {
  EXPECT_EQ(IpiMatrix(1024).snapshot().counts.size(), 64u * 64u);
}

// ipi.csv against counter.csv: point() reads JSON, which refuses sums that differ; here they must not be 0
// either.
TEST(Interrupts, ByPairSumToIpiSentOfTheWindowInEveryScenario) {
  std::uint64_t sent = 0;
  for (const tests::NamedScenario& scenario : tests::scenarios) {
    std::vector<std::string> settings = scenario.settings;
    settings.insert(settings.end(), {"run.cpus=4", "kernel.tlb_flush=eager"});
    const PointResult result = tests::point(settings);
    ASSERT_EQ(result.status, PointStatus::done) << result.message;
    EXPECT_EQ(result.ipis.cpus, 4u);
    EXPECT_EQ(result.ipis.sum(), result.counters[Counter::ipi_sent]) << scenario.name;
    sent += result.ipis.sum();
    if (scenario.name == "munmap") {
      EXPECT_GT(result.ipis.sum(), 0u);
    }
  }
  EXPECT_GT(sent, 0u);
}

TEST(Interrupts, OfTheWarmUpAreNotInTheWindow) {
  const std::vector<std::string> storm{"scenario.name=ipi_storm", "scenario.rate=20000", "run.cpus=4",
                                       "run.duration=500 us"};
  std::vector<std::string> late = storm;
  late.push_back("run.warmup=5 ms");
  const PointResult result = tests::point(late);
  EXPECT_GT(result.ipis.sum(), 0u);
  EXPECT_LT(result.ipis.sum(), result.whole_run[Counter::ipi_sent] / 2);
}

} // namespace
} // namespace mmsim::results_test
