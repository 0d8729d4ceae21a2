// The model beside published measurements: the cases of this folder, a test a topic. What a case is:
// README.md, "mmsim validate".

#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/toml_file.hpp"
#include "cli/validation/calibration_count.hpp"
#include "cli/validation/case_file.hpp"
#include "sim/engine/parameter.hpp"
#include "tests/smoke/command_fixture.hpp"

namespace mmsim::validation_test {
namespace {

/// Read loosely: what is wrong with a file is for a test to say, not for the list of tests.
std::vector<std::string> topics() {
  std::set<std::string> names;
  for (const auto& [name, path] : toml_file::toml_files(validation::reference_folder()))
    try {
      const toml::table table = toml_file::parse_file(path, path.native());
      names.insert(table["topic"].value_or(std::string("without_a_topic")));
    } catch (const InputError&) {
      names.insert("unreadable");
    }
  return {names.begin(), names.end()};
}

class Validation : public ::testing::TestWithParam<std::string> {};

TEST_P(Validation, every_case_is_frozen_and_is_ok_unless_its_file_says_why_it_misses) {
  const TestFolder folder;
  const Ended ended =
      mmsim_command(folder, {"validate", "--only", '^' + GetParam() + '$', "--points", "--out", "out"});
  std::printf("%s%s", ended.out.c_str(), ended.err.c_str());
  ASSERT_TRUE(ended.status == 0 || ended.status == 1) << ended.err;
  const auto cases = nlohmann::json::parse(contents_of(folder / "out/cases.json"));
  std::size_t seen = 0;
  for (const auto& each : cases) {
    const std::string name = each["case"];
    const bool misses = each["verdict"] == "miss", says_why = each["miss"] != "";
    if (misses)
      EXPECT_TRUE(says_why) << name << " misses: see above by how much; say why in its miss = \"...\"";
    else
      EXPECT_FALSE(says_why) << name << " is ok, but its file says why it misses: " << each["miss"];
    EXPECT_TRUE(each["frozen"].get<bool>()) << name << " is not frozen; its numbers are now those of hash "
                                            << each["hash"] << ": see mmsim validate --help";
    seen += each["topic"] == GetParam();
  }
  EXPECT_GT(seen, 0u);
}

INSTANTIATE_TEST_SUITE_P(Topic, Validation, ::testing::ValuesIn(topics()), [](const auto& info) {
  std::string name = info.param;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
});

TEST(ValidationCases, all_have_fewer_free_parameters_than_calibrated_points) {
  const auto cases = validation::read_cases(validation::reference_folder(), {});
  std::vector<const validation::Case*> all;
  for (const validation::Case& one : cases)
    all.push_back(&one);
  const validation::CalibrationCount count = validation::calibration_of(all);
  std::printf("%zu free parameters, %zu calibrated points\n", count.free, count.calibrated);
  EXPECT_LT(count.free, count.calibrated);
}

/// scenario.hold of the scenario "lock" is scenario.lock.hold in the file: others have a scenario.hold as
/// well.
std::string frozen_name(const ParameterInfo& info) {
  if (info.scenario.empty()) return info.path;
  return "scenario." + info.scenario + info.path.substr(info.path.find('.'));
}

TEST(FrozenNumbers, every_default_of_machine_kernel_run_and_scenarios_is_as_it_was_frozen) {
  const auto file = validation::reference_folder() / "cost_book" / "defaults.toml";
  std::map<std::string, std::string> frozen, now;
  toml_file::flatten(toml_file::parse_file(file, file.native()), "",
                     [&](const std::string& path, const toml::key&, const toml::node& node) {
                       const auto value = toml_file::scalar(node);
                       frozen[path] = value ? to_text(*value) : "no value";
                     });
  for (const ParameterInfo& each : ParameterCatalogue::instance().parameters())
    if (each.default_value) now[frozen_name(each)] = to_text(*each.default_value);
  const std::string advice = "; if that is meant, put it into tests/reference/cost_book/defaults.toml, with "
                             "when and why in a comment";
  for (const auto& [path, value] : now)
    if (!frozen.contains(path))
      ADD_FAILURE() << path << " is new: add the line\n"
                    << path << " = " << value << "\nto tests/reference/cost_book/defaults.toml";
    else
      EXPECT_EQ(value, frozen[path]) << "the default of " << path << " was frozen as " << frozen[path]
                                     << advice;
  for (const auto& [path, value] : frozen)
    EXPECT_TRUE(now.contains(path)) << path << " = " << value << " is no parameter any more" << advice;
}

} // namespace
} // namespace mmsim::validation_test
