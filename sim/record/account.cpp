#include "sim/record/account.hpp"

#include <array>

namespace mmsim {
namespace {

struct AccountRow {
  Account account;
  std::string_view name, help;
};

constexpr std::array<AccountRow, account_count> account_rows{{
    {Account::user, "user", "the task's own instructions in user mode"},
    {Account::entry, "entry", "exception entry and exit, system call"},
    {Account::work, "work", "the kernel's own instructions"},
    {Account::coherence, "coherence", "cache-line misses: waiting for lines that other cores hold"},
    {Account::lock_spin, "lock_spin", "spinning for a lock"},
    {Account::lock_sleep, "lock_sleep", "sleeping for a lock"},
    {Account::page_zero, "page_zero", "zeroing pages"},
    {Account::page_copy, "page_copy", "copying pages"},
    {Account::alloc, "alloc", "allocating and freeing frames"},
    {Account::tlb_local, "tlb_local", "TLB invalidation on the own core, and refills"},
    {Account::tlb_remote, "tlb_remote", "waiting for other cores to invalidate their TLBs"},
    {Account::interrupt, "interrupt", "handlers that stole time"},
    {Account::io, "io", "waiting for a device"},
    {Account::schedule, "schedule", "context switches, and waiting for a core"},
}};

constexpr bool accounts_in_enum_order() {
  for (std::size_t i = 0; i < account_rows.size(); ++i)
    if (index(account_rows[i].account) != i || account_rows[i].name.empty()) return false;
  return true;
}
static_assert(accounts_in_enum_order());

} // namespace

std::string_view name(Account account) { return account_rows[index(account)].name; }

std::string_view help(Account account) { return account_rows[index(account)].help; }

std::optional<Account> account_named(std::string_view name) {
  for (const AccountRow& row : account_rows)
    if (row.name == name) return row.account;
  return {};
}

} // namespace mmsim
