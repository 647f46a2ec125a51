#include "config/describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/spec.h"

namespace fiso::config {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

enum class Mode { kFast, kSafe };

struct Tls {
  std::string cert_file;
};

struct Sink {
  std::string type;
  Node config;
};

struct HttpSink {
  std::string url;
  std::string method = "POST";
  Secret token{"a default that must not show"};
};

struct Flow {
  std::string name;
  Mode mode = Mode::kSafe;
  int64_t retries = 3;
  bool open = false;
  Duration timeout = 30s;
  Bytes limit = 10_MiB;
  std::vector<std::string> brokers;
  std::map<std::string, Secret> headers;
  std::vector<Tls> listeners;
  Sink sink;
};

Spec<HttpSink> http_sink() {
  return Spec<HttpSink>("http", "Delivers each event by HTTP.")
      .required("url", &HttpSink::url, "Where events go.")
      .field("method", &HttpSink::method, "How: POST | PUT.", {.one_of = {"POST", "PUT"}})
      .field("token", &HttpSink::token, "Who we are.");
}

Spec<Flow> flow() {
  auto tls = Spec<Tls>("tls", "").field("certFile", &Tls::cert_file, "The certificate.");
  auto sink = Spec<Sink>("sink", "")
                  .required("type", &Sink::type, "Which sink.", {.one_of = {"http"}})
                  .field("config", &Sink::config, "Its settings.")
                  .variants("config", "type", {{"http", http_sink().share()}});
  return Spec<Flow>("flow", "Moves events.")
      .required("name", &Flow::name, "Its name.")
      .choice("mode", &Flow::mode, "How.", {{"fast", Mode::kFast}, {"safe", Mode::kSafe}})
      .field("retries", &Flow::retries, "Attempts.", {.min = 0, .max = 10})
      .field("open", &Flow::open, "Whether.")
      .field("timeout", &Flow::timeout, "How long.", {.min = 1ms})
      .field("limit", &Flow::limit, "How large.")
      .required("brokers", &Flow::brokers, "Who to ask.")
      .field("headers", &Flow::headers, "More.")
      .field("listeners", &Flow::listeners, tls, "Where.")
      .required("sink", &Flow::sink, sink, "Where to.")
      .unsupported("transform", "not part of this release");
}

TEST(Describe, MarkdownHasARowForEachKey) {
  EXPECT_EQ(to_markdown(flow().view()), R"(### flow

Moves events.

| key | type | default | meaning |
|---|---|---|---|
| `name` | text | **required** | Its name. |
| `mode` | `fast`, `safe` | `safe` | How. |
| `retries` | whole number, 0 to 10 | `3` | Attempts. |
| `open` | true or false | `false` | Whether. |
| `timeout` | duration, at least 1ms | `30s` | How long. |
| `limit` | size | `10MiB` | How large. |
| `brokers` | list of text | **required** | Who to ask. |
| `headers` | map of secret |  | More. |
| `listeners` | list of map |  | Where. |
| `listeners[].certFile` | text |  | The certificate. |
| `sink` | map | **required** | Where to. |
| `sink.type` | `http` | **required** | Which sink. |
| `sink.config` | map |  | Its settings. |
| `transform` | | | *Refused:* not part of this release |

### `sink.type: http`

Delivers each event by HTTP.

| key | type | default | meaning |
|---|---|---|---|
| `sink.config.url` | text | **required** | Where events go. |
| `sink.config.method` | `POST`, `PUT` | `POST` | How: POST \| PUT. |
| `sink.config.token` | secret |  | Who we are. |

)");
}

TEST(Describe, SchemaOfASmallStruct) {
  struct Small {
    std::string name;
    Duration timeout = 5s;
  };
  auto spec = Spec<Small>("small", "A \"small\" one.")
                  .required("name", &Small::name, "Its name.")
                  .field("timeout", &Small::timeout, "How long.");
  EXPECT_EQ(to_json_schema(spec.view()), R"({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "small",
  "description": "A \"small\" one.",
  "type": "object",
  "properties": {
    "name": {
      "type": "string",
      "minLength": 1,
      "description": "Its name."
    },
    "timeout": {
      "anyOf": [
        {
          "type": "string",
          "pattern": "^(0|([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))+)$"
        },
        {
          "const": 0
        }
      ],
      "description": "How long.",
      "default": "5s"
    }
  },
  "required": [
    "name"
  ],
  "additionalProperties": false
}
)");
}

// Whitespace aside, which the schema above pins down.
std::string compact_schema() {
  std::string compact;
  for (char c : to_json_schema(flow().view()))
    if (c != ' ' && c != '\n') compact += c;
  return compact;
}

TEST(Describe, SchemaSaysWhichTextFits) {
  struct Texts {
    std::string path;
    Mode mode = Mode::kFast;
  };
  auto spec = Spec<Texts>("texts", "")
                  .field("path", &Texts::path, "", {.pattern = "^/"})
                  .choice("mode", &Texts::mode, "", {{"a-b", Mode::kFast}}, {.match = Match::kIgnoreCase});
  std::string schema = to_json_schema(spec.view());
  EXPECT_THAT(schema, HasSubstr(R"("pattern": "^/")"));
  EXPECT_THAT(schema, HasSubstr(R"("pattern": "^[ \\t\\r\\n]*([aA]-[bB])[ \\t\\r\\n]*$")"));
  EXPECT_THAT(schema, Not(HasSubstr("enum")));
}

TEST(Describe, SchemaKnowsEveryType) {
  std::string schema = compact_schema();
  for (
      const char* part : {
          R"("mode":{"type":"string","enum":["fast","safe"],"description":"How.","default":"safe"})",
          R"("retries":{"type":"integer","minimum":0,"maximum":10,"description":"Attempts.","default":3})",
          R"("open":{"type":"boolean","description":"Whether.","default":false})",
          R"("brokers":{"type":"array","items":{"type":["string","number","boolean"]},"minItems":1,"description":"Whotoask."})",
          R"("headers":{"type":"object","additionalProperties":{"anyOf":[{"type":["string","number","boolean"]},{"type":"object","properties":{"fromEnv":)",
          R"("listeners":{"type":"array","items":{"type":"object","properties":{"certFile":{"type":"string","description":"Thecertificate."}},"additionalProperties":false})",
          R"("required":["name","brokers","sink"],"additionalProperties":false)",
      })
    EXPECT_THAT(schema, HasSubstr(part));
}

TEST(Describe, SchemaChoosesAMapByItsSelector) {
  EXPECT_THAT(compact_schema(), HasSubstr(R"("allOf":[{"if":{"properties":{"type":{"const":"http"}},"required":["type"]},)"
                                          R"("then":{"properties":{"config":{"type":"object","properties":{"url":)"));
}

TEST(Describe, NeitherShowsSecretsOrOffersWhatIsRefused) {
  for (const std::string& text : {to_markdown(flow().view()), to_json_schema(flow().view())})
    EXPECT_THAT(text, Not(HasSubstr("must not show")));
  EXPECT_THAT(compact_schema(), Not(HasSubstr("transform")));
}

}  // namespace
}  // namespace fiso::config
