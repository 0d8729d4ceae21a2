// Spinning on two words on different lines without missing a change of either.
//
//   spin_on_two_lines(core, sem.line, [&] { return sem.owner != owner; },
//                     owner.on_cpu.line, [&] { return !owner.on_cpu.value; },
//                     owner.on_cpu.watchers, [] { return false; }, Account::lock_spin, this);
//   ...
//   core.write(on_cpu.line); on_cpu.value = false; on_cpu.watchers.changed();   // who writes the second word
//
// A spin loop of the kernel loads all its words in each turn; while their lines stay in the core's cache
// nothing happens. A core can wait for the writes to one line (Core::spin_until); who writes the second word
// says so to its watchers, and a second line that is no longer at hand ends the wait too.
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

/// Spins until `first_done()`, which looks at words of `first`, `second_done()`, which looks at words of `second` and at
/// what is the core's own, or `own_done()`, which looks at the latter only. They may be called at any time.
template <class FirstDone, class SecondDone, class OwnDone>
void spin_on_two_lines(Core& core, CacheLine& first, FirstDone first_done, CacheLine& second,
                       SecondDone second_done, SpinWatchers& of_second, OwnDone own_done, Account account,
                       const Waitable* on) {
  const SpinWatchers::Watch watch(of_second, core);
  for (;;) {
    core.read(second, account);
    if (second_done()) return;
    core.spin_watching(
        first, account, [&] { return first_done() || own_done() || !second.held_by(core); }, on);
    if (first_done()) return;
  }
}

} // namespace mmsim
