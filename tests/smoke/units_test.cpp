// Is a quantity with its unit read and printed exactly, and refused when it is wrong?
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "sim/engine/units.hpp"

namespace mmsim::tests::units_test {
using namespace mmsim::literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

namespace {

std::string reason_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

} // namespace

TEST(Units, durations_are_read_exactly) {
  EXPECT_EQ(parse_duration("80 ns"), 80_ns);
  EXPECT_EQ(parse_duration("80ns"), 80_ns);
  EXPECT_EQ(parse_duration(" 1.5  us "), 1500_ns);
  EXPECT_EQ(parse_duration("0.1 ns"), 100_ps);
  EXPECT_EQ(parse_duration("4.35 ns"), 4350_ps); // 4.35 * 1000 is below 4350 as a double
  EXPECT_EQ(parse_duration("9223372.036854775807 s"), Duration::max());
  EXPECT_EQ(parse_duration("0 ms"), 0_ns);
  EXPECT_EQ(parse_duration("1.5 µs"), 1500_ns);
}

TEST(Units, durations_round_half_up_to_a_picosecond) {
  EXPECT_EQ(parse_duration("1.0004 ns"), 1000_ps);
  EXPECT_EQ(parse_duration("1.0005 ns"), 1001_ps);
}

TEST(Units, cycles_need_a_clock_and_become_picoseconds) {
  EXPECT_EQ(parse_duration("12 cycles", Hertz(3'000'000'000)), 4_ns);
  EXPECT_EQ(parse_duration("1 cycles", Hertz(2'600'000'000)), 385_ps); // 384.6
  EXPECT_EQ(parse_duration("0.5 cycles", Hertz(1'000'000'000)), 500_ps);
  EXPECT_EQ(cycles(26, Hertz(2'600'000'000)), 10_ns);
  EXPECT_THAT(reason_of([] { parse_duration("12 cycles"); }), HasSubstr("machine.clock"));
}

TEST(Units, wrong_durations_are_refused_with_what_to_write_instead) {
  EXPECT_THAT(reason_of([] { parse_duration("80"); }), AllOf(HasSubstr("no unit"), HasSubstr("\"80 ns\"")));
  EXPECT_THAT(reason_of([] { parse_duration("-80 ns"); }), HasSubstr("negative"));
  EXPECT_THAT(reason_of([] { parse_duration("80 nsec"); }), HasSubstr("did you mean \"ns\"?"));
  EXPECT_THAT(reason_of([] { parse_duration("fast"); }), HasSubstr("is not a duration"));
  EXPECT_THAT(reason_of([] { parse_duration(""); }), HasSubstr("is not a duration"));
  EXPECT_THAT(reason_of([] { parse_duration("1.2.3 ns"); }), HasSubstr("unit"));
  EXPECT_THAT(reason_of([] { parse_duration("1. ns"); }), HasSubstr("is not a duration"));
  EXPECT_THAT(reason_of([] { parse_duration("0.4 ps"); }), HasSubstr("shorter"));
  EXPECT_THAT(reason_of([] { parse_duration("9223372.036854775808 s"); }), HasSubstr("too long"));
  EXPECT_THAT(reason_of([] { parse_duration("100000000000000000000 s"); }), HasSubstr("digits"));
}

TEST(Units, sizes_rates_and_frequencies_are_read_exactly) {
  EXPECT_EQ(parse_bytes("64 GiB"), Bytes(64ULL << 30));
  EXPECT_EQ(parse_bytes("1.5 KiB"), Bytes(1536));
  EXPECT_EQ(parse_bytes("4096 B"), Bytes(4096));
  EXPECT_EQ(parse_rate("1.5 GiB/s"), BytesPerSecond(1.5 * (1ULL << 30)));
  EXPECT_EQ(parse_rate("25.6 GB/s"), BytesPerSecond(25.6e9));
  EXPECT_EQ(parse_frequency("2.6 GHz"), Hertz(2'600'000'000));
}

TEST(Units, wrong_sizes_rates_and_frequencies_are_refused) {
  EXPECT_THAT(reason_of([] { parse_bytes("64"); }), HasSubstr("\"64 GiB\""));
  EXPECT_THAT(reason_of([] { parse_bytes("64 GB"); }), HasSubstr("did you mean \"GiB\"?"));
  EXPECT_THAT(reason_of([] { parse_bytes("0.3 KiB"); }), HasSubstr("whole number of bytes"));
  EXPECT_THAT(reason_of([] { parse_bytes("-1 GiB"); }), HasSubstr("negative"));
  EXPECT_THAT(reason_of([] { parse_bytes("20000000 TiB"); }), HasSubstr("too large"));
  EXPECT_THAT(reason_of([] { parse_rate("1.2 GiB"); }), HasSubstr("did you mean \"GiB/s\"?"));
  EXPECT_THAT(reason_of([] { parse_frequency("2.6 Ghz"); }), HasSubstr("did you mean \"GHz\"?"));
}

TEST(Units, what_is_printed_is_what_people_write) {
  EXPECT_EQ(to_text(80_ns), "80 ns");
  EXPECT_EQ(to_text(1500_ns), "1.5 us");
  EXPECT_EQ(to_text(1_ps), "1 ps");
  EXPECT_EQ(to_text(1001_ps), "1.001 ns");
  EXPECT_EQ(to_text(0_ps), "0 ns");
  EXPECT_EQ(to_text(-5_ns), "-5 ns");
  EXPECT_EQ(to_text(Bytes(64ULL << 30)), "64 GiB");
  EXPECT_EQ(to_text(Bytes(4097)), "4097 B");
  EXPECT_EQ(to_text(Bytes(0)), "0 B");
  EXPECT_EQ(to_text(BytesPerSecond(1.5 * (1ULL << 30))), "1.5 GiB/s");
  EXPECT_EQ(to_text(Hertz(2'600'000'000)), "2.6 GHz");
}

TEST(Units, what_is_printed_reads_back_as_the_same_value) {
  EXPECT_TRUE(rc::check("durations", [] {
    const Duration duration(*rc::gen::suchThat<std::int64_t>([](std::int64_t n) { return n >= 0; }));
    RC_ASSERT(parse_duration(to_text(duration)) == duration);
  }));
  EXPECT_TRUE(rc::check("sizes and frequencies", [](std::uint64_t n) {
    n %= 10'000'000'000'000'000'000ULL;
    RC_ASSERT(parse_bytes(to_text(Bytes(n))) == Bytes(n));
    RC_ASSERT(parse_frequency(to_text(Hertz(n))) == Hertz(n));
  }));
  EXPECT_TRUE(rc::check("rates", [](std::uint32_t n, std::uint16_t divisor) {
    const BytesPerSecond rate(1024.0 * n / (divisor + 1.0));
    RC_ASSERT(parse_rate(to_text(rate)) == rate);
  }));
  EXPECT_EQ(parse_duration(to_text(Duration::max())), Duration::max());
}

} // namespace mmsim::tests::units_test
