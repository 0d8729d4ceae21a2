// The 4-ary heap with holes and superseded entries against a std::priority_queue that has neither.

#include "sim/engine/event_queue.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <queue>
#include <random>

namespace mmsim::event_queue_test {
namespace {

Instant at(std::int64_t ps) { return Instant(Duration(ps)); }

struct Numbered final : Event {
  Numbered(EventQueue& queue, int id) : Event(queue), number(id) {}
  void fire() override {}
  int number;
};

// What pops next, kept the slow way: each posting is an entry, an event remembers which of its entries
// counts.
class SlowQueue {
 public:
  void post(int event, std::int64_t time, std::uint64_t sequence) {
    counts_[event] = sequence;
    entries_.push({time, sequence, event});
  }
  std::uint64_t reserve() { return ++last_; }
  void withdraw(int event) { counts_.erase(event); }
  bool pending(int event) const { return counts_.contains(event); }
  bool empty() { return skip(), entries_.empty(); }
  std::int64_t next_time() { return skip(), std::get<0>(entries_.top()); }
  std::pair<std::int64_t, int> pop() {
    skip();
    const auto [time, sequence, event] = entries_.top();
    entries_.pop();
    counts_.erase(event);
    return {time, event};
  }

 private:
  void skip() {
    while (!entries_.empty()) {
      const auto [time, sequence, event] = entries_.top();
      const auto found = counts_.find(event);
      if (found != counts_.end() && found->second == sequence) return;
      entries_.pop();
    }
  }
  using Entry = std::tuple<std::int64_t, std::uint64_t, int>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> entries_;
  std::map<int, std::uint64_t> counts_;
  std::uint64_t last_ = 0;
};

// Pops both and compares. The heap hands out nullptr for a superseded entry; its next_time() may be too
// early, never too late; quiet_through() may be pessimistic, never optimistic.
void pop_both(EventQueue& queue, SlowQueue& slow) {
  const std::int64_t time = slow.next_time();
  ASSERT_FALSE(queue.quiet_through(at(time)));
  Event* event = nullptr;
  Instant popped;
  while (event == nullptr) {
    ASSERT_FALSE(queue.drained());
    popped = queue.next_time();
    ASSERT_LE(popped, at(time));
    event = queue.pop();
  }
  const auto expected = slow.pop();
  ASSERT_EQ(popped, at(expected.first));
  ASSERT_EQ(static_cast<Numbered*>(event)->number, expected.second);
  ASSERT_FALSE(event->pending());
}

void random_program(std::uint64_t seed) {
  std::mt19937_64 bits(seed);
  EventQueue queue;
  SlowQueue slow;
  const std::size_t population = std::size_t{1} << bits() % 9;
  const std::int64_t spread = std::int64_t{1} << bits() % 12; // 1: everything ties
  std::vector<std::unique_ptr<Numbered>> events;
  int names = 0;
  for (std::size_t i = 0; i < population; ++i)
    events.push_back(std::make_unique<Numbered>(queue, names++));
  std::int64_t now = 0;
  for (int step = 0; step < 3000; ++step) {
    auto& event = events[bits() % population];
    const std::int64_t time = now + static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(spread));
    switch (bits() % 16) {
    case 0:
      event->withdraw();
      slow.withdraw(event->number);
      break;
    case 1: // another event may take its slot
      slow.withdraw(event->number);
      event.reset();
      event = std::make_unique<Numbered>(queue, names++);
      break;
    case 2: { // a place in line taken before others are posted
      const std::uint64_t place = queue.reserve(), slow_place = slow.reserve();
      auto& other = events[bits() % population];
      queue.post(*other, at(time));
      slow.post(other->number, time, slow.reserve());
      queue.post(*event, at(time), place);
      slow.post(event->number, time, slow_place);
      break;
    }
    case 3:
      ASSERT_EQ(queue.empty(), slow.empty());
      break;
    case 4: {
      const std::int64_t until = now + static_cast<std::int64_t>(bits() % 64);
      if (queue.quiet_through(at(until))) {
        ASSERT_TRUE(slow.empty() || slow.next_time() > until);
      }
      break;
    }
    case 5:
    case 6:
    case 7:
    case 8:
      if (!slow.empty()) {
        now = slow.next_time();
        pop_both(queue, slow);
        if (testing::Test::HasFatalFailure()) return;
      }
      break;
    default: // most often posts, which supersede when the event is pending
      queue.post(*event, at(time));
      slow.post(event->number, time, slow.reserve());
    }
    ASSERT_EQ(event->pending(), slow.pending(event->number));
  }
  while (!slow.empty()) {
    pop_both(queue, slow);
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(queue.drained());
}

TEST(EventQueue, PopsLikeAPriorityQueueUnderRandomPostsPopsAndWithdrawals) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    random_program(seed);
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

TEST(EventQueue, PermutedTiesPopEveryEventOnceAndKeepTime) {
  for (std::uint64_t seed = 1; seed < 50; ++seed) {
    EventQueue queue;
    queue.permute_ties(seed);
    std::mt19937_64 bits(seed);
    std::vector<std::unique_ptr<Numbered>> events;
    for (int i = 0; i < 200; ++i) {
      events.push_back(std::make_unique<Numbered>(queue, i));
      queue.post(*events.back(), at(static_cast<std::int64_t>(bits() % 4)));
    }
    std::vector<int> seen(200, 0);
    Instant last{};
    int out_of_order = 0, previous = -1;
    while (!queue.empty()) {
      const Instant time = queue.next_time();
      ASSERT_GE(time, last);
      const int number = static_cast<Numbered*>(queue.pop())->number;
      out_of_order += time == last && number < previous;
      previous = number;
      last = time;
      ++seen[static_cast<std::size_t>(number)];
    }
    EXPECT_EQ(seen, std::vector<int>(200, 1));
    EXPECT_GT(out_of_order, 50) << "seed " << seed << " hardly permutes"; // half of 200 in the mean
  }
}

} // namespace
} // namespace mmsim::event_queue_test
