// What happens when a program asks for what cannot be? Its call fails as the kernel's does, with a line in
// the log, the run goes on, and nothing leaks.

#include "models/operations/brk.hpp"
#include "models/operations/madvise.hpp"
#include "models/operations/mprotect.hpp"
#include "models/operations/mremap.hpp"
#include "tests/support/versions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

namespace mmsim::tests::bad_mappings_test {
namespace {

using testing::HasSubstr;

/// All that is logged during its life.
class Log {
 public:
  Log() {
    auto logger =
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_));
    logger->set_level(spdlog::level::debug);
    previous_ = spdlog::default_logger();
    spdlog::set_default_logger(logger);
  }
  ~Log() { spdlog::set_default_logger(previous_); }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> previous_;
};

class BadMappings : public testing::TestWithParam<KernelVersion> {
 protected:
  // `body` gets an area of eight written pages, and must leave it as it was.
  std::string log_of(const std::function<void(Task&, PageNumber)>& body, const Settings& more = {}) {
    KernelWorld w(1, GetParam().settings + more);
    system = &w.system;
    Log log;
    spawn_process_at_boot(w.system, "program", CoreId(0), [&](Task& task) {
      area_of(task, body);
      exit_task(w.system, task);
    });
    w.engine.run();
    w.system.check_invariants();
    EXPECT_EQ(w.system.overcommit.committed().exact_now(), 0);
    return log.text();
  }

  System* system = nullptr;

 private:
  void area_of(Task& task, const std::function<void(Task&, PageNumber)>& body) {
    const PageNumber area = mmap(*system, task, 8);
    for (std::uint64_t i = 0; i < 8; ++i)
      touch(*system, task, area + i, AccessKind::write);
    const std::size_t areas = task.mm->vmas.size();
    const std::int64_t rss = task.mm->rss(), total_vm = task.mm->total_vm;
    body(task, area);
    EXPECT_EQ(task.mm->vmas.size(), areas);
    EXPECT_EQ(task.mm->rss(), rss);
    EXPECT_EQ(task.mm->total_vm, total_vm);
  }
};

INSTANTIATE_TEST_SUITE_P(Kernels, BadMappings, testing::ValuesIn(all_versions),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(BadMappings, FixedMapsOverOthersReplaceThemOrAreRefused) {
  const std::string log = log_of([&](Task& task, PageNumber area) {
    MmapRequest request;
    request.hint = area + 2;
    request.pages = 3;
    request.flags |= MAP_FIXED_NOREPLACE;
    EXPECT_EQ(mmap(*system, task, request).error, Errno::eexist);
    request.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    EXPECT_EQ(mmap(*system, task, request).first,
              area + 2); // the area is whole again, but has three pages less
    for (std::uint64_t i = 2; i < 5; ++i)
      touch(*system, task, area + i, AccessKind::write);
  });
  EXPECT_THAT(log, HasSubstr("mmap of 3 pages"));
  EXPECT_THAT(log, HasSubstr("EEXIST"));
}

TEST_P(BadMappings, RangesPastTheAddressSpaceAreRefused) {
  const std::string log = log_of([&](Task& task, PageNumber) {
    const PageNumber end = task.mm->tables.shape().end();
    MmapRequest request;
    request.hint = PageNumber(end.value() - 2);
    request.pages = 4;
    request.flags |= MAP_FIXED;
    EXPECT_EQ(mmap(*system, task, request).error, Errno::enomem);
    request = {};
    request.pages = end.value() + 1;
    EXPECT_EQ(mmap(*system, task, request).error, Errno::enomem);
    EXPECT_EQ(munmap(*system, task, PageNumber(end.value() - 2), 4), Errno::einval);
    EXPECT_EQ(munmap(*system, task, end + 1, 1), Errno::einval);
    EXPECT_EQ(mprotect(*system, task, PageNumber(end.value() - 2), 4, PROT_READ), Errno::enomem);
    EXPECT_EQ(mprotect(*system, task, PageNumber(5), ~std::uint64_t{0}, PROT_READ), Errno::enomem);
    EXPECT_EQ(madvise(*system, task, PageNumber(5), ~std::uint64_t{0}, Advice::dontneed), Errno::einval);
  });
  EXPECT_THAT(log, HasSubstr("munmap of 4 pages"));
  EXPECT_THAT(log, HasSubstr("EINVAL"));
  EXPECT_THAT(log, HasSubstr("ENOMEM"));
}

TEST_P(BadMappings, UnmappingWhatIsNotMappedSucceedsAndNoPagesAreRefused) {
  const std::string log = log_of([&](Task& task, PageNumber area) {
    EXPECT_EQ(munmap(*system, task, area + 8, 100), Errno::ok);
    EXPECT_EQ(munmap(*system, task, area, 0), Errno::einval);
    EXPECT_EQ(mmap(*system, task, MmapRequest{}).error, Errno::einval);
    EXPECT_EQ(mprotect(*system, task, area + 8, 0, PROT_READ), Errno::ok);
  });
  EXPECT_THAT(log, HasSubstr("munmap of 0 pages"));
}

TEST_P(BadMappings, ProtectionOfAHoleFailsAfterWhatCameBeforeIt) {
  const std::string log = log_of([&](Task& task, PageNumber area) {
    EXPECT_EQ(mprotect(*system, task, area + 20, 2, PROT_READ), Errno::enomem);
    EXPECT_EQ(mprotect(*system, task, area + 4, 20, PROT_READ), Errno::enomem);
    EXPECT_FALSE(task.mm->vmas.find(area + 4)->writable());
    EXPECT_TRUE(task.mm->vmas.find(area + 3)->writable());
    EXPECT_EQ(mprotect(*system, task, area + 4, 4, PROT_READ | PROT_WRITE), Errno::ok);
    EXPECT_EQ(mprotect(*system, task, area, 1, 64), Errno::einval);
  });
  EXPECT_THAT(log, HasSubstr("mprotect of 20 pages"));
}

TEST_P(BadMappings, AdviceAboutAHoleFailsAfterTheRest) {
  log_of([&](Task& task, PageNumber area) {
    EXPECT_EQ(madvise(*system, task, area + 6, 10, Advice::dontneed), Errno::enomem);
    EXPECT_EQ(task.mm->rss(), 6);
    touch(*system, task, area + 6, AccessKind::write);
    touch(*system, task, area + 7, AccessKind::write);
  });
}

TEST_P(BadMappings, RemappingWhatIsNotOneAreaIsRefused) {
  const std::string log = log_of([&](Task& task, PageNumber area) {
    EXPECT_EQ(mremap(*system, task, area + 20, 1, 2, MREMAP_MAYMOVE).error, Errno::efault);
    EXPECT_EQ(mremap(*system, task, area + 6, 4, 8, MREMAP_MAYMOVE).error, Errno::efault);
    EXPECT_EQ(mremap(*system, task, area, 8, 0, MREMAP_MAYMOVE).error, Errno::einval);
    EXPECT_EQ(mremap(*system, task, area, 8, 9, 8).error, Errno::einval);
    EXPECT_EQ(mremap(*system, task, area, 4, 5, 0).error, Errno::enomem); // something is in the way
  });
  EXPECT_THAT(log, HasSubstr("EFAULT"));
}

TEST_P(BadMappings, MoreAreasThanAreAllowedLeaveThingsAsTheyWere) {
  log_of(
      [&](Task& task, PageNumber area) {
        EXPECT_EQ(mprotect(*system, task, area + 2, 2, PROT_READ), Errno::enomem);
        EXPECT_EQ(munmap(*system, task, area + 2, 2), Errno::enomem);
        EXPECT_EQ(madvise(*system, task, area + 2, 2, Advice::random), Errno::eagain);
        EXPECT_EQ(mremap(*system, task, area, 4, 5, MREMAP_MAYMOVE).error, Errno::enomem);
      },
      {{"kernel.max_map_count", std::int64_t{1}}});
}

TEST_P(BadMappings, WhatMayNotBePromisedIsNot) {
  const std::string log = log_of(
      [&](Task& task, PageNumber area) {
        MmapRequest request;
        request.pages = 1 << 18;
        EXPECT_EQ(mmap(*system, task, request).error, Errno::enomem);
        EXPECT_EQ(mremap(*system, task, area, 8, 1 << 18, MREMAP_MAYMOVE).error, Errno::enomem);
        const PageNumber heap = brk(*system, task);
        EXPECT_EQ(brk(*system, task, heap + (1 << 18)), heap);
        request.prot = PROT_READ; // nothing is promised yet
        const PageNumber readable = mmap(*system, task, request).first;
        EXPECT_NE(readable, map_failed);
        EXPECT_EQ(mprotect(*system, task, readable, 1 << 18, PROT_READ | PROT_WRITE), Errno::enomem);
        EXPECT_EQ(munmap(*system, task, readable, 1 << 18), Errno::ok);
      },
      {{"kernel.overcommit_memory", std::int64_t{2}}});
  EXPECT_THAT(log, HasSubstr("brk"));
}

} // namespace
} // namespace mmsim::tests::bad_mappings_test
