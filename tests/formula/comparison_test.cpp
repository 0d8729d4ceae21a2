// How a simulated series is held against a published one: quantities, errors, steps, crossings, medians.

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/validation/case_result.hpp"
#include "cli/validation/comparison.hpp"
#include "cli/validation/publication.hpp"
#include "cli/validation/published_quantity.hpp"

namespace mmsim::validation::comparison_test {
namespace {

using namespace std::chrono_literals;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;

Case case_of(Compare compare, const std::vector<std::pair<int, double>>& published) {
  Case one;
  one.name = "a";
  one.topic = "t";
  one.source = "s";
  one.x = "CPUs";
  one.compare = compare;
  one.tolerance = compare == Compare::trend ? 0 : 0.25;
  for (const auto& [x, y] : published)
    one.points.push_back({.x = std::int64_t(x),
                          .label = std::to_string(x),
                          .y = y,
                          .calibrated = false,
                          .set = {},
                          .origin = {}});
  return one;
}

std::vector<Answer> answers_of(const std::vector<double>& values) {
  std::vector<Answer> answers;
  for (const double value : values)
    answers.push_back({value, {}});
  return answers;
}

std::vector<double> errors_of(const Outcome& outcome) {
  std::vector<double> errors;
  for (const Row& row : outcome.rows)
    errors.push_back(row.error.value_or(std::nan("")));
  return errors;
}

TEST(Comparison, the_median_of_an_even_number_is_the_mean_of_the_middle_two_and_p90_the_nearest_rank) {
  EXPECT_EQ(median_of({}), std::nullopt);
  EXPECT_EQ(median_of({3, 1, 2}), 2);
  EXPECT_EQ(median_of({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(p90_of({}), std::nullopt);
  EXPECT_EQ(p90_of({7}), 7);
  EXPECT_EQ(p90_of({10, 9, 8, 7, 6, 5, 4, 3, 2, 1}), 9);      // rank ceil(9)
  EXPECT_EQ(p90_of({11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}), 10); // rank ceil(9.9)
}

TEST(Comparison, an_absolute_case_is_judged_by_the_median_error_of_its_predicted_points) {
  Case one = case_of(Compare::absolute, {{1, 10}, {2, 20}, {4, 40}, {8, 80}});
  one.points[0].calibrated = true;
  const Outcome outcome = compare(one, answers_of({30, 18, 50, 160}));
  EXPECT_THAT(errors_of(outcome), ElementsAre(DoubleNear(2, 1e-12), DoubleNear(-0.1, 1e-12),
                                              DoubleNear(0.25, 1e-12), DoubleNear(1, 1e-12)));
  EXPECT_FALSE(outcome.rows[0].predicted);
  EXPECT_TRUE(outcome.rows[2].ok); // at the tolerance is within it
  EXPECT_FALSE(outcome.rows[3].ok);
  EXPECT_THAT(outcome.median, Optional(DoubleNear(0.25, 1e-12))); // the calibrated 2.0 is not in it
  EXPECT_THAT(outcome.p90, Optional(DoubleNear(1, 1e-12)));
  EXPECT_TRUE(outcome.ok);
  EXPECT_FALSE(compare(one, answers_of({10, 18, 51, 160})).ok);
}

TEST(Comparison, a_relative_case_divides_both_curves_by_their_value_at_the_base) {
  Case one = case_of(Compare::relative, {{1, 10}, {2, 15}, {4, 5}});
  one.base = Value(1.0); // the same x as 1
  const Outcome outcome = compare(one, answers_of({1000, 1500, 400}));
  EXPECT_THAT(errors_of(outcome),
              ElementsAre(DoubleNear(0, 1e-12), DoubleNear(0, 1e-12), DoubleNear(-0.2, 1e-12)));
  EXPECT_EQ(outcome.rows[2].published, 0.5);
  EXPECT_EQ(outcome.rows[2].simulated, 0.4);
  EXPECT_FALSE(outcome.rows[0].predicted) << "the base is 1 by definition";
  EXPECT_THAT(outcome.median, Optional(DoubleNear(0.1, 1e-12)));
}

TEST(Comparison, without_a_value_at_the_base_no_point_of_a_relative_case_has_one) {
  Case one = case_of(Compare::relative, {{1, 10}, {2, 15}});
  one.base = Value(std::int64_t(1));
  std::vector<Answer> answers = answers_of({0, 3});
  answers[0] = {std::nullopt, "seed 1 failed: no reason"};
  const Outcome outcome = compare(one, answers);
  EXPECT_EQ(outcome.rows[1].simulated, std::nullopt);
  EXPECT_THAT(outcome.rows[1].message, HasSubstr("base x = 1: seed 1 failed"));
  EXPECT_FALSE(outcome.ok);
}

TEST(Comparison, a_trend_asks_for_the_direction_of_large_published_steps_only) {
  const Case one = case_of(Compare::trend, {{1, 100}, {2, 105}, {4, 200}, {8, 150}});
  const Outcome right = compare(one, answers_of({7, 6, 7, 6.5}));
  EXPECT_TRUE(right.ok) << "the step of 5 % is not asked about";
  EXPECT_EQ(right.steps, 2u);
  EXPECT_EQ(right.median, std::nullopt) << "errors of a trend do not count";

  const Outcome wrong = compare(one, answers_of({7, 8, 9, 9}));
  EXPECT_FALSE(wrong.ok) << "staying is not going down";
  EXPECT_EQ(wrong.wrong_steps, 1u);
  EXPECT_TRUE(wrong.rows[0].ok && wrong.rows[1].ok && wrong.rows[2].ok);
  EXPECT_FALSE(wrong.rows[3].ok);
  EXPECT_THAT(wrong.rows[3].message, HasSubstr("from x = 4 to 8 the published value goes down"));
}

TEST(Comparison, a_step_of_a_trend_is_at_least_a_tenth_of_the_published_one) {
  const Case one = case_of(Compare::trend, {{1, 100}, {2, 150}}); // up by 50 %
  EXPECT_TRUE(compare(one, answers_of({1000, 1051})).ok);
  const Outcome hardly = compare(one, answers_of({1000, 1049}));
  EXPECT_FALSE(hardly.ok) << "4.9 % is no rise by half";
  EXPECT_THAT(hardly.rows[1].message, HasSubstr("hardly (1000 to 1049): by less than a tenth"));
  const Case from_zero = case_of(Compare::trend, {{1, 0}, {2, 150}});
  EXPECT_TRUE(compare(from_zero, answers_of({1000, 1001})).ok) << "of zero there is no part";
}

TEST(Comparison, a_step_of_a_trend_is_larger_than_what_seeds_make_of_it) {
  const Case one = case_of(Compare::trend, {{1, 100}, {2, 150}});
  std::vector<Answer> answers = answers_of({100, 120});
  answers[0].standard_error = 3;
  answers[1].standard_error = 4; // of the step: 5
  EXPECT_TRUE(compare(one, answers).ok);
  answers[1].value = 109;
  const Outcome noise = compare(one, answers);
  EXPECT_FALSE(noise.ok);
  EXPECT_THAT(noise.rows[1].message, HasSubstr("twice the standard error is 10"));
}

TEST(Comparison, the_worst_row_is_the_predicted_one_that_is_furthest_off) {
  Case one = case_of(Compare::absolute, {{1, 10}, {2, 10}, {4, 10}});
  one.points[0].calibrated = true;
  EXPECT_EQ(worst_row(one, compare(one, answers_of({90, 12, 6})))->x, "4");
  std::vector<Answer> answers = answers_of({90, 10, 6});
  answers[1] = {std::nullopt, "killed"};
  EXPECT_EQ(worst_row(one, compare(one, answers))->x, "2") << "no value is furthest";
  const Case trend = case_of(Compare::trend, {{1, 1}, {2, 2}});
  EXPECT_EQ(worst_row(trend, compare(trend, answers_of({1, 2}))), nullptr);
}

TEST(Comparison, a_step_to_a_calibrated_point_does_not_decide_a_trend) {
  Case one = case_of(Compare::trend, {{1, 1}, {2, 2}, {4, 4}});
  one.points[1].calibrated = true;
  const Outcome outcome = compare(one, answers_of({3, 2, 5}));
  EXPECT_FALSE(outcome.rows[1].ok);
  EXPECT_TRUE(outcome.ok);
  EXPECT_EQ(outcome.steps, 1u);
}

TEST(Comparison, a_step_counts_from_its_share_of_the_value_that_it_starts_from) {
  EXPECT_TRUE(is_step(10, 11, 0.1));
  EXPECT_FALSE(is_step(10, 10.9, 0.1));
  EXPECT_TRUE(is_step(-10, -11, 0.1));
  EXPECT_TRUE(is_step(0, 1e-9, 0.1));
  EXPECT_FALSE(is_step(0, 0, 0.1));
}

TEST(Comparison, a_change_is_the_last_value_as_a_multiple_of_the_first_whatever_lies_between) {
  const Case one = case_of(Compare::absolute, {{1, 10}, {2, 700}, {4, 40}});
  const auto change = compare(one, answers_of({100, 7, 300})).change;
  ASSERT_TRUE(change);
  EXPECT_EQ(change->from, "1");
  EXPECT_EQ(change->to, "4");
  EXPECT_EQ(change->published, 4);
  EXPECT_EQ(change->simulated, 3);
  EXPECT_THAT(change->error, Optional(DoubleNear(-0.25, 1e-12)));
  EXPECT_TRUE(change->predicted);
}

TEST(Comparison, a_change_is_the_same_for_every_kind_of_comparison) {
  const std::vector<Answer> answers = answers_of({2, 5});
  Case relative = case_of(Compare::relative, {{1, 10}, {2, 20}});
  relative.base = Value(std::int64_t(2));
  EXPECT_EQ(compare(relative, answers).change->simulated, 2.5) << "the base cancels out";
  EXPECT_EQ(compare(case_of(Compare::trend, {{1, 10}, {2, 20}}), answers).change->published, 2);
  Case crossover = case_of(Compare::crossover, {{1, 10}, {2, 20}});
  crossover.level = 15;
  const Outcome outcome = compare(crossover, answers_of({10, 20}));
  EXPECT_EQ(outcome.change->simulated, 2) << "of the points, not of the one row";
  EXPECT_EQ(outcome.steps, 1u);
  EXPECT_EQ(outcome.rows.size(), 1u);
}

TEST(Comparison, a_lone_point_and_ends_that_are_no_multiples_have_no_change) {
  const Outcome lone = compare(case_of(Compare::absolute, {{1, 10}}), answers_of({11}));
  EXPECT_FALSE(lone.change);
  EXPECT_EQ(lone.steps, 0u);
  EXPECT_FALSE(compare(case_of(Compare::trend, {{1, 0}, {2, 5}}), answers_of({1, 2})).change);
  EXPECT_FALSE(compare(case_of(Compare::trend, {{1, 5}, {2, 0}}), answers_of({2, 1})).change);
  EXPECT_FALSE(compare(case_of(Compare::absolute, {{1, -5}, {2, 25}}), answers_of({-1, 2})).change);
  EXPECT_EQ(compare(case_of(Compare::absolute, {{1, -5}, {2, -25}}), answers_of({-1, -2})).change->published,
            5);
}

TEST(Comparison, a_change_has_no_simulated_value_from_zero_or_from_a_run_that_failed) {
  const Case one = case_of(Compare::absolute, {{1, 10}, {2, 20}});
  EXPECT_EQ(compare(one, answers_of({0, 20})).change->simulated, std::nullopt);
  EXPECT_EQ(compare(one, answers_of({10, 0})).change->simulated, 0);
  EXPECT_EQ(compare(one, answers_of({10, 0})).change->error, -1);
  std::vector<Answer> answers = answers_of({10, 20});
  answers[1] = {std::nullopt, "killed"};
  EXPECT_EQ(compare(one, answers).change->simulated, std::nullopt);
  EXPECT_EQ(compare(one, answers).change->error, std::nullopt);
}

TEST(Comparison, a_change_between_two_given_points_is_no_prediction) {
  Case one = case_of(Compare::absolute, {{1, 10}, {2, 15}, {4, 20}});
  one.points[0].calibrated = true;
  EXPECT_TRUE(compare(one, answers_of({1, 2, 3})).change->predicted);
  one.points[2].calibrated = true;
  EXPECT_FALSE(compare(one, answers_of({1, 2, 3})).change->predicted);
}

TEST(Comparison, steps_of_an_absolute_case_are_counted_by_the_rule_of_trends_and_decide_nothing) {
  const Case one = case_of(Compare::absolute, {{1, 100}, {2, 105}, {4, 200}, {8, 150}});
  const Outcome outcome = compare(one, answers_of({110, 100, 190, 195}));
  EXPECT_EQ(outcome.steps, 2u) << "a step of 5 % is not asked about";
  EXPECT_EQ(outcome.wrong_steps, 1u);
  EXPECT_EQ(outcome.rows[1].step, std::nullopt);
  EXPECT_EQ(outcome.rows[2].step, true);
  EXPECT_EQ(outcome.rows[3].step, false);
  EXPECT_THAT(outcome.rows[3].message, HasSubstr("from x = 4 to 8 the published value goes down"));
  EXPECT_TRUE(outcome.ok) << "its median is";
  EXPECT_EQ(compare(one, answers_of({0, 0, 0, 0})).wrong_steps, 2u) << "staying at zero is no step";
}

TEST(Comparison, a_crossing_is_where_straight_lines_between_points_first_change_sides) {
  EXPECT_EQ(crossing({{0, 0}, {10, 2}}, 1), 5);
  EXPECT_EQ(crossing({{1, 3}, {2, 1}, {3, 3}}, 2), 1.5) << "the first of two";
  EXPECT_EQ(crossing({{1, 1}, {2, 1}, {4, 3}}, 1), std::nullopt)
      << "it starts on the level and never changes sides";
  EXPECT_EQ(crossing({{1, 0}, {2, 1}, {4, 3}}, 1), 2) << "through a point on the level";
  EXPECT_EQ(crossing({{1, 0}, {2, 1}, {4, 0}}, 1), std::nullopt) << "touched, not crossed";
}

TEST(Comparison, a_crossover_is_one_row_that_compares_the_places) {
  Case one = case_of(Compare::crossover, {{0, 0}, {10, 2}});
  one.level = 1;
  const Outcome outcome = compare(one, answers_of({0, 2.5}));
  ASSERT_EQ(outcome.rows.size(), 1u);
  EXPECT_EQ(outcome.rows[0].x, "crossing");
  EXPECT_EQ(outcome.rows[0].published, 5);
  EXPECT_EQ(outcome.rows[0].simulated, 4);
  EXPECT_THAT(outcome.rows[0].error, Optional(DoubleNear(-0.2, 1e-12)));
  EXPECT_TRUE(outcome.ok);

  const Outcome never = compare(one, answers_of({0, 0.9}));
  EXPECT_FALSE(never.ok);
  EXPECT_THAT(never.rows[0].message, HasSubstr("does not cross 1"));
}

TEST(Comparison, a_point_without_a_value_is_a_miss_that_no_median_forgets) {
  const Case one = case_of(Compare::absolute, {{1, 10}, {2, 20}, {4, 40}});
  std::vector<Answer> answers = answers_of({10, 0, 0});
  answers[1] = answers[2] = {std::nullopt, "seed 1 failed: killed"};
  const Outcome outcome = compare(one, answers);
  EXPECT_EQ(outcome.median, std::numeric_limits<double>::infinity());
  EXPECT_FALSE(outcome.ok);
  EXPECT_EQ(outcome.rows[1].message, "seed 1 failed: killed");
}

/// 4 operations of 10, 20, 30 and 40 ns in a window of 1 us, one of them begun before it.
PointResult run_of_four() {
  PointResult result;
  result.measured = 1us;
  OperationResult& operation = result.operations.emplace_back();
  operation.name = "fork";
  operation.completed = 5;
  for (const Duration each : {10ns, 20ns, 30ns, 40ns})
    operation.latency.record(each);
  operation.accounts[index(Account::work)] = 60ns;
  operation.accounts[index(Account::coherence)] = 40ns;
  result.counters.values[index(Counter::pgalloc)] = 10;
  result.counters.lock_classes.push_back({"zone->lock", {}});
  result.counters.lock_classes.back().stats.wait = 400ns;
  return result;
}

double value(Measure measure, const std::vector<std::string>& counters = {},
             const std::vector<Account>& accounts = {}) {
  CaseQuantity quantity;
  quantity.value = measure;
  quantity.operation = "fork";
  quantity.counters = counters;
  quantity.accounts = accounts;
  return value_of(quantity, run_of_four(), 2).value();
}

TEST(PublishedQuantity, each_is_its_formula) {
  EXPECT_DOUBLE_EQ(value(Measure::mean), 25);
  EXPECT_DOUBLE_EQ(value(Measure::max), 40);
  EXPECT_DOUBLE_EQ(value(Measure::per_second), 5e6);
  EXPECT_DOUBLE_EQ(value(Measure::interval), 400) << "two CPUs, five operations a microsecond";
  EXPECT_DOUBLE_EQ(value(Measure::account, {}, {Account::coherence}), 10);
  EXPECT_DOUBLE_EQ(value(Measure::account_share, {}, {Account::coherence}), 40);
  EXPECT_DOUBLE_EQ(value(Measure::account_share, {}, {Account::coherence, Account::work}), 100);
  EXPECT_DOUBLE_EQ(value(Measure::counter, {"pgalloc"}), 10);
  EXPECT_DOUBLE_EQ(value(Measure::counter, {"pgalloc", "lock_wait_ns.zone->lock"}), 410);
  EXPECT_DOUBLE_EQ(value(Measure::counter_per_second, {"pgalloc"}), 1e7);
  EXPECT_DOUBLE_EQ(value(Measure::counter_per_operation, {"pgalloc"}), 2);
  EXPECT_DOUBLE_EQ(value(Measure::counter_share, {"lock_wait_ns.zone->lock"}), 20)
      << "of two CPUs' microsecond";
}

TEST(PublishedQuantity, an_operation_that_the_run_does_not_have_is_refused_with_the_nearest) {
  CaseQuantity quantity;
  quantity.operation = "frok";
  quantity.operation_origin = {"a.toml", 30, 1};
  try {
    value_of(quantity, run_of_four(), 1);
    FAIL() << "not refused";
  } catch (const InputError& error) {
    EXPECT_EQ(std::string(error.what()),
              "a.toml:30:1: operation of [quantity]: the run has no operation \"frok\"; "
              "did you mean \"fork\"?");
  }
}

TEST(PublishedQuantity, nothing_completed_is_no_value) {
  PointResult result = run_of_four();
  result.operations[0] = {.name = "fork", .completed = 0, .latency = {}, .batches = {}, .accounts = {}};
  for (const Measure measure : {Measure::mean, Measure::p50, Measure::interval, Measure::account_share}) {
    CaseQuantity quantity;
    quantity.value = measure;
    quantity.operation = "fork";
    EXPECT_EQ(value_of(quantity, result, 1), std::nullopt) << int(measure);
  }
}

TEST(PublishedQuantity, two_runs_become_a_ratio_a_change_or_a_difference) {
  EXPECT_EQ(combined(Combine::none, 3, 0), 3);
  EXPECT_EQ(combined(Combine::ratio, 3, 2), 1.5);
  EXPECT_EQ(combined(Combine::change, 3, 2), 50);
  EXPECT_EQ(combined(Combine::difference, 3, 2), 1);
  EXPECT_EQ(combined(Combine::ratio, 3, 0), std::nullopt);
}

TEST(PublishedQuantity, lock_classes_that_a_run_does_not_have_are_known) {
  CaseQuantity quantity;
  quantity.counters = {"pgalloc", "lock_wait_ns.zone->lock", "lock_wait_ns.zone->lok"};
  EXPECT_THAT(unknown_counters(quantity, run_of_four()), ElementsAre("lock_wait_ns.zone->lok"));
}

TEST(ValidationSummary, it_counts_sources_and_errors_each_where_they_belong) {
  Case fresh = case_of(Compare::absolute, {{1, 10}, {2, 10}, {4, 10}});
  fresh.source = "A. Author, Book, 2014, raw data a/b";
  Case seen = case_of(Compare::absolute, {{1, 10}, {2, 10}});
  seen.source = "A. Author, Book: page 3";
  seen.seen_before = "as a test of issue 3";
  Case own = case_of(Compare::absolute, {{1, 10}});
  own.source = "the project's own measurements (references/host.csv): medians";
  Case trend = case_of(Compare::trend, {{1, 1}, {2, 2}});
  trend.source = "B. Other, Talk";
  const std::vector<CaseResult> results{{&fresh, "", compare(fresh, answers_of({10, 11, 11})), {}},
                                        {&seen, "", compare(seen, answers_of({13, 14})), {}},
                                        {&own, "", compare(own, answers_of({12})), {}},
                                        {&trend, "", compare(trend, answers_of({2, 1})), {}}};
  const Summary summary = summary_of(results);
  EXPECT_EQ(summary.cases, 4u);
  EXPECT_EQ(summary.sources, 3u);
  EXPECT_EQ(summary.predicted, 8u);
  EXPECT_EQ(summary.all.points, 6u);
  EXPECT_EQ(summary.all.ok, 2u);
  EXPECT_THAT(summary.all.median, Optional(DoubleNear(0.15, 1e-12)));
  EXPECT_THAT(summary.all.median_of_cases, Optional(DoubleNear(0.2, 1e-12))) << "of 10, 20 and 35 %";
  ASSERT_EQ(summary.groups.size(), 3u);
  EXPECT_EQ(summary.groups[0].title, "published, first run after the freeze");
  EXPECT_EQ(summary.groups[0].points, 3u);
  EXPECT_THAT(summary.groups[0].median, Optional(DoubleNear(0.1, 1e-12)));
  EXPECT_THAT(summary.groups[1].median, Optional(DoubleNear(0.35, 1e-12)));
  EXPECT_THAT(summary.groups[2].median, Optional(DoubleNear(0.2, 1e-12)));
  EXPECT_EQ(summary.trends, 1u);
  EXPECT_EQ(summary.trends_ok, 0u);
  EXPECT_EQ(summary.topics.size(), 1u);
  // Changes: x1 as x1.1, x1 as 14/13, none, x2 as x0.5. Steps: the trend's.
  EXPECT_EQ(summary.changes, 3u);
  EXPECT_EQ(summary.changes_within, 2u);
  EXPECT_EQ(summary.steps, 1u);
  EXPECT_EQ(summary.wrong_steps, 1u);
}

TEST(ValidationSummary, a_source_is_one_however_its_parts_and_tags_are_written) {
  const std::string thesis = "A. T. Clements, The scalable commutativity rule";
  for (const char* more : {", PhD thesis, MIT 2014, raw data a", ": Designing scalable software, PhD thesis",
                           ",\nPhD thesis; raw data: b"})
    EXPECT_EQ(publication_of(thesis + more), thesis);
  EXPECT_EQ(publication_of("W. Long, [PATCH v8 15/19] locking/rwsem: Adaptive"), "W. Long, locking/rwsem");
  EXPECT_EQ(publication_of("W. Long, \"locking/rwsem: Adaptive\", 2019"), "W. Long, locking/rwsem");
}

TEST(ValidationSummary, a_fitted_number_counts_for_each_machine_and_value_and_a_published_one_once) {
  Case one = case_of(Compare::absolute, {{1, 10}, {2, 10}});
  one.free = {"machine.line.transfer"};
  one.points[0].calibrated = true;
  one.model.set("machine.base", "cortex-a72-4");
  one.model.set("machine.line.transfer", "20 ns");
  const Case again = one; // shares the point as well
  Case other_value = one, other_machine = one, other_point = one;
  other_value.model.set("machine.line.transfer", "30 ns");
  other_machine.model.set("machine.base", "neoverse-n1-80");
  other_point.points[0].y = 11;
  const auto count = [](const std::vector<const Case*>& cases) {
    const CalibrationCount counted = calibration_of(cases);
    return std::pair(counted.free, counted.calibrated);
  };
  EXPECT_EQ(count({&one}), std::pair(1ul, 1ul));
  EXPECT_EQ(count({&one, &again}), std::pair(1ul, 1ul));
  EXPECT_EQ(count({&one, &other_value}), std::pair(2ul, 1ul));
  EXPECT_EQ(count({&one, &other_machine}), std::pair(2ul, 1ul));
  EXPECT_EQ(count({&one, &other_point}), std::pair(1ul, 2ul));
}

} // namespace
} // namespace mmsim::validation::comparison_test
