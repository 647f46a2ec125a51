#include "net/route_table.h"

#include <algorithm>

namespace fiso::net {
void RouteTable::add(std::string_view address, std::string_view path, HttpService& service) {
  auto& routes = routes_[std::string(address)];
  auto shorter = std::ranges::find_if(routes, [&](const Route& route) { return route.path.size() < path.size(); });
  routes.insert(shorter, Route{std::string(path), &service});
}

HttpService* RouteTable::find(std::string_view address, std::string_view path) const {
  auto routes = routes_.find(address);
  if (routes == routes_.end()) return nullptr;
  for (const Route& route : routes->second) {
    bool subtree = route.path.ends_with('/') && path.starts_with(route.path);
    if (subtree || path == route.path) return route.service;
  }
  return nullptr;
}

Result<> RouteTables::claim(const std::string& address, const std::string& path, const std::optional<TlsServerOptions>& tls) {
  auto [entry, is_new] = listeners_.try_emplace(address, Listener{tls, {}});
  Listener& listener = entry->second;
  if (!is_new && listener.tls != tls)
    return Error(ErrorCode::kInvalidConfig, "http source: flows that share " + address + " must agree on tls");
  if (std::ranges::find(listener.paths, path) != listener.paths.end())
    return Error(ErrorCode::kInvalidConfig, "http source: pre-register: path \"" + path + "\" already registered on " + address);
  listener.paths.push_back(path);
  return {};
}

}  // namespace fiso::net
