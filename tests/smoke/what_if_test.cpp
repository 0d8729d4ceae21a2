// Which flush policies are what-ifs, on which machine?

#include "models/tlb_flush/tlb_flush_policy.hpp"

#include <gtest/gtest.h>

namespace mmsim::what_if_test {
namespace {

std::string what_ifs_on(bool broadcast, bool erratum, bool hardware_dirty) {
  Configuration configuration;
  configuration.set("machine.tlb.broadcast", broadcast);
  configuration.set("machine.tlb.erratum_798181", erratum);
  configuration.set("machine.mmu.hardware_dirty", hardware_dirty);
  std::string result;
  for (const char* policy : {"broadcast", "erratum_798181", "eager", "lazy", "leave_mm", "latr"})
    if (what_if(configuration, policy)) result.append(result.empty() ? "" : " ").append(policy);
  return result;
}

TEST(WhatIf, where_tlbi_is_broadcast_all_else_is_one) {
  EXPECT_EQ(what_ifs_on(true, false, true), "erratum_798181 eager lazy leave_mm latr");
  EXPECT_EQ(what_ifs_on(true, true, false), "broadcast eager lazy leave_mm latr");
}

TEST(WhatIf, on_older_arm_those_of_x86_are) {
  EXPECT_EQ(what_ifs_on(false, false, false), "lazy leave_mm latr");
}

TEST(WhatIf, on_x86_only_what_no_kernel_has) { EXPECT_EQ(what_ifs_on(false, false, true), "latr"); }

} // namespace
} // namespace mmsim::what_if_test
