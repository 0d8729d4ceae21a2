// The core itself: its clock, and whether the partner shares its execution units.
#include "cli/host/clock.hpp"
#include "cli/host/partner.hpp"
#include "cli/host/trial_groups.hpp"

namespace mmsim::host {
namespace {

/// Each needs the sum before: a cycle each. Not an immediate, which newer cores add without any.
[[gnu::noinline]] void dependent_adds(int thousands) {
  std::uint64_t sum = 0, one = 1;
  for (int i = 0; i < thousands * 1000 / 50; ++i) {
#define MMSIM_FIVE_ADDS(add) add "\n\t" add "\n\t" add "\n\t" add "\n\t" add "\n\t"
#define MMSIM_FIFTY_ADDS(add)                                                                                \
  MMSIM_FIVE_ADDS(add)                                                                                       \
  MMSIM_FIVE_ADDS(add)                                                                                       \
  MMSIM_FIVE_ADDS(add)                                                                                       \
  MMSIM_FIVE_ADDS(add)                                                                                       \
  MMSIM_FIVE_ADDS(add) MMSIM_FIVE_ADDS(add) MMSIM_FIVE_ADDS(add) MMSIM_FIVE_ADDS(add) MMSIM_FIVE_ADDS(add)   \
      MMSIM_FIVE_ADDS(add)
#if defined(__x86_64__)
    asm volatile(MMSIM_FIFTY_ADDS("addq %1, %0") : "+r"(sum) : "r"(one) : "cc");
#elif defined(__aarch64__)
    asm volatile(MMSIM_FIFTY_ADDS("add %0, %0, %1") : "+r"(sum) : "r"(one));
#endif
#undef MMSIM_FIFTY_ADDS
#undef MMSIM_FIVE_ADDS
  }
  keep(sum);
}

/// As many independent ones as the core can do at a time: a busy hyperthread takes some of them away.
[[gnu::noinline]] void independent_adds(int rounds) {
  std::uint64_t a = 0, b = 1, c = 2, d = 3, e = 4, f = 5;
  for (int i = 0; i < rounds; ++i) {
#if defined(__x86_64__)
#define MMSIM_SIX_ADDS                                                                                       \
  "addq %0, %0\n\taddq %1, %1\n\taddq %2, %2\n\taddq %3, %3\n\taddq %4, %4\n\taddq %5, %5\n\t"
#else
#define MMSIM_SIX_ADDS                                                                                       \
  "add %0, %0, %0\n\tadd %1, %1, %1\n\tadd %2, %2, %2\n\tadd %3, %3, %3\n\tadd %4, %4, %4\n\tadd %5, %5, "   \
  "%5\n\t"
#endif
    asm volatile(MMSIM_SIX_ADDS MMSIM_SIX_ADDS MMSIM_SIX_ADDS MMSIM_SIX_ADDS
                 : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f)
                 :
                 : "cc");
#undef MMSIM_SIX_ADDS
  }
}

constexpr int alu_rounds = 2000;

} // namespace

std::vector<Trial> core_trials(const Places& places) {
  std::vector<Trial> trials;
  trials.push_back({"clock", "20 000 additions that need each other, a cycle each",
                    [] { return 20'000 / ns_of([] { dependent_adds(20); }); }, "GHz"});
  const auto one = [] { return ns_of([] { independent_adds(alu_rounds); }) / alu_rounds; };
  trials.push_back({"alu.alone", "24 additions, six at a time, the partner's CPU left alone", one});
  if (places.partner >= 0)
    trials.push_back({"alu.with_partner", "the same while the partner does the same", [one, places] {
                        const Partner partner(places.partner, [](const std::atomic<bool>& stop) {
                          while (!stop.load(std::memory_order_relaxed))
                            independent_adds(alu_rounds);
                        });
                        return one();
                      }});
  return trials;
}

} // namespace mmsim::host
