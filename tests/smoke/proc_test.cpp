// mmsim run --proc DIR.
#include "sim/record/tables.hpp"
#include "tests/smoke/command_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <regex>
#include <sstream>

namespace mmsim::proc_test {
namespace {

using testing::HasSubstr;

const std::vector<std::string> names{"buddyinfo", "pagetypeinfo", "slabinfo", "vmstat", "zoneinfo"};

std::vector<std::string> run_with(const std::vector<std::string>& more, const std::string& kernel = "5.10") {
  std::vector<std::string> words{"run"};
  for (const std::string& setting :
       std::vector<std::string>{"machine.base=cortex-a72-4", "kernel.base=" + kernel, "scenario.name=munmap",
                                "scenario.mode=processes", "scenario.pages=600", "run.cpus=4",
                                "run.warmup=100 us", "run.duration=2 ms"})
    words.insert(words.end(), {"--set", setting});
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// All numbers that follow a match of `before`.
std::uint64_t sum_after(const std::string& text, const std::string& before) {
  std::uint64_t sum = 0;
  const std::regex pattern(before + " *([0-9]+)");
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it)
    sum += std::stoull((*it)[1]);
  return sum;
}

/// Pages in the blocks of all lines of buddyinfo.
std::uint64_t pages_in(const std::string& buddyinfo) {
  std::uint64_t pages = 0;
  std::istringstream lines(buddyinfo);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string node, number, zone, name;
    words >> node >> number >> zone >> name;
    std::uint64_t blocks = 0;
    for (unsigned order = 0; words >> blocks; ++order)
      pages += blocks << order;
  }
  return pages;
}

class ProcCommand : public testing::TestWithParam<std::string> {
 protected:
  TestFolder folder;
  std::string file(const std::string& name) const { return contents_of(folder.path() / "proc" / name); }
};

TEST_P(ProcCommand, TheFilesOfTheEndAgreeWithEachOther) {
  const Ended ended = mmsim_command(folder, run_with({"--proc", "proc"}, GetParam()));
  ASSERT_EQ(ended.status, 0) << ended.err;
  for (const std::string& name : names) {
    EXPECT_NE(file(name), "") << name;
    EXPECT_NE(file("window/" + name), "") << name;
  }
  const std::string zoneinfo = file("zoneinfo"), vmstat = file("vmstat");
  const std::uint64_t free = sum_after(zoneinfo, "pages free");
  EXPECT_EQ(pages_in(file("buddyinfo")), free);
  EXPECT_EQ(sum_after(zoneinfo, "nr_free_pages"), free);
  EXPECT_EQ(sum_after(vmstat, "nr_free_pages"), free);
  EXPECT_EQ(sum_after(vmstat, "nr_page_table_pages"), sum_after(zoneinfo, "nr_page_table_pages"));
  EXPECT_GT(sum_after(vmstat, "pgfault"), 600u);
}

TEST_P(ProcCommand, VmstatShowsWhatReclaimHasDone) {
  std::vector<std::string> words{"run", "--proc", "proc"};
  for (const std::string& setting : std::vector<std::string>{
           "machine.base=cortex-a72-4", "kernel.base=" + GetParam(), "scenario.name=reclaim",
           "scenario.processes=8", "scenario.think=0 ns", "machine.memory=40 MiB", "kernel.image=4 MiB",
           "kernel.min_free_kbytes=256", "machine.swap.size=256 MiB", "machine.swap.latency=2 us",
           "machine.swap.bandwidth=20 GB/s", "run.cpus=4", "run.duration=2 ms"})
    words.insert(words.end(), {"--set", setting});
  const Ended ended = mmsim_command(folder, words);
  ASSERT_EQ(ended.status, 0) << ended.err;
  const std::string vmstat = file("vmstat");
  EXPECT_GT(sum_after(vmstat, "pswpin"), 0u);
  EXPECT_GT(sum_after(vmstat, "pswpout"), 0u);
  EXPECT_GE(sum_after(vmstat, "nr_vmscan_write"), sum_after(vmstat, "pswpout"));
  EXPECT_THAT(vmstat, HasSubstr("nr_writeback 0\n")) << "at the end all is written";
  const bool old = GetParam() == "2.6.24";
  for (const std::string line : {"nr_isolated_anon 0\n", "pgsteal_kswapd ", "pgsteal_direct ", "oom_kill "})
    EXPECT_EQ(vmstat.find(line) == std::string::npos, old) << line;
  for (const std::string line : {"kswapd_steal ", "allocstall "})
    EXPECT_EQ(vmstat.find(line) != std::string::npos, old) << line;
  EXPECT_THAT(vmstat, HasSubstr("pageoutrun "));
}

INSTANTIATE_TEST_SUITE_P(Kernels, ProcCommand, testing::Values("5.10", "2.6.24"),
                         [](const auto& info) { return info.param == "5.10" ? "Linux510" : "Linux2624"; });

TEST(ProcDirectory, FreePagesThoseOfListsAndAllocatedOnesAreAllThatIsManaged) {
  TestFolder folder;
  ASSERT_EQ(mmsim_command(folder, run_with({"--proc", "proc"})).status, 0);
  const std::string zoneinfo = contents_of(folder.path() / "proc/zoneinfo"),
                    vmstat = contents_of(folder.path() / "proc/vmstat");
  const std::uint64_t allocated = sum_after(vmstat, "pgalloc_[a-z0-9]*") - sum_after(vmstat, "pgfree");
  EXPECT_EQ(sum_after(zoneinfo, "pages free") + sum_after(zoneinfo, "count:") + allocated,
            sum_after(zoneinfo, "managed"));
}

TEST(ProcDirectory, TheWindowShowsMemoryInUse) {
  TestFolder folder;
  ASSERT_EQ(mmsim_command(folder, run_with({"--proc", "proc"})).status, 0);
  const auto free_at = [&](const std::string& name) {
    return sum_after(contents_of(folder.path() / name), "nr_free_pages");
  };
  EXPECT_LT(free_at("proc/window/vmstat"), free_at("proc/vmstat"));
}

TEST(ProcDirectory, TheSameSeedWritesTheSameBytes) {
  TestFolder folder;
  ASSERT_EQ(mmsim_command(folder, run_with({"--proc", "one"})).status, 0);
  ASSERT_EQ(mmsim_command(folder, run_with({"--proc", "two"})).status, 0);
  EXPECT_EQ(tree_of(folder.path() / "one"), tree_of(folder.path() / "two"));
}

TEST(ProcDirectory, LookingChangesNoResult) {
  TestFolder folder;
  ASSERT_EQ(mmsim_command(folder, run_with({"--out", "plain"})).status, 0);
  ASSERT_EQ(mmsim_command(folder, run_with({"--out", "looked", "--proc", "proc"})).status, 0);
  for (const std::string_view table : table_names)
    if (table != "point.csv") { // which measures the host too
      EXPECT_EQ(contents_of(folder.path() / "plain" / table), contents_of(folder.path() / "looked" / table));
    }
}

TEST(ProcDirectory, AFileInPlaceOfTheDirectoryIsWrongInput) {
  TestFolder folder;
  folder.write("taken", "mine");
  const Ended ended = mmsim_command(folder, run_with({"--out", "out", "--proc", "taken"}));
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.err, HasSubstr("taken is no directory; choose another --proc"));
  EXPECT_EQ(contents_of(folder.path() / "taken"), "mine");
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "out"));
}

TEST(ProcDirectory, AnEmptyNameIsWrongInput) {
  TestFolder folder;
  for (const std::vector<std::string>& words : {std::vector<std::string>{"--proc", ""}, {"--proc="}}) {
    const Ended ended = mmsim_command(folder, run_with(words));
    EXPECT_EQ(ended.status, 2);
    EXPECT_THAT(ended.err, HasSubstr("--proc"));
  }
}

TEST(ProcDirectory, WrongInputLeavesNoDirectoryBehind) {
  TestFolder folder;
  // Only the machine finds out that this batch does not fit in its list.
  EXPECT_EQ(mmsim_command(folder, run_with({"--proc", "deep/proc", "--set", "kernel.pcp_batch=100", "--set",
                                            "kernel.pcp_high=50"}))
                .status,
            2);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "deep"));
}

TEST(ProcDirectory, ASweepSaysThatItHasNoSuchOption) {
  TestFolder folder;
  const std::string sweep = folder.write("sweep.toml", small_sweep());
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"sweep", sweep, "--proc", "proc"}, {"sweep", sweep, "--proc"}}) {
    const Ended ended = mmsim_command(folder, words);
    EXPECT_EQ(ended.status, 2);
    EXPECT_THAT(ended.err, HasSubstr("--proc is for mmsim run"));
  }
}

} // namespace
} // namespace mmsim::proc_test
