// Stacks for fibers: fixed size, a guard page below, kept in a free list.
//
// A protected stack made new costs 10 us of host time, one from the list 39 ns (ENGINE.md). Near 32,000
// guarded stacks the kernel's limit on mappings makes mprotect fail: that is reported, since a silent lack of
// guards would turn an overflow into corruption.
#pragma once

#include <boost/context/stack_context.hpp>
#include <cstddef>
#include <vector>

namespace mmsim {

class StackPool {
 public:
  explicit StackPool(std::size_t usable_bytes = 64 * 1024);
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  /// A stack whose `sp` is its top and `size` its usable bytes. Throws std::system_error when the host
  /// refuses.
  boost::context::stack_context take();
  void give_back(boost::context::stack_context& stack);

  /// What Boost.Context wants to be given: a handle on the pool.
  struct Allocator {
    StackPool* pool;
    boost::context::stack_context allocate() { return pool->take(); }
    void deallocate(boost::context::stack_context& stack) { pool->give_back(stack); }
  };
  Allocator allocator() { return {this}; }

 private:
  std::size_t usable_;
  std::vector<void*> free_;
};

} // namespace mmsim
