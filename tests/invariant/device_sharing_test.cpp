// Random mixes of requests on a device against fair sharing in exact rational arithmetic.
//
// The rule: a completion is the exact one rounded up to a picosecond, where less than 0.0309 ps above a whole
// picosecond is that picosecond (SimGrid's doubles do not tell them apart). Stated tolerance: in one of a
// thousand results up to 7 ps off (doubles near that threshold; ENGINE.md, "Two clocks").

#include "sim/engine/device.hpp"

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <gtest/gtest.h>
#include <map>
#include <random>

#include "tests/support/child.hpp"

namespace mmsim::device_sharing_test {
namespace {

using Rational = boost::multiprecision::cpp_rational;

struct Request {
  std::int64_t start, bytes, done; // picoseconds; start: after the latency
};
struct Mix {
  std::int64_t bytes_per_second = 0;
  std::vector<Request> requests;
};

// Processor sharing by virtual time: each of n requests in flight gets bandwidth / n.
std::vector<std::int64_t> exact_completions(const Mix& mix) {
  std::vector<std::size_t> by_start(mix.requests.size());
  for (std::size_t i = 0; i < by_start.size(); ++i)
    by_start[i] = i;
  std::stable_sort(by_start.begin(), by_start.end(),
                   [&](auto a, auto b) { return mix.requests[a].start < mix.requests[b].start; });
  const Rational bytes_per_picosecond(mix.bytes_per_second, 1'000'000'000'000);
  std::vector<std::int64_t> done(mix.requests.size());
  std::multimap<Rational, std::size_t> flying; // by the service at which they are complete
  Rational time = 0, service = 0;              // service: bytes that each request in flight has had so far
  const auto run_until = [&](const Rational* end) {
    while (!flying.empty()) {
      const Rational speed = bytes_per_picosecond / flying.size();
      const Rational next = time + (flying.begin()->first - service) / speed;
      if (end != nullptr && next > *end) {
        service += (*end - time) * speed;
        break;
      }
      time = next;
      service = flying.begin()->first;
      const Rational late = time - Rational(309, 10'000);
      const auto whole = numerator(late) / denominator(late);
      done[flying.begin()->second] =
          static_cast<std::int64_t>(whole) + (whole * denominator(late) != numerator(late) ? 1 : 0);
      flying.erase(flying.begin());
    }
    if (end != nullptr) time = *end;
  };
  for (const std::size_t i : by_start) {
    const Rational start(mix.requests[i].start);
    run_until(&start);
    flying.emplace(service + mix.requests[i].bytes, i);
  }
  run_until(nullptr);
  return done;
}

// Up to 64 fibers read and think, some more step beside them; what came out, from the engine in a child.
Mix simulate(std::uint64_t seed) {
  const auto numbers = tests::in_child([seed] {
    std::mt19937_64 bits(seed);
    const auto below = [&](std::uint64_t bound) { return static_cast<std::int64_t>(bits() % bound); };
    const std::int64_t bytes_per_second = seed % 3 == 0 ? 1'000'000'000 : 100'000'000 + below(7'000'000'000);
    const Duration latency(seed % 2 == 0 ? 0 : below(20'000'000));
    const std::int64_t fibers = 1 + below(seed % 4 == 0 ? 64 : 8), rounds = 4 + below(12);
    Engine engine({.run_ahead = seed % 8 != 7});
    Device disk(engine, "disk",
                {BytesPerSecond(static_cast<double>(bytes_per_second)),
                 BytesPerSecond(static_cast<double>(bytes_per_second)), latency});
    std::vector<std::int64_t> out{bytes_per_second};
    std::int64_t alive = fibers;
    for (std::int64_t f = 0; f < fibers; ++f)
      engine.spawn(
          "reader", [&, own = std::mt19937_64(seed * 1000 + static_cast<std::uint64_t>(f))]() mutable {
            for (std::int64_t i = 0; i < rounds; ++i) {
              const auto think =
                  own() % 8 == 0 ? 0 : static_cast<std::int64_t>(own() % (std::uint64_t{1} << own() % 26));
              engine.wait_until(engine.now() + Duration(think));
              const auto bytes =
                  own() % 2 ? 4096 : static_cast<std::int64_t>(1 + own() % (std::uint64_t{1} << own() % 17));
              const Instant start = engine.now() + latency;
              if (own() % 2)
                disk.read(Bytes(static_cast<std::uint64_t>(bytes)));
              else
                disk.write(Bytes(static_cast<std::uint64_t>(bytes)));
              out.insert(out.end(),
                         {start.time_since_epoch().count(), bytes, engine.now().time_since_epoch().count()});
            }
            --alive;
          });
    const std::int64_t steppers = below(3);
    for (std::int64_t f = 0; f < steppers; ++f)
      engine.spawn("stepper", [&, step = Duration(200 + below(5000))] {
        for (int i = 0; i < 20'000 && alive > 0; ++i)
          engine.wait_until(engine.now() + step);
      });
    engine.run();
    return out;
  });
  Mix mix;
  mix.bytes_per_second = numbers.at(0);
  for (std::size_t i = 1; i + 2 < numbers.size(); i += 3)
    mix.requests.push_back({numbers[i], numbers[i + 1], numbers[i + 2]});
  return mix;
}

TEST(DeviceSharing, EightyRandomMixesCompleteAsFairSharingInExactArithmeticSays) {
  std::size_t results = 0, wrong = 0;
  std::int64_t worst = 0;
  for (std::uint64_t seed = 0; seed < 80; ++seed) {
    const Mix mix = simulate(seed);
    const std::vector<std::int64_t> exact = exact_completions(mix);
    for (std::size_t i = 0; i < exact.size(); ++i) {
      const std::int64_t off = std::abs(mix.requests[i].done - exact[i]);
      ++results;
      wrong += off != 0;
      worst = std::max(worst, off);
      ASSERT_LE(off, 7) << "seed " << seed << ", request " << i << " of " << mix.requests[i].bytes
                        << " bytes from " << mix.requests[i].start << " ps, " << mix.bytes_per_second
                        << " B/s";
    }
  }
  RecordProperty("results", static_cast<int>(results));
  RecordProperty("wrong", static_cast<int>(wrong));
  std::printf("%zu results, %zu wrong, worst %lld ps\n", results, wrong, static_cast<long long>(worst));
  EXPECT_GT(results, 5000u);
  EXPECT_LE(wrong * 1000, results);
}

} // namespace
} // namespace mmsim::device_sharing_test
