#include "engine/fast/fast.h"
