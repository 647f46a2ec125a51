// Which requests are a browser's on behalf of pages that must not use what only callers on this machine may.
//
// A browser says where a page comes from, if not always: not with a GET to a host that it takes for the page's own. A page whose
// name was made to lead here after it was loaded (DNS rebinding) asks such a host, so what looks like a browser's has to name a
// host that nobody else can have given it. Threading: pure.
#pragma once

#include <string>
#include <vector>

#include "base/header_list.h"

namespace fiso::link {

enum class PageVerdict {
  kFine,
  kOtherSite,  // the browser says that the page is of another site, which is not listed
  kOtherHost,  // a browser asks for a host that is neither an address, nor localhost or below it, nor a listed origin's
};

// Of a request with these fields; `allow_origins` are those whose pages may ask.
PageVerdict judge_page(const HeaderList& headers, const std::vector<std::string>& allow_origins);

}  // namespace fiso::link
