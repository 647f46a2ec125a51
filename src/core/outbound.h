// A CloudEvent ready to be sent, in pieces, so that the payload is not copied into it.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/header_list.h"

namespace fiso::core {

inline constexpr std::string_view kCloudEventContentType = "application/cloudevents+json";
inline constexpr std::string_view kCorrelationHeader = "fiso-correlation-id";

// Borrows the payload and headers of the event it was made from.
struct Outbound {
  std::string head;  // up to the data member's value
  std::string_view data;
  std::string_view tail;  // "}" after it; empty where `data` is a whole CloudEvent
  std::string_view correlation_id;
  const HeaderList* headers = nullptr;  // Event::sink_headers

  // Structured-mode JSON.
  std::array<std::string_view, 3> body() const { return {head, data, tail}; }
  size_t size() const { return head.size() + data.size() + tail.size(); }
};

}  // namespace fiso::core
