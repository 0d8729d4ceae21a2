// Do the areas of a scenario's threads stay apart?

#include "scenarios/users.hpp"
#include "tests/support/kernel_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::users_test {
namespace {

// How many areas two mappings of so many pages, each where a table begins, become.
std::size_t areas_of_two(std::uint64_t pages) {
  KernelWorld w(1);
  std::size_t areas = 0;
  spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
    const std::size_t before = task.mm->vmas.size();
    for (int i = 0; i < 2; ++i)
      EXPECT_NE(mmap(w.system, task, pages, TablePage::entries), map_failed);
    areas = task.mm->vmas.size() - before;
    exit_task(w.system, task);
  });
  w.engine.run();
  return areas;
}

TEST(PagesApart, is_one_more_for_whole_tables) {
  EXPECT_EQ(pages_apart(1), 1u);
  EXPECT_EQ(pages_apart(512), 513u);
  EXPECT_EQ(pages_apart(513), 513u);
}

TEST(PagesApart, keeps_areas_from_becoming_one) { EXPECT_EQ(areas_of_two(pages_apart(1024)), 2u); }

TEST(PagesApart, would_not_be_needed_if_areas_of_whole_tables_did_not_merge) {
  EXPECT_EQ(areas_of_two(1024), 1u);
}

} // namespace
} // namespace mmsim::tests::users_test
