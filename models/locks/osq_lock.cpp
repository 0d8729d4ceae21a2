#include "models/locks/osq_lock.hpp"

#include "models/scheduler/scheduler.hpp"

#include <utility>

namespace mmsim {

bool OsqLock::lock(Core& core) {
  constexpr Account account = Account::lock_spin;
  OsqNode& node = nodes_[core.id().value()];
  core.write(node.line, account);
  node.locked = false;
  node.next = nullptr;

  core.rmw(line_, account); // xchg of the tail
  OsqNode* const previous = std::exchange(tail_, &node);
  if (previous == nullptr) return true;

  core.write(node.line, account);
  node.previous = previous;
  core.write(previous->line, account);
  previous->next = &node;
  previous->watchers.changed();

  core.spin_watching(
      node.line, account, [&] { return node.locked || scheduler_.need_resched(core); }, &lock_);
  if (node.locked) return true;
  return leave(core, node, previous);
}

/// The unqueue steps of osq_lock(). True if the turn came before it had left.
bool OsqLock::leave(Core& core, OsqNode& node, OsqNode* previous) {
  constexpr Account account = Account::lock_spin;
  // A: undo previous->next, so that the one before us cannot pass the lock to us. If he is no longer linked
  // to us, then either our turn has come or he is leaving too, and tells us who is before us.
  for (;;) {
    core.read(previous->line, account);
    if (previous->next == &node) {
      core.rmw(previous->line, account);
      if (previous->next == &node) {
        previous->next = nullptr;
        break;
      }
    }
    core.read(node.line, account);
    if (node.locked) return true;
    if (std::exchange(previous, node.previous) != node.previous) continue;
    OsqNode* const seen = previous;
    spin_on_two_lines(
        core, node.line, [&] { return node.locked || node.previous != seen; }, seen->line,
        [&] { return seen->next == &node; }, seen->watchers, [] { return false; }, account, &lock_);
  }

  // B: find who is behind us, or take ourselves off the tail.
  OsqNode* const next = wait_next(core, node, previous);
  if (next == nullptr) return false;

  // C: link the two.
  core.write(next->line, account);
  next->previous = previous;
  core.write(previous->line, account);
  previous->next = next;
  previous->watchers.changed();
  return false;
}

/// osq_wait_next(): who is behind `node`, or null once the tail has been moved from it to `new_tail`.
OsqNode* OsqLock::wait_next(Core& core, OsqNode& node, OsqNode* new_tail) {
  constexpr Account account = Account::lock_spin;
  for (;;) {
    core.read(line_, account);
    if (tail_ == &node) {
      core.rmw(line_, account);
      if (tail_ == &node) {
        tail_ = new_tail;
        tail_watchers_.changed();
        return nullptr;
      }
    }
    // There is somebody behind us, who is about to say so; or he is leaving.
    core.read(node.line, account);
    if (node.next != nullptr)
      if (OsqNode* const next = take_next(core, node)) return next;
    spin_on_two_lines(
        core, node.line, [&] { return node.next != nullptr; }, line_, [&] { return tail_ == &node; },
        tail_watchers_, [] { return false; }, account, &lock_);
  }
}

OsqNode* OsqLock::take_next(Core& core, OsqNode& node) {
  core.rmw(node.line, Account::lock_spin);
  return std::exchange(node.next, nullptr);
}

void OsqLock::pass_to(Core& core, OsqNode& next) {
  core.write(next.line, Account::lock_spin);
  next.locked = true;
}

void OsqLock::unlock(Core& core) {
  core.rmw(line_, Account::lock_spin);
  OsqNode& node = nodes_[core.id().value()];
  if (tail_ == &node) {
    tail_ = nullptr;
    return;
  }
  OsqNode* next = take_next(core, node);
  if (next == nullptr) next = wait_next(core, node, nullptr);
  if (next != nullptr) pass_to(core, *next);
}

} // namespace mmsim
