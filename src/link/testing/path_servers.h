// Servers that read paths in all the ways we know of, written down anew, so that they share no mistake with path_rules.cc.
#pragma once

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

namespace fiso::link::testing {

// What a server does with a path before it looks for what to serve, in this order.
struct Server {
  bool resolves_first;  // dot segments as they are written
  int decodings;        // of %XX
  bool backslashes;     // are slashes
  bool cuts;            // at what has become a ? or # or NUL
  bool parameters;      // a segment ends at its ;
  bool merges;          // repeated slashes

  std::string describe() const {
    return std::string(resolves_first ? "resolves, " : "") + "decodes " + std::to_string(decodings) + " times" +
           (backslashes ? ", backslashes" : "") + (cuts ? ", cuts" : "") + (parameters ? ", parameters" : "") +
           (merges ? ", merges" : "");
  }
};

inline std::string decoded(const std::string& path) {
  std::string out;
  for (size_t i = 0; i < path.size(); i++) {
    bool escape = path[i] == '%' && i + 2 < path.size() && std::isxdigit(static_cast<unsigned char>(path[i + 1])) != 0 &&
                  std::isxdigit(static_cast<unsigned char>(path[i + 2])) != 0;
    if (escape) {
      out.push_back(static_cast<char>(std::stoi(path.substr(i + 1, 2), nullptr, 16)));
      i += 2;
    } else {
      out.push_back(path[i]);
    }
  }
  return out;
}

inline std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  std::string part;
  for (char c : path.substr(1) + "/") {
    if (c != '/') {
      part += c;
      continue;
    }
    parts.push_back(part);
    part.clear();
  }
  return parts;
}

inline std::string join(const std::vector<std::string>& parts) {
  std::string path;
  for (const std::string& part : parts) path += "/" + part;
  return path.empty() ? "/" : path;
}

inline std::string resolved(const std::string& path) {
  std::vector<std::string> kept;
  for (const std::string& part : split(path)) {
    if (part == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (part != ".") {
      kept.push_back(part);
    }
  }
  return join(kept);
}

inline std::string served(const Server& server, std::string path) {
  if (server.resolves_first) path = resolved(path);
  for (int i = 0; i < server.decodings; i++) path = decoded(path);
  if (server.backslashes) std::replace(path.begin(), path.end(), '\\', '/');
  if (server.cuts) path = path.substr(0, path.find_first_of(std::string_view("?#\0", 3)));
  if (path.empty() || path[0] != '/') path = "/" + path;
  std::vector<std::string> parts = split(path);
  if (server.parameters)
    for (std::string& part : parts) part = part.substr(0, part.find(';'));
  if (server.merges) {
    std::string last = parts.back();
    parts.pop_back();
    parts.erase(std::remove(parts.begin(), parts.end(), ""), parts.end());
    parts.push_back(last);
  }
  return resolved(join(parts));
}

inline std::vector<Server> all_servers() {
  std::vector<Server> servers;
  for (int decodings = 0; decodings < 4; decodings++)
    for (int bits = 0; bits < 32; bits++)
      servers.push_back({(bits & 1) != 0, decodings, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, (bits & 16) != 0});
  return servers;
}

}  // namespace fiso::link::testing
