// Does a parameter get the value that its configuration says, and does every wrong one stop with a message
// that helps?
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/engine/nearest_name.hpp"
#include "tests/smoke/configuration_fixture.hpp"

namespace mmsim::tests::configuration_test {
using namespace mmsim::literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

namespace {

TestParameters read(const std::string& path, Value value) {
  Configuration configuration;
  configuration.set(path, std::move(value), {"my.toml", 3, 7});
  return read_parameters<TestParameters>(configuration);
}

std::string error_for(const std::string& path, const Value& value) {
  return error_of([&] { read(path, value); });
}

} // namespace

TEST(NearestName, is_the_one_with_the_fewest_edits) {
  const std::vector<std::string> names{"eager", "eager_all", "lazy", "broadcast"};
  EXPECT_EQ(nearest_name("lzay", names), "lazy");
  EXPECT_EQ(nearest_name("eagerall", names), "eager_all");
  EXPECT_EQ(nearest_name("LAZY", names), "lazy");
  EXPECT_EQ(nearest_name("x", {}), "");
  EXPECT_EQ(did_you_mean("brodcast", names), "; did you mean \"broadcast\"?");
  EXPECT_EQ(did_you_mean("x", {}), "");
}

TEST(Configuration, errors_say_file_line_and_column_where_there_are_any) {
  EXPECT_STREQ(InputError("bad", {"my.toml", 3, 7}).what(), "my.toml:3:7: bad");
  EXPECT_STREQ(InputError("bad", {"--set"}).what(), "--set: bad");
  EXPECT_STREQ(InputError("bad").what(), "bad");
}

TEST(Configuration, of_values_that_cannot_be_together_the_last_written_is_to_blame) {
  Configuration configuration;
  configuration.set("kernel.vma_lock", true, {"6.4.toml", 123, 1}, 2);
  configuration.set("kernel.vma_tree", "rbtree", {"--set"}, 0);
  configuration.set("kernel.vma_cache", "vmacache", {"my.toml", 3, 1}, 1);
  const auto last = [&](std::initializer_list<std::string_view> paths) {
    return to_text(configuration.last_written(paths));
  };
  EXPECT_EQ(last({"kernel.vma_lock", "kernel.vma_tree"}), "--set");
  EXPECT_EQ(last({"kernel.vma_tree", "kernel.vma_lock"}), "--set");
  EXPECT_EQ(last({"kernel.vma_lock", "kernel.vma_cache"}), "my.toml:3:1");
  EXPECT_EQ(last({"kernel.none", "kernel.vma_lock"}), "6.4.toml:123:1"); // what is not set is a default
  EXPECT_EQ(last({"kernel.none"}), "");
}

TEST(Configuration, values_print_as_toml) {
  EXPECT_EQ(to_text(Value(true)), "true");
  EXPECT_EQ(to_text(Value(16)), "16");
  EXPECT_EQ(to_text(Value(2.0)), "2.0");
  EXPECT_EQ(to_text(Value(0.1)), "0.1");
  EXPECT_EQ(to_text(Value("a \"b\"\n")), "\"a \\\"b\\\"\\n\"");
}

TEST(Parameters, defaults_hold_where_nothing_is_set) {
  const auto values = read_parameters<TestParameters>(Configuration{});
  EXPECT_EQ(values.delay, 80_ns);
  EXPECT_EQ(values.memory, Bytes(64ULL << 30));
  EXPECT_EQ(values.bus, Hertz(2'600'000'000));
  EXPECT_EQ(values.count, 3);
  EXPECT_EQ(values.share, 0.5);
  EXPECT_FALSE(values.enabled);
  EXPECT_EQ(values.policy, "hasty");
}

TEST(Parameters, set_values_are_converted_to_their_types) {
  EXPECT_EQ(read("machine.test.delay", "1.5 us").delay, 1500_ns);
  EXPECT_EQ(read("kernel.test_share", 1).share, 1.0);
  EXPECT_EQ(read("kernel.test_bits", 8).bits, 8);
  EXPECT_EQ(read("kernel.test_policy", "tardy").policy, "tardy");
}

TEST(Parameters, cycles_count_the_clock_of_the_machine) {
  Configuration configuration;
  configuration.set("machine.clock", "3 GHz");
  configuration.set("machine.test.delay", "12 cycles");
  EXPECT_EQ(read_parameters<TestParameters>(configuration).delay, 4_ns);
}

TEST(Parameters, a_wrong_type_is_refused_with_the_place_and_the_path) {
  EXPECT_THAT(error_for("machine.test.delay", 80),
              AllOf(StartsWith("my.toml:3:7: machine.test.delay: 80 has no unit"), HasSubstr("\"80 ns\"")));
  EXPECT_THAT(error_for("machine.test.delay", -80), HasSubstr("negative"));
  EXPECT_THAT(error_for("machine.test.delay", "80"),
              StartsWith("my.toml:3:7: machine.test.delay: \"80\" has no unit"));
  EXPECT_THAT(error_for("machine.test.delay", "-80 ns"), HasSubstr("negative"));
  EXPECT_THAT(error_for("machine.test.delay", true), HasSubstr("true is not a duration"));
  EXPECT_THAT(error_for("kernel.test_count", 2.5), HasSubstr("2.5 is not a whole number"));
  EXPECT_THAT(error_for("kernel.test_count", 2.0), HasSubstr("2.0 is not a whole number"));
  EXPECT_THAT(error_for("kernel.test_count", "2"), HasSubstr("without quotes"));
  EXPECT_THAT(error_for("kernel.test_share", "0.5"), HasSubstr("without quotes"));
  EXPECT_THAT(error_for("kernel.test_share", std::nan("")), HasSubstr("finite"));
  EXPECT_THAT(error_for("kernel.test_enabled", 1), HasSubstr("true or false"));
  EXPECT_THAT(error_for("kernel.test_mode", 1), HasSubstr("in quotes"));
}

TEST(Parameters, a_value_out_of_bounds_is_refused_with_the_bound) {
  EXPECT_EQ(error_for("kernel.test_count", 0),
            "my.toml:3:7: kernel.test_count: 0 is too small; at least 1 is needed");
  EXPECT_EQ(error_for("kernel.test_count", 9),
            "my.toml:3:7: kernel.test_count: 9 is too large; at most 8 is possible");
  EXPECT_EQ(error_for("machine.test.delay", "1.1 ms"),
            "my.toml:3:7: machine.test.delay: \"1.1 ms\" is too large; at most 1 ms is possible");
  EXPECT_THAT(error_for("machine.test.memory", "4 KiB"), HasSubstr("at least 1 MiB"));
  EXPECT_THAT(error_for("kernel.test_bits", 12), HasSubstr("write one of 0 8 16"));
}

TEST(Parameters, an_unknown_name_is_refused_with_the_nearest) {
  EXPECT_THAT(error_for("kernel.test_policy", "hastey"),
              AllOf(StartsWith("my.toml:3:7: kernel.test_policy: "), HasSubstr("did you mean \"hasty\"?")));
  EXPECT_THAT(error_for("kernel.test_mode", "thread"), HasSubstr("did you mean \"threads\"?"));
}

TEST(Parameters, a_required_value_that_is_missing_is_an_error) {
  struct Needy {
    std::int64_t value;
    static void declare(Declaration& d, Needy& n) {
      d("run.test_needed", n.value, required, "how many there are");
    }
  };
  EXPECT_THAT(error_of([] { read_parameters<Needy>(Configuration{}); }),
              HasSubstr("run.test_needed is not set"));
}

TEST(Parameters, an_unknown_key_is_refused_with_the_nearest) {
  Configuration configuration;
  configuration.set("kernel.test_polic", "hasty", {"my.toml", 5, 1});
  EXPECT_EQ(error_of([&] { check_keys(configuration); }),
            "my.toml:5:1: unknown key \"kernel.test_polic\"; did you mean \"kernel.test_policy\"?");
}

TEST(Parameters, a_scenario_has_its_own_keys) {
  Configuration configuration;
  configuration.set("scenario.test_depth", 3);
  EXPECT_THAT(error_of([&] { check_keys(configuration); }), HasSubstr("scenario.name"));
  configuration.set("scenario.name", "fork");
  EXPECT_NO_THROW(check_keys(configuration));
  configuration.set("scenario.name", "munmap");
  EXPECT_THAT(error_of([&] { check_keys(configuration); }),
              AllOf(HasSubstr("in the scenario \"munmap\""), HasSubstr("belongs to: fork")));
}

TEST(Parameters, the_catalogue_lists_everything_of_a_declaration) {
  const ParameterInfo* info = ParameterCatalogue::instance().find("machine.test.delay", "");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->type, "duration");
  EXPECT_EQ(info->unit, "ps ns us ms s cycles");
  EXPECT_EQ(info->default_text(), "\"80 ns\"");
  EXPECT_EQ(info->help, "a delay");
  EXPECT_EQ(info->source, "estimate: for tests");
  EXPECT_EQ(info->at_most, Value("1 ms"));
  EXPECT_THAT(ParameterCatalogue::instance().find("kernel.test_policy", "")->allowed_names(),
              ElementsAre("hasty", "tardy"));
  EXPECT_FALSE(ParameterCatalogue::instance().find("scenario.test_depth", "munmap"));
}

TEST(Parameters, a_path_declared_twice_is_a_fault_of_the_program) {
  EXPECT_THROW(DeclareParameters<TestParameters>{}, std::logic_error);
  EXPECT_THROW(DeclareParameters<TestParameters>{"fork"}, std::logic_error);
  EXPECT_THROW(DeclareParameters<ForkTestParameters>{}, std::logic_error);
}

TEST(Parameters, the_echo_has_every_default) {
  Configuration configuration;
  configuration.set("kernel.test_count", 5);
  const Configuration echo = with_defaults(configuration);
  EXPECT_EQ(value_at<std::int64_t>(echo, "kernel.test_count"), 5);
  EXPECT_EQ(value_at<std::string>(echo, "machine.test.delay"), "80 ns");
  EXPECT_EQ(echo.find("machine.test.delay")->origin.file, "default");
  EXPECT_FALSE(echo.find("scenario.test_depth"));
}

TEST(Parameters, every_declared_default_is_legal) {
  std::vector<std::string> scenarios{""};
  if (const AnyRegistry* registry = AnyRegistry::find("scenario.name"))
    for (const std::string& name : registry->names())
      scenarios.push_back(name);
  for (const std::string& scenario : scenarios) {
    Configuration configuration;
    if (!scenario.empty()) configuration.set("scenario.name", scenario);
    EXPECT_EQ(error_of([&] { check_configuration(configuration); }), "no error") << scenario;
  }
}

TEST(Registry, makes_what_is_named_and_lists_what_there_is) {
  const auto& registry = Registry<TestPolicy>::instance();
  EXPECT_EQ(registry.create("tardy", 42)->argument, 42);
  EXPECT_THAT(error_of([&] { registry.create("tardi", 1); }), HasSubstr("did you mean \"tardy\"?"));
  const AnyRegistry* erased = AnyRegistry::find("kernel.test_policy");
  ASSERT_TRUE(erased);
  EXPECT_THAT(erased->names(), ElementsAre("hasty", "tardy"));
  EXPECT_EQ(erased->entries()[1].notes, "what-if");
  EXPECT_THROW((Registered<TestPolicy>{"tardy", "again", make_policy}), std::logic_error);
}

} // namespace mmsim::tests::configuration_test
