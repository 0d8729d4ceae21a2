// Do the command's words and tables say what the numbers say?

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/growth.hpp"
#include "cli/lock_stat.hpp"
#include "cli/overview.hpp"
#include "cli/progress.hpp"
#include "cli/readable.hpp"
#include "cli/terminal_table.hpp"

namespace mmsim::cli_text_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Readable, has_three_digits_and_a_unit) {
  EXPECT_EQ(readable_nanoseconds(0), "0 ns");
  EXPECT_EQ(readable_nanoseconds(0.25), "250 ps");
  EXPECT_EQ(readable_nanoseconds(812.4), "812 ns");
  EXPECT_EQ(readable_nanoseconds(999.6), "1.00 us") << "never 1000 ns";
  EXPECT_EQ(readable_nanoseconds(12345), "12.3 us");
  EXPECT_EQ(readable_nanoseconds(5e12), "5000 s");
  EXPECT_EQ(readable_count(1234567), "1 234 567");
  EXPECT_EQ(readable_count(999), "999");
  EXPECT_EQ(readable_rate(275400), "275 k");
  EXPECT_EQ(readable_share(0.004), "<1 %");
  EXPECT_EQ(readable_share(0.714), "71 %");
  EXPECT_EQ(readable_ratio(1.08), "1.08x");
  EXPECT_EQ(readable_ratio(9.14), "9.1x");
  EXPECT_EQ(readable_seconds(250), "4 min 10 s");
}

TEST(TerminalTable, aligns_columns_and_wraps_only_those_that_may) {
  TerminalTable table({{"name"}, {"value", TerminalTable::right}, {"help", TerminalTable::wraps}});
  table.add_row({"first", "1", "short"});
  table.add_row({"a", "1234", "a help that is too long for its line"});
  Terminal narrow;
  narrow.width = 32;
  EXPECT_EQ(table.text(narrow), "name   value  help\n"
                                "first      1  short\n"
                                "a       1234  a help that is too\n"
                                "              long for its line\n");
  EXPECT_EQ(table.text(Terminal{}), "name   value  help\n"
                                    "first      1  short\n"
                                    "a       1234  a help that is too long for its line\n");
  EXPECT_THAT(wrapped("unbreakable words", 6), ElementsAre("unbrea", "kable", "words"));
}

Terminal of_width(std::size_t width) {
  Terminal terminal;
  terminal.width = width;
  return terminal;
}

const std::vector<LockStat> three_locks{
    {.name = "zone_lock", .acquired = 1000, .hold_ns = 5e4, .hold_max_ns = 99},
    {.name = "never_taken"},
    {.name = "mmap_lock",
     .acquired = 10.5, // a mean over two seeds
     .contended = 4,
     .wait_ns = 8000,
     .hold_ns = 21,
     .wait_max_ns = 3000,
     .hold_max_ns = 7,
     .acq_bounces = 6,
     .con_bounces = 3}};

TEST(LockStats, have_the_columns_of_proc_lock_stat_in_its_order_and_sorted_by_wait) {
  LockStatTable table(of_width(160));
  EXPECT_EQ(table.text(three_locks),
            "class name  con-bounces  contentions  waittime-max  waittime-total  waittime-avg  acq-bounces  "
            "acquisitions  holdtime-max  holdtime-total  holdtime-avg\n"
            "mmap_lock             3            4       3.00 us         8.00 us       2.00 us            6  "
            "          11       7.00 ns         21.0 ns       2.00 ns\n"
            "zone_lock             0            0             -               -             -            0  "
            "       1 000       99.0 ns         50.0 us       50.0 ns\n");
  EXPECT_THAT(table.legend(), testing::Not(HasSubstr("Too wide")));
}

TEST(LockStats, get_a_table_for_waits_and_one_for_holds_where_both_do_not_fit) {
  LockStatTable table(of_width(80));
  EXPECT_EQ(table.text(three_locks, 2, 1),
            "                 con-               waittime-  waittime-  waittime-\n"
            "  class name  bounces  contentions        max      total        avg\n"
            "  mmap_lock         3            4    3.00 us    8.00 us    2.00 us\n"
            "                 acq-                holdtime-  holdtime-  holdtime-\n"
            "  class name  bounces  acquisitions        max      total        avg\n"
            "  mmap_lock         6            11    7.00 ns    21.0 ns    2.00 ns\n"
            "  and 1 more that waited less\n");
}

TEST(LockStats, leave_out_what_does_not_fit_and_say_so) {
  for (std::size_t width = 40; width < 170; ++width) {
    LockStatTable table(of_width(width));
    const std::string text = table.text(three_locks, 2) + table.legend();
    for (std::size_t first = 0, end; (end = text.find('\n', first)) != std::string::npos; first = end + 1)
      EXPECT_LE(end - first, width) << text.substr(first, end - first);
    EXPECT_THAT(text, testing::AllOf(HasSubstr("contentions"), HasSubstr("acquisitions")));
  }
  LockStatTable narrow(of_width(40));
  narrow.text(three_locks);
  EXPECT_THAT(narrow.legend(), HasSubstr("con-bounces,"));
  LockStatTable nothing(of_width(40));
  EXPECT_EQ(nothing.text({three_locks[1]}), "");
  EXPECT_EQ(nothing.legend(), "");
}

Findings::Operation munmap(double work, double remote, double spin) {
  Findings::Operation operation;
  operation.name = "munmap";
  operation.count = 10;
  operation.accounts = {{"work", work}, {"tlb_remote", remote}, {"lock_spin", spin}};
  operation.mean_ns = work + remote + spin;
  return operation;
}

TEST(Growth, names_the_accounts_that_the_difference_went_to) {
  const auto alone = munmap(100, 0, 0), crowded = munmap(120, 600, 180);
  EXPECT_EQ(growth("run.cpus", "1", alone, "128", crowded),
            "munmap at 128 cpus is 9.0x slower than at 1: +75 % tlb_remote, +22 % lock_spin");
  EXPECT_EQ(growth("run.cpus", "128", crowded, "1", alone),
            "munmap at 1 cpus is 9.0x faster than at 128: -75 % tlb_remote, -22 % lock_spin");
  EXPECT_EQ(growth("machine.ipi.send", "80 ns", alone, "1 us", crowded).substr(0, 27),
            "munmap at send 1 us is 9.0x");
  EXPECT_EQ(growth("run.cpus", "1", alone, "2", munmap(102, 0, 0)), "") << "a change of 2 % is none";
}

TEST(Progress, tells_how_far_and_how_long) {
  Terminal terminal;
  Progress progress(terminal, 10, 2, 80, 2);
  EXPECT_THAT(progress.line(), HasSubstr("2/10 runs"));
  progress.finished(40, 12, true);
  progress.finished(20, 6, false);
  EXPECT_THAT(progress.line(), HasSubstr("4/10 runs"));
  EXPECT_THAT(progress.line(), HasSubstr("ETA 3.0 s"))
      << "20 of weight left at 18 s for 60, by two processes";
  EXPECT_THAT(progress.line(), HasSubstr("1 failed"));
  EXPECT_LT(progress.line().size(), terminal.width);
}

TEST(Overview, has_a_row_for_each_number_and_marks_what_ifs) {
  Findings findings;
  findings.axes = {{"kernel.tlb_flush", {"eager", "broadcast"}, {}}, {"run.cpus", {"8", "1"}, {8, 1}}};
  findings.what_if = {"kernel.tlb_flush=eager"};
  for (const std::string policy : {"eager", "broadcast"})
    for (const std::string cpus : {"8", "1"})
      findings.points.push_back({findings.points.size(),
                                 {policy, cpus},
                                 "done",
                                 policy == "eager",
                                 {munmap(cpus == "8" ? 800 : 100, 0, 0)}});
  findings.points.back().operations.clear();
  EXPECT_EQ(overview(findings, Terminal{}), "munmap, mean latency\n"
                                            "kernel.tlb_flush  eager (what-if)  broadcast\n"
                                            "        run.cpus\n"
                                            "               1           100 ns          -\n"
                                            "               8           800 ns     800 ns\n"
                                            "\n"
                                            "(what-if): this machine's own kernel does not flush so\n");
}

} // namespace
} // namespace mmsim::cli_text_test
