// The components there are, by kind and type name. Filled once, by components/builtin.cc; immutable afterwards.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "core/component.h"

namespace fiso::core {

class Registry {
 public:
  template <class C>
  void add_source() {
    sources_.push_back(component_type<Source, C>());
  }
  template <class C>
  void add_sink() {
    sinks_.push_back(component_type<Sink, C>());
  }
  template <class C>
  void add_interceptor() {
    interceptors_.push_back(component_type<Interceptor, C>());
  }

  const std::vector<ComponentType<Source>>& sources() const { return sources_; }
  const std::vector<ComponentType<Sink>>& sinks() const { return sinks_; }
  const std::vector<ComponentType<Interceptor>>& interceptors() const { return interceptors_; }

  // nullptr if there is none of that name.
  template <class T>
  static const ComponentType<T>* find(const std::vector<ComponentType<T>>& types, std::string_view name) {
    for (const ComponentType<T>& type : types)
      if (type.name == name) return &type;
    return nullptr;
  }

 private:
  std::vector<ComponentType<Source>> sources_;
  std::vector<ComponentType<Sink>> sinks_;
  std::vector<ComponentType<Interceptor>> interceptors_;
};

}  // namespace fiso::core
