// A core with its interrupts against a simulator that does nothing but count picoseconds.
//
// Random programs of charges, flips of irqs, settles, idling and spinning on a line that another core writes,
// under random interrupts: at equal instants, at the end of a stretch, during handlers, at unmasked instants
// of no length. Every instant that a program or a handler sees must be the same, and every account.

#include <algorithm>
#include <deque>
#include <gtest/gtest.h>
#include <memory>
#include <random>

#include "tests/support/child.hpp"
#include "tests/support/test_machine.hpp"

namespace mmsim::core_ticks_test {
namespace {

using tests::TestMachine;

// Picoseconds, so that a tick is a picosecond and everything collides often.
constexpr int entry = 3, leave = 2, idle_exit = 5, hit = 1, transfer = 4, dram = 7, distance = 3;

struct Op {
  enum Kind { charge, disable, enable, settle, idle, spin } kind;
  int amount; // picoseconds, or the value to spin for
};
struct Program {
  std::vector<Op> ops;
  std::vector<std::pair<int, int>> arrivals; // when, which; ordered by time
  std::vector<int> writes; // when core 1 asks to write 1, 2, 3, ... (later if it is still busy)
  int span = 0;            // no arrivals and writes after this
  int handler_work(int n) const { return n * 7 % 5; }
  bool handler_reads(int n) const { return n % 3 == 1; }
  bool handler_flips(int n) const { return n % 2 == 1; }
};

Program random_program(std::uint64_t seed) {
  std::mt19937_64 bits(seed);
  const auto below = [&](int bound) { return static_cast<int>(bits() % static_cast<std::uint64_t>(bound)); };
  Program p;
  int depth = 0, value = 0;
  const int writes = below(4), longest = 2 + below(14);
  for (int i = 0; i < 30; ++i)
    switch (below(10)) {
    case 0:
    case 1:
      if (depth < 2) {
        ++depth;
        p.ops.push_back({Op::disable, 0});
      }
      break;
    case 2:
    case 3:
    case 4:
      if (depth > 0) {
        --depth;
        p.ops.push_back({Op::enable, 0});
      }
      break;
    case 5:
      p.ops.push_back({Op::settle, 0});
      break;
    case 6:
      if (below(4) == 0)
        p.ops.push_back({Op::idle, 0});
      else if (value < writes)
        p.ops.push_back({Op::spin, ++value});
      break;
    default:
      p.ops.push_back({Op::charge, below(longest)});
    }
  for (; depth > 0; --depth)
    p.ops.push_back({Op::enable, 0});
  p.span = 60 + below(300);
  for (int i = below(25); i > 0; --i)
    p.arrivals.emplace_back(1 + below(p.span), below(3));
  for (int i = 1; i <= 40; ++i) // so that nobody idles for ever
    p.arrivals.emplace_back(p.span + 40 * i, below(3));
  std::sort(p.arrivals.begin(), p.arrivals.end());
  for (int i = 0; i < writes; ++i)
    p.writes.push_back(2 + below(p.span));
  std::sort(p.writes.begin(), p.writes.end());
  p.span += 40 * 41;
  return p;
}

struct Outcome {
  std::vector<std::int64_t> seen; // instants: of the program at its settles, of handlers with their number
  std::array<std::int64_t, 4> accounts{}; // work, interrupt, schedule, lock_spin
  bool ambiguous =
      false; // two cores met at a line in the same picosecond: who is first is no matter of ticks
};

// --- the reference

class Ticks {
 public:
  explicit Ticks(const Program& program) : p(program) {}

  Outcome run() {
    tick(Work); // programs start a picosecond after their arrivals are posted
    for (const Op& op : p.ops) {
      switch (op.kind) {
      case Op::charge:
        work(op.amount, Work);
        break;
      case Op::disable:
        poll();
        ++irq_off;
        break;
      case Op::enable:
        --irq_off;
        poll();
        break;
      case Op::settle:
        note(0);
        break;
      case Op::idle:
        idle();
        break;
      case Op::spin:
        spin(op.amount);
        break;
      }
    }
    while (t < p.span)
      work(1, Work);
    note(1);
    return result;
  }

 private:
  enum Account { Work, Interrupt, Schedule, LockSpin };

  bool masked() const { return irq_off > 0 || in_handler; }
  void note(int what) {
    poll();
    result.seen.push_back(t);
    result.seen.push_back(what);
  }
  void tick(Account account) {
    ++t;
    ++result.accounts[in_handler ? Interrupt : account];
    for (; next_arrival < p.arrivals.size() && p.arrivals[next_arrival].first <= t; ++next_arrival)
      pending |= 1 << p.arrivals[next_arrival].second;
    writer();
  }
  // Core 1 asks when its time has come; the line hands itself on.
  void writer() {
    if (in_flight && t >= served) {
      in_flight = false;
      ++value;
      write_served = true;
    }
    hand_on();
    if (!in_flight && t >= free_at && next_write < p.writes.size() && p.writes[next_write] <= t) {
      ++next_write;
      asked_at = t;
      if (touched_at == t) result.ambiguous = true;
      if (owner == 1 && !copy0 && (queue.empty() || t < decision)) { // a hit
        ++value;
        free_at = busy = t + hit;
        return;
      }
      served = free_at = never;
      in_flight = true;
      ask(1);
    }
  }
  void ask(int who) {
    queue.push_back({who, t});
    if (queue.size() == 1) decide();
  }
  // A tick after the line is free, so that what its holder does in the instant in which he has it comes first.
  void decide() { decision = std::max(busy, queue.front().made) + 1; }
  void hand_on() {
    if (queue.empty() || t != decision) return;
    decided_at = t;
    if (touched_at == t) result.ambiguous = true;
    if (busy > t) { // core 1 was at it
      decision = busy;
      return;
    }
    const auto [who, made] = queue.front();
    queue.pop_front();
    busy = std::max(busy, made) + (owner == -1 ? dram : transfer + (who == 0 || copy0 ? distance : 0));
    if (who == 1) {
      served = free_at = busy;
      owner = 1;
      copy0 = false;
    } else {
      arrives = busy;
      if (owner == -1) owner = 0;
      copy0 = true;
    }
    if (!queue.empty()) decide();
  }
  void touch() {
    touched_at = t;
    if (asked_at == t || decided_at == t) result.ambiguous = true;
  }
  // Takes what is pending if this instant is unmasked.
  void poll() {
    while (!masked() && pending != 0) {
      int irq = 0;
      while (!(pending >> irq & 1))
        ++irq;
      pending &= ~(1 << irq);
      in_handler = true;
      const int n = ++handlers;
      work(entry, Interrupt);
      result.seen.push_back(t);
      result.seen.push_back(100 + irq);
      work(p.handler_work(n), Interrupt);
      if (p.handler_reads(n)) read(Interrupt);
      work(leave, Interrupt);
      in_handler = false;
    }
  }
  void work(int length, Account account) {
    for (; length > 0; --length) {
      poll();
      tick(account);
    }
    poll();
  }
  // Returns the value that was read.
  int read(Account account) {
    poll();
    touch();
    if (copy0) {
      const int read_value = value;
      work(hit, account);
      return read_value;
    }
    arrives = never;
    ask(0);
    while (t < arrives)
      tick(account); // not interrupted
    return value;
  }
  void spin(int until) {
    for (;;) {
      if (read(LockSpin) >= until) break;
      poll();
      touch();
      if (!copy0) continue;
      if (value >= until) break; // a handler has read it
      write_served = false;
      while (!write_served && (masked() || pending == 0))
        tick(LockSpin);
      poll();
    }
    note(2);
  }
  void idle() {
    poll();
    if (pending == 0) {
      while (pending == 0)
        tick(Schedule);
      for (int i = 0; i < idle_exit; ++i)
        tick(Schedule);
    }
    note(3);
  }

  const Program& p;
  Outcome result;
  int t = 0, irq_off = 0, pending = 0, handlers = 0;
  bool in_handler = false;
  std::size_t next_arrival = 0, next_write = 0;
  // The line. Core 1 holds a copy if it is the owner and core 0 has not written it (it never does).
  int owner = -1, value = 0, busy = 0, served = 0, free_at = 0;
  bool copy0 = false, in_flight = false, write_served = false;
  static constexpr int never = 1 << 30;
  int arrives = never;
  int touched_at = -1, asked_at = -1, decision = -1, decided_at = -1;
  struct Request {
    int who, made;
  };
  std::deque<Request> queue;
};

// --- the thing

// Programs one after the other on one machine; for each, what the engine's core saw, led by its length.
std::vector<std::int64_t> simulate(std::uint64_t first_seed, std::uint64_t seeds, bool settle_often,
                                   Engine::Options options = {}) {
  return tests::in_child([=] {
    const auto ps = [](int n) { return std::to_string(n) + " ps"; };
    TestMachine m({{"machine.cores_per_cluster", std::int64_t{2}},
                   {"machine.interconnect.cluster", ps(distance)},
                   {"machine.irq.entry", ps(entry)},
                   {"machine.irq.exit", ps(leave)},
                   {"machine.idle.exit", ps(idle_exit)},
                   {"machine.line.hit", ps(hit)},
                   {"machine.line.transfer", ps(transfer)},
                   {"machine.line.request", "0 ps"},
                   {"machine.line.share", ps(transfer)},
                   {"machine.line.dram", ps(dram)}},
                  options);
    std::vector<std::int64_t> out;
    m.on(0, [&](Core& core) {
      for (std::uint64_t seed = first_seed; seed < first_seed + seeds; ++seed) {
        const Program p = random_program(seed);
        const Instant base = m.engine.now();
        CacheLine line("line");
        int value = 0, handlers = 0;
        std::vector<std::int64_t> seen;
        const auto note = [&](int what) {
          seen.push_back((m.engine.now() - base).count());
          seen.push_back(what);
        };
        m.ledgers[0].reset(base);
        for (int irq = 0; irq < 3; ++irq)
          m.handlers[static_cast<std::size_t>(irq)].body = [&, irq](Core& c) {
            const int n = ++handlers;
            c.settle();
            note(100 + irq);
            if (p.handler_flips(n)) c.irq_disable();
            c.charge(Duration(p.handler_work(n)), Account::work);
            if (p.handler_flips(n)) c.irq_enable();
            if (p.handler_reads(n)) c.read(line);
          };
        for (const auto& [when, irq] : p.arrivals)
          m.engine.at(base + Duration(when), [&, irq = irq] { core.raise(static_cast<Irq>(irq)); });
        m.on(1, [&](Core& writer) {
          m.ledgers[1].reset(m.engine.now());
          for (const int when : p.writes) {
            if (base + Duration(when) > m.engine.now()) m.engine.wait_until(base + Duration(when));
            writer.book(Account::user);
            writer.write(line);
            ++value;
            writer.settle();
          }
        });
        m.engine.wait_until(base + Duration(1));
        core.book(Account::work);
        core.settle();
        for (const Op& op : p.ops) {
          switch (op.kind) {
          case Op::charge:
            core.charge(Duration(op.amount), Account::work);
            break;
          case Op::disable:
            core.irq_disable();
            break;
          case Op::enable:
            core.irq_enable();
            break;
          case Op::settle:
            core.settle();
            note(0);
            break;
          case Op::idle:
            core.wait_for_interrupt();
            note(3);
            break;
          case Op::spin:
            core.spin_until(line, Account::lock_spin, [&] { return value >= op.amount; });
            core.settle();
            note(2);
            break;
          }
          if (settle_often) core.settle();
        }
        core.settle();
        while (m.engine.now() < base + Duration(p.span)) {
          core.charge(Duration(1), Account::work);
          core.settle();
        }
        note(1);
        const Ledger& ledger = m.ledgers[0];
        out.push_back(static_cast<std::int64_t>(seen.size()));
        out.insert(out.end(), seen.begin(), seen.end());
        for (const Account account :
             {Account::work, Account::interrupt, Account::schedule, Account::lock_spin})
          out.push_back(ledger.total(account).count());
        out.push_back(TestMachine::sum(ledger).count());
        out.push_back((m.engine.now() - base).count());
      }
    });
    m.engine.run();
    out.push_back(static_cast<std::int64_t>(m.engine.events()));
    return out;
  });
}

void compare(bool settle_often) {
  constexpr std::uint64_t programs = 6000;
  const std::vector<std::int64_t> all = simulate(0, programs, settle_often);
  std::size_t at = 0, compared = 0, instants = 0;
  for (std::uint64_t seed = 0; seed < programs; ++seed) {
    const auto length = static_cast<std::size_t>(all.at(at++));
    const std::vector<std::int64_t> seen(all.begin() + static_cast<std::ptrdiff_t>(at),
                                         all.begin() + static_cast<std::ptrdiff_t>(at + length));
    at += length;
    const std::array<std::int64_t, 4> accounts{all.at(at), all.at(at + 1), all.at(at + 2), all.at(at + 3)};
    const std::int64_t sum = all.at(at + 4), elapsed = all.at(at + 5);
    at += 6;
    ASSERT_EQ(sum, elapsed) << "seed " << seed;
    const Program program = random_program(seed);
    const Outcome expected = Ticks(program).run();
    if (expected.ambiguous) continue;
    ++compared;
    instants += length / 2;
    if (seen != expected.seen || accounts != expected.accounts) {
      std::string text;
      for (const Op& op : program.ops)
        text += std::string(" ") +
                std::array{"charge", "disable", "enable", "settle", "idle", "spin"}[op.kind] + " " +
                std::to_string(op.amount) + ";";
      for (const auto& [when, irq] : program.arrivals)
        if (when < program.span - 1600)
          text += " irq " + std::to_string(irq) + " at " + std::to_string(when) + ",";
      for (const int when : program.writes)
        text += " write at " + std::to_string(when) + ",";
      EXPECT_EQ(seen, expected.seen);
      EXPECT_EQ(accounts, expected.accounts);
      FAIL() << "seed " << seed << ":" << text;
    }
  }
  std::printf("%zu programs of %zu compared at %zu instants\n", compared, static_cast<std::size_t>(programs),
              instants);
  EXPECT_GT(compared, programs * 3 / 4);
  EXPECT_GT(instants, 100'000u);
}

TEST(CoreTicks, EveryInstantOfRandomProgramsIsTheOneThatCountingTicksFinds) { compare(false); }

TEST(CoreTicks, SettlingAfterEveryStepChangesNothing) { compare(true); }

TEST(CoreTicks, RunningAheadChangesNeitherInstantsNorTheNumberOfEventsEvenWithTiesPermuted) {
  for (const std::uint64_t ties : {0u, 1u, 2u})
    EXPECT_EQ(simulate(0, 300, false, {.run_ahead = true, .permute_ties = ties}),
              simulate(0, 300, false, {.run_ahead = false, .permute_ties = ties}))
        << "ties permuted by " << ties;
}

} // namespace
} // namespace mmsim::core_ticks_test
