// What can mmsim explain still say of a directory that is damaged, and does it name a bottleneck that was put in?

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/smoke/command_fixture.hpp"

namespace mmsim::explain_directory_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// munmap at 1 and 4 CPUs, where it waits for mmap_lock.
std::map<std::string, std::string> whole_directory() {
  const std::string rest = ",1.000,100.000,100.000,777.000,777.000,777.000,1000.000\n";
  std::string counters = "point,run.cpus,counter,value\n0,1,ipi_sent,0\n1,4,ipi_sent,0\n";
  for (const std::string what : {"acquired", "contended", "wait_ns", "hold_ns", "wait_max_ns", "hold_max_ns",
                                 "acq_bounces", "con_bounces"})
    counters += "1,4,lock_" + what + ".mmap_lock,5\n";
  return {
      {"manifest.json",
       "{\"version\": \"" MMSIM_VERSION "\", \"command\": \"mmsim\", \"hash\": \"0\", "
       "\"axes\": [{\"path\": \"run.cpus\", \"values\": [1, 4]}], \"seeds\": 1, \"what_if\": [], "
       "\"points\": [{\"point\": 0, \"axes\": {\"run.cpus\": 1}, \"status\": \"done\"}, "
       "{\"point\": 1, \"axes\": {\"run.cpus\": 4}, \"status\": \"done\"}]}\n"},
      {"latency.csv", "point,run.cpus,operation,count,mean_ns,ci95_ns,p50_ns,p90_ns,p99_ns,p999_ns,max_ns,"
                      "per_second\n"
                      "0,1,munmap,10,100.000" +
                          rest + "1,4,munmap,10,1000.000" + rest},
      {"account.csv", "point,run.cpus,operation,account,mean_ns,total_ps\n"
                      "0,1,munmap,work,100.000,1000000\n"
                      "1,4,munmap,work,200.000,2000000\n"
                      "1,4,munmap,lock_sleep,800.000,8000000\n"},
      {"wait.csv", "point,run.cpus,operation,account,kind,whom,mean_ns,total_ps\n"
                   "1,4,munmap,lock_sleep,lock,mmap_lock,700.000,7000000\n"
                   "1,4,munmap,lock_sleep,sleep,vfork,100.000,1000000\n"},
      {"counter.csv", counters}};
}

Ended explained(const std::map<std::string, std::string>& files,
                const std::vector<std::string>& options = {}) {
  const TestFolder folder;
  std::filesystem::create_directory(folder / "out");
  for (const auto& [name, text] : files)
    folder.write("out/" + name, text);
  std::vector<std::string> words{"explain", "out"};
  words.insert(words.end(), options.begin(), options.end());
  return mmsim_command(folder, words);
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

TEST(ExplainDirectory, shows_a_whole_one_without_a_word_of_complaint_and_without_colours) {
  ::setenv("LANG", "C.UTF-8", 1);
  const Ended ended = explained(whole_directory());
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.err, IsEmpty());
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("bottleneck: mmap_lock, 70 % of munmap at run.cpus=4"),
                    HasSubstr("|  |- mmap_lock\n"), HasSubstr("|  `- waiting for vfork\n"),
                    HasSubstr("+78 % mmap_lock (sleeping)"), HasSubstr("777 ns"),
                    HasSubstr("locks  run.cpus=4\n"), Not(HasSubstr("\033")), Not(HasSubstr("\u251c"))))
      << "a pipe gets ASCII, whatever the locale";
  for (std::size_t first = 0, end; (end = ended.out.find('\n', first)) != std::string::npos; first = end + 1)
    EXPECT_LE(end - first, 80u) << ended.out.substr(first, end - first);
}

struct Damage {
  std::string what, file;
  std::function<std::string(const std::string&)> done; // to the file; nothing: it is removed
  std::vector<std::string> said, shown, not_shown;
};

TEST(ExplainDirectory, says_each_damage_in_one_line_and_shows_the_rest) {
  const std::string in_lock = "|  |- mmap_lock\n", percentile = "777 ns", locks = "locks  run.cpus=4\n",
                    lock_sleep = "- lock_sleep\n", mean = "1.00 us", bottleneck = "bottleneck: ";
  const auto to = [](const std::string& what, const std::string& by) {
    return [=](const std::string& text) { return replaced(text, what, by); };
  };
  const auto without_last_line = [](const std::string& text) {
    return text.substr(0, text.rfind('\n', text.size() - 2) + 1);
  };
  const auto cut = [](const std::string& text) { return text.substr(0, text.size() - 5); };
  const std::vector<Damage> all{
      {"a cut latency",
       "latency.csv",
       cut,
       {"out/latency.csv:3: the last line is cut off"},
       {mean, percentile, in_lock, locks},
       {}},
      {"a latency less",
       "latency.csv",
       without_last_line,
       {"out/latency.csv: has no row of point 1"},
       {mean, in_lock, locks},
       {}},
      {"no latencies",
       "latency.csv",
       nullptr,
       {"out/latency.csv: No such file"},
       {mean, in_lock, locks},
       {percentile}},
      {"an edited latency",
       "latency.csv",
       to("10,1000.000", "10,1500.000"),
       {"out/account.csv: the accounts of munmap at point 1 sum to 1000", "1500", "edited"},
       {"1.50 us", percentile, locks},
       {in_lock}},
      {"an edited count",
       "latency.csv",
       to("munmap,10,1000", "munmap,20,1000"),
       {"out/account.csv:3: work of munmap at point 1 is no mean of total_ps over 20 operations"},
       {mean, percentile, locks},
       {in_lock}},
      {"an edited total",
       "account.csv",
       to("8000000", "8000001"),
       {"out/wait.csv: ", "account.csv has 8000001 ps"},
       {lock_sleep},
       {in_lock}},
      {"a wrong number",
       "latency.csv",
       to("10,1000.000", "10,many"),
       {"out/latency.csv:3: mean_ns is \"many\""},
       {mean, in_lock},
       {}},
      {"a mean that is no number",
       "latency.csv",
       to("10,1000.000", "10,nan"),
       {"out/latency.csv:3: mean_ns is \"nan\", not a number"},
       {mean, in_lock},
       {}},
      {"a missing percentile",
       "latency.csv",
       to("10,1000.000,1.000,100.000", "10,1000.000,1.000,"),
       {"out/latency.csv:3: p50_ns is empty"},
       {mean, in_lock},
       {}},
      {"a percentile below a lower one",
       "latency.csv",
       to("10,1000.000,1.000,100.000", "10,1000.000,1.000,100.001"),
       {"out/latency.csv:3: p50_ns is more than p90_ns"},
       {mean, in_lock},
       {}},
      {"another column",
       "latency.csv",
       to("p50_ns", "median_ns"),
       {"out/latency.csv:1: column 7 is \"median_ns\", not p50_ns"},
       {mean, in_lock},
       {percentile}},
      {"another value of the axis",
       "latency.csv",
       to("1,4,munmap", "1,8,munmap"),
       {"out/latency.csv:3: run.cpus is 8, elsewhere 4"},
       {mean, in_lock},
       {}},
      {"a point more",
       "latency.csv",
       to("1,4,munmap", "7,4,munmap"),
       {"out/latency.csv:3: point 7 is not in manifest.json"},
       {mean, in_lock},
       {}},
      {"cut accounts",
       "account.csv",
       cut,
       {"out/account.csv:4: the last line is cut off"},
       {mean, percentile, locks, "its accounts are not known"},
       {in_lock, lock_sleep}},
      {"an account less",
       "account.csv",
       without_last_line,
       {"out/account.csv: the accounts of munmap at point 1"},
       {mean, percentile, locks},
       {in_lock}},
      {"no accounts",
       "account.csv",
       nullptr,
       {"out/account.csv: No such file"},
       {mean, percentile, locks},
       {bottleneck, in_lock}},
      {"cut waits",
       "wait.csv",
       cut,
       {"out/wait.csv:3: the last line is cut off"},
       {lock_sleep, locks},
       {in_lock}},
      {"a wait less",
       "wait.csv",
       without_last_line,
       {"out/wait.csv: the waits in lock_sleep of munmap at point 1 sum to 7000000 ps, account.csv has "
        "8000000 ps"},
       {lock_sleep, locks},
       {in_lock}},
      {"an edited wait",
       "wait.csv",
       to("700.000", "70.000"),
       {"out/wait.csv: the waits in lock_sleep", "edited"},
       {lock_sleep},
       {in_lock}},
      {"a kind of a later version",
       "wait.csv",
       to("sleep,vfork", "nap,vfork"),
       {"out/wait.csv:3: \"nap\" is no kind of waiting"},
       {lock_sleep},
       {in_lock}},
      {"a wait in an account that does not wait",
       "wait.csv",
       to("lock_sleep,sleep", "work,sleep"),
       {"out/wait.csv:3: \"work\" is no account that waits"},
       {lock_sleep},
       {in_lock}},
      {"no waits",
       "wait.csv",
       nullptr,
       {"out/wait.csv: No such file"},
       {lock_sleep, "bottleneck: lock_sleep, 80 %", locks},
       {in_lock}},
      {"cut counters",
       "counter.csv",
       cut,
       {"out/counter.csv:11: the last line is cut off"},
       {in_lock},
       {locks}},
      {"half a class",
       "counter.csv",
       without_last_line,
       {"out/counter.csv: ends amid the numbers of a lock class"},
       {in_lock},
       {locks}},
      {"no counters",
       "counter.csv",
       nullptr,
       {"out/counter.csv: No such file"},
       {in_lock, percentile},
       {locks}},
      {"no manifest",
       "manifest.json",
       nullptr,
       {"out/manifest.json: No such file", "the axes are those of the tables"},
       {"bottleneck: mmap_lock, 70 % of munmap at run.cpus=4", "munmap at 4 cpus is 10.0x slower", in_lock,
        locks},
       {}},
      {"a manifest without a version",
       "manifest.json",
       to("\"version\"", "\"edition\""),
       {"out/manifest.json: ", "the manifest is damaged"},
       {in_lock, percentile, locks},
       {}},
      {"half a manifest",
       "manifest.json",
       cut,
       {"out/manifest.json: ", "the manifest is damaged"},
       {"munmap at 4 cpus is 10.0x slower", in_lock, locks},
       {}},
      {"a manifest of another version",
       "manifest.json",
       to(MMSIM_VERSION, "77.0.0"),
       {"out/manifest.json: written by mmsim 77.0.0, this is " MMSIM_VERSION},
       {in_lock, percentile, locks},
       {}}};
  for (const Damage& damage : all) {
    SCOPED_TRACE(damage.what);
    auto files = whole_directory();
    if (damage.done)
      files[damage.file] = damage.done(files[damage.file]);
    else
      files.erase(damage.file);
    const Ended ended = explained(files);
    EXPECT_EQ(ended.status, 2);
    EXPECT_EQ(std::ranges::count(ended.err, '\n'), 1) << ended.err;
    EXPECT_THAT(ended.err, HasSubstr("run the same mmsim"));
    for (const std::string& said : damage.said)
      EXPECT_THAT(ended.err, HasSubstr(said));
    for (const std::string& shown : damage.shown)
      EXPECT_THAT(ended.out, HasSubstr(shown));
    for (const std::string& hidden : damage.not_shown)
      EXPECT_THAT(ended.out, Not(HasSubstr(hidden)));
  }
}

TEST(ExplainDirectory, of_an_older_version_has_no_waits_which_is_one_line) {
  auto files = whole_directory();
  files["manifest.json"] = replaced(files["manifest.json"], MMSIM_VERSION, "0.0.9");
  files.erase("wait.csv");
  const Ended ended = explained(files);
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(std::ranges::count(ended.err, '\n'), 1) << ended.err;
  EXPECT_THAT(ended.err, AllOf(HasSubstr("out: made by mmsim 0.0.9, which did not write wait.csv"),
                               HasSubstr("run the sweep again into another directory")));
  EXPECT_THAT(ended.out, AllOf(HasSubstr("+89 % lock_sleep, +11 % work"), HasSubstr("777 ns"),
                               HasSubstr("bottleneck: lock_sleep, 80 %")));
}

TEST(ExplainDirectory, with_nothing_in_it_is_refused) {
  const Ended empty = explained({});
  EXPECT_EQ(empty.status, 2);
  EXPECT_THAT(empty.out, IsEmpty());
  EXPECT_THAT(empty.err, HasSubstr("out/manifest.json: No such file or directory, nor any table"));
  const Ended manifest_alone = explained({*whole_directory().find("manifest.json")});
  EXPECT_EQ(manifest_alone.status, 2);
  EXPECT_THAT(manifest_alone.out, IsEmpty());
  EXPECT_THAT(manifest_alone.err, HasSubstr("nothing is left that can be shown"));
}

TEST(ExplainDirectory, of_a_sweep_that_was_stopped_shows_the_runs_that_are_finished) {
  const TestFolder folder;
  const std::string file = folder.write("s.toml", small_sweep());
  ASSERT_EQ(mmsim_command(folder, {"sweep", file, "--out", "out"}).status, 0);
  for (const auto& [name, text] : tree_of(folder / "out"))
    if (!name.starts_with("points")) std::filesystem::remove(folder / ("out/" + name));
  std::filesystem::remove(folder / "out/points/3-1.json");
  folder.write("out/points/2-1.json", "{");
  const Ended ended = mmsim_command(folder, {"explain", "out"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(std::ranges::count(ended.err, '\n'), 1) << ended.err;
  EXPECT_THAT(ended.err, AllOf(HasSubstr("out: the sweep has not finished; 2 finished runs of 2 points are "
                                         "shown, 1 damaged one is not; which axis values"),
                               HasSubstr("the same mmsim sweep command goes on from there")));
  EXPECT_THAT(ended.out, AllOf(HasSubstr("munmap  point=0\n  bottleneck: "), HasSubstr("munmap  point=1\n"),
                               HasSubstr("`- "), Not(HasSubstr("one against the other"))));
}

/// What explain says of a run with a bottleneck that was put in.
struct Plant {
  std::string what;
  std::vector<std::string> settings;
  std::string named; // behind "bottleneck: "
  std::string operation;
};

TEST(Planted, bottlenecks_are_named_by_explain) {
  const std::vector<std::string> a72{"machine.base=cortex-a72-4", "kernel.base=5.10",
                                     "machine.memory=256 MiB",    "run.cpus=4",
                                     "run.warmup=50 us",          "run.duration=500 us"};
  const auto with = [](std::vector<std::string> settings, const std::vector<std::string>& more) {
    settings.insert(settings.end(), more.begin(), more.end());
    return settings;
  };
  const std::vector<std::string> starved{"scenario.name=reclaim",
                                         "scenario.processes=4",
                                         "scenario.think=0 ns",
                                         "machine.memory=36 MiB",
                                         "kernel.image=4 MiB",
                                         "kernel.min_free_kbytes=256",
                                         "machine.swap.size=256 MiB",
                                         "machine.swap.latency=200 us",
                                         "machine.swap.bandwidth=20 GB/s",
                                         "run.cpus=4",
                                         "run.warmup=50 us",
                                         "run.duration=5 ms"};
  const std::vector<Plant> plants{
      {"a slow IPI",
       with(a72, {"scenario.name=munmap", "scenario.pages=2", "kernel.tlb_flush=eager",
                  "machine.ipi.deliver=20 us"}),
       "interrupts on their way to other CPUs", "munmap"},
      {"a long hold", with(a72, {"scenario.name=lock", "scenario.hold=20 us"}), "test_lock", "acquire"},
      {"a slow swap device", starved, "swap", "swap_in"},
      {"a starved zone, where faults reclaim directly", starved, "swap", "demand_fault"},
      {"a zone whose CPUs have no lists of their own",
       with(a72,
            {"scenario.name=allocator", "scenario.think=0 ns", "kernel.pcp_high=1", "kernel.pcp_batch=1"}),
       "zone_lock", "alloc"}};
  for (const Plant& plant : plants) {
    SCOPED_TRACE(plant.what);
    const TestFolder folder;
    std::vector<std::string> words{"run", "--out", "out"};
    for (const std::string& setting : plant.settings)
      words.insert(words.end(), {"--set", setting});
    const Ended run = mmsim_command(folder, words);
    ASSERT_EQ(run.status, 0) << run.err;
    const Ended ended = mmsim_command(folder, {"explain", "out"});
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_THAT(ended.out,
                ::testing::ContainsRegex("bottleneck: " + plant.named + ", [0-9]+ % of " + plant.operation));
  }
}

} // namespace
} // namespace mmsim::explain_directory_test
