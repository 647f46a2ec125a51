// What a request becomes on a topic: its key, and its headers.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/header_list.h"
#include "base/result.h"
#include "link/kafka_config.h"

namespace fiso::link {

// Nothing is no key. kInvalidInput if the request has not what the key is made of; the message is the caller's to read.
Result<std::optional<std::string>> record_key(const KafkaKey& key, const HeaderList& headers, std::string_view body);

// The caller's fields, by the names that HTTP knows them by whatever their case was, without those that end here: fields of one
// hop and of HTTP's framing, and what proves who the caller is. `fixed` replace those of the same name.
HeaderList record_headers(const HeaderList& headers, const std::map<std::string, std::string>& fixed,
                          std::string_view correlation_id);

}  // namespace fiso::link
