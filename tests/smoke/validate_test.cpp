// mmsim validate: are case files read as they are meant, are wrong ones refused with their place and the
// nearest valid name, and is what comes out whole?

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/validation/case_file.hpp"
#include "cli/validation/frozen.hpp"
#include "cli/validation/run_cases.hpp"
#include "tests/smoke/command_fixture.hpp"
#include "tests/smoke/configuration_fixture.hpp"

namespace mmsim::validation::validate_test {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

/// A case of two short runs. Its line numbers are those of the messages below.
const std::string good = R"(title = "stores to one line"
topic = "cacheline"
source = "A. Author, Book: page 3"
machine = "a board"
unit = "cycles"
x = "CPUs"
compare = "absolute"
tolerance = 0.25
axis = "run.cpus"
points = [
  { x = 1, y = 40, calibrated = true },
  { x = 4, y = 200 },
]
free = ["machine.line.hit"]
frozen = { on = "2026-11-22", hash = "" }
[model]
machine.base = "cortex-a72-4"
kernel.base = "5.10"
scenario = { name = "lock", kind = "line", think = "20 ns", hold = "0 ns" }
run = { warmup = "20 us", duration = "50 us" }
[quantity]
value = "interval"
operation = "acquire"
)";

/// `text` with its first `from` replaced, which must be there.
std::string with(const std::string& from, const std::string& to, std::string text = good) {
  const auto place = text.find(from);
  if (place == std::string::npos) throw std::logic_error("no \"" + from + "\" in the case");
  return text.replace(place, from.size(), to);
}

struct WrongCase {
  std::string what, text, place;
  std::vector<std::string> message;
};

const std::vector<WrongCase> wrong_cases{
    {"an unknown key",
     with("unit =", "units ="),
     ":5:1",
     {"unknown key \"units\"", "did you mean \"unit\"?"}},
    {"an unknown key of a point", with("{ x = 4, y", "{ x = 4, yy"), ":12:12", {"did you mean \"y\"?"}},
    {"an unknown key of the quantity", good + "scael = 2\n", ":24:1", {"in [quantity]", "\"scale\""}},
    {"an unknown key of frozen", with("hash =", "hsh ="), ":15:31", {"did you mean \"hash\"?"}},
    {"no source", with("source = \"A. Author, Book: page 3\"\n", ""), "", {"source is missing"}},
    {"an empty source", with("A. Author, Book: page 3", " "), ":3:1", {"source is empty"}},
    {"a source that is no text", with("\"A. Author, Book: page 3\"", "3"), ":3:1", {"is no text", "quotes"}},
    {"no title", with("title = \"stores to one line\"\n", ""), "", {"title is missing"}},
    {"no topic", with("topic = \"cacheline\"\n", ""), "", {"topic is missing"}},
    {"no unit", with("unit = \"cycles\"\n", ""), "", {"unit is missing"}},
    {"no x", with("x = \"CPUs\"\n", ""), "", {"x is missing"}},
    {"seen before, without where", with("axis =", "seen_before = \"\"\naxis ="), ":9:1", {"why and where"}},
    {"no points", with("points = [", "rows = ["), ":10:1", {"rows is no list of texts"}},
    {"an empty list of points",
     with("{ x = 1, y = 40, calibrated = true },\n  { x = 4, y = 200 },", ""),
     ":10:1",
     {"points is empty"}},
    {"no predicted point", with("y = 200", "y = 200, calibrated = true"), ":10:1", {"no point is predicted"}},
    {"a point twice", with("x = 4", "x = 1.0"), ":12:3", {"twice", ":11:3"}},
    {"a y that is no number", with("y = 200", "y = \"200\""), ":12:12", {"y of a point", "number"}},
    {"a y that is not finite", with("y = 200", "y = nan"), ":12:12", {"finite"}},
    {"a y of zero", with("y = 200", "y = 0"), ":12:3", {"y is 0", "trend"}},
    {"no y", with("x = 4, y = 200", "x = 4"), ":12:3", {"y of a point is missing"}},
    {"two points that are the same run",
     with("axis = \"run.cpus\"\n", ""),
     ":11:3",
     {"sets nothing", "axis"}},
    {"an axis that is no path", with("\"run.cpus\"", "\"cpus\""), ":9:1", {"no path"}},
    {"an axis that no parameter has", with("run.cpus", "run.cpu"), ":11:3", {"did you mean \"run.cpus\"?"}},
    {"an axis of seeds", with("run.cpus", "run.seed"), ":9:1", {"run.seed"}},
    {"a set outside the sections",
     with("y = 200", "y = 200, set = { \"kernl.rmap\" = 1 }"),
     ":12:29",
     {"did you mean \"kernel\"?"}},
    {"more free than calibrated",
     with("calibrated = true", "calibrated = false"),
     ":14:1",
     {"1 parameter", "0 points are"}},
    {"a free path that is none",
     with("line.hit", "line.hitt"),
     ":14:1",
     {"did you mean \"machine.line.hit\"?"}},
    {"an unknown comparison", with("\"absolute\"", "\"absolut\""), ":7:1", {"did you mean \"absolute\"?"}},
    {"no tolerance", with("tolerance = 0.25\n", ""), "", {"tolerance is missing"}},
    {"a tolerance of zero", with("0.25", "0"), ":8:1", {"above 0 and below 1"}},
    {"a tolerance of one", with("0.25", "1"), ":8:1", {"above 0 and below 1"}},
    {"a tolerance of a trend", with("absolute", "trend"), ":8:1", {"not for a trend"}},
    {"no base", with("absolute", "relative"), "", {"base is missing"}},
    {"a base that is no x",
     with("compare = \"absolute\"", "base = 2\ncompare = \"relative\""),
     ":11:1",
     {"base = 2 is the x of no point"}},
    {"a base of an absolute case",
     with("axis =", "base = 1\naxis ="),
     ":9:1",
     {"only for compare = \"relative\""}},
    {"no level", with("absolute", "crossover"), "", {"level is missing"}},
    {"a level that is not crossed",
     with("compare = \"absolute\"", "level = 500\ncompare = \"crossover\""),
     ":11:1",
     {"does not cross the level 500"}},
    {"a trend without a step",
     with("y = 200", "y = 41", with("compare = \"absolute\"\ntolerance = 0.25", "compare = \"trend\"")),
     ":9:1",
     {"a trend needs a published step"}},
    {"too many seeds", with("axis =", "seeds = 1000\naxis ="), ":9:1", {"seeds is 1000"}},
    {"a day that is none", with("2026-11-22", "22.11.2026"), ":15:12", {"YYYY-MM-DD"}},
    {"a hash that is none", with("hash = \"\"", "hash = \"12\""), ":15:31", {"16 hex digits"}},
    {"a change without a reason",
     with("[model]", "changes = [{ on = \"2026-11-23\", hash = \"\" }]\n[model]"),
     ":16:12",
     {"why of changes is missing"}},
    {"no model", with("[model]", "[modl]"), ":16:2", {"did you mean \"model\"?"}},
    {"a section of the model that is none",
     with("scenario =", "scenaro ="),
     ":19:1",
     {"did you mean \"scenario\"?"}},
    {"a key that the model does not have",
     with("think =", "thnk ="),
     ":19:44",
     {"did you mean \"scenario.think\"?"}},
    {"a machine that is none",
     with("cortex-a72-4", "cortex-a73-4"),
     ":17:9",
     {"did you mean \"cortex-a72-4\"?"}},
    {"more cpus than cores", with("x = 4", "x = 5"), ":12:3", {"has 4 cores"}},
    {"a seed", with("warmup =", "seed = 3, warmup ="), ":20:9", {"run.seed is not for a case"}},
    {"no value", with("value = \"interval\"\n", ""), ":21:1", {"value of [quantity] is missing"}},
    {"an unknown value", with("\"interval\"", "\"intervall\""), ":22:1", {"did you mean \"interval\"?"}},
    {"no operation", with("operation = \"acquire\"\n", ""), ":21:1", {"operation of [quantity] is missing"}},
    {"accounts_that_nobody_asks_for",
     good + "accounts = [\"work\"]\n",
     ":24:1",
     {"not for the value \"interval\""}},
    {"no accounts", with("interval", "account"), ":21:1", {"accounts of [quantity] is missing"}},
    {"an unknown account",
     with("interval", "account") + "accounts = [\"coherenc\"]\n",
     ":24:1",
     {"did you mean \"coherence\"?"}},
    {"an unknown counter",
     with("interval", "counter_per_operation") + "counters = [\"pgalocc\"]\n",
     ":24:1",
     {"did you mean \"pgalloc\"?"}},
    {"a share of what is no time",
     with("value = \"interval\"\noperation = \"acquire\"",
          "value = \"counter_share\"\ncounters = [\"pgalloc\"]"),
     ":23:1",
     {"counts no time"}},
    {"a scale of zero", good + "scale = 0\n", ":24:1", {"scale"}},
    {"combine without a second run", good + "combine = \"ratio\"\n", ":24:1", {"[against]"}},
    {"a_second_run_without_combine",
     good + "[against]\nkernel.asid_bits = 0\n",
     ":21:1",
     {"combine", "is missing"}},
    {"an empty second run", good + "combine = \"ratio\"\n[against]\n", ":25:2", {"against is empty"}},
    {"a_key_of_the_second_run_that_is_none",
     good + "combine = \"ratio\"\n[against]\nkernel.asid_bit = 0\n",
     ":26:8",
     {"kernel.asid_bit", "did you mean"}},
};

// One test, since each is a process of its own in CI.
TEST(CaseFile, a_wrong_one_is_refused_in_one_line_with_its_place) {
  const TestFolder folder;
  for (const WrongCase& wrong : wrong_cases) {
    SCOPED_TRACE(wrong.what);
    const std::string file = folder.write("a.toml", wrong.text);
    const std::string message = error_of([&] { read_case(file); });
    EXPECT_THAT(message, StartsWith(file + wrong.place + ": "));
    EXPECT_THAT(message, Not(HasSubstr("\n")));
    for (const std::string& part : wrong.message)
      EXPECT_THAT(message, HasSubstr(part));
  }
}

TEST(CaseFile, a_right_one_is_read) {
  const TestFolder folder;
  const Case one = read_case(folder.write("stores.toml", good));
  EXPECT_EQ(one.name, "stores");
  EXPECT_EQ(one.compare, Compare::absolute);
  ASSERT_EQ(one.points.size(), 2u);
  EXPECT_TRUE(one.given(one.points[0]));
  EXPECT_FALSE(one.given(one.points[1]));
  const Configuration configuration = one.configuration(one.points[1], false);
  EXPECT_EQ(value_at<std::int64_t>(configuration, "run.cpus"), 4);
  EXPECT_EQ(value_at<std::string>(configuration, "scenario.think"), "20 ns");
  EXPECT_NE(configuration.find("machine.line.transfer"), nullptr) << "of the base file";
}

TEST(CaseFile, settings_of_a_point_are_stronger_than_those_of_the_second_run_and_those_than_the_model) {
  const TestFolder folder;
  const Case one = read_case(folder.write(
      "a.toml", with("y = 200", "y = 200, set = { \"scenario.think\" = \"1 ns\" }") +
                    "combine = \"ratio\"\n[against]\nscenario = { think = \"2 ns\", hold = \"3 ns\" }\n"));
  const auto think = [&](std::size_t point, bool of_against) {
    return value_at<std::string>(one.configuration(one.points[point], of_against), "scenario.think");
  };
  EXPECT_EQ(think(0, false), "20 ns");
  EXPECT_EQ(think(0, true), "2 ns");
  EXPECT_EQ(think(1, false), "1 ns");
  EXPECT_EQ(think(1, true), "1 ns");
  EXPECT_EQ(value_at<std::string>(one.configuration(one.points[1], true), "scenario.hold"), "3 ns");
}

TEST(FrozenCase, its_hash_follows_every_number_that_decides_its_verdict_and_no_text) {
  const TestFolder folder;
  const auto hash = [&](const std::string& text) {
    return case_hash(read_case(folder.write("a.toml", text)));
  };
  const std::string before = hash(good);
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"0.25", "0.3"},
           {"y = 40", "y = 41"},
           {"y = 200", "y = 201"},
           {"x = 4", "x = 3"},
           {"20 ns", "21 ns"},
           {"50 us", "51 us"},
           {"absolute\"", "relative\"\nbase = 1"},
           {"line.hit", "line.share"},
           {"cortex-a72-4\"", "cortex-a72-4\"\nmachine.line.dram = \"99 ns\""},
           {"axis =", "seeds = 2\naxis ="},
           {"\"interval\"", "\"mean\""},
           {"\"acquire\"", "\"acquire\"\nscale = 2"}})
    EXPECT_NE(hash(with(from, to)), before) << to;
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"stores to one line", "loads"},
                                                        {"page 3", "page 4"},
                                                        {"a board", "the board"},
                                                        {"axis =", "note = \"n\"\naxis ="},
                                                        {"axis =", "seen_before = \"issue 3\"\naxis ="}})
    EXPECT_EQ(hash(with(from, to)), before) << to;
}

TEST(FrozenCase, the_last_of_frozen_and_changes_has_to_be_the_hash) {
  const TestFolder folder;
  const std::string hash = case_hash(read_case(folder.write("a.toml", good)));
  const auto state = [&](const std::string& first, const std::string& changes) {
    return frozen_state(
        read_case(folder.write("a.toml", with("[model]", changes + "\n[model]",
                                              with("hash = \"\"", "hash = \"" + first + '"')))),
        hash);
  };
  const std::string other = "0123456789abcdef";
  const auto change = [](const std::string& to) {
    return "{ on = \"2026-11-23\", hash = \"" + to + "\", why = \"a slip\" }";
  };
  EXPECT_EQ(state("", ""), Frozen::not_yet);
  EXPECT_EQ(state(hash, ""), Frozen::yes);
  EXPECT_EQ(state(other, ""), Frozen::changed);
  EXPECT_EQ(state(other, "changes = [" + change(hash) + "]"), Frozen::yes);
  EXPECT_EQ(state(hash, "changes = [" + change(other) + "]"), Frozen::changed);
  EXPECT_EQ(state(hash, "changes = [" + change("") + "]"), Frozen::not_yet);
}

/// As a lock of `cpus` CPUs would be: each acquires ten times in a microsecond.
PointResult answer(const Configuration& configuration) {
  PointResult result;
  result.seed = std::uint64_t(value_at<std::int64_t>(configuration, "run.seed"));
  result.measured = 1us;
  result.operations.push_back(
      {.name = "acquire", .completed = 10, .latency = {}, .batches = {}, .accounts = {}});
  return result;
}

TEST(CaseRuns, a_run_that_fails_costs_its_point_and_the_rest_goes_on) {
  const TestFolder folder;
  const std::vector<Case> cases{
      read_case(folder.write("a.toml", with("{ x = 4", "{ x = 2, y = 100 },\n  { x = 4")))};
  CaseAnswers answers(cases);
  const RunTotals totals = run_cases(runs_of(cases), answers, 2, [](const Configuration& configuration) {
    PointResult result = answer(configuration);
    if (value_at<std::int64_t>(configuration, "run.cpus") == 2) {
      result.status = PointStatus::violation;
      result.message = "a stale translation";
    }
    if (value_at<std::int64_t>(configuration, "run.cpus") == 1) std::abort();
    return result;
  });
  EXPECT_EQ(totals.done, 3u);
  const std::vector<Answer> of = answers.of(0);
  EXPECT_FALSE(of[0].value);
  EXPECT_THAT(of[0].why_none, HasSubstr("killed by signal 6"));
  EXPECT_FALSE(of[1].value);
  EXPECT_EQ(of[1].why_none, "seed 1 found a violation: a stale translation");
  EXPECT_EQ(of[2].value, 400) << "four CPUs, ten operations a microsecond";
}

TEST(CaseRuns, the_same_run_is_run_once_and_a_value_is_the_mean_over_seeds) {
  const TestFolder folder;
  const std::string two_seeds = with("axis =", "seeds = 2\naxis =");
  const std::vector<Case> cases{
      read_case(folder.write("a.toml", two_seeds)),
      read_case(folder.write("b.toml", with("cacheline", "other"))),
      read_case(folder.write("c.toml", two_seeds + "combine = \"ratio\"\n[against]\n"
                                                   "scenario.think = \"20 ns\"\n"))};
  const std::vector<CaseRun> runs = runs_of(cases);
  EXPECT_EQ(runs.size(), 4u) << "two points, two seeds, whatever the case";
  CaseAnswers answers(cases);
  run_cases(runs, answers, 2, [](const Configuration& configuration) {
    PointResult result = answer(configuration);
    result.operations[0].completed = result.seed == 1 ? 10 : 5;
    return result;
  });
  EXPECT_EQ(answers.of(0)[0].value, 150) << "the mean of 100 and 200";
  EXPECT_DOUBLE_EQ(answers.of(0)[0].standard_error.value(), 50) << "70.7 / sqrt(2)";
  EXPECT_EQ(answers.of(2)[0].standard_error, 0) << "of the ratios of each seed, which are 1";
  EXPECT_EQ(answers.of(1)[0].value, 100);
  EXPECT_EQ(answers.of(2)[0].value, 1);
}

/// Wrapped lines as one.
std::string unwrapped(const std::string& text) {
  std::string result;
  for (const char c : text)
    if (const bool space = c == ' ' || c == '\n'; !space)
      result += c;
    else if (!result.ends_with(' '))
      result += ' ';
  return result;
}

/// The program, with a folder of cases.
class ValidateCommand : public ::testing::Test {
 protected:
  ValidateCommand() {
    ::setenv("MMSIM_REFERENCE", cases_.path().c_str(), 1);
    ::setenv("TMPDIR", scratch_.path().c_str(), 1);
  }
  ~ValidateCommand() override {
    ::unsetenv("MMSIM_REFERENCE");
    ::unsetenv("TMPDIR");
  }
  Ended validate(std::vector<std::string> words = {}) const {
    words.insert(words.begin(), "validate");
    return mmsim_command(folder_, words);
  }
  /// What the program says that the only case's hash is.
  std::string hash() const {
    validate({"--out", "hash"});
    return nlohmann::json::parse(contents_of(folder_ / "hash/cases.json"))[0]["hash"];
  }
  /// The good case with y such that it is predicted well, frozen.
  std::string frozen_case() const {
    cases_.write("stores.toml", good);
    validate({"--out", "first"});
    const std::string table = contents_of(folder_ / "first/validation.csv");
    const auto row = table.find("stores,4,200,") + 13;
    const std::string text = with("y = 200", "y = " + table.substr(row, table.find(',', row) - row));
    cases_.write("stores.toml", text);
    return with("hash = \"\"", "hash = \"" + hash() + '"', text);
  }

  TestFolder folder_, cases_, scratch_;
};

TEST_F(ValidateCommand, a_frozen_case_that_is_predicted_passes_and_its_files_are_whole) {
  cases_.write("stores.toml", frozen_case());
  const Ended ended = validate();
  EXPECT_EQ(ended.status, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("stores"), HasSubstr("0.0 %"), HasSubstr("1 case from 1 source"),
                               HasSubstr("published, first run after the freeze"), Not(HasSubstr("MISS")),
                               Not(HasSubstr("frozen"))));
  EXPECT_THAT(ended.err, HasSubstr("next: mmsim report results/validation"));
  const std::string table = contents_of(folder_ / "results/validation/validation.csv");
  EXPECT_THAT(table,
              StartsWith("case,x,published,simulated,relative_error,role,verdict,topic,unit,compare,step\n"
                         "stores,1,40,"));
  EXPECT_THAT(table, AllOf(HasSubstr(",calibrated,miss,cacheline,cycles,absolute,\n"),
                           HasSubstr(",predicted,ok,cacheline,cycles,absolute,right\n")));
  const std::string series = contents_of(folder_ / "results/validation/series.csv");
  EXPECT_THAT(series,
              StartsWith("case,topic,compare,points,median_error,worst_error,from,to,published_change,"
                         "simulated_change,change_error,change_role,steps,steps_right,verdict\n"
                         "stores,cacheline,absolute,2,0,0,1,4,"));
  EXPECT_THAT(series, HasSubstr(",predicted,1,1,ok\n"));
  const auto cases = nlohmann::json::parse(contents_of(folder_ / "results/validation/cases.json"));
  EXPECT_EQ(cases[0]["verdict"], "ok");
  EXPECT_EQ(cases[0]["free"], nlohmann::json::array({"machine.line.hit"}));
  EXPECT_EQ(cases[0]["worst"]["x"], "4");
  EXPECT_EQ(cases[0]["change"]["to"], "4");
  EXPECT_EQ(cases[0]["steps"], 1);
  EXPECT_EQ(cases[0]["wrong_steps"], 0);
  EXPECT_EQ(cases[0]["seen_before"], "");
  EXPECT_EQ(cases[0]["publication"], "A. Author, Book");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "results/validation/manifest.json"));
  EXPECT_TRUE(std::filesystem::is_empty(scratch_.path()));
}

TEST_F(ValidateCommand, the_table_drops_columns_to_fit_and_says_which_and_keeps_change_and_steps) {
  cases_.write("stores.toml",
               with("\"CPUs\"", "\"CPUs that store to one and the same cache line all the time\""));
  const std::string out = validate({"--points"}).out;
  for (const char* title : {"median", "change", "model", "off", "steps", "verdict"})
    EXPECT_THAT(out, HasSubstr(title));
  EXPECT_THAT(unwrapped(out),
              AllOf(HasSubstr("Too wide for this terminal: compare, x, points"),
                    HasSubstr("from 1 to 4: x5.00 published"), HasSubstr("1 of 1 step right"),
                    HasSubstr("Relative change within 30 %: "), HasSubstr("steps right: 1 of 1")));
  const std::string table = out.substr(out.find("\ncase "));
  std::istringstream lines(table.substr(1, table.find("median: of") - 1));
  for (std::string line; std::getline(lines, line);)
    EXPECT_LE(line.size(), 80u) << line;
}

TEST_F(ValidateCommand, a_trend_shows_no_errors_of_values_that_have_different_units) {
  cases_.write("stores.toml", with("compare = \"absolute\"\ntolerance = 0.25", "compare = \"trend\""));
  const std::string out = validate({"--points"}).out;
  const std::string points = out.substr(0, out.find("from 1 to 4"));
  EXPECT_THAT(points, Not(HasSubstr("%"))) << "of values; the change has one";
  EXPECT_THAT(out, HasSubstr("1 of 1"));
}

TEST_F(ValidateCommand, a_miss_is_status_1_and_says_by_how_much_and_why) {
  cases_.write("stores.toml", with("y = 200", "y = 2"));
  Ended ended = validate();
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(unwrapped(ended.out),
              AllOf(HasSubstr("MISS"), HasSubstr("stores misses: median error"), HasSubstr("tolerance 25 %"),
                    HasSubstr("worst at CPUs = 4"), HasSubstr("not said yet")));
  cases_.write("stores.toml", with("axis =", "miss = \"a planted one\"\naxis =", with("y = 200", "y = 2")));
  ended = validate();
  EXPECT_EQ(ended.status, 1) << "an explained miss is one";
  EXPECT_THAT(unwrapped(ended.out), HasSubstr("a planted one"));
}

TEST_F(ValidateCommand, a_number_that_changes_after_the_freeze_fails_until_changes_says_why) {
  const std::string text = frozen_case();
  const std::string changed = with("tolerance = 0.25", "tolerance = 0.3", text);
  cases_.write("stores.toml", changed);
  const Ended ended = validate();
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(unwrapped(ended.out), HasSubstr("stores is not frozen: the numbers have changed since"));
  cases_.write("stores.toml", with("[model]",
                                   "changes = [{ on = \"2026-11-23\", hash = \"" + hash() +
                                       "\", why = \"a slip\" }]\n[model]",
                                   changed));
  EXPECT_EQ(validate().status, 0);
}

TEST_F(ValidateCommand, a_miss_note_that_no_longer_holds_is_found) {
  cases_.write("stores.toml", with("axis =", "miss = \"an old reason\"\naxis =", frozen_case()));
  const Ended ended = validate();
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(unwrapped(ended.out), AllOf(HasSubstr("stores is ok, though"), HasSubstr("an old reason")));
}

TEST_F(ValidateCommand, only_takes_names_and_topics_and_writes_nothing_unless_told_where) {
  cases_.write("stores.toml", good);
  cases_.write("other.toml", with("cacheline", "atomic"));
  const Ended one = validate({"--only", "^atomic$", "--dry-run"});
  EXPECT_EQ(one.status, 0);
  EXPECT_THAT(one.out, AllOf(HasSubstr("other"), HasSubstr("1 case, 2 runs"), Not(HasSubstr("stores"))));
  EXPECT_THAT(validate({"--only", "^stores$"}).err, HasSubstr("nothing was written"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "results"));
  const Ended none = validate({"--only", "storse"});
  EXPECT_EQ(none.status, 2);
  EXPECT_THAT(none.err, HasSubstr("did you mean \"stores\"?"));
  EXPECT_THAT(validate({"--only", "("}).err, HasSubstr("no regular expression"));
}

TEST_F(ValidateCommand, wrong_input_is_status_2_and_leaves_nothing) {
  EXPECT_THAT(validate().err, HasSubstr("there are no case files"));
  cases_.write("stores.toml", with("\"acquire\"", "\"aquire\"")); // only a run can tell
  const Ended ended = validate();
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("stores.toml:23:1: "), HasSubstr("did you mean \"acquire\"?")));
  EXPECT_THAT(ended.out, IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "results"));
  cases_.write("stores.toml", good);
  folder_.write("mine/validation.csv", "mine");
  const Ended others = validate({"--out", "mine"});
  EXPECT_EQ(others.status, 2);
  EXPECT_EQ(contents_of(folder_ / "mine/validation.csv"), "mine");
  ::setenv("MMSIM_REFERENCE", "/nowhere", 1);
  EXPECT_EQ(validate().status, 2);
}

TEST_F(ValidateCommand, options_that_measuring_this_machine_has_not_are_refused_before_it) {
  EXPECT_THAT(validate({"--host", "-j", "2"}).err, HasSubstr("-j is not for mmsim validate --host"));
  const Ended ended = validate({"--host", "--points"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.err, HasSubstr("--points is not for mmsim validate --host"));
}

TEST_F(ValidateCommand, control_c_leaves_nothing_and_says_so) {
  cases_.write("stores.toml", with("50 us", "60 s"));
  const Started started(folder_, {"validate"});
  while (std::filesystem::is_empty(scratch_.path()))
    std::this_thread::sleep_for(10ms);
  std::this_thread::sleep_for(200ms); // until the runs have begun, an interrupt ends the program at once
  started.send(SIGINT);
  const Ended ended = started.wait();
  EXPECT_EQ(ended.status, 130) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("interrupted after 0 of 2 runs"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "results"));
  EXPECT_TRUE(std::filesystem::is_empty(scratch_.path()));
}

} // namespace
} // namespace mmsim::validation::validate_test
