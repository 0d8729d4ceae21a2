// Spinning on words that others write, without missing a change.
//
//   spin_on_line(core, line, Account::lock_spin, [&] { return locked || need_resched(core); }, this);
//
//   spin_on_two_lines(core, sem.line, [&] { return sem.owner != owner; },
//                     owner.on_cpu.line, [&] { return !owner.on_cpu.value; },
//                     owner.on_cpu.watchers, Account::lock_spin, this);
//   ...
//   core.write(on_cpu.line); on_cpu.value = false; on_cpu.watchers.changed();   // who writes the second word
//
// A spin loop of the kernel loads all its words in each turn; while their lines stay in the core's cache
// nothing happens. So the core waits until one of the lines was written, or an interrupt came (a tick may
// have set need_resched). A core can wait for the writes to one line (Core::spin_until); who writes the
// second word says so to its watchers.
//
// A word is looked at only in an instant in which its line is at hand, and the wait begins in an instant in
// which both lines are at hand and nothing is pending: so no change can fall in between.
#pragma once

#include "sim/machine/core.hpp"

#include <boost/intrusive/list.hpp>

namespace mmsim {

/// The cores whose spin loop looks at this word beside the one that they spin on.
class SpinWatchers {
 public:
  /// As long as it exists the core is one of them.
  class Watch
      : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    Watch(SpinWatchers& watchers, Core& core) : core_(core) { watchers.watches_.push_back(*this); }

   private:
    friend class SpinWatchers;
    Core& core_;
  };

  /// The word has its new value.
  void changed() {
    for (Watch& watch : watches_)
      watch.core_.look_again();
  }

 private:
  boost::intrusive::list<Watch, boost::intrusive::constant_time_size<false>> watches_;
};

/// Spins until `done()`, which may look at words of `line` and at need_resched of `core`.
template <class Done>
void spin_on_line(Core& core, CacheLine& line, Account account, Done done, const Waitable* on) {
  core.spin_until(
      line, account,
      [&] {
        for (;;) {
          if (done()) return true;
          core.settle();
          if (line.sharers().contains(core.id())) return done();
          core.read(line, account);
        }
      },
      on);
}

/// Spins until `first_done()`, which may look at words of `first`, or `second_done()`, likewise.
template <class FirstDone, class SecondDone>
void spin_on_two_lines(Core& core, CacheLine& first, FirstDone first_done, CacheLine& second,
                       SecondDone second_done, SpinWatchers& of_second, Account account, const Waitable* on) {
  const SpinWatchers::Watch watch(of_second, core);
  core.spin_until(
      first, account,
      [&] {
        for (;;) {
          if (first_done()) return true;
          core.read(second, account);
          if (second_done()) return true;
          core.settle();
          const bool first_at_hand = first.sharers().contains(core.id());
          if (first_at_hand && second.sharers().contains(core.id())) return first_done() || second_done();
          if (!first_at_hand) core.read(first, account);
        }
      },
      on);
}

} // namespace mmsim
