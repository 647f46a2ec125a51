#include "net/testing/http2_peer.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/check.h"

namespace fiso::testing {
namespace {

std::vector<nghttp2_nv> laid_out(const Http2Peer::Fields& fields) {
  std::vector<nghttp2_nv> out;
  for (const auto& [name, value] : fields)
    out.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                   reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  return out;
}

std::string_view text_of(const uint8_t* bytes, size_t size) { return {reinterpret_cast<const char*>(bytes), size}; }

}  // namespace

struct Http2Peer::Callbacks {
  static Http2Peer& self(void* peer) { return *static_cast<Http2Peer*>(peer); }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size, const uint8_t* value,
                       size_t value_size, uint8_t, void* peer) {
    Message& message = self(peer).messages_[frame->hd.stream_id];
    std::string_view field = text_of(name, name_size), text = text_of(value, value_size);
    if (field == ":status") {
      message.headers.clear();
      int status = 0;
      std::from_chars(text.data(), text.data() + text.size(), status);
      message.statuses.push_back(status);
      message.head_here = status >= 200;
    }
    (message.ended_head ? message.trailers : message.headers).add(field, text);
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* peer) {
    Http2Peer& our = self(peer);
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      our.gone_away_ = true;
      our.goaway_error_ = frame->goaway.error_code;
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    Message& message = our.messages_[frame->hd.stream_id];
    bool is_request = frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
    if (is_request) message.head_here = true;
    if (message.head_here) message.ended_head = true;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    message.ended = true;
    our.requests_.push_back(frame->hd.stream_id);
    return 0;
  }
  static int on_data(nghttp2_session*, uint8_t, int32_t stream, const uint8_t* data, size_t size, void* peer) {
    self(peer).messages_[stream].body.append(text_of(data, size));
    return 0;
  }
  static int on_close(nghttp2_session*, int32_t stream, uint32_t error, void* peer) {
    Message& message = self(peer).messages_[stream];
    message.closed = true;
    message.error = error;
    return 0;
  }
  static ssize_t give(nghttp2_session* session, int32_t stream, uint8_t* into, size_t room, uint32_t* flags, nghttp2_data_source*,
                      void* peer) {
    Out& out = self(peer).out_[stream];
    if (out.bytes.empty() && !out.ended) return NGHTTP2_ERR_DEFERRED;
    size_t taken = std::min(room, out.bytes.size());
    if (taken > 0) std::memcpy(into, out.bytes.data(), taken);
    out.bytes.erase(0, taken);
    if (!out.bytes.empty() || !out.ended) return static_cast<ssize_t>(taken);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!out.trailers.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      auto fields = laid_out(out.trailers);
      nghttp2_submit_trailer(session, stream, fields.data(), fields.size());
    }
    return static_cast<ssize_t>(taken);
  }
};

Http2Peer::Http2Peer(RawClient& socket, Windows windows)
    : send_([&socket](std::string_view bytes) { return socket.send(bytes); }), read_([&socket] { return socket.read_some(); }) {
  start(false, windows);
}

Http2Peer::Http2Peer(ScriptedUpstream::Conversation& socket, Windows windows)
    : send_([&socket](std::string_view bytes) { return socket.send(bytes); }), read_([&socket] { return socket.read_some(); }) {
  start(true, windows);
}

Http2Peer::Http2Peer(TlsConversation& socket, Windows windows)
    : send_([&socket](std::string_view bytes) { return socket.send(bytes); }), read_([&socket] { return socket.read_some(); }) {
  start(true, windows);
}

Http2Peer::~Http2Peer() { nghttp2_session_del(session_); }

void Http2Peer::start(bool server, Windows windows) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  FISO_CHECK(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_close);
  nghttp2_option_set_max_send_header_block_length(option, 1 << 20);
  if (windows == Windows::kByHand) nghttp2_option_set_no_auto_window_update(option, 1);
  if (server)
    nghttp2_session_server_new2(&session_, callbacks, this, option);
  else
    nghttp2_session_client_new2(&session_, callbacks, this, option);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(option);
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
}

int32_t Http2Peer::submit(int32_t stream, const Fields& fields, bool has_body) {
  nghttp2_data_provider body{};
  body.read_callback = Callbacks::give;
  auto laid = laid_out(fields);
  if (stream != 0) {
    nghttp2_submit_response(session_, stream, laid.data(), laid.size(), has_body ? &body : nullptr);
    return stream;
  }
  return nghttp2_submit_request(session_, nullptr, laid.data(), laid.size(), has_body ? &body : nullptr, nullptr);
}

int32_t Http2Peer::begin(std::string_view method, std::string_view path, Fields more) {
  Fields fields = {{":method", std::string(method)}, {":scheme", "http"}, {":authority", "x"}, {":path", std::string(path)}};
  fields.insert(fields.end(), more.begin(), more.end());
  int32_t stream = submit(0, fields, true);
  flush();
  return stream;
}

int32_t Http2Peer::ask(std::string_view method, std::string_view path, std::string body, Fields more, Fields trailers) {
  Fields fields = {{":method", std::string(method)}, {":scheme", "http"}, {":authority", "x"}, {":path", std::string(path)}};
  for (auto& field : more) {
    auto own = std::ranges::find(fields, field.first, &std::pair<std::string, std::string>::first);
    if (field.first.starts_with(':') && own != fields.end())
      own->second = field.second;
    else
      fields.push_back(field);
  }
  bool has_body = !body.empty() || !trailers.empty();
  int32_t stream = submit(0, fields, has_body);
  out_[stream] = {std::move(body), std::move(trailers), true};
  flush();
  return stream;
}

void Http2Peer::answer(int32_t stream, int status, std::string body, Fields more, Fields trailers) {
  more.insert(more.begin(), {":status", std::to_string(status)});
  bool has_body = !body.empty() || !trailers.empty();
  out_[stream] = {std::move(body), std::move(trailers), true};
  submit(stream, more, has_body);
  flush();
}

void Http2Peer::begin_answer(int32_t stream, int status, Fields more) {
  more.insert(more.begin(), {":status", std::to_string(status)});
  out_[stream] = {};
  submit(stream, more, true);
  flush();
}

void Http2Peer::write(int32_t stream, std::string_view bytes) {
  out_[stream].bytes.append(bytes);
  nghttp2_session_resume_data(session_, stream);
  flush();
}

void Http2Peer::end(int32_t stream, Fields trailers) {
  out_[stream].ended = true;
  out_[stream].trailers = std::move(trailers);
  nghttp2_session_resume_data(session_, stream);
  flush();
}

void Http2Peer::reset(int32_t stream, uint32_t error) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, error);
  flush();
}

void Http2Peer::go_away(int32_t last_stream, uint32_t error) {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last_stream, error, nullptr, 0);
  flush();
}

void Http2Peer::open_window(int32_t stream, int32_t bytes) {
  nghttp2_submit_window_update(session_, NGHTTP2_FLAG_NONE, stream, bytes);
  flush();
}

void Http2Peer::submit_fields(int32_t stream, const Fields& fields) {
  auto laid = laid_out(fields);
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream, nullptr, laid.data(), laid.size(), nullptr);
  flush();
}

// RFC 9113 section 4.1.
bool Http2Peer::send_frame(uint8_t type, uint8_t flags, int32_t stream, std::string_view payload) {
  auto size = static_cast<uint32_t>(payload.size());
  auto id = static_cast<uint32_t>(stream);
  const uint8_t head[] = {uint8_t(size >> 16), uint8_t(size >> 8), uint8_t(size),    type,       flags,
                          uint8_t(id >> 24),   uint8_t(id >> 16),  uint8_t(id >> 8), uint8_t(id)};
  return send_(std::string(text_of(head, sizeof head)).append(payload));
}

bool Http2Peer::flush() {
  const uint8_t* bytes = nullptr;
  std::string all;
  for (ssize_t size; (size = nghttp2_session_mem_send(session_, &bytes)) > 0;)
    all.append(text_of(bytes, static_cast<size_t>(size)));
  return all.empty() || send_(all);
}

bool Http2Peer::receive() {
  flush();
  std::string bytes = read_();
  if (bytes.empty()) return false;
  return nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()) >= 0;
}

bool Http2Peer::until(const std::function<bool()>& condition) {
  while (!condition())
    if (!receive()) return condition();
  flush();
  return true;
}

Http2Peer::Message& Http2Peer::wait_closed(int32_t stream) {
  until([&] { return messages_[stream].closed; });
  return messages_[stream];
}

Http2Peer::Message& Http2Peer::wait_head(int32_t stream) {
  until([&] { return messages_[stream].head_here || messages_[stream].closed; });
  return messages_[stream];
}

int32_t Http2Peer::next_request() {
  if (!until([&] { return !requests_.empty(); })) return 0;
  int32_t stream = requests_.front();
  requests_.erase(requests_.begin());
  return stream;
}

}  // namespace fiso::testing
