#include "sim/engine/stack_pool.hpp"

#include <cerrno>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0
#endif

namespace mmsim {

namespace {
std::size_t guard_bytes() {
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return page;
}
} // namespace

StackPool::StackPool(std::size_t usable_bytes) : usable_(usable_bytes) {}

StackPool::~StackPool() {
  for (void* base : free_)
    munmap(base, usable_ + guard_bytes());
}

boost::context::stack_context StackPool::take() {
  void* base;
  if (!free_.empty()) {
    base = free_.back();
    free_.pop_back();
  } else {
    base = mmap(nullptr, usable_ + guard_bytes(), PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
      throw std::system_error(errno, std::generic_category(), "no memory for another fiber's stack");
    if (mprotect(base, guard_bytes(), PROT_NONE) != 0) {
      const int error = errno;
      munmap(base, usable_ + guard_bytes());
      throw std::system_error(error, std::generic_category(),
                              "cannot guard another fiber's stack (see vm.max_map_count)");
    }
    (void)VALGRIND_STACK_REGISTER(static_cast<char*>(base) + guard_bytes(),
                                  static_cast<char*>(base) + guard_bytes() + usable_);
  }
  boost::context::stack_context stack;
  stack.size = usable_;
  stack.sp = static_cast<char*>(base) + guard_bytes() + usable_;
  return stack;
}

void StackPool::give_back(boost::context::stack_context& stack) {
  free_.push_back(static_cast<char*>(stack.sp) - usable_ - guard_bytes());
}

} // namespace mmsim
