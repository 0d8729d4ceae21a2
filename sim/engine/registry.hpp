// Implementations that register themselves: one policy, one .cpp, and no list to edit.
//
//   struct TlbFlushPolicy {                                                  // the interface, in its header
//     static constexpr std::string_view registry_path = "kernel.tlb_flush";  // the parameter that chooses
//     using Factory = std::function<std::unique_ptr<TlbFlushPolicy>(System&)>;
//     ...
//   };
//   static const Registered<TlbFlushPolicy> lazy{                            // in lazy.cpp, at namespace
//   scope
//       "lazy", "skips cores in lazy-TLB mode", [](System& s) { return std::make_unique<Lazy>(s); }};
//
//   auto policy = Registry<TlbFlushPolicy>::instance().create(costs.tlb_flush, system);
//
// The layers are linked as objects, since a linker drops registrations from archives that nobody names.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/engine/configuration.hpp"

namespace mmsim {

/// What a listing shows of one implementation.
struct RegistryEntry {
  std::string name;
  std::string help;
  std::string notes; ///< What a reader of results must know of it, or nothing.
};

/// A registry without its types, for listings and for checking names.
class AnyRegistry {
 public:
  AnyRegistry(const AnyRegistry&) = delete;
  AnyRegistry& operator=(const AnyRegistry&) = delete;

  /// The parameter whose value names an implementation.
  const std::string& path() const { return path_; }
  /// Ordered by name.
  std::vector<RegistryEntry> entries() const;
  std::vector<std::string> names() const;
  bool contains(std::string_view name) const { return entries_.contains(name); }
  /// Throws InputError, at `origin`, that shows the nearest name.
  void check(std::string_view name, const Origin& origin = {}) const;

  /// Every registry that has an implementation or was asked for one, ordered by path.
  static std::vector<const AnyRegistry*> all();
  /// The registry of a path, or null.
  static const AnyRegistry* find(std::string_view path);

 protected:
  explicit AnyRegistry(std::string_view path);
  ~AnyRegistry() = default;
  /// Throws std::logic_error if the name is taken.
  void add(RegistryEntry entry);

 private:
  std::string path_;
  std::map<std::string, RegistryEntry, std::less<>> entries_;
};

/// The implementations of `Interface` by name.
template <class Interface>
class Registry : public AnyRegistry {
 public:
  using Factory = typename Interface::Factory;

  static Registry& instance() {
    static Registry registry;
    return registry;
  }

  void add(std::string_view name, std::string_view help, Factory factory, std::string_view notes = {}) {
    AnyRegistry::add({std::string(name), std::string(help), std::string(notes)});
    factories_.emplace(name, std::move(factory));
  }

  /// Throws InputError, at `origin`, for an unknown name.
  const Factory& factory(std::string_view name, const Origin& origin = {}) const {
    check(name, origin);
    return factories_.find(name)->second;
  }

  /// A new object of the implementation `name`. Throws InputError for an unknown name.
  template <class... Arguments>
  auto create(std::string_view name, Arguments&&... arguments) const {
    return factory(name)(std::forward<Arguments>(arguments)...);
  }

 private:
  Registry() : AnyRegistry(Interface::registry_path) {}
  std::map<std::string, Factory, std::less<>> factories_;
};

/// An object of this type at namespace scope registers one implementation.
template <class Interface>
struct Registered {
  Registered(std::string_view name, std::string_view help, typename Interface::Factory factory,
             std::string_view notes = {}) {
    Registry<Interface>::instance().add(name, help, std::move(factory), notes);
  }
};

} // namespace mmsim
