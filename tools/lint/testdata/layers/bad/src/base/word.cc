#include <string>
#include "engine/engine.h"
