// Is every wait of every scenario for somebody, and booked once?
#include "tests/support/waits.hpp"

#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

namespace mmsim::tests::waits_test {
namespace {

/// What is wrong with whom `operation` has waited for; empty if nothing is. `unnamed`: how much of it may be for nobody
/// known.
std::string complaints(const OperationResult& operation, double unnamed) {
  std::string text;
  Duration all{};
  for (const Duration total : operation.accounts)
    all += total;
  if (all != operation.latency.sum())
    text += fmt::format("{}: accounts sum to {} ps, latencies to {}\n", operation.name, all.count(),
                        operation.latency.sum().count());
  AccountTotals waited{};
  Duration for_nobody{};
  for (const WaitTotal& wait : operation.waits) {
    waited[index(wait.account)] += wait.total;
    if (wait.total.count() <= 0 || !is_waiting(wait.account))
      text += fmt::format("{}: {} ps of {}\n", operation.name, wait.total.count(), name(wait.account));
    if (wait.kind != WaitKind::other) continue;
    for_nobody += wait.total;
    if (wait.total.count() > unnamed * static_cast<double>(all.count()))
      text += fmt::format("{}: {} of {} ps of {} are for nobody known\n", operation.name, wait.total.count(),
                          all.count(), name(wait.account));
  }
  for (const Account account : waiting_accounts)
    if (waited[index(account)] != operation.accounts[index(account)])
      text += fmt::format("{}: {} ps of {}, but {} ps for somebody\n", operation.name,
                          operation.accounts[index(account)].count(), name(account),
                          waited[index(account)].count());
  if (for_nobody.count() > unnamed * static_cast<double>(all.count()))
    text += fmt::format("{}: {} of {} ps are for nobody known\n", operation.name, for_nobody.count(),
                        all.count());
  return text;
}

struct WaitsOfScenario : testing::TestWithParam<NamedScenario> {
  static std::string run(std::vector<std::string> overrides, double unnamed = 0.05) {
    overrides.insert(overrides.begin(),
                     {"run.warmup=50 us", "run.duration=500 us", "machine.memory=256 MiB"});
    return text_in_child([&] {
      const PointResult result = run_point(load_configuration({}, overrides));
      if (result.status != PointStatus::done) return result.message;
      std::string text;
      for (const OperationResult& operation : result.operations)
        text += complaints(operation, unnamed);
      return text;
    });
  }
};
INSTANTIATE_TEST_SUITE_P(All, WaitsOfScenario, testing::ValuesIn(scenarios),
                         [](const auto& info) { return info.param.name; });

TEST_P(WaitsOfScenario, SumToItsAccountsAndAreForSomebody) {
  const std::vector<std::string>& settings = GetParam().settings;
  EXPECT_EQ(run(settings + std::vector<std::string>{"run.cpus=2"}), "");
  EXPECT_EQ(run(settings + std::vector<std::string>{"run.cpus=4"}), "");
  EXPECT_EQ(run(settings + std::vector<std::string>{"run.cpus=4", "kernel.tlb_flush=eager"}), "");
  EXPECT_EQ(run(settings + std::vector<std::string>{"run.cpus=2", "kernel.base=2.6.24"}), "");
}

struct WaitsOfPolicies : WaitsOfScenario {};
INSTANTIATE_TEST_SUITE_P(Some, WaitsOfPolicies, testing::ValuesIn([] {
                           std::vector<NamedScenario> some;
                           for (const NamedScenario& scenario : scenarios)
                             if (scenario.name == "munmap" || scenario.name == "lazy_tlb" ||
                                 scenario.name == "context_switch" || scenario.name == "fork")
                               some.push_back(scenario);
                           return some;
                         }()),
                         [](const auto& info) { return info.param.name; });

TEST_P(WaitsOfPolicies, AreForSomebodyUnderOtherPoliciesToo) {
  for (const char* policy :
       {"kernel.tlb_flush=lazy", "kernel.tlb_flush=latr", "kernel.cross_call=single_lock",
        "kernel.rwsem=fifo", "kernel.mutex=count", "kernel.spinlock=ticket", "kernel.lazy_ref=shootdown"})
    EXPECT_EQ(
        run(GetParam().settings + std::vector<std::string>{"run.cpus=4", "kernel.tlb_flush=eager", policy}),
        "")
        << policy;
}

TEST(WaitsOfLocks, AreForSomebodyWhateverTheLock) {
  for (const char* kind : {"queued", "ticket", "tas", "mutex", "rw_semaphore", "rwlock", "semaphore",
                           "seqlock", "rcu", "percpu_counter", "atomic"})
    EXPECT_EQ(WaitsOfScenario::run({"scenario.name=lock", std::string("scenario.kind=") + kind,
                                    "scenario.readers=2", "scenario.lines=1", "run.cpus=4"}),
              "")
        << kind;
}

} // namespace
} // namespace mmsim::tests::waits_test
