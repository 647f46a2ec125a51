#include "net/route_table.h"

#include <algorithm>

namespace fiso::net {
namespace {

struct HostPort {
  std::string_view host, port;
};

HostPort split(std::string_view address) {
  size_t colon = std::min(address.rfind(':'), address.size());
  std::string_view host = address.substr(0, colon);
  // Some systems have it at [::1] first. It is not asked here, so that a check says the same wherever it is made.
  if (host == "localhost") host = "127.0.0.1";
  return {host, address.substr(std::min(colon + 1, address.size()))};
}

// A wildcard takes the port of every address of its family; that of IPv6 takes IPv4's too.
bool takes_all_of(std::string_view wildcard, std::string_view other) {
  if (wildcard.empty() || wildcard == "[::]") return true;
  return wildcard == "0.0.0.0" && !other.starts_with('[');
}

// An address and itself collide too.
bool collide(std::string_view one, std::string_view other) {
  HostPort a = split(one), b = split(other);
  bool any_port = a.port.find_first_not_of('0') == std::string_view::npos;
  if (any_port || a.port != b.port) return false;
  return a.host == b.host || takes_all_of(a.host, b.host) || takes_all_of(b.host, a.host);
}

}  // namespace

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
  Listener& listener = listeners_.try_emplace(address, Listener{tls, {}}).first->second;
  if (listener.tls != tls)
    return Error(ErrorCode::kInvalidConfig, "http source: flows that share " + address + " must agree on tls");
  if (std::ranges::find(listener.paths, path) != listener.paths.end())
    return Error(ErrorCode::kInvalidConfig, "http source: pre-register: path \"" + path + "\" already registered on " + address);
  listener.paths.push_back(path);
  return {};
}

bool RouteTables::agrees(const std::string& address, const std::optional<TlsServerOptions>& tls) const {
  auto known = listeners_.find(address);
  return known == listeners_.end() || known->second.tls == tls;
}

void RouteTables::reserve(const std::string& address, const std::string& owner) {
  if (!address.empty()) reserved_[address] = owner;
}

Result<> RouteTables::check_address(const std::string& address) const {
  for (const auto& [taken, owner] : reserved_) {
    if (collide(taken, address))
      return Error(ErrorCode::kInvalidConfig, "http source: " + address + " takes the port of " + taken + ", which is " + owner);
  }
  for (const auto& [known, listener] : listeners_) {
    if (known != address && collide(known, address))
      return Error(ErrorCode::kInvalidConfig,
                   "http source: " + address + " takes the port of " + known + ": write the same address in both flows");
  }
  return {};
}

}  // namespace fiso::net
