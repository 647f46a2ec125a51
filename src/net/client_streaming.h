// What a client connection needs for streamed exchanges, kept from one to the next with the connection.
//
// Internal to net. Threading: shard-local.
#pragma once

#include <string>

#include "net/byte_stream.h"
#include "net/http_parser.h"
#include "net/read_buffer.h"

namespace fiso::net {

struct ClientStreaming {
  ClientStreaming(ByteStream& bytes, const MessageLimits& limits) : stream(bytes), parser(limits, response) {
    parser.stream_bodies();
  }

  ByteStream& stream;
  HttpResponse response;
  ResponseParser parser;
  ReadBuffer buffer;
  std::string head;
  Gather out;
};

}  // namespace fiso::net
