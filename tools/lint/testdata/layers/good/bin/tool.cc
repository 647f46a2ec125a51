#include "base/word.h"
#include "engine/engine.h"
