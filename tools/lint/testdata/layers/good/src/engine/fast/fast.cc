#include "base/word.h"
#include "engine/engine.h"
#include "engine/fast/fast.h"
