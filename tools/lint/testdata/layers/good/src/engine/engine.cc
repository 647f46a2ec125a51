#include "base/word.h"
#include "third_party.h"
