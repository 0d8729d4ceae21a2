// Sweeps that do not run the whole product, that add seeds of their own accord, and that tell how long they
// take.

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/host_probe.hpp"
#include "cli/manifest.hpp"
#include "cli/progress.hpp"
#include "cli/sampling.hpp"
#include "cli/seeds_needed.hpp"
#include "cli/sweep.hpp"
#include "cli/sweep_identity.hpp"
#include "sim/engine/random.hpp"
#include "sim/record/operations.hpp"
#include "sim/record/tables.hpp"
#include "tests/smoke/command_fixture.hpp"
#include "tests/smoke/configuration_fixture.hpp"

namespace mmsim::sweep_plan_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// --- points

SampledAxis list_of(std::size_t values) {
  SampledAxis axis;
  for (std::size_t i = 0; i < values; ++i)
    axis.value_of.push_back(i);
  return axis;
}

bool all_differ(const std::vector<DrawnPoint>& points) {
  return std::set<DrawnPoint>(points.begin(), points.end()).size() == points.size();
}

TEST(Sampling, a_latin_hypercube_uses_the_values_of_each_axis_equally_often_and_no_point_twice) {
  for (const std::vector<std::size_t>& sizes :
       std::vector<std::vector<std::size_t>>{{4, 4, 3}, {2, 2, 2, 2}, {5, 7}, {1, 10}}) {
    std::vector<SampledAxis> axes;
    std::size_t all = 1;
    for (const std::size_t size : sizes) {
      axes.push_back(list_of(size));
      all *= size;
    }
    for (std::size_t count = 1; count <= all; ++count) {
      const auto points = latin_hypercube(axes, count, 1);
      ASSERT_EQ(points.size(), count);
      EXPECT_TRUE(all_differ(points)) << count;
      EXPECT_TRUE(std::ranges::is_sorted(points));
      for (std::size_t a = 0; a < sizes.size(); ++a) {
        std::vector<std::size_t> times(sizes[a]);
        for (const DrawnPoint& point : points)
          ++times.at(point[a]);
        const auto [fewest, most] = std::ranges::minmax(times);
        EXPECT_LE(most - fewest, 1u) << count << " of " << all << ", axis " << a;
      }
    }
  }
}

TEST(Sampling, random_points_differ_too_whether_few_or_nearly_all_are_drawn) {
  for (std::size_t count = 1; count <= 48; ++count) {
    const auto points = random_points({list_of(4), list_of(4), list_of(3)}, count, 7);
    EXPECT_EQ(points.size(), count);
    EXPECT_TRUE(all_differ(points));
  }
}

TEST(Sampling, axes_do_not_follow_each_other) {
  SampledAxis range = list_of(60);
  range.is_range = true;
  for (const auto draw : {latin_hypercube, random_points}) {
    double together = 0;
    for (const DrawnPoint& point : draw({range, range}, 60, 1))
      together += (double(point[0]) - 29.5) * (double(point[1]) - 29.5);
    EXPECT_LT(std::abs(together / 60 / 299.9), 0.3); // the correlation; 60 pairs by chance: 0.13
  }
}

TEST(Sampling, ranges_whose_values_come_out_alike_give_different_points_or_none) {
  SampledAxis coarse; // 60 strata, 6 values
  coarse.is_range = true;
  for (std::size_t i = 0; i < 60; ++i)
    coarse.value_of.push_back(i / 10);
  EXPECT_TRUE(all_differ(latin_hypercube({coarse, coarse, coarse}, 60, 1)));
  EXPECT_EQ(latin_hypercube({coarse, coarse, coarse}, 60, 1).size(), 60u);
  EXPECT_TRUE(latin_hypercube({coarse}, 60, 1).empty());
  EXPECT_TRUE(random_points({coarse}, 60, 1).empty());
}

std::string sampled(const std::string& keys) {
  return "[sweep]\naxes = { \"kernel.test_count\" = [1, 2, 3, 4], \"kernel.test_policy\" = [\"tardy\", "
         "\"hasty\"], "
         "\"kernel.test_bits\" = [0, 8, 16] }\n" +
         keys;
}

std::vector<std::vector<Value>> values_of(const SweepPlan& plan) {
  std::vector<std::vector<Value>> values;
  for (const SweepPoint& point : plan.points())
    values.push_back(point.values);
  return values;
}

TEST(SampledSweep, has_that_many_points_numbered_in_the_order_of_the_product_and_again_the_same) {
  const TestFolder folder;
  const std::string file = folder.write("s.toml", sampled("sample = 10\n"));
  const SweepPlan plan = load_sweep(file, {}), again = load_sweep(file, {}),
                  other = load_sweep(file, {"sweep.sample_seed=2"}),
                  random = load_sweep(file, {"sweep.sampling=random"}),
                  all = load_sweep(file, {"sweep.sample=24"});
  ASSERT_EQ(plan.size(), 10u);
  for (std::size_t i = 0; i < 10; ++i)
    EXPECT_EQ(plan.points()[i].index, i);
  EXPECT_EQ(values_of(plan), values_of(again));
  EXPECT_EQ(sweep_hash(plan), sweep_hash(again));
  EXPECT_NE(values_of(plan), values_of(other));
  EXPECT_NE(values_of(plan), values_of(random));
  EXPECT_NE(sweep_hash(plan), sweep_hash(other));

  const auto product = values_of(all); // of which the sample is a part, in its order
  ASSERT_EQ(product.size(), 24u);
  auto place = product.begin();
  for (const auto& values : values_of(plan))
    ASSERT_NE(place = std::find(place, product.end(), values), product.end());
  EXPECT_EQ(value_at<std::int64_t>(plan.configuration(plan.points()[9]), "kernel.test_count"), 4);
}

TEST(SampledSweep, of_more_points_than_there_are_is_the_whole_product_and_says_so) {
  const TestFolder folder;
  const SweepPlan plan = load_sweep(folder.write("s.toml", sampled("sample = 200\n")), {});
  EXPECT_EQ(plan.size(), 24u);
  EXPECT_THAT(plan.notes, ElementsAre(AllOf(HasSubstr("only 24 points"), HasSubstr("200"))));
  EXPECT_FALSE(plan.sampling);
}

TEST(SampledSweep, may_draw_from_ranges) {
  const TestFolder folder;
  const std::string file =
      folder.write("s.toml", "[sweep]\nsample = 40\n[sweep.axes]\n"
                             "machine.test.delay = { from = \"100 ns\", to = \"10 us\", scale = \"log\" }\n"
                             "machine.test.memory = { from = \"1 GiB\", to = \"3 GiB\" }\n"
                             "machine.test.bandwidth = { from = \"0.5 GiB/s\", to = \"2 GiB/s\" }\n"
                             "kernel.test_share = { from = 0.25, to = 0.75 }\n"
                             "kernel.test_count = { from = 1, to = 8 }\n");
  const SweepPlan plan = load_sweep(file, {});
  ASSERT_EQ(plan.size(), 40u);
  EXPECT_EQ(plan.axes[4].values.size(), 8u) << "a short range of whole numbers is a list";
  int below_1_us = 0;
  for (const Value& value : plan.axes[0].values) {
    const Duration delay = parse_duration(std::get<std::string>(value));
    EXPECT_TRUE(Duration(100'000) <= delay && delay <= Duration(10'000'000));
    below_1_us += delay < Duration(1'000'000);
  }
  EXPECT_EQ(below_1_us, 20) << "half of the points in each decade";
  EXPECT_THAT(plan.points().front().values[0], Value(plan.axes[0].values.front())) << "ascending";
  for (const Value& value : plan.axes[1].values)
    EXPECT_EQ(parse_bytes(std::get<std::string>(value)).value() % (16 << 20), 0u) << "sizes read well";
  for (const Value& value : plan.axes[2].values)
    EXPECT_THAT(std::get<std::string>(value), HasSubstr(" GiB/s"));
  EXPECT_EQ(load_sweep(file, {"machine.test.delay=7 ns"}).axes[0].values, std::vector<Value>{"7 ns"});
  EXPECT_EQ(values_of(load_sweep(file, {"sweep.sampling=random"})).size(), 40u);
}

TEST(SampledSweep, bad_input_is_refused_with_its_place) {
  const TestFolder folder;
  const auto error_in = [&](const std::string& text) {
    const std::string file = folder.write("s.toml", text);
    const std::string error = error_of([&] { load_sweep(file, {}); });
    EXPECT_THAT(error, StartsWith(file)) << text;
    return error.substr(std::min(error.size(), file.size()));
  };
  EXPECT_THAT(error_in("[sweep]\nsample = 3\n"), StartsWith(":2:1: sweep.sample needs sweep.axes"));
  EXPECT_THAT(error_in(sampled("sample = 0\n")), StartsWith(":3:1: sweep.sample: 0 is too small"));
  EXPECT_THAT(error_in(sampled("sample = -1\n")), HasSubstr("at least 1"));
  EXPECT_THAT(error_in(sampled("sample = 1.5\n")), HasSubstr("whole number"));
  EXPECT_THAT(error_in(sampled("sample = [1, 2]\n")), HasSubstr("not a list"));
  EXPECT_THAT(error_in(sampled("sample = 2000000\n")), HasSubstr("1000000"));
  EXPECT_THAT(error_in(sampled("sample = 3\nsampling = \"randum\"\n")),
              AllOf(StartsWith(":4:1: "), HasSubstr("did you mean \"random\"?")));
  EXPECT_THAT(error_in(sampled("sample_seed = 3\n")), HasSubstr("only with sweep.sample"));
  EXPECT_THAT(error_in(sampled("sampel = 3\n")), HasSubstr("did you mean \"sweep.sample\"?"));
  const auto range = [&](const std::string& axis, const std::string& keys = "sample = 5\n") {
    return error_in("[sweep]\n" + keys + "[sweep.axes]\n" + axis + "\n");
  };
  EXPECT_THAT(range("kernel.test_count = { from = 1, to = 8 }", ""),
              AllOf(StartsWith(":3:"), HasSubstr("needs sweep.sample")));
  EXPECT_THAT(range("kernel.test_count = { from = 1 }"), HasSubstr("both ends"));
  EXPECT_THAT(range("kernel.test_count = { from = 8, to = 1 }"), HasSubstr("empty"));
  EXPECT_THAT(range("kernel.test_count = { from = 1.5, to = 8 }"), HasSubstr("1.5 is not a whole number"));
  EXPECT_THAT(range("kernel.test_count = { from = 0, to = 8 }", "sample = 9\n"),
              HasSubstr("kernel.test_count: 0 is too small"));
  EXPECT_THAT(range("kernel.test_count = { from = 1, to = 8, scale = \"liner\" }"), HasSubstr("\"linear\"?"));
  EXPECT_THAT(range("kernel.test_count = { from = 1, too = 8 }"), HasSubstr("did you mean \"to\"?"));
  EXPECT_THAT(range("kernel.test_share = { from = 0, to = 1, scale = \"log\" }"), HasSubstr("above 0"));
  EXPECT_THAT(range("kernel.test_policy = { from = \"a\", to = \"b\" }"), HasSubstr("a name has no range"));
  EXPECT_THAT(range("kernel.base = { from = 5.10, to = 6.1 }"), HasSubstr("a name has no range"));
  EXPECT_THAT(range("machine.test.delay = { from = 80, to = 90 }"), HasSubstr("no unit"));
  EXPECT_THAT(range("machine.test.delay = { from = \"8 cycles\", to = \"90 ns\" }"), HasSubstr("same unit"));
  EXPECT_THAT(range("machine.test.delay = { from = \"1 ps\", to = \"3 ps\" }"),
              HasSubstr("too few different"));
}

// --- seeds

TEST(SeedRule, bad_input_is_refused_with_its_place) {
  const TestFolder folder;
  const auto error_in = [&](const std::string& keys) {
    const std::string file = folder.write("s.toml", "[sweep]\n" + keys);
    const std::string error = error_of([&] { load_sweep(file, {}); });
    EXPECT_THAT(error, StartsWith(file)) << keys;
    return error.substr(std::min(error.size(), file.size()));
  };
  for (const std::string ci : {"0", "1", "-0.1", "1.5", "\"5 %\"", "nan"})
    EXPECT_THAT(error_in("ci = " + ci + "\n"), StartsWith(":2:1: sweep.ci: ")) << ci;
  EXPECT_THAT(error_in("ci = 0.1\nmax_seeds = 4\nseeds = 5\n"),
              StartsWith(":3:1: sweep.max_seeds: 4 is less than sweep.seeds = 5"));
  EXPECT_THAT(error_in("ci = 0.1\nmax_seeds = 1\n"),
              HasSubstr("1 is less than sweep.seeds = 2, which is the default with sweep.ci"));
  EXPECT_THAT(error_in("ci = 0.1\nseeds = 30\n"), HasSubstr("20 (this is the default) is less"));
  EXPECT_THAT(error_in("ci = 0.1\nseeds = 1\n"), AllOf(StartsWith(":3:1: "), HasSubstr("at least 2")));
  EXPECT_THAT(error_in("max_seeds = 4\n"), StartsWith(":2:1: sweep.max_seeds is of use only with sweep.ci"));
  EXPECT_THAT(error_in("ci_operations = [\"munmap\"]\n"), HasSubstr("only with sweep.ci"));
  EXPECT_THAT(error_in("ci = 0.1\nci_operations = []\n"), HasSubstr("empty"));
  EXPECT_THAT(error_in("ci = 0.1\nci_operations = [1]\n"), HasSubstr("no name"));
  const std::string file = folder.write("s.toml", "[sweep]\nci = 0.1\n");
  EXPECT_EQ(load_sweep(file, {}).seeds, 2);
  EXPECT_THAT(error_of([&] { load_sweep(file, {"sweep.ic=1"}); }), HasSubstr("did you mean \"sweep.ci\"?"));
}

/// Operations of 1 us, give or take `spread` by chance, another one that never completes, and on
/// every third seed 4 of a rare one.
PointResult fake_run(std::uint64_t seed, Duration spread) {
  const Instant begin{Duration(1'000'000)};
  OperationRecorder recorder({begin, begin + Duration(1'000'000'000)});
  const OperationId munmap = recorder.register_operation("munmap");
  recorder.register_operation("mmap");
  const OperationId rare = recorder.register_operation("rare");
  Ledger ledger(begin);
  RandomStream random(seed, "fake");
  for (int i = 0; i < 60; ++i) {
    const Instant began = ledger.booked_until();
    const OperationStart start = OperationRecorder::begin(ledger, began);
    const Instant ended = began + Duration(1'000'000) + random.below(spread);
    ledger.book(Account::work, ended);
    recorder.end(seed % 3 == 0 && i % 15 == 0 ? rare : munmap, start, ledger, ended);
  }
  PointResult result;
  result.seed = seed;
  result.measured = recorder.measured();
  result.host_seconds = 0.5;
  result.operations = recorder.results();
  return result;
}

/// A sweep over four points, from exact ones to ones that are all chance.
class SeedsOfASweep : public ::testing::Test {
 protected:
  static PointResult run_fake(const Configuration& configuration) {
    const auto seed = std::uint64_t(value_at<std::int64_t>(configuration, "run.seed"));
    const std::int64_t cpus = value_at<std::int64_t>(configuration, "run.cpus");
    return fake_run(seed, Duration(cpus == 1 ? 0 : cpus == 4 ? 20'000'000 : 400'000 * cpus));
  }
  SweepPlan plan_with(const std::string& keys) const {
    return load_sweep(
        folder_.write("s.toml", "[machine]\nbase = \"cortex-a72-4\"\n[scenario]\nname = \"munmap\"\n"
                                "[sweep]\naxes = { \"run.cpus\" = [1, 2, 3, 4] }\n" +
                                    keys),
        {});
  }
  SweepOutcome run(const SweepPlan& plan, const std::string& out, unsigned processes,
                   const PointRunner& runner = run_fake) const {
    SweepDirectory directory(folder_ / out, sweep_hash(plan), "build");
    return run_sweep(plan, directory, processes, runner);
  }
  static std::vector<std::size_t> seeds_in(const SweepOutcome& outcome) {
    std::vector<std::size_t> seeds;
    for (const ResultTables::Point& point : outcome.tables.points)
      seeds.push_back(point.seeds.size());
    return seeds;
  }
  static std::string bytes_of(const SweepPlan& plan, const SweepOutcome& outcome) {
    std::string bytes = manifest_json(plan, outcome.tables, {"mmsim sweep", "hash"});
    for (const ResultFile& file : table_files(outcome.tables))
      bytes += file.contents;
    return bytes;
  }
  const TestFolder folder_;
};

TEST_F(SeedsOfASweep, are_added_until_the_interval_is_narrow_enough_or_there_are_max_seeds) {
  const SweepPlan plan = plan_with("ci = 0.03\nmax_seeds = 6\nci_operations = [\"munmap\"]\n");
  const SweepOutcome outcome = run(plan, "out", 2);
  const auto seeds = seeds_in(outcome);
  EXPECT_EQ(seeds.front(), 2u) << "known exactly";
  EXPECT_EQ(seeds.back(), 6u) << "too much chance";
  EXPECT_EQ(outcome.total, seeds[0] + seeds[1] + seeds[2] + seeds[3]);
  for (const ResultTables::Point& point : outcome.tables.points) { // no seed too few and none too many
    const std::span<const PointResult> all(point.seeds);
    EXPECT_TRUE(all.size() == 6 || reached_interval(*plan.seed_rule, all).within(0.03));
    for (std::size_t fewer = 2; fewer < all.size(); ++fewer)
      EXPECT_FALSE(reached_interval(*plan.seed_rule, all.first(fewer)).within(0.03)) << point.point;
  }
  const auto warning = unreached_warning(plan, outcome.tables);
  ASSERT_TRUE(warning);
  EXPECT_THAT(*warning,
              AllOf(HasSubstr(" of 4 points did not reach sweep.ci = 0.03 with sweep.max_seeds = 6"),
                    HasSubstr("point 3 (run.cpus=4)"), HasSubstr("for munmap")));
  const auto manifest = nlohmann::json::parse(manifest_json(plan, outcome.tables, {"", ""}));
  EXPECT_EQ(manifest.at("seeds"), 2);
  EXPECT_EQ(manifest.at("ci").at("bound"), 0.03);
  EXPECT_EQ(manifest.at("points").at(3).at("seeds"), 6);
  EXPECT_EQ(manifest.at("points").at(0).at("ci95"), 0.0);
  EXPECT_GT(manifest.at("points").at(3).at("ci95"), 0.03);
  EXPECT_EQ(manifest.at("points").at(3).at("ci95_operation"), "munmap");
}

TEST_F(SeedsOfASweep, are_those_of_a_plain_sweep_without_the_rule) {
  const SweepPlan plan = plan_with("seeds = 3\n");
  const SweepOutcome outcome = run(plan, "out", 2);
  EXPECT_THAT(seeds_in(outcome), ElementsAre(3, 3, 3, 3));
  EXPECT_FALSE(unreached_warning(plan, outcome.tables));
  EXPECT_FALSE(nlohmann::json::parse(manifest_json(plan, outcome.tables, {"", ""})).contains("ci"));
}

TEST_F(SeedsOfASweep, count_every_operation_that_completed_unless_some_are_named) {
  const SweepOutcome all = run(plan_with("ci = 0.1\nmax_seeds = 4\nseeds = 3\n"), "all", 2);
  EXPECT_EQ(seeds_in(all).front(), 3u)
      << "4 of `rare` on seed 3 agree to the picosecond; mmap never completed";
  const std::string file = folder_ / "s.toml";
  const SweepPlan wrong = plan_with("ci = 0.1\nci_operations = [\"munmapp\"]\n");
  EXPECT_THAT(error_of([&] { run(wrong, "wrong", 2); }),
              AllOf(StartsWith(file + ":8:1: sweep.ci_operations"), HasSubstr("did you mean \"munmap\"?")));
  const SweepOutcome never =
      run(plan_with("ci = 0.1\nmax_seeds = 3\nci_operations = [\"mmap\"]\n"), "never", 2);
  EXPECT_THAT(seeds_in(never), ElementsAre(3, 3, 3, 3)) << "cannot be told";
}

TEST_F(SeedsOfASweep, and_all_bytes_are_the_same_whatever_j_and_however_often_it_was_stopped) {
  const SweepPlan plan = plan_with("ci = 0.04\nmax_seeds = 7\nci_operations = [\"munmap\"]\n");
  const std::string one = bytes_of(plan, run(plan, "one", 1));
  EXPECT_EQ(bytes_of(plan, run(plan, "three", 3)), one);

  // Each time that it is stopped, other runs have come to their end: here those of some seeds fail.
  for (const std::uint64_t first_to_fail : {4u, 2u, 1u}) {
    const std::string out = "stopped" + std::to_string(first_to_fail);
    run(plan, out, 2, [&](const Configuration& configuration) -> PointResult {
      if (std::uint64_t(value_at<std::int64_t>(configuration, "run.seed")) >= first_to_fail) std::abort();
      return run_fake(configuration);
    });
    const SweepOutcome whole = run(plan, out, 2);
    EXPECT_EQ(bytes_of(plan, whole), one) << out;
    EXPECT_EQ(run(plan, out, 2).kept, whole.total) << "nothing is left to do";
  }
}

TEST_F(SeedsOfASweep, do_not_grow_at_a_point_with_a_fault_or_violation) {
  const SweepPlan plan = plan_with("ci = 0.001\nmax_seeds = 5\n");
  const SweepOutcome outcome = run(plan, "out", 2, [](const Configuration& configuration) {
    PointResult result = run_fake(configuration);
    if (value_at<std::int64_t>(configuration, "run.cpus") == 4) result.status = PointStatus::violation;
    return result;
  });
  EXPECT_EQ(seeds_in(outcome).back(), 2u);
  EXPECT_EQ(seeds_in(outcome)[1], 5u);
}

TEST(Progress, counts_what_is_at_least_to_do_if_more_may_be_added) {
  Progress progress(Terminal{true, false, 100}, 8, 2, 60, 2, true);
  EXPECT_THAT(progress.line(), HasSubstr("2 of at least 8 runs"));
  progress.finished(10, 4, true);
  progress.added(10);
  EXPECT_THAT(progress.line(), AllOf(HasSubstr("3 of at least 9 runs"), HasSubstr("ETA at least 12.0 s")));
}

// --- the host's time

TEST(HostTime, of_a_run_lies_between_those_of_its_neighbours) {
  const std::vector<TimedRun> timed{{1, 2}, {1, 4}, {5, 11}};
  EXPECT_DOUBLE_EQ(expected_seconds(1, timed), 3);
  EXPECT_DOUBLE_EQ(expected_seconds(3, timed), 7);
  EXPECT_DOUBLE_EQ(expected_seconds(0.5, timed), 1.5);
  EXPECT_DOUBLE_EQ(expected_seconds(10, timed), 22);
}

TEST(HostTime, is_that_of_the_process_that_ends_last) {
  EXPECT_DOUBLE_EQ(seconds_on(2, {1, 1, 4, 2}), 4);
  EXPECT_DOUBLE_EQ(seconds_on(1, {1, 1, 4, 2}), 8);
  EXPECT_DOUBLE_EQ(seconds_on(64, {3, 1}), 3);
  EXPECT_DOUBLE_EQ(seconds_on(2, {}), 0);
}

TEST(HostTime, has_a_range_if_seeds_may_be_added_and_believes_a_points_own_runs) {
  const std::vector<PointToRun> points{{1, 2, 5, {}}, {1, 1, 1, 10.0}, {4, 0, 0, {}}};
  const HostTime time = host_time(points, std::vector<TimedRun>{{1, 1}}, 1);
  EXPECT_DOUBLE_EQ(time.least, 12);
  EXPECT_DOUBLE_EQ(time.most, 15);
  EXPECT_EQ(readable_host_time(time), "about 12 s to 15 s");
  EXPECT_EQ(readable_host_time({39.8, 40.2}), "about 40 s");
  EXPECT_EQ(readable_host_time({0.1, 0.2}), "under a second");
  EXPECT_EQ(readable_host_time({200, 433}), "about 3 min 20 s to 7 min 10 s");
}

TEST(HostTime, of_a_short_run_is_set_up_and_a_part_of_the_rest) {
  EXPECT_DOUBLE_EQ(extrapolated_seconds(std::vector<ShortRun>{{0.25, 2}}), 8);
  EXPECT_DOUBLE_EQ(extrapolated_seconds(std::vector<ShortRun>{{0.125, 2}, {0.25, 3}}), 9) << "1 + 8";
  EXPECT_DOUBLE_EQ(extrapolated_seconds(std::vector<ShortRun>{{0.125, 3}, {0.25, 2}}), 2)
      << "noise, not negative";
}

TEST_F(SeedsOfASweep, a_probe_cuts_simulated_time_takes_few_points_and_tells_what_went_wrong) {
  const SweepPlan plan = plan_with("");
  const auto points = points_to_probe(plan, plan.points());
  ASSERT_EQ(points.size(), 3u);
  EXPECT_THAT(std::vector({points[0].index, points[1].index, points[2].index}), ElementsAre(0, 2, 3));
  const Configuration cut = cut_to(plan.configuration(points[0]), 0.25);
  EXPECT_EQ(value_at<std::string>(cut, "run.duration"), "2.5 ms"); // of 10 ms, the default
  EXPECT_EQ(value_at<std::string>(cut, "run.warmup"), "250 us");
  EXPECT_FALSE(cut.find("run.operations"));

  const HostProbe probe = probe_host(
      plan, points, 2, [](const Configuration&) { return fake_run(1, Duration(0)); },
      std::chrono::seconds(20));
  EXPECT_EQ(probe.failure, "");
  EXPECT_EQ(probe.timed.size(), 3u);
  EXPECT_FALSE(probe.at_least);
  const HostProbe failed = probe_host(
      plan, points, 2, [](const Configuration&) -> PointResult { throw std::runtime_error("no luck"); },
      std::chrono::seconds(20));
  EXPECT_TRUE(failed.timed.empty());
  EXPECT_EQ(failed.failure, "no luck");
  EXPECT_EQ(failed.wrong_input, "");
  const HostProbe wrong = probe_host(
      plan, points, 2,
      [](const Configuration&) -> PointResult { throw InputError("too many", {"s.toml:3:1"}); },
      std::chrono::seconds(20));
  EXPECT_EQ(wrong.wrong_input, "s.toml:3:1: too many");
  const SweepPlan misnamed = plan_with("ci = 0.1\nci_operations = [\"munmapp\"]\n");
  const HostProbe unknown = probe_host(
      misnamed, points, 2, [](const Configuration&) { return fake_run(1, Duration(0)); },
      std::chrono::seconds(20));
  EXPECT_THAT(unknown.wrong_input, HasSubstr("did you mean \"munmap\"?"));
}

TEST(DryRun, refuses_what_only_a_run_finds_wrong_unless_there_are_no_short_runs) {
  const TestFolder folder;
  const std::string file = folder.write("s.toml", small_sweep());
  const std::vector<std::string> words{"sweep", file,        "--dry-run", "--set", "scenario.readers=3",
                                       "--set", "run.cpus=1"};
  const Ended dry = mmsim_command(folder, words);
  EXPECT_EQ(dry.status, 2) << dry.err;
  EXPECT_THAT(dry.err, HasSubstr("mmsim: error: "));
  EXPECT_THAT(dry.err, HasSubstr("scenario.readers"));
  std::vector<std::string> unchecked = words;
  unchecked.push_back("--no-estimate");
  EXPECT_EQ(mmsim_command(folder, unchecked).status, 0);
}

TEST(DryRun, shows_points_and_time_and_writes_nothing) {
  const TestFolder folder;
  const std::string file = folder.write("s.toml", small_sweep());
  const Ended dry =
      mmsim_command(folder, {"sweep", file, "--dry-run", "-j", "1", "--set", "sweep.sample=3", "--set",
                             "sweep.ci=0.1", "--set", "sweep.max_seeds=4", "--set", "sweep.seeds=2"});
  EXPECT_EQ(dry.status, 0) << dry.err;
  EXPECT_THAT(dry.out,
              AllOf(HasSubstr("3 points, drawn by latin_hypercube with sample_seed 1, 2 to 4 seeds"),
                    HasSubstr(": 6 to 12 runs, into "), HasSubstr("6 to 12 runs to do: "),
                    HasSubstr(" with 1 process (probe of "), HasSubstr("; within a factor of 2 to 3)")));
  EXPECT_THAT(dry.err, HasSubstr("timing short runs of 3 points"));
  EXPECT_FALSE(std::filesystem::exists(folder / "results"));
  const Ended quick = mmsim_command(folder, {"sweep", file, "--dry-run", "--no-estimate"});
  EXPECT_THAT(quick.out, AllOf(HasSubstr("4 points, 1 seed: 4 runs"), Not(HasSubstr("to do"))));

  ASSERT_EQ(mmsim_command(folder, {"sweep", file, "-j", "2"}).status, 0);
  const auto before = tree_of(folder / "results");
  EXPECT_THAT(mmsim_command(folder, {"sweep", file, "--dry-run"}).out, HasSubstr("all 4 runs are finished"));
  EXPECT_EQ(tree_of(folder / "results"), before);
  std::filesystem::remove(folder / "results/s/points/3-1.json");
  const Ended rest = mmsim_command(folder, {"sweep", file, "--dry-run"});
  EXPECT_THAT(rest.out, AllOf(HasSubstr("1 run to do: "), HasSubstr("(from 3 runs finished before; ")));
}

} // namespace
} // namespace mmsim::sweep_plan_test
