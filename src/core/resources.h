// What components may use of the process, found by type: the wasm engine, the blocking pool, route tables.
//
// Filled by the server before anything is built. Core names no type itself, so a component can ask for something that core
// does not know. Borrowed: what is put in outlives the resources. Immutable after it was filled.
#pragma once

#include <typeindex>
#include <unordered_map>

#include "base/check.h"

namespace fiso::core {

class Resources {
 public:
  template <class T>
  void add(T& resource) {
    found_[std::type_index(typeid(T))] = &resource;
  }

  // Asking for what was not added is a bug.
  template <class T>
  T& get() const {
    T* resource = find<T>();
    FISO_CHECK(resource != nullptr, typeid(T).name());
    return *resource;
  }

  template <class T>
  T* find() const {
    auto entry = found_.find(std::type_index(typeid(T)));
    return entry == found_.end() ? nullptr : static_cast<T*>(entry->second);
  }

 private:
  std::unordered_map<std::type_index, void*> found_;
};

}  // namespace fiso::core
