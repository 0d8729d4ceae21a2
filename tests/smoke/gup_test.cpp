// Bad input to gup_fork.

#include "tests/support/points.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mmsim::tests::gup_test {
namespace {

TEST(GupFork, RefusesToPinMorePagesThanItsRegionHas) {
  const std::string said = text_in_child([]() -> std::string {
    try {
      run_point(load_configuration({}, {"scenario.name=gup_fork", "scenario.pages=4"}));
    } catch (const InputError& error) {
      return error.what();
    }
    return "it ran";
  });
  EXPECT_THAT(said, testing::HasSubstr("scenario.pin = 16 pages at once are more than scenario.pages = 4"));
}

} // namespace
} // namespace mmsim::tests::gup_test
