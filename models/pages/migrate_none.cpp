// No grouping by mobility: one list an order, as up to 2.6.23.
#include "models/pages/page_mobility.hpp"

namespace mmsim {
namespace {

class MigrateNone final : public PageMobility {
 public:
  MigrateNone()
      : PageMobility({.tail_if_merge_likely = false,
                      .moved_to = ListEnd::front,
                      .min_blocks = UINT64_MAX,
                      .disabled = {MigrateType::movable, MigrateType::movable, MigrateType::movable,
                                   MigrateType::movable},
                      .free_area = {.line = 32, .order = 12, .list = 0, .nr_free = 8}}) {}

  Buddy::Taken fallback(Buddy&, unsigned, MigrateType, bool) override { return {no_frame}; }
};

const Registered<PageMobility> none{"none", "no grouping: one free list an order (2.6.23)",
                                    [] { return std::make_unique<MigrateNone>(); }};

} // namespace
} // namespace mmsim
