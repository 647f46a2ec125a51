// The only file that knows libfyaml; it is used as a stream of events, which costs no recursion and expands nothing.
#include "config/document.h"

#include <fmt/format.h>
#include <libfyaml.h>

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "config/tree.h"

namespace fiso::config {
namespace {

template <auto kDestroy>
struct Destroyer {
  template <class T>
  void operator()(T* object) const {
    kDestroy(object);
  }
};
using Diagnostics = std::unique_ptr<fy_diag, Destroyer<fy_diag_destroy>>;
using Parser = std::unique_ptr<fy_parser, Destroyer<fy_parser_destroy>>;

Position to_position(const fy_mark* mark, Position otherwise) {
  return mark != nullptr ? Position{mark->line + 1, mark->column + 1} : otherwise;
}

std::string_view token_text(fy_token* token) {
  size_t size = 0;
  const char* text = token != nullptr ? fy_token_get_text(token, &size) : nullptr;
  return text != nullptr ? std::string_view(text, size) : std::string_view();
}

// Length of the well-formed UTF-8 character at the front of `text`; 0 if there is none.
size_t character_length(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  bool outside = (lead == 0xED && byte(1) > 0x9F) || (lead == 0xF4 && byte(1) > 0x8F);
  return overlong || outside ? 0 : length;
}

// libfyaml takes a NUL or a malformed byte for the end of the text, which would silently drop the rest of a file.
bool check_bytes(std::string_view text, const std::string& file, Errors& errors) {
  if (text.size() > kMaxDocumentBytes) {
    errors.add({file, 0, 0, "", fmt::format("larger than {} bytes", kMaxDocumentBytes)});
    return false;
  }
  Position at{1, 1};
  while (!text.empty()) {
    size_t length = character_length(text);
    auto c = static_cast<unsigned char>(text[0]);
    bool control = (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
    if (length == 0 || control) {
      errors.add({file, at.line, at.column, "", length == 0 ? "not valid UTF-8" : fmt::format("control character 0x{:02x}", c)});
      return false;
    }
    at = c == '\n' ? Position{at.line + 1, 1} : Position{at.line, at.column + 1};
    text.remove_prefix(length);
  }
  return true;
}

// libfyaml reads a bracketed value to its end before it tells of its beginning, which for a text of nothing but "{" costs
// hundreds of megabytes. Brackets are counted wherever they stand, in quotes and comments too, hence the generous limit.
bool check_brackets(std::string_view text, const std::string& file, Errors& errors) {
  constexpr size_t kMaxUnclosed = 16 * kMaxNesting;
  size_t unclosed = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '[' || text[i] == '{') ++unclosed;
    if ((text[i] == ']' || text[i] == '}') && unclosed > 0) --unclosed;
    if (unclosed <= kMaxUnclosed) continue;
    int line = static_cast<int>(std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(i), '\n')) + 1;
    errors.add({file, line, 1, "", fmt::format("nested deeper than {} levels", kMaxNesting)});
    return false;
  }
  return true;
}

// Feeds the events of one text into a TreeBuilder.
class EventReader {
 public:
  EventReader(std::string_view text, const std::string& file, Errors& errors)
      : file_(file), errors_(errors), builder_(file, errors) {
    fy_diag_cfg diag_config;
    fy_diag_cfg_default(&diag_config);
    diag_config.fp = nullptr;  // nothing reaches stderr
    diag_config.user = this;
    diag_config.output_fn = [](fy_diag*, void* user, const char* output, size_t size) {
      static_cast<EventReader*>(user)->unplaced_.append(output, size);
    };
    diagnostics_.reset(fy_diag_create(&diag_config));
    fy_diag_set_collect_errors(diagnostics_.get(), true);

    fy_parse_cfg config{};
    config.flags = static_cast<fy_parse_cfg_flags>(FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE | FYPCF_DEFAULT_VERSION_1_2);
    config.diag = diagnostics_.get();
    parser_.reset(fy_parser_create(&config));
    FISO_CHECK(diagnostics_ != nullptr && parser_ != nullptr, "libfyaml could not be set up");
    fy_parser_set_string(parser_.get(), text.data(), text.size());
  }

  EventReader(const EventReader&) = delete;

  // False if the text has no readable document; why has been reported.
  bool read() {
    bool ended = false;  // the document
    for (;;) {
      fy_event* event = fy_parser_parse(parser_.get());
      if (event == nullptr) return report_syntax();
      at_ = to_position(fy_event_start_mark(event), at_);
      fy_event_type type = event->type;
      bool readable = take(*event);
      fy_parser_event_free(parser_.get(), event);
      if (!readable) return false;
      if (type == FYET_STREAM_END) return true;
      if (type == FYET_DOCUMENT_START && ended) return refuse_another();
      ended = ended || type == FYET_DOCUMENT_END;
    }
  }

  TreeBuilder& builder() { return builder_; }

 private:
  bool take(const fy_event& event) {
    switch (event.type) {
      case FYET_SCALAR: return scalar(event.scalar);
      case FYET_MAPPING_START:
        return builder_.open(properties(event.mapping_start.anchor, event.mapping_start.tag), NodeKind::kMap);
      case FYET_SEQUENCE_START:
        return builder_.open(properties(event.sequence_start.anchor, event.sequence_start.tag), NodeKind::kList);
      case FYET_MAPPING_END:
      case FYET_SEQUENCE_END: return builder_.close();
      case FYET_ALIAS: return builder_.alias(at_, token_text(event.alias.anchor));
      default: return true;
    }
  }

  bool scalar(const fy_event_scalar_data& scalar) {
    TreeBuilder::Properties all = properties(scalar.anchor, scalar.tag);
    fy_scalar_style style = fy_token_scalar_style(scalar.value);
    all.quoted = style != FYSS_PLAIN;
    bool in_quotes = style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
    if (in_quotes) --all.position.column;  // libfyaml's mark stands behind the quote
    return builder_.scalar(all, token_text(scalar.value));
  }

  TreeBuilder::Properties properties(fy_token* anchor, fy_token* tag) const { return {at_, token_text(anchor), token_text(tag)}; }

  // What is in it would have no effect. The first one can be read.
  bool refuse_another() {
    errors_.add({file_, at_.line, at_.column, "", "a second document begins here, and a file holds one: split it"});
    return true;
  }

  bool report_syntax() {
    void* cursor = nullptr;
    size_t before = errors_.size();
    while (const fy_diag_error* error = fy_diag_errors_iterate(diagnostics_.get(), &cursor))
      if (error->type == FYET_ERROR) errors_.add({file_, error->line, error->column, "", error->msg});
    if (errors_.size() == before) errors_.add({file_, at_.line, at_.column, "", unplaced_message()});
    return false;
  }

  // Faults in a %YAML or %TAG line come without a place, as "[ERR]: what".
  std::string unplaced_message() const {
    std::string_view message = unplaced_;
    if (size_t colon = message.find("]: "); colon != std::string_view::npos) message.remove_prefix(colon + 3);
    message = message.substr(0, message.find('\n'));
    return message.empty() ? "not valid YAML" : std::string(message);
  }

  const std::string& file_;
  Errors& errors_;
  TreeBuilder builder_;
  Position at_{1, 1};  // of the event at hand; of the one before it where YAML leaves a value out
  std::string unplaced_;
  Diagnostics diagnostics_;
  Parser parser_;
};

const TreeNode kNothing;
const std::string kNoFile;

}  // namespace

std::optional<Document> Document::parse(std::string_view text, std::string file_name, Errors& errors) {
  if (!check_bytes(text, file_name, errors) || !check_brackets(text, file_name, errors)) return std::nullopt;
  EventReader reader(text, file_name, errors);
  if (!reader.read()) return std::nullopt;
  uint32_t root = 0;
  std::shared_ptr<const Tree> tree = reader.builder().finish(root);
  return Document(Node(std::move(tree), root, Node::Presence::kWritten));
}

Node Node::nothing_in(const Node& enclosing) { return Node(enclosing.tree_, enclosing.index_, Presence::kAbsent); }

NodeKind Node::kind() const { return presence_ == Presence::kAbsent ? NodeKind::kNull : tree_->nodes[index_].kind; }
Position Node::position() const { return tree_ == nullptr ? Position{} : tree_->nodes[index_].position; }
const std::string& Node::file() const { return tree_ == nullptr ? kNoFile : tree_->file; }
const std::string& Node::text() const { return presence_ == Presence::kAbsent ? kNothing.text : tree_->nodes[index_].text; }
bool Node::is_quoted() const { return presence_ == Presence::kWritten && tree_->nodes[index_].quoted; }

bool Node::looks_like_bool() const {
  constexpr std::string_view kWords[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
  return !is_quoted() && std::find(std::begin(kWords), std::end(kWords), text()) != std::end(kWords);
}

bool Node::looks_like_number() const {
  std::string_view digits = text();
  if (is_quoted() || digits.empty()) return false;
  if (digits[0] == '+' || digits[0] == '-') digits.remove_prefix(1);
  if (digits == ".inf" || digits == ".nan") return true;
  if (digits.starts_with("0x") || digits.starts_with("0o"))
    return digits.size() > 2 && digits.find_first_not_of("0123456789abcdefABCDEF", 2) == digits.npos;
  if (digits.empty() || (digits[0] != '.' && (digits[0] < '0' || digits[0] > '9'))) return false;
  double number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error != std::errc::invalid_argument && end == digits.data() + digits.size();
}

size_t Node::size() const {
  if (presence_ == Presence::kAbsent) return 0;
  const TreeNode& node = tree_->nodes[index_];
  return node.kind == NodeKind::kMap ? node.children.size() / 2 : node.children.size();
}

std::vector<Entry> Node::entries() const {
  std::vector<Entry> entries;
  if (kind() != NodeKind::kMap) return entries;
  const std::vector<uint32_t>& children = tree_->nodes[index_].children;
  for (size_t i = 0; i < children.size(); i += 2)
    entries.push_back({Node(tree_, children[i], Presence::kWritten), Node(tree_, children[i + 1], Presence::kWritten)});
  return entries;
}

std::optional<Node> Node::find(std::string_view key) const {
  if (kind() != NodeKind::kMap) return std::nullopt;
  const std::vector<uint32_t>& children = tree_->nodes[index_].children;
  for (size_t i = 0; i < children.size(); i += 2)
    if (tree_->nodes[children[i]].text == key) return Node(tree_, children[i + 1], Presence::kWritten);
  return std::nullopt;
}

std::vector<Node> Node::items() const {
  std::vector<Node> items;
  if (kind() != NodeKind::kList) return items;
  for (uint32_t child : tree_->nodes[index_].children) items.push_back(Node(tree_, child, Presence::kWritten));
  return items;
}

std::string describe(const Node& node) {
  switch (node.kind()) {
    case NodeKind::kNull: return "nothing";
    case NodeKind::kMap: return "a map";
    case NodeKind::kList: return "a list";
    case NodeKind::kText: break;
  }
  if (node.looks_like_number()) return "the number " + node.text();
  if (node.looks_like_bool()) return node.text();
  return "the text " + quote(node.text());
}

}  // namespace fiso::config
