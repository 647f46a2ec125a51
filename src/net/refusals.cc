#include "net/refusals.h"

namespace fiso::net {

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::kMalformed: return "malformed";
    case Refusal::kIncomplete: return "incomplete";
    case Refusal::kVersion: return "version";
    case Refusal::kExpectation: return "expectation";
    case Refusal::kHeadTooLarge: return "head_too_large";
    case Refusal::kBodyTooLarge: return "body_too_large";
    case Refusal::kHeadTimeout: return "head_timeout";
    case Refusal::kBodyTimeout: return "body_timeout";
    case Refusal::kTooManyBodies: return "too_many_bodies";
  }
  return "malformed";
}

std::string_view to_string(ConnectionRefusal refusal) {
  switch (refusal) {
    case ConnectionRefusal::kTooMany: return "too_many";
    case ConnectionRefusal::kTlsHandshake: return "tls_handshake";
    case ConnectionRefusal::kSlowReader: return "slow_reader";
    case ConnectionRefusal::kNoDescriptors: return "no_descriptors";
    case ConnectionRefusal::kFlood: return "flood";
  }
  return "too_many";
}

Refusal refusal_of(int status) {
  switch (status) {
    case 413: return Refusal::kBodyTooLarge;
    case 417: return Refusal::kExpectation;
    case 431: return Refusal::kHeadTooLarge;
    case 505: return Refusal::kVersion;
    default: return Refusal::kMalformed;
  }
}

// All series are there from the start, at 0.
RefusalReport::RefusalReport(observe::Metrics& metrics, observe::Log log) : log_(std::move(log)) {
  for (size_t i = 0; i < kConnectionRefusals; ++i)
    connections_[i] = &metrics.counter("fiso_http_connections_refused_total", "Connections that a server refused or cut, by why.",
                                       {{"reason", to_string(static_cast<ConnectionRefusal>(i))}});
  for (size_t i = 0; i < kRefusals; ++i)
    requests_[i] =
        &metrics.counter("fiso_http_requests_refused_total", "Requests that a server did not read to their end, by why.",
                         {{"reason", to_string(static_cast<Refusal>(i))}});
}

}  // namespace fiso::net
