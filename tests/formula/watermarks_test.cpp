// What zones keep back, by the kernel's arithmetic: tables of the sources, and sums by hand.

#include "models/pages/pcp_limits.hpp"
#include "models/pages/watermarks.hpp"
#include "models/pages/zone_limits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <utility>

namespace mmsim::watermarks_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint64_t mib_of_frames = 256;

Configuration configuration_of(std::initializer_list<std::pair<const char*, Value>> settings) {
  Configuration configuration;
  for (const auto& [path, value] : settings)
    configuration.set(path, value);
  return configuration;
}

// What 2.6.24 does differently in the numbers, with no memory of its own so that sums are round.
Configuration linux_2_6_24() {
  return configuration_of({{"kernel.image", "0 B"},
                           {"kernel.page_struct", 0},
                           {"kernel.zone_pages", "present"},
                           {"kernel.min_free_kbytes_max", 65536},
                           {"kernel.watermark_scale_factor", 0},
                           {"kernel.pcp_chunk", "512 KiB"}});
}
Configuration linux_5_10() { return configuration_of({{"kernel.image", "0 B"}, {"kernel.page_struct", 0}}); }

Configuration operator+(Configuration configuration, const std::pair<const char*, Value>& setting) {
  configuration.set(setting.first, setting.second);
  return configuration;
}

Bytes mib(std::uint64_t count) { return Bytes(count << 20); }

TEST(Watermarks, IntSqrtRoundsDown) {
  for (std::uint64_t root : {0ULL, 1ULL, 2ULL, 3ULL, 724ULL, 65535ULL, 0xffffffffULL}) {
    EXPECT_EQ(int_sqrt(root * root), root);
    EXPECT_EQ(int_sqrt(root * root + root), root);
    if (root > 0) {
      EXPECT_EQ(int_sqrt(root * root - 1), root - 1);
    }
  }
}

// The comment of init_per_zone_pages_min() has this table. It was made with 4 * int_sqrt(KiB), so that it says 11584 at
// 8 GiB; the code beneath takes the root of 16 times as much "for better accuracy".
TEST(Watermarks, MinFreeKbytesAreThoseOfTheTableInTheSource) {
  const std::uint64_t expected[] = {512, 724, 1024, 1448, 2048, 2896, 4096, 5792, 8192, 11584, 16384};
  std::uint64_t lowmem = 16 * 1024; // KiB
  for (const std::uint64_t kbytes : expected) {
    EXPECT_EQ(4 * int_sqrt(lowmem), kbytes) << lowmem;
    for (const std::uint64_t most : {65536, 262144})
      EXPECT_EQ(min_free_kbytes(lowmem, most), kbytes == 11584 ? 11585 : kbytes) << lowmem;
    lowmem *= 2;
  }
}

TEST(Watermarks, MinFreeKbytesEndAt128AndAtTheVersionsCap) {
  EXPECT_EQ(min_free_kbytes(1023, 65536), 128u); // int_sqrt gives 127
  EXPECT_EQ(min_free_kbytes(0, 65536), 128u);
  const std::uint64_t tebibyte = std::uint64_t{1} << 30;        // KiB
  EXPECT_EQ(min_free_kbytes(256 * 1024 * 1024, 65536), 65536u); // 256 GiB: just reached
  EXPECT_EQ(min_free_kbytes(tebibyte, 65536), 65536u);
  EXPECT_EQ(min_free_kbytes(tebibyte, 262144), 131072u);
  EXPECT_EQ(min_free_kbytes(4 * tebibyte, 262144), 262144u);
  EXPECT_EQ(min_free_kbytes(5 * tebibyte, 262144), 262144u);
}

TEST(Watermarks, In2624LowIsMinAndAQuarterAndHighIsMinAndAHalf) {
  EXPECT_EQ(watermarks(1024, 1 << 18, 1 << 18, 0), (Watermarks{1024, 1280, 1536}));
  EXPECT_EQ(watermarks(1023, 1 << 18, 1 << 18, 0),
            (Watermarks{1023, 1278, 1534})); // halves and quarters round down
  EXPECT_EQ(watermarks(1024, 1000, 4000, 0), (Watermarks{256, 320, 384}));
  EXPECT_EQ(watermarks(1024, 999, 4000, 0), (Watermarks{255, 318, 382}));
}

TEST(Watermarks, In510TheStepsAreAQuarterOfMinOrATenthOfAPercentOfTheZone) {
  EXPECT_EQ(watermarks(1024, 1 << 18, 1 << 18, 10), (Watermarks{1024, 1286, 1548})); // 262 > 256
  EXPECT_EQ(watermarks(1024, 1 << 17, 1 << 17, 10), (Watermarks{1024, 1280, 1536})); // 131 < 256
  EXPECT_EQ(watermarks(1023, 1 << 17, 1 << 17, 10),
            (Watermarks{1023, 1278, 1533})); // two quarters, each rounded
  EXPECT_EQ(watermarks(1024, 1 << 18, 1 << 18, 1000), (Watermarks{1024, 1024 + 26214, 1024 + 52428}));
}

TEST(Watermarks, ReservesGrowWithWhatLiesAboveTheZone) {
  // DMA, DMA32, Normal, Movable of one node.
  const PerZoneType pages{4000, 800'000, 1'000'000, 300'000};
  const auto reserves = lowmem_reserves(pages, {256, 256, 32, 0});
  EXPECT_THAT(reserves[0], ElementsAre(0, 800'000 / 256, 1'800'000 / 256, 2'100'000 / 256));
  EXPECT_THAT(reserves[1], ElementsAre(0, 0, 1'000'000 / 256, 1'300'000 / 256));
  EXPECT_THAT(reserves[2], ElementsAre(0, 0, 0, 300'000 / 32));
  EXPECT_THAT(reserves[3], ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(lowmem_reserves(pages, {0, 256, 32, 0})[0], ElementsAre(0, 0, 0, 0));
}

TEST(Watermarks, BatchesAreThoseOfBothVersions) {
  const Bytes chunk_2_6_24(512 << 10), chunk_5_10(1 << 20);
  EXPECT_EQ(zone_batchsize(2530, chunk_2_6_24), 0u);
  EXPECT_EQ(zone_batchsize(833464, chunk_2_6_24), 31u);
  EXPECT_EQ(zone_batchsize(193920, chunk_2_6_24), 31u);
  // As 5.10 prints them at boot on x86 ("LIFO batch"), and the rest by hand.
  EXPECT_EQ(zone_batchsize(3996, chunk_5_10), 0u);
  EXPECT_EQ(zone_batchsize(468820, chunk_5_10), 63u);
  EXPECT_EQ(zone_batchsize(3680256, chunk_5_10), 63u);
  EXPECT_EQ(zone_batchsize(193920, chunk_5_10), 63u); // 189 / 4 = 47, and a half of it: 70, so 64 - 1
  EXPECT_EQ(zone_batchsize(64 * mib_of_frames, chunk_5_10), 3u); // 16 / 4 = 4, 6, so 4 - 1
  EXPECT_EQ(zone_batchsize(512 * mib_of_frames, chunk_2_6_24), 31u);
  EXPECT_EQ(zone_batchsize(400 * mib_of_frames, chunk_2_6_24), 31u);
  EXPECT_EQ(zone_batchsize(128 * mib_of_frames, chunk_2_6_24), 7u); // 32 / 4 = 8, 12, so 8 - 1
}

TEST(Watermarks, ListsAreSixBatchesLongAndTheColdOneTwoOfHalf) {
  PcpParameters p{"hot_cold", 0, 0, Bytes(512 << 10)};
  EXPECT_EQ(hot_limits(p, 833464), (PcpLimits{186, 31}));
  EXPECT_EQ(cold_limits(p, 833464), (PcpLimits{62, 15}));
  // A batch of 0 by formula moves one page at a time, and every free page goes back at once.
  EXPECT_EQ(hot_limits(p, 2530), (PcpLimits{0, 1}));
  EXPECT_EQ(cold_limits(p, 2530), (PcpLimits{0, 1}));
  p.batch = 1;
  EXPECT_EQ(hot_limits(p, 833464), (PcpLimits{6, 1}));
  EXPECT_EQ(cold_limits(p, 833464), (PcpLimits{2, 1}));
  p.batch = 64;
  p.high = 500;
  EXPECT_EQ(hot_limits(p, 833464), (PcpLimits{500, 64}));
  EXPECT_EQ(cold_limits(p, 833464), (PcpLimits{128, 32}));
}

TEST(Watermarks, AHighMarkByHandHasABatchOfAQuarterAndAtMost96) {
  PcpParameters p{"merged", 0, 100, Bytes(1 << 20)};
  EXPECT_EQ(hot_limits(p, 833464), (PcpLimits{100, 25}));
  EXPECT_EQ(cold_limits(p, 833464), (PcpLimits{126, 31})); // stays as it was
  p.high = 3;
  EXPECT_EQ(hot_limits(p, 833464), (PcpLimits{3, 1}));
  p.high = 2000;
  EXPECT_EQ(hot_limits(p, 833464), (PcpLimits{2000, 96}));
}

TEST(Watermarks, AMachineSharesMinFreeOutByTheSizeOfItsZones) {
  // 2.6.24, 1 GiB with 16 MiB of ZONE_DMA: 4096 KiB are 1024 pages; 4096 of 262144 are in DMA.
  const Configuration configuration = linux_2_6_24() + std::pair{"machine.zones.dma", Value("16 MiB")};
  const MemoryLayout layout(1, mib(1024), configuration);
  const MemoryLimits limits(layout, configuration);
  EXPECT_EQ(limits.min_free_kbytes, 4096u);
  ASSERT_EQ(limits.zones.size(), 2u);
  EXPECT_EQ(limits.zones[0].watermarks, (Watermarks{16, 20, 24}));
  EXPECT_EQ(limits.zones[1].watermarks, (Watermarks{1008, 1260, 1512}));
  EXPECT_THAT(limits.zones[0].lowmem_reserve, ElementsAre(0, 0, 258048 / 256, 258048 / 256));
  EXPECT_THAT(limits.zones[1].lowmem_reserve, ElementsAre(0, 0, 0, 0));
  EXPECT_EQ(limits.zones[0].hot, (PcpLimits{0, 1})); // 4096 / 1024 / 4 = 1, 1, so 1 - 1
  EXPECT_EQ(limits.zones[1].hot, (PcpLimits{186, 31}));
}

TEST(Watermarks, MovableMemoryDoesNotRaiseMinFreeButTakesItsShare) {
  // 1 GiB of which a half is movable: lowmem is 512 MiB, 2896 KiB = 724 pages, halved.
  for (const bool old : {true, false}) {
    const Configuration configuration =
        (old ? linux_2_6_24() : linux_5_10()) + std::pair{"kernel.movablecore", Value("512 MiB")};
    const MemoryLimits limits(MemoryLayout(1, mib(1024), configuration), configuration);
    EXPECT_EQ(limits.min_free_kbytes, 2896u);
    ASSERT_EQ(limits.zones.size(), 2u);
    for (const ZoneLimits& zone : limits.zones)
      EXPECT_EQ(zone.watermarks, old ? (Watermarks{362, 452, 543}) : (Watermarks{362, 493, 624})); // 131 > 90
    EXPECT_THAT(limits.zones[0].lowmem_reserve, ElementsAre(0, 0, 0, 131072 / 32));
  }
}

TEST(Watermarks, SizesAreWhatTheVersionCounts) {
  // 64 MiB with 32 MiB of image and 64 bytes a frame: 2.6.24 takes off only mem_map (256 frames), 5.10 both.
  const Configuration present = configuration_of({{"kernel.zone_pages", "present"}});
  const MemoryLimits by_present(MemoryLayout(1, mib(64), present), present);
  EXPECT_EQ(by_present.min_free_kbytes, int_sqrt(16 * 63 * 1024));
  const Configuration managed;
  const MemoryLimits by_managed(MemoryLayout(1, mib(64), managed), managed);
  EXPECT_EQ(by_managed.min_free_kbytes, int_sqrt(16 * 31 * 1024));
}

TEST(Watermarks, MinFreeByHandIsNotBoundedButMustLeaveSomething) {
  Configuration configuration = linux_5_10() + std::pair{"kernel.min_free_kbytes", Value(64)};
  const MemoryLayout layout(1, mib(64), configuration);
  EXPECT_EQ(MemoryLimits(layout, configuration).zones[0].watermarks,
            (Watermarks{16, 32, 48})); // 16384 / 1000
  configuration.set("kernel.min_free_kbytes", 65536, {"my.toml", 4, 1});
  try {
    (void)MemoryLimits(layout, configuration);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("my.toml:4:1"), HasSubstr("kernel.min_free_kbytes = 65536"),
                                    HasSubstr("65536 KiB")));
  }
}

TEST(Watermarks, ABatchOverHighIsRefusedWhereTheLastOfBothStands) {
  const MemoryLayout layout(1, mib(64), linux_5_10());
  const auto message = [&](unsigned batch_layer, unsigned high_layer) {
    Configuration configuration = linux_5_10();
    configuration.set("kernel.pcp_batch", 64, {"batch.toml", 1, 1}, batch_layer);
    configuration.set("kernel.pcp_high", 32, {"high.toml", 2, 2}, high_layer);
    try {
      (void)MemoryLimits(layout, configuration);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(message(0, 0), HasSubstr("batch.toml:1:1: kernel.pcp_batch = 64 is over kernel.pcp_high = 32"));
  EXPECT_THAT(message(0, 2), HasSubstr("batch.toml:1:1"));
  EXPECT_THAT(message(2, 1), HasSubstr("high.toml:2:2"));
}

} // namespace
} // namespace mmsim::watermarks_test
