// The C++ types that a config field may have, each with how it is read, named and shown: FieldType<M>.
//
// std::string, bool, any integer, double, Duration, Milliseconds, Bytes, Secret; std::vector and string-keyed std::map of those;
// std::optional of those, for "not given"; Node for a map that another spec reads later. Nested structs and enums need more
// than their type and are added by Spec::field and Spec::choice.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/reader.h"
#include "config/struct_spec.h"

namespace fiso::config {

// A duration that may be written as a bare number of milliseconds, where that is an old custom.
struct Milliseconds {
  Duration duration{};
  auto operator<=>(const Milliseconds&) const = default;
};

template <class M>
struct FieldType;  // read(reader, node, value); kType, kContainer; show(value): as one would write it, nothing if not worth
                   // showing

template <class I>
concept IntegerField = std::integral<I> && !std::same_as<I, bool>;

template <>
struct FieldType<std::string> {
  static constexpr ValueType kType = ValueType::kText;
  static constexpr Container kContainer = Container::kOne;
  static void read(const Reader& reader, const Node& node, std::string& value) { read_text(reader, node, value); }
  static std::optional<std::string> show(const std::string& value) { return value.empty() ? std::nullopt : std::optional(value); }
};

template <>
struct FieldType<bool> {
  static constexpr ValueType kType = ValueType::kBool;
  static constexpr Container kContainer = Container::kOne;
  static void read(const Reader& reader, const Node& node, bool& value) { read_bool(reader, node, value); }
  static std::optional<std::string> show(const bool& value) { return value ? "true" : "false"; }
};

template <IntegerField I>
struct FieldType<I> {
  static constexpr ValueType kType = ValueType::kInteger;
  static constexpr Container kContainer = Container::kOne;
  static void read(const Reader& reader, const Node& node, I& value) {
    int64_t number = 0;
    size_t before = reader.failures();
    read_integer(reader, node, number);
    if (reader.failures() > before) return;
    if (!std::in_range<I>(number)) {
      reader.fail(node, "{path} must be between {value}",
                  show(std::numeric_limits<I>::min()).value() + " and " + show(std::numeric_limits<I>::max()).value() + ", got " +
                      node.text());
      return;
    }
    value = static_cast<I>(number);
  }
  static std::optional<std::string> show(const I& value) { return std::to_string(value); }
};

template <>
struct FieldType<double> {
  static constexpr ValueType kType = ValueType::kNumber;
  static constexpr Container kContainer = Container::kOne;
  static void read(const Reader& reader, const Node& node, double& value) { read_number(reader, node, value); }
  static std::optional<std::string> show(const double& value) { return fmt::format("{}", value); }
};

template <>
struct FieldType<Duration> {
  static constexpr ValueType kType = ValueType::kDuration;
  static constexpr Container kContainer = Container::kOne;
  static void read(const Reader& reader, const Node& node, Duration& value) { read_duration(reader, node, value); }
  static std::optional<std::string> show(const Duration& value) { return format_duration(value); }
};

template <>
struct FieldType<Milliseconds> {
  static constexpr ValueType kType = ValueType::kMilliseconds;
  static constexpr Container kContainer = Container::kOne;
  static void read(const Reader& reader, const Node& node, Milliseconds& value) {
    read_milliseconds(reader, node, value.duration);
  }
  static std::optional<std::string> show(const Milliseconds& value) { return format_duration(value.duration); }
};

template <>
struct FieldType<Bytes> {
  static constexpr ValueType kType = ValueType::kBytes;
  static constexpr Container kContainer = Container::kOne;
  static void read(const Reader& reader, const Node& node, Bytes& value) { read_bytes(reader, node, value); }
  static std::optional<std::string> show(const Bytes& value) { return format_bytes(value); }
};

template <>
struct FieldType<Secret> {
  static constexpr ValueType kType = ValueType::kSecret;
  static constexpr Container kContainer = Container::kOne;
  static void read(const Reader& reader, const Node& node, Secret& value) { read_secret(reader, node, value); }
  static std::optional<std::string> show(const Secret&) { return std::nullopt; }
};

template <>
struct FieldType<Node> {
  static constexpr ValueType kType = ValueType::kAnyMap;
  static constexpr Container kContainer = Container::kOne;
  static void read(const Reader& reader, const Node& node, Node& value) {
    if (!node.is_null() && node.kind() != NodeKind::kMap) return reader.expected_shape("a map", node);
    value = node;
  }
  static std::optional<std::string> show(const Node&) { return std::nullopt; }
};

// One element of a list or map. Text is taken as it is written there: arguments and variables are often numbers.
template <class E>
void read_element(const Reader& reader, const Node& node, E& value) {
  if constexpr (std::same_as<E, std::string>) {
    read_scalar(reader, node, value);
  } else {
    FieldType<E>::read(reader, node, value);
  }
}

template <class E>
struct FieldType<std::vector<E>> {
  static constexpr ValueType kType = FieldType<E>::kType;
  static constexpr Container kContainer = Container::kList;
  static void read(const Reader& reader, const Node& node, std::vector<E>& value) {
    value.clear();
    read_items(reader, node, [&](const Reader& at, const Node& item) {
      E element{};
      read_element(at, item, element);
      value.push_back(std::move(element));
    });
  }
  static std::optional<std::string> show(const std::vector<E>& value) {
    std::string list;
    for (const E& element : value) list += (list.empty() ? "" : ", ") + FieldType<E>::show(element).value_or("\"\"");
    return list.empty() ? std::nullopt : std::optional("[" + list + "]");
  }
};

template <class E>
struct FieldType<std::map<std::string, E>> {
  static constexpr ValueType kType = FieldType<E>::kType;
  static constexpr Container kContainer = Container::kMap;
  static void read(const Reader& reader, const Node& node, std::map<std::string, E>& value) {
    value.clear();
    read_entries(reader, node,
                 [&](const Reader& at, const Entry& entry) { read_element(at, entry.value, value[entry.key.text()]); });
  }
  static std::optional<std::string> show(const std::map<std::string, E>&) { return std::nullopt; }
};

template <class E>
struct FieldType<std::optional<E>> {
  static constexpr ValueType kType = FieldType<E>::kType;
  static constexpr Container kContainer = FieldType<E>::kContainer;
  static void read(const Reader& reader, const Node& node, std::optional<E>& value) {
    FieldType<E>::read(reader, node, value.emplace());
  }
  static std::optional<std::string> show(const std::optional<E>& value) {
    return value ? FieldType<E>::show(*value) : std::nullopt;
  }
};

// How a field that holds one, maybe one, a list or a map of nested structs is filled.
template <class M, class U>
struct Nesting;

template <class U>
struct Nesting<U, U> {
  static constexpr Container kContainer = Container::kOne;
  static void read(const StructSpec& spec, const Reader& reader, const Node& node, U& value) {
    read_struct(spec, reader, node, &value);
  }
};

template <class U>
struct Nesting<std::optional<U>, U> {
  static constexpr Container kContainer = Container::kOne;
  static void read(const StructSpec& spec, const Reader& reader, const Node& node, std::optional<U>& value) {
    if (!node.is_null()) read_struct(spec, reader, node, &value.emplace());
  }
};

template <class U>
struct Nesting<std::vector<U>, U> {
  static constexpr Container kContainer = Container::kList;
  static void read(const StructSpec& spec, const Reader& reader, const Node& node, std::vector<U>& value) {
    value.clear();
    read_items(reader, node, [&](const Reader& at, const Node& item) { read_struct(spec, at, item, &value.emplace_back()); });
  }
};

template <class U>
struct Nesting<std::map<std::string, U>, U> {
  static constexpr Container kContainer = Container::kMap;
  static void read(const StructSpec& spec, const Reader& reader, const Node& node, std::map<std::string, U>& value) {
    value.clear();
    read_entries(reader, node,
                 [&](const Reader& at, const Entry& entry) { read_struct(spec, at, entry.value, &value[entry.key.text()]); });
  }
};

}  // namespace fiso::config
