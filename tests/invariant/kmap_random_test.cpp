// Is an address of kmap's pool ever given to another page before every core has dropped the old one?

#include "models/operations/gather.hpp"
#include "models/operations/kmap.hpp"
#include "sim/engine/random.hpp"
#include "tests/support/kernel_world.hpp"
#include "tests/support/violation.hpp"

#include <gtest/gtest.h>

#include <map>

namespace mmsim::tests::kmap_random_test {
namespace {

// Four CPUs map, use and unmap pages at random through eight addresses, and use what others have mapped.
std::string random_mappings(const std::string& policy, std::uint64_t seed) {
  KernelWorld w(4, {{"kernel.tlb_flush", policy}, {"kernel.last_pkmap", std::int64_t{8}}});
  Kmap pool(w.system);
  std::vector<FrameNumber> frames;
  struct Use {
    FrameNumber frame;
    std::uint64_t rounds;
  };
  std::map<std::uint64_t, Use> last;         // by address
  std::map<std::uint64_t, std::size_t> live; // addresses in use, with how many users
  std::string wrong;
  std::size_t running = 4;
  bool made = false;
  for (std::uint32_t cpu = 0; cpu < 4; ++cpu)
    spawn_process_at_boot(w.system, "caller", CoreId(cpu), [&, cpu](Task& task) {
      RandomStream random(seed, "caller " + std::to_string(cpu));
      if (cpu == 0) {
        EXPECT_TRUE(pool.init(task.core()));
        while (frames.size() < 24)
          frames.push_back(w.system.pages.alloc_page(task.core(), GFP_KERNEL));
        task.core().settle();
        made = true;
      }
      w.spin_in_user_mode(task, made);
      for (int i = 0; i < 300; ++i) {
        const FrameNumber frame = frames[random.below(frames.size())];
        const PageNumber address = pool.kmap(task, frame);
        task.core().settle();
        ++live[address.value()];
        const auto before = last.find(address.value());
        if (before != last.end() && before->second.frame != frame && before->second.rounds == pool.rounds())
          wrong = "an address was used again before the flush";
        last.insert_or_assign(address.value(), Use{frame, pool.rounds()});
        pool.access(task.core(), address);
        task.core().settle(); // or what is chosen may be gone when it is used
        auto other = live.begin();
        std::advance(other, random.below(live.size()));
        pool.access(task.core(), PageNumber(other->first));
        task.core().settle();
        if (--live[address.value()] == 0) live.erase(address.value());
        last.insert_or_assign(address.value(), Use{frame, pool.rounds()});
        pool.kunmap(task.core(), frame);
        if (random.below(4) == 0)
          run_user(w.system, task, Duration(static_cast<std::int64_t>(random.below(5'000'000))));
      }
      task.core().settle();
      if (--running == 0)
        for (const FrameNumber one : frames)
          put_page(w.system, task.core(), one);
      exit_task(w.system, task);
    }).bound = true;
  const std::string violation = violation_of([&] {
    w.engine.run();
    w.system.check_invariants();
  });
  if (pool.rounds() < 20) wrong = "there was hardly a flush";
  return violation + wrong;
}

TEST(Kmap, NeverGivesAnAddressToAnotherPageBeforeTheFlush) {
  for (const char* policy : {"eager", "lazy", "leave_mm", "broadcast"})
    for (std::uint64_t seed = 1; seed <= 3; ++seed)
      EXPECT_EQ(text_in_child([&] { return random_mappings(policy, seed); }), "") << policy << " " << seed;
}

} // namespace
} // namespace mmsim::tests::kmap_random_test
