// Does mmsim explain name for whom was waited?

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/bottleneck.hpp"
#include "cli/explain_tree.hpp"
#include "cli/explanation.hpp"
#include "cli/growth.hpp"
#include "cli/overview.hpp"
#include "cli/terminal_table.hpp"

namespace mmsim::explain_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Terminal of_width(std::size_t width) {
  Terminal terminal;
  terminal.width = width;
  return terminal;
}

void expect_no_line_wider(const std::string& text, std::size_t width) {
  for (std::size_t first = 0, end; (end = text.find('\n', first)) != std::string::npos; first = end + 1)
    EXPECT_LE(columns_of(text.substr(first, end - first)), width) << text.substr(first, end - first);
}

Findings::AccountTime account(const std::string& name, std::vector<Findings::Wait> waits) {
  Findings::AccountTime result{name, 0, std::move(waits), 0};
  for (const Findings::Wait& wait : result.waits)
    result.mean_ns += wait.mean_ns;
  return result;
}

Findings::Operation munmap(std::vector<Findings::AccountTime> accounts) {
  Findings::Operation operation;
  operation.name = "munmap";
  operation.count = 100;
  operation.accounts = std::move(accounts);
  for (const Findings::AccountTime& each : operation.accounts)
    operation.mean_ns += each.mean_ns;
  return operation;
}

const Findings::Operation alone = munmap({{"work", 100}});
const Findings::Operation crowded =
    munmap({{"entry", 3},
            {"work", 188},
            account("lock_sleep", {{WaitKind::other, "", 6}, {WaitKind::lock, "mmap_lock", 194}}),
            {"alloc", 5},
            {"tlb_local", 4},
            account("tlb_remote", {{WaitKind::ipi, "cpu 1", 60},
                                   {WaitKind::ipi, "cpu 2", 36},
                                   {WaitKind::irqs_off, "cpu 2", 4},
                                   {WaitKind::handler, "cpu 1", 200},
                                   {WaitKind::handler, "cpu 2", 300}})});

TEST(TimeTree, has_accounts_by_share_and_below_those_that_wait_for_whom) {
  EXPECT_EQ(time_tree(crowded, "munmap at run.cpus=128", of_width(80)),
            "share     mean  munmap at run.cpus=128\n"
            " 60 %   600 ns  |- tlb_remote\n"
            " 50 %   500 ns  |  |- handlers of other CPUs (cpu 2 most: 30 %)\n"
            " 10 %  96.0 ns  |  |- interrupts on their way to other CPUs (cpu 1 most: 6 %)\n"
            " <1 %  4.00 ns  |  `- other CPUs with interrupts off (cpu 2)\n"
            " 20 %   200 ns  |- lock_sleep\n"
            " 19 %   194 ns  |  |- mmap_lock\n"
            "  1 %  6.00 ns  |  `- nobody in particular\n"
            " 19 %   188 ns  |- work\n"
            "  1 %  12.0 ns  `- other: alloc, tlb_local, entry\n");
}

TEST(TimeTree, wraps_its_names_where_it_is_narrow_and_draws_boxes_where_it_may) {
  const std::string narrow = time_tree(crowded, "munmap at run.cpus=128", of_width(40));
  expect_no_line_wider(narrow, 40);
  EXPECT_THAT(narrow, HasSubstr(" 50 %   500 ns  |  |- handlers of other\n"
                                "                |  |  CPUs (cpu 2 most:\n"
                                "                |  |  30 %)\n"));
  EXPECT_THAT(narrow, Not(HasSubstr("\033")));
  Terminal drawn = of_width(80);
  drawn.box_drawing = drawn.colour = true;
  const std::string boxes = time_tree(crowded, "munmap", drawn);
  EXPECT_THAT(boxes,
              AllOf(HasSubstr("\u251c\u2500 tlb_remote"), HasSubstr("\u2502  \u2514\u2500 nobody"),
                    HasSubstr("\u2514\u2500 other: alloc"), HasSubstr("\033[1mshare"), Not(HasSubstr("|-"))));
  expect_no_line_wider(time_tree(crowded, "munmap", of_width(80), 2), 80);
}

TEST(TimeTree, of_an_operation_without_accounts_says_so) {
  Findings::Operation unknown = alone;
  unknown.accounts.clear();
  EXPECT_EQ(time_tree(unknown, "munmap", of_width(80)), "share    mean  munmap\n"
                                                        "       100 ns  `- its accounts are not known\n");
}

TEST(Growth, names_for_whom_the_difference_was_waited) {
  const std::string parts = "56 % waiting for remote cores: handlers, ";
  EXPECT_EQ(growth("run.cpus", "1", alone, "128", crowded),
            "munmap at 128 cpus is 10.0x slower than at 1: +56 % waiting for remote cores: handlers, +22 % "
            "mmap_lock "
            "(sleeping), +11 % waiting for remote cores: interrupts on their way");
  EXPECT_EQ(growth("run.cpus", "128", crowded, "1", alone),
            "munmap at 1 cpus is 10.0x faster than at 128: -56 % waiting for remote cores: handlers, -22 % "
            "mmap_lock "
            "(sleeping), -11 % waiting for remote cores: interrupts on their way");
  EXPECT_THAT(comparison("eager (what-if)", crowded, "lazy", alone),
              HasSubstr("lazy is 10.0x faster than eager (what-if): -" + parts));
  EXPECT_EQ(comparison("lazy", alone, "eager", alone), "") << "there is nothing to say";
}

TEST(Growth, names_accounts_where_one_of_the_two_does_not_say_for_whom) {
  Findings::Operation old = crowded;
  for (Findings::AccountTime& each : old.accounts)
    each.waits.clear();
  EXPECT_EQ(growth("run.cpus", "1", alone, "128", old),
            "munmap at 128 cpus is 10.0x slower than at 1: +67 % tlb_remote, +22 % lock_sleep, +10 % work");
  old.accounts.clear();
  EXPECT_EQ(growth("run.cpus", "1", alone, "128", old), "munmap at 128 cpus is 10.0x slower than at 1");
}

TEST(Growth, tells_apart_how_a_lock_was_waited_for_and_calls_lines_and_devices_by_name) {
  const auto to =
      munmap({{"work", 100},
              account("coherence", {{WaitKind::lock, "mmap_lock", 100}, {WaitKind::line, "mm_count", 300}}),
              account("io", {{WaitKind::device, "swap", 200}})});
  EXPECT_THAT(growth("run.cpus", "1", alone, "2", to),
              HasSubstr(": +50 % the line of mm_count, +33 % swap, +17 % taking mmap_lock"));
  EXPECT_THAT(time_tree(to, "munmap", of_width(80)),
              AllOf(HasSubstr("|  |- the line of mm_count\n"), HasSubstr("|  `- taking mmap_lock\n")));
}

TEST(Sentences, keep_a_number_and_its_percent_sign_in_one_line) {
  EXPECT_THAT(wrapped("than at 1: +91 % handlers", 14), ElementsAre("than at 1:", "+91 % handlers"));
  EXPECT_THAT(wrapped("+91 % handlers", 4), ElementsAre("+91", "%", "hand", "lers")) << "no room for both";
}

std::string bottleneck(std::vector<Findings::AccountTime> accounts) {
  const auto found = bottleneck_of(munmap(std::move(accounts)));
  return found ? found->name : "none";
}

TEST(Bottleneck, is_what_was_planted) {
  EXPECT_EQ(bottleneck({{"work", 50},
                        account("tlb_remote", {{WaitKind::ipi, "cpu 1", 30},
                                               {WaitKind::ipi, "cpu 2", 30},
                                               {WaitKind::handler, "cpu 1", 40}})}),
            "interrupts on their way to other CPUs")
      << "no CPU alone is more than the work";
  EXPECT_EQ(
      bottleneck({{"work", 50},
                  account("coherence", {{WaitKind::lock, "mmap_lock", 20}}),
                  account("lock_spin", {{WaitKind::lock, "mmap_lock", 20}, {WaitKind::lock, "pte_lock", 30}}),
                  account("lock_sleep", {{WaitKind::lock, "mmap_lock", 20}})}),
      "mmap_lock")
      << "a lock is one, however it is waited for";
  EXPECT_EQ(bottleneck({{"work", 50}, account("io", {{WaitKind::device, "swap", 60}})}), "swap");
  EXPECT_EQ(bottleneck({{"work", 50},
                        account("lock_spin",
                                {{WaitKind::lock, "zone_lock", 60}, {WaitKind::lock, "lru_lock", 55}})}),
            "zone_lock");
  EXPECT_EQ(bottleneck({account("schedule", {{WaitKind::run_queue, "", 60}, {WaitKind::other, "", 70}})}),
            "schedule");
  EXPECT_EQ(bottleneck({{"work", 50}, {"lock_sleep", 60}}), "lock_sleep") << "nobody knows for whom";
  EXPECT_EQ(bottleneck({}), "none");
  const auto share = bottleneck_of(crowded);
  EXPECT_EQ(share->name, "handlers of other CPUs");
  EXPECT_DOUBLE_EQ(share->share, 0.5);
}

/// Two policies at 1 and 128 CPUs, one of them a what-if.
Findings small_findings() {
  Findings findings;
  findings.axes = {{"kernel.tlb_flush", {"eager", "lazy"}, {}},
                   {"run.cpus", {"1", "64", "128"}, {1, 64, 128}}};
  findings.what_if = {"kernel.tlb_flush=eager"};
  for (const std::string policy : {"eager", "lazy"})
    for (const std::string cpus : {"1", "64", "128"})
      findings.points.push_back({findings.points.size(),
                                 {policy, cpus},
                                 "done",
                                 policy == "eager",
                                 {policy == "eager" && cpus != "1" ? crowded : alone}});
  return findings;
}

TEST(Explanation, has_the_bottleneck_trees_at_the_ends_and_policies_against_each_other) {
  const std::string text = explanation(small_findings(), {}, of_width(80));
  EXPECT_THAT(text, HasSubstr("munmap  kernel.tlb_flush=eager (what-if)\n"
                              "  bottleneck: handlers of other CPUs, 50 % of munmap at run.cpus=128\n"));
  EXPECT_THAT(text,
              HasSubstr("  munmap at 64 cpus is 10.0x slower than at 1: +56 % waiting for remote cores:\n"
                        "    handlers, +22 % mmap_lock (sleeping), +11 % waiting for remote cores:\n"
                        "    interrupts on their way\n"));
  EXPECT_THAT(text, AllOf(HasSubstr("\n  share     mean  munmap at run.cpus=128\n"),
                          HasSubstr("\n  share    mean  munmap at run.cpus=1\n"),
                          Not(HasSubstr("munmap at run.cpus=64\n"))));
  EXPECT_THAT(text,
              HasSubstr("munmap, one against the other\n"
                        "  munmap at 128 cpus: lazy is 10.0x faster than eager (what-if): -56 % waiting\n"));
  EXPECT_THAT(text, HasSubstr("\nkernel.tlb_flush=eager (what-if)\n(what-if): "));
  EXPECT_THAT(explanation(small_findings(), {true, false}, of_width(80)),
              HasSubstr("munmap at run.cpus=64\n"));
  for (const std::size_t width : {40u, 80u})
    expect_no_line_wider(explanation(small_findings(), {true, true}, of_width(width)), width);
}

TEST(Explanation, of_points_that_are_no_product_has_them_one_below_the_other) {
  Findings sampled = small_findings();
  sampled.points.erase(sampled.points.begin() + 1); // eager at 64
  const std::string text = explanation(sampled, {}, of_width(80));
  EXPECT_THAT(text,
              AllOf(HasSubstr("munmap, the slowest point first\n  point     mean  bottleneck"),
                    HasSubstr("\n      2  1.00 us  handlers of other CPUs, 50 %  kernel.tlb_flush=eager"),
                    HasSubstr("  munmap: point 5 is 10.0x faster than point 2: -56 % waiting for remote"),
                    HasSubstr("munmap at point 2\n"), HasSubstr("munmap at point 5\n"),
                    Not(HasSubstr("munmap at point 3\n"))));
  for (const std::size_t width : {40u, 80u})
    expect_no_line_wider(explanation(sampled, {}, of_width(width)), width);
  EXPECT_THAT(overview(sampled, of_width(80)), HasSubstr("munmap, mean latency\npoint"));
}

} // namespace
} // namespace mmsim::explain_test
