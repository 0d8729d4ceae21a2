#include "models/locks/percpu_counter.hpp"

#include <algorithm>
#include <cstdlib>

namespace mmsim {

namespace {

std::int64_t batch_of(const PercpuCounterParameters& p, std::int64_t online) {
  if (p.batch != "nr_cpus") return std::max<std::int64_t>(32, 2 * online); // compute_batch_value()
  const std::int64_t nr_cpus = std::max(p.nr_cpus, online);
  return nr_cpus >= 16 ? 2 * nr_cpus : 4 * nr_cpus; // FBC_BATCH
}

} // namespace

void PercpuCounterParameters::declare(Declaration& d, PercpuCounterParameters& p) {
  d("kernel.percpu_counter_batch", p.batch, "online",
    "what a CPU keeps of a per-CPU counter before it adds it to the global one: by the CPUs that the kernel "
    "was compiled for (nr_cpus, 2.6.24, not safe against interrupts) or by those online (5.10)",
    "lib/percpu_counter.c, compute_batch_value; FBC_BATCH of include/linux/percpu_counter.h in 2.6.24")
      .one_of({"nr_cpus", "online"});
  d("kernel.nr_cpus", p.nr_cpus, 4,
    "CPUs that the kernel was compiled for (NR_CPUS); at least those that it runs on",
    "arch/arm/Kconfig of 2.6.24: 2 to 32, default 4")
      .at_least(2);
}

PercpuCounter::PercpuCounter(Machine& machine, SpinLocks& locks, const Configuration& configuration,
                             const char* class_name, std::optional<std::int64_t> batch)
    : irq_safe_(read_parameters<PercpuCounterParameters>(configuration).batch == "online"),
      batch_(batch ? *batch
                   : batch_of(read_parameters<PercpuCounterParameters>(configuration), machine.cpus())),
      line_(class_name), lock_(locks.make(class_name, &line_)), parts_(machine.cpus()) {}

void PercpuCounter::lock(Core& core) { irq_safe_ ? lock_->lock_irqsave(core) : lock_->lock(core); }
void PercpuCounter::unlock(Core& core) { irq_safe_ ? lock_->unlock_irqrestore(core) : lock_->unlock(core); }

/// percpu_counter_add_batch() of 5.10.
void PercpuCounter::add(Core& core, std::int64_t amount) {
  core.preempt_disable();
  Part& part = parts_[core.id().value()];
  if (!irq_safe_) {
    add_unsafe(core, part, amount);
  } else {
    core.read(part.line);
    const std::int64_t count = part.count + amount;
    if (std::abs(count) >= batch_) {
      lock(core);
      core.write(line_);
      count_ += count;
      core.write(part.line); // __this_cpu_sub(): an interrupt may have added since we looked
      part.count -= static_cast<std::int32_t>(count - amount);
      unlock(core);
    } else {
      core.rmw(part.line); // this_cpu_add()
      part.count += static_cast<std::int32_t>(amount);
    }
  }
  core.preempt_enable();
}

/// __percpu_counter_add() of 2.6.24.
void PercpuCounter::add_unsafe(Core& core, Part& part, std::int64_t amount) {
  core.read(part.line);
  const std::int64_t count = part.count + amount;
  if (std::abs(count) >= batch_) {
    lock(core);
    core.write(line_);
    count_ += count;
    core.write(part.line);
    part.count = 0;
    unlock(core);
  } else {
    core.write(part.line);
    part.count = static_cast<std::int32_t>(count);
  }
}

std::int64_t PercpuCounter::read(Core& core) {
  core.read(line_);
  return count_;
}

std::int64_t PercpuCounter::sum(Core& core) {
  lock(core);
  core.read(line_);
  std::int64_t sum = count_;
  for (Part& part : parts_) {
    core.read(part.line);
    sum += part.count;
  }
  unlock(core);
  return sum;
}

std::int64_t PercpuCounter::exact_now() const {
  std::int64_t sum = count_;
  for (const Part& part : parts_)
    sum += part.count;
  return sum;
}

} // namespace mmsim
