// What mmsim --help and mmsim COMMAND --help say below the options.
#pragma once

namespace mmsim::help_text {

inline constexpr const char* statuses =
    "Exit status: 0 done; 1 a violation was found, or a validation misses; 2 the input is wrong; 3 a fault "
    "of the program.";

inline constexpr const char* main_examples = R"(Examples:
  mmsim sweep configs/sweeps/lazy_vs_eager.toml     runs it into results/lazy_vs_eager
  mmsim explain results/lazy_vs_eager               says where the time went
  mmsim report results/lazy_vs_eager                draws figures and a page
  mmsim run --set scenario.name=munmap --set run.cpus=16
  mmsim validate                                    the model beside published measurements
  mmsim list policies                               what a configuration can choose

)";

inline constexpr const char* run_examples = R"(Examples:
  mmsim run --set scenario.name=munmap --set run.cpus=16
  mmsim run --set scenario.name=munmap --set machine.base=kunpeng920-128 --set kernel.tlb_flush=eager
  mmsim run my.toml --set "run.duration=5 ms" --out results/mine
  mmsim run my.toml --proc /tmp/proc && cat /tmp/proc/window/zoneinfo
  mmsim run my.toml --trace munmap.json --trace-window "2 ms..2.5 ms"

The strongest wins: --set, the file, its base files, the defaults (mmsim list parameters).
SPDLOG_LEVEL=debug in the environment logs each system call that failed.
)";

inline constexpr const char* sweep_examples = R"(Examples:
  mmsim sweep configs/sweeps/lazy_vs_eager.toml               into results/lazy_vs_eager
  mmsim sweep configs/sweeps/lazy_vs_eager.toml --dry-run     what it would run, and how long it would take
  mmsim sweep my.toml --set sweep.seeds=1 --out /tmp/try -j 2

  mmsim sweep my.toml --set sweep.ci=0.05                     seeds until every mean is known to +-5 %
  mmsim sweep configs/sweeps/sensitivity.toml                 60 points of a space that is too large for all

After an interruption the same command goes on: finished runs are kept. A directory that holds another
sweep is refused and left alone.

Keys of [sweep], also for --set (but for axes):
  axes = { "run.cpus" = [1, 2, 4] }   each point is one value of every axis; all of them run, unless
  sample = 200           so many points are drawn from the axes, without repetition; then an axis may be
                         a range: { from = "100 ns", to = "2 us", scale = "log" }, or "linear", the default
  sampling = "latin_hypercube"        each value of an axis equally often, the default; or "random"
  sample_seed = 1        another number draws other points
  seeds = 3              runs of each point; default 1, with ci 2
  ci = 0.05              then a point gets more seeds until half of the 95 % interval (ci95_ns in
                         latency.csv) is at most this part of the mean
  max_seeds = 20         but no more than so many
  ci_operations = ["munmap"]          whose means; default every operation that completed
)";

inline constexpr const char* validate_examples = R"(Examples:
  mmsim validate                          all cases, into results/validation
  mmsim report results/validation         draws each series over the published one
  mmsim validate --only '^rmap$' --points one topic, every point; --only 'th-|pb-' is part of a name
  mmsim validate --dry-run                checks the files; cases, runs, and the hash of each case
  mmsim validate --host                   this machine beside the model, which is calibrated first

A case is a file NAME.toml in tests/reference of the sources that this program was built from, or in
$MMSIM_REFERENCE: a published series with its source, what stands for it in the model, which of its points
were used to calibrate, and how the others are compared:
  absolute    each value; the case is ok if the median |error| of the predicted points is within the tolerance
  relative    the same after both curves have been divided by their value at x = base
  trend       each published step of at least `step` (10 %) must go the same way, by at least a tenth of
              the published step (as a part of the value that it starts from), and with several seeds by at
              least twice the standard error of the step
  crossover   the place where the curve first crosses `level` must be within the tolerance
The median of an even number of errors is the mean of the middle two; the 90th percentile is the nearest rank.
A case whose model had been run before it was frozen says so in `seen_before`; the summary counts these apart.

A case is frozen before its predictions run: its hash, over every number that decides them, stands in the file.
A number that has changed since then fails the validation until `changes` in the file says why. The hash
finds slips; that nobody edits number and hash together is for the history in git to show. Defaults are
frozen for all cases in tests/reference/cost_book/defaults.toml.

Exit status: 0 all cases are ok and frozen; 1 one misses (also if its file says why it does) or is not frozen;
2 a case file is wrong; then nothing runs.
)";

inline constexpr const char* calibrate_examples = R"(Examples:
  mmsim calibrate                                   into results/machine.toml, in under two minutes
  mmsim calibrate --quick --out /tmp/try.toml       in half a minute, with wider spreads
  mmsim run --set machine.base=results/machine.toml --set kernel.base=host-x86 --set scenario.name=fork
  mmsim validate --host --machine results/machine.toml

Measured are lines between each pair of CPUs that this process may use, caches, TLBs and memory, entries into the
kernel, interrupts, context switches, and fork, exit, faults, munmap and mprotect, to which the model's own kernel
work is fitted. No root is needed. What takes two CPUs is left out where there is one, or none can be pinned; the
file says what was not measured and which default stands in. Keep the machine quiet meanwhile: the spread beside
each number tells how quiet it was. --budget bounds what is measured; fitting the kernel work, which simulates, takes
some ten seconds more. The file is a machine like those in configs/machines: as a base it is named by
its path.

Only a file that mmsim calibrate has written is written over.
)";
inline constexpr const char* list_examples = R"(Examples:
  mmsim list parameters           every key, with its default, unit and source
  mmsim list policies             the implementations that a kernel.* key can choose
  mmsim list waits                what wait.csv says that operations wait for
  mmsim list machines --json      for programs
)";

inline constexpr const char* explain_examples = R"(Examples:
  mmsim explain results/lazy_vs_eager | less
  mmsim explain results/lazy_vs_eager --all | less
  mmsim explain results/lazy_vs_eager --locks | less

Shows, operation by operation: the bottleneck, which is the lock, device, line or kind of waiting that most
of the time went to; the mean latency at every point and the accounts that it went to; what changed from one
value of the numeric axis to the next; and at its two ends (--all: everywhere) a tree: the accounts, and
under those that wait, for whom. Where another axis has names, such as policies, they are compared. Then the
locks, in the columns of /proc/lock_stat (its min columns are not kept), by waittime-total: the first
classes at the two ends of the numeric axis, where they waited most; --locks shows every class at every
point. Columns for which the terminal is too narrow are left out; counter.csv has all.

Reads manifest.json, latency.csv, account.csv, wait.csv and the locks of counter.csv, and no other table. If one of
these is damaged, or the directory is unfinished or of a later version, it is shown as far as it can be: what is wrong
is said in one line a file, and the exit status is 2. One of an earlier version without wait.csv is no error.
)";

inline constexpr const char* report_examples = R"(Examples:
  mmsim report results/lazy_vs_eager
  mmsim report results/n1 results/kunpeng       both in one set of figures, written into results/n1
  mmsim report results/faults --real page_fault1.csv              over what will-it-scale printed
  mmsim report results/faults --real mine.csv:demand_fault        mine.csv: cpus,per_second[,series]

--real lays a run on a real machine over the throughput, in absolute numbers. Of will-it-scale's columns processes
and threads it takes the one that scenario.mode says; of the operations the one after the colon, else the one
that the test named in the file name counts (page_fault1: demand_fault, mmap1: munmap, fork1: fork,
context_switch1), else the one of which there are most.

Of a directory that is damaged, what is whole is drawn; each defect is said in one line, and the exit status is 2.
)";

} // namespace mmsim::help_text
