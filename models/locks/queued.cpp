// The queued spinlock: the first waiter spins on the lock word, all others each on a line of their own.
//
// Models queued_spin_lock_slowpath of kernel/locking/qspinlock.c, 5.10, in its order of steps, as arm64 uses
// it since 4.19: locked byte, pending bit and tail in one word; four MCS nodes a CPU (one for each context
// that can be interrupted while it waits), all on one cache line of that CPU. A state is written
// (tail,pending,locked) as there.
//
// Left out: paravirtual locks, lock events, the prefetch of the next node, and the look at `next` and the
// stores that reset a node, which find its line at hand. A store to a byte of the word is a write of the
// line, an atomic operation an rmw, whether its comparison succeeds or not.
#include "models/locks/spinlock.hpp"
#include "sim/machine/machine.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace mmsim {
namespace {

struct McsNode {
  CacheLine* line = nullptr; // that it is on
  McsNode* next = nullptr;
  bool locked = false;
};

/// qnodes of one CPU.
struct CpuNodes {
  static constexpr std::size_t count_max = 4; // MAX_NODES: task, softirq, hardirq, nmi

  CacheLine line{"the MCS nodes of a cpu"};
  std::array<McsNode, count_max> nodes;
  std::size_t used = 0;
};
using McsNodes = std::vector<std::unique_ptr<CpuNodes>>; // by CPU: a cache line has an address

class QueuedLock final : public SpinLock {
 public:
  QueuedLock(const Identity& identity, McsNodes& nodes) : SpinLock(identity), nodes_(nodes) {}

 private:
  bool acquire(Core& core) override {
    core.rmw(line());
    if (try_take()) return false;
    slowpath(core);
    return true;
  }

  bool try_acquire(Core& core) override { // queued_spin_trylock()
    core.read(line());
    if (!word_is_zero()) return false;
    core.rmw(line());
    return try_take();
  }

  void release(Core& core) override {
    core.write(line());
    locked_ = false;
  }

  void slowpath(Core& core);
  void queue(Core& core);
  void wait_in_queue(Core& core, McsNode& node, std::uint16_t me);

  bool word_is_zero() const { return !locked_ && !pending_ && tail_ == 0; }
  /// (0,0,0) -> (0,0,1), in the instant of an rmw.
  bool try_take() {
    if (!word_is_zero()) return false;
    locked_ = true;
    return true;
  }
  /// queued_spin_trylock().
  bool try_lock(Core& core) {
    core.read(line(), Account::lock_spin);
    if (!word_is_zero()) return false;
    core.rmw(line(), Account::lock_spin);
    return try_take();
  }

  // The tail as in encode_tail(): 0 is nobody.
  static std::uint16_t encode(CoreId cpu, std::size_t index) {
    return static_cast<std::uint16_t>((cpu.value() + 1) << 2 | index);
  }
  McsNode& node_of(std::uint16_t tail) const { return nodes_[(tail >> 2) - 1u]->nodes[tail & 3u]; }

  bool locked_ = false, pending_ = false;
  std::uint16_t tail_ = 0;
  McsNodes& nodes_;
};

void QueuedLock::slowpath(Core& core) {
  // The word as the failed fast path has seen it.
  bool locked = locked_, pending = pending_;
  std::uint16_t tail = tail_;

  // (0,1,0) -> (0,0,1): a hand-over is under way. Wait for the next state (_Q_PENDING_LOOPS is 1).
  if (pending && !locked && tail == 0) {
    core.spin_until(
        line(), Account::lock_spin, [this] { return !(pending_ && !locked_ && tail_ == 0); }, this);
    locked = locked_, pending = pending_, tail = tail_;
  }
  if (pending || tail != 0) return queue(core);

  // trylock || pending: (0,0,*) -> (0,1,*). With anybody else there, undo it and queue.
  core.rmw(line(), Account::lock_spin);
  locked = locked_, pending = pending_, tail = tail_;
  pending_ = true;
  if (pending || tail != 0) {
    if (!pending) {
      core.write(line(), Account::lock_spin);
      pending_ = false;
    }
    return queue(core);
  }

  // We are pending: (0,1,1) -> (0,1,0), and take it: (*,1,0) -> (*,0,1).
  if (locked)
    core.spin_until(
        line(), Account::lock_spin, [&] { return !locked_; }, this);
  core.write(line(), Account::lock_spin);
  pending_ = false;
  locked_ = true;
}

void QueuedLock::queue(Core& core) {
  CpuNodes& mine = *nodes_[core.id().value()];
  core.write(mine.line, Account::lock_spin);
  const std::size_t index = mine.used++;
  if (index < CpuNodes::count_max) {
    McsNode& node = mine.nodes[index] = {.line = &mine.line};
    // That line may have been far away: look once more before queueing.
    if (!try_lock(core)) wait_in_queue(core, node, encode(core.id(), index));
  } else {
    while (!try_lock(core))
      core.spin_until(
          line(), Account::lock_spin, [&] { return word_is_zero(); }, this);
  }
  core.write(mine.line, Account::lock_spin);
  --mine.used;
}

void QueuedLock::wait_in_queue(Core& core, McsNode& node, std::uint16_t me) {
  McsNode* next = nullptr;

  // xchg_tail: (p,*,*) -> (n,*,*). Somebody before us: link the node to his and wait to reach the head.
  core.rmw(line(), Account::lock_spin);
  const std::uint16_t before = std::exchange(tail_, me);
  if (before != 0) {
    McsNode& previous = node_of(before);
    core.write(*previous.line, Account::lock_spin);
    previous.next = &node;
    core.spin_until(
        *node.line, Account::lock_spin, [&] { return node.locked; }, this);
    next = node.next;
  }

  // At the head: wait for owner and pending to go away, (*,x,y) -> (*,0,0).
  bool last = false;
  core.spin_until(
      line(), Account::lock_spin,
      [&] {
        last = tail_ == me;
        return !locked_ && !pending_;
      },
      this);

  // Claim the lock: (n,0,0) -> (0,0,1) with nobody behind us.
  if (last) {
    core.rmw(line(), Account::lock_spin);
    if (tail_ == me && !pending_ && !locked_) {
      tail_ = 0;
      locked_ = true;
      return;
    }
  }
  // Else (*,*,0) -> (*,*,1): somebody is behind us, or has set pending and will see the tail and queue.
  core.write(line(), Account::lock_spin);
  locked_ = true;
  if (next == nullptr)
    core.spin_until(
        *node.line, Account::lock_spin, [&] { return (next = node.next) != nullptr; }, this);
  core.write(*next->line, Account::lock_spin);
  next->locked = true;
}

const Registered<SpinLock> registered{
    "queued", "pending bit, then a queue of MCS nodes, each waiter on a line of its own (arm64, 5.10); FIFO",
    [](Machine& machine) -> SpinLock::Maker {
      auto nodes = std::make_shared<McsNodes>();
      for (std::uint32_t cpu = 0; cpu < machine.cpus(); ++cpu)
        nodes->push_back(std::make_unique<CpuNodes>());
      return [nodes](const SpinLock::Identity& identity) {
        return std::make_unique<QueuedLock>(identity, *nodes);
      };
    }};

} // namespace
} // namespace mmsim
