// The same sweep gives the same bytes: whatever -j, twice, with running ahead switched off, and if it was
// killed in the middle. And one run that crashes leaves the others alone.

#include <chrono>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/manifest.hpp"
#include "cli/sweep.hpp"
#include "cli/sweep_identity.hpp"
#include "cli/verdict.hpp"
#include "sim/record/tables.hpp"
#include "tests/smoke/command_fixture.hpp"

namespace mmsim::cli_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The tables, without the column that measures the host.
std::map<std::string, std::string> tables_of(const std::string& directory) {
  std::map<std::string, std::string> tables;
  for (const std::string_view each : table_names) {
    const std::string name(each);
    tables[name] = contents_of(std::filesystem::path(directory) / name);
    EXPECT_FALSE(tables[name].empty()) << name;
  }
  std::istringstream lines(tables["point.csv"]);
  std::string line, rest;
  while (
      std::getline(lines, line)) { // ...,simulated_ns,host_s,events,warnings: host_s is the third from behind
    const std::size_t warnings = line.find('"') == std::string::npos ? line.rfind(',') : line.find('"') - 1;
    const std::size_t events = line.rfind(',', warnings - 1), host = line.rfind(',', events - 1);
    rest += line.substr(0, host) + line.substr(events) + '\n';
  }
  tables["point.csv"] = rest;
  return tables;
}

std::size_t finished_runs(const std::string& directory) {
  std::size_t runs = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory + "/points", error))
    runs += entry.path().extension() == ".json" && entry.path().filename() != "sweep.json" &&
            entry.path().filename().native().front() != '.';
  return runs;
}

/// Waits until the sweep has finished some runs, but not all of `total`.
void wait_for_the_middle(const std::string& directory, std::size_t total) {
  for (int i = 0; i < 2000 && finished_runs(directory) < 2; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_GE(finished_runs(directory), 2u);
  ASSERT_LT(finished_runs(directory), total) << "the sweep is too short for this test";
}

TEST(SweepBytes, are_the_same_whatever_the_number_of_processes_and_again) {
  const TestFolder folder;
  const std::string file = folder.write("s.toml", small_sweep(2));
  ASSERT_EQ(mmsim_command(folder, {"sweep", file, "--out", "one", "-j", "1"}).status, 0);
  ASSERT_EQ(mmsim_command(folder, {"sweep", file, "--out", "five", "-j", "5"}).status, 0);
  ASSERT_EQ(mmsim_command(folder, {"sweep", file, "--out", "again", "-j", "1"}).status, 0);
  EXPECT_EQ(tables_of(folder / "five"), tables_of(folder / "one"));
  EXPECT_EQ(tables_of(folder / "again"), tables_of(folder / "one"));
}

TEST(SweepBytes, are_the_same_with_running_ahead_switched_off) {
  const TestFolder folder;
  const std::string file = folder.write("s.toml", small_sweep());
  ASSERT_EQ(mmsim_command(folder, {"sweep", file, "--out", "ahead"}).status, 0);
  ASSERT_EQ(mmsim_command(folder, {"sweep", file, "--out", "stepped", "--set", "run.run_ahead=false"}).status,
            0);
  EXPECT_EQ(tables_of(folder / "stepped"), tables_of(folder / "ahead"));
}

TEST(SweepBytes, a_finished_sweep_is_not_touched_when_it_is_asked_for_again) {
  const TestFolder folder;
  const std::string file = folder.write("s.toml", small_sweep());
  ASSERT_EQ(mmsim_command(folder, {"sweep", file, "--out", "out"}).status, 0);
  const auto before = tree_of(folder / "out");
  const auto age = std::filesystem::last_write_time(folder / "out/manifest.json");
  ASSERT_EQ(mmsim_command(folder, {"sweep", file, "--out", "out"}).status, 0);
  EXPECT_EQ(tree_of(folder / "out"), before);
  EXPECT_EQ(std::filesystem::last_write_time(folder / "out/manifest.json"), age);
  std::filesystem::remove(folder / "out/latency.csv");
  folder.write("out/folded.txt", "cut");
  folder.write("out/points/0-1.json", "{");
  ASSERT_EQ(mmsim_command(folder, {"sweep", file, "--out", "out"}).status, 0);
  for (const std::string name : {"latency.csv", "folded.txt"})
    EXPECT_EQ(contents_of(folder / ("out/" + name)), before.at(name)) << "what was damaged is made again";
}

// A run that an mmsim without waits and interrupts by pair has finished lacks them: it must not fail the sweep.
TEST(SweepBytes, runs_whose_format_is_older_are_made_again) {
  const TestFolder folder;
  const std::string file = folder.write("s.toml", small_sweep());
  ASSERT_EQ(mmsim_command(folder, {"sweep", file, "--out", "out"}).status, 0);
  const auto before = tables_of(folder / "out");
  for (const std::string member : {"waits", "ipis"}) {
    std::string text = contents_of(folder / "out/points/0-1.json");
    const std::size_t place = text.find('"' + member + '"');
    ASSERT_NE(place, std::string::npos) << member;
    folder.write("out/points/0-1.json", text.replace(place, member.size() + 2, "\"unknown\""));
    for (const std::string_view name : table_names)
      if (name != "point.csv") std::filesystem::remove(folder / ("out/" + std::string(name)));
    const Ended again = mmsim_command(folder, {"sweep", file, "--out", "out"});
    EXPECT_EQ(again.status, 0) << again.err;
    EXPECT_THAT(again.err, AllOf(HasSubstr("0-1.json"), HasSubstr(member), HasSubstr("runs again")));
    EXPECT_EQ(tables_of(folder / "out"), before);
  }
}

class InterruptedSweep : public ::testing::TestWithParam<int> {};

TEST_P(InterruptedSweep, goes_on_where_it_stopped_and_loses_and_doubles_nothing) {
  constexpr int seeds = 30;
  constexpr std::size_t total = 4 * seeds;
  const TestFolder folder;
  const std::string file = folder.write("s.toml", small_sweep(seeds));
  const std::vector<std::string> words{"sweep", file, "--out", "out",
                                       "-j",    "2",  "--set", "run.duration=2 ms"};
  const Started started(folder, words);
  wait_for_the_middle(folder / "out", total);
  started.send(GetParam());
  const Ended stopped = started.wait();
  EXPECT_EQ(stopped.status, GetParam() == SIGKILL ? -SIGKILL : 130);
  if (GetParam() != SIGKILL) {
    EXPECT_THAT(stopped.err, HasSubstr("the same command goes on from there"));
  }
  const std::size_t kept = finished_runs(folder / "out");
  ASSERT_LT(kept, total);
  EXPECT_FALSE(std::filesystem::exists(folder / "out/manifest.json"));
  EXPECT_FALSE(std::filesystem::exists(folder / "out/latency.csv"));

  const Ended resumed = mmsim_command(folder, words);
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("were finished before"));
  EXPECT_EQ(finished_runs(folder / "out"), total);
  for (const auto& [name, bytes] : tree_of(folder / "out"))
    EXPECT_EQ(name.find(".mmsim-tmp"), std::string::npos) << name;
  std::vector<std::string> whole = words;
  whole[3] = "whole";
  ASSERT_EQ(mmsim_command(folder, whole).status, 0);
  EXPECT_EQ(tables_of(folder / "out"), tables_of(folder / "whole"));
}

INSTANTIATE_TEST_SUITE_P(By, InterruptedSweep, ::testing::Values(SIGKILL, SIGINT, SIGTERM),
                         [](const auto& info) {
                           return info.param == SIGKILL  ? "kill"
                                  : info.param == SIGINT ? "control_c"
                                                         : "termination";
                         });

/// A sweep with a runner of the test's own, in children of the test.
class OwnRunner : public ::testing::Test {
 protected:
  OwnRunner() : plan_(load_sweep(folder_.write("s.toml", small_sweep()), {})) {}

  SweepOutcome run(const PointRunner& runner) {
    SweepDirectory directory(folder_ / "out", sweep_hash(plan_), "build");
    return run_sweep(plan_, directory, 2, runner);
  }
  static std::int64_t cpus(const Configuration& configuration) {
    return std::get<std::int64_t>(configuration.find("run.cpus")->value);
  }
  static PointResult good(const Configuration& configuration) {
    PointResult result;
    result.seed = std::uint64_t(std::get<std::int64_t>(configuration.find("run.seed")->value));
    result.host_seconds = 0.5;
    return result;
  }
  static std::vector<PointStatus> statuses(const SweepOutcome& outcome) {
    std::vector<PointStatus> result;
    for (const ResultTables::Point& point : outcome.tables.points)
      result.push_back(worst_status(point));
    return result;
  }

  const TestFolder folder_;
  const SweepPlan plan_;
};

constexpr auto done = PointStatus::done, failed = PointStatus::failed, violation = PointStatus::violation;

TEST_F(OwnRunner, a_crash_fails_its_point_and_no_other_and_only_that_one_runs_again) {
  const SweepOutcome first = run([](const Configuration& configuration) {
    if (cpus(configuration) == 4) std::abort();
    return good(configuration);
  });
  EXPECT_THAT(statuses(first), ElementsAre(done, done, failed, failed));
  EXPECT_THAT(first.tables.points[2].seeds[0].message, HasSubstr("signal 6 (Aborted)"));
  EXPECT_EQ(report_verdict(first.tables), 3);

  const SweepOutcome second = run(good);
  EXPECT_EQ(second.kept, 2u);
  EXPECT_THAT(statuses(second), ElementsAre(done, done, done, done));
  EXPECT_EQ(report_verdict(second.tables), 0);
}

TEST_F(OwnRunner, an_exception_is_a_fault_with_its_text_and_a_violation_is_kept) {
  const SweepOutcome first = run([](const Configuration& configuration) {
    if (cpus(configuration) == 4) throw std::runtime_error("the ledger does not balance");
    PointResult result = good(configuration);
    result.status = violation;
    result.message = "stale translation";
    return result;
  });
  EXPECT_THAT(statuses(first), ElementsAre(violation, violation, failed, failed));
  EXPECT_EQ(first.tables.points[3].seeds[0].message, "the ledger does not balance");
  EXPECT_EQ(report_verdict(first.tables), 3);
  const SweepOutcome second = run(good);
  EXPECT_THAT(statuses(second), ElementsAre(violation, violation, done, done));
  EXPECT_EQ(report_verdict(second.tables), 1);
}

TEST_F(OwnRunner, input_that_only_a_run_finds_wrong_ends_the_sweep_and_leaves_nothing) {
  SweepDirectory directory(folder_ / "deep/out", sweep_hash(plan_), "build");
  const auto runner = [](const Configuration& configuration) {
    if (cpus(configuration) == 1) throw InputError("too small", {"s.toml", 8, 3});
    return good(configuration);
  };
  try {
    run_sweep(plan_, directory, 2, runner);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "s.toml:8:3: too small");
  }
  folder_.write("deep/out/points/.mmsim-tmp.1-1.json.1.0", "half"); // by a run that was stopped at its end
  directory.undo();
  EXPECT_FALSE(std::filesystem::exists(folder_ / "deep"));
}

TEST_F(OwnRunner, results_of_another_build_are_run_again) {
  ASSERT_EQ(run(good).kept, 0u);
  SweepDirectory directory(folder_ / "out", sweep_hash(plan_), "another build");
  EXPECT_EQ(directory.outdated(), 4u);
  EXPECT_EQ(run_sweep(plan_, directory, 2, good).kept, 0u);
}

TEST_F(OwnRunner, two_sweeps_cannot_write_in_one_directory) {
  SweepDirectory directory(folder_ / "out", sweep_hash(plan_), "build");
  EXPECT_THROW(SweepDirectory(folder_ / "out", sweep_hash(plan_), "build"), InputError);
}

TEST_F(OwnRunner, seeds_follow_run_seed_and_costly_points_start_first) {
  const SweepPlan plan = load_sweep(folder_.write("t.toml", small_sweep(2)), {"run.seed=10"});
  const auto runs = runs_of(plan);
  ASSERT_EQ(runs.size(), 8u);
  EXPECT_EQ(runs[0].seed, 10u);
  EXPECT_EQ(runs[1].seed, 11u);
  EXPECT_EQ(cpus(configuration_of(plan, runs[0])), 4);
  EXPECT_EQ(cpus(configuration_of(plan, runs[7])), 1);
}

} // namespace
} // namespace mmsim::cli_test
