// Parameters, declared once: type, unit, default, bounds, help and source stand in one line beside the field.
//
//   struct IpiCosts {
//     Duration send;
//     std::int64_t targets_per_send;
//     static void declare(Declaration& d, IpiCosts& c) {
//       d("machine.ipi.send", c.send, "80 ns", "cost of one write to the SGI register at the sender",
//       "estimate: ..."); d("machine.ipi.targets_per_send", c.targets_per_send, 1, "targets of one write",
//       "GICv3").at_least(1);
//     }
//   };
//   inline const DeclareParameters<IpiCosts> declared_ipi_costs;     // in the same header: known to the
//   catalogue
//
//   IpiCosts costs = read_parameters<IpiCosts>(configuration);       // checked, or InputError with file and
//   line
//
// The same `declare` runs for the catalogue (where it leaves the fields alone) and for reading, so that
// listing, key checking, reading and echo cannot disagree. It must therefore declare the same parameters
// whatever the values are.
//
// A field is a Duration, Bytes, BytesPerSecond, Hertz, std::int64_t, double, bool or std::string. Paths begin
// with machine. kernel. scenario. or run. A scenario's own parameters name it:
// DeclareParameters<ForkParameters> x{"fork"};
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/engine/configuration.hpp"
#include "sim/engine/registry.hpp"
#include "sim/engine/time.hpp"
#include "sim/engine/units.hpp"

namespace mmsim {

/// Types that a parameter can have.
template <class T>
concept ParameterField = std::same_as<T, Duration> || std::same_as<T, Bytes> ||
    std::same_as<T, BytesPerSecond> || std::same_as<T, Hertz> || std::same_as<T, std::int64_t> ||
    std::same_as<T, double> || std::same_as<T, bool> || std::same_as<T, std::string>;

/// Types whose values can be bounded, and types whose values can be listed.
template <class T>
concept Ordered = ParameterField<T> && !std::same_as<T, bool> && !std::same_as<T, std::string>;
template <class T>
concept Listed = std::same_as<T, std::int64_t> || std::same_as<T, std::string>;

/// In place of a default: the user has to give a value.
struct Required {};
inline constexpr Required required{};

/// A default or a bound as it stands in a declaration: "80 ns", 1, 0.5, true, "lazy".
class Literal {
 public:
  Literal(const char* text) : value_(std::string(text)) {}
  Literal(std::string text) : value_(std::move(text)) {}
  template <std::integral Number>
  Literal(Number number) {
    if constexpr (std::same_as<Number, bool>)
      value_ = number;
    else
      value_ = static_cast<std::int64_t>(number);
  }
  Literal(std::floating_point auto number) : value_(static_cast<double>(number)) {}
  Literal(Required) {}
  const std::optional<Value>& value() const { return value_; }

 private:
  std::optional<Value> value_; // none: required
};

/// What the catalogue knows of one parameter.
struct ParameterInfo {
  std::string path;
  std::string scenario; ///< The scenario that has it; empty: every run has it.
  std::string type;     ///< "duration", "size", "rate", "frequency", "integer", "number", "flag", "name"
  std::string unit;     ///< The units to choose from, as in "ps ns us ms s cycles"; or nothing.
  std::optional<Value> default_value; ///< None: the user has to give one.
  std::string help;
  std::string source; ///< Where the default comes from.
  std::optional<Value> at_least;
  std::optional<Value> at_most;
  std::vector<std::string> listed_names; ///< As given to one_of() or beside registered().
  const AnyRegistry* registry = nullptr; ///< Its names are allowed as well.

  /// As a file would have it: `"80 ns"` with its quotes, or "required".
  std::string default_text() const;
  /// The values to choose from; empty if any will do. Complete only once every registration has run, in
  /// main().
  std::vector<std::string> allowed_names() const;
};

class Declaration;

/// What follows a declaration to restrict it. A value outside throws InputError with value, bound, path and
/// origin.
template <ParameterField T>
class Constraint {
 public:
  Constraint& at_least(Literal bound) requires Ordered<T>;
  Constraint& at_most(Literal bound) requires Ordered<T>;
  /// Strings and whole numbers: one of these.
  Constraint& one_of(std::initializer_list<Literal> values) requires Listed<T>;
  /// Strings: the name of an implementation of `Interface`, or one of `others`.
  template <class Interface>
  Constraint&
  registered(std::initializer_list<std::string_view> others = {}) requires std::same_as<T, std::string> {
    return registered(Registry<Interface>::instance(), others);
  }

 private:
  friend class Declaration;
  Constraint(Declaration& declaration, T& field) : declaration_(declaration), field_(field) {}
  Constraint&
  registered(const AnyRegistry& registry,
             std::initializer_list<std::string_view> others) requires std::same_as<T, std::string>;

  Declaration& declaration_;
  T& field_;
};

/// The visitor that a struct's `declare` function shows its parameters to.
class Declaration {
 public:
  /// Declares one parameter; when reading, stores its value in `field`. `source` says where the default comes
  /// from (a publication, or "estimate: " with the reasoning); costs must have one, choices need none. Throws
  /// InputError if the value has the wrong type or unit, or is required and missing.
  template <ParameterField T>
  Constraint<T> operator()(std::string_view path, T& field, Literal default_value, std::string_view help,
                           std::string_view source = {});

  /// Reads the values of `configuration`, which must outlive this.
  explicit Declaration(const Configuration& configuration) : configuration_(&configuration) {}
  /// Appends to `catalogue`, which must outlive this.
  Declaration(std::vector<ParameterInfo>& catalogue, std::string_view scenario)
      : catalogue_(&catalogue), scenario_(scenario) {}

 private:
  template <ParameterField T>
  friend class Constraint;

  template <ParameterField T>
  T convert(const Value& value) const;
  [[noreturn]] void fail(const std::string& reason) const;

  const Configuration* configuration_ = nullptr;    // when reading
  std::vector<ParameterInfo>* catalogue_ = nullptr; // when declaring
  std::string scenario_;
  // The parameter at hand:
  std::string path_;
  Value value_;
  Origin origin_;
  bool is_default_ = false;
};

/// Every declared parameter, for listings and for checking keys.
class ParameterCatalogue {
 public:
  static ParameterCatalogue& instance();

  /// Throws std::logic_error if a path is declared twice or is in no section.
  void add(void (*declare)(Declaration&), std::string_view scenario);

  /// All parameters, ordered by path, then scenario.
  std::vector<ParameterInfo> parameters() const;
  /// The parameters that a run of `scenario` has, ordered by path.
  std::vector<ParameterInfo> parameters_of(std::string_view scenario) const;
  /// The parameter `path` in a run of `scenario`; null if it has none. Valid until something is declared.
  const ParameterInfo* find(std::string_view path, std::string_view scenario) const;

  /// Reads every parameter of the chosen scenario and drops the values: throws InputError for the first bad
  /// one.
  void check_values(const Configuration& configuration) const;

 private:
  struct Declared {
    void (*declare)(Declaration&);
    std::string scenario;
  };
  std::map<std::pair<std::string, std::string>, ParameterInfo> parameters_; // by path and scenario
  std::vector<Declared> structs_;
};

/// An object of this type at namespace scope puts the parameters of `Parameters` in the catalogue.
template <class Parameters>
struct DeclareParameters {
  explicit DeclareParameters(std::string_view scenario = {}) {
    ParameterCatalogue::instance().add(
        [](Declaration& declaration) {
          Parameters parameters{};
          Parameters::declare(declaration, parameters);
        },
        scenario);
  }
};

/// The values of a struct's parameters: from the configuration, else their defaults. Throws InputError with
/// the origin for a wrong type, unit, sign or name and for a value out of bounds.
template <class Parameters>
Parameters read_parameters(const Configuration& configuration) {
  Parameters parameters{};
  Declaration declaration(configuration);
  Parameters::declare(declaration, parameters);
  return parameters;
}

/// The value of scenario.name, or nothing if it is not set. Throws InputError if it is no registered
/// scenario.
std::string chosen_scenario(const Configuration& configuration);

/// Throws InputError for the first key (by path) that no parameter has, with the nearest one that exists. A
/// scenario.* key must belong to the scenario that scenario.name chooses. machine.base, kernel.base and
/// scenario.name are always known.
void check_keys(const Configuration& configuration);

/// check_keys, then every value: what is wrong with a configuration is found before anything starts.
void check_configuration(const Configuration& configuration);

/// The configuration with the default of everything that is not set, at origin "default": what a run echoes.
Configuration with_defaults(const Configuration& configuration);

} // namespace mmsim
