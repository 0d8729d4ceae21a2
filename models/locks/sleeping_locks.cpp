#include "models/locks/sleeping_locks.hpp"

#include "models/locks/mutex_implementation.hpp"
#include "models/locks/rwsem_implementation.hpp"
#include "sim/machine/machine.hpp"

namespace mmsim {

void SleepingLockParameters::declare(Declaration& d, SleepingLockParameters& p) {
  d("kernel.rwsem", p.rwsem, "handoff", "how rw_semaphores (mmap_lock) work",
    "lib/rwsem.c of 2.6.24, kernel/locking/rwsem.c of 5.10")
      .registered<RwsemImplementation>();
  d("kernel.rwsem_stealing", p.rwsem_stealing, true,
    "whether the lock may be taken ahead of those who queue for it; not for kernel.rwsem = fifo",
    "writers since 3.10 (lib/rwsem.c), spinning readers from 5.3 to 5.10");
  d("kernel.rwsem_spin", p.rwsem_spin, "all",
    "who spins while the owner runs, before queueing; not for kernel.rwsem = fifo",
    "none before 3.16, writers from 3.16 and again since 5.11, all from 5.3 to 5.10")
      .one_of({"none", "writers", "all"});
  d("kernel.rwsem_trylock", p.rwsem_trylock, "swap",
    "what a reader's trylock (of every page fault) begins with: a compare-and-swap of a free count, or a "
    "read of the "
    "count; not for kernel.rwsem = fifo, which reads",
    "kernel/locking/rwsem.c __down_read_trylock: swap to 5.16, read since 5.17")
      .one_of({"swap", "read"});
  d("kernel.rwsem_wait_timeout", p.rwsem_wait_timeout, "4 ms",
    "after how long, in whole jiffies, the first waiter asks for the hand-off",
    "RWSEM_WAIT_TIMEOUT of 5.10: DIV_ROUND_UP(HZ, 250)");
  d("kernel.rwsem_reader_spin", p.rwsem_reader_spin, "10 us",
    "how long a writer spins while readers are inside", "rwsem_rspin_threshold of 5.10");
  d("kernel.rwsem_reader_spin_each", p.rwsem_reader_spin_each, "500 ns",
    "how much longer for each reader inside, up to 30", "rwsem_rspin_threshold of 5.10");
  d("kernel.mutex", p.mutex, "owner", "how mutexes work",
    "kernel/mutex.c of 2.6.24, kernel/locking/mutex.c of 5.10")
      .registered<MutexImplementation>();
  d("kernel.mutex_spin", p.mutex_spin, true,
    "whether waiters spin while the owner runs; not for kernel.mutex = count",
    "CONFIG_MUTEX_SPIN_ON_OWNER, since 2.6.29");
}

SleepingLocks::SleepingLocks(Machine& machine, SpinLocks& locks, Scheduler& scheduler,
                             const Configuration& configuration)
    : parameters(read_parameters<SleepingLockParameters>(configuration)), spinlocks(locks),
      scheduler(scheduler), osq_nodes(machine.cpus()),
      make_rwsem_(Registry<RwsemImplementation>::instance().create(parameters.rwsem, *this)),
      make_mutex_(Registry<MutexImplementation>::instance().create(parameters.mutex, *this)) {}

SleepingLocks::~SleepingLocks() = default;

std::unique_ptr<RwsemImplementation> SleepingLocks::make_rwsem(const RwsemFront& front) const {
  return make_rwsem_(front);
}

std::unique_ptr<MutexImplementation> SleepingLocks::make_mutex(const MutexFront& front) const {
  return make_mutex_(front);
}

} // namespace mmsim
