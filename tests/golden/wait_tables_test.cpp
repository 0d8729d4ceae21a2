// The bytes of wait.csv, histogram.csv, ipi.csv and folded.txt.

#include <cstdint>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/record/operations.hpp"
#include "sim/record/tables.hpp"
#include "sim/record/wait_names.hpp"

namespace mmsim::wait_tables_test {
namespace {

using namespace literals;

struct Step {
  Duration length;
  Account account;
  WaitId whom{};
};

/// A run with one munmap, which took these steps.
PointResult run_of(std::uint64_t seed, WaitNames& names, Counters& counters, const std::vector<Step>& steps) {
  OperationRecorder recorder({Instant(0_ns), Instant(1_ms)});
  const OperationId munmap = recorder.register_operation("munmap");
  Ledger ledger(Instant(0_ns));
  const OperationStart start = OperationRecorder::begin(ledger, Instant(0_ns));
  for (const Step& step : steps)
    ledger.book(step.account, ledger.booked_until() + step.length, step.whom);
  recorder.end(munmap, start, ledger, ledger.booked_until());
  PointResult result;
  result.seed = seed;
  result.simulated = 1_ms;
  result.measured = recorder.measured();
  result.operations = recorder.results([&](WaitId whom) { return names.name_of(whom, counters); });
  result.counters = counters.snapshot();
  return result;
}

/// 1000 ns in seed 1 and 3000 ns in seed 2, on three CPUs; an axis whose value has what folded stacks must
/// not have.
ResultTables small_tables() {
  WaitNames names;
  Counters counters;
  const WaitId lock = wait_for(counters.register_lock_class("mm;page,table"));
  const WaitId tick = names.id(WaitKind::interrupt, "tick");
  const WaitId swap = names.id(WaitKind::device, "swap");
  const auto cpu = [](WaitKind kind, std::uint32_t number) { return WaitId(kind, number); };
  PointResult first = run_of(1, names, counters,
                             {{100_ns, Account::entry},
                              {300_ns, Account::lock_spin, lock},
                              {200_ns, Account::tlb_remote, cpu(WaitKind::ipi, 10)},
                              {399_ns, Account::tlb_remote, cpu(WaitKind::handler, 2)},
                              {1_ns, Account::io, swap}});
  PointResult second = run_of(2, names, counters,
                              {{100_ns, Account::entry},
                               {900_ns, Account::tlb_remote, cpu(WaitKind::ipi, 2)},
                               {400_ns, Account::tlb_remote, cpu(WaitKind::ipi, 10)},
                               {100_ns + 1_ps, Account::tlb_remote, cpu(WaitKind::handler, 10)},
                               {1000_ns - 1_ps, Account::tlb_remote},
                               {500_ns, Account::interrupt, tick}});
  first.ipis = second.ipis = IpiCounts(3);
  first.ipis.at(0, 1) = 2;
  first.ipis.at(2, 0) = 1;
  second.ipis.at(0, 1) = 2;
  second.ipis.at(1, 2) = 7;
  PointResult broken;
  broken.seed = 1;
  broken.status = PointStatus::violation;
  return {{"run.cpus", "kernel.spinlock"}, {{0, {"3", "a;b,c"}, {second, first}}, {1, {"4", "d"}, {broken}}}};
}

TEST(WaitTable, HasTheseBytesInTheOrderOfAccountsKindsAndNumbersInNames) {
  EXPECT_EQ(table_named("wait.csv", small_tables()),
            "point,run.cpus,kernel.spinlock,operation,account,kind,whom,mean_ns,total_ps\n"
            "0,3,\"a;b,c\",munmap,lock_spin,lock,\"mm;page,table\",150.000,300000\n"
            "0,3,\"a;b,c\",munmap,tlb_remote,other,,500.000,999999\n"
            "0,3,\"a;b,c\",munmap,tlb_remote,ipi,cpu 2,450.000,900000\n"
            "0,3,\"a;b,c\",munmap,tlb_remote,ipi,cpu 10,300.000,600000\n"
            "0,3,\"a;b,c\",munmap,tlb_remote,handler,cpu 2,199.500,399000\n"
            "0,3,\"a;b,c\",munmap,tlb_remote,handler,cpu 10,50.001,100001\n"
            "0,3,\"a;b,c\",munmap,interrupt,interrupt,tick,250.000,500000\n"
            "0,3,\"a;b,c\",munmap,io,device,swap,0.500,1000\n");
}

// 1,000,000 ps lie in the octave from 2^19, 3,000,000 ps in that from 2^21; a bucket is the octave's
// sixteenth.
TEST(HistogramTable, HasTheseBytes) {
  EXPECT_EQ(table_named("histogram.csv", small_tables()),
            "point,run.cpus,kernel.spinlock,operation,low_ns,high_ns,count\n"
            "0,3,\"a;b,c\",munmap,983.040,1015.808,1\n"
            "0,3,\"a;b,c\",munmap,2883.584,3014.656,1\n");
}

TEST(IpiTable, HasTheseBytesAndShowsTheMeanOverSeeds) {
  EXPECT_EQ(table_named("ipi.csv", small_tables()), "point,run.cpus,kernel.spinlock,from,to,width,count\n"
                                                    "0,3,\"a;b,c\",0,1,1,2\n"
                                                    "0,3,\"a;b,c\",1,2,1,3.500\n"
                                                    "0,3,\"a;b,c\",2,0,1,0.500\n");
}

TEST(FoldedStacks, HaveTheseBytes) {
  const std::string point = "run.cpus=3 kernel.spinlock=a,b,c;munmap;";
  EXPECT_EQ(table_named("folded.txt", small_tables()),
            point + "entry 200000\n" +                            //
                point + "lock_spin;lock mm,page,table 300000\n" + //
                point + "tlb_remote;other 999999\n" +             //
                point + "tlb_remote;ipi cpu 2 900000\n" +         //
                point + "tlb_remote;ipi cpu 10 600000\n" +        //
                point + "tlb_remote;handler cpu 2 399000\n" +     //
                point + "tlb_remote;handler cpu 10 100001\n" +    //
                point + "interrupt;interrupt tick 500000\n" +     //
                point + "io;device swap 1000\n");
}

TEST(FoldedStacks, BeginWithTheOperationWhereThereIsNoAxis) {
  ResultTables tables = small_tables();
  tables.axes.clear();
  tables.points.resize(1);
  tables.points[0].axis_values.clear();
  EXPECT_EQ(table_named("folded.txt", tables).substr(0, 20), "munmap;entry 200000\n");
}

// What stackcollapse scripts write and flamegraph.pl reads: /^(.*)\s+?(\d+(?:\.\d*)?)$/, frames between ";".
TEST(FoldedStacks, AreLinesOfFramesASpaceAndAnIntegerWhateverNamesContain) {
  ResultTables tables = small_tables();
  tables.points[0].axis_values[1] = "x\ny;\tz 7";
  for (PointResult& seed : tables.points[0].seeds)
    seed.operations[0].name = "two words;\r\n";
  std::istringstream lines(table_named("folded.txt", tables));
  const std::regex grammar("[^;[:cntrl:]]+;[^;[:cntrl:]]+;[a-z_]+(;[^;[:cntrl:]]+)? [0-9]+");
  std::int64_t sum = 0;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(std::regex_match(line, grammar)) << line;
    sum += std::stoll(line.substr(line.rfind(' ') + 1));
  }
  EXPECT_EQ(sum, 4'000'000) << "leaves sum to the latency of both seeds";
}

/// The fields of a table's rows without quotes, by row.
std::vector<std::vector<std::string>> rows_of(const std::string& name, const ResultTables& tables) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(table_named(name, tables));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    rows.emplace_back();
    for (std::string field; std::getline(fields, field, ',');)
      rows.back().push_back(field);
  }
  rows.erase(rows.begin());
  return rows;
}

ResultTables without_commas() {
  ResultTables tables = small_tables();
  tables.points[0].axis_values[1] = "queued";
  for (PointResult& seed : tables.points[0].seeds)
    for (WaitTotal& wait : seed.operations[0].waits)
      if (wait.kind == WaitKind::lock) wait.whom = "mmap_lock";
  return tables;
}

TEST(WaitTable, SumsToEachWaitingAccountExactly) {
  const ResultTables tables = without_commas();
  std::map<std::string, std::int64_t> waits, accounts;
  for (const auto& row : rows_of("wait.csv", tables))
    waits[row.at(4)] += std::stoll(row.at(8));
  for (const auto& row : rows_of("account.csv", tables))
    if (is_waiting(account_named(row.at(4)).value())) accounts[row.at(4)] = std::stoll(row.at(6));
  EXPECT_EQ(waits, accounts);
  EXPECT_EQ(waits.size(), 4u);
}

TEST(HistogramTable, CountsSumToThoseOfLatencyAndIntervalsAscendWithoutOverlap) {
  WaitNames names;
  Counters counters;
  Histogram latency;
  BatchMeans batches;
  PointResult result = run_of(1, names, counters, {});
  for (std::int64_t value = 1; value < 4'000'000'000; value = value * 9 / 8 + 1) {
    latency.record(Duration(value));
    batches.record(Duration(value));
  }
  OperationResult operation;
  operation.name = "munmap";
  operation.completed = latency.count();
  operation.latency = latency;
  operation.batches = batches;
  operation.accounts[index(Account::work)] = latency.sum();
  result.operations = {operation};
  const ResultTables tables{{}, {{0, {}, {result}}}};
  std::uint64_t count = 0;
  double end = 0;
  for (const auto& row : rows_of("histogram.csv", tables)) {
    EXPECT_GE(std::stod(row.at(2)), end);
    end = std::stod(row.at(3));
    EXPECT_LT(std::stod(row.at(2)), end);
    count += std::stoull(row.at(4));
  }
  EXPECT_EQ(count, latency.count());
  EXPECT_EQ(std::to_string(count), rows_of("latency.csv", tables).at(0).at(2));
}

TEST(IpiTable, HasAtMost64By64RowsHoweverManyCpusSend) {
  struct Machine {
    std::uint32_t cpus, width, groups;
  };
  for (const auto [cpus, width, groups] : {Machine{1, 1, 1},
                                           {64, 1, 64},
                                           {65, 2, 33},
                                           {128, 2, 64},
                                           {150, 3, 50},
                                           {1000, 16, 63},
                                           {1024, 16, 64}}) {
    IpiMatrix matrix(cpus);
    for (std::uint32_t from = 0; from < cpus; ++from)
      for (std::uint32_t to = 0; to < cpus; ++to)
        matrix.count(from, to);
    PointResult result;
    result.seed = 1;
    result.ipis = matrix.snapshot();
    const auto rows = rows_of("ipi.csv", {{}, {{0, {}, {result}}}});
    EXPECT_EQ(rows.size(), groups * groups) << cpus;
    std::uint64_t sum = 0;
    for (const auto& row : rows) {
      EXPECT_EQ(row.at(3), std::to_string(width)) << cpus;
      sum += std::stoull(row.at(4));
    }
    EXPECT_EQ(sum, std::uint64_t(cpus) * cpus);
    EXPECT_EQ(rows.back().at(1), std::to_string((groups - 1) * width)) << cpus;
    const std::uint32_t in_last = cpus - (groups - 1) * width; // the last group may have fewer
    EXPECT_EQ(rows.back().at(4), std::to_string(in_last * in_last)) << cpus;
  }
}

} // namespace
} // namespace mmsim::wait_tables_test
