// Does every command run, and is wrong input refused with one message, its place and status 2, and nothing
// written?

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sim/record/tables.hpp"
#include "tests/smoke/command_fixture.hpp"

namespace mmsim::cli_test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::StartsWith;

std::ptrdiff_t lines_in(const std::string& text) { return std::ranges::count(text, '\n'); }

/// One message that has all of these, status 2, and no results.
void expect_refused(const Ended& ended, const std::vector<std::string>& parts) {
  EXPECT_EQ(ended.status, 2) << ended.err;
  EXPECT_EQ(lines_in(ended.err), 1) << ended.err;
  EXPECT_THAT(ended.out, IsEmpty());
  EXPECT_THAT(ended.err, Not(HasSubstr("\033")));
  for (const std::string& part : parts)
    EXPECT_THAT(ended.err, HasSubstr(part));
}

TEST(Command, help_and_version_go_to_standard_output) {
  const TestFolder folder;
  const Ended version = mmsim_command(folder, {"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_EQ(version.out, "mmsim " MMSIM_VERSION "\n");
  EXPECT_THAT(mmsim_command(folder, {"--help"}).out, AllOf(HasSubstr("Examples:"), HasSubstr("Exit status")));
  for (const std::string command : {"run", "sweep", "validate", "list", "explain", "report"}) {
    const Ended help = mmsim_command(folder, {command, "--help"});
    EXPECT_EQ(help.status, 0) << command;
    EXPECT_THAT(help.out, HasSubstr("mmsim " + command));
    EXPECT_THAT(help.out, HasSubstr("Example"));
    EXPECT_THAT(help.err, IsEmpty());
  }
}

TEST(Command, words_that_are_no_command_get_the_nearest_that_is) {
  const TestFolder folder;
  expect_refused(mmsim_command(folder, {}), {"no command"});
  expect_refused(mmsim_command(folder, {"swep", "x.toml"}), {"\"swep\"", "did you mean \"sweep\"?"});
  expect_refused(mmsim_command(folder, {"run", "--sett", "a.b=1"}),
                 {"\"--sett\"", "did you mean \"--set\"?"});
  expect_refused(mmsim_command(folder, {"sweep", "--dryrun"}),
                 {"\"--dryrun\"", "did you mean \"--dry-run\"?"});
  expect_refused(mmsim_command(folder, {"sweep"}), {"SWEEP", "mmsim sweep --help"});
  expect_refused(mmsim_command(folder, {"run", "a.toml", "b.toml"}), {"b.toml", "too many"});
  expect_refused(mmsim_command(folder, {"list", "polices"}), {"\"polices\"", "did you mean \"policies\"?"});
  expect_refused(mmsim_command(folder, {"sweep", folder.write("s.toml", small_sweep()), "-j", "0"}),
                 {"1 to 4096"});
}

struct Wrong {
  std::string what, text, place, message;
};

TEST(Command, wrong_configurations_are_refused_with_their_place_by_run_and_sweep) {
  const TestFolder folder;
  const std::string start =
      "[machine]\nbase = \"cortex-a72-4\"\n[kernel]\nbase = \"5.10\"\n[scenario]\nname = \"munmap\"\n";
  const std::vector<Wrong> all{
      {"unknown key", start + "[run]\ncpuss = 2\n", "8:1", "did you mean \"run.cpus\"?"},
      {"wrong type", start + "[run]\ncpus = \"two\"\n", "8:1", "whole number"},
      {"no unit", start + "[run]\nduration = 20\n", "8:1", "no unit"},
      {"negative", start + "[run]\nduration = \"-20 us\"\n", "8:1", "negative"},
      {"no cpus", start + "[run]\ncpus = 0\n", "8:1", "at least 1"},
      {"more cpus than cores", start + "[run]\ncpus = 5\n", "8:1", "4 cores"},
      {"unknown policy",
       "[kernel]\ntlb_flush = \"lasy\"\n" + start.substr(0, start.find("[kernel]")) +
           "[scenario]\nname = \"munmap\"\n",
       "2:1", "did you mean \"lazy\"?"},
      {"unknown scenario", "[scenario]\nname = \"munmapp\"\n", "2:1", "did you mean \"munmap\"?"},
      {"unknown machine", "[machine]\nbase = \"cortex-a72\"\n", "2:1", "did you mean \"cortex-a72-4\"?"},
      {"no TOML", "[machine\n", "1:", ""},
  };
  for (const Wrong& wrong : all) {
    SCOPED_TRACE(wrong.what);
    const std::string file = folder.write("in/wrong.toml", wrong.text);
    const std::string place = file + ":" + wrong.place;
    expect_refused(mmsim_command(folder, {"run", file, "--out", "out"}), {place, wrong.message});
    folder.write("in/wrong.toml", wrong.text + "[sweep]\nseeds = 2\n");
    expect_refused(mmsim_command(folder, {"sweep", file, "--out", "out"}), {place, wrong.message});
    EXPECT_THAT(tree_of(folder / "out"), IsEmpty());
    EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  }
}

/// Each wrong text after `start` stops a run and a sweep before anything is written.
void expect_all_refused(const TestFolder& folder, const std::string& start, const std::vector<Wrong>& all) {
  for (const Wrong& wrong : all) {
    SCOPED_TRACE(wrong.what);
    const std::string file = folder.write("in/wrong.toml", start + wrong.text);
    const std::string place = file + ":" + wrong.place;
    expect_refused(mmsim_command(folder, {"run", file, "--out", "out"}), {place, wrong.message});
    folder.write("in/wrong.toml", start + wrong.text + "[sweep]\nseeds = 2\n");
    expect_refused(mmsim_command(folder, {"sweep", file, "--out", "out"}), {place, wrong.message});
    EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  }
}

TEST(Command, areas_that_no_address_space_has_room_for_are_refused_with_the_largest) {
  const TestFolder folder;
  const auto refused = [&](const std::string& scenario, const std::string& key, const std::string& pages,
                           const std::string& most) {
    SCOPED_TRACE(scenario + " " + key + " " + pages);
    expect_refused(
        mmsim_command(folder, {"run", "--set", "machine.base=cortex-a72-4", "--set", "kernel.base=5.10",
                               "--set", "scenario.name=" + scenario, "--set", key + "=" + pages}),
        {"--set: " + key + ": " + pages + " is too large; at most " + most + " is possible"});
  };
  // 2^36 pages, less 2^15 above mmap_base, 16 below mmap_min_addr, the loader's table and the alignment's slack.
  const std::string apart = std::to_string((std::uint64_t{1} << 36) - 32768 - 16 - 512 - 511);
  const std::string packed = std::to_string((std::uint64_t{1} << 36) - 32768 - 16 - 1);
  for (const std::string scenario : {"munmap", "page_fault", "mprotect", "tlb_flush"})
    for (const std::string pages : {"68719476736", "100000000000000", "9223372036854775807"})
      refused(scenario, "scenario.pages", pages, apart);
  for (const std::string scenario : {"cow", "fork", "gup_fork", "snapshot"})
    refused(scenario, "scenario.pages", "100000000000000", packed);
  refused("context_switch", "scenario.working_set", "100000000000000",
          std::to_string(std::stoull(packed) - 256));
}

TEST(Command, an_area_of_the_largest_possible_size_can_be_mapped) {
  const TestFolder folder;
  // Which maps its areas and touches none.
  const auto flush = [&](const std::string& format, const std::string& mode, std::uint64_t pages) {
    return mmsim_command(folder,
                         {"run", "--set", "machine.base=cortex-a72-4", "--set", "kernel.base=5.10", "--set",
                          "kernel.overcommit_memory=1", "--set", "kernel.page_table=" + format, "--set",
                          "scenario.name=tlb_flush", "--set", "scenario.mode=" + mode, "--set", "run.cpus=3",
                          "--set", "run.duration=50 us", "--set", "scenario.pages=" + std::to_string(pages)});
  };
  struct Largest {
    std::string format, mode;
    std::uint64_t pages;
  };
  for (const auto& [format, mode, most] :
       {Largest{"lpae", "processes", 748529}, Largest{"lpae", "threads", 249343},
        Largest{"arm64_39", "processes", 134183921}, Largest{"arm64_39", "threads", 44727807}}) {
    SCOPED_TRACE(mode + " " + format);
    const Ended fits = flush(format, mode, most);
    EXPECT_EQ(fits.status, 0) << fits.err;
    EXPECT_THAT(fits.err, Not(HasSubstr("mmap failed")));
    expect_refused(flush(format, mode, most + 1), {"at most " + std::to_string(most) + " is possible"});
  }
}

TEST(Command, of_two_values_that_cannot_be_together_the_stronger_one_is_blamed) {
  const TestFolder folder;
  expect_refused(mmsim_command(folder, {"run", "--set", "kernel.base=6.4", "--set", "kernel.vma_tree=rbtree",
                                        "--set", "scenario.name=munmap"}),
                 {"--set: kernel.vma_lock = true needs", "\"rbtree\""});
}

TEST(Command, locks_that_cannot_be_are_refused_with_their_place) {
  const TestFolder folder;
  const std::string start = "[machine]\nbase = \"cortex-a72-4\"\n[scenario]\nname = \"lock\"\n";
  const std::vector<Wrong> all{
      {"more readers than cpus", "readers = 3\n[run]\ncpus = 2\n", "5:1", "choose 0 to 2"},
      {"more writers than cpus", "writers = 3\n[run]\ncpus = 2\n", "5:1", "choose 0 to 2"},
      {"readers and writers", "readers = 1\nwriters = 1\n[run]\ncpus = 2\n", "5:1", "choose one"},
      {"negative readers", "readers = -1\n", "5:1", "at least 0"},
      {"unknown kind", "kind = \"tickit\"\n", "5:1", "did you mean \"ticket\"?"},
      {"unknown distribution", "distribution = \"normal\"\n", "5:1", "exponential constant"},
      {"negative hold", "hold = \"-1 ns\"\n", "5:1", "negative"},
      {"endless think", "think = \"1 s\"\n", "5:1", "at most 100 ms"},
      {"negative lines", "lines = -1\n", "5:1", "at least 0"},
      {"another scenario's", "pages = 1\n", "5:1", "scenario.pages"},
      {"readers that are no number", "readers = \"all\"\n", "5:1", "whole number"},
      {"endless hold", "hold = \"101 ms\"\n", "5:1", "at most 100 ms"},
      {"a hold without unit", "hold = 100\n", "5:1", "no unit"},
      {"more lines than that", "lines = 1025\n", "5:1", "at most 1024"},
      {"unknown key", "reader = 1\n", "5:1", "did you mean \"scenario.readers\"?"},
      {"unknown rwsem", "[kernel]\nrwsem = \"hand_off\"\n", "6:1", "did you mean \"handoff\"?"},
      {"unknown mutex", "[kernel]\nmutex = \"counts\"\n", "6:1", "did you mean \"count\"?"},
      {"unknown spinning", "[kernel]\nrwsem_spin = \"writer\"\n", "6:1", "did you mean \"writers\"?"},
      {"unknown rcu", "[kernel]\nrcu = \"tre\"\n", "6:1", "did you mean \"tree\"?"},
      {"request longer than a transfer", "[machine.line]\nrequest = \"29 ns\"\n", "6:1",
       "a part of machine.line.transfer = 28 ns: choose at most 27.999 ns"},
      {"request as long as a transfer", "[machine.line]\nrequest = \"28 ns\"\n", "6:1", "at most 27.999 ns"},
      {"share longer than a transfer", "[machine.line]\nshare = \"28.001 ns\"\n", "6:1", "at most 28 ns"},
      {"transfer shorter than the default request", "[machine.line]\ntransfer = \"12 ns\"\n", "6:1",
       "machine.line.request = 19.333 ns"},
      {"negative share", "[machine.line]\nshare = \"-1 ns\"\n", "6:1", "negative"},
      {"share of no time", "[machine.line]\nshare = \"0 ns\"\n", "6:1", "at least 1 ps"},
      {"hit of no time", "[machine.line]\nhit = \"0 ns\"\n", "6:1", "at least 1 ps"},
      {"transfer of no time", "[machine.line]\ntransfer = \"0 ns\"\n", "6:1", "at least 1 ps"},
      {"memory of no time", "[machine.line]\ndram = \"0 ns\"\n", "6:1", "at least 1 ps"},
      {"negative overtakes", "[machine.line]\novertakes = -1\n", "6:1", "at least 0"},
      {"unknown arbitration", "[machine.line]\narbitration = \"nearby\"\n", "6:1",
       "did you mean \"nearest\"?"},
  };
  expect_all_refused(folder, start, all);
  const std::string axis = folder.write("s.toml", "[scenario]\nname = \"lock\"\nreaders = 3\n"
                                                  "[sweep.axes]\n\"run.cpus\" = [4, 2]\n");
  expect_refused(mmsim_command(folder, {"sweep", axis}), {axis + ":3:1", "run.cpus = 2"});
}

TEST(Command, memory_that_cannot_be_is_refused_with_its_place) {
  const TestFolder folder;
  const std::string start = "[machine]\nbase = \"neoverse-n1-80\"\n[scenario]\nname = \"munmap\"\n";
  const std::vector<Wrong> all{
      {"overlapping zones", "[machine.zones]\ndma = \"4 GiB\"\n", "6:1",
       "machine.zones.dma = \"4 GiB\" is above machine.zones.dma32 = \"2 GiB\""},
      {"a zone beyond the memory", "[machine.zones]\ndma32 = \"128 GiB\"\n", "6:1",
       "machine.zones.dma32 = \"128 GiB\" is beyond machine.memory = \"64 GiB\""},
      {"a zone of half a block", "[machine.zones]\ndma = \"18 MiB\"\n", "6:1", "multiples of 4 MiB"},
      {"too little for the kernel", "[kernel]\nimage = \"60 GiB\"\n", "6:1",
       "machine.memory = \"64 GiB\" on 1 socket is too little for the kernel itself"},
      {"all of it movable", "[kernel]\nmovablecore = \"64 GiB\"\n", "6:1",
       "kernel.movablecore = \"64 GiB\" is all of machine.memory = \"64 GiB\""},
      {"nearly all of it movable",
       "[machine.zones]\ndma = \"0 B\"\ndma32 = \"0 B\"\n[kernel]\nmovablecore = \"63 GiB\"\n", "9:1",
       "choose less of it"},
      {"too little that is not movable",
       "[machine.zones]\ndma = \"0 B\"\ndma32 = \"0 B\"\n[kernel]\nkernelcore = \"64 MiB\"\n", "9:1",
       "choose more of it"},
      {"all of it kept free", "[kernel]\nmin_free_kbytes = 67108864\n", "6:1", "keeps all memory free"},
      {"a batch over the high mark", "[kernel]\npcp_high = 32\npcp_batch = 64\n", "7:1",
       "kernel.pcp_batch = 64 is over kernel.pcp_high = 32"},
      {"a negative batch", "[kernel]\npcp_batch = -1\n", "6:1", "at least 0"},
      {"a swap device that stands still", "[machine.swap]\nbandwidth = \"0 B/s\"\n", "6:1",
       "at least 1 KiB/s"},
      {"a disk that reads nothing", "[machine.disk]\nread_bandwidth = \"0 B/s\"\n", "6:1",
       "at least 1 KiB/s"},
      {"a disk that writes nothing", "[machine.disk]\nwrite_bandwidth = \"0 B/s\"\n", "6:1",
       "at least 1 KiB/s"},
      {"a disk that takes nothing", "[machine.disk]\nqueue_depth = 0\n", "6:1", "at least 1"},
      {"memory that stands still", "[machine.dram]\nbandwidth = \"0 B/s\"\n", "6:1", "at least 1 MiB/s"},
      {"an unknown order", "[kernel]\nzonelist_order = \"nodes\"\n", "6:1", "did you mean \"node\"?"},
  };
  expect_all_refused(folder, start, all);
  expect_refused(
      mmsim_command(folder, {"run", "--set", "scenario.name=munmap", "--set", "machine.memory=16 MiB"}),
      {"--set: machine.memory = \"16 MiB\"", "kernel.image = \"32 MiB\"", "choose at least \"44 MiB\""});
}

TEST(Command, blocks_that_cannot_be_are_refused_with_their_place) {
  const TestFolder folder;
  const std::vector<Wrong> all{{"an order over the maximum", "order = 11\n", "3:1", "maximum of 10"},
                               {"a negative order", "order = -1\n", "3:1", "at least 0"},
                               {"no block", "burst = 0\n", "3:1", "at least 1"},
                               {"more than all of them cold", "cold = 1.5\n", "3:1", "at most 1"},
                               {"unknown touch", "touch = \"zeros\"\n", "3:1", "did you mean \"zero\"?"}};
  for (const Wrong& wrong : all) {
    SCOPED_TRACE(wrong.what);
    const std::string file = folder.write("wrong.toml", "[scenario]\nname = \"allocator\"\n" + wrong.text);
    expect_refused(mmsim_command(folder, {"run", file}), {file + ":" + wrong.place, wrong.message});
  }
  const std::string axis = folder.write("s.toml", "[scenario]\nname = \"allocator\"\n[sweep.axes]\n"
                                                  "\"scenario.order\" = [0, 11]\n");
  expect_refused(mmsim_command(folder, {"sweep", axis, "--out", "out"}), {axis + ":4:", "maximum of 10"});
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
}

// What a machine file says of its zones adapts to the memory that the user gives it; what the user says does
// not.
TEST(Command, a_machine_runs_with_less_memory_than_its_zones) {
  const TestFolder folder;
  const std::vector<std::string> small{"run",
                                       "--set",
                                       "machine.base=neoverse-n1-80",
                                       "--set",
                                       "machine.memory=256 MiB",
                                       "--set",
                                       "scenario.name=munmap",
                                       "--set",
                                       "run.warmup=10 us",
                                       "--set",
                                       "run.duration=50 us"};
  EXPECT_EQ(mmsim_command(folder, small).status, 0);
  std::vector<std::string> with_zone = small;
  with_zone.insert(with_zone.end(), {"--set", "machine.zones.dma32=1 GiB"});
  expect_refused(mmsim_command(folder, with_zone),
                 {"--set: machine.zones.dma32 = \"1 GiB\" is beyond machine.memory = \"256 MiB\""});
}

TEST(Command, wrong_axes_and_files_are_refused) {
  const TestFolder folder;
  const std::string file =
      folder.write("s.toml", "[machine]\nbase = \"cortex-a72-4\"\n[scenario]\nname = \"munmap\"\n"
                             "[sweep.axes]\n\"run.cpus\" = [1, 8]\n");
  expect_refused(mmsim_command(folder, {"sweep", file}), {file + ":6:18", "4 cores"});
  folder.write("s.toml", "[scenario]\nname = \"munmap\"\n[sweep.axes]\n\"run.cpu\" = [1, 8]\n");
  expect_refused(mmsim_command(folder, {"sweep", file}),
                 {file + ":4:1", "unknown axis", "did you mean \"run.cpus\"?"});
  expect_refused(mmsim_command(folder, {"sweep", "nowhere.toml"}), {"nowhere.toml", "No such file"});
  expect_refused(mmsim_command(folder, {"run", "nowhere.toml"}), {"nowhere.toml", "No such file"});
  expect_refused(mmsim_command(folder, {"run", "--set", "run.cpus"}), {"--set", "PATH=VALUE"});
  EXPECT_FALSE(std::filesystem::exists(folder / "results"));
}

TEST(Command, directories_that_cannot_be_written_are_refused) {
  const TestFolder folder;
  const std::string file = folder.write("s.toml", small_sweep());
  folder.write("file", "mine");
  for (const std::string out : {"file", "file/below", "/proc/mmsim"}) {
    expect_refused(mmsim_command(folder, {"sweep", file, "--out", out}), {out, "cannot be"});
    expect_refused(mmsim_command(folder, {"run", "--set", "scenario.name=munmap", "--out", out}),
                   {out, "cannot be"});
  }
  expect_refused(mmsim_command(folder, {"sweep", file, "--out", ""}), {"--out"});
  expect_refused(mmsim_command(folder, {"run", "--set", "scenario.name=munmap", "--out", ""}), {"--out"});
  EXPECT_EQ(contents_of(folder / "file"), "mine");
  folder.write("notes/latency.csv", "mine");
  expect_refused(mmsim_command(folder, {"sweep", file, "--out", "notes"}), {"notes/latency.csv"});
  EXPECT_EQ(tree_of(folder / "notes").size(), 1u);
}

TEST(Run, prints_what_came_out_and_writes_it_whole) {
  const TestFolder folder;
  const std::vector<std::string> words{"run",
                                       "--set",
                                       "machine.base=cortex-a72-4",
                                       "--set",
                                       "scenario.name=munmap",
                                       "--set",
                                       "scenario.pages=2",
                                       "--set",
                                       "run.cpus=2",
                                       "--set",
                                       "run.warmup=20 us",
                                       "--set",
                                       "run.duration=200 us",
                                       "--set",
                                       "kernel.tlb_flush=eager"};
  const Ended shown = mmsim_command(folder, words);
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, AllOf(HasSubstr("munmap on 2 CPUs of cortex-a72-4"), HasSubstr("p99"),
                               HasSubstr("work"), HasSubstr("kernel.tlb_flush=eager (what-if)")));
  EXPECT_THAT(shown.out, AllOf(HasSubstr("class name"), HasSubstr("contentions"), HasSubstr("mmap_lock")));
  EXPECT_THAT(tree_of(folder.path()), Not(Contains(Key("manifest.json"))));

  std::vector<std::string> writing = words;
  writing.insert(writing.end(), {"--out", "deep/result"});
  ASSERT_EQ(mmsim_command(folder, writing).status, 0);
  const auto tree = tree_of(folder / "deep/result");
  EXPECT_THAT(tree, Contains(Key("manifest.json")));
  for (const std::string_view name : table_names)
    EXPECT_THAT(tree, Contains(Key(std::string(name))));
  EXPECT_EQ(tree.size(), table_names.size() + 1);
  EXPECT_THAT(tree.at("latency.csv"), StartsWith("point,operation,count,"));
  const auto manifest = nlohmann::json::parse(tree.at("manifest.json"));
  EXPECT_EQ(manifest.at("configuration").at("run.duration").at("value"), "200 us");
  EXPECT_EQ(manifest.at("configuration").at("run.duration").at("origin"), "--set");
  EXPECT_EQ(manifest.at("points").at(0).at("status"), "done");
  EXPECT_THAT(manifest.at("command").get<std::string>(), HasSubstr("--set 'run.warmup=20 us'"));
  EXPECT_THAT(mmsim_command(folder, {"explain", "deep/result"}).out, HasSubstr("munmap"));

  ASSERT_EQ(mmsim_command(folder, writing).status, 0) << "the same run may be repeated";
  writing.insert(writing.end(), {"--set", "run.seed=7"});
  const auto before = tree_of(folder / "deep/result");
  expect_refused(mmsim_command(folder, writing), {"deep/result", "another"});
  EXPECT_EQ(tree_of(folder / "deep/result"), before);
}

TEST(Sweep, writes_tables_and_manifest_into_results_by_its_own_name) {
  const TestFolder folder;
  const std::string file = folder.write("my_sweep.toml", small_sweep(2));
  const Ended dry = mmsim_command(folder, {"sweep", file, "--dry-run"});
  EXPECT_EQ(dry.status, 0) << dry.err;
  EXPECT_THAT(dry.out, AllOf(HasSubstr("4 points, 2 seeds: 8 runs"), HasSubstr("eager (what-if)")));
  EXPECT_FALSE(std::filesystem::exists(folder / "results"));

  const Ended ended = mmsim_command(folder, {"sweep", file, "-j", "2"});
  ASSERT_EQ(ended.status, 0) << ended.err;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("munmap, mean latency"), HasSubstr("eager (what-if)")));
  EXPECT_THAT(ended.err, Not(HasSubstr("\r"))) << "no progress where nobody watches";
  const auto tree = tree_of(folder / "results/my_sweep");
  EXPECT_THAT(tree.at("latency.csv"), StartsWith("point,run.cpus,kernel.tlb_flush,operation,"));
  EXPECT_EQ(lines_in(tree.at("point.csv")), 1 + 4 * 2);
  const auto manifest = nlohmann::json::parse(tree.at("manifest.json"));
  EXPECT_EQ(manifest.at("points").size(), 4u);
  EXPECT_EQ(manifest.at("seeds"), 2);
  EXPECT_EQ(manifest.at("what_if"), nlohmann::json({"kernel.tlb_flush=eager"}));
  EXPECT_EQ(manifest.at("axes").at(0).at("path"), "run.cpus");
  EXPECT_EQ(manifest.at("configuration").at("scenario.pages").at("origin"), file + ":7:1");
  EXPECT_EQ(manifest.at("configuration").at("run.seed").at("origin"), "default");
  EXPECT_FALSE(manifest.at("configuration").contains("run.cpus")) << "an axis is no setting";
}

TEST(Sweep, every_sweep_of_the_repository_can_be_planned) {
  const TestFolder folder;
  int sweeps = 0;
  for (const auto& file : std::filesystem::directory_iterator(MMSIM_SOURCE_DIR "/configs/sweeps")) {
    ++sweeps;
    const Ended dry = mmsim_command(folder, {"sweep", file.path().native(), "--dry-run", "--no-estimate"});
    EXPECT_EQ(dry.status, 0) << file.path() << dry.err;
    EXPECT_THAT(dry.out, ContainsRegex("[1-9][0-9]* points, ")) << file.path();
  }
  EXPECT_GE(sweeps, 8);
}

TEST(Sweep, a_directory_of_another_sweep_is_refused_and_left_alone) {
  const TestFolder folder;
  const std::string file = folder.write("s.toml", small_sweep());
  ASSERT_EQ(mmsim_command(folder, {"sweep", file, "--out", "out"}).status, 0);
  const auto before = tree_of(folder / "out");
  for (const std::string change : {"scenario.pages=3", "run.cpus=1", "sweep.seeds=2"})
    expect_refused(mmsim_command(folder, {"sweep", file, "--out", "out", "--set", change}),
                   {"out", "another sweep"});
  expect_refused(mmsim_command(folder, {"run", "--set", "scenario.name=munmap", "--out", "out"}),
                 {"out", "another sweep"});
  EXPECT_EQ(tree_of(folder / "out"), before);

  folder.write("out/points/sweep.json", "{\"hash\": ");
  expect_refused(mmsim_command(folder, {"sweep", file, "--out", "out"}), {"sweep.json", "damaged"});
}

TEST(Explain, says_where_the_time_went_and_what_grew) {
  const TestFolder folder;
  const std::string file = folder.write("s.toml", small_sweep());
  ASSERT_EQ(mmsim_command(folder, {"sweep", file, "--out", "out"}).status, 0);
  const Ended ended = mmsim_command(folder, {"explain", "out"});
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("munmap  kernel.tlb_flush=eager (what-if)\n  bottleneck: "),
                    HasSubstr("tlb_remote"), HasSubstr("munmap at 4 cpus is "), HasSubstr(" % mmap_lock"),
                    HasSubstr("munmap at run.cpus=4\n"), HasSubstr("munmap at 4 cpus: broadcast is ")));
  for (std::size_t first = 0, end; (end = ended.out.find('\n', first)) != std::string::npos; first = end + 1)
    EXPECT_LE(end - first, 110u) << ended.out.substr(first, end - first);
}

TEST(Explain, shows_the_locks_at_the_ends_of_the_axis_or_everywhere) {
  const TestFolder folder;
  const std::string file = folder.write(
      "s.toml", "[machine]\nbase = \"cortex-a72-4\"\n[kernel]\nbase = \"5.10\"\n"
                "[scenario]\nname = \"lock\"\nhold = \"1 us\"\n"
                "[run]\nwarmup = \"20 us\"\nduration = \"200 us\"\n[sweep]\nseeds = 2\n"
                "axes = { \"run.cpus\" = [1, 2, 4], \"scenario.kind\" = [\"ticket\", \"line\"] }\n");
  ASSERT_EQ(mmsim_command(folder, {"sweep", file, "--out", "out"}).status, 0);
  const Ended ends = mmsim_command(folder, {"explain", "out"});
  EXPECT_EQ(ends.status, 0) << ends.err;
  EXPECT_THAT(ends.out, AllOf(HasSubstr("locks  run.cpus=1  scenario.kind=ticket\n"),
                              HasSubstr("locks  run.cpus=4  scenario.kind=ticket\n"),
                              Not(HasSubstr("locks  run.cpus=2")), HasSubstr("test_lock"),
                              HasSubstr("contentions"), HasSubstr("/proc/lock_stat")));
  const Ended all = mmsim_command(folder, {"explain", "out", "--locks"});
  EXPECT_EQ(all.status, 0) << all.err;
  EXPECT_THAT(all.out, HasSubstr("locks  run.cpus=2  scenario.kind=ticket\n"));
  for (const std::string& text : {ends.out, all.out})
    for (std::size_t first = 0, end; (end = text.find('\n', first)) != std::string::npos; first = end + 1)
      EXPECT_LE(end - first, 110u) << text.substr(first, end - first);
}

/// One message that has all of these, status 2, and what is whole.
void expect_shown(const Ended& ended, const std::vector<std::string>& parts) {
  EXPECT_EQ(ended.status, 2) << ended.err;
  EXPECT_EQ(lines_in(ended.err), 1) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("munmap"));
  for (const std::string& part : parts)
    EXPECT_THAT(ended.err, HasSubstr(part));
}

TEST(Explain, shows_what_is_whole_of_directories_that_are_not) {
  const TestFolder folder;
  const std::string file = folder.write("s.toml", small_sweep());
  ASSERT_EQ(mmsim_command(folder, {"sweep", file, "--out", "out"}).status, 0);
  const auto whole = tree_of(folder / "out");
  const auto explain = [&] { return mmsim_command(folder, {"explain", "out"}); };
  const auto with = [&](const std::string& name, const std::string& text,
                        const std::vector<std::string>& parts) {
    SCOPED_TRACE(name + " of " + std::to_string(text.size()) + " bytes");
    folder.write("out/" + name, text);
    expect_shown(explain(), parts);
    folder.write("out/" + name, whole.at(name));
  };
  expect_refused(mmsim_command(folder, {"explain", "nowhere"}), {"nowhere: no such directory"});
  expect_refused(mmsim_command(folder, {"explain", file}), {"not a directory"});
  folder.write("empty/.keep", "");
  expect_refused(mmsim_command(folder, {"explain", "empty"}), {"empty/manifest.json", "No such file"});
  for (const std::string name : {"manifest.json", "latency.csv", "account.csv", "wait.csv", "counter.csv"}) {
    const std::string& text = whole.at(name);
    with(name, "", {name, "empty"});
    with(name, text.substr(0, text.size() / 2), {name});
    with(name, text.substr(0, text.size() - 2), {name});
    std::filesystem::remove(folder / ("out/" + name));
    expect_shown(explain(), {name, "No such file"});
    folder.write("out/" + name, text);
  }
  for (const std::string name :
       {"latency.csv", "account.csv", "wait.csv", "counter.csv"}) { // cut between two lines
    const std::string& text = whole.at(name);
    with(name, text.substr(0, text.rfind('\n', text.size() - 2) + 1), {"out/", "run the same mmsim"});
    with(name, "point\n" + text, {name + ":1"});
  }
  with("latency.csv", "\xff\xfe\n", {"latency.csv:1"});
  const auto without_line_of = [&](const std::string& counter) {
    std::string text = whole.at("counter.csv");
    const std::size_t begin = text.rfind('\n', text.find(counter)) + 1;
    return text.erase(begin, text.find('\n', begin) + 1 - begin);
  };
  with("counter.csv", without_line_of("lock_hold_ns.mmap_lock"), {"counter.csv:", "lock_hold_ns."});
  with("counter.csv", without_line_of("lock_acquired.mmap_lock"), {"counter.csv:", "lock_acquired."});
  EXPECT_EQ(explain().status, 0);
}

TEST(List, shows_every_kind_for_people_and_for_programs) {
  const TestFolder folder;
  const auto names_of = [&](const std::string& kind, const std::string& member) {
    const Ended ended = mmsim_command(folder, {"list", kind, "--json"});
    EXPECT_EQ(ended.status, 0) << ended.err;
    std::vector<std::string> names;
    for (const auto& entry : nlohmann::json::parse(ended.out))
      names.push_back(entry.at(member));
    const Ended text = mmsim_command(folder, {"list", kind});
    EXPECT_EQ(text.status, 0) << text.err;
    for (const std::string& name : names)
      EXPECT_THAT(text.out, HasSubstr(name));
    for (std::size_t first = 0, end; (end = text.out.find('\n', first)) != std::string::npos; first = end + 1)
      EXPECT_LE(end - first, 80u) << kind << ": " << text.out.substr(first, end - first);
    return names;
  };
  EXPECT_THAT(names_of("machines", "name"), Contains("kunpeng920-128"));
  EXPECT_THAT(names_of("kernels", "name"), Contains("5.10"));
  EXPECT_THAT(names_of("scenarios", "name"), Contains("munmap"));
  EXPECT_THAT(names_of("policies", "name"), Contains("broadcast"));
  EXPECT_THAT(names_of("parameters", "path"), Contains("machine.ipi.send"));
  EXPECT_THAT(names_of("counters", "name"), Contains("lock_wait_ns.<class>"));
  EXPECT_THAT(names_of("accounts", "name"), Contains("tlb_remote"));
  EXPECT_THAT(names_of("waits", "name"), Contains("irqs_off"));
  EXPECT_THAT(mmsim_command(folder, {"list", "policies"}).out, HasSubstr("what-if"));
}

TEST(Report, hands_over_to_the_analysis_and_passes_its_status_on) {
  const TestFolder folder;
  const Ended ended = mmsim_command(folder, {"report", "nowhere"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.err, HasSubstr("nowhere"));
  expect_refused(mmsim_command(folder, {"report"}), {"DIR", "mmsim report --help"});
}

TEST(Report, takes_real_runs_before_and_after_directories) {
  const TestFolder folder;
  const Ended ended =
      mmsim_command(folder, {"report", "--real", "a.csv", "nowhere", "--real=b.csv:munmap", "elsewhere"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.err, HasSubstr("nowhere: no such directory"));
  expect_refused(mmsim_command(folder, {"report", "nowhere", "--reel", "a.csv"}), {"--reel", "--real"});
}

} // namespace
} // namespace mmsim::cli_test
