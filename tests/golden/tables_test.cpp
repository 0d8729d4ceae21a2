// The bytes of the result tables, and how they come to be on disk.

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "sim/record/atomic_file.hpp"
#include "sim/record/operations.hpp"
#include "sim/record/tables.hpp"

namespace mmsim::tables_test {
namespace {

using namespace literals;
namespace fs = std::filesystem;

// munmap takes 1000.5 ns and 3001.5 ns in seed 1, 2000 ns in seed 2; one more began before the window. A
// window of 1 ms.
PointResult small_result(std::uint64_t seed, const std::vector<Duration>& latencies) {
  const Instant begin{1_ms};
  OperationRecorder recorder({begin, begin + 1_ms});
  const OperationId munmap = recorder.register_operation("munmap");
  recorder.register_operation("mmap");
  Ledger ledger(begin - 1_ns);
  const OperationStart early = OperationRecorder::begin(ledger, begin - 1_ns);
  ledger.book(Account::work, begin);
  recorder.end(munmap, early, ledger, begin);
  for (const Duration latency : latencies) {
    const Instant began = ledger.booked_until();
    const OperationStart start = OperationRecorder::begin(ledger, began);
    ledger.book(Account::entry, began + 100_ns);
    ledger.book(Account::tlb_remote, began + latency);
    recorder.end(munmap, start, ledger, began + latency);
  }
  Counters counters;
  counters.add(Counter::ipi_requested, 3 * seed);
  counters.add(Counter::context_switch, seed);
  const LockClassId mmap_lock = counters.register_lock_class("mmap_lock");
  counters.lock_acquired(mmap_lock, seed == 1, Duration(12345), seed == 1);
  counters.lock_released(mmap_lock, seed * 1_us);
  if (seed == 2) counters.lock_acquired(mmap_lock, false, {}, true);

  PointResult result;
  result.seed = seed;
  result.simulated = 2_ms + Duration(7);
  result.measured = recorder.measured();
  result.events = 1000 + seed;
  result.host_seconds = 0.0625;
  result.operations = recorder.results();
  result.counters = counters.snapshot();
  return result;
}

ResultTables small_tables() {
  PointResult first = small_result(1, {1000_ns + 500_ps, 3001_ns + 500_ps});
  PointResult second = small_result(2, {2000_ns});
  first.warnings = {"tlb_flush \"lazy\" was never exercised", "short run"};
  PointResult broken;
  broken.seed = 1;
  broken.status = PointStatus::violation;
  broken.message = "stale translation";
  ResultTables tables;
  tables.axes = {"run.cpus", "kernel.tlb_flush"};
  tables.points.push_back({0, {"2", "lazy"}, {second, first}}); // seeds come as they finish
  tables.points.push_back({1, {"4", "a,b"}, {broken}});
  return tables;
}

std::string contents_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::stringstream contents;
  contents << stream.rdbuf();
  return contents.str();
}

// 6002 ns / 3. The squares of 1000.5, 3001.5, 2000 about their seeds and mean pool (F < 1):
// t(0.975, 2) * sqrt((1000.1667^2 + 1000.8333^2 + 0.6667^2) / 2 / 3) = 4.302653 * 577.639 ns. p50 has rank 2
// of 3: its bucket [1998848, 2007040) ps holds one value, so the answer is the middle, 2002944 ps. Five
// completed in 2 ms.
TEST(Tables, LatencyHasTheseBytes) {
  EXPECT_EQ(table_named("latency.csv", small_tables()),
            "point,run.cpus,kernel.tlb_flush,operation,count,mean_ns,ci95_ns,p50_ns,p90_ns,p99_ns,p999_ns,"
            "max_ns,per_second\n"
            "0,2,lazy,munmap,3,2000.667,2485.380,2002.944,3001.500,3001.500,3001.500,3001.500,2500.000\n"
            "0,2,lazy,mmap,0,,,,,,,,0.000\n");
}

TEST(Tables, AccountHasTheseBytesAndNoRowWithoutCost) {
  EXPECT_EQ(table_named("account.csv", small_tables()),
            "point,run.cpus,kernel.tlb_flush,operation,account,mean_ns,total_ps\n"
            "0,2,lazy,munmap,entry,100.000,300000\n"
            "0,2,lazy,munmap,tlb_remote,1900.667,5702000\n");
}

// The waits of a lock are 12.345 ns in seed 1 and nothing in seed 2, the holds 1 us and 2 us: maxima are not
// means.
TEST(Tables, CounterHasTheseBytesAndShowsTheMeanOverSeedsButTheLongestOfAll) {
  EXPECT_EQ(table_named("counter.csv", small_tables()), "point,run.cpus,kernel.tlb_flush,counter,value\n"
                                                        "0,2,lazy,ipi_requested,4.500\n"
                                                        "0,2,lazy,ipi_sent,0\n"
                                                        "0,2,lazy,ipi_received,0\n"
                                                        "0,2,lazy,ipi_coalesced,0\n"
                                                        "0,2,lazy,tlb_hit,0\n"
                                                        "0,2,lazy,tlb_miss,0\n"
                                                        "0,2,lazy,tlb_flush_page,0\n"
                                                        "0,2,lazy,tlb_flush_range,0\n"
                                                        "0,2,lazy,tlb_flush_mm,0\n"
                                                        "0,2,lazy,tlb_flush_all,0\n"
                                                        "0,2,lazy,tlb_flush_skipped,0\n"
                                                        "0,2,lazy,stale_hit,0\n"
                                                        "0,2,lazy,pgfault,0\n"
                                                        "0,2,lazy,pgmajfault,0\n"
                                                        "0,2,lazy,pgcow,0\n"
                                                        "0,2,lazy,pgreuse,0\n"
                                                        "0,2,lazy,pgalloc,0\n"
                                                        "0,2,lazy,pgfree,0\n"
                                                        "0,2,lazy,pcp_refill,0\n"
                                                        "0,2,lazy,pcp_drain,0\n"
                                                        "0,2,lazy,rmap_visits,0\n"
                                                        "0,2,lazy,rmap_bytes,0\n"
                                                        "0,2,lazy,pgscan,0\n"
                                                        "0,2,lazy,pgsteal,0\n"
                                                        "0,2,lazy,pswpin,0\n"
                                                        "0,2,lazy,pswpout,0\n"
                                                        "0,2,lazy,kswapd_wake,0\n"
                                                        "0,2,lazy,direct_reclaim,0\n"
                                                        "0,2,lazy,oom_kill,0\n"
                                                        "0,2,lazy,segfault,0\n"
                                                        "0,2,lazy,seq_retry,0\n"
                                                        "0,2,lazy,gup_fast,0\n"
                                                        "0,2,lazy,gup_slow,0\n"
                                                        "0,2,lazy,context_switch,1.500\n"
                                                        "0,2,lazy,served_max,0\n"
                                                        "0,2,lazy,served_min,0\n"
                                                        "0,2,lazy,rcu_grace_periods,0\n"
                                                        "0,2,lazy,rcu_callbacks,0\n"
                                                        "0,2,lazy,vma_lock_success,0\n"
                                                        "0,2,lazy,vma_lock_abort,0\n"
                                                        "0,2,lazy,vma_lock_retry,0\n"
                                                        "0,2,lazy,vma_lock_miss,0\n"
                                                        "0,2,lazy,latr_deferred,0\n"
                                                        "0,2,lazy,latr_full,0\n"
                                                        "0,2,lazy,pgactivate,0\n"
                                                        "0,2,lazy,pgdeactivate,0\n"
                                                        "0,2,lazy,pgrotated,0\n"
                                                        "0,2,lazy,pageoutrun,0\n"
                                                        "0,2,lazy,kswapd_steal,0\n"
                                                        "0,2,lazy,nr_vmscan_write,0\n"
                                                        "0,2,lazy,pgpgin,0\n"
                                                        "0,2,lazy,pgpgout,0\n"
                                                        "0,2,lazy,io_error,0\n"
                                                        "0,2,lazy,readahead,0\n"
                                                        "0,2,lazy,readahead_hit,0\n"
                                                        "0,2,lazy,swap_ra,0\n"
                                                        "0,2,lazy,swap_ra_hit,0\n"
                                                        "0,2,lazy,swap_full,0\n"
                                                        "0,2,lazy,swap_token,0\n"
                                                        "0,2,lazy,balance_dirty_pages,0\n"
                                                        "0,2,lazy,writeback,0\n"
                                                        "0,2,lazy,congestion_wait,0\n"
                                                        "0,2,lazy,reclaim_flush,0\n"
                                                        "0,2,lazy,rmap_unmapped,0\n"
                                                        "0,2,lazy,swapout_scan,0\n"
                                                        "0,2,lazy,sigbus,0\n"
                                                        "0,2,lazy,cpu_migrations,0\n"
                                                        "0,2,lazy,lb_gained,0\n"
                                                        "0,2,lazy,nr_tlb_remote_flush_received,0\n"
                                                        "0,2,lazy,lock_acquired.mmap_lock,1.500\n"
                                                        "0,2,lazy,lock_contended.mmap_lock,0.500\n"
                                                        "0,2,lazy,lock_wait_ns.mmap_lock,6.173\n"
                                                        "0,2,lazy,lock_hold_ns.mmap_lock,1500\n"
                                                        "0,2,lazy,lock_wait_max_ns.mmap_lock,12.345\n"
                                                        "0,2,lazy,lock_hold_max_ns.mmap_lock,2000\n"
                                                        "0,2,lazy,lock_acq_bounces.mmap_lock,1\n"
                                                        "0,2,lazy,lock_con_bounces.mmap_lock,0.500\n");
}

TEST(Tables, PointHasTheseBytesWithARowASeedInTheirOrder) {
  EXPECT_EQ(
      table_named("point.csv", small_tables()),
      "point,run.cpus,kernel.tlb_flush,seed,status,simulated_ns,host_s,events,warnings\n"
      "0,2,lazy,1,done,2000000.007,0.062,1001,\"tlb_flush \"\"lazy\"\" was never exercised; short run\"\n"
      "0,2,lazy,2,done,2000000.007,0.062,1002,\n"
      "1,4,\"a,b\",1,violation,0.000,0.000,0,\n");
}

TEST(Tables, WithoutAxesStartWithThePointAlone) {
  const ResultTables tables{{}, {{0, {}, {small_result(1, {2000_ns})}}}};
  EXPECT_EQ(table_named("account.csv", tables), "point,operation,account,mean_ns,total_ps\n"
                                                "0,munmap,entry,100.000,100000\n"
                                                "0,munmap,tlb_remote,1900.000,1900000\n");
}

TEST(Tables, AxesWithLineBreaksAndQuotesAreQuoted) {
  const ResultTables tables{{"a\"b"}, {{0, {"x\ny"}, {small_result(1, {})}}}};
  EXPECT_EQ(
      table_named("latency.csv", tables),
      "point,\"a\"\"b\",operation,count,mean_ns,ci95_ns,p50_ns,p90_ns,p99_ns,p999_ns,max_ns,per_second\n"
      "0,\"x\ny\",munmap,0,,,,,,,,1000.000\n"
      "0,\"x\ny\",mmap,0,,,,,,,,0.000\n");
}

TEST(Tables, APointWithoutAValueForEachAxisIsRefused) {
  const ResultTables tables{{"run.cpus"}, {{0, {}, {small_result(1, {2000_ns})}}}};
  EXPECT_THROW(table_named("latency.csv", tables), std::invalid_argument);
}

class FilesTest : public testing::Test {
 protected:
  FilesTest() : directory_(fs::temp_directory_path() / ("mmsim-tables-test." + std::to_string(::getpid()))) {
    fs::create_directory(directory_);
  }
  ~FilesTest() override { fs::remove_all(directory_); }

  std::size_t entries() const {
    return std::size_t(std::distance(fs::directory_iterator(directory_), fs::directory_iterator()));
  }

  fs::path directory_;
};

TEST_F(FilesTest, EveryTableIsWrittenAndNothingElseIsLeft) {
  const std::vector<ResultFile> files = table_files(small_tables());
  EXPECT_FALSE(holds(directory_, files));
  write_files(directory_, files);
  write_files(directory_, files);
  ASSERT_EQ(files.size(), table_names.size());
  for (const ResultFile& file : files)
    EXPECT_EQ(contents_of(directory_ / file.name), file.contents);
  EXPECT_EQ(entries(), table_names.size());
}

TEST_F(FilesTest, ADirectoryHoldsTheTablesOnlyIfEachHasItsBytes) {
  const std::vector<ResultFile> files = table_files(small_tables());
  write_files(directory_, files);
  EXPECT_TRUE(holds(directory_, files));
  for (const ResultFile& file : files) {
    atomic_write(directory_ / file.name, file.contents + "\n");
    EXPECT_FALSE(holds(directory_, files)) << file.name;
    fs::remove(directory_ / file.name);
    EXPECT_FALSE(holds(directory_, files)) << file.name;
    write_files(directory_, files);
  }
}

TEST_F(FilesTest, NoTableIsReplacedIfOneCannotBeWritten) {
  std::vector<ResultFile> files = table_files(small_tables());
  write_files(directory_, files);
  const std::string before = contents_of(directory_ / "latency.csv");
  files.front().contents += "new";
  files.push_back({"missing/manifest.json", "{}"});
  EXPECT_THROW(write_files(directory_, files), std::system_error);
  EXPECT_EQ(contents_of(directory_ / "latency.csv"), before);
  EXPECT_EQ(entries(), table_names.size());
}

TEST_F(FilesTest, ResultsThatWentThroughJsonGiveTheSameBytes) {
  ResultTables tables = small_tables();
  for (ResultTables::Point& point : tables.points)
    for (PointResult& seed : point.seeds)
      seed = point_result_from_json(to_json(seed));
  EXPECT_EQ(table_files(tables), table_files(small_tables()));
}

TEST_F(FilesTest, AWriteThatFailsNamesThePathAndLeavesNothing) {
  const fs::path nowhere = directory_ / "missing" / "manifest.json";
  try {
    atomic_write(nowhere, "{}");
    FAIL() << "written into a directory that does not exist";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    EXPECT_NE(std::string(error.what()).find(nowhere.string()), std::string::npos) << error.what();
  }
  fs::create_directories(directory_ / "latency.csv" / "in the way");
  EXPECT_THROW(atomic_write(directory_ / "latency.csv", "x"), std::system_error);
  EXPECT_EQ(entries(), 1u);
}

TEST_F(FilesTest, AStagedFileReplacesItsTargetOnlyWhenPublished) {
  atomic_write(directory_ / "point.csv", "old");
  {
    const StagedFile dropped(directory_ / "point.csv", "never");
    EXPECT_EQ(contents_of(directory_ / "point.csv"), "old");
  }
  EXPECT_EQ(entries(), 1u);
  StagedFile staged(directory_ / "point.csv", "new");
  EXPECT_EQ(contents_of(directory_ / "point.csv"), "old");
  staged.publish();
  EXPECT_EQ(contents_of(directory_ / "point.csv"), "new");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(FilesTest, WhatAKilledProcessLeftIsRemovedAndNothingElse) {
  std::ofstream(directory_ / ".mmsim-tmp.point.csv.1.0") << "half";
  atomic_write(directory_ / "point.csv", "whole");
  EXPECT_EQ(remove_abandoned_temporaries(directory_), 1u);
  EXPECT_EQ(contents_of(directory_ / "point.csv"), "whole");
  EXPECT_EQ(entries(), 1u);
}

} // namespace
} // namespace mmsim::tables_test
