// Do files, bases, --set and axes become the configuration that was meant, and are wrong ones refused with
// their place?
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/sweep_plan.hpp"
#include "tests/smoke/configuration_fixture.hpp"

namespace mmsim::tests::configuration_files_test {
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

namespace {

/// A folder of files that goes away with the test.
class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() / ("mmsim-configuration-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string write(const std::string& name, const std::string& text) const {
    const auto file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    return file.native();
  }
  std::string operator/(const std::string& name) const { return (path_ / name).native(); }

 private:
  std::filesystem::path path_;
};

} // namespace

TEST(ConfigurationFiles, nested_tables_and_dotted_keys_are_the_same_path_and_keep_their_place) {
  const Folder folder;
  const std::string file = folder.write("my.toml", "[machine]\n"
                                                   "test.delay = \"90 ns\"\n"
                                                   "test = { memory = \"1 GiB\" }\n");
  // TOML forbids extending an inline table, so one style a table:
  EXPECT_THAT(error_of([&] { load_configuration(file, {}); }), StartsWith(file + ":3:"));
  folder.write("my.toml", "[machine.test]\ndelay = \"90 ns\"\n[kernel]\n  test_count = 7\n");
  const Configuration configuration = load_configuration(file, {});
  EXPECT_EQ(value_at<std::string>(configuration, "machine.test.delay"), "90 ns");
  EXPECT_EQ(configuration.find("kernel.test_count")->origin, (Origin{file, 4, 3}));
}

TEST(ConfigurationFiles, base_files_are_found_and_overridden) {
  const Folder folder;
  folder.write("configs/machines/small.toml", "base = \"tiny\"\ntest.delay = \"10 ns\"\n");
  folder.write("configs/machines/tiny.toml",
               "test = { delay = \"5 ns\", memory = \"2 GiB\", bus = \"1 GHz\" }\n");
  folder.write("configs/kernels/5.10.toml", "test_count = 4\ntest_policy = \"tardy\"\n");
  const std::string file = folder.write("configs/sweeps/deep/my.toml", "[machine]\nbase = \"small\"\n"
                                                                       "test.bus = \"3 GHz\"\n"
                                                                       "[kernel]\nbase = \"5.10\"\n");
  const Configuration configuration = load_configuration(file, {"kernel.test_count=5"});
  EXPECT_EQ(value_at<std::string>(configuration, "machine.test.bus"), "3 GHz");    // the file
  EXPECT_EQ(value_at<std::string>(configuration, "machine.test.delay"), "10 ns");  // its base
  EXPECT_EQ(value_at<std::string>(configuration, "machine.test.memory"), "2 GiB"); // the base's base
  EXPECT_EQ(value_at<std::string>(configuration, "kernel.test_policy"), "tardy");
  EXPECT_EQ(value_at<std::int64_t>(configuration, "kernel.test_count"), 5); // --set
  EXPECT_EQ(value_at<std::string>(configuration, "machine.base"), "small");
  EXPECT_EQ(configuration.find("kernel.test_count")->origin.file, "--set");
  EXPECT_EQ(configuration.find("machine.test.memory")->origin.line, 1);
}

TEST(ConfigurationFiles, set_chooses_a_base_without_any_file) {
  const Folder folder;
  folder.write("mine/kernels/5.10.toml", "test_count = 4\n");
  setenv("MMSIM_CONFIGS", (folder / "mine").c_str(), 1);
  const Configuration configuration = load_configuration({}, {"kernel.base=5.10"});
  unsetenv("MMSIM_CONFIGS");
  EXPECT_EQ(value_at<std::int64_t>(configuration, "kernel.test_count"), 4);
}

TEST(ConfigurationFiles, a_base_may_be_the_path_of_a_file) {
  const Folder folder;
  folder.write("measured/here.toml", "base = \"../more/there.toml\"\ntest.delay = \"10 ns\"\n");
  const std::string there = folder.write("more/there.toml", "test.memory = \"2 GiB\"\n");
  const std::string file = folder.write("my.toml", "[machine]\nbase = \"measured/here.toml\"\n");
  const Configuration configuration = load_configuration(file, {});
  EXPECT_EQ(value_at<std::string>(configuration, "machine.test.delay"), "10 ns");
  EXPECT_EQ(value_at<std::string>(configuration, "machine.test.memory"), "2 GiB"); // relative to here.toml
  EXPECT_EQ(value_at<std::string>(load_configuration({}, {"machine.base=" + there}), "machine.test.memory"),
            "2 GiB");
  folder.write("my.toml", "[machine]\nbase = \"measured/her.toml\"\n");
  EXPECT_EQ(error_of([&] { load_configuration(file, {}); }),
            file + ":2:1: the machine base \"measured/her.toml\" is no file (" +
                (folder / "measured/her.toml") + " does not exist)");
}

// A slow core is slow at whatever is added to the cost book, too.
// Some files set single costs that were measured on that machine; one that sets most of them scales what was measured
// elsewhere, and a cost that it forgets is that of another machine.
TEST(ConfigurationFiles, a_machine_that_scales_kernel_work_scales_all_of_it) {
  int scaling = 0;
  for (const auto& file : std::filesystem::directory_iterator(MMSIM_SOURCE_DIR "/configs/machines")) {
    const std::string machine = file.path().stem();
    const Configuration configuration = load_configuration({}, {"machine.base=" + machine});
    std::size_t set = 0;
    std::vector<std::string> forgotten;
    for (const ParameterInfo& parameter : ParameterCatalogue::instance().parameters())
      if (parameter.path.starts_with("machine.work.")) {
        if (configuration.find(parameter.path) != nullptr)
          ++set;
        else
          forgotten.push_back(parameter.path);
      }
    if (set <= forgotten.size()) continue;
    ++scaling;
    EXPECT_THAT(forgotten, testing::IsEmpty()) << machine;
  }
  EXPECT_GE(scaling, 3);
}

TEST(ConfigurationFiles, an_unknown_base_is_refused_with_the_nearest_file) {
  const Folder folder;
  folder.write("configs/machines/small-of-the-test.toml", "");
  const std::string file = folder.write("my.toml", "[machine]\nbase = \"smal-of-the-test\"\n");
  EXPECT_EQ(error_of([&] { load_configuration(file, {}); }),
            file + ":2:1: unknown machine base \"smal-of-the-test\"; did you mean \"small-of-the-test\"?");
  folder.write("my.toml", "[kernel]\nbase = 5.10\n");
  EXPECT_THAT(error_of([&] { load_configuration(file, {}); }), HasSubstr("not a name in quotes"));
}

TEST(ConfigurationFiles, a_base_that_is_based_on_itself_is_refused) {
  const Folder folder;
  folder.write("configs/machines/test-a.toml", "base = \"test-b\"\n");
  folder.write("configs/machines/test-b.toml", "base = \"test-a\"\n");
  const std::string file = folder.write("my.toml", "[machine]\nbase = \"test-a\"\n");
  EXPECT_THAT(error_of([&] { load_configuration(file, {}); }), HasSubstr("based on itself"));
}

TEST(ConfigurationFiles, wrong_files_are_refused_with_their_place) {
  const Folder folder;
  const auto error_in = [&](const std::string& text) {
    const std::string file = folder.write("my.toml", text);
    const std::string error = error_of([&] { load_configuration(file, {}); });
    EXPECT_THAT(error, StartsWith(file));
    return error.substr(file.size());
  };
  EXPECT_THAT(error_in("[machine\n"), StartsWith(":1:"));
  EXPECT_THAT(error_in("[kernel]\ntest_count = 1\ntest_count = 2\n"), StartsWith(":3:"));
  EXPECT_THAT(error_in("[kernel]\ntest.x = 1\n\"test.x\" = 2\n"), HasSubstr("twice"));
  EXPECT_THAT(error_in("[kernle]\n"),
              StartsWith(":1:2: unknown section \"kernle\"; did you mean \"kernel\"?"));
  EXPECT_THAT(error_in("kernel = 4\n"), HasSubstr("write [kernel]"));
  EXPECT_THAT(error_in("[kernel]\ntest_count = [1, 2]\n"), HasSubstr("axis of a sweep"));
  EXPECT_THAT(error_in("[kernel]\ntest_count = 2024-01-01\n"), HasSubstr("dates"));
  EXPECT_THAT(error_in("[kernel]\n\ntest_cuont = 1\n"),
              StartsWith(":3:1: unknown key \"kernel.test_cuont\""));
  EXPECT_THAT(error_in("[kernel]\ntest_count = 0\n"), StartsWith(":2:1: kernel.test_count: 0 is too small"));
  EXPECT_THAT(error_in("[sweep]\nseeds = 3\n"), HasSubstr("mmsim sweep"));
}

TEST(ConfigurationFiles, a_missing_file_is_refused_by_name) {
  const Folder folder;
  const std::string present = folder.write("present.toml", "");
  const std::string missing = folder / "presen.toml";
  EXPECT_THAT(error_of([&] { load_configuration(missing, {}); }),
              AllOf(StartsWith(missing + ": cannot be read: No such file"), HasSubstr(present)));
  EXPECT_THAT(error_of([&] { load_configuration(folder / "", {}); }), HasSubstr("directory"));
}

TEST(Overrides, values_are_toml_or_else_text) {
  EXPECT_EQ(parse_override("run.cpus=16").value, Value(16));
  EXPECT_EQ(parse_override(" run.cpus = 16 ").path, "run.cpus");
  EXPECT_EQ(parse_override("kernel.test_share=0.25").value, Value(0.25));
  EXPECT_EQ(parse_override("kernel.test_enabled=true").value, Value(true));
  EXPECT_EQ(parse_override("kernel.test_mode=processes").value, Value("processes"));
  EXPECT_EQ(parse_override("kernel.test_mode=\"processes\"").value, Value("processes"));
  EXPECT_EQ(parse_override("machine.test.delay=80 ns").value, Value("80 ns"));
  EXPECT_EQ(parse_override("kernel.base=5.10").value, Value("5.10"));
  EXPECT_EQ(parse_override("kernel.test_mode=true").value, Value("true"));
}

TEST(Overrides, wrong_ones_are_refused) {
  const auto error = [](const std::string& text) {
    return error_of([&] { load_configuration({}, {text}); });
  };
  EXPECT_THAT(error("run.cpus"), AllOf(StartsWith("--set: "), HasSubstr("PATH=VALUE")));
  EXPECT_THAT(error("run.cpus="), HasSubstr("PATH=VALUE"));
  EXPECT_THAT(error("cpus=4"), HasSubstr("PATH=VALUE"));
  EXPECT_THAT(error("kernle.test_count=4"), HasSubstr("did you mean \"kernel\"?"));
  EXPECT_THAT(error("kernel.test_cuont=4"),
              StartsWith("--set: unknown key \"kernel.test_cuont\"; did you mean"));
  EXPECT_THAT(error("kernel.test_count=0"), StartsWith("--set: kernel.test_count: 0 is too small"));
  EXPECT_THAT(error("kernel.test_count=[1, 2]"), HasSubstr("list"));
  EXPECT_THAT(error("machine.test.delay=80"), HasSubstr("no unit"));
  EXPECT_THAT(error("sweep.seeds=3"), HasSubstr("mmsim sweep"));
}

TEST(Sweeps, points_are_the_product_of_the_axes_the_first_slowest) {
  const Folder folder;
  const std::string file = folder.write(
      "my.toml",
      "[kernel]\ntest_count = 8\n"
      "[sweep]\nseeds = 3\n"
      "axes = { \"kernel.test_policy\" = [\"tardy\", \"hasty\"], \"kernel.test_count\" = [1, 2] }\n");
  const SweepPlan plan = load_sweep(file, {"machine.test.delay=7 ns"});
  EXPECT_EQ(plan.seeds, 3);
  ASSERT_EQ(plan.axes.size(), 2u);
  EXPECT_EQ(plan.axes[0].path, "kernel.test_policy"); // as in the file, not in the alphabet
  const std::vector<SweepPoint> points = plan.points();
  ASSERT_EQ(points.size(), 4u);
  EXPECT_THAT(points[0].values, ElementsAre(Value("tardy"), Value(1)));
  EXPECT_THAT(points[1].values, ElementsAre(Value("tardy"), Value(2)));
  EXPECT_THAT(points[2].values, ElementsAre(Value("hasty"), Value(1)));
  EXPECT_EQ(points[3].index, 3u);
  const Configuration configuration = plan.configuration(points[2]);
  EXPECT_EQ(value_at<std::string>(configuration, "kernel.test_policy"), "hasty");
  EXPECT_EQ(value_at<std::int64_t>(configuration, "kernel.test_count"), 1);
  EXPECT_EQ(value_at<std::string>(configuration, "machine.test.delay"), "7 ns");
  EXPECT_EQ(value_at<std::int64_t>(plan.base(), "kernel.test_count"), 8);
}

TEST(Sweeps, axes_may_stand_in_a_table_of_their_own) {
  const Folder folder;
  const std::string file = folder.write("my.toml", "[sweep.axes]\nkernel.test_policy = [\"tardy\"]\n"
                                                   "kernel.test_count = [1, 2]\n");
  const SweepPlan plan = load_sweep(file, {});
  ASSERT_EQ(plan.axes.size(), 2u);
  EXPECT_EQ(plan.axes[0].path, "kernel.test_policy");
  EXPECT_EQ(plan.seeds, 1);
}

TEST(Sweeps, an_axis_may_choose_the_base) {
  const Folder folder;
  folder.write("configs/kernels/test-old.toml", "test_count = 2\n");
  folder.write("configs/kernels/test-new.toml", "test_count = 5\n");
  const std::string file =
      folder.write("my.toml", "[sweep]\naxes = { \"kernel.base\" = [\"test-old\", \"test-new\"] }\n");
  const SweepPlan plan = load_sweep(file, {});
  EXPECT_EQ(value_at<std::int64_t>(plan.configuration(plan.points()[0]), "kernel.test_count"), 2);
  EXPECT_EQ(value_at<std::int64_t>(plan.configuration(plan.points()[1]), "kernel.test_count"), 5);
}

TEST(Sweeps, set_wins_over_an_axis) {
  const Folder folder;
  const std::string file =
      folder.write("my.toml", "[sweep]\naxes = { \"kernel.test_count\" = [1, 2] }\nseeds = 2\n");
  const SweepPlan plan = load_sweep(file, {"kernel.test_count=4", "sweep.seeds=5"});
  ASSERT_EQ(plan.size(), 1u);
  EXPECT_THAT(plan.points()[0].values, ElementsAre(Value(4)));
  EXPECT_EQ(plan.seeds, 5);
}

TEST(Sweeps, wrong_ones_are_refused_with_their_place) {
  const Folder folder;
  const auto error_in = [&](const std::string& text) {
    const std::string file = folder.write("my.toml", text);
    const std::string error = error_of([&] { load_sweep(file, {}); });
    EXPECT_THAT(error, StartsWith(file));
    return error.substr(file.size());
  };
  EXPECT_THAT(error_in("[kernel]\n"), HasSubstr("no [sweep] section"));
  EXPECT_THAT(error_in("[sweep]\nseeds = 0\n"), StartsWith(":2:1: sweep.seeds: 0 is too small"));
  EXPECT_THAT(error_in("[sweep]\nseeds = 1.5\n"), HasSubstr("whole number"));
  EXPECT_THAT(error_in("[sweep]\nseed = 1\n"),
              StartsWith(":2:1: unknown key \"sweep.seed\"; did you mean \"sweep.seeds\"?"));
  EXPECT_THAT(error_in("[sweep]\naxes = 1\n"), HasSubstr("table"));
  EXPECT_THAT(error_in("[sweep]\naxes = { \"kernel.test_count\" = 1 }\n"), HasSubstr("list"));
  EXPECT_THAT(error_in("[sweep]\naxes = { \"kernel.test_count\" = [] }\n"), HasSubstr("list"));
  EXPECT_THAT(error_in("[sweep]\naxes = { \"kernel.test_count\" = [1, 1] }\n"), HasSubstr("twice"));
  EXPECT_THAT(error_in("[sweep]\naxes = { \"kernel.test_count\" = [[1]] }\n"), StartsWith(":2:33: "));
  EXPECT_THAT(error_in("[sweep]\naxes = { \"kernel.test_cuont\" = [1] }\n"),
              StartsWith(":2:10: unknown axis \"kernel.test_cuont\"; did you mean \"kernel.test_count\"?"));
  EXPECT_THAT(error_in("[sweep]\naxes = { \"kernel.test_count\" = [1, 0] }\n"),
              StartsWith(":2:36: kernel.test_count: 0 is too small"));
  EXPECT_THAT(error_in("[sweep]\naxes = { \"kernel.test_policy\" = [\"tardi\"] }\n"),
              HasSubstr("\"tardy\"?"));
  EXPECT_THAT(error_in("[scenario]\nname = \"fork\"\n[sweep]\naxes = { \"scenario.test_width\" = [1] }\n"),
              HasSubstr("did you mean"));
}

} // namespace mmsim::tests::configuration_files_test
